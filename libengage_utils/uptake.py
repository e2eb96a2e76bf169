"""How many of those who could take up a new service did, day by day after its launch, against what was forecast."""

import difflib
from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats

from .engagement import day_number, sees
from .journeys.sessions import acts_of_people, sums_of_people
from .privacy import about
from .roster import EVER, day_numbers, roster_by_key

TIED = 0.5  # least share of a service's acts that must be tied to a person for its users to be known
COMPARED = "held against its forecast"
UNNAMED = "nothing in the log names it"
NAMES = ["touchpoint", "service"]
COLUMNS = ["service", "launched_on", "people", "day", "uptake", "low", "high", "expected_share", "ratio", "ratio_low",
           "ratio_high", "status"]
CURVE = ["service", "day", "estimate", "low", "high", "rests_on"]
Z = stats.norm.ppf(0.975)


@dataclass(frozen=True)
class Uptake:
    """Uptake of new services against their forecasts; made by `uptake`.

    Attributes
    ----------
    table : DataFrame
        A row a service: service, launched_on, people (who could take it up, to the nearest ten), day (of the service, its
        launch being day 1), uptake (share of the people who had used it by then) with low and high (95%), expected_share,
        ratio (uptake over expected share) with ratio_low and ratio_high, status (in words). Missing where withheld, or
        where there is nothing to compare.
    curves : DataFrame
        service, day, estimate, low, high: share of the people who had used it by each day; rests_on, the fewer of those who
        first used it since the row before and of those still watched.
    estimate, low, high : float
        Uptake as a share of the forecast, all services together whose forecast counts, with a 95% interval; missing where
        there is none.
    services, few : int
        How many services that is; and how many of them count as if `minimum_count` people had used them, because fewer did.
    """

    table: pd.DataFrame = field(repr=False)
    curves: pd.DataFrame = field(repr=False)
    estimate: float
    low: float
    high: float
    services: int
    few: int = 0

    @property
    def rests_on(self):
        """The fewest people behind a step of a curve; missing where there is none."""
        return self.curves["rests_on"].min()

    @property
    def untold(self):
        """Why nothing can be held against a forecast, in a sentence; empty where something can."""
        return "" if self.services else "No service has both a known uptake and a forecast from before its launch."

    @property
    def headline(self):
        """Whether uptake fell short of the forecasts, in a sentence."""
        if np.isnan(self.estimate):
            return "No new service can be held against a forecast."
        if self.low <= 1 <= self.high:
            return "Whether new services were taken up as forecast is not known."
        return (f"{'Fewer' if self.high < 1 else 'More'} people took up the new services than was forecast: "
                f"{'at most ' if self.few else ''}{self.estimate:.0%} of the forecast uptake.")

    @property
    def summary(self):
        """The finding, and what became of each service, in sentences."""
        words = self.headline
        if self.services:
            words = (f"{self.services} service{' is' if self.services == 1 else 's are'} held against a forecast; uptake "
                     f"reached {'at most ' if self.few else ''}{self.estimate:.0%} of it (95% interval {self.low:.0%} to "
                     f"{self.high:.0%}).")
        return " ".join([words, *map(_told, self.table.itertuples())])


