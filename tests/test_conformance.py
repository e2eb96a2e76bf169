"""Statements about declared ways, the paths people walk, and how the two lie to each other."""

from itertools import pairwise, product

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import digamma
from statsmodels.stats.proportion import proportion_confint

from libengage_utils.claims import judge
from libengage_utils.demo.journeys import walk as demo_walk
from libengage_utils.demo.services import read_library
from libengage_utils.journeys import emotional_arc
from libengage_utils.journeys.conformance import KINDS, conformance, share_off
from libengage_utils.journeys.flows import flows
from libengage_utils.journeys.variants import variants
from libengage_utils.journeys.workflows import Workflow, align, read_workflows
from libengage_utils.specifications import specifications

SCAN = Workflow("scan", ("search", "desk", "request", "renew", "return"), (True, False, True, False, True),
                (False, False, False, True, False))
LOAN = Workflow("loan", ("search", "hold", "collect"), (True, True, True), (False, False, False))


def walked(*paths, service="scan", person=None, begin="2025-01-01", **columns):
    """Events of errands that went these paths ("search > return"), a person each, a step an hour."""
    person = [f"p{n:04d}" for n in range(len(paths))] if person is None else person
    rows = [(person[n], f"j{n:04d}", step, at) for n, path in enumerate(paths) for at, step in enumerate(path.split(" > "))]
    table = pd.DataFrame(rows, columns=["person_key", "journey_id", "touchpoint", "at"])
    table["occurred_at"] = pd.Timestamp(begin) + pd.to_timedelta(table.pop("at"), unit="h")
    return table.assign(event_id=[f"e{n:06d}" for n in range(len(table))], initiated_by="person", service=service, **columns)


def followed(*paths, way=SCAN):
    """Errands on these paths, aligned with the way."""
    return conformance(walked(*paths, service=way.service), {way.service: way}, edge_days=0).journeys


# --- the way declared ---

def declared(**changes):
    table = {"service": ["loan"] * 3, "step": ["search", "hold", "collect"], "order": [1, 2, 3], "required": [True] * 3}
    return pd.DataFrame(table | changes)


def test_a_way_is_read_in_its_order_and_by_service():
    table = pd.concat([declared(order=[3, 1, 2]), declared(service="scan", required=[True, False, False])])
    ways = read_workflows(table.assign(repeatable=[None, True, False] * 2))
    assert list(ways) == ["loan", "scan"] and ways["loan"].steps == ("hold", "collect", "search")
    assert ways["scan"] == Workflow("scan", ("search", "hold", "collect"), (True, False, False), (False, True, False))


def test_a_step_is_not_repeatable_unless_it_is_said_to_be():
    assert read_workflows(declared())["loan"] == LOAN == read_workflows(pl.from_pandas(declared()))["loan"]


@pytest.mark.parametrize(("changes", "words"), [
    ({"order": [1, 2, 2]}, "loan has 2 steps at order 2 .collect, hold.: steps follow each other"),
    ({"step": ["search", "hold", "search"]}, "names the step search more than once: .* declare it repeatable"),
    ({"required": [False] * 3}, "loan has no required step"),
    ({"step": ["search", "hold", "colect"]}, "step colect of loan is the touchpoint of no event; the nearest are: collect"),
    ({"step": ["search", "hold", "zzz"]}, "zzz of loan is the touchpoint of no event; none has a name like it"),
    ({"order": [1, "second", 3]}, "1 of 3 steps of workflows lack"),
    ({"required": [True, None, True]}, "1 of 3 steps of workflows lack a service, a step, an order, or whether"),
    ({"required": ["yes", "no", "no"]}, "required holds more than true and false")])
def test_a_way_that_cannot_be_walked_is_refused_with_its_reason(changes, words):
    with pytest.raises(ValueError, match=words):
        read_workflows(declared(**changes), touchpoints=["search", "hold", "collect", None])


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ValueError, match=r"order 1.*more than once.*no required"):
        read_workflows(declared(order=[1, 1, 2], step=["search", "hold", "hold"], required=False))


def test_a_table_without_steps_or_columns_is_refused():
    with pytest.raises(ValueError, match="No workflow is declared"):
        read_workflows(declared().head(0))
    with pytest.raises(ValueError, match="no column order and no column required"):
        read_workflows(declared()[["service", "step"]])


