"""Scoring comments: how each feels, by a model that reads VADER's scores among other things, and VADER alone.

The first thousand comments' VADER scores are added up, which shows that both read the same.
"""

from pathlib import Path

DEMO = Path(__file__).parent.parent / "data" / "demo" / "feedback.csv.gz"
CHECKED = 1_000


def make(folder, events):
    """A comment to a hundred events, each of two of the demo's, cleaned as this package does before it reads."""
    import numpy as np
    import pandas as pd

    from libengage_utils.emotions.features import clean

    said = pd.read_csv(DEMO)["text"].dropna().map(clean).to_numpy()
    first, second = np.random.default_rng(0).choice(said, (2, events // 100))
    pd.DataFrame({"text": first + " " + second}).to_parquet(folder / "feedback.parquet")


def comments(folder):
    import pandas as pd

    return pd.read_parquet(f"{folder}/feedback.parquet")


def this_package(folder):
    from libengage_utils.emotions import score
    from libengage_utils.emotions.features import clean, read

    scored = score(comments(folder))
    compound = read(list(map(clean, scored["text"][:CHECKED]))).signs[:, 3]
    return [len(scored) - scored.attrs["without_text"], round(float(compound.sum()), 3)]


def vader(folder):
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    score = SentimentIntensityAnalyzer().polarity_scores
    compound = comments(folder)["text"].map(lambda text: score(text)["compound"])
    return [len(compound), round(float(compound[:CHECKED].sum()), 3)]


CONTENDERS = {"this package": this_package, "vaderSentiment": vader}
LIBRARIES = {"this package": ["pandas", "pyarrow", "libengage_utils.emotions"],
             "vaderSentiment": ["pandas", "pyarrow", "vaderSentiment.vaderSentiment"]}
LESS = {"vaderSentiment"}
