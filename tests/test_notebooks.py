"""The notebooks run from start to end, find what was planted, do not find what was not, and say what they cannot."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import page_of, verdicts
from nbclient import NotebookClient

from libengage_utils.demo import write_demo

HOME = Path(__file__).parent.parent
WHO = HOME / "notebooks" / "01-who-engages.ipynb"
FEEL = HOME / "notebooks" / "02-emotional-journeys.ipynb"
WIDGET = "application/vnd.jupyter.widget-view+json"
EMOTIONS = {"C05", "C07", "C08", "C09", "C10"}


def test_the_first_notebook_runs_on_the_demo(tmp_path):
    manifest, page = page_of(HOME / "notebooks" / "00-start-here.ipynb", HOME / "data" / "demo", tmp_path)
    assert "Synthetic data" in page and manifest["in_short"].startswith("This collection turns")


@pytest.mark.parametrize("name", [path.stem for path in sorted(HOME.glob("notebooks/*.ipynb"))[2:]])
def test_a_notebook_runs_before_a_room_with_its_guesses_and_dials(name):
    """All cells, those for a room too; the browser runs the first notebook that has dials."""
    notebook = nbformat.read(HOME / "notebooks" / f"{name}.ipynb", as_version=4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    assert "ROOM = False" in parameters.source
    parameters.source = parameters.source.replace("ROOM = False", "ROOM = True")
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(HOME / "notebooks")}}).execute()
    for cell in notebook.cells:
        asks = cell.cell_type == "code" and ("lab" in cell.metadata.get("tags", ()) or ".reveal(" in cell.source)
        assert not asks or any(WIDGET in output.get("data", {}) for output in cell.outputs)


def test_the_planted_truth_of_the_demo_is_recovered(tmp_path):
    manifest, page = page_of(WHO, HOME / "data" / "demo", tmp_path)
    truth = yaml.safe_load((HOME / "data" / "demo" / "truth.yml").read_text())["claims"]
    assert all(truth[claim]["holds"] for claim in ("C02", "C04", "C12"))
    assert verdicts(manifest) == dict.fromkeys(("C02", "C04", "C12"), "supported here")
    assert "No natural segments" in manifest["in_short"] or "No natural segments" in page
    assert "Left out" not in page and manifest["withheld"] > 0


def test_what_is_planted_false_is_not_found(tmp_path):
    write_demo(tmp_path / "study", planted={"C02": False, "C04": False, "C12": False}, people=4000)
    manifest, _ = page_of(WHO, tmp_path / "study", tmp_path)
    assert "supported here" not in verdicts(manifest).values()
    assert verdicts(manifest)["C02"] == "not supported here"


def one_period(roster, events, said):
    said["calendar"]["periods"] = said["calendar"]["periods"][-1:]
    return roster, events, said


def no_circumstances(roster, events, said):
    return roster.drop(columns=["mode", "level", "home_site"]), events, said


def everybody_seen(roster, events, said):
    return roster[roster["person_id"].isin(events.loc[events["initiated_by"] == "person", "person_id"])], events, said


def nobody_seen(roster, events, said):
    return roster, events.assign(person_id=np.nan), said


def only_activity(roster, events, said):
    said["sources"] = {name: said["sources"][name] for name in ("people", "events")}
    return roster, events, said


@pytest.mark.parametrize(("change", "people", "untestable"), [
    (one_period, 900, {"C04"}), (no_circumstances, 900, {"C12"}), (everybody_seen, 900, {"C12"}),
    (nobody_seen, 300, {"C02", "C04", "C12"}), (only_activity, 900, {"C04"}), (None, 60, set())])
def test_a_study_that_lacks_something_still_gets_its_page(small, tmp_path, change, people, untestable):
    folder = small(people, **({"study": change} if change else {}))
    manifest, page = page_of(WHO, folder, tmp_path)
    found = verdicts(manifest)
    assert set(found) == {"C02", "C04", "C12"}
    assert {claim for claim, verdict in found.items() if verdict == "not testable with this data"} >= untestable
    assert not re.findall(r".{80}nan%", page) and "Traceback" not in page


# --- experience, emotion, engagement ---

def test_what_is_planted_about_emotion_is_recovered_and_what_is_not_is_not(tmp_path):
    manifest, page = page_of(FEEL, HOME / "data" / "demo", tmp_path)
    truth = yaml.safe_load((HOME / "data" / "demo" / "truth.yml").read_text())["claims"]
    expected = {True: "supported here", False: "not supported here"}
    assert verdicts(manifest) == {claim: expected[truth[claim]["holds"]] for claim in EMOTIONS}
    assert "Left out" not in page


def test_claims_on_emotion_planted_the_other_way_are_judged_the_other_way(tmp_path):
    write_demo(tmp_path / "study", planted={"C05": False, "C07": False, "C08": True, "C09": False}, people=4000)
    found = verdicts(page_of(FEEL, tmp_path / "study", tmp_path)[0])
    assert "supported here" not in {found[claim] for claim in ("C05", "C07", "C09", "C10")}
    assert found["C07"] == "not supported here" and found["C08"] == "supported here"


def no_words(feedback):
    return feedback.assign(text=None)


def nobody_signed(feedback):
    return feedback.assign(person_id=None, journey_id=None)


def ten_comments(feedback):
    return feedback[feedback["text"].notna()].head(10)


def one_touchpoint(feedback):
    return feedback[feedback["touchpoint"] == "hold"]


def half_undated(feedback):
    return feedback.assign(given_at=feedback["given_at"].where(np.arange(len(feedback)) % 2 == 0))


def scale_turned_round(feedback):
    box = feedback["instrument"] == "comment box"
    return feedback.assign(rating=feedback["rating"].where(~box, 6 - pd.to_numeric(feedback["rating"])))


def another_language(feedback):
    return feedback.assign(text=feedback["text"].where(feedback["text"].isna(), "Pani w bibliotece bardzo mi pomog\u0142a"))


def strange_texts(feedback):
    odd = ["word " * 10_000, "<script>alert(1)</script><b>thanks</b>", "=HYPERLINK(\"x\")", "\U0001f621" * 40, "???", "ok"]
    told = feedback["text"].notna()
    return feedback.assign(text=feedback["text"].mask(told, pd.Series(np.resize(odd, len(feedback)), feedback.index)))


@pytest.mark.parametrize(("change", "untestable", "words"), [
    (no_words, set(), "too few comments in words"),
    (nobody_signed, {"C05"}, ""),
    (ten_comments, {"C05", "C07", "C08"}, "too few"),
    (one_touchpoint, {"C08"}, "single step"),
    (half_undated, set(), ""),
    (scale_turned_round, set(), "may be turned round"),
    (another_language, set(), ""),
    (strange_texts, set(), "")])
def test_feedback_that_says_little_or_something_strange_still_gets_its_page(small, tmp_path, change, untestable, words):
    folder = small(1500)
    path = folder / yaml.safe_load((folder / "study.yml").read_text())["sources"]["feedback"]
    change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)
    manifest, page = page_of(FEEL, folder, tmp_path)
    found = verdicts(manifest)
    assert set(found) == EMOTIONS and words in page
    assert {claim for claim, verdict in found.items() if verdict == "not testable with this data"} >= untestable
    assert not re.findall(r".{80}\bnan\b", page) and "Traceback" not in page and "<script" not in page


def test_a_study_without_feedback_still_says_who_comes_back(small, tmp_path):
    manifest, page = page_of(FEEL, small(1500, study=only_activity), tmp_path)
    found = verdicts(manifest)
    assert found["C09"] != "not testable with this data" and "people's feedback, which this study does not have" in page
    assert {claim for claim, verdict in found.items() if verdict == "not testable with this data"} == EMOTIONS - {"C09"}


def test_where_no_comment_was_coded_the_page_says_that_the_machine_was_not_checked(small, tmp_path):
    def without_codes(roster, events, said):
        del said["sources"]["codes"]
        return roster, events, said

    _, page = page_of(FEEL, small(900, study=without_codes), tmp_path)
    assert "not checked on this library's comments" in page.replace("&#39;", "'").replace("\u2019", "'")
    assert "comments read and coded by people, which this study does not have" in page


def test_a_library_with_one_row_a_cardholder_gets_a_page_that_says_what_it_lacks(tmp_path, small):
    folder = small(300)
    said = yaml.safe_load((folder / "study.yml").read_text())
    said["sources"] = {"people": "people.csv", "summaries": "summaries.csv"}
    said["calendar"]["periods"] = [{"period": "all", "from": said["calendar"]["periods"][0]["from"], "to": said["as_of"]}]
    (folder / "study.yml").write_text(yaml.safe_dump(said, sort_keys=False))
    pd.DataFrame({"person_id": pd.read_csv(folder / "people.csv")["person_id"], "total_events": 3,
                  "last_seen": "2026-01-05"}).to_csv(folder / "summaries.csv", index=False)
    manifest, page = page_of(FEEL, folder, tmp_path)
    assert set(verdicts(manifest).values()) == {"not testable with this data"} and "neither feedback nor errands" in page