def uptake(people, events, forecasts, *, as_of, newcomers=False, coverage=None, to_the_end=False, minimum_count=10):
    """Share of eligible people who have used each launched service, day by day, held against its forecast.

    A first use is the person's first own act whose touchpoint or service is the launched one, on or after the day of
    launch. People are watched until they use it, are no longer eligible, or the data end; the share is that of Kaplan and
    Meier, who take those who left to have been as likely to use it later as those who stayed. A forecast counts if it was
    recorded before the launch and its day is over.

    All services together are the sum of uptakes over the sum of expected shares. The same people stand behind several
    services: a person's influence on each uptake (the infinitesimal jackknife) is added up before it is squared. Leaving
    out a service because few used it would flatter the rest, so one that fewer than `minimum_count` people used counts as
    if that many had, and in the lower limit as if nobody had; so does there one that nothing in the log names.

    Parameters
    ----------
    people, events, forecasts : frame
        Tables of the schema, of any kind Narwhals supports. Row order does not matter.
    as_of : date
        Last day on which an act would be in the events.
    newcomers : bool
        Whether people who become eligible after the launch count too: their day 1 is their first day of eligibility.
    coverage : DataFrame, optional
        The study's coverage: people whom no source that identifies people could then see are left out.
    to_the_end : bool
        Whether to compare uptake by the last day shown, in place of uptake by the forecast's day.
    minimum_count : int
        Fewest first uses behind a step of a curve, and fewest people still watched at it.

    Returns
    -------
    Uptake

    Raises
    ------
    ValueError
        As `acts_of_people`; and if there are no forecasts, a service or a person is there twice, or an expected share is
        not between 0 and 1.

    References
    ----------
    Kaplan & Meier (1958), J. Am. Stat. Assoc. 53, 457-481. Limits on the log(-log) scale: Kalbfleisch & Prentice (2002),
    The Statistical Analysis of Failure Time Data, 2nd ed., section 1.4. Influence: Reid (1981), Ann. Stat. 9(1), 78-92.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": range(200)})
    >>> events = pd.DataFrame({"event_id": range(200), "person_key": range(200), "initiated_by": "person",
    ...     "touchpoint": ["chat"] * 30 + ["loan"] * 170, "occurred_at": pd.date_range("2025-03-01", periods=200, freq="h")})
    >>> forecasts = pd.DataFrame({"service": ["chat"], "launched_on": "2025-03-01", "expected_share": 0.3, "by_day": 30,
    ...                           "recorded_on": "2025-02-01"})
    >>> result = uptake(people, events, forecasts, as_of="2025-06-30")
    >>> result.table[["service", "day", "uptake", "ratio"]].round(2).values.tolist()
    [['chat', 30.0, 0.15, 0.5]]
    >>> print(result.headline)
    Fewer people took up the new services than was forecast: 50% of the forecast uptake.
    """
    plans, roster, log, last = _plans(forecasts), _roster(people, coverage), _named_acts(events), day_numbers([as_of])[0]
    acts = acts_of_people(events, "touchpoint")[0].with_columns(day_number("occurred_at").alias("day"))
    begins = acts.lazy().select(nw.col("day").min()).collect().item()
    first = _first_uses(acts, plans, roster["person_key"])
    rows, curves, counted, unnamed, influence = [], [pd.DataFrame(columns=CURVE)], [], 0.0, np.zeros(len(roster))
    for plan, use in zip(plans.itertuples(), first.T, strict=True):
        there, time, used = _watched(roster, use, plan.start, last, newcomers, coverage)
        row = {"service": plan.service, "launched_on": plan.launched_on, "expected_share": plan.expected_share,
               "people": round(len(there), -1) if len(there) >= minimum_count else np.nan,
               "status": _not_known(plan, log, begins, last, len(there), minimum_count)}
        if not row["status"]:
            row["status"] = _no_forecast(plan, last) or COMPARED
            figures, curve, part = _followed(plan, time, used, row["status"], to_the_end, minimum_count)
            row |= figures
            curves.append(curve)
            if part:
                counted.append([*part[:2], plan.expected_share])
                influence[there] += part[2]
        elif row["status"].startswith(UNNAMED) and not _no_forecast(plan, last):
            unnamed += plan.expected_share
        rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(["people", *COLUMNS[3:-1]], float))
    curves = pd.concat(curves, ignore_index=True).astype(dict.fromkeys(CURVE[1:], float))
    few = sum(surely == 0 for _, surely, _ in counted)
    if few == len(counted):
        return Uptake(table, curves, np.nan, np.nan, np.nan, 0)
    reached, surely, expected = np.sum(counted, axis=0)
    spread = np.exp(Z * np.sqrt((influence**2).sum()) / reached)
    low = max(reached / spread - (reached - surely), 0) * expected / (expected + unnamed)
    return Uptake(table, curves, *(float(share / expected) for share in (reached, low, reached * spread)), len(counted), few)


def _told(row):
    """What became of a service, in a sentence."""
    if np.isnan(row.uptake):
        return f"{row.service}: {row.status}."
    words = (f"{row.service}: by day {row.day:.0f}, {row.uptake:.1%} of {about(int(row.people))} people had used it "
             f"({row.low:.1%} to {row.high:.1%})")
    return words + (f", where {row.expected_share:.0%} was forecast." if row.status == COMPARED else f"; {row.status}.")


