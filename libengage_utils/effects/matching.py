"""Those written to against people alike in what is known of them who were not."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.sparse import hstack

from ..nonusers import truth
from ..privacy import about
from ..resampling import over_samples, people_drawn, sums_by_person, told
from .strata import as_numbers, strata


@dataclass(frozen=True)
class MatchedDifference:
    """An outcome of the treated against that of others alike; made by `matched_difference`.

    Attributes
    ----------
    estimate, low, high : float
        Mean outcome of the treated who have a like, less that of their likes, in units of the outcome; 95% interval.
    crude : float
        The difference of everybody, nobody matched.
    risk_ratio, ratio_low, ratio_high : float
        The same as a ratio; missing where the outcome is an amount.
    e_value, e_value_limit : float
        How strongly, as a ratio, something not held alike would have to go with both treatment and outcome to account for
        the ratio, and for its limit nearest 1.
    balance : DataFrame
        A row a circumstance: before and after, standardised mean differences (beyond 0.1 is usually called unbalanced).
    matched, unmatched, people, dropped : int
        Rows of treated with and without a like, people behind the difference, rows left out since a value was missing.
    yes_or_no : bool
        Whether the outcome has no values but 0 and 1.
    rests_on : int
        The fewest people on a side; where the outcome is yes or no, with either answer.
    """

    treated: str
    outcome: str
    estimate: float
    low: float
    high: float
    crude: float
    risk_ratio: float
    ratio_low: float
    ratio_high: float
    e_value: float
    e_value_limit: float
    balance: pd.DataFrame = field(repr=False)
    matched: int
    unmatched: int
    people: int
    dropped: int
    yes_or_no: bool
    rests_on: int

    @property
    def weakness(self):
        """What the design cannot rule out."""
        words = "People are alike only in what was held alike: whatever else chose the one and not the other may differ too"
        if np.isnan(self.e_value):
            return f"{words}."
        if self.e_value_limit == 1:
            return f"{words}, and even so the interval holds no difference."
        return (f"{words}; to account for the ratio it would have to go with both by a ratio of {self.e_value:.1f} "
                f"(E-value), and to bring its interval to 1, of {self.e_value_limit:.1f}.")

    @property
    def summary(self):
        """The finding in three or four sentences."""
        scale, unit, digits = (100, " percentage points", 1) if self.yes_or_no else (1, "", 2)
        gap, low, high, crude = (f"{scale * value:+.{digits}f}" for value in
                                 (self.estimate, self.low, self.high, self.crude))
        treated, outcome = (name.replace("_", " ") for name in (self.treated, self.outcome))
        more, less = ("more frequent", "less frequent") if self.yes_or_no else ("higher", "lower")
        found = (f"it cannot be told whether {outcome} goes with {treated}" if self.low <= 0 <= self.high else
                 f"{outcome} is {more if self.low > 0 else less} with {treated} than without")
        ratio = ("" if np.isnan(self.risk_ratio) else f" The risk ratio is {self.risk_ratio:.2f} (95% interval "
                 f"{self.ratio_low:.2f} to {self.ratio_high:.2f}).")
        dropped = f" {self.dropped:,} rows lack a value and are left out." if self.dropped else ""
        return (f"Circumstances being alike, {found}: {gap}{unit} (95% interval {low} to {high}; {crude} before "
                f"matching), from {about(self.people)} people.{ratio} {about(self.unmatched).capitalize()} of "
                f"{about(self.matched + self.unmatched)} with {treated} have nobody alike and are left out.{dropped} "
                f"{self.weakness}")


def matched_difference(table, treated, outcome, on, *, draws=1000, minimum_count=10, random_state=0):
    """Outcome of the treated against that of others alike in some circumstances (coarsened exact matching).

    Words are held alike exactly, counts in classes that double, other amounts in fifths. The difference is that for the
    treated who have a like. It takes out what goes with these circumstances, and nothing else: what is not among them,
    such as a wish to come back, stays in the difference, and so does what differs within a class, which the balance shows.

    Parameters
    ----------
    table : DataFrame
        person_key, and the columns named; rows that lack one of them are left out and counted.
    treated : str
        Column of true and false.
    outcome : str
        Column of 0 and 1, of true and false, or of an amount.
    on : list of str
        Columns of circumstances, all of them known before.
    draws, minimum_count, random_state
        Samples of people for the interval, fewest people on either side of a figure, seed.

    Returns
    -------
    MatchedDifference

    Raises
    ------
    ValueError
        If a column is missing, fewer than `minimum_count` people on either side have a like, or, where the outcome is yes
        or no, have either answer.

    References
    ----------
    Iacus, King & Porro (2012), Political Analysis 20(1), 1-24. VanderWeele & Ding (2017), Ann. Intern. Med. 167, 268-274.

    Examples
    --------
    >>> table = pd.DataFrame({"person_key": range(800), "acts": [0, 5] * 400, "letter": ([False] * 3 + [True]) * 200})
    >>> table["seen"] = table.person_key % np.where(table.acts == 5, 3, 12) == 0
    >>> result = matched_difference(table, "letter", "seen", ["acts"])
    >>> round(result.crude, 2), round(result.estimate, 2)
    (0.11, 0.01)
    """
    if absent := [name for name in ("person_key", treated, outcome, *on) if name not in table]:
        raise ValueError(f"The table has no column {' and no column '.join(absent)}.")
    rows = table.dropna(subset=["person_key", treated, outcome, *on])
    own, value = truth(rows, treated).to_numpy(), rows[outcome].astype(float).to_numpy()
    alike, yes_or_no = strata(rows, on)[0], bool(np.isin(value, [0, 1]).all())
    both = np.isin(alike, alike[own]) & np.isin(alike, alike[~own])
    person, keys = pd.factorize(rows["person_key"], sort=True)
    sides = both & own, both & ~own
    if (rests_on := min(len(pd.unique(person[side])) for side in sides)) < minimum_count:
        raise ValueError(f"Fewer than {minimum_count} people have a like, with {treated} or without: hold "
                         "fewer circumstances alike, or bands of them that are wider.")
    others, theirs, share = means_of_likes(own, alike, value, person, draws, random_state)
    answers = [side & (value == answer) for side in sides for answer in (0, 1)]
    if yes_or_no and (rests_on := min(len(pd.unique(person[answer])) for answer in answers)) < minimum_count:
        raise ValueError(f"Of people alike, too few had the outcome, or had it not, with {treated} or without, for the "
                         "two to be compared.")
    ratio = np.array(told(theirs / others, len(keys))) if yes_or_no else np.full(3, np.nan)
    weights = np.where(own, both, both * share[alike])
    return MatchedDifference(
        treated, outcome, *map(float, told(theirs - others, len(keys))), float(value[own].mean() - value[~own].mean()),
        *map(float, ratio), *e_value(*ratio), _balance(as_numbers(rows, on), own, weights), int(sides[0].sum()),
        int((own & ~both).sum()), len(pd.unique(person[both])), len(table) - len(rows), yes_or_no, rests_on)


def means_of_likes(own, alike, value, person, draws, random_state):
    """Mean outcome of others who have a like and of the treated who have one, over samples of people.

    Parameters
    ----------
    own : ndarray of bool, shape (n_rows,)
        Whether a row is of the treated.
    alike, person : ndarray of int, shape (n_rows,)
        Codes from 0 of strata and of people.
    value : ndarray of shape (n_rows,)
    draws, random_state
        Samples of people, seed.

    Returns
    -------
    others, theirs : ndarray of shape (1 + draws,)
        The first of everybody once; strata weigh as the treated in them do.
    share : ndarray of shape (n_strata,)
        Treated for each other row of a stratum.
    """
    size = alike.max() + 1
    sums = hstack([sums_by_person(person, own * size + alike, part, 2 * size) for part in (np.ones(len(value)), value)])
    sums = over_samples(people_drawn(person.max() + 1, draws, random_state), sums.tocsr())
    n, total = np.moveaxis(sums.reshape(-1, 2, 2, size), 1, 0)
    treated = np.where(n.all(axis=1), n[:, 1], 0)[:, np.newaxis]
    with np.errstate(invalid="ignore"):
        others, theirs = ((treated * total / np.maximum(n, 1)).sum(axis=2) / treated.sum(axis=2)).T
    return others, theirs, n[0, 1] / np.maximum(n[0, 0], 1)


def e_value(ratio, low, high):
    """How strong something unheld would have to be to account for a risk ratio, and for its limit nearest 1.

    Parameters
    ----------
    ratio, low, high : float
        The risk ratio and its 95% interval.

    Returns
    -------
    tuple of float
        Ratio by which it would have to go with treatment and with outcome; that for the limit, 1 where the interval holds 1.

    References
    ----------
    VanderWeele & Ding (2017), Ann. Intern. Med. 167, 268-274.

    Examples
    --------
    >>> [round(value, 2) for value in e_value(3.9, 1.8, 8.7)]
    [7.26, 3.0]
    """
    away = np.array([ratio, 1 if low <= 1 <= high else low if ratio >= 1 else high])
    away = np.maximum(away, 1 / away)
    return tuple(map(float, away + np.sqrt(away * (away - 1))))


def _balance(circumstances, own, weights):
    """Standardised mean differences of each circumstance, before and after; both in the spread before."""
    rows = []
    for label, column in circumstances.items():
        theirs, others = column[own], column[~own]
        spread = np.sqrt((theirs.var() + others.var()) / 2)
        after = np.average(theirs, weights=weights[own]) - np.average(others, weights=weights[~own])
        rows.append((label, (theirs.mean() - others.mean()) / spread, after / spread))
    return pd.DataFrame(rows, columns=["label", "before", "after"])
