"""Seconds, peak memory and spill of every computation on a study's events: 10 million of them, or BENCH_EVENTS.

Each computation runs in a process of its own, on tables as a prepared study keeps them and opens them: sorted by person
and time, by the engine that `open_study` starts, which may take 1 GB and spills beyond that.
"""

import os
import sys
import tempfile
import threading
from pathlib import Path

import measuring

EVENTS = int(os.environ.get("BENCH_EVENTS", 10_000_000))
PEOPLE = EVENTS // 20
AT_ONCE = 250_000  # people written together
PERIODS = [("2023/24", "2023-09-01", "2024-08-31"), ("2024/25", "2024-09-01", "2025-08-31"),
           ("2025/26", "2025-09-01", "2026-08-31")]
AS_OF, LOAN_DAYS, TEACHING_WEEKS = "2026-08-31", 28, 30
ALONE = ["article", "gate", "e-book", "catalogue search", "return", "database", "loan", "renewal", "printing",
         "reading list", "hold", "collection shelf", "enquiry desk", "room booking", "workshop", "newsletter", "chat",
         "laptop loan"]
WAYS = {"reservation": ["catalogue search", "hold", "collection shelf", "return"],
        "inter-library loan": ["catalogue search", "inter-library loan", "enquiry desk", "collection shelf", "return"],
        "room booking": ["room booking", "gate", "enquiry desk", "printing"]}


def pick(values, power=1):
    """SQL for one of the values, the first ones more often where the power is above 1."""
    return f"{list(values)}[1 + CAST(floor({len(values)} * power(random(), {power})) AS INT)]"


def make(folder):
    """Tables as `study/preparation.py` writes them: some do much more than others, an act in seven is on an errand."""
    connection = measuring.engine()
    connection.execute("SELECT setseed(0.4)")
    connection.execute(f"""
        CREATE TABLE folk AS SELECT *, row_number() OVER (ORDER BY person_key) - 1 AS rank,
               (random() > 0.15)::INT * floor(-18 * ln(1 - random()) * exp(random()))::INT AS n,
               (random() > 0.55)::INT * floor(-2.2 * ln(1 - random()))::INT AS errands
        FROM (SELECT 'p_' || left(md5('k' || i), 24) AS person_key FROM range({PEOPLE}) t(i));
        COPY (SELECT person_key, DATE '2015-09-01' + floor(random() * 3900)::INT AS eligible_from,
                     CASE WHEN random() < 0.5 THEN DATE '2024-09-01' + floor(random() * 2000)::INT END AS eligible_to,
                     {pick(["undergraduate", "postgraduate", "staff", "alumni"])} AS "group",
                     {pick(["Health", "Arts", "Science", "Law"])} AS school,
                     {pick(["bachelor", "master", "doctor"])} AS level,
                     {pick(["full-time", "part-time", "distance"])} AS mode,
                     {pick(["Main", "Hill", "Harbour", "Partner college"])} AS home_site, random() < 0.95 AS contactable,
                     random() < 0.03 AS contact_opt_out, false AS analytics_opt_out
              FROM folk ORDER BY rank) TO '{folder}/people.parquet' (FORMAT parquet, COMPRESSION zstd)""")
    time = "TIMESTAMP '2023-09-01' + to_seconds(floor(random() * {} * 86400)::BIGINT)"
    steps = f"CASE service {' '.join(f'''WHEN '{name}' THEN {way}''' for name, way in WAYS.items())} END"
    nobody = f"""SELECT 'n' || i AS event_id, NULL AS person_key, {time.format(1095.9)} AS time,
                        {pick(ALONE, 1.5)} AS touchpoint, NULL AS journey_id, NULL AS service
                 FROM range({EVENTS * 8 // 100}) t(i)"""
    parts = []
    for number, first in enumerate([*range(0, PEOPLE, AT_ONCE), None]):
        those = f"FROM folk WHERE rank >= {first or 0} AND rank < {(first or 0) + AT_ONCE}"
        acts = nobody if first is None else f"""
            SELECT 'a' || rank || '-' || k AS event_id, person_key, {time.format(1095.9)} AS time,
                   {pick(ALONE, 1.5)} AS touchpoint, NULL AS journey_id, NULL AS service
            FROM (SELECT *, unnest(range(n)) AS k {those})
            UNION ALL
            SELECT 's' || rank || '-' || k || '-' || step, person_key,
                   begun + to_seconds(step * 100000 + floor(random() * 80000)::BIGINT),
                   CASE WHEN random() < 0.06 THEN 'gate' ELSE ({steps})[step] END, 'j' || rank || '-' || k, service
            FROM (SELECT *, unnest(range(1, 1 + len({steps}))) AS step FROM (
                  SELECT *, {time.format(1080)} AS begun, {pick(WAYS, 1.4)} AS service FROM (
                  SELECT *, unnest(range(errands)) AS k {those}))) WHERE random() > 0.1"""
        parts.append(f"{folder}/part{number:03d}.parquet")
        connection.execute(f"""
            COPY (SELECT event_id, person_key, date_trunc('minute', time) AS occurred_at, 'use' AS event_type,
                         {pick(["online", "in person"])} AS channel, touchpoint,
                         CASE WHEN random() < 0.5 THEN {pick(["Main", "Hill", "Harbour"])} END AS site,
                         1.0::DOUBLE AS quantity, {pick(["ok", "failed", "waiting"], 5)} AS outcome,
                         CASE WHEN random() < 0.05 THEN floor(random() * 30) END AS minutes_waited,
                         {pick(["person", "system", "staff"], 7)} AS initiated_by, journey_id, service,
                         {pick(["library system", "e-resource login", "event sign-up", "gate"], 2)} AS source,
                         CAST(time AS DATE) - DATE '1970-01-01' AS day
                  FROM ({acts}) ORDER BY person_key, occurred_at, event_id) TO '{parts[-1]}' (FORMAT parquet)""")
    connection.execute(f"COPY (FROM read_parquet({parts})) TO '{folder}/events.parquet' (FORMAT parquet, COMPRESSION zstd)")
    for part in parts:
        os.unlink(part)
    connection.execute(f"""
        COPY (SELECT 'f' || row_number() OVER () AS feedback_id, person_key, occurred_at + INTERVAL 1 DAY AS given_at,
                     CASE WHEN journey_id IS NULL THEN 'comment box' ELSE 'form' END AS instrument, touchpoint, journey_id,
                     'step' AS question, NULL::VARCHAR AS answer, 'The ' || touchpoint || ' was slow.' AS text,
                     floor(1 + random() * 5) AS rating, 1.0::DOUBLE AS rating_min, 5.0::DOUBLE AS rating_max,
                     journey_id IS NOT NULL AS solicited
              FROM '{folder}/events.parquet' WHERE person_key IS NOT NULL AND initiated_by = 'person'
              AND random() * {EVENTS} < CASE WHEN journey_id IS NULL THEN 100000 ELSE 1000000 END
              ORDER BY person_key, given_at) TO '{folder}/feedback.parquet' (FORMAT parquet, COMPRESSION zstd)""")


