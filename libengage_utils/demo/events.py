"""From acts to the log: sites and channels, rows made by systems and staff, anonymous rows, and flaws."""

import numpy as np
import pandas as pd

from .people import UNSEEN_SITE
from .seasons import DAYS, FIRST_DAY, busyness, day_number, terms

LOAN_DAYS = 28
COLUMNS = [
    "event_id",
    "person_id",
    "occurred_at",
    "event_type",
    "channel",
    "touchpoint",
    "site",
    "quantity",
    "outcome",
    "minutes_waited",
    "initiated_by",
    "journey_id",
    "service",
    "source",
]
NETWORK_READS, HILL_COUNTS = 4.0, 0.9  # anonymous: reads, and readings of the Hill counter, a person
NEWSLETTER_READERS = 0.06
RECALLED = 0.03
FLAWS = {
    "impossible date": 12,
    "unknown outcome": 9,
    "negative quantity": 7,
    "missing event_id": 5,
    "person not on the roster": 14,
}
DUPLICATES = 40


def make_log(roster, acts, library, rng):
    """Give the sound log in time order, without event ids: acts of people, staff and systems."""
    touchpoints = library["touchpoints"]
    rows = pd.concat(
        [
            _by_people(roster, acts, touchpoints, rng),
            _by_systems_and_staff(acts, library, rng),
            _newsletters(roster, library, rng),
            _anonymous(len(roster), library, rng),
        ],
        ignore_index=True,
    )
    rows = rows[rows["day"] < len(DAYS)].reset_index(drop=True)
    named = touchpoints.iloc[rows["touch"]].reset_index()
    rows["touchpoint"] = named["touchpoint"]
    for column, taken in {"event_type": "does", "channel": "channel", "source": "source"}.items():
        rows[column] = rows[column].where(rows[column].notna(), named[taken])
    rows["person_id"] = roster["person_id"].reindex(rows["person"]).to_numpy()
    rows["site"] = _site(roster, rows, rng)
    rows["occurred_at"] = clock_time(rows["day"], rows["minute"])
    rows["journey_id"] = _journey_ids(rows)
    order = ["day", "minute", "person", "journey", "touch"]
    return rows.sort_values(order, kind="stable", ignore_index=True)


def spoil(log, rng):
    """Number the rows, and add exact duplicates and rows that cannot be true, each beside a sound one.

    Returns
    -------
    events : pandas.DataFrame
        The file's rows.
    flaws : dict of str to int
        How many rows of each kind were added.
    """
    kinds = np.repeat([*FLAWS, "duplicate"], [*FLAWS.values(), DUPLICATES])
    at = rng.choice(np.flatnonzero(log["person_id"].notna()), len(kinds), replace=False)
    rows = log.assign(flaw="")
    added = rows.iloc[at].assign(flaw=kinds)
    rows = pd.concat([rows, added]).sort_index(kind="stable").reset_index(drop=True)
    fresh = rows["flaw"] != "duplicate"
    rows["event_id"] = [f"e{number:06d}" for number in fresh.cumsum()]
    flaw = rows["flaw"]
    rows.loc[flaw == "impossible date", "occurred_at"] = (
        rows["occurred_at"].str[:4] + "-02-30" + rows["occurred_at"].str[10:]
    )
    rows.loc[flaw == "unknown outcome", "outcome"] = "sort of"
    rows.loc[flaw == "negative quantity", "quantity"] = -1
    rows.loc[flaw == "missing event_id", "event_id"] = ""
    strangers = [f"u9{number:05d}" for number in range(1, FLAWS["person not on the roster"] + 1)]
    rows.loc[flaw == "person not on the roster", "person_id"] = strangers
    return rows[COLUMNS], FLAWS | {"duplicate": DUPLICATES}


def _by_people(roster, acts, touchpoints, rng):
    rows = acts[
        ["person", "day", "minute", "touch", "journey", "service", "outcome", "minutes_waited"]
    ].copy()
    rows["initiated_by"] = "person"
    name = touchpoints.index.to_numpy()[rows["touch"]]
    pages = np.maximum(1, np.round(np.exp(1.6 + 0.9 * rng.standard_normal(len(rows)))))
    rows["quantity"] = np.where(name == "printing", pages, 1).astype(int)
    phones = (name == "enquiry desk") & (rng.random(len(rows)) < 0.12)
    afar = (roster["mode"] == "distance").to_numpy()[rows["person"]]
    rows["channel"] = np.select([phones, afar], ["phone", "online"], None)
    return rows.assign(event_type=None, source=None)


