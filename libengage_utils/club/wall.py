"""The wall of highs and lows: staff's guesses of where people feel best and worst, beside the evidence."""

from dataclasses import dataclass, field

import pandas as pd

from ..charts import club as figures
from ..charts import span
from .ballot import FEWEST, Ballot, few_guesses
from .sheet import OneOf, paragraph

ENDS = {"best": 1, "worst": -1}


@dataclass(frozen=True)
class WallComparison:
    """Guesses beside evidence; made by `compare_guesses`.

    Attributes
    ----------
    table : DataFrame
        A row a touchpoint, in the order of the evidence and then of the guesses: touchpoint; best, worst (how many guessed
        that people feel so there; missing where fewer than five guessed at all); estimate, low, high (of how people felt,
        missing where withheld), people.
    guesses : int
        How many guessed.
    """

    table: pd.DataFrame = field(repr=False)
    guesses: int

    @property
    def summary(self):
        """Whether the evidence agrees with what most guessed, for each end, in sentences."""
        if self.guesses < FEWEST:
            return few_guesses(self.guesses)
        return " ".join(map(self._end, ENDS))

    def _end(self, end):
        """What most guessed of one end, and what the evidence says of it."""
        most = self.table[self.table[end] == self.table[end].max()]
        if len(most) > 1:
            return f"Guesses of where people feel {end} are split between {' and '.join(most['touchpoint'])}."
        own = most.iloc[0]
        said = f"Guessed most often as where people feel {end}: {own['touchpoint']} ({own[end]:.0f} of {self.guesses})"
        if pd.isna(own["estimate"]):
            return f"{said}; too few people rated it to tell."
        others = self.table[(self.table["touchpoint"] != own["touchpoint"]) & self.table["estimate"].notna()]
        if others.empty:
            return f"{said}; too few people rated any other to tell."
        nearer, farther = ("low", "high") if end == "best" else ("high", "low")
        beyond = (others[nearer] - own[farther]) * ENDS[end] > 0
        if beyond.any():
            other = others.loc[(others.loc[beyond, "estimate"] * ENDS[end]).idxmax()]
            return (f"{said}. The evidence does not agree: they feel {'better' if end == 'best' else 'worse'} at "
                    f"{other['touchpoint']}, {span(other, '+.2f')}, than there, {span(own, '+.2f')}.")
        if ((own[nearer] - others[farther]) * ENDS[end] > 0).all():
            return f"{said}. The evidence agrees: {span(own, '+.2f')}, apart from every other that is shown."
        return f"{said}. The evidence cannot tell: intervals overlap."


def compare_guesses(guesses, evidence):
    """Hold guesses, counted from a wall of paper or by `wall`, against how people felt.

    Evidence agrees with a guess where the interval of the touchpoint guessed lies beyond that of every other, and does not
    where that of another lies beyond it. Intervals of 95% that lie apart differ by more than chance, the more so if the
    same people are behind both.

    Parameters
    ----------
    guesses : DataFrame
        touchpoint; best, worst (how many guessed that people feel best, and worst, there). Each person guessed one of each.
    evidence : DataFrame
        label (the touchpoint), estimate, low, high (95%, missing where withheld) and people, as `journeys.emotional_arc`
        gives in its table.

    Returns
    -------
    WallComparison

    Raises
    ------
    ValueError
        If a touchpoint is there twice, or there are not as many guesses of the best as of the worst.

    Examples
    --------
    >>> guesses = pd.DataFrame({"touchpoint": ["desk", "search"], "best": [6, 1], "worst": [1, 6]})
    >>> evidence = pd.DataFrame({"label": ["search", "desk"], "estimate": [-0.2, 0.4], "low": [-0.3, 0.3],
    ...                          "high": [-0.1, 0.5], "people": [90, 120]})
    >>> print(compare_guesses(guesses, evidence).summary.split(". ")[1])
    The evidence agrees: +0.40 (+0.30 to +0.50), apart from every other that is shown
    """
    for frame, name in ((guesses, "touchpoint"), (evidence, "label")):
        if twice := frame.loc[frame[name].duplicated(), name].nunique():
            raise ValueError(f"{twice} touchpoint{'s stand' if twice > 1 else ' stands'} in more than one row: make them "
                             "one.")
    best, worst = guesses[list(ENDS)].sum()
    if best != worst:
        raise ValueError(f"There are {best} guesses of the best and {worst} of the worst: each person makes one of both.")
    counts = guesses.set_index("touchpoint")[list(ENDS)].astype(float)
    found = evidence.set_index("label")[["estimate", "low", "high", "people"]]
    order = pd.Index([*found.index, *counts.index.difference(found.index, sort=False)], name="touchpoint")
    counts = counts.reindex(order, fill_value=0.0)
    table = (counts if best >= FEWEST else counts * float("nan")).join(found).reset_index()
    return WallComparison(table, int(best))


def wall(touchpoints, *, room=True):
    """Ask a room where people feel best and where worst.

    The cell's value shows the touchpoints twice; whoever guesses picks one of each and commits. Only counts are kept.

    Parameters
    ----------
    touchpoints : sequence of str
        Two or more.
    room : bool
        Whether there are people to guess. If not, nothing is asked and nothing held against the evidence.

    Returns
    -------
    Wall
        Its `against` holds the guesses against the evidence.

    Raises
    ------
    ValueError
        If there are fewer than two touchpoints.

    Examples
    --------
    >>> guess = wall(["search", "desk", "shelf"])
    >>> guess.commit("desk", "search"), guess.commit("desk", "desk"), guess.guesses
    (True, False, 1)
    """
    touchpoints = list(dict.fromkeys(touchpoints))
    if len(touchpoints) < 2:
        raise ValueError("To guess where people feel best and where worst takes two touchpoints or more.")
    return Wall(touchpoints, room)


class Wall(Ballot):
    """Where a room guesses that people feel best and worst; made by `wall`.

    Attributes
    ----------
    guesses : int
        How many were committed.
    closed : bool
        Whether the evidence has been shown, so that no guess is taken any more.
    """

    def __init__(self, touchpoints, room):
        super().__init__(
            "Where do people feel best, and where worst?",
            lambda: [OneOf(f"people feel {end} at", touchpoints) for end in ENDS],
            "Choose one for each, and not the same.", room)
        self._counts = pd.DataFrame(0, index=pd.Index(touchpoints, name="touchpoint"), columns=list(ENDS))

    @property
    def guesses(self):
        return int(self._counts["best"].sum())

    def commit(self, best, worst):
        """Count a guess; False where it is not of two different touchpoints that are asked for, or comes too late."""
        if self.closed or best == worst or not {best, worst} <= set(self._counts.index):
            return False
        self._counts.loc[best, "best"] += 1
        self._counts.loc[worst, "worst"] += 1
        return True

    def against(self, evidence):
        """Hold the evidence back until a guess is committed and somebody asks to see it; then both are shown.

        Parameters
        ----------
        evidence : DataFrame
            As `compare_guesses` takes it.

        Returns
        -------
        ipywidgets.VBox or None
            None without a room.
        """
        if not self.room:
            return None

        def compared():
            return compare_guesses(self._counts.reset_index(), evidence)

        return self.hold_back(lambda: paragraph(compared().summary),
                              lambda: figures.picture(figures.wall(compared().table, compared().guesses)))
