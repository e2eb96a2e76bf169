"""Analyses as they are often made, computed from the study, each with what is wrong in it and its repair."""

from dataclasses import dataclass

import pandas as pd

from .effects import effect_by_group, matched_difference, standardised_return
from .engagement import period_of
from .privacy import about


@dataclass(frozen=True)
class Mistake:
    """A tempting reading of true numbers, and its repair.

    Attributes
    ----------
    said : str
        The reading, as a report might put it.
    repair : str
        What is wrong with it, and what the same data say then.
    """

    said: str
    repair: str


def _enough(minimum_count, groups):
    """Refuse to tell of groups of too few people: words for each group -> its people."""
    for words, people in groups.items():
        if people < minimum_count:
            raise ValueError(f"Too few people are among those {words} to make the comparison.")


def _enough_of_both(minimum_count, rows, group, outcome, words):
    """Refuse shares of an outcome by group that rest on too few people who had it, or had it not."""
    people = rows.groupby([group, outcome])["person_key"].nunique()
    for own in (True, False):
        for had in (True, False):
            _enough(minimum_count, {f"{words[own]} and {'came' if had else 'never came'} again": people.get((own, had), 0)})


def users_only(acts, *, period, minimum_count=10):
    """The average reader, who is nobody: a mean over those who came.

    Parameters
    ----------
    acts : Series of int, shape (n_people,)
        Acts of everybody eligible in the period.
    period : str
    minimum_count : int
        Fewest people in any group told of.

    Returns
    -------
    Mistake

    Raises
    ------
    ValueError
        If fewer than `minimum_count` people have an act, or have none.

    Examples
    --------
    >>> print(users_only(pd.Series([0] * 40 + [1] * 30 + [30] * 15), period="2025/26").said)
    In 2025/26 our average reader used the library 11 times. People who come, come often: the library is part of their weeks.
    """
    seen = acts[acts > 0]
    _enough(minimum_count, {"with an act": len(seen), "without one": len(acts) - len(seen)})
    often = f"{seen.mean():.0f} times" if seen.mean() >= 1.5 else "once"
    return Mistake(
        f"In {period} our average reader used the library {often}. People who come, come often: the library is part of "
        "their weeks.",
        f"**Who is not below the line.** The mean is of {about(len(seen))} people with an act on record; {about(len(acts))} "
        f"were eligible, and {1 - len(seen) / len(acts):.0%} of these have none. **And nobody is average.** Half of the "
        f"people with an act have {seen.median():.0f} or fewer; of everybody eligible, half have {acts.median():.0f} or "
        "fewer. A few people with very many acts lift the mean. To repair it, put everybody who could have come below the "
        "line, and say what half of them did.")


def who_spoke(acts, feedback, periods, *, minimum_count=10):
    """People who gave feedback come back more, and did so before they gave any.

    Parameters
    ----------
    acts : DataFrame
        person_key and occurred_at of each act of a person.
    feedback : DataFrame
        person_key and given_at of each piece of feedback; that without a person is left out.
    periods : DataFrame
        period, from and to; the last two are compared.
    minimum_count : int
        Fewest people in any group told of.

    Returns
    -------
    Mistake

    Raises
    ------
    ValueError
        If there is one period only, or too few people spoke, did not, or are alike.
    """
    if len(periods) < 2:
        raise ValueError("To see who came back in the period after, the study needs two periods, and it has one.")
    before, after = periods["period"].iloc[-2:]
    people = pd.crosstab(acts["person_key"], period_of(acts["occurred_at"], periods)).reindex(
        columns=[before, after], fill_value=0).set_axis(["acts before", "acts after"], axis=1).reset_index()
    people = people[people["acts before"] > 0]
    spoke = feedback.loc[period_of(feedback["given_at"], periods) == before, "person_key"].dropna()
    people = people.assign(spoke=people["person_key"].isin(spoke), again=people["acts after"] > 0)
    _enough_of_both(minimum_count, people, "spoke", "again", {True: "who spoke", False: "who did not speak"})
    alike = matched_difference(people, "spoke", "again", ["acts before"], minimum_count=minimum_count)
    share, usual = people.groupby("spoke")["again"].mean(), people.groupby("spoke")["acts before"].median()
    ahead = ("Who is there often is asked often, and comes again anyway" if usual[True] > usual[False] else
             "By this, they were no more often there before; other differences may remain")
    told = ", which cannot be told from none" if alike.low <= 0 <= alike.high else ""
    return Mistake(
        f"Of people who gave us feedback in {before}, {share[True]:.0%} came again in {after}; of the others, "
        f"{share[False]:.0%}. Being asked binds people to the library: let us ask more of them.",
        f"**Who were they before?** Of those who gave feedback, half had {usual[True]:.0f} acts or more in {before}; of the "
        f"others, half had {usual[False]:.0f} or more. {ahead}. To repair it, compare people with about as many acts "
        f"before. The difference was {100 * alike.crude:+.0f} percentage points; then it is {100 * alike.estimate:+.0f} "
        f"(95% interval {100 * alike.low:+.0f} to {100 * alike.high:+.0f}){told}. "
        "What else made some answer and others not stays in it.")


