"""A page that breaks a rule of release is refused, with the place and the rule; one that breaks none may go."""

import base64
import hashlib
import json
import socket
import struct
import zlib
from types import SimpleNamespace

import duckdb
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from libengage_utils.report import ReportError, ReportExporter, build_index, export, release, run_notebook
from libengage_utils.report.drawn import CORNERS, MARKS, TRACKS
from libengage_utils.report.gate import RULES, TAKEN_ON_TRUST, examine, rules
from libengage_utils.report.pages import Page

SAID = "The printer on the second floor swallowed my dissertation again this morning."


def a_study(**changes):
    coverage = pd.DataFrame({"source": ["loans"], "from": ["2022-09-01"], "to": ["2024-08-31"], "identity": ["person"],
                             "blind_spots": [None]})
    return SimpleNamespace(**{
        "name": "Testing Library", "synthetic": True, "purpose": "To plan outreach.", "as_of": "2024-09-01",
        "minimum_count": 10, "coverage": coverage, "fingerprint": "abc123", "tables": ("people",), **changes})


def with_comments(*comments, quotations=None):
    study = a_study(tables=("people", "feedback", *(["quotations"] if quotations is not None else [])),
                    feedback=duckdb.from_df(pd.DataFrame({"text": [None, *comments]})))
    if quotations is not None:
        study.quotations = duckdb.from_df(quotations)
    return study


def quotation(quote, consent=True, approved_by="AB"):
    return pd.DataFrame({"quote": [quote], "consent": [consent], "approved_by": pd.array([approved_by], dtype="string")})


def shown(data, **metadata):
    return new_output("display_data", data=data, metadata=metadata)


def table(frame, rests_on=40, **metadata):
    return shown({"text/html": frame.to_html()}, caption="Who came.", rests_on=rests_on, **metadata)


def figure(inside="", rests_on=40, alt="Bars of people.", **metadata):
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt">{inside}</svg>'
    return shown({"image/svg+xml": svg}, alt=alt, rests_on=rests_on, **metadata)


def run_of(*outputs, prose="Text."):
    return new_notebook(cells=[new_markdown_cell("# Who?"), new_markdown_cell(f"## The data\n\n{prose}"),
                               new_code_cell("show()", outputs=list(outputs))])


def findings(*outputs, study=None, prose="Text.", change=lambda html: html, **keywords):
    run = run_of(*outputs, prose=prose)
    page = Page(run, "01-who.ipynb")
    html, _ = ReportExporter(code=False).from_notebook_node(run, {"name": "01-who.ipynb", "page": page})
    return examine(page, run, {"01-who.html": change(html)}, study or a_study(), **keywords)


def problems(*outputs, **keywords):
    return findings(*outputs, **keywords).problems


def people(*numbers, **columns):
    return pd.DataFrame({"group": [f"g{at}" for at in range(len(numbers))], "people": numbers, **columns}).set_index("group")


def test_a_page_that_breaks_no_rule_may_go():
    found = findings(table(people(40, 1_200)), figure("<text>120 people</text>"), table(people("a", "b"), "no people"))
    assert found.problems == found.warnings == () and found.summary == "Nothing here breaks a rule of release."


# Rule 7, small numbers


@pytest.mark.parametrize(("output", "place"), [(table(people(40), rests_on=None), "Table 1"),
                                               (figure(rests_on=None), "Figure 1")])
def test_what_does_not_say_on_how_many_it_rests_is_refused(output, place):
    assert problems(output) == (f"{place} under “The data” does not say on how many people it rests: give its output the "
                                "metadata “rests_on” (rule 7, small numbers).",)


@pytest.mark.parametrize("number", [9, 0])
def test_what_rests_on_fewer_than_the_minimum_is_refused(number):
    assert problems(figure(rests_on=number)) == (
        "Figure 1 under “The data” shows a number that rests on fewer than 10 people: withhold it (rule 7, small numbers).",)
    assert not problems(figure(rests_on=10))


