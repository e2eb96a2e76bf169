"""Figures of estimates: concentration, differences, stability and profiles."""

import textwrap

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import PercentFormatter

from ..privacy import about
from .style import ACCENT, BLUE, INK, QUIET, as_said, axes_of, estimate_line, fewest, finish, least, number, share_axis


def lorenz(results, ax=None):
    """Lorenz curves with bootstrap bands, and the curve that chance alone would give.

    Parameters
    ----------
    results : dict of str to Concentration
        Words for the people counted -> `attention.concentration` of them.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the share of the top would rest on too few people.
    """
    if any(np.isnan(result.top_share.estimate) for result in results.values()):
        raise ValueError("Too few people are among the most active for their share of the use to be shown.")
    ax = axes_of(ax, 4.8)
    ax.plot([0, 1], [0, 1], color=QUIET, lw=0.9, ls=":")
    ax.text(0.2, 0.23, "everybody alike", rotation=29, color=QUIET, fontsize=10, ha="center")
    first = next(iter(results.values()))
    ax.plot(first.curve["people"], first.curve["by_chance"], color=QUIET, lw=1.2, ls="--")
    ax.annotate("chance alone, one rate for all", (0.56, np.interp(0.56, first.curve["people"], first.curve["by_chance"])),
                (8, -12), textcoords="offset points", color=QUIET, fontsize=10)
    _added_up(ax, {words: result.curve.rename(columns={"use": "amount"}) for words, result in results.items()})
    ax.set(xlabel="share of people, the least active first", ylabel="share of use")
    top = first.top_share
    return finish(
        ax, f"The most active {first.top:.0%} of people make {top.estimate:.0%} of the use; by chance alone they would "
        f"make {top.by_chance:.0%}.",
        "People stand from the least to the most active; a curve adds up what they did. Bands are 95% intervals.",
        " ".join(f"Among {words} ({about(result.people)}): the top {result.top:.0%} make {result.top_share.estimate:.0%} "
                 f"({result.top_share.low:.0%} to {result.top_share.high:.0%}), Gini index {result.gini.estimate:.2f} "
                 f"({result.gini.low:.2f} to {result.gini.high:.2f}), by chance {result.gini.by_chance:.2f}."
                 for words, result in results.items()), rests_on=least(*(some.rests_on for some in results.values())))


