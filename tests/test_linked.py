"""What all the tables of a page tell together, against every population that agrees with them."""

import json
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.privacy import Count, PrivacyError, counts_shown, exposed, shares_shown, suppress_together

VALUES = {"faculty": ["arts", "law"], "level": ["first", "later"], "mode": ["campus", "both", "distance"]}
ATOMS = [dict(zip(VALUES, atom, strict=True)) for atom in product(*VALUES.values())]
PAIRS = list(combinations(VALUES, 2))
MINIMUM = 3  # small, so that every population can be tried


def everybody(people):
    """Every way of having so many people, one row each: where between people the atoms end."""
    atoms = len(ATOMS)
    cuts = np.array(list(combinations(range(people + atoms - 1), atoms - 1)))
    ends = np.hstack([np.full((len(cuts), 1), -1), cuts, np.full((len(cuts), 1), people + atoms - 1)])
    return np.diff(ends) - 1


def inside(group):
    return np.array([all(atom[name] == value for name, value in group.items()) for atom in ATOMS])


def agreeing(counts, populations):
    """The populations that agree with everything published."""
    for count in counts:
        if not count.withheld:
            number = populations[:, inside(count.where)].sum(axis=1)
            whole = 1 if count.share_of is None else populations[:, inside(count.share_of)].sum(axis=1)
            populations = populations[(number >= count.low * whole - 1e-9) & (number <= count.high * whole + 1e-9)]
    return populations


def named_together(counts):
    """Every group by attributes each two of which some statement names."""
    pairs = {frozenset(pair) for count in counts for pair in product(count.where, repeat=2)}
    for size in range(len(VALUES) + 1):
        for names in combinations(VALUES, size):
            if all(frozenset(pair) in pairs for pair in product(names, repeat=2)):
                yield from (dict(zip(names, cell, strict=True)) for cell in product(*(VALUES[name] for name in names)))


def told_in_truth(counts, populations):
    """What `exposed` has to find: sets of people with the interval that all agreeing populations span."""
    agree = agreeing(counts, populations)
    groups = list(named_together(counts))
    named = {tuple(inside(count.where)): count for count in sorted(counts, key=lambda count: count.withheld)}
    shown = [count.where for count in counts if not count.withheld]
    aims = [inside(group) for group in groups]
    aims += [inside(whole) & ~inside(part) for whole, part in product(groups, repeat=2) if whole.items() < part.items()
             and (not whole or len(part) == len(whole) + 1 or (whole in shown and part in shown))
             and (part not in shown or named[tuple(inside(part))].high != 0)]
    found = {}
    for aim in aims:
        low, high = agree[:, aim].sum(axis=1).min(), agree[:, aim].sum(axis=1).max()
        count = named.get(tuple(aim))
        hidden = high - low < MINIMUM if count and count.withheld else high < MINIMUM and (low > 0 or (count and high > 0))
        if hidden and not (low <= 1 and high >= MINIMUM - 1):
            found[tuple(aim)] = low, high
    return found


def told(found):
    """What was found, by sets of people, each found once."""
    def named(words):
        return inside(dict(pair.split(": ") for pair in words.split(", ") if words != "all"))

    sets = {}
    for row in found.itertuples():
        whole, without, part = row.where.partition(", without ")
        people = tuple(named(whole) & ~named(part) if without else named(whole))
        assert people not in sets
        sets[people] = row.low, row.high
    return sets


def crossed(atoms, names):
    table = pd.DataFrame(ATOMS).assign(people=atoms).groupby(list(names), sort=False)["people"].sum()
    return table.unstack(sort=False)[VALUES[names[1]]].loc[VALUES[names[0]]]


pages = st.tuples(
    st.lists(st.sampled_from([0, 0, 0, 1, 1, 2]), min_size=12, max_size=12).filter(lambda atoms: 4 <= sum(atoms) <= 6),
    st.lists(st.sampled_from(PAIRS), min_size=1, max_size=3, unique=True),
    st.lists(st.booleans(), min_size=16, max_size=16), st.sampled_from(["counts", "shares"]))


