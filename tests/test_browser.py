"""Every page that is handed over, opened in a real browser: by eye, by ear, by keyboard, on a phone and on paper.

The pages of ``reports/`` are opened where they are whole and newer than what they are made of, as they must be in
continuous integration. Anywhere else those of two notebooks are made for the occasion.
"""

import fcntl
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pypdf import PdfReader

from libengage_utils.report.release import EDITIONS

HOME = Path(__file__).parents[1]
REPORTS, NOTEBOOKS = HOME / "reports", sorted((HOME / "notebooks").glob("*.ipynb"))
IN_CI = bool(os.environ.get("CI"))
FEW = ("00-start-here", "07-reading-lists")
WIDE, NARROW, NARROWEST = (1200, 900), (390, 844), (320, 700)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LARGEST = 400_000


def editions(stems):
    return {f"{stem}{ending}.html" for stem in stems for ending in EDITIONS} | {"index.html"}


def up_to_date():
    """Whether the index, which is written last, is newer than the notebooks and the package."""
    made_of = [*NOTEBOOKS, *(path for path in (HOME / "libengage_utils").rglob("*") if "__pycache__" not in path.parts)]
    index = REPORTS / "index.html"
    return index.exists() and index.stat().st_mtime > max(path.stat().st_mtime for path in made_of if path.is_file())


WHOLE = up_to_date()
NAMES = ({path.relative_to(REPORTS).as_posix() for path in REPORTS.rglob("*.html")} if WHOLE or IN_CI else editions(FEW))
each_page = pytest.mark.parametrize("name", sorted(NAMES))


@pytest.fixture(scope="session")
def handed_over(tmp_path_factory):
    """The folder of the pages."""
    if WHOLE or IN_CI:
        return REPORTS
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "handed-over"
    folder.mkdir(exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "index.html").exists():
            for stem in FEW:
                _make("report", f"notebooks/{stem}.ipynb", "data/demo/study.yml", "--to", folder)
            _make("index", "data/demo/study.yml", "--to", folder)
    return folder


def _make(*words):
    command = [sys.executable, "-m", "libengage_utils", *map(str, words)]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


class Visit:
    """A page opened once, and all that it did: requests, dialogs, complaints and errors."""

    def __init__(self, browser, path, size=WIDE, **options):
        width, height = size
        self.context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", **options)
        self.page, self.did = self.context.new_page(), []
        address = path.resolve().as_uri()
        self.page.on("request", lambda request: request.url == address or self.did.append(f"request: {request.url[:80]}"))
        self.page.on("console", lambda said: said.type in ("error", "warning") and self.did.append(f"console: {said.text}"))
        self.page.on("pageerror", lambda error: self.did.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.did.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.goto(address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def ask(self, script, *about):
        return self.page.evaluate(script, *about)

    def unfold(self):
        self.ask("document.querySelectorAll('details').forEach(one => one.open = true)")


@pytest.fixture
def visit(browser, handed_over):
    """Open a page by its name."""
    return lambda name, *about, **options: Visit(browser, handed_over / name, *about, **options)


@pytest.mark.skipif(not IN_CI, reason="elsewhere the pages of two notebooks are enough")
def test_every_notebook_has_all_its_editions_and_none_is_old():
    assert WHOLE
    assert editions(path.stem for path in NOTEBOOKS) <= NAMES


@each_page
def test_it_is_small(name, handed_over):
    assert (handed_over / name).stat().st_size < LARGEST


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["desk", "phone"])
@each_page
def test_by_day_and_night_it_breaks_no_rule_of_accessibility_and_asks_for_nothing(name, size, visit):
    with visit(name, size) as seen:
        seen.unfold()
        for scheme in "light", "dark":
            seen.page.emulate_media(color_scheme=scheme)
            assert broken(seen.page) == [], scheme
        assert seen.did == []


def broken(page, rules=RULES):
    """The rules of axe-core that a page breaks, each with the places."""
    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]}).response["violations"]
    return [f"{rule['id']}: {place['html'][:150]} {place['failureSummary']}" for rule in found for place in rule["nodes"]]


def test_axe_finds_what_a_careless_page_breaks(browser, tmp_path):
    (tmp_path / "page.html").write_text("<title>Careless</title><h1 style='color:#bbb'>Careless</h1><img src='data:,'>")
    with Visit(browser, tmp_path / "page.html") as seen:
        rules = {problem.partition(":")[0] for problem in broken(seen.page)}
    assert {"image-alt", "color-contrast", "html-has-lang", "landmark-one-main"} <= rules


