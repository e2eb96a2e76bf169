"""Who is written to and who is not, drawn by lot."""

import numpy as np
import pandas as pd

NEVER = {"seen_before": "never seen"}  # where a column's "no" has words of its own


def draw_lots(people, *, share=0.5, strata=(), seed):
    """Draw by lot who is written to, evenly among people alike.

    Lots are drawn within each stratum without replacement (complete randomisation). Of n people, n x `share` are
    written to; where that is no whole number, one more or one fewer is a matter of the lot too, rounded so that the
    strata together stay within one letter of the plan. So everybody's chance is exactly `share`.

    Parameters
    ----------
    people : DataFrame
        Those who may be written to: person_key and the columns of `strata`. Row order does not matter. Where it has
        the roster's contactable or contact_opt_out, nobody may be in it who cannot be written to.
    share : float
        Everybody's chance of a letter.
    strata : sequence of str
        Columns whose combinations are the strata; missing values are a value, and people who would be alone in their
        stratum are put together in one called "other".
    seed : int
        The same seed and the same people give the same lots.

    Returns
    -------
    DataFrame, sorted by person_key
        person_key, stratum (in words), arm ("letter" or "holdout"), probability (of the letter).

    Raises
    ------
    ValueError
        If there is nobody, a person is there twice or may not be written to, a column is missing, or the share leaves
        an arm empty.

    References
    ----------
    Imbens & Rubin (2015), Causal Inference for Statistics, Social, and Biomedical Sciences, ch. 4 and 9. Rounding:
    systematic sampling, Madow (1949), Annals of Mathematical Statistics 20(3), 333-354.

    Examples
    --------
    >>> people = pd.DataFrame({"person_key": [f"p{i}" for i in range(12)], "seen_before": [True] * 8 + [False] * 4})
    >>> lots = draw_lots(people, strata=["seen_before"], seed=1)
    >>> pd.crosstab(lots["stratum"], lots["arm"])
    arm          holdout  letter
    stratum
    never seen         2       2
    seen before        4       4
    """
    _check(people, share, strata)
    people = people.sort_values("person_key", ignore_index=True)
    rng = np.random.default_rng(seed)
    stratum = _strata(people, strata)
    code = pd.factorize(stratum, sort=True)[0]
    size = np.bincount(code)
    letters = np.diff(np.floor(np.append(0, np.cumsum(size * share)) + rng.random()))
    order = np.lexsort([rng.random(len(people)), code])
    place = np.empty(len(people))
    place[order] = np.arange(len(people)) - (np.cumsum(size) - size)[code[order]]
    return pd.DataFrame({
        "person_key": people["person_key"], "stratum": stratum,
        "arm": np.where(place < letters[code], "letter", "holdout"), "probability": share})


def _strata(people, strata):
    """The stratum of each person in words."""
    words = [people[name].map(lambda value, name=name: _word(name, value)).astype(object) for name in strata]
    stratum = pd.Series([", ".join(each) for each in zip(*words, strict=True)] if words else "all", people.index)
    return stratum.where(stratum.groupby(stratum).transform("size") > 1, "other")


def _word(name, value):
    """A value of a column in words; yes and no become the column's name, with and without "not"."""
    name_in_words = name.replace("_", " ")
    if pd.isna(value):
        return f"{name_in_words} unknown"
    if isinstance(value, bool | np.bool_):
        return name_in_words if value else NEVER.get(name, f"not {name_in_words}")
    return str(value)


def _check(people, share, strata):
    if not 0 < share < 1:
        raise ValueError(f"`share` is everybody's chance of a letter, and is {share:g}: without a holdout nothing can be "
                         "learned, and without letters neither. Give a share between 0 and 1, such as 0.5.")
    if absent := [name for name in ("person_key", *strata) if name not in people]:
        raise ValueError(f"The people have no column {' and no column '.join(absent)}: add it, or draw in other strata.")
    if not len(people):
        raise ValueError("There is nobody to draw lots among: widen the rule, or wait.")
    if twice := len(people) - people["person_key"].nunique():
        raise ValueError(f"{twice:,} of {len(people):,} rows are of a person who is there already, or of nobody: give "
                         "each person one row.")
    bars = (("contactable", False), ("contact_opt_out", True))
    barred = np.any([people[name] == value for name, value in bars if name in people], axis=0).sum()
    if barred:
        raise ValueError(f"The lot would hold people who may not be written to ({barred:,} of {len(people):,} rows): leave "
                         "them out before it is drawn.")
