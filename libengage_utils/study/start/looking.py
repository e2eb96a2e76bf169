"""What a file seems to be: its encoding, what its columns hold, and the tables that its headings fit, tried on its rows."""

import codecs
import csv
import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pandas as pd

from ..files import read_layout, to_utf8, unpack
from ..mapping import looks_like_a_value, plain, quoted, text
from ..preparation import engine
from ..soundness import naming, refuse_unsound
from ..sources import Source, StudyError
from .fitting import ASK, Trial, fitting, known, of_one_order, recipes, try_out
from .guessing import guess

_SOME, _PIECE = 10_000, 1 << 20
_ORDERED = "^([0-9]{1,2})[/.-]([0-9]{1,2})[/.-][0-9]{4}( |$)"
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}


@dataclass(frozen=True)
class Look:
    """A file as it seems to be; `problem` is the sentence where it cannot be used at all.

    `holds` has a row a heading: cells `filled`, `iso` days, days `ordered` with months, the most that their `first` and
    `second` number come to, cells with decimal `commas`, those `sure` to be, and with `points`.
    """

    path: Path
    problem: str = ""
    headings: tuple = ()
    separator: str = ""
    rows: int = 0
    encoding: str | None = None
    why_encoding: str = ""
    holds: pd.DataFrame | None = None
    fits: tuple = ()
    rivals: tuple = ()
    remarks: tuple = ()


def look(path, folder, progress=lambda sentence: None):
    """Look at a file: unpack it, tell its encoding, and try every recipe and table that its headings fit.

    Parameters
    ----------
    path : path-like
    folder : path-like
        Where unpacked copies may lie meanwhile.
    progress : callable, optional
        Called with a sentence as each thing is begun.

    Returns
    -------
    Look
    """
    source = Source("", Path(path), {})
    try:
        if source.path.is_dir():
            raise StudyError(f"{source.name} is a folder. Name the files in it.")
        if not source.path.exists():
            raise StudyError(f"{source.name} is not there. Correct its name or its folder.")
        refuse_unsound(source)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".looking-") as work, naming(source):
            return _look(source, Path(work), progress)
    except StudyError as problem:
        return Look(source.path, problem=str(problem))
    except duckdb.Error:                    # of these only want of room is not named by now
        return Look(source.path, problem=f"There is no room to look at {source.name}: make some on the disk that the study "
                                         "is to lie on, or choose a larger one.")


def _look(source, work, progress):
    encoding, why, remarks = None, "", []
    progress(f"looking at {source.name}")
    plain_file = unpack(source.path, work)
    with engine(work / "spill") as connection:
        if plain_file.suffix == ".parquet":
            scan, separator = f"read_parquet({text(plain_file)})", "Parquet"
            headings = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()]
        else:
            encoding, why = _encoding(plain_file, source.name)
            plain_file = to_utf8(plain_file, source.name, "latin-1" if encoding == ASK else encoding, work)
            with open(plain_file, encoding="utf-8-sig", errors="replace", newline="") as file:
                lines = re.split("\r\n|\n|\r", file.read(1 << 16))[:30]
            headless = _headless(source, lines)
            layout = read_layout(plain_file, source.name, headless) if headless else _headed(source, plain_file, lines)
            headings, separator = layout.headings, _SEPARATORS.get(layout.delimiter, layout.delimiter)
            columns = ", ".join(f"{text(heading)}: 'VARCHAR'" for heading in headings)
            scan = (f"read_csv({text(plain_file)}, auto_detect = false, header = false, skip = {int(layout.headed)}, "
                    f"delim = {text(layout.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}, "
                    "ignore_errors = true, max_line_size = 16000000)")
            if headless:
                remarks.append("It has no heading line; its columns are told by their number and by what they hold.")
        holds = _holds(connection, f"(SELECT * FROM {scan} LIMIT {_SOME})", headings)
        telling = list(holds.index[(holds["ordered"] > 0) | (holds["commas"] > 0)])
        if telling:
            holds.loc[telling] = _holds(connection, scan, telling)
        rows = connection.execute(f"SELECT count(*) FROM {scan}").fetchone()[0]
    source = replace(source, encoding=encoding)
    fits, rivals = fitting(source, headings, holds)
    if not fits and (guessed := guess(headings, holds)):
        fits = [guessed]
    tried = []
    for fit in of_one_order(fits):
        progress(f"trying {source.name} as {fit.recipe or fit.table}")
        tried.append((fit, try_out(source, fit, work)))
    for fit, trial in tried:
        if isinstance(trial, str):
            remarks.append(trial)
        elif _no_roster(fit, trial):
            remarks.append("It names the same people again and again, so it is not taken for a roster.")
    fits = tuple(replace(fit, trial=None if isinstance(trial, str) else trial) for fit, trial in tried
                 if not _no_roster(fit, trial))
    return Look(source.path, "", tuple(headings), separator, rows, encoding, why, holds, fits, tuple(rivals), tuple(remarks))


