"""Who engages how: lifecycle segments by rule, and segments described, followed over time and compared."""


import narwhals as nw
import numpy as np
import pandas as pd
from scipy.stats import t
from statsmodels.stats.proportion import proportion_confint

from .privacy import suppress
from .roster import places

LIFECYCLE = ["not seen", "seen, then quiet", "occasional", "regular", "intensive", "unknown"]


def cut_points(loan_days, teaching_weeks, *, lapse_days=365, summary=False):
    """The rules of `lifecycle` in words.

    Parameters
    ----------
    loan_days, teaching_weeks, lapse_days
        As for `lifecycle`.
    summary : bool
        Whether there is one summary a person, and no log.

    Returns
    -------
    DataFrame
        segment, rule; one row a segment, in the order of `LIFECYCLE`.

    Examples
    --------
    >>> cut_points(28, 30)["rule"][3]
    'an act in at least half of the 28-day loan cycles the person was eligible for'
    """
    if summary:
        rules = [
            "no act and no date of use on record",
            f"last use more than {lapse_days:g} days before the end",
            f"used since, but fewer acts than one for every two loan cycles of {loan_days:g} days",
            "used since, and at least one act for every two loan cycles, on average over all years",
            "used since, and at least one act for every week, on average over all years",
        ]
    else:
        rules = [
            "no act on record in the period or before it",
            "no act in the period, but one before it",
            f"an act in fewer than half of the {loan_days:g}-day loan cycles the person was eligible for",
            f"an act in at least half of the {loan_days:g}-day loan cycles the person was eligible for",
            f"regular, and active on at least {teaching_weeks:g} days a year: as many as there are teaching weeks",
        ]
    rules.append("no act on record, and no source that could have shown one")
    return pd.DataFrame({"segment": LIFECYCLE, "rule": rules})


def lifecycle(features, *, loan_days, teaching_weeks, lapse_days=365):
    """The lifecycle segment of each person in each period.

    Cut points come from the loan cycle and the calendar, never from percentiles, so that a segment may
    grow or empty. From the top, the first rule that fits:

    - *unknown*: no act in the period and no source that could have shown one (an act proves a
      person visible, an earlier act does not prove that a later one would have been seen);
    - *not seen*: no act in the period or before it;
    - *seen, then quiet*: no act in the period, but one before it;
    - *intensive*: regular, with at least one active day for each teaching week, on average;
    - *regular*: an act in at least half of the loan cycles the person was eligible for;
    - *occasional*: an act in fewer.

    Whoever was eligible for less than two loan cycles is held to what two would ask, or one act would do.

    With one summary a person (no columns active_days and active_cycles) acts stand in for both. As
    no cycle can be seen without an act, the rate of acts bounds the cycles seen from above: regular
    means at least one act for two loan cycles, intensive at least one for each eligible week, and true
    regularity may be less. There, quiet means a last use more than `lapse_days` before the period's end,
    and who was last seen since without an act that is counted is occasional.

    Parameters
    ----------
    features : frame
        Person-by-period features, in any kind of frame Narwhals supports; columns eligible_days, covered,
        seen_before, acts, and active_days with active_cycles, or else recency_days.
    loan_days : float
        Length of a loan cycle, in days.
    teaching_weeks : float
        Teaching weeks in a year; scaled by the days a person was eligible.
    lapse_days : float, default 365
        Silence after which a person known by a summary counts as quiet, in days.

    Returns
    -------
    frame of the kind given
        `features` with a column segment: text, in pandas an ordered categorical and in DuckDB an enumeration.

    Raises
    ------
    ValueError
        If a column is missing, or `loan_days` or `teaching_weeks` is not positive.

    Examples
    --------
    >>> features = pd.DataFrame({"eligible_days": 364, "covered": True, "seen_before": [False, True, True],
    ...                          "acts": [0, 0, 90], "active_days": [0, 0, 60], "active_cycles": [0, 0, 11]})
    >>> lifecycle(features, loan_days=28, teaching_weeks=30)["segment"].tolist()
    ['not seen', 'seen, then quiet', 'intensive']
    """
    if loan_days <= 0 or teaching_weeks <= 0:
        raise ValueError("loan_days and teaching_weeks must be positive: they are lengths of time.")
    frame = nw.from_native(features)
    columns = frame.collect_schema().names()
    summary = not {"active_days", "active_cycles"} & set(columns)
    needed = ["eligible_days", "covered", "seen_before", "acts"]
    needed += ["recency_days"] if summary else ["active_days", "active_cycles"]
    if missing := [name for name in needed if name not in columns]:
        raise ValueError(f"The features lack {', '.join(missing)}: make them with engagement_features.")

    eligible, silent = nw.col("eligible_days").clip(lower_bound=2 * loan_days), nw.col("acts") == 0
    if summary:
        regular = 2 * loan_days * nw.col("acts") >= eligible
        every_week = 7 * nw.col("acts") >= eligible
        quiet = nw.when(nw.col("recency_days").is_null()).then(silent).otherwise(nw.col("recency_days") > lapse_days)
    else:
        regular = 2 * loan_days * nw.col("active_cycles") >= eligible
        every_week = 365 * nw.col("active_days") >= teaching_weeks * eligible
        quiet = silent
    rules = [
        ("unknown", silent & ~nw.col("covered")),
        ("not seen", silent & ~nw.col("seen_before")),
        ("seen, then quiet", quiet),
        ("intensive", regular & every_week),
        ("regular", regular),
    ]
    segment = nw.lit("occasional")
    for name, applies in reversed(rules):
        segment = nw.when(applies).then(nw.lit(name)).otherwise(segment)
    frame = frame.with_columns(segment=segment)
    if frame.implementation.is_pandas() or frame.implementation.is_duckdb():
        frame = frame.with_columns(nw.col("segment").cast(nw.Enum(LIFECYCLE)))
    return frame.to_native()


