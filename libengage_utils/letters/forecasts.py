"""Whether as many people came back as was forecast, and whether a forecast tells them apart."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from statsmodels.stats.proportion import proportion_confint

from ..privacy import about


@dataclass(frozen=True)
class Skill:
    """How much better a forecast is than one constant for all; made by `brier_skill`. The interval is of 95%."""

    estimate: float
    low: float
    high: float
    people: int

    @property
    def summary(self):
        """The finding in a sentence."""
        verdict = ("tells people apart better than one share for all" if self.low > 0 else
                   "does worse than one share for all" if self.high < 0 else
                   "is not known to do better than one share for all")
        ends = [f"{abs(end):.0%} {'smaller' if end >= 0 else 'larger'}" for end in (self.estimate, self.low, self.high)]
        return (f"For {about(self.people)} people the forecast {verdict}: its squared error is {ends[0]} (95% interval "
                f"{ends[1]} to {ends[2]}).")


def calibration(probability, returned, *, bins=5, minimum_count=10):
    """Whether as many came back as a forecast said, in groups of people with a like forecast.

    Parameters
    ----------
    probability : array-like of shape (n_people,)
        The forecast chance of each.
    returned : array-like of bool, shape (n_people,)
        Whether the person came back.
    bins : int
        Groups of about equal size; equal forecasts fall into one.
    minimum_count : int
        Fewest people that a figure may rest on.

    Returns
    -------
    DataFrame
        One row a group, least likely first: predicted (mean forecast), people, returned (share), low and high (95%
        interval), rests_on (the fewer of those who came back and who did not). Missing where these are fewer than
        `minimum_count`.

    Raises
    ------
    ValueError
        If the two differ in length, or a forecast is missing or outside 0 to 1.

    References
    ----------
    Wilson (1927), Probable inference, J. Am. Stat. Assoc. 22(158), 209-212, for the interval.

    Examples
    --------
    >>> print(calibration([0.2] * 100 + [0.6] * 100, [True] * 25 + [False] * 75 + [True] * 55 + [False] * 45).round(2))
       predicted  people  returned   low  high  rests_on
    0        0.2     100      0.25  0.18  0.34        25
    1        0.6     100      0.55  0.45  0.64        45
    """
    probability, returned = _forecast(probability, returned)
    group = np.ceil(bins * rankdata(probability) / len(probability))
    rows = pd.DataFrame({"probability": probability, "returned": returned}).groupby(group)
    table = rows.agg(predicted=("probability", "mean"), people=("returned", "size"), back=("returned", "sum"))
    low, high = proportion_confint(table["back"], table["people"], method="wilson")
    table = table.assign(returned=table["back"] / table["people"], low=low, high=high,
                         rests_on=np.minimum(table["back"], table["people"] - table["back"]))
    return table.drop(columns="back").where(table["rests_on"] >= minimum_count).reset_index(drop=True)


def brier_skill(probability, returned, *, draws=2000, minimum_count=10, random_state=0):
    """How much smaller a forecast's squared error is than that of the share returned, forecast for everybody.

    Parameters
    ----------
    probability, returned
        As for `calibration`.
    draws : int
        Bootstrap samples of people, for the 95% percentile interval.
    minimum_count : int
        Fewest people who must have come back, and who must not.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    Skill
        1: no error; 0: as good as the constant; negative: worse.

    Raises
    ------
    ValueError
        As for `calibration`, and if too few came back or did not.

    References
    ----------
    Brier (1950), Verification of forecasts expressed in terms of probability, Monthly Weather Review 78(1), 1-3. Murphy
    (1973), Hedging and skill scores for probability forecasts, J. Applied Meteorology 12(1), 215-223.

    Examples
    --------
    >>> print(brier_skill([0.2] * 100 + [0.6] * 100, [True] * 20 + [False] * 80 + [True] * 60 + [False] * 40).summary)
    For about 200 people the forecast tells people apart better than one share for all: its squared error is 17%
    smaller (95% interval 6% smaller to 26% smaller).
    """
    probability, returned = _forecast(probability, returned)
    if min(returned.sum(), (~returned).sum()) < minimum_count:
        raise ValueError(f"Fewer than {minimum_count} people came back, or did not: a forecast cannot be judged on them.")
    order = np.lexsort((returned, probability))
    back = returned[order].astype(float)
    error = (probability[order] - back) ** 2
    rng = np.random.default_rng(random_state)
    drawn = (rng.integers(len(back), size=len(back)) for _ in range(draws))
    skills = [_skill(error[people], back[people]) for people in drawn]
    return Skill(_skill(error, back), *(float(limit) for limit in np.quantile(skills, [0.025, 0.975])), len(back))


def _skill(error, back):
    share = back.mean()
    return float(1 - error.mean() / max(share * (1 - share), 1e-12))


def _forecast(probability, returned):
    probability, returned = np.asarray(probability, dtype=float), np.asarray(returned, dtype=bool)
    if len(probability) != len(returned):
        raise ValueError(f"There are {len(probability):,} forecasts and {len(returned):,} outcomes: give one each a person.")
    if wrong := (~((probability >= 0) & (probability <= 1))).sum():
        raise ValueError(f"{wrong:,} of {len(probability):,} forecasts are missing or outside 0 to 1.")
    return probability, returned
