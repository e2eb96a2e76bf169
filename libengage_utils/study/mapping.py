"""From a system's headings to the columns of a table: what a recipe's rules say, as SQL for the text of each cell."""

import difflib
import re
import unicodedata
from dataclasses import dataclass

from .sources import StudyError, each_rule

_SPACE = " || ".join(f"chr({code})" for code in (
    *range(9, 14), 32, 133, 160, 5760, *range(8192, 8203), 8232, 8233, 8239, 8287, 12288, 65279))
_LOG = r"^\[?([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}) ([+-][0-9]{4})\]?$"
_AS = {      # SQL for the canonical text of a cell, missing where it cannot be read, and the reason it then gets
    "year": ("CASE WHEN regexp_matches(CELL, '^[0-9]{4}$') THEN CELL || '-01-01' END", "is not a year"),
    "month and year": ("strftime(last_day(try_strptime(CELL, ['%B %Y', '%b %Y', '%m %Y'])), '%Y-%m-%d')",
                       "is not a month and a year"),
    "log time": (f"strftime(try_strptime(regexp_extract(CELL, '{_LOG}', 1), '%d/%b/%Y:%H:%M:%S'), '%Y-%m-%d %H:%M:%S') "
                 f"|| regexp_extract(CELL, '{_LOG}', 2)", "is not the time of a log, such as [04/Sep/2024:10:15:32 +0100]"),
    "seconds": ("CAST(try_cast(CELL AS DOUBLE) / 60 AS VARCHAR)", "is not a number of seconds"),
    "hours": ("CAST(try_cast(CELL AS DOUBLE) * 60 AS VARCHAR)", "is not a number of hours"),
    "after colon": ("nullif(trim(regexp_extract(CELL, ':(.*)$', 1)), '')", "has nothing after a colon"),
}
_A_VALUE = re.compile(r"@|https?:|\d{1,4}[/.:-]\d{1,2}[/.:-]\d|^\W*\d[\d.,]*\W*$")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True)
class Cell:
    """SQL for the text a column is read from and for its canonical form, and the headings it comes from."""

    raw: str
    canonical: str
    headings: tuple = ()
    reason: str = ""
    how: str = ""


def plain(heading):
    """A heading without case, accents' composition, spacing and punctuation."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", heading)).casefold()


def looks_like_a_value(cell):
    """Whether a cell looks like a value rather than a heading: a number, a day, an address.

    Examples
    --------
    >>> [looks_like_a_value(cell) for cell in ("u1042", "2024-09-01", "a@example.org", "Loans 2024", "AS1 P")]
    [True, True, True, False, False]
    """
    return bool(_A_VALUE.search(cell) or re.search(r"\d{3}", _YEAR.sub("", cell)))


def text(value):
    """A value as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted(column):
    """A column's name in SQL."""
    return '"' + column.replace('"', '""') + '"'


