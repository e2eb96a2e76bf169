"""A session on paper: answers kept back, minutes that add up, room to write, and what earlier sessions left open."""

import json
import shutil
from pathlib import Path

import nbformat
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
    SESSIONS,
    TURNED,
    PackExporter,
    _share_out,
    about_the_paper,
    run_sheet,
    touchpoints_in_use,
    write_pack,
)
from libengage_utils.report.pages import Page
from libengage_utils.report.printing import find_browser, print_pdf

HOME = Path(__file__).parent.parent
FINDING = "Nine in ten come on Mondays."
ANSWERS = (FINDING, CARD["answer"], "Most came early.", "It leaves out the closed days.", "supported here by far")


def figure(title=FINDING, number=1, alt="People by day of the week."):
    return code("draw()", outputs=[shown({"image/svg+xml": SVG.format(id=number)}, alt=alt, title=title, rests_on=20)])


def wall(alt="Mean valence from \N{MINUS SIGN}1 to 1: gate +0.16 (+0.12 to +0.20); laptop loan \N{MINUS SIGN}0.10, a low."):
    """The section that answers the wall, of a gate and of laptops."""
    return [md("## Highs and lows along the way"), figure("The gate feels best.", 7, alt)]


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


def printed(run, pack=None):
    """The pack of a run notebook, or of its cells, parsed."""
    run = run if isinstance(run, dict) else new_notebook(cells=list(run))
    html, _ = (pack or PackExporter()).from_notebook_node(run, {"study": particulars(a_study()), "name": "01-who.ipynb"})
    return BeautifulSoup(html, "html.parser")


def sheets(pack=None, *more, **numbers):
    """The pack's sheets by their heading."""
    soup = printed([*cells(**numbers), *more], pack or PackExporter(touchpoints=["gate", "laptop loan", "loan"]))
    return {sheet.find(["h2", "h1"])["id"]: sheet for sheet in soup.select(".sheet")}


def does(minutes, *cells, **told):
    """What the room does in a session on a notebook of these cells, row by row."""
    return [row["does"] for row in run_sheet(Page(new_notebook(cells=[md("# Who?"), *cells])), minutes, **told)]


def words(sheet):
    return " ".join(sheet.get_text(" ").split())


# What the room is given


def test_no_sheet_before_the_one_that_says_so_gives_an_answer_away():
    given = sheets(None, *wall())
    names = list(given)
    for name in names[:names.index("keep") + 1]:
        assert not [answer for answer in (*ANSWERS, "feels best") if answer.lower() in words(given[name]).lower()], name
        assert not given[name].find("img")


def test_what_is_kept_back_holds_every_answer():
    kept = " ".join(words(sheet) for name, sheet in sheets().items() if name.startswith(("verdicts", "reveal", "repair")))
    assert not [answer for answer in ANSWERS if answer.lower() not in kept.lower()]


def test_the_first_sheet_says_which_pages_are_for_everybody_which_are_kept_back_and_what_else_to_bring():
    given = sheets(None, *wall(), claims=3)
    names, cover = list(given), words(given["cover"])
    public = names.index("keep")
    assert f"For everybody: pages 1 to {public}" in cover
    assert f"To be kept back: pages {public + 1} to {len(names)}" in cover
    assert [link["href"] for link in given["cover"].select(".contents a")] == [f"#{name}" for name in names[1:]]
    assert [words(sheet.select_one(".running")).split("Sheet ")[1] for sheet in given.values()] == [
        str(number) for number in range(1, len(names) + 1)]
    assert "01-who-slides.html" in cover and "01-who.html" in cover


def test_every_sheet_says_that_the_data_are_synthetic():
    assert all("Synthetic data" in words(sheet) for sheet in sheets().values())
    study = particulars(a_study(synthetic=False))
    html, _ = PackExporter().from_notebook_node(new_notebook(cells=cells()), {"study": study})
    assert "Synthetic" not in BeautifulSoup(html, "html.parser").body.get_text()


