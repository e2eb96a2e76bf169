"""The letter under other choices, and what the lot left uneven: both from what was open before the lot."""

import numpy as np
import pandas as pd
import pytest

from libengage_utils.effects import balance, holdout_effect, letter_effect
from libengage_utils.specifications import specifications


def lot(people=4000, adds=0.1, seed=0):
    """A lot in which the letter adds a share of returns within thirty days; half of the people had been seen before."""
    rng = np.random.default_rng(seed)
    letter, seen = np.arange(people) % 2 == 0, np.arange(people) % 4 < 2
    day = np.where(rng.random(people) < 0.1, rng.integers(1, 181, people), np.nan)
    day = np.where(letter & (rng.random(people) < adds), rng.integers(1, 31, people), day)
    return pd.DataFrame({
        "person_key": np.arange(people), "arm": np.where(letter, "letter", "holdout"), "probability": 0.5, "stratum": "all",
        "assigned_on": pd.Timestamp("2025-10-20"), "watched": 180, "seen_before": seen, "days_to_return": day,
        "returned": pd.Series(day <= 180).astype("boolean"),
        "silent_days": np.where(seen, rng.integers(365, 900, people), np.nan)})


def test_the_choices_of_the_protocol_give_its_own_estimate():
    followed = lot()
    own, again = holdout_effect(followed, draws=99), letter_effect(followed, days=180, draws=99)
    assert (own.estimate, own.low, own.high) == (again.estimate, again.low, again.high)


def test_a_letter_answered_within_a_month_is_seen_whole_in_any_window_from_then_on():
    followed = lot()
    estimates = [letter_effect(followed, days=days, draws=99).estimate for days in (30, 90, 180)]
    assert estimates == pytest.approx([10, 10, 10], abs=2.5)


def test_who_counts_can_be_chosen_by_what_was_known_before_the_lot():
    followed = lot()
    assert letter_effect(followed, days=90, never_seen=False, draws=99).arms["n"].sum() == followed["seen_before"].sum()
    silent = letter_effect(followed, days=90, silent_for=545, draws=99)
    assert silent.arms["n"].sum() == (~(followed["silent_days"] < 545)).sum()


@pytest.mark.parametrize(("change", "words"), [
    ({"days": 200}, "followed for 180 days, and the window is 200"),
    ({"days": 90, "silent_for": 5000, "never_seen": False}, "Nobody in the lot had been silent for 5000 days")])
def test_a_choice_that_cannot_be_made_is_refused_in_a_sentence(change, words):
    with pytest.raises(ValueError, match=words):
        letter_effect(lot(400), **change)


def test_a_window_that_cannot_be_computed_leaves_a_gap_in_the_grid_and_not_in_the_page():
    windows = {"days": {"a month": 30, "a year": 365}}
    grid = specifications(letter_effect, windows, {"days": "a month"}, followed=lot(), draws=99)
    assert grid["estimate"].notna().tolist() == [True, False] and "followed for 180 days" in grid["why"].iloc[1]


def test_a_fair_lot_leaves_one_circumstance_in_twenty_outside_its_interval():
    rng = np.random.default_rng(1)
    missed = []
    for seed in range(200):
        followed = lot(400, seed=seed).assign(acts=rng.poisson(3, 400), mode=rng.choice(["full-time", "distance"], 400))
        apart = balance(followed, ["acts", "mode"])
        missed += ((apart["low"] > 0) | (apart["high"] < 0)).tolist()
    assert np.mean(missed) == pytest.approx(0.05, abs=0.03)


def test_a_lot_that_was_none_shows_in_what_was_known_before():
    followed = lot(400)
    followed["acts"] = np.where(followed["arm"] == "letter", 5, 1) + np.arange(400) % 3
    assert balance(followed, ["acts"])["low"].iloc[0] > 1


def test_a_circumstance_of_few_people_in_an_arm_is_withheld():
    people = lot(400).assign(mode=["distance"] * 18 + ["campus"] * 382, level=["first", "first", "later", "later"] * 100)
    table = balance(people, ["mode", "level"])
    assert table["estimate"].isna().tolist() == [True, False] and table["rests_on"].iloc[1] == 100


def test_what_came_after_the_lot_is_no_circumstance():
    with pytest.raises(ValueError, match="came with the lot or after it"):
        balance(lot(400), ["returned"])
