"""Whether a source is there and what its name says it is; a sentence for each way in which it is not."""

import errno
import zipfile
import zlib
from contextlib import contextmanager

import duckdb

from .keeping import disk_is_full
from .sources import StudyError

_BEGINNINGS = {".parquet": b"PAR1", ".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ\x00", ".zip": b"PK\x03\x04"}
_CALLED = {".parquet": "a Parquet file", ".gz": "a gzip file", ".bz2": "a bzip2 file", ".xz": "an xz file",
           ".zip": "a zip file"}
NO_ROOM = ("There is no room to prepare the study: it needs more than the memory allowed and the disk beside {file} have. "
           "Make room there, or copy the study to a larger disk.")
_DAMAGED = "it is damaged or cut short. Export or copy it again."


def refuse_unsound(source):
    """Refuse a source that cannot be read or is not what its name says, as far as its first and last bytes tell.

    Parameters
    ----------
    source : Source
        One with a path.

    Raises
    ------
    StudyError
        With the file and the remedy.
    """
    path, name = source.path, source.name
    if path.is_dir():
        raise StudyError(f"{name}, the source of the table {source.table}, is a folder. Name the file in it in study.yml.")
    if path.is_symlink() and not path.exists():
        raise StudyError(f"{name}, the source of the table {source.table}, is a link to a file that is not there. Put the "
                         "file itself in its place, or say where it is with FILES=folder.")
    if not path.is_file():
        raise StudyError(f"{name}, the source of the table {source.table}, is not in the folder given. "
                         "Correct its name in study.yml, or say where it is with FILES=folder.")
    try:
        with open(path, "rb") as file:
            begins = file.read(6)
            file.seek(-min(path.stat().st_size, 4), 2)
            ends = file.read()
    except OSError as error:
        raise _unreadable(name, error) from None
    if not begins:
        raise StudyError(f"{name} is empty. Export it again, with its heading line.")
    kind = next((kind for kind, start in _BEGINNINGS.items() if begins.startswith(start)), "")
    if kind != path.suffix and path.suffix in _BEGINNINGS:
        seems = _CALLED.get(kind, "text, or of another kind")
        raise StudyError(f"{name} is not {_CALLED[path.suffix]}, but {seems}. Correct its name, here and in study.yml, or "
                         "export it again.")
    if kind == ".zip" != path.suffix:
        raise StudyError(f"{name} is a spreadsheet or a zip file, which its name does not say. Save its table as CSV in "
                         "UTF-8, or, if it is a zip, give it a name that ends in .zip, here and in study.yml.")
    if kind and kind != path.suffix:
        raise StudyError(f"{name} is {_CALLED[kind]}, which its name does not say. Give it a name that ends in {kind}, here "
                         "and in study.yml.")
    if kind == ".parquet" and ends != _BEGINNINGS[kind]:
        raise StudyError(f"{name} cannot be read as a Parquet file: it is cut short. Export or copy it again.")
    if kind == ".zip":
        _refuse_locked(path, name)


def _refuse_locked(path, name):
    try:
        with zipfile.ZipFile(path) as archive:
            locked = any(entry.flag_bits & 1 for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError):
        raise StudyError(f"{name} cannot be unpacked: {_DAMAGED}") from None
    if locked:
        raise StudyError(f"{name} is locked with a password. Unpack it where the study is kept, and name the file in it in "
                         "study.yml.")


@contextmanager
def naming(source):
    """Say in one sentence what stands in the way of reading a source."""
    try:
        yield
    except StudyError as error:
        if isinstance(error.__context__, OSError) and disk_is_full(error.__context__):      # while it was unpacked
            raise error.__context__ from None
        raise
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, zipfile.BadZipFile, zlib.error, EOFError) as error:
        if disk_is_full(error):
            raise
        raise StudyError(f"{source.name} cannot be read: {_DAMAGED}") from None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EIO, errno.ENOENT, errno.ESTALE):
            raise _unreadable(source.name, error) from None
        raise


def _unreadable(name, error):
    return StudyError(f"{name} cannot be read ({error.strerror}). See that you may read it and that its disk is there, or "
                      "copy it to a folder of your own.")
