"""The synthetic library: its size, its repeatability, its plausibility, and its planted truth."""

import gzip
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from libengage_utils.demo import write_demo
from libengage_utils.demo.coming_back import BACKGROUND
from libengage_utils.demo.comments import read_grammar, write_comments
from libengage_utils.effects import unasked_returns
from libengage_utils.letters.silence import quiet_by_rule, silence
from libengage_utils.schema import TABLES
from libengage_utils.study import open_study

COMMITTED = Path(__file__).parents[1] / "data" / "demo"


class Demo:
    """A written demo, read as it lies."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.study = yaml.safe_load((self.folder / "study.yml").read_text(encoding="utf-8"))
        self.truth = yaml.safe_load((self.folder / "truth.yml").read_text(encoding="utf-8"))

    @cache  # noqa: B019
    def __getitem__(self, table):
        file = self.study["sources"].get(table) or f"{table}.csv.gz"
        return pd.read_csv(self.folder / file, dtype=str, keep_default_na=False)

    @cache  # noqa: B019
    def acts(self):
        """Identified acts of people on the roster, bad rows left out."""
        events = _sound(self["events"]).drop_duplicates("event_id")
        return events[
            (events["initiated_by"] == "person") & events["person_id"].isin(self["people"]["person_id"])
        ]

    def contents(self):
        """The content of every file, decompressed."""
        return {
            path.name: gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            for path in sorted(self.folder.iterdir())
            if path.is_file()
        }


def _bad(events):
    """Why rows of the events cannot be true: one column of booleans a reason."""
    return pd.DataFrame(
        {
            "impossible date": pd.to_datetime(
                events["occurred_at"], format="%Y-%m-%d %H:%M", errors="coerce"
            ).isna(),
            "unknown outcome": ~events["outcome"].isin(TABLES["events"]["outcome"].allowed),
            "negative quantity": events["quantity"].astype(float) < 0,
            "missing event_id": events["event_id"] == "",
        }
    )


def _sound(events):
    return events[~_bad(events).any(axis=1)]


@pytest.fixture(scope="module")
def committed():
    return Demo(COMMITTED)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Write a small demo once for each set of planted claims."""
    written = {}

    def write(**planted):
        key = tuple(sorted(planted.items()))
        if key not in written:
            folder = tmp_path_factory.mktemp("demo")
            write_demo(folder, planted=planted, people=1500)
            written[key] = Demo(folder)
        return written[key]

    return write


# Size and repeatability


def test_the_demo_is_small_enough_to_be_committed(committed):
    assert sum(path.stat().st_size for path in COMMITTED.iterdir() if path.is_file()) < 5_000_000


def test_the_demo_has_the_size_it_claims(committed):
    assert len(committed["people"]) == 6000
    assert 225_000 <= len(committed["events"]) <= 275_000
    assert 15 <= committed["events"]["touchpoint"].nunique() <= 25
    assert committed["feedback"]["text"].ne("").sum() >= 2500


def test_the_committed_files_are_what_the_generator_writes(committed, tmp_path):
    write_demo(tmp_path)
    assert Demo(tmp_path).contents() == committed.contents()


def test_writing_twice_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_demo(tmp_path / name, people=300)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


def test_another_seed_gives_another_library(tmp_path):
    for seed in (1, 2):
        write_demo(tmp_path / str(seed), people=300, seed=seed)
    assert not Demo(tmp_path / "1")["events"].equals(Demo(tmp_path / "2")["events"])


def test_planting_one_claim_otherwise_leaves_the_roster_and_the_lists_as_they_were(small):
    here, there = small(), small(C14=False)
    for table in ("people", "reading_list_use", "workflows"):
        assert here[table].equals(there[table])


def test_a_claim_that_cannot_be_planted_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="C99 cannot be planted"):
        write_demo(tmp_path, planted={"C99": True})


def test_a_roster_too_small_for_its_parts_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 200"):
        write_demo(tmp_path, people=20)


# Tables


