"""A page becomes a deck that a room can read and walk through, and the notes of who speaks to it."""

import base64

import pypdf
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from libengage_utils.claims import CLAIMS, VERDICTS
from libengage_utils.privacy import release_problems
from libengage_utils.report import NotesExporter, ReportError, SlidesExporter, print_pdf, printing
from libengage_utils.report.slides import without_title

FINDING = "Of people eligible, a fifth were not seen"
ALT = f"{FINDING}. Bars are shares. Not seen 20%, seen 80%."
STUDY = {"name": "Testing Library", "synthetic": True, "period": "1 September 2022 to 31 August 2024",
         "as_of": "1 September 2024", "minimum_count": 10, "fingerprint": "abc123", "version": "1", "coverage": [
             {"source": "loans", "sees": "each person", "misses": "walk-in readers"},
             {"source": "print", "sees": "each person", "misses": "walk-in readers; Hill"},
             {"source": "gate", "sees": "acts, but not whose they were", "misses": ""}]}
CARD = {"id": "C02", "claim": "Use is concentrated in a few", "rule": "The interval lies above half.", "estimate": "71%",
        "interval": "69% to 73%", "verdict": "supported here", "answer": "The busiest fifth make 71% of acts. Others less.",
        "firm": "under 7 of 8 sets of choices", "across": "From 60% to 73%."}


def md(source, *tags):
    return new_markdown_cell(source, metadata={"tags": list(tags)})


def shown(data, *tags, **about):
    return new_code_cell("secret_code()", metadata={"tags": list(tags)},
                         outputs=[new_output("display_data", data, metadata=about)])


def figure(height=225, **about):
    drawing = (f'<svg xmlns="http://www.w3.org/2000/svg" width="576pt" height="{height}pt" viewBox="0 0 576 {height}"><g><g>'
               '<text transform="translate(5.76 14.2)">Of people eligible,</text>'
               '<text transform="translate(5.76 29.8)">a fifth were not seen</text></g><g><text x="5" y="60">20%</text></g>'
               '<path d="M0 50h90v20z"/></g></svg>')
    return shown({"image/svg+xml": drawing}, **{"alt": ALT, "title": FINDING, "caption": "Bars are shares.", **about})


def table(rows, columns=2, caption="People by segment"):
    row = "<tr>" + "<td>12</td>" * columns + "</tr>"
    return shown({"text/html": f"<table><tbody>{row * rows}</tbody></table>"}, caption=caption)


def claim(**changes):
    return shown({"application/vnd.libengage.claim+json": {**CARD, **changes}})


CELLS = [
    md("# Who comes?\n\nFor whoever asks.\n\n**How not to answer it.** Not from chance."),
    shown({"text/markdown": "**In short.** A fifth never came. Others did."}, "in-short"),
    md("## Predict\n\nWrite it down.\n\n1. How many?\n2. Why?"),
    md("## The data\n\nRows were read."), table(2, caption="Rows read"),
    md("## Who is seen\n\nBefore the figure."), figure(), md("After the figure."),
    table(3), table(9, caption="Everybody, line by line"), claim(),
    md("## Spot what is wrong\n\nSomebody says so.\n\nIs it so?"), md("### The repair\n\nNo: it was chance.", "reveal"),
    md("## What is left\n\nNothing to show, but something to say."),
    md("## For discussion\n\n1. What now?"), md("## References\n\n- A paper.\n\nNext: [more](02-more.ipynb)")]


def exported(exporter, cells, study=STUDY):
    html, _ = exporter().from_notebook_node(new_notebook(cells=list(cells)), {"name": "01-who.ipynb", "study": study})
    assert release_problems(html) == []
    return html


def deck(*cells, study=STUDY):
    return BeautifulSoup(exported(SlidesExporter, cells or CELLS, study), "html.parser")


def notes(*cells):
    """What is said to each slide, by the slide's id."""
    soup = BeautifulSoup(exported(NotesExporter, cells or CELLS), "html.parser")
    return {said.h2["id"]: " ".join(said.get_text(" ").split()).removeprefix(said.h2.get_text()).strip()
            for said in soup.select("main ol.told > li")}


