"""The log of decisions is read as people keep it by hand."""

import pytest

from libengage_utils.study.decisions import COLUMNS, read_decisions
from libengage_utils.study.settings import StudyError

HEADINGS = ",".join(COLUMNS)
ROW = "2026-01-20,01,Ask twenty people.,head of services,2026-03-01,{},\n"


@pytest.fixture
def log(tmp_path):
    def write(measure="answers", headings=HEADINGS):
        path = tmp_path / "decisions.csv"
        path.write_text(f"{headings}\n{ROW.format(measure)}", encoding="utf-8")
        return path

    return write


def test_headings_may_stand_in_capitals_and_with_blanks_around(log):
    read = read_decisions(log(headings=" , ".join(COLUMNS).title()))
    assert tuple(read) == COLUMNS and read.loc[0, "owner"] == "head of services"


def test_a_heading_that_stands_twice_but_for_its_capitals_is_named(log):
    with pytest.raises(StudyError, match=r"decisions\.csv, line 1: columns 7 and 8 have the same heading"):
        read_decisions(log(headings=f"{HEADINGS},Outcome"))


def test_a_cell_longer_than_any_decision_is_said(log):
    with pytest.raises(StudyError, match=r"decisions\.csv has a cell of more than 131,072 characters\. Shorten it"):
        read_decisions(log("x" * 131_073))


@pytest.mark.parametrize(("written", "read"), [
    ("30 of 400 by 2026-03-01.", "30 of 400 by 2026-03-01."),
    ("twenty (2026-03-01 2026-04-01)", "twenty (2026-03-01 2026-04-01)"),
    ("ring 020 7946 0018 on 2026-03-01", "ring [number] on 2026-03-01"),
    ("write to ada.2026-03-01@example.org", "write to [e-mail]"),
    ("write to 2026-03-01@example.org", "write to [e-mail]")])
def test_days_are_kept_in_what_is_measured_and_numbers_are_not(log, written, read):
    assert read_decisions(log(written)).loc[0, "measure"] == read
