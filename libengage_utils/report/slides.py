"""A page as a deck for a room, one slide a finding, and as the notes of who speaks to it."""

import base64
import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import tostring

from bs4 import BeautifulSoup
from defusedxml import ElementTree
from markupsafe import Markup

from .exporters import ReportExporter
from .pages import first_sentence, sentences

ROWS, COLUMNS, LETTERS = 8, 5, 480   # the largest table that is read from the back of a room
SCREENFUL = 700                      # letters of prose that a slide holds
TALL = 0.58                          # height over width from which a figure stands beside its heading, not under it
ASIDE = 400                          # letters of the paragraph on who is not in the data that its slide holds
THINK = "Think first"
_SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Slide:
    """One screen: what it shows, and what is said to it.

    Attributes
    ----------
    kind : str
        "title", "list", "coverage", "figure", "table", "claim" (to vote on), "verdict", "prose" or "end".
    id, heading, kicker : str
        Where a link leads, the heading, and what stands small above it.
    body : dict
        What the template shows of this kind.
    notes : list of Markup
        What there is to say.
    say : str
        The one sentence to say first, where the slide has a finding.
    pause : str
        What the room does before the next slide.
    """

    kind: str
    id: str
    heading: str
    kicker: str = ""
    body: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    say: str = ""
    pause: str = ""


