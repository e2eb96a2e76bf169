"""What a study says about itself in study.yml: read, checked, and refused with a sentence."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import yaml

from ..privacy import LEAST
from ..schema import COVERAGE
from .sources import StudyError, nearest, read_sources

_REQUIRED = ("name", "purpose", "retention", "as_of", "sources", "coverage", "calendar")
_OPTIONAL = {"synthetic": False, "time_zone": "", "minimum_count": 10, "key": "LIBENGAGE_KEY",
             "engine": "embedded"}
_CALENDAR = ("loan_days", "teaching_weeks", "periods", "holidays")


@dataclass(frozen=True)
class Settings:
    """A checked study.yml. Days are `datetime.date`; `periods`, `holidays` and `coverage` are frames."""

    path: Path
    name: str
    purpose: str
    retention: dt.date
    as_of: dt.date
    synthetic: bool
    time_zone: str
    minimum_count: int
    key: str
    engine: str
    loan_days: int
    teaching_weeks: float
    periods: pd.DataFrame
    holidays: pd.DataFrame
    coverage: pd.DataFrame
    sources: tuple


def read_settings(path, files=None):
    """Read and check a study.yml.

    Parameters
    ----------
    path : path-like
        The study.yml.
    files : path-like, optional
        Folder the sources are in; the folder of study.yml when left out.

    Returns
    -------
    Settings

    Raises
    ------
    StudyError
        With the file, the entry and the remedy.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "study.yml"
    if not path.is_file():
        raise StudyError(f"There is no study at {path}. Give the path of a study.yml.")
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise StudyError(f"{path.name}{where} is not readable YAML text in UTF-8.") from None
    if not isinstance(said, dict):
        raise StudyError(f"{path.name} is empty or not a list of entries. See data/demo/study.yml for one.")
    for entry in said:
        if entry not in _REQUIRED and entry not in _OPTIONAL:
            raise StudyError(f"{path.name} has the entry {entry!r}, which means nothing here. "
                             f"Nearest that do: {nearest(entry, [*_REQUIRED, *_OPTIONAL])}.")
    if absent := [entry for entry in _REQUIRED if said.get(entry) in (None, "", {}, [])]:
        raise StudyError(f"{path.name} does not say: {', '.join(absent)}. Add it; data/demo/study.yml shows how.")

    said = {**_OPTIONAL, **said}
    retention, as_of = (_day(said[entry], path.name, entry) for entry in ("retention", "as_of"))
    if retention < dt.date.today():
        raise StudyError(f"{path.name}: the retention date {retention} has passed, so the data may no longer be "
                         "opened. Delete them, or have the date extended by whoever set it.")
    if not isinstance(said["minimum_count"], int) or said["minimum_count"] < LEAST:
        raise StudyError(f"{path.name}: minimum_count is {said['minimum_count']}; it must be a whole number "
                         f"of at least {LEAST}, because smaller groups give people away.")
    if said["engine"] not in ("embedded", "spark"):
        raise StudyError(f"{path.name}: engine is {said['engine']!r}; it must be `embedded` or `spark`, or left out.")
    if said["time_zone"]:
        try:
            ZoneInfo(said["time_zone"])
        except (KeyError, ValueError, OSError):
            raise StudyError(f"{path.name}: {said['time_zone']!r} is no time zone. "
                             "Write it like Europe/London.") from None
    return Settings(
        path=path, name=str(said["name"]), purpose=str(said["purpose"]), retention=retention, as_of=as_of,
        synthetic=said["synthetic"] is True, time_zone=said["time_zone"], minimum_count=said["minimum_count"],
        key=said["key"], engine=said["engine"], coverage=_coverage(said["coverage"], path.name),
        sources=read_sources(said["sources"], Path(files) if files else path.parent, path.name),
        **_calendar(said["calendar"], as_of, path.name))


def _day(value, file, entry):
    if isinstance(value, dt.datetime):
        return value.date()
    if not isinstance(value, dt.date):
        raise StudyError(f"{file}: {entry} is {value!r}, not a day. Write it like 2026-08-31.")
    return value


def _calendar(said, as_of, file):
    """Loan cycle, teaching weeks a year, the periods, in order and apart, and holidays, in any order."""
    if not isinstance(said, dict) or not {"loan_days", "teaching_weeks", "periods"} <= set(said):
        raise StudyError(f"{file}: calendar needs loan_days, teaching_weeks and periods.")
    if not isinstance(said["periods"], list) or not said["periods"]:
        raise StudyError(f"{file}: calendar, periods are a list of at least one, each with: period, from, to.")
    if unknown := [entry for entry in said if entry not in _CALENDAR]:
        raise StudyError(f"{file}: calendar has the entry {unknown[0]!r}, which means nothing here. "
                         f"Nearest that do: {nearest(unknown[0], _CALENDAR)}.")
    for entry in ("loan_days", "teaching_weeks"):
        if not isinstance(said[entry], int | float) or not said[entry] > 0:
            raise StudyError(f"{file}: calendar, {entry} is {said[entry]!r}; it must be a number above 0.")
    rows = []
    for row in said["periods"]:
        if not isinstance(row, dict) or set(row) != {"period", "from", "to"}:
            raise StudyError(f"{file}: calendar, a period needs exactly: period, from, to.")
        rows.append((str(row["period"]), *(_day(row[e], file, f"{e} of period {row['period']}") for e in ("from", "to"))))
    for (name, first, last), following in zip(rows, [*rows[1:], None], strict=True):
        if first > last:
            raise StudyError(f"{file}: calendar, the period {name} ends before it begins.")
        if following and following[1] <= last:
            raise StudyError(f"{file}: calendar, the period {following[0]} begins before {name} has ended. "
                             "Put periods in order, without overlap.")
    if rows[0][1] > as_of:
        raise StudyError(f"{file}: as_of is {as_of}, before the first period begins ({rows[0][1]}). Correct one of them.")
    periods = pd.DataFrame(rows, columns=["period", "from", "to"])
    return {"loan_days": said["loan_days"], "teaching_weeks": said["teaching_weeks"], "periods": periods,
            "holidays": _holidays(said.get("holidays") or [], file)}


def _holidays(said, file):
    rows = []
    for row in said if isinstance(said, list) else [None]:
        if not isinstance(row, dict) or set(row) != {"from", "to"}:
            raise StudyError(f"{file}: calendar, holidays are a list, and each needs exactly: from, to.")
        rows.append([_day(row[entry], file, f"{entry} of a holiday") for entry in ("from", "to")])
        if rows[-1][0] > rows[-1][1]:
            raise StudyError(f"{file}: calendar, the holiday from {rows[-1][0]} ends before it begins.")
    return pd.DataFrame(rows, columns=["from", "to"])


def _coverage(said, file):
    rows = []
    for row in said:
        if not isinstance(row, dict) or not {"source", "from", "to", "identity"} <= set(row) <= set(COVERAGE.names):
            raise StudyError(f"{file}: coverage, each entry needs source, from, to and identity, "
                             "and may have blind_spots.")
        if row["identity"] not in COVERAGE["identity"].allowed:
            raise StudyError(f"{file}: coverage of {row['source']}, identity is {row['identity']!r}; "
                             f"it must be one of: {', '.join(COVERAGE['identity'].allowed)}.")
        days = {e: _day(row[e], file, f"{e} in the coverage of {row['source']}") for e in ("from", "to")}
        rows.append({**row, **days, "blind_spots": row.get("blind_spots") or ""})
    return pd.DataFrame(rows, columns=COVERAGE.names)

