"""How far a machine's probabilities are from the groups that coders found."""

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

MEASURES = ("calibration error", "Brier score", "AUC")
FEW = 5  # comments of a group, or of all others, below which AUC is not given
PER_BIN, MOST_BINS = 20, 10
LIMITS = [0.025, 0.975]  # of a 95% interval


def accuracy(probabilities, hits, weights, *, n_boot=1000, random_state=0):
    """Calibration error, Brier score and AUC of each group and over all, with 95% intervals.

    The calibration error is the mean distance of probability and observed share over bins of about equal numbers
    of comments, about 20 to a bin and 10 bins at most (Naeini et al. 2015); over all groups it is the mean (Kull
    et al. 2019). The Brier score is the squared distance, summed over all groups (Brier 1950). AUC is the chance
    that a comment of the group has a higher probability than another; over all groups it is the mean.

    Intervals are percentiles of resamples of comments, at levels that allow for a group's being small (Hesterberg
    2015). Chance makes a calibration error only larger, and that of resamples larger still: their limits are
    shifted down by as much as they lie above the estimate, the lower one twice, because the estimate may lie as
    much above the truth.

    Parameters
    ----------
    probabilities : ndarray of shape (n_comments, n_groups)
    hits : ndarray of shape (n_comments, n_groups)
        1 where coders gave the group, else 0.
    weights : ndarray of shape (n_comments,)
        Comments that each one stands for.
    n_boot : int
        Number of resamples.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    estimate, low, high : ndarray of shape (3, n_groups + 1)
        A row for each of `MEASURES`; the last column is over all groups. NaN where a group is too rare for AUC.

    References
    ----------
    Naeini, Cooper and Hauskrecht (2015), AAAI, 2901-2907. Kull, Perello-Nieto, Kängsepp et al. (2019), Beyond
    temperature scaling, NeurIPS 32. Brier (1950), Mon. Weather Rev. 78, 1-3. Hesterberg (2015), Am. Statistician 69,
    371-386.

    Examples
    --------
    >>> hits = np.repeat([[1.0, 0.0], [0.0, 1.0]], 40, axis=0)
    >>> estimate, _, _ = accuracy(np.abs(hits - 0.25), hits, np.ones(80))
    >>> estimate.round(3)
    array([[0.25 , 0.25 , 0.25 ],
           [0.062, 0.062, 0.125],
           [1.   , 1.   , 1.   ]])
    """
    comments = len(hits)
    rng = np.random.default_rng(random_state)
    times = rng.multinomial(comments, np.full(comments, 1 / comments), size=n_boot)
    times = np.vstack([np.ones(comments), times]) * weights

    columns = range(hits.shape[1])
    error = np.column_stack([_calibration_error(probabilities[:, at], hits[:, at], times) for at in columns])
    brier = times @ (probabilities - hits) ** 2 / times.sum(axis=1, keepdims=True)
    auc = np.column_stack([_auc(probabilities[:, at], hits[:, at] == 1, times) for at in columns])
    rare = np.isnan(auc[0])
    over_all = [error.mean(axis=1), brier.sum(axis=1), np.full(len(times), np.nan)]
    if not rare.all():
        over_all[2] = auc[:, ~rare].mean(axis=1)
    drawn = np.stack([np.column_stack(pair) for pair in zip([error, brier, auc], over_all, strict=True)], axis=1)

    number = np.append(np.minimum(hits.sum(axis=0), comments - hits.sum(axis=0)), comments)
    estimate, (low, high) = drawn[0], np.stack([_limits(drawn[1:, :, at], many) for at, many in enumerate(number)], axis=-1)
    bias = np.maximum(drawn[1:, 0].mean(axis=0) - estimate[0], 0)
    low[0], high[0] = np.maximum(low[0] - 2 * bias, 0), high[0] - bias
    return estimate, low, high


def _limits(drawn, number):
    """95% limits (2, measures) of resamples (draws, measures), spread as Student's t of so many comments is."""
    number = max(number, FEW)
    level = norm.cdf(np.sqrt(number / (number - 1)) * student.ppf(LIMITS, number - 1))
    known = ~np.isnan(drawn).all(axis=0)
    limits = np.full((2, drawn.shape[1]), np.nan)
    limits[:, known] = np.nanquantile(drawn[:, known], level, axis=0)
    return limits


def _calibration_error(probability, hit, times):
    """Calibration error of one group (draws,), when each comment is taken so many `times` (draws, comments)."""
    bins = int(np.clip(len(hit) // PER_BIN, 2, MOST_BINS))
    edges = np.unique(np.quantile(probability, np.arange(1, bins) / bins))
    within = np.searchsorted(edges, probability, side="right")[:, np.newaxis] == np.arange(len(edges) + 1)
    return np.abs(times @ (within * (probability - hit)[:, np.newaxis])).sum(axis=1) / times.sum(axis=1)


def _auc(probability, hit, times):
    """AUC of one group (draws,), ties counting half; NaN where the group, or the rest, is too rare."""
    if min(hit.sum(), (~hit).sum()) < FEW:
        return np.full(len(times), np.nan)
    of_group, others = probability[hit, np.newaxis], probability[~hit]
    before = (of_group > others) + 0.5 * (of_group == others)
    pairs = times[:, hit].sum(axis=1) * times[:, ~hit].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, (times[:, hit] @ before * times[:, ~hit]).sum(axis=1) / pairs, np.nan)
