"""Statements about a jump at the line from which on letters went out."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from libengage_utils.effects.density import density
from libengage_utils.effects.discontinuity import discontinuity


def days_and_returns(n, seed=0, *, jump=0.0, line=120):
    """Whole days of silence, and returns that fall away with them and jump at the line."""
    rng = np.random.default_rng(seed)
    days = np.ceil(rng.exponential(120, n))
    return days, (rng.random(n) < 0.35 * np.exp(-days / 150) + jump * (days >= line)).astype(float)


def votes(x):
    """The regression function of Lee (2008) as in Calonico, Cattaneo & Titiunik (2014), their model 1: a jump of .04."""
    left = np.polyval([7.33, 21.54, 20.21, 7.18, 1.27, 0.48], x)
    return np.where(x < 0, left, np.polyval([3.56, -9.01, 7.99, -3.00, 0.84, 0.52], x))


# --- the jump ---

def test_a_known_jump_is_found_and_a_sentence_says_so():
    result = discontinuity(*days_and_returns(60_000, jump=0.15), cutoff=120)
    assert 0 < result.low < 0.15 < result.high < 0.25 and result.yes_or_no
    assert "At 120 the outcome jumps up: +1" in result.summary and result.summary.endswith(result.weakness)


def test_where_nothing_jumps_nothing_is_said_to():
    found = []
    for seed in range(40):
        result = discontinuity(*days_and_returns(3000, seed), cutoff=120)
        told = "no jump can be told from chance" in result.summary
        assert told == (result.low <= 0 <= result.high)
        found.append(not told)
    assert np.mean(found) <= 0.1


def test_the_robust_interval_holds_the_jump_of_a_bent_curve():
    """It holds it in 91% of samples this small (measured in 5,000), as their own package's does; the plain one in 89%."""
    held = []
    for seed in range(60):
        rng = np.random.default_rng([500, seed])
        x = 2 * rng.beta(2, 4, 500) - 1
        result = discontinuity(x, votes(x) + rng.normal(0, 0.1295, 500), cutoff=0)
        held.append(result.low <= 0.04 <= result.high)
    assert np.mean(held) >= 0.85


@pytest.mark.parametrize(("kind", "cutoff", "figures"), [
    ("bent", 0, (-0.002205, -0.002016, 0.235782, 0.370073, -0.101282, 0.097251)),
    ("days", 120, (0.082825, 0.09367, 59.218082, 91.559392, -0.033412, 0.220751))])
def test_figures_are_those_of_rdrobust(kind, cutoff, figures):
    """Made with rdrobust 2.1.1 (Calonico, Cattaneo, Farrell & Titiunik 2017, Stata Journal 17(2), 372-404) for Python."""
    k = np.arange(500 if kind == "bent" else 4000)
    rank = (k + 0.5) / len(k)
    if kind == "bent":
        x = 2 * stats.beta.ppf(rank, 2, 4) - 1
        y = votes(x) + 0.1295 * np.sqrt(2) * np.sin(k**2)
    else:
        x = np.ceil(-120 * np.log1p(-rank))
        y = (np.sin(k**2) + 1) / 2 < 0.4 * np.exp(-x / 150) + 0.1 * (x >= 120)
    result = discontinuity(x, y, cutoff=cutoff)
    assert (result.estimate, result.bias_corrected, result.bandwidth, result.bandwidth_bias, result.low,
            result.high) == pytest.approx(figures, abs=3e-5, rel=5e-4)


def weighted(x, y, width, order):
    """Jump at 0 and its error by weighted least squares with polynomials of this order on either side."""
    kernel = np.clip(1 - np.abs(x) / width, 0, None)
    powers = x[:, np.newaxis] ** np.arange(order + 1)
    above = (x >= 0)[:, np.newaxis]
    fit = sm.WLS(y, np.hstack([powers, powers * above]), kernel).fit(cov_type="HC1")
    return fit.params[order + 1], fit.bse[order + 1]


def test_it_is_weighted_least_squares_and_freed_of_bias_that_with_parabolas():
    days, back = days_and_returns(8000, jump=0.1)
    result = discontinuity(days, back, cutoff=120, bandwidth=50)
    assert (result.bandwidth, result.bandwidth_bias) == (50, 50)
    assert result.estimate == pytest.approx(weighted(days - 120, back, 50, 1)[0])
    jump, error = weighted(days - 120, back, 50, 2)
    assert result.bias_corrected == pytest.approx(jump)
    assert (result.high - result.low) / 2 == pytest.approx(1.96 * error, rel=0.05)


