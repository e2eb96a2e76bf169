"""Statements about correlations of what coarse counts measure."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libengage_utils.latent import polychoric


def pair_of(correlation, n=20_000, seed=0):
    z = np.random.default_rng(seed).normal(size=(n, 2))
    z[:, 1] = correlation * z[:, 0] + np.sqrt(1 - correlation**2) * z[:, 1]
    return z


@pytest.mark.parametrize("correlation", [-0.6, 0.0, 0.3, 0.8, 0.95])
@pytest.mark.parametrize(
    "measured",
    [
        lambda z: z,
        lambda z: np.exp(2 * z),
        lambda z: (z > [0.5, 1.3]) * 1,
        lambda z: np.column_stack([np.digitize(z[:, 0], [-1, 0, 1]), np.exp(3 * z[:, 1]) * (z[:, 1] > 0.7)]),
    ],
    ids=["as they are", "heavy tails", "rare acts", "a rating and a count that is mostly 0"],
)
def test_the_correlation_behind_the_indicators_is_found_whatever_their_shape(measured, correlation):
    frame = pd.DataFrame(measured(pair_of(correlation)), columns=["a", "b"])
    assert polychoric(frame).loc["a", "b"] == pytest.approx(correlation, abs=0.045)


def test_two_halves_by_sheppards_formula():
    """With both split at the median the tetrachoric correlation is sin(2 pi (p - 1/4)); Sheppard (1899)."""
    for both in (10, 20, 25, 40, 45):
        frame = pd.DataFrame([(1, 1), (0, 0)] * both + [(1, 0), (0, 1)] * (50 - both), columns=["a", "b"])
        expected = np.sin(2 * np.pi * (both / 100 - 0.25))
        assert polychoric(frame).loc["a", "b"] == pytest.approx(expected, abs=0.005)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.permutations(range(4)))
def test_only_the_order_of_values_matters_and_neither_order_of_people_nor_of_columns(seed, order):
    rng = np.random.default_rng(seed)
    rates = np.exp(rng.normal(size=(120, 1)) + np.array([0, 0.5, 1, 1.5]))
    counts = pd.DataFrame(rng.poisson(rates), columns=list("abcd"))
    expected = polychoric(counts)
    shuffled = np.log1p(counts).sample(frac=1, random_state=seed % 1000).iloc[:, list(order)]
    pd.testing.assert_frame_equal(polychoric(shuffled).loc[list("abcd"), list("abcd")], expected)
