"""Whom staff time served: the minutes of a service in a month, in equal parts to the acts that met it."""

from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd

from ..engagement import day_number
from ..journeys.sessions import by_people
from ..privacy import about

OTHER = "other services"
PARTS = ("act", "person-day")
CELL = ["service", "month", "event_type"]
DESTINATIONS = ["to_identified", "to_unidentified", "behind"]


@dataclass(frozen=True)
class Allocation:
    """Where the staff minutes of a window went; made by `allocate`.

    Attributes
    ----------
    by_service : DataFrame
        One row an identified person and service: person_key, service (categorical), minutes, acts (that minutes answer).
    services : DataFrame
        One row a service, as the log has it and to compute with, not to show: service, rows (of the log), minutes, people
        (identified), acts (that minutes answer, and people present without one), to_identified, to_unidentified, behind
        (minutes; they add up to all), minutes_an_act (missing where no act is answered).
    outside : int
        Rows of the log outside the window.
    unanswered : int
        Acts at these services for which no minutes are logged in their month.
    minimum_count : int
        Fewest people, and rows of the log, behind what `table` and `summary` show.
    together : tuple of str
        Services that are not shown by themselves because few colleagues work in them.
    window : tuple of Timestamp
        First and last day of the minutes; empty if it is not known.
    """

    by_service: pd.DataFrame = field(repr=False)
    services: pd.DataFrame = field(repr=False)
    outside: int
    unanswered: int
    minimum_count: int
    together: tuple = ()
    window: tuple = ()

    @property
    def people(self):
        """Minutes of each identified person: person_key, minutes (DataFrame)."""
        return self.by_service.groupby("person_key", as_index=False)["minutes"].sum()

    @property
    def totals(self):
        """Minutes to identified people, to people nobody identified, and behind the scenes (Series)."""
        return self.services[DESTINATIONS].sum()

    @property
    def small(self):
        """Services that may not be shown by themselves: few rows, people or colleagues behind them, and one more if one.

        A service that met nobody known has no people to be told by.
        """
        few = self.services["rows"].lt(self.minimum_count) | self.services["people"].between(1, self.minimum_count - 1)
        few |= self.services["service"].isin(self.together)
        if few.sum() == 1:
            few[self.services["minutes"].where(~few).sort_values().index[0]] = True
        return self.services["service"][few].tolist()

    @property
    def table(self):
        """Services as they may be shown (DataFrame), the largest first.

        service; hours, to the nearest ten; share of all hours; of the service's time the share to_identified,
        to_unidentified and behind, shares to the whole percent; minutes_an_act, to the minute; rests_on, people identified,
        infinitely many where there are none. Services in `small` are one row. The hours of a service that one colleague
        runs are that colleague's: name such services as `together`.
        """
        served, services = (
            frame.assign(service=frame["service"].astype("str").where(~frame["service"].isin(self.small), OTHER))
            for frame in (self.by_service, self.services))
        shown = services.groupby("service")[["minutes", "acts", *DESTINATIONS]].sum()
        shown = shown.sort_values("minutes", ascending=False, kind="stable")
        people = served.groupby("service")["person_key"].nunique().reindex(shown.index, fill_value=0)
        table = pd.DataFrame({"hours": (shown["minutes"] / 60).round(-1)})
        table["share"] = shown["minutes"] / shown["minutes"].sum()
        table[DESTINATIONS] = shown[DESTINATIONS].div(shown["minutes"].where(shown["minutes"] > 0), axis=0)
        table["minutes_an_act"] = _minutes_an_act(shown).round()
        unknown = shown["acts"] - served.groupby("service")["acts"].sum().reindex(shown.index, fill_value=0)
        few = people.between(1, self.minimum_count - 1) | unknown.between(1, self.minimum_count - 1)
        table["rests_on"] = people.where(people > 0, np.inf)
        table.loc[few, [*DESTINATIONS, "minutes_an_act", "rests_on"]] = np.nan
        return table.round(2).reset_index()

    @property
    def summary(self):
        """How much of the staff time can be traced to people, in sentences."""
        minutes, known = self.services["minutes"].sum(), self.by_service["person_key"].nunique()
        hours = f"about {round(minutes / 60, -1):,.0f} hours of staff time"
        if 0 < known < self.minimum_count:
            return f"How much of {hours} can be traced to people is withheld, because too few are identified."
        traced, unknown, behind = ("less than 1%" if 0 < share < 0.005 else f"{share:.0%}"
                                   for share in self.totals / minutes)
        few = "a few" if self.unanswered < self.minimum_count else about(self.unanswered)
        without = f" For {few} acts at these services no minutes are logged in their month." if self.unanswered else ""
        return (f"Of {hours}, {traced} can be traced to {about(known)} identified people, {unknown} served people whom "
                f"nobody identified, and {behind} answers no act of anybody: upkeep behind the scenes, and months without "
                f"an act. {self.outside:,} rows of the log lie outside the time looked at.{without}")


