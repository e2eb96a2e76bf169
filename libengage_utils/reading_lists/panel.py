"""Reading lists as a panel: one row a module and term, with how it was made, what stands on it, and its openings."""

from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd

from ..privacy import about

RUNGS = ("informed", "consulted", "involved", "partnered", "user-led")
DAYS_LATE = 7  # days of a term after which a list comes late


@dataclass(frozen=True)
class ListPanel:
    """Reading lists by module and term; made by `list_panel`.

    Attributes
    ----------
    panel : DataFrame
        A row a list: module, term; turn (0 for the first term); participation; cocreated (its rung at or above the one
        asked for); adopted (turn of the module's first such list, whatever came later; missing where there is none);
        students, weeks (with a row of use), opens, student_weeks, rate (opens per student and week), above_nought (the
        same, with half an opening where there was none); items; noted, digitised, essential (shares of the items of which
        it is known), length (base 2 logarithm of items), missing where there are no items.
    left_out : DataFrame
        What is left out, or kept with a gap: what, number, then (what is done about it).
    modules, adopting, from_start, undone, unsure : int
        Modules; those that came to make lists together with students; of these those whose first list is so made already,
        and those that later went back; and those with a list of unknown participation when they had not begun, or so it
        seems. 0 where `cocreated_from` is None.
    """

    panel: pd.DataFrame = field(repr=False)
    left_out: pd.DataFrame = field(repr=False)
    modules: int
    adopting: int
    from_start: int
    undone: int
    unsure: int

    @property
    def summary(self):
        """What the panel holds, and what it does not, in sentences."""
        rows = self.panel
        said = [f"{about(len(rows)).capitalize()} lists of {about(self.modules)} modules in {rows['turn'].nunique()} terms "
                f"were opened {rows['opens'].sum() / rows['student_weeks'].sum():.2f} times per student and week."]
        if rows["cocreated"].notna().any():
            start = f", {about(self.from_start)} of them from their first list on" if self.from_start else ""
            said.append(f"{about(self.adopting).capitalize()} modules came to make lists together with students{start}.")
        if self.undone:
            said.append(f"{about(self.undone).capitalize()} went back later, and count as having begun all the same.")
        if self.unsure:
            said.append(f"{about(self.unsure).capitalize()} may have begun earlier than it seems, since it is not known how "
                        "an earlier list was made.")
        gaps = [f"{about(row.number)} {row.what} ({row.then})" for row in self.left_out.itertuples() if row.number]
        return " ".join(said + ([f"Not counted, or with a gap: {'; '.join(gaps)}."] if gaps else []))


