"""Reading lists become one row a module and term, and openings are told by how the lists were made."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.claims import CAUSAL
from libengage_utils.demo.lists import COCREATED, make_lists
from libengage_utils.demo.planted import planted_claims
from libengage_utils.privacy import PrivacyError
from libengage_utils.reading_lists import RUNGS, list_panel, use_by_rung
from libengage_utils.reading_lists.rungs import more_or_less
from libengage_utils.study import open_study

TERMS = {"spring 2024": "2024-01-15", "autumn 2024": "2024-09-23", "spring 2025": "2025-01-13"}


def tables(*modules, **columns):
    """Three terms of each module, made as told: rungs, None for no list; 20 students, 2 items, 2 weeks of 10 openings."""
    rows = [(f"{module}{turn}", f"M{module}", term, rung) for module, rungs in enumerate(modules)
            for turn, (term, rung) in enumerate(zip(TERMS, rungs, strict=True)) if rung]
    lists = pd.DataFrame(rows, columns=["list_id", "module", "term", "participation"]).assign(students=20).assign(**columns)
    lists["participation"] = lists["participation"].replace("unknown", None)
    items = pd.DataFrame({"list_id": np.repeat(lists["list_id"], 2), "item_id": ["1", "2"] * len(lists),
                          "has_note": [True, False] * len(lists), "digitised": True,
                          "importance": ["essential", None] * len(lists)})
    week = pd.to_datetime(lists["term"].map(TERMS))
    use = pd.concat([pd.DataFrame({"list_id": lists["list_id"], "week": week + pd.Timedelta(weeks=later), "opens": 10})
                     for later in (0, 1)], ignore_index=True)
    return lists, items, use


def left_out(result):
    return result.left_out.loc[result.left_out["number"] > 0].set_index("what")["number"].to_dict()


TOLD, TURNED, BACK = ["informed"] * 3, ["informed", "involved", "user-led"], ["consulted", "partnered", "informed"]


# --- the panel ---

def test_a_list_is_opened_so_often_a_student_and_week():
    row = list_panel(*tables(TOLD)).panel.loc[0]
    assert (row["opens"], row["student_weeks"], row["rate"]) == (20, 40, 0.5) and row["above_nought"] == 0.5
    assert (row["items"], row["length"], row["noted"], row["digitised"], row["essential"]) == (2, 1, 0.5, 1, 1)


def test_terms_are_in_the_order_in_which_they_were_used_not_of_the_alphabet():
    panel = list_panel(*tables(TOLD)).panel
    assert dict(zip(panel["term"], panel["turn"], strict=True)) == {name: turn for turn, name in enumerate(TERMS)}
    lists, items, use = tables(TOLD, TOLD, TOLD)
    use.loc[use["list_id"] == "02", "week"] = pd.Timestamp("2023-07-03")  # one list of the last term, opened long before
    assert list_panel(lists, items, use).panel["turn"].tolist() == [0, 1, 2] * 3


def test_terms_may_be_chosen():
    result = list_panel(*tables(TURNED), terms=["autumn 2024", "spring 2025"])
    assert result.panel[["turn", "adopted"]].values.tolist() == [[0, 0], [1, 0]]
    assert left_out(result) == {"lists of a term not looked at": 1}


@pytest.mark.parametrize(("rungs", "adopted", "cocreated"), [
    (TOLD, np.nan, [0, 0, 0]), (TURNED, 1, [0, 1, 1]), (["partnered"] * 3, 0, [1, 1, 1])])
def test_a_module_adopts_with_its_first_list_made_together(rungs, adopted, cocreated):
    result = list_panel(*tables(rungs))
    assert result.panel["cocreated"].tolist() == cocreated
    assert result.panel["adopted"].fillna(-1).tolist() == [np.nan_to_num(adopted, nan=-1)] * 3
    assert (result.adopting, result.from_start) == (adopted == adopted, adopted == 0)


def test_what_counts_as_made_together_is_chosen():
    assert list_panel(*tables(BACK), cocreated_from="consulted").panel["adopted"].tolist() == [0] * 3
    assert list_panel(*tables(TURNED), cocreated_from="user-led").panel["adopted"].tolist() == [2] * 3


def test_a_module_that_goes_back_has_adopted_since_its_first_and_is_counted():
    result = list_panel(*tables(BACK, TURNED, TOLD))
    assert result.undone == 1 and "went back later" in result.summary
    assert result.panel[["cocreated", "adopted"]].values.tolist()[:3] == [[0, 1], [1, 1], [0, 1]]


def test_a_list_left_out_still_dates_its_modules_adoption():
    lists, items, use = tables(TURNED)
    lists.loc[1, "students"] = 3
    result = list_panel(lists, items, use)
    assert result.panel[["turn", "adopted"]].values.tolist() == [[0, 1], [2, 1]]


def test_a_module_may_have_adopted_before_it_seems_where_a_list_is_of_unknown_making():
    result = list_panel(*tables(["unknown", "involved", "involved"], ["informed", "involved", "unknown"],
                                ["informed", "unknown", "informed"]))
    assert result.unsure == 2 and left_out(result) == {"lists without participation": 3}


def test_without_participation_lists_are_kept_and_nobody_adopts():
    lists, items, use = tables(TOLD)
    result = list_panel(lists.drop(columns="participation"), items, use, cocreated_from=None)
    assert len(result.panel) == 3 and result.panel[["cocreated", "adopted"]].isna().all(axis=None)
    assert "together" not in result.summary


@pytest.mark.parametrize(("column", "last", "words", "number"), [
    ("students", [0, np.nan, 20], "lists without students", 2),
    ("students", [9, 10, 20], "lists of fewer than 10 students", 1),
    ("term", ["spring 2024", "spring 2025", "spring 2025"], "lists of a module with another in the term", 2),
    ("published_on", [None, "2024-09-29", "2025-01-20"], "lists published after the first week of the term", 1)])
def test_a_list_that_cannot_be_used_is_left_out_and_counted(column, last, words, number):
    lists, items, use = tables(TOLD, TOLD, published_on=None)
    lists[column] = [*lists[column][:3], *last]
    result = list_panel(lists, items, use)
    assert left_out(result) == {words: number} and len(result.panel) == 6 - number


def test_an_empty_twin_of_a_list_does_not_take_the_list_with_it():
    lists, items, use = tables(TOLD)
    twin = lists.assign(list_id="twin" + lists["list_id"], students=0)
    assert len(list_panel(pd.concat([lists, twin]), items, use).panel) == 3


def test_use_of_unknown_lists_and_weeks_without_a_row_are_counted():
    lists, items, use = tables(TOLD, TOLD)
    strange = pd.concat([use.iloc[1:], use.iloc[:3].assign(list_id="elsewhere")])
    result = list_panel(lists, items, strange)
    assert left_out(result) == {"weeks without a row of use": 1, "rows of use of unknown lists": 3}
    assert result.panel["weeks"].tolist() == [1, 2, 2, 2, 2, 2] and result.panel["rate"].eq(0.5).all()
    assert "add it with 0" in result.summary
    unused = list_panel(lists, items, use[use["list_id"] != "00"])
    assert left_out(unused) == {"lists without any week of use": 1}


def test_a_list_never_opened_has_half_an_opening_in_logarithms_only():
    lists, items, use = tables(TOLD)
    use.loc[use["list_id"] == "00", "opens"] = 0
    result = list_panel(lists, items, use)
    assert result.panel.loc[0, "rate"] == 0 and result.panel.loc[0, "above_nought"] == 0.5 / 40
    assert left_out(result) == {"lists never opened": 1}


def test_a_list_without_items_is_kept_and_its_features_are_unknown():
    lists, items, use = tables(TOLD)
    result = list_panel(lists, items[items["list_id"] != "00"], use)
    row = result.panel.loc[0]
    assert row["items"] == 0 and row[["noted", "digitised", "essential", "length"]].isna().all() and row["rate"] == 0.5
    assert left_out(result) == {"lists without items": 1}
    bare = list_panel(lists, items[["list_id"]], use).panel
    assert bare["length"].eq(1).all() and bare[["noted", "digitised", "essential"]].isna().all(axis=None)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_every_list_is_kept_or_counted_once_and_order_never_matters(seed):
    rng = np.random.default_rng(seed)
    lists, items, use = tables(*[rng.choice([*RUNGS, "unknown"], 3).tolist() for _ in range(8)])
    lists["students"] = rng.choice([0, 5, 20, 40], len(lists))
    lists["module"] = rng.choice(lists["module"], len(lists))
    lists["published_on"] = pd.to_datetime(lists["term"].map(TERMS)) + pd.to_timedelta(rng.integers(-9, 12, len(lists)), "D")
    use = use[rng.random(len(use)) < 0.7]
    try:
        result = list_panel(lists, items, use)
    except ValueError as problem:
        assert "No list can be used" in str(problem)
        return
    gone = result.left_out.loc[result.left_out["then"].str.startswith("left out") &
                               result.left_out["what"].str.startswith("lists"), "number"].sum()
    assert len(result.panel) + gone == len(lists)
    mixed = list_panel(*(frame.sample(frac=1, random_state=seed) for frame in (lists, items, use)))
    pd.testing.assert_frame_equal(mixed.panel, result.panel)
    assert mixed.summary == result.summary


def test_the_kind_of_frame_never_matters():
    frames = tables(TURNED, BACK)
    other = list_panel(*map(pl.from_pandas, frames)).panel
    pd.testing.assert_frame_equal(other, list_panel(*frames).panel, check_dtype=False)


@pytest.mark.parametrize(("change", "options", "words"), [
    (lambda rows: rows.drop(columns="term"), {}, "no column term"),
    (lambda rows: rows.assign(list_id="one"), {}, "2 lists have a list_id that another has"),
    (lambda rows: rows.assign(participation="asked"), {}, "3 lists have a participation that is none of informed"),
    (lambda rows: rows, {"cocreated_from": "asked"}, "it is asked"),
    (lambda rows: rows, {"terms": ["summer"]}, "No list of summer has a week of use"),
    (lambda rows: rows.assign(students=4), {}, "of 3, 3 are lists of fewer than 10 students")])
def test_lists_that_cannot_be_read_are_refused(change, options, words):
    lists, items, use = tables(TOLD)
    with pytest.raises(ValueError, match=words):
        list_panel(change(lists), items, use, **options)


@pytest.fixture(scope="module")
def demo():
    study = open_study("data/demo")
    return list_panel(study.reading_lists, study.reading_list_items, study.reading_list_use)


def test_the_synthetic_librarys_lists_are_read(demo):
    assert left_out(demo) == {"lists of fewer than 10 students": 5} and len(demo.panel) == 715
    assert demo.panel["turn"].max() == 5 and demo.from_start == demo.undone == demo.unsure == 0
    assert not CAUSAL.search(demo.summary)
    turned = demo.panel[demo.panel["participation"].isin(COCREATED)].groupby("module")["turn"].min()
    assert (demo.panel.groupby("module")["adopted"].first().dropna() <= turned).all() and demo.adopting == len(turned)


# --- openings by rung ---

def rows(*groups, spread=0.0, seed=0):
    """Modules with one list each: (rung, modules, openings in 100 student-weeks)."""
    rng = np.random.default_rng(seed)
    frames = [pd.DataFrame({"participation": rung, "cocreated": float(rung in RUNGS[2:]),
                            "opens": np.round(rate * np.exp(spread * rng.normal(size=number))), "student_weeks": 100})
              for rung, number, rate in groups]
    frame = pd.concat(frames, ignore_index=True)
    return frame.assign(module=range(len(frame)), term="autumn")


def test_a_rungs_rate_is_all_openings_over_all_student_weeks():
    panel = rows(("informed", 20, 40), ("involved", 20, 60))
    panel.loc[0, ["opens", "student_weeks"]] = 1000, 2000
    table = use_by_rung(panel).table.set_index("label")
    assert table.loc["informed", "estimate"] == (19 * 40 + 1000) / (19 * 100 + 2000)
    assert table.loc["involved", ["estimate", "low", "high", "lists", "modules"]].tolist() == [0.6, 0.6, 0.6, 20, 20]


def test_its_interval_is_that_of_the_ratio_estimator():
    """Cochran (1977), Sampling Techniques, eq. 6.13: variance of a ratio by linearisation."""
    panel = rows(("informed", 400, 40), ("involved", 400, 60), spread=0.5)
    row = use_by_rung(panel, draws=2000).table.loc[0]
    some = panel[panel["participation"] == "informed"]
    rest = some["opens"] - row["estimate"] * some["student_weeks"]
    error = np.sqrt(400 * rest.var()) / some["student_weeks"].sum()
    assert (row["high"] - row["low"]) / 2 == pytest.approx(1.96 * error, rel=0.07)


def test_the_lists_of_one_module_again_make_nothing_surer():
    once = rows(("informed", 40, 40), ("involved", 40, 60), spread=0.5)
    thrice = pd.concat([once.assign(term=term) for term in range(3)])
    told, again = (use_by_rung(panel).table.drop(columns="lists") for panel in (once, thrice))
    pd.testing.assert_frame_equal(again, told)


def test_a_rung_of_few_modules_is_withheld_and_another_with_it():
    result = use_by_rung(rows(("informed", 60, 40), ("consulted", 30, 40), ("involved", 25, 50), ("user-led", 4, 90)))
    table = result.table.set_index("label")
    assert table["estimate"].isna().to_dict() == {"informed": False, "consulted": False, "involved": True, "user-led": True}
    assert table.loc["user-led"].isna().all() and "involved, user-led" in result.summary
    assert result.ratio > 1  # 29 modules made together: their sum tells none of the two
    across = use_by_rung(rows(("informed", 60, 40), ("consulted", 12, 40), ("involved", 25, 50), ("user-led", 4, 90)))
    assert np.isnan(across.ratio) and "Too few modules" in across.headline


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.sampled_from(RUNGS[:4]), min_size=1, max_size=3, unique=True), min_size=20, max_size=45))
def test_no_few_modules_can_be_had_by_taking_what_is_shown_from_the_total(modules):
    panel = pd.DataFrame([(number, turn, rung, float(rung == "involved"), 5, 100) for number, rungs in enumerate(modules)
                          for turn, rung in enumerate(rungs)],
                         columns=["module", "term", "participation", "cocreated", "opens", "student_weeks"])
    result = use_by_rung(panel, draws=20)
    gone = result.table.loc[result.table["estimate"].isna(), "label"]
    parts = [panel, *([] if np.isnan(result.ratio) else [panel[panel["cocreated"] == side] for side in (0, 1)])]
    for part in parts:
        assert not 0 < part.loc[part["participation"].isin(gone), "module"].nunique() < 10
    assert (result.table["modules"].dropna() >= 10).all()


def test_sentences_follow_their_intervals():
    apart = use_by_rung(rows(("informed", 60, 40), ("involved", 60, 60), spread=0.3))
    assert apart.low > 1 and "opened 5" in apart.headline and "more (95% interval" in apart.headline
    alike = use_by_rung(rows(("informed", 60, 50), ("involved", 60, 50), spread=0.3))
    assert alike.low < 1 < alike.high and "cannot be told" in alike.headline
    assert "0.3% to 20%" in more_or_less("these", "those", 1.1, 1.003, 1.2)
    assert not CAUSAL.search(apart.summary + alike.summary)


def test_keen_modules_make_lists_together_so_that_rungs_differ_though_nothing_is_planted(demo):
    result = use_by_rung(demo.panel)
    assert result.low > 1 and result.table["label"].tolist() == list(RUNGS)
    planted = make_lists(planted_claims({"C16": True}), np.random.default_rng(0))
    assert use_by_rung(list_panel(*planted).panel).ratio > result.ratio


def test_what_cannot_be_told_by_rung_is_refused():
    with pytest.raises(ValueError, match="None of 20 lists has a participation"):
        use_by_rung(rows(("informed", 20, 40)).assign(cocreated=np.nan))
    with pytest.raises(PrivacyError, match="protects nobody"):
        use_by_rung(rows(("informed", 20, 40)), minimum_count=2)
