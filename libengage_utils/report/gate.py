"""The gate at the exit: which rule of release a page breaks, and where; what breaks one is not written."""

import re
from dataclasses import dataclass

from bs4 import BeautifulSoup

from ..claims import MIME
from ..privacy import LEAST, PrivacyError, release_problems
from ..privacy.linked import Count, exposed
from ..privacy.release import words_of
from . import tabled
from .drawn import few_drawn, in_pixels, single_people
from .running import headings
from .said import few_listed, few_said, table_as_text
from .tabled import NOBODY

# The number of each rule, its name, and what it asks, as far as the gate reads it; manifests repeat them.
RULES = {
    7: ("small numbers", "every figure and table of a cell says on how many people it rests at least, which reaches the "
                         "study's minimum; read for smaller numbers are tables, and sentences, lists and figures where a "
                         "word tells that they are of people"),
    8: ("complementary suppression", "an attacker's audit finds no number withheld, nor a small one, from the totals of a "
                                     "table, nor from all numbers whose population the cells declare; the index repeats "
                                     "that over all pages together"),
    9: ("extremes and single people", "no heading of least and greatest values of people, and no more marks, lines or "
                                      "corners in a drawing than sums need"),
    10: ("everybody and nobody", "a share of 0% or 100% tells something of each member of a group: it is let go with a "
                                 "warning"),
    11: ("quotations", "no eight words of a comment in a row, unless its writer agreed and somebody approved them"),
    12: ("nothing of a person or a machine", "no rows of single people, pseudonyms, addresses, paths, user names, "
                                             "tracebacks, hidden comments, scripts, frames, or anything loaded, as far as "
                                             "words and shapes tell"),
    13: ("manifest", "beside each page lies what it was checked by, and the digest of every edition"),
    14: ("all or nothing", "where one edition breaks one rule nothing is written, and an older page stays as it was"),
    16: ("no network", "Python's own sockets cannot connect to anything beyond the machine while the cells run; a program "
                       "that a cell starts, and a compiled library that opens its own connection, are not seen"),
}
# What no reading can tell; manifests say this too.
TAKEN_ON_TRUST = (
    "Taken on the author's word, and not checked: on how many people an output rests; what “not_people” names; which "
    "population a count is of; what the author's own text says; numbers spelled out in words; what lengths and places in a "
    "drawing show; and what numbers of different tables tell together where no population is declared.")
RUN = 8                 # words in a row that make a quotation
_ALL_OR_NONE = re.compile(r"(?<![\d.,\N{MINUS SIGN}])(?<!to )(?:0|100)(?:\.0+)?%(?! to)")


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

    What an output says of itself is not relied on alone: tables, sentences and drawings are read too. What reading cannot
    tell is taken on the author's word, as `TAKEN_ON_TRUST` says. The author's own Markdown is not read for numbers: it is
    typed before the data. Nor are bare numbers on a drawing, which ticks have too, or small ones in a sentence without a
    word for people in reach ("3 came back").

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
            found += [(7, place, what) for what in _declared(block, least)]
        if block["kind"] == "figure":
            found += [(7, place, "tells of a number of people below the minimum")] if few_drawn(block, least) else []
            found += [(9, place, what) for what in single_people(block)]
        if block["kind"] == "table":
            found += [(7, place, what) for what in tabled.small_numbers(block, least)]
            found += [(9, place, what) for what in tabled.extremes(block)]
            found += [(12, place, what) for what in tabled.lists_people(block)]
            found += _given_away(place, block, least)
    found += [(rule, f"What a cell says under “{heading}”", what)
              for heading, output in _outputs(notebook, page.title) for rule, what in _said(output, least)]
    found += _recoverable(statements(page), least)
    found += _quoted(blocks, editions, study)
    found += _unfit(editions, forbidden)
    warned = [(10, place, what) for place, block in blocks for what in _everybody(block)]
    return Findings(_sentences(found), _sentences(warned))


def rules(study):
    """The rules a page was checked by, in words, with the numbers they stand under, and what is taken on trust.

    Returns
    -------
    list of str
    """
    return [f"{number}. {name.capitalize()}: {words}." for number, (name, words) in RULES.items()] + [
        f"The study's minimum is {study.minimum_count} people.", TAKEN_ON_TRUST]


def statements(page):
    """The counts that a page makes public, as its outputs declare them, with the place where each stands.

    Returns
    -------
    list of dict
        For `privacy.Count.from_dict`.
    """
    return [{**count, "table": _place(page, section, block)} for section, block in page.blocks
            for count in block.get("counts", ())]


def told_together(pages, least):
    """What the counts that several pages make public of one population give away together.

    Parameters
    ----------
    pages : dict of str to list of dict
        The `statements` of each page, by its name. A population on one page alone was audited with that.
    least : int
        The study's minimum.

    Returns
    -------
    tuple of str
    """
    on = {}
    for name, said in pages.items():
        for count in said:
            on.setdefault(count["of"], set()).add(name)
    counts = [{**count, "table": f"{name}, {count['table']}"} for name, said in pages.items() for count in said
              if len(on[count["of"]]) > 1]
    return _sentences(_recoverable(counts, max(least, LEAST)))


def _sentences(found):
    """Breaches in words, each once."""
    return tuple(dict.fromkeys(f"{place} {what} (rule {rule}, {RULES[rule][0]})." for rule, place, what in found))


