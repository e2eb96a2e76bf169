"""The tables that headings fit, by the recipes and the schema, and what comes of reading the file so."""

from dataclasses import dataclass, field, replace
from functools import cache

from ...schema import TABLES
from ..intake import stage
from ..mapping import Mapping, looks_like_a_value, plain, quoted
from ..preparation import engine
from ..sources import StudyError, each_rule, read_recipe, recipe_names

ASK = "FILL IN"            # refused wherever study.yml may say an order of days, a decimal sign, an encoding, a time zone
WHEN = {"events": "occurred_at", "feedback": "given_at", "summaries": "last_seen", "staff_time": "on",
        "reading_list_use": "week", "contacts": "assigned_at"}
HARD = ("person", "date", "time", "integer", "number")     # kinds of column that no constant can stand for
_MOST, _SOME = 0.6, 0.4     # shares of a recipe's columns: enough, and enough where nothing else fits
_NO_COLUMN = ("leave_out", "combine", "each")
_PLAIN_WORDS = {           # what people call a column when no system does
    "person_key": "borrower, borrower number, patron, patron id, user, user id, reader, member, member number, card holder",
    "occurred_at": "date, time, when, date and time, timestamp", "given_at": "date, date given, submitted",
    "event_type": "action, activity, transaction, transaction type, type, what", "touchpoint": "service",
    "site": "branch, building, library, location", "outcome": "result",
    "group": "category, patron type, user group, member type",
    "school": "faculty, department", "eligible_from": "joined, registered, enrolled, date joined, start date",
    "eligible_to": "expires, expiry date, end date", "text": "comment, comments, remark, remarks", "rating": "score, stars",
    "minutes": "duration, duration in minutes"}
_NO_MOMENT = ("year", "month and year", "log time", "presence", "digest")


@dataclass(frozen=True)
class Trial:
    """What came of reading a file into a table: counts, days and reasons, no values but names of systems.

    Attributes
    ----------
    rows, kept, repeats : int
        Rows there are, that fit, and that repeat the key of an earlier one.
    left_out : dict of str to int
        Why the recipe leaves rows out, and how many.
    rejected : list of (str, str, int, int)
        Column, reason, rows, first line.
    first, last : date or None
        The days between which something was seen.
    since : date or None
        First day on which somebody on the roster was eligible.
    systems : list of (str, date, date, int)
        Of events by source: what it is called, the first and last day, rows with a person. The name is `ASK` where it is
        not one that the recipe gives or that several rows share.
    """

    rows: int
    kept: int
    repeats: int
    left_out: dict
    rejected: list
    first: object = None
    last: object = None
    since: object = None
    systems: list = field(default_factory=list)


@dataclass(frozen=True)
class Fit:
    """A table that a file can feed, by a recipe, by headings of the schema (no recipe), or by `columns` to be completed.

    `mapped` is column -> headings; `found` of `of` columns that the recipe or the file has are read. `dates` and `decimal`
    are what the values prove, `ASK` where they prove nothing, None where nothing depends on it.
    """

    table: str
    recipe: str
    mapped: dict
    found: int
    of: int
    columns: dict | None = None
    dates: str | None = None
    decimal: str | None = None
    order: tuple = (0, 0)
    why_decimal: str = ""
    trial: Trial | None = None

    @property
    def why_dates(self):
        """What the dates prove or do not: the most that their first and their second number come to."""
        return f"the first number goes up to {self.order[0]}, the second up to {self.order[1]}" if self.dates else ""


@cache
def recipes():
    """Every recipe there is, by name."""
    return {name: read_recipe(name) for name in recipe_names()}


