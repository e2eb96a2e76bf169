"""What is laid down before a letter: the protocol, the list to write to, and the command that writes them."""

import dataclasses
import datetime as dt
import hashlib
import re
import stat

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from libengage_utils.__main__ import main
from libengage_utils.letters.contact_list import contact_list, contacts_table, safe_cell
from libengage_utils.letters.lots import draw_lots
from libengage_utils.letters.protocol import Protocol, list_digest
from libengage_utils.privacy import Pseudonymiser
from libengage_utils.schema import TABLES
from libengage_utils.study import open_study

DAY = dt.date(2025, 10, 20)
CROWD = pd.DataFrame({"person_key": [f"p{i:02}" for i in range(40)], "seen_before": [True, False] * 20})
LOTS = draw_lots(CROWD, strata=["seen_before"], seed=1)
PROTOCOL = Protocol(
    campaign_id="autumn", purpose="Learn.", who="Everybody quiet.", lapse_days=365, outcome="An act.", outcome_days=90,
    holdout_share=0.5, strata=("seen_before",), seed=1, letter=20, holdout=20, expected_share=0.1, smallest_rise=0.3,
    smallest_rise_supported=0.32, rule="Supported if \u2026",
    registered_on=DAY - dt.timedelta(days=1), assigned_on=DAY, data_fingerprint="ab" * 8,
    list_digest=list_digest(LOTS))
CONTACTS = contacts_table(LOTS, campaign_id="autumn", assigned_on=DAY).rename(columns={"person_id": "person_key"})


# --- the protocol ---

def test_a_protocol_comes_back_from_its_text():
    assert Protocol.from_yaml(PROTOCOL.to_yaml()) == PROTOCOL


def test_a_lot_too_small_for_any_rise_says_so_in_its_protocol():
    text = dataclasses.replace(PROTOCOL, smallest_rise_supported=float("nan")).to_yaml()
    assert "smallest_rise_supported: .nan" in text and np.isnan(Protocol.from_yaml(text).smallest_rise_supported)


def test_a_protocol_is_text_that_people_read_in_the_order_of_its_entries():
    said = yaml.safe_load(PROTOCOL.to_yaml())
    assert list(said) == [field.name for field in dataclasses.fields(Protocol)] and "\u2026" in PROTOCOL.to_yaml()


@pytest.mark.parametrize(("change", "words"), [
    (lambda text: text.replace("seed: 1\n", ""), "does not say: seed"),
    (lambda text: text.replace("letter: 20\n", "letter: twenty\n"), "'twenty' as letter, which has to be a whole number"),
    (lambda text: text.replace("seed: 1\n", "seed: true\n"), "True as seed"),
    (lambda text: text.replace(f"assigned_on: {DAY}", "assigned_on: someday"), "has to be a day written YYYY-MM-DD"),
    (lambda text: text + "verdict: yes\n", "mean nothing in one: verdict"),
    (lambda text: "", "is empty"), (lambda text: text + "a: [\n", "line 2[0-9], is not readable YAML")])
def test_a_text_that_is_no_protocol_gets_a_sentence(change, words):
    with pytest.raises(ValueError, match=words):
        Protocol.from_yaml(change(PROTOCOL.to_yaml()))


def test_contacts_as_drawn_have_no_problem_in_any_order_and_among_others():
    other = CONTACTS.assign(campaign_id="spring", arm="letter")
    assert PROTOCOL.problems(pd.concat([CONTACTS, other]).sample(frac=1, random_state=0)) == []


def moved(contacts):
    """One person moved to the letter, and one to the holdout, so that the numbers stay."""
    swap = [(contacts["arm"] == arm).idxmax() for arm in ("letter", "holdout")]
    contacts = contacts.copy()
    contacts.loc[swap, "arm"] = contacts.loc[swap, "arm"].to_numpy()[::-1]
    return contacts