@pytest.mark.parametrize("words", ["many", "nobody", 12.5, True])
def test_what_it_rests_on_is_a_number_or_no_people(words):
    assert "neither a whole number of people nor “no people”" in problems(figure(rests_on=words))[0]


def test_a_minimum_that_protects_nobody_is_refused():
    assert problems(study=a_study(minimum_count=4)) == (
        "The study has a minimum_count of 4; the least accepted is 5 (rule 7, small numbers).",)


@pytest.mark.parametrize("column", ["people", "count", "came", "lecturers"])
def test_a_small_number_is_read_whatever_its_column_is_called(column):
    (problem,) = problems(table(pd.DataFrame({"group": ["arts", "law"], column: [40, 3]}).set_index("group")))
    assert problem == (f"Table 1 under “The data” has numbers below 10 in its column “{column}”, row “law”: withhold them, "
                       "or name the column or row in the metadata “not_people” if they are not of people (rule 7, small "
                       "numbers).")
    assert not problems(table(people(40, "withheld"))) and not problems(table(people(1_003, 40)))


@pytest.mark.parametrize("words", ["3 of 40", "397 of 400", "about 3", "fewer than 4", "3 (7%)", "< 5", "3 readers",
                                   "n = 3", "law (n = 3)", "3 / 40"])
def test_a_small_number_is_read_within_words_and_as_what_a_part_leaves(words):
    (problem,) = problems(table(pd.DataFrame({"seen": [words]})))
    assert "has numbers below 10 in its column “seen”" in problem


def test_a_count_with_a_point_is_read_and_a_mean_of_three_is_none():
    assert problems(table(people(3.0, 40.0)))
    assert not problems(table(people(40, 50, acts=["1.9", "3.0"], hours=["3.00", "4.00"])))


def test_a_row_of_people_is_read_too():
    assert problems(table(people(40, 3).T)) and problems(table(people(40, 3).T, not_people=["people"]))


@pytest.mark.parametrize("frame", [pd.DataFrame({"people": [40], "campaigns": [3]}),
                                   pd.DataFrame({"table": ["people", "campaigns"], "rows": [40, 3]}),
                                   pd.DataFrame({"rise in 100": [1, 3], "campaigns": [11, 1]}).set_index("rise in 100")])
def test_numbers_of_other_things_may_be_small_where_an_author_says_so(frame):
    assert problems(table(frame)) and not problems(table(frame, not_people=["campaigns", "rise in 100"]))


def test_a_number_of_people_cannot_be_declared_to_be_none():
    assert "has numbers below 10" in problems(table(people(40, 3), not_people=["people", "g1"]))[0]
    (problem,) = problems(table(people(40, 50), "no people"))
    assert "says that it rests on no people, and has numbers of them in its column “people” (rule 7" in problem


@pytest.mark.parametrize("share", ["7.5%", "92.5%", "7.5% (1% to 20%)"])
def test_a_share_beside_a_number_of_people_may_not_tell_of_a_few(share):
    frame = people(40, 60, came=[share, "50%"])
    (problem,) = problems(table(frame))
    assert "has in its column “came” a share that tells a number below 10 beside the number of people" in problem
    assert not problems(table(frame, not_people=["came"]))


def test_shares_of_all_rows_together_tell_nothing_new():
    assert not problems(table(people(15, 985, share=["1.5%", "98.5%"])))


def test_a_share_as_coarse_as_the_minimum_is_not_a_few():
    assert not problems(table(people(2_000, 3_000, came=["0%", "50%"])))


def test_rows_that_stand_under_one_label_and_tables_without_a_body_are_read():
    deep = people(40, 40, 3).reset_index().assign(site="Hill").set_index(["site", "group"])
    assert "row “Hill”" in problems(table(deep))[0]
    bare = "<table><tr><th>group</th><th>came</th></tr><tr><td>law</td><td>3</td></tr></table>"
    assert "column “came”, row “law”" in problems(shown({"text/html": bare}, rests_on=40))[0]


