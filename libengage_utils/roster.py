"""The roster as computations use it: in the order of keys, eligibility as day numbers."""

import narwhals as nw
import numpy as np
import pandas as pd

EVER = 10**7  # days from 1970 to a bound that is not given


def roster_by_key(people, *columns, coverage=None):
    """These columns of the roster, and those that blind spots of the coverage name, as pandas in the order of person_key.

    People are eligible from `begin` to `end` (day numbers).
    """
    people = nw.from_native(people)
    spots = "" if coverage is None else ";".join(coverage["blind_spots"])
    wanted = {"person_key", "eligible_from", "eligible_to", *columns,
              *(spot.partition("=")[0].strip() for spot in spots.split(";"))}
    kept = [nw.col(name).cast(nw.Datetime) if kind == nw.Date else nw.col(name)      # dates become objects in pandas
            for name, kind in people.collect_schema().items() if name in wanted]
    roster = people.select(kept).lazy().collect().sort("person_key").to_pandas().reset_index(drop=True)
    for bound, name, ever in (("begin", "eligible_from", -EVER), ("end", "eligible_to", EVER)):
        roster[bound] = day_numbers(roster.pop(name), ever) if name in roster else ever
    return roster


def day_numbers(dates, missing=0):
    """Dates as whole days since 1970-01-01.

    Examples
    --------
    >>> day_numbers(["1970-01-02", None], missing=-1).tolist()
    [1, -1]
    """
    dates = pd.to_datetime(pd.Series(dates))
    return np.where(dates.isna(), missing, dates.to_numpy("datetime64[D]").astype(int))
