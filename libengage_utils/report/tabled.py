"""What the cells of a table tell of people: small numbers, single ones, and counts that give a withheld one away."""

import re
from dataclasses import dataclass
from itertools import groupby

from bs4 import BeautifulSoup

from ..privacy.linked import Count
from .said import PEOPLE, WHOLE, few_said, part_tells_few, share_tells_few, whole

NOBODY = "no people"    # what tables of rules, words or arithmetic rest on
ROWS = 30               # a longer table has to count people in each row
OF_PEOPLE = re.compile(rf"\b(?:{PEOPLE}|n)\b", re.I)
# A heading whose number counts people ("law students", "people who came"), not acts of a person or the share of people.
_COUNTS = re.compile(rf"(?:number of )?(?:(?!(?:of|to|an?|per|by|for|with|from|in)\b)[\w'-]+ ){{0,2}}(?:{PEOPLE}|n)\b", re.I)
_NUMBER = re.compile(rf"(?:(?:about|around|only|just|some|c\.|ca\.|n =|[~≈=]) ?)?({WHOLE})(?:\.0)?"
                     rf"(?: ?(?:of|out of|/) ?(?:the )?({WHOLE}))?(?: \(.*\))?\Z", re.I)
_BELOW = re.compile(r"(?:(?:fewer|less) than|under|below|up to|at most|[<≤]) ?(\d+)\Z", re.I)
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%(?: \(.*\))?\Z")
_WITHHELD = re.compile(r"withheld|too few", re.I)
_TOTAL = re.compile(r"(?:(?:all|everybody|everyone|sum|overall|(?:al)?together|(?:grand )?totals?)(?: \w+)?|"
                    r".* (?:in all|together|total))(?: \(\d+\))?\Z", re.I)
_EXTREME = re.compile(r"(?:min|max|minimum|maximum|lowest|highest|least|greatest|fewest|oldest|youngest|largest|smallest|"
                      r"longest|shortest|range)\b(?!.*\b(?:fifth|quarter|third|half|tenth|groups?|active|often|likely|degree|"
                      r"\w+ed))", re.I)


@dataclass(frozen=True)
class Cell:
    """A cell of a table's body: its place, the labels of its row, the heading of its column, its words."""

    at: int
    row: tuple
    column: str
    words: str
    label: bool     # whether it is a label itself

    @property
    def counts_people(self):
        """Whether a heading says that its number is one of people."""
        return any(_COUNTS.match(heading) for heading in (self.column, *self.row))

    def among(self, names):
        """Whether its column or row is named."""
        return not names.isdisjoint((self.column.lower(), *(label.lower() for label in self.row)))


def cells(html):
    """Every cell of a table's body, row by row, where cells that span several count in each.

    Examples
    --------
    >>> [(cell.row, cell.column, cell.words) for cell in cells("<table><tr><th>faculty</th><th>people</th></tr>"
    ...                                                        "<tr><td>arts</td><td>40</td></tr></table>")]
    [(('arts',), 'faculty', 'arts'), (('arts',), 'people', '40')]
    """
    rows = BeautifulSoup(html, "html.parser").find_all("tr")
    heads = [row for row in rows if row.find_parent("thead")] or [row for row in rows[:1] if not row.find("td")]
    heads, body = _spread(heads), _spread([row for row in rows if not any(row is head for head in heads)])
    columns = [" ".join(dict.fromkeys(_words(line[place]) for line in heads if place < len(line))).strip()
               for place in range(max(map(len, [*heads, *body]), default=0))]
    found = []
    for at, line in enumerate(body):
        labels = next((place for place, cell in enumerate(line) if cell is None or cell.name != "th"), len(line)) or 1
        row = tuple(map(_words, line[:labels]))
        found += [Cell(at, row, columns[place], _words(cell), place < labels) for place, cell in enumerate(line)]
    return found