def allocate(staff_time, events, *, first, last, equal_parts="act", together=(), minimum_count=10):
    """Give the minutes of each service in each calendar month in equal parts to the acts of people there.

    Minutes of a service go to acts at the touchpoint of that name in the same month; minutes logged for an event_type go
    to acts of that type only. Acts of nobody identified take their part. Where more attended than have an act, the excess
    takes part as people not identified. Minutes that no act answers stay behind the scenes. Nothing is lost: the three
    add up to all minutes in the window.

    Parameters
    ----------
    staff_time : frame
        The schema's staff_time: on, service, minutes; attendees and event_type if there are any.
    events : frame
        The schema's events; only acts of people count (``initiated_by`` is "person").
    first, last : date
        The window, both days included.
    equal_parts : {"act", "person-day"}
        What takes one part: each act, or all acts of one type that a person has at a service on a day.
    together : sequence of str
        Services in which few colleagues work; no figure shows them by themselves.
    minimum_count : int
        Fewest people, and rows of the log, behind a service that is shown by itself.

    Returns
    -------
    Allocation

    Raises
    ------
    ValueError
        If a column is missing, no minutes lie in the window, or some are missing or negative.

    Notes
    -----
    Minutes are those of staff, as logged; a session of one colleague with many people counts once. That acts of a month
    take equally long is an assumption: a long appointment and a short one get the same. Acts of people who asked not to
    be analysed are not in a study's events, and their part goes to the others.

    Examples
    --------
    >>> staff_time = pd.DataFrame({"on": pd.to_datetime(["2025-01-10", "2025-01-20", "2025-01-31"]),
    ...                            "service": ["chat", "chat", "shelving"], "minutes": [30.0, 50.0, 20.0]})
    >>> events = pd.DataFrame({"person_key": ["ann", "ann", "bob", None], "initiated_by": "person", "touchpoint": "chat",
    ...     "event_type": "ask", "occurred_at": pd.to_datetime(["2025-01-10", "2025-01-11", "2025-01-11", "2025-01-20"])})
    >>> result = allocate(staff_time, events, first="2025-01-01", last="2025-01-31")
    >>> result.people.values.tolist(), result.totals.tolist()
    ([['ann', 40.0], ['bob', 20.0]], [60.0, 20.0, 20.0])
    """
    log, outside = in_window(log_of_staff_time(staff_time, "attendees", "event_type"), first, last)
    log = log.assign(month=log["on"].to_numpy().astype("datetime64[M]").astype(int))
    if equal_parts not in PARTS:
        raise ValueError(f"`equal_parts` is one of {', '.join(PARTS)}; it is {equal_parts!r}.")
    acts = _acts(events, log["service"].unique().tolist(), first, last)
    counts = _summed(_counted(acts, equal_parts), *CELL, "known").sort(*CELL, "known").lazy().collect().to_pandas()
    cells = [_cells(rows, counts, keys) for rows, keys in ((log[log["event_type"].isna()], CELL[:2]),
                                                           (log[log["event_type"].notna()], CELL))]
    named = pd.CategoricalDtype(sorted(log["service"].unique()))
    by_service = pd.concat([_served(_counted(some, equal_parts), cells, named)
                            for some in by_people(acts.filter(nw.col("known")))], ignore_index=True)

    answered = _given(counts, cells)
    unanswered = int(answered.loc[~answered["answered"], "acts"].sum())
    answered = answered[answered["answered"]]
    cells = pd.concat(cells).groupby("service")[["minutes", "absent", "behind", "unmet"]].sum()
    services = pd.DataFrame({"rows": log.groupby("service").size(), "minutes": cells["minutes"],
                             "people": by_service.groupby("service").size(),
                             "acts": answered.groupby("service")["acts"].sum().add(cells["absent"], fill_value=0),
                             "to_identified": by_service.groupby("service")["minutes"].sum()}).fillna(0)
    unknown = answered[~answered["known"]].groupby("service")["minutes"].sum()
    services["to_unidentified"] = cells["unmet"].add(unknown, fill_value=0)
    services["behind"] = cells["behind"]
    services["minutes_an_act"] = _minutes_an_act(services)
    services = services.astype({"people": int, "acts": int}).sort_values("minutes", ascending=False, kind="stable")
    return Allocation(by_service, services.reset_index(names="service"), outside, unanswered, minimum_count, tuple(together),
                      (pd.Timestamp(first), pd.Timestamp(last)))


