"""Write plausible comments from a grammar, each with a known emotion, topic and manner."""

import re
from functools import partial
from importlib.resources import files

import numpy as np
import pandas as pd
import yaml

# Share of each emotion among comments of a valence up to the bound
EMOTIONS = {
    -0.55: {"frustration": 0.5, "disappointment": 0.27, "anxiety": 0.18, "surprise": 0.05},
    -0.15: {"frustration": 0.26, "disappointment": 0.3, "confusion": 0.27, "anxiety": 0.17},
    0.15: {"neutral": 0.64, "confusion": 0.26, "surprise": 0.1},
    0.55: {"neutral": 0.3, "gratitude": 0.3, "admiration": 0.2, "relief": 0.13, "surprise": 0.07},
    np.inf: {"gratitude": 0.42, "admiration": 0.3, "relief": 0.22, "surprise": 0.06},
}
GOOD = ("gratitude", "relief", "admiration")
BAD = ("frustration", "disappointment")
CORES = {"confusion": "unclear", "anxiety": "worry", "neutral": "plain"}
SAID_ONCE = {"when", "deadline", "days", "minutes", "quick", "times", "work", "subject", "number"}
STYLES = {"framed": 0.65, "short": 0.11, "sarcasm": 0.1, "denial": 0.07, "implied": 0.07}
IN_CONTEXT, WITH_EMOJI, IN_LOWER_CASE, IN_OTHER_LANGUAGE = 0.38, 0.05, 0.09, 0.012
ATTEMPTS = 3  # tries for a comment nobody wrote before
SLOT = re.compile(r"\{(\w+)\}")


def read_grammar():
    """Read ``grammar.yml`` and ``topics.yml`` as one mapping."""
    grammar, topics = (
        yaml.safe_load(files(__package__).joinpath(name).read_text(encoding="utf-8"))
        for name in ("grammar.yml", "topics.yml")
    )
    return grammar | {"topics": topics}


def draw_emotions(valence, rng):
    """Draw the emotion each comment expresses from its valence, between about -1 and 1."""
    bands = np.searchsorted(list(EMOTIONS), valence)
    tables = [(list(shares), list(shares.values())) for shares in EMOTIONS.values()]
    return np.array([rng.choice(tables[band][0], p=tables[band][1]) for band in bands], dtype=object)


def write_comments(valence, topic, voice, rng):
    """Write one comment for each valence, topic and voice.

    Parameters
    ----------
    valence : array_like of float, shape (n,)
    topic : array_like of str, shape (n,)
        Topics of ``topics.yml``.
    voice : array_like of str, shape (n,)
        ``student``, ``distance`` or ``staff``.
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        Columns text, emotion, style, language.
    """
    grammar, written, rows = read_grammar(), set(), []
    pick = partial(_pick, rng)
    for emotion, about, who, value in zip(draw_emotions(valence, rng), topic, voice, valence, strict=True):
        for _ in range(ATTEMPTS):
            text, style, language = _comment(grammar, emotion, about, who, value, pick, rng)
            if text not in written:
                break
        written.add(text)
        rows.append((text, emotion, style, language))
    return pd.DataFrame(rows, columns=["text", "emotion", "style", "language"])


def _pick(rng, options):
    return options[int(rng.integers(len(options)))]


def _comment(grammar, emotion, about, who, value, pick, rng):
    tone = "good" if emotion in GOOD else "bad" if emotion in BAD else None
    if tone and rng.random() < IN_OTHER_LANGUAGE:
        language = pick(list(grammar["languages"]))
        return _in_language(language, grammar["languages"][language][tone], pick), "framed", language
    topic = grammar["topics"][about]
    style = _style(emotion, tone, about, rng)
    frame, core = _frame_and_core(grammar, topic, emotion, style, tone, value, pick)
    text = SLOT.sub(lambda slot: core if slot[1] in topic and slot[1] != "name" else slot[0], frame)
    if style != "short" and about != "not using it" and rng.random() < IN_CONTEXT:
        text = _with_context(text, grammar["context"][who], pick, rng)
    text = _fill(text, grammar["slots"] | {"name": topic["name"]}, pick)
    if rng.random() < IN_LOWER_CASE and who != "staff":
        text = text.lower().rstrip(".")
    if rng.random() < WITH_EMOJI and style not in ("sarcasm", "implied"):
        text = f"{text} {pick(grammar['emoji'][emotion])}"
    return text, style, "en"


def _style(emotion, tone, about, rng):
    """Draw a manner; one that does not suit the emotion or the topic gives way to the plain frame."""
    style = rng.choice(list(STYLES), p=list(STYLES.values()))
    suits = {
        "sarcasm": emotion == "frustration",
        "denial": tone is not None,
        "implied": tone == "bad",
        "short": about != "not using it",
    }
    return str(style) if suits.get(style, True) else "framed"


def _frame_and_core(grammar, topic, emotion, style, tone, value, pick):
    if style == "short":
        return pick(grammar["styles"]["short"][emotion]), ""
    if style == "denial":
        frames = grammar["styles"]["denial"][tone]
    else:
        frames = grammar["styles"].get(style) or grammar["emotions"][emotion]
    kind = tone or CORES.get(emotion) or ("good" if value > 0 else "bad")
    core = pick(topic[kind])
    fitting = [frame for frame in frames if f"{{{kind}}}" in frame and not _clash(frame, core)]
    return pick(fitting or [f"{{{kind}}}"]), core


def _slots(text):
    return {slot.lower() for slot in SLOT.findall(text)}


def _clash(one, other):
    """Whether two sentences would both name the day, the wait, the work or the subject."""
    return bool(_slots(one) & _slots(other) & SAID_ONCE)


def _with_context(text, contexts, pick, rng):
    context = pick(contexts)
    if _clash(context, text):
        return text
    return f"{context} {text}" if rng.random() < 0.65 else f"{text} {context}"


def _fill(text, slots, pick):
    """Fill the slots; one that comes twice says the same, and what begins a sentence has a capital."""
    said = {}

    def word(slot):
        name = slot[1].lower()
        chosen = said.setdefault(name, pick(slots[name]))
        return chosen[0].upper() + chosen[1:] if slot[1][0].isupper() else chosen

    text = SLOT.sub(word, text)
    return re.sub(r"\b([Aa]) (?=[aeio])(?!one\b|one-)", r"\1n ", text)


def _in_language(language, parts, pick):
    return ("" if language == "zh" else " ").join(pick(part) for part in parts)
