"""Groups whose sum is mostly one person's, or whose share is nobody or everybody, so that they tell of single people."""

from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from .door import PrivacyError


def dominated(amounts, person, by, *, share=0.5, within=0.1):
    """Which groups' sums would give a person's amount away.

    By the (n, k) rule with n = 1, one person makes more than `share` of the sum; by the p% rule, the person with the second
    amount, who knows the sum and their own, would know the first to within the share `within` of it (Hundepool et al. 2012,
    Statistical disclosure control, on magnitude tables). Groups of one or two people are always dominated.

    Parameters
    ----------
    amounts : array-like of shape (n,)
        Acts, loans or minutes, 0 or more; several of a person in a group are added up first.
    person : array-like of shape (n,)
        Whose they are; those missing count as one person.
    by : array-like of shape (n,)
        In which group they are.
    share : float
        Of the sum, above which one person dominates it.
    within : float
        Of the largest amount, how closely it may not be known.

    Returns
    -------
    Series of bool, indexed by group
        True where the sum is to be withheld.

    Raises
    ------
    PrivacyError
        If an amount is negative or missing.

    Examples
    --------
    >>> dominated([5, 6, 7, 900, 6, 7], ["a", "b", "c", "d", "e", "f"], ["arts"] * 3 + ["law"] * 3).tolist()
    [False, True]
    """
    amounts, person = np.asarray(amounts, dtype=float), pd.factorize(pd.Series(person), use_na_sentinel=False)[0]
    if wrong := int((~(amounts >= 0)).sum()):
        raise PrivacyError(f"{wrong:,} of {len(amounts):,} amounts are missing or negative: give 0 or more of each person.")
    group, names = pd.factorize(pd.Series(by), sort=True, use_na_sentinel=False)
    each = csr_array((amounts, (group, person)), shape=(len(names), person.max(initial=-1) + 1))
    each.sum_duplicates()
    total = pd.Series(each.sum(axis=1), pd.Index(names, name="group"))
    second, first = np.array([np.partition(np.append(each.data[one:end], (0, 0)), -2)[-2:]
                              for one, end in pairwise(each.indptr)]).reshape(-1, 2).T
    return ((first > share * total) | (total - first - second < within * first)).rename("dominated")


def uniform_groups(shares, *, digits=0, impossible=None):
    """The groups in which a share is shown as 0% or 100%, which so says something of each of their people.

    Parameters
    ----------
    shares : Series or DataFrame
        Shares of people from 0 to 1, a row a group; missing where withheld.
    digits : int
        Decimals of the per cent shown.
    impossible : Series or DataFrame of bool, optional
        Shares that are 0 by definition, which tell nothing.

    Returns
    -------
    DataFrame
        group; what (the column, or the name of the Series); holds, "nobody" or "everybody"; in the order of `shares`.

    Examples
    --------
    >>> shares = pd.DataFrame({"print": [0.3, 0.0], "online": [0.7, 1.0]}, index=["arts", "law"])
    >>> uniform_groups(shares).values.tolist()
    [['law', 'print', 'nobody'], ['law', 'online', 'everybody']]
    """
    table = shares.to_frame() if isinstance(shares, pd.Series) else shares
    seen = table.to_numpy(dtype=float).round(digits + 2)
    known = np.zeros(seen.shape, dtype=bool) if impossible is None else np.asarray(impossible).reshape(seen.shape)
    rows = [(table.index[row], table.columns[column], "everybody" if seen[row, column] else "nobody")
            for row, column in np.argwhere(np.isin(seen, (0, 1)) & ~known)]
    return pd.DataFrame(rows, columns=["group", "what", "holds"])
