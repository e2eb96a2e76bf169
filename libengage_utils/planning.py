"""From an opened study to the plan of a letter: who is quiet, the lot, the protocol and the list."""

import datetime as dt
import hashlib
from dataclasses import dataclass, field

import pandas as pd

from .claims import CLAIMS
from .effects.seen import unasked_returns
from .effects.sizes import enough_words, smallest_difference
from .letters.contact_list import contact_list, contacts_table
from .letters.lots import draw_lots
from .letters.protocol import Protocol, list_digest
from .letters.silence import Quiet, quiet_by_rule, silence
from .privacy import about

YEAR = dt.timedelta(days=365)
FRESH = 31  # days after the data end; later nobody can be said to be quiet
ASSUMED = 0.1  # share expected to come back unasked where the data cannot tell


@dataclass(frozen=True)
class Plan:
    """The plan of a letter, before anything is sent; made by `plan_letter`.

    Attributes
    ----------
    quiet : Quiet
        Who is to be written to by the rule, and why others are not.
    lots : DataFrame
        person_key, stratum, arm ("letter" or "holdout"), probability (of the letter).
    protocol : Protocol
        What is laid down.
    contacts : DataFrame
        Everybody in the lot, in the shape of the schema's contacts, each cell safe in a spreadsheet.
    letters : DataFrame
        person_id (a pseudonym) of those to write to.
    notes : tuple of str
        What to know before the letters go: of the day, of what is expected, of what the lot can show, and of the list.
    """

    quiet: Quiet = field(repr=False)
    lots: pd.DataFrame = field(repr=False)
    protocol: Protocol
    contacts: pd.DataFrame = field(repr=False)
    letters: pd.DataFrame = field(repr=False)
    notes: tuple = field(repr=False)

    @property
    def summary(self):
        """The plan in sentences."""
        return " ".join([self.quiet.summary, *self.notes])


def plan_letter(study, *, on, campaign, lapse_days=365, outcome_days=90, holdout=0.5, strata=("seen_before",), seed=None):
    """Plan a letter to the quiet: find them by rule, draw lots, and lay down how the letter will be judged.

    The share expected to come back unasked is that of those whom the rule would have found a year earlier, people written
    to before left aside. The rule of the verdict is that of claim C14.

    Parameters
    ----------
    study : Study
        As `open_study` gives it.
    on : date
        Day of the lot, on which it is asked who is quiet.
    campaign : str
        What to call the campaign.
    lapse_days : int
        Silent for at least so many expected days.
    outcome_days : int
        Window in which a return will count, in days after `on`.
    holdout : float
        Everybody's chance not to be written to.
    strata : sequence of str
        Draw evenly among these: seen_before, or columns of the roster.
    seed : int, optional
        Seed of the lot; by default made from the campaign and the day, so that nobody chooses it.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If the day lies before the data begin or too long after they end, the rule makes no sense, or an arm would be too
        small; the reason is in a sentence, with who is quiet where that is known.

    References
    ----------
    Gerber & Green (2012), Field Experiments: Design, Analysis, and Interpretation, ch. 2 to 4 and 13.

    Examples
    --------
    >>> import tempfile
    >>> from libengage_utils.demo import write_demo
    >>> from libengage_utils.study import open_study
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_demo(folder, people=300)
    ...     plan = plan_letter(open_study(folder), on="2026-06-01", campaign="summer", lapse_days=180)
    >>> plan.protocol.outcome
    "At least one act of the person's own on days 1 to 90 after the lot."
    >>> plan.protocol.problems(plan.contacts.rename(columns={"person_id": "person_key"}))
    []
    """
    on, people = pd.Timestamp(on).date(), study.people.df()
    notes = _notes_on_day(study, on)
    quiet = quiet_by_rule(silence(people, study.events, on=on, **_calendar(study)), people, on=on, lapse_days=lapse_days,
                          outcome_days=outcome_days, minimum_count=study.minimum_count)
    if seed is None:
        seed = int(hashlib.sha256(f"{campaign} {on}".encode()).hexdigest()[:8], 16)
    try:
        among = quiet.people[["person_key", "seen_before"]].merge(people, on="person_key")
        lots = draw_lots(among, share=1 - holdout, strata=strata, seed=seed)
        arms = _arms(lots, study.minimum_count)
    except ValueError as problem:
        raise ValueError(f"{quiet.summary} {_why_not(quiet)}{problem}") from None
    share, expected = _expected(study, people, on, lapse_days, outcome_days)
    claim = CLAIMS["C14"]
    least = claim.threshold / 100
    listed = contact_list(lots, people, minimum_count=study.minimum_count)
    protocol = Protocol(
        campaign_id=campaign, purpose="Learn by lot whether a letter changes how many quiet people are seen again.",
        who=f"Everybody eligible on {on} and for {outcome_days} days after it; silent until then for at least "
            f"{lapse_days} expected days (holidays and absences are not expected days; for people never seen they count "
            "from when they could first have been seen); not away on the day; covered by a source; with a working "
            "address; who has not asked not to be written to.",
        lapse_days=lapse_days, outcome=f"At least one act of the person's own on days 1 to {outcome_days} after the lot.",
        outcome_days=outcome_days, holdout_share=holdout, strata=tuple(strata), seed=seed, **arms,
        expected_share=round(share, 4), smallest_rise=round(smallest_difference(**arms, share=share), 4),
        smallest_rise_supported=round(smallest_difference(**arms, share=share, beyond=least), 4), rule=claim.rule,
        registered_on=on if study.synthetic else dt.date.today(), assigned_on=on, data_fingerprint=study.fingerprint,
        list_digest=list_digest(lots))
    enough = enough_words(len(lots), share, share + least, beyond=least, holdout=holdout)
    return Plan(quiet, lots, protocol, contacts_table(lots, campaign_id=campaign, assigned_on=on), listed.letters,
                (*notes, expected, enough, listed.summary))


