"""Shares and means over comments when people are the units drawn: several comments of somebody count together."""

import numpy as np
import pandas as pd
from scipy import sparse, stats
from statsmodels.stats.proportion import proportion_confint

from ..privacy import suppress
from .languages import comments_by_id, people_of

SURE = 0.05
NAMED = 3  # themes, at most, that a sentence names


def with_themes(themes, comments, *columns):
    """The comments read, in order of feedback_id; who wrote each, as codes; and their `membership`."""
    table = comments_by_id(comments, *columns)
    rows = table[table.index.isin(themes.assigned.index)]
    if absent := len(themes.assigned) - len(rows):
        raise ValueError(f"{absent:,} of the {len(themes.assigned):,} comments that the themes were found in are not there: "
                         "give all of them.")
    return rows, people_of(rows), membership(themes)


def membership(themes):
    """Whether each comment read is in each theme, and in the last column in none: 0 or 1 (n, k + 1)."""
    theme = themes.assigned["theme"].to_numpy(dtype=int, na_value=0)
    return (theme[:, np.newaxis] == [*themes.labels.index, 0]).astype(float)


def sums(person, values):
    """Sums of values (n, k) by person: (people, k)."""
    return sparse.csr_matrix((np.ones(len(person)), (person, np.arange(len(person))))) @ values


def ratio(top, bottom):
    """Ratios of sums over people (k,), and how far each person moves them (people, k)."""
    total = bottom.sum(axis=0)
    total = np.where(total > 0, total, np.nan)
    value = top.sum(axis=0) / total
    return value, (top - value * bottom) / total


def share_limits(share, moves, bottom):
    """95% limits of shares: Wilson's at as many independent comments as would give their spread over people.

    Korn & Graubard (1998), Survey Methodology 24, 193-201, with Wilson's limits. Where all or no comments count, or their
    spread is that of fewer comments than there are, it is the number of people, or of comments.
    """
    people = (bottom > 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        number = share * (1 - share) / _error(moves) ** 2
    number = np.minimum(np.where(np.isfinite(number), number, people), bottom.sum(axis=0)).clip(1)
    number = number * (stats.norm.ppf(0.975) / stats.t.ppf(0.975, np.maximum(people - 1, 1))) ** 2
    return proportion_confint(share * number, number, method="wilson")


def mean_limits(mean, moves, bottom):
    """95% limits of means (Student's t over people)."""
    reach = stats.t.ppf(0.975, np.maximum((bottom > 0).sum(axis=0) - 1, 1)) * _error(moves)
    return mean - reach, mean + reach


def difference(one, other):
    """The first ratio less the other, each with its moves: estimate, low, high, and p of there being no difference."""
    value, error = one[0] - other[0], _error(one[1] - other[1])
    reach = stats.norm.ppf(0.975) * error
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * stats.norm.sf(np.abs(value) / error)
    return value, value - reach, value + reach, p


def shown(minimum_count, *amounts):
    """Which columns of amounts (people, k) may be shown: all are of enough people, and none is given away by the others.

    The last column, of no theme, never is: where it is of enough people, it hides the others that are withheld.
    """
    may = []
    for amount in amounts:
        people = pd.Series((amount > 0).sum(axis=0))
        may.append(people >= minimum_count if people.iloc[-1] >= minimum_count else suppress(people, minimum_count).notna())
    return np.all(may, axis=0)


def behind(*amounts):
    """The fewest people who have any of these amounts (people, k), by column."""
    return np.min([(amount > 0).sum(axis=0) for amount in amounts], axis=0).astype(float)


def table_of(labels, value, limits, may, **further):
    """label, estimate, low, high and what else there is, missing where it may not be shown (DataFrame)."""
    table = pd.DataFrame({"label": labels, "estimate": value, "low": limits[0], "high": limits[1], **further})
    table.loc[~may, table.columns[1:]] = np.nan
    return table


def adjusted(p):
    """P-values adjusted for there being many (Benjamini & Hochberg 1995); those missing play no part."""
    p = np.asarray(p, dtype=float)
    known = ~np.isnan(p)
    if known.any():
        p[known] = stats.false_discovery_control(p[known])
    return p


def listed(labels):
    """The first labels in words, and how many more there are."""
    labels = [f"\u201c{label}\u201d" for label in labels]
    return "; ".join(labels[:NAMED]) + (f"; and {len(labels) - NAMED} more" if len(labels) > NAMED else "")


def _error(moves):
    """Standard error of ratios from how far each person moves them."""
    people = len(moves)
    return np.sqrt(people / max(people - 1, 1) * (moves**2).sum(axis=0))
