"""What people said of the steps they took: ratings brought to one scale, and tied to the act each is about."""

from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.stats import norm

from ..privacy import about, suppress
from .sessions import ORDER, acts_of_people, by_people

ABOUT = ["feedback_id", "person_key", "given_at", "instrument", "question", "touchpoint", "journey_id"]
FORM = ["journey_id", "touchpoint", "given_at", "instrument", "question"]
WAYS = {
    "journey": "tied by journey",
    "window": "tied by touchpoint and time",
    "nothing named": "names no touchpoint",
    "nobody": "neither journey nor person and time known",
    "not found": "no such step found",
}


@dataclass(frozen=True)
class Rated:
    """Feedback with the valence of its ratings; made by `rated`.

    Attributes
    ----------
    feedback : DataFrame
        The feedback, with `valence`.
    ratings, outside, without_scale : int
        Ratings given; those outside their scale or no numbers; those whose scale is not known.
    """

    feedback: pd.DataFrame = field(repr=False)
    ratings: int
    outside: int
    without_scale: int

    @property
    def summary(self):
        """What became of the ratings, in a sentence."""
        if not self.ratings:
            return f"None of the {len(self.feedback):,} rows of feedback holds a rating."
        lost = [words for number, words in ((self.outside, f"{self.outside:,} outside their scale"),
                                            (self.without_scale, f"{self.without_scale:,} without a scale")) if number]
        if not lost:
            return f"All {self.ratings:,} ratings lie on their scale."
        return (f"Of {self.ratings:,} ratings, {' and '.join(lost)} count as missing; give the worst and the best rating "
                "of each scale as rating_min and rating_max.")


@dataclass(frozen=True)
class Attached:
    """Feedback tied to steps; made by `attach`.

    Attributes
    ----------
    feedback : DataFrame
        The feedback, with `event_id` of the step and `how` it was found ("journey", "window" or missing).
    within_days : float
        The window.
    ways : DataFrame
        By way, or by reason why not: `rows`, `share` of all rows and `people`; missing where withheld.
    tied : float
        Share tied to a step, of the rows that name a touchpoint; missing where too few people's do.
    """

    feedback: pd.DataFrame = field(repr=False)
    within_days: float
    ways: pd.DataFrame
    tied: float

    @property
    def summary(self):
        """How much could be tied to a step, in two sentences."""
        if np.isnan(self.tied):
            return (f"Of {len(self.feedback):,} rows of feedback, those of too few people name a touchpoint to show "
                    "how many could be tied to a step.")
        parts = [f"{words} {'withheld' if np.isnan(share) else f'{share:.0%}'}"
                 for words, share in self.ways["share"].items() if share != 0]
        return (f"Of the feedback that names a touchpoint, {self.tied:.0%} could be tied to the step it is about: by its "
                f"journey, or as the person's last act at that touchpoint in the {self.within_days:g} days before. "
                f"Of all {len(self.feedback):,} rows: {', '.join(parts)}.")


def rated(feedback):
    """Ratings as valence, from -1 (the worst of the scale) over 0 (its middle) to 1 (the best).

    A scale whose worst rating is the higher number (1 is best, 5 is worst) is followed as it is declared.

    Parameters
    ----------
    feedback : frame
        The schema's feedback, of any kind Narwhals supports: rating, rating_min (worst), rating_max (best).

    Returns
    -------
    Rated
        Its `feedback` has the column `valence`, missing where there is no rating, where a rating lies outside
        its scale, and where the scale is not known. A column of that name is replaced.

    Examples
    --------
    >>> feedback = pd.DataFrame({"rating": [5, 1, 3, 9], "rating_min": [1, 5, 1, 1], "rating_max": [5, 1, 5, 5]})
    >>> result = rated(feedback)
    >>> result.feedback["valence"].tolist(), result.outside
    ([1.0, 1.0, 0.0, nan], 1)
    """
    feedback = _pandas(feedback)
    given = feedback.reindex(columns=["rating", "rating_min", "rating_max"])
    rating, worst, best = (pd.to_numeric(given[name], errors="coerce").astype(float) for name in given)
    scaled = np.isfinite(worst) & np.isfinite(best) & (worst != best)
    outside = scaled & given["rating"].notna() & ~rating.between(np.minimum(worst, best), np.maximum(worst, best))
    valence = ((2 * rating - worst - best) / (best - worst)).where(scaled & ~outside).clip(-1, 1)
    return Rated(feedback.assign(valence=valence), int(given["rating"].notna().sum()), int(outside.sum()),
                 int((given["rating"].notna() & ~scaled).sum()))


