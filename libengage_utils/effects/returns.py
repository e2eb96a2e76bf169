"""Whether, and after how many days, people are seen again after an errand."""

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa

from ..journeys.arcs import by_journey, in_parts
from ..journeys.feelings import as_pandas
from ..journeys.sessions import acts_of_people
from ..journeys.steps import categorical
from ..resampling import over_samples, people_drawn, sums_by_person, told
from .person_terms import long_waits

KEYS = ["journey_id", "person_key"]
KINDS = ("nothing failed", "failed, put right", "failed, not put right")
STRONG = 0.5  # valence from which a journey was a high; from its negative down, a low
AT_ONCE = 40_000  # journeys set beside all acts of their people
WIDE = 2**20  # more days than any study has


def returns_after(steps, events, *, as_of, days=90):
    """Whether, and after how many days, the person of each journey was seen again.

    A return is any act of the person on a day after the journey's last act: what happens on that day is the same visit,
    and what staff or systems do is none. Acts of another journey count, those of the same one never.

    Parameters
    ----------
    steps : DataFrame
        As made by `steps_with_feelings`.
    events : frame
        The schema's events, of any kind Narwhals supports.
    as_of : date
        Last day on which an act would be in the events.
    days : int
        Within how many days.

    Returns
    -------
    DataFrame
        One row a journey: person_key, journey_id, service; kind ("nothing failed"; "failed, put right" if every failure
        was; "failed, not put right"); wait (minutes in all), long_wait (one over three times the touchpoint's median),
        hand_offs (changes of touchpoint), ended; feeling (mean valence), felt ("high" from 0.5, "low" to -0.5, or
        "between"); earlier (acts in the `days` before it began; missing where events reach back less far);
        days_to_return (missing where not seen), watched (days, at most `days`), seen, acts_after (acts in these
        days; missing where they are not over).

    Raises
    ------
    ValueError
        As `sessionise`; and if there is no journey, its acts are not in the events, or some end after `as_of`.

    Examples
    --------
    >>> events = pd.DataFrame({"event_id": ["1", "2", "3"], "person_key": "ann", "journey_id": ["j", "j", None],
    ...     "initiated_by": "person", "occurred_at": pd.to_datetime(["2025-01-01", "2025-01-04", "2025-01-09"])})
    >>> steps = pd.DataFrame({"journey_id": "j", "person_key": "ann", "service": "loan", "step": [1, 2], "outcome": "ok",
    ...                       "touchpoint": "desk", "minutes_waited": 5.0, "put_right": False, "valence": [0.2, 0.6]})
    >>> returns_after(steps, events, as_of="2025-06-30")[["kind", "days_to_return", "acts_after"]].values.tolist()
    [['nothing failed', 5.0, 1.0]]
    """
    if steps.empty:
        raise ValueError("There are no steps of journeys, so nobody can return after one.")
    if not days >= 1:
        raise ValueError(f"`days` is within how many days a return counts, 1 or more; it is {days}.")
    last = int(np.datetime64(pd.Timestamp(as_of), "D").astype(int))
    acts, _ = acts_of_people(events, "journey_id")
    table = _journeys(steps)
    people, found = table["person_key"].cat, np.zeros((5, len(table)), dtype="int32")
    for rows in in_parts(people.codes.to_numpy(), AT_ONCE):
        found[:, rows] = _around(table.loc[rows, KEYS], acts, last, days)
    began, ended, before, gap, after = found
    if strange := int((ended > last).sum()):
        raise ValueError(f"{strange:,} of {len(table):,} journeys are not in the events, or end after {as_of}: give the "
                         "events that the steps come from, and the last day they reach as `as_of`.")
    first = np.datetime64(acts.lazy().select(nw.col("occurred_at").min()).collect().item(), "D").astype(int)
    watched = np.minimum(days, last - ended)
    seen = gap <= watched
    return table.assign(
        ended=ended.astype("datetime64[D]").astype("datetime64[s]"), earlier=np.where(began - days >= first, before, np.nan),
        days_to_return=np.where(seen, gap, np.nan), watched=watched, seen=seen,
        acts_after=np.where(watched == days, after, np.nan))


def return_curves(returns, by="kind", *, draws=1000, minimum_count=10, random_state=0):
    """Share of journeys whose person has been seen again, week by week, by group (Kaplan & Meier 1958).

    Weeks are merged until `minimum_count` people came back in them; a curve ends where fewer are left to be watched.
    Intervals are percentiles over samples of people.

    Parameters
    ----------
    returns : DataFrame
        As made by `returns_after`.
    by : str
        Column of groups; rows where it is missing are left out.
    draws, minimum_count, random_state
        Samples of people, fewest people behind a step of a curve, seed.

    Returns
    -------
    DataFrame
        group, day, estimate, low, high, rests_on (the fewer of the people who came back since the day before it and of those
        still watched); empty where every group is too small.

    Examples
    --------
    >>> returns = pd.DataFrame({"person_key": range(80), "kind": "nothing failed", "watched": 90,
    ...                         "days_to_return": [5] * 20 + [40] * 20 + [np.nan] * 40})
    >>> return_curves(returns)[["day", "estimate"]].values.tolist()
    [[0.0, 0.0], [7.0, 0.25], [42.0, 0.5], [90.0, 0.5]]
    """
    returns = need_columns(returns, by, "days_to_return", "watched")
    horizon, rows = int(returns["watched"].max()), []
    for group, some in returns[returns["watched"] > 0].groupby(by, sort=True, observed=True):
        person, keys = pd.factorize(some["person_key"], sort=True)
        back = some["days_to_return"].notna().to_numpy()
        time = some["days_to_return"].fillna(some["watched"]).to_numpy().astype(int)
        days, behind = _shown(person, time, back, horizon, minimum_count)
        if len(keys) < minimum_count or len(days) < 2:
            continue
        sums = sums_by_person(person, time + (horizon + 1) * ~back, np.ones(len(back)), 2 * (horizon + 1))
        came, gone = np.hsplit(over_samples(people_drawn(len(keys), draws, random_state), sums), 2)
        watched = np.cumsum((came + gone)[:, ::-1], axis=1)[:, ::-1]
        share = 1 - np.cumprod(1 - came / np.maximum(watched, 1), axis=1)[:, days]
        share, low, high = told(share, len(keys))
        rows.append(pd.DataFrame({"group": group, "day": days, "estimate": share, "low": low, "high": high,
                                  "rests_on": behind}))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(
        columns=["group", "day", "estimate", "low", "high", "rests_on"])