def test_the_brief_says_who_is_in_the_data_and_who_is_not_what_is_claimed_and_the_words_needed():
    said = words(sheets()["brief"])
    assert "These sources see each person: loans, print." in said
    assert "Whoever climbs the wall." in said and "Each source says more" not in said
    assert CARD["claim"] in said and CARD["rule"] not in said
    assert "A gate is a door that counts." in said
    assert "12 weeks" not in said and "came late" not in said


def test_the_brief_does_not_say_how_not_to_answer_since_that_is_what_is_wrong_with_the_analysis():
    said = words(printed([md("# Who came?\n\nIt is asked here.\n\n**How not to answer it.** Not by Mondays.")]).find(
        id="brief").parent)
    assert "It is asked here." in said and "Not by Mondays" not in said


@pytest.mark.parametrize("claims", [1, 40])
def test_a_brief_takes_three_minutes_to_read_however_much_a_notebook_claims_and_explains(claims):
    many = md("## Terms\n\n" + "\n\n".join(f"A **{'x' * n}** is {'a word ' * 20}." for n in range(1, 90)))
    brief = words(sheets(PackExporter(about_the_paper(HOME / "notebooks")), many, claims=claims)["brief"])
    assert 350 <= len(brief.split()) <= 500


@pytest.mark.parametrize("notebook", sorted((HOME / "notebooks").glob("0[1-7]*.ipynb")), ids=lambda path: path.stem)
def test_the_brief_of_each_notebook_is_short_and_its_quotation_marks_are_of_one_kind(notebook):
    pack = PackExporter(about_the_paper(HOME / "notebooks"))
    brief = words(printed(nbformat.read(notebook, as_version=4), pack).find(id="brief").parent)
    assert 200 <= len(brief.split()) <= 500 and not {'"', "'"} & set(brief)


def test_of_the_paper_no_more_is_said_than_the_first_notebook_attributes(tmp_path):
    said = about_the_paper(HOME / "notebooks").striptags()
    assert said.startswith("A library team discussed") and said.endswith("no more is attributed to the paper than the "
                                                                         "discussion does.")
    assert about_the_paper(tmp_path) == ""


def test_each_prediction_has_lines_to_write_on_and_boxes_for_how_sure():
    items = sheets(questions=3)["predict"].select("ol > li")
    assert [item.p.get_text() for item in items] == [f"How many of group {n}?" for n in (1, 2, 3)]
    assert all(len(item.select(".lines i")) >= 2 and len(item.select(".tick")) == 3 for item in items)


def test_a_question_in_plain_prose_is_asked_too():
    def asked(*cells):
        return [item.p.get_text() for item in printed(cells).select(".asked > li")]

    assert asked(md("# Who?"), md("## Predict\n\nBefore you look: of a hundred, how many came?")) == [
        "Of a hundred, how many came?"]
    assert asked(md("# Who came?")) == ["Who came?"]


