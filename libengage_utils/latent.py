"""Correlations of what coarse and lopsided counts measure, rather than of the counts."""

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

CLASSES = 6  # ordered classes an indicator is cut into
ANGLES = np.linspace(-np.pi / 2, np.pi / 2, 63)[1:-1]  # the correlations tried are their sines
FEWEST_PEOPLE = 50
FEWEST_DIFFERENT = 20  # people outside the commonest value of an indicator


def polychoric(frame):
    """Correlations of the normal variables thought to lie behind counts, shares and ratings.

    Each indicator is cut into up to six ordered classes of about equal size, equal values staying together.
    Pair by pair follows the correlation of two normal variables under which the observed table is most
    likely, with thresholds from the margins (Olsson's two-step estimate). Only order matters, so heavy tails
    do not; and unlike a correlation of ranks it does not shrink where most people have 0. With rare
    participation, ranks would make two faces of *one* dimension look like two.

    Parameters
    ----------
    frame : frame of shape (n_people, n_indicators)
        Numbers; people with a missing value are left out.

    Returns
    -------
    pandas.DataFrame of shape (n_indicators, n_indicators)

    Raises
    ------
    ValueError
        If fewer than 50 people remain, or fewer than 20 are outside the commonest value of an indicator.

    References
    ----------
    Olsson (1979), Psychometrika 44, 443-460.

    Examples
    --------
    >>> people = pd.DataFrame({"a": [0, 1] * 60, "b": [0, 1, 0, 1, 0, 1, 0, 1, 1, 0] * 12})
    >>> round(float(polychoric(people).loc["a", "b"]), 2)  # sin(2 pi (0.4 - 0.25))
    0.81
    """
    indicators = complete_cases(frame)
    return pd.DataFrame(latent_correlations(ordered_classes(indicators)), indicators.columns, indicators.columns)


def complete_cases(frame, columns=None):
    """The people with every indicator, as floats, or a sentence on why there are too few."""
    frame = nw.from_native(frame, eager_only=True).to_pandas()
    frame = frame if columns is None else frame[columns]
    if words := [str(name) for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]:
        raise ValueError(f"Indicators are numbers and {', '.join(words)} is not: give counts or ratings.")
    complete = frame.dropna().astype(float)
    if len(complete) < FEWEST_PEOPLE:
        raise ValueError(
            f"Too few people have all of {', '.join(map(str, frame))}; {FEWEST_PEOPLE} are needed: leave out the indicator "
            "that most people lack."
        )
    for name in complete:
        if len(complete) - complete[name].value_counts().max() < FEWEST_DIFFERENT:
            raise ValueError(
                f"{name} is the same for nearly all: too few people differ to see what it goes with; {FEWEST_DIFFERENT} are "
                "needed. Leave it out, or add it to a kindred indicator."
            )
    return complete


def ordered_classes(indicators):
    """Class 0 to 5 of each person on each indicator, by the middle rank of people with the same value."""
    return np.floor(CLASSES * (rankdata(indicators, axis=0) - 0.5) / len(indicators)).astype(int)


def latent_correlations(codes):
    """Polychoric correlations (p, p) of classes (n, p), all pairs at once.

    Chances below two thresholds follow from integrating the bivariate normal density over the arcsine of the
    correlation, from 0 outwards (Drezner and Wesolowsky 1990, J. Stat. Comput. Simul. 35, 101-107).
    """
    people, width = codes.shape
    one, other = np.triu_indices(width, 1)
    cells = np.arange(len(one)) * CLASSES**2 + codes[:, one] * CLASSES + codes[:, other]
    tables = np.bincount(cells.ravel(), minlength=len(one) * CLASSES**2).reshape(-1, CLASSES, CLASSES)

    below = [np.cumsum(tables.sum(axis=axis), axis=1)[:, :-1] / people for axis in (2, 1)]
    h, k = ndtri(below[0]).clip(-8, 8)[:, :, np.newaxis], ndtri(below[1]).clip(-8, 8)[:, np.newaxis, :]
    angles, step = ANGLES[:, np.newaxis, np.newaxis, np.newaxis], ANGLES[1] - ANGLES[0]
    density = np.exp(-(h * h + k * k - 2 * h * k * np.sin(angles)) / (2 * np.cos(angles) ** 2)) / (2 * np.pi)
    integral = (np.cumsum(density, axis=0) - density / 2) * step
    both = np.zeros((len(ANGLES), len(one), CLASSES + 1, CLASSES + 1))
    both[:, :, 1:-1, 1:-1] = integral - integral[len(ANGLES) // 2] + ndtr(h) * ndtr(k)
    both[:, :, 1:-1, -1], both[:, :, -1, 1:-1], both[:, :, -1, -1] = *below, 1
    chances = np.diff(np.diff(both, axis=2), axis=3).clip(1e-10)
    likelihood = np.einsum("pij,apij->pa", tables, np.log(chances))

    best = likelihood.argmax(axis=1).clip(1, len(ANGLES) - 2)  # refined by a parabola through its neighbours
    left, top, right = (likelihood[np.arange(len(one)), best + i] for i in (-1, 0, 1))
    shift = (left - right) / (2 * np.minimum(left - 2 * top + right, -1e-12))
    matrix = np.eye(width)
    matrix[one, other] = matrix[other, one] = np.sin(ANGLES[best] + shift.clip(-1, 1) * step)
    return matrix
