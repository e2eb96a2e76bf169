"""A sample of comments for people to code by hand, and their codes read back."""

from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd

from .pairing import GROUPS

NO_TOUCHPOINT = "not recorded"
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # what makes a spreadsheet take a cell for a formula


@dataclass(frozen=True)
class CodingSample:
    """Comments drawn to be coded by hand; made by `sample_to_code`.

    Attributes
    ----------
    sheet : DataFrame
        One row a comment, in random order: `feedback_id`, `touchpoint`, `text`, an empty `code`, and `weight`,
        the number of comments it stands for (1 over its chance of being drawn).
    asked, comments, without_text : int
        Comments asked for; comments that could be drawn; comments left out because they say nothing.
    """

    sheet: pd.DataFrame = field(repr=False)
    asked: int
    comments: int
    without_text: int

    @property
    def summary(self):
        """What was drawn, in two or three sentences."""
        if self.comments <= self.asked:
            drawn = f"There are {self.comments:,} comments, no more than the {self.asked:,} asked for: all are to be coded."
        else:
            drawn = (f"Of {self.comments:,} comments, {len(self.sheet):,} were drawn to be coded, over all of "
                     f"{self.sheet['touchpoint'].nunique():,} touchpoints and over the range of the machine's score, which "
                     "the sheet does not show. Comments on smaller touchpoints were likelier to be drawn: weigh by weight.")
        return drawn + (f" {self.without_text:,} without text were left out." if self.without_text else "")


@dataclass(frozen=True)
class Codes:
    """Codes read back; made by `read_codes`.

    Attributes
    ----------
    codes : DataFrame
        `feedback_id`, `coder`, `code` (as in the list of groups) and `weight`, where the comments have one.
    aside : DataFrame
        Codes that cannot be used: `row` (1 is the first below the headings), `feedback_id`, `coder`, `code` as
        typed, and the `reason`.
    uncoded : int
        Rows without a code.
    """

    codes: pd.DataFrame = field(repr=False)
    aside: pd.DataFrame = field(repr=False)
    uncoded: int

    @property
    def matrix(self):
        """Code by comment (rows) and coder (columns), missing where a coder gave none (DataFrame)."""
        return self.codes.pivot(index="feedback_id", columns="coder", values="code")

    @property
    def agreed(self):
        """By `feedback_id`: the `code` that more than half of its coders gave, and `weight` if known (DataFrame)."""
        coders = self.codes.groupby("feedback_id", sort=False)["coder"].transform("size")
        alike = self.codes.groupby(["feedback_id", "code"], sort=False)["coder"].transform("size")
        settled = self.codes[2 * alike > coders].drop_duplicates("feedback_id")
        return settled.set_index("feedback_id").drop(columns="coder")

    @property
    def summary(self):
        """What was read, and what was kept aside and why, in up to three sentences."""
        comments, coders = self.codes["feedback_id"].nunique(), self.codes["coder"].nunique()
        text = (f"{len(self.codes):,} codes of {comments:,} comments by {coders} coder{'' if coders == 1 else 's'} were "
                f"read; on {len(self.agreed):,} comments more than half of the coders agree.")
        if len(self.aside):
            reasons = [f"{number:,} {reason}" for reason, number in self.aside["reason"].value_counts().items()]
            text += f" Kept aside: {', '.join(reasons)}."
        return text + (f" {self.uncoded:,} rows are not coded yet." if self.uncoded else "")