@each_page
def test_it_has_one_title_and_its_headings_leave_out_no_level(name, visit):
    with visit(name) as seen:
        seen.unfold()
        levels = seen.ask("[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(one => Number(one.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


@each_page
def test_its_pictures_can_be_seen_and_each_is_described(name, visit):
    with visit(name) as seen:
        seen.unfold()
        pictures = seen.ask("""Promise.all([...document.images].map(async one => ({
            alt: one.alt, decoded: await one.decode().then(() => one.naturalWidth > 0, () => false)})))""")
    assert all(picture["decoded"] for picture in pictures)
    described = [picture["alt"] for picture in pictures]
    assert len(set(described)) == len(described)
    for words in described:
        assert len(words.split()) >= 5 and not words.lower().endswith((".png", ".svg", ".jpg"))


@each_page
def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(name, visit):
    with visit(name) as seen:
        expected = seen.ask("""
            const all = [...document.querySelectorAll("a[href], summary, [tabindex='0']")];
            window.order = all.filter(one => one.checkVisibility() && getComputedStyle(one).pointerEvents != 'none');
            window.order.length""")
        reached = []
        for _ in range(expected):
            seen.page.keyboard.press("Tab")
            # The screen is drawn between two keys, as it is for fingers: slides take focus once they are on it.
            reached.append(seen.ask("""async () => {
                await new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)));
                const here = document.activeElement, style = getComputedStyle(here), box = here.getBoundingClientRect();
                const shown = style.outlineStyle != 'none' && parseFloat(style.outlineWidth) >= 2;
                const inView = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
                return [window.order.indexOf(here), shown, inView, here.outerHTML.slice(0, 100)];
            }"""))
    assert [place for place, *_ in reached] == list(range(expected)), reached
    assert [what for _, shown, in_view, what in reached if not (shown and in_view)] == []


@each_page
def test_what_scrolls_sideways_can_be_reached_by_keyboard(name, visit):
    with visit(name, NARROW) as seen:
        seen.unfold()
        unreachable = seen.ask("""[...document.querySelectorAll('main *')].filter(one =>
            one.scrollWidth > one.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(one).overflowX)
            && !one.matches("[tabindex='0'], :has(a[href], summary)")).map(one => one.outerHTML.slice(0, 100))""")
    assert unreachable == []


@each_page
def test_enter_and_space_fold_and_unfold_each_kind_of_part(name, visit):
    with visit(name, NARROW) as seen:
        seen.unfold()
        for kind in seen.ask("[...new Set([...document.querySelectorAll('details')].map(one => one.className))]"):
            fold = seen.page.locator(f"details[class='{kind}']" if kind else "details:not([class])").first
            fold.evaluate("one => one.firstElementChild.focus()")
            for key, opened in ("Enter", False), ("Space", True):
                seen.page.keyboard.press(key)
                assert fold.evaluate("one => one.open") == opened


@each_page
def test_the_first_tab_offers_to_skip_to_the_text(name, visit):
    with visit(name) as seen:
        seen.page.keyboard.press("Tab")
        assert seen.ask("document.activeElement.matches('.skip')")
        seen.page.keyboard.press("Enter")
        assert seen.ask("document.activeElement.localName") == "main"


OVERHANGING = """() => {
    const scroller = one => ['auto', 'scroll'].includes(getComputedStyle(one).overflowX);
    const scrolls = one => one && (scroller(one) || scrolls(one.parentElement));
    const over = [...document.querySelectorAll('body *')].filter(one => one.checkVisibility() && !one.matches('.skip')
        && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !scrolls(one.parentElement));
    return over.map(one => one.outerHTML.slice(0, 100));
}"""


@pytest.mark.parametrize("size", [NARROW, NARROWEST], ids=["phone", "magnified"])
@each_page
def test_on_a_narrow_screen_only_figures_and_tables_scroll_sideways(name, size, visit):
    with visit(name, size) as seen:
        seen.unfold()
        assert seen.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert seen.ask(OVERHANGING) == []


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["desk", "phone"])
@each_page
def test_wider_spacing_of_the_text_cuts_nothing_off(name, size, visit):
    """The spacing of WCAG 2.2, success criterion 1.4.12."""
    with visit(name, size) as seen:
        seen.unfold()
        cut = seen.ask("""() => {
            for (const one of document.querySelectorAll('body, body *')) {
                const set = (what, to) => one.style.setProperty(what, to, 'important');
                set('line-height', '1.5'); set('letter-spacing', '0.12em'); set('word-spacing', '0.16em');
                if (one.localName == 'p') set('margin-bottom', '2em');
            }
            return [...document.querySelectorAll('body *')].filter(one =>
                (one.scrollHeight > one.clientHeight + 2 && ['hidden', 'clip'].includes(getComputedStyle(one).overflowY))
                || (one.scrollWidth > one.clientWidth + 2 && ['hidden', 'clip'].includes(getComputedStyle(one).overflowX))
            ).map(one => one.outerHTML.slice(0, 100));
        }""")
        assert cut == [] and seen.ask(OVERHANGING) == []


@each_page
def test_paper_is_white_even_where_the_screen_is_dark(name, visit):
    with visit(name) as seen:
        seen.page.emulate_media(media="print", color_scheme="dark")
        assert broken(seen.page, ["color-contrast"]) == []