@pytest.mark.parametrize("claims", [1, 2, 5])
def test_each_card_lies_on_its_sheet_where_its_verdict_lies_on_its_own(claims):
    given = sheets(claims=claims)
    for kind in ("cards", "verdicts"):
        assert sum(name.startswith(kind) for name in given) == (claims + 1) // 2
    for number in range(1, (claims + 1) // 2 + 1):
        claimed, verdicts = ([article["aria-label"].split(",")[0] for article in given[f"{kind}-{number}"].select("article")]
                             for kind in ("cards", "verdicts"))
        assert claimed == verdicts


def test_a_verdict_that_most_choices_do_not_give_says_so_in_its_own_line():
    verdict = {"firm": "under only 4 of 16 sets of choices", "shaky": True}
    assert printed([md("# Who?"), code("judge()", outputs=[card(**verdict)])]).select_one(".verdict strong").get_text() == (
        "Supported here, but under only 4 of 16 sets of choices")


def test_the_room_votes_among_all_four_verdicts_and_says_how_sure_it_is():
    front = sheets()["cards-1"]
    assert [box.get_text(strip=True) for box in front.select(".hands")] == [
        "supported here", "not supported here", "cannot tell", "not testable with this data"]
    assert len(front.select(".tick")) == 3


def test_without_claims_there_are_no_cards_and_nothing_speaks_of_them():
    given = sheets(claims=0)
    assert not [name for name in given if name.startswith(("cards", "verdicts"))]
    assert "card" not in words(given["cover"]) and "card" not in words(given["minutes-60"])


def test_the_repair_is_not_on_the_sheet_with_the_mistake():
    given = sheets()
    assert "Mondays are enough." in words(given["spot"]) and "Mondays are enough." in words(given["repair"])
    assert "closed days" not in words(given["spot"])
    assert not {"spot", "repair"} & set(sheets(spot=False))


def test_the_wall_lists_the_places_that_the_page_has_evidence_of_and_calls_the_marks_guesses():
    given = sheets(None, *wall())
    assert [row.th.get_text() for row in given["wall"].select("tbody tr")] == ["gate", "laptop loan"]
    assert "guesses, not evidence" in words(given["wall"]) and given["evidence"].find("img")
    assert list(given).index("wall") < list(given).index("keep") < list(given).index("evidence")


@pytest.mark.parametrize("more", [[], wall("Mean valence: gate +0.16."), [md("## Highs and lows"), md("Nobody said.")]])
def test_no_wall_is_marked_that_nothing_on_the_page_answers(more):
    given = sheets(None, *more)
    assert not {"wall", "evidence"} & set(given) and "wall" not in words(given["minutes-60"])


def test_a_wall_that_is_marked_is_answered_in_the_same_session():
    given = sheets(None, *wall())
    for minutes, steps in SESSIONS.items():
        rows = words(given[f"minutes-{minutes}"])
        assert ("Mark the wall" in rows) == ("The wall, and the evidence. Figure 2" in rows) == ("wall" in steps)


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
    soup = printed([*cells(), *wall()], PackExporter(touchpoints=["gate", "laptop loan"]))
    assert not soup.find("script") and not soup.select("[style]") and len(soup.find_all("style")) == 1
    assert all(soup.find(id=link["href"][1:]) for link in soup.select(".pack a[href^='#']"))


# Minutes


@given(st.integers(15, 90), st.lists(st.integers(1, 20), min_size=1, max_size=12))
def test_minutes_shared_out_add_up_and_are_within_one_of_their_due(total, weights):
    shared = _share_out(total, weights)
    assert sum(shared) == total
    assert all(abs(one - total * weight / sum(weights)) < 1 for one, weight in zip(shared, weights, strict=True))


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(sorted(SESSIONS)), st.integers(1, 4), st.integers(0, 12), st.integers(0, 6), st.booleans(),
       st.integers(0, 4), st.booleans(), st.booleans())
def test_a_session_has_no_gap_and_ends_on_time(minutes, questions, figures, claims, spot, talk, walled, still_open):
    page = a_page(questions=questions, figures=figures, claims=claims, spot=spot, talk=talk)
    evidence = [block for _, block in Page(new_notebook(cells=[md("# Who?"), *wall()])).blocks if walled and "alt" in block]
    rows = run_sheet(page, minutes, evidence=evidence, still_open=still_open)
    assert [row["start"] for row in rows] == [0, *(row["end"] for row in rows[:-1])]
    assert rows[-1]["end"] == minutes and all(row["end"] > row["start"] for row in rows)


@pytest.mark.parametrize("minutes", SESSIONS)
def test_the_steps_of_a_session_add_up_to_its_length(minutes):
    assert sum(SESSIONS[minutes].values()) == minutes


@pytest.mark.parametrize("minutes", SESSIONS)
def test_the_room_guesses_before_it_sees_and_hears_in_short_when_nothing_is_left_to_guess(minutes):
    first = ["Predict", "Vote", "Figure", "Turn", *(["Spot"] if minutes == 60 else []), "Read In short"]
    does = [row["does"] for row in run_sheet(a_page(), minutes)]
    places = [next(place for place, row in enumerate(does) if row.startswith(words)) for words in first]
    assert places == sorted(places)
    assert does[places[-1] + 1].startswith(("Discuss", "Decide"))


