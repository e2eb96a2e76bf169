"""A database as a source: read once and whole into text, or refused with a sentence that gives nothing away."""

import contextlib
import importlib
import logging
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libengage_utils.study import StudyError, database, open_study
from libengage_utils.study.database import fetch
from libengage_utils.study.database.address import PASSWORD
from libengage_utils.study.sources import Source

psycopg = importlib.import_module("psycopg") if os.environ.get("CI") else pytest.importorskip("psycopg")

# Tables with the columns that FOLIO's reporting database gives them.
FOLIO = """
CREATE SCHEMA reporting;
CREATE TABLE reporting.loans_items (loan_id uuid, item_id uuid, loan_status text, loan_date timestamptz,
    loan_return_date timestamptz, checkout_service_point_name text, patron_group_name text, user_id uuid, renewal_count int);
INSERT INTO reporting.loans_items VALUES
    ('00000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 'Closed', '2024-10-01 10:00+01',
     '2024-10-20 09:30:00.25+01', 'Main desk', 'Staff', '20000000-0000-4000-8000-000000000001', 2),
    ('00000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000002', 'Open', '2024-12-01 23:30+00',
     NULL, '', NULL, NULL, 0);
CREATE TABLE reporting.users_groups (user_id uuid, active boolean, enrollment_date date, expiration_date timestamptz,
    group_name text, user_email text, photo bytea);
INSERT INTO reporting.users_groups VALUES
    ('20000000-0000-4000-8000-000000000001', true, '2023-09-01', '2027-08-31 00:00+01', 'Staff', 'ann@example.org', 'x'),
    ('20000000-0000-4000-8000-000000000002', false, NULL, NULL, 'Student', 'bob@example.org', 'y');
CREATE TABLE reporting.requests_items (request_id uuid, request_date timestamp, request_type text, request_status text,
    requester_id uuid);
INSERT INTO reporting.requests_items VALUES
    ('30000000-0000-4000-8000-000000000001', '2025-02-03 14:05', 'Hold', 'Closed - Filled',
     '20000000-0000-4000-8000-000000000002');
CREATE TABLE reporting."Loans 2024" ("loanId" text, "User_Id" text);
INSERT INTO reporting."Loans 2024" VALUES ('L1', 'u1');
CREATE TABLE reporting.empty (event_id text);
CREATE TABLE reporting.many AS SELECT i AS event_id FROM generate_series(1, 20000) i;
CREATE TABLE reporting.odd AS SELECT 12345678901234567890.0123456789::numeric AS numeric, 1e20::numeric AS round,
    1e-8::numeric AS small, 9007199254740993::bigint AS big, 0.1::float8 AS float,
    ARRAY['a', NULL, 'b'] AS words, '{"a": [1, true]}'::jsonb AS json, '08:30'::time AS clock, '10:00'::interval AS span,
    '10.1.2.3'::inet AS address, 'infinity'::date AS never;
CREATE FUNCTION reporting.note() RETURNS int LANGUAGE sql AS 'DELETE FROM reporting.many RETURNING 1';
CREATE SCHEMA closed;
CREATE TABLE closed.patrons (person_id text);
GRANT USAGE ON SCHEMA reporting TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO reader;
CREATE TABLE reporting.letters (event_id text, address text);
INSERT INTO reporting.letters VALUES ('e1', 'a street');
GRANT SELECT (event_id) ON reporting.letters TO reader;
"""


