"""Whether what is already on record speaks of enough people and services to act on: an audit of acts and feedback."""

from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats

from .privacy import counts_shown, suppress
from .resampling import alike_drawn, over_samples, told
from .roster import EVER, day_numbers, numbered, roster_by_key

SHARES = ("people with an act or an answer on record", "services that enough people used and spoke of",
          "feedback that can be tied to anything")
ENOUGH = {"both": np.logical_and, "either": np.logical_or}
NEVER = 1e-9  # chance that is taken for none
TIES = {"a person": "person_key", "an errand": "journey_id", "a touchpoint": "touchpoint"}


@dataclass(frozen=True)
class Record:
    """What is on record, and whether it is enough; made by `enough`. What is missing in a table is withheld.

    Attributes
    ----------
    estimate, low, high : float
        The least of three shares, with a 95% interval.
    shares : DataFrame
        The three: label, estimate, low, high (95% each), rests_on (the fewest people on record or not; who make a service
        one of which is heard; whose feedback can be tied or cannot).
    sources : DataFrame
        A row a source: source, identity, rows, tied (share of people's own acts that are tied to a person), people (who are
        seen), blind_spots.
    touchpoints : DataFrame
        A row a touchpoint at which people acted: touchpoint, acts, tied, people (who are seen), feedback (rows), voices
        (people who gave it; an unsigned row is one), usable.
    people : DataFrame
        What is on record of the people eligible in the window: label, people, share.
    feedback : DataFrame
        What feedback can be tied to: label, rows, share.
    """

    estimate: float
    low: float
    high: float
    shares: pd.DataFrame
    sources: pd.DataFrame = field(repr=False)
    touchpoints: pd.DataFrame = field(repr=False)
    people: pd.DataFrame = field(repr=False)
    feedback: pd.DataFrame = field(repr=False)

    @property
    def rests_on(self):
        """The fewest people behind any of the shares that are shown."""
        return self.shares.dropna(subset="estimate")["rests_on"].min()

    @property
    def counts(self):
        """What the tables of sources and of services make public of how many people they saw or heard (list of dict)."""
        services = self.touchpoints.set_index("touchpoint")
        tables = (("source", "people", self.sources.set_index("source")["people"], 1),
                  *(("touchpoint", what, _to_the_ten(services[what]), 10) for what in ("people", "voices")))
        return [said for name, what, numbers, rounded in tables for at, number in numbers.items()
                for said in counts_shown(number, f"{what} on record", where={f"{name} {at}": "yes"}, rounded=rounded)]

    @property
    def touchpoints_in_words(self):
        """The services in use as a page shows them, those on which most is on record first, people to the ten (DataFrame).

        Rows of feedback less people who gave it would tell how many wrote twice.
        """
        table = self.touchpoints.drop(columns="feedback")
        table[["people", "voices"]] = table[["people", "voices"]].apply(_to_the_ten)
        table = table.sort_values(["usable", "people", "touchpoint"], ascending=[False, False, True], ignore_index=True)
        share = [f"{tied:.0%}" if tied == tied else np.nan for tied in table["tied"]]
        return table.assign(tied=share, usable=np.where(table["usable"], "yes", "no")).rename(columns={
            "touchpoint": "service met", "tied": "acts tied to a person", "people": "people who acted",
            "voices": "people who spoke", "usable": "heard"})

    @property
    def headline(self):
        """The least of the three shares, in a sentence."""
        heard, services, share = self.touchpoints["usable"].sum(), len(self.touchpoints), self.shares["estimate"].iloc[0]
        return (f"Of everybody eligible, {'nearly all' if np.isnan(share) else f'{share:.0%}'} are on record; {heard} of "
                f"{services} services have been heard of from enough people.")

    @property
    def summary(self):
        """The three shares, and which sources see nobody, in sentences."""
        shares = [f"{row.label}, {row.estimate:.0%} ({row.low:.0%} to {row.high:.0%})"
                  for row in self.shares.dropna().itertuples()]
        words = (f"Shares on record, with 95% intervals: {'; '.join(shares)}. The least of them is {self.estimate:.0%} "
                 f"({self.low:.0%} to {self.high:.0%}, which allows for having taken the least).")
        if np.isnan(self.shares["estimate"].iloc[2]):
            words += " No feedback can be told of: there is none, or few people gave any that is tied to something."
        blind = self.sources.loc[self.sources["tied"] == 0, "source"]
        return words + (f" People act, and nobody is identified, in {len(blind)} of {len(self.sources)} sources "
                        f"({', '.join(blind)})." if len(blind) else "")


