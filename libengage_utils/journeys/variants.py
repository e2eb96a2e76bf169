"""The errands of people as walks from touchpoint to touchpoint, and how varied the paths through each service are."""

from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import digamma

from ..privacy import suppress
from .feelings import as_pandas
from .paths import told_apart
from .sessions import ORDER, acts_of_people, by_people

UNNAMED = "no service named"
NODES = np.arange(-60, 5, 0.2)  # of an integral over logarithms


@dataclass(frozen=True)
class Errands:
    """Errands and the steps walked on them; made by `errands`.

    Attributes
    ----------
    table : DataFrame
        One row an errand, by person and journey: person_key, journey_id, service (the first that its acts name; missing
        where none does), began (time of its first step), clear_days (days from there to the nearer end of the log),
        steps, path (number of its distinct path), start (of its steps in `codes`).
    codes : ndarray of int
        The touchpoints walked, one errand after another, in the order of time.
    names : ndarray of str
        The touchpoints that the codes stand for.
    """

    table: pd.DataFrame = field(repr=False)
    codes: np.ndarray = field(repr=False)
    names: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Variants:
    """How varied the paths through each service are; made by `variants`.

    Attributes
    ----------
    table : DataFrame
        One row a service, most errands first: label, journeys, people, variants (different paths seen), entropy (in bits),
        entropy_low, entropy_high, estimate (effective number of paths), low, high (95%); missing where withheld.
    left_out : int
        Errands that began too near an end of the log.
    """

    table: pd.DataFrame = field(repr=False)
    left_out: int

    @property
    def headline(self):
        """The service with most ways through it, in a sentence."""
        if (shown := self.table.dropna()).empty:
            return "Too few people went on errands of any one service for their paths to be counted."
        row = shown.loc[shown["estimate"].idxmax()]
        return (f"The ways through {row['label']} are hardest to foresee: as varied as {row['estimate']:.0f} equally "
                "frequent ones.")

    @property
    def summary(self):
        """How many paths there are, in a sentence or two."""
        shown = self.table.dropna()
        told = [f"{row.label}, {row.variants:,.0f} seen, as varied as {row.estimate:,.0f} equally frequent ones (95% "
                f"interval {row.low:,.0f} to {row.high:,.0f})" for row in shown.itertuples()]
        withheld = len(self.table) - len(shown)
        note = f" {withheld} {'service is' if withheld == 1 else 'services are'} withheld." if withheld else ""
        if not told:
            return f"Too few people went on errands of any one service for their paths to be counted.{note}"
        return (f"Different paths of errands: {'; '.join(told)}. Paths not taken yet are allowed for in part: where many "
                f"are rare there are likely more.{note}")


