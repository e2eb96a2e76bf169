"""Features of people: one row a person and year, of which everybody answers with checksums of the columns.

lifetimes computes less: frequency, recency and age, in days, of all years together.
"""

import os

from measuring import engine

EVENTS = int(os.environ.get("BENCH_EVENTS", "10000000").split()[-1])
PEOPLE = EVENTS // 20
PERIODS = [("2023/24", "2023-09-01", "2024-08-31"), ("2024/25", "2024-09-01", "2025-08-31"),
           ("2025/26", "2025-09-01", "2026-08-31")]
LOAN_DAYS = 28
COLUMNS = ["active_days", "eligible_days", "acts", "active_cycles", "breadth", "recency_days"]


def make(folder, events=EVENTS):
    """A prepared log: sorted by person and time, heavy-tailed, a tenth of it made by systems; an errand is of four weeks."""
    people, connection = events // 20, engine()
    connection.execute(f"SELECT setseed(0.4); SET memory_limit = '4GB'; SET temp_directory = '{folder}/spill'")
    person = "'p_' || lpad(to_hex(CAST({} AS BIGINT) * 7919), 24, '0')"
    connection.execute(f"""
        COPY (SELECT {person.format('i')} AS person_key, DATE '2023-09-01' AS eligible_from, NULL::DATE AS eligible_to
              FROM range({people}) t(i)) TO '{folder}/people.parquet' (FORMAT parquet)""")
    connection.execute(f"""
        COPY (SELECT *, CAST(occurred_at AS DATE) - DATE '1970-01-01' AS day, 'j' || day // 28 AS journey_id FROM (
              SELECT 'e' || i AS event_id, {person.format(f'floor({people} * power(random(), 2.2))')} AS person_key,
                     TIMESTAMP '2023-09-01' + to_seconds(CAST(floor(random() * 1095 * 86400) AS BIGINT)) AS occurred_at,
                     'touchpoint ' || CAST(floor(20 * power(random(), 1.5)) AS INT) AS touchpoint,
                     CASE WHEN random() < 0.1 THEN 'system' ELSE 'person' END AS initiated_by
              FROM range({events}) t(i))
              ORDER BY person_key, occurred_at, event_id) TO '{folder}/events.parquet' (FORMAT parquet, COMPRESSION zstd)""")


def checksums(connection, table):
    sums = ", ".join(f"CAST(sum({c}) AS BIGINT)" for c in COLUMNS)
    return list(connection.execute(f"SELECT {sums}, count(*), round(sum(trend), 3), round(sum(regularity), 3), "
                                   f"CAST(sum(CAST(seen_before AS INT)) AS BIGINT) FROM {table}").fetchone())


def this_package(folder):
    import pandas as pd

    from libengage_utils.engagement import engagement_features

    connection = engine()
    periods = pd.DataFrame(PERIODS, columns=["period", "from", "to"])
    engagement_features(connection.read_parquet(f"{folder}/people.parquet"),
                        connection.read_parquet(f"{folder}/events.parquet"),
                        periods=periods, loan_days=LOAN_DAYS).create("features")
    return checksums(connection, "features")


def hand_written_sql(folder):
    connection = engine()
    values = ", ".join(f"({i}, '{p}', DATE '{f}' - DATE '1970-01-01', DATE '{t}' - DATE '1970-01-01')"
                       for i, (p, f, t) in enumerate(PERIODS))
    lasts = [f"DATE '{t}' - DATE '1970-01-01'" for _, _, t in PERIODS]
    connection.execute(f"""
        CREATE TABLE features AS
        WITH spans(span, period, f, l) AS (VALUES {values}),
        roster AS (
            SELECT person_key, span, period, f, l,
                   least(coalesce(eligible_to - DATE '1970-01-01', l), l)
                   - greatest(coalesce(eligible_from - DATE '1970-01-01', f), f) + 1 AS eligible_days
            FROM '{folder}/people.parquet', spans WHERE eligible_days > 0),
        acts AS (SELECT person_key, day, touchpoint FROM '{folder}/events.parquet'
                 WHERE initiated_by = 'person' AND person_key IS NOT NULL),
        within AS (
            SELECT person_key, span, count(*) AS acts, count(DISTINCT day) AS active_days,
                   count(DISTINCT (day - f) // {LOAN_DAYS}) AS active_cycles, count(DISTINCT touchpoint) AS breadth,
                   avg(2 * (day - f) / (l - f) - 1) AS trend
            FROM acts JOIN spans ON day BETWEEN f AND l GROUP BY ALL),
        seen AS (SELECT person_key, min(day) AS first,
                        {', '.join(f'max(day) FILTER (day <= {last}) AS l{i}' for i, last in enumerate(lasts))}
                 FROM acts GROUP BY ALL)
        SELECT r.person_key, period, eligible_days, coalesce(first < f, false) AS seen_before, coalesce(acts, 0) AS acts,
               coalesce(active_days, 0) AS active_days, coalesce(active_cycles, 0) AS active_cycles,
               coalesce(breadth, 0) AS breadth, acts / active_days AS depth,
               least(coalesce(active_cycles, 0) / greatest(eligible_days / {LOAN_DAYS}, 1), 1) AS regularity, trend,
               l - CASE r.span WHEN 0 THEN l0 WHEN 1 THEN l1 ELSE l2 END AS recency_days
        FROM roster r LEFT JOIN within w ON w.person_key = r.person_key AND w.span = r.span
        LEFT JOIN seen s ON s.person_key = r.person_key""")
    return checksums(connection, "features")


