"""Whether an outcome jumps at the line from which on letters went out."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ..privacy import about
from .bandwidth import CHOOSING, bandwidths, weights
from .density import Density, density

PEOPLE, VALUES = 20, 5  # fewest on a side within the bandwidth
SHARE_OF = 100  # fewest people on a side within a bandwidth that is chosen, where the outcome is yes or no
NEIGHBOURS = 3  # whose mean stands for a row's expected outcome
BINS = 10  # of the chart, on a side, at most
AS_CHOSEN = "the bandwidth"
BANDWIDTHS = {"half the bandwidth": 0.5, AS_CHOSEN: 1, "one and a half times the bandwidth": 1.5,
              "twice the bandwidth": 2}


@dataclass(frozen=True)
class Discontinuity:
    """The jump of an outcome at a line; made by `discontinuity`.

    Attributes
    ----------
    cutoff : float
        The line.
    estimate, bias_corrected : float
        The jump between two straight lines at the cutoff, in units of the outcome; and that freed of the curve's bend.
    low, high : float
        95% interval around `bias_corrected`, robust to the bend; `estimate` may lie outside it.
    bandwidth, bandwidth_bias : float
        How far from the cutoff rows are used for the lines, and for the bend.
    n_left, n_right, dropped : int
        People within the bandwidth below the cutoff, and from it on; rows left out because a value was missing.
    yes_or_no : bool
        Whether the outcome has no values but 0 and 1.
    curve : DataFrame
        Means of neighbouring rows within the bandwidth: at, people, rests_on, estimate, low, high, side. Each rests on
        `minimum_count` people or more; if the outcome is yes or no, on as many with either answer.
    lines : DataFrame
        Ends of the two lines: at, estimate, side.
    density : Density
        Whether the number of people jumps at the cutoff.
    robustness : DataFrame
        The jump at other bandwidths, and at two cutoffs at which nothing happened (the median of either side): label,
        cutoff, bandwidth, estimate, bias_corrected, low, high, rests_on (the fewest people on a side of it; if the outcome
        is yes or no, with either answer); missing where too few people are behind it.
    """

    cutoff: float
    estimate: float
    bias_corrected: float
    low: float
    high: float
    bandwidth: float
    bandwidth_bias: float
    n_left: int
    n_right: int
    dropped: int
    yes_or_no: bool
    curve: pd.DataFrame = field(repr=False)
    lines: pd.DataFrame = field(repr=False)
    density: Density = field(repr=False)
    robustness: pd.DataFrame = field(repr=False)

    @property
    def rests_on(self):
        """The fewest people behind the jump."""
        return self.robustness.set_index("label").loc[AS_CHOSEN, "rests_on"]

    @property
    def weakness(self):
        """What the design cannot rule out."""
        return (f"A jump is what the letter did only if nothing else changes at {self.cutoff:g}, no other rule, reminder or "
                "end of a term, and then only for people close to that line.")

    @property
    def tries(self):
        """`robustness` for a figure, in percentage points if the outcome is yes or no: label, estimate, low, high, why."""
        table = self.robustness.drop(columns="estimate").rename(columns={"bias_corrected": "estimate"})
        table[["estimate", "low", "high"]] *= 100 if self.yes_or_no else 1
        return table.assign(why="too few people near it")

    @property
    def tries_headline(self):
        """How many of the tries see a jump, in a sentence."""
        tried = self.tries.dropna(subset="estimate").assign(true=lambda table: table["cutoff"] == self.cutoff)
        sure = (tried["low"] > 0) | (tried["high"] < 0)
        at, false = (f"{sure[some].sum()} of {some.sum()}" for some in (tried["true"], ~tried["true"]))
        return f"Told from chance: a jump at the line by {at} bandwidths, and at {false} lines at which nothing happened."

    @property
    def headline(self):
        """Whether there is a jump, in a sentence."""
        return ("No jump at the line can be told from chance." if self.low <= 0 <= self.high else
                f"The outcome jumps {'up' if self.low > 0 else 'down'} at the line.")

    @property
    def summary(self):
        """The finding in four sentences."""
        scale, unit, digits = (100, " percentage points", 1) if self.yes_or_no else (1, "", 2)
        jump, bent, low, high = (f"{scale * value:+.{digits}f}" for value in
                                 (self.estimate, self.bias_corrected, self.low, self.high))
        found = ("no jump can be told from chance" if self.low <= 0 <= self.high else
                 f"the outcome jumps {'up' if self.low > 0 else 'down'}")
        left_out = f" {self.dropped:,} rows lack a value and are left out." if self.dropped else ""
        return (f"At {self.cutoff:g} {found}: {jump}{unit} between straight lines, {bent} once their bend is allowed for "
                f"(95% interval {low} to {high}), from {about(self.n_left)} people within {self.bandwidth:.3g} below the "
                f"line and {about(self.n_right)} from it on.{left_out} {self.density.summary} {self.weakness}")


def discontinuity(running, outcome, *, cutoff, bandwidth=None, person=None, everybody=None, minimum_count=10):
    """The jump of an outcome at a cutoff of a running variable, such as the days since somebody was last seen.

    A straight line is fitted on each side of the cutoff, rows weighted less the further away (triangular kernel). The
    bandwidth minimises the mean squared error of the jump, with the regularisation of Imbens & Kalyanaraman. The bias
    that comes from the bend of the curve is estimated by local parabolas and taken out, and the interval allows for its
    being estimated. Variances are those of each row around its nearest neighbours, added up by person. The running
    variable may be whole days: rows of a day are each other's neighbours, and a chosen bandwidth reaches over ten
    distinct values or more on each side, and, where the outcome is yes or no, over a hundred people or all there are. A
    jump from fewer than `minimum_count` people with either answer on a side is refused; no bandwidth is chosen for it.

    Parameters
    ----------
    running : array-like of shape (n_rows,)
        The running variable; letters went to those at `cutoff` or above.
    outcome : array-like of shape (n_rows,)
        0 or 1, or an amount. Rows that lack a value are left out and counted.
    cutoff : float
        The line.
    bandwidth : float, optional
        How far from the cutoff rows are used, for the lines and for the bend. Chosen by default.
    person : array-like of shape (n_rows,), optional
        Whose row it is. By default each row is a person's.
    everybody : array-like of shape (n_people,), optional
        The running variable of all who might lie on either side, for the density, where `running` leaves some out on one
        side, such as people held out by lot. By default `running`.
    minimum_count : int
        Fewest people behind a mean that is shown.

    Returns
    -------
    Discontinuity

    Raises
    ------
    ValueError
        If fewer than 20 people (or `minimum_count`), fewer than `minimum_count` with either answer, or 5 distinct values
        lie on a side within the bandwidth, fewer than 10 distinct values lie on a side from which to choose one, or all
        outcomes are the same.

    References
    ----------
    Calonico, Cattaneo & Titiunik (2014), Econometrica 82(6), 2295-2326. Imbens & Kalyanaraman (2012), Rev. Econ. Studies
    79(3), 933-959. Cutoffs at which nothing happened: Imbens & Lemieux (2008), J. Econometrics 142(2), 615-635.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> days = rng.integers(1, 300, 8000)
    >>> back = rng.random(8000) < 0.4 - 0.001 * days + 0.2 * (days >= 120)
    >>> result = discontinuity(days, back, cutoff=120)
    >>> round(result.estimate, 1), bool(result.low < 0.2 < result.high)
    (0.2, True)
    """
    rows = pd.DataFrame({"running": np.asarray(running, dtype=float), "outcome": np.asarray(outcome, dtype=float),
                         "person": np.arange(len(running)) if person is None else np.asarray(person)})
    known = rows.dropna()
    sample, fewest = _sample(known, cutoff, minimum_count), max(PEOPLE, minimum_count)
    widths, jump = _jump(sample, None if bandwidth is None else (bandwidth, bandwidth), fewest)
    near = [side & (np.abs(sample.x) < widths[0]) for side in sample.sides]
    yes_or_no = bool(np.isin(sample.y, [0, 1]).all())
    below = known["running"] < cutoff
    tries = [(label, sample, tuple(times * width for width in widths)) for label, times in BANDWIDTHS.items()]
    tries += [(f"nothing happened here, {word} the line", _sample(some, some["running"].median(), minimum_count), None)
              for word, some in (("below", known[below]), ("above", known[~below]))]
    robustness = pd.DataFrame([_tried(*one, fewest) for one in tries], columns=[
        "label", "cutoff", "bandwidth", "estimate", "bias_corrected", "low", "high", "rests_on"])
    return Discontinuity(cutoff, *jump, *widths, *(len(set(sample.person[some])) for some in near), len(rows) - len(known),
                         yes_or_no, _binned(sample, near, yes_or_no, minimum_count), _lines(sample, widths[0]),
                         density(known["running"] if everybody is None else everybody, cutoff=cutoff), robustness)


@dataclass(frozen=True)
class _Sample:
    """Rows in order: place from the cutoff, outcome, person (codes from 0), outcome less that of neighbours, sides.

    Where the outcome is yes or no: `least` is the least bandwidth that may be chosen, with 100 people on each side, and
    `shown` the least within which either answer has people enough to be shown; else both are 0.
    """

    cutoff: float
    x: np.ndarray
    y: np.ndarray
    person: np.ndarray
    noise: np.ndarray
    sides: tuple
    least: float
    shown: float

    def variance(self, weights):
        """Of a weighted sum of outcomes."""
        return (np.bincount(self.person, weights * self.noise) ** 2).sum()


def _sample(rows, cutoff, minimum_count):
    rows = rows.sort_values(["running", "person", "outcome"])
    x, y = rows["running"].to_numpy() - cutoff, rows["outcome"].to_numpy()
    sides = x < 0, x >= 0
    noise = np.concatenate([_noise(x[side], y[side]) for side in sides])
    person, least, shown = pd.factorize(rows["person"], sort=True)[0], 0.0, 0.0
    if np.isin(y, [0, 1]).all():
        def reach(some, people):
            away = pd.Series(np.abs(x[some])).groupby(person[some]).min().sort_values()
            return np.nextafter(away.iloc[people - 1], np.inf) if 0 < people <= len(away) else np.inf

        least = max(reach(side, min(SHARE_OF, len(set(person[side])))) for side in sides)
        shown = max(reach(side & (y == answer), minimum_count) for side in sides for answer in (0, 1))
    return _Sample(cutoff, x, y, person, noise, sides, least, shown)


def _noise(x, y):
    """Outcome less the mean of its nearest neighbours, all those as near as the third, scaled to the outcome's spread."""
    n, edge = len(x), np.full(NEIGHBOURS, np.inf)
    if n <= NEIGHBOURS:
        return np.full(n, np.nan)
    padded = np.r_[-edge, x, edge]
    away = np.sort([np.abs(padded[k : k + n] - x) for k in range(2 * NEIGHBOURS + 1) if k != NEIGHBOURS], axis=0)
    reach = away[NEIGHBOURS - 1] + 1e-9 * np.ptp(x)
    first, last = np.searchsorted(x, x - reach), np.searchsorted(x, x + reach, "right")
    total, others = np.r_[0, np.cumsum(y)], last - first - 1
    return np.sqrt(others / (others + 1)) * (y - (total[last] - total[first] - y) / others)


