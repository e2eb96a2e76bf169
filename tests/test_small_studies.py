"""A small library, one that withholds more, and one with a single period each get every page, and the index over them."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from libengage_utils.demo import write_demo
from libengage_utils.report import ReportError, build_index, export
from libengage_utils.study import open_study

NOTEBOOKS = {path.stem[:2]: path for path in sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A synthetic library of 400 people, five of whom were away."""
    folder = tmp_path_factory.mktemp("library")
    write_demo(folder, people=400)
    return folder


def as_it_is(said):
    pass


def withholding_more(said):
    said["minimum_count"] = 20


def one_period(said):
    said["calendar"]["periods"] = said["calendar"]["periods"][-1:]


@pytest.mark.parametrize(("change", "numbers"), [
    (as_it_is, [*NOTEBOOKS]), (withholding_more, ["01", "03", "06"]), (one_period, ["01", "04"])])
def test_a_small_study_gets_its_pages_and_the_index_over_them(library, tmp_path, change, numbers):
    shutil.copytree(library, tmp_path / "study")
    path = tmp_path / "study" / "study.yml"
    said = yaml.safe_load(path.read_text())
    change(said)
    path.write_text(yaml.safe_dump(said, sort_keys=False))
    study, refused = open_study(path), []
    for number in numbers:
        try:
            export(NOTEBOOKS[number], tmp_path / f"{number}.html", study=study, parameters={"STUDY": str(path)})
        except ReportError as problem:
            refused.append(str(problem))
    assert not refused
    text = {number: re.sub(r"<style.*?</style>|<[^>]+>", " ", (tmp_path / f"{number}.html").read_text(), flags=re.S)
            for number in numbers}
    assert not [number for number, words in text.items() if re.search(r"Traceback|\bnan\b", words)]
    assert re.search(r"absences\s+withheld\s+withheld\s+withheld", text["01"])
    assert build_index(tmp_path, study).exists()
