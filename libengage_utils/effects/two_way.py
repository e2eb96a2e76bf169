"""Two-way fixed effects for units that adopt at different times, and which comparisons the estimate is made of."""

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from ..privacy import about
from .panels import read_panel

KINDS = ["never adopt", "adopt later", "have adopted already"]  # those that units which adopt are compared with


@dataclass(frozen=True)
class TwoWay:
    """A two-way estimate and what it is made of; made by `two_way`.

    Attributes
    ----------
    estimate, low, high, error : float
        Coefficient of being in the new way, its 95% interval and standard error. Missing where withheld.
    comparisons : DataFrame
        With whom units that adopt are compared, a row a kind: compared_with ("never adopt", "adopt later", "have adopted
        already"), weight (share of the estimate), estimate (mean of these comparisons). Weights times estimates add up to
        the estimate, in logarithms where figures are in per cent. Estimates are missing if one rests on too few units;
        weights are, too, in a panel with gaps.
    already : float
        Share of the weight that rests on comparisons with units that had adopted already.
    cells, negative, negative_sum : int, int, float
        Units times times in the new way; how many of them have a weight below nought in the estimate; and the sum of these
        weights, where all sum to 1.
    units, rests_on : int
        Units with an outcome; the fewer of those that adopt and of those that can be compared with them.
    outcome : str
        What changed, in words.
    percent : bool
        Whether figures are in per cent. `error` is then that of 100 times the logarithm, times the ratio.
    """

    estimate: float
    low: float
    high: float
    error: float
    comparisons: pd.DataFrame = field(repr=False)
    already: float
    cells: int
    negative: int
    negative_sum: float
    units: int
    rests_on: int
    outcome: str
    percent: bool

    @property
    def headline(self):
        """How far the estimate can be read as a mean change, in a sentence."""
        if self.negative:
            return "The two-way estimate counts some changes after adoption with the wrong sign."
        if self.already > 0:
            return f"A share of {self.already:.0%} of the two-way estimate compares with units that had adopted already."
        return "The two-way estimate counts no change after adoption with the wrong sign."

    @property
    def summary(self):
        """The estimate and its weights in three or four sentences."""
        if np.isnan(self.estimate):
            return "The two-way estimate is withheld, because too few units adopt or can be compared."
        unit, digits = ("%", ".1f") if self.percent else ("", ".3g")
        estimate, low, high = (f"{value:+{digits}}{unit}" for value in (self.estimate, self.low, self.high))
        made = ("What it is made of cannot be told in a panel with gaps." if np.isnan(self.already) else
                f"{self.already:.0%} of its weight rests on comparisons with units that had adopted already, whose own "
                "later change is taken off.")
        wrong = ("No time after adoption has a weight below nought." if not self.negative else
                 f"Of the times after adoption, {self.negative / self.cells:.0%} have a weight below nought (they sum to "
                 f"{self.negative_sum:.2f}, all to 1).")
        found = (f"it cannot be told whether {self.outcome} differs in the new way" if self.low <= 0 <= self.high else
                 f"{self.outcome} is {'higher' if self.low > 0 else 'lower'} in the new way")
        return (f"With a level for each unit and each time, {found}: {estimate} (95% interval {low} to {high}), from "
                f"{about(self.units)} units. {made} {wrong} Where the change grows with time since adoption, such an "
                "estimate misleads.")


