"""People's own rhythms: what was planted, and whether forecasts come true; CDNOW is in tests/published."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import approx_fprime

from libengage_utils.letters.forecasts import brier_skill, calibration
from libengage_utils.letters.rhythm import RhythmModel, _loss

PLANTED = {"r": 0.8, "alpha": 20.0, "a": 0.9, "b": 5.0}


def simulated(n, seed=0, later=0, *, r, alpha, a, b):
    """Active days of people who stop after one of them with a chance of their own; and acts in the `later` days after T."""
    rng = np.random.default_rng(seed)
    rate, stops, length = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n), rng.integers(200, 600, n).astype(float)
    x, last, at = np.zeros(n), np.zeros(n), np.zeros(n)
    there, returned = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
    while there.any():
        at = at + rng.exponential(1, n) / rate
        returned |= there & (at > length) & (at <= length + later)
        there &= at <= length
        x, last = x + there, np.where(there, at, last)
        there &= rng.random(n) >= stops
    return pd.DataFrame({"frequency": x, "recency": last, "T": length, "returned": returned})


@pytest.fixture(scope="module")
def people():
    return simulated(20_000, later=90, **PLANTED)


@pytest.fixture(scope="module")
def model(people):
    return RhythmModel().fit(people)


def test_what_was_planted_is_recovered(model):
    found = [model.r_, model.alpha_, model.a_ / (model.a_ + model.b_)]
    assert found == pytest.approx([0.8, 20, 0.9 / 5.9], rel=0.05)


def test_the_likelihood_is_that_of_people_whose_rates_are_integrated_out():
    """Each person's likelihood is equation (3) of the paper, weighted over rates and chances of stopping."""
    r, alpha, a, b = 0.6, 2.0, 0.8, 2.5
    rate, stop = stats.gamma(r, scale=1 / alpha), stats.beta(a, b)
    mean = lambda f, of: quad(lambda z: f(z) * of.pdf(z), *of.support(), limit=200)[0]  # noqa: E731
    for x, recency, length in [(0, 0, 1.0), (1, 0.4, 1.0), (3, 1.1, 1.5), (7, 0.9, 2.0)]:
        likelihood = mean(lambda p, x=x: (1 - p) ** x, stop) * mean(
            lambda z, x=x, t=length: z**x * np.exp(-z * t), rate)
        if x:
            likelihood += mean(lambda p, x=x: p * (1 - p) ** (x - 1), stop) * mean(
                lambda z, x=x, t=recency: z**x * np.exp(-z * t), rate)
        loss, _ = _loss(np.log([r, alpha, a, b]), np.array([[x], [recency], [length], [1]], dtype=float))
        assert -loss == pytest.approx(np.log(likelihood), abs=1e-6)


@given(st.lists(st.floats(-2, 3), min_size=4, max_size=4))
@settings(max_examples=30, deadline=None)
def test_the_gradient_is_that_of_finite_differences(logs):
    rows = np.array([[0, 0, 1.0, 5], [1, 0.2, 1.4, 2], [4, 0.9, 0.9, 1], [30, 1.0, 1.2, 1]]).T
    slopes = approx_fprime(np.array(logs), lambda at: _loss(at, rows)[0], 1e-7)
    assert _loss(np.array(logs), rows)[1] == pytest.approx(slopes, rel=1e-4, abs=1e-5)


def test_people_with_the_same_days_weigh_as_many_times(people):
    few = people.head(200)
    one = np.vstack([few[["frequency", "recency", "T"]].to_numpy().T, np.ones(200)])
    thrice = one * [[1], [1], [1], [3]]
    assert _loss(np.zeros(4), thrice)[0] == pytest.approx(_loss(np.zeros(4), np.tile(one, 3))[0])


def test_the_order_of_people_and_the_unit_of_time_do_not_matter(people, model):
    again = RhythmModel().fit(people.sample(frac=1, random_state=1))
    assert vars(again) == vars(model)
    weeks = RhythmModel().fit(people.assign(recency=people["recency"] / 7, T=people["T"] / 7))
    assert weeks.alpha_ == pytest.approx(model.alpha_ / 7, rel=1e-3)
    assert weeks.loglik_ == pytest.approx(model.loglik_ + people["frequency"].sum() * np.log(7))