@pytest.mark.parametrize("name", [name for name in TABLES if name != "summaries"])
def test_every_value_is_one_the_schema_allows(committed, name):
    frame, table = committed[name], TABLES[name]
    frame = _sound(frame) if name == "events" else frame
    assert set(frame.columns) <= {column.heading for column in table.columns}
    for column in table.columns:
        if column.heading not in frame:
            assert not column.required
            continue
        values = frame[column.heading]
        assert not (column.required and values.eq("").any()), column.name
        values = values[values != ""]
        if column.allowed:
            assert set(values) <= set(column.allowed)
        if column.kind == "boolean":
            assert set(values) <= {"true", "false"}
        if column.kind in ("integer", "number"):
            assert values.astype(float).min() >= (-np.inf if column.minimum is None else column.minimum)
        if column.kind == "date":
            pd.to_datetime(values, format="%Y-%m-%d")
        if column.kind == "time":
            pd.to_datetime(values, format="%Y-%m-%d %H:%M")


@pytest.mark.parametrize("name", [name for name in TABLES if name not in ("summaries", "events")])
def test_no_key_repeats(committed, name):
    key = [TABLES[name][column].heading for column in TABLES[name].key]
    assert not committed[name].duplicated(key).any()


def test_events_lie_in_time_order_and_within_the_study(committed):
    times = _sound(committed["events"])["occurred_at"]
    assert times.is_monotonic_increasing
    assert "2023-09-01" <= times.min() and times.max() < "2026-09-01"


def test_no_local_time_falls_in_the_hour_the_clocks_skip(committed):
    for table, column in (("events", "occurred_at"), ("feedback", "given_at")):
        skipped = r"^(?:2024-03-31|2025-03-30|2026-03-29) 01:"
        assert not committed[table][column].str.contains(skipped).any()


def test_people_act_only_while_they_are_eligible(committed):
    acts = committed.acts().merge(committed["people"], on="person_id")
    day = acts["occurred_at"].str[:10]
    assert (day >= acts["eligible_from"]).all()
    assert ((day <= acts["eligible_to"]) | (acts["eligible_to"] == "")).all()


def test_people_of_the_partner_college_are_seen_by_no_identified_source(committed):
    people = committed["people"].set_index("person_id")["home_site"]
    assert (people == "Partner college").mean() == pytest.approx(0.04, abs=0.01)
    assert not (committed.acts()["person_id"].map(people) == "Partner college").any()


def test_each_source_of_events_says_what_it_cannot_see(committed):
    coverage = {row["source"]: row for row in committed.study["coverage"]}
    events = committed["events"]
    assert set(events["source"]) == set(coverage)
    for source, row in coverage.items():
        identified = events.loc[events["source"] == source, "person_id"].ne("")
        assert identified.all() if row["identity"] == "person" else not identified.any()
        assert row["blind_spots"]


def test_exams_are_busy_and_vacations_quiet(committed):
    month = committed.acts()["occurred_at"].str[5:7].value_counts()
    assert month["05"] > 1.15 * month["10"]
    assert month["10"] > 3 * month["08"]


def test_journeys_belong_to_one_person_and_one_declared_service(committed):
    acts = committed.acts()
    journeys = acts[acts["journey_id"] != ""].groupby("journey_id")
    assert (journeys["person_id"].nunique() == 1).all()
    assert (journeys["service"].nunique() == 1).all()
    assert set(acts["service"]) - {""} == set(committed["workflows"]["service"])


def test_forecasts_were_recorded_before_launch_and_one_service_has_none(committed):
    forecasts = committed["forecasts"]
    assert (forecasts["expected_share"] == "").sum() == 1
    recorded = forecasts[forecasts["expected_share"] != ""]
    assert (recorded["recorded_on"] < recorded["launched_on"]).all()
    acts = committed.acts().merge(forecasts, left_on="touchpoint", right_on="service")
    assert (acts["occurred_at"].str[:10] >= acts["launched_on"]).all()


