"""Where a database is and who reads it: a URL without a password, and the password from the environment."""

import importlib
import os
import re
from pathlib import Path

from ..sources import StudyError

PASSWORD = "LIBENGAGE_DATABASE_PASSWORD"
_SECRET = re.compile(r"(pass(word|wd|phrase)?|pwd|secret|token)$", re.I)
_SECRET_WITHIN = re.compile(r"(password|passwd|pwd)\s*=", re.I)
# libpq would wait two minutes for a host that is silent, and for ever for a connection that a firewall dropped.
_PATIENCE = {"connect_timeout": "10", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}


def alchemy_for(source):
    """SQLAlchemy, which is installed only where databases are read."""
    try:
        return importlib.import_module("sqlalchemy")
    except ImportError:
        raise StudyError(f"{source.name}: reading a database needs SQLAlchemy, which is not installed. Install it with "
                         "`pip install sqlalchemy 'psycopg[binary]'`.") from None


def address_of(source):
    """The URL of a source's database, with the password from the environment.

    Parameters
    ----------
    source : Source

    Returns
    -------
    sqlalchemy.URL
        It shows its password as ``***``.

    Raises
    ------
    StudyError
        If it is no URL, holds a password itself, or names a file that is not there. The sentence repeats nothing of it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> address_of(SimpleNamespace(table="events", name="", database="mysql://reader@host/koha?passwd=12"))
    Traceback (most recent call last):
    ...
    libengage_utils.study.sources.StudyError: The source of events: the database's address holds a password. Take it \
    out of study.yml, have it changed if others saw it, and put it into the environment variable LIBENGAGE_DATABASE_PASSWORD.
    """
    alchemy, url = alchemy_for(source), None
    where = f"The source of {source.table}: the database's address"      # not its name, which may be part of the address
    try:
        url = alchemy.make_url(source.database)
    except (alchemy.exc.ArgumentError, ValueError):
        pass                           # refused below, so that the sentence carries no other error along
    if url is None:
        raise StudyError(f"{where} is not a URL. Write it like postgresql+psycopg://reader@host:5432/folio.")
    if url.password or any(map(_SECRET.search, url.query)) or _SECRET_WITHIN.search(str([*url.query.values()])):
        raise StudyError(f"{where} holds a password. Take it out of study.yml, have it changed if others saw it, and put it "
                         f"into the environment variable {PASSWORD}.")
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise StudyError(f"{source.name}: there is no such file. Give its whole path in study.yml, after sqlite:///.")
    if url.drivername in ("postgresql", "postgresql+psycopg", "postgresql+psycopg2"):
        url = url.set(query={**_PATIENCE, **url.query})
    return url.set(password=os.environ[PASSWORD]) if os.environ.get(PASSWORD) else url
