"""Statements about what a survey's answers say and what they leave open."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.survey import reason_shares, surely_invisible


def test_reasons_are_shares_of_those_who_answered_with_bounds_for_all():
    """200 never seen, 50 answer, 30 of them 'too far': 60%, and between 30 / 200 and 180 / 200 of all."""
    keys = [f"p_{i}" for i in range(200)]
    said = ["too far"] * 30 + ["no need"] * 32
    answers = pd.DataFrame({"person_key": keys[:50] + keys[:12], "answer": said})
    shares = reason_shares(answers, keys)
    assert (shares.people, shares.respondents, shares.response_rate) == (200, 50, 0.25)
    far = shares.table.loc["too far"]
    assert (far.people, far.share, far.bound_low, far.bound_high) == (30, 0.6, 0.15, 0.9)
    assert far.low < 0.6 < far.high
    assert shares.table.share.sum() > 1  # some gave two reasons
    assert "About 50 of about 200 people answered" in shares.summary


@settings(max_examples=40, deadline=None)
@given(st.integers(20, 200), st.data())
def test_the_bounds_hold_whatever_the_silent_would_have_said(people, data):
    respondents = data.draw(st.integers(10, people))
    yes = data.draw(st.lists(st.booleans(), min_size=people, max_size=people))
    keys = [f"p_{i}" for i in range(people)]
    answers = pd.DataFrame({"person_key": keys[:respondents], "uses": yes[:respondents]})
    row = surely_invisible(answers, keys, minimum_count=0).table.iloc[0]
    assert row.bound_low - 1e-12 <= np.mean(yes) <= row.bound_high + 1e-12
    assert row.bound_high - row.bound_low == pytest.approx(1 - respondents / people)


def test_answers_of_users_of_nobody_and_of_nothing_are_passed_over():
    who, said = ["p_1", "p_1", "user", None, "p_2"], ["too far", "too far", "no need", "hours", None]
    answers = pd.DataFrame({"person_key": who, "answer": said})
    shares = reason_shares(answers, ["p_1", "p_2", "p_3"], minimum_count=0)
    assert shares.respondents == 1
    assert shares.table.people.to_dict() == {"too far": 1}


def test_a_reason_of_few_is_withheld():
    keys = [f"p_{i}" for i in range(100)]
    answers = pd.DataFrame({"person_key": keys, "answer": ["too far"] * 95 + ["opening hours"] * 5})
    shares = reason_shares(answers, keys)
    assert shares.table.withheld.all() and shares.table.drop(columns="withheld").isna().all(axis=None)
    assert shares.summary.startswith("Too few of about 100 people")


def test_people_who_say_they_use_the_library_are_invisible_not_absent():
    keys = pd.Series([f"p_{i}" for i in range(500)])
    said = [True] * 30 + [False] * 70 + [True]
    answers = pd.DataFrame({"person_key": [*keys[:100], keys[99]], "uses": said})
    result = surely_invisible(answers, keys)
    row = result.table.loc["I use the library"]
    assert (result.respondents, row.people, row.share) == (100, 31, 0.31)
    assert (row.bound_low, row.bound_high) == (31 / 500, 431 / 500)


def test_nobody_answered():
    empty = pd.DataFrame({"person_key": [], "answer": [], "uses": []})
    assert reason_shares(empty, ["p_1"]).table.empty
    assert surely_invisible(empty, ["p_1"]).table.withheld.all()


def test_bad_answers_get_a_sentence():
    answers = pd.DataFrame({"person_key": ["p_1"], "uses": ["yes"]})
    with pytest.raises(ValueError, match="answers have no column answer; they have person_key, uses"):
        reason_shares(answers, ["p_1"])
    with pytest.raises(ValueError, match="uses holds more than true and false"):
        surely_invisible(answers, ["p_1"])
    with pytest.raises(ValueError, match="no people to describe"):
        surely_invisible(answers, [])
