"""A notebook becomes one page that is safe to hand over, or one sentence says why it does not."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from libengage_utils.__main__ import main
from libengage_utils.claims import VERDICTS, known
from libengage_utils.report import ReportError, ReportExporter, build_index, export, release, run_notebook
from libengage_utils.report.exporters import render
from libengage_utils.report.release import particulars
from libengage_utils.report.running import NEEDED
from libengage_utils.schema import TABLES

SVG = ('<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt">'
       '<path id="p{id}" d="M0 0"/><use href="#p{id}"/></svg>')
CARD = {"id": "C02", "claim": "Use is concentrated in a few", "rule": "The interval lies above chance.",
        "estimate": "0.71", "interval": "0.69 to 0.73", "verdict": "supported here",
        "answer": "The busiest fifth make 71% of all acts."}


def md(source, *tags):
    return new_markdown_cell(source, metadata={"tags": list(tags)})


def code(source, *tags, outputs=()):
    return new_code_cell(source, metadata={"tags": list(tags)}, outputs=list(outputs))


def shown(data, **metadata):
    return new_output("display_data", data=data, metadata=metadata)


def card(**changes):
    return shown({"application/vnd.libengage.claim+json": {**CARD, **changes},
                  "text/html": "<p>the other card</p>"})


def write(folder, *cells, name="01-who.ipynb", **metadata):
    path = folder / name
    nbformat.write(new_notebook(cells=list(cells), metadata=metadata), path)
    return path


def page(*cells):
    """The page of an already run notebook, parsed."""
    html, _ = ReportExporter().from_notebook_node(new_notebook(cells=list(cells)), {"name": "01-who.ipynb"})
    return BeautifulSoup(html, "html.parser")


def output_page(*outputs, source="show()"):
    return page(md("# Who?"), md("Text."), code(source, outputs=outputs))


def a_study(**changes):
    coverage = pd.DataFrame({
        "source": ["loans", "gate", "print"], "from": ["2022-09-01", "2023-09-01", "2022-09-01"],
        "to": ["2024-08-31"] * 3, "identity": ["person", "none", "person"],
        "blind_spots": ["walk-in readers; home_site=Hill", None, "walk-in readers; home_site=Hill"]})
    return SimpleNamespace(**{
        "name": "Testing Library", "synthetic": True, "purpose": "To plan outreach.", "as_of": "2024-09-01",
        "minimum_count": 10, "coverage": coverage, "fingerprint": "abc123", "tables": {"people", "events"},
        **changes})


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """One notebook really run and exported twice, into two folders."""
    folder = tmp_path_factory.mktemp("reports")
    notebook = write(
        folder,
        md("# Who engages?\n\nFor those who plan."),
        code("from IPython.display import Markdown, display\n"
             "answer = display(Markdown('…'), display_id=True)"),
        code("import sys\nimport pandas as pd"),
        code("k = 1", "parameters"),
        md("## The data"),
        code("print('noise', 'from a library', file=sys.stderr)\n"
             "display(pd.DataFrame({'people': [12, 30 * k]}, index=['seen', 'not seen']), metadata={'rests_on': 12})"),
        md("## The claim"),
        code(f"display({{'application/vnd.libengage.claim+json': {CARD!r}}}, raw=True)\n"
             "answer.update(Markdown(f'In short, {k} of them. The rest is detail.'))", "remove-input"))
    calls = []
    for name in ("one", "two"):
        export(notebook, folder / name / "01-who.html", study=a_study(), parameters={"k": 7},
               progress=lambda *call: calls.append(call))
        build_index(folder / name, a_study())
    return SimpleNamespace(
        folder=folder, calls=calls, html=(folder / "one/01-who.html").read_text(),
        index=(folder / "one/index.html").read_text(),
        manifest=json.loads((folder / "one/01-who.json").read_text()))


# Running


def test_every_table_has_words_for_its_lack():
    assert set(NEEDED) == set(TABLES)


def test_a_step_without_its_data_leaves_one_sentence_and_the_rest_runs(tmp_path):
    path = write(tmp_path, md("# Who?"), md("## Weeks of the term\n\nText.", "needs-events"),
                 code("1 / 0", "needs-events"), md("And *so* on.", "needs-events"), code("2 + 2"),
                 code("1 / 0", "needs-feedback"))
    cells = run_notebook(path, has_tables={"people", "summaries"}).cells
    assert [cell.source for cell in cells] == [
        "# Who?",
        "*Left out: “Weeks of the term” needs an event log, which this study does not have.*",
        "2 + 2",
        "*Left out: this step needs people's feedback, which this study does not have.*"]
    assert cells[2].outputs[0].data["text/plain"] == "4"


def test_a_step_with_its_data_runs(tmp_path):
    path = write(tmp_path, md("# Who?"), code("2 + 2", "needs-events"))
    assert run_notebook(path, has_tables={"events"}).cells[1].outputs


def test_a_notebook_without_its_data_is_one_sentence_and_is_not_run(tmp_path):
    path = write(tmp_path, md("# What do people say?"), code("1 / 0"), libengage={"needs": ["feedback"]})
    notebook = run_notebook(path, has_tables={"people"})
    assert [cell.source for cell in notebook.cells] == [
        "# What do people say?\n\nThis notebook needs people's feedback, which this study does not have."]


def test_a_need_nobody_knows_is_named(tmp_path):
    path = write(tmp_path, md("# Who?"), code("1", "needs-evnets"))
    with pytest.raises(ReportError, match=r"01-who\.ipynb needs a table 'evnets' that nobody knows"):
        run_notebook(path)


def test_a_failing_cell_is_one_sentence_with_notebook_heading_and_error(tmp_path):
    path = write(tmp_path, md("# Who?"), md("## The data"),
                 code("def f():\n    raise ValueError('No roster.')\nf()"))
    with pytest.raises(ReportError) as caught:
        run_notebook(path)
    assert str(caught.value) == "01-who.ipynb stopped under “The data”: ValueError: No roster."


def test_a_missing_notebook_is_one_sentence(tmp_path):
    with pytest.raises(ReportError, match=r"There is no notebook 09-none.ipynb"):
        run_notebook(tmp_path / "09-none.ipynb")


def test_a_file_that_is_no_notebook_is_one_sentence(tmp_path):
    (tmp_path / "list.ipynb").write_text("[]")
    for path in (tmp_path, tmp_path / "list.ipynb"):
        with pytest.raises(ReportError, match="cannot be read as a notebook"):
            run_notebook(path)


def test_a_cell_may_ask_for_this_machine_by_name_and_for_no_other(tmp_path):
    path = write(tmp_path, md("# Who?"),
                 code("import socket\nsocket.gethostbyname(socket.gethostname())\nassert socket.getfqdn()"),
                 code("socket.gethostbyname('example.org')"))
    with pytest.raises(ReportError, match=r"RuntimeError: A cell asked for something on the network"):
        run_notebook(path)


def test_progress_counts_code_cells_and_names_the_heading(reports):
    total = len(reports.calls) // 2
    assert [done for done, _, _ in reports.calls[:total]] == list(range(1, total + 1))
    assert reports.calls[total - 1] == (total, total, "The claim")


# The page


def test_parameters_take_effect_and_stay_off_the_page(reports):
    assert "<td class=\"num\">210</td>" in reports.html
    assert "k = 7" not in reports.html and "k = 1" not in reports.html


def test_the_summary_updated_by_the_last_cell_stands_first(reports):
    summary = BeautifulSoup(reports.html, "html.parser").select_one("main section.in-short")
    assert summary.p.get_text() == "In short, 7 of them. The rest is detail."
    assert reports.manifest["in_short"] == "In short, 7 of them."


def test_nothing_of_the_run_itself_is_shown(reports):
    assert "noise from a library" not in reports.html
    assert "execution" not in reports.html and "import pandas" not in reports.html


def test_the_same_notebook_gives_the_same_bytes(reports):
    for name in ("01-who.html", "index.html"):
        one, two = ((reports.folder / run / name).read_bytes() for run in ("one", "two"))
        assert one == two


def test_a_page_is_small_and_asks_for_nothing(reports):
    soup = BeautifulSoup(reports.html, "html.parser")
    assert len(reports.html) < 40_000
    assert not soup.find_all(["script", "link", "iframe", "object"])
    assert all(tag["src"].startswith("data:") for tag in soup.find_all(src=True))


def test_the_security_policy_lets_only_the_pages_own_style_apply(reports):
    soup = BeautifulSoup(reports.html, "html.parser")
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    digest = base64.b64encode(hashlib.sha256(soup.style.string.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'") and f"style-src 'sha256-{digest}'" in policy
    assert not soup.find_all(style=True)


def test_a_synthetic_study_says_so_on_page_card_and_index(reports):
    for html in (reports.html, reports.index):
        soup = BeautifulSoup(html, "html.parser")
        assert soup.select_one("aside.synthetic").get_text(strip=True).startswith("Synthetic data")
        assert soup.title.string.endswith("(synthetic data)")
    card_label = BeautifulSoup(reports.html, "html.parser").select_one(".claim .label")
    assert card_label.span.string == "Synthetic data"


def test_a_hostile_notebook_leaves_nothing_alive():
    hostile = """<script>steal()</script><p onclick="steal()" style="position:fixed">Text</p>
        <img src=x onerror=steal()><a href="JaVaScRiPt:steal()">one</a><a href="data:text/html,x">two</a>
        <iframe src="https://example.org"></iframe><svg onload="steal()"><script>steal()</script></svg>
        <form action="https://example.org"><input></form>
        <math><style><img src=x onerror=steal()></style></math>
        <style>@import "//example.org/x.css";</style><img src="https://example.org/pixel.png" alt="a pixel">
        <base href="https://example.org/"><meta http-equiv="refresh" content="0;url=https://example.org">"""
    drawing = """<svg xmlns="http://www.w3.org/2000/svg" onload="steal()"><script>steal()</script>
        <a href="javascript:steal()"><text>Text</text></a><image href="https://example.org/x.png"/>
        <foreignObject><body xmlns="http://www.w3.org/1999/xhtml" onload="steal()"/></foreignObject></svg>"""
    text = "<img src=x onerror=steal()>"
    soup = page(
        md(f"# Who? {hostile}"), md(f"{hostile}\n\n[three](javascript:steal())\n\n![four](https://example.org/p.png)"),
        code("'</code><script>steal()</script>'", outputs=[
            shown({"text/html": hostile}), shown({"text/markdown": hostile}),
            shown({"text/plain": hostile[:500]}),
            new_output("stream", name="stdout", text=text),
            shown({"image/svg+xml": drawing}, alt=f"A drawing. {text}", caption=text),
            card(claim=text, rule=text, answer=text, id='C"><script>')]))
    drawings = [BeautifulSoup(base64.b64decode(image["src"].partition(",")[2]), "html.parser")
                for image in soup.find_all("img") if image["src"].startswith("data:image/svg")]
    assert len(drawings) == 1
    for tree in (soup, *drawings):
        assert not tree.find_all(["script", "iframe", "object", "embed", "form", "base", "foreignobject"])
        for tag in tree.find_all(True):
            assert not any(name.startswith("on") or name == "style" for name in tag.attrs)
            for name in ("href", "src", "action", "xlink:href"):
                assert re.match(r"#|data:image/|$|\w[\w-]*\.html", tag.get(name, "")), tag
    directives = soup.find_all("meta", {"http-equiv": True})
    assert [meta["http-equiv"] for meta in directives] == ["Content-Security-Policy"]
    assert not soup.select("body svg, body style")


@pytest.mark.parametrize("data", [
    {"text/plain": "Figure()", "application/vnd.plotly.v1+json": {}},
    {"text/plain": "IntSlider()", "application/vnd.jupyter.widget-view+json": {}},
    {"text/plain": "<IPython.core.display.Javascript object>", "application/javascript": "go()"},
    {"text/plain": "<IPython.core.display.Latex object>", "text/latex": "$x$"},
    {"image/jpeg": "/9j/4AAQ"},
    {"text/plain": "<IPython.lib.display.IFrame>", "text/html": "<iframe src='https://example.org'></iframe>"},
    {"text/html": "<div></div><script>go()</script>"}], ids=str)
def test_what_a_page_cannot_show_is_refused_rather_than_lost(data):
    with pytest.raises(ReportError, match=r"01-who\.ipynb, under “Now”: an output of .* cannot be shown on a page"):
        page(md("# Who?"), md("## Now"), code("show()", outputs=[shown(data)]))


def test_a_lost_picture_is_said():
    with pytest.raises(ReportError, match=r"a picture was attached to the cell and is lost; put it in again"):
        page(md("# Who?\n\n![what](attachment:a.png)"))


def test_a_figure_without_alt_text_is_refused():
    for output in (shown({"image/png": base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(30)).decode()}),
                   shown({"image/svg+xml": SVG.format(id=1)}, **{"image/svg+xml": {"alt": "  "}})):
        with pytest.raises(ReportError, match=r"01-who\.ipynb, under “The data”: a figure has no alt text"):
            page(md("# Who?"), md("## The data"), code("draw()", outputs=[output]))


def test_a_picture_in_the_text_without_alt_text_is_refused():
    with pytest.raises(ReportError, match=r"a picture has no alt text"):
        page(md("# Who?\n\n![](data:image/png;base64,AAAA)"))


def test_a_figure_is_numbered_described_and_captioned():
    soup = output_page(
        shown({"image/svg+xml": SVG.format(id=1)},
              **{"image/svg+xml": {"alt": "A fifth, 20.5%, never came. Others did."}}),
        shown({"image/svg+xml": SVG.format(id=2)}, alt="Bars of people.", caption="People by segment"))
    first, second = soup.find_all("figure")
    assert first.img["alt"] == "A fifth, 20.5%, never came. Others did."
    assert (first.img["width"], first.img["height"]) == ("96", "48")
    assert first.figcaption.get_text() == "Figure 1. A fifth, 20.5%, never came."
    assert second.figcaption.get_text() == "Figure 2. People by segment"


def test_a_drawing_whose_ids_were_random_gives_the_same_picture():
    one, two = (output_page(shown({"image/svg+xml": SVG.format(id=name)}, alt="Bars.")).img["src"]
                for name in ("3f9a", "b77e"))
    assert one == two


def test_a_drawing_keeps_hundredths_of_a_point_and_every_digit_of_its_words():
    drawing = ('<svg xmlns="http://www.w3.org/2000/svg"><path d="M 1.23456 -0.0061 \nL 10 2.5"/>'
               '<text x="3.999999" transform="scale(0.015625)">0.12345</text></svg>')
    picture = output_page(shown({"image/svg+xml": drawing}, alt="A line.")).img["src"]
    kept = base64.b64decode(picture.partition(",")[2]).decode()
    assert 'd="M 1.23 -0.01 L 10 2.5"' in kept and 'x="4.00"' in kept and ">0.12345<" in kept and "0.015625" in kept


def test_a_claim_is_shown_from_its_data_with_a_sign_beside_the_colour():
    soup = output_page(card(), card(id="C04", verdict="cannot tell", estimate="", interval=""))
    first, second = soup.select("article.claim")
    assert "the other card" not in soup.get_text()
    assert first.blockquote.get_text(strip=True) == CARD["claim"]
    assert first.select_one(".verdict strong").string == "Supported here"
    assert first.select_one(".sign").get_text() != second.select_one(".sign").get_text()
    assert [dd.get_text() for dd in first.find_all("dd")] == ["0.71", "0.69 to 0.73", CARD["rule"]]
    assert [link["href"] for link in soup.select(".verdicts a")] == ["#claim-c02", "#claim-c04"]


def test_a_verdict_outside_the_four_is_refused():
    with pytest.raises(ReportError, match=r"the claim C02 has the verdict 'proven'"):
        output_page(card(verdict="proven"))


def test_a_table_reads_well_by_eye_and_by_ear():
    frame = pd.DataFrame({"people": ["1,482", "withheld"], "share": ["25.0%", None], "word": ["a", "b"]},
                         index=pd.Index(["not seen", "regular"], name="segment"))
    soup = output_page(shown({"text/html": frame.to_html()}, caption="Everybody, by segment."))
    figure = soup.find("figure")
    assert figure.figcaption.get_text() == "Table 1. Everybody, by segment."
    assert figure.div["tabindex"] == "0" and figure.div["aria-label"] == "Everybody, by segment."
    assert [(th.get_text(), th["scope"]) for th in figure.select("thead th")] == [
        ("segment", "col"), ("people", "col"), ("share", "col"), ("word", "col")]
    assert [th["scope"] for th in figure.select("tbody th")] == ["row", "row"]
    assert [td.get_text() for td in figure.select("td.num")] == ["1,482", "25.0%", "withheld", "\N{EN DASH}"]


def test_pandas_numbering_of_rows_is_not_shown():
    frame = pd.DataFrame({"source": ["loans", "gate"], "rows": [5, 6]})
    rows = output_page(shown({"text/html": frame.to_html()})).select("tr")
    assert [[cell.get_text() for cell in row.find_all(["td", "th"])] for row in rows] == [
        ["source", "rows"], ["loans", "5"], ["gate", "6"]]


def test_formulas_need_no_script():
    soup = page(md("# Who?\n\nThe share is $p_i \\le \\frac{1}{n}$ here, and $\\unheardof$ is kept as text."))
    assert soup.math.mfrac and [code.string for code in soup.find_all("code")] == [r"\unheardof"]


def test_code_is_folded_and_imports_and_marked_cells_show_none():
    soup = page(md("# Who?"), md("Text."), code("import pandas as pd\nfrom os import path"), code("a = 1"),
                code("b = 2", "remove-input"), code("c = a + 1"), code("study = 'x'", "parameters"))
    assert [block.get_text() for block in soup.select("details.code code")] == ["a = 1\n\nc = a + 1"]
    assert not soup.select_one("details.code").has_attr("open")


def test_the_contents_lead_to_the_sections_even_of_the_same_name():
    soup = page(md("# Who?"), md("## The data\n\nA.\n\n## Why?\n\nB."), md("## The data"))
    links = [link["href"] for link in soup.select("nav a")]
    assert links == ["#the-data", "#why", "#the-data-2"]
    assert [heading["id"] for heading in soup.select("main h2")] == [link[1:] for link in links]


def test_the_repr_of_an_object_is_not_shown_and_long_print_is_refused():
    assert "0x7f" not in output_page(shown({"text/plain": "<Axes: at 0x7f00>"})).get_text()
    with pytest.raises(ReportError, match=r"too long for a page"):
        output_page(new_output("stream", name="stdout", text="row\n" * 1000))


def test_links_go_to_pages_and_to_the_web_and_nowhere_on_this_machine():
    soup = page(md("# Who?\n\n[Next](02-next.ipynb), [paper](https://doi.org/10.1/x), [file](../data/x.csv)"))
    assert [a["href"] for a in soup.select(".lede a")] == ["02-next.html", "https://doi.org/10.1/x"]


def test_a_notebook_without_a_heading_is_refused():
    with pytest.raises(ReportError, match=r"01-who\.ipynb has no heading"):
        page(md("Text."))


# Handing over


def test_the_manifest_says_what_the_page_rests_on(reports):
    manifest = reports.manifest
    assert manifest["notebook"] == "01-who.ipynb" and manifest["question"] == "Who engages?"
    assert manifest["synthetic"] is True and manifest["minimum_count"] == 10
    assert manifest["fingerprint"] == "abc123"
    assert manifest["coverage"] == (
        "loans, print, 1 September 2022 to 31 August 2024: each person; not walk-in readers; people whose "
        "home site is Hill. gate, 1 September 2023 to 31 August 2024: acts, but not whose they were.")
    assert [claim["verdict"] for claim in manifest["claims"]] == ["supported here"]


def test_a_page_that_breaks_a_rule_is_not_written_and_the_last_good_one_stays(tmp_path):
    notebook = write(tmp_path, md("# Who?\n\nAsk p_0123456789abcdef01234567."))
    out = tmp_path / "out" / "01-who.html"
    out.parent.mkdir()
    out.write_text("the last good page")
    with pytest.raises(ReportError, match=r"01-who\.ipynb may not be handed over: .*: the page holds a person's"):
        export(notebook, out, study=a_study())
    assert out.read_text() == "the last good page"
    assert [path.name for path in out.parent.iterdir()] == ["01-who.html"]


def test_the_index_lists_pages_claims_and_who_is_in_the_data(reports):
    soup = BeautifulSoup(reports.index, "html.parser")
    claim = soup.select_one("#claims ~ div li")
    assert claim.select_one(".verdict").get_text(strip=True).endswith("Supported here")
    assert claim.a["href"] == "01-who.html#claim-c02" and "0.69 to 0.73" in claim.get_text()
    card = soup.select_one(".cards li")
    assert card.get_text(" ", strip=True).startswith("Who engages? In short, 7 of them. ")
    assert [link["href"] for link in card.find_all("a")] == [
        "01-who.html", "01-who-code.html", "01-who-slides.html", "01-who-notes.html"]
    assert [cell.get_text() for cell in soup.select_one("#data ~ div tbody tr").find_all(["th", "td"])] == [
        "loans, print", "1 September 2022 to 31 August 2024", "each person",
        "walk-in readers; people whose home site is Hill"]


def test_the_index_tells_how_often_verdicts_are_right_where_the_answer_is_known(reports):
    soup = BeautifulSoup(reports.index, "html.parser")
    row, = soup.select("#known ~ div tbody tr")      # of the one claim that these pages judge
    holds, fails = (known()["claims"]["C02"][way] for way in ("holds", "fails"))
    for cell, tally in zip(row.find_all("td"), (holds, fails), strict=True):
        rest = (f" {tally['right'] or 'none'} of {sum(tally.values())}" if tally["open"] or tally["wrong"] else
                f" all {tally['right']}")
        assert cell.get_text().strip().startswith(f"right in{rest}")
        assert [int(bar["width"]) for bar in cell.select("svg rect")] == [tally[word] for word in ("right", "open", "wrong")]
    told = soup.select_one("#known ~ div").get_text()
    assert f"{known()['libraries']} synthetic libraries" in told and "very number" not in told     # none of its is planted
    assert ("never found" in told) == (fails["open"] == known()["seeds"])


def test_the_index_tells_which_claims_are_always_left_open_and_how_often_intervals_hold_what_was_planted():
    found = {"C12": (0, 2), "C14": (0, 2), "C16": (2, 0), "C99": (0, 2)}
    known = {"libraries": 4, "seeds": 2, "verdicts": {"right": 9, "open": 6, "wrong": 1},
             "claims": {claim: {"holds": {"right": 1, "open": 0, "wrong": 1},
                                "fails": {"right": right, "open": still, "wrong": 0}}
                        for claim, (right, still) in found.items()},
             "intervals": {"C14": {"held": 4, "of": 4}, "C16": {"held": 3, "of": 4}},
             "kinds": {"planted": {"natural": 2, "of": 2, "agreement": 0.9}, "none": {"natural": 0, "of": 2}}}
    card = {"claim": "So.", "verdict": VERDICTS[0], "anchor": "a", "answer": "Yes."}
    html = render("index.html.j2", study=particulars(a_study()), pages=[], known=known,
                  claims=[({"page": "p.html"}, {"id": claim, **card}) for claim in ("C16", "C14", "C12")])
    told = " ".join(BeautifulSoup(html, "html.parser").select_one("#known ~ div").get_text().split())
    assert "1 was wrong" in told and "right in 1 of 2, wrong in 1" in told and "right in none of 2, open in all" in told
    assert "Of C12 and C14 it was never found that they do not hold" in told and "C99" not in told
    assert "held it in 4 of 4 libraries for C14 and in 3 of 4 for C16." in told and "natural in none of 2" in told


def test_a_page_leads_to_its_other_editions(reports):
    running = BeautifulSoup(reports.html, "html.parser").select_one(".running")
    assert [link["href"] for link in running.find_all("a")] == [
        "index.html", "01-who-code.html", "01-who-slides.html", "01-who-notes.html"]


def test_a_skipped_notebook_and_a_real_study_have_their_page_and_index(tmp_path):
    notebook = write(tmp_path, md("# What do people say?"), libengage={"needs": ["feedback"]})
    study = a_study(synthetic=False, name="City Library")
    manifest = export(notebook, tmp_path / "out" / "06.html", study=study)
    html = unescape(build_index(tmp_path / "out", study).read_text())
    assert manifest["skipped"] in html and manifest["claims"] == []
    assert "synthetic" not in html.lower().replace(".synthetic", "")


def test_an_empty_folder_has_no_index(tmp_path):
    with pytest.raises(ReportError, match=r"There is no page"):
        build_index(tmp_path, a_study())


@pytest.fixture
def export_at_once(monkeypatch):
    """`export` of notebooks as they are, without a run."""
    monkeypatch.setattr(release, "run_notebook", lambda path, **_: nbformat.read(path, as_version=4))
    return export


def listed(folder, study):
    """Pages that an index leads to, and what was said of the others."""
    said = []
    soup = BeautifulSoup(build_index(folder, study, progress=said.append).read_text(), "html.parser")
    return [link["href"] for link in soup.select(".cards h3 a")], said


def test_an_index_leads_to_whole_pages_of_its_own_study_alone(export_at_once, tmp_path):
    out, ours = tmp_path / "out", a_study()
    for name, study in {"01": ours, "02": a_study(name="City Library"), "03": a_study(fingerprint="of last year"),
                        "04": ours, "05": ours, "06": ours, "07": ours}.items():
        export_at_once(write(tmp_path, md("# Who?"), name=f"{name}.ipynb"), out / f"{name}.html", study=study)
    (out / "04.json").write_text((out / "04.json").read_text()[:99])
    (out / "05.json").write_text('{"name": "a manifest of something else"}')
    (out / "06-slides.html").unlink()
    (out / "07.html").write_text("changed by hand")
    (out / "package.json").write_text("[")      # beside no page: nothing to do with pages
    found, said = listed(out, ours)
    assert found == ["01.html"]
    for name, why in {"02.html": "another study", "03.html": "other files of this one", "04.html": "was cut off",
                      "05.html": "is no manifest", "06.html": "not written for 06-slides.html as it is",
                      "07.html": "not written for 07.html as it is"}.items():
        assert sum(sentence.startswith(f"{name} is not in the index: ") and why in sentence for sentence in said) == 1
    assert len(said) == 6


def test_a_print_does_not_outlive_what_it_was_printed_from(export_at_once, tmp_path):
    out = tmp_path / "out"
    export_at_once(write(tmp_path, md("# Who?")), out / "01.html", study=a_study())
    for name in ("01", "01-slides", "02", "index"):
        (out / f"{name}.pdf").write_text("printed")
    skipped = write(tmp_path, md("# Who?"), libengage={"skipped": "No data."})
    export_at_once(skipped, out / "01.html", study=a_study())
    build_index(out, a_study())
    assert sorted(path.name for path in out.iterdir()) == ["01.html", "01.json", "02.pdf", "index.html"]


def test_a_folder_that_cannot_be_written_is_one_sentence_and_changes_nothing(export_at_once, tmp_path):
    notebook = write(tmp_path, md("# Who?"))
    with pytest.raises(ReportError, match=r"^a\.html cannot be written to its folder \(.+\); make room there"):
        export_at_once(notebook, notebook / "a.html", study=a_study())
    (tmp_path / "a-slides.html").mkdir()
    (tmp_path / "a.html").write_text("the last good page")
    with pytest.raises(ReportError, match=r"^a-slides\.html cannot be written, since a folder has that name"):
        export_at_once(notebook, tmp_path / "a.html", study=a_study())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01-who.ipynb", "a-slides.html", "a.html"]
    assert (tmp_path / "a.html").read_text() == "the last good page"


def test_the_command_line_says_what_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr("libengage_utils.demo.write_demo", Path.mkdir)
    with pytest.raises(SystemExit, match=r"file cannot be read or written \(.+\)\. Check its place, and who may use it\."):
        main(["demo", str(tmp_path / "file")])


TWO = {suffix: release.EDITIONS[suffix] for suffix in ("", "-code")}
# Exports anew into each folder named, and kills itself before one more file there takes its name than in the folder before.
KILLED = """
import os, signal, sys
import nbformat
from pathlib import Path
from test_report import TWO, a_study
from libengage_utils.report import export, release

