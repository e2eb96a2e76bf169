"""Statements about how far two segmentations agree."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from libengage_utils.agreement import agreement


def test_the_names_of_segments_do_not_matter_to_agreement():
    names = np.random.default_rng(0).integers(0, 4, 200)
    same = agreement(names, np.array(["c", "a", "d", "b"])[names], n_boot=50)
    assert same.table.to_numpy() == pytest.approx(1) and "excellent" in same.summary


def test_unrelated_segmentations_agree_no_more_than_chance():
    rng = np.random.default_rng(0)
    table = agreement(rng.integers(0, 4, 3000), rng.integers(0, 3, 3000), n_boot=200).table
    assert table["estimate"].abs().max() < 0.005 and table["low"].min() > -0.01 and table["high"].max() < 0.01


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=60))
def test_agreement_equals_the_published_indices(pairs):
    a, b = zip(*pairs, strict=True)
    estimates = agreement(a, b, n_boot=1).table["estimate"].tolist()
    assert estimates == pytest.approx([adjusted_rand_score(a, b), adjusted_mutual_info_score(a, b)], abs=1e-9)


def test_the_interval_of_agreement_holds_the_agreement_of_the_population():
    rng = np.random.default_rng(0)

    def pairs(n):
        truth = rng.integers(0, 3, n)
        return truth, np.where(rng.random(n) < 0.8, truth, rng.integers(0, 3, n))

    population = adjusted_rand_score(*pairs(200_000))
    found = [agreement(*pairs(300), n_boot=100).table.loc["adjusted Rand index"] for _ in range(60)]
    assert np.mean([index.low < population < index.high for index in found]) >= 0.85


def test_two_series_are_compared_on_the_people_in_both():
    a = pd.Series(["x", "y", "x", "y"], index=list("pqrs"))
    compared = agreement(a, a.iloc[[2, 0, 1]], n_boot=10)
    assert compared.n == 3 and compared.table["estimate"].tolist() == [1, 1]
    with pytest.raises(ValueError, match="Nobody has a segment in both"):
        agreement(a, pd.Series(["x"], index=["z"]))
