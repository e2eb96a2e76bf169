"""Sessions, transitions and paths: by hand, in any order of rows, in every frame library."""

import datetime as dt
import shutil
from collections import Counter, defaultdict
from itertools import groupby, pairwise

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.journeys import paths, sessionise, sessions, step_matrix, transitions
from libengage_utils.journeys.paths import REST, told_apart
from libengage_utils.privacy import PrivacyError

START = dt.datetime(2025, 1, 1)
COLUMNS = ["event_id", "person_key", "occurred_at", "touchpoint", "initiated_by", "journey_id"]


def log(*acts):
    """Events from (person, days since the start, touchpoint[, who acted[, journey]]), numbered as they come."""
    rows = [(f"e{at:03}", who, START + dt.timedelta(days=days), what, *rest, *["person", None][len(rest):])
            for at, (who, days, what, *rest) in enumerate(acts)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype({column: "str" for column in COLUMNS if column != "occurred_at"} | {"occurred_at": "datetime64[us]"})


def numbered(steps):
    """event_id -> (session, step), of any kind of frame."""
    frame = nw.from_native(steps).lazy().select("event_id", "session", "step").collect()
    return {event: numbers for event, *numbers in frame.iter_rows()}


def in_duckdb(frame):
    return duckdb.connect().from_df(frame)


# --- what a session is ---

def test_a_pause_longer_than_the_gap_begins_a_session_and_one_as_long_does_not():
    steps = sessionise(log(("ann", 0, "loan"), ("ann", 7, "loan"), ("ann", 14.001, "loan")))
    assert steps[["session", "step"]].values.tolist() == [[1, 1], [1, 2], [2, 1]]


def test_sessions_are_numbered_within_each_person():
    steps = sessionise(log(("ann", 0, "loan"), ("bob", 1, "loan"), ("ann", 30, "chat"), ("bob", 2, "gate")))
    assert numbered(steps) == {"e000": [1, 1], "e001": [1, 1], "e002": [2, 1], "e003": [1, 2]}


def test_what_staff_and_systems_do_is_no_step_and_bridges_no_pause():
    events = log(("ann", 0, "loan"), ("ann", 5, "loan", "staff"), ("ann", 10, "loan", "system"), (None, 3, "loan"),
                 ("ann", 12, "chat"))
    assert numbered(sessionise(events)) == {"e000": [1, 1], "e004": [2, 1]}


def test_acts_at_one_time_stand_in_the_order_of_their_identifiers():
    events = log(("ann", 0, "search"), ("ann", 0, "loan"), ("ann", 0, "gate"))
    assert transitions(events)[["before", "after"]].values.tolist() == [["loan", "gate"], ["search", "loan"]]
    assert transitions(events[::-1]).equals(transitions(events))


def test_the_columns_of_the_log_are_kept():
    steps = sessionise(log(("ann", 0, "loan")))
    assert list(steps) == [*COLUMNS, "session", "step"]


# --- transitions ---

def test_people_are_counted_once_however_often_they_take_a_step():
    acts = [("ann", day, what) for day, what in enumerate(["search", "loan"] * 3)]
    counts = transitions(log(*acts, ("bob", 0, "search"), ("bob", 1, "loan"))).set_index(["before", "after"])
    assert counts.loc[("search", "loan")].tolist() == [4, 2] and counts.loc[("loan", "search")].tolist() == [2, 1]


def test_a_step_within_one_touchpoint_counts_and_one_across_sessions_does_not():
    counts = transitions(log(("ann", 0, "loan"), ("ann", 1, "loan"), ("ann", 20, "chat")))
    assert counts.values.tolist() == [["loan", "loan", 1, 1]]


def test_nobody_is_led_past_an_act_without_a_touchpoint():
    events = log(("ann", 0, "search"), ("ann", 1, None), ("ann", 2, "loan"))
    for frame in (events, pl.from_pandas(events), in_duckdb(events)):
        assert transitions(frame).empty


def test_people_who_did_one_thing_make_no_transition():
    assert transitions(in_duckdb(log(("ann", 0, "loan"), ("bob", 0, "chat")))).columns.tolist() == [
        "before", "after", "n", "people"]


_ACTS = st.lists(st.tuples(st.sampled_from(["ann", "bob", "cat", None]), st.integers(0, 12),
                           st.sampled_from(["search", "loan", "gate", None]), st.sampled_from(["person", "person", "staff"]),
                           st.sampled_from(["x", "y", None])),
                 max_size=30).map(lambda acts: [("dan", 0, "loan", "person", "z"), *acts])


def by_hand(events, gap_days):
    """The definition, act by act: event -> (session, step), and (before, after) -> (n, people)."""
    acts = [e for e in events.itertuples() if e.initiated_by == "person" and isinstance(e.person_key, str)]
    acts.sort(key=lambda e: (e.person_key, e.occurred_at, e.event_id))
    numbers, steps, takers = {}, Counter(), defaultdict(set)
    for person, mine in groupby(acts, key=lambda e: e.person_key):
        mine = list(mine)
        session, step = numbers[mine[0].event_id] = [1, 1]
        for before, after in pairwise(mine):
            goes_on = after.occurred_at - before.occurred_at <= dt.timedelta(days=gap_days)
            session, step = (session, step + 1) if goes_on else (session + 1, 1)
            numbers[after.event_id] = [session, step]
            if goes_on and isinstance(before.touchpoint, str) and isinstance(after.touchpoint, str):
                steps[before.touchpoint, after.touchpoint] += 1
                takers[before.touchpoint, after.touchpoint].add(person)
    return numbers, {pair: (n, len(takers[pair])) for pair, n in steps.items()}


def counted(table):
    return {(row.before, row.after): (row.n, row.people) for row in table.itertuples()}


@settings(max_examples=30, deadline=None)
@given(acts=_ACTS, shuffle=st.randoms(use_true_random=False), cut=st.integers(0, 31), gap=st.sampled_from([1, 2.5, 7]))
def test_row_order_splitting_and_the_frame_library_never_change_a_step(acts, shuffle, cut, gap):
    events = log(*acts)
    numbers, steps = by_hand(events, gap)
    order = list(range(len(events)))
    shuffle.shuffle(order)
    shuffled = events.iloc[order]
    tidy = events.sort_values(["person_key", "occurred_at", "event_id"])
    connection = duckdb.connect()
    halves = [connection.from_df(half) for half in (tidy[:cut], tidy[cut:]) if len(half)]
    relations = [connection.from_df(shuffled), connection.from_df(tidy),
                 halves[0] if len(halves) == 1 else halves[0].union(halves[1])]
    for frame in (events, shuffled, pl.from_pandas(shuffled), pl.from_pandas(shuffled).lazy(), *relations):
        assert counted(transitions(frame, gap)) == steps
    for frame in (shuffled, pl.from_pandas(shuffled), relations[0]):
        assert numbered(sessionise(frame, gap)) == numbers
        without = transitions(frame, gap, people=False)
        assert without.columns.tolist() == ["before", "after", "n"]
        assert without.sort_values(["before", "after"])["n"].tolist() == [steps[pair][0] for pair in sorted(steps)]


def read_once(events, gap=7):
    acts, people = sessions.acts_of_people(in_duckdb(events), "touchpoint")
    return sessions._read_once(acts, dt.timedelta(days=gap), people, True)


@pytest.mark.parametrize("rows", [
    [("ann", 0, "loan"), ("bob", 0, "loan"), ("ann", 1, "chat")],          # a person's acts apart
    [("ann", 1, "loan"), ("ann", 0, "chat")],                              # back in time
    [("ann", 0, "loan"), ("ann", 20, "gate"), ("ann", 1, "chat")],
])
def test_one_reading_is_refused_to_rows_out_of_order(rows):
    assert read_once(log(*rows)) is None
    assert read_once(log(("ann", 0, "loan"), ("ann", 0, "chat")).iloc[[1, 0]]) is None     # a tie turned round
    assert read_once(log(*sorted(rows))) is not None


def test_a_prepared_log_is_read_once_and_never_sorted(monkeypatch):
    rng = np.random.default_rng(0)
    events = log(*((f"p{who:03}", int(day), f"t{what}") for who, day, what in
                   zip(rng.integers(0, 200, 5000), rng.integers(0, 400, 5000), rng.integers(0, 6, 5000), strict=True)))
    expected = transitions(events)
    monkeypatch.setattr(sessions, "_by_windows", None)
    pd.testing.assert_frame_equal(
        transitions(in_duckdb(events.sort_values(["person_key", "occurred_at", "event_id"]))), expected)


def test_categories_and_times_with_a_zone_are_read_like_any_other():
    events = log(("ann", 0, "search"), ("ann", 1, "loan"), ("ann", 20, "gate"))
    other = events.astype({"touchpoint": "category", "person_key": "category"})
    other["occurred_at"] = other["occurred_at"].dt.tz_localize("Europe/London")
    for frame in (other, pl.from_pandas(other), in_duckdb(other)):
        pd.testing.assert_frame_equal(transitions(frame), transitions(events))


def test_pyspark_gives_the_same_steps():
    pyspark = pytest.importorskip("pyspark.sql", reason="PySpark is not installed, so it is not tried.")
    if not shutil.which("java"):
        pytest.skip("PySpark needs Java, which is not installed, so it is not tried.")
    spark = (pyspark.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
             .config("spark.sql.shuffle.partitions", 1).getOrCreate())
    rng = np.random.default_rng(1)
    events = log(*((f"p{who}", int(day), f"t{what}", "person", f"j{what // 2}") for who, day, what in
                   zip(rng.integers(0, 9, 300), rng.integers(0, 60, 300), rng.integers(0, 4, 300), strict=True)))
    try:
        frame = spark.createDataFrame(events)
        assert counted(transitions(frame, 2)) == by_hand(events, 2)[1]
        assert numbered(sessionise(frame, 2)) == by_hand(events, 2)[0]
        pd.testing.assert_frame_equal(paths(frame, minimum_count=1), paths(events, minimum_count=1))
    finally:
        spark.stop()


# --- the step matrix ---

def counts(people, n=None):
    """A table of transitions from square counts of people."""
    names = [f"t{at}" for at in range(len(people))]
    return pd.DataFrame([(a, b, (n or people)[i][j], people[i][j]) for i, a in enumerate(names) for j, b in enumerate(names)
                         if people[i][j]], columns=["before", "after", "n", "people"])


def test_shares_of_a_row_come_from_the_steps_that_are_shown():
    matrix = step_matrix(counts([[40, 60, 4], [50, 0, 50], [30, 30, 30]], n=[[40, 120, 900], [50, 0, 150], [60, 60, 60]]))
    assert matrix.index.tolist() == matrix.columns.tolist() == ["t0", "t1", "t2"]
    assert matrix.loc["t2"].tolist() == pytest.approx([1 / 3] * 3)
    assert np.isnan(matrix.loc["t0", "t2"]) and matrix.sum(axis=1).tolist() == pytest.approx([1, 1, 1])


def test_a_cell_withheld_is_never_the_only_one_of_its_row():
    matrix = step_matrix(counts([[40, 60, 4], [50, 3, 50], [30, 30, 30]]))
    assert matrix.isna().sum(axis=1).tolist() == [2, 2, 0] and not (matrix == 0).any(axis=None)


def test_a_row_in_which_all_is_withheld_says_nothing():
    assert step_matrix(counts([[40, 60], [4, 3]])).loc["t1"].isna().all()


@pytest.mark.parametrize(("table", "error", "words"), [
    (counts([[40]]), ValueError, "two touchpoints or more"),
    (counts([[40, 1], [1, 40]])[:0], ValueError, "there are none"),
    (counts([[40, 1], [1, 40]]).drop(columns="people"), ValueError, "people=True")])
def test_a_matrix_that_cannot_be_made_says_why(table, error, words):
    with pytest.raises(error, match=words):
        step_matrix(table)


def test_a_minimum_that_protects_nobody_is_refused():
    with pytest.raises(PrivacyError, match="protects nobody"):
        step_matrix(counts([[40, 20], [20, 40]]), minimum_count=2)


# --- paths ---

def journeys_by_hand(events, by):
    journeys, takers = defaultdict(list), defaultdict(set)
    for e in sorted(events.itertuples(), key=lambda e: (e.occurred_at, e.event_id)):
        known = all(isinstance(value, str | int) for value in (e.person_key, e.touchpoint, getattr(e, by)))
        if known and e.initiated_by == "person":
            journeys[e.person_key, getattr(e, by)].append(e.touchpoint)
    for (person, _), path in journeys.items():
        takers[" > ".join(path)].add(person)
    times = Counter(" > ".join(path) for path in journeys.values())
    return {path: (path.count(">") + 1, n, len(takers[path]), n / len(journeys)) for path, n in times.items()}


@settings(max_examples=20, deadline=None)
@given(acts=_ACTS, shuffle=st.randoms(use_true_random=False))
def test_paths_are_those_found_one_journey_at_a_time(acts, shuffle):
    order = list(range(len(acts)))
    shuffle.shuffle(order)
    events = log(*acts).iloc[order]
    for frame, by in ((events, "journey_id"), (sessionise(events, 2), "session")):
        expected = journeys_by_hand(frame, by)
        for kind in (frame, pl.from_pandas(frame), in_duckdb(frame)):
            table = paths(kind, by, minimum_count=1)
            assert {path: tuple(row) for path, *row in table.itertuples(index=False)} == expected


def takers(**numbers):
    """Journeys of one step each: so many people for each touchpoint."""
    return log(*((f"{what}{who}", 0, what, "person", "j") for what, people in numbers.items() for who in range(people)))


def test_rare_paths_come_together_unnamed():
    table = paths(takers(loan=30, chat=20, gate=9, scan=1))
    assert table["path"].tolist() == ["loan", "chat", REST] and table["people"].tolist() == [30, 20, 10]
    assert table["share"].sum() == pytest.approx(1) and np.isnan(table["length"].iloc[-1])


def test_the_least_taken_path_joins_the_rare_ones_where_these_are_too_few():
    assert paths(takers(loan=30, chat=20, gate=9))["n"].tolist() == [30, 29]


def test_paths_of_too_few_people_in_all_say_nothing():
    table = paths(takers(loan=5, chat=4))
    assert table["path"].tolist() == [REST] and table[["n", "people", "share"]].isna().all(axis=None)


def test_one_person_going_one_way_often_is_still_one_person():
    events = log(*(("ann", day, "loan", "person", f"j{day}") for day in range(40)), *(
        (f"p{who}", 0, "chat", "person", "j") for who in range(30)))
    assert paths(events)["path"].tolist() == [REST]
    assert paths(events, minimum_count=1)[["n", "people"]].values.tolist() == [[40, 1], [30, 30]]


def test_two_paths_with_one_hash_are_still_told_apart():
    class Unlucky:
        """Gives every touchpoint the same number until it has been asked often enough."""

        def __init__(self):
            self.rng, self.asked = np.random.default_rng(0), 0

        def integers(self, high, size=None, dtype=None):
            self.asked += 1
            return self.rng.integers(high, size=size, dtype=dtype) if self.asked > 4 else (
                np.uint64(1) if size is None else np.ones(size, dtype=np.uint64))

    unlucky = Unlucky()
    kind, examples = told_apart(np.array([0, 1, 1, 0, 0, 1, 2]), np.array([0, 2, 4, 6]), np.array([2, 2, 2, 1]), unlucky)
    assert unlucky.asked == 6 and kind[0] == kind[2] and len({kind[0], kind[1], kind[3]}) == len(examples) == 3


# --- what cannot be followed ---

GOOD = log(("ann", 0, "loan", "person", "j"))


@pytest.mark.parametrize("kind", [lambda frame: frame, pl.from_pandas, in_duckdb], ids=["pandas", "Polars", "DuckDB"])
@pytest.mark.parametrize(("events", "words"), [
    (GOOD[:0], "There are no events"),
    (GOOD.assign(initiated_by="staff"), "None of the 1 events is an act of an identified person"),
    (GOOD.assign(person_key=pd.array([None], dtype="str")), "None of the 1 events"),
    (GOOD.assign(occurred_at=pd.to_datetime([None])), "1 of 1 acts have no time"),
    (GOOD.assign(occurred_at="yesterday"), "holds no times"),
    (GOOD.drop(columns=["event_id", "touchpoint"]), "no column event_id and no column touchpoint"),
])
def test_bad_events_are_refused_in_a_sentence(kind, events, words):
    for function in (transitions, paths):
        with pytest.raises(ValueError, match=words):
            function(kind(events))


def test_a_gap_that_is_none_is_refused():
    for gap in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="gap_days"):
            sessionise(GOOD, gap)


def test_paths_without_journeys_say_what_can_stand_in_for_them():
    with pytest.raises(ValueError, match="sessionise"):
        paths(GOOD, "session")
    with pytest.raises(ValueError, match="tells journeys apart"):
        paths(GOOD, "errand")
    with pytest.raises(ValueError, match="sessions can stand in"):
        paths(GOOD.assign(journey_id=pd.array([None], dtype="str")))
