"""A session of a journal club on paper: a run notebook as sheets to read, fill in, cut apart and open afterwards."""

import re
from pathlib import Path

import nbformat
import numpy as np
from bs4 import BeautifulSoup
from markupsafe import Markup

from ..club import open_decisions
from .exporters import ReportExporter
from .pages import Page
from .release import export
from .running import ReportError

START, IDEAS = "00-start-here.ipynb", "Where the questions come from"   # where the ideas are attributed
BRIEF_WORDS, FIXED_WORDS = 830, 170          # words a brief may have, and those the template itself has of them
LEAST, MOST = 3, 5                           # minutes that a figure, a card or a question takes
# Minutes of each step in sessions of 15, 30 and 60 minutes, in the order of the session.
SESSIONS = {
    15: {"predict": 3, "vote": 2, "short": 2, "figures": 3, "claims": 3, "decide": 2},
    30: {"predict": 4, "vote": 3, "short": 3, "figures": 9, "claims": 4, "discuss": 4, "decide": 3},
    60: {"open": 3, "brief": 5, "predict": 5, "wall": 4, "vote": 4, "short": 3, "figures": 12, "claims": 6, "spot": 6,
         "discuss": 7, "decide": 5},
}
FIGURE_ASKS = ("What does it show, and what does it not?", "What would it look like if the claim were wrong?",
               "Whom or what is missing from it?", "What else could make it look like this?",
               "How wide are the intervals, and what would you not decide on them?")


def write_pack(notebook, out_html, *, study, log=None, parameters=None, progress=None):
    """Run a notebook on a study and write the sheets of a session on it, as one page to print, and its manifest.

    Parameters
    ----------
    notebook : str or Path
    out_html : str or Path
    study : Study
        See `report.export`; also its `events`, if it has any.
    log : DataFrame, optional
        What earlier sessions decided, as `study.decisions.read_decisions` gives it.
    parameters : dict, optional
        Handed to the notebook.
    progress : callable, optional
        See `run_notebook`.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    ReportError
        If the notebook cannot be run on this study or the sheets break a rule of release; nothing is written then.
    """
    still_open = () if log is None else open_decisions(log, study.as_of).to_dict("records")
    sheets = PackExporter(discussed_ideas(Path(notebook).parent), touchpoints_in_use(study), still_open)
    return export(notebook, out_html, study=study, parameters=parameters, progress=progress, editions={"": sheets})


class PackExporter(ReportExporter):
    """nbconvert exporter of the sheets of a session: no script, nothing from elsewhere, room to write.

    Parameters
    ----------
    ideas : Markup
        See `discussed_ideas`.
    touchpoints : sequence of str
        See `touchpoints_in_use`; without any there is no wall.
    still_open : sequence of dict
        Decisions of earlier sessions without an outcome: decided_on, action, owner, due and measure.

    References
    ----------
    Of the appraisal, whose questions are this collection's own: Hirschheim (2008); Baethge, Goldbeck-Wood & Mertens (2019);
    Pearson and others (2024). The sheet names them in full.
    """

    layout, sheets = "club.html.j2", ("page.css", "club.css")

    def __init__(self, ideas="", touchpoints=(), still_open=(), **keywords):
        super().__init__(code=False, **keywords)
        self.ideas, self.touchpoints, self.still_open = ideas, touchpoints, still_open

    def from_notebook_node(self, nb, resources=None, **keywords):
        if skipped := nb.metadata.get("libengage", {}).get("skipped"):
            raise ReportError(f"{skipped} Choose another notebook for the session.")
        resources = dict(resources or {})
        page = resources.get("page") or Page(nb, resources.get("name", "The notebook"))
        resources |= {"page": page, "pack": self._pack(page, resources["study"])}
        return super().from_notebook_node(nb, resources, **keywords)

    def _pack(self, page, study):
        """What the template shows besides the page itself."""
        spot = _section(page, "Spot what is wrong")
        pack = {
            "ideas": self.ideas, "touchpoints": self.touchpoints, "still_open": self.still_open,
            "predictions": predictions(page), "figures": _figures(page),
            "outside": _who_is_not_in_it(page), "misses": _missed_by_all(study),
            "rules": [card["rule"].split("; not supported if")[0].rstrip(".") + "." for card in page.claims],
            "spot": [block for block in spot if block["kind"] not in ("reveal", "code")],
            "repair": [part for block in spot if block["kind"] == "reveal" for part in block["blocks"]],
            "evidence": [block for block in _section(page, "Highs and lows") if block["kind"] == "figure"],
            "sessions": {minutes: run_sheet(page, minutes, wall=bool(self.touchpoints), still_open=bool(self.still_open))
                         for minutes in SESSIONS},
        }
        said = [page.lede, self.ideas, pack["outside"], *pack["misses"], *pack["rules"],
                *(f"{card['claim']} {card.get('reading', '')}" for card in page.claims)]
        room = BRIEF_WORDS - FIXED_WORDS - sum(len(Markup(words).striptags().split()) for words in said)
        return {**pack, "words": _as_many_as_fit(_definitions(page), room)}


