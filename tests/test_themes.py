"""Statements about themes: which comments are read, which themes are found, and when none is."""

import re
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import adjusted_mutual_info_score as agreement
from threadpoolctl import threadpool_limits

from libengage_utils.themes import find_themes, finding, readable
from libengage_utils.themes.stability import choose, shuffled, space, stability
from libengage_utils.themes.vocabulary import word_counts

DEMO = Path(__file__).parent.parent / "data" / "demo"
TONGUES = {
    "English": "I could not find the book that was on the list, and nobody at the desk knew.",
    "French": "L'imprimante ne marche jamais et personne n'a répondu à ma question.",
    "German": "Das Buch ist seit Wochen ausgeliehen, und ich habe noch nichts gehört.",
    "Spanish": "No entiendo cómo se reserva una sala, y la impresora no funciona.",
    "Italian": "Non riesco a trovare il libro che cercavo e nessuno mi ha risposto.",
    "Portuguese": "Não consigo encontrar o livro e ninguém respondeu à minha pergunta.",
    "Dutch": "Ik kan het boek niet vinden en niemand heeft mij geholpen.",
    "Polish": "Czekam na książkę od trzech tygodni i nikt mi nie odpowiedział.",
    "Welsh": "Mae'r argraffydd wedi torri eto ac nid oedd neb wrth y ddesg.",
    "Swedish": "Jag kan inte hitta boken som jag sökte och ingen har svarat på min fråga.",
    "Danish or Norwegian": "Jeg kan ikke finde bogen, og der var ingen som kunne hjælpe mig.",
    "Chinese": "我等了三个星期还没有拿到书。",
    "in Cyrillic script": "Принтер снова не работает, и никто не ответил.",
    "Greek": "Δυστυχώς, εκτυπωτής δεν λειτουργεί και κανείς δεν απάντησε.",
}


def planted(n=500, topics=5, seed=0, own=0.45):
    """Comments of made-up words: some of its topic's own, the others of everybody's; and their topics."""
    rng = np.random.default_rng(seed)
    syllables = [c + v for c in "bdfgklmnprtvz" for v in "aeiou"]
    words = list(dict.fromkeys("".join(rng.choice(syllables, 3)) + "n" for _ in range(40 * topics + 400)))
    likely = 1 / np.arange(1, 301)
    topic = rng.integers(topics, size=n)
    texts = []
    for at in topic:
        mine = rng.choice(words[300 + 20 * at:320 + 20 * at], rng.binomial(12, own), p=likely[:20] / likely[:20].sum())
        texts.append(" ".join([*mine, *rng.choice(words[:300], 12 - len(mine), p=likely / likely.sum())]))
    comments = pd.DataFrame({"feedback_id": [f"f{at:04}" for at in range(n)], "text": texts})
    return comments.assign(person_key=[f"p{at // 2}" for at in range(n)]), topic


@pytest.fixture(scope="module")
def found():
    return find_themes(planted()[0], n_themes=[3, 5, 8])


# --- which comments are read ---

@pytest.mark.parametrize("tongue", TONGUES)
def test_a_comment_in_another_language_is_left_out_and_named(tongue):
    main = "French" if tongue == "English" else "English"
    comments = pd.Series([TONGUES[main]] * 30 + [TONGUES[tongue]] * 20)
    read = readable(comments)
    assert read.language == main and len(read.comments) == 30
    reason = tongue if tongue.startswith("in ") else f"in {tongue}"
    assert read.left_out.loc[reason, "comments"] == 20 and reason in read.summary


def test_the_language_to_read_may_be_given():
    comments = pd.Series([TONGUES["English"]] * 30 + [TONGUES["Welsh"]] * 20)
    assert len(readable(comments, "Welsh").comments) == 20
    with pytest.raises(ValueError, match="No function words of Klingon are known: choose from English, French"):
        readable(comments, "Klingon")


