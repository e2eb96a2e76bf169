"""Shares of people who came back, their difference and their ratio, each with its interval."""

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from ..privacy import suppress


def share_returned(followed, by=None, *, minimum_count=10):
    """Share of people who came back within the window, by group, with Wilson's 95% interval.

    Parameters
    ----------
    followed : DataFrame
        The people of `follow`, or those of `unasked_returns`; who is still in the window is left out.
    by : str, optional
        Column of groups; rows where it is missing are a group of their own. By default everybody is one.
    minimum_count : int
        Fewest people who came back, and who did not, behind a share that is shown; at least 5.

    Returns
    -------
    DataFrame
        label, n, estimate, low, high, rests_on (the fewer of those who came back and who did not), a row a group; missing
        where withheld.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22(158), 209-212.

    Examples
    --------
    >>> share_returned(pd.DataFrame({"returned": [True] * 20 + [False] * 80})).round(3).values.tolist()
    [['everybody', 100.0, 0.2, 0.133, 0.289, 20]]
    """
    over = followed[followed["returned"].notna()]
    group = "everybody" if by is None else over[by].astype(object).where(over[by].notna(), "not known")
    back = over["returned"].astype(bool)
    cells = pd.DataFrame({"label": group, "back": back, "away": ~back}).groupby("label")[["back", "away"]].sum()
    shown = suppress(cells, minimum_count).notna().all(axis=1).to_numpy()
    n = cells.sum(axis=1)
    low, high = proportion_confint(cells["back"].to_numpy(), n.to_numpy(), method="wilson")
    table = pd.DataFrame({"n": n.where(n >= minimum_count).astype(float), "estimate": cells["back"] / n,
                          "low": low, "high": high, "rests_on": cells.min(axis=1)})
    table.loc[~shown, ["estimate", "low", "high"]] = np.nan
    return table.reset_index()


def standardised_shares(returned, people):
    """Share of each arm who came back, every stratum weighing as its people do in both arms together.

    With one stratum these are the plain shares with Wilson's limits. With several, limits are recovered from those of the
    strata (MOVER).

    Parameters
    ----------
    returned, people : array-like of shape (n_strata, n_arms)
        Who came back, and of how many, above 0.

    Returns
    -------
    share, low, high : ndarray of shape (n_arms,)

    References
    ----------
    Zou & Donner (2008), Statistics in Medicine 27(10), 1693-1702.

    Examples
    --------
    >>> share, low, high = standardised_shares([[8, 1], [10, 40]], [[80, 20], [20, 80]])
    >>> share.round(3).tolist(), low.round(3).tolist()
    ([0.3, 0.275], [0.197, 0.218])
    """
    returned, people = np.asarray(returned, dtype=float), np.asarray(people, dtype=float)
    each = returned / people
    limits = proportion_confint(returned, people, method="wilson")
    weight = people.sum(axis=1, keepdims=True) / people.sum()
    share = (weight * each).sum(axis=0)
    low, high = (np.sqrt((weight**2 * (limit - each) ** 2).sum(axis=0)) for limit in limits)
    return share, share - low, share + high


def difference(share, low, high):
    """The first share less the second, with its 95% interval from the limits of both.

    From Wilson's limits this is Newcombe's interval (hybrid score, method 10).

    Parameters
    ----------
    share, low, high : ndarray of shape (2,)
        As made by `standardised_shares`.

    Returns
    -------
    estimate, low, high : float

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17(8), 873-890. Zou & Donner (2008), Statistics in Medicine 27(10), 1693-1702.

    Examples
    --------
    >>> print(*(f"{number:.4f}" for number in difference(*standardised_shares([[56, 48]], [[70, 80]]))))
    0.2000 0.0524 0.3339
    """
    gap = share[0] - share[1]
    return (float(gap), float(gap - np.hypot(share[0] - low[0], high[1] - share[1])),
            float(gap + np.hypot(high[0] - share[0], share[1] - low[1])))


def ratio(share, low, high):
    """The first share divided by the second, with its 95% interval from the limits of both.

    Parameters
    ----------
    share, low, high : ndarray of shape (2,)
        As made by `standardised_shares`, all shares above 0.

    Returns
    -------
    estimate, low, high : float

    References
    ----------
    Donner & Zou (2012), Statistical Methods in Medical Research 21(4), 347-359.

    Examples
    --------
    >>> print(*(f"{number:.2f}" for number in ratio(*standardised_shares([[56, 48]], [[70, 80]]))))
    1.33 1.08 1.66
    """
    (one, other), product = share, share[0] * share[1]
    lower, upper = low[0] * (2 * one - low[0]), high[0] * (2 * one - high[0])
    least, most = low[1] * (2 * other - low[1]), high[1] * (2 * other - high[1])
    return (float(one / other), float((product - np.sqrt(product**2 - lower * most)) / most),
            float((product + np.sqrt(product**2 - upper * least)) / least))
