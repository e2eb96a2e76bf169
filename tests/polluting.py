"""Some 2,300 files made from one clean file of events, each damaged in one known way, with the rows that are true.

The kinds of damage follow what surveys of published CSV files have met (Vitagliano, Hameed, Jiang, Reisener, Wu and
Naumann, "Pollock: A Data Loading Benchmark", PVLDB 16(8), 2023), and what exports of library systems add to it. Where
damage makes another row that is legal in every declared respect (a word moved to another column of free words, an
optional cell emptied), no reader can know of it, and it is not among the files.
"""

import gzip
import re
from datetime import datetime, timedelta
from typing import NamedTuple

HEAD = ["event_id", "person_id", "occurred_at", "event_type", "touchpoint", "site", "initiated_by", "note", "quantity",
        "source", "journey_id"]
READ = [name for name in HEAD if name != "note"]          # `note` belongs to no column of the table
DAY_FIRST = "date in another order, day first declared"
LEGAL, EMPTY = "legal", "legal, no rows"
_AT = {name: i for i, name in enumerate(HEAD)}
_KINDS = {"event_id": ".+", "occurred_at": r"\d{4}-\d\d-\d\d \d\d:\d\d", "event_type": ".+", "touchpoint": ".+",
          "initiated_by": "person|staff|system|", "quantity": r"[0-9.]*", "source": ".+"}


class Variant(NamedTuple):
    """A damaged file; `truth` is the line and the row of each event, None where the file must be refused."""

    kind: str
    name: str
    content: bytes
    truth: list | None


def _clean():
    """The cells of the 72 events, as their system holds them."""
    cycle = {
        "event_type": ["borrow", "visit", "chat", "borrow", "return"],
        "touchpoint": ["loan", "desk, main", 'so-called "quiet" room', "enquiry", "loan", "salle d'étude", "self-service"],
        "site": ["Main", "Café", "North\nHall", "", "Zürich", "Main", "Main", "Far, far"],
        "initiated_by": ["person", "staff", "person", "", "system", "person"],
        "note": ["", "renewed, twice", 'said "yes", then left', "two\nlines", "d'accord", "", "naïve", '"', "plain"],
        "quantity": ["1", "12", "", "2.5", "10", "3", "1200", "20"],
        "source": ["desk", "door", "self-service, ground floor", "desk", "desk-online"],
    }
    rows = []
    for i in range(72):
        row = {name: values[i % len(values)] for name, values in cycle.items()}
        when = datetime(2024, 10, 1, 9) + timedelta(days=4 * i % 237, minutes=17 * i % 480)
        rows.append(row | {"event_id": f"e{i + 1:03d}", "person_id": f"u{i * 7 % 24:02d}" if i % 9 else "",
                           "occurred_at": f"{when:%Y-%m-%d %H:%M}", "journey_id": "" if i % 4 == 1 else f"j-{5 * i:04d}"})
    return [[row[name] for name in HEAD] for row in rows]


CELLS = _clean()


def event(cells):
    """A row as the table of events holds it: the columns `READ`, typed, defaults filled in."""
    row = dict(zip(HEAD, (cell or None for cell in cells), strict=True))
    row["occurred_at"] = datetime.strptime(row["occurred_at"], "%Y-%m-%d %H:%M")
    row["quantity"], row["initiated_by"] = float(row["quantity"] or 1), row["initiated_by"] or "person"
    return tuple(row[name] for name in READ)


ROWS = [event(cells) for cells in CELLS]


def _line(cells, delimiter=",", quote='"', every=False, escape=None):
    """One record; cells that need it are quoted."""
    needy = lambda cell: every or any(mark in cell for mark in (delimiter, quote, "\n"))  # noqa: E731
    return delimiter.join(quote + cell.replace(quote, (escape or quote) + quote) + quote if needy(cell) else cell
                          for cell in cells)


_LINES = [(_line(HEAD), ())] + [(_line(cells), (i,)) for i, cells in enumerate(CELLS)]


def _bytes(text, encoding="utf-8"):
    return text if isinstance(text, bytes) else text.encode(encoding, "surrogatepass")


