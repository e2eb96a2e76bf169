"""Rows of a delimited file that cannot be split into cells, or whose shape tells of damage, and why."""

import os
import re

import numpy as np
import pandas as pd

from .mapping import quoted, text
from .values import shape_of

_UNREADABLE = {
    "MISSING COLUMNS": "the row has fewer cells than the heading line",
    "TOO MANY COLUMNS": "the row has more cells than the heading line",
    "UNQUOTED VALUE": "a quotation mark stands inside a cell",
    "INVALID ENCODING": "the row is not UTF-8 text (if a spreadsheet saved the file, say `encoding: cp1252` in study.yml)",
    "LINE SIZE OVER MAXIMUM": "the row is longer than 16 million bytes",
}
_BESIDE = "the line before or after has one cell only, so a line break may stand inside a cell of this row"
_CUT = ("the last cell of the file may be cut short, for no line break follows it; export the file again, or end its last "
        "line if it is whole")
_SWALLOWED = "a quotation mark is opened in it and closed in a later row, so that a cell holds what seem to be rows"


def scan_of(path, layout, wrong="store_rejects"):
    """SQL that reads a delimited file strictly, all of it text, its unreadable rows kept apart."""
    columns = ", ".join(f"{text(heading)}: 'VARCHAR'" for heading in layout.headings)
    return (f"read_csv({text(path)}, auto_detect = false, header = false, skip = {int(layout.headed)}, "
            f"delim = {text(layout.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}, strict_mode = true, "
            f"null_padding = false, nullstr = '', max_line_size = 16000000, {wrong} = true)")


def misshapen(engine, path, layout, mapping, records, lost):
    """Rows that were read and do not have the cells they should, or may not although they seem to: row, reason."""
    width, reasons = len(layout.headings), {}
    if len(lost) or records.cells != width * (records.rows + layout.headed):     # the reader lets empty cells fall off
        at, extra = records.uneven(width)                                        # the end
        reasons = {int(row): _UNREADABLE["TOO MANY COLUMNS" if more > 0 else "MISSING COLUMNS"]
                   for row, more in zip(at, extra, strict=True)}
        single = at[extra == 1 - width] if width > 1 else at[:0]
        reasons = dict.fromkeys(_beside(engine, path, layout, mapping, single, lost), _BESIDE) | reasons
    if records.breaks > records.rows + layout.headed:                            # blank lines, or cells over several
        before = lost - np.arange(len(lost))
        for row in _swallowing(engine, path, layout):
            reasons[row + int(np.searchsorted(before, row, side="right"))] = _SWALLOWED
    if records.rows and _cut_short(engine, path, layout, mapping):
        reasons.setdefault(records.rows - 1, _CUT)
    found = sorted(row for row in {*reasons} - {*lost.tolist()} if 0 <= row < records.rows)
    said = spanning(records, found, [reasons[row] for row in found])
    found = np.array(found, dtype=np.int64)
    return pd.DataFrame({"row": found - np.searchsorted(lost, found), "reason": said})


def _beside(engine, path, layout, mapping, single, lost):
    """Rows that a row of one cell may have been split from; not one before it whose last cell another row has too."""
    rows = set() if layout.headings[0] in mapping.dropped else {int(row) + 1 for row in single}
    before = [int(row) - 1 for row in single if row]
    if before and layout.headings[-1] not in mapping.dropped:
        these = pd.DataFrame({"row": before, "staged": before - np.searchsorted(lost, before)})  # noqa: F841
        alone = engine.execute(
            f"WITH cells AS (SELECT row_number() OVER () - 1 AS staged, trim({quoted(layout.headings[-1])}) AS cell "
            f"FROM {scan_of(path, layout, 'ignore_errors')}) SELECT row FROM these JOIN cells USING (staged) "
            "WHERE cell IS NULL OR cell IN (SELECT cell FROM cells GROUP BY cell HAVING count(*) = 1)").fetchall()
        rows |= {row for row, in alone}
    return rows


def _swallowing(engine, path, layout):
    """Rows read with a cell over several lines that seems to have taken in the rows that follow.

    It holds as many delimiters as they would, and one of its lines begins like the row.
    """
    written = f" || {text(layout.delimiter)} || ".join(f"coalesce({quoted(heading)}, '')" for heading in layout.headings)
    least = 2 * (len(layout.headings) - 1)
    found = engine.execute(
        f"SELECT row, written FROM (SELECT row_number() OVER () - 1 AS row, {written} AS written "
        f"FROM {scan_of(path, layout, 'ignore_errors')}) WHERE contains(written, {text(layout.ending)}) AND "
        f"length(written) - length(replace(written, {text(layout.delimiter)}, '')) >= {max(least, 1)}").fetchall()
    for row, record in found:
        lines = record.split(layout.ending)
        begins = [re.sub(r"a+", "a", re.sub(r"9+", "9", shape_of(line.partition(layout.delimiter)[0].strip('" '))))
                  for line in lines]
        if record.count(layout.delimiter) >= len(lines) * (len(layout.headings) - 1) and begins[0] in begins[1:]:
            yield row


def _cut_short(engine, path, layout, mapping):
    """Whether the last cell of a file that ends in no line break looks like a part of a value."""
    value, heading = last_cell(path, layout), layout.headings[-1]
    if value is None or heading in mapping.dropped:
        return False
    return engine.execute(
        "SELECT coalesce(bool_or(cell <> $1 AND starts_with(cell, $1)) OR (count(*) FILTER (cell = $1) < 2 AND "
        "min(length(cell)) FILTER (cell <> $1) > length($1)), false) "
        f"FROM (SELECT trim({quoted(heading)}) AS cell FROM {scan_of(path, layout, 'ignore_errors')})",
        [value]).fetchone()[0]


def unread_rows(engine):
    """Rows the reader could not split into cells: the byte after which they begin, and the reason. No content."""
    errors = engine.execute("SELECT line_byte_position - 1 AS after, error_type FROM reject_errors "
                            "ORDER BY 1, byte_position").df().drop_duplicates("after")
    engine.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
    return pd.DataFrame({"after": errors["after"].astype("int64"), "column": None, "value": None,
                         "reason": [_UNREADABLE.get(str(e), "the row cannot be read") for e in errors["error_type"]]})


def odd_line(path):
    """The first line that ends otherwise than the first one, or holds a carriage return; 1 where none does."""
    inside, usual = False, b""
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            inside ^= line.count(b'"') % 2 == 1
            text = line.rstrip(b"\r\n")
            usual = usual or line[len(text):]
            if b"\r" in text or (not inside and line[len(text):] not in (usual, b"")):
                return number
    return 1


def last_cell(path, layout):
    """What the last cell of a file holds that ends in no line break; None where one follows it, or a quotation mark."""
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(-min(file.tell(), 1 << 12), os.SEEK_END)
        end = file.read().decode(errors="replace")
    cell = end.rpartition(layout.delimiter)[2].strip()
    return None if end.endswith(layout.ending) or '"' in cell else cell


def spanning(records, rows, reasons):
    """Reasons to reject rows, with the line up to which a row runs where that is not the line it begins in."""
    if not len(rows):
        return []
    rows = np.asarray(rows, dtype=np.int64)
    following = records.lines(np.minimum(rows + 1, records.rows - 1))
    ends = np.where(rows + 1 < records.rows, following - 1, records.breaks)
    return [f"{reason}; the row runs on to line {end}" if end > line else reason
            for reason, line, end in zip(reasons, records.lines(rows), ends, strict=True)]
