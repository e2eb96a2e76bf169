"""Sessions: of acts no more than seven days apart, how many, and sums of the numbers of sessions and steps.

retentioneering numbers sessions but no steps.
"""

from features import make as make
from journeys import SECONDS, acts_in_pandas, goes_through, scan_and_sort, split_by_retentioneering
from measuring import engine

ANSWER = 'count(*), count(*) FILTER (step = 1), sum(session)::BIGINT, sum(step)::BIGINT'


def this_package(folder):
    from libengage_utils.journeys import sessionise

    return list(sessionise(engine().read_parquet(f"{folder}/events.parquet")).aggregate(ANSWER).fetchall()[0])


def hand_written_sql(folder):
    return list(engine().execute(f"""
        SELECT {ANSWER} FROM (
            SELECT *, row_number() OVER (PARTITION BY person_key, session ORDER BY occurred_at, event_id) AS step FROM (
                SELECT *, sum(begins) OVER (PARTITION BY person_key ORDER BY occurred_at, event_id) AS session FROM (
                    SELECT *, (occurred_at <= lag(occurred_at) OVER w + to_seconds({SECONDS})) IS NOT TRUE AS begins
                    FROM '{folder}/events.parquet' WHERE initiated_by = 'person' AND person_key IS NOT NULL
                    WINDOW w AS (PARTITION BY person_key ORDER BY occurred_at, event_id))))""").fetchone())


def pandas_idiom(folder):
    acts, goes_on = acts_in_pandas(folder)
    acts["session"] = (~goes_on).groupby(acts["person_key"]).cumsum()
    acts["step"] = acts.groupby(["person_key", "session"]).cumcount() + 1
    return [len(acts), int((acts["step"] == 1).sum()), int(acts["session"].sum()), int(acts["step"].sum())]


def retentioneering(folder):
    found = split_by_retentioneering(folder).df
    return [len(found), found["session_id"].nunique(), int(found["session_index"].sum())]


def one_pass(folder):
    """In numpy, with the order trusted; what an earlier part left off at is carried on."""
    import numpy as np

    answer, session_before, step_before = np.zeros(4, dtype=np.int64), 0, 0
    for person, begins, _ in goes_through(folder):
        place, begun = np.arange(len(begins)), np.cumsum(begins)
        session = begun - np.maximum.accumulate(np.where(person, begun - 1, -session_before))
        step = place + 1 - np.maximum.accumulate(np.where(begins, place, -step_before))
        session_before, step_before = session[-1], step[-1]
        answer += [len(begins), begins.sum(), session.sum(), step.sum()]
    return answer.tolist()


CONTENDERS = {"this package": this_package, "hand-written SQL windows": hand_written_sql, "pandas": pandas_idiom,
              "retentioneering": retentioneering, "floor: scan and sort": scan_and_sort,
              "floor: one pass, order trusted": one_pass}
LIBRARIES = {"this package": ["duckdb", "libengage_utils.journeys"], "hand-written SQL windows": ["duckdb"],
             "pandas": ["pandas", "pyarrow"], "floor: scan and sort": ["duckdb"],
             "retentioneering": ["pandas", "pyarrow", "retentioneering.eventstream.eventstream"],
             "floor: one pass, order trusted": ["pandas", "pyarrow.parquet", "pyarrow.compute"]}
PEERS = {"retentioneering"}
LESS = {"retentioneering", "floor: scan and sort"}