def _journeys(steps):
    """How each journey went and felt, from its steps in any order."""
    needed = [*KEYS, "step", "service", "touchpoint", "outcome", "minutes_waited", "put_right", "valence"]
    parts = by_journey(steps.assign(long=long_waits(steps)), [*needed, "long"])
    services = steps["service"].astype("category").dtype
    table = pd.concat([_walked(some, services) for some in parts], ignore_index=True)
    people = pa.Table.from_pandas(table[["person_key"]].astype("str"), preserve_index=False)["person_key"]
    table["person_key"] = categorical(people.combine_chunks())
    return table.astype({"felt": "str"})


def _walked(steps, services):
    """How some journeys went and felt."""
    steps, failed = steps.sort_values([*KEYS, "step"]), steps["outcome"] == "failed"
    steps = steps.assign(failed=failed, left=failed & ~steps["put_right"].astype(bool))
    before = steps.groupby(KEYS)["touchpoint"].shift()
    steps["moved"] = before.notna() & (before != steps["touchpoint"])
    journeys = steps.groupby(KEYS)
    table = journeys.agg(service=("service", "first"), failed=("failed", "any"), left=("left", "any"),
                         long_wait=("long", "any"), hand_offs=("moved", "sum"), feeling=("valence", "mean"))
    kind = np.select([table.pop("left"), table.pop("failed")], KINDS[:0:-1], KINDS[0])
    table.insert(1, "kind", pd.Categorical(kind, sorted(KINDS)))
    table.insert(2, "wait", journeys["minutes_waited"].sum(min_count=1))
    felt = np.select([table["feeling"] >= STRONG - 1e-9, table["feeling"] <= -STRONG + 1e-9], ["high", "low"], "between")
    table["felt"] = pd.Categorical(felt, ["between", "high", "low"])
    table["felt"] = table["felt"].where(table["feeling"].notna())
    return table.reset_index().astype({"service": services})


def _around(journeys, acts, last, days):
    """Of some people's journeys: first and last day, acts in the days before, days to the next act, acts in those after."""
    journeys = journeys.astype({"person_key": "str"})
    people = pd.Index(journeys["person_key"].unique())
    who = nw.col("person_key").cast(nw.String)
    acts = as_pandas(acts.filter(who >= people.min(), who <= people.max()), [*KEYS, "occurred_at"])
    acts["day"] = acts.pop("occurred_at").to_numpy().astype("datetime64[D]").astype(int)
    acts["person"] = people.get_indexer(acts["person_key"])
    acts = acts[acts["person"] >= 0]
    spans = acts.dropna(subset="journey_id").groupby(KEYS)["day"].agg(["min", "max"])
    began, ended = spans.reindex(pd.MultiIndex.from_frame(journeys), fill_value=WIDE).to_numpy().T
    acts = acts[acts["day"] <= last]
    log = np.sort(acts["person"].to_numpy() * WIDE + acts["day"].to_numpy())
    own = people.get_indexer(journeys["person_key"]) * WIDE
    place = np.searchsorted(log, own + ended, "right")
    gap = np.minimum(np.append(log, np.iinfo(int).max)[place] - own - ended, WIDE)
    before = np.searchsorted(log, own + began) - np.searchsorted(log, own + began - days)
    return began, ended, before, gap, np.searchsorted(log, own + ended + days, "right") - place


def _shown(person, time, back, horizon, minimum_count):
    """Days at which a curve may be shown, since enough came back since the last and are still watched; and how many."""
    days, behind = [0], [len(pd.unique(person))]
    for day in [*range(7, horizon, 7), horizon]:
        came = len(pd.unique(person[back & (time > days[-1]) & (time <= day)]))
        watched = len(pd.unique(person[(time > day) | (~back & (time == day))]))
        if watched < minimum_count:
            break
        if came >= minimum_count or (day == horizon and not came):
            days.append(day)
            behind.append(min(came, watched) if came else watched)
        elif day == horizon and len(days) > 1:
            days[-1], behind[-1] = day, min(behind[-1], watched)
    return days, behind


def need_columns(returns, *columns):
    """Persons and these columns of the returns, or a sentence on what is not there."""
    columns = list(dict.fromkeys(("person_key", *columns)))
    if absent := [name for name in columns if name not in returns]:
        raise ValueError(f"The returns have no column {' and no column '.join(absent)}: make them with returns_after.")
    return returns[columns]
