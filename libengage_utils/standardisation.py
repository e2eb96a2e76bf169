"""Rates that groups would have with one mix of other circumstances: by strata, or by a logistic model."""

import numpy as np
import pandas as pd
from scipy.special import expit, logit

MAIN, INTERACTION = 2.5, 0.5  # scales of the priors of a logistic regression, in log odds


def from_strata(strata, mix, values, reference):
    """Standardised rate of each value, of the reference, and the difference's error, from observed rates."""
    people, never = strata.people, strata.never_seen
    rates = never / people
    variance = (rates * (1 - rates) / (people - 1)).mul(mix**2, axis=0).sum()  # n - 1: unbiased
    rate = rates.mul(mix, axis=0).sum()
    error = np.sqrt(variance + variance[reference])
    return [(rate[value], rate[reference], error[value]) for value in values]


def from_model(cells, circumstance, adjust, values, reference):
    """The same from a logistic regression."""
    company = pd.get_dummies(cells[adjust], drop_first=True, dtype=float).to_numpy()

    def design(own):
        together = (own[:, :, np.newaxis] * company[:, np.newaxis]).reshape(len(cells), -1)
        return np.column_stack([np.ones(len(cells)), company, own, together])

    observed = design(pd.get_dummies(cells[circumstance], dtype=float)[values].to_numpy())
    main = company.shape[1] + len(values)
    scale = np.r_[np.inf, np.full(main, MAIN), np.full(observed.shape[1] - main - 1, INTERACTION)]
    coefficients, covariance = _logistic(observed, cells.never_seen, cells.people, scale)
    weight = (cells.people / cells.people.sum()).to_numpy()

    def everybody(value):
        """Mean rate if all had the value, and its gradient."""
        x = design(np.tile(values == value, (len(cells), 1)).astype(float))
        rate = expit(x @ coefficients)
        return weight @ rate, (weight * rate * (1 - rate)) @ x

    rate, gradient = everybody(reference)
    estimates = []
    for own_rate, own_gradient in map(everybody, values):
        change = own_gradient - gradient
        estimates.append((own_rate, rate, np.sqrt(change @ covariance @ change)))
    return estimates


def _logistic(design, events, trials, scale):
    """Coefficients of a logistic regression with normal priors of this scale, and their covariance."""
    coefficients = np.zeros(design.shape[1])
    coefficients[0] = logit(events.sum() / trials.sum())
    for _ in range(100):
        rate = expit(design @ coefficients)
        information = (design.T * (trials * rate * (1 - rate)).to_numpy()) @ design + np.diag(scale**-2.0)
        step = np.linalg.solve(information, design.T @ (events - trials * rate) - coefficients / scale**2)
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-8:
            break
    return coefficients, np.linalg.inv(information)