@pytest.mark.parametrize(("change", "words"), [
    (moved, ["People and arms are not those of the lot"]),
    (lambda c: c[1:], ["holds fewer people than", "People and arms"]),
    (lambda c: c.assign(arm="letter"), ["letter\u201d holds more", "holdout\u201d holds fewer", "People and arms"]),
    (lambda c: c.assign(probability=0.8), ["chance of the letter is not 0.5 for everybody"]),
    (lambda c: c.assign(probability=np.nan), ["chance of the letter is not 0.5 for everybody"]),
    (lambda c: c.assign(assigned_at="2025-10-21 09:00"), ["2025-10-21 as the first day of the lot, the protocol 2025-10"]),
    (lambda c: c.assign(assigned_at="2025-10-01 09:00"), ["first day of the lot", "rule was laid down on 2025-10-19"]),
    (lambda c: c.assign(campaign_id="spring"), ["nobody of the campaign autumn"])])
def test_contacts_that_differ_from_the_protocol_are_said(change, words):
    problems = PROTOCOL.problems(change(CONTACTS))
    assert len(problems) == len(words) and all(word in said for word, said in zip(words, problems, strict=True))


def test_a_rule_laid_down_after_the_lot_is_said():
    late = dataclasses.replace(PROTOCOL, registered_on=DAY + dt.timedelta(days=1))
    assert late.problems(CONTACTS) == ["The lot was drawn on 2025-10-20, before the rule was laid down on 2025-10-21."]


def test_the_digest_is_of_the_sorted_lines():
    lines = sorted(f"{row.person_key},{row.arm}\n" for row in LOTS.itertuples())
    assert list_digest(LOTS[::-1]) == hashlib.sha256("".join(lines).encode()).hexdigest()


# --- the list to write to ---

def test_the_list_holds_those_whose_lot_is_a_letter_and_nothing_but_a_pseudonym():
    found = contact_list(LOTS.sample(frac=1, random_state=0), CROWD)
    assert list(found.letters) == ["person_id"] and not len(found.left_out)
    assert found.letters["person_id"].tolist() == LOTS.loc[LOTS["arm"] == "letter", "person_key"].tolist()


def test_who_may_not_be_written_to_is_never_on_the_list_and_is_counted():
    letter = (LOTS["arm"] == "letter").to_numpy()
    people = CROWD.assign(contactable=np.where(letter.cumsum() > 12, False, True), contact_opt_out=letter.cumsum() <= 11)
    found = contact_list(LOTS, people[letter.cumsum() <= 18])
    assert found.left_out.to_dict() == {
        "asked not to be written to": 11, "no working address": 6, "no longer on the roster": 2}
    assert len(found.letters) + found.left_out.sum() == 20
    assert "about 10 (asked not to be written to); fewer than 10 (no working address)" in found.summary
    assert "Fewer than 10 people are on the list" in found.summary


def test_a_person_with_two_lots_is_refused():
    with pytest.raises(ValueError, match="40 of 80 lots are of a person who has one already"):
        contact_list(pd.concat([LOTS, LOTS]), CROWD)


def test_contacts_are_in_the_shape_of_the_schema():
    table = contacts_table(LOTS, campaign_id="autumn", assigned_on=DAY)
    assert list(table) == [column.heading for column in TABLES["contacts"].columns]
    assert (table["sent_at"] == "").all() and not table[["opted_out", "bounced"]].any(axis=None)


