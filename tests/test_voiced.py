"""Statements about who voices themes, what our agenda has to do with them, and which sentences may be shown."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from statsmodels.stats.proportion import proportion_confint

from libengage_utils import charts
from libengage_utils.themes import Readable, Themes, agenda, examples, voiced
from libengage_utils.themes.by_person import difference, mean_limits, ratio, share_limits, sums
from libengage_utils.themes.languages import people_of

YEARS = pd.DataFrame({"period": ["2023", "2024", "2025"], "from": ["2023-01-01", "2024-01-01", "2025-01-01"],
                      "to": ["2023-12-31", "2024-12-31", "2025-12-31"]})


def sorted_by_hand(theme, person=None, text=None, **columns):
    """Themes as if found, 0 for none, and the comments they are of."""
    theme = np.asarray(theme)
    comments = pd.DataFrame({"feedback_id": np.arange(len(theme)), "person_key": np.arange(len(theme)) if person is None
                             else person, **columns}).astype({"person_key": object})
    label = pd.Series(theme).map(lambda at: f"theme {at}" if at else None)
    assigned = pd.DataFrame({"theme": pd.Series(theme, dtype="Int64").where(theme > 0), "label": label,
                             "weight": np.linspace(1, 0, len(theme))})
    read = pd.DataFrame({"person": people_of(comments), "text": "" if text is None else text})
    empty = pd.DataFrame()
    return Themes(empty, assigned.rename_axis("feedback_id"), empty, 3, 0.5, Readable(read, "English", empty), 0.0), comments


def drawn(sizes, **columns):
    return sorted_by_hand(np.repeat(np.arange(len(sizes)), sizes), **columns)


# --- shares ---

def test_shares_are_of_all_comments_and_counts_are_of_people():
    table = voiced(*sorted_by_hand([1, 1, 1, 2, 0] * 20, person=np.repeat(np.arange(50), 2))).table
    assert table["label"].tolist() == ["theme 1", "theme 2"] and table["estimate"].tolist() == [0.6, 0.2]
    assert table["comments"].tolist() == [60, 20] and table["people"].tolist() == [40, 20]


def test_where_everybody_wrote_once_limits_are_wilsons():
    table = voiced(*drawn([500, 300, 200])).table
    low, high = proportion_confint([300, 200], 1000, method="wilson")
    assert table["low"].tolist() == pytest.approx(low, abs=5e-4) and table["high"].tolist() == pytest.approx(high, abs=5e-4)


def test_the_same_people_saying_the_same_again_make_nothing_surer():
    once = voiced(*drawn([50, 30, 20])).table
    again = voiced(*sorted_by_hand(np.repeat([0, 1, 2], [250, 150, 100]), person=np.repeat(np.arange(100), 5))).table
    for name in ("estimate", "low", "high"):
        assert again[name].tolist() == pytest.approx(once[name].tolist(), abs=2e-3)


def test_anonymous_comments_are_of_a_person_each():
    known, unknown = (voiced(*sorted_by_hand([1, 2, 0] * 30, person=person)) for person in (None, [None] * 90))
    pd.testing.assert_frame_equal(known.table, unknown.table)
    assert unknown.people == 90


def simulated(rng, people=150, share=0.06, spread=4.0):
    """Person of each comment, and whether it is on a theme: some people write much, and some of it often."""
    person = np.repeat(np.arange(people), rng.geometric(0.4, people))
    own = rng.beta(share * spread, (1 - share) * spread, people)
    return person, (rng.random(len(person)) < own[person]).astype(float)[:, np.newaxis]


def test_limits_of_shares_hold_the_truth_though_people_repeat():
    rng, held = np.random.default_rng(0), []
    for _ in range(400):
        person, on_theme = simulated(rng)
        own, wrote = sums(person, on_theme), sums(person, np.ones_like(on_theme))
        low, high = share_limits(*ratio(own, wrote), wrote)
        held.append(low[0] <= 0.06 <= high[0])
    assert 0.92 <= np.mean(held) <= 0.99


def test_limits_of_means_hold_the_truth_though_people_repeat():
    rng, held = np.random.default_rng(0), []
    for _ in range(400):
        person, _ = simulated(rng, people=40)
        mood = (rng.normal(0.2, 0.4, 40)[person] + rng.normal(0, 0.3, len(person)))[:, np.newaxis]
        number = sums(person, np.ones_like(mood))
        low, high = mean_limits(*ratio(sums(person, mood), number), number)
        held.append(low[0] <= 0.2 <= high[0])
    assert 0.92 <= np.mean(held) <= 0.98


def test_a_difference_that_is_not_there_is_seldom_found():
    rng, p = np.random.default_rng(0), []
    for _ in range(400):
        person, on_theme = simulated(rng, share=0.15)
        early = rng.random((len(person), 1)) < 0.5
        shares = [ratio(sums(person, on_theme * when), sums(person, when * 1.0)) for when in (early, ~early)]
        p.append(difference(*shares)[3][0])
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.08


# --- what is withheld ---

def test_a_theme_of_few_people_is_withheld_and_so_is_what_would_give_it_away():
    assert voiced(*drawn([40, 60, 30, 6])).table["estimate"].isna().tolist() == [False, False, True]
    result = voiced(*drawn([3, 60, 30, 6]))
    assert result.table["estimate"].isna().tolist() == [False, True, True]
    assert result.table.loc[1:, ["comments", "people", "low"]].isna().all(axis=None)
    assert result.table["theme"].tolist() == [1, 2, 3]


def test_feelings_that_few_people_lack_or_have_are_withheld():
    valence = np.r_[np.full(60, -0.5), np.full(5, 0.5), np.tile([-0.5, 0.5], 40), np.tile([-0.5, 0.5], 30)]
    result = voiced(*sorted_by_hand(np.repeat([1, 2, 0], [65, 80, 60]), valence=valence))
    assert result.troubled["estimate"].isna().tolist() == [True, False] and result.feelings["estimate"].notna().all()
    alike = voiced(*sorted_by_hand(np.repeat([1, 2, 0], [65, 80, 60]), valence=np.r_[np.full(65, -1.0), valence[65:]]))
    assert np.isnan(alike.feelings.loc[0, "estimate"])


# --- feelings, growth, segments ---

def test_the_theme_on_which_people_feel_worse_is_named():
    rng = np.random.default_rng(0)
    theme = rng.integers(0, 4, 600)
    valence = np.clip(np.where(theme == 2, -0.3, 0.3) + rng.normal(0, 0.4, 600), -1, 1)
    result = voiced(*sorted_by_hand(theme, valence=valence))
    assert result.headline.startswith("People feel worse than otherwise about \u201ctheme 2\u201d (-0.")
    row = result.feelings.loc[1]
    assert row["low"] < valence[theme == 2].mean() == row["estimate"] < row["high"] < 0 and row["p"] < 0.001
    assert result.troubled.loc[1, "estimate"] == pytest.approx((valence[theme == 2] < 0).mean())
    same = voiced(*sorted_by_hand(theme, valence=rng.permutation(valence)))
    assert same.headline == "On no theme are people known to feel worse than on the others."
    assert voiced(*sorted_by_hand(theme)).headline == "How people feel about a theme is not known."


def test_a_theme_that_grew_is_named_and_one_that_did_not_is_not():
    rng = np.random.default_rng(1)
    given_at = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 1095, 1500), "D")
    grown = rng.random(1500) < np.where(given_at.year == 2025, 0.3, 0.1)
    result = voiced(*sorted_by_hand(np.where(grown, 1, rng.integers(0, 4, 1500)), given_at=given_at), periods=YEARS)
    assert "From 2023 to 2025 grew: \u201ctheme 1\u201d" in result.summary
    row, shares = result.changes.loc[0], result.by_period.set_index(["series", "label"])["estimate"]
    assert row["estimate"] == pytest.approx(shares["2025", "theme 1"] - shares["2023", "theme 1"]) and row["low"] > 0
    still = voiced(*sorted_by_hand(rng.integers(0, 4, 1500), given_at=given_at), periods=YEARS)
    assert "No theme is known to have grown or shrunk from 2023 to 2025." in still.summary


def test_the_segment_that_voices_a_theme_is_named():
    rng = np.random.default_rng(0)
    person = rng.integers(0, 600, 900)
    segment = pd.Series(rng.choice(["near", "far"], 600, p=[0.7, 0.3]), index=[f"p{at}" for at in range(600)])
    far = (segment == "far").to_numpy()[person]
    theme = np.where(rng.random(900) < np.where(far, 0.5, 0.15), 2, rng.integers(0, 2, 900))
    themes, comments = sorted_by_hand(theme, person=[f"p{at}" for at in person])
    result = voiced(themes, comments, segment=segment)
    assert "Voiced more by one kind of user than by all others: \u201ctheme 2 (far)\u201d" in result.summary
    shares = result.by_segment.set_index(["label", "series"])["estimate"]
    wrote = pd.crosstab(comments["person_key"], theme)
    theirs = wrote[wrote.index.map(segment) == "far"]
    assert shares["theme 2", "far"] == pytest.approx((theirs[2] > 0).mean())
    away = result.from_others.set_index(["label", "group"]).loc[("theme 2", "far")]
    assert away["estimate"] == pytest.approx(shares["theme 2", "far"] - shares["theme 2", "near"])
    mixed = voiced(themes, comments, segment=pd.Series(rng.permutation(segment), segment.index))
    assert "No kind of user is known to voice a theme more" in mixed.summary


def test_a_small_segment_is_withheld_with_one_that_would_give_it_away():
    theme = np.tile([1, 0], 150)
    segment = pd.Series(["few"] * 12 + ["some"] * 100 + ["many"] * 188, index=range(300))
    table = voiced(*sorted_by_hand(theme), segment=segment).by_segment.set_index("series")["estimate"]
    assert np.isnan(table["few"]) and table.isna().sum() == 2


def test_the_sentences_say_that_themes_are_from_the_same_comments():
    assert "found in these same comments" in voiced(*drawn([40, 30, 30])).summary


def test_order_and_kind_of_frame_never_matter():
    rng = np.random.default_rng(0)
    themes, comments = sorted_by_hand(rng.integers(0, 4, 300), person=[f"p{at}" for at in rng.integers(0, 200, 300)],
                                      valence=rng.uniform(-1, 1, 300))
    result = voiced(themes, comments)
    for frame in (comments.sample(frac=1, random_state=0), pl.from_pandas(comments.astype({"person_key": str}))):
        pd.testing.assert_frame_equal(voiced(themes, frame).feelings, result.feelings)


def test_every_table_can_be_drawn():
    rng = np.random.default_rng(0)
    given_at = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 1095, 900), "D")
    result = voiced(*sorted_by_hand(rng.integers(0, 4, 900), valence=rng.uniform(-1, 1, 900), given_at=given_at),
                    periods=YEARS, segment=pd.Series(["a", "b"] * 450))
    for table in (result.table, result.feelings, result.troubled, result.changes, result.from_others):
        charts.intervals(table, "A finding.", xlabel="quantity", form="+.2f")
    for table in (result.by_period, result.by_segment):
        charts.contrast(table, "A finding.", xlabel="share")


def test_what_does_not_fit_together_is_refused():
    themes, comments = drawn([40, 30, 30])
    with pytest.raises(ValueError, match="10 of the 100 comments that the themes were found in are not there"):
        voiced(themes, comments[10:])
    with pytest.raises(ValueError, match="takes two periods"):
        voiced(themes, comments.assign(given_at=pd.Timestamp("2023-01-01")), periods=YEARS[:1])
    with pytest.raises(ValueError, match="no column given_at"):
        voiced(themes, comments, periods=YEARS)
    with pytest.raises(ValueError, match="A person occurs twice"):
        voiced(themes, comments, segment=pd.Series("a", index=[1, 1]))


# --- agenda ---

TEXTS = ["The printer is broken", "More seats, please", "I love the archive", "Printing costs too much", "Nothing to add"]


def held(priorities, texts=TEXTS, theme=(1, 2, 2, 1, 0), times=20, **columns):
    ours = pd.DataFrame(priorities, columns=["priority", "order", "words"])
    columns = {name: list(values) * times for name, values in columns.items()}
    themes, comments = sorted_by_hand(list(theme) * times, text=list(texts) * times, **columns)
    return agenda(ours, comments, themes)


@pytest.mark.parametrize(("words", "found"), [
    ("printer", 0.2), ("print", np.nan), ("print*", 0.4), ("PRINTER; Seat*", 0.4), ("costs  too", 0.2),
    ("(.*; printer", 0.2), ("; seats ;", 0.2), ("a*ve", 0.2)])
def test_words_are_found_whole_or_by_their_beginning(words, found):
    estimate = held([["ours", 1, words]], theme=[1, 2, 3, 4, 0]).table.loc[0, "estimate"]
    assert estimate == pytest.approx(found, nan_ok=True)


def test_accents_are_found_however_they_are_written():
    result = held([["Café", 1, "cafe\u0301*"]], texts=["Un café !", "Des cafés", "Rien", "Rien", "Rien"])
    assert result.table.loc[0, "estimate"] == 0.4


def test_places_follow_the_shares_and_a_sure_difference_of_order_is_said():
    result = held([["Archive", 1, "archive"], ["Print", 2, "print*"], ["Robots", 3, "robot*"]])
    assert result.table["label"].tolist() == ["Archive", "Print", "Robots"]
    assert result.table["place"].tolist()[:2] == [2, 1] and result.table.loc[2, ["estimate", "place", "people"]].isna().all()
    assert result.turned == ("Print is written about more than Archive",) and "Too few people" in result.summary
    assert held([["Print", 1, "print*"], ["Archive", 2, "archive"]]).turned == ()
    assert held([["Archive", 1, "archive"], ["Seats", 2, "seats"]]).turned == ()


def test_troubled_comments_are_held_apart():
    result = held([["Print", 1, "print*"]], valence=[-0.5, 0.5, 0.5, -0.5, -0.5])
    assert result.troubled.loc[0, "estimate"] == pytest.approx(2 / 3) and result.table.loc[0, "estimate"] == 0.4
    assert np.isnan(result.low) and result.overall["estimate"].isna().tolist() == [False, True, True]
    mixed = held([["Print", 1, "print*"]], times=40, valence=[-0.5, 0.5, 0.5, 0.5, -0.5, -0.5, 0.5, 0.5, -0.5, -0.5],
                 texts=TEXTS * 2, theme=(1, 2, 2, 1, 0) * 2)
    assert mixed.overall["estimate"].tolist() == pytest.approx([0.4, 3 / 5, 1 / 5])
    assert mixed.low > 0 and "Troubled comments speak of it more often than other rated ones do." in mixed.summary
    assert mixed.headline.startswith("By the words of our priorities, 60% of troubled comments (95% interval 5")


def test_a_theme_of_which_no_priority_speaks_is_named():
    result = held([["Space", 1, "seat*"]], valence=[-0.5, 0.5, 0.5, -0.5, -0.5], times=40)
    assert result.unheard == ["theme 1"] and "one in five comments speak of any priority" in result.summary
    assert result.themes["label"].tolist() == ["theme 1", "theme 2"] and np.isnan(result.themes.loc[0, "estimate"])
    assert held([["Print", 1, "print*; seat*; archive"]], times=40).unheard == []


@pytest.mark.parametrize(("priorities", "words"), [
    ([["Print", 1, "*; ;"]], "Print has no words"), ([["Print", 1, None]], "Print has no words"),
    ([], "There are no priorities"), ([["Print", 1, "a"], ["Print", 2, "b"]], "1 priorities are there twice")])
def test_an_agenda_that_says_nothing_is_refused(priorities, words):
    with pytest.raises(ValueError, match=words):
        held(priorities)


# --- sentences that may be shown ---

def quoted(**columns):
    return pd.DataFrame({"feedback_id": range(100), "quote": [f"Sentence {at}." for at in range(100)], "consent": True,
                         "approved_by": "AB"} | columns)


def test_at_most_three_sentences_nearest_to_the_theme_are_shown():
    themes, _ = drawn([40, 30, 30])
    shown = examples(themes, quoted())
    assert shown.table["quote"].tolist() == [f"Sentence {at}." for at in (40, 41, 42, 70, 71, 72)]
    assert (shown.given, shown.not_approved, shown.of_no_theme, shown.further) == (100, 0, 40, 54)


@pytest.mark.parametrize("missing", [{"consent": False}, {"consent": None}, {"approved_by": None}, {"approved_by": "  "},
                                     {"quote": None}, {"consent": "no"}])
def test_nothing_is_shown_without_consent_and_approval(missing):
    shown = examples(drawn([40, 30, 30])[0], quoted(**missing))
    assert shown.table.empty and shown.not_approved == 100 and "about 100 without consent or approval" in shown.summary


def test_a_theme_of_few_people_has_no_sentences():
    shown = examples(drawn([50, 45, 5])[0], quoted())
    assert set(shown.table["theme"]) == {1} and shown.of_no_theme == 55


@pytest.mark.parametrize("personal", ["Write to a.reader@example.org", "Ring 020 7946 0000", "See www.example.org/me"])
def test_a_sentence_that_tells_who_wrote_it_is_refused_and_not_repeated(personal):
    with pytest.raises(ValueError, match="1 of 100 approved quotations hold") as refusal:
        examples(drawn([40, 30, 30])[0], quoted(quote=[personal] + ["Fine."] * 99))
    assert personal not in str(refusal.value)
    unapproved = quoted(quote=[personal] + ["Fine."] * 99, approved_by=[None] + ["AB"] * 99)
    assert personal not in set(examples(drawn([40, 30, 30])[0], unapproved).table["quote"])


def test_numbers_of_few_quotations_are_not_told():
    assert "Of fewer than 10 quotations" in examples(drawn([40, 30, 30])[0], quoted()[50:53]).summary
