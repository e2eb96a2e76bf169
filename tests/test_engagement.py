"""One row per person and period: what counts, what does not, in every frame library."""

import datetime as dt

import duckdb
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.engagement import engagement_features

YEARS = pd.DataFrame({"period": ["one", "two"], "from": ["2023-09-01", "2024-09-01"], "to": ["2024-08-31", "2025-08-31"]})
START = dt.date(2023, 9, 1)


def roster(*people):
    frame = pd.DataFrame(people, columns=["person_key", "eligible_from", "eligible_to", "mode"])
    return frame.assign(eligible_from=pd.to_datetime(frame["eligible_from"]),
                        eligible_to=pd.to_datetime(frame["eligible_to"]))


def log(*acts):
    frame = pd.DataFrame(acts, columns=["person_key", "occurred_at", "touchpoint", "initiated_by"])
    return frame.assign(occurred_at=pd.to_datetime(frame["occurred_at"], format="ISO8601"))


def features(people, events, **options):
    frame = engagement_features(people, events, periods=YEARS, loan_days=28, **options)
    return frame.set_index(["person_key", "period"]).sort_index()


ANN = ("ann", None, None, "full-time")


def test_a_person_never_seen_has_a_row_with_no_acts():
    row = features(roster(ANN), log(("bob", "2023-10-01", "loan", "person"))).loc[("ann", "one")]
    assert row["acts"] == 0 and not row["seen_before"]
    assert row[["depth", "trend", "recency_days"]].isna().all() and row["regularity"] == 0


def test_acts_of_staff_and_systems_are_not_engagement():
    events = log(("ann", "2023-10-01", "loan", "staff"), ("ann", "2023-10-02", "renewal", "system"))
    assert features(roster(ANN), events)["acts"].sum() == 0


def test_events_of_nobody_and_of_strangers_count_for_nobody():
    events = log((None, "2023-10-01", "gate", "person"), ("eve", "2023-10-01", "loan", "person"))
    assert features(roster(ANN), events)["acts"].sum() == 0


def test_features_of_a_hand_worked_year():
    events = log(("ann", "2023-09-01 09:00", "loan", "person"), ("ann", "2023-09-01 17:00", "chat", "person"),
                 ("ann", "2023-09-28 23:59", "loan", "person"), ("ann", "2023-09-29 00:00", "loan", "person"))
    row = features(roster(ANN), events).loc[("ann", "one")]
    assert row[["eligible_days", "acts", "active_days", "active_cycles", "breadth", "depth"]].tolist() == [
        366, 4, 3, 2, 2, 4 / 3]
    assert row["regularity"] == pytest.approx(2 / (366 / 28))
    assert row["trend"] == pytest.approx((-1 - 1 + (2 * 27 / 365 - 1) + (2 * 28 / 365 - 1)) / 4)
    assert row["recency_days"] == 365 - 28


def test_acts_on_the_last_day_lean_to_the_end_and_acts_on_the_first_to_the_start():
    both = features(roster(ANN, ("bob", None, None, "")),
                    log(("ann", "2023-09-01", "loan", "person"), ("bob", "2024-08-31 23:00", "loan", "person")))
    assert both.loc[("ann", "one"), "trend"] == -1 and both.loc[("bob", "one"), "trend"] == 1


def test_recency_looks_back_beyond_the_period():
    row = features(roster(ANN), log(("ann", "2023-10-01", "loan", "person"))).loc[("ann", "two")]
    assert row["acts"] == 0 and row["seen_before"]
    assert row["recency_days"] == (dt.date(2025, 8, 31) - dt.date(2023, 10, 1)).days


def test_nobody_has_a_row_for_a_period_outside_eligibility():
    people = roster(("ann", "2024-10-01", None, ""), ("bob", None, "2024-08-31", ""))
    frame = features(people, log(("ann", "2025-01-01", "loan", "person")))
    assert frame.index.tolist() == [("ann", "two"), ("bob", "one")]
    assert frame.loc[("ann", "two"), "eligible_days"] == (dt.date(2025, 8, 31) - dt.date(2024, 10, 1)).days + 1


