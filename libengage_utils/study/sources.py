"""What study.yml says of its sources: which file or database feeds which table, by which recipe."""

import codecs
import difflib
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import yaml

from ..schema import TABLES

_RECIPES = resources.files("libengage_utils") / "recipes"
_OPTIONS = ("recipe", "columns", "dates", "decimal", "encoding")
_RULE = ("columns", "as", "words", "when", "value")
_TABLE = ("leave_out", "combine", "each")
AS = ("row number", "digest", "presence", "year", "month and year", "week", "log time", "seconds", "hours", "after colon")


class StudyError(ValueError):
    """A study cannot be opened; the message says where it is wrong and what to do."""


@dataclass(frozen=True)
class Source:
    """A file or a query that feeds one table, and how it is read.

    Attributes
    ----------
    table : str
        The table it feeds.
    path : Path or None
        The file; None for a database.
    recipe : dict
        What a recipe says of the system: ``missing``, ``delimiter``, ``headings``, and rules by table.
    recipe_name : str
        Its name, empty where headings are those of the schema or `columns` are given in study.yml.
    dates, decimal, encoding : str or None
        Order of days and months, decimal sign and encoding, where declared.
    database, query, relation : str or None
        SQLAlchemy address of a database, and the query or the table that is read.
    """

    table: str
    path: Path | None
    recipe: dict
    recipe_name: str = ""
    dates: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    database: str | None = None
    query: str | None = None
    relation: str | None = None

    @property
    def rules(self):
        """Column -> rule, for this source's table."""
        return self.recipe.get(self.table, {})

    @property
    def name(self):
        """What to call it in a sentence: no user, host or folder."""
        if self.path:
            return self.path.name
        place = re.sub("^[^/]*//[^/]*", "", self.database.partition("?")[0]).rpartition("/")[2] or "given"
        return f"{f'table {self.relation}' if self.relation else f'the query for {self.table}'} of the database {place}"


def nearest(word, known):
    return ", ".join(difflib.get_close_matches(str(word), known, n=3, cutoff=0.3) or known)


def recipe_names():
    """Names of the recipes there are."""
    return sorted(file.name.removesuffix(".yml") for file in _RECIPES.iterdir() if file.name.endswith(".yml"))


def read_recipe(name):
    """The recipe of that name; the empty recipe (headings as in the schema) for None.

    Raises
    ------
    StudyError
        If no recipe has that name; the message lists the nearest.

    Examples
    --------
    >>> sorted(read_recipe("sfpl-library-usage"))
    ['missing', 'people', 'summaries', 'system']
    """
    if name is None:
        return {}
    if name not in recipe_names():
        raise StudyError(f"There is no recipe called {name!r}. Nearest there are: {nearest(name, recipe_names())}.")
    recipe = yaml.safe_load((_RECIPES / f"{name}.yml").read_text(encoding="utf-8"))
    for table in set(recipe) & set(TABLES):
        check_rules(table, recipe[table], f"the recipe {name}")
    return recipe


def check_rules(table, rules, where):
    """Refuse rules that name a column, a word or a transformation there is not."""
    if not isinstance(rules, dict):
        raise StudyError(f"{where}: the columns of {table} must be a list of entries, such as `person_key: [User Id]`.")
    for said in rules.get("leave_out", []):
        if not isinstance(said, dict) or set(said) not in ({"when", "because"}, {"column", "like", "because"}):
            raise StudyError(f"{where}: what {table} leaves out needs exactly `column`, `like` and `because`, or `when` and "
                             "`because`.")
    for column, rule in rules.items():
        if column in _TABLE:
            continue
        if column not in TABLES[table].names:
            raise StudyError(f"{where}: the table {table} has no column {column!r}. Nearest there are: "
                             f"{nearest(column, TABLES[table].names)}.")
        if not isinstance(rule, dict | list):
            raise StudyError(f"{where}: the rule for {column} must be a list of headings or have: {', '.join(_RULE)}.")
        for one in each_rule(rule):
            if unknown := [word for word in one if word not in _RULE]:
                raise StudyError(f"{where}: the rule for {column} has {unknown[0]!r}; it may have: {', '.join(_RULE)}.")
            if one.get("as") is not None and one["as"] not in AS:
                raise StudyError(f"{where}: the rule for {column} says `as: {one['as']}`; it may be: {', '.join(AS)}.")


def each_rule(rule):
    """The rules of a column, of which the first holds that gives something; a list of headings alone is one rule."""
    if isinstance(rule, list) and any(isinstance(one, dict) for one in rule):
        return [one if isinstance(one, dict) else {"columns": [one]} for one in rule]
    return [{"columns": [rule]}] if isinstance(rule, list) else [rule]


def read_sources(said, folder, file):
    """The sources that study.yml names: a file, entries, or a list of these, for each table."""
    if not isinstance(said, dict):
        raise StudyError(f"{file}: sources must name tables and their files, such as `people: people.csv`.")
    sources = []
    for table, given in said.items():
        if table not in TABLES:
            raise StudyError(f"{file}: sources, there is no table {table!r}. Nearest there are: "
                             f"{nearest(table, list(TABLES))}.")
        sources += [_source(table, one, folder, file) for one in (given if isinstance(given, list) else [given])]
    tables = {source.table for source in sources}
    if "people" not in tables or not tables & {"events", "summaries"}:
        raise StudyError(f"{file}: sources must name people (the roster) and events or summaries; "
                         "without the roster nobody unseen can be seen.")
    return tuple(sources)


def _source(table, said, folder, file):
    said = {"file": said} if isinstance(said, str) else said
    if not isinstance(said, dict) or ("file" in said) == ("database" in said):
        raise StudyError(f"{file}: the source of {table} needs a file (or a database, with a query or a table), and may "
                         f"have: {', '.join(_OPTIONS)}.")
    place = ("file",) if "file" in said else ("database", "query", "table")
    if unknown := [entry for entry in said if entry not in (*place, *_OPTIONS)]:
        raise StudyError(f"{file}: the source of {table} has {unknown[0]!r}, which means nothing there. It may have: "
                         f"{', '.join((*place, *_OPTIONS))}.")
    if "database" in said and ("query" in said) == ("table" in said):
        raise StudyError(f"{file}: the database of {table} needs a query or a table, and not both.")
    for entry, words in (("dates", ("day first", "month first")), ("decimal", ("comma", "point"))):
        if said.get(entry) not in (None, *words):
            raise StudyError(f"{file}: the source of {table}, {entry} is {said[entry]!r}; it must be "
                             f"{' or '.join(f'`{word}`' for word in words)}, or left out.")
    if said.get("encoding") is not None:
        try:
            codecs.lookup(said["encoding"])
        except (LookupError, TypeError):
            raise StudyError(f"{file}: the source of {table}, there is no encoding {said['encoding']!r}. Usual ones are "
                             "utf-8, utf-16, cp1252, latin-1.") from None
    recipe = read_recipe(said.get("recipe"))
    if recipe and table not in recipe:
        raise StudyError(f"{file}: the recipe {said['recipe']!r} does not give the table {table}; it gives: "
                         f"{', '.join(t for t in recipe if t in TABLES)}.")
    if "columns" in said:
        check_rules(table, said["columns"], f"{file}, the source of {table}")
        recipe = {**recipe, table: {**recipe.get(table, {}), **said["columns"]}}     # beside a recipe they take precedence
    return Source(table, folder / said["file"] if "file" in said else None, recipe, said.get("recipe") or "",
                  said.get("dates"), said.get("decimal"), said.get("encoding"), said.get("database"), said.get("query"),
                  said.get("table"))