def test_the_chance_of_being_there_is_that_of_the_paper(people, model):
    alive = model.probability_alive(people)
    assert ((alive >= 0) & (alive <= 1)).all() and (alive[people["frequency"] == 0] == 1).all()
    x, recency, length = people.loc[people["frequency"] > 0, ["frequency", "recency", "T"]].iloc[0]
    odds = model.a_ / (model.b_ + x - 1) * ((model.alpha_ + length) / (model.alpha_ + recency)) ** (model.r_ + x)
    assert alive[people["frequency"] > 0][0] == pytest.approx(1 / (1 + odds))


def test_the_same_silence_says_more_of_somebody_who_came_often(model):
    silent = pd.DataFrame({"frequency": [2, 20], "recency": 200.0, "T": 400.0})
    rare, often = model.probability_alive(silent)
    assert often < 0.1 < 0.4 < rare


def test_as_many_return_as_the_model_promises(people, model):
    """Within three standard errors in every group, of people the model has not been fitted on."""
    fresh = simulated(20_000, seed=7, later=90, **PLANTED)
    promised = model.probability_of_return(fresh, 90)
    table = calibration(promised, fresh["returned"], bins=10, minimum_count=30).dropna()
    error = np.sqrt(table["predicted"] * (1 - table["predicted"]) / table["people"])
    assert len(table) >= 7 and ((table["returned"] - table["predicted"]).abs() < 3 * error).all()
    skill = brier_skill(promised, fresh["returned"], draws=200)
    assert skill.low > 0.2 and "better than one share for all" in skill.summary
    assert (model.probability_of_return(fresh, 0) == 0).all()


@pytest.mark.parametrize(("change", "words"), [
    ({"frequency": 0.0, "recency": 0.0}, "Nobody was active on a second day"), ({"recency": 900.0}, "recency is larger"),
    ({"frequency": -1.0}, "no count, or a value is negative"), ({"T": np.nan}, "a value is missing"),
    ({"frequency": 0.0}, "no second active day")])
def test_days_that_cannot_be_are_refused(people, change, words):
    with pytest.raises(ValueError, match=words):
        RhythmModel().fit(people[people["recency"] > 0].assign(**change))


def test_few_people_or_a_missing_column_are_refused(people, model):
    with pytest.raises(ValueError, match="too few to learn a rhythm from"):
        RhythmModel().fit(people.head(99))
    with pytest.raises(ValueError, match="no column recency"):
        model.probability_alive(people[["frequency", "T"]])


# --- forecasts ---

def test_groups_in_which_few_came_back_are_withheld():
    forecast, back = np.repeat([0.1, 0.6], 100), np.repeat([True, False, True, False], [9, 91, 60, 40])
    table = calibration(forecast, back)
    assert table.loc[0].isna().all() and table.loc[1, "returned"] == 0.6
    with pytest.raises(ValueError, match="Fewer than 10 people came back"):
        brier_skill(forecast[:100], back[:100])


def test_a_share_s_interval_is_wilson_s():
    """Brown, Cai & DasGupta (2001), Statistical Science 16(2), equation (4), for 20 of 50."""
    table = calibration(np.full(50, 0.4), np.arange(50) < 20)
    share, z = 0.4, 1.959964
    centre, half = (share + z**2 / 100) / (1 + z**2 / 50), z / (1 + z**2 / 50) * np.sqrt(share * 0.6 / 50 + z**2 / 10_000)
    assert table.loc[0, ["low", "high"]].tolist() == pytest.approx([centre - half, centre + half], abs=1e-6)


def test_one_forecast_for_all_has_no_skill_and_one_upside_down_has_less():
    back = np.random.default_rng(0).random(400) < 0.3
    constant = brier_skill(np.full(400, back.mean()), back)
    assert constant.estimate == pytest.approx(0) and "not known to do better" in constant.summary
    wrong = brier_skill(np.where(back, 0.1, 0.9), back)
    assert wrong.high < 0 and "worse" in wrong.summary


def test_the_order_of_people_does_not_change_the_skill():
    rng = np.random.default_rng(1)
    forecast = rng.random(300)
    back, order = rng.random(300) < forecast, rng.permutation(300)
    assert brier_skill(forecast, back, draws=100) == brier_skill(forecast[order], back[order], draws=100)


def test_forecasts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="1 of 2 forecasts are missing or outside"):
        calibration([0.2, np.nan], [True, False])
    with pytest.raises(ValueError, match="2 forecasts and 1 outcomes"):
        brier_skill([0.2, 0.3], [True])
