"""Counts below a minimum withheld, with enough others that no sum gives them back, in one table or in several together."""

import numpy as np
import pandas as pd

from .bounds import reach
from .door import PrivacyError
from .linked import Count, groups_of, told_closely

LEAST = 5  # a minimum below it protects nobody


def suppress(counts, minimum=10, *, impossible=None):
    """Withhold counts below a minimum, and enough others that the margins cannot give them back.

    Every row and column total of a table is taken to be public, unless it is below `minimum` itself; such a
    total must not be shown. Cells below `minimum` are withheld
    first (primary suppression); then, while a withheld cell can be pinned to an interval narrower
    than `minimum` by linear programming over the margins, the smallest shown cell on its row or
    column is withheld too (complementary suppression); in the end rows and cells of these are shown
    again, largest first, where that gives nothing away. Where a table is withheld whole, even that may not be enough:
    none of its totals may be shown then. Method: Fischetti & Salazar (2000), by a greedy
    heuristic with their attacker's linear program as the audit.

    Parameters
    ----------
    counts : Series or DataFrame of int
        Counts of people; a Series is a table of one row.
    minimum : int
        The least count shown; at least 5.
    impossible : Series or DataFrame of bool, optional
        Cells that are 0 by definition, which everybody knows: shown, and no help in hiding others.

    Returns
    -------
    Series or DataFrame
        The same shape, floats, missing where withheld.

    Raises
    ------
    PrivacyError
        If `minimum` is below 5, or an impossible cell is not 0.

    Examples
    --------
    >>> suppress(pd.Series({"none": 400, "some": 25, "much": 3}), minimum=10)
    none    400.0
    some      NaN
    much      NaN
    dtype: float64
    """
    _need_minimum(minimum)
    table = np.atleast_2d(np.asarray(counts, dtype=float))
    fixed = np.zeros(table.shape, dtype=bool) if impossible is None else np.atleast_2d(np.asarray(impossible))
    if table[fixed].any():
        raise PrivacyError("A cell that is called impossible holds people; correct the table or what is impossible in it.")
    hidden = (table < minimum) & ~fixed
    while (exposed := _exposed(table, hidden, minimum)) is not None:
        row, column = exposed
        cross = np.zeros_like(hidden)
        cross[row, :] = cross[:, column] = True
        candidates = np.argwhere(cross & ~hidden & ~fixed)
        if not len(candidates):
            candidates = np.argwhere(~hidden & ~fixed)
        if not len(candidates):
            break
        smallest = min(map(tuple, candidates), key=lambda cell: table[cell])
        hidden[smallest] = True
    spare = hidden & (table >= minimum)
    rows = [np.arange(len(table))[:, None] == row for row in np.argsort(-table.sum(axis=1))]
    cells = [np.arange(table.size).reshape(table.shape) == cell for cell in np.argsort(-table, axis=None)]
    for back in [*rows, *cells]:
        if (spare & hidden & back).any() and _exposed(table, hidden & ~(spare & back), minimum) is None:
            hidden = hidden & ~(spare & back)
    shown = np.where(hidden, np.nan, table)
    if isinstance(counts, pd.Series):
        return pd.Series(shown[0], index=counts.index, name=counts.name)
    return pd.DataFrame(shown, index=counts.index, columns=counts.columns)


def suppress_together(tables, minimum=10, *, impossible=()):
    """Withhold counts below a minimum in several tables of the same people, and enough others that none gives them back.

    As `suppress`, with the audit of `exposed` over all tables: the smallest count on a line with an exposed one is
    withheld next, or the smallest of all where its lines are spent; what is spare is shown again, largest first. A count
    that stands in two tables is withheld in both. Nothing else is taken to be public: totals that are shown are tables too.

    Parameters
    ----------
    tables : sequence of Series, DataFrame or number
        Counts of people; axes bear the names of attributes, and a number is everybody.
    minimum : int
        The least count shown; at least 5.
    impossible : sequence of dict
        Groups that are empty by definition, which everybody knows: a value for each attribute named.

    Returns
    -------
    list
        The tables in the same shapes, floats, missing where withheld.

    Raises
    ------
    PrivacyError
        If `minimum` is below 5, tables give a group different numbers, or an impossible group is not empty.

    Examples
    --------
    >>> faculty = pd.Series({"arts": 400, "law": 25, "medicine": 3}).rename_axis("faculty")
    >>> again = pd.Series({"arts": 400, "law": 25}).rename_axis("faculty")
    >>> [table.tolist() for table in suppress_together([faculty, again, 428])[:2]]
    [[400.0, nan, nan], [400.0, nan]]
    """
    _need_minimum(minimum)
    people = {}
    for group, number in (cell for table in tables for cell in _cells(table)):
        if people.setdefault(group, number) != number:
            raise PrivacyError("Two tables give the same group different numbers; name them apart if both are right.")
    empty = {_key(group) for group in impossible}
    if any(people.get(group) for group in empty):
        raise PrivacyError("A group that is called impossible holds people; correct either.")

    def told(hidden):
        return told_closely([Count("the tables", dict(group), number, number, withheld=group in hidden)
                             for group, number in people.items()], minimum)

    hidden = {group for group, number in people.items() if number < minimum and group not in empty}
    while (found := told(hidden)):
        shown = [group for group in people if group not in hidden | empty]
        aim = found[0][0]
        near = [aim.without] if aim.what == "difference" else [group for group in shown if _on_a_line(group, aim.group)]
        hidden.add(min(near or shown, key=lambda group: (people[group], group)))
    for group in sorted(hidden, key=lambda group: (-people[group], group)):
        if people[group] >= minimum and not told(hidden - {group}):
            hidden.remove(group)
    return [_without(table, hidden) for table in tables]


def _need_minimum(minimum):
    if minimum < LEAST:
        raise PrivacyError(f"A minimum count of {minimum} protects nobody; the least accepted is {LEAST}.")


def _exposed(table, hidden, minimum):
    """The first withheld cell that the margins pin to fewer than `minimum` possible values."""
    cells = np.argwhere(hidden)
    if not len(cells):
        return None
    lines = [(cells[:, 0] == i, table[i]) for i in range(table.shape[0])]
    if table.shape[0] > 1:
        lines += [(cells[:, 1] == j, table[:, j]) for j in range(table.shape[1])]
    public = [(on, line) for on, line in lines if line.sum() >= minimum and on.any()]
    if not public:
        return None
    totals = [table[tuple(cells[on].T)].sum() for on, _ in public]
    margins = np.array([on for on, _ in public], dtype=float)
    low, high = reach((margins, totals, totals), np.eye(len(cells)), lambda low, high: high - low >= minimum,
                      most=table.sum() + minimum, whole=False)
    narrow = np.flatnonzero(high - low < minimum)
    return tuple(cells[narrow[0]]) if len(narrow) else None


def _key(group):
    return tuple(sorted(group.items()))


def _cells(table):
    return [(_key(group), number) for group, number in groups_of(table)]


def _on_a_line(group, other):
    """Whether two groups differ in the value of one attribute only."""
    return [name for name, _ in group] == [name for name, _ in other] and len(set(group) - set(other)) == 1


def _without(table, hidden):
    """A table with what is hidden missing."""
    numbers = np.array([np.nan if group in hidden else float(number) for group, number in _cells(table)])
    if np.isscalar(table):
        return float(numbers[0])
    if isinstance(table, pd.Series):
        return pd.Series(numbers, table.index, name=table.name)
    return pd.DataFrame(numbers.reshape(table.shape), table.index, table.columns)