@contextlib.contextmanager
def cluster():
    """A PostgreSQL server of our own, with a password, on the loopback; its folder goes when it stops."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), shutil.which("initdb")]
    home = next((Path(place).parent for place in places if place), None)
    if home is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("There is no PostgreSQL server: apt-get install postgresql.")
    folder = Path(tempfile.mkdtemp(prefix="libengage-postgres-"))
    who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if who:
        shutil.chown(folder, "postgres", "postgres")
    run = lambda *command: subprocess.run(  # noqa: E731
        [home / command[0], *command[1:]], check=True, cwd=folder, stdout=subprocess.DEVNULL, **who)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    owner, reader = secrets.token_hex(12), secrets.token_hex(12)
    (folder / "password").write_text(owner)
    (folder / "password").chmod(0o644)
    try:
        run("initdb", "-D", folder / "data", "-U", "keeper", "-A", "scram-sha-256", "--pwfile", folder / "password",
            "--no-sync", "-E", "UTF8", "--locale", "C")
        run("pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "start", "-o",
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c timezone=America/New_York")
        try:
            keys = {"host": "127.0.0.1", "port": port, "user": "keeper", "password": owner, "autocommit": True}
            with psycopg.connect(dbname="postgres", **keys) as first:
                first.execute("CREATE DATABASE folio")
            with psycopg.connect(dbname="folio", **keys) as keep:
                keep.execute(f"CREATE ROLE reader LOGIN PASSWORD '{reader}'")
                keep.execute(FOLIO)
                yield SimpleNamespace(keep=keep, port=port, password=reader,
                                      url=f"postgresql+psycopg://reader@127.0.0.1:{port}/folio")
        finally:
            run("pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def running():
    with cluster() as server:
        yield server


@pytest.fixture
def server(running, monkeypatch):
    monkeypatch.setenv(PASSWORD, running.password)
    return running


def source(url, query=None, relation=None, table="events", columns=None):
    return Source(table, None, {table: columns} if columns else {}, database=url, query=query, relation=relation)


def rows(source, folder, progress=lambda sentence: None):
    return pq.read_table(fetch(source, folder, progress)).to_pylist()


def refusal(source, folder, progress=lambda sentence: None):
    """The sentence of a refusal, which carries no other error along and leaves nothing behind."""
    with pytest.raises(StudyError) as caught:
        fetch(source, folder, progress)
    sentence = str(caught.value)
    assert caught.value.__context__ is None and caught.value.__cause__ is None
    assert sentence.startswith((f"{source.name}: ", f"The source of {source.table}: "))
    assert sentence.endswith(".") and not list(folder.glob("fetched-*"))
    return sentence.partition(": ")[2]


# --- what is read ---

LOANS = {"event_id": ["loan_id"], "person_key": ["user_id"], "occurred_at": ["loan_date"], "site":
         ["checkout_service_point_name"], "outcome": {"columns": ["Loan Return Date"], "as": "presence"},
         "quantity": ["renewal_count"]}


def test_a_table_of_folio_is_read_as_text_and_only_the_columns_of_the_recipe(server, tmp_path):
    assert rows(source(server.url, relation="reporting.loans_items", columns=LOANS), tmp_path) == [
        {"loan_id": "00000000-0000-4000-8000-000000000001", "item_id": None, "loan_status": None,
         "loan_date": "2024-10-01T09:00:00+00:00", "loan_return_date": "2024-10-20T08:30:00.250000+00:00",
         "checkout_service_point_name": "Main desk", "patron_group_name": None,
         "user_id": "20000000-0000-4000-8000-000000000001", "renewal_count": "2"},
        {"loan_id": "00000000-0000-4000-8000-000000000002", "item_id": None, "loan_status": None,
         "loan_date": "2024-12-01T23:30:00+00:00", "loan_return_date": None, "checkout_service_point_name": "",
         "patron_group_name": None, "user_id": None, "renewal_count": "0"}]


def test_what_is_personal_and_not_asked_for_stays_in_the_database(server, tmp_path):
    users = source(server.url, relation="reporting.users_groups", table="people",
                   columns={"person_key": ["user_id"], "eligible_from": ["enrollment_date"], "contactable": ["active"]})
    kept = [(user["active"], user["enrollment_date"], user["user_email"], user["photo"]) for user in rows(users, tmp_path)]
    assert kept == [("true", "2023-09-01", None, None), ("false", None, None, None)]


def test_a_query_gives_all_its_columns_and_a_time_without_offset_gets_none(server, tmp_path):
    query = "SELECT request_date, request_type AS kind FROM reporting.requests_items"
    assert rows(source(server.url, query=query), tmp_path) == [{"request_date": "2025-02-03T14:05:00", "kind": "Hold"}]


def test_numbers_keep_every_digit_and_arrays_and_json_become_json(server, tmp_path):
    query = "SELECT numeric, round, small, big, float, words, json, clock FROM reporting.odd"
    assert rows(source(server.url, query=query), tmp_path) == [
        {"numeric": "12345678901234567890.0123456789", "round": "100000000000000000000", "small": "0.00000001",
         "big": "9007199254740993", "float": "0.1", "words": '["a", null, "b"]', "json": '{"a": [1, true]}',
         "clock": "08:30:00"}]


def test_headings_and_tables_with_capitals_and_spaces_are_found(server, tmp_path):
    loans = source(server.url, relation="reporting.Loans 2024", columns={"event_id": ["Loan ID"], "person_key": ["user id"]})
    assert rows(loans, tmp_path) == [{"loanId": "L1", "User_Id": "u1"}]


def test_a_query_goes_to_the_server_as_it_is_written(server, tmp_path):
    query = "-- it's one; statement\n(SELECT 'a:b;' AS x, '50%' AS \"y;\", 1::int AS z) ;\n"
    assert rows(source(server.url, query=query), tmp_path) == [{"x": "a:b;", "y;": "50%", "z": "1"}]


def test_a_study_opens_on_a_database_and_keeps_no_identifier_of_it(server, write_study):
    users = {"person_key": ["user_id"], "eligible_from": ["enrollment_date"], "eligible_to": ["expiration_date"]}
    loans = {**LOANS, **{column: {"value": word} for column, word in (
        ("event_type", "borrow"), ("touchpoint", "loan"), ("source", "desk"))}}
    del loans["outcome"]
    folder = write_study(people=None, events=None, sources={
        "people": {"database": server.url, "table": "reporting.users_groups", "columns": users},
        "events": {"database": server.url, "table": "reporting.loans_items", "columns": loans}})
    study = open_study(folder)
    assert study.counts[["table", "read", "kept"]].values.tolist() == [["people", 2, 2], ["events", 2, 2]]
    assert study.people.df()["eligible_to"].dropna().astype(str).tolist() == ["2027-08-31"]
    assert study.events.df()["occurred_at"].astype(str).tolist() == ["2024-10-01 10:00:00", "2024-12-01 23:30:00"]
    for path in (folder / ".prepared").rglob("*"):
        assert "fetched" not in str(path) and (path.is_dir() or b"20000000-0000-4000" not in path.read_bytes())


# --- one snapshot, read only, in constant memory ---

def test_a_transaction_reads_one_snapshot_and_writes_nothing(server, tmp_path):
    query = "SELECT current_setting('transaction_isolation') AS level, current_setting('transaction_read_only') AS still"
    assert rows(source(server.url, query=query), tmp_path) == [{"level": "repeatable read", "still": "on"}]


def test_rows_that_are_deleted_meanwhile_are_still_read(server, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_CELLS", 1000)
    monkeypatch.setattr(database, "_SECONDS", 0)
    server.keep.execute("CREATE TABLE reporting.passing AS SELECT * FROM reporting.many;"
                        "GRANT SELECT ON reporting.passing TO reader")
    said = []

    def progress(sentence):
        said.append(sentence)
        if len(said) == 2:
            server.keep.execute("DELETE FROM reporting.passing")

    assert len(rows(source(server.url, relation="reporting.passing"), tmp_path, progress)) == 20_000
    assert len(said) == 21 and server.keep.execute("SELECT count(*) FROM reporting.passing").fetchone() == (0,)


def test_progress_is_said_at_most_every_two_seconds(server, tmp_path, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(database, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(database, "_CELLS", 5000)
    said = []
    rows(source(server.url, relation="reporting.many"), tmp_path, said.append)
    named = "table reporting.many of the database folio"
    assert said == [f"asking for {named}", f"reading {named}: 10,000 rows so far", f"reading {named}: 20,000 rows so far"]


MEASURE = """
import sys
from pathlib import Path
import pyarrow.parquet as pq
from libengage_utils.study.database import fetch
from libengage_utils.study.sources import Source
query = "SELECT i AS loan_id, 'u' || i % 9999 AS user_id, repeat('desk ', 20) AS site FROM generate_series(1, 1000000) i"
for count in (300_000, 1_000_000):
    source = Source("events", None, {}, database=sys.argv[1], query=f"{query} LIMIT {count}")
    assert pq.read_metadata(fetch(source, Path(sys.argv[2]), lambda sentence: None)).num_rows == count
    print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="The peak of memory is read from Linux's /proc.")
