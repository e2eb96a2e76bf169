"""From sources to tables: checked across rows, pseudonymised, sorted by person and time."""

import hashlib
import json
import shutil
import time

import duckdb
import pandas as pd

from ..privacy import Pseudonymiser, scrub
from ..schema import TABLES
from .intake import REJECTED, stage
from .notices import notices_of
from .settings import StudyError

_OPTED_OUT = "the person asked not to be analysed"
_TIMES = ("occurred_at", "given_at", "assigned_at")


def engine(folder):
    """An embedded engine that spills to `folder`, stays within 1.5 GB and never loads anything."""
    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = '{str(folder).replace(chr(39), chr(39) * 2)}'")
    connection.execute("SET memory_limit = '1500MB'; "
                       "SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
    return connection


def prepare(settings, folder, progress):
    """Read the sources of a study and write its tables, what was rejected and what to know of them to `folder`."""
    with engine(folder / "spill") as connection:
        counts, rejected, staged = [], [], []
        for source in settings.sources:
            begun = time.perf_counter()
            read, wrong, lines = stage(connection, source, settings.time_zone, folder)
            staged.append(_Staged(connection, source, lines, read, [wrong]))
            progress(f"read {source.name} into {source.table}: {read:,} rows, {time.perf_counter() - begun:.1f} s")
        people = next(table for table in staged if table.name == "people")
        key = _pseudonymiser(settings, staged)
        _name_contacts(connection, staged, key)
        connection.execute("CREATE TABLE gone AS SELECT DISTINCT person_key AS id FROM staged_people "
                           "WHERE analytics_opt_out")
        for table in [people, *(t for t in staged if t is not people)]:
            _check_across_rows(table, settings)
            counts.append(table.count())
            rejected.append(pd.concat(table.rejected))
        notices = notices_of(connection, settings, counts)
        begun = time.perf_counter()
        _pseudonymise(connection, staged, key)
        for table in staged:
            _write(connection, table.name, folder)
        progress(f"pseudonymised, sorted and kept, {time.perf_counter() - begun:.1f} s")
    pd.concat(rejected).to_parquet(folder / "rejected.parquet", index=False)
    contents = hashlib.blake2b(digest_size=16)
    for source in settings.sources:
        with open(source.path, "rb") as file:
            contents.update(hashlib.file_digest(file, "blake2b").digest())
    for left in folder.iterdir():
        if left.suffix != ".parquet":
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    (folder / "prepared.json").write_text(json.dumps(
        {"counts": counts, "notices": notices, "fingerprint": key(contents.hexdigest())[2:18]}))


class _Staged:
    """A staged table, its rejected rows, and where its rows stand in the file."""

    def __init__(self, connection, source, lines, read, rejected):
        self.connection, self.source, self.lines = connection, source, lines
        self.table, self.name, self.read, self.rejected = TABLES[source.table], source.table, read, rejected

    def reject(self, condition, column, reason):
        """Reject the rows still accepted for which the condition holds; their value is not kept."""
        found = self.connection.execute(
            f"SELECT rowid AS record FROM staged_{self.name} WHERE problem IS NULL AND ({condition}) "
            "ORDER BY 1").df()
        if len(found):
            self.connection.execute(f"UPDATE staged_{self.name} SET problem = 255 WHERE rowid IN "
                                    "(SELECT record FROM found)")
            self.rejected.append(pd.DataFrame({
                "table": self.name, "file": self.source.name,
                "line": self.lines[found["record"]] if self.lines is not None else found["record"] + 1,
                "column": column, "value": None, "reason": reason}).astype({"line": "Int64"})[REJECTED])

    def count(self):
        kept = self.connection.execute(
            f"SELECT count(*) FROM staged_{self.name} WHERE problem IS NULL").fetchone()[0]
        rejected = pd.concat(self.rejected)
        if self.read != kept + len(rejected):
            raise StudyError(f"{self.source.name}: of {self.read:,} rows {kept:,} are kept and {len(rejected):,} "
                             "rejected, which does not add up; the copy is not used.")
        if kept == 0:
            most = rejected["reason"].mode()[0]
            column = rejected.loc[rejected["reason"] == most, "column"].mode()
            where = f", column {column[0]}" if len(column) else ""
            raise StudyError(f"{self.source.name}: all {self.read:,} rows were rejected, most because a value "
                             f"{most}{where}, first in line {rejected['line'].min()}. Correct the export or study.yml.")
        return {"table": self.name, "file": self.source.name, "read": self.read, "kept": kept,
                "rejected": len(rejected)}


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
            raise StudyError(f"study.yml: as_of is {settings.as_of}, but {table.source.name} begins on "
                             f"{first.date()}. Correct the as-of date; nothing can be said before the data begin.")
        table.reject(f"CAST({column} AS DATE) > DATE '{settings.as_of}'", column, "is after the as-of date")
    if "last_seen" in names:
        table.reject(f"last_seen > DATE '{settings.as_of}'", "last_seen", "is after the as-of date")
    if {"from", "to"} <= set(names):
        table.reject('"to" < "from"', "to", "is before `from`")
    firsts = f"SELECT min(rowid) FROM staged_{table.name} WHERE problem IS NULL GROUP BY {key}"
    if table.connection.execute(f"SELECT count(*) > count(DISTINCT ({key})) FROM staged_{table.name} "
                                "WHERE problem IS NULL").fetchone()[0]:
        table.reject(f"rowid NOT IN ({firsts})", table.table.key[-1],
                     f"repeats an earlier row with the same {' and '.join(table.table.key)}")


def _of_people(staged):
    return [table for table in staged if "person_key" in table.table.names]


def _pseudonymiser(settings, staged):
    rules = [table.source.recipe.get(table.name, {}) for table in _of_people(staged)]
    if any(rule.get("person_key") != {"as": "row number"} for rule in rules) and not settings.synthetic:
        return Pseudonymiser.from_environment(settings.key)
    return Pseudonymiser(hashlib.sha256(settings.name.encode()).digest())     # no identifier of anybody to protect


def _name_contacts(connection, staged, pseudonym):
    """Give contacts that name somebody of the study by pseudonym, as a planned lot does, the identifier it stands for."""
    if all(table.name != "contacts" for table in staged) or not connection.execute(
            "SELECT count(*) FROM staged_contacts WHERE starts_with(person_key, 'p_')").fetchone()[0]:
        return
    union = " UNION ".join(f"SELECT person_key FROM staged_{t.name}" for t in _of_people(staged) if t.name != "contacts")
    ids = [row[0] for row in connection.execute(f"SELECT * FROM ({union}) WHERE person_key IS NOT NULL").fetchall()]
    connection.register("named", pd.DataFrame({"id": ids, "pseudonym": [pseudonym(i) for i in ids]}))
    connection.execute("UPDATE staged_contacts SET person_key = id FROM named "
                       "WHERE person_key = pseudonym AND person_key NOT IN (SELECT id FROM named)")


def _pseudonymise(connection, staged, pseudonym):
    """Table ``keys``: identifier, pseudonym, and the pseudonym's rank to sort by. Scrub comments."""
    union = " UNION ".join(f"SELECT person_key FROM staged_{t.name} WHERE problem IS NULL" for t in _of_people(staged))
    ids = [row[0] for row in connection.execute(f"SELECT * FROM ({union}) WHERE person_key IS NOT NULL").fetchall()]
    keys = pd.DataFrame({"id": ids, "pseudonym": [pseudonym(i) for i in ids]}).sort_values("pseudonym")
    if keys["pseudonym"].duplicated().any():
        raise StudyError("Two identifiers were given the same pseudonym; use another key.")
    keys["rank"] = range(len(keys))
    connection.execute("CREATE OR REPLACE TABLE keys AS SELECT * FROM keys")
    if any(table.name == "feedback" for table in staged):
        said = connection.execute("SELECT rowid AS row, text FROM staged_feedback WHERE text IS NOT NULL").df()
        said["text"] = [scrub(text) for text in said["text"]]
        connection.execute("UPDATE staged_feedback SET text = said.text FROM said WHERE staged_feedback.rowid = said.row")


def _write(connection, name, folder):
    """One Parquet file, sorted by person and time, ending in the key as a tie-break."""
    table = TABLES[name]
    columns = [f'"{c}"' for c in table.names]
    order = [f'"{c}"' for c in (*(c for c in table.names if c in _TIMES), *table.key) if c != "person_key"]
    join = ""
    if "person_key" in table.names:
        columns[table.names.index("person_key")] = "pseudonym AS person_key"
        join, order = "LEFT JOIN keys ON person_key = id", ["rank", *order]
    if name == "events":
        columns.append("CAST(occurred_at AS DATE) - DATE '1970-01-01' AS day")
    path = str(folder / f"{name}.parquet").replace("'", "''")
    connection.execute(f"COPY (SELECT {', '.join(columns)} FROM staged_{name} {join} WHERE problem IS NULL "
                       f"ORDER BY {', '.join(order)}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
