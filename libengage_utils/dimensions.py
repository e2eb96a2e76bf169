"""Whether engagement has one dimension or several, from indicators that are counts, shares and ratings."""

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from statsmodels.multivariate.factor_rotation import rotate_factors

from .latent import complete_cases, latent_correlations, ordered_classes
from .privacy import about

LIMITS = [0.025, 0.975]  # of a 95% interval
NEAR_DUPLICATE = 0.9  # correlation from which two indicators are one


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class ParallelAnalysis:
    """How many components are larger than chance; made by `parallel_analysis`.

    Attributes
    ----------
    people, left_out : int
        People with every indicator, on whom all rests; people who lack one.
    components : Estimate
        Number of components larger than chance.
    several : float
        Share of resamples with two or more.
    first_share : Estimate
        Share of the indicators' variance in the first component.
    eigenvalues : pandas.DataFrame
        By component: `eigenvalue`, `low`, `high`, and `by_chance`, the percentile to exceed.
    loadings : pandas.DataFrame
        Indicators by components kept (one at least), varimax-rotated if several.
    correlations : pandas.DataFrame
        Latent correlations: `first`, `second`, `correlation`, `low`, `high`.
    """

    people: int
    left_out: int
    components: Estimate
    several: float
    first_share: Estimate
    eigenvalues: pd.DataFrame = field(repr=False)
    loadings: pd.DataFrame = field(repr=False)
    correlations: pd.DataFrame = field(repr=False)

    @property
    def near_duplicates(self):
        """Pairs of indicators that measure one thing twice (rows of `correlations`)."""
        return self.correlations[self.correlations.correlation.abs() >= NEAR_DUPLICATE]

    @property
    def summary(self):
        """The finding in a few sentences."""
        number, share = self.components, self.first_share
        sentences = (
            f"{number.estimate:.0f} of {len(self.loadings)} components are larger than chance "
            f"(95% interval {number.low:.0f} to {number.high:.0f}; two or more in {self.several:.0%} of "
            f"resamples). The first holds {share.estimate:.0%} of the variance ({share.low:.0%} to "
            f"{share.high:.0%}). This rests on {about(self.people)} people; {about(self.left_out)} lack an indicator."
        )
        for pair in self.near_duplicates.itertuples():
            sentences += f" {pair.first} and {pair.second} are nearly the same (r = {pair.correlation:.2f})."
        return sentences


@dataclass(frozen=True)
class DimensionCorrelations:
    """How distinct named dimensions are; made by `dimension_correlations`.

    Attributes
    ----------
    pairs : pandas.DataFrame
        By pair of dimensions: `first`, `second`, `people`, `observed` (correlation of the two measures),
        `corrected` (for unreliability) and its 95% limits `low`, `high` (infinite when in resamples the
        indicators of a dimension do not agree).
    reliability : pandas.DataFrame
        By dimension: `dimension`, `indicators`, `people`, `reliability`, `low`, `high`.
    largest : Estimate
        The largest absolute `corrected`. Its lower limit is the largest lower limit after Bonferroni. Its
        upper limit is the largest upper limit, which needs no correction: it can only fail where that of the
        truly largest fails.
    """

    pairs: pd.DataFrame
    reliability: pd.DataFrame
    largest: Estimate

    @property
    def summary(self):
        """The finding in one sentence."""
        pair = self.pairs.loc[self.pairs.corrected.abs().idxmax()]
        return (
            f"The dimensions most alike, {pair['first']} and {pair['second']}, correlate "
            f"{pair.corrected:.2f} once unreliability is allowed for (95% interval of the largest "
            f"of {len(self.pairs)}: {self.largest.low:.2f} to {self.largest.high:.2f})."
        )


