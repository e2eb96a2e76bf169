"""Students on placement: away for most of an academic year, and not seen in it."""

import numpy as np
import pandas as pd

from .forms import term_of
from .seasons import FIRST_DAY, PERIODS, day_number

PLACED = 80 / 6000  # of the roster
AWAY = "09-01", "05-31"  # from September to May


def make_placements(roster, rng):
    """Send some full-time students of a bachelor's degree, beyond their first year, on placement for a year.

    Returns
    -------
    pandas.DataFrame
        The schema's table of absences, with person_id for the key.
    """
    first_year = FIRST_DAY.item().year
    year = first_year + rng.integers(0, len(PERIODS), len(roster))
    left, back = ([f"{day}-{month_day}" for day in days] for days, month_day in zip((year, year + 1), AWAY, strict=True))
    placements = pd.DataFrame({"person_id": roster["person_id"], "from": left, "to": back, "reason": "placement"})
    may_go = (
        (roster["level"] == "bachelor's")
        & (roster["mode"] == "full-time")
        & (pd.to_datetime(roster["eligible_from"]) < pd.to_datetime(placements["from"]))
        & (day_number(roster["eligible_to"]) >= day_number(placements["to"]))
    )
    places = min(round(PLACED * len(roster)), int(may_go.sum()))
    return placements.loc[np.sort(rng.choice(np.flatnonzero(may_go), places, replace=False))].reset_index(drop=True)


def leave_out_the_absent(roster, absences, acts, moods):
    """Take away the acts of people while they are absent, with the whole of an errand that reaches into that time.

    Moods of a term are counted anew over the acts that remain, and go where none do.

    Returns
    -------
    acts, moods : pandas.DataFrame
    """
    first, last = np.full(len(roster), 10**6), np.full(len(roster), -1)
    places = pd.Index(roster["person_id"]).get_indexer(absences["person_id"])
    first[places], last[places] = day_number(absences["from"]), day_number(absences["to"])
    person, day = acts["person"].to_numpy(), acts["day"].to_numpy()
    away = (day >= first[person]) & (day <= last[person])
    away |= (acts["journey"] >= 0) & acts["journey"].isin(acts.loc[away, "journey"])
    touched = acts[away].groupby(["person", term_of(day[away])]).size().index
    acts = acts[~away].reset_index(drop=True)
    left = acts.groupby(["person", term_of(acts["day"])]).size()
    at = pd.MultiIndex.from_frame(moods[["person", "term"]])
    remain = np.where(at.isin(touched), left.reindex(at, fill_value=0), moods["acts"])
    return acts, moods.assign(acts=remain)[remain > 0].reset_index(drop=True)