def turned_scales(feedback, said="said", minimum_count=10):
    """Instruments on which high ratings go with unhappy words: their scale may have been declared turned round.

    Compares, by Spearman's rank correlation, what people rated with what they wrote when they filled in the same
    form: one mean of each a person. Nothing is changed.

    Parameters
    ----------
    feedback : DataFrame
        Feedback with `valence` from `rated`.
    said : str
        Column with the valence of the text, missing where there is none.
    minimum_count : int
        Fewest people to judge an instrument by. Anonymous rows count as a person each.

    Returns
    -------
    DataFrame
        One row an instrument on which somebody both rated and wrote: instrument, people, correlation, low and high
        (95%), and warning, which is empty unless the whole interval is below 0. Too few people: missing, no warning.

    Raises
    ------
    ValueError
        If a column is missing.

    Notes
    -----
    The interval is that of Bonett & Wright (2000), *Psychometrika* 65(1), 23-28.

    Examples
    --------
    >>> mood = np.linspace(-1, 1, 40)
    >>> feedback = pd.DataFrame({"instrument": "box", "valence": -mood, "said": mood})
    >>> bool(turned_scales(feedback).loc[0, "warning"])
    True
    """
    need(feedback, "instrument", "valence", said)
    rows = feedback.reindex(columns=["instrument", "person_key", "given_at", "valence", said]).reset_index(drop=True)
    unsigned = pd.Series([f"row {number}" for number in range(len(rows))], rows.index, dtype=object)
    rows["person_key"] = rows["person_key"].astype(object).where(rows["person_key"].notna(), unsigned)
    forms = rows.groupby(["instrument", "person_key", "given_at"], dropna=False)[["valence", said]].mean().dropna()
    people = forms.groupby(["instrument", "person_key"])[["valence", said]].mean().groupby("instrument")
    table = pd.DataFrame(
        [_rank_correlation(pairs, minimum_count) for _, pairs in people],
        columns=["people", "correlation", "low", "high"], index=pd.Index(list(people.groups), name="instrument"))
    table["warning"] = [
        f"On the {row.Index}, high ratings go with unhappy words (rank correlation {row.correlation:.2f}, 95% interval "
        f"{row.low:.2f} to {row.high:.2f}, {about(row.people)} people): its scale may be turned round. If so, exchange "
        "rating_min (the worst) and rating_max (the best); nothing was changed here." if row.high < 0 else ""
        for row in table.itertuples()]
    return table.reset_index()


def attach(feedback, events, within_days=7, minimum_count=10):
    """Tie each row of feedback to the step it is about.

    A step is an act of an identified person. Feedback that names a journey and a touchpoint is about the last such
    step of the journey before it was given; where a form asks about a touchpoint several times, its rows are taken
    in the order of ``feedback_id`` for the last such steps. Which of these steps got which row may be mistaken, the
    mean of the journey is not. Without a time it is tied only if there is a single such step. Other feedback is
    about the person's last act at the touchpoint, if it is no longer ago than the window.

    Parameters
    ----------
    feedback : frame
        The schema's feedback, of any kind Narwhals supports.
    events : frame
        The schema's events, of any kind Narwhals supports; only rows that feedback may be about are collected.
    within_days : float
        The window, in days of 24 hours.
    minimum_count : int
        Fewest people behind a count in `ways`; at least 5.

    Returns
    -------
    Attached

    Raises
    ------
    ValueError
        As `sessionise`, and if there is no feedback or the window is not above 0.

    Examples
    --------
    >>> events = pd.DataFrame({"event_id": ["1", "2"], "person_key": "ann", "initiated_by": "person", "touchpoint": "desk",
    ...                        "occurred_at": pd.to_datetime(["2025-01-01", "2025-01-03"])})
    >>> feedback = pd.DataFrame({"person_key": "ann", "touchpoint": ["desk", "loan"],
    ...                          "given_at": pd.to_datetime(["2025-01-02", "2025-01-04"])})
    >>> attach(feedback, events).feedback["event_id"].fillna("none").tolist()
    ['1', 'none']
    """
    if not within_days > 0:
        raise ValueError(f"`within_days` is how long before it was given feedback may be about an act, in days, and above "
                         f"0; it is {within_days}.")
    feedback = _pandas(feedback)
    if feedback.empty:
        raise ValueError("There is no feedback: nothing can be said about how steps felt.")
    acts, _ = acts_of_people(events, "touchpoint")
    rows = feedback.reindex(columns=ABOUT).reset_index(drop=True)
    rows["given_at"] = times(rows["given_at"])
    named = rows[rows["touchpoint"].notna()].astype(dict.fromkeys(["person_key", "touchpoint", "journey_id"], "str"))

    by_journey = _by_journey(named, acts)
    rest = named.drop(by_journey.index).dropna(subset=["person_key", "given_at"])
    by_window = _by_window(rest, acts, pd.Timedelta(days=within_days))
    rows["event_id"] = pd.concat([by_journey, by_window]).reindex(rows.index)
    rows["how"] = np.select([rows.index.isin(by_journey.index), rows.index.isin(by_window.index)],
                            ["journey", "window"], None)

    unknown = rows["journey_id"].isna() & rows[["person_key", "given_at"]].isna().any(axis=1)
    way = rows["how"].where(rows["how"].notna(), np.select(
        [rows["touchpoint"].isna(), unknown], ["nothing named", "nobody"], "not found")).map(WAYS)
    enough = _people(named["person_key"]) >= minimum_count
    tied = rows["how"].notna().sum() / len(named) if enough else np.nan
    columns = {name: rows[name].to_numpy() for name in ("event_id", "how")}
    return Attached(feedback.assign(**columns), within_days, _counted(way, rows["person_key"], minimum_count), float(tied))


