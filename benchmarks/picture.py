"""Seconds and peak memory by size: a row of two panels for each computation."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from libengage_utils.charts.style import ACCENT, BLUE, GRID, QUIET, house_style, svg

PANELS = {"seconds": "seconds", "memory": "peak memory, GB"}
APART = 0.09    # least distance of two names, as a share of the panel's height


def draw(results, path):
    """Write the picture: this package and its floors in colour, the others in grey, each with its name."""
    house_style()
    figure, axes = plt.subplots(len(results), 2, figsize=(9.5, 2.6 * len(results)), squeeze=False)
    for (title, found), row in zip(results.items(), axes, strict=True):
        for (of, label), ax in zip(PANELS.items(), row, strict=True):
            _panel(ax, {name: sorted((int(size) / 1e6, result[of]) for size, result in sizes.items() if "why" not in result)
                        for name, sizes in found.items()})
            ax.set_title(f"{title}: {label}" if of == "seconds" else label, fontsize=9)
    for ax in axes[-1]:
        ax.set_xlabel("million events", fontsize=8)
    path.write_text(svg(figure), encoding="utf-8")
    plt.close(figure)


def _panel(ax, lines):
    """Points by size, joined, on logarithms; the names beside the last ones, kept apart."""
    lines = {name: points for name, points in lines.items() if points}
    colours = {name: BLUE if name == "this package" else ACCENT if name.startswith("floor") else QUIET for name in lines}
    for name, points in lines.items():
        ax.plot(*zip(*points, strict=True), "o-", color=colours[name], ms=4, lw=2.2 if name == "this package" else 1)
    ax.set(xscale="log", yscale="log")
    ax.grid(color=GRID, lw=0.6)
    ax.margins(x=0.08, y=0.15)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 3) if axis is ax.yaxis else (1,)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    ax.tick_params(labelsize=8, labelcolor=QUIET)
    ax.get_ylim()       # so that the limits are those drawn
    ends = sorted(lines, key=lambda name: lines[name][-1][1])
    heights = ax.transAxes.inverted().transform(ax.transData.transform([lines[name][-1] for name in ends]))[:, 1]
    steps = APART * np.arange(len(ends))
    spread = np.maximum.accumulate(heights - steps) + steps
    for name, height in zip(ends, spread + (heights - spread).mean(), strict=True):
        ax.annotate(name, (1.02, height), xycoords="axes fraction", va="center", fontsize=8, color=colours[name])
