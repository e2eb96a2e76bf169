"""What goes with what over time, and, where a lot decided, what a letter did."""

from .by_group import effect_by_group
from .choices import balance, letter_effect
from .contacts import follow
from .discontinuity import discontinuity
from .extremes import extremes
from .friction import return_model, standardised_return
from .holdout import holdout_effect, log_rank
from .left_alone import fewer_back
from .list_rates import rate_model
from .matching import matched_difference
from .mediation import mediation
from .off_the_way import off_the_way, once_alike
from .person_terms import person_terms, terms_between
from .recovery import recovery
from .returns import return_curves, returns_after
from .seen import followed_rhythms, seen_again, unasked_returns
from .shares import share_returned
from .sizes import enough_words, people_needed, sizes_by_rise, smallest_difference
from .staggered import event_study, placebo
from .two_way import two_way
from .uplift import qini
from .waves import stepped_waves
from .worth import cost_per_return, harm, naive

__all__ = ["balance", "cost_per_return", "discontinuity", "effect_by_group", "enough_words", "event_study",
           "extremes", "fewer_back", "follow", "followed_rhythms", "harm", "holdout_effect", "letter_effect", "log_rank",
           "matched_difference", "mediation", "naive", "off_the_way", "once_alike", "people_needed", "person_terms",
           "placebo", "qini", "rate_model", "recovery", "return_curves", "return_model", "returns_after",
           "seen_again", "share_returned", "sizes_by_rise", "smallest_difference", "standardised_return",
           "stepped_waves", "terms_between", "two_way", "unasked_returns"]
