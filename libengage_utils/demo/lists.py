"""Reading lists of modules: how they are made, what stands on them, and how often they are opened."""

import numpy as np
import pandas as pd

MODULES = 120
TERM_WEEKS = {  # first Mondays of teaching
    "2023/24 autumn": "2023-09-25",
    "2023/24 spring": "2024-01-15",
    "2024/25 autumn": "2024-09-23",
    "2024/25 spring": "2025-01-13",
    "2025/26 autumn": "2025-09-22",
    "2025/26 spring": "2026-01-12",
}
WEEKS = np.array([1.2, 1.3, 1.1, 1, 1, 0.7, 1, 1, 1.1, 1.4, 1.6, 0.9])  # essays fall due late in the term
TOLD, COCREATED = ("informed", "consulted"), ("involved", "partnered", "user-led")
ADOPTS = {True: 0.72, False: 0.48}  # chance that a keen, and another, module takes up cocreation at some time
OPENS = 0.55  # a student, a week
KEEN_USE = 0.45  # on the logarithm of opens: keen modules promote their lists, whatever C16
MODULE_USE, WEEK_USE = 0.25, 2.0  # spread between modules; shape of the gamma between weeks
COCREATION = {True: 0.26, False: 0.0}  # on the logarithm of opens, from the term of adoption (C16)
MAKING = {True: {"notes": np.log(1.3), "digitised": 0.18, "length": -0.2}, False: {}}  # C17


def make_lists(planted, rng):
    """Draw lists, items and weekly opens.

    Returns
    -------
    lists, items, use : pandas.DataFrame
        The schema's reading_lists, reading_list_items and reading_list_use.
    """
    module_rng, item_rng, use_rng = rng.spawn(3)
    modules = _modules(module_rng)
    lists = _lists(modules, module_rng)
    items = _items(lists, item_rng)
    use = _use(lists, items, planted, use_rng)
    columns = ["list_id", "module", "term", "students", "participation", "published_on"]
    return lists[columns], items, use


def _modules(rng):
    keen = rng.random(MODULES) < 0.5
    adopts = rng.random(MODULES) < np.where(keen, ADOPTS[True], ADOPTS[False])
    when = np.where(
        keen,
        rng.choice([1, 2, 3, 4], MODULES, p=[0.3, 0.35, 0.2, 0.15]),
        rng.choice([2, 3, 4, 5], MODULES, p=[0.2, 0.3, 0.3, 0.2]),
    )
    return pd.DataFrame(
        {
            "module": [f"M{number:03d}" for number in range(1, MODULES + 1)],
            "keen": keen,
            "adopts": np.where(adopts, when, 99),
            "size": np.round(np.exp(3.7 + 0.6 * rng.standard_normal(MODULES))),
            "told": rng.choice(TOLD, MODULES),
            "cocreated": rng.choice(COCREATED, MODULES, p=[0.4, 0.38, 0.22]),
            "habit": MODULE_USE * rng.standard_normal(MODULES),
            "length": np.clip(np.round(np.exp(2.8 + 0.5 * rng.standard_normal(MODULES))), 5, 70),
        }
    )


def _lists(modules, rng):
    terms = pd.DataFrame(
        {
            "term": list(TERM_WEEKS),
            "turn": range(len(TERM_WEEKS)),
            "begins": pd.to_datetime(list(TERM_WEEKS.values())),
        }
    )
    lists = modules.merge(terms, how="cross")
    changes = np.exp(0.12 * rng.standard_normal((2, len(lists))))
    lists["students"] = np.maximum(8, np.round(lists["size"] * changes[0])).astype(int)
    lists["items"] = np.maximum(4, np.round(lists["length"] * changes[1])).astype(int)
    since = lists["turn"] >= lists["adopts"]
    lists["since"] = since
    lists["participation"] = lists["cocreated"].where(since, lists["told"])
    lists["published_on"] = lists["begins"] - pd.to_timedelta(rng.integers(3, 35, len(lists)), unit="D")
    lists["list_id"] = [f"L{number:03d}" for number in range(1, len(lists) + 1)]
    return lists


def _items(lists, rng):
    """Notes are written for most items of a list or for few, and that changes from term to term."""
    annotated = np.where(
        rng.random(len(lists)) < 0.45, rng.beta(8, 2, len(lists)), rng.beta(1, 12, len(lists))
    )
    scanned = rng.beta(2, 2, len(lists))
    row = np.repeat(np.arange(len(lists)), lists["items"])
    position = pd.Series(row).groupby(row).cumcount().to_numpy() + 1
    importance = rng.choice(["essential", "recommended", "further"], len(row), p=[0.3, 0.45, 0.25])
    before = pd.to_timedelta(rng.integers(0, 120, len(row)), unit="D")
    return pd.DataFrame(
        {
            "list_id": lists["list_id"].to_numpy()[row],
            "item_id": [f"i{rank:02d}" for rank in position],
            "position": position,
            "importance": importance,
            "has_note": rng.random(len(row)) < annotated[row],
            "digitised": rng.random(len(row)) < scanned[row],
            "added_on": (lists["published_on"].iloc[row].reset_index(drop=True) - before).dt.strftime(
                "%Y-%m-%d"
            ),
        }
    )


def _use(lists, items, planted, rng):
    """Opens each week: students, how keen the module is, cocreation (C16), how the list is made (C17)."""
    made = items.groupby("list_id", sort=False)[["has_note", "digitised"]].mean().reset_index(drop=True)
    effect = MAKING[planted["C17"]]
    rate = (
        np.log(OPENS)
        + lists["habit"]
        + KEEN_USE * (lists["keen"] - 0.5)
        + COCREATION[planted["C16"]] * lists["since"]
        + effect.get("notes", 0) * made["has_note"]
        + effect.get("digitised", 0) * made["digitised"]
        + effect.get("length", 0) * np.log(lists["items"] / 16)
    )
    mean = np.outer(lists["students"] * np.exp(rate), WEEKS)
    opens = rng.poisson(mean * rng.gamma(WEEK_USE, 1 / WEEK_USE, mean.shape))
    weeks = lists["begins"].to_numpy()[:, None] + 7 * np.arange(len(WEEKS)) * np.timedelta64(1, "D")
    return pd.DataFrame(
        {
            "list_id": np.repeat(lists["list_id"].to_numpy(), len(WEEKS)),
            "week": pd.DatetimeIndex(weeks.ravel()).strftime("%Y-%m-%d"),
            "opens": opens.ravel(),
        }
    )
