"""Who is quiet: counted in the days on which somebody was expected, and everybody accounted for."""

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.letters.silence import WRITE, active_days, quiet_by_rule, silence
from libengage_utils.privacy import Count, exposed

ON = dt.date(2025, 3, 1)
HOLIDAYS = pd.DataFrame({"from": ["2025-02-01", "2025-02-03"], "to": ["2025-02-05", "2025-02-10"]})  # ten days in all
COVERAGE = pd.DataFrame({"source": ["desk", "gate"], "from": ["2025-01-01", "2025-02-01"], "to": ["2025-12-31"] * 2,
                         "identity": ["person", "none"], "blind_spots": ["site=Far; whoever does not sign in", ""]})


def roster(*keys, since="2025-01-01", until=None, **columns):
    return pd.DataFrame({"person_key": list(keys), "eligible_from": pd.to_datetime(since),
                         "eligible_to": pd.to_datetime(until), **columns})


def log(**acts):
    rows = [(person, pd.Timestamp(f"{day} 10:00"), "person") for person, days in acts.items() for day in days]
    return pd.DataFrame(rows, columns=["person_key", "occurred_at", "initiated_by"])


def absent(person, first, last):
    return pd.DataFrame({"person_key": [person], "from": [first], "to": [last], "reason": "placement"})


def one(people, events, **options):
    """The row of the first person."""
    return silence(people, events, on=options.pop("on", ON), **options).iloc[0]


# --- the count ---

def test_silence_begins_the_day_after_the_last_act_and_ends_the_day_before():
    row = one(roster("a"), log(a=["2025-02-01", "2025-02-26"]))
    assert row["last_on"] == pd.Timestamp("2025-02-26") and row["silent_days"] == 2 and row["seen_before"]


def test_acts_on_the_day_itself_or_later_are_not_looked_at():
    row = one(roster("a"), log(a=["2025-01-30", "2025-03-01", "2025-03-02"]))
    assert row["last_on"] == pd.Timestamp("2025-01-30")


def test_what_staff_or_systems_did_is_no_act_of_the_person():
    events = pd.concat([log(a=["2025-01-10"]), log(a=["2025-02-20"]).assign(initiated_by="system"),
                        log(a=["2025-02-21"]).assign(person_key=None)])
    assert one(roster("a"), events)["last_on"] == pd.Timestamp("2025-01-10")


def test_holidays_do_not_count_and_overlapping_ones_count_once():
    assert one(roster("a"), log(a=["2025-01-31"]))["silent_days"] == 28
    assert one(roster("a"), log(a=["2025-01-31"]), holidays=HOLIDAYS)["silent_days"] == 18


def test_absences_do_not_count_be_they_overlapping_in_holidays_or_unfinished():
    events, people = log(a=["2025-01-31"]), roster("a")
    away = pd.concat([absent("a", "2025-02-09", "2025-02-12"), absent("a", "2025-02-11", "2025-02-14")])
    assert one(people, events, absences=away)["silent_days"] == 28 - 6
    assert one(people, events, absences=away, holidays=HOLIDAYS)["silent_days"] == 18 - 4
    row = one(people, events, absences=absent("a", "2025-02-22", None))
    assert row["silent_days"] == 21 and row["away"]
    assert not one(people, events, absences=absent("b", "2025-02-22", None))["away"]


def test_who_comes_although_absent_is_silent_from_that_day_on():
    row = one(roster("a"), log(a=["2025-02-10"]), absences=absent("a", "2025-02-01", "2025-02-20"))
    assert row["silent_days"] == 8


def test_nobody_is_expected_before_being_eligible():
    people = roster("a", since="2025-02-10")
    row = one(people, log(a=["2025-01-15"], b=["2025-01-01"]))
    assert row["silent_days"] == row["expected_days"] == 19


def test_who_was_never_seen_is_silent_for_all_days_expected():
    row = one(roster("a", since="2010-01-01"), log(b=["2025-01-30"]))
    assert not row["seen_before"] and pd.isna(row["last_on"]) and row["silent_days"] == row["expected_days"] == 30


def test_only_people_eligible_on_the_day_are_asked_after():
    people = pd.concat([roster("a", until="2025-03-01"), roster("b", until="2025-02-28"), roster("c", since="2025-03-02"),
                        roster("d", since="2025-03-01")])
    silent = silence(people, log(a=["2025-01-30"]), on=ON)
    assert silent["person_key"].tolist() == ["a", "d"] and silent["silent_days"].tolist() == [29, 0]


