"""People as computations use them: a roster in the order of keys with day numbers, and where keys stand among others."""

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

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


def places(keys, among):
    """Where each of the keys (Series, Index or array) stands first among others; -1 where it does not (ndarray).

    By Arrow: an Index that is searched holds all keys as objects, which of millions of texts takes much memory.

    Examples
    --------
    >>> places(pd.Series(["bob", "eve"]), among=pd.Index(["ann", "bob"])).tolist()
    [1, -1]
    """
    keys, among = (pa.array(pd.array(part)) for part in (keys, among))
    if pa.types.is_null(keys.type) or pa.types.is_null(among.type):  # nobody is known
        return np.full(len(keys), -1)
    return pc.index_in(keys, among.cast(keys.type)).fill_null(-1).to_numpy().astype(int)


def numbered(members, *others):
    """People of other tables (Series of keys) by number: members in their order, then others as they come.

    A row without a key is a person of its own, numbered after those with one.

    Returns
    -------
    numbers : list of ndarray
        One a table.
    named, everybody : int
        How many people have a key, and how many there are.

    Examples
    --------
    >>> numbered(pd.Series(["ann", "bob"]), pd.Series(["bob", "eve"]), pd.Series(["eve", None, None]))
    ([array([1, 2]), array([2, 3, 4])], 3, 5)
    """
    number = np.concatenate([places(keys, among=members) for keys in others])
    codes = pd.factorize(pd.concat(others)[number < 0])[0]
    named = len(members) + int(codes.max(initial=-1)) + 1
    unnamed = codes < 0
    number[number < 0] = np.where(unnamed, named + np.cumsum(unnamed) - 1, len(members) + codes)
    return np.split(number, np.cumsum([len(keys) for keys in others[:-1]])), named, named + int(unnamed.sum())
