"""The pages on the letter and on staff time find what was planted, and say in a sentence what they cannot."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import page_of, verdicts

from libengage_utils.claims import CAUSAL
from libengage_utils.demo import write_demo

HOME = Path(__file__).parent.parent
LETTER, TIME = (HOME / "notebooks" / f"{name}.ipynb" for name in ("03-we-miss-you", "04-where-our-time-goes"))
DEMO = HOME / "data" / "demo"


def text_of(page):
    """What a reader sees, without code."""
    page = re.sub(r"(?s)<details class=\"code\">.*?</details>|<style.*?</style>", " ", page)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def said_by(page, pattern):
    return " ".join(re.findall(pattern, page, re.S))


# --- the letter ---

def test_the_planted_letter_is_recovered_and_how_many_came_back_unasked_stands_beside_it(tmp_path):
    manifest, page = page_of(LETTER, DEMO, tmp_path)
    truth = yaml.safe_load((DEMO / "truth.yml").read_text())["claims"]["C14"]
    card, = manifest["claims"]
    low, high = map(float, re.findall(r"[\d.]+", card["interval"]))
    assert truth["holds"] and verdicts(manifest) == {"C14": "supported here"} and low <= 100 * truth["value"] <= high
    assert manifest["in_short"].startswith("For every 100 letters about ") and "Under" in card["across"]
    assert "held back by lot" in text_of(page) and "came back unasked" in text_of(page)
    assert "Left out" not in page


def test_a_letter_that_did_nothing_is_not_found_to_have_done_something(tmp_path):
    write_demo(tmp_path / "study", planted={"C14": False}, people=6000)
    manifest, page = page_of(LETTER, tmp_path / "study", tmp_path)
    assert verdicts(manifest)["C14"] != "supported here"
    assert "cannot be told" in text_of(page)


def contacts_changed(folder, change):
    path = folder / yaml.safe_load((folder / "study.yml").read_text())["sources"]["contacts"]
    change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)


def all_written_to(contacts):
    return contacts.assign(arm="letter")


def half_sent_before_the_lot(contacts):
    return contacts.assign(sent_at=contacts["sent_at"].where(contacts.index % 2 == 0, "2025-09-01 10:00"))


def unknown_people(contacts):
    return contacts.assign(person_id="x" + contacts["person_id"])


def no_chance_given(contacts):
    return contacts.assign(probability=None)


def certain_to_be_written_to(contacts):
    return contacts.assign(probability="1")


def not_sent(contacts):
    return contacts.assign(sent_at=None)


def a_person_in_both_arms(contacts):
    other = contacts["arm"].map({"letter": "holdout", "holdout": "letter"})
    return pd.concat([contacts, contacts.assign(arm=other).head(20)])


@pytest.mark.parametrize(("change", "tested", "words"), [
    (all_written_to, False, "Nobody on the roster is in the arm holdout"),
    (half_sent_before_the_lot, False, "sent on a day before their lot was drawn"),
    (unknown_people, False, "Nobody on the roster is in the arm"),
    (no_chance_given, False, "probability of the letter that is missing"),
    (certain_to_be_written_to, False, "so that there was no lot"),
    (not_sent, True, "were sent none; they stay in their group"),
    (a_person_in_both_arms, True, "")])
def test_contacts_that_are_no_lot_get_a_sentence_and_no_verdict(small, tmp_path, change, tested, words):
    folder = small(3000)
    contacts_changed(folder, change)
    manifest, page = page_of(LETTER, folder, tmp_path)
    assert words in text_of(page) and "Traceback" not in page and not re.findall(r"\bnan\b", text_of(page))
    assert (verdicts(manifest)["C14"] != "not testable with this data") == tested


def without(*tables):
    def change(roster, events, said):
        for table in tables:
            del said["sources"][table]
        return roster, events, said
    return change


def looked_at_too_early(roster, events, said):
    said["as_of"] = pd.Timestamp("2025-12-01").date()
    return roster, events, said


def nobody_ever_seen(roster, events, said):
    return roster, events.assign(initiated_by="staff"), said


def everybody_away(roster, events, said):
    said["calendar"]["holidays"] = [{"from": pd.Timestamp("2023-09-01").date(), "to": pd.Timestamp("2025-10-19").date()}]
    return roster, events, said


@pytest.mark.parametrize(("change", "words"), [
    (without("contacts", "campaigns"), "a record of whom a letter went to"),
    (looked_at_too_early, "wait 48 days"),
    (nobody_ever_seen, "")])
def test_a_study_that_cannot_judge_a_letter_still_gets_its_page(small, tmp_path, change, words):
    manifest, page = page_of(LETTER, small(2000, study=change), tmp_path)
    assert verdicts(manifest)["C14"] == "not testable with this data"
    assert words in text_of(page) and "Traceback" not in page and not re.findall(r"\bnan\b", text_of(page))


def only_a_year_on_record(roster, events, said):
    start = pd.Timestamp("2024-10-25").date()
    said["coverage"] = [{**source, "from": start} for source in said["coverage"]]
    return roster, events[events["occurred_at"] >= str(start)], said


def test_a_letter_is_judged_although_the_log_is_too_short_for_a_year_before(small, tmp_path):
    manifest, page = page_of(LETTER, small(6000, study=only_a_year_on_record), tmp_path)
    assert verdicts(manifest)["C14"] == "supported here" and manifest["in_short"].startswith("For every 100 letters")
    assert "Nothing is on record of identified people before that day" in text_of(page)


def test_where_nobody_was_expected_nobody_is_quiet_and_the_lot_that_was_drawn_is_judged_all_the_same(small, tmp_path):
    manifest, page = page_of(LETTER, small(2000, study=everybody_away), tmp_path)
    assert verdicts(manifest)["C14"] in ("supported here", "cannot tell") and "nobody is to be written to" in text_of(page)


@pytest.mark.parametrize("change", [all_written_to, None])
def test_without_a_lot_no_figure_title_or_card_names_a_cause(small, tmp_path, change):
    folder = small(3000, **({} if change else {"study": without("contacts", "campaigns")}))
    if change:
        contacts_changed(folder, change)
    _, page = page_of(LETTER, folder, tmp_path)
    for pattern in (r"<h[1-6].*?</h[1-6]>", r"<figure.*?</figure>", r"alt=\".*?\"",
                    r"<article[^>]*claim.*?</article>", r"<section[^>]*in-short.*?</section>"):
        said = said_by(page, pattern).replace("\u2018We miss you\u2019 brought them back", "")
        assert said and not CAUSAL.search(re.sub(r"<[^>]+>", " ", said))


@pytest.mark.parametrize("notebook", sorted((HOME / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_heading_of_a_notebook_names_a_cause(notebook):
    cells = json.loads(notebook.read_text())["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    headings = re.findall(r"(?m)^#+ .*$", prose)
    assert len(headings) >= 5 and not any(CAUSAL.search(heading) for heading in headings)


# --- staff time ---

def test_staff_time_follows_earlier_engagement_where_it_was_planted_and_not_where_it_was_not(tmp_path):
    manifest, page = page_of(TIME, DEMO, tmp_path)
    assert verdicts(manifest) == {"C03": "supported here"} and "Left out" not in page
    write_demo(tmp_path / "study", planted={"C03": False}, people=6000)
    manifest, page = page_of(TIME, tmp_path / "study", tmp_path)
    assert verdicts(manifest)["C03"] != "supported here"


def test_nobody_on_the_staff_can_be_told_from_the_page(small, tmp_path):
    folder = small(1500)
    path = folder / yaml.safe_load((folder / "study.yml").read_text())["sources"]["staff_time"]
    log = pd.read_csv(path, dtype=str).assign(staff="Canary Wren", staff_id="s-4711")
    rare = log.head(3).assign(activity_id=["a", "b", "c"], service="canary service", on="2026-03-02", minutes="7777")
    pd.concat([log, rare]).to_csv(path, index=False)
    _, page = page_of(TIME, folder, tmp_path)
    assert not re.search(r"Canary Wren|4711|canary service", page) and "other services" in page


def one_period(roster, events, said):
    said["calendar"]["periods"] = said["calendar"]["periods"][-1:]
    return roster, events, said


def other_names(roster, events, said):
    return roster, events.assign(touchpoint="somewhere"), said


@pytest.mark.parametrize(("change", "words"), [
    (without("staff_time"), "records of staff time"), (one_period, "takes two periods"),
    (other_names, ""), (nobody_ever_seen, "")])
def test_a_study_that_cannot_say_where_time_went_still_gets_its_page(small, tmp_path, change, words):
    manifest, page = page_of(TIME, small(900, study=change), tmp_path)
    assert verdicts(manifest)["C03"] == "not testable with this data"
    assert words in text_of(page) and "Traceback" not in page and not re.findall(r"\bnan\b", text_of(page))


@pytest.mark.parametrize("notebook", [LETTER, TIME], ids=lambda path: path.stem)
def test_a_library_without_a_log_of_acts_gets_one_sentence(small, tmp_path, notebook):
    folder = small(300)
    said = yaml.safe_load((folder / "study.yml").read_text())
    said["sources"] = {"people": "people.csv", "summaries": "summaries.csv"}
    said["calendar"]["periods"] = [{"period": "all", "from": said["calendar"]["periods"][0]["from"], "to": said["as_of"]}]
    pd.read_csv(folder / "people.csv")[["person_id"]].assign(total_events=3).to_csv(folder / "summaries.csv", index=False)
    (folder / "study.yml").write_text(yaml.safe_dump(said, sort_keys=False))
    manifest, _ = page_of(notebook, folder, tmp_path)
    assert "which this study does not have" in manifest["skipped"] and not manifest["claims"]
