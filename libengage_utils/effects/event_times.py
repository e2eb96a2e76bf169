"""What an event study found, by time since adoption, as numbers and in sentences."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..privacy import about

SURE = 0.05


@dataclass(frozen=True)
class PreTrend:
    """Whether units that adopt had moved apart from the others before they did.

    Attributes
    ----------
    statistic, df, p : float, int, float
        Joint Wald test that they moved alike at all `df` earlier times shown; its p-value is that of Hotelling's
        distribution, since units may be few. Missing where there is no earlier time, or there are too few units.
    largest, at : float, int
        The largest departure, and its time since adoption.
    """

    statistic: float
    df: int
    p: float
    largest: float
    at: int

    @property
    def apart(self):
        """Whether they surely moved apart."""
        return self.p < SURE


@dataclass(frozen=True)
class EventStudy:
    """How an outcome changes with {self.adoption}, over and above the change among units compared; made by `event_study`.

    Attributes
    ----------
    estimate, low, high, error : float
        Mean over all times after adoption of all units that adopt, its 95% interval and standard error. Missing where
        withheld.
    table : DataFrame
        A row a time since adoption: event_time (0 is the first time in the new way), estimate, low, high (pointwise 95%
        interval), band_low, band_high (simultaneous 95% band), adopting, compared (units), rests_on (the fewer of these; a
        unit is of one person or more). The time that changes are taken from has estimate 0, no interval and infinitely many
        behind it; figures of too few units are missing.
    groups : DataFrame
        A row a time of adoption and a time: adopted, time, event_time, estimate, low, high, adopting, compared.
    pre_trend : PreTrend
        Whether they had moved apart before adoption.
    counts : Series
        Units: adopting (behind the estimate), compared, never (adopt), from_the_start (have adopted by the first time that
        could be compared: left out), silent (without any outcome: left out). Pairs of a unit that adopts and a time after
        it: pairs (behind the estimate), unpaired (left out: no outcome then, or at the time that changes are taken from),
        uncompared (left out: nobody to compare with). Rows: missing (without an outcome).
    outcome, whom : str
        What changed, and the units compared with, in words.
    adoption, units : str
        What the sentences call it, adoption or a pretended one, and those that adopt.
    percent : bool
        Whether figures are in per cent. `error` is then that of 100 times the logarithm, times the ratio.
    """

    estimate: float
    low: float
    high: float
    error: float
    table: pd.DataFrame = field(repr=False)
    groups: pd.DataFrame = field(repr=False)
    pre_trend: PreTrend
    counts: pd.Series = field(repr=False)
    outcome: str
    whom: str
    percent: bool
    adoption: str = "adoption"
    units: str = "units"

    @property
    def rests_on(self):
        """The fewer of the units that adopt and that are compared."""
        return self.counts[["adopting", "compared"]].min()

    @property
    def headline(self):
        """Whether the outcome changes with adoption, in a sentence."""
        if np.isnan(self.estimate):
            return f"What goes with {self.adoption} is withheld, because too few {self.units} adopt or can be compared."
        if self.low <= 0 <= self.high:
            return f"No change of {self.outcome} with {self.adoption} can be told from chance: {self._span}."
        way = "higher" if self.low > 0 else "lower"
        return f"After {self.adoption}, {self.outcome} is {way} than the change {self.whom} would have it: {self._span}."

    @property
    def before(self):
        """What earlier times say, in a sentence."""
        test, apart = self.pre_trend, f"moved apart before {self.adoption}"
        if np.isnan(test.p):
            return f"Whether they {apart} cannot be told: there are too few earlier times, or {self.units}."
        most = (f"joint test of {test.df} earlier {_times(test.df)}: p = {test.p:.2g}; the largest departure is "
                f"{self._number(test.largest)}, {-test.at} {_times(-test.at)} before")
        if test.apart:
            return f"They had {apart} ({most}): the figure holds that as well."
        return f"That they {apart} cannot be told from chance ({most}), which does not show that they moved alike."

    @property
    def summary(self):
        """The finding in three to five sentences."""
        if np.isnan(self.estimate):
            return self.headline
        span = f"{self._number(self.estimate)} (95% interval {self._number(self.low)} to {self._number(self.high)})"
        way = "higher" if self.low > 0 else "lower"
        found = (f"After {self.adoption}, {self.outcome} is {way}" if self.low > 0 or self.high < 0 else
                 f"Whether {self.outcome} changes with {self.adoption} cannot be told")
        adopting, compared, pairs = (about(self.counts[name]) for name in ("adopting", "compared", "pairs"))
        left_out = {f"{self.units} without an outcome": "silent",
                    f"{self.units} that had adopted before anything could be compared": "from_the_start",
                    "outcomes after adoption without one from before": "unpaired",
                    "outcomes after adoption with nobody to compare with": "uncompared"}
        left_out = "; ".join(f"{about(n)} {what}"
                             for what, name in left_out.items() if (n := self.counts[name]))
        return (f"{found}: {span}, over and above the change {self.whom}, from {adopting} {self.units} that adopt, "
                f"{compared} compared with them and {pairs} pairs of outcomes. "
                f"{f'Not counted: {left_out}. ' if left_out else ''}{self.before} "
                "No lot decided who adopts, and when: whatever else changed with it is in the figure, too.")

    @property
    def _span(self):
        numbers = (f"{value:+.0f}%" if self.percent else f"{value:+.3g}" for value in (self.estimate, self.low, self.high))
        return "{} ({} to {})".format(*numbers)

    def _number(self, value):
        return f"{value:+.1f}%" if self.percent else f"{value:+.3g}"


def _times(n):
    return "time" if n == 1 else "times"
