"""What a letter is worth: what a reading of before and after would make of it, its harm, and the cost of a return."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from ..privacy import about
from .contacts import need_followed
from .shares import difference, ratio, share_returned


@dataclass(frozen=True)
class NaiveReading:
    """What before and after would claim of a letter, beside what the lot says; made by `naive`.

    Attributes
    ----------
    table : DataFrame
        label, estimate, low, high, in 100 people: those written to, whose share "before" is 0 by the rule that chose them;
        those chosen by the same rule on an earlier day; those held back by lot; and what the letter added.
    times, low, high : float
        The first divided by the last, with its 95% interval: how many times too large the naive number is. `high` is
        infinite where the letter may have added nothing.
    """

    table: pd.DataFrame = field(repr=False)
    times: float
    low: float
    high: float
    earlier: tuple

    @property
    def headline(self):
        """The naive number against the lot's, in a sentence."""
        added = self.table.iloc[-1]
        if np.isnan(added["estimate"]):
            return "Too few people came back, or stayed away, for a naive reading to be set beside the lot."
        lot = (f"the lot says {added['estimate']:.0f} ({added['low']:.0f} to {added['high']:.0f})"
               if not added["low"] <= 0 <= added["high"] else "by the lot it cannot be told whether it added any")
        return f"Before and after would claim {self.table['estimate'].iloc[0]:.0f} returns for every 100 letters; {lot}."

    @property
    def summary(self):
        """The finding in two or three sentences."""
        written, before, held, added = self.table["estimate"]
        if np.isnan(added):
            return self.headline
        words = ("In the days that the rule counts none of these people had been seen, since it chose them for that: before "
                 f"and after would claim {written:.1f} returns for every 100 letters. Of those held back by lot, {held:.1f} "
                 "in 100 came back unasked")
        if not np.isnan(before):
            compared = ("about as many as" if self.earlier[1] <= 0 <= self.earlier[2] else
                        "fewer than" if self.earlier[0] < 0 else "more than")
            words += f"; by the same rule on an earlier day, {before:.1f}, {compared} in the holdout"
        if np.isfinite(self.high):
            return words + (f". The naive number is {self.times:.1f} times what the letter added (95% interval "
                            f"{self.low:.1f} to {self.high:.1f}).")
        if np.isfinite(self.low):
            return words + (f". The naive number is at least {self.low:.1f} times what the letter added (95% limit), and "
                            "may be any number of times, since the letter may have added nothing.")
        if self.table["high"].iloc[-1] < 0:
            return words + ". The letter took returns away: more would have come without it than the naive number counts."
        return words + ". The letter added nothing: all that the naive number counts would have come anyway."


def naive(effect, placebo, *, minimum_count=10):
    """What a reading of before and after would claim of the letter, beside people not written to.

    Who is chosen for not having been seen can only be seen more often afterwards: the naive number counts everybody who
    would have come back anyway (regression to the mean).

    Parameters
    ----------
    effect : HoldoutEffect
        As made by `holdout_effect`.
    placebo : DataFrame
        As made by `unasked_returns`.
    minimum_count : int
        Fewest people behind the placebo's share.

    Returns
    -------
    NaiveReading

    Raises
    ------
    ValueError
        If the placebo cohort was watched for another window.

    References
    ----------
    Regression to the mean: Barnett, van der Pols & Dobson (2005), Int. J. Epidemiology 34(1), 215-220. Interval of a ratio:
    Donner & Zou (2012), Statistical Methods in Medical Research 21(4), 347-359.

    Examples
    --------
    >>> from libengage_utils.effects.holdout import holdout_effect
    >>> followed = pd.DataFrame({"person_key": range(400), "arm": ["letter", "holdout"] * 200, "probability": 0.5,
    ...     "stratum": "all", "assigned_on": "2025-10-20", "watched": 90, "returned": [True] * 20 + [True, False] * 30
    ...     + [False] * 320})
    >>> reading = naive(holdout_effect(followed), pd.DataFrame({"returned": [True] * 12 + [False] * 188}))
    >>> print(reading.table["estimate"].round(1).tolist(), f"{reading.times:.2f} {reading.low:.2f} {reading.high:.2f}")
    [20.0, 6.0, 5.0, 15.0] 1.33 1.15 1.93
    """
    if (window := placebo["watched"].max() if "watched" in placebo else effect.days) != effect.days:
        raise ValueError(f"The placebo cohort was watched for {window} days and the lot for {effect.days}: give both the "
                         "same window.")
    limits = ["estimate", "low", "high"]
    arms, unasked = effect.arms[limits], share_returned(placebo, minimum_count=minimum_count).iloc[0]
    before = unasked[limits].astype(float)
    table = pd.DataFrame(np.vstack([100 * arms.loc["letter"], 100 * before, 100 * arms.loc["holdout"],
                                    [effect.estimate, effect.low, effect.high]]), columns=limits)
    table.insert(0, "label", ["written to, before and after", "not written to, on an earlier day",
                              "not written to, by lot", "what the letter added"])
    letter, holdout = effect.arms["rests_on"]
    table["rests_on"] = [letter, unasked["rests_on"], holdout, effect.rests_on]
    anyway = ratio(*arms.loc[["holdout", "letter"], limits].to_numpy().T)
    times = [np.nan if np.isnan(share) else 1 / (1 - share) if share < 1 else np.inf for share in anyway]
    return NaiveReading(table, *times, difference(*np.array([before, arms.loc["holdout"]]).T))


