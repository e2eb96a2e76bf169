"""The house figures: uncertainty drawn, a title that states the finding, alt text from the numbers."""

import io
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython import get_ipython
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

INK, QUIET, GRID, ACCENT, BLUE = "#1d2733", "#5d6b7a", "#dde3ea", "#b4530a", "#1f6aa5"
LIFECYCLE_COLOURS = {"not seen": "#c9a27a", "seen, then quiet": "#b9c3cf", "occasional": "#8fbcdc",
                     "regular": "#3c86bd", "intensive": "#174a75", "unknown": "#ecedef"}
_FONTS = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"


def house_style():
    """Set the look of figures; in a notebook also have each shown as SVG with its alt text."""
    pd.set_option("display.max_colwidth", None)
    sns.set_theme(style="white", rc={
        "figure.figsize": (8, 4.2), "figure.constrained_layout.use": True, "svg.fonttype": "none",
        "svg.hashsalt": "libengage", "font.family": "DejaVu Sans", "font.size": 11, "text.color": INK,
        "axes.labelcolor": QUIET, "axes.edgecolor": GRID, "axes.titlesize": 13, "axes.titleweight": "bold",
        "axes.titlelocation": "left", "axes.titlepad": 14, "axes.labelsize": 11, "axes.spines.top": False,
        "axes.spines.right": False, "xtick.color": QUIET, "ytick.color": INK, "xtick.labelsize": 10.5,
        "ytick.labelsize": 11, "grid.color": GRID, "figure.facecolor": "white", "savefig.facecolor": "white"})
    if (shell := get_ipython()) is None:
        return
    shell.run_line_magic("matplotlib", "inline")
    formatters = shell.display_formatter.formatters
    for kind in ("image/png", "image/jpeg", "application/pdf"):
        formatters[kind].pop(Figure, None)
    formatters["image/svg+xml"].for_type(
        Figure, lambda figure: (svg(figure), {"alt": alt_text(figure), "caption": figure.get_label()}))


def svg(figure):
    """A figure as SVG text, the same whenever the figure is."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue().replace("'DejaVu Sans'", _FONTS).replace("DejaVu Sans", _FONTS)


def alt_text(figure):
    """What a figure shows, in words: the finding first, then the numbers."""
    return " ".join(ax.get_label() for ax in figure.axes if ax.get_label() and not ax.get_label().startswith("<"))


def _axes(ax, height=4.2):
    return plt.subplots(figsize=(8, height))[1] if ax is None else ax


def _finish(ax, finding, reading, numbers):
    """Title the figure by its finding; keep how to read it as caption, and all in words as alt text."""
    title = "\n".join(textwrap.wrap(finding, 66))
    if len(ax.figure.axes) == 1:
        ax.figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        ax.figure.set_label(reading)
    else:
        ax.set_title(title)
    ax.set_label(f"{finding} {reading} {numbers}")
    return ax


def _percent(value, digits=0):
    return "withheld" if pd.isna(value) else f"{value:.{digits}%}"


def weeks(table, ax=None):
    """Acts a week over the study's time, with the band that counting by chance alone would give.

    Parameters
    ----------
    table : DataFrame
        Columns week (date) and acts; weeks resting on too few people have missing acts.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = _axes(ax, 3.4)
    spread = 1.96 * np.sqrt(table["acts"])
    ax.fill_between(table["week"], table["acts"] - spread, table["acts"] + spread, color=BLUE, alpha=0.25, lw=0)
    ax.plot(table["week"], table["acts"], color=BLUE, lw=1.4)
    ax.set_ylim(0)
    ax.grid(axis="y")
    ax.set(xlabel="week", ylabel="acts of people in a week")
    high, low = table.loc[table["acts"].idxmax()], table.loc[table["acts"].idxmin()]
    for point, words, lift in ((high, "busiest", 6), (low, "quietest", 8)):
        ax.annotate(f"{words}: {point['acts']:,.0f}", (point["week"], point["acts"]), (4, lift),
                    textcoords="offset points", color=ACCENT, fontsize=10)
    return _finish(
        ax, f"Use swings with the calendar: the busiest week has {high['acts'] / low['acts']:.0f} times the acts of "
        "the quietest.",
        "Acts in each week; the band is how far a count of this size varies by chance.",
        f"The busiest week, beginning {high['week']:%d %B %Y}, has {high['acts']:,.0f} acts; the "
        f"quietest, beginning {low['week']:%d %B %Y}, has {low['acts']:,.0f}; the median week has "
        f"{table['acts'].median():,.0f}.")


