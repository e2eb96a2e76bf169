"""A session on paper: answers kept back, minutes that add up, room to write, and what earlier sessions left open."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_notebook
from test_report import CARD, SVG, a_study, card, code, md, shown, write

from libengage_utils import __main__ as command
from libengage_utils.report import ReportError, particulars
from libengage_utils.report.pack import (
    FIGURE_ASKS,
    SESSIONS,
    PackExporter,
    discussed_ideas,
    predictions,
    run_sheet,
    share_out,
    touchpoints_in_use,
    write_pack,
)
from libengage_utils.report.pages import Page
from libengage_utils.report.printing import find_browser, print_pdf

HOME = Path(__file__).parent.parent
FINDING = "Nine in ten come on Mondays."
ANSWERS = (FINDING, CARD["answer"], "Most came early.", "It leaves out the closed days.", "supported here by far")


def figure(title=FINDING, number=1):
    return code("draw()", outputs=[shown({"image/svg+xml": SVG.format(id=number)}, alt="People by day of the week.",
                                         title=title, rests_on=20)])


def cells(questions=2, figures=1, claims=1, spot=True, talk=2):
    """A run notebook with as many of each as asked."""
    asked = "\n".join(f"{place}. How many of group {place}?" for place in range(1, questions + 1))
    found = [md("## Days"), *(figure(number=place) for place in range(figures))]
    judged = [md("## The claim"), *(code("judge()", outputs=[card(id=f"C{place:02}", across="Supported here by far.")])
                                    for place in range(claims))]
    wrong = [md("## Spot what is wrong\n\nRead this."),
             code("said()", outputs=[shown({"text/markdown": "> Mondays are enough."})]),
             md("### The repair", "reveal"),
             code("repair", "reveal", outputs=[shown({"text/markdown": "It leaves out the closed days."})])]
    discuss = md("## For discussion\n\n" + "\n".join(f"{place}. What of group {place}?" for place in range(1, talk + 1)))
    return [md("# Who comes, and when?\n\nFor those who plan."),
            code("answer", "in-short", outputs=[shown({"text/markdown": "**In short** Most came early. So be it."})]),
            md("## Predict\n\nWrite it down.\n\n" + asked),
            md("## The data\n\nA **gate** is a door that counts. A **term** is 12 weeks. The **data** came late.\n\n"
               "**Who is not in it.** Whoever climbs the wall. Each source says more:"),
            *(found if figures else []), *(judged if claims else []), *(wrong if spot else []), discuss]


def a_page(**numbers):
    return Page(new_notebook(cells=cells(**numbers)), "01-who.ipynb")


def sheets(pack=None, **numbers):
    """The pack's sheets by their heading, parsed."""
    run = new_notebook(cells=cells(**numbers))
    html, _ = (pack or PackExporter(touchpoints=["gate", "hold"])).from_notebook_node(run, {"study": particulars(a_study())})
    soup = BeautifulSoup(html, "html.parser")
    return {sheet.find(["h2", "h1"])["id"]: sheet for sheet in soup.select(".sheet")}


def words(sheet):
    return " ".join(sheet.get_text(" ").split())


# What the room is given


def test_no_sheet_before_the_one_that_says_so_gives_an_answer_away():
    given = sheets()
    names = list(given)
    for name in [name for name in names[:names.index("keep") + 1] if not name.startswith("backs")]:
        assert not [answer for answer in ANSWERS if answer.lower() in words(given[name]).lower()], name


def test_what_is_kept_back_holds_every_answer():
    kept = " ".join(words(sheet) for name, sheet in sheets().items() if name.startswith(("backs", "reveal", "repair")))
    assert not [answer for answer in ANSWERS if answer.lower() not in kept.lower()]


def test_every_sheet_says_that_the_data_are_synthetic():
    assert all("Synthetic data" in words(sheet) for sheet in sheets().values())
    study = particulars(a_study(synthetic=False))
    html, _ = PackExporter().from_notebook_node(new_notebook(cells=cells()), {"study": study})
    assert "Synthetic" not in BeautifulSoup(html, "html.parser").body.get_text()


