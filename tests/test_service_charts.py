"""Figures of ways, uptake, themes, agenda and lists: they show what is told, and withhold what is withheld."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("agg")

from libengage_utils import charts
from libengage_utils.charts import style
from libengage_utils.charts.style import ACCENT, BLUE

STEPS = ["search", "hold", "return"]
FLOWS = pd.DataFrame([
    ("begin", "search", "declared", 0.9), ("search", "hold", "declared", 0.6), ("hold", "return", "declared", 0.7),
    ("search", "return", "skip", 0.2), ("return", "hold", "back", 0.05), ("hold", "hold", "back", 0.04),
    ("hold", "gate", "added", 0.1), ("hold", "chat", "added", 0.005), ("search", "desk", "added", np.nan)],
    columns=["before", "after", "kind", "estimate"])
FLOWS = FLOWS.assign(low=FLOWS["estimate"] - 0.02, high=FLOWS["estimate"] + 0.02, rests_on=12)
CURVES = pd.DataFrame({"service": ["chat"] * 3 + ["studio"] * 3, "day": [0, 30, 60] * 2, "estimate": [0, 0.05, 0.1] * 2,
                       "low": [0, 0.04, 0.08] * 2, "high": [0, 0.06, 0.12] * 2, "rests_on": 12})
FORECASTS = pd.DataFrame({"service": ["chat", "studio"], "expected_share": [0.24, 0.3], "day": [60, 60],
                          "ratio": [0.4, np.nan], "status": ["held against it", "recorded after the launch, so it is none"]})
SIZES = pd.DataFrame({"label": ["noise", "cards"], "estimate": [0.2, np.nan], "low": [0.15, np.nan], "high": [0.25, np.nan],
                      "rests_on": [30, 2]})
FEELINGS = pd.DataFrame({"label": ["noise", "cards"], "estimate": [-0.4, np.nan], "low": [-0.5, np.nan],
                         "high": [-0.3, np.nan], "rests_on": [12, 2]})
HALVES = pd.DataFrame({"estimate": [0.5, 0.7, 0.4], "low": [0.4, 0.6, 0.3], "high": [0.6, 0.8, 0.5], "null": [0.1] * 3},
                      index=[3, 4, 5])
AGENDA = pd.DataFrame({"label": ["search", "studio", "noise"], "ours": [1, 2, np.nan], "estimate": [0.1, np.nan, 0.2],
                       "low": [0.08, np.nan, 0.15], "high": [0.12, np.nan, 0.25], "rests_on": [12, 2, 30]})
TERMS = pd.DataFrame({"event_time": [-3, -2, -1, 0, 1], "estimate": [np.nan, 1.0, 0, 12, 10],
                      "low": [np.nan, -5.0, np.nan, 4, 2], "high": [np.nan, 7.0, np.nan, 20, 18],
                      "band_low": [np.nan, -8.0, np.nan, 1, -1], "band_high": [np.nan, 10.0, np.nan, 23, 21],
                      "rests_on": [np.nan, 12, np.inf, 30, 30]})


@pytest.fixture(autouse=True)
def closed():
    charts.house_style()
    yield
    matplotlib.pyplot.close("all")


def words(ax):
    return [text.get_text() for axes in ax.figure.axes for text in axes.texts]


def drawn():
    return [charts.declared_way(FLOWS, STEPS, "A fifth pass over the hold.", optional={"hold"}),
            charts.uptake(CURVES, FORECASTS, "Less than half came."),
            charts.themes(SIZES, FEELINGS, "Noise is the largest."), charts.agenda(AGENDA, "Noise is on no agenda."),
            charts.event_time(TERMS, "A tenth more.", xlabel="terms", ylabel="openings"),
            charts.agreement_of_halves(HALVES, 4, "Four themes come back.", rests_on=12)]


@pytest.mark.parametrize("figure", range(6))
def test_a_figure_says_its_finding_and_its_numbers_in_its_alt_text(figure):
    ax = drawn()[figure]
    alt, title = charts.alt_text(ax.figure), ax.figure.get_suptitle()
    assert alt.startswith(title) and any(digit in alt for digit in "123456789") and "nan" not in alt
    assert "withheld" in alt or figure in (1, 5)


@pytest.mark.parametrize("figure", range(6))
def test_a_figure_says_on_how_few_people_it_rests_at_least(figure):
    assert style._ABOUT[drawn()[figure].figure]["rests_on"] == 12


def test_traffic_of_too_few_people_is_not_drawn_and_rare_traffic_has_no_label():
    ax = drawn()[0]
    assert not any("desk" in text for text in words(ax)) and not any("chat" in text for text in words(ax))
    assert any("gate\n10%" in text for text in words(ax)) and "20% \u00b12" in words(ax)


def test_a_wider_arrow_is_of_more_errands():
    ax = charts.declared_way(FLOWS[FLOWS["kind"] == "declared"], STEPS, "All keep to it.")
    widths = [patch.get_linewidth() for patch in ax.patches if isinstance(patch, matplotlib.patches.FancyArrowPatch)]
    assert sorted(widths, reverse=True) == widths and widths[0] / widths[-1] == pytest.approx(1.5)


def test_a_service_without_a_forecast_says_so():
    said = words(drawn()[1])
    assert "recorded after the launch, so it is none" in said and "forecast: 24%" in said and "forecast: 30%" not in said


def test_a_theme_that_feels_bad_for_sure_is_orange():
    panel = drawn()[2].figure.axes[1]
    assert panel.lines[0].get_color() == ACCENT


def test_a_problem_on_no_agenda_stands_out_and_a_withheld_priority_is_said():
    texts = {text.get_text(): text for text in drawn()[3].texts}
    assert texts["20% (15% to 25%)  noise"].get_fontweight() == "bold"
    assert "2  studio (withheld)" in texts


@pytest.mark.parametrize("few", [
    lambda: charts.declared_way(FLOWS.assign(estimate=np.nan), STEPS, "x"),
    lambda: charts.uptake(CURVES[:0], FORECASTS, "x"),
    lambda: charts.themes(SIZES[1:], FEELINGS[1:], "x"), lambda: charts.agenda(AGENDA[1:2], "x"),
    lambda: charts.event_time(TERMS[:1], "x", xlabel="terms", ylabel="openings")])
def test_where_all_is_withheld_a_sentence_says_so(few):
    with pytest.raises(ValueError, match="Too few"):
        few()


def test_the_way_past_an_optional_step_is_drawn_round_its_box_and_not_through_it():
    past = pd.DataFrame({"before": ["search"], "after": ["return"], "kind": "declared", "estimate": [0.4], "low": [0.38],
                         "high": [0.42]})
    ax = charts.declared_way(past, STEPS, "Two in five go past the hold.", optional={"hold"})
    label, = (text for text in ax.texts if text.get_text().startswith("40%"))
    assert label.xy[1] > 0.3 and label.get_color() == BLUE
