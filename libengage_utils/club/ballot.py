"""A question put to a room: committed alone, counted without who or when, closed once its answer is in sight."""

import ipywidgets as widgets
from IPython.display import Markdown, display

from .sheet import Number, paragraph, reading_out, sheet, spoken

FEWEST = 5     # guesses from which their counts are shown: one among three is somebody's


class Ballot:
    """A question to a room. Subclasses count what is committed (`commit`) and say how many did (`guesses`).

    The controls are empty again after each guess, and of a guess nothing is kept but one more in its count. Without a
    room there are no widgets.

    Parameters
    ----------
    question : str
    fields : callable
        Makes the controls, each with a `value`, `clear` and `disable`.
    wanted : str
        What is said where something else was committed.
    room : bool
        Whether there are people to guess.
    """

    closed = False

    def __init__(self, question, fields, wanted, room):
        self.question, self.room, self._wanted, self._held = question, room, wanted, []
        if not room:
            return
        self._fields = fields()
        self._button = widgets.Button(description="Commit this guess", button_style="primary")
        self._status = widgets.HTML(paragraph("Nobody has guessed yet.", "quiet"))
        self._button.on_click(self._committed)
        for field in self._fields:
            if isinstance(field, Number):
                field.entered(self._committed)
        self.box = sheet(widgets.HTML(paragraph(question, "asked")), *self._fields, self._button, self._status)

    def _ipython_display_(self):
        if self.room:
            display(self.box)

    def hold_back(self, said, pictures):
        """Widgets that hold back what answers the question until a guess is in and somebody asks; then the ballot closes.

        Parameters
        ----------
        said : callable
            Gives, as HTML, what the room guessed.
        pictures : callable
            Gives, as HTML, what was held back.

        Returns
        -------
        ipywidgets.VBox
        """
        status, button, shown = widgets.HTML(), widgets.Button(description="Show", button_style="primary"), widgets.HTML()

        def waiting():
            button.disabled = not self.guesses
            status.value = spoken(
                f"{self._in()} Show the figure when all have guessed; then no more are taken." if self.guesses
                else "Guess first: the figure is held back until somebody has committed a guess.")

        def show(_):
            self.close()
            status.value, button.layout.display = reading_out(said()), "none"
            try:
                shown.value = pictures()
            except ValueError as problem:
                shown.value = paragraph(str(problem))

        self._held.append(waiting)
        waiting()
        button.on_click(show)
        return sheet(widgets.HTML(paragraph(self.question, "asked")), status, button, shown)

    def close(self):
        """Take no more guesses: each one more would tell itself by what it adds to the counts that are now in sight."""
        self.closed = True
        if not self.room:
            return
        self._button.disabled = True
        for field in self._fields:
            field.clear()
            field.disable()
        self._status.value = paragraph(f"{self._in()} No more are taken.", "quiet")

    def _committed(self, _=None):
        taken = self.commit(*(field.value for field in self._fields))
        self._status.value = spoken(f"{self._in()} Next, please." if taken else self._wanted)
        if taken:
            for field in self._fields:
                field.clear()
            for waiting in self._held:
                waiting()

    def _in(self):
        return "1 guess is in." if self.guesses == 1 else f"{self.guesses} guesses are in."


def hold(words, *, room=True):
    """Words held back until somebody asks to see them; without a room they are there at once.

    Parameters
    ----------
    words : str
        In Markdown.
    room : bool
        Whether there are people to think first.

    Returns
    -------
    ipywidgets.VBox or IPython.display.Markdown

    Examples
    --------
    >>> hold("It rains.", room=False).data
    'It rains.'
    """
    if not room:
        return Markdown(words)
    button, shown = widgets.Button(description="Show", button_style="primary"), widgets.Output()

    def show(_):
        button.layout.display = "none"
        shown.append_display_data(Markdown(words))

    button.on_click(show)
    return sheet(widgets.HTML(paragraph("Think first. What would you say?", "asked")), button, shown)


def few_guesses(number):
    """How many guessed, where too few did to show what.

    Examples
    --------
    >>> few_guesses(1)
    '1 guess. What was guessed is shown from 5 on, since one among few is somebody\u2019s.'
    """
    return (f"{number} {'guess' if number == 1 else 'guesses'}. What was guessed is shown from {FEWEST} on, since one among "
            "few is somebody\u2019s.")
