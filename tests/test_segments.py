"""Lifecycle segments follow the rules in every frame library; profiles, movement and agreement are right."""

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp
from statsmodels.stats.weightstats import DescrStatsW

from libengage_utils.segments import (
    LIFECYCLE,
    cut_points,
    impossible_moves,
    lifecycle,
    movement,
    profile,
    shares,
)

YEAR = {"loan_days": 28, "teaching_weeks": 30}


def person(**known):
    """A person eligible and covered for thirteen loan cycles, active as told."""
    row = {"eligible_days": 364, "covered": True, "seen_before": False, "acts": 0}
    return row | {"active_days": 0, "active_cycles": 0} | known


def cardholder(**known):
    """A person of whom only a summary over thirteen loan cycles is known."""
    row = {"eligible_days": 364, "covered": True, "seen_before": True, "acts": 0}
    return row | {"recency_days": 10.0} | known


def segment_of(somebody, **options):
    return lifecycle(pd.DataFrame([somebody]), **YEAR, **options)["segment"].item()


def test_a_person_never_seen_is_not_lapsed():
    assert segment_of(person()) == "not seen"


def test_a_person_seen_only_before_the_period_is_quiet():
    assert segment_of(person(seen_before=True)) == "seen, then quiet"


def test_silence_says_nothing_of_a_person_no_source_covers():
    assert segment_of(person(covered=False)) == "unknown"
    assert segment_of(person(covered=False, seen_before=True)) == "unknown"


def test_an_act_proves_a_person_visible():
    assert segment_of(person(covered=False, acts=1, active_days=1, active_cycles=1)) == "occasional"


@pytest.mark.parametrize(("cycles", "segment"), [(1, "occasional"), (6, "occasional"), (7, "regular")])
def test_regular_people_are_seen_in_at_least_half_of_their_loan_cycles(cycles, segment):
    assert segment_of(person(acts=20, active_days=20, active_cycles=cycles)) == segment


@pytest.mark.parametrize(("days", "segment"), [(29, "regular"), (30, "intensive"), (200, "intensive")])
def test_intensive_people_are_active_once_a_teaching_week(days, segment):
    assert segment_of(person(acts=300, active_days=days, active_cycles=9)) == segment


def test_many_days_in_few_loan_cycles_are_not_intensive():
    assert segment_of(person(acts=300, active_days=90, active_cycles=5)) == "occasional"


def test_teaching_weeks_shrink_with_the_days_a_person_was_eligible():
    assert segment_of(person(eligible_days=182, acts=15, active_days=15, active_cycles=4)) == "intensive"
    assert segment_of(person(eligible_days=182, acts=14, active_days=14, active_cycles=4)) == "regular"


@pytest.mark.parametrize(("acts", "segment"), [(6, "occasional"), (7, "regular"), (52, "intensive")])
def test_of_a_summary_the_rate_of_acts_decides(acts, segment):
    assert segment_of(cardholder(acts=acts)) == segment


def test_a_cardholder_whose_last_act_is_long_ago_is_quiet():
    assert segment_of(cardholder(acts=900, recency_days=365.0)) == "intensive"
    assert segment_of(cardholder(acts=900, recency_days=366.0)) == "seen, then quiet"
    assert segment_of(cardholder(acts=900, recency_days=366.0), lapse_days=400) == "intensive"


def test_a_cardholder_without_an_act_is_not_seen():
    assert segment_of(cardholder(seen_before=False, recency_days=None)) == "not seen"


def test_segments_do_not_depend_on_how_others_behave():
    everybody = pd.DataFrame([person(acts=9, active_days=n, active_cycles=7) for n in range(7, 60)])
    together = lifecycle(everybody, **YEAR)["segment"].astype(str)
    assert together.tolist() == [segment_of(row) for row in everybody.to_dict("records")]


def test_in_pandas_segments_are_ordered_from_not_seen_to_unknown():
    segment = lifecycle(pd.DataFrame([person()]), **YEAR)["segment"]
    assert segment.cat.categories.tolist() == LIFECYCLE and segment.cat.ordered


def test_missing_features_are_named():
    with pytest.raises(ValueError, match="lack active_cycles: make them with engagement_features"):
        lifecycle(pd.DataFrame([person()]).drop(columns="active_cycles"), **YEAR)
    with pytest.raises(ValueError, match="lack recency_days"):
        lifecycle(pd.DataFrame([cardholder()]).drop(columns="recency_days"), **YEAR)


def test_a_loan_cycle_has_a_length():
    with pytest.raises(ValueError, match="must be positive"):
        lifecycle(pd.DataFrame([person()]), loan_days=0, teaching_weeks=30)