@pytest.mark.parametrize(("coverage", "covered"), [
    ([("person", "2023-09-01", "2025-08-31", "")], [True, True]),
    ([("person", "2023-09-01", "2024-08-31", "")], [True, False]),
    ([("group", "2023-09-01", "2025-08-31", "")], [False, False]),
    ([("person", "2023-09-01", "2025-08-31", "mode=full-time")], [False, False]),
    ([("person", "2023-09-01", "2025-08-31", "mode=full-time"), ("person", "2024-09-01", "2025-08-31", "")], [False, True]),
    ([("person", "2023-09-01", "2025-08-31", "walk-in visits")], [True, True]),
])
def test_who_could_be_seen_follows_from_coverage(coverage, covered):
    coverage = pd.DataFrame(coverage, columns=["identity", "from", "to", "blind_spots"])
    frame = features(roster(ANN), log(("bob", "2023-10-01", "loan", "person")), coverage=coverage)
    assert frame["covered"].tolist() == covered


def test_one_summary_a_cardholder_makes_one_period():
    people = roster(ANN, ("bob", None, None, ""))
    summaries = pd.DataFrame({"person_key": ["ann", "bob"], "last_seen": pd.to_datetime(["2024-08-01", None]),
                              "total_events": [5, 0], "renewals": [2, 0]})
    frame = engagement_features(people, summaries=summaries, periods=YEARS[:1], loan_days=28).set_index("person_key")
    assert frame["acts"].tolist() == [5, 0] and frame["seen_before"].tolist() == [True, False]
    assert frame.loc["ann", "recency_days"] == 30 and pd.isna(frame.loc["bob", "recency_days"])
    with pytest.raises(ValueError, match="one period that spans it"):
        engagement_features(people, summaries=summaries, periods=YEARS, loan_days=28)
    with pytest.raises(ValueError, match="either events or summaries"):
        engagement_features(people, periods=YEARS, loan_days=28)


_ACTS = st.lists(st.tuples(st.sampled_from(["ann", "bob", "cat", "eve", None]), st.integers(-40, 760),
                           st.sampled_from(["loan", "chat", "gate"]), st.sampled_from(["person", "person", "system"])),
                 min_size=1, max_size=40)


def by_hand(people, events):
    """The definition, person by person."""
    rows = {}
    for person in people.itertuples():
        mine = [(e.occurred_at.date(), e.touchpoint) for e in events.itertuples()
                if e.person_key == person.person_key and e.initiated_by == "person"]
        for year in YEARS.itertuples():
            first, last = dt.date.fromisoformat(year._2), dt.date.fromisoformat(year.to)
            inside = [(day, touchpoint) for day, touchpoint in mine if first <= day <= last]
            until = [day for day, _ in mine if day <= last]
            rows[person.person_key, year.period] = {
                "acts": len(inside), "active_days": len({d for d, _ in inside}),
                "active_cycles": len({(d - first).days // 28 for d, _ in inside}), "breadth": len({t for _, t in inside}),
                "seen_before": any(day < first for day, _ in mine),
                "recency_days": float((last - max(until)).days) if until else float("nan")}
    return pd.DataFrame.from_dict(rows, orient="index").sort_index()


@settings(max_examples=40, deadline=None)
@given(acts=_ACTS, shuffle=st.randoms(use_true_random=False), cut=st.integers(0, 40))
def test_row_order_splitting_and_the_frame_library_never_change_a_result(acts, shuffle, cut):
    people = roster(ANN, ("bob", None, None, "distance"), ("cat", None, None, ""))
    events = log(*((who, START + dt.timedelta(days=day), what, by) for who, day, what, by in acts))
    expected = features(people, events)
    pd.testing.assert_frame_equal(expected[by_hand(people, events).columns], by_hand(people, events),
                                  check_dtype=False, check_names=False, check_index_type=False)

    order = list(range(len(events)))
    shuffle.shuffle(order)
    events = events.iloc[order]
    connection = duckdb.connect()
    halves = [connection.from_df(half) for half in (events[:cut], events[cut:]) if len(half)]
    in_duckdb = halves[0] if len(halves) == 1 else halves[0].union(halves[1])
    for frame in (
        engagement_features(people, events, periods=YEARS, loan_days=28),
        engagement_features(pl.from_pandas(people), pl.from_pandas(events), periods=YEARS, loan_days=28).to_pandas(),
        engagement_features(connection.from_df(people), in_duckdb, periods=YEARS, loan_days=28).df(),
    ):
        frame = frame.set_index(["person_key", "period"]).sort_index()
        pd.testing.assert_frame_equal(frame, expected, check_dtype=False, check_index_type=False)
