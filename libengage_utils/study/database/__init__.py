"""A table or a query of a database, read once within one snapshot into a Parquet file of text."""

import contextlib
import datetime as dt
import decimal
import gc
import json
import logging
import re
import tempfile
import time
import uuid
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from ...schema import TABLES
from ..mapping import plain
from ..sources import StudyError
from .address import address_of, alchemy_for
from .faults import fault_of

_CELLS = 300_000                       # cells in memory at a time, 50,000 rows of six columns
_STREAM = {"stream_results": True, "no_parameters": True}
_SECONDS = 2                           # between two sentences of progress
_READ_ONLY = {"postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", "sqlite": "PRAGMA query_only = ON",
              **dict.fromkeys(("mysql", "mariadb"), "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")}


def _zoned(moment):
    """ISO text of a moment, in UTC where it has an offset, so that the server's own time zone plays no part."""
    return (moment.astimezone(dt.UTC) if moment.tzinfo else moment).isoformat()


def _json(value):
    return json.dumps(value, ensure_ascii=False, default=str)


# Text of a value, by its type; other types (bytes, intervals, addresses) are refused.
_TEXT = {str: str, type(None): lambda value: None, bool: lambda value: "true" if value else "false", int: str, float: repr,
         decimal.Decimal: lambda value: format(value, "f"), dt.datetime: _zoned, dt.date: dt.date.isoformat,
         dt.time: dt.time.isoformat, uuid.UUID: str, list: _json, dict: _json}


def fetch(source, folder, progress):
    """Read the table or the query of a database into a Parquet file of text columns, in memory that does not grow.

    The password is taken from the environment variable LIBENGAGE_DATABASE_PASSWORD. One transaction reads, from one
    snapshot, and writes nothing; it is never committed.

    Parameters
    ----------
    source : Source
        Its `database` is a SQLAlchemy URL, without a password; `query` one SELECT, or `relation` a table or view.
    folder : path-like
        The file holds identifiers as the database has them: it stands in a folder below this one that only its owner may
        enter. Remove it when it has been staged.
    progress : callable
        Called with a sentence at the beginning, then with the rows so far, at most every two seconds.

    Returns
    -------
    Path
        Missing stays missing; booleans are true and false, days and times ISO, times with an offset in UTC, numbers with
        every digit, arrays and JSON as JSON text.

    Raises
    ------
    StudyError
        In one sentence that names the source, the kind of fault and the remedy, never the address, the query or a value.

    References
    ----------
    PostgreSQL Global Development Group. PostgreSQL documentation, "Transaction isolation" (repeatable read sees one
    snapshot) and appendix A, "Error codes".

    Examples
    --------
    >>> import sqlite3
    >>> from types import SimpleNamespace
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with sqlite3.connect(f"{folder}/desk.db") as desk:
    ...         _ = desk.executescript("CREATE TABLE loan (id, days); INSERT INTO loan VALUES ('007', 21), ('008', NULL)")
    ...     source = SimpleNamespace(table="events", name="the query for events of the database desk.db", relation=None,
    ...                              database=f"sqlite:///{folder}/desk.db", query="SELECT id, days FROM loan")
    ...     pq.read_table(fetch(source, folder, lambda sentence: None)).to_pylist()
    [{'id': '007', 'days': '21'}, {'id': '008', 'days': None}]
    """
    alchemy = alchemy_for(source)
    address = address_of(source)
    if source.query is not None and not _is_one_select(source.query):
        raise StudyError(f"{source.name}: the query is not one SELECT. Write one statement that begins with SELECT or WITH, "
                         "and none after it.")
    progress(f"asking for {source.name}")
    path = Path(tempfile.mkdtemp(prefix="fetched-", dir=folder)) / "rows.parquet"
    reached, whole, fault = False, False, None
    try:
        engine = alchemy.create_engine(address, poolclass=alchemy.pool.NullPool, hide_parameters=True)
        with _quietly(), engine.connect() as connection:
            reached = True
            if engine.dialect.name in _READ_ONLY:
                connection.exec_driver_sql(_READ_ONLY[engine.dialect.name])
            headings, rows = (_columns(connection, source, alchemy) if source.query is None else
                              _answer(connection, source))
            with rows:
                _write(rows, headings, path, source, progress)
        whole = True
    except StudyError:
        raise
    except Exception as error:         # whatever a driver raises may hold the address or a value
        fault = fault_of(error, reached)
    finally:
        if not whole:
            path.unlink(missing_ok=True)
            path.parent.rmdir()
    if fault:                          # outside of `except`, so that the sentence carries no other error along
        raise StudyError(f"{source.name}: {fault}")
    return path


@contextlib.contextmanager
def _quietly():
    """While reading, libraries log nothing, for they tell hosts and values; nor does Python look for cycles of objects.

    Rows make none, and to look for some among them takes longer than to read them.
    """
    loggers = {logger: logger.level for logger in map(logging.getLogger, ("sqlalchemy", "psycopg"))}
    collects = gc.isenabled()
    try:
        gc.disable()
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        yield
    finally:
        for logger, level in loggers.items():
            logger.setLevel(level)
        if collects:
            gc.enable()


