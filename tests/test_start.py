"""Starting a study from a library's files, and checking it: what is proposed, what is asked, and what is never shown."""

import codecs
import datetime as dt
import gzip
import re
import zipfile
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from conftest import EVENTS, PEOPLE

from libengage_utils.__main__ import main
from libengage_utils.study import StudyError, open_study
from libengage_utils.study.possible import possible
from libengage_utils.study.start.fitting import ASK
from libengage_utils.study.start.looking import look
from libengage_utils.study.start.proposal import numbered, propose, shown

CANARIES = re.compile(r"zx00917|quillfeather|astrolabe|@example|moby", re.I)
ALMA_USERS = ["Primary Identifier", "First Name", "Last Name", "Preferred Email", "Status", "Status Date", "User Group",
              "Campus Name", "Creation Date", "Expiry Date"]
ALMA_LOANS = ["Item Loan Id", "Loan Status", "Process Status", "Loan Date", "Loan Time", "Due Date", "Return Date",
              "Return Time", "Library Name", "Title", "User Primary Identifier", "User Group", "Preferred Email"]
SFPL = ["Patron Type Definition", "Total Checkouts", "Total Renewals", "Age Range", "Home Library Definition",
        "Circulation Active Month", "Circulation Active Year", "Year Patron Registered"]
KOHA = "datetime,branch,type,itemnumber,itemtype,location,borrowernumber,ccode,categorycode,interface".split(",")
ANSWERS = {"purpose": "Try it.", "retention": dt.date(2099, 12, 31), "time_zone": "Europe/London"}


def person(n):
    return f"zx00917{n:03d}"


def day(n):
    return dt.datetime(2023, 9, 4, 9, 5) + dt.timedelta(days=7 * n, hours=n % 9)


def table(headings, rows, delimiter=","):
    return "".join(delimiter.join(map(str, row)) + "\n" for row in [headings, *rows])


def alma_users(order="%d/%m/%Y", delimiter=";", days=range(60)):
    return table(ALMA_USERS, [[person(n), "Ann", "Quillfeather", f"a{n}@example.org", "Active", "", "Student",
                               "Ch\u00e2teau", day(n).strftime(order), ""] for n in days], delimiter)


def alma_loans(order="%d/%m/%Y", delimiter="\t"):
    return table(ALMA_LOANS, [[n, "Deleted" if n % 7 == 0 else "Complete", "", day(n).strftime(order), f"{day(n):%H:%M}", "",
                               day(n + 2).strftime(order) if n % 5 else "", "10:15" if n % 5 else "", "Main", "Moby",
                               person(n % 60), "Student", "ann@example.org"] for n in range(90)], delimiter)


def ezproxy():
    return "".join(f'10.0.0.{n} - {person(n % 60)} [{day(n):%d/%b/%Y:%H:%M:%S} +0100] "GET https://moby.org/{n} HTTP/1.1" '
                   f"200 {n}\n" for n in range(80))


def koha():
    return [[day(n), "M", "issue", n, "", "", person(n), "", "", "opac"] for n in range(60)]