release.run_notebook = lambda path, **_: nbformat.read(path, as_version=4)
rename, (notebook, *folders) = Path.replace, map(Path, sys.argv[1:])
for renamed, folder in enumerate(folders):
    def replace(draft, path, left=[renamed]):
        left[0] -= 1
        return rename(draft, path) if left[0] >= 0 else os.kill(os.getpid(), signal.SIGKILL)
    Path.replace = replace
    if not (child := os.fork()):
        export(notebook, folder / "01-who.html", study=a_study(), editions=TWO)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_run_killed_at_any_moment_leaves_a_page_to_be_made_anew_and_the_next_run_heals(export_at_once, tmp_path):
    folders = [tmp_path / f"after-{renamed}" for renamed in range(3)]
    notebook = write(tmp_path, md("# Who?\n\nAs it was."), md("## One"))
    export_at_once(notebook, folders[0] / "01-who.html", study=a_study(), editions=TWO)
    for folder in folders[1:]:
        shutil.copytree(folders[0], folder)
    whole, old = sorted(path.name for path in folders[0].iterdir()), (folders[0] / "01-who.html").read_text()
    notebook = write(tmp_path, md("# Who?\n\nAs it is."), md("## Two"))
    done = subprocess.run([sys.executable, "-c", KILLED, notebook, *folders], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)})
    assert done.returncode == 0, done.stderr
    for renamed, folder in enumerate(folders):
        kept = folder / "01-who.html"
        assert kept.read_text() == old and kept.stat().st_mtime < notebook.stat().st_mtime      # so make makes it anew
        assert [path for path in folder.iterdir() if path.name.startswith(".")]
        if renamed:
            with pytest.raises(ReportError, match="There is no page of this study"):    # that its manifest vouches for
                build_index(folder, a_study())
        export_at_once(notebook, kept, study=a_study(), editions=TWO)
        assert sorted(path.name for path in folder.iterdir()) == whole and "As it is." in kept.read_text()
        assert listed(folder, a_study()) == (["01-who.html"], [])


