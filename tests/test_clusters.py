"""Clusters say how real they are: found where people are clustered, refused where they are not."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from libengage_utils.clusters import EngagementClusters, _adjusted_rand_index

GRID = [(0, 0), (7, 0), (0, 7), (7, 7)]


def clouds(centres, sizes, seed=0):
    """Round clouds of people a standard deviation wide."""
    rng = np.random.default_rng(seed)
    return np.vstack([rng.normal(at, 1, (n, len(at))) for at, n in zip(centres, sizes, strict=True)])


def clusters(X, n_clusters, **options):
    """Fewer draws than by default: what is tested here is never a close call."""
    return EngagementClusters(n_clusters, **{"n_init": 10, "n_boot": 6, "n_null": 8} | options).fit(X)


@pytest.fixture(scope="module")
def four_clouds():
    return clusters(clouds(GRID, [100] * 4), range(2, 6))


def test_four_clouds_on_a_square_grid_are_four_natural_segments(four_clouds):
    assert (four_clouds.n_clusters_, four_clouds.label_) == (4, "natural")
    assert four_clouds.summary.startswith("4 natural segments")
    assert adjusted_rand_score(np.repeat(range(4), 100), four_clouds.labels_) > 0.99


def test_four_clouds_anywhere_are_four_natural_segments():
    found = clusters(clouds([(0, 0, 0), (8, 1, 0), (2, 9, 3), (9, 8, 8)], [120] * 4), range(3, 6))
    assert (found.n_clusters_, found.label_) == (4, "natural")


def test_five_clouds_of_unequal_sizes_are_found():
    centres = [(0, 0, 0), (8, 0, 0), (0, 9, 0), (8, 8, 2), (2, 3, 9)]
    X = clouds(centres, [320, 200, 140, 90, 50])
    found = clusters(X, range(4, 7))
    assert (found.n_clusters_, found.label_) == (5, "natural")
    assert np.bincount(found.labels_).tolist() == pytest.approx([320, 200, 140, 90, 50], abs=4)


def unstructured(name):
    rng = np.random.default_rng(0)
    correlated = np.full((3, 3), 0.6) + 0.4 * np.eye(3)
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return {
        "uniform square": rng.uniform(size=(1000, 2)),
        "elongated cloud": rng.normal(size=(500, 3)) * [8, 1, 1] @ turned,
        "correlated lognormal": np.exp(rng.multivariate_normal(np.zeros(3), correlated, 500)),
        "overdispersed counts": rng.poisson(rng.gamma(0.8, 6, (500, 1)) * [1, 0.5, 0.2]),
    }[name]


@pytest.mark.parametrize("name", ["correlated lognormal", "overdispersed counts"])
def test_one_cloud_of_any_shape_holds_no_natural_segments(name):
    found = clusters(unstructured(name), range(2, 5))
    assert found.label_ != "natural"
    assert found.summary.startswith("No natural segments")
    assert len(np.unique(found.labels_)) == found.n_clusters_  # still a documented solution


def test_a_square_looks_clustered_to_the_silhouette_and_to_bootstrap_agreement():
    found = clusters(unstructured("uniform square"), range(2, 6))
    evidence = found.stability_
    assert evidence["silhouette"].idxmax() == 4 and evidence.loc[4, "silhouette"] > 0.35
    assert evidence.loc[4, "stability"] > 0.85
    assert evidence.loc[4, "valley_p"] > 0.5 and (evidence["label"] != "natural").all()
    assert found.summary.startswith("No natural segments")


def test_cutting_a_long_cloud_across_is_stable_but_no_more_than_without_structure():
    evidence = clusters(unstructured("elongated cloud"), range(2, 5)).stability_
    assert evidence.loc[2, "stability"] > 0.8 and (evidence["label"] == "constructed").all()


def test_the_inside_of_a_bend_is_empty_but_no_boundary():
    rng = np.random.default_rng(1)
    bend = rng.uniform(0, 1.4 * np.pi, 1000)
    halves = clusters(np.c_[np.cos(bend), np.sin(bend)] + rng.normal(0, 0.1, (1000, 2)), 2)
    assert halves.label_ == "reproducible" and halves.stability_.loc[2, "valley_p"] < 0.01


def test_real_attitudes_are_not_called_natural():
    attitudes = sm.datasets.anes96.load_pandas().data[["TVnews", "selfLR", "ClinLR", "DoleLR", "PID"]]
    assert clusters(attitudes, range(2, 5), n_null=6).label_ != "natural"


def test_real_lives_are_not_called_natural():
    lives = sm.datasets.fair.load_pandas().data[["rate_marriage", "age", "children", "religious", "educ"]]
    assert clusters(lives, range(2, 5), n_null=6).label_ != "natural"


def test_a_survey_of_eleven_yes_or_no_items_is_not_called_natural():
    rng = np.random.default_rng(3)
    answers = rng.normal(size=(1453, 11)) + 0.35 * rng.normal(size=(1453, 1)) > rng.normal(0, 0.4, 11)
    found = clusters(answers.astype(float), range(2, 5), n_null=6)
    assert found.label_ != "natural"
    assert found.stability_.loc[4, "silhouette"] < 0.12


def test_gaps_between_whole_numbers_are_no_valleys():
    ticked = np.random.default_rng(0).integers(0, 2, (600, 3)).astype(float)
    evidence = clusters(ticked, range(2, 4)).stability_
    assert (evidence["label"] != "natural").all() and (evidence["valley_p"] > 0.5).all()


def test_clusters_found_without_valleys_are_reproducible():
    rng = np.random.default_rng(0)
    L = rng.uniform(0, 2, (2400, 2))
    found = clusters(L[~(L > 1).all(axis=1)], [3], n_boot=20, n_null=20)
    assert found.label_ == "reproducible" and "people do not thin out" in found.summary


def test_a_hundred_restarts_are_at_least_as_good_as_ten():
    X = np.random.default_rng(5).normal(size=(800, 6))
    one, ten, hundred = (clusters(X, 8, n_init=n, n_boot=2, n_null=1).inertia_ for n in (1, 10, 100))
    assert hundred <= ten < one


def test_the_solution_is_a_fixed_point_of_lloyds_algorithm(four_clouds):
    X = clouds(GRID, [100] * 4)
    means = pd.DataFrame(X).groupby(four_clouds.labels_).mean().to_numpy()
    assert four_clouds.cluster_centers_ == pytest.approx(means)
    assert (four_clouds.predict(X) == four_clouds.labels_).all()


def test_the_same_random_state_gives_the_same_everything():
    X = np.random.default_rng(1).normal(size=(200, 3))
    one, other = (clusters(X, range(2, 4), n_boot=4, n_null=3, random_state=7) for _ in range(2))
    pd.testing.assert_frame_equal(one.stability_, other.stability_)
    assert (one.labels_ == other.labels_).all() and one.inertia_ == other.inertia_


def test_large_data_are_iterated_to_convergence_on_everybody():
    X = np.random.default_rng(0).normal(size=(18_000, 3))
    found = clusters(X, 4, n_boot=2, n_null=1)
    assert found.labels_.shape == (18_000,)
    assert found.cluster_centers_ == pytest.approx(pd.DataFrame(X).groupby(found.labels_).mean().to_numpy())


def test_clusters_are_numbered_from_the_largest():
    found = clusters(clouds(GRID[:3], [40, 120, 80]), 3, n_boot=2, n_null=1)
    assert np.bincount(found.labels_).tolist() == [120, 80, 40]


@settings(max_examples=8, deadline=None)
@given(st.floats(0.01, 100), st.floats(-1000, 1000), st.sampled_from([0, 1]))
def test_units_of_measurement_do_not_matter(scale, shift, column):
    X = clouds(GRID[:3], [30, 20, 25])
    rescaled = X.copy()
    rescaled[:, column] = X[:, column] * scale + shift
    one, other = (clusters(data, 3, n_boot=2, n_null=1, n_init=5) for data in (X, rescaled))
    assert (one.labels_ == other.labels_).all()
    assert other.cluster_centers_[:, column] == pytest.approx(one.cluster_centers_[:, column] * scale + shift)


def test_the_evidence_for_every_number_of_clusters_is_kept(four_clouds):
    evidence = four_clouds.stability_
    assert evidence.index.tolist() == [2, 3, 4, 5]
    assert (evidence["gaussian_mean"] <= evidence["gaussian_p95"]).all()
    assert evidence[["stability", "valley_p"]].stack().between(0, 1).all()
    assert evidence.loc[4, "boundaries"] < 6  # across the middle of a square only one pair can be neighbours


def test_missing_values_are_named():
    X = pd.DataFrame({"acts": [1.0, 2] * 20, "depth": [np.nan, 2] * 20})
    with pytest.raises(ValueError, match=r"missing .* in depth: leave"):
        clusters(X, 2)


def test_too_few_people_for_clusters_are_refused():
    with pytest.raises(ValueError, match="Too few people, or distinct rows"):
        clusters(np.random.default_rng(0).normal(size=(15, 2)), range(2, 4))
    with pytest.raises(ValueError, match="distinct rows"):
        clusters(np.ones((100, 2)), 2)


@pytest.mark.parametrize("k", [2, 3, 8])
def test_agreement_of_solutions_is_the_adjusted_rand_index(k):
    rng = np.random.default_rng(k)
    for rows in (10, 300):
        one, other = rng.integers(k, size=(2, rows))
        assert _adjusted_rand_index(one, other, k) == pytest.approx(adjusted_rand_score(one, other))
    alone = np.zeros(10, dtype=int)
    assert _adjusted_rand_index(one, one, k) == _adjusted_rand_index(alone, alone, k) == 1
