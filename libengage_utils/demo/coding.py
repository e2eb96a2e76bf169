"""Two synthetic readers code a sample of the comments, not always alike and not always right."""

import numpy as np
import pandas as pd

GROUPS = {"relief": "joy and relief", "disappointment": "disappointment and sadness"}
MISTAKEN = {  # what a reader may take an emotion for
    "frustration": ["disappointment", "anxiety", "neutral"],
    "disappointment": ["frustration", "neutral"],
    "anxiety": ["confusion", "frustration"],
    "confusion": ["neutral", "anxiety"],
    "neutral": ["confusion", "admiration"],
    "gratitude": ["relief", "admiration"],
    "relief": ["gratitude", "neutral"],
    "admiration": ["gratitude", "surprise"],
    "surprise": ["admiration", "neutral"],
}
SAMPLE, BY_BOTH = 300, 150
RIGHT = {"A": 0.92, "B": 0.88}


def code_comments(comments, rng):
    """Draw a random sample of comments and code it: one reader all of it, a second one half.

    Parameters
    ----------
    comments : pandas.DataFrame
        feedback_id and emotion, as planted.
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        feedback_id, coder, code, weight; in the order of comments.
    """
    sample = comments.sample(min(SAMPLE, len(comments)), random_state=rng).sort_values("feedback_id")
    second = sample.sample(min(BY_BOTH, len(sample)), random_state=rng).sort_values("feedback_id")
    codes = pd.concat([rows[["feedback_id"]].assign(coder=coder, code=_read(rows["emotion"], RIGHT[coder], rng))
                       for coder, rows in (("A", sample), ("B", second))])
    return codes.assign(weight=round(len(comments) / len(sample), 4)).sort_values(["feedback_id", "coder"])


def _read(emotions, right, rng):
    mistaken = np.array([rng.choice(MISTAKEN[emotion]) for emotion in emotions], dtype=object)
    read = np.where(rng.random(len(emotions)) < right, emotions, mistaken)
    return [GROUPS.get(emotion, emotion) for emotion in read]
