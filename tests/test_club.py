"""What a room sees and what is kept of it: guesses, dials, the wall, decisions."""

import base64
import json
import re
from types import SimpleNamespace

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libengage_utils import charts
from libengage_utils.charts import club as figures
from libengage_utils.club import compare_guesses, dials, hold, open_decisions, predict, wall
from libengage_utils.study import StudyError
from libengage_utils.study.decisions import COLUMNS, read_decisions

ARC = pd.DataFrame({"label": ["search", "desk", "shelf"], "estimate": [0.1, -0.3, 0.4], "low": [0.0, -0.4, 0.2],
                    "high": [0.19, -0.2, 0.6], "people": [200, 100, 80], "mark": ["", "low", "high"]})


def parts(box):
    """A box's widgets, of whatever depth, in order."""
    return [box, *(part for child in getattr(box, "children", ()) for part in parts(child))]


def button(box, words):
    return next(part for part in parts(box) if isinstance(part, widgets.Button) and part.description.endswith(words))


def text(box):
    """What a reader of the box reads, without its style sheet."""
    return re.sub("<[^>]+>", " ", " ".join(part.value for part in parts(box)
                                            if isinstance(part, widgets.HTML) and "<style>" not in part.value))


def state(box):
    """Everything a notebook would save of the box."""
    return json.dumps([part.get_state() for part in parts(box)], default=str)


def guess_by_hand(prediction, number):
    field = next(part for part in parts(prediction.box) if isinstance(part, widgets.Text))
    field.value = str(number)
    button(prediction.box, "Commit this guess").click()
    return field


def many(room=True):
    return predict("How many of a hundred come back?", low=0, high=100, unit="%", room=room)


# --- guesses ---

def test_the_next_person_does_not_see_the_guess_before():
    prediction = many()
    field = guess_by_hand(prediction, 61.625)
    assert field.value == "" and prediction.guesses == 1
    assert "61.6" not in state(prediction.box)


def test_no_single_guess_and_no_order_is_kept():
    there, back = many(), many()
    for number in (12, 88, 37, 14, 88):
        guess_by_hand(there, number)
    for number in (88, 14, 88, 37, 12):
        guess_by_hand(back, number)
    kept = [{name: value.tolist() for name, value in vars(each).items() if isinstance(value, np.ndarray)}
            for each in (there, back)]
    assert kept[0] == kept[1] and sum(kept[0]["_counts"]) == 5
    assert re.sub("IPY_MODEL_[0-9a-f]+", "", state(there.box)) == re.sub("IPY_MODEL_[0-9a-f]+", "", state(back.box))


@pytest.mark.parametrize("words", ["", "many", "101", "-1", "nan", "1,000"])
def test_what_is_no_number_that_was_asked_for_is_not_counted(words):
    prediction = many()
    guess_by_hand(prediction, words)
    assert prediction.guesses == 0 and "Write a number from 0 to 100" in text(prediction.box)


def test_a_guess_may_be_written_with_its_unit():
    assert many().commit("25%") and many().commit(" 25 % ")


def test_the_figure_is_held_back_until_somebody_guessed():
    prediction = many()
    shown = prediction.reveal(charts.arc, ARC, "How steps feel.")
    assert button(shown, "Show").disabled and "Guess first" in text(shown) and "<img" not in state(shown)
    guess_by_hand(prediction, 30)
    assert not button(shown, "Show").disabled
    button(shown, "Show").click()
    assert state(shown).count("<img") == 1 and "search +0.10" in state(shown)


def test_a_figure_shown_is_not_shown_a_second_time_by_the_next_cell():
    before = plt.get_fignums()
    prediction = many()
    shown = prediction.reveal(charts.arc, ARC, "How steps feel.")
    for number in range(5):
        guess_by_hand(prediction, number)
    button(shown, "Show").click()
    assert state(shown).count("<img") == 2 and plt.get_fignums() == before