def test_the_brief_says_who_is_not_in_the_data_the_rule_and_the_words_needed():
    said = words(sheets()["brief"])
    assert "Whoever climbs the wall." in said and "Each source says more" not in said
    assert CARD["rule"] in said
    assert "A gate is a door that counts." in said
    assert "12 weeks" not in said and "came late" not in said


def test_a_brief_takes_five_minutes_to_read_however_many_words_the_notebook_explains():
    many = md("## Terms\n\n" + "\n\n".join(f"A **{'x' * n}** is {'a word ' * 20}." for n in range(1, 90)))
    pack = PackExporter(discussed_ideas(HOME / "notebooks"))
    html, _ = pack.from_notebook_node(new_notebook(cells=[*cells(claims=5), many]), {"study": particulars(a_study())})
    brief = words(BeautifulSoup(html, "html.parser").find(id="brief").parent)
    assert 650 <= len(brief.split()) <= 900


def test_the_ideas_are_those_the_first_notebook_attributes_to_the_discussion(tmp_path):
    assert "Only the discussion is behind this collection" in discussed_ideas(HOME / "notebooks")
    assert discussed_ideas(tmp_path) == ""


def test_each_prediction_has_lines_to_write_on_and_boxes_for_how_sure():
    items = sheets(questions=3)["predict"].select("ol > li")
    assert [item.p.get_text() for item in items] == [f"How many of group {n}?" for n in (1, 2, 3)]
    assert all(len(item.select(".lines i")) >= 2 and len(item.select(".tick")) == 3 for item in items)


def test_a_question_in_plain_prose_is_asked_too():
    page = Page(new_notebook(cells=[md("# Who?"), md("## Predict\n\nBefore you look: of a hundred, how many came?")]))
    assert predictions(page) == ["Of a hundred, how many came?"]
    assert predictions(Page(new_notebook(cells=[md("# Who came?")]))) == ["Who came?"]


@pytest.mark.parametrize("claims", [1, 2, 5])
def test_each_card_has_its_verdict_at_the_same_place_of_the_next_sheet(claims):
    given = sheets(claims=claims)
    names = list(given)
    fronts = [name for name in names if name.startswith("cards")]
    assert len(fronts) == (claims + 1) // 2
    for name in fronts:
        back = names[names.index(name) + 1]
        claimed, verdicts = ([article["aria-label"].split(",")[0] for article in given[sheet].select("article")]
                             for sheet in (name, back))
        assert back.startswith("backs") and claimed == verdicts


def test_the_room_votes_among_all_four_verdicts_and_says_how_sure_it_is():
    front = sheets()["cards-1"]
    assert [box.get_text(strip=True) for box in front.select(".hands")] == [
        "supported here", "not supported here", "cannot tell", "not testable with this data"]
    assert len(front.select(".tick")) == 3


def test_without_claims_there_are_no_cards_and_nothing_speaks_of_them():
    given = sheets(claims=0)
    assert not [name for name in given if name.startswith(("cards", "backs"))]
    assert "card" not in words(given["cover"]) and "card" not in words(given["minutes-60"])


def test_the_repair_is_not_on_the_sheet_with_the_mistake():
    given = sheets()
    assert "Mondays are enough." in words(given["spot"]) and "Mondays are enough." in words(given["repair"])
    assert "closed days" not in words(given["spot"])
    assert not {"spot", "repair"} & set(sheets(spot=False))


def test_the_wall_lists_the_touchpoints_and_calls_the_marks_guesses():
    wall = sheets()["wall"]
    assert [row.th.get_text() for row in wall.select("tbody tr")] == ["gate", "hold"]
    assert "guesses, not evidence" in words(wall)
    assert not {"wall", "evidence"} & set(sheets(PackExporter()))


def test_evidence_for_the_wall_is_kept_back():
    run = new_notebook(cells=[*cells(), md("## Highs and lows along the way"), figure("The gate feels worst.", 7)])
    html, _ = PackExporter(touchpoints=["gate"]).from_notebook_node(run, {"study": particulars(a_study())})
    soup = BeautifulSoup(html, "html.parser")
    assert soup.find(id="evidence").parent.find("img") and not soup.find(id="wall").parent.find("img")
    assert "the guesses stay guesses" in words(sheets()["evidence"])