def variants(steps, *, as_of=None, edge_days=60, minimum_count=10):
    """Number of different paths through each service, the entropy of their distribution, and the number it is worth.

    The effective number, 2 to the power of the entropy, is how many equally frequent paths would be as varied. Entropy
    allows for paths not seen, by how many paths one person took and how many two; estimate and interval are those of the
    jackknife over people, since a person's errands are alike. From few people with many rare paths it is still too low.

    Parameters
    ----------
    steps, as_of
        As for `errands`.
    edge_days : int
        Errands begun within so many days of either end of the log are left out, as they may be seen in part.
    minimum_count : int
        Fewest people on errands of a service; at least 5.

    Returns
    -------
    Variants

    Raises
    ------
    ValueError
        As for `errands`, and if all errands began too near an end of the log.

    References
    ----------
    Chao, Wang & Jost (2013), Methods in Ecology and Evolution 4(11), 1091-1100. Effective number: Jost (2006), Oikos 113(2),
    363-375. Jackknife of entropy: Zahl (1977), Ecology 58(4), 907-913.

    Examples
    --------
    >>> acts = pd.DataFrame({"event_id": range(200), "person_key": np.repeat(range(100), 2), "journey_id": "j",
    ...     "service": "loan", "touchpoint": ["search", "loan", "desk", "loan"] * 50, "initiated_by": "person",
    ...     "occurred_at": pd.Timestamp("2025-01-01")})
    >>> variants(acts, edge_days=0).table[["label", "variants", "entropy", "estimate"]].round(1).values.tolist()
    [['loan', 2.0, 1.0, 2.0]]
    """
    table = errands(steps, as_of).table[["person_key", "service", "clear_days", "path"]]
    kept = clear_of_edges(table, edge_days)
    label = kept["service"].cat.add_categories({UNNAMED} - {*kept["service"].cat.categories}).fillna(UNNAMED)
    person = pd.factorize(kept["person_key"])[0]
    kept = pd.DataFrame({"person_key": person, "path": kept["path"], "label": label.astype("str")})
    groups = kept.groupby("label")
    shown = suppress(groups["person_key"].nunique(), minimum_count)
    rows = [(label, len(some), shown[label], some["path"].nunique(), *_entropy_of_paths(some)) for label, some in groups]
    rows = pd.DataFrame(rows, columns=["label", "journeys", "people", "variants", "entropy", "entropy_low", "entropy_high"])
    for name, of in (("estimate", "entropy"), ("low", "entropy_low"), ("high", "entropy_high")):
        rows[name] = 2 ** rows[of]
    rows = rows.sort_values(["journeys", "label"], ascending=[False, True], ignore_index=True)
    rows["rests_on"] = rows["people"]
    rows[list(rows)[1:]] = rows[list(rows)[1:]].astype(float).where(rows["people"].notna(), axis=0)
    return Variants(rows, len(table) - len(kept))


def errands(steps, as_of=None):
    """Errands as walks: the acts of one person with one ``journey_id``, in the order of time, ties by ``event_id``.

    What staff or systems did is no step, nor is an act without a touchpoint.

    Parameters
    ----------
    steps : frame
        The schema's events, in any order and of any kind Narwhals supports.
    as_of : date, optional
        Last day that the events reach; by default that of the last act.

    Returns
    -------
    Errands

    Raises
    ------
    ValueError
        As for `sessionise`; and if no act belongs to a journey, or errands begin after `as_of`.

    Examples
    --------
    >>> acts = pd.DataFrame({"event_id": [1, 2], "person_key": "ann", "journey_id": "j", "touchpoint": ["loan", "desk"],
    ...                      "initiated_by": "person", "occurred_at": pd.to_datetime(["2025-01-02", "2025-01-01"])})
    >>> walk = errands(acts)
    >>> walk.names[walk.codes].tolist()
    ['desk', 'loan']
    """
    acts, _ = acts_of_people(steps, "touchpoint", "journey_id")
    time = nw.col("occurred_at")
    ends = acts.lazy().select(time.min().alias("first"), time.max().alias("last")).collect()
    acts = acts.filter(~nw.col("journey_id").is_null(), ~nw.col("touchpoint").is_null())
    tables, walks = zip(*(_walked(some) for some in by_people(acts)), strict=True)
    table, names = pd.concat(tables, ignore_index=True), sorted(set().union(*(walk.categories for walk in walks)))
    if table.empty:
        raise ValueError("None of the acts has both a touchpoint and a journey_id, so there are no errands to follow.")
    codes = np.concatenate([pd.Index(names).get_indexer(walk.categories).astype(np.int32)[walk.codes] for walk in walks])
    lengths = table["steps"].to_numpy()
    starts = np.cumsum(lengths) - lengths
    first, last = (np.datetime64(pd.Timestamp(day), "D") for day in (ends["first"][0], as_of or ends["last"][0]))
    day = table["began"].to_numpy().astype("datetime64[D]")
    if late := int((day > last).sum()):
        raise ValueError(f"{late:,} of {len(table):,} errands begin after {last}: give the last day that the events reach.")
    table["service"] = table["service"].astype("category")
    table.insert(4, "clear_days", np.minimum(day - first, last - day).astype("int32"))
    table["start"] = starts
    table["path"] = told_apart(codes, starts, lengths, np.random.default_rng(0))[0]
    return Errands(table, codes, np.asarray(names, dtype=object).astype(str))


