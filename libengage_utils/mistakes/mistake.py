"""A tempting reading of true numbers and its repair, and when there is none."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """A tempting reading of true numbers, and its repair.

    Where the numbers do not tempt anybody to it, there is none: its function raises ValueError.

    Attributes
    ----------
    said : str
        The reading, as a report might put it.
    repair : str
        What is wrong with it, and what the same data say then.
    """

    said: str
    repair: str


def enough(minimum_count, groups):
    """Refuse to tell of groups of too few people: words for each group -> its people."""
    for words, people in groups.items():
        if people < minimum_count:
            raise ValueError(f"Too few people are among those {words} to make the comparison.")


def tempting(holds):
    """Refuse a reading that these numbers do not even suggest."""
    if not holds:
        raise ValueError("The mistaken reading that could stand here does not arise from these numbers.")


def enough_of_both(minimum_count, rows, group, outcome, words):
    """Refuse shares of an outcome by group that rest on too few people who had it, or had it not."""
    people = rows.groupby([group, outcome])["person_key"].nunique()
    for own in (True, False):
        for had in (True, False):
            enough(minimum_count, {f"{words[own]} and {'came' if had else 'never came'} again": people.get((own, had), 0)})