def _by_systems_and_staff(acts, library, rng):
    """Automatic renewals every loan period, recall notices, and the staff putting failures right."""
    loans = acts[acts["held"].notna()]
    times = np.minimum(loans["held"] // LOAN_DAYS, 3).astype(int)
    renewals = loans.loc[loans.index.repeat(times)]
    turn = renewals.groupby(level=0).cumcount() + 1
    renewals = renewals.assign(
        day=renewals["day"] + LOAN_DAYS * turn,
        minute=150,
        touch=library["code"]["renewal"],
        initiated_by="system",
        event_type="renew automatically",
    )
    recalls = loans[rng.random(len(loans)) < RECALLED]
    recalls = recalls.assign(
        day=recalls["day"] + rng.integers(3, 20, len(recalls)),
        minute=360,
        touch=library["code"]["recall notice"],
        initiated_by="system",
        event_type=None,
    )
    mended = acts[acts["recovered"]]
    mended = mended.assign(
        initiated_by="staff",
        event_type="put right",
        minute=np.minimum(mended["minute"] + rng.integers(1, 45, len(mended)), 1439),
    )
    rows = pd.concat([renewals, recalls, mended])
    return rows[
        ["person", "day", "minute", "touch", "journey", "service", "initiated_by", "event_type"]
    ].assign(quantity=1, outcome="ok", source=None, channel=None)


def _newsletters(roster, library, rng):
    """One newsletter a term to the readers signed up for it, used or not."""
    joins, leaves = day_number(roster["eligible_from"]), day_number(roster["eligible_to"])
    signed_up = rng.random(len(roster)) < NEWSLETTER_READERS
    rows = []
    for term in terms().itertuples():
        there = np.flatnonzero(signed_up & (joins <= term.first + 20) & (leaves >= term.first + 20))
        rows.append(pd.DataFrame({"person": there, "day": term.first + 20, "minute": 600}))
    return pd.concat(rows).assign(
        touch=library["code"]["newsletter"],
        journey=-1,
        service="",
        quantity=1,
        outcome="ok",
        initiated_by="staff",
        event_type=None,
        source=None,
        channel=None,
    )


def _anonymous(people, library, rng):
    """Reading inside the campus network and counts of a beam at Hill: acts of nobody in particular."""
    weight = busyness("taught")
    reads = rng.choice(len(DAYS), round(NETWORK_READS * people), p=weight / weight.sum())
    codes = [library["code"][name] for name in ("article", "e-book", "database")]
    reads = pd.DataFrame(
        {
            "day": reads,
            "touch": rng.choice(codes, len(reads), p=[0.45, 0.35, 0.2]),
            "minute": rng.integers(480, 1320, len(reads)),
            "quantity": 1,
            "source": "campus network",
        }
    )
    counts = rng.choice(len(DAYS), round(HILL_COUNTS * people), p=weight / weight.sum())
    counts = pd.DataFrame(
        {
            "day": counts,
            "touch": library["code"]["gate"],
            "minute": 60 * rng.integers(8, 22, len(counts)),
            "quantity": 1 + rng.poisson(11 * weight[counts]),
            "source": "Hill gate counter",
        }
    )
    return pd.concat([reads, counts.drop_duplicates(["day", "minute"])]).assign(
        person=-1, journey=-1, service="", outcome="ok", initiated_by="person", event_type=None, channel=None
    )


def _site(roster, rows, rng):
    """In person people go to their home site, or one time in five to Main; Hill's gate asks no card."""
    home = roster["home_site"].reindex(rows["person"]).fillna("Main").to_numpy()
    home = np.where((rng.random(len(rows)) < 0.2) | (home == UNSEEN_SITE), "Main", home)
    home = np.where((rows["touchpoint"] == "gate") & (home == "Hill"), "Main", home)
    home = np.where(rows["source"] == "Hill gate counter", "Hill", home)
    return np.where((rows["channel"] == "in person") & (rows["initiated_by"] == "person"), home, "")


def clock_time(day, minute):
    """Write day numbers and minutes as local dates and times."""
    when = FIRST_DAY + day.to_numpy() * np.timedelta64(1, "D") + minute.to_numpy() * np.timedelta64(1, "m")
    return pd.Series(pd.DatetimeIndex(when).strftime("%Y-%m-%d %H:%M"), index=day.index)


def _journey_ids(rows):
    return [f"j{number:05d}" if number >= 0 else "" for number in rows["journey"]]
