"""Small studies to open, made where a test asks for them, and the pages of notebooks on them."""

import os

import numpy as np
import pandas as pd
import pytest
import yaml

from libengage_utils.demo import write_demo
from libengage_utils.report import ReportError, export
from libengage_utils.report.printing import find_browser
from libengage_utils.study import open_study

PEOPLE = (
    "person_id,eligible_from,mode,home_site\n"
    "u1,2024-09-01,full-time,Main\n"
    "u2,2024-09-01,distance,Main\n"
    "u3,2024-09-01,full-time,Far\n"
)
EVENTS = (
    "event_id,person_id,occurred_at,event_type,touchpoint,initiated_by,source\n"
    "e1,u1,2024-10-01 10:00,borrow,loan,person,desk\n"
    "e2,u1,2024-10-02 11:30,chat,chat,person,desk\n"
    "e3,u2,2025-01-15 09:00,borrow,loan,person,desk\n"
)
SETTINGS = {
    "name": "A small library", "synthetic": True, "purpose": "To test.", "retention": "2099-12-31",
    "as_of": "2025-08-31", "time_zone": "Europe/London",
    "calendar": {"loan_days": 28, "teaching_weeks": 30,
                 "periods": [{"period": "2024/25", "from": "2024-09-01", "to": "2025-08-31"}]},
    "sources": {"people": "people.csv", "events": "events.csv"},
    "coverage": [{"source": "desk", "from": "2024-09-01", "to": "2025-08-31", "identity": "person"}],
}
PANEL = {"unit": "module", "time": "term", "outcome": "opens", "adopted": "since"}
NEVER = 99


def panel_rows(opens, since):
    """A panel as a long frame, from outcomes (n_units, n_times) and times of adoption (n_units,)."""
    unit, term = np.indices(np.shape(opens))
    since = np.where(np.asarray(since) == NEVER, np.nan, since)
    return pd.DataFrame({"module": [f"M{n:03d}" for n in unit.ravel()], "term": term.ravel(),
                         "opens": np.ravel(opens).astype(float), "since": since[unit.ravel()]})


@pytest.fixture
def write_study(tmp_path):
    """Write study.yml and its files; entries given replace the usual ones, None leaves one out."""

    def write(people=PEOPLE, events=EVENTS, files=None, **settings):
        for name, content in {"people.csv": people, "events.csv": events, **(files or {})}.items():
            if content is not None:
                (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        said = {k: v for k, v in {**SETTINGS, **settings}.items() if v is not None}
        text = yaml.safe_dump(said, sort_keys=False)
        for day in ("retention", "as_of"):
            text = text.replace(f"{day}: '", f"{day}: ").replace("'\n", "\n")
        (tmp_path / "study.yml").write_text(text.replace("'20", "20").replace("1'", "1").replace("0'", "0"))
        return tmp_path

    return write


def page_of(notebook, folder, to):
    """The manifest and the text of the page of a notebook on the study in a folder."""
    manifest = export(notebook, to / "page.html", study=open_study(folder), parameters={"STUDY": str(folder / "study.yml")})
    return manifest, (to / "page.html").read_text()


def verdicts(manifest):
    return {claim["id"]: claim["verdict"] for claim in manifest["claims"]}


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


@pytest.fixture(scope="module")
def browser():
    """The system's Chromium; where there is none its tests are skipped, and fail in continuous integration."""
    from playwright.sync_api import sync_playwright

    try:
        path = find_browser()
    except ReportError as problem:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(problem))
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] * (os.geteuid() == 0))
        yield opened
        opened.close()
