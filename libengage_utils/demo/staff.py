"""Where staff time went, day by day and service by service, with no staff identity."""

import numpy as np
import pandas as pd

MINUTES = {  # for each act of a person
    "enquiry desk": 11,
    "chat": 14,
    "librarian appointment": 55,
    "inter-library loan": 22,
    "scan on demand": 12,
    "special collections": 35,
    "purchase suggestion": 18,
    "podcast studio": 20,
    "workshop": 25,
}
UPKEEP = {"collections work": 1500, "website and systems": 900}  # minutes a week


def staff_time(log, roster, rng):
    """Give the minutes each service took each day, from the acts it answers; of workshops, also for which kind of member.

    Parameters
    ----------
    log : pandas.DataFrame
        The sound events.
    roster : pandas.DataFrame
        From `make_roster`.
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        The schema's table of staff time.
    """
    acts = log[log["touchpoint"].isin(MINUTES) & (log["initiated_by"] == "person")]
    kind = acts["person_id"].map(roster.set_index("person_id")["group"]).where(acts["touchpoint"] == "workshop")
    days = (
        acts.assign(on=acts["occurred_at"].str[:10], group=kind.fillna(""))
        .groupby(["on", "touchpoint", "event_type", "group"])
        .size()
        .rename("acts")
        .reset_index()
    )
    spread = np.exp(0.2 * rng.standard_normal(len(days)) - 0.02)
    days["minutes"] = 5 * np.maximum(1, np.round(days["touchpoint"].map(MINUTES) * days["acts"] * spread / 5))
    days["attendees"] = days["acts"].where(days["touchpoint"] == "workshop")
    weeks = pd.date_range("2023-09-04", "2026-08-31", freq="7D").strftime("%Y-%m-%d")
    upkeep = pd.concat(
        [
            pd.DataFrame(
                {
                    "on": weeks,
                    "touchpoint": service,
                    "minutes": 5 * np.round(minutes * np.exp(0.15 * rng.standard_normal(len(weeks))) / 5),
                }
            )
            for service, minutes in UPKEEP.items()
        ]
    )
    rows = pd.concat([days, upkeep]).rename(columns={"touchpoint": "service"})
    rows = rows.sort_values(["on", "service"], kind="stable", ignore_index=True).astype(
        {"attendees": "Int64", "minutes": int}
    )
    rows["activity_id"] = [f"s{number:05d}" for number in range(1, len(rows) + 1)]
    return rows[["activity_id", "on", "service", "minutes", "attendees", "event_type", "group"]]
