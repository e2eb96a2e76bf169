"""Whether a letter did more for some groups than for others, each group's figure drawn towards all of them."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ..privacy import suppress
from .contacts import ARMS, known_before, need_followed
from .holdout import in_both_arms
from .shares import difference, standardised_shares

CERTAIN = 0.05  # false discovery rate at which a group is said to differ
ROUNDS = 50  # of Newton's method


@dataclass(frozen=True)
class GroupEffects:
    """What the letter did in each group; made by `effect_by_group`.

    Attributes
    ----------
    table : DataFrame
        A row a group, the largest gain first: label, n (people in both arms), raw, raw_low, raw_high (difference in
        percentage points with Newcombe's interval), estimate, low, high (the same drawn towards the mean of the groups),
        from_others (raw less the mean of the other groups), q (of that being nought, allowing for the number of groups),
        rests_on (the fewest of an arm who came back, or did not). Missing where withheld.
    mean, spread : float
        Mean of the groups and their standard deviation beyond chance, in percentage points.
    p : float
        How often groups would differ as much if the letter did the same in all of them.
    withheld, too_small, left_out : int
        Groups whose figures are withheld; groups with too few people in an arm, which are not compared; people without a
        group, in the window still, or with a chance of the letter that only one arm has.
    """

    table: pd.DataFrame = field(repr=False)
    mean: float
    spread: float
    p: float
    withheld: int
    too_small: int
    left_out: int

    @property
    def contrast(self):
        """`table` as two series, as counted and as drawn towards the mean, for a figure (DataFrame)."""
        drawn = self.table.drop(columns=["raw", "raw_low", "raw_high"])
        raw = self.table.drop(columns=["estimate", "low", "high"]).rename(
            columns={"raw": "estimate", "raw_low": "low", "raw_high": "high"})
        return pd.concat([raw.assign(series="as counted"), drawn.assign(series="drawn towards the mean")], ignore_index=True)

    @property
    def headline(self):
        """The groups that differ, in a sentence."""
        sure = self.table.loc[self.table["q"] < CERTAIN, "label"]
        return (f"The letter did not do the same everywhere: {', '.join(sure)}." if len(sure) else
                "For no group is it known that the letter did more, or less, than for the others.")

    @property
    def summary(self):
        """The finding in two or three sentences."""
        sure = self.table[self.table["q"] < CERTAIN]
        told = [f"in {row.label} it added {abs(row.from_others):.1f} {'more' if row.from_others > 0 else 'fewer'} returns "
                f"for every 100 letters than in the other groups (q {row.q:.3f})" for row in sure.itertuples()]
        hidden = " of those that may be shown" if self.withheld else ""
        spread = ("the spread between groups is what chance makes" if self.p >= CERTAIN else
                  f"groups spread more than chance makes likely, by about {self.spread:.1f} points")
        words = (f"The letter did not do the same everywhere: {'; '.join(told)}." if told else
                 f"No group{hidden} is known to differ from the others; {spread}.")
        few = {"withheld": self.withheld, "too small to be compared": self.too_small}
        return words + "".join(f" {n:,} {'group is' if n == 1 else 'groups are'} {what}." for what, n in few.items() if n)


def effect_by_group(followed, group, *, draws=2000, minimum_count=10, random_state=0):
    """What the letter did in each group, drawn towards the mean of the groups as far as chance can part them.

    Differences of small groups scatter by chance; the largest of many is therefore too large. They are drawn towards the
    mean by a model in which groups spread about it (empirical Bayes). Limits allow for mean and spread being estimated: they
    are percentiles over draws in which both are found anew.

    Parameters
    ----------
    followed : DataFrame
        The people of `follow`.
    group : str
        Column of groups, known before the lot.
    draws : int
        Draws of mean and spread.
    minimum_count : int
        Fewest people in each arm of a group compared; and fewest who came back, and who did not, where it is shown.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    GroupEffects

    Raises
    ------
    ValueError
        If a column is missing or was not known before the lot, or fewer than two groups can be compared.

    References
    ----------
    Spread: Paule & Mandel (1982), J. Res. Natl. Bur. Stand. 87(5), 377-385. Limits: Laird & Louis (1987), J. Am. Stat.
    Assoc. 82(399), 739-750; Morris (1983), ibid. 78(381), 47-55. Variances: Agresti & Caffo (2000), Am. Stat. 54(4),
    280-288. Many groups: Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57(1), 289-300.

    Examples
    --------
    >>> followed = pd.DataFrame({"person_key": range(800), "arm": ["letter", "holdout"] * 400, "probability": 0.5,
    ...     "stratum": "all", "assigned_on": "2025-10-20", "watched": 90, "site": ["Hill"] * 400 + ["Main"] * 400,
    ...     "returned": ([True] * 20 + [True, False] * 40 + [False] * 300) * 2})
    >>> effects = effect_by_group(followed, "site")
    >>> effects.table[["label", "raw", "estimate"]].round(1).values.tolist(), effects.spread
    ([['Hill', 20.0, 20.0], ['Main', 20.0, 20.0]], 0.0)
    """
    known_before(group)
    need_followed(followed, group)
    rows = in_both_arms(followed)[0].dropna(subset=[group]).astype({group: str})
    rows = rows[rows.groupby([group, "probability"])["arm"].transform("nunique") == len(ARMS)]
    cells = _cells(rows, group)
    n = cells.T.groupby(level="arm").sum().T
    small = n.min(axis=1) < minimum_count
    cells, n = cells[~small], n[~small]
    if len(cells) < 2:
        raise ValueError(f"{'One group' if len(cells) else 'No group'} of {group} has {minimum_count} people in each arm; "
                         "it takes two to be compared: merge groups, or keep to the whole.")
    each = [_difference(some) for name, some in rows.groupby(group) if name in cells.index]
    raw, low, high, variance = 100 * np.array(each).T * [[1], [1], [1], [100]]
    drawn, limits, mean, spread = _drawn_to_the_mean(raw, variance, draws, random_state)
    away, p = _from_others(raw, variance, n.sum(axis=1).to_numpy())
    table = pd.DataFrame({
        "label": cells.index, "n": n.sum(axis=1).to_numpy(dtype=float), "raw": raw, "raw_low": low, "raw_high": high,
        "estimate": drawn, "low": limits[0], "high": limits[1], "from_others": away,
        "q": multipletests(p, method="fdr_bh")[1], "rests_on": cells.min(axis=1).to_numpy(dtype=float)})
    shown = suppress(cells, minimum_count).notna().all(axis=1).to_numpy()
    table.loc[~shown, list(table)[2:]] = np.nan
    uneven = float(stats.chi2.sf(((raw - np.average(raw, weights=1 / variance)) ** 2 / variance).sum(), len(raw) - 1))
    return GroupEffects(table.sort_values("estimate", ascending=False, ignore_index=True), mean, spread, uneven,
                        int((~shown).sum()), int(small.sum()), len(followed) - len(rows))


def _cells(rows, group):
    """Counts by group (rows), arm and whether they came back (columns)."""
    counts = pd.crosstab(rows[group], [rows["arm"], rows["returned"].astype(bool)])
    columns = pd.MultiIndex.from_product([ARMS, [True, False]], names=["arm", "returned"])
    return counts.reindex(columns=columns, fill_value=0)


def _difference(rows):
    """Difference of the arms' shares in a group, its limits, and its variance."""
    back = rows.assign(back=rows["returned"].astype(float)).pivot_table(
        index="probability", columns="arm", values="back", aggfunc=["sum", "count"])
    returned, people = back["sum"][ARMS].to_numpy(), back["count"][ARMS].to_numpy()
    weight = people.sum(axis=1, keepdims=True) / people.sum()
    share = (returned + 1) / (people + 2)
    return *difference(*standardised_shares(returned, people)), (weight**2 * share * (1 - share) / (people + 2)).sum()


def _drawn_to_the_mean(raw, variance, draws, random_state):
    """Groups' figures drawn towards their mean (k,), their limits (2, k), the mean, and the groups' spread."""
    rng = np.random.default_rng(random_state)
    mean, spread = _mean_and_spread(raw[np.newaxis], variance)
    anew = rng.normal(mean, np.sqrt(variance + spread), (draws, len(raw)))
    means, spreads = _mean_and_spread(anew, variance)
    hold = spreads / (spreads + variance)
    drawn = rng.normal(means + hold * (raw - means), np.sqrt(hold * variance))
    kept = spread / (spread + variance)
    return ((mean + kept * (raw - mean))[0], np.quantile(drawn, [0.025, 0.975], axis=0), float(mean[0, 0]),
            float(np.sqrt(spread[0, 0])))


def _mean_and_spread(values, variance):
    """Mean of groups and variance between them, for each row of values (n, k): both (n, 1)."""
    spread = np.zeros((len(values), 1))
    for _ in range(ROUNDS):  # the sum of squares falls and is convex in the spread, so that steps from 0 never overshoot
        weight = 1 / (variance + spread)
        mean = (weight * values).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
        square = weight * (values - mean) ** 2
        excess = square.sum(axis=1, keepdims=True) - (values.shape[1] - 1)
        spread = np.maximum(spread + excess / (weight * square).sum(axis=1, keepdims=True).clip(1e-300), 0)
    return mean, spread


def _from_others(raw, variance, n):
    """Each group's figure less the mean of the others, and the p-value of that being nought."""
    weight = n * (1 - np.eye(len(raw)))
    weight = weight / weight.sum(axis=1, keepdims=True)
    away = raw - weight @ raw
    return away, 2 * stats.norm.sf(np.abs(away) / np.sqrt(variance + weight**2 @ variance))
