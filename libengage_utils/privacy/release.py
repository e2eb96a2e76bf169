"""At the exit: what in a page, or in a picture on it, forbids handing it over, found by parsing it as a browser does."""

import base64
import getpass
import platform
import re
import zlib
from functools import lru_cache
from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import CData, Comment, Declaration, ProcessingInstruction, Stylesheet

from ..schema import TABLES
from .door import PSEUDONYM

ROWS = 60  # more than so many rows list single things rather than sum them up
# Headings of columns that say which person, or which single act of one, a row is about.
_PERSONAL = {name.replace("_", " ") for table in TABLES.values() for column in table.columns if column.kind == "person"
             for name in (column.name, column.heading)} | set(re.split(r",\s*", """event id, feedback id, journey id,
    activity id, e mail, email, email address, preferred email, barcode, card number, cardnumber, card num, user id,
    user identifier, user primary identifier, primary identifier, patron record id, borrowernumber, first name,
    last name, full name, surname, date of birth, birth date, telephone, phone, ip address"""))
_LIVE = {**dict.fromkeys(("script", "template", "noscript", "foreignobject"), "holds a script"),
         **dict.fromkeys("iframe frame frameset object embed applet portal form base".split(),
                         "embeds something from elsewhere"),
         **dict.fromkeys("link video audio source track".split(), "loads something from elsewhere"),
         "metadata": "holds metadata"}
_LOADS = set("src srcset poster background data action formaction ping manifest href xlink:href".split())
_LEADS = re.compile(r"https?:|mailto:|#|[\w.-]+\.html(#|\Z)|\Z", re.I)
_DATA = re.compile(r"data:image/(svg\+xml|png);base64,", re.I)
_STYLE_LOADS = re.compile(r"@import|url\((?!\s*['\"]?\s*(#|data:image/))", re.I)
_UNSEEN = str.maketrans("", "", "\u00ad\u200b\u200c\u200d\u2060\ufeff")  # what splits a word without being seen
_WORDS = (
    (PSEUDONYM, "holds a person's pseudonym"),
    (re.compile(r"Traceback \(most recent call last\)"), "shows a traceback"),
    (re.compile(r"(?<![\w.])/(?:home|Users|root|tmp|mnt|opt|var|private|Volumes|workspaces?)/[\w.-]|"
                r"(?<!\w)[A-Z]:\\\w|\\\\\w+\\\w|file://|site-packages"), "shows a path of a machine"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}"), "holds an e-mail address"),
    (re.compile(r"execution_count|iopub\.|ExecuteTime|\b(?:In|Out) ?\[[ \d]*\]:"), "holds what a run leaves behind"),
)


def release_problems(html, forbidden=()):
    """What forbids handing a page over: one sentence a problem, none if it may go.

    The page is parsed, and so is every drawing embedded in it; of a photograph the words written into the file are read.
    The name of this user and of this machine, and the user's home, may not occur either.

    Parameters
    ----------
    html : str
        The whole page.
    forbidden : iterable of str
        Further words that may not occur, such as a user's name or a folder; they are not repeated
        in the sentences.

    Returns
    -------
    list of str

    Examples
    --------
    >>> release_problems("<p>Fine.</p>")
    []
    >>> release_problems("<h2>Who?</h2><p onclick='x()'>Not.</p>")
    ['The page holds an event handler (under “Who?”).']
    """
    soup = _parsed(html)
    banned = [(re.compile(rf"(?<!\w){re.escape(word)}(?!\w)"), f"holds {what}, which may not leave this machine")
              for words, what in ((forbidden, "a folder or word of this study"),
                                  (_machine(), "the name of this account or computer, or its home folder"))
              for word in words if word]
    problems = [f"The page {what}{_place(at)}." for at, what in _breaches(soup, (*_WORDS, *banned))]
    for tag, content in _pictures(soup):
        inside = [what for _, what in _breaches(content, (*_WORDS, *banned), page=False)] if content else [
            "is neither an SVG nor a PNG that can be read"]
        problems += [f"An image on the page {what}{_place(tag)}." for what in inside]
    return list(dict.fromkeys(problems))


def words_of(html):
    """Every word a page and the drawings on it show or describe, in their order, as one text."""
    soup = _parsed(html)
    return "\n".join(text for tree in (soup, *(content for _, content in _pictures(soup) if content))
                     for at, text in _texts(tree) if not isinstance(at, Stylesheet))


@lru_cache(maxsize=8)  # an edition is read by several rules
def _parsed(html):
    return BeautifulSoup(html, "html.parser")


@lru_cache(maxsize=32)  # every edition of a page holds the same pictures
def drawing(source):
    """What a picture embedded as a data URI holds, parsed: a drawing, or the words written into a photograph's file.

    None where it is neither an SVG nor a PNG that can be read.
    """
    if not (kind := _DATA.match(source)):
        return None
    try:
        content = base64.b64decode(source[kind.end():])
        words = _png_words(content) if kind[1].lower() == "png" else content.decode()
    except (ValueError, zlib.error):
        return None
    return BeautifulSoup(words, "html.parser")


