"""Reading a clean CSV file: every cell checked and counted by this package; first and last time, and rows."""

from pathlib import Path

from measuring import engine
from preparation import make as make


def this_package(folder):
    """Split, counted apart, every value checked against its kind, every row's cells counted."""
    from libengage_utils.study.intake import stage
    from libengage_utils.study.sources import Source

    connection = engine()
    connection.execute(f"SET temp_directory = '{folder}/spill'")
    reading = stage(connection, Source("events", Path(folder) / "events.csv", {}), "Europe/London", Path(folder))
    answer = connection.execute("SELECT min(occurred_at), max(occurred_at), count(*) FROM staged_events "
                                "WHERE problem IS NULL").fetchone()
    return [*map(str, answer), reading.rows]


def _duckdb(folder, options):
    connection = engine()
    connection.execute(f"SET temp_directory = '{folder}/spill'; SET memory_limit = '1500MB'")
    connection.execute(f"CREATE TABLE read AS SELECT * FROM read_csv('{folder}/events.csv'{options})")
    answer = connection.execute("SELECT min(occurred_at), max(occurred_at), count(*), count(*) FROM read").fetchone()
    return [*map(str, answer[:3]), answer[3]]


def duckdb_sniffed(folder):
    """Dialect and types found by the reader."""
    return _duckdb(folder, "")


def duckdb_declared(folder):
    """Dialect and types declared, rejected rows kept apart."""
    return _duckdb(folder, """, header = true, auto_detect = false, store_rejects = true, columns = {
        'event_id': 'VARCHAR', 'person_id': 'VARCHAR', 'occurred_at': 'TIMESTAMP', 'event_type': 'VARCHAR',
        'touchpoint': 'VARCHAR', 'initiated_by': 'VARCHAR', 'source': 'VARCHAR'}""")


def pandas(folder):
    """Everything text but the time."""
    import pandas as pd

    frame = pd.read_csv(f"{folder}/events.csv", dtype=str)
    frame["occurred_at"] = pd.to_datetime(frame["occurred_at"], format="%Y-%m-%d %H:%M:%S")
    return [str(frame["occurred_at"].min()), str(frame["occurred_at"].max()), str(len(frame)), len(frame)]


LIBRARIES = {"this package": ("duckdb", "libengage_utils.study"), "DuckDB, sniffed": ("duckdb",),
             "DuckDB, declared, with rejects": ("duckdb",), "pandas": ("pandas",)}
CONTENDERS = {"this package": this_package, "DuckDB, sniffed": duckdb_sniffed,
              "DuckDB, declared, with rejects": duckdb_declared, "pandas": pandas}
