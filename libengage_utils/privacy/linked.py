"""An attacker's audit of all the counts and shares that a page makes public, taken together."""

from dataclasses import asdict, dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd

from .bounds import NotAudited, Population
from .door import PrivacyError

SLACK = 1e-9  # for shares whose product with a number of people is whole


@dataclass(frozen=True)
class Count:
    """What was published of one group of people.

    Attributes
    ----------
    of : str
        Population, such as "people eligible in 2024/25". A part of it that is shown as a population of its own
        (people whom some source sees) is an attribute of it, so that differences between the two are found.
    where : dict of str to str
        The group: a value for each attribute named; {} is everybody. An attribute has the values that are named of it,
        and where only one is, a second for all others ("not ...").
    low, high : float
        Least and greatest number of people that the published words allow; `high` is None without limit.
    withheld : bool
        Whether it was shown as withheld; then `low` and `high` say nothing.
    share_of : dict of str to str, optional
        The group that it is a share of; then `low` and `high` are shares, from 0 to 1.
    table : str
        The place where it stands, such as "Table 2".
    """

    of: str
    where: dict = field(default_factory=dict)
    low: float = 0
    high: float | None = None
    withheld: bool = False
    share_of: dict | None = None
    table: str = ""

    def to_dict(self):
        """As plain JSON, for an output's metadata."""
        return asdict(self)

    @classmethod
    def from_dict(cls, said):
        """From `to_dict`; what is not given has its default."""
        return cls(**said)


def counts_shown(shown, of, *, where=None, rounded=1):
    """What a table of counts makes public, as dicts for an output's metadata.

    Parameters
    ----------
    shown : Series, DataFrame or number
        Counts of people as shown, missing where withheld, 0 where it is known that nobody can be. Axes bear the names
        of attributes, their labels are the values. A number is that of everybody. Totals are tables of their own.
    of : str
        Population.
    where : dict, optional
        The part of the population that the whole table is about.
    rounded : int
        What the counts are rounded to a multiple of: 10 for `about`.

    Returns
    -------
    list of dict
        For `Count.from_dict`.

    Examples
    --------
    >>> table = pd.Series({"seen": 400, "quiet": np.nan}).rename_axis("segment")
    >>> [(said["where"], said["low"], said["withheld"]) for said in counts_shown(table, "people")]
    [({'segment': 'seen'}, 400.0, False), ({'segment': 'quiet'}, 0, True)]
    """
    half = rounded / 2 if rounded > 1 else 0
    return [_said(of, {**(where or {}), **group}, number, max(number - half, 0), number + half)
            for group, number in groups_of(shown)]


def shares_shown(shares, of, *, by=(), having=None, where=None, digits=0):
    """What a table of shares makes public, as dicts for an output's metadata; totals are `counts_shown`.

    Parameters
    ----------
    shares : Series or DataFrame
        From 0 to 1, missing where withheld; axes bear the names of attributes, their labels are the values.
    of : str
        Population.
    by : sequence of str
        The attributes within whose groups people were counted: none for shares of everybody, ["before"] for the rows
        of a table of movement from before to after.
    having : dict, optional
        What the share is of that no axis says: {"seen": "yes"} for the share seen in each faculty.
    where : dict, optional
        The part of the population that the whole table is about.
    digits : int
        Decimals of the per cent shown.

    Returns
    -------
    list of dict
        For `Count.from_dict`.

    Examples
    --------
    >>> (said,) = shares_shown(pd.Series({"arts": 0.2134}).rename_axis("faculty"), "people", by=["faculty"],
    ...                        having={"seen": "yes"})
    >>> said["where"], said["share_of"], round(said["low"], 4), round(said["high"], 4)
    ({'faculty': 'arts', 'seen': 'yes'}, {'faculty': 'arts'}, 0.205, 0.215)
    """
    half, where = 0.5 / 10 ** (digits + 2), where or {}
    return [_said(of, {**where, **group, **(having or {})}, share, max(round(share, digits + 2) - half, 0),
                  min(round(share, digits + 2) + half, 1), {**where, **{name: group[name] for name in by}})
            for group, share in groups_of(shares)]


