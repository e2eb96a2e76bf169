"""Figures of journeys and feelings: arcs, extremes, contrasts, returns, and the paths of a mediation."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from .style import ACCENT, BLUE, INK, QUIET, as_said, axes_of, fewest, finish, least, number, panels, share_axis, span

MARKS = {"high": BLUE, "low": ACCENT, "": QUIET}
THAN_MEAN = {"high": "above its mean", "low": "below its mean", "": ""}
SERIES = (ACCENT, BLUE, "#3f7d4e", QUIET)


def arc(table, finding, ax=None):
    """The emotional arc of a kind of journey: mean valence step by step, its highs and lows marked.

    Parameters
    ----------
    table : DataFrame
        A row a step, in order: label, estimate, low, high (valence from -1 to 1, missing where withheld),
        people, and mark ("high", "low" or "").
    finding : str
        Title, from the numbers.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If every step is withheld.
    """
    if table["estimate"].isna().all():
        raise ValueError("Too few people rated any one step for the arc to be shown.")
    ax = axes_of(ax, 4.4)
    at = np.arange(len(table))
    ax.axhline(0, color=QUIET, lw=1, ls=":")
    ax.fill_between(at, table["low"], table["high"], color=BLUE, alpha=0.14, lw=0)
    ax.plot(at, table["estimate"], color=BLUE, lw=1.6, alpha=0.7)
    for x, row in zip(at, table.itertuples(), strict=True):
        if pd.isna(row.estimate):
            ax.text(x, 0, "withheld:\ntoo few", ha="center", va="center", color=QUIET, style="italic", fontsize=9.5)
            continue
        colour = MARKS[row.mark]
        ax.plot([x, x], [row.low, row.high], color=colour, lw=2.2, solid_capstyle="round")
        ax.plot(x, row.estimate, "o", color=colour, ms=11 if row.mark else 7)
        above = row.mark != "low"
        ax.annotate(f"{THAN_MEAN[row.mark]}\n{number(row.estimate, '+.2f')}".strip(), (x, row.high if above else row.low),
                    (0, 7 if above else -7), textcoords="offset points", ha="center", va="bottom" if above else "top",
                    color=colour if row.mark else INK, fontweight="bold" if row.mark else "normal", fontsize=10.5,
                    bbox={"fc": "white", "ec": "none", "pad": 0.5})
    names = ["\n".join(textwrap.wrap(str(label), max(8, 88 // len(table)))) for label in table["label"]]
    ax.set_xticks(at, [name if pd.isna(people) else f"{name}\n({round(people, -1):,.0f})"
                       for name, people in zip(names, table["people"], strict=True)])
    reach = max(0.5, 1.2 * table[["low", "high"]].abs().max().max())      # half of the scale, or all of it
    ax.set(xlim=(-0.5, len(table) - 0.5), ylim=(-min(reach, 1.25), min(reach, 1.25)),
           xlabel="step of the journey, in its usual order (about so many people)",
           ylabel="how people felt\n(\N{MINUS SIGN}1 worst, 1 best)")
    ax.tick_params(bottom=False)
    ax.grid(axis="y")
    said = [f"{row.label} {span(row, '+.2f')}{f', a {row.mark}' if row.mark else ''}" for row in table.itertuples()]
    return finish(ax, finding, "Points are means, lines and band 95% intervals that allow for people who rated more than "
                  "once. Marked is a step that differs from the journey's own mean by more than chance."
                  + ("" if reach > 1 else " The axis shows the middle of the scale only."),
                  f"Mean valence from -1 to 1: {'; '.join(said)}.", table["estimate"].isna().sum(),
                  rests_on=fewest(table, of="people"))


def extremes(results, finding):
    """Shares of each rating, the two ends marked, beside the likeliest distribution with a single hump.

    Parameters
    ----------
    results : dict of str to Extremes
        Words for who rated -> `effects.extremes` of their ratings; two at most.
    finding : str
        Title, from the numbers.

    Returns
    -------
    matplotlib Axes
        The first panel.
    """
    axes, said = panels(len(results), 4.2), []
    tables = {words: as_said(result.table, ".0%").round({"reference": 2}) for words, result in results.items()}
    for ax, (words, table) in zip(axes, tables.items(), strict=True):
        at = np.arange(len(table))
        known = table["estimate"].notna()
        ax.bar(at, table["estimate"].fillna(0), color=np.where(table["end"], ACCENT, "#c3cdd8"), width=0.78)
        ax.vlines(at[known], table["low"][known], table["high"][known], color=INK, lw=1.6)
        for x in at[~known]:
            ax.text(x, 0.01, "withheld", rotation=90, ha="center", va="bottom", color=QUIET, style="italic", fontsize=9.5)
        ax.plot(at, table["reference"], "o--", color=BLUE, ms=5, lw=1.2)
        ax.set_xticks(at, table["label"])
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.grid(axis="y")
        ax.tick_params(bottom=False)
        ax.set_xlabel("rating, worst to best")
        ax.set_title(words[:1].upper() + words[1:], fontsize=11, pad=22, color=QUIET)
        said.append(f"{words.capitalize()}: " + "; ".join(
            f"rating {row.label}: {span(row, '.0%')}{'' if pd.isna(row.reference) else f', single hump {row.reference:.0%}'}"
            for row in table.itertuples()) + ".")
    axes[0].set_ylabel("share of ratings")
    humps = [(ax, table["reference"]) for ax, table in zip(axes, tables.values(), strict=True)
             if table["reference"].notna().all()]
    for ax, hump in humps[-1:]:
        ax.annotate("the closest pattern\nwith a single hump", (int(hump.argmax()), hump.max()), (0, 16),
                    textcoords="offset points", ha="center", color=BLUE, fontsize=10)
    axes[0].margins(y=0.14)
    withheld = sum(table["estimate"].isna().sum() for table in tables.values())
    return finish(axes[0], finding, "Bars are shares of ratings with 95% intervals, the two ends in orange. Dots are the "
                  "closest pattern with a single hump; where ratings spread more widely than any, the widest."
                  + ("" if len(humps) == len(axes) else " They are left out where they would give a withheld share away."),
                  " ".join(said), withheld, rests_on=least(*(result.rests_on for result in results.values())))


def contrast(table, finding, *, xlabel, form=".0%", counts=(), ax=None):
    """Two or three groups compared row by row: a point and its interval for each.

    Parameters
    ----------
    table : DataFrame
        Long: label (a row of the figure), series (the group), estimate, low, high, missing where withheld; and rests_on,
        the fewest people behind each.
    finding : str
        Title, from the numbers.
    xlabel : str
        The quantity, in words with its unit.
    form : str
        Format of the quantity.
    counts : list of dict
        What the estimates make public of a population, as `privacy.shares_shown` says it.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    if table["estimate"].isna().all():
        raise ValueError("Too few people are in any group, or have either answer in it, for groups to be compared.")
    table = as_said(table, form)
    labels, series = list(dict.fromkeys(table["label"])), list(dict.fromkeys(table["series"]))
    ax = axes_of(ax, (0.27 * len(series) + 0.22) * len(labels) + 1.7)
    step = 0.62 / len(series)
    colours = dict(zip(series, SERIES, strict=False))
    for row in table.itertuples():
        y = labels.index(row.label) + step * (series.index(row.series) - (len(series) - 1) / 2)
        if pd.isna(row.estimate):
            ax.text(0.01, y, f"{row.series}: withheld", transform=ax.get_yaxis_transform(), va="center", color=QUIET,
                    style="italic", fontsize=9.5)
            continue
        ax.plot([row.low, row.high], [y, y], color=colours[row.series], lw=2.4, solid_capstyle="round", alpha=0.6)
        ax.plot(row.estimate, y, "o", color=colours[row.series], ms=6.5)
        ax.annotate(number(row.estimate, form), (row.high, y), (7, 0), textcoords="offset points", va="center",
                    color=colours[row.series], fontsize=10.5)
    for place, name in enumerate(series):
        y = 1.02 + 0.36 * (len(series) - 1 - place) / ax.figure.get_figheight()
        ax.text(0.0, y, f"●  {name}", transform=ax.transAxes, color=colours[name], fontweight="bold",
                fontsize=10.5, va="bottom")
    ax.set_yticks(range(len(labels)), ["\n".join(textwrap.wrap(label, 30)) for label in labels])
    ax.set_ylim(len(labels) - 0.45, -0.55)
    ax.margins(x=0.12)
    ax.grid(axis="x")
    ax.tick_params(left=False)
    if form.endswith("%"):
        share_axis(ax)
    ax.set(xlabel=xlabel, ylabel="")
    said = [f"{row.label}, {row.series} {number(row.estimate, form) if row.low == row.high else span(row, form)}"
            for row in table.itertuples()]
    return finish(ax, finding, "Points are estimates, lines 95% intervals.", f"{xlabel.capitalize()}: {'; '.join(said)}.",
                  table["estimate"].isna().sum(), rests_on=fewest(table), counts=counts)


