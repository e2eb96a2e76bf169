"""Whether it can be told beforehand whom a letter would move: people ranked by what it is predicted to add."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..privacy import about
from ..resampling import people_drawn, told
from .contacts import known_before, need_followed
from .holdout import in_both_arms
from .strata import as_numbers

RETURNS = 100  # fewest in each arm who came back, or did not, from whom a ranking is learned


@dataclass(frozen=True)
class Qini:
    """Whether a ranking by predicted gain beats a random one; made by `qini`. It holds nobody's prediction.

    Attributes
    ----------
    curve : DataFrame
        Qini curve: share (of people written to, the highest predicted gain first), estimate, low, high (returns added, for
        every 100 people in all), at_random (the same if people were taken at random), rests_on (the fewest of an arm who
        came back, or did not, since the row before). Empty where refused.
    coefficient, low, high : float
        Mean height of the curve above the random one, in returns for every 100 people, with its 95% interval.
    people : int
        People ranked.
    refused : str
        Why the data cannot say whom a letter would move; empty where they can.
    """

    curve: pd.DataFrame = field(repr=False)
    coefficient: float
    low: float
    high: float
    people: int
    refused: str

    @property
    def summary(self):
        """The finding in two sentences."""
        if self.refused:
            return self.refused
        curve = pd.concat([self.curve.iloc[:1] * 0, self.curve])
        first, at_random = (np.interp(0.5, curve["share"], curve[name]) for name in ("estimate", "at_random"))
        return (f"Ranked by predicted gain, a letter to the first half of {about(self.people)} people would add {first:.1f} "
                f"returns for every 100 people in all; to a half taken at random, {at_random:.1f}. Over the whole curve the "
                f"ranking adds {self.coefficient:.2f} on average (95% interval {self.low:.2f} to {self.high:.2f}).")


def qini(followed, features, *, folds=5, draws=1000, minimum_count=10, random_state=0):
    """Whether what is known of people before the lot tells whom a letter would move.

    People are divided into folds by chance. Two logistic regressions, one an arm, learn from the folds before and predict
    those of the next with and without a letter, who are ranked by the difference; the first fold is learned from only. Since
    nobody who is ranked has been learned from before, limits hold even where gains do not differ. (With each fold predicted
    from all the others they do not.) The curve tells what the letter added among the first people of these ranks, by the
    lot. It is refused where returns are few, or where the ranking is not known to beat a random one.

    Parameters
    ----------
    followed : DataFrame
        The people of `follow`.
    features : list of str
        Columns known before the lot, without missing values; words become yes-or-no columns.
    folds : int
        Parts into which people are divided, 2 or more.
    draws : int
        Samples of people, for the limits. The ranking is held as it is.
    minimum_count : int
        Fewest people of each arm who came back, and who did not, in a step of the curve.
    random_state : int
        Seed.

    Returns
    -------
    Qini

    Raises
    ------
    ValueError
        If a feature is missing, was not known before the lot, or has missing values.

    References
    ----------
    Radcliffe (2007), Using control groups to target on predicted lift, Direct Marketing Analytics Journal, 14-21. Two
    regressions: Künzel et al. (2019), PNAS 116(10), 4156-4165. Learning from those before: Luedtke & van der Laan (2016),
    Annals of Statistics 44(2), 713-742.

    Examples
    --------
    >>> followed = pd.DataFrame({"person_key": range(40), "arm": ["letter", "holdout"] * 20, "probability": 0.5,
    ...     "stratum": "all", "assigned_on": "2025-10-20", "watched": 90, "returned": [True, False, False, True] * 10,
    ...     "silent_days": range(40)})
    >>> print(qini(followed, ["silent_days"]).refused)
    These data cannot say whom a letter would move: at least 100 in each group must have come back, and as many not.
    """
    known_before(*features)
    need_followed(followed, *features)
    rows = in_both_arms(followed)[0]
    if rows[features].isna().any(axis=None):
        raise ValueError(f"Of {about(len(rows))} people some lack a feature's value: fill it in, or leave the feature out.")
    letter, back = (rows["arm"] == "letter").to_numpy(), rows["returned"].to_numpy(dtype=bool)
    cannot = "These data cannot say whom a letter would move: "
    if np.bincount(2 * letter + back, minlength=4).min() < RETURNS:
        return Qini(pd.DataFrame(), np.nan, np.nan, np.nan, len(rows),
                    f"{cannot}at least {RETURNS} in each group must have come back, and as many not.")
    order = _ranked(as_numbers(rows, features).to_numpy(), letter, back, folds, random_state)
    letter, back, chance, people = letter[order], back[order], rows["probability"].to_numpy()[order], len(order)
    at, behind = _steps(letter, back, minimum_count)
    gains, heights = _gains(letter, back, chance, at, people_drawn(people, draws, random_state))
    coefficient, low, high = (float(number) for number in told(heights, people))
    if not low > 0:
        return Qini(pd.DataFrame(), coefficient, low, high, people,
                    f"{cannot}a ranking by predicted gain adds {coefficient:+.2f} returns for every 100 people to what one "
                    f"at random does (95% interval {low:+.2f} to {high:+.2f}).")
    curve = pd.DataFrame(dict(zip(("estimate", "low", "high"), told(gains, people), strict=True)))
    curve.insert(0, "share", (at + 1) / people)
    curve = curve.assign(at_random=curve["share"] * gains[0, -1], rests_on=behind)
    return Qini(curve, coefficient, low, high, people, "")


def _ranked(x, letter, back, folds, random_state):
    """People of all folds but the first, the highest predicted gain within the fold first."""
    folding = StratifiedKFold(folds, shuffle=True, random_state=random_state)
    first, *parts = (part for _, part in folding.split(x, 2 * letter + back))
    ranks, learned = np.full(len(x), np.nan), first
    for part in parts:
        with_, without = (
            make_pipeline(StandardScaler(), LogisticRegression()).fit(x[some], back[some]).predict_proba(x[part])[:, 1]
            for some in (learned[letter[learned]], learned[~letter[learned]]))
        ranks[part] = stats.rankdata(with_ - without) / len(part)
        learned = np.append(learned, part)
    return np.argsort(-ranks, kind="stable")[:len(x) - len(first)]


def _steps(letter, back, minimum_count):
    """Places at which the curve is shown: enough of either arm came back since the last, and did not; and how many."""
    cells = np.stack([letter & back, letter & ~back, ~letter & back, ~letter & ~back]).cumsum(axis=1)
    steps, least = [], np.full(len(cells), minimum_count)
    while (cells[:, -1] >= least).all():
        steps.append((cells < least[:, np.newaxis]).any(axis=0).sum())
        least = cells[:, steps[-1]] + minimum_count
    at = np.array([*steps[:-1], len(letter) - 1])
    return at, np.diff(cells[:, at], axis=1, prepend=0).min(axis=0)


def _gains(letter, back, chance, at, times):
    """Qini curve (1 + draws, steps) and mean height above the random one (1 + draws,), in returns for every 100 people.

    Among the first people the gain is their number times the difference of the arms' shares, each person weighing by the
    inverse of the chance of the arm.
    """
    weight = np.where(letter, 1 / chance, 1 / (1 - chance))
    gains, heights = [], []
    for some in times:
        first = np.cumsum(some, axis=1, dtype=float)
        came, there = ([np.cumsum(some * (weight * arm * part), axis=1) for arm in (letter, ~letter)] for part in (back, 1))
        share = [one / np.maximum(other, 1e-9) for one, other in zip(came, there, strict=True)]
        curve = 100 * first / first[:, -1:] * (share[0] - share[1])
        heights.append(((curve - first / first[:, -1:] * curve[:, -1:]) * some).sum(axis=1) / first[:, -1])
        gains.append(curve[:, at])
    return np.concatenate(gains), np.concatenate(heights)
