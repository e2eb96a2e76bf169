"""Statements about ranking people by what a letter would add: found where it is planted, else refused."""

import numpy as np
import pandas as pd
import pytest

from libengage_utils.effects.uplift import _gains, _steps, qini
from libengage_utils.resampling import people_drawn


def lot(n, seed=0, *, uneven=0.0, adds=0.07, chance=0.5):
    """People who differ in how readily they come back, and perhaps (`uneven`) in what the letter adds."""
    rng = np.random.default_rng(seed)
    silent, earlier = rng.normal(size=(2, n))
    letter = rng.random(n) < chance
    back = 1 / (1 + np.exp(2.2 - 0.5 * earlier)) + letter * np.clip(adds * (1 + uneven * silent), 0, None)
    return pd.DataFrame({"person_key": np.arange(n), "arm": np.where(letter, "letter", "holdout"), "probability": chance,
                         "stratum": "all", "assigned_on": "2025-10-20", "watched": 90, "returned": rng.random(n) < back,
                         "silent": silent, "earlier": earlier})


FEATURES = ["silent", "earlier"]


def test_planted_differences_among_20_000_people_are_found():
    result = qini(lot(20_000, uneven=1.0), FEATURES, draws=200)
    assert not result.refused and result.low > 0.5 and "to a half taken at random" in result.summary
    half = (result.curve["share"] - 0.5).abs().idxmin()
    assert result.curve.loc[half, "low"] > result.curve.loc[half, "at_random"]
    assert result.curve["share"].iloc[-1] == 1 and result.people == 16_000


def test_where_a_letter_adds_the_same_for_all_the_ranking_is_refused():
    refused = [bool(qini(lot(3000, seed), FEATURES, draws=200).refused) for seed in range(80)]
    assert np.mean(refused) >= 0.93


def test_that_some_come_back_more_readily_is_no_difference_in_what_a_letter_adds():
    result = qini(lot(10_000, seed=1), ["earlier"], draws=200)
    assert result.refused and result.curve.empty and result.low <= 0 and "at random does" in result.summary


def test_few_returns_are_refused_without_a_figure():
    result = qini(lot(600), FEATURES)
    assert "at least 100 in each group must have come back" in result.refused
    assert np.isnan([result.coefficient, result.low]).all()


def test_nobody_is_scored_and_every_step_rests_on_enough_people():
    result = qini(lot(20_000, uneven=1.0), FEATURES, draws=50)
    assert list(result.curve) == ["share", "estimate", "low", "high", "at_random", "rests_on"]
    assert result.curve["rests_on"].min() >= 10
    rng = np.random.default_rng(0)
    letter, back = rng.random(3000) < 0.5, rng.random(3000) < 0.1
    at, behind = _steps(letter, back, 10)
    fewest = [min((letter[step] == arm)[back[step] == came].sum() for arm in (0, 1) for came in (0, 1))
              for step in np.split(np.arange(3000), at[:-1] + 1)]
    assert behind.tolist() == fewest and min(fewest) >= 10


def test_the_curve_ends_at_the_difference_of_the_arms_and_a_perfect_ranking_lies_above():
    letter = np.tile([True, False], 100)
    back = letter & (np.arange(200) < 100)
    gains, height = _gains(letter, back, np.full(200, 0.5), np.array([99, 199]), people_drawn(200, 0, 0))
    assert gains[0].tolist() == pytest.approx([50, 50]) and height[0] == pytest.approx(12.5, abs=0.2)
    backwards = _gains(letter[::-1], back[::-1], np.full(200, 0.5), np.array([199]), people_drawn(200, 0, 0))[1]
    assert backwards[0] == pytest.approx(-12.5, abs=0.2)


def test_order_of_rows_never_matters():
    people = lot(4000, uneven=1.0)
    one, other = (qini(some, FEATURES, draws=50) for some in (people, people.sample(frac=1, random_state=1)))
    assert (one.coefficient, one.low, one.high) == (other.coefficient, other.low, other.high)


def test_features_that_came_later_are_absent_or_hold_gaps_are_refused():
    people = lot(3000)
    with pytest.raises(ValueError, match="returned came with the lot"):
        qini(people, ["returned"])
    with pytest.raises(ValueError, match="no column mode"):
        qini(people, ["mode"])
    with pytest.raises(ValueError, match="Of about 3,000 people some lack"):
        qini(people.assign(silent=people["silent"].mask(people["person_key"] < 30)), FEATURES)
