"""Bring together what people said: the annual survey, forms after a service, and the comment box."""

import numpy as np
import pandas as pd

from .box import fill_the_box
from .comments import write_comments
from .events import clock_time
from .forms import ask_after_service
from .survey import ask

COLUMNS = [
    "feedback_id",
    "person_id",
    "given_at",
    "instrument",
    "touchpoint",
    "journey_id",
    "question",
    "answer",
    "text",
    "rating",
    "rating_min",
    "rating_max",
    "solicited",
]
SCALES = {"annual survey": (1, 5), "after-service form": (0, 10), "comment box": (1, 5)}
COMMENTS_ON = {"annual survey": 0.33, "after-service form": 0.27}
ANONYMOUS = 0.15  # of the comment box
STRIPPED = {True: 0, False: 0.75}  # share of feedback that says neither who nor about what (C19)


def collect(roster, traits, acts, moods, library, planted, rng):
    """Collect all feedback, and what is true of its comments.

    Returns
    -------
    feedback : pandas.DataFrame
        The schema's table, with person_id for the key, in time order.
    comments : pandas.DataFrame
        feedback_id, emotion, valence, style and language of each comment.
    ratings : pandas.DataFrame
        The ratings of steps and wholes that forms gave, before anything was stripped.
    """
    answers, replies = ask(roster, traits, acts, moods, planted, rng["survey"])
    ratings, forms = ask_after_service(acts, moods, planted, rng["forms"])
    box = fill_the_box(traits, acts, moods, len(roster), planted, rng["box"])
    rows = pd.concat(
        [
            answers.assign(instrument="annual survey"),
            _survey_comments(replies, acts, rng["comments"]).assign(instrument="annual survey"),
            ratings.assign(instrument="after-service form"),
            _form_comments(forms, rng["comments"]).assign(instrument="after-service form"),
            box.assign(instrument="comment box"),
        ],
        ignore_index=True,
    )
    rows["touchpoint"] = rows["touch"].map(dict(enumerate(library["touchpoints"].index)))
    rows = _with_texts(rows, roster, rng["comments"])
    rows["solicited"] = rows["instrument"] != "comment box"
    for bound, column in enumerate(("rating_min", "rating_max")):
        rows[column] = rows["instrument"].map(lambda name, bound=bound: SCALES[name][bound])
        rows[column] = rows[column].where(rows["rating"].notna())
    rows["given_at"] = clock_time(rows["day"], rows["minute"])
    rows["journey_id"] = [f"j{number:05.0f}" if number >= 0 else "" for number in rows["journey"]]
    rows["person_id"] = roster["person_id"].reindex(rows["person"]).to_numpy()
    rows = rows.sort_values(["day", "minute", "person"], kind="stable", ignore_index=True)
    rows["feedback_id"] = [f"f{number:05d}" for number in range(1, len(rows) + 1)]
    told = rows["text"].notna()
    truth = rows.loc[told, ["feedback_id", "emotion", "valence", "style", "language"]]
    return _strip(rows, planted, rng["box"]).reindex(columns=COLUMNS), truth.reset_index(drop=True), ratings


def _survey_comments(replies, acts, rng):
    """Some who reply add a comment: on a service they used lately, on the whole, or on not using it."""
    rows = replies[rng.random(len(replies)) < COMMENTS_ON["annual survey"]]
    lately = acts[["person", "touch"]].sample(frac=1, random_state=rng).drop_duplicates("person")
    touch = rows["person"].map(lately.set_index("person")["touch"])
    touch = touch.where(rows["used"] & (rng.random(len(rows)) < 0.7))
    valence = 0.1 + 0.33 * rows["feeling"] + 0.26 * rng.standard_normal(len(rows)) - 0.25 * ~rows["used"]
    return rows[["person", "day", "minute", "used"]].assign(
        question="comment", touch=touch, valence=np.clip(valence, -1.1, 1.1)
    )


def _form_comments(forms, rng):
    rows = forms[rng.random(len(forms)) < COMMENTS_ON["after-service form"]]
    valence = (rows["rating"] - 5.8) / 4.5 + 0.15 * rng.standard_normal(len(rows))
    return rows[["person", "day", "minute", "journey", "touch"]].assign(question="comment", valence=valence)


def _with_texts(rows, roster, rng):
    tells = rows[rows["valence"].notna()]
    who = roster.iloc[tells["person"]]
    voice = np.select([who["group"] == "staff", who["mode"] == "distance"], ["staff", "distance"], "student")
    topic = tells["touchpoint"].fillna("the library").mask(tells["used"].eq(False), "not using it")
    texts = write_comments(tells["valence"].to_numpy(), topic, voice, rng).set_index(tells.index)
    return rows.join(texts)


def _strip(rows, planted, rng):
    """Take who and what about from the share of rows that were gathered without them."""
    bare = rng.random(len(rows)) < STRIPPED[planted["C19"]]
    unsigned = bare | ((rows["instrument"] == "comment box") & (rng.random(len(rows)) < ANONYMOUS))
    return rows.assign(
        person_id=rows["person_id"].mask(unsigned),
        touchpoint=rows["touchpoint"].mask(bare),
        journey_id=rows["journey_id"].mask(bare | (rows["journey_id"] == "")),
    )