def test_the_letter_went_to_half_of_those_silent_for_a_year_of_expected_days(committed):
    contacts = committed["contacts"]
    arms = contacts.groupby(["stratum", "arm"]).size().unstack()
    assert arms.to_numpy().min() >= 150 and (arms["letter"] - arms["holdout"]).abs().max() <= 1
    year = committed.acts()
    year = year[year["occurred_at"].between("2024-09-22", "2025-10-20")]
    assert not contacts["person_id"].isin(year["person_id"]).any()
    people = committed["people"].set_index("person_id").loc[contacts["person_id"]]
    assert (people["contactable"] == "true").all() and (people["contact_opt_out"] == "false").all()


def _calendar(study):
    return {"holidays": study.holidays, "absences": study.absences, "coverage": study.coverage}


def test_the_rule_of_the_package_finds_the_people_the_letter_was_planned_for(committed):
    study = open_study(COMMITTED)
    silent = silence(study.people, study.events, on="2025-10-20", **_calendar(study))
    quiet = quiet_by_rule(silent, study.people, lapse_days=365, outcome_days=90, on="2025-10-20").people
    contacts = study.contacts.df().set_index("person_key")["stratum"]
    assert set(quiet["person_key"]) == set(contacts.index)
    assert (quiet["seen_before"] == quiet["person_key"].map(contacts).eq("seen before")).all()


def _came_back(study, people, on):
    """People whom the rule finds on a day, and the share of them back within 90 days, by whether seen before."""
    back = unasked_returns(people, study.events, on=on, lapse_days=365, days=90, **_calendar(study))
    return back.groupby("seen_before")["returned"].agg(["size", "mean"])


def test_whom_the_rule_would_have_found_a_year_earlier_came_back_like_the_holdout():
    study = open_study(COMMITTED)
    earlier = _came_back(study, study.people, "2024-10-20")
    holdout = study.contacts.df().query("arm == 'holdout'")["person_key"]
    people = study.people.df()
    now = _came_back(study, people[people["person_key"].isin(holdout)], "2025-10-20")
    for seen_before, share in BACKGROUND.items():
        assert earlier.loc[seen_before, "size"] >= 50 and now.loc[seen_before, "size"] >= 150
        assert earlier.loc[seen_before, "mean"] == pytest.approx(share, abs=0.01)
        assert now.loc[seen_before, "mean"] == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(("on", "enough"), [("2024-10-20", (False,)), ("2025-10-20", (False, True))])
def test_the_quiet_who_may_not_be_written_to_came_back_like_the_others(on, enough):
    study = open_study(COMMITTED)
    people = study.people.df()
    unreachable = people[~people["contactable"] | people["contact_opt_out"]]
    back = _came_back(study, unreachable.assign(contactable=True, contact_opt_out=False), on)
    for seen_before in enough:  # a year earlier hardly anybody seen before had been quiet for so long
        assert back.loc[seen_before, "size"] >= 20
        assert back.loc[seen_before, "mean"] == pytest.approx(BACKGROUND[seen_before], abs=0.02)


def test_students_on_placement_are_not_seen_and_not_written_to(committed):
    absences = committed["absences"]
    people = committed["people"].set_index("person_id").loc[absences["person_id"]]
    assert len(absences) == 80 and set(people["mode"]) == {"full-time"} and set(people["level"]) == {"bachelor's"}
    acts = committed.acts().merge(absences, on="person_id")
    day = acts["occurred_at"].str[:10]
    assert acts["person_id"].nunique() > 40 and not ((day >= acts["from"]) & (day <= acts["to"])).any()
    away = absences.loc[absences["from"] == "2025-09-01", "person_id"]
    assert len(away) >= 10 and not committed["contacts"]["person_id"].isin(away).any()


def test_holidays_lie_in_quiet_weeks(committed):
    day = pd.to_datetime(committed.acts()["occurred_at"].str[:10])
    holidays = committed.study["calendar"]["holidays"]
    inside = sum(((day >= pd.Timestamp(h["from"])) & (day <= pd.Timestamp(h["to"]))) for h in holidays)
    assert len(holidays) == 6 and inside.mean() < 0.7 * 6 * 14 / 1096


def test_enough_people_rated_and_many_did_so_again(committed):
    feedback = committed["feedback"]
    survey = feedback[(feedback["instrument"] == "annual survey") & (feedback["question"] == "overall")]
    ratings = survey.groupby("person_id").size()
    assert len(ratings) >= 1500 and (ratings > 1).sum() >= 500


