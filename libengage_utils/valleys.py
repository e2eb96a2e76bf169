"""Whether people thin out between neighbouring clusters, counted where it was not looked for."""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import binom
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

THINNER = 2 / 3  # a valley holds less than this share of what its thinner side holds
PEOPLE = 10  # fewest in a cluster on average, and the neighbours that tell how crowded a place is
SHORT_SEARCH = 5  # restarts of a fit that only feeds an average
SLABS, TUBE = 8, 0.75  # half-slabs between two centres; share of their people a tube holds
SPLITS = 5  # splits of the people in halves


def valleys(Z, k, rng):
    """Whether people thin out between neighbours: medians over splits of the people in halves."""
    Z = _spread_ties(Z, rng)
    density = _log_density(Z)
    found = pd.DataFrame([_split_valleys(Z, density, k, rng) for _ in range(SPLITS)]).median()
    return found.to_dict() | {"valley_p": min(1.0, 2 * found.valley_p)}


def _split_valleys(Z, density, k, rng):
    """The shallowest valley between neighbours, learnt on one half of the people, counted in the other."""
    halves = np.array_split(rng.permutation(len(Z)), 2)
    centres = [lloyd(Z[half], k, SHORT_SEARCH, rng).cluster_centers_ for half in halves]
    centres[1] = centres[1][linear_sum_assignment(cdist(*centres))[1]]
    nearest = [nearest_centre(Z, c) for c in centres]
    found = []
    for pair in _neighbours(np.mean(centres, axis=0)):
        folds = [
            _between(Z, density, centres[i][pair], np.isin(nearest[i], pair), halves[i], halves[1 - i])
            for i in (0, 1)
        ]
        left, valley, right = np.sum([counts for counts, _ in folds], axis=0)
        densities = [np.concatenate(place) for place in zip(*(around for _, around in folds), strict=True)]
        sides = min(left, right)
        found.append(
            {
                "valley_p": binom.cdf(valley, valley + sides, THINNER / (1 + THINNER)),
                "valley_share": valley / max(sides, 1),
                "border_density": _relative_density(*densities),
            }
        )
    return {"boundaries": len(found)} | pd.DataFrame(found).max().to_dict()


def _neighbours(centres):
    """Pairs of centres without a third in the ball whose poles they are: the Gabriel graph."""
    squared = cdist(centres, centres, "sqeuclidean")
    for i, j in zip(*np.triu_indices(len(centres), 1), strict=True):
        if (squared[i] + squared[j] >= squared[i, j]).all():
            yield [i, j]


def _between(Z, density, centres, members, learn, count):
    """People counted, and how densely they are surrounded, on the way from one centre to the other."""
    start, end = centres
    position = (Z - start) @ (end - start) / np.sum((end - start) ** 2)  # 0 at one centre, 1 at the other
    aside = np.linalg.norm(Z - start - np.outer(position, end - start), axis=1)
    tube = aside <= np.quantile(aside[learn][members[learn]], TUBE)
    edges = np.arange(-2, SLABS + 3) / SLABS
    half_slabs = np.histogram(position[learn][tube[learn]], edges)[0]
    places = _deepest_valley(half_slabs[:-1] + half_slabs[1:])  # slabs overlap by half
    there = [count[(position[count] >= edges[i]) & (position[count] < edges[i + 2])] for i in places]
    return [tube[people].sum() for people in there], [density[people[members[people]]] for people in there]


def _deepest_valley(slabs):
    """Where to count: left of, in and right of the deepest valley near the middle."""
    near = len(slabs) // 2 + np.array([-1, 0, 1])
    places = [(slabs[: v - 1].argmax(), v, v + 2 + slabs[v + 2 :].argmax()) for v in near]
    return min(places, key=lambda at: (slabs[at[1]] + 1) / (min(slabs[at[0]], slabs[at[2]]) + 1))


def _relative_density(left, border, right):
    """Median density at the border for that at its thinner side; 0 where hardly anybody is to be asked."""
    if min(map(len, (left, border, right))) < PEOPLE // 2:
        return 0.0
    return np.exp(np.median(border) - min(np.median(left), np.median(right)))


def _log_density(Z):
    """Log density around each person, but for a constant, from the distance to the tenth neighbour."""
    distance = NearestNeighbors(n_neighbors=PEOPLE).fit(Z).kneighbors()[0][:, -1]
    return -Z.shape[1] * np.log(distance + 1e-12)


def _spread_ties(Z, rng):
    """Tied values placed at random in the interval that is nearer to them than to any other value."""
    Z = Z.copy()
    for column in Z.T:
        values, at = np.unique(column, return_inverse=True)
        if 1 < len(values) < len(column):
            between = (values[1:] + values[:-1]) / 2
            edges = np.r_[2 * values[0] - between[0], between, 2 * values[-1] - between[-1]]
            column[:] = rng.uniform(edges[at], edges[at + 1])
    return Z
def lloyd(Z, k, n_init, rng):
    return KMeans(k, n_init=n_init, random_state=rng).fit(Z)


def nearest_centre(Z, centres):
    return cdist(Z, centres, "sqeuclidean").argmin(axis=1)
