"""A log of events becomes sessions: which acts of a person belong together, and which followed which."""

import datetime as dt

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..privacy import suppress

ORDER = ["occurred_at", "event_id"]  # of a person's acts; the second breaks ties of the first
AT_ONCE = 1_000_000  # acts collected at a time
PEOPLE_AT_ONCE = 250_000  # people whose acts are summed up together


def sessionise(events, gap_days=7):
    """Number each person's sessions, and the steps within them.

    Only acts of identified people are kept (``initiated_by`` is "person", ``person_key`` is filled in). An act
    more than `gap_days` after the person's previous act begins a new session; exactly so long after does not.
    A person's acts are taken in the order of ``occurred_at``, ties in the order of ``event_id``.

    Parameters
    ----------
    events : frame
        The schema's events, in any order and of any kind Narwhals supports (pandas, Polars, DuckDB, PySpark).
    gap_days : float
        Longest pause within a session, in days of 24 hours.

    Returns
    -------
    frame of the kind of `events`
        Its columns, and session (number within the person) and step (position within the session), both
        from 1. Frames whose rows have an order (pandas, Polars) come sorted by person, time and event.

    Raises
    ------
    ValueError
        If a column is missing, there are no events, none of an identified person, or some without a time.

    Notes
    -----
    Rows of a DuckDB relation that stand in order, as a study's do, are numbered as they are read and never sorted.

    A session closed by a pause is the usual unit of log analysis (Catledge & Pitkow 1995, *Computer Networks and
    ISDN Systems* 27(6)). What pause separates two errands is a choice: library errands last days, web visits
    minutes.

    Examples
    --------
    >>> import pandas as pd
    >>> events = pd.DataFrame({"event_id": ["1", "2", "3"], "person_key": "ann", "initiated_by": "person",
    ...                        "occurred_at": pd.to_datetime(["2025-01-01", "2025-01-08", "2025-01-16"])})
    >>> sessionise(events)[["session", "step"]].values.tolist()
    [[1, 1], [1, 2], [2, 1]]
    """
    pause = longest_pause(gap_days)
    acts, everybody = acts_of_people(events)
    if acts.implementation.is_duckdb() and _stand_in_order(acts, everybody):
        return _numbered_as_they_stand(acts.to_native(), pause)
    acts, previous, order = in_order(acts)
    waited = nw.col("occurred_at") - previous("occurred_at")
    return (
        acts.with_columns((waited <= pause).fill_null(False).alias("goes on"))
        .with_columns((~nw.col("goes on")).cast(nw.Int64).cum_sum().over("person_key", order_by=order)
                      .cast(nw.Int64).alias("session"))
        .with_columns(nw.col("goes on").cum_count().over("person_key", "session", order_by=order)
                      .cast(nw.Int64).alias("step"))
        .drop("goes on").to_native())


def transitions(events, gap_days=7, *, people=True):
    """How often one touchpoint follows another within a session.

    Acts, order and sessions are those of `sessionise`. A step from or to an act without a touchpoint is left out.

    Parameters
    ----------
    events, gap_days
        As for `sessionise`.
    people : bool
        Whether to count the people too, which takes a third longer.

    Returns
    -------
    DataFrame
        before, after (touchpoints), n (steps from one to the next) and people (different people who took it);
        most frequent first. Nothing is withheld.

    Raises
    ------
    ValueError
        As for `sessionise`.

    Notes
    -----
    Rows of a DuckDB relation that stand in order, as a study's do, are read once and never sorted: each row is
    compared with the one before it, and the same pass makes sure of the order. Where rows stand otherwise, the
    engine's windows are used.

    Examples
    --------
    >>> import pandas as pd
    >>> events = pd.DataFrame({"event_id": ["1", "2", "3"], "person_key": "ann", "initiated_by": "person",
    ...                        "occurred_at": pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-03"]),
    ...                        "touchpoint": ["search", "loan", "search"]})
    >>> transitions(events).values.tolist()
    [['loan', 'search', 1, 1], ['search', 'loan', 1, 1]]
    """
    pause = longest_pause(gap_days)
    acts, everybody = acts_of_people(events, "touchpoint")
    counts = _read_once(acts, pause, everybody, people) if acts.implementation.is_duckdb() else None
    if counts is None:
        counts = _by_windows(acts, pause, people)
    counts = counts.dropna(subset=["before", "after"]).astype({"before": "str", "after": "str"})
    return counts.astype(dict.fromkeys(counts.columns[2:], "int64")).sort_values(
        ["n", "before", "after"], ascending=[False, True, True], ignore_index=True)


