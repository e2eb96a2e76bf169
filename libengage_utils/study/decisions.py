"""The log of what sessions decided: a CSV that people keep by hand, read and checked."""

import csv
import datetime as dt
import re
from pathlib import Path

import pandas as pd

from ..privacy import scrub
from .files import read_layout
from .sources import StudyError

COLUMNS = ("decided_on", "notebook", "action", "owner", "due", "measure", "outcome")
MAY_BE_EMPTY = ("notebook", "measure", "outcome")
# A day within text, which is no number to scrub; not one that an address may continue.
_DAY = re.compile(r"(?<![^\s(])((?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?![^\s).,;:])")


def read_decisions(path):
    """Read a decision log.

    Parameters
    ----------
    path : path-like
        A CSV in UTF-8 with the columns decided_on, notebook, action, owner, due, measure and outcome, in capitals or not.
        Days are YYYY-MM-DD. An owner is a role, such as "head of services". The outcome is empty as long as there is none.

    Returns
    -------
    DataFrame
        These columns: days as datetimes, the rest text, free of addresses and long numbers.

    Raises
    ------
    StudyError
        In one sentence: which file, row and column, and the remedy.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "decisions.csv")
    ...     _ = path.write_text("decided_on,notebook,action,owner,due,measure,outcome\\n"
    ...                         "2026-01-20,01,Ask twenty people never seen.,head of services,2026-03-01,answers,\\n")
    ...     read_decisions(path)[["action", "owner"]].values.tolist()
    [['Ask twenty people never seen.', 'head of services']]
    """
    path = Path(path)
    if not path.is_file():
        raise StudyError(f"There is no decision log {path.name}. Begin one with this heading line: {','.join(COLUMNS)}")
    layout = read_layout(path, path.name, {})
    headings = [heading.strip().lower() for heading in layout.headings]
    if absent := [name for name in COLUMNS if name not in headings]:
        raise StudyError(f"{path.name} has no column {' and no column '.join(absent)}. Add it; the columns are: "
                         f"{', '.join(COLUMNS)}.")
    with open(path, encoding="utf-8-sig", newline="") as file:
        try:
            rows = [row for row in csv.reader(file, delimiter=layout.delimiter) if any(cell.strip() for cell in row)][1:]
        except UnicodeDecodeError:
            raise StudyError(f"{path.name} is not UTF-8 text. Save the file as CSV in UTF-8.") from None
        except csv.Error:
            raise StudyError(f"{path.name} has a cell of more than {csv.field_size_limit():,} characters. Shorten it, and "
                             "see that every quotation mark is closed.") from None
    checked = [_row(row, headings, f"{path.name}, row {number}") for number, row in enumerate(rows, 1)]
    return pd.DataFrame(checked, columns=COLUMNS).astype({"decided_on": "datetime64[us]", "due": "datetime64[us]"})


def _row(cells, headings, where):
    """One decision; `where` begins the sentence about what is wrong with it."""
    if len(cells) != len(headings):
        raise StudyError(f"{where} has {len(cells)} cells and the heading line {len(headings)}. Put text that holds a comma "
                         "into quotation marks.")
    row = {name: cell.strip() for name, cell in zip(headings, cells, strict=True) if name in COLUMNS}
    if empty := [name for name in COLUMNS if not row[name] and name not in MAY_BE_EMPTY]:
        raise StudyError(f"{where}: {' and '.join(empty)} {'is' if len(empty) == 1 else 'are'} empty. Fill in what is "
                         "missing, or take the row out.")
    if scrub(row["owner"]) != row["owner"]:
        raise StudyError(f"{where}: owner holds an address or a number. Name a role, such as \u201chead of services\u201d.")
    row = {name: _scrub(cell) if name not in ("decided_on", "due") else _day(cell, f"{where}: {name}")
           for name, cell in row.items()}
    if row["due"] < row["decided_on"]:
        raise StudyError(f"{where}: due is before decided_on. Correct one of them.")
    return row


def _scrub(cell):
    """Text free of addresses and long numbers, with its days as they are."""
    return "".join(part if at % 2 else scrub(part) for at, part in enumerate(_DAY.split(cell)))


def _day(cell, where):
    try:
        return dt.datetime.strptime(cell, "%Y-%m-%d")
    except ValueError:
        raise StudyError(f"{where} is no day. Write it as YYYY-MM-DD.") from None