def small_numbers(block, least):
    """What is wrong with the numbers of a table, each a sentence's end."""
    found, names = cells(block["html"]), _named(block)
    if block["rests_on"] == NOBODY:
        if headed := [cell.column for cell in found if _COUNTS.match(cell.column) and not cell.label
                      and (number := _NUMBER.match(cell.words)) and whole(number[1])]:
            yield f"says that it rests on no people, and has numbers of them in its column “{headed[0]}”"
        if any(few_said(cell.words, least) for cell in found):
            yield "tells of a number of people below the minimum"
        return
    asked = [cell for cell in found if cell.counts_people or not cell.among(names)]
    points = {cell.column for cell in asked if re.search(r"\d\.\d*[1-9]", cell.words)}    # 3.00 below 1.95 is no count
    for cell in asked:
        if cell.column in points and re.fullmatch(r"\d+\.0", cell.words):
            continue
        if _few(cell.words, least):
            yield (f"has numbers below {least} in its column “{cell.column}”, row “{cell.row[0]}”: withhold them, or name "
                   "the column or row in the metadata “not_people” if they are not of people")
            break
    for column in _shares_that_tell(asked, least):
        yield (f"has in its column “{column}” a share that tells a number below {least} beside the number of people: "
               "withhold it, or name the column in the metadata “not_people” if it is a share of something else")


def _few(words, least):
    """Whether a cell tells of a number below the minimum: outright, as what a part leaves, or in words."""
    number, below = _NUMBER.match(words), _BELOW.match(words)
    if number and number[2]:
        return part_tells_few(whole(number[1]), whole(number[2]), least)
    return 0 < int((number or below or "00")[1].replace(",", "")) < least or few_said(words, least)


def nought_for_withheld(block):
    """Whether a table shows 0 where its counts are withheld."""
    words = [cell.words for cell in cells(block["html"])]
    return any(count.get("withheld") for count in block["counts"]) and "0" in words and not any(map(_WITHHELD.match, words))


def extremes(block):
    """What shows a value of one person: headings of a least or a greatest value, with a number beside them."""
    found, names = cells(block["html"]), _named(block)
    shares = {label for cell in found for label in cell.row if _SHARE.fullmatch(label)}
    for cell in found if block["rests_on"] != NOBODY else ():
        headings = [name for name in (cell.column, *cell.row) if _EXTREME.match(name)
                    or (name in ("0%", "100%") and (len(shares) > 1 or cell.column in ("0%", "100%")))]
        if headings and not cell.label and re.search(r"\d", cell.words) and not cell.among(names):
            yield (f"shows a least or greatest value (“{headings[0]}”), which is one person's: show quantiles of enough "
                   "people, or name it in the metadata “not_people” if it is not of people")
            return


def lists_people(block):
    """What shows rows of single people: many, none of which says how many people it counts."""
    if block["rests_on"] == NOBODY:
        return
    found = cells(block["html"])
    rows = 1 + max((cell.at for cell in found), default=-1)
    counted = any(OF_PEOPLE.search(column) and all(_NUMBER.match(cell.words) or _WITHHELD.match(cell.words) for cell in some)
                  for column, some in _by_column(found))
    if rows > ROWS and not counted:
        yield f"has {rows} rows and no column that counts the people of each, as a list of single people: sum it up"


def numbered(html):
    """Whether rows bear pandas' numbers, which a page drops, and are many, or in another order, as picked from a list."""
    numbers = [cell.words for cell in cells(html) if cell.label and not cell.column]
    return bool(numbers) and all(map(str.isdigit, numbers)) and (
        len(numbers) > ROWS or numbers != sorted(numbers, key=int))


