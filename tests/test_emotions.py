"""Statements about the emotion model: what it takes, what it gives, and that its figures are those of its card."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from libengage_utils.emotions import GROUPS, EmotionModel, fitting, score
from libengage_utils.emotions.features import SPAN, clean, read
from libengage_utils.emotions.model import SCHEMES, SHIPPED, UNSURE_BELOW, mapping

GOEMOTIONS = Path(__file__).parent.parent.parent / "shared" / "datasets" / "goemotions"
needs_goemotions = pytest.mark.skipif(
    not (GOEMOTIONS / "train.tsv.gz").is_file(),
    reason="GoEmotions' files do not lie beside the checkout (../shared/datasets/goemotions).")
COMMENTS = [
    "Thank you so much, the librarian was wonderful!", "No seats again, this is ridiculous", "Not bad", "👍👍",
    "I am so confused by the new catalogue", "WHY is the printer ALWAYS broken???", "図書館はうるさい", "ok",
    "The exam is tomorrow and I am scared I will fail", "The library opens at nine.", "sooooo good <3", "x = y^2 / \\alpha",
]


@pytest.fixture(scope="module")
def model():
    return EmotionModel.load()


def marked(text):
    reading = read([clean(text)])
    return [reading.forms[token] for token in reading.token[reading.marked]]


# --- the file ---

def test_the_shipped_file_is_small_and_holds_no_pickle():
    assert SHIPPED.stat().st_size < 1_000_000
    with np.load(SHIPPED, allow_pickle=False) as arrays:
        assert all(array.dtype != object for array in arrays.values())


def test_the_model_is_read_once(model):
    assert EmotionModel.load() is model


def test_a_file_that_is_no_model_is_one_sentence(tmp_path):
    (tmp_path / "other.npz").write_bytes(b"no model")
    for name in ("other.npz", "absent.npz"):
        with pytest.raises(ValueError, match=f"{name} holds no emotion model"):
            EmotionModel.load(tmp_path / name)


# --- the mapping ---

def test_every_label_has_one_place_in_each_scheme(model):
    labels = sorted(model.classes("labels"))
    assert len(labels) == 28
    for scheme in ("ekman", "sentiment"):
        assert sorted(label for group in mapping()[scheme].values() for label in group) == labels
    assert sorted([label for group in mapping()["groups"].values() for label in group] + mapping()["none"]) == labels


@needs_goemotions
def test_ekmans_groups_are_the_published_ones():
    published = json.loads((GOEMOTIONS / "ekman_mapping.json").read_text())
    assert {name: set(group) for name, group in mapping()["ekman"].items() if name != "neutral"} == {
        name: set(group) for name, group in published.items()}


def test_an_unknown_scheme_is_named_with_the_known_ones(model):
    with pytest.raises(ValueError, match="labels, ekman, sentiment, groups"):
        model.probabilities(COMMENTS, "moods")


# --- what it sees ---

def test_four_words_after_a_negator_are_marked():
    assert marked("I do not think this is very good at all") == ["think", "this", "is", "very"]
    assert SPAN == 4


@pytest.mark.parametrize("text", ["It isn't good", "it isn\u2019t good", "it isnt good", "It ISN'T good", "never good"])
def test_negators_are_seen_in_every_spelling(text):
    assert marked(text) == ["good"]


def test_punctuation_and_but_end_a_negation():
    assert marked("Not today, thanks") == ["today"]
    assert marked("not cheap but good") == ["cheap"]


def test_negation_never_reaches_into_the_next_comment():
    reading = read(["I would not", "good library"])
    assert not reading.marked.any()


def test_markup_is_taken_off():
    assert clean("<div class='x'><b>Lovely</b><br/>staff &amp; space</div>") == "Lovely  staff & space"
    assert clean("5 < 6 and 7 > 6") == "5 < 6 and 7 > 6"


def test_letters_held_long_are_one_form():
    assert read(["sooo good"]).forms[1] == read(["SOOOOOOOO good"]).forms[1] == "sooo"


# --- what it gives ---

@pytest.mark.parametrize("scheme", SCHEMES)
def test_probabilities_lie_between_0_and_1_and_are_the_margins(model, scheme):
    probabilities = model.probabilities(COMMENTS, scheme)
    assert list(probabilities) == list(model.classes(scheme))
    assert ((probabilities > 0) & (probabilities < 1)).all(axis=None)
    np.testing.assert_allclose(logit(probabilities), model.margins(COMMENTS, scheme))


def test_valence_lies_between_minus_1_and_1_and_follows_the_tone(model):
    valence = model.score(COMMENTS)["valence"]
    assert valence.between(-1, 1).all()
    assert valence[0] > 0.5 and valence[1] < 0 and valence[2] > 0 > valence[8]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(COMMENTS) | st.text(max_size=60), min_size=1, max_size=12), st.randoms())
def test_neither_order_nor_company_changes_a_score(texts, random):
    model = EmotionModel.load()
    together = model.margins(texts, "labels").to_numpy()
    order = random.sample(range(len(texts)), len(texts))
    shuffled = model.margins([texts[place] for place in order], "labels")
    np.testing.assert_allclose(shuffled, together[order], rtol=0, atol=1e-9)
    alone = np.vstack([model.margins([text], "labels") for text in texts])
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-9)


def test_the_index_of_the_comments_is_kept(model):
    texts = pd.Series(COMMENTS[:3], index=[7, 7, "a"])
    assert model.score(texts).index.tolist() == [7, 7, "a"]


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA, pd.NaT, "", "   \n", "<br/>", 5])
def test_what_is_no_text_is_missing_and_not_neutral(model, nothing):
    scored = model.score([nothing, "fine, thanks"])
    assert scored.iloc[0].isna().all() and scored.iloc[1].notna().all()
    assert not model.decide([nothing]).any(axis=None)


def test_no_comments_give_an_empty_table(model):
    assert model.score([]).shape == (0, 12) and model.score([None]).shape == (1, 12)
    assert model.decide([], "ekman").shape == (0, 7)


@pytest.mark.parametrize("text", [
    "word " * 10_000, "bad but good " * 3_400, "a" * 100_000, "!" * 10_000, "<" * 5_000, "&" * 5_000, "<a " * 9_000,
    "😡" * 5_000, "\ud800", "\0", "$\\int_0^1 x^2 dx = \\frac{1}{3}$", "Ужасно шумно", "المكتبة مزدحمة", "🏳️‍🌈👩‍👩‍👧",
    "?", "' '", "not", "\t.\r\n"])
def test_odd_texts_are_scored(model, text):
    scored = model.score([text])
    assert scored["valence"].between(-1, 1).all() or clean(text) == ""


def test_only_the_first_characters_of_a_long_comment_are_read(model):
    long = "The catalogue is fine. " * 300
    pd.testing.assert_frame_equal(model.score([long]), model.score([long + "I hate it"]))


def test_a_comment_below_the_stated_confidence_is_unsure(model):
    scored = model.score([*COMMENTS, "Mxyzptlk qwrt zzgh"])
    groups = scored[list(model.classes("groups"))]
    sure = scored["top"] != "unsure"
    assert (scored.loc[sure, "confidence"] >= UNSURE_BELOW).all()
    assert (groups.idxmax(axis=1) == scored["top"])[sure].all()
    assert scored["top"].iloc[-1] == "unsure"


def test_every_comment_is_said_to_have_a_label_but_not_a_readers_group(model):
    for scheme in ("labels", "ekman", "sentiment"):
        said, probabilities = model.decide(COMMENTS, scheme), model.probabilities(COMMENTS, scheme)
        above = probabilities > model.thresholds(scheme)
        assert said.any(axis=1).all() and (said == above)[above.any(axis=1)].all(axis=None)
    assert model.decide(COMMENTS, "groups").equals(model.probabilities(COMMENTS) > model.thresholds("groups"))


def test_feedback_keeps_its_columns_and_rows_without_text_are_counted():
    feedback = pd.DataFrame({"feedback_id": [1, 2, 3], "text": ["Thank you!", None, " "]}, index=[5, 6, 6])
    scored = score(feedback)
    assert scored.columns[:2].tolist() == ["feedback_id", "text"] and scored.index.tolist() == [5, 6, 6]
    assert scored.attrs["without_text"] == 2 and scored["top"].tolist()[0] == "gratitude"
    assert "valence" not in feedback
    with pytest.raises(ValueError, match=r"no column 'comment'; it has feedback_id, text"):
        score(feedback, text="comment")


def test_one_string_is_not_taken_for_a_list_of_letters(model):
    with pytest.raises(ValueError, match="one string"):
        model.score("Thank you")


# --- its figures ---

def test_the_card_shows_the_figures_that_are_stored(model):
    card = SHIPPED.with_name(fitting.CARD).read_text(encoding="utf-8")
    assert fitting.tables(model.figures) in card


def test_figures_reach_what_the_card_promises(model):
    figures = model.figures
    assert figures["macro_f1"]["labels"] >= 0.50 and figures["macro_f1"]["ekman"] >= 0.60
    assert figures["calibration_error"] <= 0.01
    assert figures["top_accuracy_surest_fifth"] > figures["top_accuracy"]
    assert len(figures["by_label"]) == 28


def test_calibration_error_by_hand():
    """Two of ten at 0.2 and nine of ten at 0.7: errors 0 and 0.2, half of the comments each."""
    labelled = np.r_[np.arange(10) < 2, np.arange(10) < 9]
    assert fitting.calibration_error(np.repeat([0.2, 0.7], 10), labelled) == pytest.approx(0.1)


@needs_goemotions
def test_the_shipped_model_does_on_the_development_comments_what_is_stored(model):
    texts, labelled = fitting.read_comments(GOEMOTIONS / "dev.tsv.gz", list(model.classes("labels")))
    said = model.decide(texts).to_numpy()
    f1 = 2 * (said & labelled).sum(axis=0) / (said.sum(axis=0) + labelled.sum(axis=0))
    assert f1.mean() == pytest.approx(model.figures["macro_f1_in_sample"]["labels"], abs=0.002)


# --- the fitting command ---

@pytest.fixture
def little(tmp_path):
    """A little of GoEmotions, rare labels first."""
    for part, comments in (("train", 1_200), ("dev", 400)):
        with gzip.open(GOEMOTIONS / f"{part}.tsv.gz", "rt", encoding="utf-8") as file:
            lines = file.readlines()
        rare = [line for line in lines if set(line.split("\t")[1].split(",")) & {"12", "16", "19", "21", "23"}]
        with gzip.open(tmp_path / f"{part}.tsv.gz", "wt", encoding="utf-8") as file:
            file.writelines((rare[:200] + lines)[:comments])
    (tmp_path / "labels.txt").write_text((GOEMOTIONS / "labels.txt").read_text())
    return tmp_path


@needs_goemotions
def test_a_refit_is_the_same_byte_for_byte(little, capsys):
    digests = set()
    for name in ("first.npz", "second.npz"):
        assert fitting.main([str(little), "--to", str(little / name)]) == 0
        digests.add(hashlib.sha256((little / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    assert EmotionModel.load(little / "first.npz").score(COMMENTS).notna().all(axis=None)
    assert capsys.readouterr().out.startswith("Reading 1,200 comments")


def test_what_stands_in_the_way_of_fitting_is_one_sentence(tmp_path, capsys):
    def said():
        assert fitting.main([str(tmp_path), "--to", str(tmp_path / "made.npz")]) == 1
        return capsys.readouterr().err.strip()

    assert said().startswith("labels.txt is not in")
    (tmp_path / "labels.txt").write_text("joy\nneutral\n")
    assert said().startswith("train.tsv.gz is not in")
    for content in ("no tabs here\n", "text\t7\tid\n", "text\tjoy\tid\n", ""):
        with gzip.open(tmp_path / "train.tsv.gz", "wt") as file:
            file.write(content)
        assert said().startswith("train.tsv.gz is not in GoEmotions' shape") and "\n" not in said()
    with gzip.open(tmp_path / "train.tsv.gz", "wt") as file:
        file.write("text\t0\tid\n")
    assert said().startswith("train.tsv.gz has no comment labelled neutral")
    (tmp_path / "train.tsv.gz").write_bytes(b"no archive")
    assert said().startswith("train.tsv.gz is not in GoEmotions' shape")
    assert not (tmp_path / "made.npz").exists()
    for name in ("made.pickle", "absent/made.npz"):
        assert fitting.main([str(tmp_path), "--to", str(tmp_path / name)]) == 1
        assert "give a name that ends in .npz" in capsys.readouterr().err


def test_coders_and_the_machine_use_the_same_words():
    assert tuple(EmotionModel.load().classes("groups")) == GROUPS
