"""How many people a lot needs, and what a lot of so many can show."""

import numpy as np
import pytest

from libengage_utils.effects.sizes import Sizes, enough_words, people_needed, smallest_difference


@pytest.mark.parametrize(("share", "to", "published"), [
    (0.05, 0.06, 8158), (0.05, 0.07, 2212), (0.05, 0.08, 1059), (0.05, 0.10, 434), (0.10, 0.12, 3841)])
def test_published_numbers_of_people_come_out(share, to, published):
    """By the formula of Fleiss, Levin & Paik (2003), ch. 4; to the nearest person."""
    assert people_needed(share, to) == Sizes(published, published)


@pytest.mark.parametrize(("share", "to", "power", "published"), [
    (0.30, 0.25, 0.9, 1673.856), (0.05, 0.10, 0.9, 581.0821), (0.50, 0.75, 0.9, 76.7)])
def test_sizes_agree_with_those_of_r(share, to, power, published):
    """R's stats::power.prop.test: its manual, and the handbook of the University of Virginia's StatLab."""
    assert people_needed(share, to, power=power) == Sizes(*[round(published)] * 2)


def test_the_smallest_difference_agrees_with_that_of_r():
    """R's manual: power.prop.test(n = 50, p1 = .5, power = .90) gives p2 = 0.8026."""
    assert smallest_difference(50, 50, 0.5, power=0.9) == pytest.approx(0.3026, abs=5e-5)


@pytest.mark.parametrize("holdout", [0.1, 0.5, 0.7])
def test_what_is_needed_and_what_can_be_seen_are_each_other_s_inverse(holdout):
    sizes = people_needed(0.08, 0.13, holdout=holdout)
    assert sizes.holdout / sizes.total == pytest.approx(holdout, abs=2e-3)
    assert smallest_difference(sizes.letter, sizes.holdout, 0.08) == pytest.approx(0.05, abs=3e-4)


def power_by_simulation(letter, holdout, share, to, draws=100_000):
    """How often a two-sided test at 5% with pooled variance tells two arms apart."""
    rng = np.random.default_rng(0)
    a, b = rng.binomial(letter, to, draws) / letter, rng.binomial(holdout, share, draws) / holdout
    pooled = (letter * a + holdout * b) / (letter + holdout)
    return np.mean(np.abs(a - b) > 1.959964 * np.sqrt(pooled * (1 - pooled) * (1 / letter + 1 / holdout)))


@pytest.mark.parametrize(("share", "to", "holdout"), [(0.05, 0.08, 0.5), (0.10, 0.12, 0.5), (0.10, 0.16, 0.3)])
def test_so_many_people_see_the_change_as_often_as_promised(share, to, holdout):
    sizes = people_needed(share, to, holdout=holdout)
    assert power_by_simulation(sizes.letter, sizes.holdout, share, to) == pytest.approx(0.8, abs=0.015)
    assert power_by_simulation(sizes.letter, sizes.holdout, share, share) == pytest.approx(0.05, abs=0.005)


def test_a_rise_from_nought_is_a_rise():
    assert smallest_difference(435, 435, 0.0) == pytest.approx(0.018, abs=0.002)


def test_unequal_arms_need_more_people():
    totals = [people_needed(0.1, 0.15, holdout=holdout).total for holdout in (0.5, 0.3, 0.1)]
    assert totals == sorted(totals) and totals[0] < totals[-1]


def test_a_small_library_is_told_what_it_could_see_and_what_the_rest_would_take():
    words = enough_words(950, 0.10, 0.12)
    assert "only a rise from 10% to 16.2% or more" in words and words.endswith("A rise to 12% would take 7,682 people.")
    assert "30% of them written to" in enough_words(950, 0.10, 0.12, holdout=0.7)


def test_a_large_library_is_told_that_it_is_large_enough():
    assert "a rise from 10% to 12% would be seen" in enough_words(7682, 0.10, 0.12)
    assert "only" in enough_words(7681, 0.10, 0.12)


def test_arms_that_could_show_nothing_say_so():
    assert np.isnan(smallest_difference(3, 3, 0.1))
    assert "no rise from 10% would be seen" in enough_words(6, 0.10, 0.12)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: people_needed(0.1, 0.1), "change of nought"), (lambda: people_needed(10, 12), "lie between 0 and 1"),
    (lambda: people_needed(0.1, 0.2, holdout=0), "`holdout` lies between"),
    (lambda: people_needed(0.1, 0.2, power=1), "`power` lies between"),
    (lambda: smallest_difference(100, 0, 0.1), "needs both")])
def test_what_makes_no_sense_gets_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
