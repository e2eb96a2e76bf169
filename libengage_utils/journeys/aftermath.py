"""What people do next after a step that felt very good or very bad."""

from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from ..privacy import about, suppress
from .arcs import FALSE_DISCOVERIES, STRONG
from .feelings import as_pandas, need
from .sessions import acts_of_people, in_order, longest_pause

MOST_TOLD = 3
NOTHING, ANYWHERE = "nothing more", "anywhere"
COLUMNS = ["before", "after", "high", "low", "difference", "ci_low", "ci_high", "p"]


@dataclass(frozen=True)
class Aftermath:
    """What followed highs and lows; made by `what_follows`.

    Attributes
    ----------
    after_high, after_low : DataFrame
        From the touchpoint that felt so (rows) to the next act (columns): shares of people; missing where withheld.
    differences : DataFrame
        By `before` and `after`: `high` and `low` (shares), `difference` (after a low less after a high) with its 95%
        interval `ci_low`, `ci_high`, and `p_adjusted`; the row `before` = "anywhere" compares like with like over all
        touchpoints. Missing where withheld.
    highs, lows : int
        People with a high, and with a low, whose next act is compared.
    gap_days : float
        How long the next act was waited for.
    """

    after_high: pd.DataFrame = field(repr=False)
    after_low: pd.DataFrame = field(repr=False)
    differences: pd.DataFrame = field(repr=False)
    highs: int
    lows: int
    gap_days: float

    @property
    def summary(self):
        """What differs by more than chance, in a sentence or two."""
        sure = self.differences[self.differences["p_adjusted"] < FALSE_DISCOVERIES]
        sure = sure.sort_values("difference", key=abs, ascending=False)
        told = "; ".join(
            f"{'at any touchpoint' if row.before == ANYWHERE else f'at {row.before}'}, \u201c{row.after}\u201d came next "
            f"after {row.low:.0%} of lows and {row.high:.0%} of highs" for row in sure.head(MOST_TOLD).itertuples())
        told += f"; and {len(sure) - MOST_TOLD} other next acts differ by more than chance" if len(sure) > MOST_TOLD else ""
        compared = (f"The next act within {self.gap_days:g} days was compared after the first strong feeling of "
                    f"{about(self.highs + self.lows)} people")
        return f"{compared}: {told}." if told else f"{compared}: no next act differs by more than chance."


