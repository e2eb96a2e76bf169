"""What follows a high and what follows a low: found where it is planted, not found where it is not."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from libengage_utils.journeys import aftermath
from libengage_utils.journeys.aftermath import ANYWHERE, NOTHING, UNNAMED

LATER = "2025-12-31"


def what_follows(events, felt, **options):
    return aftermath.what_follows(events, felt, **{"as_of": LATER, **options})


def a_log(people=400, after_low=0.5, after_high=0.5, seed=0, days=1):
    """Half the people leave the desk on a low; then to the chat with the chance given, else to a loan."""
    rng = np.random.default_rng(seed)
    low = np.arange(people) % 2 == 1
    chat = rng.random(people) < np.where(low, after_low, after_high)
    rows = [(f"e{2 * who + step:05}", f"p{who:04}", pd.Timestamp("2025-01-01") + pd.Timedelta(days=days * step), touchpoint)
            for who in range(people) for step, touchpoint in enumerate(["desk", "chat" if chat[who] else "loan"])]
    events = pd.DataFrame(rows, columns=["event_id", "person_key", "occurred_at", "touchpoint"])
    events["initiated_by"] = "person"
    return events, pd.DataFrame({"event_id": events["event_id"][::2], "valence": np.where(low, -0.8, 0.8),
                                 "given_at": events["occurred_at"][::2] + pd.Timedelta(hours=1), "instrument": "form"})


def row(aftermath, before, after):
    table = aftermath.differences.set_index(["before", "after"])
    return table.loc[(before, after)]


def test_a_planted_difference_is_found_with_its_size():
    found = what_follows(*a_log(after_low=0.7, after_high=0.3))
    for before in (ANYWHERE, "desk"):
        assert row(found, before, "chat")["p_adjusted"] < 0.05
        assert row(found, before, "chat")["ci_low"] < 0.4 < row(found, before, "chat")["ci_high"]
    assert "chat" in found.summary and found.after_low.loc["desk", "chat"] > found.after_high.loc["desk", "chat"]


def test_where_feeling_tells_nothing_tests_rarely_speak():
    p = [row(what_follows(*a_log(people=120, seed=seed), draws=400), "desk", "chat")["p_adjusted"] for seed in range(100)]
    assert np.mean(np.array(p) < 0.05) <= 0.12 and 0.35 < np.mean(p) < 0.75


def test_what_comes_after_the_gap_does_not_follow():
    found = what_follows(*a_log(days=8))
    assert found.after_low.columns.tolist() == [NOTHING] and "no difference is sure" in found.summary


def test_a_person_counts_once_at_a_touchpoint():
    events, felt = a_log(people=60)
    again = events.assign(event_id="x" + events["event_id"], occurred_at=events["occurred_at"] + pd.Timedelta(days=100))
    felt_again = felt.assign(event_id="x" + felt["event_id"], given_at=felt["given_at"] + pd.Timedelta(days=100))
    once = what_follows(events, felt)
    pd.testing.assert_frame_equal(what_follows(pd.concat([events, again]), pd.concat([felt, felt_again])).differences,
                                  once.differences)


def test_the_frame_library_and_the_order_of_rows_change_nothing():
    events, felt = a_log(after_low=0.7)
    expected = what_follows(events, felt).differences
    shuffled = events.sample(frac=1, random_state=1)
    for kind in (shuffled, pl.from_pandas(shuffled), duckdb.connect().from_df(shuffled)):
        pd.testing.assert_frame_equal(what_follows(kind, felt.sample(frac=1, random_state=2)).differences, expected)


def test_few_people_with_a_low_are_not_compared():
    events, felt = a_log(people=40)
    with pytest.raises(ValueError, match="Fewer than 10 people had a high, or a low"):
        what_follows(events, felt.assign(valence=0.8))


def test_middling_feelings_are_neither():
    events, felt = a_log(people=40)
    with pytest.raises(ValueError, match="too few to compare"):
        what_follows(events, felt.assign(valence=felt["valence"] / 2))


def test_where_happy_people_have_other_things_to_do_like_is_compared_with_like():
    """Highs come at the fair, where everybody chats next, lows at the desk, where nobody does."""
    events, felt = a_log(people=400, after_low=0.1, after_high=0.1, seed=3)
    fair, felt_fair = a_log(people=400, after_low=0.9, after_high=0.9, seed=4)
    fair = fair.assign(event_id="f" + fair["event_id"], person_key="f" + fair["person_key"],
                       touchpoint=fair["touchpoint"].replace("desk", "fair"))
    low_desk = felt[felt["valence"].lt(0) | (np.arange(len(felt)) % 10 == 0)]
    high_fair = felt_fair[felt_fair["valence"].gt(0) | (np.arange(len(felt_fair)) % 10 == 1)]
    found = what_follows(pd.concat([events, fair]), pd.concat([low_desk, high_fair.assign(
        event_id="f" + high_fair["event_id"])]))
    pooled = row(found, ANYWHERE, "chat")
    assert pooled["ci_low"] < 0 < pooled["ci_high"] and abs(pooled["difference"]) < 0.2


def test_an_act_before_the_feeling_was_told_is_no_answer_to_it():
    events, felt = a_log(after_low=0.9, after_high=0.1)
    late = felt.assign(given_at=felt["given_at"] + pd.Timedelta(days=2))
    assert what_follows(events, late).after_low.columns.tolist() == [NOTHING]


def test_what_was_told_too_lately_to_be_followed_is_left_out():
    events, felt = a_log()
    with pytest.raises(ValueError, match="too few to compare"):
        what_follows(events, felt, as_of="2025-01-03")


def test_an_act_without_a_name_is_still_an_act():
    events, felt = a_log()
    events["touchpoint"] = events["touchpoint"].where(events["touchpoint"] == "desk")
    assert what_follows(events, felt).after_low.columns.tolist() == [UNNAMED]


def test_an_instrument_that_draws_lows_at_another_point_of_the_errand_is_no_finding():
    """The form is filled in early by the happy, the box at the end by the unhappy; feeling itself tells nothing."""
    early, form = a_log(people=400, after_low=0.9, after_high=0.9, seed=5)
    done, box = a_log(people=400, after_low=0.1, after_high=0.1, seed=6)
    done = done.assign(event_id="b" + done["event_id"], person_key="b" + done["person_key"])
    box = box.assign(event_id="b" + box["event_id"], instrument="box")
    form = form[(form["valence"] > 0) | (np.arange(400) % 8 == 1)]
    box = box[(box["valence"] < 0) | (np.arange(400) % 8 == 0)]
    found = what_follows(pd.concat([early, done]), pd.concat([form, box]))
    assert row(found, ANYWHERE, "chat")["p_adjusted"] > 0.05 and abs(row(found, ANYWHERE, "chat")["difference"]) < 0.15
