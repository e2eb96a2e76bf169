"""What a letter did under other reasonable choices: of window, of people, of what counts as a return."""

import numpy as np
import pandas as pd

from .contacts import known_before, need_followed
from .holdout import holdout_effect, in_both_arms
from .strata import as_numbers


def letter_effect(followed, *, days, never_seen=True, silent_for=0, draws=1000, minimum_count=10, random_state=0):
    """What the letter did, with each choice that could reasonably be made otherwise a parameter.

    All these choices were open before the lot, so that the arms stay comparable under each.

    Parameters
    ----------
    followed : DataFrame
        The people of `follow`, followed for `days` or longer.
    days : int
        Window in which a return counts.
    never_seen : bool
        Whether people never seen before the lot count.
    silent_for : int
        Of people seen before, only those silent for at least so many calendar days count.
    draws, minimum_count, random_state
        As for `holdout_effect`.

    Returns
    -------
    HoldoutEffect

    Raises
    ------
    ValueError
        If people were followed for fewer days, nobody is left, or as `holdout_effect`.

    Examples
    --------
    >>> followed = pd.DataFrame({"person_key": range(400), "arm": ["letter", "holdout"] * 200, "probability": 0.5,
    ...     "stratum": "all", "assigned_on": "2025-10-20", "watched": 90, "seen_before": True, "silent_days": 500,
    ...     "days_to_return": [20] * 20 + [50, np.nan] * 30 + [np.nan] * 320})
    >>> [round(letter_effect(followed, days=days).estimate, 1) for days in (60, 30)]
    [15.0, 0.0]
    """
    need_followed(followed, "seen_before", "silent_days", "days_to_return", "watched")
    if days > (longest := followed["watched"].max()):
        raise ValueError(f"People were followed for {longest} days, and the window is {days}: follow them for longer.")
    people = followed[(followed["seen_before"] | never_seen) & ~(followed["silent_days"] < silent_for)]
    if people.empty:
        raise ValueError(f"Nobody in the lot had been silent for {silent_for} days: take fewer.")
    returned = (people["days_to_return"] <= days).astype("boolean").mask(people["watched"] < days)
    people = people.assign(returned=returned, watched=np.minimum(people["watched"], days))
    return holdout_effect(people, draws=draws, minimum_count=minimum_count, random_state=random_state)


def balance(followed, circumstances, *, minimum_count=10):
    """How far apart the lot left the arms in what was known before: standardised mean differences.

    By chance alone one in twenty intervals misses nought; a lot is not mended for that.

    Parameters
    ----------
    followed : DataFrame
        The people of `follow`, with columns of circumstances merged in.
    circumstances : list of str
        Columns known before the lot; words become yes-or-no columns.
    minimum_count : int
        Fewest people of each arm; where a circumstance is yes or no, of whom it holds, and does not.

    Returns
    -------
    DataFrame
        A row a circumstance: label; estimate (mean of the letter's arm less that of the holdout's, in standard deviations of
        both), low, high (95%), rests_on (the fewest of those people); missing where it does not differ between people, or
        too few are behind it.

    Raises
    ------
    ValueError
        If a circumstance is missing, or was not known before the lot.

    References
    ----------
    Imbens & Rubin (2015), Causal Inference for Statistics, Social, and Biomedical Sciences, ch. 14.

    Examples
    --------
    >>> followed = pd.DataFrame({"person_key": range(40), "arm": ["letter", "holdout"] * 20, "probability": 0.5,
    ...     "stratum": "all", "assigned_on": "2025-10-20", "watched": 90, "returned": False, "acts": [1, 2] * 20})
    >>> balance(followed, ["acts"])[["label", "estimate"]].round(1).values.tolist()
    [['acts', -2.0]]
    """
    known_before(*circumstances)
    need_followed(followed, *circumstances)
    rows = in_both_arms(followed)[0]
    numbers, letter = as_numbers(rows, circumstances), (rows["arm"] == "letter").to_numpy()
    apart = (numbers[letter].mean() - numbers[~letter].mean()) / numbers.std(ddof=0).replace(0, np.nan)
    apart, reach = apart.to_numpy(), 1.96 * np.sqrt(1 / letter.sum() + 1 / (~letter).sum())
    table = pd.DataFrame({"label": numbers.columns, "estimate": apart, "low": apart - reach, "high": apart + reach,
                          "rests_on": [float(_fewest(column, letter)) for _, column in numbers.items()]})
    table.loc[table["rests_on"] < minimum_count, ["estimate", "low", "high", "rests_on"]] = np.nan
    return table


def _fewest(column, letter):
    """The fewest people of an arm; where a circumstance is yes or no, of whom it holds, and does not."""
    return pd.crosstab(letter, column).min(axis=None) if column.isin([0, 1]).all() else np.bincount(letter).min()
