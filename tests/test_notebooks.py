"""The notebooks run from start to end, find what was planted, do not find what was not, and say what they cannot."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from libengage_utils.demo import write_demo
from libengage_utils.report import export
from libengage_utils.study import open_study

HOME = Path(__file__).parent.parent
WHO = HOME / "notebooks" / "01-who-engages.ipynb"


def page_of(notebook, folder, to):
    """The manifest and the text of the page of a notebook on the study in a folder."""
    manifest = export(notebook, to / "page.html", study=open_study(folder), parameters={"STUDY": str(folder / "study.yml")})
    return manifest, (to / "page.html").read_text()


def verdicts(manifest):
    return {claim["id"]: claim["verdict"] for claim in manifest["claims"]}


def test_the_first_notebook_runs_on_the_demo(tmp_path):
    manifest, page = page_of(HOME / "notebooks" / "00-start-here.ipynb", HOME / "data" / "demo", tmp_path)
    assert "Synthetic data" in page and manifest["in_short"].startswith("This collection turns")


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


@pytest.fixture
def small(tmp_path):
    """A synthetic library, changed as told and kept as a study of its own."""

    def write(people=900, **changes):
        folder = tmp_path / "study"
        write_demo(folder, people=max(people, 200))
        said = yaml.safe_load((folder / "study.yml").read_text())
        roster, events = (pd.read_csv(folder / said["sources"][name], dtype=str) for name in ("people", "events"))
        roster = roster.head(people)
        events = events[events["person_id"].isin(roster["person_id"]) | events["person_id"].isna()]
        for table, change in changes.items():
            roster, events, said = change(roster, events, said) if table == "study" else (roster, events, said)
        roster.to_csv(folder / said["sources"]["people"], index=False)
        events.to_csv(folder / said["sources"]["events"], index=False)
        (folder / "study.yml").write_text(yaml.safe_dump(said, sort_keys=False))
        return folder

    return write


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
