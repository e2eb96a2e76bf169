"""Dials of a claim: a room changes one assumption and sees the claim judged again."""

from functools import cache
from html import escape

import ipywidgets as widgets

from ..claims import SIGNS, judge
from .sheet import OneOf, paragraph, sheet, spoken


def dials(claim, estimate, choices, judged, *, words, answer="summary", **fixed):
    """Controls for a claim's choices, set as it was judged, over its card; a turn of one judges it again.

    Takes what `specifications.specifications` takes. Answers are kept, so that turning back is at once.

    Parameters
    ----------
    claim : str
        Number of the claim whose rule judges.
    estimate : callable
        Takes a keyword for each name in `choices`, and those in `fixed`; gives an object with numbers `estimate`,
        `low` and `high` (95%), or raises ValueError where it cannot be made.
    choices : dict of str to dict
        For each keyword: words for a choice -> its value. What can be chosen in one way only has no control.
    judged : dict of str to str
        For each keyword the words of the choice made for the claim's own estimate.
    words : dict of str to str
        Keyword -> what is chosen, in words.
    answer : str or callable
        What says in a sentence what was found: the name of an attribute of what `estimate` gives, or a function of it.
    **fixed
        Handed to `estimate` each time.

    Returns
    -------
    ipywidgets.VBox

    Raises
    ------
    ValueError
        If the claim's own choices are not among the choices, or a control would have no words.

    References
    ----------
    Steegen, Tuerlinckx, Gelman & Vanpaemel (2016), Increasing transparency through a multiverse analysis, Perspect. Psychol.
    Sci. 11(5), 702-712.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> def share(among):
    ...     return SimpleNamespace(estimate=among, low=among - 0.1, high=among + 0.1, summary="So many.")
    >>> box = dials("C02", share, {"among": {"all": 0.55, "seen": 0.71}}, {"among": "seen"},
    ...             words={"among": "counted among"})
    >>> [child.value for child in box.children if hasattr(child, "buttons")]
    ['seen']
    """
    if absent := [name for name in choices if judged.get(name) not in choices[name]]:
        raise ValueError(f"`judged` names no choice of {' and none of '.join(absent)}: name one of those there are.")
    if wordless := [name for name in choices if len(choices[name]) > 1 and name not in words]:
        raise ValueError(f"`words` does not say what is chosen by {' and by '.join(wordless)}: add it.")
    said = answer if callable(answer) else lambda found: getattr(found, answer)
    controls = {name: OneOf(words[name], choices[name], judged[name]) for name in choices if len(choices[name]) > 1}
    back = widgets.Button(description="Set all as judged")
    card, moved = widgets.HTML(), widgets.HTML()

    @cache
    def answered(*chosen):
        """The card under these choices and its numbers, or why there is none."""
        try:
            found = estimate(**fixed, **{name: choices[name][word] for name, word in zip(choices, chosen, strict=True)})
            numbers = found.estimate, found.low, found.high
            card = judge(claim, numbers[0], numbers[1:], answer=said(found), untold=getattr(found, "untold", ""))
            return card, numbers, ""
        except ValueError as problem:
            return None, None, str(problem)

    def show(_=None):
        chosen = judged | {name: control.value for name, control in controls.items()}
        changed = {words[name]: (chosen[name], judged[name]) for name in controls if chosen[name] != judged[name]}
        back.disabled = not changed
        moved.value = spoken("Computing \u2026 The card below is still that of the choices before.", "moved")
        before, now = (answered(*(which[name] for name in choices)) for which in (judged, chosen))
        card.value = _card(*now)
        moved.value = spoken(_moved(changed, before, now), "moved")

    def turn_back(_):
        for control in controls.values():
            control.unobserve(show, "value")
        for name, control in controls.items():
            control.value = judged[name]
            control.observe(show, "value")
        show()

    for control in controls.values():
        control.observe(show, "value")
    back.on_click(turn_back)
    show()
    return sheet(widgets.HTML(paragraph("Change one assumption", "asked")), *controls.values(), back, moved, card)


def _card(card, _, why):
    """A card as a room reads it: the verdict first."""
    if card is None:
        return f'<div class="card">{paragraph("With these choices it cannot be computed", "verdict")}{paragraph(why)}</div>'
    estimate = f"{card.estimate} (95% interval {card.interval})" if card.interval else card.estimate
    kind, sign = SIGNS[card.verdict]
    return (f'<div class="card {kind}"><p class="verdict"><span aria-hidden="true">{sign}</span> '
            f"{escape(card.verdict.capitalize())}</p>{paragraph(f'{card.id}: {card.claim}', 'claimed')}"
            f"{paragraph(f'Estimate: {estimate}')}{paragraph(card.answer)}"
            f"{paragraph(f'{card.rule_heading}, for the choices as judged. {card.rule}', 'quiet')}</div>")


def _moved(changed, before, now):
    """What was changed from the claim's own choices, and what became of estimate and verdict."""
    if not changed:
        return "These are the choices the claim was judged by. Change one, and see what becomes of it."
    turned = " and ".join(f"\u201c{word}\u201d in place of \u201c{own}\u201d ({what})"
                          for what, (word, own) in changed.items())
    said = f"As judged: {_verdict(before)}. With {turned}: {_verdict(now)}."
    if before[0] is None or now[0] is None:
        return said
    same = "The verdict is the same." if now[0].verdict == before[0].verdict else "The verdict is another."
    _, low, high = now[1]
    held = " Its interval holds the estimate as judged." if low <= before[1][0] <= high else ""
    return f"{said} {same}{held}"


def _verdict(made):
    """Estimate, interval and verdict in few words."""
    card, _, _ = made
    if card is None:
        return "it cannot be computed"
    return f"{card.estimate}{f' ({card.interval})' if card.interval else ''}, {card.verdict}"