def shares(labels, *, minimum_count=10):
    """Share of people in each segment, from counts that may be released.

    Parameters
    ----------
    labels : Series or array of shape (n_people,)
        Segment of each person.
    minimum_count : int
        Fewest people in a segment that is shown; what is withheld is missing (see `privacy.suppress`).

    Returns
    -------
    DataFrame indexed by segment, those that occur
        people; share of everybody; low, high, its 95% Wilson interval.

    Examples
    --------
    >>> shares(["few"] * 30 + ["many"] * 70).round(2).values.tolist()
    [[30.0, 0.3, 0.22, 0.4], [70.0, 0.7, 0.6, 0.78]]
    """
    labels = pd.Series(labels)
    counts = labels.astype(object).value_counts().reindex(_in_order(labels))
    people = suppress(counts, minimum_count)
    low, high = proportion_confint(people, counts.sum(), method="wilson")
    return pd.DataFrame({"people": people, "share": people / counts.sum(), "low": low, "high": high})


def profile(X, labels, weights=None, *, minimum_count=10):
    """What distinguishes each segment: means with 95% intervals, and distance from everybody.

    Parameters
    ----------
    X : DataFrame of shape (n_people, n_features)
        Numbers; a missing value is left out of its feature's figures only.
    labels : Series or array of shape (n_people,)
        Segment of each row of `X`, in the same order.
    weights : Series or array of shape (n_people,), optional
        People each row stands for; equal by default.
    minimum_count : int
        Fewest people a mean rests on; what rests on fewer is missing.

    Returns
    -------
    DataFrame
        One row a segment and feature: segment; n, its people; share of everybody, weighted; feature; known,
        the people the mean rests on; mean, low, high in the feature's units (Student's t, linearised standard
        error; no interval for one person); difference, difference_low, difference_high from everybody's mean,
        taken as fixed, in standard deviations of everybody.

    Raises
    ------
    ValueError
        If `X`, `labels` and `weights` differ in length.

    Examples
    --------
    >>> X = pd.DataFrame({"acts": [1.0, 2, 3, 10, 12, 14]})
    >>> profile(X, ["few"] * 3 + ["many"] * 3, minimum_count=3)[["segment", "n", "mean"]].values.tolist()
    [['few', 3, 2.0], ['many', 3, 12.0]]
    """
    labels = pd.Series(labels).reset_index(drop=True)
    weights = np.ones(len(X)) if weights is None else np.asarray(weights, dtype=float)
    if not len(X) == len(labels) == len(weights):
        raise ValueError(
            f"X has {len(X)} rows, labels {len(labels)}, weights {len(weights)}: give one of each a person."
        )
    rows = []
    for segment in _in_order(labels):
        inside = (labels == segment).to_numpy()
        for feature in X.columns:
            values = X[feature].to_numpy(dtype=float)
            known = ~np.isnan(values)
            centre = np.average(values[known], weights=weights[known])
            spread = np.sqrt(np.average((values[known] - centre) ** 2, weights=weights[known]))
            mean, low, high = _mean_interval(values[inside & known], weights[inside & known])
            rows.append(
                {"segment": segment, "n": inside.sum(), "share": weights[inside].sum() / weights.sum(),
                 "feature": feature, "known": (inside & known).sum(), "mean": mean, "low": low, "high": high,
                 "difference": (mean - centre) / spread, "difference_low": (low - centre) / spread,
                 "difference_high": (high - centre) / spread}
            )
    table = pd.DataFrame(rows)
    figures = ["mean", "low", "high", "difference", "difference_low", "difference_high"]
    table.loc[table["known"] < minimum_count, figures] = np.nan
    return table


