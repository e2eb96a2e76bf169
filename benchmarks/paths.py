"""Distinct paths of errands: how many there are, of how many errands, and the sum of squares of how many went each."""

from features import make as make
from journeys import acts_in_pandas
from measuring import engine


def checksums(counts):
    return [len(counts), int(sum(counts)), int(sum(int(n) ** 2 for n in counts))]


def this_package(folder):
    from libengage_utils.journeys import paths

    return checksums(paths(engine().read_parquet(f"{folder}/events.parquet"), minimum_count=1)["n"])


def hand_written_sql(folder):
    return list(engine().execute(f"""
        SELECT count(*), sum(n)::BIGINT, sum(n * n)::BIGINT FROM (
            SELECT path, count(*) AS n FROM (
                SELECT string_agg(touchpoint, ' > ' ORDER BY occurred_at, event_id) AS path FROM '{folder}/events.parquet'
                WHERE initiated_by = 'person' AND person_key IS NOT NULL GROUP BY person_key, journey_id)
            GROUP BY path)""").fetchone())


def errands_in_pandas(folder):
    acts, _ = acts_in_pandas(folder, "journey_id")
    return acts.assign(errand=acts["person_key"] + acts["journey_id"])


def pandas_idiom(folder):
    paths = errands_in_pandas(folder).groupby("errand", sort=False)["touchpoint"].agg(" > ".join)
    return checksums(paths.value_counts())


def pm4py_variants(folder):
    import pm4py

    found = pm4py.get_variants(errands_in_pandas(folder), case_id_key="errand", activity_key="touchpoint",
                               timestamp_key="occurred_at")
    return checksums(found.values())


CONTENDERS = {"this package": this_package, "hand-written SQL": hand_written_sql, "pandas": pandas_idiom,
              "pm4py": pm4py_variants}
LIBRARIES = {"this package": ["duckdb", "libengage_utils.journeys"], "hand-written SQL": ["duckdb"],
             "pandas": ["pandas", "pyarrow"], "pm4py": ["pandas", "pyarrow", "pm4py"]}
PEERS = {"pm4py"}
