"""Statements about what a letter did, by lot: shares, differences, chances, and what the letter is worth."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.duration.survfunc import survdiff
from statsmodels.stats.proportion import confint_proportions_2indep

from libengage_utils.effects.holdout import holdout_effect, log_rank
from libengage_utils.effects.shares import difference, ratio, standardised_shares
from libengage_utils.effects.worth import cost_per_return, harm, naive


def between(returned, people):
    """Difference of two arms, the first less the second, with its interval."""
    return difference(*standardised_shares([returned], [people]))


def lot(n, seed=0, *, holdout=0.08, adds=0.07, chance=0.5, stratum="all"):
    """People whose lot was drawn with a chance each, in strata; the letter adds to the share who come back."""
    rng = np.random.default_rng(seed)
    chance, stratum = np.broadcast_to(chance, n), np.broadcast_to(stratum, n)
    letter = rng.random(n) < chance
    back = rng.random(n) < holdout + adds * letter
    day = np.where(back, rng.integers(1, 91, n), np.nan)
    return pd.DataFrame({"person_key": np.arange(n), "arm": np.where(letter, "letter", "holdout"), "probability": chance,
                         "stratum": stratum, "assigned_on": pd.Timestamp("2025-10-20"), "watched": 90, "returned": back,
                         "days_to_return": day})


def counted(letter, holdout, **columns):
    """People of two arms given as (returned, people)."""
    back = [np.arange(people) < returned for returned, people in (letter, holdout)]
    arm = np.repeat(["letter", "holdout"], [len(part) for part in back])
    return pd.DataFrame({"person_key": np.arange(len(arm)), "arm": arm, "probability": 0.5, "stratum": "all", "watched": 90,
                         "assigned_on": pd.Timestamp("2025-10-20"), "returned": np.concatenate(back)}).assign(**columns)


# --- intervals ---

def test_it_is_the_interval_of_statsmodels():
    rng = np.random.default_rng(0)
    for _ in range(50):
        people = rng.integers(20, 300, 2)
        returned = rng.integers(0, people + 1)
        peer = confint_proportions_2indep(returned[0], people[0], returned[1], people[1], method="newcomb")
        assert between(returned, people)[1:] == pytest.approx(peer)


@pytest.mark.parametrize(("with_letter", "without", "n"), [(0.15, 0.08, 476), (0.05, 0.05, 200), (0.05, 0.02, 100)])
def test_intervals_hold_the_truth_as_often_as_they_say(with_letter, without, n):
    found = [between(each, (n, n)) for each in np.random.default_rng(0).binomial(n, [with_letter, without], (800, 2))]
    assert np.mean([low <= with_letter - without <= high for _, low, high in found]) >= 0.935


def test_the_interval_of_a_ratio_holds_it_too():
    peer = confint_proportions_2indep(56, 70, 48, 80, compare="ratio", method="score")
    assert ratio(*standardised_shares([[56, 48]], [[70, 80]]))[1:] == pytest.approx(peer, abs=0.02)
    draws = np.random.default_rng(0).binomial(476, [0.08, 0.15], (800, 2))
    found = [ratio(*standardised_shares([each], [[476, 476]])) for each in draws]
    assert np.mean([low <= 0.08 / 0.15 <= high for _, low, high in found]) >= 0.935


def test_strata_in_which_chance_and_baseline_differ_do_not_bias():
    """Half the people come back often and were mostly written to: the plain difference is far too large."""
    often = np.arange(2000) % 2 == 0
    effects, plain = [], []
    for seed in range(150):
        people = lot(2000, seed, holdout=np.where(often, 0.3, 0.05), adds=0.05, chance=np.where(often, 0.8, 0.2))
        effects.append(holdout_effect(people, draws=1))
        share = people.groupby("arm")["returned"].mean()
        plain.append(100 * (share["letter"] - share["holdout"]))
    error = np.std([effect.estimate for effect in effects]) / np.sqrt(150)
    assert np.mean([effect.estimate for effect in effects]) == pytest.approx(5, abs=3 * error)
    assert np.mean(plain) > 15
    assert np.mean([effect.low <= 5 <= effect.high for effect in effects]) >= 0.92


# --- lots drawn anew ---

def test_a_letter_that_changes_nothing_gives_every_p_value_alike():
    """Baselines and chances differ between strata, so that differences take many values."""
    level = np.arange(600) % 3
    p = [holdout_effect(lot(600, seed, adds=0, holdout=0.1 + 0.1 * level, chance=np.array([0.3, 0.5, 0.62])[level],
                            stratum=level.astype(str)), draws=499, random_state=seed).p for seed in range(600)]
    assert stats.kstest(p, "uniform").pvalue > 0.01 and 0.03 <= np.mean(np.array(p) < 0.05) <= 0.07


def test_with_one_lot_it_is_about_the_exact_test():
    effect = holdout_effect(counted((35, 240), (20, 240)), draws=100_000)
    assert effect.p == pytest.approx(stats.fisher_exact([[35, 205], [20, 220]]).pvalue, abs=0.005)


def test_the_planted_difference_is_found_and_a_planted_nought_is_not():
    found = [holdout_effect(lot(950, seed), draws=199) for seed in range(200)]
    assert np.mean([effect.low > 0 for effect in found]) > 0.85
    assert np.mean([effect.low <= 7 <= effect.high for effect in found]) >= 0.92
    none = [holdout_effect(lot(950, seed, adds=0), draws=199) for seed in range(200)]
    assert np.mean([effect.low > 0 or effect.high < 0 for effect in none]) <= 0.08


# --- what is told ---

def test_the_finding_follows_its_interval():
    more, less, none = (holdout_effect(counted(letter, (40, 500)), draws=199)
                        for letter in ((75, 500), (15, 500), (45, 500)))
    assert "7.0 more came back than would have anyway (95% interval +3.1 to +11.0): 35 people in all (15 to 55)." \
        in more.summary
    assert "5.0 fewer came back" in less.summary
    assert "cannot be told" in none.summary and "more came back" not in none.summary
    assert more.answer == ("For every 100 letters about 7 more people came back than would have anyway (3 to 11), one for "
                           "every 9 to 33 letters.")
    assert "5 fewer people came back" in less.answer and "one for every" not in less.answer
    assert "cannot be told" in none.answer and "from 2 fewer to 5 more" in none.answer
    assert "of every 100, about 8 would have come back anyway" in more.summary
    assert more.extra == pytest.approx([5 * number for number in (more.estimate, more.low, more.high)])


@pytest.mark.parametrize("arms", [((9, 500), (40, 500)), ((40, 500), (9, 500)), ((495, 500), (400, 500))])
def test_too_few_in_an_arm_withhold_all_that_would_give_them_away(arms):
    effect = holdout_effect(counted(*arms), draws=199)
    assert np.isnan([effect.estimate, effect.low, effect.high, effect.p]).all()
    assert effect.arms[["returned", "estimate", "low", "high"]].isna().all(axis=None) and "Too few" in effect.summary
    reading = naive(effect, pd.DataFrame({"returned": [True] * 20 + [False] * 80}))
    assert np.isnan(reading.times) and "Too few" in reading.summary
    assert "Too few" in cost_per_return(effect, 1).summary


def test_those_in_the_window_and_chances_of_one_arm_are_left_out_and_counted():
    people = counted((75, 500), (40, 500))
    people["returned"] = people["returned"].astype("boolean").mask(people["person_key"] % 100 == 99)
    people.loc[people["person_key"] == 0, "probability"] = 0.9
    effect = holdout_effect(people, draws=199)
    assert (effect.waiting, effect.unmatched) == (10, 1) and effect.arms["n"].tolist() == [494, 495]
    with pytest.raises(ValueError, match="nobody can be compared"):
        holdout_effect(people[people["arm"] == "letter"])
    with pytest.raises(ValueError, match="no column stratum"):
        holdout_effect(people.drop(columns="stratum"))
    with pytest.raises(ValueError, match=r"follow\(\.\.\.\)\.people"):
        holdout_effect(SimpleNamespace(people=people))


def test_order_of_rows_never_matters():
    people = lot(600, stratum=(np.arange(600) % 3).astype(str), chance=np.where(np.arange(600) % 2, 0.4, 0.6))
    mixed = people.sample(frac=1, random_state=1)
    one, other = holdout_effect(people, draws=499), holdout_effect(mixed, draws=499)
    assert (one.estimate, one.low, one.high, one.p) == (other.estimate, other.low, other.high, other.p)
    assert log_rank(mixed) == pytest.approx(log_rank(people))


# --- when they came back ---

def test_the_log_rank_test_is_that_of_the_survival_curves_within_lots():
    people = lot(800, stratum=np.where(np.arange(800) % 2, "seen", "never"))
    time, back = people["days_to_return"].fillna(90), people["returned"].astype(int)
    assert log_rank(people) == pytest.approx(survdiff(time, back, people["arm"], strata=people["stratum"])[1])
    alone = people.head(30).assign(arm="letter", stratum="alone", person_key=lambda table: table["person_key"] + 10_000)
    assert log_rank(pd.concat([people, alone])) == pytest.approx(log_rank(people))
    assert np.isnan(log_rank(people[people["arm"] == "letter"]))


def test_it_sees_a_sooner_return_where_shares_are_alike():
    people = lot(600, holdout=0.9, adds=0)
    sooner = people["days_to_return"].where(people["arm"] == "holdout", people["days_to_return"] / 3)
    assert log_rank(people.assign(days_to_return=sooner)) < 0.01 < log_rank(people)


# --- what the letter is worth ---

def test_a_reading_of_before_and_after_is_too_large_by_those_who_come_back_anyway():
    effect = holdout_effect(counted((75, 500), (40, 500)), draws=199)
    reading = naive(effect, pd.DataFrame({"returned": [True] * 38 + [False] * 462}))
    assert reading.table["estimate"].tolist() == pytest.approx([15, 7.6, 8, 7])
    assert reading.times == pytest.approx(15 / 7) and reading.low < reading.times < reading.high
    assert "2.1 times what the letter added" in reading.summary and "about as many as in the holdout" in reading.summary
    rare = naive(effect, pd.DataFrame({"returned": [True] * 12 + [False] * 488}))
    assert "2.4, fewer than in the holdout" in rare.summary
    few = naive(effect, pd.DataFrame({"returned": [True] * 9 + [False] * 488}))
    assert "earlier day" not in few.summary and np.isnan(few.table.loc[1, "estimate"])


def test_a_placebo_cohort_watched_for_another_window_is_refused():
    effect = holdout_effect(counted((75, 500), (40, 500)), draws=99)
    with pytest.raises(ValueError, match="watched for 60 days and the lot for 90"):
        naive(effect, pd.DataFrame({"returned": [True] * 38 + [False] * 462, "watched": 60}))


def test_no_multiple_is_told_where_the_letter_may_have_added_nothing():
    placebo = pd.DataFrame({"returned": [True] * 38 + [False] * 462})
    unsure, worse = (naive(holdout_effect(counted(letter, (40, 500)), draws=199), placebo)
                     for letter in ((45, 500), (12, 500)))
    assert np.isinf(unsure.high) and "may be any number of times" in unsure.summary
    assert np.isinf([worse.times, worse.low]).all() and "took returns away" in worse.summary


def test_small_numbers_of_objections_are_withheld_and_bounded():
    sent = pd.DataFrame({"sent": [True] * 400 + [False] * 400, "opted_out": False, "bounced": [True] * 30 + [False] * 770})
    for few in (0, 3, 9):
        table = harm(sent.assign(opted_out=np.arange(800) < few))
        assert np.isnan(table.loc["opted_out", "estimate"]) and "at most 4.2 in 100" in table.loc["opted_out", "told"]
    assert table.loc["bounced", "estimate"] == 30 / 400 and "7.5 in 100" in table.loc["bounced", "told"]
    assert harm(sent.head(9))["high"].isna().all() and harm(sent.head(35))["estimate"].isna().all()


def test_a_return_has_no_highest_price_where_there_may_be_none():
    def price(added, low, high):
        return cost_per_return(SimpleNamespace(estimate=added, low=low, high=high), 2)

    assert vars(price(8, 2, 10)) == {"estimate": 25, "low": 20, "high": 100}
    assert "at least 20.00" in price(4, -2, 10).summary and "no price" in price(-4, -8, -1).summary
    with pytest.raises(ValueError, match="above 0; it is 0"):
        cost_per_return(SimpleNamespace(estimate=8, low=2, high=10), 0)
