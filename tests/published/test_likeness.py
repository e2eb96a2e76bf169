"""How far codes, groups and answers agree."""

import numpy as np
import pandas as pd
from figures import published

from libengage_utils.agreement import agreement
from libengage_utils.emotions.alpha import krippendorff_alpha
from libengage_utils.latent import polychoric

_ = np.nan
FOUR_OBSERVERS = np.array([[1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
                           [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _]]).T


def people(table):
    """The row and the column of each person counted in a table."""
    return [np.repeat(place.ravel(), np.ravel(table)) for place in np.indices(np.shape(table))]


@published("Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, examples A to D", {
    "alpha of two observers, yes or no": ("0.095", np.array([list("0100000010"), list("1110010000")]).T, "nominal"),
    "alpha of two observers, five names": ("0.692", np.array([list("aabbdcccedda"), list("babbbccceddd")]).T, "nominal"),
    "alpha of four observers with gaps, nominal": ("0.743", FOUR_OBSERVERS, "nominal"),
    "alpha of four observers with gaps, ordinal": ("0.815", FOUR_OBSERVERS, "ordinal"),
    "alpha of four observers with gaps, interval": ("0.849", FOUR_OBSERVERS, "interval")})
def test_krippendorffs_alpha(units, level):
    return krippendorff_alpha(units, level, n_boot=2).estimate


def test_the_interval_of_alpha_holds_krippendorffs_own():
    result = krippendorff_alpha(FOUR_OBSERVERS, "nominal")
    assert result.low < 0.743 < result.high


@published("Yeung & Ruzzo (2001), Details of the adjusted Rand index and clustering algorithms", {
    "adjusted Rand index of ten genes": ("0.313", [[1, 1, 0], [1, 2, 1], [0, 0, 4]])})
def test_the_adjusted_rand_index(table):
    return agreement(*people(table), n_boot=2).table.loc["adjusted Rand index", "estimate"]


@published("scikit-learn's tests, after the authors' MATLAB code: Vinh, Epps & Bailey (2010), J. Mach. Learn. Res. 11", {
    "adjusted mutual information of 17 items": "0.27821"})
def test_the_adjusted_mutual_information():
    first, second = [1] * 6 + [2] * 6 + [3] * 5, [1, 1, 1, 1, 2, 1, 2, 2, 2, 2, 3, 1, 3, 3, 3, 2, 2]
    return agreement(first, second, n_boot=2).table.loc["adjusted mutual information", "estimate"]


@published("Olsson (1979), Psychometrika 44, 443-460, as in the manual of R's package psych", {
    "polychoric correlation of 500 people": ("0.49", [[13, 6, 0], [69, 113, 22], [41, 132, 104]])})
def test_the_polychoric_correlation(table):
    return correlation(table)


@published("Mplus, as in the manual of R's package psych", {
    "tetrachoric correlation, one answer rare": ("0.35", [[61661, 85], [1610, 20]])})
def test_the_tetrachoric_correlation(table):
    return correlation(table)


def correlation(table):
    """The polychoric correlation of the rows and columns of a table of people."""
    return polychoric(pd.DataFrame(dict(zip("ab", people(table), strict=True)))).loc["a", "b"]
