"""Statements about ratings on one scale, and about which step a row of feedback is about."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.journeys.feelings import attach, rated, turned_scales


def at(*days):
    return pd.to_datetime("2025-03-01") + pd.to_timedelta(days, unit="D")


def ratings(rating, worst, best, **columns):
    return pd.DataFrame({"rating": rating, "rating_min": worst, "rating_max": best, **columns})


# --- one scale ---

@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1))
def test_the_worst_is_minus_one_the_best_one_and_the_middle_nought_whichever_way_the_scale_runs(worst, best, share):
    if abs(best - worst) < 1e-3:
        return
    low, high = min(worst, best), max(worst, best)
    inside = min(max(worst + share * (best - worst), low), high)
    valence = rated(ratings([worst, best, (worst + best) / 2, inside], worst, best)).feedback["valence"]
    assert valence[:3].tolist() == pytest.approx([-1, 1, 0], abs=1e-9)
    assert valence[3] == pytest.approx(2 * share - 1, abs=1e-3)


def test_a_scale_on_which_one_is_best_is_followed_as_declared():
    assert rated(ratings([1, 2, 5], 5, 1)).feedback["valence"].tolist() == [1, 0.5, -1]


def test_a_rating_outside_its_scale_is_missing_and_counted():
    result = rated(ratings([0, 6, 3, None, "four"], 1, 5))
    assert result.feedback["valence"].isna().tolist() == [True, True, False, True, True]
    assert (result.ratings, result.outside, result.without_scale) == (4, 3, 0)
    assert "3 outside their scale" in result.summary


@pytest.mark.parametrize(("worst", "best"), [(None, 5), (1, None), (3, 3), (1, np.inf)])
def test_a_rating_without_a_scale_is_missing_and_counted(worst, best):
    result = rated(ratings([3, 4], worst, best))
    assert result.feedback["valence"].isna().all() and result.without_scale == 2
    assert "2 without a scale" in result.summary and "rating_min" in result.summary


def test_feedback_without_ratings_is_said_to_have_none():
    result = rated(pd.DataFrame({"text": ["Thank you", "Never again"]}))
    assert result.feedback["valence"].isna().all()
    assert result.summary == "None of the 2 rows of feedback holds a rating."
    assert rated(ratings([], [], [])).ratings == 0


def test_rating_keeps_rows_index_and_other_columns():
    feedback = ratings([3, 4], 1, 5, text=["a", "b"]).set_axis([7, 7])
    result = rated(feedback).feedback
    assert result.index.tolist() == [7, 7] and result["text"].tolist() == ["a", "b"]
    assert "valence" not in feedback


# --- a scale turned round ---

def forms(slope, people=120, seed=0, times=1):
    rng = np.random.default_rng(seed)
    said = rng.uniform(-1, 1, people * times)
    return pd.DataFrame({"instrument": "box", "person_key": np.tile([f"p{i}" for i in range(people)], times),
                         "given_at": np.repeat(at(*range(times)), people),
                         "valence": slope * said + rng.normal(0, 0.5, len(said)), "said": said})


def test_words_that_go_against_ratings_raise_a_warning_that_names_the_instrument():
    table = turned_scales(pd.concat([forms(-1), forms(1).assign(instrument="form")]))
    warnings = table.set_index("instrument")["warning"]
    assert "On the box" in warnings["box"] and "nothing was changed" in warnings["box"]
    assert warnings["form"] == ""


def test_words_are_compared_with_the_ratings_of_the_same_form():
    both = forms(-1)
    halves = pd.concat([both.assign(said=np.nan), both.assign(valence=np.nan)])
    pd.testing.assert_frame_equal(turned_scales(halves), turned_scales(both))
    assert turned_scales(halves.assign(person_key=None)).empty


def test_anonymous_rows_are_compared_row_by_row():
    signed, unsigned = turned_scales(forms(-1)), turned_scales(forms(-1).assign(person_key=None).set_axis([0] * 120))
    pd.testing.assert_frame_equal(signed, unsigned)


def test_few_people_raise_no_warning_however_often_they_write():
    table = turned_scales(forms(-1, people=8, times=20))
    assert table["correlation"].isna().all() and (table["warning"] == "").all()


def test_the_interval_of_the_rank_correlation_covers_it():
    """Of normal variables with correlation r, Spearman's is 6/pi asin(r/2) (Pearson 1907)."""
    rng, r, covered = np.random.default_rng(1), -0.5, 0
    for _ in range(300):
        x, y = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], 60).T
        row = turned_scales(pd.DataFrame({"instrument": "box", "valence": x, "said": y})).loc[0]
        covered += row["low"] <= 6 / np.pi * np.arcsin(r / 2) <= row["high"]
    assert 0.91 <= covered / 300 <= 0.985


