"""How unequally use or effort falls over people, and how unequally it would fall by chance alone."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import optimize, stats

from ..privacy import about

LIMITS = [0.025, 0.975]  # of a 95% interval
CELLS = 2**19  # frequency tables worked on at once, in cells


@dataclass(frozen=True)
class Measure:
    """An estimate between 0 and 1 with its 95% interval, and what chance alone would give.

    `by_chance` is the mean, and `chance_low` to `chance_high` the central 95%, of the values that arise when
    everybody has the same rate. NaN where withheld, or where values are no counts and chance is not defined.
    """

    estimate: float
    low: float
    high: float
    by_chance: float
    chance_low: float
    chance_high: float


@dataclass(frozen=True)
class Concentration:
    """How concentrated use is; made by `concentration`.

    Attributes
    ----------
    people : int
        People described.
    total : float
        Sum of their values.
    top : float
        Share of people called the top.
    gini : Measure
        Gini index: 0 when all have the same, near 1 when one has all.
    top_share : Measure
        Share of the total made by the top; NaN where that would rest on too few people.
    curve : pandas.DataFrame
        Lorenz curve: `people` (share of people, least active first), `use` (share of the total they made),
        `low` and `high` (pointwise 95% bootstrap band), `by_chance` (mean curve at one rate for all).
    what : str
        What is counted, in words.
    """

    people: int
    total: float
    top: float
    gini: Measure
    top_share: Measure
    curve: pd.DataFrame = field(repr=False)
    what: str = "use"

    @property
    def rests_on(self):
        """People in the smallest step of the curve."""
        return round(self.people * np.diff(self.curve["people"]).min())

    @property
    def table(self):
        """Both measures, one row each (pandas.DataFrame)."""
        rows = {"Gini index": self.gini, f"share of the top {self.top:.0%}": self.top_share}
        return pd.DataFrame({name: vars(measure) for name, measure in rows.items()}).T

    @property
    def summary(self):
        """The finding in two sentences."""
        share, gini = self.top_share, self.gini
        who = f"most active {self.top:.0%} of {about(self.people)} people"
        if np.isnan(share.estimate):
            sentences = f"What the {who} did is withheld, because they are too few."
        else:
            sentences = f"The {who} made {share.estimate:.1%} of the {self.what} "
            sentences += f"(95% interval {share.low:.1%} to {share.high:.1%})"
            if not np.isnan(share.by_chance):
                sentences += f"; by chance alone, at one rate for all, it would be {share.by_chance:.1%}"
            sentences += "."
        sentences += " The Gini index (0: all alike, 1: one has all) is "
        sentences += f"{gini.estimate:.3f} ({gini.low:.3f} to {gini.high:.3f})"
        return sentences + ("." if np.isnan(gini.by_chance) else f", by chance {gini.by_chance:.3f}.")


def concentration(values, *, exposure=None, top=0.2, n_boot=2000, minimum_count=10, random_state=0):
    """Lorenz curve, Gini index and share of the top, with intervals and with what chance alone would give.

    The people are taken as a sample of those who might have been there. Samples are drawn with replacement
    as multinomial frequency tables of the distinct values: the ordinary bootstrap at less cost. Intervals of
    Gini index and top share are bootstrap-t, each resample scaled by its own standard error (from the
    influence function), because on heavy-tailed values percentile intervals are too short (Davidson 2009).
    The band around the curve is of percentiles.

    Counts are unequal even if people are not. The chance null gives everybody the same rate: counts are
    Poisson with a mean proportional to `exposure`, and, where nobody has 0, Poisson given at least one.

    Parameters
    ----------
    values : array-like of shape (n_people,)
        Acts (or loans, or minutes) of each person; 0 for people never seen, if they are to count.
    exposure : array-like of shape (n_people,), optional
        Eligible days of each person, or whatever the expected count is proportional to. Equal by default.
    top : float
        Share of people called the top. Where it cuts through a person the curve is interpolated.
    n_boot : int
        Number of resamples, and of draws of the null.
    minimum_count : int
        Fewest people that the top, or a step of the curve, may rest on; and fewest with any use, in all and, unless
        nobody has any, in a step. The last step is also widened until nobody makes more than half of it.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    Concentration

    Raises
    ------
    ValueError
        If values are missing, negative, all 0, or of fewer than two or than `minimum_count` people; or if nobody has any in
        any of the samples, or of the draws of the null.

    Notes
    -----
    Time grows with the number of *distinct* values, which are few when values are counts.

    References
    ----------
    Lorenz (1905), Publ. Am. Stat. Assoc. 9(70), 209-219. Gini (1914), Atti R. Ist. Veneto 73, 1203-1248.
    Davidson (2009), Reliable inference for the Gini index, J. Econometrics 150(1), 30-40.

    Examples
    --------
    >>> result = concentration([0] * 50 + [1] * 30 + [12] * 20)
    >>> print(f"{result.gini.estimate:.3f} {result.top_share.estimate:.3f}")
    0.744 0.889
    >>> print(result.curve.people.tolist()[:3])
    [0.0, 0.1, 0.2]
    """
    values, exposure = _checked(values, exposure, top, minimum_count)
    people = len(values)
    at = _knots(np.sort(values), minimum_count) / people
    rng = np.random.default_rng(random_state)

    distinct, counts = np.unique(values, return_counts=True)
    observed, errors, curve = _measures(distinct, counts[np.newaxis], top, at)
    drawn, drawn_errors, curves = _resampled(distinct, counts / people, people, n_boot, top, at, rng)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = np.where(drawn_errors > 0, (drawn - observed) / drawn_errors, 0.0)
    limits = np.clip(observed - np.quantile(scaled, LIMITS[::-1], axis=0) * errors, 0, 1)

    chance, chance_curve = np.full((3, 2), np.nan), np.full(len(at), np.nan)
    if np.all(values == np.floor(values)):
        null, _, curves_null = _resampled(*_one_rate_for_all(values, exposure), people, n_boot, top, at, rng)
        chance = np.vstack([null.mean(axis=0), np.quantile(null, LIMITS, axis=0)])
        chance_curve = curves_null.mean(axis=0)

    gini, top_share = (Measure(*map(float, row)) for row in np.vstack([observed, limits, chance]).T)
    if people * min(top, 1 - top) < minimum_count - 1e-9:
        top_share = Measure(*[np.nan] * 6)
    low, high = np.quantile(curves, LIMITS, axis=0)
    curve = pd.DataFrame({"people": at, "use": curve[0], "low": low, "high": high, "by_chance": chance_curve})
    return Concentration(people, float(values.sum()), top, gini, top_share, curve)


def _checked(values, exposure, top, minimum_count):
    """Values and exposures as arrays of floats, or a sentence on what is wrong with them."""
    values = np.asarray(values, dtype=float)
    exposure = np.ones(len(values)) if exposure is None else np.asarray(exposure, dtype=float)
    if not 0 < top < 1:
        raise ValueError(f"`top` is a share of people between 0 and 1, such as 0.2; it is {top}.")
    if missing := np.isnan(values).sum():
        raise ValueError(
            f"{missing:,} of {len(values):,} values are missing: give 0 for people never seen, "
            "and leave out people whose use is unknown."
        )
    if negative := (values < 0).sum():
        raise ValueError(f"{negative:,} values are negative: concentration is about amounts of 0 or more.")
    if len(values) < 2:
        raise ValueError(f"Concentration compares people: give two or more; there is {len(values)}.")
    if len(values) < minimum_count:
        raise ValueError(
            f"There are too few people: a figure has to rest on {minimum_count} or more (`minimum_count`). Merge the group "
            "with others."
        )
    if not values.any():
        raise ValueError("All values are 0: nobody did anything, so there is nothing to be concentrated.")
    if (values > 0).sum() < minimum_count:
        raise ValueError(f"Of {about(len(values))} people too few did anything, and a figure has to rest on {minimum_count} "
                         "or more who did (`minimum_count`): take a longer period.")
    if len(exposure) != len(values) or not np.all(exposure > 0):
        raise ValueError(
            "`exposure` needs one number above 0 for each person, such as the days of eligibility: "
            "leave out people who were never eligible."
        )
    return values, exposure


def _knots(ascending, minimum_count):
    """Numbers of people at which the curve may be shown, 0 and all included."""
    people, none = len(ascending), np.searchsorted(ascending, 0, "right")
    steps = max(min(100, people // minimum_count), 1)
    knots = np.round(np.linspace(0, people, steps + 1)).astype(int)
    knots = knots[(knots <= none) | (knots >= none + minimum_count)]  # a step in which few have any would tell of them
    while len(knots) > 2 and ascending[-1] > ascending[knots[-2] :].sum() / 2:
        knots = np.delete(knots, -2)
    return knots


def _measures(values, counts, top, at):
    """Gini and top share (b, 2), their standard errors (b, 2) and Lorenz ordinates (b, len(at)).

    `values` (v,) ascend; each row of `counts` (b, v) says how many people have them.
    """
    people = counts.sum(axis=1, keepdims=True)
    weight = counts / people
    below = np.cumsum(weight, axis=1)
    use = np.cumsum(weight * values, axis=1)
    mean = use[:, -1:]

    distance = values * (2 * below - 1) - 2 * use + mean  # mean distance of each value from everybody's
    gini = (weight * distance).sum(axis=1, keepdims=True) / (2 * mean)
    gini_influence = (distance - gini * (values + mean)) / mean

    cut = values[(below < 1 - top).sum(axis=1).clip(max=len(values) - 1)][:, np.newaxis]
    above = np.maximum(values - cut, 0) + top * cut
    share = (weight * above).sum(axis=1, keepdims=True) / mean
    share_influence = (above - share * values) / mean

    errors = [np.sqrt((weight * i**2).sum(axis=1) / people[:, 0]) for i in (gini_influence, share_influence)]
    curve = [np.interp(at, np.r_[0, p], np.r_[0, u]) for p, u in zip(below, use / mean, strict=True)]
    return np.hstack([gini, share]), np.column_stack(errors), np.array(curve)


def _resampled(values, probabilities, people, draws, top, at, rng):
    """`_measures` of random frequency tables; tables in which nobody did anything are left out."""
    parts = []
    step = max(CELLS // len(values), 1)
    for start in range(0, draws, step):
        counts = rng.multinomial(people, probabilities, size=min(step, draws - start))
        if len(counts := counts[counts @ values > 0]):
            parts.append(_measures(values, counts, top, at))
    if not parts:
        raise ValueError(f"In none of {draws:,} samples has anybody any of the amount: draw more (`n_boot`).")
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _one_rate_for_all(values, exposure):
    """Counts and their probabilities for a person drawn from people who differ only in exposure."""
    everyone_seen = values.min() > 0
    days, weight = np.unique(exposure, return_counts=True)
    weight = weight / weight.sum()
    rate = values.mean() / (weight @ days)
    if everyone_seen:  # the mean given at least one act is above the mean of everybody

        def excess(rate):
            return weight @ (rate * days / -np.expm1(-rate * days)) - values.mean()

        least = 1e-9 / days.max()
        rate = optimize.brentq(excess, least, rate) if excess(least) < 0 else least
    expected = rate * days
    counts = np.arange(stats.poisson.ppf(1e-12, expected[0]), stats.poisson.isf(1e-12, expected[-1]) + 2)
    probabilities = np.zeros(len(counts))
    for mean, share in zip(expected, weight, strict=True):
        chance = stats.poisson.pmf(counts, mean)
        if everyone_seen:
            chance[counts == 0] = 0
        probabilities += share * chance / chance.sum()
    return counts, probabilities / probabilities.sum()