def test_lists_stand_on_every_rung_and_modules_adopt_at_different_times(committed):
    lists = committed["reading_lists"]
    assert lists["participation"].nunique() == 5
    cocreated = lists[lists["participation"].isin(["involved", "partnered", "user-led"])]
    assert cocreated.groupby("module")["term"].min().nunique() >= 4


# The truth that is told


def test_bad_rows_and_duplicates_are_as_many_as_the_truth_says(committed):
    events, counts = committed["events"], committed.truth["counts"]["events"]
    bad = _bad(events).sum().to_dict()
    known = events["person_id"].isin(["", *committed["people"]["person_id"]])
    assert bad | {"person not on the roster": (~known).sum()} == counts["bad"]
    assert events[events["event_id"] != ""].duplicated().sum() == counts["duplicate"]
    assert (
        len(events) == counts["rows"] == counts["sound"] + counts["duplicate"] + sum(counts["bad"].values())
    )


def test_people_are_counted_as_the_truth_says(committed):
    truth, people = committed["truth_people"], committed.truth["counts"]
    seen = truth["person_id"].isin(committed.acts()["person_id"])
    assert (truth["visible"].eq("true") == seen).all()
    assert seen.sum() == people["visible"] and (~seen).sum() == people["no_identified_act"]
    assert truth["kind"].value_counts().to_dict() == people["kinds"]
    assert people["no_identified_act"] / people["people"] == pytest.approx(0.24, abs=0.04)


def test_invisible_users_say_in_the_survey_that_they_use_the_library(committed):
    feedback = committed["feedback"].merge(committed["truth_people"], on="person_id")
    used = feedback[feedback["question"] == "used in the last year"]
    yes = used["answer"].eq("yes").groupby(used["kind"]).mean()
    assert yes["invisible"] > 0.85 and yes["never used"] < 0.15


def test_comments_hardly_repeat_and_their_emotions_are_counted(committed):
    comments, counts = committed["feedback"], committed.truth["counts"]["comments"]
    comments = comments[comments["text"] != ""]
    truth = committed["truth_comments"]
    assert sorted(truth["feedback_id"]) == sorted(comments["feedback_id"])
    assert len(comments) == counts["rows"] == sum(counts["emotions"].values())
    assert comments["text"].duplicated().sum() == counts["repeats"] < 0.02 * len(comments)
    assert truth["emotion"].value_counts().to_dict() == counts["emotions"]


def test_no_comment_shows_the_grammar_behind_it():
    grammar, rng = read_grammar(), np.random.default_rng(5)
    topics = np.resize(list(grammar["topics"]), 3000)
    texts = write_comments(
        rng.uniform(-1, 1, 3000), topics, np.resize(["student", "distance", "staff"], 3000), rng
    )
    assert not texts["text"].str.contains(r"[{}]|  | ,|\ba [aeio](?!ne)").any()
    assert set(texts["emotion"]) == set(grammar["emotions"])


def test_everything_the_demo_writes_calls_itself_synthetic(committed):
    assert committed.study["synthetic"] is True and committed.truth["synthetic"] is True
    for name in ("study.yml", "truth.yml"):
        assert (COMMITTED / name).read_text(encoding="utf-8").startswith("# Synthetic")


# Claims planted true and false differ in what anybody can see