def _plans(forecasts):
    """The forecasts in the order of launches, with days as numbers, or a sentence on what is wrong with them."""
    plans = nw.from_native(forecasts).lazy().collect().to_pandas().reindex(
        columns=["service", "launched_on", "expected_share", "by_day", "recorded_on"])
    if plans.empty:
        raise ValueError("There are no forecasts: list launched services, with their day of launch, in `forecasts`.")
    if twice := int(plans["service"].duplicated().sum()):
        raise ValueError(f"{twice:,} services stand in the forecasts more than once: keep one row a service.")
    plans = plans.astype({"expected_share": float, "by_day": float})
    if wrong := int((~plans["expected_share"].dropna().between(0, 1)).sum()):
        raise ValueError(f"{wrong:,} expected shares are not between 0 and 1: write 0.24 for 24 of every 100.")
    plans = plans.assign(start=day_numbers(plans["launched_on"], EVER),
                         recorded=day_numbers(plans["recorded_on"], EVER))
    return plans.sort_values(["start", "service"], ignore_index=True)


def _roster(people, coverage):
    """People by key, with first and last day of eligibility as numbers."""
    roster = roster_by_key(people, coverage=coverage)
    if twice := int((roster["person_key"] == roster["person_key"].shift()).sum()):
        raise ValueError(f"{twice:,} people stand on the roster more than once: keep one row a person.")
    return roster


def _first_uses(acts, plans, keys):
    """Day of each person's first act at each service (n_people, n_services), on or after its launch."""
    uses = [nw.when(_names(acts, [plan.service]) & (nw.col("day") >= plan.start)).then(nw.col("day")).alias(str(at))
            for at, plan in enumerate(plans.itertuples())]
    numbers = [str(at) for at in range(len(uses))]
    named = acts.filter(_names(acts, plans["service"].tolist())).with_columns(*uses)
    return sums_of_people(named, keys, nw.col(*numbers).min())[numbers].to_numpy(dtype=float)


def _names(log, services):
    """Whether an act names one of these as its touchpoint or, where the log has it, its service."""
    return nw.any_horizontal(*(nw.col(name).is_in(services) for name in NAMES if name in log.collect_schema()),
                             ignore_nulls=True)


def _named_acts(events):
    """Own acts by what they name, and those of them that are tied to a person; what others did is there with 0."""
    log = nw.from_native(events)
    own = (nw.col("initiated_by") == "person").cast(nw.Int64)
    tied = own * (~nw.col("person_key").is_null()).cast(nw.Int64)
    names = [name for name in NAMES if name in log.collect_schema()]
    counts = log.select(*names, own.alias("own"), tied.alias("tied")).group_by(*names).agg(nw.col("own", "tied").sum())
    return counts.lazy().collect().to_pandas().reindex(columns=[*NAMES, "own", "tied"]).astype({"own": float, "tied": float})


def _watched(roster, use, launch, last, newcomers, coverage):
    """Places on the roster of those who can take up a service; how many days each is watched, and whether it was used."""
    start = np.maximum(roster["begin"], launch) if newcomers else np.full(len(roster), launch)
    end = np.minimum(roster["end"], last)
    there = (roster["begin"] <= start) & (end >= start)
    if coverage is not None:
        there &= _visible(roster, start, end, coverage)
    there = np.flatnonzero(there)
    start, end, use = (np.asarray(days)[there] for days in (start, end, use))
    used = use <= end
    return there, np.maximum(np.where(used, use, end) - start + 1, 1).astype(int), used


def _visible(roster, start, end, coverage):
    """Whether some source that identifies people could see each person on some day from start to end."""
    frame, visible = nw.from_native(roster), np.zeros(len(roster), dtype=bool)
    sources = coverage[coverage["identity"] == "person"]
    for source, begins, ends in zip(sources.to_dict("records"), day_numbers(sources["from"], -EVER),
                                    day_numbers(sources["to"], EVER), strict=True):
        can = frame.with_columns(sees(source, frame.columns).alias("can see"))["can see"].to_numpy()
        visible |= can & (start <= ends) & (end >= begins)
    return visible


