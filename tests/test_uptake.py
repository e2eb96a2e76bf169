"""Statements about how new services were taken up, and about the forecasts they are held against."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.duration.survfunc import SurvfuncRight

from libengage_utils.study import open_study
from libengage_utils.uptake import COMPARED, uptake

LAUNCH = pd.Timestamp("2025-03-01")  # day 1
BEGIN = "2025-01-01"


def day(number):
    """The date of a day of the service."""
    return LAUNCH + pd.to_timedelta(np.asarray(number) - 1, unit="D")


def roster(n, until=None, since="2020-01-01"):
    """People eligible from `since` to the day of the service given (np.inf: without end)."""
    ends = pd.Series(np.broadcast_to(np.inf if until is None else until, n), dtype=float)
    return pd.DataFrame({"person_key": [f"p{i:05}" for i in range(n)], "eligible_from": pd.to_datetime(since),
                         "eligible_to": pd.Series(day(ends.replace(np.inf, 1))).where(np.isfinite(ends))})


def log(*uses):
    """Acts of (places on the roster, days of the service, touchpoint), and one at the loan desk that begins the log."""
    rows = [pd.DataFrame({"person_key": ["p00000"], "occurred_at": pd.Timestamp(BEGIN), "touchpoint": "loan"})]
    rows += [pd.DataFrame({"person_key": [f"p{i:05}" for i in who], "occurred_at": day(when), "touchpoint": where})
             for who, when, where in uses]
    events = pd.concat(rows, ignore_index=True)
    return events.assign(event_id=[f"e{n:06}" for n in range(len(events))], initiated_by="person")


def forecast(service="chat", expected=0.3, by=30, launched=LAUNCH, recorded="2025-02-01"):
    return pd.DataFrame({"service": [service], "launched_on": launched, "expected_share": expected, "by_day": by,
                         "recorded_on": recorded})


def told(people, events, forecasts=None, as_of="2025-06-30", **choices):
    result = uptake(people, events, forecast() if forecasts is None else forecasts, as_of=as_of, **choices)
    return result, result.table.loc[0]


SIXTY = log((range(60), 5, "chat"))


# --- who, and when ---

def test_uptake_is_the_share_of_eligible_people_by_the_forecast_s_day():
    result, row = told(roster(400), SIXTY)
    assert (row.people, row.day, row.status) == (400, 30, COMPARED)
    assert (row.uptake, row.ratio) == pytest.approx((0.15, 0.5)) and result.estimate == pytest.approx(0.5)
    reach = np.exp(norm.ppf(0.975) * np.sqrt(0.85 / (0.15 * 400)))   # of a plain share, on the log scale
    assert (result.low, result.high) == pytest.approx((0.5 / reach, 0.5 * reach))
    assert result.headline == "Fewer people took up the new services than was forecast: 50% of the forecast uptake."
    assert "by day 30, 15.0% of about 400 people had used it (11.9% to 18.9%), where 30% was forecast." in result.summary


def test_the_day_of_launch_is_the_first_and_the_day_of_the_forecast_the_last():
    events = log((range(20), 1, "chat"), (range(20, 50), 30, "chat"), (range(50, 90), 31, "chat"))
    assert told(roster(400), events)[1].uptake == pytest.approx(50 / 400)


def test_a_use_on_the_last_day_somebody_is_eligible_counts_and_one_after_it_does_not():
    for until, uptake_ in ((5, 0.15), (4, np.nan)):
        people = roster(400, until=[until] * 100 + [np.inf] * 300)
        assert told(people, SIXTY)[1].uptake == pytest.approx(uptake_, nan_ok=True)
    assert np.isnan(told(roster(400), SIXTY, forecast(by=3), as_of=day(4))[1].uptake)


def test_only_a_person_s_first_own_act_at_it_after_the_launch_counts():
    early, others = log((range(60), -20, "chat")), SIXTY.assign(initiated_by="staff")
    assert np.isnan(told(roster(400), early)[1].uptake)
    again = pd.concat([SIXTY, others.assign(person_key=[f"p{i:05}" for i in range(100, 161)]),
                       log((range(60), 9, "chat"), (range(200, 260), 9, "loan"))], ignore_index=True)
    assert told(roster(400), again)[1].uptake == pytest.approx(0.15)


def test_a_service_may_be_named_by_the_column_service():
    events = SIXTY.assign(service=SIXTY["touchpoint"].where(SIXTY["touchpoint"] == "chat"), touchpoint="desk")
    assert told(roster(400), events)[1].uptake == pytest.approx(0.15)


def test_who_is_not_eligible_at_the_launch_is_not_counted_unless_newcomers_are():
    people = pd.concat([roster(400), roster(500, since=day(11)).tail(100), roster(600, until=0).tail(100)])
    events = log((range(60), 5, "chat"), (range(400, 450), 35, "chat"))
    assert told(people, events)[1].uptake == pytest.approx(0.15)
    row = told(people, events, newcomers=True)[1]
    assert (row.people, row.uptake) == (500, pytest.approx(110 / 500))   # their day 25, and their own clock


def test_people_no_source_covers_are_left_out_where_coverage_is_given():
    people = roster(400).assign(home_site=["Main"] * 300 + ["Far"] * 100)
    coverage = pd.DataFrame({"source": ["desk", "beam"], "from": BEGIN, "to": "2025-12-31", "identity": ["person", "none"],
                             "blind_spots": ["home_site=Far", ""]})
    assert told(people, SIXTY, coverage=coverage)[1].uptake == pytest.approx(60 / 300)
    assert told(people, SIXTY)[1].uptake == pytest.approx(60 / 400)
    for other in (coverage.assign(to="2025-02-28"), coverage.assign(**{"from": "2025-07-01"})):
        assert told(people, SIXTY, coverage=other)[1].status == "nobody was eligible to use it"


def test_uptake_may_be_compared_at_the_end_of_the_data():
    events = log((range(60), 5, "chat"), (range(60, 120), 80, "chat"))
    assert told(roster(400), events)[1].uptake == pytest.approx(0.15)
    row = told(roster(400), events, to_the_end=True)[1]
    assert row.uptake == pytest.approx(0.3) and row.day > 80


# --- the estimate ---

def drawn(n, seed, *, drive=1.3, services=(("a", 0.24, 90, 0.0012), ("b", 0.2, 120, 0.0009), ("c", 0.18, 150, 0.0008))):
    """People who leave at random, and their uses of services all launched together: some use much of everything."""
    rng = np.random.default_rng(seed)
    ends = np.where(rng.random(n) < 0.4, rng.integers(20, 250, n), np.inf)
    own, uses, plans = rng.lognormal(0, drive, n), [], []
    for name, expected, by, rate in services:
        at = np.ceil(rng.exponential(1, n) / (rate * own))
        here = at <= np.minimum(ends, 300)
        uses.append((np.flatnonzero(here), at[here], name))
        plans.append(forecast(name, expected, by))
    return roster(n, ends), log(*uses), pd.concat(plans, ignore_index=True)


def test_curve_and_limits_are_those_of_kaplan_meier_and_greenwood_on_the_log_log_scale():
    people, events, plans = drawn(800, 0)
    curve = uptake(people, events, plans[:1], as_of=day(300)).curves
    first = (events[events["touchpoint"] == "a"].groupby("person_key")["occurred_at"].min() - LAUNCH).dt.days + 1
    end = ((people["eligible_to"] - LAUNCH).dt.days + 1).fillna(300)
    at = people["person_key"].map(first)
    peer = SurvfuncRight(at.fillna(end), at.notna().astype(int))
    place = np.searchsorted(peer.surv_times, curve["day"], "right") - 1
    left, error = peer.surv_prob[place[1:]], peer.surv_prob_se[place[1:]]
    reach = np.exp(norm.ppf(0.975) * error / (left * -np.log(left)))
    assert curve["estimate"][1:].tolist() == pytest.approx((1 - left).tolist())
    assert curve["low"][1:].tolist() == pytest.approx((1 - left ** (1 / reach)).tolist())
    assert curve["high"][1:].tolist() == pytest.approx((1 - left**reach).tolist())


def test_every_step_of_a_curve_rests_on_enough_first_uses_and_people():
    people, events, plans = drawn(600, 1)
    curve = uptake(people, events, plans[:1], as_of=day(300)).curves
    first = (events[events["touchpoint"] == "a"].groupby("person_key")["occurred_at"].min() - LAUNCH).dt.days + 1
    steps = np.histogram(first, np.append(curve["day"][:-1] + 0.5, curve["day"].iloc[-1] + 0.5))[0]
    assert len(steps) > 3 and steps.min() >= 10 and 90 in curve["day"].tolist()
    assert curve["estimate"].is_monotonic_increasing and curve["estimate"].iloc[0] == 0


def test_all_services_together_are_the_sum_of_uptakes_over_the_sum_of_forecasts():
    result = uptake(*drawn(1500, 2), as_of=day(300))
    assert result.services == 3
    assert result.estimate == pytest.approx(result.table["uptake"].sum() / result.table["expected_share"].sum())


def test_the_same_people_behind_two_services_make_the_whole_no_surer():
    who = range(60)
    events = log((who, 5, "chat"), (who, 6, "scan"))
    twice = pd.concat([forecast(), forecast("scan")])
    once, both = (uptake(roster(400), events, plans, as_of="2025-06-30") for plans in (forecast(), twice))
    assert (both.estimate, both.low, both.high) == pytest.approx((once.estimate, once.low, once.high))


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """The truth is what 2 million people would do by the forecasts' days: .8604 of what was forecast."""
    results = [uptake(*drawn(400, seed), as_of=day(300)) for seed in range(50)]
    held = [result.low <= 0.8604 <= result.high for result in results]
    assert np.mean(held) >= 0.89


