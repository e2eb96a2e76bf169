"""A run notebook as one self-contained page: its text, figures, tables and claims in reading order."""

import base64
import json
import re
import struct

from markupsafe import Markup
from nbconvert.filters.markdown_mistune import InvalidNotebook
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from ..claims import MIME, VERDICTS
from ..privacy import minus
from .markup import clean, markdown, svg_picture, tidy_table
from .running import ReportError, only_imports, tags

SHORT = 600  # characters of plain text an output may have
_FOLDED = {"remove-input", "parameters", "injected-parameters", "in-short"}


def sentences(text):
    """The sentences of a text."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z“\"(])", " ".join(text.split()))


def first_sentence(text):
    """The first sentence of a text.

    Examples
    --------
    >>> first_sentence("A fifth, 20.5%, never came. Others did.")
    'A fifth, 20.5%, never came.'
    """
    return sentences(text)[0]


class Page:
    """What a run notebook says, in the order a reader meets it.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        A notebook with its outputs.
    name : str
        What errors call it.

    Attributes
    ----------
    title, question : str
        The first heading, and the first question asked under or by it.
    lede, summary : Markup
        What stands under the title, and the answer "in short"; empty when there is none.
    sections : list of dict
        ``id``, ``title`` and ``blocks``; the first may have no title. A block has a ``kind``
        ("prose", "figure", "table", "claim", "text" or "code") and what the template shows of it; one of
        kind "reveal" holds the ``blocks`` of cells tagged ``reveal``, which a reader opens after thinking.
    claims : list of dict
        The cards, as the notebook judged them.
    withheld : int
        Numbers that tables and figures withhold.

    Raises
    ------
    ReportError
        If there is no title, a figure has no alt text, or an output cannot be shown.
    """

    def __init__(self, notebook, name="The notebook"):
        self.name = name
        self.title = self.question = ""
        self.lede = self.summary = Markup()
        self.sections = [{"id": "start", "title": "", "blocks": []}]
        self.claims, self.withheld, self._reveal = [], 0, False
        self._numbers = {"figure": 0, "table": 0}
        self._ids = {"start", "main", "in-short", "contents", "about"}
        cells = [cell for cell in notebook.cells if "injected-parameters" not in tags(cell)]
        for at, cell in enumerate(cells):
            self._reveal = "reveal" in tags(cell)
            if cell.cell_type == "markdown":
                self._read_markdown(cell)
            elif cell.cell_type == "code":
                self._read_code(cell, "in-short" in tags(cell) or at == 1)
        if not self.title:
            raise ReportError(f"{name} has no heading to take a title from; begin it with “# The question?”.")
        self.sections = [section for section in self.sections if section["title"] or section["blocks"]]

    @property
    def headings(self):
        return [section for section in self.sections if section["title"]]

    @property
    def blocks(self):
        """Every block with its section, in reading order, those to be revealed among them."""
        for section in self.sections:
            for block in section["blocks"]:
                yield from ((section, part) for part in block.get("blocks", [block]))

    @property
    def in_short(self):
        """First sentence of the summary."""
        return first_sentence(self.summary.striptags())

    def _error(self, what):
        heading = self.sections[-1]["title"]
        return ReportError(f"{self.name}{f', under “{heading}”' if heading else ''}: {what}")

    def _unshown(self, what):
        return self._error(f"an output {what} cannot be shown on a page; show a drawing, a table or a sentence in its "
                           "place, or tag its cell “lab”, which leaves it out.")

    def _add(self, kind, **parts):
        self._here().append({"kind": kind, **parts})

    def _here(self):
        """The blocks that the next one stands among."""
        blocks = self.sections[-1]["blocks"]
        if not self._reveal:
            return blocks
        if not blocks or blocks[-1]["kind"] != "reveal":
            blocks.append({"kind": "reveal", "blocks": []})
        return blocks[-1]["blocks"]

    def _markdown(self, text, attachments=None):
        try:
            soup = markdown(text, attachments)
        except InvalidNotebook:
            raise self._error("a picture was attached to the cell and is lost; put it in again.") from None
        if soup.find("img", alt=["", None]):
            raise self._error("a picture has no alt text; write it as ![what it shows](…).")
        return soup

    def _read_markdown(self, cell):
        soup = self._markdown(cell.source, cell.get("attachments"))
        lead = []
        for part in list(soup.children):
            if part.name == "h1" and not self.title:
                self.title = part.get_text(" ", strip=True)
            elif part.name in ("h1", "h2"):
                self._flush(lead)
                title = part.get_text(" ", strip=True)
                self.sections.append({"id": self._identifier(title), "title": title, "blocks": []})
            else:
                lead.append(part)
        self._flush(lead)
        if self.title and not self.question:
            asked = re.findall(r"[^.!?]*\?", self.title) + re.findall(r"[^.!?]*\?", self.lede.striptags())
            self.question = asked[0].strip() if asked else self.title

    def _flush(self, parts):
        html = Markup("".join(map(str, parts)).strip())
        parts.clear()
        if not html:
            return
        if self.title and not self.lede and len(self.sections) == 1 and not self.sections[0]["blocks"]:
            self.lede = html
        else:
            self._add("prose", html=html)

    def _identifier(self, words):
        stem = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "section"
        name, number = stem, 2
        while name in self._ids:
            name, number = f"{stem}-{number}", number + 1
        self._ids.add(name)
        return name

    def _read_code(self, cell, may_be_summary):
        folded = bool(tags(cell) & _FOLDED) or only_imports(cell.source)
        for output in cell.outputs:
            if output.output_type == "stream":
                if output.name == "stdout":
                    self._plain(output.text)
            elif output.output_type == "error":
                raise self._error(f"a cell ended with {output.ename}.")
            elif may_be_summary and not self.summary and "text/markdown" in output.data:
                self._summarise(output.data["text/markdown"])
                folded = True
            else:
                self._show(output.data, output.get("metadata", {}))
        if cell.source.strip() and not folded:
            self._code(cell.source)

    def _summarise(self, text):
        soup = self._markdown(minus(text))
        opening = soup.find(["h1", "h2", "h3", "strong"])
        if opening and opening.get_text(strip=True).rstrip(".:").lower() == "in short":
            opening.decompose()
        html = re.sub(r"<p>[\s.:]*(</p>)?", lambda found: "" if found[1] else "<p>", str(soup))
        self.summary = Markup(html.strip())

    def _code(self, source):
        html = Markup(highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)).rstrip())
        blocks = self._here()
        if blocks and blocks[-1]["kind"] == "code":
            blocks[-1]["html"] += Markup("\n\n") + html
        else:
            self._add("code", html=html)

    def _show(self, data, metadata):
        if MIME in data:
            self._claim(data[MIME])
        elif "image/svg+xml" in data:
            self._figure("image/svg+xml", data, metadata)
        elif "image/png" in data:
            self._figure("image/png", data, metadata)
        elif "text/html" in data:
            self._html(data["text/html"], {**metadata, **metadata.get("text/html", {})})
        elif "text/markdown" in data:
            self._add("prose", html=Markup(self._markdown(minus(data["text/markdown"]))))
        elif others := sorted(data.keys() - {"text/plain"}):
            raise self._unshown(f"of the kind {others[0]}")
        else:
            self._plain(data.get("text/plain", ""))

    def _plain(self, text):
        text = text.strip()
        if len(text) > SHORT:
            raise self._error(f"an output of {len(text)} characters of plain text is too long for a page; "
                              "show it as a table or a sentence.")
        if text and not re.fullmatch(r"<.*>", text, re.S):
            self._add("text", text=text)

    def _html(self, html, about):
        soup, caption = clean(html), about.get("caption", "")
        tables = [table for table in soup.find_all("table") if not table.find_parent("table")]
        for table in tables:
            words = caption or (table.caption.get_text(" ", strip=True) if table.caption else "")
            if table.caption:
                table.caption.decompose()
            region = tidy_table(table, words)
            self.withheld += len(region.select(".withheld"))
            number = self._number("table") if words else None
            self._add("table", html=Markup(region), caption=words, number=number, **_basis(about))
        if not tables and soup.get_text(strip=True):
            self._add("prose", html=Markup(soup))
        elif not tables and html.strip():
            raise self._unshown("of HTML without words or a table")

    def _figure(self, kind, data, metadata):
        about = {**metadata, **metadata.get(kind, {})}
        alt = " ".join(str(about.get("alt", "")).split())
        if not alt:
            raise self._error("a figure has no alt text; draw it with a function of `charts`, which writes "
                              "one, or give its output the metadata “alt”.")
        try:
            source, width, height = svg_picture(data[kind]) if kind == "image/svg+xml" else _png(data[kind])
        except ValueError as error:
            raise self._error(f"a figure {error}.") from None
        self.withheld += about.get("withheld", 0)
        self._add("figure", src=source, width=about.get("width", width), height=about.get("height", height),
                  alt=alt, caption=about.get("caption") or first_sentence(alt), number=self._number("figure"),
                  title=about.get("title", ""), **_basis(about))

    def _number(self, kind):
        self._numbers[kind] += 1
        return self._numbers[kind]

    def _claim(self, card):
        card = json.loads(card) if isinstance(card, str) else dict(card)
        if card.get("verdict") not in VERDICTS:
            raise self._error(f"the claim {card.get('id')} has the verdict {card.get('verdict')!r}; "
                              f"it is one of: {', '.join(VERDICTS)}.")
        if missing := [part for part in ("id", "claim", "rule", "answer") if not card.get(part)]:
            raise self._error(f"the claim {card.get('id')} lacks its {missing[0]}.")
        card |= {part: minus(card.get(part) or "") for part in ("answer", "across")}
        card["anchor"] = self._identifier(f"claim {card['id']}")
        self.claims.append(card)
        self._add("claim", card=card)


def _basis(about):
    """What an output says of the people behind its numbers: the fewest behind any, the counts it makes public, and which
    columns and rows are not of people."""
    return {"rests_on": about.get("rests_on"), "counts": about.get("counts", []), "not_people": about.get("not_people", [])}


def _png(data):
    content = base64.b64decode(data)
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("is not a PNG picture that can be read")
    width, height = struct.unpack(">II", content[16:24])
    return f"data:image/png;base64,{base64.b64encode(content).decode()}", width, height
