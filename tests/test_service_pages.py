"""The pages on right ways, on listening and on reading lists find what was planted, and say what they cannot."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import page_of, verdicts
from test_letter_pages import text_of, without

from libengage_utils.claims import CAUSAL
from libengage_utils.demo import write_demo

HOME = Path(__file__).parent.parent
WAYS, LISTENING, LISTS = (HOME / "notebooks" / f"{name}.ipynb"
                          for name in ("05-one-right-way", "06-listening", "07-reading-lists"))
DEMO = HOME / "data" / "demo"
UNTESTABLE = "not testable with this data"


def changed(folder, table, change):
    """The study in this folder, with one of its tables changed."""
    path = folder / yaml.safe_load((folder / "study.yml").read_text())["sources"][table]
    change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)
    return folder


def sound(manifest, page):
    """Whether a page is fit to be read, whatever it found."""
    text = text_of(page)
    return "Traceback" not in page and not re.search(r"\bnan\b|about 0\b", text) and manifest["in_short"]


# --- what was planted ---

@pytest.mark.parametrize(("notebook", "claims"), [(WAYS, ("C01", "C18")), (LISTENING, ("C19",)), (LISTS, ("C16", "C17"))])
def test_what_was_planted_is_found_and_a_planted_null_is_not(tmp_path, notebook, claims):
    manifest, page = page_of(notebook, DEMO, tmp_path)
    truth = yaml.safe_load((DEMO / "truth.yml").read_text())["claims"]
    found = verdicts(manifest)
    assert tuple(sorted(found)) == claims
    assert {claim: found[claim] == "supported here" for claim in claims} == {
        claim: truth[claim]["holds"] for claim in claims}
    assert "Left out" not in page and sound(manifest, page) and all(claim["across"] for claim in manifest["claims"])
    assert not any(CAUSAL.search(claim["answer"]) for claim in manifest["claims"])


def test_what_is_planted_the_other_way_is_judged_the_other_way(tmp_path):
    planted = {"C01": False, "C16": True, "C17": False, "C18": False, "C19": False}
    write_demo(tmp_path / "study", planted=planted, people=4000)
    found = {}
    for notebook in (WAYS, LISTENING, LISTS):
        manifest, page = page_of(notebook, tmp_path / "study", tmp_path)
        found |= verdicts(manifest)
        assert sound(manifest, page)
    assert found == {claim: "supported here" if claim == "C16" else "not supported here" for claim in planted}


# --- declared ways and forecasts ---

def an_unknown_step(workflows):
    return workflows.assign(step=workflows["step"].replace("hold", "holds"))


def two_steps_at_one_place(workflows):
    return workflows.assign(order=workflows["order"].replace("3", "2"))


@pytest.mark.parametrize(("change", "words"), [
    (an_unknown_step, "is the touchpoint of no event"), (two_steps_at_one_place, "give each an order of its own")])
def test_a_way_that_cannot_be_walked_gets_a_sentence_and_no_verdict(small, tmp_path, change, words):
    manifest, page = page_of(WAYS, changed(small(1200), "workflows", change), tmp_path)
    assert words in text_of(page) and sound(manifest, page)
    assert verdicts(manifest)["C18"] == UNTESTABLE and verdicts(manifest)["C01"] != UNTESTABLE


def without_forecast(forecasts):
    return forecasts.assign(expected_share=None)


def recorded_afterwards(forecasts):
    return forecasts.assign(recorded_on="2026-06-01")


def launched_before_anybody_was_there(forecasts):
    return forecasts.assign(launched_on="1990-01-01", recorded_on="1989-01-01")


@pytest.mark.parametrize(("change", "words"), [
    (without_forecast, "no forecast was recorded"),
    (recorded_afterwards, "not known to have been recorded before the launch"),
    (launched_before_anybody_was_there, "launched before the log begins")])
def test_without_a_forecast_that_counts_uptake_is_shown_and_cannot_be_judged(small, tmp_path, change, words):
    manifest, page = page_of(WAYS, changed(small(1200), "forecasts", change), tmp_path)
    assert verdicts(manifest)["C01"] == "cannot tell" and words in text_of(page) and sound(manifest, page)


def test_a_study_without_ways_or_forecasts_says_so(small, tmp_path):
    manifest, page = page_of(WAYS, small(600, study=without("workflows", "forecasts")), tmp_path)
    assert verdicts(manifest) == {"C01": UNTESTABLE, "C18": UNTESTABLE} and sound(manifest, page)
    assert "declared workflows and forecasts of uptake, which this study does not have" in text_of(page)


# --- listening ---

def a_third_in_polish(feedback):
    third = feedback["text"].notna() & (feedback.index % 3 == 0)
    return feedback.assign(text=feedback["text"].mask(third, "Nie ma wolnego miejsca przy oknie, a w bibliotece jest zimno"))


def few_comments(feedback):
    return feedback.assign(text=feedback["text"].where(feedback["text"].notna().cumsum() <= 120))


@pytest.mark.parametrize(("change", "words"), [
    (a_third_in_polish, "in Polish"), (few_comments, "looked for among 200 or more")])
def test_comments_that_cannot_be_read_are_counted_and_too_few_get_a_sentence(small, tmp_path, change, words):
    manifest, page = page_of(LISTENING, changed(small(1500), "feedback", change), tmp_path)
    assert words in text_of(page) and sound(manifest, page) and verdicts(manifest)["C19"] != UNTESTABLE


def test_no_comment_is_on_a_page_unless_it_was_agreed_to_and_approved(tmp_path):
    _, page = page_of(LISTENING, DEMO, tmp_path)
    quotations = pd.read_csv(DEMO / "quotations.csv", dtype=str)
    texts = pd.read_csv(DEMO / "feedback.csv.gz", dtype=str).dropna(subset="text").set_index("feedback_id")["text"]
    approved = set(quotations.loc[quotations["consent"] == "true", "quote"])
    said = text_of(page)
    shown = {text for text in texts if len(text) > 40 and re.sub(r"\s+", " ", text) in said}
    assert shown and shown <= approved


# --- reading lists ---

def without_students(lists):
    return lists.assign(students=None)


def all_at_once(lists):
    begun = ~lists["term"].isin(["2023/24 autumn", "2023/24 spring"])
    return lists.assign(participation=begun.map({True: "partnered", False: "informed"}))


def one_module(lists):
    return lists[lists["module"] == lists["module"].iloc[0]]


def nobody_begins(lists):
    return lists.assign(participation="informed")


@pytest.mark.parametrize(("change", "words", "untestable"), [
    (without_students, "are lists without students", {"C16", "C17"}),
    (all_at_once, "nobody is left to compare with", {"C16"}),
    (one_module, "holds one unit", {"C16", "C17"}),
    (nobody_begins, "No unit adopts", {"C16"})])
def test_lists_that_cannot_be_compared_get_a_sentence_and_no_verdict(small, tmp_path, change, words, untestable):
    manifest, page = page_of(LISTS, changed(small(300), "reading_lists", change), tmp_path)
    found = verdicts(manifest)
    assert words in text_of(page) and sound(manifest, page)
    assert {claim for claim, verdict in found.items() if verdict == UNTESTABLE} == untestable


def test_a_study_without_reading_lists_says_so(small, tmp_path):
    manifest, page = page_of(LISTS, small(300, study=without("reading_lists", "reading_list_items", "reading_list_use")),
                             tmp_path)
    assert verdicts(manifest) == {"C16": UNTESTABLE, "C17": UNTESTABLE} and sound(manifest, page)
