"""Forms sent after a service: a rating of each step, and one of the whole, from 0 to 10."""

import numpy as np
import pandas as pd

from .seasons import DAYS, terms

ANSWERED = 0.55  # chance of an answer for somebody with one journey; falls with the root of their number
USUAL, BY_EMOTION, BY_STEP = 6.4, 1.4, 1.7
COSTS = {"failed": 3.4, "waiting": 1.3}
LONG_WAIT_COSTS = 1.2
MENDED_GAINS = 2.2, 1.6  # a failure put right lifts its step, and the whole (with or without C10)
PEAK_WEIGHT = 0.5
OVERALL_NOISE = 0.6


def term_of(day):
    """Give the term, counted from 0, in which each day falls."""
    return np.searchsorted(terms()["first"], day, side="right") - 1


def feeling_then(person, day, moods):
    """Give each person's emotion in the term of each day; 0 where they were not active."""
    emotion = moods.set_index(["person", "term"])["emotion"]
    return emotion.reindex(pd.MultiIndex.from_arrays([person, term_of(day)])).fillna(0).to_numpy()


def ask_after_service(acts, moods, planted, rng):
    """Ask some people to rate the steps of a journey and the whole of it.

    Returns
    -------
    answers : pandas.DataFrame
        Long: person, day, minute, journey, question (``step`` or ``overall``), touch, rating.
    forms : pandas.DataFrame
        One row a form: person, day, minute, journey, touch (of the step that stood out), rating (overall).
    """
    steps = _asked(acts[acts["journey"] >= 0], rng)
    rating = (
        USUAL
        + BY_EMOTION * feeling_then(steps["person"], steps["day"], moods)
        + BY_STEP * rng.standard_normal(len(steps))
        - steps["outcome"].map(COSTS).fillna(0)
        - LONG_WAIT_COSTS * steps["long_wait"].astype(bool)
        + MENDED_GAINS[0] * steps["recovered"].astype(bool)
    )
    steps = steps.assign(rating=np.clip(np.round(rating), 0, 10))
    forms = _overall(steps, planted, rng)
    given = steps[["journey"]].merge(forms[["journey", "day", "minute"]], on="journey")
    answers = pd.concat(
        [
            steps[["person", "journey", "touch", "rating"]].assign(
                question="step", day=given["day"].to_numpy(), minute=given["minute"].to_numpy()
            ),
            forms[["person", "journey", "rating", "day", "minute"]].assign(question="overall"),
        ],
        ignore_index=True,
    )
    return answers.sort_values(["day", "minute", "journey"], kind="stable", ignore_index=True), forms


def _asked(steps, rng):
    """Keep the steps, in order, of the journeys whose form came back."""
    steps = steps.sort_values(["journey", "day", "minute"], kind="stable")
    journeys = steps.groupby("journey").agg(person=("person", "first"), length=("touch", "size"))
    number = journeys.groupby("person")["length"].transform("size")
    answered = (rng.random(len(journeys)) < ANSWERED / np.sqrt(number)) & (journeys["length"] > 1)
    return steps[steps["journey"].isin(journeys.index[answered])].reset_index(drop=True)


def _overall(steps, planted, rng):
    """Rate the whole by its mean, or by its peak (the step farthest from the middle) and its end (C08)."""
    steps = steps.assign(intensity=(steps["rating"] - 5).abs())
    journeys = steps.groupby("journey")
    peak = steps.loc[journeys["intensity"].idxmax()].set_index("journey")
    last = journeys[["person", "day", "rating"]].last()
    if planted["C08"]:
        whole = PEAK_WEIGHT * peak["rating"] + (1 - PEAK_WEIGHT) * last["rating"]
    else:
        whole = journeys["rating"].mean()
    mended = journeys["recovered"].any()
    rating = whole + MENDED_GAINS[1] * mended + OVERALL_NOISE * rng.standard_normal(len(whole))
    forms = last.assign(rating=np.clip(np.round(rating), 0, 10), touch=peak["touch"])
    forms["day"] = np.minimum(forms["day"] + rng.integers(1, 5, len(forms)), len(DAYS) - 1)
    forms["minute"] = rng.integers(480, 1320, len(forms))
    return forms.reset_index()
