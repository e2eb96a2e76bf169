"""BG/NBD fit: the four parameters of people's rhythms, by maximum likelihood."""

TOLERANCE = 0.02
DAYS = 365


def make(folder, events):
    """Active days of people who come at rates of their own until they stop, as frequency, recency and T."""
    import numpy as np
    import pandas as pd

    people, rng = events // 20, np.random.default_rng(0)
    length = rng.integers(100, DAYS, people).astype(float)
    rate, stop = rng.gamma(0.8, 1 / 20, people), rng.beta(0.9, 5, people)
    clock, frequency, recency = np.zeros(people), np.zeros(people), np.zeros(people)
    there = np.ones(people, dtype=bool)
    while there.any():
        clock[there] += rng.exponential(1 / rate[there])
        there &= clock < length
        frequency[there] += 1
        recency[there] = clock[there]
        there[there] = rng.random(there.sum()) >= stop[there]
    frame = pd.DataFrame({"frequency": frequency, "recency": np.floor(recency), "T": length})
    frame.to_parquet(folder / "days.parquet")


def this_package(folder):
    import pandas as pd

    from libengage_utils.letters import RhythmModel

    model = RhythmModel().fit(pd.read_parquet(f"{folder}/days.parquet"))
    return [float(model.r_), float(model.alpha_), float(model.a_), float(model.b_)]


def lifetimes(folder):
    import pandas as pd
    from lifetimes import BetaGeoFitter

    days = pd.read_parquet(f"{folder}/days.parquet")
    found = BetaGeoFitter().fit(days["frequency"], days["recency"], days["T"]).params_
    return [float(found[name]) for name in ("r", "alpha", "a", "b")]


CONTENDERS = {"this package": this_package, "lifetimes": lifetimes}
LIBRARIES = {"this package": ["pandas", "pyarrow", "libengage_utils.letters"],
             "lifetimes": ["pandas", "pyarrow", "lifetimes"]}
PEERS = {"lifetimes"}
