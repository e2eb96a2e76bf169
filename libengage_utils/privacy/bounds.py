"""How many people each group of a population can hold, in whole numbers, given what is known of other groups."""

from itertools import chain, combinations, product
from math import prod

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from .door import PrivacyError

ROOM = 100_000  # people a group may have beyond all numbers known, where nothing bounds it
WHOLE = 1_000  # unknown numbers up to which people are held to whole ones; beyond, they have to come out so of themselves
MOST = 30_000  # groups that are looked at at all
TRIES = 4  # of many groups at once, in directions drawn, before groups are tried one by one


class NotAudited(PrivacyError):
    """More was published together than can be held against whole numbers of people."""


def reach(known, aims, settled, *, most=np.inf, whole=True):
    """Least and greatest whole value of each aim that all that is known allows, or as much of it as settles the aim.

    Parameters
    ----------
    known : tuple of (m, n) matrix, (m,) least and (m,) greatest values
        Bounds on weighted sums of the n unknown numbers of people.
    aims : (k, n) array or sparse array
        The weighted sums asked for.
    settled : callable
        From arrays of the least and greatest values found so far, which aims need no wider ones; wider ones may not
        unsettle it.
    most : float or (n,) array
        The most each unknown number may be.
    whole : bool
        Whether unknown numbers have to be held to whole ones; those bounded by margins of one table alone are anyhow.

    Returns
    -------
    low, high : ndarray of shape (k,)

    Raises
    ------
    PrivacyError
        If nothing agrees with all that is known; `NotAudited` if there are too many unknown numbers to hold to whole ones.

    Examples
    --------
    >>> low, high = reach(([[1, 1]], [12], [12]), np.eye(2), lambda low, high: high - low > 50)
    >>> low.tolist(), high.tolist()
    ([0.0, 0.0], [12.0, 12.0])
    """
    aims = csr_array(aims)
    low, high = np.full(aims.shape[0], np.inf), np.full(aims.shape[0], -np.inf)
    rng = np.random.default_rng(0)

    def widened(low, high, weights):
        for sign in (1, -1):
            wanted = weights * ~settled(low, high)
            if wanted.any():
                values = aims @ _people(sign * (aims.T @ wanted), known, most, whole)
                low, high = np.minimum(low, np.ceil(values - 1e-5)), np.maximum(high, np.floor(values + 1e-5))
        return low, high

    for _ in range(TRIES):
        low, high = widened(low, high, rng.choice([-1.0, 1.0], len(low)))
    for at in np.flatnonzero(~settled(low, high)):
        low, high = widened(low, high, np.arange(len(low)) == at)
    return low + 0.0, high + 0.0


class Population:
    """What is known of the numbers of people in the groups of a population.

    Tables are made only of attributes that are named together, along an elimination order of their graph, and are tied by
    the margins they share. Whole numbers that agree so are margins of one cross-classification of everything (Lauritzen
    1996, Graphical models: decomposable ones), which need not be written out.

    Parameters
    ----------
    values : dict of str to list of str
        The values of each attribute.
    together : iterable of set of str
        Attributes that are named together.

    Examples
    --------
    >>> people = Population({"arm": ["letter", "none"]}, [{"arm"}])
    >>> people.know({(): 1}, 30, 30)
    >>> people.know({(("arm", "letter"),): 1}, 12, np.inf)
    >>> low, high = people.reach([{(("arm", "none"),): 1}], lambda low, high: low < 0)
    >>> low.tolist(), high.tolist()
    ([0.0], [18.0])
    """

    def __init__(self, values, together):
        self._values, self._tables, self._known = values, {}, []
        self._size = 1  # the first unknown number is that of everybody
        self._together = {frozenset(pair) for names in together for pair in product(names, repeat=2)}
        groups, near = 0, {name: set() for name in values}
        for names in together:
            for name in names:
                near[name] |= names - {name}
        while near:
            first = min(near, key=lambda name: len(near[name]))
            shared = near.pop(first)
            for name in shared:
                near[name] = (near[name] | shared) - {first, name}
            names = [first, *sorted(shared)]
            shape = [len(values[name]) for name in names]
            groups += prod(side + 1 for side in shape)
            if groups > MOST:
                raise NotAudited("are too many to be audited together")
            self._tables[first] = names, self._size + np.arange(prod(shape)).reshape(shape)
            self._size += prod(shape)
        self.know({(): 1}, 0, np.inf)
        for first, (names, _) in self._tables.items():
            for cell in product(*(values[name] for name in names[1:])):
                group = tuple(zip(names[1:], cell, strict=True))
                self.know({((first, value), *group): 1 for value in values[first]} | {group: -1}, 0, 0)

    def know(self, weights, low, high):
        """Bound a weighted sum of groups; a group is a tuple of pairs of attribute and value, () is everybody."""
        self._known.append((weights, low, high))

    def groups(self):
        """Every group by attributes each two of which are named together; () is everybody."""
        yield ()
        for first, (names, _) in self._tables.items():
            for others in chain.from_iterable(combinations(names[1:], size) for size in range(len(names))):
                some = sorted((first, *others))
                if self._together.issuperset(map(frozenset, combinations(some, 2))):
                    for cell in product(*(self._values[name] for name in some)):
                        yield tuple(zip(some, cell, strict=True))

    def reach(self, aims, settled):
        """Least and greatest value of each aim, a weighted sum of groups, as `reach`."""
        sums, low, high = zip(*self._known, strict=True)
        numbers = np.abs([*low, *high])
        most = np.full(self._size, np.inf)
        most[0] = numbers[np.isfinite(numbers)].sum() + ROOM
        return reach((self._matrix(sums), low, high), self._matrix(aims), settled, most=most)

    def _matrix(self, sums):
        """A row for each weighted sum of groups."""
        rows, columns, entries = [], [], []
        for at, weights in enumerate(sums):
            for group, weight in weights.items():
                some = self._columns(dict(group))
                columns.append(some)
                rows.append(np.full(len(some), at))
                entries.append(np.full(len(some), float(weight)))
        where = np.concatenate(rows), np.concatenate(columns)
        return csr_array((np.concatenate(entries), where), shape=(len(sums), self._size))

    def _columns(self, group):
        """The unknown numbers that add up to a group."""
        if not group:
            return np.array([0])
        names, table = next(table for first, table in self._tables.items() if first in group)
        at = tuple(self._values[name].index(group[name]) if name in group else slice(None) for name in names)
        return table[at].ravel()


def _people(aim, known, most, whole):
    """Numbers of people that make an aim least."""
    many = len(aim) > WHOLE
    found = milp(aim, integrality=np.full(len(aim), int(whole and not many)), bounds=Bounds(0, most),
                 constraints=LinearConstraint(*known), options={"node_limit": 2000, "mip_rel_gap": 0})
    if found.status == 2:
        raise PrivacyError("contradict each other")
    if found.x is None or (whole and many and np.abs(found.x - found.x.round()).max() > 1e-5):
        raise NotAudited("are too many to be audited together")
    return found.x
