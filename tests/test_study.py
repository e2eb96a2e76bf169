"""Opening a study: what is read is kept or rejected, with a sentence for whatever is wrong."""

import gzip
import io
import zipfile
from types import SimpleNamespace

import duckdb
import pandas as pd
import pytest
from conftest import EVENTS, PEOPLE, SETTINGS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libengage_utils.privacy import PrivacyError
from libengage_utils.study import Study, StudyError, open_study
from libengage_utils.study.records import Records


def rejected(study):
    return [(row.table, row.line, row.column, row.reason) for row in study.rejected.itertuples()]


def refusal(folder, **options):
    with pytest.raises((StudyError, PrivacyError)) as caught:
        open_study(folder, **options)
    return str(caught.value)


# --- what is read ---

def test_every_row_of_a_clean_study_is_kept(write_study):
    study = open_study(write_study())
    assert study.counts[["table", "read", "kept", "rejected"]].values.tolist() == [
        ["people", 3, 3, 0], ["events", 3, 3, 0]]
    assert study.rejected.empty


def test_tables_hold_pseudonyms_in_place_of_identifiers(write_study):
    study = open_study(write_study())
    keys = study.people.df()["person_key"]
    assert keys.str.fullmatch("p_[0-9a-f]{24}").all() and keys.is_unique
    assert set(study.events.df()["person_key"]) < set(keys)


def test_the_same_study_is_read_from_csv_gzip_zip_and_parquet(write_study):
    folder = write_study()
    plain = open_study(folder).events.df()
    (folder / "events.csv.gz").write_bytes(gzip.compress(EVENTS.encode()))
    with zipfile.ZipFile(folder / "events.zip", "w") as archive:
        archive.writestr("__MACOSX/._events.csv", "stray")
        archive.writestr("events.csv", EVENTS)
    pd.read_csv(io.StringIO(EVENTS)).to_parquet(folder / "events.parquet")
    for name in ("events.csv.gz", "events.zip", "events.parquet"):
        write_study(sources={"people": "people.csv", "events": name})
        pd.testing.assert_frame_equal(open_study(folder).events.df(), plain)


def test_the_order_of_rows_does_not_matter(write_study):
    head, *rows = EVENTS.splitlines()
    one = open_study(write_study()).events.df()
    other = open_study(write_study(events="\n".join([head, *reversed(rows)]) + "\n")).events.df()
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_endings_do_not_matter(write_study, ending, last):
    text = EVENTS if last else EVENTS.rstrip("\n")
    assert open_study(write_study(events=text.replace("\n", ending).encode())).counts["kept"].tolist() == [3, 3]


@pytest.mark.parametrize(("encoding", "declared"), [
    ("utf-8-sig", None), ("utf-16", None), ("utf-16-le", "utf-16-le"), ("cp1252", "cp1252"), ("utf-8", "utf-8")])
def test_encodings_are_recognised_by_their_mark_or_declared(write_study, encoding, declared):
    people = PEOPLE.replace("Far", "Caf\u00e9")
    study = open_study(write_study(people=people.encode(encoding), sources={
        "people": {"file": "people.csv", "encoding": declared}, "events": "events.csv"}))
    assert "Caf\u00e9" in set(study.people.df()["home_site"]) and study.rejected.empty


def test_a_file_that_is_not_in_its_declared_encoding_is_refused_with_its_line(write_study):
    folder = write_study(people=PEOPLE.encode() + b"u4,2024-09-01,full-time,\x81\n", sources={
        "people": {"file": "people.csv", "encoding": "cp1252"}, "events": "events.csv"})
    assert "people.csv, line 5 is not cp1252 text" in refusal(folder)


def test_a_table_of_which_only_the_headings_are_there_is_none_and_it_is_said(write_study):
    study = with_contacts(write_study, CONTACTS)
    assert "contacts" not in study.tables
    assert "contacts.csv has no rows: the study is taken to have no contacts." in study.notices