def segment_shares(table, ax=None):
    """Share of eligible people in each lifecycle segment, with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        Indexed by segment, with columns share, low, high; missing where withheld.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = _axes(ax, 0.55 * len(table) + 1.4)
    for y, (segment, row) in enumerate(table.iterrows()):
        if pd.isna(row["share"]):
            ax.text(0.005, y, "withheld: too few people", va="center", color=QUIET, style="italic")
            continue
        ax.barh(y, row["share"], color=LIFECYCLE_COLOURS.get(segment, BLUE), edgecolor=QUIET, lw=0.6, height=0.72)
        ax.plot([row["low"], row["high"]], [y, y], color=INK, lw=1.6)
        ax.text(row["high"] + 0.008, y, _percent(row["share"]), va="center", fontweight="bold")
    ax.set_yticks(range(len(table)), table.index)
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlabel="share of eligible people", ylabel="",
           xlim=(0, min(1.0, np.nanmax(table["high"]) + 0.1)))
    ax.tick_params(left=False)
    unseen = table["share"].get("not seen", np.nan)
    finding = (f"{_percent(unseen)} of eligible people were not seen at all." if pd.notna(unseen)
               else f"The largest segment is \u201c{table['share'].idxmax()}\u201d.")
    return _finish(ax, finding, "Bars are shares of eligible people; lines are 95% intervals.", "Shares: " + "; ".join(
        f"{s} {_percent(r['share'])}" + (f" ({_percent(r['low'])} to {_percent(r['high'])})" if pd.notna(r["share"]) else "")
        for s, r in table.iterrows()) + ".")


def hundred_people(table, ax=None):
    """A hundred squares for a hundred eligible people, coloured by lifecycle segment.

    Parameters
    ----------
    table : DataFrame
        As for `segment_shares`; squares are given to segments by largest remainder, and what is
        withheld is left blank.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = _axes(ax, 3.9)
    wanted = 100 * table["share"].fillna(0)
    squares = np.floor(wanted).astype(int)
    left = min(100 - squares.sum(), (wanted > squares).sum()) if table["share"].notna().all() else 0
    squares[(wanted - squares).nlargest(left).index] += 1
    kinds = [segment for segment, count in squares.items() for _ in range(count)]
    for at, segment in enumerate(kinds):
        ax.add_patch(plt.Rectangle((at // 10, 9 - at % 10), 0.86, 0.86, color=LIFECYCLE_COLOURS.get(segment, BLUE),
                                   ec=QUIET, lw=0.4))
    y = 9.4
    for segment, row in table.iterrows():
        ax.add_patch(plt.Rectangle((11, y - 0.4), 0.86, 0.86, color=LIFECYCLE_COLOURS.get(segment, BLUE), ec=QUIET, lw=0.4))
        many = f"{squares[segment]} ({100 * row['low']:.0f} to {100 * row['high']:.0f})" if pd.notna(row["share"]) else "withheld"
        ax.text(12.2, y, f"{segment}: {many}", va="center")
        y -= 1.25
    ax.text(11, y, "in brackets: 95% interval", va="center", color=QUIET, fontsize=10)
    ax.set(xlim=(-0.1, 21), ylim=(-0.1, 10), aspect="equal")
    ax.axis("off")
    seen_now = squares.drop(["not seen", "seen, then quiet", "unknown"], errors="ignore").sum()
    said = "; ".join(f"{segment} {squares[segment] if pd.notna(share) else 'withheld'}" for segment, share in table["share"].items())
    return _finish(ax, f"Of every 100 people who may use the library, {seen_now} were seen using it in the period.",
                   "A square is one in a hundred eligible people.", f"Squares: {said}.")


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
    """
    ax = _axes(ax, 4.8)
    ax.plot([0, 1], [0, 1], color=QUIET, lw=0.9, ls=":")
    ax.text(0.2, 0.23, "everybody alike", rotation=29, color=QUIET, fontsize=10, ha="center")
    first = next(iter(results.values()))
    ax.plot(first.curve["people"], first.curve["by_chance"], color=QUIET, lw=1.2, ls="--")
    ax.annotate("chance alone, one rate for all", (0.56, np.interp(0.56, first.curve["people"], first.curve["by_chance"])),
                (8, -12), textcoords="offset points", color=QUIET, fontsize=10)
    for at, ((words, result), colour) in enumerate(zip(results.items(), (BLUE, ACCENT), strict=False)):
        curve = result.curve
        ax.fill_between(curve["people"], curve["low"], curve["high"], color=colour, alpha=0.25, lw=0)
        ax.plot(curve["people"], curve["use"], color=colour, lw=2)
        x, beside = ((0.76, {"xytext": (-10, 6), "ha": "right"}), (0.72, {"xytext": (10, -16), "ha": "left"}))[at]
        ax.annotate(words, (x, np.interp(x, curve["people"], curve["use"])), textcoords="offset points", color=colour,
                    fontweight="bold", fontsize=11, **beside)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlabel="share of people, the least active first", ylabel="share of use",
           xlim=(0, 1), ylim=(0, 1))
    top = first.top_share
    return _finish(
        ax, f"The most active {first.top:.0%} of people make {top.estimate:.0%} of the use; by chance alone they would "
        f"make {top.by_chance:.0%}.",
        "People stand from the least to the most active; a curve adds up what they did. Bands are 95% intervals.",
        " ".join(f"Among {words} ({result.people:,}): the top {result.top:.0%} make {result.top_share.estimate:.0%} "
                 f"({result.top_share.low:.0%} to {result.top_share.high:.0%}), Gini index {result.gini.estimate:.2f} "
                 f"({result.gini.low:.2f} to {result.gini.high:.2f}), by chance {result.gini.by_chance:.2f}."
                 for words, result in results.items()))


def intervals(table, finding, *, xlabel, form=".0%", mark=None, mark_words="", reference=None, ax=None):
    """Estimates with intervals, one line each, in groups; a mark where a rule draws its line.

    Parameters
    ----------
    table : DataFrame
        Columns label, estimate, low, high, and optionally group; missing where withheld.
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
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    groups = table["group"] if "group" in table else pd.Series("", index=table.index)
    heads = [group for group in dict.fromkeys(groups) if group]
    ax = _axes(ax, 0.34 * (len(table) + len(heads)) + 1.5)
    across = ax.get_yaxis_transform()
    y, ticks = 0, []
    for group, rows in table.groupby(groups, sort=False):
        if group:
            ax.text(-0.01, y, group, transform=across, fontweight="bold", va="center", ha="right", color=QUIET)
            y += 1
        for row in rows.itertuples():
            if pd.isna(row.estimate):
                ax.text(0.02, y, "withheld: too few people", transform=across, va="center", color=QUIET, style="italic")
            else:
                ax.plot([row.low, row.high], [y, y], color=BLUE, lw=2.4, solid_capstyle="round", alpha=0.55)
                ax.plot(row.estimate, y, "o", color=BLUE, ms=6.5)
                ax.annotate(format(row.estimate, form), (row.high, y), (7, 0), textcoords="offset points", va="center")
            ticks.append((y, row.label))
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
        ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlabel=xlabel, ylabel="")
    said = [f"{row.label} " + ("withheld" if pd.isna(row.estimate) else
                               f"{row.estimate:{form}} ({row.low:{form}} to {row.high:{form}})") for row in table.itertuples()]
    marked = f" Dashed: {mark_words}." if mark is not None else ""
    return _finish(ax, finding, f"Points are estimates, lines 95% intervals.{marked}", f"{xlabel.capitalize()}: {'; '.join(said)}.")


