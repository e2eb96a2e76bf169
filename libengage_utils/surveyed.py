"""The people of whom both the log and a survey speak, and what each says of them."""

from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd

from .engagement import day_number, sees
from .journeys.sessions import acts_of_people


@dataclass(frozen=True)
class TwoSources:
    """Acts on record and answers to a survey, of the same people and the same time; made by `acts_and_answers`.

    Attributes
    ----------
    people : DataFrame
        The roster's rows of people eligible all the time and visible to some source.
    seen, said_yes, answered : list of str
        Of these the keys of people with an act of their own, of those who said that they used it, of all who answered.
    since, until : Timestamp
        First and last day that both speak of.
    """

    people: pd.DataFrame = field(repr=False)
    seen: list = field(repr=False)
    said_yes: list = field(repr=False)
    answered: list = field(repr=False)
    since: pd.Timestamp
    until: pd.Timestamp


def acts_and_answers(people, events, feedback, *, question, yes="yes", coverage=None, days=365, wave_days=90):
    """The two sources of `recapture` for the last time that a survey asked whether people had used the library.

    Parameters
    ----------
    people, events, feedback : frame
        Tables of the schema, of any kind Narwhals supports.
    question, yes : str
        The survey's question, and the answer that says so.
    coverage : DataFrame, optional
        The study's coverage: people whom no source that identifies people could see are left out.
    days : int
        Of how many days before the first answer the question speaks.
    wave_days : int
        Answers so long before the last one are of the same survey.

    Returns
    -------
    TwoSources

    Raises
    ------
    ValueError
        As `acts_of_people`; and if nobody known answered the question, or the log begins later than what it speaks of.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": ["ann", "bob", "cy"]})
    >>> events = pd.DataFrame({"event_id": [1, 2, 3], "person_key": ["bob", "ann", "cy"], "initiated_by": "person",
    ...                        "occurred_at": pd.to_datetime(["2024-01-01", "2024-06-01", "2025-01-01"])})
    >>> feedback = pd.DataFrame({"person_key": ["ann", "bob"], "given_at": pd.Timestamp("2025-02-01"), "question": "used",
    ...                          "answer": "yes"})
    >>> two = acts_and_answers(people, events, feedback, question="used")
    >>> two.seen, two.said_yes
    (['ann', 'cy'], ['ann', 'bob'])
    """
    said = nw.from_native(feedback)
    if "question" not in said.collect_schema() or "answer" not in said.collect_schema():
        raise ValueError("The feedback has no questions and answers, so that nobody said whether they use the library.")
    said = (said.filter(nw.col("question") == question, ~nw.col("person_key").is_null(), ~nw.col("given_at").is_null())
            .select("person_key", "given_at", "answer").lazy().collect().to_pandas())
    if said.empty:
        raise ValueError(f"Nobody known answered the question \u201c{question}\u201d: name the one that asks whether people "
                         "used the library.")
    if not (said["answer"] == yes).any():
        raise ValueError(f"Nobody answered \u201c{question}\u201d with \u201c{yes}\u201d; the answers are "
                         f"{', '.join(sorted(said['answer'].dropna().unique())[:5])}: say which of them means yes.")
    said = said[said["given_at"] >= said["given_at"].max() - pd.Timedelta(days=wave_days)]
    until = said["given_at"].max().normalize()
    since = said["given_at"].min().normalize() - pd.Timedelta(days=days)
    acts = acts_of_people(events)[0].with_columns(day_number("occurred_at").alias("day"))
    first, last = (int(day.to_datetime64().astype("datetime64[D]").astype(int)) for day in (since, until))
    if (begins := acts.lazy().select(nw.col("day").min()).collect().item()) > first:
        raise ValueError(f"The log begins {begins - first:,} days later than the time of which the survey asks: take a "
                         "later survey.")
    within = acts.filter(nw.col("day") >= first, nw.col("day") <= last).select("person_key").unique()
    roster = nw.from_native(people).lazy().collect().to_pandas()
    bounds = roster.reindex(columns=["eligible_from", "eligible_to"]).apply(pd.to_datetime)
    there = ~(bounds["eligible_from"] > since) & ~(bounds["eligible_to"] < until)
    frame = nw.from_native(roster)
    if coverage is not None:
        sources = coverage[coverage["identity"] == "person"].to_dict("records")
        there &= np.any([frame.select(sees(source, frame.columns).alias("sees"))["sees"].to_numpy() for source in sources],
                        axis=0)
    kept = roster[there].reset_index(drop=True)
    keys = (within.lazy().collect().to_pandas()["person_key"], said.loc[said["answer"] == yes, "person_key"],
            said["person_key"])
    return TwoSources(kept, *(sorted(set(some) & set(kept["person_key"])) for some in keys), since, until)
