"""What somebody did, met and felt in a term, before it and after it: a row a person and term."""

import narwhals as nw
import numpy as np
import pandas as pd

from ..journeys.feelings import as_pandas, need
from ..journeys.sessions import acts_of_people, by_people

KEYS = ["person_key", "term"]
LONG = 3  # times the median wait at a touchpoint


def person_terms(events, feedback, terms, *, people=None, said_only=False):
    """A row a person and term with acts: how these went, what was felt, and what was done before and after.

    Experience and emotion are measured apart: experience by how acts ended and how long they made wait, emotion by what
    the person said or rated in the term.

    Parameters
    ----------
    events : frame
        The schema's events, of any kind Narwhals supports.
    feedback : DataFrame
        Feedback with `person_key`, `given_at` and `valence`.
    terms : DataFrame
        The terms in order: from and to, first and last day; one begins the day after another ends.
    people : frame, optional
        The schema's people: what was done before and after is then missing where somebody was not eligible throughout.
    said_only : bool
        Whether to keep only rows with an emotion, all that `mediation` can use: the others of millions of people take
        gigabytes.

    Returns
    -------
    DataFrame
        person_key, term (position from 0), acts, experience (share of acts that neither failed nor kept waiting, nor took
        over three times the touchpoint's median wait), emotion (mean valence; missing where nothing was said), before
        and after (acts in the term before and after; missing at the edges).

    Raises
    ------
    ValueError
        As `sessionise`; if the feedback lacks a column, no term holds an act, or terms leave gaps or overlap.

    Examples
    --------
    >>> events = pd.DataFrame({"event_id": list("1234"), "person_key": "ann", "touchpoint": "desk", "initiated_by": "person",
    ...                        "occurred_at": pd.to_datetime(["2025-01-09", "2025-05-01", "2025-05-02", "2025-09-30"]),
    ...                        "outcome": ["ok", "failed", "ok", "ok"], "minutes_waited": 5})
    >>> feedback = pd.DataFrame({"person_key": ["ann"], "given_at": pd.to_datetime(["2025-05-03"]), "valence": [0.5]})
    >>> terms = pd.DataFrame({"from": ["2025-01-01", "2025-05-01", "2025-09-01"],
    ...                       "to": ["2025-04-30", "2025-08-31", "2025-12-31"]})
    >>> person_terms(events, feedback, terms).loc[[1], "acts":].values.tolist()
    [[2.0, 0.5, 0.5, 1.0, 1.0]]
    """
    need(feedback, "person_key", "given_at", "valence")
    first, last = (pd.to_datetime(terms[name]).to_numpy().astype("datetime64[D]").astype(int) for name in ("from", "to"))
    if len(first) < 2 or (first > last).any() or (first[1:] != last[:-1] + 1).any():
        raise ValueError("Give two terms or more in order, each beginning the day after the one before it ends (from, to): "
                         "otherwise there is no term after.")
    acts, _ = acts_of_people(events, "touchpoint")
    waits = pd.Series(dtype=float)
    if "minutes_waited" in acts.collect_schema():
        waits = acts.lazy().group_by("touchpoint").agg(nw.col("minutes_waited").median()).collect().to_pandas()
        waits = waits.dropna(subset="touchpoint").set_index("touchpoint")["minutes_waited"]
    said = feedback.dropna(subset=["person_key", "valence"])
    said = said.assign(term=_term(said["given_at"], first, last), person_key=said["person_key"].astype("str"))
    felt = said.groupby(KEYS)["valence"].mean()
    parts = [_terms_of(some, waits, felt, people, first, last, said_only) for some in by_people(acts)]
    table = {name: pd.concat([part.pop(name) for part in parts], ignore_index=True) for name in list(parts[0])}
    if table["term"].empty:
        raise ValueError("No act lies in any of the terms: give the terms of the period that the events cover.")
    return pd.DataFrame(table, copy=False)


