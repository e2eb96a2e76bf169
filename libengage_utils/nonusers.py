"""Who is never seen, in which circumstances and for which reasons, and who is seen by no log only."""

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

NOT_RECORDED = "not recorded"
OVERLAP = 0.5  # least share of the roster in which two values must meet to be compared
MAIN, INTERACTION = 2.5, 0.5  # scales of the priors of a logistic regression, in log odds


@dataclass(frozen=True)
class LargestDifference:
    """The circumstance that goes furthest with never being seen; made by `largest_difference`.

    `estimate` is the largest absolute standardised difference (0 to 1), `low` and `high` are limits for the
    largest of all at confidence `level`; `circumstance`, `value` and `reference` say where it was found.
    `comparisons` has the rows of `standardised_difference` for all circumstances.
    """

    estimate: float
    low: float
    high: float
    circumstance: str
    value: str
    reference: str
    level: float
    comparisons: pd.DataFrame

    @property
    def summary(self):
        """The finding in one sentence."""
        table = self.comparisons.set_index(["circumstance", "value"])
        row = table.loc[(self.circumstance, self.value)]
        return (
            f"The largest of {table.difference.count()} differences is by {self.circumstance}: other "
            f"circumstances alike, {row.rate:.1%} of {self.value} are never seen and "
            f"{row.reference_rate:.1%} of {self.reference}, {100 * self.estimate:.1f} percentage points "
            f"apart ({self.level:.0%} interval of the largest: {100 * self.low:.1f} to {100 * self.high:.1f})."
        )


@dataclass(frozen=True)
class SurveyShares:
    """What those who answered said, and what that leaves open about all.

    Made by `reason_shares` and `surely_invisible`. `people` are all the question is about, `respondents`
    those of them who answered. `table` has, by answer: `people` who gave it; their `share` of the respondents
    with 95% Wilson limits `low` and `high`; `bound_low` and `bound_high`, between which the share of *all*
    lies whatever the silent would have said; `withheld`.
    """

    people: int
    respondents: int
    table: pd.DataFrame

    @property
    def response_rate(self):
        """Share of the people who answered."""
        return self.respondents / self.people

    @property
    def summary(self):
        """The commonest answer in two sentences."""
        shown = self.table[~self.table.withheld]
        if shown.empty:
            return f"Too few of {self.people:,} people gave any one answer for a share to be shown."
        row = shown.loc[shown.share.idxmax()]
        return (
            f"Of {self.people:,} people {self.respondents:,} answered ({self.response_rate:.0%}), and "
            f"{row.share:.0%} of these (95% interval {row.low:.0%} to {row.high:.0%}) said: {row.name}. "
            f"Among all, whatever the silent would have said, it is {row.bound_low:.0%} to "
            f"{row.bound_high:.0%}."
        )


def never_seen_rates(people, by, *, seen="seen", minimum_count=10):
    """Share of people never seen in each group, with Wilson's interval.

    Parameters
    ----------
    people : frame
        One row a person of the roster whom some identified source could have seen.
    by : str
        Column of a circumstance, such as mode, level or home site.
    seen : str
        Column that says whether the person was ever seen.
    minimum_count : int
        Fewest people never seen, and fewest people seen, in a group that is shown.

    Returns
    -------
    pandas.DataFrame
        By group: its value, `people`, `never_seen`, `rate`, 95% limits `low` and `high`, `withheld`. The
        numbers of a group withheld are missing, never 0.

    Raises
    ------
    ValueError
        If a column is not there, or it is not known of everybody whether they were seen.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22, 209-212. Brown, Cai and DasGupta (2001), Stat. Science 16, 101-133.

    Examples
    --------
    >>> people = pd.DataFrame({"mode": ["full-time"] * 100 + ["distance"] * 50 + ["visiting"] * 5,
    ...                        "seen": [True] * 80 + [False] * 20 + [True] * 25 + [False] * 30})
    >>> never_seen_rates(people, "mode").round(2)
            mode  people  never_seen  rate   low  high  withheld
    0   distance    50.0        25.0   0.5  0.37  0.63     False
    1  full-time   100.0        20.0   0.2  0.13  0.29     False
    2   visiting     NaN         NaN   NaN   NaN   NaN      True
    """
    cells = _cells(people, [by], seen)
    table = cells.astype({"people": float, "never_seen": float})
    table["rate"] = table.never_seen / table.people
    table["low"], table["high"] = proportion_confint(table.never_seen, table.people, method="wilson")
    return _withheld(table, ~_enough(cells, minimum_count), [by])


