"""Our agenda and their problems: how much of what people write speaks of what the library has put first."""

import re
import unicodedata
from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd

from ..emotions.features import clean
from ..privacy import about
from .by_person import SURE, adjusted, difference, listed, ratio, share_limits, shown, sums, table_of, with_themes

HARDLY = 0.2  # a theme is not spoken of by the agenda if surely fewer of its comments than this speak of a priority


@dataclass(frozen=True)
class Agenda:
    """The agenda held against comments; made by `agenda`. Missing is what rests on too few people.

    Attributes
    ----------
    table : DataFrame
        One row a priority, in the agenda's order: label, order; estimate, low, high of the share of comments that speak of
        it; people who do; rests_on, the fewer of those who do and who do not; place by that share.
    troubled : DataFrame
        The same of the troubled comments (valence below 0).
    themes : DataFrame
        One row a theme, that with most troubled comments first: theme, label; estimate, low, high of the share of its
        comments that speak of any priority; and unheard: whether that is surely less than one in five.
    overall : DataFrame
        label (all, troubled and other rated comments), estimate, low, high: share that speaks of something on the agenda.
    low, high : float
        Between which the share of troubled comments is above (below, if negative) that of the others.
    turned : tuple of str
        Pairs of priorities in words: surely more is written on the later one than on the one before it.
    people : int
        Who wrote the comments.
    """

    table: pd.DataFrame = field(repr=False)
    troubled: pd.DataFrame = field(repr=False)
    themes: pd.DataFrame = field(repr=False)
    overall: pd.DataFrame
    low: float
    high: float
    turned: tuple = field(repr=False)
    people: int

    @property
    def headline(self):
        """How much of what troubles people the agenda speaks of, in a sentence."""
        shares = self.overall.set_index("label")
        for which in ("troubled comments", "all comments"):
            if not np.isnan((row := shares.loc[which])["estimate"]):
                return (f"By the words of our priorities, {row['estimate']:.0%} of {which} (95% interval {row['low']:.0%} "
                        f"to {row['high']:.0%}) speak of something on the agenda.")
        return "How many comments speak of something on the agenda is withheld, because too few people do, or do not."

    @property
    def unheard(self):
        """Labels of themes of which hardly a comment speaks of a priority, that with most troubled ones first (list)."""
        return self.themes.loc[self.themes["unheard"], "label"].tolist()

    def beside(self, voiced, most=5):
        """The priorities, and the first themes that none of them speaks of, each with its share of the comments (DataFrame).

        Parameters
        ----------
        voiced : DataFrame
            The `table` of `Voiced`.
        most : int
            Themes, at most.
        """
        figures = ["estimate", "low", "high", "rests_on"]
        ours = self.table[["label", "order", *figures]].rename(columns={"order": "ours"})
        theirs = voiced.set_index("label")[figures].reindex(self.unheard).dropna()
        theirs = theirs.head(most).rename(index="\u201c{}\u201d".format).rename_axis("label").reset_index()
        return pd.concat([ours.astype({"ours": float}), theirs], ignore_index=True)

    @property
    def summary(self):
        """Where agenda and comments part, each as far as its interval goes, in sentences."""
        words = f"These are comments by {about(self.people)} people. {self.headline}"
        if self.low > 0 or self.high < 0:
            words += f" Troubled comments speak of it {'more' if self.low > 0 else 'less'} often than other rated ones do."
        elif not np.isnan(self.low):
            words += " Whether troubled comments speak of it more or less often than other rated ones is not known."
        if self.turned:
            words += f" The order differs: {'; '.join(self.turned)}."
        if withheld := self.table.loc[self.table["estimate"].isna(), "label"].tolist():
            words += f" Too few people to show speak, or are silent, of {'; '.join(withheld)}."
        if self.unheard:
            words += (" On these themes surely fewer than one in five comments speak of any priority, that with most "
                      f"troubled comments first: {listed(self.unheard)}.")
        return (words + " A comment speaks of a priority if it has one of its words: what the list of words leaves out is "
                "not found, and a word may mean something else.")


def agenda(priorities, comments, themes, *, minimum_count=10):
    """Hold the library's agenda against comments: what share speaks of each priority, and which themes none speaks of.

    Words are found whole, whatever their case, and as beginnings where they end in an asterisk: print* finds printer.

    Parameters
    ----------
    priorities : frame
        The schema's priorities: priority, order (1 is first), words, separated by semicolons, in the language of the
        comments.
    comments : frame
        feedback_id of all comments that the themes were found in; person_key, where people are known; valence, from -1 to 1,
        where it is known: comments with one below 0 are troubled.
    themes : Themes
        As made by `find_themes`; its comments are those looked at.
    minimum_count : int
        Fewest people behind a figure; at least 5.

    Returns
    -------
    Agenda

    Raises
    ------
    ValueError
        If a column is missing, a priority has no words or is there twice, or comments of the themes are missing.

    Notes
    -----
    Intervals as in `voiced`. Two priorities are turned round if the difference of their shares is below 0.05 in p adjusted
    for all pairs (Benjamini & Hochberg 1995).

    Examples
    --------
    >>> from libengage_utils.themes import find_themes
    >>> rng = np.random.default_rng(0)
    >>> words = ["printer paper toner", "seat window quiet", "loan fine renewal"]
    >>> comments = pd.DataFrame({"feedback_id": range(300), "valence": [-0.5, 0.5, 0.5] * 100,
    ...     "text": [" ".join(rng.choice(words[i % 3].split(), 4)) for i in range(300)]})
    >>> ours = pd.DataFrame({"priority": ["Loans", "Space"], "order": [1, 2], "words": ["loan*; fine", "seat*;quiet"]})
    >>> agenda(ours, comments, find_themes(comments)).table[["label", "place"]].values.tolist()
    [['Loans', 1.0], ['Space', 2.0]]
    """
    ours = _checked(priorities)
    rows, person, member = with_themes(themes, comments)
    text = themes.read.comments["text"]
    speaks = np.column_stack([text.str.contains(_pattern(some), regex=True).to_numpy() for some in ours["words"]])
    silent = ~speaks.any(axis=1)
    valence = pd.to_numeric(rows.get("valence", pd.Series(np.nan, rows.index))).to_numpy(dtype=float)
    table, turned = _by_priority(ours, person, speaks, np.ones(len(rows)), minimum_count)
    troubled, _ = _by_priority(ours, person, speaks, valence < 0, minimum_count)
    overall, apart = _overall(person, silent, valence, minimum_count)
    by_theme = _by_theme(themes, person, member, silent, valence, minimum_count)
    return Agenda(table, troubled, by_theme, overall, *apart, turned, person.max() + 1)


