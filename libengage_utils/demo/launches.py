"""New services launched inside the three years, the uptake forecast for them and the uptake they had."""

import numpy as np
import pandas as pd

from .seasons import DAYS, day_number

FALLS_SHORT = {True: 0.45, False: 1.04}  # true uptake as a share of the forecast (C01)
NO_FORECAST_BY = 180  # days within which the service without a forecast finds its users
USES_AGAIN = 1.2


def launch(roster, acts, library, planted, rng):
    """Let people take up each launched service during visits they make anyway.

    Of everybody eligible on the day of launch, the planted share makes its first use within the days of the
    forecast; users come back to it a few times, at later visits. As large a share of those who become
    eligible later takes it up.

    Returns
    -------
    forecasts : pandas.DataFrame
        The schema's table; a service launched without a forecast has empty cells.
    uptake : pandas.DataFrame
        The acts at the new services, their endings still open.
    """
    added = [
        _uptake(roster, acts, library["code"][service], plan, planted, stream)
        for (service, plan), stream in zip(
            library["launches"].items(), rng.spawn(len(library["launches"])), strict=True
        )
    ]
    forecasts = pd.DataFrame(
        [
            {"service": service}
            | {key: plan.get(key) for key in ("launched_on", "expected_share", "by_day", "recorded_on")}
            for service, plan in library["launches"].items()
        ]
    ).astype({"by_day": "Int64"})
    return forecasts, pd.concat(added, ignore_index=True)


def _uptake(roster, acts, code, plan, planted, rng):
    start = int(day_number([plan["launched_on"]])[0])
    by = plan.get("by_day", NO_FORECAST_BY)
    share = plan["share"] * (FALLS_SHORT[planted["C01"]] if "expected_share" in plan else 1)
    joins, leaves = day_number(roster["eligible_from"]), day_number(roster["eligible_to"])
    chances = acts[(acts["day"] >= start) & (acts["journey"] < 0)]
    chances = chances.sample(frac=1, random_state=rng)[["person", "day", "minute"]]
    there = (joins <= start) & (leaves >= start)
    soon = chances[there[chances["person"]] & (chances["day"] < start + by)].drop_duplicates("person")
    first = soon.head(round(share * there.sum()))
    later = chances[(joins > start)[chances["person"]] & (chances["day"] <= joins[chances["person"]] + by)]
    later = later.drop_duplicates("person")
    newcomers = ((joins > start) & (joins < len(DAYS) - 1)).sum()
    first = pd.concat([first, later.head(round(share * newcomers))])
    began = first.set_index("person")["day"]
    again = chances[chances["day"] > chances["person"].map(began).fillna(np.inf)]
    again = again.groupby("person").head(3).sample(frac=USES_AGAIN / 3, random_state=rng)
    uses = pd.concat([first, again], ignore_index=True)
    uses["minute"] = np.minimum(uses["minute"] + rng.integers(2, 15, len(uses)), 1439)
    return uses.assign(touch=code, journey=-1, service="", off_path=False)
