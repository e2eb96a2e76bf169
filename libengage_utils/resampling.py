"""Samples of people: how often each is drawn, sums over them, and what the samples say."""

import numpy as np
from scipy import stats
from scipy.sparse import csr_array

CELLS = 2**22  # numbers worked on at once
MANY = 100_000  # people beyond whom kinds of people are drawn


def people_drawn(people, draws, random_state):
    """How often each person is in each sample, drawn with replacement: (1 + draws, people), the first everybody once.

    Some samples at a time: those of many people do not fit into memory together.
    """
    rng = np.random.default_rng(random_state)
    yield np.ones((1, people), dtype=np.uint8)
    for some in np.array_split(np.arange(draws), 1 + draws * people // CELLS):
        chosen = rng.integers(people, size=(len(some), people)) + people * np.arange(len(some))[:, np.newaxis]
        yield np.bincount(chosen.ravel(), minlength=chosen.size).reshape(chosen.shape).astype(np.uint8)


def alike_drawn(kind, draws, random_state):
    """How many of each kind of people are in each sample, some samples at a time; `kind` (people,) are codes from 0.

    People of one kind are alike in all that is added up. To draw people with replacement is to draw their kinds from a
    multinomial distribution (Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 20): so many people are drawn.
    """
    people, kinds = len(kind), np.bincount(kind)
    if people <= MANY:
        yield from (np.array([np.bincount(kind, sample, len(kinds)) for sample in some])
                    for some in people_drawn(people, draws, random_state))
        return
    rng = np.random.default_rng(random_state)
    yield kinds[np.newaxis]
    for some in np.array_split(np.arange(draws), 1 + draws * len(kinds) // CELLS):
        yield rng.multinomial(people, kinds / people, size=len(some))


def over_samples(times, sums):
    """Sums by person or kind of people (n, k), dense or sparse, added up over samples drawn of them: (1 + draws, k)."""
    return np.vstack([some.astype(float) @ sums for some in times])


def sums_by_person(person, cell, amount, cells):
    """Sums of an amount (n,) by person and cell, both codes from 0: sparse, (n_people, cells)."""
    return csr_array((np.asarray(amount, dtype=float), (person, cell)), shape=(person.max() + 1, cells))


def told(values, people):
    """An estimate, the first of the values (1 + draws, ...), and 95% limits from those of samples of people.

    Percentiles, expanded for small numbers: Hesterberg (2015), Am. Stat. 69(4), 371-386. Of one person they are missing.
    """
    if people < 2:
        return values[0], *np.full((2, *np.shape(values[0])), np.nan)
    tail = stats.norm.cdf(np.sqrt(people / (people - 1)) * stats.t.ppf(0.025, people - 1))
    return values[0], *np.nanquantile(values[1:], [tail, 1 - tail], axis=0)
