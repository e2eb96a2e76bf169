"""A page is printed as a PDF that screen readers can read and that gives nothing of this machine away."""

import os
import sys

import pypdf
import pytest

from libengage_utils.__main__ import main
from libengage_utils.report import ReportError, print_folder, print_pdf, printing

PAGE = """<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>Who engages?</title>
<style>@page { size: A4 } h2 { break-before: page }</style></head><body><h1>Who engages?</h1>
<p><a href="02-next.html">Next</a>, <a class="a" href="../x.csv">data</a>, <a href="#who">below</a>,
<a href="https://doi.org/10.1/x">a paper</a></p><h2 id="who">Who does not</h2>
<img alt="A fifth never came."
src="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'%3E%3Cpath
d='M0 0h9v9'/%3E%3C/svg%3E">
<img alt="" src="https://example.org/pixel.png"></body></html>"""


@pytest.fixture(scope="module")
def chromium():
    try:
        return printing.find_browser()
    except ReportError as problem:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(problem))


@pytest.fixture(scope="module")
def printed(chromium, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    (folder / "01-who.html").write_text(PAGE)
    print_pdf(folder / "01-who.html", folder / "pdf" / "01-who.pdf")
    return folder / "pdf" / "01-who.pdf"


@pytest.fixture
def catalogue(printed):
    return pypdf.PdfReader(printed).trailer["/Root"]


def elements(node):
    """Every element of a PDF's structure, in reading order."""
    node = node.get_object()
    for child in node if isinstance(node, list) else [node]:
        child = child.get_object() if hasattr(child, "get_object") else child
        if isinstance(child, dict):
            if "/S" in child:
                yield child
            if "/K" in child:
                yield from elements(child["/K"])


def fonts(resources):
    """Every font that a page, or a drawing on it, uses."""
    resources = resources.get_object()
    for font in resources.get("/Font", pypdf.generic.DictionaryObject()).get_object().values():
        yield font.get_object()
    for part in resources.get("/XObject", pypdf.generic.DictionaryObject()).get_object().values():
        if "/Resources" in part.get_object():
            yield from fonts(part.get_object()["/Resources"])


def test_a_pdf_has_tags_title_language_and_outline(printed, catalogue):
    reader = pypdf.PdfReader(printed)
    assert catalogue["/MarkInfo"]["/Marked"] and catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert catalogue["/Lang"] == "en-GB" and reader.metadata.title == "Who engages?"
    first, (second,) = reader.outline
    assert [(mark.title, reader.get_destination_page_number(mark)) for mark in (first, second)] == [
        ("Who engages?", 0), ("Who does not", 1)]


def test_a_picture_keeps_its_words(catalogue):
    kinds = [(element["/S"], element.get("/Alt")) for element in elements(catalogue["/StructTreeRoot"]["/K"])]
    assert ("/Figure", "A fifth never came.") in kinds and {"/H1", "/H2", "/P"} <= {kind for kind, _ in kinds}


def test_the_page_sets_the_paper_and_nothing_is_printed_in_its_margins(printed):
    page = pypdf.PdfReader(printed).pages[0]
    assert [round(float(side) / 72 * 25.4) for side in page.mediabox[2:]] == [210, 297]
    assert page.extract_text().split() == "Who engages? Next, data, below, a paper".split()


def test_every_font_travels_with_the_pdf(printed):
    used = [font for page in pypdf.PdfReader(printed).pages for font in fonts(page["/Resources"])]
    assert used
    for font in used:
        inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        assert font["/Subtype"] == "/Type3" or any("/FontFile" in key for key in inner["/FontDescriptor"].get_object())


def test_links_lead_within_and_to_the_web_and_no_path_of_this_machine_is_kept(printed):
    links = [link.get_object() for page in pypdf.PdfReader(printed).pages for link in page.get("/Annots", [])]
    assert [link["/A"]["/URI"] for link in links if "/A" in link] == ["https://doi.org/10.1/x"]
    assert len([link for link in links if "/Dest" in link]) == 1
    content = printed.read_bytes()
    assert b"https://doi.org" in content and not any(
        word in content for word in (b"file:", b"02-next", str(printed.parent.parent).encode()))


def test_nothing_is_left_beside_the_pdf(printed):
    assert [path.name for path in printed.parent.iterdir()] == ["01-who.pdf"]


def test_every_page_of_a_folder_is_printed_but_the_one_with_code(chromium, tmp_path, capsys):
    for name in ("index", "01-who", "01-who-code"):
        (tmp_path / f"{name}.html").write_text(PAGE)
    main(["pdf", str(tmp_path)])
    assert capsys.readouterr().out.split("\n")[:2] == ["  01-who.pdf, 1 of 2", "  index.pdf, 2 of 2"]
    assert sorted(path.name for path in tmp_path.glob("*.pdf")) == ["01-who.pdf", "index.pdf"]


def test_a_missing_browser_is_said_with_its_remedy(monkeypatch, tmp_path):
    (tmp_path / "01-who.html").write_text(PAGE)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(printing, "BROWSERS", ("chromium", "google-chrome"))
    with pytest.raises(ReportError, match=r"none was found: install one, or name it in the environment, CHROMIUM="):
        print_folder(tmp_path)
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "no-such-browser"))
    with pytest.raises(ReportError, match=r"no such program as CHROMIUM names") as problem:
        print_folder(tmp_path)
    assert str(tmp_path) not in str(problem.value)


def test_a_browser_that_prints_nothing_is_said_and_the_last_pdf_stays(monkeypatch, tmp_path):
    (tmp_path / "01-who.html").write_text(PAGE)
    (tmp_path / "01-who.pdf").write_text("the last good print")
    monkeypatch.setenv("CHROMIUM", sys.executable)
    with pytest.raises(ReportError, match=r"did not print 01-who\.html; open it in a browser"):
        print_folder(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01-who.html", "01-who.pdf"]
    assert (tmp_path / "01-who.pdf").read_text() == "the last good print"


def test_the_pages_of_one_notebook_are_printed_alone(chromium, tmp_path):
    for name in ("01-who", "01-who-slides", "02-what"):
        (tmp_path / f"{name}.html").write_text(PAGE)
    main(["pdf", str(tmp_path), "--notebook", "01-who"])
    assert sorted(path.name for path in tmp_path.glob("*.pdf")) == ["01-who-slides.pdf", "01-who.pdf"]
    with pytest.raises(ReportError, match="There is no page of 09 in"):
        print_folder(tmp_path, notebook="09")


def test_a_place_that_cannot_be_written_is_said(monkeypatch, tmp_path):
    (tmp_path / "01-who.html").write_text(PAGE)
    monkeypatch.setenv("CHROMIUM", sys.executable)
    with pytest.raises(ReportError, match=r"^01-who\.pdf cannot be written to its folder \(.+\); make room there"):
        print_pdf(tmp_path / "01-who.html", tmp_path / "01-who.html" / "01-who.pdf")


def test_a_missing_page_and_an_empty_folder_are_said(monkeypatch, tmp_path):
    monkeypatch.setenv("CHROMIUM", sys.executable)
    with pytest.raises(ReportError, match=r"There is no page in"):
        print_folder(tmp_path)
    with pytest.raises(ReportError, match=r"There is no page 01\.html to print"):
        print_pdf(tmp_path / "01.html", tmp_path / "01.pdf")
