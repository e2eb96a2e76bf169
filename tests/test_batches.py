"""What is worked out for some people at a time is what is worked out for all at once."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from libengage_utils import journeys, resampling
from libengage_utils.attention import allocate
from libengage_utils.effects import person_terms, returns, returns_after
from libengage_utils.effects.seen import seen_again
from libengage_utils.journeys import (
    arcs,
    attach,
    journey_measures,
    paths,
    sessionise,
    sessions,
    steps_with_feelings,
    what_follows,
)
from libengage_utils.journeys.variants import errands
from libengage_utils.letters import active_days, silence

PEOPLE = pd.DataFrame({"person_key": [f"p{n:02}" for n in range(60)]})


@pytest.fixture
def events():
    """A log with ties, acts without a person, a service or an errand, and acts of staff; by person and time."""
    rng, n = np.random.default_rng(0), 900
    table = pd.DataFrame({
        "event_id": rng.permutation(n).astype(str), "person_key": rng.choice(PEOPLE["person_key"], n),
        "occurred_at": pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(60, size=n) * 2, unit="D"),
        "touchpoint": rng.choice(["loan", "desk", "gate"], n), "initiated_by": rng.choice(["person"] * 9 + ["staff"], n),
        "journey_id": rng.choice(["j1", "j2", "j3", None], n), "service": rng.choice(["loan", "hold", None], n)})
    table.loc[rng.random(n) < 0.05, "person_key"] = None
    table["outcome"], table["minutes_waited"] = rng.choice(["ok", "failed"], n), rng.choice([1.0, 2, 9, np.nan], n)
    return table.sort_values(["person_key", "occurred_at", "event_id"], ignore_index=True)


@pytest.fixture(params=["in order", "in no order"])
def relation(request, events):
    """The log as DuckDB has it."""
    return duckdb.connect().from_df(events if request.param == "in order" else events.sample(frac=1, random_state=1))


@pytest.fixture
def few_at_once(monkeypatch):
    """Make batches of a few people, however small the log."""
    def shrink():
        for name, number in (("AT_ONCE", 40), ("PEOPLE_AT_ONCE", 3)):
            monkeypatch.setattr(sessions, name, number)
    return shrink


def test_each_act_is_in_one_batch_and_each_person_too(relation):
    acts, people = sessions.acts_of_people(relation)
    batches = [some.collect().to_pandas() for some in sessions.by_people(acts, 40)]
    assert len(batches) > 10
    assert sum(batch["person_key"].nunique() for batch in batches) == people
    assert sorted(pd.concat(batches)["event_id"]) == sorted(acts.collect()["event_id"].to_list())


def test_errands_in_batches_are_those_of_one_pass(relation, few_at_once):
    whole = errands(relation)
    few_at_once()
    parts = errands(relation)
    pd.testing.assert_frame_equal(parts.table, whole.table)
    assert parts.names[parts.codes].tolist() == whole.names[whole.codes].tolist()


def test_paths_in_batches_are_those_of_one_pass(relation, events, few_at_once):
    whole = paths(events, minimum_count=1)
    few_at_once()
    pd.testing.assert_frame_equal(paths(relation, minimum_count=1), whole)


@pytest.mark.parametrize("minimum_count", [1, 3, 5, 20])
def test_paths_of_sessions_are_read_once_where_people_stand_together(relation, events, few_at_once, minimum_count):
    whole = paths(sessionise(events, 1), by="session", minimum_count=minimum_count)
    few_at_once()
    pd.testing.assert_frame_equal(paths(sessionise(relation, 1), by="session", minimum_count=minimum_count), whole)


def test_who_took_the_path_that_joins_the_rare_ones_is_counted_across_batches(few_at_once):
    days = pd.date_range("2025-01-01", periods=2, freq="90D")
    events = pd.DataFrame([(f"p{n:02}", day, "loan" if n else "gate" if day == days[0] else "chat")
                           for n in range(50) for day in days], columns=["person_key", "occurred_at", "touchpoint"])
    events = events.assign(event_id=range(100), initiated_by="person", journey_id="j")
    few_at_once()
    table = paths(sessionise(duckdb.connect().from_df(events)), by="session")
    assert table[["n", "people"]].values.tolist() == [[100, 50]]


def test_silence_and_returns_in_batches_are_those_of_one_pass(relation, events, few_at_once):
    asked = PEOPLE["person_key"].iloc[::-2]
    whole = silence(PEOPLE, events, on="2025-04-01"), seen_again(asked, events, on="2025-02-01", days=30)
    few_at_once()
    people = duckdb.connect().from_df(PEOPLE.iloc[::-1])
    for part, one in zip((silence(people, relation, on="2025-04-01"), seen_again(asked, relation, on="2025-02-01", days=30)),
                         whole, strict=True):
        pd.testing.assert_frame_equal(part, one, check_dtype=False)


def test_feelings_and_what_follows_errands_in_batches_are_those_of_one_pass(relation, events, few_at_once, monkeypatch):
    """With journeys that several people share, and failures that staff put right."""
    rng = np.random.default_rng(2)
    kinds = np.where(events["initiated_by"] == "staff", "put right", "use")
    said = events.sample(300, random_state=3)[["person_key", "touchpoint", "journey_id"]].assign(
        feedback_id=range(300), given_at=pd.Timestamp("2025-03-20"), valence=rng.choice([-1.0, 0.2, 1.0], 300))

    def all_of(frame):
        tied = attach(said, frame, within_days=60).feedback
        steps = steps_with_feelings(frame, tied)
        after = what_follows(frame, tied, as_of="2025-06-30", draws=50, minimum_count=5)
        return (tied, steps, journey_measures(steps), returns_after(steps, frame, as_of="2025-06-30", days=30),
                after.after_high, after.after_low, after.differences)

    with_kinds = relation.project("*, CASE initiated_by WHEN 'staff' THEN 'put right' ELSE 'use' END AS event_type")
    whole = all_of(events.assign(event_type=kinds))
    few_at_once()
    for module in (arcs, journeys.steps, returns):
        monkeypatch.setattr(module, "AT_ONCE", 40)
    for part, one in zip(all_of(with_kinds), whole, strict=True):
        pd.testing.assert_frame_equal(part, one, check_dtype=False)
    assert whole[1]["put_right"].any() and whole[2]["rated"].any() and whole[3]["seen"].any() and len(whole[-1])


def test_active_days_in_batches_are_those_of_one_pass(relation, events, few_at_once):
    whole = active_days(PEOPLE, events, on="2025-04-01")
    few_at_once()
    people = duckdb.connect().from_df(PEOPLE)
    pd.testing.assert_frame_equal(active_days(people, relation, on="2025-04-01"), whole, check_dtype=False)


def test_rows_in_order_are_numbered_as_they_are_read_and_others_by_windows(relation, events):
    numbers = ["event_id", "session", "step"]
    by_definition = sessionise(events)[numbers].sort_values("event_id", ignore_index=True)
    pd.testing.assert_frame_equal(sessionise(relation).df()[numbers].sort_values("event_id", ignore_index=True),
                                  by_definition, check_dtype=False)


def test_samples_drawn_in_parts_are_those_drawn_together(monkeypatch):
    together = np.concatenate(list(resampling.people_drawn(50, 30, 0)))
    monkeypatch.setattr(resampling, "CELLS", 50)
    parts = list(resampling.people_drawn(50, 30, 0))
    assert len(parts) > 20
    assert (np.concatenate(parts) == together).all()
    assert (together.sum(axis=1) == 50).all()


def test_terms_in_batches_are_those_of_one_pass(relation, events, few_at_once):
    terms = pd.DataFrame({"from": ["2025-01-01", "2025-02-01"], "to": ["2025-01-31", "2025-04-30"]})
    said = pd.DataFrame({"person_key": ["p01", "p30"], "given_at": pd.Timestamp("2025-02-03"), "valence": [0.5, -1]})
    people = PEOPLE.assign(eligible_from=pd.Timestamp("2024-09-01"), eligible_to=[pd.Timestamp("2025-02-01"), pd.NaT] * 30)
    whole = person_terms(events, said, terms, people=people)
    few_at_once()
    pd.testing.assert_frame_equal(person_terms(relation, said, terms, people=people), whole)
    some = person_terms(relation, said, terms, people=people, said_only=True)
    pd.testing.assert_frame_equal(some, whole.dropna(subset="emotion", ignore_index=True))
    assert some["person_key"].tolist() == ["p01", "p30"]


def test_kinds_of_many_people_are_drawn_as_often_as_the_people_themselves(monkeypatch):
    kind = np.repeat([0, 1, 2], [60, 38, 2])
    people = np.concatenate(list(resampling.alike_drawn(kind, 4000, 0)))
    monkeypatch.setattr(resampling, "MANY", 50)
    kinds = np.concatenate(list(resampling.alike_drawn(kind, 4000, 0)))
    assert people[0].tolist() == kinds[0].tolist() == [60, 38, 2]
    assert (kinds.sum(axis=1) == 100).all()
    share = np.array([0.6, 0.38, 0.02])
    for drawn in (people, kinds):
        assert drawn.mean(axis=0) == pytest.approx(100 * share, rel=0.04)
        assert np.cov(drawn.T) == pytest.approx(100 * (np.diag(share) - np.outer(share, share)), rel=0.1, abs=0.4)


def test_sums_by_person_are_added_up_alike_dense_and_sparse():
    person, cell, amount = np.array([2, 0, 2, 2]), np.array([1, 0, 1, 2]), [0.5, 3, 1, 7]
    sums = resampling.sums_by_person(person, cell, amount, 3)
    assert sums.toarray().tolist() == [[3, 0, 0], [0, 0, 0], [0, 1.5, 7]]
    dense, sparse = (resampling.over_samples(resampling.people_drawn(3, 40, 0), some) for some in (sums.toarray(), sums))
    assert dense[0].tolist() == [3, 1.5, 7] and (dense == sparse).all() and len(dense) == 41


@pytest.mark.parametrize("equal_parts", ["act", "person-day"])
def test_minutes_given_to_people_in_batches_are_those_of_one_pass(relation, events, few_at_once, equal_parts):
    log = pd.DataFrame({"on": pd.to_datetime(["2025-01-20", "2025-02-10", "2025-02-11", "2025-03-05"]), "minutes": 300.0,
                        "service": ["desk", "loan", "desk", "upkeep"], "event_type": [None, None, "ask", None],
                        "attendees": [None, 500.0, None, None]})
    window = {"first": "2025-01-01", "last": "2025-03-31", "equal_parts": equal_parts}
    kinds = events["event_id"].str.endswith(("1", "2", "3")).map({True: "ask", False: "use"})
    whole = allocate(log, events.assign(event_type=kinds), **window)
    few_at_once()
    parts = allocate(log, relation.project("*, CASE WHEN right(event_id, 1) IN ('1', '2', '3') THEN 'ask' ELSE 'use' END "
                                           "AS event_type"), **window)
    pd.testing.assert_frame_equal(parts.by_service, whole.by_service)
    pd.testing.assert_frame_equal(parts.services, whole.services)
    assert whole.totals.min() > 0 and (parts.unanswered, parts.outside) == (whole.unanswered, whole.outside)
    assert whole.totals.sum() == pytest.approx(1200)