def what_follows(events, feedback, gap_days=7, draws=2000, minimum_count=10, random_state=0):
    """Compare what people do next after a high with what they do after a low.

    A high is a step felt with a valence of at least 0.5, a low one of at most -0.5. A person counts once at each
    touchpoint, with the first strong feeling there, and once over all touchpoints. What follows is the person's next
    act within the gap, or nothing more. Over all touchpoints differences are those within touchpoints, pooled with
    Mantel-Haenszel weights, because where people are happy they also have other things to do next.

    Each difference is tested by permuting "high" and "low" among people within touchpoints, and the tests together
    by the Benjamini-Hochberg rule at a false-discovery rate of 5%. Intervals are Newcombe's, and over all touchpoints
    those of Sato's variance.

    Parameters
    ----------
    events : frame
        The schema's events, of any kind Narwhals supports.
    feedback : DataFrame
        Feedback with `valence` and, from `attach`, `event_id`.
    gap_days : float
        How long the next act is waited for, in days.
    draws : int
        Number of permutations.
    minimum_count : int
        Fewest people that a share may rest on; at least 5.
    random_state : int
        Seed.

    Returns
    -------
    Aftermath

    Raises
    ------
    ValueError
        As `sessionise`, and if fewer than `minimum_count` people had a high, or a low.

    References
    ----------
    Newcombe (1998), Stat. in Medicine 17, 873-890. Sato, Greenland & Robins (1989), Biometrics 45, 1323-1324.
    Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9(1), on p-values of permutations.

    Examples
    --------
    >>> who = np.repeat(range(80), 2)
    >>> events = pd.DataFrame({"event_id": [f"{i:03}" for i in range(160)], "person_key": who.astype(str),
    ...     "occurred_at": pd.to_datetime(["2025-01-01", "2025-01-02"] * 80), "initiated_by": "person",
    ...     "touchpoint": ["desk", "loan", "desk", "chat"] * 20 + ["desk", "chat"] * 30 + ["desk", "loan"] * 10})
    >>> feedback = pd.DataFrame({"event_id": events["event_id"][::2], "valence": [0.9] * 40 + [-0.9] * 40})
    >>> after = what_follows(events, feedback).differences
    >>> after.loc[after["after"] == "chat", ["before", "high", "low"]].values.tolist()
    [['anywhere', 0.5, 0.75], ['desk', 0.5, 0.75]]
    """
    need(feedback, "event_id", "valence")
    felt = _strong_feelings(events, feedback, gap_days)
    first = felt.drop_duplicates("person_key")
    highs, lows = (first["low"] == 0).sum(), first["low"].sum()
    if min(highs, lows) < minimum_count:
        raise ValueError(f"Fewer than {minimum_count} people had a high, or a low, that is tied to a step: too few to "
                         "compare what followed.")
    felt = felt.drop_duplicates(["person_key", "before"])
    counts = felt.groupby(["before", "after", "low"]).size().unstack("low", fill_value=0)
    matrices = [_shares(counts[which], minimum_count) for which in (0, 1)]

    rng = np.random.default_rng(random_state)
    table = pd.concat([_pooled(first, draws, minimum_count, rng), _within(felt, counts, matrices, draws, rng)],
                      ignore_index=True).astype(dict.fromkeys(COLUMNS[2:], float))
    known = table["p"].notna()
    table.loc[known, "p"] = stats.false_discovery_control(table.loc[known, "p"]) if known.any() else np.nan
    return Aftermath(*matrices, table.rename(columns={"p": "p_adjusted"}), int(highs), int(lows), gap_days)


def _strong_feelings(events, feedback, gap_days):
    """Strongly felt steps in order of time: person_key, before, after, low (1 for a low, 0 for a high)."""
    acts, _ = acts_of_people(events, "touchpoint")
    valence = feedback.dropna(subset=["event_id", "valence"]).groupby("event_id")["valence"].mean()
    valence = valence[valence.abs() >= STRONG - 1e-9]
    strong = nw.col("event_id").is_in(valence.index.tolist())
    felt = as_pandas(acts.filter(strong, ~nw.col("touchpoint").is_null()),
                     ["event_id", "person_key", "occurred_at", "touchpoint"]).rename(columns={"touchpoint": "before"})
    acts, previous, _ = in_order(acts)
    after = (acts.select(previous("event_id").alias("event_id"), nw.col("touchpoint").alias("after"),
                         (nw.col("occurred_at") - previous("occurred_at")).alias("waited"))
             .filter(strong, nw.col("waited") <= longest_pause(gap_days), ~nw.col("after").is_null())
             .select("event_id", "after").lazy().collect().to_pandas().set_index("event_id")["after"])
    felt["after"] = [after.get(event, NOTHING) for event in felt["event_id"]]
    felt["low"] = (felt["event_id"].map(valence) < 0).astype(int)
    return felt.sort_values(["occurred_at", "event_id"], ignore_index=True)


def _shares(counts, minimum_count):
    """Shares of each row, those that rest on too few people withheld; rows of too few people are left out."""
    square = counts.unstack("after", fill_value=0)
    square = square[square.sum(axis=1) >= minimum_count]
    shown = square.apply(lambda row: row.where(suppress(row, minimum=minimum_count).notna() & (row > 0)), axis=1)
    return shown.div(square.sum(axis=1), axis=0)