def standardised_difference(people, circumstance, adjust=(), *, seen="seen", minimum_count=10):
    """Never-seen rate of each value of a circumstance against the commonest, other circumstances alike.

    Rates are standardised directly: every value is given the mix of other circumstances found in the whole
    roster. Where each combination of those holds `minimum_count` people or more of every value, the rates
    observed within combinations are averaged; elsewhere rates from a logistic regression (g-computation) of
    all circumstances and of the interactions of the compared one with the others, with normal priors around 0
    (scale 2.5, and 0.5 for interactions, in log odds) that keep sparse combinations from running off. Which
    it is depends on numbers of people alone, not on who was seen. Limits are of the delta method, with the
    roster's mix taken as given.

    Parameters
    ----------
    people : frame
        One row a person of the roster whom some identified source could have seen.
    circumstance : str
        Column whose values are compared.
    adjust : list of str
        Columns of the other circumstances. Missing entries make a value of their own.
    seen : str
        Column that says whether the person was ever seen.
    minimum_count : int
        Fewest people never seen, and fewest people seen, of a value that is shown.

    Returns
    -------
    pandas.DataFrame
        By `value`, against `reference`: `people`; `rate` and `reference_rate`, standardised; `difference`
        with its standard `error` and 95% limits `low`, `high`; the `crude` difference; `overlap`, the share
        of the roster in combinations that hold both values; `basis`: *strata*, *logistic model*, *too few
        people*, or *too little overlap* where that share is below a half and the model would make the
        comparison up; `withheld`. What is not compared is missing, never 0.

    Raises
    ------
    ValueError
        As `never_seen_rates`, and if the circumstance has only one value.

    References
    ----------
    Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, ch. 19. Snowden, Rose and
    Mortimer (2011), Am. J. Epidemiology 173, 731-738. Gelman, Jakulin, Pittau and Su (2008), Ann. Appl.
    Statistics 2, 1360-1383.

    Examples
    --------
    Beginners are seen less, and more of them study full-time: the modes differ by more than it seems.

    >>> groups = {("full-time", "first"): (200, 80), ("full-time", "later"): (100, 20),
    ...           ("distance", "first"): (50, 30), ("distance", "later"): (150, 60)}
    >>> rows = [(*group, i >= never) for group, (n, never) in groups.items() for i in range(n)]
    >>> people = pd.DataFrame(rows, columns=["mode", "level", "seen"])
    >>> standardised_difference(people, "mode", ["level"])[["value", "difference", "crude", "basis"]].round(2)
           value  difference  crude   basis
    0   distance         0.2   0.12  strata
    """
    adjust = [name for name in adjust if name != circumstance]
    cells = _cells(people, [circumstance, *adjust], seen)
    totals = cells.groupby(circumstance)[["people", "never_seen"]].sum()
    if len(totals) < 2:
        raise ValueError(f"{circumstance} has only the value {totals.index[0]}: there is nothing to compare.")
    reference = totals.people.idxmax()
    values = totals.index.drop(reference)

    stratum = cells.groupby(adjust).ngroup() if adjust else 0
    strata = cells.assign(stratum=stratum).pivot(
        index="stratum", columns=circumstance, values=["people", "never_seen"]
    )
    strata = strata.fillna(0)
    mix = strata.people.sum(axis=1) / totals.people.sum()
    enough = _enough(totals, minimum_count)
    if (strata.people.loc[:, enough] >= minimum_count).all(axis=None):
        basis, estimates = "strata", _from_strata(strata, mix, values, reference)
    else:
        basis, estimates = "logistic model", _from_model(cells, circumstance, adjust, values, reference)

    few = ~(enough[values] & enough[reference]).to_numpy()
    overlap = [mix[(strata.people[[value, reference]] > 0).all(axis=1)].sum() for value in values]
    apart = np.array(overlap) < OVERLAP
    rate, reference_rate, error = np.where(apart, np.nan, np.array(estimates, dtype=float).T)
    difference, reach = rate - reference_rate, norm.ppf(0.975) * error
    crude = totals.never_seen / totals.people
    table = pd.DataFrame(
        {
            "value": values,
            "reference": reference,
            "people": totals.people[values].to_numpy(dtype=float),
            "rate": rate,
            "reference_rate": reference_rate,
            "difference": difference,
            "error": error,
            "low": np.maximum(difference - reach, -1),
            "high": np.minimum(difference + reach, 1),
            "crude": (crude[values] - crude[reference]).to_numpy(),
            "overlap": overlap,
            "basis": np.select([few, apart], ["too few people", "too little overlap"], basis),
        }
    )
    return _withheld(table, few, ["value", "reference", "basis"])


