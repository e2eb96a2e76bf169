"""Themes in comments: groups of comments that use the same words, and the words that tell each from the others."""

from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from .languages import Readable, readable
from .stability import STABLE, choose, space, stability
from .vocabulary import terms_of, word_counts

NUMBERS = (*range(3, 11), 12, 14, 16, 18, 20, 24)  # of themes
PER_THEME, FEWEST_PER_THEME = 40, 10  # comments, on average, for a number to be tried by itself, or when asked for
COMPARED, FITTED = 3_000, 20_000  # comments from which their number, and the themes, are learnt
SEARCHES = 10  # starts of the final k-means
ALIKE = {STABLE: "in part", 0.5: "mostly", 0.75: "almost entirely"}
NEARER = 0.95  # share of other themes' comments than which a comment is nearer to its theme
PATIENCE = 2  # seconds before progress is told


@dataclass(frozen=True)
class Themes:
    """Themes of comments; made by `find_themes`.

    Attributes
    ----------
    terms : DataFrame
        theme (1 is the largest), label (its three top terms), rank, term, weight (mean TF-IDF in the theme less that in all
        comments), people who use it in the theme. Terms of fewer than `minimum_count` people, and those of a theme of so
        few, are not in it.
    assigned : DataFrame
        By feedback_id, of the comments read: theme and label, missing where a comment fits none, and weight (cosine of the
        comment with the middle of its nearest theme). It is about single comments: for computing, not for a page.
    stability : DataFrame
        By number of themes: estimate (mean agreement of two halves of the comments), low, high (between which 95% of the
        splits lie), null (agreement seldom passed where words are dealt out at random) and stable.
    chosen : int
        Number of themes.
    explained : float
        Share of the differences between comments that is between themes.
    read : Readable
        The comments read.
    seconds : float
        Time it took.
    """

    terms: pd.DataFrame = field(repr=False)
    assigned: pd.DataFrame = field(repr=False)
    stability: pd.DataFrame = field(repr=False)
    chosen: int
    explained: float
    read: Readable = field(repr=False)
    seconds: float

    @property
    def stable(self):
        """Whether this number of themes comes back in halves of the comments."""
        return bool(self.stability["stable"].get(self.chosen))

    @property
    def labels(self):
        """Label of each theme (Series)."""
        return self.assigned.dropna().drop_duplicates("theme").set_index("theme")["label"].sort_index()

    def called(self, labels):
        """The same themes under labels of yours, in place of the machine's (dict of the old to the new)."""
        return replace(self, terms=self.terms.assign(label=self.terms["label"].replace(labels)),
                       assigned=self.assigned.assign(label=self.assigned["label"].replace(labels)))

    @property
    def left_out(self):
        """What became of all comments, those read first (DataFrame)."""
        return self.read.left_out

    @property
    def in_words(self):
        """The themes as a page shows them: a row a theme, its words, and how many at least use each (DataFrame)."""
        themes = self.terms.sort_values(["theme", "rank"]).groupby("theme")
        words = {"words that tell it from the others": themes["term"].agg(", ".join), "rests_on": themes["people"].min()}
        return pd.DataFrame(words).reset_index().astype({"theme": "str"})

    @property
    def headline(self):
        """How many themes there are and which is the largest, in a sentence."""
        if not self.stable:
            return (f"No number of themes is stable: {self.chosen} are shown, and other comments of the same people would "
                    "give others.")
        agreement = self.stability.loc[self.chosen, "estimate"]
        alike = next(words for least, words in reversed(ALIKE.items()) if agreement >= least)
        return (f"{self.chosen} themes are told apart, on which two halves of the comments agree {alike}.")

    @property
    def summary(self):
        """How the themes were found and how far they can be relied on, in sentences."""
        row = self.stability.loc[self.chosen]
        words = (f"{self.headline} Two halves agree to {row.estimate:.2f} ({row.low:.2f} to {row.high:.2f} over random "
                 "splits; 1 is the same, 0 is chance); where words are dealt out at random they seldom pass "
                 f"{row.null:.2f}. ")
        if self.chosen == self.stability.index[-1] > self.stability.index[0]:
            words += "It is the largest number tried: there may be more themes, too many to read. "
        words += (f"{self.assigned['theme'].notna().mean():.0%} of the comments read fit a theme, and "
                  f"{self.explained:.0%} of the differences between comments are between themes. ")
        return (words + f"{self.read.summary} A theme is words that occur together, found by a machine: read comments of "
                "each before you believe its label, and see that no term names anybody.")


