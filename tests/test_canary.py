"""Rare ids, names, numbers and comments are planted in a study; nothing that leaves a run of it holds one of them."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from libengage_utils.demo import write_demo
from libengage_utils.privacy import PSEUDONYM
from libengage_utils.privacy.release import words_of
from libengage_utils.report import ReportError, build_index, export, release, run_notebook
from libengage_utils.study import open_study

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
ACTS = 7_919    # of one person
COMMENT = ("Quillfeather the bookbinder left her astrolabe beneath the marmalade cupboard, so ring 020 7946 0958 or write "
           "to ann.quillfeather@example.org, card zx00917753.")
UNAPPROVED = "My ferret ate the last chapter before anybody at the desk had found me a working stapler."
# Each planted thing, and how it would look where it got out.
CANARIES = {
    "an identifier": r"zx00917753", "a name": r"quillfeather", "an e-mail address": r"[\w.]+@example\.org",
    "a telephone number": r"7946\W?0958", "a rare sum": r"\b7[,.\s]?919\b", "a rare programme": r"numismatics",
    "a comment": r"astrolabe|marmalade", "a comment nobody approved": r"\bferret\b|\bstapler\b",
    "a pseudonym": PSEUDONYM.pattern, "anybody's identifier": r"\bu0\d{5}\b", "an act": r"\be\d{6}\b",
    "a row of feedback": r"\bf\d{5}\b",
}


def plant(folder, people=900):
    """A synthetic library in which one person, one programme of three and two comments are like no other."""
    write_demo(folder, people=people)
    said = yaml.safe_load((folder / "study.yml").read_text())["sources"]
    tables = {name: pd.read_csv(folder / said[name], dtype=str) for name in ("people", "events", "feedback", "quotations")}
    roster, events, feedback, quotations = tables.values()
    busy = events.loc[events["initiated_by"] == "person", "person_id"].value_counts().index[0]
    own = events["person_id"] == busy
    acts = events[own & (events["initiated_by"] == "person")].iloc[np.zeros(ACTS, dtype=int)].assign(
        event_id=[f"e9{at:05d}" for at in range(ACTS)],
        occurred_at=pd.date_range("2024-10-01", periods=ACTS, freq="2h").strftime("%Y-%m-%d %H:%M"))
    events = pd.concat([events[~own], acts])
    roster.loc[roster.index[roster["analytics_opt_out"] != "true"][:3], "school"] = "Byzantine numismatics"
    spoke = feedback.index[feedback["text"].notna()][:2]
    feedback.loc[spoke, "text"] = [COMMENT, UNAPPROVED]
    quotations = pd.concat([quotations[~quotations["feedback_id"].isin(feedback.loc[spoke, "feedback_id"])],
                            pd.DataFrame({"feedback_id": feedback.loc[spoke[1:], "feedback_id"], "quote": UNAPPROVED,
                                          "consent": "true", "approved_by": None})])
    roster["name"] = roster["e-mail"] = ""
    roster.loc[roster["person_id"] == busy, ["name", "e-mail"]] = ["Ann Quillfeather", "ann.quillfeather@example.org"]
    for name, table in zip(tables, (roster, events, feedback, quotations), strict=True):
        table.replace({"person_id": {busy: "zx00917753"}}).to_csv(folder / said[name], index=False)
    for name in ("absences", "contacts"):
        table = pd.read_csv(folder / said[name], dtype=str)
        table.replace({"person_id": {busy: "zx00917753"}}).to_csv(folder / said[name], index=False)
    return folder


def found_in(*texts):
    """Which of the planted things occur in texts."""
    return {what for what, look in CANARIES.items() for text in texts if re.search(look, text, re.I)}


def found_below(folder):
    """Which occur in the files of a folder: as they are written, and as they are read, pictures and all."""
    texts = [path.read_text() for path in folder.rglob("*") if path.is_file()]
    return found_in(*texts, *(words_of(text) for text in texts))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return open_study(plant(tmp_path_factory.mktemp("canary") / "study"))


def test_what_was_planted_is_in_the_study(study):
    acts = study.events.df().query("initiated_by == 'person'")["person_key"].value_counts()
    assert acts.iloc[0] == ACTS and (study.people.df()["school"] == "Byzantine numismatics").sum() == 3
    texts = " ".join(study.feedback.df()["text"].dropna())
    assert found_in(texts) >= {"a name", "a comment", "a comment nobody approved"}
    assert not found_in(texts) & {"an identifier", "an e-mail address", "a telephone number"}    # scrubbed at the door


@pytest.mark.parametrize("name", ["01-who-engages", "06-listening"])
def test_nothing_planted_leaves_whatever_the_gate_would_say(study, name, tmp_path, monkeypatch):
    monkeypatch.setattr(release, "_refuse", lambda name, problems: None)
    try:
        export(NOTEBOOKS / f"{name}.ipynb", tmp_path / f"{name}.html", study=study, parameters={"STUDY": str(study.path)})
    except ReportError as problem:
        assert not found_in(str(problem))
        raise
    build_index(tmp_path, study)
    assert len(list(tmp_path.iterdir())) >= 4 and found_below(tmp_path) == set()


LEAKS = """
import matplotlib.pyplot as plt
from IPython.display import Markdown, display
from libengage_utils.charts import house_style
from libengage_utils.study import open_study
house_style()
study = open_study({path!r})
acts = study.events.df().query("initiated_by == 'person'")["person_key"].value_counts()
texts = study.feedback.df()["text"].dropna()
display(acts.iloc[:1].reset_index(drop=True).to_frame("acts"), metadata={{"rests_on": 40}})
display(study.people.df()[["school"]].drop_duplicates(), metadata={{"rests_on": 40}})
display(Markdown(texts[texts.str.contains("ferret")].iloc[0]))
_, ax = plt.subplots()
ax.set_title(texts[texts.str.contains("marmalade")].iloc[0])
ax.set_xlabel(acts.index[0])
display(ax.figure, metadata={{"image/svg+xml": {{"alt": "A.", "rests_on": 40}}}})
plt.close()
"""


def test_what_a_notebook_gives_away_is_found_refused_and_not_repeated(study, tmp_path, monkeypatch):
    path = tmp_path / "leaky.ipynb"
    write(new_notebook(cells=[new_markdown_cell("# Who?"), new_code_cell(LEAKS.format(path=str(study.path)))]), path)
    run = run_notebook(path)
    monkeypatch.setattr(release, "run_notebook", lambda *_, **__: run)
    with pytest.raises(ReportError, match=r"leaky\.ipynb may not be handed over: .*rule 11.*rule 12") as refused:
        export(path, tmp_path / "out" / "leaky.html", study=study)
    assert not found_in(str(refused.value)) and not (tmp_path / "out").exists()
    monkeypatch.setattr(release, "_refuse", lambda name, problems: None)
    export(path, tmp_path / "out" / "leaky.html", study=study)
    assert found_below(tmp_path / "out") == {"a name", "a comment", "a comment nobody approved", "a pseudonym", "a rare sum",
                                             "a rare programme"}
