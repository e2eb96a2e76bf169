"""A model of people's own rhythms: how likely it is that they are still there, and that they are seen again."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import digamma, expit, gammaln

from ..privacy import about

COLUMNS = ["frequency", "recency", "T"]
FEWEST = 100  # people a model may be fitted on


class RhythmModel:
    """Active days at a rate of one's own, until one stops for good after one of them (BG/NBD).

    While somebody is there, active days come at random with a constant rate, which differs between people as a gamma
    distribution (shape r, rate alpha). After each active day the person stops for good with a chance that differs
    between people as a beta distribution (a, b). Nobody sees the stop: it is inferred from a silence that is long for
    the rhythm before it.

    Attributes
    ----------
    r_, alpha_, a_, b_ : float
        The parameters; alpha in the unit of T.
    loglik_ : float
        Log-likelihood at its maximum.
    n_ : int
        People fitted on.

    References
    ----------
    Fader, Hardie & Lee (2005), "Counting your customers" the easy way: an alternative to the Pareto/NBD model,
    Marketing Science 24(2), 275-284.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> days = pd.DataFrame({"frequency": rng.poisson(rng.gamma(0.5, 4, 500)), "T": 300})
    >>> days["recency"] = np.where(days["frequency"] > 0, rng.integers(100, 300, 500), 0)
    >>> model = RhythmModel().fit(days)
    >>> busy = pd.DataFrame({"frequency": [10, 10], "recency": [280, 60], "T": 300})
    >>> model.probability_alive(busy).round(2).tolist()
    [0.84, 0.0]
    """

    def fit(self, X):
        """Fit by maximum likelihood.

        Parameters
        ----------
        X : DataFrame of shape (n_people, ...)
            Columns frequency, recency and T, as `active_days` makes them.

        Returns
        -------
        RhythmModel
            Itself.

        Raises
        ------
        ValueError
            If a column or a value is missing or cannot be, people are fewer than 100, nobody was active on a second
            day, or no best fit is found.
        """
        x, recency, length = _checked(X)
        if len(x) < FEWEST:
            raise ValueError(f"{about(len(x))} people are too few to learn a rhythm from; at least {FEWEST} are needed.")
        if not x.any():
            raise ValueError("Nobody was active on a second day, so there is no rhythm to learn.")
        scale = length.mean()
        rows = pd.DataFrame({"x": x, "recency": recency / scale, "T": length / scale})
        rows = rows.groupby(list(rows), as_index=False).size().to_numpy().T
        best = minimize(_loss, np.zeros(4), args=(rows,), jac=True, method="L-BFGS-B", bounds=[(-12, 12)] * 4,
                        options={"ftol": 1e-12, "gtol": 1e-6, "maxiter": 1000})
        if not best.success and np.abs(best.jac).max() > 1e-4:
            raise ValueError("No best fit was found: are there enough people who were active on several days?")
        self.r_, self.alpha_, self.a_, self.b_ = (float(value) for value in np.exp(best.x) * [1, scale, 1, 1])
        self.n_ = len(x)
        self.loglik_ = float(-best.fun * self.n_ - x.sum() * np.log(scale))
        return self

    def probability_alive(self, X):
        """The chance that each person has not stopped.

        It is 1 for people active on one day only: the model lets nobody stop before a second one. That is an
        assumption, and must not be read as a finding about them.

        Parameters
        ----------
        X : DataFrame of shape (n_people, ...)
            Columns frequency, recency and T.

        Returns
        -------
        ndarray of shape (n_people,)

        Raises
        ------
        ValueError
            As for `fit`, where a column or a value is missing or cannot be.

        References
        ----------
        Fader, Hardie & Lee (2008), Computing P(alive) using the BG/NBD model, note 21.
        """
        there, gone = _log_odds((self.r_, self.alpha_, self.a_, self.b_), *_checked(X))
        return expit(there - gone)

    def probability_of_return(self, X, days):
        """The chance that each person is active at least once within so many expected days from the end of T.

        Parameters
        ----------
        X : DataFrame of shape (n_people, ...)
            Columns frequency, recency and T.
        days : float
            In the unit of T.

        Returns
        -------
        ndarray of shape (n_people,)

        Raises
        ------
        ValueError
            As for `probability_alive`.
        """
        x, _, length = _checked(X)
        silent = np.log((self.alpha_ + length) / (self.alpha_ + length + days))
        return self.probability_alive(X) * -np.expm1((self.r_ + x) * silent)

    @property
    def summary(self):
        """What the parameters say, in words."""
        return (f"Of {about(self.n_)} people, those still there have, on average, one active day in "
                f"{self.alpha_ / self.r_:,.1f} expected days; after an active day {self.a_ / (self.a_ + self.b_):.1%} stop "
                f"for good (r {self.r_:.3f}, alpha {self.alpha_:.3f}, a {self.a_:.3f}, b {self.b_:.3f}).")


def _checked(X):
    """Frequency, recency and T as arrays of floats; or a sentence on what is wrong."""
    if absent := [column for column in COLUMNS if column not in X]:
        raise ValueError(f"There is no column {' and no column '.join(absent)}: give the frame that active_days makes.")
    x, recency, length = X[COLUMNS].to_numpy(dtype=float).T
    for wrong, what in ((~np.isfinite(x + recency + length), "a value is missing"),
                        ((x < 0) | (recency < 0) | (x != np.floor(x)), "a frequency is no count, or a value is negative"),
                        (recency > length, "recency is larger than T"),
                        ((x == 0) & (recency > 0), "recency is above 0 with no second active day")):
        if wrong.any():
            raise ValueError(f"In {wrong.sum():,} of {len(x):,} rows {what}: are days counted up to the same day for all?")
    return x, recency, length


def _log_odds(parameters, x, recency, length):
    """Log-likelihoods, but for what is common to both, of being there at the end and of having stopped at the last day."""
    r, alpha, a, b = parameters
    stopped = np.log(a / np.where(x > 0, b + x - 1, 1)) - (r + x) * np.log(alpha + recency)
    return -(r + x) * np.log(alpha + length), np.where(x > 0, stopped, -np.inf)


def _loss(logs, rows):
    """Mean negative log-likelihood, and its gradient, at the logarithms of r, alpha, a and b.

    `rows` holds frequency, recency, T and the number of people who share them.
    """
    r, alpha, a, b = parameters = np.exp(logs)
    x, recency, length, people = rows
    there, gone = _log_odds(parameters, x, recency, length)
    stopped = expit(gone - there)
    by_r = -(1 - stopped) * np.log(alpha + length) - stopped * np.log(alpha + recency)
    by_alpha = -(r + x) * ((1 - stopped) / (alpha + length) + stopped / (alpha + recency))
    ends = np.array([by_r, by_alpha, stopped / a, -stopped / np.where(x > 0, b + x - 1, 1)]) @ people
    times, at = np.unique(x, return_inverse=True)       # what depends on the frequency alone
    counts, n = np.bincount(at, people), people.sum()
    common = (gammaln(r + times) - gammaln(r) + r * np.log(alpha)
              + gammaln(b + times) - gammaln(a + b + times) - gammaln(b) + gammaln(a + b)) @ counts
    by_b = digamma(a + b) - digamma(a + b + times)
    slopes = np.array([digamma(r + times) - digamma(r) + np.log(alpha), np.full(len(times), r / alpha), by_b,
                       by_b + digamma(b + times) - digamma(b)]) @ counts
    value = common + np.logaddexp(there, gone) @ people
    return -value / n, -(slopes + ends) * parameters / n