def largest_difference(people, circumstances, *, seen="seen", level=0.95, minimum_count=10):
    """Largest absolute standardised difference in never being seen, over all circumstances and values.

    Each circumstance is compared with the others held alike (`standardised_difference`). Picking the largest
    of many differences exaggerates it, so its lower limit is the largest of their lower limits after
    Bonferroni. Its upper limit is the largest of their upper limits, which needs no correction: it can only
    fail where that of the truly largest fails.

    Parameters
    ----------
    people : frame
        One row a person of the roster whom some identified source could have seen.
    circumstances : list of str
        Columns that are compared, and held alike in turn.
    seen, minimum_count
        As for `standardised_difference`.
    level : float
        Confidence level of the interval.

    Returns
    -------
    LargestDifference

    Raises
    ------
    ValueError
        As `standardised_difference`, and if every comparison is withheld.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> people = pd.DataFrame({"mode": rng.choice(["full-time", "distance"], 4000, p=[0.7, 0.3]),
    ...                        "level": rng.choice(["first", "second", "third"], 4000)})
    >>> people["seen"] = rng.random(4000) > np.where(people["mode"] == "distance", 0.4, 0.2)
    >>> largest = largest_difference(people, ["mode", "level"])
    >>> print(f"{largest.value}: {largest.estimate:.2f} ({largest.low:.2f} to {largest.high:.2f})")
    distance: 0.19 (0.15 to 0.22)
    """
    tables = {
        name: standardised_difference(people, name, circumstances, seen=seen, minimum_count=minimum_count)
        for name in circumstances
    }
    comparisons = pd.concat(tables, names=["circumstance"]).reset_index(level=0).reset_index(drop=True)
    usable = comparisons.dropna(subset="error")
    if usable.empty:
        raise ValueError(
            f"No two values of {', '.join(circumstances)} can be compared: each needs {minimum_count} people "
            f"seen and {minimum_count} never seen, in like circumstances. Merge small values."
        )
    size, error = usable.difference.abs(), usable.error
    row = usable.loc[size.idxmax()]
    low = (size - norm.ppf(1 - (1 - level) / (2 * len(usable))) * error).max()
    high = (size + norm.ppf((1 + level) / 2) * error).max()
    return LargestDifference(
        estimate=float(size.max()),
        low=max(float(low), 0.0),
        high=min(float(high), 1.0),
        circumstance=row.circumstance,
        value=row.value,
        reference=row.reference,
        level=level,
        comparisons=comparisons,
    )


