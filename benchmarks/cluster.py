"""What Spark costs on one machine against the embedded engine: features, sessions and transitions, by the same functions.

On the demo, and on 10 million events. Spark runs here with its own defaults (a driver of 1 GB) and is started inside the
clocks, so its start alone is a line of its own. Peak memory and CPU-seconds are those of Python: Spark's JVM is not in them.
"""

import shutil
from pathlib import Path

from features import COLUMNS, EVENTS, LOAN_DAYS, PEOPLE, PERIODS, make
from journeys import checksums
from measuring import compare, engine

DEMO = Path(__file__).parent.parent / "data" / "demo"


def embedded(folder):
    connection = engine()
    return lambda table: connection.read_parquet(f"{folder}/{table}.parquet")


def spark(folder):
    from libengage_utils.study.spark import in_spark

    return lambda table: in_spark(Path(folder, f"{table}.parquet"))


def sums(frame, *columns):
    """Number of rows and sum of each column, reckoned where the rows are."""
    import narwhals as nw

    frame = nw.from_native(frame).lazy().select(nw.len().alias("rows"), *(nw.col(name).sum() for name in columns))
    return [round(float(figure), 3) for figure in frame.collect().row(0)]


def features(read):
    import pandas as pd

    from libengage_utils.engagement import engagement_features

    periods = pd.DataFrame(PERIODS, columns=["period", "from", "to"])
    return sums(engagement_features(read("people"), read("events"), periods=periods, loan_days=LOAN_DAYS),
                *COLUMNS, "trend", "regularity")


def sessions(read):
    from libengage_utils.journeys import sessionise

    return sums(sessionise(read("events")), "session", "step")


def transitions(read):
    from libengage_utils.journeys import transitions

    return checksums(transitions(read("events"))[["before", "after", "n"]].itertuples(index=False))


def start(read):
    return [len(read("people").columns)]


TASKS = {"features": features, "sessions": sessions, "transitions": transitions}
CONTENDERS = {f"{name}, {where.__name__}": (lambda folder, task=task, where=where: task(where(folder)))
              for name, task in TASKS.items() for where in (embedded, spark)} | {
              "Spark's start alone": lambda folder: start(spark(folder))}
LIBRARIES = {name: ["pandas", "duckdb", "libengage_utils.engagement", "libengage_utils.journeys"]
             + ([] if "embedded" in name else ["pyspark.sql", "libengage_utils.study"]) for name in CONTENDERS}


def prepared_demo(folder):
    from libengage_utils.study import open_study

    for table in ("people", "events"):
        shutil.copy(open_study(DEMO).folder / f"{table}.parquet", folder)


if __name__ == "__main__":
    for size, prepare in (("the demo", prepared_demo), (f"{EVENTS:,} events of {PEOPLE:,} people", make)):
        for name in TASKS:
            print(f"{name.capitalize()} of {size}: Spark on this machine against the embedded engine")
            compare(__file__, [f"{name}, embedded", f"{name}, spark", "Spark's start alone"], f"{name}, embedded", prepare,
                    less=["Spark's start alone"])