def published(atoms, pairs, marks, form):
    """A page: the total, and tables of two attributes with small cells and some others withheld."""
    said, marks = counts_shown(sum(atoms), "people"), iter(marks)
    for pair in pairs:
        table = crossed(atoms, pair)
        shown = table.where((table >= MINIMUM) & ~table.map(lambda _: next(marks)))
        if form == "counts":
            said += counts_shown(shown, "people") + counts_shown(table.sum(axis=1).rename_axis(pair[0]), "people")
        else:
            said += shares_shown(shown.div(table.sum(axis=1).replace(0, np.nan), axis=0), "people", by=[pair[0]])
    return [Count.from_dict(one) for one in said]


@settings(max_examples=25, deadline=None)
@given(pages)
def test_what_is_exposed_is_what_every_agreeing_population_tells(page):
    counts = published(*page)
    assert told(exposed(counts, MINIMUM)) == told_in_truth(counts, everybody(sum(page[0])))


@settings(max_examples=10, deadline=None)
@given(pages)
def test_neither_order_nor_json_changes_what_is_exposed(page):
    counts = published(*page)
    travelled = [Count.from_dict(json.loads(json.dumps(count.to_dict()))) for count in reversed(counts)]
    columns = ["where", "what", "low", "high"]
    one, other = (exposed(said, MINIMUM)[columns].sort_values(columns, ignore_index=True) for said in (counts, travelled))
    pd.testing.assert_frame_equal(one, other)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 14), min_size=12, max_size=12), st.lists(st.sampled_from(PAIRS), min_size=1, max_size=3,
                                                                        unique=True))
def test_nothing_is_exposed_after_the_remedy_and_nothing_small_is_shown(atoms, pairs):
    tables = [crossed(atoms, pair) for pair in pairs]
    tables += [table.sum(axis=1).rename_axis(table.index.name) for table in tables] + [sum(atoms)]
    safe = suppress_together(tables, 5)
    said = [Count.from_dict(one) for table in safe for one in counts_shown(table, "people")]
    assert exposed(said, 5).empty
    assert all(np.isnan(number) or number >= 5 for table in safe for number in np.ravel(table))


def test_tables_that_are_safe_alone_give_a_count_away_together():
    place = {"Table 1": pd.Series({"arts": 400, "law": np.nan, "medicine": np.nan}).rename_axis("faculty"),
             "Table 2": pd.Series({"arts": 400, "law": 25}).rename_axis("faculty"),
             "Table 3": pd.Series({"first": 200, "later": 228}).rename_axis("level"), "the text": 428}
    counts = [Count.from_dict({**said, "table": name})
              for name, table in place.items() for said in counts_shown(table, "people")]
    assert exposed([count for count in counts if count.table != "Table 2"]).empty
    found = exposed(counts).set_index("where").loc["faculty: medicine"]
    assert (found["low"], found["high"], found["what"]) == (3, 3, "withheld")
    assert "Table 2" in found["tables"] and "Table 3" not in found["tables"]


def test_two_totals_that_differ_by_three_people_give_the_three_away():
    counts = [Count("people eligible", {}, 2283, 2283, table="the text"),
              Count("people eligible", {"seen by a source": "yes"}, 2280, 2280, table="Figure 1")]
    (found,) = exposed(counts).itertuples()
    assert (found.what, found.low, found.high, found.tables) == ("difference", 3, 3, ("the text", "Figure 1"))
    assert found.where == "all, without seen by a source: yes"


def test_totals_rounded_to_ten_tell_no_difference():
    counts = [*counts_shown(2280, "people", rounded=10), *counts_shown(2280, "people", where={"seen": "yes"}, rounded=10)]
    assert exposed(map(Count.from_dict, counts)).empty


