"""What goes with a failure that was put right, against like errands in which nothing failed."""

import numpy as np
import pandas as pd

from ..resampling import told
from .matching import means_of_likes
from .returns import KINDS, need_columns
from .strata import strata


def recovery(returns, overall="overall", *, draws=1000, minimum_count=10, random_state=0):
    """What goes with a failure that was put right against none: satisfaction and use, each by itself.

    Journeys in which every failure was put right are matched with journeys in which nothing failed, exactly on service
    and on earlier acts in classes that double (coarsened exact matching). The differences are those for the failures that
    found a match. Intervals are percentiles over samples of people.

    Parameters
    ----------
    returns : DataFrame
        As made by `returns_after`, with the rating of the whole.
    overall : str
        Column of the rating of the whole journey as valence, missing where it was not given.
    draws, minimum_count, random_state
        Samples of people; fewest people on either side of a figure who, of a return, came back, and did not; seed.

    Returns
    -------
    DataFrame
        Rows satisfaction, acts and return: label, estimate, low, high, n (failures matched), matched (their share of the
        failures of which the figure is known), people and rests_on (the fewest on a side); missing where too few people
        are behind it.

    Raises
    ------
    ValueError
        If a column is missing, or no journey failed and was put right.

    References
    ----------
    Iacus, King & Porro (2012), Political Analysis 20(1), 1-24.

    Examples
    --------
    >>> returns = pd.DataFrame({"person_key": range(200), "kind": ["nothing failed", "failed, put right"] * 100,
    ...     "earlier": 3, "service": "loan", "overall": [0.2, 0.5] * 100, "acts_after": 4, "watched": 90,
    ...     "seen": [True, True, False, False] * 50})
    >>> recovery(returns)["estimate"].round(1).tolist()
    [0.3, 0.0, 0.0]
    """
    returns = need_columns(returns, overall, "kind", "acts_after", "seen", "watched", "service", "earlier")
    compared = returns[returns["kind"].isin(KINDS[:2])].dropna(subset=["service", "earlier"])
    if not (compared["kind"] == KINDS[1]).any():
        raise ValueError("No journey failed and was put right, so there is no recovery to look at.")
    over = compared["watched"] == returns["watched"].max()
    figures = {"satisfaction": ("how the whole was rated (from -1 to 1)", compared[overall].astype(float)),
               "acts": ("acts in the days after", compared["acts_after"].astype(float)),
               "return": ("seen again (in 100)", (100 * compared["seen"].astype(float)).where(over))}
    rows = [(label, *_matched(compared, value, name == "return", draws, minimum_count, random_state))
            for name, (label, value) in figures.items()]
    return pd.DataFrame(rows, index=list(figures),
                        columns=["label", "estimate", "low", "high", "n", "matched", "people", "rests_on"])


def _matched(journeys, value, yes_or_no, draws, minimum_count, random_state):
    """Difference of a figure between failures put right and their matches, its limits, and how many are behind it."""
    known = value.notna()
    rows, value = journeys[known], value[known].to_numpy()
    failed = (rows["kind"] == KINDS[1]).to_numpy()
    alike = strata(rows, ["service", "earlier"])[0]
    both = np.isin(alike, alike[failed]) & np.isin(alike, alike[~failed])
    person, keys = pd.factorize(rows["person_key"], sort=True)
    answers = [value > 0, value <= 0] if yes_or_no else [known[known].to_numpy()]
    fewest = min(len(pd.unique(person[both & side & answer])) for side in (failed, ~failed) for answer in answers)
    if fewest < minimum_count:
        return (np.nan,) * 7
    others, theirs, _ = means_of_likes(failed, alike, value, person, draws, random_state)
    people = len(pd.unique(person[both]))
    return *told(theirs - others, len(keys)), (both & failed).sum(), both[failed].mean(), people, fewest