def reason_shares(answers, nonusers, *, person="person_key", reason="answer", minimum_count=10):
    """Reasons of non-users who were asked: shares of those who answered, and bounds for all non-users.

    Non-users rarely answer, and those who do may differ. The bounds assume nothing of the silent: at worst
    none of them has the reason, or all have (Manski 1989). They need no interval, being about these very
    people.

    Parameters
    ----------
    answers : frame
        One row a person and reason. Several reasons of a person count once each; rows without a person,
        without a reason, or of people who are not among `nonusers` are passed over.
    nonusers : array-like of str
        Keys of all the people the shares are about, asked or not.
    person, reason : str
        Columns of `answers`.
    minimum_count : int
        Fewest people who gave, and fewest who did not give, a reason that is shown.

    Returns
    -------
    SurveyShares
        `table` has one row a reason, commonest first.

    Raises
    ------
    ValueError
        If a column is not there, or there are no non-users.

    References
    ----------
    Manski (1989), Anatomy of the selection problem, J. Human Resources 24, 343-360.

    Examples
    --------
    >>> answers = pd.DataFrame({"person_key": [f"p_{i}" for i in range(50)],
    ...                         "answer": ["I buy my books"] * 30 + ["too far"] * 20})
    >>> shares = reason_shares(answers, [f"p_{i}" for i in range(200)])
    >>> shares.table[["people", "share", "bound_low", "bound_high"]]
                    people  share  bound_low  bound_high
    I buy my books    30.0    0.6       0.15        0.90
    too far           20.0    0.4       0.10        0.85
    """
    answers = _answers_of(answers, nonusers, person, reason).drop_duplicates()
    return _shares(answers[reason].value_counts(), answers[person].nunique(), nonusers, minimum_count)


def surely_invisible(answers, never_seen, *, person="person_key", uses="uses", minimum_count=10):
    """People without an identified act who say that they use the library: users the logs cannot see.

    Parameters
    ----------
    answers : frame
        Answers of a survey that bear a person; those of people who are not among `never_seen` are passed
        over.
    never_seen : array-like of str
        Keys of all people without an identified act.
    person, uses : str
        Columns of `answers`: the person, and whether they say they use the library (true or false).
    minimum_count : int
        Fewest people who say yes, and fewest who say no, for the share to be shown.

    Returns
    -------
    SurveyShares
        `table` has one row. Its `bound_low` is the share of all never seen who *surely* are users, as far as
        people report truly.

    Raises
    ------
    ValueError
        If a column is not there, or there are no people never seen.

    Examples
    --------
    >>> answers = pd.DataFrame({"person_key": [f"p_{i}" for i in range(80)],
    ...                         "uses": [True] * 20 + [False] * 60})
    >>> surely_invisible(answers, [f"p_{i}" for i in range(400)]).table[["people", "share", "bound_low"]]
                              people  share  bound_low
    says they use the library   20.0   0.25       0.05
    """
    answers = _answers_of(answers, never_seen, person, uses)
    yes = _truth(answers, uses).groupby(answers[person]).any()
    counts = pd.Series({"says they use the library": yes.sum()})
    return _shares(counts, len(yes), never_seen, minimum_count)


def _cells(people, columns, seen):
    """Number of people, and of people never seen, in each combination that occurs."""
    people = nw.from_native(people, eager_only=True).to_pandas()
    if absent := [name for name in (*columns, seen) if name not in people]:
        raise ValueError(f"The people have no column {', '.join(absent)}; they have {', '.join(people)}.")
    if people.empty:
        raise ValueError("The frame of people is empty: give one row for each person of the roster.")
    if unknown := people[seen].isna().sum():
        raise ValueError(
            f"Whether they were seen is missing for {unknown:,} of {len(people):,} people: leave out those "
            "whom no identified source could see; they are unknown, not unseen."
        )
    values = people[columns].astype(object).where(people[columns].notna(), NOT_RECORDED).astype(str)
    never = (~_truth(people, seen)).rename("never_seen").groupby([values[name] for name in columns])
    return never.agg(people="size", never_seen="sum").reset_index()


def _truth(frame, column):
    """A column of true and false as booleans; text such as 'False' would count as true."""
    if not frame[column].isin([True, False]).all():
        raise ValueError(f"The column {column} holds more than true and false (or 1 and 0): recode it.")
    return frame[column].astype(bool)