def _check(sample, bandwidth, fewest):
    """Refuse where no jump can be found within this bandwidth or, without one, none can be chosen."""
    if bandwidth is not None and not bandwidth > 0:
        raise ValueError(f"`bandwidth` is how far from the cutoff rows are used, more than 0; it is {bandwidth:g}.")
    within, least = ("", CHOOSING) if bandwidth is None else (f" within {bandwidth:.3g}", VALUES)
    for side, word in zip(sample.sides, ("below", "at or above"), strict=True):
        some = side & (np.abs(sample.x) < (bandwidth or np.inf))
        people, values = len(set(sample.person[some])), len(set(sample.x[some]))
        if people < fewest or values < least:
            raise ValueError(f"Too few people, or too few distinct values of the running variable, lie {word} "
                             f"{sample.cutoff:g}{within}; {fewest} people and {least} values are needed: take a wider "
                             "bandwidth, or another design.")
    if np.ptp(sample.y) == 0:
        raise ValueError("The outcome is the same for everybody, so it cannot jump.")
    if sample.shown == np.inf or (bandwidth is not None and sample.shown > bandwidth):
        raise ValueError(f"Too few people near {sample.cutoff:g} have the outcome, or have it not, on one side of it, for a "
                         "jump to be shown.")


def _jump(sample, widths, fewest):
    """Both bandwidths, chosen if None; and the jump between straight lines, the same less its bias, and limits of this."""
    if widths is None:
        _check(sample, None, fewest)
        widths = bandwidths(sample)
    _check(sample, min(widths), fewest)
    plain, bias = np.zeros((2, len(sample.x)))
    for sign, side in zip((-1, 1), sample.sides, strict=True):
        line = weights(sample.x, side, widths[0], 1)[0]
        plain += sign * line
        bias += sign * (line @ sample.x**2) * weights(sample.x, side, widths[1], 2)[2]
    corrected = (plain - bias) @ sample.y
    limits = corrected + stats.norm.ppf([0.025, 0.975]) * np.sqrt(sample.variance(plain - bias))
    if sample.shown:       # a share jumps by no more than the whole
        if abs(corrected) > 1:
            raise ValueError(f"The lines near {sample.cutoff:g} part by more than a share can: too few people are near it.")
        limits = np.clip(limits, -1, 1)
    return tuple(map(float, widths)), tuple(map(float, (plain @ sample.y, corrected, *limits)))


