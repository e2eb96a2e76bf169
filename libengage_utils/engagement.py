"""Events, or one summary a cardholder, become one row per person and period, people never seen included."""

import narwhals as nw
import numpy as np
import pandas as pd

FEATURES = {
    "acts": "acts of the person; what staff or systems did is not counted",
    "active_days": "days with at least one act",
    "breadth": "different services met",
    "depth": "acts on an active day",
    "regularity": "share of loan cycles with an act",
    "trend": "where in the period the acts lie, from -1 (all on its first day) to 1 (all on its last)",
    "recency_days": "days from the last act to the end of the period",
    "renewals": "renewals, automatic ones perhaps among them",
}


def engagement_features(people, events=None, summaries=None, *, periods, loan_days, coverage=None):
    """One row per person and period in which the person was eligible.

    Only acts of the person count (``initiated_by`` is "person"); events of nobody identified or of
    people not on the roster count for nobody. Give `events`, or `summaries` where there is no log.

    Parameters
    ----------
    people, events, summaries : frame
        Tables of the schema, of any kind Narwhals supports (pandas, Polars, DuckDB, PySpark), all of
        the same kind. Row order does not matter.
    periods : DataFrame
        Columns period, from, to: in order and without overlap.
    loan_days : float
        Length of a loan cycle, in days.
    coverage : DataFrame, optional
        The study's coverage; without it everybody counts as covered.

    Returns
    -------
    frame of the kind of `people`
        person_key, period, eligible_days, covered, seen_before, acts, last_on, recency_days; with
        events also active_days, active_cycles, breadth, depth, regularity and trend; with summaries
        also renewals. Features that need an act are missing where there is none.

    Raises
    ------
    ValueError
        If neither or both of `events` and `summaries` are given, or summaries with several periods.

    Notes
    -----
    Recency and the counts follow the recency-frequency tradition (Fader, Hardie & Lee 2005, *Marketing
    Science* 24(2)). `trend` is the centroid of the acts, the statistic of Laplace's test for trend
    (Cox & Lewis 1966, *The Statistical Analysis of Series of Events*, section 3.3).

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": ["a", "b"], "eligible_from": pd.Timestamp("2025-01-01"),
    ...                        "eligible_to": pd.NaT})
    >>> events = pd.DataFrame({"person_key": "a", "occurred_at": pd.to_datetime(["2025-01-02", "2025-01-30"]),
    ...                        "touchpoint": ["loan", "chat"], "initiated_by": "person"})
    >>> year = pd.DataFrame({"period": ["2025"], "from": ["2025-01-01"], "to": ["2025-12-31"]})
    >>> features = engagement_features(people, events, periods=year, loan_days=28)
    >>> features[["person_key", "acts", "active_cycles", "breadth"]].values.tolist()
    [['a', 2, 2, 2], ['b', 0, 0, 0]]
    """
    if (events is None) == (summaries is None):
        raise ValueError("Give either events or summaries, not both and not neither.")
    if summaries is not None and len(periods) > 1:
        raise ValueError("Summaries hold one row a person for all time: give one period that spans it, not "
                         f"{len(periods)}.")
    spans = [(period, _ordinal(first), _ordinal(last)) for period, first, last
             in periods[["period", "from", "to"]].itertuples(index=False)]
    native = nw.from_native(people)
    roster = _eligible(native.lazy(), spans, coverage)
    if summaries is not None:
        features = _from_summaries(roster, nw.from_native(summaries).lazy(), spans[0])
    else:
        features = _from_events(roster, nw.from_native(events).lazy(), spans, loan_days)
    return (features.collect() if isinstance(native, nw.DataFrame) else features).to_native()


def period_of(times, periods):
    """The period in which each time lies; missing outside them all.

    Parameters
    ----------
    times : Series of datetime
    periods : DataFrame
        As for `engagement_features`.

    Returns
    -------
    Series of str

    Examples
    --------
    >>> year = pd.DataFrame({"period": ["2025"], "from": ["2025-01-01"], "to": ["2025-12-31"]})
    >>> period_of(pd.Series(pd.to_datetime(["2025-12-31 23:59", "2026-01-01 00:00"])), year).fillna("-").tolist()
    ['2025', '-']
    """
    named = pd.Series(None, index=times.index, dtype="str")
    for period, first, last in periods[["period", "from", "to"]].itertuples(index=False):
        named[(times >= pd.Timestamp(first)) & (times < pd.Timestamp(last) + pd.Timedelta(days=1))] = period
    return named


