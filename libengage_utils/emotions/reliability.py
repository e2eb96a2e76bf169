"""How far a machine's score follows that of coders, and what its error does to a regression on it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

LIMITS = [0.025, 0.975]  # of a 95% interval


@dataclass(frozen=True)
class ScoreReliability:
    """How a machine's score follows that of coders; made by `score_reliability`.

    `estimate`, `low` and `high` are the correlation and its 95% interval over `comments` coded ones.
    """

    comments: int
    estimate: float
    low: float
    high: float

    @property
    def reliability(self):
        """Share of the score's variance that is not error, with its 95% limits: the correlation squared (tuple)."""
        return tuple(float(max(value, 0.0)) ** 2 for value in (self.estimate, self.low, self.high))

    @property
    def summary(self):
        """The correlation in a sentence."""
        return (f"On {self.comments:,} comments coded by hand, the machine's score correlates {self.estimate:.2f} with the "
                f"coders' (95% interval {self.low:.2f} to {self.high:.2f}).")


@dataclass(frozen=True)
class Attenuation:
    """What error in a machine's score does to a slope on it; made by `attenuation`.

    `factor` times the true slope is what a regression finds, with its 95% limits `low` and `high`. `slope` is
    the slope found; `corrected`, `corrected_low` and `corrected_high` are what it would be without error.
    """

    factor: float
    low: float
    high: float
    slope: float
    corrected: float
    corrected_low: float
    corrected_high: float

    @property
    def summary(self):
        """How much the slope shrinks, and the slope corrected, in two sentences."""
        if self.low <= 0:
            return ("The machine's score may have nothing to do with what coders read in the comments: how far its error "
                    "shrinks a slope cannot be said, nor the slope be corrected.")
        limits = "" if self.low == self.high else f" (95% interval {self.low:.0%} to {self.high:.0%})"
        text = f"Error in the machine's score shrinks a slope on it to {self.factor:.0%} of its size{limits}."
        if np.isnan(self.slope):
            return text
        return text + (f" The slope found, {self.slope:.3g}, would be {self.corrected:.3g} without that error "
                       f"({self.corrected_low:.3g} to {self.corrected_high:.3g}).")


def score_reliability(machine, coded, *, valence=None, sample_weight=None):
    """Correlation of a machine's score with that of coders.

    Fisher's z with a standard error from the correlation's influence function, which holds for codes of few
    values and for weighted samples, and Student's t with n - 2 degrees of freedom.

    Parameters
    ----------
    machine : Series or array of float, of shape (n_comments,)
        Machine's score, such as valence from -1 to 1.
    coded : Series or array of shape (n_comments,)
        Coders' valence, or their groups if `valence` is given. Two Series are matched by index; comments that
        lack either are left out.
    valence : dict, optional
        Valence of each group, such as {"gratitude": 1, "neutral": 0, "frustration": -1}. Comments coded as
        another group, such as one that may be good or bad, are left out.
    sample_weight : Series or array of float, optional
        Comments that each one stands for.

    Returns
    -------
    ScoreReliability

    Raises
    ------
    ValueError
        If fewer than ten comments have both, or either never varies.

    Notes
    -----
    Coders err too. The correlation with what they would agree on in the end is higher than this one: divide by
    the square root of their own reliability (Spearman 1904).

    References
    ----------
    Fisher (1921), Metron 1, 3-32. Hampel (1974), J. Am. Stat. Assoc. 69, 383-393. Spearman (1904), Am. J.
    Psychology 15, 72-101.

    Examples
    --------
    >>> machine = np.tile([-0.5, -0.1, 0.1, 0.2, 0.6], 20)
    >>> coded = np.tile(["frustration", "neutral", "neutral", "gratitude", "gratitude"], 20)
    >>> result = score_reliability(machine, coded, valence={"frustration": -1, "neutral": 0, "gratitude": 1})
    >>> print(f"{result.estimate:.2f} ({result.low:.2f} to {result.high:.2f})")
    0.92 (0.89 to 0.94)
    """
    both = pd.DataFrame({"machine": machine, "coded": coded})
    both["weight"] = 1.0 if sample_weight is None else sample_weight
    if valence is not None:
        both["coded"] = both["coded"].map(valence)
    both = both.apply(pd.to_numeric, errors="coerce").dropna()
    n = len(both)
    if n < 10:
        raise ValueError(f"{n} comments have both a machine's score and a coded valence as a number; a correlation needs "
                         "10 or more. Index both by feedback_id, and give `valence` where codes are groups.")
    if (both["weight"] <= 0).any() or (both[["machine", "coded"]].nunique() < 2).any():
        raise ValueError("A correlation needs a machine's score and a coded valence that vary, and weights above 0.")
    weight = (both["weight"] / both["weight"].sum()).to_numpy()[:, np.newaxis]
    scores = both[["machine", "coded"]].to_numpy(dtype=float)
    scores = scores - (weight * scores).sum(axis=0)
    scores = scores / np.sqrt((weight * scores**2).sum(axis=0))
    r = float(np.clip((weight[:, 0] * scores.prod(axis=1)).sum(), -1 + 1e-12, 1 - 1e-12))
    influence = scores.prod(axis=1) - r / 2 * (scores**2).sum(axis=1)
    error = np.sqrt(((weight[:, 0] * influence) ** 2).sum() * n / (n - 2)) / (1 - r**2)
    low, high = np.tanh(np.arctanh(r) + student.ppf(LIMITS, n - 2) * error)
    return ScoreReliability(n, r, float(low), float(high))


def attenuation(reliability, slope=np.nan, slope_low=np.nan, slope_high=np.nan):
    """How far error in a machine's score shrinks a slope on it, and the slope corrected for that.

    With errors that have nothing to do with the true score or the outcome, a slope on the score is the true one
    times the score's reliability (Fuller 1987, sec. 1.1). The corrected slope's interval divides each limit of
    the slope by the limit of the reliability that takes it furthest: it is never too narrow.

    Parameters
    ----------
    reliability : ScoreReliability or float
        Correlation with the coders' score, squared here; or the reliability itself, taken as known.
    slope, slope_low, slope_high : float, optional
        Slope found on the machine's score and its 95% limits.

    Returns
    -------
    Attenuation
        The corrected slope is NaN where the reliability may be 0. It is per unit of the score freed from error.

    Raises
    ------
    ValueError
        If a reliability is not between 0 and 1.

    Notes
    -----
    Other variables in the regression that foretell the score, and share R2 of its variance, make it worse: use
    (reliability - R2) / (1 - R2) as the reliability. Where coders err too, the machine's reliability is
    understated and the correction too large. Errors that go with the outcome are not corrected at all.

    References
    ----------
    Fuller (1987), Measurement Error Models, Wiley.

    Examples
    --------
    >>> print(attenuation(0.5, 0.2, 0.1, 0.3).summary)
    Error in the machine's score shrinks a slope on it to 50% of its size. The slope found, 0.2, would be 0.4 without
    that error (0.2 to 0.6).
    """
    known = not isinstance(reliability, ScoreReliability)
    factor, low, high = [float(reliability)] * 3 if known else reliability.reliability
    if not 0 <= factor <= 1:
        raise ValueError(f"A reliability is a share of variance, between 0 and 1; it is {factor:g}.")
    if low <= 0:
        return Attenuation(factor, low, high, slope, *[np.nan] * 3)
    bounds = np.array([[slope_low], [slope_high]]) / np.array([low, high])
    return Attenuation(factor, low, high, slope, slope / factor, float(bounds[0].min()), float(bounds[1].max()))
