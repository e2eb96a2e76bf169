"""Whom an hour of each service reaches, and what moving an hour from one service to another would change."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..privacy import dominated, suppress
from ..resampling import over_samples, people_drawn, sums_by_person, told
from ..roster import places
from .shares import checked_segment

JOINED = "new, or not visible before"
UNKNOWN = "nobody identified"
ASSUMPTIONS = (
    "An hour more or less at a service answers as many acts as its average hour did.",
    "The people reached by the hour moved are the mix that the service reached in this window.",
    "There is demand for as many acts more at the service that gains the hour.",
    "The quality of both services stays what it is.",
)


@dataclass(frozen=True)
class Shift:
    """Whom an hour moved from one service to another reaches; made by `shift_hour`.

    Attributes
    ----------
    source, target : str
        The service that gives the time, and the one that gets it.
    minutes : float
        Staff minutes a week that are moved.
    lost, gained : float
        Acts a week at the source and at the target.
    table : DataFrame
        One row an earlier segment: segment; lost, gained and net, acts a week, each with its 95% interval (lost_low,
        lost_high, ...); rests_on, the fewest people (acts of nobody identified) at either service, infinitely many where
        there are none; missing where withheld.
    assumptions : list of str
        What has to hold for this to come true.
    """

    source: str
    target: str
    minutes: float
    lost: float
    gained: float
    table: pd.DataFrame = field(repr=False)
    assumptions: list = field(repr=False)

    @property
    def headline(self):
        """Of whom it would reach more, and of whom fewer, in a sentence."""
        rows = self.table[self.table["segment"] != UNKNOWN].dropna(subset="net")
        more, fewer = rows.loc[rows["net_low"] > 0, "segment"], rows.loc[rows["net_high"] < 0, "segment"]
        told = [f"{word} acts of people {'; '.join(names)}" for word, names in {"more": more, "fewer": fewer}.items()
                if len(names)]
        return (f"{self.minutes:g} staff minutes a week from {self.source} to {self.target} would answer "
                f"{' and '.join(told) or 'about as many acts of everybody'}.")

    @property
    def summary(self):
        """What would be lost and gained, in sentences."""
        rows = self.table[self.table["segment"] != UNKNOWN].dropna(subset="net")
        told = [f"{_signed(row.net)} for {row.segment} (95% interval {_signed(row.net_low)} to {_signed(row.net_high)})"
                for row in rows.itertuples() if not row.net_low <= 0 <= row.net_high]
        open_ = [row.segment for row in rows.itertuples() if row.net_low <= 0 <= row.net_high]
        words = (f"{self.minutes:g} minutes a week moved from {self.source} to {self.target} stand for {self.lost:.1f} acts "
                 f"a week at the first and {self.gained:.1f} at the second. ")
        words += f"Net acts a week: {'; '.join(told)}. " if told else ""
        words += f"More or fewer cannot be told for {', '.join(open_)}. " if open_ else ""
        return words + "All this holds as far as its assumptions do."


def acts_an_hour(allocation, segment, *, minimum_count=10):
    """Acts that an hour of staff time at each service answers, by earlier segment of the people who acted.

    Parameters
    ----------
    allocation : Allocation
        As made by `allocate`.
    segment : Series indexed by person_key
        Earlier segment of each person. Merge segments that staff hardly meet: what is withheld hides others.
    minimum_count : int
        Fewest people behind a figure.

    Returns
    -------
    DataFrame of shape (n_services, n_segments + 3)
        Services that may be shown by themselves and answer acts; segments, people without one, acts of nobody identified,
        and rests_on, the fewest people behind any of these that is shown. Missing where withheld, and others in the row with
        them where a total would give these away.

    Examples
    --------
    >>> from libengage_utils.attention import Allocation
    >>> services = pd.DataFrame({"service": ["desk"], "rows": 20, "people": 20, "acts": 30, "minutes_an_act": 10.0})
    >>> acts = pd.DataFrame({"person_key": range(20), "service": "desk", "minutes": 10.0, "acts": [1] * 10 + [2] * 10})
    >>> segment = pd.Series(["not seen"] * 10 + ["regular"] * 10)
    >>> acts_an_hour(Allocation(acts, services, 0, 0, 10), segment).loc["desk"].to_dict()
    {'not seen': 2.0, 'regular': 4.0, 'nobody identified': 0.0, 'rests_on': 10.0}
    """
    acts, names = _with_segment(allocation, segment)
    services = allocation.services.set_index("service")
    services = services[~services.index.isin(allocation.small) & (services["acts"] > 0)]
    number, people = (some.unstack().reindex(index=services.index, columns=names).fillna(0)
                      for some in (acts.groupby(["service", "segment"])["acts"].sum(), _people_behind(acts)))
    shown = number.where(people.apply(suppress, axis=1, minimum=minimum_count).notna())
    unknown = services["acts"] - number.sum(axis=1)
    shown[UNKNOWN] = unknown.where((unknown == 0) | (unknown >= minimum_count))
    shown = shown.mul(60 / services["minutes_an_act"] / services["acts"], axis=0).rename_axis(columns="segment")
    return shown.assign(rests_on=people.where(shown[names].notna()).min(axis=1))


def shift_hour(allocation, segment, *, source, target, minutes=60, draws=1000, minimum_count=10, random_state=0):
    """Whom it would reach if some staff time a week went to one service instead of another.

    Acts lost at the source are the minutes over the minutes an act takes there, divided by earlier segment as the acts
    there were; acts gained at the target likewise. What an act takes is as the log has it; the mix of segments is drawn
    anew with each sample of people. Nothing here is an experiment: see the assumptions.

    Parameters
    ----------
    allocation, segment
        As for `acts_an_hour`.
    source, target : str
        The service that gives the time, and the one that gets it.
    minutes : float
        Staff minutes a week.
    draws, minimum_count, random_state
        Samples of people, fewest people behind a figure, seed.

    Returns
    -------
    Shift

    Raises
    ------
    ValueError
        If the two are one service, or one of them is unknown, answers no act, or is too small to be shown by itself.

    Examples
    --------
    >>> from libengage_utils.attention import Allocation
    >>> services = pd.DataFrame({"service": ["desk", "chat"], "rows": 20, "people": 20, "acts": 20,
    ...                          "minutes_an_act": [30, 10]})
    >>> acts = pd.DataFrame({"person_key": [*range(20), *range(20)], "service": ["desk"] * 20 + ["chat"] * 20,
    ...                      "minutes": 10.0, "acts": 1})
    >>> segment = pd.Series(["not seen"] * 10 + ["regular"] * 10)
    >>> shift = shift_hour(Allocation(acts, services, 0, 0, 10), segment, source="desk", target="chat")
    >>> shift.table[["segment", "lost", "gained", "net"]].head(2).values.tolist()
    [['not seen', 1.0, 3.0, 2.0], ['regular', 1.0, 3.0, 2.0]]
    """
    services = allocation.services.set_index("service")
    _check(services, allocation.small, source, target, minutes)
    acts, names = _with_segment(allocation, segment)
    acts = acts[acts["service"].isin([source, target])]
    person, people = pd.factorize(acts["person_key"], sort=True)
    cell = (acts["service"] == target) * len(names) + acts["segment"].cat.codes
    behind = _people_behind(acts).unstack().reindex(index=[source, target], columns=names).fillna(0)
    shown = behind.apply(suppress, axis=1, minimum=minimum_count).notna().all()

    sums = over_samples(people_drawn(len(people), draws, random_state),
                        sums_by_person(person, cell, acts["acts"], 2 * len(names))).reshape(draws + 1, 2, len(names))
    unknown = services.loc[[source, target], "acts"].to_numpy() - sums[0].sum(axis=1)
    sums = np.dstack([sums, np.broadcast_to(unknown[:, np.newaxis], (draws + 1, 2, 1))])
    acts_moved = minutes / services.loc[[source, target], "minutes_an_act"].to_numpy(dtype=float)
    lost, gained = np.moveaxis(sums / sums.sum(axis=2, keepdims=True) * acts_moved[:, np.newaxis], 1, 0)
    table = pd.DataFrame({"segment": [*names, UNKNOWN]})
    for name, values in (("lost", lost), ("gained", gained), ("net", gained - lost)):
        table[name], table[f"{name}_low"], table[f"{name}_high"] = told(values, len(people))
    table["rests_on"] = np.r_[behind.min(), np.where(unknown > 0, unknown, np.inf).min()]
    table.loc[~np.r_[shown.to_numpy(), table["rests_on"].iloc[-1] >= minimum_count], table.columns[1:]] = np.nan
    return Shift(source, target, minutes, *acts_moved.tolist(), table, list(ASSUMPTIONS))


def _with_segment(allocation, segment):
    """Acts by person and service with the person's earlier segment, and the segments in order."""
    segment, acts = checked_segment(segment), allocation.by_service
    known, at = pd.Categorical(segment), places(acts["person_key"], among=segment.index)
    names = [*known.categories, JOINED]
    joined = len(names) - 1
    acts = acts.assign(segment=pd.Categorical.from_codes(np.append(known.codes, joined)[at], names))
    return acts, names if (at < 0).any() else names[:joined]


def _people_behind(acts):
    """People behind the acts of each service and segment; nobody where one of them would be told by their sum."""
    cells = acts.groupby(["service", "segment"])
    return cells.size().mask(dominated(acts["acts"], acts["person_key"], cells.ngroup()).to_numpy(), 0)


def _check(services, small, source, target, minutes):
    if source == target or not minutes > 0:
        raise ValueError("A shift takes minutes above 0 from one service to another: give two services, and minutes a week.")
    for service in (source, target):
        if service not in services.index:
            raise ValueError(f"No staff time is logged for {service}: choose from {', '.join(sorted(services.index))}.")
        if not services.loc[service, "acts"] > 0:
            raise ValueError(f"The time logged for {service} answers no act, so whom an hour of it reaches cannot be said: "
                             "choose a service that people meet.")
        if service in small:
            raise ValueError(f"Too few people or rows of the log stand behind {service} (`minimum_count`): choose a larger "
                             "service or a longer window.")


def _signed(number):
    return f"{number:+.1f}".replace("-", "\N{MINUS SIGN}")