def returned(table, finding, *, since="the errand ended", share="share of errands whose person\nhas been seen again",
             ax=None):
    """Share of people back, day by day, for each group (Kaplan-Meier).

    Parameters
    ----------
    table : DataFrame
        As made by `effects.return_curves`: group, day, estimate, low, high, rests_on; ends where too few are left to watch.
    finding : str
        Title, from the numbers.
    since, share : str
        From when days are counted, and what is back, in words.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If there is nothing to draw.
    """
    if table.empty:
        raise ValueError("Too few people are in any group for their return to be shown.")
    ax = axes_of(ax, 4.4)
    ends = []
    highest_first = table.groupby("group")["estimate"].last().sort_values(ascending=False).index
    for colour, group in zip((BLUE, "#3f7d4e", ACCENT, QUIET), highest_first, strict=False):
        rows = table[(table["group"] == group) & (table["day"] > 0)]
        ax.fill_between(rows["day"], rows["low"], rows["high"], color=colour, alpha=0.2, lw=0)
        ax.plot(rows["day"], rows["estimate"], "o-", color=colour, lw=1.4, ms=5)
        ends.append((rows["estimate"].iloc[-1], f"{group}: {rows['estimate'].iloc[-1]:.0%}", colour))
    room, top = np.inf, min(1.02, 1.5 * table["high"].max())
    for height, words, colour in sorted(ends, reverse=True):
        room = min(height, room - 0.055 * top)
        ax.annotate(words, (table["day"].max(), room), (6, 0), textcoords="offset points", va="center", color=colour,
                    fontweight="bold", fontsize=10.5)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.grid(axis="y")
    ax.set(xlabel=f"days since {since}", ylabel=share, xlim=(0, 1.36 * table["day"].max()), ylim=(0, top))
    ax.set_xticks(np.arange(0, table["day"].max() + 1, 15))
    said = [f"{row.group.capitalize()}: {span(row, '.0%')} back by day {row.day:.0f}"
            for row in table.groupby("group", sort=False).tail(1).itertuples()]
    return finish(ax, finding, "Read at the dots: days by which enough people came back to be shown. Bands are 95% "
                  "intervals.", f"{'; '.join(said)}.", rests_on=fewest(table))