def parallel_analysis(frame, *, n_draws=500, percentile=95, n_boot=500, random_state=0):
    """Horn's parallel analysis: how many components are larger than those of unrelated indicators.

    Components of the latent correlations (`polychoric`) are kept while each exceeds the percentile found when
    every column is shuffled by itself, which keeps the margins. The number kept is not the number of
    dimensions: near-duplicates make a component of their own, a dimension with a single indicator makes none,
    and dimensions that correlate strongly may merge. Ask `dimension_correlations` whether named dimensions
    are distinct.

    Parameters
    ----------
    frame : frame of shape (n_people, n_indicators)
        One column an indicator. People who lack one are left out, so that all correlations are of the same
        people.
    n_draws, n_boot : int
        Number of shuffles; of resamples of people.
    percentile : float
        Percentile by chance that a component must exceed.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    ParallelAnalysis

    Raises
    ------
    ValueError
        As `polychoric`, and if there are fewer than three indicators.

    References
    ----------
    Horn (1965), Psychometrika 30, 179-185. Buja and Eyuboglu (1992), Multivariate Behavioral Research 27,
    509-540.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> use, mood = rng.normal(size=(2, 400))
    >>> people = pd.DataFrame({f"use {i}": use + rng.normal(size=400) for i in range(3)}
    ...                       | {f"mood {i}": mood + rng.normal(size=400) for i in range(3)})
    >>> parallel_analysis(people, n_draws=50, n_boot=50).components
    Estimate(estimate=2.0, low=2.0, high=2.0)
    """
    indicators = complete_cases(frame)
    names = indicators.columns
    if len(names) < 3:
        raise ValueError(f"Parallel analysis needs three indicators or more; there are {len(names)}.")
    codes, rng = ordered_classes(indicators), np.random.default_rng(random_state)

    matrix = latent_correlations(codes)
    shuffled = np.array([latent_correlations(rng.permuted(codes, axis=0)) for _ in range(n_draws)])
    resampled = _resampled(codes, n_boot, rng)
    values, by_chance, drawn = (np.linalg.eigvalsh(m)[..., ::-1] for m in (matrix, shuffled, resampled))
    by_chance = np.percentile(by_chance, percentile, axis=0)
    number, numbers = (np.cumprod(v > by_chance, axis=-1).sum(axis=-1) for v in (values, drawn))

    low, high = np.quantile(drawn, LIMITS, axis=0)
    one, other = np.triu_indices(len(names), 1)
    limits = dict(zip(("low", "high"), np.quantile(resampled[:, one, other], LIMITS, axis=0), strict=True))
    return ParallelAnalysis(
        people=len(codes),
        left_out=len(frame) - len(codes),
        components=Estimate(*map(float, (number, *np.quantile(numbers, LIMITS, method="nearest")))),
        several=float(np.mean(numbers >= 2)),
        first_share=Estimate(*(float(v[0]) / len(names) for v in (values, low, high))),
        eigenvalues=pd.DataFrame(
            {"eigenvalue": values, "low": low, "high": high, "by_chance": by_chance},
            pd.RangeIndex(1, len(names) + 1, name="component"),
        ),
        loadings=_loadings(matrix, names, max(int(number), 1)),
        correlations=pd.DataFrame(
            {"first": names[one], "second": names[other], "correlation": matrix[one, other]} | limits
        ),
    )


def dimension_correlations(frame, dimensions, *, by_occasion=False, n_boot=1000, random_state=0):
    """Correlation of each pair of dimensions, corrected for the unreliability of their indicators.

    A dimension is measured by the mean of its standardised indicators. Error in both measures makes them
    correlate less than what they measure; dividing by the root of the product of their reliabilities corrects
    for it (Spearman 1904). With standardised alpha on latent correlations that is the heterotrait-monotrait
    ratio (Henseler et al. 2015): the mean correlation across two dimensions, over the geometric mean of the
    mean correlations within them. Two names for one thing give about 1; below 0.85 dimensions are commonly
    called distinct (Kline 2011), judged by the upper limit (Rönkkö and Cho 2022).

    Unequal indicators push it up, against a claim of several dimensions. Whatever indicators of one dimension
    share beyond it (the same records, the same day) pushes it down: measure a dimension on separate
    occasions, such as a year each, and never by near-duplicates.

    Parameters
    ----------
    frame : frame of shape (n_people, n_columns)
        Indicators of people, all pointing the same way. For each pair of dimensions the people with every
        indicator of the two count.
    dimensions : mapping of str to list of str
        Columns that measure each dimension, two or more.
    by_occasion : bool
        Whether the first indicators of all dimensions were taken on one occasion, such as a year, the second ones
        on another, and so on. Then indicators of one occasion are not correlated across dimensions: whatever
        raised both in one year, such as having been there for half of it, would pass for likeness, while the
        reliabilities, taken between occasions, know nothing of it (Campbell and Fiske 1959; Steyer et al. 1999).
    n_boot : int
        Number of resamples of people.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    DimensionCorrelations

    Raises
    ------
    ValueError
        As `polychoric`; if a dimension has one indicator, a column is used twice or is not there, the
        indicators of a dimension do not correlate with each other, or dimensions taken by occasion have not
        equally many indicators.

    References
    ----------
    Spearman (1904), Am. J. Psychology 15, 72-101. Henseler, Ringle and Sarstedt (2015), J. Academy of
    Marketing Science 43, 115-135. Kline (2011), Principles and Practice of Structural Equation Modeling.
    Campbell and Fiske (1959), Psychol. Bulletin 56, 81-105. Steyer, Schmitt and Eid (1999), European J. of
    Personality 13, 389-408.
    Rönkkö and Cho (2022), Organizational Research Methods 25, 6-47.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> use = rng.normal(size=600)
    >>> mood = 0.6 * use + 0.8 * rng.normal(size=600)
    >>> people = pd.DataFrame({f"use {i}": use + rng.normal(size=600) for i in range(3)}
    ...                       | {f"mood {i}": mood + rng.normal(size=600) for i in range(2)})
    >>> named = {"behaviour": ["use 0", "use 1", "use 2"], "affect": ["mood 0", "mood 1"]}
    >>> dimension_correlations(people, named, n_boot=50).pairs[["people", "observed", "corrected"]].round(1)
       people  observed  corrected
    0     600       0.4        0.6
    """
    dimensions = _named(frame, dimensions)
    if by_occasion and len({len(columns) for columns in dimensions.values()}) > 1:
        raise ValueError("Taken by occasion, every dimension needs one indicator an occasion: give each equally many.")
    rng = np.random.default_rng(random_state)

    reliability = []
    for name, columns in dimensions.items():
        codes = ordered_classes(complete_cases(frame, columns))
        alpha, drawn = _alpha(latent_correlations(codes)), _alpha(_resampled(codes, n_boot, rng))
        if alpha <= 0:
            raise ValueError(
                f"The indicators of {name} ({', '.join(columns)}) do not correlate with each other, so they "
                "measure no common dimension: turn those round that point the other way, or name others."
            )
        reliability.append((name, len(columns), len(codes), float(alpha), *np.quantile(drawn, LIMITS)))

    pairs, draws = [], []
    for first, second in combinations(dimensions, 2):
        codes = ordered_classes(complete_cases(frame, dimensions[first] + dimensions[second]))
        split = len(dimensions[first])
        observed, corrected = map(float, _across(latent_correlations(codes), split, by_occasion))
        _, drawn = _across(_resampled(codes, n_boot, rng), split, by_occasion)
        limits = np.quantile(drawn, LIMITS, method="nearest")
        pairs.append((first, second, len(codes), observed, corrected, *limits))
        draws.append(np.abs(drawn))

    tails = LIMITS[0] / len(pairs), LIMITS[1]
    limits = np.quantile(draws, tails, axis=1, method="nearest").max(axis=1)
    pairs = pd.DataFrame(pairs, columns=["first", "second", "people", "observed", "corrected", "low", "high"])
    names = ["dimension", "indicators", "people", "reliability", "low", "high"]
    largest = Estimate(*map(float, (pairs.corrected.abs().max(), *limits)))
    return DimensionCorrelations(pairs, pd.DataFrame(reliability, columns=names), largest)


