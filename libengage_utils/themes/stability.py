"""How many themes to tell apart: the number that two halves of the comments agree on, beyond words without themes."""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn import config_context
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.preprocessing import normalize

DIMENSIONS = 50
SEARCHES = 3  # starts of a k-means whose solution is compared with others
LIMITS = [0.025, 0.975]
STABLE = 0.3  # least agreement of two halves


def space(rows):
    """What brings word counts, or vectors, of comments to points whose directions can be compared (a function).

    Word counts are weighted by TF-IDF and brought to the 50 main directions in which different words occur together. How
    often a word occurs with itself is left out of these (diagonal deletion), since it would make a direction of every
    frequent word, with or without a theme. Of vectors only the direction counts.

    Latent semantic analysis: Deerwester et al. (1990); without the diagonal: Cai et al. (2021).
    """
    if not sparse.issparse(rows):
        return normalize
    weighted = TfidfTransformer(sublinear_tf=True).fit(rows)
    tfidf = weighted.transform(rows)
    words, itself = tfidf.shape[1], np.asarray(tfidf.multiply(tfidf).sum(axis=0)).ravel()
    together = LinearOperator((words, words), dtype=float, matvec=lambda v: tfidf.T @ (tfidf @ v) - itself * v)
    directions = eigsh(together, min(DIMENSIONS, words - 1), which="LA", v0=np.ones(words))[1]
    return lambda rows: normalize(weighted.transform(rows) @ directions)


def stability(rows, numbers, *, splits=10, random_state=0, tell=lambda share: None):
    """How far two halves of the comments agree on their themes, by number of themes, and how far chance would.

    Comments are cut into two halves at random, themes are found in each, and all comments are placed by both; the
    agreement is the adjusted mutual information of the two placings (Vinh, Epps & Bailey 2010). The null does the same to
    comments of the same lengths whose words are dealt out at random, so that there are words but no themes.
    """
    rng = np.random.default_rng(random_state)
    found, null = [], []
    for split in range(splits):
        found.append(_agreements(rows, numbers, rng))
        if split % 2 == 0:
            null.append(_agreements(shuffled(rows, rng), numbers, rng))
        tell((split + 1) / splits)
    low, high = np.quantile(found, LIMITS, axis=0)
    table = pd.DataFrame({"estimate": np.mean(found, axis=0), "low": low, "high": high,
                          "null": np.quantile(null, 0.95, axis=0)}, index=pd.Index(numbers, name="n_themes"))
    return table.assign(stable=(table["low"] > table["null"]) & (table["estimate"] >= STABLE))


def shuffled(rows, rng):
    """The same words dealt out at random over comments of the same lengths; or vectors, each column in random order."""
    if not sparse.issparse(rows):
        return rng.permuted(rows, axis=0)
    cells = rows.tocoo()
    row, word = np.repeat(cells.row, cells.data), rng.permutation(np.repeat(cells.col, cells.data))
    return sparse.csr_matrix((np.ones(len(row), dtype=int), (row, word)), shape=rows.shape)


def choose(table):
    """The largest number of themes that comes back as well as the surest does in its worst splits.

    The surest is that with the highest lower limit. Where any number is stable, only those that are count.
    """
    among = table[table["stable"]] if table["stable"].any() else table
    return int(among.index[among["estimate"] >= among["low"].max()].max())


def _agreements(rows, numbers, rng):
    """Agreement of the themes of two random halves, for each number of themes."""
    seed, placed = int(rng.integers(2**31)), []
    for half in np.array_split(rng.permutation(rows.shape[0]), 2):
        place = space(rows[half])
        near, everybody = place(rows[half]), place(rows)
        with config_context(assume_finite=True, skip_parameter_validation=True):
            placed.append([KMeans(k, n_init=SEARCHES, random_state=seed).fit(near).predict(everybody) for k in numbers])
    return [adjusted_mutual_info_score(*pair) for pair in zip(*placed, strict=True)]
