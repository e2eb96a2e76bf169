"""Bring a machine's probabilities in line with a library's own coded comments, and say how far off they were."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ..privacy import suppress
from .accuracy import MEASURES, accuracy
from .pairing import paired, probabilities_of

LEAST_CODED = 50
FEW = 5  # coded comments of a group, below which its slope is left alone
NEAREST = 1e-4  # probabilities nearer to 0 or 1 are taken as this near
NOT_CHECKED = "not checked on this library's comments"
ALL = "all groups"


class EmotionRecalibration(BaseEstimator):
    """Machine's probabilities mapped to the groups that coders give this library's comments.

    For each group the log odds become intercept + slope x log odds (Platt 2000), by penalised likelihood: a
    normal prior draws the intercept to 0 and the slope to 1, so that few comments change little. The slope is
    0 or more, and stays 1 for a group (or for all others) coded fewer than five times. The groups' probabilities
    are then scaled to sum to 1 (Zadrozny and Elkan 2002).

    Parameters
    ----------
    intercept_scale, slope_scale : float
        Standard deviations of the priors, in log odds.

    Attributes
    ----------
    groups_ : list of str
    intercept_, slope_ : Series by group
    n_coded_ : int
        Comments it was fitted on.

    References
    ----------
    Platt (2000), Probabilistic outputs for support vector machines, in Advances in Large Margin Classifiers, MIT
    Press, 61-74. Zadrozny and Elkan (2002), ACM KDD, 694-699.

    Examples
    --------
    The machine says 0.2 where coders find gratitude in half of the comments.

    >>> scored = pd.DataFrame({"gratitude": [0.2] * 400, "neutral": [0.8] * 400})
    >>> recalibration = EmotionRecalibration().fit(scored, ["gratitude", "neutral"] * 200)
    >>> recalibration.transform(scored[:1]).round(2)
       gratitude  neutral
    0        0.5      0.5
    """

    def __init__(self, *, intercept_scale=2.5, slope_scale=0.5):
        self.intercept_scale = intercept_scale
        self.slope_scale = slope_scale

    def fit(self, scored, codes, sample_weight=None):
        """Fit intercepts and slopes.

        Parameters
        ----------
        scored : frame or array of shape (n_comments, n_groups)
            The machine's probabilities.
        codes : Series or array of str
            Group that coders gave, matched as by `paired`.
        sample_weight : Series or array of float, optional
            Comments that each coded one stands for. Unequal weights count as fewer comments (Kish 1965).

        Raises
        ------
        ValueError
            If fewer than 50 comments are coded, or codes and probabilities do not fit together.
        """
        probabilities, codes, weights = paired(scored, codes, sample_weight)
        _enough(codes)
        self.groups_, self.n_coded_ = list(probabilities), len(codes)
        self._learn(probabilities.to_numpy(), _hits(codes, self.groups_), weights)
        return self

    def transform(self, scored):
        """Probabilities recalibrated, with their groups only and the index kept (DataFrame)."""
        check_is_fitted(self)
        probabilities = probabilities_of(scored)
        if set(probabilities) != set(self.groups_):
            raise ValueError(f"The comments have the groups {', '.join(probabilities)}; fitted were "
                             f"{', '.join(self.groups_)}.")
        mapped = self._map(probabilities[self.groups_].to_numpy())
        return pd.DataFrame(mapped, probabilities.index, self.groups_)[list(probabilities)]

    def _learn(self, probabilities, hits, weights):
        odds = _log_odds(probabilities)
        weights = weights / weights.sum() * weights.sum() ** 2 / (weights**2).sum()
        count, groups = hits.sum(axis=0), hits.shape[1]

        def loss(parameters):
            intercept, slope = parameters.reshape(2, groups)
            fitted = intercept + slope * odds
            off = weights[:, np.newaxis] * (expit(fitted) - hits)
            shift, turn = intercept / self.intercept_scale**2, (slope - 1) / self.slope_scale**2
            cost = weights @ (np.logaddexp(0, fitted) - hits * fitted).sum(axis=1)
            cost += (intercept @ shift + (slope - 1) @ turn) / 2
            return cost, np.concatenate([off.sum(axis=0) + shift, (off * odds).sum(axis=0) + turn])

        sparse = np.minimum(count, len(hits) - count) < FEW
        bounds = [(None, None)] * groups + [(1, 1) if few else (0, None) for few in sparse]
        start = np.repeat([0.0, 1.0], groups)
        found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x.reshape(2, groups)
        self.intercept_, self.slope_ = (pd.Series(values, self.groups_) for values in found)

    def _map(self, probabilities):
        mapped = expit(self.intercept_.to_numpy() + self.slope_.to_numpy() * _log_odds(probabilities))
        return mapped / mapped.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Recalibration:
    """A machine checked on this library's comments, and recalibrated; made by `recalibrate`.

    Attributes
    ----------
    coded : int
        Comments coded by hand; 0 where the machine was not checked.
    estimator : EmotionRecalibration or None
    table : DataFrame
        By `group` and `measure` (calibration error, Brier score, AUC): how often `coded`, missing where withheld;
        `before`, of the machine, and `after`, recalibrated on other comments, each with 95% limits `_low` and
        `_high`.
    """

    coded: int
    estimator: EmotionRecalibration | None = field(repr=False)
    table: pd.DataFrame = field(repr=False)

    def transform(self, scored):
        """Probabilities recalibrated; the machine's own where nothing was coded (DataFrame)."""
        return probabilities_of(scored) if self.estimator is None else self.estimator.transform(scored)

    @property
    def summary(self):
        """The machine's error on this library's comments, in up to three sentences."""
        if not self.coded:
            return f"The machine's scores were {NOT_CHECKED}."
        error, brier, auc = (self.table.loc[(ALL, measure)] for measure in MEASURES)
        text = (f"Checked on {self.coded:,} of this library's comments coded by hand, the machine's probabilities are off "
                f"by {100 * error.before:.1f} percentage points (95% interval {100 * error.before_low:.1f} to "
                f"{100 * error.before_high:.1f}) on average over the groups, and by {100 * error.after:.1f} "
                f"({100 * error.after_low:.1f} to {100 * error.after_high:.1f}) once recalibrated. ")
        if not np.isnan(auc.before):
            text += ("Given a comment of a group and one of another, it ranks the first higher "
                     f"{100 * auc.before:.0f} times "
                     f"in 100 ({100 * auc.before_low:.0f} to {100 * auc.before_high:.0f}). ")
        better = "lowers" if brier.after < brier.before else "does not lower"
        return text + f"Recalibrating {better} its Brier score ({brier.before:.2f}; then {brier.after:.2f})."