def _notes_on_day(study, on):
    """What to know of a day; one before the data begin, or long after they end, is refused."""
    first = study.events.aggregate("min(occurred_at)").fetchall()[0][0].date()
    if on <= first:
        raise ValueError(f"The data begin on {first}: on {on} nobody can be said to be quiet. Take a later day.")
    if (on - study.as_of).days > FRESH:
        raise ValueError(f"The data end on {study.as_of}, {(on - study.as_of).days} days before {on}: people may have been "
                         f"seen since. Export newer data, or take a day at most {FRESH} days after they end.")
    notes = []
    if on > study.as_of + dt.timedelta(days=1):
        notes.append(f"The data end on {study.as_of}: who was seen between then and {on} is taken to be as quiet as before.")
    if on < dt.date.today() and not study.synthetic:
        notes.append(f"{on} is past: the protocol will say that the rule was laid down after that day.")
    return notes


def _calendar(study):
    """What tells on which days somebody is expected."""
    absences = study.get("absences")
    return {"holidays": study.holidays, "absences": None if absences is None else absences.df(), "coverage": study.coverage}


def _arms(lots, minimum_count):
    """People in each arm; an arm too small to be shown is refused."""
    arms = {arm: int((lots["arm"] == arm).sum()) for arm in ("letter", "holdout")}
    if min(arms.values()) < minimum_count:
        raise ValueError(f"An arm of the lot would hold fewer than {minimum_count} people, of whom nothing may be shown. "
                         "Take a shorter lapse, or more equal arms.")
    return arms


def _why_not(quiet):
    """Why others are not to be written to, in a sentence."""
    reasons = quiet.table[:-1]
    return "Not to be written to: " + "; ".join(
        f"{reason} ({'withheld' if pd.isna(people) else about(int(people))})"
        for reason, people in reasons.itertuples(index=False)) + ". " if len(reasons) else ""


def _expected(study, people, on, lapse_days, outcome_days):
    """Share of those the rule finds a year earlier who came back unasked, or 10% where that cannot be told; in words too."""
    try:
        back = unasked_returns(people, study.events, study.get("contacts"), on=on - YEAR, lapse_days=lapse_days,
                               days=outcome_days, **_calendar(study))["returned"]
    except ValueError:
        back = pd.Series(dtype=bool)
    if min(back.sum(), (~back).sum()) < study.minimum_count:
        return ASSUMED, f"The data do not tell how many come back unasked, or of too few people; {ASSUMED:.0%} is assumed."
    return float(back.mean()), (f"Of those the rule would have found a year earlier, {back.mean():.1%} came back unasked; "
                                "as many are expected to now.")
