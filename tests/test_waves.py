"""Statements about letters that went out in waves."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from libengage_utils.effects.waves import stepped_waves

START = pd.Timestamp("2026-01-05")


def in_waves(n, seed=0, *, gain=1.0, waves=4, apart=28, trend=1.0, never=0.0):
    """People who come back at a daily rate, times `gain` for two weeks after their letter; it grows `trend` fold a wave."""
    rng = np.random.default_rng(seed)
    wave = np.where(rng.random(n) < never, np.nan, rng.integers(waves, size=n)) * apart
    days = np.arange(1, waves * apart + 1)
    rate = 0.004 * trend ** (days / apart) * np.ones((n, 1))
    since = days - wave[:, np.newaxis]
    rate = np.where((since > 0) & (since <= 14), gain * rate, rate)
    came = rng.random(rate.shape) < rate
    back = np.where(came.any(axis=1), days[came.argmax(axis=1)], np.nan)
    wave_on, returned_on = (START + pd.to_timedelta(some, "D") for some in (wave, back))
    return pd.DataFrame({"person_key": rng.permutation(n), "wave_on": wave_on, "returned_on": returned_on})


# --- what is compared ---

def few(*rows):
    """Ten of each (days to the wave, days to the return)."""
    table = pd.DataFrame([row for row in rows for _ in range(10)], columns=["wave", "back"]).astype(float)
    return pd.DataFrame({"person_key": range(len(table)), "wave_on": START + pd.to_timedelta(table["wave"], "D"),
                         "returned_on": START + pd.to_timedelta(table["back"], "D")})


def test_those_written_to_are_compared_with_those_waiting_over_the_same_days():
    result = stepped_waves(few((0, 3), (0, None), (28, 20), (28, None), (28, 40), (None, None)), days=60, minimum_count=5)
    first, second = result.table.to_dict("records")
    assert (first["written"], first["waiting"], first["watched"]) == (20, 40, 27)
    assert (first["written_back"], first["waiting_back"], first["difference"]) == (50, 25, 25)
    assert (second["written"], second["waiting"], second["watched"]) == (20, 10, 60) and np.isnan(second["difference"])


@pytest.mark.parametrize(("day", "counts"), [(0, (10, 0)), (1, (20, 50)), (27, (20, 50)), (28, (20, 0))])
def test_the_day_of_a_wave_belongs_to_neither_side(day, counts):
    """Who is back on the wave's own day is left out of it; a return on the next wave's day is no return of this one."""
    first = stepped_waves(few((0, day), (0, None), (28, None), (28, 5)), days=60, minimum_count=5).table.iloc[0]
    assert first["written"] == counts[0]
    assert np.isnan(first["written_back"]) if counts[1] == 0 else first["written_back"] == counts[1]


def test_returns_count_for_so_many_days_and_no_longer():
    people = few((0, 10), (0, 5), (0, None), (28, 5), (28, None))
    for days, share in ((9, 1 / 3), (10, 2 / 3)):
        shown = stepped_waves(people, days=days, minimum_count=5).table.iloc[0]
        assert shown["watched"] == days and shown["written_back"] == pytest.approx(100 * share)


def test_the_pooled_difference_is_weighted_as_mantel_and_haenszel_weigh():
    result = stepped_waves(in_waves(4000, gain=2), days=14)
    table = result.table.dropna()
    counts = [np.round([[row.written * row.written_back / 100, row.written * (1 - row.written_back / 100)],
                        [row.waiting * row.waiting_back / 100, row.waiting * (1 - row.waiting_back / 100)]])
              for row in table.itertuples()]
    weight = [n1 * n0 / (n1 + n0) for n1, n0 in (square.sum(axis=1) for square in counts)]
    assert result.waves == len(table) == 3
    assert result.estimate == pytest.approx(np.average(table["difference"], weights=weight))
    assert np.sign(StratifiedTable([square.tolist() for square in counts]).logodds_pooled) == np.sign(result.estimate)


# --- what is found ---

def test_a_planted_difference_is_found_though_the_time_of_year_brings_everybody_back():
    people = in_waves(12_000, gain=2, trend=1.5, never=0.2)
    result = stepped_waves(people, days=14)
    truth = 100 * np.mean([(1 - r) ** 14 - (1 - 2 * r) ** 14 for r in 0.004 * 1.5 ** (np.arange(4) + 0.25)])
    assert result.low < truth < result.high and result.low > 0 and "more often than" in result.summary


def test_the_time_of_year_alone_makes_no_difference_though_before_and_after_says_so():
    people = in_waves(12_000, trend=3)
    result = stepped_waves(people, days=14)
    since = (people["returned_on"] - people["wave_on"]).dt.days[people["wave_on"] == START + pd.Timedelta(56, "D")]
    after, before = since.between(1, 14).sum() / (~(since <= 0)).sum(), since.between(-13, 0).sum() / (~(since <= -14)).sum()
    assert after > 1.4 * before and result.low < 0 < result.high and "It cannot be told" in result.summary


def test_its_interval_holds_nought_as_often_as_it_says_if_letters_do_nothing():
    held = [(result.low <= 0 <= result.high) for result in
            (stepped_waves(in_waves(600, seed, trend=1.5), days=14, draws=200) for seed in range(80))]
    assert stats.binomtest(sum(held), 80, 0.95).pvalue > 0.01


def test_those_never_written_to_wait_throughout():
    result = stepped_waves(in_waves(3000, never=0.3), days=14)
    assert result.waves == 4 and result.table["waiting"].min() > 500
    assert np.isnan(stepped_waves(in_waves(3000), days=14).table["difference"].iloc[-1])


def test_the_order_of_rows_never_matters():
    people = in_waves(800, gain=2)
    one, other = (stepped_waves(some, days=14, draws=100) for some in (people, people.sample(frac=1, random_state=1)))
    assert (one.estimate, one.low, one.high) == (other.estimate, other.low, other.high)


# --- what is said and withheld ---

def test_one_wave_to_everybody_leaves_nobody_to_compare_with():
    with pytest.raises(ValueError, match="No wave out of 1 has 10 people written to"):
        stepped_waves(in_waves(500, waves=1), days=14)


def test_waves_a_day_apart_leave_no_day_to_compare():
    with pytest.raises(ValueError, match="two days or more until the next"):
        stepped_waves(in_waves(500, waves=6, apart=1), days=14)


def test_small_waves_are_withheld_and_their_people_counted():
    people = in_waves(1000, never=0.5)
    rare = people.index[people["wave_on"] == START][6:]
    result = stepped_waves(people.drop(rare), days=14)
    assert result.table.iloc[0].drop(["on", "watched", "waiting"]).isna().all() and result.waves == 3
    assert result.people + result.unused == 1000 - len(rare)


def test_the_weakness_ends_the_summary_and_says_whether_the_lot_decided():
    lot, none = (stepped_waves(in_waves(1000), days=14, by_lot=by_lot) for by_lot in (True, False))
    for result in (lot, none):
        assert result.summary.endswith(result.weakness) and "effect" not in result.summary
    assert "was drawn by lot" in lot.weakness and "Nothing says that waves were drawn by lot" in none.weakness


@pytest.mark.parametrize(("change", "words"), [
    (lambda people: people.drop(columns="wave_on"), "no column wave_on"),
    (lambda people: pd.concat([people, people[:3]]), "3 rows are of people who have one already")])
def test_what_is_no_table_of_people_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        stepped_waves(change(in_waves(500)), days=14)
    with pytest.raises(ValueError, match="1 or more; it is 0"):
        stepped_waves(in_waves(500), days=0)
