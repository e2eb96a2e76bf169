"""Columns proposed for a file that no recipe fits: the nearest headings filled in, the others left to be."""

import difflib

from ...schema import TABLES
from ..mapping import looks_like_a_value, plain
from .fitting import ASK, HARD, WHEN, Fit, known, proven

_NEAR, _SURE, _AT_MOST = 0.8, 0.9, 8
_ONLY_NAMES = ("event_id", "feedback_id", "activity_id")      # what identifies a row and nothing else, so may be made up


def guess(headings, holds):
    """The table that a file most likely feeds, with rules for its columns, or None where hardly a heading means anything.

    Parameters
    ----------
    headings : list of str
    holds : DataFrame
        What the cells of each heading look like (`Look.holds`).

    Returns
    -------
    Fit or None
        Its `columns` are rules for study.yml; those that must be filled in are ``["FILL IN"]``.
    """
    words, best = known(), (0, None, None)
    safe = [heading for heading in headings if not looks_like_a_value(heading)]
    for table in TABLES.values():
        found = _nearest(table, safe, holds, words)
        lacking = [column for column in table.columns if column.required and column.name not in found]
        score = sum(score for score, _, _ in found.values()) - 0.5 * sum(
            column.kind in HARD or (column.kind == "text" and column.name not in _ONLY_NAMES) for column in lacking)
        if score > best[0] and any(score >= _SURE for score, _, _ in found.values()) and (len(found) > 1 or not lacking):
            best = score, table, found
    _, table, found = best
    if table is None:
        return None
    columns = {}
    for column in table.columns:
        if column.name in found:
            _, heading, how = found[column.name]
            columns[column.name] = {"columns": [heading], "as": how} if how else [heading]
        elif column.required and column.name in _ONLY_NAMES and table.key == (column.name,):
            rest = [heading for heading in safe if heading not in {heading for _, heading, _ in found.values()}]
            told = [*(heading for _, heading, _ in found.values()), *rest][:_AT_MOST]
            columns[column.name] = {"columns": told, "as": "digest"}
        elif column.required:
            columns[column.name] = [ASK]
    fit = Fit(table.name, "", {name: (heading,) for name, (_, heading, _) in found.items()}, len(found), len(headings),
              columns=columns)
    return proven(fit, holds, {name: how for name, (_, _, how) in found.items()})


def _nearest(table, headings, holds, words):
    """Column -> (score, heading, as), each heading for one column at most."""
    pairs = []
    for column in table.columns:
        called = [word for word, meant in words.items() if any(name == column.name for _, name, _ in meant)]
        for heading in headings:
            cells = holds.loc[heading]
            dated = bool(cells["filled"]) and cells["iso"] + cells["ordered"] >= 0.5 * cells["filled"]
            if dated != (column.kind in ("date", "time")) and cells["filled"]:
                continue
            meant = words.get(plain(heading), [])
            how = next((how for name, of, how in meant if (name, of) == (table.name, column.name)), None)
            if how is not None:
                pairs.append((1.0, column.name, heading, how))
            elif any(of == column.name for _, of, _ in meant):
                pairs.append((_SURE, column.name, heading, ""))
            elif near := max((difflib.SequenceMatcher(None, plain(heading), word).ratio() for word in called), default=0):
                pairs += [(0.9 * near, column.name, heading, "")] if near >= _NEAR else []
            if dated and column.name == WHEN.get(table.name):
                pairs.append((0.5, column.name, heading, ""))
    found, used = {}, set()
    for score, column, heading, how in sorted(pairs, key=lambda pair: -pair[0]):
        if column not in found and heading not in used:
            found[column] = score, heading, how
            used.add(heading)
    return found