# --- forecasts that are none, and services that cannot be followed ---

@pytest.mark.parametrize(("plan", "words"), [
    ({"expected": np.nan}, "no forecast was recorded"), ({"by": None}, "says no day"),
    ({"recorded": None}, "not known to have been recorded"), ({"recorded": LAUNCH}, "not known to have been recorded"),
    ({"expected": 0.0}, "no share to reach"), ({"by": 123}, "for day 123, which comes after the data end")])
def test_a_forecast_that_is_none_is_said_to_be_and_none_is_invented(plan, words):
    result, row = told(roster(400), SIXTY, forecast(**plan))
    assert words in row.status and words in result.summary and np.isnan(result.estimate) and np.isnan(row.ratio)
    assert row.uptake == pytest.approx(0.15) and result.services == 0
    assert result.headline == "No new service can be held against a forecast."
    assert told(roster(400), SIXTY, forecast(by=122))[1].status == COMPARED


@pytest.mark.parametrize(("plan", "words"), [
    ({"launched": "2025-07-01"}, "launched after the data end"),
    ({"launched": "2024-12-31", "recorded": "2024-11-01"}, "before the log begins"),
    ({"service": "chats"}, r"nothing in the log names it: .* \(nearest: chat\)"),
    ({"service": "chat", "launched": "2025-01-01", "recorded": "2024-12-01"}, "nobody was eligible")])
