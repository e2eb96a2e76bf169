"""An estimate under every combination of reasonable choices, so that a reader sees what hangs on which."""

from itertools import product

import numpy as np
import pandas as pd

FIGURES = ["estimate", "low", "high", "rests_on"]


def specifications(estimate, choices, judged, **fixed):
    """Make the same estimate under every combination of reasonable choices (a specification curve).

    Parameters
    ----------
    estimate : callable
        Takes a keyword for each name in `choices`, and those in `fixed`; gives an object with numbers `estimate`,
        `low` and `high` (95%), and `rests_on`, the fewest people behind them; or raises ValueError where it cannot be made.
    choices : dict of str to dict
        For each keyword: words for a choice -> its value.
    judged : dict of str to str
        For each keyword the words of the choice made for the claim's own estimate.
    **fixed
        Handed to `estimate` each time.

    Returns
    -------
    DataFrame
        A row a combination: for each keyword the words of the choice; estimate, low, high, rests_on (missing where it
        could not be made); why (the sentence then given); judged (bool: the claim's own choices).

    Raises
    ------
    ValueError
        If the claim's own choices are not among the choices.

    References
    ----------
    Simonsohn, Simmons & Nelson (2020), Specification curve analysis, Nature Human Behaviour 4, 1208-1214.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> def mean(values, trim):
    ...     middle = np.mean(sorted(values)[trim:len(values) - trim])
    ...     return SimpleNamespace(estimate=middle, low=middle - 1, high=middle + 1, rests_on=len(values) - 2 * trim)
    >>> trims = {"trim": {"all": 0, "without the ends": 1}}
    >>> specifications(mean, trims, {"trim": "all"}, values=[1, 2, 3, 10])[["trim", "estimate", "judged"]]
                   trim  estimate  judged
    0               all       4.0    True
    1  without the ends       2.5   False
    """
    if absent := [name for name in choices if judged.get(name) not in choices[name]]:
        raise ValueError(f"`judged` names no choice of {' and none of '.join(absent)}: name one of those there are.")
    rows = []
    for words in product(*choices.values()):
        chosen = {name: choices[name][word] for name, word in zip(choices, words, strict=True)}
        try:
            found = estimate(**fixed, **chosen)
            numbers, why = tuple(float(getattr(found, name, np.nan)) for name in FIGURES), ""
        except ValueError as problem:
            numbers, why = (np.nan,) * len(FIGURES), str(problem)
        rows.append((*words, *numbers, why))
    table = pd.DataFrame(rows, columns=[*choices, *FIGURES, "why"])
    return table.assign(judged=(table[list(choices)] == pd.Series(judged)).all(axis=1))
