"""Statements about users that the logs cannot see, told from how far two sources overlap."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.demo.survey import SENT_ON
from libengage_utils.recapture import FIGURES, recapture
from libengage_utils.study import open_study
from libengage_utils.surveyed import acts_and_answers


def sources(both, only_first, only_second, neither, group="all"):
    """A roster, and the keys in each source."""
    sizes = np.array([both, only_first, only_second, neither])
    keys = np.array([f"{group}{i:05}" for i in range(sizes.sum())])
    ends = np.cumsum(sizes)
    people = pd.DataFrame({"person_key": keys, "group": group})
    return people, keys[:ends[1]], np.r_[keys[:ends[0]], keys[ends[1]:ends[2]]]


def together(*parts):
    people, first, second = zip(*parts, strict=True)
    return pd.concat(people, ignore_index=True), np.concatenate(first), np.concatenate(second)


# --- the estimate ---

def test_the_interval_of_one_stratum_is_sadinle_s():
    """Sadinle (2009), for 10 and 15 caught, 5 of them twice, written out by hand."""
    result = recapture(*sources(5, 5, 10, 100), minimum_count=5)
    spread = np.exp(1.959964 * np.sqrt(1 / 5.5 + 1 / 5.5 + 1 / 10.5 + 5.5 / (5.5 * 10.5)))
    assert (result.users, result.low, result.high) == pytest.approx(
        (11 * 16 / 6 - 1, 19.5 + 10.5 / spread, 19.5 + 10.5 * spread), rel=1e-5)


def test_strata_are_added_up_as_chandra_sekar_and_deming_do():
    """Some use much and are in both; others little and in neither: the whole is too low, the strata are right."""
    parts = [sources(320, 80, 80, 20, "much"), sources(20, 80, 80, 320, "little")]
    together_, apart = recapture(*together(*parts)), recapture(*together(*parts), by="group")
    each = [recapture(*part) for part in parts]
    assert apart.users == pytest.approx(sum(one.users for one in each)) and apart.users == pytest.approx(1000, rel=0.02)
    assert together_.high < apart.low
    assert apart.table.set_index("stratum").loc["much", FIGURES].tolist() == pytest.approx(
        [getattr(each[0], name) for name in FIGURES])


@pytest.mark.parametrize("strata", [
    [(200, 0.5, 0.3)], [(500, 0.85, 0.3)], [(100, 0.5, 0.35)] * 4, [(1000, 0.9, 0.4), (400, 0.6, 0.3), (200, 0.4, 0.4)]])
def test_the_interval_holds_the_truth_as_often_as_it_says(strata):
    rng, held = np.random.default_rng(1), []
    for _ in range(100):
        parts = []
        for place, (users, p, q) in enumerate(strata):
            seen = rng.multinomial(users, [p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)])
            parts.append(sources(*seen[:3], seen[3] + 200, str(place)))
        result = recapture(*together(*parts), by="group", minimum_count=1)
        held.append(result.low <= sum(users for users, *_ in strata) <= result.high)
    assert np.mean(held) >= 0.91


# --- dependence, and what is known without it ---

def test_the_table_of_odds_ratios_finds_users_whose_sources_go_together():
    """Of 1000 users the odds of being in the log are 9 for those who say yes, and 3 for others: an odds ratio of 3."""
    said_yes, silent = 400, 600
    people = sources(round(said_yes * 0.9), round(silent * 0.75), round(said_yes * 0.1), round(silent * 0.25) + 500)
    result = recapture(*people)
    assert result.high < 1000
    table = result.sensitivity.set_index("odds_ratio")
    assert table.loc[2, "users"] < 1000 < table.loc[4, "users"]
    assert table.loc[1, FIGURES].tolist() == pytest.approx([getattr(result, name) for name in FIGURES])
    seen, missing = 360 + 450 + 40, result.users - 850
    assert (table["users"] - seen).tolist() == pytest.approx([missing * ratio for ratio in table.index])
    assert f"it would be about {round(table.loc[2, 'invisible'], -1):.0f}." in result.summary


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.integers(10, 200)] * 3), st.integers(0, 300))
def test_the_estimate_lies_within_its_interval_and_both_within_what_is_possible(seen, neither):
    result = recapture(*sources(*seen, neither))
    assert sum(seen) <= result.low <= result.users <= result.high <= sum(seen) + neither
    assert result.bounds.loc["users"].tolist() == [sum(seen), sum(seen) + neither]
    assert result.bounds.loc["invisible"].tolist() == [seen[2], seen[2] + neither]
    assert result.shares.loc["users", "estimate"] == pytest.approx(result.users / (sum(seen) + neither))


def test_who_answered_no_and_is_not_in_the_log_narrows_the_bounds():
    people, first, second = sources(100, 300, 50, 550)
    keys = people["person_key"].to_numpy()
    answered = np.r_[second, keys[100:120], keys[450:490]]   # 20 of the log and 40 others said no
    result = recapture(people, first, second, answered=answered)
    assert result.bounds.loc["users"].tolist() == [450, 1000 - 40]
    assert "Of those in the log who answered, 17% said no" in result.assumptions[-1]
    few = recapture(people, first, second, answered=np.r_[second, keys[450:459]])
    assert few.bounds.loc["users", "high"] == 1000 and "said no" not in few.assumptions[-1]


# --- small strata, and blind sources ---

def test_small_strata_are_put_together_and_no_small_cell_is_shown():
    parts = [sources(80, 90, 40, 100, "a"), sources(30, 20, 9, 10, "b"), sources(20, 30, 3, 10, "c"),
             sources(50, 60, 30, 50, "d")]
    table = recapture(*together(*parts), by="group").table
    assert sorted(table["stratum"]) == ["a", "c; b", "d"] and table[["both", "only_first", "only_second"]].min().min() >= 10
    assert table.set_index("stratum").loc["c; b", ["both", "only_first", "only_second"]].tolist() == [50, 50, 12]
    assert (table["people"] % 10 == 0).all()


def test_many_strata_put_together_have_a_short_name():
    parts = [sources(20, 20, 3, 10, letter) for letter in "abcdef"] + [sources(100, 100, 50, 100, "z")]
    assert recapture(*together(*parts), by="group").table["stratum"].str.len().max() < 20


def test_too_small_an_overlap_is_refused():
    for seen in ((9, 100, 100), (100, 9, 100), (100, 100, 9)):
        with pytest.raises(ValueError, match="too few to tell of the number of users"):
            recapture(*sources(*seen, 100))


def test_people_whom_a_source_cannot_see_are_not_estimated_but_refused():
    seen = sources(100, 200, 50, 100, "Main")
    for blind, which in ((sources(0, 0, 30, 100, "Far"), "first"), (sources(0, 30, 0, 100, "Far"), "second")):
        with pytest.raises(ValueError, match=f"Nobody of Far is in the {which} source"):
            recapture(*together(seen, blind), by="group")


def test_wrong_tables_are_refused():
    people, first, second = sources(100, 200, 50, 100)
    with pytest.raises(ValueError, match="no column mood"):
        recapture(people, first, second, by="mood")
    with pytest.raises(ValueError, match="1 people stand on the roster more than once"):
        recapture(pd.concat([people, people[:1]]), first, second)


# --- words, order, the demo ---

def test_people_off_the_roster_are_left_out_and_counted():
    people, first, second = sources(100, 200, 50, 100)
    result = recapture(people, [*first, *(f"gone{i}" for i in range(30))], second)
    assert result.outside == 30 and result.users == recapture(people, first, second).users
    assert "About 30 keys in the sources are of people not on this roster" in result.summary


def test_no_count_stands_in_a_sentence_to_the_person():
    result = recapture(*sources(123, 234, 57, 191))
    assert result.headline.startswith("About 160 of about 600 people use the library and are in no log, if log and survey")
    assert "Of about 600 people of whom both lists could speak, about 520 are users (95% interval about 4" in result.summary
    assert "between about 60 and about 250" in result.summary and "independent" in result.assumptions[2]


def test_order_repeats_and_kind_of_frame_never_matter():
    people, first, second = together(sources(80, 90, 40, 100, "a"), sources(50, 60, 30, 50, "b"))
    result = recapture(people, first, second, by="group")
    for kind in (pd.DataFrame, pl.from_pandas):
        mixed = recapture(kind(people.sample(frac=1, random_state=0)), [*first[::-1], *first], second[::-1], by="group")
        pd.testing.assert_frame_equal(mixed.table, result.table)
        assert mixed.shares.equals(result.shares)


def test_a_circumstance_not_recorded_is_one_of_its_own():
    people, first, second = together(sources(80, 90, 40, 100, "a"), sources(50, 60, 30, 50, "b"))
    people["group"] = people["group"].where(people["group"] == "a")
    assert recapture(people, first, second, by="group").table["stratum"].tolist() == ["a", "not recorded"]


def test_in_the_demo_the_unseen_answer_less_and_an_odds_ratio_of_two_finds_them():
    """Of 3,469 people sources cover on 3 March 2025, 197 use the library unseen; 24 of 100 of them answer, of others 39."""
    study, sent = open_study("data/demo"), pd.Timestamp(SENT_ON[1])
    people, events, answers = study.people.df(), study.events.df(), study.feedback.df()
    people = people[(people["eligible_from"] <= sent) & ~(people["eligible_to"] < sent)
                    & (people["home_site"] != "Partner college")]
    own = events[(events["initiated_by"] == "person") & events["occurred_at"].between(sent - pd.Timedelta(days=365),
                                                                                      sent + pd.Timedelta(days=1))]
    wave = answers[(answers["question"] == "used in the last year") & (answers["given_at"].dt.year == 2025)]
    result = recapture(people, own["person_key"].dropna(), wave.loc[wave["answer"] == "yes", "person_key"],
                       answered=wave["person_key"].dropna())
    table = result.sensitivity.set_index("odds_ratio")
    assert result.people == 3469 and result.invisible_high < 197
    assert table.loc[2, "invisible_low"] < 197 < table.loc[2, "invisible_high"]
    assert result.bounds.loc["invisible", "low"] < 197 < result.bounds.loc["invisible", "high"]


# --- acts and answers of the same time ---

DAY = pd.Timestamp("2025-02-01")
LOG = pd.DataFrame({"event_id": range(4), "person_key": ["old", "ann", "cy", "far"], "initiated_by": "person",
                    "occurred_at": pd.to_datetime(["2023-01-01", "2024-06-01", "2025-01-01", "2024-12-01"])})
PEOPLE = pd.DataFrame({"person_key": ["ann", "bob", "cy", "far", "new", "old"],
                       "eligible_from": ["2020-01-01"] * 4 + ["2024-10-01", "2020-01-01"],
                       "home_site": ["Main", "Main", "Main", "Far", "Main", "Main"]})
SAID = pd.DataFrame({"person_key": ["ann", "bob", "cy", "new", "old", None], "given_at": DAY, "question": "used",
                     "answer": ["yes", "yes", "no", "yes", "no", "yes"]})
ONE_SITE = pd.DataFrame({"source": ["desk", "counter"], "identity": ["person", "none"],
                         "blind_spots": ["home_site=Far", ""]})


def test_both_sources_are_of_people_there_all_the_time_and_visible_to_some_source():
    two = acts_and_answers(PEOPLE, LOG, SAID, question="used", coverage=ONE_SITE)
    assert two.people["person_key"].tolist() == ["ann", "bob", "cy", "old"]
    assert (two.seen, two.said_yes, two.answered) == (["ann", "cy"], ["ann", "bob"], ["ann", "bob", "cy", "old"])


def test_only_the_last_survey_counts():
    earlier = SAID.assign(given_at=DAY - pd.Timedelta(days=365), answer="yes")
    two = acts_and_answers(PEOPLE, LOG, pd.concat([SAID, earlier]), question="used")
    assert two.said_yes == ["ann", "bob"] and two.until == DAY


@pytest.mark.parametrize(("events", "feedback", "words"), [
    (LOG, SAID.assign(question="other"), "Nobody known answered"), (LOG[1:], SAID, "The log begins"),
    (LOG, SAID.drop(columns="answer"), "no questions and answers")])
def test_a_survey_that_cannot_be_held_against_the_log_is_refused(events, feedback, words):
    with pytest.raises(ValueError, match=words):
        acts_and_answers(PEOPLE, events, feedback, question="used")
