"""Every recipe on a small file as its system writes it: the rows, what is left out and why, and nothing of anybody."""

import csv
import datetime as dt
import io
import random
import re
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import yaml

from libengage_utils.engagement import engagement_features
from libengage_utils.privacy import Pseudonymiser
from libengage_utils.schema import TABLES
from libengage_utils.study import StudyError, open_study
from libengage_utils.study.mapping import Mapping, quoted
from libengage_utils.study.sources import Source, check_rules, each_rule, read_recipe, recipe_names

EXPORTS = Path(__file__).parent / "exports"
EXPECTED = yaml.safe_load((EXPORTS / "expected.yml").read_text(encoding="utf-8"))
CASES = [(recipe, table) for recipe, tables in EXPECTED.items() for table in tables]
HEADED = [(recipe, table) for recipe, table in CASES if "headings" not in read_recipe(recipe)]
EVENTS = [(recipe, table) for recipe, table in CASES if table == "events"]
WRONG = [(recipe, table, line) for recipe, table in CASES if "each" not in read_recipe(recipe)[table]
         for line, *_ in EXPECTED[recipe][table].get("rejected", [])[:1]]
OPTIONS = ("dates", "decimal", "encoding")
KEY = "5a" * 16
# What no prepared study may hold: names, addresses, numbers of cards and machines, titles, and every raw identifier.
CANARY = re.compile(r"canary|example\.org|192\.0\.2\.|98765|c0ffee|9999000", re.I)
ROSTER = "person_id\nCANARYID01\nCANARYID02\nCANARYID03\n"
LOG = ("event_id,person_id,occurred_at,event_type,touchpoint,source\n"
       "e1,CANARYID01,2024-10-01 10:00,borrow,loan,desk\ne2,CANARYID01,2024-10-01 10:05,borrow,loan,desk\n")


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("LIBENGAGE_KEY", KEY)


def write(folder, sources, coverage=("library system",), **files):
    """A study of real people in a folder, whose other sources are a small roster and log."""
    for name, content in {"people.csv": ROSTER, "events.csv": LOG, **files}.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    day = dt.date.fromisoformat
    spans = {"from": day("2024-09-01"), "to": day("2025-08-31")}
    (folder / "study.yml").write_text(yaml.safe_dump({
        "name": "Exports", "purpose": "To test.", "retention": day("2099-12-31"), "as_of": day("2025-08-31"),
        "time_zone": "Europe/London", "calendar": {"loan_days": 28, "teaching_weeks": 30,
                                                   "periods": [{"period": "2024/25", **spans}]},
        "sources": {"people": "people.csv", "events": "events.csv", **sources},
        "coverage": [{"source": source, **spans, "identity": "person"} for source in coverage]}))
    return folder


def source(recipe, table, **changes):
    """How study.yml names the export of a recipe."""
    expected = EXPECTED[recipe][table]
    return {"file": str(EXPORTS / expected["file"]), "recipe": recipe,
            **{option: expected[option] for option in OPTIONS if option in expected}, **changes}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """The study of a recipe, opened once, its folder, and what was said meanwhile."""
    @cache
    def study_of(recipe, table):
        folder, said = tmp_path_factory.mktemp(recipe), []
        return open_study(write(folder, {table: source(recipe, table)}), progress=said.append), folder, said

    return study_of


def shown(value):
    """A cell as expected.yml writes it."""
    if pd.isna(value):
        return None
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}" if value.time() != dt.time() else f"{value:%Y-%m-%d}"
    return value.item() if hasattr(value, "item") else value


def cells(frame, columns):
    return sorted(([shown(value) for value in row] for row in frame[columns].itertuples(index=False)), key=str)


def test_every_recipe_has_an_export_and_every_export_a_recipe():
    assert set(EXPECTED) == set(recipe_names()) - {"sfpl-library-usage"}
    files = {expected["file"] for tables in EXPECTED.values() for expected in tables.values()}
    assert files == {path.name for path in EXPORTS.iterdir()} - {"expected.yml"}
    assert all(set(read_recipe(recipe)) & set(TABLES) == set(tables) for recipe, tables in EXPECTED.items())


