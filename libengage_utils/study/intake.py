"""From a source to typed, checked rows in the engine, and to the rejected rows with their reasons."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ..schema import TABLES
from .database import fetch
from .files import read_layout, to_utf8, unpack
from .mapping import Mapping, plain, quoted, text
from .records import Records
from .shape import misshapen, odd_line, scan_of, spanning, unread_rows
from .sources import StudyError
from .values import checked_values, shape_of

REJECTED = ["table", "file", "line", "column", "value", "reason"]
NEEDED = ("people", "events", "summaries")
LEFT_OUT, UNEVEN = 200, 255      # problems from LEFT_OUT on are no fault of the row's values


@dataclass(frozen=True)
class Reading:
    """What came of reading one source.

    Attributes
    ----------
    first : int
        Number in ``staged_<table>`` of its first row.
    rows : int
        Rows of the source, counted; each is kept, left out by the recipe, or rejected.
    rejected : DataFrame with the columns `REJECTED`
        Rows that could not be read or hold a value that does not fit.
    left_out : dict of str to int
        Why the recipe leaves rows out, and how many.
    lines : callable
        Line in the file of staged rows, these counted from 0 within the source.
    mapped : dict of str to str
        Column -> the headings it is read from.
    dropped : list of str
        Headings that nothing is read from.
    contents : Path
        The file, or what a database gave, as a file.
    """

    first: int
    rows: int
    rejected: pd.DataFrame
    left_out: dict
    lines: Callable
    mapped: dict
    dropped: list
    contents: Path


def stage(engine, source, zone, folder, progress=lambda sentence: None):
    """Add the rows of one source to the engine's table ``staged_<table>``, whose rows know what is wrong with them.

    Columns of the staged table are the schema's, typed, then ``problem`` (missing where the row is accepted) and ``bad``
    (the raw value that was not).

    Returns
    -------
    Reading

    Raises
    ------
    StudyError
        If the source is empty, or has no row where nothing can be done without one; if it is in another encoding, lacks a
        required column or has a quotation mark that is never closed; or if rows kept and rejected do not add up to the
        records counted.
    """
    table = TABLES[source.table]
    contents = source.path or fetch(source, folder, progress)
    path = unpack(contents, folder)
    delimited = path.suffix != ".parquet"
    if delimited:
        path = to_utf8(path, source.name, source.encoding, folder)
        layout = read_layout(path, source.name, source.recipe)
        headings, scan = layout.headings, scan_of(path, layout)
    else:
        scan = f"read_parquet({text(path)})"
        headings = [row[0] for row in engine.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()]
        scan = "(SELECT " + ", ".join(f"CAST({quoted(h)} AS VARCHAR) AS {quoted(h)}" for h in headings) + f" FROM {scan})"
    each = _each(source.rules.get("each", {}), headings, source.name)
    if each:
        scan = (f"(SELECT *, unnest([{', '.join(text(name) for name, _ in each)}]) AS \"each name\", "
                f"unnest([{', '.join(quoted(heading) for _, heading in each)}]) AS \"each value\" FROM {scan})")
    mapped = partial(Mapping, source, table, [*headings, "each name", "each value"] if each else headings)
    mapping, answers = mapped(odd_spaces=not delimited), max(len(each), 1)

    counting = ThreadPoolExecutor(1).submit(Records, path, layout.delimiter, layout.ending,
                                            headed=layout.headed) if delimited else None
    try:
        checks = _read(engine, table, mapping, source, zone, scan)
        if delimited and counting.result().odd_spaces:       # seldom, and looking for them always would be slow
            unread_rows(engine)
            mapping = mapped(odd_spaces=True)
            checks = _read(engine, table, mapping, source, zone, scan)
    except duckdb.InvalidInputException:
        if not delimited:
            raise
        raise StudyError(f"{source.name}, line {odd_line(path)}: the line ends otherwise than others, or a carriage return "
                         "stands inside a cell. Export the file again, with one kind of line ending.") from None
    staged = engine.execute("SELECT count(*) FROM reading").fetchone()[0]
    wrong = engine.execute("SELECT rowid AS row, problem, bad FROM reading WHERE problem IS NOT NULL AND "
                           f"problem < {LEFT_OUT} ORDER BY rowid").df()
    if delimited:
        records = counting.result()
        unread = unread_rows(engine)
        lost = np.unique(records.rows_after(unread.pop("after")))
        if staged != (records.rows - len(lost)) * answers or len(lost) != len(unread) or (lost >= records.rows).any():
            raise StudyError(
                f"{source.name} holds {records.rows:,} rows by counting and {staged // answers + len(unread):,} by reading: "
                "a quotation mark stands inside a cell, or the delimiter changes, somewhere in it. Export it again as CSV.")
        unread["line"], unread["reason"] = records.lines(lost), spanning(records, lost, unread["reason"])
        before = lost - np.arange(len(lost))        # staged row -> row: those lost before it are skipped

        def lines(rows):
            rows = np.asarray(rows) // answers
            return records.lines(rows + np.searchsorted(before, rows, side="right"))

        shape = misshapen(engine, path, layout, mapping, records, lost)
        rows, uneven = records.rows * answers, shape.loc[shape.index.repeat(answers)]
        uneven["row"] = uneven["row"] * answers + np.arange(len(uneven)) % answers
        if len(uneven):
            engine.execute(f"UPDATE reading SET problem = {UNEVEN} WHERE rowid IN (SELECT row FROM uneven)")
        wrong = wrong[~wrong["row"].isin(uneven["row"])]
        rejected = [_wrong_values(wrong, checks, lines),
                    unread.loc[unread.index.repeat(answers)],
                    pd.DataFrame({"line": lines(uneven["row"]), "column": None, "value": None,
                                  "reason": list(uneven["reason"])})]
    else:
        def lines(rows):
            return np.asarray(rows) + 1

        rows, rejected = staged, [_wrong_values(wrong, checks, lines)]
    if rows < 1 and table.name in NEEDED:
        raise StudyError(f"{source.name} has a heading line and no rows. Export it again, or leave {table.name} out of "
                         "study.yml.")
    rejected = pd.concat([part for part in rejected if len(part)] or rejected[:1]).sort_values("line", kind="stable")
    rejected.insert(0, "table", table.name)
    rejected.insert(1, "file", source.name)
    if source.dates:
        _refuse_other_order(engine, table, mapping, source, zone, checks, lines)
    left_out = _left_out(engine, mapping)
    return Reading(_add(engine, table), rows, rejected[REJECTED].astype({"line": "Int64"}), left_out, lines,
                   {name: ", ".join(cell.headings) for name, cell in mapping.cells.items()}, mapping.dropped,
                   contents)


def _refuse_other_order(engine, table, mapping, source, zone, checks, lines):
    """Refuse a file with a day that can only be in the order of days and months that was not declared."""
    other = "month first" if source.dates == "day first" else "day first"
    _, values, _ = checked_values(table, mapping, dates=other, decimal=source.decimal, zone=zone)
    for i, (_, column, _) in enumerate(checks):
        if column.kind in ("date", "time"):
            read = values[column.name].replace(quoted(f"raw {column.name}"), "bad")
            row = engine.execute(f"SELECT min(rowid) FROM reading WHERE problem = {i} AND {read} IS NOT NULL").fetchone()[0]
            if row is not None:
                raise StudyError(f"{source.name}, line {lines([row])[0]}, column {column.name}: a day that is not in the "
                                 f"order declared (`{source.dates}`) but in the other. Correct `dates` in study.yml, or, if "
                                 "both orders occur, the file.")


def _each(said, headings, name):
    """Of the headings that make a row each, (what the recipe calls it, the heading) for those the file has."""
    found = {plain(heading): heading for heading in headings}
    there = [(word, found[plain(one)]) for word, wanted in said.items() for one in wanted if plain(one) in found]
    if said and not there:
        raise StudyError(f"{name} has none of the headings that the recipe reads, such as {', '.join(said)[:60]}.")
    return list(dict(there).items())


def _read(engine, table, mapping, source, zone, scan):
    """Fill the engine's table ``reading``; give the checks that its problems number."""
    raw, values, checks = checked_values(table, mapping, dates=source.dates, decimal=source.decimal, zone=zone)
    reasons = " ".join([*(f'WHEN "leaves out {i}" THEN {LEFT_OUT + i}' for i in range(len(mapping.left_out))),
                        *(f"WHEN {condition} THEN {i}" for i, (condition, _, _) in enumerate(checks))])
    bad = " ".join(f'WHEN {i} THEN "raw {column.name}"' for i, (_, column, _) in enumerate(checks))
    first = [*(f"{sql} AS {quoted(f'raw {name}')}" for name, sql in raw.items()),
             *(f'coalesce({condition}, false) AS "leaves out {i}"' for i, (condition, _) in enumerate(mapping.left_out))]
    engine.execute(f"""
        CREATE OR REPLACE TABLE reading AS
        SELECT {", ".join(map(quoted, table.names))}, problem, CASE problem {bad} END AS bad
        FROM (SELECT *, CAST(CASE {reasons} END AS UTINYINT) AS problem
              FROM (SELECT *, {", ".join(f"{sql} AS {quoted(name)}" for name, sql in values.items())}
                    FROM (SELECT {", ".join(first)} FROM {scan})))""")
    return checks


def _wrong_values(wrong, checks, lines):
    columns = [checks[i][1] for i in wrong["problem"]]
    return pd.DataFrame({
        "line": lines(wrong["row"]), "column": [column.name for column in columns],
        "value": [shape_of(value) if column.kind in ("person", "text") else value
                  for column, value in zip(columns, wrong["bad"], strict=True)],
        "reason": [checks[i][2] for i in wrong["problem"]]})


def _left_out(engine, mapping):
    counted = dict(engine.execute("SELECT problem, count(*) FROM reading GROUP BY 1").fetchall())
    found = Counter()
    for i, (_, reason) in enumerate(mapping.left_out):
        found[reason] += counted.get(LEFT_OUT + i, 0)
    return dict(+found)


def _add(engine, table):
    """Add what was read to the staged rows of the table; the number of its first row there."""
    staged = f"staged_{table.name}"
    if (staged,) not in engine.execute("SELECT table_name FROM duckdb_tables()").fetchall():
        engine.execute(f"ALTER TABLE reading RENAME TO {staged}")
        return 0
    first = engine.execute(f"SELECT count(*) FROM {staged}").fetchone()[0]
    engine.execute(f"INSERT INTO {staged} SELECT * FROM reading; DROP TABLE reading")
    return first
