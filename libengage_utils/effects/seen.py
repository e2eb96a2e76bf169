"""Who was seen again after a day: everybody asked after, or those whom a rule would have chosen then, unasked."""

import narwhals as nw
import numpy as np
import pandas as pd

from ..engagement import day_number
from ..journeys.sessions import acts_of_people
from ..letters.silence import quiet_by_rule, silence


def seen_again(person_key, events, *, on, days):
    """Whether, and after how many days, each of these people acted after a day.

    Parameters
    ----------
    person_key : array-like of shape (n_people,)
        Who is asked after.
    events : frame
        The schema's events, of any kind Narwhals supports; only acts of the person's own count.
    on : date
        Acts on later days count.
    days : int
        Within so many days.

    Returns
    -------
    DataFrame, sorted by person_key
        person_key, days_to_return (missing where not seen within the window), returned, watched.

    Raises
    ------
    ValueError
        If the events end before the window does.

    Examples
    --------
    >>> events = pd.DataFrame({"event_id": ["1", "2"], "person_key": ["ann", "bob"], "initiated_by": "person",
    ...     "occurred_at": pd.to_datetime(["2024-10-09", "2024-12-30"])})
    >>> seen_again(["bob", "ann"], events, on="2024-10-01", days=30)[["person_key", "days_to_return"]]
      person_key  days_to_return
    0        ann             8.0
    1        bob             NaN
    """
    on = pd.Timestamp(on).normalize()
    acts = acts_by_day(events)
    last = pd.Timestamp(acts.lazy().select(nw.col("day").max()).collect().item(), unit="D")
    if last < on + pd.Timedelta(days=days):
        raise ValueError(f"The window is over on {said(on + pd.Timedelta(days=days))}; the events end on {said(last)}: take "
                         "an earlier day.")
    keys = pd.Series(np.sort(np.asarray(person_key)), name="person_key")
    after = around(acts, on, keys)["after"].to_numpy(dtype=float)
    return pd.DataFrame({"person_key": keys, "days_to_return": np.where(after <= days, after, np.nan),
                         "returned": after <= days, "watched": days})


def unasked_returns(people, events, contacts=None, *, on, lapse_days, days, holidays=None, absences=None, coverage=None):
    """How many come back unasked: those whom the rule would have chosen on an earlier day, on which no letter went.

    Parameters
    ----------
    people, events, on, holidays, absences, coverage
        As for `silence`.
    contacts : frame, optional
        Table of the schema: whoever was sent a letter before the window is over is left out.
    lapse_days : int
        The rule: not seen on so many expected days.
    days : int
        Window in which a return counts.

    Returns
    -------
    DataFrame, sorted by person_key
        As `seen_again`, and seen_before, silent_days (expected days).

    Raises
    ------
    ValueError
        As for `silence` and `seen_again`; and if the rule finds nobody to whom no letter went.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": ["ann", "bob"], "eligible_from": pd.Timestamp("2024-01-01"),
    ...     "eligible_to": pd.NaT, "contactable": True, "contact_opt_out": False})
    >>> events = pd.DataFrame({"event_id": ["1", "2", "3"], "person_key": ["ann", "ann", "bob"], "initiated_by": "person",
    ...     "occurred_at": pd.to_datetime(["2024-01-01", "2024-10-09", "2024-12-30"])})
    >>> unasked_returns(people, events, on="2024-10-01", lapse_days=180, days=30)[["person_key", "days_to_return"]]
      person_key  days_to_return
    0        ann             8.0
    1        bob             NaN
    """
    silent = silence(people, events, on=on, holidays=holidays, absences=absences, coverage=coverage)
    quiet = quiet_by_rule(silent, as_pandas(people), lapse_days=lapse_days, outcome_days=days, on=on).people
    if contacts is not None:
        sent = as_pandas(contacts)
        over = pd.Timestamp(on).normalize() + pd.Timedelta(days=days + 1)
        quiet = quiet[~quiet["person_key"].isin(sent.loc[pd.to_datetime(sent["sent_at"]) < over, "person_key"])]
    if quiet.empty:
        raise ValueError(f"Nobody was silent for {lapse_days} expected days on {said(pd.Timestamp(on))} and not written to: "
                         "take a later day, or fewer days.")
    again = seen_again(quiet["person_key"], events, on=on, days=days)
    return again.merge(quiet[["person_key", "seen_before", "silent_days"]], on="person_key")


def acts_by_day(events, as_of=None, initiated_by=("person",)):
    """Person and day (since 1970) of each act that counts, up to a day, as a Narwhals frame."""
    log = nw.from_native(events)
    if "initiated_by" in log.collect_schema():
        counts = nw.col("initiated_by").is_in(list(initiated_by))
        log = log.with_columns(nw.when(counts).then(nw.lit("person")).otherwise(nw.lit("other")).alias("initiated_by"))
    acts = acts_of_people(log.to_native())[0].select("person_key", day_number("occurred_at").cast(nw.Int64).alias("day"))
    return acts if as_of is None else acts.filter(nw.col("day") <= (as_of - pd.Timestamp(0)).days)


def around(acts, on, people):
    """Days from the last act before a day, to one on it (0), and to the first one after it, a row a person."""
    days = nw.col("day") - (on - pd.Timestamp(0)).days
    sums = (acts.with_columns(nw.when(days < 0).then(-days).alias("before"), nw.when(days == 0).then(days).alias("at"),
                              nw.when(days > 0).then(days).alias("after"))
            .group_by("person_key").agg(nw.col("before").min(), nw.col("at").min(), nw.col("after").min()))
    return sums.lazy().collect().to_pandas().set_index("person_key").reindex(people.to_numpy())


def as_pandas(frame):
    return nw.from_native(frame).lazy().collect().to_pandas()


def said(day):
    return f"{day.day} {day:%B %Y}"