def paths_between(paths, finding, *, rests_on=None, ax=None):
    """The three boxes of a mediation, with the estimate and interval of every arrow.

    Parameters
    ----------
    paths : DataFrame
        Rows first, second and direct: words for where the arrow comes from (from) and goes to (to),
        estimate, low, high.
    finding : str
        Title, from the numbers.
    rests_on : int, optional
        People behind them.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = axes_of(ax, 4.0)
    (first, second, direct) = paths.itertuples()
    boxes = {first[1]: (0.15, 0.2), first[2]: (0.5, 0.82), second[2]: (0.85, 0.2)}
    for words, (x, y) in boxes.items():
        ax.text(x, y, "\n".join(textwrap.wrap(words, 24)), ha="center", va="center", fontsize=12, color=INK,
                bbox={"boxstyle": "round,pad=0.7", "fc": "#eef4f9", "ec": BLUE, "lw": 1.4})
    for row, start, end, (x, y), across in ((first, (0.2, 0.34), (0.41, 0.7), (0.27, 0.57), "right"),
                                            (second, (0.59, 0.7), (0.8, 0.34), (0.73, 0.57), "left"),
                                            (direct, (0.3, 0.2), (0.7, 0.2), (0.5, 0.09), "center")):
        sure = row.low > 0 or row.high < 0
        ax.annotate("", end, start, arrowprops={
            "arrowstyle": "-|>,head_width=0.4,head_length=0.8", "shrinkA": 0, "shrinkB": 0, "ls": "-" if sure else "--",
            "lw": 1 + 7 * min(abs(row.estimate), 0.6), "color": ACCENT if sure else QUIET})
        ax.text(x, y, f"{row.estimate:+.2f}\n({row.low:+.2f} to {row.high:+.2f})", ha=across, va="center", fontsize=11,
                color=INK, fontweight="bold" if sure else "normal")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.axis("off")
    said = "; ".join(f"{row[1]} to {row[2]} {span(row, '+.2f')}" for row in paths.itertuples())
    return finish(ax, finding, "Numbers are standard deviations of the second for one of the first, with 95% intervals; "
                  "a dashed arrow's interval holds nought. Arrows show the order assumed, not one that was shown.",
                  f"Paths: {said}.", rests_on=rests_on)


def sensitivity(table, vanishes_at, finding, *, rests_on=None, ax=None):
    """What is left of an indirect association if something unmeasured moved both its halves.

    Parameters
    ----------
    table : DataFrame
        Columns rho (correlation of the two residuals), estimate, low, high.
    vanishes_at : float
        The correlation at which nothing is left.
    finding : str
        Title, from the numbers.
    rests_on : int, optional
        People behind it.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = axes_of(ax, 3.8)
    ax.fill_between(table["rho"], table["low"], table["high"], color=BLUE, alpha=0.2, lw=0)
    ax.plot(table["rho"], table["estimate"], color=BLUE, lw=2)
    ax.axhline(0, color=QUIET, lw=1, ls=":")
    assumed = table.iloc[(table["rho"]).abs().argmin()]
    ax.plot(0, assumed["estimate"], "o", color=BLUE, ms=8)
    ax.annotate("if nothing was left out", (0, assumed["estimate"]), (-8, -14), textcoords="offset points", color=BLUE,
                fontsize=10.5, ha="right")
    ax.axvline(vanishes_at, color=ACCENT, lw=1.2, ls="--")
    ax.annotate(f"nothing left at {vanishes_at:+.2f}", (vanishes_at, ax.get_ylim()[1]), (6, -4), textcoords="offset points",
                va="top", color=ACCENT, fontsize=10.5)
    ax.grid(axis="y")
    ax.set(xlabel="correlation, by something unmeasured, of what the model leaves unexplained\nin feeling and in later use",
           ylabel="association that passes\nthrough feeling", xlim=(table["rho"].min(), table["rho"].max()))
    return finish(ax, finding, "The line is the indirect association for each strength of something unmeasured behind both; "
                  "the band is its 95% interval.", f"At no such correlation {span(assumed, '+.3f')}; nothing is left at "
                  f"{vanishes_at:+.2f}.", rests_on=rests_on)