def enough(people, events, feedback, coverage, *, since=None, until=None, usable="both", traces="either", unsigned=True,
           minimum_count=10, draws=1000, random_state=0):
    """Whether acts and feedback on record speak of most people and most services: the least of three shares.

    They are the shares of eligible people with an identified act or signed feedback; of touchpoints in use at which at
    least `minimum_count` identified people acted, and of which as many spoke; and of feedback that names a person, an
    errand or a touchpoint. A touchpoint is in use if people acted at it, identified or not.

    One bootstrap of people serves all three: people are drawn with replacement, one who is drawn twice counts as two, and
    unsigned feedback is of a person of its own. The least share cannot be above any of the three, so the least of the
    three lower limits lies above it only if the limit of the truly least share does: it needs no correction. The least of
    the upper limits fails if any of the three does, so each has a third of the error (Bonferroni). Where a few people
    write much and do not sign, the interval is too short.

    Parameters
    ----------
    people, events, feedback : frame
        Tables of the schema, of any kind Narwhals supports. Row order does not matter.
    coverage : DataFrame
        The study's coverage.
    since, until : date, optional
        First and last day looked at; everything on record if left out. People eligible on some day of it count.
    usable : {"both", "either"}
        Whether it takes enough people who acted and enough who spoke for a touchpoint to be usable, or one of these.
    traces : {"either", "both"}
        Whether a person counts as on record with an act or signed feedback, or only with both.
    unsigned : bool
        Whether unsigned feedback counts towards the people who spoke of a touchpoint.
    minimum_count : int
        How many people are enough, and may be shown. The share of people on record is missing where fewer are not; that of
        feedback where fewer gave any that is tied, or any that is not.
    draws, random_state
        Samples of people, seed.

    Returns
    -------
    Record

    Raises
    ------
    ValueError
        If a column is missing, nobody did anything in the window, or too few people were eligible or on record in it.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 13. The least of several: Berger (1982), Technometrics
    24(4), 295-300.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": [f"p{n:02}" for n in range(50)]})
    >>> events = pd.DataFrame({"person_key": people["person_key"][:40], "occurred_at": pd.Timestamp("2025-03-01"),
    ...     "touchpoint": ["loan"] * 20 + ["desk"] * 20, "initiated_by": "person", "source": "library system"})
    >>> feedback = pd.DataFrame({"person_key": people["person_key"][:12], "given_at": pd.Timestamp("2025-03-02"),
    ...                          "touchpoint": "loan", "journey_id": None})
    >>> coverage = pd.DataFrame({"source": ["library system"], "identity": "person", "blind_spots": ""})
    >>> enough(people, events, feedback, coverage).shares[["label", "estimate"]].values.tolist()
    [['people with an act or an answer on record', 0.8],
     ['services that enough people used and spoke of', 0.5],
     ['feedback that can be tied to anything', 1.0]]
    """
    for name, choice in (("usable", usable), ("traces", traces)):
        if choice not in ENOUGH:
            raise ValueError(f"`{name}` is {' or '.join(ENOUGH)}; it is {choice}.")
    (rows, used, acts, seen), said = _acts(events, since, until), _said(feedback, since, until)
    roster = _eligible(people, since, until)
    if len(roster) < 2 * minimum_count:
        raise ValueError(f"Fewer than {2 * minimum_count} people were eligible in the window, too few for a share: take a "
                         "longer one.")
    if not used:
        raise ValueError("No act of a person at a touchpoint is on record in the window: is it right, and are the events?")

    (actor, speaker), named, everybody = numbered(roster, acts["person_key"], said["person_key"])
    did, acted = (np.zeros((everybody, *more), dtype=bool) for more in ((), (len(used),)))
    did[actor] = True
    for at in range(len(used)):
        acted[actor, at] = acts[str(at)]
    eligible = np.arange(everybody) < len(roster)
    spoke = _by_person(speaker, said["touchpoint"], used, everybody)
    tied = said[list(TIES.values())].notna()
    written, kept = (np.bincount(who, minlength=everybody) for who in (speaker, speaker[tied.any(axis=1)]))
    counted = spoke & (unsigned | (np.arange(everybody) < named))[:, np.newaxis]
    known = eligible & ENOUGH[traces](did, written > 0)
    on_record, not_on_record = known.sum(), len(roster) - known.sum()
    if on_record < minimum_count:
        raise ValueError("Too few of the people eligible in the window are on record to show a share: take a longer one.")
    behind = np.array([acted.sum(axis=0), counted.sum(axis=0)])
    samples = _samples([eligible, known, written, kept], np.hstack([acted, counted]), minimum_count, draws, random_state)
    values = _three_shares(samples, usable, minimum_count)
    if 0 < not_on_record < minimum_count:
        values[:, 0] = np.nan
    tying, not_tying = (kept > 0).sum(), (written > kept).sum()
    if tying < minimum_count or 0 < not_tying < minimum_count:
        values[:, 2] = np.nan
    shares, limits = _least(values, everybody)
    touchpoints = _touchpoints(rows, said, used, behind[0], spoke.sum(axis=0), minimum_count).assign(
        usable=ENOUGH[usable](*(behind >= minimum_count)))
    shares["rests_on"] = [min(on_record, not_on_record or on_record),
                          np.where(behind >= minimum_count, behind, np.inf).min(),
                          tying if not_tying == 0 else min(tying, not_tying)]
    return Record(*limits, shares, _sources(rows, seen, coverage, minimum_count), touchpoints,
                  _people(did[eligible], written[eligible] > 0, minimum_count), _feedback(tied, speaker, minimum_count))