def find_themes(comments, *, n_themes=None, language=None, vectors=None, leave_out=(), minimum_count=10, random_state=0,
                progress=None):
    """Themes of comments: which there are, how many can be told apart, and which each comment is in.

    Words are counted without function words, plurals together with their singular where both occur, and weighted by
    TF-IDF; comments are compared in the 50 main directions of words that occur together (latent semantic analysis) and
    sorted by k-means. This comes nearer to what people sorted by hand than nonnegative matrix factorisation or LDA do. A
    comment fits no theme if it uses no word that others use, if it is no nearer to the middle of its theme than 95% of the
    comments of other themes are, or if it is one of those of the ten people (`minimum_count`) that fit least, so that the
    number of those that fit none gives nobody away.

    A number of themes is stable if two halves of the comments agree on their themes to 0.3 or more (adjusted mutual
    information: 1 is the same, 0 is chance), and in their worst splits still more than comments of the same words dealt out
    at random. The number chosen is the largest that comes back as well as the surest one does in its worst splits.
    Coherence of the top terms, the usual measure, ranks models badly (Hoyle et al. 2021) and is not used.

    Parameters
    ----------
    comments : frame or Series
        As for `readable`, 200 or more of which can be read.
    n_themes : int or iterable of int, optional
        Numbers of themes to choose from. By default 3 to 24, for 40 comments a theme or more on average.
    language : str, optional
        The language to read; the commonest by default.
    vectors : DataFrame of shape (n_comments, d), optional
        Vectors of the comments, indexed by feedback_id, such as means of word vectors of your own: comments are then
        compared by these in place of their word counts.
    leave_out : iterable of str
        Further words that do not count, such as the library's name or names of staff.
    minimum_count : int
        Fewest people by whom a term, and a theme that is named, is used.
    random_state : int
        Seed.
    progress : callable, optional
        Gets a sentence now and then once two seconds have passed.

    Returns
    -------
    Themes

    Raises
    ------
    ValueError
        As `readable`; if there are too few comments, or words in common, or too few comments for so many themes; or if a
        comment has no vector.

    Notes
    -----
    The number is chosen on 3,000 comments, and themes are learnt from 20,000, drawn at random where there are more; the
    others are placed among them.

    References
    ----------
    Deerwester et al. (1990), Indexing by latent semantic analysis, J. Am. Soc. Inf. Sci. 41(6), 391-407; without the
    diagonal, Cai et al. (2021), Subspace estimation from unbalanced and incomplete data matrices, Ann. Statist. 49(2),
    944-967. Lange et al. (2004), Stability-based validation of clustering solutions, Neural Comput. 16(6), 1299-1323; for
    topics, Greene, O'Callaghan & Cunningham (2014), How many topics?, ECML PKDD, 498-513. Vinh, Epps & Bailey (2010), J.
    Mach. Learn. Res. 11, 2837-2854. Hoyle et al. (2021), Is automated topic model evaluation broken?, NeurIPS 34.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> about = ["printer paper toner", "seat window quiet", "loan fine renewal"]
    >>> comments = pd.Series([" ".join(rng.choice(about[i % 3].split(), 4)) for i in range(300)])
    >>> themes = find_themes(comments)
    >>> themes.chosen, themes.stable, themes.terms["label"].nunique()
    (3, True, 3)
    """
    began = perf_counter()

    def tell(share):
        if progress and perf_counter() - began > PATIENCE:
            progress(f"Themes: {share:.0%} done after {perf_counter() - began:.0f} seconds.")

    read = readable(comments, language, minimum_count)
    if read.comments["person"].nunique() < minimum_count:
        raise ValueError(f"Fewer than {minimum_count} people wrote the comments that can be read: no theme may be shown.")
    counts, vocabulary = word_counts(read.comments["words"], leave_out, len(read.comments))
    rows = counts if vectors is None else _checked(vectors, read.comments.index)
    rows = rows[(told := np.asarray(abs(rows).sum(axis=1)).ravel() > 0)]
    numbers = _numbers(n_themes, rows.shape[0])

    with threadpool_limits(limits=1):  # the same on every machine
        rng = np.random.default_rng(random_state)
        some = rows[_drawn(rows.shape[0], FITTED, rng)]
        table = stability(some[_drawn(some.shape[0], COMPARED, rng)], numbers, random_state=random_state,
                          tell=lambda share: tell(0.9 * share))
        chosen, place = choose(table), space(some)
        points = place(rows)
        fit = KMeans(chosen, n_init=SEARCHES, random_state=random_state).fit(place(some))
        theme, weight, fits = _placed(points, fit)
        fits &= ~_least(weight, read.comments["person"].to_numpy()[told], minimum_count)
    tell(1)
    explained = 1 - ((points - fit.cluster_centers_[theme]) ** 2).sum() / ((points - points.mean(axis=0)) ** 2).sum()
    of = np.full(len(told), -1)
    of[np.flatnonzero(told)[fits]] = _by_size(theme[fits])
    terms, labels = terms_of(counts, vocabulary, of, read.comments["person"].to_numpy(), minimum_count)
    assigned = pd.DataFrame({"theme": pd.Series(of + 1, dtype="Int64").where(of >= 0), "weight": 0.0})
    assigned.loc[told, "weight"] = weight
    assigned.insert(1, "label", assigned["theme"].map(labels))
    return Themes(terms, assigned.set_axis(read.comments.index), table, chosen, float(explained), read,
                  perf_counter() - began)