def comparable(features):
    """Features of people with an act, on scales on which equal steps mean equal differences.

    Counts and waits are taken as logarithms, so that twice as much is the same step anywhere.

    Parameters
    ----------
    features : DataFrame
        Rows of `engagement_features` with an act, as pandas.

    Returns
    -------
    DataFrame with the index of `features`
        One column a feature there is, headed in words.

    Examples
    --------
    >>> comparable(pd.DataFrame({"acts": [5], "eligible_days": [70], "recency_days": [7]})).loc[0].tolist()
    [-1.0, 3.0]
    """
    columns = {"acts a week (log2)": np.log2(features["acts"] / features["eligible_days"].clip(lower=7) * 7)}
    if "breadth" in features:
        columns |= {"acts on an active day (log2)": np.log2(features["depth"]),
                    "services met": features["breadth"], "share of loan cycles": features["regularity"],
                    "leaning to the end": features["trend"]}
    if "renewals" in features:
        columns["renewals an act (log2)"] = np.log2(1 + features["renewals"] / features["acts"])
    columns["days since last act (log2)"] = np.log2(1 + features["recency_days"])
    return pd.DataFrame(columns).astype(float)


def day_number(column):
    """Whole days since 1970-01-01 of a date or time, as an integer, in any frame library.

    Parameters
    ----------
    column : str
        Name of a date or time column.

    Returns
    -------
    narwhals.Expr

    Examples
    --------
    >>> frame = nw.from_native(pd.DataFrame({"at": pd.to_datetime(["1970-01-02 23:59", "2024-03-01 00:00"])}))
    >>> frame.select(day_number("at"))["at"].to_list()
    [1, 19783]
    """
    year = nw.col(column).dt.year()
    leap_days = (year - 1969) // 4 - (year - 1901) // 100 + (year - 1601) // 400
    return (year - 1970) * 365 + leap_days + nw.col(column).dt.ordinal_day() - 1


def sees(source, columns):
    """Whether a source can see a person, going by its blind spots.

    A blind spot ``column=value`` of the roster excludes those people; one in other words excludes nobody here.

    Parameters
    ----------
    source : dict
        A row of the study's coverage.
    columns : collection of str
        Columns of the roster.

    Returns
    -------
    narwhals.Expr

    Examples
    --------
    >>> people = nw.from_native(pd.DataFrame({"home_site": ["Main", "Hill", None]}))
    >>> source = {"blind_spots": "home_site=Hill; whoever does not sign in"}
    >>> people.select(seen=sees(source, people.columns))["seen"].to_list()
    [True, False, True]
    """
    seen = nw.lit(True)
    for spot in source["blind_spots"].split(";"):
        column, _, value = (part.strip() for part in spot.partition("="))
        if value and column in columns:
            seen = seen & (nw.col(column).fill_null("") != value)
    return seen


def _ordinal(day):
    return (pd.Timestamp(day) - pd.Timestamp(0)).days


def _eligible(people, spans, coverage):
    """Person by period: days of eligibility, and whether some identified source could see the person."""
    here = set(people.collect_schema().names())
    for bound in here & {"eligible_from", "eligible_to"}:
        people = people.with_columns(day_number(bound).alias(f"{bound} day"))
    rows = []
    for at, (_, first, last) in enumerate(spans):
        begin = end = None
        if "eligible_from" in here:
            begin = nw.col("eligible_from day").fill_null(first).clip(lower_bound=first)
        if "eligible_to" in here:
            end = nw.col("eligible_to day").fill_null(last).clip(upper_bound=last)
        rows.append(
            people.with_columns((nw.lit(first) if begin is None else begin).alias("begin"),
                                (nw.lit(last) if end is None else end).alias("end"), nw.lit(at).alias("span"))
            .filter(nw.col("end") >= nw.col("begin"))
            .select("person_key", "span", (nw.col("end") - nw.col("begin") + 1).cast(nw.Int64).alias("eligible_days"),
                    _covered(coverage, here).alias("covered")))
    return nw.concat(rows, how="vertical")


def _covered(coverage, here):
    """Whether a source that identifies people and can see the person overlaps the time from `begin` to `end`."""
    if coverage is None:
        return nw.lit(True)
    covered = nw.lit(False)
    for source in coverage[coverage["identity"] == "person"].to_dict("records"):
        covered = covered | (sees(source, here) & (nw.col("begin") <= _ordinal(source["to"]))
                             & (nw.col("end") >= _ordinal(source["from"])))
    return covered


def _by_span(values):
    """The value of the period that a row's ``span`` points at."""
    chosen = values[0]
    for at, value in enumerate(values[1:], start=1):
        chosen = nw.when(nw.col("span") == at).then(value).otherwise(chosen)
    return chosen