@cache
def known():
    """Headings that mean something here, as `plain` makes them -> what they are read into: (table, column, as)."""
    found = {}
    for table in TABLES.values():
        for column in table.columns:
            for word in {column.heading, column.name}:
                found.setdefault(plain(word), []).append((table.name, column.name, ""))
    for column, said in _PLAIN_WORDS.items():
        for word in said.split(", "):
            found.setdefault(plain(word), []).append(("", column, ""))
    for table, column, rule in _rules():
        for part in rule.get("columns", []):
            alone = column and len(rule["columns"]) == 1 and not {"words", "when"} & set(rule) and rule.get("as") != "digest"
            for word in [part] if isinstance(part, str) else part:
                found.setdefault(plain(word), []).extend([(table, column, rule.get("as", ""))] if alone else [])
    found.pop("", None)
    return found


def fitting(source, headings, holds):
    """The tables that a file can feed as it is, and sentences on recipes that fit as well and were not taken."""
    own, fits, rivals = None, [], []
    for name, recipe in {None: {}, **recipes()}.items():
        if "headings" in recipe and list(recipe["headings"]) != list(headings):
            continue
        for table in TABLES if name is None else [table for table in TABLES if table in recipe]:
            fit = _fit(replace(source, table=table, recipe=recipe, recipe_name=name or ""), headings, holds)
            if fit and name is None and (own is None or (fit.found, fit.of) > (own.found, own.of)):
                own = fit
            elif fit and name and fit.found > min(fit.of - 1, 1):
                fits.append(fit)
    fits.sort(key=lambda fit: (-fit.found / fit.of, -fit.found, fit.recipe))
    fits = [fit for fit in fits if fit.found >= _SOME * fit.of]
    sure = {fit.recipe for fit in fits if fit.found >= _MOST * fit.of}
    fits = [fit for fit in fits if fit.recipe in sure] or [fit for fit in fits if fit.found > 2][:1]
    if (own and own.found >= 0.8 * len(headings)) or (own and not fits and own.found >= 0.5 * len(headings)):
        return [own], []
    taken = []
    for fit in fits:
        same = next((other for other in taken if _rivals(fit, other)), None)
        if same is None:
            taken.append(fit)
        elif (same.recipe, fit.recipe) not in rivals:
            rivals.append((same.recipe, fit.recipe))
    return sorted(taken, key=lambda fit: list(TABLES).index(fit.table)), [
        f"The recipe {other} fits too; {one} fits better or as well." for one, other in rivals]


def _rivals(one, other):
    """Whether two fits say the same of a file: for acts, whether they read a time of the same column."""
    time = WHEN["events"]
    return one.table == other.table and (one.table != "events" or bool({*one.mapped[time]} & {*other.mapped[time]}))


def _fit(source, headings, holds):
    """How a file feeds a table, or None where a required column has no heading."""
    each = {plain(word) for words in source.rules.get("each", {}).values() for word in words}
    parts = {"each name": [], "each value": [heading for heading in headings if plain(heading) in each]}
    if each and not parts["each value"]:
        return None
    try:
        cells = Mapping(source, TABLES[source.table], [*headings, *parts] if each else headings).cells
    except StudyError:
        return None
    named = [column for column, rule in source.rules.items() if column not in _NO_COLUMN
             and any(one.get("columns") for one in each_rule(rule))]
    mapped = {name: tuple(part for heading in cell.headings for part in parts.get(heading, [heading]))
              for name, cell in cells.items()}
    fit = Fit(source.table, source.recipe_name, mapped,
              sum(bool(cell.headings) for cell in cells.values()), len(named) if source.recipe else len(headings))
    return proven(fit, holds, {name: cell.how for name, cell in cells.items()})


def proven(fit, holds, how):
    """A fit with the order of days and months, and the decimal sign, that the values prove."""
    def read(*kinds):
        return holds.loc[[heading for column, headings in fit.mapped.items() for heading in headings
                          if TABLES[fit.table][column].kind in kinds and how.get(column, "") not in _NO_MOMENT
                          and heading in holds.index]]

    days, numbers = read("date", "time"), read("number")
    decimal, order = None, tuple(int(days[place].max()) if len(days) else 0 for place in ("first", "second"))
    commas, sure, points = (int(numbers[name].sum()) for name in ("commas", "sure", "points"))
    if commas:
        decimal = "comma" if sure and not points else ASK
    why = f"{commas:,} numbers have a comma, {points:,} a point"
    return replace(fit, dates=_proved(order), decimal=decimal, order=order, why_decimal=why if decimal else "")


