"""What was read of a study, table by table and source by source, in words and aligned columns."""

from textwrap import fill

from ..schema import TABLES
from .start.proposal import shown

_LABEL, _PRIVATE = 12, "the person asked not to be analysed"


def account(study, width=100):
    """What was read, mapped, dropped, left out and rejected, and what to know of it.

    Parameters
    ----------
    study : Study
    width : int
        Columns of the screen.

    Returns
    -------
    str
        Counts of rows, headings, reasons and lines; no value of a cell.
    """
    counts = study.counts
    parts = [f"{shown(study.name)}, as of {study.as_of}", _aligned(counts)]
    seen = {}
    for count in counts.itertuples():
        of_table = [source for source in study.sources if source.table == count.table]
        at = seen[count.table] = seen.get(count.table, -1) + 1
        parts.append(_source(count, of_table[at], study.rejected, width))
    parts += [fill(shown(notice, 10_000), width) for notice in study.notices]
    return "\n\n".join(parts)


def _aligned(counts):
    """Rows by source, numbers to the right."""
    rows = [("table", "file", "read", "kept", "left out", "rejected"),
            *((count.table, shown(count.file), *(f"{n:,}" for n in (count.read, count.kept, count.left_out, count.rejected)))
              for count in counts.itertuples())]
    widths = [max(len(row[at]) for row in rows) for at in range(6)]
    return "\n".join("  ".join(cell.ljust(size) if at < 2 else cell.rjust(size)
                               for at, (cell, size) in enumerate(zip(row, widths, strict=True))).rstrip() for row in rows)


def _source(count, source, rejected, width):
    """What became of one source, a label and a paragraph each."""
    table = TABLES[count.table]
    plainly = [name for name, headings in count.mapped.items() if headings == name]
    each = f"each of {shown(', '.join(source.rules.get('each', {})))}"
    read = [f"{name} from {shown(headings, 10_000)}".replace("each value", each).replace("each name", "the heading")
            for name, headings in count.mapped.items() if headings not in ("", name)]
    fixed = [name for name, headings in count.mapped.items() if not headings]
    given = [_default(column) for column in table.columns if column.name not in count.mapped]
    lines = [("mapped", "; ".join([*read, *([f"of the same name: {', '.join(plainly)}"] if plainly else [])])),
             ("by rule", ", ".join(fixed)), ("not given", ", ".join(given)),
             ("dropped", ", ".join(map(shown, count.dropped)))]
    lines += [("left out", f"{rows:,} {_rows(rows)}: each {reason}.") for reason, rows in count.why_left_out.items() if rows]
    of = rejected[(rejected["table"] == count.table) & (rejected["file"] == count.file)]
    reasons = of.groupby(["column", "reason"], dropna=False)["line"].agg(["size", "min"])
    if len(of) > count.rejected > 0:
        lines.append(("rejected", "What follows is of all readings of this file into this table."))
    for (column, reason), (rows, first) in reasons.iterrows() if count.rejected else ():
        where = "" if reason == _PRIVATE else f", first in line {first:,}"
        lines.append(("rejected", f"{rows:,} {_rows(rows)}: {f'{column} ' if isinstance(column, str) and where else ''}"
                                  f"{reason}{where}."))
    how = f", recipe {source.recipe_name}" if source.recipe_name else ""
    head = f"{count.table} from {shown(count.file)}{how}"
    return "\n".join([head, *(fill(text, width, initial_indent=f"  {label:<{_LABEL}}", subsequent_indent=" " * (_LABEL + 2),
                                   break_long_words=False, break_on_hyphens=False) for label, text in lines if text)])


def _default(column):
    """A column that is not given, and what is taken in its place."""
    return column.name if column.default is None else f"{column.name} (taken as {str(column.default).lower()})"


def _rows(number):
    return "row" if number == 1 else "rows"
