"""Statements about the lot of a letter: who counts, in which arm, and who came back."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from libengage_utils.effects import follow, followed_rhythms, seen_again, unasked_returns
from libengage_utils.effects.returns import return_curves
from libengage_utils.effects.shares import share_returned

LOT = pd.Timestamp("2025-10-20 09:00")


def lot(arms="lh", **columns):
    """Contacts of people a, b, c, ... whose lots are letter (l) or holdout (h)."""
    arm = [{"l": "letter", "h": "holdout"}[letter] for letter in arms]
    table = pd.DataFrame({"campaign_id": "miss-you", "person_key": list("abcdefghijklmnop"[:len(arms)]), "arm": arm,
                          "probability": 0.5, "assigned_at": LOT, "opted_out": False, "bounced": False})
    table["sent_at"] = pd.Series(pd.NaT, table.index).mask(table["arm"] == "letter", LOT + pd.Timedelta(hours=5))
    return table.assign(**columns)


def acts(*rows, by="person"):
    """Events of (person, time)."""
    table = pd.DataFrame([("zoe", "2023-01-01"), *rows], columns=["person_key", "occurred_at"])
    return table.assign(occurred_at=pd.to_datetime(table["occurred_at"], format="mixed"),
                        initiated_by=["person", *[by] * len(rows)], event_id=[f"e{n:03d}" for n in range(len(table))])


def roster():
    return pd.DataFrame({"person_key": list("abcdefghijklmnop"), "eligible_from": pd.Timestamp("2020-01-01"),
                         "eligible_to": pd.NaT, "contactable": True, "contact_opt_out": False})


CAMPAIGN = pd.DataFrame({"campaign_id": ["miss-you"], "purpose": "", "lapse_days": 365, "outcome_days": 90,
                         "registered_on": pd.Timestamp("2025-10-01")})


def followed(contacts, *rows, as_of="2026-08-31", by="person", people=None, campaigns=CAMPAIGN, **options):
    people = roster() if people is None else people
    return follow(contacts, people, acts(*rows, by=by), campaigns, as_of=as_of, **options)


def row(*rows, **options):
    return followed(lot(), *rows, **options).people.set_index("person_key").loc["a"]


# --- who came back ---

def test_a_return_is_an_act_on_a_day_after_the_lot():
    back = row(("a", "2025-10-27 08:00"))
    assert (back.days_to_return, back.returned, back.watched) == (7, True, 90)


def test_acts_on_the_day_of_the_lot_count_neither_way():
    result = followed(lot(), ("a", "2025-10-20 08:00"), ("a", "2025-10-20 20:00"))
    person = result.people.loc[0]
    assert not person.returned and not person.seen_before and np.isnan(person.silent_days)
    assert any("acted on the day of the lot" in note for note in result.notes)


def test_the_window_ends_on_its_last_day():
    assert row(("a", "2026-01-18 23:59")).days_to_return == 90
    late = row(("a", "2026-01-19 00:00"))
    assert not late.returned and np.isnan(late.days_to_return)


def test_what_staff_and_systems_do_is_no_return_unless_asked_for():
    assert not row(("a", "2025-10-27"), by="system").returned
    assert row(("a", "2025-10-27"), by="system", initiated_by=("person", "system")).returned
    assert not row(("b", "2025-10-27")).returned


def test_silence_is_counted_from_the_last_act_before_the_lot_and_those_seen_lately_are_noted():
    result = followed(lot(), ("a", "2024-01-01"), ("a", "2025-09-20"), ("a", "2025-11-01"))
    person = result.people.loc[0]
    assert (person.silent_days, person.seen_before, person.days_to_return) == (30, True, 12)
    assert any("seen less than 365 days before" in note for note in result.notes)
    assert row(("a", "2024-10-20")).silent_days == 365
    assert not followed(lot(), ("a", "2024-10-20")).notes


# --- the window ---

def test_nobody_looks_before_the_window_is_over():
    with pytest.raises(ValueError, match="over on 18 January 2026; the data reach 3 January 2026: wait 15 days"):
        followed(lot(), as_of="2026-01-03")
    assert followed(lot(), as_of="2026-01-18").people["returned"].notna().all()


def test_waves_still_in_the_window_wait_and_are_noted():
    contacts = lot("lhlh", assigned_at=[LOT, LOT, LOT + pd.Timedelta(days=30), LOT + pd.Timedelta(days=30)],
                   sent_at=pd.NaT)
    result = followed(contacts, ("c", "2025-11-25"), as_of="2026-01-18")
    table = result.people.set_index("person_key")
    assert table.loc["c", ["watched", "days_to_return"]].tolist() == [60, 6] and pd.isna(table.loc["c", "returned"])
    assert table["returned"].notna().tolist() == [True, True, False, False]
    assert any("are still within the 90 days" in note for note in result.notes)


def test_the_window_may_be_given_and_is_needed():
    assert not row(("a", "2025-11-20"), days=30).returned and row(("a", "2025-11-19"), days=30).returned
    with pytest.raises(ValueError, match="is not said"):
        followed(lot(), campaigns=None)


# --- everybody stays in the arm drawn ---

def test_nobody_changes_arms_for_what_happened_to_the_letter():
    result = followed(lot("llllh", sent_at=[pd.NaT, *[LOT] * 4], bounced=[0, 1, 0, 0, 0], opted_out=[0, 0, 1, 0, 0]))
    assert result.people["arm"].value_counts().to_dict() == {"letter": 4, "holdout": 1}
    for words in ("were sent none", "held back by lot were sent", "come back", "not to be written to"):
        assert any(words in note for note in result.notes)


def test_those_who_left_stay_as_not_returned():
    people = roster()
    people["eligible_to"] = people["eligible_to"].mask(people["person_key"] == "a", pd.Timestamp("2025-11-01"))
    result = followed(lot(), people=people)
    assert result.people["returned"].tolist() == [False, False] and "left before the 90 days" in result.notes[0]


def test_those_not_on_the_roster_are_left_out_and_counted():
    result = followed(lot("lhlh"), people=roster()[:3])
    assert len(result.people) == 3 and "not on the roster" in result.notes[0]


def test_a_rule_written_down_after_the_lot_is_noted():
    late = CAMPAIGN.assign(registered_on=pd.Timestamp("2025-11-02"))
    assert followed(lot(), campaigns=late).notes == (
        "The rule was written down on 2 November 2025, after the lot was drawn on 20 October 2025.",)


def test_arms_that_do_not_fit_the_chances_are_noted():
    assert any("chances given" in note for note in followed(lot("l" * 15 + "h")).notes)
    assert not any("chances given" in note for note in followed(lot("l" * 9 + "h" * 7)).notes)


def test_notes_give_no_small_number_away():
    notes = followed(lot("l" * 12 + "hhhh", sent_at=pd.NaT, opted_out=[True] * 3 + [False] * 13)).notes
    assert notes[0].startswith("About 10 people with the letter") and notes[1].startswith("Fewer than 10 people asked")


# --- what cannot be a lot ---

@pytest.mark.parametrize(("change", "words"), [
    ({"arm": "letter"}, "Nobody on the roster is in the arm holdout"),
    ({"person_key": "a"}, "1 of 2 contacts are in both arms"),
    ({"probability": [0.5, 1.0]}, "1 of 2 contacts have a probability"),
    ({"probability": [0.5, np.nan]}, "1 of 2 contacts have a probability"),
    ({"assigned_at": [LOT, pd.NaT]}, "no day on which"),
    ({"arm": ["letter", "none"]}, "an arm other than"),
    ({"sent_at": LOT - pd.Timedelta(days=1)}, "sent on a day before"),
    ({"campaign_id": ["one", "two"]}, "of 2 campaigns; name one")])
def test_contacts_that_are_no_lot_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        followed(lot(**change))


def test_a_person_twice_in_an_arm_an_unknown_campaign_and_no_contacts_are_refused():
    with pytest.raises(ValueError, match="more than once"):
        followed(pd.concat([lot(), lot()]))
    with pytest.raises(ValueError, match="No contact is of a campaign other"):
        followed(lot(), campaign="other")
    with pytest.raises(ValueError, match="no row for miss-you"):
        followed(lot(), campaigns=CAMPAIGN.assign(campaign_id="other"))
    with pytest.raises(ValueError, match="no contacts"):
        followed(lot()[:0])


def test_a_letter_sent_before_the_hour_of_the_lot_is_noted():
    assert any("before the hour" in note for note in followed(lot(sent_at=[LOT - pd.Timedelta(hours=1), pd.NaT])).notes)


def test_order_and_kind_of_frame_never_matter():
    rng = np.random.default_rng(0)
    contacts = lot("lh" * 8)
    events = acts(*[(rng.choice(list("abcdefgh")), LOT + pd.Timedelta(days=int(rng.integers(-500, 200))))
                    for _ in range(60)])
    plain = follow(contacts, roster(), events, CAMPAIGN, as_of="2026-08-31")
    mixed = follow(*(frame.sample(frac=1, random_state=1) for frame in (contacts, roster(), events)), CAMPAIGN,
                   as_of="2026-08-31")
    other = follow(*(pl.from_pandas(frame) for frame in (contacts, roster(), events, CAMPAIGN)), as_of="2026-08-31")
    pd.testing.assert_frame_equal(mixed.people, plain.people)
    pd.testing.assert_frame_equal(other.people, plain.people, check_dtype=False)
    assert mixed.notes == plain.notes == other.notes


def test_curves_of_return_are_drawn_from_it():
    rng = np.random.default_rng(0)
    n = 400
    contacts = pd.DataFrame({"campaign_id": "miss-you", "person_key": [f"p{i:03d}" for i in range(n)], "probability": 0.5,
                             "arm": ["letter", "holdout"] * (n // 2), "assigned_at": LOT})
    events = acts(*[(f"p{i:03d}", LOT + pd.Timedelta(days=int(rng.integers(1, 90)))) for i in range(0, n, 3)])
    table = follow(contacts, contacts[["person_key"]], events, as_of="2026-08-31", days=90).people
    curves = return_curves(table, by="arm").groupby("group")["estimate"].last()
    assert curves.to_dict() == pytest.approx(table.astype({"returned": float}).groupby("arm")["returned"].mean().to_dict())


# --- the placebo cohort ---

def test_the_placebo_cohort_is_chosen_by_the_rule_and_watched_as_long():
    events = acts(("a", "2024-01-01"), ("a", "2025-03-31"), ("b", "2024-12-31"), ("c", "2024-01-01"), ("d", "2025-06-01"))
    table = unasked_returns(roster()[:4], events, on="2025-01-01", lapse_days=180, days=89).set_index("person_key")
    assert table.index.tolist() == ["a", "c", "d"] and table["returned"].tolist() == [True, False, False]
    assert table.loc["a", "days_to_return"] == 89 and table["seen_before"].tolist() == [True, True, False]
    assert (table["watched"] == 89).all()


def test_whoever_was_written_to_before_the_window_is_over_is_in_no_placebo_cohort():
    events = acts(("a", "2024-01-01"), ("c", "2024-01-01"), ("d", "2025-06-01"))
    earlier = lot("lhl", person_key=["a", "c", "d"], sent_at=pd.to_datetime(["2025-01-01 09:00", None, "2025-03-31 23:00"]))
    table = unasked_returns(roster()[:4], events, earlier, on="2025-01-01", lapse_days=180, days=89)
    assert table["person_key"].tolist() == ["b", "c"]
    later = lot("l", person_key=["a"], sent_at=pd.Timestamp("2025-04-01 00:00"))
    table = unasked_returns(roster()[:4], events, later, on="2025-01-01", lapse_days=180, days=89)
    assert "a" in table["person_key"].tolist()


def test_who_is_seen_again_is_anybody_asked_after():
    events = acts(("a", "2025-01-03"), ("b", "2025-02-01"), ("d", "2025-06-01"))
    again = seen_again(["b", "a"], events, on="2025-01-01", days=30)
    assert again[["person_key", "returned"]].values.tolist() == [["a", True], ["b", False]]


def test_a_rhythm_is_checked_on_people_who_stay_and_to_whom_nobody_wrote():
    people = roster()[:3].assign(eligible_to=pd.to_datetime([None, "2025-02-01", None]))
    events = acts(("a", "2024-06-01"), ("a", "2025-01-09"), ("b", "2024-06-01"), ("c", "2024-06-01"), ("d", "2025-06-01"))
    written = lot("l", person_key=["c"], sent_at=pd.Timestamp("2025-03-01 09:00"))
    table = followed_rhythms(people, events, written, on="2025-01-01", days=60).set_index("person_key")
    assert table["returned"].dropna().to_dict() == {"a": True}
    unwritten = followed_rhythms(people, events, on="2025-01-01", days=60).set_index("person_key")
    assert unwritten["returned"].dropna().to_dict() == {"a": True, "c": False}


def test_people_gone_from_the_roster_are_told_by_arm_with_how_far_they_could_move_the_difference():
    rng = np.random.default_rng(0)
    keys = [f"p{n:03d}" for n in range(400)]
    contacts = pd.DataFrame({"campaign_id": "c", "person_key": keys, "arm": ["letter", "holdout"] * 200, "probability": 0.5,
                             "assigned_at": LOT, "sent_at": pd.NaT})
    events = acts(*[(key, "2025-11-01") for key in keys if rng.random() < 0.2])
    kept = [key for at, key in enumerate(keys) if at % 2 or at >= 60]                # thirty of the letter are gone
    notes = follow(contacts, pd.DataFrame({"person_key": kept}), events, as_of="2026-08-31", days=90).notes
    assert notes[0].startswith("About 30 people drawn to be written to and no held back are not on the roster")
    low, high = (float(number) for number in re.findall(r"between (-?[\d.]+) and (-?[\d.]+)", notes[0])[0])
    assert high - low == pytest.approx(15)


def test_a_placebo_window_must_be_over_and_hold_somebody():
    events = acts(("a", "2024-12-30"), ("b", "2025-01-31"))
    with pytest.raises(ValueError, match="the events end on 31 January 2025: take an earlier day"):
        unasked_returns(roster()[:2], events, on="2025-01-01", lapse_days=180, days=31)
    with pytest.raises(ValueError, match="Nobody was silent"):
        unasked_returns(roster()[:1], events, on="2025-01-01", lapse_days=180, days=30)


# --- shares ---

def test_shares_of_few_are_withheld_by_group_and_none_can_be_worked_out():
    rows = pd.DataFrame({"returned": [True] * 30 + [False] * 70 + [True] * 4 + [False] * 60 + [True] * 25 + [False] * 40,
                         "mode": ["x"] * 100 + ["y"] * 64 + ["z"] * 65})
    table = share_returned(rows, "mode").set_index("label")
    assert table["estimate"].notna().sum() <= 1 and np.isnan(table.loc["y", "estimate"])
    assert table["n"].tolist() == [100, 64, 65]


def test_those_in_the_window_count_for_no_share_and_those_of_no_group_are_one():
    rows = pd.DataFrame({"returned": pd.array([True] * 20 + [False] * 20 + [None] * 9 + [True] * 30 + [False] * 10,
                                              dtype="boolean"), "mode": ["x"] * 49 + [None] * 40})
    table = share_returned(rows, "mode").set_index("label")
    assert table["estimate"].to_dict() == {"x": 0.5, "not known": 0.75}
