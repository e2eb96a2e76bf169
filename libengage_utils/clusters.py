"""Groups of people who engage alike, and whether such groups are found in the data or made by the method."""

import numbers
from itertools import combinations

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances, silhouette_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from .valleys import PEOPLE, SHORT_SEARCH, THINNER, lloyd, nearest_centre, valleys

SILHOUETTE = 0.25  # below it, no substantial structure (Kaufman & Rousseeuw 1990)
SIGNIFICANCE = 0.05
RESTART_ROWS, STABILITY_ROWS = 10_000, 1_000
NULL_BOOT = 5  # bootstrap samples of a null


class EngagementClusters(ClusterMixin, BaseEstimator):
    """K-means clusters whose number is earned by stability, and which say how real they are.

    Columns are standardised first (mean 0, standard deviation 1); take logarithms of skewed counts
    yourself. Every fit iterates Lloyd's algorithm on all its rows to convergence, never on mini-batches.

    **Stability** of k clusters is the mean adjusted Rand index between the solutions of bootstrap samples,
    each assigned to all rows [1]_ [2]_. A square cut in four is stable too. So stability must exceed the
    95th percentile that data without structure reach at the same k: a Gaussian with the data's covariance,
    and a uniform box in the data's principal axes [3]_.

    **Valleys.** Stable clusters may still cut up one cloud. If its density is log-concave, the people in a
    tube around any straight line have a single peak: nowhere on the line are there fewer than on both sides.
    So centres, tube and the place to look are learnt on one half of the people, the others are counted in
    slabs of equal width, and the reverse; one-sided binomial tests ask whether the slab between holds less
    than two thirds of the slab on either side. As every boundary between neighbours (no third centre in the
    ball whose poles are the two) must pass, the largest p-value decides, and twice its median over five
    splits [4]_. A bent cloud is empty inside the bend yet crowded where the boundary crosses it, so the
    surroundings of people between two clusters (distance to the tenth neighbour) must also be less than two
    thirds as dense as on either side. Tied values are first spread over the interval they stand for, as the
    gaps between whole numbers are no valleys.

    The solution for a k is

    - *reproducible* when stability is at least .8 and beyond both nulls;
    - *natural* when, besides, the average silhouette of a bootstrap solution is at least .25 [5]_ and
      beyond both nulls, and every boundary is a valley;
    - *constructed* otherwise.

    The largest natural k is taken; failing that the reproducible k furthest beyond the nulls; failing
    that the most stable k, a division made for convenience.

    Parameters
    ----------
    n_clusters : int or iterable of int, default range(2, 9)
        Numbers of clusters to consider, at least 2. Those that would leave fewer than 10 people, or 2
        distinct rows, a cluster are passed over.
    n_init : int, default 100
        Restarts of the final solution. Beyond 10,000 rows they are searched on a random sample of
        10,000, and the best start is iterated to convergence on everybody.
    n_boot : int, default 20
        Bootstrap samples, at least 2, of at most 1,000 random rows.
    n_null : int, default 20
        Data sets drawn from each null; each is judged by 5 bootstrap samples.
    random_state : int or RandomState, default 0

    Attributes
    ----------
    stable : float
        Least agreement of bootstrap solutions to count as coming back, for all such clusters.
    label_ : {"natural", "reproducible", "constructed"}
    summary : str
        The finding in a sentence.
    n_clusters_ : int
    labels_ : ndarray of shape (n_people,)
        Cluster of each person, numbered from 0, the largest.
    cluster_centers_ : ndarray of shape (n_clusters_, n_features)
        In the units of `X`.
    inertia_ : float
        Sum of squares within clusters, of standardised columns.
    stability_ : DataFrame indexed by k
        stability; silhouette; gaussian_mean, gaussian_p95, uniform_mean, uniform_p95 of the nulls' stability;
        silhouette_null, the larger 95th percentile of theirs; boundaries, how many; over them the largest
        valley_p, valley_share (people in the valley for each on its thinner side) and border_density
        (density between, for that on the thinner side); label.

    References
    ----------
    .. [1] Dolnicar, Grün & Leisch (2018), Market Segmentation Analysis, Springer.
    .. [2] Hennig (2007), Cluster-wise assessment of cluster stability, CSDA 52, 258-271.
    .. [3] Tibshirani, Walther & Hastie (2001), Estimating the number of clusters, JRSS B 63, 411-423.
    .. [4] Meinshausen, Meier & Bühlmann (2009), P-values for high-dimensional regression, JASA 104, 1671.
    .. [5] Kaufman & Rousseeuw (1990), Finding Groups in Data, Wiley.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> clouds = np.vstack([rng.normal(centre, 1, (60, 2)) for centre in ([0, 0], [9, 0], [0, 9])])
    >>> found = EngagementClusters(n_clusters=range(2, 5), n_boot=10, n_null=10).fit(clouds)
    >>> found.n_clusters_, found.label_
    (3, 'natural')
    """

    stable = 0.8

    def __init__(self, n_clusters=range(2, 9), *, n_init=100, n_boot=20, n_null=20, random_state=0):
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.n_boot = n_boot
        self.n_null = n_null
        self.random_state = random_state

    @threadpool_limits.wrap(limits=1)  # thousands of small fits: threads would mostly wait for each other
    def fit(self, X, y=None):
        """Choose the number of clusters, judge it, and place everybody.

        Parameters
        ----------
        X : frame or array of shape (n_people, n_features)
            Numbers, none missing.
        y : ignored

        Raises
        ------
        ValueError
            If values are missing, or people or distinct rows are too few for any number of clusters.
        """
        X = _complete(self, X, reset=True)
        candidates = _candidates(self.n_clusters, X)
        rng = check_random_state(self.random_state)
        self.scaler_ = StandardScaler().fit(X)
        Z = self.scaler_.transform(X)
        sample = _some_rows(Z, RESTART_ROWS, rng)
        with config_context(assume_finite=True, skip_parameter_validation=True):  # checked once above
            self.stability_ = _judge(sample, candidates, self.n_boot, self.n_null, rng)
        self.n_clusters_ = _choose(self.stability_)
        self.label_ = self.stability_.label[self.n_clusters_]
        start = lloyd(sample, self.n_clusters_, self.n_init, rng).cluster_centers_
        final = KMeans(self.n_clusters_, init=start, n_init=1, max_iter=10_000, tol=0).fit(Z)
        from_largest = np.argsort(-np.bincount(final.labels_), kind="stable")
        self.cluster_centers_ = self.scaler_.inverse_transform(final.cluster_centers_[from_largest])
        self.inertia_ = final.inertia_
        self.labels_ = self._place(Z)
        return self

    def predict(self, X):
        """Cluster of each row of `X`: the one with the nearest centre, in standardised columns."""
        check_is_fitted(self)
        return self._place(self.scaler_.transform(_complete(self, X, reset=False)))

    def _place(self, Z):
        return nearest_centre(Z, self.scaler_.transform(self.cluster_centers_))

    @property
    def summary(self):
        check_is_fitted(self)
        k, row = self.n_clusters_, self.stability_.loc[self.n_clusters_]
        null = max(row.gaussian_p95, row.uniform_p95)
        agree = f"two samples agree to {row.stability:.2f}, data without structure seldom beyond {null:.2f}"
        return {
            "natural": f"{k} natural segments: {agree}, and people thin out at every boundary.",
            "reproducible": f"No natural segments: {k} clusters come back ({agree}), but {_lacking(row)}, "
            "so where to cut is a convention.",
            "constructed": f"No natural segments: the {k} clusters offered are constructed ({agree}), "
            "a way to divide people for a purpose rather than groups waiting to be found.",
        }[self.label_]