def _within(table, column, since, until):
    """Rows whose time is in the window, both days included."""
    bounds = [] if since is None else [nw.col(column) >= pd.Timestamp(since).to_pydatetime()]
    bounds += [] if until is None else [nw.col(column) < (pd.Timestamp(until) + pd.Timedelta(days=1)).to_pydatetime()]
    return table.filter(*bounds) if bounds else table


def _need(table, *columns):
    if absent := [name for name in columns if name not in table.collect_schema()]:
        raise ValueError(f"The events or the feedback have no column {' and no column '.join(absent)}: give the tables of a "
                         "study, or frames with the columns that the data dictionary names.")


def _acts(events, since, until):
    """Rows of the log in the window by what they are; the touchpoints in use; who acted, and at which; people by source."""
    log = nw.from_native(events)
    _need(log, "person_key", "occurred_at", "touchpoint", "source", "initiated_by")
    own = nw.col("initiated_by") == "person"
    log = _within(log, "occurred_at", since, until).select(
        "person_key", "touchpoint", "source", own.alias("own"), (own & ~nw.col("person_key").is_null()).alias("tied"))
    rows = log.group_by("touchpoint", "source", "own", "tied").agg(nw.len().alias("rows")).lazy().collect().to_pandas()
    used = sorted(rows.loc[rows["own"], "touchpoint"].dropna().unique())
    tied = log.filter(nw.col("tied"))
    sources = sorted(rows.loc[rows["tied"], "source"].dropna().unique())
    marks = [nw.col("touchpoint") == name for name in used] + [nw.col("source") == name for name in sources]
    acts = tied.select("person_key", *(mark.fill_null(False).alias(str(at)) for at, mark in enumerate(marks)))
    acts = acts.group_by("person_key").agg(nw.col(str(at)).max() for at in range(len(marks))).lazy().collect().to_pandas()
    seen = pd.Series(acts.iloc[:, 1 + len(used):].sum().to_numpy(), sources, dtype=float)
    return rows.astype({"rows": float}), used, acts.iloc[:, :1 + len(used)], seen


def _said(feedback, since, until):
    """Feedback in the window: person, errand and touchpoint."""
    table = nw.from_native(feedback)
    _need(table, "given_at")
    table = _within(table, "given_at", since, until)
    there = [name for name in TIES.values() if name in table.collect_schema()]
    table = table.select(there).lazy().collect().to_pandas().reindex(columns=list(TIES.values()))
    return table.sort_values(list(TIES.values()), ignore_index=True)


def _eligible(people, since, until):
    """Keys of the people eligible on some day of the window (Series)."""
    roster = roster_by_key(people)
    (first,), (last,) = day_numbers([since], -EVER), day_numbers([until], EVER)
    return roster.loc[(roster["end"] >= first) & (roster["begin"] <= last), "person_key"]


def _by_person(who, touchpoint, used, people):
    """Whether each person is at each touchpoint in use (people, n_used)."""
    at = pd.Index(used).get_indexer(touchpoint)
    table = np.zeros((people, len(used)), dtype=bool)
    table[who[at >= 0], at[at >= 0]] = True
    return table


def _samples(sums, at_each, minimum_count, draws, random_state):
    """Sums over people (n_people,), and how many are at each touchpoint (n_people, k), in samples: (1 + draws, 4 + k)."""
    people = at_each.sum(axis=0)  # not drawn where they are so many that no sample could have too few of them
    drawn = np.flatnonzero(stats.binom.cdf(minimum_count - 1, len(at_each), people / len(at_each)) * draws > NEVER)
    alike = pd.DataFrame(dict(enumerate([*sums, *at_each[:, drawn].T]))).groupby([*range(len(sums) + len(drawn))]).size()
    samples = np.tile(np.r_[np.zeros(len(sums)), people], (1 + draws, 1))
    kind, each = np.repeat(np.arange(len(alike)), alike), np.array(alike.index.to_list(), dtype=float)
    samples[:, [*range(len(sums)), *len(sums) + drawn]] = over_samples(alike_drawn(kind, draws, random_state), each)
    return samples


