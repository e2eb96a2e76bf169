"""A study in Spark: the same functions give the same answers as on the embedded engine, wherever the clocks stand."""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import pytest

from libengage_utils import emotions, journeys
from libengage_utils.emotions import EmotionModel
from libengage_utils.engagement import engagement_features
from libengage_utils.study import StudyError, open_study, spark

DEMO = Path(__file__).parent.parent / "data" / "demo"
YEARS = pd.DataFrame({"period": ["one", "two"], "from": ["2023-09-01", "2024-09-01"], "to": ["2024-08-31", "2025-08-31"]})


@pytest.fixture(scope="module")
def session():
    """Spark on two cores of a machine whose own clocks are far from the study's."""
    there = {"PySpark": importlib.util.find_spec("pyspark"), "Java": spark._java()}
    missing = [name for name, found in there.items() if not found]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"Without {' and '.join(missing)} no study opens in Spark.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Pacific/Auckland")
        patch.delenv("SPARK_REMOTE", raising=False)
        time.tzset()
        patch.setattr(spark, "LOCAL", spark.LOCAL | {"spark.master": "local[2]", "spark.sql.shuffle.partitions": "2"})
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")    # a short life needs no tuned code
        made = spark.session()
        yield made
        made.stop()
    time.tzset()


@pytest.fixture(scope="module")
def both(session, tmp_path_factory):
    """The demo, opened on the embedded engine and in Spark over one prepared copy."""
    folder = shutil.copytree(DEMO, tmp_path_factory.mktemp("a study [of 2026]"), dirs_exist_ok=True,
                             ignore=shutil.ignore_patterns(".prepared"))
    embedded = open_study(folder)
    said = (folder / "study.yml").read_text()
    (folder / "study.yml").write_text(said + "\nengine: spark\n")
    return embedded, open_study(folder)


def collected(frame, keys):
    """A frame of any kind as pandas, in an order of its own."""
    frame = nw.from_native(frame).lazy().collect("pyarrow").to_pandas()
    return frame.sort_values(keys, ignore_index=True)[sorted(frame)]


def assert_same(one, other, *keys):
    pd.testing.assert_frame_equal(collected(one, list(keys)), collected(other, list(keys)), rtol=1e-12, check_dtype=False)


# --- the demo ---

def test_the_tables_of_a_study_in_spark_stay_in_spark(both):
    embedded, clustered = both
    assert hasattr(clustered.people, "mapInArrow") and clustered.get("summaries") is None
    assert_same(clustered.people, embedded.people, "person_key")
    with pytest.raises(StudyError, match="This study has no summaries"):
        _ = clustered.summaries


def test_engagement_is_the_same(both):
    embedded, clustered = (engagement_features(study.people, study.events, periods=study.periods, loan_days=study.loan_days,
                                               coverage=study.coverage) for study in both)
    assert hasattr(clustered, "mapInArrow")
    assert_same(clustered, embedded, "person_key", "period")


def test_sessions_transitions_and_the_step_matrix_are_the_same(both):
    embedded, clustered = (study.events for study in both)
    assert_same(journeys.sessionise(clustered), journeys.sessionise(embedded), "event_id")
    counts = journeys.transitions(clustered)
    pd.testing.assert_frame_equal(counts, journeys.transitions(embedded))
    pd.testing.assert_frame_equal(journeys.step_matrix(counts), journeys.step_matrix(journeys.transitions(embedded)))


def test_paths_of_journeys_and_of_sessions_are_the_same(both):
    embedded, clustered = (study.events for study in both)
    pd.testing.assert_frame_equal(journeys.paths(clustered), journeys.paths(embedded))
    pd.testing.assert_frame_equal(journeys.paths(journeys.sessionise(clustered), by="session"),
                                  journeys.paths(journeys.sessionise(embedded), by="session"))


def test_emotional_arcs_are_the_same(both):
    steps = []
    for study in both:
        said = journeys.attach(journeys.rated(study.feedback).feedback, study.events)
        steps.append(journeys.steps_with_feelings(study.events, said.feedback))
        assert said.tied > 0.5
    pd.testing.assert_frame_equal(*steps)
    pd.testing.assert_frame_equal(*(journeys.emotional_arc(of_one).table for of_one in steps))


def test_comments_are_scored_in_the_cluster_and_never_here(both, monkeypatch):
    embedded, clustered = (study.feedback for study in both)
    expected = emotions.score(embedded.df())
    monkeypatch.setattr(EmotionModel, "load", lambda: pytest.fail("comments were scored in the driver"))
    scored = emotions.score(clustered)
    assert scored.columns == list(expected)
    assert_same(scored, expected, "feedback_id")


# --- logs with ties, people missing, and in no order ---

