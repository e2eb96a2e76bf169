"""Transitions within 7-day sessions of 10 million prepared events: this package, SQL windows, pandas, pm4py.

Everybody answers with the number of steps from each touchpoint to each other one, taken by checksums. The
floor computes less: it reads the columns and sorts them, as whoever does not trust the order has to. pm4py is
given the cases it wants (a session each, cut by pandas) and counts what directly follows what in them.
"""

import subprocess
import sys
import venv
from pathlib import Path

from features import EVENTS, PEOPLE, make
from measuring import compare, engine

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
    return [engine().execute(f"""
        SELECT count(DISTINCT touchpoint) FROM (
            SELECT person_key, occurred_at, event_id, touchpoint, row_number() OVER () AS place FROM (
                SELECT * FROM '{folder}/events.parquet' WHERE initiated_by = 'person' AND person_key IS NOT NULL
                ORDER BY person_key, occurred_at, event_id)) WHERE place > 0""").fetchone()[0]]


def acts_in_pandas(folder):
    """Acts sorted by person and time, and which of them go on a session."""
    import pandas as pd

    acts = pd.read_parquet(f"{folder}/events.parquet", filters=[("initiated_by", "==", "person")],
                           columns=["person_key", "occurred_at", "event_id", "touchpoint"])
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


CONTENDERS = {
    "this package": this_package, "this package, people counted": this_package_with_people,
    "this package, rows out of order": this_package_out_of_order, "hand-written SQL window": hand_written_sql,
    "plain scan and sort": scan_and_sort, "pandas": pandas_idiom, "pm4py": pm4py_follows,
}
LIBRARIES = {name: ["duckdb"] for name in CONTENDERS} | {
    name: ["duckdb", "libengage_utils.journeys"] for name in CONTENDERS if name.startswith("this package")} | {
    "pandas": ["pandas", "pyarrow"], "pm4py": ["pandas", "pyarrow", "pm4py"]}


def with_pm4py():
    """The interpreter of a throw-away environment with pm4py, which never enters the project's own; None without."""
    home = Path(".bench-venv") / "pm4py"
    if not (home / ".ready").exists():
        print("  making a throw-away environment for pm4py", flush=True)
        venv.create(home, with_pip=True, clear=True)
        done = subprocess.run([home / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                               "pm4py", "pyarrow"], capture_output=True)
        if done.returncode:
            print("  pm4py cannot be installed here and is left out")
            return None
        (home / ".ready").touch()
    return str(home / "bin" / "python")


if __name__ == "__main__":
    print(f"Transitions within 7-day sessions of {EVENTS:,} prepared events of {PEOPLE:,} people")
    python = with_pm4py()
    compare(__file__, [name for name in CONTENDERS if python or name != "pm4py"], "this package", make,
            pythons={"pm4py": python or sys.executable}, less=["plain scan and sort"])