def test_unrelated_words_and_ratings_seldom_raise_a_warning():
    raised = [turned_scales(forms(0, people=40, seed=seed))["warning"].ne("").any() for seed in range(200)]
    assert np.mean(raised) < 0.07  # 2.5% expected, one side of a 95% interval


def test_feedback_that_was_not_rated_first_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"no column valence.*`rated`"):
        turned_scales(pd.DataFrame({"instrument": ["box"], "said": [0.2]}))


# --- which step ---

EVENTS = pd.DataFrame({
    "event_id": ["e1", "e2", "e3", "e4", "e5", "e6"],
    "person_key": ["ann", "ann", "ann", "bob", "ann", None],
    "occurred_at": at(0, 1, 2, 2, 20, 2),
    "touchpoint": ["search", "hold", "search", "search", "desk", "desk"],
    "initiated_by": "person",
    "journey_id": ["j1", "j1", "j1", "j2", None, "j3"],
})


def said(**columns):
    given = {"feedback_id": "f1", "person_key": "ann", "given_at": at(5)[0], "instrument": "form", "question": "step",
             "touchpoint": "search", "journey_id": "j1"}
    return pd.DataFrame({name: value if isinstance(value, list) else [value] for name, value in (given | columns).items()})


def found(feedback, events=EVENTS, **options):
    result = attach(feedback, events, **options).feedback
    return list(zip(result["event_id"].fillna("none"), result["how"].fillna("none"), strict=True))


def test_feedback_on_a_repeated_step_is_about_the_last_before_it_was_given():
    assert found(said()) == [("e3", "journey")]
    assert found(said(given_at=at(1.5)[0])) == [("e1", "journey")]


def test_feedback_given_at_the_moment_of_the_step_is_about_it():
    assert found(said(given_at=at(2)[0])) == [("e3", "journey")]


def test_a_form_that_asks_about_a_repeated_step_twice_is_about_both():
    twice = pd.concat([said(feedback_id="f2"), said(feedback_id="f1")])
    assert found(twice) == [("e3", "journey"), ("e1", "journey")]
    assert found(pd.concat([twice, said(feedback_id="f0")]))[2] == ("e1", "journey")


def test_other_questions_on_a_repeated_step_are_about_the_last():
    assert found(pd.concat([said(), said(question="comment")])) == [("e3", "journey")] * 2


def test_a_journey_is_followed_without_a_person_but_never_to_somebody_else():
    assert found(said(person_key=None)) == [("e3", "journey")]
    assert found(said(person_key="bob", touchpoint="hold")) == [("none", "none")]


def test_without_a_time_only_a_single_such_step_is_taken():
    assert found(said(given_at=pd.NaT, touchpoint="hold")) == [("e2", "journey")]
    assert found(said(given_at=pd.NaT)) == [("none", "none")]


def test_without_a_journey_the_last_act_within_the_window_is_taken():
    alone = said(journey_id=None, touchpoint="desk", given_at=at(27)[0])
    assert found(alone) == [("e5", "window")]
    assert found(alone, within_days=6.9) == [("none", "none")]
    assert found(said(journey_id=None, touchpoint="desk", given_at=at(19)[0])) == [("none", "none")]


def test_feedback_whose_journey_has_no_such_step_falls_back_on_the_window():
    assert found(said(touchpoint="desk", given_at=at(21)[0])) == [("e5", "window")]


def test_what_staff_or_systems_did_is_no_step():
    staff = EVENTS.assign(initiated_by=np.where(EVENTS["event_id"] == "e3", "staff", "person"))
    assert found(said(), staff) == [("e1", "journey")]


def test_a_log_without_journeys_leaves_the_window():
    assert found(said(), EVENTS.drop(columns="journey_id")) == [("e3", "window")]


def crowd(people=40, seed=0):
    """Events and feedback of many people."""
    rng = np.random.default_rng(seed)
    n = people * 8
    events = pd.DataFrame({
        "event_id": [f"e{i:04}" for i in range(n)], "person_key": [f"p{i % people}" for i in range(n)],
        "occurred_at": at(*rng.integers(0, 60, n)), "touchpoint": rng.choice(["search", "hold", "desk"], n),
        "initiated_by": rng.choice(["person", "staff"], n, p=[0.9, 0.1])})
    events["journey_id"] = [f"j{i % people}" if rng.random() < 0.5 else None for i in range(n)]
    m = people * 4
    feedback = pd.DataFrame({
        "feedback_id": [f"f{i:04}" for i in range(m)], "person_key": [f"p{i % people}" if i % 9 else None for i in range(m)],
        "given_at": at(*rng.integers(0, 70, m)), "instrument": "form", "question": "step",
        "touchpoint": rng.choice(["search", "hold", "desk"], m)})
    feedback["journey_id"] = [f"j{i % people}" if i % 3 else None for i in range(m)]
    feedback.loc[::11, "touchpoint"] = None
    return feedback, events