def headings(soup):
    return [heading.get_text() for heading in soup.select("section > .top > :is(h1, h2)")]


def test_the_room_predicts_first_and_hears_the_answer_only_before_it_discusses():
    assert headings(deck()) == [
        "Who comes?", "Predict", "Who is in the data, and who is not", FINDING, "People by segment",
        "Use is concentrated in a few", "Use is concentrated in a few", "Spot what is wrong", "The repair", "In short",
        "For discussion", "Read on"]


def test_a_slide_can_be_opened_by_its_own_link_and_leads_to_its_neighbours():
    slides = deck().select("section.slide")
    names = [slide["id"] for slide in slides]
    assert len(set(names)) == len(names) and {"figure-1", "table-2", "claim-c02", "think-1", "in-short"} <= set(names)
    for at, slide in enumerate(slides):
        wanted = [f"#{name}" for name in names[max(at - 1, 0):at + 2]]
        assert [link["href"] for link in slide.select(".steps a")] == wanted
        assert f"{at + 1} / {len(slides)}" in slide.select_one(".foot").get_text()
        assert slide["aria-labelledby"].split()[-1] == slide.find(["h1", "h2"])["id"]


def test_every_slide_of_a_synthetic_study_says_so_and_no_slide_of_a_real_one():
    assert all("Synthetic data" in slide.get_text() for slide in deck().select("section.slide"))
    assert "ynthetic data" not in deck(study={**STUDY, "synthetic": False}).body.get_text()


def test_a_finding_is_the_heading_and_not_drawn_a_second_time():
    picture = deck().select_one("#figure-1 img")
    drawing = base64.b64decode(picture["src"].partition(",")[2]).decode()
    assert "not seen" not in drawing and "20%" in drawing and "M0 50h90v20z" in drawing
    assert 'viewBox="0 35.8 576 189.2"' in drawing and picture["alt"] == "Not seen 20%, seen 80%."


def test_a_figure_and_a_table_have_the_number_that_the_page_gives_them():
    assert [slide.select_one(".kicker").get_text() for slide in deck().select("#figure-1, #table-2")] == [
        "Who is seen · Figure 1", "Who is seen · Table 2"]
    assert deck(md("# Who?"), figure()).select_one("#figure-1 .kicker").get_text() == "Figure 1"


@pytest.mark.parametrize(("rest", "left"), [
    ("3% came, 9% did not.", "3% came, 9% did not."), ("Few left. Bars are shares. 3%.", "Few left. Bars are shares. 3%."),
    ("", "Few came. Bars are shares."), ("3%.", "Few came. Bars are shares. 3%.")])
def test_the_picture_in_words_leaves_out_what_the_slide_has_said_but_is_always_a_sentence(rest, left):
    picture = figure(alt=f"Few came. Bars are shares. {rest}", title="Few came.")
    assert deck(md("# Who?"), picture).select_one("#figure-1 img")["alt"] == left
    untitled = deck(md("# Who?"), figure(alt="A drawing of a door.", title="", caption="")).select_one("#figure-1 img")
    assert untitled["alt"] == "A drawing of a door."


@pytest.mark.parametrize(("title", "box", "y"), [
    ("", "0 0 9 99", 9), ("Another finding", "0 0 9 99", 9), ("A finding", "", 9), ("A finding", "0 0 9 99", 60)])
def test_a_drawing_without_that_title_at_its_head_stays_as_it_was(title, box, y):
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"><g><text y="{y}">A finding</text></g></svg>'
    drawing = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    assert without_title(drawing, title) == (drawing, None)
    assert without_title("data:image/png;base64,AAAA", "A finding")[0] == "data:image/png;base64,AAAA"


def test_a_tall_figure_stands_beside_its_heading():
    assert ["tall" in deck(md("# Who?"), figure(height)).select_one("#figure-1")["class"] for height in (225, 500)] == [
        False, True]