def test_a_service_that_cannot_be_followed_is_told_of_and_the_others_are_not_touched(plan, words):
    people = roster(400, since="2025-02-01")
    plans = pd.concat([forecast("loan", launched="2025-02-10", by=20, recorded="2025-02-01"), forecast(**plan)])
    events = pd.concat([SIXTY, log((range(100, 200), -10, "loan"))], ignore_index=True)
    result = uptake(people, events, plans, as_of="2025-06-30")
    other = result.table.set_index("service")
    assert other.drop("loan")["uptake"].isna().all() and other.drop("loan")["status"].str.contains(words).all()
    assert result.services == 1 and result.estimate == pytest.approx(100 / 400 / 0.3)


def test_a_service_few_used_counts_as_if_ten_had_and_is_not_left_out():
    plans = pd.concat([forecast(), forecast("scan", 0.2)])
    events = log((range(60), 5, "chat"), (range(100, 103), 5, "scan"))
    result = uptake(roster(400), events, plans, as_of="2025-06-30")
    scan = result.table.set_index("service").loc["scan"]
    assert np.isnan(scan.uptake) and "fewer than 10 people used it by day 30" in scan.status
    assert result.services == 2 and result.estimate == pytest.approx((0.15 + 10 / 390) / 0.5)
    assert result.low < 0.15 / 0.5 * 0.85 and "scan" not in set(result.curves["service"])


