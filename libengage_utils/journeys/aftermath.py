"""What people do next after they said that a step felt very good or very bad."""

from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats

from ..privacy import about, suppress
from ..resampling import CELLS
from .arcs import FALSE_DISCOVERIES, STRONG
from .feelings import as_pandas, need, times
from .sessions import ORDER, acts_of_people, by_people, longest_pause

NOTHING, UNNAMED, ANYWHERE = "nothing more", "something unnamed", "anywhere"
MOST_TOLD = 3
COLUMNS = ["before", "after", "high", "low", "difference", "ci_low", "ci_high", "rests_on", "p"]


@dataclass(frozen=True)
class Aftermath:
    """What followed highs and lows; made by `what_follows`.

    Attributes
    ----------
    after_high, after_low : DataFrame
        From the touchpoint that felt so (rows) to the next act (columns): shares of people; missing where withheld.
    differences : DataFrame
        By `before` and `after`: `high` and `low` (standardised shares), `difference` (after a low less after a high) with
        its 95% interval `ci_low`, `ci_high`, `rests_on` (the fewest people who did this, or something else, after a high or
        a low) and `p_adjusted`; the rows `before` = "anywhere" are over all touchpoints.
    highs, lows : int
        People compared: those whose first strong feeling was a high, and a low.
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
    def sure(self):
        """The differences that are more than chance, largest first (DataFrame)."""
        sure = self.differences[self.differences["p_adjusted"] < FALSE_DISCOVERIES]
        return sure.sort_values("difference", key=abs, ascending=False)

    @property
    def summary(self):
        """What differs by more than chance, in a sentence or two."""
        told = "; ".join(
            f"{'at any touchpoint' if row.before == ANYWHERE else f'at {row.before}'}, \u201c{row.after}\u201d came next "
            f"after {row.low:.0%} of lows and {row.high:.0%} of highs" for row in self.sure.head(MOST_TOLD).itertuples())
        more = len(self.sure) - MOST_TOLD
        told += f"; and {more} more differ by more than chance" if more > 0 else ""
        compared = (f"What came next within {self.gap_days:g} days was compared after the first strong feeling of "
                    f"{about(self.highs + self.lows)} people, within touchpoint and instrument")
        return f"{compared}: {told}." if told else f"{compared}: no difference is sure once all comparisons are counted."


def what_follows(events, feedback, gap_days=7, *, as_of=None, draws=2000, minimum_count=10, random_state=0):
    """Compare what people do next after a high with what they do after a low.

    A high is a step felt with a valence of at least 0.5, a low one of at most -0.5. What follows is the person's next
    act after the feeling was told (acts between the step and the telling are no answer to it), within the gap, or
    nothing more. In each comparison a person counts once, with the first strong feeling; of several told at once it is
    that of the last step, and who told a high and a low at once is left out.

    Highs and lows are compared within touchpoint and instrument, and the differences pooled with Mantel-Haenszel
    weights: where people are happy they also have other things to do next, and a form that is sent after a service
    reaches people at another point of their errand than a comment box. Each difference is tested by permuting "high"
    and "low" within these strata, and the tests together by the Benjamini-Hochberg rule at a false-discovery rate of
    5%; intervals are of Sato's variance. How much people used the library before is not held alike.

    Parameters
    ----------
    events : frame
        The schema's events, of any kind Narwhals supports.
    feedback : DataFrame
        Feedback with `valence`, `given_at`, perhaps `instrument`, and, from `attach`, `event_id`.
    gap_days : float
        How long the next act is waited for, in days.
    as_of : date, optional
        Last day the events reach; their last act by default. What was told less than the gap before is left out.
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
    Mantel & Haenszel (1959), J. Natl Cancer Inst. 22, 719-748. Sato, Greenland & Robins (1989), Biometrics 45,
    1323-1324. Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9(1), on p-values of permutations.

    Examples
    --------
    >>> who = np.repeat(range(80), 2)
    >>> events = pd.DataFrame({"event_id": [f"{i:03}" for i in range(160)], "person_key": who.astype(str),
    ...     "occurred_at": pd.to_datetime(["2025-01-01", "2025-01-02"] * 80), "initiated_by": "person",
    ...     "touchpoint": ["desk", "loan", "desk", "chat"] * 20 + ["desk", "chat"] * 30 + ["desk", "loan"] * 10})
    >>> feedback = pd.DataFrame({"event_id": events["event_id"][::2], "valence": [0.9] * 40 + [-0.9] * 40,
    ...                          "given_at": events["occurred_at"][::2]})
    >>> after = what_follows(events, feedback, as_of="2025-01-31").differences
    >>> after.loc[after["after"] == "chat", ["before", "high", "low"]].values.tolist()
    [['anywhere', 0.5, 0.75], ['desk', 0.5, 0.75]]
    """
    need(feedback, "event_id", "valence", "given_at")
    felt = _strong_feelings(events, feedback, longest_pause(gap_days), as_of)
    first = felt.drop_duplicates("person_key")
    first = first[first.groupby("stratum")["low"].transform("nunique") == 2]
    highs, lows = (first["low"] == 0).sum(), first["low"].sum()
    if min(highs, lows) < minimum_count:
        raise ValueError(f"Fewer than {minimum_count} people had a high, or a low, that is tied to a step: too few to "
                         "compare what followed within touchpoint and instrument.")
    once = felt.drop_duplicates(["person_key", "before"])
    counts = once.groupby(["before", "after", "low"]).size().unstack("low", fill_value=0)
    matrices = [_shares(counts[which], minimum_count) for which in (0, 1)]

    rng = np.random.default_rng(random_state)
    sets = [(ANYWHERE, first), *once.groupby("before")]
    table = pd.DataFrame([row for name, rows in sets for row in _compared(name, rows, draws, minimum_count, rng)],
                         columns=COLUMNS)
    if len(table):
        table["p"] = stats.false_discovery_control(table["p"])
    return Aftermath(*matrices, table.rename(columns={"p": "p_adjusted"}), int(highs), int(lows), gap_days)


def _strong_feelings(events, feedback, gap, as_of):
    """Strong feelings in the order of telling: person_key, before, stratum, after, low (1 for a low, 0 for a high)."""
    acts, _ = acts_of_people(events, "touchpoint")
    told = feedback.dropna(subset=["event_id", "valence", "given_at"])
    told = told[told["valence"].abs() >= STRONG - 1e-9].reindex(columns=["event_id", "valence", "given_at", "instrument"])
    if told.empty:
        return pd.DataFrame(columns=["person_key", "before", "stratum", "after", "low"]).astype({"low": int})
    last = (acts.lazy().select(nw.col("occurred_at").max()).collect().item() if as_of is None
            else pd.Timestamp(as_of) + pd.Timedelta(days=1))
    told["given_at"] = times(told["given_at"])
    felt = pd.concat([_followed(told, some, gap, last) for some in by_people(acts)])
    felt = felt.sort_values(["told_at", *ORDER, "instrument"], ascending=[True, False, True, True], ignore_index=True)
    return felt.assign(after=felt["after"].astype(object).fillna(NOTHING),
                       stratum=felt["before"] + " | " + felt["instrument"].astype(object).fillna("").astype(str))


def _followed(told, acts, gap, last):
    """What was told by these acts' people in time to see what followed, by when it was told, and the next act (after)."""
    columns = ["event_id", "person_key", "occurred_at", "touchpoint"]
    acts = acts.lazy().select(columns).collect()
    ours = nw.col("event_id").is_in(told["event_id"].tolist())
    here = as_pandas(acts.filter(ours, ~nw.col("touchpoint").is_null()), columns)
    felt = told.merge(here.rename(columns={"touchpoint": "before"}), on="event_id")
    felt["told_at"] = np.maximum(felt["given_at"], felt["occurred_at"])
    felt["low"] = (felt["valence"] < 0).astype(int)
    felt = felt[felt.groupby(["person_key", "told_at"])["low"].transform("nunique") == 1]
    felt = felt[felt["told_at"] <= last - gap].sort_values("told_at", kind="stable")
    if felt.empty:
        return felt.assign(after=None)
    theirs = nw.col("person_key").is_in(felt["person_key"].unique().tolist())
    acts = as_pandas(acts.filter(theirs), columns).sort_values(ORDER)
    following = acts.assign(after=acts["touchpoint"].fillna(UNNAMED))[["person_key", "occurred_at", "after"]]
    return pd.merge_asof(felt, following.rename(columns={"occurred_at": "next_at"}), left_on="told_at", right_on="next_at",
                         by="person_key", direction="forward", tolerance=gap, allow_exact_matches=False)


