"""What a study's tables are: columns, types, units, allowed values and keys, in one place."""

from dataclasses import dataclass

KINDS = {
    "person": "an identifier of a person, replaced by a keyed pseudonym when a study is opened",
    "text": "text, kept as it is written",
    "category": "one of a few words",
    "date": "a calendar day, YYYY-MM-DD",
    "time": "a local date and time, YYYY-MM-DD HH:MM[:SS]",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Heading in the prepared table.
    kind : str
        One of `KINDS`.
    meaning : str
        What a value says, in a few words.
    required : bool
        Whether the heading must be present and every row must have a value.
    allowed : tuple of str
        The only values accepted; empty when any value is.
    minimum : float or None
        The least value accepted, for numbers.
    unit : str
        Unit of measurement, in words.
    default : str or bool or None
        Value taken where the file has no such heading or an empty cell.
    """

    name: str
    kind: str
    meaning: str
    required: bool = False
    allowed: tuple = ()
    minimum: float | None = None
    unit: str = ""
    default: object = None

    @property
    def heading(self):
        """The heading expected in a file: raw identifiers are called ``person_id``."""
        return "person_id" if self.kind == "person" else self.name


@dataclass(frozen=True)
class Table:
    """A table of a study: its columns, and the columns whose values may not repeat together."""

    name: str
    meaning: str
    key: tuple
    columns: tuple

    def __getitem__(self, name):
        return {column.name: column for column in self.columns}[name]

    @property
    def names(self):
        return [column.name for column in self.columns]

    @property
    def required(self):
        return [column.name for column in self.columns if column.required]


def _table(name, meaning, key, *columns):
    return Table(name, meaning, tuple(key.split()), columns)


_C = Column
_WHO = _C("person_key", "person", "whose act it was; empty when nobody was identified")

TABLES = {
    table.name: table
    for table in (
        _table(
            "people", "the roster: everybody eligible to use the library, seen or not", "person_key",
            _C("person_key", "person", "one person", required=True),
            _C("eligible_from", "date", "first day the person could use the library"),
            _C("eligible_to", "date", "last day the person could; empty while it lasts"),
            _C("group", "category", "kind of member, as the library names it"),
            _C("school", "category", "faculty, school or department"),
            _C("level", "category", "level of study, or age band"),
            _C("mode", "category", "mode of study: full-time, part-time, distance"),
            _C("home_site", "category", "the library or campus nearest to the person"),
            _C("contactable", "boolean", "whether the library has a working address", default=True),
            _C("contact_opt_out", "boolean", "asked not to be written to", default=False),
            _C("analytics_opt_out", "boolean", "asked not to be analysed; removed when a study is opened",
               default=False),
        ),
        _table(
            "events", "what happened, one row an act", "event_id",
            _C("event_id", "text", "identifies the row", required=True),
            _WHO,
            _C("occurred_at", "time", "when, in the study's time zone", required=True),
            _C("event_type", "category", "what was done", required=True),
            _C("channel", "category", "where it was done", allowed=("in person", "online", "phone")),
            _C("touchpoint", "category", "the service that was met", required=True),
            _C("site", "category", "library or campus, for acts in person"),
            _C("quantity", "number", "how many", minimum=0, default="1"),
            _C("outcome", "category", "how it ended", allowed=("ok", "failed", "waiting"), default="ok"),
            _C("minutes_waited", "number", "time waited", minimum=0, unit="minutes"),
            _C("initiated_by", "category", "who acted; only acts of a person count as engagement",
               allowed=("person", "staff", "system"), default="person"),
            _C("journey_id", "text", "the request or errand the act belongs to, where a system records it"),
            _C("service", "category", "the service the errand is for, as `workflows` names it"),
            _C("source", "category", "the system that recorded it", required=True),
        ),
        _table(
            "summaries", "one row a cardholder, for libraries that keep no log", "person_key",
            _C("person_key", "person", "one person", required=True),
            _C("first_seen", "date", "first use on record"),
            _C("last_seen", "date", "last use on record; empty when never used"),
            _C("total_events", "integer", "acts on record", required=True, minimum=0, unit="acts"),
            _C("renewals", "integer", "renewals on record, automatic ones perhaps among them", minimum=0,
               unit="renewals"),
        ),
        _table(
            "absences", "times in which somebody is not expected: a placement, a leave", "person_key from",
            _C("person_key", "person", "who is away", required=True),
            _C("from", "date", "first day away", required=True),
            _C("to", "date", "last day away; empty while it lasts"),
            _C("reason", "category", "why, in a word of the library's"),
        ),
        _table(
            "feedback", "what people said and how they rated it", "feedback_id",
            _C("feedback_id", "text", "identifies the row", required=True),
            _C("person_key", "person", "who said it; empty when anonymous"),
            _C("given_at", "time", "when", required=True),
            _C("instrument", "category", "the survey, form or box it came through", required=True),
            _C("touchpoint", "category", "the service it is about"),
            _C("journey_id", "text", "the errand it is about"),
            _C("question", "category", "what was asked, where the instrument asks several things"),
            _C("answer", "category", "the answer ticked"),
            _C("text", "text", "the comment"),
            _C("rating", "number", "the rating given"),
            _C("rating_min", "number", "the worst rating of the scale"),
            _C("rating_max", "number", "the best rating of the scale"),
            _C("solicited", "boolean", "asked for by the library, rather than volunteered", required=True),
        ),
        _table(
            "codes", "comments read by people, to check and set right what a machine reads", "feedback_id coder",
            _C("feedback_id", "text", "the comment", required=True),
            _C("coder", "category", "who read it: a letter, never a name", required=True),
            _C("code", "category", "the feeling expressed, in a word of the list", required=True),
            _C("weight", "number", "comments that the coded one stands for", minimum=0, unit="comments"),
        ),
        _table(
            "quotations", "comments that may be shown, each approved by somebody who read it", "feedback_id",
            _C("feedback_id", "text", "the comment", required=True),
            _C("quote", "text", "what may be shown of it", required=True),
            _C("consent", "boolean", "whether its writer agreed to be quoted", required=True),
            _C("approved_by", "category", "initials of whoever read it and found nothing that tells who wrote it"),
            _C("approved_on", "date", "when"),
        ),
        _table(
            "priorities", "what the library has declared that it will work on", "priority",
            _C("priority", "category", "the priority, as declared", required=True),
            _C("order", "integer", "its place, 1 the first", required=True, minimum=1),
            _C("words", "text", "words in which people would speak of it, separated by semicolons; an asterisk at the end "
               "stands for any ending", required=True),
        ),
        _table(
            "campaigns", "letters sent to groups of people", "campaign_id",
            _C("campaign_id", "text", "identifies the campaign", required=True),
            _C("purpose", "text", "what it was for", required=True),
            _C("lapse_days", "integer", "not seen for at least so long", minimum=1, unit="days"),
            _C("outcome_days", "integer", "window in which a return counts", required=True, minimum=1,
               unit="days"),
            _C("registered_on", "date", "when rule and outcome were written down"),
        ),
        _table(
            "contacts", "who was, and who by lot was not, written to", "campaign_id person_key",
            _C("campaign_id", "text", "the campaign", required=True),
            _C("person_key", "person", "the person", required=True),
            _C("arm", "category", "where the lot fell", required=True, allowed=("letter", "holdout")),
            _C("probability", "number", "chance of the letter", minimum=0),
            _C("stratum", "category", "group of people among whom the lot was drawn"),
            _C("assigned_at", "time", "when the lot was drawn", required=True),
            _C("sent_at", "time", "when the letter went; empty if it did not"),
            _C("opted_out", "boolean", "asked after it not to be written to", default=False),
            _C("bounced", "boolean", "the letter came back", default=False),
        ),
        _table(
            "staff_time", "where staff time went, without naming staff", "activity_id",
            _C("activity_id", "text", "identifies the row", required=True),
            _C("on", "date", "the day", required=True),
            _C("service", "category", "the service it went to", required=True),
            _C("minutes", "number", "time spent", required=True, minimum=0, unit="minutes"),
            _C("attendees", "integer", "people present, for a group", minimum=0, unit="people"),
            _C("event_type", "category", "the act of a person it answers"),
            _C("group", "category", "kind of member served, where the log says so"),
        ),
        _table(
            "reading_lists", "lists of reading for a module and a term", "list_id",
            _C("list_id", "text", "identifies the list", required=True),
            _C("module", "category", "the module", required=True),
            _C("term", "category", "the term", required=True),
            _C("students", "integer", "students on the module", minimum=0, unit="students"),
            _C("participation", "category", "how the list was made, from told to user-led",
               allowed=("informed", "consulted", "involved", "partnered", "user-led")),
            _C("published_on", "date", "first day it could be used"),
        ),
        _table(
            "reading_list_items", "what stands on the lists", "list_id item_id",
            _C("list_id", "text", "the list", required=True),
            _C("item_id", "text", "the item", required=True),
            _C("position", "integer", "place in the list", minimum=1),
            _C("importance", "category", "essential, recommended or further"),
            _C("has_note", "boolean", "whether a note tells why to read it"),
            _C("digitised", "boolean", "whether it can be read online"),
            _C("added_on", "date", "when it was added"),
        ),
        _table(
            "reading_list_use", "weekly use of a list, without persons", "list_id week",
            _C("list_id", "text", "the list", required=True),
            _C("week", "date", "the Monday", required=True),
            _C("opens", "integer", "times it was opened", required=True, minimum=0, unit="opens"),
        ),
        _table(
            "workflows", "the declared right way through a service", "service step",
            _C("service", "category", "the service", required=True),
            _C("step", "category", "the touchpoint", required=True),
            _C("order", "integer", "its place", required=True, minimum=1),
            _C("required", "boolean", "whether it must be taken", required=True),
            _C("repeatable", "boolean", "whether it may be taken several times in a row", default=False),
        ),
        _table(
            "forecasts", "uptake expected of a service, recorded before its launch", "service",
            _C("service", "category", "the service", required=True),
            _C("launched_on", "date", "first day of use", required=True),
            _C("expected_share", "number", "share of eligible people expected to have used it",
               minimum=0),
            _C("by_day", "integer", "days after launch the share refers to", minimum=1, unit="days"),
            _C("recorded_on", "date", "when the forecast was written down"),
        ),
    )
}

COVERAGE = _table(
    "coverage", "which people each source can see, and when", "source",
    _C("source", "category", "a system that records acts", required=True),
    _C("from", "date", "first day it covers", required=True),
    _C("to", "date", "last day it covers", required=True),
    _C("identity", "category", "whom a row of it can be tied to", required=True,
       allowed=("person", "group", "none")),
    _C("blind_spots", "text", "whom it cannot see, as `column=value` of the roster, or in words"),
)