@pytest.mark.parametrize("words", [
    "Of them 3 people came back.", "Only 3 of the 40 readers came.", "There came 3 law students.", "3 undergraduates came.",
    "So did 4 first-year students.", "Of 40 people, 2.5% came.", "Here 92.5% of the 40 readers came.", "Law (n = 3) is few.",
    "37 out of 40 readers came.", "3 of the readers came.", "Of 403 people, 400 were in arts.",
    "Here fewer than 4 people came."])
def test_a_sentence_a_cell_wrote_may_not_tell_of_a_few(words):
    (problem,) = problems(shown({"text/markdown": words}))
    assert problem == ("What a cell says under “The data” tells of a number of people below the minimum (rule 7, small "
                       "numbers).")
    assert problems(new_output("stream", name="stdout", text=words)) == (problem,)


@pytest.mark.parametrize("output", [figure(alt="Bars. Two were 4 readers."), figure("<text>2 borrowers</text>"),
                                    figure("<text>law (n = 3)</text>"), figure("<text>law: 3</text>")])
def test_a_drawing_may_not_tell_of_a_few(output):
    assert any("under “The data” tells of a number of people below the minimum (rule 7, small numbers)" in problem
               for problem in problems(output))


def test_a_label_of_other_things_may_be_small_where_an_author_says_so():
    assert not problems(figure("<text>week: 3</text>", not_people=["week: 3"]))
    assert not problems(figure("<text>law: 3</text>", "no people"))


@pytest.mark.parametrize("data", [{"text/markdown": "- arts: 400\n- law: **3**"}, {"text/plain": "{'arts': 400, 'law': 3}"},
                                  {"text/html": "<dl><dt>arts</dt><dd>400</dd><dt>law</dt><dd>3</dd></dl>"},
                                  {"text/html": "<div><div>law</div><div>3</div></div>"}])
def test_a_list_may_not_hold_a_small_number_unless_it_rests_on_no_people(data):
    found = problems(shown(data))
    assert ("What a cell says under “The data” lists a number below 10: withhold it, or give the output the metadata "
            "“rests_on”: “no people”, if that is so (rule 7, small numbers).") in found
    assert not any("lists" in problem for problem in problems(shown(data, rests_on="no people")))


@pytest.mark.parametrize("output", [shown({"text/plain": str(people(40, 3)["people"])}),
                                    shown({"text/markdown": "| people |\n| --- |\n| 3 |"}),
                                    new_output("stream", name="stdout", text=str(people(40, 30))),
                                    new_output("stream", name="stdout", text="faculty\tcount\narts\t400\nlaw\t30\n"),
                                    new_output("stream", name="stdout", text="arts 400\nlaw 3\n")])
def test_a_table_written_as_text_is_refused(output):
    assert problems(output) == (
        "What a cell says under “The data” is a table written as text: display a frame, whose output can say on how many "
        "people it rests (rule 7, small numbers).",)


@pytest.mark.parametrize("words", ["fewer than 10 people", "1,003 people", "+3 people", "1 in 5 people", "at least 5 people",
                                   "8 more people", "2.5 people", "12 people", "0 people", "2 of 9 services people use",
                                   "20 of 40 readers", "year 3 students", "within 7 days of people", "of 40 people, 50%"])
def test_a_bound_a_rate_or_a_difference_is_not_a_few(words):
    assert not problems(shown({"text/markdown": f"There were {words} here."}), study=a_study(minimum_count=10))


def test_what_an_author_writes_is_no_count():
    assert not problems(prose="Ask 3 people in the room.")


def test_withheld_is_never_shown_as_nought():
    counts = [{"of": "everybody", "where": {"group": "g1"}, "withheld": True}]
    (problem,) = problems(table(people(40, 0), counts=counts))
    assert problem == ("Table 1 under “The data” shows 0 where it withholds a number: show the word “withheld” "
                       "(rule 7, small numbers).")
    assert not problems(table(people(40, "withheld"), counts=counts))


