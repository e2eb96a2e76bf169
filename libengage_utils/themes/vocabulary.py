"""The words that count, and those that tell a theme from the others."""

from collections import Counter

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from ..privacy import about

FEWEST = 200  # comments among which themes are looked for
RARE, COMMON = 3, 0.5  # comments, at least, and share of comments, at most, in which a word is that counts
LIKELY_RARE = 2_000  # with more comments, words in fewer than one of so many do not count either
NO_PLURAL = {"news"}
TERMS, NAMING = 10, 3
FEW = "too few people to name it"


def word_counts(words, leave_out, n):
    """Counts of words by comment (sparse), a plural counted with its singular where that occurs, and the words."""
    if n < FEWEST:
        raise ValueError(f"{n:,} comments can be read, and themes are looked for among {FEWEST} or more: take a longer time "
                         "or further instruments, or read these.")
    occurs = Counter(word for some in words for word in some)
    singular = {word: one for word in occurs if (one := _singular(word, occurs)) != word}
    left_out = {word.lower() for word in leave_out}
    kept = [[singular.get(word, word) for word in some if word not in left_out] for some in words]
    kept = [[word for word in some if word not in left_out] for some in kept]
    try:
        counter = CountVectorizer(analyzer=list, min_df=max(RARE, n // LIKELY_RARE), max_df=COMMON)
        counts = counter.fit_transform(kept)
    except ValueError:
        counts = None
    if counts is None or counts.shape[1] < 2 * NAMING:
        raise ValueError(f"The comments that can be read ({about(n)}) have hardly a word in common: there are no "
                         "themes to find.")
    return counts.tocsr(), counter.get_feature_names_out()


def terms_of(counts, vocabulary, of, person, minimum_count):
    """The terms that tell each theme from the others, and the themes' labels."""
    names = np.unique(of[of >= 0])
    member = sparse.csr_matrix(of[:, np.newaxis] == names, dtype=float)
    tfidf = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    weights = (member.T @ tfidf).toarray() / np.asarray(member.sum(axis=0)).T - np.asarray(tfidf.mean(axis=0))
    people = np.zeros(weights.shape, dtype=int)
    for row, name in enumerate(names):
        by_person = sparse.csr_matrix((np.ones((of == name).sum()), (person[of == name], np.flatnonzero(of == name))),
                                      shape=(person.max() + 1, len(of)))
        people[row] = np.asarray(((by_person @ counts) > 0).sum(axis=0)).ravel()
        weights[row, people[row] < minimum_count] = -np.inf
    rows = [(name + 1, rank + 1, vocabulary[at], weights[name, at], people[name, at]) for name in names
            for rank, at in enumerate(np.argsort(-weights[name], kind="stable")[:TERMS]) if weights[name, at] > 0]
    terms = pd.DataFrame(rows, columns=["theme", "rank", "term", "weight", "people"])
    labels = terms[terms["rank"] <= NAMING].groupby("theme")["term"].agg(", ".join).reindex(names + 1)
    again = labels.duplicated(keep=False)
    labels = labels.fillna(FEW).mask(again, labels.fillna(FEW) + " (" + labels.index.astype(str) + ")")
    terms.insert(1, "label", terms["theme"].map(labels))
    return terms, labels


def _singular(word, occurs):
    """The singular of a regular plural, where it occurs too; else the word."""
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) and word not in NO_PLURAL:
        for one in (f"{word[:-3]}y" if word.endswith("ies") else word[:-1], word[:-1], word[:-2] * word.endswith("es")):
            if one in occurs:
                return one
    return word