def test_the_data_are_told_by_who_is_seen_and_by_which_source_who_is_not():
    rows = [[part.get_text() for part in row.find_all(["dt", "dd"])] for row in deck().select("#the-data .seen div")]
    assert rows == [["Sees each person", "loans, print"], ["Does not see", "walk-in readers", "Hill (print)"],
                    ["Sees acts, but not whose they were", "gate"]]


@pytest.mark.parametrize(("words", "shown"), [("Whoever was never asked.", True), ("Whoever was never asked. " * 20, False)])
def test_what_the_notebook_says_of_who_is_not_in_it_is_shown_if_it_is_short_and_said_if_not(words, shown):
    cells = [md("# Who?"), md(f"## The data\n\n**Who is not in it.** {words}\n\nRows were read.")]
    assert ("never asked" in deck(*cells).select_one("#the-data").get_text()) == shown
    assert ("never asked" in notes(*cells)["the-data"]) != shown
    assert "Rows were read." in notes(*cells)["the-data"]


def test_a_claim_is_voted_on_by_its_rule_before_its_verdict_is_seen():
    rule = "Supported if the share is at least half; not supported if it is below; otherwise it cannot be told."
    slides = deck(md("# Who?"), claim(rule=rule, reading="A fifth makes half."))
    vote, verdict = slides.select("#claim-c02, #claim-c02-verdict")
    assert vote.find_next_sibling("section") is verdict
    assert " ".join(vote.select_one(".body").get_text().split()) == (
        "Read here as: A fifth makes half. Rule, written before the estimate was seen. Supported if the share is at least "
        "half. Vote: supported here / not supported here / cannot tell / not testable with this data")
    assert "71%" not in str(vote) and "sign" not in str(vote) and "supported" not in vote["class"]
    said = notes(md("# Who?"), claim(rule=rule))["claim-c02"]
    assert rule in said and said.endswith("Count hands for each verdict before you go on.")


def test_of_a_rule_reworded_after_an_estimate_was_seen_slide_and_notes_say_so():
    cells = [md("# Who?"), claim(reworded="The mark was not moved.")]
    assert "Rule, reworded after an estimate was seen." in deck(*cells).select_one("#claim-c02").get_text()
    assert "Rule, reworded after an estimate was seen. The interval lies above half. The mark" in notes(*cells)["claim-c02"]


def test_a_verdict_is_shown_in_sign_and_words_with_how_sure_and_how_firm():
    slide, said = deck().select_one("#claim-c02-verdict"), notes()["claim-c02-verdict"]
    assert slide.select_one(".sign").get_text() == "✓" and "supported" in slide["class"]
    for words in ("Supported here", "71%", "69% to 73%", CARD["firm"], "The busiest fifth make 71% of acts."):
        assert words in slide.get_text()
    assert "Others less." not in slide.get_text()
    assert said.endswith("Say: The busiest fifth make 71% of acts. Others less. Across assumptions. From 60% to 73%.")


def test_a_verdict_that_most_choices_do_not_give_says_so_in_its_own_line_and_has_a_hollow_sign():
    shaky = claim(shaky=True, firm="under only 4 of 16 sets of choices")
    verdicts = [deck(md("# Who?"), card).select_one("#claim-c02-verdict") for card in (shaky, claim())]
    assert [verdict.select_one(".decided strong").get_text() for verdict in verdicts] == [
        "Supported here, but under only 4 of 16 sets of choices", "Supported here"]
    assert ["shaky" in verdict.select_one(".sign")["class"] for verdict in verdicts] == [True, False]


def test_a_claim_that_cannot_be_tested_says_why():
    untested = claim(verdict="not testable with this data", estimate="none", interval="", firm="", answer="No log. None.")
    slide = deck(md("# Who?"), untested).select_one("#claim-c02-verdict")
    assert "No log. None." in slide.get_text() and "Estimate" not in slide.get_text()