def test_a_million_rows_take_no_more_memory_than_the_first_of_them(server, tmp_path):
    said = subprocess.run([sys.executable, "-c", MEASURE, server.url, tmp_path], check=True, capture_output=True, text=True)
    few, million = (int(peak) / 1024 for peak in said.stdout.split())
    assert million - few < 60                # MB, of which allocators keep some; without a cursor on the server it is 113


# --- what is refused, in one sentence ---

REFUSED = {
    "no table": ({"relation": "reporting.loans"}, "there is no such table"),
    "no schema": ({"relation": "ledger.loans_items"}, "there is no such table"),
    "no table in a query": ({"query": "SELECT 1 AS x FROM passwords_of_ann"}, "there is no such table"),
    "no column": ({"query": 'SELECT "u4711" FROM reporting.many'}, "a column that the query names is not there"),
    "no column of the table": ({"relation": "reporting.odd"}, "none of its columns is one that events is read from; it has "
                               "'numeric', 'round'"),
    "no permission": ({"relation": "closed.patrons"}, "this user has no permission to read it"),
    "no permission for a column": ({"relation": "reporting.letters"}, "name only the columns that may be read in a query"),
    "no rows": ({"relation": "reporting.empty"}, "it has no rows"),
    "no rows of a query": ({"query": "SELECT event_id FROM reporting.many WHERE event_id < 0"}, "it has no rows"),
    "no SQL": ({"query": "SELECT FROM FROM u4711"}, "the server does not understand the query"),
    "a value": ({"query": "SELECT 'u4711'::int AS x"}, "a value does not fit what the query does with it"),
    "change": ({"query": "SELECT reporting.note() AS n"}, "the query would change the database"),
    "change within": ({"query": "WITH gone AS (DELETE FROM reporting.many RETURNING 1) SELECT * FROM gone"},
                      "the server does not understand the query"),
    "bytes": ({"query": "SELECT photo FROM reporting.users_groups"}, "the column 'photo' holds bytes"),
    "interval": ({"query": "SELECT span FROM reporting.odd"}, "the column 'span' holds timedelta"),
    "address": ({"query": "SELECT address FROM reporting.odd"}, "the column 'address' holds IPv4Address"),
    "infinity": ({"query": "SELECT never FROM reporting.odd"}, "it holds a day or time outside the years 1 to 9999"),
    "twice": ({"query": 'SELECT 1 AS event_id, 2 AS "Event_ID"'}, "the column 'event_id' is there more than once"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_fault_of_reading_is_one_sentence_that_gives_nothing_away(server, tmp_path, case):
    asked, words = REFUSED[case]
    sentence = refusal(source(server.url, **asked), tmp_path)
    assert words in sentence
    for secret in (server.password, str(server.port), "127.0.0.1", "reader", "u4711", "ann", "psycopg", "SELECT 1"):
        assert secret not in sentence
    assert server.keep.execute("SELECT count(*) FROM reporting.many").fetchone() == (20_000,)


def test_columns_that_may_be_read_are_named_in_a_query(server, tmp_path):
    assert rows(source(server.url, query="SELECT event_id FROM reporting.letters"), tmp_path) == [{"event_id": "e1"}]


@pytest.mark.parametrize(("change", "words"), [
    (lambda url: url.replace("/folio", "/nowhere"), "the server does not let this user into this database"),
    (lambda url: url.replace("reader", "stranger"), "the server does not let this user into this database"),
    (lambda url: url + "?sslmode=require", "no server answers at this address"),
    (lambda url: url + "?options=-c%20statement_timeout%3D20", "the server broke off the reading"),
    (lambda url: url.replace("+psycopg:", "+pg8000:"), "the driver that the database's address names is not installed"),
    (lambda url: url.replace("postgresql+psycopg:", "nosuchdatabase:"), "the driver that the database's address names"),
    (lambda url: url.replace("://", " "), "the database's address is not a URL"),
])
def test_an_address_that_does_not_lead_there_is_refused(server, tmp_path, change, words):
    sentence = refusal(source(change(server.url), query="SELECT pg_sleep(2)::text AS x"), tmp_path)
    assert words in sentence and server.password not in sentence and str(server.port) not in sentence


def test_where_no_server_is_the_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv(PASSWORD, "hunter2")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"postgresql+psycopg://reader@127.0.0.1:{free.getsockname()[1]}/folio"
        assert "no server answers at this address" in refusal(source(url, query="SELECT 1 AS x"), tmp_path)


def test_a_password_that_is_wrong_or_missing_is_told_apart_and_never_logged(server, tmp_path, monkeypatch, caplog):
    for library in ("sqlalchemy", "psycopg"):
        caplog.set_level(logging.DEBUG, library)
    asked = source(server.url, relation="reporting.many")
    rows(asked, tmp_path)
    shutil.rmtree(next(tmp_path.glob("fetched-*")))
    monkeypatch.setenv(PASSWORD, "hunter2")
    assert f"the password in the environment variable {PASSWORD}" in refusal(asked, tmp_path)
    monkeypatch.delenv(PASSWORD)
    assert refusal(asked, tmp_path).startswith("the server asks for a password")
    assert not caplog.records


@pytest.mark.parametrize("url", [
    "postgresql+psycopg://reader:hunter2@127.0.0.1:1/folio", "postgresql+psycopg://reader@127.0.0.1:1/folio?password=hunter2",
    "postgresql+psycopg://reader@127.0.0.1:1/folio?sslpassword=hunter2", "mysql+pymysql://reader@host/folio?passwd=hunter2",
    "mssql+pyodbc:///folio?odbc_connect=DRIVER%3DX%3BUID%3Dreader%3BPWD%3Dhunter2", "postgresql://reader:hunter2@127.0.0.1",
    "postgresql://reader:hunter2?@127.0.0.1/folio"])
def test_a_password_in_study_yml_is_refused_before_anything_is_asked(tmp_path, url):
    said = []
    sentence = refusal(source(url, query="SELECT 1 AS x"), tmp_path, said.append)
    assert sentence.startswith("the database's address holds a password") and PASSWORD in sentence
    assert "hunter2" not in sentence and not said


def test_an_address_that_cannot_be_read_is_not_repeated(tmp_path):
    sentence = refusal(source("postgresql://reader:hunter2", query="SELECT 1 AS x"), tmp_path)
    assert sentence.startswith("the database's address is not a URL") and "hunter2" not in sentence


def test_a_connection_killed_midway_leaves_nothing_behind(server, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(database, "_CELLS", 1000)
    monkeypatch.setattr(database, "_SECONDS", 0)

    def kill(sentence):
        if "so far" in sentence:
            server.keep.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'")

    asked = source(server.url, query="SELECT md5(i::text) AS x FROM generate_series(1, 1000000) i")
    assert "the connection to the server was lost before all rows had come" in refusal(asked, tmp_path, kill)
    assert capfd.readouterr() == ("", "")


def test_without_sqlalchemy_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(StudyError, match="needs SQLAlchemy, which is not installed"):
        fetch(source("sqlite:///desk.db", query="SELECT 1"), tmp_path, print)


# --- a database in a file ---

@pytest.fixture
def desk(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "desk.db")) as desk, desk:
        desk.executescript("""
            CREATE TABLE events (event_id TEXT, person_id, occurred_at DATETIME, quantity REAL, card BLOB);
            INSERT INTO events VALUES ('e1', '007', '2024-10-01 10:00', 2.5, x'00'), ('e2', 7, NULL, 3, NULL)""")
    return f"sqlite:///{tmp_path}/desk.db"


def test_sqlite_gives_each_value_as_it_is_kept(desk, tmp_path):
    assert rows(source(desk, relation="events"), tmp_path) == [
        {"event_id": "e1", "person_id": "007", "occurred_at": "2024-10-01 10:00", "quantity": "2.5", "card": None},
        {"event_id": "e2", "person_id": "7", "occurred_at": None, "quantity": "3.0", "card": None}]


@pytest.mark.parametrize(("query", "words"), [
    ("DELETE FROM events", "is not one SELECT"), ("SELECT 1; DELETE FROM events", "is not one SELECT"),
    ("", "is not one SELECT"), ("/* SELECT */ PRAGMA user_version", "is not one SELECT"),
    ("SELECT ';' AS x; -- over\nDROP TABLE events", "is not one SELECT"),
    ("WITH x AS (SELECT 1) DELETE FROM events", "the query would change the database"),
    ("SELECT * FROM loans", "there is no such table"), ("SELECT u4711 FROM events", "a column that the query names"),
    ("SELECT card FROM events", "the column 'card' holds bytes"), ("SELECT 1 FROM", "does not understand the query"),
    ("SELECT CAST(x'ff' AS TEXT) AS x", "text in an encoding that is not the database's own"),
    ("SELECT 1 AS x, 2 AS x", "the column 'x' is there more than once"), ("SELECT 1 AS x WHERE 0", "it has no rows")])
def test_sqlite_is_refused_what_a_server_is(desk, tmp_path, query, words):
    assert words in refusal(source(desk, query=query), tmp_path)
    assert len(rows(source(desk, relation="events"), tmp_path)) == 2


def test_a_file_that_is_no_database_is_refused_and_none_is_made(tmp_path):
    assert "there is no such file" in refusal(source(f"sqlite:///{tmp_path}/none.db", relation="events"), tmp_path)
    (tmp_path / "text.db").write_text("event_id,person_id\n" * 100)
    assert "the file is no database" in refusal(source(f"sqlite:///{tmp_path}/text.db", relation="events"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["text.db"]


def test_what_is_fetched_is_for_its_owner_alone(desk, tmp_path):
    path = fetch(source(desk, relation="events"), tmp_path, lambda sentence: None)
    assert path.suffix == ".parquet" and path.parent.parent == tmp_path and path.parent.stat().st_mode & 0o777 == 0o700


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.integers(-2**63, 2**63 - 1),
                          st.floats(allow_nan=False)), min_size=1))
def test_text_and_numbers_come_back_as_they_were(tmp_path, values):
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        with contextlib.closing(sqlite3.connect(f"{folder}/any.db")) as made, made:
            made.execute("CREATE TABLE kept (word TEXT, whole INTEGER, part REAL)")
            made.executemany("INSERT INTO kept VALUES (?, ?, ?)", values)
        read = rows(source(f"sqlite:///{folder}/any.db", query="SELECT * FROM kept ORDER BY rowid"), folder)
    assert [(row["word"], int(row["whole"]), float(row["part"])) for row in read] == values