def _walked(acts):
    """Of some people's acts, their errands (person_key, journey_id, service, began, steps), and the touchpoints walked."""
    acts = as_pandas(acts.sort("person_key", "journey_id", *ORDER),
                     ["person_key", "journey_id", "service", "touchpoint", "occurred_at"])
    person, journey = (pd.factorize(acts[name])[0] for name in ("person_key", "journey_id"))
    starts = np.flatnonzero((np.diff(person, prepend=-1) != 0) | (np.diff(journey, prepend=-1) != 0))
    table = acts.iloc[starts][["person_key", "journey_id"]].reset_index(drop=True)
    ends = np.r_[starts[1:], len(acts)]
    named = np.append(np.flatnonzero(acts["service"].notna()), len(acts))
    named = np.minimum(named[np.searchsorted(named, starts)], ends - 1)
    table["service"] = acts["service"].to_numpy()[named]
    table["began"] = acts["occurred_at"].to_numpy()[starts]
    table["steps"] = (ends - starts).astype("int32")
    return table, pd.Categorical(acts["touchpoint"])


def clear_of_edges(table, edge_days, among=True):
    """Those among the errands begun so many days from either end of the log; a sentence where there are none."""
    if not edge_days >= 0:
        raise ValueError(f"`edge_days` is how far from either end of the log an errand has to begin, 0 or more; it is "
                         f"{edge_days}.")
    kept = table[(table["clear_days"] >= edge_days) & among].reset_index(drop=True)
    if kept.empty:
        raise ValueError(f"All errands began within {edge_days} days of an end of the log, so that none is surely seen "
                         "whole: look at a longer period, or take fewer days (`edge_days`).")
    return kept


def _entropy_of_paths(errands):
    """Entropy in bits of the paths of these errands, and its 95% limits; both by the jackknife over people."""
    person, path = (pd.factorize(errands[name])[0] for name in ("person_key", "path"))
    pairs, own = np.unique(person * len(path) + path, return_counts=True)
    who, which = np.divmod(pairs, len(path))
    times, takers = np.bincount(path), np.bincount(which)
    weight, left, by = times * digamma(times), times[which] - own, takers[which]
    whole = np.array([len(path), weight.sum(), (takers == 1).sum(), (takers == 2).sum()], dtype=float)
    less = [own, weight[which] - left * digamma(np.maximum(left, 1)),
            1.0 * (by == 1) - (by == 2), 1.0 * (by == 2) - (by == 3)]
    without = whole - np.column_stack([np.bincount(who, part) for part in less])
    if (people := len(without)) < 2:
        return (np.nan,) * 3
    each = people * _entropy(whole[np.newaxis]) - (people - 1) * _entropy(without)
    reach = stats.t.ppf(0.975, people - 1) * stats.sem(each)
    return tuple(np.maximum(each.mean() + np.array([0, -reach, reach]), 0))


def _entropy(sums):
    """Entropy in bits from rows (errands n, sum of x digamma(x) over paths taken x times, paths of one person, and of two).

    What is added for paths not seen is f1/n times the sum over k of z^k / (n + k - 1), as an integral over t from 0 to 1 of
    z t^(n-1) / (1 - z t), taken at t = exp(-exp(y) / n).
    """
    cases, back = np.unique(sums[:, [0, 2, 3]], axis=0, return_inverse=True)
    n, one, two = cases.T[:, :, np.newaxis]
    pairs, rare = np.where(two > 0, 2 * two, 2), np.where(two > 0, one, one - 1)
    z = np.where(one > 0, 1 - pairs / np.maximum((n - 1) * rare + pairs, 1), 0)
    inside = np.exp(NODES - np.exp(NODES)) / (1 - z - z * np.expm1(-np.exp(NODES) / n))
    unseen = one * z / n**2 * inside.sum(axis=1, keepdims=True) * (NODES[1] - NODES[0])
    return (digamma(sums[:, 0]) - sums[:, 1] / sums[:, 0] + unseen[back, 0]) / np.log(2)
