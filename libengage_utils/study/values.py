"""From the text of a cell to a value of its column's kind, and to what is wrong with it, in SQL."""

import re

from .mapping import Cell, quoted, text

_ORDERS = {"day first": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"),
           "month first": ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y")}
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?"
_OFFSET = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_ORDERED = r"^[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?( [AaPp][Mm])?)?$"
_FIXED = "chr(160) || chr(8199) || chr(8239)"       # spaces that hold a line together
_CONTROL = r"\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x{9F}"
_UNSEEN = rf"{_CONTROL}\x{{AD}}\x{{200B}}-\x{{200F}}\x{{202A}}-\x{{202E}}\x{{2060}}\x{{FEFF}}\x{{FFFD}}"
_MARKS = "\"'\u2018-\u201f«»"
_WRAPPED = rf"^[{_MARKS}](?s:.*)[{_MARKS}]$|^#(N/A|[A-Z]+[/0]*[!?]|#+)$|^=\""
_NUMBERED = r"^[0-9]([.,][0-9]+)?E\+?[0-9]+$|^[0-9]+\.0$"
_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


def checked_values(table, mapping, *, dates=None, decimal=None, zone=""):
    """SQL for the raw text and the value of each column of a table, and what can be wrong with a row.

    Parameters
    ----------
    table : Table
    mapping : Mapping
    dates : {None, "day first", "month first"}
        The declared order of days and months; ISO days are read whatever it is.
    decimal : {None, "comma", "point"}
    zone : str
        The study's time zone, to which times with an offset are brought; they are not read without.

    Returns
    -------
    raw, values : dict of str to str
        Column -> SQL; `values` refers to the raw columns as ``"raw <column>"``.
    checks : list of (str, Column, str)
        Condition of a row that is wrong, the column and the reason.
    """
    raw, values, checks = {}, {}, []
    for column in table.columns:
        at, cell = f'"raw {column.name}"', mapping.cells.get(column.name, Cell("NULL", "CAST(NULL AS VARCHAR)"))
        raw[column.name] = cell.raw
        value, reason = _typed(column, cell.canonical, dates, decimal, zone)
        if cell.how == "week":
            value = f"CAST(date_trunc('week', {value}) AS DATE)"
        if column.default is not None:
            value = f"CASE WHEN {at} IS NULL THEN {_typed(column, text(column.default), None, None, '')[0]} ELSE {value} END"
        if column.kind == "category" and mapping.odd_spaces:
            value = f"translate({value}, {_FIXED}, '   ')"
        values[column.name] = value
        if column.required:
            checks.append((f"{at} IS NULL", column, "is missing"))
        if column.name in mapping.cells and cell.how not in ("row number", "digest", "presence"):
            checks += _damage(column, at, decimal, mapping.odd_spaces)
        if cell.reason or reason:
            checks.append((f"{at} IS NOT NULL AND {quoted(column.name)} IS NULL", column, cell.reason or reason))
        if column.minimum is not None:
            checks.append((f"{quoted(column.name)} < {column.minimum}", column, f"is below {column.minimum:g}"))
    return raw, values, checks


def _damage(column, at, decimal, odd):
    """Checks of what damage leaves in cells that are read all the same."""
    identifier = column.kind == "person" or column.name.endswith("_id")
    words = identifier or (column.kind == "category" and not column.allowed)
    if odd and (words or column.kind == "text"):
        unseen = _UNSEEN if words else _CONTROL
        yield f"regexp_matches({at}, '[{unseen}]')", column, "holds a character that cannot be seen"
    if words:
        yield (f"({at} < '0' OR {at} > '{{' OR {at} LIKE '=%') AND regexp_matches({at}, {text(_WRAPPED)})", column,
               "stands in quotation marks, or is what a spreadsheet writes for an error")
    if identifier:
        yield (f"({at} LIKE '%E%' OR {at} LIKE '%.0') AND regexp_matches({at}, '{_NUMBERED}')", column,
               "is an identifier that a spreadsheet rewrote as a number; export it as text")
    if column.kind == "number" and decimal is None:
        yield (f"{at} LIKE '%.___' AND regexp_matches({at}, '^[+-]?[1-9][0-9]{{0,2}}[.][0-9]{{3}}$')", column,
               "may be thousands or have decimals; say `decimal: point` or `decimal: comma` in study.yml")


def _typed(column, canonical, dates, decimal, zone):
    """SQL for the value of a column, missing where it cannot be read, and the reason it then gets."""
    order = "" if dates else " (in another order, say `dates: day first` or `dates: month first` in study.yml)"
    match column.kind:
        case "date":
            return f"CAST({_moment(canonical, dates, zone)} AS DATE)", f"is not a day written YYYY-MM-DD{order}"
        case "time":
            unplaced = "" if zone else "; a time with an offset needs time_zone in study.yml"
            return _moment(canonical, dates, zone), f"is not a time written YYYY-MM-DD HH:MM{order}{unplaced}"
        case "integer":
            whole = f"regexp_matches({canonical}, '^[+-]?[0-9]+$')"
            return f"CASE WHEN {whole} THEN try_cast({canonical} AS BIGINT) END", "is not a whole number"
        case "number":
            mark, number = (",", f"replace({canonical}, ',', '.')") if decimal == "comma" else ("[.]", canonical)
            whole = f"regexp_matches({canonical}, '^[+-]?([0-9]+({mark}[0-9]*)?|{mark}[0-9]+)([eE][+-]?[0-9]+)?$')"
            said = "with a decimal comma" if decimal == "comma" else "with a decimal point (if commas, say `decimal: comma`)"
            return f"CASE WHEN {whole} THEN try_cast({number} AS DOUBLE) END", f"is not a number {said}"
        case "boolean":
            words = [f"WHEN lower({canonical}) IN ({', '.join(map(text, said))}) THEN {value}"
                     for said, value in ((_TRUE, "true"), (_FALSE, "false"))]
            return f"CASE {' '.join(words)} END", "is not true or false"
        case "category" if column.allowed:
            words = ", ".join(map(text, column.allowed))
            return (f"CASE WHEN lower({canonical}) IN ({words}) THEN lower({canonical}) END",
                    f"is not one of: {', '.join(column.allowed)}")
    return f"nfc_normalize({canonical})", ""


def _moment(canonical, dates, zone):
    """SQL for a local timestamp: ISO, or in the declared order; with an offset, in the study's zone."""
    usual = f"length({canonical}) = 19 AND {canonical} LIKE '____-__-__ __:__:__'"
    iso = (f"CASE WHEN {usual} OR regexp_matches({canonical}, '^{_DAY}([ T]{_CLOCK})?$') "
           f"THEN try_cast({canonical} AS TIMESTAMP) "
           f"WHEN regexp_matches({canonical}, '^{_DAY}[ T]{_CLOCK}{_OFFSET}$') "
           + (f"THEN timezone({text(zone)}, try_cast({canonical} AS TIMESTAMPTZ)) " if zone else "THEN NULL "))
    if not dates:
        return f"{iso} END"
    formats = ", ".join(text(day + clock) for day in _ORDERS[dates] for clock in _CLOCKS)
    return f"{iso} WHEN regexp_matches({canonical}, '{_ORDERED}') THEN try_strptime({canonical}, [{formats}]) END"


def shape_of(value):
    """What a value looks like, without saying what it is: 12AB -> 99aa."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", value)) if isinstance(value, str) else value
