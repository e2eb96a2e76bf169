"""Figures of a letter: what a model promised and what came, a jump at a threshold, and a ranking's gain."""

import numpy as np
from matplotlib.ticker import PercentFormatter

from .style import ACCENT, BLUE, INK, QUIET, axes_of, fewest, finish, least, number, percent, span


def promise(table, ax=None):
    """What a model promised of groups of people, against what came, with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        As made by `letters.calibration`.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If every group is withheld.
    """
    table = table.rename(columns={"returned": "estimate"})
    known = table.dropna(subset=["estimate"])
    if known.empty:
        raise ValueError("Too few people are in any group for what came to be held against what was promised.")
    ax = axes_of(ax, 4.4)
    ax.plot([0, 1], [0, 1], color=QUIET, lw=1, ls=":")
    ax.text(0.03, 0.06, "as promised", rotation=24, color=QUIET, fontsize=10)
    ax.vlines(known["predicted"], known["low"], known["high"], color=BLUE, lw=2.4, alpha=0.55)
    ax.plot(known["predicted"], known["estimate"], "o", color=BLUE, ms=7)
    for row in known.itertuples():
        ax.annotate(percent(row.estimate), (row.predicted, row.estimate), (9, -4), textcoords="offset points", fontsize=10.5)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.grid(axis="y")
    ax.set(xlabel="chance of being seen again that the model gave", ylabel="share seen again", xlim=(-0.02, 1.04),
           ylim=(-0.02, 1.04))
    kept = known["predicted"].between(known["low"], known["high"]).sum()
    many = "all" if kept == len(known) else f"{kept} of"
    finding = f"The model keeps its promise in {many} {len(known)} groups, as far as chance can tell."
    said = "; ".join("a group withheld" if np.isnan(row.estimate) else
                     f"promised {percent(row.predicted)}, came {span(row, '.0%')}" for row in table.itertuples())
    return finish(ax, finding, "Points are groups of people with like chances; lines are 95% intervals. On the dotted line "
                  "a promise is kept.", f"{said[:1].upper()}{said[1:]}.", table["estimate"].isna().sum(),
                  rests_on=fewest(table))


def jump(found, finding, *, xlabel, ylabel, ax=None):
    """An outcome on either side of a threshold: means of bins, and the line fitted on each side.

    Parameters
    ----------
    found : Discontinuity
        Of `effects.discontinuity`.
    finding : str
        Title, from the numbers.
    xlabel, ylabel : str
        In words with units.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If no mean may be shown on a side.
    """
    if found.curve["side"].nunique() < 2:
        raise ValueError("Too few people close to the line came back, or stayed away, for their share to be drawn.")
    ax = axes_of(ax, 4.2)
    for side, colour in (("below", QUIET), ("above", BLUE)):
        bins, line = (table[table["side"] == side] for table in (found.curve, found.lines))
        ax.vlines(bins["at"], bins["low"], bins["high"], color=colour, lw=2, alpha=0.5)
        ax.plot(bins["at"], bins["estimate"], "o", color=colour, ms=6)
        ax.plot(line["at"], line["estimate"], color=colour, lw=2)
    ax.axvline(found.cutoff, color=ACCENT, lw=1.2, ls="--", zorder=0)
    ax.text(found.cutoff, 0.98, f" from day {found.cutoff:g} on", transform=ax.get_xaxis_transform(), va="top",
            color=ACCENT, fontsize=10)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.margins(y=0.2)
    ax.grid(axis="y")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    estimate, low, high = (number(100 * value, "+.1f") for value in (found.bias_corrected, found.low, found.high))
    return finish(ax, finding, "Points are means of people taken together, with 95% intervals; the lines are fitted to "
                  "people near the threshold only.",
                  f"The jump, the lines' bend allowed for, is {estimate} points (95% interval {low} to {high}).",
                  rests_on=least(found.rests_on, *found.curve["rests_on"]))


def gain(curve, finding, ax=None):
    """What writing to the first so many of a ranking would add, against the same number chosen at random.

    Parameters
    ----------
    curve : DataFrame
        That of `effects.qini`: share (of people written to, best first), estimate (more back in 100 of everybody), low,
        high, rests_on.
    finding : str
        Title, from the numbers.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = axes_of(ax)
    ax.fill_between(curve["share"], curve["low"], curve["high"], color=BLUE, alpha=0.2, lw=0)
    ax.plot(curve["share"], curve["estimate"], "o-", color=BLUE, lw=1.8, ms=4)
    last = curve.iloc[-1]
    ax.plot([0, 1], [0, last["estimate"]], color=QUIET, lw=1, ls=":")
    ax.annotate("chosen at random", (0.5, last["estimate"] / 2), (4, -14), textcoords="offset points", color=QUIET,
                fontsize=10)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.grid(axis="y")
    ax.axhline(0, color=INK, lw=0.8)
    ax.set(xlabel="share of people written to, those ranked highest first", ylabel="more back, in 100 of everybody",
           xlim=(0, 1))
    at = curve.iloc[np.abs(curve["share"] - 0.5).argmin()]
    return finish(ax, finding, "The line is what the lot shows for the people ranked highest; the band is its 95% interval.",
                  f"Writing to the {percent(at['share'])} ranked highest: {number(at['estimate'], '+.1f')} more back in 100 "
                  f"of everybody; to all: {number(last['estimate'], '+.1f')}.", rests_on=fewest(curve))