def test_of_fewer_than_five_guesses_only_their_number_is_said():
    prediction = many()
    shown = prediction.reveal(charts.arc, ARC, "How steps feel.", truth=21)
    for number in (31, 32, 33, 71):
        guess_by_hand(prediction, number)
    button(shown, "Show").click()
    said = text(shown)
    assert "4 guesses." in said and "The study: 21%." in said and "30" not in said and "70" not in said
    assert prediction.counts() is None


def test_the_room_is_shown_beside_the_truth_from_five_guesses_on():
    prediction = many()
    shown = prediction.reveal(charts.arc, ARC, "How steps feel.", truth=(21, 19, 24))
    for number in (10, 20, 22, 35, 40, 90):
        guess_by_hand(prediction, number)
    button(shown, "Show").click()
    assert "6 guesses, at least half of them from 20 to 44%. The study: 21% (95% interval 19 to 24)." in state(shown)


def test_after_the_figure_no_guess_is_taken_since_it_would_tell_itself():
    prediction = many()
    shown = prediction.reveal(charts.arc, ARC, "How steps feel.")
    for number in (10, 20, 22, 35, 40):
        guess_by_hand(prediction, number)
    assert prediction.counts() is None
    button(shown, "Show").click()
    assert not prediction.commit(50) and prediction.counts().sum() == 5
    assert button(prediction.box, "Commit this guess").disabled


def test_a_figure_that_cannot_be_made_says_why():
    prediction = many()
    shown = prediction.reveal(charts.arc, ARC.assign(estimate=np.nan), "Nothing.")
    guess_by_hand(prediction, 5)
    button(shown, "Show").click()
    assert "Too few people rated any one step" in text(shown)


def test_without_a_room_the_figure_is_drawn_at_once_and_nothing_is_asked(capsys):
    prediction = many(room=False)
    assert prediction.reveal(charts.arc, ARC, "How steps feel.") is None
    assert charts.alt_text(plt.gcf()).startswith("How steps feel.")
    plt.close()
    assert prediction._ipython_display_() is None and not hasattr(prediction, "box")
    assert capsys.readouterr().out == ""
    assert prediction.reveal(pd.DataFrame, {"a": [1]})["a"].tolist() == [1]


def test_a_withheld_truth_is_said_to_be_withheld():
    assert "The study: withheld" in many().summary(float("nan"))


@given(st.lists(st.integers(0, 365), min_size=5, max_size=40))
def test_half_the_guesses_lie_where_half_are_said_to_lie(numbers):
    prediction = predict("After how many days?", low=0, high=365, unit=" days", room=False)
    assert all(prediction.commit(number) for number in numbers)
    prediction.close()
    low, high = map(int, re.search(r"from (\d+) to (\d+) days", prediction.summary()).groups())
    assert sum(low <= number <= high for number in numbers) >= len(numbers) / 2
    counts = prediction.counts()
    assert counts.sum() == len(numbers) and len(counts) <= 21
    for label, count in counts.items():
        first, last = (label.split(" to ") * 2)[:2]
        assert count == sum(int(first) <= number <= int(last) for number in numbers)


def test_a_guess_among_choices_starts_with_none_chosen():
    prediction = predict("Which tells more?", choices=["peak and end", "the mean"])
    button(prediction.box, "Commit this guess").click()
    assert prediction.guesses == 0 and "Choose one first." in text(prediction.box)
    button(prediction.box, "the mean").click()
    assert button(prediction.box, "the mean").description == "\u2713 the mean"
    button(prediction.box, "Commit this guess").click()
    assert prediction.guesses == 1 and "\u2713" not in state(prediction.box)
    for _ in range(4):
        prediction.commit("peak and end")
    prediction.close()
    assert prediction.summary("the mean") == ("5 guesses, most for \u201cpeak and end\u201d (4). The study: "
                                              "\u201cthe mean\u201d.")


@pytest.mark.parametrize("asked", [{}, {"low": 0}, {"low": 3, "high": 3}, {"choices": ["a", "b"], "low": 0, "high": 1}])
def test_a_question_needs_choices_or_two_numbers(asked):
    with pytest.raises(ValueError, match="choices"):
        predict("What?", **asked)