def _from_events(roster, events, spans, loan_days):
    """Join what each person did in each period, and when the person was last and first seen."""
    if "day" not in events.collect_schema().names():
        events = events.with_columns(day_number("occurred_at").alias("day"))
    names, firsts, lasts = zip(*spans, strict=True)
    span = nw.lit(-1)
    for at, (_, first, last) in enumerate(spans):
        span = nw.when((nw.col("day") >= first) & (nw.col("day") <= last)).then(nw.lit(at)).otherwise(span)
    start = _by_span([nw.lit(first) for first in firsts])
    length = _by_span([nw.lit(max(last - first, 1)) for _, first, last in spans])
    acts = (events.filter(nw.col("initiated_by") == "person", ~nw.col("person_key").is_null())
            .select("person_key", "day", "touchpoint"))
    inside = (
        acts.with_columns(span.alias("span")).filter(nw.col("span") >= 0)
        .with_columns((nw.col("day") - start).alias("since"))
        .with_columns((nw.col("since") // loan_days).cast(nw.Int64).alias("cycle"),
                      (2 * nw.col("since") / length - 1).alias("lean")))
    if acts.implementation.is_duckdb():
        within = _counted_in_bits(inside.to_native(), max(last - first for _, first, last in spans), loan_days)
    else:
        within = inside.group_by("person_key", "span").agg(
            nw.len().alias("acts"), nw.col("day").n_unique().alias("active_days"),
            nw.col("cycle").n_unique().alias("active_cycles"), nw.col("touchpoint").n_unique().alias("breadth"),
            nw.col("lean").mean().alias("trend"))
    seen = (
        acts.with_columns(*(nw.when(nw.col("day") <= last).then(nw.col("day")).alias(f"last {at}")
                            for at, last in enumerate(lasts)))
        .group_by("person_key")
        .agg(nw.col("day").min().alias("first"), *(nw.col(f"last {at}").max() for at in range(len(spans)))))

    counts = ["acts", "active_days", "active_cycles", "breadth"]
    cycles = (nw.col("eligible_days") / loan_days).clip(lower_bound=1)
    return (
        roster.join(within, on=["person_key", "span"], how="left")
        .join(seen, on="person_key", how="left")
        .with_columns(*(nw.col(count).fill_null(0).cast(nw.Int64) for count in counts))
        .select(
            "person_key", _by_span([nw.lit(name) for name in names]).alias("period"), "eligible_days", "covered",
            (nw.col("first") < start).fill_null(False).alias("seen_before"), *counts,
            nw.when(nw.col("acts") > 0).then(nw.col("acts") / nw.col("active_days")).alias("depth"),
            (nw.col("active_cycles") / cycles).clip(upper_bound=1).alias("regularity"), "trend",
            (_by_span([nw.lit(last) for last in lasts])
             - _by_span([nw.col(f"last {at}") for at in range(len(spans))])).alias("recency_days")))


def _counted_in_bits(inside, days, loan_days):
    """What a DuckDB relation of acts counts to by person and span; days, cycles and services are bits of whole numbers.

    Such states of an aggregate can be spilled, and sets or strings of bits cannot.
    """
    services = inside.aggregate("touchpoint").project("touchpoint AS service, row_number() OVER () AS code")
    most = {"since": days, "cycle": days // loan_days, "code": len(services)}
    coded = inside.join(services.set_alias("services"), "touchpoint IS NOT DISTINCT FROM service")
    active_days, active_cycles, breadth = (
        " + ".join(f"coalesce(bit_count(bit_or(CASE WHEN {number} // 64 = {word} THEN 1::UBIGINT << ({number} % 64)::UBIGINT"
                   " END))::INT, 0)" for word in range(int(greatest) // 64 + 1)) for number, greatest in most.items())
    return nw.from_native(coded.aggregate(
        f"person_key, span, count(*) AS acts, {active_days} AS active_days, {active_cycles} AS active_cycles, "
        f"{breadth} AS breadth, avg(lean) AS trend", "person_key, span"))


def _from_summaries(roster, summaries, span):
    """Join one row a cardholder; an act on record means the person was seen in the one period."""
    here = summaries.collect_schema().names()
    summaries = summaries.with_columns(day_number("last_seen").alias("last")).select(
        "person_key", "last", nw.col("total_events").alias("acts"), *(["renewals"] if "renewals" in here else []))
    counts = [nw.col(c).fill_null(0).cast(nw.Int64) for c in ("acts", "renewals") if c == "acts" or c in here]
    return roster.join(summaries, on="person_key", how="left").with_columns(*counts).select(
        "person_key", nw.lit(span[0]).alias("period"), "eligible_days", "covered",
        (~nw.col("last").is_null()).alias("seen_before"),
        *(c for c in ("acts", "renewals") if c == "acts" or c in here),
        (span[2] - nw.col("last")).alias("recency_days"))
