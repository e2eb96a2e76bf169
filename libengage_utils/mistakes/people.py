"""Mistaken readings of what people did: who is left out, who was there before, who was picked afterwards."""

import narwhals as nw
import pandas as pd

from ..effects import effect_by_group, matched_difference
from ..effects.by_group import CERTAIN
from ..engagement import day_number, period_of
from ..journeys.sessions import acts_of_people
from ..privacy import about
from ..roster import day_numbers
from .mistake import Mistake, enough, enough_of_both, tempting


def average_reader(acts, *, period, minimum_count=10):
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
    >>> print(average_reader(pd.Series([0] * 40 + [1] * 30 + [30] * 15), period="2025/26").said)
    In 2025/26 our average reader used the library 11 times. People who come, come often: the library is part of their weeks.
    """
    seen = acts[acts > 0]
    enough(minimum_count, {"with an act": len(seen), "without one": len(acts) - len(seen)})
    tempting(seen.mean() >= 2 and seen.mean() > 1.2 * acts.median())
    lifted = (f" Half of the people with an act have {seen.median():.0f} or fewer: some with very many lift the mean."
              if seen.mean() > 1.2 * seen.median() else "")
    return Mistake(
        f"In {period} our average reader used the library {seen.mean():.0f} times. People who come, come often: the library "
        "is part of their weeks.",
        f"**Who is not below the line?** The mean is of {about(len(seen))} people with an act on record; {about(len(acts))} "
        f"were eligible, and {1 - len(seen) / len(acts):.0%} of these have none. **And who is average?** Of everybody "
        f"eligible, half have {acts.median():.0f} acts or fewer.{lifted} To repair it, put everybody who could have come "
        "below the line, and say what half of them did.")


def who_spoke(events, feedback, periods, *, minimum_count=10):
    """People who gave feedback come back more, and were there more often already.

    Parameters
    ----------
    events : frame
        The schema's events, of any kind Narwhals supports.
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
        If there is one period only, too few people spoke, did not, or are alike; and as `sessionise`.
    """
    if len(periods) < 2:
        raise ValueError("To see who came back in the period after, the study needs two periods, and it has one.")
    before, after = periods["period"].iloc[-2:]
    counts, day = ["acts before", "acts after"], day_number("occurred_at")
    spans = zip(*(day_numbers(periods[end].iloc[-2:]).tolist() for end in ("from", "to")), strict=True)
    acts = acts_of_people(events)[0].select("person_key", *(
        day.is_between(*span).cast(nw.Int64).alias(name) for name, span in zip(counts, spans, strict=True)))
    people = acts.group_by("person_key").agg(nw.col(counts).sum()).filter(nw.col(counts[0]) > 0).sort("person_key")
    people = people.with_columns(nw.col(counts).cast(nw.Int64)).lazy().collect().to_pandas()      # sums are of a wider kind
    spoke = feedback.loc[period_of(feedback["given_at"], periods) == before, "person_key"].dropna()
    people = people.assign(spoke=people["person_key"].isin(spoke), again=people["acts after"] > 0)
    enough_of_both(minimum_count, people, "spoke", "again", {True: "who spoke", False: "who did not speak"})
    share, usual = people.groupby("spoke")["again"].mean(), people.groupby("spoke")["acts before"].median()
    tempting(share[True] > share[False])
    alike = matched_difference(people, "spoke", "again", ["acts before"], minimum_count=minimum_count)
    ahead = ("Who is there often is asked often, and comes again anyway" if usual[True] > usual[False] else
             "By this, they were not there more often; other differences may remain")
    told = ", which cannot be told from none" if alike.low <= 0 <= alike.high else ""
    return Mistake(
        f"Of people who gave us feedback in {before}, {share[True]:.1%} came again in {after}; of the others, "
        f"{share[False]:.1%}. Being asked binds people to the library: let us ask more of them.",
        f"**Who are they?** Of those who gave feedback, half had {usual[True]:.0f} acts or more in {before}; of the others, "
        f"half had {usual[False]:.0f} or more. {ahead}. To repair it, compare people with about as many acts in {before}. "
        f"The difference was {100 * alike.crude:+.1f} percentage points; then it is {100 * alike.estimate:+.1f} (95% "
        f"interval {100 * alike.low:+.1f} to {100 * alike.high:+.1f}){told}. Some of those acts came after they were asked, "
        "so this may take off too much; and what else made some answer and others not stays in it.")


def best_group(followed, columns, overall, *, minimum_count=10):
    """The group on which a letter worked best, picked after looking at them all.

    Parameters
    ----------
    followed : DataFrame
        As made by `effects.follow`, with the columns named.
    columns : list of str
        Circumstances known before the lot; each of their values is a group.
    overall : float
        What the letter did to everybody, in 100 written to.
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
    tempting(best["raw"] >= overall + 1)
    q = min(1, len(tried) * best["q"])
    group = f"people whose {best['circumstance'].replace('_', ' ')} is \u201c{best['label']}\u201d"
    sure = (f"it stands out from the others all the same (q {q:.3f})" if q < CERTAIN else
            f"it cannot be told apart from the others (q {q:.2f})")
    return Mistake(
        f"The letter works best on {group}: {best['raw']:.0f} more in 100 came back, against {overall:.0f} on the whole. "
        "Next year we write to them first.",
        f"**The best of {len(groups)} groups is the luckiest of {len(groups)}, too.** They were cut by "
        f"{', '.join(name.replace('_', ' ') for name in tried)}, and whichever came out on top would have been named. The "
        f"interval of this one goes from {best['raw_low']:.0f} to {best['raw_high']:.0f} in 100; drawn towards the other "
        f"groups of its kind, as far as chance accounts for their spread, it has {best['estimate']:.0f} ({best['low']:.0f} "
        f"to {best['high']:.0f}); and once all the groups looked at are allowed for, {sure}. To repair it, name the group "
        "before you look, or try it in the next lot.")


def people_helped(before, during, served, *, earlier, later, minimum_count=10):
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
    >>> print(people_helped(acts, acts + 1, range(20), earlier="2024/25", later="2025/26").said)
    People to whom we gave time in 2025/26 made 10.0 acts that year; the others made 2.0. Time with us makes people use the
    library more.
    """
    both = pd.DataFrame({"before": before, "during": during}).dropna()
    helped = both.index.isin(list(served))
    enough(minimum_count, {"who were served": helped.sum(), "who were not": (~helped).sum()})
    ours, others = both[helped].mean(), both[~helped].mean()
    tempting(ours["during"] > others["during"])
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