def test_several_files_feed_one_table_and_each_is_counted(write_study):
    more = EVENTS.replace("e1", "f1").replace("e2", "f2").replace("e3,u2,2025-01-15", "f3,u2,never")
    study = open_study(write_study(files={"more.csv": more + "e1,u1,2025-01-01,a,b,person,x\n"}, sources={
        "people": "people.csv", "events": ["events.csv", "more.csv"]}))
    assert study.counts[["file", "read", "kept", "rejected"]].values.tolist() == [
        ["people.csv", 3, 3, 0], ["events.csv", 3, 3, 0], ["more.csv", 4, 2, 2]]
    assert study.rejected[["file", "line", "column"]].values.tolist() == [
        ["more.csv", 4, "occurred_at"], ["more.csv", 5, "event_id"]]


RULES = {"event_id": {"columns": ["When", "Who"], "as": "digest"}, "person_key": ["Who"], "occurred_at": ["When"],
         "event_type": {"columns": ["Kind"], "words": {"issue*": "borrow", "chat": "chat"}}, "source": {"value": "the till"},
         "touchpoint": {"value": "desk"},
         "initiated_by": {"columns": ["Kind", "By"], "words": {"* cron": "system", "*": "person"}},
         "leave_out": [{"column": "Kind", "like": ["payment"], "because": "is a payment"}]}
TILL = ("When,Who,Kind,By,Name\n01/10/2024 09:30,u1,ISSUE,opac,A\n02/10/2024 10:00,u2,issue auto,cron,B\n"
        "03/10/2024 9:00 PM,u1,payment,,C\n")


def test_columns_are_mapped_in_study_yml_and_what_is_left_out_is_counted(write_study):
    study = open_study(write_study(files={"till.csv": TILL}, sources={
        "people": "people.csv", "events": {"file": "till.csv", "dates": "day first", "columns": RULES}}))
    count = study.counts.iloc[1]
    assert count[["read", "kept", "left_out", "rejected"]].tolist() == [3, 2, 1, 0] and count["dropped"] == ["Name"]
    events = study.events.df().sort_values("occurred_at")
    assert events[["event_type", "initiated_by", "touchpoint", "source"]].values.tolist() == [
        ["borrow", "person", "desk", "the till"], ["borrow", "system", "desk", "the till"]]
    assert events["event_id"].str.fullmatch("[0-9a-f]{24}").all()


def test_headings_are_matched_without_regard_to_case_and_spacing(write_study):
    study = open_study(write_study(events=EVENTS.replace("event_id,person_id", "Event ID,PERSON-ID")))
    assert study.counts["kept"].tolist() == [3, 3]


def test_events_are_sorted_by_person_and_time(write_study):
    events = open_study(write_study()).events.df()
    assert events.equals(events.sort_values(["person_key", "occurred_at"]).reset_index(drop=True))


def test_the_prepared_copy_is_reused_until_an_input_changes(write_study):
    folder, said = write_study(), []
    open_study(folder, progress=said.append)
    assert said
    said.clear()
    open_study(folder, progress=said.append)
    assert not said
    (folder / "events.csv").write_text(EVENTS + "e4,u3,2025-02-01 10:00,borrow,loan,person,desk\n")
    assert open_study(folder, progress=said.append).counts["kept"].tolist() == [3, 4]
    assert said


def test_only_one_prepared_copy_is_left(write_study):
    folder = write_study()
    open_study(folder)
    (folder / "events.csv").write_text(EVENTS + "e4,u3,2025-02-01 10:00,borrow,loan,person,desk\n")
    open_study(folder)
    assert len(list((folder / ".prepared").iterdir())) == 1


# --- what is rejected ---