def _top_fifth(demo):
    counts = np.sort(demo.acts()["person_id"].value_counts())[::-1]
    return counts[: len(counts) // 5].sum() / counts.sum()


def test_use_is_concentrated_only_where_that_is_planted(small):
    assert _top_fifth(small()) > 0.62
    assert _top_fifth(small(C02=False)) < 0.48


def _never_seen(demo):
    people = demo["people"].query("home_site != 'Partner college'")
    unseen = ~people["person_id"].isin(demo.acts()["person_id"])
    return unseen.groupby(people["mode"]).mean()


def test_never_being_seen_depends_on_circumstances_only_where_that_is_planted(small):
    true, false = _never_seen(small()), _never_seen(small(C12=False))
    assert true["distance"] > true["full-time"] + 0.12
    assert abs(false["distance"] - false["full-time"]) < 0.08


def _brought_back(demo):
    contacts, acts = demo["contacts"], demo.acts()
    window = acts[acts["occurred_at"].between("2025-10-20", "2026-01-19")]
    back = contacts["person_id"].isin(window["person_id"]).groupby(contacts["arm"]).mean()
    return back["letter"] - back["holdout"]


def test_the_letter_brings_people_back_only_where_that_is_planted(small):
    assert 0.03 < _brought_back(small()) < 0.12
    assert abs(_brought_back(small(C14=False))) < 0.03


def _tails(demo):
    box = demo["feedback"].query("instrument == 'comment box'")["rating"]
    return box.isin(["1", "5"]).mean()


def test_the_comment_box_draws_extremes_only_where_that_is_planted(small):
    assert _tails(small()) > 0.5
    assert _tails(small(C07=False)) < 0.2


def test_every_other_claim_can_be_planted_the_other_way(tmp_path, committed):
    claims = {
        claim: entry["holds"] for claim, entry in committed.truth["claims"].items() if claim != "segments"
    }
    write_demo(tmp_path, planted={claim: not holds for claim, holds in claims.items()}, people=1500)
    other = Demo(tmp_path).truth["claims"]
    assert {claim: not other[claim]["holds"] for claim in claims} == claims
    here = {claim: entry["realised"] for claim, entry in committed.truth["claims"].items()}
    there = {claim: other[claim]["realised"] for claim in other}
    assert here["C01"]["chat"] < 0.6 * there["C01"]["chat"]
    assert here["C03"]["concentration_index"] > there["C03"]["concentration_index"] + 0.1
    assert here["C04"]["drive_voice"] < 0.4 < 0.8 < there["C04"]["drive_voice"]
    assert here["C05"]["indirect"] > 0.1 > 0.05 > there["C05"]["indirect"]
    assert here["C08"]["with_mean"] > here["C08"]["with_peak_and_end"]
    assert there["C08"]["with_mean"] < there["C08"]["with_peak_and_end"]
    assert here["C18"]["off_path"] > 0.5 > 0.1 > there["C18"]["off_path"]
    assert here["C19"]["people"] > there["C19"]["people"]


def _back_after(demo, kind):
    return demo.truth["claims"]["C09"]["realised"][kind]["back_within_90_days"]


def test_friction_keeps_people_away_only_where_that_is_planted(small):
    assert _back_after(small(), "failed") < _back_after(small(), "no_failure") - 0.08
    assert _back_after(small(C09=False), "failed") > _back_after(small(C09=False), "no_failure") - 0.05


def _slopes(demo):
    """Log opens of a student on the share of items with notes and on cocreation, within modules."""
    lists, items = demo["reading_lists"].set_index("list_id"), demo["reading_list_items"]
    opens = demo["reading_list_use"].astype({"opens": int}).groupby("list_id")["opens"].sum()
    cocreated = lists["participation"].isin(["involved", "partnered", "user-led"])
    rows = pd.DataFrame(
        {
            "rate": np.log(opens / lists["students"].astype(int)),
            "notes": items["has_note"].eq("true").groupby(items["list_id"]).mean(),
            "cocreated": cocreated.astype(float),
        }
    )
    rows -= rows.groupby(lists["module"]).transform("mean")
    return np.linalg.lstsq(rows[["notes", "cocreated"]], rows["rate"], rcond=None)[0]


def test_notes_and_cocreation_go_with_use_only_where_that_is_planted(committed, small):
    notes, cocreated = _slopes(committed)
    assert notes == pytest.approx(np.log(1.3), abs=0.1)
    assert cocreated == pytest.approx(0, abs=0.1)
    notes, cocreated = _slopes(small(C16=True, C17=False))
    assert notes == pytest.approx(0, abs=0.1)
    assert cocreated == pytest.approx(0.26, abs=0.1)


def test_planted_segments_are_told_in_the_truth(tmp_path):
    write_demo(tmp_path, planted={"segments": True}, people=300)
    assert Demo(tmp_path)["truth_people"]["segment"].nunique() == 3
