"""Figures of a session: a room's guesses, alone and beside the evidence, and any figure as a picture with its alt text."""

import base64
import textwrap
from html import escape

import matplotlib.pyplot as plt
import numpy as np

from .style import ACCENT, BLUE, INK, QUIET, alt_text, axes_of, estimate_line, finish, number, panels, span, svg


def plain(value):
    """A number without needless digits, its sign a minus.

    Examples
    --------
    >>> plain(21.0), plain(-0.25), plain(12345)
    ('21', '\u22120.25', '12,345')
    """
    return number(round(float(value), 2), ",.10g")


def picture(made):
    """A figure as an HTML image with its alt text, and closed so that it is not shown a second time; a frame as a table.

    Parameters
    ----------
    made : matplotlib Axes or DataFrame

    Returns
    -------
    str
    """
    if not hasattr(made, "figure"):
        return made._repr_html_()
    image = base64.b64encode(svg(made.figure).encode()).decode()
    plt.close(made.figure)
    return f'<img src="data:image/svg+xml;base64,{image}" alt="{escape(alt_text(made.figure))}">'


def guesses(counts, finding, *, at=None):
    """How many guessed what, and where the study's own number lies.

    Parameters
    ----------
    counts : Series
        What was guessed, in order -> how many guessed it; the index's name says what they guessed.
    finding : str
        Title, from the numbers.
    at : sequence of float, optional
        Where among the bars the study's number lies, counted from 0, and the ends of its interval if it has one.

    Returns
    -------
    matplotlib Axes
    """
    ax = axes_of(None, 2.8)
    places = np.arange(len(counts))
    ax.bar(places, counts, width=0.86, color="#9fb6cb")
    every = -(-len(counts) // 11)
    ax.set_xticks(places[::every], ["\n".join(textwrap.wrap(label, max(9, 88 // len(places))))
                                    for label in counts.index[::every]])
    for place, count in zip(places[counts > 0], counts[counts > 0], strict=True):
        ax.annotate(count, (place, count), (0, 2), textcoords="offset points", ha="center", color=INK, fontsize=10,
                    bbox={"fc": "white", "ec": "none", "pad": 0.6})
    if at is not None:
        estimate, *interval = at
        if interval:
            ax.axvspan(*interval, color=ACCENT, alpha=0.2, lw=0, zorder=0)
        ax.axvline(estimate, color=ACCENT, lw=2.2)
        side = -1 if estimate > len(counts) / 2 else 1
        ax.annotate("the study", (estimate, 1), (6 * side, -2), xycoords=("data", "axes fraction"), color=ACCENT, va="top",
                    textcoords="offset points", fontweight="bold", ha="left" if side > 0 else "right")
    ax.set(xlim=(-0.6, len(counts) - 0.4), ylim=(0, 1.4 * counts.max()), yticks=[], ylabel="guesses",
           xlabel=counts.index.name)
    ax.spines["left"].set_visible(False)
    said = "; ".join(f"{label}: {count}" for label, count in counts.items() if count)
    return finish(ax, finding, "Bars are the room's guesses.", f"Guesses: {said}.", rests_on=counts.sum())


def wall(table, made):
    """Staff's guesses of where people feel best and worst, labelled as guesses, beside how people felt.

    Parameters
    ----------
    table : DataFrame
        As `club.compare_guesses` gives it.
    made : int
        How many guessed.

    Returns
    -------
    matplotlib Axes
        Of the guesses; the evidence is to their right.
    """
    left, right = panels(2, 0.5 * len(table) + 1.9)
    y, most = np.arange(len(table)), max(1, np.nan_to_num(table[["best", "worst"]].to_numpy()).max())
    for end, side, colour in (("worst", -1, ACCENT), ("best", 1, BLUE)):
        left.barh(y, side * table[end].fillna(0), color=colour, alpha=0.6, height=0.6)
        left.text(0.5 + side * 0.25, 1.0, f"felt {end}", transform=left.transAxes, ha="center", va="bottom", color=colour,
                  fontweight="bold")
        for at, count in zip(y[table[end] > 0], table.loc[table[end] > 0, end], strict=True):
            left.annotate(f"{count:.0f}", (side * count, at), (5 * side, 0), textcoords="offset points", va="center",
                          ha="left" if side > 0 else "right", color=INK)
    left.axvline(0, color=QUIET, lw=1)
    if table["best"].isna().all():
        left.text(0.5, 0.5, "too few guesses\nto show", transform=left.transAxes, ha="center", va="center", color=QUIET,
                  style="italic", bbox={"fc": "white", "ec": "none"})
    left.set_yticks(y, ["\n".join(textwrap.wrap(name, 20)) for name in table["touchpoint"]])
    left.set(xlim=(-1.35 * most, 1.35 * most), ylim=(len(table) - 0.5, -0.5), xticks=[],
             xlabel="how many guessed so:\nstaff\u2019s guesses, not evidence")
    for at, row in zip(y, table.itertuples(), strict=True):
        estimate_line(right, at, row, "+.2f", INK)
    right.axvline(0, color=QUIET, lw=1, ls=":")
    ends = [0.2, *table[["low", "high"]].abs().max().dropna()]
    right.set(xlim=(-1.2 * max(ends), 1.5 * max(ends)),
              xlabel="the evidence: how people felt\n(\N{MINUS SIGN}1 worst, 1 best)")
    for ax in (left, right):
        ax.tick_params(left=False)
        ax.spines["left"].set_visible(False)
    felt = "; ".join(f"{row.touchpoint} {span(row, '+.2f')}" for row in table.itertuples())
    guessed = "; ".join(f"{row.touchpoint}: {row.best:.0f} best, {row.worst:.0f} worst" for row in table.itertuples()
                        if row.best or row.worst) if table["best"].notna().any() else "too few to show"
    return finish(left, f"Where people feel best and worst: {made} guesses, beside the evidence.",
                  "Bars are staff\u2019s guesses. Points are means of what people said, lines 95% intervals.",
                  f"Guesses: {guessed}. Mean valence from -1 to 1: {felt}.", table["estimate"].isna().sum(),
                  rests_on=min([made, *table.loc[table["estimate"].notna(), "people"]]))