def harm(followed, *, minimum_count=10):
    """How many of those sent the letter asked not to be written to again, and how many letters came back.

    Parameters
    ----------
    followed : DataFrame
        The people of `follow`.
    minimum_count : int
        Counts below it are withheld: what is told is the upper limit that the largest withheld count would have.

    Returns
    -------
    DataFrame
        Rows opted_out and bounced: label, n (letters sent), estimate, low, high (shares with exact 95% limits), told (the
        finding in a sentence); `estimate` and `low` missing where withheld.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26(4), 404-413.

    Examples
    --------
    >>> sent = pd.DataFrame({"sent": True, "opted_out": [True] * 20 + [False] * 380, "bounced": [True] * 3 + [False] * 397})
    >>> print(*harm(sent)["told"], sep="\\n")
    Of about 400 people sent the letter, 5.0 in 100 asked not to be written to again (95% interval 3.1 to 7.6).
    Of about 400 people sent the letter, fewer than 10 had it come back: at most 4.2 in 100 (95% limit).
    """
    need_followed(followed, "sent", "opted_out", "bounced")
    sent = followed[followed["sent"]]
    rows = {}
    for name, words in {"opted_out": "asked not to be written to again", "bounced": "had it come back"}.items():
        n, count = len(sent), int(sent[name].sum())
        if n - count < minimum_count:
            rows[name] = (words, *[np.nan] * 4, "Too few people were sent the letter, or are left when these are told.")
            continue
        few = count < minimum_count
        low, high = proportion_confint(minimum_count - 1 if few else count, n, method="beta")
        share, low = (np.nan, np.nan) if few else (count / n, low)
        told = (f"fewer than {minimum_count} {words}: at most {100 * high:.1f} in 100 (95% limit)." if few else
                f"{100 * share:.1f} in 100 {words} (95% interval {100 * low:.1f} to {100 * high:.1f}).")
        rows[name] = (words, n, share, low, high, f"Of {about(n)} people sent the letter, {told}")
    return pd.DataFrame.from_dict(rows, orient="index", columns=["label", "n", "estimate", "low", "high", "told"])


@dataclass(frozen=True)
class CostPerReturn:
    """What each additional return cost, with its 95% interval, in the unit of the cost; made by `cost_per_return`.

    `high` is infinite where the letter may have added nothing, `low` too where it added none.
    """

    estimate: float
    low: float
    high: float

    @property
    def summary(self):
        """The finding in a sentence."""
        if np.isnan(self.low):
            return "Too few people came back, or stayed away, for the cost of a return to be told."
        if np.isinf(self.low):
            return "The letter added no returns, so they have no price."
        if np.isinf(self.high):
            return (f"Each additional return cost at least {self.low:,.2f} (95% limit), without an upper limit, since the "
                    "letter may have added none.")
        return f"Each additional return cost {self.estimate:,.2f} (95% interval {self.low:,.2f} to {self.high:,.2f})."


def cost_per_return(effect, cost):
    """What each additional return cost: the cost of a letter divided by the returns it added.

    Parameters
    ----------
    effect : HoldoutEffect
        As made by `holdout_effect`.
    cost : float
        Cost of a letter, all that it took divided by all those whose lot it was, in any unit (money, minutes).

    Returns
    -------
    CostPerReturn

    Raises
    ------
    ValueError
        If the cost is not above 0.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> print(cost_per_return(SimpleNamespace(estimate=8.0, low=2.0, high=14.0), 0.7).summary)
    Each additional return cost 8.75 (95% interval 5.00 to 35.00).
    """
    if not cost > 0:
        raise ValueError(f"`cost` is what a letter cost, above 0; it is {cost}.")
    return CostPerReturn(*(np.nan if np.isnan(added) else 100 * cost / added if added > 0 else np.inf
                           for added in (effect.estimate, effect.high, effect.low)))