def exposed(counts, minimum=10):
    """The groups that an attacker can count too closely from all that is published, taken together.

    Everything published bounds the number of people in each cell of the cross-classification of all attributes. The
    least and the greatest number of a group that whole numbers of people within all these bounds allow is the attacker's
    interval (Fischetti & Salazar 2000; Willenborg & de Waal 2001). A withheld group is exposed if that is narrower than
    `minimum`: whether it was withheld for itself or for another's sake is not said, so all are protected alike (a
    sliding protection level), and one so wide also reaches `minimum`, so that none can be proven small. Any other group is
    exposed if it is proven to hold somebody and fewer than `minimum`: one that is shown (there, a chance of somebody is
    enough), the difference of two that are shown, and what is implied though nowhere named: every group by attributes
    each two of which are named together, and what is left of its total, of everybody, or of what it is a share of.
    That a group is fewer than `minimum`, and no more, may be known: withholding says so itself.

    Not modelled is an attacker who also knows by which rule counts were withheld. Who knows that the smallest on a line
    go first, as in `suppress`, can narrow the intervals further: what is withheld is then mostly fewer than what is shown.

    Parameters
    ----------
    counts : iterable of Count
        All that is published, of one or several populations.
    minimum : int
        Fewest people of whom anything is told.

    Returns
    -------
    DataFrame
        One row an exposed group: of; where, in words; what ("withheld", "shown", "difference" or "implied"); low and
        high, the interval in people; tables, the places that together give it away. A population of which so much is
        published that it cannot be audited has one row instead: what is "not audited", low and high are missing.

    Raises
    ------
    PrivacyError
        If the numbers of a population contradict each other.

    References
    ----------
    Fischetti & Salazar (2000), Models and algorithms for optimizing cell suppression in tabular data with linear
    constraints. Willenborg & de Waal (2001), Elements of statistical disclosure control.

    Examples
    --------
    >>> first = pd.Series({"arts": 400, "law": np.nan, "medicine": np.nan}).rename_axis("faculty")
    >>> second = pd.Series({"arts": 400, "law": 25}).rename_axis("faculty")
    >>> told = [*counts_shown(428, "people"), *counts_shown(first, "people"), *counts_shown(second, "people")]
    >>> exposed([Count.from_dict(said) for said in told])[["where", "low", "high"]].values.tolist()
    [['faculty: law', 25.0, 25.0], ['faculty: medicine', 3.0, 3.0]]
    """
    populations = {}
    for count in counts:
        populations.setdefault(count.of, []).append(count)
    rows = [row for of, said in populations.items() for row in _rows(of, said, minimum)]
    return pd.DataFrame(rows, columns=["of", "where", "what", "low", "high", "tables"])


def told_closely(said, minimum, *, aims=None, values=None):
    """What counts of one population tell too closely: aims, with the interval of each; all aims if none are given."""
    values = values or _values(said)
    together = [set(count.where) for count in said] + [set(dict(aim.without or aim.group)) for aim in aims or ()]
    try:
        people = Population(values, together)
        for count in said:
            _make_known(people, count)
        aims = _aims(said, people.groups(), values) if aims is None else aims
        withheld, shown = (np.array([aim.what == what for aim in aims]) for what in ("withheld", "shown"))

        def harmless(low, high):
            fewer_than_minimum = (low <= 1) & (high >= minimum - 1)
            enough = np.where(withheld, high - low >= minimum, high >= minimum)
            return enough | fewer_than_minimum | (~withheld & ~shown & (low <= 0))

        low, high = people.reach([aim.weights for aim in aims], harmless)
    except NotAudited as error:
        raise NotAudited(f"The numbers published of {said[0].of} {error}: show fewer, or by fewer attributes.") from None
    except PrivacyError as error:
        raise PrivacyError(f"The numbers published of {said[0].of} {error}: correct them, give all values of each "
                           "attribute, or name what is counted otherwise differently.") from None
    return [(aims[at], low[at], high[at]) for at in np.flatnonzero(~harmless(low, high) & (withheld | (high > 0)))]


def groups_of(shown):
    """Groups and their numbers, from a table whose axes bear the names of attributes."""
    if np.isscalar(shown):
        return [({}, shown)]
    table = shown.stack() if isinstance(shown, pd.DataFrame) else shown
    if None in table.index.names:
        raise PrivacyError("The axes of a table of counts bear the names of attributes: name them (rename_axis).")
    return [(dict(zip(table.index.names, map(str, label if isinstance(label, tuple) else (label,)), strict=True)), number)
            for label, number in table.items()]


