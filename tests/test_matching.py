"""Statements about people written to and others alike who were not."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from libengage_utils.effects.matching import e_value, matched_difference


def chosen(n, seed=0, *, gain=0.0, held=0.0, unheld=0.0, many=7):
    """Who is written to, and seen again; both go with many earlier acts (`held`), and with an unknown wish (`unheld`)."""
    rng = np.random.default_rng(seed)
    acts, mode, wish = rng.poisson(6, n), rng.choice(["campus", "distance"], n), rng.random(n) < 0.5
    letter = rng.random(n) < 0.3 + held * (acts >= many) + unheld * wish
    seen = rng.random(n) < 0.2 + held * (acts >= many) + unheld * wish + gain * letter
    return pd.DataFrame({"person_key": rng.permutation(n), "acts": acts, "mode": mode, "letter": letter, "seen": seen})


# --- the difference ---

def test_what_is_held_alike_is_taken_out():
    result = matched_difference(chosen(20_000, held=0.3), "letter", "seen", ["acts", "mode"], draws=200)
    assert result.crude > 0.05 and abs(result.estimate) < 0.02 and result.low < 0 < result.high
    balance = result.balance.set_index("label")
    assert balance.loc["acts", "before"] > 0.3 and abs(balance.loc["acts", "after"]) < 0.1


def test_what_differs_within_a_class_stays_and_the_balance_shows_it():
    """Three to six acts are one class."""
    result = matched_difference(chosen(20_000, held=0.3, many=5), "letter", "seen", ["acts", "mode"], draws=200)
    assert 0.01 < result.low < result.crude / 2 and result.balance.set_index("label").loc["acts", "after"] > 0.1


def test_what_is_not_held_alike_stays():
    result = matched_difference(chosen(20_000, unheld=0.3), "letter", "seen", ["acts", "mode"], draws=200)
    assert result.low > 0.05 and "whatever else chose the one" in result.weakness


def test_a_planted_difference_is_found():
    result = matched_difference(chosen(20_000, held=0.3, gain=0.1), "letter", "seen", ["acts", "mode"], draws=300)
    assert result.low < 0.1 < result.high and result.low > 0.05
    assert "seen is more frequent with letter than without: +" in result.summary


def test_its_interval_holds_nought_as_often_as_it_says():
    held = []
    for seed in range(100):
        table = chosen(400, seed, held=0.3).assign(busy=lambda t: t["acts"] >= 7)
        result = matched_difference(table, "letter", "seen", ["busy", "mode"], draws=200)
        held.append(result.low <= 0 <= result.high)
    assert stats.binomtest(sum(held), 100, 0.95).pvalue > 0.01


def test_it_is_the_mean_of_differences_in_groups_alike_weighted_by_the_treated():
    table = chosen(3000, held=0.3, gain=0.1)
    table["busy"] = table["acts"] >= 7
    result = matched_difference(table, "letter", "seen", ["busy", "mode"], draws=50)
    means = table.groupby(["busy", "mode", "letter"])["seen"].mean().unstack()
    sizes = table[table["letter"]].groupby(["busy", "mode"]).size()
    assert result.estimate == pytest.approx(np.average(means[True] - means[False], weights=sizes))
    assert result.balance["after"].abs().max() < 1e-9
    theirs, others = (np.average(means[own], weights=sizes) for own in (True, False))
    assert result.risk_ratio == pytest.approx(theirs / others)


def test_the_same_people_again_make_it_no_surer():
    table = chosen(1500)
    once, thrice = (matched_difference(some, "letter", "seen", ["mode"], draws=1000)
                    for some in (table, pd.concat([table] * 3, ignore_index=True)))
    assert thrice.people == once.people and thrice.high - thrice.low == pytest.approx(once.high - once.low, rel=0.1)


def test_the_order_of_rows_never_matters():
    table = chosen(800)
    one, other = (matched_difference(some, "letter", "seen", ["acts", "mode"], draws=50)
                  for some in (table, table.sample(frac=1, random_state=1)))
    assert (one.estimate, one.low, one.high) == pytest.approx((other.estimate, other.low, other.high))


def test_an_amount_is_compared_in_its_own_units_and_has_no_ratio():
    table = chosen(4000).assign(minutes=lambda t: 30.5 + 5 * t["letter"] + t["acts"])
    result = matched_difference(table, "letter", "minutes", ["acts"], draws=50)
    assert result.estimate == pytest.approx(5, abs=0.3) and np.isnan([result.risk_ratio, result.e_value]).all()
    assert "percentage" not in result.summary and "risk ratio" not in result.summary
    assert result.weakness.endswith("may differ too.")


# --- how strong what is not held would have to be ---

def test_a_ratio_below_one_is_turned_round_and_an_interval_with_one_needs_nothing():
    assert e_value(1 / 3.9, 1 / 8.7, 1 / 1.8) == pytest.approx(e_value(3.9, 1.8, 8.7))
    assert e_value(1.5, 0.9, 2.5)[1] == e_value(0.8, 0.5, 1.2)[1] == e_value(1, 0.5, 2)[0] == 1
    result = matched_difference(chosen(2000), "letter", "seen", ["mode"], draws=100)
    assert result.e_value_limit == 1 and "even so the interval holds no difference" in result.summary


# --- what is left out, withheld and refused ---

def test_those_with_nobody_alike_are_counted_and_left_out():
    table = chosen(3000)
    alone = table.index[table["letter"]][:100]
    table.loc[alone, ["mode", "seen"]] = ["abroad", True]
    table.loc[table.index[-20:], "mode"] = np.nan
    result = matched_difference(table, "letter", "seen", ["mode"], draws=100)
    assert result.unmatched == 100 and result.dropped == 20
    assert result.matched + 100 == table["letter"].iloc[:-20].sum()
    assert "About 100 of about" in result.summary and "20 rows lack a value" in result.summary
    without = matched_difference(table.drop(alone), "letter", "seen", ["mode"], draws=100)
    assert result.estimate == pytest.approx(without.estimate)


def test_a_difference_that_would_give_a_few_people_away_is_refused():
    table = chosen(1000)
    table["seen"] &= ~table["letter"] | (table["letter"].cumsum() < 12)
    with pytest.raises(ValueError, match="too few had the outcome, or had it not"):
        matched_difference(table, "letter", "seen", ["mode"], draws=50)


@pytest.mark.parametrize(("change", "words"), [
    ({"mode": lambda t: t["letter"].map({True: "here", False: "away"})}, "0 people have a like, with letter or without"),
    ({"letter": False}, "0 people have a like"), ({"letter": lambda t: t["acts"]}, "more than true and false")])
def test_where_nobody_is_alike_it_says_so(change, words):
    with pytest.raises(ValueError, match=words):
        matched_difference(chosen(300).assign(**change), "letter", "seen", ["mode"])
    with pytest.raises(ValueError, match="no column mood"):
        matched_difference(chosen(300), "letter", "seen", ["mood"])


def test_the_summary_ends_with_the_weakness_and_names_no_cause():
    for gain in (0, 0.2):
        result = matched_difference(chosen(3000, gain=gain), "letter", "seen", ["mode"], draws=100)
        assert result.summary.endswith(result.weakness) and "effect" not in result.summary
        assert ("cannot be told" in result.summary) == (result.low <= 0 <= result.high)
