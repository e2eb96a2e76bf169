"""How the minutes of staff time divide over segments of people, or over groups of members."""

from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd

from ..privacy import about, counts_shown, dominated, shares_shown, suppress
from ..resampling import alike_drawn, over_samples, people_drawn, told
from ..roster import places
from .staff import OTHER, in_window, log_of_staff_time

NAMED = 3  # services, at most, that a sentence names


@dataclass(frozen=True)
class SegmentMinutes:
    """Staff minutes by earlier segment; made by `minutes_by_segment`.

    Attributes
    ----------
    table : DataFrame
        One row a segment: segment, people, share_of_people, minutes_a_head, low, high, share_of_minutes, share_low,
        share_high (95% intervals), rests_on (people with minutes); missing where withheld.
    people : int
        People with a segment.
    of_all : float
        Share of all staff minutes that theirs are; missing where too few of them have any.
    elsewhere : float
        Share of the minutes of identified people that went to people without a segment, and is in no other figure.
    unseen : str
        The segment that `bound` is about.
    bound : float
        Its share of the minutes if everybody served without being identified had been of it; missing where withheld.
    """

    table: pd.DataFrame = field(repr=False)
    people: int
    of_all: float
    elsewhere: float
    unseen: str
    bound: float

    @property
    def contrast(self):
        """Each segment's share of people and of minutes as two series, for a figure (DataFrame)."""
        names = ["label", "estimate", "low", "high", "rests_on"]
        people, minutes = (self.table[["segment", *columns]].set_axis(names, axis=1) for columns in (
            [*["share_of_people"] * 3, "people"], ["share_of_minutes", "share_low", "share_high", "rests_on"]))
        return pd.concat([people.assign(series="share of people"), minutes.assign(series="share of staff minutes")],
                         ignore_index=True)

    @property
    def counts(self):
        """What the figure and the summary make public of how many people were in each segment (list of dict)."""
        of, shares = "people with an earlier segment", self.table.set_index("segment")["share_of_people"]
        return [*shares_shown(shares, of), *counts_shown(round(self.people, -1), of, rounded=10)]

    @property
    def headline(self):
        """The segment that got most beyond its share of people, in a sentence."""
        beyond = (self.table["share_low"] - self.table["share_of_people"]).dropna()
        if not (beyond > 0).any():
            return "No earlier segment is known to get more of the staff time than its share of people."
        row = self.table.loc[beyond.idxmax()]
        return (f"Of the time with people who had a segment before, the {row['share_of_people']:.0%} who had been "
                f"{row['segment']} got {row['share_of_minutes']:.0%}.")

    @property
    def heads_headline(self):
        """The segment that surely got most a head, or least, in a sentence."""
        return _most_and_least(self.table, "segment", "among people who had a segment before")

    @property
    def summary(self):
        """Whom the table rests on, and what could be otherwise, in sentences."""
        words = f"These are {about(self.people)} people who had a segment a period earlier. "
        if not np.isnan(self.of_all):
            words += f"These minutes are {self.of_all:.0%} of all staff time. "
        if not np.isnan(self.bound):
            words += (f"Had all time with people not identified gone to people of the segment {self.unseen}, their share "
                      f"would be {self.bound:.0%}. ")
        return words + (f"{self.elsewhere:.0%} of the time with identified people went to people without an earlier "
                        "segment, who are new or were not visible before.")


@dataclass(frozen=True)
class GroupMinutes:
    """Staff minutes by group of members; made by `minutes_by_group`.

    Attributes
    ----------
    table : DataFrame
        One row a group: group, people (eligible in the window), share_of_people, minutes_a_head with its 95% interval low
        and high, share_of_minutes (of minutes logged for a group), rests_on (people); missing where withheld.
    minutes : float
        Minutes logged for a group of the roster, in the window.
    unassigned : float
        Minutes in the window logged for no group, or for one that nobody on the roster is in.
    outside : int
        Rows of the log outside the window.
    services : tuple of str
        Services with time logged for a group of the roster; those with few such rows are `OTHER` together.
    """

    table: pd.DataFrame = field(repr=False)
    minutes: float
    unassigned: float
    outside: int
    services: tuple

    @property
    def _where(self):
        """What part of the log the figures are about, with its services if they are few."""
        return "where the log names the group" + (f" ({', '.join(self.services)})" if len(self.services) <= NAMED else "")

    @property
    def headline(self):
        """The group that surely got most a head, or least, in a sentence."""
        return _most_and_least(self.table, "group", self._where)

    @property
    def summary(self):
        """The figures in sentences, and what they do not say."""
        heads = [f"{row.group} {row.minutes_a_head:.0f} (95% interval {row.low:.0f} to {row.high:.0f})"
                 for row in self.table.dropna().itertuples()]
        return (f"Staff minutes a head, {self._where}: {'; '.join(heads) or 'withheld'}. They rest on "
                f"{self.minutes / (self.minutes + self.unassigned):.0%} of the time logged, the part that names a group of "
                "the roster. This speaks of groups and says nothing of the people in them: within each group the time may "
                "have gone to anybody (Robinson 1950).")