def log_of_staff_time(staff_time, *columns):
    """Columns of the staff log as pandas, checked and sorted; optional ones are missing values if they are not there."""
    frame = nw.from_native(staff_time).lazy()
    names = frame.collect_schema().names()
    if missing := [name for name in ("on", "service", "minutes") if name not in names]:
        raise ValueError(f"The staff time has no column {' and no column '.join(missing)}: give the staff_time of a study.")
    columns = ["on", "service", "minutes", *columns]
    log = frame.select([name for name in columns if name in names]).collect().to_pandas().reindex(columns=columns)
    log = log.astype({name: float for name in ("minutes", "attendees") if name in log})
    log["on"] = pd.to_datetime(log["on"])
    if wrong := int((~(log["minutes"] >= 0) | log["on"].isna() | log["service"].isna()).sum()):
        raise ValueError(f"{wrong:,} of {len(log):,} rows of staff time lack a day or service, or their minutes are missing "
                         "or negative: correct the log, or leave them out.")
    return log.sort_values(columns, ignore_index=True)


def in_window(log, first, last):
    """Rows of the log within the window, and how many are not."""
    inside = log[log["on"].between(pd.Timestamp(first), pd.Timestamp(last) + pd.Timedelta(days=1), inclusive="left")]
    if not inside["minutes"].sum() > 0:
        raise ValueError(f"None of {len(log):,} rows of staff time has minutes from {first} to {last}: choose a window that "
                         "the log covers.")
    return inside, len(log) - len(inside)


def _acts(events, services, first, last):
    """Acts of people at these services in the window, by whom and when; `known` where somebody is identified."""
    log = nw.from_native(events)
    names = log.collect_schema().names()
    if missing := [name for name in ("person_key", "touchpoint", "event_type", "occurred_at", "initiated_by")
                   if name not in names]:
        raise ValueError(f"The events have no column {' and no column '.join(missing)}: give the events of a study.")
    first, last = ((pd.Timestamp(day) - pd.Timestamp(0)).days for day in (first, last))
    year, month = nw.col("occurred_at").dt.year(), nw.col("occurred_at").dt.month()
    return (log.filter(nw.col("initiated_by") == "person", nw.col("touchpoint").is_in(services))
            .select("person_key", "event_type", nw.col("touchpoint").alias("service"),
                    (~nw.col("person_key").is_null()).alias("known"), day_number("occurred_at").alias("day"),
                    ((year - 1970) * 12 + month - 1).cast(nw.Int64).alias("month"))
            .filter(nw.col("day") >= first, nw.col("day") <= last))


def _counted(acts, equal_parts):
    """Acts of each person, or of nobody identified, by cell, and the parts they take."""
    keys, number = ["person_key", "known", *CELL], nw.len().alias("acts")
    if equal_parts == "act":
        return acts.group_by(keys).agg(number).with_columns(nw.col("acts").alias("parts"))
    days = acts.group_by(*keys, "day").agg(number)
    days = days.with_columns(nw.when(nw.col("known")).then(1).otherwise(nw.col("acts")).alias("parts"))
    return _summed(days, *keys)


def _summed(counts, *keys):
    """Sums of counts, as whole numbers: a database's sums are of a wider kind."""
    return counts.group_by(keys).agg(nw.col("acts", "parts").sum()).with_columns(nw.col("acts", "parts").cast(nw.Int64))


def _cells(log, counts, keys):
    """Minutes logged in each cell, how many were present without an act, and the minutes that one part gets."""
    cells = log.groupby(keys)[["minutes", "attendees"]].sum()
    met = counts.groupby(keys)[["acts", "parts"]].sum().reindex(cells.index, fill_value=0)
    cells["absent"] = (cells["attendees"] - met["acts"]).clip(lower=0)
    parts = met["parts"] + cells["absent"]
    cells["part"] = (cells["minutes"] / parts.where(parts > 0)).fillna(0)
    return cells.assign(behind=cells["minutes"].where(parts == 0, 0), unmet=cells["part"] * cells["absent"])


def _given(counts, cells):
    """Counts of acts with the minutes they get, and whether any are logged for them."""
    minutes, answered = np.zeros(len(counts)), np.zeros(len(counts), dtype=bool)
    for some in cells:
        at = some.index.get_indexer(pd.MultiIndex.from_frame(counts[some.index.names]))
        minutes += counts["parts"].to_numpy() * np.append(some["part"], 0)[at]
        answered |= at >= 0
    return counts.assign(minutes=minutes, answered=answered)


def _served(counts, cells, named):
    """Minutes and acts of some people by service, from counts of their acts."""
    counts = counts.lazy().collect().sort("person_key", *CELL).to_pandas()
    given = _given(counts, cells)
    given = given[given["answered"]].groupby(["person_key", "service"], as_index=False)[["minutes", "acts"]].sum()
    return given.astype({"service": named})


def _minutes_an_act(services):
    return (services["minutes"] - services["behind"]) / services["acts"].where(services["acts"] > 0)