def counts_within(block, place):
    """The counts that a table with totals makes public, in lists that are held together each for itself.

    Rows, or columns, that are all, a total or a sum are taken for the sum of the others.
    """
    numbers, names, seen = {}, _named(block), {}
    for cell in cells(block["html"]):
        row = ", ".join(cell.row)
        row += "" if seen.setdefault(row, cell.at) == cell.at else f" ({cell.at + 1})"
        withheld = _WITHHELD.match(cell.words)
        if not cell.label and (cell.counts_people or not cell.among(names)) and (
                withheld or re.fullmatch(WHOLE, cell.words)):
            numbers[row, cell.column] = None if withheld else whole(cell.words)
    known = [number for number in numbers.values() if number]
    half = 5 if len(known) > 2 and not any(number % 10 for number in known) else 0    # rounded to the ten
    rows, columns = (dict.fromkeys(names) for names in zip(*numbers, strict=True)) if numbers else ({}, {})
    across = any(map(_TOTAL.match, columns))
    for some in [list(columns)] if across else [[column] for column in columns]:
        here = {at: number for at, number in numbers.items() if at[1] in some}
        if None in here.values() and (across or any(_TOTAL.match(row) for row, _ in here)):
            yield [_count({name: at for name, at in (("row", row), ("column", column if across else "")) if at and not
                           _TOTAL.match(at)}, number, number, half, place) for (row, column), number in here.items()]
    lines = [{row: numbers.get((row, column), 0) for row in rows} for column in columns]
    lines += [{column: numbers.get((row, column), 0) for column in columns} for row in rows]
    for line in lines:
        totals = [number for name, number in line.items() if _TOTAL.match(name)]
        parts = [number for name, number in line.items() if not _TOTAL.match(name)]
        if len(totals) == 1 and None not in line.values() and 0 < sum(parts) < totals[0]:
            room = half * len(parts)
            yield [_count({}, totals[0], totals[0], half, place),
                   _count({"row": "shown"}, sum(parts) - room, sum(parts) + room, 0, place)]


def _count(where, low, high, half, place):
    """A count as shown, to within `half`; missing where withheld."""
    if low is None:
        return Count("people", where, withheld=True, table=place)
    return Count("people", where, max(low - half, 0), high + half if high else 0, table=place)


def _shares_that_tell(asked, least):
    """Columns of shares, of the people counted in the same row, that tell a small number; not those of all rows together."""
    people = {}
    for cell in asked:
        if _COUNTS.match(cell.column) and re.fullmatch(WHOLE, cell.words):
            people.setdefault(cell.at, whole(cell.words))
    for column, some in _by_column(asked):
        pairs = [(share[1], people[cell.at]) for cell in some if cell.at in people and (share := _SHARE.match(cell.words))]
        wholes = {sum(people.values()), max(people.values(), default=0)} if len(pairs) > 1 else ()
        if any(all(abs(100 * number / everybody - float(share)) < 1 for share, number in pairs) for everybody in wholes):
            continue
        if any(share_tells_few(share, number, least) for share, number in pairs):
            yield column


def _named(block):
    """Columns and rows that an author says are not of people."""
    return {str(name).lower() for name in block["not_people"]}


def _by_column(found):
    """Cells by the heading of their column."""
    by = sorted(found, key=lambda cell: cell.column)
    return [(column, list(some)) for column, some in groupby(by, key=lambda cell: cell.column)]


def _words(cell):
    return cell.get_text(" ", strip=True) if cell is not None else ""


def _spread(rows):
    """Rows as lists of cells of equal places, where a cell that spans several stands in each."""
    filled = {}
    for at, row in enumerate(rows):
        place = 0
        for cell in row.find_all(["th", "td"]):
            while (at, place) in filled:
                place += 1
            down, across = (int(span) if (span := cell.get(name, "")).isdigit() else 1 for name in ("rowspan", "colspan"))
            filled |= {(at + i, place + j): cell for i in range(min(down, len(rows))) for j in range(min(across, 99))}
    wide = 1 + max((place for _, place in filled), default=-1)
    lines = [[filled.get((at, place)) for place in range(wide)] for at in range(len(rows))]
    return [line[:max((place + 1 for place, cell in enumerate(line) if cell is not None), default=0)] for line in lines]
