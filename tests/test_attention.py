"""Statements about the concentration of use, against values known from theory."""

from math import erf

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ive

from libengage_utils.attention import concentration


def quantiles(distribution, people=20_000):
    """A population that has the distribution without sampling noise."""
    return distribution.ppf((np.arange(people) + 0.5) / people)


def of_ten_or_more(values):
    return np.count_nonzero(values) >= 10


def quick(values, **options):
    return concentration(values, **{"n_boot": 20, **options})


@pytest.mark.parametrize(
    ("distribution", "gini"),
    [
        (stats.expon(), 1 / 2),
        (stats.uniform(), 1 / 3),
        (stats.lognorm(1), erf(1 / 2)),
        (stats.lognorm(0.5), erf(0.25)),
        (stats.pareto(3), 1 / (2 * 3 - 1)),
    ],
)
def test_gini_of_known_distributions(distribution, gini):
    """Listed by Kleiber and Kotz (2003), Statistical Size Distributions in Economics, Wiley."""
    assert quick(quantiles(distribution)).gini.estimate == pytest.approx(gini, abs=0.003)


def test_top_fifth_of_a_pareto_distribution_of_index_1_16_makes_four_fifths():
    """Lorenz curve 1 - (1 - p)^(1 - 1/a): with a = log 5 / log 4 the top 20% have 80%."""
    shape = np.log(5) / np.log(4)
    p = (np.arange(200_000) + 0.5) / 200_000
    steps = -np.diff((1 - np.linspace(0, 1, len(p) + 1)) ** (1 - 1 / shape))
    assert quick(steps, n_boot=2).top_share.estimate == pytest.approx(0.8, abs=1e-6)


def test_two_groups_by_hand():
    """One half has 1 and the other 3: Lorenz curve (0, 0), (1/2, 1/4), (1, 1), so Gini 1/4."""
    result = quick([1] * 50 + [3] * 50)
    assert result.gini.estimate == pytest.approx(0.25)
    assert result.top_share.estimate == pytest.approx(0.2 * 3 / 2)


def test_one_of_two_has_everything():
    assert quick([0, 1], top=0.5, minimum_count=1).gini.estimate == pytest.approx(0.5)


def test_a_top_that_cuts_through_a_person_takes_the_fraction():
    """Of 4 people with 0, 1, 2, 7 the top 30% are the first person and a fifth of the second."""
    result = quick([0, 1, 2, 7], top=0.3, minimum_count=1)
    assert result.top_share.estimate == pytest.approx((7 + 0.2 * 2) / 10)


def test_equal_use_is_not_concentrated():
    result = quick([4] * 100)
    assert result.gini.estimate == result.gini.low == result.gini.high == pytest.approx(0)
    assert result.top_share.estimate == pytest.approx(0.2)
    assert result.curve.use.to_numpy() == pytest.approx(result.curve.people.to_numpy())


def test_people_never_seen_make_use_more_concentrated():
    users = np.arange(1, 101)
    assert quick(np.r_[users, np.zeros(50)]).gini.estimate > quick(users).gini.estimate


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=20, max_size=60).filter(of_ten_or_more), st.randoms(), st.integers(2, 9))
def test_order_unit_and_copies_of_people_do_not_matter(values, random, factor):
    shuffled = random.sample(values, len(values))
    scaled = [value * factor + 0.0 for value in values]
    estimates = [quick(v).table["estimate"].tolist() for v in (values, shuffled, scaled, values * 3)]
    for other in estimates[1:3]:
        assert other == pytest.approx(estimates[0], nan_ok=True)
    assert estimates[3][0] == pytest.approx(estimates[0][0])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=20, max_size=80).filter(of_ten_or_more))
def test_gini_is_half_the_relative_mean_difference_and_the_curve_never_rises_above_equality(values):
    x = np.array(values, dtype=float)
    result = quick(values)
    assert result.gini.estimate == pytest.approx(np.abs(x[:, None] - x).mean() / (2 * x.mean()))
    assert (result.curve.use <= result.curve.people + 1e-9).all()
    assert (np.diff(result.curve.use) >= -1e-9).all()


def test_counts_of_pure_chance_are_as_concentrated_as_the_null_says():
    values = np.random.default_rng(1).poisson(2.0, 3000)
    result = concentration(values)
    assert result.gini.chance_low < result.gini.estimate < result.gini.chance_high
    assert result.top_share.chance_low < result.top_share.estimate < result.top_share.chance_high


def test_chance_agrees_with_the_gini_index_of_a_poisson_distribution():
    """Gini of Poisson(m) is exp(-2m) (I0(2m) + I1(2m)), from the mean difference of Ramasubban (1958)."""
    result = concentration(np.random.default_rng(2).negative_binomial(1, 1 / 4, 5000))
    mean = result.total / result.people
    assert result.gini.by_chance == pytest.approx(ive(0, 2 * mean) + ive(1, 2 * mean), abs=0.002)


