"""The gate at the exit: which rule of release a page breaks, and where; what breaks one is not written."""

import re
from dataclasses import dataclass

from bs4 import BeautifulSoup

from ..claims import MIME
from ..privacy import PrivacyError, release_problems
from ..privacy.linked import Count, exposed
from ..privacy.release import drawing, words_of
from .running import headings

# The number of each rule, its name, and what it asks; manifests repeat them.
RULES = {
    7: ("small numbers", "every figure and table says on how many people it rests at least, which reaches the study's "
                         "minimum; what rests on fewer is withheld, in words and never as 0"),
    8: ("complementary suppression", "no number withheld can be found from all other numbers of the page together"),
    9: ("extremes and single people", "no least and greatest value of people, and no mark for each of them"),
    10: ("everybody and nobody", "a share of 0% or 100% tells something of each member of a group: it is let go with a "
                                 "warning"),
    11: ("quotations", "no eight words of a comment in a row, unless its writer agreed and somebody approved them"),
    12: ("nothing of a person or a machine", "no rows of single people, pseudonyms, addresses, paths, user names, "
                                             "tracebacks, hidden comments, scripts, frames, or anything loaded"),
    13: ("manifest", "beside each page lies what it was checked by, and the digest of every edition"),
    14: ("all or nothing", "where one edition breaks one rule nothing is written, and an older page stays as it was"),
    16: ("no network", "the cells that make a page cannot connect to anything beyond the machine"),
}
NOBODY = "no people"    # what tables of rules, words or arithmetic rest on
LEAST = 5               # a minimum below it protects nobody
MARKS = 400             # of one kind in a figure: twice those of the densest figure of the demonstration, which has 192
CORNERS = 1_000         # of one line: three times those of its longest, three years of weeks there and back
RUN = 8                 # words in a row that make a quotation
_PEOPLE = ("people|persons?|readers?|students?|borrowers?|users?|respondents?|members?|patrons?|cardholders?|customers?|"
           "visitors?")
_OF_PEOPLE = re.compile(rf"\b(?:{_PEOPLE}|n)\b", re.I)
_ROW_OF_PEOPLE = re.compile(r"(?:number of )?(?:people|persons|respondents|n)", re.I)
_COUNT = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?: (?:of|in) [\d,]+)?\Z")
_SAID = re.compile(rf"(?<![\w.,+\N{{MINUS SIGN}}%-])(?<!\bthan )(?<!\bleast )(?<!\bin )(\d+) (?:{_PEOPLE})\b", re.I)
_TABLE_AS_TEXT = re.compile(r"\S {2,}\S.*\n.*\S {2,}\S|^ *\|?[ :]*-{2,}[ :]*\||<table", re.I | re.M)
_ALL_OR_NONE = re.compile(r"(?<![\d.,\N{MINUS SIGN}])(?<!to )(?:0|100)(?:\.0+)?%(?! to)")
_EXTREMES = {"min": "least", "minimum": "least", "lowest": "least", "least": "least",
             "max": "greatest", "maximum": "greatest", "highest": "greatest", "greatest": "greatest"}


@dataclass(frozen=True)
class Findings:
    """What the gate found: sentences that name the place and the rule.

    Attributes
    ----------
    problems : tuple of str
        Breaches; with one of them, nothing may be handed over.
    warnings : tuple of str
        What a reader of the manifest should know.
    """

    problems: tuple
    warnings: tuple

    @property
    def summary(self):
        """All problems in a row, or that there is none."""
        return " ".join(self.problems) or "Nothing here breaks a rule of release."