def test_days_that_no_source_covers_are_no_silence():
    people, events = roster("a", since="2020-01-01", site="Main"), log(b=["2025-01-01"])
    assert one(people, events, coverage=COVERAGE)["silent_days"] == 59
    ended = COVERAGE.assign(to="2025-01-10")
    assert one(people, events, coverage=ended)["silent_days"] == 10


def test_who_stands_in_a_source_s_blind_spot_is_not_covered():
    people = roster("a", "b", site=["Far", "Main"])
    silent = silence(people, log(b=["2025-01-02"]), on=ON, coverage=COVERAGE)
    assert silent["covered"].tolist() == [False, True] and silent["silent_days"].tolist() == [0, 57]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 58)), max_size=12), st.integers(0, 40), st.integers(0, 30),
       st.lists(st.tuples(st.integers(0, 70), st.integers(0, 20)), max_size=4))
@settings(max_examples=60, deadline=None)
def test_days_are_those_counted_one_by_one(acts, since, holiday, spells):
    start, on = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-03-01")
    day = lambda number: start + pd.Timedelta(days=number)  # noqa: E731
    events = log(z=["2025-01-01"], **{p: [day(n).date() for q, n in acts if q == p] for p in "abc"})
    holidays = pd.DataFrame({"from": [day(holiday)], "to": [day(holiday + 7)]})
    absences = pd.DataFrame([("a", day(first), day(first + length)) for first, length in spells],
                            columns=["person_key", "from", "to"])
    silent = silence(roster(*"abc", since=day(since)), events, on=on, holidays=holidays, absences=absences)
    for row in silent.itertuples():
        last = max((n for q, n in acts if q == row.person_key), default=-1)
        away = {n for first, length in spells for n in range(first, first + length + 1)} if row.person_key == "a" else set()
        expected = [n for n in range(since, 59) if not holiday <= n <= holiday + 7 and n not in away]
        assert row.expected_days == len(expected) and row.silent_days == sum(n > last for n in expected)
        assert row.away == (59 in away)


def test_the_kind_of_frame_and_the_order_of_rows_do_not_matter():
    rng = np.random.default_rng(0)
    keys = [f"p{number:02d}" for number in range(40)]
    people = roster(*keys, site="Main")
    days = [f"2025-{month:02d}-{day:02d}" for month in (1, 2) for day in range(1, 28)]
    events = log(**{key: rng.choice(days, 5) for key in keys[:30]})
    here = {"on": ON, "holidays": HOLIDAYS, "absences": absent("p03", "2025-02-01", "2025-02-20")}
    usual = silence(people, events, coverage=COVERAGE, **here), active_days(people, events, **here)
    shuffled = people.sample(frac=1, random_state=1), events.sample(frac=1, random_state=2)
    with duckdb.connect() as connection:
        for some, acts in (shuffled, map(pl.from_pandas, shuffled), map(connection.from_df, shuffled)):
            pd.testing.assert_frame_equal(silence(some, acts, coverage=COVERAGE, **here), usual[0], check_dtype=False)
            pd.testing.assert_frame_equal(active_days(some, acts, **here), usual[1], check_dtype=False)


@pytest.mark.parametrize(("change", "words"), [
    ({"people": roster("a", "a")}, "1 rows of the roster repeat a person"),
    ({"absences": absent("a", "2025-02-02", "2025-02-01")}, "1 of the absences end before they begin"),
    ({"holidays": HOLIDAYS.iloc[:1].assign(to="2025-01-01")}, "1 of the holidays end before they begin"),
    ({"events": log(a=["2025-03-02"])}, "Nothing is on record of identified people before"),
    ({"people": roster("a", since="2025-04-01")}, "Nobody on the roster is left to ask after")])
def test_what_cannot_be_counted_gets_a_sentence(change, words):
    with pytest.raises(ValueError, match=words):
        silence(**{"people": roster("a"), "events": log(a=["2025-01-02"]), "on": ON} | change)


# --- the rule ---

def silent_for(*days, **columns):
    """People known by their silent days alone."""
    keys = [f"p{number:03d}" for number in range(len(days))]
    return pd.DataFrame({"person_key": keys, "last_on": pd.NaT, "seen_before": True, "silent_days": days,
                         "expected_days": 500, "away": False, "covered": True} | columns)


def test_exactly_the_lapse_is_quiet_and_a_day_less_is_not():
    silent = silent_for(364, 365, 366)
    quiet = quiet_by_rule(silent, roster(*silent["person_key"]), lapse_days=365, outcome_days=90, on=ON)
    assert quiet.people["person_key"].tolist() == ["p001", "p002"]