# --- alignments, worked by hand: walked above, declared below, "-" where one has nothing ---

CASES = [
    # search request return
    # search request return
    ("search > request > return", 0, 1, {}),
    # search desk request renew renew renew return
    # search desk request renew renew renew return
    ("search > desk > request > renew > renew > renew > return", 0, 1, {}),
    # search -       return
    # search request return
    ("search > return", 1, 1 - 1 / 5, {"skipped": 1}),
    # search gate request return
    # search -    request return
    ("search > gate > request > return", 1, 1 - 1 / 7, {"added": 1}),
    # search search request return
    # -      search request return
    ("search > search > request > return", 1, 1 - 1 / 7, {"repeated": 1}),
    # request search -       return
    # -       search request return
    ("request > search > return", 2, 1 - 2 / 6, {"out of order": 1}),
    # gate -      -       -
    # -    search request return
    ("gate", 4, 0, {"added": 1, "skipped": 3}),
    # search renew request return
    # search -     request return
    ("search > renew > request > return", 1, 1 - 1 / 7, {"out of order": 1}),
    # search request return return return
    # search request -      -      return
    ("search > request > return > return > return", 2, 1 - 2 / 8, {"repeated": 2}),
    # return search request -
    # -      search request return
    ("return > search > request", 2, 1 - 2 / 6, {"out of order": 1}),
    # search request renew return renew
    # search request renew return -
    ("search > request > renew > return > renew", 1, 1 - 1 / 8, {"repeated": 1}),
    # desk search desk request return
    # -    search desk request return
    ("desk > search > desk > request > return", 1, 1 - 1 / 8, {"repeated": 1}),
    # -      request return search
    # search request return -
    ("request > return > search", 2, 1 - 2 / 6, {"out of order": 1}),
    # return request search -       -
    # -      -       search request return
    ("return > request > search", 4, 1 - 4 / 6, {"out of order": 2}),
    # -      -       renew renew return
    # search request renew renew return
    ("renew > renew > return", 2, 1 - 2 / 6, {"skipped": 2}),
    # gate search e-book gate request -
    # -    search -      -    request return
    ("gate > search > e-book > gate > request", 4, 1 - 4 / 8, {"added": 3, "skipped": 1}),
]


@pytest.mark.parametrize(("path", "cost", "fitness", "kinds"), CASES, ids=[case[0] for case in CASES])
def test_an_alignment_is_as_worked_by_hand(path, cost, fitness, kinds):
    row = followed(path).loc[0]
    assert row["cost"] == cost and row["fitness"] == pytest.approx(fitness, abs=1e-12)
    assert row["off"] == (cost > 0) and {kind: row[kind] for kind in KINDS if row[kind]} == kinds


def test_errands_aligned_together_are_aligned_as_alone():
    rows = followed(*[path for path, *_ in CASES])
    assert rows["cost"].tolist() == [cost for _, cost, *_ in CASES]
    assert rows["path"].nunique() == len(CASES)


def test_an_errand_is_finished_if_the_last_required_step_was_walked():
    way = Workflow("scan", ("search", "request", "renew"), (True, True, False), (False,) * 3)
    assert followed("search > request", "request", "search > renew", way=way)["finished"].tolist() == [True, True, False]


STEPS = [*"abcde"]


@st.composite
def ways(draw):
    size = draw(st.integers(1, 4))
    flags = st.lists(st.booleans(), min_size=size, max_size=size)
    required, repeatable = draw(flags), draw(flags)
    return Workflow("s", tuple(STEPS[:size]), tuple(required if any(required) else [True] * size), tuple(repeatable))


@st.composite
def conforming(draw):
    """A way, and a path that it allows."""
    way = draw(ways())
    path = []
    for step, required, repeatable in zip(way.steps, way.required, way.repeatable, strict=True):
        if required or draw(st.booleans()):
            path += [step] * (1 + draw(st.integers(0, 2)) * repeatable)
    return way, path


def aligned(way, *paths):
    known = {step: at for at, step in enumerate(way.steps)}
    return align(way, np.array([known.get(step, -1) for path in paths for step in path]), np.array(list(map(len, paths))))