def pandas_idiom(folder):
    import numpy as np
    import pandas as pd

    people = pd.read_parquet(f"{folder}/people.parquet")
    acts = pd.read_parquet(f"{folder}/events.parquet", columns=["person_key", "day", "touchpoint", "initiated_by"])
    acts = acts[(acts["initiated_by"] == "person") & acts["person_key"].notna()]
    ordinal = lambda day: (pd.Timestamp(day) - pd.Timestamp(0)).days  # noqa: E731
    frames = []
    for period, first, last in ((p, ordinal(f), ordinal(t)) for p, f, t in PERIODS):
        inside = acts[acts["day"].between(first, last)]
        inside = inside.assign(cycle=(inside["day"] - first) // LOAN_DAYS,
                               lean=2 * (inside["day"] - first) / (last - first) - 1)
        frame = inside.groupby("person_key").agg(
            acts=("day", "size"), active_days=("day", "nunique"), active_cycles=("cycle", "nunique"),
            breadth=("touchpoint", "nunique"), trend=("lean", "mean"))
        until = acts[acts["day"] <= last].groupby("person_key")["day"].agg(["min", "max"])
        frame = people[["person_key"]].merge(frame, on="person_key", how="left").merge(until, on="person_key", how="left")
        counts = ["acts", "active_days", "active_cycles", "breadth"]
        frame[counts] = frame[counts].fillna(0).astype(int)
        days = last - np.maximum(people["eligible_from"].map(ordinal), first) + 1
        frames.append(frame.assign(
            period=period, eligible_days=days, seen_before=frame["min"] < first, recency_days=last - frame["max"],
            depth=frame["acts"] / frame["active_days"].replace(0, np.nan),
            regularity=(frame["active_cycles"] / np.maximum(days / LOAN_DAYS, 1)).clip(upper=1)))
    features = pd.concat(frames)
    return [*(int(features[c].sum()) for c in COLUMNS), len(features), round(float(features["trend"].sum()), 3),
            round(float(features["regularity"].sum()), 3), int(features["seen_before"].sum())]


def scan_and_group(folder):
    """Every column read and grouped by person once, in the cheapest way."""
    rows = engine().execute(f"""
        SELECT sum(n) + max(last) + max(length(most)) FROM (
            SELECT person_key, count(*) AS n, max(day) AS last, max(touchpoint) AS most FROM '{folder}/events.parquet'
            WHERE initiated_by = 'person' AND person_key IS NOT NULL GROUP BY person_key)""").fetchone()[0]
    return [] if rows else None


def lifetimes_summary(folder):
    """Frequency (active days but the first), recency and age, of all time."""
    import pandas as pd
    from lifetimes.utils import summary_data_from_transaction_data

    acts = pd.read_parquet(f"{folder}/events.parquet", columns=["person_key", "occurred_at", "initiated_by"])
    acts = acts[acts["initiated_by"] == "person"]
    summary = summary_data_from_transaction_data(acts, "person_key", "occurred_at", freq="D")
    return [int((summary["frequency"] + 1).sum())]


CONTENDERS = {"this package": this_package, "hand-written SQL": hand_written_sql, "pandas": pandas_idiom,
              "lifetimes": lifetimes_summary, "floor: scan and group": scan_and_group}
LIBRARIES = {"this package": ["pandas", "duckdb", "libengage_utils.engagement"], "hand-written SQL": ["duckdb"],
             "floor: scan and group": ["duckdb"], "pandas": ["numpy", "pandas", "pyarrow"],
             "lifetimes": ["pandas", "pyarrow", "lifetimes.utils"]}
PEERS = {"lifetimes"}
LESS = {"lifetimes", "floor: scan and group"}