def examine(page, notebook, editions, study, *, forbidden=()):
    """Hold a page and all its editions against the rules of release.

    What an output says of itself is not relied on alone: tables, sentences and drawings are read too. What a cell draws in
    pixels cannot be read, and numbers spelled out in words are not.

    Parameters
    ----------
    page : Page
        The run notebook as read.
    notebook : nbformat.NotebookNode
        The same, as run: what its cells wrote is told from what its author did.
    editions : dict of str to str
        The HTML of each edition, by the name of its file.
    study : Study
        Its `minimum_count`, `tables`, and where it has them `feedback` and `quotations`.
    forbidden : iterable of str
        Words that may not occur, such as the notebook's folder.

    Returns
    -------
    Findings

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control. Griffiths et al. (2019), Handbook on Statistical Disclosure
    Control for Outputs.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import nbformat
    >>> from .pages import Page
    >>> frame = nbformat.v4.new_output("display_data", {"text/html": "<table><tr><td>12</td></tr></table>"})
    >>> run = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Who came?"),
    ...                                       nbformat.v4.new_code_cell("show()", outputs=[frame])])
    >>> print(examine(Page(run), run, {}, SimpleNamespace(minimum_count=10, tables=())).summary)
    A table under “Who came?” does not say on how many people it rests: give its output the metadata “rests_on”
    (rule 7, small numbers).
    """
    found = []
    if study.minimum_count < LEAST:
        found.append((7, "The study", f"has a minimum_count of {study.minimum_count}; the least accepted is {LEAST}"))
    least = max(study.minimum_count, LEAST)
    blocks = [(_place(page, section, block), block) for section, block in page.blocks]
    for place, block in blocks:
        if block["kind"] in ("figure", "table"):
            found += [(7, place, what) for what in _small_numbers(block, least)]
            found += [(9, place, what) for what in _extremes(block)]
    found += [(7, f"What a cell says under “{heading}”", what)
              for heading, words in _outputs(notebook, page.title) for what in _small_numbers_said(words, least)]
    found += _recoverable(blocks, least)
    found += _quoted(blocks, editions, study)
    found += _unfit(editions, forbidden)
    warned = [(10, place, what) for place, block in blocks for what in _everybody(block)]
    return Findings(*(tuple(dict.fromkeys(f"{place} {what} (rule {rule}, {RULES[rule][0]})." for rule, place, what in some))
                      for some in (found, warned)))


def rules(study):
    """The rules a page was checked by, in words, with the numbers they stand under.

    Returns
    -------
    list of str
    """
    return [f"{number}. {name.capitalize()}: {words}." for number, (name, words) in RULES.items()] + [
        f"The study's minimum is {study.minimum_count} people."]


def _place(page, section, block):
    """What a block is called, and the heading it stands under."""
    kind = block["kind"]
    label = f"{kind.capitalize()} {block['number']}" if block.get("number") else {
        "table": "A table", "prose": "The text", "text": "The text", "claim": "A claim"}.get(kind, kind.capitalize())
    return f"{label} under “{section['title'] or page.title}”"


def _small_numbers(block, least):
    """What is wrong with the numbers of people of a figure or table: as it declares them, and as they are read in it."""
    rests_on, counts = block["rests_on"], block["counts"]
    if rests_on is None:
        yield "does not say on how many people it rests: give its output the metadata “rests_on”"
    elif rests_on != NOBODY and (isinstance(rests_on, bool) or not isinstance(rests_on, int)):
        yield f"says in “rests_on” neither a whole number of people nor “{NOBODY}”"
    elif rests_on != NOBODY and rests_on < least:
        yield f"shows a number that rests on fewer than {least} people: withhold it"
    if block["kind"] == "figure":
        if any(_few(text, least) for text in drawing(block["src"]).stripped_strings):
            yield "tells of a number of people below the minimum"
        return
    cells = list(_cells(block))
    few = {column or row for row, column, words in cells
           if (_OF_PEOPLE.search(column) or _ROW_OF_PEOPLE.fullmatch(row)) and (count := _COUNT.match(words))
           and 0 < int(count[1].replace(",", "")) < least}
    if few:
        yield f"has numbers of people below {least} in its column or row “{sorted(few)[0]}”: withhold them"
    if any(count.get("withheld") for count in counts) and any(words == "0" for *_, words in cells) and not any(
            re.match("withheld|too few", words) for *_, words in cells):
        yield "shows 0 where it withholds a number: show the word “withheld”"


def _small_numbers_said(words, least):
    """What is wrong with words that a cell wrote outside of a table."""
    if _few(words, least):
        yield "tells of a number of people below the minimum"
    if _TABLE_AS_TEXT.search(words):
        yield "is a table written as text: display a frame, whose output can say on how many people it rests"


def _few(words, least):
    """Whether a text tells of a number of people below the minimum."""
    return any(0 < int(number) < least for number in _SAID.findall(words))


def _cells(block):
    """Each cell of a table's body, with the headings of its row and its column."""
    soup = BeautifulSoup(block["html"], "html.parser")
    heads = [[cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])] for row in soup.select("thead tr")]
    for row in soup.select("tbody tr"):
        cells = [cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])]
        # Counted from the right, where cells that span rows take nothing away.
        columns = [" ".join(line[-place] for line in heads if len(line) >= place) for place in range(len(cells), 0, -1)]
        yield from ((cells[0], column, words) for column, words in zip(columns, cells, strict=True))


