"""Preparing raw rows: counted, checked, written by person and time, against a plain sort-and-write of the same file."""

from pathlib import Path

from measuring import engine

STUDY = """
name: Benchmark
synthetic: true
purpose: To measure how long preparing takes.
retention: 2099-12-31
as_of: 2026-08-31
time_zone: Europe/London
calendar: {loan_days: 28, teaching_weeks: 30, periods: [{period: all, from: 2023-09-01, to: 2026-08-31}]}
sources: {people: people.csv, events: events.csv}
coverage: [{source: desk, from: 2023-09-01, to: 2026-08-31, identity: person}]
"""


def make(folder, events):
    people, connection = events // 20, engine()
    connection.execute("SELECT setseed(0.4)")
    connection.execute(f"COPY (SELECT 'u' || i AS person_id, DATE '2023-09-01' AS eligible_from FROM range({people}) t(i)) "
                       f"TO '{folder}/people.csv'")
    connection.execute(f"""
        COPY (SELECT 'e' || i AS event_id, 'u' || CAST(floor({people} * power(random(), 2.2)) AS INT) AS person_id,
                     strftime(TIMESTAMP '2023-09-01 02:00' + to_days(CAST(floor(random() * 1090) AS INT))
                              + to_seconds(CAST(floor(random() * 72000) AS INT)), '%Y-%m-%d %H:%M:%S') AS occurred_at,
                     'use' AS event_type, 'touchpoint ' || CAST(floor(20 * random()) AS INT) AS touchpoint,
                     CASE WHEN random() < 0.1 THEN 'system' ELSE 'person' END AS initiated_by, 'desk' AS source
              FROM range({events}) t(i)) TO '{folder}/events.csv'""")
    (folder / "study.yml").write_text(STUDY)


def this_package(folder):
    """Counted, checked, de-duplicated, pseudonymised, sorted, written."""
    import shutil

    from libengage_utils.study import open_study

    study = open_study(folder)
    events = study.events
    answer = list(events.aggregate("count(*), count(DISTINCT person_key)").fetchall()[0])
    shutil.rmtree(Path(folder) / ".prepared")
    return answer


def plain_sort_and_write(folder):
    """The file with its types declared, sorted by person and time, written: nothing checked."""
    connection = engine()
    connection.execute(f"SET temp_directory = '{folder}/spill'")
    connection.execute(f"""
        COPY (SELECT * FROM read_csv('{folder}/events.csv', header = true, auto_detect = false, columns = {{
                 'event_id': 'VARCHAR', 'person_id': 'VARCHAR', 'occurred_at': 'TIMESTAMP', 'event_type': 'VARCHAR',
                 'touchpoint': 'VARCHAR', 'initiated_by': 'VARCHAR', 'source': 'VARCHAR'}})
              ORDER BY person_id, occurred_at, event_id) TO '{folder}/plain.parquet' (FORMAT parquet, COMPRESSION zstd)""")
    return list(connection.execute(f"SELECT count(*), count(DISTINCT person_id) FROM '{folder}/plain.parquet'").fetchone())


CONTENDERS = {"this package": this_package, "plain DuckDB sort-and-write": plain_sort_and_write}

LIBRARIES = {"this package": ["duckdb", "libengage_utils.study"], "plain DuckDB sort-and-write": ["duckdb"]}
