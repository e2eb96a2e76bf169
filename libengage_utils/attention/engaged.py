"""How staff time falls over people ranked by their engagement in an earlier period."""

from dataclasses import replace

import narwhals as nw
import pandas as pd

from ..privacy import about
from .ranked import concentration_index
from .shares import amounts_of

AMONG = ("seen in it", "seen before", "everybody", "newcomers too")
RANKS = ("active_days", "acts", "breadth")


def staff_concentration(features, allocation, periods, *, earlier, later, among="seen before", throughout=True,
                        rank_by="active_days", draws=2000, minimum_count=10, random_state=0):
    """Concentration index of the staff minutes of one period over people ranked by what they did in an earlier one.

    Each choice that could reasonably be made otherwise is a parameter, so that all can be tried.

    Parameters
    ----------
    features : frame
        Made by `engagement_features` of these periods, or more. Where it knows the study's coverage, people whom no source
        could have seen in a period are left out, as 0 is unknown of them.
    allocation : Allocation or None
        The later period's minutes, made by `allocate`. None looks at all acts of the later period instead, over the same
        people and ranks, a yardstick: use itself leans to the engaged, and the question is whether staff time leans more or
        less.
    periods : DataFrame
        Columns period, from, to: in order and without overlap.
    earlier, later : str
        The period that ranks people, and the period whose minutes are looked at.
    among : {"seen in it", "seen before", "everybody", "newcomers too"}
        Who is ranked: people with an act in the earlier period; with one by its end; those never seen too, ranked lowest;
        or also those not eligible in the earlier period at all, ranked as having done nothing in it.
    throughout : bool
        Whether only people eligible on every day of both periods are ranked (of the later one, with newcomers);
        otherwise, on some day of each. Who was there for less has lower rank and fewer minutes for that reason alone.
    rank_by : {"active_days", "acts", "breadth"}
        What ranks people; breadth is the number of services met.
    draws, minimum_count, random_state
        As for `concentration_index`.

    Returns
    -------
    ConcentrationIndex
        Its `basis` says how much of the staff time, or of the acts, it rests on.

    Raises
    ------
    ValueError
        If the periods are unknown or not in order, the features lack a column, the minutes are those of another time, a
        choice is none of those listed, and as `concentration_index`.

    Examples
    --------
    >>> from libengage_utils.attention import allocate
    >>> from libengage_utils.engagement import engagement_features
    >>> people = pd.DataFrame({"person_key": [f"{n:02}" for n in range(40)]})
    >>> events = pd.DataFrame({"person_key": [f"{n:02}" for n in range(20)] * 2, "initiated_by": "person",
    ...                        "occurred_at": pd.to_datetime(["2024-05-01"] * 20 + ["2025-05-01"] * 20),
    ...                        "touchpoint": "desk", "event_type": "ask"})
    >>> log = pd.DataFrame({"on": pd.to_datetime(["2025-05-01"]), "service": "desk", "minutes": 200.0})
    >>> years = pd.DataFrame({"period": ["2024", "2025"], "from": ["2024-01-01", "2025-01-01"],
    ...                       "to": ["2024-12-31", "2025-12-31"]})
    >>> features = engagement_features(people, events, periods=years, loan_days=28)
    >>> given = allocate(log, events, first="2025-01-01", last="2025-12-31")
    >>> staff_concentration(features, given, years, earlier="2024", later="2025", among="everybody").estimate
    0.5
    """
    for name, choice, choices in (("among", among, AMONG), ("rank_by", rank_by, RANKS)):
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
    if allocation is not None and allocation.window and allocation.window != tuple(spans.loc[later]):
        raise ValueError(f"The minutes are not those of {later}: allocate from the first day of that period to its last.")
    columns = nw.from_native(features).collect_schema().names()
    if missing := [name for name in ("person_key", "period", "eligible_days", "covered", "recency_days", "acts", rank_by)
                   if name not in columns]:
        raise ValueError(f"The features lack {', '.join(missing)}: make them with engagement_features, from a log.")
    rows = _side_by_side(features, spans, earlier, later, among, throughout, rank_by)
    new = rows["fitted"].isna() & (among == "newcomers too")
    ranked = ((rows["fits"] == 1) & ((rows["fitted"] == 1) | new)).to_numpy()
    acts, rank = rows["acts"].to_numpy(), rows.loc[ranked, "rank"].fillna(0)

    if allocation is None:
        amount, whole, other = acts, acts.sum(), 0
        base, rest = f"acts in {later} of people eligible then", "were made by"
    else:
        minutes, whole = allocation.people.set_index("person_key")["minutes"], allocation.totals.sum()
        amount = amounts_of(pd.Index(rows["person_key"]), minutes)
        other = (minutes > 0).sum() - (amount > 0).sum()  # not eligible then
        base, rest = f"staff time of {later}", "went to people not identified, to no visible act, or to"
    others = about(other + (amount[~ranked] > 0).sum())
    amount = amount[ranked]
    index = concentration_index(amount, rank, draws=draws, minimum_count=minimum_count, random_state=random_state)
    basis = f"This covers {amount.sum() / whole:.0%} of the {base}. The rest {rest} {others} people without a rank."
    return replace(index, of="acts" if allocation is None else "minutes", basis=basis)


def _side_by_side(features, spans, earlier, later, among, throughout, rank_by):
    """A row (DataFrame) for each person eligible in the later period: person_key, acts, rank, fits and fitted.

    `fits` and `fitted` say whether the person may be ranked going by the later and by the earlier period, 1 or 0; `fitted`
    and `rank` are missing of those not eligible in the earlier.
    """
    length = (spans["to"] - spans["from"]).dt.days + 1

    def whole(period):
        return nw.col("eligible_days") == int(length[period]) if throughout else nw.lit(True)

    was = {"seen in it": nw.col("acts") > 0, "seen before": ~nw.col("recency_days").is_null(), "everybody": nw.lit(True),
           "newcomers too": nw.lit(True)}[among]
    fitted = nw.col("covered") & was & (whole(earlier) if among != "newcomers too" else nw.lit(True))
    columns = {"acts": (later, nw.col("acts")), "fits": (later, (nw.col("covered") & whole(later)).cast(nw.Int8)),
               "rank": (earlier, nw.col(rank_by)), "fitted": (earlier, fitted.cast(nw.Int8))}    # numbers: quick maxima
    rows = nw.from_native(features).lazy().filter(nw.col("period").is_in([earlier, later])).select("person_key", *(
        nw.when(nw.col("period") == period).then(column).alias(name) for name, (period, column) in columns.items()))
    rows = rows.group_by("person_key").agg(nw.col(name).max() for name in columns)
    return rows.filter(~nw.col("fits").is_null()).collect().to_pandas()
