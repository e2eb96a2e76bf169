"""What a notebook wrote, Markdown, tables, pictures, made safe and readable as HTML."""

import base64
import re
from html import escape
from xml.etree.ElementTree import register_namespace, tostring

import bleach
from bs4 import BeautifulSoup
from defusedxml import ElementTree
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from .mathml import mathml

_TAGS = """a abbr b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li
    mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr ul""".split()
_GONE = "script style template noscript iframe object embed form textarea svg math".split()
_ATTRIBUTES = {("th", "colspan"), ("td", "colspan"), ("th", "rowspan"), ("td", "rowspan"), ("ol", "start"),
               ("img", "alt"), ("abbr", "title")}
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+\Z")
_DASH, _MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
_AMOUNT = rf"[-{_MINUS}+]?[£$€]?\d[\d,.\s]*(%|pp)?"
_NUMBER = re.compile(rf"{_AMOUNT}(\s*(to|{_DASH}|±|\()\s*{_AMOUNT}\)?)?\Z")
_EMPTY = {"", _DASH, "withheld"}
_MISSING = {"NaN", "NaT", "None", "<NA>", "nan", "null"}
_COORDINATES, _FINE = {"d", "x", "y", "points"}, re.compile(r"-?\d+\.\d{3,}")
_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"


def _allowed(tag, name, value):
    """Whether an attribute may stay: nothing that runs, loads or styles."""
    if name == "href" and tag == "a":
        return not value.strip().lower().startswith("data:")
    if name == "src" and tag == "img":
        return bool(_PICTURE.match(value))
    if name == "class":
        return bool(re.fullmatch(r"tex( display)?" if tag == "code" else r"[a-z]{1,2}\d?", value))
    return (tag, name) in _ATTRIBUTES


def clean(html):
    """HTML without anything that could run, load from elsewhere or restyle the page.

    Links lead to the web, to other pages or within the page; a link to a notebook leads to its page.

    Parameters
    ----------
    html : str

    Returns
    -------
    bs4.BeautifulSoup

    Examples
    --------
    >>> print(clean('<p onclick="x()">Read <a href="javascript:x()">this</a><script>x()</script></p>'))
    <p>Read this</p>
    """
    soup = BeautifulSoup(html, "html.parser")
    for tag in soup.find_all(_GONE):
        tag.decompose()
    safe = bleach.clean(str(soup), tags=_TAGS, attributes=_allowed, strip=True,
                        protocols=("http", "https", "mailto", "data"))
    soup = BeautifulSoup(safe, "html.parser")
    for picture in soup.find_all("img", src=False):
        picture.replace_with(picture.get("alt", ""))
    for link in soup.find_all("a"):
        href = link.get("href", "")
        if re.match(r"https?:", href):
            link["rel"] = "noreferrer"
        elif re.fullmatch(r"[\w.-]+\.ipynb(#.*)?", href):
            link["href"] = href.replace(".ipynb", ".html")
        elif not re.match(r"#|mailto:", href):
            link.unwrap()
    return soup


class _Renderer(IPythonRenderer):
    """Markdown to HTML, with mathematics set aside until the rest is cleaned."""

    def block_math(self, body):
        return f'<code class="tex display">{escape(body)}</code>'

    def inline_math(self, body):
        return f'<code class="tex">{escape(body)}</code>'

    def latex_environment(self, name, body):
        return self.block_math(body)


def markdown(text, attachments=None):
    """Markdown, with mathematics as MathML, to a tree of clean HTML.

    Parameters
    ----------
    text : str
    attachments : dict, optional
        Pictures attached to the cell, as a notebook keeps them.

    Returns
    -------
    bs4.BeautifulSoup
    """
    renderer = _Renderer(escape=False, exclude_anchor_links=True, attachments=attachments or {})
    soup = clean(MarkdownWithMath(renderer=renderer).render(text))
    for code in soup.select("code.tex"):
        if formula := mathml(code.get_text(), display="display" in code["class"]):
            code.replace_with(BeautifulSoup(formula, "html.parser"))
    for table in soup.find_all("table"):
        table.replace_with(tidy_table(table))
    return soup


