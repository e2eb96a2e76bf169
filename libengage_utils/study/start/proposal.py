"""The study.yml proposed for files that were looked at, and what it is unsure of, in numbered sentences."""

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import yaml

from ...schema import TABLES
from ..mapping import looks_like_a_value, plain
from ..sources import each_rule
from .fitting import ASK, WHEN, recipes

_MOST_YEARS = 10


@dataclass(frozen=True)
class Proposal:
    """The text of a study.yml, and its doubts: (whether opening waits for an answer, sentence), numbered from 1 in it."""

    text: str
    doubts: tuple


def shown(words, most=60):
    """Words of a file, such as a heading, fit to be printed: on one line, without control characters, no longer than `most`.

    Examples
    --------
    >>> shown("Loan\\nDate \\x1b[2J")
    'Loan Date \N{REPLACEMENT CHARACTER}[2J'
    """
    words = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(str(words).split()))
    return words if len(words) <= most else words[:most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def propose(looks, folder, today=None):
    """Propose a study.yml.

    Parameters
    ----------
    looks : list of Look
    folder : Path
        Where study.yml will lie; files are named from there.
    today : date, optional

    Returns
    -------
    Proposal
    """
    draft = _Draft(Path(folder), today or dt.date.today())
    fits = {table: [(look, fit) for look in looks for fit in look.fits if fit.table == table] for table in TABLES}
    trials = [fit.trial for table in fits for _, fit in fits[table] if fit.trial]
    draft.about()
    draft.calendar(trials, bool(fits["events"]), sorted({shown(look.path.name) for table in WHEN for look, fit in fits[table]
                                                         if not fit.trial}))
    draft.sources(fits)
    draft.coverage(fits)
    for look in looks:
        if not look.fits:
            draft.doubt(look.problem or f"{shown(look.path.name)} fits no table, so it is left out. If it holds one of the "
                        "tables in data/README.md, say its columns under sources.")
        for remark in look.remarks:
            draft.doubt(f"{shown(look.path.name)}: {remark}")
    names = ", ".join(shown(look.path.name) for look in looks)
    head = [fill(f"Proposed from {names}. Entries with a number are unsure, for the reason given here; the study does not "
                 "open before those that say ANSWER are answered. Delete these lines when all is settled.", 110,
                 initial_indent="# ", subsequent_indent="# "),
            *(fill(line, 110, initial_indent="# ", subsequent_indent="#     ") for line in numbered(draft.doubts))]
    return Proposal("\n".join([*head, "", *draft.lines, ""]), tuple(draft.doubts))


def numbered(doubts):
    """Doubts as numbered sentences; what must be answered says so."""
    return [f"{number:2}. {'ANSWER: ' if must else ''}{sentence}" for number, (must, sentence) in enumerate(doubts, 1)]


def about(look):
    """What is thought of a file, in lines: headings, counts and days, no value of a cell."""
    name = shown(look.path.name)
    if look.problem:
        return [look.problem if look.problem.startswith(name) else f"{name}: {look.problem}"]
    encoded = f", {look.why_encoding}" if look.why_encoding else ""
    separated = "Parquet" if look.separator == "Parquet" else f"separated by {look.separator}"
    lines = [f"{name}: {len(look.headings)} columns {separated}, {look.rows:,} rows{encoded}."]
    for fit in look.fits:
        by = f"the recipe {fit.recipe}" if fit.recipe else "headings that are near" if fit.columns else "its headings"
        of = f"{fit.of} columns that the recipe looks for" if fit.recipe else f"{fit.of} headings"
        lines.append(f"  It can feed {fit.table} by {by}: {fit.found} of {of} are read.")
        for entry, said, why in (("dates", fit.dates, fit.why_dates), ("decimal", fit.decimal, fit.why_decimal)):
            if said:
                lines.append(f"    {entry}: {'not proved' if said == ASK else f'{said}, proved'}; {why}.")
        lines += _tried(fit.trial) if fit.trial else ["    It can be tried once what is open is answered."]
    if not look.fits:
        lines.append("  It fits no table.")
    used = {plain(heading) for fit in look.fits for headings in fit.mapped.values() for heading in headings}
    unused = [shown(heading) for heading in look.headings if plain(heading) not in used]
    hidden = [heading for heading in unused if looks_like_a_value(heading)]
    told = [heading for heading in unused if heading not in hidden] + [f"{len(hidden)} that look like values"] * bool(hidden)
    return [*lines, *([f"  Not read: {', '.join(told)}."] if told else []), *(f"  {remark}" for remark in look.remarks)]


def _tried(trial):
    days = f", from {trial.first} to {trial.last}" if trial.first else ""
    lines = [f"    Tried: of {trial.rows:,} rows {trial.kept - trial.repeats:,} fit{days}."]
    lines += [f"    Left out: {rows:,}, each {reason}." for reason, rows in trial.left_out.items() if rows]
    lines += [f"    Rejected: {rows:,}, {column} {reason}, first in line {line:,}." if column else
              f"    Rejected: {rows:,}, {reason}, first in line {line:,}." for column, reason, rows, line in trial.rejected]
    return lines + ([f"    Rejected: {trial.repeats:,}, each repeats the key of an earlier row."] if trial.repeats else [])


class _Draft:
    """The lines of a study.yml as they are written, and the doubts they refer to."""

    def __init__(self, folder, today):
        self.folder, self.today, self.lines, self.doubts = folder, today, [], []

    def ask(self, sentence):
        """Note a question that opening waits for; give the comment that refers to it."""
        return self.doubt(sentence, must=True)

    def doubt(self, sentence, *, must=False):
        """Note a doubt; give the comment that refers to it."""
        if (must, sentence) not in self.doubts:
            self.doubts.append((must, sentence))
        return f"   # {self.doubts.index((must, sentence)) + 1}"

    def say(self, entry, value, comment="", depth=0):
        value = value if isinstance(value, str) and not value else _yaml(value)
        self.lines.append(f"{'  ' * depth}{entry}:{' ' * bool(value)}{value}{comment}")

    def about(self):
        """Name, purpose, retention, time zone and key."""
        self.say("name", self.folder.resolve().name)
        self.say("purpose", "", self.ask("purpose: say in one sentence what the study is for; it stands on every page."))
        self.say("retention", "", self.ask("retention: say the day after which the data may no longer be opened, such as "
                                           f"{self.today.year + 2}-08-31."))
        self.say("time_zone", ASK, self.ask("time_zone: say where the clocks of the systems stand, such as Europe/London."))
        self.say("minimum_count", 10)

    def calendar(self, trials, logged, unread):
        """The last day seen, the cycle of loans, and academic years."""
        days = [day for trial in trials for day in (trial.first, trial.last) if day]
        if not days:
            self.say("as_of", "", self.ask("as_of: say the day up to which the data are complete; none could be read yet."))
        else:
            last = min(max(days), self.today)
            without = f" The days of {', '.join(unread)} could not be read yet." if unread else ""
            later = " Some rows have a later day than today; they will be rejected." if max(days) > self.today else ""
            self.say("as_of", last, self.doubt(f"as_of: {last} is the last day seen. If the data are complete up to another "
                                               f"day, say that.{without}{later}"))
        self.lines.append("calendar:")
        guessed = self.doubt("calendar: 28 loan days and 30 teaching weeks a year are usual in universities. Say your own.")
        self.say("loan_days", 28, guessed, 1)
        self.say("teaching_weeks", 30, guessed, 1)
        periods = _periods(trials, last, logged) if days else []
        if not periods:
            self.say("periods", [{"period": "2024/25", "from": ASK, "to": ASK}], self.ask(
                "periods: say at least one, such as an academic year, with its first and last day."), 1)
            return
        what = "academic years from September to August" if logged else "one period from the first to the last day"
        self.say("periods", "", self.doubt(f"periods: proposed are {what}. Say your own, in order and without overlap."
                                           f"{_left(trials, periods)}"), 1)
        self.lines += [f"    - {{period: {_yaml(name)}, from: {first}, to: {last}}}" for name, first, last in periods]

    def sources(self, fits):
        """Each table with its files."""
        self.lines.append("sources:")
        if not fits["people"]:
            self.say("people", "", self.ask("people: none of the files seems to be a roster. Export everybody who may use "
                                            "the library, seen or not, and name the file here."), 1)
        if not fits["events"] and not fits["summaries"]:
            self.say("events", "", self.ask("events: none of the files seems to be a log of acts. Name one here, or write "
                                            "`summaries` and a file with a row a cardholder."), 1)
        for table, found in fits.items():
            if not found:
                continue
            files = len({look.path for look, _ in found})
            comment = self.doubt(f"{table}: {files} files are read into it. See that no row stands in two of them."
                                 ) if files > 1 else ""
            self.lines.append(f"  {table}:{comment}")
            for look, fit in found:
                self.source(look, fit)

    def source(self, look, fit):
        """A file and how it is read."""
        name = shown(look.path.name)
        self.lines.append(f"    - file: {_yaml(_from(look.path, self.folder))}")
        if fit.recipe:
            found = f"{name}: the recipe {fit.recipe} finds {fit.found} of the {fit.of} columns of {fit.table} it looks for."
            self.say("recipe", fit.recipe, self.doubt(" ".join([found, *look.rivals, "See that it is of that system."]))
                     if fit.found < fit.of or look.rivals else "", 3)
        if look.encoding:
            self.say("encoding", look.encoding, self.ask(f"{name}: its encoding is {look.why_encoding}. Say which it is.")
                     if look.encoding == ASK else self.doubt(f"{name}: its encoding is {look.why_encoding}. See that names "
                                                             "of places with accents come out right."), 3)
        if fit.dates == ASK:
            self.say("dates", ASK, self.ask(f"{name}: its dates do not prove whether days or months come first ("
                                            f"{fit.why_dates}). Say `day first` or `month first`."), 3)
        elif fit.dates:
            self.say("dates", fit.dates, f"   # proved: {fit.why_dates}", 3)
        if fit.decimal == ASK:
            self.say("decimal", ASK, self.ask(f"{name}: its numbers do not prove that a comma is a decimal comma and parts "
                                              f"no thousands ({fit.why_decimal}). Say `comma` or `point`."), 3)
        elif fit.decimal:
            self.say("decimal", fit.decimal, f"   # proved: {fit.why_decimal}", 3)
        if fit.columns:
            self.columns(name, fit)

    def columns(self, name, fit):
        """Rules for the columns of a file that no recipe fits."""
        lacking = [column for column, rule in fit.columns.items() if rule == [ASK]]
        self.say("columns", "", self.doubt(f"{name}: no recipe fits it. By headings that are near it seems to feed "
                                           f"{fit.table}; see that each is the right one."), 3)
        for column in TABLES[fit.table].columns:
            rule = fit.columns.get(column.name)
            if column.name in lacking:
                self.say(column.name, rule, self.ask(
                    f"{name}, {column.name} ({column.meaning}): no heading is near. Name one; or, where it is the same in "
                    "all rows, write {value: ...} in place of the brackets."), 4)
            elif rule:
                self.say(column.name, rule, f"   # {column.meaning}", 4)
            else:
                self.lines.append(f"        # {column.name}: [{ASK}]   {column.meaning}")

    def coverage(self, fits):
        """Each system that records acts, with its days and whether persons are there."""
        self.lines.append("coverage:")
        spots = self.doubt("coverage: whom can each system not see? Say it under blind_spots, as `column=value` of the "
                           "roster or in words; and correct the days from which and to which it was on.")
        systems = {}
        for name, first, last, people in _systems(fits):
            known = systems.setdefault(name, [first, last, 0])
            systems[name] = [min(filter(None, (known[0], first)), default=None),
                             max(filter(None, (known[1], last)), default=None), known[2] + people]
        for name, (first, last, people) in (systems or {ASK: (None, None, 0)}).items():
            unnamed = self.ask("coverage: a system has no name that can be told here. Say what the column source calls it, "
                               "and whom it identifies: person, group or none.") if name == ASK else ""
            undated = self.ask("coverage: say the first and last day of each system whose days could not be read yet."
                               ) if not first else ""
            self.lines.append(f"  - source: {_yaml(name)}{unnamed}")
            self.say("from", first or "", undated, 2)
            self.say("to", min(last, self.today) if last else "", undated, 2)
            self.say("identity", ASK if unnamed else "person" if people else "none", unnamed, 2)
            self.say("blind_spots", "", spots, 2)


def _systems(fits):
    """Name, first and last day, and rows with a person, of what records acts or counts them."""
    for table in ("events", "summaries"):
        for look, fit in fits[table]:
            if table == "events" and fit.trial and fit.trial.systems:
                yield from fit.trial.systems
            elif table == "events":
                rule = (fit.columns or recipes().get(fit.recipe, {}).get(table, {})).get("source", [])
                yield (next((one["value"] for one in each_rule(rule) if "value" in one), ASK), None, None,
                       int("person_key" in fit.mapped))
            else:
                yield (f"the system behind {shown(look.path.name)}", fit.trial and fit.trial.first,
                       fit.trial and fit.trial.last, 1)


def _periods(trials, last, logged):
    """Academic years from the first to the last day, the latest ones; one period where there is no log."""
    firsts = [trial.first for trial in trials if trial.first]
    if not logged:
        first = min([*firsts, *(trial.since for trial in trials if trial.since)])
        return [(f"{first.year} to {last.year}", first, last)]
    begin, end = (day.year - (day.month < 9) for day in (min(firsts), last))
    return [(f"{year}/{(year + 1) % 100:02}", dt.date(year, 9, 1), dt.date(year + 1, 8, 31))
            for year in range(max(begin, end - _MOST_YEARS + 1), end + 1)]


def _left(trials, periods):
    first = min(trial.first for trial in trials if trial.first)
    return f" The first day seen is {first}, before the first of them." if first < periods[0][1] else ""


def _from(path, folder):
    """A file as it is named from the folder of study.yml."""
    try:
        return Path(os.path.relpath(Path(path).resolve(), Path(folder).resolve())).as_posix()
    except ValueError:                      # on another drive
        return Path(path).resolve().as_posix()


def _yaml(value):
    """A value in YAML, on one line."""
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6, sort_keys=False).removesuffix(
        "\n").removesuffix("\n...")