def _shares(counts, minimum_count):
    """Shares of each row, those that rest on too few people withheld; rows of too few people are left out."""
    square = counts.unstack("after", fill_value=0)
    square = square[square.sum(axis=1) >= minimum_count]
    shown = square.apply(lambda row: row.where(suppress(row, minimum=minimum_count).notna() & (row > 0)), axis=1)
    return shown.div(square.sum(axis=1), axis=0)


def _compared(name, rows, draws, minimum_count, rng):
    """Differences of the shares of each next act, like compared with like."""
    sizes = rows.groupby(["stratum", "low"]).size().unstack("low", fill_value=0).reindex(columns=[0, 1], fill_value=0)
    sizes = sizes[(sizes > 0).all(axis=1)].astype(float)
    rows = rows[rows["stratum"].isin(sizes.index)]
    is_low = rows["low"].to_numpy(dtype=bool)
    behind = {after: _fewest(group["low"], is_low) for after, group in rows.groupby("after")}
    behind = {after: fewest for after, fewest in behind.items() if fewest >= minimum_count}
    if not behind:
        return
    stratum = pd.Categorical(rows["stratum"], categories=sizes.index).codes
    n_high, n_low = sizes.to_numpy().T
    weight = n_high * n_low / (n_high + n_low)
    per_high, per_low = ((weight / weight.sum() / n)[stratum] for n in (n_high, n_low))
    did = np.column_stack([rows["after"] == after for after in behind])
    lows = _lows_by_chance(stratum, is_low, (per_low + per_high)[:, np.newaxis] * did, draws, rng)
    for after, here, by_chance in zip(behind, did.T, lows.T, strict=True):
        high, low = (per_high * (here & ~is_low)).sum(), (per_low * (here & is_low)).sum()
        by_chance = by_chance - (per_high * here).sum()
        reach = stats.norm.ppf(0.975) * np.sqrt(_sato(here, is_low, stratum, n_high, n_low))
        extreme = (np.abs(by_chance) >= abs(low - high) - 1e-12).sum()
        yield (name, after, high, low, low - high, low - high - reach, low - high + reach, behind[after],
               (1 + extreme) / (1 + draws))