# Rule 8, complementary suppression


def test_a_number_that_two_tables_give_away_together_is_refused():
    first = [{"of": "people", "where": {}, "low": 428, "high": 428},
             {"of": "people", "where": {"faculty": "arts"}, "low": 400, "high": 400},
             {"of": "people", "where": {"faculty": "law"}, "withheld": True},
             {"of": "people", "where": {"faculty": "medicine"}, "withheld": True}]
    second = [{"of": "people", "where": {"faculty": "law"}, "low": 25, "high": 25}]
    assert not problems(table(people(400), counts=first))
    told = problems(table(people(400), counts=first), figure(counts=second))
    assert all(problem.endswith("withhold more of them (rule 8, complementary suppression).") for problem in told)
    (medicine,) = (problem for problem in told if "faculty: medicine" in problem)
    assert "Table 1 under “The data”" in medicine and "Figure 1 under “The data”" in medicine


def test_counts_that_contradict_each_other_are_refused():
    counts = [{"of": "people", "where": {}, "low": number, "high": number} for number in (400, 500)]
    (problem,) = problems(table(people(400), counts=counts))
    assert problem.startswith("What is counted cannot be audited") and "rule 8" in problem


def of_sites(*numbers, **metadata):
    names = ["Hill", "Main", "Partner", "all"] if len(numbers) == 4 else ["Hill", "Main", "all"]
    return table(pd.DataFrame({"site": names, "people": numbers}).set_index("site"), **metadata)


@pytest.mark.parametrize("numbers", [("400", "200", "withheld", "603"), ("400", "withheld", "withheld", "403"),
                                     ("400", "200", "603"), ("400", "200", "205", "808")])
def test_a_total_that_gives_a_small_number_away_is_refused_whatever_is_declared(numbers):
    (problem,) = problems(of_sites(*numbers))
    assert problem.startswith("Table 1 under “The data” has totals that give away numbers to within fewer than 10 (such as ")
    assert problem.endswith("): withhold more of them, or the total (rule 8, complementary suppression).")


@pytest.mark.parametrize("numbers", [("400", "200", "withheld", "withheld"), ("400", "withheld", "withheld", "450"),
                                     ("400", "200", "203", "803"), ("400", "200", "190", "500"),
                                     ("400", "200", "withheld", "500"), ("400", "200", "withheld", "610")])
def test_a_total_that_gives_nothing_away_may_stand(numbers):
    """Its parts are many, overlap, or are all to the nearest ten."""
    assert not problems(of_sites(*numbers))


def test_a_withheld_cell_between_two_totals_is_found():
    cross = pd.DataFrame({"letter": ["withheld", "51", "54"], "none": ["47", "62", "109"], "all": ["50", "113", "163"]},
                         index=["arts", "law", "all"])
    assert "has totals that give away numbers" in problems(table(cross))[0]


def page_with(folder, name, counts):
    notebook = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Who?"), new_code_cell("show()", outputs=[
        table(people(400), counts=counts)])]), notebook)
    return export(notebook, folder / "out" / f"{name}.html", study=a_study())


def test_what_two_pages_give_away_together_gets_no_index(tmp_path, already_run):
    said = [{"of": "people", "where": {}, "low": 428, "high": 428},
            {"of": "people", "where": {"faculty": "arts"}, "low": 400, "high": 400},
            {"of": "people", "where": {"faculty": "law"}, "withheld": True},
            {"of": "people", "where": {"faculty": "medicine"}, "withheld": True}]
    manifest = page_with(tmp_path, "01-first", said)
    assert manifest["counts"] == [{**count, "table": "Table 1 under “Who?”"} for count in said]
    page_with(tmp_path, "02-second", [{"of": "others", "where": {}, "low": 25, "high": 25}])
    assert build_index(tmp_path / "out", a_study()).exists()
    page_with(tmp_path, "02-second", [{"of": "people", "where": {"faculty": "law"}, "low": 25, "high": 25}])
    with pytest.raises(ReportError, match=r"The index may not be handed over: .*complementary") as refused:
        build_index(tmp_path / "out", a_study())
    for place in ("01-first.html, Table 1", "02-second.html, Table 1", "faculty: medicine"):
        assert place in str(refused.value)


