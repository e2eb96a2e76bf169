"""Who is quiet by the rule, and how many of them come back unasked: on the day of the lot, and a year before it."""

import numpy as np
import pandas as pd

from .people import UNSEEN_SITE
from .seasons import DAYS, day_number, holidays
from .services import choose

A_YEAR_BEFORE, ASSIGNED = "2024-10-20", "2025-10-20"
LAPSE_DAYS, OUTCOME_DAYS = 365, 90
BACKGROUND = {True: 0.1, False: 0.06}  # come back unasked within the outcome window: seen before, never seen


def let_come_back(roster, absences, acts, shares, rng):
    """Let the share in BACKGROUND come back of everybody quiet on either day, written to or not.

    Some come back by themselves; acts are added for as many of the others as the share takes. The earlier day
    goes first: who came back after it is quiet on the later one only after another year of expected days.

    Returns
    -------
    acts : pandas.DataFrame
        The acts there were, and those added.
    """
    for on, stream in zip((A_YEAR_BEFORE, ASSIGNED), rng.spawn(2), strict=True):
        today = int(day_number([on])[0])
        back = _coming_back(find_quiet(roster, absences, acts, today), acts, today, stream)
        added = acts_of_return(*(back[column].to_numpy() for column in ("person", "back_on", "stays")), shares, stream)
        acts = pd.concat([acts, added], ignore_index=True)
    return acts


def find_quiet(roster, absences, acts, today):
    """Find everybody silent for a year of expected days who is present and stays for the window.

    Nobody is expected in holidays, while absent, before being eligible, or where no source sees them.

    Returns
    -------
    pandas.DataFrame
        A row a person: person (row of the roster), seen_before, may_write, stays (the last day, as a number).
    """
    last_seen = acts[acts["day"] < today].groupby("person")["day"].max().reindex(range(len(roster)))
    there = np.ones((len(roster), len(DAYS)), dtype=bool)
    places = pd.Index(roster["person_id"]).get_indexer(absences["person_id"])
    for person, left, back in zip(places, day_number(absences["from"]), day_number(absences["to"]), strict=True):
        there[person, left : back + 1] = False
    holiday = np.any([(first <= DAYS) & (last >= DAYS) for first, last in holidays()], axis=0)
    since = np.maximum(last_seen.fillna(-1) + 1, day_number(roster["eligible_from"])).to_numpy()
    day = np.arange(len(DAYS))
    silent = (there & ~holiday & (day >= since[:, None]) & (day < today)).sum(axis=1) >= LAPSE_DAYS
    stays = day_number(roster["eligible_to"])
    covered = roster["home_site"] != UNSEEN_SITE
    may_write = roster["contactable"] & ~roster["contact_opt_out"] & ~roster["analytics_opt_out"]
    everybody = pd.DataFrame(
        {"person": roster.index, "seen_before": last_seen.notna(), "may_write": may_write, "stays": stays}
    )
    return everybody[silent & there[:, today] & covered & (stays >= today + OUTCOME_DAYS)].reset_index(drop=True)


def days_until_back(draws, share):
    """Days until somebody returns at the constant hazard that brings a share back within the outcome window."""
    return OUTCOME_DAYS * np.log1p(-draws) / np.log1p(-share)


def acts_of_return(people, back_on, stays, shares, rng):
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


def _coming_back(quiet, acts, today, rng):
    """Choose, of those quiet who stay away by themselves, as many as BACKGROUND lacks, and the days they come back."""
    window = acts["day"].between(today + 1, today + OUTCOME_DAYS)
    by_themselves = quiet["person"].isin(acts.loc[window, "person"])
    chosen = []
    for (seen_before, _), stratum in quiet.groupby(["seen_before", "may_write"]):
        share, away = BACKGROUND[seen_before], stratum[~by_themselves[stratum.index]]
        lacking = max(0, round(share * len(stratum)) - len(stratum) + len(away))
        evenly = share * (np.arange(lacking) + 0.5) / lacking
        back_on = today + 1 + days_until_back(evenly, share).astype(int)
        chosen.append(away.sample(lacking, random_state=rng).assign(back_on=back_on))
    return pd.concat(chosen) if chosen else quiet.assign(back_on=today)
