"""Probit regressions in samples of people, and the probabilities they give."""

import numpy as np
from scipy.special import erfcx, ndtr

ROUNDS = 25  # of Newton's method
LOST = 0.02  # greatest share of samples of people that may give no answer
LEAST = 1e-9  # of a scaled variance; below it a column is a copy of others
APART = "Some columns tell the two outcomes (nearly) apart, and a probit has no answer: merge or leave out rare values."


def probit(design, y, key, times):
    """Coefficients (1 + draws, p) of probit regressions: Newton's method, in samples from the estimate of all."""
    sign, p = 2 * y - 1, design.shape[1]
    outer = (design[:, :, np.newaxis] * design[:, np.newaxis]).reshape(len(design), -1)
    ridge = LEAST * len(design) * np.eye(p)
    start, found = np.zeros(p), []
    for batch in times:
        weights, now = batch[:, key], np.tile(start, (len(batch), 1))
        for _ in range(ROUNDS):
            index = now @ design.T
            pull = sign * np.sqrt(2 / np.pi) / erfcx(-sign * index / np.sqrt(2))
            slope = (weights * pull) @ design
            curve = (weights * (pull * (pull + index))) @ outer
            step = np.linalg.solve(curve.reshape(-1, p, p) + ridge, slope[:, :, np.newaxis])[:, :, 0]
            far = np.abs(step).max(axis=1)
            now = now + step / np.maximum(1, far / 3)[:, np.newaxis]
            if not (far > 1e-6).any():
                break
        ok = (far <= 1e-5) & (np.abs(now).max(axis=1) < 50)
        if not found and not ok[0]:
            raise ValueError(APART)
        start = start if found else now[0]
        found.append(np.where(ok[:, np.newaxis], now, np.nan))
    found = np.vstack(found)
    if np.isnan(found[:, 0]).mean() > LOST:
        raise ValueError(APART)
    return found


def mean_probabilities(design, coefficients, shifts, key, times):
    """Mean probability over the rows of each sample, the index moved by each of `shifts` (k, 1 + draws)."""
    parts, first = [], 0
    for batch in times:
        weights, rows = batch[:, key].astype(float), slice(first, first := first + len(batch))
        weights /= weights.sum(axis=1, keepdims=True)
        index = coefficients[rows] @ design.T
        parts.append([np.einsum("bi,bi->b", weights, ndtr(index + move[rows, np.newaxis])) for move in shifts])
    return np.hstack(parts)