def _three_shares(samples, usable, minimum_count):
    """The three shares from sums over people: eligible, those on record, feedback, tied feedback, acted at, spoke of."""
    eligible, known, rows, tied = samples[:, :4].T
    good = ENOUGH[usable](*np.split(samples[:, 4:] >= minimum_count, 2, axis=1))
    return np.column_stack([known / eligible, good.mean(axis=1),
                            tied / np.where(rows > 0, rows, np.nan)])


def _least(values, people):
    """The three shares with their limits, and the least of them with its own; a share withheld is missing."""
    known = ~np.isnan(values[0])
    values = values[:, known]
    estimate, low, high = told(values, people)
    upper = np.maximum(np.nanquantile(values[1:], 1 - 0.025 / 3, axis=0), estimate)
    table = pd.DataFrame({"estimate": estimate, "low": np.minimum(low, estimate), "high": np.maximum(high, estimate)})
    shares = table.set_index(np.flatnonzero(known)).reindex(range(3))
    shares.insert(0, "label", SHARES)
    return shares, [float(some.min()) for some in (table["estimate"], table["low"], upper)]


def _shown(people, minimum_count):
    """Whether figures that rest on so many people (Series) may be shown; nobody is no person."""
    return suppress(people, minimum_count, impossible=people == 0).notna()


def _to_the_ten(people):
    """Numbers of people (Series) to the nearest ten, and a few to ten: 0 is nobody."""
    return people.round(-1).clip(lower=10).where(people > 0, people)


def _sources(rows, seen, coverage, minimum_count):
    """Rows, share tied to a person and people seen, by source."""
    known = coverage.set_index("source")[["identity", "blind_spots"]]
    table = known.join(_by(rows, "source").assign(people=seen), how="outer")
    table = table.fillna({"identity": "not declared", "blind_spots": "", "rows": 0, "people": 0})
    table.loc[~_shown(table["people"], minimum_count), ["rows", "tied", "people"]] = np.nan
    return table.rename_axis("source").reset_index()[["source", "identity", "rows", "tied", "people", "blind_spots"]]


def _touchpoints(rows, said, used, acted, spoke, minimum_count):
    """Acts and feedback by touchpoint in use, withheld where few people are behind them."""
    table = _by(rows[rows["own"]], "touchpoint").rename(columns={"rows": "acts"}).loc[used].assign(
        people=acted.astype(float), feedback=said["touchpoint"].value_counts(), voices=spoke.astype(float))
    table["feedback"] = table["feedback"].fillna(0)
    for people, others in (("people", ["acts", "tied"]), ("voices", ["feedback"])):
        table.loc[~_shown(table[people], minimum_count), [people, *others]] = np.nan
    return table.rename_axis("touchpoint").reset_index()


def _by(rows, column):
    """Rows, and the share of people's own acts among them that are tied to a person, by a column."""
    parts = pd.DataFrame({name: rows["rows"] * rows[name] for name in ("own", "tied")}).assign(rows=rows["rows"])
    sums = parts.groupby(rows[column]).sum()
    return pd.DataFrame({"rows": sums["rows"], "tied": sums["tied"] / sums["own"]})


def _people(did, wrote, minimum_count):
    """What is on record of eligible people; withheld where few have it, or few have not."""
    cells = pd.DataFrame([[(did & wrote).sum(), (did & ~wrote).sum()], [(~did & wrote).sum(), (~did & ~wrote).sum()]])
    few = not _shown(cells, minimum_count).all(axis=None)
    counts = pd.Series({"an identified act": did.sum(), "signed feedback": wrote.sum(), "both": cells.loc[0, 0],
                        "either": len(did) - cells.loc[1, 1], "neither": cells.loc[1, 1]}, dtype=float)
    either_way = np.minimum(counts, len(did) - counts)
    counts[either_way.between(1, minimum_count - 1) | (few & counts.index.isin(["both", "either", "neither"]))] = np.nan
    return pd.DataFrame({"label": counts.index, "people": counts.to_numpy(), "share": counts.to_numpy() / len(did)})


def _feedback(tied, who, minimum_count):
    """What feedback can be tied to, withheld where few people are behind it."""
    marks = {label: tied[column] for label, column in TIES.items()} | {"any of these": tied.any(axis=1)}
    rows = {label: mark.sum() if len(np.unique(who[mark])) >= minimum_count else np.nan for label, mark in marks.items()}
    return pd.DataFrame({"label": list(rows), "rows": list(rows.values()),
                         "share": np.array(list(rows.values()), dtype=float) / max(len(tied), 1)})
