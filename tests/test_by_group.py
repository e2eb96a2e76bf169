"""Statements about what a letter did in groups: drawn towards their mean, and seldom taken for different."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.stats.meta_analysis import combine_effects

from libengage_utils.effects.by_group import _drawn_to_the_mean, _from_others, _mean_and_spread, effect_by_group


def lot(sizes, adds, seed=0, *, holdout=0.1, names="ABCDEFGHIJKLMNOPQRST"):
    """People of groups of these sizes, in each of which the letter adds so much to the share who come back."""
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(len(sizes)), sizes)
    letter = rng.random(len(site)) < 0.5
    back = rng.random(len(site)) < holdout + letter * np.broadcast_to(adds, len(sizes))[site]
    return pd.DataFrame({"person_key": np.arange(len(site)), "arm": np.where(letter, "letter", "holdout"), "returned": back,
                         "probability": 0.5, "stratum": "all", "assigned_on": "2025-10-20", "watched": 90,
                         "site": np.array(list(names))[site]})


def scattered(groups, spread, seed):
    """True figures of groups, figures found, and the variances of these."""
    rng = np.random.default_rng(seed)
    variance = rng.uniform(9, 36, groups)
    truth = rng.normal(7, spread, groups)
    return truth, rng.normal(truth, np.sqrt(variance)), variance


def test_mean_and_spread_are_those_of_statsmodels():
    for seed in range(20):
        _, found, variance = scattered(6, 4, seed)
        mean, spread = _mean_and_spread(found[np.newaxis], variance)
        peer = combine_effects(found, variance, method_re="iterated")
        assert (mean.item(), spread.item()) == pytest.approx((peer.mean_effect_re, peer.tau2), abs=1e-4)


@pytest.mark.parametrize("spread", [0, 3])
def test_figures_drawn_towards_the_mean_are_nearer_the_truth(spread):
    near, far = [], []
    for seed in range(100):
        truth, found, variance = scattered(8, spread, seed)
        near.append(((_drawn_to_the_mean(found, variance, 10, 0)[0] - truth) ** 2).mean())
        far.append(((found - truth) ** 2).mean())
    assert np.mean(near) < 0.6 * np.mean(far)


@pytest.mark.parametrize("spread", [0, 3, 10])
def test_their_limits_hold_the_truth_though_mean_and_spread_are_estimated(spread):
    held = []
    for seed in range(150):
        truth, found, variance = scattered(6, spread, seed)
        low, high = _drawn_to_the_mean(found, variance, 1000, seed)[1]
        held.append(((low <= truth) & (truth <= high)).mean())
    assert np.mean(held) >= 0.91


def test_few_are_taken_for_different_where_none_is():
    false = [(effect_by_group(lot([400] * 6, 0.07, seed), "site", draws=10).table["q"] < 0.05).any() for seed in range(60)]
    assert np.mean(false) <= 0.1


def test_a_group_that_differs_is_named_and_small_ones_are_counted():
    people = lot([1500] * 4 + [15], [0.3, 0.05, 0.05, 0.05, 0])
    effects = effect_by_group(people, "site")
    assert effects.table["label"].iloc[0] == "A" and effects.p < 0.001
    assert effects.summary.startswith("The letter did not do the same everywhere: in A it added 2")
    assert effects.too_small == 1 and "1 group is too small" in effects.summary and len(effects.table) == 4
    unknown = people.assign(site=people["site"].mask(people["person_key"] < 10))
    assert effects.left_out == 0 and effect_by_group(unknown, "site").left_out == 10


def test_no_difference_is_asserted_where_none_is_known():
    effects = effect_by_group(lot([500] * 4, 0.07, seed=3), "site")
    assert "No group is known to differ" in effects.summary and (effects.table["q"] > 0.05).all()
    assert "what chance makes" in effects.summary and effects.p > 0.05
    assert effects.table.eval("low <= estimate <= high").all()
    assert np.ptp(effects.table["estimate"]) < np.ptp(effects.table["raw"])


def test_a_group_in_which_few_came_back_is_withheld_with_another_that_would_give_it_away():
    people = lot([600] * 3, 0.05)
    few = people["returned"] & (people["site"] == "A") & (people.groupby(["site", "arm"])["returned"].cumsum() > 3)
    effects = effect_by_group(people.assign(returned=people["returned"] & ~few), "site")
    table = effects.table.set_index("label")
    assert table.loc["A", ["raw", "estimate", "q"]].isna().all() and effects.withheld >= 2
    assert f"{effects.withheld} groups are withheld" in effects.summary and table["n"].notna().all()


def test_a_group_less_the_others_is_plain_arithmetic():
    away, p = _from_others(np.array([10.0, 4.0, 4.0]), np.array([1.0, 2.0, 2.0]), np.array([10, 10, 30]))
    assert away.tolist() == [6, -1.5, -3] and p[0] == pytest.approx(2 * norm.sf(4))


def test_order_of_rows_never_matters():
    people = lot([300] * 3, 0.05)
    one, other = (effect_by_group(some, "site", draws=200) for some in (people, people.sample(frac=1, random_state=1)))
    pd.testing.assert_frame_equal(one.table, other.table)


def test_groups_made_after_the_lot_or_too_few_of_them_are_refused():
    people = lot([300] * 2, 0.05)
    with pytest.raises(ValueError, match="opted_out came with the lot or after it"):
        effect_by_group(people.assign(opted_out=False), "opted_out")
    with pytest.raises(ValueError, match="no column school"):
        effect_by_group(people, "school")
    with pytest.raises(ValueError, match="One group of site"):
        effect_by_group(people[people["site"] == "A"], "site")