def test_a_table_too_large_for_a_room_is_left_to_the_page_and_the_notes_say_so():
    wide = table(2, columns=6, caption="Many columns")
    assert headings(deck(md("# Who?"), md("## Seen"), table(8), table(9), wide, table(2, caption=""))) == [
        "Who?", "People by segment", "Read on"]
    assert notes(md("# Who?"), md("## Seen"), table(8), wide, table(2, caption=""))["table-1"] == (
        "Seen · Table 1 On the page: table 2, Many columns. On the page: a table.")


def test_what_is_asked_stands_on_one_slide_and_the_answer_on_the_next():
    asked, answer = deck().select("#think-1, #answer-1")
    assert asked.select_one(".body").get_text(" ", strip=True) == "Somebody says so. Is it so?"
    assert notes()["think-1"].endswith("Wait two minutes before you go on.")
    assert "chance" not in asked.get_text() and "No: it was chance." in answer.get_text()


def test_of_a_long_question_the_end_is_shown_and_the_rest_is_said():
    story = "It was told at length. " * 40
    cells = [md("# Who?"), md(f"## Spot it\n\n{story}\n\nIs it so?"), md(f"No.\n\n{story}", "reveal")]
    slides = deck(*cells)
    assert slides.select_one("#think-1 .body").get_text(strip=True) == "Is it so?"
    assert slides.select_one("#answer-1 .body").get_text(strip=True) == "No."
    said = notes(*cells)
    assert story.strip() in said["think-1"] and story.strip() in said["answer-1"]


def test_a_figure_to_be_revealed_has_its_slide_after_the_question():
    assert headings(deck(md("# Who?"), md("## Spot it\n\nIs it so?"), figure())) == ["Who?", FINDING, "Read on"]
    revealed = figure()
    revealed.metadata["tags"] = ["reveal"]
    assert headings(deck(md("# Who?"), md("## Spot it\n\nIs it so?"), revealed)) == ["Who?", "Spot it", FINDING, "Read on"]


def test_the_notes_say_the_finding_first_then_what_stands_around_a_figure_and_the_picture_in_words_but_no_code():
    said = notes()
    assert list(said) == [slide["id"] for slide in deck().select("section.slide")]
    assert said["figure-1"] == (f"Say: {FINDING} Before the figure. The picture in words. Not seen 20%, seen 80%. "
                                "After the figure.")
    assert said["in-short"] == "Say: A fifth never came."
    assert "Rows were read. On the page: table 1, Rows read." in said["the-data"]
    assert "secret_code" not in exported(NotesExporter, CELLS) + exported(SlidesExporter, CELLS)


def test_a_heading_leads_to_what_follows_it_and_does_not_end_the_notes_before():
    said = notes(md("# Who?"), md("## Seen"), figure(), md("### Of the gate"), table(3))
    assert "Of the gate" not in said["figure-1"] and "Of the gate" in said["table-1"]


def test_guesses_are_collected_and_the_trap_is_not_told_before_somebody_has_looked_for_it():
    said = notes()
    assert said["predict"] == "Write it down. Collect guesses before you go on."
    assert said["title"] == "For whoever asks." and said["read-on"].startswith("How not to answer it. Not from chance.")


def test_slide_and_notes_say_how_to_move_and_the_notes_where_the_run_sheets_are():
    keys = "Space, Page Down or the down arrow"
    written = BeautifulSoup(exported(NotesExporter, CELLS), "html.parser")
    assert keys in deck().select_one("#title").get_text() and keys in written.get_text()
    assert written.code.get_text() == "make club NOTEBOOK=01-who" and not written.table


def test_no_prose_of_the_page_is_on_no_slide_and_in_no_notes():
    told = " ".join(notes().values()) + deck().get_text()
    for words in ("For whoever asks.", "Write it down.", "Everybody, line by line", "Nothing to show, but something to say.",
                  "A paper.", "Next:", "What now?", "A fifth never came."):
        assert words in told


def test_a_deck_has_no_script_no_style_attribute_and_asks_for_nothing():
    for exporter in (SlidesExporter, NotesExporter):
        soup = BeautifulSoup(exported(exporter, CELLS), "html.parser")
        assert not soup.find_all(["script", "link", "iframe", "object"]) and not soup.find_all(style=True)
        assert all(tag["src"].startswith("data:") for tag in soup.find_all(src=True))


