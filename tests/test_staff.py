"""Statements about whom staff time served: nothing is lost, nobody on the staff stands alone."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.attention import allocate, minutes_by_group, minutes_by_segment
from libengage_utils.attention.shares import GroupMinutes, SegmentMinutes
from libengage_utils.study import open_study

WINDOW = {"first": "2025-01-01", "last": "2025-03-31"}


def log(*rows):
    """Rows of service, day, minutes, and perhaps attendees and the type of act they answer."""
    return pd.DataFrame([(*row, *[None] * (5 - len(row))) for row in rows],
                        columns=["service", "on", "minutes", "attendees", "event_type"]).astype({"on": "datetime64[us]"})


def acts(*rows):
    """Rows of person (or None), touchpoint, day, and perhaps the type of act and who acted."""
    filled = [(*row, *["ask", "person"][len(row) - 3:]) for row in rows]
    return pd.DataFrame(filled, columns=["person_key", "touchpoint", "occurred_at", "event_type", "initiated_by"]).astype(
        {"occurred_at": "datetime64[us]"})


def given_to(result):
    return result.people.set_index("person_key")["minutes"].to_dict()


# --- what an act gets ---

def test_the_minutes_of_a_month_go_in_equal_parts_to_its_acts():
    time = log(("chat", "2025-01-05", 30), ("chat", "2025-01-31", 30), ("chat", "2025-02-01", 50))
    events = acts(("ann", "chat", "2025-01-01 10:00"), ("ann", "chat", "2025-01-02"), ("bob", "chat", "2025-01-31 23:59"),
                  ("bob", "chat", "2025-02-28"))
    assert given_to(allocate(time, events, **WINDOW)) == {"ann": 40, "bob": 70}


def test_acts_of_nobody_identified_take_their_part_and_what_staff_or_systems_do_takes_none():
    events = acts(("ann", "chat", "2025-01-02"), (None, "chat", "2025-01-02"), (None, "chat", "2025-01-03"),
                  ("bob", "chat", "2025-01-02", "ask", "staff"), ("bob", "chat", "2025-01-02", "ask", "system"))
    result = allocate(log(("chat", "2025-01-05", 30)), events, **WINDOW)
    assert given_to(result) == {"ann": 10} and result.totals.tolist() == [10, 20, 0]


def test_minutes_logged_for_a_type_of_act_go_to_acts_of_that_type_only():
    events = acts(("ann", "desk", "2025-01-02", "ask"), ("bob", "desk", "2025-01-02", "complain"))
    time = log(("desk", "2025-01-05", 30, None, "complain"), ("desk", "2025-01-06", 10),
               ("desk", "2025-01-06", 7, None, "praise"))
    result = allocate(time, events, **WINDOW)
    assert given_to(result) == {"ann": 5, "bob": 35} and result.totals["behind"] == 7
    assert result.services.loc[0, "acts"] == 2


def test_more_present_than_have_an_act_were_not_identified():
    events = acts(("ann", "workshop", "2025-01-02"), ("bob", "workshop", "2025-01-02"))
    for attendees, each, unknown in ((10, 6, 48), (2, 30, 0), (1, 30, 0)):
        result = allocate(log(("workshop", "2025-01-02", 60, attendees)), events, **WINDOW)
        assert given_to(result) == {"ann": each, "bob": each} and result.totals["to_unidentified"] == unknown
    nobody = allocate(log(("workshop", "2025-01-02", 60, 8)), events.iloc[:0], **WINDOW)
    assert nobody.totals.tolist() == [0, 60, 0] and nobody.services.loc[0, "acts"] == 8


def test_a_person_day_may_take_one_part_for_all_its_acts():
    events = acts(("ann", "chat", "2025-01-02 09:00"), ("ann", "chat", "2025-01-02 17:00"), ("bob", "chat", "2025-01-02"),
                  (None, "chat", "2025-01-02"), (None, "chat", "2025-01-02"))
    result = allocate(log(("chat", "2025-01-05", 40)), events, equal_parts="person-day", **WINDOW)
    assert given_to(result) == {"ann": 10, "bob": 10} and result.services.loc[0, "minutes_an_act"] == 8


def test_months_without_an_act_and_upkeep_stay_behind_the_scenes_and_acts_without_minutes_are_counted():
    time = log(("chat", "2025-01-05", 30), ("chat", "2025-02-05", 20), ("shelving", "2025-01-05", 50),
               ("chat", "2024-12-31", 9))
    events = acts(("ann", "chat", "2025-01-02"), ("ann", "chat", "2025-03-02"), ("ann", "loan", "2025-01-02"))
    result = allocate(time, events, **WINDOW)
    assert result.totals.tolist() == [30, 0, 70] and result.outside == 1 and result.unanswered == 1


rows = st.lists(st.tuples(st.sampled_from(["chat", "desk", "shelving"]), st.integers(0, 120), st.integers(0, 90),
                          st.sampled_from([None, 0, 3]), st.sampled_from([None, "ask", "tell"])), min_size=1, max_size=12)
people = st.lists(st.tuples(st.sampled_from(["ann", "bob", None]), st.sampled_from(["chat", "desk", "loan"]),
                            st.integers(0, 120), st.sampled_from(["ask", "tell"])), max_size=20)


@settings(max_examples=40, deadline=None)
@given(rows.filter(lambda some: any(minutes and day < 90 for _, day, minutes, *_ in some)), people, st.randoms(),
       st.sampled_from(["act", "person-day"]))
def test_nothing_is_lost_and_the_order_of_rows_never_matters(time, events, random, equal_parts):
    def day(number):
        return pd.Timestamp("2025-01-01") + pd.Timedelta(days=number)

    time = log(*[(service, day(number), *rest) for service, number, *rest in time])
    events = acts(*[(who, place, day(number), kind) for who, place, number, kind in events])
    result = allocate(time, events, equal_parts=equal_parts, **WINDOW)
    inside = time["on"] <= "2025-03-31"
    assert result.totals.sum() == pytest.approx(time.loc[inside, "minutes"].sum())
    parts = result.services[["to_identified", "to_unidentified", "behind"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(result.services["minutes"].to_numpy())
    assert result.people["minutes"].sum() == pytest.approx(result.totals["to_identified"])
    assert result.outside == (~inside).sum()
    shuffled = [frame.sample(frac=1, random_state=random.randint(0, 99)) for frame in (time, events)]
    other = allocate(*shuffled, equal_parts=equal_parts, **WINDOW)
    pd.testing.assert_frame_equal(other.by_service, result.by_service)
    pd.testing.assert_frame_equal(other.services, result.services)


def test_kinds_of_frame_do_not_matter():
    time, events = log(("chat", "2025-01-05", 30)), acts(("ann", "chat", "2025-01-02"), (None, "chat", "2025-01-02"))
    result = allocate(time, events, **WINDOW)
    assert given_to(allocate(pl.from_pandas(time), pl.from_pandas(events), **WINDOW)) == given_to(result) == {"ann": 15}
    assert given_to(allocate(time[["on", "service", "minutes"]], events, **WINDOW)) == {"ann": 15}


@pytest.mark.parametrize(("change", "said"), [
    ({"minutes": -5.0}, "2 of 2 rows of staff time lack"), ({"service": None}, "lack a day or service"),
    ({"on": pd.Timestamp("2020-01-01")}, "None of 2 rows of staff time has minutes")])
def test_a_log_that_is_none_gets_a_sentence(change, said):
    time = log(("chat", "2025-01-05", 30), ("chat", "2025-01-06", 30)).assign(**change)
    with pytest.raises(ValueError, match=said):
        allocate(time, acts(("ann", "chat", "2025-01-02")), **WINDOW)


def test_absent_columns_get_a_sentence():
    time, events = log(("chat", "2025-01-05", 30)), acts(("ann", "chat", "2025-01-02"))
    with pytest.raises(ValueError, match="no column minutes"):
        allocate(time.drop(columns="minutes"), events, **WINDOW)
    with pytest.raises(ValueError, match="no column touchpoint"):
        allocate(time, events.drop(columns="touchpoint"), **WINDOW)


# --- what is shown ---

def busy(service, served, days=20, minutes=37.0):
    """A log of so many rows, and one act of each of so many people."""
    return (log(*[(service, f"2025-01-{day:02}", minutes) for day in range(1, days + 1)]),
            acts(*[(f"p{n:03}", service, "2025-01-02") for n in range(served)]))


def several(*services):
    parts = [busy(*service) for service in services]
    return allocate(*(pd.concat(some) for some in zip(*parts, strict=True)), **WINDOW)


def test_services_with_few_rows_or_few_people_are_merged_so_that_nobodys_hours_show():
    table = several(("desk", 40), ("chat", 30, 9), ("archive", 9), ("loan", 50)).table
    assert table["service"].tolist() == ["other services", "desk", "loan"]
    assert (table["hours"] % 10 == 0).all() and ((100 * table["share"]).round(9) % 1 == 0).all()


def test_a_small_service_is_never_merged_with_itself_alone():
    result = several(("desk", 40, 20, 90.0), ("loan", 50), ("archive", 9))
    assert set(result.small) == {"archive", "loan"} and result.table["service"].tolist() == ["desk", "other services"]
    assert several(("archive", 9)).table["to_identified"].isna().all()


def test_the_summary_says_where_the_time_went_and_withholds_it_of_few():
    result = several(("desk", 40), ("loan", 50))
    assert "100% can be traced to about 50 identified people, 0% served" in result.summary
    assert "withheld" in several(("desk", 9)).summary


@pytest.mark.parametrize(("number", "said"), [(0, None), (3, "For a few acts at"), (124, "For about 120 acts at")])
def test_acts_for_which_no_minutes_are_logged_are_told(number, said):
    time, events = busy("desk", 40)
    unmet = acts(*[("p000", "desk", "2025-03-03")] * number)
    summary = allocate(time, pd.concat([events, unmet]), **WINDOW).summary
    assert (f"{said} these services no minutes are logged in their month." in summary) if said else "For" not in summary


# --- by segment and group ---

def test_minutes_a_head_and_shares_by_earlier_segment_count_people_without_minutes():
    result = several(("desk", 40))
    keys = [f"p{n:03}" for n in range(60)]
    segment = pd.Series(["regular"] * 20 + ["not seen"] * 40, index=keys)
    found = minutes_by_segment(result, segment, draws=200)
    table = found.table.set_index("segment")
    assert table["minutes_a_head"].to_dict() == pytest.approx({"not seen": 740 / 80, "regular": 740 / 40})
    assert table["share_of_minutes"].tolist() == pytest.approx([0.5, 0.5])
    assert table["share_of_people"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert (table["low"] <= table["minutes_a_head"]).all() and (table["minutes_a_head"] <= table["high"]).all()
    assert found.headline == "Of the time with people who had a segment before, the 33% who had been regular got 50%."
    assert found.of_all == 1 and "These minutes are 100% of all staff time." in found.summary
    shuffled = minutes_by_segment(result, segment.sample(frac=1, random_state=1), draws=200)
    pd.testing.assert_frame_equal(shuffled.table, found.table)


def test_the_summary_says_what_part_of_all_staff_minutes_the_shares_are_of():
    result = several(("desk", 40), ("shelving", 0, 20, 111.0))
    segment = pd.Series(["regular"] * 15 + ["rare"] * 15, index=[f"p{n:03}" for n in range(30)])
    found = minutes_by_segment(result, segment, draws=20)
    assert found.of_all == pytest.approx(30 / 40 / 4) and "These minutes are 19% of all staff time." in found.summary
    few = minutes_by_segment(result, segment[:9], draws=20)
    assert np.isnan(few.of_all) and "all staff time" not in few.summary


def heads(*rows):
    """Results by segment and by group with these rows: a name, and minutes a head with their interval."""
    table = [pd.DataFrame(rows, columns=[name, "minutes_a_head", "low", "high"]) for name in ("segment", "group")]
    return (SegmentMinutes(table[0], 90, 0.5, 0.1, "a", 0.2).heads_headline,
            GroupMinutes(table[1], 90.0, 10.0, 0, ("desk",)).headline)


@pytest.mark.parametrize(("rows", "told"), [
    ([("a", 1, 0.5, 2), ("b", 5, 4, 6), ("c", 9, 8, 10)], "most, c; least, a."),
    ([("a", 4, 3, 5), ("b", 5, 4, 6), ("c", 9, 8, 10)], "most, c."),
    ([("a", 1, 0.5, 2), ("b", 8, 6, 9), ("c", 9, 8, 10)], "least, a."),
    ([("c", 9, 8, 10), ("d", *[np.nan] * 3), ("b", 5, 4, 6)], "most, c; least, b; 1 {kind} withheld."),
    ([("c", 9, 8, 10), ("d", *[np.nan] * 3), ("b", 5, 2, 7.5), ("e", *[np.nan] * 3), ("a", 2, 1, 7)],
     "most, c; 2 {kind}s withheld."),
    ([("a", 5, 4, 6), ("b", 6, 5, 7), ("c", *[np.nan] * 3)], None), ([("a", 5, 4, 6)], None)])
def test_most_and_least_a_head_are_named_only_if_their_interval_is_apart_from_all_others_shown(rows, told):
    where = "among people who had a segment before", "where the log names the group (desk)"
    for headline, kind, place in zip(heads(*rows), ("segment", "group"), where, strict=True):
        if told:
            assert headline == f"Staff minutes a head, {place}: {told.format(kind=kind)}"
        else:
            assert headline.startswith(f"No {kind} is surely first or last in staff minutes a head, {place}")
            assert headline.endswith(f"; 1 {kind} withheld.") == (len(rows) == 3)


def test_intervals_by_segment_hold_the_truth_nine_times_in_ten():
    rng = np.random.default_rng(0)
    held, keys = [], [f"p{n:03}" for n in range(400)]
    for seed in range(60):
        regular = rng.random(400) < 0.3
        visits = rng.poisson(np.where(regular, 3, 1) * rng.gamma(1, 1, 400))
        events = acts(*[(key, "desk", "2025-01-02") for key, n in zip(keys, visits, strict=True) for _ in range(n)])
        result = allocate(busy("desk", 0)[0].assign(minutes=visits.sum() / 2), events, **WINDOW)  # ten minutes an act
        segment = pd.Series(np.where(regular, "regular", "rare"), index=keys)
        table = minutes_by_segment(result, segment, draws=200, random_state=seed).table.set_index("segment")
        held += [table.loc["regular", "low"] <= 30 <= table.loc["regular", "high"],
                 table.loc["rare", "share_low"] <= 7 / 16 <= table.loc["rare", "share_high"]]
    assert np.mean(held) >= 0.88


def test_what_never_seen_people_would_have_if_all_unknown_time_were_theirs():
    time, events = busy("desk", 40)
    result = allocate(time, pd.concat([events, events.assign(person_key=None)]), **WINDOW)
    segment = pd.Series(["not seen"] * 20 + ["regular"] * 20, index=[f"p{n:03}" for n in range(40)])
    found = minutes_by_segment(result, segment, draws=20)
    assert found.bound == pytest.approx(3 / 4) and "their share would be 75%" in found.summary


def test_people_without_a_segment_are_told_and_few_are_withheld():
    result = several(("desk", 40))
    segment = pd.Series(["regular"] * 12 + ["rare"] * 15 + ["odd"] * 3, index=[f"p{n:03}" for n in range(30)])
    found = minutes_by_segment(result, segment, draws=20)
    assert found.elsewhere == pytest.approx(0.25) and "25% of the time" in found.summary
    table = found.table.set_index("segment")
    assert table.loc["odd"].isna().all() and table["people"].notna().sum() < 2
    few_served = pd.Series(["regular"] * 35 + ["rare"] * 45, index=[f"p{n:03}" for n in range(80)])
    assert minutes_by_segment(result, few_served, draws=20).table["share_of_minutes"].isna().all()
    with pytest.raises(ValueError, match="occurs twice"):
        minutes_by_segment(result, pd.concat([segment, segment]))
    with pytest.raises(ValueError, match="None of fewer than 10 people"):
        minutes_by_segment(result, pd.Series(["a", "b"], index=["x", "y"]))


def test_groups_of_members_are_compared_a_head_and_the_summary_speaks_of_groups_only():
    roster = pd.DataFrame({"person_key": range(71), "group": ["staff"] * 20 + ["student"] * 50 + ["guest"],
                           "eligible_from": pd.Timestamp("2020-01-01"), "eligible_to": pd.NaT})
    roster["eligible_to"] = roster["eligible_to"].where(roster.index >= 10, pd.Timestamp("2024-12-31"))
    time = pd.concat([busy("desk", 0)[0].assign(group=group) for group in ("staff", "student", None)])
    result = minutes_by_group(time, roster, **WINDOW)
    assert result.unassigned == 740 and result.minutes == 1480
    table = result.table.set_index("group")
    assert table.loc["guest"].isna().all() and table["people"].notna().sum() == 1
    full = minutes_by_group(time, roster.iloc[:70], **WINDOW).table.set_index("group")
    assert full["minutes_a_head"].to_dict() == {"staff": 74.0, "student": 14.8}
    assert "says nothing of the people in them" in result.summary and "67%" in result.summary
    with pytest.raises(ValueError, match="for a group that the roster knows"):
        minutes_by_group(time.assign(group="visitors"), roster, **WINDOW)


@pytest.mark.parametrize(("places", "said"), [
    ({"workshop": 20}, "names the group (workshop)"), ({"desk": 20, "chat": 20}, "names the group (chat, desk)"),
    ({"desk": 20, "archive": 3}, "names the group (desk, other services)"),
    ({place: 20 for place in "abcd"}, "names the group")])
def test_services_that_name_a_group_are_named_if_they_are_three_or_fewer_and_have_rows_enough(places, said):
    roster = pd.DataFrame({"person_key": range(40), "group": ["staff"] * 20 + ["student"] * 20})
    named = [busy(place, 0, rows)[0].assign(group=group) for place, rows in places.items() for group in ("staff", "student")]
    time = pd.concat([*named, busy("upkeep", 0)[0]])
    time = time[(time["service"] != "archive") | (time["group"] == "staff")]
    result = minutes_by_group(time, roster, **WINDOW)
    for words, end in ((result.summary, ":"), (result.headline, ".")):
        assert f"where the log {said}{end}" in words


# --- the demo ---

@pytest.fixture(scope="module")
def demo():
    study = open_study("data/demo")
    last = study.periods.iloc[-1]
    return study, allocate(study.staff_time, study.events, first=last["from"], last=last["to"])


def test_upkeep_of_the_demo_answers_no_act_and_the_rest_adds_up(demo):
    study, result = demo
    behind = result.services.set_index("service")["behind"]
    assert set(behind[behind > 0].index) == {"collections work", "website and systems"} and not result.small
    window = study.staff_time.df()["on"].between(*study.periods.iloc[-1][["from", "to"]].astype("datetime64[us]"))
    assert result.totals.sum() == pytest.approx(study.staff_time.df().loc[window, "minutes"].sum())
    per_act = result.services.set_index("service")["minutes_an_act"]
    assert per_act[["enquiry desk", "librarian appointment"]].tolist() == pytest.approx([11, 55], rel=0.1)