def list_panel(lists, items, use, *, terms=None, cocreated_from="involved", minimum_count=10):
    """Reading lists by module and term, with how each was made, what stands on it, and how often it was opened.

    A term begins in the week that is the median of its lists' first weeks of use; terms are in this order. Weeks are those
    with a row of use. A module that has several lists in a term has none here, because adding them up would count its
    students twice, and choosing one would be arbitrary. A module adopts with its first list made together with students,
    and is taken to have adopted ever since; lists left out for want of students or use are looked at for that too.

    Parameters
    ----------
    lists, items, use : frame
        The schema's reading_lists, reading_list_items (None where there are none) and reading_list_use, of any kind Narwhals
        supports.
    terms : list of str, optional
        Terms to look at, in order.
    cocreated_from : str, optional
        Lowest rung of participation (`RUNGS`) that is called making a list together. None where participation is not
        recorded: then nothing is left out for want of it.
    minimum_count : int
        Fewest students of a list.

    Returns
    -------
    ListPanel

    Raises
    ------
    ValueError
        If a column is missing, a rung or a term is unknown, two lists have one `list_id`, or no list can be used.

    References
    ----------
    Arnstein (1969), J. Am. Inst. Planners 35(4), 216-224. IAP2 (2018), Spectrum of Public Participation.

    Examples
    --------
    >>> lists = pd.DataFrame({"list_id": ["a", "b"], "module": "M1", "term": ["spring", "autumn"], "students": 20,
    ...                       "participation": ["partnered", "informed"]})
    >>> items = pd.DataFrame({"list_id": ["a", "a", "b", "b"], "item_id": "1212", "has_note": [True, True, True, False]})
    >>> use = pd.DataFrame({"list_id": ["a", "b"], "week": ["2025-01-13", "2024-09-23"], "opens": [10, 5]})
    >>> list_panel(lists, items, use).panel[["term", "turn", "cocreated", "adopted", "rate", "noted"]]
         term  turn  cocreated  adopted  rate  noted
    0  autumn     0        0.0      1.0  0.25    0.5
    1  spring     1        1.0      1.0  0.50    1.0
    """
    lists = _table(lists, ["list_id", "module", "term"], ["students", "participation", "published_on"])
    items = pd.DataFrame({"list_id": lists["list_id"][:0]}) if items is None else items
    items = _table(items, ["list_id"], ["has_note", "digitised", "importance"])
    use = _table(use, ["list_id", "week", "opens"], []).assign(week=lambda rows: pd.to_datetime(rows["week"]))
    if repeated := int(lists["list_id"].duplicated().sum()):
        raise ValueError(f"{repeated:,} lists have a list_id that another has: give each its own.")
    lists = lists.set_index("list_id").join(use.groupby("list_id").agg(
        weeks=("week", "nunique"), opens=("opens", "sum"), first=("week", "min")))
    if not lists["weeks"].notna().any():
        raise ValueError("No list has a week of use: are the list_id of the lists and of their use the same?")
    if not (lists["opens"] > 0).any():
        raise ValueError("No list was ever opened: is the use exported with its openings?")
    begins = lists.groupby("term")["first"].median().dropna()
    order = list(begins.sort_values(kind="stable").index if terms is None else terms)
    if unknown := [term for term in order if term not in begins]:
        raise ValueError(f"No list of {' or of '.join(map(str, unknown))} has a week of use: name terms that were used.")
    lists["turn"] = lists["term"].map({term: turn for turn, term in enumerate(order)})
    lists = lists.join(_made(items))
    lists["items"] = lists["items"].fillna(0).astype(int)
    lists = lists.join(_participation(lists, cocreated_from))

    kept, counts = lists, []
    for what, gone, then in _reasons(begins, cocreated_from, minimum_count):
        counts.append((f"lists {what}", int((away := gone(kept)).sum()), then))
        kept = kept[~away]
    if kept.empty:
        most = max(counts, key=lambda row: row[1])
        raise ValueError(f"No list can be used: of {len(lists):,}, {most[1]:,} are {most[0]}.")
    counts += _gaps(kept, lists, items, use)
    modules = lists[lists["module"].isin(kept["module"])].groupby("module")
    modules = modules.agg({"adopted": "first", "turn": "min", "undone": "any", "unsure": "any"})
    return ListPanel(
        _panel(kept), pd.DataFrame(counts, columns=["what", "number", "then"]), len(modules),
        int(modules["adopted"].notna().sum()), int((modules["adopted"] == modules["turn"]).sum()),
        int(modules["undone"].sum()), int(modules["unsure"].sum()))


def _table(frame, needed, wanted):
    """These columns as pandas, wanted ones that are not there missing."""
    table = nw.from_native(frame).lazy().collect().to_pandas()
    if absent := [name for name in needed if name not in table]:
        raise ValueError(f"A table of reading lists has no column {' and no column '.join(absent)}; it has "
                         f"{', '.join(table)}.")
    return table.reindex(columns=[*needed, *wanted])


def _made(items):
    """Number of items on each list, and shares of them."""
    marks = pd.DataFrame({
        "noted": items["has_note"].astype("boolean"), "digitised": items["digitised"].astype("boolean"),
        "essential": (items["importance"] == "essential").astype("boolean").where(items["importance"].notna())})
    by_list = marks.astype("Float64").groupby(items["list_id"])
    return by_list.mean().astype(float).assign(items=by_list.size())


