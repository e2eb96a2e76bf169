"""What the emotion model sees in a comment: words and pairs of words, parts of words, and a few signs."""

import html
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import sparse
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

LIMIT = 5_000  # characters of a comment that are read
SPAN = 4  # words after a negator that are marked
PARTS = range(2, 6)  # characters in a part of a word
LONGEST = 24  # characters of a word of which parts are taken
STEPS = 20  # steps of a stored inverse document frequency to one
EDGE = " "  # stands before and after a comment
TYPICAL_RARITY = 9.0  # brings words and pairs to about unit length
TYPICAL_PARTS = 7.5  # brings parts of words a little below it
SIGN = 0.3  # of a sign in a model's eyes

TOKEN = re.compile(r"<3|[:;=][-o^']?[)(\]\[dDpP/\\|*3]+|\w+(?:'\w+)*|[!?]+|\.\.+|[^\w\s]")
TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?-->", re.DOTALL)
REPEATED = re.compile(r"(.)\1{2,}", re.DOTALL)
QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\ufe0f": None, "\0": None})
NEGATORS = frozenset(
    "no not never none nobody nothing nowhere neither nor without hardly barely cannot cant dont doesnt didnt isnt "
    "wasnt arent werent wont wouldnt shouldnt couldnt havent hasnt hadnt aint".split()
)
STOPS = frozenset([".", ",", ";", ":", "!", "?", "(", ")", "..", "...", EDGE, "but", "!!", "??", "!!!", "???"])

SIGNS = (
    ["neg", "neu", "pos", "compound", "capitals", "lengthened", "asks", "exclaims", "length"]
    + [f"lexicon {value}" for value in range(-4, 5)]
    + [f"lexicon {value} after a negator" for value in range(-4, 5)]
)


@cache
def vader():
    """VADER's analyser, read from its files once."""
    return SentimentIntensityAnalyzer()


def clean(text):
    """A comment without markup, in plain apostrophes, its first 5,000 characters; "" for what is no text.

    Parameters
    ----------
    text : object
        A comment. None, NaN and whatever else is not a string become "".

    Returns
    -------
    str

    Examples
    --------
    >>> clean("<p>The staff don&rsquo;t rush you &amp; that&#39;s <b>good</b></p>")
    "The staff don't rush you & that's good"
    >>> clean(None)
    ''
    """
    if not isinstance(text, str):
        return ""
    text = text[: 2 * LIMIT].translate(QUOTES) if not text.isascii() else text[: 2 * LIMIT]
    if "<" in text:
        text = TAG.sub(" ", text)
    if "&" in text:
        text = html.unescape(text).translate(QUOTES)
    return text[:LIMIT].strip()


@dataclass(frozen=True)
class Reading:
    """Comments taken apart; made by `read`.

    What depends on a word alone is kept once for each distinct word of the batch, and tokens point to it.

    Attributes
    ----------
    comments : int
        Number of comments.
    row : ndarray of shape (n_tokens,)
        The comment of each token. Each comment begins and ends with the token `EDGE`.
    token : ndarray of shape (n_tokens,)
        The distinct word each token is.
    marked : ndarray of shape (n_tokens,), bool
        Whether it is one of the four words after a negator, punctuation and "but" ending the reach.
    forms : list of str
        The distinct words, in lower case, with no letter more than three times in a row.
    is_word : ndarray of shape (n_distinct,), bool
        Whether it begins with a letter or a digit.
    signs : ndarray of shape (n_comments, len(SIGNS))
        VADER's four scores, counts of capitals, lengthened words, "?" and "!", the comment's length, and counts
        of words by their value in VADER's lexicon, not marked and marked; all but the first four as logarithms.
    """

    comments: int
    row: np.ndarray
    token: np.ndarray
    marked: np.ndarray
    forms: list
    is_word: np.ndarray
    signs: np.ndarray

    def distinct(self):
        """How often each distinct word occurs in each comment; sparse, (n_comments, n_distinct)."""
        shape = (self.comments, len(self.forms))
        return sparse.coo_array((np.ones(len(self.row)), (self.row, self.token)), shape=shape).tocsr()


