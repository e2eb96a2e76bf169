"""Samples of people: how often each is drawn, sums over them, and what the samples say."""

import numpy as np
from scipy import stats

CELLS = 2**22  # numbers worked on at once


def people_drawn(people, draws, random_state):
    """How often each person is in each sample, drawn with replacement: (1 + draws, people), the first everybody once."""
    rng = np.random.default_rng(random_state)
    times = np.ones((1 + draws, people), dtype=np.uint8)
    for some in np.array_split(times[1:], 1 + draws * people // CELLS):
        chosen = rng.integers(people, size=some.shape) + people * np.arange(len(some))[:, np.newaxis]
        some[:] = np.bincount(chosen.ravel(), minlength=some.size).reshape(some.shape)
    return times


def over_samples(times, sums):
    """Sums by person (people, k), added up over each sample: (1 + draws, k)."""
    return np.vstack([some.astype(float) @ sums for some in np.array_split(times, 1 + times.size // CELLS)])


def sums_by_person(person, cell, amount, cells):
    """Sums of an amount (n,) by person and cell, both codes from 0: (n_people, cells)."""
    people = person.max() + 1
    return np.bincount(person * cells + cell, np.asarray(amount, dtype=float), people * cells).reshape(people, cells)


def told(values, people):
    """An estimate, the first of the values (1 + draws, ...), and 95% limits from those of samples of people.

    Percentiles, expanded for small numbers: Hesterberg (2015), Am. Stat. 69(4), 371-386. Of one person they are missing.
    """
    if people < 2:
        return values[0], *np.full((2, *np.shape(values[0])), np.nan)
    tail = stats.norm.cdf(np.sqrt(people / (people - 1)) * stats.t.ppf(0.025, people - 1))
    return values[0], *np.nanquantile(values[1:], [tail, 1 - tail], axis=0)
