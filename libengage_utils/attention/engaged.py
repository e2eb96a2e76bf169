"""From a study's tables to how staff time falls over people ranked by their engagement in an earlier period."""

from dataclasses import replace

import narwhals as nw
import pandas as pd

from ..engagement import engagement_features
from ..privacy import about
from .ranked import concentration_index
from .staff import allocate

RANKS = ("active_days", "acts", "breadth")
CYCLE = 28  # days; no rank depends on it


def staff_concentration(people, events, staff_time, periods, *, earlier, later, never_seen=True, throughout=True,
                        rank_by="active_days", equal_parts="act", coverage=None, draws=2000, minimum_count=10,
                        random_state=0):
    """Concentration index of the staff minutes of one period over people ranked by what they did in an earlier one.

    Each choice that could reasonably be made otherwise is a parameter, so that all can be tried.

    Parameters
    ----------
    people, events, staff_time : frame
        Tables of the schema; people and events of one kind of frame.
    periods : DataFrame
        Columns period, from, to: in order and without overlap.
    earlier, later : str
        The period that ranks people, and the period whose minutes are looked at.
    never_seen : bool
        Whether people without an act up to the end of the earlier period are ranked too, as the least engaged.
    throughout : bool
        Whether only people eligible on every day of both periods are ranked; otherwise, on some day of each. People who
        were there for less of both have lower rank and fewer minutes for that reason alone.
    rank_by : {"active_days", "acts", "breadth"}
        What ranks people; breadth is the number of services met.
    equal_parts : {"act", "person-day"}
        As for `allocate`.
    coverage : DataFrame, optional
        The study's coverage; with it people whom no source could have seen in either period are left out, as 0 is
        unknown of them.
    draws, minimum_count, random_state
        As for `concentration_index`.

    Returns
    -------
    ConcentrationIndex
        Its `basis` says how many people and how much of the staff time it rests on.

    Raises
    ------
    ValueError
        If the periods are unknown or not in order, and as `allocate` and `concentration_index`.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": [f"{n:02}" for n in range(40)]})
    >>> events = pd.DataFrame({"person_key": [f"{n:02}" for n in range(20)] * 2, "initiated_by": "person",
    ...                        "occurred_at": pd.to_datetime(["2024-05-01"] * 20 + ["2025-05-01"] * 20),
    ...                        "touchpoint": "desk", "event_type": "ask"})
    >>> log = pd.DataFrame({"on": pd.to_datetime(["2025-05-01"]), "service": "desk", "minutes": 200.0})
    >>> years = pd.DataFrame({"period": ["2024", "2025"], "from": ["2024-01-01", "2025-01-01"],
    ...                       "to": ["2024-12-31", "2025-12-31"]})
    >>> staff_concentration(people, events, log, years, earlier="2024", later="2025").estimate
    0.5
    """
    if rank_by not in RANKS:
        raise ValueError(f"`rank_by` is one of {', '.join(RANKS)}; it is {rank_by!r}.")
    if earlier is None or later is None:
        raise ValueError("To rank people by what they did earlier takes two periods: this study names one.")
    spans = periods.set_index("period")[["from", "to"]].apply(pd.to_datetime)
    if missing := [name for name in (earlier, later) if name not in spans.index]:
        raise ValueError(f"There is no period {' and no period '.join(missing)}: choose from {', '.join(spans.index)}.")
    if not spans.loc[earlier, "to"] < spans.loc[later, "from"]:
        raise ValueError(f"The period {earlier} does not end before {later} begins: to rank people by what they did in "
                         "the time that is looked at is circular.")
    both = periods[periods["period"].isin([earlier, later])]
    features = engagement_features(people, events, periods=both, loan_days=CYCLE, coverage=coverage)
    features = nw.from_native(features).lazy().collect().to_pandas().set_index("person_key").sort_index()
    before, after = (features[features["period"] == name] for name in (earlier, later))
    there = before.index.intersection(after.index)
    before, after = before.loc[there], after.loc[there]
    ranked = before["covered"] & after["covered"]
    if throughout:
        length = (spans["to"] - spans["from"]).dt.days + 1
        ranked &= (before["eligible_days"] == length[earlier]) & (after["eligible_days"] == length[later])
    if not never_seen:
        ranked &= after["seen_before"]
    before = before[ranked]

    first, last = spans.loc[later]
    allocation = allocate(staff_time, events, first=first, last=last, equal_parts=equal_parts)
    minutes = allocation.people.set_index("person_key")["minutes"].reindex(before.index, fill_value=0)
    index = concentration_index(minutes, before[rank_by], draws=draws, minimum_count=minimum_count,
                                random_state=random_state)
    share = minutes.sum() / allocation.totals.sum()
    left_out = (features["period"] == later).sum() - len(before)
    basis = (f"This covers {share:.0%} of the staff time of {later}. The rest went to {about(left_out)} people without a "
             "rank, to people not identified, or to no visible act.")
    return replace(index, basis=basis)
