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


def records(path, delimiter=",", ending="\n", *, each=False):
    """Byte offset and line of every record that is not blank, and cells, found by counting, not by parsing.

    A line ending or delimiter inside quotes belongs to its cell (RFC 4180). This is the control total
    that what was kept and what was rejected must add up to.

    Parameters
    ----------
    each : bool
        Whether to count the cells of each record, which takes four times as long as counting them all.

    Returns
    -------
    offsets, lines : ndarray of int64, shape (n_records,)
    cells : int, or ndarray of int64 of shape (n_records,)

    Raises
    ------
    StudyError
        If a quotation mark is never closed.
    """
    found, cells, rest, position, line = [], [], b"", 0, 1
    with open(path, "rb") as file:
        while True:
            chunk = file.read(1 << 25)
            last = len(chunk) == 0
            if last and rest and not rest.endswith(ending.encode()):
                rest += ending.encode()
            text = rest + chunk
            data = np.frombuffer(text, dtype=np.uint8)
            breaks, quoted = np.flatnonzero(data == ord(ending)), b'"' in text
            quotes = np.flatnonzero(data == ord('"')) if quoted else np.empty(0, dtype=int)
            closing = np.searchsorted(quotes, breaks) % 2 == 0
            ends = breaks[closing]
            if len(ends):
                starts = np.concatenate([[0], ends[:-1] + 1])
                lines = line + np.concatenate([[0], np.flatnonzero(closing)[:-1] + 1])
                length = ends - starts
                full = (length > 1) | ((length == 1) & ~((data[ends - 1] == ord("\r")) & (ending == "\n")))
                found.append(np.stack([starts + position, lines])[:, full])
                cells.append(_cells(data[:ends[-1] + 1], ord(delimiter), quotes, starts, each)
                             + (1 if each else full.sum()))
                cells[-1] = cells[-1][full] if each else cells[-1]
                line += np.searchsorted(breaks, ends[-1]) + 1
                position += ends[-1] + 1
                rest = text[ends[-1] + 1:]
            else:
                rest = text
            if last:
                break
    if rest:
        raise StudyError(f"{path.name}, line {line}: a quotation mark is opened here or later and never closed, so where "
                         "rows end cannot be told. Correct that line, or export the file again as CSV.")
    offsets, lines = np.concatenate(found, axis=1) if found else np.empty((2, 0), np.int64)
    return offsets, lines, np.concatenate(cells) if each and cells else int(sum(cells)) if not each else np.empty(0, int)


def _cells(data, delimiter, quotes, starts, each):
    """Delimiters outside quotes: of each record, or of all."""
    if not each and not len(quotes):
        return np.count_nonzero(data == delimiter)
    cuts = np.flatnonzero(data == delimiter)
    cuts = cuts[np.searchsorted(quotes, cuts) % 2 == 0]
    return np.diff(np.searchsorted(cuts, starts), append=len(cuts)) if each else len(cuts)
