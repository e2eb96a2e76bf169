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
from .pages import Page, first_sentence

ROWS, COLUMNS, LETTERS = 8, 5, 480   # the largest table that is read from the back of a room
SCREENFUL = 700                      # letters of prose that a slide holds
TALL = 0.58                          # height over width from which a figure stands beside its heading, not under it
SESSIONS = (15, 30, 60)              # minutes
THINK = "Think first"
_SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Slide:
    """One screen: what it shows, and what is said to it.

    Attributes
    ----------
    kind : str
        "title", "list", "coverage", "figure", "table", "claim", "prose" or "end".
    id, heading, kicker : str
        Where a link leads, the heading, and what stands small above it.
    body : dict
        What the template shows of this kind.
    notes : list of Markup
        What there is to say.
    """

    kind: str
    id: str
    heading: str
    kicker: str = ""
    body: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)


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
    >>> cells = [nbformat.v4.new_markdown_cell("# Who came?\\n\\n## Predict\\n\\n1. How many?", id="a")]
    >>> [slide.heading for slide in Deck(Page(nbformat.v4.new_notebook(cells=cells))).slides]
    ['Who came?', 'Predict', 'Read on']
    """

    def __init__(self, page, study=None, name="page"):
        self.page, self.study, self.name = page, study, name
        self.slides, self._held, self._references = [], [], Markup()
        self._section, self._opened = "", False     # whether the section at hand has a slide yet
        self._slide("title", "title", page.title, notes=[page.lede])
        for section in page.sections:
            self._read(section)
        self._in_short()
        self._end()

    @property
    def pace(self):
        """Minutes of a session, minutes kept for discussion (a third), and seconds for a slide, of each of `SESSIONS`."""
        return [(minutes, minutes // 3, round(40 * minutes / len(self.slides) / 5) * 5) for minutes in SESSIONS]

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
                self._list(section, block["html"])
            elif part == "references" and block["kind"] == "prose":
                self._references += block["html"]
            else:
                self._block(block)
        if self._held and not self._opened:
            self._held.insert(0, Markup("<h3>{}</h3>").format(self._section))
        self.slides[-1].notes += self._held
        self._held = []

    def _slide(self, kind, name, heading, kicker="", notes=(), **body):
        slide = Slide(kind, name, heading, kicker, body)
        (self.slides[-1] if self._opened and self.slides else slide).notes.extend(self._held)
        slide.notes.extend(filter(None, notes))
        self.slides.append(slide)
        self._held, self._opened = [], True

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

    def _list(self, section, html):
        """A list as a slide; what stands around it is said."""
        soup = BeautifulSoup(html, "html.parser")
        if self.slides[-1].id != section["id"] and (found := soup.find(["ol", "ul"])):
            found.extract()
            self._slide("list", section["id"], section["title"], html=Markup(found))
        if soup.get_text(strip=True):
            self._held.append(Markup(soup))

    def _figure(self, block):
        source, shape = without_title(block["src"], block["title"])
        shape = shape or (block["height"] or 1) / (block["width"] or 2)
        self._slide("figure", f"figure-{block['number']}", block["title"] or block["caption"], self._section,
                    [_words("The picture in words", block["alt"])],
                    src=source, alt=block["alt"], caption=block["caption"], number=block["number"], tall=shape > TALL)

    def _table(self, block):
        soup = BeautifulSoup(block["html"], "html.parser")
        cells = [len(row.find_all(["th", "td"])) for row in soup.select("tr")]
        small = (len(soup.select("tbody tr")) <= ROWS and max(cells, default=0) <= COLUMNS
                 and len(soup.get_text(" ", strip=True)) <= LETTERS)
        if small and block["number"] and self._section.lower() != "the data":
            self._slide("table", f"table-{block['number']}", block["caption"], self._section, html=block["html"],
                        number=block["number"])
        else:
            named = f"table {block['number']}, {block['caption'].rstrip('.')}" if block["number"] else "a table"
            self._held.append(Markup("<p>On the page: {}.</p>").format(named))

    def _claim(self, card):
        written = "reworded after an estimate was seen" if card.get("reworded") else "written before the estimate was seen"
        self._slide("claim", card["anchor"], card["claim"], f"Claim {card['id']}", card=card,
                    found=first_sentence(card["answer"]) if card.get("interval") else card["answer"], notes=[
            Markup("<p>{}</p>").format(card["answer"]), _words("Across assumptions", card.get("across")),
            _words(f"Rule, {written}", " ".join(filter(None, (card["rule"], card.get("reworded")))))])

    def _reveal(self, blocks):
        """What is asked on one slide, what is made of it on the next."""
        number = 1 + sum(slide.kicker == THINK for slide in self.slides)
        shown, rest = _screenful("".join(self._held), from_end=True)
        self._held = rest
        self._slide("prose", f"think-{number}", self._section or self.page.title, THINK, html=shown)
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
            told = re.split(r"(?<=[.!?])\s+(?=[A-Z“\"(])", " ".join(self.page.summary.striptags().split()))
            told = Markup().join(Markup("<li>{}</li>").format(sentence) for sentence in told)
            self._slide("list", "in-short", "In short", html=Markup("<ul>{}</ul>").format(told))

    def _end(self):
        """The way to the page, and on; the references are in the notes."""
        soup = BeautifulSoup(self._references, "html.parser")
        on = Markup().join(Markup(part.extract()) for part in soup.find_all("p", recursive=False))
        listed = Markup("<h3>References</h3>{}").format(Markup(soup)) if soup.get_text(strip=True) else ""
        self._slide("end", "read-on", "Read on", html=on, notes=[listed])


class SlidesExporter(ReportExporter):
    """nbconvert exporter of a deck: one slide a screen, one a page of paper; no script, nothing from elsewhere."""

    layout, sheets = "slides.html.j2", ("page.css", "slides.css")

    def __init__(self, **keywords):
        super().__init__(code=False, **keywords)

    def from_notebook_node(self, nb, resources=None, **keywords):
        resources = dict(resources or {})
        name = resources.get("name", "The notebook")
        page = resources.get("page") or Page(nb, name)
        deck = Deck(page, resources.get("study"), Path(name).stem)
        return super().from_notebook_node(nb, {**resources, "page": page, "deck": deck}, **keywords)


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


def _words(label, text):
    return Markup("<p><strong>{}.</strong> {}</p>").format(label, text) if text else ""


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
    """How the sources of a study see people: in what way, which of them, and whom or what those miss."""
    ways = {}
    for row in study["coverage"]:
        sources, missed = ways.setdefault(row["sees"], ([], {}))
        sources.append(row["source"])
        missed |= dict.fromkeys(filter(None, row["misses"].split("; ")))
    return {"ways": [(way, ", ".join(sources), "; ".join(missed)) for way, (sources, missed) in ways.items()]}
