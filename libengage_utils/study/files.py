"""A file as it lies on disk: unpacked, its heading line, its records counted."""

import bz2
import csv
import gzip
import lzma
import shutil
import zipfile
from pathlib import Path

import numpy as np

from .settings import StudyError

_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def unpack(path, folder):
    """A plain file to read: `path` itself, or its unpacked copy in `folder`.

    A zip may hold stray entries (folders, ``__MACOSX``, hidden files) beside its one table.
    """
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            entries = [name for name in archive.namelist()
                       if not name.endswith("/") and not name.startswith("__MACOSX")
                       and not Path(name).name.startswith(".")]
            if len(entries) != 1:
                raise StudyError(f"{path.name} holds {len(entries)} files; a source needs exactly one. "
                                 "Unpack it and name the file in study.yml.")
            plain = folder / (path.stem + Path(entries[0]).suffix)
            with archive.open(entries[0]) as packed, open(plain, "wb") as out:
                shutil.copyfileobj(packed, out, 1 << 20)
        return plain
    if path.suffix in _OPENERS:
        plain = folder / path.stem
        try:
            with _OPENERS[path.suffix](path) as packed, open(plain, "wb") as out:
                shutil.copyfileobj(packed, out, 1 << 20)
        except (OSError, EOFError, lzma.LZMAError):
            raise StudyError(f"{path.name} cannot be unpacked: it is damaged or cut short. "
                             "Export or copy it again.") from None
        return plain
    return path


def read_header(path, name):
    """Headings, delimiter and line ending of a delimited file, from its first line."""
    with open(path, "rb") as file:
        start = file.read(1 << 16)
    if not start.strip():
        raise StudyError(f"{name} is empty. Export it again, with its heading line.")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in start:
        raise StudyError(f"{name} is not UTF-8 text (it looks like UTF-16 or a binary file). "
                         "Save it as CSV in UTF-8.")
    ending = "\n" if b"\n" in start else "\r"
    line = start.split(ending.encode())[0]
    try:
        text = line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise StudyError(f"{name}, line 1 is not UTF-8 text. Save the file as CSV in UTF-8.") from None
    delimiter = max(",;\t|", key=text.count)
    headings = next(csv.reader([text], delimiter=delimiter))
    repeated = sorted({h for h in headings if headings.count(h) > 1})
    if repeated:
        raise StudyError(f"{name} has the heading {repeated[0]!r} more than once. Rename one of them.")
    return headings, delimiter, ending


def records(path, delimiter=",", ending="\n"):
    """Byte offset, line and cells of every record that is not blank, found by counting, not by parsing.

    A line ending or delimiter inside quotes belongs to its cell (RFC 4180). This is the control total
    that what was kept and what was rejected must add up to.

    Returns
    -------
    offsets, lines, cells : ndarray of int64, shape (n_records,)

    Raises
    ------
    StudyError
        If a quotation mark is never closed.
    """
    found = []
    begin, begin_line, cells_so_far = 0, 1, 1        # the record that is open
    position, line, inside = 0, 1, 0                 # bytes and lines passed; parity of the quotes passed
    with open(path, "rb") as file:
        while chunk := file.read(1 << 25):
            data = np.frombuffer(chunk, dtype=np.uint8)
            quotes = np.flatnonzero(data == ord('"'))
            breaks, cuts = np.flatnonzero(data == ord(ending)), np.flatnonzero(data == ord(delimiter))
            closing = (np.searchsorted(quotes, breaks) + inside) % 2 == 0
            if len(quotes) or inside:
                cuts = cuts[(np.searchsorted(quotes, cuts) + inside) % 2 == 0]
            ends, end_lines = breaks[closing], line + np.flatnonzero(closing)
            passed = np.searchsorted(cuts, ends)
            if len(ends):
                starts = np.concatenate([[begin], ends[:-1] + position + 1])
                lines = np.concatenate([[begin_line], end_lines[:-1] + 1])
                cells = np.diff(passed, prepend=0) + 1
                cells[0] += cells_so_far - 1
                length = ends + position - starts
                blank = (length == 0) | ((length == 1) & (ending == "\n") & (data[ends - 1] == ord("\r")))
                found.append(np.stack([starts, lines, cells])[:, ~blank])
                begin, begin_line, cells_so_far = ends[-1] + position + 1, end_lines[-1] + 1, 1
            cells_so_far += len(cuts) - (passed[-1] if len(ends) else 0)
            position, line, inside = position + len(chunk), line + len(breaks), (inside + len(quotes)) % 2
    if inside:
        raise StudyError(f"{path.name}, line {begin_line}: a quotation mark is opened here or later and never closed, so "
                         "where rows end cannot be told. Correct that line, or export the file again as CSV.")
    if begin < position:
        found.append([[begin], [begin_line], [cells_so_far]])
    return np.concatenate(found, axis=1).astype(np.int64) if found else np.empty((3, 0), np.int64)
