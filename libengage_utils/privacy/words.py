"""Numbers as they may stand in sentences."""

import re


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
