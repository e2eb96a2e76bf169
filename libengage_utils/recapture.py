"""How many users the logs cannot see, from how far two sources overlap: acts on record, and answers to a survey."""

from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from .privacy import about

ODDS_RATIOS = (0.5, 1, 2, 4)  # of being in one source, for people in the other against people who are not
SEEN = ["both", "only_first", "only_second"]
FIGURES = ["users", "low", "high", "invisible", "invisible_low", "invisible_high"]
Z = stats.norm.ppf(0.975)


@dataclass(frozen=True)
class Recapture:
    """An estimate of all users from two sources; made by `recapture`.

    Attributes
    ----------
    people, outside : int
        People on the roster; keys in a source that are not on it, and are left out.
    users, low, high : float
        Estimated users, in either source or in neither, with a 95% interval.
    invisible, invisible_low, invisible_high : float
        Those of them who are not in the first source.
    table : DataFrame
        A row a stratum: stratum, people (to the nearest ten), both, only_first, only_second, and the six figures above.
    sensitivity : DataFrame
        odds_ratio, and the six figures if people in one source had these odds of being in the other, against people who are
        not; 1 is the estimate.
    bounds : DataFrame
        Fewest and most users, and invisible ones (rows), that there can be whatever the silent would have said: low, high.
    assumptions : tuple of str
        What the estimate takes for granted, in sentences.
    rests_on : int
        The fewest people of a stratum in both sources or in one only, or who answered and are not in the first.
    if_alike : tuple of float, optional
        Invisible users, with a 95% interval, if people not in the first source who were silent are users as often as those
        who answered; where it is known who answered, and enough did.
    """

    people: int
    outside: int
    users: float
    low: float
    high: float
    invisible: float
    invisible_low: float
    invisible_high: float
    table: pd.DataFrame = field(repr=False)
    sensitivity: pd.DataFrame = field(repr=False)
    bounds: pd.DataFrame = field(repr=False)
    assumptions: tuple = field(repr=False)
    rests_on: int
    if_alike: tuple | None = None

    @property
    def shares(self):
        """Users and invisible users as shares of the roster: estimate, low, high (DataFrame)."""
        figures = np.reshape([getattr(self, name) for name in FIGURES], (2, 3))
        return pd.DataFrame(figures / self.people, index=["users", "invisible"], columns=["estimate", "low", "high"])

    @property
    def by_dependence(self):
        """Invisible users as a share of these people, by what is taken for granted: label, estimate, low, high, rests_on."""
        labels = {0.5: "on one list: half the odds of the other", 1: "the two lists are independent",
                  2: "on one list: twice the odds of the other", 4: "on one list: four times the odds"}
        table = self.sensitivity.set_index("odds_ratio")[FIGURES[3:]].set_axis(["estimate", "low", "high"], axis=1)
        table = (table / self.people).rename(labels).rename_axis("label").reset_index()
        if self.if_alike is not None:
            table.loc[len(table)] = ["the silent are as those who answered", *np.array(self.if_alike) / self.people]
        return table.assign(rests_on=self.rests_on)

    @property
    def headline(self):
        """How many users the first source does not show, in a sentence."""
        words = (f"{_about(self.invisible).capitalize()} of {about(self.people)} people use the library and are in no log, "
                 f"if log and survey are independent ({_about(self.invisible_low)} to {_about(self.invisible_high)})")
        alike = "" if self.if_alike is None else f"; {_about(self.if_alike[0])} if the silent are as those who answered"
        return f"{words}{alike}."

    @property
    def summary(self):
        """The finding, and how far it hangs on the sources being independent, in sentences."""
        least, most = self.bounds.loc["invisible"]
        doubled = self.sensitivity.set_index("odds_ratio").loc[2, "invisible"]
        words = (f"Of {about(self.people)} people of whom both lists could speak, {_about(self.users)} are users (95% "
                 f"interval {_about(self.low)} to {_about(self.high)}). Of them {_about(self.invisible)} "
                 f"({_about(self.invisible_low)} to {_about(self.invisible_high)}) are not seen in the log, which is "
                 f"{self.invisible / self.people:.0%} of these people. Whatever the silent would have said, their number "
                 f"lies between {_about(least)} and {_about(most)}. If users on one list had twice the odds of being on the "
                 f"other, it would be {_about(doubled)}.")
        if self.if_alike is not None:
            words += (" If those not in the log who were silent use the library as often as those who answered, it would be "
                      f"{_about(self.if_alike[0])} ({_about(self.if_alike[1])} to {_about(self.if_alike[2])}).")
        return words + (f" {about(self.outside).capitalize()} keys in the sources are of people not on this roster, and are "
                        "left out." if round(self.outside, -1) else "")