def movement(shares, finding, *, before, after, impossible, ax=None):
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
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = _axes(ax, 0.62 * len(shares) + 1.7)
    marks = shares.map(_percent)
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
    said = "; ".join(f"of those {row} in {before}: " + ", ".join(
        f"{marks.loc[row, c]} {c}" for c in shares.columns if not impossible.loc[row, c]) for row in shares.index)
    return _finish(ax, finding, "Each row adds up to all the people of a segment; blank cells cannot occur, and a share is "
                   "withheld where it rests on too few people or would give such a share away.", f"Shares {said}.")


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
    ax = _axes(ax)
    table = clusters.stability_
    null = table[["gaussian_p95", "uniform_p95"]].max(axis=1)
    ax.fill_between(table.index, 0, null, color=QUIET, alpha=0.18, lw=0)
    ax.text(table.index[-1], null.iloc[-1] - 0.02, "reached by data without structure ", ha="right", va="top", color=QUIET,
            fontsize=10)
    ax.plot(table.index, table["stability"], "o-", color=BLUE, lw=1.8)
    chosen = clusters.n_clusters_
    ax.plot(chosen, table.loc[chosen, "stability"], "o", ms=14, mfc="none", mec=ACCENT, mew=2)
    ax.annotate(f"{chosen} clusters: {clusters.label_}", (chosen, table.loc[chosen, "stability"]), (12, 6),
                textcoords="offset points", color=ACCENT, fontweight="bold")
    ax.set(xlabel="number of clusters", ylabel="agreement of two samples\n(1: they cut alike)", ylim=(0, 1.05),
           xticks=list(table.index))
    said = "; ".join(f"{k} clusters {s:.2f}, without structure up to {n:.2f}"
                     for k, s, n in zip(table.index, table["stability"], null, strict=True))
    finding, _, why = clusters.summary.partition(": ")
    return _finish(ax, f"{finding}.", "Agreement of the clusters of two samples; grey is what data without structure reach.",
                   f"{why[:1].upper()}{why[1:]} Agreement: {said}.")


