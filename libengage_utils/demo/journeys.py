"""Walk people through services of several steps, on the declared way or off it."""

import numpy as np
import pandas as pd

LEAVES_THE_WAY = {True: 0.6, False: 0.05}  # share of journeys off the declared way (C18)


def start_journeys(visits, distance, library, planted, first_number, rng):
    """Let some visits begin a journey, and give the acts its steps are made of.

    Parameters
    ----------
    visits : pandas.DataFrame
        Columns person, day, minute.
    distance : ndarray of bool, shape (n_people,)
        Who studies at a distance, and so takes only what is offered online.
    library : dict
        From `read_library`.
    planted : dict of str to bool
    first_number : int
        Number of the first journey.
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        Columns person, day, minute, touch, journey, service, off_path: one row a step.
    """
    workflows = library["workflows"]
    draws = rng.random(len(visits))
    edges = np.cumsum([flow["starts"] for flow in workflows.values()])
    service = np.searchsorted(edges, draws)
    online = np.array([flow.get("online", False) for flow in workflows.values()] + [False])
    starts = (service < len(workflows)) & (online[service] | ~distance[visits["person"]])
    rows = []
    for number, (who, day, minute, flow) in enumerate(
        zip(
            visits["person"][starts],
            visits["day"][starts],
            visits["minute"][starts],
            service[starts],
            strict=True,
        ),
        start=first_number,
    ):
        name = list(workflows)[flow]
        path, off = walk(workflows[name]["steps"], library["detours"], LEAVES_THE_WAY[planted["C18"]], rng)
        days, minutes = _times(path, day, minute, rng)
        rows += [
            (who, d, m, library["code"][step], number, name, off)
            for (step, _), d, m in zip(path, days, minutes, strict=True)
        ]
    return pd.DataFrame(rows, columns=["person", "day", "minute", "touch", "journey", "service", "off_path"])


def walk(steps, detours, leaves, rng):
    """Walk one journey: the required steps, each optional one half the time, and perhaps a slip or two.

    Returns
    -------
    path : list of (touchpoint, days after the step before)
    off : bool
        Whether the path left the declared way.
    """
    path = [(step, gap) for step, gap, required in steps if required or rng.random() < 0.5]
    off = rng.random() < leaves
    for _ in range((1 + (rng.random() < 0.4)) * off):
        path = _slip(path, detours, rng)
    return path, bool(off)


def _slip(path, detours, rng):
    """Skip a step, repeat one, take two the other way round, or go somewhere else in between."""
    kind = rng.choice(["skip", "repeat", "swap", "detour"], p=[0.25, 0.25, 0.15, 0.35])
    at = int(rng.integers(0, len(path)))
    if kind == "skip" and len(path) > 2:
        return path[:at] + path[at + 1 :]
    if kind == "swap" and len(path) > 1:
        at = max(at, 1)
        (earlier, gap), (later, next_gap) = path[at - 1], path[at]
        return [*path[: at - 1], (later, gap), (earlier, next_gap), *path[at + 1 :]]
    extra = path[at][0] if kind == "repeat" else str(rng.choice(detours))
    return [*path[: at + 1], (extra, int(rng.integers(0, 3))), *path[at + 1 :]]


def _times(path, day, minute, rng):
    """Give each step a day and a minute, later than the step before."""
    days, minutes = [day], [min(minute, 1300)]
    for _, gap in path[1:]:
        wait = int(rng.poisson(gap)) if gap else 0
        days.append(days[-1] + wait)
        minutes.append(int(rng.integers(540, 1200)) if wait else minutes[-1] + int(rng.integers(2, 12)))
    return days, minutes