def _within(felt, counts, matrices, draws, rng):
    """Differences at each touchpoint, cell by cell."""
    high, low = matrices
    rows = high.index.intersection(low.index)
    shown = (high.loc[rows].notna() & low.loc[rows].notna()).stack()
    shown = shown[shown].index
    rows = []
    for before, group in felt[felt["before"].isin(shown.get_level_values(0))].groupby("before"):
        sizes = np.bincount(group["low"], minlength=2)
        permuted = _permuted(group, draws, rng)
        for after in shown[shown.get_level_values(0) == before].get_level_values(1):
            here = (group["after"] == after).to_numpy()
            n_high, n_low = counts.loc[(before, after)]
            difference = low.loc[before, after] - high.loc[before, after]
            ends = confint_proportions_2indep(n_low, sizes[1], n_high, sizes[0], method="newcomb")
            among_lows = permuted @ here.astype(float)
            by_chance = among_lows / sizes[1] - (here.sum() - among_lows) / sizes[0]
            rows.append((before, after, high.loc[before, after], low.loc[before, after], difference, *ends,
                         _p_value(difference, by_chance)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _pooled(first, draws, minimum_count, rng):
    """Differences over all touchpoints, like compared with like, one strong feeling a person."""
    sizes = first.groupby(["before", "low"]).size().unstack("low", fill_value=0)
    comparable = sizes.index[(sizes > 0).all(axis=1)]
    first, sizes = first[first["before"].isin(comparable)], sizes.loc[comparable].astype(float)
    weight = (sizes[0] * sizes[1] / sizes.sum(axis=1)).to_numpy()
    share = weight / weight.sum() if len(weight) else weight
    before = pd.Categorical(first["before"], categories=comparable).codes
    per_high, per_low = (share / sizes[which].to_numpy() for which in (0, 1))
    permuted = _permuted(first, draws, rng)
    rows = []
    for after, here in ((after, (first["after"] == after).to_numpy()) for after in sorted(first["after"].unique())):
        number = [int((here & (first["low"] == which)).sum()) for which in (0, 1)]
        rest = [int((first["low"] == which).sum()) - n for which, n in enumerate(number)]
        if min(*number, *rest) < minimum_count:
            continue
        is_low = (first["low"] == 1).to_numpy()
        low = (per_low[before] * (here & is_low)).sum()
        high = (per_high[before] * (here & ~is_low)).sum()
        by_chance = permuted @ ((per_low + per_high)[before] * here) - (per_high[before] * here).sum()
        reach = 1.96 * np.sqrt(_sato(here, is_low, before, sizes.to_numpy()))
        rows.append((ANYWHERE, after, high, low, low - high, low - high - reach, low - high + reach,
                     _p_value(low - high, by_chance)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _sato(here, is_low, before, sizes):
    """Variance of a Mantel-Haenszel difference of shares (Sato, Greenland & Robins 1989)."""
    n_high, n_low = sizes.T
    total = n_high + n_low
    a, b = (np.bincount(before, here & group, minlength=len(sizes)) for group in (is_low, ~is_low))
    weight = n_high * n_low / total
    difference = ((a * n_high - b * n_low) / total).sum() / weight.sum()
    p = (n_low**2 * b - n_high**2 * a + n_high * n_low * (n_high - n_low) / 2) / total**2
    q = (a * (n_high - b) + b * (n_low - a)) / (2 * total)
    return (difference * p.sum() + q.sum()) / weight.sum() ** 2


def _permuted(group, draws, rng):
    """Which rows are lows (1) when the lot decides within each touchpoint, of shape (draws, len(group))."""
    before = pd.factorize(group["before"])[0]
    slots = np.lexsort((np.arange(len(group)), before))
    labels = group["low"].to_numpy(dtype=float)[slots]
    lots = np.argsort(before[slots] + rng.random((draws, len(group))), axis=1)
    permuted = np.empty((draws, len(group)))
    permuted[:, slots] = labels[lots]
    return permuted


def _p_value(observed, by_chance):
    return (1 + (np.abs(by_chance) >= abs(observed) - 1e-12).sum()) / (1 + len(by_chance))
