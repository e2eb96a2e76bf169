"""What is worked out for some people at a time is what is worked out for all at once."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from libengage_utils import resampling
from libengage_utils.journeys import paths, sessionise, sessions
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
    return table.sort_values(["person_key", "occurred_at", "event_id"], ignore_index=True)


@pytest.fixture(params=["in order", "in no order"])
def relation(request, events):
    """The log as DuckDB has it."""
    return duckdb.connect().from_df(events if request.param == "in order" else events.sample(frac=1, random_state=1))


@pytest.fixture
def few_at_once(monkeypatch):
    """Make batches of a few people, however small the log."""
    def shrink():
        for module, name in ((sessions, "AT_ONCE"), (silence.__globals__, "DAYS_AT_ONCE")):
            (monkeypatch.setitem if isinstance(module, dict) else monkeypatch.setattr)(module, name, 40)
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
    together = resampling.people_drawn(50, 30, 0)
    monkeypatch.setattr(resampling, "CELLS", 50)
    parts = list(resampling.drawn_in_parts(50, 30, 0))
    assert len(parts) > 20
    assert (np.concatenate(parts) == together).all()
    assert (together.sum(axis=1) == 50).all()