def test_how_few_used_a_service_makes_no_difference_to_what_is_shown():
    shown = []
    for few in (0, 4):
        events = log((range(60), 5, "chat"), (range(100, 100 + few), 5, "scan"))
        events.loc[len(events)] = ["p00399", day(5), "scan", "e9", "staff"]
        result = uptake(roster(400), events, pd.concat([forecast(), forecast("scan", 0.2)]), as_of="2025-06-30")
        shown.append((result.estimate, result.low, result.high, *result.table["status"]))
    assert shown[0] == shown[1]


def test_a_service_whose_acts_are_tied_to_nobody_is_not_called_unused():
    nameless = log((range(200), 5, "chat"))
    nameless.loc[nameless.index > 90, "person_key"] = None
    result, row = told(roster(400), nameless)
    assert "tied to nobody" in row.status and np.isnan(result.estimate)


def test_where_few_are_still_watched_the_figure_is_withheld():
    result, row = told(roster(400, until=[20] * 395 + [np.inf] * 5), SIXTY)
    assert "fewer than 10 people are still watched" in row.status and np.isnan(result.estimate)
    assert result.curves["day"].max() == 7


def test_fewer_than_ten_eligible_people_are_not_counted_out():
    row = told(roster(7), SIXTY)[1]
    assert row.status == "fewer than 10 people were eligible to use it" and np.isnan(row.people)


@pytest.mark.parametrize(("plans", "words"), [
    (forecast(expected=24), "1 expected shares are not between 0 and 1"), (forecast(expected=-0.1), "not between 0 and 1"),
    (pd.concat([forecast(), forecast(by=60)]), "1 services stand in the forecasts more than once"),
    (forecast()[:0], "There are no forecasts")])
def test_forecasts_that_contradict_themselves_are_refused(plans, words):
    with pytest.raises(ValueError, match=words):
        uptake(roster(400), SIXTY, plans, as_of="2025-06-30")


def test_a_roster_with_a_person_twice_and_a_log_without_acts_are_refused():
    with pytest.raises(ValueError, match="1 people stand on the roster more than once"):
        told(pd.concat([roster(400), roster(1)]), SIXTY)
    with pytest.raises(ValueError, match="There are no events"):
        told(roster(400), SIXTY[:0])


# --- words, frames, the demo ---

@pytest.mark.parametrize(("expected", "words"), [
    (0.3, "Fewer people took up"), (0.05, "More people took up"), (0.15, "as forecast is not known")])
def test_the_headline_follows_the_interval(expected, words):
    assert words in told(roster(400), SIXTY, forecast(expected=expected))[0].headline


@settings(max_examples=6, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([pd.DataFrame, pl.from_pandas]))
def test_order_and_kind_of_frame_never_matter(random, kind):
    tables = drawn(300, 3)
    rows = [list(range(len(table))) for table in tables]
    for some in rows:
        random.shuffle(some)
    mixed = [kind(table.iloc[some]) for table, some in zip(tables, rows, strict=True)]
    result, other = (uptake(*three, as_of=day(300)) for three in (tables, mixed))
    pd.testing.assert_frame_equal(result.table.drop(columns="launched_on"), other.table.drop(columns="launched_on"))
    pd.testing.assert_frame_equal(result.curves, other.curves)
    assert (result.estimate, result.low, result.high) == pytest.approx((other.estimate, other.low, other.high))


def test_the_uptake_planted_in_the_demo_is_found():
    study = open_study("data/demo")
    result = uptake(study.people, study.events, study.forecasts, as_of=study.as_of)
    assert result.low < 0.45 < result.high < 0.8 and result.services == 3
    podcast = result.table.set_index("service").loc["podcast studio"]
    assert podcast.status == "no forecast was recorded" and podcast.uptake == pytest.approx(0.06, abs=0.01)