def test_people_with_one_rate_but_unequal_time_look_concentrated_only_without_exposure():
    rng = np.random.default_rng(3)
    days = rng.choice([30, 300, 1000], 3000)
    values = rng.poisson(days * 0.01)
    assert concentration(values).gini.low > concentration(values).gini.chance_high
    fair = concentration(values, exposure=days)
    assert fair.gini.chance_low < fair.gini.estimate < fair.gini.chance_high


def test_without_people_never_seen_chance_is_about_people_seen_at_least_once():
    values = np.random.default_rng(4).poisson(1.0, 4000)
    users = concentration(values[values > 0])
    assert users.gini.chance_low < users.gini.estimate < users.gini.chance_high


def test_chance_is_not_defined_for_amounts_that_are_no_counts():
    result = quick(np.random.default_rng(5).exponential(size=100))
    assert np.isnan(result.gini.by_chance)
    assert result.curve.by_chance.isna().all()
    assert "chance" not in result.summary


def test_intervals_cover_the_truth_of_heavy_tailed_values_nine_times_in_ten():
    """95 in 100 are meant; on 1,000 lognormal values about 93 are reached, percentile intervals reach 90."""
    rng = np.random.default_rng(6)
    truth = erf(1 / 2), stats.norm.sf(stats.norm.ppf(0.8) - 1)
    results = [concentration(rng.lognormal(size=1000), n_boot=200, random_state=i) for i in range(100)]
    for result in ("gini", "top_share"):
        true = truth[result == "top_share"]
        covered = [getattr(r, result).low <= true <= getattr(r, result).high for r in results]
        assert np.mean(covered) >= 0.87


def test_every_step_of_the_curve_rests_on_at_least_the_minimum_count():
    values = np.random.default_rng(7).poisson(3, 157)
    people = quick(values, minimum_count=10).curve.people * 157
    assert people.to_numpy() == pytest.approx(people.round().to_numpy())
    assert np.diff(people).min() >= 10 - 1e-9


def test_a_step_in_which_few_did_anything_is_not_shown():
    curve = quick([0] * 97 + [1] * 3 + [2] * 60).curve
    assert (160 * curve["people"]).round().tolist() == [*range(0, 100, 10), *range(110, 170, 10)]
    with pytest.raises(ValueError, match="too few did anything"):
        quick([0] * 97 + [5] * 9)


def test_one_person_who_makes_most_of_the_use_cannot_be_read_off_the_curve():
    curve = quick([1] * 199 + [10_000]).curve
    assert curve.people.tolist() == [0, 1]


def test_a_top_of_too_few_people_is_withheld_and_said_so():
    result = quick(np.arange(1, 31))
    assert np.isnan(result.top_share.estimate)
    assert "withheld" in result.summary
    assert not np.isnan(result.gini.estimate)


def test_the_band_holds_the_curve():
    curve = concentration(np.random.default_rng(8).poisson(2, 500), n_boot=300).curve
    assert (curve.low <= curve.use + 1e-9).all() and (curve.use <= curve.high + 1e-9).all()


def test_the_summary_says_the_numbers():
    result = quick([0] * 50 + [1] * 30 + [12] * 20)
    assert "most active 20% of about 100 people made 88.9% of the use" in result.summary
    assert "is 0.744" in result.summary


def test_frame_library_and_seed():
    values = [0] * 20 + [3] * 30 + [9] * 10
    results = [concentration(v, n_boot=50) for v in (values, pd.Series(values), pl.Series(values))]
    assert results[0].gini == results[1].gini == results[2].gini
    assert concentration(values, n_boot=50, random_state=1).gini != results[0].gini


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([5], "give two or more"),
        ([], "give two or more"),
        ([1, 2, 3], "rest on 10 or more"),
        ([0] * 20, "nobody did anything"),
        ([3, -1] * 10, "10 values are negative"),
        ([3, None] * 10, "10 of 20 values are missing"),
        (pd.Series([3, None] * 10, dtype="Int64"), "10 of 20 values are missing"),
    ],
)
def test_bad_values_get_a_sentence(values, said):
    with pytest.raises(ValueError, match=said):
        quick(values)


def test_bad_options_get_a_sentence():
    with pytest.raises(ValueError, match="share of people between 0 and 1"):
        quick([1] * 20, top=20)
    with pytest.raises(ValueError, match="one number above 0 for each person"):
        quick([1] * 20, exposure=[0] + [1] * 19)
    with pytest.raises(ValueError, match="one number above 0 for each person"):
        quick([1] * 20, exposure=[1] * 19)