class Deck:
    """The slides of a page, in the order of a session: predict first, see, judge, and only then the answer in short.

    Parameters
    ----------
    page : Page
    study : dict, optional
        As `report.particulars` makes it.
    name : str
        The page's file without its ending, where the deck refers to it.

    Attributes
    ----------
    slides : list of Slide
        No two of one id.

    Examples
    --------
    >>> import nbformat
    >>> from .pages import Page
    >>> cells = [nbformat.v4.new_markdown_cell("# Who came?\\n\\n## Predict\\n\\n1. How many?", id="a")]
    >>> [slide.heading for slide in Deck(Page(nbformat.v4.new_notebook(cells=cells))).slides]
    ['Who came?', 'Predict', 'Read on']
    """

    def __init__(self, page, study=None, name="page"):
        self.page, self.study, self.name = page, study, name
        self.slides, self._held, self._references = [], [], Markup()
        self._section, self._opened = "", False     # whether the section at hand has a slide yet
        self._warned, lede = _apart(page.lede, "How not to answer it")   # kept for the end: it tells what Spot asks
        self._slide("title", "title", page.title, notes=[lede])
        for section in page.sections:
            self._read(section)
        self._in_short()
        self._end()

    def _read(self, section):
        """The slides of one section; what it says goes to its first slide, then to the one it follows."""
        self._section, self._opened = section["title"], not section["title"]
        part = section["title"].lower()
        if part == "the data" and self.study:
            self._slide("coverage", section["id"], "Who is in the data, and who is not", **_seen(self.study))
        if part == "for discussion":
            self._in_short()
        for block in section["blocks"]:
            if part in ("predict", "for discussion") and block["kind"] == "prose":
                self._list(section, block["html"], "Collect guesses before you go on." if part == "predict" else "")
            elif self.slides[-1].kind == "coverage" and block["kind"] == "prose":
                self._who_is_not_in_it(block)
            elif part == "references" and block["kind"] == "prose":
                self._references += block["html"]
            else:
                self._block(block)
        if self._held and not self._opened:
            self._held.insert(0, Markup("<h3>{}</h3>").format(self._section))
        self.slides[-1].notes += self._held
        self._held = []

    def _slide(self, kind, name, heading, kicker="", notes=(), say="", pause="", **body):
        slide = Slide(kind, name, heading, kicker, body, say=say, pause=pause)
        before = self.slides[-1] if self._opened and self.slides else slide
        leads = self._held and before is not slide and re.fullmatch(r"\s*<h[3-6][^>]*>[^<]*</h[3-6]>\s*", self._held[-1])
        slide.notes.extend([self._held.pop()] if leads else [])
        before.notes.extend(self._held)
        slide.notes.extend(filter(None, notes))
        self.slides.append(slide)
        self._held, self._opened = [], True

    def _kicker(self, kind, number):
        """The section, and the page's own number of a figure or table."""
        return " · ".join(filter(None, (self._section, f"{kind} {number}")))

    def _block(self, block):
        kind = block["kind"]
        if kind == "reveal":
            self._reveal(block["blocks"])
        elif kind == "figure":
            self._figure(block)
        elif kind == "claim":
            self._claim(block["card"])
        elif kind == "table":
            self._table(block)
        elif kind == "prose" and block["html"].striptags():
            self._held.append(block["html"])
        elif kind == "text":
            self._held.append(Markup("<p>{}</p>").format(block["text"]))

    def _who_is_not_in_it(self, block):
        """What the notebook itself says of that, shown if it is short; the rest of a block is said."""
        outside, rest = _apart(block["html"], "Who is not in it")
        if outside and len(outside.striptags()) <= ASIDE:
            self.slides[-1].body["outside"] = outside
            block = {**block, "html": rest}
        self._block(block)

    def _list(self, section, html, pause):
        """A list as a slide; what stands around it is said."""
        soup = BeautifulSoup(html, "html.parser")
        if self.slides[-1].id != section["id"] and (found := soup.find(["ol", "ul"])):
            found.extract()
            self._slide("list", section["id"], section["title"], pause=pause, html=Markup(found))
        if soup.get_text(strip=True):
            self._held.append(Markup(soup))

    def _figure(self, block):
        source, shape = without_title(block["src"], block["title"])
        shape = shape or (block["height"] or 1) / (block["width"] or 2)
        heading, unsaid = block["title"] or block["caption"], _unsaid(block)
        self._slide("figure", f"figure-{block['number']}", heading, self._kicker("Figure", block["number"]),
                    [_words("The picture in words.", unsaid)], say=heading,
                    src=source, alt=unsaid, caption=block["caption"], number=block["number"], tall=shape > TALL)

    def _table(self, block):
        soup = BeautifulSoup(block["html"], "html.parser")
        cells = [len(row.find_all(["th", "td"])) for row in soup.select("tr")]
        small = (len(soup.select("tbody tr")) <= ROWS and max(cells, default=0) <= COLUMNS
                 and len(soup.get_text(" ", strip=True)) <= LETTERS)
        if small and block["number"] and self._section.lower() != "the data":
            self._slide("table", f"table-{block['number']}", block["caption"], self._kicker("Table", block["number"]),
                        html=block["html"])
        else:
            named = f"table {block['number']}, {block['caption'].rstrip('.')}" if block["number"] else "a table"
            self._held.append(Markup("<p>On the page: {}.</p>").format(named))

    def _claim(self, card):
        """What is claimed and by what rule it is judged, to be voted on; on the next slide the verdict."""
        written = f"Rule, {'reworded after an' if card.get('reworded') else 'written before the'} estimate was seen"
        mark = card["rule"].split("; not supported if")[0].rstrip(".") + "."
        found = first_sentence(card["answer"])
        further = " ".join(card["answer"].split()).removeprefix(found).strip()
        self._slide("claim", card["anchor"], card["claim"], f"Claim {card['id']} · to vote on",
                    [_words(f"{written}.", " ".join(filter(None, (card["rule"], card.get("reworded")))))],
                    pause="Count hands for each verdict before you go on.", card=card, written=written, rule=mark)
        self._slide("verdict", f"{card['anchor']}-verdict", card["claim"], f"Claim {card['id']} · the verdict",
                    [_words("", further), _words("Across assumptions.", card.get("across"))],
                    say=found, card=card, found=found if card.get("interval") else card["answer"])

    def _reveal(self, blocks):
        """What is asked on one slide, what is made of it on the next."""
        number = 1 + sum(slide.kicker == THINK for slide in self.slides)
        shown, rest = _screenful("".join(self._held), from_end=True)
        self._held = rest
        self._slide("prose", f"think-{number}", self._section or self.page.title, THINK, html=shown,
                    pause="Wait two minutes before you go on.")
        first = next((at for at, block in enumerate(blocks) if block["kind"] not in ("prose", "code")), len(blocks))
        answer = BeautifulSoup("".join(block["html"] for block in blocks[:first] if block["kind"] == "prose"), "html.parser")
        title = answer.find(["h3", "h4"])
        heading = title.extract().get_text(" ", strip=True) if title else "One answer"
        shown, rest = _screenful(str(answer))
        if shown:
            self._slide("prose", f"answer-{number}", heading, self._section, html=shown)
        self._held += rest
        for block in blocks[first:]:
            self._block(block)

    def _in_short(self):
        """The answer, once, however many sections come after it."""
        if self.page.summary and not any(slide.id == "in-short" for slide in self.slides):
            told = Markup().join(map(Markup("<li>{}</li>").format, sentences(self.page.summary.striptags())))
            self._slide("list", "in-short", "In short", say=self.page.in_short, html=Markup("<ul>{}</ul>").format(told))

    def _end(self):
        """The way to the page, and on; the references are in the notes."""
        soup = BeautifulSoup(self._references, "html.parser")
        on = Markup().join(Markup(part.extract()) for part in soup.find_all("p", recursive=False))
        listed = Markup("<h3>References</h3>{}").format(Markup(soup)) if soup.get_text(strip=True) else ""
        self._slide("end", "read-on", "Read on", html=on, notes=[self._warned, listed])


