"""Keyed pseudonyms and scrubbing at the door; withheld small numbers and a release check at the exit."""

from .door import PSEUDONYM, PrivacyError, Pseudonymiser, scrub
from .release import release_problems
from .suppression import suppress
from .words import about, minus

__all__ = ["PSEUDONYM", "PrivacyError", "Pseudonymiser", "about", "minus", "release_problems", "scrub", "suppress"]
