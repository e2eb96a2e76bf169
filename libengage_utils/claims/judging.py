"""A judged claim: as a card in a notebook and as data in a report."""

import re
from dataclasses import asdict, dataclass
from html import escape

import pandas as pd

from .rules import CLAIMS, VERDICTS

MIME = "application/vnd.libengage.claim+json"
CAUSAL = re.compile(r"\b(?:effects?|impacts?|caus(?:e|es|ed|ing|al|ally)|because of|due to|thanks to|as a result of|led to|"
                    r"brought (?:\w+ )?back)\b", re.I)


@dataclass(frozen=True)
class ClaimCard:
    """A judged claim. Shown by a notebook as a card, and carried to the report as data.

    Attributes
    ----------
    id, claim, reading, rule, estimate, interval, verdict, answer, across, firm, reworded : str
        All in words, numbers formatted; `interval` is empty where there is none, `across` (how estimate and verdict move)
        and `firm` (how many sets of choices give the verdict) where the estimate was not made under other choices,
        `reworded` where the rule stands as it was written before.
    shaky : bool
        Whether fewer than half of the sets of choices give the verdict.
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
    firm: str = ""
    reworded: str = ""
    shaky: bool = False

    @property
    def rule_heading(self):
        """When the rule was written."""
        return "Rule, reworded after an estimate was seen" if self.reworded else "Rule, written before the estimate was seen"

    def to_dict(self):
        return asdict(self)

    def _repr_mimebundle_(self, include=None, exclude=None):
        rows = [("Claim", f"{self.id}: {self.claim}"), ("Read here as", self.reading), (self.rule_heading, self.rule),
                ("Reworded because", self.reworded), ("Estimate", self.estimate), ("95% interval", self.interval),
                ("Verdict", self.verdict), ("In words", self.answer), ("Across assumptions", self.across)]
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


def judge(claim, estimate=None, interval=None, *, answer="", missing="", untold="", specifications=None):
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
    untold : str
        What was not written down in time, where the claim could have been tested and now cannot be told.
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
    >>> judge("C01", untold="No forecast was recorded.").verdict
    'cannot tell'
    """
    claim = CLAIMS[claim] if isinstance(claim, str) else claim
    if not claim.by_lot:
        without_cause(answer)
    if estimate is None or estimate != estimate:
        return ClaimCard(claim.id, claim.says, claim.reading, claim.rule, "none", "", VERDICTS[2 if untold else 3],
                         " ".join(part for part in (missing, untold, answer) if part), reworded=claim.reworded)
    shown = claim.show(estimate)
    low, high = interval if interval is not None else (float("nan"), float("nan"))
    if low > estimate or high < estimate:
        raise ValueError(f"{claim.id}: the interval {low:g} to {high:g} does not hold the estimate {estimate:g}; "
                         "check that both are of the same quantity.")
    verdict = claim.verdict(low, high)
    span = f"{claim.limit(low).removesuffix(claim.unit)} to {claim.limit(high)}" if interval is not None else ""
    across, firm, shaky = ("", "", False) if specifications is None else _across(claim, verdict, specifications)
    return ClaimCard(claim.id, claim.says, claim.reading, claim.rule, shown, span, verdict, answer, across, firm,
                     claim.reworded, shaky)


def how_many_agree(alike, many):
    """How many of several sets of choices give a verdict, in words.

    Examples
    --------
    >>> how_many_agree(8, 8), how_many_agree(22, 24), how_many_agree(8, 24)
    ('all 8', '22 of 24', 'only 8 of 24')
    """
    return f"all {many}" if alike == many else f"{'only ' if 2 * alike < many else ''}{alike} of {many}"


def _across(claim, verdict, table):
    """How the verdict and the estimate move over the choices, in a sentence or two; how many agree, and whether few do."""
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
    elif shared := _shared(known, (verdicts == verdict).to_numpy() & bool(len(others))):
        words += f" What sets those apart that agree: {'; '.join(shared)}."
    judged = known.loc[known["judged"], "estimate"] if "judged" in known else known["estimate"][:0]
    if list(others.index) == [VERDICTS[2]] and len(judged) and (
            known["low"].le(judged.iloc[0]) & known["high"].ge(judged.iloc[0])).all():
        words += " All intervals hold the estimate judged: the others are less precise rather than different."
    if len(judged) and len(known) > 2 and judged.iloc[0] in (ends := (known["estimate"].min(), known["estimate"].max())):
        words += f" The estimate judged is the {'lowest' if judged.iloc[0] == ends[0] else 'highest'} of them all."
    left = len(table) - len(known)
    words += f" Could not be computed: {left}." if left else ""
    return words, f"under {how_many_agree(alike, len(known))} sets of choices", 2 * alike < len(known)


def _shared(table, others):
    """Choices that all these rows make, and not every other row, in words."""
    figures = ("estimate", "low", "high", "rests_on", "why", "judged")
    names = [name for name in table if name not in figures] if others.any() else []
    return [table.loc[others, name].iloc[0] for name in names
            if table.loc[others, name].nunique() == 1 < table[name].nunique()]
