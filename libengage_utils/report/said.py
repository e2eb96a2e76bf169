"""What words that a cell wrote, in sentences, lists and labels, tell of few people."""

import re
from math import ceil, floor

PEOPLE = ("people|persons?|readers?|students?|borrowers?|users?|respondents?|members?|patrons?|cardholders?|customers?|"
          "visitors?|undergraduates?|postgraduates?|candidates?|lecturers?|professors?|teachers?|researchers?|academics?|"
          "participants?|individuals?|women|men|children|adults")
WHOLE = r"\d{1,3}(?:,\d{3})+|\d+"
# Words that, between a number and people, say that the number is of something else, or is a difference.
_ELSE = ("(?:more|less|fewer|other|of|or|and|to|in|per|by|for|from|with|where|when|who|which|that|whom|until|as|at|on|"
         "is|are|was|were|seconds?|minutes?|hours?|days?|weeks?|months?|years?|terms?|times|points?|acts?|services?|modules?|"
         r"lists?|comments?|rows?|errands?|draws?|groups?)\b")
_SOME = rf"(?:(?!{_ELSE})[^\W\d_][\w'-]* ){{0,2}}(?:{PEOPLE})\b"    # "people", "law students", "first-year students"
_THE = r"(?:(?:the|these|those|its|our|all|about|some|only) )*"
_ALONE = r"(?<![\w.,+\N{MINUS SIGN}%-])"    # a number that no other sign belongs to
_FEW = [re.compile(words, re.I | re.M) for words in (
    rf"{_ALONE}(?<!\bthan )(?<!\bleast )(?<!\bin )(?<!\blevel )(?<!\byear )(\d+) {_SOME}",
    rf"\b(?:fewer|less) than (\d+) {_SOME}",
    rf"{_ALONE}(\d+) of (?:the|these|those|our|its) {_SOME}",
    r"\bn ?[=:] ?(\d+)(?![\d,.]*\d)")]
_LISTED = re.compile(r"^[ \t]*(?:[-*•+]|\d+[.)])[ \t]+\S.*[:=][ \t]*\**(\d+)\**[ \t]*$|['\"][ ]?:[ ]?(\d+)(?=[,}])", re.M)
_PART = (re.compile(rf"{_ALONE}(?P<part>{WHOLE}) (?:out )?of {_THE}(?P<whole>{WHOLE}) {_SOME}", re.I),
         re.compile(rf"\bof {_THE}(?P<whole>{WHOLE}) {_SOME},? {_THE}(?P<part>{WHOLE}) \w", re.I))
_PERCENT = r"(?<![\d.])(?P<share>\d+(?:\.\d+)?)%"
_SHARE = (re.compile(rf"\bof {_THE}(?P<whole>{WHOLE}) {_SOME}(?:(?!\. )[^%;]){{0,60}}?{_PERCENT}", re.I),
          re.compile(rf"{_PERCENT} of {_THE}(?P<whole>{WHOLE}) {_SOME}", re.I))
_ENDS_IN_NUMBER = r"^.*[^\W\d_][ ,;|:=]+\d[\d,.]*%?[ \t]*$"
_TABLE = re.compile(rf"\S {{2,}}\S.*\n.*\S {{2,}}\S|\S\t+\S.*\n.*\S\t+\S|{_ENDS_IN_NUMBER}\n{_ENDS_IN_NUMBER}|"
                    r"^ *\|?[ :]*-{2,}[ :]*\||<table", re.I | re.M)


def few_said(text, least):
    """Whether a text tells of a number of people below the minimum: outright, as what a part leaves, or as a share.

    Examples
    --------
    >>> few_said("Only 3 of the 40 readers came.", 10), few_said("Of 40 people, 2.5% came.", 10)
    (True, True)
    >>> few_said("400 of 410 readers came, fewer than 10 people in law.", 10)
    False
    """
    return (any(0 < int(number) < least for some in _FEW for number in some.findall(text))
            or any(part_tells_few(whole(found["part"]), whole(found["whole"]), least)
                   for some in _PART for found in some.finditer(text))
            or any(share_tells_few(found["share"], whole(found["whole"]), least)
                   for some in _SHARE for found in some.finditer(text)))


def few_listed(text, least):
    """Whether a list's item, or an entry of a mapping, ends in a whole number below the minimum, of whatever."""
    return any(0 < int(number) < least for found in _LISTED.findall(text) for number in found if number)


def table_as_text(text):
    """Whether a text has lines in columns, apart by spaces, tabs or bars, or lines that each end in a number."""
    return bool(_TABLE.search(text))


def part_tells_few(part, all_of_them, least):
    """Whether a part, or what it leaves, is somebody and fewer than the minimum."""
    return 0 < part < least or 0 < all_of_them - part < least


def share_tells_few(share, all_of_them, least):
    """Whether a share, in per cent as its digits show it, can only be of somebody and fewer than the minimum.

    Examples
    --------
    >>> share_tells_few("7.5", 40, 10), share_tells_few("92.5", 40, 10), share_tells_few("100", 40, 10)
    (True, True, False)
    """
    half = 0.5 / 10 ** len(share.partition(".")[2])
    low, high = (min(max((float(share) + side) / 100, 0), 1) * all_of_them for side in (-half, half))
    some = ((ceil(low - 1e-9), floor(high + 1e-9)), (ceil(all_of_them - high - 1e-9), floor(all_of_them - low + 1e-9)))
    return any(0 < first <= last < least for first, last in some)


def whole(words):
    """A whole number as written."""
    return int(words.replace(",", ""))
