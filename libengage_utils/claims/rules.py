"""The claims and their rules, each written before its estimate was seen; where one was reworded later, it says so."""

import re
from dataclasses import dataclass, replace

VERDICTS = ("supported here", "not supported here", "cannot tell", "not testable with this data")
# Each verdict's class in a style sheet and its sign, so that colour is never the only difference.
SIGNS = dict(zip(VERDICTS, (("supported", "\N{CHECK MARK}"), ("unsupported", "\N{MULTIPLICATION X}"), ("unclear", "?"),
                            ("untestable", "\N{MINUS SIGN}")), strict=True))


@dataclass(frozen=True)
class Claim:
    """A claim and the rule that judges it, written before any estimate is seen, unless it says that it was reworded.

    The rule compares one number with one threshold: supported where the whole interval lies on the side
    of the threshold that the claim is on, not supported where it lies on the other, otherwise it cannot
    be told.

    Attributes
    ----------
    id, says : str
        Its number, and the claim as the discussion puts it.
    quantity : str
        The number compared, in words.
    threshold : float
        Where the rule draws its line.
    side : {"at least", "below"}
        The side of the threshold that supports the claim.
    form : str
        Format of the number, such as ".0%".
    why : str
        Where the threshold comes from.
    unit : str
        Words after the number, such as " points".
    reading : str
        What of the claim is tested, where that is less than it says.
    by_lot : bool
        Whether its number compares people whom a lot chose with people it did not, so that a cause may be named.
    reworded : str
        What of the rule was changed after an estimate had been seen, and why.
    """

    id: str
    says: str
    quantity: str
    side: str
    threshold: float
    form: str
    why: str
    unit: str = ""
    reading: str = ""
    by_lot: bool = False
    reworded: str = ""

    def show(self, number):
        """A number as it is written: in the claim's format, with its unit."""
        words = format(number, self.form)
        signed = words.replace("-", "\N{MINUS SIGN}") if any(digit in words for digit in "123456789") else words.lstrip("-")
        return signed + self.unit

    def verdict(self, low, high):
        """The verdict that the rule gives for a 95 % interval; without one it cannot be told."""
        above, below = (0, 1) if self.side == "at least" else (1, 0)
        return VERDICTS[above if low >= self.threshold else below if high < self.threshold else 2]

    def limit(self, number):
        """A limit as it is written, with one digit more where it would else seem to lie on the threshold."""
        if number != self.threshold and self.show(number) == self.show(self.threshold):
            digits = int(re.search(r"\.(\d+)", self.form)[1])
            return replace(self, form=self.form.replace(f".{digits}", f".{digits + 1}")).show(number)
        return self.show(number)

    @property
    def rule(self):
        """The rule as a sentence."""
        at, other = self.show(self.threshold), {"at least": "below", "below": "at least"}[self.side]
        return (f"Supported if {self.quantity} is {self.side} {at} over the whole 95% interval; not supported if the "
                f"whole interval is {other} {at}; otherwise it cannot be told. {self.why}")


