"""How often reading lists are opened by how they were made: told, asked, or made together with students."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..privacy import about, suppress
from ..resampling import over_samples, people_drawn, sums_by_person, told
from .panel import RUNGS


@dataclass(frozen=True)
class RungUse:
    """Openings by rung of participation; made by `use_by_rung`.

    Attributes
    ----------
    table : DataFrame
        A row a rung that has lists: label, estimate (openings per student and week), low, high (95%), lists, modules;
        rests_on, the modules, each of which is of one teacher or more. Missing where withheld.
    ratio, low, high : float
        Openings per student and week of lists made together with students, over those of others, with its 95% interval.
        Missing where too few modules are behind either, or it would give a withheld rung away.
    lists, modules : int
        Lists and modules behind it all.
    """

    table: pd.DataFrame = field(repr=False)
    ratio: float
    low: float
    high: float
    lists: int
    modules: int

    @property
    def headline(self):
        """Lists made together with students against others, in a sentence."""
        if np.isnan(self.ratio):
            return "Too few modules make lists together with students, or too few do not, for the two to be compared."
        return more_or_less("lists made together with students", "others", self.ratio, self.low, self.high)

    @property
    def summary(self):
        """The openings of each rung, and what they do not tell, in sentences."""
        shown, hidden = (self.table[self.table["estimate"].isna() == gone] for gone in (False, True))
        rates = "; ".join(f"{row.label} {row.estimate:.2f} (95% interval {row.low:.2f} to {row.high:.2f})"
                          for row in shown.itertuples())
        withheld = f" Withheld, since too few modules are behind them: {', '.join(hidden['label'])}." if len(hidden) else ""
        return (f"{self.headline} Openings per student and week by rung: {rates or 'none that may be shown'}; from "
                f"{about(self.lists)} lists of {about(self.modules)} modules.{withheld} Modules choose how their lists are "
                "made, so that whatever else they differ in is in these figures too.")


def use_by_rung(panel, *, draws=1000, minimum_count=10, random_state=0):
    """Openings per student and week of lists on each rung of participation.

    Sums of openings over sums of student-weeks, so that large modules weigh as their students do. Intervals are from
    samples of modules, since the lists of one are alike. A module whose lists are on two rungs counts on both.

    Parameters
    ----------
    panel : DataFrame
        As in `ListPanel.panel`.
    draws, random_state
        Samples of modules, seed.
    minimum_count : int
        Fewest modules behind a rung, since a module is one teacher. A rung withheld takes others with it, the smallest
        first, until they have as many modules between them.

    Returns
    -------
    RungUse

    Raises
    ------
    ValueError
        If no list has a participation, or `minimum_count` is below 5.

    References
    ----------
    Cochran (1977), Sampling Techniques, ch. 6. Arnstein (1969), J. Am. Inst. Planners 35(4), 216-224.

    Examples
    --------
    >>> panel = pd.DataFrame({"module": range(40), "term": "autumn", "opens": [10] * 20 + [30] * 20, "student_weeks": 100,
    ...                       "participation": ["informed"] * 20 + ["partnered"] * 20, "cocreated": [0] * 20 + [1] * 20})
    >>> use = use_by_rung(panel)
    >>> use.table[["label", "estimate", "modules"]].values.tolist(), round(use.ratio, 2)
    ([['informed', 0.1, 20.0], ['partnered', 0.3, 20.0]], 3.0)
    """
    rows = panel.dropna(subset=["participation", "cocreated"])
    if rows.empty:
        raise ValueError(f"None of {len(panel):,} lists has a participation: there is nothing to compare.")
    rows = rows.sort_values(["module", "term"])
    module, names = pd.factorize(rows["module"], sort=True)
    rung, together = rows["participation"].map(RUNGS.index).to_numpy(dtype=int), rows["cocreated"].to_numpy(dtype=int)
    lists = sums_by_person(module, rung, np.ones(len(rows)), len(RUNGS)).toarray()
    shown, modules = _shown(lists > 0, minimum_count), (lists > 0).sum(axis=0)
    times = list(people_drawn(len(names), draws, random_state))
    by_rung, by_side = (_rates(rows, module, cell, cells, times) for cell, cells in ((rung, len(RUNGS)), (together, 2)))
    table = pd.DataFrame([
        (name, *(told(by_rung[:, at], modules[at]) if shown[at] else [np.nan] * 3),
         *np.where(shown[at], [lists[:, at].sum(), modules[at], modules[at]], np.nan))
        for at, name in enumerate(RUNGS) if modules[at]],
        columns=["label", "estimate", "low", "high", "lists", "modules", "rests_on"])
    ratio = [np.nan] * 3
    if _sides_may_be_shown(module, together, ~shown[rung], minimum_count):
        ratio = told(by_side[:, 1] / by_side[:, 0], len(names))
    return RungUse(table, *map(float, ratio), len(rows), len(names))


def more_or_less(these, those, ratio, low, high, *, alike=""):
    """A ratio of openings with its 95% interval in a sentence, that asserts a difference only if the interval does.

    Examples
    --------
    >>> more_or_less("lists with notes", "lists without", 1.28, 1.15, 1.43)
    'Lists with notes are opened 28% more (95% interval 15% to 43%) than lists without.'
    >>> more_or_less("lists with notes", "lists without", 0.8, 0.7, 0.9, alike="length alike")
    'Lists with notes are opened 20% less (95% interval 10% to 30%) than lists without, length alike.'
    >>> more_or_less("long lists", "short ones", 1.05, 0.9, 1.2)
    'It cannot be told whether long lists are opened more or less than short ones (95% interval 10% less to 20% more).'
    """
    alike = f", {alike}" if alike else ""
    if low <= 1 <= high:
        limits = " to ".join(f"{_percent(limit)} {'more' if limit >= 1 else 'less'}" for limit in (low, high))
        return f"It cannot be told whether {these} are opened more or less than {those}{alike} (95% interval {limits})."
    way, nearer, further = ("more", low, high) if low > 1 else ("less", high, low)
    return (f"{these[0].upper()}{these[1:]} are opened {_percent(ratio)} {way} (95% interval {_percent(nearer)} to "
            f"{_percent(further)}) than {those}{alike}.")


def _percent(ratio):
    """How far a ratio is from 1, in percent; with a decimal where it would else be rounded to none."""
    away = 100 * abs(ratio - 1)
    return f"{away:.{0 if away >= 0.5 or not away else 1}f}%"


def _rates(rows, module, cell, cells, times):
    """Openings per student and week of each cell over samples of modules: (1 + draws, cells)."""
    opens, exposure = (over_samples(times, sums_by_person(module, cell, rows[name], cells))
                       for name in ("opens", "student_weeks"))
    with np.errstate(invalid="ignore"):
        return opens / exposure


def _shown(there, minimum_count):
    """Rungs that may be shown, so that totals give nothing away; `there` (n_modules, n_rungs) says who has lists where."""
    modules = pd.Series(there.sum(axis=0))
    shown = suppress(modules, minimum_count, impossible=modules == 0).notna().to_numpy() & (modules > 0).to_numpy()
    while shown.any() and 0 < there[:, ~shown].any(axis=1).sum() < minimum_count:
        shown[modules.where(shown).idxmin()] = False
    return shown


def _sides_may_be_shown(module, together, hidden, minimum_count):
    """Whether modules made together, and others, are enough, and so are on either side those that are withheld."""
    for side in (together == 0, together == 1):
        behind, apart = len(set(module[side])), len(set(module[side & hidden]))
        if behind < minimum_count or 0 < apart < minimum_count:
            return False
    return True