people = st.lists(
    st.builds(
        person, eligible_days=st.integers(1, 366), covered=st.booleans(), seen_before=st.booleans(),
        acts=st.integers(0, 3), active_days=st.integers(0, 60), active_cycles=st.integers(0, 13),
    ),
    min_size=1, max_size=20,
)
cardholders = st.lists(
    st.builds(
        cardholder, eligible_days=st.integers(1, 9000), covered=st.booleans(), seen_before=st.booleans(),
        acts=st.integers(0, 500), recency_days=st.none() | st.integers(0, 4000).map(float),
    ),
    min_size=1, max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(people | cardholders, st.sampled_from([14, 28, 30.5]), st.sampled_from([24, 36.5]), st.randoms())
def test_neither_frame_library_nor_row_order_changes_a_segment(rows, loan_days, teaching_weeks, random):
    calendar = {"loan_days": loan_days, "teaching_weeks": teaching_weeks}
    table = pd.DataFrame(rows).assign(person_key=[f"p{i}" for i in range(len(rows))])
    if "recency_days" in table:
        table = table.astype({"recency_days": "float64"})
    in_polars = pl.from_pandas(table)
    expected = dict(zip(table["person_key"], lifecycle(table, **calendar)["segment"], strict=True))
    assert set(expected.values()) <= set(LIFECYCLE)

    shuffled = lifecycle(table.loc[random.sample(range(len(rows)), len(rows))], **calendar)
    assert dict(zip(shuffled["person_key"], shuffled["segment"], strict=True)) == expected
    for frame in (in_polars, in_polars.lazy(), duckdb.from_arrow(in_polars.to_arrow())):
        found = lifecycle(frame, **calendar)
        assert type(found) is type(frame)
        found = nw.from_native(found).lazy().collect("polars")
        assert dict(zip(found["person_key"], found["segment"], strict=True)) == expected


def test_the_rules_can_be_shown_with_their_numbers():
    table = cut_points(28, 30, lapse_days=400).set_index("segment")
    assert table.index.tolist() == LIFECYCLE
    assert "30 days a year" in table.loc["intensive", "rule"] and "28-day" in table.loc["regular", "rule"]
    summary = cut_points(28, 30, lapse_days=400, summary=True).set_index("segment")
    assert "400 days" in summary.loc["seen, then quiet", "rule"] and "28 days" in summary.loc["occasional", "rule"]


def test_a_cardholder_seen_lately_without_a_checkout_has_not_fallen_quiet():
    lately, long_ago = cardholder(seen_before=True, recency_days=20.0), cardholder(seen_before=True, recency_days=500.0)
    segments = lifecycle(pd.DataFrame([lately, long_ago]), **YEAR)["segment"].tolist()
    assert segments == ["occasional", "seen, then quiet"]


def test_a_segment_of_few_has_no_profile():
    table = profile(pd.DataFrame({"acts": [1.0] * 12 + [9.0] * 9}), ["many"] * 12 + ["few"] * 9).set_index("segment")
    assert table.loc["few", ["mean", "difference"]].isna().all() and table.loc["many", "mean"] == 1


def test_shares_withhold_what_is_small_and_another_with_it():
    table = shares(["not seen"] * 40 + ["regular"] * 60 + ["unknown"] * 3)
    assert table["people"].isna().to_dict() == {"not seen": True, "regular": False, "unknown": True}


def test_moves_the_rules_forbid_are_known():
    table = pd.DataFrame(0, index=LIFECYCLE, columns=LIFECYCLE)
    forbidden = impossible_moves(table)
    assert forbidden.loc["regular", "not seen"] and forbidden.loc["not seen", "seen, then quiet"]
    assert not forbidden.loc["not seen", "regular"] and not forbidden.loc["regular", "seen, then quiet"]


def test_a_profile_gives_the_textbook_mean_and_t_interval():
    acts = np.array([3.0, 5, 4, 9, 30, 41, 35])
    table = profile(pd.DataFrame({"acts": acts}), ["few"] * 4 + ["many"] * 3, minimum_count=1).set_index("segment")
    few = ttest_1samp(acts[:4], 0).confidence_interval()
    assert table.loc["few", ["mean", "low", "high"]].tolist() == pytest.approx([5.25, few.low, few.high])
    assert table.loc["few", ["n", "share"]].tolist() == pytest.approx([4, 4 / 7])
    assert table.loc["many", "difference"] == pytest.approx((acts[4:].mean() - acts.mean()) / acts.std())


def test_differences_from_everybody_cancel_out():
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.gamma(1, size=(300, 2)), columns=["acts", "breadth"])
    table = profile(X, rng.integers(0, 4, 300))
    for _, feature in table.groupby("feature"):
        assert np.average(feature["difference"], weights=feature["share"]) == pytest.approx(0)