@pytest.mark.parametrize(("row", "column", "reason"), [
    ("e4,u1,2025-02-30 10:00,borrow,loan,person,desk", "occurred_at", "is not a time"),
    ("e4,u1,03/04/2025,borrow,loan,person,desk", "occurred_at", "dates: day first"),
    ("e4,u1,2025-03-30 01:30,borrow,loan,person,desk", "occurred_at", "clocks of Europe/London skipped"),
    ("e4,u1,2025-12-01 01:30,borrow,loan,person,desk", "occurred_at", "after the as-of date"),
    ("e4,u1,2025-02-01 10:00,borrow,loan,robot,desk", "initiated_by", "is not one of: person, staff, system"),
    ("e4,1.23457E+12,2025-02-01 10:00,borrow,loan,person,desk", "person_key", "spreadsheet"),
    ("e1,u1,2025-02-01 10:00,borrow,loan,person,desk", "event_id", "repeats an earlier row"),
    ("e4,u1,2025-02-01 10:00,,loan,person,desk", "event_type", "is missing"),
    ("e4,u1,2025-02-01 10:00,borrow,loan,person", None, "fewer cells"),
    ("e4,u1,2025-02-01 10:00,borrow,loan,person,desk,,", None, "more cells"),
    ("e4,u1,,2025-02-01 10:00,borrow,loan,person,", None, "more cells"),
    ('e4,u1,2025-02-01 10:00,"borrow"x,loan,person,desk', None, "quotation mark"),
])
@pytest.mark.parametrize("blank", [0, 1])
def test_a_row_that_does_not_fit_is_rejected_with_its_line_and_reason(write_study, row, column, reason, blank):
    head, first, *rest = EVENTS.splitlines()
    study = open_study(write_study(events="\n".join([head, first, *[""] * blank, row, *rest]) + "\n"))
    (found,) = study.rejected.to_dict("records")
    assert (found["table"], found["line"]) == ("events", 3 + blank)
    assert reason in found["reason"]
    assert found["column"] == column or (column is None and pd.isna(found["column"]))
    assert study.counts["read"].tolist() == [3, 4] and study.counts["kept"].tolist() == [3, 3]


def test_a_line_number_counts_the_lines_inside_quoted_cells(write_study):
    head, *rows = EVENTS.splitlines()
    rows[0] = rows[0].replace("borrow", '"bor\nrow"')
    rows.insert(1, "e9,u1,never,borrow,loan,person,desk")
    assert rejected(open_study(write_study(events="\n".join([head, *rows]))))[0][1] == 4


def test_the_value_of_an_identifier_is_kept_by_its_shape_only(write_study):
    study = open_study(write_study(events=EVENTS + "e4,9.87654E+12,2025-02-01,borrow,loan,person,desk\n"))
    assert study.rejected["value"].tolist() == ["9.99999a+99"]


def test_a_row_in_another_encoding_is_rejected(write_study):
    study = open_study(write_study(events=EVENTS.encode() + "e4,u1,2025-02-01,borrow,café,person,desk\n".encode("cp1252")))
    assert "not UTF-8" in study.rejected["reason"][0] and study.counts["read"].tolist() == [3, 4]


def test_people_who_opted_out_are_removed_with_their_acts(write_study):
    people = PEOPLE.replace("home_site", "home_site,analytics_opt_out").replace("Main\nu2", "Main,true\nu2")
    people = people.replace("distance,Main", "distance,Main,false").replace(",Far", ",Far,false")
    study = open_study(write_study(people=people))
    assert study.counts[["kept", "rejected"]].values.tolist() == [[2, 1], [1, 2]]
    assert set(study.rejected["reason"]) == {"the person asked not to be analysed"}


_CELL = st.text(st.sampled_from('ab,;"\n 1'), max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(_CELL, min_size=5, max_size=9), min_size=1, max_size=8))
def test_rows_read_are_kept_or_rejected_or_the_file_is_refused(write_study, rows):
    text = EVENTS + "".join(",".join(row) + "\n" for row in rows)
    try:
        study = open_study(write_study(events=text))
    except StudyError:
        return
    assert (study.counts["read"] == study.counts["kept"] + study.counts["rejected"]).all()
    assert len(study.rejected) == study.counts["rejected"].sum()
    assert {"e1", "e2", "e3"} <= set(study.events.df()["event_id"])


