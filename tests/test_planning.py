"""From an opened study to the plan of a letter, without a command line."""

import datetime as dt
import hashlib

import pandas as pd
import pytest

from libengage_utils.claims import CLAIMS
from libengage_utils.effects.sizes import smallest_difference
from libengage_utils.letters.lots import draw_lots
from libengage_utils.planning import plan_letter
from libengage_utils.study import open_study

DAY = dt.date(2025, 5, 1)
RULE = {"lapse_days": 100, "outcome_days": 60}


@pytest.fixture
def study(write_study):
    """60 people, of whom 45 are quiet on 1 May 2025: 30 were seen before that, 15 never; 10 were just seen."""
    people = "person_id,eligible_from,contact_opt_out,home_site\n" + "".join(
        f"u{i},2024-09-01,{'true' if i >= 55 else 'false'},Main\n" for i in range(60))
    events = "event_id,person_id,occurred_at,event_type,touchpoint,initiated_by,source\n" + "".join(
        f"e{i},u{i},{'2024-10-01' if i < 30 else '2025-04-20'} 10:00,borrow,loan,person,desk\n" for i in range(40))
    return open_study(write_study(people=people, events=events))


def test_a_plan_is_made_without_printing_or_writing(study, capsys):
    before = sorted(study.path.parent.rglob("*"))
    plan_letter(study, on=DAY, campaign="spring", **RULE)
    assert capsys.readouterr().out == "" and sorted(study.path.parent.rglob("*")) == before


def test_the_parts_of_a_plan_agree(study):
    plan = plan_letter(study, on=DAY, campaign="spring", holdout=0.4, **RULE)
    assert sorted(plan.lots["person_key"]) == sorted(plan.quiet.people["person_key"]) and len(plan.lots) == 45
    assert (plan.protocol.letter, plan.protocol.holdout) == (27, 18)
    assert plan.protocol.problems(plan.contacts.rename(columns={"person_id": "person_key"})) == []
    assert plan.letters["person_id"].tolist() == plan.contacts.loc[plan.contacts["arm"] == "letter", "person_id"].tolist()


def test_a_protocol_says_how_its_lots_are_drawn_again(study):
    plan = plan_letter(study, on=DAY, campaign="spring", **RULE)
    again = draw_lots(plan.quiet.people, share=1 - plan.protocol.holdout_share, strata=plan.protocol.strata,
                      seed=plan.protocol.seed)
    pd.testing.assert_frame_equal(again, plan.lots)


def test_nobody_chooses_the_seed_unless_they_say_so(study):
    made = int(hashlib.sha256(b"spring 2025-05-01").hexdigest()[:8], 16)
    assert plan_letter(study, on="2025-05-01", campaign="spring", **RULE).protocol.seed == made
    assert plan_letter(study, on=DAY, campaign="spring", seed=7, **RULE).protocol.seed == 7


def test_a_protocol_tells_the_rise_that_would_be_seen_from_the_rise_that_the_rule_asks(study):
    protocol = plan_letter(study, on=DAY, campaign="spring", **RULE).protocol
    arms, claim = (protocol.letter, protocol.holdout, protocol.expected_share), CLAIMS["C14"]
    assert protocol.rule == claim.rule
    assert protocol.smallest_rise == pytest.approx(smallest_difference(*arms), abs=5e-5)
    assert protocol.smallest_rise_supported == pytest.approx(
        smallest_difference(*arms, beyond=claim.threshold / 100), abs=5e-5)
    assert protocol.smallest_rise_supported > protocol.smallest_rise


def test_a_plan_in_sentences_goes_from_who_is_quiet_to_the_list(study):
    plan = plan_letter(study, on=DAY, campaign="spring", **RULE)
    places = [plan.summary.index(words) for words in (
        "were silent for at least 100", "10% is assumed", "only a rise from 10%", "For its whole 95% interval",
        "on the list to write to")]
    assert places == sorted(places) and not plan.contacts["person_id"].map(plan.summary.count).any()


def test_a_day_after_the_data_end_is_noted(study):
    notes = plan_letter(study, on="2025-09-15", campaign="autumn", **RULE).notes
    assert notes[0].startswith("The data end on 2025-08-31: who was seen between then and 2025-09-15")


@pytest.mark.parametrize(("asked", "words"), [
    ({"on": dt.date(2024, 9, 15)}, "The data begin on 2024-10-01"),
    ({"on": dt.date(2025, 12, 24)}, "at most 31 days after they end"),
    ({"outcome_days": 0}, "must be at least 1"), ({"holdout": 1.0}, "`share` is everybody's chance"),
    ({"strata": ["school_"]}, "no column school_")])
def test_what_cannot_be_planned_gets_a_sentence(study, asked, words):
    with pytest.raises(ValueError, match=words):
        plan_letter(study, **{"on": DAY, "campaign": "spring", **RULE, **asked})


@pytest.mark.parametrize(("asked", "words"), [
    ({"holdout": 0.1}, "about 40 were silent .* seen within the last 100 expected days .* would hold fewer than 10 people"),
    ({"lapse_days": 300}, "nobody is to be written to: .* not expected for so long yet .* nobody to draw lots among")])
def test_a_refused_plan_says_who_is_quiet_and_why_others_are_not(study, asked, words):
    with pytest.raises(ValueError, match=words):
        plan_letter(study, **{"on": DAY, "campaign": "spring", **RULE, **asked})