def test_the_study_is_drawn_in_the_bin_that_holds_it():
    drawn = []
    for truth in (0, 21, 99.5, 100):
        prediction = many(room=False)
        for number in (truth,) * 5:
            prediction.commit(number)
        prediction.close()
        at, = prediction._answers.at(truth)
        drawn.append(abs(at - prediction.counts().to_numpy().argmax()) <= 0.5)
    assert all(drawn)


def test_a_picture_carries_its_words():
    image = figures.picture(charts.arc(ARC, "How <steps> feel."))
    assert 'alt="How &lt;steps&gt; feel.' in image
    assert b"<svg" in base64.b64decode(re.search("base64,([^\"]+)", image)[1])


# --- dials ---

TURNS = {"among": {"all": 0.45, "the seen": 0.71}, "days": {"30 days": 0.02, "90 days": 0.0, "365 days": None},
         "fixed": {"one way": 0}}
JUDGED = {"among": "the seen", "days": "90 days", "fixed": "one way"}
WORDS = {"among": "counted among", "days": "within"}


class Share:
    """A share that knows how often it was made."""

    made = 0

    def __call__(self, among, days, fixed, wide):
        self.made += 1
        if days is None:
            raise ValueError("No year has passed yet: wait, or choose fewer days.")
        share = among + days + fixed
        return SimpleNamespace(estimate=share, low=share - wide, high=share + wide, headline=f"A share of {share:.2f}.")


def turned(share, **named):
    return dials("C02", share, TURNS, JUDGED, words=WORDS, answer="headline", wide=0.1, **named)


def test_dials_start_as_the_claim_was_judged():
    box = turned(Share())
    assert "\u2713 Supported here" in re.sub(" +", " ", text(box)) and "A share of 0.71." in text(box)
    assert button(box, "the seen").description.startswith("\u2713") and button(box, "Set all as judged").disabled
    assert not any("one way" in part.description for part in parts(box) if isinstance(part, widgets.Button))


def test_a_turn_judges_again_and_says_what_moved():
    box = turned(Share())
    button(box, "all").click()
    assert ("As judged: 71% (61% to 81%), supported here. With \u201call\u201d in place of \u201cthe seen\u201d (counted "
            "among): 45% (35% to 55%), cannot tell. The verdict is another.") in text(box)
    assert "A share of 0.45." in text(box)
    button(box, "30 days").click()
    assert "and \u201c30 days\u201d in place of \u201c90 days\u201d (within): 47%" in text(box)


def test_an_interval_that_holds_the_estimate_as_judged_is_said_to():
    box = turned(Share())
    button(box, "30 days").click()
    assert "The verdict is the same. Its interval holds the estimate as judged." in text(box)


def test_turning_back_is_at_once_and_back_is_as_judged():
    share = Share()
    box = turned(share)
    first = text(box)
    button(box, "all").click()
    button(box, "30 days").click()
    assert share.made == 3
    button(box, "Set all as judged").click()
    assert text(box) == first and share.made == 3


def test_it_says_that_it_computes_while_it_does():
    seen = []

    def slow(among):
        seen.append(text(boxes[0]) if boxes else "")
        return SimpleNamespace(estimate=among, low=among, high=among, summary="So many.")

    boxes = []
    boxes.append(dials("C02", slow, {"among": TURNS["among"]}, {"among": "all"}, words=WORDS))
    button(boxes[0], "the seen").click()
    assert "Computing" in seen[-1] and "Computing" not in text(boxes[0])


def test_a_combination_that_cannot_be_made_shows_its_sentence():
    box = turned(Share())
    button(box, "365 days").click()
    assert "No year has passed yet: wait, or choose fewer days." in text(box)
    assert "it cannot be computed" in text(box)


def test_the_answer_may_be_a_function_of_what_was_found():
    box = dials("C02", Share(), TURNS, JUDGED, words=WORDS, answer=lambda found: f"Just {found.estimate:.1f}.", wide=0.1)
    assert "Just 0.7." in text(box)


