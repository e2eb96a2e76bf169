"""Who of a letter's lot came back, every person in the arm where the lot fell."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..privacy import about
from .seen import acts_by_day, around, as_pandas, said

ARMS = ["letter", "holdout"]
AFTERWARDS = ("arm", "days_to_return", "watched", "returned", "opted_out", "bounced", "sent")  # not known before the lot
OPTIONAL = {"stratum": None, "sent_at": pd.NaT, "opted_out": False, "bounced": False}
ODD = 3.3  # standard errors; arms further from the chances they were given make a note, once in 1,000 fair lots


@dataclass(frozen=True)
class Followed:
    """A lot and who of it came back; made by `follow`.

    Attributes
    ----------
    people : DataFrame
        A row a person of the lot who is on the roster, in order of person_key: person_key, arm, probability (of the
        letter), stratum, assigned_on; days_to_return (from the day of the lot to the first later day with an act; missing
        where none was seen), watched (days, at most `days`), returned (within `days`; missing while the window is open);
        seen_before, silent_days (calendar days from the last act to the lot; missing where never seen); opted_out,
        bounced, sent.
    days : int
        The window in which a return counts.
    notes : tuple of str
        What a reader should know of the lot, in sentences.
    """

    people: pd.DataFrame = field(repr=False)
    days: int
    notes: tuple


def follow(contacts, people, events, campaigns=None, *, as_of, campaign=None, days=None, initiated_by=("person",),
           minimum_count=10):
    """Who of those in the lot of a letter came back within the window, every person in the arm where the lot fell.

    A return is an act of the person's own on a day after the lot; acts on the day itself count neither way. Nobody changes
    arms for what happened later, be it that the letter was not sent, that it came back, or that the person left: arms are
    compared as they were drawn (intention to treat). Nothing can be known of people who are no longer on the roster, because
    they asked not to be analysed, say: a note tells how many they are in each arm, and how far they could move the
    difference.

    Parameters
    ----------
    contacts, people, events : frame
        Tables of the schema, of any kind Narwhals supports.
    campaigns : frame, optional
        Table of the schema: gives the window, and what was written down when.
    as_of : date
        Last day on which an act would be in the events.
    campaign : str, optional
        Which campaign; needed where the contacts hold several.
    days : int, optional
        Window in which a return counts; by default the campaign's ``outcome_days``.
    initiated_by : sequence of str
        Whose acts count. Only to show what counting those of staff or systems would do is there a reason to change it.
    minimum_count : int
        Smaller numbers of people are not told in notes.

    Returns
    -------
    Followed

    Raises
    ------
    ValueError
        If the campaign or the window is not clear, an arm is empty, somebody is in the lot twice, a probability is missing,
        0 or 1, a letter was sent on a day before its lot, or nobody's window is over.

    References
    ----------
    Intention to treat: Hollis & Campbell (1999), BMJ 319, 670-674.

    Examples
    --------
    >>> contacts = pd.DataFrame({"campaign_id": "c", "person_key": ["ann", "bob"], "arm": ["letter", "holdout"],
    ...     "probability": 0.5, "assigned_at": pd.Timestamp("2025-10-20 09:00"), "sent_at": pd.NaT,
    ...     "opted_out": False, "bounced": False})
    >>> events = pd.DataFrame({"event_id": ["1"], "person_key": ["ann"], "initiated_by": "person",
    ...                        "occurred_at": [pd.Timestamp("2025-10-27 12:00")]})
    >>> followed = follow(contacts, pd.DataFrame({"person_key": ["ann", "bob"]}), events, as_of="2026-03-01", days=90)
    >>> followed.people[["person_key", "days_to_return", "returned"]].values.tolist()
    [['ann', 7.0, True], ['bob', nan, False]]
    """
    contacts, roster = as_pandas(contacts), as_pandas(people)
    contacts, campaign = _of_campaign(contacts, campaign)
    rule = _rule(campaigns, campaign, days)
    window, as_of = int(rule["outcome_days"]), pd.Timestamp(as_of).normalize()
    _check_lot(contacts)
    here = contacts["person_key"].isin(roster["person_key"])
    lot = contacts[here].sort_values("person_key", ignore_index=True)
    if empty := [arm for arm in ARMS if not (lot["arm"] == arm).any()]:
        raise ValueError(f"Nobody on the roster is in the arm {empty[0]}: without both arms the letter cannot be judged. "
                         "Name the contacts of both in study.yml.")
    over = lot["assigned_on"] + pd.Timedelta(days=window)
    if (over > as_of).all():
        raise ValueError(f"The window is over on {said(over.min())}; the data reach {said(as_of)}: wait "
                         f"{(over.min() - as_of).days} days, or set outcome_days lower before you look.")

    acts = acts_by_day(events, as_of, initiated_by)
    near = [around(acts, on, some) for on, some in lot.groupby("assigned_on")["person_key"]]
    before, at, after = pd.concat(near).reindex(lot["person_key"]).to_numpy(dtype=float).T
    watched = (as_of - lot["assigned_on"]).dt.days.clip(0, window)
    seen = pd.Series(after <= watched)
    table = pd.DataFrame({
        "person_key": lot["person_key"], "arm": lot["arm"], "probability": lot["probability"].astype(float),
        "stratum": lot["stratum"].astype(object).fillna("all"), "assigned_on": lot["assigned_on"],
        "days_to_return": np.where(seen, after, np.nan), "watched": watched,
        "returned": seen.astype("boolean").mask(watched < window), "seen_before": ~np.isnan(before), "silent_days": before,
        "opted_out": lot["opted_out"].fillna(False).astype(bool), "bounced": lot["bounced"].fillna(False).astype(bool),
        "sent": lot["sent_at"].notna()})
    gone = contacts.loc[~here, "arm"]
    notes = [*_gone(table, gone, minimum_count), *_notes(table, lot, roster, rule, over, at == 0, minimum_count)]
    return Followed(table, window, tuple(notes))


def need_followed(followed, *columns):
    if not isinstance(followed, pd.DataFrame):
        raise ValueError("Give the table of people, such as follow(...).people.")
    if absent := [name for name in columns if name not in followed]:
        raise ValueError(f"The people followed have no column {' and no column '.join(absent)}: make the table with follow, "
                         "and merge columns of the roster by person_key.")


def known_before(*columns):
    if later := [name for name in columns if name in AFTERWARDS]:
        raise ValueError(f"{' and '.join(later)} came with the lot or after it: tell people apart by what was known before.")


def _of_campaign(contacts, campaign):
    """The contacts of one campaign, and its name."""
    names = sorted(contacts["campaign_id"].unique())
    if not names:
        raise ValueError("There are no contacts: name the table of who was, and who by lot was not, written to.")
    if campaign is None and len(names) > 1:
        raise ValueError(f"The contacts are of {len(names)} campaigns; name one as `campaign`: {', '.join(names)}.")
    campaign = names[0] if campaign is None else campaign
    if campaign not in names:
        raise ValueError(f"No contact is of a campaign {campaign}; there are: {', '.join(names)}.")
    contacts = contacts[contacts["campaign_id"] == campaign]
    contacts = contacts.assign(**{name: usual for name, usual in OPTIONAL.items() if name not in contacts})
    for name in ("assigned_at", "sent_at"):
        contacts[name] = pd.to_datetime(contacts[name])
    return contacts.assign(assigned_on=contacts["assigned_at"].dt.normalize()), campaign


def _rule(campaigns, campaign, days):
    """What was written down of the campaign, with the window asked for."""
    rule = pd.Series({"lapse_days": np.nan, "outcome_days": np.nan, "registered_on": pd.NaT}, dtype=object)
    if campaigns is not None:
        found = as_pandas(campaigns).set_index("campaign_id").astype(object)
        if campaign not in found.index:
            raise ValueError(f"The campaigns have no row for {campaign}: add it, with its outcome_days.")
        rule = found.loc[campaign].reindex(rule.index)
    if days is not None:
        rule["outcome_days"] = days
    if pd.isna(rule["outcome_days"]) or not rule["outcome_days"] >= 1:
        raise ValueError("Within how many days a return counts is not said, or below 1: give `campaigns`, or `days`.")
    return rule


def _check_lot(contacts):
    """A sentence where the contacts cannot be those of a lot."""
    n = len(contacts)
    arms = contacts.groupby("person_key")["arm"].agg(["nunique", "size"])
    wrong = {
        "are in both arms, and nobody knows where their lot fell": (arms["nunique"] > 1).sum(),
        "are in the lot more than once: keep one row a person": (arms["size"] > 1).sum(),
        f"have an arm other than {' and '.join(ARMS)}": (~contacts["arm"].isin(ARMS)).sum(),
        "have no day on which their lot was drawn (assigned_at)": contacts["assigned_on"].isna().sum(),
        "have a probability of the letter that is missing, 0 or 1, so that there was no lot: correct it, or leave them "
        "out": (~contacts["probability"].between(0, 1, inclusive="neither")).sum(),
        "have a letter sent on a day before their lot was drawn, so that the lot did not decide: correct assigned_at or "
        "sent_at": (contacts["sent_at"].dt.normalize() < contacts["assigned_on"]).sum()}
    for words, rows in wrong.items():
        if rows:
            raise ValueError(f"{rows:,} of {n:,} contacts {words}.")


def _gone(table, gone, minimum_count):
    """Who of the lot is no longer on the roster, by arm, and how far that could move the difference, in a sentence."""
    if gone.empty:
        return []
    some, (letter, holdout) = f"fewer than {minimum_count}", (int((gone == arm).sum()) for arm in ARMS)
    told = [about(n) if n >= minimum_count or not n else some for n in (letter, holdout)]
    words = (f"{told[0].capitalize()} people drawn to be written to and {told[1]} held back are not on the roster and are "
             "left out.")
    known = table[table["returned"].notna()]
    back, n = (known.groupby("arm")["returned"].agg(what).reindex(ARMS).astype(float) for what in ("sum", "size"))
    if len(known) and min(letter + holdout, back.min(), (n - back).min()) >= minimum_count:
        ends = [100 * ((back["letter"] + one * letter) / (n["letter"] + letter)
                       - (back["holdout"] + other * holdout) / (n["holdout"] + holdout)) for one, other in ((0, 1), (1, 0))]
        words += (f" Whatever became of them, the difference in 100 lies between {ends[0]:.1f} and {ends[1]:.1f}, before "
                  "chance is allowed for.")
    return [words]


def _notes(table, lot, roster, rule, over, on_the_day, minimum_count):
    """What a reader should know of the lot, in sentences with counts."""
    letter, window = table["arm"] == "letter", int(rule["outcome_days"])
    ends = roster.set_index("person_key").reindex(index=table["person_key"], columns=["eligible_to"])["eligible_to"]
    lapse = float(rule["lapse_days"])
    counts = {
        f"left before the {window} days were over; they stay in their group.": (
            pd.to_datetime(ends).to_numpy() < over).sum(),
        f"are still within the {window} days; they count for no share yet.": table["returned"].isna().sum(),
        f"had been seen less than {lapse:.0f} days before the lot; they stay.": (table["silent_days"] < lapse).sum(),
        "acted on the day of the lot, which counts neither way.": on_the_day.sum(),
        "with the letter as their lot were sent none; they stay in their group.": (letter & ~table["sent"]).sum(),
        "held back by lot were sent a letter all the same; they stay in their group.": (~letter & table["sent"]).sum(),
        "were sent the letter before the hour at which the lot was drawn.": (lot["sent_at"] < lot["assigned_at"]).sum(),
        "had their letter come back; they stay in their group.": (letter & table["bounced"]).sum(),
        "asked after the letter not to be written to; they stay in their group.": (letter & table["opted_out"]).sum()}
    told = {words: about(n) if n >= minimum_count else f"fewer than {minimum_count}" for words, n in counts.items() if n}
    notes = [f"{number.capitalize()} people {words}" for words, number in told.items()]
    registered, drawn = pd.Timestamp(rule["registered_on"]), lot["assigned_on"].min()
    if registered > drawn:
        notes.append(f"The rule was written down on {said(registered)}, after the lot was drawn on {said(drawn)}.")
    chance = table["probability"]
    if abs((letter - chance).sum()) > ODD * np.sqrt((chance * (1 - chance)).sum()):
        notes.append(f"{about(letter.sum()).capitalize()} people are in the arm letter, and the chances given make "
                     f"{about(chance.sum())} likely: part of an arm may be lost, or the chances are not those of the lot.")
    return notes