def test_a_part_declared_impossible_links_two_totals():
    nested = Count("people", {"seen": "yes", "covered": "no"}, 0, 0)
    either = [Count("people", {"seen": "yes"}, 500, 500), Count("people", {"seen": "no"}, 100, 100),
              Count("people", {"covered": "yes"}, 504, 504),
              Count("people", {"seen": "no", "covered": "yes"}, withheld=True)]
    assert exposed(either).empty
    assert exposed([*either, nested])[["low", "high"]].values.tolist() == [[4, 4]]


def test_a_withheld_share_is_given_away_by_the_other_shares_of_a_small_row_alone():
    row = pd.DataFrame([[0.60, 0.37, np.nan]], ["regular"], ["regular", "occasional", "quiet"])
    row = row.rename_axis("before").rename_axis("after", axis=1)
    told = shares_shown(row, "people", by=["before"])
    assert exposed(map(Count.from_dict, told)).empty                                      # of how many is not known
    small = exposed(map(Count.from_dict, [*told, *counts_shown(250, "people", where={"before": "regular"})]))
    assert small[["where", "low", "high"]].values.tolist() == [["after: quiet, before: regular", 6, 9]]
    assert exposed(map(Count.from_dict, [*told, *counts_shown(25000, "people", where={"before": "regular"})])).empty


def test_a_rounded_share_of_few_people_is_a_small_count():
    told = [*shares_shown(pd.Series({"arts": 0.01}).rename_axis("faculty"), "people"), *counts_shown(500, "people")]
    assert exposed(map(Count.from_dict, told))[["what", "low", "high"]].values.tolist() == [["shown", 3, 7]]


def test_that_a_group_is_fewer_than_the_minimum_may_be_known():
    told = [Count("people", {"faculty": "law"}, 1, 9),
            Count("people", {"faculty": "law", "mode": "distance"}, withheld=True)]
    assert exposed(told).empty


def counted(people, **tables):
    """A total, and tables of counts by the attributes that the name of each says."""
    said = counts_shown(people, "people")
    for names, table in tables.items():
        said += counts_shown(pd.Series(table).rename_axis(names.split("_by_")), "people")
    return said


SEEN_IN_LAW = shares_shown(pd.Series({"law": 0.925}).rename_axis("faculty"), "people", by=["faculty"],
                           having={"seen": "yes"}, digits=1)
MODES = {"campus": 250, "both": 230, "distance": 20}
SHOWN_IN_ARTS = {("arts", "campus"): 150, ("arts", "both"): 145}


def test_a_cell_that_nobody_named_is_given_away_by_the_rest_of_its_row():
    told = counted(500, faculty={"arts": 300, "law": 200}, mode=MODES, faculty_by_mode=SHOWN_IN_ARTS)
    (found,) = exposed(map(Count.from_dict, told)).itertuples()
    assert (found.where, found.what, found.low, found.high) == ("faculty: arts, mode: distance", "implied", 5, 5)


def test_the_remedy_withholds_for_a_cell_that_nobody_named():
    tables = [500, pd.Series({"arts": 300, "law": 200}).rename_axis("faculty"), pd.Series(MODES).rename_axis("mode"),
              pd.Series(SHOWN_IN_ARTS).rename_axis(["faculty", "mode"])]
    safe = suppress_together(tables)
    assert safe[3].isna().sum() == 1
    assert exposed(Count.from_dict(said) for table in safe for said in counts_shown(table, "people")).empty


def test_who_is_left_of_a_share_is_a_small_count_though_its_whole_is_only_implied():
    whole = counted(340, faculty={"arts": 300})
    assert exposed(map(Count.from_dict, [*SEEN_IN_LAW, *counts_shown(340, "people")])).empty
    found = exposed(map(Count.from_dict, [*SEEN_IN_LAW, *whole]))
    assert found[["where", "what", "low", "high"]].values.tolist() == [["faculty: law, seen: not yes", "implied", 3, 3]]