# Rule 9, extremes and single people


def test_a_least_and_a_greatest_of_people_are_refused():
    described = pd.Series(range(100, 200), name="acts").describe().round(1).to_frame()
    for frame in (described, described.T):
        (problem,) = problems(table(frame))
        assert problem.startswith("Table 1 under “The data” shows a least or greatest value (“min”), which is one person's")
        assert problem.endswith("(rule 9, extremes and single people).")
    assert not problems(table(described, "no people"))


@pytest.mark.parametrize("name", ["youngest", "oldest", "largest number of loans", "range of loans", "smallest", "100%"])
def test_one_extreme_is_refused_as_a_row_and_as_a_column(name):
    frame = pd.DataFrame({name: [1_912], "mean": [20.5]}, index=["loans"])
    for some in (frame, frame.T):
        some = some if name != "100%" else some.rename(columns={"mean": "50%"}, index={"mean": "50%"})
        assert f"shows a least or greatest value (“{name}”)" in problems(table(some))[0]
        assert not problems(table(some, not_people=[name]))


def test_a_group_named_by_its_rank_is_no_extreme():
    assert not problems(table(people(40, 50).rename(index={"g0": "highest fifth", "g1": "least active"})))


@pytest.mark.parametrize("mark", ['<use href="#m" x="{n}"/>', '<circle r="1" cx="{n}"/>', '<path d="M{n} 0 L1 1 z"/>',
                                  '<line x1="{n}" y1="1"/>', '<text x="{n}">.</text>'])
def test_a_mark_for_each_person_is_refused(mark):
    def drawn(number):
        return figure("<defs><path id='m' d='M0 0'/></defs>" + "".join(mark.format(n=n) for n in range(number)))

    assert not problems(drawn(MARKS))
    (problem,) = problems(drawn(MARKS + 1))
    assert problem == ("Figure 1 under “The data” has 401 marks, as a mark for each person would make; 400 are the most: "
                       "bin them (rule 9, extremes and single people).")


def test_marks_of_several_shapes_count_together():
    shapes = ['<circle r="1"/>', '<rect width="1"/>', '<path d="M0 0h1z"/>', '<path d="M0 0h1h1z"/>']
    assert "has 404 marks" in problems(figure("".join(shape * 101 for shape in shapes)))[0]


def test_more_marks_than_people_are_refused():
    counts = [{"of": "people", "where": {}, "low": 60, "high": 60}]
    assert "has 61 marks of one kind, more than the people whom it counts" in problems(
        figure('<circle r="1"/>' * 61, counts=counts))[0]
    assert not problems(figure('<circle r="1"/>' * 60, counts=counts))


def test_the_way_of_each_person_is_refused():
    def drawn(number, rests_on=40):
        return figure(f'<path d="M0 0 {"L1 1 " * 20}"/>' * number, rests_on)

    assert not problems(drawn(TRACKS)) and not problems(drawn(TRACKS + 1, "no people"))
    assert "has 25 lines of many corners, as the way of each person would make" in problems(drawn(TRACKS + 1))[0]


