"""Keyed pseudonyms and scrubbing at the door; withheld small numbers and a release check at the exit."""

import base64
import hmac
import os
import re
import stat
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linprog

KEY_BYTES = 16
PSEUDONYM = re.compile(r"\bp_[0-9a-f]{24}\b")


class PrivacyError(ValueError):
    """A rule about people's data is not met; the message says which, and the remedy."""


class Pseudonymiser:
    """Replace identifiers by keyed pseudonyms (HMAC-SHA256, the first 96 bits).

    The same key gives the same pseudonym in every table; without the key nobody can go from an
    identifier to its pseudonym. Method: Krawczyk, Bellare & Canetti (1997), RFC 2104.

    Parameters
    ----------
    key : bytes
        At least 16 bytes, kept outside the project.

    Raises
    ------
    PrivacyError
        If the key is shorter than 16 bytes.

    Examples
    --------
    >>> pseudonym = Pseudonymiser(b"sixteen bytes or more")
    >>> pseudonym("00123") == pseudonym("00123"), pseudonym("00123") == pseudonym("123")
    (True, False)
    """

    def __init__(self, key):
        if len(key) < KEY_BYTES:
            raise PrivacyError(
                f"The key for pseudonyms has {len(key)} bytes and needs at least {KEY_BYTES}. "
                "Make one with: python -c \"import secrets; print(secrets.token_hex(32))\""
            )
        self._key = bytes(key)

    def __repr__(self):
        return "Pseudonymiser(key withheld)"

    def __call__(self, identifier):
        return "p_" + hmac.digest(self._key, identifier.encode(), "sha256").hex()[:24]

    @classmethod
    def from_environment(cls, variable):
        """Read a hexadecimal key from an environment variable, or from the file `<variable>_FILE` names.

        Raises
        ------
        PrivacyError
            If neither is set, the key is not hexadecimal, or others may read the file.
        """
        text, path = os.environ.get(variable), os.environ.get(f"{variable}_FILE")
        if text is None and path is None:
            raise PrivacyError(
                f"This study holds people's identifiers and no key is set to replace them. Make a key once "
                f'(python -c "import secrets; print(secrets.token_hex(32))"), keep it outside the project, '
                f"and set the environment variable {variable} to it, or {variable}_FILE to a file of mode 600."
            )
        if text is None:
            if not Path(path).is_file():
                raise PrivacyError(f"The key file that {variable}_FILE names does not exist.")
            if os.name == "posix" and stat.S_IMODE(os.stat(path).st_mode) & 0o077:
                raise PrivacyError(
                    f"Others may read the key file that {variable}_FILE names; give it mode 600.")
            text = Path(path).read_text(encoding="ascii", errors="replace")
        try:
            return cls(bytes.fromhex(text.strip()))
        except ValueError as error:
            if isinstance(error, PrivacyError):
                raise
            raise PrivacyError(f"The key that {variable} gives is not hexadecimal (0-9, a-f).") from None


_SCRUBBED = (
    (re.compile(r"(?:https?://|www\.)\S+", re.I), "[link]"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"\b[A-Za-z]{0,4}\d{5,}[A-Za-z]?\b"), "[number]"),
    (re.compile(r"\+?\d(?:[\s().-]?\d){6,}"), "[number]"),
)


def scrub(text):
    """Replace e-mail addresses, links, telephone numbers and identifiers in free text.

    Examples
    --------
    >>> scrub("Write to a.reader@example.org or ring 020 7946 0000, card B0012345")
    'Write to [e-mail] or ring [number], card [number]'
    """
    for pattern, word in _SCRUBBED:
        text = pattern.sub(word, text)
    return text


def suppress(counts, minimum=10, *, impossible=None):
    """Withhold counts below a minimum, and enough others that the margins cannot give them back.

    Every row and column total of a table is taken to be public, unless it is below `minimum` itself; such a
    total must not be shown. Cells below `minimum` are withheld
    first (primary suppression); then, while a withheld cell can be pinned to an interval narrower
    than `minimum` by linear programming over the margins, the smallest shown cell on its row or
    column is withheld too (complementary suppression); in the end rows and cells of these are shown
    again, largest first, where that gives nothing away. Method: Fischetti & Salazar (2000), by a greedy
    heuristic with their attacker's linear program as the audit.

    Parameters
    ----------
    counts : Series or DataFrame of int
        Counts of people; a Series is a table of one row.
    minimum : int
        The least count shown; at least 5.
    impossible : Series or DataFrame of bool, optional
        Cells that are 0 by definition, which everybody knows: shown, and no help in hiding others.

    Returns
    -------
    Series or DataFrame
        The same shape, floats, missing where withheld.

    Raises
    ------
    PrivacyError
        If `minimum` is below 5, or an impossible cell is not 0.

    Examples
    --------
    >>> suppress(pd.Series({"none": 400, "some": 25, "much": 3}), minimum=10)
    none    400.0
    some      NaN
    much      NaN
    dtype: float64
    """
    if minimum < 5:
        raise PrivacyError(f"A minimum count of {minimum} protects nobody; the least accepted is 5.")
    table = np.atleast_2d(np.asarray(counts, dtype=float))
    fixed = np.zeros(table.shape, dtype=bool) if impossible is None else np.atleast_2d(np.asarray(impossible))
    if table[fixed].any():
        raise PrivacyError("A cell that is called impossible holds people; correct the table or what is impossible in it.")
    hidden = (table < minimum) & ~fixed
    while (exposed := _exposed(table, hidden, minimum)) is not None:
        row, column = exposed
        cross = np.zeros_like(hidden)
        cross[row, :] = cross[:, column] = True
        candidates = np.argwhere(cross & ~hidden & ~fixed)
        if not len(candidates):
            candidates = np.argwhere(~hidden & ~fixed)
        if not len(candidates):
            break
        smallest = min(map(tuple, candidates), key=lambda cell: table[cell])
        hidden[smallest] = True
    spare = hidden & (table >= minimum)
    rows = [np.arange(len(table))[:, None] == row for row in np.argsort(-table.sum(axis=1))]
    cells = [np.arange(table.size).reshape(table.shape) == cell for cell in np.argsort(-table, axis=None)]
    for back in [*rows, *cells]:
        if (spare & hidden & back).any() and _exposed(table, hidden & ~(spare & back), minimum) is None:
            hidden = hidden & ~(spare & back)
    shown = np.where(hidden, np.nan, table)
    if isinstance(counts, pd.Series):
        return pd.Series(shown[0], index=counts.index, name=counts.name)
    return pd.DataFrame(shown, index=counts.index, columns=counts.columns)