def _place(page, section, block):
    """What a block is called, and the heading it stands under."""
    kind = block["kind"]
    label = f"{kind.capitalize()} {block['number']}" if block.get("number") else {
        "table": "A table", "prose": "The text", "text": "The text", "claim": "A claim"}.get(kind, kind.capitalize())
    return f"{label} under “{section['title'] or page.title}”"


def _declared(block, least):
    """What is wrong with what a figure or table declares of the people it rests on."""
    rests_on = block["rests_on"]
    if rests_on is None:
        yield "does not say on how many people it rests: give its output the metadata “rests_on”"
    elif rests_on != NOBODY and (isinstance(rests_on, bool) or not isinstance(rests_on, int)):
        yield f"says in “rests_on” neither a whole number of people nor “{NOBODY}”"
    elif rests_on != NOBODY and rests_on < least:
        yield f"shows a number that rests on fewer than {least} people: withhold it"
    if block["kind"] == "table" and tabled.nought_for_withheld(block):
        yield "shows 0 where it withholds a number: show the word “withheld”"


def _said(output, least):
    """What is wrong with words that a cell wrote outside of a table."""
    words, bare = _words(output)
    html, about = output.get("data", {}).get("text/html", ""), output.get("metadata", {})
    of_people = NOBODY not in (about.get("rests_on"), about.get("text/html", {}).get("rests_on"))
    if any(few_said(text, least) for text in words):
        yield 7, "tells of a number of people below the minimum"
    elif of_people and (any(few_listed(text, least) for text in words) or any(
            text.isdigit() and 0 < int(text) < least for text in bare)):
        yield 7, (f"lists a number below {least}: withhold it, or give the output the metadata “rests_on”: “{NOBODY}”, if "
                  "that is so")
    if any(map(table_as_text, words)):
        yield 7, "is a table written as text: display a frame, whose output can say on how many people it rests"
    if of_people and any(map(tabled.numbered, map(str, BeautifulSoup(html, "html.parser")("table")))):
        yield 12, "has rows numbered as taken from a list, not named: set an index that says what each row is"
    if re.search(r"!\[[^]]*\]\(data:|<img\b", "\n".join((*words, html))):
        yield 9, ("holds a picture, which cannot be read: display it as a drawing, whose output can say on how many people "
                  "it rests")


def _everybody(block):
    """What shows that all or none of a group are something, and what cannot be read."""
    if block["kind"] == "figure":
        if in_pixels(block) and block["rests_on"] == NOBODY:
            yield "is drawn in pixels, whose words and marks were not read: look at it before handing it over"
        shown = _ALL_OR_NONE.findall(block["alt"]) if block["rests_on"] != NOBODY else ()
    elif block["kind"] == "table" and block["rests_on"] != NOBODY:
        cells = tabled.cells(block["html"])
        shown = [cell for cell in cells if _ALL_OR_NONE.fullmatch(cell.words)]
        if any(cell.words == "0" and tabled.OF_PEOPLE.search(cell.column) for cell in cells):
            yield "shows groups of nobody: see that this tells nothing of anybody"
    else:
        return
    if shown:
        yield f"shows 0% or 100%, {len(shown)} in all: see that this tells nothing of each member of a group"


def _outputs(notebook, title):
    """What cells wrote, with the heading it stands under."""
    heading = title
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = next((words for _, words in reversed(headings(cell.source))), heading)
        yield from ((heading, output) for output in cell.get("outputs", ()) if output.get("name") != "stderr")


def _words(output):
    """Texts of an output outside of its tables, and those that stand alone in a part of a list or of a page."""
    data, about = output.get("data", {}), output.get("metadata", {})
    words, bare = [output.get("text", ""), str(data.get(MIME, ""))], []
    words += [str(said.get(name, "")) for said in (about, *about.values()) if isinstance(said, dict)
              for name in ("alt", "caption", "title")]
    if html := data.get("text/html", ""):
        soup = BeautifulSoup(html, "html.parser")
        for table in soup.find_all("table"):
            table.decompose()
        bare, parts = list(soup.stripped_strings), soup.find_all(["p", "li", "div", "dd"])
        words += bare + [" ".join(part.get_text(" ", strip=True).split()) for part in parts]
    elif not {"image/svg+xml", "image/png"} & set(data):
        words.append(data.get("text/markdown", data.get("text/plain", "")))
    return words, [] if MIME in data else bare


def _given_away(place, block, least):
    """Numbers that the totals of a table give away."""
    if block["rests_on"] == NOBODY:
        return
    for counts in tabled.counts_within(block, place):
        try:
            found = exposed(counts, least)
        except PrivacyError:    # its rows overlap, so that no total is their sum
            continue
        if len(found):
            yield 8, place, (f"has totals that give away numbers to within fewer than {least} "
                             f"(such as {found['where'].iloc[0]}): withhold more of them, or the total")
            return


def _recoverable(said, least):
    """Groups that counts of one population, all together, give away."""
    counts = [Count.from_dict(count) for count in said]
    try:
        for found in exposed(counts, least).itertuples():
            yield 8, " and ".join(found.tables), (
                f"tell more of {found.of} than can be audited: show fewer tables of them" if found.what == "not audited" else
                f"may give away the number of {found.of} with {found.where} to within fewer than {least}: withhold more of "
                "them")
    except PrivacyError as problem:
        yield 8, "What is counted", f"cannot be audited: {problem}"


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
