"""Statements about what is on record, of whom and of what, and whether that is enough."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from libengage_utils.coverage import enough
from libengage_utils.demo import write_demo
from libengage_utils.study import open_study

ON = pd.Timestamp("2025-03-10")
SOURCES = pd.DataFrame({"source": ["desk", "beam"], "identity": ["person", "none"], "blind_spots": ["", "everybody"]})


def roster(n, **columns):
    return pd.DataFrame({"person_key": [f"p{i:04}" for i in range(n)], **columns})


def acts(*rows, at=ON, by="person"):
    """Acts of (places on the roster, or how many of nobody, touchpoint, source)."""
    tables = [pd.DataFrame({"person_key": [None] * who if isinstance(who, int) else [f"p{i:04}" for i in who],
                            "touchpoint": touchpoint, "source": source}) for who, touchpoint, source in rows]
    return pd.concat(tables, ignore_index=True).assign(occurred_at=at, initiated_by=by)


def said(*rows, at=ON):
    """Feedback of (places on the roster, or how many of nobody, touchpoint, errand)."""
    tables = [pd.DataFrame({"person_key": [None] * who if isinstance(who, int) else [f"p{i:04}" for i in who],
                            "touchpoint": touchpoint, "journey_id": errand}) for who, touchpoint, errand in rows]
    return pd.concat([pd.DataFrame(columns=["person_key", "touchpoint", "journey_id"]), *tables], ignore_index=True).assign(
        given_at=at)


ACTS = acts((range(60), "loan", "desk"), (range(40), "chat", "desk"), (500, "gate", "beam"), (range(12), "gate", "desk"))
SAID = said((range(50, 80), "loan", None), (5, "chat", None), (range(8), "chat", "j1"), (20, None, None))


def told(events=ACTS, feedback=SAID, people=None, coverage=SOURCES, draws=200, **choices):
    return enough(roster(100) if people is None else people, events, feedback, coverage, draws=draws, **choices)


def shares(*args, **choices):
    return told(*args, **choices).shares["estimate"].tolist()


# --- the three shares ---

def test_the_least_of_three_shares_is_found():
    """80 of 100 people left a trace; of loan, chat and gate the first two were spoken of by ten; 43 of 63 rows are tied."""
    result = told()
    assert result.shares["estimate"].tolist() == pytest.approx([0.8, 2 / 3, 43 / 63])
    assert result.estimate == pytest.approx(2 / 3) and "2 of 3 services" in result.headline
    assert "People act, and nobody is identified, in 1 of 2 sources (beam)." in result.summary


def test_what_staff_and_systems_do_is_no_trace_and_no_use():
    more = pd.concat([ACTS, acts((range(100), "recall", "desk"), by="system")])
    assert shares(more) == pytest.approx(shares())


def test_acts_of_nobody_make_a_touchpoint_used_but_not_known():
    assert shares(pd.concat([ACTS, acts((900, "printing", "beam"))]))[1] == pytest.approx(2 / 4)


def test_an_unsigned_row_is_a_person_of_its_own_unless_unsigned_rows_are_left_out():
    assert shares(feedback=said((range(50, 80), "loan", None), (10, "chat", None)))[1] == pytest.approx(2 / 3)
    assert shares(feedback=said((range(50, 80), "loan", None), (9, "chat", None)))[1] == pytest.approx(1 / 3)
    assert shares(unsigned=False)[1] == pytest.approx(1 / 3) and shares(unsigned=False)[2] == shares()[2]


def test_a_person_who_writes_often_is_one_voice():
    assert shares(feedback=said(*[(range(5), "chat", None)] * 4))[1] == 0


def test_acts_or_feedback_may_be_enough_for_a_touchpoint():
    assert shares(usable="either")[1] == 1
    assert told(usable="either").touchpoints["usable"].all()
    assert told().touchpoints.set_index("touchpoint")["usable"].to_dict() == {"chat": True, "gate": False, "loan": True}


def test_feedback_is_tied_by_a_person_an_errand_or_a_touchpoint():
    feedback = said((range(20), None, None), (30, None, "j1"), (40, "loan", None), (10, None, None))
    result = told(feedback=feedback)
    assert result.shares["estimate"][2] == pytest.approx(0.9)
    assert result.feedback["rows"].tolist() == [20, 30, 40, 90]
    assert result.feedback["share"].tolist() == pytest.approx([0.2, 0.3, 0.4, 0.9])


def test_only_acts_and_feedback_of_the_window_count_its_last_day_to_midnight():
    late = pd.Timestamp("2025-03-31 23:59")
    events = pd.concat([ACTS, acts((range(60, 90), "desk", "desk"), at=late), acts((50, "scan", "desk"), at="2025-04-01")])
    feedback = pd.concat([SAID, said((range(60, 90), "desk", None), at=late), said((99, None, None), at="2025-04-01")])
    events, feedback = events.astype({"occurred_at": "datetime64[us]"}), feedback.astype({"given_at": "datetime64[us]"})
    assert shares(events, feedback, since="2025-03-11", until="2025-03-31") == pytest.approx([0.3, 1, 1])
    assert shares(events, feedback, until="2025-03-30") == pytest.approx(shares())


def test_only_people_eligible_in_the_window_are_the_roster():
    people = roster(200, eligible_from=[pd.NaT] * 150 + [pd.Timestamp("2025-04-01")] * 50,
                    eligible_to=[pd.NaT] * 100 + [pd.Timestamp("2025-02-28")] * 50 + [pd.NaT] * 50)
    assert shares(people=people)[0] == pytest.approx(80 / 200)
    assert shares(people=people, since="2025-03-01", until="2025-03-31")[0] == pytest.approx(80 / 100)
    assert shares(people=people, since="2025-02-28", until="2025-04-01")[0] == pytest.approx(80 / 200)


# --- how sure ---

def test_the_interval_of_the_share_of_people_is_that_of_a_share():
    row = told(draws=4000).shares.loc[0]
    assert (row.low, row.high) == pytest.approx(proportion_confint(80, 100, method="wilson"), abs=0.02)


def test_the_lower_limit_is_the_least_and_the_upper_one_allows_for_three():
    result = told(draws=2000)
    assert result.low == result.shares["low"].min() and result.high >= result.shares["high"].min()
    feedback = said((range(50, 80), "loan", None), (range(30), "chat", None), (range(30), "gate", None))
    alone = told(feedback=feedback, draws=2000)
    assert alone.high > alone.shares["high"][0]


def test_the_interval_holds_the_truth_where_two_shares_are_equally_low():
    rng, held = np.random.default_rng(0), []
    for seed in range(40):
        seen = np.flatnonzero(rng.random(200) < 0.7)
        tied = rng.random(150) < 0.7
        feedback = said((rng.choice(seen, tied.sum()), "loan", None), (int((~tied).sum()), None, None))
        result = told(acts((seen, "loan", "desk")), feedback, roster(200), draws=200, random_state=seed)
        held.append(result.low <= 0.7 <= result.high)
    assert np.mean(held) >= 0.9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 60), st.integers(0, 25), st.integers(0, 25), st.integers(0, 25))
def test_the_estimate_lies_within_its_limits_and_nothing_few_is_shown(seen, signed, about, bare):
    events = pd.concat([acts((range(seen), "loan", "desk"), (range(seen // 4), "gate", "desk"), (30, "scan", "beam"))])
    feedback = said((range(20, 20 + signed), None, None), (about, "loan", None), (bare, None, None))
    if len({*range(seen), *range(20, 20 + signed)}) < 10:
        with pytest.raises(ValueError, match="Too few of the people eligible"):
            told(events, feedback, roster(70), draws=50)
        return
    result = told(events, feedback, roster(70), draws=50)
    assert 0 <= result.low <= result.estimate <= result.high <= 1
    counts = pd.concat([result.sources["people"], result.touchpoints["people"], result.touchpoints["voices"],
                        result.people["people"], 70 - result.people["people"]]).dropna()
    assert not counts.between(1, 9).any()


@pytest.mark.parametrize(("people", "usable"), [(9, 0), (10, 11)])
def test_where_touchpoints_are_at_the_mark_the_intervals_still_hold_the_estimates(people, usable):
    names = [f"t{n}" for n in range(12)]
    here = [(range(n * 10, n * 10 + people), name, "desk") for n, name in enumerate(names)]
    unknown = [(5, f"u{n}", "beam") for n in range(6)]
    result = told(acts(*here, (range(120), "t0", "desk"), *unknown), said(*((range(20), name, None) for name in names)),
                  roster(130))
    row = result.shares.loc[1]
    assert row.estimate == result.estimate == pytest.approx((1 + usable) / 18)
    assert row.low <= row.estimate <= row.high and result.low <= result.estimate <= result.high


# --- what may be shown ---

def test_figures_that_rest_on_few_people_are_withheld_and_others_that_would_give_them_away():
    events = pd.concat([ACTS, acts((range(3), "podcast", "studio"))])
    result = told(events)
    row = result.touchpoints.set_index("touchpoint").loc["podcast"]
    assert row[["acts", "tied", "people"]].isna().all() and not row.usable and row.voices == 0
    assert result.touchpoints.set_index("touchpoint").loc["gate", ["acts", "people"]].isna().all()
    studio = result.sources.set_index("source").loc["studio"]
    assert studio.identity == "not declared" and studio[["rows", "people"]].isna().all()


def test_a_source_that_identifies_nobody_and_one_without_rows_are_told_of():
    coverage = pd.concat([SOURCES, pd.DataFrame({"source": ["archive"], "identity": "person", "blind_spots": "paper"})])
    table = told(coverage=coverage).sources.set_index("source")
    assert table.loc["beam", ["rows", "tied", "people"]].tolist() == [500, 0, 0]
    assert table.loc["archive", "rows"] == 0 and np.isnan(table.loc["archive", "tied"])
    assert table.loc["desk", ["rows", "tied", "people"]].tolist() == [112, 1, 60]
    assert table.loc["archive", "blind_spots"] == "paper"


def test_of_people_both_either_and_neither_are_told_unless_they_give_a_few_away():
    table = told().people.set_index("label")
    assert table["people"].to_dict() == {"an identified act": 60, "signed feedback": 38, "both": 18, "either": 80,
                                         "neither": 20}
    few = told(feedback=said((range(50, 65), "loan", None))).people.set_index("label")["people"]
    assert few[["both", "either", "neither"]].isna().all()
    assert few[["an identified act", "signed feedback"]].tolist() == [60, 15]


def test_the_share_on_record_is_withheld_where_fewer_than_ten_are_not_and_rests_on_the_true_number():
    few, ten, none = (told(acts((range(100 - missing), "loan", "desk"))) for missing in (3, 10, 0))
    assert few.shares.loc[0, ["estimate", "low", "high"]].isna().all() and few.shares["rests_on"][0] == 3
    assert "nearly all are on record" in few.headline and few.estimate == few.shares["estimate"].min()
    assert ten.shares.loc[0, ["estimate", "rests_on"]].tolist() == [0.9, 10]
    assert none.shares.loc[0, ["estimate", "rests_on"]].tolist() == [1, 100]


def test_how_many_wrote_twice_cannot_be_told_from_the_table_of_services():
    feedback = pd.concat([said((range(16), "loan", None), (range(1), "loan", None), (40, "chat", None))])
    result = told(feedback=feedback)
    table = result.touchpoints_in_words.set_index("service met")
    assert "rows of feedback" not in table and table.loc[["loan", "chat"], "people who spoke"].tolist() == [20, 40]
    assert [(count["low"], count["high"]) for count in result.counts if count["where"] == {"touchpoint loan": "yes"}] == [
        (55, 65), (15, 25)]


def test_what_few_people_s_feedback_is_tied_to_is_withheld():
    result = told(feedback=said((range(9), "loan", None), (60, None, None)))
    assert np.isnan(result.shares["estimate"][2]) and result.feedback["rows"].isna().all()
    assert told(feedback=said((range(10), "loan", None), (60, None, None))).shares["estimate"][2] == pytest.approx(1 / 7)


def test_feedback_that_few_people_leave_untied_is_withheld():
    bare = pd.concat([said((range(50), "loan", None)), said((9, None, None))], ignore_index=True)
    assert np.isnan(told(feedback=bare).shares["estimate"].iloc[2])
    assert told(feedback=bare[:50]).shares[["estimate", "rests_on"]].iloc[2].tolist() == [1, 50]


def test_no_feedback_leaves_no_touchpoint_usable_and_is_said():
    result = told(feedback=SAID[:0])
    assert (result.estimate, result.low, result.high) == (0, 0, 0) and np.isnan(result.shares["estimate"][2])
    assert "No feedback can be told of" in result.summary
    assert result.feedback["rows"].isna().all()


@pytest.mark.parametrize(("change", "words"), [
    ({"usable": "any"}, "`usable` is both or either; it is any"), ({"people": roster(19)}, "Fewer than 20 people"),
    ({"events": ACTS[:0]}, "No act of a person"), ({"since": "2026-01-01"}, "No act of a person"),
    ({"events": ACTS.drop(columns="source")}, "no column source"),
    ({"feedback": SAID.drop(columns="given_at")}, "no column given_at")])
def test_what_cannot_be_audited_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        told(**change)


# --- frames and the demo ---

@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas])
def test_order_and_kind_of_frame_never_matter(kind):
    mixed = [kind(table.sample(frac=1, random_state=0)) for table in (ACTS, SAID, roster(100))]
    result, other = told(), told(*mixed)
    for name in ("shares", "sources", "touchpoints", "people", "feedback"):
        pd.testing.assert_frame_equal(getattr(result, name), getattr(other, name))
    assert (result.estimate, result.low, result.high) == (other.estimate, other.low, other.high)


def test_what_the_demo_has_on_record_is_found():
    """82.32% of its people have an act or an answer; 23 touchpoints are in use, and three are spoken of by few."""
    study = open_study("data/demo")
    result = enough(study.people, study.events, study.feedback, study.coverage, draws=200)
    assert result.shares["estimate"].tolist() == pytest.approx([0.823, 20 / 23, 1], abs=1e-3)
    hidden = result.touchpoints.loc[result.touchpoints["voices"].isna(), "touchpoint"].tolist()
    assert hidden == ["chat", "podcast studio", "scan on demand"]
    lately = enough(study.people, study.events, study.feedback, study.coverage, since="2025-09-01", draws=200)
    assert lately.high < 0.75 < result.low


def test_feedback_stripped_of_everything_is_missed(tmp_path):
    write_demo(tmp_path, planted={"C19": False}, people=900)
    study = open_study(tmp_path)
    result = enough(study.people, study.events, study.feedback, study.coverage, draws=200)
    assert result.shares["estimate"][2] == pytest.approx(0.25, abs=0.03) and result.high < 0.75
