"""Keyed pseudonyms and scrubbing at the door; withheld small numbers and a release check at the exit."""

from .dominance import dominated, uniform_groups
from .door import PSEUDONYM, PrivacyError, Pseudonymiser, scrub
from .linked import Count, counts_shown, exposed, shares_shown
from .release import release_problems
from .suppression import LEAST, suppress, suppress_together
from .words import about, minus

__all__ = ["LEAST", "PSEUDONYM", "Count", "PrivacyError", "Pseudonymiser", "about", "counts_shown", "dominated", "exposed",
           "minus", "release_problems", "scrub", "shares_shown", "suppress", "suppress_together", "uniform_groups"]