def movement(before, after):
    """Where the people of each segment are a period later.

    People without a segment in one of the two periods (who joined or left the library) have not moved
    between segments, and are not counted.

    Parameters
    ----------
    before, after : Series indexed by person_key
        Segment of each person in either period.

    Returns
    -------
    DataFrame
        One row for each segment before and each after: before, after (categorical, in the order of the
        segments); n; share of the people in the segment before; low, high, its 95% Wilson interval.

    Raises
    ------
    ValueError
        If a person occurs twice in a period, or nobody is in both.

    Examples
    --------
    >>> before, after = pd.Series({"p": "few", "q": "few"}), pd.Series({"p": "few", "q": "many"})
    >>> movement(before, after)[["before", "after", "share"]].values.tolist()
    [['few', 'few', 0.5], ['few', 'many', 0.5]]
    """
    for people in (before.index, after.index):
        if (places(people, among=people) != np.arange(len(people))).any():
            raise ValueError("A person occurs twice in one period: give one segment a person and period.")
    later = places(before.index, among=after.index)
    both = pd.DataFrame({"before": before.array[later >= 0], "after": after.array[later[later >= 0]]}).dropna()
    if both.empty:
        raise ValueError("Nobody has a segment in both periods: index both by person_key.")
    order = _in_order(both["before"], both["after"])
    cells = pd.MultiIndex.from_product([_in_order(both["before"]), order], names=["before", "after"])
    n = both.value_counts()
    n.index = pd.MultiIndex.from_tuples(n.index)
    table = n.reindex(cells, fill_value=0).rename("n").reset_index()
    total = table.groupby("before")["n"].transform("sum")
    table = table.astype({name: pd.CategoricalDtype(order, ordered=True) for name in ("before", "after")})
    low, high = proportion_confint(table["n"], total, method="wilson")
    return table.assign(share=table["n"] / total, low=low, high=high)


def impossible_moves(table):
    """Moves that the rules of `lifecycle` rule out: nobody seen is later *not seen*, and nobody not seen has fallen quiet.

    Parameters
    ----------
    table : DataFrame
        Rows are segments before and columns segments after.

    Returns
    -------
    DataFrame of bool, of the same shape

    Examples
    --------
    >>> words = ["not seen", "seen, then quiet"]
    >>> impossible_moves(pd.DataFrame(0, index=words, columns=words)).values.tolist()
    [[False, True], [True, False]]
    """
    unseen = ("not seen", "unknown")
    return pd.DataFrame(
        [[(before not in unseen and after in unseen) or (before in unseen and after == "seen, then quiet")
          for after in table.columns] for before in table.index], index=table.index, columns=table.columns)


def _in_order(*labels):
    """Labels that occur, in the order of their categories, or else sorted."""
    occurring = set().union(*(series.dropna().unique() for series in labels))
    categorical = isinstance(labels[0].dtype, pd.CategoricalDtype)
    order = labels[0].cat.categories if categorical else sorted(occurring)
    return [label for label in order if label in occurring]


def _mean_interval(values, weights):
    n = len(values)
    if n < 2:
        return (values.mean() if n else np.nan), np.nan, np.nan
    mean = np.average(values, weights=weights)
    error = np.sqrt(n / (n - 1) * np.sum((weights * (values - mean)) ** 2)) / weights.sum()
    margin = t.ppf(0.975, n - 1) * error
    return mean, mean - margin, mean + margin
