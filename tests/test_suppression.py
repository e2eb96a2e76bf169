"""Small numbers are withheld, and neither margins nor dominant people give them back."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.privacy import PrivacyError, dominated, suppress, uniform_groups

MINIMUM = 5


def agreeing(table, hidden):
    """Every table of whole numbers with the same shown cells and public margins, by trying them all."""
    lines = [(axis, at) for axis in (0, 1) for at in range(table.shape[axis])]
    left = {(axis, at): (table * hidden).take(at, axis=axis).sum() for axis, at in lines
            if table.take(at, axis=axis).sum() >= MINIMUM}
    cells = [tuple(map(int, cell)) for cell in np.argwhere(hidden)]

    def fill(done, left):
        if len(done) == len(cells):
            if not any(left.values()):
                yield done
            return
        own = [line for line in enumerate(cells[len(done)]) if line in left]
        for value in range(min((left[line] for line in own), default=table.sum() + MINIMUM) + 1):
            yield from fill([*done, value], left | {line: left[line] - value for line in own})

    return np.array([*fill([], left)])


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 3).flatmap(lambda columns: st.lists(
    st.lists(st.integers(0, 9), min_size=columns, max_size=columns), min_size=2, max_size=3)))
def test_no_withheld_cell_can_be_recovered_from_the_margins(rows):
    table = np.array(rows)
    shown = suppress(pd.DataFrame(table), minimum=MINIMUM)
    hidden = shown.isna().to_numpy()
    assert hidden[table < MINIMUM].all() and (shown.to_numpy() == table)[~hidden].all()
    if hidden.any() and hidden.sum() <= 5 and not hidden.all():      # of a table withheld whole no total may be shown
        assert (np.ptp(agreeing(table, hidden), axis=0) >= MINIMUM).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=6))
def test_no_withheld_cell_of_one_row_can_be_recovered_from_its_total(counts):
    shown = suppress(pd.Series(counts), minimum=MINIMUM)
    hidden = shown.isna()
    if hidden.any() and not hidden.all():
        assert hidden.sum() > 1 and sum(np.array(counts)[hidden]) >= MINIMUM


def test_one_small_cell_takes_a_second_with_it():
    shown = suppress(pd.Series({"a": 400, "b": 25, "c": 3}))
    assert shown.isna().tolist() == [False, True, True]


def test_a_table_without_small_cells_is_shown_whole():
    table = pd.DataFrame([[10, 20], [30, 40]])
    assert (suppress(table) == table).all(axis=None)


def test_withheld_is_never_zero():
    assert suppress(pd.Series([0, 50, 60])).isna()[0]


def test_impossible_cells_are_shown_and_hide_nothing():
    shown = suppress(pd.Series([0, 3, 50, 60]), impossible=pd.Series([True, False, False, False]))
    assert shown.isna().tolist() == [False, True, True, False]


def test_an_impossible_cell_that_holds_people_is_refused():
    with pytest.raises(PrivacyError, match="called impossible"):
        suppress(pd.Series([1, 50]), impossible=pd.Series([True, False]))


def test_a_minimum_below_five_is_refused():
    with pytest.raises(PrivacyError, match="least accepted is 5"):
        suppress(pd.Series([1, 2]), minimum=4)


# --- sums that are mostly one person's, and groups that are all alike ---

def test_a_group_whose_largest_amount_makes_most_of_the_sum_is_dominated():
    assert dominated([60, 20, 20, 30, 30, 40], list("abcdef"), ["x"] * 3 + ["y"] * 3).to_dict() == {"x": True, "y": False}


def test_a_group_whose_second_person_could_tell_the_first_is_dominated():
    amounts = [48, 48, 4, 48, 48, 5]                                  # the rest is under or over a tenth of the largest
    assert dominated(amounts, list("abcdef"), ["x"] * 3 + ["y"] * 3).to_dict() == {"x": True, "y": False}


def test_amounts_of_one_person_are_added_up_before_they_are_compared():
    assert dominated([20, 20, 20, 20, 19], ["a", "a", "a", "b", "c"], ["x"] * 5)["x"]
    assert not dominated([20, 20, 20, 20, 19], list("abcde"), ["x"] * 5)["x"]


def test_groups_of_one_or_two_people_are_dominated_and_groups_without_an_amount_are_not():
    found = dominated([5, 5, 5, 0, 0], list("abcde"), ["one", "two", "two", "none", "none"])
    assert found.to_dict() == {"none": False, "one": True, "two": True}


def test_amounts_of_nobody_known_count_as_one_persons_and_those_of_no_group_stay_apart():
    found = dominated([4, 4, 4, 20, 20, 9], ["a", "b", "c", None, None, "d"], ["x"] * 5 + [None])
    assert found.tolist() == [True, True] and found.index.isna().tolist() == [False, True]
    assert dominated([], [], []).empty


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5), st.sampled_from("xy")), min_size=1), st.randoms())
def test_the_order_of_rows_never_changes_what_is_dominated(rows, random):
    shuffled = random.sample(rows, len(rows))
    assert dominated(*zip(*rows, strict=True)).equals(dominated(*zip(*shuffled, strict=True)))


@pytest.mark.parametrize("amount", [-1, np.nan])
def test_amounts_that_are_missing_or_negative_are_refused(amount):
    with pytest.raises(PrivacyError, match="1 of 2 amounts"):
        dominated([amount, 3], ["a", "b"], ["x", "x"])


def test_a_share_shown_as_nobody_or_everybody_is_named_unless_it_cannot_be_otherwise():
    shares = pd.DataFrame({"yes": [0.004, 0.3, np.nan, 0], "no": [0.996, 0.7, np.nan, 1]}, index=list("abcd"))
    assert uniform_groups(shares)["group"].tolist() == ["a", "a", "d", "d"]
    assert uniform_groups(shares, digits=1)["group"].tolist() == ["d", "d"]
    assert uniform_groups(shares, digits=1, impossible=shares.isin([0, 1])).empty
