"""What is laid down before a campaign: whom, what for, by which lot, what will count, and how it will be judged."""

import datetime as dt
import hashlib
from dataclasses import asdict, dataclass, fields

import pandas as pd
import yaml

_WORDS = {str: "text", int: "a whole number", float: "a number", dt.date: "a day written YYYY-MM-DD", tuple: "a list"}


@dataclass(frozen=True)
class Protocol:
    """What is laid down before a campaign, so that nobody can choose it afterwards.

    Attributes
    ----------
    campaign_id, purpose : str
        The campaign, and what it is for.
    who : str
        Who is in the lot, in words.
    lapse_days : int
        Silent for at least so many expected days.
    outcome : str
        What will count as a return, in words.
    outcome_days : int
        Window in which it counts.
    holdout_share : float
        Everybody's chance not to be written to.
    strata : tuple of str
        Columns among whose values the lot was drawn evenly.
    seed : int
        Seed of the lot.
    letter, holdout : int
        People in each arm.
    expected_share : float
        Share expected to come back without a letter.
    smallest_rise, smallest_rise_supported : float
        Least rise of that share which arms of this size show with 80% power: to be a rise at all, and to be as large as
        the rule asks. Not a number where no rise is large enough.
    rule : str
        How the outcome will be judged.
    registered_on, assigned_on : date
        Day on which this was written, and day of the lot.
    data_fingerprint : str
        Keyed digest of the study's files.
    list_digest : str
        Of everybody and their arm, as `list_digest` makes it.
    """

    campaign_id: str
    purpose: str
    who: str
    lapse_days: int
    outcome: str
    outcome_days: int
    holdout_share: float
    strata: tuple
    seed: int
    letter: int
    holdout: int
    expected_share: float
    smallest_rise: float
    smallest_rise_supported: float
    rule: str
    registered_on: dt.date
    assigned_on: dt.date
    data_fingerprint: str
    list_digest: str

    def to_yaml(self):
        """The protocol as text to keep."""
        entries = {**asdict(self), "strata": list(self.strata)}
        return ("# Laid down before the letters went. It is kept as it is: another rule is another campaign.\n"
                + yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=110))

    @classmethod
    def from_yaml(cls, text):
        """The protocol that such a text holds.

        Raises
        ------
        ValueError
            If an entry is missing, is none of a protocol's, or is of another kind.
        """
        try:
            said = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}," if mark else ""
            raise ValueError(f"The protocol{where} is not readable YAML text.") from None
        if not isinstance(said, dict):
            raise ValueError("The protocol is empty or not a list of entries: take the file that was written with the lot.")
        kinds = {each.name: each.type for each in fields(cls)}
        if absent := [name for name in kinds if said.get(name) is None]:
            raise ValueError(f"The protocol does not say: {', '.join(absent)}. Take the file that was written with the lot.")
        if unknown := [str(name) for name in said if name not in kinds]:
            raise ValueError(f"The protocol has entries that mean nothing in one: {', '.join(unknown)}. Take them out.")
        return cls(**{name: _of_kind(name, said[name], kind) for name, kind in kinds.items()})

    def problems(self, contacts):
        """Where contacts differ from what was laid down.

        Parameters
        ----------
        contacts : DataFrame
            The schema's contacts.

        Returns
        -------
        list of str
            A sentence each; none if they are as laid down.
        """
        contacts = contacts[contacts["campaign_id"] == self.campaign_id]
        if not len(contacts):
            return [f"The contacts hold nobody of the campaign {self.campaign_id}."]
        found = []
        for arm, registered in (("letter", self.letter), ("holdout", self.holdout)):
            if (there := int((contacts["arm"] == arm).sum())) != registered:
                found.append(f"The arm \u201c{arm}\u201d holds {'fewer' if there < registered else 'more'} people than the "
                             "protocol lays down.")
        if list_digest(contacts) != self.list_digest:
            found.append("People and arms are not those of the lot: somebody was added, left out or moved, asked since not "
                         "to be analysed, or has another pseudonym because the key changed.")
        if (contacts["probability"] - (1 - self.holdout_share)).abs().max() > 1e-9 or contacts["probability"].isna().any():
            found.append(f"The chance of the letter is not {1 - self.holdout_share:g} for everybody, as laid down.")
        assigned = pd.to_datetime(contacts["assigned_at"]).dt.date
        if (assigned != self.assigned_on).any():
            found.append(f"The contacts give {assigned.min()} as the first day of the lot, the protocol {self.assigned_on}.")
        if (first := min(assigned.min(), self.assigned_on)) < self.registered_on:
            found.append(f"The lot was drawn on {first}, before the rule was laid down on {self.registered_on}.")
        return found


def list_digest(lots):
    """A digest of everybody in a lot and their arm: it shows later that nobody was moved, and tells of nobody.

    It is the SHA-256 of the lines "person_key,arm", sorted, each ended by a line feed.

    Parameters
    ----------
    lots : DataFrame
        Columns person_key and arm, in any order of rows.

    Returns
    -------
    str
        64 hexadecimal digits.

    References
    ----------
    NIST (2015), FIPS 180-4, Secure Hash Standard.

    Examples
    --------
    >>> list_digest(pd.DataFrame({"person_key": ["b", "a"], "arm": ["letter", "holdout"]}))[:16]
    '00c45611a146dd82'
    """
    lines = sorted(lots["person_key"].astype(str) + "," + lots["arm"].astype(str) + "\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _of_kind(name, value, kind):
    """An entry as its kind, or a sentence."""
    taken = {float: (int, float), tuple: list}.get(kind, kind)
    if not isinstance(value, taken) or isinstance(value, bool | dt.datetime):
        raise ValueError(f"The protocol gives {value!r} as {name}, which has to be {_WORDS[kind]}.")
    return kind(value) if kind in (float, tuple) else value
