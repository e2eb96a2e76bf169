"""A session of a journal club on paper: a run notebook as sheets to read, fill in, cut apart and open afterwards."""

import re
from pathlib import Path

import nbformat
import numpy as np
from bs4 import BeautifulSoup
from markupsafe import Markup

from ..claims import VERDICTS
from ..club import open_decisions
from .exporters import ReportExporter
from .pages import Page, first_sentence
from .release import export
from .running import ReportError
from .slides import Deck

START, DISCUSSED = "00-start-here.ipynb", "Where the questions come from"   # where the paper is spoken of
BRIEF_WORDS, FIXED_WORDS = 480, 125          # words a brief may have, and those the template itself has of them
LEAST, MOST = {"figures": 4, "discuss": 3}, 5    # minutes that a figure or a question takes
TURNED = {15: 1, 30: 2, 60: 2}               # claims that a session votes on, looks at and turns, by its minutes
# Minutes of each step in sessions of 15, 30 and 60 minutes, in the order of the session: In short answers all that is
# guessed, so it comes once nothing is left to guess.
SESSIONS = {
    15: {"predict": 3, "vote": 2, "figures": 3, "claims": 3, "short": 2, "decide": 2},
    30: {"predict": 4, "vote": 3, "figures": 8, "claims": 6, "short": 2, "discuss": 4, "decide": 3},
    60: {"open": 3, "brief": 4, "predict": 5, "wall": 3, "vote": 3, "figures": 12, "claims": 6, "evidence": 3, "spot": 6,
         "short": 3, "discuss": 7, "decide": 5},
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
    sheets = PackExporter(about_the_paper(Path(notebook).parent), touchpoints_in_use(study), still_open)
    return export(notebook, out_html, study=study, parameters=parameters, progress=progress, editions={"": sheets})


class PackExporter(ReportExporter):
    """nbconvert exporter of the sheets of a session: no script, nothing from elsewhere, room to write.

    Parameters
    ----------
    paper : Markup
        See `about_the_paper`.
    touchpoints : sequence of str
        See `touchpoints_in_use`; the wall has those of which the page shows how people feel there.
    still_open : sequence of dict
        Decisions of earlier sessions without an outcome: decided_on, action, owner, due and measure.

    References
    ----------
    Of the appraisal, whose questions are this collection's own: Hirschheim (2008); Baethge, Goldbeck-Wood & Mertens (2019);
    Pearson and others (2024). The sheet names them in full.
    """

    layout, sheets = "club.html.j2", ("page.css", "club.css")

    def __init__(self, paper="", touchpoints=(), still_open=(), **keywords):
        super().__init__(**keywords)
        self.paper, self.touchpoints, self.still_open = paper, touchpoints, still_open

    def besides(self, page, nb, resources):
        about, study, stem = nb.metadata.get("libengage", {}), resources["study"], Path(resources["name"]).stem
        if skipped := about.get("skipped"):
            raise ReportError(f"{skipped} Choose another notebook for the session.")
        first = about.get("session", [])
        spot, evidence = _section(page, "Spot what is wrong"), _figures(page, "Highs and lows")
        places = [name for name in self.touchpoints if any(_shows(figure, name) for figure in evidence)]
        evidence = evidence if len(places) > 1 else []
        cards, slides = _ahead(page.claims, "id", first), Deck(page, study, stem).slides
        slides = {slide.body["number"]: at for at, slide in enumerate(slides, 1) if slide.kind == "figure"}
        return {"pack": {
            "stem": stem, "still_open": self.still_open, "cards": cards, "brief": _brief(page, study, self.paper, cards),
            "predictions": _predictions(page), "figures": _figures(page), "places": places, "evidence": evidence,
            "spot": [block for block in spot if block["kind"] not in ("reveal", "code")],
            "repair": [part for block in spot if block["kind"] == "reveal" for part in block["blocks"]],
            "sessions": {minutes: run_sheet(page, minutes, first=first, slides=slides, evidence=evidence,
                                            still_open=bool(self.still_open)) for minutes in SESSIONS},
        }}


def about_the_paper(folder):
    """What the first notebook of a folder says of the paper, without the ideas it lists.

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
    said = _paragraphs(_section(Page(nbformat.read(path, as_version=4), START), DISCUSSED))
    return _without_lead(said[0]) if said else Markup()


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


def run_sheet(page, minutes, *, first=(), slides=None, evidence=(), still_open=False):
    """A session minute by minute, of what the notebook really has.

    Parameters
    ----------
    page : Page
    minutes : {15, 30, 60}
    first : sequence of str
        Claims to turn before any other, by their number; the others follow as the page has them.
    slides : dict of int to int, optional
        On which slide a figure is.
    evidence : sequence of dict
        The figures that answer the wall of highs and lows; without any there is no wall.
    still_open : bool
        Whether there are decisions to look back on.

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
    steps = _steps(page, _ahead(page.claims, "id", first)[:TURNED[minutes]], slides or {}, evidence, still_open)
    weights = {kind: min(weight, MOST * len(steps[kind])) for kind, weight in SESSIONS[minutes].items() if steps[kind]}
    sheet, start = [], 0
    for kind, given in zip(weights, _share_out(minutes, list(weights.values())), strict=True):
        rows = steps[kind][:max(1, given // LEAST.get(kind, 1))]
        for (does, ask), length in zip(rows, _share_out(given, [1] * len(rows)), strict=True):
            sheet.append({"start": start, "end": start + length, "does": does, "ask": ask})
            start += length
    return sheet


def _steps(page, cards, slides, evidence, still_open):
    """The rows that each step may have, the most wanted first: what the room does, what to ask."""
    def named(figure, words=""):
        slide = f" (slide {slides[figure['number']]})" if figure["number"] in slides else ""
        return f"Figure {figure['number']}{slide}{words}: {figure['title'] or figure['caption']}"

    asked, on = len(_predictions(page)), {}
    for card in cards:
        on.setdefault(_figure_behind(page, card), []).append(card["id"])
    figures = [figure for figure in _figures(page)
               if figure["number"] in on or not (figure in evidence or _tells_a_verdict(figure))]
    told = [figure["number"] for figure in figures if figure["title"] and figure["title"] in page.summary.striptags()]
    figures = _ahead(figures, "number", [*on, *told])
    questions = [Markup(question).striptags() for question in _listed(_section(page, "For discussion"))]
    voted = f"claim{'s' if len(cards) > 1 else ''} {' and '.join(card['id'] for card in cards)}"
    return {
        "open": [("Read aloud what is still open from earlier sessions", "What came of it? Write it under outcome.")
                 ] if still_open else [],
        "brief": [("Read the brief, in silence", "What would you have to see to change your mind?")],
        "predict": [(f"Predict, on paper: {'one answer' if asked == 1 else f'{asked} answers'}, and how sure you are",
                     "Nobody needs to have read the paper, and nobody collects the sheets.")],
        "wall": [("Mark the wall of highs and lows", "These are guesses: what are they based on?")] if evidence else [],
        "vote": [(f"Vote on {voted}, by the cards", "How many hands for each verdict, and how sure is the room?")
                 ] if cards else [],
        "figures": [(named(figure, f", on {' and '.join(on[figure['number']])}" if figure["number"] in on else ""),
                     FIGURE_ASKS[(figure["number"] - 1) % len(FIGURE_ASKS)]) for figure in figures],
        "claims": [(f"Turn the verdict on claim {card['id']}: \u201c{card['claim'].rstrip('.')}\u201d",
                    "Rule, estimate, interval, verdict: would you have set the rule elsewhere?") for card in cards],
        "evidence": [(f"The wall, and the evidence. {named(figure)}", "Where do the room and the evidence part?")
                     for figure in evidence[:1]],
        "spot": [("Spot what is wrong, in pairs, then open its repair", "Where do we read the same in our own reports?")
                 ] if _section(page, "Spot what is wrong") else [],
        "short": [("Read In short aloud", "Who was furthest off, and what had made them sure?")] if page.summary else [],
        "discuss": [("Discuss", question) for question in questions],
        "decide": [("Decide on one thing to try, and write it into the log",
                    "Which role does it, by when, and how shall we know?")],
    }


def _share_out(total, weights):
    """Whole minutes in proportion to weights, by largest remainders, which add up to the total."""
    exact = total * np.asarray(weights, dtype=float) / sum(weights)
    whole = np.floor(exact).astype(int)
    whole[np.argsort(whole - exact, kind="stable")[:total - whole.sum()]] += 1
    return whole.tolist()


def _predictions(page):
    """What to predict: the numbered list under "Predict", else the questions there, else the notebook's own."""
    blocks = _section(page, "Predict")
    text = " ".join(block["html"].striptags() for block in blocks if block["kind"] == "prose")
    loose = [asked[0].upper() + asked[1:] for asked in re.findall(r"[^\s.!?:][^.!?:]*\?", text)]
    return _listed(blocks) or loose or [page.question]


def _brief(page, study, paper, cards):
    """What the brief says: of claims, and then of definitions, as many as there is room for."""
    # Only the first paragraph of the lede: the one on how not to answer tells what is wrong with the analysis to spot.
    told = {"paper": paper, "asked": Markup(BeautifulSoup(page.lede, "html.parser").p or ""),
            "outside": _who_is_not_in_it(page), "misses": "; ".join(_missed_by_all(study)), "sees": {}}
    for row in study["coverage"]:
        told["sees"].setdefault(row["sees"], []).append(row["source"])
    room = BRIEF_WORDS - FIXED_WORDS - sum(len(Markup(said).striptags().split()) for said in told.values())
    claims = _as_many_as_fit([first_sentence(card.get("reading") or card["claim"]) for card in cards], room)
    words = _as_many_as_fit(_definitions(page), room - sum(len(line.split()) for line in claims))
    return told | {"words": words, "claims": list(zip(cards, claims, strict=False)), "left": len(cards) - len(claims)}


def _ahead(things, name, first):
    """Things in their order, but ahead of all others those whose name is among the first, in the order of these."""
    return sorted(things, key=lambda thing: first.index(thing[name]) if thing[name] in first else len(first))


def _figure_behind(page, card):
    """Number of the figure that a card is judged by: that of the same finding, else the nearest before it in its section."""
    number = home = None
    for section, block in page.blocks:
        number, home = number if section is home else None, section
        if block["kind"] == "figure" and not _tells_a_verdict(block):
            number = block["number"]
            if block["title"] and block["title"] in card["answer"]:
                return number
        elif block.get("card") is card:
            return number


def _tells_a_verdict(figure):
    """Whether a figure's finding is a verdict, which the card keeps until it is turned."""
    return any(f"\u201c{verdict}\u201d" in figure["title"] for verdict in VERDICTS)


def _figures(page, part=""):
    """The figures of sections whose title begins so."""
    return [block for section, block in page.blocks if block["kind"] == "figure" and section["title"].startswith(part)]


def _shows(figure, place):
    """Whether a figure's words give a number for a place."""
    return re.search(rf"[:;] {re.escape(place)} [+\N{{MINUS SIGN}}\d]", figure["alt"])


def _section(page, title):
    """Blocks of the first section whose title begins so."""
    return next((section["blocks"] for section in page.sections if section["title"].startswith(title)), [])


def _prose(blocks):
    return [BeautifulSoup(block["html"], "html.parser") for block in blocks if block["kind"] == "prose"]


def _listed(blocks):
    """The items of the numbered lists in prose."""
    return [Markup(item.decode_contents()) for soup in _prose(blocks) for item in soup.select("ol > li")]


def _paragraphs(blocks):
    return [paragraph for soup in _prose(blocks) for paragraph in soup.find_all("p")]


def _without_lead(paragraph):
    """A paragraph without the words that lead over to what follows it."""
    return Markup(re.sub(r"[^.]*:\s*</p>$", "</p>", str(paragraph)))


def _who_is_not_in_it(page):
    """The first paragraph that says whom the data leave out, without its heading."""
    for paragraph in _paragraphs(_section(page, "The data")):
        if paragraph.strong and paragraph.strong.get_text(strip=True).startswith("Who is not in it"):
            paragraph.strong.decompose()
            return _without_lead(paragraph)
    return Markup()


def _missed_by_all(study):
    """Blind spots that every source which sees each person has."""
    spots = [set(filter(None, row["misses"].split("; "))) for row in study["coverage"] if row["sees"] == "each person"]
    return sorted(set.intersection(*spots)) if spots else []


def _definitions(page):
    """Sentences of the prose that say what a word in bold means; those with a number in them are left out."""
    found, blocks = [], [block for section in page.sections for block in section["blocks"]]
    for paragraph in _paragraphs(blocks):
        terms = "|".join(re.escape(" ".join(term.get_text().split())) for term in paragraph.find_all("strong"))
        defines = re.compile(rf"({terms}) (\([^)]*\) )?(is|are|means|asks|says)\b")
        sentences = re.split(r"(?<=[.!?]) (?=[A-Z\u201c(])", " ".join(paragraph.get_text().split()))
        found += [said for said in sentences if terms and defines.search(said) and not re.search(r"\d", said)]
    return list(dict.fromkeys(found))


def _as_many_as_fit(said, words):
    """The first of some sentences, which together have no more than so many words."""
    lengths = np.cumsum([len(sentence.split()) for sentence in said])
    return said[:int((lengths <= words).sum())]