def two_way(panel, *, unit, time, outcome, adopted, percent=False, minimum_count=10):
    """Two-way fixed effects: outcomes on a level for each unit, one for each time, and being in the new way.

    The estimate is a mean of differences between two groups before and after, those among them that compare units which
    adopt with others that had adopted already. If these still change, their change is taken off, so that the estimate can
    be below all true changes, or of the other sign. It stands here beside that of `event_study`, which makes no such
    comparison.

    Parameters
    ----------
    panel, unit, time, outcome, adopted, percent
        As for `read_panel`.
    minimum_count : int
        Fewest units that adopt, and that can be compared with them, behind a figure that is shown.

    Returns
    -------
    TwoWay

    Raises
    ------
    ValueError
        As `read_panel`; and if adoption cannot be told from units and times.

    Notes
    -----
    The error is summed by unit, with the correction G / (G - 1) (N - 1) / (N - T) for G units, N rows and T times; limits
    are of Student's t with G - 1 degrees of freedom (Cameron & Miller 2015).

    References
    ----------
    Goodman-Bacon (2021), J. Econometrics 225(2), 254-277. Weights of units and times: de Chaisemartin & D'Haultfoeuille
    (2020), Am. Econ. Review 110(9), 2964-2996. Cameron & Miller (2015), J. Human Resources 50(2), 317-372.

    Examples
    --------
    >>> rows = pd.DataFrame([(n, year, max(year - n % 3, 0), n % 3 + 1) for n in range(60) for year in range(4)],
    ...                     columns=["list", "year", "opens", "since"])
    >>> result = two_way(rows, unit="list", time="year", outcome="opens", adopted="since")
    >>> round(result.estimate, 2)
    0.5
    >>> result.comparisons.round(2).values.tolist()[1:]
    [['adopt later', 0.5, 1.2], ['have adopted already', 0.5, -0.2]]
    """
    read = read_panel(panel, unit=unit, time=time, outcome=outcome, adopted=adopted, percent=percent)
    known = np.isfinite(read.outcome)
    codes, at = np.nonzero(known)
    units, times = read.outcome.shape
    y, new = read.outcome[known], read.new[known].astype(float)
    within = np.column_stack([y, new, at[:, np.newaxis] == np.arange(1, times)])
    within = within - (_sums(codes, within) / np.bincount(codes)[:, np.newaxis])[codes]
    y, apart = (within[:, :2] - within[:, 2:] @ np.linalg.lstsq(within[:, 2:], within[:, :2], rcond=None)[0]).T
    square = apart @ apart
    if square < 1e-9 * len(y):
        raise ValueError("Adoption cannot be told from levels of units and times: give outcomes before and after it, and of "
                         "units that adopt later or never.")
    estimate = apart @ y / square
    scores = _sums(codes, (apart * (y - estimate * apart))[:, np.newaxis])
    error = np.sqrt((scores**2).sum() * units / (units - 1) * (len(y) - 1) / (len(y) - times)) / square

    adopting = (read.adopts > 0) & (read.adopts < times)
    compared = read.adopts > read.adopts[adopting].min()
    rests_on = min(adopting.sum(), compared.sum())
    if rests_on < minimum_count:
        estimate = error = np.nan
    figures = estimate + np.array([0, -1, 1]) * stats.t.isf(0.025, units - 1) * error
    weights = apart[new > 0] / apart[new > 0].sum()
    negative = weights < -1e-9
    comparisons = _comparisons(read, minimum_count)
    if percent:
        error *= 100 * np.exp(estimate)
        figures, comparisons["estimate"] = 100 * np.expm1(figures), 100 * np.expm1(comparisons["estimate"])
    return TwoWay(*figures.tolist(), float(error), comparisons, float(comparisons["weight"].iloc[-1]), len(weights),
                  int(negative.sum()), float(weights[negative].sum()), units, int(rests_on), outcome.replace("_", " "),
                  percent)


def _sums(codes, values):
    """Sums of the columns (n, k) by unit (n_units, k)."""
    return np.column_stack([np.bincount(codes, column) for column in values.T])


def _comparisons(read, minimum_count):
    """Goodman-Bacon's decomposition: weight and mean estimate by whom units that adopt are compared with.

    For each pair of times of adoption, the early adopt while the late have not, and the late while the early have. Their
    weights are products of shares of units and of times; those that never adopt are the last of all to do so.
    """
    table = pd.DataFrame({"weight": np.nan, "estimate": np.nan}, index=pd.Index(KINDS, name="compared_with"))
    if not np.isfinite(read.outcome).all():
        return table.reset_index()
    times = read.outcome.shape[1]
    starts, group, size = np.unique(read.adopts, return_inverse=True, return_counts=True)
    means, rows = _sums(group, read.outcome) / size[:, np.newaxis], []
    for early, late in combinations(range(len(starts)), 2):
        first, second = np.minimum(starts[[early, late]], times)
        spans = (0, first, second), (first, second, times)
        kinds = KINDS[0 if starts[late] > times else 1], KINDS[2]
        for (begin, switch, end), kind, own, other in zip(spans, kinds, (early, late), (late, early), strict=True):
            if begin < switch < end:
                change = means[:, switch:end].mean(axis=1) - means[:, begin:switch].mean(axis=1)
                weight = size[own] * size[other] * (switch - begin) * (end - switch)
                rows.append((kind, weight, weight * (change[own] - change[other]), own, other))
    rows = pd.DataFrame(rows, columns=["kind", "weight", "estimate", "own", "other"])
    sums = rows.groupby("kind")[["weight", "estimate"]].sum()
    table["weight"] = (sums["weight"] / sums["weight"].sum()).reindex(KINDS, fill_value=0.0)
    fewest = min(size[some[side].unique()].sum() for _, some in rows.groupby("kind") for side in ("own", "other"))
    if fewest >= minimum_count:
        table["estimate"] = sums["estimate"] / sums["weight"]
    return table.reset_index()
