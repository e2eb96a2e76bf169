"""How errands felt that left the way declared for them, against like errands that kept to it."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..nonusers import truth
from ..privacy import about
from ..resampling import told
from .matching import means_of_likes
from .strata import strata

KEYS = ["person_key", "journey_id"]


@dataclass(frozen=True)
class OffTheWay:
    """Feeling of errands off and on the way, circumstances alike; made by `off_the_way`.

    Attributes
    ----------
    table : DataFrame
        Rows "off the way" and "on the way": label, estimate (mean valence), low, high (95%), people; missing where withheld.
    estimate, low, high : float
        Mean of errands off the way that have a like, less that of their likes on it, with the 95% interval.
    alike : tuple of str
        What was held alike.
    journeys, people : int
        Errands compared, and people behind them.
    unmatched, dropped : int
        Errands without a like; errands that were not felt, or lack a circumstance.
    """

    table: pd.DataFrame = field(repr=False)
    estimate: float
    low: float
    high: float
    alike: tuple
    journeys: int
    people: int
    unmatched: int
    dropped: int

    @property
    def rests_on(self):
        """The fewer of the people off the way and on it; missing where withheld."""
        return self.table["people"].min(skipna=False)

    @property
    def headline(self):
        """Which of the two felt better, in a sentence."""
        if np.isnan(self.estimate):
            return "Too few people told how errands off the way, or on it, felt for the two to be compared."
        if self.low <= 0 <= self.high:
            return "Whether errands off the declared way feel better or worse than like errands on it cannot be told."
        return (f"Errands off the declared way feel {'better' if self.low > 0 else 'worse'} than like errands on it, by "
                f"{abs(self.estimate):.2f} on a scale from -1 to 1.")

    @property
    def summary(self):
        """The finding in two or three sentences."""
        if np.isnan(self.estimate):
            return self.headline
        off, on = self.table["estimate"]
        alike = f"{' and '.join(self.alike).replace('_', ' ')} being alike" if self.alike else "as they are"
        return (f"{self.headline} Their mean valence is {off:+.2f} off the way and {on:+.2f} on it, {alike}: a difference "
                f"of {self.estimate:+.2f} (95% interval {self.low:+.2f} to {self.high:+.2f}), from {self.journeys:,} "
                f"errands of {about(self.people)} people who told. Whoever leaves a way may differ from whoever keeps to it "
                "in what was not held alike.")


def off_the_way(journeys, felt, value="mean", alike=("service",), *, draws=1000, minimum_count=10, random_state=0):
    """How errands off the way felt, less how errands on it did that are alike.

    Errands off the way are set beside those on it that agree in all that is held alike, weighted as those off the way are.
    Intervals are percentiles over samples of people, so that several errands of a person count as one.

    Parameters
    ----------
    journeys : DataFrame
        Those of `conformance`: person_key, journey_id, service, off.
    felt : DataFrame
        One row an errand: person_key, journey_id and `value`, as made by `journey_measures` or `returns_after`.
    value : str
        Column of the valence from -1 to 1: the mean of the steps, or a rating of the whole.
    alike : sequence of str
        Columns of either frame to hold alike, such as "service", or with `returns_after` "kind" (whether something failed).
    draws, minimum_count, random_state
        Samples of people, fewest people off the way and on it, seed.

    Returns
    -------
    OffTheWay

    Raises
    ------
    ValueError
        If a column is missing, an errand of somebody who told occurs twice, or none is in both frames.

    References
    ----------
    Iacus, King & Porro (2012), Political Analysis 20(1), 1-24. Percentiles: Hesterberg (2015), Am. Stat. 69(4), 371-386.

    Examples
    --------
    >>> journeys = pd.DataFrame({"person_key": range(80), "journey_id": "j", "service": ["loan"] * 40 + ["scan"] * 40,
    ...                          "off": [True, False] * 40})
    >>> felt = journeys[["person_key", "journey_id"]].assign(mean=[0.1, 0.3] * 20 + [0.5, 0.7] * 20)
    >>> found = off_the_way(journeys, felt)
    >>> round(found.estimate, 2), found.table["estimate"].round(2).tolist()
    (-0.2, [0.3, 0.5])
    """
    own = [*KEYS, "off", *(name for name in alike if name not in felt)]
    absent = [name for name in own if name not in journeys] + [name for name in (*KEYS, value) if name not in felt]
    if absent:
        raise ValueError(f"There is no column {' and no column '.join(absent)}: journeys are those of `conformance`, and "
                         "feelings those of `journey_measures` or `returns_after`.")
    theirs = journeys.loc[journeys["person_key"].isin(felt["person_key"]), own]
    if twice := int(theirs.duplicated(KEYS).sum() + felt.duplicated(KEYS).sum()):
        raise ValueError(f"{twice:,} errands occur more than once: give one row an errand.")
    both = theirs.merge(felt[list(dict.fromkeys([*KEYS, value, *(name for name in alike if name in felt)]))], on=KEYS)
    if both.empty:
        raise ValueError("No errand is in both frames: take them from the same events.")
    rows = both.dropna(subset=[value, *alike]).sort_values(KEYS)
    off, code = truth(rows, "off").to_numpy(), strata(rows, list(alike))[0]
    matched = np.isin(code, code[off]) & np.isin(code, code[~off])
    person, keys = pd.factorize(rows["person_key"])
    people = [len(pd.unique(person[matched & side])) for side in (off, ~off)]
    figures = np.full((3, 3), np.nan)
    if min(people) >= minimum_count:
        on, theirs, _ = means_of_likes(off, code, rows[value].to_numpy(dtype=float), person, draws, random_state)
        figures = np.array([told(means, len(keys)) for means in (theirs - on, theirs, on)])
    table = pd.DataFrame(figures[1:], columns=["estimate", "low", "high"])
    table.insert(0, "label", ["off the way", "on the way"])
    table["people"] = np.where(np.isnan(table["estimate"]), np.nan, people)
    return OffTheWay(table, *map(float, figures[0]), tuple(alike), int(matched.sum()), len(pd.unique(person[matched])),
                     int((~matched).sum()), len(journeys) - len(rows))


def once_alike(headline, estimate, low, high, *, what="failures", form=".2f"):
    """A headline, and what is left of it once something more is held alike, in one sentence.

    Examples
    --------
    >>> once_alike("Errands off the way feel worse, by 0.07.", -0.01, -0.05, 0.02)
    'Errands off the way feel worse, by 0.07; with failures alike, too, no difference can be told.'
    >>> once_alike("After a detour 3 fewer in 100 come back.", -1.8, -3.3, -0.3, form=".1f")
    'After a detour 3 fewer in 100 come back; with failures alike, too, the difference is -1.8.'
    """
    if low <= 0 <= high:
        return f"{headline[:-1]}; with {what} alike, too, no difference can be told."
    return f"{headline[:-1]}; with {what} alike, too, the difference is {format(estimate, '+' + form)}."
