"""The distinct paths that people took, and how many took each."""

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd

from .sessions import ORDER, acts_of_people, as_they_stand, by_people, stand_together

REST = "other paths"
CELLS = 2**20  # steps worked on at once


def paths(steps, by="journey_id", minimum_count=10):
    """The distinct orders of touchpoints in which people went through journeys or sessions.

    A path holds the acts of one person with the same journey (or session), in the order of time, ties in the
    order of ``event_id``. What staff or systems did is no step of it, nor is an act without a touchpoint.

    Paths taken by few people come together in a last row, "other paths", since a rare path can be the trail of
    one person; so that they cannot be worked out from the others, that row too rests on `minimum_count` people,
    for which the least taken of the remaining paths join it.

    Parameters
    ----------
    steps : frame
        The schema's events, or what `sessionise` made of them, in any order and of any kind Narwhals supports.
    by : str
        Column that tells a person's journeys apart: "journey_id", or "session" after `sessionise`.
    minimum_count : int
        Fewest people that a row may rest on; 1 gives every path, for computing with.

    Returns
    -------
    DataFrame
        path ("search > loan"), length (steps; missing for other paths), n (journeys that went so), people
        (different people) and share (of all journeys); most frequent first. Where everybody together is
        too few, there is one row without figures.

    Raises
    ------
    ValueError
        As for `sessionise`, and where the column `by` is missing or empty.

    Notes
    -----
    Called variants in process mining (van der Aalst 2016, *Process Mining*, section 5.2). Paths are told apart
    by a polynomial hash of random numbers (Karp & Rabin 1987, *IBM J. Res. Dev.* 31(2)), and every journey is
    compared step by step with the one that stands for its path.

    Examples
    --------
    >>> acts = pd.DataFrame({"event_id": list("123456"), "person_key": list("aabbcc"), "journey_id": list("xxyyzz"),
    ...                      "occurred_at": pd.to_datetime(["2025-01-01", "2025-01-02"] * 3), "initiated_by": "person",
    ...                      "touchpoint": ["search", "loan"] * 2 + ["search", "desk"]})
    >>> paths(acts, minimum_count=1)[["path", "length", "n"]].values.tolist()
    [['search > loan', 2, 2], ['search > desk', 2, 1]]
    """
    acts, everybody = acts_of_people(steps, "touchpoint")
    if by not in acts.collect_schema():
        remedy = ("number the sessions first, with sessionise" if by == "session" else
                  "name a column that tells journeys apart")
        raise ValueError(f"The steps have no column {by}: {remedy}.")
    batches = as_they_stand if stand_together(acts, everybody) else by_people
    acts = acts.filter(~nw.col(by).is_null(), ~nw.col("touchpoint").is_null()).select("person_key", by, *ORDER, "touchpoint")
    taken = _taken(batches(acts), by, minimum_count)
    if not len(taken.n):
        raise ValueError(f"No act of an identified person has both a touchpoint and a {by}, so there are no paths: "
                         "sessions can stand in for journeys (sessionise, then by=\"session\").")
    rest = taken.people < minimum_count
    if rest.any() and not rest.all() and taken.takers(rest) < minimum_count:
        least = np.where(rest, taken.people.max() + 1, taken.people).argmin()
        rest[least] = True
        taken = _taken(batches(acts), by, taken.people[least] + 1)

    starts, lengths = (part[~rest] for part in (np.cumsum(taken.lengths) - taken.lengths, taken.lengths))
    table = pd.DataFrame({"path": [" > ".join(taken.names[taken.codes[start:start + length]])
                                   for start, length in zip(starts, lengths, strict=True)],
                          "length": lengths, "n": taken.n[~rest], "people": taken.people[~rest]})
    table = table.astype({"path": "str"}).sort_values(["n", "path"], ascending=[False, True], ignore_index=True)
    if rest.any():
        figures = taken.n[rest].sum(), taken.takers(rest)
        table.loc[len(table)] = [REST, np.nan, *(figures if figures[1] >= minimum_count else (np.nan, np.nan))]
    return table.assign(share=table["n"] / taken.n.sum())


