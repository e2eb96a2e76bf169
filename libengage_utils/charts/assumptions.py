"""How an estimate and its verdict move over the choices made: the specification curve."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from ..claims import CLAIMS, VERDICTS, how_many_agree
from .style import ACCENT, BLUE, INK, QUIET, as_said, fewest, finish, number, stacked

COLOURS = dict(zip(VERDICTS, (BLUE, ACCENT, QUIET, QUIET), strict=True))


def specification_curve(table, claim, *, words, ylabel):
    """Estimates under all combinations of choices, in order of size, over a grid that says which choices made each.

    Parameters
    ----------
    table : DataFrame
        As made by `specifications.specifications`; what could not be made is left out of the figure and counted.
    claim : str
        Number of the claim whose rule judges each.
    words : dict of str to str
        Keyword of a choice -> what is chosen, in words; what could be chosen in one way only is not shown.
    ylabel : str
        The quantity, in words with its unit.

    Returns
    -------
    matplotlib Axes
        The upper panel.

    Raises
    ------
    ValueError
        If the claim's own estimate could not be made.
    """
    claim = CLAIMS[claim]
    known = table.dropna(subset=["estimate"]).sort_values("estimate", kind="stable", ignore_index=True)
    if not known["judged"].any():
        raise ValueError("The claim's own estimate could not be made, so other choices are not held against it.")
    words = {name: what for name, what in words.items() if table[name].nunique() > 1}
    rows = [(name, word) for name in words for word in dict.fromkeys(table[name])]
    ax, grid = stacked((3.3, 0.27 * (len(rows) + len(words)) + 0.3))
    known["verdict"] = [claim.verdict(low, high) for low, high in zip(known["low"], known["high"], strict=True)]
    known = as_said(known, claim.form)
    judged = known[known["judged"]]
    for row in known.itertuples():
        ax.plot([row.Index] * 2, [row.low, row.high], color=COLOURS[row.verdict], lw=1.8, alpha=0.45, solid_capstyle="round")
        ax.plot(row.Index, row.estimate, "o", color=COLOURS[row.verdict], ms=4.5)
    ends = [claim.threshold, known["low"].min(), known["high"].max()]
    top, foot = max(ends) + 0.2 * np.ptp(ends), min(ends) - 0.1 * np.ptp(ends)
    ax.plot(judged.index, judged["estimate"], "o", ms=12, mfc="none", mec=INK, mew=1.6)
    for row in judged.itertuples():
        ax.annotate("as judged", (row.Index, row.high), (row.Index, top), ha="center", va="top", fontsize=10,
                    arrowprops={"arrowstyle": "-", "lw": 0.8, "color": QUIET})
    ax.axhline(claim.threshold, color=INK, lw=1.1, ls="--", zorder=0)
    ax.annotate(f"the rule: {claim.show(claim.threshold)}", (len(known) - 0.3, claim.threshold), (6, 0),
                textcoords="offset points", va="center", fontsize=10, annotation_clip=False)
    there = [verdict for verdict in VERDICTS if (known["verdict"] == verdict).any()]
    ax.legend([Line2D([], [], color=COLOURS[verdict], marker="o", lw=1.8) for verdict in there], there, frameon=False,
              loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=10.5, handlelength=1.2, borderpad=0)
    ax.set(ylabel=ylabel, xlim=(-0.7, len(known) - 0.3), ylim=(foot, top), xticks=[])
    if claim.form.endswith("%"):
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.grid(axis="y")
    _choices(grid, known, rows, words)
    verdicts = known["verdict"].value_counts().reindex(there)
    left, (least, most) = len(table) - len(known), known["estimate"].agg(["min", "max"])
    alike = known["verdict"].eq(judged["verdict"].iloc[0]).sum()
    finding = (f"The verdict is \u201c{judged['verdict'].iloc[0]}\u201d under {how_many_agree(alike, len(known))} sets of "
               f"choices; the estimate goes from {number(least, claim.form)} to {number(most, claim.form)}{claim.unit}.")
    return finish(
        ax, finding, "Each line is the 95% interval under one combination of choices, shown by the dots below it; all are "
        f"of the same study.{f' Combinations that could not be computed: {left}.' if left else ''}",
        f"Of {len(known)} combinations: {'; '.join(f'{many} {verdict}' for verdict, many in verdicts.items())}.",
        rests_on=fewest(known), by_lot=claim.by_lot)


def _choices(grid, known, rows, words):
    """The lower panel: a dot where a combination made a choice, the choices under the words for what is chosen."""
    y, ticks, last = 0, [], None
    for name, word in rows:
        if name != last:
            grid.text(-0.015, y, words[name], transform=grid.get_yaxis_transform(), ha="right", va="center", color=QUIET,
                      fontsize=10, fontweight="bold")
            y, last = y + 1, name
        made = np.flatnonzero(known[name] == word)
        grid.plot([-0.7, len(known) - 0.3], [y, y], color="#eef1f4", lw=1, zorder=0)
        grid.plot(made, np.full(len(made), y), "o", color=INK, ms=4)
        ticks.append((y, word))
        y += 1
    grid.set_yticks(*zip(*ticks, strict=True))
    grid.tick_params(left=False, bottom=False, labelsize=10)
    grid.set(ylim=(y - 0.4, -0.8), xticks=[], xlabel="combinations of choices, by size of the estimate")
    for side in grid.spines.values():
        side.set_visible(False)
