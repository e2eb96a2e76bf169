"""Figures of reading lists: what changed before and after a module began to make its list together."""

import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator

from .style import ACCENT, BLUE, INK, QUIET, axes_of, fewest, finish, number, span


def event_time(table, finding, *, xlabel, ylabel, ax=None):
    """Differences by time since adoption, those before it too, with intervals of each and a band for all together.

    Parameters
    ----------
    table : DataFrame
        As in `EventStudy`: event_time (0 is the first of the new way), estimate, low, high, band_low, band_high, missing
        where withheld; and rests_on, units on either side, none of which is without people.
    finding : str
        Title, from the numbers.
    xlabel, ylabel : str
        In words with units; the figures are in per cent.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If every difference is withheld.
    """
    known = table.dropna(subset=["estimate"])
    if known.empty:
        raise ValueError("Too few modules can be compared at any time since adoption for the differences to be drawn.")
    ax = axes_of(ax, 4.4)
    before, after = known[known["event_time"] < 0], known[known["event_time"] >= 0]
    for rows, colour in ((before, QUIET), (after, BLUE)):
        ax.fill_between(rows["event_time"], rows["band_low"], rows["band_high"], color=colour, alpha=0.13, lw=0)
        ax.vlines(rows["event_time"], rows["low"], rows["high"], color=colour, lw=3, alpha=0.6)
        base = rows["low"].isna()
        ax.plot(rows["event_time"][~base], rows["estimate"][~base], "o", color=colour, ms=7)
        ax.plot(rows["event_time"][base], rows["estimate"][base], "o", mfc="white", mec=colour, ms=7)
        for row in rows.dropna(subset=["low"]).itertuples():
            ax.annotate(number(row.estimate, "+.0f") + "%", (row.event_time, row.estimate), (9, 0), va="center",
                        textcoords="offset points", color=colour, fontsize=10.5)
    ax.axhline(0, color=INK, lw=1)
    ax.axvline(-0.5, color=ACCENT, lw=1.2, ls="--")
    low, high = ax.get_ylim()
    ax.text(-0.46, high - 0.04 * (high - low), "made together from here on", color=ACCENT, fontsize=10, va="top")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda at, _: number(at, "+.0f")))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda at, _: number(at, "+.0f") + "%"))
    ax.grid(axis="y")
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(known["event_time"].min() - 0.4, known["event_time"].max() + 0.6))
    said = [f"{number(row.event_time, '+.0f')} " + ("the term that others are held against" if row.estimate == 0 and
                                                    pd.isna(row.low) else span(row, "+.0f")) for row in table.itertuples()]
    return finish(ax, finding, "Points are differences from modules that had not yet adopted, each against the term before "
                  "adoption (hollow); lines are 95% intervals of each, the bands hold all of them together. Before adoption "
                  "the points should lie on the line.", f"In per cent, by terms since adoption: {'; '.join(said)}.",
                  table["estimate"].isna().sum(), rests_on=fewest(table))
