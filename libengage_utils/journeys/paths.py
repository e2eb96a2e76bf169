"""The distinct paths that people took, and how many took each."""

import narwhals as nw
import numpy as np
import pandas as pd

from .sessions import ORDER, acts_of_people, by_people

REST = "other paths"


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
    person, codes, names, starts = _journeys(steps, by)
    lengths = np.diff(np.r_[starts, len(codes)])
    kind, examples = told_apart(codes, starts, lengths, np.random.default_rng(0))
    taken, by_whom = np.divmod(pd.unique(kind * len(codes) + person[starts]), len(codes))
    people = np.bincount(taken)
    rest = people < minimum_count
    if rest.any() and not rest.all() and len(np.unique(by_whom[rest[taken]])) < minimum_count:
        rest[np.where(rest, people.max() + 1, people).argmin()] = True

    table = pd.DataFrame({"path": [" > ".join(names[codes[start:start + length]])
                                   for start, length in zip(starts[examples[~rest]], lengths[examples[~rest]], strict=True)],
                          "length": lengths[examples[~rest]], "n": np.bincount(kind)[~rest], "people": people[~rest]})
    table = table.astype({"path": "str"}).sort_values(["n", "path"], ascending=[False, True], ignore_index=True)
    if rest.any():
        figures = rest[kind].sum(), len(np.unique(by_whom[rest[taken]]))
        table.loc[len(table)] = [REST, np.nan, *(figures if figures[1] >= minimum_count else (np.nan, np.nan))]
    return table.assign(share=table["n"] / len(starts))


def _journeys(steps, by):
    """Acts in order: numbers of persons and of touchpoints, the touchpoints' names, and where each journey starts."""
    acts, _ = acts_of_people(steps, "touchpoint")
    if by not in acts.collect_schema():
        remedy = ("number the sessions first, with sessionise" if by == "session" else
                  "name a column that tells journeys apart")
        raise ValueError(f"The steps have no column {by}: {remedy}.")
    acts = acts.filter(~nw.col(by).is_null(), ~nw.col("touchpoint").is_null())
    people, walks, begins = zip(*(_walked(some, by) for some in by_people(acts)), strict=True)
    begins = np.concatenate(begins)
    if not len(begins):
        raise ValueError(f"No act of an identified person has both a touchpoint and a {by}, so there are no paths: "
                         "sessions can stand in for journeys (sessionise, then by=\"session\").")
    names = pd.Index(sorted(set().union(*(walk.categories for walk in walks))))
    codes = np.concatenate([names.get_indexer(walk.categories).astype(np.int32)[walk.codes] for walk in walks])
    person = np.cumsum(np.concatenate(people)) - 1
    return person, codes, np.asarray(names, dtype=object).astype(str), np.flatnonzero(begins)


def _walked(acts, by):
    """Of some people's acts in order: where a person begins, the touchpoints, and where a journey begins."""
    acts = acts.sort("person_key", by, *ORDER).select("person_key", by, "touchpoint").lazy().collect().to_pandas()
    person, journey = (np.diff(pd.factorize(acts[column])[0], prepend=-1) != 0 for column in ("person_key", by))
    return person, pd.Categorical(acts["touchpoint"]), person | journey


def told_apart(codes, starts, lengths, rng):
    """For each journey the number of its path, and for each path a journey that took it.

    Every path is hashed as the sum of its letters' random numbers times powers of a random base, modulo 2^64. Where two
    paths share a hash, the numbers are drawn anew.
    """
    position = np.arange(len(codes)) - np.repeat(starts, lengths)
    while True:
        letters = rng.integers(2**64, size=codes.max() + 1, dtype=np.uint64)
        base = rng.integers(2**64, dtype=np.uint64) | np.uint64(1)
        powers = np.cumprod(np.full(lengths.max(), base))
        hashes = np.add.reduceat(letters[codes] * powers[position], starts)
        _, examples, kind = np.unique(hashes, return_index=True, return_inverse=True)
        if (lengths == lengths[examples][kind]).all():
            twin = np.repeat(starts[examples][kind], lengths) + position
            if (codes == codes[twin]).all():
                return kind, examples
