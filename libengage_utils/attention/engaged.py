"""From a study's tables to how staff time falls over people ranked by their engagement in an earlier period."""

from dataclasses import replace

import narwhals as nw
import pandas as pd

from ..engagement import engagement_features
from ..privacy import about
from .ranked import concentration_index
from .staff import allocate

AMONG = ("seen in it", "seen before", "everybody", "newcomers too")
AMOUNTS = ("minutes", "acts")
RANKS = ("active_days", "acts", "breadth")
CYCLE = 28  # days; no rank depends on it


def staff_concentration(people, events, staff_time, periods, *, earlier, later, of="minutes", among="seen before",
                        throughout=True, rank_by="active_days", equal_parts="act", coverage=None, draws=2000,
                        minimum_count=10, random_state=0):
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
    of : {"minutes", "acts"}
        What is looked at: staff minutes, or the yardstick for them, all acts of the later period over the same people and
        ranks. Use itself leans to the engaged; the question is whether staff time leans more or less.
    among : {"seen in it", "seen before", "everybody", "newcomers too"}
        Who is ranked: people with an act in the earlier period; with one by its end; those never seen too, ranked lowest;
        or also those not eligible in the earlier period at all, ranked as having done nothing in it.
    throughout : bool
        Whether only people eligible on every day of both periods are ranked (of the later one, with newcomers);
        otherwise, on some day of each. Who was there for less has lower rank and fewer minutes for that reason alone.
    rank_by : {"active_days", "acts", "breadth"}
        What ranks people; breadth is the number of services met.
    equal_parts : {"act", "person-day"}
        As for `allocate`.
    coverage : DataFrame, optional
        The study's coverage; with it people whom no source could have seen in a period are left out, as 0 is unknown
        of them.
    draws, minimum_count, random_state
        As for `concentration_index`.

    Returns
    -------
    ConcentrationIndex
        Its `basis` says how much of the staff time, or of the acts, it rests on.

    Raises
    ------
    ValueError
        If the periods are unknown or not in order, a choice is none of those listed, and as `allocate` and
        `concentration_index`.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": [f"{n:02}" for n in range(40)]})
    >>> events = pd.DataFrame({"person_key": [f"{n:02}" for n in range(20)] * 2, "initiated_by": "person",
    ...                        "occurred_at": pd.to_datetime(["2024-05-01"] * 20 + ["2025-05-01"] * 20),
    ...                        "touchpoint": "desk", "event_type": "ask"})
    >>> log = pd.DataFrame({"on": pd.to_datetime(["2025-05-01"]), "service": "desk", "minutes": 200.0})
    >>> years = pd.DataFrame({"period": ["2024", "2025"], "from": ["2024-01-01", "2025-01-01"],
    ...                       "to": ["2024-12-31", "2025-12-31"]})
    >>> staff_concentration(people, events, log, years, earlier="2024", later="2025", among="everybody").estimate
    0.5
    """
    for name, choice, choices in (("of", of, AMOUNTS), ("among", among, AMONG), ("rank_by", rank_by, RANKS)):
        if choice not in choices:
            raise ValueError(f"`{name}` is one of {', '.join(choices)}; it is {choice!r}.")
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
    needed = dict.fromkeys(["person_key", "period", "eligible_days", "covered", "acts", "recency_days", rank_by])
    features = nw.from_native(features).lazy().select(*needed).sort("person_key").collect().to_pandas()
    features = features.set_index("person_key")
    before, after = (features[features["period"] == name] for name in (earlier, later))
    new, before = ~after.index.isin(before.index), before.reindex(after.index)
    ranked = {"seen in it": before["acts"] > 0, "seen before": before["recency_days"].notna(), "everybody": ~new,
              "newcomers too": True}[among]
    ranked &= after["covered"] & (before["covered"].eq(True) | new)
    if throughout:
        length = (spans["to"] - spans["from"]).dt.days + 1
        ranked &= after["eligible_days"] == length[later]
        ranked &= (before["eligible_days"] == length[earlier]) | (among == "newcomers too")

    if of == "acts":
        amount, whole = after["acts"], after["acts"].sum()
        base, rest = f"acts in {later} of people eligible then", "were made by"
    else:
        first, last = spans.loc[later]
        allocation = allocate(staff_time, events, first=first, last=last, equal_parts=equal_parts)
        amount, whole = allocation.people.set_index("person_key")["minutes"], allocation.totals.sum()
        base, rest = f"staff time of {later}", "went to people not identified, to no visible act, or to"
    others = about((amount[~amount.index.isin(after.index[ranked])] > 0).sum())
    amount, rank = amount.reindex(after.index[ranked], fill_value=0), before.loc[ranked, rank_by].fillna(0)
    index = concentration_index(amount, rank, draws=draws, minimum_count=minimum_count, random_state=random_state)
    basis = f"This covers {amount.sum() / whole:.0%} of the {base}. The rest {rest} {others} people without a rank."
    return replace(index, of=of, basis=basis)
