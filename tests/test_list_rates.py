"""How features of reading lists go with their openings, other features being alike."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from libengage_utils.claims import CAUSAL, CLAIMS
from libengage_utils.demo import write_demo
from libengage_utils.demo.lists import MAKING, make_lists
from libengage_utils.demo.planted import planted_claims
from libengage_utils.effects.list_rates import FEATURES, rate_model
from libengage_utils.reading_lists import list_panel
from libengage_utils.study import open_study

PLANTED = {"noted": MAKING[True]["notes"], "digitised": MAKING[True]["digitised"], "essential": 0,
           "length": MAKING[True]["length"] * np.log(2)}


def simulated(modules=100, seed=0, *, shape=10.0, habit=0.0, by_habit=0.0, terms=5, **ratios):
    """Lists of modules, whose openings go with features as told, and with a habit that may go with notes."""
    rng = np.random.default_rng(seed)
    n = modules * terms
    module, own = np.arange(n) // terms, rng.normal(size=modules)[np.arange(n) // terms]
    panel = pd.DataFrame({"module": module, "term": np.arange(n) % terms, "cocreated": (rng.random(n) < 0.3).astype(float),
                          "noted": 1 / (1 + np.exp(-rng.normal(size=n) - by_habit * own)), "digitised": rng.random(n),
                          "essential": rng.random(n), "length": rng.normal(4, 0.8, n),
                          "student_weeks": rng.integers(120, 900, n)})
    log_rate = -0.6 + habit * own + 0.1 * panel["term"] + sum(np.log(ratio) * panel[name] for name, ratio in ratios.items())
    level = rng.gamma(shape, 1 / shape, n) if shape else 1.0
    return panel.assign(opens=rng.poisson(panel["student_weeks"] * np.exp(log_rate) * level))


def drawn(seed, **planted):
    """The panel of the synthetic library's lists."""
    return list_panel(*make_lists(planted_claims(planted), np.random.default_rng(seed))).panel


def per_unit(result):
    """The table by feature, its ratios and limits those of all items against none, and of twice the length."""
    table = result.table.set_index("feature")
    b, reach = table["log_estimate"], stats.t.isf(0.025, result.modules - 1) * table["error"]
    return table.assign(estimate=np.exp(b), low=np.exp(b - reach), high=np.exp(b + reach))


def steps(panel, within=False):
    """From what one list in ten stays below to what nine in ten do, by feature; of all lists, or from the module's mean."""
    rows = panel[list(FEATURES)]
    rows = rows - rows.groupby(panel["module"]).transform("mean") if within else rows
    return rows.quantile(0.9) - rows.quantile(0.1)


# --- what the regression is ---

@pytest.mark.parametrize("family", ["negative binomial", "poisson"])
def test_with_many_modules_it_is_the_regression_of_statsmodels_with_clustered_errors(family):
    panel = simulated(800, habit=0.3, noted=1.3, terms=4)
    design = sm.add_constant(pd.concat([pd.get_dummies(panel["term"], drop_first=True, dtype=float),
                                        panel[["cocreated", *FEATURES]]], axis=1).to_numpy())
    peer = {"poisson": sm.Poisson, "negative binomial": sm.NegativeBinomial}[family](
        panel["opens"].to_numpy(), design, offset=np.log(panel["student_weeks"].to_numpy()))
    peer = peer.fit(disp=0, maxiter=500, cov_type="cluster", cov_kwds={"groups": panel["module"].to_numpy()})
    result = rate_model(panel, family=family)
    assert result.table["log_estimate"].to_numpy() == pytest.approx(peer.params[5:9], abs=1e-4)
    assert result.table["error"].to_numpy() == pytest.approx(peer.bse[5:9], rel=0.03)
    if family == "negative binomial":
        assert result.dispersion == pytest.approx(peer.params[-1], rel=1e-3)


def test_its_errors_are_those_of_leaving_out_each_module():
    panel = simulated(24, habit=0.3)
    result = rate_model(panel, family="poisson")
    without = np.array([rate_model(panel[panel["module"] != gone], family="poisson").table["log_estimate"]
                        for gone in range(24)])
    jackknife = np.sqrt(23 / 24 * ((without - result.table["log_estimate"].to_numpy()) ** 2).sum(axis=0))
    assert result.table["error"].to_numpy() == pytest.approx(jackknife, rel=0.03)


def test_the_same_lists_in_another_order_say_the_same():
    panel = simulated(30)
    pd.testing.assert_frame_equal(rate_model(panel.sample(frac=1, random_state=1)).table, rate_model(panel).table)


# --- what it finds ---

