"""Lots: everybody has the same chance, people alike are shared out evenly, and the same seed draws the same."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.letters.lots import draw_lots


def crowd(*sizes):
    """People in groups a, b, ... of these sizes."""
    groups = np.repeat([chr(97 + i) for i in range(len(sizes))], sizes)
    return pd.DataFrame({"person_key": [f"p{i:05}" for i in range(len(groups))], "group": groups})


SIZES = st.lists(st.integers(2, 40), min_size=1, max_size=6)
SHARE = st.sampled_from([0.1, 0.29, 1 / 3, 0.5, 0.7])


@settings(deadline=None)
@given(SIZES, SHARE, st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_changes_a_lot(sizes, share, seed, random):
    people = crowd(*sizes)
    rows = list(range(len(people)))
    random.shuffle(rows)
    lots = draw_lots(people, share=share, strata=["group"], seed=seed)
    pd.testing.assert_frame_equal(lots, draw_lots(people.iloc[rows], share=share, strata=["group"], seed=seed))


@settings(deadline=None)
@given(SIZES, SHARE, st.integers(0, 2**32))
def test_every_stratum_and_all_together_stay_within_one_letter_of_the_plan(sizes, share, seed):
    lots = draw_lots(crowd(*sizes), share=share, strata=["group"], seed=seed)
    letters = (lots["arm"] == "letter").groupby(lots["stratum"]).sum()
    for n, drawn in zip([*sizes, sum(sizes)], [*letters, letters.sum()], strict=True):
        assert math.floor(n * share + 1e-9) <= drawn <= math.ceil(n * share - 1e-9)


def letters_drawn(people, share, draws=500):
    """For each draw and person, whether the lot was a letter."""
    lots = (draw_lots(people, share=share, strata=["group"], seed=seed) for seed in range(draws))
    return np.array([each["arm"] == "letter" for each in lots])


def test_everybody_s_chance_is_the_share_exactly():
    """In strata of 2 and 3, a chance of 0.3 never comes out even; rounding would make it 1/2 and 1/3."""
    drawn = letters_drawn(crowd(2, 3), 0.3)
    assert np.abs(drawn.mean(axis=0) - 0.3).max() < 4 * math.sqrt(0.3 * 0.7 / len(drawn))


def test_every_two_people_have_the_same_chance_of_two_letters():
    drawn = letters_drawn(crowd(4), 0.5).astype(int)
    both = (drawn.T @ drawn / len(drawn))[np.triu_indices(4, 1)]
    assert np.abs(both - 1 / 6).max() < 4 * math.sqrt(5 / 36 / len(drawn))


def test_another_seed_draws_other_lots():
    people = crowd(200)
    arms = [draw_lots(people, seed=seed)["arm"] for seed in (1, 1, 2)]
    assert arms[0].equals(arms[1]) and not arms[0].equals(arms[2])


def test_strata_are_named_in_words():
    people = pd.DataFrame({"person_key": list("abcdefgh"), "seen_before": [True, False] * 4,
                           "mode": ["distance"] * 4 + [None] * 4, "new_here": [True] * 4 + [False] * 4})
    lots = draw_lots(people, strata=["seen_before", "mode", "new_here"], seed=0)
    assert lots["stratum"].tolist()[:2] == ["seen before, distance, new here", "never seen, distance, new here"]
    assert lots["stratum"].tolist()[-1] == "never seen, mode unknown, not new here"


def test_whoever_is_alone_in_a_stratum_is_put_with_others():
    lots = draw_lots(crowd(5, 1, 1), strata=["group"], seed=0)
    assert lots["stratum"].tolist() == ["a"] * 5 + ["other"] * 2 and set(lots["arm"][5:]) == {"letter", "holdout"}


def test_without_strata_all_are_drawn_among_all():
    lots = draw_lots(crowd(6), share=0.5, seed=0)
    assert set(lots["stratum"]) == {"all"} and (lots["arm"] == "letter").sum() == 3 and set(lots["probability"]) == {0.5}


PEOPLE = crowd(4)


@pytest.mark.parametrize(("people", "options", "words"), [
    (PEOPLE, {"share": 1}, "without a holdout nothing can be learned"),
    (PEOPLE, {"share": 0.0}, "without letters neither"),
    (PEOPLE.head(0), {}, "nobody to draw lots among"),
    (pd.concat([PEOPLE, PEOPLE.head(1)]), {}, "1 of 5 rows are of a person who is there already"),
    (PEOPLE.assign(person_key=["a", "b", "c", None]), {}, "or of nobody"),
    (PEOPLE, {"strata": ["school"]}, "no column school"),
    (PEOPLE.assign(contact_opt_out=[True, False, False, False]), {}, "may not be written to"),
    (PEOPLE.assign(contactable=False), {}, "4 of 4 rows")])
def test_no_lot_is_drawn_that_could_teach_nothing_or_may_not_be(people, options, words):
    with pytest.raises(ValueError, match=words):
        draw_lots(people, seed=0, **options)
