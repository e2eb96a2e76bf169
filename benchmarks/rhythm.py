"""The BG/NBD model of 500,000 people's rhythms, fitted by maximum likelihood: this package and lifetimes."""

from features import peers
from measuring import compare

PEOPLE, DAYS = 500_000, 365


def make(folder):
    """Active days of people who come at rates of their own until they stop, as frequency, recency and T."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    length = rng.integers(100, DAYS, PEOPLE).astype(float)
    rate, stop = rng.gamma(0.8, 1 / 20, PEOPLE), rng.beta(0.9, 5, PEOPLE)
    clock, frequency, recency = np.zeros(PEOPLE), np.zeros(PEOPLE), np.zeros(PEOPLE)
    there = np.ones(PEOPLE, dtype=bool)
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
    return [round(model.r_, 2), round(model.alpha_, 1), round(model.a_, 2), round(model.b_, 1)]


def lifetimes(folder):
    import pandas as pd
    from lifetimes import BetaGeoFitter

    days = pd.read_parquet(f"{folder}/days.parquet")
    found = BetaGeoFitter().fit(days["frequency"], days["recency"], days["T"]).params_
    return [round(found["r"], 2), round(found["alpha"], 1), round(found["a"], 2), round(found["b"], 1)]


CONTENDERS = {"this package": this_package, "lifetimes": lifetimes}
LIBRARIES = {"this package": ["pandas", "pyarrow", "libengage_utils.letters"],
             "lifetimes": ["pandas", "pyarrow", "lifetimes"]}


if __name__ == "__main__":
    print(f"Rhythms of {PEOPLE:,} people")
    compare(__file__, CONTENDERS, "this package", make, pythons={"lifetimes": peers()})