def minus(words):
    """Words with a minus sign before negative numbers, in place of a hyphen.

    Examples
    --------
    >>> minus("from -4.3 to +4.3 since 2025-10-20")
    'from \u22124.3 to +4.3 since 2025-10-20'
    """
    return re.sub(r"(?<![\w.])-(?=\.?\d)", "\N{MINUS SIGN}", words)


def about(people):
    """A number of people as it may stand beside others: to the nearest ten, so that no difference tells a few.

    Examples
    --------
    >>> about(2278), about(3), about(0)
    ('about 2,280', 'fewer than 10', 'no')
    """
    if people < 10:
        return "fewer than 10" if people else "no"
    return f"about {round(people, -1):,}"


def _exposed(table, hidden, minimum):
    """The first withheld cell that the margins pin to fewer than `minimum` possible values."""
    cells = np.argwhere(hidden)
    if not len(cells):
        return None
    lines = [(cells[:, 0] == i, table[i]) for i in range(table.shape[0])]
    if table.shape[0] > 1:
        lines += [(cells[:, 1] == j, table[:, j]) for j in range(table.shape[1])]
    public = [(on, line) for on, line in lines if line.sum() >= minimum and on.any()]
    if not public:
        return None
    totals = [table[tuple(cells[on].T)].sum() for on, _ in public]
    lines = [on for on, _ in public]
    margins = np.array(lines, dtype=float)
    for at, cell in enumerate(cells):
        aim = np.zeros(len(cells))
        aim[at] = 1
        low, high = (linprog(sign * aim, A_eq=margins, b_eq=totals, method="highs") for sign in (1, -1))
        if high.status == 0 and -high.fun - low.fun < minimum - 1e-6:      # status 3: without limit
            return tuple(cell)
    return None


_DATA_IMAGE = re.compile(r"data:image/[\w.+-]+;base64,([A-Za-z0-9+/=\s]+)")
_BREACHES = (
    (re.compile(r"<script\b", re.I), "holds a script"),
    (re.compile(r"<[^>]+\son\w+\s*=", re.I), "holds an event handler"),
    (re.compile(r"(?:href|src|action)\s*=\s*['\"]?\s*(?:javascript|vbscript):", re.I), "holds a script link"),
    (re.compile(r"<(?:iframe|object|embed|form|base)\b", re.I), "embeds something from elsewhere"),
    (re.compile(r"<(?:img|source|video|audio|link)\b[^>]*\b(?:src|srcset|href)\s*=\s*['\"]?(?:https?:)?//", re.I),
     "loads something from elsewhere"),
    (re.compile(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", re.I), "loads a style from elsewhere"),
    (PSEUDONYM, "holds a person's pseudonym"),
    (re.compile(r"Traceback \(most recent call last\)"), "shows a traceback"),
    (re.compile(r"(?:/home/|/Users/|/root/|/tmp/|[A-Z]:\\Users\\)[\w.-]*"), "shows a path of a machine"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}"), "holds an e-mail address"),
)


def release_problems(html, forbidden=()):
    """What forbids handing a page over: one sentence a problem, none if it may go.

    Embedded images are decoded and read too.

    Parameters
    ----------
    html : str
        The whole page.
    forbidden : iterable of str
        Further strings that may not occur, such as a user name or a folder; they are not repeated
        in the sentences.

    Returns
    -------
    list of str

    Examples
    --------
    >>> release_problems("<p>Fine.</p>")
    []
    >>> release_problems("<p onclick='x()'>Not.</p>")
    ['The page holds an event handler.']
    """
    embedded = [base64.b64decode(found, validate=False).decode("latin-1")
                for found in _DATA_IMAGE.findall(html)]
    visible = _DATA_IMAGE.sub("", html)
    problems = []
    for pattern, what in _BREACHES:
        if pattern.search(visible):
            problems.append(f"The page {what}.")
        if any(image.lstrip().startswith("<") and pattern.search(image) for image in embedded):
            problems.append(f"An image on the page {what}.")
    if any(word and word in text for word in forbidden for text in [visible, *embedded]):
        problems.append("The page holds a word that this study forbids.")
    return problems
