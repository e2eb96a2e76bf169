"""The house style: colours, SVG with alt text, and the finishing touch that every figure gets."""

import io
import re
import textwrap
from weakref import WeakKeyDictionary, WeakSet

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from IPython import get_ipython
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..claims import without_cause
from ..privacy import minus

INK, QUIET, GRID, ACCENT, BLUE = "#1d2733", "#5d6b7a", "#dde3ea", "#b4530a", "#1f6aa5"
LIFECYCLE_COLOURS = {"not seen": "#c9a27a", "seen, then quiet": "#b9c3cf", "occasional": "#8fbcdc",
                     "regular": "#3c86bd", "intensive": "#174a75", "unknown": "#ecedef"}
_ABOUT = WeakKeyDictionary()    # figure -> what it says: title, alt, caption, withheld, rests_on, counts
NOBODY = "no people"            # what rules, words and arithmetic rest on
_OURS = WeakSet()               # figures made here, whose title is the figure's own
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
    if getattr(shell := get_ipython(), "kernel", None) is None:     # no notebook
        return
    shell.run_line_magic("matplotlib", "inline")
    formatters = shell.display_formatter.formatters
    for kind in ("image/png", "image/jpeg", "application/pdf"):
        formatters[kind].pop(Figure, None)
    formatters["image/svg+xml"].for_type(
        Figure, lambda figure: (svg(figure), _ABOUT.get(figure, {})))