def sample_to_code(comments, n=100, *, scores=("valence", "confidence"), random_state=0):
    """Draw comments to code by hand, over all touchpoints and over the range of the machine's scores.

    The chance of being drawn is proportional to 1 / sqrt(comments on the touchpoint), so that small touchpoints
    are heard too (Bankier 1988). Comments are put in order of touchpoint, then of the scores, and drawn by one
    random start and equal steps of that chance (Madow 1949): every touchpoint, and each fifth of its scores,
    gets what it is due to less than one comment, however many of them there are.

    Coders see neither the scores nor anything made from them: the sheet is in random order and the weight
    depends on the touchpoint alone. Knowing the machine's answer would prime them.

    Parameters
    ----------
    comments : frame
        `feedback_id`, `touchpoint`, `text` and the scores. Those without text are left out; those without
        touchpoint, or without a score, are groups of their own.
    n : int
        Comments to draw; all, where there are no more.
    scores : sequence of str
        Columns of the machine's scores, the most important first.
    random_state : int or numpy.random.Generator
        Seed.

    Returns
    -------
    CodingSample
        In its `sheet`, texts, touchpoints and ids that a spreadsheet would take for a formula begin with an
        apostrophe, which `read_codes` takes off again.

    Raises
    ------
    ValueError
        If a column is not there, an id is missing or occurs twice, no comment has text, or `n` is not positive.

    References
    ----------
    Madow (1949), On the theory of systematic sampling II, Ann. Math. Statistics 20, 333-354. Bankier (1988),
    Power allocations, Am. Statistician 42, 174-177.

    Examples
    --------
    >>> comments = pd.DataFrame({"feedback_id": range(500), "touchpoint": ["desk"] * 400 + ["chat"] * 100,
    ...                          "text": "=thanks", "valence": np.linspace(-1, 1, 500)})
    >>> sample = sample_to_code(comments, n=30, scores=["valence"])
    >>> sample.sheet["touchpoint"].value_counts().to_dict()
    {'desk': 20, 'chat': 10}
    >>> sample.sheet.loc[0, "text"], round(sample.sheet["weight"].sum())
    ("'=thanks", 500)
    """
    scores = list(scores)
    comments = _columns(comments, ["feedback_id", "touchpoint", "text", *scores], "comments")
    if n < 1:
        raise ValueError(f"`n` is the number of comments to draw, 1 or more; it is {n}.")
    identified = _keys(comments["feedback_id"])
    if identified.isna().any() or identified.duplicated().any():
        raise ValueError(f"Row {int(np.argmax(identified.isna() | identified.duplicated())) + 1} of the comments has no "
                         "feedback_id, or one that occurred before: codes could not be matched. Give each its own.")
    says = comments["text"].notna() & (comments["text"].astype(str).str.strip() != "")
    without_text, comments = int((~says).sum()), comments[says].reset_index(drop=True)
    if comments.empty:
        raise ValueError("No comment has text: there is nothing to code.")

    rng = np.random.default_rng(random_state)
    touchpoint = comments["touchpoint"].astype(object).where(comments["touchpoint"].notna(), NO_TOUCHPOINT).astype(str)
    chance = _chances(touchpoint.groupby(touchpoint).transform("size").to_numpy() ** -0.5, n)
    order = _in_order(touchpoint, comments[scores], rng)
    if len(comments) > n:
        steps = np.searchsorted(np.cumsum(chance[order]), rng.random() + np.arange(n))
        order = order[np.minimum(steps, len(comments) - 1)]
    drawn = rng.permutation(order)
    sheet = pd.DataFrame({"feedback_id": _keys(comments["feedback_id"]), "touchpoint": touchpoint,
                          "text": comments["text"].astype(str)}).map(_no_formula)
    sheet = sheet.assign(code="", weight=1 / chance).loc[drawn].reset_index(drop=True)
    return CodingSample(sheet, n, len(comments), without_text)