class Tables:
    """The tables of a prepared study, each opened as `Study` does, and what else computations ask for."""

    def __init__(self, folder):
        import pandas as pd

        from libengage_utils.journeys import Workflow
        from libengage_utils.study.preparation import engine

        connection = engine(Path(folder) / "spill")
        self.people, self.events, self.feedback = (connection.read_parquet(f"{folder}/{name}.parquet")
                                                   for name in ("people", "events", "feedback"))
        self.periods = pd.DataFrame(PERIODS, columns=["period", "from", "to"])
        self.coverage = pd.DataFrame({"source": ["library system"], "from": "2023-09-01", "to": AS_OF, "identity": "person",
                                      "blind_spots": "home_site=Partner college"})
        self.ways = {name: Workflow(name, tuple(way), (True,) * len(way), (False,) * len(way)) for name, way in WAYS.items()}
        weeks = pd.date_range("2023-09-04", AS_OF, freq="7D")
        self.staff_time = pd.DataFrame({"on": weeks.repeat(3), "minutes": 600.0,
                                        "service": ["enquiry desk", "chat", "workshop"] * len(weeks)})
        self.forecasts = pd.DataFrame({"service": ["chat", "workshop"], "launched_on": pd.Timestamp("2024-02-01"),
                                       "expected_share": 0.3, "by_day": 180, "recorded_on": pd.Timestamp("2024-01-01")})


def features(tables):
    from libengage_utils.engagement import engagement_features

    return engagement_features(tables.people, tables.events, periods=tables.periods, loan_days=LOAN_DAYS,
                               coverage=tables.coverage)


def with_segments(tables):
    from libengage_utils.segments import lifecycle

    return lifecycle(features(tables), loan_days=LOAN_DAYS, teaching_weeks=TEACHING_WEEKS)


