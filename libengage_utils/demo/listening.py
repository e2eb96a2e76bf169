"""What the library has declared that it will work on, and which comments may be quoted."""

import pandas as pd

from .seasons import LAST_DAY

EVERY = 12  # comments to one that somebody read with a view to quoting it
WITHOUT_CONSENT = 4  # of so many, the writer of one did not agree


def priorities(library):
    """The schema's table, from the priorities of `read_library`."""
    declared = library["priorities"]
    return pd.DataFrame({"priority": list(declared), "order": range(1, len(declared) + 1), "words": list(declared.values())})


def quotations(feedback, comments):
    """The schema's table: every twelfth English comment; every fourth of these without consent.

    Parameters
    ----------
    feedback : pandas.DataFrame
        The schema's table.
    comments : pandas.DataFrame
        What is true of each comment: feedback_id, language, ...
    """
    english = comments.loc[comments["language"] == "en", "feedback_id"].iloc[::EVERY]
    quotes = feedback.set_index("feedback_id").loc[english, "text"].rename("quote").reset_index()
    quotes["consent"] = quotes.index % WITHOUT_CONSENT != 0
    return quotes.assign(approved_by="demo", approved_on=str(LAST_DAY))
