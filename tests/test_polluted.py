"""Of every damaged file each row is kept as it truly is, or named as rejected, or the file is refused: never otherwise."""

import datetime as dt
import re
from collections import Counter, defaultdict
from itertools import islice
from types import SimpleNamespace

import pandas as pd
import pytest
from polluting import DAY_FIRST, EMPTY, LEGAL, READ, Variant, polluted

from libengage_utils.study import StudyError, open_study
from libengage_utils.study.intake import stage
from libengage_utils.study.preparation import _check_across_rows, _Staged, engine
from libengage_utils.study.sources import Source

_SETTINGS = SimpleNamespace(time_zone="Europe/London", as_of=dt.date(2025, 8, 31))


def outcome(variant, kept, said, refusal=None):
    """``exact``, ``said`` or ``silently different``: what a reader made of a damaged file.

    Parameters
    ----------
    kept : list of tuple
        The rows the reader kept, columns as `READ`.
    said : collection of int
        The lines it said it did not read.
    refusal : str, optional
        The sentence with which it refused the file.
    """
    if refusal is not None:
        return "said"
    if variant.truth is None:
        return "silently different" if kept else "said"
    kept, true = (Counter(map(_alike, rows)) for rows in (kept, (row for _, row in variant.truth)))
    missing = true - kept
    if kept - true or any(line not in said for line, row in variant.truth if _alike(row) in missing):
        return "silently different"
    return "said" if said else "exact"


def _alike(row):
    return tuple(value.replace("\r\n", "\n") if isinstance(value, str) else value for value in row)


def named_lines(rejected):
    """The lines that rejected rows name: where each begins, and up to which it runs where it says so."""
    lines = set()
    for line, reason in zip(rejected["line"], rejected["reason"], strict=True):
        runs = re.search(r"to line (\d+)", reason)
        lines.update(range(line, int(runs[1]) + 1 if runs else line + 1))
    return lines


def read(connection, variant, folder):
    """Rows kept, lines named and the refusal, as preparing a study has them of one file of events."""
    path = folder / ("events.csv.gz" if variant.content.startswith(b"\x1f\x8b") else "events.csv")
    path.write_bytes(variant.content)
    source = Source("events", path, {}, dates="day first" if variant.kind == DAY_FIRST else None)
    connection.execute("DROP TABLE IF EXISTS staged_events; DROP TABLE IF EXISTS reject_errors; "
                       "DROP TABLE IF EXISTS reject_scans")
    try:
        reading = stage(connection, source, _SETTINGS.time_zone, folder)
        kept, said = _kept(connection), named_lines(reading.rejected)
        if outcome(variant, kept, said) == "silently different":        # unless the checks across rows find it
            table = _Staged(connection, "events")
            table.add(source, reading)
            _check_across_rows(table, _SETTINGS)
            table.counts()
            kept, said = _kept(connection), named_lines(pd.concat(table.rejected))
    except StudyError as error:
        return [], set(), str(error)
    return kept, said, None


def _kept(connection):
    names = ", ".join("person_key" if name == "person_id" else name for name in READ)
    return connection.execute(f"SELECT {names} FROM staged_events WHERE problem IS NULL").fetchall()


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """For each kind of damage and each outcome, the names of the files that had it and the sentences of refusals."""
    folder, found = tmp_path_factory.mktemp("polluted"), defaultdict(lambda: defaultdict(dict))
    with engine(folder / "spill") as connection:
        connection.execute("SET threads = 1; CREATE TABLE gone (id VARCHAR)")
        for variant in polluted():
            kept, said, refusal = read(connection, variant, folder)
            found[variant.kind][outcome(variant, kept, said, refusal)][variant.name] = refusal
    return found


def test_no_damage_is_silent(outcomes):
    assert not {kind: list(of["silently different"]) for kind, of in outcomes.items() if of["silently different"]}
    assert sum(len(names) for of in outcomes.values() for names in of.values()) > 2300


def test_every_refusal_is_a_sentence_that_names_the_file(outcomes):
    for of in outcomes.values():
        for refusal in filter(None, of["said"].values()):
            assert refusal.startswith("events.csv") and refusal.endswith(".") and "\n" not in refusal


def test_what_is_legal_is_read_exactly(outcomes):
    assert [name for name, names in outcomes[LEGAL].items() if names] == ["exact"]


def test_a_file_without_rows_is_said_to_have_none(outcomes):
    assert all("no rows" in refusal for refusal in outcomes[EMPTY]["said"].values())


_VARIANT = Variant("kind", "name", b"", [(2, ("e1", "u1")), (3, ("e2", "u2"))])


@pytest.mark.parametrize(("kept", "said", "found"), [
    ([("e1", "u1"), ("e2", "u2")], set(), "exact"),
    ([("e1", "u1")], {3}, "said"),
    ([("e1", "u1")], set(), "silently different"),
    ([("e1", "u1")], {2}, "silently different"),
    ([("e1", "u1"), ("e2", "u")], {3}, "silently different"),
    ([("e1", "u1"), ("e2", "u2"), ("e2", "u2")], {4}, "silently different"),
])
def test_the_judge_wants_every_row_true_or_named(kept, said, found):
    assert outcome(_VARIANT, kept, said) == found


def test_a_rejected_row_that_runs_over_lines_names_them_all():
    assert named_lines(pd.DataFrame({"line": [4, 9], "reason": ["x; the row runs on to line 6", "x"]})) == {4, 5, 6, 9}


@pytest.mark.parametrize("variant", list(islice(polluted(), 7, None, 149)), ids=lambda one: f"{one.kind}, {one.name}")
def test_a_study_opened_whole_keeps_true_rows_only(write_study, variant):
    packed = variant.content.startswith(b"\x1f\x8b")
    source = {"file": "damaged.csv.gz" if packed else "damaged.csv"}
    source |= {"dates": "day first"} if variant.kind == DAY_FIRST else {}
    people = "person_id\n" + "".join(f"u{n:02d}\n" for n in range(24))
    folder = write_study(people=people, files={source["file"]: variant.content},
                         sources={"people": "people.csv", "events": source})
    try:
        study = open_study(folder)
    except StudyError as error:
        assert "damaged.csv" in str(error)
        return
    names = [name for name in READ if name != "person_id"]
    kept = study.events.project(", ".join(names)).fetchall()
    true = Variant(*variant[:3], [(line, tuple(value for name, value in zip(READ, row, strict=True) if name != "person_id"))
                                  for line, row in variant.truth or []])
    assert outcome(true, kept, named_lines(study.rejected)) != "silently different"
