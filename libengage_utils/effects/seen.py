"""Who was seen again after a day: everybody asked after, or those whom a rule would have chosen then, unasked."""

import narwhals as nw
import numpy as np
import pandas as pd

from ..engagement import day_number
from ..journeys.sessions import acts_of_people, sums_of_people
from ..letters.silence import active_days, quiet_by_rule, silence


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
    keys = pd.Series(person_key, name="person_key").sort_values(ignore_index=True)
    after = around(acts, on, keys)["after"].to_numpy(dtype=float)
    return pd.DataFrame({"person_key": keys, "days_to_return": np.where(after <= days, after, np.nan),
                         "returned": after <= days, "watched": days})


def followed_rhythms(people, events, contacts=None, *, on, days, holidays=None, absences=None):
    """Everybody's history of active days up to a day, and whether they were seen again after it, to check a model by.

    Parameters
    ----------
    people, events, on, holidays, absences
        As for `active_days`.
    contacts : frame, optional
        Table of the schema.
    days : int
        Window in which being seen again counts.

    Returns
    -------
    DataFrame, sorted by person_key
        As made by `active_days`, and returned: missing for people who are not eligible throughout the window, or were sent
        a letter before it is over.

    Raises
    ------
    ValueError
        As for `active_days` and `seen_again`.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": ["ann", "bob"], "eligible_to": pd.to_datetime([None, "2024-10-01"])})
    >>> events = pd.DataFrame({"event_id": list("123"), "person_key": ["ann", "ann", "bob"], "initiated_by": "person",
    ...     "occurred_at": pd.to_datetime(["2024-01-01", "2024-10-09", "2024-01-09"])})
    >>> rows = followed_rhythms(people, events, on="2024-09-01", days=38)
    >>> rows["returned"].isna().tolist(), bool(rows["returned"][0])
    ([False, True], True)
    """
    table = active_days(people, events, on=on, holidays=holidays, absences=absences)
    begun, over = pd.Timestamp(on).normalize(), pd.Timestamp(on).normalize() + pd.Timedelta(days=days)
    roster = as_pandas(people).set_index("person_key").reindex(index=table["person_key"])
    roster = roster.reindex(columns=["eligible_from", "eligible_to"]).apply(pd.to_datetime)
    stays = ~(roster["eligible_from"] > begun) & ~(roster["eligible_to"] < over)
    if contacts is not None:
        stays &= ~roster.index.isin(sent_before(contacts, over))
    returned = seen_again(table["person_key"], events, on=on, days=days)["returned"].astype("boolean")
    return table.assign(returned=returned.where(stays.to_numpy()))


def sent_before(contacts, over):
    """Keys of the people who were sent a letter on a day or before it (Series)."""
    sent = as_pandas(contacts)
    return sent.loc[pd.to_datetime(sent["sent_at"]) < over + pd.Timedelta(days=1), "person_key"]


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
    quiet = quiet_by_rule(silent, people, lapse_days=lapse_days, outcome_days=days, on=on).people
    if contacts is not None:
        over = pd.Timestamp(on).normalize() + pd.Timedelta(days=days)
        quiet = quiet[~quiet["person_key"].isin(sent_before(contacts, over))]
    if quiet.empty:
        raise ValueError(f"Nobody was silent for {lapse_days} expected days on {said(pd.Timestamp(on))} and not written to: "
                         "take a later day, or fewer days.")
    again = seen_again(quiet["person_key"], events, on=on, days=days)
    return again.assign(**{name: quiet[name].to_numpy() for name in ("seen_before", "silent_days")})


def acts_by_day(events, as_of=None, initiated_by=("person",)):
    """Person and day (since 1970) of each act that counts, up to a day, as a Narwhals frame."""
    log = nw.from_native(events)
    if "initiated_by" in log.collect_schema():
        counts = nw.col("initiated_by").is_in(list(initiated_by))
        log = log.with_columns(nw.when(counts).then(nw.lit("person")).otherwise(nw.lit("other")).alias("initiated_by"))
    acts = acts_of_people(log.to_native())[0].select("person_key", day_number("occurred_at").cast(nw.Int64).alias("day"))
    return acts if as_of is None else acts.filter(nw.col("day") <= (as_of - pd.Timestamp(0)).days)


def around(acts, on, people):
    """Days from the last act before a day, to one on it (0), and to the first after it, of people in order, a row each."""
    days = nw.col("day") - (on - pd.Timestamp(0)).days
    acts = acts.with_columns(nw.when(days < 0).then(-days).alias("before"), nw.when(days == 0).then(days).alias("at"),
                             nw.when(days > 0).then(days).alias("after"))
    return sums_of_people(acts, people, nw.col("before", "at", "after").min()).set_axis(people)


def as_pandas(frame):
    return nw.from_native(frame).lazy().collect().to_pandas()


def said(day):
    return f"{day.day} {day:%B %Y}"