def test_the_appraisal_asks_what_would_count_against_whose_voice_is_missing_and_what_data_can_say():
    sheet = sheets()["appraise"]
    said = words(sheet)
    assert all(asked in said for asked in ("count against it", "Whose voice is missing", "can be asked of data"))
    assert 8 <= len(sheet.select("tbody tr")) <= 10
    assert all(len(row.select(".square")) == 4 for row in sheet.select("tbody tr"))


def test_what_is_still_open_stands_at_the_start():
    open_one = {"decided_on": pd.Timestamp("2026-06-02"), "action": "Ask ten people at the shelf.",
                "owner": "head of services", "due": pd.Timestamp("2026-10-01"), "measure": "ten answers"}
    given = sheets(PackExporter(still_open=[open_one]))
    assert next(iter(given)) == "cover"
    assert [cell.get_text() for cell in given["cover"].select("tbody td")] == [
        "2026-06-02", "Ask ten people at the shelf.", "head of services", "2026-10-01", "ten answers", ""]
    assert "still open" in words(given["minutes-60"]) and "None is on record" in words(sheets()["cover"])


def test_a_pack_has_no_script_no_style_in_place_and_all_its_links_lead_somewhere():
    html, _ = PackExporter(touchpoints=["gate"]).from_notebook_node(new_notebook(cells=cells()),
                                                                   {"study": particulars(a_study())})
    soup = BeautifulSoup(html, "html.parser")
    assert not soup.find("script") and not soup.select("[style]") and len(soup.find_all("style")) == 1
    assert all(soup.find(id=link["href"][1:]) for link in soup.select(".pack a[href^='#']"))


# Minutes


@given(st.integers(15, 90), st.lists(st.integers(1, 20), min_size=1, max_size=12))
def test_minutes_shared_out_add_up_and_are_within_one_of_their_due(total, weights):
    shared = share_out(total, weights)
    assert sum(shared) == total
    assert all(abs(one - total * weight / sum(weights)) < 1 for one, weight in zip(shared, weights, strict=True))


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(sorted(SESSIONS)), st.integers(1, 4), st.integers(0, 12), st.integers(0, 6), st.booleans(),
       st.integers(0, 4), st.booleans(), st.booleans())
def test_a_session_has_no_gap_and_ends_on_time(minutes, questions, figures, claims, spot, talk, wall, still_open):
    page = a_page(questions=questions, figures=figures, claims=claims, spot=spot, talk=talk)
    rows = run_sheet(page, minutes, wall=wall, still_open=still_open)
    assert [row["start"] for row in rows] == [0, *(row["end"] for row in rows[:-1])]
    assert rows[-1]["end"] == minutes and all(row["end"] > row["start"] for row in rows)


@pytest.mark.parametrize("minutes", SESSIONS)
def test_the_steps_of_a_session_add_up_to_its_length(minutes):
    assert sum(SESSIONS[minutes].values()) == minutes


def test_the_room_predicts_and_votes_before_it_hears_an_answer():
    for minutes in SESSIONS:
        does = [row["does"] for row in run_sheet(a_page(), minutes, wall=True)]
        first_answer = next(place for place, words in enumerate(does) if words.startswith("Open the envelope"))
        assert {words.split()[0] for words in does[:first_answer]} >= {"Predict,", "Vote"}
        assert not [words for words in does[:first_answer] if words.startswith(("Figure", "Turn"))]


def test_a_session_names_figures_by_number_and_finding_and_those_behind_claims_first():
    run = new_notebook(cells=[md("# Who?"), md("## One"), figure("One.", 1), figure("Two.", 2), md("## Three"),
                              figure("Three.", 3), code("judge()", outputs=[card()])])
    rows = run_sheet(Page(run), 15)
    assert [(row["does"], row["ask"]) for row in rows if row["does"].startswith("Figure")] == [
        ("Figure 3: Three.", FIGURE_ASKS[2])]


# From a study and its notebook


