"""What people who answered a survey say, and what that leaves open about those who did not."""

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from .nonusers import truth, withheld
from .privacy import about, suppress


@dataclass(frozen=True)
class SurveyShares:
    """What those who answered said, and what that leaves open about all.

    Made by `reason_shares` and `surely_invisible`. `people` are all the question is about, `respondents`
    those of them who answered. `table` has, by answer: `people` who gave it; their `share` of the respondents
    with 95% Wilson limits `low` and `high`; `bound_low` and `bound_high`, between which the share of *all*
    lies whatever the silent would have said; `rests_on`, the fewer of those who gave it and who did not; `withheld`.
    """

    people: int
    respondents: int
    table: pd.DataFrame

    @property
    def response_rate(self):
        """Share of the people who answered."""
        return self.respondents / self.people

    @property
    def summary(self):
        """The commonest answer in two sentences."""
        shown = self.table[~self.table.withheld]
        if shown.empty:
            return f"Too few of {about(self.people)} people gave any one answer for a share to be shown."
        row = shown.loc[shown.share.idxmax()]
        return (
            f"{about(self.respondents).capitalize()} of {about(self.people)} people answered this question; most may not "
            f"have been asked. Of those who answered, {row.share:.0%} (95% interval {row.low:.0%} to {row.high:.0%}) said "
            f"\u201c{row.name}\u201d. Of all of them the share lies between {row.bound_low:.0%} and {row.bound_high:.0%}, "
            "whatever the others would have said."
        )


def reason_shares(answers, nonusers, *, person="person_key", reason="answer", minimum_count=10):
    """Reasons of non-users who were asked: shares of those who answered, and bounds for all non-users.

    Non-users rarely answer, and those who do may differ. The bounds assume nothing of the silent: at worst
    none of them has the reason, or all have (Manski 1989). They need no interval, being about these very
    people.

    Parameters
    ----------
    answers : frame
        One row a person and reason. Several reasons of a person count once each; rows without a person,
        without a reason, or of people who are not among `nonusers` are passed over.
    nonusers : array-like of str
        Keys of all the people the shares are about, asked or not.
    person, reason : str
        Columns of `answers`.
    minimum_count : int
        Fewest people who gave, and fewest who did not give, a reason that is shown.

    Returns
    -------
    SurveyShares
        `table` has one row a reason, commonest first.

    Raises
    ------
    ValueError
        If a column is not there, or there are no non-users.

    References
    ----------
    Manski (1989), Anatomy of the selection problem, J. Human Resources 24, 343-360.

    Examples
    --------
    >>> answers = pd.DataFrame({"person_key": [f"p_{i}" for i in range(50)],
    ...                         "answer": ["I buy my books"] * 30 + ["too far"] * 20})
    >>> shares = reason_shares(answers, [f"p_{i}" for i in range(200)])
    >>> shares.table[["people", "share", "bound_low", "bound_high"]]
                    people  share  bound_low  bound_high
    I buy my books    30.0    0.6       0.15        0.90
    too far           20.0    0.4       0.10        0.85
    """
    answers = _answers_of(answers, nonusers, person, reason).drop_duplicates()
    return _shares(answers[reason].value_counts(), answers[person].nunique(), nonusers, minimum_count)


def surely_invisible(answers, never_seen, *, person="person_key", uses="uses", minimum_count=10):
    """People without an identified act who say that they use the library: users the logs cannot see.

    Parameters
    ----------
    answers : frame
        Answers of a survey that bear a person; those of people who are not among `never_seen` are passed
        over.
    never_seen : array-like of str
        Keys of all people without an identified act.
    person, uses : str
        Columns of `answers`: the person, and whether they say I use the library (true or false).
    minimum_count : int
        Fewest people who say yes, and fewest who say no, for the share to be shown.

    Returns
    -------
    SurveyShares
        `table` has one row. Its `bound_low` is the share of all never seen who *surely* are users, as far as
        people report truly.

    Raises
    ------
    ValueError
        If a column is not there, or there are no people never seen.

    Examples
    --------
    >>> answers = pd.DataFrame({"person_key": [f"p_{i}" for i in range(80)],
    ...                         "uses": [True] * 20 + [False] * 60})
    >>> surely_invisible(answers, [f"p_{i}" for i in range(400)]).table[["people", "share", "bound_low"]]
                              people  share  bound_low
    I use the library   20.0   0.25       0.05
    """
    answers = _answers_of(answers, never_seen, person, uses)
    yes = truth(answers, uses).groupby(answers[person]).any()
    counts = pd.Series({"I use the library": yes.sum()})
    return _shares(counts, len(yes), never_seen, minimum_count)


def _answers_of(answers, people, person, answer):
    """Person and answer, of these people, where both are there."""
    answers = nw.from_native(answers, eager_only=True).to_pandas()
    if absent := [name for name in (person, answer) if name not in answers]:
        raise ValueError(f"The answers have no column {', '.join(absent)}; they have {', '.join(answers)}.")
    if len(people) == 0:
        raise ValueError("There are no people to describe: give the keys of everybody the shares are about.")
    return answers.loc[answers[person].isin(list(people)), [person, answer]].dropna()


def _shares(counts, respondents, people, minimum_count):
    """Counts of answers as shares of the respondents, with bounds on the shares of all people."""
    everybody = len(set(people))
    table = pd.DataFrame({"people": counts.astype(float)})
    table["share"] = table.people / respondents if respondents else np.nan
    table["low"], table["high"] = proportion_confint(table.people, max(respondents, 1), method="wilson")
    table["bound_low"] = table.people / everybody
    table["bound_high"] = (table.people + everybody - respondents) / everybody
    table["rests_on"] = np.minimum(table.people, respondents - table.people)
    few = table["rests_on"] < minimum_count
    if counts.sum() == respondents and len(counts) > 1:      # one answer each: the rest would give a small one away
        few |= suppress(counts, minimum_count).isna()
    table.index.name = None
    return SurveyShares(everybody, respondents, withheld(table, few.to_numpy(), []))