@pytest.fixture
def files(tmp_path):
    """Write files and look at them; start a study from them."""
    def write(**contents):
        paths = []
        for name, content in contents.items():
            paths.append(tmp_path / name.replace("_", ".", 1))
            paths[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
        return paths

    return SimpleNamespace(write=write, folder=tmp_path,
                           look=lambda content, name="file_csv": look(*write(**{name: content}), tmp_path))


def run(capsys, *words):
    """Status and words of a command."""
    try:
        main([str(word) for word in words])
        status = 0
    except SystemExit as end:
        status = end.code
        if isinstance(status, str):
            print(status)
            status = 1
    said = capsys.readouterr()
    return status, said.out + said.err


def fitting(found):
    return [(fit.recipe, fit.table) for fit in found.fits]


def answered(path, **answers):
    """The study.yml with answers in it."""
    said = yaml.safe_load(path.read_text())
    said.update({**ANSWERS, **answers})
    path.write_text(yaml.safe_dump(said, sort_keys=False))
    return said


# --- from files to a study ---

def test_exports_in_odd_dialects_become_a_study_once_the_questions_are_answered(files, capsys, monkeypatch):
    monkeypatch.setenv("LIBENGAGE_KEY", "ab" * 32)
    with zipfile.ZipFile(files.folder / "users.zip", "w") as archive:
        archive.writestr("users.csv", alma_users().encode("cp1252"))
    paths = files.write(loans_csv=alma_loans().encode("utf-16"), proxy_log=ezproxy(),
                        till_csv_gz=gzip.compress(table(KOHA, koha(), "|").encode()))
    paths[-1] = paths[-1].rename(files.folder / "till.csv.gz")
    library = files.folder / "lib"
    status, said = run(capsys, "start", library, "--from", files.folder / "users.zip", *paths)
    text = (library / "study.yml").read_text()
    assert status == 0 and not CANARIES.search(said + text)
    assert f"python -m libengage_utils check {library / 'study.yml'}" in said
    sources = yaml.safe_load(text)["sources"]
    assert sources["people"] == [{"file": "../users.zip", "recipe": "alma-users", "encoding": "cp1252",
                                  "dates": "day first"}]
    assert [(source["recipe"], source.get("dates")) for source in sources["events"]] == [
        ("alma-loans", "day first"), ("alma-returns", "day first"), ("ezproxy", None), ("koha-statistics", None)]
    with pytest.raises(StudyError, match="purpose, retention"):
        open_study(library)
    answered(library / "study.yml", time_zone=ASK)
    with pytest.raises(StudyError, match="is no time zone"):
        open_study(library)
    said = answered(library / "study.yml")
    study = open_study(library)
    assert study.counts[["table", "kept", "left_out", "rejected"]].values.tolist() == [
        ["people", 60, 0, 0], ["events", 77, 13, 0], ["events", 62, 28, 0], ["events", 80, 0, 0], ["events", 60, 0, 0]]
    assert "Ch\u00e2teau" in set(study.people.df()["home_site"])
    assert said["as_of"] == day(91).date()
    assert [row["period"] for row in said["calendar"]["periods"]] == ["2023/24", "2024/25"]
    assert {row["source"]: row["identity"] for row in said["coverage"]} == {
        "library system": "person", "e-resource login": "person"}
    status, said = run(capsys, "check", library)
    assert status == 0 and not CANARIES.search(said)
    assert "events from users.zip" not in said and "people from users.zip, recipe alma-users" in said
    assert "13 rows: each is a loan that was deleted." in said and "First Name, Last Name" in said
    assert "02-emotional-journeys: can do only part of \u201cWho comes back after friction?\u201d" in " ".join(said.split())
    assert max(map(len, said.splitlines())) <= 120


def test_the_schema_s_own_headings_need_no_recipe(files, capsys):
    paths = files.write(people_csv=PEOPLE, events_csv=EVENTS)
    assert run(capsys, "start", files.folder / "lib", "--from", *paths)[0] == 0
    said = yaml.safe_load((files.folder / "lib" / "study.yml").read_text())
    assert said["sources"] == {"people": [{"file": "../people.csv"}], "events": [{"file": "../events.csv"}]}
    assert said["as_of"] == dt.date(2025, 1, 15)


def test_nothing_is_overwritten(files, capsys):
    paths = files.write(people_csv=PEOPLE, events_csv=EVENTS)
    (files.folder / "study.yml").write_text("mine")
    status, said = run(capsys, "start", files.folder, "--from", *paths)
    assert status == 1 and "exists already" in said and (files.folder / "study.yml").read_text() == "mine"


def test_files_that_can_feed_nothing_leave_nothing_behind(files, capsys):
    (path,) = files.write(soup_csv="Salt;Pepper\nleek1;2\n")
    status, said = run(capsys, "start", files.folder / "lib", "--from", path, files.folder / "gone.csv")
    assert status == 1 and "no study.yml is written" in said and "gone.csv is not there" in said
    assert not (files.folder / "lib").exists()


def test_a_missing_roster_and_a_missing_log_are_asked_for(files):
    text = propose([files.look(EVENTS)], files.folder).text
    assert "ANSWER: people: none of the files" in text and yaml.safe_load(text)["sources"]["people"] is None
    text = propose([files.look(PEOPLE)], files.folder).text
    assert "ANSWER: events: none of the files" in text and "none could be read yet" in text
    (files.folder / "study.yml").write_text(text)
    answered(files.folder / "study.yml", as_of=dt.date(2025, 1, 1), coverage=[
        {"source": "desk", "from": dt.date(2024, 9, 1), "to": dt.date(2025, 1, 1), "identity": "person"}])
    with pytest.raises(StudyError, match="source of events needs a file"):
        open_study(files.folder)


def test_questions_are_numbered_and_the_entries_name_their_number(files):
    proposal = propose([files.look(alma_users(days=range(1)))], files.folder)
    for number, (must, sentence) in enumerate(proposal.doubts, 1):
        assert f"{number:2}. {'ANSWER: ' if must else ''}{sentence}" in numbered(proposal.doubts)
        if ":" in sentence and sentence.split(":")[0] in ("purpose", "retention", "as_of", "time_zone"):
            assert re.search(rf"^{sentence.split(':')[0]}:.*# {number}$", proposal.text, re.M)


# --- what a file seems to be ---

@pytest.mark.parametrize(("encoding", "proposed"), [
    ("utf-8", None), ("utf-8-sig", None), ("utf-16", None), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"),
    ("cp1252", "cp1252")])
def test_an_encoding_is_told_by_its_bytes(files, encoding, proposed):
    found = files.look(alma_users().encode(encoding))
    assert found.encoding == proposed and fitting(found) == [("alma-users", "people")] and found.fits[0].trial.kept == 60


def test_a_few_damaged_bytes_do_not_make_another_encoding(files):
    found = files.look(alma_users().encode() + alma_users(days=[99]).split("\n")[1].encode("cp1252") + b"\n")
    assert found.encoding is None and "damaged in 1 places" in found.why_encoding
    assert [row[1:3] for row in found.fits[0].trial.rejected] == [
        ("the row is not UTF-8 text (if a spreadsheet saved the file, say `encoding: cp1252` in study.yml)", 1)]


def test_what_is_neither_utf_8_nor_windows_1252_is_asked(files):
    found = files.look(alma_users().encode("cp1252").replace("\u00e2".encode("cp1252"), b"\x81"))
    assert found.encoding == ASK
    assert "ANSWER: file.csv: its encoding is neither" in propose([found], files.folder).text.replace("\n#     ", " ")


@pytest.mark.parametrize(("order", "days", "proved"), [
    ("%d/%m/%Y", range(60), "day first"), ("%m/%d/%Y", range(60), "month first"), ("%d.%m.%Y", range(60), "day first"),
    ("%Y-%m-%d", range(60), None), ("%d/%m/%Y", [0, 4], ASK)])
def test_the_order_of_days_and_months_is_proposed_only_where_dates_prove_it(files, order, days, proved):
    found = files.look(alma_users(order, days=days))
    assert found.fits[0].dates == proved
    text = propose([found], files.folder).text
    assert ("prove whether days" in text) == (proved == ASK)
    assert yaml.safe_load(text)["sources"]["people"][0].get("dates") == proved


def test_dates_that_contradict_each_other_prove_nothing(files):
    mixed = alma_users() + alma_users("%m/%d/%Y").partition("\n")[2].replace("zx00917", "zx00918")
    assert files.look(mixed).fits[0].dates == ASK


def test_what_proves_the_order_for_one_table_of_a_file_proves_it_for_the_other(files):
    loan = [1, "", "", "03/04/2024", "", "", "03/20/2024", "", "Main", "", person(1), "", ""]
    found = files.look(table(ALMA_LOANS, [loan]))
    assert [(fit.recipe, fit.dates) for fit in found.fits] == [
        ("alma-loans", "month first"), ("alma-returns", "month first")]


def test_a_proof_may_stand_anywhere_in_a_long_file(files):
    head, first, *_ = alma_users(days=[0, 1]).splitlines()
    rows = [first.replace("zx00917000", f"a{n}") for n in range(12_000)]
    found = files.look("\n".join([head, *rows, first.replace("04/09/2023", "04/19/2023")]) + "\n")
    assert found.fits[0].dates == "month first" and found.fits[0].trial.kept == 12_001


@pytest.mark.parametrize(("minutes", "proved"), [
    (["2,5", "10"], "comma"), (["2.5", "10"], None), (["1,250", "10"], ASK), (["1,250", "2.5"], ASK), (["0,125"], "comma")])
def test_a_decimal_comma_is_proposed_only_where_numbers_prove_it(files, minutes, proved):
    found = files.look("event_date;event_length;prep_time;total_attendance;patron_type;service_provided\n" + "".join(
        f"2024-09-0{n + 1};{length};;3;staff;chat\n" for n, length in enumerate(minutes)))
    assert fitting(found) == [("libwizard-staff-time", "staff_time")] and found.fits[0].decimal == proved


def test_a_file_can_serve_two_recipes_and_two_tables(files):
    assert fitting(files.look(alma_loans())) == [("alma-loans", "events"), ("alma-returns", "events")]
    found = files.look(table(SFPL, [["Adult", n, 0, "20", "Main", "July", 2015, 2003] for n in range(5)]))
    assert fitting(found) == [("sfpl-library-usage", "people"), ("sfpl-library-usage", "summaries")]
    periods = yaml.safe_load(propose([found], files.folder).text)["calendar"]["periods"]
    assert periods == [{"period": "2003 to 2015", "from": dt.date(2003, 1, 1), "to": dt.date(2015, 7, 31)}]


def test_recipes_that_read_the_same_time_are_rivals_and_one_is_taken(files):
    rows = [[n, "Closed", f"{day(n):%Y-%m-%d %H:%M}", "", "Main", person(n)] for n in range(20)]
    found = files.look(table(["loan_id", "loan_status", "loan_date", "loan_return_date", "checkout_service_point_name",
                              "user_id"], rows))
    assert fitting(found) == [("folio-loans", "events")]
    assert "The recipe alma-loans fits too" in propose([found], files.folder).text.replace("\n#     ", " ")


def test_a_recipe_of_which_only_the_needed_headings_are_there_is_proposed_with_a_doubt(files):
    found = files.look(table(["Citation Id", "Reading List Id", "Citation Order"], [[n, n % 3, n] for n in range(1, 20)]))
    assert fitting(found) == [("leganto-citations", "reading_list_items")]
    assert "finds 3 of the 7 columns" in propose([found], files.folder).text


def test_a_system_that_names_nobody_identifies_nobody(files):
    chats = files.look(table(["chat_id", "timestamp", "wait_time", "message_count", "comment"],
                             [[n, f"{day(n):%Y-%m-%d %H:%M}", 5, 3, "Astrolabe"] for n in range(20)]))
    assert fitting(chats) == [("libchat", "events"), ("libchat", "feedback")]
    text = propose([chats], files.folder).text
    assert [row["identity"] for row in yaml.safe_load(text)["coverage"]] == ["none"] and not CANARIES.search(text)


def test_loans_are_no_roster_though_people_are_named_in_them(files):
    assert "people" not in [name for _, name in fitting(files.look(alma_loans()))]
    text = table(["person_id", "group"], [[person(n % 3), "Student"] for n in range(30)])
    found = files.look(text)
    assert not found.fits and "not taken for a roster" in " ".join(found.remarks)


def test_parquet_is_looked_at_too(files):
    pd.DataFrame(koha(), columns=KOHA).to_parquet(files.folder / "till.parquet")
    found = look(files.folder / "till.parquet", files.folder)
    assert fitting(found) == [("koha-statistics", "events")] and found.fits[0].trial.last == day(59).date()


def test_a_log_without_headings_is_told_by_its_shape(files):
    found = files.look(ezproxy(), "proxy_log")
    assert fitting(found) == [("ezproxy", "events")] and found.fits[0].trial.kept == 80


def test_a_file_that_no_recipe_fits_gets_its_nearest_headings_and_the_others_are_asked(files):
    found = files.look("Borrower no.;When;What;Branch;Title\n" + "".join(
        f"{person(n)};{day(n):%d/%m/%Y %H:%M};issue;Main;Moby\n" for n in range(30)), "till_csv")
    text = propose([found, files.look(PEOPLE, "people_csv")], files.folder).text
    (source,) = yaml.safe_load(text)["sources"]["events"]
    assert source["columns"]["person_key"] == ["Borrower no."] and source["columns"]["occurred_at"] == ["When"]
    assert source["columns"]["source"] == [ASK] and source["columns"]["event_id"]["as"] == "digest"
    assert "# minutes_waited: [FILL IN]" in text and not CANARIES.search(text)
    (files.folder / "study.yml").write_text(text)
    said = answered(files.folder / "study.yml", synthetic=True)
    with pytest.raises(StudyError, match="identity is 'FILL IN'"):
        open_study(files.folder)
    said["coverage"][0] |= {"source": "the till", "identity": "person"}
    (files.folder / "study.yml").write_text(yaml.safe_dump(said))
    with pytest.raises(StudyError, match="has no column 'FILL IN'"):
        open_study(files.folder)
    source["columns"] |= {"touchpoint": {"value": "desk"}, "source": {"value": "the till"}}
    said["sources"]["events"] = source
    (files.folder / "study.yml").write_text(yaml.safe_dump(said))
    assert open_study(files.folder).counts["kept"].tolist() == [3, 30]


# --- what is said of damaged input ---

@pytest.mark.parametrize(("name", "content", "words"), [
    ("a_csv", b"", "is empty"),
    ("a_csv", b"\n\n" + EVENTS.encode(), "headings, which seem to stand in line 3"),
    ("a_csv", b"Report of loans\nmade today\n" + EVENTS.encode(), "headings, which seem to stand in line 3"),
    ("a_csv", EVENTS.replace("source", "event_type").encode(), "columns 4 and 7 have the same heading"),
    ("a_csv", EVENTS.replace("source", "Event_Type").encode(), "columns 4 and 7 have the same heading"),
    ("a_csv", EVENTS.replace("\n", ";\n").replace(",", ";").encode(), "column 8 has no heading"),
    ("a_csv", b"".join(f"{person(n)},borrow,Main,ann@example.org\n".encode() for n in range(9)), "fits nothing"),
    ("a_csv", b"Ann,Quillfeather\nAnn,Astrolabe\n", "fits nothing"),
    ("a_csv", bytes(range(256)) * 40, "is not text"),
    ("a_csv", codecs.BOM_UTF16_LE + b"a\x00,\x00\x00\xd8", "is not utf-16 text"),
    ("a_xlsx", b"PK\x03\x04" + bytes(200), "Save its table as CSV"),
    ("a_gz", gzip.compress(EVENTS.encode())[:-20], "cannot be unpacked"),
    ("a_zip", b"PK\x03\x04" + bytes(200), "cannot be unpacked"),
    ("a_parquet", b"PAR1" + bytes(200) + b"PAR1", "damaged or cut short"),
])
def test_what_cannot_be_used_gets_a_sentence_that_shows_no_value(files, capsys, name, content, words):
    (path,) = files.write(**{name: content})
    status, said = run(capsys, "start", files.folder / "lib", "--from", path)
    assert status == 1 and words in " ".join(said.split()) and path.name in said
    assert not CANARIES.search(said) and "Traceback" not in said


@pytest.mark.parametrize(("text", "words"), [
    (EVENTS + 'e4,u1,"2025-02-01 10:00,borrow,loan,person,desk\n', "a quotation mark is opened"),
    (EVENTS.split("\n")[0] + "\n", "has a heading line and no rows")])
def test_what_opening_will_refuse_is_said_before(files, text, words):
    assert words in propose([files.look(text)], files.folder).text.replace("\n#     ", " ")


def test_headings_are_shown_without_control_characters_and_cannot_leave_their_comment(files):
    heading = "What\x1b[2J did"
    found = files.look(f"Borrower,When,{heading}\n{person(1)},2024-09-01,x\n")
    assert "\x1b" not in propose([found], files.folder).text and yaml.safe_load(propose([found], files.folder).text)
    assert shown("a\nb: c") == "a b: c"


def test_days_after_today_are_not_proposed_as_the_day_of_the_data(files):
    said = propose([files.look(EVENTS.replace("2025-01-15", "2931-01-15"))], files.folder, today=dt.date(2025, 2, 1))
    assert yaml.safe_load(said.text)["as_of"] == dt.date(2025, 2, 1) and "later day than today" in said.text


# --- what a study can do ---

def headings_of(text):
    return [(len(marks), words) for marks, words in re.findall(r"^(#+) (.*)$", text, re.M)]


def notebook(*cells, **about):
    return {"cells": [{"cell_type": kind, "source": text, "metadata": {"tags": tags}} for kind, text, tags in cells],
            "metadata": {"libengage": about}}


def test_what_a_notebook_can_do_follows_from_its_tags(tmp_path):
    import json

    one = notebook(("markdown", "# Who?", []), ("markdown", "## Only acts", []), ("code", "1", ["needs-events"]),
                   ("markdown", "## Both", []), ("code", "1", []), ("code", "2", ["needs-feedback"]),
                   ("markdown", "## Words", ["needs-feedback"]), ("code", "1", ["needs-feedback", "claim-C05"]),
                   ("markdown", "## The end", []), ("code", "1", ["claim-C02"]))
    other = notebook(("markdown", "## The end", []), ("code", "1", []), needs=["staff_time"])
    for name, content in (("a", one), ("b", other)):
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(content))
    first, second = possible(tmp_path, ("people", "events"), headings_of)
    claims = {name: SimpleNamespace(says=f"Says {name}.") for name in ("C02", "C05")}
    words = {"feedback": "people's feedback", "staff_time": "records of staff time"}
    assert first.sentences(words, claims) == [
        "a: can do \u201cOnly acts\u201d; can do only part of \u201cBoth\u201d without people's feedback; cannot do "
        "\u201cWords\u201d without people's feedback.", "It can judge C02 (Says C02).",
        "It cannot judge C05 (Says C05) without people's feedback."]
    assert second.sentences(words, claims) == ["b: cannot be run without records of staff time."]
    assert first.something and not second.something


