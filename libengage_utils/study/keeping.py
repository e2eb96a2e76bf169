"""One writer at a time, whole files, and nothing kept of those who died: by locks that end with their process."""

import errno
import os
import shutil
import signal
import threading
import time
from contextlib import contextmanager, suppress

try:
    import fcntl
except ImportError:                 # Windows
    fcntl = None

_DAY = 86_400
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def alone(path, busy=None):
    """Be the only process at work, as long as the lock file `path` is there; it is removed at the end.

    Ctrl-C and SIGTERM both end the work with KeyboardInterrupt, so that it cleans up after itself.

    Parameters
    ----------
    path : Path
        The lock file. What is left of it by a process that died locks nobody out.
    busy : callable, optional
        Called before another process is waited for. Where none is given, BlockingIOError is raised instead.

    Yields
    ------
    bool
        Whether no other process can be at work; where files cannot be locked (on Windows, on some network drives) they may.
    """
    with _stopped_alike():
        try:
            file, sure = _lock(path, os.O_RDWR | os.O_CREAT)
        except BlockingIOError:
            if busy is None:
                raise
            busy()
            file, sure = _lock(path, os.O_RDWR | os.O_CREAT, wait=True)
        try:
            yield sure
        finally:
            with suppress(OSError):
                path.unlink()
            file.close()


def read_locked(path):
    """A file open for reading; until it is closed or its process ends, `unread` is false of it."""
    return _lock(path, os.O_RDONLY, shared=True, wait=True)[0]


@contextmanager
def unread(path):
    """Whether no process has the file open by `read_locked`, and keeps it so; without locks, as `untouched` says."""
    try:
        file, sure = _lock(path, os.O_RDWR)
    except OSError as error:
        yield isinstance(error, FileNotFoundError)
        return
    try:
        yield sure or untouched(path)
    finally:
        file.close()


def untouched(path):
    """Whether a day has left a file or folder unchanged, which without locks is the sign of the dead."""
    return abs(time.time() - path.stat().st_mtime) > _DAY      # a clock may have been set back


def remove(folder):
    """Remove a folder, which loses its name first, so that nobody takes the rest for the whole."""
    doomed = folder.with_name(f"unfinished-{folder.name}-{os.getpid()}")
    folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def flush(path):
    """Have the disk keep a file, or the names in a folder, before what vouches for it is written."""
    with suppress(PermissionError):        # Windows opens no folder
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def disk_is_full(error):
    """Whether an error of the system, or of a library that wraps it, says that there is no room."""
    return getattr(error, "errno", None) in _FULL or "No space left" in str(error) or "quota exceeded" in str(error)


def _lock(path, flags, *, shared=False, wait=False):
    """The file at `path`, opened and locked, and whether it is sure that it is locked."""
    while True:
        file = open(path, "rb", opener=lambda name, _: os.open(name, flags, 0o600))
        if fcntl is None:
            return file, False
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.close()
            raise
        except OSError:                     # a drive without locks
            return file, False
        except BaseException:
            file.close()
            raise
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file, True
        file.close()                        # whoever had the lock has removed the file meanwhile


@contextmanager
def _stopped_alike():
    """Let SIGTERM do what Ctrl-C does, where nobody has said otherwise."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
