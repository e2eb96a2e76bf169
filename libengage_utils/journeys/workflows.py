"""The way declared through a service, how walks lie to it at the least cost, and the moves they make along it."""

from dataclasses import dataclass
from difflib import get_close_matches

import narwhals as nw
import numpy as np
import pandas as pd

from ..nonusers import truth

COLUMNS = ["service", "step", "order", "required"]
CELLS = 2**20  # numbers worked on at once
BEGIN, END = "begin", "end"


@dataclass(frozen=True)
class Workflow:
    """The way declared through a service; made by `read_workflows`.

    Attributes
    ----------
    service : str
    steps : tuple of str
        Touchpoints, each once, in the order declared.
    required, repeatable : tuple of bool
        Of each step, whether it may not be left out, and whether it may come several times in a row.
    """

    service: str
    steps: tuple
    required: tuple
    repeatable: tuple

    @property
    def optional(self):
        """Steps that may be left out."""
        return {step for step, required in zip(self.steps, self.required, strict=True) if not required}

    @property
    def in_words(self):
        """The way in a line."""
        marks = zip(self.steps, self.required, self.repeatable, strict=True)
        return " \u2192 ".join(step + ("" if required else " (if need be)") + (" (again and again)" if repeatable else "")
                             for step, required, repeatable in marks)


def read_workflows(table, touchpoints=None):
    """The declared ways, by service.

    Steps follow each other by `order`. One that is not required may be left out; one that is repeatable may come several
    times in a row.

    Parameters
    ----------
    table : frame
        The schema's workflows, of any kind Narwhals supports; where `repeatable` is missing, a step is not.
    touchpoints : iterable of str, optional
        Touchpoints that events have, to check the steps by.

    Returns
    -------
    dict of str to Workflow

    Raises
    ------
    ValueError
        If a column or a value is missing or nothing is declared; if a way names a step twice, has two steps at one place,
        none that is required, or one that no event's touchpoint matches. All that is wrong is said at once.

    Examples
    --------
    >>> table = pd.DataFrame({"service": "loan", "step": ["desk", "search"], "order": [2, 1], "required": [True, False]})
    >>> read_workflows(table)["loan"]
    Workflow(service='loan', steps=('search', 'desk'), required=(False, True), repeatable=(False, False))
    """
    table = nw.from_native(table).lazy().collect().to_pandas()
    if absent := [name for name in COLUMNS if name not in table]:
        raise ValueError(f"The workflows have no column {' and no column '.join(absent)}: declare each step of a service "
                         "with its order, and whether it is required.")
    if table.empty:
        raise ValueError("No workflow is declared: give the steps of at least one service.")
    table["order"] = pd.to_numeric(table["order"], errors="coerce")
    if holes := int(table[COLUMNS].isna().any(axis=1).sum()):
        raise ValueError(f"{holes:,} of {len(table):,} steps of workflows lack a service, a step, an order, or whether they "
                         "are required: fill them in.")
    table["repeatable"] = table["repeatable"].fillna(False) if "repeatable" in table else False
    for column in ("required", "repeatable"):
        table[column] = truth(table, column)
    table = table.astype({"service": "str", "step": "str"}).sort_values(["service", "order", "step"])
    names = None if touchpoints is None else sorted({str(name) for name in touchpoints if not pd.isna(name)})
    ways = dict(list(table.groupby("service")))
    if problems := [problem for service, way in ways.items() for problem in _problems(service, way, names)]:
        raise ValueError(" ".join(problems))
    return {service: Workflow(service, *(tuple(way[name].tolist()) for name in ("step", "required", "repeatable")))
            for service, way in ways.items()}


