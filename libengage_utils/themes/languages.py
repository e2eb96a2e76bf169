"""Which comments can be read: those in the study's main language, with a few words to go by."""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import yaml

from ..emotions.features import clean
from ..privacy import suppress

READ = "read"
NO_TEXT, SHORT, UNSPACED = "no text", "fewer than three words", "written without spaces between words"
OTHER, RARE = "in another language", "another reason"
FEWEST_WORDS = 3
AHEAD = 2  # function words by which another language has to lead the main one
WORD = re.compile(r"[^\W\d_]+")
BEYOND_LATIN = re.compile(r"[\u0370-\u1dff\u1f00-\u1fff\u2c60-\ud7ff]")


@dataclass(frozen=True)
class Readable:
    """Comments that can be read; made by `readable`.

    Attributes
    ----------
    comments : DataFrame
        In order of feedback_id, indexed by it: `person` (a code; without a key each comment has its own), `text` without
        markup, and `words` (in small letters, without function words).
    language : str
        The main language, in English; "" where it cannot be told of any comment.
    left_out : DataFrame
        By what became of them, "read" first: `comments`, `share` of all comments and `people`; missing where withheld.
        Languages of too few people stand together, and so do reasons.
    """

    comments: pd.DataFrame = field(repr=False)
    language: str
    left_out: pd.DataFrame

    @property
    def summary(self):
        """How many comments can be read, and why not the others, in two sentences."""
        shares = self.left_out["share"]
        lost = [f"{words} {'withheld' if np.isnan(share) else f'{share:.1%}'}"
                for words, share in shares.drop(READ).items() if share != 0]
        tongue = f"in {self.language}" if self.language else "in a language that cannot be told"
        read = "The comments, but for a few," if np.isnan(shares[READ]) else f"{shares[READ]:.1%} of the comments"
        return (f"{read} can be read: they are {tongue}, or too short to tell, and have three words or more."
                + (f" Not read: {', '.join(lost)}." if lost else ""))


def readable(comments, language=None, minimum_count=10):
    """Comments in one language with three words or more, and what became of the others.

    A comment is in another language if it has at least two more function words of that one (the, of, with) than of the
    main one, or if half of its letters are of another script. Of a short comment that often cannot be told; it counts as
    being in the main language, which is the commonest unless it is given.

    Parameters
    ----------
    comments : frame or Series
        feedback_id and text, and person_key where people are known, as in the schema's feedback; or texts indexed by
        feedback_id. Of a text the first 5,000 characters are read, without markup.
    language : str, optional
        The language to read, in English, as in languages.yml.
    minimum_count : int
        Fewest people behind a figure of `left_out`; at least 5.

    Returns
    -------
    Readable

    Raises
    ------
    ValueError
        If a column is missing, an id is missing or occurs twice, there is no comment, or the language is not known.

    Notes
    -----
    Function words tell languages apart about as well as letter sequences do in texts of a sentence or more: Grefenstette
    (1995), Comparing two language identification schemes, Proc. JADT.

    Examples
    --------
    >>> read = readable(pd.Series(["The printer is broken again", "L'imprimante ne marche pas dans la salle", "Thanks"]))
    >>> read.language, read.comments["words"].tolist()
    ('English', [['printer', 'broken']])
    """
    table = comments_by_id(comments, "text")
    known = _known()
    if language not in (None, *known["words"], *known["scripts"]):
        raise ValueError(f"No function words of {language} are known: choose from {', '.join(known['words'])}.")
    texts = table["text"].map(clean).map(partial(unicodedata.normalize, "NFC"))
    words = [WORD.findall(text.lower()) for text in texts]
    tongue, main = _languages(texts, words, language)
    unspaced = tongue.isin([name for name, script in known["scripts"].items() if not script["spaced"]])
    fate = np.select(
        [texts == "", (tongue != "") & (tongue != main), unspaced, np.array([len(some) for some in words]) < FEWEST_WORDS],
        [NO_TEXT, [f"in {name}".replace("in in ", "in ") for name in tongue], UNSPACED, SHORT], READ)
    person = people_of(table)
    left_out = _counted(pd.Series(fate), person, minimum_count)
    stop, kept = function_words(main), fate == READ
    read = pd.DataFrame({"person": person, "text": texts.to_numpy(), "words": [
        [word for word in some if len(word) > 1 and word not in stop] for some in words]}, index=table.index)[kept]
    return Readable(read, main, left_out)


