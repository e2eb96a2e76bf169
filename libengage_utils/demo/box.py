"""The comment box: who writes unasked, about what, and how strongly they feel."""

import numpy as np
import pandas as pd

from .forms import feeling_then, term_of
from .seasons import DAYS

COMMENTS = 0.3  # per person on the roster
BY_VOICE = 1.2


def fill_the_box(traits, acts, moods, people, planted, rng):
    """Draw the acts people write about unasked.

    The strongly pleased and the strongly annoyed write (C07), or anybody does, whatever they feel.

    Returns
    -------
    pandas.DataFrame
        One row a comment: person, day, minute, touch, journey, valence (about -1 to 1), rating (1 to 5).
    """
    acts = acts.reset_index(drop=True)
    emotion = feeling_then(acts["person"], acts["day"], moods)
    trouble = (acts["outcome"] == "failed").to_numpy()
    about = _one_act_a_term(acts, np.where(trouble, np.exp(-1.5 * emotion), 0.4), rng)
    felt = emotion[about] - 0.5 * trouble[about]
    pull = np.exp(BY_VOICE * traits["voice"].to_numpy()[acts["person"].to_numpy()[about]])
    if planted["C07"]:
        pull = pull * (np.abs(felt) > 0.35) * felt**2
    number = min(round(COMMENTS * people), int((pull > 0).sum()))
    drawn = rng.choice(len(about), number, replace=False, p=pull / pull.sum())
    felt, box = felt[drawn], acts.iloc[about[drawn]]
    valence = _said(felt, planted, rng)
    return pd.DataFrame(
        {
            "person": box["person"].to_numpy(),
            "day": np.minimum(box["day"].to_numpy() + rng.integers(0, 3, number), len(DAYS) - 1),
            "minute": np.maximum(box["minute"].to_numpy(), rng.integers(1320, 1430, number)),
            "touch": box["touch"].to_numpy(),
            "journey": box["journey"].to_numpy(),
            "valence": valence,
            "rating": np.clip(np.round(3 + 2.3 * valence), 1, 5),
        }
    )


def _one_act_a_term(acts, weight, rng):
    """Choose one act of each person and term, in proportion to its weight: positions of the acts."""
    lots = rng.exponential(1, len(acts)) / weight
    first = pd.DataFrame({"person": acts["person"], "term": term_of(acts["day"]), "lot": lots})
    return np.sort(first.sort_values("lot").drop_duplicates(["person", "term"]).index.to_numpy())


def _said(felt, planted, rng):
    """Words are larger than life where extremes write, and of middling strength where anybody does."""
    noise = rng.standard_normal(len(felt))
    if planted["C07"]:
        return np.clip(np.sign(felt) * (0.42 + 0.25 * np.abs(felt)) + 0.22 * noise, -1.1, 1.1)
    return np.clip(0.05 + 0.22 * felt + 0.24 * noise, -1.1, 1.1)