def _not_known(plan, log, begins, last, people, minimum_count):
    """Why uptake of a service cannot be known, in words; empty if it can."""
    own, tied = log.loc[(log[NAMES] == plan.service).any(axis=1), ["own", "tied"]].sum()
    names = pd.concat([log[name] for name in NAMES]).dropna().unique().tolist()
    if plan.start > last:
        return "it is launched after the data end"
    if plan.start < begins:
        return "it was launched before the log begins, so that first uses may be missing"
    if plan.service not in names:
        near = difflib.get_close_matches(plan.service, names, cutoff=0.3)
        return (f"{UNNAMED}: nobody used it, or it is called otherwise there"
                + (f" (nearest: {', '.join(near)})" if near else ""))
    if people < minimum_count:
        return f"{f'fewer than {minimum_count} people were' if people else 'nobody was'} eligible to use it"
    if tied < TIED * own:
        return "most acts there are tied to nobody, so who used it is not known"
    return ""


def _no_forecast(plan, last):
    """Why there is no forecast to hold uptake against, in words; empty if there is one."""
    if np.isnan(plan.expected_share):
        return "no forecast was recorded"
    if np.isnan(plan.by_day) or plan.by_day < 1:
        return "the forecast says no day by which, so it is none"
    if plan.recorded >= plan.start:
        return "the forecast is not known to have been recorded before the launch, so it is none"
    if plan.expected_share == 0:
        return "nobody was forecast to use it, which leaves no share to reach"
    if plan.start + plan.by_day - 1 > last:
        return f"the forecast is for day {plan.by_day:.0f}, which comes after the data end"
    return ""


def _followed(plan, time, used, status, to_the_end, minimum_count):
    """Figures of a service, its curve, and what it counts for: uptake, at least how much, each person's influence on it."""
    compared = status == COMPARED
    by = int(plan.by_day) if compared else time.max()
    uses, watched = (np.bincount(time, some, max(by, time.max()) + 1) for some in (used, np.ones(len(time))))
    watched = np.cumsum(watched[::-1])[::-1]
    left = watched - uses
    share = 1 - np.cumprod(1 - uses / np.maximum(watched, 1))
    spread = np.cumsum(uses / np.maximum(watched * left, 1))  # Greenwood's
    days = _shown(np.cumsum(uses), left, by, minimum_count)
    behind = np.minimum(np.diff(np.cumsum(uses)[days], prepend=-watched[0]), left[days])
    curve = pd.DataFrame(np.c_[days, share[days], *_limits(share[days], spread[days]), behind], columns=CURVE[1:])
    curve = curve.assign(service=plan.service)[CURVE][:len(days) if len(days) > 1 else 0]

    day = days[-1] if to_the_end or not compared else by
    if day in days[1:] and (day >= by or not compared):
        row = curve.loc[days.index(day), CURVE[1:-1]].tolist()
        figures = dict(zip(COLUMNS[3:7], row, strict=True))
        if not compared:
            return figures, curve, None
        figures |= dict(zip(COLUMNS[8:11], np.array(row[1:]) / plan.expected_share, strict=True))
        influence = np.where(used & (time <= day), 1 / np.maximum(left[time], 1), 0) - spread[np.minimum(time, day)]
        return figures, curve, (share[day], share[day], (1 - share[day]) * influence)
    if left[by] < minimum_count:
        return {"status": f"{status}; withheld, as fewer than {minimum_count} people are still watched"}, curve, None
    few = {"status": f"{status}; withheld, as fewer than {minimum_count} people used it by day {by}"}
    most = minimum_count / max(left[by] + uses[:by + 1].sum() - minimum_count, minimum_count)  # does not tell how few
    return few, curve, (most, 0.0, 0.0) if compared else None


def _limits(share, spread):
    """95% limits of a share from the variance of the log of its complement, on the log(-log) scale."""
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(spread) / -np.log1p(-share)
        low, high = (-np.expm1(np.log1p(-share) * np.exp(side * Z * error)) for side in (-1, 1))
    return np.where(share > 0, low, 0), np.where(share > 0, high, 0)


def _shown(used, left, by, minimum_count):
    """Days, week by week, at which a curve may be shown: enough used it since the day before, enough are still watched.

    The forecast's day `by` and the last are among them, if need be in place of the week before.
    """
    days, own = [0], (by, len(used) - 1)
    for day in sorted({*range(7, len(used), 7), *own}):
        if left[day] < minimum_count:
            break
        if used[day] - used[days[-1]] >= minimum_count:
            days.append(day)
        elif day in own and days[-1] not in (0, *own):
            days[-1] = day
    return days
