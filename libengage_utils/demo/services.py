"""Read what the synthetic library offers: touchpoints, declared workflows, launches and sources."""

from importlib.resources import files

import numpy as np
import pandas as pd
import yaml

REPERTOIRES = {  # what each segment keeps to, when segments are planted
    "deep readers": ("article", "database"),
    "drop-ins": ("gate", "printing", "e-book", "reading list"),
}


def read_library():
    """Read ``services.yml``; its touchpoints become a frame whose row numbers are their codes."""
    library = yaml.safe_load(files(__package__).joinpath("services.yml").read_text(encoding="utf-8"))
    touchpoints = pd.DataFrame(library["touchpoints"]).T
    touchpoints.index.name = "touchpoint"
    touchpoints["by"] = touchpoints["by"].fillna("person")
    for number in ("fails", "waiting", "wait"):
        touchpoints[number] = touchpoints[number].astype(float).fillna(0)
    library["touchpoints"] = touchpoints
    library["code"] = {name: code for code, name in enumerate(touchpoints.index)}
    return library


def tastes(roster, traits, library, planted, rng):
    """Draw how each person spreads ordinary acts over touchpoints.

    Returns
    -------
    ndarray, shape (n_people, n_touchpoints)
        Cumulative shares along the second axis.
    """
    touchpoints = library["touchpoints"]
    groups = ["undergraduate", "taught postgraduate", "research student", "staff"]
    pull = np.array([p if isinstance(p, list) else [0] * 4 for p in touchpoints["pull"]], dtype=float)
    weights = pull.T[roster["group"].map(groups.index)]
    weights = weights * np.exp(0.9 * rng.standard_normal(weights.shape))
    online = (touchpoints["channel"] == "online").to_numpy()
    weights[np.ix_((roster["mode"] == "distance").to_numpy(), ~online)] = 0
    if planted["segments"]:
        for segment, repertoire in REPERTOIRES.items():
            own = np.isin(touchpoints.index, repertoire)
            weights[np.ix_((traits["segment"] == segment).to_numpy(), ~own)] = 0
        weights += 1e-9 * online
    return np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)


def choose(shares, person, rng):
    """Choose a touchpoint code for each act of ``person`` by the person's own cumulative shares."""
    draws = rng.random(len(person))
    return np.minimum((draws[:, None] > shares[person]).sum(axis=1), shares.shape[1] - 1)