@pytest.mark.parametrize("family", ["negative binomial", "poisson"])
@pytest.mark.parametrize("within", [False, True])
def test_what_is_planted_is_found_in_the_synthetic_library(family, within):
    study = open_study("data/demo")
    panel = list_panel(study.reading_lists, study.reading_list_items, study.reading_list_use).panel
    result = rate_model(panel, family=family, within_modules=within)
    truth = np.exp(pd.Series(PLANTED))
    unit, table = per_unit(result), result.table.set_index("feature")
    assert (unit["low"] < truth).all() and (truth < unit["high"]).all()
    assert (table["low"] < truth ** steps(panel, within)).all() and (truth ** steps(panel, within) < table["high"]).all()
    notes = "notes on 92 more of every 100 items" if within else "notes on 93% of items, against 0%"
    assert result.feature == notes and result.low > 5
    unsure = (family, within) == ("poisson", False)  # which weighs large lists more, and lets modules differ
    assert CLAIMS["C17"].verdict(result.low, result.high) == ("cannot tell" if unsure else "supported here")
    assert result.headline.startswith(f"More openings go with {notes} (+2")
    assert result.summary.startswith(f"Lists with {notes.split(',')[0]} are opened 2")
    assert not CAUSAL.search(result.headline + result.summary)


@pytest.mark.parametrize("within", [False, True])
def test_where_nothing_is_planted_nothing_is_found(tmp_path, within):
    write_demo(tmp_path, planted={"C17": False, "C16": True}, people=200)
    study = open_study(tmp_path)
    panel = list_panel(study.reading_lists, study.reading_list_items, study.reading_list_use).panel
    result = rate_model(panel, within_modules=within)
    assert result.low == 0 and CLAIMS["C17"].verdict(result.low, result.high) != "supported here"
    assert ((result.table["low"] < 1) & (result.table["high"] > 1)).all()
    assert result.headline.startswith("Of no feature") and result.summary.count("cannot be told") == 5


def test_intervals_hold_what_is_planted():
    held = {}
    for seed in range(15):
        panel = drawn(seed)
        for family in ("negative binomial", "poisson"):
            table = per_unit(rate_model(panel, family=family))
            truth = np.exp(pd.Series(PLANTED))
            held.setdefault(family, []).extend((table["low"] < truth) & (truth < table["high"]))
    assert {family: np.mean(there) >= 0.9 for family, there in held.items()} == {"negative binomial": True, "poisson": True}


def test_what_is_planted_is_supported_and_a_planted_null_never_is():
    for seed in range(6):
        for planted in (True, False):
            result = rate_model(drawn(seed, C17=planted), within_modules=True)
            assert (CLAIMS["C17"].verdict(result.low, result.high) == "supported here") == planted


def test_a_planted_null_can_be_told_from_features_in_which_lists_of_a_module_differ():
    """Not from length: lists of a module are of nearly one length, and to the tenths of all lists it is far."""
    verdicts = []
    for seed in range(6):
        result = rate_model(drawn(seed, C17=False), ["noted", "digitised", "essential"], within_modules=True)
        verdicts.append(CLAIMS["C17"].verdict(result.low, result.high))
    assert "supported here" not in verdicts and verdicts.count("not supported here") >= 3


@pytest.mark.parametrize("within", [False, True])
def test_no_ratio_is_told_beyond_where_lists_are(within):
    panel = drawn(0)
    result = rate_model(panel, within_modules=within)
    table, unit, step = result.table.set_index("feature"), per_unit(result), steps(panel, within)
    assert (step[["noted", "digitised", "essential"]] < 1).all()
    for name in ("estimate", "low", "high"):
        pd.testing.assert_series_equal(table[name], unit[name] ** step, check_names=False)
    if within:
        assert table.loc["noted", "these"] == f"lists with notes on {100 * step['noted']:.0f} more of every 100 items"
        assert table.loc["length", "label"] == f"{2 ** step['length'] - 1:.0%} more items"
        return
    few, many = (panel[list(FEATURES)].quantile(tenth) for tenth in (0.1, 0.9))
    assert table.loc["noted", "these"] == f"lists with notes on {many['noted']:.0%} of items"
    assert table.loc["essential", "those"] == f"lists with {few['essential']:.0%} of items essential"
    assert table.loc["length", "label"] == f"{2 ** many['length']:.0f} items, against {2 ** few['length']:.0f}"


@pytest.mark.parametrize(("ratios", "way"), [
    ({"noted": 2.0}, "More"), ({"noted": 0.5}, "Fewer"), ({"noted": 2.0, "digitised": 0.5}, "More or fewer")])
def test_the_headline_says_which_way_openings_go(ratios, way):
    assert rate_model(simulated(**ratios), list(ratios)).headline.startswith(f"{way} openings go with ")


def test_the_headline_tells_the_largest_difference_first():
    result = rate_model(simulated(200, noted=1.4, length=1.3))
    assert result.table.set_index("feature")["log_estimate"].idxmax() == "noted"
    assert f"go with {result.feature} (" in result.headline and "items, against" in result.feature


def test_cocreation_is_held_alike():
    panel = simulated(cocreated=2.0)
    panel["noted"] = (panel["noted"] + panel["cocreated"]) / 2
    held, free = (rate_model(rows, ["noted"]).table.loc[0] for rows in (panel, panel.assign(cocreated=np.nan)))
    assert held["low"] < 1 < held["high"] and free["low"] > 1.5