@lru_cache(maxsize=1)
def _own_words():
    """Words that this package itself writes, in small letters: an account called "paper" or "may" is told by none of them.

    Nor do these name anybody: root, admin, administrator, guest, runner, ubuntu, debian, jovyan, vscode, jupyter, docker,
    localhost.
    """
    sources = [path.read_text(encoding="utf-8") for ending in ("py", "j2", "yml", "md")
               for path in Path(__file__).parents[1].rglob(f"*.{ending}")]
    return set(re.findall(r"\w+", " ".join(sources).lower()))


def _machine():
    """What names this user and machine, unless it is a word that names nobody."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):    # nobody is logged in
        user = ""
    names = {name for name in (user, platform.node()) if len(name) > 2 and name.lower() not in _own_words()}
    return names | ({str(Path.home())} - {"/"})


def _pictures(soup):
    """The tags of embedded pictures, and what those hold."""
    return [(tag, drawing(tag["src"].strip())) for tag in soup.find_all(src=re.compile(r"^\s*data:", re.I))]


def _png_words(content):
    """The words that a PNG file carries beside its picture."""
    at, words = 8, []
    while at + 8 <= len(content):
        size, kind = int.from_bytes(content[at:at + 4]), content[at + 4:at + 8]
        body = content[at + 8:at + 8 + size]
        if kind == b"zTXt":
            body = zlib.decompress(body.partition(b"\0")[2][1:])
        words += [body.decode("latin-1")] if kind in (b"tEXt", b"iTXt", b"zTXt", b"eXIf") else []
        at += 12 + size
    return "\n".join(words)


def _breaches(soup, words, page=True):
    """Each breach of a parsed page or drawing, with the tag it is in (None where it is spread over several)."""
    for node in soup.find_all(string=lambda text: isinstance(text, Comment | CData | Declaration | ProcessingInstruction)):
        yield node, "holds a comment that is not shown"
    for tag in soup.find_all(True):
        if what := _LIVE.get(tag.name):
            yield tag, what
        else:
            yield from ((tag, what) for what in _attribute_breaches(tag, page))
    for tag in soup.find_all("style"):
        if _STYLE_LOADS.search(tag.get_text()):
            yield tag, "loads a style from elsewhere"
    for table in soup.find_all("table"):
        yield from ((table, what) for what in _table_breaches(table))
    texts = _texts(soup, every=True)
    whole = "".join(text for _, text in texts)    # words may be split by tags
    for pattern, what in words:
        if at := [tag for tag, text in texts if pattern.search(text)]:
            yield at[0], what
        elif pattern.search(whole):
            yield None, what


def _attribute_breaches(tag, page):
    for name, value in tag.attrs.items():
        value = "".join(" ".join(value).split() if isinstance(value, list) else value.split())
        if name.startswith("on"):
            yield "holds an event handler"
        elif name == "style" and page:
            yield "holds a style attribute"
        elif re.match(r"(javascript|vbscript):", value, re.I):
            yield "holds a script link"
        elif name == "href" and tag.name in ("a", "area") and page:
            if not _LEADS.match(value):
                yield "holds a link to neither the web nor another page"
        elif name in _LOADS and not re.match("data:image/|#" if name.endswith("href") else "data:image/", value, re.I):
            yield "links outwards" if name.endswith("href") else "loads something from elsewhere"
        elif name == "http-equiv" and value.lower() != "content-security-policy":
            yield "holds an order to the browser"
        elif name not in ("alt", "title") and _STYLE_LOADS.search(value):
            yield "loads a style from elsewhere"


def _table_breaches(table):
    rows = len(table.find_all("tr")) - len(table.select("thead tr"))
    if rows > ROWS:
        yield f"has a table of {rows} rows, which lists rather than sums up; {ROWS} are the most"
    cells = [*table.find_all("th"), *(table.tr or table).find_all("td")]
    headings = {" ".join(re.findall("[a-z]+", cell.get_text(" ").lower())) for cell in cells}
    if personal := sorted(headings & _PERSONAL):
        yield f"has a table of single people or acts (its heading “{personal[0]}”)"


def _texts(soup, every=False):
    """Words of a parsed page and of its descriptions, with where they stand; with `every`, of other attributes too."""
    found = [(node, str(node)) for node in soup.find_all(string=True)]
    found += [(tag, value) for tag in soup.find_all(True) for name, value in tag.attrs.items()
              if isinstance(value, str) and not value.startswith("data:")
              and (name in ("alt", "title", "aria-label", "content") or (every and name not in ("id", "d", "style")))]
    return [(at, text.translate(_UNSEEN)) for at, text in found]


def _place(tag):
    """Where a tag stands: the figure or table, and the heading above it."""
    if tag is None:
        return ""
    figure = tag if tag.name == "figure" else tag.find_parent("figure")
    label = figure.figcaption.b if figure and figure.figcaption else None
    heading = tag.find_previous(["h1", "h2", "h3"])
    parts = [label.get_text(strip=True).rstrip(".")] if label else []
    parts += [f"under “{heading.get_text(' ', strip=True)}”"] if heading else []
    return f" ({', '.join(parts)})" if parts else ""
