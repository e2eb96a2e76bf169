"""Transitions: the number of steps from each touchpoint to each other one within 7-day sessions, told by checksums.

pm4py and retentioneering are given what they want, sessions cut by pandas and by retentioneering itself. One floor reads the
columns and sorts them, as whoever does not trust the order has to; the other trusts it and goes through the rows once.
"""

from features import make as make
from measuring import engine

SECONDS = 7 * 86400


def checksums(counts):
    """Of rows before, after, n, in any order."""
    rows = sorted((str(before), str(after), int(n)) for before, after, n in counts)
    return [len(rows), sum(n for *_, n in rows), sum((at + 1) * n for at, (*_, n) in enumerate(rows))]


def this_package(folder, people=False, order=""):
    from libengage_utils.journeys import transitions

    events = engine().read_parquet(f"{folder}/events.parquet")
    counts = transitions(events.order(order) if order else events, people=people)
    return checksums(counts[["before", "after", "n"]].itertuples(index=False))


def this_package_with_people(folder):
    return this_package(folder, people=True)


def this_package_out_of_order(folder):
    """The same log by event_id, an order that is of no use."""
    return this_package(folder, order="event_id")


def hand_written_sql(folder):
    return checksums(engine().execute(f"""
        SELECT before, touchpoint, count(*) FROM (
            SELECT touchpoint, occurred_at, lag(touchpoint) OVER w AS before, lag(occurred_at) OVER w AS earlier
            FROM '{folder}/events.parquet' WHERE initiated_by = 'person' AND person_key IS NOT NULL
            WINDOW w AS (PARTITION BY person_key ORDER BY occurred_at, event_id))
        WHERE occurred_at <= earlier + to_seconds({SECONDS}) GROUP BY ALL""").fetchall())


def scan_and_sort(folder):
    """Nothing is counted: rows sorted, and every column of them touched."""
    rows = engine().execute(f"""
        SELECT count(DISTINCT touchpoint) FROM (
            SELECT person_key, occurred_at, event_id, touchpoint, row_number() OVER () AS place FROM (
                SELECT * FROM '{folder}/events.parquet' WHERE initiated_by = 'person' AND person_key IS NOT NULL
                ORDER BY person_key, occurred_at, event_id)) WHERE place > 0""").fetchone()[0]
    return [] if rows else None


def goes_through(folder):
    """Some rows at a time: which of them begin a person, which a session, and their touchpoints; as they stand."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow.parquet import ParquetFile

    last = None
    for rows in ParquetFile(f"{folder}/events.parquet").iter_batches(
            2**18, columns=["person_key", "occurred_at", "touchpoint", "initiated_by"]):
        rows = rows.filter(pc.and_(pc.equal(rows["initiated_by"], "person"), pc.is_valid(rows["person_key"])))
        if not len(rows):
            continue
        both = pa.Table.from_batches([*([last] if last else []), rows]).combine_chunks()
        key, time = both["person_key"].chunk(0), both["occurred_at"].to_numpy().astype("datetime64[us]").astype(np.int64)
        person = pc.not_equal(key[1:], key[:-1]).to_numpy(zero_copy_only=False)
        session = person | (np.diff(time) > SECONDS * 10**6)
        if last is None:
            person, session = np.r_[True, person], np.r_[True, session]
        last = rows.slice(len(rows) - 1)
        yield person, session, rows["touchpoint"]


def one_pass(folder):
    """In numpy, with the order trusted."""
    import numpy as np

    names, counts, before = {}, {}, -1
    for _, session, touchpoint in goes_through(folder):
        touchpoint = touchpoint.dictionary_encode()
        known = np.array([names.setdefault(name, len(names)) for name in touchpoint.dictionary.to_pylist()])
        after = known[touchpoint.indices.to_numpy()]
        steps = (np.r_[before, after[:-1]] * 1000 + after)[~session]
        for step, n in zip(*np.unique(steps, return_counts=True), strict=True):
            counts[step] = counts.get(step, 0) + n
        before = after[-1]
    names = list(names)
    return checksums((names[step // 1000], names[step % 1000], n) for step, n in counts.items())


def acts_in_pandas(folder, *besides):
    """Acts sorted by person and time, and which of them go on a session."""
    import pandas as pd

    acts = pd.read_parquet(f"{folder}/events.parquet", filters=[("initiated_by", "==", "person")],
                           columns=["person_key", "occurred_at", "event_id", "touchpoint", *besides])
    acts = acts[acts["person_key"].notna()].sort_values(["person_key", "occurred_at", "event_id"], ignore_index=True)
    goes_on = (acts["person_key"] == acts["person_key"].shift()) & (
        acts["occurred_at"].diff() <= pd.Timedelta(seconds=SECONDS))
    return acts, goes_on


def pandas_idiom(folder):
    acts, goes_on = acts_in_pandas(folder)
    steps = acts.assign(before=acts["touchpoint"].shift())[goes_on]
    return checksums(steps.groupby(["before", "touchpoint"]).size().reset_index().itertuples(index=False))


def pm4py_follows(folder):
    import pm4py

    acts, goes_on = acts_in_pandas(folder)
    acts["session"] = (~goes_on).cumsum().astype(str)
    follows, _, _ = pm4py.discover_dfg(acts, case_id_key="session", activity_key="touchpoint", timestamp_key="occurred_at")
    return checksums((*pair, n) for pair, n in follows.items())


def split_by_retentioneering(folder):
    """Its event stream of the acts, cut at pauses of more than seven days."""
    import pandas as pd
    from retentioneering.eventstream.eventstream import Eventstream

    acts = pd.read_parquet(f"{folder}/events.parquet", filters=[("initiated_by", "==", "person")],
                           columns=["person_key", "occurred_at", "touchpoint"])
    columns = {"path_cols": ["person_key"], "event_col": "touchpoint", "timestamp_col": "occurred_at"}
    return Eventstream(acts, schema=columns).split_sessions(timeout=f"{SECONDS}s")


def retentioneering(folder):
    counts = split_by_retentioneering(folder).transition_graph_data(edge_weight="count", path_col="session_id").stack()
    return checksums((*pair, n) for pair, n in counts[counts > 0].items() if not {"path_start", "path_end"} & {*pair})


CONTENDERS = {
    "this package": this_package, "this package, people counted": this_package_with_people,
    "this package, rows out of order": this_package_out_of_order, "hand-written SQL window": hand_written_sql,
    "pandas": pandas_idiom, "pm4py": pm4py_follows, "retentioneering": retentioneering,
    "floor: scan and sort": scan_and_sort, "floor: one pass, order trusted": one_pass,
}
LIBRARIES = {name: ["duckdb"] for name in CONTENDERS} | {
    name: ["duckdb", "libengage_utils.journeys"] for name in CONTENDERS if name.startswith("this package")} | {
    "pandas": ["pandas", "pyarrow"], "floor: one pass, order trusted": ["pandas", "pyarrow.parquet", "pyarrow.compute"],
    "pm4py": ["pandas", "pyarrow", "pm4py"],
    "retentioneering": ["pandas", "pyarrow", "retentioneering.eventstream.eventstream"]}
PEERS = {"pm4py", "retentioneering"}
LESS = {"floor: scan and sort"}
