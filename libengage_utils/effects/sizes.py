"""How many people two arms need for a difference to be seen, and the least difference that given arms would show."""

from dataclasses import dataclass
from math import ceil, isnan, nan, sqrt

import pandas as pd
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

from ..privacy import about
from .shares import difference


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


def sizes_by_rise(shares, *, rises=(1, 2, 3, 5, 10)):
    """People needed in all, half of them written to, for each of several rises and shares expected without the letter.

    Parameters
    ----------
    shares : sequence of float
        Shares who may come back without the letter; taken to the whole percent.
    rises : sequence of float
        Rises to be seen, in percentage points.

    Returns
    -------
    DataFrame
        A row a rise: rise in 100, and a column of people for each share.

    Examples
    --------
    >>> sizes_by_rise([0.05])
       rise in 100  if 5 in 100 come back unasked
    0            1                          16316
    1            2                           4424
    2            3                           2118
    3            5                            868
    4           10                            280
    """
    needed = {f"if {share} in 100 come back unasked":
              [people_needed(share / 100, (share + rise) / 100).total for rise in rises]
              for share in sorted({round(100 * share) for share in shares})}
    return pd.DataFrame({"rise in 100": rises, **needed})


def smallest_difference(letter, holdout, share, *, beyond=0.0, power=0.8, alpha=0.05):
    """The least rise from `share` that two arms would show, with a given power, to be a rise by more than `beyond`.

    Parameters
    ----------
    letter, holdout : int
        People in each arm.
    share : float
        Share who come back without the letter.
    beyond : float
        Margin, as a share, that Newcombe's whole interval of the rise, of level 1 - `alpha`, has to clear. At 0 it is the
        test of `people_needed` that has to tell the arms apart.
    power, alpha : float
        As in `people_needed`.

    Returns
    -------
    float
        The rise, as a share; missing where the arms are too small to show even a rise to 1.

    Raises
    ------
    ValueError
        If an arm is empty, or a number is out of its range.

    References
    ----------
    Without a margin, as `people_needed`. With one, the lower limit is that of Newcombe (1998), Statistics in Medicine
    17(8), 873-890, method 10, at the shares expected; it varies about as the difference does.

    Examples
    --------
    >>> round(smallest_difference(3841, 3841, 0.10), 4), round(smallest_difference(3841, 3841, 0.10, beyond=0.01), 4)
    (0.02, 0.0304)
    """
    if letter < 1 or holdout < 1:
        raise ValueError("Nobody was written to, or nobody was not: a difference needs both.")
    _check(share, share, power, alpha, 0.5)
    if not 0 <= beyond < 1:
        raise ValueError(f"`beyond` is a share of people, such as 0.01 for one in a hundred; it is {beyond:g}.")
    people = letter + holdout

    def spare(to):
        """How far the expected difference, or its lower limit, lies beyond what it takes."""
        if not beyond:
            return to - share - _reach(share, to, power, alpha, holdout / people) / sqrt(people)
        wilson = proportion_confint([to * letter, share * holdout], [letter, holdout], alpha, method="wilson")
        error = sqrt(to * (1 - to) / letter + share * (1 - share) / holdout)
        return difference([to, share], *wilson)[1] - beyond - stats.norm.isf(1 - power) * error

    return float(optimize.brentq(spare, share + beyond + 1e-12, 1)) - share if spare(1) >= 0 else nan


def enough_words(people, share, to, *, beyond=0.0, holdout=0.5, power=0.8, alpha=0.05):
    """Whether a library is large enough for a lot, in a sentence or two.

    Parameters
    ----------
    people : int
        People in the lot.
    share, to : float
        Share expected to come back without the letter, and the share with it that would be worth the letters.
    beyond : float
        As in `smallest_difference`; where there is one, a further sentence says what rise would clear it.
    holdout, power, alpha : float
        As in `people_needed`.

    Returns
    -------
    str

    Examples
    --------
    >>> print(enough_words(952, 0.10, 0.12, beyond=0.01))
    With about 950 people, half of them written to, only a rise from 10% to 16.2% or more would be seen with a chance of at
    least 80%. A rise to 12% would take 7,682 people. For its whole 95% interval to lie 1 point or more above nought, with
    that chance, it takes a rise to 17.3% or more.
    """
    kept = round(people * holdout)
    needed = people_needed(share, to, power=power, alpha=alpha, holdout=holdout).total
    least, clear = (share + smallest_difference(people - kept, kept, share, beyond=margin, power=power, alpha=alpha)
                    for margin in (0, beyond))
    written = "half" if holdout == 0.5 else _percent(1 - holdout)
    words = f"With {about(people)} people, {written} of them written to, "
    chance = f"would be seen with a chance of at least {_percent(power)}."
    if people >= needed:
        words += f"a rise from {_percent(share)} to {_percent(to)} {chance}"
    else:
        only = f"no rise from {_percent(share)}" if isnan(least) else (
            f"only a rise from {_percent(share)} to {_percent_above(least)} or more")
        words += f"{only} {chance} A rise to {_percent(to)} would take {needed:,} people."
    if not beyond:
        return words
    margin = f"{100 * beyond:g} point{'s' * (beyond != 0.01)}"
    takes = "no rise is large enough" if isnan(clear) else f"it takes a rise to {_percent_above(clear)} or more"
    return (f"{words} For its whole {_percent(1 - alpha)} interval to lie {margin} or more above nought, with that chance, "
            f"{takes}.")


def _reach(share, to, power, alpha, holdout):
    """The difference that one person would show; that of n people is the square root of n times smaller."""
    pooled = holdout * share + (1 - holdout) * to
    null = pooled * (1 - pooled) / (holdout * (1 - holdout))
    both = share * (1 - share) / holdout + to * (1 - to) / (1 - holdout)
    return stats.norm.isf(alpha / 2) * sqrt(null) + stats.norm.isf(1 - power) * sqrt(both)


def _percent(share):
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def _percent_above(share):
    """A share as a percentage, rounded up."""
    return _percent(ceil(1000 * share - 1e-6) / 1000)


def _check(share, to, power, alpha, holdout):
    if not (0 <= share < 1 and 0 <= to <= 1):
        raise ValueError(f"Shares of people lie between 0 and 1, such as 0.1 for 10%; they are {share:g} and {to:g}.")
    for name, number in (("power", power), ("alpha", alpha), ("holdout", holdout)):
        if not 0 < number < 1:
            raise ValueError(f"`{name}` lies between 0 and 1; it is {number:g}.")
