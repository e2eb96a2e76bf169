"""Statements about amounts over people ranked by something else, against published and exact values."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.attention import allocate, concentration, concentration_index, staff_concentration
from libengage_utils.attention.ranked import ConcentrationIndex
from libengage_utils.engagement import engagement_features
from libengage_utils.privacy import about
from libengage_utils.study import open_study


def quick(amount, rank_by, **options):
    return concentration_index(amount, rank_by, **{"draws": 20, "minimum_count": 1, **options})


# --- the index ---

@pytest.mark.parametrize("people", [2, 7, 50])
def test_all_to_the_most_engaged_of_n_gives_one_less_an_nth_and_to_the_least_the_same_below_nought(people):
    amount = np.zeros(people)
    amount[-1] = 5
    assert quick(amount, range(people)).estimate == pytest.approx((people - 1) / people)
    assert quick(amount, range(people, 0, -1)).estimate == pytest.approx((1 - people) / people)


def test_equal_amounts_lean_to_nobody():
    result = quick([0.1] * 60, range(60))
    assert result.estimate == result.low == result.high == 0 and "no leaning" in result.summary


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=20, max_size=60).filter(lambda some: len(set(some)) > 1 and any(some)))
def test_ranked_by_the_amount_itself_it_is_the_gini_index(values):
    gini = concentration(values, n_boot=50, minimum_count=1).gini.estimate
    assert quick(values, values).estimate == pytest.approx(gini)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), min_size=20, max_size=60)
       .filter(lambda some: any(a for a, _ in some) and len({r for _, r in some}) > 1), st.randoms())
def test_it_is_twice_the_covariance_with_the_middle_rank_and_order_unit_and_scale_of_rank_do_not_matter(people, random):
    amount, rank_by = np.array(people, dtype=float).T
    rank = (pd.Series(rank_by).rank() - 0.5) / len(rank_by)
    result = quick(amount, rank_by)
    assert result.estimate == pytest.approx(2 * np.cov(amount, rank, ddof=0)[0, 1] / amount.mean())
    order = random.sample(range(len(people)), len(people))
    other = quick(7 * amount[order], np.exp(rank_by[order]))
    assert [other.estimate, other.low, other.high] == pytest.approx([result.estimate, result.low, result.high])
    assert quick(amount, -rank_by).estimate == pytest.approx(-result.estimate)


def test_three_quarters_of_the_index_move_from_one_half_to_the_other():
    """A linear redistribution by rank (Koolman & van Doorslaer 2004): what moves is 75 C percent, and then C is 0."""
    rng = np.random.default_rng(0)
    rank = (np.arange(1000) + 0.5) / 1000
    amount = rng.exponential(size=1000) * (1 + rank)
    index = quick(amount, rank).estimate
    evened = amount * 1.0 + 6 * index * amount.mean() * (0.5 - rank)
    assert quick(evened + 10, rank).estimate == pytest.approx(0, abs=1e-5)
    upper = rank > 0.5
    moved = (amount - evened)[upper].sum() / amount.sum()
    assert moved == pytest.approx(0.75 * index)
    assert (f"To bring the index to 0 by a redistribution linear in rank, about {moved:.0%} of the time would have to move"
            in concentration_index(amount, rank).summary)


def test_what_makes_the_halves_equal_is_not_what_brings_the_index_to_nought():
    """All to one in four: half of it moved makes the halves equal, and 75 C percent more than that is told."""
    result = quick([0] * 30 + [1.0] * 10, range(40))
    assert result.lower_half[0] == 0 and result.estimate == pytest.approx(0.75)
    assert "about 56% of the time" in result.summary and "even" not in result.summary
    assert "to the half who had used the library more" in quick([1.0] * 10 + [0] * 30, range(40)).summary


@pytest.mark.parametrize(("of", "said"), [
    ("minutes", "Of the time traced to those ranked, the half who had used the library least got 40% (40% to 40%)"),
    ("acts", "Of the acts of those ranked, the half who had used the library least made 40% (40% to 40%)")])
def test_the_headline_is_about_those_ranked_and_a_leaning_is_said_only_where_there_is_one(of, said):
    curve = pd.DataFrame({"people": [0, 0.5, 1], "amount": [0, 0.4, 1], "low": [0, 0.4, 1], "high": [0, 0.4, 1]})
    leaning, none = (ConcentrationIndex(0.2, low, 0.3, 90, 0.1, curve, of=of) for low in (0.1, -0.1))
    assert leaning.headline == f"{said}." and none.headline == f"{said}; no leaning to either half can be told."
    assert f"the concentration index of {of} is 0.20" in leaning.summary
    assert ("would have to move" in leaning.summary) == (of == "minutes")


def served(people, rng, spread=1.3):
    """Minutes with many zeros and a heavy tail (Poisson-lognormal visits), and acts of an earlier year."""
    drive, came = rng.normal(0, spread, people), rng.random(people) < 0.8
    earlier = rng.poisson(3 * np.exp(drive)) * came
    return rng.poisson(0.5 * np.exp(drive)) * 20 * rng.lognormal(0, 0.7, people), earlier


def test_its_interval_holds_the_truth_nine_times_in_ten_on_heavy_tailed_minutes():
    rng = np.random.default_rng(1)
    truth = quick(*served(2_000_000, rng), draws=1).estimate
    held = [(r.low <= truth <= r.high) for r in (concentration_index(*served(300, rng), draws=300) for _ in range(200))]
    assert np.mean(held) >= 0.87


# --- what may be shown ---

def test_every_step_of_the_curve_rests_on_enough_people_and_nobody_rules_one():
    rng = np.random.default_rng(2)
    amount, earlier = served(700, rng)
    curve = concentration_index(amount, earlier, minimum_count=10).curve
    ends = (curve["people"] * 700).round().astype(int).tolist()
    ordered = amount[np.lexsort((amount, earlier))]
    assert len(ends) > 10 and ends[-1] == 700
    for begin, end in pairwise(ends):
        assert end - begin >= 10 and ordered[begin:end].max() <= ordered[begin:end].sum() / 2
    assert (curve["low"] <= curve["amount"] + 1e-9).all() and (curve["amount"] <= curve["high"] + 1e-9).all()


def test_a_step_in_which_few_got_anything_is_joined_with_the_next():
    few, many = [0] * 30 + [5, 5], [0] * 30 + [5] * 20
    found = concentration_index([*few, *many, *many], [0] * 32 + [1] * 50 + [2] * 50, draws=20)
    assert (132 * found.curve["people"]).round().tolist() == [0, 82, 132] and found.rests_on == 50


def test_the_curve_and_the_index_agree():
    rng = np.random.default_rng(3)
    rank = np.repeat(range(20), 50)
    result = concentration_index(rng.exponential(size=1000), rank)
    assert len(result.curve) == 21 and result.ties == 0.05
    assert 1 - 2 * np.trapezoid(result.curve["amount"], result.curve["people"]) == pytest.approx(result.estimate)


@pytest.mark.parametrize(("amount", "rank_by", "said"), [
    ([1.0] * 9, range(9), "rest on 10 or more"), ([1.0] * 9 + [0] * 30, range(39), "rest on 10 or more"),
    ([1.0, -1.0] * 10, range(20), "10 amounts are negative"), ([1.0, None] * 10, range(20), "10 of 20 people lack"),
    ([1.0] * 20, range(19), "20 amounts and 19 values"), ([1.0] * 20, [3] * 20, "ranked alike")])
def test_what_cannot_be_ranked_gets_a_sentence(amount, rank_by, said):
    with pytest.raises(ValueError, match=said):
        concentration_index(amount, list(rank_by))


@pytest.mark.parametrize("n_boot", [0, 1, 2])
def test_samples_in_which_nobody_has_anything_get_a_sentence(n_boot):
    with pytest.raises(ValueError, match=f"In none of {n_boot} samples"):
        for seed in range(5):
            concentration([0] * 999 + [1], n_boot=n_boot, minimum_count=1, random_state=seed)


# --- from tables ---

YEARS = pd.DataFrame({"period": ["first", "second"], "from": ["2024-01-01", "2025-01-01"],
                      "to": ["2024-12-31", "2025-12-31"]})


def library(earlier, later):
    """Tables in which each person acts so often in either year, each act on a day of its own and later ones at the desk."""
    keys = [f"p{n:03}" for n in range(len(earlier))]
    acts = [(key, pd.Timestamp(start) + pd.Timedelta(days=day), place)
            for start, counts, place in (("2024-01-01", earlier, "loan"), ("2025-01-01", later, "desk"))
            for key, count in zip(keys, counts, strict=True) for day in range(count)]
    events = pd.DataFrame(acts, columns=["person_key", "occurred_at", "touchpoint"])
    log = pd.DataFrame({"on": pd.date_range("2025-01-01", periods=12, freq="MS"), "service": "desk", "minutes": 60.0})
    people = pd.DataFrame({"person_key": keys, "eligible_from": pd.Timestamp("2023-01-01"), "eligible_to": pd.NaT})
    return people, events.assign(event_type="act", initiated_by="person"), log


def index(tables, *, years=YEARS, coverage=None, equal_parts="act", minutes=True, **options):
    people, events, log = tables
    features = engagement_features(people, events, periods=years, loan_days=28, coverage=coverage)
    first, last = years.loc[1, ["from", "to"]]
    given = allocate(log, events, first=first, last=last, equal_parts=equal_parts) if minutes else None
    return staff_concentration(features, given, years, **{"earlier": "first", "later": "second", "draws": 50, **options})


def test_minutes_of_the_later_year_are_ranked_by_acts_of_the_earlier():
    rng = np.random.default_rng(4)
    earlier, later = rng.poisson(3, 80), rng.poisson(2, 80)
    found = index(library(earlier, later), among="everybody")
    assert found.estimate == pytest.approx(quick(later.astype(float), earlier).estimate) and found.people == 80
    assert "of the staff time of second" in found.summary


def mixed():
    """Ten people seen years ago, ten never, twenty seen once and twenty twice in the earlier year, and twenty newcomers."""
    people, events, log = library([0] * 20 + [1] * 20 + [2] * 20 + [0] * 20, [2] * 10 + [0] * 10 + [1] * 40 + [3] * 20)
    long_ago = pd.DataFrame({"person_key": people["person_key"][:10], "occurred_at": pd.Timestamp("2023-05-01")})
    events = pd.concat([events, long_ago.assign(touchpoint="loan", event_type="act", initiated_by="person")])
    people["eligible_from"] = people["eligible_from"].where(people.index < 60, pd.Timestamp("2025-01-01"))
    return people, events, log


@pytest.mark.parametrize(("among", "amount", "rank_by"), [
    ("seen in it", [1] * 40, [1] * 20 + [2] * 20),
    ("seen before", [2] * 10 + [1] * 40, [0] * 10 + [1] * 20 + [2] * 20),
    ("everybody", [2] * 10 + [0] * 10 + [1] * 40, [0] * 20 + [1] * 20 + [2] * 20),
    ("newcomers too", [2] * 10 + [0] * 10 + [1] * 40 + [3] * 20, [0] * 20 + [1] * 20 + [2] * 20 + [0] * 20)])
def test_who_is_ranked_is_a_choice_and_newcomers_did_nothing_before_they_came(among, amount, rank_by):
    found = index(mixed(), among=among)
    assert found.people == len(amount) and found.estimate == pytest.approx(quick(np.array(amount, float), rank_by).estimate)
    served = 70 - sum(minutes > 0 for minutes in amount)        # of all who got any time
    assert f"{about(served)} people without a rank" in found.basis


def test_people_seen_before_are_ranked_unless_another_choice_is_made():
    assert index(mixed()).people == index(mixed(), among="seen before").people == 50


def test_an_act_between_two_periods_is_none_by_the_end_of_the_earlier():
    people, events, log = library([0] * 20 + [1] * 20 + [2] * 20, [1] * 60)
    between = events[events["person_key"] < "p020"].assign(occurred_at=pd.Timestamp("2024-12-01"))
    years = YEARS.assign(to=["2024-11-30", "2025-12-31"])
    assert index((people, pd.concat([events, between]), log), years=years).people == 40


def test_newcomers_have_to_be_there_for_all_of_the_later_period_only():
    people, events, log = mixed()
    halfway = people.assign(eligible_from=people["eligible_from"].where(people.index != 25, pd.Timestamp("2024-07-01")))
    late = people.assign(eligible_from=people["eligible_from"].where(people.index != 70, pd.Timestamp("2025-02-01")))
    assert index((halfway, events, log), among="newcomers too").people == 80
    assert index((halfway, events, log), among="everybody").people == 59
    assert index((late, events, log), among="newcomers too").people == 79
    assert index((late, events, log), among="newcomers too", throughout=False).people == 80


def test_a_newcomer_whom_no_source_can_see_is_not_ranked():
    people, events, log = mixed()
    spot = pd.DataFrame({"source": ["desk"], "from": ["2023-01-01"], "to": ["2026-12-31"], "identity": ["person"],
                         "blind_spots": ["home_site=Hill"]})
    sited = people.assign(home_site=["Main"] * 65 + ["Hill"] * 15)
    assert index((sited, events, log), among="newcomers too", coverage=spot).people == 65
    since = spot.assign(**{"from": "2025-01-01", "blind_spots": ""})  # what people there before did then is unknown
    with pytest.raises(ValueError, match="ranked alike"):
        index((people, events, log), among="newcomers too", coverage=since)


def test_acts_are_all_acts_of_the_later_year_over_the_same_people_and_ranks():
    people, events, log = library([1] * 30 + [2] * 30, [1] * 60)
    loans = events[(events["occurred_at"] == "2025-01-01") & (events["person_key"] >= "p030")].assign(touchpoint="loan")
    tables = people, pd.concat([events, loans, loans]), log
    minutes, acts = index(tables), index(tables, minutes=False)
    assert minutes.estimate == pytest.approx(0) and minutes.people == acts.people == 60 and minutes.ties == acts.ties
    assert acts.estimate == pytest.approx(quick([1.0] * 30 + [3.0] * 30, [1] * 30 + [2] * 30).estimate) and acts.of == "acts"
    assert acts.basis.startswith("This covers 100% of the acts in second") and "staff time of second" in minutes.basis


def test_people_who_joined_or_left_between_are_ranked_only_if_asked_for():
    people, events, log = library([1] * 20 + [2] * 40, [1] * 60)
    people["eligible_from"] = people["eligible_from"].where(people.index >= 5, pd.Timestamp("2024-07-01"))
    people["eligible_to"] = people["eligible_to"].where(people.index < 55, pd.Timestamp("2024-12-31"))
    assert index((people, events, log)).people == 50
    assert index((people, events, log), throughout=False).people == 55


def test_each_choice_changes_what_it_says():
    people, events, log = library([1] * 20 + [2] * 20, [1] * 40)
    again = events[(events["occurred_at"] == "2025-01-01") & (events["person_key"] < "p010")]
    more = pd.concat([events, again])
    assert index((people, more, log)).estimate < 0
    assert index((people, more, log), equal_parts="person-day").estimate == pytest.approx(0)
    with pytest.raises(ValueError, match="ranked alike"):
        index((people, events, log), rank_by="breadth")
    spot = pd.DataFrame({"source": ["desk"], "from": ["2023-01-01"], "to": ["2026-12-31"], "identity": ["person"],
                         "blind_spots": ["home_site=Hill"]})
    sited = people.assign(home_site=["Hill"] * 10 + ["Main"] * 30)
    assert index((sited, events, log), coverage=spot).people == 30


@pytest.mark.parametrize(("options", "said"), [
    ({"earlier": "second", "later": "first"}, "circular"), ({"earlier": "second"}, "circular"),
    ({"later": "third"}, "no period third"), ({"rank_by": "minutes"}, "one of active_days"),
    ({"among": "all"}, "`among` is one of seen in it"), ({"equal_parts": "visit"}, "one of act, person-day")])
def test_a_choice_that_is_none_gets_a_sentence(options, said):
    with pytest.raises(ValueError, match=said):
        index(library([1, 2] * 10, [1] * 20), **options)


def test_features_that_lack_a_column_get_a_sentence():
    people, events, _ = library([1, 2] * 10, [1] * 20)
    features = engagement_features(people, events, periods=YEARS, loan_days=28).drop(columns=["breadth", "covered"])
    with pytest.raises(ValueError, match="lack covered, breadth"):
        staff_concentration(features, None, YEARS, earlier="first", later="second", rank_by="breadth")


def test_minutes_of_another_time_get_a_sentence():
    people, events, log = library([1, 2] * 10, [1] * 20)
    features = engagement_features(people, events, periods=YEARS, loan_days=28)
    with pytest.raises(ValueError, match="not those of second"):
        staff_concentration(features, allocate(log, events, first="2025-01-01", last="2025-06-30"), YEARS, earlier="first",
                            later="second")


@pytest.mark.parametrize(("among", "planted"), [
    ("everybody", "concentration_index"), ("seen in it", "concentration_index_of_those_seen_earlier")])
def test_the_planted_concentration_of_the_demo_is_found(among, planted):
    study = open_study("data/demo")
    truth = yaml.safe_load(Path("data/demo/truth.yml").read_text())["claims"]["C03"]["realised"][planted]
    earlier, later = study.periods["period"].tolist()[-2:]
    features = engagement_features(study.people, study.events, periods=study.periods, loan_days=study.loan_days)
    first, last = study.periods.set_index("period").loc[later, ["from", "to"]]
    given = allocate(study.staff_time, study.events, first=first, last=last)
    found = staff_concentration(features, given, study.periods, earlier=earlier, later=later, among=among, rank_by="acts",
                                draws=500)
    assert found.estimate == pytest.approx(truth, abs=0.02) and found.low < truth < found.high