def terms_between(first, last, months=4):
    """Terms of so many months, one after the other, as many as are over by the last day.

    Parameters
    ----------
    first, last : date
    months : int
        1, 2, 3, 4, 6 or 12.

    Returns
    -------
    DataFrame
        from, to (first and last day) and season (which term of the year it is, from 1).

    Raises
    ------
    ValueError
        If so many months do not divide a year, so that terms would have no season.

    Examples
    --------
    >>> terms_between("2024-09-01", "2025-05-31")["to"].dt.strftime("%Y-%m-%d").tolist()
    ['2024-12-31', '2025-04-30']
    """
    if months not in (1, 2, 3, 4, 6, 12):
        raise ValueError(f"Terms of {months} months do not divide a year: take 1, 2, 3, 4, 6 or 12.")
    first, over = pd.Timestamp(first), pd.Timestamp(last) + pd.Timedelta(days=1)
    number = (over.year - first.year) * 12 // months + 2
    starts = pd.DatetimeIndex([first + pd.DateOffset(months=months * at) for at in range(number)])
    starts = starts[starts <= over]
    season = np.arange(len(starts) - 1) % (12 // months) + 1
    return pd.DataFrame({"from": starts[:-1], "to": starts[1:] - pd.Timedelta(days=1), "season": season})


def long_waits(acts):
    """Whether each act took over three times the median wait of its touchpoint (ndarray)."""
    waited = np.flatnonzero(acts["minutes_waited"].notna())
    some, long = acts.iloc[waited], np.zeros(len(acts), dtype=bool)
    long[waited] = some["minutes_waited"] > LONG * some.groupby("touchpoint")["minutes_waited"].transform("median")
    return long


def _terms_of(acts, waits, felt, people, first, last, said_only):
    """Of some people's acts, the columns of the table (dict of Series), each with its own memory."""
    acts = as_pandas(acts, ["person_key", "touchpoint", "occurred_at", "outcome", "minutes_waited"])
    if said_only:
        acts = acts[acts["person_key"].isin(felt.index.levels[0])].reset_index(drop=True)
    acts["term"] = _term(acts["occurred_at"], first, last)
    long = acts["minutes_waited"] > LONG * acts["touchpoint"].map(waits).astype(float)
    acts["smooth"] = ~(acts["outcome"].isin(["failed", "waiting"]) | long)
    table = acts[acts["term"] >= 0].groupby(KEYS).agg(acts=("smooth", "size"), experience=("smooth", "mean"))
    table["emotion"] = felt.reindex(table.index)
    counts = table["acts"].unstack(fill_value=0).reindex(columns=range(len(first)), fill_value=0).astype(float)
    if people is not None:
        counts = counts.where(_eligible(people, counts.index, first, last))
    for name, shift in (("before", 1), ("after", -1)):
        table[name] = counts.shift(shift, axis=1).stack(future_stack=True)
    if said_only:
        table = table.dropna(subset="emotion")
    table = table.reset_index().astype({"term": "int16", "acts": "int32"})
    return {name: table[name].copy() for name in table}


def _term(times, first, last):
    """The term in which each time lies, from 0; -1 for none."""
    day = pd.to_datetime(times).to_numpy().astype("datetime64[D]").astype(int)
    return np.where((day >= first[0]) & (day <= last[-1]), np.searchsorted(first, day, "right") - 1, -1)


def _eligible(people, keys, first, last):
    """Whether each person was eligible throughout each term."""
    key = nw.col("person_key").cast(nw.String)
    people = nw.from_native(people).lazy().select(key, "eligible_from", "eligible_to")
    people = people.filter(key >= keys.min(), key <= keys.max()) if len(keys) else people.head(0)
    people = people.collect().to_pandas().set_index("person_key").reindex(keys)
    since, until = (pd.to_datetime(people[name]).to_numpy().astype("datetime64[D]")[:, np.newaxis]
                    for name in ("eligible_from", "eligible_to"))
    first, last = first.astype("datetime64[D]"), last.astype("datetime64[D]")
    return ~(since > first) & ~(until < last)