def test_an_estimate_that_names_a_cause_without_a_lot_is_not_shown():
    box = dials("C02", Share(), TURNS, JUDGED, words=WORDS, answer=lambda found: "The effect is large.", wide=0.1)
    assert "names a cause" in text(box) and "is large" not in text(box)


def test_dials_refuse_a_choice_nobody_has_and_a_control_without_words():
    with pytest.raises(ValueError, match="no choice of among"):
        dials("C02", Share(), TURNS, {**JUDGED, "among": "nobody"}, words=WORDS, wide=0.1)
    with pytest.raises(ValueError, match="does not say what is chosen by days"):
        dials("C02", Share(), TURNS, JUDGED, words={"among": "among"}, wide=0.1)


# --- the wall ---

def on_paper(best, worst):
    return pd.DataFrame({"touchpoint": ["search", "desk", "shelf"], "best": best, "worst": worst})


def test_the_evidence_agrees_only_where_intervals_lie_apart():
    agreed = compare_guesses(on_paper([1, 0, 6], [2, 5, 0]), ARC).summary
    assert "shelf (6 of 7). The evidence agrees: +0.40 (+0.20 to +0.60)" in agreed
    assert "desk (5 of 7). The evidence agrees: \u22120.30 (\u22120.40 to \u22120.20)" in agreed
    wide = compare_guesses(on_paper([1, 0, 6], [2, 5, 0]), ARC.assign(low=-0.9, high=0.9)).summary
    assert wide.count("cannot tell: intervals overlap") == 2 and "agree" not in wide


def test_the_evidence_disagrees_where_another_lies_beyond():
    said = compare_guesses(on_paper([6, 1, 0], [0, 1, 6]), ARC).summary
    assert "search (6 of 7). The evidence does not agree: they feel better at shelf" in said
    assert "shelf (6 of 7). The evidence does not agree: they feel worse at desk" in said


def test_what_is_withheld_stays_withheld_and_tells_nothing():
    compared = compare_guesses(on_paper([0, 0, 7], [7, 0, 0]), ARC[ARC["label"] != "shelf"])
    assert compared.table.set_index("touchpoint").loc["shelf", ["estimate", "low", "high"]].isna().all()
    assert "shelf (7 of 7); too few people rated it to tell." in compared.summary
    assert "shelf withheld" in charts.alt_text(figures.wall(compared.table, compared.guesses).figure)
    plt.close()


def test_split_guesses_are_said_to_be_split():
    assert "best are split between search and desk" in compare_guesses(on_paper([3, 3, 1], [7, 0, 0]), ARC).summary


def test_few_guesses_on_the_wall_are_not_shown():
    compared = compare_guesses(on_paper([3, 1, 0], [0, 0, 4]), ARC)
    assert compared.table[["best", "worst"]].isna().all(axis=None) and compared.summary.startswith("4 guesses.")
    assert "too few to show" in charts.alt_text(figures.wall(compared.table, compared.guesses).figure)
    plt.close()


def test_a_wall_that_was_counted_wrongly_is_refused():
    with pytest.raises(ValueError, match="7 guesses of the best and 6 of the worst"):
        compare_guesses(on_paper([6, 1, 0], [0, 6, 0]), ARC)
    with pytest.raises(ValueError, match="1 touchpoint stands in more than one row"):
        compare_guesses(pd.concat([on_paper([6, 1, 0], [0, 7, 0]), on_paper([6, 1, 0], [0, 7, 0]).head(1)]), ARC)


def test_a_wall_takes_guesses_and_shows_them_as_guesses():
    board = wall(ARC["label"])
    shown = board.against(ARC)
    high, low = (part for part in parts(board.box) if hasattr(part, "buttons"))
    assert button(shown, "Show").disabled
    for best, worst in [("shelf", "desk")] * 4 + [("search", "desk"), ("desk", "desk")]:
        high.buttons[best].click()
        low.buttons[worst].click()
        button(board.box, "Commit this guess").click()
    assert board.guesses == 5 and "not the same" in text(board.box)
    button(shown, "Show").click()
    assert "Bars are staff\u2019s guesses." in state(shown).encode().decode("unicode_escape")
    assert "shelf (4 of 5). The evidence agrees" in text(shown) and high.value is None
    assert not board.commit("shelf", "desk")