@pytest.mark.parametrize("minutes", SESSIONS)
def test_the_room_votes_on_looks_at_and_turns_the_claims_named_for_the_session(minutes):
    many = [md("## One"), figure("One.", 1), code("a", outputs=[card(id="C01")]), md("## Two"), figure("Two.", 2),
            figure("Three.", 3), code("b", outputs=[card(id="C02")]), md("## Three"), figure("Four.", 4),
            code("c", outputs=[card(id="C03")])]
    named = ["C03", "C02"][:TURNED[minutes]]
    rows = does(minutes, *many, first=["C03", "C02", "C99"])
    assert [row for row in rows if row.startswith("Vote")] == [
        f"Vote on claim{'s' if len(named) > 1 else ''} {' and '.join(named)}, by the cards"]
    assert [row[len("Turn the verdict on claim "):][:3] for row in rows if row.startswith("Turn")] == named
    assert [row for row in rows if row.startswith("Figure")][:len(named)] == [
        "Figure 4, on C03: Four.", "Figure 3, on C02: Three."][:len(named)]


def test_which_claims_a_session_turns_first_a_notebook_says_in_its_metadata():
    run = new_notebook(cells=cells(claims=3), metadata={"libengage": {"session": ["C02"]}})
    soup = printed(run)
    assert "Vote on claim C02, by the cards" in words(soup.find(id="minutes-15").parent)
    assert [front["aria-label"] for front in soup.select("[aria-label$=front]")] == [
        "Claim C02, front", "Claim C00, front", "Claim C01, front"]


def test_without_claims_named_the_room_turns_them_as_the_page_has_them():
    rows = does(60, *(code("judge()", outputs=[card(id=f"C0{number}")]) for number in (3, 1, 2)))
    assert "Vote on claims C03 and C01, by the cards" in rows


def test_a_claim_is_looked_at_in_the_figure_of_its_own_finding_before_the_one_nearest_to_it():
    rows = does(15, figure(CARD["answer"], 1), figure("Another.", 2), code("judge()", outputs=[card()]))
    assert f"Figure 1, on C02: {CARD['answer']}" in rows


def test_no_figure_tells_a_verdict_before_its_card_is_turned():
    verdict = "The verdict is \u201csupported here\u201d under 9 of 14 sets of choices."
    rows = does(60, figure("One.", 1), figure(verdict, 2), code("judge()", outputs=[card()]))
    assert [row for row in rows if row.startswith("Figure")] == ["Figure 1, on C02: One."]


def test_a_figure_of_another_section_is_not_said_to_be_on_a_claim():
    rows = does(15, md("## One"), figure("One.", 1), md("## Two"), code("judge()", outputs=[card()]))
    assert "Figure 1: One." in rows


def test_figures_that_in_short_speaks_of_come_before_other_figures():
    short = code("answer", "in-short", outputs=[shown({"text/markdown": "**In short** Two. Three."})])
    rows = does(15, short, figure("One.", 1), figure("Two.", 2))
    assert [row for row in rows if row.startswith("Figure")] == ["Figure 2: Two."]


def test_a_run_sheet_names_the_slide_of_each_figure_it_can_find():
    assert f"Figure 1 (slide 4): {FINDING}" in words(sheets()["minutes-15"])
    assert "Figure 1: One." in does(15, figure("One.", 1), slides={2: 5})


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


def test_each_sheet_is_one_page_that_fits_a4_and_us_letter(tmp_path):
    from pypdf import PdfReader

    try:
        find_browser()
    except ReportError:
        pytest.skip("No browser to print with is installed.")
    places = [f"place {number}" for number in range(15)]
    told = wall("Mean valence: " + "; ".join(f"{place} +0.10" for place in places))
    many = md("## Terms\n\n" + "\n\n".join(f"A **{'x' * n}** is {'a word ' * 20}." for n in range(1, 9)))
    soup = printed([*cells(questions=3, figures=8, claims=5), *told, many],
                   PackExporter(about_the_paper(HOME / "notebooks"), places))
    (tmp_path / "pack.html").write_text(str(soup))
    print_pdf(tmp_path / "pack.html", tmp_path / "pack.pdf")
    pages = PdfReader(tmp_path / "pack.pdf").pages
    assert len(pages) == len(soup.select(".sheet"))
    width, height = (float(side) / 72 * 25.4 for side in pages[0].mediabox[2:])
    assert width <= 211 and height <= 280
    assert all(f"Sheet {number}" in page.extract_text() for number, page in enumerate(pages, 1))