@dataclass(frozen=True)
class _Aim:
    """A group, or one without another that lies within it, whose number nobody should be able to tell."""

    what: str
    group: tuple
    without: tuple | None = None

    @property
    def weights(self):
        return {self.group: 1} | ({} if self.without is None else {self.without: -1})

    def people(self, values):
        """Which people these are: without one of two values they are those with the other."""
        rest = sorted(set(self.without or ()) - set(self.group))
        if len(rest) == 1 and len(values[rest[0][0]]) == 2:
            (name, value), = rest
            other, = set(values[name]) - {value}
            return tuple(sorted([*self.group, (name, other)])), None
        return self.group, self.without


def _group(where):
    """A group as a tuple of pairs, whatever the order in which its attributes were named."""
    return tuple(sorted((where or {}).items()))


def _values(said):
    """The values of each attribute; where one only is named, also all others."""
    values = {}
    for count in said:
        for name, value in count.where.items():
            values.setdefault(name, {})[value] = None
    return {name: [*named] if len(named) > 1 else [*named, f"not {next(iter(named))}"] for name, named in values.items()}


def _aims(said, groups, values):
    """Every group that is withheld, shown or implied, and what is left of one without another within it; each once."""
    groups, known = list(groups), {}
    for count in said:
        known.setdefault(_group(count.where), []).append("withheld" if count.withheld else count.high != 0)
    withheld = [group for group, marks in known.items() if "withheld" in marks]
    shown = {group: None for group, marks in known.items() if True in marks and False not in marks}
    empty = {group for group, marks in known.items() if False in marks}
    inside = [(whole, part) for part in shown for size in range(len(part)) for whole in combinations(part, size)
              if whole in shown]
    shares = [(_group(count.share_of), _group(count.where)) for count in said if count.share_of not in (None, count.where)]
    left = [(whole, part) for part in groups if part for whole in dict.fromkeys([(), *combinations(part, len(part) - 1)])]
    aims = [*(_Aim("withheld", group) for group in withheld), *(_Aim("shown", group) for group in shown),
            *(_Aim("difference", *pair) for pair in inside), *(_Aim("implied", group) for group in groups),
            *(_Aim("implied", *pair) for pair in shares + left if pair[1] not in empty)]
    once = {}
    for aim in aims:
        once.setdefault(aim.people(values), aim)
    return list(once.values())


def _make_known(people, count):
    """Tell the model of a population what was published of a group."""
    if count.withheld:
        return
    high = np.inf if count.high is None else count.high
    group, whole = _group(count.where), _group(count.share_of)
    if count.share_of is None:
        people.know({group: 1}, np.ceil(count.low - SLACK), np.floor(high + SLACK))
    else:
        people.know({group: 1, whole: -count.low}, -SLACK, np.inf)
        people.know({group: 1, whole: -high}, -np.inf, SLACK)


def _rows(of, said, minimum):
    """What is exposed of one population, or that it was not audited."""
    try:
        return [{"of": of, "where": _words(aim), "what": aim.what, "low": low, "high": high,
                 "tables": _needed(said, aim, minimum)} for aim, low, high in told_closely(said, minimum)]
    except NotAudited:
        return [{"of": of, "where": "any group", "what": "not audited", "low": np.nan, "high": np.nan,
                 "tables": tuple(dict.fromkeys(count.table for count in said))}]


def _needed(said, aim, minimum):
    """Tables that together tell an aim too closely, none of which can be spared."""
    values, needed = _values(said), said
    for table in dict.fromkeys(count.table for count in said):
        rest = [count for count in needed if count.table != table]
        if rest and told_closely(rest, minimum, aims=[aim], values=values):
            needed = rest
    return tuple(dict.fromkeys(count.table for count in needed))


def _words(aim):
    """A group in words."""
    words = ", ".join(f"{name}: {value}" for name, value in aim.group) or "all"
    if aim.without is None:
        return words
    part = ", ".join(f"{name}: {value}" for name, value in aim.without if (name, value) not in aim.group)
    return f"{words}, without {part}"


def _said(of, group, number, low, high, share_of=None):
    """One `Count` as a dict; a number that is missing is withheld, and nought is known to be nobody."""
    if pd.isna(number):
        return Count(of, group, withheld=True).to_dict()
    return Count(of, group, float(low if number else 0), float(high if number else 0), share_of=share_of).to_dict()
