"""Guesses that a room makes before it sees a figure: each committed alone, only their counts kept."""

import numpy as np
import pandas as pd

from ..charts import club as figures
from .ballot import FEWEST, Ballot, few_guesses
from .sheet import Number, OneOf, paragraph

BINS = 21      # most bins in which numbers are counted


def predict(question, *, choices=None, low=None, high=None, step=1, unit="", room=True):
    """Ask a room for its guesses before a figure is shown.

    The cell's value shows the question with a field for a number, or with the choices. Whoever guesses commits the
    guess, and the field is empty again for the next. Of a guess nothing is kept but one more in its count. A guess that
    is committed while a cell is still running waits in its field until the cell is done.

    Parameters
    ----------
    question : str
    choices : list of str, optional
        What there is to choose from; or else `low` and `high`.
    low, high : float, optional
        The least and the greatest number that can be guessed.
    step : float
        Numbers are rounded to it.
    unit : str
        Words after a number, such as "%" or " days".
    room : bool
        Whether there are people to guess. If not, nothing is asked, and figures show at once.

    Returns
    -------
    Prediction
        Its `reveal` holds back a figure.

    Raises
    ------
    ValueError
        If there are neither choices nor two numbers in order, or both.

    References
    ----------
    Guessing first: Crouch, Fagen, Callan & Mazur (2004), Classroom demonstrations, Am. J. Phys. 72(6), 835-838. The field
    starts empty, since a number in sight draws guesses to it: Tversky & Kahneman (1974), Science 185, 1124-1131.

    Examples
    --------
    >>> guess = predict("Of a hundred people, how many are never seen?", low=0, high=100)
    >>> guess.commit(30), guess.commit(31), guess.guesses
    (True, True, 2)
    >>> guess.close()
    >>> guess.summary()
    '2 guesses. What was guessed is shown from 5 on, since one among few is somebody\u2019s.'
    """
    if choices is not None and (low is not None or high is not None):
        raise ValueError("A guess is of one of `choices`, or of a number from `low` to `high`, not of both.")
    if choices is not None:
        return Prediction(question, _Choices(list(dict.fromkeys(choices))), room)
    if low is None or high is None or not low < high:
        raise ValueError("Give the `choices`, or `low` and `high` with `low` the lesser of them.")
    return Prediction(question, _Numbers(low, high, step, unit), room)


class Prediction(Ballot):
    """A question, and how many guessed what; made by `predict`.

    Attributes
    ----------
    question : str
    guesses : int
        How many were committed.
    closed : bool
        Whether a figure that answers it has been shown, so that no guess is taken any more.
    """

    def __init__(self, question, answers, room):
        super().__init__(question, lambda: [answers.field()], answers.wanted, room)
        self._answers, self._counts = answers, np.zeros(len(answers.index), int)

    @property
    def guesses(self):
        return int(self._counts.sum())

    def commit(self, guess):
        """Count a guess; False where it is none of those asked for, or comes too late."""
        place = None if self.closed else self._answers.place(guess)
        if place is None:
            return False
        self._counts[place] += 1
        return True

    def counts(self):
        """Guesses by what was guessed (Series); None before the guessing is closed, and of fewer than five."""
        if not self.closed or self.guesses < FEWEST:
            return None
        return pd.Series(self._counts, index=self._answers.index, name="guesses")

    def summary(self, truth=None):
        """What the room guessed and what the study says, in a sentence or two.

        Parameters
        ----------
        truth : float, str or tuple of float, optional
            What the study says: a number, or it with its 95% interval (estimate, low, high), or one of the choices. Numbers
        are rounded as guesses are.

        Examples
        --------
        >>> guess = predict("Of a hundred people, how many are never seen?", low=0, high=100)
        >>> _ = [guess.commit(number) for number in (10, 20, 25, 30, 50, 60)]
        >>> guess.close()
        >>> guess.summary((21, 19, 24))
        '6 guesses, at least half of them from 20 to 54. The study: 21 (95% interval 19 to 24).'
        """
        counts = self.counts()
        said = (few_guesses(self.guesses) if counts is None else
                f"{self.guesses} guesses, {self._answers.middle(self._counts)}.")
        return said if truth is None else f"{said} The study: {self._answers.said(truth)}."

    def reveal(self, draw, *given, truth=None, **named):
        """Hold a figure back until a guess is committed and somebody asks to see it; without a room, draw it at once.

        Once it is shown the guessing is closed.

        Parameters
        ----------
        draw : callable
            Makes the figure: a function of `charts`, or whatever gives axes or a frame.
        *given, **named
            Handed to `draw`.
        truth : float, str or tuple of float, optional
            As in `summary`.

        Returns
        -------
        ipywidgets.VBox or None
            Without a room, None for a figure (the notebook shows it), or what `draw` gave.
        """
        if not self.room:
            made = draw(*given, **named)
            return None if hasattr(made, "figure") else made

        def guessed():
            counts, said = self.counts(), self.summary(truth)
            return paragraph(said) if counts is None else figures.picture(
                figures.guesses(counts, said, at=self._answers.at(truth)))

        return self.hold_back(guessed, lambda: figures.picture(draw(*given, **named)))


