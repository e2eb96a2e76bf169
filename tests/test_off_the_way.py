"""Statements about how errands feel off the declared way and on it, and who comes back after them."""

import numpy as np
import pandas as pd
import pytest

from libengage_utils.claims import without_cause
from libengage_utils.effects import returns_after, standardised_return
from libengage_utils.effects.off_the_way import off_the_way
from libengage_utils.journeys import journey_measures, steps_with_feelings
from libengage_utils.journeys.conformance import conformance
from libengage_utils.journeys.workflows import Workflow

KEYS = ["person_key", "journey_id"]


def errands(n, seed=0, *, people=None, gap=0.0, by_service=0.0, by_failure=0.0, own=0.0):
    """Errands off the way and on it, and how they felt: `gap` worse off it, service, failure and person having their say."""
    rng = np.random.default_rng(seed)
    person = rng.integers(0, people or n // 2, n)
    scan = rng.random(n) < 0.4
    off = rng.random(n) < np.where(scan, 0.8, 0.4)
    failed = rng.random(n) < np.where(off, 0.4, 0.2)
    mood = own * rng.normal(0, 1, person.max() + 1)[person]
    felt = 0.2 - gap * off - by_service * scan - by_failure * failed + mood + rng.normal(0, 0.3, n)
    journeys = pd.DataFrame({"person_key": person, "journey_id": np.arange(n), "service": np.where(scan, "scan", "loan"),
                             "off": off})
    return journeys, journeys[KEYS].assign(mean=felt, failed=failed)


def test_the_difference_is_found_and_told_which_way_it_goes():
    found = off_the_way(*errands(2000, gap=0.2))
    assert found.low < -0.2 < found.high < 0 and "feel worse than like errands" in found.headline
    assert found.estimate == pytest.approx(found.table["estimate"].iloc[0] - found.table["estimate"].iloc[1])
    assert "service being alike" in found.summary and f"{found.estimate:+.2f}" in found.summary
    assert "feel better" in off_the_way(*errands(2000, gap=-0.2)).headline and without_cause(found.summary)


def test_nothing_is_said_of_a_difference_whose_interval_holds_nought():
    found = off_the_way(*errands(400, seed=1))
    assert found.low <= 0 <= found.high and "cannot be told" in found.headline and found.headline in found.summary


def test_what_goes_with_the_service_is_taken_out():
    frames = errands(4000, seed=2, by_service=0.5)
    assert off_the_way(*frames, alike=()).high < -0.1
    alike = off_the_way(*frames)
    assert alike.low <= 0 <= alike.high and abs(alike.estimate) < 0.05


def test_what_goes_with_failure_is_taken_out_where_it_is_held_alike():
    frames = errands(4000, seed=3, by_failure=0.8)
    assert off_the_way(*frames).high < -0.05
    assert abs(off_the_way(*frames, alike=["service", "failed"]).estimate) < 0.05


def test_with_one_service_it_is_the_plain_difference_of_means():
    journeys, felt = errands(300, seed=4, gap=0.1)
    rows = felt.assign(off=journeys["off"])
    means = rows.groupby("off")["mean"].mean()
    assert off_the_way(journeys.assign(service="loan"), felt).estimate == pytest.approx(means[True] - means[False])


def test_the_interval_holds_the_truth_although_people_have_several_errands():
    held = []
    for seed in range(120):
        found = off_the_way(*errands(300, seed, people=70, gap=0.1, own=0.4), draws=300)
        held.append(found.low <= -0.1 <= found.high)
    assert np.mean(held) >= 0.9


def test_the_same_errand_twice_makes_nothing_surer():
    journeys, felt = errands(300, seed=5, people=300)
    twice = [pd.concat([frame, frame.assign(journey_id=frame["journey_id"] + 1000)]) for frame in (journeys, felt)]
    one, two = off_the_way(journeys, felt), off_the_way(*twice)
    assert (two.low, two.high) == pytest.approx((one.low, one.high)) and two.people == one.people


@pytest.mark.parametrize("few", [True, False])
def test_few_people_off_or_on_the_way_are_withheld(few):
    journeys, felt = errands(300, seed=6, people=300)
    rare = journeys["off"] == few
    felt = felt[~rare | (rare.cumsum() <= 9)]
    found = off_the_way(journeys, felt)
    assert np.isnan([found.estimate, found.low, found.high]).all() and found.summary.startswith("Too few people told")
    assert found.table.drop(columns="label").isna().all(axis=None)


def test_errands_that_were_not_felt_or_have_no_like_are_counted():
    journeys, felt = errands(1000, seed=7)
    felt.loc[felt.index < 100, "mean"] = np.nan
    journeys.loc[journeys.index >= 950, ["service", "off"]] = ["visit", True]
    found = off_the_way(journeys, felt[felt["journey_id"] != 500])
    assert (found.dropped, found.unmatched, found.journeys) == (101, 50, 849)


def test_the_order_of_rows_never_matters():
    journeys, felt = errands(500, seed=8)
    other = off_the_way(journeys.sample(frac=1, random_state=1), felt.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(off_the_way(journeys, felt).table, other.table)


def test_frames_that_do_not_fit_are_refused():
    journeys, felt = errands(100)
    with pytest.raises(ValueError, match="no column mood and no column whole"):
        off_the_way(journeys, felt, "whole", alike=["mood"])
    with pytest.raises(ValueError, match="1 errands occur more than once"):
        off_the_way(journeys, pd.concat([felt, felt.head(1)]))
    with pytest.raises(ValueError, match="No errand is in both frames"):
        off_the_way(journeys, felt.assign(journey_id=felt["journey_id"] + 1000))


# --- from events to the end ---

@pytest.fixture(scope="module")
def log():
    """Events of 400 people: half of them leave out the hold, feel worse and come back less often."""
    rng, rows = np.random.default_rng(9), []
    for n in range(400):
        day = pd.Timestamp("2025-04-01") + pd.Timedelta(days=int(rng.integers(100)))
        for at, step in enumerate(["search", "collect"] if n % 2 else ["search", "hold", "collect"]):
            felt = 0.3 - 0.4 * (n % 2) + rng.normal(0, 0.2)
            rows.append((f"p{n:03d}", f"j{n:03d}", step, day + pd.Timedelta(hours=at), felt))
        if rng.random() < (0.4 if n % 2 else 0.8):
            rows.append((f"p{n:03d}", None, "gate", day + pd.Timedelta(days=30), np.nan))
    rows.append(("q", None, "gate", pd.Timestamp("2024-01-01"), np.nan))
    table = pd.DataFrame(rows, columns=["person_key", "journey_id", "touchpoint", "occurred_at", "valence"])
    return table.assign(event_id=[f"e{n:05d}" for n in range(len(table))], initiated_by="person", outcome="ok",
                        service=np.where(table["journey_id"].isna(), None, "loan"), minutes_waited=np.nan)


@pytest.fixture(scope="module")
def journeys(log):
    way = Workflow("loan", ("search", "hold", "collect"), (True,) * 3, (False,) * 3)
    return conformance(log, {"loan": way}, as_of="2025-12-31").journeys


def test_feelings_of_steps_are_set_beside_the_way_walked(log, journeys):
    measures = journey_measures(steps_with_feelings(log, log[["event_id", "valence"]]))
    found = off_the_way(journeys, measures)
    assert found.low < -0.4 < found.high < 0 and (found.journeys, found.dropped) == (400, 0)


def test_coming_back_is_told_by_the_way_walked(log, journeys):
    returns = returns_after(steps_with_feelings(log, log[["event_id", "valence"]]), log, as_of="2025-12-31")
    off = journeys[[*KEYS, "off"]].rename(columns={"off": "a_departure_from_the_way"})
    found = standardised_return(returns.merge(off, how="left"), "a_departure_from_the_way", ["service"])
    assert found.low < -40 < found.high < -20 and found.journeys == 400
    assert "journeys with a departure from the way" in found.summary
