"""From sources to a prepared copy: checked across tables, pseudonymised, sorted by person and time."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import duckdb
import pandas as pd

from ..privacy import Pseudonymiser, scrub
from ..schema import TABLES
from .intake import REJECTED, stage
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


def prepared_copy(settings, progress):
    """The folder of the prepared copy of a study: the one there is if no input changed, else a new one.

    It holds a Parquet file a table, ``rejected.parquet`` and ``prepared.json`` (counts and notices).
    It is written under a temporary name and renamed, so a folder under its final name is whole.
    """
    shelf = settings.path.parent / ".prepared"
    final = shelf / _signature(settings)
    if not (final / "prepared.json").is_file():
        try:
            shelf.mkdir(mode=0o700, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix="unfinished-", dir=shelf))
        except OSError as error:
            raise StudyError(f"The folder {shelf.name} beside {settings.path.name} cannot be written "
                             f"({error.strerror}). Copy the study to a folder of your own.") from None
        try:
            _prepare(settings, work, progress)
            for old in shelf.iterdir():
                if old != work and not old.name.startswith("unfinished-"):
                    shutil.rmtree(old, ignore_errors=True)
            try:
                os.replace(work, final)
            except OSError:                      # another run finished the same copy first
                if not (final / "prepared.json").is_file():
                    raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return final


def _signature(settings):
    """Changes whenever the study, a source or the code that reads it does."""
    digest = hashlib.blake2b(settings.path.read_bytes(), digest_size=12)
    for module in (*sorted(Path(__file__).parent.glob("*.py")), *(Path(__file__).parent.parent / f"{name}.py"
                                                                  for name in ("schema", "privacy/door"))):
        digest.update(module.read_bytes())
    for source in settings.sources:
        if not source.path.is_file():
            raise StudyError(f"{source.name}, the source of the table {source.table}, is not in the folder given. "
                             "Correct its name in study.yml, or say where it is with FILES=folder.")
        about = source.path.stat()
        digest.update(repr((source.table, str(source.path.resolve()), about.st_size, about.st_mtime_ns,
                            source.recipe)).encode())
    return digest.hexdigest()


def _prepare(settings, folder, progress):
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
        notices = _notices(connection, settings, counts)
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


def _notices(connection, settings, counts):
    """What a reader should know of the data although nothing was rejected for it, in sentences."""
    one = lambda query: connection.execute(query).fetchone()  # noqa: E731
    few = lambda people: f"{people:,}" if people >= settings.minimum_count or not people else (  # noqa: E731
        f"fewer than {settings.minimum_count}")
    notices = []
    alike = one("SELECT count(*) FROM (SELECT lower(person_key) FROM staged_people WHERE problem IS NULL "
                "GROUP BY 1 HAVING count(*) > 1)")[0]
    if alike:
        notices.append(f"{few(alike)} identifiers on the roster differ from another only by capital letters; they are "
                       "kept as different people. If they are one person, write them alike in the export.")
    notices += _floor(connection)
    notices += _blind_spots_that_apply_to_nobody(connection, settings)
    roster = "SELECT person_key FROM staged_people WHERE problem IS NULL"
    if any(count["table"] == "contacts" for count in counts):
        strangers = one("SELECT count(DISTINCT person_key) FROM staged_contacts WHERE problem IS NULL "
                        f"AND person_key NOT IN ({roster})")[0]
        if strangers:
            notices.append(f"Contacts of {few(strangers)} people who are not on the roster are kept, but counted for "
                           "nobody.")
    if any(count["table"] == "events" for count in counts):
        strangers = one(f"SELECT count(DISTINCT person_key) FROM staged_events WHERE problem IS NULL "
                              f"AND person_key IS NOT NULL AND person_key NOT IN ({roster})")[0]
        if strangers:
            padded = one("SELECT count(DISTINCT e.person_key) FROM staged_events e JOIN staged_people p ON "
                         "ltrim(e.person_key, '0') = ltrim(p.person_key, '0') AND e.person_key <> p.person_key "
                         f"WHERE e.problem IS NULL AND e.person_key NOT IN ({roster})")[0]
            zeros = f" {few(padded)} of them match it but for leading zeros: export identifiers as text." if padded else ""
            notices.append(f"Events of {few(strangers)} people who are not on the roster are kept, but counted "
                           f"for nobody.{zeros}")
        silent, everybody = one("SELECT count(*) FILTER (person_key NOT IN (SELECT person_key FROM staged_events "
                                "WHERE problem IS NULL AND person_key IS NOT NULL)), count(*) FROM staged_people "
                                "WHERE problem IS NULL")
        share = f" ({silent / everybody:.0%})" if min(silent, everybody - silent) >= settings.minimum_count else ""
        notices.append(f"{few(silent)} of {everybody:,} people on the roster{share} have no event.")
        last = one("SELECT max(occurred_at) FROM staged_events WHERE problem IS NULL")[0].date()
        if (settings.as_of - last).days > 31:
            notices.append(f"The log ends on {last}, {(settings.as_of - last).days} days before the as-of date: "
                           "people may look quiet because nothing was recorded.")
    return notices


def _blind_spots_that_apply_to_nobody(connection, settings):
    """Notice a blind spot that names a column of the roster which is empty, so that those people count as visible."""
    spots = {spot.strip() for spots in settings.coverage["blind_spots"] for spot in spots.split(";") if "=" in spot}
    columns = {spot.partition("=")[0].strip() for spot in spots} & set(TABLES["people"].names)
    empty = [column for column in sorted(columns) if not connection.execute(
        f'SELECT count("{column}") FROM staged_people WHERE problem IS NULL').fetchone()[0]]
    return [f"The coverage names people by {column.replace('_', ' ')}, and the roster does not have it: people whom no "
            "source can see are counted as visible. Add it to the roster." for column in empty]


def _floor(connection):
    """Notice an earliest year that holds far more people than the next: a migration's floor."""
    years = connection.execute("SELECT year(eligible_from) AS year, count(*) AS people FROM staged_people "
                               "WHERE problem IS NULL AND eligible_from IS NOT NULL GROUP BY 1 ORDER BY 1").df()
    if len(years) < 3 or years["people"][0] < 3 * years["people"][1] or years["people"][0] < 0.05 * years["people"].sum():
        return []
    first, second = years["people"][:2]
    return [f"{first:,} people ({first / years['people'].sum():.0%}) became eligible in {years['year'][0]}, the earliest "
            f"year on record and {first / second:.1f} times as many as in the year after: a floor such as a migration "
            "of systems leaves. For them the true beginning is unknown, and rates over time are approximate."]