def test_a_step_that_cannot_be_computed_says_why_and_its_section_ends(tmp_path):
    path = write(tmp_path, md("# Who?"), md("## Few"), code("raise ValueError('Too few people.')", "optional"),
                 code("print('unreachable')", "optional"), code("1 / 0", "claim-C02"), code("print('in any case')"),
                 md("## Next"), code("print('reached')"))
    run = run_notebook(path)
    said = [output for cell in run.cells if cell.cell_type == "code" for output in cell.outputs]
    assert said[0]["data"]["text/markdown"] == "*Left out: Too few people.*"
    assert "unreachable" not in str(said) and "in any case" in str(said) and "reached" in str(said)
    (card,) = (o["data"]["application/vnd.libengage.claim+json"] for o in said if "Too few" in str(o) and "claim" in str(o))
    assert card["id"] == "C02" and card["verdict"] == "not testable with this data"


def test_a_later_section_that_needs_it_gives_the_first_reason(tmp_path):
    path = write(tmp_path, md("# Who?"), md("## Few"), code("few = int('Too few people.')", "optional"), md("## Next"),
                 code("print(few)", "optional", "claim-C02"))
    (card,) = (output["data"]["application/vnd.libengage.claim+json"] for cell in run_notebook(path).cells[-1:]
               for output in cell.outputs)
    assert "Too few people." in card["answer"]