def best_group(followed, columns, *, minimum_count=10):
    """The group on which a letter worked best, picked after looking at them all.

    Parameters
    ----------
    followed : DataFrame
        As made by `effects.follow`, with the columns named.
    columns : list of str
        Circumstances known before the lot; each of their values is a group.
    minimum_count : int
        Fewest people in any group told of.

    Returns
    -------
    Mistake

    Raises
    ------
    ValueError
        If no circumstance has two groups that may be shown.
    """
    tried, why = {}, "No two groups of people are large enough to be compared."
    for column in columns:
        try:
            tried[column] = effect_by_group(followed.dropna(subset=column), column, minimum_count=minimum_count)
        except ValueError as problem:
            why = str(problem)
    tables = [found.table.assign(circumstance=column) for column, found in tried.items()]
    groups = pd.concat(tables, ignore_index=True).dropna(subset=["raw", "estimate"]) if tables else pd.DataFrame()
    if len(groups) < 2:
        raise ValueError(why)
    best = groups.loc[groups["raw"].idxmax()]
    found = tried[best["circumstance"]]
    group = f"people whose {best['circumstance'].replace('_', ' ')} is \u201c{best['label']}\u201d"
    sure = (f"that difference stands out all the same (q {best['q']:.3f})" if best["q"] < 0.05 else
            f"from the other groups this one cannot be told apart (q {best['q']:.2f})")
    return Mistake(
        f"The letter works best on {group}: {best['raw']:.0f} more in 100 came back, against {found.mean:.0f} on the whole. "
        "Next year we write to them first.",
        f"**The best of {len(groups)} groups is the luckiest of {len(groups)}, too.** They were cut by "
        f"{', '.join(name.replace('_', ' ') for name in tried)}, and whichever came out on top would have been named. The "
        f"interval of this one goes from {best['raw_low']:.0f} to {best['raw_high']:.0f} in 100; drawn towards all groups, "
        f"as far as chance accounts for their spread, it has {best['estimate']:.0f} ({best['low']:.0f} to "
        f"{best['high']:.0f}); and once the number of groups is allowed for, {sure}. To repair it, name the group before "
        "you look, or try it in the next lot.")


def same_months(before, during, served, *, earlier, later, minimum_count=10):
    """Helped people are active people, since help is an act, and since they were so before.

    Parameters
    ----------
    before, during : Series of int
        Acts of each person in the earlier and the later period, indexed by person_key.
    served : collection of str
        Persons whom staff time was traced to in the later period.
    earlier, later : str
        Names of the periods.
    minimum_count : int
        Fewest people in any group told of.

    Returns
    -------
    Mistake

    Raises
    ------
    ValueError
        If too few people were served, or were not.

    Examples
    --------
    >>> acts = pd.Series([9] * 20 + [1] * 60, index=range(80))
    >>> print(same_months(acts, acts + 1, range(20), earlier="2024/25", later="2025/26").said)
    People to whom we gave time in 2025/26 made 10.0 acts that year; the others made 2.0. Time with us makes people use the
    library more.
    """
    both = pd.DataFrame({"before": before, "during": during}).dropna()
    helped = both.index.isin(list(served))
    _enough(minimum_count, {"who were served": helped.sum(), "who were not": (~helped).sum()})
    ours, others = both[helped].mean(), both[~helped].mean()
    ahead = (f"In {earlier}, before any of that time was given, the same people made {ours['before']:.1f} acts and the "
             f"others {others['before']:.1f}")
    already = ("they were ahead by then already" if ours["before"] > others["before"] else
               "they were not ahead then, so this much is not told by who they were")
    return Mistake(
        f"People to whom we gave time in {later} made {ours['during']:.1f} acts that year; the others made "
        f"{others['during']:.1f}. Time with us makes people use the library more.",
        f"**Being served is an act.** Nobody can be served without one, so the two groups differ by the way they were made. "
        f"**And who asks for help?** {ahead}: {already}. To repair it, rank people by a time *before* the one in which the "
        "minutes were spent, as is done above; what the minutes changed could be told by a lot only.")