def test_what_cannot_be_told_counts_as_the_main_language():
    short = ["Printer kaput Montag", "Las Palmas library", "¡Wifi lento siempre!"]
    assert len(readable(pd.Series([TONGUES["English"]] * 30 + short)).comments) == 33
    for alike in ("Printer jams daily", "Der er det"):
        read = readable(pd.Series([alike] * 30))
        assert read.language == "" and len(read.comments) == 30 and "a language that cannot be told" in read.summary


def test_no_comment_disappears_uncounted():
    silent = ["Thanks"] * 12 + [None, "", "<br/>", "👍👍"] * 10
    comments = pd.Series([TONGUES["English"]] * 40 + silent + [TONGUES["Dutch"]] * 11)
    table = readable(comments).left_out
    assert table["comments"].sum() == len(comments) and table["share"].sum() == pytest.approx(1)
    assert table["comments"].to_dict() == {"read": 40, "no text": 30, "fewer than three words": 22, "in Dutch": 11}


def test_few_people_are_withheld_and_cannot_be_worked_out():
    comments = pd.Series([TONGUES["English"]] * 40 + ["Thanks"] * 4 + [TONGUES["Dutch"]] * 3 + [TONGUES["Polish"]] * 5)
    table = readable(comments).left_out
    assert table.loc["another reason", "comments"] == 12 and "in Dutch" not in table.index
    few = readable(comments[:43])
    assert few.left_out.loc["read"].isna().all() and "but for a few" in few.summary and "40" not in few.summary


def test_languages_written_without_spaces_cannot_be_read():
    read = readable(pd.Series([TONGUES["Chinese"]] * 30 + [TONGUES["English"]] * 12))
    assert read.language == "Chinese" and read.comments.empty
    assert read.left_out.loc["written without spaces between words", "comments"] == 30


def test_words_are_letters_without_markup_function_words_or_ways_of_writing_accents():
    text = "<p>The <b>CAFÉ</b> isn&#39;t open at 9, &amp; I'd like tea 👍</p>"
    for form in ("NFC", "NFD"):
        assert readable(pd.Series([unicodedata.normalize(form, text)])).comments["words"].tolist() == [
            ["café", "open", "tea"]]


def test_comments_that_cannot_be_told_apart_are_refused():
    twice = pd.DataFrame({"feedback_id": ["a", "a", None], "text": "The words are here"})
    with pytest.raises(ValueError, match="2 of 3 comments have no feedback_id, or one that another has"):
        readable(twice)
    with pytest.raises(ValueError, match="no column text"):
        readable(twice[["feedback_id"]])
    with pytest.raises(ValueError, match="There are no comments"):
        readable(twice[:0])


# --- which themes are found ---

def test_planted_themes_are_found_and_their_number_is_chosen(found):
    comments, topic = planted()
    assert found.chosen == 5 and found.stable and len(found.labels) == 5
    in_theme = found.assigned["theme"].notna().to_numpy()
    assert in_theme.mean() > 0.85 and agreement(topic[in_theme], found.assigned["theme"][in_theme]) > 0.85
    row = found.stability.loc[5]
    assert row["null"] < 0.2 < row["low"] < row["estimate"] < row["high"] and 0 < found.explained < 1
    for _, terms in found.terms.groupby("theme"):
        spoken = np.array([set(terms["term"][:3]) & set(text.split()) != set() for text in comments["text"]])
        assert np.bincount(topic[spoken]).max() / spoken.sum() > 0.8


def test_the_sentences_say_how_far_halves_agree(found):
    assert found.headline.startswith("5 themes are told apart, on which two halves of the comments agree almost entirely")
    row = found.stability.loc[5]
    assert f"agree to {row.estimate:.2f} ({row.low:.2f} to {row.high:.2f}" in found.summary
    assert found.left_out.loc["read", "comments"] == 500 and "It is the largest number tried" not in found.summary


def test_words_dealt_out_at_random_have_no_themes():
    comments, _ = planted(300)
    words = np.random.default_rng(0).permutation(" ".join(comments["text"]).split())
    parts = np.split(words, np.cumsum([len(text.split()) for text in comments["text"]])[:-1])
    themes = find_themes(comments.assign(text=[" ".join(part) for part in parts]))
    assert not themes.stable and not themes.stability["stable"].any() and themes.stability["estimate"].max() < 0.2
    assert themes.headline.startswith("No number of themes is stable")


