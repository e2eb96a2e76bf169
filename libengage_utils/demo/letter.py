"""The "we miss you" letter: whom the rule finds, where the lot falls, and who comes back."""

import numpy as np
import pandas as pd

from .people import UNSEEN_SITE
from .seasons import DAYS, day_number, holidays
from .services import choose

CAMPAIGN = "miss-you-2025"
ASSIGNED = "2025-10-20"
LAPSE_DAYS, OUTCOME_DAYS = 365, 90
BACKGROUND = {"seen before": 0.1, "never seen": 0.06}  # come back unasked within the outcome window
LETTER_ADDS = {True: 0.07, False: 0.0}  # C14
LETTER_WORKS_WITHIN = 8.0  # mean half-time of an answer to the letter, days
OPTS_OUT, BOUNCES = 0.015, 0.012


def send_letter(roster, absences, acts, shares, planted, rng):
    """Find everybody unseen for a year of expected days, draw lots, and let some of them come back.

    From the day of the lot on, the use of those in the campaign is decided here: each comes back unasked at a
    constant hazard, and some of those written to because of the letter.

    Returns
    -------
    campaigns, contacts : pandas.DataFrame
        The schema's tables, with person_id for the key.
    acts : pandas.DataFrame
        The acts, with those after the lot replaced for everybody in the campaign.
    """
    today = int(day_number([ASSIGNED])[0])
    last_seen = acts[acts["day"] < today].groupby("person")["day"].max().reindex(range(len(roster)))
    found = np.flatnonzero(_to_be_found(roster, absences, last_seen, today))
    seen_before = last_seen.notna().to_numpy()[found]
    letter = _evenly(seen_before, rng) < 0.5
    bounced = letter & (rng.random(len(found)) < BOUNCES)
    opted_out = letter & ~bounced & (rng.random(len(found)) < OPTS_OUT)
    back_on = today + 1 + _days_until_return(seen_before, letter, planted, rng)
    stays = day_number(roster["eligible_to"])[found]
    returns = back_on <= np.minimum(stays, len(DAYS) - 1)
    kept = acts[~(acts["person"].isin(found) & (acts["day"] >= today))]
    after = _acts_of_return(found[returns], back_on[returns], stays[returns], shares, rng)
    return (
        _campaign(),
        _contacts(roster, found, seen_before, letter, bounced, opted_out),
        pd.concat([kept, after], ignore_index=True),
    )


def _to_be_found(roster, absences, last_seen, today):
    """Silent for a year of expected days, and on the day present, within reach and to stay for the window.

    Nobody is expected in holidays, while absent, or before being eligible.
    """
    there = np.ones((len(roster), len(DAYS)), dtype=bool)
    places = pd.Index(roster["person_id"]).get_indexer(absences["person_id"])
    for person, left, back in zip(places, day_number(absences["from"]), day_number(absences["to"]), strict=True):
        there[person, left : back + 1] = False
    holiday = np.any([(first <= DAYS) & (last >= DAYS) for first, last in holidays()], axis=0)
    since = np.maximum(last_seen.fillna(-1) + 1, day_number(roster["eligible_from"])).to_numpy()
    day = np.arange(len(DAYS))
    silent = (there & ~holiday & (day >= since[:, None]) & (day < today)).sum(axis=1) >= LAPSE_DAYS
    stays = day_number(roster["eligible_to"]) >= today + OUTCOME_DAYS
    may_write = roster["contactable"] & ~roster["contact_opt_out"] & ~roster["analytics_opt_out"]
    return silent & there[:, today] & stays & may_write & (roster["home_site"] != UNSEEN_SITE)


def _days_until_return(seen_before, letter, planted, rng):
    """Days from the day after the lot to the first return; the letter adds its share, soon after it."""
    background = np.where(seen_before, BACKGROUND["seen before"], BACKGROUND["never seen"])
    unasked = -np.log1p(-_evenly(2 * letter + seen_before, rng)) * -OUTCOME_DAYS / np.log1p(-background)
    delay = rng.gamma(2, LETTER_WORKS_WITHIN, len(background))
    asked = letter & (_evenly(2 * letter + seen_before, rng) < LETTER_ADDS[planted["C14"]] / (1 - background))
    return np.where(asked, np.minimum(unasked, np.minimum(delay + 1, OUTCOME_DAYS - 5)), unasked).astype(int)


def _evenly(stratum, rng):
    """Draw uniform numbers spread evenly within each stratum, so that chance moves little from the plan."""
    draws = np.empty(len(stratum))
    for value in np.unique(stratum):
        inside = stratum == value
        draws[inside] = (rng.permutation(inside.sum()) + 0.5) / inside.sum()
    return draws


def _acts_of_return(people, back_on, stays, shares, rng):
    """The first act back, and a few more in the weeks after it."""
    times = 1 + rng.poisson(2.0, len(people))
    first = np.append(0, np.cumsum(times)[:-1])
    day = np.repeat(back_on, times) + rng.integers(1, 60, times.sum())
    day[first[: len(people)]] = back_on
    acts = pd.DataFrame(
        {
            "person": np.repeat(people, times),
            "day": np.minimum(day, np.repeat(stays, times)),
            "minute": rng.integers(540, 1200, times.sum()),
        }
    )
    acts["touch"] = choose(shares, acts["person"].to_numpy(), rng)
    return acts.assign(journey=-1, service="", off_path=False, outcome="ok", recovered=False, long_wait=False)


def _campaign():
    return pd.DataFrame(
        [
            {
                "campaign_id": CAMPAIGN,
                "purpose": "write to everybody within reach who was expected on 365 days and seen on none of them",
                "lapse_days": LAPSE_DAYS,
                "outcome_days": OUTCOME_DAYS,
                "registered_on": "2025-10-01",
            }
        ]
    )


def _contacts(roster, found, seen_before, letter, bounced, opted_out):
    contacts = pd.DataFrame(
        {
            "campaign_id": CAMPAIGN,
            "person_id": roster["person_id"].to_numpy()[found],
            "arm": np.where(letter, "letter", "holdout"),
            "probability": 0.5,
            "stratum": np.where(seen_before, "seen before", "never seen"),
            "assigned_at": f"{ASSIGNED} 09:00",
            "sent_at": np.where(letter, f"{ASSIGNED} 14:30", ""),
            "opted_out": opted_out,
            "bounced": bounced,
        }
    )
    return contacts.sort_values("person_id", ignore_index=True)
