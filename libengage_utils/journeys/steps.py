"""The steps of journeys in order: how each ended, whether it was put right, and how it felt."""

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .feelings import as_pandas, need
from .sessions import ORDER, acts_of_people, by_people

KEYS = ["person_key", "journey_id"]
COLUMNS = ["journey_id", "person_key", "service", "touchpoint", "occurred_at", "outcome", "minutes_waited"]
AT_ONCE = 250_000  # steps worked out at a time


def steps_with_feelings(events, feedback, put_right="put right"):
    """The steps of journeys in order, each with how it ended, whether it was put right, and how it felt.

    A step is an act of an identified person with a ``journey_id``; they are ordered by time, ties by ``event_id``.
    A failure is put right if a row of the staff's, of the type `put_right`, follows it at the same touchpoint of the
    same journey; such a row belongs to the last failed step before it, or if none failed to the last step.

    Parameters
    ----------
    events : frame
        The schema's events, of any kind Narwhals supports.
    feedback : DataFrame
        Feedback with `valence` and, from `attach`, `event_id`.
    put_right : str
        The ``event_type`` of what staff do to put a failure right.

    Returns
    -------
    DataFrame
        One row a step: journey_id, person_key, service (of the journey), step (1 to n), touchpoint, occurred_at, outcome,
        minutes_waited, put_right, and valence, the mean of what was attached, missing where nothing was. Text is
        categorical.

    Raises
    ------
    ValueError
        As `sessionise`, if no act belongs to a journey, or if the feedback lacks a column.

    Examples
    --------
    >>> events = pd.DataFrame({"event_id": ["1", "2"], "person_key": "ann", "journey_id": "j", "touchpoint": "hold",
    ...                        "initiated_by": "person", "occurred_at": pd.to_datetime(["2025-01-01", "2025-01-03"])})
    >>> feedback = pd.DataFrame({"event_id": ["2", "2"], "valence": [0.5, 1.0]})
    >>> steps_with_feelings(events, feedback)[["step", "valence"]].values.tolist()
    [[1.0, nan], [2.0, 0.75]]
    """
    need(feedback, "event_id", "valence")
    acts, _ = acts_of_people(events, "touchpoint", "journey_id")
    felt = feedback.dropna(subset=["event_id", "valence"]).groupby("event_id")["valence"].mean()
    acts = acts.filter(~nw.col("journey_id").is_null())
    number = acts.lazy().select(nw.len()).collect().item()
    if not number:
        raise ValueError("None of the acts belongs to a journey (journey_id is empty everywhere), so there are no steps to "
                         "follow: look at touchpoints alone.")
    steps = _filled(number, (_walked(some, felt) for some in by_people(acts, AT_ONCE)))
    steps.insert(len(steps.columns) - 1, "put_right", _mended(events, steps, put_right))
    return steps


def _walked(acts, felt):
    """Of some people's acts on journeys, their steps, by person and journey."""
    # Sorted here, which copies: of what an engine sorts and hands over, one column kept would keep all.
    steps = as_pandas(acts, [*COLUMNS, "event_id"]).sort_values([*KEYS, *ORDER], ignore_index=True)
    journeys = steps.groupby(KEYS)
    steps["service"] = journeys["service"].transform("first")
    steps.insert(3, "step", journeys.cumcount().astype("int32") + 1)
    steps["valence"] = steps.pop("event_id").map(felt).astype(float)
    return steps.astype({"minutes_waited": float, "outcome": "str"})


def _filled(number, parts):
    """Parts of a table, of so many rows in all, as one; text as categories.

    Each column is laid out for all rows and filled part by part: parts that are joined stand in memory twice.
    """
    columns, texts, first = {}, {}, 0
    for part in parts:
        rows = slice(first, first + len(part))
        for name, values in part.items():
            if values.dtype == "str":
                codes, words = pd.factorize(values)
                others = texts.setdefault(name, [])
                values = np.where(codes < 0, -1, codes + sum(map(len, others)))
                others.append(pa.array(words, pa.large_string()))
            kind = "int32" if name in texts else values.dtype
            columns.setdefault(name, np.empty(number, kind))[rows] = values
        first = rows.stop
    for name in list(texts):
        columns[name] = categorical(pa.concat_arrays(texts.pop(name)), columns[name])
    pa.default_memory_pool().release_unused()       # elsewise the parts' words, though freed, stay beside what follows
    return pd.DataFrame(columns, copy=False)


def categorical(words, codes=slice(None, -1)):
    """Words (an Arrow array, some of them the same), or those at these places, as categories; -1 is missing."""
    words = words.dictionary_encode()
    order = pc.sort_indices(words.dictionary)
    rank = np.empty(len(order), dtype="int32")
    rank[order] = np.arange(len(order))
    kind = pd.CategoricalDtype()  # filled as from a pickle: elsewise each word becomes an object, to see that all differ
    kind.__setstate__({"categories": pd.Index(pd.array(words.dictionary.take(order), dtype="str")), "ordered": False})
    return pd.Categorical.from_codes(np.append(rank[words.indices], np.int32(-1))[codes], dtype=kind)


def _mended(events, steps, put_right):
    """Whether staff put each step right."""
    log, mended = nw.from_native(events), np.zeros(len(steps), dtype=bool)
    if "event_type" not in log.collect_schema():
        return mended
    place = ["journey_id", "touchpoint"]
    mends = as_pandas(log.filter(nw.col("initiated_by") == "staff", nw.col("event_type") == put_right,
                                 ~nw.col("journey_id").is_null()), [*place, "occurred_at"]).sort_values("occurred_at")
    journeys = steps["journey_id"].cat
    row = np.flatnonzero(journeys.categories.isin(mends["journey_id"])[journeys.codes])
    steps = steps.iloc[row][[*place, "occurred_at", "step", "outcome"]].assign(row=row)
    steps = steps.astype(dict.fromkeys(place, "str")).sort_values(["occurred_at", "step"])
    failed, any_step = (pd.merge_asof(mends, those, on="occurred_at", by=place)["row"]
                        for those in (steps[steps["outcome"] == "failed"], steps))
    mended[failed.fillna(any_step).dropna().astype(int)] = True
    return mended