def _extremes(block):
    """What shows single people: a least and a greatest of them, or as many marks as there are people."""
    if block["kind"] == "table":
        names = {name.lower() for row, column, _ in _cells(block) for name in (row, column)}
        if block["rests_on"] != NOBODY and {_EXTREMES[name] for name in names & set(_EXTREMES)} == {"least", "greatest"}:
            yield "shows a least and a greatest value, each of which is one person's: show quantiles of enough people"
        return
    svg = drawing(block["src"])
    kinds = {}
    for mark in svg.find_all(["use", "circle", "ellipse", "rect", "path"]):
        path = mark.get("d", "")
        kind = mark.name, mark.get("xlink:href") or mark.get("href"), re.sub(r"[^A-Za-z]", "", path)
        kinds[kind] = kinds.get(kind, 0) + max(len(re.findall("[Mm]", path)), 1)
    if (most := max(kinds.values(), default=0)) > MARKS:
        yield f"has {most:,} marks of one kind, as a mark for each person would make; {MARKS} are the most: bin them"
    corners = max((len(re.findall("[A-Za-y]", path["d"])) for path in svg.find_all("path", d=True)), default=0)
    if corners > CORNERS:
        yield f"has a line of {corners:,} corners, as a step for each person would make; {CORNERS:,} are the most: bin it"


def _everybody(block):
    """What shows that all or none of a group are something, and what cannot be read."""
    if block["kind"] == "figure":
        if block["src"].startswith("data:image/png") or drawing(block["src"]).find("image"):
            yield "is drawn in pixels, whose words and marks were not read: look at it before handing it over"
        shown = _ALL_OR_NONE.findall(block["alt"]) if block["rests_on"] != NOBODY else ()
    elif block["kind"] == "table" and block["rests_on"] != NOBODY:
        cells = list(_cells(block))
        shown = [words for *_, words in cells if _ALL_OR_NONE.fullmatch(words)]
        if any(words == "0" and _OF_PEOPLE.search(column) for _, column, words in cells):
            yield "shows groups of nobody: see that this tells nothing of anybody"
    else:
        return
    if shown:
        yield f"shows 0% or 100%, {len(shown)} in all: see that this tells nothing of each member of a group"


def _outputs(notebook, title):
    """What cells wrote in sentences, with the heading it stands under."""
    heading = title
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = next((words for _, words in reversed(headings(cell.source))), heading)
        for output in cell.get("outputs", ()):
            yield heading, output.get("text", "")
            data, about = output.get("data", {}), output.get("metadata", {})
            if html := data.get("text/html", ""):
                soup = BeautifulSoup(html, "html.parser")
                yield from ((heading, text) for text in soup.stripped_strings)
            elif not {"image/svg+xml", "image/png"} & set(data):
                yield heading, data.get("text/markdown", data.get("text/plain", ""))
            yield heading, str(data.get(MIME, ""))
            for said in (about, *about.values()):
                if isinstance(said, dict):
                    yield from ((heading, str(said.get(name, ""))) for name in ("alt", "caption", "title"))


def _recoverable(blocks, least):
    """Groups that all counts of the page together give away."""
    counts = [Count.from_dict({**count, "table": place}) for place, block in blocks for count in block.get("counts", ())]
    try:
        for found in exposed(counts, least).itertuples():
            yield 8, " and ".join(found.tables), (f"may give away the number of {found.of} with {found.where} to within "
                                                  f"fewer than {least}: withhold more of them")
    except PrivacyError as problem:
        yield 8, "The counts of the page", f"cannot be audited: {problem}"


def _quoted(blocks, editions, study):
    """Places where words of a comment stand that nobody approved."""
    if "feedback" not in study.tables:
        return
    places = {}
    for place, text in [*((f"The edition {name}", words_of(html)) for name, html in editions.items()),
                        *((place, words_of(str(block.get("html") or block.get("card") or block.get("alt") or "")))
                          for place, block in blocks)]:
        places |= dict.fromkeys(_runs(text), place)
    if "quotations" in study.tables:
        given = study.quotations.df()
        approved = given[given["consent"].eq(True) & given["approved_by"].fillna("").str.strip().ne("")]
        for quote in approved["quote"]:
            for run in _runs(quote):
                places.pop(run, None)
    found = {places[run] for (text,) in study.feedback.select("text").iter_rows() if text for run in _runs(text)
             if run in places}
    for place in sorted(found):
        yield 11, place, f"holds {RUN} or more words in a row of a comment that is not approved for quoting"


def _runs(text):
    """Every run of so many words, in any case and without punctuation."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return zip(*(words[at:] for at in range(RUN)), strict=False)


def _unfit(editions, forbidden):
    """What the text of editions holds that may not leave; one sentence where several hold the same."""
    where = {}
    for name, html in editions.items():
        for problem in release_problems(html, forbidden):
            where.setdefault(problem, []).append(name)
    for problem, names in where.items():
        yield 12, f"{' and '.join(names)}:", problem[0].lower() + problem[1:-1]
