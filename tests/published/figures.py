"""Figures that others have printed, each beside what the package makes of the same data."""

import re
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
FIGURES = []


@dataclass(frozen=True)
class Figure:
    """A printed figure, or several of one kind, and a function that gives the package's own.

    They agree if rounding the package's to as many decimals could give what is printed; or, where it is said `because` of
    what they cannot be the same, if they lie `within` so much of each other.
    """

    about: str
    printed: str
    source: str
    function: object
    arguments: list
    within: float | None
    because: str

    @cached_property
    def here(self):
        return [float(number) for number in np.atleast_1d(self.function(*self.arguments))]

    @property
    def numbers(self):
        """The printed figures: (number, decimals)."""
        return [(float(number.replace(",", "")), len(number.partition(".")[2])) for number in self.printed.split()]

    def agrees(self):
        allowed = [0.5 * 10**-decimals if self.within is None else self.within for _, decimals in self.numbers]
        apart = [abs(here - number) for here, (number, _) in zip(self.here, self.numbers, strict=True)]
        return all(far <= least + 1e-9 for far, least in zip(apart, allowed, strict=True))

    @property
    def own(self):
        """The package's figures with one decimal more than is printed."""
        return " ".join(f"{here:,.{decimals + 1}f}" for here, (_, decimals) in zip(self.here, self.numbers, strict=True))

    def row(self, above=None):
        """Its line in the table; a source is named once for figures that follow each other."""
        source = "as above" if above and above.source == self.source else self.source
        how = "as printed" if self.within is None else f"within {self.within:g}: {self.because}"
        return f"| {self.about} | {self.printed} | {self.own} | {how} | {source} |"


def published(source, figures, *, within=None, because=""):
    """Make a test of a function that gives the package's figures, and put them into the table.

    `figures` has what each is about, and what is printed: "0.0524 0.3339", or that and the arguments of the function.
    """
    def decorate(function):
        own = []
        for about, said in figures.items():
            printed, *arguments = said if isinstance(said, tuple) else (said,)
            own.append(Figure(about, printed, source, function, arguments, within, because))
        FIGURES.extend(own)

        @pytest.mark.parametrize("figure", own, ids=[re.sub(r"\W+", "-", figure.about) for figure in own])
        def test(figure):
            assert figure.agrees(), f"{figure.about}: {figure.printed} in {source}, and {figure.own} here."

        return test
    return decorate


def table():
    """All figures as a table in Markdown, a part for each of the modules beside this one."""
    for path in sorted(HERE.glob("test_*.py")):
        import_module(path.stem)
    parts = []
    for name in sorted({figure.function.__module__ for figure in FIGURES}):
        own = [figure for figure in FIGURES if figure.function.__module__ == name]
        rows = [figure.row(above) for above, figure in pairwise([None, *own])]
        title = sys.modules[name].__doc__.strip().removesuffix(".")
        parts += [f"### {title}\n", "| what | printed | here | agrees | source |", "|---|---|---|---|---|", *rows, ""]
    return "\n".join(parts)