@each_page
def test_on_paper_it_keeps_its_structure_and_the_words_for_its_pictures(name, visit, tmp_path):
    with visit(name) as seen:
        pictures = seen.ask("[...document.images].filter(one => one.checkVisibility()).length")
        seen.page.pdf(path=tmp_path / "page.pdf", tagged=True, outline=True, prefer_css_page_size=True)
    root = PdfReader(tmp_path / "page.pdf").root_object
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en-GB"
    described = [part for part in parts(root["/StructTreeRoot"]) if part.get("/S") == "/Figure" and part.get("/Alt")]
    assert len(described) >= pictures


def parts(tree):
    """Every element of a PDF's structure."""
    below = tree.get("/K", [])
    for one in below if isinstance(below, list) else [below]:
        one = one.get_object() if hasattr(one, "get_object") else one
        if hasattr(one, "get"):
            yield one
            yield from parts(one)


# A notebook that means harm

THEFT = "document.title='stolen';alert('stolen');new Image().src='https://example.org/stolen'"
MARKUP = f"""<script>{THEFT}</script><p onclick="{THEFT}" onpointerover="{THEFT}">Text</p><img src=x onerror="{THEFT}">
<a href="JaVaScRiPt:{THEFT}">one</a> <a href="java&#9;script:{THEFT}">two</a>
<a href="data:text/html,<script>{THEFT}</script>">three</a>
<iframe srcdoc="<script>parent.{THEFT}</script>"></iframe><svg onload="{THEFT}"><script>{THEFT}</script></svg>
<math><style><img src=x onerror="{THEFT}"></style></math><details open ontoggle="{THEFT}"><summary>four</summary></details>
<style>@import "https://example.org/stolen.css";</style><img src="https://example.org/stolen.png" alt="A pixel of theirs">
<base href="https://example.org/"><meta http-equiv="refresh" content="0;url=https://example.org/stolen">"""
DRAWING = f"""<svg xmlns="http://www.w3.org/2000/svg" width="90pt" height="90pt" onload="{THEFT}"><script>{THEFT}</script>
<a href="javascript:{THEFT}"><text y="20">Text</text></a><image href="https://example.org/stolen.png"/></svg>"""


def hostile():
    """A run notebook with harm in every kind of cell and output."""
    def shown(data, **about):
        return new_output("display_data", data=data, metadata=about)

    image = f'<img src=x onerror="{THEFT}">'
    claim = {"id": image, "claim": image, "rule": image, "answer": image, "verdict": "cannot tell", "estimate": image}
    return new_notebook(cells=[
        new_markdown_cell(f"# Who? {MARKUP}"),
        new_markdown_cell(f"## Predict\n\n1. {image}\n\n[five](javascript:{THEFT.replace(' ', '')})\n\n{MARKUP}"),
        new_markdown_cell(f"## The data\n\n{MARKUP}"),
        new_code_cell(f"'</code></pre>{image}'", outputs=[
            shown({"text/html": MARKUP}), shown({"text/markdown": MARKUP}), shown({"text/plain": image}),
            new_output("stream", name="stdout", text=image),
            shown({"text/html": f"<table><caption>{image}</caption><tr><td>{image}</td></tr></table>"}, caption=image),
            shown({"image/svg+xml": DRAWING}, alt=f'A drawing of theirs">{image}', caption=image, title=image),
            shown({"application/vnd.libengage.claim+json": claim})]),
        new_markdown_cell(f"## Think first\n\n{MARKUP}", metadata={"tags": ["reveal"]}),
        new_markdown_cell(f"## For discussion\n\n1. {MARKUP}")])


def harm(browser, path, **options):
    """What a page does when everything on it is pointed at and every link of its own is followed."""
    with Visit(browser, path, **options) as seen:
        title = seen.page.title()
        seen.unfold()
        seen.ask("""document.querySelectorAll("p, li, summary, a:not([href^='#'], [href^='http'], [href*='.html'])")
            .forEach(one => { one.dispatchEvent(new Event('pointerover')); one.click() })""")
        seen.page.wait_for_timeout(200)
        return seen.did + [f"title: {seen.page.title()}"] * (seen.page.title() != title or "stolen" in title)


@pytest.mark.parametrize("guarded", [True, False], ids=["with its security policy", "by its markup alone"])
@pytest.mark.parametrize("edition", EDITIONS, ids=lambda ending: ending.strip("-") or "page")
def test_nothing_of_a_hostile_notebook_runs(edition, guarded, browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(EDITIONS[edition].from_notebook_node(hostile(), {"name": "hostile.ipynb"})[0])
    assert harm(browser, path, bypass_csp=not guarded) == []


def test_what_a_hostile_notebook_would_do_is_noticed(browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(f"<title>Who?</title>{MARKUP.partition('<base')[0]}")
    done = harm(browser, path)
    assert {what.partition(":")[0] for what in done} >= {"dialog", "title", "request"}