def _variant(kind, name, parts=_LINES, ending="\n", final=True, rows=ROWS):
    """A file from its lines, each with the rows it holds."""
    content, truth, line = [], [], 1
    for text, held in parts:
        content.append(_bytes(text))
        truth += [(line, rows[i]) for i in held]
        line += content[-1].count(ending[-1:].encode()) + 1
    return Variant(kind, name, ending.encode().join(content) + ending.encode() * final, truth)


def _with(changes, parts=_LINES):
    """The clean lines, some of them (numbered from 0, without the headings) written in another way."""
    return [(changes.get(n - 1, text), held) for n, (text, held) in enumerate(parts)]


def _insert(before, *texts, parts=_LINES):
    return parts[:before + 1] + [(text, ()) for text in texts] + parts[before + 1:]


def _put(row, column, cell, **options):
    """The line of a row with one cell replaced."""
    return _line([cell if i == column else old for i, old in enumerate(CELLS[row])], **options)


def _raw(row, column, cell):
    """The line of a row with one cell written exactly as given."""
    marker = "\x01"
    return _put(row, column, marker).replace(marker, cell)


def polluted():
    """Yield every variant."""
    for family in (_legal, _ragged, _quotes, _apostrophes, _escapes, _delimiters, _shifts, _headings, _encodings,
                   _truncations, _control, _endings, _tables, _around, _spaces, _numbers, _dates, _damaged, _packed):
        yield from family()


def _legal():
    for ending, word in (("\n", "LF"), ("\r\n", "CRLF"), ("\r", "CR")):
        for final in (True, False):
            for every in (False, True):
                for mark in ("", "\ufeff"):
                    for delimiter in ",;\t|"[every::2]:
                        parts = [(_line(cells, delimiter, every=every), held) for cells, (_, held) in
                                 zip([HEAD, *CELLS], _LINES, strict=True)]
                        parts[0] = (mark + parts[0][0], ())
                        name = f"{word}{', BOM' * bool(mark)}{', all quoted' * every}{'' if final else ', no last break'}"
                        yield _variant(LEGAL, f"{name}, {delimiter!r}", parts, ending, final)
                    yield _variant(EMPTY, name, [(mark + _line(HEAD, every=every), ())], ending, final)


