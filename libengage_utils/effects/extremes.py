"""Whether more ratings lie at the two ends of a scale than a distribution with one hump would put there."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from ..privacy import about, suppress
from ..resampling import over_samples, people_drawn, sums_by_person, told

ROUNDS = 80  # of Newton's method


@dataclass(frozen=True)
class Extremes:
    """Shares of ratings at both ends of a scale, against a single hump; made by `extremes`.

    Attributes
    ----------
    table : DataFrame
        A row a point of the scale, from worst to best: label, estimate (share of ratings), low, high (missing where
        withheld), reference (share under the single hump; missing if any share is withheld), end (bool).
    share, reference : float
        Share of ratings at both ends, and what the single hump puts there.
    estimate, low, high : float
        The first less the second, in percentage points, with its 95% interval; missing where withheld.
    ceiling : float
        The greatest share that any distribution with one hump, the same mean and spread could have at both ends;
        missing where none has so wide a spread.
    too_wide : bool
        Whether the spread is wider than that of any distribution with one hump and this mean.
    n, people, dropped : int
        Ratings, people who gave them, and missing ratings left out.
    rests_on : int
        The fewest people behind a share that is shown.
    """

    table: pd.DataFrame = field(repr=False)
    share: float
    reference: float
    estimate: float
    low: float
    high: float
    ceiling: float
    too_wide: bool
    n: int
    people: int
    dropped: int
    rests_on: int

    @property
    def summary(self):
        """The finding in two or three sentences."""
        if np.isnan(self.estimate):
            return "Too few people are behind the ratings at the ends of the scale, or between them, to show their share."
        apart = ("about the" if self.low <= 0 <= self.high else
                 f"{abs(self.estimate):.1f} percentage points {'more' if self.estimate > 0 else 'fewer'} than the")
        words = (f"{self.share:.0%} of the ratings lie at the two ends of the scale, {apart} {self.reference:.0%} that the "
                 f"likeliest distribution with one hump puts there (95% interval of the difference, in points, "
                 f"{self.low:+.1f} to {self.high:+.1f}; {about(self.people)} people).")
        if self.too_wide:
            return words + (" The ratings spread more widely than those of any distribution with one hump and their mean; "
                            "they are compared with the widest.")
        return words + f" No distribution with one hump, this mean and spread could put more than {self.ceiling:.0%} there."


def extremes(ratings, *, points, person=None, ends=1, draws=1000, minimum_count=10, random_state=0):
    """Share of ratings at both ends of a scale, against the likeliest distribution with one hump.

    The reference has the mean and the spread of the ratings, a single hump, and is otherwise as unassuming as can
    be: of maximum entropy, which is a normal curve on the points of the scale or, where the ratings spread so widely
    that this would be hollow in the middle, such a curve with its hollow levelled out. Where the spread exceeds that
    of any distribution with one hump, the reference is the widest of them with this mean: a level line and a
    pillar at one end. Intervals come from samples of people; the reference is found anew for each.

    Who is asked matters: what people volunteer draws the strongly pleased and displeased. Call this for solicited
    and for volunteered ratings separately.

    Parameters
    ----------
    ratings : array-like of shape (n_ratings,)
        Ratings or their valence; missing ones are left out and counted.
    points : sequence of float
        The points of the scale from worst to best, equally spaced, three or more.
    person : array-like of shape (n_ratings,), optional
        Whose ratings they are; missing entries count as a person each. By default each rating is a person's.
    ends : int
        How many points at each end are called extreme.
    draws : int
        Samples of people.
    minimum_count : int
        Fewest people behind a share that is shown; at least 5.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    Extremes

    Raises
    ------
    ValueError
        If a rating is none of the points, all are alike, there are too few people, or the points are not a scale.

    References
    ----------
    Maximum entropy: Jaynes (1957), Physical Review 106(4), 620-630. Distributions with one hump as mixtures of level
    ones: Dharmadhikari & Joag-dev (1988), Unimodality, Convexity, and Applications, ch. 1. Levelling out by order
    restrictions: Robertson, Wright & Dykstra (1988), Order Restricted Statistical Inference, ch. 1.

    Examples
    --------
    >>> box = [1] * 40 + [2] * 10 + [3] * 5 + [4] * 15 + [5] * 50
    >>> result = extremes(box, points=[1, 2, 3, 4, 5])
    >>> print(f"{result.share:.2f} {result.reference:.2f} {result.too_wide}")
    0.75 0.46 True
    """
    value, person, dropped = _checked(ratings, points, person, ends, minimum_count)
    at = np.abs(value[:, np.newaxis] - np.asarray(points, dtype=float)).argmin(axis=1)
    size, people = len(points), person.max() + 1
    counts = sums_by_person(person, at, np.ones(len(at)), size).toarray()
    behind = pd.Series((counts > 0).sum(axis=0))

    shares = over_samples(people_drawn(people, draws, random_state), counts)
    shares = shares / shares.sum(axis=1, keepdims=True)
    hump, too_wide = single_hump(shares)
    outer = np.arange(size)
    outer = (outer < ends) | (outer >= size - ends)
    excess = 100 * (shares - hump)[:, outer].sum(axis=1)

    share, low, high = told(shares, people)
    known = pd.concat([suppress(behind[part], minimum_count) for part in (outer, ~outer)]).sort_index().notna()
    table = pd.DataFrame({"label": [f"{point:g}" for point in points], "estimate": share, "low": low, "high": high,
                          "reference": hump[0], "end": outer})
    table.loc[~known.to_numpy(), ["estimate", "low", "high"]] = np.nan
    if not known.all():      # with its mean and spread, the hump would give back what is withheld
        table["reference"] = np.nan
    fewest = min((counts[:, part] > 0).any(axis=1).sum() for part in (outer, ~outer))
    found = (shares[0, outer].sum(), hump[0, outer].sum(), *told(excess, people),
             np.nan if too_wide[0] else _ceiling(shares[0], outer))
    found = [float(number) for number in found] if fewest >= minimum_count else [np.nan] * len(found)
    rests_on = min([*behind[known], *([fewest] if fewest >= minimum_count else [])], default=people)
    return Extremes(table, *found, bool(too_wide[0]), len(value), int(people), dropped, int(rests_on))


def single_hump(shares):
    """The likeliest distributions with one hump that have the mean and spread of these.

    Parameters
    ----------
    shares : ndarray of shape (n, n_points)
        Distributions over equally spaced points.

    Returns
    -------
    hump : ndarray of shape (n, n_points)
    too_wide : ndarray of bool, shape (n,)
        Whether the spread is wider than that of any distribution with one hump; `hump` is then the widest.

    Examples
    --------
    >>> hump, too_wide = single_hump(np.array([[0.1, 0.2, 0.4, 0.2, 0.1], [0.5, 0, 0, 0, 0.5]]))
    >>> hump.round(2).tolist(), too_wide.tolist()
    ([[0.09, 0.24, 0.34, 0.24, 0.09], [0.2, 0.2, 0.2, 0.2, 0.2]], [False, True])
    """
    shares = np.asarray(shares, dtype=float)
    size = shares.shape[1]
    z = np.linspace(-1, 1, size)
    turned = shares @ z < 0
    shares = np.where(turned[:, np.newaxis], shares[:, ::-1], shares)  # the mean now lies in the upper half
    aim = shares @ np.column_stack([z, z**2])
    level = np.minimum(1 - aim[:, 0], 1)[:, np.newaxis]  # the widest: a level line, and a pillar at the top
    hump = level / size + (1 - level) * (np.arange(size) == size - 1)
    too_wide = hump @ z**2 < aim[:, 1] - 1e-9
    open_ = ~too_wide & (hump @ z**2 > aim[:, 1] + 1e-9)
    near = 2 / (size - 1)  # nothing but two neighbouring points: no curve has so little spread
    step = (aim[:, 0] + 1) / near % 1
    narrow = aim[:, 1] - aim[:, 0] ** 2 < near**2 * (step * (1 - step) + 1e-3)
    hump[narrow], too_wide[narrow], open_[narrow] = shares[narrow], False, False
    for flat in range(1, size - 1):  # points levelled out at the foot
        if not open_.any():
            break
        terms = np.column_stack([z, z**2])
        terms[:flat] = terms[:flat].mean(axis=0)
        fitted = _least_assuming(terms, aim[open_])
        slopes = np.sign(np.where(np.abs(np.diff(fitted)) < 1e-9, 0, np.diff(fitted)))
        falling = np.maximum.accumulate(slopes < 0, axis=1)
        meets = np.abs(fitted @ terms - aim[open_]).max(axis=1) < 1e-6
        fits = meets & ~(falling & (slopes > 0)).any(axis=1)
        rows = np.flatnonzero(open_)[fits]
        hump[rows], open_[rows] = fitted[fits], False
    hump[turned] = hump[turned, ::-1]
    return hump, too_wide


def _least_assuming(terms, aim):
    """Distributions of maximum entropy with these means (n, 2) of the terms (n_points, 2): (n, n_points)."""
    def given(slopes, aim):
        power = slopes @ terms.T
        top = power.max(axis=1, keepdims=True)
        weight = np.exp(power - top)
        total = weight.sum(axis=1, keepdims=True)
        return weight / total, (top + np.log(total))[:, 0] - (slopes * aim).sum(axis=1)

    slopes, live = np.zeros_like(aim), np.arange(len(aim))
    squares = (terms[:, :, np.newaxis] * terms[:, np.newaxis]).reshape(len(terms), 4)
    for _ in range(ROUNDS):
        fitted, height = given(slopes[live], aim[live])
        mean = fitted @ terms
        gap = mean - aim[live]
        spread = (fitted @ squares).reshape(-1, 2, 2) - mean[:, :, np.newaxis] * mean[:, np.newaxis]
        step = np.linalg.solve(spread + 1e-12 * np.eye(2), gap[:, :, np.newaxis])[:, :, 0]
        for _ in range(12):  # shorten the steps that overshoot
            worse = ~(given(slopes[live] - step, aim[live])[1] <= height + 1e-12)
            if not worse.any():
                break
            step[worse] /= 2
        slopes[live] -= np.where(worse[:, np.newaxis], 0, step)
        live = live[(np.abs(gap).max(axis=1) > 1e-9) & ~worse]
        if not len(live):
            break
    return given(slopes, aim)[0]


def _ceiling(shares, outer):
    """The greatest share at the ends of any distribution with one hump and the mean and spread of these."""
    size = len(shares)
    z = np.arange(size)
    held = np.vstack([np.ones(size), z, z**2])
    best = np.nan
    for mode in range(size):
        up = np.diff(np.eye(size), axis=0) * np.where(z[1:] <= mode, -1, 1)[:, np.newaxis]
        found = linprog(-outer.astype(float), A_ub=up, b_ub=np.zeros(size - 1), A_eq=held, b_eq=held @ shares)
        if found.status == 0:
            best = np.fmax(best, -found.fun)
    return best


def _checked(ratings, points, person, ends, minimum_count):
    """Ratings given, whose they are as codes from 0, and how many are missing; or a sentence on what is wrong."""
    value, points = pd.to_numeric(pd.Series(np.asarray(ratings)), errors="raise").astype(float), np.asarray(points, float)
    steps = np.diff(points)
    if len(points) < 3 or not np.allclose(steps, steps[0]) or not steps[0]:
        raise ValueError("`points` are the points of the scale from worst to best, three or more and equally spaced, such "
                         f"as [1, 2, 3, 4, 5]; they are {points.tolist()}.")
    if not 0 < 2 * ends < len(points):
        raise ValueError(f"`ends` is how many points at each end are extreme, and leaves some between; of {len(points)} "
                         f"points it cannot be {ends}.")
    key = pd.Series(range(len(value)) if person is None else np.asarray(person))
    if len(key) != len(value):
        raise ValueError(f"There are {len(value):,} ratings and {len(key):,} entries of who gave them: give one for each.")
    given = value.notna()
    value, key = value[given], key[given]
    away = np.abs(value.to_numpy()[:, np.newaxis] - points).min(axis=1) > 1e-6 * abs(steps[0]) if len(value) else value
    if strange := int(np.sum(away)):
        raise ValueError(f"{strange:,} of {len(value):,} ratings are none of the points of the scale: give all its points "
                         "as `points`, and leave out ratings of other scales.")
    unsigned = key.isna().to_numpy()
    codes, known = pd.factorize(key, sort=True)
    codes[unsigned] = len(known) + np.arange(unsigned.sum())
    people = len(known) + unsigned.sum()
    if people < max(minimum_count, 2):
        raise ValueError(f"Too few people gave ratings: a share has to rest on {minimum_count} or more "
                         "(`minimum_count`): take a longer period, or merge groups.")
    if value.nunique() < 2:
        raise ValueError("All ratings are alike: they have no spread for a distribution with one hump to be given.")
    return value.to_numpy(), codes, int((~given).sum())
