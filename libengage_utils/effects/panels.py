"""Panels of units that take up something new, each at its own time or never, read and checked as arrays."""

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Panel:
    """Outcomes by unit and time, units in the order of their names; made by `read_panel`.

    Attributes
    ----------
    times : pandas.Index of shape (n_times,)
        All times, in order.
    outcome : array of shape (n_units, n_times)
        Missing where a unit has none; logarithms, if figures are to be in per cent.
    adopts : array of shape (n_units,)
        Place in `times` of the first one in the new way; `n_times` for units that adopt later still, `n_times + 1` for
        those that never do.
    silent : int
        Units without any outcome, which are left out.
    missing : int
        Rows without an outcome, those of such units among them.
    """

    times: pd.Index
    outcome: np.ndarray
    adopts: np.ndarray
    silent: int
    missing: int

    @property
    def never(self):
        """Which units never adopt."""
        return self.adopts > len(self.times)

    @property
    def new(self):
        """Which units have adopted, by time (n_units, n_times)."""
        return self.adopts[:, np.newaxis] <= np.arange(len(self.times))


def read_panel(panel, *, unit, time, outcome, adopted, percent=False):
    """Read a long frame, a row a unit and time.

    Parameters
    ----------
    panel : frame
        Of any kind Narwhals supports.
    unit, time, outcome, adopted : str
        Columns: who; when (anything that can be sorted); how much (numbers, missing where not known); and since when in
        the new way, the same in all rows of a unit, missing where never. A unit that adopts between two times has adopted
        at the later one.
    percent : bool
        Whether to take logarithms of the outcome.

    Returns
    -------
    Panel

    Raises
    ------
    ValueError
        If a column is missing, or has no fit values; if there are two rows of a unit and time, or two times of adoption; if
        there is one unit or one time only; if nobody adopts, or everybody has from the start; or if all adopt at once.

    Examples
    --------
    >>> rows = pd.DataFrame({"list": ["a", "a", "b", "b"], "year": [1, 2, 1, 2], "opens": [3, 5, 4, 4],
    ...                      "since": [2, 2, None, None]})
    >>> read = read_panel(rows, unit="list", time="year", outcome="opens", adopted="since")
    >>> read.outcome.tolist(), read.adopts.tolist(), read.never.tolist()
    ([[3.0, 5.0], [4.0, 4.0]], [1, 3], [False, True])
    """
    frame, names = nw.from_native(panel), [unit, time, outcome, adopted]
    if absent := [name for name in names if name not in frame.collect_schema()]:
        raise ValueError(f"The panel has no column {' and no column '.join(absent)}: name the columns there are.")
    rows = frame.select(names).lazy().collect().to_pandas().set_axis(["unit", "time", "outcome", "adopted"], axis=1)
    _check_rows(rows, outcome)
    amount = rows["outcome"].to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(amount).any() or np.isinf(amount).any():
        raise ValueError(f"Of {len(rows):,} values of {outcome}, {np.isfinite(amount).sum():,} are numbers: give finite "
                         "numbers, missing where not known.")
    if percent:
        if low := int((amount <= 0).sum()):
            raise ValueError(f"{low:,} of {len(rows):,} values of {outcome} are 0 or below, and no per cent can be taken of "
                             "them: sum over longer times, or leave `percent` out.")
        amount = np.log(amount)
    codes, units = pd.factorize(rows["unit"], sort=True)
    times = pd.Index(rows["time"].unique()).sort_values()
    table = np.full((len(units), len(times)), np.nan)
    table[codes, times.get_indexer(rows["time"])] = amount
    adopts = _adopts(rows["adopted"].groupby(codes).first(), times)
    told = np.isfinite(table).any(axis=1)
    read = Panel(times, table[told], adopts[told], int((~told).sum()), int(np.isnan(amount).sum()))
    _check_panel(read)
    return read


def _check_rows(rows, outcome):
    """Refuse rows that make no panel."""
    for name in ("unit", "time"):
        if missing := int(rows[name].isna().sum()):
            raise ValueError(f"{missing:,} of {len(rows):,} rows have no {name}: leave them out, or say which it is.")
    if twice := int(rows.duplicated(["unit", "time"]).sum()):
        raise ValueError(f"{twice:,} rows are of a unit and time that have one already: sum or average them first.")
    if not pd.api.types.is_numeric_dtype(rows["outcome"].dtype):
        raise ValueError(f"The outcome {outcome} is no number: make it one, missing where not known.")
    since = rows.groupby("unit")["adopted"].nunique(dropna=False)
    if varying := int((since > 1).sum()):
        raise ValueError(f"{varying:,} of {len(since):,} units have more than one time of adoption: give each unit the "
                         "first time of the new way in all its rows, missing in all of them where there is none.")


def _adopts(adopted, times):
    """Place of the first time on or after adoption; past the end where there is none."""
    known = adopted.notna().to_numpy()
    adopts = np.full(len(adopted), len(times) + 1)
    if known.any():
        try:
            adopts[known] = times.searchsorted(adopted[known].array)
        except (TypeError, ValueError, KeyError):
            raise ValueError("Times of adoption cannot be put in order with the times of the panel: give both in the same "
                             "kind, such as numbers, dates or names of terms.") from None
    return adopts


def _check_panel(panel):
    """Refuse panels in which nothing can be compared."""
    units, times = panel.outcome.shape
    if units < 2:
        raise ValueError("The panel holds one unit with an outcome: give the rows of units to compare it with, too.")
    if times < 2:
        raise ValueError("The panel holds one time: give times before and after adoption.")
    starts = np.unique(panel.adopts)
    if starts[-1] == 0:
        raise ValueError(f"All {units:,} units have adopted at the first time, so that nothing is known from before: give "
                         "earlier times, or units that adopt later.")
    if not ((starts > 0) & (starts < times)).any():
        raise ValueError("No unit adopts after the first time and by the last: give the time of adoption of each unit that "
                         "does, and times before and after it.")
    if len(starts[starts > 0]) == 1:
        raise ValueError("All units adopt at the same time, or have from the start, and none never does: nobody is left to "
                         "compare with. Give units that adopt later or never.")