def test_who_is_left_of_a_total_is_a_small_count_though_neither_is_named():
    told = counted(540, faculty={"arts": 500}, mode={"campus": 437, "both": 60, "distance": 43},
                   faculty_by_mode={("arts", "campus"): 400, ("law", "both"): np.nan, ("law", "distance"): np.nan})
    found = exposed(map(Count.from_dict, told)).set_index("where")
    assert found.loc["faculty: law, without mode: campus", ["what", "low", "high"]].tolist() == ["implied", 3, 3]


def test_a_group_in_which_there_is_certainly_nobody_exposes_nobody():
    told = counted(500, faculty={"arts": 300, "law": 200}, mode={"campus": 250, "both": 250},
                   faculty_by_mode={("arts", "campus"): 250})
    assert exposed(map(Count.from_dict, told)).empty


def tables_of_many_traits(form):
    rng = np.random.default_rng(0)
    people = pd.DataFrame({f"trait {n}": rng.integers(0, 7, 20_000).astype(str) for n in range(22)})
    tables = [pd.crosstab(people["trait 0"], people[f"trait {n}"]) for n in range(1, 22)]
    told = counts_shown(tables[0].sum(axis=1), "people")
    for table in tables:
        told += counts_shown(table, "people") if form == "counts" else shares_shown(
            table.div(table.sum(axis=1), axis=0), "people", by=["trait 0"])
    return told


@pytest.mark.parametrize("told", [
    tables_of_many_traits("shares"), [Count("people", {f"trait {n}": "yes" for n in range(20)}, 40, 40).to_dict()]])
def test_what_is_too_much_to_be_audited_is_said_not_passed(told):
    (found,) = exposed(map(Count.from_dict, told)).itertuples()
    assert (found.of, found.where, found.what, np.isnan(found.low)) == ("people", "any group", "not audited", True)


def test_many_tables_of_counts_are_audited_where_people_come_out_whole_of_themselves():
    three = [*counts_shown(3, "people", where={"trait 0": "7"}), *tables_of_many_traits("counts")]
    assert exposed(map(Count.from_dict, three))["what"].tolist() == ["shown"]


def test_populations_are_audited_apart():
    told = [Count("people in 2024", {}, 500, 500), Count("people in 2025", {"seen": "yes"}, 497, 497)]
    assert exposed(told).empty


def test_numbers_that_contradict_each_other_are_named_as_such():
    with pytest.raises(PrivacyError, match="of people eligible contradict each other"):
        exposed([Count("people eligible", {}, 100, 100), Count("people eligible", {"seen": "yes"}, 200, 200)])


def test_a_table_whose_axis_has_no_name_is_refused():
    with pytest.raises(PrivacyError, match="rename_axis"):
        counts_shown(pd.Series({"arts": 400}), "people")


def test_nothing_published_exposes_nobody():
    assert exposed([]).empty


def test_a_page_of_many_cross_tables_is_audited_without_writing_out_every_cell():
    rng = np.random.default_rng(0)
    people = pd.DataFrame({f"trait {n}": rng.integers(0, 6, 3000).astype(str) for n in range(12)})   # 6 ** 12 cells
    tables = [pd.crosstab(people["trait 0"], people[f"trait {n}"]) for n in range(1, 12)]
    told = [said for table in tables for said in counts_shown(table.where(table >= 75), "people")]
    assert isinstance(exposed(map(Count.from_dict, told)), pd.DataFrame)


def test_tables_that_give_a_group_different_numbers_are_refused():
    table = pd.Series({"arts": 400, "law": 25}).rename_axis("faculty")
    with pytest.raises(PrivacyError, match="different numbers"):
        suppress_together([table, table + 1])


def test_a_total_of_few_people_is_withheld_and_nothing_remains_nothing():
    assert np.isnan(suppress_together([7])).all()
    assert suppress_together([]) == []


def test_an_impossible_group_is_shown_as_none():
    table = pd.DataFrame([[50, 0], [40, 60]], ["a", "b"], ["c", "d"]).rename_axis("before").rename_axis("after", axis=1)
    (shown,) = suppress_together([table], impossible=[{"before": "a", "after": "d"}])
    assert (shown == table).all(axis=None)
