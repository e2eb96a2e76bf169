"""What changes with the adoption of something new."""

import os

import numpy as np
import pandas as pd
import pytest
from figures import published
from scipy import stats

from libengage_utils.effects.staggered import event_study
from libengage_utils.effects.two_way import two_way

NAMES = {"unit": "unit", "time": "time", "outcome": "outcome", "adopted": "since"}
CARD_KRUEGER = "LIBENGAGE_CARD_KRUEGER"


def stores(state, n, mean, error, since):
    """Stores whose change in employment has a mean and a standard error that were published."""
    spread = stats.norm.ppf((np.arange(n) + 0.5) / n)
    change = mean + error * np.sqrt(n) * spread / spread.std(ddof=1)
    before = 20 + 5 * np.sin(np.arange(n))
    return pd.DataFrame({"unit": [f"{state}{i}" for i in range(n)] * 2, "time": np.repeat([1, 2], n),
                         "outcome": np.r_[before, before + change], "since": since})


def two_way_of(outcomes, since):
    """Two-way fixed effects of a unit a row and a time a column, from time 1, with the times of adoption."""
    unit, time = np.indices(np.shape(outcomes))
    panel = pd.DataFrame({"unit": unit.ravel(), "time": time.ravel() + 1, "outcome": np.ravel(outcomes).astype(float),
                          "since": np.array(since, dtype=float)[unit.ravel()]})
    return two_way(panel, **NAMES, minimum_count=1)


@published("Card & Krueger (1994), Am. Econ. Review 84, 772-793, table 3, row 4, from the means and errors of each state", {
    "difference in differences of employment, its error, stores in New Jersey and in Pennsylvania": "2.75 1.34 309 75"})
def test_the_minimum_wage_in_new_jersey():
    result = event_study(pd.concat([stores("NJ", 309, 0.47, 0.48, 2), stores("PA", 75, -2.28, 1.25, np.nan)]), **NAMES)
    return result.estimate, result.error, *result.counts[["adopting", "compared"]]


@pytest.mark.skipif(CARD_KRUEGER not in os.environ, reason=f"The variable {CARD_KRUEGER} names no file of Card and "
                    "Krueger's stores (columns store_id, state, period, fte).")
def test_the_stores_themselves_give_it_to_four_places():
    table = pd.read_csv(os.environ[CARD_KRUEGER])
    table["store"] = table["state"] + table["store_id"].astype(str)
    table["raised"] = np.where(table["state"] == "NJ", 1, np.nan)
    result = event_study(table, unit="store", time="period", outcome="fte", adopted="raised")
    assert (round(result.estimate, 4), round(result.error, 4)) == (2.75, 1.3423)
    assert result.counts[["adopting", "compared"]].tolist() == [309, 75]


@published("R's packages bacondecomp and fixest, at asjadnaqvi.github.io/DiD, Goodman-Bacon decomposition", {
    "two-way fixed effects; weights of comparisons with units that never adopt, adopt later, have adopted":
        "2.909 0.6818182 0.1818182 0.1363636"})
def test_the_weights_of_goodman_bacon():
    """One unit never adopts, one from time 5 of 10 (+2), one from time 8 (+4)."""
    time, start, more = np.arange(1, 11), np.array([[5], [8], [99]]), np.array([[2], [4], [0]])
    result = two_way_of(np.arange(3)[:, np.newaxis] + time + more * (time >= start), [5, 8, np.nan])
    weights = result.comparisons.set_index("compared_with")["weight"]
    return result.estimate, *weights[["never adopt", "adopt later", "have adopted already"]]


@published("de Chaisemartin & D'Haultfoeuille (2020), Am. Econ. Review 110(9), 2964-2996", {
    "weights in the two-way estimate of the later group's change, and of the earlier one's first and second": "0.5 1 -0.5"})
def test_the_weights_of_de_chaisemartin_and_dhaultfoeuille():
    """Two groups and three times, one adopting at the second, one at the third: the estimate of each change alone."""
    cells = [(1, 2), (0, 1), (0, 2)]
    return [two_way_of(np.isin(range(6), 3 * unit + time).reshape(2, 3), [2, 3]).estimate for unit, time in cells]