def discussed_ideas(folder):
    """The paper's ideas, as the first notebook of a folder attributes them to the discussion.

    Parameters
    ----------
    folder : str or Path
        Of notebooks.

    Returns
    -------
    Markup
        Empty where there is no such notebook.
    """
    path = Path(folder) / START
    if not path.exists():
        return Markup()
    blocks = _section(Page(nbformat.read(path, as_version=4), START), IDEAS)
    return Markup("").join(block["html"] for block in blocks if block["kind"] == "prose")


def touchpoints_in_use(study):
    """Where a study's people meet the library, of places that enough of them used by their own act.

    Parameters
    ----------
    study : Study
        Its `tables`, `minimum_count`, and `events` if it has any.

    Returns
    -------
    list of str
        By the alphabet.
    """
    if "events" not in study.tables:
        return []
    used = study.events.filter("initiated_by = 'person'").aggregate("touchpoint, count(DISTINCT person_key) AS people")
    enough = used.filter(f"people >= {int(study.minimum_count)}").order("touchpoint")
    return [touchpoint for touchpoint, _ in enough.fetchall()]


def predictions(page):
    """What the notebook asks the room to predict.

    Parameters
    ----------
    page : Page

    Returns
    -------
    list of str
        The numbered list under "Predict", else the questions there, else the notebook's own.

    Examples
    --------
    >>> cells = [nbformat.v4.new_markdown_cell("# Who came?\\n\\n## Predict\\n\\n1. How many came?", id="a")]
    >>> [str(question) for question in predictions(Page(nbformat.v4.new_notebook(cells=cells)))]
    ['How many came?']
    """
    blocks = _section(page, "Predict")
    text = " ".join(block["html"].striptags() for block in blocks if block["kind"] == "prose")
    loose = [asked[0].upper() + asked[1:] for asked in re.findall(r"[^\s.!?:][^.!?:]*\?", text)]
    return _listed(blocks) or loose or [page.question]


