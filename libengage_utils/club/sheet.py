"""How what a room sees is set: one style sheet, and text put safely into it."""

from html import escape

import ipywidgets as widgets
import traitlets

STYLE = """<style>
.club { max-width: 64rem; padding: 0.4rem 0.5rem 0.8rem; overflow: visible; align-items: flex-start; }
.club .widget-vbox, .club .widget-hbox { overflow: visible; flex-wrap: wrap; gap: 0 0.4rem; max-width: 100%; }
.club .widget-html, .club .widget-html-content { margin: 0; height: auto; overflow: visible; }
.club .widget-html-content { font-size: 1.125rem; line-height: 1.5; color: var(--jp-content-font-color1, #1d2733); }
.club p { margin: 0 0 0.5rem; max-width: 46rem; }
.club .asked { font-size: 1.375rem; line-height: 1.3; font-weight: 600; margin: 0.2rem 0 0.35rem; }
.club .choice, .club .widget-label { font-size: 1rem; font-weight: 600; margin: 0.3rem 0 0; }
.club .quiet { font-size: 1rem; }
.club .club-field { width: auto; height: auto; overflow: visible; align-items: baseline; gap: 1rem; margin: 0.2rem 0; }
.club .widget-label { width: auto; height: auto; margin: 0; overflow: visible;
  color: var(--jp-content-font-color1, #1d2733); }
.club .widget-text input[type=text] { flex: none; width: 9rem; height: 2.25rem; padding: 0 0.6rem; font-size: 1.125rem;
  border-radius: 3px; border: 1px solid var(--jp-content-font-color2, #4d5a68); }
.club .jupyter-button { width: auto; height: auto; min-height: 2.25rem; margin: 0.25rem 0; padding: 0.2rem 1rem;
  font-size: 1rem; border: 1px solid var(--jp-content-font-color2, #4d5a68); border-radius: 3px; box-shadow: none;
  background: var(--jp-layout-color1, #fff); color: var(--jp-content-font-color1, #1d2733); white-space: normal; }
.club .jupyter-button.mod-primary { background: #1f5c8f; border-color: #1f5c8f; color: #fff; font-weight: 600; }
.club .jupyter-button:disabled { opacity: 1; background: none; border-style: dashed; cursor: default; font-weight: 400;
  color: var(--jp-content-font-color2, #4d5a68); }
.club :is(.jupyter-button, input[type=text]):focus-visible { outline: 3px solid #e08a1e; outline-offset: 2px; }
.club img { max-width: 100%; width: 58rem; height: auto; display: block; margin: 0.3rem 0; background: #fff; }
.club .card { border: 1px solid var(--jp-border-color1, #bdbdbd); border-left: 6px solid #6b7480; border-radius: 3px;
  padding: 0.8rem 1.1rem 0.5rem; margin: 0.5rem 0; max-width: 50rem; }
.club .card.supported { border-left-color: #23855f; }
.club .card.unsupported { border-left-color: #b8552f; }
.club .card.unclear { border-left-color: #a07a1a; }
.club .card .verdict { font-size: 1.5rem; line-height: 1.25; font-weight: 700; margin-bottom: 0.3rem; }
.club .card .claimed { font-style: italic; }
.club .moved { margin: 0.6rem 0 0.2rem; min-height: 4.5rem; max-width: 50rem; }
</style>"""


def paragraph(words, kind=""):
    """A paragraph of plain words as HTML.

    Examples
    --------
    >>> paragraph("5 < 6", "quiet")
    "<p class='quiet'>5 &lt; 6</p>"
    """
    return f"<p class='{kind}'>{escape(words)}</p>" if kind else f"<p>{escape(words)}</p>"


def spoken(words, kind=""):
    """A paragraph that a screen reader reads out when it changes."""
    return reading_out(paragraph(words, kind))


def reading_out(html):
    """HTML that a screen reader reads out when it changes."""
    return f"<div role='status'>{html}</div>"


def sheet(*children):
    """Widgets one below the other in the room's style."""
    return widgets.VBox([widgets.HTML(STYLE), *children]).add_class("club")


class OneOf(widgets.VBox):
    """Buttons of which one is chosen, with a tick and not by colour alone.

    Radio buttons and lists are not used: in a notebook their arrow keys move from cell to cell, and toggle buttons do not
    say which of them is pressed. These are reached by the tabulator and pressed by the space bar.

    Parameters
    ----------
    words : str
        What is chosen.
    choices : sequence of str
    value : str, optional
        The one chosen; none at first by default.

    Examples
    --------
    >>> which = OneOf("ranked by", ["acts", "days"], "acts")
    >>> which.buttons["days"].click()
    >>> which.value, [button.description for button in which.buttons.values()]
    ('days', ['acts', '\u2713 days'])
    """

    value = traitlets.Unicode(None, allow_none=True)

    def __init__(self, words, choices, value=None):
        self.buttons = {choice: widgets.Button(tooltip=f"{words}: {choice}") for choice in choices}
        super().__init__([widgets.HTML(paragraph(words[:1].upper() + words[1:], "choice")),
                          widgets.HBox(list(self.buttons.values()))])
        for choice, button in self.buttons.items():
            button.on_click(lambda _, choice=choice: self.set_trait("value", choice))
        self.observe(self._mark, "value")
        self.value = value
        self._mark()

    def _mark(self, _=None):
        for choice, button in self.buttons.items():
            chosen = choice == self.value
            button.description, button.button_style = (f"\u2713 {choice}", "primary") if chosen else (choice, "")

    def clear(self):
        self.value = None

    def disable(self):
        for button in self.buttons.values():
            button.disabled = True


class Number(widgets.Text):
    """A field for a number. It starts empty: a number in sight draws guesses to it."""

    def __init__(self, words):
        super().__init__(description=words, placeholder="a number")
        self.add_class("club-field")

    def entered(self, act):
        """Call a function when Enter is pressed in the field."""
        self.on_msg(lambda _, content, buffers: act() if content.get("event") == "submit" else None)

    def clear(self):
        self.value = ""

    def disable(self):
        self.disabled = True
