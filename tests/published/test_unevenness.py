"""How unevenly something falls, and how varied it is."""

import numpy as np
from figures import published
from scipy.special import digamma

from libengage_utils.attention import concentration, concentration_index
from libengage_utils.journeys.variants import _entropy

INEQ = "R's package ineq, help on ineq: incomes in the USA in 1968, Mills & Zandvakili (1997)"
SPIDERS = {"girdled": [46, 22, 17, 15, 15, 9, 8, 6, 6, 4, *[2] * 4, *[1] * 12],
           "logged": [88, 22, 16, 15, 13, 10, 8, 8, 7, 7, 7, 5, 4, 4, 4, *[3] * 4, *[2] * 4, *[1] * 14]}


@published(INEQ, {"Gini index of ten incomes": "0.4620911"})
def test_the_gini_index():
    incomes = [541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261]
    return concentration(incomes, minimum_count=1, n_boot=2).gini.estimate


@published("O'Donnell et al. (2008), Analyzing Health Equity Using Household Survey Data, World Bank, table 8.1", {
    "concentration index by wealth of deaths under five, India 1982-92": "-0.1694"})
def test_the_concentration_index():
    births, deaths = [29939, 28776, 26528, 24689, 19739], [4632, 4400, 3170, 2145, 1072]
    died = np.concatenate([np.arange(n) < some for n, some in zip(births, deaths, strict=True)])
    return concentration_index(died.astype(float), np.repeat(range(5), births), draws=5).estimate


@published("R's package iNEXT, introduction: spiders of Sackett et al. (2011), by Chao, Wang & Jost (2013)", {
    "effective number of species, trees girdled": ("13.826", "girdled"),
    "effective number of species, trees logged": ("16.337", "logged")})
def test_the_effective_number_by_entropy(forest):
    """Before the jackknife over people, which is this package's own."""
    times = np.array(SPIDERS[forest], dtype=float)
    return 2 ** _entropy(np.array([[times.sum(), times @ digamma(times), (times == 1).sum(), (times == 2).sum()]]))