def test_days_shared_by_many_do_not_break_it():
    days, back = days_and_returns(20_000, jump=0.1)
    coarse = discontinuity(7 * np.ceil(days / 7), back, cutoff=126)
    assert coarse.low < 0.1 < coarse.high and coarse.bandwidth >= 63
    assert np.isfinite(coarse.robustness["estimate"]).sum() >= 4


@settings(max_examples=8, deadline=None)
@given(shift=st.integers(-1000, 1000), stretch=st.floats(0.1, 10), scale=st.floats(0.1, 10), seed=st.integers(0, 99))
def test_neither_units_nor_the_order_of_rows_matter(shift, stretch, scale, seed):
    days, back = days_and_returns(600, seed, jump=0.2, line=60)
    back = back + 0.5       # an amount: what is yes or no cannot be stretched
    plain = discontinuity(days, back, cutoff=60)
    mixed = np.random.default_rng(seed).permutation(600)
    other = discontinuity((stretch * days + shift)[mixed], scale * back[mixed], cutoff=stretch * 60 + shift)
    assert (other.bandwidth / stretch, other.estimate / scale, other.low / scale, other.high / scale) == pytest.approx(
        (plain.bandwidth, plain.estimate, plain.low, plain.high), rel=1e-5)


def test_rows_of_the_same_people_make_it_no_surer():
    days, back = days_and_returns(4000)
    twice, person = np.r_[days, days + 2], np.tile(np.arange(4000), 2)
    alone, known = (discontinuity(twice, np.r_[back, back], cutoff=120, bandwidth=60, person=who) for who in (None, person))
    assert known.estimate == pytest.approx(alone.estimate) and known.n_left < alone.n_left
    assert 1.25 < (known.high - known.low) / (alone.high - alone.low) < 1.5


def test_rows_that_lack_a_value_are_counted():
    days, back = days_and_returns(3000)
    days[:40], back[40:70] = np.nan, np.nan
    result = discontinuity(days, back, cutoff=120)
    assert result.dropped == 70 and "70 rows lack a value" in result.summary
    assert result.estimate == discontinuity(days[70:], back[70:], cutoff=120).estimate


def test_an_amount_is_told_in_its_own_units():
    days, back = days_and_returns(6000)
    result = discontinuity(days, back + 2 * (days >= 120), cutoff=120)
    assert result.low < 2 < result.high and "percentage" not in result.summary and not result.yes_or_no


@pytest.mark.parametrize(("change", "words"), [
    ({"cutoff": 1000}, "too few distinct values of the running variable, lie at or above 1000; 20 people and 10"),
    ({"bandwidth": 4}, "distinct values of the running variable, lie below 120 within 4; 20 people and 5"),
    ({"minimum_count": 3000}, "3000 people and 10 values are needed"),
    ({"bandwidth": 0}, "more than 0; it is 0"), ({"outcome": np.zeros(3000)}, "same for everybody")])
def test_what_cannot_be_compared_is_refused(change, words):
    days, back = days_and_returns(3000)
    with pytest.raises(ValueError, match=words):
        discontinuity(**{"running": days, "outcome": back, "cutoff": 120, **change})


# --- what is shown of it ---

def test_every_mean_rests_on_enough_people_of_either_answer():
    days, back = days_and_returns(5000, jump=0.1)
    result = discontinuity(days, back, cutoff=120)
    for side, people in (("below", result.n_left), ("above", result.n_right)):
        bins = result.curve[result.curve["side"] == side]
        assert bins["people"].sum() == people and 2 <= len(bins) <= 10
        having = bins["people"] * bins["estimate"]
        assert having.min() > 9.9 and (bins["people"] - having).min() > 9.9
    assert ((result.curve["low"] < result.curve["estimate"]) & (result.curve["estimate"] < result.curve["high"])).all()


def test_a_jump_of_too_few_who_came_back_is_not_shown():
    days, _ = days_and_returns(5000)
    with pytest.raises(ValueError, match="Too few people near 120"):
        discontinuity(days, (np.arange(5000) % 400 == 0).astype(float), cutoff=120)