def _enough(cells, minimum_count):
    """Whether neither the people never seen nor the people seen are too few to be shown."""
    return np.minimum(cells.never_seen, cells.people - cells.never_seen) >= minimum_count


def _withheld(table, few, keep):
    """The table with the numbers of rows that rest on too few people missing, and these rows marked."""
    table = table.assign(withheld=np.asarray(few))
    table.loc[table.withheld, table.columns.difference([*keep, "withheld"])] = np.nan
    return table


def _from_strata(strata, mix, values, reference):
    """Standardised rate of each value, of the reference, and the difference's error, from observed rates."""
    people, never = strata.people, strata.never_seen
    rates = never / people
    variance = (rates * (1 - rates) / (people - 1)).mul(mix**2, axis=0).sum()  # n - 1: unbiased
    rate = rates.mul(mix, axis=0).sum()
    error = np.sqrt(variance + variance[reference])
    return [(rate[value], rate[reference], error[value]) for value in values]


def _from_model(cells, circumstance, adjust, values, reference):
    """The same from a logistic regression."""
    company = pd.get_dummies(cells[adjust], drop_first=True, dtype=float).to_numpy()

    def design(own):
        together = (own[:, :, np.newaxis] * company[:, np.newaxis]).reshape(len(cells), -1)
        return np.column_stack([np.ones(len(cells)), company, own, together])

    observed = design(pd.get_dummies(cells[circumstance], dtype=float)[values].to_numpy())
    main = company.shape[1] + len(values)
    scale = np.r_[np.inf, np.full(main, MAIN), np.full(observed.shape[1] - main - 1, INTERACTION)]
    coefficients, covariance = _logistic(observed, cells.never_seen, cells.people, scale)
    weight = (cells.people / cells.people.sum()).to_numpy()

    def everybody(value):
        """Mean rate if all had the value, and its gradient."""
        x = design(np.tile(values == value, (len(cells), 1)).astype(float))
        rate = expit(x @ coefficients)
        return weight @ rate, (weight * rate * (1 - rate)) @ x

    rate, gradient = everybody(reference)
    estimates = []
    for own_rate, own_gradient in map(everybody, values):
        change = own_gradient - gradient
        estimates.append((own_rate, rate, np.sqrt(change @ covariance @ change)))
    return estimates


def _logistic(design, events, trials, scale):
    """Coefficients of a logistic regression with normal priors of this scale, and their covariance."""
    coefficients = np.zeros(design.shape[1])
    coefficients[0] = logit(events.sum() / trials.sum())
    for _ in range(100):
        rate = expit(design @ coefficients)
        information = (design.T * (trials * rate * (1 - rate)).to_numpy()) @ design + np.diag(scale**-2.0)
        step = np.linalg.solve(information, design.T @ (events - trials * rate) - coefficients / scale**2)
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-8:
            break
    return coefficients, np.linalg.inv(information)


def _answers_of(answers, people, person, answer):
    """Person and answer, of these people, where both are there."""
    answers = nw.from_native(answers, eager_only=True).to_pandas()
    if absent := [name for name in (person, answer) if name not in answers]:
        raise ValueError(f"The answers have no column {', '.join(absent)}; they have {', '.join(answers)}.")
    if len(people) == 0:
        raise ValueError("There are no people to describe: give the keys of everybody the shares are about.")
    return answers.loc[answers[person].isin(list(people)), [person, answer]].dropna()


def _shares(counts, respondents, people, minimum_count):
    """Counts of answers as shares of the respondents, with bounds on the shares of all people."""
    everybody = len(set(people))
    table = pd.DataFrame({"people": counts.astype(float)})
    table["share"] = table.people / respondents if respondents else np.nan
    table["low"], table["high"] = proportion_confint(table.people, max(respondents, 1), method="wilson")
    table["bound_low"] = table.people / everybody
    table["bound_high"] = (table.people + everybody - respondents) / everybody
    few = np.minimum(counts, respondents - counts) < minimum_count
    table.index.name = None
    return SurveyShares(everybody, respondents, _withheld(table, few.to_numpy(), []))
