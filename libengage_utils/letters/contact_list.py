"""What leaves a lot: the contacts to keep, and the list to write to, safe to open in a spreadsheet."""

import re
import unicodedata
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..privacy import about
from ..schema import TABLES

_LEADING = re.compile("[\\s\0-\x1f'\"`\u2018-\u201f\u200b-\u200f\ufeff]*")  # spaces, quotes, and what has no width


@dataclass(frozen=True)
class ContactList:
    """The list to write to; made by `contact_list`.

    Attributes
    ----------
    letters : DataFrame
        person_id (a pseudonym): one row a letter, and nothing else about anybody.
    left_out : Series of int
        People whose lot is a letter and who are not on the list, by reason; who has two reasons is counted at the
        first.
    """

    letters: pd.DataFrame = field(repr=False)
    left_out: pd.Series = field(repr=False)
    minimum_count: int = 10

    @property
    def summary(self):
        """How many are on the list, and how many are not and why."""
        number = lambda n: about(n) if n >= self.minimum_count else f"fewer than {self.minimum_count}"  # noqa: E731
        words = f"{number(len(self.letters)).capitalize()} people are on the list to write to."
        if len(self.left_out):
            words += " Drawn for a letter, and left out: " + "; ".join(
                f"{number(people)} ({reason})" for reason, people in self.left_out.items()) + ". They stay in their arm."
        return words


def contact_list(lots, people, *, minimum_count=10):
    """The people to write to: those whose lot is a letter, and who may be written to by the roster at hand.

    Whoever is left out keeps the place the lot gave: in the analysis people stay in their arm (intention to treat).

    Parameters
    ----------
    lots : DataFrame
        As made by `draw_lots`, or a study's contacts of one campaign.
    people : DataFrame
        The roster as it is when the letters go.
    minimum_count : int
        Fewest people that a number shown may rest on.

    Returns
    -------
    ContactList

    Raises
    ------
    ValueError
        If a person has two lots.

    Examples
    --------
    >>> lots = pd.DataFrame({"person_key": ["a", "b", "c"], "arm": ["letter", "letter", "holdout"]})
    >>> people = pd.DataFrame({"person_key": ["a", "b", "c"], "contactable": True, "contact_opt_out": [False, True, False]})
    >>> found = contact_list(lots, people)
    >>> found.letters["person_id"].tolist(), found.left_out.to_dict()
    (['a'], {'asked not to be written to': 1})
    """
    if twice := int(lots["person_key"].duplicated().sum()):
        raise ValueError(f"{twice:,} of {len(lots):,} lots are of a person who has one already: give those of one campaign.")
    drawn = lots.loc[lots["arm"] == "letter", ["person_key"]].sort_values("person_key")
    drawn = drawn.merge(people, on="person_key", how="left", indicator=True)
    noted = drawn.reindex(columns=["contact_opt_out", "contactable"])
    barred = {"no longer on the roster": drawn["_merge"] == "left_only",
              "asked not to be written to": noted["contact_opt_out"].eq(True).fillna(False),
              "no working address": noted["contactable"].eq(False).fillna(False)}
    reason = np.select([each.to_numpy(bool) for each in barred.values()], list(barred), "")
    letters = pd.DataFrame({"person_id": drawn.loc[reason == "", "person_key"].map(safe_cell)}).reset_index(drop=True)
    return ContactList(letters, pd.Series(reason[reason != ""]).value_counts().rename("people"), minimum_count)


def contacts_table(lots, *, campaign_id, assigned_on):
    """Everybody in a lot as the schema's table of contacts, before any letter has gone.

    Parameters
    ----------
    lots : DataFrame
        As made by `draw_lots`.
    campaign_id : str
        The campaign.
    assigned_on : date
        Day of the lot.

    Returns
    -------
    DataFrame
        The columns of the schema's contacts, headed as in a file, each cell safe in a spreadsheet.

    Examples
    --------
    >>> lots = pd.DataFrame({"person_key": ["a"], "stratum": "=1+1", "arm": "letter", "probability": 0.5})
    >>> contacts_table(lots, campaign_id="c", assigned_on="2026-09-01")[["person_id", "arm", "stratum", "assigned_at"]]
      person_id     arm stratum       assigned_at
    0         a  letter   '=1+1  2026-09-01 12:00
    """
    table = lots.assign(campaign_id=campaign_id, assigned_at=f"{assigned_on} 12:00", sent_at="", opted_out=False,
                        bounced=False)
    return pd.DataFrame({column.heading: table[column.name].map(safe_cell) for column in TABLES["contacts"].columns})


def safe_cell(value):
    r"""A cell that no spreadsheet takes for a formula: an apostrophe is put before text that begins like one.

    A formula begins with ``=``, ``+``, ``-`` or ``@``, in their wide forms too, perhaps after spaces or quotation
    marks; a tab or the end of a line at the beginning may hide one. Numbers and other text are left as they are.

    References
    ----------
    CWE-1236, Improper Neutralization of Formula Elements in a CSV File; OWASP, CSV Injection.

    Examples
    --------
    >>> [safe_cell(cell) for cell in ("=1+1", ' "@SUM(A1)', "\tx", "a-1", -1)]
    ["'=1+1", '\' "@SUM(A1)', "'\tx", 'a-1', -1]
    """
    if not isinstance(value, str):
        return value
    text = unicodedata.normalize("NFKC", value[_LEADING.match(value).end():])
    return "'" + value if value[:1] in tuple("\t\r\n") or text[:1] in tuple("=+-@\u2212") else value
