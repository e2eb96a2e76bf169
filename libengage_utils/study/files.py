"""A file as it lies on disk: unpacked, brought to UTF-8, its heading line read."""

import bz2
import codecs
import csv
import gzip
import lzma
import re
import shutil
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from .mapping import plain
from .sources import StudyError

_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF16_LE: "utf-16",
          codecs.BOM_UTF16_BE: "utf-16"}
_PIECE = 1 << 20
_FIRST = re.compile(rb'((?:[^"\r\n]|"[^"]*")*)(\r\n|\n|\r|$)')      # a line ending inside quotes ends no line


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
                shutil.copyfileobj(packed, out, _PIECE)
        return plain
    if path.suffix in _OPENERS:
        plain = folder / path.stem
        try:
            with _OPENERS[path.suffix](path) as packed, open(plain, "wb") as out:
                shutil.copyfileobj(packed, out, _PIECE)
        except (OSError, EOFError, lzma.LZMAError, zlib.error):
            raise StudyError(f"{path.name} cannot be unpacked: it is damaged or cut short. "
                             "Export or copy it again.") from None
        return plain
    return path


def to_utf8(path, name, encoding, folder):
    """The file in UTF-8: itself, or a copy in `folder` where it is declared or marked to be in another encoding.

    Raises
    ------
    StudyError
        If it is UTF-16 without a mark, or not in the encoding that was declared.
    """
    with open(path, "rb") as file:
        start = file.read(1 << 16)
    marked = next((found for mark, found in _MARKS.items() if start.startswith(mark)), None)
    encoding = marked or encoding
    if encoding is None:
        if b"\x00" in start[:4] or start.count(b"\x00") > len(start) / 4:
            raise StudyError(f"{name} looks like UTF-16 without its mark, or like a binary file. If it is a table, say "
                             "`encoding: utf-16-le` (or utf-16-be) of it in study.yml, or save it as CSV in UTF-8.")
        return path
    if codecs.lookup(encoding).name == "utf-8":
        return path
    plain, decoder, line = folder / f"{path.stem}-utf-8.csv", codecs.getincrementaldecoder(encoding)(), 1
    with open(path, "rb") as file, open(plain, "wb") as out:
        while True:
            piece = file.read(_PIECE)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeError as error:
                before = piece[:getattr(error, "start", 0)].decode(encoding, errors="ignore")
                raise StudyError(f"{name}, line {line + before.count(chr(10))} is not {encoding} text. Correct the encoding "
                                 "in study.yml, or save the file as CSV in UTF-8.") from None
            line += text.count("\n")
            out.write(text.encode("utf-8", errors="surrogatepass"))
            if not piece:
                return plain


@dataclass(frozen=True)
class Layout:
    """How a delimited file is written, and whether its first line holds headings."""

    headings: list
    delimiter: str
    ending: str
    headed: bool = True


def read_layout(path, name, recipe):
    """The layout of a delimited file, from its first line, or from a recipe for files without a heading line."""
    with open(path, "rb") as file:
        start = file.read(1 << 16)
    if not start.strip():
        raise StudyError(f"{name} is empty. Export it again, with its heading line.")
    line = _FIRST.match(start)
    ending = "\r" if line[2] == b"\r" else "\n"
    if "headings" in recipe:
        delimiter = recipe.get("delimiter", ",")
        return Layout(recipe["headings"], delimiter, ending, headed=False)
    try:
        text = line[1].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise StudyError(f"{name}, line 1 is not UTF-8 text. Save the file as CSV in UTF-8, or say its encoding in "
                         "study.yml, such as `encoding: cp1252` for what a spreadsheet saved.") from None
    delimiter = recipe.get("delimiter") or max(",;\t|", key=text.count)
    headings = next(csv.reader([text], delimiter=delimiter))
    alike = [plain(heading) or heading for heading in headings]
    if "" in alike:
        raise StudyError(f"{name}, line 1: column {alike.index('') + 1} has no heading. Give it one, or remove the column.")
    if len(set(alike)) < len(alike):
        second = next(i for i, like in enumerate(alike) if like in alike[:i])
        raise StudyError(f"{name}, line 1: columns {alike.index(alike[second]) + 1} and {second + 1} have the same heading. "
                         "Rename one of them.")
    return Layout(headings, delimiter, ending)
