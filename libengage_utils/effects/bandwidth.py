"""The bandwidths of a discontinuity: of least mean squared error, for the lines and for the bend that biases them."""

import numpy as np

CHOOSING = 10  # fewest distinct values on a side from which a bandwidth can be chosen


def weights(x, side, bandwidth, order):
    """Weights (order + 1, n) of the outcomes in each coefficient of a polynomial fitted to one side of the cutoff."""
    kernel, power = np.clip(1 - np.abs(x) / bandwidth, 0, None) * side, np.arange(order + 1.0)[:, np.newaxis]
    design = (x / bandwidth) ** power
    return np.linalg.solve((design * kernel) @ design.T, design * kernel) / bandwidth**power


def bandwidths(sample):
    """Bandwidths of the lines and of the bend, by plugging in from the highest derivative down."""
    distinct = np.unique(sample.x)
    sides = distinct[distinct < 0], distinct[distinct >= 0]
    least = max(sample.least, *(np.sort(np.abs(some))[CHOOSING - 1] for some in sides))
    spread = min(sample.x.std(ddof=1), np.subtract(*np.quantile(sample.x, [0.75, 0.25])) / 1.349)
    pilot, bend, width = max(2.576 * spread * len(distinct) ** -0.2, least), None, None
    for derivative, order in ((3, 3), (2, 2), (0, 1)):
        bend, width = width, _best(sample, derivative, order, pilot, width)
        width = np.fmin(np.fmax(width, least), np.abs(sample.x).max())
    return width, bend


def _best(sample, derivative, order, pilot, wider):
    """Bandwidth of least mean squared error for the jump of a coefficient of polynomials of this order.

    Its variance is taken at the pilot bandwidth; its bias from the next coefficient, estimated within `wider`; if there
    is none, from all rows, and without the regularisation that keeps a small bias from making bandwidths boundless.
    """
    ahead, bias, unsure, jump = order + 1 - derivative, 0.0, 0.0, 0.0
    for sign, side in zip((-1, 1), sample.sides, strict=True):
        own = weights(sample.x, side, pilot, order)[derivative]
        next_one = weights(sample.x, side, wider or np.abs(sample.x[side]).max(), order + 1)[order + 1]
        next_one *= own @ sample.x ** (order + 1) / pilot**ahead
        jump, bias = jump + sign * own, bias + sign * (next_one @ sample.y)
        unsure += 3 * sample.variance(next_one) * (wider is not None)
    variance = pilot ** (2 * derivative + 1) * sample.variance(jump)
    with np.errstate(divide="ignore", invalid="ignore"):
        return ((2 * derivative + 1) * variance / (2 * ahead * (bias**2 + unsure))) ** (1 / (2 * order + 3))