def test_only_touchpoints_that_enough_people_used_by_themselves_are_on_the_wall():
    import duckdb

    rows = [(f"p{n}", "gate", "person") for n in range(10)] + [(f"p{n}", "hold", "person") for n in range(9)] + [
        (f"p{n}", "renewal", "system") for n in range(20)] + [("p1", "hold", "person")]
    events = duckdb.from_df(pd.DataFrame(rows, columns=["person_key", "touchpoint", "initiated_by"]))
    assert touchpoints_in_use(a_study(events=events)) == ["gate"]
    assert touchpoints_in_use(a_study(tables={"people"})) == []


def test_a_pack_is_checked_written_with_its_manifest_and_the_same_each_time(tmp_path):
    notebook = write(tmp_path, md("# Who came?"), md("## Predict\n\n1. How many?"))
    log = pd.DataFrame({"decided_on": pd.to_datetime(["2024-01-01"] * 2), "action": ["Ask them.", "Move it."],
                        "owner": "desk", "due": pd.to_datetime(["2024-03-01"] * 2), "measure": "", "outcome": ["", "moved"]})
    made = []
    for name in ("one", "two"):
        write_pack(notebook, tmp_path / name / "01-who.html", study=a_study(tables={"people"}), log=log)
        made.append((tmp_path / name / "01-who.html").read_bytes())
    assert made[0] == made[1] and b"Ask them." in made[0] and b"Move it." not in made[0]
    manifest = json.loads((tmp_path / "one/01-who.json").read_text())
    assert list(manifest["editions"]) == ["01-who.html"]


def test_a_pack_that_breaks_a_rule_of_release_is_not_written(tmp_path):
    notebook = write(tmp_path, md("# Who?\n\nAsk jane.doe@example.org."))
    with pytest.raises(ReportError, match="may not be handed over"):
        write_pack(notebook, tmp_path / "club/01-who.html", study=a_study(tables={"people"}))
    assert not list(tmp_path.glob("club/*"))


def test_no_session_is_made_of_a_notebook_that_the_study_cannot_answer(tmp_path):
    notebook = write(tmp_path, md("# Who?"), libengage={"needs": ["feedback"]})
    with pytest.raises(ReportError, match=r"needs people's feedback.*Choose another notebook"):
        write_pack(notebook, tmp_path / "01-who.html", study=a_study(tables={"people"}))


def test_the_command_says_how_to_begin_a_log_and_where_a_browser_is_missing(tmp_path, write_study, monkeypatch,
                                                                                         capsys):
    notebook, study = write(tmp_path, md("# Who came?")), write_study() / "study.yml"
    monkeypatch.setenv("CHROMIUM", "no-such-browser")
    command.main(["club", str(notebook), str(study), "--to", str(tmp_path / "club")])
    said = capsys.readouterr().out
    assert "begin decisions.csv beside study.yml" in said and "A PDF needs Chromium" in said
    assert (tmp_path / "club/01-who.html").exists()


def test_make_says_which_notebooks_there_are():
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    import subprocess

    done = subprocess.run(["make", "club"], cwd=HOME, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode and "Choose a notebook" in done.stderr and "06-listening" in done.stderr


# On paper


def test_each_sheet_is_one_page_that_fits_a4_and_us_letter_and_fronts_lie_on_odd_pages(tmp_path):
    from pypdf import PdfReader

    try:
        find_browser()
    except ReportError:
        pytest.skip("No browser to print with is installed.")
    run = new_notebook(cells=cells(questions=3, figures=8, claims=5))
    pack = PackExporter(discussed_ideas(HOME / "notebooks"), [f"place {n}" for n in range(23)])
    html, _ = pack.from_notebook_node(run, {"study": particulars(a_study())})
    (tmp_path / "pack.html").write_text(html)
    print_pdf(tmp_path / "pack.html", tmp_path / "pack.pdf")
    pages = PdfReader(tmp_path / "pack.pdf").pages
    assert len(pages) == len(BeautifulSoup(html, "html.parser").select(".sheet"))
    width, height = (float(side) / 72 * 25.4 for side in pages[0].mediabox[2:])
    assert width <= 211 and height <= 280
    fronts = [number for number, page in enumerate(pages, 1) if "Claims to vote on, sheet" in page.extract_text()]
    assert fronts == [3, 5, 7]
    assert f"3 of {len(pages)}" in pages[2].extract_text()