def step_matrix(transitions, minimum_count=10):
    """Of the steps that leave a touchpoint, the share that leads to each other one.

    Cells that rest on fewer than `minimum_count` people are withheld, and others in the row with them where its
    total would otherwise give these away (`libengage_utils.privacy.suppress`). A share is of the steps in its
    row that are shown: a row adds up to 1 and tells nothing of the steps withheld.

    Parameters
    ----------
    transitions : DataFrame
        As made by `transitions`, people counted.
    minimum_count : int
        Fewest people that a cell may rest on; at least 5.

    Returns
    -------
    DataFrame of shape (n_touchpoints, n_touchpoints)
        From the row to the column; missing where withheld, or where nobody went.

    Raises
    ------
    ValueError
        If people were not counted, or there are fewer than two touchpoints.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = pd.DataFrame({"before": ["search", "search", "loan", "loan"], "after": ["loan", "search"] * 2,
    ...                        "n": [90, 30, 40, 60], "people": [50, 20, 40, 30]})
    >>> print(step_matrix(counts))
    after   loan  search
    before
    loan    0.40    0.60
    search  0.75    0.25
    """
    if "people" not in transitions:
        raise ValueError("A step matrix needs to know on how many people each step rests: "
                         "call transitions(events, people=True).")
    names = sorted({*transitions["before"], *transitions["after"]})
    if len(names) < 2:
        raise ValueError("A step matrix compares where steps lead, so it needs two touchpoints or more with steps between "
                         f"them; there {'is 1' if names else 'are none'}. Look at a longer period or allow a longer gap.")
    n, people = (transitions.pivot(index="before", columns="after", values=figure).reindex(index=names, columns=names)
                 .rename_axis(index="before", columns="after").fillna(0) for figure in ("n", "people"))
    shown = n.where(people.apply(suppress, axis=1, minimum=minimum_count).notna())
    return shown.div(shown.sum(axis=1), axis=0)


def acts_of_people(events, *needed):
    """Acts of identified people as a Narwhals frame, and the number of those people; a sentence where it fails."""
    log = nw.from_native(events)
    schema = log.collect_schema()
    if missing := [c for c in ("person_key", *ORDER, "initiated_by", *needed) if c not in schema]:
        raise ValueError(f"The events have no column {' and no column '.join(missing)}: give the events of a study, or a "
                         "frame with the columns that the data dictionary names.")
    if schema["occurred_at"] != nw.Datetime:
        raise ValueError("The column occurred_at holds no times: convert it first, for example with pandas.to_datetime.")
    acts = log.filter(nw.col("initiated_by") == "person", ~nw.col("person_key").is_null())
    number, people, timeless = acts.lazy().select(
        nw.len().alias("acts"), nw.col("person_key").n_unique().alias("people"),
        nw.col("occurred_at").is_null().cast(nw.Int64).sum().alias("timeless")).collect().row(0)
    if not number:
        here = log.lazy().select(nw.len().alias("events")).collect().item()
        raise ValueError(f"None of the {here:,} events is an act of an identified person (initiated_by is \"person\" and "
                         "person_key is filled in), so nobody's steps can be followed." if here else
                         "There are no events: nothing can be said about steps. Is the period, or a filter, too narrow?")
    if timeless:
        raise ValueError(f"{timeless:,} of {number:,} acts have no time (occurred_at): leave them out, "
                         "or correct the export.")
    return acts, people


def longest_pause(gap_days):
    if not gap_days > 0:
        raise ValueError(f"`gap_days` is the longest pause within a session, in days, and above 0; it is {gap_days}.")
    return dt.timedelta(days=gap_days)


def in_order(acts):
    """Acts, a function from a column to its value in the person's previous act, and the order windows need.

    Rows that can stand in order are sorted once, and windows follow them; elsewhere each window is ordered.
    """
    if isinstance(acts, nw.DataFrame):
        who = nw.col("person_key")
        return (acts.sort("person_key", *ORDER),
                lambda column: nw.when(who == who.shift(1)).then(nw.col(column).shift(1)), None)
    return acts, lambda column: nw.col(column).shift(1).over("person_key", order_by=ORDER), ORDER


def by_people(acts, at_once=None):
    """Acts as frames of about so many each, a person's in one: a lazy frame that is collected takes memory for all its rows.

    Frames follow each other by person_key. Of a Parquet file sorted by it, each is read without the others.
    """
    if isinstance(acts, nw.DataFrame):
        yield acts
        return
    counts = acts.group_by("person_key").agg(nw.len().alias("acts")).sort("person_key").collect()
    parts = counts["acts"].cum_sum() // (at_once or AT_ONCE)
    cuts = counts["person_key"].filter(parts > parts.shift(1)).to_list()
    del counts, parts
    for first, end in zip([None, *cuts], [*cuts, None], strict=True):
        key = nw.col("person_key")
        bounds = [key >= first] * (first is not None) + [key < end] * (end is not None)
        yield acts.filter(*bounds) if bounds else acts


def sums_of_people(acts, keys, *sums):
    """Sums over the acts of each of these people, in the order of their keys, which are sorted; missing where none is.

    Keys of many people that are looked up together take much memory.
    """
    parts = []
    for first in range(0, max(len(keys), 1), PEOPLE_AT_ONCE):
        some, theirs = keys.iloc[first:first + PEOPLE_AT_ONCE], acts
        if len(keys) > PEOPLE_AT_ONCE:
            least, most = some.iloc[[0, -1]].tolist()
            theirs = acts.filter(nw.col("person_key") >= least, nw.col("person_key") <= most)
        found = theirs.group_by("person_key").agg(*sums).lazy().collect().to_pandas().set_index("person_key")
        parts.append(found.reindex(some))
    return pd.concat(parts, ignore_index=True)