@pytest.fixture(params=range(2))
def random_log(request, session, tmp_path):
    """People and events in Spark and in the embedded engine, in two orders; and the number of the log."""
    rng = np.random.default_rng(request.param)
    n, names = 3000, np.array(["Ärger", "a", "B", "", "z\U0001F4D6", "\uffee"], dtype=object)
    who = np.array([f"p{number}" for number in range(150)], dtype=object)
    events = pd.DataFrame({
        "event_id": rng.permutation([f"{letter}{number}" for number in range(n // 6) for letter in names]),
        "person_key": np.where(rng.random(n) < 0.1, None, rng.choice(who, n)),
        "occurred_at": pd.Timestamp("2023-08-20") + pd.to_timedelta(rng.integers(0, 760 * 4, n) * 6, "h"),
        "touchpoint": np.where(rng.random(n) < 0.1, None, rng.choice(names, n)),
        "journey_id": np.where(rng.random(n) < 0.3, None, rng.choice(["x", "y", "z"], n)),
        "initiated_by": rng.choice(["person", "person", "staff", "system"], n)})
    people = pd.DataFrame({"person_key": rng.permutation(who)[:120], "mode": rng.choice(["far", "near", None], 120)})
    for bound in ("eligible_from", "eligible_to"):
        day = (pd.Timestamp("2023-06-01") + pd.to_timedelta(rng.integers(0, 900, 120), "D")).to_series().where(
            rng.random(120) < 0.5)
        people[bound] = day.dt.date.to_numpy()
    for name, table in (("people", people), ("events", events)):
        table.to_parquet(tmp_path / f"{name}.parquet", index=False)
        table[::-1].to_parquet(tmp_path / f"{name} turned.parquet", index=False)
    embedded = (duckdb.read_parquet(str(tmp_path / f"{name}.parquet")) for name in ("people", "events"))
    return [spark.in_spark(tmp_path / f"{name} turned.parquet") for name in ("people", "events")], list(embedded)


def test_any_log_has_the_same_features_sessions_transitions_and_paths(random_log):
    coverage = pd.DataFrame({"identity": "person", "from": "2023-09-01", "to": "2024-08-31", "blind_spots": "mode=far"}, [0])
    (people, events), (same_people, same_events) = random_log
    options = {"periods": YEARS, "loan_days": 28, "coverage": coverage}
    assert_same(engagement_features(people, events, **options), engagement_features(same_people, same_events, **options),
                "person_key", "period")
    sessions, same_sessions = (journeys.sessionise(log, gap_days=30) for log in (events, same_events))
    assert_same(sessions, same_sessions, "event_id")
    for one, other in ((journeys.transitions(events, 30), journeys.transitions(same_events, 30)),
                       (journeys.paths(events, minimum_count=1), journeys.paths(same_events, minimum_count=1)),
                       (journeys.paths(sessions, "session", 5), journeys.paths(same_sessions, "session", 5))):
        assert len(one) > 5
        pd.testing.assert_frame_equal(one, other)


def test_comments_in_small_batches_missing_or_blank_are_scored_alike(session):
    said = pd.DataFrame({"feedback_id": range(60), "top": "replaced",
                         "text": ["Thank you, lovely staff!", None, "  ", "I am so confused \u00e9", "asdf qwer"] * 12})
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 7)
    rows = said.astype(object).where(said.notna(), None).to_numpy().tolist()
    frame = session.createDataFrame(rows, "feedback_id int, top string, text string").repartition(5)
    assert_same(emotions.score(frame), emotions.score(said), "feedback_id")
    silent = emotions.score(frame.filter("text is null"))
    assert collected(silent, ["feedback_id"])["top"].isna().all() and silent.count() == 12
    with pytest.raises(ValueError, match="no column 'comment'"):
        emotions.score(frame, text="comment")


# --- where Spark runs, and what is missing ---

def test_times_are_those_of_the_study_and_nobody_else_can_listen(session):
    assert session.conf.get("spark.sql.session.timeZone") == "UTC"
    assert session.conf.get("spark.driver.bindAddress") == "127.0.0.1" and session.sparkContext.uiWebUrl is None
    assert spark.session() is session


def test_a_table_the_cluster_cannot_see_is_told_with_the_remedy(session, tmp_path):
    with pytest.raises(StudyError, match=r"table events \(PATH_NOT_FOUND\): put the study into a folder that all"):
        spark.in_spark(tmp_path / "events.parquet")


@pytest.fixture
def unnamed(monkeypatch, tmp_path):
    for name in ("SPARK_REMOTE", "MASTER", "PYSPARK_GATEWAY_PORT", "PYSPARK_SUBMIT_ARGS", "SPARK_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    return tmp_path


def test_a_cluster_is_named_by_sparks_own_settings(unnamed, monkeypatch):
    assert not spark._cluster_is_named()
    (unnamed / "spark-defaults.conf").write_text("# spark.master  spark://example:7077\nspark.driver.memory 4g\n")
    assert not spark._cluster_is_named()
    (unnamed / "spark-defaults.conf").write_text("spark.master\tspark://example:7077\n")
    assert spark._cluster_is_named()
    (unnamed / "spark-defaults.conf").unlink()
    monkeypatch.setenv("SPARK_REMOTE", "sc://example")
    assert spark._cluster_is_named()


def test_without_pyspark_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(StudyError, match=r"PySpark is missing.*pip install.*or leave `engine: spark` out"):
        spark.session()


def test_without_java_one_sentence_says_what_to_install(unnamed, monkeypatch):
    pyspark = pytest.importorskip("pyspark.sql")
    monkeypatch.setattr(pyspark.SparkSession, "getActiveSession", lambda: None)
    monkeypatch.setenv("JAVA_HOME", str(unnamed))
    with pytest.raises(StudyError, match=r"Java is missing.*openjdk-17.*or leave `engine: spark` out"):
        spark.session()


def test_the_package_does_not_load_spark_until_it_is_asked_for():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, libengage_utils.study, libengage_utils.emotions, "
         "libengage_utils.journeys; print('pyspark' in sys.modules)"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
