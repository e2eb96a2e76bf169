"""Formulas, from the part of TeX the notebooks write to MathML, which browsers draw unaided."""

import re
from html import escape
from html.entities import html5

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:[.,]\d+)*|[^\s]")
# TeX names of signs that HTML knows by another name; the rest, Greek included, have the same.
_ALIASES = {"infty": "infin", "neq": "ne", "to": "rarr", "cdot": "sdot", "ldots": "hellip", "dots": "hellip",
            "cdots": "ctdot", "partial": "part", "lvert": "vert", "rvert": "vert"}
_LARGE = {"sum", "prod"}
_ACCENTS = {"bar": "¯", "overline": "¯", "hat": "^", "widehat": "^", "tilde": "~"}
_NAMES = {"log", "ln", "exp", "min", "max", "Pr", "arg", "lim"}
_SPACES = {r"\,": "0.17em", r"\;": "0.28em", r"\ ": "0.25em", r"\quad": "1em", r"\qquad": "2em", r"\!": "0em"}
_SIGNS = {"-": html5["minus;"], "*": html5["lowast;"]}


def mathml(tex, display=False):
    r"""A formula in TeX as MathML.

    Parameters
    ----------
    tex : str
        Letters, numbers, signs, Greek, indices, fractions, roots, accents, sums and words.
    display : bool
        Whether the formula stands on a line of its own.

    Returns
    -------
    str or None
        None where the formula uses anything else, so that its text can be shown as it is.

    Examples
    --------
    >>> mathml(r"\bar{x}^2")
    '<math><msup><mover accent="true"><mi>x</mi><mo>¯</mo></mover><mn>2</mn></msup></math>'
    >>> mathml(r"\unheardof{x}") is None
    True
    """
    try:
        tokens = _words_whole(tex)
        inner = _row(tokens, None, display)
        return f'<math display="block">{inner}</math>' if display else f"<math>{inner}</math>"
    except (LookupError, ValueError):
        return None


def _words_whole(tex):
    r"""Tokens of a formula, with the words of \text{...} kept in one."""
    pieces = re.split(r"(\\(?:text|mathrm|operatorname)\{[^{}]*\})", tex)
    return [token for at, piece in enumerate(pieces)
            for token in ([piece] if at % 2 else _TOKEN.findall(piece))]


def _row(tokens, end, display):
    items = []
    while tokens and tokens[0] != end:
        items.append(_scripted(tokens, display))
    if end is None:
        return "".join(items)
    tokens.pop(0)
    return items[0] if len(items) == 1 else f"<mrow>{''.join(items)}</mrow>"


def _scripted(tokens, display):
    above_and_below = display and tokens[0][1:] in _LARGE
    base, scripts = _atom(tokens, display), {}
    while tokens and tokens[0] in ("_", "^"):
        mark = tokens.pop(0)
        scripts[mark] = _atom(tokens, display)
    if not scripts:
        return base
    kinds = {"_": "under", "^": "over"} if above_and_below else {"_": "sub", "^": "sup"}
    tag = "m" + "".join(kinds[mark] for mark in "_^" if mark in scripts)
    return f"<{tag}>{base}{''.join(scripts[mark] for mark in '_^' if mark in scripts)}</{tag}>"


def _atom(tokens, display):
    token = tokens.pop(0)
    if token == "{":
        return _row(tokens, "}", display)
    if token in _SPACES:
        return f'<mspace width="{_SPACES[token]}"></mspace>'
    if token in (r"\left", r"\right"):
        if tokens[0] == ".":
            tokens.pop(0)
            return ""
        return _atom(tokens, display)
    if token.startswith("\\") and "{" in token:
        command, words = token[1:-1].split("{", 1)
        tag = "mtext" if command == "text" else "mi"
        return f"<{tag}>{escape(words)}</{tag}>"
    if token.startswith("\\") and token[1:].isalpha():
        return _command(token[1:], tokens, display)
    if token in "}^_&":
        raise ValueError(f"{token} out of place")
    token = token.removeprefix("\\")
    if token[0].isdigit():
        return f"<mn>{token}</mn>"
    return f"<mi>{token}</mi>" if token.isalpha() else f"<mo>{escape(_SIGNS.get(token, token))}</mo>"


def _command(name, tokens, display):
    if name == "frac":
        return f"<mfrac>{_atom(tokens, display)}{_atom(tokens, display)}</mfrac>"
    if name == "sqrt":
        return f"<msqrt>{_atom(tokens, display)}</msqrt>"
    if name in _ACCENTS:
        return f'<mover accent="true">{_atom(tokens, display)}<mo>{_ACCENTS[name]}</mo></mover>'
    if name in _NAMES:
        return f"<mi>{name}</mi>"
    sign = html5[_ALIASES.get(name, name) + ";"]
    return f"<mi>{sign}</mi>" if sign.isalpha() else f"<mo>{sign}</mo>"