def minutes_by_segment(allocation, segment, *, unseen="not seen", draws=2000, minimum_count=10, random_state=0):
    """Minutes a head and share of minutes of each segment, with bootstrap intervals over people.

    Segments come from a period before the minutes: by the same period the comparison is circular. People without minutes
    count with 0.

    Parameters
    ----------
    allocation : Allocation
        As made by `allocate`.
    segment : Series indexed by person_key
        Earlier segment of each person who could have been served; people for whom it is missing are left out. Leave out
        those whom no source can see, since 0 is unknown of them.
    unseen : str
        Segment for which the upper bound over people not identified is worked out.
    draws, minimum_count, random_state
        Samples of people, fewest people in a segment and fewest of them with minutes, seed. Minutes that are mostly one
        person's are withheld, too.

    Returns
    -------
    SegmentMinutes

    Raises
    ------
    ValueError
        If a person occurs twice, or nobody with a segment has minutes.

    Examples
    --------
    >>> from libengage_utils.attention import Allocation
    >>> services = pd.DataFrame({"service": ["desk"], "to_identified": 220.0, "to_unidentified": 20.0, "behind": 0.0})
    >>> minutes = pd.DataFrame({"person_key": range(20), "service": "desk", "minutes": [1.0] * 10 + [21.0] * 10, "acts": 1})
    >>> segment = pd.Series(["not seen"] * 10 + ["regular"] * 10)
    >>> result = minutes_by_segment(Allocation(minutes, services, 0, 0, 10), segment)
    >>> result.table[["segment", "people", "minutes_a_head"]].values.tolist(), round(result.bound, 3)
    ([['not seen', 10.0, 1.0], ['regular', 10.0, 21.0]], 0.125)
    """
    segment = checked_segment(segment)
    minutes = allocation.people.set_index("person_key")["minutes"]
    own = amounts_of(segment.index, minutes)
    if not own.any():
        raise ValueError(f"None of {about(len(segment))} people with a segment has minutes: index segments by person_key, "
                         "and take them from the study that the minutes are of.")
    inside = pd.Categorical(segment.array)
    names, inside, all_known = inside.categories.tolist(), inside.codes, minutes.sum()
    del segment, minutes      # keys of millions of people, while samples are drawn
    alike = pd.DataFrame({"inside": inside, "own": own}).groupby(["inside", "own"])
    kind, (at, each) = alike.ngroup().to_numpy(), np.array(alike.size().index.to_list()).T
    belongs = np.equal.outer(at, range(len(names))).astype(float)
    sums = over_samples(alike_drawn(kind, draws, random_state), np.c_[belongs, belongs * each[:, np.newaxis]])
    people, got = sums[:, :len(names)], sums[:, len(names):]
    heads = got / np.where(people > 0, people, np.nan)
    shares = got / got.sum(axis=1, keepdims=True)

    served = np.flatnonzero(own > 0)
    told_by_one = dominated(own[served], served, inside[served]).reindex(range(len(names)), fill_value=False)
    with_minutes = pd.Series(np.bincount(inside[served], minlength=len(names)), names).mask(told_by_one.to_numpy(), 0)
    count, served = (suppress(number, minimum_count).to_numpy() for number in (pd.Series(people[0], names), with_minutes))
    table = pd.DataFrame({"segment": names, "people": count, "share_of_people": people[0] / len(own),
                          **dict(zip(("minutes_a_head", "low", "high"), told(heads, len(own)), strict=True)),
                          **dict(zip(("share_of_minutes", "share_low", "share_high"), told(shares, len(own)), strict=True)),
                          "rests_on": served})
    table.loc[np.isnan(count), "share_of_people"] = np.nan
    table.loc[np.isnan(count) | np.isnan(served), table.columns[3:]] = np.nan

    shown = table.loc[(table["segment"] == unseen) & table["minutes_a_head"].notna()].index
    unknown = allocation.totals["to_unidentified"]
    bound = (got[0, shown[0]] + unknown) / (got[0].sum() + unknown) if len(shown) else np.nan
    of_all = own.sum() / allocation.totals.sum() if (own > 0).sum() >= minimum_count else np.nan
    return SegmentMinutes(table, len(own), float(of_all), float(1 - own.sum() / all_known), unseen, float(bound))


