"""Open a study: read, map, check, pseudonymise, sort, keep; every rejected row kept with its reason."""

import json
import weakref
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ..schema import TABLES
from .preparation import engine
from .settings import Settings, StudyError, read_settings
from .shelf import digest_of_inputs, prepared_copy
from .spark import in_spark

__all__ = ["Study", "StudyError", "open_study"]


@dataclass(frozen=True)
class Study:
    """An opened study. Its tables are attributes: ``study.people``, ``study.events``, ...

    Each table is a DuckDB relation over the prepared copy (``.df()`` makes a pandas frame of it),
    sorted by person and time, and holds pseudonyms in place of identifiers. Where study.yml says
    ``engine: spark`` it is a PySpark frame over the same copy, whose rows have no order.

    Attributes
    ----------
    settings : Settings
        What study.yml says; its entries are attributes of the study too (``study.name``,
        ``study.as_of``, ``study.periods``, ``study.coverage``, ...).
    tables : tuple of str
        The tables there are.
    counts : DataFrame
        For each source: table, file, rows read, kept, left out by the recipe, and rejected, which add up; what its columns
        are read from (``mapped``), and headings that nothing is read from (``dropped``).
    rejected : DataFrame
        Every rejected row: table, file, line, column, value, reason. Values of identifiers are shown
        by their shape only.
    notices : list of str
        What a reader should know of the data, in sentences.
    fingerprint : str
        Keyed digest of the sources' contents.
    """

    settings: Settings
    folder: Path
    tables: tuple
    counts: pd.DataFrame
    rejected: pd.DataFrame
    notices: list
    fingerprint: str
    connection: duckdb.DuckDBPyConnection = field(repr=False)

    @property
    def counts_to_show(self):
        """`counts` for a page: of a table about people few rows are missing, and so is what would give them away.

        Where few rows were read or kept all three numbers are missing; where few were rejected that number is, and the
        others are to the ten. `rests_on` is the fewest rows shown of a table about people, infinitely many of another.
        """
        table = self.counts[["table", "kept", "rejected"]].groupby("table", sort=False).sum().astype(float).reset_index()
        table.insert(1, "read", table["kept"] + table["rejected"])
        people = pd.Series([any(column.kind == "person" for column in TABLES[name].columns) for name in table["table"]])
        few = people & table["rejected"].between(1, self.minimum_count - 1)
        table.loc[few, "rejected"] = float("nan")
        rows = table[["read", "kept"]]
        told = rows.round(-1).where(few, rows)
        small = ((rows > 0) & (np.minimum(rows, told) < self.minimum_count)).any(axis=1)
        table[["read", "kept"]] = told
        table.loc[people & small, ["read", "kept", "rejected"]] = float("nan")
        rows = table[["kept", "rejected"]]
        table["rests_on"] = rows.where(rows > 0).min(axis=1).where(people, float("inf"))
        return table.assign(table=table["table"].str.replace("_", " "))

    def changed(self):
        """Whether study.yml or a source has changed since the study was opened."""
        return not self.folder.name.startswith(digest_of_inputs(self.settings))

    def get(self, table):
        """A table, or None where the study has no such table."""
        return getattr(self, table) if table in self.tables else None

    def __getattr__(self, name):
        if name in TABLES:
            if name not in self.tables:
                raise StudyError(f"This study has no {name} ({TABLES[name].meaning}). "
                                 f"It has: {', '.join(self.tables)}.")
            path = self.folder / f"{name}.parquet"
            if not path.is_file():
                raise StudyError("The prepared copy of this study was removed while it was read. Open the study again.")
            return in_spark(path) if self.settings.engine == "spark" else self.connection.read_parquet(str(path))
        if name not in Settings.__dataclass_fields__:
            raise AttributeError(name)
        return getattr(self.settings, name)


def open_study(path="study.yml", *, files=None, progress=None, anew=False):
    """Open a study, preparing it first where a source, study.yml or the reading code has changed.

    Parameters
    ----------
    path : path-like
        A study.yml, or the folder it is in.
    files : path-like, optional
        Folder of the sources, where they are not beside study.yml.
    progress : callable, optional
        Called with a sentence as each source has been read.
    anew : bool
        Whether to read databases again, which have no date by which their copy could be out of date.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        Where the study or a source cannot be used: which file and column, and the remedy.
    PrivacyError
        If the study holds identifiers and no key is set.

    Examples
    --------
    >>> import tempfile
    >>> from libengage_utils.demo import write_demo
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_demo(folder, people=300)
    ...     study = open_study(folder)
    ...     bool((study.counts["read"] == study.counts[["kept", "left_out", "rejected"]].sum(axis=1)).all())
    True
    """
    settings = read_settings(path, files)
    folder, held = prepared_copy(settings, progress or (lambda sentence: None), anew=anew)
    about = json.loads((folder / "prepared.json").read_text())
    connection = engine(folder / "spill")
    weakref.finalize(connection, held.close)        # until then no other run removes the copy
    return Study(
        settings=settings, folder=folder,
        tables=tuple(dict.fromkeys(count["table"] for count in about["counts"] if count["kept"])),
        counts=pd.DataFrame(about["counts"]), rejected=pd.read_parquet(folder / "rejected.parquet"),
        notices=about["notices"], fingerprint=about["fingerprint"], connection=connection)
