"""Which campaign a page is about, on which day it began, and by which rule; or, before any letter, the day to plan for."""

from dataclasses import dataclass, field

import pandas as pd

LAPSE_DAYS, OUTCOME_DAYS = 365, 90  # where nothing was registered


@dataclass(frozen=True)
class Campaign:
    """A campaign of letters, or the plan of one; made by `chosen_campaign`.

    Attributes
    ----------
    name : str
        The campaign; empty where the study holds no letters.
    contacts : DataFrame
        Its rows of the study's contacts.
    day : Timestamp
        The day its lot was drawn; the day after the data end where there is none.
    lapse_days, outcome_days : int
        Its rule, as registered.
    registered_on : Timestamp or None
        When the rule was written down.
    notes : tuple of str
        What a reader should know before anything is computed, in sentences.
    """

    name: str
    contacts: pd.DataFrame = field(repr=False)
    day: pd.Timestamp
    lapse_days: int
    outcome_days: int
    registered_on: pd.Timestamp | None
    notes: tuple

    @property
    def sent(self):
        """Keys of the people who were sent the letter (Series)."""
        return self.contacts.loc[self.contacts["sent_at"].notna(), "person_key"]

    @property
    def summary(self):
        """The day that is looked at, and the notes, in sentences."""
        what = ("the day of the draw" if self.contacts["arm"].nunique() > 1 else
                "the day of the letters" if self.name else "the day after the data end")
        return " ".join([f"What was known beforehand is looked at as it stood on {self.day.day} {self.day:%B %Y}, {what}.",
                         *self.notes])


def chosen_campaign(study, name=None, *, lapse_days=None, outcome_days=None):
    """The campaign asked for, or the latest.

    Parameters
    ----------
    study : Study
        As `open_study` gives it.
    name : str, optional
        Which campaign; by default that whose lot was drawn last.
    lapse_days, outcome_days : int, optional
        Numbers to take in place of those registered.

    Returns
    -------
    Campaign

    Raises
    ------
    ValueError
        If no contact is of the campaign.

    Examples
    --------
    >>> import tempfile
    >>> from libengage_utils.demo import write_demo
    >>> from libengage_utils.study import open_study
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_demo(folder, people=300)
    ...     campaign = chosen_campaign(open_study(folder))
    >>> campaign.name, campaign.lapse_days, campaign.outcome_days
    ('miss-you-2025', 365, 90)
    """
    contacts = study.get("contacts")
    columns = ["campaign_id", "person_key", "arm", "assigned_at", "sent_at"]
    contacts = pd.DataFrame(columns=columns) if contacts is None else contacts.df()
    drawn = contacts.groupby("campaign_id")["assigned_at"].min().sort_values(kind="stable")
    if name and name not in drawn.index:
        raise ValueError(f"No contact is of a campaign {name}; there are: {', '.join(drawn.index) or 'none'}.")
    name = name or (drawn.index[-1] if len(drawn) else "")
    rule = {}
    if name and study.get("campaigns") is not None:
        rule = study.get("campaigns").df().set_index("campaign_id").reindex([name]).iloc[0].dropna().to_dict()
    contacts = contacts[contacts["campaign_id"] == name]
    day = drawn[name].normalize() if name else pd.Timestamp(study.as_of) + pd.Timedelta(days=1)
    notes = {
        "This study holds no letters yet, so it can plan and not judge.": not name,
        "Nobody was held back by lot, so what the letter did cannot be told here.": name and contacts["arm"].nunique() < 2,
        f"Of {len(drawn)} campaigns this page is about {name}.": len(drawn) > 1,
        "This study names no holidays: every day counts as expected.": study.holidays.empty,
        "It names no absences, so that people on a placement look quiet.": study.get("absences") is None}
    return Campaign(name, contacts, day, int(lapse_days or rule.get("lapse_days", LAPSE_DAYS)),
                    int(outcome_days or rule.get("outcome_days", OUTCOME_DAYS)), rule.get("registered_on"),
                    tuple(words for words, holds in notes.items() if holds))