def _tried(label, sample, widths, fewest):
    """A row of the table of robustness."""
    try:
        widths, jump = _jump(sample, widths, fewest)
    except ValueError:
        return label, sample.cutoff, *[np.nan] * 6
    answers = (0, 1) if sample.shown else (None,)
    near = [side & (np.abs(sample.x) < min(widths)) for side in sample.sides]
    behind = [some if answer is None else some & (sample.y == answer) for some in near for answer in answers]
    return label, sample.cutoff, widths[0], *jump, min(len(set(sample.person[some])) for some in behind)


def _binned(sample, near, yes_or_no, minimum_count):
    """Means of neighbouring rows on each side, in as many bins as have people enough."""
    rows = []
    for word, some in zip(("below", "above"), near, strict=True):
        x, y = sample.x[some], sample.y[some]
        table = pd.DataFrame({"at": x + sample.cutoff, "person": sample.person[some], "y": y, "answer": y * yes_or_no})
        for bins in range(BINS, 0, -1):
            table["bin"] = np.searchsorted(x, x) * bins // len(x)
            people = table.groupby(["bin", "answer"])["person"].nunique().unstack(fill_value=0).to_numpy()
            if people.min() >= minimum_count and people.shape[1] == 1 + yes_or_no:
                rows += [(part["at"].mean(), part["person"].nunique(), behind, *_mean(part, yes_or_no), word)
                         for behind, (_, part) in zip(people.min(axis=1), table.groupby("bin"), strict=True)]
                break
    return pd.DataFrame(rows, columns=["at", "people", "rests_on", "estimate", "low", "high", "side"])


def _mean(part, yes_or_no):
    """Mean of the outcome, with Wilson's interval if it is a share, otherwise Student's."""
    mean, people = part["y"].mean(), part["person"].nunique()
    if yes_or_no:
        return mean, *proportion_confint(mean * people, people, method="wilson")
    reach = stats.t.ppf(0.975, people - 1) * part["y"].std() / np.sqrt(people)
    return mean, mean - reach, mean + reach


def _lines(sample, bandwidth):
    """Both ends of the straight line on each side."""
    rows = []
    for word, sign, side in zip(("below", "above"), (-1, 1), sample.sides, strict=True):
        level, slope = weights(sample.x, side, bandwidth, 1) @ sample.y
        steps = np.array(sorted((0, sign * bandwidth)), dtype=float)
        if sample.shown and slope:      # a line ends where it leaves what a share can be
            steps = np.clip(steps, *sorted((-level / slope, (1 - level) / slope)))
        rows += [(sample.cutoff + step, level + slope * step, word) for step in steps]
    return pd.DataFrame(rows, columns=["at", "estimate", "side"])