@given(st.lists(st.sampled_from(["a", '"', "\n", "\r\n", '"x\ny"', ",", "\n\n"]), max_size=30))
def test_records_are_counted_by_quotes_and_line_endings(tmp_path_factory, parts):
    path = tmp_path_factory.mktemp("count") / "file.csv"
    path.write_bytes("".join(parts).encode())
    if "".join(parts).count('"') % 2:
        with pytest.raises(StudyError, match="never closed"):
            Records(path)
        return
    expected, inside, record, commas = 0, False, "", 0
    for letter in "".join(parts):
        inside ^= letter == '"'
        if letter == "\n" and not inside:
            expected += record.rstrip("\r") != "" or len(record) > 1
            record = ""
        else:
            record += letter
            commas += letter == "," and not inside
    found = Records(path, headed=False)
    assert found.rows == expected + (record != "") and found.cells == found.rows + commas
    assert found.uneven(0)[1].sum() == found.cells


# --- identifiers ---

def test_leading_zeros_make_another_identifier_and_it_is_said(write_study):
    study = open_study(write_study(people=PEOPLE.replace("u1,", "00123,"), events=EVENTS.replace(",u1,", ",123,")))
    assert any("leading zeros" in notice for notice in study.notices)


def test_one_person_written_in_two_unicode_forms_is_one_person(write_study):
    people = PEOPLE.replace("u1,", "Jos\u00e9,")
    study = open_study(write_study(people=people, events=EVENTS.replace(",u1,", ",Jose\u0301,")))
    assert len(study.events.df().merge(study.people.df(), on="person_key")) == 3


def test_the_same_person_twice_on_the_roster_by_unicode_form_is_said(write_study):
    study = open_study(write_study(people=PEOPLE.replace("u1,", "Jos\u00e9,").replace("u3,", "Jose\u0301,")))
    assert "repeats an earlier row" in study.rejected["reason"][0]


def test_people_who_differ_by_case_are_kept_apart_and_it_is_said(write_study):
    study = open_study(write_study(people=PEOPLE.replace("u3", "U1")))
    assert study.counts["kept"].tolist() == [3, 3]
    assert any("capital letters" in notice for notice in study.notices)


def test_events_of_people_not_on_the_roster_are_kept_and_said(write_study):
    study = open_study(write_study(events=EVENTS.replace(",u2,", ",u77,")))
    assert study.counts["kept"].tolist() == [3, 3]
    assert any("Events of fewer than 10 people who are not on the roster" in notice for notice in study.notices)


CONTACTS = "campaign_id,person_id,arm,probability,stratum,assigned_at,sent_at,opted_out,bounced\n"


def contacts_of(keys):
    return CONTACTS + "".join(f"c,{key},letter,0.5,all,2025-03-03 12:00,,false,false\n" for key in keys)


def with_contacts(write_study, contacts, **settings):
    tables = {name: f"{name}.csv" for name in ("people", "events", "contacts")}
    return open_study(write_study(files={"contacts.csv": contacts}, sources=tables, **settings))


def test_contacts_of_a_planned_lot_come_back_by_pseudonym(write_study):
    roster = set(open_study(write_study()).people.df()["person_key"])
    study = with_contacts(write_study, contacts_of(sorted(roster)))
    contacts = study.contacts.df()
    assert set(contacts["person_key"]) == roster and not any("Contacts of" in said for said in study.notices)
    pd.testing.assert_frame_equal(contacts, with_contacts(write_study, contacts_of(["u1", "u2", "u3"])).contacts.df())


def test_a_contact_by_pseudonym_and_by_identifier_is_one_person(write_study):
    one = open_study(write_study(people=PEOPLE.split("u2,")[0])).people.df()["person_key"][0]
    study = with_contacts(write_study, contacts_of(["u1", one]))
    (again,) = rejected(study)
    assert again == ("contacts", 3, "person_key", "repeats an earlier row with the same campaign_id and person_key")


def test_a_contact_by_pseudonym_who_asked_not_to_be_analysed_is_removed(write_study):
    keys = open_study(write_study()).people.df()["person_key"]
    people = PEOPLE.replace("home_site\n", "home_site,analytics_opt_out\n").replace("Main\nu2", "Main,true\nu2")
    people = people.replace("distance,Main", "distance,Main,false").replace(",Far", ",Far,false")
    study = with_contacts(write_study, contacts_of(keys), people=people)
    assert [(row[0], row[3]) for row in rejected(study) if row[0] == "contacts"] == [
        ("contacts", "the person asked not to be analysed")]


