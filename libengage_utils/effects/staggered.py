"""How an outcome changes with the adoption of something new that units take up at different times, or never."""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from .event_times import EventStudy, PreTrend
from .group_times import COMPARISONS, group_times, means, simultaneous, wald, withheld
from .panels import read_panel


def event_study(panel, *, unit, time, outcome, adopted, comparison="not yet", anticipation=0, weigh="times",
                percent=False, minimum_count=10, draws=2000, random_state=0):
    """How an outcome changes with adoption, by time since, over and above the change among units that have not adopted.

    Units that adopt at one time are compared with those that have not by the time looked at: their mean changes since the
    last time before adoption, which is the same for all times looked at, earlier ones too (a universal base). With changes
    from each time to the next before adoption, a steady drift would look like a kink at adoption (Roth 2024). The estimate
    is the mean over all times after adoption of all units that adopt.

    A change counts where a unit has an outcome at both times. Errors come from influence functions summed by unit: units
    are independent, the times of a unit are not. Squared deviations from a mean of n units are scaled by n / (n - 1), so
    that two times and two groups give the error of a difference of two means whose variances differ; limits are of
    Student's t with Welch's degrees of freedom. That units which adopt early and late change differently counts as chance.

    Parameters
    ----------
    panel : frame
        A row a unit and time, of any kind Narwhals supports.
    unit, time, outcome, adopted : str
        Columns, as for `read_panel`: `adopted` is the first time in the new way, missing where there is none.
    comparison : {"not yet", "never", "later"}
        Whom to compare with: all that have not adopted by then, only those that never do, or only those that do later.
    anticipation : int
        Times before adoption at which the outcome may answer to it already; changes are since the last time before them.
    weigh : {"times", "units"}
        Whether in the estimate each unit and time weighs the same, or each unit, however long it was followed.
    percent : bool
        Whether to compare logarithms of the outcome, and to give all figures in per cent.
    minimum_count : int
        Fewest units that adopt, and that are compared, behind a figure that is shown.
    draws : int
        Draws of multipliers for the band.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    EventStudy

    Raises
    ------
    ValueError
        As `read_panel`; if an option is none of those there are; or if no unit that adopts finds two to compare with.

    Notes
    -----
    The estimate is what goes with adoption. It is what adoption did only if the outcome of those that adopt would
    otherwise have changed as among the others, which nothing here can show.

    References
    ----------
    Callaway & Sant'Anna (2021), J. Econometrics 225(2), 200-230. Roth (2024), Interpreting event-studies from recent
    difference-in-differences methods, arXiv:2401.12309. Degrees of freedom: Welch (1947), Biometrika 34, 28-35.

    Examples
    --------
    >>> rows = pd.DataFrame([(n, year, [1, 4, 2][n % 3] * (year > n % 3) + year + n % 7, n % 3 + 1 if n % 3 < 2 else None)
    ...                      for n in range(60) for year in range(4)], columns=["list", "year", "opens", "since"])
    >>> result = event_study(rows, unit="list", time="year", outcome="opens", adopted="since")
    >>> result.table.set_index("event_time")["estimate"].round(1).to_dict()
    {-2: 0.0, -1: 0.0, 0: 2.5, 1: 1.5, 2: -1.0}
    """
    read = read_panel(panel, unit=unit, time=time, outcome=outcome, adopted=adopted, percent=percent)
    return _study(read, unit, outcome, comparison, anticipation, weigh, percent, minimum_count, draws, random_state)


def placebo(panel, *, unit, time, outcome, adopted, shift=1, comparison="not yet", anticipation=0, weigh="times",
            percent=False, minimum_count=10, draws=2000, random_state=0):
    """The same study as if each unit had adopted some times before it did, without what came after; near nought?

    Outcomes from adoption on, and at the `anticipation` times before it, are left out. Units that adopt after the last
    time, or never, adopt at no other time.

    Parameters
    ----------
    shift : int
        How many times earlier adoption is pretended to have come.
    panel, unit, time, outcome, adopted, comparison, anticipation, weigh, percent, minimum_count, draws, random_state
        As for `event_study`.

    Returns
    -------
    EventStudy

    Raises
    ------
    ValueError
        As `event_study`, and if `shift` is below 1.

    Examples
    --------
    >>> rows = pd.DataFrame([(n, year, 5 * (year >= 2 and n % 2) + n % 7, 2 if n % 2 else None)
    ...                      for n in range(60) for year in range(4)], columns=["list", "year", "opens", "since"])
    >>> placebo(rows, unit="list", time="year", outcome="opens", adopted="since").estimate
    0.0
    """
    if shift < 1 or anticipation < 0:
        raise ValueError("`shift` is by how many times adoption is moved ahead, 1 or more, and `anticipation` a number of "
                         f"times, 0 or more; they are {shift} and {anticipation}.")
    read = read_panel(panel, unit=unit, time=time, outcome=outcome, adopted=adopted, percent=percent)
    within = read.adopts < len(read.times)
    until = np.where(within, read.adopts - anticipation, len(read.times))
    before = np.where(np.arange(len(read.times)) < until[:, np.newaxis], read.outcome, np.nan)
    earlier = replace(read, outcome=before, adopts=np.where(within, np.maximum(until - shift, 0), read.adopts))
    result = _study(earlier, unit, outcome, comparison, 0, weigh, percent, minimum_count, draws, random_state)
    return replace(result, adoption="pretended adoption")