def tidy_table(table, label=""):
    """A table that can be read and heard: scoped headings, figures to the right, room to scroll.

    Parameters
    ----------
    table : bs4.Tag
        A clean ``table``, as pandas or Markdown writes it.
    label : str
        What the scrolling region is called for who cannot see it; the table's caption if empty.

    Returns
    -------
    bs4.Tag
        The table within its scrolling region.
    """
    _one_heading_row(table)
    body = [row.find_all(["td", "th"]) for row in table.select("tbody tr")]
    _drop_row_numbers(table, body)
    for row in table.select("thead tr"):
        for cell in row.find_all(["td", "th"]):
            cell.name = "th" if cell.get_text(strip=True) else "td"
            if cell.name == "th":
                cell["scope"] = "colgroup" if cell.get("colspan") else "col"
    for cell in table.select("tbody th"):
        cell["scope"] = "rowgroup" if cell.get("rowspan") else "row"
    for cell in table.select("tbody td"):
        if (words := cell.get_text(strip=True)) in _MISSING:
            cell.string = _DASH
        elif words == "withheld":
            cell["class"] = "withheld"
    body = [row.find_all(["td", "th"]) for row in table.select("tbody tr")]
    for place in range(1, max(map(len, body), default=0) + 1):
        column = [row[-place] for row in body if len(row) >= place and row[-place].name == "td"]
        words = {cell.get_text(strip=True) for cell in column} - _EMPTY
        if words and all(map(_NUMBER.match, words)):
            heads = [row.find_all(["td", "th"])[-place] for row in table.select("thead tr")[-1:]
                     if len(row.find_all(["td", "th"])) >= place]
            for cell in column + heads:
                cell["class"] = f"{cell.get('class', '')} num".strip()
    label = label or (table.caption.get_text(" ", strip=True) if table.caption else "Table")
    region = BeautifulSoup('<div class="scroll" role="group" tabindex="0"></div>', "html.parser").div
    region["aria-label"] = label
    region.append(BeautifulSoup(str(table), "html.parser"))
    return region


def _one_heading_row(table):
    """Fold pandas' second heading row, which only names the index, into the first."""
    rows = table.select("thead tr")
    if len(rows) != 2:
        return
    above, below = (row.find_all(["td", "th"]) for row in rows)
    named = [cell.get_text(strip=True) for cell in below]
    depth = sum(map(bool, named))
    if len(above) == len(below) and depth and all(named[:depth]) and not any(
            cell.get("colspan") for cell in above):
        for cell, words in zip(above[:depth], named, strict=False):
            cell.string = words
        rows[1].decompose()


def _drop_row_numbers(table, body):
    """Drop pandas' unnamed numbering of rows: it says nothing to a reader."""
    numbers = [row[0].get_text(strip=True) if row and row[0].name == "th" else None for row in body]
    heads = [row.find(["td", "th"]) for row in table.select("thead tr")]
    if numbers == [str(i) for i in range(len(body))] and all(
            head is not None and not head.get_text(strip=True) and not head.get("colspan") for head in heads):
        for cell in [*heads, *(row[0] for row in body)]:
            cell.decompose()


def svg_picture(svg):
    """An SVG drawing as a data URI, with its width and height in CSS pixels.

    Scripts, links outwards and metadata (which hold the date) are removed, and ids renamed in
    order, so that the same drawing always gives the same text. Coordinates keep two decimals, a
    hundredth of a point.

    Parameters
    ----------
    svg : str

    Returns
    -------
    tuple of (str, int or None, int or None)

    Raises
    ------
    ValueError
        If the text is not an SVG drawing.
    """
    try:
        root = ElementTree.fromstring(svg)
    except (ElementTree.ParseError, ValueError):
        raise ValueError("is not an SVG drawing that can be read") from None
    for parent in list(root.iter()):
        for child in list(parent):
            if not str(child.tag).startswith(_SVG) or child.tag.removeprefix(_SVG) in (
                    "script", "foreignObject", "metadata"):
                parent.remove(child)
        for name, value in list(parent.attrib.items()):
            link = name in ("href", f"{_XLINK}href")
            outward = link and not re.match(r"#|data:image/(png|jpeg);base64,", value)
            if outward or name.lower().startswith("on") or "javascript:" in value.lower():
                del parent.attrib[name]
            elif name in _COORDINATES:
                parent.set(name, _FINE.sub(lambda found: f"{float(found[0]):.2f}", " ".join(value.split())))
    register_namespace("", _SVG[1:-1])
    register_namespace("xlink", _XLINK[1:-1])
    text = tostring(root, encoding="unicode")
    short = {name: f"i{n}" for n, name in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', text)))}
    text = re.sub(r'(\bid="|href="#|url\(#)([^")]+)', lambda m: m[1] + short.get(m[2], m[2]), text)
    sizes = [_pixels(root.get(side, "")) for side in ("width", "height")]
    return f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}", *sizes


def _pixels(length):
    number, unit = re.match(r"([\d.]*)(\w*)", length).groups()
    return round(float(number) * {"pt": 4 / 3, "in": 96}.get(unit, 1)) if number else None
