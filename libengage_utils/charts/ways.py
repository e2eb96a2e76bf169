"""Figures of services: the declared way with the traffic on and beside it, and uptake against its forecast."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import PercentFormatter

from .style import ACCENT, BLUE, GRID, INK, QUIET, as_said, axes_of, fewest, finish, grid_of, percent, span

WIDTH, HEIGHT = 0.25, 0.2   # half of those of a step's box, whose neighbour is 1 away
THICK = 16                  # points that an arrow of all errands is wide
DRAWN = 0.03                # share of errands from which traffic beside the way is drawn
NAMED = 0.01                # and from which another step is named under a declared one


def declared_way(flows, steps, finding, *, optional=(), ax=None):
    """The steps of a declared way as boxes, and the traffic along it, past steps, back, and elsewhere.

    Parameters
    ----------
    flows : DataFrame
        As made by `journeys.flows`: before, after, kind ("declared", "skip", "back" or "added"), estimate, low, high
        (share of errands), rests_on; missing where withheld.
    steps : list of str
        The declared steps in order.
    finding : str
        Title, from the numbers.
    optional : collection of str
        Steps that may be left out.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If every flow is withheld.
    """
    known = as_said(flows.dropna(subset=["estimate"]), ".0%")
    if known.empty:
        raise ValueError("Too few people went any one way for the traffic to be drawn.")
    ax = axes_of(ax, 4.4)
    place = {"begin": -0.72, **{step: at for at, step in enumerate(steps)}, "end": len(steps) - 0.28}
    top = max([_arrow(ax, place[row.before], place[row.after], row)
               for row in known[(known["kind"] != "added") & (known["estimate"] >= DRAWN)]
               .sort_values("estimate", ascending=False).itertuples()], default=0)
    foot = _others(ax, known[known["kind"] == "added"], place)
    for step in steps:
        ax.add_patch(FancyBboxPatch((place[step] - WIDTH, -HEIGHT), 2 * WIDTH, 2 * HEIGHT, boxstyle="round,pad=0.04",
                                    fc="#eef4f9", ec=BLUE, lw=1.5, ls="--" if step in optional else "-", zorder=3))
        ax.text(place[step], 0, "\n".join(textwrap.wrap(step, 11)), ha="center", va="center", fontsize=10, zorder=4)
    for name in ("begin", "end"):
        ax.plot(place[name], 0, "o", color=QUIET, ms=7, zorder=3)
        ax.text(place[name], -0.1, name, ha="center", va="top", color=QUIET, fontsize=10)
    ax.set(xlim=(-0.95, len(steps) - 0.05), ylim=(foot - 0.1, max(top + 0.15, 0.5)))
    ax.axis("off")
    said = "; ".join(f"{row.before} to {row.after} ({row.kind}) {span(row, '.0%')}" for row in flows.itertuples())
    return finish(
        ax, finding, "Boxes are the declared steps; a dashed one may be left out. Blue goes along the way, orange over a "
        "required step (above) or back (below); the wider, the more errands. Named below a step is what else came most "
        "after it. Shares are of all errands, with half the width of the 95% interval; arrows that "
        f"fewer than {100 * DRAWN:.0f} in 100 took are not drawn.",
        f"Shares of errands: {said}.", flows["estimate"].isna().sum(), rests_on=fewest(flows))


def _arrow(ax, start, end, row):
    """One flow between two places, and how high it reaches."""
    style = {"arrowstyle": "-|>", "mutation_scale": 9, "lw": max(1, THICK * row.estimate), "shrinkA": 0, "shrinkB": 0}
    words = {"ha": "center", "fontsize": 9, "fontweight": "bold", "zorder": 5}
    side, far, colour = (-1 if row.kind == "back" else 1), abs(end - start), BLUE if row.kind == "declared" else ACCENT
    if row.kind == "declared" and 0 < far < 1.1:
        left, right = start + (WIDTH + 0.05) * (row.before != "begin"), end - (WIDTH + 0.05) * (row.after != "end")
        ax.add_patch(FancyArrowPatch((left, 0), (right, 0), color=BLUE, alpha=0.5, **style | {"arrowstyle": "-"}))
        ax.text((left + right) / 2, 0.1, _about(row), va="bottom", color=BLUE, **words)
        return HEIGHT
    edge = side * (HEIGHT + 0.06)
    if not far:                              # taken again: a loop below the step
        start, end, far = start - 0.12, end + 0.12, 0.35
    reach = edge + side * (0.06 + 0.2 * far)
    bend = -side * np.sign(end - start) * 2 * abs(reach - edge) / abs(end - start)
    aside = 0.06 * side * (far > 0.5)
    ax.add_patch(FancyArrowPatch((start + aside, edge), (end - aside, edge), connectionstyle=f"arc3,rad={bend:.3f}",
                                 color=colour, alpha=0.7, zorder=2, **style))
    ax.annotate(_about(row), ((start + end) / 2, reach), (0, 2 * side), textcoords="offset points", color=colour,
                va="bottom" if side > 0 else "top", bbox={"fc": "white", "ec": "none", "pad": 0.4}, **words)
    return reach


def _others(ax, added, place):
    """What came after each declared step instead, named below it; and how far down that reaches."""
    foot = -0.75
    for step, rows in added.groupby("before", sort=False):
        row = rows.loc[rows["estimate"].idxmax()]
        if row["estimate"] < NAMED:
            continue
        ax.plot([place[step]] * 2, [-HEIGHT, -0.62], color=ACCENT, lw=1, ls=":", zorder=1)
        lines = [*textwrap.wrap(row["after"], 12), _about(row)]
        ax.text(place[step], -0.64, "\n".join(lines), ha="center", va="top", fontsize=9.5, color=ACCENT, linespacing=1.4,
                bbox={"fc": "white", "ec": GRID, "pad": 2.5})
        foot = min(foot, -0.72 - 0.16 * len(lines))
    return foot


def _about(row):
    """A share and half the width of its interval, such as 34% ±2."""
    return f"{row.estimate:.0%} \u00b1{max(1, round(50 * (row.high - row.low)))}"


def uptake(curves, table, finding):
    """Share of eligible people who have used each new service, day by day, and what had been forecast.

    Parameters
    ----------
    curves : DataFrame
        service, day, estimate, low, high, rests_on; ends where too few are left to watch.
    table : DataFrame
        service, expected_share, day (by which), ratio (missing where no forecast counts) and status, which says why.
    finding : str
        Title, from the numbers.

    Returns
    -------
    matplotlib Axes
        The first panel.

    Raises
    ------
    ValueError
        If no curve may be shown.
    """
    if curves.empty:
        raise ValueError("Too few people used any new service for its uptake to be shown.")
    services, said = list(dict.fromkeys(curves["service"])), []
    axes, forecasts = grid_of(len(services), 2.5), table.set_index("service")
    for ax, (service, rows) in zip(axes, curves.groupby("service", sort=False), strict=False):
        ax.fill_between(rows["day"], rows["low"], rows["high"], color=BLUE, alpha=0.2, lw=0)
        ax.plot(rows["day"], rows["estimate"], "o-", color=BLUE, lw=1.4, ms=4)
        last, forecast = rows.iloc[-1], forecasts.loc[service]
        ax.annotate(percent(last["estimate"]), (last["day"], last["estimate"]), (5, -3), textcoords="offset points",
                    color=BLUE, fontweight="bold", fontsize=10.5)
        words = f"{service}: {span(last, '.0%')} by day {last['day']:.0f}"
        if pd.notna(forecast["ratio"]):
            expected, day = forecast["expected_share"], forecast["day"]
            ax.plot(day, expected, "D", color=ACCENT, ms=8)
            ax.annotate(f"forecast: {percent(expected)}", (day, expected), (-8, 0), textcoords="offset points", ha="right",
                        va="center", color=ACCENT, fontsize=10)
            words += f", forecast {percent(expected)} by day {day:.0f}"
        else:
            ax.text(0.03, 0.97, "\n".join(textwrap.wrap(forecast["status"], 40)), transform=ax.transAxes, va="top",
                    color=ACCENT, fontsize=10, style="italic")
            words += f", {forecast['status']}"
        ax.set_title(service, fontsize=11, pad=6, color=INK)
        ax.grid(axis="y")
        said.append(words)
    highest = max(curves["high"].max(), table["expected_share"].where(table["ratio"].notna()).fillna(0).max())
    for ax in axes:
        ax.set(ylim=(0, 1.15 * highest), xlim=(0, 1.15 * curves["day"].max()))
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes[0].figure.supxlabel("days since the service was launched", fontsize=11, color=QUIET)
    axes[0].figure.supylabel("share of eligible people who have used it", fontsize=11, color=QUIET)
    return finish(axes[0], finding, "Lines are shares of the people who could use the service on its first day; bands are "
                  "95% intervals. A diamond is what had been forecast before the launch.", f"{'; '.join(said)}.",
                  rests_on=fewest(curves))
