"""What may not enter a prepared copy does not: neither into its files nor into what is said while it is made."""

import logging
import os

import pandas as pd
import pytest
from conftest import EVENTS, PEOPLE

from libengage_utils.__main__ import main
from libengage_utils.privacy import Pseudonymiser
from libengage_utils.study import StudyError, open_study

KEY = "c0ffee" * 10 + "abcd"
FEEDBACK = ("feedback_id,person_id,given_at,instrument,text,solicited\n"
            "f1,u1,2025-01-01 10:00,box,Ask canary.one@example.org or 192.0.2.7 or 020 7946 0000,false\n"
            "f2,u2,2025-01-02 10:00,box,See https://example.org/canary?u=u2 for card 99990000,false\n")
CANARIES = ("canary", "192.0.2.7", "7946", "99990000")


@pytest.fixture
def real(write_study, monkeypatch):
    """A study of people who are not synthetic, with its key in the environment."""
    monkeypatch.setenv("LIBENGAGE_KEY", KEY)
    sources = {"people": "people.csv", "events": ["events.csv", "more.csv"], "feedback": "feedback.csv"}

    def write(**changes):
        files = {"feedback.csv": FEEDBACK, "more.csv": EVENTS.replace("e1", "m1").replace("e2", "m2").replace("e3", "m3")}
        return write_study(**{"synthetic": False, "sources": sources, "files": files, **changes})

    return write


def everything_in(folder):
    """All bytes of a folder's files, and the values of its tables."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files) + "".join(
        pd.read_parquet(path).to_csv() for path in files if path.suffix == ".parquet").encode()


def test_a_prepared_copy_holds_no_identifier_no_address_and_no_key(real):
    folder = real()
    open_study(folder)
    held = everything_in(folder / ".prepared").decode(errors="replace")
    salt = Pseudonymiser(bytes.fromhex(KEY))("rows")
    assert [word for word in (*CANARIES, ",u1", ",u2", ",u3", KEY, salt) if word in held] == []
    assert Pseudonymiser(bytes.fromhex(KEY))("u1") in held


def test_what_is_said_while_a_study_is_opened_holds_none_either(real, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    folder = real(people=PEOPLE + "canary-7,never,full-time,Main\n,2024-09-01,canary,Main\n", events=EVENTS.replace(
        "2025-01-15 09:00", "canary.one@example.org"))
    main(["check", str(folder / "study.yml")])
    said = "".join(capfd.readouterr()) + caplog.text
    assert "rejected" in said
    assert [word for word in (*CANARIES, KEY, Pseudonymiser(bytes.fromhex(KEY))("rows")) if word in said] == []


@pytest.mark.parametrize("key", ["c0ffee", "canary" * 8])
def test_a_key_that_cannot_be_used_is_not_repeated(real, monkeypatch, key):
    monkeypatch.setenv("LIBENGAGE_KEY", key)
    with pytest.raises(ValueError) as caught:
        open_study(real())
    assert key not in str(caught.value) and caught.value.__cause__ is None


def test_a_second_purpose_takes_a_second_key_and_its_people_cannot_be_joined(real, monkeypatch):
    first = set(open_study(real()).people.df()["person_key"])
    monkeypatch.setenv("OTHER_KEY", "beef" * 16)
    assert not first & set(open_study(real(key="OTHER_KEY", purpose="Another.")).people.df()["person_key"])


def test_a_copy_made_with_another_key_is_not_taken_for_this_one(real, monkeypatch):
    folder = real()
    first = set(open_study(folder).people.df()["person_key"])
    monkeypatch.setenv("LIBENGAGE_KEY", "beef" * 16)
    assert not first & set(open_study(folder).people.df()["person_key"])


def test_no_key_no_study_even_where_a_copy_lies_ready(real, monkeypatch):
    folder = real()
    open_study(folder)
    monkeypatch.delenv("LIBENGAGE_KEY")
    with pytest.raises(ValueError, match="no key is set"):
        open_study(folder)


def test_whoever_asked_not_to_be_analysed_is_in_no_table(real):
    people = PEOPLE.replace("home_site\n", "home_site,analytics_opt_out\n").replace("Main\nu2", "Main,yes\nu2")
    people = people.replace("distance,Main", "distance,Main,no").replace(",Far", ",Far,no")
    study = open_study(real(people=people))
    gone = Pseudonymiser(bytes.fromhex(KEY))("u1")
    for table in ("people", "events", "feedback"):
        assert gone not in set(getattr(study, table).df()["person_key"])
    assert study.counts["rejected"].tolist() == [1, 2, 2, 1]
    assert gone not in everything_in(study.folder).decode(errors="replace")


@pytest.mark.skipif(os.name != "posix", reason="files have modes on POSIX systems")
def test_only_their_owner_may_enter_the_prepared_copies(real):
    folder = real()
    open_study(folder)
    assert (folder / ".prepared").stat().st_mode & 0o077 == 0


def test_past_its_retention_a_study_is_not_opened_though_a_copy_lies_ready(real):
    folder = real()
    open_study(folder)
    text = (folder / "study.yml").read_text()
    (folder / "study.yml").write_text(text.replace("2099-12-31", "2020-12-31"))
    with pytest.raises(StudyError, match="retention date 2020-12-31 has passed"):
        open_study(folder)
