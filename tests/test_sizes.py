"""How many people a lot needs, and what a lot of so many can show."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libengage_utils.effects.sizes import Sizes, enough_words, people_needed, smallest_difference


@pytest.mark.parametrize(("share", "to", "published"), [
    (0.05, 0.06, 8158), (0.05, 0.07, 2212), (0.05, 0.08, 1059), (0.05, 0.10, 434), (0.10, 0.12, 3841)])
def test_published_numbers_of_people_come_out(share, to, published):
    """By the formula of Fleiss, Levin & Paik (2003), ch. 4; to the nearest person."""
    assert people_needed(share, to) == Sizes(published, published)


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


def newcombe_low(returned, letters, unasked, holdouts):
    """Lower limit of Newcombe's 95% interval (1998, method 10), written out anew."""
    z, n = 1.959964, np.array([[letters], [holdouts]])
    share = np.array([returned, unasked]) / n
    middle, half = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = ((middle + side * half) / (1 + z**2 / n) for side in (-1, 1))
    return share[0] - share[1] - np.hypot(share[0] - low[0], high[1] - share[1])


def supported_by_simulation(letter, holdout, share, rise, beyond, draws=100_000):
    """How often the whole interval of a rise clears a margin."""
    rng = np.random.default_rng(0)
    low = newcombe_low(rng.binomial(letter, share + rise, draws), letter, rng.binomial(holdout, share, draws), holdout)
    return np.mean(low >= beyond)


@pytest.mark.parametrize(("letter", "holdout", "share", "beyond"), [
    (444, 444, 0.05, 0.01), (1000, 1000, 0.10, 0.01), (1000, 1000, 0.10, 0.05), (500, 500, 0.50, 0.02),
    (700, 300, 0.10, 0.01), (300, 700, 0.10, 0.01)])
def test_the_whole_interval_clears_a_margin_as_often_as_promised(letter, holdout, share, beyond):
    rise = smallest_difference(letter, holdout, share, beyond=beyond)
    assert supported_by_simulation(letter, holdout, share, rise, beyond) == pytest.approx(0.8, abs=0.015)
    assert supported_by_simulation(letter, holdout, share, beyond, beyond) == pytest.approx(0.025, abs=0.005)


def test_a_rise_that_would_be_seen_is_too_small_to_clear_a_margin():
    rise = smallest_difference(1000, 1000, 0.10)
    assert supported_by_simulation(1000, 1000, 0.10, rise, 0.01) < 0.6
    assert rise + 0.01 < smallest_difference(1000, 1000, 0.10, beyond=0.01) < rise + 0.012


@given(st.integers(20, 5000), st.integers(20, 5000), st.floats(0, 0.6), st.floats(0.001, 0.1))
def test_a_wider_margin_takes_a_larger_rise(letter, holdout, share, beyond):
    rises = [smallest_difference(letter, holdout, share, beyond=margin) for margin in (beyond, 2 * beyond)]
    assert np.isnan(rises[1]) or beyond < rises[0] < rises[1]


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


def test_a_rule_with_a_margin_is_told_what_it_takes():
    words = enough_words(952, 0.10, 0.12, beyond=0.01)
    assert words.startswith(enough_words(952, 0.10, 0.12)) and words.endswith(
        "to lie 1 point or more above nought, with that chance, it takes a rise to 17.3% or more.")
    assert "to lie 2.5 points or more above" in enough_words(80_000, 0.10, 0.12, beyond=0.025)
    assert enough_words(6, 0.10, 0.12, beyond=0.01).endswith("no rise is large enough.")


def test_arms_that_could_show_nothing_say_so():
    assert np.isnan(smallest_difference(3, 3, 0.1))
    assert "no rise from 10% would be seen" in enough_words(6, 0.10, 0.12)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: people_needed(0.1, 0.1), "change of nought"), (lambda: people_needed(10, 12), "lie between 0 and 1"),
    (lambda: people_needed(0.1, 0.2, holdout=0), "`holdout` lies between"),
    (lambda: people_needed(0.1, 0.2, power=1), "`power` lies between"),
    (lambda: smallest_difference(100, 0, 0.1), "needs both"),
    (lambda: smallest_difference(100, 100, 0.1, beyond=1), "`beyond` is a share")])
def test_what_makes_no_sense_gets_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