def recalibrate(scored, codes=None, sample_weight=None, *, n_folds=10, n_boot=1000, minimum_count=10, random_state=0):
    """Recalibrate a machine on coded comments, and measure its error before and after.

    *After* is cross-validated: each comment's probabilities come from a fit on the other folds. What is measured,
    and how, is said in `accuracy`.

    Parameters
    ----------
    scored : frame or array of shape (n_comments, n_groups)
        The machine's probabilities.
    codes : Series or array of str, optional
        Group that coders gave, matched as by `paired`. None, or none coded: nothing is checked or changed.
    sample_weight : Series or array of float, optional
        Comments that each coded one stands for.
    n_folds, n_boot : int
        Folds of the cross-validation, and resamples.
    minimum_count : int
        Fewest comments of a group whose number is shown, at least 5.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    Recalibration

    Raises
    ------
    ValueError
        As `EmotionRecalibration.fit`: with 1 to 49 comments coded, among others.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> thankful = rng.random(300)
    >>> scored = pd.DataFrame({"gratitude": thankful / 3, "neutral": 1 - thankful / 3})
    >>> result = recalibrate(scored, np.where(rng.random(300) < thankful, "gratitude", "neutral"))
    >>> result.table.loc["all groups", ["before", "after"]].round(2).to_dict("list")
    {'before': [0.33, 0.61, 0.86], 'after': [0.1, 0.31, 0.86]}
    >>> recalibrate(scored).summary
    "The machine's scores were not checked on this library's comments."
    """
    if codes is None or not pd.Series(codes).notna().any():
        probabilities_of(scored)
        return Recalibration(0, None, pd.DataFrame())
    estimator = EmotionRecalibration().fit(scored, codes, sample_weight)
    before, codes, weights = paired(scored, codes, sample_weight)
    hits, before = _hits(codes, estimator.groups_), before.to_numpy()
    rng = np.random.default_rng(random_state)
    fold = np.empty(len(codes), dtype=int)
    fold[np.lexsort([rng.random(len(codes)), codes])] = np.arange(len(codes)) % n_folds
    after = np.empty_like(before)
    for held in range(n_folds):
        learner = EmotionRecalibration()
        learner.groups_ = estimator.groups_
        learner._learn(before[fold != held], hits[fold != held], weights[fold != held])
        after[fold == held] = learner._map(before[fold == held])

    names = [*estimator.groups_, ALL]
    table = pd.DataFrame(index=pd.MultiIndex.from_product([MEASURES, names], names=["measure", "group"]))
    number = suppress(pd.Series(hits.sum(axis=0)), minimum_count)
    table["coded"] = np.tile(np.append(number, len(hits)), len(MEASURES))
    for stage, probabilities in {"before": before, "after": after}.items():
        limits = accuracy(probabilities, hits, weights, n_boot=n_boot, random_state=rng)
        table[stage], table[f"{stage}_low"], table[f"{stage}_high"] = (values.ravel() for values in limits)
    table = table.swaplevel().loc[pd.MultiIndex.from_product([names, MEASURES], names=["group", "measure"])]
    return Recalibration(len(codes), estimator, table)


def _enough(codes):
    if len(codes) < LEAST_CODED:
        raise ValueError(f"{len(codes)} comments are coded, and recalibrating needs {LEAST_CODED} or more: code "
                         f"{LEAST_CODED - len(codes)} more, or use the machine's scores as {NOT_CHECKED}.")


def _hits(codes, groups):
    return (codes[:, np.newaxis] == np.array(groups)).astype(float)


def _log_odds(probabilities):
    return logit(np.clip(probabilities, NEAREST, 1 - NEAREST))