def recapture(people, first, second, *, by=None, answered=None, minimum_count=10):
    """Number of users from two incomplete lists of them, by capture and recapture.

    If the lists are independent, as large a share of all users is in the first as of those in the second. Within strata
    the number is Chapman's; strata are added up (Sekar & Deming), which takes out what circumstances make the lists share.
    The interval is Sadinle's, which covers well where few are in both; over strata the variances of its missing numbers add
    up. No number is larger than the roster has room for.

    A stratum of whose people seen fewer than `minimum_count` are in both sources, only in the first or only in the second
    is put together with the next smallest.

    Parameters
    ----------
    people : frame
        The roster: one row a person who could have used the library in the time both sources speak of, and whom both could
        have shown. Leave out people whom no source covers: nothing can be said of them.
    first, second : array-like of str
        Keys of the people in each source: with an identified act; who say that they use the library.
    by : str or list of str, optional
        Columns of circumstances within which the sources are taken to be independent.
    answered : array-like of str, optional
        Keys of all who answered the survey, yes or no: narrows the bounds, and checks answers against acts.
    minimum_count : int
        Fewest people in both sources, only in the first and only in the second, in a stratum.

    Returns
    -------
    Recapture

    Raises
    ------
    ValueError
        If a column is missing or a person is there twice; of a stratum with enough people in one source nobody is in the
        other; or too few people are in both sources, or in only one of them.

    References
    ----------
    Chapman (1951), Univ. Calif. Publ. Stat. 1(7), 131-160. Sekar & Deming (1949), J. Am. Stat. Assoc. 44, 101-115. Sadinle
    (2009), Commun. Stat. Simul. Comput. 38(9), 1909-1924. Dependence: Gerritse, van der Heijden & Bakker (2015), J. Off.
    Stat. 31(3), 357-379. Bounds: Manski (1989), J. Human Resources 24, 343-360.

    Examples
    --------
    200 people are in the log. Of 100 who say that they use the library, 80 are: so the log shows four users in five.

    >>> people = pd.DataFrame({"person_key": range(400)})
    >>> result = recapture(people, first=range(200), second=range(120, 220))
    >>> round(result.users), round(result.low), round(result.high), round(result.invisible)
    (250, 236, 277, 50)
    >>> result.sensitivity.set_index("odds_ratio")["invisible"].round().to_dict()
    {0.5: 35.0, 1.0: 50.0, 2.0: 79.0, 4.0: 139.0}
    """
    roster, by = _roster(people, by)
    answered = () if answered is None else answered
    in_first, in_second, replied = (roster["person_key"].isin(np.asarray(keys).tolist()).to_numpy()
                                    for keys in (first, second, answered))
    cells = pd.DataFrame({"people": 1.0, "both": in_first & in_second, "only_first": in_first & ~in_second,
                          "only_second": in_second & ~in_first}).astype(float)
    circumstances = [roster[name].astype(object).fillna("not recorded").astype(str) for name in by]
    cells = cells.groupby(circumstances or pd.Series("all", roster.index)).sum()
    cells.index = [", ".join(np.atleast_1d(name)) for name in cells.index]
    strata = _merged(_checked(cells, minimum_count), minimum_count)

    table = strata.round({"people": -1}).rename_axis("stratum").reset_index()
    table["stratum"] = [name if name.count(";") < 2 else f"{name.split(';')[0]}; and {name.count(';')} others"
                        for name in table["stratum"]]
    counts = strata.to_numpy()
    table[FIGURES] = [_figures(counts[[place]]) for place in range(len(counts))]
    sensitivity = pd.DataFrame([_figures(counts, ratio) for ratio in ODDS_RATIOS], columns=FIGURES)
    sensitivity.insert(0, "odds_ratio", ODDS_RATIOS)
    said_no, seen = replied & ~in_second, in_first | in_second
    surely_not = (said_no & ~in_first).sum()
    room = len(roster) - (surely_not if surely_not >= minimum_count else 0)
    bounds = pd.DataFrame({"low": seen.sum(), "high": room}, index=["users", "invisible"], dtype=float)
    bounds.loc["invisible"] -= in_first.sum()
    yes, no = (replied & in_second & ~in_first).sum(), surely_not
    alike, rests_on = None, strata[SEEN].min(axis=None)
    if min(yes, no) >= minimum_count:
        rests_on = min(rests_on, yes, no)
        alike = tuple((~in_first).sum() * np.array([yes / (yes + no), *proportion_confint(yes, yes + no, method="wilson")]))
    return Recapture(len(roster), len({*first, *second} - {*roster["person_key"]}), *_figures(counts), table, sensitivity,
                     bounds, _assumptions(by, (said_no & in_first).sum(), (in_first & in_second).sum(), minimum_count),
                     int(rests_on), alike)


