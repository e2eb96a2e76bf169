"""From sources to tables: checked across rows, pseudonymised, sorted by person and time."""

import hashlib
import json
import os
import shutil
import time
from datetime import UTC, datetime

import duckdb
import numpy as np
import pandas as pd

from ..privacy import Pseudonymiser, scrub
from ..schema import TABLES
from .combining import combined
from .database import read_on
from .intake import REJECTED, UNEVEN, stage
from .notices import notices_of
from .soundness import naming
from .sources import StudyError

_OPTED_OUT = "the person asked not to be analysed"
_AT_ONCE, _IN_TURN = 100_000, 8_000_000
_TIMES = ("occurred_at", "given_at", "assigned_at")


def digest_of(path):
    """Digest of a file's contents."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()


def engine(spill, store=":memory:", limit="1000MB"):
    """An embedded engine that spills to the folder `spill`, stays within this much memory and never loads anything.

    Its allocator's threads give memory back after a query; else all of it would stay beside what Python works on.
    """
    connection = duckdb.connect(str(store))
    connection.execute(f"SET temp_directory = '{str(spill).replace(chr(39), chr(39) * 2)}'")
    connection.execute(f"SET memory_limit = '{limit}'; SET allocator_background_threads = true; "
                       "SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
    return connection


def prepare(settings, folder, digests, progress):
    """Read the sources of a study and write its tables, what was rejected and what to know of them to `folder`.

    `digests` are those of the files' contents, by path.
    """
    store = folder / "staged.duckdb"      # compressed, which what spills is not
    store = ":memory:" if "\\" in str(store) and os.sep == "/" else store
    with engine(folder / "spill", store, limit="1200MB") as connection:
        staged, dated, contents = {}, [], hashlib.blake2b(digest_size=16)
        key = pseudonymiser(settings)
        connection.execute("SET VARIABLE salt = ?", [key("rows")])
        for source in settings.sources:
            begun, moment = time.perf_counter(), datetime.now(UTC)
            with naming(source):
                reading = stage(connection, source, settings.time_zone, folder, progress)
            contents.update(digests.get(reading.contents) or digest_of(reading.contents))
            if source.database:
                dated.append(read_on(source, moment, settings.time_zone))
            staged.setdefault(source.table, _Staged(connection, source.table)).add(source, reading)
            progress(f"read {source.name} into {source.table}: {reading.rows:,} rows, {time.perf_counter() - begun:.1f} s")
        tables = list(staged.values())
        _name_contacts(connection, tables, key)
        connection.execute("CREATE TABLE gone AS SELECT DISTINCT person_key AS id FROM staged_people "
                           "WHERE analytics_opt_out")
        tables.sort(key=lambda table: table.name != "people")
        for table in tables:
            _check_across_rows(table, settings)
        counts = [count for table in tables for count in table.counts()]
        rejected = pd.concat([part for table in tables for part in table.rejected])
        notices = notices_of(connection, settings, counts) + dated
        begun = time.perf_counter()
        _pseudonymise(connection, tables, key)
        for table in tables:
            if any(count["kept"] for count in counts if count["table"] == table.name):
                _write(connection, table, folder)
        progress(f"pseudonymised, sorted and kept, {time.perf_counter() - begun:.1f} s")
    rejected.to_parquet(folder / "rejected.parquet", index=False)
    for left in folder.iterdir():
        if left.suffix != ".parquet":
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    (folder / "prepared.json").write_text(json.dumps(
        {"counts": counts, "notices": notices, "fingerprint": key(contents.hexdigest())[2:18]}))


class _Staged:
    """A staged table: the sources that were read into it, what is rejected of it, and where its rows stand in the files."""

    def __init__(self, connection, name):
        self.connection, self.name, self.table = connection, name, TABLES[name]
        self.sources, self.readings, self.rejected, self.of = [], [], [], []       # `of` is the source of a part rejected

    def add(self, source, reading):
        self.of.append(len(self.sources))
        self.sources.append(source)
        self.readings.append(reading)
        self.rejected.append(reading.rejected)

    @property
    def joined(self):
        """How recipes join rows into one, and the SQL condition of the rows of the sources of which they say so."""
        ends = [*(reading.first for reading in self.readings[1:]), 1 << 60]
        spans = [(source.rules.get("combine"), f"(rowid >= {reading.first} AND rowid < {end})")
                 for source, reading, end in zip(self.sources, self.readings, ends, strict=True)]
        return [(said, " OR ".join(span for other, span in spans if other == said))
                for i, (said, _) in enumerate(spans) if said and all(said != other for other, _ in spans[:i])]

    @property
    def alone(self):
        """SQL condition of the rows accepted that are not joined with others."""
        return " AND ".join(["problem IS NULL", *(f"NOT ({rows})" for _, rows in self.joined)])

    def reject(self, condition, column, reason):
        """Reject the rows still accepted for which the condition holds; their value is not kept."""
        found = self.connection.execute(
            f"SELECT rowid AS record FROM staged_{self.name} WHERE problem IS NULL AND ({condition}) "
            "ORDER BY 1").df()
        if not len(found):
            return
        self.connection.execute(f"UPDATE staged_{self.name} SET problem = {UNEVEN} "
                                "WHERE rowid IN (SELECT record FROM found)")
        of = np.searchsorted([reading.first for reading in self.readings], found["record"], side="right") - 1
        for i in np.unique(of):
            rows = found["record"][of == i] - self.readings[i].first
            self.of.append(i)
            self.rejected.append(pd.DataFrame({
                "table": self.name, "file": self.sources[i].name, "line": self.readings[i].lines(rows), "column": column,
                "value": None, "reason": reason}).astype({"line": "Int64"})[REJECTED])

    def counts(self):
        """For each source: rows read, kept, left out and rejected, which add up, and what its headings became."""
        ends = [*(reading.first for reading in self.readings[1:]), 1 << 60]
        return [self._count(source, reading, end, pd.concat([part for part, of in zip(self.rejected, self.of, strict=True)
                                                             if of == i]))
                for i, (source, reading, end) in enumerate(zip(self.sources, self.readings, ends, strict=True))]

    def _count(self, source, reading, end, rejected):
        kept = self.connection.execute(f"SELECT count(*) FROM staged_{self.name} WHERE problem IS NULL AND rowid >= "
                                       f"{reading.first} AND rowid < {end}").fetchone()[0]
        left_out = sum(reading.left_out.values())
        if reading.rows != kept + left_out + len(rejected):
            raise StudyError(f"{source.name}: of {reading.rows:,} rows {kept:,} are kept, {left_out:,} left out and "
                             f"{len(rejected):,} rejected, which does not add up; the copy is not used.")
        if kept == 0 and reading.rows:
            if rejected.empty:
                raise StudyError(f"{source.name}: the recipe leaves out all {reading.rows:,} rows "
                                 f"({'; '.join(reading.left_out)}). Name another recipe, or leave the source out.")
            most = rejected["reason"].mode()[0]
            column = rejected.loc[rejected["reason"] == most, "column"].mode()
            where = f", column {column[0]}" if len(column) else ""
            raise StudyError(f"{source.name}: all {reading.rows:,} rows were rejected, most because a value "
                             f"{most}{where}, first in line {rejected['line'].min()}. Correct the export or study.yml.")
        return {"table": self.name, "file": source.name, "read": reading.rows, "kept": kept, "left_out": left_out,
                "rejected": len(rejected), "why_left_out": reading.left_out, "mapped": reading.mapped,
                "dropped": reading.dropped}


def _check_across_rows(table, settings):
    """What can only be seen beyond one cell: repeats, skipped clock times, the as-of date, opt-outs."""
    names, key = table.table.names, ", ".join(f'"{k}"' for k in table.table.key)
    if "person_key" in names:
        table.reject("person_key IN (SELECT id FROM gone)", "person_key", _OPTED_OUT)
    for column in set(_TIMES) & set(names):
        if settings.time_zone:
            zone = settings.time_zone.replace("'", "''")
            table.reject(
                f"time_bucket(INTERVAL 30 MINUTE, {column}) IN (SELECT slot FROM (SELECT DISTINCT "
                f"time_bucket(INTERVAL 30 MINUTE, {column}) AS slot FROM staged_{table.name}) "
                f"WHERE timezone('{zone}', timezone('{zone}', slot)) <> slot)",
                column, f"is a time that the clocks of {settings.time_zone} skipped")
        first = table.connection.execute(
            f"SELECT min({column}) FROM staged_{table.name} WHERE problem IS NULL").fetchone()[0]
        if first and first.date() > settings.as_of:
            raise StudyError(f"study.yml: as_of is {settings.as_of}, but {table.sources[0].name} begins on "
                             f"{first.date()}. Correct the as-of date; nothing can be said before the data begin.")
        table.reject(f"CAST({column} AS DATE) > DATE '{settings.as_of}'", column, "is after the as-of date")
    if "last_seen" in names:
        table.reject(f"last_seen > DATE '{settings.as_of}'", "last_seen", "is after the as-of date")
    if {"from", "to"} <= set(names):
        table.reject('"to" < "from"', "to", "is before `from`")
    hashed, rows = f"hash({key})", f"staged_{table.name} WHERE {table.alone}"
    if _repeated(table.connection, hashed, rows):
        again = (f"SELECT rowid FROM {rows} AND {hashed} IN (SELECT h FROM repeated) "
                 f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY rowid) > 1")
        table.reject(f"rowid IN ({again})", table.table.key[-1],
                     f"repeats an earlier row with the same {' and '.join(table.table.key)}")


def _repeated(connection, hashed, rows):
    """How many hashes more than one row has; the table ``repeated`` holds them. In turns, or memory grows with the rows."""
    turns = connection.execute(f"SELECT count(*) FROM {rows}").fetchone()[0] // _IN_TURN + 1
    connection.execute("CREATE OR REPLACE TABLE repeated (h UBIGINT)")
    for turn in range(turns):
        connection.execute(f"INSERT INTO repeated SELECT {hashed} AS h FROM {rows} AND {hashed} % {turns} = {turn} "
                           "GROUP BY h HAVING count(*) > 1")
    return connection.execute("SELECT count(*) FROM repeated").fetchone()[0]


def _of_people(staged):
    return [table for table in staged if "person_key" in table.table.names]


def pseudonymiser(settings):
    """What makes a study's pseudonyms: with its key, except of a study without anybody's identifier."""
    of_people = [source for source in settings.sources if "person_key" in TABLES[source.table].names]
    if any(source.rules.get("person_key") != {"as": "row number"} for source in of_people) and not settings.synthetic:
        return Pseudonymiser.from_environment(settings.key)
    return Pseudonymiser(hashlib.sha256(settings.name.encode()).digest())     # no identifier of anybody to protect


def _name_contacts(connection, staged, pseudonym):
    """Give contacts that name somebody of the study by pseudonym, as a planned lot does, the identifier it stands for."""
    if all(table.name != "contacts" for table in staged) or not connection.execute(
            "SELECT count(*) FROM staged_contacts WHERE starts_with(person_key, 'p_')").fetchone()[0]:
        return
    union = " UNION ".join(f"SELECT person_key FROM staged_{t.name}" for t in _of_people(staged) if t.name != "contacts")
    ids = [row[0] for row in connection.execute(f"SELECT * FROM ({union}) WHERE person_key IS NOT NULL").fetchall()]
    connection.register("planned", pd.DataFrame({"id": ids, "pseudonym": [pseudonym(i) for i in ids]}))
    connection.execute("UPDATE staged_contacts SET person_key = id FROM planned "
                       "WHERE person_key = pseudonym AND person_key NOT IN (SELECT id FROM planned)")


def _pseudonymise(connection, staged, pseudonym):
    """Table ``keys``: identifier, pseudonym, and the pseudonym's rank to sort by. Scrub comments."""
    union = " UNION ".join(f"SELECT person_key FROM staged_{t.name} WHERE problem IS NULL" for t in _of_people(staged))
    ids = connection.cursor().execute(f"SELECT * FROM ({union}) WHERE person_key IS NOT NULL")
    connection.execute("CREATE TABLE named (id VARCHAR, pseudonym VARCHAR)")
    while some := ids.fetchmany(_AT_ONCE):
        connection.register("part", pd.DataFrame([(row[0], pseudonym(row[0])) for row in some], columns=["id", "pseudonym"]))
        connection.execute("INSERT INTO named SELECT * FROM part")
    if connection.execute("SELECT count(*) > count(DISTINCT pseudonym) FROM named").fetchone()[0]:
        raise StudyError("Two identifiers were given the same pseudonym; use another key.")
    connection.execute("CREATE TABLE keys AS SELECT *, row_number() OVER (ORDER BY pseudonym) AS rank FROM named; "
                       "DROP TABLE named")
    if any(table.name == "feedback" for table in staged):
        said = connection.execute("SELECT rowid AS row, text FROM staged_feedback WHERE text IS NOT NULL").df()
        said["text"] = [scrub(text) for text in said["text"]]
        connection.execute("UPDATE staged_feedback SET text = said.text FROM said WHERE staged_feedback.rowid = said.row")


def _write(connection, staged, folder):
    """One Parquet file, sorted by person and time, ending in the key as a tie-break."""
    table, accepted = staged.table, f"(SELECT * FROM staged_{staged.name} WHERE problem IS NULL AND"
    rows = [f"(SELECT * FROM staged_{staged.name} WHERE {staged.alone})"]
    rows += [combined(table, f"{accepted} ({those}))", said) for said, those in staged.joined]
    rows = f"({' UNION ALL BY NAME '.join(rows)})"
    columns = [f'"{c}"' for c in table.names]
    order = [f'"{c}"' for c in (*(c for c in table.names if c in _TIMES), *table.key) if c != "person_key"]
    join = ""
    if "person_key" in table.names:
        columns[table.names.index("person_key")] = "pseudonym AS person_key"
        join, order = "LEFT JOIN keys ON person_key = id", ["rank", *order]
    if table.name == "events":
        columns.append("CAST(occurred_at AS DATE) - DATE '1970-01-01' AS day")
    path = str(folder / f"{table.name}.parquet").replace("'", "''")
    connection.execute(f"COPY (SELECT {', '.join(columns)} FROM {rows} {join} ORDER BY {', '.join(order)}) "
                       f"TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