def _study(read, unit, outcome, comparison, anticipation, weigh, percent, minimum_count, draws, random_state):
    """An event study of a panel that is read."""
    for name, value, choices in (("comparison", comparison, COMPARISONS), ("weigh", weigh, ("times", "units"))):
        if value not in choices:
            raise ValueError(f"`{name}` is one of {', '.join(choices)}; it is {value}.")
    if anticipation not in range(len(read.times)):
        raise ValueError(f"`anticipation` is a number of times, 0 or more; it is {anticipation}.")
    cells, pairs = group_times(read, comparison, anticipation)
    base, after, events = -1 - anticipation, cells.event >= 0, np.unique(cells.event)
    of_event = cells.event == events[:, np.newaxis]
    share = np.maximum(cells.own[after].sum(axis=0), 1) if weigh == "units" else 1
    overall, _ = means(replace(cells, own=cells.own / share, gain=cells.gain / share), after[np.newaxis])
    table, influence = means(cells, of_event)
    groups, _ = means(cells, np.eye(len(after), dtype=bool))
    counts = pd.Series({**overall.loc[0, ["adopting", "compared"]], "never": read.never.sum(),
                        "from_the_start": (read.adopts <= anticipation).sum(), "silent": read.silent, **pairs,
                        "missing": read.missing}).astype(int)

    sides = cells.own, cells.other
    overall = withheld(overall, np.zeros(1), *(after[np.newaxis] @ side for side in sides), minimum_count)
    table = withheld(table, np.maximum(-events, 0), *(of_event @ side for side in sides), minimum_count)
    shown = table["estimate"].notna().to_numpy()
    place = np.searchsorted(events, cells.event)
    groups = withheld(groups, np.where(after & ~shown[place], len(events), place), *sides, minimum_count)

    level = simultaneous(influence[shown], draws, random_state)
    earlier = shown & (events < base)
    test = wald(table[earlier], influence[earlier])
    overall, table, groups = (_limits(some, level, percent) for some in (overall, table, groups))
    table.insert(0, "event_time", events)
    table["rests_on"] = table[["adopting", "compared"]].min(axis=1, skipna=False)
    apart = table[earlier].set_index("event_time")["estimate"]
    at = apart.abs().idxmax() if len(apart) else np.nan
    given = pd.DataFrame({"event_time": [base], "estimate": 0.0, "rests_on": np.inf})
    table = pd.concat([table, given]).sort_values("event_time")
    labels = {"adopted": read.times[cells.cohort], "time": read.times[cells.time], "event_time": cells.event}
    groups = pd.concat([pd.DataFrame(labels), groups.drop(columns=["band_low", "band_high"])], axis=1)
    return EventStudy(*overall.loc[0, ["estimate", "low", "high", "error"]].tolist(),
                      table.drop(columns="error").reset_index(drop=True), groups.drop(columns="error"),
                      PreTrend(*test, float(apart.get(at, np.nan)), at), counts, outcome.replace("_", " "),
                      COMPARISONS[comparison], percent, units=f"{unit}s")


def _limits(figures, level, percent):
    """Means with a pointwise 95% interval and a band at this level of either tail, in per cent if they are of logarithms."""
    estimate, error, df = (figures[name] for name in ("estimate", "error", "df"))
    pointwise, band = (stats.t.isf(tail, df) * error for tail in (0.025, level))
    figures = pd.DataFrame({"estimate": estimate, "low": estimate - pointwise, "high": estimate + pointwise,
                            "band_low": estimate - band, "band_high": estimate + band, "error": error,
                            "adopting": figures["adopting"], "compared": figures["compared"]})
    if percent:
        figures["error"] *= 100 * np.exp(estimate)
        figures.loc[:, "estimate":"band_high"] = 100 * np.expm1(figures.loc[:, "estimate":"band_high"])
    return figures
