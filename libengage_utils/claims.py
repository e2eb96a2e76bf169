"""A claim's rule, estimate and verdict: as a card in a notebook and as data in a report."""

import re
from dataclasses import asdict, dataclass, replace
from html import escape

import pandas as pd

VERDICTS = ("supported here", "not supported here", "cannot tell", "not testable with this data")
MIME = "application/vnd.libengage.claim+json"
CAUSAL = re.compile(r"\b(?:effects?|impacts?|caus(?:e|es|ed|ing|al|ally)|because of|due to|thanks to|as a result of|led to|"
                    r"brought (?:\w+ )?back)\b", re.I)


@dataclass(frozen=True)
class Claim:
    """A claim and the rule that judges it, written before any estimate is seen.

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
)}


@dataclass(frozen=True)
class ClaimCard:
    """A judged claim. Shown by a notebook as a card, and carried to the report as data.

    Attributes
    ----------
    id, claim, reading, rule, estimate, interval, verdict, answer, across : str
        All in words, numbers formatted; `interval` is empty where there is none, `across` where the estimate was not
        made under other assumptions.
    """

    id: str
    claim: str
    reading: str
    rule: str
    estimate: str
    interval: str
    verdict: str
    answer: str
    across: str = ""

    def to_dict(self):
        return asdict(self)

    def _repr_mimebundle_(self, include=None, exclude=None):
        rows = [("Claim", f"{self.id}: {self.claim}"), ("Read here as", self.reading), ("Rule, written before", self.rule),
                ("Estimate", self.estimate), ("95% interval", self.interval), ("Verdict", self.verdict),
                ("In words", self.answer), ("Across assumptions", self.across)]
        table = "".join(f"<tr><th scope='row' style='text-align:left'>{escape(name)}</th>"
                        f"<td style='text-align:left'>{escape(value)}</td></tr>" for name, value in rows if value)
        return {MIME: self.to_dict(), "text/html": f"<table>{table}</table>",
                "text/plain": f"{self.id}: {self.verdict}. {self.answer}"}


def more_or_fewer(estimate, low, high):
    """A difference of counts in words, such as "15 fewer"; "about as many" where its interval holds 0.

    Examples
    --------
    >>> more_or_fewer(-15.2, -17, -13), more_or_fewer(3.4, 1, 6), more_or_fewer(-0.9, -3, 2)
    ('15 fewer', '3 more', 'about as many')
    """
    if not (low > 0 or high < 0):
        return "about as many"
    size = abs(estimate)
    return f"{size:.{0 if size >= 1 else 1}f} {'more' if estimate > 0 else 'fewer'}"


def without_cause(words):
    """The words, if they name no cause; only a lot earns one.

    Raises
    ------
    ValueError
        If they speak of an effect, a cause, or of somebody brought back.

    Examples
    --------
    >>> without_cause("More came back of those written to.")
    'More came back of those written to.'
    """
    if found := CAUSAL.search(words):
        raise ValueError(f"\u201c{found[0]}\u201d names a cause, and no lot decided who got what: say what goes with what.")
    return words


def judge(claim, estimate=None, interval=None, *, answer="", missing="", specifications=None):
    """Judge a claim by its rule.

    Parameters
    ----------
    claim : Claim or str
        A claim, or the number of one in `CLAIMS`.
    estimate : float, optional
        The quantity the rule names; left out where it cannot be computed.
    interval : tuple of float, optional
        Its 95 % interval. An estimate without an interval cannot be told.
    answer : str
        One sentence that says what was found, from the numbers.
    missing : str
        What the study lacks, where the claim cannot be tested with it.
    specifications : DataFrame, optional
        The estimate under other reasonable choices, as made by `specifications.specifications`; the card then says
        how far the verdict depends on them. The verdict itself is that of the estimate given.

    Returns
    -------
    ClaimCard

    Raises
    ------
    ValueError
        If the interval does not hold the estimate, or the answer names a cause where no lot earns one.

    Examples
    --------
    >>> judge("C02", 0.71, (0.69, 0.73)).verdict
    'supported here'
    >>> judge("C02", 0.52, (0.47, 0.57)).verdict
    'cannot tell'
    >>> judge("C12", missing="It records no mode, level or site.").verdict
    'not testable with this data'
    """
    claim = CLAIMS[claim] if isinstance(claim, str) else claim
    if not claim.by_lot:
        without_cause(answer)
    if estimate is None or estimate != estimate:
        return ClaimCard(claim.id, claim.says, claim.reading, claim.rule, "none", "", VERDICTS[3],
                         " ".join(part for part in (missing, answer) if part))
    shown = claim.show(estimate)
    low, high = interval if interval is not None else (float("nan"), float("nan"))
    if low > estimate or high < estimate:
        raise ValueError(f"{claim.id}: the interval {low:g} to {high:g} does not hold the estimate {estimate:g}; "
                         "check that both are of the same quantity.")
    verdict = claim.verdict(low, high)
    span = f"{claim.limit(low).removesuffix(claim.unit)} to {claim.limit(high)}" if interval is not None else ""
    across = "" if specifications is None else _across(claim, verdict, specifications)
    return ClaimCard(claim.id, claim.says, claim.reading, claim.rule, shown, span, verdict, answer, across)


def _across(claim, verdict, table):
    """How the verdict and the estimate move over the choices, in a sentence or two."""
    known = table.dropna(subset=["estimate"])
    verdicts = pd.Series([claim.verdict(low, high) for low, high in zip(known["low"], known["high"], strict=True)])
    alike = int((verdicts == verdict).sum())
    low, high = (claim.show(known["estimate"].agg(end)) for end in ("min", "max"))
    words = (f"Under {len(known)} sets of choices the estimate goes from {low.removesuffix(claim.unit)} to {high}, with the "
             f"same verdict under {'all' if alike == len(known) else alike} of them")
    others = verdicts[verdicts != verdict].value_counts()
    words += f" ({'; '.join(f'{other}: {number}' for other, number in others.items())})." if len(others) else "."
    if shared := _shared(known, (verdicts != verdict).to_numpy()):
        words += f" What sets {'the other' if others.sum() == 1 else 'all the others'} apart: {'; '.join(shared)}."
    judged = known.loc[known["judged"], "estimate"] if "judged" in known else known["estimate"][:0]
    if len(others) and len(judged) and known["low"].le(judged.iloc[0]).all() and known["high"].ge(judged.iloc[0]).all():
        words += " All intervals hold the estimate judged: the others are less precise rather than different."
    left = len(table) - len(known)
    return words + (f" Could not be computed: {left}." if left else "")


def _shared(table, others):
    """Choices that all these rows make, and not every other row, in words."""
    names = [name for name in table if name not in ("estimate", "low", "high", "why", "judged")] if others.any() else []
    return [table.loc[others, name].iloc[0] for name in names
            if table.loc[others, name].nunique() == 1 < table[name].nunique()]
