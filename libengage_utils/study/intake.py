"""From a file to typed, checked rows in the engine, and to the rejected rows with their reasons."""

import difflib
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from ..schema import TABLES
from .files import read_header, records, unpack
from .settings import StudyError

_ORDERS = {"day first": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"),
           "month first": ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y")}
_CLOCKS = ("", " %H:%M", " %H:%M:%S")
_DAMAGED_ID = r"^[0-9]([.,][0-9]+)?E\+?[0-9]+$|^[0-9]+\.0$"
REJECTED = ["table", "file", "line", "column", "value", "reason"]




def _plain(heading):
    return re.sub(r"[\W_]+", "", heading).casefold()


def map_columns(table, recipe, headings, name):
    """For each column of the table, the headings it is read from and how.

    Returns
    -------
    dict of str to (list of str, str)
        Schema column -> (headings, transformation); the transformation is "" for a plain column.

    Raises
    ------
    StudyError
        If a required column has no heading; the message names the nearest ones.
    """
    found = {_plain(heading): heading for heading in headings}
    rules = recipe.get(table.name, {})
    mapping = {}
    for column in table.columns:
        rule = rules.get(column.name, [column.heading, column.name] if not rules else [])
        how = rule.get("as", "") if isinstance(rule, dict) else ""
        wanted = rule.get("columns", []) if isinstance(rule, dict) else rule
        there = [found[_plain(w)] for w in wanted if _plain(w) in found]
        if how == "row number" or (how and len(there) == len(wanted)):
            mapping[column.name] = (there, how)
        elif there and not how:
            mapping[column.name] = (there[:1], "")
        elif column.required:
            near = difflib.get_close_matches(_plain(wanted[0]), list(found), n=3, cutoff=0.4)
            known = ", ".join(repr(found[n]) for n in near) or ", ".join(map(repr, headings[:8]))
            raise StudyError(f"{name} has no column {wanted[0]!r}, which the table {table.name} needs. "
                             f"Nearest headings found: {known}. Rename the heading, or name a recipe in study.yml.")
    return mapping


def _text(value):
    return "'" + str(value).replace("'", "''") + "'"


def _name(column):
    return '"' + column.replace('"', '""') + '"'


def _moment(raw, dates, zone):
    """SQL for a local timestamp: ISO, or in the declared order; with an offset, in the study's zone."""
    if dates:
        formats = ", ".join(_text(day + clock) for day in _ORDERS[dates] for clock in _CLOCKS)
        return f"try_strptime({raw}, [{formats}])"
    offset = (f"(length({raw}) <> 19 OR substr({raw}, 17, 1) <> ':') AND contains({raw}, ':') AND "
              f"regexp_matches({raw}, '([0-9]Z|[+-][0-9]{{2}}:?[0-9]{{2}}|[0-9][+-][0-9]{{2}})$')")
    there = f"timezone({_text(zone)}, try_cast({raw} AS TIMESTAMPTZ))" if zone else "NULL"
    return f"CASE WHEN {offset} THEN {there} ELSE try_cast({raw} AS TIMESTAMP) END"


def _typed(column, raw, dates, zone):
    """SQL for the value of a column, missing where it cannot be read, and the reason it then gets."""
    order = "" if dates else " (in another order, say `dates: day first` or `dates: month first` in study.yml)"
    match column.kind:
        case "person":
            return f"nfc_normalize({raw})", ""
        case "date":
            return f"CAST({_moment(raw, dates, '')} AS DATE)", f"is not a day written YYYY-MM-DD{order}"
        case "time":
            unplaced = "" if zone else "; a time with an offset needs time_zone in study.yml"
            return _moment(raw, dates, zone), f"is not a time written YYYY-MM-DD HH:MM{order}{unplaced}"
        case "integer":
            whole = f"regexp_matches({raw}, '^[+-]?[0-9]+$')"
            return f"CASE WHEN {whole} THEN try_cast({raw} AS BIGINT) END", "is not a whole number"
        case "number":
            return f"try_cast({raw} AS DOUBLE)", "is not a number"
        case "boolean":
            return f"try_cast({raw} AS BOOLEAN)", "is not true or false"
        case "category" if column.allowed:
            words = ", ".join(map(_text, column.allowed))
            return (f"CASE WHEN lower({raw}) IN ({words}) THEN lower({raw}) END",
                    f"is not one of: {', '.join(column.allowed)}")
    return raw, ""


def _value_checks(table, mapping, recipe, dates, zone):
    """SQL for raw and typed columns, and what is wrong with a row: (condition, column, reason)."""
    words = [_text(word) for word in recipe.get("missing", [])]
    read = "nullif(trim({0}), '')"
    if words:
        read = f"CASE WHEN trim({{0}}) NOT IN ({', '.join(words)}) THEN {read} END"
    raw, typed, checks = {}, {}, []
    for column in table.columns:
        default = "NULL" if column.default is None else _text(column.default)
        headings, how = mapping.get(column.name, ([], None))
        cells = [read.format(_name(h)) for h in headings]
        at = f'"raw {column.name}"'
        if how == "row number":
            raw[column.name], value, reason = "CAST(row_number() OVER () AS VARCHAR)", at, ""
        elif how == "year":
            raw[column.name] = cells[0]
            value, reason = f"CAST(try_strptime({at}, '%Y') AS DATE)", "is not a year"
        elif how == "month and year":
            raw[column.name] = f"{cells[0]} || ' ' || {cells[1]}"
            value, reason = f"last_day(try_strptime({at}, '%B %Y'))", "is not a month and a year"
        elif headings:
            raw[column.name] = cells[0]
            value, reason = _typed(column, at, dates, zone)
        else:
            raw[column.name], reason = "NULL", ""
            value = _typed(column, "CAST(NULL AS VARCHAR)", None, "")[0]
        kind = _typed(column, default, None, "")[0]
        typed[column.name] = value if default == "NULL" else f"CASE WHEN {at} IS NULL THEN {kind} ELSE {value} END"
        if column.required:
            checks.append((f"{at} IS NULL", column, "is missing"))
        if column.kind == "person" and how != "row number":
            checks.append((f"({at} LIKE '%E%' OR {at} LIKE '%.0') AND regexp_matches({at}, '{_DAMAGED_ID}')", column,
                           "is an identifier that a spreadsheet rewrote as a number; export it as text"))
        if reason:
            checks.append((f'{at} IS NOT NULL AND "{column.name}" IS NULL', column, reason))
        if column.minimum is not None:
            checks.append((f'"{column.name}" < {column.minimum}', column, f"is below {column.minimum:g}"))
    return raw, typed, checks


def _shape(value):
    """What an identifier looks like, without saying what it is: 12AB -> 99aa."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", value)) if isinstance(value, str) else value


def stage(engine, source, zone, folder):
    """Read one file into the engine's table ``staged_<table>``, whose rows know what is wrong with them.

    Columns of the staged table are the schema's, typed, then ``problem`` (missing where the row is
    accepted) and ``bad`` (the raw value that was not).

    Returns
    -------
    read : int
        Records in the file, by counting.
    rejected : DataFrame with the columns `REJECTED`
        Rows that could not be read or hold a value that does not fit.
    lines : ndarray of int64, or None for Parquet
        For each staged row, its line in the file.

    Raises
    ------
    StudyError
        If the file is empty, in another encoding, lacks a required column, has a quotation mark that is never
        closed, or if rows kept and rejected do not add up to the records counted.
    """
    table, name = TABLES[source.table], source.name
    path = unpack(source.path, folder)
    parquet = path.suffix == ".parquet"
    if parquet:
        scan = f"read_parquet({_text(path)})"
        described = engine.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
        headings = [row[0] for row in described]
        scan = "(SELECT " + ", ".join(f"CAST({_name(h)} AS VARCHAR) AS {_name(h)}" for h in headings) + f" FROM {scan})"
    else:
        headings, delimiter, ending = read_header(path, name)
        columns = ", ".join(f"{_text(h)}: 'VARCHAR'" for h in headings)
        scan = (f"read_csv({_text(path)}, auto_detect = false, header = false, skip = 1, delim = {_text(delimiter)}, "
                f"quote = '\"', escape = '\"', columns = {{{columns}}}, strict_mode = true, null_padding = false, "
                f"nullstr = '', max_line_size = 16000000, store_rejects = true)")
    mapping = map_columns(table, source.recipe, headings, name)

    raw, typed, checks = _value_checks(table, mapping, source.recipe, source.dates, zone)
    reasons = " ".join(f"WHEN {condition} THEN {i}" for i, (condition, _, _) in enumerate(checks))
    values = " ".join(f'WHEN {condition} THEN "raw {column.name}"' for condition, column, _ in checks)
    counting = ThreadPoolExecutor(1).submit(records, path, delimiter, ending) if not parquet else None
    names = ", ".join(map(_name, table.names))
    engine.execute(f"""
        CREATE OR REPLACE TABLE staged_{table.name} AS
        SELECT {names}, problem, CASE WHEN problem IS NOT NULL THEN CASE {values} END END AS bad
        FROM (SELECT *, CAST(CASE {reasons} END AS UTINYINT) AS problem
              FROM (SELECT *, {", ".join(f"{sql} AS {_name(c)}" for c, sql in typed.items())}
                    FROM (SELECT {", ".join(f"{sql} AS {_name(f'raw {c}')}" for c, sql in raw.items())} FROM {scan})))""")

    wrong = engine.execute(f"SELECT rowid AS record, problem, bad FROM staged_{table.name} "
                           "WHERE problem IS NOT NULL ORDER BY rowid").df()
    columns = [checks[i][1] for i in wrong["problem"]]
    rejected = pd.DataFrame({
        "line": wrong["record"],
        "column": [column.name for column in columns],
        "value": [_shape(v) if c.kind == "person" else v for c, v in zip(columns, wrong["bad"], strict=True)],
        "reason": [checks[i][2] for i in wrong["problem"]],
    })
    staged = engine.execute(f"SELECT count(*) FROM staged_{table.name}").fetchone()[0]
    kept_lines, read = None, staged
    if parquet:
        rejected["line"] += 1
    else:
        offsets, lines, cells = counting.result()
        read = len(offsets) - 1
        unread = _unread(engine)
        unread_at = np.searchsorted(offsets, unread.pop("after"))
        if staged != read - len(unread_at) or (unread_at > read).any():
            raise StudyError(
                f"{name} holds {read:,} rows by counting and {staged + len(unread):,} by reading: a quotation mark stands "
                "inside a cell, or the delimiter changes, somewhere in it. Export it again as CSV.")
        unread["line"] = lines[unread_at]
        split = np.ones(len(offsets), dtype=bool)
        split[[0, *unread_at]] = False
        kept_lines, uneven = lines[split], np.zeros(staged, dtype=int)
        if cells != len(headings) * (read + 1):       # the reader lets empty cells fall off the end
            uneven = records(path, delimiter, ending, each=True)[2][split] - len(headings)
        shifted = pd.DataFrame({"record": np.flatnonzero(uneven)})
        engine.execute(f"UPDATE staged_{table.name} SET problem = 255 WHERE rowid IN (SELECT record FROM shifted)")
        rejected = rejected[~rejected["line"].isin(shifted["record"])]
        rejected = rejected.assign(line=kept_lines[rejected["line"]])
        shifted = pd.DataFrame({"line": kept_lines[shifted["record"]], "column": None, "value": None,
                                "reason": [_UNREADABLE["TOO MANY COLUMNS" if extra > 0 else "MISSING COLUMNS"]
                                           for extra in uneven[shifted["record"]]]})
        rejected = pd.concat([part for part in (rejected, unread, shifted) if len(part)] or [rejected])
        rejected = rejected.sort_values("line", kind="stable")
    if read < 1:
        raise StudyError(f"{name} has a heading line and no rows. Export it again, or leave {table.name} "
                         "out of study.yml.")
    rejected.insert(0, "table", table.name)
    rejected.insert(1, "file", name)
    return read, rejected[REJECTED].astype({"line": "Int64"}), kept_lines


_UNREADABLE = {
    "MISSING COLUMNS": "the row has fewer cells than the heading line",
    "TOO MANY COLUMNS": "the row has more cells than the heading line",
    "UNQUOTED VALUE": "a quotation mark stands inside a cell",
    "INVALID ENCODING": "the row is not UTF-8 text",
    "LINE SIZE OVER MAXIMUM": "the row is longer than 16 million bytes",
}


def _unread(engine):
    """Rows the reader could not split into cells: the byte after which they begin, and the reason. No content."""
    errors = engine.execute("SELECT line_byte_position - 1 AS after, error_type FROM reject_errors "
                            "ORDER BY 1, byte_position").df().drop_duplicates("after")
    engine.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
    return pd.DataFrame({"after": errors["after"].astype("int64"), "column": None, "value": None,
                         "reason": [_UNREADABLE.get(str(e), "the row cannot be read") for e in errors["error_type"]]})