def _by_journey(rows, acts):
    """The event each row is about, found by its journey; rows about none are not in it."""
    rows = rows.dropna(subset="journey_id")
    if rows.empty or "journey_id" not in acts.collect_schema():
        return pd.Series(dtype=object)
    turn = rows.sort_values("feedback_id", kind="stable").groupby(FORM, dropna=False).cumcount(ascending=False)
    rows = rows.assign(row=rows.index, turn=turn)[["row", "turn", "person_key", "given_at", "journey_id", "touchpoint"]]
    steps = pd.concat(_about(acts.filter(~nw.col("journey_id").is_null()), rows, "journey_id", "touchpoint"))
    pairs = rows.merge(steps, on=["journey_id", "touchpoint"], suffixes=("", "_of_step"))
    theirs = pairs["person_key"].isna() | (pairs["person_key"] == pairs["person_key_of_step"])
    pairs = pairs[theirs & ~(pairs["occurred_at"] > pairs["given_at"])].sort_values(["row", *ORDER])
    later = pairs.groupby("row").cumcount(ascending=False)
    others = pairs.groupby("row")["row"].transform("size") - 1
    sure = pairs["given_at"].notna() | (others == 0)
    return pairs[sure & (later == np.minimum(pairs["turn"], others))].set_index("row")["event_id"]


def _by_window(rows, acts, window):
    """The event each row is about, found by person, touchpoint and time; rows about none are not in it."""
    if rows.empty:
        return pd.Series(dtype=object)
    rows = rows.assign(row=rows.index).sort_values("given_at", kind="stable")
    first, last = rows["given_at"].min() - window, rows["given_at"].max()
    near = acts.filter(nw.col("occurred_at") >= first.to_pydatetime(), nw.col("occurred_at") <= last.to_pydatetime())
    named = rows[["row", "given_at", "person_key", "touchpoint"]]
    found = pd.concat(
        pd.merge_asof(named, some, left_on="given_at", right_on="occurred_at", by=["person_key", "touchpoint"],
                      tolerance=window).dropna(subset="event_id") for some in _about(near, rows, "person_key", "touchpoint"))
    return found.set_index("row")["event_id"]


def _about(acts, rows, *keys):
    """Acts that share each key with some of the rows, some people's after others', each in order of time."""
    named = [nw.col(key).is_in(rows[key].unique().tolist()) for key in keys]
    columns = list(dict.fromkeys([*keys, "person_key", *ORDER]))
    for some in by_people(acts):
        yield as_pandas(some.lazy().select(columns).collect().filter(*named), columns).sort_values(ORDER)


def as_pandas(frame, columns):
    """These columns as pandas, those that are not there missing; keys as text, times to the microsecond."""
    there = [name for name in columns if name in frame.collect_schema()]
    table = frame.select(there).lazy().collect().to_pandas().reindex(columns=columns)
    table["occurred_at"] = times(table["occurred_at"])
    return table.astype({name: "str" for name in ("person_key", "journey_id", "touchpoint", "service") if name in columns})


def times(column):
    times = pd.to_datetime(column, errors="coerce")
    if times.dt.tz is not None:
        raise ValueError(f"The times in {column.name} carry a time zone, and a study's are in its own: take it off, with "
                         "tz_convert to the study's zone and then tz_localize(None).")
    return times.astype("datetime64[us]")


def _counted(way, person, minimum_count):
    """Rows, share and people by way; counts of too few people missing, with another that would give them away."""
    people = person.groupby(way).apply(_people).reindex(WAYS.values(), fill_value=0)
    shown = (people == 0) | suppress(people, minimum_count, impossible=people == 0).notna()
    table = pd.DataFrame({"rows": way.value_counts().reindex(people.index, fill_value=0), "people": people}, dtype=float)
    table.insert(1, "share", table["rows"] / len(way))
    return table.where(shown).rename_axis("way")


def _people(keys):
    """Different people; anonymous rows count as a person each."""
    return keys.nunique() + keys.isna().sum()


def _rank_correlation(pairs, minimum_count):
    people = len(pairs)
    if people < max(minimum_count, 4) or pairs.nunique().min() < 2:
        return (np.nan,) * 4
    r = pairs.rank().corr().iloc[0, 1]
    reach = norm.ppf(0.975) * np.sqrt((1 + r**2 / 2) / (people - 3))
    low, high = np.tanh(np.arctanh(np.clip(r, -0.999999, 0.999999)) + np.array([-reach, reach]))
    return people, r, low, high


def _pandas(frame):
    return nw.from_native(frame).lazy().collect().to_pandas()


def need(frame, *columns):
    if absent := [name for name in columns if name not in frame]:
        raise ValueError(f"The feedback has no column {' and no column '.join(absent)}: valence comes from `rated`, "
                         "event_id from `attach`, the valence of texts from scoring the comments.")
