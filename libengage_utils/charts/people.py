"""Figures of people: over time, by segment, and from segment to segment."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import PercentFormatter

from ..privacy import counts_shown, shares_shown
from .style import ACCENT, BLUE, INK, LIFECYCLE_COLOURS, QUIET, axes_of, fewest, finish, least, percent

UNSEEN = ["not seen", "seen, then quiet", "unknown"]    # segments of people who were not seen in the period


def weeks(table, ax=None):
    """Acts a week over the study's time, with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        Columns week (date); acts and error, the standard error of acts, missing where withheld; and people who acted.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If every week is withheld.
    """
    known = table.dropna(subset="acts")
    if known.empty:
        raise ValueError("Too few people act in any one week for use over time to be shown.")
    ax = axes_of(ax, 3.4)
    spread = 1.96 * table["error"]
    ax.fill_between(table["week"], table["acts"] - spread, table["acts"] + spread, color=BLUE, alpha=0.25, lw=0)
    ax.plot(table["week"], table["acts"], color=BLUE, lw=1.4)
    ax.set_ylim(0)
    ax.grid(axis="y")
    ax.set(xlabel="week", ylabel="acts of people in a week")
    high, low = known.loc[known["acts"].idxmax()], known.loc[known["acts"].idxmin()]
    for point, words, lift in ((high, "busiest", 6), (low, "quietest", 8)):
        ax.annotate(f"{words}: {point['acts']:,.0f}", (point["week"], point["acts"]), (4, lift),
                    textcoords="offset points", color=ACCENT, fontsize=10)
    return finish(
        ax, f"Use swings with the calendar: the busiest week has {high['acts'] / low['acts']:.0f} times the acts of "
        "the quietest.",
        "Acts in each week; the band is the 95% interval, which allows for each person's acts coming together.",
        f"The busiest week, beginning {high['week']:%d %B %Y}, has {high['acts']:,.0f} acts; the quietest, beginning "
        f"{low['week']:%d %B %Y}, has {low['acts']:,.0f}; the median week has {known['acts'].median():,.0f}.",
        table["acts"].isna().sum(), rests_on=fewest(table, of="people", among="acts"))


def segment_shares(table, period, ax=None):
    """Share of eligible people in each lifecycle segment, with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        As made by `segments.shares`: indexed by segment, with columns people, share, low, high; missing where withheld.
    period : str
        The period, in words.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax, said = axes_of(ax, 0.55 * len(table) + 1.4), table.round({"share": 2, "low": 2, "high": 2})
    for y, (segment, row) in enumerate(said.iterrows()):
        if pd.isna(row["share"]):
            ax.text(0.005, y, "withheld: too few people", va="center", color=QUIET, style="italic")
            continue
        ax.barh(y, row["share"], color=LIFECYCLE_COLOURS.get(segment, BLUE), edgecolor=QUIET, lw=0.6, height=0.72)
        ax.plot([row["low"], row["high"]], [y, y], color=INK, lw=1.6)
        ax.text(row["high"] + 0.008, y, percent(row["share"]), va="center", fontweight="bold")
    ax.set_yticks(range(len(table)), table.index)
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlabel="share of eligible people", ylabel="",
           xlim=(0, min(1.05, said["high"].fillna(0).max() + 0.12)))
    ax.tick_params(left=False)
    unseen = table["share"].get("not seen", np.nan)
    finding = (f"Of people eligible in {period}, {percent(unseen)} had not been seen at all." if pd.notna(unseen)
               else f"Of people eligible in {period}, too few were never seen for their share to be shown.")
    return finish(ax, finding, "Bars are shares of eligible people; lines are 95% intervals.", "Shares: " + "; ".join(
        f"{s} {percent(r['share'])}" + (f" ({percent(r['low'])} to {percent(r['high'])})" if pd.notna(r["share"]) else "")
        for s, r in table.iterrows()) + ".", table["share"].isna().sum(), rests_on=fewest(table, of="people"),
        counts=_segments(table, period))


def squares_of(shares):
    """How many of a hundred people each share is, by largest remainder, so that they add up to a hundred.

    Parameters
    ----------
    shares : Series of float
        Missing where withheld; then nothing is added up, and what is withheld has none.

    Returns
    -------
    Series of int

    Examples
    --------
    >>> squares_of(pd.Series({"not seen": 0.172, "seen": 0.706, "unknown": 0.122})).tolist()
    [17, 71, 12]
    """
    wanted = 100 * shares.fillna(0)
    squares = np.floor(wanted).astype(int)
    left = min(100 - squares.sum(), (wanted > squares).sum()) if shares.notna().all() else 0
    squares[(wanted - squares).nlargest(left).index] += 1
    return squares


