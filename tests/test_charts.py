"""A figure states its finding, shows its uncertainty and describes itself in words."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("agg")

from libengage_utils import charts, segments
from libengage_utils.attention import concentration, concentration_index
from libengage_utils.charts import style
from libengage_utils.clusters import EngagementClusters
from libengage_utils.effects import discontinuity, extremes
from libengage_utils.letters import calibration
from libengage_utils.specifications import specifications

HOME = Path(__file__).parent.parent
CHOICES = specifications(
    concentration_index, {"minimum_count": {"ten": 10, "twelve": 12, "all": 41}}, {"minimum_count": "ten"},
    amount=np.arange(40), rank_by=np.arange(40), draws=50)
SHARES = segments.shares(["not seen"] * 180 + ["regular"] * 120 + ["occasional"] * 700)


@pytest.fixture(autouse=True)
def closed():
    charts.house_style()
    yield
    matplotlib.pyplot.close("all")


def over_choices():
    return charts.specification_curve(CHOICES, "C03", words={"minimum_count": "fewest people"}, ylabel="index")


def jumping():
    rng = np.random.default_rng(0)
    days = rng.integers(0, 400, 4000)
    found = discontinuity(days, rng.random(4000) < 0.2 + 0.3 * (days >= 200), cutoff=200)
    return charts.jump(found, "It jumps by 30 points.", xlabel="days", ylabel="share")


def drawn():
    """One of each figure."""
    rng = np.random.default_rng(0)
    weeks = pd.DataFrame({"week": pd.date_range("2025-01-06", periods=8, freq="7D"), "error": 5.0,
                          "acts": [100.0, 120, np.nan, 90, 300, 280, 50, 60], "people": [50, 60, 3, 40, 90, 90, 40, 40]})
    estimates = pd.DataFrame({"label": ["a", "b"], "estimate": [0.2, np.nan], "low": [0.1, np.nan], "high": [0.3, np.nan],
                              "rests_on": [40, 3]})
    counts = pd.DataFrame([[30.0, np.nan], [0, 60]], ["not seen", "regular"], ["not seen", "regular"])
    clouds = pd.DataFrame(np.vstack([rng.normal(at, 1, (60, 2)) for at in (0, 9)]), columns=["one", "two"])
    clusters = EngagementClusters(n_clusters=[2], n_init=10).fit(clouds)
    steps = estimates.assign(people=[40, np.nan], mark=["low", ""])
    ratings = extremes([1] * 40 + [2] * 15 + [3] * 3 + [4] * 60, points=[1, 2, 3, 4], draws=50)
    spans = pd.DataFrame({"estimate": [0.3, 0.2, 0.1], "low": [0.2, 0.1, -0.1], "high": [0.4, 0.3, 0.3], "rests_on": 40})
    ways = spans.assign(**{"from": ["lived", "felt", "lived"], "to": ["felt", "done", "done"]})[
        ["from", "to", "estimate", "low", "high"]]
    return [
        charts.arc(steps, "A low of twenty."), charts.extremes({"asked": ratings, "unasked": ratings}, "Ends are 20%."),
        charts.contrast(estimates.assign(series=["one", "other"]), "One is 20%.", xlabel="share"),
        charts.returned(spans.assign(group="all", day=range(3)), "A tenth is back."),
        charts.paths_between(ways, "Some passes.", rests_on=40),
        charts.sensitivity(spans.assign(rho=[-0.5, 0, 0.5]), 0.3, "It holds.", rests_on=40),
        charts.weeks(weeks), charts.segment_shares(SHARES, "2025/26"), charts.hundred_people(SHARES, "2025/26"),
        charts.lorenz({"people seen": concentration(rng.poisson(3, 500) + 1)}),
        charts.intervals(estimates, "A is twenty percent.", xlabel="share", mark=0.05, mark_words="5%"),
        charts.movement(counts / 90, "Most stayed.", before="then", after="now",
                        impossible=segments.impossible_moves(counts), people=counts),
        charts.stability(clusters), over_choices(),
        charts.promise(calibration(np.repeat([0.2, 0.6], 100), np.arange(200) % 5 < 2)), jumping(),
        charts.gain(spans.assign(share=[0.1, 0.5, 1.0]), "A ranking adds ten."),
        charts.ranked({"all": concentration_index(np.arange(60), np.arange(60), draws=50)}, "Most goes to few, 49%.",
                      ylabel="share of minutes"),
        charts.profile(segments.profile(clouds, clusters.labels_), "They differ."),
    ]


def test_every_figure_has_a_title_and_says_it_in_its_alt_text_with_numbers():
    for ax in drawn():
        title, alt = ax.figure.get_suptitle(), charts.alt_text(ax.figure)
        assert title and alt.startswith(title.replace("\n", " ")[:20]) and any(digit in alt for digit in "0123456789")


def test_every_figure_says_on_how_few_people_it_rests_at_least_and_what_is_withheld_or_cannot_be_counts_for_nothing():
    title = {ax.figure.get_suptitle().splitlines()[0]: style._ABOUT[ax.figure].get("rests_on") for ax in drawn()}
    assert all(isinstance(number, int) for number in title.values())
    assert title["A is twenty percent."] == 40 and title["Most stayed."] == 30 and title["Ends are 20%."] == 18


def test_a_figure_of_a_population_says_which_counts_it_makes_public():
    counts = style._ABOUT[charts.segment_shares(SHARES, "now").figure]["counts"]
    assert [(said["where"], round(said["low"], 3)) for said in counts] == [
        ({"segment": "not seen"}, 0.175), ({"segment": "occasional"}, 0.695), ({"segment": "regular"}, 0.115), ({}, 995)]
    table = segments.shares(["not seen"] * 400 + ["regular"] * 600 + ["intensive"] * 3)
    assert sum(said["withheld"] for said in style._ABOUT[charts.hundred_people(table, "now").figure]["counts"]) == 2


def test_a_table_that_says_nothing_of_the_people_behind_it_declares_nothing():
    table = pd.DataFrame({"estimate": [0.2, 0.3]})
    assert charts.fewest(table) is None and charts.fewest(table.assign(rests_on=[40, np.nan])) is None
    assert charts.fewest(table.assign(rests_on=np.inf)) == "no people"


def test_alt_text_follows_the_numbers():
    other = segments.shares(["not seen"] * 400 + ["regular"] * 600)
    assert "18%" in charts.alt_text(charts.segment_shares(SHARES, "now").figure)
    assert "40%" in charts.alt_text(charts.segment_shares(other, "now").figure)


def test_what_is_withheld_is_drawn_as_withheld_and_never_as_nought():
    table = segments.shares(["not seen"] * 400 + ["regular"] * 600 + ["intensive"] * 3)
    ax = charts.segment_shares(table, "now")
    assert "too few to show" in charts.alt_text(ax.figure)
    assert any("withheld" in text.get_text() for text in ax.texts)
    assert len(ax.patches) == table["share"].notna().sum()


def test_a_figure_is_drawn_on_the_axes_it_is_given():
    figure, axes = matplotlib.pyplot.subplots(1, 2)
    assert charts.segment_shares(SHARES, "now", ax=axes[1]) is axes[1]
    assert axes[1].get_title(loc="left") and not figure.get_suptitle()


def test_the_same_figure_gives_the_same_svg():
    one, other = (charts.svg(charts.segment_shares(SHARES, "now").figure) for _ in range(2))
    assert one == other and "DejaVu" not in one


def test_a_hundred_people_are_a_hundred():
    ax = charts.hundred_people(SHARES, "now")
    assert sum(patch.get_x() < 10 for patch in ax.patches) == 100


@pytest.mark.parametrize("few", [
    lambda: charts.weeks(pd.DataFrame({"week": [pd.Timestamp("2025-01-06")], "acts": [np.nan], "error": [np.nan]})),
    lambda: charts.arc(pd.DataFrame({"label": ["a"], "estimate": np.nan, "low": np.nan, "high": np.nan}), "x"),
    lambda: charts.returned(pd.DataFrame(columns=["group", "day", "estimate", "low", "high"]), "x"),
    lambda: charts.contrast(pd.DataFrame({"label": ["a"], "series": ["b"], "estimate": [np.nan]}), "x", xlabel="share"),
    lambda: charts.lorenz({"people seen": concentration([1, 2, 3] * 5)}),
    lambda: charts.intervals(pd.DataFrame(columns=["label", "estimate", "low", "high"]), "x", xlabel="share")])
def test_a_figure_of_too_few_is_refused_with_a_sentence(few):
    with pytest.raises(ValueError, match=r"[Tt]oo few|nothing to compare"):
        few()


def test_the_picture_of_the_readme_is_of_the_demo():
    from libengage_utils.engagement import engagement_features
    from libengage_utils.study import open_study

    study = open_study(HOME / "data" / "demo")
    features = segments.lifecycle(
        engagement_features(study.people, study.events, periods=study.periods, loan_days=study.loan_days,
                            coverage=study.coverage).df(), loan_days=study.loan_days, teaching_weeks=study.teaching_weeks)
    period = study.periods["period"].iloc[-1]
    ax = charts.hundred_people(segments.shares(features.loc[features["period"] == period, "segment"]), period)
    picture = (HOME / "docs" / "hundred-people.svg").read_text()
    assert all(text.get_text() in picture for text in ax.texts)
    assert ax.figure.get_suptitle().splitlines()[0] in picture


def test_only_a_figure_of_people_chosen_by_lot_may_name_a_cause():
    with pytest.raises(ValueError, match="names a cause"):
        charts.segment_shares(SHARES, "2025/26, the effect of the letter")


def test_what_could_not_be_computed_is_left_out_of_a_specification_curve_and_counted():
    alt = charts.alt_text(over_choices().figure)
    assert "2 combinations" in alt and "could not be computed: 1" in alt