def read(texts):
    """Take cleaned comments apart.

    Parameters
    ----------
    texts : sequence of str
        Comments as `clean` leaves them; none of them empty.

    Returns
    -------
    Reading

    Notes
    -----
    The marking of words after a negator follows Pang, Lee and Vaithyanathan (2002, EMNLP), with four words in
    place of all words up to the next punctuation.

    Examples
    --------
    >>> reading = read(["I did not like it, sorry"])
    >>> [reading.forms[token] for token in reading.token[reading.marked]]
    ['like', 'it']
    """
    found = [[EDGE, *TOKEN.findall(text), EDGE] for text in texts]
    flat = [token for tokens in found for token in tokens]
    row = np.repeat(np.arange(len(found)), [len(tokens) for tokens in found])
    index = {token: number for number, token in enumerate(dict.fromkeys(flat))}
    token = np.fromiter(map(index.__getitem__, flat), dtype=np.int64, count=len(flat))

    raw = list(index)
    forms = [REPEATED.sub(r"\1\1\1", word.lower()) for word in raw]
    lexicon = vader().lexicon
    is_word = np.array([form[0].isalnum() for form in forms], dtype=bool)
    negates = np.array([form in NEGATORS or form.endswith("n't") for form in forms], dtype=bool)
    stops = np.array([form in STOPS for form in forms], dtype=bool)
    marked = _after_negator(negates[token], stops[token], is_word[token])

    counts = np.zeros((len(found), len(SIGNS)))
    of_word = [
        [len(word) > 2 and word.isupper() for word in raw],
        [form != word.lower() and word[0].isalpha() for form, word in zip(forms, raw, strict=True)],
        [form[0] == "?" for form in forms],
        [form[0] == "!" for form in forms],
        is_word,
    ]
    for place, values in enumerate(of_word, start=4):
        counts[:, place] = np.bincount(row, np.array(values, dtype=float)[token], len(found))
    value = np.array([round(lexicon[form]) + 4 if form in lexicon else -1 for form in forms])[token]
    rated = value >= 0
    np.add.at(counts, (row[rated], 9 + value[rated] + 9 * marked[rated]), 1)
    signs = np.log1p(counts)
    score = vader().polarity_scores
    signs[:, :4] = [tuple(score(text).values()) for text in texts] or np.empty((0, 4))
    return Reading(len(found), row, token, marked, forms, is_word, signs)


def _after_negator(negates, stops, is_word):
    """Which tokens are words at most `SPAN` words after a negator with no stop between."""
    place = np.arange(len(negates))
    last_negator = np.maximum.accumulate(np.where(negates, place, -1))
    last_stop = np.maximum.accumulate(np.where(stops, place, -1))
    words = np.cumsum(is_word)
    near = words - words[last_negator] <= SPAN
    return (last_negator > last_stop) & near & is_word & ~negates


