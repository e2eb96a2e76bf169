"""At the exit: what in the text of a page forbids handing it over."""

import base64
import re

from .door import PSEUDONYM

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