class _Choices:
    """Guesses of one of a few choices."""

    wanted = "Choose one first."

    def __init__(self, choices):
        self.index = pd.Index(choices, name="what was guessed")

    def field(self):
        return OneOf("Your guess", list(self.index))

    def place(self, guess):
        return self.index.get_loc(guess) if guess in self.index else None

    def middle(self, counts):
        most = [label for label, count in zip(self.index, counts, strict=True) if count == counts.max()]
        return f"most for {' and '.join(map(self.said, most))} ({counts.max()}{' each' if len(most) > 1 else ''})"

    def said(self, truth):
        return f"\u201c{truth}\u201d"

    def at(self, truth):
        place = self.place(truth)
        return None if place is None else [place]


class _Numbers:
    """Guesses of a number, counted in bins of whole steps, at most `BINS` of them."""

    def __init__(self, low, high, step, unit):
        self.low, self.step, self.unit = low, step, unit
        self.last = round((high - low) / step)
        wide = next(size * 10**power for power in range(9) for size in (1, 2, 5) if size * 10**power * BINS > self.last)
        self.starts = np.arange(0, self.last + 1, wide)
        self.ends = np.minimum(self.starts + wide - 1, self.last)
        self.index = pd.Index(
            [self._number(start) if start == end else f"{self._number(start)} to {self._number(end)}"
             for start, end in zip(self.starts, self.ends, strict=True)],
            name=f"what was guessed{f', in {unit.strip()}' if unit else ''}")
        self.wanted = f"Write a number from {self._number(0)} to {self._number(self.last)}, in digits only."

    def field(self):
        return Number(f"Your guess, {self._number(0)} to {self._number(self.last)}{self.unit}")

    def place(self, guess):
        try:
            step = (float(str(guess).strip().removesuffix(self.unit.strip())) - self.low) / self.step
        except ValueError:
            return None
        return int(np.searchsorted(self.ends, round(step))) if 0 <= step <= self.last else None

    def middle(self, counts):
        """The bins between which the middle half of the guesses lies."""
        upto = counts.cumsum()
        first, last = np.searchsorted(upto, 0.25 * upto[-1]), np.searchsorted(upto, 0.75 * upto[-1])
        return f"at least half of them from {self._number(self.starts[first])} to {self._number(self.ends[last])}{self.unit}"

    def said(self, truth):
        if np.isnan(truth).any():
            return "withheld, too few people"
        estimate, *interval = (round(part / self.step) * self.step for part in np.atleast_1d(truth))     # as guesses are
        said = f"{figures.plain(estimate)}{self.unit}"
        return f"{said} (95% interval {' to '.join(map(figures.plain, interval))})" if interval else said

    def at(self, truth):
        """Where among the bins the truth and its interval lie; None where it is withheld or beyond what could be guessed."""
        steps = (np.atleast_1d(np.nan if truth is None else truth) - self.low) / self.step
        if not 0 <= steps[0] <= self.last:
            return None
        return (np.clip(steps, 0, self.last) + 0.5) / (self.ends[0] + 1) - 0.5

    def _number(self, step):
        return figures.plain(self.low + step * self.step)
