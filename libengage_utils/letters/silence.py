"""Who has not been seen for how long, counted in days on which they were expected, and who may be written to."""

from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..engagement import day_number
from ..journeys.sessions import sums_of_people
from ..privacy import about, counts_shown, suppress
from ..roster import EVER, day_numbers, roster_by_key
from .expected import Clock

UNSEEN, RECENT = "no source could have seen them", "seen within the last {} expected days"
TOO_SOON, WRITE = "not expected for so long yet", "to be written to"


def silence(people, events, *, on, holidays=None, absences=None, coverage=None):
    """How long nobody has seen each person who is eligible on a day, in days on which the person was expected.

    A day is expected of a person who is eligible on it, unless it is a holiday, the person is absent, or no source
    that identifies people and can see the person covers it. Only acts of the person before `on` are looked at.

    Parameters
    ----------
    people, events : frame
        Tables of the schema, of any kind Narwhals supports. Row order does not matter.
    on : date
        The day on which it is asked who is quiet; it is not counted itself.
    holidays : DataFrame, optional
        Columns from, to: days on which nobody is expected, both included; a study's ``holidays``.
    absences : frame, optional
        Table of the schema: times in which somebody is not expected.
    coverage : DataFrame, optional
        The study's coverage; without it everybody counts as covered from the first act in the log on.

    Returns
    -------
    DataFrame, sorted by person_key
        person_key; last_on (day of the last act, missing where there is none); seen_before; silent_days (expected
        days after the last act, or, where there is none, all); expected_days (all expected days before `on`); away
        (absent on the day itself); covered (some source could have seen the person).

    Raises
    ------
    ValueError
        If a person is on the roster twice, a holiday or an absence ends before it begins, nothing is on record before
        the day, or nobody is eligible on it.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": ["a", "b"], "eligible_from": pd.Timestamp("2025-01-01")})
    >>> events = pd.DataFrame({"person_key": ["a"], "occurred_at": [pd.Timestamp("2025-01-01 10:00")],
    ...                        "initiated_by": "person"})
    >>> holidays = pd.DataFrame({"from": ["2025-01-05"], "to": ["2025-01-06"]})
    >>> silence(people, events, on="2025-01-11", holidays=holidays)[["person_key", "silent_days"]].values.tolist()
    [['a', 7], ['b', 8]]
    """
    today = int(day_numbers([on])[0])
    acts, first_act = _acts_before(events, today)
    roster = _roster(people, coverage)
    roster = roster[(roster["begin"] <= today) & (roster["end"] >= today)].reset_index(drop=True)
    clock = Clock(roster, today, first_act, holidays, absences, coverage)
    last = sums_of_people(acts, roster["person_key"], nw.col("day").max())["day"].to_numpy(dtype=float)
    seen = ~np.isnan(last)
    return pd.DataFrame({
        "person_key": roster["person_key"], "last_on": pd.to_datetime(last, unit="D"), "seen_before": seen,
        "silent_days": clock.expected(np.where(seen, last + 1, -EVER), today - 1),
        "expected_days": clock.expected(-EVER, today - 1), "away": clock.away(today), "covered": clock.covered})


def active_days(people, events, *, on, holidays=None, absences=None):
    """Each person's history of active days in three numbers, on the clock of that person's expected days.

    An active day is one with an act of the person's own. Holidays, the person's absences and time outside
    eligibility do not pass on that clock; an act in them counts all the same.

    Parameters
    ----------
    people, events, on, holidays, absences
        As for `silence`.

    Returns
    -------
    DataFrame, sorted by person_key
        For everybody on the roster with an act before `on`: person_key, frequency (active days after the first),
        recency (expected days from the first active day to the last), T (expected days from the first active day to
        the day before `on`).

    Raises
    ------
    ValueError
        As for `silence`.

    References
    ----------
    Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2), 275-284, for the three
    numbers.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": ["a"]})
    >>> events = pd.DataFrame({"person_key": "a", "initiated_by": "person", "occurred_at": pd.to_datetime(
    ...     ["2025-01-01 10:00", "2025-01-01 11:00", "2025-01-08 10:00"])})
    >>> active_days(people, events, on="2025-01-11").values.tolist()
    [['a', 1, 7, 9]]
    """
    today = int(day_numbers([on])[0])
    acts, first_act = _acts_before(events, today)
    roster, day = _roster(people), nw.col("day")
    days = sums_of_people(acts, roster["person_key"], day.min().alias("first"), day.max().alias("last"),
                          day.n_unique().alias("active")).dropna()
    roster, days = roster.iloc[days.index].reset_index(drop=True), days.to_numpy(dtype=int)
    clock, (first, last, active) = Clock(roster, today, first_act, holidays, absences), days.T
    return pd.DataFrame({
        "person_key": roster["person_key"], "frequency": active - 1, "recency": clock.expected(first + 1, last),
        "T": clock.expected(first + 1, today - 1)})