def test_whole_number_weights_move_the_mean_like_repeated_people():
    acts, weights = np.array([1.0, 2, 6, 7, 9]), np.array([1, 3, 1, 2, 2])
    row = profile(pd.DataFrame({"acts": acts}), ["all"] * 5, weights, minimum_count=1).iloc[0]
    assert row["mean"] == pytest.approx(DescrStatsW(acts, weights).mean) and row["n"] == 5
    equal = profile(pd.DataFrame({"acts": acts}), ["all"] * 5, np.full(5, 7.0), minimum_count=1).iloc[0]
    assert equal[["low", "high"]].tolist() == pytest.approx(DescrStatsW(acts).tconfint_mean())


def test_a_missing_value_is_left_out_and_the_count_says_so():
    X = pd.DataFrame({"acts": [1.0, 2, 3], "depth": [np.nan, 2, 4]})
    table = profile(X, ["a"] * 3, minimum_count=1).set_index("feature")
    assert table["known"].to_dict() == {"acts": 3, "depth": 2} and table["n"].tolist() == [3, 3]
    assert table.loc["depth", "mean"] == 3


def test_one_person_has_no_interval():
    row = profile(pd.DataFrame({"acts": [1.0, 5, 6]}), ["a", "b", "b"], minimum_count=1).iloc[0]
    assert row["mean"] == 1 and np.isnan(row["low"]) and np.isnan(row["difference_high"])


def test_the_interval_of_a_profile_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(3, 2, size=(12, 2000)))
    table = profile(X, ["all"] * 12, rng.uniform(0.8, 1.2, 12))
    assert 0.93 < ((table["low"] < 3) & (3 < table["high"])).mean() < 0.97


def test_profiles_come_in_lifecycle_order():
    labels = pd.Categorical(["unknown", "regular", "not seen"], LIFECYCLE, ordered=True)
    table = profile(pd.DataFrame({"acts": [0.0, 5, 0]}), labels, minimum_count=1)
    assert table["segment"].tolist() == ["not seen", "regular", "unknown"]


def test_a_profile_needs_one_label_a_person():
    with pytest.raises(ValueError, match="X has 2 rows, labels 1"):
        profile(pd.DataFrame({"acts": [1.0, 2]}), ["a"])


def lived(*segments):
    categories = pd.Categorical(segments, LIFECYCLE, ordered=True)
    return pd.Series(categories, index=[f"p{i}" for i in range(len(segments))])


def test_movement_counts_people_from_each_segment_to_each():
    moved = movement(lived("regular", "regular", "regular", "occasional"),
                     lived("regular", "intensive", "regular", "occasional"))
    shares = moved.pivot(index="before", columns="after", values="share")
    assert shares.index.tolist() == ["occasional", "regular"]
    assert shares.columns.tolist() == ["occasional", "regular", "intensive"]
    assert shares.loc["regular"].tolist() == pytest.approx([0, 2 / 3, 1 / 3])
    assert moved["n"].sum() == 4


def test_nobody_moving_is_still_uncertain():
    stayed = lived(*["regular"] * 20, "occasional")
    never = movement(stayed, stayed).set_index(["before", "after"]).loc[("regular", "occasional")]
    assert never["n"] == 0
    assert never[["low", "high"]].tolist() == pytest.approx([0, 0.1611], abs=1e-4)  # Wilson, 0 of 20


def test_people_who_left_the_library_have_not_moved():
    moved = movement(lived("regular", "regular"), lived("regular", "regular").iloc[:1])
    assert moved["n"].tolist() == [1] and moved["share"].tolist() == [1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from(LIFECYCLE)] * 2), min_size=1, max_size=30), st.randoms())
def test_movement_shares_add_up_and_the_order_of_people_does_not_matter(moves, random):
    before, after = (lived(*side) for side in zip(*moves, strict=True))
    moved = movement(before, after)
    assert moved.groupby("before", observed=True)["share"].sum().to_numpy() == pytest.approx(1)
    assert moved["n"].sum() == len(moves)
    assert ((moved["low"] <= moved["share"] + 1e-9) & (moved["share"] <= moved["high"] + 1e-9)).all()
    shuffled = after.iloc[random.sample(range(len(moves)), len(moves))]
    pd.testing.assert_frame_equal(moved, movement(before, shuffled))


def test_a_person_has_one_segment_a_period():
    twice = pd.Series(["regular", "regular"], index=["p0", "p0"])
    with pytest.raises(ValueError, match="occurs twice"):
        movement(twice, lived("regular"))
    with pytest.raises(ValueError, match="Nobody has a segment in both periods"):
        movement(pd.Series(["regular"], index=["q"]), lived("regular"))


def test_somebody_eligible_for_a_week_is_not_intensive_for_one_act():
    brief = person(eligible_days=7, acts=1, active_days=1, active_cycles=1)
    assert lifecycle(pd.DataFrame([brief]), **YEAR)["segment"].tolist() == ["regular"]
    assert lifecycle(pd.DataFrame([brief | {"acts": 6, "active_days": 6}]), **YEAR)["segment"].tolist() == ["intensive"]