def _no_roster(fit, trial):
    return fit.table == "people" and isinstance(trial, Trial) and trial.repeats > 0.1 * trial.kept


def _encoding(path, name):
    """The encoding to declare, None where it is UTF-8 or marked, and why."""
    with open(path, "rb") as file:
        start = file.read(1 << 16)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return None, "UTF-16 by its mark"
        if b"\x00" in start:
            even, odd = start[::2].count(0), start[1::2].count(0)
            if max(even, odd) > 0.35 * len(start) and min(even, odd) < 0.05 * len(start):
                return ("utf-16-le" if odd > even else "utf-16-be"), "UTF-16 without its mark, by where its empty bytes are"
            raise StudyError(f"{name} is not text: if it is a spreadsheet or a database, save its table as CSV in UTF-8.")
        decoder, foreign, native, odd, piece = codecs.getincrementaldecoder("utf-8")("surrogateescape"), 0, 0, False, start
        while piece:
            if not piece.isascii() or decoder.getstate()[0]:
                decoded = decoder.decode(piece)
                escaped = len(re.findall("[\udc80-\udcff]", decoded))
                foreign, native = foreign + escaped, native + len(re.findall(r"[^\x00-\x7f]", decoded)) - escaped
                odd |= bool(re.search("[\udc81\udc8d\udc8f\udc90\udc9d]", decoded))
            piece = file.read(_PIECE)
    if not foreign:
        return None, "UTF-8"
    if foreign <= native:
        return None, f"UTF-8, damaged in {foreign:,} places: these rows will be rejected"
    if odd:
        return ASK, "neither UTF-8 nor Windows-1252"
    return "cp1252", f"not UTF-8, as {foreign:,} bytes show; Windows-1252 (cp1252) is likeliest"


def _cells(line, delimiter):
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _headless(source, lines):
    """The recipe for files without a heading line whose columns the lines have, else nothing."""
    for recipe in recipes().values():
        if "headings" in recipe:
            rows = [_cells(line, recipe.get("delimiter", ",")) for line in lines]
            if sum(len(row) == len(recipe["headings"]) for row in rows) > 0.8 * sum(map(bool, rows)) and any(
                    map(looks_like_a_value, rows[0])):
                return recipe
    return {}


def _headed(source, path, lines):
    """The layout of a file with a heading line that means something here.

    Otherwise it is refused without its first line being shown, which may be of values.
    """
    words = known()
    meant = [sum(plain(cell) in words for cell in _cells(line, max(",;\t|", key=line.count))) for line in lines]
    if not lines[0].strip() or max(meant) > max(2, 2 * meant[0]):
        at = max(range(len(meant)), key=meant.__getitem__) + 1
        raise StudyError(f"{source.name} does not begin with its headings, which seem to stand in line {at}. Delete what is "
                         "above them, or export it without a title.")
    layout = read_layout(path, source.name, {})
    if meant[0] < min(2, len(layout.headings)) and (any(map(looks_like_a_value, layout.headings))
                                                    or not _stands_apart(lines, layout.delimiter)):
        raise StudyError(f"{source.name} fits nothing: hardly one of the {len(layout.headings)} cells of its first line is "
                         "a heading that is known here, and they may be values, so they are not shown. If it has no heading "
                         "line, add one; else say its columns in study.yml yourself (data/README.md).")
    return layout


def _stands_apart(lines, delimiter):
    """Whether cells below look like numbers, days or addresses under a first line that holds none."""
    first, *rows = (_cells(line, delimiter) for line in lines)
    below = ([row[at] for row in rows if len(row) == len(first) and row[at]] for at in range(len(first)))
    return any(sum(map(looks_like_a_value, cells)) > len(cells) / 2 for cells in below)


def _holds(connection, scan, headings):
    """What the cells of each heading look like, counted."""
    def told(heading):
        cell = f"trim(CAST({quoted(heading)} AS VARCHAR))"
        number = [f"max(try_cast(regexp_extract({cell}, '{_ORDERED}', {place}) AS INTEGER))" for place in (1, 2)]
        like = [f"count(*) FILTER (regexp_matches({cell}, '{pattern}'))" for pattern in (
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}", _ORDERED, "^[+-]?[0-9]*,[0-9]+$",
            "^[+-]?([0-9]*,([0-9]{1,2}|[0-9]{4,})|0?,[0-9]+|[0-9]{4,},[0-9]+)$", r"^[+-]?[0-9]*\.[0-9]+$")]
        return f"[count(nullif({cell}, '')), {', '.join(like[:2])}, {', '.join(number)}, {', '.join(like[2:])}]"

    found = connection.execute(f"SELECT {', '.join(map(told, headings))} FROM {scan}").fetchone()
    return pd.DataFrame(found, index=headings, dtype="float",
                        columns=["filled", "iso", "ordered", "first", "second", "commas", "sure", "points"]).fillna(0)