def slow_cost(way, path):
    """Least cost by the textbook: cells of steps walked and places of the way."""
    cost = {(0, 0): 0}
    for i, j in product(range(len(path) + 1), range(len(way.steps) + 1)):
        ways_here = [cost[i, j]] if (i, j) in cost else []
        if i:
            ways_here.append(cost[i - 1, j] + 1)
        if j:
            ways_here.append(cost[i, j - 1] + way.required[j - 1])
        if i and j and path[i - 1] == way.steps[j - 1]:
            ways_here += [cost[i - 1, j - 1], *[cost[i - 1, j]] * way.repeatable[j - 1]]
        cost[i, j] = min(ways_here)
    return cost[len(path), len(way.steps)]


def in_place_by_trying_all(way, path):
    """Of all choices of steps walked in their place, the cheapest; of these the one that has the last step, and so on."""
    choices = []
    for chosen in product([True, False], repeat=len(path)):
        kept = [step for step, own in zip(path, chosen, strict=True) if own]
        places = [way.steps.index(step) if step in way.steps else -1 for step in kept]
        allowed = all(a < b or (a == b and way.repeatable[a]) for a, b in pairwise(places))
        if allowed and -1 not in places:
            left_out = sum(need and step not in kept for step, need in zip(way.steps, way.required, strict=True))
            choices.append((len(path) - len(kept) + left_out, [not own for own in chosen[::-1]]))
    return [not out for out in min(choices)[1]][::-1]