def minutes_by_group(staff_time, people, *, first, last, draws=2000, minimum_count=10, random_state=0):
    """Minutes a head by group of members, where the log names the group served and nobody is identified.

    Intervals are over weeks of the log, drawn with replacement: how much it matters which weeks there were.

    Parameters
    ----------
    staff_time : frame
        The schema's staff_time with its column group.
    people : frame
        The roster, with its column group; those eligible on some day of the window are counted.
    first, last : date
        The window, both days included.
    draws, minimum_count, random_state
        Samples of weeks; fewest people in a group, and rows of the log for it, that its figures may rest on; seed.

    Returns
    -------
    GroupMinutes

    Raises
    ------
    ValueError
        As `allocate`; and if either table names no group.

    References
    ----------
    Robinson (1950), Ecological correlations and the behavior of individuals, Am. Sociol. Rev. 15(3), 351-357.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": range(30), "group": ["staff"] * 10 + ["student"] * 20})
    >>> log = pd.DataFrame({"on": pd.date_range("2025-01-10", periods=20), "service": "desk", "minutes": 12.0,
    ...                     "group": ["staff"] * 10 + ["student"] * 10})
    >>> result = minutes_by_group(log, people, first="2025-01-01", last="2025-01-31")
    >>> result.table[["group", "minutes_a_head", "share_of_minutes"]].values.tolist()
    [['staff', 12.0, 0.5], ['student', 6.0, 0.5]]
    """
    log, outside = in_window(log_of_staff_time(staff_time, "group"), first, last)
    roster = nw.from_native(people).lazy().collect().to_pandas()
    bounds = roster.reindex(columns=["eligible_from", "eligible_to"]).apply(pd.to_datetime)
    there = ~(bounds["eligible_from"] > pd.Timestamp(last)) & ~(bounds["eligible_to"] < pd.Timestamp(first))
    groups = roster.loc[there].reindex(columns=["group"])["group"].dropna().value_counts().sort_index()
    given = log.groupby("group")["minutes"].agg(["sum", "size"]).reindex(groups.index, fill_value=0)
    if not given["sum"].sum() > 0:
        raise ValueError("No staff time is logged for a group that the roster knows: fill in the column group of both "
                         "tables in the same words, or allocate minutes by acts.")
    weeks = log.pivot_table(index=log["on"].dt.to_period("W"), columns="group", values="minutes", aggfunc="sum")
    weeks = weeks.fillna(0).reindex(columns=groups.index, fill_value=0).to_numpy()
    heads = over_samples(people_drawn(len(weeks), draws, random_state), weeks) / groups.to_numpy()
    table = pd.DataFrame({"people": suppress(groups, minimum_count), "share_of_people": groups / groups.sum(),
                          **dict(zip(("minutes_a_head", "low", "high"), told(heads, len(weeks)), strict=True)),
                          "share_of_minutes": given["sum"] / given["sum"].sum()})
    table.loc[table["people"].isna(), "share_of_people"] = np.nan
    few = suppress(np.minimum(groups, given["size"]), minimum_count).isna() | table["people"].isna()
    table["rests_on"] = table["people"]
    table.loc[few, ["minutes_a_head", "low", "high", "share_of_minutes"]] = np.nan
    minutes, rows = float(given["sum"].sum()), log.loc[log["group"].isin(groups.index), "service"].value_counts()
    services = [*sorted(rows.index[rows >= minimum_count]), *([OTHER] if (rows < minimum_count).any() else [])]
    return GroupMinutes(table.rename_axis("group").reset_index(), minutes, float(log["minutes"].sum() - minutes), outside,
                        tuple(services))


def checked_segment(segment):
    """Segments in the order of person_key, those missing left out; or a sentence on what is wrong."""
    order = segment.index.array.argsort()       # to sort or to search an Index of text takes much memory
    segment = segment.iloc[order] if (np.diff(order) < 0).any() else segment
    keys = segment.index.array
    if (keys[1:] == keys[:-1]).any():
        raise ValueError("A person occurs twice among the segments: give one segment a person, of one earlier period.")
    segment = segment.dropna() if segment.isna().any() else segment
    return segment.cat.remove_unused_categories() if isinstance(segment.dtype, pd.CategoricalDtype) else segment


def amounts_of(people, amount):
    """What each of these people (Index) has of an amount (Series by person_key); 0 where it is not there (ndarray)."""
    return np.append(amount.to_numpy(dtype=float), 0)[places(people, among=amount.index)]


def _most_and_least(table, kind, where):
    """Who surely got most a head, and who least, of those shown, and how many are withheld, in a sentence."""
    rows = table.dropna(subset="minutes_a_head").sort_values("minutes_a_head")
    names, told, withheld = rows[kind].tolist(), [], len(table) - len(rows)
    if len(rows) > 1 and rows["low"].iloc[-1] > rows["high"].iloc[:-1].max():
        told.append(f"most, {names[-1]}")
    if len(rows) > 1 and rows["high"].iloc[0] < rows["low"].iloc[1:].min():
        told.append(f"least, {names[0]}")
    words = (f"Staff minutes a head, {where}: {'; '.join(told)}" if told else
             f"No {kind} is surely first or last in staff minutes a head, {where}")
    return words + (f"; {withheld} {kind}{'s' * (withheld > 1)} withheld." if withheld else ".")
