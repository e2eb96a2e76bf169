"""What follows a failure that nobody put right, under the choices that can be made in counting it."""

from dataclasses import dataclass

from ..privacy import about
from .friction import standardised_return

PUT_RIGHT = ("left out", "no failure", "a failure")


@dataclass(frozen=True)
class FewerBack:
    """How many fewer come back after a failure; made by `fewer_back`.

    Attributes
    ----------
    estimate, low, high : float
        Fewer errands followed by a return, in 100, with the 95% interval.
    rests_on : int
        As of `StandardisedReturn`.
    summary : str
        The comparison in sentences.
    """

    estimate: float
    low: float
    high: float
    rests_on: int
    summary: str


def fewer_back(returns, *, put_right="left out", alike=("service", "earlier"), draws=1000, minimum_count=10, random_state=0):
    """How many fewer of 100 errands are followed by a return where a failure was left as it was.

    Parameters
    ----------
    returns : DataFrame
        As made by `returns_after`.
    put_right : {"left out", "no failure", "a failure"}
        What an errand counts as whose failure somebody put right.
    alike : sequence of str
        Columns of circumstances to hold alike.
    draws, minimum_count, random_state
        As for `standardised_return`.

    Returns
    -------
    FewerBack

    Raises
    ------
    ValueError
        If `put_right` is another word, or people are too few.

    Examples
    --------
    >>> fewer_back(None, put_right="perhaps")
    Traceback (most recent call last):
    ValueError: `put_right` is 'perhaps'; it is one of: left out, no failure, a failure.
    """
    if put_right not in PUT_RIGHT:
        raise ValueError(f"`put_right` is {put_right!r}; it is one of: {', '.join(PUT_RIGHT)}.")
    mended = returns["kind"] == "failed, put right"
    if put_right == "left out":
        returns, mended = returns[~mended], mended[~mended]
    failed = (returns["kind"] == "failed, not put right") | (mended & (put_right == "a failure"))
    exposure = "a failure, put right or not" if put_right == "a failure" else "a failure left as it was"
    found = standardised_return(returns.assign(**{exposure: failed}), exposure, alike,
                                draws=draws, minimum_count=minimum_count, random_state=random_state)
    fewer, low, high, days = -found.difference, -found.high, -found.low, returns["watched"].max()
    words = (f"Of 100 like errands, {found.exposed:.0f} were followed by a return within {days} days after {exposure}, and "
             f"{found.others:.0f} after the others: {abs(fewer):.1f} {'fewer' if fewer > 0 else 'more'} (95% interval of "
             f"how many fewer: {low:.1f} to {high:.1f}), from {about(found.people)} people.")
    return FewerBack(fewer, low, high, found.rests_on, words)