def _about(number):
    return about(round(number))


def _roster(people, by):
    """The roster by key, and the columns of circumstances as a list."""
    by = [by] if isinstance(by, str) else list(by or [])
    roster = nw.from_native(people).lazy().collect().to_pandas()
    if absent := [name for name in ("person_key", *by) if name not in roster]:
        raise ValueError(f"The people have no column {' and no column '.join(absent)}; they have {', '.join(roster)}.")
    if twice := int(roster["person_key"].duplicated().sum()):
        raise ValueError(f"{twice:,} people stand on the roster more than once: keep one row a person.")
    return roster.sort_values("person_key", ignore_index=True), by


def _checked(cells, minimum_count):
    """Cells of strata, unless a source seems to be blind to one of them."""
    first, second = cells["both"] + cells["only_first"], cells["both"] + cells["only_second"]
    for seen, other, what in ((first, second, "first"), (second, first, "second")):
        if blind := cells.index[(seen == 0) & (other >= minimum_count)].tolist():
            raise ValueError(f"Nobody of {' and '.join(blind)} is in the {what} source, though people are in the other: it "
                             "seems blind to them, and of their number nothing can be said. Leave them out, and say so.")
    return cells


def _merged(cells, minimum_count):
    """Strata with enough people in each way of being seen; the smaller ones put together."""
    while (least := cells[SEEN].min(axis=1)).min() < minimum_count:
        if len(cells) == 1:
            raise ValueError(f"Fewer than {minimum_count} people are in both sources, only in the first, or only in the "
                             "second, which is too few to tell of the number of users: take a longer time.")
        small = least.sort_values(kind="stable").index[:2]
        cells = pd.concat([cells.drop(small), cells.loc[small].sum().to_frame("; ".join(small)).T])
    return cells


def _figures(counts, odds_ratio=1):
    """Users, and those not in the first source, each with 95% limits, over strata: rows of people and the cells seen."""
    people, both, first, second = counts.T
    around = (first + 0.5) * (second + 0.5) / (both + 0.5)
    variance = around**2 * (1 / (both + 0.5) + 1 / (first + 0.5) + 1 / (second + 0.5) + 1 / around)
    missing = around.sum() * np.exp(np.array([0, -Z, Z]) * np.sqrt(variance.sum()) / around.sum()) - len(counts) / 2
    missing[0] = (first * second / (both + 1)).sum()
    seen = (both + first + second).sum()
    missing = np.clip(odds_ratio * missing, 0, people.sum() - seen)
    return *map(float, seen + missing), *map(float, second.sum() + missing)


def _assumptions(by, contradicted, confirmed, minimum_count):
    """What the estimate takes for granted, and which way it errs where that does not hold."""
    alike = f" of one {' and '.join(name.replace('_', ' ') for name in by)}" if by else ""
    true = "Answers are true: people who say yes and do not use the library make the estimate too high."
    if min(contradicted, confirmed) >= minimum_count:
        true += (f" Of those in the log who answered, {contradicted / (contradicted + confirmed):.0%} said no, against what "
                 "the log shows.")
    return (
        "Both sources speak of the same people and of the same time.",
        "People are matched rightly: a user who is in both and not matched makes the estimate too high.",
        f"Among users{alike} the two sources are independent. People who use the library much are seen in the log and also "
        "answer more readily: the estimate is then too low; the rows of the figure say by how much.",
        "Every user had some chance of being in either source: those whom no source covers, or who were not asked in any "
        "way that goes with their use, are not in the estimate.",
        true,
    )