def test_what_is_drawn_in_pixels_is_refused_unless_it_rests_on_no_people():
    dot = base64.b64encode(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", 1, 1)).decode()
    inside = f'<image xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="data:image/png;base64,{dot}"/>'
    for picture_of in (lambda rests_on: shown({"image/png": dot}, alt="Dots.", rests_on=rests_on),
                       lambda rests_on: figure(inside, rests_on)):
        (problem,) = problems(picture_of(40))
        assert "is drawn in pixels, which cannot be read: draw it as SVG (rule 9" in problem
        found = findings(picture_of("no people"))
        assert not found.problems and "is drawn in pixels" in found.warnings[0]
    assert "holds a picture, which cannot be read" in problems(
        shown({"text/markdown": f"![Dots.](data:image/png;base64,{dot})"}))[0]


def test_a_line_with_a_step_for_each_person_is_refused():
    for line in (f'<path d="M0 0 {"L1 1 " * (CORNERS + 1)}"/>', f'<polyline points="{"1,1 " * (CORNERS + 2)}"/>'):
        (problem,) = problems(figure(line))
        assert "has a line of 1,002 corners" in problem and "rule 9" in problem


# Rule 10, everybody and nobody


def test_a_share_of_all_or_none_is_let_go_with_a_warning():
    found = findings(table(people(40, 50, share=["100%", "20%"])), figure(alt="All of them: 100%. Between 0% to 12%."))
    assert found.problems == ()
    assert found.warnings == tuple(
        f"{place} under “The data” shows 0% or 100%, 1 in all: see that this tells nothing of each member of a group "
        "(rule 10, everybody and nobody)." for place in ("Table 1", "Figure 1"))


def test_a_group_of_nobody_is_let_go_with_a_warning():
    (warning,) = findings(table(people(40, 0))).warnings
    assert warning.startswith("Table 1 under “The data” shows groups of nobody") and "rule 10" in warning


# Rule 11, quotations


def test_a_comment_that_nobody_approved_is_refused():
    output = shown({"text/markdown": "Somebody wrote: “the PRINTER on the second floor, swallowed my dissertation”."})
    (problem,) = problems(output, study=with_comments("Fine.", SAID))
    assert problem == ("The text under “The data” holds 8 or more words in a row of a comment that is not approved for "
                       "quoting (rule 11, quotations).")
    assert "printer" not in problem
    assert not problems(output, study=with_comments("Fine."))


@pytest.mark.parametrize(("given", "may"), [(quotation(SAID), True), (quotation(SAID, consent=False), False),
                                            (quotation(SAID, approved_by=None), False), (quotation(SAID[:30]), False)])
def test_a_comment_may_be_quoted_as_far_as_it_was_approved(given, may):
    found = problems(table(pd.DataFrame({"quote": [SAID]})), study=with_comments(SAID, quotations=given))
    assert bool(found) is not may and all("Table 1" in problem and "rule 11" in problem for problem in found)


def test_a_comment_within_a_drawing_is_found():
    (problem,) = problems(figure(f"<text>{SAID}</text>"), study=with_comments(SAID))
    assert problem.startswith("The edition 01-who.html holds 8 or more words") and "rule 11" in problem


def test_seven_words_in_a_row_may_be_anybodys():
    assert not problems(prose=" ".join(SAID.split()[:7]), study=with_comments(SAID))


# Rule 12, nothing of a person or a machine


def picture(content, kind="svg+xml"):
    return f'<img alt="A picture." src="data:image/{kind};base64,{base64.b64encode(content).decode()}">'


def png(kind, words):
    body = struct.pack(">I", len(words)) + kind + words + struct.pack(">I", zlib.crc32(kind + words))
    return picture(b"\x89PNG\r\n\x1a\n" + body, "png")


@pytest.mark.parametrize(("breach", "words"), [
    ("<script>x</script>", "the page holds a script"), ("<p onclick=x>a</p>", "an event handler"),
    ("<a href=' java\nscript:x'>a</a>", "a script link"), ("<iframe src='x'></iframe>", "embeds something"),
    ("<img alt='x' src='//example.org/x.png'>", "loads something from elsewhere"), ("<p style='x'>a</p>", "style attribute"),
    ("<a href='data:text/html,x'>a</a>", "a link to neither"), ("<a href='/etc/x'>a</a>", "a link to neither"),
    ("<meta http-equiv='refresh' content='0'>", "an order to the browser"), ("<!-- Ann -->", "a comment that is not shown"),
    ("<p>p_<b>0123456789ab</b>cdef01234567</p>", "a person's pseudonym"), ("<p>ann&#64;example.org</p>", "an e-mail"),
    ("<p title='/home/ann/x'>a</p>", "a path of a machine"), ("<pre>Out[3]:</pre>", "what a run leaves behind"),
    ("<p>Traceback (most recent call last)</p>", "a traceback"), ("<p>by quillfeather</p>", "may not leave this machine"),
    (picture(b"<svg><metadata>x</metadata></svg>"), "an image on the page holds metadata"),
    (picture(b"<svg><!-- x --></svg>"), "an image on the page holds a comment"),
    (picture(b"<svg><a xlink:href='https://example.org/'/></svg>"), "an image on the page links outwards"),
    (picture(b"<svg onload='x'/>"), "an image on the page holds an event handler"),
    (picture(b"<svg><text>quillfeather</text></svg>"), "an image on the page holds a folder or word of this study"),
    (png(b"tEXt", b"Author\0ann@example.org"), "an image on the page holds an e-mail address"),
    (png(b"zTXt", b"Author\0\0" + zlib.compress(b"/home/ann/x")), "an image on the page shows a path"),
    (picture(b"GIF89a", "gif"), "an image on the page is neither an SVG nor a PNG"),
    ("<img alt='A.' src='data:image/svg+xml,<svg/>'>", "an image on the page is neither an SVG nor a PNG"),
    ("<img alt='A.' src='data:image/svg+xml;base64,A'>", "an image on the page is neither an SVG nor a PNG"),
])
def test_what_may_never_leave_is_refused_in_page_and_picture(breach, words):
    (problem,) = problems(change=lambda html: html.replace("<p>Text.</p>", breach), forbidden=["quillfeather"])
    assert problem.startswith("01-who.html:") and words in problem and "quillfeather" not in problem and "Ann" not in problem
    assert problem.endswith("(under “The data”) (rule 12, nothing of a person or a machine).") or "<b>" in breach


def test_this_users_own_name_may_not_leave(monkeypatch):
    monkeypatch.setenv("LOGNAME", "quillfeather")
    assert "may not leave this machine" in problems(prose="Made by quillfeather.")[0]
    for name in ("library", "paper", "may", "jovyan"):
        monkeypatch.setenv("LOGNAME", name)
        assert not problems(prose=f"Made of {name}.")


@pytest.mark.parametrize("heading", ["person_key", "Person ID", "feedback_id", "E-mail", "barcode", "Preferred Email"])
def test_a_table_of_single_people_is_refused(heading):
    (problem,) = problems(table(pd.DataFrame({heading: ["a"]})))
    assert "has a table of single people or acts" in problem and "(Table 1, under “The data”) (rule 12" in problem


def test_a_table_that_lists_rather_than_sums_up_is_refused():
    listed = pd.DataFrame({"mode": "distance", "acts": range(100, 131)})
    (problem,) = problems(table(listed.set_index("mode")))
    assert problem == ("Table 1 under “The data” has 31 rows and no column that counts the people of each, as a list of "
                       "single people: sum it up (rule 12, nothing of a person or a machine).")
    assert not problems(table(listed.set_index("mode")[:30])) and not problems(table(people(*range(100, 131))))
    (problem,) = problems(table(people(*range(100, 161))))
    assert "has a table of 61 rows" in problem and "(Table 1, under “The data”) (rule 12" in problem


def test_rows_that_bear_the_numbers_of_a_longer_list_are_refused():
    counted = pd.DataFrame({"people": range(100, 131), "mode": "distance"})
    picked = counted.sample(5, random_state=0)
    for frame in (counted, picked):
        assert "has rows numbered as taken from a list, not named: set an index that says what each" in problems(
            table(frame))[-1]
    assert not problems(table(counted.set_index("mode"))) and not problems(table(picked.reset_index(drop=True)))


def test_a_breach_that_two_editions_share_is_one_sentence():
    run = run_of()
    found = examine(Page(run), run, dict.fromkeys(("a.html", "a-code.html"), "<p onclick=x>a</p>"), a_study())
    assert found.problems == ("a.html and a-code.html: the page holds an event handler (rule 12, nothing of a person or a "
                              "machine).",)


# Rules 13, 14 and 16: the manifest, all or nothing, no network


def write(folder, *cells):
    path = folder / "01-who.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Who?"), *cells]), path)
    return path


