"""Mistaken readings of what became of services: answers built in, users left out, nobody beside them."""

from ..effects import standardised_return
from ..privacy import about
from .mistake import Mistake, enough, enough_of_both, tempting


def leaving_the_way(errands, *, minimum_count=10):
    """Leaving the declared way and not coming back, where not coming back *is* leaving it.

    Parameters
    ----------
    errands : DataFrame
        person_key, service, earlier, seen and watched as `effects.returns_after` gives them; off and finished as
        `journeys.conformance` does.
    minimum_count : int
        Fewest people in any group told of.

    Returns
    -------
    Mistake

    Raises
    ------
    ValueError
        If too few people are on either side.
    """
    errands = errands.rename(columns={"off": "a departure from the way"})
    errands = errands[errands["watched"] == errands["watched"].max()]
    off = errands["a departure from the way"].astype(bool)
    enough_of_both(minimum_count, errands, off.rename("left"), "seen", {True: "who left the way", False: "who kept to it"})
    enough(minimum_count, {"who did not finish": errands.loc[~errands["finished"], "person_key"].nunique()})
    share, left = errands.groupby(off)["seen"].mean(), 1 - errands.loc[off, "finished"].mean()
    tempting(share[True] < share[False])
    done = standardised_return(errands[errands["finished"]], "a departure from the way", ["service", "earlier"],
                               minimum_count=minimum_count)
    return Mistake(
        f"After an errand on which somebody left the declared way, {share[True]:.0%} were seen again; after one that kept "
        f"to it, {share[False]:.0%}. Leaving the way costs us readers: let us lead them back to it.",
        f"**The answer is built into the question.** Of the errands that left the way, {left:.0%} were not finished: the "
        "person had not come for the last step yet, or never did. Whoever does not come back is *off the way* for that very "
        "reason. To repair it, compare finished errands only, of the same service and with like earlier use. "
        f"{done.headline} Finishing comes after leaving the way, so even these may be the more patient of those who left.")


def most_spoken_of(touchpoints, *, minimum_count=10):
    """The place most spoken of is the place most used: voices without their users below the line.

    Parameters
    ----------
    touchpoints : DataFrame
        touchpoint, people (who acted there) and voices (people who spoke of it); missing where withheld.
    minimum_count : int
        Fewest people in any group told of.

    Returns
    -------
    Mistake

    Raises
    ------
    ValueError
        If fewer than two touchpoints have both people and voices to show.

    Examples
    --------
    >>> import pandas as pd
    >>> places = pd.DataFrame({"touchpoint": ["loan", "print"], "people": [900, 80], "voices": [90, 40]})
    >>> print(most_spoken_of(places).said)
    More people spoke to us of the loan than of anything else. That is where our readers' troubles are.
    """
    heard = touchpoints[touchpoints["voices"] >= minimum_count]
    known = heard[heard["people"] >= minimum_count]
    if len(known) < 2:
        raise ValueError("Of fewer than two services is it known how many people use them and speak of them.")
    rate = known["voices"] / known["people"]
    first, loudest = heard.loc[heard["voices"].idxmax()], known.loc[rate.idxmax()]
    used = (f"{about(int(first['people'])).capitalize()} people use the {first['touchpoint']}, and for every 100 of these "
            f"{100 * first['voices'] / first['people']:.0f} spoke of it" if first["people"] >= minimum_count else
            f"How many people use the {first['touchpoint']} is not known")
    same = ("By that count it is still the first" if first["touchpoint"] == loudest["touchpoint"] else
            f"By that count the {loudest['touchpoint']} is the first, with {100 * rate.max():.0f}")
    return Mistake(
        f"More people spoke to us of the {first['touchpoint']} than of anything else. "
        "That is where our readers' troubles are.",
        f"**Much used, much spoken of?** {used}. {same}. **And speaking is not complaining:** some were asked, and some "
        "were pleased. To repair it, put the people who use a service below the line, and tell what they felt from what "
        "they rated. A service of which nobody was ever asked is in neither list.")


def lists_begun(panel, fair, *, minimum_count=10):
    """Those who changed something, before and after, with nobody beside them.

    Parameters
    ----------
    panel : DataFrame
        As made by `reading_lists.list_panel`: module, turn, adopted, opens, student_weeks.
    fair : EventStudy
        What `effects.event_study` makes of the same panel, in per cent.
    minimum_count : int
        Fewest modules in any group told of.

    Returns
    -------
    Mistake

    Raises
    ------
    ValueError
        If too few modules began in the time looked at.
    """
    first = panel.groupby("module")["turn"].transform("min")
    began = panel[panel["adopted"].notna() & (panel["adopted"] > first)]
    if (modules := began["module"].nunique()) < minimum_count:
        raise ValueError(f"Only {modules} modules began in the terms looked at: too few to compare before and after.")
    sums = began.groupby(began["turn"] >= began["adopted"])[["opens", "student_weeks"]].sum()
    rate = sums["opens"] / sums["student_weeks"]
    tempting(rate[True] > rate[False])
    early = began.groupby("module")["adopted"].first().le(began["adopted"].median())
    weeks = began.assign(early=began["module"].map(early), after=began["turn"] >= began["adopted"]).groupby("after")
    share = weeks.apply(lambda rows: rows.loc[rows["early"], "student_weeks"].sum() / rows["student_weeks"].sum())
    span = f"{fair.estimate:+.0f}% (95% interval {fair.low:+.0f}% to {fair.high:+.0f}%)"
    weighed = (f" **And the two means weigh modules differently:** those that began early make up {share[False]:.0%} of the "
               f"weeks before and {share[True]:.0%} of those after, and they may have been opened more all along."
               if round(share[True] - share[False], 2) else "")
    return Mistake(
        f"Modules that began to make their list with students: {rate[False]:.2f} openings per student and week before, "
        f"{rate[True]:.2f} after, up {100 * (rate[True] / rate[False] - 1):.0f}%. Cocreation works.",
        f"**Nobody stands beside them**, so whatever else happened in those terms is in the figure.{weighed} To repair it, "
        "follow each module from before to after, against those that had not begun by then, as is done above: "
        f"{span}{', which cannot be told from no change' if fair.low <= 0 <= fair.high else ''}.")
