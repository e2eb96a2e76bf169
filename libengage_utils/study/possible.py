"""What each notebook can and cannot do with the tables of a study, from the tags of its cells."""

import json
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from ..schema import TABLES


@dataclass(frozen=True)
class Possible:
    """What a notebook can do with a study.

    Attributes
    ----------
    name : str
        The notebook's file name without its ending.
    lacking : tuple of str
        Tables without which it is not run at all.
    can : tuple of str
        Titles of its sections that can be done.
    partly, cannot : dict of tuple of str to list of str
        Tables that are lacking -> titles of the sections that can be done in part, or not at all, without them.
    claims : dict of str to tuple of str
        Claim -> tables that are lacking to judge it; none where it can be judged.
    """

    name: str
    lacking: tuple
    can: tuple
    partly: dict
    cannot: dict
    claims: dict

    @property
    def something(self):
        """Whether it judges claims and some section of it can be done."""
        return bool(self.claims) and not self.lacking and bool(self.can or self.partly)

    def sentences(self, words, claims):
        """What it can do and cannot, and the claims that it can judge and cannot.

        Parameters
        ----------
        words : dict of str to str
            Table -> what a study without it lacks, such as "people's feedback".
        claims : dict of str to Claim

        Returns
        -------
        list of str
        """
        without = lambda tables: f"without {_listed([words[table] for table in tables])}"  # noqa: E731
        quoted = lambda titles: _listed([f"\u201c{title}\u201d" for title in titles])  # noqa: E731
        if self.lacking:
            return [f"{self.name}: cannot be run {without(self.lacking)}."]
        parts = [f"can do {quoted(self.can)}"] if self.can else []
        parts += [f"can do only part of {quoted(titles)} {without(tables)}" for tables, titles in self.partly.items()]
        parts += [f"cannot do {quoted(titles)} {without(tables)}" for tables, titles in self.cannot.items()]
        said = [f"{self.name}: {'; '.join(parts)}."] if parts else []
        called = lambda claim: f"{claim} ({claims[claim].says.rstrip('.')})"  # noqa: E731
        if able := [called(claim) for claim, lacking in self.claims.items() if not lacking]:
            said.append(f"It can judge {_listed(able)}.")
        for tables, ids in _gathered((lacking, claim) for claim, lacking in self.claims.items() if lacking).items():
            said.append(f"It cannot judge {_listed([called(claim) for claim in ids])} {without(tables)}.")
        return said


def possible(folder, tables, headings):
    """What the notebooks of a folder can do with a study.

    Sections that several notebooks have, such as those on how sure it is, are not listed. What rests on too few people, or
    on a column that is empty, is found out only when a notebook runs.

    Parameters
    ----------
    folder : path-like
    tables : collection of str
        The tables the study has.
    headings : callable
        Headings of a Markdown text, as (level, words).

    Returns
    -------
    list of Possible
    """
    read = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).glob("*.ipynb"))}
    sections = {name: _sections(notebook["cells"], headings) for name, notebook in read.items()}
    often = Counter(title for parts in sections.values() for title, _ in parts)
    return [_possible(name, read[name]["metadata"].get("libengage", {}).get("needs", ()),
                      [(title, cells) for title, cells in parts if often[title] == 1], read[name]["cells"], set(tables))
            for name, parts in sections.items()]


def _sections(cells, headings):
    """(title, code cells that are run) of each section of the second level."""
    sections, numbered = [], []
    for cell in cells:
        titles = headings("".join(cell["source"])) if cell["cell_type"] == "markdown" else []
        sections += [title for level, title in titles if level == 2]
        numbered.append((len(sections), cell))
    return [(sections[number - 1], [cell for _, cell in of if cell["cell_type"] == "code" and "lab" not in _tags(cell)])
            for number, of in groupby(numbered, key=lambda pair: pair[0]) if number]


def _possible(name, needs, sections, cells, tables):
    can, partly, cannot = [], [], []
    for title, inside in sections:
        lacking = [_lacking(_named(cell, "needs-"), tables) for cell in inside]
        if lacking and all(lacking):
            cannot.append((min(lacking, key=len), title))
        elif any(lacking):
            partly.append((max(lacking, key=len), title))
        elif lacking:
            can.append(title)
    claims = {claim: _lacking(_named(cell, "needs-"), tables) for cell in cells for claim in _named(cell, "claim-")}
    return Possible(name, _lacking(needs, tables), tuple(can), _gathered(partly), _gathered(cannot), claims)


def _tags(cell):
    return cell["metadata"].get("tags", ())


def _named(cell, beginning):
    return [tag.removeprefix(beginning) for tag in _tags(cell) if tag.startswith(beginning)]


def _lacking(needs, tables):
    """Those of the needed tables that are not there, in the schema's order."""
    return tuple(table for table in TABLES if table in set(needs) - tables)


def _gathered(pairs):
    """Pairs as key -> list of what goes with it."""
    found = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _listed(words):
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