@pytest.mark.parametrize("frame", [pl.from_pandas, lambda events: duckdb.from_df(events)], ids=["polars", "duckdb"])
def test_the_kind_of_frame_does_not_matter(frame):
    feedback, events = crowd()
    result, expected = attach(feedback, frame(events)), attach(feedback, events)
    assert found(feedback, frame(events)) == found(feedback, events)
    pd.testing.assert_frame_equal(result.ways, expected.ways)
    assert found(frame(feedback), events) == found(feedback, events)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(seed):
    feedback, events = crowd(seed=seed)
    straight = attach(feedback, events).feedback.set_index("feedback_id")["event_id"]
    mixed = attach(feedback.sample(frac=1, random_state=seed), events.sample(frac=1, random_state=seed)).feedback
    pd.testing.assert_series_equal(mixed.set_index("feedback_id")["event_id"].sort_index(), straight)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 7, 30]))
def test_what_is_tied_is_an_own_act_at_that_touchpoint_not_later_and_near_unless_by_journey(seed, days):
    feedback, events = crowd(seed=seed)
    tied = attach(feedback, events, within_days=days).feedback.dropna(subset="event_id")
    acts = events.set_index("event_id").loc[tied["event_id"]]
    assert (acts["initiated_by"] == "person").all() and (acts["touchpoint"].to_numpy() == tied["touchpoint"]).all()
    ago = tied["given_at"].to_numpy() - acts["occurred_at"].to_numpy()
    near = ago <= np.timedelta64(days, "D")
    assert (ago >= np.timedelta64(0)).all() and near[tied["how"] == "window"].all()
    assert (acts["journey_id"].to_numpy() == tied["journey_id"])[tied["how"] == "journey"].all()


def test_how_much_was_tied_is_shown_by_way_and_adds_up():
    feedback, events = crowd(people=200)
    result = attach(feedback, events)
    counted = result.ways["rows"]
    assert counted.sum() == len(feedback) and result.ways["share"].sum() == pytest.approx(1)
    assert counted["tied by journey"] == (result.feedback["how"] == "journey").sum()
    assert counted["names no touchpoint"] == feedback["touchpoint"].isna().sum()
    assert result.tied == pytest.approx(result.feedback["how"].notna().sum() / feedback["touchpoint"].notna().sum())
    assert "in the 7 days before" in result.summary and "tied by journey" in result.summary


def test_a_way_of_few_people_is_withheld_and_cannot_be_worked_out():
    feedback, events = crowd(people=200)
    feedback = feedback[feedback["touchpoint"].notna() | (feedback.groupby(feedback["touchpoint"].isna()).cumcount() < 4)]
    ways = attach(feedback, events).ways
    assert ways["rows"].isna().sum() >= 2 and np.isnan(ways.loc["names no touchpoint", "rows"])
    assert "names no touchpoint withheld" in attach(feedback, events).summary


@pytest.mark.parametrize("lost", ["person_key", "given_at", "touchpoint", "feedback_id", "journey_id"])
def test_feedback_that_lacks_a_column_is_tied_as_far_as_it_can_be(lost):
    feedback, events = crowd()
    tied = attach(feedback.drop(columns=lost), events).feedback["how"].value_counts()
    assert set(tied.index) == {"person_key": {"journey"}, "given_at": {"journey"}, "touchpoint": set(),
                               "journey_id": {"window"}}.get(lost, {"journey", "window"})


def test_ten_rows_of_a_few_people_are_tied_without_a_share():
    result = attach(pd.concat([said()] * 10), EVENTS)
    assert result.feedback["event_id"].notna().all() and np.isnan(result.tied)
    assert "too few people" in result.summary


@pytest.mark.parametrize(("feedback", "events", "options", "words"), [
    (said()[:0], EVENTS, {}, "There is no feedback"),
    (said(), EVENTS[:0], {}, "no events"),
    (said(), EVENTS.assign(person_key=None), {}, "identified person"),
    (said(), EVENTS.drop(columns="touchpoint"), {}, "no column touchpoint"),
    (said(), EVENTS, {"within_days": 0}, "within_days"),
    (said(given_at=at(5).tz_localize("Europe/London")[0]), EVENTS, {}, "carry a time zone")])
def test_what_cannot_be_tied_at_all_is_refused_in_a_sentence(feedback, events, options, words):
    with pytest.raises(ValueError, match=words):
        attach(feedback, events, **options)