def _complete(estimator, X, reset):
    X = validate_data(estimator, X, dtype="float64", ensure_all_finite="allow-nan", reset=reset)
    missing = np.isnan(X).any(axis=0)
    if missing.any():
        names = getattr(estimator, "feature_names_in_", [f"column {i}" for i in range(X.shape[1])])
        columns = ", ".join(np.array(names, dtype=str)[missing])
        raise ValueError(f"Values are missing (NaN) in {columns}: leave these columns or these people out.")
    return X


def _candidates(n_clusters, X):
    asked = [n_clusters] if isinstance(n_clusters, numbers.Integral) else sorted(set(n_clusters))
    distinct = len(np.unique(X, axis=0))
    candidates = [k for k in asked if 2 <= k <= min(len(X) // PEOPLE, distinct // 2)]
    if not candidates:
        raise ValueError(
            f"Too few people, or distinct rows, for {asked} clusters: there must be 2 clusters or more, each of {PEOPLE} "
            "people and 2 distinct rows on average."
        )
    return candidates


def _some_rows(Z, most, rng):
    return Z if len(Z) <= most else Z[rng.choice(len(Z), most, replace=False)]


def _judge(Z, candidates, n_boot, n_null, rng):
    """The evidence for each number of clusters, one row each, and the label it earns."""
    few = _some_rows(Z, STABILITY_ROWS, rng)
    table = _how_stable(few, candidates, n_boot, rng)
    silhouettes = []
    for name, without_structure in (("gaussian", _gaussian), ("uniform", _uniform_box)):
        null = pd.concat(
            [_how_stable(without_structure(few, rng), candidates, NULL_BOOT, rng) for _ in range(n_null)]
        ).groupby("k")
        table[f"{name}_mean"] = null["stability"].mean()
        table[f"{name}_p95"] = null["stability"].quantile(0.95)
        silhouettes.append(null["silhouette"].quantile(0.95))
    table["silhouette_null"] = np.maximum(*silhouettes)
    thinning = pd.DataFrame([valleys(Z, k, rng) for k in candidates], index=table.index)
    table = table.join(thinning.astype({"boundaries": int}))
    reproducible = (table.stability >= EngagementClusters.stable) & (_beyond_nulls(table) > 0)
    natural = reproducible & _compact(table) & _parted(table)
    table["label"] = np.select([natural, reproducible], ["natural", "reproducible"], "constructed")
    return table


def _beyond_nulls(table):
    return table.stability - table[["gaussian_p95", "uniform_p95"]].max(axis=1)


def _compact(evidence):
    return (evidence.silhouette >= SILHOUETTE) & (evidence.silhouette > evidence.silhouette_null)


def _parted(evidence):
    return (evidence.valley_p < SIGNIFICANCE) & (evidence.border_density < THINNER)


def _choose(table):
    natural, reproducible = (table[table.label == label] for label in ("natural", "reproducible"))
    if len(natural):
        return natural.index.max()
    return _beyond_nulls(reproducible).idxmax() if len(reproducible) else table.stability.idxmax()


def _lacking(row):
    scattered = [] if _compact(row) else [f"the average silhouette is only {row.silhouette:.2f}"]
    adjoining = [] if _parted(row) else ["people do not thin out at every boundary"]
    return " and ".join(scattered + adjoining)


def _how_stable(Z, candidates, n_boot, rng):
    """Mean agreement of the solutions of bootstrap samples, assigned to all rows, and silhouette of the first."""
    distances = pairwise_distances(Z)
    rows = []
    for k in candidates:
        samples = [Z[rng.randint(len(Z), size=len(Z))] for _ in range(n_boot)]
        solutions = [lloyd(sample, k, SHORT_SEARCH, rng).predict(Z) for sample in samples]
        agreements = [_adjusted_rand_index(one, other, k) for one, other in combinations(solutions, 2)]
        silhouette = silhouette_score(distances, solutions[0], metric="precomputed")
        rows.append({"k": k, "stability": np.mean(agreements), "silhouette": silhouette})
    return pd.DataFrame(rows).set_index("k")


def _adjusted_rand_index(one, other, k):
    """Agreement of two partitions into k clusters by pairs of rows, 0 by chance (Hubert & Arabie 1985, J. Classif. 2, 193).

    As scikit-learn's, which checks what it is given each of thousands of times.
    """
    table = np.bincount(one * k + other, minlength=k * k).reshape(k, k)
    together, rows, columns = ((part * (part - 1)).sum() / 2 for part in (table, table.sum(axis=1), table.sum(axis=0)))
    by_chance = rows * columns / (len(one) * (len(one) - 1) / 2)
    most = (rows + columns) / 2
    return 1.0 if most == by_chance else (together - by_chance) / (most - by_chance)


def _gaussian(Z, rng):
    return rng.multivariate_normal(Z.mean(axis=0), np.atleast_2d(np.cov(Z.T)), size=len(Z))


def _uniform_box(Z, rng):
    axes = np.linalg.svd(Z - Z.mean(axis=0), full_matrices=False)[2]
    scores = Z @ axes.T
    return rng.uniform(scores.min(axis=0), scores.max(axis=0), size=scores.shape) @ axes
