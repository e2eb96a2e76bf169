"""Counts below a minimum withheld, with enough others that the margins cannot give them back."""

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from .door import PrivacyError


def suppress(counts, minimum=10, *, impossible=None):
    """Withhold counts below a minimum, and enough others that the margins cannot give them back.

    Every row and column total of a table is taken to be public, unless it is below `minimum` itself; such a
    total must not be shown. Cells below `minimum` are withheld
    first (primary suppression); then, while a withheld cell can be pinned to an interval narrower
    than `minimum` by linear programming over the margins, the smallest shown cell on its row or
    column is withheld too (complementary suppression); in the end rows and cells of these are shown
    again, largest first, where that gives nothing away. Method: Fischetti & Salazar (2000), by a greedy
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
    if minimum < 5:
        raise PrivacyError(f"A minimum count of {minimum} protects nobody; the least accepted is 5.")
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
    lines = [on for on, _ in public]
    margins = np.array(lines, dtype=float)
    for at, cell in enumerate(cells):
        aim = np.zeros(len(cells))
        aim[at] = 1
        low, high = (linprog(sign * aim, A_eq=margins, b_eq=totals, method="highs") for sign in (1, -1))
        if high.status == 0 and -high.fun - low.fun < minimum - 1e-6:      # status 3: without limit
            return tuple(cell)
    return None