def read_on(source, moment, zone):
    """The sentence that says when a source was read, for a copy has no other date.

    Parameters
    ----------
    source : Source
    moment : datetime
        With an offset: when the reading began.
    zone : str
        The study's time zone, or nothing for UTC.

    Returns
    -------
    str

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> read_on(SimpleNamespace(name="table loan of the database desk"), dt.datetime(2026, 7, 1, 8, tzinfo=dt.UTC),
    ...         "Europe/London")
    'Read on 2026-07-01 at 09:00 (Europe/London): table loan of the database desk. What was recorded later is not in it.'
    """
    local = moment.astimezone(ZoneInfo(zone or "UTC"))
    return (f"Read on {local:%Y-%m-%d at %H:%M} ({zone or 'UTC'}): {source.name}. What was recorded later is not in it.")


def _is_one_select(query):
    """Whether a query, its comments and quoted text put aside, is one statement that reads."""
    aside = r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"[^"]*"|\$(\w*)\$.*?\$\1\$"""
    bare = re.sub(aside, " ", query, flags=re.S).strip().rstrip("; \n\t")
    return bool(re.match(r"\(*\s*(select|with)\b", bare, re.I)) and ";" not in bare


def _answer(connection, source):
    """The columns and the rows of a query, which goes to the server as it is written, its colons and per cents too."""
    rows = connection.exec_driver_sql(source.query.strip().rstrip("; \n\t"), execution_options=_STREAM)
    return _headings(rows), rows


def _columns(connection, source, alchemy):
    """The columns of a table, and the rows of those from which the source is read: others never leave the database."""
    schema, _, name = source.relation.rpartition(".")
    table = alchemy.table(name, schema=schema or None)
    everything = alchemy.select(alchemy.literal_column("*")).select_from(table)
    with connection.execute(everything.where(alchemy.false())) as nothing:
        headings = _headings(nothing)
    said = {plain(word) for word in _words(source.rules)} or {
        plain(word) for column in TABLES[source.table].columns for word in (column.heading, column.name)}
    wanted = [heading for heading in headings if plain(heading) in said]
    if not wanted:
        raise StudyError(f"{source.name}: none of its columns is one that {source.table} is read from; it has "
                         f"{', '.join(map(repr, headings[:8]))}. Name a recipe or columns in study.yml.")
    return headings, connection.execute(alchemy.select(*map(alchemy.column, wanted)).select_from(table),
                                        execution_options=_STREAM)


def _words(rules):
    """Every word of a recipe's rules: the headings are among them."""
    if isinstance(rules, dict):
        return [*map(str, rules), *(word for rule in rules.values() for word in _words(rule))]
    return [word for rule in rules for word in _words(rule)] if isinstance(rules, list) else [str(rules)]


def _headings(rows):
    return [column[0] for column in rows.cursor.description]


def _write(rows, headings, path, source, progress):
    """Write rows chunk by chunk, every column as text; a column that is not read is there and empty."""
    read = _headings(rows)
    folded = [heading.casefold() for heading in read]
    if repeated := [heading for heading, same in zip(read, folded, strict=True) if folded.count(same) > 1]:
        raise StudyError(f"{source.name}: the column {repeated[0]!r} is there more than once. Name the columns to read in a "
                         "query, and give one of these another name with AS.")
    schema, count, said = pa.schema([(heading, pa.string()) for heading in headings]), 0, time.monotonic()
    with pq.ParquetWriter(path, schema, compression="snappy") as file:
        for chunk in rows.yield_per(max(1, _CELLS // len(read))).partitions():
            columns = dict(zip(read, zip(*chunk, strict=True), strict=True))
            file.write_batch(pa.record_batch(
                [_column(heading, columns[heading], source) if heading in columns else pa.nulls(len(chunk), pa.string())
                 for heading in headings], schema=schema))
            count += len(chunk)
            if time.monotonic() - said >= _SECONDS:
                progress(f"reading {source.name}: {count:,} rows so far")
                said = time.monotonic()
    if not count:
        raise StudyError(f"{source.name}: it has no rows. See that the table is filled and that the query's conditions fit, "
                         "or leave it out of study.yml.")


def _column(heading, values, source):
    """The values of one column as text; one of a type that has no plain text is refused by the column's name."""
    kinds = set(map(type, values))
    if strange := kinds - _TEXT.keys():
        kind = "bytes" if strange & {bytes, bytearray, memoryview} else strange.pop().__name__
        raise StudyError(f"{source.name}: the column {heading!r} holds {kind}, neither text nor number, day or time. "
                         "Name the columns to read in a query, and leave it out or turn it into text.")
    return pa.array(values if kinds <= {str, type(None)} else [_TEXT[type(value)](value) for value in values], pa.string())
