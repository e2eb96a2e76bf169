"""How far coders of the same comments agree, beyond chance."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

LEVELS = ("nominal", "ordinal", "interval")
LIMITS = [0.025, 0.975]  # of a 95% interval
RELIABLE, TENTATIVE = 0.8, 0.667  # Krippendorff (2019), ch. 12


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha with its 95% interval; made by `krippendorff_alpha`.

    `comments` is the number of comments with two codes or more, `coders` of coders, `level` that of
    measurement. The estimates are NaN where alpha is not defined.
    """

    level: str
    comments: int
    coders: int
    estimate: float
    low: float
    high: float

    @property
    def summary(self):
        """The agreement in a sentence, worded as Krippendorff advises, by the lower limit."""
        what = f"Krippendorff's alpha ({self.level}) of {self.coders} coders on {self.comments:,} comments"
        if np.isnan(self.estimate):
            return f"{what} is not defined, because all codes are the same: there is no variation to agree on."
        word = ("reliable" if self.low >= RELIABLE else "good for tentative conclusions only"
                if self.low >= TENTATIVE else "too unreliable to build on")
        return f"{what} is {self.estimate:.2f} (95% interval {self.low:.2f} to {self.high:.2f}): the codes are {word}."


def krippendorff_alpha(codes, level="nominal", *, n_boot=1000, random_state=0):
    """Agreement of coders beyond chance, whatever their number and whoever skipped which comment.

    The interval is of percentiles of bootstrap samples of comments. Krippendorff's own algorithm resamples
    pairs of codes instead, as if pairs of one comment were independent (Hayes and Krippendorff 2007); samples
    of whole comments cover about what they should (Zapf et al. 2016). Resamples without variation are left out.

    Parameters
    ----------
    codes : DataFrame or array of shape (n_comments, n_coders)
        Code that each coder gave, missing where none: any labels if nominal, else numbers, such as `matrix` of
        what `read_codes` returns.
    level : {"nominal", "ordinal", "interval"}
        Whether codes are only the same or different, or have an order, or distances.
    n_boot : int
        Number of resamples.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    Alpha

    Raises
    ------
    ValueError
        If the level is none of the three, no comment has two codes, or codes that should be are no numbers.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's alpha-reliability, Univ. of Pennsylvania. Krippendorff (2019),
    Content Analysis, 4th ed., Sage. Hayes and Krippendorff (2007), Commun. Methods Meas. 1, 77-89. Zapf,
    Castell, Morawietz and Karch (2016), BMC Med. Res. Methodology 16, 93.

    Examples
    --------
    >>> first, second = "aabbdcccedda", "babbbccceddd"
    >>> round(krippendorff_alpha(np.array([list(first), list(second)]).T).estimate, 3)
    0.692
    """
    if level not in LEVELS:
        raise ValueError(f"The level is one of {', '.join(LEVELS)}; it is {level!r}.")
    table = pd.DataFrame(codes)
    values, counts = _counted(table, level)
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts):
        raise ValueError("No comment has codes of two coders: give some comments to two or more people.")
    estimate = _alpha(counts, np.ones((1, len(counts))), values, level)[0]
    low = high = np.nan
    if not np.isnan(estimate):
        rng = np.random.default_rng(random_state)
        times = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=n_boot).astype(float)
        low, high = np.nanquantile(_alpha(counts, times, values, level), LIMITS)
    coders = int(table.notna().any().sum())
    return Alpha(level, len(counts), coders, float(estimate), float(low), float(high))


def _counted(table, level):
    """Values in order (v,), and how often each comment got each of them (comments, v)."""
    codes = table.to_numpy(dtype=object)
    there = table.notna().to_numpy()
    given = codes[there]
    if level != "nominal":
        try:
            given = given.astype(float)
        except (TypeError, ValueError):
            raise ValueError(f"Alpha of level {level} needs numbers: map groups to some first, such as 1, 0, -1.") from None
    which, values = pd.factorize(given, sort=level != "nominal")
    counts = np.zeros((len(table), len(values)))
    np.add.at(counts, (np.nonzero(there)[0], which), 1)
    return values, counts


def _alpha(counts, times, values, level):
    """Alpha when each comment is taken so many `times` (draws, comments); NaN without variation.

    Squared distances of mid-ranks are Krippendorff's ordinal ones, and half those of indicators his nominal ones.
    """
    size = counts.sum(axis=1)
    totals = times @ counts
    pairable = totals.sum(axis=1)
    if level == "nominal":
        within = times @ ((size**2 - (counts**2).sum(axis=1)) / (size - 1))
        overall = pairable**2 - (totals**2).sum(axis=1)
    else:
        place = np.broadcast_to(np.asarray(values, dtype=float), totals.shape)
        if level == "ordinal":
            place = np.cumsum(totals, axis=1) - totals / 2
        place = place - (totals * place).sum(axis=1, keepdims=True) / pairable[:, np.newaxis]
        apart = 2 * (size * (place**2 @ counts.T) - (place @ counts.T) ** 2)
        within = (times * apart / (size - 1)).sum(axis=1)
        overall = 2 * pairable * (totals * place**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(overall > 1e-12 * pairable**2, 1 - (pairable - 1) * within / overall, np.nan)
