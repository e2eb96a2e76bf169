"""Changes of units that adopt at one time, by another time, less those of units compared; and means of them with errors."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

COMPARISONS = {"not yet": "among those that do not yet", "never": "among those that never do",
               "later": "among those that adopt later"}
FEWEST = 2  # units on a side, of whose spread an error can be known


@dataclass(frozen=True)
class GroupTimes:
    """Units that adopt at one time, at another time: a row each; made by `group_times`.

    Places of the two times (n_cells,); and by unit (n_cells, n_units): which adopt (`own`) and by how much more than those
    compared they changed (`gain`); which are compared (`other`), and by how much each moves the mean of these (`pull`),
    scaled by n / (n - 1) in its square.
    """

    cohort: np.ndarray
    time: np.ndarray
    own: np.ndarray
    gain: np.ndarray
    other: np.ndarray
    pull: np.ndarray

    @property
    def event(self):
        """Times since adoption (n_cells,)."""
        return self.time - self.cohort


def group_times(read, comparison, anticipation):
    """Changes since the last time before adoption, of all times of adoption by all times at which two can be compared.

    Parameters
    ----------
    read : Panel
    comparison : {"not yet", "never", "later"}
        Whom to compare with.
    anticipation : int
        Times before adoption that count as answering to it.

    Returns
    -------
    cells : GroupTimes
    pairs : dict of str to int
        Outcomes after adoption of units that adopt: pairs (used), unpaired (no outcome at the time that changes are taken
        from), uncompared (fewer than two to compare with).

    Raises
    ------
    ValueError
        If no pair is left.
    """
    adopts, times = read.adopts, read.outcome.shape[1]
    allowed = {"not yet": True, "never": read.never, "later": ~read.never}[comparison]
    cells, pairs = [], {"pairs": 0, "unpaired": 0, "uncompared": 0}
    for cohort in np.unique(adopts[(adopts > anticipation) & (adopts < times)]):
        here, base = adopts == cohort, cohort - 1 - anticipation
        for time in np.delete(np.arange(times), base):
            change = read.outcome[:, time] - read.outcome[:, base]
            known = np.isfinite(change)
            own, other = known & here, known & ~here & (adopts > max(time, base) + anticipation) & allowed
            n, enough = other.sum(), other.sum() >= FEWEST
            if time >= cohort:
                pairs["pairs" if enough else "uncompared"] += int(own.sum())
                pairs["unpaired"] += int((np.isfinite(read.outcome[:, time]) & here & ~known).sum())
            if enough and own.any():
                gain = change - change[other].mean()
                pull = np.where(other, gain, 0) / np.sqrt(n * (n - 1))
                cells.append((cohort, time, own, np.where(own, gain, 0), other, pull))
    if not pairs["pairs"]:
        raise ValueError(f"No unit with outcomes after adoption and at the last time before finds {FEWEST} to compare with "
                         f"{COMPARISONS[comparison]}: give more units or earlier times, or compare with others.")
    return GroupTimes(*map(np.array, zip(*cells, strict=True))), pairs


def means(cells, chosen):
    """Means over chosen cells of all units that adopt in them.

    Parameters
    ----------
    cells : GroupTimes
        `own` and `gain` may be weighted by unit.
    chosen : array of bool, shape (n_means, n_cells)

    Returns
    -------
    figures : DataFrame
        A row a mean: estimate, error, df (degrees of freedom: Welch 1947), adopting, compared (units).
    influence : array of shape (n_means, n_units)
        By how much each unit moves the mean; errors are roots of its sums of squares.
    """
    members, reach = chosen @ cells.own.astype(float), chosen @ cells.other.astype(float)
    gain, total = chosen @ cells.gain, members.sum(axis=1, keepdims=True)
    estimate = gain.sum(axis=1, keepdims=True) / total
    adopting, compared = (members > 0).sum(axis=1), (reach > 0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = (gain - estimate * members) / total * np.sqrt(adopting / (adopting - 1))[:, np.newaxis]
        other = (chosen * cells.own.sum(axis=1) / total) @ cells.pull
        first, second = (own**2).sum(axis=1), (other**2).sum(axis=1)
        df = (first + second) ** 2 / (first**2 / (adopting - 1) + second**2 / (compared - 1))
    influence = own - other
    return pd.DataFrame({"estimate": estimate[:, 0], "error": np.sqrt((influence**2).sum(axis=1)), "df": df,
                         "adopting": adopting, "compared": compared}), influence


def withheld(figures, block, own, other, minimum_count):
    """Means without those of too few units, and without others that would give these away.

    Parameters
    ----------
    figures : DataFrame
        As made by `means`.
    block : array of shape (n_means,)
        Means of a block add up to one that is shown.
    own, other : arrays of shape (n_means, n_units)
        Units that adopt, and those compared, behind each.
    minimum_count : int
        Fewest units on either side.

    Returns
    -------
    DataFrame
        `figures`, missing where withheld.
    """
    few = figures[["adopting", "compared"]] < max(minimum_count, FEWEST)
    hidden = few.any(axis=1).to_numpy(copy=True)
    for inside in (np.flatnonzero(block == one) for one in np.unique(block)):
        while 0 < hidden[inside].sum() < len(inside):
            dark, lit = inside[hidden[inside]], inside[~hidden[inside]]
            if min((side[dark] > 0).any(axis=0).sum() for side in (own, other)) >= minimum_count:
                break
            hidden[lit[::-1][figures["adopting"].to_numpy()[lit[::-1]].argmin()]] = True
    figures = figures.mask(few.reindex(columns=figures.columns, fill_value=False))
    figures.loc[hidden, ["estimate", "error"]] = np.nan
    return figures


def simultaneous(influence, draws, random_state):
    """Share of either tail beyond which the largest of several standardised deviations lies in 5% of the draws.

    The multipliers are normal. Used with Student's t it gives a band that allows for few units.
    """
    if not len(influence):
        return np.nan
    influence = influence[:, influence.any(axis=0)]
    spread = np.sqrt((influence**2).sum(axis=1, keepdims=True))
    scaled = influence / np.where(spread > 0, spread, 1)
    multipliers = np.random.default_rng(random_state).standard_normal((draws, influence.shape[1]))
    return stats.norm.sf(np.quantile(np.abs(multipliers @ scaled.T).max(axis=1), 0.95))


def wald(figures, influence):
    """Joint test that all means are nought: statistic, number of means, p of Hotelling's distribution at their mean df."""
    k = len(figures)
    if not k:
        return np.nan, 0, np.nan
    away = figures["estimate"].to_numpy()
    statistic = float(away @ np.linalg.pinv(influence @ influence.T) @ away)
    left = figures["df"].mean() - k + 1
    return statistic, k, float(stats.f.sf(statistic * left / (k * (left + k - 1)), k, left)) if left > 0 else np.nan