def _checked(vectors, ids):
    """Vectors of the comments read, in their order."""
    if wrong := int(vectors.index.duplicated().sum() + (~ids.isin(vectors.index)).sum()):
        raise ValueError(f"{wrong:,} of {len(ids):,} comments that can be read have no vector, or two: index the vectors by "
                         "feedback_id.")
    rows = vectors.loc[ids].to_numpy(dtype=float)
    if strange := int((~np.isfinite(rows).all(axis=1)).sum()):
        raise ValueError(f"{strange:,} vectors hold a value that is no number: make them anew.")
    return rows


def _numbers(asked, n):
    """Numbers of themes to choose from."""
    if asked is None:
        return [k for k in NUMBERS if k <= max(n / PER_THEME, NUMBERS[0])]
    numbers = sorted({int(k) for k in np.atleast_1d(np.array(asked if np.isscalar(asked) else list(asked)))})
    if not numbers or numbers[0] < 2 or numbers[-1] > n / FEWEST_PER_THEME:
        raise ValueError(f"`n_themes` is 2 or more, and for {n:,} comments at most {n // FEWEST_PER_THEME:,}, so that there "
                         f"are {FEWEST_PER_THEME} comments a theme on average.")
    return numbers


def _drawn(n, most, rng):
    """Rows drawn at random, in order; all where there are no more than wanted."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def _placed(points, fit):
    """The nearest theme of each comment, the cosine with its middle, and whether the comment fits it."""
    middles = fit.cluster_centers_ / np.linalg.norm(fit.cluster_centers_, axis=1, keepdims=True).clip(1e-12)
    theme, cosine = fit.predict(points), points @ middles.T
    others = np.where(theme[:, np.newaxis] == np.arange(len(middles)), np.nan, cosine)
    weight = cosine[np.arange(len(theme)), theme]
    return theme, weight, weight > np.nanquantile(others, NEARER, axis=0)[theme]


def _by_size(theme):
    """Themes numbered anew from 0, the largest."""
    code = pd.factorize(theme)[0]
    return np.argsort(np.argsort(-np.bincount(code), kind="stable"))[code]


def _least(weight, person, minimum_count):
    """The comments nearest to no theme, of as many people as a figure has to rest on."""
    order = np.argsort(weight, kind="stable")
    first = np.sort(np.unique(person[order], return_index=True)[1])
    least = np.zeros(len(weight), dtype=bool)
    least[order[:first[:minimum_count].max(initial=-1) + 1]] = True
    return least
