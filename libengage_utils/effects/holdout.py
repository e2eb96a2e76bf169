"""What a letter did, by lot: those written to against those whom the lot held out."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from statsmodels.duration.survfunc import survdiff

from ..privacy import about
from .contacts import ARMS, need_followed
from .shares import difference, standardised_shares

LOT = ["assigned_on", "stratum", "probability"]  # people alike in these were in one lot


@dataclass(frozen=True)
class HoldoutEffect:
    """What the letter did; made by `holdout_effect`.

    Attributes
    ----------
    arms : DataFrame
        Rows letter and holdout: label, n, returned, estimate (share who came back), low, high, rests_on (the fewer of those
        who came back and who did not). Where the chance of the letter differed between people, shares weigh those of each
        chance as they weigh in both arms together.
    estimate, low, high : float
        The letter's share less the holdout's, in percentage points, with its 95% interval: additional returns for every
        100 letters.
    p : float
        How often a lot drawn anew would part the arms as far, had the letter changed nothing for anybody.
    days : int
        The window in which a return counts.
    waiting, unmatched : int
        People left out: still in the window; and with a chance of the letter that only one arm has.

    Shares and what follows from them are missing where fewer than `minimum_count` people of an arm came back, or did not.
    """

    arms: pd.DataFrame = field(repr=False)
    estimate: float
    low: float
    high: float
    p: float
    days: int
    waiting: int
    unmatched: int

    @property
    def rests_on(self):
        """The fewest people of an arm who came back, or did not; missing where withheld."""
        return self.arms["rests_on"].min(skipna=False)

    @property
    def extra(self):
        """Additional returns among all those allotted a letter: estimate, low, high."""
        letters = self.arms.loc["letter", "n"] / 100
        return letters * self.estimate, letters * self.low, letters * self.high

    @property
    def headline(self):
        """The two shares in a sentence."""
        if np.isnan(self.estimate):
            return "Too few people came back, or stayed away, for the two groups to be compared."
        letter, holdout = self.arms["estimate"]
        return f"Of those written to, {letter:.0%} came back; of those held back by lot, {holdout:.0%} came back unasked."

    @property
    def answer(self):
        """What the letter did, in a sentence."""
        if np.isnan(self.estimate):
            return self.headline
        if self.low <= 0 <= self.high:
            return ("Whether the letter brought anybody back cannot be told: for every 100 letters it may be from "
                    f"{abs(self.low):.0f} fewer to {self.high:.0f} more.")
        low, high = sorted(abs(limit) for limit in (self.low, self.high))
        each = f", one for every {100 / self.high:.0f} to {100 / self.low:.0f} letters" if self.low > 0 else ""
        more = "more" if self.low > 0 else "fewer"
        return (f"For every 100 letters about {abs(self.estimate):.0f} {more} people came back than would have anyway "
                f"({low:.0f} to {high:.0f}){each}.")

    @property
    def summary(self):
        """The finding in three sentences."""
        if np.isnan(self.estimate):
            return self.headline
        letter, holdout = self.arms.loc["letter"], self.arms.loc["holdout"]
        words = (f"Of {about(int(letter.n))} people drawn to be written to, {_share(letter)} came back within {self.days} "
                 f"days; of {about(int(holdout.n))} held back by lot, {_share(holdout)} came back unasked: of every 100, "
                 f"about {100 * holdout.estimate:.0f} would have come back anyway. ")
        interval = f"{self.low:+.1f} to {self.high:+.1f}"
        chance = f"Had it done nothing, as large a difference would come up in {in_words(self.p)} of draws."
        if left := self.waiting + self.unmatched:
            chance += f" {about(left).capitalize()} people are still in the window or cannot be compared, and are left out."
        if self.low <= 0 <= self.high:
            return words + ("Whether the letter made a difference cannot be told: the 95% interval of the returns that it "
                            f"added to every 100 letters is {interval}. {chance}")
        least, middle, most = sorted(abs(number) for number in self.extra)
        more = "more" if self.low > 0 else "fewer"
        return words + (f"For every 100 letters {abs(self.estimate):.1f} {more} came back than would have anyway (95% "
                        f"interval {interval}): {middle:.0f} people in all ({least:.0f} to {most:.0f}). {chance}")


def holdout_effect(followed, *, draws=10_000, minimum_count=10, random_state=0):
    """What the letter did: share back of those written to, less the share back of those held out by lot.

    The interval is Newcombe's. Where the chance of the letter differed between people, those of each chance are compared
    among themselves and weigh as they do in both arms together, and the interval is recovered from the limits of these
    shares (MOVER); with one chance for all it is Newcombe's. The p-value comes from drawing the lots anew, each day, stratum
    and chance by itself, with as many letters as there were.

    Parameters
    ----------
    followed : DataFrame
        The people of `follow`. Who is still in the window is left out and counted.
    draws : int
        Lots drawn anew.
    minimum_count : int
        Fewest people who came back, and who did not, in each arm.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    HoldoutEffect

    Raises
    ------
    ValueError
        If a column is missing, or nobody can be compared with anybody.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17(8), 873-890, method 10. Zou & Donner (2008), Statistics in Medicine 27(10),
    1693-1702. Drawing anew: Fisher (1935), The Design of Experiments, ch. 2; Phipson & Smyth (2010), Stat. Appl. Genet. Mol.
    Biol. 9(1), 39.

    Examples
    --------
    >>> followed = pd.DataFrame({"person_key": range(400), "arm": ["letter", "holdout"] * 200, "probability": 0.5,
    ...     "stratum": "all", "assigned_on": "2025-10-20", "watched": 90, "returned": [True] * 20 + [True, False] * 30
    ...     + [False] * 320})
    >>> effect = holdout_effect(followed)
    >>> print(f"{effect.estimate:.1f} ({effect.low:.1f} to {effect.high:.1f}), p {effect.p:.4f}")
    15.0 (8.7 to 21.5), p 0.0001
    """
    over, waiting, unmatched = in_both_arms(followed)
    chance, lot = (over.groupby(names).ngroup().to_numpy() for names in ("probability", LOT))
    letter, back = (over["arm"] == "letter").to_numpy(), over["returned"].astype(bool).to_numpy()
    people, returned = (_counts(chance, letter, among) for among in (np.ones(len(over), dtype=bool), back))
    shares = standardised_shares(returned, people)
    totals = returned.sum(axis=0), people.sum(axis=0)
    rests_on = np.minimum(totals[0], totals[1] - totals[0])
    arms = pd.DataFrame({"label": ["written to", "held back by lot"], "n": totals[1], "returned": totals[0],
                         **dict(zip(("estimate", "low", "high"), shares, strict=True)), "rests_on": rests_on}, index=ARMS)
    figures = [*(100 * number for number in difference(*shares)),
               _drawn_anew(chance, lot, letter, back, people, draws, random_state)]
    if rests_on.min() < minimum_count:
        figures = [np.nan] * len(figures)
        arms = arms.astype({"returned": float, "rests_on": float})
        arms[["returned", "estimate", "low", "high", "rests_on"]] = np.nan
    return HoldoutEffect(arms, *figures, int(over["watched"].max()), waiting, unmatched)


def log_rank(followed):
    """Whether the arms differ in when people came back: the log-rank test, within the lots that were drawn.

    People still in the window count for as long as they have been watched.

    Parameters
    ----------
    followed : DataFrame
        The people of `follow`.

    Returns
    -------
    float
        The p-value; missing where no lot has both arms and a return.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50(3), 163-170.

    Examples
    --------
    >>> followed = pd.DataFrame({"person_key": range(80), "arm": ["letter", "holdout"] * 40, "probability": 0.5,
    ...     "stratum": "all", "assigned_on": "2025-10-20", "watched": 90, "days_to_return": [5, 60] * 20 + [np.nan] * 40})
    >>> print(f"{log_rank(followed):.2f}")
    0.20
    """
    need_followed(followed, *LOT, "person_key", "arm", "watched", "days_to_return")
    rows = followed[followed["watched"] > 0]
    lots = rows.groupby(LOT)
    rows = rows[(lots["arm"].transform("nunique") == 2) & (lots["days_to_return"].transform("count") > 0)]
    if rows.empty:
        return np.nan
    time, back = rows["days_to_return"].fillna(rows["watched"]), rows["days_to_return"].notna()
    return float(survdiff(time.to_numpy(), back.to_numpy().astype(int), rows["arm"].to_numpy(),
                          strata=rows.groupby(LOT).ngroup().to_numpy())[1])


def in_both_arms(followed):
    """People whose window is over and whose chance of the letter both arms have, in order; and how many others there are."""
    need_followed(followed, *LOT, "person_key", "arm", "watched", "returned")
    rows = followed.sort_values("person_key").assign(probability=followed["probability"].round(9))
    over = rows[rows["returned"].notna()]
    both = over[over.groupby("probability")["arm"].transform("nunique") == len(ARMS)]
    if both.empty:
        raise ValueError(f"Of {about(len(followed))} people followed nobody can be compared: none has a window that is over "
                         "and a chance of the letter that both arms have.")
    return both, len(rows) - len(over), len(over) - len(both)


def _counts(chance, letter, among):
    """How many of those among whom it is asked have each chance and arm: (n_chances, 2), the letter first."""
    return np.bincount(2 * chance + ~letter, among, 2 * (chance.max() + 1)).reshape(-1, 2)


def _drawn_anew(chance, lot, letter, back, people, draws, random_state):
    """Share of lots drawn anew whose difference lies as far from what they expect as that of the lot drawn."""
    n, letters, returns, found = (np.bincount(lot, part) for part in (np.ones(len(lot)), letter, back, letter & back))
    weight = people.sum(axis=1) / people.sum() * (1 / people).sum(axis=1)  # what one more return of a letter adds
    weight = weight[pd.Series(chance).groupby(lot).first()]
    drawn = np.random.default_rng(random_state).hypergeometric(
        *(part.astype(int) for part in (returns, n - returns, letters)), size=(draws, len(n)))
    far, here = (np.abs((part - returns * letters / n) @ weight) for part in (drawn, found))
    return float((1 + (far >= here - 1e-9).sum()) / (1 + draws))


def in_words(p):
    """A p-value as a share of draws.

    Examples
    --------
    >>> in_words(0.034), in_words(0.0002)
    ('3.4%', 'less than 0.1%')
    """
    return f"{p:.1%}" if p >= 0.001 else "less than 0.1%"


def _share(arm):
    return f"{arm.estimate:.1%} (95% interval {arm.low:.1%} to {arm.high:.1%})"
