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


def record_starts(path, ending="\n"):
    """Byte offset and line of every record that is not blank, found by counting, not by parsing.

    A line ending inside quotes belongs to its record. This is the control total that what was kept
    and what was rejected must add up to.

    Returns
    -------
    offsets, lines : ndarray of int64, shape (n_records,)
    """
    offsets, lines = [], []
    begin, line, inside = 0, 1, 0        # where the open record began; the parity of its quotes
    record_line, position = 1, 0
    with open(path, "rb") as file:
        while chunk := file.read(1 << 25):
            data = np.frombuffer(chunk, dtype=np.uint8)
            breaks = np.flatnonzero(data == ord(ending))
            quotes = np.flatnonzero(data == ord('"'))
            parity = (np.searchsorted(quotes, breaks) + inside) % 2
            closing = parity == 0
            ends = breaks[closing] + position
            end_lines = line + np.flatnonzero(closing)
            starts = np.concatenate([[begin], ends[:-1] + 1]) if len(ends) else np.empty(0, np.int64)
            start_lines = np.concatenate([[record_line], end_lines[:-1] + 1]) if len(ends) else starts
            lengths = ends - starts
            blank = lengths == 0
            if ending == "\n" and (lengths == 1).any():
                first = np.clip(starts - position, 0, None).astype(np.int64)
                blank |= (lengths == 1) & (data[first] == ord("\r"))
            offsets.append(starts[~blank])
            lines.append(start_lines[~blank])
            if len(ends):
                begin, record_line = ends[-1] + 1, end_lines[-1] + 1
            line += len(breaks)
            inside = (inside + len(quotes)) % 2
            position += len(chunk)
    if begin < position:
        offsets.append([begin])
        lines.append([record_line])
    return (np.concatenate(offsets).astype(np.int64) if offsets else np.empty(0, np.int64),
            np.concatenate(lines).astype(np.int64) if lines else np.empty(0, np.int64))
