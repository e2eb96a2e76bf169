"""A tempting reading tells true numbers, and its repair what is wrong in them."""

import re
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import pytest

from libengage_utils import mistakes

PERIODS = pd.DataFrame({"period": ["first", "second"], "from": pd.to_datetime(["2024-09-01", "2025-09-01"]),
                        "to": pd.to_datetime(["2025-08-31", "2026-08-31"])})


def test_the_mean_of_users_is_told_with_those_who_are_not_in_it():
    acts = pd.Series([0] * 60 + [1] * 30 + [10] * 10)
    found = mistakes.average_reader(acts, period="2025/26")
    assert "average reader used the library 3 times" in found.said          # (30 + 100) / 40 = 3.25
    assert "60% of these have none" in found.repair and "half have 0 acts or fewer" in found.repair
    assert "have 1 or fewer: some with very many lift the mean" in found.repair


def test_too_few_who_are_not_in_it_are_not_told_of():
    with pytest.raises(ValueError, match="Too few people are among those without one"):
        mistakes.average_reader(pd.Series([0] * 9 + [5] * 50), period="2025/26")


def acts_and_feedback(rng, who):
    """People with many or few acts, of whom the busy speak more, or the others, or all alike; coming again follows acts."""
    acts, feedback = [], []
    for person in range(1500):
        busy = person % 2
        acts += [(person, "2024-10-01")] * (12 if busy else 2)
        acts += [(person, "2025-10-01")] * int(rng.random() < (0.8 if busy else 0.3))
        if rng.random() < (0.6 if who == ("the busy" if busy else "the others") else 0.2):
            feedback.append((person, "2024-11-01"))
    return [pd.DataFrame({"person_key": [key for key, _ in rows], when: pd.to_datetime([day for _, day in rows]),
                          "event_id": range(len(rows)), "initiated_by": "person"})
            for rows, when in ((acts, "occurred_at"), (feedback, "given_at"))]


def test_those_who_spoke_come_back_more_and_once_like_use_is_compared_no_more():
    found = mistakes.who_spoke(*acts_and_feedback(np.random.default_rng(1), "the busy"), PERIODS)
    assert "half had 12 acts or more in first; of the others, half had 2 or more" in found.repair
    assert "comes again anyway" in found.repair and "cannot be told from none" in found.repair


def test_those_who_spoke_are_the_same_in_a_database():
    acts, feedback = acts_and_feedback(np.random.default_rng(1), "the busy")
    acts = acts.sample(frac=0.6, random_state=0)      # 7 to 12 acts are one band of use
    acts, feedback = (frame.astype({"person_key": "str"}) for frame in (acts, feedback))
    found = mistakes.who_spoke(acts, feedback, PERIODS)
    assert mistakes.who_spoke(duckdb.connect().from_df(acts), feedback, PERIODS) == found


def test_those_who_spoke_are_called_busier_only_where_they_were():
    told = 0
    for seed in range(12):
        try:
            repair = mistakes.who_spoke(*acts_and_feedback(np.random.default_rng(seed), "all alike"), PERIODS).repair
        except ValueError as none:
            assert "does not arise" in str(none)
            continue
        theirs, others = map(int, re.findall(r"had (\d+)", repair))
        assert ("comes again anyway" in repair) == (theirs > others)
        told += 1
    assert told


def test_those_who_spoke_cannot_be_followed_in_one_period():
    with pytest.raises(ValueError, match="needs two periods, and it has one"):
        mistakes.who_spoke(*acts_and_feedback(np.random.default_rng(1), "the busy"), PERIODS[:1])


def lot(rng, rise_of_first=0.0):
    """A letter by lot among people of five sites, where it does the same everywhere, or more at the first."""
    followed = pd.DataFrame({"person_key": [f"p{n}" for n in range(4000)], "arm": ["letter", "holdout"] * 2000,
                             "probability": 0.5, "home_site": [f"S{n // 2 % 5}" for n in range(4000)],
                             "sent": [True, False] * 2000, "opted_out": False, "bounced": False, "watched": 90,
                             "assigned_on": pd.Timestamp("2025-10-01"), "days_to_return": np.nan})
    rise = np.where(followed["arm"] == "letter", 0.1 + rise_of_first * (followed["home_site"] == "S0"), 0)
    return followed.assign(returned=rng.random(4000) < 0.2 + rise, seen_before=True, silent_days=400, stratum="all")


def test_the_best_of_five_groups_is_told_with_the_number_looked_at():
    found = mistakes.best_group(lot(np.random.default_rng(3)), ["home_site"], 10)
    assert "The best of 5 groups is the luckiest of 5, too" in found.repair
    assert "it cannot be told apart" in found.repair


def test_a_group_that_truly_differs_is_said_to():
    followed = lot(np.random.default_rng(4), rise_of_first=0.3)
    found = mistakes.best_group(followed, ["home_site"], 16)
    assert "is \N{LEFT DOUBLE QUOTATION MARK}S0" in found.said
    assert "it stands out from the others all the same" in found.repair


