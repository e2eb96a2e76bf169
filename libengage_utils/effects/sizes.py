"""How many people two arms need for a difference to be seen, and the least difference that given arms would show."""

from dataclasses import dataclass
from math import ceil, nan, sqrt

from scipy import optimize, stats

from ..privacy import about


@dataclass(frozen=True)
class Sizes:
    """People in each arm; made by `people_needed`."""

    letter: int
    holdout: int

    @property
    def total(self):
        return self.letter + self.holdout


def people_needed(share, to, *, power=0.8, alpha=0.05, holdout=0.5):
    """People needed for a change of a share to be seen with a given power, by a two-sided test, to the nearest person.

    Normal approximation, the variance pooled where there is no difference, without continuity correction.

    Parameters
    ----------
    share, to : float
        Share who come back without the letter, and with it; from 0 to 1, and not alike.
    power : float
        Chance that the change is seen if it is there.
    alpha : float
        Chance that one is seen if there is none.
    holdout : float
        Share of the people who are by lot not written to.

    Returns
    -------
    Sizes

    Raises
    ------
    ValueError
        If the shares are alike, or a number is out of its range.

    References
    ----------
    Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., ch. 4.

    Examples
    --------
    >>> people_needed(0.05, 0.06)
    Sizes(letter=8158, holdout=8158)
    >>> people_needed(0.10, 0.12, holdout=0.2).total
    12223
    """
    _check(share, to, power, alpha, holdout)
    if share == to:
        raise ValueError("A change of nought takes endless people to be seen: give a share with the letter that differs.")
    total = (_reach(share, to, power, alpha, holdout) / (to - share)) ** 2
    return Sizes(round(total * (1 - holdout)), round(total * holdout))


def smallest_difference(letter, holdout, share, *, power=0.8, alpha=0.05):
    """The least rise from `share` that two arms would show with a given power.

    Parameters
    ----------
    letter, holdout : int
        People in each arm.
    share : float
        Share who come back without the letter.
    power, alpha : float
        As in `people_needed`, whose inverse this is.

    Returns
    -------
    float
        The rise, as a share; missing where the arms are too small to show even a rise to 1.

    Raises
    ------
    ValueError
        If an arm is empty, or a number is out of its range.

    Examples
    --------
    >>> round(smallest_difference(3841, 3841, 0.10), 4)
    0.02
    """
    if letter < 1 or holdout < 1:
        raise ValueError(f"There are {letter:,} people written to and {holdout:,} not: a difference needs both.")
    _check(share, share, power, alpha, 0.5)
    people = letter + holdout

    def beyond(to):
        """How far the expected difference lies beyond what it takes."""
        return to - share - _reach(share, to, power, alpha, holdout / people) / sqrt(people)

    return float(optimize.brentq(beyond, share + 1e-12, 1)) - share if beyond(1) >= 0 else nan


def enough_words(people, share, to, *, holdout=0.5, power=0.8, alpha=0.05):
    """Whether a library is large enough for a lot, in a sentence or two.

    Parameters
    ----------
    people : int
        People in the lot.
    share, to : float
        Share expected to come back without the letter, and the share with it that would be worth the letters.
    holdout, power, alpha : float
        As in `people_needed`.

    Returns
    -------
    str

    Examples
    --------
    >>> print(enough_words(952, 0.10, 0.12))
    With about 950 people, half of them written to, only a rise from 10% to 16.2% or more would be seen with a chance of at
    least 80%. A rise to 12% would take 7,682 people.
    """
    needed = people_needed(share, to, power=power, alpha=alpha, holdout=holdout).total
    kept = round(people * holdout)
    least = share + smallest_difference(people - kept, kept, share, power=power, alpha=alpha)
    written = "half" if holdout == 0.5 else _percent(1 - holdout)
    words = f"With {about(people)} people, {written} of them written to, "
    chance = f"would be seen with a chance of at least {_percent(power)}."
    if people >= needed:
        return words + f"a rise from {_percent(share)} to {_percent(to)} {chance}"
    only = f"no rise from {_percent(share)}" if least != least else (
        f"only a rise from {_percent(share)} to {_percent(ceil(1000 * least - 1e-6) / 1000)} or more")
    return words + f"{only} {chance} A rise to {_percent(to)} would take {needed:,} people."


def _reach(share, to, power, alpha, holdout):
    """The difference that one person would show; that of n people is the square root of n times smaller."""
    pooled = holdout * share + (1 - holdout) * to
    null = pooled * (1 - pooled) / (holdout * (1 - holdout))
    both = share * (1 - share) / holdout + to * (1 - to) / (1 - holdout)
    return stats.norm.isf(alpha / 2) * sqrt(null) + stats.norm.isf(1 - power) * sqrt(both)


def _percent(share):
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def _check(share, to, power, alpha, holdout):
    if not (0 <= share < 1 and 0 <= to <= 1):
        raise ValueError(f"Shares of people lie between 0 and 1, such as 0.1 for 10%; they are {share:g} and {to:g}.")
    for name, number in (("power", power), ("alpha", alpha), ("holdout", holdout)):
        if not 0 < number < 1:
            raise ValueError(f"`{name}` lies between 0 and 1; it is {number:g}.")