def test_order_and_kind_of_frame_never_matter(found):
    comments = planted()[0].sample(frac=1, random_state=1)
    for frame in (comments, pl.from_pandas(comments)):
        again = find_themes(frame, n_themes=[3, 5, 8])
        pd.testing.assert_frame_equal(again.terms, found.terms)
        pd.testing.assert_frame_equal(again.assigned, found.assigned)
        pd.testing.assert_frame_equal(again.stability, found.stability)


def test_themes_are_numbered_from_the_largest_and_labelled_by_their_top_terms(found):
    assert found.assigned["theme"].value_counts().sort_index().is_monotonic_decreasing
    first = found.terms[found.terms["theme"] == 1]
    assert found.labels[1] == ", ".join(first["term"][:3]) and first["weight"].is_monotonic_decreasing
    assert found.terms.groupby("theme").size().max() <= 10


def test_those_that_fit_no_theme_are_people_enough_to_be_counted(found):
    none = found.read.comments["person"][found.assigned["theme"].isna()]
    assert none.nunique() >= 10
    assert found.assigned["weight"][found.assigned["theme"].isna()].mean() < found.assigned["weight"].mean()


def test_no_term_rests_on_few_people():
    comments, _ = planted(300, topics=3)
    comments.loc[:59, ["person_key", "text"]] = ["grumbler", "lift lift stairs broken again " * 3]
    themes = find_themes(comments, n_themes=4)
    assert not {"lift", "stairs", "broken"} & set(themes.terms["term"])
    assert "too few people to name it" in set(themes.labels)


def test_plurals_are_counted_with_a_singular_that_occurs():
    words = [["books", "boxes", "queries", "news", "atlas", "seats"], ["book", "box", "query", "new", "atlas", "seats"]]
    counts, kept = word_counts(words * 50 + [["printer"]] * 100, [], 200)
    assert list(kept) == ["atlas", "book", "box", "new", "news", "printer", "query", "seats"]
    assert counts.sum(axis=0).tolist() == [[100, 100, 100, 50, 50, 100, 100, 100]]
    with pytest.raises(ValueError, match="hardly a word in common"):
        word_counts([["book"]] * 200, [], 200)


def test_words_may_be_left_out(found):
    name = found.terms["term"].iloc[0]
    assert name not in set(find_themes(planted()[0], n_themes=5, leave_out=[name.upper()]).terms["term"])


def test_vectors_of_ones_own_are_sorted_in_place_of_words():
    comments, topic = planted(300, topics=3, own=0.5)
    rng = np.random.default_rng(0)
    vectors = pd.DataFrame(np.eye(4)[topic] + rng.normal(0, 0.2, (300, 4)), index=comments["feedback_id"])
    themes = find_themes(comments, n_themes=[3, 6], vectors=vectors.sample(frac=1, random_state=0))
    in_theme = themes.assigned["theme"].notna().to_numpy()
    assert themes.chosen == 3 and themes.stable
    assert agreement(topic[in_theme], themes.assigned["theme"][in_theme]) > 0.95
    with pytest.raises(ValueError, match="10 of 300 comments that can be read have no vector, or two"):
        find_themes(comments, vectors=vectors[10:])


def test_strange_comments_are_survived():
    comments, _ = planted(300, topics=3)
    comments.loc[:4, "text"] = ["word " * 10_000, "<script>alert(1)</script> &lt;b&gt; the end is here", "🎉" * 400, None,
                                "\0 \u200b the a"]
    themes = find_themes(comments, n_themes=3)
    assert themes.chosen == 3 and set(comments["feedback_id"]) - set(themes.assigned.index) == {"f0002", "f0003", "f0004"}
    assert pd.isna(themes.assigned.loc["f0000", "theme"])