paths_of = st.lists(st.sampled_from(STEPS), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(conforming())
def test_a_path_that_the_way_allows_costs_nothing(pair):
    assert aligned(*pair)[0].tolist() == [0] and aligned(*pair)[1].all()


@settings(max_examples=60, deadline=None)
@given(ways(), paths_of)
def test_a_path_costs_at_least_its_foreign_steps_and_at_most_everything(way, path):
    cost = aligned(way, path)[0][0]
    assert sum(step not in way.steps for step in path) <= cost <= len(path) + sum(way.required)


@settings(max_examples=60, deadline=None)
@given(conforming(), st.lists(st.integers(0, 20), max_size=6))
def test_foreign_steps_put_into_a_conforming_path_cost_one_each(pair, places):
    way, path = pair
    for place in places:
        path = [*path[:place], "elsewhere", *path[place:]]
    assert aligned(way, path)[0].tolist() == [len(places)]


@settings(max_examples=150, deadline=None)
@given(ways(), st.lists(paths_of, min_size=1, max_size=5))
def test_costs_are_those_of_the_textbook(way, paths):
    assert aligned(way, *paths)[0].tolist() == [slow_cost(way, path) for path in paths]


@settings(max_examples=100, deadline=None)
@given(ways(), st.lists(st.sampled_from(STEPS), min_size=1, max_size=8))
def test_ties_are_broken_as_is_said(way, path):
    assert aligned(way, path)[1].tolist() == in_place_by_trying_all(way, path)


def test_a_long_walk_is_aligned_too():
    cost, own = aligned(LOAN, ["search", *["hold"] * 20_000, "collect"])
    assert cost.tolist() == [19_999] and own.sum() == 3


# --- what counts as an errand ---

def test_what_staff_and_systems_do_is_no_step():
    events = walked("search > hold > collect", service="loan")
    notice = events.iloc[[1]].assign(touchpoint="recall notice", initiated_by="system", event_id="n")
    assert conformance(pd.concat([events, notice]), {"loan": LOAN}, edge_days=0).journeys["cost"].tolist() == [0]


def test_errands_of_no_service_or_without_a_declared_way_are_counted():
    events = pd.concat([walked(*["search"] * 3, service="loan"),
                        walked(*["chat"] * 2, service="advice", person=["q1", "q2"]),
                        walked("gate", service=None, person=["r1"])])
    found = conformance(events, {"loan": LOAN}, edge_days=0)
    assert found.left_out.tolist() == [1, 2, 0] and len(found.journeys) == 3
    assert "fewer than 10 of no service" in found.summary
    with pytest.raises(ValueError, match=r"declared way \(scan\): name the service"):
        conformance(events, {"scan": SCAN})


def test_errands_begun_near_an_end_of_the_log_are_left_out_and_counted():
    days = ["2025-01-01", "2025-03-01", "2025-03-02", "2025-10-31", "2025-11-01", "2025-12-31"]
    events = pd.concat([walked("search > hold", service="loan", begin=day, person=[day]) for day in days])
    found = conformance(events, {"loan": LOAN}, edge_days=60)
    assert found.journeys["person_key"].tolist() == days[2:5] and found.left_out.iloc[2] == 3
    earlier = conformance(events, {"loan": LOAN}, edge_days=60, as_of="2026-01-10")
    assert earlier.journeys["person_key"].tolist() == days[2:5]
    assert conformance(events, {"loan": LOAN}, edge_days=60, as_of="2026-03-31").journeys["person_key"].tolist() == days[2:]
    with pytest.raises(ValueError, match="1 of 6 errands begin after 2025-12-30"):
        conformance(events, {"loan": LOAN}, as_of="2025-12-30")
    with pytest.raises(ValueError, match="All errands began within 400 days"):
        conformance(events, {"loan": LOAN}, edge_days=400)
    with pytest.raises(ValueError, match="0 or more; it is -1"):
        conformance(events, {"loan": LOAN}, edge_days=-1)


def test_a_journey_number_that_two_people_share_is_two_errands():
    events = walked("search", "hold > collect", service="loan").assign(journey_id="j")
    assert conformance(events, {"loan": LOAN}, edge_days=0).journeys["cost"].tolist() == [2, 1]


def test_the_order_of_rows_and_the_kind_of_frame_never_matter():
    rng = np.random.default_rng(1)
    events = many(300, rng)
    told = [conformance(frame, {"loan": LOAN}, edge_days=0) for frame in (
        events, events.sample(frac=1, random_state=2), pl.from_pandas(events), duckdb.from_df(events))]
    for other in told[1:]:
        pd.testing.assert_frame_equal(told[0].services, other.services)
        pd.testing.assert_frame_equal(told[0].deviations, other.deviations)
        pd.testing.assert_frame_equal(told[0].journeys, other.journeys)
        assert told[0].summary == other.summary


# --- shares and their intervals ---

def many(errands, rng, people=None, off=0.6, service="loan"):
    """Errands of people, a share of them without the hold."""
    paths = np.where(rng.random(errands) < off, "search > collect", "search > hold > collect")
    person = [f"p{n:05d}" for n in (range(errands) if people is None else rng.integers(0, people, errands))]
    return walked(*paths, person=person, service=service)


def test_with_one_errand_a_person_the_interval_is_wilsons():
    found = conformance(many(400, np.random.default_rng(3)), {"loan": LOAN}, edge_days=0)
    low, high = proportion_confint(found.journeys["off"].sum(), 400, method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)


def test_the_same_errand_twice_makes_nothing_surer():
    events = many(200, np.random.default_rng(4))
    twice = pd.concat([events, events.assign(journey_id=events["journey_id"] + "b", event_id=events["event_id"] + "b")])
    one, two = (conformance(frame, {"loan": LOAN}, edge_days=0) for frame in (events, twice))
    assert (one.low, one.high) == pytest.approx((two.low, two.high)) and len(two.journeys) == 400
    for table in ("services", "deviations"):
        columns = ["people", "estimate", "low", "high"]
        pd.testing.assert_frame_equal(getattr(one, table)[columns], getattr(two, table)[columns])


def test_mean_fitness_has_the_interval_that_other_means_of_journeys_have():
    found = conformance(many(60, np.random.default_rng(14), people=25), {"loan": LOAN}, edge_days=0)
    arc = emotional_arc(found.journeys.assign(touchpoint="all", step=1, valence=found.journeys["fitness"]))
    assert found.services.loc[0, ["fitness", "fitness_low", "fitness_high"]].tolist() == pytest.approx(
        [arc.mean, arc.low, min(arc.high, 1)])


def test_the_interval_holds_the_truth_although_people_have_habits():
    rng, held = np.random.default_rng(5), []
    for _ in range(300):
        size, chance = rng.geometric(0.4, 60), rng.beta(1.2, 0.8, 60)
        person = np.repeat(np.arange(60), size)
        rows = pd.DataFrame({"person_key": person, "journey_id": np.arange(len(person)), "clear_days": 99, "finished": True,
                             "skipped": rng.random(len(person)) < chance[person]})
        share = share_off(rows, kinds=["skipped"])
        held.append(share.low <= 0.6 <= share.high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_deviations_are_counted_by_service_step_and_kind():
    events = pd.concat([walked(*["search > collect"] * 20, *["search > gate > hold > hold > collect"] * 15,
                               *["search > hold > collect"] * 25, service="loan"),
                        walked(*["request > search > return"] * 12, *["search > request > return"] * 12,
                               person=[f"q{n}" for n in range(24)])])
    found = conformance(events, {"loan": LOAN, "scan": SCAN}, edge_days=0)
    assert found.deviations[["service", "step", "kind", "journeys", "people"]].values.tolist() == [
        ["loan", "hold", "skipped", 20, 20], ["loan", "gate", "added", 15, 15], ["loan", "hold", "repeated", 15, 15],
        ["scan", "request", "out of order", 12, 12]]
    assert found.deviations["estimate"].tolist() == [20 / 60, 15 / 60, 15 / 60, 12 / 24]
    assert found.services[["label", "journeys", "estimate"]].values.tolist() == [["loan", 60, 35 / 60], ["scan", 24, 0.5]]
    fitness = found.journeys.groupby("service")["fitness"].mean()
    assert found.services.set_index("label")["fitness"].to_dict() == pytest.approx(fitness.to_dict())


def test_no_deviation_at_all_is_no_error_and_nothing_is_shown():
    found = conformance(walked(*["search > hold > collect"] * 30, service="loan"), {"loan": LOAN}, edge_days=0)
    assert found.deviations.empty and np.isnan(found.estimate) and "Too few people leave" in found.headline
    assert found.services["estimate"].isna().all() and found.services["journeys"].tolist() == [30]


@pytest.mark.parametrize(("off", "on"), [(9, 60), (60, 9)])
def test_few_people_off_or_on_the_way_are_withheld(off, on):
    events = walked(*["search > collect"] * off, *["search > hold > collect"] * on, service="loan")
    found = conformance(events, {"loan": LOAN}, edge_days=0)
    assert np.isnan([found.estimate, found.low, found.high]).all()
    assert found.deviations.drop(columns=["service", "step", "kind"]).isna().all(axis=None)
    assert found.services.loc[0, "estimate":].isna().all()


def test_a_small_service_cannot_be_had_by_taking_the_others_from_the_whole():
    rng = np.random.default_rng(6)
    parts = {"loan": (300, "p"), "scan": (40, "q"), "visit": (6, "r")}
    events = pd.concat([many(n, rng, service=name).assign(person_key=lambda rows, key=key: key + rows["person_key"])
                        for name, (n, key) in parts.items()])
    ways = {name: Workflow(name, LOAN.steps, LOAN.required, LOAN.repeatable) for name in parts}
    table = conformance(events, ways, edge_days=0).services.set_index("label")
    assert table.loc["visit"].isna().all() and table.loc["scan"].isna().all() and table.loc["loan"].notna().all()


@pytest.mark.parametrize(("off", "words"), [(0.8, "Most errands leave the way"), (0.2, "Most errands keep to the way"),
                                            (0.5, "It cannot be told whether most")])
def test_no_more_is_said_than_the_interval_holds(off, words):
    found = conformance(many(300, np.random.default_rng(7), off=off), {"loan": LOAN}, edge_days=0)
    assert found.headline.startswith(words) and f"{found.estimate:.0%}" in found.headline
    assert f"hold left out on {found.estimate:.0%} of loan errands" in found.summary and "300 errands" in found.summary
    card = judge("C18", found.estimate, (found.low, found.high), answer=found.summary)
    assert card.verdict == {0.8: "supported here", 0.2: "not supported here", 0.5: "cannot tell"}[off]


def test_each_choice_of_errands_and_kinds_can_be_made_otherwise():
    paths = ["search > collect"] * 20 + ["search > gate > hold > collect"] * 20 + ["search > hold"] * 20 + [
        "search > hold > collect"] * 40
    found = conformance(walked(*paths, service="loan"), {"loan": LOAN}, edge_days=0)
    choices = {"kinds": {"all": KINDS, "skips": ["skipped"], "additions": ["added"]},
               "finished": {"all": False, "finished": True}, "first": {"all": False, "first": True}}
    table = specifications(share_off, choices, dict.fromkeys(choices, "all"), journeys=found.journeys)
    told = table.set_index(list(choices))["estimate"]
    assert told["all", "all", "all"] == found.estimate == 0.6 and told["skips", "all", "all"] == 0.4
    assert told["additions", "finished", "all"] == 0.25 and told["skips", "finished", "first"] == 0.25
    with pytest.raises(ValueError, match="lost: no kind of deviation"):
        share_off(found.journeys, kinds=["lost"])
    with pytest.raises(ValueError, match="No errand is left"):
        share_off(found.journeys, clear_days=1)


def test_the_first_errand_of_each_person_is_the_first_in_time():
    early, late = (walked(*[path] * 40, service="loan", begin=day) for path, day in
                   (("search > hold > collect", "2025-01-01"), ("search > collect", "2025-02-01")))
    off = [f"p{n:04d}" for n in range(15)]
    early.loc[early["person_key"].isin(off) & (early["touchpoint"] == "hold"), "touchpoint"] = "gate"
    journeys = conformance(pd.concat([late.assign(journey_id="a" + late["journey_id"]), early]), {"loan": LOAN},
                           edge_days=0).journeys
    assert share_off(journeys, first=True).estimate == 15 / 40
    assert share_off(journeys, clear_days=0).estimate == 55 / 80


def test_the_synthetic_library_leaves_its_ways_as_often_as_was_planted():
    rng, library = np.random.default_rng(8), read_library()
    for service, flow in library["workflows"].items():
        way = Workflow(service, *zip(*[(step, required, False) for step, _, required in flow["steps"]], strict=True))
        on, off = ([[step for step, _ in demo_walk(flow["steps"], library["detours"], leaves, rng)[0]]
                    for _ in range(400)] for leaves in (0, 1))
        assert not aligned(way, *on)[0].any()
        assert (aligned(way, *off)[0] > 0).mean() > 0.85


# --- moves ---

def test_moves_lead_from_each_step_of_the_way_to_the_next_walked():
    table = flows(walked(*["search > gate > request > renew > renew > return"] * 30, *["search > return > search"] * 20),
                  SCAN, edge_days=0)
    assert table.drop(columns=["estimate", "low", "high", "rests_on"]).values.tolist() == [
        ["begin", "search", "declared", 50, 50], ["search", "request", "declared", 30, 30],
        ["search", "return", "skip", 20, 20], ["search", "end", "skip", 20, 20], ["search", "gate", "added", 30, 30],
        ["request", "renew", "declared", 30, 30], ["renew", "renew", "declared", 30, 30],
        ["renew", "return", "declared", 30, 30], ["return", "search", "back", 20, 20], ["return", "end", "declared", 30, 30]]
    assert table["estimate"].tolist() == [n / 50 for n in table["journeys"]]


def test_an_errand_that_met_no_step_of_the_way_leaves_all_of_it_out():
    table = flows(walked(*["gate"] * 20), SCAN, edge_days=0)
    assert table[["before", "after", "kind"]].values.tolist() == [["begin", "end", "skip"], ["begin", "gate", "added"]]


def test_a_step_walked_again_leads_back_to_itself_and_is_counted_once_an_errand():
    table = flows(walked(*["search > search > search > hold > collect"] * 12, service="loan"), LOAN, edge_days=0)
    assert table.loc[1, ["before", "after", "kind", "journeys"]].tolist() == ["search", "search", "back", 12]


def test_rare_moves_are_withheld_and_do_not_follow_from_the_others():
    rng, library = np.random.default_rng(13), read_library()
    steps = library["workflows"]["room booking"]["steps"]
    way = Workflow("scan", *zip(*[(step, required, False) for step, _, required in steps], strict=True))
    table = flows(walked(*[" > ".join(step for step, _ in demo_walk(steps, library["detours"], 0.6, rng)[0])
                           for _ in range(1000)]), way, edge_days=0)
    on_the_way = table[table["kind"] != "added"]
    assert not (table["people"] < 10).any() and on_the_way["people"].notna().sum() > len(on_the_way) / 2
    for line in ("before", "after"):
        withheld = on_the_way["people"].isna().groupby(on_the_way[line]).sum()
        assert (withheld > 0).any() and not (withheld == 1).any()


def test_moves_of_a_service_without_errands_are_refused():
    with pytest.raises(ValueError, match="No errand is for the service scan"):
        flows(walked("search", service="loan"), SCAN)


# --- how varied paths are ---

def varied(path, person=None):
    """Variants of errands on paths that these numbers stand for."""
    return variants(walked(*[f"a{n}" for n in path], person=None if person is None else [f"p{n}" for n in person]),
                    edge_days=0).table.loc[0]


def test_one_path_for_all_has_no_entropy_and_two_alike_have_one_bit():
    assert varied([0] * 50)[["variants", "entropy", "estimate", "low", "high"]].tolist() == [1, 0, 1, 1, 1]
    assert varied([0, 1] * 200)["entropy"] == pytest.approx(1, abs=0.01)


def test_entropy_is_that_of_chao_wang_and_jost_jackknifed():
    rng = np.random.default_rng(9)
    path = rng.choice(60, 80, p=rng.dirichlet(np.full(60, 0.5)))

    def plain(path):
        times = np.unique(path, return_counts=True)[1]
        n, one, two = len(path), (times == 1).sum(), (times == 2).sum()
        rest = 2 * two / ((n - 1) * one + 2 * two)
        r = np.arange(n, 20_000)
        tail = np.exp((r - n + 1) * np.log1p(-rest)) / r      # (1 - A)^(1 - n) times the sum that the logarithm stands for
        return ((times / n * (digamma(n) - digamma(times))).sum() + one / n * tail.sum()) / np.log(2)

    without = np.mean([plain(np.delete(path, at)) for at in range(len(path))])
    assert varied(path)["entropy"] == pytest.approx(80 * plain(path) - 79 * without, rel=1e-9)


@pytest.mark.parametrize("chances", [np.ones(64), 0.6 ** np.arange(30), 1 / np.arange(1, 201) ** 1.5])
def test_known_entropies_are_found_where_the_plain_figure_is_too_low(chances):
    rng, chances = np.random.default_rng(10), chances / chances.sum()
    truth, found, plain = -(chances * np.log2(chances)).sum(), [], []
    for _ in range(40):
        path = rng.choice(len(chances), 300, p=chances)
        found.append(varied(path)[["entropy", "entropy_low", "entropy_high"]].astype(float))
        share = np.unique(path, return_counts=True)[1] / 300
        plain.append(-(share * np.log2(share)).sum())
    found = pd.DataFrame(found)
    assert abs(found["entropy"].mean() - truth) < min(0.06, abs(np.mean(plain) - truth))
    assert ((found["entropy_low"] <= truth) & (truth <= found["entropy_high"])).mean() >= 0.85


def test_habits_do_not_make_people_seem_less_varied_than_they_are():
    rng, found = np.random.default_rng(11), []
    for _ in range(30):
        person = np.repeat(np.arange(100), 4)
        found.append(varied(np.repeat(rng.integers(0, 64, 100), 4), person)["entropy"])
    assert np.mean(found) == pytest.approx(6, abs=0.15)


def test_paths_that_are_all_different_still_get_a_finite_figure():
    row = varied(range(100))
    assert row["variants"] == 100 and row["estimate"] > 100 and np.isfinite(row["high"])


def test_variants_of_few_people_are_withheld_and_no_path_is_told():
    few, others = walked(*["search"] * 9, service="scan"), many(60, np.random.default_rng(12))
    found = variants(pd.concat([few.assign(person_key="q" + few["person_key"]), others]), edge_days=0)
    table = found.table.set_index("label")
    assert table.loc["scan"].isna().all() and "withheld" in found.summary
    assert not any("search" in str(value) for value in [found.summary, *table.to_numpy().ravel()])


def test_errands_of_no_service_are_varied_too_and_those_at_the_edges_are_counted():
    events = pd.concat([walked(*["a > b"] * 20, service=None, begin=day, person=[f"{day}{n}" for n in range(20)])
                        for day in ("2025-01-01", "2025-06-01", "2025-12-31")])
    found = variants(events)
    assert found.table["label"].tolist() == ["no service named"] and found.left_out == 40
