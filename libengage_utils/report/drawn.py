"""What a drawing tells of people: few of them in its words, single ones in its marks and lines."""

import re

from ..privacy.release import drawing
from .said import few_said
from .tabled import NOBODY

MARKS = 400     # in a figure, of all shapes: the densest of the demonstration has 317
CORNERS = 1_000 # of one line: three times those of its longest, three years of weeks there and back
TRACKS = 24     # lines of many corners: six times those of any figure of the demonstration
BENDS = 12      # corners that make a line more than a sign or a bar
_LABELLED = re.compile(r".*[^\W\d_]\w*\)?[ ]?[:=] ?(\d+)\Z", re.S)    # "law: 3"


def few_drawn(block, least):
    """Whether words on a drawing tell of a number of people below the minimum."""
    words = list(drawing(block["src"]).stripped_strings)
    labelled = [label for text in words if (label := _LABELLED.match(text)) and text not in block["not_people"]]
    return any(few_said(text, least) for text in words) or (
        block["rests_on"] != NOBODY and any(0 < int(label[1]) < least for label in labelled))


def in_pixels(block):
    """Whether a figure, or a part of it, is a photograph."""
    return block["src"].startswith("data:image/png") or bool(drawing(block["src"]).find("image"))


def single_people(block):
    """What shows single people: as many marks, lines or corners as there are people; each a sentence's end.

    Marks of all shapes count together, those on axes too. Where a figure declares how many people it counts, no more marks
    of one kind may be there. What is drawn once to be used again counts where it is used.
    """
    if in_pixels(block) and block["rests_on"] != NOBODY:
        yield "is drawn in pixels, which cannot be read: draw it as SVG"
    marks = [mark for mark in drawing(block["src"]).find_all(
        ["use", "circle", "ellipse", "rect", "line", "path", "polyline", "polygon", "text"]) if not mark.find_parent("defs")]
    kinds = {}
    for mark in marks:
        if mark.name != "text" or not re.search(r"\w\w|\d", mark.get_text()):    # a letter or a sign is a mark
            kind = mark.name, mark.get("xlink:href") or mark.get("href"), re.sub(r"[^A-Za-z]", "", mark.get("d", ""))
            kinds[kind] = kinds.get(kind, 0) + max(len(re.findall("[Mm]", mark.get("d", ""))), 1)
    counted = max((count["high"] for count in block["counts"] if count.get("high") and not count.get("share_of")),
                  default=MARKS)
    if (number := sum(kinds.values())) > MARKS:
        yield f"has {number:,} marks, as a mark for each person would make; {MARKS} are the most: bin them"
    elif (most := max(kinds.values(), default=0)) > counted:
        yield f"has {most:,} marks of one kind, more than the people whom it counts: bin them"
    corners = [_corners(mark) for mark in marks]
    if (longest := max(corners, default=0)) > CORNERS:
        yield f"has a line of {longest:,} corners, as a step for each person would make; {CORNERS:,} are the most: bin it"
    if (ways := sum(number > BENDS for number in corners)) > TRACKS and block["rests_on"] != NOBODY:
        yield f"has {ways} lines of many corners, as the way of each person would make; {TRACKS} are the most: sum them up"


def _corners(mark):
    """Corners of a path, or of a line given by its points."""
    return len(re.findall("[A-Za-y]", mark.get("d", ""))) or len(re.findall(r"-?[\d.]+", mark.get("points", ""))) // 2