def unfinished(errands, *, minimum_count=10):
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
    off = errands["a departure from the way"].astype(bool)
    _enough_of_both(minimum_count, errands, off.rename("left"), "seen", {True: "who left the way", False: "who kept to it"})
    _enough(minimum_count, {"who did not finish": errands.loc[~errands["finished"], "person_key"].nunique()})
    share, left = errands.groupby(off)["seen"].mean(), 1 - errands.loc[off, "finished"].mean()
    done = standardised_return(errands[errands["finished"]], "a departure from the way", ["service", "earlier"],
                               minimum_count=minimum_count)
    return Mistake(
        f"After an errand on which somebody left the declared way, {share[True]:.0%} were seen again; after one that kept "
        f"to it, {share[False]:.0%}. Leaving the way costs us readers: let us lead them back to it.",
        f"**The answer is built into the question.** Of the errands that left the way, {left:.0%} were not finished: the "
        "person had not come for the last step yet, or never did. Whoever does not come back is *off the way* for that very "
        f"reason. To repair it, compare finished errands only, of the same service and with like earlier use. "
        f"{done.headline}")


def most_mentioned(touchpoints, *, minimum_count=10):
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
    >>> places = pd.DataFrame({"touchpoint": ["loan", "print"], "people": [900, 80], "voices": [90, 40]})
    >>> print(most_mentioned(places).said)
    More people spoke to us of the loan than of anything else. That is where our readers' troubles are.
    """
    known = touchpoints.dropna(subset=["people", "voices"])
    known = known[(known["people"] >= minimum_count) & (known["voices"] >= minimum_count)]
    if len(known) < 2:
        raise ValueError("Of fewer than two services is it known how many people use them and speak of them.")
    rate = known["voices"] / known["people"]
    first, loudest = known.loc[known["voices"].idxmax()], known.loc[rate.idxmax()]
    same = ("By that count it is still the first" if first["touchpoint"] == loudest["touchpoint"] else
            f"By that count the {loudest['touchpoint']} is the first, with {100 * rate.max():.0f} in 100")
    return Mistake(
        f"More people spoke to us of the {first['touchpoint']} than of anything else. "
        "That is where our readers' troubles are.",
        f"**Much used, much spoken of.** {about(int(first['people'])).capitalize()} people use the {first['touchpoint']}, "
        f"and of 100 of them {100 * first['voices'] / first['people']:.0f} spoke of it. {same}. **And speaking is not "
        "complaining:** some were asked, and some were pleased. To repair it, put the people who use a service below the "
        "line, and tell what they felt from what they rated. A service of which nobody was ever asked is in neither list.")


def before_and_after(panel, fair, *, minimum_count=10):
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
    early = began.groupby("module")["adopted"].first().le(began["adopted"].median())
    weeks = began.assign(early=began["module"].map(early), after=began["turn"] >= began["adopted"]).groupby("after")
    share = weeks.apply(lambda rows: rows.loc[rows["early"], "student_weeks"].sum() / rows["student_weeks"].sum())
    span = f"{fair.estimate:+.0f}% (95% interval {fair.low:+.0f}% to {fair.high:+.0f}%)"
    return Mistake(
        f"Modules that began to make their list with students: {rate[False]:.2f} openings per student and week before, "
        f"{rate[True]:.2f} after, {_change(100 * (rate[True] / rate[False] - 1))}. Cocreation works.",
        "**Nobody stands beside them**, so whatever else happened in those terms is in the figure. **And the two means are "
        f"not of the same modules:** those that began early make up {share[False]:.0%} of the weeks before and "
        f"{share[True]:.0%} of those after, and they may have been opened more all along. To repair it, follow each module "
        f"from before to after, against those that had not begun by then, as is done above: {span}"
        f"{', which cannot be told from no change' if fair.low <= 0 <= fair.high else ''}.")


def _change(percent):
    return f"{'up' if percent > 0 else 'down'} {abs(percent):.0f}%" if round(percent) else "unchanged"