def _ragged():
    for i, cells in enumerate(CELLS):
        at, other = i % 12, (i + 31) % 72
        more = {word: _line([*cells[:at], cell, *cells[at:]]) for word, cell in (("empty", ""), ("full", "more"))}
        fewer = _line(cells[:at % 11] + cells[at % 11 + 1:])
        word = ("full", "empty")[i // 12 % 2]
        yield _variant("one cell too many", f"row {i}, {word} at {at}", _with({i: more[word]}))
        yield _variant("one cell too many", f"row {i}, empty at the end", _with({i: _line([*cells, ""])}))
        yield _variant("one cell too few", f"row {i}, at {at % 11}", _with({i: fewer}))
        yield _variant("one cell too few", f"row {i}, the last", _with({i: _line(cells[:-1])}))
        less = at % 11 if i % 2 else 10
        text = _line(CELLS[other][:less] + CELLS[other][less + 1:])
        yield _variant("one too many in one row, one too few in another", f"rows {i}, at {at}, and {other}, at {less}",
                       _with({i: more["empty" if i % 3 else "full"], other: text}))


def _quotes():
    for i, cells in enumerate(CELLS):
        at = i % 11
        cell = cells[at].replace('"', "") or "x"
        half = len(cell) // 2
        marked = (("opening", f'"{cell}'), ("closing", f'{cell}"'), ("middle", f'{cell[:half]}"{cell[half:]}'),
                  ("doubled around", f'""{cell}""'), ("inside quotes", f'"{cell[:half]}"{cell[half:]}x"'),
                  ("opening, delimiter inside", f'"{cell}, x'), ("doubled twice", f'"""{cell}"""'),
                  ("after the closing", f'"{cell}" x'))
        for word, text in marked[i // 11 % 3::3]:
            yield _variant(f"stray quotation mark, {word}", f"row {i}, column {at}", _with({i: _raw(i, at, text)}))
        later = i + 1 + i % 2
        if later < 72 and "\n" not in "".join(cells):
            yield _variant("two stray quotation marks, a cell over several rows", f"rows {i} to {later}, column {at}",
                           _with({i: _raw(i, at, f'"{cell}'), later: _raw(later, at, f'{CELLS[later][at]}"')}))


def _apostrophes():
    for i, cells in enumerate(CELLS):
        at = i % 11
        at = 4 if "\n" in cells[at] else at
        yield _variant("apostrophes around a cell", f"row {i}, column {at}", _with({i: _raw(i, at, f"'{cells[at]}'")}))
        if i % 4 < 2:
            yield _variant("apostrophes in a row", f"row {i}", _with({i: _line(cells, quote="'", every=i % 4 == 0)}))
    for every in (False, True):
        yield _variant("apostrophes in the file", f"all cells: {every}", [
            (_line(row, quote="'", every=every), held) for row, (_, held) in zip([HEAD, *CELLS], _LINES, strict=True)])
    for i in range(0, 72, 6):
        yield _variant("typographic quotation marks", f"row {i}", _with({i: _raw(i, _AT["event_type"], "“borrow”")}))


def _escapes():
    for i, cells in enumerate(CELLS):
        if '"' in "".join(cells):
            yield _variant("backslash before quotation marks", f"row {i}", _with({i: _line(cells, escape="\\")}))
        if "," in "".join(cells) and '"' not in "".join(cells):
            plain = ",".join(cell.replace(",", "\\,") for cell in cells)
            yield _variant("backslash before a delimiter", f"row {i}", _with({i: plain}))
    yield _variant("backslash before quotation marks", "the file", [
        (_line(row, escape="\\"), held) for row, (_, held) in zip([HEAD, *CELLS], _LINES, strict=True)])


def _delimiters():
    for i, cells in enumerate(CELLS):
        mark = ";\t|:"[i % 4]
        yield _variant("another delimiter in a row", f"row {i}, {mark!r}", _with({i: _line(cells, mark)}))
        if i % 3 == 0:
            yield _variant("another delimiter from a row on", f"row {i}, {mark!r}", _with(
                {j: _line(CELLS[j], mark) for j in range(i, 72)}))
    for mark in (";", "\t", "|", ":", " ", ", ", "\t\t", "^", "~", "\x1f", "::"):
        yield _variant("another delimiter in the file", repr(mark), [
            (_line(row, mark), held) for row, (_, held) in zip([HEAD, *CELLS], _LINES, strict=True)])


def _shifts():
    for i, cells in enumerate(CELLS):
        at = i % 11
        for way, moved in (("left", cells[:at] + cells[at + 1:] + [""]), ("right", [*cells[:at], "", *cells[at:-1]])):
            if not all(re.fullmatch(_KINDS.get(name, ".*"), cell, re.S)
                       for name, cell in zip(HEAD, moved, strict=True)):
                yield _variant(f"cells shifted {way}", f"row {i}, from {at}", _with({i: _line(moved)}))


def _headings():
    head = _line(HEAD)
    yield Variant("headings missing", "none", _variant("", "", _LINES[1:]).content, None)
    for n in (1, 2):
        yield _variant("headings again", f"{n} times, at the top", _insert(0, *[head] * n))
    for i in range(1, 73, 3):
        yield _variant("headings again", f"before row {i}", _insert(i, head))
    for at, name in enumerate(HEAD):
        other = HEAD[(at + 1) % 11]
        for word, changed in (("heading repeated", other), ("heading repeated in capitals", other.upper()),
                              ("heading empty", "")):
            names = [changed if n == name else n for n in HEAD]
            yield _variant(word, name, [(_line(names), ()), *_LINES[1:]])
        yield _variant("headings lack a cell", name, [(_line([n for n in HEAD if n != name]), ()), *_LINES[1:]])
        yield _variant("headings have a cell too many", name, [(_line([*HEAD[:at], "more", *HEAD[at:]]), ()), *_LINES[1:]])
    yield _variant("headings over two lines", "units", [*_LINES[:1], (",".join(["text"] * 11), ()), *_LINES[1:]])


def _encodings():
    for i, cells in enumerate(CELLS):
        text = _line(cells)
        if not text.isascii():
            yield _variant("a row in cp1252", f"row {i}", _with({i: text.encode("cp1252")}))
        if i % 3 == 1:
            yield _variant("a row in UTF-16", f"row {i}", _with({i: text.encode(("utf-16-le", "utf-16-be")[i % 2])}))
        if i % 4 == 0:
            yield _variant("a byte order mark inside", f"row {i}", _with({i: "\ufeff" + text}))
            for word, damage in (("not UTF-8", b"\xff"), ("overlong", b"\xc0\x80"), ("cut", b"\xc3"),
                                 ("lone surrogate", b"\xed\xa0\x80")):
                at = (i // 4) % 11
                there = _bytes(_raw(i, at, cells[at].replace('"', "").replace("\n", "").replace(",", "") + "\x01"))
                yield _variant("bytes that are not UTF-8", f"row {i}, column {at}, {word}",
                               _with({i: there.replace(b"\x01", damage)}))
    plain = _variant("", "")
    text = plain.content.decode()
    for encoding in ("cp1252", "latin-1", "utf-16-le", "utf-16-be", "utf-32"):
        yield Variant("the file in another encoding", encoding, text.encode(encoding), plain.truth)
    for encoding in ("utf-16-le", "utf-16-be"):
        yield Variant("the file in another encoding", f"{encoding}, BOM", ("\ufeff" + text).encode(encoding), plain.truth)
    yield Variant("the file in another encoding", "UTF-8, two BOM", ("\ufeff\ufeff" + text).encode(), plain.truth)


def _truncations():
    """The file ends at every byte of its last rows, and of its last cells with other columns last."""
    for last, rows in (("journey_id", 1), ("source", 1), ("quantity", 1), ("occurred_at", 1), ("event_type", 1)):
        order = [n for n in HEAD if n != last] + [last]
        lines = [_line([cells[_AT[name]] for name in order]) for cells in CELLS]
        whole = "\n".join([_line(order), *lines]).encode()
        begins = len(whole) - 100 * rows if last == "journey_id" else len(whole) - 16
        for end in range(begins, len(whole)):
            parts, place = [], 0
            for text, held in zip([_line(order), *lines], [(), *((i,) for i in range(72))], strict=True):
                if place >= end:
                    break
                parts.append((text.encode()[:end - place], held))
                place += len(text.encode()) + 1
            yield _variant("cut short", f"{last} last, {len(whole) - end} bytes before the end", parts,
                           final=place == end)


def _control():
    for i, cells in enumerate(CELLS):
        at, mark = i % 11, "\x00\x07\x0b\x1a\x1b\x7f\x85\u200b\ufffd\x02\u202e\xad"[i % 12]
        cell = cells[at]
        for kind, sign in (("NUL", "\x00"), ("control character", mark))[i % 2:]:
            yield _variant(kind, f"row {i}, column {at}, {sign!r}", _with({i: _put(i, at, cell[:2] + sign + cell[2:])}))
    yield _variant("NUL", "after the last line", [*_LINES, ("\x00" * 9, ())])
    yield _variant("control character", "after the last line", [*_LINES, ("\x1a", ())], final=False)


def _endings():
    for i, cells in enumerate(CELLS):
        at, text = i % 11, _LINES[i + 1][0]
        bare = cells[at].replace("\n", " ").replace('"', "").replace(",", "") or "xx"
        if i % 2 == 0:
            yield _variant("stray carriage return", f"row {i}, column {at}", _with(
                {i: _raw(i, at, bare[:1] + "\r" + bare[1:])}))
        yield _variant("stray line break", f"row {i}, column {at}", _with({i: _raw(i, at, bare[:1] + "\n" + bare[1:])}))
        if i % 4 == 1:
            yield _variant("a line that ends otherwise", f"row {i}, CRLF among LF", _with({i: text + "\r"}))
            crlf = _variant("a line that ends otherwise", f"row {i}, LF among CRLF", ending="\r\n")
            record = _bytes(text)
            yield crlf._replace(content=crlf.content.replace(record + b"\r\n", record + b"\n"))
        if i % 4 == 0 and i < 71:
            merged = [*_LINES[:i + 1], (text + "\r" + _LINES[i + 2][0], (i, i + 1)), *_LINES[i + 3:]]
            yield _variant("a line that ends otherwise", f"row {i}, CR among LF", merged)


def _tables():
    people = [["person_id", "eligible_from", "mode"], ["u01", "2024-09-01", "full-time"], ["u02", "2024-09-01", "distance"]]
    wide = [[f"{name} {i}" if row else name for i in range(1)] * 11 for row, name in enumerate(["unit", "opens", "loans"])]
    rooms = [[*HEAD[:1], "room", "from", "to", "seats", "floor", "wing", "keys", "phone", "open", "shut"],
             *[[f"r{i}", f"Room {i}", "2024-10-01 10:00", *"981N34", "10:00", "18:00"] for i in range(3)]]
    for word, table in (("fewer cells", people), ("as many cells", wide), ("as many cells, ids", rooms),
                        ("more cells", [[*row, "x"] for row in rooms])):
        for blank in (0, 1):
            for at in (0, 36, 72):
                yield _variant("a second table", f"{word}, {blank} blank lines, before row {at}", _insert(
                    at, *[""] * blank, *map(_line, table), *[""] * blank))


def _around():
    for n, lines in enumerate((["Events of the library"], ["Events", "Exported 2025-01-01"], ["Events,2025"], ["", ""], [""],
                               ["Events" + "," * 10], ["Events" + "," * 10, "," * 10], ["# Events, exported"], ["   "],
                               ['"Events, exported"'], ["sep=,"], ["-" * 40], ["Events;of;the;library"])):
        yield _variant("lines before the headings", f"{n}", [(line, ()) for line in lines] + _LINES)
        for final in (True, False):
            yield _variant("lines after the last row", f"{n}{'' if final else ', no last break'}",
                           _LINES + [(line, ()) for line in lines], final=final)
    for n, line in enumerate(("Total,72", "Total" + "," * 10, "72 rows", "Total,,,,,,,,1234,,", "\\.", "-- end")):
        yield _variant("lines after the last row", f"total {n}", [*_LINES, (line, ())])
    for i in range(0, 72, 3):
        for mark in ("# a remark", "#,a,remark,,,,,,,,")[i // 3 % 2:][:1]:
            yield _variant("a line of comment", f"before row {i}, {mark}", _insert(i, mark))
        for word, line in (("a blank line", ""), ("a line of delimiters", "," * 10), ("a line of spaces", "   ")):
            yield _variant(word, f"before row {i}", _insert(i, line))
    yield _variant("trailing delimiters", "each row and the headings", [(text + ",", held) for text, held in _LINES])
    yield _variant("trailing delimiters", "each row", [*_LINES[:1], *[(text + ",", held) for text, held in _LINES[1:]]])
    yield _variant("trailing delimiters", "the headings", [(_LINES[0][0] + ",", ()), *_LINES[1:]])


def _spaces():
    for i, cells in enumerate(CELLS):
        at, cell = i % 11, cells[i % 11]
        blank = (" ", "\u00a0", "\t", "\u2003", "\u3000", "\u202f", "  ", "\u2007")[i % 8]
        where, spaced = ("after", cell + blank) if i % 2 else ("before", blank + cell)
        yield _variant("spaces around a cell", f"{where}, row {i}, column {at}, {blank!r}", _with({i: _put(i, at, spaced)}))
        if " " in cells[4]:
            joined = cells[4].replace(" ", "\u00a0")
            yield _variant("non-breaking space in a cell", f"row {i}", _with({i: _put(i, 4, joined)}))
        if i % 3 == 0:
            spaced = _LINES[i + 1][0].replace(",", ", ") if '"' not in _LINES[i + 1][0] else _LINES[i + 1][0] + "   "
            yield _variant("spaces after delimiters or the row", f"row {i}", _with({i: spaced}))
    yield _variant("spaces after delimiters or the row", "the file", [(text + " ", held) for text, held in _LINES])


def _numbers():
    column = _AT["quantity"]
    for i in range(0, 72, 12):
        for kind, written, value in (
                ("decimal comma", "3,5", "3.5"), ("decimal comma", "0,25", "0.25"), ("thousands", "1,200", "1200"),
                ("thousands", "1.200", "1200"), ("thousands", "1 200", "1200"), ("thousands", "1'200", "1200"),
                ("thousands", "1\u00a0200", "1200"), ("thousands", "1_200", "1200"), ("thousands", "1.200.000", "1200000"),
                ("number in words", "NaN", ""), ("number in words", "inf", ""), ("number in words", "1e2x", "100"),
                ("number in words", "0x1F", "31"), ("number in words", "12 items", "12"), ("number in words", "true", "1")):
            rows = [*ROWS]
            rows[i] = event([value if n == column else cell for n, cell in enumerate(CELLS[i])])
            yield _variant(kind, f"row {i}, {written}", _with({i: _put(i, column, written)}), rows=rows)
            if "," in written:
                yield _variant(kind, f"row {i}, {written}, unquoted", _with({i: _raw(i, column, written)}), rows=rows)


def _dates():
    column = _AT["occurred_at"]
    when = [row[READ.index("occurred_at")] for row in ROWS]
    written = [f"{day:%d/%m/%Y %H:%M}" for day in when]
    parts = [_LINES[0], *((_put(i, column, text), (i,)) for i, text in enumerate(written))]
    yield _variant(DAY_FIRST, "all as declared", parts)
    for i, day in enumerate(when):
        style = ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%Y-%-m-%-d %H:%M", "%Y/%m/%d %H:%M", "%d.%m.%Y %H:%M", "%Y%m%d %H%M",
                 "%y-%m-%d %H:%M", "%b %d %Y %H:%M", "%Y-%m-%d %I:%M %p", "%Y-%m-%d %-H:%-M", "%d-%b-%Y", "%Y-%m-%dT%H:%M",
                 "%Y-%m-%d %H:%M:", "%Y-%m-%d %H", "%j %Y", "%Y-%m-%d %H:%M:%S.000", "%Y-%m-%d %H.%M",
                 "-%Y-%m-%d %H:%M")[i % 18]
        if day.strftime(style) != CELLS[i][column]:
            yield _variant("date written otherwise", f"row {i}, {style}", _with({i: _put(i, column, day.strftime(style))}))
        word, text = ("", f"{day:%m/%d/%Y %H:%M}") if day.day > 12 else (", two-digit year", f"{day:%d/%m/%y %H:%M}")
        if day.day > 12 or i % 2:
            yield _variant(DAY_FIRST, f"row {i}{word}", _with({i: _put(i, column, text)}, parts))
    yield _variant(DAY_FIRST, "all the other way", [_LINES[0], *(
        (_put(i, column, f"{day:%m/%d/%Y %H:%M}"), (i,)) for i, day in enumerate(when))])
    yield _variant(DAY_FIRST, "from the middle on", parts[:37] + [
        (_put(i, column, f"{day:%m/%d/%Y %H:%M}"), (i,)) for i, day in enumerate(when) if i >= 36])


def _damaged():
    for i in range(0, 72, 13):
        for column in ("event_id", "person_id", "journey_id", "touchpoint"):
            for cell in ("1.23457E+12", "1,23E+05", "123456.0", "#N/A", "#REF!", "########", '="00123"'):
                if (i // 13 + len(cell)) % 2 and not (column == "touchpoint" and cell[0] == "1"):
                    yield _variant("damaged by a spreadsheet", f"row {i}, {column}, {cell}",
                                   _with({i: _put(i, _AT[column], cell)}))


def _packed():
    packed = gzip.compress(_variant("", "").content, mtime=0)
    for end in range(20, len(packed), (len(packed) - 20) // 20):
        yield Variant("gzip cut short", f"{end} of {len(packed)} bytes", packed[:end], None)
    for at in range(30, len(packed) - 8, (len(packed) - 40) // 12):
        broken = packed[:at] + bytes([packed[at] ^ 0x55]) + packed[at + 1:]
        yield Variant("gzip damaged", f"byte {at}", broken, None)