def test_who_leaves_on_the_last_day_of_the_window_is_written_to():
    silent = silent_for(400, 400, 400)
    people = roster(*silent["person_key"], until=["2025-05-30", "2025-05-29", None])
    quiet = quiet_by_rule(silent, people, lapse_days=365, outcome_days=90, on=ON)
    assert quiet.people["person_key"].tolist() == ["p000", "p002"]


def test_everybody_eligible_is_in_exactly_one_row_with_the_first_reason_that_holds():
    silent = silent_for(*[400] * 7, 10, 10, seen_before=[True] * 8 + [False], away=[False, True] + [False] * 7,
                        covered=[False] + [True] * 8)
    people = roster(*silent["person_key"], until=["2025-03-02"] * 3 + [None] * 6,
                    contactable=[True] * 3 + [False] * 2 + [True] * 4,
                    contact_opt_out=[False] * 4 + [True] * 2 + [False] * 3)
    quiet = quiet_by_rule(silent, people, lapse_days=365, outcome_days=90, on=ON)
    assert quiet.left_out.set_index("reason")["people"].to_dict() == {
        "no source could have seen them": 1, "seen within the last 365 expected days": 1, "not expected for so long yet": 1,
        "away on the day": 1, "leaves before the window is over": 1, "no working address": 2,
        "asked not to be written to": 1, WRITE: 1}
    assert quiet.people["person_key"].tolist() == ["p006"]


def test_few_people_are_withheld_and_cannot_be_told_from_the_rest():
    silent = silent_for(*[400] * 60, *[10] * 33, away=[True] * 3 + [False] * 90)
    quiet = quiet_by_rule(silent, roster(*silent["person_key"]), lapse_days=365, outcome_days=90, on=ON)
    assert quiet.left_out["people"].sum() == 93
    assert quiet.table.set_index("reason")["people"].isna().to_dict() == {
        "seen within the last 365 expected days": True, "away on the day": True, WRITE: False}
    assert "about 90 people" in quiet.summary and "Seen before: about 60; never seen: none." in quiet.summary
    counts = [Count.from_dict(said) for said in quiet.counts]
    assert sum(count.withheld for count in counts) == 2 and exposed(counts).empty


def test_everybody_or_nobody_quiet_is_said():
    everybody, nobody = silent_for(*[400] * 20), silent_for(*[3] * 20)
    people = roster(*everybody["person_key"])
    assert quiet_by_rule(everybody, people, lapse_days=365, outcome_days=90, on=ON).left_out.values.tolist() == [[WRITE, 20]]
    summary = quiet_by_rule(nobody, people, lapse_days=365, outcome_days=90, on=ON).summary
    assert "nobody is to be written to" in summary and "about 20 people eligible on 1 March 2025" in summary


def test_the_rule_refuses_what_it_cannot_apply():
    with pytest.raises(ValueError, match="both must be at least 1"):
        quiet_by_rule(silent_for(3), roster("p000"), lapse_days=0, outcome_days=90, on=ON)
    with pytest.raises(ValueError, match="1 of 1 people are not on the roster"):
        quiet_by_rule(silent_for(3), roster("x"), lapse_days=365, outcome_days=90, on=ON)


# --- active days, on a person's own clock ---

def test_active_days_are_counted_once_and_time_runs_from_the_first():
    days = active_days(roster("a", "b"), log(a=["2025-01-10", "2025-01-10", "2025-01-20", "2025-02-27"]), on=ON)
    assert days.values.tolist() == [["a", 2, 48, 49]]


def test_holidays_absences_and_time_after_leaving_do_not_pass():
    people = pd.concat([roster("a"), roster("b", until="2025-02-20")])
    events = log(a=["2025-01-31", "2025-02-20"], b=["2025-01-31", "2025-02-15"])
    days = active_days(people, events, on=ON, holidays=HOLIDAYS, absences=absent("a", "2025-02-11", "2025-02-15"))
    assert days[["recency", "T"]].values.tolist() == [[5, 13], [5, 10]]


def test_recency_never_exceeds_the_time_watched():
    events = log(a=["2024-12-01", "2025-02-28"], b=["2025-02-28"])
    days = active_days(roster("a", "b", until="2025-02-10"), events, on=ON, holidays=HOLIDAYS)
    assert (days["recency"] <= days["T"]).all() and (days["T"] >= 0).all()
