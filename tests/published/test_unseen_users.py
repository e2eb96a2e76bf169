"""Users that no list shows."""

import numpy as np
import pandas as pd
from figures import published

from libengage_utils.recapture import recapture


def caught(first, second, both, minimum_count=10):
    """The estimate from two lists of so many people, of whom so many are in both."""
    seen = first + second - both
    return recapture(pd.DataFrame({"person_key": np.arange(60_000)}), np.arange(first), np.arange(first - both, seen),
                     minimum_count=minimum_count)


@published("Wikipedia, Mark and recapture, after Chapman (1951) and Sadinle (2009)", {
    "turtles of which 10, then 15 are caught, 5 of them twice, with limits": "28 22 65"})
def test_chapmans_number_and_sadinles_interval():
    result = caught(10, 15, 5, minimum_count=5)
    return result.users, result.low, result.high


@published("Mastro et al. (1994), Am. J. Public Health 84(7), 1094-1099", {
    "users of opiates in Bangkok: 4064 and 1540 on two lists, 171 on both": "36,600"},
    within=200, because="theirs is Petersen's number, and Chapman's is lower")
def test_chapmans_number_in_bangkok():
    return caught(4064, 1540, 171).users