def test_a_letter_without_groups_has_no_best_one():
    with pytest.raises(ValueError, match="it takes two to be compared"):
        mistakes.best_group(lot(np.random.default_rng(5)).assign(home_site="all"), ["home_site"], 10)


def test_people_served_are_held_against_their_own_earlier_use():
    before = pd.Series([9] * 20 + [1] * 60)
    found = mistakes.people_helped(before, before + 1, range(20), earlier="2024/25", later="2025/26")
    assert "made 9.0 acts and the others 1.0: they were ahead by then already" in found.repair
    level = mistakes.people_helped(before * 0, before, range(20), earlier="2024/25", later="2025/26")
    assert "they were not ahead then" in level.repair


def errands(rng):
    """Coming back has nothing to do with the way, except that who does not come back has not finished."""
    table = pd.DataFrame({"person_key": [f"p{n}" for n in range(2000)], "journey_id": [f"j{n}" for n in range(2000)],
                          "service": "hold", "earlier": 3.0, "watched": 90, "seen": rng.random(2000) < 0.6})
    table["finished"] = table["seen"] | (rng.random(2000) < 0.5)
    return table.assign(off=~table["finished"] | (rng.random(2000) < 0.3))


def test_not_finishing_is_taken_out_of_leaving_the_way():
    found = mistakes.leaving_the_way(errands(np.random.default_rng(6)))
    left, kept = map(int, re.findall(r"(\d+)%", found.said))
    assert left < kept and "cannot be told" in found.repair


def test_the_place_most_spoken_of_is_held_against_its_users():
    places = pd.DataFrame({"touchpoint": ["loan", "print", "gate"], "people": [900.0, 80, np.nan],
                           "voices": [90.0, 40, np.nan]})
    found = mistakes.most_spoken_of(places)
    assert "of the loan" in found.said and "the print is the first, with 50" in found.repair
    still = mistakes.most_spoken_of(places.assign(voices=[800.0, 10, np.nan]))
    assert "By that count it is still the first" in still.repair


def test_modules_that_change_together_are_held_against_their_own_before():
    """Early modules are opened twice as much all along; nothing changes in any module."""
    rows = [(f"M{m:02d}", turn, 2.0 if m % 2 else 5.0, (200 if m % 2 else 100), 100) for m in range(40) for turn in range(6)]
    panel = pd.DataFrame(rows, columns=["module", "turn", "adopted", "opens", "student_weeks"])
    found = mistakes.lists_begun(panel, SimpleNamespace(estimate=0.4, low=-5.0, high=6.0))
    assert "up 40%" in found.said                # (4 * 2 + 1 * 1) / 5 after, (2 * 2 + 5 * 1) / 7 before
    assert "29% of the weeks before and 80% of those after" in found.repair
    assert "cannot be told from no change" in found.repair
    with pytest.raises(ValueError, match="Only 4 modules began"):
        mistakes.lists_begun(panel[panel["module"] < "M04"], SimpleNamespace(estimate=0.4, low=-5.0, high=6.0))


def test_a_reading_that_the_numbers_do_not_suggest_is_not_made():
    same = pd.Series([9] * 20 + [1] * 60)
    panel = pd.DataFrame([(f"M{m:02d}", turn, 2.0, 100 - 20 * (turn > 1), 100) for m in range(12) for turn in range(4)],
                         columns=["module", "turn", "adopted", "opens", "student_weeks"])
    for make in (lambda: mistakes.average_reader(pd.Series([0] * 20 + [1] * 40), period="2025/26"),
                 lambda: mistakes.people_helped(same, same, range(20, 80), earlier="2024/25", later="2025/26"),
                 lambda: mistakes.best_group(lot(np.random.default_rng(3)), ["home_site"], 60),
                 lambda: mistakes.lists_begun(panel, None),
                 lambda: mistakes.who_spoke(*acts_and_feedback(np.random.default_rng(1), "the others"), PERIODS)):
        with pytest.raises(ValueError, match="does not arise"):
            make()


def test_the_best_of_groups_without_a_difference_is_seldom_said_to_stand_out():
    """Forty lots, four ways of cutting the people: with each way by itself, about one in five would have one."""
    said = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        followed = lot(rng).assign(**{name: rng.integers(0, 3, 4000).astype(str) for name in "abc"})
        said.append("all the same" in mistakes.best_group(followed, ["home_site", *"abc"], 0).repair)
    assert sum(said) <= 6


def test_the_place_most_spoken_of_is_named_where_its_users_are_not_known():
    places = pd.DataFrame({"touchpoint": ["wi-fi", "loan", "print"], "people": [np.nan, 900, 80], "voices": [700.0, 90, 40]})
    found = mistakes.most_spoken_of(places)
    assert "of the wi-fi" in found.said and "How many people use the wi-fi is not known" in found.repair