def test_without_a_room_there_is_no_wall():
    board = wall(["desk", "search"], room=False)
    assert board.against(ARC) is None and not hasattr(board, "box")


# --- decisions ---

HEADINGS = ",".join(COLUMNS)
ROW = "2026-01-20,01,Ask twenty people never seen.,head of services,2026-03-01,twenty answers,"


@pytest.fixture
def log(tmp_path):
    def written(*rows, headings=HEADINGS, encoding="utf-8"):
        path = tmp_path / "decisions.csv"
        path.write_text("\n".join([headings, *rows]) + "\n", encoding=encoding)
        return path
    return written


def test_a_log_without_decisions_is_fine(log):
    assert open_decisions(read_decisions(log()), "2026-01-01").empty


def test_open_decisions_come_with_their_days_over_due(log):
    rows = [ROW, ROW.replace("Ask", "Call").replace("2026-03-01", "2026-02-01"), ROW + "twelve answered", "",
            ROW.replace("2026-03-01", "2026-12-01")]
    waiting = open_decisions(read_decisions(log(*rows, encoding="utf-8-sig")), "2026-03-08")
    assert waiting["days_over_due"].tolist() == [35, 7, 0]
    assert waiting["action"].str[:4].tolist() == ["Call", "Ask ", "Ask "]


@pytest.mark.parametrize(("row", "sentence"), [
    (ROW.replace("head of services", "a.reader@example.org"), "row 1: owner holds an address or a number. Name a role"),
    (ROW.replace("Ask twenty people never seen.", " "), "row 1: action is empty"),
    (ROW.replace("2026-03-01", "1 March"), "row 1: due is no day. Write it as YYYY-MM-DD"),
    (ROW.replace("2026-03-01", "2026-02-30"), "row 1: due is no day"),
    (ROW.replace("2026-03-01", "2025-03-01"), "row 1: due is before decided_on"),
    (ROW + ",more", "row 1 has 8 cells and the heading line 7")])
def test_a_row_that_cannot_be_read_is_named_with_its_remedy(log, row, sentence):
    with pytest.raises(StudyError, match=re.escape(f"decisions.csv, {sentence}")) as caught:
        read_decisions(log(row))
    assert "example.org" not in str(caught.value) and "/" not in str(caught.value)


def test_a_missing_column_is_named(log):
    with pytest.raises(StudyError, match="no column owner and no column measure"):
        read_decisions(log(headings="decided_on,notebook,action,due,outcome"))


def test_no_log_says_how_to_begin_one(tmp_path):
    with pytest.raises(StudyError, match=f"no decision log log.csv. Begin one with this heading line: {HEADINGS}"):
        read_decisions(tmp_path / "log.csv")


def test_addresses_in_the_other_columns_are_taken_out(log):
    read = read_decisions(log(ROW.replace("twenty answers", "write to a.reader@example.org")))
    assert read.loc[0, "measure"] == "write to [e-mail]"


def test_enter_commits_a_number():
    guess = predict("How many?", low=0, high=100)
    field = next(child for child in guess.box.children if isinstance(child, widgets.Text))
    field.value = "40"
    field._handle_msg({"content": {"data": {"method": "custom", "content": {"event": "submit"}}}, "buffers": []})
    assert guess.guesses == 1 and field.value == ""


def test_words_are_held_back_until_somebody_asks():
    box = hold("**It rains.**")
    button, shown = box.children[-2:]
    assert not shown.outputs
    button.click()
    assert shown.outputs[0]["data"]["text/markdown"] == "**It rains.**" and button.layout.display == "none"
    assert hold("It rains.", room=False).data == "It rains."