CLAIMS = {claim.id: claim for claim in (
    Claim("C01", "\u2018Here is the beautiful service we designed for you\u2019, and then disappointment at uptake.",
          "the share of the forecast uptake that was reached by the day forecast, all services with a forecast together,",
          "below", 0.8, ".0%", "Four fifths is set as the mark, since few would call it a disappointment to miss by less.",
          reading="New services were taken up by fewer people, by a fifth or more, than was written down before their "
          "launch. Whether the forecasts were reasonable is not tested."),
    Claim("C02", "Use is concentrated in a few.",
          "the share of use made by the most active fifth of the people seen", "at least", 0.5, ".0%",
          "Half is set as the mark because a fifth making half is what \u201ca few\u201d says; people never seen are left "
          "out because counting them only makes use look more concentrated."),
    Claim("C03", "We spend our time on the already engaged.",
          "the concentration index of staff minutes over people ranked by their use in the period before", "at least", 0.2,
          ".2f", "At .2 about three minutes in twenty would have to move from the more engaged half of people to the other "
          "for the index to be 0 (Koolman & van Doorslaer 2004); people never seen are left out because counting them only "
          "makes the time look more unequal.",
          reading="Staff time that acts of known people took goes to those who used the library more in the period before. "
          "Time that no known person's act explains is shown apart."),
    Claim("C04", "Engagement has several dimensions: behaviour, affect, participation.",
          "the largest correlation between two of them, corrected for unreliable measurement,", "below", 0.85, ".2f",
          "From .85 on, two measures are customarily taken for one thing (R\u00f6nkk\u00f6 & Cho 2022)."),
    Claim("C05", "The experiences people have with us drive emotion that in turn fuels engagement.",
          "the indirect association of experience with later use through feeling, in standard deviations,", "at least", 0.01,
          ".3f", "One hundredth is what two small correlations in a row, of a tenth each, make.",
          reading="Experience goes with feeling, and feeling with use in the next term, use in the term before held fixed. "
          "What drives what is not tested."),
    Claim("C07", "Very big highs and lows.",
          "what the two ends of the scale hold of unasked ratings, beyond the likeliest distribution with a single hump,",
          "at least", 5, ".1f", "Five in a hundred is set as the least that is worth speaking of two camps.", " points",
          "Ratings given unasked are of two extremes. Whether people in general feel so, a survey tells better."),
    Claim("C08", "People remember the peak and the end.",
          "how much more of the variance of overall ratings peak and end account for than the plain mean of the steps",
          "at least", 2, ".1f", "To matter they must beat the mean; less than two points would change nothing that is done.",
          " points",
          "Peak and end tell more of how the whole is rated than the plain mean of the steps does."),
    Claim("C09", "Effort and friction cost us people.",
          "how many fewer come back within 90 days of an errand with a failure left as it was than of one without, "
          "service and earlier use alike,", "at least", 5, ".1f",
          "Five in a hundred is set as the least loss worth a plan.", " points",
          "People come back less after a failure that nobody put right. Other friction is shown and not judged."),
    Claim("C10", "A well-recovered failure beats no failure.",
          "how many more come back within 90 days of an errand with a failure put right than of a like errand without any",
          "at least", 2, ".1f", "Behaviour is judged, since satisfaction is known to rise (de Matos and others 2007); two "
          "in a hundred is set as the least that would be a gain.", " points",
          "More people come back after a failure put right than after a like errand without one."),
    Claim("C12", "Non-users have reasons.",
          "the largest standardised difference in being never seen, between the commonest mode, level or site and another,",
          "at least", 5, ".0f",
          "Five points are set as the least difference worth planning for; the interval allows for having "
          "looked at several circumstances.", " points",
          "Being never seen goes with mode, level or site. Why it does is not tested."),
    Claim("C14", "\u2018We miss you\u2019 brought them back.",
          "how many more came back, within the days registered, of those a lot chose to write to than of those held back,",
          "at least", 1, ".1f", "One in a hundred is set as the least that a letter to everybody would be worth.", " points",
          "People drawn at random to get the letter came back more often than people drawn at random to get none. Where "
          "nobody was drawn at random, this is not tested.", by_lot=True),
    Claim("C16", "Services made together with their users get more uptake.",
          "the rise in openings per student and week once a module makes its reading list together with students, over and "
          "above the change among modules that do not yet,", "at least", 10, ".0f",
          "One opening more in ten is set as the least that would repay the time.", "%",
          "Lists are opened more after their module began to make them together with students. Modules choose for "
          "themselves whether and when, so whatever else a keen teacher does goes with it."),
    Claim("C17", "How a reading list is made relates to its use.",
          "the largest difference in openings per student and week that goes with one feature of a list (items noted, "
          "digitised, essential; length), from a low to a high tenth of lists, the others alike,", "at least", 10, ".0f",
          "One opening in ten is set as the least worth changing a list for; the interval allows for having looked at "
          "several features.", "%",
          "Features of a list go with how often it is opened. Opening is not reading, and why it was opened is not tested.",
          reworded="The first wording compared all items with none, or twice the length: so far apart that hardly any list "
          "lies there, and that no data could have counted against the claim. The mark was not moved."),
    Claim("C18", "There is a \u2018right way\u2019, and people do not follow it.",
          "the share of errands that leave the way declared for them", "at least", 0.5, ".0%",
          "Half is set as the mark because \u201cpeople do not follow it\u201d says that most do not.",
          reading="More errands leave the declared way than keep to it, as far as systems record them. Which way is the "
          "better one is not tested."),
    Claim("C19", "We already gather enough to act on.",
          "the least of three shares over all the time on record (people with an act or an answer; services that enough "
          "people used and spoke of; feedback that can be tied to a person, an errand or a service)", "at least", 0.75,
          ".0%", "Three in four is set as the least on which a plan for everybody could rest; enough people are the "
          "study\u2019s smallest count that may be shown.",
          reading="Activity and feedback that are already there speak of most people and of most services. Whether what "
          "they say is right is not tested.",
          reworded="That all the time on record is meant was first not said, though it was what had been computed. The mark "
          "was not moved."),
)}