def test_what_modules_do_anyway_is_taken_out_by_comparing_lists_of_one_module():
    panel = simulated(200, habit=0.4, by_habit=1.0, noted=1.3)
    across, within = (per_unit(rate_model(panel, within_modules=value)).loc["noted"] for value in (False, True))
    assert across["low"] > 1.3 and within["low"] < 1.3 < within["high"]
    assert "lists of one module with each other" in rate_model(panel, within_modules=True).summary


# --- the largest difference ---

def test_the_largest_difference_allows_for_having_looked_at_several():
    panel = simulated(noted=1.3, digitised=0.7)
    result, one = rate_model(panel), rate_model(panel, ["digitised"])
    table = result.table.set_index("feature")
    size, error = table["log_estimate"].abs() * steps(panel), table["error"] * steps(panel)
    assert result.feature == table.loc["digitised", "label"] == "91% of items digitised, against 8%"
    assert np.log1p(result.estimate / 100) == pytest.approx(size.max())
    assert np.log1p(result.low / 100) == pytest.approx((size - stats.t.isf(0.025 / 4, 99) * error).max())
    assert np.log1p(result.high / 100) == pytest.approx((size + stats.t.isf(0.025, 99) * error).max())
    assert one.low == pytest.approx(100 * (1 / one.table.loc[0, "high"] - 1))


def test_each_sentence_follows_its_interval():
    result = rate_model(simulated(noted=1.3, length=0.9))
    for row in result.table.itertuples():
        if row.low < 1 < row.high:
            assert f"It cannot be told whether {row.these} are opened more or less than {row.those}" in result.summary
        else:
            percent, way = 100 * abs(row.estimate - 1), "more" if row.low > 1 else "less"
            assert f"L{row.these[1:]} are opened {percent:.0f}% {way} (95% interval" in result.summary
    assert " less (95% interval" in result.summary and "cannot be told" in result.summary


# --- what cannot be told ---

def test_openings_that_vary_by_chance_alone_are_poisson():
    result = rate_model(simulated(shape=None, seed=1, terms=4))
    assert (result.family, result.dispersion) == ("poisson", 0) and "no more than by chance" in result.summary
    assert rate_model(simulated()).family == "negative binomial" and rate_model(simulated()).notes == ()


def test_lists_that_lack_a_feature_are_left_out_and_counted():
    panel = simulated()
    panel.loc[:6, "noted"] = np.nan
    result = rate_model(panel)
    assert result.dropped == 7 and result.lists == 493 and "Fewer than 10 lists lack a feature" in result.summary
    assert rate_model(panel, ["length"]).dropped == 0


@pytest.mark.parametrize(("noted", "within"), [
    (lambda panel: 0.5, False), (lambda panel: (panel["module"] < 9).astype(float), False),
    (lambda panel: (panel.index % 11 == 0).astype(float), False),
    (lambda panel: (panel["module"] % 7) / 7, True)])
def test_a_feature_in_which_hardly_any_list_or_module_differs_is_left_out_and_that_is_said(noted, within):
    panel = simulated()
    result = rate_model(panel.assign(noted=noted), within_modules=within)
    assert result.table["feature"].tolist() == list(FEATURES)[1:]
    assert "Left out: noted, since hardly any lists, or those of fewer than 10 modules, differ in it." in result.summary
    with pytest.raises(ValueError, match="Hardly any lists, or those of fewer than 10 modules, differ in noted"):
        rate_model(panel.assign(noted=noted), ["noted"], within_modules=within)


@pytest.mark.parametrize(("change", "options", "words"), [
    ({"digitised": lambda panel: panel["noted"] + 0.01 * panel["essential"]}, {}, "most like digitised .correlation 1.00"),
    ({"noted": lambda panel: 1.0 * (panel["term"] == 2)}, {}, "noted .* most like term 2"),
    ({"digitised": lambda panel: panel["noted"] + panel["module"]}, {"within_modules": True}, "most like digitised"),
    ({"module": 1}, {}, "1 module has lists"), ({"module": lambda panel: panel.index % 19}, {}, "19 modules have"),
    ({"student_weeks": 0}, {}, "500 of 500 lists have no students"), ({"opens": 0}, {}, "0 openings are too few"),
    ({"opens": np.random.default_rng(3).pareto(0.15, 500).clip(0, 1e12).astype(int)}, {}, "did not converge"),
    ({}, {"features": ["colour"]}, "it lists colour"), ({}, {"features": []}, "it lists none"),
    ({}, {"family": "gamma"}, "it is .gamma")])
def test_a_model_that_cannot_be_fitted_is_refused(change, options, words):
    with pytest.raises(ValueError, match=words):
        rate_model(simulated().assign(**change), **options)


def test_a_panel_without_a_feature_is_refused():
    with pytest.raises(ValueError, match="no column noted"):
        rate_model(simulated().drop(columns="noted"))