def segment_in(tables, *periods):
    """Segment of each person in each period, as a study's notebooks hand it on."""
    rows = with_segments(tables)
    return [rows.filter(f"period = '{period}'").project("person_key, segment").to_arrow_table().to_pandas()
            .set_index("person_key")["segment"] for period in periods]


def movement(tables):
    from libengage_utils.segments import movement

    return movement(*segment_in(tables, "2024/25", "2025/26"))


def sessionise(tables):
    from libengage_utils.journeys import sessionise

    return sessionise(tables.events).aggregate("max(session), max(step), count(*)").fetchall()


def transitions(tables):
    from libengage_utils.journeys import step_matrix, transitions

    return step_matrix(transitions(tables.events))


def paths_of_errands(tables):
    from libengage_utils.journeys import paths

    return paths(tables.events)


def paths_of_sessions(tables):
    from libengage_utils.journeys import paths, sessionise

    return paths(sessionise(tables.events), by="session")


def variants(tables):
    from libengage_utils.journeys import variants

    return variants(tables.events, as_of=AS_OF)


def conformance(tables):
    from libengage_utils.journeys import conformance

    return conformance(tables.events, tables.ways, as_of=AS_OF)


def attached(tables):
    from libengage_utils.journeys import attach, rated

    return attach(rated(tables.feedback).feedback, tables.events).feedback


def steps(tables):
    from libengage_utils.journeys import steps_with_feelings

    return steps_with_feelings(tables.events, attached(tables))


def emotional_arc(tables):
    from libengage_utils.journeys import emotional_arc

    return emotional_arc(steps(tables), "reservation")


def what_follows(tables):
    from libengage_utils.journeys import what_follows

    return what_follows(tables.events, attached(tables), as_of=AS_OF)


def silence(tables):
    from libengage_utils.letters import quiet_by_rule, silence

    silent = silence(tables.people, tables.events, on="2026-03-01", coverage=tables.coverage)
    return quiet_by_rule(silent, tables.people, lapse_days=365, outcome_days=90, on="2026-03-01")


def rhythm(tables):
    from libengage_utils.letters import RhythmModel, active_days

    days = active_days(tables.people, tables.events, on="2026-03-01")
    return RhythmModel().fit(days).probability_of_return(days, 90)


def last_period(tables):
    return features(tables).filter("period = '2025/26'")


def concentration(tables):
    from libengage_utils.attention import concentration

    acts = last_period(tables).filter("covered").project("acts, eligible_days").df()
    return concentration(acts["acts"], exposure=acts["eligible_days"])


def allocate(tables):
    from libengage_utils.attention import allocate

    given = allocate(tables.staff_time, tables.events, first="2025-09-01", last=AS_OF)
    return given, given.table, given.summary


def minutes_by_segment(tables):
    from libengage_utils.attention import minutes_by_segment

    segment, = segment_in(tables, "2024/25")
    return minutes_by_segment(allocate(tables)[0], segment)


def acts_an_hour(tables):
    from libengage_utils.attention import acts_an_hour

    segment, = segment_in(tables, "2024/25")
    return acts_an_hour(allocate(tables)[0], segment)


def shift_hour(tables):
    from libengage_utils.attention import shift_hour

    segment, = segment_in(tables, "2024/25")
    return shift_hour(allocate(tables)[0], segment, source="workshop", target="chat")


def staff_concentration(tables):
    from libengage_utils.attention import staff_concentration

    return staff_concentration(features(tables), allocate(tables)[0], tables.periods, earlier="2024/25", later="2025/26")


def coverage(tables):
    from libengage_utils.coverage import enough

    return enough(tables.people, tables.events, tables.feedback, tables.coverage)


def nonusers(tables):
    from libengage_utils.nonusers import largest_difference

    ever = features(tables).aggregate("person_key, bool_or(acts > 0 OR seen_before) AS seen, bool_or(covered) AS covered")
    people = ever.filter("seen OR covered").set_alias("ever").join(tables.people.set_alias("roster"), "person_key")
    people = people.project("mode, level, home_site, seen")
    return largest_difference(people, ["mode", "level", "home_site"])


def uptake(tables):
    from libengage_utils.uptake import uptake

    return uptake(tables.people, tables.events, tables.forecasts, as_of=AS_OF)


def unasked_returns(tables):
    from libengage_utils.effects import unasked_returns

    return unasked_returns(tables.people, tables.events, on="2026-03-01", lapse_days=180, days=90)


def returns_after(tables):
    from libengage_utils.effects import returns_after

    return returns_after(steps(tables), tables.events, as_of=AS_OF)


