"""How far two segmentations of the same people agree, beyond chance."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import entropy
from sklearn.metrics.cluster import expected_mutual_information

from .privacy import about

STEINLEY = ["poor", "moderate", "good", "excellent"]


@dataclass(frozen=True)
class Agreement:
    """How far two segmentations of the same people agree.

    Attributes
    ----------
    n : int
        People compared.
    table : DataFrame
        estimate, low, high (95%) of the adjusted Rand index and the adjusted mutual information.
    """

    n: int
    table: pd.DataFrame

    @property
    def summary(self):
        """The adjusted Rand index in a sentence, worded as in Steinley (2004), Psychol. Methods 9, 386."""
        rand = self.table.loc["adjusted Rand index"]
        word = STEINLEY[np.searchsorted([0.65, 0.8, 0.9], rand.estimate, side="right")]
        return (
            f"Agreement of the two segmentations of {about(self.n)} people is {word}: adjusted Rand index "
            f"{rand.estimate:.2f} ({rand.low:.2f} to {rand.high:.2f}); 1 is the same grouping, 0 is chance."
        )


def agreement(a, b, *, n_boot=1000, random_state=0):
    """Agreement of two segmentations, beyond chance and whatever the names of the segments.

    The adjusted Rand index (Hubert & Arabie 1985, J. Classification 2, 193-218) compares pairs of people, so
    large segments govern it; the adjusted mutual information (Vinh, Epps & Bailey 2010, JMLR 11, 2837-2854)
    gives small ones more say. Intervals are percentiles of bootstrap samples of people.

    Parameters
    ----------
    a, b : Series or array
        Segment of each person; two Series are matched by index, and people in both are compared.
    n_boot : int, default 1000
    random_state : int, default 0

    Returns
    -------
    Agreement

    Raises
    ------
    ValueError
        If nobody has a segment in both.

    Examples
    --------
    >>> agreement(["x", "x", "y", "y"] * 50, [1, 1, 2, 2] * 50).table["estimate"].tolist()
    [1.0, 1.0]
    """
    both = pd.DataFrame({"a": a, "b": b}).dropna()
    if both.empty:
        raise ValueError("Nobody has a segment in both segmentations: index both by person_key.")
    table = pd.crosstab(both["a"], both["b"]).to_numpy()
    # what chance gives depends on the margins only, which resampling hardly moves
    chance = expected_mutual_information(table, table.sum())
    rng = np.random.default_rng(random_state)
    drawn = rng.multinomial(len(both), table.ravel() / len(both), size=n_boot).reshape(-1, *table.shape)
    values = pd.DataFrame(
        [(_adjusted_rand(cells), _adjusted_information(cells, chance)) for cells in (table, *drawn)],
        columns=["adjusted Rand index", "adjusted mutual information"],
    )
    low, high = values[1:].quantile(0.025), values[1:].quantile(0.975)
    return Agreement(len(both), pd.DataFrame({"estimate": values.loc[0], "low": low, "high": high}))


def _adjusted_rand(cells):
    def pairs(counts):
        return np.sum(counts * (counts - 1.0)) / 2

    rows, columns = pairs(cells.sum(axis=1)), pairs(cells.sum(axis=0))
    chance, most = rows * columns / pairs(cells.sum()), (rows + columns) / 2
    return (pairs(cells) - chance) / (most - chance) if most > chance else 1.0


def _adjusted_information(cells, chance):
    of_rows, of_columns = entropy(cells.sum(axis=1)), entropy(cells.sum(axis=0))
    shared, most = of_rows + of_columns - entropy(cells.ravel()), (of_rows + of_columns) / 2
    return (shared - chance) / (most - chance) if most > chance else 1.0
