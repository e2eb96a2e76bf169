"""Alignments with a declared way: checksums of costs and fitness of errands of up to 30 steps.

Half are of people who slip once in a while, so that many go alike, half are random walks, nearly all of them distinct.
pm4py's search "Dijkstra, less memory" is exact; it gives no fitness of its own, which is then worked out from its costs.
This package also makes its tables and intervals.
"""

from measuring import engine

LONGEST, PEOPLE = 30, 20_000
STEPS = ["search", "ask", "request", "collect", "renew", "return"]
REQUIRED = [True, False, True, True, False, True]
REPEATABLE = [False, False, False, False, True, False]
ELSEWHERE = ["desk", "gate", "e-book"]


def slipping(rng):
    """A walk on the way, with up to three slips."""
    walk = []
    for step, required, repeatable in zip(STEPS, REQUIRED, REPEATABLE, strict=True):
        walk += [step] * (1 + (repeatable and rng.geometric(0.5))) * (required or rng.random() < 0.5)
    for _ in range(rng.integers(4)):
        at = rng.integers(len(walk))
        if rng.random() < 0.25 and len(walk) > 1:
            del walk[at]
        else:
            walk.insert(at, rng.choice(STEPS + ELSEWHERE))
    return walk[:LONGEST]


def straying(rng):
    """A walk without aim."""
    return rng.choice(STEPS + ELSEWHERE, rng.integers(1, LONGEST + 1)).tolist()


def make(folder, events):
    """An errand to a hundred events."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    walks = [walk(rng) for _ in range(events // 200) for walk in (slipping, straying)]
    number = np.repeat(np.arange(len(walks)), [len(steps) for steps in walks])
    events = pd.DataFrame({
        "journey_id": [f"j{n:06d}" for n in number], "person_key": [f"p{n % PEOPLE:05d}" for n in number],
        "touchpoint": np.concatenate(walks), "event_id": [f"e{n:08d}" for n in range(len(number))],
        "occurred_at": pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(len(number)), unit="s"),
        "initiated_by": "person", "service": "loan"})
    events.to_parquet(folder / "events.parquet")


def checksums(cost, fitness):
    """Of costs and fitness in the order of journey ids."""
    return [int(sum(cost)), int(sum(at * c for at, c in enumerate(cost))), round(float(sum(fitness)), 2)]


def this_package(folder):
    from libengage_utils.journeys.conformance import conformance
    from libengage_utils.journeys.workflows import Workflow

    way = Workflow("loan", tuple(STEPS), tuple(REQUIRED), tuple(REPEATABLE))
    found = conformance(engine().read_parquet(f"{folder}/events.parquet"), {"loan": way}, edge_days=0).journeys
    return checksums(*found.sort_values("journey_id")[["cost", "fitness"]].to_numpy().T)


def pm4py_search(folder):
    import pandas as pd
    from pm4py.algo.conformance.alignments.petri_net import algorithm

    events = pd.read_parquet(f"{folder}/events.parquet", columns=["journey_id", "touchpoint", "occurred_at"])
    log = events.set_axis(["case:concept:name", "concept:name", "time:timestamp"], axis=1)
    found = algorithm.apply(log, *net(), variant=algorithm.Variants.VERSION_DIJKSTRA_LESS_MEMORY,
                            parameters={"show_progress_bar": False})
    cost = [alignment["cost"] // 10_000 for alignment in found]
    lengths = events.groupby("journey_id").size()
    return checksums(cost, [1 - c / (n + sum(REQUIRED)) for c, n in zip(cost, lengths, strict=True)])


def net():
    """The way as a Petri net with its first and last marking."""
    from pm4py.objects.petri_net.obj import Marking, PetriNet
    from pm4py.objects.petri_net.utils.petri_utils import add_arc_from_to

    way, places = PetriNet("way"), [PetriNet.Place(f"p{at}") for at in range(len(STEPS) + 1)]
    way.places.update(places)
    for at, (step, required, repeatable) in enumerate(zip(STEPS, REQUIRED, REPEATABLE, strict=True)):
        moves = [(step, at, at + 1), *[(None, at, at + 1)] * (not required), *[(step, at + 1, at + 1)] * repeatable]
        for number, (label, before, after) in enumerate(moves):
            move = PetriNet.Transition(f"t{at}.{number}", label)
            way.transitions.add(move)
            add_arc_from_to(places[before], move, way)
            add_arc_from_to(move, places[after], way)
    return way, Marking({places[0]: 1}), Marking({places[-1]: 1})


CONTENDERS = {"this package": this_package, "pm4py": pm4py_search}
LIBRARIES = {"this package": ["duckdb", "libengage_utils.journeys"], "pm4py": ["pandas", "pyarrow", "pm4py"]}

PEERS = {"pm4py"}
