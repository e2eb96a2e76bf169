"""How often verdicts were right on synthetic libraries of which the answers are known."""

from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("known.yml")


@cache
def known():
    """Verdicts, intervals and kinds of users on synthetic libraries, each claim planted to hold and planted not to.

    Returns
    -------
    dict
        seeds and libraries, how many; version, of the package; claims, by id and then by how it was planted ("holds",
        "fails"), and verdicts, over them all: how many were right, left open and wrong; intervals, by id: of how many 95%
        intervals, how many held the planted number; kinds, where they were planted ("planted") and where not ("none"): of
        how many libraries, in how many they were called natural, and the median agreement (adjusted Rand index).

    Examples
    --------
    >>> sorted(known()["claims"]["C05"]["holds"])
    ['open', 'right', 'wrong']
    """
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))
