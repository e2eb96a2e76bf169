"""The prepared copy of a study: found, or made under a temporary name and renamed when whole."""

import hashlib
import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from .keeping import alone, disk_is_full, flush, read_locked, remove, unread, untouched
from .preparation import digest_of, prepare, pseudonymiser
from .soundness import NO_ROOM, refuse_unsound
from .sources import StudyError

_UNFINISHED = "unfinished-"


def prepared_copy(settings, progress, *, anew=False):
    """The folder of the prepared copy of a study: the one there is if no input changed, else a new one.

    It holds a Parquet file a table, ``rejected.parquet`` and ``prepared.json`` (counts, notices, and the files with their
    sizes). It is written under a temporary name and renamed, so a folder under its final name is whole; one damaged since
    is made anew. One process prepares at a time; another waits and takes its copy. What a process that died left behind
    goes with the next one, and so do copies of other inputs once nobody reads them.

    A database has no date by which a copy could be out of date: the latest copy is taken, until one is made `anew`.

    Returns
    -------
    folder : Path
    held : file
        As long as it is open, no other process removes the copy.
    """
    shelf = settings.path.parent / ".prepared"
    anew = anew and any(source.database for source in settings.sources)
    lock, final = shelf / "lock", _latest(shelf, _signature(settings))
    held = None if anew else _whole(final)
    if held and ([*shelf.iterdir()] != [final] or (final / "spill").exists()):
        held.close()
        with suppress(OSError), alone(lock) as sure:
            _tidy(shelf, final, sure)
        held = _whole(final)
    if held:
        return final, held
    try:
        shelf.mkdir(mode=0o700, exist_ok=True)
        with alone(lock, busy=lambda: progress("another run is preparing this study; waiting for it")) as sure:
            name = _signature(settings)                 # as it is after waiting
            if anew:
                final = shelf / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
                _make(settings, final, progress)        # the one before stays until this one is whole
                _tidy(shelf, final, sure)
            else:
                final = _latest(shelf, name)
            held = _whole(final)
            if not held:
                _tidy(shelf, None, sure)
                _make(settings, final, progress)
                held = _whole(final)
    except (OSError, duckdb.Error) as error:
        if disk_is_full(error) or isinstance(error, duckdb.OutOfMemoryException):
            raise StudyError(NO_ROOM.format(file=settings.path.name)) from None
        if isinstance(error, duckdb.Error):
            raise
        raise StudyError(f"The folder {shelf.name} beside {settings.path.name} cannot be written "
                         f"({error.strerror}). Copy the study to a folder of your own.") from None
    if not held:
        raise StudyError(f"The prepared copy of {settings.path.name} was damaged as soon as it was made. Run again.")
    return final, held


def _latest(shelf, name):
    """The copy of that name, the last where it was made anew; where it would be, if there is none."""
    return max(shelf.glob(f"{name}*"), default=shelf / name)


def digest_of_inputs(settings):
    """Changes whenever study.yml or a source does.

    A file that was put in another's place with the other's size and times is told by the time at which that was done,
    which the system keeps (`st_ctime`) and nobody can set.
    """
    digest = hashlib.blake2b(settings.path.read_bytes(), digest_size=8)
    for source in settings.sources:
        digest.update(repr((source.table, source.recipe)).encode())
        if source.path:
            refuse_unsound(source)
            about = source.path.stat()
            digest.update(repr((str(source.path.resolve()), about.st_size, about.st_mtime_ns, about.st_ctime_ns)).encode())
    return digest.hexdigest()


def _signature(settings):
    """Changes whenever the study, a source, the key or the code that reads it does."""
    digest = hashlib.blake2b(pseudonymiser(settings)("signature").encode(), digest_size=8)
    for module in (*sorted(Path(__file__).parent.rglob("*.py")), *(Path(__file__).parent.parent / f"{name}.py"
                                                                  for name in ("schema", "privacy/door"))):
        digest.update(module.read_bytes())
    return digest_of_inputs(settings) + digest.hexdigest()


def _make(settings, final, progress):
    """Prepare a study into a folder that has its name only once it is whole and on the disk."""
    work = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=final.parent))
    try:
        before = _states(settings)
        prepare(settings, work, {path: state[-1] for path, state in before.items()}, progress)
        for path, state in _states(settings).items():
            if state != before[path]:
                raise StudyError(f"{path.name} changed while it was read. Wait until it is written, and run again.")
        about = json.loads((work / "prepared.json").read_text())
        about["files"] = {path.name: path.stat().st_size for path in work.glob("*.parquet")}
        (work / "prepared.json").write_text(json.dumps(about))
        for path in (*work.iterdir(), work):
            flush(path)
        if final.exists():
            remove(final)                           # damaged, or by a process that no lock held off
        work.rename(final)
        flush(final.parent)
    except RuntimeError as error:
        if str(error) == "Query interrupted":       # which is what the engine makes of Ctrl-C
            raise KeyboardInterrupt from None
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _whole(folder):
    """The lock of a reader on a copy, if the copy is there and every file of it as it was written; else None."""
    try:
        held = read_locked(folder / "prepared.json")
    except OSError:
        return None
    try:
        about = json.loads(held.read())
        if about.keys() >= {"counts", "notices", "fingerprint"} and all(
                _is_parquet(folder / name, size) for name, size in about["files"].items()):
            return held
    except (ValueError, KeyError, AttributeError, OSError):
        pass
    held.close()
    return None


def _is_parquet(path, size):
    """Whether a file has its size and is not cut off."""
    with open(path, "rb") as file:
        return file.read(4) == b"PAR1" and file.seek(0, 2) == size and file.seek(size - 4) and file.read() == b"PAR1"


def _tidy(shelf, final, sure):
    """Remove what processes that died left on the shelf, and copies that are not the final one and that nobody reads."""
    for left in shelf.iterdir():
        if left.name.startswith(_UNFINISHED):
            if sure or untouched(left):
                shutil.rmtree(left, ignore_errors=True)
        elif left.is_dir():
            with unread(left / "prepared.json") as free:
                if free and left == final:
                    shutil.rmtree(left / "spill", ignore_errors=True)
                elif free:
                    remove(left)


def _states(settings):
    """Of every file that is read: its size, its time, and a digest of its contents."""
    def state(path):
        return path.stat().st_size, path.stat().st_mtime_ns, digest_of(path)

    paths = list({source.path for source in settings.sources if source.path})
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(paths, pool.map(state, paths), strict=True))
