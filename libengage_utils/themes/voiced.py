"""Who voices a theme, how they feel about it, whether it grows, and in which segments it is heard."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ..engagement import period_of
from ..privacy import about, suppress
from .by_person import (
    SURE,
    adjusted,
    behind,
    difference,
    listed,
    mean_limits,
    ratio,
    share_limits,
    shown,
    sums,
    table_of,
    with_themes,
)

NO_THEME = "no theme"
NOBODY = [pd.DataFrame(columns=["label", "series", "group", "estimate", "low", "high", "p"])] * 2
GIVEN = "The themes were found in these same comments: intervals take them as given."


@dataclass(frozen=True)
class Voiced:
    """Themes as people voice them; made by `voiced`. Missing is what rests on too few people; `rests_on` says how many.

    Attributes
    ----------
    table : DataFrame
        One row a theme, largest first: theme, label; estimate, low, high of its share of all comments; comments, people.
    feelings : DataFrame
        label; estimate, low, high of the mean valence of its comments, from -1 to 1; limits of its difference from that of
        all other comments (from_others_low, from_others_high) and p (adjusted).
    troubled : DataFrame
        label, estimate, low, high: share of its comments with valence below 0.
    by_period : DataFrame
        label, series (the first and the last period), estimate, low, high: its share of the comments of each. Empty without
        periods.
    changes : DataFrame
        label, estimate, low, high: the share in the last period less that in the first; and p (adjusted).
    by_segment : DataFrame
        label, series (the segment), estimate, low, high: share of the segment's people who wrote that voiced the theme.
    from_others : DataFrame
        label, group (the segment), estimate, low, high: that share less that of all other people; and p (adjusted).
    people, comments, rated : int
        Who wrote, and how much, with or without a theme; and of how many comments the feeling is known.
    """

    table: pd.DataFrame = field(repr=False)
    feelings: pd.DataFrame = field(repr=False)
    troubled: pd.DataFrame = field(repr=False)
    by_period: pd.DataFrame = field(repr=False)
    changes: pd.DataFrame = field(repr=False)
    by_segment: pd.DataFrame = field(repr=False)
    from_others: pd.DataFrame = field(repr=False)
    people: int
    comments: int
    rated: int

    def that_feel_worst(self, most=12):
        """Sizes and feelings of the themes that feel worst, the worst first (two DataFrames)."""
        worst = self.feelings.sort_values("estimate", kind="stable").head(most).index
        return self.table.loc[worst], self.feelings.loc[worst]

    @property
    def headline(self):
        """The themes on which people surely feel worse than on all others, in a sentence."""
        known = self.feelings.dropna()
        worse = known[(known["from_others_high"] < 0) & (known["p"] < SURE)].sort_values("estimate")
        if known.empty:
            return "How people feel about a theme is not known."
        if worse.empty:
            return "On no theme are people known to feel worse than on the others."
        row = worse.iloc[0]
        more = f" and {len(worse) - 1} other themes" if len(worse) > 1 else ""
        return (f"People feel worse than otherwise about \u201c{row['label']}\u201d{more} ({row['estimate']:+.2f}, "
                f"{row['low']:+.2f} to {row['high']:+.2f}, from -1, the worst, to 1).")

    @property
    def change_headline(self):
        """The themes that surely grew or shrank, in a sentence; empty without periods."""
        if not len(self.changes):
            return ""
        first, last = dict.fromkeys(self.by_period["series"])
        sure = self.changes[self.changes["p"] < SURE]
        moved = [f"{way} {listed(some['label'])}" for way, some in (
            ("grew:", sure[sure["low"] > 0]), ("shrank:", sure[sure["high"] < 0])) if len(some)]
        return (f"From {first} to {last} {'; '.join(moved)}." if moved else
                f"No theme is known to have grown or shrunk from {first} to {last}.")

    @property
    def segment_headline(self):
        """The themes that one kind of user surely voices more than all others, in a sentence; empty without segments."""
        if not len(self.from_others):
            return ""
        sure = self.from_others[(self.from_others["p"] < SURE) & (self.from_others["low"] > 0)]
        heard = [f"{row.label} ({row.group})" for row in sure.sort_values("estimate", ascending=False).itertuples()]
        return (f"Voiced more by one kind of user than by all others: {listed(heard)}." if heard else
                "No kind of user is known to voice a theme more than all others do.")

    @property
    def summary(self):
        """What the figures say, each as far as its interval goes, in sentences."""
        words = (f"These are {about(self.comments)} comments by {about(self.people)} people; "
                 f"{self.rated / self.comments:.0%} of them carry a rating, and only these tell how people feel. "
                 f"{self.headline}")
        if len(known := self.table.dropna()):
            row = known.iloc[0]
            words += (f" The largest theme, \u201c{row['label']}\u201d, is {row['estimate']:.0%} of the comments (95% "
                      f"interval {row['low']:.0%} to {row['high']:.0%}).")
        parts = [words, self.change_headline, self.segment_headline, GIVEN]
        return " ".join(part for part in parts if part)


def voiced(themes, feedback, *, periods=None, segment=None, minimum_count=10):
    """How much is written on each theme, by how many, in what mood, and whether more than before or in some segment.

    People are the units drawn: somebody's several comments count together (linearised ratios), comments without a
    person_key are a person each. Shares have Wilson limits at the effective number of comments, means Student's.

    Parameters
    ----------
    themes : Themes
        As made by `find_themes`.
    feedback : frame
        feedback_id of all comments that the themes were found in; person_key, where people are known; valence (-1 to 1, from
        ratings or from words), where it is known; given_at, if there are periods.
    periods : DataFrame, optional
        Columns period, from, to, in order; shares of the first and of the last are compared.
    segment : Series indexed by person_key, optional
        Segment of each person, best of an earlier time. Comments of people without one play no part in its figures.
    minimum_count : int
        Fewest people behind a figure; at least 5.

    Returns
    -------
    Voiced

    Raises
    ------
    ValueError
        If comments of the themes are missing, a column is, there are fewer than two periods, or a person has two segments.

    References
    ----------
    Korn & Graubard (1998), Confidence intervals for proportions with small expected number of positive counts estimated from
    survey data, Survey Methodology 24, 193-201. Agresti & Caffo (2000), Am. Stat. 54(4), 280-288. Benjamini & Hochberg
    (1995), J. R. Stat. Soc. B 57(1), 289-300.

    Examples
    --------
    >>> from libengage_utils.themes import find_themes
    >>> rng = np.random.default_rng(0)
    >>> words = ["printer paper toner", "seat window quiet", "loan fine renewal"]
    >>> comments = pd.DataFrame({"feedback_id": range(300), "valence": [-0.5, 0.5, 0.5] * 100,
    ...     "text": [" ".join(rng.choice(words[i % 3].split(), 4)) for i in range(300)]})
    >>> found = voiced(find_themes(comments), comments)
    >>> len(found.table), found.table["people"].sum()
    (3, np.float64(290.0))
    """
    further = [name for name, asked in (("given_at", periods), ("person_key", segment)) if asked is not None]
    rows, person, member = with_themes(themes, feedback, *further)
    labels = [*themes.labels, NO_THEME]
    own, wrote = sums(person, member), sums(person, np.ones((len(rows), 1)))
    share = ratio(own, wrote)
    table = table_of(labels, share[0], share_limits(*share, wrote), shown(minimum_count, own),
                     comments=member.sum(axis=0), people=behind(own), rests_on=behind(own))
    table.insert(0, "theme", [*themes.labels.index, 0])
    feelings, troubled = _felt(rows, person, member, labels, minimum_count)
    by_period, changes = _moved(rows, person, member, labels, periods, minimum_count)
    by_segment, from_others = _in_segments(rows, person, own > 0, labels, segment, minimum_count)
    tables = (some[some["label"] != NO_THEME].reset_index(drop=True)
              for some in (table, feelings, troubled, by_period, changes, by_segment, from_others))
    rated = pd.to_numeric(rows.get("valence", pd.Series(np.nan, rows.index))).notna().sum()
    return Voiced(*tables, len(own), len(rows), int(rated))


def _felt(rows, person, member, labels, minimum_count):
    """Mean valence of each theme and how it differs from that of all other comments, and the share of troubled comments."""
    valence = pd.to_numeric(rows.get("valence", pd.Series(np.nan, rows.index))).to_numpy(dtype=float)[:, np.newaxis]
    rated = member * ~np.isnan(valence)
    valence = np.nan_to_num(valence)
    number, total = sums(person, rated), sums(person, rated * valence)
    mean = ratio(total, number)
    rest = ratio(*(some.sum(axis=1, keepdims=True) - some for some in (total, number)))
    may = shown(minimum_count, number) & (np.abs(mean[1]).max(axis=0) > 0)
    _, low, high, p = difference(mean, rest)
    feelings = table_of(labels, mean[0], np.clip(mean_limits(*mean, number), -1, 1), may, from_others_low=low,
                        from_others_high=high, p=adjusted(np.where(may, p, np.nan)), rests_on=behind(number))
    bad = sums(person, rated * (valence < 0))
    share = ratio(bad, number)
    return feelings, table_of(labels, share[0], share_limits(*share, number), shown(minimum_count, bad, number - bad))


def _moved(rows, person, member, labels, periods, minimum_count):
    """Shares of themes in the first and in the last period, and the difference."""
    if periods is None:
        return [pd.DataFrame(columns=["label", "series", "estimate", "low", "high", "p"])] * 2
    if len(periods) < 2:
        raise ValueError("Whether a theme grows takes two periods: this study names one.")
    when, named = period_of(pd.to_datetime(rows["given_at"]), periods).to_numpy(), periods["period"].iloc[[0, -1]].tolist()
    own = [sums(person, member * (when == name)[:, np.newaxis]) for name in named]
    wrote = [some.sum(axis=1, keepdims=True) for some in own]
    shares = [ratio(some, all_some) for some, all_some in zip(own, wrote, strict=True)]
    may = shown(minimum_count, *own)
    by_period = pd.concat([table_of(labels, share[0], share_limits(*share, some), may).assign(series=name)
                           for name, share, some in zip(named, shares, wrote, strict=True)], ignore_index=True)
    change, *limits, p = difference(*shares[::-1])
    return by_period, table_of(labels, change, limits, may, p=adjusted(np.where(may, p, np.nan)), rests_on=behind(*own))


def _in_segments(rows, person, voices, labels, segment, minimum_count):
    """Share of the people of each segment who voiced each theme, and how it differs from all others'."""
    if segment is None:
        return NOBODY
    if not segment.index.is_unique:
        raise ValueError("A person occurs twice among the segments: give one segment a person, of one earlier period.")
    key = pd.Series(rows["person_key"].to_numpy(), index=person).groupby(level=0).first()
    belongs = pd.get_dummies(key.map(segment.astype(object)), dtype=float)
    belongs = belongs[belongs.sum(axis=1) > 0]
    if belongs.empty:
        return NOBODY
    of = voices[belongs.index].T.astype(float) @ belongs.to_numpy()  # (themes, segments)
    people = np.broadcast_to(belongs.sum().to_numpy(), of.shape)
    rest, others = of.sum(axis=1, keepdims=True) - of, people.sum(axis=1, keepdims=True) - people
    may = pd.DataFrame(of).apply(suppress, axis=1, minimum=minimum_count).notna() & (people - of >= minimum_count)
    one, other = (of + 1) / (people + 2), (rest + 1) / (others + 2)
    error = np.sqrt(one * (1 - one) / (people + 2) + other * (1 - other) / (others + 2))
    reach, compared = stats.norm.ppf(0.975) * error, may & (rest >= minimum_count)
    p = adjusted(np.where(compared, 2 * stats.norm.sf(np.abs(one - other) / error), np.nan).ravel())
    with np.errstate(invalid="ignore", divide="ignore"):
        away = of / people - rest / others
    label, name = np.repeat(labels, of.shape[1]), np.tile(belongs.columns, len(labels))
    wilson, limits = proportion_confint(of, people, method="wilson"), (one - other - reach, one - other + reach)
    by_segment, from_others = (
        table_of(label, value.ravel(), [limit.ravel() for limit in ends], np.asarray(where).ravel())
        for value, ends, where in ((of / people, wilson, may), (away, limits, compared)))
    rests_on = np.minimum.reduce([of, people - of, rest]).ravel()
    return by_segment.assign(series=name), from_others.assign(p=p, group=name, rests_on=rests_on)
