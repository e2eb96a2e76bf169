"""What the rating of a whole journey goes with: the mean of its steps, or its peak and its end."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from ..privacy import about

MEMORIES = {
    "mean": ["mean"],
    "peak and end": ["peak", "end"],
    "peak": ["peak"],
    "end": ["end"],
    "low": ["low"],
    "high": ["high"],
    "duration": ["duration_days"],
    "mean, peak and end": ["mean", "peak", "end"],
}
FEWEST_STEPS = 3
FEWEST_PEOPLE = 100  # below that, what is predicted for others says nothing


@dataclass(frozen=True)
class Memories:
    """How well parts of a journey predict the rating of the whole; made by `compare_memories`.

    Attributes
    ----------
    table : DataFrame
        By what the rating is predicted from: r2 (share of the variance of ratings it accounts for, in journeys of
        people who were not used to fit), low, high (95%), and r (correlation of rating and prediction).
    gain, low, high : float
        How much more peak and end account for than the plain mean, with its 95% interval.
    journeys, people, left_out : int
        Journeys compared, people who took them, and journeys rated as a whole that could not be compared.
    """

    table: pd.DataFrame = field(repr=False)
    gain: float
    low: float
    high: float
    journeys: int
    people: int
    left_out: int

    @property
    def summary(self):
        """The finding in two sentences."""
        r2 = self.table["r2"]
        found = ("more than" if self.low > 0 else "less than" if self.high < 0 else
                 "neither surely more nor surely less than")
        return (f"Peak and end account for {r2['peak and end']:.0%} of the variance of how people rated the whole, {found} "
                f"the plain mean of the steps, which accounts for {r2['mean']:.0%}: a difference of {100 * self.gain:+.1f} "
                f"percentage points (95% interval {100 * self.low:+.1f} to {100 * self.high:+.1f}). This is from journeys "
                f"of {about(self.people)} people, each predicted from other people's; only those with {FEWEST_STEPS} or "
                "more rated steps can tell, since in shorter ones peak, end and mean nearly coincide.")


def compare_memories(journeys, overall="overall", folds=10, draws=2000, minimum_count=10, random_state=0):
    """Predict how people rated a whole journey from its mean, its peak and end, and other parts, and compare.

    Each prediction is a least-squares line fitted to the journeys of other people (cross-validation in groups of
    people), so that one with more terms has no head start. Peak and end have a weight each. Intervals are expanded
    percentiles over samples of people, drawn with replacement, of the errors of these predictions.

    Journeys with fewer than three rated steps, or whose last step was not rated, are left out: with two, the peak is
    one of them and the end the other or the same, so that peak, end and mean are nearly one thing.

    Parameters
    ----------
    journeys : DataFrame
        As made by `journey_measures`, with the rating of the whole.
    overall : str
        Column of the rating of the whole, on any scale; missing where it was not given.
    folds : int
        Groups of people; each is predicted from the others.
    draws : int
        Samples of people.
    minimum_count : int
        Fewest people to compare.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    Memories

    Raises
    ------
    ValueError
        If a column is missing, too few people have journeys that can be compared, or all rated alike.

    Notes
    -----
    Steps and whole are rated on one form after the journey: this compares two memories, not a memory with an
    experience. In a meta-analysis of 174 results, peak and end went with the rating of the whole with a correlation of
    .581, no more than the mean did (Alaybek et al. 2022).

    References
    ----------
    Kahneman, Fredrickson, Schreiber & Redelmeier (1993), Psychol. Science 4(6), 401-405. Alaybek et al. (2022), Organ.
    Behav. Hum. Decis. Process. 170, 104149. Expanded percentiles: Hesterberg (2015), Am. Stat. 69(4), 371-386.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> felt = rng.uniform(-1, 1, (300, 4))
    >>> journeys = pd.DataFrame({"person_key": range(300), "rated": 4, "duration_days": 1.0, "mean": felt.mean(axis=1),
    ...                          "high": felt.max(axis=1), "low": felt.min(axis=1), "end": felt[:, -1],
    ...                          "peak": np.take_along_axis(felt, np.abs(felt).argmax(axis=1)[:, None], axis=1)[:, 0]})
    >>> journeys["overall"] = (journeys.peak + journeys.end) / 2 + rng.normal(0, 0.2, 300)
    >>> compare_memories(journeys, draws=200).low > 0
    True
    """
    terms = sorted({term for names in MEMORIES.values() for term in names})
    if absent := [name for name in ("person_key", "rated", *terms, overall) if name not in journeys]:
        raise ValueError(f"The journeys have no column {' and no column '.join(absent)}: make them with journey_measures, "
                         f"and add how the whole was rated as {overall}.")
    asked = journeys.dropna(subset=[overall, "person_key"])
    told = asked[asked["rated"] >= FEWEST_STEPS].dropna(subset=terms)
    person, keys = pd.factorize(told["person_key"])
    if len(keys) < FEWEST_PEOPLE:
        raise ValueError(f"Fewer than {FEWEST_PEOPLE} people rated a whole journey and {FEWEST_STEPS} or more of its steps, "
                         "the last among them: too few to compare what the rating goes with.")
    rating = told[overall].to_numpy(dtype=float)
    if np.ptp(rating) < 1e-12:
        raise ValueError("All journeys were rated alike as a whole, so there is nothing to predict.")

    rng = np.random.default_rng(random_state)
    fold = (rng.permutation(len(keys)) % folds)[person]
    predicted = np.column_stack([_from_others(told[names], rating, fold) for names in ([], *MEMORIES.values())])
    errors = (rating[:, np.newaxis] - predicted) ** 2
    by_person = np.array([np.bincount(person, column) for column in errors.T])
    drawn = rng.multinomial(len(keys), np.full(len(keys), 1 / len(keys)), size=draws) @ by_person.T
    whole, drawn = (1 - sums[..., 1:] / sums[..., :1] for sums in (by_person.sum(axis=1), drawn))

    tail = stats.norm.cdf(np.sqrt(len(keys) / (len(keys) - 1)) * stats.t.ppf(0.025, len(keys) - 1))
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    table = pd.DataFrame({"r2": whole, "low": low, "high": high,
                          "r": [_correlation(rating, column) for column in predicted.T[1:]]},
                         index=pd.Index(list(MEMORIES), name="predicted from"))
    mean, both = (list(MEMORIES).index(name) for name in ("mean", "peak and end"))
    limits = np.quantile(drawn[:, both] - drawn[:, mean], [tail, 1 - tail])
    return Memories(table, float(whole[both] - whole[mean]), *map(float, limits), len(told), len(keys),
                    len(asked) - len(told))


def _from_others(terms, rating, fold):
    """Prediction of each rating by least squares from the ratings in the other folds."""
    design = np.column_stack([np.ones(len(rating)), terms.to_numpy(dtype=float)])
    predicted = np.empty(len(rating))
    for number in np.unique(fold):
        own = fold == number
        weights = np.linalg.lstsq(design[~own], rating[~own], rcond=None)[0]
        predicted[own] = design[own] @ weights
    return predicted


def _correlation(rating, predicted):
    return np.corrcoef(rating, predicted)[0, 1] if np.ptp(predicted) > 1e-12 else np.nan
