"""Statements about what passes through emotion, how sure that is, and the rows a person and term it is told from."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from statsmodels.stats.mediation import Mediation as Peer

from libengage_utils.charts.journeys import paths_between, sensitivity
from libengage_utils.effects.mediation import mediation
from libengage_utils.effects.person_terms import person_terms


def people(n, seed=0, *, a=0.5, b=0.4, direct=0.2, rho=0.0, latent=False, by_covariate=0.4):
    """Experience, emotion and later use of people who differ in earlier use; errors that correlate by `rho`."""
    rng = np.random.default_rng(seed)
    earlier, experience = rng.normal(size=(2, n))
    experience = experience + 0.3 * earlier
    errors = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], n)
    emotion = a * experience + by_covariate * earlier + errors[:, 0]
    use = direct * experience + b * emotion - by_covariate * earlier + errors[:, 1]
    frame = pd.DataFrame({"experience": experience, "emotion": emotion, "use": use, "earlier": earlier})
    return frame.assign(use=(use > 0).astype(int)) if latent else frame


def told(frame, **options):
    return mediation(frame, "experience", "emotion", "use", **{"covariates": ["earlier"], "draws": 400, **options})


# --- the planted truth ---

def test_the_planted_parts_are_found_and_earlier_use_is_held_fixed():
    result = told(people(20_000))
    assert result.table["estimate"][["indirect", "direct", "total", "proportion"]].tolist() == pytest.approx(
        [0.2, 0.2, 0.4, 0.5], abs=0.025)
    naive = told(people(20_000), covariates=[])
    assert abs(naive.table.loc["indirect", "estimate"] - 0.2) > 0.03


def test_least_squares_by_hand_gives_the_same_estimates():
    frame = people(300)
    x = sm.add_constant(frame[["experience", "earlier"]])
    first = sm.OLS(frame["emotion"], x).fit().params["experience"]
    second = sm.OLS(frame["use"], x.assign(emotion=frame["emotion"])).fit().params
    result = told(frame).table["estimate"]
    assert result["indirect"] == pytest.approx(first * second["emotion"], rel=1e-6)
    assert result["direct"] == pytest.approx(second["experience"], rel=1e-6)
    assert result["total"] == pytest.approx(sm.OLS(frame["use"], x).fit().params["experience"], rel=1e-6)


def test_intervals_hold_the_truth_as_often_as_they_say():
    held = [low <= 0.2 <= high for low, high in (
        told(people(150, seed), draws=250).table.loc["indirect", ["low", "high"]] for seed in range(150))]
    assert 0.91 <= np.mean(held) <= 0.985


@pytest.mark.parametrize(("a", "b"), [(0.5, 0), (0, 0.4), (0, 0)])
def test_what_does_not_pass_through_emotion_is_seldom_found_to(a, b):
    limits = [told(people(150, seed, a=a, b=b), draws=250).table.loc["indirect", ["low", "high"]] for seed in range(150)]
    assert np.mean([low > 0 or high < 0 for low, high in limits]) <= 0.08


# --- the peer ---

@pytest.mark.parametrize("kind", ["linear", "probit"])
def test_statsmodels_finds_the_same(kind):
    frame = people(600, 3, latent=kind == "probit")
    x = sm.add_constant(frame[["experience", "earlier"]]).to_numpy()
    design = np.column_stack([x, frame["emotion"]])
    family = sm.families.Binomial(link=sm.families.links.Probit())
    y = frame["use"].to_numpy()
    outcome = sm.OLS(y, design) if kind == "linear" else sm.GLM(y, design, family)
    peer = Peer(outcome, sm.OLS(frame["emotion"].to_numpy(), x), (1, 1), 3).fit(n_rep=300, rng=np.random.default_rng(0))
    table, own = peer.summary(), told(frame, kind=kind).table
    for theirs, ours in {"ACME (average)": "indirect", "ADE (average)": "direct", "Total effect": "total"}.items():
        error = (table.loc[theirs, "Upper CI bound"] - table.loc[theirs, "Lower CI bound"]) / 4
        assert own.loc[ours, "estimate"] == pytest.approx(table.loc[theirs, "Estimate"], abs=0.35 * error)
        assert own.loc[ours, "high"] - own.loc[ours, "low"] == pytest.approx(4 * error, rel=0.3)


def test_a_probit_tells_the_difference_in_probability():
    frame = people(20_000, 1, latent=True)
    rng = np.random.default_rng(9)
    emotion = {x: 0.5 * x + 0.4 * frame["earlier"] + rng.normal(size=len(frame)) for x in (0, 1)}
    use = {(x, m): 0.2 * x + 0.4 * emotion[m] - 0.4 * frame["earlier"] + rng.normal(size=len(frame)) > 0
           for x in (0, 1) for m in (0, 1)}
    truth = np.mean([use[x, 1].mean() - use[x, 0].mean() for x in (0, 1)])
    result = told(frame, kind="probit", draws=100).table["estimate"]
    assert result["indirect"] == pytest.approx(truth, abs=0.012)
    assert result["indirect"] + result["direct"] == pytest.approx(result["total"])


# --- people who repeat ---

def test_the_same_people_again_are_no_further_evidence():
    once = people(200, 4).assign(who=range(200))
    thrice = pd.concat([once] * 3, ignore_index=True)
    width = {name: np.ptp(result.table.loc["indirect", ["low", "high"]].astype(float)) for name, result in {
        "once": told(once, draws=2000), "thrice": told(thrice, person="who", draws=2000),
        "as if others": told(thrice, draws=2000)}.items()}
    assert width["thrice"] == pytest.approx(width["once"], rel=0.08)
    assert width["as if others"] < 0.7 * width["once"]
    assert (told(thrice, person="who").n, told(thrice, person="who").people) == (600, 200)


# --- what was not measured ---

@pytest.mark.parametrize("kind", ["linear", "probit"])
def test_something_unmeasured_is_allowed_for_where_its_strength_is_known(kind):
    frame = people(20_000, 5, rho=0.3, latent=kind == "probit")
    result = told(frame, kind=kind, draws=100)
    truth = told(people(20_000, 6, latent=kind == "probit"), kind=kind, draws=100).table.loc["indirect", "estimate"]
    assert abs(result.table.loc["indirect", "estimate"] - truth) > 0.03
    assert result.sensitivity([0.3])["estimate"].item() == pytest.approx(truth, abs=0.015)


@pytest.mark.parametrize("kind", ["linear", "probit"])
def test_the_curve_starts_from_the_estimate_falls_and_vanishes_where_the_residuals_say(kind):
    result = told(people(2000, 7, latent=kind == "probit"), kind=kind, draws=100)
    curve = result.sensitivity([-0.8, 0, result.vanishes_at["estimate"], 0.8])
    assert curve["estimate"][1] == pytest.approx(result.table.loc["indirect", "estimate"])
    assert curve["estimate"][2] == pytest.approx(0, abs=1e-9)
    assert curve["estimate"].is_monotonic_decreasing
    assert result.vanishes_at["low"] < 0.4 / np.sqrt(1.16) < result.vanishes_at["high"]
    assert (curve["low"] <= curve["estimate"]).all() and (curve["estimate"] <= curve["high"]).all()


@pytest.mark.parametrize("rhos", [[1], [-1.2], [float("nan")]])
def test_a_correlation_that_is_none_is_refused(rhos):
    with pytest.raises(ValueError, match="between -1 and 1"):
        told(people(100)).sensitivity(rhos)


# --- emotion measured with error ---

@pytest.mark.parametrize("latent", [False, True])
def test_emotion_measured_with_a_reliability_of_six_tenths_hides_half_until_corrected(latent):
    rng = np.random.default_rng(80)
    frame = people(40_000, 8, direct=0.1, by_covariate=0, latent=latent)
    clean = told(frame, kind="probit" if latent else "linear", draws=50).table["estimate"]
    spread = frame["emotion"].var()
    noisy = frame.assign(emotion=frame["emotion"] + rng.normal(size=len(frame)) * np.sqrt(spread * 0.4 / 0.6))
    result = told(noisy, kind="probit" if latent else "linear", draws=50)
    assert result.table.loc["indirect", "estimate"] == pytest.approx(0.55 * clean["indirect"], rel=0.1)
    assert result.corrected(0.6)["estimate"].tolist() == pytest.approx(clean.tolist(), abs=0.07, rel=0.07)
    if not latent:
        assert result.table.loc["indirect", "estimate"] == pytest.approx(0.11, abs=0.01)


def test_a_perfect_measure_needs_no_correction_and_a_worse_one_widens_the_interval():
    result = told(people(500))
    pd.testing.assert_frame_equal(result.corrected(1), result.table)
    assert np.ptp(result.corrected(0.8).loc["indirect"]) > np.ptp(result.table.loc["indirect"])


def test_an_impossible_reliability_is_refused_with_the_least_possible_one():
    result = told(people(500))
    with pytest.raises(ValueError, match=r"cannot have a reliability of 0.3 here.*one above 0\.\d\d"):
        result.corrected(0.3)
    for nothing in (0, 1.1, -1):
        with pytest.raises(ValueError, match="share above 0 and up to 1"):
            result.corrected(nothing)


# --- invariants ---

@pytest.mark.parametrize("kind", ["linear", "probit"])
def test_the_order_of_rows_never_matters_nor_the_kind_of_frame(kind):
    frame = people(300, 2, latent=kind == "probit").assign(who=np.arange(300) // 2, mode=["day", "night", "day"] * 100)
    options = {"kind": kind, "covariates": ["earlier", "mode"], "draws": 50}
    for person in (None, "who"):
        result = told(frame, person=person, **options)
        for other in (frame.sample(frac=1, random_state=1), pl.from_pandas(frame)):
            pd.testing.assert_frame_equal(told(other, person=person, **options).table, result.table, check_exact=True)


@pytest.mark.parametrize("kind", ["linear", "probit"])
def test_units_never_matter(kind):
    frame = people(400, 2, latent=kind == "probit")
    scaled = frame.assign(experience=1000 * frame["experience"] + 5000, emotion=frame["emotion"] / 50 - 3,
                          earlier=1e-3 * frame["earlier"])
    result, other = told(frame, kind=kind), told(scaled, kind=kind, contrast=(5000, 6000))
    numbers = ["estimate", "low", "high"]
    np.testing.assert_allclose(other.paths[numbers], result.paths[numbers], rtol=1e-5)
    np.testing.assert_allclose(other.table, result.table, rtol=1e-5)
    np.testing.assert_allclose(other.sensitivity([-0.5, 0.5]), result.sensitivity([-0.5, 0.5]), rtol=1e-4)
    np.testing.assert_allclose(other.corrected(0.9), result.corrected(0.9), rtol=1e-5)


def test_rows_with_something_missing_are_left_out_and_counted():
    frame = people(200).assign(who=[f"p{n}" for n in range(200)])
    frame.loc[0, "emotion"], frame.loc[1, "use"], frame.loc[2, "who"], frame.loc[3, "earlier"] = None, np.inf, None, None
    result = told(frame, person="who")
    assert (result.n, result.people, result.dropped) == (196, 196, 4)
    pd.testing.assert_frame_equal(result.table, told(frame[4:], person="who").table)


def test_no_share_is_told_of_a_total_that_may_be_nothing():
    result = told(people(300, 1, a=0, b=0, direct=0))
    assert result.table.loc["proportion"].isna().all()
    assert "% of it" not in result.summary
    assert "% of it" in told(people(300)).summary and "association" in told(people(300)).summary


def test_a_rare_word_that_some_samples_lack_does_no_harm():
    frame = people(300).assign(mode=["rare"] + ["day"] * 299)
    result = told(frame, covariates=["earlier", "mode"])
    assert np.isfinite(result.table).all(axis=None)
    assert result.table.loc["indirect", "estimate"] == pytest.approx(told(frame[1:]).table.loc["indirect", "estimate"])


def test_the_figures_take_what_is_found():
    result = told(people(300))
    shown = " ".join(text.get_text() for text in paths_between(result.paths, "A finding").texts)
    assert f"{result.paths.loc['first', 'estimate']:+.2f}" in shown and "emotion" in shown
    sensitivity(result.sensitivity(), result.vanishes_at["estimate"], "A finding")
    assert list(result.paths.index) == ["first", "second", "direct"]


def test_standardised_paths_are_of_standard_deviations():
    frame = people(5000, direct=0, by_covariate=0)
    paths = told(frame, covariates=[], draws=50).paths["estimate"]
    assert paths["first"] == pytest.approx(frame["experience"].corr(frame["emotion"]))
    assert paths["second"] == pytest.approx(frame["emotion"].corr(frame["use"]), abs=0.03)


# --- what is refused ---

@pytest.mark.parametrize(("change", "options", "words"), [
    ({}, {"kind": "logit"}, '"linear" or "probit"'),
    ({}, {"covariates": ["later"]}, "no column later"),
    ({}, {"covariates": ["use"]}, "named twice"),
    ({"emotion": "sad"}, {}, "emotion holds no numbers"),
    ({"use": 1.0}, {}, "use is the same in every complete row"),
    ({"earlier": "x"}, {}, "earlier is the same"),
    ({"emotion": np.nan}, {}, "Fewer people have a complete row"),
    ({}, {"minimum_count": 1000}, "this model needs, 1000"),
    ({}, {"contrast": (1, 1)}, "two different values"),
    ({}, {"kind": "probit"}, "outcome of 0 and 1"),
    ({"emotion": np.nan, "earlier": "x"}, {}, "Fewer people have a complete row"),
    ({"who": "ann"}, {"person": "who"}, "Fewer people have a complete row")])
def test_what_cannot_be_told_is_refused_in_a_sentence(change, options, words):
    with pytest.raises(ValueError, match=words):
        told(people(100).assign(**change), **options)


def test_few_people_for_many_columns_are_refused():
    with pytest.raises(ValueError, match="Fewer people have a complete row than this model needs, 15"):
        told(people(12))


def test_copies_are_refused():
    frame = people(100)
    with pytest.raises(ValueError, match="not apart"):
        told(frame.assign(twice=2 * frame["experience"]), covariates=["twice"])
    with pytest.raises(ValueError, match="emotion follows wholly"):
        told(frame.assign(emotion=1 - frame["experience"]))


def test_a_probit_refuses_what_it_cannot_compare():
    frame = people(400, latent=True)
    with pytest.raises(ValueError, match="two values within"):
        told(frame, kind="probit", contrast=(0, 50))
    with pytest.raises(ValueError, match="Fewer than 10 people"):
        told(frame.assign(use=np.arange(400) < 5), kind="probit")
    with pytest.raises(ValueError, match=r"tell the two outcomes \(nearly\) apart"):
        told(frame.assign(use=(frame["emotion"] > 0).astype(int)), kind="probit")


# --- a row a person and term ---

TERMS = pd.DataFrame({"from": ["2025-01-01", "2025-05-01", "2025-09-01"], "to": ["2025-04-30", "2025-08-31", "2025-12-31"]})


def log(*rows):
    """Acts of (person, day, outcome, minutes waited, who acted)."""
    table = pd.DataFrame(rows, columns=["person_key", "occurred_at", "outcome", "minutes_waited", "initiated_by"])
    return table.assign(event_id=[f"e{n}" for n in range(len(table))], touchpoint="desk",
                        occurred_at=pd.to_datetime(table["occurred_at"], format="mixed"))


def said(*rows):
    table = pd.DataFrame(rows, columns=["person_key", "given_at", "valence"])
    return table.assign(given_at=pd.to_datetime(table["given_at"], format="mixed"), valence=table["valence"].astype(float))


def test_a_term_is_told_with_the_acts_before_and_after_it():
    events = log(("ann", "2025-01-01", "ok", 5, "person"), ("ann", "2025-04-30 23:59", "failed", 5, "person"),
                 ("ann", "2025-05-01", "waiting", 5, "person"), ("ann", "2025-06-01", "ok", 16, "person"),
                 ("ann", "2025-06-02", "ok", 15, "person"), ("ann", "2025-06-03", "ok", 5, "staff"),
                 ("bob", "2025-09-01", "ok", 5, "person"), ("bob", "2026-01-01", "ok", 5, "person"))
    words = said(("ann", "2025-05-03", -0.5), ("ann", "2025-08-31 22:00", 0.1), ("bob", "2025-01-03", 1))
    table = person_terms(events, words, TERMS).set_index(["person_key", "term"])
    assert table["acts"].to_dict() == {("ann", 0): 2, ("ann", 1): 3, ("bob", 2): 1}
    assert table["experience"].tolist() == pytest.approx([1 / 2, 1 / 3, 1])  # 16 minutes is over three times the median of 5
    assert table.loc[("ann", 1), ["emotion", "before", "after"]].tolist() == pytest.approx([-0.2, 2, 0])
    assert table["before"].isna().tolist() == [True, False, False] and table["after"].isna().tolist() == [False, False, True]
    assert table.loc[("bob", 2), "before"] == 0


def test_nobody_is_quiet_who_could_not_come():
    events = log(("ann", "2025-05-02", "ok", 5, "person"), ("bob", "2025-05-02", "ok", 5, "person"))
    roster = pd.DataFrame({"person_key": ["ann", "bob"], "eligible_from": pd.to_datetime(["2025-03-01", "2024-09-01"]),
                           "eligible_to": pd.to_datetime([None, "2025-09-30"])})
    table = person_terms(events, said(("ann", "2025-05-03", 1)), TERMS, people=roster).set_index("person_key")
    assert table["before"].isna().to_dict() == {"ann": True, "bob": False}
    assert table["after"].isna().to_dict() == {"ann": False, "bob": True}


def test_the_order_of_acts_and_words_never_matters():
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 365, 300), unit="D")
    events = log(*zip(rng.choice(["ann", "bob", "cy"], 300), days, rng.choice(["ok", "failed"], 300),
                      rng.integers(0, 40, 300), ["person"] * 300, strict=True))
    words = said(*zip(rng.choice(["ann", "bob"], 40), days[:40], rng.uniform(-1, 1, 40), strict=True))
    table = person_terms(events, words, TERMS)
    pd.testing.assert_frame_equal(person_terms(events.sample(frac=1), words.sample(frac=1), TERMS), table)
    pd.testing.assert_frame_equal(person_terms(pl.from_pandas(events), words, TERMS), table)


def test_terms_that_do_not_follow_each_other_or_hold_nothing_are_refused():
    events, words = log(("ann", "2025-05-02", "ok", 5, "person")), said(("ann", "2025-05-03", 1))
    for wrong in (TERMS[:1], TERMS[::2], TERMS[::-1]):
        with pytest.raises(ValueError, match="two terms or more in order"):
            person_terms(events, words, wrong)
    with pytest.raises(ValueError, match="No act lies in any of the terms"):
        person_terms(log(("ann", "2020-05-02", "ok", 5, "person")), words, TERMS)
    with pytest.raises(ValueError, match="no column valence"):
        person_terms(events, words.drop(columns="valence"), TERMS)