def align(workflow, place, lengths):
    """What each walk costs against the way, and which of its steps are walked in their place.

    A step that the way does not allow where it is walked costs 1, a required step left out costs 1, all else nothing. Since
    a step stands once in a way, an alignment is the choice of the steps that count as walked in their place, and the
    cheapest is the heaviest subsequence of the walk in the order of the way: a required step weighs 2 the first time,
    an optional one 1, a repetition that is allowed 1.

    Where several alignments cost the same, the walk is gone through from its end, and a step counts as walked in its place
    if it does in one that agrees so far. Of two steps walked the other way round it is therefore the one walked too
    early that is out of its place.

    Parameters
    ----------
    workflow : Workflow
    place : ndarray of int, shape (n_steps,)
        Of each step of the walks, one walk after another, the position in the way, from 0; -1 where it is none of the way.
    lengths : ndarray of int, shape (n_walks,)
        Steps of each walk, 1 or more.

    Returns
    -------
    cost : ndarray of int, shape (n_walks,)
    own : ndarray of bool, shape (n_steps,)

    Notes
    -----
    Walks of one length are aligned together, so time grows with the steps of distinct walks times those of the way.

    References
    ----------
    Alignments and their cost: Adriansyah, van Dongen & van der Aalst (2011), Conformance checking using cost-based fitness
    analysis, EDOC 2011, 55-64. Heaviest increasing subsequences: Jacobson & Vo (1992), LNCS 644, 52-66.

    Examples
    --------
    >>> way = Workflow("loan", ("search", "hold", "collect"), (True, True, True), (False, False, False))
    >>> cost, own = align(way, np.array([0, -1, 1, 1, 2, 1, 0, 2]), np.array([5, 3]))
    >>> cost.tolist(), own.tolist()
    ([2, 2], [True, False, False, True, True, False, True, True])
    """
    steps = len(workflow.steps)
    place = np.where(place < 0, steps, place)
    weight = np.append(1 + np.array(workflow.required), 0)
    again = np.append(workflow.repeatable, False)
    starts = np.cumsum(lengths) - lengths
    saved, own = np.zeros(len(lengths), dtype=int), np.zeros(len(place), dtype=bool)
    for length in np.unique(lengths):
        alike = np.flatnonzero(lengths == length)
        for some in np.array_split(alike, 1 + len(alike) * length * steps // CELLS):
            at = starts[some] + np.arange(length)[:, np.newaxis]
            saved[some], own[at] = _heaviest(place[at], weight, again)
    return lengths + sum(workflow.required) - saved, own


def nodes_walked(some, walked, workflow):
    """Of each step of some errands, the row of its errand and its node; and what the nodes are called.

    Nodes are the beginning, the steps of the way in its order, the end, and touchpoints that are no step of it.
    """
    lengths = some["steps"].to_numpy()
    errand = np.repeat(np.arange(len(lengths)), lengths)
    at = np.arange(len(errand)) + (some["start"].to_numpy() - np.cumsum(lengths) + lengths)[errand]
    names = [BEGIN, *workflow.steps, END, *walked.names]
    known = {step: node for node, step in enumerate(workflow.steps, start=1)}
    node = np.array([known.get(name, len(known) + 2 + code) for code, name in enumerate(walked.names)])
    return errand, node[walked.codes[at]], np.array(names, dtype=object)


def _heaviest(walks, weight, again):
    """Weight (n,) of the heaviest subsequence of each walk (length, n), and which steps are in it (length, n).

    `best[i, j]` is the weight that the first i steps can have in the first j places of the way. The last place is that of
    steps that are none of the way; it weighs nothing.
    """
    which, last = np.arange(walks.shape[1]), len(weight) - 1
    best = np.zeros((len(walks) + 1, last + 2, len(which)), dtype=np.int32)
    for now, (before, here) in enumerate(zip(best, walks, strict=False), start=1):
        best[now] = before
        best[now, here + 1, which] = np.maximum(before[here, which] + weight[here], before[here + 1, which] + again[here])
        np.maximum.accumulate(best[now], axis=0, out=best[now])

    own, free = np.zeros(walks.shape, dtype=bool), np.full(len(which), last)
    for now in range(len(walks), 0, -1):
        here, before = walks[now - 1], best[now - 1]
        top = best[now, here + 1, which]
        once = before[here, which] + weight[here] == top
        more = again[here] & (before[here + 1, which] + 1 == top)
        own[now - 1] = (here < free) & (top == best[now, free, which]) & (once | more)
        free = np.where(own[now - 1], here + ~once, free)
    return best[-1, last], own


def _problems(service, way, names):
    """What is wrong with the way declared through a service, a sentence each."""
    for order, steps in way.groupby("order")["step"]:
        if len(steps) > 1:
            yield (f"The way through {service} has {len(steps)} steps at order {order:g} ({', '.join(steps)}): steps follow "
                   "each other, so give each an order of its own.")
    for step in way["step"][way["step"].duplicated()].unique():
        yield (f"The way through {service} names the step {step} more than once: a step stands once in a way; declare it "
               "repeatable if it may come several times in a row.")
    if not way["required"].any():
        yield (f"The way through {service} has no required step, so that nobody could leave anything out: declare at least "
               "one step required.")
    for step in way["step"].unique() if names is not None else ():
        if step not in names:
            near = ", ".join(get_close_matches(step, names, cutoff=0.5))
            yield (f"The step {step} of {service} is the touchpoint of no event; "
                   f"{f'the nearest are: {near}' if near else 'none has a name like it'}. Write it as the events do, "
                   "or take it out of the way.")