def _checked(priorities):
    """Priorities in their order, or a sentence on what is wrong with them."""
    ours = nw.from_native(priorities).lazy().collect().to_pandas()
    if absent := [name for name in ("priority", "order", "words") if name not in ours]:
        raise ValueError(f"The priorities have no column {' and no column '.join(absent)}.")
    if ours.empty:
        raise ValueError("There are no priorities: an agenda needs one or more.")
    if again := int(ours["priority"].duplicated().sum()):
        raise ValueError(f"{again:,} priorities are there twice: give each once, with all of its words.")
    for name, words in zip(ours["priority"], ours["words"], strict=True):
        if not isinstance(words, str) or not any(re.search(r"\w", word) for word in words.split(";")):
            raise ValueError(f"The priority {name} has no words in which people would speak of it: give some, separated by "
                             "semicolons.")
    return ours.sort_values(["order", "priority"], ignore_index=True)


def _pattern(words):
    """A pattern that finds any of these words, whole or, with an asterisk, by their beginning."""
    words = [unicodedata.normalize("NFC", clean(word)) for word in words.split(";") if re.search(r"\w", word)]
    each = [r"\s+".join(r"\w*".join(map(re.escape, part.split("*"))) for part in word.split()) for word in words]
    return rf"(?i)(?<!\w)(?:{'|'.join(each)})(?!\w)"


def _by_priority(ours, person, speaks, weight, minimum_count):
    """Share of the comments that count which speak of each priority, and pairs whose order is surely turned round."""
    names = ours["priority"].tolist()
    own, wrote = sums(person, speaks * weight[:, np.newaxis]), sums(person, weight[:, np.newaxis].astype(float))
    share, people, silent = ratio(own, wrote), (own > 0).sum(axis=0), (wrote > own).sum(axis=0)
    may = (people >= minimum_count) & (silent >= minimum_count)  # a comment may speak of several: no margin gives one away
    table = table_of(ours["priority"], share[0], share_limits(*share, wrote), may, people=people.astype(float),
                     rests_on=np.minimum(people, silent).astype(float))
    table.insert(1, "order", ours["order"])
    table["place"] = table["estimate"].rank(ascending=False, method="min")
    before, after = np.triu_indices(len(ours), 1)
    pair = (ours["order"].to_numpy()[before] < ours["order"].to_numpy()[after]) & may[before] & may[after]
    before, after = before[pair], after[pair]
    value, low, _, p = difference(*((share[0][at], share[1][:, at]) for at in (after, before)))
    sure = (low > 0) & (adjusted(p) < SURE)
    far = np.flatnonzero(sure)[np.argsort(-value[sure], kind="stable")][:3]
    return table, tuple(f"{names[after[at]]} is written about more than {names[before[at]]}" for at in far)


def _overall(person, silent, valence, minimum_count):
    """Share of all, of troubled and of other comments that speak of any priority; limits of troubled less others."""
    which = np.column_stack([np.ones(len(valence)), valence < 0, valence >= 0])
    wrote, own = sums(person, which), sums(person, which * (1 - silent)[:, np.newaxis])
    share = ratio(own, wrote)
    may = (((own > 0).sum(axis=0) >= minimum_count) & ((wrote > own).sum(axis=0) >= minimum_count))
    may[1:] = may[1:].all()
    _, low, high, _ = difference(*((share[0][at], share[1][:, at]) for at in (1, 2)))
    names = ["all comments", "troubled comments", "other rated comments"]
    return (table_of(names, share[0], share_limits(*share, wrote), may),
            (float(low), float(high)) if may[1] else (np.nan, np.nan))


def _by_theme(themes, person, member, silent, valence, minimum_count):
    """Share of each theme's comments that speak of any priority; that with most troubled comments first."""
    wrote, silence = sums(person, member), sums(person, member * silent[:, np.newaxis])
    bad = sums(person, member * (valence < 0)[:, np.newaxis])
    share = ratio(wrote - silence, wrote)
    low, high = share_limits(*share, wrote)
    enough = ((bad if (valence < 0).any() else wrote) > 0).sum(axis=0) >= minimum_count
    table = table_of([*themes.labels, ""], share[0], (low, high), shown(minimum_count, wrote - silence, silence))
    table.insert(0, "theme", [*themes.labels.index, 0])
    p = difference(share, (np.full_like(share[0], HARDLY), np.zeros_like(share[1])))[3]
    table["unheard"] = enough & (high < HARDLY) & (adjusted(np.where(enough, p, np.nan)) < SURE)
    most = np.where(enough, bad.sum(axis=0), -1)[:-1]
    return table[:-1].iloc[np.argsort(-most, kind="stable")].reset_index(drop=True)
