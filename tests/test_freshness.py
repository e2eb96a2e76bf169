"""A database has no date: its copy stays the one there is until it is read anew, and says when it was read."""

import contextlib
import sqlite3

import pytest
from conftest import EVENTS

from libengage_utils.__main__ import main
from libengage_utils.study import StudyError, open_study

pytest.importorskip("sqlalchemy", reason="what reads databases is an extra: make extras")


@pytest.fixture
def desk(write_study, tmp_path):
    """A study whose log lies in a database, and what adds an act to that."""
    path = tmp_path / "desk.db"

    def add(*rows):
        with contextlib.closing(sqlite3.connect(path)) as log, log:
            heading = EVENTS.splitlines()[0].split(",")
            log.execute(f"CREATE TABLE IF NOT EXISTS acts ({', '.join(heading)})")
            log.executemany(f"INSERT INTO acts VALUES ({', '.join('?' * len(heading))})", [row.split(",") for row in rows])

    add(*EVENTS.splitlines()[1:])
    return write_study(events=None, sources={"people": "people.csv", "events": {
        "database": f"sqlite:///{path}", "table": "acts"}}), add


LATER = "e4,u3,2025-02-01 10:00,borrow,loan,person,desk"


def test_the_copy_of_a_database_is_kept_and_says_when_it_was_read(desk):
    folder, add = desk
    first = open_study(folder)
    add(LATER)
    again = open_study(folder)
    assert again.folder == first.folder and again.counts["kept"].tolist() == [3, 3]
    (said,) = [notice for notice in again.notices if notice.startswith("Read on ")]
    assert "table acts of the database desk.db. What was recorded later is not in it." in said


def test_read_anew_it_has_what_was_recorded_since_and_another_fingerprint(desk):
    folder, add = desk
    first = open_study(folder)
    add(LATER)
    anew = open_study(folder, anew=True)
    assert anew.counts["kept"].tolist() == [3, 4] and anew.fingerprint != first.fingerprint
    assert open_study(folder).folder == anew.folder
    assert first.events.df().shape[0] == 3              # a study that is open keeps its copy


def test_check_reads_anew_and_nothing_is_left_of_the_copy_before(desk, capsys):
    folder, add = desk
    open_study(folder)
    add(LATER)
    main(["check", str(folder / "study.yml")])
    assert "read table acts of the database desk.db into events: 4 rows" in capsys.readouterr().out
    study = open_study(folder)
    assert [path.name for path in (folder / ".prepared").iterdir()] == [study.folder.name]


def test_where_the_database_cannot_be_read_anew_the_copy_before_stays(desk):
    folder, _ = desk
    first = open_study(folder).folder.name
    (folder / "desk.db").rename(folder / "away.db")
    with pytest.raises(StudyError, match="there is no such file"):
        open_study(folder, anew=True)
    assert open_study(folder).folder.name == first


def test_files_are_not_read_again_for_nothing(write_study):
    folder = write_study()
    assert open_study(folder).folder == open_study(folder, anew=True).folder
