"""Circumstances as numbers, and as strata of journeys alike."""

import numpy as np
import pandas as pd

BANDS = 5  # of an amount that is held alike and is no count


def as_numbers(rows, names):
    """Columns as numbers, headed in words: numbers and yes-or-no as they are, words as one column a value but the commonest.

    Examples
    --------
    >>> as_numbers(pd.DataFrame({"long_wait": [True, False], "mode": ["distance", "campus"]}), ["long_wait", "mode"])
       long wait  mode: distance, against campus
    0        1.0                         1.0
    1        0.0                         0.0
    """
    columns = {}
    for name in names:
        words, column = name.replace("_", " "), rows[name]
        if pd.api.types.is_numeric_dtype(column.dtype):
            columns[words] = column.astype(float)
            continue
        column = column.astype(str)
        usual = column.mode().iloc[:1].tolist()
        for value in sorted(set(column) - set(usual)):
            columns[f"{words}: {value}, against {usual[0]}"] = (column == value).astype(float)
    return pd.DataFrame(columns, index=rows.index)


def strata(rows, names):
    """Which combination of circumstances each row has, from 0; and these as numbers (n_strata, k).

    Counts are cut where they double (0, 1 to 2, 3 to 6, 7 to 14, ...), since use is skewed; other amounts into fifths.

    Examples
    --------
    >>> strata(pd.DataFrame({"acts": [0, 1, 2, 3, 6, 7, 20]}), ["acts"])[0].tolist()
    [0, 1, 1, 2, 2, 3, 4]
    """
    bands = pd.DataFrame(index=rows.index)
    for name in names:
        column = rows[name]
        if pd.api.types.is_numeric_dtype(column.dtype) and column.nunique() > BANDS:
            counts = (column >= 0).all() and (column % 1 == 0).all()
            cuts = 2.0 ** np.arange(1, 60) - 2 if counts else np.quantile(column, np.linspace(0, 1, BANDS + 1)[1:-1])
            column = pd.Series(np.searchsorted(np.unique(cuts), column), rows.index)
        bands[name] = column.astype(str)
    code = bands.groupby(list(names)).ngroup().to_numpy() if names else np.zeros(len(rows), dtype=int)
    each = bands.assign(code=code).drop_duplicates("code").sort_values("code")[list(names)]
    return code, as_numbers(each, names).to_numpy()
