"""The readers' groups, and the machine's probabilities paired with the codes that people gave the same comments."""

import narwhals as nw
import numpy as np
import pandas as pd

from .model import mapping

GROUPS = ("gratitude", "joy and relief", "admiration", "confusion", "frustration", "disappointment and sadness",
          "anxiety", "surprise", "neutral")
NO_PROBABILITIES = ("valence", "top", "confidence")  # what else the model's frame may hold


def probabilities_of(scored):
    """The probabilities of a frame of scored comments, checked.

    Parameters
    ----------
    scored : frame or array of shape (n_comments, n_groups)
        A column for each group; `valence`, `top` and `confidence` are left out. The columns of an array are
        `GROUPS` in their order.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ValueError
        If there are no comments, fewer than two groups, or a value that is no probability.

    Examples
    --------
    >>> scored = pd.DataFrame({"valence": [0.8], "joy and relief": [0.9], "neutral": [0.1], "top": ["joy and relief"]})
    >>> probabilities_of(scored).columns.tolist()
    ['joy and relief', 'neutral']
    """
    if isinstance(scored, (np.ndarray, list)):
        scored = np.asarray(scored, dtype=float)
        if scored.ndim != 2 or scored.shape[1] != len(GROUPS):
            raise ValueError(f"An array of probabilities needs {len(GROUPS)} columns, in the order {', '.join(GROUPS)}; "
                             "give a frame with named columns where the groups are others.")
        scored = pd.DataFrame(scored, columns=list(GROUPS))
    frame = nw.from_native(scored, eager_only=True).to_pandas()
    frame = frame.drop(columns=[name for name in NO_PROBABILITIES if name in frame])
    if frame.empty or frame.shape[1] < 2:
        raise ValueError("There are no probabilities: give one row a comment and a column for each of two or more groups.")
    if words := [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]:
        raise ValueError(f"The column {words[0]} holds no numbers: leave out columns that are no group's probability.")
    frame = frame.astype(float)
    wrong = ~((frame >= 0) & (frame <= 1))
    if wrong.to_numpy().any():
        row, column = np.argwhere(wrong.to_numpy())[0]
        raise ValueError(f"Row {row + 1} gives {frame.columns[column]} a probability of {frame.iat[row, column]:g}, which "
                         "is not between 0 and 1: leave out comments that the machine did not score.")
    return frame


def in_tones(scored):
    """Probabilities of the reader's groups joined to tones, each comment's adding up to 1.

    Parameters
    ----------
    scored : DataFrame
        A column for each of `GROUPS`, and perhaps others; comments without probabilities are left out.

    Returns
    -------
    DataFrame
        troubled, pleased, neither.

    Examples
    --------
    >>> in_tones(pd.DataFrame([[0.1] * 8 + [0.2]], columns=GROUPS)).round(1).loc[0].to_dict()
    {'troubled': 0.4, 'pleased': 0.3, 'neither': 0.3}
    """
    groups = scored[list(GROUPS)].dropna()
    groups = groups.div(groups.sum(axis=1), axis=0)
    return pd.DataFrame({tone: groups[members].sum(axis=1) for tone, members in mapping()["tones"].items()})


def tone_of(codes):
    """The tone of each code.

    Examples
    --------
    >>> tone_of(pd.Series(["anxiety", "neutral"])).tolist()
    ['troubled', 'neither']
    """
    return codes.map({group: tone for tone, members in mapping()["tones"].items() for group in members})


def paired(scored, codes, sample_weight=None):
    """Probabilities, codes and weights of the comments that have both, in the same order.

    Parameters
    ----------
    scored : frame or array of shape (n_comments, n_groups)
        As `probabilities_of` takes it.
    codes : Series or array of str
        Group that people gave each comment. A Series and a pandas frame are matched by index, anything else
        row by row. Comments without a code are left out.
    sample_weight : Series or array of float, optional
        Comments that each coded one stands for, in the order, or with the index, of the codes.

    Returns
    -------
    probabilities : pandas.DataFrame of shape (n_coded, n_groups)
    codes : ndarray of shape (n_coded,)
    weights : ndarray of shape (n_coded,)
        With mean 1.

    Raises
    ------
    ValueError
        If rows cannot be matched, a code is no column, or a weight is not above 0.

    Examples
    --------
    >>> scored = pd.DataFrame({"gratitude": [0.8, 0.1], "neutral": [0.2, 0.9]}, index=["f1", "f2"])
    >>> paired(scored, pd.Series({"f2": "neutral", "f9": "neutral"}))[0].index.tolist()
    ['f2']
    """
    probabilities = probabilities_of(scored)
    given = pd.DataFrame({"code": _as_series(codes)})
    given["weight"] = 1.0 if sample_weight is None else _weights(sample_weight, given.index)
    if isinstance(scored, pd.DataFrame) and isinstance(codes, pd.Series):
        for what, index in (("comments", scored.index), ("codes", codes.index)):
            if index.has_duplicates:
                raise ValueError(f"The {what} name {index[index.duplicated()][0]!r} twice in their index: "
                                 "index both by feedback_id, with one row a comment.")
        if given["code"].notna().any() and not given.index.intersection(scored.index).size:
            raise ValueError(f"None of the codes, the first of which is of {given.index[0]!r}, is of a comment that the "
                             "machine scored: index both by feedback_id.")
        given = given.reindex(probabilities.index)
    elif len(given) != len(probabilities):
        raise ValueError(f"There are {len(given):,} codes for {len(probabilities):,} comments: give one a comment, missing "
                         "where there is none, or index both by feedback_id.")
    coded = given["code"].notna().to_numpy()
    codes, weights = given["code"].to_numpy(dtype=object)[coded], given["weight"].to_numpy(dtype=float)[coded]
    if strange := sorted({str(code) for code in codes} - set(probabilities.columns)):
        raise ValueError(f"The code {strange[0]!r} is no group of the machine's; those are "
                         f"{', '.join(probabilities.columns)}. Read codes with `read_codes` first.")
    if not np.all((weights > 0) & np.isfinite(weights)):
        raise ValueError("Each coded comment needs a weight above 0: the number of comments it stands for.")
    return probabilities[coded], codes.astype(str), weights / weights.mean() if len(weights) else weights


def _as_series(values):
    return values if isinstance(values, pd.Series) else pd.Series(np.asarray(values, dtype=object))


def _weights(sample_weight, index):
    if isinstance(sample_weight, pd.Series):
        return sample_weight.reindex(index)
    if len(sample_weight) != len(index):
        raise ValueError(f"There are {len(sample_weight):,} weights for {len(index):,} codes: give one a code.")
    return np.asarray(sample_weight, dtype=float)