def run_sheet(page, minutes, *, wall=False, still_open=False):
    """A session minute by minute, of what the notebook really has.

    Parameters
    ----------
    page : Page
    minutes : {15, 30, 60}
    wall, still_open : bool
        Whether there is a wall of highs and lows, and decisions to look back on.

    Returns
    -------
    list of dict
        ``start`` and ``end`` in minutes, what the room ``does``, and what to ``ask``.

    Examples
    --------
    >>> cells = [nbformat.v4.new_markdown_cell("# Who came?", id="a")]
    >>> [(row["start"], row["end"]) for row in run_sheet(Page(nbformat.v4.new_notebook(cells=cells)), 15)]
    [(0, 9), (9, 15)]
    """
    steps = _steps(page, wall, still_open)
    weights = {kind: min(weight, MOST * len(steps[kind])) for kind, weight in SESSIONS[minutes].items() if steps[kind]}
    sheet, start = [], 0
    for kind, given in zip(weights, share_out(minutes, list(weights.values())), strict=True):
        rows = sorted(steps[kind][:max(1, given // LEAST)])
        for (_, does, ask), length in zip(rows, share_out(given, [1] * len(rows)), strict=True):
            sheet.append({"start": start, "end": start + length, "does": does, "ask": ask})
            start += length
    return sheet


def share_out(total, weights):
    """Whole minutes in proportion to weights, by largest remainders, which add up to the total.

    Parameters
    ----------
    total : int
        Minutes.
    weights : list of float

    Returns
    -------
    list of int
        Minutes, one entry a weight.

    Examples
    --------
    >>> share_out(15, [4, 4, 2]), share_out(10, [1, 1, 1])
    ([6, 6, 3], [4, 3, 3])
    """
    exact = total * np.asarray(weights, dtype=float) / sum(weights)
    whole = np.floor(exact).astype(int)
    whole[np.argsort(whole - exact, kind="stable")[:total - whole.sum()]] += 1
    return whole.tolist()


def _steps(page, wall, still_open):
    """The rows that each step may have, the most wanted first: (place in the session, what the room does, what to ask)."""
    asked, figures = len(predictions(page)), _figures(page)
    questions = [Markup(question).striptags() for question in _listed(_section(page, "For discussion"))]
    wanted = _before_a_claim(page)
    return {
        "open": [(0, "Read aloud what is still open from earlier sessions", "What came of it? Write it under outcome.")
                 ] if still_open else [],
        "brief": [(0, "Read the brief, in silence", "What would you have to see to change your mind?")],
        "predict": [(0, f"Predict, on paper: {'one answer' if asked == 1 else f'{asked} answers'}, and how sure you are",
                     "Nobody needs to have read the paper, and nobody collects the sheets.")],
        "wall": [(0, "Mark the wall of highs and lows", "These are guesses: what are they based on?")] if wall else [],
        "vote": [(0, "Vote on the claims named below, by the fronts of their cards",
                  "How many hands for each verdict, and how sure is the room?")] if page.claims else [],
        "short": [(0, "Open the envelope and read In short aloud", "Who was furthest off, and what had made them sure?")
                  ] if page.summary else [],
        "figures": [(figure["number"], f"Figure {figure['number']}: {figure['title'] or figure['caption']}",
                     FIGURE_ASKS[(figure["number"] - 1) % len(FIGURE_ASKS)])
                    for figure in sorted(figures, key=lambda figure: figure["number"] not in wanted)],
        "claims": [(place, f"Turn the card of claim {card['id']}: \u201c{card['claim'].rstrip('.')}\u201d",
                    "Rule, estimate, interval, verdict: would you have set the rule elsewhere?")
                   for place, card in enumerate(page.claims)],
        "spot": [(0, "Spot what is wrong, in pairs, then open its repair", "Where do we read the same in our own reports?")
                 ] if _section(page, "Spot what is wrong") else [],
        "discuss": [(place, "Discuss", question) for place, question in enumerate(questions)],
        "decide": [(0, "Decide on one thing to try, and write it into the log",
                    "Which role does it, by when, and how shall we know?")],
    }


def _figures(page):
    return [block for _, block in page.blocks if block["kind"] == "figure"]


def _before_a_claim(page):
    """Numbers of the figures that stand last before a claim's card, in its section."""
    wanted, last, home = set(), None, None
    for section, block in page.blocks:
        last, home = (None, section) if section is not home else (last, home)
        if block["kind"] == "figure":
            last = block["number"]
        elif block["kind"] == "claim" and last:
            wanted.add(last)
    return wanted


def _section(page, title):
    """Blocks of the first section whose title begins so."""
    return next((section["blocks"] for section in page.sections if section["title"].startswith(title)), [])


def _prose(blocks):
    return [BeautifulSoup(block["html"], "html.parser") for block in blocks if block["kind"] == "prose"]


def _listed(blocks):
    """The items of the numbered lists in prose."""
    return [Markup(item.decode_contents()) for soup in _prose(blocks) for item in soup.select("ol > li")]


def _who_is_not_in_it(page):
    """The first paragraph that says whom the data leave out, without its heading."""
    for paragraph in (found for soup in _prose(_section(page, "The data")) for found in soup.find_all("p")):
        if paragraph.strong and paragraph.strong.get_text(strip=True).startswith("Who is not in it"):
            paragraph.strong.decompose()
            return Markup(re.sub(r"[^.]*:\s*</p>$", "</p>", str(paragraph)))
    return Markup()


def _missed_by_all(study):
    """Blind spots that every source which sees each person has."""
    spots = [set(filter(None, row["misses"].split("; "))) for row in study["coverage"] if row["sees"] == "each person"]
    return sorted(set.intersection(*spots)) if spots else []


def _definitions(page):
    """Sentences of the prose that say what a word in bold means; those with a number in them are left out."""
    found, blocks = [], [block for section in page.sections for block in section["blocks"]]
    for paragraph in (part for soup in _prose(blocks) for part in soup.find_all("p")):
        terms = "|".join(re.escape(" ".join(term.get_text().split())) for term in paragraph.find_all("strong"))
        defines = re.compile(rf"({terms}) (\([^)]*\) )?(is|are|means|asks|says)\b")
        sentences = re.split(r"(?<=[.!?]) (?=[A-Z\u201c(])", " ".join(paragraph.get_text().split()))
        found += [said for said in sentences if terms and defines.search(said) and not re.search(r"\d", said)]
    return list(dict.fromkeys(found))


def _as_many_as_fit(said, words):
    """The first of some sentences, which together have no more than so many words."""
    lengths = np.cumsum([len(sentence.split()) for sentence in said])
    return said[:int((lengths <= words).sum())]