def test_what_only_looks_like_a_pseudonym_is_an_identifier(write_study):
    stranger = f"p_{'0' * 24}"
    study = with_contacts(write_study, contacts_of([stranger, "u1"]))
    keys = set(study.contacts.df()["person_key"])
    assert stranger not in keys and len(keys & set(study.people.df()["person_key"])) == 1
    assert "Contacts of fewer than 10 people who are not on the roster are kept, but counted for nobody." in study.notices


def test_people_without_events_are_said(write_study):
    notices = open_study(write_study()).notices
    assert any("fewer than 10 of 3 people on the roster have no event" in notice for notice in notices)


def test_a_study_with_people_needs_a_key(write_study, monkeypatch):
    monkeypatch.delenv("LIBENGAGE_KEY", raising=False)
    folder = write_study(synthetic=False)
    assert "LIBENGAGE_KEY" in refusal(folder)
    monkeypatch.setenv("LIBENGAGE_KEY", "ab" * 16)
    first = set(open_study(folder).people.df()["person_key"])
    monkeypatch.setenv("LIBENGAGE_KEY", "cd" * 16)
    (folder / "study.yml").touch()
    (folder / "people.csv").write_text(PEOPLE + "u4,2024-09-01,full-time,Main\n")
    assert not first & set(open_study(folder).people.df()["person_key"])


# --- times ---

@pytest.mark.parametrize("written", [
    "2024-10-01T09:00Z", "2024-10-01 10:00+01", "2024-10-01 11:00:00+0200", "2024-10-01T04:00:00-05:00"])
def test_times_with_an_offset_come_to_the_study_s_zone(write_study, written):
    study = open_study(write_study(events=EVENTS.replace("2024-10-01 10:00", written)))
    assert pd.Timestamp("2024-10-01 10:00") in set(study.events.df()["occurred_at"])


def test_a_time_with_an_offset_is_not_guessed_where_no_zone_is_named(write_study):
    study = open_study(write_study(events=EVENTS.replace("2024-10-01 10:00", "2024-10-01 10:00+01"), time_zone=None))
    assert "needs time_zone" in study.rejected["reason"][0]


def test_a_cardholder_last_seen_after_the_as_of_date_is_rejected(write_study):
    summaries = "person_id,last_seen,total_events\nu1,2025-09-30,3\nu2,2025-08-31,2\nu3,,0\n"
    study = open_study(write_study(files={"summaries.csv": summaries}, sources={
        "people": "people.csv", "summaries": "summaries.csv"}))
    assert study.counts[["kept", "rejected"]].values.tolist() == [[3, 0], [2, 1]]


def test_declared_order_of_dates_is_used(write_study):
    events = EVENTS.replace("2024-10-01 10:00", "01/10/2024 10:00").replace("2024-10-02 11:30", "02/10/2024 11:30")
    events = events.replace("2025-01-15 09:00", "15/01/2025 09:00")
    study = open_study(write_study(events=events, sources={
        "people": "people.csv", "events": {"file": "events.csv", "dates": "day first"}}))
    assert study.events.df()["occurred_at"].min() == pd.Timestamp("2024-10-01 10:00")


def test_holidays_and_absences_are_read_and_an_absence_that_ends_before_it_begins_is_rejected(write_study):
    absences = ("person_id,from,to,reason\nu1,2025-01-01,2025-02-01,placement\nu1,2025-03-01,,leave\n"
                "u2,2025-01-02,2025-01-01,\n")
    holidays = [{"from": "2025-04-01", "to": "2025-04-20"}, {"from": "2024-12-21", "to": "2024-12-31"}]
    study = open_study(write_study(files={"absences.csv": absences}, calendar=SETTINGS["calendar"] | {"holidays": holidays},
                                   sources=SETTINGS["sources"] | {"absences": "absences.csv"}))
    assert rejected(study) == [("absences", 4, "to", "is before `from`")]
    assert study.absences.df()["person_key"].isin(study.people.df()["person_key"]).all() and len(study.absences.df()) == 2
    assert [str(day) for day in study.holidays["from"]] == ["2025-04-01", "2024-12-21"]
    assert open_study(write_study()).holidays.empty


