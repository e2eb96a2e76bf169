"""The prepared copy of a study: found, or made under a temporary name and renamed when whole."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from .preparation import prepare
from .settings import StudyError


def prepared_copy(settings, progress):
    """The folder of the prepared copy of a study: the one there is if no input changed, else a new one.

    It holds a Parquet file a table, ``rejected.parquet`` and ``prepared.json`` (counts and notices).
    It is written under a temporary name and renamed, so a folder under its final name is whole.
    """
    shelf = settings.path.parent / ".prepared"
    final = shelf / _signature(settings)
    if not (final / "prepared.json").is_file():
        try:
            shelf.mkdir(mode=0o700, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix="unfinished-", dir=shelf))
        except OSError as error:
            raise StudyError(f"The folder {shelf.name} beside {settings.path.name} cannot be written "
                             f"({error.strerror}). Copy the study to a folder of your own.") from None
        try:
            prepare(settings, work, progress)
            for old in shelf.iterdir():
                if old != work and not old.name.startswith("unfinished-"):
                    shutil.rmtree(old, ignore_errors=True)
            try:
                os.replace(work, final)
            except OSError:                      # another run finished the same copy first
                if not (final / "prepared.json").is_file():
                    raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return final


def _signature(settings):
    """Changes whenever the study, a source or the code that reads it does."""
    digest = hashlib.blake2b(settings.path.read_bytes(), digest_size=12)
    for module in (*sorted(Path(__file__).parent.glob("*.py")), *(Path(__file__).parent.parent / f"{name}.py"
                                                                  for name in ("schema", "privacy/door"))):
        digest.update(module.read_bytes())
    for source in settings.sources:
        if not source.path.is_file():
            raise StudyError(f"{source.name}, the source of the table {source.table}, is not in the folder given. "
                             "Correct its name in study.yml, or say where it is with FILES=folder.")
        about = source.path.stat()
        digest.update(repr((source.table, str(source.path.resolve()), about.st_size, about.st_mtime_ns,
                            source.recipe)).encode())
    return digest.hexdigest()