def journey_measures(tables):
    from libengage_utils.journeys import journey_measures

    return journey_measures(steps(tables))


def return_curves(tables):
    from libengage_utils.effects import return_curves

    return return_curves(returns_after(tables))


def fewer_back(tables):
    from libengage_utils.effects import fewer_back

    return fewer_back(returns_after(tables))


def recovery(tables):
    from libengage_utils.effects import recovery

    returns = returns_after(tables)
    failed = returns.index[returns["kind"] == "failed, not put right"]
    returns.loc[failed[::2], "kind"] = "failed, put right"      # nobody puts anything right in these tables
    return recovery(returns.assign(overall=returns["feeling"]))


def off_the_way(tables):
    from libengage_utils.effects import off_the_way

    felt = returns_after(tables)[["person_key", "journey_id", "feeling"]].dropna()
    return off_the_way(conformance(tables).journeys, felt, "feeling")


def extremes(tables):
    from libengage_utils.effects import extremes

    given = tables.feedback.project("person_key, rating").df()
    return extremes(given["rating"], points=range(1, 6), person=given["person_key"])


def who_spoke(tables):
    from libengage_utils.mistakes import who_spoke

    return who_spoke(tables.events, tables.feedback.project("person_key, given_at").df(), tables.periods)


def person_terms(tables):
    from libengage_utils.effects import person_terms, terms_between

    return person_terms(tables.events, attached(tables), terms_between("2023-09-01", AS_OF), people=tables.people,
                        said_only=True)


def mediation(tables):
    import numpy as np

    from libengage_utils.effects import mediation

    rows = person_terms(tables)
    return mediation(rows.assign(**np.log1p(rows[["before", "after"]])), "experience", "emotion", "after",
                     covariates=["before"], person="person_key")


COMPUTATIONS = {
    "features": lambda tables: features(tables).aggregate("period, sum(acts), sum(trend)").fetchall(),
    "lifecycle": lambda tables: with_segments(tables).aggregate("period, segment, count(*)").fetchall(),
    "movement": movement, "sessions": sessionise, "transitions, step matrix": transitions,
    "paths of errands": paths_of_errands, "paths of sessions": paths_of_sessions, "variants": variants,
    "conformance": conformance, "emotional arc": emotional_arc,
    "what follows": what_follows, "silence": silence, "rhythm": rhythm, "concentration": concentration,
    "staff time allocated": allocate, "minutes by segment": minutes_by_segment,
    "staff concentration": staff_concentration, "coverage": coverage, "non-users": nonusers, "uptake": uptake,
    "unasked returns": unasked_returns, "returns after errands": returns_after, "return curves": return_curves,
    "fewer back": fewer_back, "recovery": recovery, "journey measures": journey_measures, "off the way": off_the_way,
    "acts an hour": acts_an_hour, "an hour moved": shift_hour, "extremes": extremes, "who spoke": who_spoke,
    "experience by term": person_terms, "mediation": mediation,
}
LIBRARIES = {name: ["duckdb", "pandas", "libengage_utils.study"] for name in COMPUTATIONS}


def spilled(folder, over, most):
    """Keep in `most` the largest size of what a folder holds, in GB, until it is over."""
    while not over.wait(0.05):
        size = 0
        for file in Path(folder).glob("*"):
            try:
                size += file.stat().st_blocks * 512
            except FileNotFoundError:
                continue
        most[0] = max(most[0], size / 1e9)


def measured(computation):
    """The computation with the spill, in GB, as its answer."""
    def run(folder):
        over, most = threading.Event(), [0.0]
        watch = threading.Thread(target=spilled, args=(Path(folder) / "spill", over, most))
        watch.start()
        try:
            kept = computation(Tables(folder))
        finally:
            over.set()
            watch.join()
        del kept
        return most[0]
    return run


CONTENDERS = {name: measured(computation) for name, computation in COMPUTATIONS.items()}


def table(folder, names):
    """Print each computation's seconds, peak memory and spill."""
    print(f"\n{'':26}{'seconds':>9}{'peak GB':>9}{'spill GB':>10}")
    for name in names:
        if result := measuring.run(__file__, name, str(folder)):
            print(f"{name:26}{result['seconds']:9.1f}{result['memory']:9.2f}{result['answer']:10.2f}", flush=True)


if __name__ == "__main__":
    print(f"Memory for computations on {EVENTS:,} events of {PEOPLE:,} people")
    with tempfile.TemporaryDirectory() as here:
        print("  making the data", flush=True)
        make(Path(here))
        table(here, sys.argv[1:] or COMPUTATIONS)
