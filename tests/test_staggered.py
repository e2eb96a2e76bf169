"""Statements about an outcome that changes with the adoption of something new, taken up at different times."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from conftest import NEVER, PANEL, panel_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from libengage_utils.claims.judging import without_cause
from libengage_utils.effects.group_times import group_times, means
from libengage_utils.effects.panels import read_panel
from libengage_utils.effects.staggered import event_study, placebo


def drawn(n, seed, *, change=lambda start, since: 1 + 0.5 * since, drift=0.0, times=6):
    """Units that adopt at random times, with levels, a common trend, noise that lasts, and a true change since adoption."""
    rng = np.random.default_rng(seed)
    since = rng.choice([1, 2, 3, 4, 5, NEVER], n, p=[0.15, 0.15, 0.12, 0.1, 0.08, 0.4])
    term, start = np.arange(times), since[:, np.newaxis]
    noise = rng.standard_normal((n, times))
    for t in term[1:]:
        noise[:, t] = 0.6 * noise[:, t - 1] + 0.8 * noise[:, t]
    after = term >= start
    true = np.where(after, change(start, term - start), 0.0)
    opens = 2 * rng.standard_normal((n, 1)) + 0.4 * term + noise + true + drift * (start != NEVER) * term
    return panel_rows(opens, since), true[after].mean()


def studied(panel, **options):
    return event_study(panel, **PANEL, **options)


def by_event(result, column="estimate"):
    return result.table.set_index("event_time")[column]


# --- two times and two groups ---

def test_with_two_times_and_two_groups_it_is_welch_s_comparison_of_changes():
    rng, since = np.random.default_rng(0), np.repeat([1, NEVER], [300, 75])
    opens = rng.normal(20, 5, (375, 2)) * np.where(since == NEVER, 2, 1)[:, np.newaxis]
    result, change = studied(panel_rows(opens, since)), opens[:, 1] - opens[:, 0]
    limits = stats.ttest_ind(change[:300], change[300:], equal_var=False).confidence_interval()
    assert (result.low, result.high) == pytest.approx(tuple(limits))
    assert result.counts[["adopting", "compared", "pairs"]].tolist() == [300, 75, 300]


# --- groups and times ---

PEER = {  # csdid 0.4.3 (a port of the R package did): universal base, regression, no covariates
    "not yet": {"simple": 4.244444, "group": 3.951389, "events": [0.1, 0.2, 0, 1.516667, 3.95, 6.25, 9.3],
                "groups": [2.9, 4.05, 7.3, 9.3, -0.3, 0.35, 2.6, 5.2, 0.1, 0.7, 1.3, 5.2]},
    "never": {"simple": 4.244444, "group": 3.941667, "events": [0.1, 0.05, 0, 1.533333, 3.933333, 6.25, 9.3],
              "groups": [3.3, 4.0, 7.3, 9.3, -0.6, 0.0, 2.6, 5.2, 0.1, 0.7, 1.3, 5.2]}}
ERRORS = [1.582719, 2.616868, 2.298043, 2.039853, 1.738965, 1.708801, 1.90263, 2.368544, 2.401041, 1.913374, 2.057426,
          2.621068]


def remainders():
    """A panel of remainders, the same in every language: 40 units, 5 times, three times of adoption."""
    return pd.DataFrame([(u, t, (u * u * t + 3 * u + 5 * t * t) % 13 + 2 * max(t - g + 1, 0), g if g < NEVER else None)
                         for u in range(40) for g in [(2, 3, 4, NEVER)[u % 4]] for t in range(1, 6)],
                        columns=["module", "term", "opens", "since"])


@pytest.mark.parametrize("comparison", PEER)
def test_groups_events_and_means_are_those_of_another_implementation(comparison):
    result, peer = studied(remainders(), comparison=comparison), PEER[comparison]
    assert result.estimate == pytest.approx(peer["simple"], abs=1e-6)
    assert studied(remainders(), comparison=comparison, weigh="units").estimate == pytest.approx(peer["group"], abs=1e-6)
    assert by_event(result).tolist() == pytest.approx(peer["events"], abs=1e-6)
    assert result.groups["estimate"].tolist() == pytest.approx(peer["groups"], abs=1e-6)


def test_errors_are_its_errors_but_for_the_correction_for_small_numbers():
    cells, _ = group_times(read_panel(remainders(), **PANEL), "never", 0)
    figures, _ = means(cells, np.eye(len(cells.time), dtype=bool))
    assert figures["error"].tolist() == pytest.approx((np.array(ERRORS) * np.sqrt(10 / 9)).tolist(), abs=2e-6)


@pytest.mark.parametrize(("comparison", "weigh", "error"), [
    ("not yet", "times", 1.0451066), ("never", "times", 1.0415981),
    ("not yet", "units", 1.0709356), ("never", "units", 1.0155105)])
def test_with_a_hundred_times_as_many_units_errors_of_means_are_a_tenth_of_its_errors(comparison, weigh, error):
    many = pd.concat([remainders().assign(module=lambda some, n=n: some["module"] + 40 * n) for n in range(100)])
    assert studied(many, comparison=comparison, weigh=weigh, draws=2).error == pytest.approx(error / 10, rel=1e-3)


def by_hand(panel, comparison, anticipation):
    """Group-time differences, one at a time, straight from their definition."""
    wide = panel.pivot(index="module", columns="term", values="opens")
    since = panel.groupby("module")["since"].first().fillna(np.inf)
    told = {}
    for start in sorted(set(since) - {np.inf}):
        base = start - 1 - anticipation
        for term in wide.columns:
            if term == base or base not in wide:
                continue
            change = (wide[term] - wide[base]).dropna()
            own = since[change.index]
            waits = (own > max(term, base) + anticipation) & (own != start)
            waits &= {"not yet": own > 0, "never": own == np.inf, "later": own < np.inf}[comparison]
            if waits.sum() > 1 and (own == start).any():
                told[start, term] = change[own == start].mean() - change[waits].mean()
    return told


@pytest.mark.parametrize("comparison", ["not yet", "never", "later"])
@pytest.mark.parametrize("anticipation", [0, 1])
def test_in_a_panel_with_gaps_those_with_both_outcomes_are_compared(comparison, anticipation):
    panel = drawn(60, 4)[0].sample(frac=0.8, random_state=1)
    panel.loc[panel.sample(frac=0.1, random_state=2).index, "opens"] = np.nan
    result = studied(panel, comparison=comparison, anticipation=anticipation, minimum_count=2)
    told = by_hand(panel, comparison, anticipation)
    shown = result.groups.dropna(subset="estimate")
    assert len(shown) > 8 and set(zip(result.groups["adopted"], result.groups["time"], strict=True)) == set(told)
    for row in shown.itertuples():
        assert row.estimate == pytest.approx(told[row.adopted, row.time])
    after = result.groups["event_time"] >= 0
    assert result.counts["pairs"] == result.groups.loc[after, "adopting"].fillna(1).sum()


def test_the_estimate_is_the_mean_over_units_and_times_after_adoption():
    result = studied(drawn(120, 1)[0], minimum_count=2)
    after = result.groups[result.groups["event_time"] >= 0]
    assert result.estimate == pytest.approx(np.average(after["estimate"], weights=after["adopting"]))
    assert result.counts["pairs"] == after["adopting"].sum()


def test_a_unit_followed_for_long_weighs_no_more_where_units_weigh_the_same():
    since = np.repeat([1, 3, NEVER], 20)
    opens = np.where(np.arange(4) >= since[:, np.newaxis], np.repeat([6, 2, 0], 20)[:, np.newaxis], 0.0)
    panel = panel_rows(opens + np.arange(60)[:, np.newaxis] % 7, since)
    assert studied(panel).estimate == pytest.approx((3 * 6 + 2) / 4)
    assert studied(panel, weigh="units").estimate == pytest.approx((6 + 2) / 2)


def test_whom_to_compare_with_is_a_choice():
    """Units that never adopt fall behind by 1 a time; those that adopt later do not."""
    since = np.repeat([2, 5, NEVER], 20)
    opens = np.where(since[:, np.newaxis] == NEVER, -np.arange(4), 0) + np.arange(60)[:, np.newaxis] % 9
    panel = panel_rows(opens, since)
    told = [studied(panel, comparison=name).estimate for name in ("later", "not yet", "never")]
    assert told == pytest.approx([0, 0.75, 1.5])


def test_a_steady_drift_before_adoption_is_a_straight_line_through_it():
    since = np.repeat([3, NEVER], 20)
    panel = panel_rows(np.where(since[:, np.newaxis] == 3, np.arange(6), 0) + np.arange(40)[:, np.newaxis] % 9, since)
    assert by_event(studied(panel)).to_dict() == pytest.approx({-3: -2, -2: -1, -1: 0, 0: 1, 1: 2, 2: 3})


def test_an_outcome_that_answers_ahead_of_adoption_is_compared_with_the_time_before_that():
    since = np.repeat([3, NEVER], 20)
    opens = np.where(np.arange(5) >= since[:, np.newaxis] - 1, 4, 0) * (since != NEVER)[:, np.newaxis]
    panel = panel_rows(opens + np.arange(40)[:, np.newaxis] % 9, since)
    assert studied(panel).estimate == pytest.approx(0)
    result = studied(panel, anticipation=1)
    assert result.estimate == pytest.approx(4)
    assert by_event(result).to_dict() == pytest.approx({-3: 0, -2: 0, -1: 4, 0: 4, 1: 4}) and result.pre_trend.df == 1


def test_per_cent_are_those_of_the_ratio():
    since = np.repeat([2, NEVER], 20)
    level = np.exp(np.sin(np.arange(40)))[:, np.newaxis] * 1.5 ** np.arange(4)
    panel = panel_rows(np.where(np.arange(4) >= since[:, np.newaxis], 1.1, 1) * level, since)
    result = studied(panel, percent=True)
    assert result.estimate == pytest.approx(10) and by_event(result)[1] == pytest.approx(10)
    noisy, _ = drawn(80, 3)
    noisy["opens"] = np.exp(noisy["opens"] / 5)
    plain, percent = studied(noisy.assign(opens=np.log(noisy["opens"]))), studied(noisy, percent=True)
    assert (percent.low, percent.high) == pytest.approx((100 * np.expm1(plain.low), 100 * np.expm1(plain.high)))
    assert percent.error == pytest.approx(100 * np.exp(plain.estimate) * plain.error)
    assert percent.pre_trend.p == pytest.approx(plain.pre_trend.p) and "%" in percent.summary


# --- what never matters ---

def test_order_and_kind_of_frame_and_of_times_never_matter():
    panel, _ = drawn(50, 2)
    result = studied(panel)

    def same(other, labels=lambda term: term):
        pd.testing.assert_frame_equal(other.table, result.table)
        assert (other.estimate, other.low, other.pre_trend) == (result.estimate, result.low, result.pre_trend)
        assert other.groups["time"].tolist() == [labels(term) for term in result.groups["time"]]

    same(studied(panel.sample(frac=1, random_state=0)))
    same(studied(pl.from_pandas(panel)))
    names = ["2023/24 autumn", "2023/24 spring", "2024/25 autumn", "2024/25 spring", "2025/26 autumn", "2025/26 spring"]
    named = {column: panel[column].map(dict(enumerate(names))) for column in ("term", "since")}
    same(studied(panel.assign(**named)), lambda term: names[term])
    kind = pd.CategoricalDtype(names, ordered=True)
    same(studied(panel.assign(**{name: column.astype(kind) for name, column in named.items()})), lambda term: names[term])
    monday = pd.Timestamp("2025-01-06")
    days = {column: monday + pd.to_timedelta(7 * panel[column], unit="D") for column in ("term", "since")}
    same(studied(panel.assign(**days)), lambda term: monday + pd.Timedelta(days=7 * term))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 100), st.floats(-50, 50))
def test_levels_of_units_and_times_never_matter_and_the_scale_carries_over(seed, scale, shift):
    panel, _ = drawn(40, seed)
    rng = np.random.default_rng(seed)
    level = panel["module"].map(dict(zip(panel["module"].unique(), 30 * rng.standard_normal(40), strict=True)))
    moved = panel.assign(opens=scale * panel["opens"] + level + shift * panel["term"] ** 2)
    first, second = studied(panel, draws=50), studied(moved, draws=50)
    assert (second.estimate, second.low, second.high) == pytest.approx(
        (scale * first.estimate, scale * first.low, scale * first.high), rel=1e-6, abs=1e-6, nan_ok=True)
    assert second.pre_trend.p == pytest.approx(first.pre_trend.p, abs=1e-6, nan_ok=True)


def test_the_seed_moves_nothing_but_the_band():
    panel, _ = drawn(60, 5)
    first, second = (studied(panel, random_state=seed) for seed in (0, 1))
    pd.testing.assert_frame_equal(first.table.drop(columns=["band_low", "band_high"]),
                                  second.table.drop(columns=["band_low", "band_high"]))
    assert not first.table.equals(second.table) and first.table.equals(studied(panel).table)
    shown = first.table.dropna()
    assert shown["band_low"].lt(shown["low"]).all() and shown["band_high"].gt(shown["high"]).all()


# --- who counts ---

def test_adoption_between_two_times_is_there_at_the_later():
    panel, _ = drawn(60, 6)
    between = panel.assign(since=panel["since"] - 0.5)
    pd.testing.assert_frame_equal(studied(between).groups, studied(panel).groups)


def test_who_adopts_after_the_last_time_is_one_that_adopts_later_and_not_one_that_never_does():
    panel, _ = drawn(60, 6)
    later = panel.assign(since=panel["since"].fillna(7))
    pd.testing.assert_frame_equal(studied(later, comparison="later").groups, studied(panel).groups)
    with pytest.raises(ValueError, match="finds 2 to compare with among those that never do"):
        studied(later, comparison="never")


def test_who_adopted_from_the_start_or_has_no_outcome_is_left_out_and_counted():
    panel, _ = drawn(60, 6)
    early = panel[panel["module"] < "M012"].assign(module=lambda some: "X" + some["module"], since=0, opens=1000.0)
    silent = early.assign(module=lambda some: "Y" + some["module"], since=np.nan, opens=np.nan)
    result = studied(pd.concat([panel, early, silent]))
    assert result.counts[["from_the_start", "silent", "missing"]].tolist() == [12, 12, 72]
    pd.testing.assert_frame_equal(result.table, studied(panel).table)
    assert result.counts["never"] == studied(panel).counts["never"]
    assert "about 10 modules without an outcome; about 10 modules that had adopted before" in result.summary


def test_pairs_that_lack_an_outcome_or_somebody_to_compare_with_are_counted():
    since = np.repeat([1, 2, NEVER], [20, 20, 20])
    panel = panel_rows(np.arange(60)[:, np.newaxis] % 7 + np.zeros((60, 3)), since)
    gap = panel[(panel["module"] != "M000") | (panel["term"] != 0)]
    assert studied(gap).counts[["pairs", "unpaired", "uncompared"]].tolist() == [58, 2, 0]
    assert "Not counted: fewer than 10 outcomes after adoption without one from before." in studied(gap).summary
    assert studied(panel, comparison="later").counts[["pairs", "unpaired", "uncompared"]].tolist() == [20, 0, 40]


def test_figures_of_few_units_are_withheld_and_no_others_give_them_away():
    since = np.repeat([1, 2, 3, NEVER], [12, 14, 6, 30])
    panel = panel_rows(np.arange(62)[:, np.newaxis] % 7 + np.random.default_rng(0).standard_normal((62, 6)), since)
    result = studied(panel)
    assert by_event(result, "adopting").fillna(-1).to_dict() == {-3: -1, -2: 20, -1: -1, 0: 32, 1: 32, 2: 32, 3: 26, 4: 12}
    hidden = result.groups[result.groups["estimate"].isna()]
    for event in (0, 1, 2):  # the six, and the twelve without whom they could be worked out
        assert hidden.loc[hidden["event_time"] == event, "adopted"].tolist() == [1, 3]
    few = panel_rows(np.arange(30)[:, np.newaxis] % 7 + np.zeros((30, 3)), np.repeat([1, NEVER], [8, 22]))
    withheld = studied(few)
    assert np.isnan([withheld.estimate, withheld.low, withheld.high, withheld.error]).all()
    assert by_event(withheld).drop(-1).isna().all() and "withheld" in withheld.summary == withheld.headline
    assert not np.isnan(studied(few, minimum_count=8).estimate)


@pytest.mark.parametrize(("since", "hidden"), [
    ([1] * 6 + [2] * 20, {0: False, 1: True, 2: True}), ([1] * 26, {0: False, 1: False, 2: False})])
def test_a_time_that_few_reach_hides_another_from_which_it_could_be_worked_out(since, hidden):
    noise = np.random.default_rng(0).standard_normal((len(since) + 30, 4))
    result = studied(panel_rows(noise, [*since, *[NEVER] * 30]))
    assert by_event(result)[[0, 1, 2]].isna().to_dict() == hidden


def test_the_same_few_at_two_times_are_few():
    since = np.repeat([1, 3, NEVER], [6, 20, 30])
    result = studied(panel_rows(np.random.default_rng(0).standard_normal((56, 5)), since))
    assert by_event(result)[[0, 1, 2, 3]].isna().tolist() == [False, True, True, True]


def test_a_hidden_time_since_adoption_cannot_be_put_together_from_its_groups():
    panel = panel_rows(np.random.default_rng(0).standard_normal((50, 4)), np.repeat([1, NEVER], [20, 30]))
    result = studied(panel[(panel["term"] < 3) | (panel["module"] < "M006") | panel["since"].isna()])
    assert by_event(result)[[0, 1, 2]].isna().tolist() == [False, True, True]
    assert result.groups["estimate"].isna().tolist() == [False, True, True]


# --- before adoption ---

def test_units_that_moved_apart_before_adoption_are_told_so():
    drifting, still = studied(drawn(120, 8, drift=0.8)[0]), studied(drawn(120, 8)[0])
    assert drifting.pre_trend.p < 0.001 and drifting.before.startswith("They had moved apart before adoption")
    assert still.pre_trend.p > 0.05 and "which does not show that they moved alike" in still.before
    before = drifting.table[drifting.table["event_time"] < -1].dropna()
    assert drifting.pre_trend.df == len(before)
    assert drifting.pre_trend.largest == before["estimate"][before["estimate"].abs().idxmax()]


def test_one_earlier_time_is_tested_as_by_its_own_interval():
    since = np.repeat([2, NEVER], 20)
    panel = panel_rows(np.random.default_rng(3).standard_normal((40, 3)), since)
    change = panel.pivot(index="module", columns="term", values="opens").pipe(lambda wide: wide[0] - wide[1]).to_numpy()
    assert studied(panel).pre_trend.p == pytest.approx(stats.ttest_ind(change[:20], change[20:], equal_var=False).pvalue)


def test_without_an_earlier_time_nothing_is_said_of_before():
    result = studied(panel_rows(np.random.default_rng(0).standard_normal((40, 2)), np.repeat([1, NEVER], 20)))
    assert np.isnan(result.pre_trend.p) and "cannot be told: there are too few earlier times" in result.summary


def test_a_placebo_finds_nothing_where_nothing_was_and_a_drift_where_there_is_one():
    nothing, drift = (placebo(drawn(200, 9, drift=slope)[0], **PANEL, comparison="never") for slope in (0.0, 0.8))
    assert nothing.low < 0 < nothing.high and drift.low > 0
    assert drift.estimate - nothing.estimate == pytest.approx(0.8)
    assert by_event(placebo(drawn(200, 9)[0], **PANEL, shift=2)).index.max() == 1


@pytest.mark.parametrize("anticipation", [0, 1])
def test_a_placebo_knows_nothing_of_what_came_after(anticipation):
    panel, _ = drawn(120, 10)
    after = panel["term"] >= panel["since"] - anticipation
    other = panel.assign(opens=panel["opens"].where(~after, 1000.0))
    one, two = (placebo(some, **PANEL, anticipation=anticipation) for some in (panel, other))
    assert one.estimate == two.estimate and one.counts["pairs"] < studied(panel).counts["pairs"]


# --- coverage ---

CHANGES = {"none": lambda start, since: 0 * since,
           "growing, and more for late ones": lambda start, since: (1 + 0.5 * since) * (0.4 + 0.2 * start)}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_interval_and_band_hold_the_truth_about_as_often_as_they_say(change):
    held, bands = [], []
    for seed in range(100):
        panel, true = drawn(60, seed, change=change)
        result = studied(panel, draws=300)
        held.append(result.low <= true <= result.high)
        start, shown = panel.groupby("module")["since"].first().dropna().to_numpy(), result.table.dropna()
        truth = [np.mean(change(start[start + e < 6], e)) if e >= 0 else 0 for e in shown["event_time"]]
        bands.append((shown["band_low"].le(truth) & shown["band_high"].ge(truth)).all())
    assert 0.89 <= np.mean(held) <= 0.99 and 0.89 <= np.mean(bands) <= 0.99


# --- sentences, and what is refused ---

def test_sentences_follow_the_interval_and_name_no_cause():
    sure, unsure = studied(drawn(120, 1)[0]), studied(drawn(30, 1, change=lambda start, since: 0.0 * since)[0])
    assert sure.low > 0 and sure.headline.startswith("After adoption, opens is higher than the change among those that do")
    assert unsure.low < 0 < unsure.high and unsure.headline.startswith("No change of opens with adoption can be told")
    lower = studied(drawn(120, 1)[0].assign(opens=lambda some: -some["opens"]))
    assert "opens is lower: -" in lower.summary and "about 70 modules that adopt" in lower.summary
    for result in (sure, unsure, lower, placebo(drawn(120, 1)[0], **PANEL)):
        assert without_cause(result.summary) and without_cause(result.headline)
    assert "with pretended adoption" in placebo(drawn(120, 1)[0], **PANEL).headline


GOOD = panel_rows(np.arange(180.0).reshape(30, 6) % 7, np.repeat([2, 4, NEVER], 10))


@pytest.mark.parametrize(("panel", "words"), [
    (GOOD.drop(columns=["opens", "since"]), "no column opens and no column since"),
    (GOOD[GOOD["module"] == "M000"], "one unit with an outcome"),
    (GOOD[GOOD["term"] == 2], "holds one time"),
    (GOOD.assign(since=3), "All units adopt at the same time"),
    (GOOD.assign(since=0), "All 30 units have adopted at the first time"),
    (GOOD.assign(since=np.nan), "No unit adopts after the first time"),
    (GOOD.assign(since=np.where(GOOD["module"] < "M010", 0, 3)), "nobody is left to compare with"),
    (pd.concat([GOOD, GOOD[:3]]), "3 rows are of a unit and time that have one already"),
    (GOOD.assign(opens="many"), "outcome opens is no number"),
    (GOOD.assign(opens=np.nan), "Of 180 values of opens, 0 are numbers"),
    (GOOD.assign(opens=np.inf), "Of 180 values of opens, 0 are numbers"),
    (GOOD.assign(since=GOOD["since"].where(GOOD["term"] > 0)), "20 of 30 units have more than one time of adoption"),
    (GOOD.assign(since="spring"), "cannot be put in order"),
    (GOOD.assign(term=GOOD["term"].where(GOOD["term"] > 0)), "30 of 180 rows have no time"),
    (GOOD[:0], "one unit with an outcome|0 are numbers")])
def test_panels_in_which_nothing_can_be_compared_are_refused(panel, words):
    with pytest.raises(ValueError, match=words):
        studied(panel)


@pytest.mark.parametrize(("options", "words"), [
    ({"comparison": "none"}, "`comparison` is one of not yet, never, later; it is none"),
    ({"weigh": "modules"}, "`weigh` is one of times, units"), ({"anticipation": -1}, "`anticipation` is a number of times"),
    ({"anticipation": 5}, "No unit with outcomes after adoption"), ({"percent": True}, "values of opens are 0 or below")])
def test_options_that_there_are_not_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        studied(GOOD, **options)


def test_a_placebo_goes_back_by_one_time_or_more():
    for shift, anticipation in ((0, 0), (1, -1)):
        with pytest.raises(ValueError, match=f"they are {shift} and {anticipation}"):
            placebo(GOOD, **PANEL, shift=shift, anticipation=anticipation)
