"""The emotion model: a comment becomes a valence and calibrated probabilities of emotions, or it is left unsure."""

import json
from copy import deepcopy
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml
from scipy.special import expit

from .features import SIGN, Vocabulary, clean, read

SHIPPED = Path(__file__).with_name("model.npz")
SCHEMES = ("labels", "ekman", "sentiment", "groups")
UNSURE_BELOW = 0.4  # confidence in the top group below which a comment is unsure
UNSURE = "unsure"
LEAST_KNOWN = 0.5  # share of a comment's words the model has to know
AT_ONCE = 10_000  # comments read at once


@cache
def mapping():
    """labels.yml: for each scheme its classes and the labels each gathers (dict)."""
    return yaml.safe_load(Path(__file__).with_name("labels.yml").read_text(encoding="utf-8"))


class EmotionModel:
    """Linear scores of words, pairs of words, parts of words and VADER's scores, made probabilities.

    `load` gives the model that comes with the package; `libengage_utils.emotions.fitting` makes it. What it was
    fitted on, how well it does and where it fails is in model-card.md beside this module.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        What the fitting command stores.

    Attributes
    ----------
    figures : dict
        Figures measured when it was fitted: macro-F1, calibration error, a table by label, probes.
    vocabulary : Vocabulary
        Its features.

    Notes
    -----
    Probabilities are of expressed, not felt, emotion, and calibrated on short public comments in English. Before
    shares are reported from a library's comments they need recalibrating on comments coded there.
    """

    def __init__(self, arrays):
        self.vocabulary = Vocabulary(
            words=_lines(arrays["words"]), single=arrays["single"].astype(np.int64),
            pairs=arrays["pairs"].astype(np.int64), parts=_lines(arrays["parts"]), rarity=arrays["rarity"])
        self.figures = json.loads(arrays["figures"].tobytes())
        self._outputs = {frozenset(labels): place for place, labels in enumerate(json.loads(arrays["outputs"].tobytes()))}
        self._labels = _lines(arrays["labels"])
        self._weights = np.ascontiguousarray((arrays["weights"] * arrays["scale"][:, np.newaxis].astype(float)).T)
        self._sign_weights = arrays["sign_weights"].astype(float)
        self._offset = arrays["offset"].astype(float)
        self._thresholds = arrays["thresholds"].astype(float)
        known = np.zeros(2 * len(self.vocabulary.words), dtype=bool)
        known[self.vocabulary.single] = True
        self._known = known[::2] | known[1::2]

    @classmethod
    def load(cls, path=SHIPPED):
        """The model in this file, read once.

        Parameters
        ----------
        path : path-like
            The model that comes with the package, by default.

        Raises
        ------
        ValueError
            If the file is missing or holds no emotion model.
        """
        return _loaded(cls, Path(path))

    def classes(self, scheme):
        """Classes of a scheme, each with the labels it gathers (dict of str to list of str).

        Examples
        --------
        >>> EmotionModel.load().classes("groups")["anxiety"]
        ['fear', 'nervousness']
        """
        if scheme not in SCHEMES:
            raise ValueError(f"There is no scheme called {scheme!r}: choose one of {', '.join(SCHEMES)}.")
        gathered = {label: [label] for label in self._labels} if scheme == "labels" else mapping()[scheme]
        return {name: list(labels) for name, labels in gathered.items()}

    def probabilities(self, texts, scheme="groups"):
        """Probability of each class of a scheme.

        A comment may have several labels, so probabilities of a comment do not sum to 1.

        Parameters
        ----------
        texts : sequence of str, or Series
            Comments; None, NaN, and strings of spaces are missing. The first 5,000 characters are read.
        scheme : {"labels", "ekman", "sentiment", "groups"}
            GoEmotions' 28 labels, Ekman's six and neutral, sentiment, or a library reader's groups.

        Returns
        -------
        DataFrame of shape (n_texts, n_classes)
            Between 0 and 1, indexed like `texts`; NaN where there is no text.

        Examples
        --------
        >>> EmotionModel.load().probabilities(["Thank you so much for your help!"], "sentiment").round(1)
           positive  negative  ambiguous  neutral
        0       1.0       0.0        0.0      0.0
        """
        return self.margins(texts, scheme).pipe(expit)

    def margins(self, texts, scheme="groups"):
        """The same as `probabilities`, in log odds."""
        texts = _series(texts)
        margins, _, _ = self._scored(texts)
        classes = self.classes(scheme)
        return pd.DataFrame(margins[:, self._places(classes)], index=texts.index, columns=list(classes))

    def thresholds(self, scheme="labels"):
        """Probability above which a comment is said to have a class, by class (Series)."""
        classes = self.classes(scheme)
        return pd.Series(expit(self._thresholds[self._places(classes)]), index=list(classes), name="threshold")

    def decide(self, texts, scheme="labels"):
        """Which classes a comment is said to have: those above their thresholds, which make F1 best.

        Every comment of the data has one of the labels, and so of Ekman's and of the sentiment classes: a comment
        with none above its threshold gets the one nearest to it in log odds. A reader's groups can all be absent.

        Parameters
        ----------
        texts, scheme
            As in `probabilities`.

        Returns
        -------
        DataFrame of bool of shape (n_texts, n_classes)
            All False where there is no text.
        """
        margins = self.margins(texts, scheme)
        return decide(margins, self._thresholds[self._places(self.classes(scheme))], scheme != "groups")

    def score(self, texts):
        """Valence, the most probable of a library reader's groups, and the probability of each group.

        Parameters
        ----------
        texts : sequence of str, or Series
            As in `probabilities`.

        Returns
        -------
        DataFrame, indexed like `texts`
            valence : -1 to 1, the mean of VADER's compound score and of P(positive) - P(negative). There are no
                rated comments to fit weights on, so the two have equal ones.
            top : the most probable group; "unsure" where its probability is below 0.4, or where the model knows
                fewer than half of the comment's words, as in another language.
            confidence : probability of the most probable group.
            and one column for each group. All are missing where there is no text.

        Examples
        --------
        >>> scored = EmotionModel.load().score(["Thank you, the staff were lovely!", "asdf qwer", None])
        >>> scored["top"].tolist()
        ['gratitude', 'unsure', None]
        >>> scored["valence"].gt(0.5).tolist()
        [True, False, False]
        """
        texts = _series(texts)
        margins, compound, known = self._scored(texts)
        odds = pd.DataFrame(margins, index=texts.index).pipe(expit)
        classes = self.classes("groups")
        groups = odds.iloc[:, self._places(classes)].set_axis(list(classes), axis=1)
        positive, negative = (odds[place] for place in self._places(self.classes("sentiment"))[:2])
        confidence = groups.max(axis=1)
        top = np.array(list(classes), dtype=object)[groups.fillna(0).to_numpy().argmax(axis=1)] if len(groups) else []
        top = pd.Series(top, index=texts.index, dtype=object)
        top[((confidence < UNSURE_BELOW) | (known < LEAST_KNOWN)).to_numpy()] = UNSURE
        top[confidence.isna().to_numpy()] = None
        valence = (compound + (positive - negative)) / 2
        return pd.concat([pd.DataFrame({"valence": valence, "top": top, "confidence": confidence}), groups], axis=1)

    def _places(self, classes):
        try:
            return [self._outputs[frozenset(labels)] for labels in classes.values()]
        except KeyError as error:
            raise ValueError(
                f"The model was not fitted for the group {sorted(*error.args)}: after a change of labels.yml, "
                "run `python -m libengage_utils.emotions.fitting FOLDER`."
            ) from None

    def _scored(self, texts):
        """Log odds (n_texts, n_outputs), VADER's compound score and the share of known words (n_texts,)."""
        cleaned = [clean(text) for text in texts]
        there = np.array([place for place, text in enumerate(cleaned) if text], dtype=int)
        margins = np.full((len(cleaned), len(self._offset)), np.nan)
        compound, known = np.full((2, len(cleaned)), np.nan)
        for start in range(0, len(there), AT_ONCE):
            places = there[start : start + AT_ONCE]
            reading = read([cleaned[place] for place in places])
            own, words, parts = self.vocabulary.blocks(reading)
            upto = own.shape[1]
            margins[places] = (
                self._offset + own @ self._weights[:upto] + words @ (parts @ self._weights[upto:])
                + np.einsum("ij,jk->ik", reading.signs * SIGN, self._sign_weights)
            )
            compound[places] = reading.signs[:, 3]
            known[places] = self._share_known(reading)
        return margins, compound, known

    def _share_known(self, reading):
        """Share of each comment's words that are among the features; 1 where it has no words."""
        code = self.vocabulary.encode(reading)
        word = reading.is_word[reading.token]
        known = word & (code >= 0) & self._known[np.maximum(code, 0) // 2]
        words = np.bincount(reading.row, word, reading.comments)
        return np.where(words > 0, np.bincount(reading.row, known, reading.comments) / np.maximum(words, 1), 1.0)


def decide(margins, thresholds, at_least_one):
    """Classes above their thresholds (n, k); where there is none and one is due, the nearest."""
    above = margins > thresholds
    if at_least_one and len(margins):
        distance = (margins - thresholds).to_numpy() if isinstance(margins, pd.DataFrame) else margins - thresholds
        best = np.where(np.isnan(distance), -np.inf, distance).argmax(axis=1)[:, np.newaxis] == np.arange(distance.shape[1])
        none = ~np.asarray(above).any(axis=1, keepdims=True) & ~np.isnan(distance)
        above = above | (best & none)
    return above


def score(feedback, text="text"):
    """Add valence, top emotion, its confidence and each group's probability to comments.

    Parameters
    ----------
    feedback : DataFrame
        One row for each comment; of pandas or of PySpark.
    text : str
        Its column of comments.

    Returns
    -------
    DataFrame
        A copy with the columns of `EmotionModel.score` added, missing where there is no text. Its
        ``attrs["without_text"]`` is the number of rows without text. A PySpark frame has no `attrs`: its comments are
        scored where they are, in the cluster, once the result is asked for.

    Raises
    ------
    ValueError
        If there is no such column.

    Examples
    --------
    >>> scored = score(pd.DataFrame({"text": ["I am so confused by this catalogue", ""]}))
    >>> scored["top"].tolist(), scored.attrs["without_text"]
    (['confusion', None], 1)
    """
    if text not in feedback.columns:
        raise ValueError(
            f"The feedback has no column {text!r}; it has {', '.join(map(str, feedback.columns))}. "
            "Name the column of comments: score(feedback, text=...)."
        )
    if hasattr(feedback, "mapInArrow"):
        return _score_in_cluster(feedback, text)
    scored = EmotionModel.load().score(feedback[text])
    result = feedback.assign(**scored)
    result.attrs["without_text"] = int(scored["valence"].isna().sum())
    return result


def _score_in_cluster(feedback, text):
    """A PySpark frame scored batch by batch; each worker reads the model once."""
    kinds = {"valence": "double", "top": "string", "confidence": "double"} | dict.fromkeys(mapping()["groups"], "double")
    feedback = feedback.drop(*kinds)
    schema = deepcopy(feedback.schema)
    for name, kind in kinds.items():
        schema.add(name, kind)
    return feedback.mapInArrow(partial(_score_batches, text=text), schema)


def _score_batches(batches, text):
    model = EmotionModel.load()
    for batch in batches:
        scored = pa.RecordBatch.from_pandas(model.score(batch.column(text).to_pandas()), preserve_index=False)
        scored = scored.set_column(1, "top", scored.column("top").cast(pa.string()))     # of no type where all are missing
        yield pa.RecordBatch.from_arrays([*batch.columns, *scored.columns], [*batch.schema.names, *scored.schema.names])


@cache
def _loaded(cls, path):
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return cls(dict(arrays))
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path.name} holds no emotion model that can be read ({type(error).__name__}): "
            "make it with `python -m libengage_utils.emotions.fitting FOLDER`."
        ) from None


def _series(texts):
    if isinstance(texts, str):
        raise ValueError("`texts` is one string: give a list or a column of comments.")
    return texts if isinstance(texts, pd.Series) else pd.Series(list(texts), dtype=object)


def _lines(array):
    return array.tobytes().decode().split("\n")
