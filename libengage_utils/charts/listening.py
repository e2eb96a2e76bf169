"""Figures of what people say: themes by size and feeling, and our agenda beside their problems."""

import textwrap

import numpy as np
import pandas as pd

from .style import ACCENT, BLUE, INK, QUIET, as_said, axes_of, estimate_line, fewest, finish, panels, share_axis, span


def themes(sizes, feelings, finding):
    """How large each theme is, and how it feels, side by side.

    Parameters
    ----------
    sizes, feelings : DataFrame
        A row a theme, in the same order: label, estimate, low, high, of its share of comments and of the mean feeling in
        them (-1 to 1), missing where withheld; and rests_on, the people behind each.
    finding : str
        Title, from the numbers.

    Returns
    -------
    matplotlib Axes
        The panel of sizes.

    Raises
    ------
    ValueError
        If every theme is withheld.
    """
    if sizes["estimate"].isna().all():
        raise ValueError("Too few people voiced any one theme for the themes to be shown.")
    axes = panels(2, 0.42 * len(sizes) + 1.6)
    parts = as_said(sizes, ".0%"), as_said(feelings, ".2f")
    for ax, part, form in zip(axes, parts, (".0%", "+.2f"), strict=True):
        for y, row in enumerate(part.itertuples()):
            colour = BLUE if form == ".0%" else _feeling(row)
            estimate_line(ax, y, row, form, colour, INK if form == ".0%" else colour)
        ax.grid(axis="x")
        ax.tick_params(left=False)
        ax.margins(x=0.16)
    axes[0].set_yticks(range(len(sizes)), ["\n".join(textwrap.wrap(label, 28)) for label in sizes["label"]])
    axes[0].set_ylim(len(sizes) - 0.4, -0.6)
    share_axis(axes[0])
    axes[0].set(xlabel="share of comments", ylabel="")
    axes[1].axvline(0, color=QUIET, lw=1, ls=":", zorder=0)
    axes[1].set(xlabel="how they feel (\N{MINUS SIGN}1 worst, 1 best)")
    said = "; ".join(f"{size.label}: {span(size, '.0%')} of comments, feeling {span(felt, '+.2f')}"
                     for size, felt in zip(*(part.itertuples() for part in parts), strict=True))
    return finish(axes[0], finding, "Points are estimates, lines 95% intervals, the themes taken as found. On the "
                  "right, orange: the whole interval is on the unhappy side; blue: on the happy side.", f"{said}.",
                  sizes["estimate"].isna().sum(), rests_on=fewest(sizes, feelings))


def _feeling(row):
    return ACCENT if row.high < 0 else BLUE if row.low > 0 else QUIET


def agenda(table, finding, ax=None):
    """Priorities in the library's order on the left, and what people speak of in order of how many do on the right.

    Parameters
    ----------
    table : DataFrame
        As made by `Agenda.beside`: label, ours (place on the library's agenda; missing for what is not on it), estimate,
        low, high (share of comments that speak of it), missing where withheld; and rests_on.
    finding : str
        Title, from the numbers.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If every share is withheld.
    """
    known = as_said(table.dropna(subset=["estimate"]), ".0%").sort_values(["estimate", "label"], ascending=[False, True])
    if known.empty:
        raise ValueError("Too few people speak of any one thing for the agenda to be held against what they say.")
    ours = table.dropna(subset=["ours"]).sort_values("ours")
    ax = axes_of(ax, 0.36 * max(len(known), len(ours)) + 1.3)
    theirs = dict(zip(known["label"], np.arange(len(known)), strict=True))
    left, right = 3.1, 4.1                   # the figure is 8 wide
    for y, row in enumerate(ours.itertuples()):
        words = f"{row.ours:.0f}  {row.label}" + ("" if row.label in theirs else " (withheld)")
        ax.text(left, y, words, ha="right", va="center", fontsize=10.5, color=INK if row.label in theirs else QUIET)
        if row.label in theirs:
            ax.plot([left + 0.1, right - 0.1], [y, theirs[row.label]], "o-", color=BLUE, lw=2, ms=5, alpha=0.7)
    for row in known.itertuples():
        here = pd.notna(row.ours)
        colour = BLUE if here else ACCENT
        ax.plot(right - 0.1, theirs[row.label], "o", color=colour, ms=5)
        ax.text(right, theirs[row.label], f"{row.estimate:.0%} ({row.low:.0%} to {row.high:.0%})  {row.label}", va="center",
                fontsize=10.5, color=colour, fontweight="normal" if here else "bold")
    for x, words, across in ((left, "our agenda, in our order", "right"), (right, "what comments speak of", "left")):
        ax.text(x, -0.85, words, ha=across, va="bottom", color=QUIET, fontsize=10.5, fontweight="bold")
    ax.set(xlim=(0, 8), ylim=(max(len(known), len(ours)) - 0.5, -1.2))
    ax.axis("off")
    said = "; ".join(f"{row.label}{f' (ours: {row.ours:.0f})' if pd.notna(row.ours) else ' (not on our agenda)'} "
                     f"{span(row, '.0%')}" for row in table.itertuples())
    return finish(ax, finding, "On the left the library's priorities in its own order; on the right what comments speak of, "
                  "with 95% intervals: priorities by their words, themes (orange, in quotation marks) as the machine found "
                  "them. Of the comments of an orange theme surely fewer than one in five have a word of any priority.",
                  f"{said}.", table["estimate"].isna().sum(), rests_on=fewest(table))


def agreement_of_halves(table, chosen, finding, *, rests_on=None, ax=None):
    """How far two halves of the comments agree on their themes, by number of themes, beside words dealt out at random.

    Parameters
    ----------
    table : DataFrame
        By number of themes: estimate, low, high, and null (agreement seldom passed by chance).
    chosen : int
        Number of themes taken.
    finding : str
        Title, from the numbers.
    rests_on : int, optional
        People who wrote the comments.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = axes_of(ax, 3.8)
    ax.fill_between(table.index, 0, table["null"], color=QUIET, alpha=0.2, lw=0)
    ax.annotate("seldom passed by words dealt out at random", (table.index[-1], table["null"].iloc[-1]), (0, 4), ha="right",
                textcoords="offset points", color=QUIET, fontsize=10)
    ax.fill_between(table.index, table["low"], table["high"], color=BLUE, alpha=0.18, lw=0)
    ax.plot(table.index, table["estimate"], "o-", color=BLUE, lw=1.6, ms=5)
    ax.plot(chosen, table.loc[chosen, "estimate"], "o", ms=14, mfc="none", mec=ACCENT, mew=2)
    ax.annotate(f"{chosen} themes", (chosen, table.loc[chosen, "estimate"]), (0, 14), textcoords="offset points",
                ha="center", color=ACCENT, fontweight="bold")
    ax.grid(axis="y")
    ax.set(xlabel="number of themes", ylabel="agreement of two halves\n(1: the same themes, 0: chance)", ylim=(0, 1.05),
           xticks=list(table.index))
    said = "; ".join(f"{row.Index} themes {span(row, '.2f')}, by chance up to {row.null:.2f}"
                     for row in table.itertuples())
    return finish(ax, finding, "Points are mean agreements over random halves; the band holds 95% of the halvings.",
                  f"{said}.", rests_on=rests_on)
