"""The annual survey: sent to a sample of the whole roster each spring, the never seen included."""

import numpy as np
import pandas as pd

from .seasons import day_number

SENT_ON = ("2024-03-04", "2025-03-03", "2026-03-02")
SPRING = (1, 4, 7)  # their terms, counted from 0
SAMPLED = 0.85
ANSWERS = {"seen": 0.47, "never used": 0.12, "invisible": 0.24, "unknown": 0.15}  # chance of a reply
CALLS_IT_USE = {"never used": 0.02, "invisible": 0.95, "unknown": 0.45}  # says "yes, used in the last year"
REASONS = {  # why not used: pull for everybody, and what circumstances add when they matter (C12)
    "I find what I need online elsewhere": (3, None),
    "I have not needed it": (3, ("group", "staff")),
    "It is too far from me": (1, ("mode", "distance")),
    "The opening hours do not suit me": (1, ("mode", "part-time")),
    "I did not know I could use it": (1, ("group", "taught postgraduate")),
    "I use another library": (1, ("home_site", "Hill")),
    "I do not feel it is for me": (0.7, None),
}


def ask(roster, traits, acts, moods, planted, rng):
    """Send the survey three times and collect the answers.

    Returns
    -------
    answers : pandas.DataFrame
        Long: person, day, minute, question, answer, rating. Whether used, why not, and two
        ratings from 1 to 5: overall, and how welcome they feel.
    replies : pandas.DataFrame
        One row a reply: person, day, minute, term, used, feeling.
    """
    panel = rng.random(len(roster)) < SAMPLED
    leaning = rng.random(len(roster))  # the same people tend to answer each year
    answers, replies = [], []
    for sent_on, term, wave in zip(SENT_ON, SPRING, rng.spawn(3), strict=True):
        reply = _replies(roster, traits, acts, sent_on, panel, leaning, wave)
        reply["term"] = term
        reply["feeling"] = _feeling(reply["person"], term, traits, moods)
        replies.append(reply)
        answers += [
            _used(reply),
            _why_not(roster, reply, planted, wave),
            _overall(reply, wave),
            _welcome(reply, traits, wave),
        ]
    return pd.concat(answers, ignore_index=True), pd.concat(replies, ignore_index=True)


def _replies(roster, traits, acts, sent_on, panel, leaning, rng):
    day = int(day_number([sent_on])[0])
    there = (day_number(roster["eligible_from"]) <= day) & (day_number(roster["eligible_to"]) >= day)
    sent = there & panel & roster["contactable"].to_numpy() & ~roster["contact_opt_out"].to_numpy()
    recent = np.isin(np.arange(len(roster)), acts["person"][acts["day"].between(day - 365, day)])
    chance = traits["kind"].map(ANSWERS).to_numpy() * np.where((traits["kind"] == "seen") & ~recent, 0.4, 1)
    chance = chance * np.exp(0.06 * traits["drive"].to_numpy())
    who = np.flatnonzero(sent & (0.5 * leaning + 0.5 * rng.random(len(roster)) < _reached(chance)))
    says_yes = traits["kind"].map(CALLS_IT_USE).fillna(0).to_numpy()[who]
    says_yes = np.where(
        (traits["kind"] == "seen").to_numpy()[who], np.where(recent[who], 0.98, 0.04), says_yes
    )
    return pd.DataFrame(
        {
            "person": who,
            "day": day + np.minimum(rng.exponential(7, len(who)).astype(int), 27),
            "minute": rng.integers(480, 1320, len(who)),
            "used": rng.random(len(who)) < says_yes,
        }
    )


def _reached(chance):
    """The value that a mean of two uniform numbers stays under with the given chance."""
    chance = np.clip(chance, 0, 1)
    return np.where(chance < 0.5, np.sqrt(chance / 2), 1 - np.sqrt((1 - chance) / 2))


def _feeling(person, term, traits, moods):
    """How the library makes people feel: their warmth, and the emotion of this term or the one before."""
    recent = moods[moods["term"].isin([term - 1, term])].drop_duplicates("person", keep="last")
    emotion = recent.set_index("person")["emotion"].reindex(person).fillna(0).to_numpy()
    return 0.75 * traits["warmth"].to_numpy()[person] + 0.4 * emotion


def _used(reply):
    return reply[["person", "day", "minute"]].assign(
        question="used in the last year", answer=np.where(reply["used"], "yes", "no")
    )


def _why_not(roster, reply, planted, rng):
    reply = reply[~reply["used"]]
    circumstances = roster.iloc[reply["person"]]
    pulls = np.array(
        [
            pull + 6 * (circumstances[where[0]] == where[1]).to_numpy() * planted["C12"]
            if where
            else np.full(len(reply), float(pull))
            for pull, where in REASONS.values()
        ]
    ).T.reshape(len(reply), len(REASONS))
    cumulative = np.cumsum(pulls, axis=1)
    ticked = (rng.random(len(reply))[:, None] * cumulative[:, -1:] > cumulative).sum(axis=1)
    return reply[["person", "day", "minute"]].assign(
        question="why not used", answer=np.array(list(REASONS))[ticked]
    )


def _overall(reply, rng):
    rated = reply[reply["used"] | (rng.random(len(reply)) < 0.25)]
    rating = 3.55 + 0.8 * rated["feeling"] + 0.38 * rng.standard_normal(len(rated)) - 0.3 * ~rated["used"]
    return rated[["person", "day", "minute"]].assign(
        question="overall", rating=np.clip(np.round(rating), 1, 5)
    )


def _welcome(reply, traits, rng):
    """How welcome people feel is their warmth, with little of what the term brought."""
    rated = reply[reply["used"] | (rng.random(len(reply)) < 0.25)]
    warmth = traits["warmth"].to_numpy()[rated["person"]]
    rating = 3.7 + 0.75 * warmth + 0.45 * rng.standard_normal(len(rated)) - 0.4 * ~rated["used"]
    return rated[["person", "day", "minute"]].assign(
        question="feel welcome", rating=np.clip(np.round(rating), 1, 5)
    )
