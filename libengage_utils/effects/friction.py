"""How friction goes with coming back, circumstances being alike."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit
from statsmodels.duration.hazard_regression import PHReg

from ..nonusers import truth
from ..privacy import about
from ..resampling import over_samples, people_drawn, sums_by_person, told
from .returns import need_columns
from .strata import as_numbers, strata

PRIORS = 2.5, 0.5  # scales of normal priors in log odds: of a term, of an interaction


@dataclass(frozen=True)
class ReturnModel:
    """Cox regression of the return; made by `return_model`.

    Attributes
    ----------
    table : DataFrame
        One row a term: label, estimate (ratio of the daily chances of returning), low, high (95%), drift (correlation
        with time of its scaled Schoenfeld residuals: below 0, the ratio falls as days pass), p (that it is constant) and
        rests_on (people; where the term is yes or no, the fewer of those with and without).
    journeys, people, events, dropped : int
        Journeys, people, returns, and journeys left out because a term was missing or they were not watched for a day.
    """

    table: pd.DataFrame = field(repr=False)
    journeys: int
    people: int
    events: int
    dropped: int

    @property
    def summary(self):
        """The ratios in a sentence or two."""
        ratios = [f"{row.label} {row.estimate:.2f} (95% interval {row.low:.2f} to {row.high:.2f}"
                  f"{', not constant over the days' if row.p < 0.05 else ''})" for row in self.table.itertuples()]
        return (f"Ratios of the daily chance of returning, all else in the model being alike: {'; '.join(ratios)}; from "
                f"{self.journeys:,} journeys of {about(self.people)} people.")


@dataclass(frozen=True)
class StandardisedReturn:
    """Difference in return between exposed and other journeys, circumstances alike; made by `standardised_return`.

    Attributes
    ----------
    difference, low, high : float
        Journeys followed by a return, exposed less others, in 100, with the 95% interval.
    exposed, others, crude : float
        Both standardised rates in 100, and the plain difference.
    journeys, people, dropped : int
        Those dropped were not watched to the end, or lack a circumstance.
    rests_on : int
        The fewest people with and without the exposure who came back, and who did not.
    """

    exposure: str
    difference: float
    low: float
    high: float
    exposed: float
    others: float
    crude: float
    journeys: int
    people: int
    dropped: int
    rests_on: int

    @property
    def headline(self):
        """Whether more or fewer come back, in a sentence."""
        exposure = self.exposure.replace("_", " ")
        if self.low <= 0 <= self.high:
            return f"Whether more or fewer come back after {exposure} than after other journeys cannot be told."
        return (f"After {exposure}, {abs(self.difference):.1f} {'more' if self.low > 0 else 'fewer'} in 100 come back than "
                "after other journeys.")

    @property
    def summary(self):
        """The finding in a sentence."""
        return (f"Circumstances being alike, {self.exposed:.0f} in 100 journeys with {self.exposure.replace('_', ' ')} and "
                f"{self.others:.0f} in 100 others were followed by a return, a difference of {self.difference:+.1f} in 100 "
                f"(95% interval {self.low:+.1f} to {self.high:+.1f}; {about(self.people)} people).")


def return_model(returns, terms, *, minimum_count=10):
    """Cox regression of the days until the return, ties after Efron, errors that allow for people with several journeys.

    Parameters
    ----------
    returns : DataFrame
        As made by `returns_after`.
    terms : list of str
        Columns: numbers and yes-or-no as they are, words each against the commonest. Rows that lack one are left out.
    minimum_count : int
        Fewest people with, and without, each word, and fewest returns a term.

    Returns
    -------
    ReturnModel

    Raises
    ------
    ValueError
        If a column is missing or constant, or people are too few.

    References
    ----------
    Lin & Wei (1989), J. Am. Stat. Assoc. 84, 1074-1078. Grambsch & Therneau (1994), Biometrika 81, 515-526: each term by
    itself, days in ranks, journeys taken as independent.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> returns = pd.DataFrame({"person_key": range(2000), "long_wait": np.arange(2000) % 2 == 0, "watched": 90})
    >>> days = np.ceil(rng.exponential(40, 2000) * np.where(returns.long_wait, 2, 1))
    >>> returns["days_to_return"] = np.where(days <= 90, days, np.nan)
    >>> return_model(returns, ["long_wait"]).table[["label", "estimate"]].round(1).values.tolist()
    [['long wait', 0.5]]
    """
    returns = need_columns(returns, "days_to_return", "watched", *terms)
    rows = returns.dropna(subset=list(terms))
    rows = rows[rows["watched"] > 0]
    person = pd.factorize(rows["person_key"], sort=True)[0]
    back = rows["days_to_return"].notna().to_numpy()
    design = as_numbers(rows, terms)
    rests_on = []
    for name, column in design.items():
        behind = [len(pd.unique(some)) for _, some in pd.Series(person).groupby(column.to_numpy())]
        rests_on.append(min(behind) if len(behind) == 2 else len(pd.unique(person)))
        if len(behind) < 2 or rests_on[-1] < minimum_count:
            raise ValueError(f"{name}: fewer than {minimum_count} people have it, or lack it. Merge it, or leave it out.")
    if back.sum() < minimum_count * design.shape[1]:
        raise ValueError(f"{back.sum()} returns are too few for {design.shape[1]} terms: {minimum_count} a term are needed.")
    spread = design.std().to_numpy()
    time = rows["days_to_return"].fillna(rows["watched"]).to_numpy(dtype=float)
    model = PHReg(time, ((design - design.mean()) / spread).to_numpy(), status=back.astype(int), ties="efron")
    fit = model.fit(groups=person)
    plain = np.linalg.inv(-model.hessian(fit.params))
    rest = fit.schoenfeld_residuals[back] @ plain
    rank = stats.rankdata(time[back])
    rank -= rank.mean()
    chi2 = back.sum() * (rank @ rest) ** 2 / (np.diag(plain) * (rank @ rank))
    ratio, low, high = (np.exp((fit.params + reach * fit.bse) / spread) for reach in (0, *stats.norm.ppf([0.025, 0.975])))
    table = pd.DataFrame({"label": list(design), "estimate": ratio, "low": low, "high": high,
                          "drift": [np.corrcoef(rank, column)[0, 1] for column in rest.T], "p": stats.chi2.sf(chi2, 1),
                          "rests_on": rests_on})
    return ReturnModel(table, len(rows), int(person.max() + 1), int(back.sum()), len(returns) - len(rows))


def standardised_return(returns, exposure, adjust=("service", "earlier"), *, draws=1000, minimum_count=10, random_state=0):
    """How many more in 100 journeys are followed by a return where something happened, circumstances being alike.

    Rates are those a logistic regression gives to all journeys, were all exposed and were none (g-computation). It has
    the exposure, the circumstances, and how they go together, with weak normal priors around 0; counts are cut where they
    double, other amounts into fifths. Journeys are those watched to the end; intervals come from samples of people.

    Parameters
    ----------
    returns : DataFrame
        As made by `returns_after`.
    exposure : str
        Column of true and false; rows where it is missing are left out.
    adjust : list of str
        Columns of circumstances to hold alike.
    draws, minimum_count, random_state
        Samples of people; fewest people exposed, and not, who came back, and who did not; seed.

    Returns
    -------
    StandardisedReturn

    Raises
    ------
    ValueError
        If a column is missing, the exposure is not true and false, or people are too few.

    References
    ----------
    Snowden, Rose & Mortimer (2011), Am. J. Epidemiology 173, 731-738.

    Examples
    --------
    >>> returns = pd.DataFrame({"person_key": range(400), "watched": 90, "service": ["loan", "scan"] * 200,
    ...     "failed": [True] * 200 + [False] * 200, "seen": ([True] * 3 + [False]) * 50 + ([True] * 9 + [False]) * 20})
    >>> round(standardised_return(returns, "failed", ["service"]).difference)
    -15
    """
    returns = need_columns(returns, exposure, "seen", "watched", *adjust)
    rows = returns[returns["watched"] == returns["watched"].max()].dropna(subset=[exposure, *adjust])
    person, exposed = pd.factorize(rows["person_key"], sort=True)[0], truth(rows, exposure).to_numpy()
    seen = truth(rows, "seen").to_numpy()
    fewest = min(len(pd.unique(person[some & back])) for some in (exposed, ~exposed) for back in (seen, ~seen))
    if fewest < minimum_count:
        raise ValueError(f"Fewer than {minimum_count} people with journeys with {exposure.replace('_', ' ')}, or without, "
                         "came back, or did not: too few to be compared.")
    alike, design = strata(rows, adjust)
    size, people = len(design), person.max() + 1
    sums = sums_by_person(person, (seen * 2 + exposed) * size + alike, np.ones(len(rows)), 4 * size)
    away, y = np.hsplit(over_samples(people_drawn(people, draws, random_state), sums), 2)
    n = away + y
    one, k = np.ones((size, 1)), design.shape[1]
    design = np.vstack([np.hstack([one, design, own * one, own * design]) for own in (0, 1)])
    scale = np.r_[np.inf, np.full(k + 1, PRIORS[0]), np.full(k, PRIORS[1])]
    rate, mix = expit(_logistic(design, y, n, scale) @ design.T), n[:, :size] + n[:, size:]
    others, own = (100 * (part * mix).sum(axis=1) / mix.sum(axis=1) for part in np.hsplit(rate, 2))
    crude = np.diff([100 * y[0, part].sum() / n[0, part].sum() for part in (slice(size), slice(size, None))])[0]
    return StandardisedReturn(exposure, *map(float, (*told(own - others, people), own[0], others[0], crude)), len(rows),
                              int(people), len(returns) - len(rows), fewest)


def _logistic(design, events, trials, scale):
    """Coefficients (b, k) of logistic regressions of counts (b, n) with normal priors of this scale (Newton's method)."""
    k = design.shape[1]
    outer = (design[:, :, np.newaxis] * design[:, np.newaxis]).reshape(len(design), -1)
    slopes = np.zeros((len(events), k))
    for _ in range(30):
        rate = expit(slopes @ design.T)
        curve = ((trials * rate * (1 - rate)) @ outer).reshape(-1, k, k) + np.diag(scale**-2.0 + 1e-9)
        pull = (events - trials * rate) @ design - slopes * scale**-2.0
        step = np.linalg.solve(curve, pull[:, :, np.newaxis])[:, :, 0]
        slopes = slopes + step / np.maximum(1, np.abs(step).max(axis=1, keepdims=True) / 2)
        if np.abs(step).max() < 1e-8:
            break
    return slopes