def test_check_says_what_was_rejected_and_where_without_values(write_study, capsys):
    rows = "zx00917,u1,never,borrow,loan,person,desk\nzx00918,quillfeather,2025-01-01,astrolabe,loan,robot,desk\n"
    status, said = run(capsys, "check", write_study(events=EVENTS + rows))
    assert status == 0 and not CANARIES.search(said)
    assert re.search(r"events +events.csv +5 +3 +0 +2$", said, re.M)
    said = " ".join(said.split())
    assert "1 row: occurred_at is not a time" in said and "first in line 5." in said
    assert "initiated_by is not one of: person, staff, system, first in line 6." in said
    assert "minutes_waited, journey_id" in said and "quantity (taken as 1)" in said


@pytest.mark.parametrize(("change", "words"), [
    ({"purpose": None}, "does not say: purpose"), ({"events": EVENTS.replace("202", "20/2")}, "all 3 rows were rejected"),
    ({"events": ""}, "is empty")])
def test_check_ends_with_another_status_where_nothing_can_be_done(write_study, capsys, change, words):
    status, said = run(capsys, "check", write_study(**change))
    assert status == 1 and words in said


def test_check_ends_with_another_status_where_no_notebook_is_possible(write_study, capsys, monkeypatch):
    monkeypatch.setattr("libengage_utils.study.possible.possible", lambda *_: possible("notebooks", (), headings_of)[3:7])
    status, said = run(capsys, "check", write_study())
    assert status == 1 and "03-we-miss-you: cannot be run without an event log." in said
    assert "No notebook can do anything with this study." in said