def svg(figure):
    """A figure as SVG text, the same whenever the figure is."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue().replace("'DejaVu Sans'", _FONTS).replace("DejaVu Sans", _FONTS)


def alt_text(figure):
    """What a figure shows, in words: the finding first, then the numbers."""
    return _ABOUT.get(figure, {}).get("alt", "")


def axes_of(ax, height=4.2):
    """The axes given, or those of a new figure."""
    return panels(1, height)[0] if ax is None else ax


def panels(number, height):
    """Axes side by side in a new figure, on one vertical scale."""
    figure, axes = plt.subplots(1, number, figsize=(8, height), sharey=True, squeeze=False)
    _OURS.add(figure)
    return axes[0]


def grid_of(number, height):
    """Axes for a number of like panels, two a row, in a new figure on common scales."""
    rows, columns = -(-number // 2), min(number, 2)
    figure, axes = plt.subplots(rows, columns, figsize=(8, rows * height + 0.6), sharex=True, sharey=True, squeeze=False)
    _OURS.add(figure)
    for ax in axes.flat[number:]:
        ax.axis("off")
    return list(axes.flat[:number])


def stacked(heights):
    """Axes one above the other in a new figure, on one horizontal scale, of these heights in inches."""
    figure, axes = plt.subplots(len(heights), 1, figsize=(8, sum(heights)), sharex=True, height_ratios=heights)
    _OURS.add(figure)
    return axes


def finish(ax, finding, reading, numbers, withheld=0, *, rests_on=None, counts=(), by_lot=False):
    """Title the figure by its finding; keep how to read it as caption, and all in words as alt text.

    The fewest people behind anything it shows (`rests_on`, as `fewest` finds them) and the `counts` that it makes public
    go with it to the release gate. Only a figure of people whom a lot chose (`by_lot`) may name a cause.
    """
    finding, reading, numbers = map(minus, (finding, reading, numbers))
    if not by_lot:
        without_cause(f"{finding} {reading} {numbers}")
    title = "\n".join(textwrap.wrap(finding, 66))
    if ax.figure in _OURS:
        ax.figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    else:
        ax.set_title(title)
    about = _ABOUT.setdefault(ax.figure, {"title": finding, "alt": "", "caption": "", "withheld": 0})
    about["alt"] = f"{about['alt']} {finding} {reading} {numbers}".strip()
    about["caption"] = f"{about['caption']} {reading}".strip()
    about["withheld"] += int(withheld)
    if rests_on is not None:
        both = rests_on, about.get("rests_on", rests_on)
        about["rests_on"] = min(both, key=lambda number: float("inf") if number == NOBODY else number)
    if len(counts):
        about["counts"] = [*about.get("counts", []), *counts]
    return ax


def fewest(*tables, of="rests_on", among="estimate"):
    """The fewest people behind any figure that these tables show, for the release gate to know.

    Parameters
    ----------
    *tables : DataFrame
        Of those who are counted, of those who are not, and of everybody: the fewest behind a row are in its column `of`,
        infinitely many where nobody is behind it, as behind a figure that is nought by definition. A row is shown unless
        `among`, or without such a column `of` itself, is missing.
    of, among : str
        Columns.

    Returns
    -------
    int, str or None
        "no people" where nobody is behind any row, or none is shown; None where a table does not say.

    Examples
    --------
    >>> fewest(pd.DataFrame({"estimate": [0.2, float("nan")], "rests_on": [40, 3]}))
    40
    """
    if any(of not in table for table in tables):
        return None
    behind = pd.concat([table.loc[table[among if among in table else of].notna(), of] for table in tables])
    return least(*behind)


def least(*numbers):
    """The least of some numbers of people, for the release gate: "no people" if none is finite, None if one is missing.

    Examples
    --------
    >>> least(40, 12.0), least(float("inf")), least(40, float("nan"))
    (12, 'no people', None)
    """
    numbers = pd.Series(numbers, dtype=float)
    if numbers.isna().any():
        return None
    fewest = numbers.min() if len(numbers) else float("inf")
    return NOBODY if fewest == float("inf") else int(fewest)


def number(value, form):
    """A number in this format, nought without a sign, and the sign a minus rather than a hyphen.

    Examples
    --------
    >>> number(-0.001, ".0%"), number(-0.4, "+.0f"), number(-1.2, "+.0f")
    ('0%', '0', '\u22121')
    """
    words = format(value, form)
    return words.replace("-", "\N{MINUS SIGN}") if re.search("[1-9]", words) else words.lstrip("+-")


def as_said(table, form):
    """Estimates and their limits as their format says them: a figure draws no digit that its labels do not say.

    Finer digits would give away the counts behind a share.

    Examples
    --------
    >>> as_said(pd.DataFrame({"estimate": [0.4567], "low": [0.4412], "high": [0.4721]}), ".0%").loc[0].tolist()
    [0.46, 0.44, 0.47]
    """
    digits = int(re.search(r"\.(\d+)", form)[1]) + 2 * form.endswith("%")
    return table.assign(**table[["estimate", "low", "high"]].astype(float).round(digits))


def estimate_line(ax, y, row, form, colour, ink=INK):
    """An estimate as a point, its interval as a line, and its number; or that it is withheld, and why where that is said."""
    if pd.isna(row.estimate):
        why = row.why if isinstance(getattr(row, "why", None), str) else "too few people"
        ax.text(0.02, y, f"withheld: {why}", transform=ax.get_yaxis_transform(), va="center", color=QUIET, style="italic")
        return
    ax.plot([row.low, row.high], [y, y], color=colour, lw=2.4, solid_capstyle="round", alpha=0.55)
    ax.plot(row.estimate, y, "o", color=colour, ms=6.5)
    ax.annotate(number(row.estimate, form), (row.high, y), (7, 0), textcoords="offset points", va="center", color=ink,
                bbox={"fc": "white", "ec": "none", "pad": 0.8})


def share_axis(ax):
    """Show the horizontal axis as percentages, from 0 where no share lies below it."""
    low, high = ax.get_xlim()
    if ax.dataLim.x0 >= 0:
        low = 0
        ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0 if high - low > 0.05 else 1))


def span(row, form):
    """An estimate and its interval in words, or that it is withheld.

    Parameters
    ----------
    row : Series or namedtuple
        With estimate, low and high.
    form : str

    Examples
    --------
    >>> span(pd.Series({"estimate": 0.2, "low": 0.11, "high": 0.3}), ".0%")
    '20% (11% to 30%)'
    """
    if pd.isna(row.estimate):
        return "withheld"
    return f"{number(row.estimate, form)} ({number(row.low, form)} to {number(row.high, form)})"


def percent(share):
    """A share in words, such as 18%; "too few to show" where it is withheld.

    Examples
    --------
    >>> percent(0.184), percent(float("nan"))
    ('18%', 'too few to show')
    """
    return "too few to show" if pd.isna(share) else f"{share:.0%}"


def shown(table, form=",.0f"):
    """A table as readers see it: numbers in a format, what is missing as withheld, without what it rests on.

    Parameters
    ----------
    table : DataFrame
    form : str

    Returns
    -------
    DataFrame of str

    Examples
    --------
    >>> shown(pd.DataFrame({"people": [1200.0, float("nan")], "who": ["all", "few"]})).values.tolist()
    [['1,200', 'all'], ['withheld', 'few']]
    """
    def cell(value):
        return value if isinstance(value, str) else "withheld" if pd.isna(value) else number(value, form)

    return table.drop(columns="rests_on", errors="ignore").map(cell)
