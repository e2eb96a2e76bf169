"""Sentences of people that may be shown beside a theme: those agreed to, approved, and of a theme large enough."""

from dataclasses import dataclass

import narwhals as nw
import pandas as pd

from ..privacy import about, scrub
from .by_person import membership, shown, sums

AT_MOST = 3  # quotations of a theme


@dataclass(frozen=True)
class Examples:
    """Quotations that may be shown; made by `examples`.

    Attributes
    ----------
    table : DataFrame
        theme, label, quote: at most three a theme, that nearest to the theme first.
    given, not_approved, of_no_theme, further : int
        Quotations given; without consent or approval; of comments that were not read, fit no theme, or whose theme is of
        too few people; and approved beyond three a theme.
    """

    table: pd.DataFrame
    given: int
    not_approved: int
    of_no_theme: int
    further: int

    def of(self, labels):
        """Sentences of these themes, in this order, two a theme: label, quote (DataFrame)."""
        if self.table.empty:
            raise ValueError("No quotation may be shown: each needs its writer's consent, somebody's approval, and a theme "
                             "of enough people.")
        place = {label: at for at, label in enumerate(labels)}
        rows = self.table[self.table["label"].isin(place)].groupby("label").head(2)
        return rows.sort_values("label", key=lambda some: some.map(place), kind="stable")[["label", "quote"]].reset_index(
            drop=True)

    @property
    def summary(self):
        """How many quotations may be shown, and why not the others, in a sentence."""
        lost = [f"{about(number)} {why}" for number, why in (
            (self.not_approved, "without consent or approval"), (self.of_no_theme, "of no such theme"),
            (self.further, "beyond three a theme")) if number]
        return (f"Of {about(self.given)} quotations, {about(len(self.table))} may be shown, each agreed "
                "to and approved, three a theme at most." + (
            f" Not shown: {', '.join(lost)}." if lost else ""))


def examples(themes, quotations, *, among=None, minimum_count=10):
    """Quotations for each theme: agreed to by who wrote them, approved, and nearest to the theme.

    Parameters
    ----------
    themes : Themes
        As made by `find_themes`.
    quotations : frame
        The schema's quotations: feedback_id, quote (as it may be shown), consent, approved_by.
    among : array-like of str, optional
        The feedback_id of comments to choose among, such as those rated low; all by default.
    minimum_count : int
        Fewest people of a theme that is shown; at least 5.

    Returns
    -------
    Examples

    Raises
    ------
    ValueError
        If a column is missing, or an approved quotation holds an e-mail address, a link, a telephone number or an
        identifier.

    Examples
    --------
    >>> import numpy as np
    >>> from libengage_utils.themes import find_themes
    >>> rng = np.random.default_rng(0)
    >>> words = ["printer paper toner", "seat window quiet", "loan fine renewal"]
    >>> comments = pd.Series([" ".join(rng.choice(words[i % 3].split(), 4)) for i in range(300)])
    >>> given = pd.DataFrame({"feedback_id": [0, 3], "quote": ["The printer jams.", "No toner."], "consent": True,
    ...                       "approved_by": ["AB", None]})
    >>> examples(find_themes(comments), given).table["quote"].tolist()
    ['The printer jams.']
    """
    given = nw.from_native(quotations).lazy().collect().to_pandas()
    if absent := [name for name in ("feedback_id", "quote", "consent", "approved_by") if name not in given]:
        raise ValueError(f"The quotations have no column {' and no column '.join(absent)}.")
    approved = given[given["consent"].eq(True).fillna(False).astype(bool) & _filled(given["approved_by"])
                     & _filled(given["quote"])]
    if personal := int((approved["quote"].map(scrub) != approved["quote"]).sum()):
        raise ValueError(f"{personal:,} of {len(approved):,} approved quotations hold an e-mail address, a link or a long "
                         "number, which might tell who wrote them: take it out of `quote`, and have them approved again.")
    may = shown(minimum_count, sums(themes.read.comments["person"].to_numpy(), membership(themes)))[:-1]
    rows = approved[["feedback_id", "quote"]].join(themes.assigned, on="feedback_id")
    rows = rows[rows["theme"].isin(themes.labels.index[may]) & (among is None or rows["feedback_id"].isin(among))]
    nearest = rows.sort_values(["theme", "weight", "feedback_id", "quote"], ascending=[True, False, True, True])
    table = nearest.groupby("theme").head(AT_MOST)[["theme", "label", "quote"]].reset_index(drop=True)
    return Examples(table, len(given), len(given) - len(approved), len(approved) - len(rows), len(rows) - len(table))


def _filled(column):
    """Which values are words."""
    return column.map(lambda value: isinstance(value, str) and bool(value.strip())).astype(bool)
