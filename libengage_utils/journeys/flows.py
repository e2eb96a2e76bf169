"""The moves that people make on errands of one service, for a picture of the way and what is walked of it."""

import numpy as np
import pandas as pd

from ..privacy import suppress
from .conformance import shares_of_cells
from .variants import clear_of_edges, errands
from .workflows import nodes_walked


def flows(steps, workflow, *, as_of=None, edge_days=60, minimum_count=10):
    """The moves that people make on errands of one service, for a picture of the way and what is walked of it.

    A move leads from one step of the way to the next that was walked, whatever came in between; what did is a move of its
    own, of the kind "added", from the step of the way before it.

    Parameters
    ----------
    steps, as_of, edge_days
        As for `conformance`.
    workflow : Workflow
    minimum_count : int
        Fewest people behind a move; at least 5.

    Returns
    -------
    DataFrame
        One row a move, in the order of the way: before and after (steps, or "begin" and "end"; after an "added" move a
        touchpoint that is none); kind: "declared", "skip" (leaves out a required step), "back" (to an earlier step or,
        where it is not repeatable, to the same), "added"; journeys (that made it, once or more), people, estimate (share of
        the service's errands), low, high (95%). Missing where withheld; others are withheld with these so that margins do
        not give them away.

    Raises
    ------
    ValueError
        As for `conformance`.

    Examples
    --------
    >>> from libengage_utils.journeys.workflows import Workflow
    >>> acts = pd.DataFrame({"event_id": range(60), "person_key": np.repeat(range(20), 3), "journey_id": "j",
    ...     "service": "loan", "touchpoint": ["search", "desk", "loan"] * 20, "initiated_by": "person",
    ...     "occurred_at": pd.Timestamp("2025-01-01")})
    >>> way = Workflow("loan", ("search", "loan"), (True, True), (False, False))
    >>> flows(acts, way, edge_days=0)[["before", "after", "kind", "people"]].values.tolist()[:2]
    [['begin', 'search', 'declared', 20.0], ['search', 'loan', 'declared', 20.0]]
    """
    walked = errands(steps, as_of)
    ours = walked.table["service"] == workflow.service
    if not ours.any():
        raise ValueError(f"No errand is for the service {workflow.service}: name the service of errands in the events "
                         "(service) as the workflows do.")
    some = clear_of_edges(walked.table, edge_days, ours)
    errand, node, names = nodes_walked(some, walked, workflow)
    every, end = np.arange(len(some)), len(workflow.steps) + 1
    order = np.argsort(np.r_[every, errand, every], kind="stable")
    errand, node = np.r_[every, errand, every][order], np.r_[0 * every, node, 0 * every + end][order]
    latest = np.maximum.accumulate(np.where(node <= end, np.arange(len(node)), 0))   # on the way, step by step
    moves = pd.DataFrame({"before": node[latest[:-1]], "after": node[1:], "errand": errand[1:]})
    moves = moves[moves["after"] > 0].drop_duplicates()
    cells = moves.groupby(["before", "after"])["errand"]
    table = shares_of_cells(pd.factorize(some["person_key"])[0], cells, minimum_count=0)
    table.index = pd.MultiIndex.from_frame(moves[["before", "after"]].drop_duplicates().sort_values(["before", "after"]))
    people = table["people"].unstack(fill_value=0)      # who comes to a step leaves it, so that its totals are known
    on_the_way = people.columns <= end
    parts = [people.loc[:, on_the_way], *(people[node] for node in people.columns[~on_the_way])]
    shown = pd.concat([suppress(part, minimum_count, impossible=part == 0) for part in parts], axis=1)
    table = table.where(shown.stack().reindex(table.index).notna(), axis=0).reset_index()

    before, after = table["before"].to_numpy(), table["after"].to_numpy()
    passed = np.cumsum([0, *workflow.required])
    ahead, left_out = after > before, passed[np.minimum(after, end) - 1] - passed[before]
    again = (after == before) & np.array([False, *workflow.repeatable])[before]
    kind = np.select([after > end, again | ahead & (left_out == 0), ahead], ["added", "declared", "skip"], "back")
    table.insert(2, "kind", kind)
    return table.assign(before=names[before], after=names[after])