@dataclass(frozen=True)
class Vocabulary:
    """The features of the model, in the order of its weights: words, pairs of words, parts of words, signs.

    A word's code is twice its place in `words`, plus one when it is marked as after a negator.

    Attributes
    ----------
    words : list of str
        Words that features are made of.
    single : ndarray of int64
        Ascending codes of the words that are features.
    pairs : ndarray of int64
        Ascending codes of pairs of neighbouring words: first code times ``2 * len(words)`` plus second code.
    parts : list of str
        Parts of words of two to five characters, the word's edges being spaces.
    rarity : ndarray of uint8
        Inverse document frequency of each feature but the signs, in twentieths.
    """

    words: list
    single: np.ndarray
    pairs: np.ndarray
    parts: list
    rarity: np.ndarray

    def __len__(self):
        return len(self.rarity) + len(SIGNS)

    def encode(self, reading):
        """Code of each token, -1 for words that are not in the vocabulary; shape (n_tokens,)."""
        place = {word: number for number, word in enumerate(self.words)}
        code = np.array([place.get(form, -1) for form in reading.forms], dtype=np.int64)[reading.token]
        return np.where(code < 0, -1, 2 * code + reading.marked)

    def count(self, reading):
        """Counts of words and pairs in comments; sparse, (n_comments, n_single + n_pairs)."""
        code = self.encode(reading)
        joined = (code[:-1] >= 0) & (code[1:] >= 0) & (reading.row[:-1] == reading.row[1:])
        rows, columns = [], []
        for known, key, where, offset in (
            (self.single, code, reading.row, 0),
            (self.pairs, np.where(joined, code[:-1] * (2 * len(self.words)) + code[1:], -1), reading.row[:-1],
             len(self.single)),
        ):
            column = np.searchsorted(known, key)
            hit = np.flatnonzero(known[np.minimum(column, len(known) - 1)] == key) if len(known) else []
            rows.append(where[hit])
            columns.append(column[hit] + offset)
        rows, columns = np.concatenate(rows), np.concatenate(columns)
        shape = (reading.comments, len(self.single) + len(self.pairs))
        return sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()

    def spell(self, reading):
        """Parts of each distinct word; sparse, (n_distinct, n_parts)."""
        return spell(reading.forms, {part: number for number, part in enumerate(self.parts)})

    def blocks(self, reading):
        """Weighted features in three blocks, so that parts of words can be scored once for each distinct word.

        Returns
        -------
        own : sparse array of shape (n_comments, n_single + n_pairs)
            Words and pairs: (1 + log count) times rarity, over the root of the comment's number of tokens.
        words : sparse array of shape (n_comments, n_distinct)
            1 + log count of each distinct word, over the root of the comment's number of parts.
        parts : sparse array of shape (n_distinct, n_parts)
            Parts of each distinct word, times rarity. A comment's parts are ``words @ parts``.

        Notes
        -----
        Lengths are of all that was read, known or not: so leaving features out does not change the others, and
        words never seen do not blow up the rest.
        """
        rarity = self.rarity / STEPS
        own = self.count(reading)
        own.data = (1 + np.log(own.data)) * rarity[own.indices]
        tokens = np.bincount(reading.row, minlength=reading.comments)
        own.data /= np.repeat(TYPICAL_RARITY * np.sqrt(tokens), np.diff(own.indptr))

        parts = self.spell(reading)
        parts.data = parts.data * rarity[own.shape[1] :][parts.indices]
        words = reading.distinct()
        letters = np.minimum(np.array([len(form) for form in reading.forms], dtype=float), LONGEST)
        sizes = np.maximum(letters[:, np.newaxis] + 3 - np.array(PARTS), 0).sum(axis=1) * reading.is_word
        length = np.sqrt(np.maximum(words @ sizes, 1))
        words.data = (1 + np.log(words.data)) / np.repeat(TYPICAL_PARTS * length, np.diff(words.indptr))
        return own, words, parts

    def matrix(self, reading):
        """All features side by side, as a model is fitted on them; sparse, (n_comments, len(self))."""
        own, words, parts = self.blocks(reading)
        signs = sparse.csr_array(reading.signs * SIGN)
        made = sparse.hstack([own, words @ parts, signs], format="csr")
        made.sort_indices()
        return made

    @classmethod
    def of(cls, reading, fewest=2, fewest_parts=3):
        """All that occurs in two comments or more (parts of words: three).

        Parameters
        ----------
        reading : Reading
        fewest, fewest_parts : int
            Comments that a word or pair, and a part of a word, has to occur in.
        """
        bare = cls(reading.forms, np.array([], int), np.array([], int), [], np.array([], np.uint8))
        code = bare.encode(reading)
        pair = np.where(reading.row[:-1] == reading.row[1:], code[:-1] * (2 * len(reading.forms)) + code[1:], -1)
        single, in_comments = _often(code, reading.row, fewest)
        pairs, pairs_in = _often(pair, reading.row[:-1], fewest)

        every = sorted({part for form in reading.forms for part in _parts_of(form)})
        spelt = reading.distinct() @ spell(reading.forms, {part: number for number, part in enumerate(every)})
        parts_in = np.bincount(spelt.indices, minlength=len(every))
        often = np.flatnonzero(parts_in >= fewest_parts)

        share = (1 + reading.comments) / (1 + np.concatenate([in_comments, pairs_in, parts_in[often]]))
        rarity = np.round((1 + np.log(share)) * STEPS).astype(np.uint8)
        return cls(reading.forms, single, pairs, [every[number] for number in often], rarity)

    def keep(self, kept):
        """The vocabulary of these features alone, given as ascending places, none of them of signs."""
        codes, ends = 2 * len(self.words), np.cumsum([len(self.single), len(self.pairs)])
        single, pairs, parts = np.split(kept, np.searchsorted(kept, ends))
        one, (first, second) = self.single[single], np.divmod(self.pairs[pairs - ends[0]], codes)
        used = np.unique(np.concatenate([one, first, second]) // 2)
        used = used[np.argsort(np.array([self.words[place] for place in used], dtype=object), kind="stable")]
        place = np.zeros(len(self.words), dtype=np.int64)
        place[used] = np.arange(len(used))
        one, first, second = (2 * place[code // 2] + code % 2 for code in (one, first, second))
        two = first * (2 * len(used)) + second
        order = np.concatenate([single[np.argsort(one)], pairs[np.argsort(two)], parts])
        return Vocabulary([self.words[place] for place in used], np.sort(one), np.sort(two),
                          [self.parts[place] for place in parts - ends[1]], self.rarity[order])


def spell(forms, place):
    """Counts of the parts of words that have a place; sparse, (n_forms, len(place))."""
    found = [[place[part] for part in _parts_of(form) if part in place] for form in forms]
    pointers = np.cumsum([0, *map(len, found)])
    columns = np.fromiter((column for row in found for column in row), dtype=np.int64, count=pointers[-1])
    made = sparse.csr_array((np.ones(len(columns)), columns, pointers), shape=(len(forms), len(place)))
    made.sum_duplicates()
    return made


def _parts_of(form):
    """Parts of a word of two to five characters, its edges being spaces; none of what is no word."""
    if not form[0].isalnum():
        return []
    word = f" {form[:LONGEST]} "
    return [word[start : start + size] for size in PARTS for start in range(len(word) - size + 1)]


def _often(code, row, fewest):
    """Codes (those of 0 or more) that occur in so many comments, ascending, and in how many."""
    both = np.unique(np.stack([code, row])[:, code >= 0], axis=1)
    codes, comments = np.unique(both[0], return_counts=True)
    return codes[comments >= fewest], comments[comments >= fewest]
