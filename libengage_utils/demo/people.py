"""The roster of the synthetic library, and what only its maker knows: who uses it, and with what temper."""

import numpy as np
import pandas as pd

from .seasons import DAYS, FIRST_DAY, LAST_DAY, day_number

# group: cohorts entering each September, years they stay, share of the roster in each cohort
STUDENTS = {
    "undergraduate": (range(2021, 2026), 3, 0.102),
    "taught postgraduate": (range(2023, 2026), 1, 0.055),
    "research student": (range(2020, 2026), 4, 0.014),
}
GROUPS = (*STUDENTS, "staff")
LEVELS = {"undergraduate": "bachelor's", "taught postgraduate": "master's", "research student": "doctorate"}
SCHOOLS = {
    "Arts and Humanities": 0.19,
    "Business": 0.2,
    "Engineering": 0.15,
    "Health": 0.18,
    "Law": 0.08,
    "Science": 0.2,
}
SITES = {"Main": 0.6, "Harbour": 0.2, "Hill": 0.16, "Partner college": 0.04}
MODES = {
    "undergraduate": {"full-time": 0.76, "part-time": 0.1, "distance": 0.14},
    "taught postgraduate": {"full-time": 0.5, "part-time": 0.22, "distance": 0.28},
    "research student": {"full-time": 0.76, "part-time": 0.24},
    "staff": {"full-time": 0.74, "part-time": 0.26},
}
UNSEEN_SITE = "Partner college"

# Log odds of never using the library in a way that leaves a trace, when circumstances matter (C12)
NEVER = {
    "mode": {"full-time": 0, "part-time": 1.1, "distance": 2},
    "home_site": {"Hill": 0.8, "Harbour": 0.2},
    "group": {"undergraduate": -2.5, "taught postgraduate": -2.6, "research student": -3, "staff": -1.2},
}
NEVER_EVENLY = 0.22
INVISIBLE = 0.3  # of those never seen, the share who use the library through systems without a login

SPREAD = 1.3  # standard deviation of the logarithm of drive: heavy tails
PULL_OF_GROUP = {"undergraduate": 0, "taught postgraduate": 0.25, "research student": 0.3, "staff": -0.5}
PULL_OF_SCHOOL = {"Arts and Humanities": 0.25, "Law": 0.3, "Engineering": -0.25}
STOPS_A_YEAR = 0.28  # hazard of losing touch for good
SEGMENT_SHARES = {"deep readers": 0.45, "drop-ins": 0.37, "residents": 0.18}


def make_roster(people, rng):
    """Draw the roster, one row for everybody eligible at some time in the three years.

    Parameters
    ----------
    people : int
        How many people.
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        The schema's table of people, with ``person_id`` for its key.
    """
    cohorts = [
        (group, year, stay, share) for group, (years, stay, share) in STUDENTS.items() for year in years
    ]
    cohorts.append(("staff", 0, 0, 1 - sum(share for *_, share in cohorts)))
    drawn = rng.choice(len(cohorts), people, p=[share for *_, share in cohorts])
    group, entry, stay = (np.array([cohort[k] for cohort in cohorts])[drawn] for k in range(3))
    starts, ends = _eligibility(group, entry, stay, rng)
    roster = pd.DataFrame(
        {
            "person_id": [f"u{number:06d}" for number in range(1, people + 1)],
            "eligible_from": starts,
            "eligible_to": ends,
            "group": group,
            "school": _draw(SCHOOLS, people, rng),
            "level": _level(group, rng),
            "mode": _mode(group, rng),
            "home_site": _draw(SITES, people, rng),
            "contactable": rng.random(people) < 0.965,
            "contact_opt_out": rng.random(people) < 0.025,
            "analytics_opt_out": rng.random(people) < 0.008,
        }
    )
    return roster


def _draw(shares, size, rng):
    return rng.choice(list(shares), size, p=list(shares.values()))


def _mode(group, rng):
    mode = np.empty(len(group), dtype=object)
    for name, shares in MODES.items():
        mode[group == name] = _draw(shares, (group == name).sum(), rng)
    return mode


def _level(group, rng):
    staff = np.where(rng.random(len(group)) < 0.45, "academic staff", "professional staff")
    return [LEVELS.get(name, other) for name, other in zip(group, staff, strict=True)]


