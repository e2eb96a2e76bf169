"""Statements about two-way fixed effects, and about what the estimate is made of."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.formula.api as smf
from conftest import NEVER, PANEL, panel_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.claims.judging import without_cause
from libengage_utils.effects.staggered import event_study
from libengage_utils.effects.two_way import two_way


def random_panel(seed, n=40, times=6, starts=(0, 1, 2, 3, 4, 5, 7, NEVER)):
    rng = np.random.default_rng(seed)
    since = np.r_[2, 4, rng.choice(starts, n - 2)]
    return panel_rows(rng.standard_normal((n, 1)) + rng.standard_normal((n, times)).cumsum(axis=1), since)


def estimated(panel, **options):
    return two_way(panel, **PANEL, minimum_count=options.pop("minimum_count", 1), **options)


def by_kind(result, column):
    return result.comparisons.set_index("compared_with")[column].to_dict()


# --- the estimate ---

@pytest.mark.parametrize("share", [1, 0.8], ids=["full", "with gaps"])
def test_the_estimate_is_that_of_a_regression_on_units_and_times(share):
    panel = random_panel(1).sample(frac=share, random_state=0)
    panel["new"] = (panel["term"] >= panel["since"]).astype(float)
    model = smf.ols("opens ~ new + C(module) + C(term)", panel)
    peer = model.fit(cov_type="cluster", cov_kwds={"groups": pd.factorize(panel["module"])[0]})
    result, n = estimated(panel), len(panel)
    assert result.estimate == pytest.approx(peer.params["new"])
    nested = np.sqrt((n - np.linalg.matrix_rank(model.exog)) / (n - 6))  # levels of units lie within clusters: not counted
    assert result.error == pytest.approx(peer.bse["new"] * nested)
    assert result.high - result.low == pytest.approx(2 * 2.022691 * result.error)  # Student's t with 39 degrees of freedom


def test_with_two_times_and_two_groups_it_is_the_event_study():
    panel = random_panel(2, times=2, starts=(1, NEVER)).assign(since=lambda some: some["since"].where(some["since"] == 1))
    assert estimated(panel).estimate == pytest.approx(event_study(panel, **PANEL, minimum_count=1).estimate)


def test_per_cent_are_those_of_the_ratio():
    plain, percent = estimated(random_panel(3)), estimated(random_panel(3).assign(opens=lambda some: np.exp(some["opens"])),
                                                           percent=True)
    assert (percent.estimate, percent.low) == pytest.approx(tuple(100 * np.expm1([plain.estimate, plain.low])))
    assert by_kind(percent, "estimate") == pytest.approx(
        {kind: 100 * np.expm1(value) for kind, value in by_kind(plain, "estimate").items()})


# --- what it is made of ---

def test_a_time_after_adoption_can_have_a_negative_weight():
    """Two groups and three times, one adopting at the second, one at the third: weights 1, 1/2 and -1/2."""
    panel = panel_rows([[0, 1, 4], [0, 0, 1]], [1, 2])
    result = estimated(panel)
    assert result.estimate == pytest.approx(0.5 * 1 + 1 * 1 - 0.5 * 4)  # below nought, and each true change above it
    assert (result.cells, result.negative, result.negative_sum) == (3, 1, pytest.approx(-0.5))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 40), st.integers(3, 8))
def test_comparisons_add_up_to_the_estimate(seed, n, times):
    result = estimated(random_panel(seed, n=n, times=times, starts=(0, 1, 2, 4, 7, NEVER)))
    table = result.comparisons
    assert table["weight"].sum() == pytest.approx(1) and table["weight"].min() >= 0
    assert (table["weight"] * table["estimate"].fillna(0)).sum() == pytest.approx(result.estimate, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_weights_of_times_after_adoption_give_the_estimate_of_any_true_change(seed):
    """Where nothing else moves, the estimate is the weighted sum of true changes; so a change where weights are negative."""
    panel = random_panel(seed)
    new = panel["term"] >= panel["since"]
    first = estimated(panel.assign(opens=new.astype(float)))
    assert first.estimate == pytest.approx(1) and first.negative_sum <= 0
    each = [estimated(panel.assign(opens=(panel.index == at).astype(float))).estimate for at in panel.index[new][::15]]
    assert min(each) >= first.negative_sum - 1e-9 and (first.negative > 0 or min(each) >= -1e-9)


def test_units_that_had_adopted_from_the_start_are_counted_as_adopted_already():
    panel = panel_rows(np.random.default_rng(0).standard_normal((45, 4)), np.repeat([0, 2, NEVER], 15))
    assert by_kind(estimated(panel), "weight") == {"never adopt": 0.5, "adopt later": 0, "have adopted already": 0.5}


def test_units_that_adopt_after_the_last_time_adopt_later():
    panel = random_panel(9, starts=(2, 4, NEVER))
    never, later = (by_kind(estimated(some), "weight") for some in (panel, panel.assign(since=panel["since"].fillna(6))))
    assert never["never adopt"] > 0 == later["never adopt"]
    assert later["adopt later"] == pytest.approx(never["never adopt"] + never["adopt later"])


def test_it_misleads_where_the_change_grows_and_the_event_study_does_not():
    """Opens grow by 1 a time since adoption, for all; two in three units adopt early, one late, and all do."""
    since = np.repeat([1, 4], [80, 40])
    rng, term = np.random.default_rng(0), np.arange(6)
    true = np.maximum(term - since[:, np.newaxis] + 1, 0)
    panel = panel_rows(rng.standard_normal((120, 1)) + 0.3 * rng.standard_normal((120, 6)) + true, since)
    wrong, right = two_way(panel, **PANEL), event_study(panel, **PANEL)
    compared = true[:80, 1:4].mean()  # while the others had not adopted
    assert compared == 2 and right.low < compared < right.high and right.high - right.low < 0.3
    assert wrong.high < 0.8  # true changes are 1 and more
    assert wrong.already > 0.3 and wrong.negative_sum < 0
    assert by_kind(wrong, "estimate")["have adopted already"] < 0 < by_kind(wrong, "estimate")["adopt later"]


# --- what never matters, who counts, and what is refused ---

def test_order_and_kind_of_frame_never_matter():
    panel = random_panel(5)
    result = estimated(panel)
    for other in (panel.sample(frac=1, random_state=0), pl.from_pandas(panel)):
        again = estimated(other)
        assert (again.estimate, again.low, again.negative_sum) == (result.estimate, result.low, result.negative_sum)
        pd.testing.assert_frame_equal(again.comparisons, result.comparisons)


def test_what_it_is_made_of_is_not_told_of_a_panel_with_gaps():
    result = estimated(random_panel(6).iloc[1:])
    assert result.comparisons[["weight", "estimate"]].isna().all(axis=None) and np.isnan(result.already)
    assert "cannot be told in a panel with gaps" in result.summary and result.low < result.estimate < result.high


def test_figures_of_few_units_are_withheld():
    panel = panel_rows(np.random.default_rng(0).standard_normal((40, 4)), np.repeat([1, 2, NEVER], [12, 8, 20]))
    result = two_way(panel, **PANEL)
    assert result.low < result.high and result.comparisons["estimate"].isna().all()  # the eight are compared with others
    few = two_way(panel[panel["module"] >= "M012"], **PANEL)
    assert np.isnan([few.estimate, few.low, few.high, few.error]).all() and "withheld" in few.summary


def test_sentences_name_no_cause():
    panels = random_panel(7), random_panel(7).iloc[1:], random_panel(8, starts=(2, NEVER))
    results = [estimated(panel) for panel in panels]
    for result in results:
        assert without_cause(result.summary) and without_cause(result.headline)
    assert "have a weight below nought" in results[0].summary and "wrong sign" in results[0].headline
    assert all(("cannot be told whether opens differs" in some.summary) == (some.low < 0 < some.high) for some in results)


def test_adoption_that_levels_of_units_and_times_explain_is_refused():
    panel = panel_rows(np.random.default_rng(0).standard_normal((40, 2)), np.repeat([1, NEVER], 20))
    before_or_after = panel[(panel["term"] == 1) == (panel["since"] == 1)]
    with pytest.raises(ValueError, match="cannot be told from levels of units and times"):
        estimated(before_or_after)
    with pytest.raises(ValueError, match="no column opens"):
        estimated(panel.drop(columns="opens"))