@pytest.fixture
def already_run(monkeypatch):
    """Exports take a notebook as it is, outputs and all."""
    monkeypatch.setattr(release, "run_notebook", lambda path, **_: nbformat.read(path, as_version=4))


def test_the_manifest_says_what_was_checked_and_vouches_for_each_edition(tmp_path, already_run):
    notebook = write(tmp_path, new_code_cell("show()", outputs=[table(people(40, 50, share=["100%", "5%"]))]))
    manifest = export(notebook, tmp_path / "out" / "01-who.html", study=a_study())
    assert manifest["rules"] == rules(a_study()) and len(manifest["rules"]) == len(RULES) + 2
    assert manifest["rules"][-1] == TAKEN_ON_TRUST and "safe" not in " ".join(manifest["rules"])
    assert len(manifest["warnings"]) == 1 and "rule 10" in manifest["warnings"][0]
    assert {"01-who.html", "01-who-code.html"} <= set(manifest["editions"])
    for name, digest in manifest["editions"].items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest
    assert json.loads((tmp_path / "out" / "01-who.json").read_text()) == manifest


def test_nothing_changed_gives_the_same_bytes(tmp_path, already_run):
    notebook = write(tmp_path, new_code_cell("show()", outputs=[table(people(40))]))
    for folder in ("one", "two"):
        export(notebook, tmp_path / folder / "01-who.html", study=a_study())
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def older(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("01-who.html", "01-who-code.html", "01-who.json"):
        (out / name).write_text("the last good one")
    return out


def unchanged(out):
    return {path.name: path.read_text() for path in out.iterdir()} == dict.fromkeys(
        ("01-who.html", "01-who-code.html", "01-who.json"), "the last good one")


def test_one_broken_rule_and_nothing_is_written(tmp_path, already_run):
    out = older(tmp_path)
    with pytest.raises(ReportError, match=r"01-who\.ipynb may not be handed over: 01-who-code\.html: .*rule 12"):
        export(write(tmp_path, new_code_cell("email = 'ann@example.org'")), out / "01-who.html", study=a_study())
    assert unchanged(out)


def test_an_edition_that_cannot_be_written_leaves_all_as_they_were(tmp_path, already_run, monkeypatch):
    out = older(tmp_path)
    real = type(out).write_bytes

    def full(path, *args, **keywords):
        if "code" in path.name:
            raise OSError("No space left on device")
        return real(path, *args, **keywords)

    monkeypatch.setattr(type(out), "write_bytes", full)
    with pytest.raises(ReportError, match="cannot be written"):
        export(write(tmp_path), out / "01-who.html", study=a_study())
    assert unchanged(out)


def test_a_cell_cannot_reach_the_network_and_can_reach_this_machine(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = write(tmp_path, new_code_cell(f"import socket\nsocket.create_connection({server.getsockname()!r})\n"
                                             "one, other = socket.socketpair()\nprint('connected')"))
        assert run_notebook(here).cells[1].outputs[0].text == "connected\n"
    for address in ("http://192.0.2.1/", "https://example.org/"):
        cell = f"import urllib.request\nurllib.request.urlopen({address!r}, timeout=1)"
        with pytest.raises(ReportError, match=r"under “Who\?”: RuntimeError: A cell asked for something on the network"):
            run_notebook(write(tmp_path, new_code_cell(cell)))
