"""Who is never seen, and in which circumstances, other circumstances being alike."""

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from .standardisation import from_model, from_strata

NOT_RECORDED = "not recorded"
OVERLAP = 0.5  # least share of the roster in which two values must meet to be compared


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
            f"The largest of {table.difference.count()} differences is by {self.circumstance.replace('_', ' ')}: if the "
            f"other recorded circumstances were alike, {row.rate:.1%} of \u201c{self.value}\u201d would be never seen and "
            f"{row.reference_rate:.1%} of \u201c{self.reference}\u201d, {100 * self.estimate:.1f} percentage points apart "
            f"({self.level:.0%} interval of the largest: {100 * self.low:.1f} to {100 * self.high:.1f})."
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
        Fewest people never seen, and fewest people seen, in a group that is shown; another is withheld with it
        where the totals would give it away.

    Returns
    -------
    pandas.DataFrame
        By group: its value, `people`, `never_seen`, `rate`, 95% limits `low` and `high`, `rests_on` (the fewer of
        those seen and never seen), `withheld`. The numbers of a group withheld are missing, never 0.

    Raises
    ------
    ValueError
        If a column is not there, or it is not known of everybody whether they were seen.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22, 209-212. Brown, Cai and DasGupta (2001), Stat. Science 16, 101-133.

    Examples
    --------
    >>> people = pd.DataFrame({"mode": ["full-time"] * 100 + ["distance"] * 50,
    ...                        "seen": [True] * 80 + [False] * 20 + [True] * 25 + [False] * 25})
    >>> never_seen_rates(people, "mode").round(2)
            mode  people  never_seen  rate   low  high  rests_on  withheld
    0   distance    50.0        25.0   0.5  0.37  0.63      25.0     False
    1  full-time   100.0        20.0   0.2  0.13  0.29      20.0     False
    """
    cells = _cells(people, [by], seen)
    table = cells.astype({"people": float, "never_seen": float})
    table["rate"] = table.never_seen / table.people
    table["low"], table["high"] = proportion_confint(table.never_seen, table.people, method="wilson")
    table["rests_on"] = _fewest(cells).astype(float)
    return withheld(table, _in_company(cells, _fewest(cells) < minimum_count, minimum_count), [by])


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
        with its standard `error` and 95% limits `low`, `high`; the `crude` difference; `rests_on`, the fewest of
        those seen and never seen of both values; `overlap`, the share of the roster in combinations that hold
        both values; `basis`: *strata*, *logistic model*, *too few people*, or *too little overlap* where that
        share is below a half and the model would make the comparison up; `withheld`. What is not compared is
        missing, never 0.

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
    fewest = _fewest(totals)
    enough = fewest >= minimum_count
    if (strata.people.loc[:, enough] >= minimum_count).all(axis=None):
        basis, estimates = "strata", from_strata(strata, mix, values, reference)
    else:
        basis, estimates = "logistic model", from_model(cells, circumstance, adjust, values, reference)

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
            "rests_on": np.minimum(fewest[values], fewest[reference]).to_numpy(dtype=float),
            "overlap": overlap,
            "basis": np.select([few, apart], ["too few people", "too little overlap"], basis),
        }
    )
    return withheld(table, few, ["value", "reference", "basis"])


def largest_difference(people, circumstances, *, held=(), seen="seen", level=0.95, minimum_count=10):
    """Largest absolute standardised difference in never being seen, over all circumstances and values.

    Each circumstance is compared with the others held alike (`standardised_difference`); that a circumstance was
    not recorded is held alike too, but is none to compare. Picking the largest
    of many differences exaggerates it, so its lower limit is the largest of their lower limits after
    Bonferroni. Its upper limit is the largest of their upper limits, which needs no correction: it can only
    fail where that of the truly largest fails.

    Parameters
    ----------
    people : frame
        One row a person of the roster whom some identified source could have seen.
    circumstances : list of str
        Columns that are compared, and held alike in turn.
    held : list of str
        Columns that are held alike throughout and not compared, such as time on the roster.
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
        name: standardised_difference(people, name, [*circumstances, *held], seen=seen, minimum_count=minimum_count)
        for name in circumstances
    }
    comparisons = pd.concat(tables, names=["circumstance"]).reset_index(level=0).reset_index(drop=True)
    comparisons = comparisons[(comparisons[["value", "reference"]] != NOT_RECORDED).all(axis=1)].reset_index(drop=True)
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


def _cells(people, columns, seen):
    """Number of people, and of people never seen, in each combination that occurs."""
    people = nw.from_native(people)
    there = people.collect_schema().names()
    if absent := [name for name in (*columns, seen) if name not in there]:
        raise ValueError(f"The people have no column {', '.join(absent)}; they have {', '.join(there)}.")
    cells = people.lazy().group_by(*columns, seen).agg(nw.len().alias("people")).collect().to_pandas()
    if cells.empty:
        raise ValueError("The frame of people is empty: give one row for each person of the roster.")
    if unknown := cells.loc[cells[seen].isna(), "people"].sum():
        raise ValueError(
            f"Whether they were seen is missing for {unknown:,} of {cells['people'].sum():,} people: leave out those "
            "whom no identified source could see; they are unknown, not unseen."
        )
    values = cells[columns].astype(object).where(cells[columns].notna(), NOT_RECORDED).astype(str)
    cells["never_seen"] = cells["people"].where(~truth(cells, seen), 0)
    return cells[["people", "never_seen"]].groupby([values[name] for name in columns]).sum().reset_index()


def truth(frame, column):
    """A column of true and false as booleans; text such as 'False' would count as true."""
    if not frame[column].isin([True, False]).all():
        raise ValueError(f"The column {column} holds more than true and false (or 1 and 0): recode it.")
    return frame[column].astype(bool)


def _in_company(cells, few, minimum_count):
    """Withhold the smallest other groups too, until what is withheld together is enough people, of either sort.

    The totals of all groups are public; so is then the sum of those withheld.
    """
    few, seen = few.copy(), cells.people - cells.never_seen
    for group in np.minimum(cells.never_seen, seen).sort_values(kind="stable").index:
        hidden = few.sum() > 1 and min(cells.never_seen[few].sum(), seen[few].sum()) >= minimum_count
        if not few.any() or hidden:
            break
        few[group] = True
    return few


def _fewest(cells):
    """The people never seen or the people seen, whichever are fewer."""
    return np.minimum(cells.never_seen, cells.people - cells.never_seen)


def withheld(table, few, keep):
    """The table with the numbers of rows that rest on too few people missing, and these rows marked."""
    table = table.assign(withheld=np.asarray(few))
    table.loc[table.withheld, table.columns.difference([*keep, "withheld"])] = np.nan
    return table
