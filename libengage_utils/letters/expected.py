"""The days on which each person was expected, counted along the calendar."""

import narwhals as nw
import numpy as np
import pandas as pd

from ..engagement import sees
from ..roster import EVER, day_numbers


class Clock:
    """The expected days of each person on a roster, counted up along the calendar until today.

    Parameters
    ----------
    roster : DataFrame
        person_key, begin and end (day numbers of eligibility), and whatever the blind spots of the coverage name.
    today, first_act : int
        Day numbers: where the calendar ends, and where it begins if there is no coverage.
    holidays, absences, coverage : frame, optional
        As for `silence`.

    Attributes
    ----------
    covered : ndarray of bool, shape (n_people,)
        Whether some source could have seen the person.

    Raises
    ------
    ValueError
        If a span ends before it begins, nothing is on record before today, or nobody is on the roster.
    """

    def __init__(self, roster, today, first_act, holidays=None, absences=None, coverage=None):
        if coverage is None:
            first, last, can_see = np.array([first_act]), np.array([today]), np.ones((len(roster), 1), dtype=bool)
        else:
            coverage = coverage[coverage["identity"] == "person"]
            first, last = _spans(coverage, "sources")
            can_see = _can_see(roster, coverage)
        if not (first < today).any():
            raise ValueError("Nothing is on record of identified people before that day: is the day right, and the coverage "
                             "in study.yml?")
        if not len(roster):
            raise ValueError("Nobody on the roster is left to ask after: is the day right, and are people and events of one "
                             "study?")
        self.origin, self.begin, self.end = int(first.min()), roster["begin"].to_numpy(), roster["end"].to_numpy()
        days = np.arange(self.origin, today + 1)
        kinds, self.kind = np.unique(can_see, axis=0, return_inverse=True)
        watched = np.array([_within(days, first[kind], last[kind]) for kind in kinds])
        self.covered = self._between(_totals(watched), self.kind, self.begin, np.minimum(self.end, today)) > 0
        self.totals = _totals(watched & ~_within(days, *_spans(holidays, "holidays")))
        self.absent = _absent(absences, roster["person_key"])

    def expected(self, first, last):
        """Expected days of each person from `first` to `last`, both included, as day numbers."""
        first, last = np.maximum(first, self.begin).astype(int), np.minimum(last, self.end).astype(int)
        at, left, back = self.absent
        gone = self._between(self.totals, self.kind[at], np.maximum(left, first[at]), np.minimum(back, last[at]))
        return self._between(self.totals, self.kind, first, last) - np.bincount(at, gone, len(first)).astype(int)

    def away(self, day):
        """Whether each person is absent on a day."""
        at, left, back = self.absent
        return np.bincount(at[(left <= day) & (day <= back)], minlength=len(self.kind)) > 0

    def _between(self, totals, kind, first, last):
        before, after = (np.clip(day - self.origin, 0, totals.shape[1] - 1) for day in (first, last + 1))
        return np.maximum(totals[kind, after] - totals[kind, before], 0)


def expected_days(on, days, holidays=None):
    """How many of the `days` days after a day are no holidays: what a window is worth on the clock of expected days.

    Parameters
    ----------
    on : date
    days : int
    holidays : DataFrame, optional
        As for `silence`.

    Returns
    -------
    int

    Examples
    --------
    >>> expected_days("2025-01-01", 10, pd.DataFrame({"from": ["2025-01-05"], "to": ["2025-01-08"]}))
    6
    """
    window = int(day_numbers([on])[0]) + np.arange(1, days + 1)
    return int((~_within(window, *_spans(holidays, "holidays"))).sum())


def _can_see(roster, coverage):
    """Whether each source can see each person: (n_people, n_sources)."""
    frame = nw.from_native(roster)
    return np.column_stack([frame.with_columns(sees(source, frame.columns).alias("seen"))["seen"].to_numpy()
                            for source in coverage.to_dict("records")] or [np.zeros((len(roster), 0), dtype=bool)])


def _absent(absences, keys):
    """Absences of the people given as their places, first and last days; those of one person that overlap made one."""
    if absences is None:
        return (np.zeros(0, dtype=int),) * 3
    table = nw.from_native(absences).lazy().collect().to_pandas()
    left, back = _spans(table, "absences")
    spells = pd.DataFrame({"at": pd.Index(keys).get_indexer(table["person_key"]), "left": left, "back": back})
    spells = spells[spells["at"] >= 0].sort_values(["at", "left"])
    spells["back"] = spells.groupby("at")["back"].cummax()
    spell = (spells["left"] > spells.groupby("at")["back"].shift(fill_value=-EVER)).cumsum()
    merged = spells.groupby(spell).agg({"at": "first", "left": "first", "back": "last"})
    return tuple(merged[column].to_numpy() for column in merged)


def _spans(table, what):
    """First and last days of the rows of a table with from and to; an empty `to` never ends."""
    if table is None:
        return (np.zeros(0, dtype=int),) * 2
    first, last = day_numbers(table["from"]), day_numbers(table["to"], EVER)
    if backwards := (last < first).sum():
        raise ValueError(f"{backwards:,} of the {what} end before they begin: correct their days.")
    return first, last


def _within(days, first, last):
    """Whether each day lies in one of the spans."""
    inside = np.zeros(len(days), dtype=bool)
    for begin, end in zip(first, last, strict=True):
        inside |= (begin <= days) & (days <= end)
    return inside


def _totals(counts):
    """Days counted before each day, a row a kind of person."""
    return np.pad(np.cumsum(counts, axis=1), ((0, 0), (1, 0)))
