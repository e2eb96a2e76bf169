"""Statements about comments coded by hand: the sample, the codes, their agreement, and a machine held against them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.__main__ import main
from libengage_utils.demo import write_demo
from libengage_utils.emotions.accuracy import accuracy
from libengage_utils.emotions.alpha import krippendorff_alpha
from libengage_utils.emotions.coding import read_codes, sample_to_code
from libengage_utils.emotions.pairing import GROUPS, paired
from libengage_utils.emotions.recalibration import EmotionRecalibration, recalibrate
from libengage_utils.emotions.reliability import attenuation, score_reliability
from libengage_utils.study import open_study


def comments(n=1000, seed=0, **columns):
    rng = np.random.default_rng(seed)
    made = {"feedback_id": [f"f{i}" for i in range(n)],
            "touchpoint": rng.choice(["loan", "desk", "chat"], n, p=[0.8, 0.17, 0.03]),
            "text": "The staff were kind.", "valence": rng.uniform(-1, 1, n), "confidence": rng.random(n)}
    return pd.DataFrame({**made, **columns})


# --- the sample ---

def test_a_coder_never_sees_the_machines_score():
    """Nor can it be guessed: from the order of the rows, from the weight, or from columns."""
    all_comments = comments()
    sheet = sample_to_code(all_comments, 300).sheet
    assert list(sheet) == ["feedback_id", "touchpoint", "text", "code", "weight"]
    assert (sheet["code"] == "").all() and (sheet.groupby("touchpoint")["weight"].nunique() == 1).all()
    scores = all_comments.set_index("feedback_id")["valence"][sheet["feedback_id"]].to_numpy()
    assert abs(np.corrcoef(scores, np.arange(300))[0, 1]) < 0.15


def test_every_touchpoint_and_every_fifth_of_the_scores_is_drawn():
    all_comments = comments()
    drawn = all_comments[all_comments["feedback_id"].isin(sample_to_code(all_comments).sheet["feedback_id"])]
    assert set(drawn["touchpoint"]) == {"loan", "desk", "chat"}
    loans = all_comments[all_comments["touchpoint"] == "loan"]
    fifth = pd.qcut(loans["valence"], 5, labels=False)[drawn.index.intersection(loans.index)].value_counts()
    assert len(fifth) == 5 and fifth.max() - fifth.min() <= 2


def test_weights_bring_a_sample_back_to_all_comments():
    all_comments = comments()
    estimates = []
    for seed in range(40):
        sheet = sample_to_code(all_comments, random_state=seed).sheet
        scores = all_comments.set_index("feedback_id")["valence"][sheet["feedback_id"]].to_numpy()
        estimates.append([np.average(scores, weights=sheet["weight"]), sheet["weight"].sum()])
        assert len(sheet) == 100 and not sheet["feedback_id"].duplicated().any()
    mean, total = np.mean(estimates, axis=0)
    assert mean == pytest.approx(all_comments["valence"].mean(), abs=0.02) and total == pytest.approx(1000, rel=0.01)


def test_comments_are_drawn_as_often_as_their_weight_says():
    all_comments = comments(60)
    times = pd.concat([sample_to_code(all_comments, 20, random_state=seed).sheet for seed in range(200)])
    by_row = times.groupby("feedback_id")["weight"].agg(["size", "first"])
    assert (by_row["size"] / 200).to_numpy() == pytest.approx((1 / by_row["first"]).to_numpy(), abs=0.13)


def test_the_same_seed_draws_the_same_sample_whatever_the_kind_of_frame():
    all_comments = comments(300)
    first, again = sample_to_code(all_comments, 50).sheet, sample_to_code(pl.from_pandas(all_comments), 50).sheet
    pd.testing.assert_frame_equal(first, again)
    assert set(sample_to_code(all_comments, 50, random_state=1).sheet["feedback_id"]) != set(first["feedback_id"])


def test_fewer_comments_than_asked_for_are_all_taken_and_that_is_said():
    sample = sample_to_code(comments(40, text=["fine"] * 38 + ["  ", None]))
    assert len(sample.sheet) == 38 and (sample.sheet["weight"] == 1).all()
    assert "all are to be coded" in sample.summary and "2 without text" in sample.summary


@pytest.mark.parametrize("start", list("=+-@\t\r\n"))
def test_no_text_is_a_formula_in_a_spreadsheet(start):
    sheet = sample_to_code(comments(20, text=f"{start}HYPERLINK(1)", touchpoint=f"{start}desk")).sheet
    assert sheet["text"].str.startswith("'").all() and sheet["touchpoint"].str.startswith("'").all()


def test_ids_come_back_from_the_sheet_as_they_went():
    sheet = sample_to_code(comments(10, feedback_id=[f"-{i}" for i in range(10)])).sheet
    assert sheet["feedback_id"].str.startswith("'-").all()
    read = read_codes(sheet.assign(coder="Ada", code="neutral"), comments(10, feedback_id=[f"-{i}" for i in range(10)]))
    assert len(read.codes) == 10 and read.aside.empty


def test_comments_without_a_score_or_a_touchpoint_are_drawn_too():
    all_comments = comments(200, touchpoint=["desk"] * 100 + [None] * 100, valence=[np.nan, 0.5] * 100)
    sheet = sample_to_code(all_comments, 40).sheet
    unscored = all_comments.set_index("feedback_id")["valence"][sheet["feedback_id"]].isna()
    assert (sheet["touchpoint"] == "not recorded").sum() == 20 and 18 <= unscored.sum() <= 22


@pytest.mark.parametrize(("wrong", "n", "words"), [
    (comments(5).drop(columns="text"), 3, "no column text"), (comments(5), 0, "1 or more"),
    (comments(5, feedback_id=["a", "b", "a", "c", "d"]), 3, "Row 3"), (comments(5, text=None), 3, "nothing to code")])
def test_what_cannot_be_sampled_is_refused_in_a_sentence(wrong, n, words):
    with pytest.raises(ValueError, match=words):
        sample_to_code(wrong, n)


# --- codes read back ---

def codes(*rows):
    return pd.DataFrame(rows, columns=["feedback_id", "coder", "code"])


SHEET = pd.DataFrame({"feedback_id": ["f1", "f2", "f3"], "weight": [1.0, 2.0, 4.0]})


def test_codes_are_read_whatever_their_case_and_spaces():
    read = read_codes(codes(("f1", "Ada", " Joy_and  RELIEF"), (" f2 ", "ada ", "disappointment & sadness"),
                            ("f3", "Ada", "")), SHEET)
    assert read.codes["code"].tolist() == ["joy and relief", "disappointment and sadness"]
    assert read.codes["weight"].tolist() == [1, 2] and read.codes["coder"].nunique() == 1 and read.uncoded == 1
    assert "1 rows are not coded yet" in read.summary


def test_what_cannot_be_used_is_kept_aside_with_its_reason():
    read = read_codes(codes(("f1", "Ada", "angry"), ("f9", "Ada", "neutral"), ("f1", None, "neutral"),
                            ("f2", "Ada", "neutral"), ("f2", "Ada", "Neutral"),
                            ("f3", "Bo", "neutral"), ("f3", "Bo", "surprise")), SHEET)
    assert read.aside["row"].tolist() == [1, 2, 3, 5, 6, 7] and read.codes["feedback_id"].tolist() == ["f2"]
    assert "1 with a code that is no group" in read.summary and "1 given twice by the same coder" in read.summary
    assert "2 of a comment that the same coder coded differently" in read.summary


def test_numbers_that_a_spreadsheet_made_of_ids_are_still_known():
    read = read_codes(codes((1.0, "Ada", "neutral"), (None, "Ada", "neutral")), pd.DataFrame({"feedback_id": ["1", "2"]}))
    assert read.codes["feedback_id"].tolist() == ["1"] and len(read.aside) == 1


CELL = st.one_of(st.none(), st.text(max_size=5), st.integers(), st.sampled_from(["f1", "neutral"]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(CELL, CELL, CELL)))
def test_reading_never_fails_and_loses_no_row(rows):
    read = read_codes(codes(*rows), SHEET)
    assert len(read.codes) + len(read.aside) + read.uncoded == len(rows)
    assert read.summary and len(read.agreed) <= len(read.codes)


def test_a_comment_has_the_code_of_more_than_half_of_its_coders():
    read = read_codes(codes(*[("f1", c, "neutral") for c in "abc"], ("f1", "d", "surprise"), ("f2", "a", "neutral"),
                            ("f2", "b", "surprise"), ("f3", "a", "anxiety")), SHEET)
    assert read.agreed["code"].to_dict() == {"f1": "neutral", "f3": "anxiety"}
    assert read.agreed["weight"].to_dict() == {"f1": 1, "f3": 4} and read.matrix.shape == (3, 4)


# --- agreement ---

def test_alpha_by_the_definition_from_all_pairs():
    rng = np.random.default_rng(3)
    units = np.where(rng.random((40, 3)) < 0.2, np.nan, rng.integers(1, 5, (40, 1)) + rng.integers(0, 2, (40, 3)))
    several = [row[~np.isnan(row)] for row in units if (~np.isnan(row)).sum() > 1]
    everything = np.concatenate(several)
    within = sum(((row[:, None] - row) ** 2).sum() / (len(row) - 1) for row in several) / len(everything)
    overall = ((everything[:, None] - everything) ** 2).sum() / (len(everything) * (len(everything) - 1))
    assert krippendorff_alpha(units, "interval", n_boot=2).estimate == pytest.approx(1 - within / overall)


def test_coders_who_use_one_code_only_agree_on_nothing_that_varies():
    result = krippendorff_alpha(np.full((30, 2), "neutral"))
    assert np.isnan([result.estimate, result.low, result.high]).all() and "not defined" in result.summary


def test_perfect_agreement_is_one_and_chance_is_nought():
    rng = np.random.default_rng(0)
    same = rng.integers(0, 4, 200)
    assert krippendorff_alpha(np.column_stack([same, same])).estimate == 1
    by_chance = krippendorff_alpha(rng.integers(0, 4, (200, 2)))
    assert by_chance.low < 0 < by_chance.high and "too unreliable" in by_chance.summary


def test_the_interval_of_alpha_covers_it():
    """Two coders who each keep the truth with chance r, and else guess, agree beyond chance with r squared."""
    rng, covered = np.random.default_rng(2), 0
    for seed in range(200):
        truth, guess = rng.integers(0, 3, (80, 1)), rng.integers(0, 3, (80, 2))
        result = krippendorff_alpha(np.where(rng.random((80, 2)) < 0.8, truth, guess), n_boot=300, random_state=seed)
        covered += result.low <= 0.64 <= result.high
    assert 0.91 <= covered / 200 <= 0.985


@pytest.mark.parametrize(("units", "level", "words"), [
    ([["a", None], [None, "b"]], "nominal", "two or more people"), ([["a", "b"]], "interval", "needs numbers"),
    ([[1, 2]], "ratio", "nominal, ordinal, interval")])
def test_agreement_that_cannot_be_computed_is_refused_in_a_sentence(units, level, words):
    with pytest.raises(ValueError, match=words):
        krippendorff_alpha(units, level)


# --- the machine held against the codes ---

def machine(n, seed=0, slope=1.0, shift=0.0, share=0.4):
    """Probabilities of a machine whose log odds are off by a slope and a shift, and the true groups."""
    rng = np.random.default_rng(seed)
    feels = rng.random(n) < share
    odds = np.log(share / (1 - share)) + 1.5 * rng.normal(1.5 * feels, 1) - 1.125
    says = 1 / (1 + np.exp(-(slope * odds + shift)))
    return pd.DataFrame({"frustration": says, "neutral": 1 - says}), np.where(feels, "frustration", "neutral")


@pytest.mark.parametrize("number", [1, 49])
def test_fewer_than_fifty_codes_are_refused(number):
    with pytest.raises(ValueError, match=f"code {50 - number} more"):
        recalibrate(*machine(number))


@pytest.mark.parametrize("coded", [None, [None] * 50])
def test_a_machine_held_against_nothing_is_said_to_be_not_checked(coded):
    scored, _ = machine(50)
    result = recalibrate(scored, coded)
    assert result.coded == 0 and "not checked on this library's comments" in result.summary
    pd.testing.assert_frame_equal(result.transform(scored), scored)


def test_recalibration_recovers_what_was_planted():
    fitted = EmotionRecalibration().fit(*machine(20_000, slope=2, shift=1))
    assert fitted.slope_["frustration"] == pytest.approx(0.5, abs=0.03)
    assert fitted.intercept_["frustration"] == pytest.approx(-0.5, abs=0.08)


def test_fifty_codes_make_a_machine_better_on_comments_it_has_not_seen():
    unseen, feels = machine(5000, seed=99, slope=1.7, shift=1)
    hits = (feels == "frustration")

    def off(scored):
        return ((scored["frustration"] - hits) ** 2).mean()

    after = [off(EmotionRecalibration().fit(*machine(50, seed, 1.7, 1)).transform(unseen)) for seed in range(20)]
    assert np.mean(after) < off(unseen) - 0.008 and np.sum(after < off(unseen)) >= 18


def test_fifty_codes_do_a_good_machine_little_harm():
    unseen, feels = machine(5000, seed=99)
    hits = (feels == "frustration")
    after = [((EmotionRecalibration().fit(*machine(50, seed)).transform(unseen)["frustration"] - hits) ** 2).mean()
             for seed in range(20)]
    assert np.mean(after) < ((unseen["frustration"] - hits) ** 2).mean() + 0.006


def test_a_group_coded_fewer_than_five_times_keeps_the_machines_slope():
    scored, feels = machine(60)
    scored = pd.DataFrame({**scored * 0.95, "anxiety": 0.05})
    feels[:3] = "anxiety"
    fitted = EmotionRecalibration().fit(scored, feels)
    assert fitted.slope_["anxiety"] == 1 and fitted.slope_["frustration"] != 1
    assert fitted.transform(scored).sum(axis=1).to_numpy() == pytest.approx(1)


def test_a_machine_that_has_it_upside_down_is_not_turned_round():
    scored, feels = machine(500)
    assert (EmotionRecalibration().fit(1 - scored, feels).slope_ == 0).all()


def test_weights_undo_an_oversampling():
    scored, feels = machine(20_000)
    many = (feels == "frustration") | (np.arange(20_000) % 4 == 0)
    weight = np.where(feels == "frustration", 1.0, 4.0)[many]
    plain = EmotionRecalibration().fit(scored[many].reset_index(drop=True), feels[many])
    weighted = EmotionRecalibration().fit(scored[many].reset_index(drop=True), feels[many], weight)
    assert plain.intercept_["frustration"] > 1 and abs(weighted.intercept_["frustration"]) < 0.15


def test_the_machines_error_is_measured_on_comments_left_out_of_the_fit():
    rng = np.random.default_rng(0)
    noise = rng.dirichlet(np.ones(9), 60)
    result = recalibrate(noise, rng.choice(GROUPS, 60), n_boot=50)
    row = result.table.loc[("all groups", "AUC")]
    assert row.before_low < 0.5 < row.before_high and row.after < 0.6


def test_the_summary_states_the_error_before_and_after():
    result = recalibrate(*machine(300, slope=2, shift=1))
    error = result.table.loc[("all groups", "calibration error")]
    assert error.before > error.after and error.before_low <= error.before <= error.before_high
    assert "300 of this library's comments" in result.summary and "lowers its Brier score" in result.summary
    assert (result.table["after_low"] <= result.table["after_high"]).all()


def test_a_number_of_few_coded_comments_is_withheld_and_cannot_be_worked_out():
    scored, feels = machine(300)
    scored = pd.DataFrame({**scored * 0.95, "anxiety": 0.05})
    feels[:7] = "anxiety"
    coded = recalibrate(scored, feels, n_boot=20).table.xs("Brier score", level="measure")["coded"]
    assert np.isnan(coded["anxiety"]) and coded.isna().sum() == 2 and coded["all groups"] == 300


def test_intervals_of_the_machines_error_cover_it():
    scored, feels = machine(40_000)
    hits = (feels[:, None] == np.array(["frustration", "neutral"])).astype(float)
    (_, brier, auc), *_ = accuracy(scored.to_numpy()[:8000], hits[:8000], np.ones(8000), n_boot=2)
    covered = np.zeros(2)
    for seed in range(200):
        rows = slice(100 * seed, 100 * seed + 100)
        _, low, high = accuracy(scored.to_numpy()[rows], hits[rows], np.ones(100), n_boot=300, random_state=seed)
        covered += [low[1, 0] <= brier[0] <= high[1, 0], low[2, 0] <= auc[0] <= high[2, 0]]
    assert (covered / 200 > 0.9).all()


def test_codes_are_matched_to_comments_by_their_id():
    scored, feels = machine(100)
    scored.index = [f"f{i}" for i in range(100)]
    shuffled = pd.Series(feels, scored.index).sample(frac=0.8, random_state=0)
    probabilities, matched, _ = paired(scored, shuffled)
    assert (shuffled[probabilities.index] == matched).all() and len(matched) == 80


@pytest.mark.parametrize(("scored", "given", "weights", "words"), [
    (machine(3)[0], ["neutral"] * 2, None, "2 codes for 3 comments"),
    (machine(3)[0], ["joy"] * 3, None, "'joy' is no group"),
    (machine(3)[0], ["neutral"] * 3, [1, 0, 1], "weight above 0"), (machine(3)[0] * 2 - 1, ["neutral"] * 3, None, "Row 1"),
    (np.ones((3, 2)), ["neutral"] * 3, None, "9 columns"), (machine(0)[0], [], None, "no probabilities"),
    (machine(3)[0].assign(text="fine"), ["neutral"] * 3, None, "column text holds no numbers"),
    (machine(2)[0], pd.Series(["neutral"] * 2, ["f1", "f2"]), None, "first of which is of 'f1'"),
    (machine(2)[0].set_axis(["a", "a"]), pd.Series(["neutral"] * 2, ["a", "b"]), None, "twice")])
def test_probabilities_and_codes_that_do_not_fit_are_refused_in_a_sentence(scored, given, weights, words):
    with pytest.raises(ValueError, match=words):
        paired(scored, given, weights)


# --- a regression on a machine's score ---

def test_the_correlation_is_pearsons_and_its_interval_covers_it():
    rng, covered = np.random.default_rng(0), 0
    for _ in range(300):
        coded = rng.choice([-1, 0, 1], 80, p=[0.3, 0.3, 0.4])
        score = 0.5 * coded + rng.normal(0, 0.5, 80)
        result = score_reliability(score, coded)
        spread = 0.25 * (0.7 - 0.01)
        covered += result.low <= np.sqrt(spread / (spread + 0.25)) <= result.high
    assert result.estimate == pytest.approx(np.corrcoef(score, coded)[0, 1])
    assert 0.91 <= covered / 300 <= 0.985


def test_groups_become_valence_and_those_that_may_be_either_are_left_out():
    scored = pd.Series(np.tile([0.9, -0.8, 0.1, 0.7], 10))
    coded = pd.Series(np.tile(["gratitude", "frustration", "neutral", "surprise"], 10))
    result = score_reliability(scored, coded, valence={"gratitude": 1, "frustration": -1, "neutral": 0})
    assert result.comments == 30 and result.estimate > 0.99
    with pytest.raises(ValueError, match="10 or more"):
        score_reliability(scored, coded)


def test_a_slope_on_a_machines_score_is_attenuated_by_its_reliability_and_can_be_corrected():
    """Errors in variables: the slope found is reliability times the true one (Fuller 1987)."""
    rng = np.random.default_rng(0)
    true = rng.choice([-1, 0, 1], 40_000)
    score = true + rng.normal(0, 0.8, 40_000)
    slope = np.polyfit(score, 2 * true + rng.normal(0, 1, 40_000), 1)[0]
    result = attenuation(score_reliability(score, true), slope, slope - 0.02, slope + 0.02)
    assert slope == pytest.approx(2 * result.factor, abs=0.03) and result.corrected == pytest.approx(2, abs=0.05)
    assert result.corrected_low < 2 < result.corrected_high and "shrinks a slope" in result.summary


def test_a_slope_on_a_score_that_may_be_noise_is_not_corrected():
    rng = np.random.default_rng(0)
    result = attenuation(score_reliability(rng.normal(size=60), rng.choice([-1, 1], 60)), 0.3, 0.1, 0.5)
    assert np.isnan(result.corrected) and "cannot be said" in result.summary
    with pytest.raises(ValueError, match="between 0 and 1"):
        attenuation(1.2)


# --- the sheet, from the command line ---

def test_a_sheet_goes_out_and_comes_back_as_a_table_of_the_study(tmp_path, capsys):
    write_demo(tmp_path / "study", people=400)
    sheet = tmp_path / "study" / "to-code.csv"
    main(["sheet", str(tmp_path / "study" / "study.yml"), "--to", str(sheet), "--number", "40"])
    table = pd.read_csv(sheet)
    assert len(table) == 40 and table["code"].isna().all() and "Fill in coder" in capsys.readouterr().out
    table.assign(code="Gratitude", coder="A").to_csv(sheet, index=False)
    said = (tmp_path / "study" / "study.yml").read_text().replace("codes: codes.csv", "codes: to-code.csv")
    (tmp_path / "study" / "study.yml").write_text(said)
    study = open_study(tmp_path / "study")
    read = read_codes(study.codes, study.feedback)
    assert len(read.codes) == 40 and set(read.codes["code"]) == {"gratitude"} and read.codes["weight"].min() > 1


def test_a_sheet_with_codes_in_it_is_never_overwritten(tmp_path):
    write_demo(tmp_path / "study", people=400)
    sheet = tmp_path / "codes.csv"
    sheet.write_text("precious")
    with pytest.raises(SystemExit, match="exists already"):
        main(["sheet", str(tmp_path / "study" / "study.yml"), "--to", str(sheet)])
    assert sheet.read_text() == "precious"
    with pytest.raises(SystemExit, match="There is no folder"):
        main(["sheet", str(tmp_path / "study" / "study.yml"), "--to", str(tmp_path / "nowhere" / "codes.csv")])