def read_codes(codes, comments, *, groups=GROUPS):
    """Codes as they came back from the coders, checked against the comments and the list of groups.

    Letter case, spaces, hyphens, underscores and "&" for "and" make no difference. Nothing is corrected by
    guessing: what cannot be used is kept aside and counted. Of codes that one coder gave twice, one is kept
    where they are alike, and none where they differ.

    Parameters
    ----------
    codes : frame
        `feedback_id`, `coder`, `code`: one row a comment and coder; perhaps `weight`.
    comments : frame
        The comments, or the sheet they were coded on, with `feedback_id`; and `weight`, if the codes have none.
    groups : sequence of str
        The groups allowed.

    Returns
    -------
    Codes

    Raises
    ------
    ValueError
        If a column is not there.

    Examples
    --------
    >>> sheet = pd.DataFrame({"feedback_id": ["f1", "f2"]})
    >>> codes = pd.DataFrame({"feedback_id": ["f1", " f2", "f3"], "coder": "Ada",
    ...                       "code": ["Joy & Relief ", "angry", "neutral"]})
    >>> read = read_codes(codes, sheet)
    >>> read.codes["code"].tolist(), read.aside["reason"].tolist()
    (['joy and relief'], ['with a code that is no group', 'of a comment that is not known'])
    """
    raw = _columns(codes, ["feedback_id", "coder", "code"], "codes").reset_index(drop=True)
    comments = _columns(comments, ["feedback_id"], "comments")
    known = comments.set_index(_keys(comments["feedback_id"]))
    known = known[~known.index.duplicated()]
    names = {_plain(group): group for group in groups}

    typed = raw["code"].map(_plain)
    read = pd.DataFrame({"feedback_id": _keys(raw["feedback_id"]), "coder": raw["coder"].map(_plain),
                         "code": typed.map(names)})
    coded = typed != ""
    again = read[coded].groupby(["feedback_id", "coder"], dropna=False)["code"]
    differ = (again.transform("nunique") > 1).reindex(read.index, fill_value=False)
    repeated = read.duplicated(["feedback_id", "coder", "code"]) & coded
    reasons = [(~read["feedback_id"].isin(known.index), "of a comment that is not known"),
               (read["coder"] == "", "without a coder's name"),
               (read["code"].isna(), "with a code that is no group"),
               (differ, "of a comment that the same coder coded differently before or after"),
               (repeated, "given twice by the same coder")]
    reason = pd.Series(np.select([wrong for wrong, _ in reasons], [words for _, words in reasons], ""), read.index)
    aside = raw[["feedback_id", "coder", "code"]].assign(reason=reason)[coded & (reason != "")]
    aside.insert(0, "row", aside.index + 1)
    if "weight" in raw:
        read["weight"] = raw["weight"]
    elif "weight" in known:
        read["weight"] = known["weight"].reindex(read["feedback_id"]).to_numpy()
    kept = read[coded & (reason == "")]
    return Codes(kept.reset_index(drop=True), aside.reset_index(drop=True), int((~coded).sum()))


def _columns(frame, columns, what):
    """The frame in pandas, or a sentence on the columns it lacks."""
    frame = nw.from_native(frame).lazy().collect().to_pandas()
    if absent := [name for name in columns if name not in frame]:
        raise ValueError(f"The {what} have no column {', '.join(absent)}; they have {', '.join(map(str, frame))}.")
    return frame


def _chances(size, n):
    """Chances proportional to size that sum to n, none above 1."""
    chance = np.ones(len(size))
    free = np.full(len(size), len(size) > n)
    while free.any():
        chance[free] = (n - (~free).sum()) * size[free] / size[free].sum()
        if not (chance > 1).any():
            break
        free &= chance < 1
        chance[~free] = 1.0
    return chance


def _in_order(touchpoint, scores, rng):
    """Row numbers by touchpoint, then by fifths of each score but the last, then by that; ties in random order."""
    keys, within = [touchpoint], [touchpoint]
    for name in scores.columns[:-1]:
        fifth = np.ceil(5 * scores[name].groupby(within).rank(pct=True)).fillna(0)
        keys, within = [*keys, fifth], [*within, fifth]
    last = [scores[name].fillna(-np.inf) for name in scores.columns[-1:]]
    frame = pd.concat([*keys, *last, pd.Series(rng.random(len(touchpoint)))], axis=1)
    return np.lexsort([pd.factorize(frame.iloc[:, at], sort=True)[0] for at in range(frame.shape[1] - 1, -1, -1)])


def _no_formula(text):
    return f"'{text}" if isinstance(text, str) and text.startswith(FORMULA) else text


def _keys(ids):
    """Identifiers as text, as they were before a spreadsheet: no apostrophe, no spaces around, no '.0'."""
    if pd.api.types.is_float_dtype(ids) and (ids.dropna() % 1 == 0).all():
        ids = ids.astype("Int64")
    return ids.astype(object).map(lambda key: str(key).strip().removeprefix("'"), na_action="ignore")


def _plain(name):
    """A name without what typing varies: case, spaces, hyphens, underscores, '&'."""
    if pd.isna(name):
        return ""
    return " ".join(str(name).casefold().replace("&", " and ").replace("_", " ").replace("-", " ").split())