@pytest.mark.parametrize("recipe", recipe_names())
def test_a_recipe_says_in_three_lines_what_it_reads_and_fits_the_schema(recipe):
    lines = (Path(__file__).parent.parent / f"libengage_utils/recipes/{recipe}.yml").read_text().splitlines()
    assert 1 <= sum(line.startswith("#") for line in lines) <= 3 and max(map(len, lines)) <= 125
    assert recipe == "sfpl-library-usage" or lines[0].startswith("# ")
    for table in set(read_recipe(recipe)) & set(TABLES):
        check_rules(table, read_recipe(recipe)[table], recipe)
        assert set(TABLES[table].required) <= set(read_recipe(recipe)[table])


def test_the_readme_of_the_data_names_every_recipe():
    told = (Path(__file__).parent.parent / "data/README.md").read_text(encoding="utf-8")
    assert [recipe for recipe in recipe_names() if f"| `{recipe}` |" not in told] == []


# --- what is read ---

@pytest.mark.parametrize(("recipe", "table"), CASES)
def test_an_export_gives_these_rows(opened, recipe, table):
    expected, (study, _, _) = EXPECTED[recipe][table], opened(recipe, table)
    pseudonym = Pseudonymiser(bytes.fromhex(KEY))
    rows = [[pseudonym(str(value)) if column == "person_key" and value else value
             for column, value in zip(expected["columns"], row, strict=True)] for row in expected["rows"]]
    frame = study.get(table).df()
    assert cells(frame, expected["columns"]) == sorted(rows, key=str)
    others = [column.name for column in TABLES[table].columns if column.default is None and not column.name.endswith("_id")]
    assert frame[[name for name in others if name not in expected["columns"]]].isna().all(axis=None)


@pytest.mark.parametrize(("recipe", "table"), CASES)
def test_every_row_is_kept_left_out_or_rejected_with_a_reason(opened, recipe, table):
    expected, (study, _, _) = EXPECTED[recipe][table], opened(recipe, table)
    (count,) = study.counts[study.counts["table"] == table].to_dict("records")
    assert {reason: n for reason, n in count["why_left_out"].items() if n} == expected.get("left out", {})
    found = study.rejected[study.rejected["table"] == table]
    assert [[row.line, row.column] for row in found.itertuples()] == [row[:2] for row in expected.get("rejected", [])]
    for reason, (_, _, words) in zip(found["reason"], expected.get("rejected", []), strict=True):
        assert words in reason


@pytest.mark.parametrize(("recipe", "table"), [case for case in CASES if case[1] in ("events", "feedback", "staff_time")])
def test_acts_are_known_by_digests(opened, recipe, table):
    ids = opened(recipe, table)[0].get(table).df()[TABLES[table].key[0]]
    assert ids.is_unique and ids.str.fullmatch("[0-9a-f]{24}").all()


@pytest.mark.parametrize(("recipe", "table"), EVENTS)
def test_automatic_renewals_are_the_system_s_and_nothing_else_is(opened, recipe, table):
    acts = opened(recipe, table)[0].events.df()
    assert ((acts["event_type"] == "renew automatically") == (acts["initiated_by"] == "system")).all()


# --- nothing of anybody ---

@pytest.mark.parametrize(("recipe", "table"), CASES)
def test_nothing_personal_is_kept_or_said(opened, recipe, table):
    raw = (EXPORTS / EXPECTED[recipe][table]["file"]).read_bytes()
    assert len(set(CANARY.findall(raw.decode("utf-16" if raw.startswith(b"\xff\xfe") else "latin-1")))) > 0
    study, folder, said = opened(recipe, table)
    for path in (folder / ".prepared").rglob("*"):
        if path.is_file():
            assert not CANARY.search(path.read_bytes().decode("latin-1"))
        if path.suffix == ".parquet":
            assert not CANARY.search(pd.read_parquet(path).to_csv())
    assert said and not CANARY.search(" ".join([*said, *study.notices, study.rejected.to_csv(), study.counts.to_csv()]))


