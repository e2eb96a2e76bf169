"""Whether the number of people jumps at a line, as it would had some been sorted across it."""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.genmod.families import Poisson
from statsmodels.genmod.generalized_linear_model import GLM

FEWEST, BINS = 20, 3  # people on a side within the bandwidth, and weeks


@dataclass(frozen=True)
class Density:
    """The jump in the number of people at a line; made by `density`.

    Attributes
    ----------
    ratio, low, high : float
        People just above the line for each just below it, with the 95% interval; missing where fewer than 20
        people, or 3 whole weeks, are on a side.
    p : float
        Of no jump.
    bandwidth : float
        How far from the line people are counted; missing as above.
    """

    ratio: float
    low: float
    high: float
    p: float
    bandwidth: float

    @property
    def summary(self):
        """The finding in a sentence."""
        if np.isnan(self.ratio):
            return "Too few people are near the line to tell whether any were sorted across it."
        found = ("no jump in their number can be told, so nothing shows that people were sorted across the line"
                 if self.low <= 1 <= self.high else
                 "their number jumps: people may have been sorted across the line, which would void the comparison")
        return (f"For each person just below the line there are {self.ratio:.2f} just above it (95% interval {self.low:.2f} "
                f"to {self.high:.2f}); {found}.")


def density(running, *, cutoff):
    """Whether the number of people jumps at a cutoff of a running variable.

    McCrary's test by Poisson regression: the logarithm of the number of people is a straight line on each side of the
    cutoff, those further away weighted less (triangular kernel). A likelihood of counts holds its level where there are few
    people or none, and for numbers that fall away evenly, as those of the not seen do. Whole days are counted by the week,
    from the cutoff outwards, since a week has every quiet day once; a week of closure close to the line looks like a jump.

    Parameters
    ----------
    running : array-like of shape (n_people,)
        The running variable: whole days, or any other number (then counted in fiftieths of the bandwidth). Missing values
        are left out.
    cutoff : float
        The line; who is at it counts as above.

    Returns
    -------
    Density

    References
    ----------
    McCrary (2008), J. Econometrics 142(2), 698-714. Local likelihood: Loader (1996), Annals of Statistics 24, 1602-1618.
    Bandwidth: Silverman (1986), Density Estimation, section 3.4, for a triangular kernel.

    Examples
    --------
    >>> days = np.random.default_rng(0).geometric(0.01, 5000)
    >>> bool(density(days, cutoff=120).p > 0.05)
    True
    >>> bool(density(np.where((days > 110) & (days < 120), 120, days), cutoff=120).p < 0.05)
    True
    """
    running = np.asarray(running, dtype=float)
    running = running[~np.isnan(running)]
    away = running - cutoff
    if min((away < 0).sum(), (away >= 0).sum()) < FEWEST:
        return Density(*[np.nan] * 5)
    spread = min(away.std(ddof=1), np.subtract(*np.quantile(away, [0.75, 0.25])) / 1.349 or np.inf)
    bandwidth, whole = 2.576 * spread * len(away) ** -0.2, bool((running % 1 == 0).all())
    width = 7.0 if whole else bandwidth / 50
    reach = max(np.ceil(bandwidth / width), 2 * BINS)  # bins on a side
    full = np.ceil(away.min() / width), np.floor((away.max() + whole) / width)  # between which bins are all in the data
    bins = np.arange(max(full[0], -reach), min(full[1], reach))
    place = np.floor(away / width)
    counts = np.array([(place == one).sum() for one in bins])
    if min((bins < 0).sum(), (bins >= 0).sum()) < BINS or min(counts[bins < 0].sum(), counts[bins >= 0].sum()) < FEWEST:
        return Density(*[np.nan] * 5)
    at, above = (bins + 0.5) / reach, bins >= 0
    design, kernel = np.column_stack([above, np.ones(len(at)), at * ~above, at * above]), 1 - np.abs(at)
    fit = GLM(counts, design, family=Poisson(), var_weights=kernel).fit()
    inverse = fit.normalized_cov_params[0]
    error = np.sqrt(inverse @ (design.T * kernel**2 * fit.mu) @ design @ inverse)
    ratio, low, high = np.exp(fit.params[0] + stats.norm.ppf([0.5, 0.025, 0.975]) * error)
    return Density(*map(float, (ratio, low, high, 2 * stats.norm.sf(abs(fit.params[0] / error)), reach * width)))
