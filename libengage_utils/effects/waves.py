"""Letters that went out in waves: those written to against those not yet written to."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import confint_proportions_2indep

from ..privacy import about
from ..resampling import over_samples, people_drawn, told


@dataclass(frozen=True)
class SteppedWaves:
    """Those written to in each wave against those still waiting; made by `stepped_waves`.

    Attributes
    ----------
    table : DataFrame
        A row a wave: on (its day), watched (days until the next wave, or `days`), written and waiting (people not back
        until then); written_back and waiting_back (in 100 of them, those back by the end), difference, low, high
        (percentage points, 95%). Missing where too few people are behind them, or were back, or were not; nobody waits at
        the last wave if all were written to.
    estimate, low, high : float
        The difference pooled over waves, in percentage points, and its 95% interval.
    waves, people, unused : int
        Waves pooled, people in them, and people in none of these: back before, or in waves with too few to compare.
    by_lot : bool
        Whether it was drawn by lot who was in which wave.
    """

    table: pd.DataFrame = field(repr=False)
    estimate: float
    low: float
    high: float
    waves: int
    people: int
    unused: int
    by_lot: bool

    @property
    def weakness(self):
        """What the design cannot rule out."""
        who = ("Who was in which wave was drawn by lot, so that waves differ by chance only" if self.by_lot else
               "Nothing says that waves were drawn by lot, so that they may differ in more than the letter")
        few = "" if self.table["waiting"].gt(0).all() else " the last had nobody left to compare with;"
        return f"{who};{few} nothing is known past the next wave."

    @property
    def summary(self):
        """The finding in two or three sentences."""
        points = f"{self.estimate:+.1f} percentage points (95% interval {self.low:+.1f} to {self.high:+.1f})"
        than = "those not yet written to, watched over the same days"
        found = (f"It cannot be told whether those written to were seen again more often than {than}: {points}"
                 if self.low <= 0 <= self.high else
                 f"Those written to were seen again {'more' if self.low > 0 else 'less'} often than {than}: {points}")
        left_out = f" Another {about(self.unused)} were back before, or had too few to compare with." if self.unused else ""
        waves = "1 wave" if self.waves == 1 else f"{self.waves} waves"
        return f"{found}, from {waves} and {about(self.people)} people.{left_out} {self.weakness}"


def stepped_waves(people, *, days, by_lot=False, draws=1000, minimum_count=10, random_state=0):
    """Those written to in a wave against those not yet written to, over the same days, pooled over waves.

    Both are watched from the day after the wave until the day before the next, or for `days`, whichever is sooner; so the
    time of the year is the same for both, which it is not before and after a letter. Whoever was back on the wave's day or
    before is in neither group. People never written to wait throughout. Waves are weighted n1 n0 / (n1 + n0), as Mantel &
    Haenszel did; a wave's interval is Newcombe's, that of the pooled difference comes from samples of people, since the
    same people wait for several waves.

    Parameters
    ----------
    people : DataFrame
        A row a person: person_key; wave_on (day the letter went, missing where never); returned_on (day of the first act
        since they were chosen, missing where not seen).
    days : int
        For how many days after a letter a return counts, 1 or more; the data must reach so far beyond the last wave.
    by_lot : bool
        Whether it was drawn by lot who was in which wave.
    draws, minimum_count, random_state
        Samples of people, fewest people on either side of a figure, seed.

    Returns
    -------
    SteppedWaves

    Raises
    ------
    ValueError
        If a column is missing, a person has two rows, or no wave has `minimum_count` people written to and waiting.

    References
    ----------
    Stacked comparisons: Cengiz, Dube, Lindner & Zipperer (2019), Quarterly J. Economics 134(3), 1405-1454. Weights: Mantel
    & Haenszel (1959), J. Natl. Cancer Inst. 22(4), 719-748. Newcombe (1998), Statistics in Medicine 17, 873-890.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": range(400), "wave_on": ["2026-01-05"] * 200 + ["2026-02-02"] * 200})
    >>> people["returned_on"] = (["2026-01-09"] * 60 + [None] * 140) + (["2026-01-20"] * 20 + [None] * 180)
    >>> round(stepped_waves(people, days=60).estimate)
    20
    """
    if not days >= 1:
        raise ValueError(f"`days` is for how many days after a letter a return counts, 1 or more; it is {days}.")
    wave, back = _days(people)
    starts = np.unique(wave[np.isfinite(wave)])
    ends = np.minimum(starts + days, np.append(starts[1:] - 1, np.inf))
    own, at_risk = (wave == starts[:, np.newaxis]), (wave >= starts[:, np.newaxis]) & (back > starts[:, np.newaxis])
    groups = np.stack([at_risk & ~own, at_risk & own])  # waiting and written to: (2, waves, people)
    count = groups.sum(axis=2)
    used = (count.min(axis=0) >= minimum_count) & (ends > starts)
    if not used.any():
        raise ValueError(f"No wave out of {len(starts):,} has {minimum_count} people written to while {minimum_count} "
                         "waited, with two days or more until the next: where everybody is written to at once, nobody is "
                         "left to compare with. Write in waves, weeks apart.")
    both = np.stack([groups, groups & (back <= ends[:, np.newaxis])])
    sums = over_samples(people_drawn(len(wave), draws, random_state), both.reshape(-1, len(wave)).T.astype(float))
    n, y = np.moveaxis(sums.reshape(-1, *both.shape[:-1]), 1, 0)
    table = _table(starts, ends, n[0].astype(int), y[0].astype(int), minimum_count)
    n, share = n[:, :, used], (y / np.maximum(n, 1))[:, :, used]
    weight = n.prod(axis=1) / np.maximum(n.sum(axis=1), 1)
    pooled = 100 * (weight * (share[:, 1] - share[:, 0])).sum(axis=1) / weight.sum(axis=1)
    compared = int(at_risk[used].any(axis=0).sum())
    return SteppedWaves(table, *map(float, told(pooled, len(wave))), int(used.sum()), compared, len(wave) - compared, by_lot)


def _days(people):
    """Days of each person's wave and return as numbers, infinite where there was none, in the order of person_key."""
    if absent := [name for name in ("person_key", "wave_on", "returned_on") if name not in people]:
        raise ValueError(f"The people have no column {' and no column '.join(absent)}.")
    if twice := int(people["person_key"].duplicated().sum()):
        raise ValueError(f"{twice:,} rows are of people who have one already: give a row a person, with the first return.")
    dates = (pd.to_datetime(people.sort_values("person_key")[name]) for name in ("wave_on", "returned_on"))
    return tuple(np.where(some.isna(), np.inf, some.to_numpy().astype("datetime64[D]").astype(float)) for some in dates)


def _table(starts, ends, n, y, minimum_count):
    """A row a wave from the numbers (2, waves) of people waiting and written to, and of those who were back."""
    some = np.maximum(n, 1)
    waiting, written = 100 * y / some
    few = (n < minimum_count).any(axis=0) | (np.minimum(y, n - y) < minimum_count).any(axis=0)
    low, high = (100 * limit for limit in confint_proportions_2indep(y[1], some[1], y[0], some[0], method="newcomb"))
    figures = {"written_back": written, "waiting_back": waiting, "difference": written - waiting, "low": low, "high": high}
    return pd.DataFrame({
        "on": starts.astype("datetime64[D]").astype("datetime64[s]"), "watched": (ends - starts).astype(int),
        **{name: np.where((count > 0) & (count < minimum_count), np.nan, count)
           for name, count in zip(("written", "waiting"), n[::-1], strict=True)},
        **{name: np.where(few, np.nan, figure) for name, figure in figures.items()}})