@dataclass(frozen=True)
class _Taken:
    """Distinct paths (touchpoints as `codes` of `names`, one path after another), journeys `n` and people of each.

    Of paths that few people took, `taken` and `person` are the pairs of path and person; `everybody` numbers the people.
    """

    names: np.ndarray
    codes: np.ndarray
    lengths: np.ndarray
    n: np.ndarray
    people: np.ndarray
    taken: np.ndarray
    person: np.ndarray
    everybody: int

    def takers(self, paths):
        """Number of different people who took some of these paths."""
        return len(np.unique(self.person[paths[self.taken]]))


def _taken(batches, by, fewest):
    """The distinct paths in all batches; who took those that fewer than `fewest` people of a batch took."""
    parts = [_of_some(some, by, fewest) for some in batches]
    names = pd.Index(sorted(set().union(*(part.names for part in parts))))
    codes = np.concatenate([names.get_indexer(part.names).astype(np.int32)[part.codes] for part in parts])
    lengths, n, people = (np.concatenate([getattr(part, name) for part in parts]) for name in ("lengths", "n", "people"))
    starts = np.cumsum(lengths) - lengths
    kind, examples = told_apart(codes, starts, lengths, np.random.default_rng(0))
    n, people = (np.bincount(kind, number).astype(int) for number in (n, people))
    paths, persons = (np.cumsum(numbers) - numbers for numbers in (
        [len(part.n) for part in parts], [part.everybody for part in parts]))
    taken = np.concatenate([kind[part.taken + first] for part, first in zip(parts, paths, strict=True)])
    person = np.concatenate([part.person + first for part, first in zip(parts, persons, strict=True)])
    everybody = sum(part.everybody for part in parts)
    return _Taken(np.asarray(names, dtype=object).astype(str), _walks(codes, starts[examples], lengths[examples]),
                  lengths[examples], n, people, taken, person, everybody)


def _of_some(acts, by, fewest):
    """The distinct paths of some people."""
    acts = acts.sort("person_key", by, *ORDER).select("person_key", by, "touchpoint").lazy().collect().to_pandas()
    person, journey = (np.diff(pd.factorize(acts[column])[0], prepend=-1) != 0 for column in ("person_key", by))
    starts = np.flatnonzero(person | journey)
    person, touchpoints = np.cumsum(person)[starts] - 1, pd.Categorical(acts["touchpoint"])
    lengths = np.diff(np.r_[starts, len(acts)])
    kind, examples = told_apart(touchpoints.codes, starts, lengths, np.random.default_rng(0))
    taken, by_whom = np.divmod(pd.unique(kind * len(acts) + person), max(len(acts), 1))
    people = np.bincount(taken)
    few = people[taken] < fewest
    return _Taken(np.asarray(touchpoints.categories), _walks(touchpoints.codes, starts[examples], lengths[examples]),
                  lengths[examples], np.bincount(kind), people, taken[few].astype(np.int32), by_whom[few].astype(np.int32),
                  person.max(initial=-1) + 1)


def _walks(codes, starts, lengths):
    """The steps of some journeys, one journey after another."""
    return codes[np.arange(lengths.sum()) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)]


def told_apart(codes, starts, lengths, rng):
    """For each journey the number of its path, and for each path a journey that took it.

    Every path is hashed as the sum of its letters' random numbers times powers of a random base, modulo 2^64. Where two
    paths share a hash, the numbers are drawn anew.
    """
    hashes = np.zeros(len(starts), dtype=np.uint64)
    while True:
        letters = rng.integers(2**64, size=codes.max(initial=-1) + 1, dtype=np.uint64)
        base = rng.integers(2**64, dtype=np.uint64) | np.uint64(1)
        powers = np.cumprod(np.full(lengths.max(initial=0), base))
        for some, steps in _of_one_length(lengths):
            hashes[some] = (letters[codes[starts[some, np.newaxis] + steps]] * powers[steps]).sum(axis=1)
        _, examples, kind = np.unique(hashes, return_index=True, return_inverse=True)
        first = starts[examples][kind]
        if (lengths == lengths[examples][kind]).all() and all(
                (codes[starts[some, np.newaxis] + steps] == codes[first[some, np.newaxis] + steps]).all()
                for some, steps in _of_one_length(lengths)):
            return kind, examples


def _of_one_length(lengths):
    """Walks of one length, some at a time, and their steps from 0."""
    order = np.argsort(lengths, kind="stable")
    for alike in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1) if len(order) else ():
        steps = np.arange(lengths[alike[0]])
        for some in np.array_split(alike, 1 + len(alike) * len(steps) // CELLS):
            yield some, steps