def function_words(language):
    """Function words of a language (frozenset); none of one that is not in languages.yml."""
    return frozenset(_known()["words"].get(language, ()))


def comments_by_id(comments, *columns):
    """Comments as pandas, indexed by feedback_id and in its order, or a sentence on what is wrong with them."""
    if isinstance(comments, pd.Series):
        table = comments.rename("text").rename_axis("feedback_id").reset_index()
    else:
        table = nw.from_native(comments).lazy().collect().to_pandas()
    if absent := [name for name in ("feedback_id", *columns) if name not in table]:
        raise ValueError(f"The comments have no column {' and no column '.join(absent)}.")
    if table.empty:
        raise ValueError("There are no comments.")
    if wrong := int((table["feedback_id"].isna() | table["feedback_id"].duplicated()).sum()):
        raise ValueError(f"{wrong:,} of {len(table):,} comments have no feedback_id, or one that another has: give each "
                         "its own.")
    return table.set_index("feedback_id").sort_index()


def people_of(table):
    """Who wrote each row, as codes from 0; rows without a person_key are a person each."""
    keys = table["person_key"] if "person_key" in table else pd.Series(None, table.index, dtype=object)
    code = pd.factorize(keys, sort=True)[0]
    code[code < 0] = code.max(initial=-1) + 1 + np.arange((code < 0).sum())
    return code


@cache
def _known():
    """languages.yml: function words by language (dict of list), and scripts."""
    known = yaml.safe_load(Path(__file__).with_name("languages.yml").read_text(encoding="utf-8"))
    return {"words": {name: words.split() for name, words in known["words"].items()}, "scripts": known["scripts"]}


def _languages(texts, words, main):
    """The language of each comment, "" where it cannot be told from the main one, and the main language."""
    names = list(_known()["words"])
    of_word = {}
    for place, some in enumerate(_known()["words"].values()):
        for word in some:
            of_word.setdefault(word, []).append(place)
    hits = np.zeros((len(words), len(names)), dtype=int)
    for row, some in zip(hits, words, strict=True):
        for word in some:
            row[of_word.get(word, [])] += 1
    best = hits.max(axis=1)
    script = np.array([_script(text) for text in texts], dtype=object)
    sure = (np.sort(hits, axis=1)[:, -2] + AHEAD <= best) & (script == "")
    first = np.array(names, dtype=object)[hits.argmax(axis=1)]
    told = np.where(sure, first, script)
    if main is None:
        main = pd.Series(told[told != ""]).value_counts().sort_index().pipe(lambda n: n.idxmax() if len(n) else "")
    of_main = hits[:, names.index(main)] if main in names else 0
    other = (best >= of_main + AHEAD) & (script == "") & (main != "")
    return pd.Series(np.where(other, first, script), texts.index), main


def _script(text):
    """The script, other than Latin, of at least half of a text's letters; "" where there is none."""
    if text.isascii() or not BEYOND_LATIN.search(text):
        return ""
    letters = sum(map(str.isalpha, text))
    for name, script in _known()["scripts"].items():
        if 2 * len(re.findall(f"[{script['letters']}]", text)) >= letters:
            return name
    return ""


def _counted(fate, person, minimum_count):
    """Comments, their share and people by what became of them; those of too few people together, or missing."""
    for many, one in ((fate.str.startswith("in "), OTHER), (fate != READ, RARE)):
        fate = fate.mask(many & (pd.Series(person).groupby(fate).transform("nunique") < minimum_count), one)
    table = pd.DataFrame({"comments": fate.value_counts(), "people": pd.Series(person).groupby(fate).nunique()}, dtype=float)
    fixed = [READ, NO_TEXT, SHORT]
    table = table.reindex([*fixed, *sorted(set(table.index) - set(fixed))], fill_value=0.0)
    table.insert(1, "share", table["comments"] / len(fate))
    shown = (table["people"] == 0) | suppress(table["people"], minimum_count, impossible=table["people"] == 0).notna()
    return table.where(shown).rename_axis("what became of them")
