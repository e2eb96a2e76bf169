"""The share of each group among comments, from a machine's probabilities and some comments coded by hand."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from scipy.stats import norm
from scipy.stats import t as student

from ..privacy import about
from .pairing import paired, probabilities_of

LEAST_CODED = 10  # coded comments that the machine's answers to a group are measured on
OTHERS = "all other groups"
RARE = "groups rarely coded"
SINGULAR = 0.025  # most of the resamples in which the groups may change places
LIMITS = [0.025, 0.975]  # of a 95% interval
CELLS = 2**22  # resampled counts held at once


@dataclass(frozen=True)
class Prevalence:
    """Shares of groups among comments; made by `prevalence`.

    Attributes
    ----------
    comments, coded : int
        Comments described; comments coded by hand that the machine was measured on.
    table : DataFrame
        One row a group: `group`; `estimate`, the share, with 95% limits `low` and `high`; what is no estimate of
        it, `mean_probability` and `counted` (share of comments of which it is the likeliest group); `coded`;
        `basis`: *adjusted*, *too few coded*, *not told apart* (from other groups, by the machine) or
        *withheld*; `withheld`. What is not shown is missing, never 0.
    """

    comments: int
    coded: int
    table: pd.DataFrame = field(repr=False)

    @property
    def summary(self):
        """The commonest group and what the estimate rests on, in up to four sentences."""
        because = {basis: ", ".join(rows["group"]) for basis, rows in self.table.groupby("basis")}
        missing = []
        if "not told apart" in because:
            missing = [f"What the machine answers to {because['not told apart']} is too like its answers to other groups "
                       "for a share: join groups, set one `group` against the rest, or code more comments."]
        if "too few coded" in because:
            missing += [f"Coded fewer than {LEAST_CODED} times, so not estimated: {because['too few coded']}."]
        shown = self.table.dropna(subset="estimate")
        if shown.empty:
            return " ".join([f"No share is given of {about(self.comments)} comments.", *missing])
        row = shown.loc[shown["estimate"].where(shown["group"] != OTHERS).idxmax()]
        counted = "" if np.isnan(row.counted) else f", and the count of its likeliest answers, {row.counted:.0%},"
        text = (f"Of {about(self.comments)} comments an estimated {row.estimate:.0%} are of \u201c{row.group}\u201d (95% "
                f"interval {row.low:.0%} to {row.high:.0%}). The mean of the machine's probabilities, "
                f"{row.mean_probability:.0%}{counted or ','} {'are' if counted else 'is'} no estimate of that share. It is "
                f"adjusted by {self.coded:,} comments coded by hand, and holds if the machine answers comments of a group "
                "here as it did there.")
        return " ".join([text, *missing])


def prevalence(scored, scored_coded, codes, *, group=None, sample_weight=None, people=None, n_boot=1000,
               minimum_count=10, random_state=0):
    """Shares of the groups among comments: probabilistic adjusted classification.

    The mean of a machine's probabilities is drawn towards the mix of groups it was fitted on: where it had seen
    20% of a group and half of the comments are of it, the mean may be 30%. Comments coded by hand tell its mean
    probabilities among comments of each group. The shares are those at which these means add up, by least
    squares, to the mean over the comments described; they are 0 or more and sum to 1 (Bella et al. 2010; for
    more than two groups Firat 2016).

    Assumed is *label shift*: groups may be commoner or rarer here than among the coded comments, but comments of
    one group are like those. Comments coded at random from the same library, or weighted back to it, are the
    safest; another library's, or another year's, are a hope.

    The interval is of percentiles of resamples of the comments described (of people where they are known) and
    of the coded comments of each group, those spread as Student's t is, because they may be few (Hesterberg 2015).
    A group has no share where more than 2.5% of the resamples put another before it in the very direction of
    answers that sets it apart: with answers so alike, estimates run off.

    Parameters
    ----------
    scored : frame or array of shape (n_comments, n_groups)
        The machine's probabilities for the comments described.
    scored_coded : frame or array of shape (n_scored, n_groups)
        The same machine's, for comments coded by hand that it was neither fitted nor recalibrated on.
    codes : Series or array of str
        Group of each of those, matched as by `paired`. Groups of fewer than ten are joined for the calculation.
    group : str, optional
        One group to set against all others. The others' mix is then assumed to be the same, which asks less of
        the machine, and more of the comments.
    sample_weight : Series or array of float, optional
        Comments that each coded one stands for.
    people : array-like of shape (n_comments,), optional
        Who wrote each comment described. They are resampled, and counted, instead of comments; a comment of
        nobody known counts as one person's.
    n_boot : int
        Number of resamples.
    minimum_count : int
        Fewest comments, or people, that an estimate or a count of a group may rest on; with a single one
        withheld goes another, because shares sum to 1.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    Prevalence

    Raises
    ------
    ValueError
        If the groups of the two frames differ, comments are fewer than `minimum_count`, or fewer than two groups
        were coded often enough.

    References
    ----------
    Bella, Ferri, Hernandez-Orallo and Ramirez-Quintana (2010), Quantification via probability estimators, IEEE
    ICDM, 737-742. Firat (2016), Unified framework for quantification, arXiv:1606.00868. Hesterberg (2015), Am.
    Statistician 69, 371-386. Saerens, Latinne and Decaestecker (2002), Neural Computation 14, 21-41, on label shift.

    Examples
    --------
    The machine gives a thankful comment 0.4 and another 0.2: a mean of 0.3 says that half are thankful.

    >>> coded = pd.DataFrame({"gratitude": [0.3, 0.5] * 20 + [0.1, 0.3] * 20})
    >>> coded["neutral"] = 1 - coded["gratitude"]
    >>> here = pd.concat([coded[20:60]] * 10)
    >>> shares = prevalence(here, coded, ["gratitude"] * 40 + ["neutral"] * 40, group="gratitude").table
    >>> shares[["group", "estimate", "mean_probability"]].round(2)
                  group  estimate  mean_probability
    0         gratitude       0.5               0.3
    1  all other groups       0.5               0.7
    """
    target = probabilities_of(scored)
    coded, codes, weights = paired(scored_coded, codes, sample_weight)
    if set(target) != set(coded):
        raise ValueError(f"The groups differ: the comments have {', '.join(target)}, and those coded {', '.join(coded)}.")
    if group is not None:
        target, coded = _against_rest(target, group), _against_rest(coded, group)
        codes = np.where(codes == group, group, OTHERS)
    units = _units(people, len(target))
    if units.max() + 1 < minimum_count:
        raise ValueError(f"A share has to rest on {minimum_count} {'comments' if people is None else 'people'} or more "
                         f"(`minimum_count`); there are {units.max() + 1}.")

    groups = list(target)
    number = pd.Series(codes).value_counts().reindex(groups, fill_value=0)
    often = [name for name in groups if number[name] >= LEAST_CODED]
    if len(often) + (len(codes) > number[often].sum()) < 2:
        raise ValueError(f"Of {len(codes)} coded comments, {LEAST_CODED} or more have to be of one group, and some of "
                         "another, to measure how the machine tells them apart: code more.")
    classes = np.where(np.isin(codes, often), codes, RARE)
    answers, seen = _joined(coded[groups], often), _joined(target, often)

    rng = np.random.default_rng(random_state)
    names = [name for name in [*often, RARE] if (classes == name).any()]
    means, drawn = _answers_to_each(answers, weights, [classes == name for name in names], n_boot, rng)
    sizes = np.bincount(units).astype(float)
    sums = np.column_stack([np.bincount(units, column) for column in seen.T])
    here = _resampled_means(sums, sizes, n_boot, rng)

    shares = _shares(means[np.newaxis], seen.mean(axis=0)[np.newaxis])
    shares = np.vstack([shares, np.quantile(_shares(drawn, here), LIMITS, axis=0)])
    alike = [name for name, apart in zip(names, _told_apart(means, drawn), strict=True) if not apart]
    table = pd.DataFrame(shares.T, names, ["estimate", "low", "high"]).drop(alike).reindex(often).reindex(groups)
    top = target.to_numpy().argmax(axis=1)
    table["mean_probability"] = target.mean()
    table["counted"] = np.bincount(top, minlength=len(groups)) / len(target)
    table["coded"] = number.where(~_few(number.to_numpy(dtype=float), minimum_count))
    unknown = [~table.index.isin(often), table.index.isin(alike)]
    table["basis"] = np.select(unknown, ["too few coded", "not told apart"], "adjusted")

    likeliest = np.array([len(np.unique(units[top == at])) for at in range(len(groups))])
    table.loc[_few(likeliest, minimum_count), "counted"] = np.nan
    table["withheld"] = _few((table["estimate"] * len(sizes)).round().to_numpy(), minimum_count)
    table["rests_on"] = (np.minimum(table["estimate"], 1 - table["estimate"]) * len(sizes)).round()
    table.loc[table["withheld"], "basis"] = "withheld"
    table.loc[table["withheld"], ["estimate", "low", "high", "mean_probability"]] = np.nan
    table = table.rename_axis("group").reset_index()
    return Prevalence(len(target), len(codes), table)


def _against_rest(probabilities, group):
    if group not in probabilities:
        raise ValueError(f"{group!r} is none of the machine's groups; those are {', '.join(probabilities)}.")
    return pd.DataFrame({group: probabilities[group], OTHERS: 1 - probabilities[group]})


def _units(people, comments):
    """Number, from 0, of the person (or the comment) that each comment counts as."""
    if people is None:
        return np.arange(comments)
    if len(people) != comments:
        raise ValueError(f"There are {len(people):,} people's keys for {comments:,} comments: give one a comment.")
    units = pd.factorize(np.asarray(people, dtype=object))[0]
    unknown = units < 0
    units[unknown] = units.max() + 1 + np.arange(unknown.sum())
    return units


def _joined(probabilities, often):
    """Probabilities (n, often) of groups coded often, and in a last column, where there are others, of those together."""
    rare = probabilities.columns.difference(often)
    columns = [probabilities[often], probabilities[rare].sum(axis=1)] if len(rare) else [probabilities[often]]
    return pd.concat(columns, axis=1).to_numpy()


def _answers_to_each(answers, weights, classes, draws, rng):
    """Mean answers to comments of each class (answers, classes), and those of resamples (draws, answers, classes)."""
    each = [(answers[at], weights[at]) for at in classes]
    means = np.stack([np.average(of_class, axis=0, weights=weight) for of_class, weight in each], axis=-1)
    drawn = [_resampled_means(of_class * weight[:, np.newaxis], weight, draws, rng) for of_class, weight in each]
    return means, means + (np.stack(drawn, axis=-1) - means) * [_expansion(weight) for _, weight in each]


def _resampled_means(sums, sizes, draws, rng):
    """Means (draws, columns) over units drawn with replacement: sums (units, columns) over sizes (units,)."""
    units, step = len(sizes), max(CELLS // len(sizes), 1)
    means = []
    for start in range(0, draws, step):
        times = rng.multinomial(units, np.full(units, 1 / units), size=min(step, draws - start)).astype(float)
        means.append(times @ sums / (times @ sizes)[:, np.newaxis])
    return np.concatenate(means)


def _expansion(weights):
    """How much wider than its resamples the mean of a small sample is spread."""
    number = max(weights.sum() ** 2 / (weights**2).sum(), LEAST_CODED)
    return np.sqrt(number / (number - 1)) * student.ppf(LIMITS[1], number - 1) / norm.ppf(LIMITS[1])


def _shares(means, here):
    """Shares (draws, groups) at which means (draws, answers, groups) come nearest to those here (draws, answers)."""
    draws, _, groups = means.shape
    system = np.zeros((draws, groups + 1, groups + 1))
    turned = means.transpose(0, 2, 1)
    system[:, :groups, :groups] = turned @ means + 1e-12 * np.eye(groups)
    system[:, groups, :groups] = system[:, :groups, groups] = 1
    aim = np.concatenate([turned @ here[:, :, np.newaxis], np.ones((draws, 1, 1))], axis=1)
    shares = np.linalg.solve(system, aim)[:, :groups, 0]
    for at in np.flatnonzero((shares < 0).any(axis=1)):  # the nearest that are 0 or more; the weighty last row sums to 1
        shares[at] = nnls(np.vstack([means[at], np.full(groups, 1e3)]), np.append(here[at], 1e3))[0]
    return shares / shares.sum(axis=1, keepdims=True)


def _told_apart(means, drawn):
    """Whether each group stays ahead of every other, in the direction of answers that is its own, when resampled."""
    own = np.linalg.pinv(np.vstack([means, np.ones(means.shape[1])]))[:, :-1]  # shares are these times the answers
    place = own @ drawn
    ahead = place.diagonal(axis1=1, axis2=2)[:, :, np.newaxis] > place + 1e-9
    lost = 1 - ahead.mean(axis=0)
    return np.where(np.eye(len(own)), 0, lost).max(axis=1) <= SINGULAR


def _few(counts, minimum_count):
    """Which counts are below the minimum, and further ones, smallest first, till those missing are two and enough."""
    few, missing = counts < minimum_count, np.isnan(counts)
    for at in np.argsort(counts, kind="stable"):
        hidden = few | missing
        if not few.any() or (hidden.sum() > 1 and (missing.any() or counts[few].sum() >= minimum_count)):
            break
        few[at] = True
    return few & ~missing
