"""Statements about ratings at the two ends of a scale, against a distribution with one hump."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from libengage_utils.charts import alt_text
from libengage_utils.charts import extremes as figure
from libengage_utils.effects.extremes import extremes, single_hump

FIVE, ELEVEN = range(1, 6), range(11)


def drawn(shares, n, rng):
    return rng.choice(np.arange(1, len(shares) + 1), n, p=np.asarray(shares) / np.sum(shares))


def one_hump(q):
    slopes = np.sign(np.where(np.abs(np.diff(q)) < 1e-7, 0, np.diff(q)))
    slopes = slopes[slopes != 0]
    return (np.diff(slopes) <= 0).all()


# --- the single hump ---

distributions = st.integers(3, 11).flatmap(lambda size: st.lists(st.floats(0.0, 1.0), min_size=size, max_size=size)).filter(
    lambda p: sum(p) > 0.1 and sum(x > 0.01 for x in p) > 1)


@given(distributions)
@settings(max_examples=150, deadline=None)
def test_it_has_the_mean_and_spread_of_the_ratings_and_one_hump(weights):
    p = np.array(weights) / np.sum(weights)
    (q,), (too_wide,) = single_hump(p[np.newaxis])
    z = np.arange(len(p))
    assert q.sum() == pytest.approx(1) and (q >= -1e-12).all()
    assert q @ z == pytest.approx(p @ z, abs=1e-4)
    if too_wide:
        assert q @ z**2 < p @ z**2
    else:
        assert q @ z**2 == pytest.approx(p @ z**2, abs=1e-2 if (p > 0.01).sum() == 2 else 1e-4)
    spread = p @ z**2 - (p @ z) ** 2
    step = p @ z % 1
    if spread > step * (1 - step) + 2e-3:
        assert one_hump(q)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_it_is_the_one_of_greatest_entropy_and_too_wide_where_there_is_none(size):
    rng = np.random.default_rng(size)
    shares = rng.dirichlet(np.full(size, 0.7), 12)
    for p, q, too_wide in zip(shares, *single_hump(shares), strict=True):
        z, best = np.arange(size), None
        for mode in range(size):
            way = np.where(z[1:] <= mode, 1, -1)
            held = {"type": "eq", "fun": lambda r, p=p, z=z: [r.sum() - 1, (r - p) @ z, (r - p) @ z**2]}
            found = minimize(lambda r: r @ np.log(np.maximum(r, 1e-12)), np.full(size, 1 / size), method="SLSQP",
                             bounds=[(1e-12, 1)] * size, options={"ftol": 1e-12, "maxiter": 400},
                             constraints=[held, {"type": "ineq", "fun": lambda r, way=way: np.diff(r) * way}])
            if found.success and (best is None or found.fun < best.fun):
                best = found
        assert too_wide == (best is None)
        if best is not None:
            assert q == pytest.approx(best.x, abs=2e-5)


def test_where_there_is_none_the_widest_stands_in():
    p = np.array([0.5, 0, 0, 0.1, 0.4])
    (q,), (too_wide,) = single_hump(p[np.newaxis])
    z, widest = np.arange(5), 0
    for mode in range(5):
        up = np.diff(np.eye(5), axis=0) * np.where(z[1:] <= mode, -1, 1)[:, np.newaxis]
        found = linprog(-(z**2.0), A_ub=up, b_ub=np.zeros(4), A_eq=np.vstack([np.ones(5), z]), b_eq=[1, p @ z])
        widest = max(widest, -found.fun if found.status == 0 else 0)
    assert too_wide and q @ z**2 == pytest.approx(widest) and q @ z == pytest.approx(p @ z)


# --- the share at the ends ---

@pytest.mark.parametrize("shares", [[1, 2, 4, 2, 1], [1, 2, 5, 9, 6], [0.4, 1, 4, 8, 12], [0.9, 1, 1.1, 1.1, 1]])
def test_one_hump_is_seldom_taken_for_extremes(shares):
    rng = np.random.default_rng(0)
    hump = single_hump(np.array([shares]) / np.sum(shares))[0][0]
    lows, highs = np.array([(result.low, result.high) for result in (
        extremes(drawn(hump, 400, rng), points=FIVE, draws=250, random_state=n) for n in range(90))]).T
    assert np.mean(lows > 0) <= 0.06
    assert np.mean((lows <= 0) & (highs >= 0)) >= 0.9


def test_saved_my_life_and_ruined_it_are_found():
    result = extremes([1] * 60 + [2] * 20 + [3] * 10 + [4] * 30 + [5] * 80, points=FIVE)
    assert result.low > 0 and result.too_wide and np.isnan(result.ceiling)
    assert result.share == pytest.approx(0.7) and "more widely" in result.summary
    assert result.estimate == pytest.approx(100 * (result.share - result.reference))
    assert result.table["end"].tolist() == [True, False, False, False, True]


def test_ratings_piled_at_one_end_only_are_no_two_extremes():
    rng = np.random.default_rng(1)
    pleased = np.clip(np.round(4.4 + 0.9 * rng.normal(size=3000)), 1, 5)
    result = extremes(pleased, points=FIVE)
    assert abs(result.estimate) < 4 and result.ceiling >= result.share - 0.02 and not result.too_wide


def test_a_peak_with_long_tails_keeps_below_the_ceiling():
    result = extremes([1] * 60 + [2] * 60 + [3] * 600 + [4] * 60 + [5] * 60, points=FIVE)
    assert result.share <= result.ceiling + 1e-9 and result.estimate > 0
    assert "No distribution with one hump" in result.summary


def test_a_scale_turned_round_shows_the_same_extremes():
    ratings = np.array([1] * 60 + [2] * 20 + [3] * 40 + [4] * 30 + [5] * 80)
    result, other = extremes(ratings, points=FIVE), extremes(ratings, points=[5, 4, 3, 2, 1])
    assert (other.estimate, other.low, other.high) == pytest.approx((result.estimate, result.low, result.high))
    np.testing.assert_allclose(other.table["reference"], result.table["reference"][::-1])


def test_valence_and_ratings_are_the_same_thing():
    ratings = np.array([1] * 60 + [2] * 20 + [3] * 40 + [4] * 30 + [5] * 80)
    result, other = extremes(ratings, points=FIVE), extremes((ratings - 3) / 2, points=np.linspace(-1, 1, 5))
    pd.testing.assert_frame_equal(result.table.drop(columns="label"), other.table.drop(columns="label"))


def test_the_same_people_again_are_no_further_evidence():
    rng = np.random.default_rng(2)
    ratings = drawn([3, 1, 1, 1, 3], 200, rng)
    once = extremes(ratings, points=FIVE, draws=3000)
    thrice = extremes(np.repeat(ratings, 3), points=FIVE, person=np.repeat(np.arange(200), 3), draws=3000)
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low, rel=0.06)
    assert (thrice.n, thrice.people, once.people) == (600, 200, 200)


def test_order_never_matters_and_missing_ratings_are_counted():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"rating": drawn([3, 1, 2, 1, 3], 300, rng).astype(float), "who": rng.integers(0, 120, 300)})
    mixed = pd.concat([frame.sample(frac=1, random_state=1), pd.DataFrame({"rating": [None] * 3, "who": 1})])
    result, other = (extremes(some.rating, points=FIVE, person=some.who) for some in (frame, mixed))
    assert (other.estimate, other.low, other.dropped) == (result.estimate, result.low, 3)


def test_the_anonymous_count_as_a_person_each():
    who = [None] * 100 + ["ann", "bob"] * 10
    assert extremes([1, 5, 3, 4] * 30, points=FIVE, person=who).people == 102


def test_more_than_one_point_can_be_an_end():
    result = extremes([0, 1, 5, 9, 10] * 40, points=ELEVEN, ends=2)
    assert result.table["end"].sum() == 4 and result.share == pytest.approx(0.8)


def test_what_few_people_gave_is_withheld_with_another_that_would_give_it_away():
    result = extremes([1] * 3 + [2] * 80 + [3] * 90 + [4] * 50 + [5] * 40, points=FIVE)
    assert result.table["estimate"].isna().tolist() == [True, False, False, False, True]
    assert result.table["reference"].isna().all() and result.share == pytest.approx(43 / 263) and result.rests_on == 43
    assert "left out" in (said := alt_text(figure({"as asked": result}, "A finding").figure)) and "nan" not in said
    few = extremes([1] * 3 + [2] * 80 + [3] * 90 + [4] * 50, points=FIVE)
    assert np.isnan([few.share, few.estimate, few.low, few.ceiling]).all() and few.summary.startswith("Too few people")


@pytest.mark.parametrize(("ratings", "options", "words"), [
    ([4] * 50, {}, "All ratings are alike"),
    ([1, 5], {}, "Too few people gave ratings"),
    ([1, 5] * 30, {"person": ["ann"] * 60}, "Too few people gave ratings"),
    ([], {}, "Too few people gave ratings"),
    ([1, 6] * 30, {}, "30 of 60 ratings are none of the points"),
    ([1, 5] * 30, {"points": [1, 2, 5]}, "equally spaced"),
    ([1, 5] * 30, {"points": [1, 5]}, "three or more"),
    ([1, 5] * 30, {"ends": 3}, "cannot be 3"),
    ([1, 5] * 30, {"person": ["ann"]}, "60 ratings and 1 entries")])
def test_what_cannot_be_told_is_refused_in_a_sentence(ratings, options, words):
    with pytest.raises(ValueError, match=words):
        extremes(ratings, **{"points": FIVE, **options})