def _named(frame, dimensions):
    """The dimensions as lists of columns, or a sentence on what is wrong with them."""
    dimensions = {name: list(columns) for name, columns in dimensions.items()}
    used = pd.Series([column for columns in dimensions.values() for column in columns])
    if len(dimensions) < 2:
        raise ValueError("Name two dimensions or more, each with its indicators.")
    for name, columns in dimensions.items():
        if len(columns) < 2:
            raise ValueError(
                f"The dimension {name} has {len(columns)} indicator: without a second nobody can say whether "
                "it is distinct or only measured badly. Name two or more, such as one a year."
            )
    if absent := [column for column in used if column not in frame.columns]:
        raise ValueError(f"The frame has no column {', '.join(absent)}: name indicators by their columns.")
    if used.duplicated().any():
        twice = ", ".join(used[used.duplicated()])
        raise ValueError(f"{twice} is named twice: let each indicator measure one dimension.")
    return dimensions


def _resampled(codes, n_boot, rng):
    """Latent correlations (n_boot, p, p) of people drawn with replacement."""
    people = len(codes)
    return np.array([latent_correlations(codes[rng.integers(people, size=people)]) for _ in range(n_boot)])


def _alpha(matrix):
    """Standardised alpha: the reliability of the mean of indicators with these correlations (..., p, p)."""
    width = matrix.shape[-1]
    return width / (width - 1) * (1 - width / matrix.sum(axis=(-2, -1)))


def _across(matrix, split, by_occasion):
    """Correlation of two measures, observed and corrected; infinite where one has no reliability."""
    first, second, across = matrix[..., :split, :split], matrix[..., split:, split:], matrix[..., :split, split:]
    observed = across.sum(axis=(-2, -1)) / np.sqrt(first.sum(axis=(-2, -1)) * second.sum(axis=(-2, -1)))
    counted = 1 - np.eye(split) if by_occasion else np.ones(across.shape[-2:])
    between = (across * counted).sum(axis=(-2, -1)) / counted.sum()
    with np.errstate(divide="ignore"):
        return observed, between / np.sqrt(_mean_correlation(first) * _mean_correlation(second))


def _mean_correlation(matrix):
    """Mean correlation of different indicators (..., p, p), not below 0."""
    width = matrix.shape[-1]
    return ((matrix.sum(axis=(-2, -1)) - width) / (width * (width - 1))).clip(0)


def _loadings(matrix, names, components):
    """Correlations of the indicators with the components kept, turned towards simple structure."""
    values, vectors = np.linalg.eigh(matrix)
    loadings = vectors[:, ::-1][:, :components] * np.sqrt(values[::-1][:components])
    if components > 1:
        loadings, _ = rotate_factors(loadings, "varimax")
    loadings = loadings * np.where(loadings.sum(axis=0) < 0, -1, 1)
    return pd.DataFrame(loadings, names, [f"component {i + 1}" for i in range(components)])
