"""A failure left as it was: who counts as what, and how many fewer come back."""

import numpy as np
import pandas as pd
import pytest

from libengage_utils.attention import concentration, top_share
from libengage_utils.effects import fewer_back, returns_after, standardised_return
from libengage_utils.effects.left_alone import PUT_RIGHT


@pytest.fixture(scope="module")
def errands():
    """Errands of a thousand people: nine in ten come back, of those whose failure was left six in ten, put right eight."""
    rng, day = np.random.default_rng(0), pd.Timedelta(days=1)
    kind = np.arange(1200) % 3
    back = rng.random(1200) < np.array([0.9, 0.6, 0.8])[kind]
    start = pd.Timestamp("2025-03-01") + pd.to_timedelta(rng.integers(0, 30, 1200), unit="D")
    events = pd.DataFrame({"person_key": [f"p{n:04d}" for n in range(1200)], "occurred_at": start,
                           "journey_id": [f"j{n:04d}" for n in range(1200)], "initiated_by": "person"})
    steps = events.assign(step=1, service="loan", touchpoint="desk", outcome=np.where(kind > 0, "failed", "ok"),
                          put_right=kind == 2, minutes_waited=np.nan, valence=np.nan)
    again = events[back].assign(occurred_at=start[back] + 10 * day, journey_id=None)
    before = events[:1].assign(occurred_at=pd.Timestamp("2024-01-01"), journey_id=None)
    log = pd.concat([events, again, before], ignore_index=True)
    return steps, log.assign(event_id=[f"e{n:04d}" for n in range(len(log))])


def fewer(errands, days=90, **choices):
    return fewer_back(returns_after(*errands, as_of="2025-12-31", days=days), draws=200, **{"alike": ["service"], **choices})


def test_fewer_back_is_the_difference_in_return_the_other_way_round(errands):
    returns = returns_after(errands[0], errands[1], as_of="2025-12-31")
    plain = returns[returns["kind"] != "failed, put right"]
    plain = plain.assign(failed=plain["kind"] == "failed, not put right")
    other = standardised_return(plain, "failed", ["service"], draws=200)
    found = fewer(errands)
    assert (found.estimate, found.low, found.high) == (-other.difference, -other.high, -other.low)
    assert 22 < found.estimate < 38


def test_what_a_failure_put_right_counts_as_moves_the_difference(errands):
    left_out, as_none, as_failure = (fewer(errands, put_right=word).estimate for word in PUT_RIGHT)
    assert as_failure < as_none < left_out          # 90 less 70, 85 less 60, 90 less 60 in 100


def test_a_shorter_wait_sees_fewer_back(errands):
    assert fewer(errands, days=12).estimate == pytest.approx(fewer(errands).estimate, abs=1e-6)
    assert "within 12 days" in fewer(errands, days=12).summary and "within 90 days" in fewer(errands).summary


def test_the_share_of_the_top_is_that_of_the_curve_among_the_same_people():
    features = pd.DataFrame({"period": ["a"] * 150 + ["b"] * 50, "acts": [9] * 30 + [1] * 70 + [0] * 50 + [2] * 50,
                             "active_days": 1, "covered": [True] * 140 + [False] * 60, "eligible_days": 365})
    seen, everybody = (top_share(features, period="a", among=who, n_boot=100) for who in ("seen", "everybody"))
    assert seen.estimate == pytest.approx(concentration([9] * 30 + [1] * 70, n_boot=100).top_share.estimate)
    assert everybody.estimate == pytest.approx(concentration([9] * 30 + [1] * 70 + [0] * 40, n_boot=100).top_share.estimate)
    by_days = top_share(features, period="a", counted="active_days", n_boot=100)
    assert by_days.estimate == pytest.approx(0.2) and "of the active days" in by_days.summary and "use" in seen.summary
    days = top_share(features.assign(eligible_days=[365] * 100 + [90] * 100), period="a", throughout=True, n_boot=100)
    assert days.estimate == pytest.approx(seen.estimate)
    with pytest.raises(ValueError, match="seen or everybody"):
        top_share(features, period="a", among="nobody")


def test_no_errands_at_all_get_a_sentence(errands):
    with pytest.raises(ValueError, match="people"):
        fewer_back(returns_after(*errands, as_of="2025-12-31").iloc[:0])