class SlidesExporter(ReportExporter):
    """nbconvert exporter of a deck: one slide a screen, one a page of paper; no script, nothing from elsewhere."""

    layout, sheets = "slides.html.j2", ("page.css", "slides.css")

    def besides(self, page, nb, resources):
        return {"deck": Deck(page, resources.get("study"), Path(resources["name"]).stem)}


class NotesExporter(SlidesExporter):
    """nbconvert exporter of the speaker's notes to the deck: for each slide what to say, to be read from paper."""

    layout, sheets = "notes.html.j2", ("page.css", "notes.css")


def without_title(source, title):
    """A drawing without the title that stands in it, as a heading says it already; and its height over its width.

    Parameters
    ----------
    source : str
        A data URI, as `markup.svg_picture` makes it.
    title : str

    Returns
    -------
    tuple of (str, float or None)
        The drawing as it was, and None, if it is no SVG or the title is not found at its head.
    """
    head, _, data = source.partition(",")
    if not title or not head.startswith("data:image/svg+xml"):
        return source, None
    root = ElementTree.fromstring(base64.b64decode(data))
    for group in root.iter(f"{_SVG}g"):
        lines = group.findall(f"{_SVG}text")
        said = "".join("".join(line.itertext()) for line in lines)
        if re.sub(r"\s", "", said) == re.sub(r"\s", "", title) and root.get("viewBox"):
            left, top, width, height = map(float, root.get("viewBox").split())
            cut = max(map(_baseline, lines)) + 6
            if cut > height / 3:
                break
            group.clear()
            root.set("viewBox", f"{left:g} {top + cut:g} {width:g} {height - cut:g}")
            root.set("height", f"{height - cut:g}pt")
            return f"{head},{base64.b64encode(tostring(root)).decode()}", (height - cut) / width
    return source, None


def _baseline(line):
    """How far down a line of text stands in a drawing."""
    moved = re.search(r"translate\([-\d.]+[ ,]+([-\d.]+)", line.get("transform", ""))
    return float(line.get("y") or (moved[1] if moved else "inf"))


def _unsaid(figure):
    """The alt text of a figure without what its title and caption say, unless less than a sentence would be left."""
    rest = figure["alt"]
    for said in (figure["title"], *sentences(figure["caption"])):
        rest = " ".join(rest.replace(said, " ", 1).split()).lstrip(". ")
    return rest if len(rest.split()) >= 3 else figure["alt"]


def _apart(html, opening):
    """The paragraph of some prose that opens with these words in bold, and the prose without it."""
    soup = BeautifulSoup(html, "html.parser")
    found = next((strong.find_parent("p") for strong in soup.select("p > strong:first-child")
                  if strong.get_text(strip=True).startswith(opening)), None)
    return (Markup(found.extract()), Markup(soup)) if found else (Markup(), html)


def _words(label, text):
    return Markup("<p>{}{}</p>").format(Markup("<strong>{}</strong> ").format(label) if label else "", text) if text else ""


def _screenful(html, from_end=False):
    """As much of some prose as a slide holds, whole paragraphs from its beginning or end, and a list of the rest."""
    parts = [Markup(part) for part in BeautifulSoup(html, "html.parser").children if str(part).strip()]
    step, room, kept = -1 if from_end else 1, SCREENFUL, 0
    for part in parts[::step]:
        room -= len(part.striptags())
        if room < 0 and kept:
            break
        kept += 1
    cut = len(parts) - kept if from_end else kept
    shown, rest = (parts[cut:], parts[:cut]) if from_end else (parts[:cut], parts[cut:])
    return Markup().join(shown), rest


def _seen(study):
    """How the sources of a study see people: in what way, which of them, and whom or what each of those misses."""
    ways = {}
    for row in study["coverage"]:
        sources, missed = ways.setdefault(row["sees"], ([], {}))
        sources.append(row["source"])
        for spot in filter(None, row["misses"].split("; ")):
            missed.setdefault(spot, []).append(row["source"])
    return {"ways": [(way, ", ".join(sources), [spot if len(by) == len(sources) else f"{spot} ({', '.join(by)})"
                                                for spot, by in missed.items()]) for way, (sources, missed) in ways.items()]}