@dataclass(frozen=True)
class Quiet:
    """Who is to be written to, and why others are not; made by `quiet_by_rule`.

    Attributes
    ----------
    people : DataFrame
        Those to be written to: person_key, silent_days, seen_before, last_on.
    left_out : DataFrame
        reason, people: everybody eligible is counted in one row, by the first reason that holds, and those to be
        written to in the last. Reasons that hold for nobody are not listed.
    """

    on: pd.Timestamp
    lapse_days: int
    minimum_count: int
    people: pd.DataFrame = field(repr=False)
    left_out: pd.DataFrame = field(repr=False)

    @property
    def table(self):
        """`left_out` to the nearest ten, with few people withheld, and what would give them away."""
        shown = suppress(self.left_out.set_index("reason")["people"], self.minimum_count).round(-1)
        return shown.rename("people").reset_index()

    @property
    def counts(self):
        """What `table` and `summary` make public, by reason and by how long people had been silent (list of dict)."""
        of, shown = f"people eligible on {self.on:%Y-%m-%d}", self.table.set_index("reason")["people"]
        kinds, recent = (UNSEEN, "less", f"{self.lapse_days} days or more"), (RECENT.format(self.lapse_days), TOO_SOON)
        rule = np.select([shown.index == UNSEEN, shown.index.isin(recent)], kinds[:2], kinds[2])
        cells = pd.DataFrame({kind: shown.where(rule == kind, 0) for kind in kinds}).rename_axis(columns="rule")
        everybody = round(self.left_out["people"].sum(), -1)
        return [*counts_shown(cells, of, rounded=10), *counts_shown(everybody, of, rounded=10)]

    @property
    def summary(self):
        """The finding in two sentences."""
        seen = int(self.people["seen_before"].sum())
        day = f"{self.on.day} {self.on:%B %Y}"
        if not len(self.people):
            return (f"Of {self._number(self.left_out['people'].sum())} people eligible on {day} nobody is to be written to: "
                    f"nobody who may be written to was silent for {self.lapse_days} expected days.")
        return (f"Of {self._number(self.left_out['people'].sum())} people eligible on {day}, "
                f"{self._number(len(self.people))} were silent for at least {self.lapse_days} expected days and may be "
                f"written to. Seen before: {self._number(seen)}; never seen: {self._number(len(self.people) - seen)}.")

    def _number(self, people):
        few = f"fewer than {self.minimum_count}" if people else "none"
        return about(people) if people >= self.minimum_count else few


def quiet_by_rule(silent, people, *, lapse_days, outcome_days, on, minimum_count=10):
    """Who has been silent for so many expected days, and may be written to on that day.

    Whether somebody may be written to is as the roster says that is handed in: of a day long past, it may know more than
    was known then.

    Parameters
    ----------
    silent : DataFrame
        As made by `silence` for the same day.
    people : frame
        The roster, with the same people on it.
    lapse_days : int
        Silent for at least so many expected days.
    outcome_days : int
        Window in which a return will count, in days after `on`; who leaves before it is over is left out.
    on : date
        The day.
    minimum_count : int
        Fewest people that a number shown may rest on.

    Returns
    -------
    Quiet

    Raises
    ------
    ValueError
        If a number of days is below 1, or somebody who is silent is not on the roster.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": ["a", "b"], "contact_opt_out": [False, True]})
    >>> silent = pd.DataFrame({"person_key": ["a", "b"], "last_on": pd.NaT, "seen_before": False, "silent_days": 400,
    ...                        "expected_days": 400, "away": False, "covered": True})
    >>> quiet = quiet_by_rule(silent, people, lapse_days=365, outcome_days=90, on="2025-10-20")
    >>> quiet.people["person_key"].tolist(), quiet.left_out.values.tolist()
    (['a'], [['asked not to be written to', 1], ['to be written to', 1]])
    """
    if min(lapse_days, outcome_days) < 1:
        raise ValueError(f"The lapse is {lapse_days} and the window {outcome_days} days; both must be at least 1.")
    roster, keys = _roster(people), silent["person_key"]
    rows = silent.sort_values("person_key", ignore_index=True) if (keys < keys.shift()).any() else silent
    there = pc.is_in(pa.array(roster.pop("person_key").astype(keys.dtype)), value_set=pa.array(keys))
    roster = roster[there.to_numpy(zero_copy_only=False)].reset_index(drop=True)
    if strangers := len(silent) - len(roster):
        raise ValueError(f"{strangers:,} of {len(silent):,} people are not on the roster: give the roster that their "
                         "silence was counted with.")
    recent = rows["silent_days"] < lapse_days
    reasons = {
        UNSEEN: ~rows["covered"],
        RECENT.format(lapse_days): recent & rows["seen_before"],
        TOO_SOON: recent & ~rows["seen_before"],
        "away on the day": rows["away"],
        "leaves before the window is over": roster["end"] < day_numbers([on])[0] + outcome_days,
        "no working address": ~roster["contactable"],
        "asked not to be written to": roster["contact_opt_out"]}
    reasons = {words: holds for words, holds in reasons.items() if holds.any()} | {WRITE: np.ones(len(rows), dtype=bool)}
    reason = np.select(list(reasons.values()), range(len(reasons)))
    counts = np.bincount(reason, minlength=len(reasons))
    written = rows.loc[reason == len(reasons) - 1, ["person_key", "silent_days", "seen_before", "last_on"]]
    return Quiet(pd.Timestamp(on), lapse_days, minimum_count, written.reset_index(drop=True),
                 pd.DataFrame({"reason": list(reasons), "people": counts}))


def _roster(people, coverage=None):
    """The roster in the order of person_key, with whether each person may be written to."""
    roster = roster_by_key(people, "contactable", "contact_opt_out", coverage=coverage)
    if repeated := (roster["person_key"] == roster["person_key"].shift()).sum():
        raise ValueError(f"{repeated:,} rows of the roster repeat a person: keep one row a person.")
    for flag, usual in (("contactable", True), ("contact_opt_out", False)):
        roster[flag] = roster[flag].fillna(usual).astype(bool) if flag in roster else usual
    return roster


def _acts_before(events, today):
    """Person and day of acts of identified people before a day, and the day of the first."""
    log = nw.from_native(events).lazy()
    if "day" not in log.collect_schema().names():
        log = log.with_columns(day_number("occurred_at").alias("day"))
    acts = log.filter(nw.col("initiated_by") == "person", ~nw.col("person_key").is_null(),
                      nw.col("day") < today).select("person_key", "day")
    first = acts.select(nw.col("day").min()).collect().item()
    return acts, today if first is None else first