def test_a_bandwidth_chosen_for_yes_or_no_reaches_over_a_hundred_people_on_each_side_whatever_they_answered():
    days, back = days_and_returns(600)
    results = [discontinuity(days, answers, cutoff=120) for answers in (back, 1 - back)]
    assert all(min(result.n_left, result.n_right) >= 100 for result in results)


def test_the_lines_part_at_the_cutoff_by_the_jump():
    result = discontinuity(*days_and_returns(5000, jump=0.1), cutoff=120)
    ends = result.lines[result.lines["at"] == 120].set_index("side")["estimate"]
    assert ends["above"] - ends["below"] == pytest.approx(result.estimate)
    assert sorted(result.lines["at"] - 120) == pytest.approx([-result.bandwidth, 0, 0, result.bandwidth])


def test_other_bandwidths_show_the_jump_and_other_lines_none():
    days, back = days_and_returns(40_000, jump=0.2)
    result = discontinuity(days, back, cutoff=120)
    table = result.robustness.set_index("label")
    widths = table["bandwidth"].iloc[:4].to_numpy() / result.bandwidth
    assert widths == pytest.approx([0.5, 1, 1.5, 2]) and (table["low"].iloc[:4] > 0).all()
    assert table.loc["the bandwidth", "estimate"] == result.estimate
    assert table["cutoff"].iloc[4:].tolist() == [np.median(days[days < 120]), np.median(days[days >= 120])]
    assert (table["low"].iloc[4:] < 0).all() and (table["high"].iloc[4:] > 0).all()


def test_a_line_that_cannot_be_tried_is_left_empty():
    result = discontinuity(*days_and_returns(3000), cutoff=6, bandwidth=6)
    assert result.robustness.set_index("label").loc["nothing happened here, below the line"].drop("cutoff").isna().all()


def test_no_word_says_more_than_a_jump():
    result = discontinuity(*days_and_returns(20_000, jump=0.2), cutoff=120)
    said = " ".join([result.summary, result.weakness, *result.robustness["label"], *result.robustness, *result.curve])
    assert not {"effect", "caused", "significant"} & set(said.lower().replace(".", "").split())


# --- the number of people on either side ---

def test_a_smooth_number_of_people_rarely_seems_to_jump():
    false = [density(days_and_returns(n, seed)[0], cutoff=120).p < 0.05 for n in (300, 3000) for seed in range(200)]
    assert np.mean(false) <= 0.08


@pytest.mark.parametrize("weekday", range(7))
def test_busy_and_quiet_days_of_the_week_are_no_jump(weekday):
    false = []
    for seed in range(40):
        days = days_and_returns(12_000, seed)[0]
        busy = np.array([1, 1, 1, 1, 1, 0.35, 0.1])[days.astype(int) % 7]
        seen = np.random.default_rng([1, seed]).random(len(days)) < busy
        false.append(density(days[seen], cutoff=120 + weekday).p < 0.05)
    assert np.mean(false) <= 0.15


def test_people_moved_across_the_line_are_noticed():
    noticed = []
    for seed in range(40):
        days = days_and_returns(3000, seed)[0]
        moved = (days >= 100) & (days < 120) & (np.random.default_rng([1, seed]).random(3000) < 0.3)
        result = density(np.where(moved, days + 20, days), cutoff=120)
        noticed.append("their number jumps" in result.summary)
        assert noticed[-1] == (result.low > 1 or result.high < 1)
    assert np.mean(noticed) >= 0.9


def test_a_known_ratio_is_recovered_for_whole_days_and_for_fractions():
    rng = np.random.default_rng(0)
    place = np.concatenate([-rng.uniform(0, 100, 30_000), rng.uniform(0, 100, 45_000)])
    for some in (place, np.floor(place)):
        result = density(some, cutoff=0)
        assert result.low < 1.5 < result.high and result.ratio == pytest.approx(1.5, rel=0.05)


def test_few_people_near_the_line_tell_nothing():
    result = density(pd.Series(days_and_returns(60)[0]), cutoff=400)
    assert np.isnan([result.ratio, result.low, result.high, result.p]).all() and "Too few people" in result.summary