def _eligibility(group, entry, stay, rng):
    """Students stay from a September to an August; some start in January, leave early, or are staff."""
    september = np.array([f"{max(year, 1970)}-09-01" for year in entry], "datetime64[D]")
    january = (group == "taught postgraduate") & (rng.random(len(group)) < 0.12)
    starts = september + np.where(january, 136, 0)
    ends = np.array(
        [f"{max(year + years, 1970)}-08-31" for year, years in zip(entry, stay, strict=True)], "datetime64[D]"
    )
    leaves_early = rng.random(len(group)) < 0.05
    length = (ends - starts).astype(int)
    ends = np.where(leaves_early, starts + (length * rng.uniform(0.1, 0.9, len(group))).astype(int), ends)
    staff = group == "staff"
    joined = np.where(
        rng.random(len(group)) < 0.66, rng.integers(-3500, 0, len(group)), rng.integers(0, 1000, len(group))
    )
    starts = np.where(staff, FIRST_DAY + joined, starts)
    gone = np.maximum(starts, FIRST_DAY) + rng.integers(120, 1000, len(group))
    ends = np.where(staff, gone, ends)
    open_ended = staff & ((rng.random(len(group)) > 0.2) | (gone > LAST_DAY))
    before = ends < FIRST_DAY  # left early, before the study: they leave during its first weeks
    ends = np.where(before & ~staff, FIRST_DAY + rng.integers(10, 200, len(group)), ends)
    return starts, np.where(open_ended, np.datetime64("NaT"), ends)


def make_traits(roster, planted, rng):
    """Draw what no table shows: kind of user, drive, warmth, voice, habit, segment, window of use.

    Drive is how much a person uses the library, warmth how the library makes them feel, voice how readily
    they take part. They correlate at .25, or at .9 when one trait is to drive all three (C04 false).

    Returns
    -------
    pandas.DataFrame
        One row a person, in the roster's order: kind, drive, warmth, voice, habit, segment, first and last
        (the day numbers between which the person may be active), rate (visits on an ordinary teaching day).
    """
    people = len(roster)
    correlation = 0.25 if planted["C04"] else 0.9
    covariance = np.full((3, 3), correlation) + (1 - correlation) * np.eye(3)
    drive, warmth, voice = np.clip(rng.multivariate_normal(np.zeros(3), covariance, people), -3, 3).T
    traits = pd.DataFrame(
        {
            "kind": _kind(roster, planted, rng),
            "drive": drive,
            "warmth": warmth,
            "voice": voice,
            "habit": rng.standard_normal(people),
            "segment": _draw(SEGMENT_SHARES, people, rng),
            "first": day_number(roster["eligible_from"]),
            "last": day_number(roster["eligible_to"]),
        }
    )
    loses_touch = traits["first"] + rng.exponential(len(DAYS) / 3 / STOPS_A_YEAR, people)
    if not planted["segments"]:
        traits["last"] = np.minimum(traits["last"], loses_touch).astype(int)
    traits["rate"] = _rate(roster, traits, planted)
    return traits


def _kind(roster, planted, rng):
    """Sort people: seen, never used, invisible (used without a login), unknown (no source covers them)."""
    odds = sum(roster[column].map(logits).fillna(0).astype(float) for column, logits in NEVER.items())
    chance = 1 / (1 + np.exp(-odds)) if planted["C12"] else NEVER_EVENLY
    never = rng.random(len(roster)) < chance
    invisible = rng.random(len(roster)) < INVISIBLE
    unknown = roster["home_site"] == UNSEEN_SITE
    return np.select([unknown, never & invisible, never], ["unknown", "invisible", "never used"], "seen")


def _rate(roster, traits, planted):
    """Visits on an ordinary teaching day: log-normal over people, or nearly the same for all (C02 false)."""
    mean = 0.056
    if planted["segments"]:
        visits = {"deep readers": 0.03, "drop-ins": 0.09, "residents": 0.16}
        return traits["segment"].map(visits).astype(float) * np.exp(0.1 * traits["drive"])
    if not planted["C02"]:
        return np.full(len(roster), mean * 1.3)
    pull = roster["group"].map(PULL_OF_GROUP).astype(float)
    pull += roster["school"].map(PULL_OF_SCHOOL).fillna(0).astype(float)
    return mean * np.exp(pull + SPREAD * traits["drive"] - SPREAD**2 / 2)
