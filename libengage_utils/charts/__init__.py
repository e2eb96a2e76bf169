"""The house figures: uncertainty drawn, a title that states the finding, alt text from the numbers."""

from .assumptions import specification_curve
from .estimates import intervals, lorenz, profile, ranked, stability
from .journeys import arc, contrast, extremes, paths_between, returned, sensitivity
from .letters import gain, jump, promise
from .listening import agenda, agreement_of_halves, themes
from .lists import event_time
from .people import UNSEEN, hundred_people, movement, segment_shares, squares_of, weeks
from .style import alt_text, fewest, house_style, least, number, percent, shown, span, svg
from .ways import declared_way, uptake

__all__ = ["UNSEEN", "agenda", "agreement_of_halves", "alt_text", "arc", "contrast", "declared_way", "event_time",
           "extremes", "fewest", "gain", "house_style", "hundred_people", "intervals", "jump", "least", "lorenz", "movement",
           "number", "paths_between", "percent", "profile", "promise", "ranked", "returned", "segment_shares", "sensitivity",
           "shown", "span", "specification_curve", "squares_of", "stability", "svg", "themes", "uptake", "weeks"]