def profile(table, finding, ax=None):
    """How each segment differs from everybody, feature by feature, with intervals.

    Parameters
    ----------
    table : DataFrame
        Columns segment, feature, difference, low, high, in standard deviations of everybody.
    finding : str
        Title, from the numbers.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    features, segments = list(dict.fromkeys(table["feature"])), list(dict.fromkeys(table["segment"]))
    ax = _axes(ax, 0.22 * len(features) * (len(segments) + 1) + 1.4)
    colours = dict(zip(segments, sns.color_palette("colorblind", len(segments)), strict=True))
    step = 0.8 / len(segments)
    for row in table.itertuples():
        y = features.index(row.feature) + step * (segments.index(row.segment) - (len(segments) - 1) / 2)
        ax.plot([row.low, row.high], [y, y], color=colours[row.segment], lw=2)
        ax.plot(row.difference, y, "o", color=colours[row.segment], ms=5.5,
                label=row.segment if row.feature == features[0] else None)
    ax.axvline(0, color=QUIET, lw=1, ls=":")
    ax.set_yticks(range(len(features)), features)
    ax.invert_yaxis()
    ax.grid(axis="x")
    ax.tick_params(left=False)
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1), title="cluster")
    ax.set(xlabel="difference from everybody, in standard deviations", ylabel="")
    said = "; ".join(f"{r.segment}, {r.feature} {r.difference:+.1f} ({r.low:+.1f} to {r.high:+.1f})"
                     for r in table.itertuples())
    return _finish(ax, finding, "Points are means of a cluster, lines 95% intervals; log2: one more is twice as much.",
                   f"Differences in standard deviations: {said}.")