def _fewest(low, is_low):
    """The fewest people who did this, or something else, after highs or after lows."""
    did = np.bincount(low, minlength=2)
    return int(min(*did, *(np.bincount(is_low, minlength=2) - did)))


def _sato(here, is_low, stratum, n_high, n_low):
    """Variance of a Mantel-Haenszel difference of shares (Sato, Greenland & Robins 1989)."""
    total = n_high + n_low
    a, b = (np.bincount(stratum, here & group, minlength=len(total)) for group in (is_low, ~is_low))
    weight = (n_high * n_low / total).sum()
    difference = ((a * n_high - b * n_low) / total).sum() / weight
    p = (n_low**2 * b - n_high**2 * a + n_high * n_low * (n_high - n_low) / 2) / total**2
    q = (a * (n_high - b) + b * (n_low - a)) / (2 * total)
    return (difference * p.sum() + q.sum()) / weight**2


def _lows_by_chance(stratum, is_low, amounts, draws, rng):
    """Sums of amounts (n, k) over the rows that are lows when the lot decides within strata: (draws, k)."""
    slots, sums = np.argsort(stratum, kind="stable"), []
    for some in np.array_split(np.arange(draws), 1 + draws * len(stratum) // CELLS):
        lots = np.argsort(stratum[slots] + rng.random((len(some), len(stratum))), axis=1)
        permuted = np.empty(lots.shape)
        permuted[:, slots] = is_low[slots].astype(float)[lots]
        sums.append(permuted @ amounts)
    return np.vstack(sums)
