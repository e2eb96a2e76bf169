"""Statements about coming back after an errand, and about failures that were put right."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight

from libengage_utils.charts.journeys import returned
from libengage_utils.effects import recovery, return_curves, return_model, returns_after, standardised_return

DAY = pd.Timedelta(days=1)


def log(*rows):
    """Acts of (person, day, journey, who acted) as events."""
    table = pd.DataFrame(rows, columns=["person_key", "occurred_at", "journey_id", "initiated_by"])
    return table.assign(occurred_at=pd.to_datetime(table["occurred_at"], format="mixed"),
                        event_id=[f"e{n:04d}" for n in range(len(table))])


def walked(events, outcome="ok", put_right=False, wait=np.nan, valence=np.nan, touchpoint="desk"):
    """The steps of the journeys among these events."""
    steps = events[events["journey_id"].notna() & (events["initiated_by"] == "person")].sort_values("occurred_at")
    steps = steps.assign(step=steps.groupby(["journey_id", "person_key"]).cumcount() + 1, service="loan")
    return steps.assign(outcome=outcome, put_right=put_right, minutes_waited=wait, valence=valence, touchpoint=touchpoint)


def told(*rows, as_of="2025-12-31", **steps):
    events = log(("zoe", "2024-01-01", None, "person"), *rows)
    return returns_after(walked(events, **steps), events, as_of=as_of)


# --- who came back ---

def test_a_return_is_an_act_on_a_later_day():
    row = told(("ann", "2025-01-01 09:00", "j", "person"), ("ann", "2025-01-03 09:00", "j", "person"),
               ("ann", "2025-01-03 09:30", None, "person"), ("ann", "2025-01-10 08:00", None, "person")).loc[0]
    assert (row.days_to_return, row.seen, row.watched, row.acts_after) == (7, True, 90, 1)


def test_what_staff_and_systems_do_and_what_others_do_is_no_return():
    row = told(("ann", "2025-01-01", "j", "person"), ("ann", "2025-01-05", "j", "staff"),
               ("ann", "2025-01-06", None, "system"), ("bob", "2025-01-07", None, "person")).loc[0]
    assert not row.seen and np.isnan(row.days_to_return) and row.acts_after == 0


def test_acts_of_the_same_journey_are_no_return_even_if_its_steps_are_not_all_told():
    events = log(("ann", "2025-01-01", "j", "person"), ("ann", "2025-01-09", "j", "person"),
                 ("ann", "2025-01-20", None, "person"))
    steps = walked(events)[:1]
    assert returns_after(steps, events, as_of="2025-12-31")["days_to_return"].item() == 11


def test_acts_of_another_journey_count_though_it_began_before():
    rows = told(("ann", "2025-01-01", "i", "person"), ("ann", "2025-01-02", "j", "person"),
                ("ann", "2025-01-04", "j", "person"), ("ann", "2025-01-06", "i", "person")).set_index("journey_id")
    assert rows.loc["j", "days_to_return"] == 2 and not rows.loc["i", "seen"]


def test_a_journey_is_watched_to_the_last_day_of_the_events_and_no_longer():
    row = told(("ann", "2025-12-01", "j", "person"), ("ann", "2025-12-31 23:00", None, "person"), as_of="2025-12-31").loc[0]
    assert (row.watched, row.seen, row.days_to_return) == (30, True, 30) and np.isnan(row.acts_after)
    late = told(("ann", "2025-12-01", "j", "person"), ("ann", "2025-12-31", None, "person"), as_of="2025-12-30").loc[0]
    assert (late.watched, late.seen) == (29, False)


def test_a_return_after_the_window_is_none():
    row = told(("ann", "2025-01-01", "j", "person"), ("ann", "2025-04-02", None, "person")).loc[0]
    assert not row.seen and row.watched == 90
    assert told(("ann", "2025-01-01", "j", "person"), ("ann", "2025-04-01", None, "person")).loc[0, "days_to_return"] == 90


def test_earlier_acts_are_those_of_the_days_before_where_the_events_reach_back_so_far():
    acts = [("ann", "2024-12-31", None, "person"), ("ann", "2024-10-03", None, "person"),
            ("ann", "2025-01-01", "j", "person")]
    assert told(*acts, ("ann", "2024-10-02", None, "person")).loc[0, "earlier"] == 2
    events = log(*acts[::2])
    assert np.isnan(returns_after(walked(events), events, as_of="2025-12-31").loc[0, "earlier"])


@pytest.mark.parametrize(("outcomes", "mended", "kind"), [
    (["ok", "waiting"], [False, False], "nothing failed"),
    (["ok", "failed"], [False, False], "failed, not put right"),
    (["failed", "ok"], [True, False], "failed, put right"),
    (["failed", "failed"], [True, False], "failed, not put right"),
    (["ok", "waiting"], [False, True], "nothing failed")])
def test_a_failure_is_put_right_if_every_one_was(outcomes, mended, kind):
    rows = ("ann", "2025-01-01", "j", "person"), ("ann", "2025-01-02", "j", "person")
    assert told(*rows, outcome=outcomes, put_right=mended).loc[0, "kind"] == kind


def test_waits_hand_offs_and_feelings_are_summed_up():
    rows = [("ann", f"2025-01-0{day}", "j", "person") for day in (1, 2, 3, 4)]
    row = told(*rows, wait=[5, 5, np.nan, 16], valence=[0.5, np.nan, np.nan, 0.7],
               touchpoint=["desk", "desk", "shelf", "desk"]).loc[0]
    assert (row.wait, row.hand_offs, row.long_wait, row.felt) == (26, 2, True, "high")
    silent = told(*rows).loc[0]
    assert np.isnan(silent.wait) and pd.isna(silent.felt) and not silent.long_wait
    assert told(*rows, valence=-0.5).loc[0, "felt"] == "low" and told(*rows, valence=0.1).loc[0, "felt"] == "between"


def test_order_and_kind_of_frame_never_matter():
    rng = np.random.default_rng(0)
    events = log(*[(f"p{rng.integers(20)}", pd.Timestamp("2025-01-01") + DAY * int(rng.integers(300)),
                    rng.choice([f"j{n}" for n in range(30)]) if rng.random() < 0.4 else None, "person") for _ in range(400)])
    steps = walked(events)
    result = returns_after(steps, events, as_of="2025-12-31")
    mixed = (frame.sample(frac=1, random_state=1) for frame in (steps, events))
    pd.testing.assert_frame_equal(returns_after(*mixed, as_of="2025-12-31"), result)
    pd.testing.assert_frame_equal(returns_after(steps, pl.from_pandas(events), as_of="2025-12-31"), result)


def test_journeys_that_cannot_be_followed_are_refused():
    events = log(("ann", "2025-01-01", "j", "person"), ("bob", "2025-02-01", "k", "person"))
    steps = walked(events)
    with pytest.raises(ValueError, match="1 of 2 journeys are not in the events, or end after 2025-01-15"):
        returns_after(steps, events, as_of="2025-01-15")
    with pytest.raises(ValueError, match="1 of 2 journeys are not in the events"):
        returns_after(steps, events[:1], as_of="2025-12-31")
    with pytest.raises(ValueError, match="no steps of journeys"):
        returns_after(steps[:0], events, as_of="2025-12-31")
    with pytest.raises(ValueError, match="1 or more; it is 0"):
        returns_after(steps, events, as_of="2025-12-31", days=0)


# --- curves ---

def simulated(n, seed=0, *, ratio=1.0, late=None, people=None, back=0.02, by_activity=0.0):
    """Journeys of people who come back at a daily rate, times `ratio` after friction (from day 20 times `late`)."""
    rng = np.random.default_rng(seed)
    person = np.arange(n) if people is None else rng.integers(0, people, n)
    earlier = np.round(rng.lognormal(1.5, 1, person.max() + 1))[person]
    friction = rng.random(n) < (0.2 + 0.5 * (earlier > 5) * (by_activity != 0))
    own = np.exp(by_activity * np.log1p(earlier) + (0 if people is None else 0.8 * rng.normal(size=people)[person]))
    rate = back * own * np.where(friction, ratio, 1)
    need = rng.exponential(1, n)
    day = np.ceil(need / rate)
    if late is not None:
        changed = (day > 20) & friction
        day = np.where(changed, np.ceil(20 + (need - 20 * rate) / (back * own * late)), day)
    watched = np.where(rng.random(n) < 0.15, rng.integers(1, 90, n), 90)
    seen = day <= watched
    return pd.DataFrame({"person_key": person, "friction": friction, "earlier": earlier, "watched": watched, "seen": seen,
                         "days_to_return": np.where(seen, day, np.nan), "service": rng.choice(["loan", "scan"], n),
                         "kind": np.where(friction, "failed, not put right", "nothing failed")})


def test_the_curve_is_that_of_kaplan_and_meier():
    returns = simulated(600)
    curve = return_curves(returns.assign(all="all"), "all")
    peer = SurvfuncRight(returns["days_to_return"].fillna(returns["watched"]), returns["seen"].astype(int))
    back = 1 - np.append(1, peer.surv_prob)[np.searchsorted(peer.surv_times, curve["day"], "right")]
    assert curve["estimate"].tolist() == pytest.approx(back.tolist())
    error = np.append(0, peer.surv_prob_se)[np.searchsorted(peer.surv_times, curve["day"], "right")]
    assert ((curve["high"] - curve["low"]) / 2)[3:].to_numpy() == pytest.approx(1.96 * error[3:], rel=0.15)


def test_every_step_rests_on_enough_people_and_the_curve_ends_where_few_are_left():
    returns = simulated(300, back=0.05)
    for group, curve in return_curves(returns, minimum_count=10).groupby("group"):
        time = returns["days_to_return"].fillna(returns["watched"])[returns["kind"] == group]
        came = returns["seen"][returns["kind"] == group]
        for before, day in zip(curve["day"], curve["day"][1:], strict=False):
            steps_up = (came & (time > before) & (time <= day)).sum()
            assert steps_up >= 10 or (day == 90 and steps_up == 0)
            assert ((time > day) | (~came & (time == day))).sum() >= 10


def test_a_curve_is_flat_and_ends_by_the_last_day_and_its_figure_is_drawn():
    curve = return_curves(simulated(3000, ratio=0.5))
    assert (curve.groupby("group")["estimate"].diff().dropna() >= 0).all()
    assert curve.groupby("group")["day"].max().tolist() == [90, 90]
    assert ((curve["low"] <= curve["estimate"]) & (curve["estimate"] <= curve["high"])).all()
    returned(curve, "A finding")


def test_the_same_people_again_make_a_curve_no_surer():
    once = simulated(300)
    width = [np.ptp(return_curves(some, draws=2000).iloc[-1][["low", "high"]].astype(float))
             for some in (once, pd.concat([once] * 3, ignore_index=True))]
    assert width[1] == pytest.approx(width[0], rel=0.1)


def test_small_groups_are_not_drawn():
    returns = simulated(200)
    returns.loc[:4, "kind"] = "rare"
    assert "rare" not in set(return_curves(returns)["group"])
    nothing = return_curves(returns[:5])
    assert nothing.empty and list(nothing) == ["group", "day", "estimate", "low", "high", "rests_on"]


# --- the model ---

def test_the_planted_ratio_is_found():
    result = return_model(simulated(6000, ratio=0.6, by_activity=0.3).eval("log_earlier = log(1 + earlier)"),
                          ["friction", "log_earlier", "service"])
    table = result.table.set_index("label")
    assert table.loc["friction", "low"] < 0.6 < table.loc["friction", "high"] and table["p"].min() > 0.01
    assert table.loc["log earlier", "estimate"] == pytest.approx(np.exp(0.3), rel=0.05)
    assert any(label.startswith("service: ") for label in table.index)
    assert result.journeys == 6000 and "friction 0." in result.summary


def test_it_is_the_regression_of_statsmodels_with_people_as_groups():
    returns = simulated(800, ratio=0.6, people=300)
    row = return_model(returns, ["friction"]).table.loc[0]
    fit = PHReg(returns["days_to_return"].fillna(returns["watched"]), returns[["friction"]].astype(float),
                status=returns["seen"].astype(int), ties="efron").fit(groups=returns["person_key"].to_numpy())
    assert np.log([row.estimate, row.low, row.high]) == pytest.approx([fit.params[0], *fit.conf_int()[0]], abs=1e-3)


def test_its_intervals_hold_the_truth_though_people_repeat():
    held = []
    for seed in range(40):
        row = return_model(simulated(400, seed, people=130), ["friction"]).table.loc[0]
        held.append(row.low <= 1 <= row.high)
    assert np.mean(held) >= 0.88


def test_a_ratio_that_fades_is_said_to():
    fades, steady = (return_model(simulated(5000, ratio=0.3, late=late), ["friction"]).table.loc[0] for late in (1.2, 0.3))
    assert fades.drift > 0.1 and fades.p < 0.001 and steady.p > 0.01
    assert "not constant" in return_model(simulated(5000, ratio=0.3, late=1.2), ["friction"]).summary


@pytest.mark.parametrize(("change", "terms", "words"), [
    ({}, ["mood"], "no column mood"), ({"friction": False}, ["friction"], "fewer than 10 people have it, or lack it"),
    ({"mode": ["rare"] * 4 + ["day"] * 196}, ["mode"], "mode: rare, against day: fewer than 10"),
    ({"days_to_return": np.nan}, ["friction"], "0 returns are too few")])
def test_a_model_that_cannot_be_fitted_is_refused(change, terms, words):
    with pytest.raises(ValueError, match=words):
        return_model(simulated(200).assign(**change), terms)


# --- circumstances alike ---

def test_what_busy_people_do_anyway_is_taken_out():
    returns = simulated(8000, ratio=1.0, by_activity=0.8, back=0.005)
    result = standardised_return(returns, "friction", draws=400)
    assert result.crude > 10 and result.low < 2 and abs(result.difference) < 4
    assert result.difference == pytest.approx(result.exposed - result.others)


def test_the_planted_difference_is_found_in_a_sentence():
    returns = simulated(8000, ratio=0.5)
    result = standardised_return(returns, "friction", ["service"], draws=400)
    truth = 100 * (np.exp(-0.02 * 90) - np.exp(-0.01 * 90))
    assert result.low < truth < result.high and "Circumstances being alike" in result.summary
    assert result.dropped == (returns["watched"] < 90).sum() and result.journeys + result.dropped == 8000


def test_its_interval_holds_nought_as_often_as_it_says_if_there_is_no_difference():
    held = [(r.low <= 0 <= r.high) for r in (
        standardised_return(simulated(500, seed, people=170), "friction", ["service"], draws=300, minimum_count=5)
        for seed in range(120))]
    assert np.mean(held) >= 0.9


def test_with_no_circumstances_the_difference_is_the_plain_one():
    result = standardised_return(simulated(3000, ratio=0.5), "friction", ())
    assert result.difference == pytest.approx(result.crude, abs=0.5)


def test_few_people_or_an_exposure_that_is_none_are_refused():
    returns = simulated(200)
    with pytest.raises(ValueError, match="people with journeys with friction, or without, came back, or did not"):
        standardised_return(returns.assign(friction=True), "friction")
    nearly_all = returns.assign(seen=np.arange(len(returns)) >= 9)
    with pytest.raises(ValueError, match="too few to be compared"):
        standardised_return(nearly_all, "friction")
    with pytest.raises(ValueError, match="more than true and false"):
        standardised_return(returns, "earlier", ["service"])
    with pytest.raises(ValueError, match="no column mood"):
        standardised_return(returns, "mood")


# --- recovery ---

def recovered(n, seed=0, *, pleased=0.3, more=0.0):
    """Busy people have more failures, and rate and use more: put right or not makes `pleased` and `more` of difference."""
    rng = np.random.default_rng(seed)
    busy, person = rng.random(n) < 0.3, rng.integers(0, n // 2, n)
    mended = rng.random(n) < np.where(busy, 0.5, 0.1)
    earlier = rng.poisson(np.where(busy, 30, 3))
    return pd.DataFrame({
        "person_key": person, "kind": np.where(mended, "failed, put right", "nothing failed"), "earlier": earlier,
        "service": rng.choice(["loan", "scan"], n), "watched": 90, "seen": rng.random(n) < np.where(busy, 0.95, 0.7),
        "acts_after": rng.poisson(np.where(busy, 30, 3) + more * mended),
        "overall": np.where(rng.random(n) < 0.4, 0.2 * busy + pleased * mended + rng.normal(0, 0.3, n), np.nan)})


def test_satisfaction_and_use_are_told_apart():
    returns = recovered(6000)
    table = recovery(returns)
    assert 0.2 < table.loc["satisfaction", "low"] < 0.3 < table.loc["satisfaction", "high"]
    assert table.loc["acts", "low"] < 0 < table.loc["acts", "high"]
    assert table.loc["return", "low"] < 0 < table.loc["return", "high"]
    means = returns.groupby("kind")["acts_after"].mean()
    assert means["failed, put right"] - means["nothing failed"] > 5
    assert table.loc["satisfaction", "n"] == (returns["overall"].notna() & (returns["kind"] == "failed, put right")).sum()


def test_a_gain_in_use_is_found_where_there_is_one():
    assert recovery(recovered(6000, more=2)).loc["acts", ["low", "high"]].between(1, 3).all()


def test_failures_without_a_match_are_left_out_and_their_share_is_told():
    returns = recovered(2000)
    alone = returns.index[returns["kind"] == "failed, put right"][:100]
    returns.loc[alone, ["service", "acts_after"]] = ["visit", 1000]
    table = recovery(returns)
    failures = (returns["kind"] == "failed, put right").sum()
    assert table.loc["acts", "matched"] == pytest.approx(1 - 100 / failures) and table.loc["acts", "n"] == failures - 100
    assert table.loc["acts", "high"] < 5


def test_failures_left_as_they_were_play_no_part():
    returns = recovered(1000)
    others = returns.assign(kind="failed, not put right", acts_after=500, overall=-1)
    pd.testing.assert_frame_equal(recovery(pd.concat([returns, others])), recovery(returns))


def test_too_few_people_are_withheld_and_no_recovery_is_refused():
    returns = recovered(1000)
    few = returns.assign(overall=returns["overall"].where(returns.index < 20))
    assert recovery(few).loc["satisfaction", ["estimate", "low", "n"]].isna().all()
    assert recovery(few).loc["acts", "estimate"] == recovery(returns).loc["acts", "estimate"]
    all_back = recovery(returns.assign(seen=True))
    assert np.isnan(all_back.loc["return", "estimate"]) and all_back.loc["acts", "rests_on"] >= 10
    with pytest.raises(ValueError, match="no recovery to look at"):
        recovery(returns.assign(kind="nothing failed"))
    with pytest.raises(ValueError, match="no column whole"):
        recovery(returns, "whole")