def of_one_order(fits):
    """Fits of one file, which has one order of days and months: what proves it for one proves it for all."""
    order = tuple(max((fit.order[place] for fit in fits), default=0) for place in (0, 1))
    return [replace(fit, dates=_proved(order), order=order) if fit.dates else fit for fit in fits]


def _proved(order):
    first, second = order
    if not first:
        return None
    return "day first" if first > 12 >= second else "month first" if second > 12 >= first else ASK


def try_out(source, fit, work):
    """Read the file as a fit says: a `Trial`, the sentence that refuses it, or None where an answer is needed first."""
    if ASK in (fit.dates, fit.decimal, source.encoding):
        return None
    columns = fit.columns and _completed(fit.columns, fit.table)
    if fit.columns and not columns:
        return None
    recipe = {fit.table: columns} if columns else recipes().get(fit.recipe, {})
    source = replace(source, table=fit.table, recipe=recipe, recipe_name=fit.recipe, dates=fit.dates, decimal=fit.decimal)
    with engine(work / "spill") as connection:
        connection.execute("SET VARIABLE salt = 'trial'")
        try:
            found = stage(connection, source, "UTC", work)
        except StudyError as problem:
            return str(problem)
        one = lambda sql: connection.execute(f"SELECT {sql} FROM staged_{fit.table} WHERE problem IS NULL").fetchone()  # noqa: E731
        kept, keys = one(f"count(*), count(DISTINCT ({', '.join(map(quoted, TABLES[fit.table].key))}))")
        when = WHEN.get(fit.table)
        first, last = one(f"CAST(min({quoted(when)}) AS DATE), CAST(max({quoted(when)}) AS DATE)") if when else (None, None)
        since = one("min(eligible_from)")[0] if fit.table == "people" else None
        systems = connection.execute(
            "SELECT source, CAST(min(occurred_at) AS DATE), CAST(max(occurred_at) AS DATE), count(person_key), count(*) "
            "FROM staged_events WHERE problem IS NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 40").fetchall() if (
                fit.table == "events") else []
    given = not fit.mapped.get("source")
    reasons = found.rejected.groupby(["column", "reason"], dropna=False)["line"].agg(["size", "min"])
    return Trial(found.rows, kept, 0 if source.rules.get("combine") else kept - keys, found.left_out,
                 [(column if isinstance(column, str) else "", reason, int(size), int(line))
                  for (column, reason), (size, line) in reasons.iterrows()], first, last, since,
                 [(name if given or (rows >= 10 and not looks_like_a_value(name)) else ASK, begins, ends, people)
                  for name, begins, ends, people, rows in systems])


def _completed(columns, table):
    """Rules in which constants stand for what is left to be filled in, to try them; None where no constant can."""
    stand_ins = {}
    for name, rule in columns.items():
        column = TABLES[table][name]
        if rule == [ASK]:
            if column.kind in HARD or name in TABLES[table].key:
                return None
            stand_ins[name] = {"value": "true" if column.kind == "boolean" else column.allowed[0] if column.allowed else ASK}
    return {**columns, **stand_ins}


@cache
def _rules():
    """Every rule of every recipe, as (table, column, rule); the column is empty for headings that make a row each."""
    rules = []
    for recipe in recipes().values():
        for table in set(recipe) & set(TABLES):
            for column, rule in recipe[table].items():
                if column == "each":
                    rules += [(table, "", {"columns": [words]}) for words in rule.values()]
                elif column not in _NO_COLUMN:
                    rules += [(table, column, one) for one in each_rule(rule)]
    return tuple(rules)