@pytest.mark.parametrize("cell", [
    "=1+1", "+44", "-2", "@SUM(A1)", "\tx", "\rx", "\nx", "  =1", '"=1', "' =1", "\u201c=1", "\u200b=1", "\ufeff=1",
    "\x00=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "\ufe661", "\u22121", "\u00a0=1"])
def test_what_a_spreadsheet_would_take_for_a_formula_gets_an_apostrophe(cell):
    assert safe_cell(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "p_0123", "a=1", "2025-10-20 12:00", "O'Brien", " x", -1, 0.5, None, True])
def test_everything_else_is_left_as_it_is(cell):
    assert safe_cell(cell) is cell


@given(st.text(st.sampled_from("=+-@\t\r\n \"'a1\uff1d\uff20\u200b"), max_size=6))
def test_a_formula_is_one_behind_whatever_spaces_and_quotes(text):
    formula = text[:1] in ("\t", "\r", "\n") or text.lstrip("\t\r\n \"'\u200b")[:1] in tuple("=+-@\uff1d\uff20")
    assert safe_cell(text) == "'" * formula + text


# --- the command ---

@pytest.fixture
def study(write_study):
    """60 people, of whom 45 are quiet on 1 May 2025: 30 were seen before that, 15 never."""
    people = "person_id,eligible_from,contact_opt_out,home_site\n" + "".join(
        f"u{i},2024-09-01,{'true' if i >= 55 else 'false'},Main\n" for i in range(60))
    events = "event_id,person_id,occurred_at,event_type,touchpoint,initiated_by,source\n" + "".join(
        f"e{i},u{i},{'2024-10-01' if i < 30 else '2025-04-20'} 10:00,borrow,loan,person,desk\n" for i in range(40))
    events += "".join(f"m{i},u{i},2025-04-30 10:00,notice,mail,system,desk\n" for i in range(60))
    return write_study(people=people, events=events)


def plan(folder, *words, on="2025-05-01", campaign="spring"):
    main(["plan", str(folder / "study.yml"), "--on", on, "--campaign", campaign, "--lapse-days", "100",
          "--outcome-days", "60", *words])
    return folder / f"plan-{campaign}"


def refusal(folder, *words, **options):
    with pytest.raises(SystemExit) as caught:
        plan(folder, *words, **options)
    return str(caught.value)


def test_the_plan_writes_three_files_that_agree(study, capsys):
    home = plan(study)
    protocol = Protocol.from_yaml((home / "protocol.yml").read_text())
    contacts, letters = (pd.read_csv(home / name) for name in ("contacts.csv", "letters.csv"))
    assert sorted(path.name for path in home.iterdir()) == ["contacts.csv", "letters.csv", "protocol.yml"]
    assert protocol.problems(contacts.rename(columns={"person_id": "person_key"})) == []
    assert contacts.value_counts(["stratum", "arm"]).between(7, 15).all() and len(contacts) == 45
    assert letters["person_id"].tolist() == contacts.loc[contacts["arm"] == "letter", "person_id"].tolist()
    assert contacts["person_id"].str.fullmatch("p_[0-9a-f]{24}").all() and "u1" not in (home / "protocol.yml").read_text()
    said = capsys.readouterr().out
    places = [said.index(words) for words in (
        "were silent for at least 100", "only a rise from 10%", "For its whole 95% interval", "Written to")]
    assert places == sorted(places)
    assert "nothing was sent" in said and "spring,Learn by lot" in said and not re.search(r"\bp_[0-9a-f]", said)


def test_the_files_are_their_owner_s_alone(study):
    home = plan(study)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {0o600}


def test_the_same_plan_draws_the_same_lots_and_another_campaign_others(study, tmp_path):
    first, again, other = plan(study), tmp_path / "again", plan(study, campaign="summer")
    plan(study, "--to", str(again))
    assert (first / "contacts.csv").read_text() == (again / "contacts.csv").read_text()
    assert (first / "letters.csv").read_text() != (other / "letters.csv").read_text()


def test_a_rule_written_down_is_not_rewritten(study):
    before = (plan(study) / "protocol.yml").read_text()
    assert "a rule written down is not rewritten" in refusal(study, "--seed", "7")
    assert (study / "plan-spring" / "protocol.yml").read_text() == before


@pytest.mark.parametrize(("words", "options", "said"), [
    ([], {"on": "2024-09-15"}, "The data begin on 2024-10-01"),
    ([], {"on": "2025-12-24"}, "at most 31 days after they end"),
    (["--holdout", "0"], {}, "without a holdout nothing can be learned"),
    (["--holdout", "0.1"], {}, "would hold fewer than 10 people"),
    (["--strata", "school_"], {}, "no column school_"),
    (["--lapse-days", "0"], {}, "must be at least 1"),
    (["--to", "/nowhere/at/all"], {}, "cannot be written")])
def test_what_cannot_be_planned_gets_a_sentence_and_writes_nothing(study, words, options, said):
    assert said in refusal(study, *words, **options)
    assert not (study / "plan-spring").exists()


@pytest.mark.parametrize(("options", "said"), [
    ({"on": "1 May"}, "not a day written"), ({"campaign": "../x"}, "is no single word")])
def test_a_day_or_a_name_that_is_none_is_refused(study, options, said, capsys):
    refusal(study, **options)
    assert said in capsys.readouterr().err


def test_a_planned_lot_comes_back_with_the_study_it_was_drawn_from(study):
    home = plan(study)
    said = yaml.safe_load((study / "study.yml").read_text())
    said["sources"]["contacts"] = f"{home.name}/contacts.csv"
    (study / "study.yml").write_text(yaml.safe_dump(said))
    opened = open_study(study)
    contacts = opened.contacts.df()
    assert len(contacts) == 45 and set(contacts["person_key"]) <= set(opened.people.df()["person_key"])
    assert Protocol.from_yaml((home / "protocol.yml").read_text()).problems(contacts) == []


def test_what_is_expected_without_a_letter_is_what_came_back_unasked_a_year_earlier(write_study, capsys):
    """All 60 were quiet a year earlier and 24 came back, 12 of them written to in an earlier campaign."""
    people = "person_id,eligible_from\n" + "".join(f"u{i},2023-09-01\n" for i in range(60))
    acts = [(i, "2023-10-01") for i in range(60)] + [(i, "2024-05-20") for i in range(24)] + [(59, "2024-08-01")]
    events = "event_id,person_id,occurred_at,event_type,touchpoint,initiated_by,source\n" + "".join(
        f"e{n},u{i},{day} 10:00,borrow,loan,person,desk\n" for n, (i, day) in enumerate(acts))
    contacts = "campaign_id,person_id,arm,probability,assigned_at,sent_at\n" + "".join(
        f"earlier,u{i},letter,0.5,2024-05-01 12:00,2024-05-02 09:00\n" for i in range(12))
    folder = write_study(people=people, events=events, files={"contacts.csv": contacts},
                         sources={name: f"{name}.csv" for name in ("people", "events", "contacts")},
                         coverage=[{"source": "desk", "from": "2023-09-01", "to": "2025-08-31", "identity": "person"}])
    protocol = Protocol.from_yaml((plan(folder) / "protocol.yml").read_text())
    assert "a year earlier, 25.0% came back unasked" in capsys.readouterr().out and protocol.expected_share == 0.25


def test_a_lot_for_a_day_that_is_past_is_registered_after_it(study, monkeypatch, capsys):
    monkeypatch.setenv("LIBENGAGE_KEY", "ab" * 16)
    (study / "study.yml").write_text((study / "study.yml").read_text().replace("synthetic: true", "synthetic: false"))
    protocol = Protocol.from_yaml((plan(study) / "protocol.yml").read_text())
    assert protocol.registered_on >= dt.date(2025, 11, 1) and protocol.assigned_on == dt.date(2025, 5, 1)
    assert "2025-05-01 is past" in capsys.readouterr().out


def test_whoever_holds_the_key_finds_the_addresses(study):
    letters = pd.read_csv(plan(study) / "letters.csv")
    members = pd.DataFrame({"person_id": [f"u{i}" for i in range(60)], "address": [f"{i} High Street" for i in range(60)]})
    pseudonym = Pseudonymiser(hashlib.sha256(b"A small library").digest())
    members["pseudonym"] = members["person_id"].str.strip().str.normalize("NFC").map(pseudonym)
    found = letters.rename(columns={"person_id": "pseudonym"}).merge(members, on="pseudonym")
    assert len(found) == len(letters) and found["address"].notna().all()
