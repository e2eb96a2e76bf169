"""The "we miss you" letter: where the lot falls, and who of those in it comes back."""

import numpy as np
import pandas as pd

from .coming_back import ASSIGNED, BACKGROUND, LAPSE_DAYS, OUTCOME_DAYS, acts_of_return, days_until_back, find_quiet
from .seasons import day_number

CAMPAIGN = "miss-you-2025"
LETTER_ADDS = {True: 0.07, False: 0.0}  # C14
LETTER_WORKS_WITHIN = 8.0  # mean half-time of an answer to the letter, days
OPTS_OUT, BOUNCES = 0.015, 0.012


def send_letter(roster, absences, acts, shares, planted, rng):
    """Draw lots among everybody quiet by the rule who may be written to, and let some of them come back.

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
    quiet = find_quiet(roster, absences, acts, today).query("may_write")
    found, seen_before, stays = (quiet[column].to_numpy() for column in ("person", "seen_before", "stays"))
    letter = _evenly(seen_before, rng) < 0.5
    bounced = letter & (rng.random(len(found)) < BOUNCES)
    opted_out = letter & ~bounced & (rng.random(len(found)) < OPTS_OUT)
    back_on = today + 1 + _days_until_return(seen_before, letter, planted, rng)
    returns = back_on <= stays
    kept = acts[~(acts["person"].isin(found) & (acts["day"] >= today))]
    after = acts_of_return(found[returns], back_on[returns], stays[returns], shares, rng)
    return (
        _campaign(),
        _contacts(roster, found, seen_before, letter, bounced, opted_out),
        pd.concat([kept, after], ignore_index=True),
    )


def _days_until_return(seen_before, letter, planted, rng):
    """Days from the day after the lot to the first return; the letter adds its share, soon after it."""
    background = np.where(seen_before, BACKGROUND[True], BACKGROUND[False])
    unasked = days_until_back(_evenly(2 * letter + seen_before, rng), background)
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