def test_a_log_that_ends_long_before_the_as_of_date_is_said(write_study):
    assert any("ends on 2025-01-15" in notice for notice in open_study(write_study()).notices)


# --- refusals ---

@pytest.mark.parametrize(("change", "words"), [
    ({"people": None}, "people.csv, the source of the table people, is not in the folder given"),
    ({"people": PEOPLE.replace("person_id", "personid number")}, "Nearest headings found: 'personid number'"),
    ({"people": "person_id,mode\n"}, "has a heading line and no rows"),
    ({"people": ""}, "people.csv is empty"),
    ({"people": PEOPLE.encode("utf-16-le")}, "looks like UTF-16 without its mark"),
    ({"people": PEOPLE.replace("mode", "mod\u00e9").encode("cp1252")}, "encoding: cp1252"),
    ({"sources": {"people": {"file": "people.csv", "encoding": "klingon"}, "events": "events.csv"}},
     "there is no encoding 'klingon'"),
    ({"people": PEOPLE.replace("mode", "home_site")}, "line 1: columns 3 and 4 have the same heading"),
    ({"events": EVENTS.replace("202", "20/2")}, "all 3 rows were rejected"),
    ({"events": EVENTS + 'e4,u1,"2025-02-01 10:00,borrow,loan,person,desk\ne5\n'}, "line 5: a quotation mark is opened"),
    ({"as_of": "2024-09-15"}, "but events.csv begins on 2024-10-01"),
    ({"as_of": "2023-09-15"}, "before the first period begins"),
    ({"retention": "2020-01-01"}, "retention date 2020-01-01 has passed"),
    ({"minimum_count": 3}, "at least 5"),
    ({"time_zone": "Europe/Londinium"}, "is no time zone"),
    ({"purpose": None}, "does not say: purpose"),
    ({"puropse": "x"}, "Nearest that do: purpose"),
    ({"sources": {"people": "people.csv"}}, "people (the roster) and events or summaries"),
    ({"sources": {"people": "people.csv", "event": "events.csv"}}, "no table 'event'. Nearest there are: events"),
    ({"sources": {"people": {"file": "people.csv", "recipe": "sfpl"}, "events": "events.csv"}},
     "no recipe called 'sfpl'. Nearest there are: sfpl-library-usage"),
    ({"coverage": [{"source": "desk"}]}, "coverage, each entry needs"),
    ({"calendar": SETTINGS["calendar"] | {"holiday": []}}, "which means nothing here. Nearest that do: holidays"),
    ({"calendar": SETTINGS["calendar"] | {"periods": []}}, "periods are a list of at least one"),
    ({"calendar": SETTINGS["calendar"] | {"holidays": ["2025-01-01"]}}, "holidays are a list, and each needs exactly"),
    ({"calendar": SETTINGS["calendar"] | {"holidays": [{"from": "2025-01-11", "to": "2025-01-10"}]}}, "ends before it"),
    ({"calendar": SETTINGS["calendar"] | {"holidays": [{"from": "Easter", "to": "2025-01-10"}]}}, "is 'Easter', not a day"),
])
def test_what_cannot_be_used_gets_a_sentence(write_study, change, words):
    folder = write_study(**change)
    assert words in refusal(folder)


def test_a_missing_study_gets_a_sentence(tmp_path):
    assert "There is no study" in refusal(tmp_path / "study.yml")


def test_yaml_that_cannot_be_read_names_the_line(write_study):
    folder = write_study()
    (folder / "study.yml").write_text("name: x\n  bad: [\n")
    assert "study.yml, line 2" in refusal(folder)


def test_a_damaged_archive_gets_a_sentence(write_study):
    folder = write_study(sources={"people": "people.csv", "events": "events.csv.gz"})
    (folder / "events.csv.gz").write_bytes(gzip.compress(EVENTS.encode())[:-12])
    assert "damaged or cut short" in refusal(folder)


def test_a_table_a_study_lacks_is_named(write_study):
    with pytest.raises(StudyError, match="This study has no feedback"):
        open_study(write_study()).feedback  # noqa: B018