def test_many_comments_are_placed_by_what_some_have_taught(monkeypatch):
    monkeypatch.setattr(finding, "FITTED", 300)
    monkeypatch.setattr(finding, "COMPARED", 250)
    comments, topic = planted(900, topics=4)
    themes = find_themes(comments, n_themes=4)
    in_theme = themes.assigned["theme"].notna().to_numpy()
    assert len(in_theme) == 900 and agreement(topic[in_theme], themes.assigned["theme"][in_theme]) > 0.8


def test_progress_is_told_once_it_takes_long(monkeypatch):
    told = []
    find_themes(planted(300)[0], n_themes=3, progress=told.append)
    assert not told or told[0].startswith("Themes: ")
    monkeypatch.setattr(finding, "PATIENCE", 0)
    find_themes(planted(300)[0], n_themes=3, progress=told.append)
    assert told[-1].startswith("Themes: 100% done after ") and all(re.search(r"\d seconds", words) for words in told)


def test_too_few_comments_or_too_many_themes_are_refused():
    comments, _ = planted(300)
    with pytest.raises(ValueError, match="199 comments can be read, and themes are looked for among 200 or more"):
        find_themes(comments[:199])
    for wrong in (1, 31, []):
        with pytest.raises(ValueError, match="for 300 comments at most 30"):
            find_themes(comments, n_themes=wrong)


# --- how many ---

@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_the_null_deals_the_same_words_over_comments_of_the_same_lengths(seed):
    rows = sparse.csr_matrix(np.random.default_rng(seed).poisson(0.4, (30, 20)))
    dealt = shuffled(rows, np.random.default_rng(seed))
    for axis in (0, 1):
        assert (dealt.sum(axis=axis) == rows.sum(axis=axis)).all()


def test_a_frequent_word_without_company_makes_no_direction(monkeypatch):
    monkeypatch.setattr("libengage_utils.themes.stability.DIMENSIONS", 2)
    rng = np.random.default_rng(0)
    rows = np.hstack([rng.integers(0, 2, (400, 1)), np.kron(np.eye(2, dtype=int), np.ones((200, 5), dtype=int))
                      * rng.integers(0, 2, (400, 10))])
    place = space(sparse.csr_matrix(rows))
    lonely = place(sparse.csr_matrix(np.vstack([rows[0], rows[0] ^ np.eye(11, dtype=int)[0]])))
    assert lonely[0] @ lonely[1] > 0.95


def test_the_largest_number_that_comes_back_as_well_as_the_surest_is_chosen():
    table = pd.DataFrame({"estimate": [0.9, 0.85, 0.8, 0.5], "low": [0.5, 0.78, 0.7, 0.4], "stable": True},
                         index=[3, 5, 6, 9])
    assert choose(table) == 6
    assert choose(table.assign(stable=[False, False, False, True])) == 9
    assert choose(table.assign(stable=False)) == 6


def test_two_halves_agree_less_the_more_the_topics_share():
    estimates = []
    for own in (0.6, 0.25, 0.1):
        words = readable(planted(300, topics=3, own=own)[0]).comments["words"]
        with threadpool_limits(limits=1):
            estimates.append(stability(word_counts(words, [], 300)[0], [3], splits=4)["estimate"].iloc[0])
    assert estimates == sorted(estimates, reverse=True) and estimates[0] > 0.8 and estimates[-1] < 0.3


# --- the demo ---

def test_themes_of_the_demo_are_those_of_its_touchpoints():
    feedback = pd.read_csv(DEMO / "feedback.csv.gz").rename(columns={"person_id": "person_key"})
    box = feedback[feedback["instrument"] == "comment box"]
    themes = find_themes(box, n_themes=20)
    touchpoint = box.set_index("feedback_id")["touchpoint"].reindex(themes.assigned.index)
    in_theme = themes.assigned["theme"].notna()
    assert themes.stable and in_theme.mean() > 0.9
    assert agreement(touchpoint[in_theme], themes.assigned["theme"][in_theme]) > 0.3
    assert themes.read.language == "English" and themes.left_out.loc["in another language", "comments"] < 40
    databases = themes.assigned["theme"][touchpoint == "database"].mode()[0]
    assert themes.labels[databases].startswith("database")