@pytest.mark.parametrize(("recipe", "table", "line"), WRONG)
def test_a_refusal_names_the_row_and_nobody(tmp_path, recipe, table, line):
    lines = text_of(recipe, table)[0].split("\n")
    kept = [lines[line - 1]] if (recipe, table) not in HEADED else [lines[0], lines[line - 1]]
    with pytest.raises(StudyError, match="all 1 rows were rejected") as refused:
        open_study(write(tmp_path, {table: source(recipe, table, file="export.csv", encoding="utf-8")},
                         **{"export.csv": "\n".join(kept) + "\n"}))
    assert CANARY.search(kept[-1]) and not CANARY.search(str(refused.value))


# --- headings ---

def text_of(recipe, table):
    """An export as text with plain line ends, and its delimiter."""
    expected = EXPECTED[recipe][table]
    raw = (EXPORTS / expected["file"]).read_bytes()
    text = raw.decode("utf-16" if raw.startswith(b"\xff\xfe") else expected.get("encoding", "utf-8-sig"))
    return text.replace("\r\n", "\n"), max(",;\t|", key=text.split("\n")[0].count)


@pytest.mark.parametrize(("recipe", "table"), HEADED)
def test_case_spacing_and_order_of_headings_do_not_matter(opened, tmp_path, recipe, table):
    text, delimiter = text_of(recipe, table)
    head, *rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    chance = random.Random(recipe)
    order = chance.sample(range(len(head)), len(head))
    head = ["".join(chance.choice([letter.upper(), letter.lower()]) for letter in heading) for heading in head]
    head = [re.sub(r"[ _]", lambda _: chance.choice(["", " ", "_", "-", "\u00a0"]), f" {heading}") for heading in head]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([row[i] if i < len(row) else "" for i in order] for row in [head, *rows])
    study = open_study(write(tmp_path, {table: source(recipe, table, file="export.csv", encoding="utf-8")},
                             **{"export.csv": out.getvalue()}))
    pd.testing.assert_frame_equal(study.get(table).df(), opened(recipe, table)[0].get(table).df())


def aliases():
    """Every heading that a recipe knows beside the one that its export has: (recipe, table, the export's, the other)."""
    for recipe, table in CASES:
        said = read_recipe(recipe)
        text, delimiter = text_of(recipe, table)
        head = list(said.get("headings", [])) or next(csv.reader([text.split("\n")[0]], delimiter=delimiter))
        mapping = Mapping(Source(table, None, said), TABLES[table], [*head, "each name", "each value"])
        rules = [one for name, rule in said[table].items() if name in TABLES[table].names for one in each_rule(rule)]
        wanted = [part for rule in rules for part in rule.get("columns", [])]
        for part in [[part] if isinstance(part, str) else part for part in wanted]:
            if there := mapping._at(part):
                yield from ((recipe, table, head, there, other) for other in part if other and mapping._at(other) is None)


def test_every_other_heading_that_a_recipe_knows_is_read_alike():
    found = list(aliases())
    for recipe, table, head, there, other in found:
        one, another = (Mapping(Source(table, None, read_recipe(recipe)), TABLES[table],
                                [*headings, "each name", "each value"]).cells
                        for headings in (head, [other if heading == there else heading for heading in head]))
        assert {name: cell.raw.replace(quoted(other), quoted(there)) for name, cell in another.items()} == {
            name: cell.raw for name, cell in one.items()}
    assert len({other for *_, other in found}) > 40


def test_columns_beside_a_recipe_add_to_it_and_take_precedence(tmp_path):
    study = open_study(write(tmp_path, {"people": source("alma-users", "people", columns={
        "school": ["Statistical Category 01"], "home_site": {"value": "Main"}})}))
    people = study.people.df()
    assert sorted(people["school"]) == ["Arts", "Arts", "Arts", "Law"]
    assert set(people["home_site"]) == {"Main"} and people["contactable"].sum() == 3