def test_no_refusal_repeats_an_identifier(write_study):
    people = PEOPLE.replace("u1,2024-09-01", "secret-7,never")
    assert "secret-7" not in open_study(write_study(people=people)).rejected.to_string()
    assert "secret-7" not in refusal(write_study(people="person_id,eligible_from\nsecret-7,never\n"))


def test_the_engine_cannot_load_anything_from_elsewhere(write_study):
    study = open_study(write_study())
    with pytest.raises(duckdb.Error):
        study.connection.execute("SELECT * FROM read_csv('https://example.org/x.csv')")


def test_settings_are_attributes_of_the_study(write_study):
    study = open_study(write_study())
    assert (study.name, study.loan_days, study.minimum_count) == (SETTINGS["name"], 28, 10)


def test_few_rejected_people_cannot_be_told_from_the_counts_on_a_page(write_study):
    people = "person_id,eligible_from,analytics_opt_out\n" + "".join(
        f"u{n},2024-09-01,{'true' if n > 199 else 'false'}\n" for n in range(203))
    table = open_study(write_study(people=people)).counts_to_show.set_index("table")
    assert table.loc["people", ["read", "kept"]].tolist() == [200, 200] and pd.isna(table.loc["people", "rejected"])
    assert table.loc["events", ["read", "kept", "rejected"]].isna().all()


def test_few_rejected_rows_of_any_table_about_people_are_withheld_and_others_rest_on_nobody(write_study):
    days = ["2024-10-01 10:00"] * 9 + ["never"] * 3
    events = EVENTS + "".join(f"x{n},u1,{day},borrow,loan,person,desk\n" for n, day in enumerate(days))
    table = open_study(write_study(events=events)).counts_to_show.set_index("table")
    assert table.loc["events", ["read", "kept"]].tolist() == [20, 10] and pd.isna(table.loc["events", "rejected"])


def test_a_table_with_few_rows_about_people_is_withheld_whole_and_others_are_not():
    absences = pd.DataFrame({"table": ["people", "absences", "priorities"], "file": "", "read": [400, 5, 5],
                             "kept": [400, 5, 4], "rejected": [0, 0, 1]})
    study = Study(SimpleNamespace(minimum_count=10), None, (), absences, None, [], "", None)
    table = study.counts_to_show.set_index("table")
    assert table.loc["absences"].isna().all() and table.loc["priorities"].tolist() == [5, 4, 1, float("inf")]
    assert table.loc["people"].tolist() == [400, 400, 0, 400]


def test_a_blind_spot_that_the_roster_cannot_show_is_noticed(write_study):
    coverage = [{"source": "desk", "from": "2024-09-01", "to": "2025-08-31", "identity": "person",
                 "blind_spots": "home_site=Far; searches made without signing in"}]
    assert not any("counted as visible" in notice for notice in open_study(write_study(coverage=coverage)).notices)
    people = "person_id,eligible_from\nu1,2024-09-01\nu2,2024-09-01\nu3,2024-09-01\n"
    notices = open_study(write_study(people=people, coverage=coverage)).notices
    assert any("The coverage names people by home site, and the roster does not have it" in notice for notice in notices)


def test_a_file_that_stands_twice_is_kept_once_in_turns_as_in_one(write_study, monkeypatch):
    rows = "".join(f"x{n},u1,2025-02-01 10:{n % 60:02},borrow,loan,person,desk\n" for n in range(500))
    folder = write_study(events=EVENTS + rows, files={"again.csv": EVENTS + rows},
                         sources={"people": "people.csv", "events": ["events.csv", "again.csv"]})
    (folder / "again.csv").write_text(EVENTS + rows + "new,u3,2025-02-01 10:00,borrow,loan,person,desk\n")
    monkeypatch.setattr("libengage_utils.study.preparation._IN_TURN", 90)
    study = open_study(folder)
    assert study.counts[["kept", "rejected"]].values.tolist() == [[3, 0], [503, 0], [1, 503]]
    assert set(study.rejected["file"]) == {"again.csv"}