def _participation(lists, cocreated_from):
    """Of each list whether it was made together; of its module since when, whether it went back, whether that is unsure."""
    if cocreated_from is None:
        return pd.DataFrame({"cocreated": np.nan, "adopted": np.nan, "undone": False, "unsure": False}, index=lists.index)
    if cocreated_from not in RUNGS:
        raise ValueError(f"`cocreated_from` is one of {', '.join(RUNGS)}, or None; it is {cocreated_from}.")
    if strange := int((~lists["participation"].dropna().isin(RUNGS)).sum()):
        raise ValueError(f"{strange:,} lists have a participation that is none of {', '.join(RUNGS)}: recode it, or leave "
                         "it missing.")
    rung = lists["participation"].map({name: rung for rung, name in enumerate(RUNGS)}).astype(float)
    together = rung >= RUNGS.index(cocreated_from)
    adopted = lists["turn"].where(together).groupby(lists["module"]).transform("min")
    return pd.DataFrame({
        "cocreated": together.astype(float).where(rung.notna()), "adopted": adopted,
        "undone": rung.notna() & ~together & (lists["turn"] > adopted),
        "unsure": rung.isna() & lists["turn"].notna() & ~(lists["turn"] >= adopted)})


def _reasons(begins, cocreated_from, minimum_count):
    """Why a list is left out: words, the test of lists still there, and what is done, in the order of the tests."""
    return (
        ("without any week of use", lambda rows: rows["weeks"].isna(), "left out"),
        ("of a term not looked at", lambda rows: rows["turn"].isna(), "left out"),
        ("without students", lambda rows: ~(rows["students"] > 0), "left out"),
        (f"of fewer than {minimum_count} students", lambda rows: rows["students"] < minimum_count, "left out"),
        ("of a module with another in the term", lambda rows: rows.duplicated(["module", "term"], keep=False),
         "left out: give them one list_id, or each its own module"),
        ("without participation", lambda rows: rows["participation"].isna() & (cocreated_from is not None), "left out"),
        ("published after the first week of the term", lambda rows: pd.to_datetime(rows["published_on"])
         >= rows["term"].map(begins) + pd.Timedelta(days=DAYS_LATE), "left out"))


def _gaps(kept, lists, items, use):
    """What is kept with a gap, or belongs to no list: rows as in `left_out`."""
    seen = use.drop_duplicates(["list_id", "week"]).merge(kept[["term"]], left_on="list_id", right_index=True)
    rows, all_lists = seen.groupby(["term", "week"]).size().unstack(), kept.groupby("term").size()
    usual = rows.ge(all_lists / 2, axis=0)  # weeks of the term itself
    missing = int(rows.rsub(all_lists, axis=0).where(usual).sum().sum())
    return [
        ("lists without items", int((kept["items"] == 0).sum()), "kept, features missing"),
        ("lists never opened", int((kept["opens"] == 0).sum()), "kept, with half an opening in above_nought"),
        ("weeks without a row of use", missing,
         "not counted: where no row is written for a week without openings, add it with 0"),
        ("rows of use of unknown lists", int((~use["list_id"].isin(lists.index)).sum()), "left out"),
        ("items of unknown lists", int((~items["list_id"].isin(lists.index)).sum()), "left out")]


def _panel(kept):
    """The rows kept, with rates, in the order of modules and terms."""
    kept = kept.astype({"turn": int, "students": int, "weeks": int, "opens": int})
    kept["student_weeks"] = kept["students"] * kept["weeks"]
    kept["rate"] = kept["opens"] / kept["student_weeks"]
    kept["above_nought"] = kept["opens"].clip(lower=0.5) / kept["student_weeks"]
    kept["length"] = np.log2(kept["items"].where(kept["items"] > 0))
    return kept.sort_values(["module", "turn"])[[
        "module", "term", "turn", "participation", "cocreated", "adopted", "students", "weeks", "opens", "student_weeks",
        "rate", "above_nought", "items", "noted", "digitised", "essential", "length"]].reset_index(drop=True)