class Mapping:
    """The columns of a table as one source gives them.

    Parameters
    ----------
    source : Source
    table : Table
    headings : list of str
        Headings of the file.
    odd_spaces : bool
        Whether cells may begin or end with space that is no blank.

    Attributes
    ----------
    cells : dict of str to Cell
        Column -> what it is read from, for the columns that the source gives.
    left_out : list of (str, str)
        SQL condition of rows that the recipe leaves out, and the reason.
    dropped : list of str
        Headings that nothing is read from.

    Raises
    ------
    StudyError
        If a required column has no heading; the message names the nearest ones.
    """

    def __init__(self, source, table, headings, *, odd_spaces=True):
        self._found = {plain(heading): heading for heading in reversed(headings)}
        self._source, self._headings, self.odd_spaces = source, headings, odd_spaces
        self._missing = ", ".join(text(word) for word in source.recipe.get("missing", []))
        rules = source.rules
        self.cells = {}
        for column in table.columns:
            rule = rules.get(column.name, [column.heading, column.name] if not rules else None)
            cell = self._cell(column, rule) if rule is not None else None
            if cell:
                self.cells[column.name] = cell
            elif column.required:
                self._refuse(table, column, rule)
        self.left_out = [self._left_out(said) for said in rules.get("leave_out", [])]
        used = {heading for cell in self.cells.values() for heading in cell.headings}
        used |= {self._at(wanted) for wanted in rules.get("each", {}).values()}
        self.dropped = [heading for heading in headings if heading not in used and not heading.startswith("each ")]

    def _at(self, wanted):
        """The first of the wanted headings that the file has; "" where it has none and may lack it, for "" is among them."""
        wanted = [wanted] if isinstance(wanted, str) else wanted
        return next((self._found[plain(one)] for one in wanted if plain(one) in self._found), "" if "" in wanted else None)

    def _read(self, heading):
        """SQL for a cell without surrounding space, missing where it is empty or says so."""
        cell = quoted(heading)
        read = f"nullif(trim({cell}, {_SPACE}), '')"
        if not self.odd_spaces:      # three times as fast
            read = f"CASE WHEN {cell} >= '!' AND NOT ends_with({cell}, ' ') THEN {cell} ELSE nullif(trim({cell}), '') END"
        return f"CASE WHEN {read} NOT IN ({self._missing}) THEN {read} END" if self._missing else read

    def _cell(self, column, rule):
        """What the rules give a column, the first that has something in a row; None where the file lacks what they need."""
        cells = [cell for one in each_rule(rule) if (cell := self._one(column, one))]
        if len(cells) < 2:
            return cells[0] if cells else None
        raw, headings = f"coalesce({', '.join(cell.raw for cell in cells)})", (h for cell in cells for h in cell.headings)
        return Cell(raw, cells[0].canonical, tuple(dict.fromkeys(headings)), cells[0].reason, cells[0].how)

    def _one(self, column, rule):
        """What one rule gives a column, or None where the file lacks a heading it needs."""
        how, at = rule.get("as", ""), f'"raw {column.name}"'
        if "value" in rule:
            return Cell(text(rule["value"]), at)
        if how == "row number":
            return Cell("CAST(row_number() OVER () AS VARCHAR)", at, how=how)
        headings = tuple(self._at(wanted) for wanted in rule.get("columns", []))
        if not any(headings) or None in headings:
            return None
        headings = tuple(filter(None, headings))
        cells = [self._read(heading) for heading in headings]
        raw = cells[0] if len(cells) == 1 else f"nullif(concat_ws(' ', {', '.join(cells)}), '')"
        if how == "presence":
            raw = f"CASE WHEN {raw} IS NULL THEN 'false' ELSE 'true' END"
        if how == "digest":
            parts = " || chr(31) || ".join(f"coalesce({cell}, '')" for cell in cells)
            raw = (f"CASE WHEN {raw} IS NOT NULL THEN substr(sha256(getvariable('salt') || {text(self._source.recipe_name)} "
                   f"|| chr(31) || {parts}), 1, 24) END")
        if "when" in rule:
            conditions = [self._matches(wanted, patterns) for wanted, patterns in rule["when"].items()]
            raw = f"CASE WHEN {' AND '.join(conditions)} THEN {raw} END"
        canonical, reason = _AS.get(how, ("CELL", ""))
        canonical = canonical.replace("CELL", at)
        if "words" in rule:
            cases = " ".join(
                f"WHEN lower({at}) GLOB {text(str(pattern).lower())} THEN {'NULL' if word is None else text(word)}"
                for pattern, word in rule["words"].items())
            canonical = f"CASE {cases} ELSE {canonical} END"
        return Cell(raw, canonical, headings, reason, how)

    def _matches(self, wanted, patterns):
        """SQL for whether a cell looks like one of the patterns, in any case; one the file lacks is empty, like ""."""
        heading = self._at(wanted)
        cell = f"lower(coalesce({self._read(heading)}, ''))" if heading else "''"
        patterns = [patterns] if isinstance(patterns, str) else patterns
        return "(" + " OR ".join(f"{cell} GLOB {text(str(pattern).lower())}" for pattern in patterns) + ")"

    def _left_out(self, said):
        """Condition and reason of rows that a recipe leaves out."""
        when = said["when"].items() if "when" in said else [(said["column"], said["like"])]
        return " AND ".join(self._matches(*one) for one in when), said["because"]

    def _refuse(self, table, column, rule):
        wanted = next((one["columns"] for one in each_rule(rule or {}) if "columns" in one), [column.heading])
        wanted = next((one if isinstance(one, str) else one[0] for one in wanted if self._at(one) is None), column.heading)
        safe = {plain(heading): heading for heading in self._headings if not looks_like_a_value(heading)}
        near = difflib.get_close_matches(plain(wanted), list(safe), n=3, cutoff=0.4) or list(safe)[:8]
        found = f"Nearest headings found: {', '.join(repr(safe[name]) for name in near)}. "
        if len(safe) < len(self._headings) / 2:
            found = "Its first line seems to hold values, so a heading line may be missing. "
        raise StudyError(f"{self._source.name} has no column {wanted!r}, which the table {table.name} needs. {found}"
                         "Rename the heading, or name a recipe in study.yml.")