def test_a_step_with_a_magic_or_an_error_without_words_is_left_out_like_any_other(tmp_path):
    path = write(tmp_path, md("# Who?"), md("## Few"),
                 code("%matplotlib inline\nfew = int('Too few people.')", "optional", "claim-C02"),
                 code("%time more = 1", "optional"), md("## Next"), code("print(few)", "optional"),
                 md("## Last"), code("raise ValueError()", "optional"))
    said = [str(cell.get("outputs")) for cell in run_notebook(path).cells]
    assert "Too few people." in said[2] and "Too few people." not in said[5]
    assert "*Left out: for the reason given above.*" in said[5]
    assert "*Left out: It could not be computed.*" in said[7]


def test_a_failing_cell_without_words_is_named_by_its_kind(tmp_path):
    with pytest.raises(ReportError, match=r"stopped under “Who\?”: AssertionError$"):
        run_notebook(write(tmp_path, md("# Who?"), code("assert False")))


def test_a_mistake_in_an_optional_cell_is_not_hidden(tmp_path):
    path = write(tmp_path, md("# Who?"), code("{}['absent']", "optional"))
    with pytest.raises(ReportError, match="KeyError"):
        run_notebook(path)


def test_a_claim_whose_table_is_lacking_is_not_testable(tmp_path):
    path = write(tmp_path, md("# Who?"), md("## Voices", "needs-feedback"), code("1 / 0", "needs-feedback", "claim-C04"))
    (card,) = (o["data"]["application/vnd.libengage.claim+json"]
               for cell in run_notebook(path).cells if cell.cell_type == "code" for o in cell.outputs)
    assert card["verdict"] == "not testable with this data" and "people's feedback" in card["answer"]


def test_the_manifest_counts_what_figures_withhold(tmp_path):
    source = ("from IPython.display import display\n"
              f"display({{'image/svg+xml': {SVG.format(id=1)!r}}}, raw=True, "
              "metadata={'alt': 'A. 1.', 'withheld': 3, 'rests_on': 40})")
    manifest = export(write(tmp_path, md("# Who?"), code(source)), tmp_path / "a.html", study=a_study())
    assert manifest["withheld"] == 3


def test_a_page_s_process_compiles_no_grammars_of_web_addresses_and_leaves_them_to_others():
    asked = "import sys, libengage_utils.report; print('rfc3987_syntax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