def ranked(results, finding, *, ylabel, ax=None):
    """Concentration curves: what share of an amount goes to the people ranked lowest by something else.

    Parameters
    ----------
    results : dict of str to ConcentrationIndex
        Words for the people ranked -> `attention.concentration_index` of them; two at most.
    finding : str
        Title, from the numbers.
    ylabel : str
        What is shared out, in words.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = axes_of(ax, 4.8)
    ax.plot([0, 1], [0, 1], color=QUIET, lw=0.9, ls=":")
    ax.text(0.2, 0.23, "to all alike", rotation=29, color=QUIET, fontsize=10, ha="center")
    _added_up(ax, {words: result.curve for words, result in results.items()})
    ax.set(xlabel="share of people, those who used the library least in the period before first", ylabel=ylabel)
    said = [f"Among {words} ({about(result.people)}): index {result.estimate:.2f} ({result.low:.2f} to {result.high:.2f}); "
            f"the lower half by earlier use has {np.interp(0.5, result.curve['people'], result.curve['amount']):.0%}."
            for words, result in results.items()]
    return finish(ax, finding, "People stand by how much they used the library in the period before; a curve adds up what "
                  "they got. Bands are 95% intervals.", " ".join(said),
                  rests_on=least(*(some.rests_on for some in results.values())))


def _added_up(ax, curves):
    """One or two curves with bands of amounts added up over people, named beside them."""
    for at, ((words, curve), colour) in enumerate(zip(curves.items(), (BLUE, ACCENT), strict=False)):
        ax.fill_between(curve["people"], curve["low"], curve["high"], color=colour, alpha=0.25, lw=0)
        ax.plot(curve["people"], curve["amount"], color=colour, lw=2)
        x, beside = ((0.76, {"xytext": (-10, 6), "ha": "right"}), (0.72, {"xytext": (10, -16), "ha": "left"}))[at]
        ax.annotate(words, (x, np.interp(x, curve["people"], curve["amount"])), textcoords="offset points", color=colour,
                    fontweight="bold", fontsize=11, **beside)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlim=(0, 1), ylim=(0, 1))


def intervals(table, finding, *, xlabel, form=".0%", mark=None, mark_words="", reference=None, shown="", rests_on=None,
              counts=(), ax=None):
    """Estimates with intervals, one line each, in groups; a mark where a rule draws its line.

    Parameters
    ----------
    table : DataFrame
        Columns label, estimate, low, high, and optionally group; why, which says why an estimate is missing
        ("too few people" unless said); and rests_on, the fewest people behind each.
    finding : str
        Title, from the numbers.
    xlabel : str
        The quantity, in words with its unit.
    form : str
        Format of the quantity.
    mark : float or sequence of float, optional
        Where the rule draws its line.
    mark_words : str
        What the mark says.
    reference : float, optional
        A value of everybody, drawn as a dotted line.
    shown : str
        What the figure shows and of whom, where the axis does not say it: the beginning of its caption.
    rests_on : int, optional
        The fewest people behind any estimate, where the table does not say.
    counts : list of dict
        What the estimates make public of a population, as `privacy.shares_shown` says it.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    if table.empty:
        raise ValueError(f"There is nothing to compare: no {xlabel} is known.")
    if table["estimate"].isna().all():
        raise ValueError(f"Too few people are behind each figure for any to be shown ({xlabel}).")
    table = as_said(table, form)
    groups = table["group"] if "group" in table else pd.Series("", index=table.index)
    heads = [group for group in dict.fromkeys(groups) if group]
    ax = axes_of(ax, 0.34 * (len(table) + len(heads)) + 1.5)
    across = ax.get_yaxis_transform()
    y, ticks = 0, []
    for group, rows in table.groupby(groups, sort=False):
        if group:
            ax.text(-0.01, y, group, transform=across, fontweight="bold", va="center", ha="right", color=QUIET)
            y += 1
        for row in rows.itertuples():
            estimate_line(ax, y, row, form, BLUE)
            ticks.append((y, "\n".join(textwrap.wrap(str(row.label), 40))))
            y += 1
    for at in np.atleast_1d(mark if mark is not None else []):
        ax.axvline(at, color=ACCENT, lw=1.1, ls="--", zorder=0)
    if mark is not None:
        ax.text(np.max(mark), -0.75, f" {mark_words}", color=ACCENT, va="bottom", fontsize=10)
    if reference is not None:
        ax.axvline(reference, color=INK, lw=1, ls=":", zorder=0)
        ax.text(reference, -0.75, f" everybody: {format(reference, form)}", color=INK, va="bottom", fontsize=10)
    ax.set_yticks(*zip(*ticks, strict=True))
    ax.set_ylim(y - 0.4, -0.7)
    ax.margins(x=0.13)
    ax.tick_params(left=False)
    ax.grid(axis="x")
    if form.endswith("%"):
        share_axis(ax)
    ax.set(xlabel=xlabel, ylabel="")
    said = [f"{row.label} " + ("withheld" if pd.isna(row.estimate) else
                               f"{number(row.estimate, form)} ({number(row.low, form)} to {number(row.high, form)})")
            for row in table.itertuples()]
    marked = f" Dashed: {mark_words}." if mark is not None else ""
    return finish(ax, finding, f"{shown} Points are estimates, lines 95% intervals.{marked}".strip(),
                   f"{xlabel.capitalize()}: {'; '.join(said)}.", table["estimate"].isna().sum(),
                   rests_on=fewest(table) if rests_on is None else rests_on, counts=counts)