def hundred_people(table, period, ax=None):
    """A hundred squares for a hundred eligible people, coloured by lifecycle segment.

    Parameters
    ----------
    table : DataFrame
        As for `segment_shares`; squares are given to segments by largest remainder, and what is
        withheld is left blank.
    period : str
        The period, in words.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax, squares = axes_of(ax, 3.9), squares_of(table["share"])
    kinds = [segment for segment, count in squares.items() for _ in range(count)]
    for at, segment in enumerate(kinds):
        ax.add_patch(plt.Rectangle((at // 10, 9 - at % 10), 0.86, 0.86, color=LIFECYCLE_COLOURS.get(segment, BLUE),
                                   ec=QUIET, lw=0.4))
    y = 9.4
    for segment, row in table.iterrows():
        ax.add_patch(plt.Rectangle((11, y - 0.4), 0.86, 0.86, color=LIFECYCLE_COLOURS.get(segment, BLUE), ec=QUIET, lw=0.4))
        many = f"{row['share']:.0%} ({row['low']:.0%} to {row['high']:.0%})" if pd.notna(row["share"]) else "withheld"
        ax.text(12.2, y, f"{segment}: {many}", va="center")
        y -= 1.25
    ax.text(11, y, "in brackets: 95% interval", va="center", color=QUIET, fontsize=10)
    ax.set(xlim=(-0.1, 21), ylim=(-0.1, 10), aspect="equal")
    ax.axis("off")
    seen_now = squares.drop(UNSEEN, errors="ignore").sum()
    said = "; ".join(f"{segment} {squares[segment] if pd.notna(share) else 'withheld'}"
                     for segment, share in table["share"].items())
    return finish(ax, f"Of every 100 people eligible in {period}, {seen_now} were seen using the library in it.",
                   "A square is one in a hundred eligible people; squares are rounded to add up to a hundred.",
                   f"Squares: {said}.", table["share"].isna().sum(), rests_on=fewest(table, of="people"),
                   counts=_segments(table, period))


def _segments(table, period):
    """What whole per cents make public of the people of each segment, beside about how many there are in all."""
    of, total = f"people eligible in {period}", (table["people"] / table["share"]).max()
    return [*shares_shown(table["share"].rename_axis("segment"), of), *counts_shown(total.round(-1), of, rounded=10)]


def movement(shares, finding, *, before, after, impossible, people, ax=None):
    """Where the people of each segment went by the next period: a row a segment, shares along it.

    Parameters
    ----------
    shares : DataFrame
        Rows and columns are segments; share of the row, missing where withheld.
    finding : str
        Title, from the numbers.
    before, after : str
        The periods.
    impossible : DataFrame of bool
        Moves that cannot be; left blank.
    people : DataFrame
        People behind each share, in the same places.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = axes_of(ax, 0.62 * len(shares) + 1.7)
    marks = shares.map(percent)
    sns.heatmap(shares.astype(float), annot=marks, fmt="", mask=impossible | shares.isna(), vmin=0, vmax=1, cbar=False,
                cmap=sns.light_palette(BLUE, as_cmap=True), linewidths=2, linecolor="white", ax=ax,
                annot_kws={"fontsize": 11})
    for (row, column), value in np.ndenumerate(shares.to_numpy(dtype=float)):
        if np.isnan(value):
            ax.text(column + 0.5, row + 0.5, "withheld", ha="center", va="center", color=QUIET, style="italic", fontsize=10)
    ax.set_yticks(np.arange(len(shares)) + 0.5, shares.index, rotation=0)
    ax.set_xticks(np.arange(len(shares.columns)) + 0.5, ["\n".join(textwrap.wrap(c, 12)) for c in shares.columns])
    ax.set(xlabel=f"in {after}: share of the row", ylabel=f"in {before}")
    ax.tick_params(left=False, bottom=False)
    people = people.where(~impossible, 0).rename_axis(index=f"in {before}", columns=f"in {after}")
    of, totals = f"people eligible in {before} and in {after}", (people / shares).max(axis=1).round().dropna()
    said = "; ".join(f"of those {row} in {before}: " + ", ".join(
        f"{marks.loc[row, c]} {c}" for c in shares.columns if not impossible.loc[row, c]) for row in shares.index)
    return finish(ax, finding, "Each row adds up to all the people of a segment; blank cells cannot occur, and a share is "
                   "withheld where it rests on too few people or would give such a share away.",
                   f"Shares {said}.", shares.isna().sum().sum(),
                   rests_on=least(*people.where(shares.notna() & ~impossible).stack().dropna()),
                   counts=[*counts_shown(people.where(shares.notna()), of), *counts_shown(totals, of)])