def stand_together(acts, everybody):
    """Whether they are rows of a DuckDB relation in which each person's stand together."""
    return acts.implementation.is_duckdb() and everybody == acts.to_native().project(
        "person_key IS DISTINCT FROM lag(person_key) OVER () AS begins").aggregate(
        "count(*) FILTER (begins)").fetchall()[0][0]


def as_they_stand(acts, at_once=None):
    """As `by_people`, of rows that `stand_together`, which are read once: no filter by person gets below running counts."""
    rows = acts.to_native()
    left = rows.limit(0).to_arrow_table()
    for some in rows.to_arrow_reader(at_once or AT_ONCE):
        some = pa.concat_tables([left, pa.Table.from_batches([some])])
        last = pc.index(some["person_key"], some["person_key"][-1]).as_py()
        left = some.slice(last)
        if last:
            yield nw.from_native(some.slice(0, last)).lazy()
    yield nw.from_native(left).lazy()


def _stand_in_order(acts, everybody):
    """Whether rows of a DuckDB relation stand in `ORDER`, nobody's before an earlier one, and each person's together."""
    same, earlier, former = (f"lag({column}) OVER ()" for column in ("person_key", *ORDER))
    runs, wrong = acts.to_native().project(
        f"""person_key IS NOT DISTINCT FROM {same} AS same, occurred_at <= {earlier} AND
        (occurred_at < {earlier} OR event_id < {former}) AS wrong""").aggregate(
        "count(*) FILTER (NOT same), coalesce(bool_or(same AND wrong), false)").fetchall()[0]
    return runs == everybody and not wrong


def _numbered_as_they_stand(rows, pause):
    """Sessions and steps of rows in order, from running counts: a window without partition streams."""
    until_here = "OVER (ROWS UNBOUNDED PRECEDING)"
    begun = rows.project(
        f"""*, row_number() OVER () AS "the row", person_key IS DISTINCT FROM lag(person_key) OVER () AS "a person",
        occurred_at > lag(occurred_at) OVER () + to_microseconds({pause // dt.timedelta(microseconds=1)}) AS "a pause" """)
    counted = begun.project(
        f"""*, count(*) FILTER ("a person" OR "a pause") {until_here} AS "so many",
        max("the row") FILTER ("a person" OR "a pause") {until_here} AS "the first" """)
    own = counted.project(f"""*, max("so many") FILTER ("a person") {until_here} AS "so many before" """)
    return (nw.from_native(own)
            .with_columns((nw.col("so many") - nw.col("so many before") + 1).alias("session"),
                          (nw.col("the row") - nw.col("the first") + 1).alias("step"))
            .drop("the row", "a person", "a pause", "so many", "the first", "so many before").to_native())


def _by_windows(acts, pause, people):
    """Transitions by definition, in any engine."""
    acts, previous, _ = in_order(acts)
    figures = [nw.len().alias("n"), nw.col("person_key").n_unique().alias("people")]
    return (
        acts.select("person_key", previous("touchpoint").alias("before"), nw.col("touchpoint").alias("after"),
                    (nw.col("occurred_at") - previous("occurred_at")).alias("waited"))
        .filter(nw.col("waited") <= pause)
        .group_by("before", "after").agg(*figures[:1 + people])
        .lazy().collect().to_pandas())


def _read_once(acts, pause, everybody, people):
    """Transitions of a DuckDB relation from one pass over its rows as they stand; None if they stand in no order.

    A window without partition and order streams. Rows stand in order if nobody's row comes before its
    predecessor and there are as many runs of rows of one person as there are people. People are compared by
    64-bit hashes: two that share one make the runs too few, which counts as no order.
    """
    columns = {"who": "hash(person_key)", "after": "touchpoint", "time": "occurred_at", "event": "event_id"}
    rows = acts.to_native().project(", ".join(f'{expression} AS "{name}"' for name, expression in columns.items()))
    compared = rows.project(
        """*, who = lag(who) OVER () AS same, lag("after") OVER () AS "before", lag("time") OVER () AS earlier,
        lag(event) OVER () AS former""")
    within = compared.project(
        f"""who, coalesce(same, false) AS same, CASE WHEN same THEN "before" END AS "before",
        CASE WHEN same THEN "after" END AS "after",
        same AND "time" <= earlier AND ("time" < earlier OR event < former) AS wrong,
        "time" <= earlier + to_microseconds({pause // dt.timedelta(microseconds=1)}) AS soon""").filter("soon OR NOT same")
    keys = 'same, wrong, "before", "after"'
    if people:
        tally = within.aggregate(f"{keys}, who, count(*) AS n").aggregate(f"{keys}, sum(n) AS n, count(*) AS people").df()
    else:
        tally = within.aggregate(f"{keys}, count(*) AS n").df()
    runs = tally[~tally["same"]].drop(columns=["same", "wrong", "before", "after"]).sum()
    if (runs != everybody).any() or tally["wrong"].fillna(False).any():
        return None
    return tally.loc[tally["same"], ["before", "after", *runs.index]]