def stability(clusters, ax=None):
    """How well each number of clusters comes back in new samples, beside data without structure.

    Parameters
    ----------
    clusters : EngagementClusters
        Fitted.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = axes_of(ax)
    table = clusters.stability_
    null = table[["gaussian_p95", "uniform_p95"]].max(axis=1)
    ax.fill_between(table.index, 0, null, color=QUIET, alpha=0.18, lw=0)
    ax.text(table.index[-1], 0.04, "reached by data without structure ", ha="right", va="bottom", color=QUIET, fontsize=10)
    ax.axhline(clusters.stable, color=ACCENT, lw=1.1, ls="--", zorder=0)
    ax.text(table.index[-1], clusters.stable + 0.01, "least agreement to count as coming back", ha="right", va="bottom",
            color=ACCENT, fontsize=10)
    ax.plot(table.index, table["stability"], "o-", color=BLUE, lw=1.8)
    chosen = clusters.n_clusters_
    ax.plot(chosen, table.loc[chosen, "stability"], "o", ms=14, mfc="none", mec=ACCENT, mew=2)
    ax.annotate(f"{chosen} clusters: {clusters.label_}", (chosen, table.loc[chosen, "stability"]), (12, 8),
                textcoords="offset points", color=ACCENT, fontweight="bold")
    ax.set(xlabel="number of clusters", ylabel="agreement of two samples\n(1: they cut alike)", ylim=(0, 1.05),
           xticks=list(table.index))
    said = "; ".join(f"{k} clusters {s:.2f}, without structure up to {n:.2f}"
                     for k, s, n in zip(table.index, table["stability"], null, strict=True))
    finding, _, why = clusters.summary.partition(": ")
    return finish(ax, f"{finding}.", "Agreement of the clusters of two samples; grey is what data without structure reach.",
                   f"{why[:1].upper()}{why[1:]} Agreement: {said}.", rests_on=len(clusters.labels_))


def profile(table, finding, ax=None):
    """How each segment differs from everybody, feature by feature, with intervals.

    Parameters
    ----------
    table : DataFrame
        As made by `segments.profile`: segment, feature, difference, difference_low, difference_high, in standard deviations
        of everybody, missing where withheld; known, the people behind each.
    finding : str
        Title, from the numbers.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    features, segments = list(dict.fromkeys(table["feature"])), list(dict.fromkeys(table["segment"]))
    ax = axes_of(ax, 0.22 * len(features) * (len(segments) + 1) + 1.4)
    colours = dict(zip(segments, sns.color_palette("colorblind", len(segments)), strict=True))
    step = 0.8 / len(segments)
    for row in table.itertuples():
        y = features.index(row.feature) + step * (segments.index(row.segment) - (len(segments) - 1) / 2)
        ax.plot([row.difference_low, row.difference_high], [y, y], color=colours[row.segment], lw=2)
        ax.plot(row.difference, y, "o", color=colours[row.segment], ms=5.5,
                label=row.segment if row.feature == features[0] else None)
    ax.axvline(0, color=QUIET, lw=1, ls=":")
    ax.set_yticks(range(len(features)), features)
    ax.invert_yaxis()
    ax.grid(axis="x")
    ax.tick_params(left=False)
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1), title="cluster")
    ax.set(xlabel="difference from everybody, in standard deviations", ylabel="")
    said = "; ".join(f"{r.segment}, {r.feature} " + ("withheld" if pd.isna(r.difference) else
                     f"{r.difference:+.1f} ({r.difference_low:+.1f} to {r.difference_high:+.1f})")
                     for r in table.itertuples())
    return finish(ax, finding, "Points are means of a cluster, lines 95% intervals; log2: one more is twice as much.",
                   f"Differences in standard deviations: {said}.", table["difference"].isna().sum(),
                   rests_on=fewest(table, of="known", among="difference"))