# In a browser, and on paper


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deck")
    long = "as long as an answer is, " * 9
    claims = [claim(id=about.id, claim=about.says, reading=about.reading, rule=about.rule, answer=long,
                    reworded=about.reworded, verdict=VERDICTS[1], shaky=True, firm="under only 9 of 24 sets of choices")
              for about in CLAIMS.values()]
    cells = [*CELLS[:-2], figure(500), table(8, columns=5), *claims, *CELLS[-2:]]
    (folder / "deck.html").write_text(exported(SlidesExporter, cells))
    (folder / "notes.html").write_text(exported(NotesExporter, cells))
    return folder


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (1024, 768)])
def test_every_slide_fills_one_screen_and_page_down_turns_to_the_next(browser, written, size):
    page = browser.new_page(viewport=dict(zip(("width", "height"), size, strict=True)), bypass_csp=True)
    page.goto((written / "deck.html").as_uri())
    heights = page.evaluate("[...document.querySelectorAll('.slide')].map(one => one.scrollHeight)")
    assert set(heights) == {size[1]}
    small = page.evaluate("""[...document.querySelectorAll('.body > :is(p:not(.small), ol, ul, dl), .slide :is(h1, h2)')]
        .map(one => parseFloat(getComputedStyle(one).fontSize))
        .filter(size => size < Math.min(innerHeight, innerWidth * 9 / 16) / 32)""")
    assert small == []
    for key, wanted in (("PageDown", 1), ("Space", 2), ("ArrowDown", 3), ("PageUp", 2)):
        page.keyboard.press(key)
        page.wait_for_function(f"scrollY === {wanted * size[1]}", timeout=4_000)
    page.close()


def test_after_paging_by_keys_tab_goes_on_from_the_slide_on_the_screen(browser, written):
    page = browser.new_page(viewport={"width": 1280, "height": 720}, bypass_csp=True)
    page.goto((written / "deck.html").as_uri())
    for turned in range(1, 4):
        page.keyboard.press("PageDown")
        page.wait_for_function(f"scrollY === {turned * 720}", timeout=4_000)
    for reached in ("skip", "picture"):
        page.keyboard.press("Tab")
        assert page.evaluate("[document.activeElement.className, scrollY]") == [reached, 3 * 720]
    assert page.evaluate("document.activeElement.closest('.slide').id") == "figure-1"
    assert page.locator("#figure-2 img").is_visible() and page.locator("#table-2 table").is_visible()
    page.close()


def test_on_a_phone_nothing_hangs_over_and_figures_scroll(browser, written):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((written / "deck.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("getComputedStyle(document.documentElement).scrollSnapType") == "none"
    assert page.evaluate("(one => one.scrollWidth > one.clientWidth)(document.querySelector('.picture'))")
    page.close()


def test_a_deck_is_printed_one_slide_a_page_with_the_words_for_its_pictures(written):
    try:
        print_pdf(written / "deck.html", written / "deck.pdf")
    except ReportError as problem:
        if printing.os.environ.get("CI"):
            raise
        pytest.skip(str(problem))
    reader = pypdf.PdfReader(written / "deck.pdf")
    slides = BeautifulSoup((written / "deck.html").read_text(), "html.parser").select("section.slide")
    assert len(reader.pages) == len(slides)
    for number, (paper, slide) in enumerate(zip(reader.pages, slides, strict=True), 1):
        assert [round(float(side) / 72, 1) for side in paper.mediabox[2:]] == [13.3, 7.5]
        assert f"{number} / {len(slides)}" in paper.extract_text() and "Synthetic data" in paper.extract_text()
        assert slide.find(["h1", "h2"]).get_text().split()[0] in paper.extract_text()
    assert [mark.title for mark in reader.outline[1]] == headings(BeautifulSoup(
        (written / "deck.html").read_text(), "html.parser"))[1:]