def test_requests_are_joined_within_their_own_system_only(tmp_path):
    events = [source("ezproxy", "events"), "events.csv"]
    study = open_study(write(tmp_path, {"events": events}, coverage=("desk", "e-resource login")))
    acts = study.events.df()
    assert acts.groupby("source").size().to_dict() == {"desk": 2, "e-resource login": 3}
    assert acts["quantity"].sum() == 2 + 5


@pytest.mark.parametrize(("columns", "words"), [
    ({"leave_out": [{"column": "Status", "because": "left"}]}, "needs exactly `column`, `like` and `because`, or `when`"),
    ({"school": [{"columns": ["A"], "as": "word"}, "B"]}, "the rule for school says `as: word`; it may be: row number"),
    ({"school": [{"column": "A"}]}, "the rule for school has 'column'; it may have: columns, as"),
    ({"school": "A"}, "the rule for school must be a list of headings")])
def test_a_rule_that_says_nothing_gets_a_sentence(tmp_path, columns, words):
    with pytest.raises(StudyError, match=re.escape(words)):
        open_study(write(tmp_path, {"people": source("alma-users", "people", columns=columns)}))


@pytest.mark.parametrize(("recipe", "file", "column"), [
    ("koha-statistics", "koha-statistics.txt", "interface"), ("koha-issues", "koha-issues.csv", "auto_renew"),
    ("sierra-circ-trans", "sierra-circ-trans.txt", "application_name")])
def test_a_renewal_is_left_out_where_nothing_tells_who_made_it(tmp_path, recipe, file, column):
    text = (EXPORTS / file).read_text().replace(column, "anything")
    study = open_study(write(tmp_path, {"events": source(recipe, "events", file=file)}, **{file: text}))
    assert not study.events.df()["event_type"].str.startswith("renew").any()
    left = study.counts.set_index("table").loc["events", "why_left_out"]
    assert left["is a renewal, and nothing tells whether somebody or the system made it"] >= 3


# --- a library's systems together ---

def test_a_study_of_a_library_s_systems_counts_the_acts_of_its_people(tmp_path):
    events = ("alma-loans", "alma-returns", "ezproxy", "libcal-gates", "libanswers-tickets")
    systems = ("library system", "e-resource login", "gate system", "enquiry log")
    tables = {"reading_lists": "leganto-lists", "reading_list_items": "leganto-citations",
              "reading_list_use": "leganto-usage", "staff_time": "libwizard-staff-time"}
    sources = {"people": source("alma-users", "people"), "events": [source(name, "events") for name in events],
               **{table: source(name, table) for table, name in tables.items()}}
    study = open_study(write(tmp_path, sources, coverage=systems))
    assert set(study.tables) == {"people", "events", *tables}
    counted = study.counts[["kept", "left_out", "rejected"]].sum(axis=1)
    assert (study.counts["read"] == counted).all()
    features = engagement_features(study.people.df(), study.events.df(), periods=study.periods, loan_days=study.loan_days,
                                   coverage=study.coverage).set_index("person_key")
    pseudonym = Pseudonymiser(bytes.fromhex(KEY))
    acts = {name: int(features.loc[pseudonym(name), "acts"]) for name in ("CANARYID01", "CANARYID02", "CANARYID03")}
    # One: two loans, a return, two sittings at e-resources, a gate. Two: two loans, e-resources; the gate was staff's work.
    assert acts == {"CANARYID01": 6, "CANARYID02": 3, "CANARYID03": 2}
    assert features.loc[pseudonym("CANARYID01"), ["active_days", "breadth"]].tolist() == [3, 4]
    assert pseudonym("CANARYID04") not in features.index           # whose membership had ended before
    everything = b"".join(path.read_bytes() for path in (tmp_path / ".prepared").rglob("*") if path.is_file())
    assert not CANARY.search(everything.decode("latin-1"))
    assert not CANARY.search("".join(study.get(table).df().to_csv() for table in study.tables) + " ".join(study.notices))
