"""Times until something happens."""

from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels
from figures import published
from scipy import stats

from libengage_utils.effects import return_curves, return_model
from libengage_utils.effects.holdout import log_rank
from libengage_utils.uptake import uptake

# Weeks until a relapse, and weeks watched of those who had none.
FREIREICH = {"drug": ([6, 6, 6, 7, 10, 13, 16, 22, 23], [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]),
             "placebo": ([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], [])}
MILLER = {"maintained": ([9, 13, 18, 23, 31, 34, 48], [13, 28, 45, 161]),
         "not maintained": ([5, 5, 8, 8, 12, 23, 27, 30, 33, 43, 45], [16])}
REMISSION = "Freireich et al. (1963), Blood 21, 699-716, as in Cox & Oakes (1984), Analysis of Survival Data, table 1.1"
SURVIVAL = "R's package survival, help on aml (Miller 1997, Survival Analysis)"
GEHAN = "R's package survival on MASS::gehan, the data of Freireich et al. (1963)"
MARROW = Path(statsmodels.__file__).parent / "duration" / "tests" / "results" / "bmt.csv"


def people(groups, unit=7):
    """A row a person, weeks as days."""
    rows = [(group, unit * time, unit * time if happened else np.nan)
            for group, parts in groups.items() for times, happened in zip(parts, (True, False), strict=True)
            for time in times]
    table = pd.DataFrame(rows, columns=["group", "watched", "days_to_return"])
    return table.assign(person_key=range(len(table)), group=table["group"].astype(str))


def left(table, group):
    """Share to whom it has not happened, by day."""
    curve = return_curves(table, "group", minimum_count=1, draws=2)
    return 1 - curve[curve["group"] == group].set_index("day")["estimate"]


def chi_square(table, **lot):
    """The log-rank test's chi-square, from its p-value."""
    arms = np.where(table["group"] == table["group"].iloc[0], "letter", "holdout")
    rows = table.assign(arm=arms, **{"probability": 0.5, "stratum": "all", "assigned_on": "2026-01-05", **lot})
    return stats.chi2.isf(log_rank(rows), 1)


def marrow(groups):
    """Days until relapse or death after a transplant of bone marrow, as statsmodels' tests carry them."""
    table = pd.read_csv(MARROW).query("Group in @groups").rename(columns={"Group": "group", "T": "watched"})
    return table.assign(days_to_return=table["watched"].where(table["Status"] == 1), person_key=range(len(table)))


@published(REMISSION, {"in remission after 6, 7, 10, 13, 16, 22 and 23 weeks": ".857 .807 .753 .690 .627 .538 .448"})
def test_kaplan_and_meiers_curve_of_returns():
    return left(people(FREIREICH), "drug")[[42, 49, 70, 91, 112, 154, 161]]


@published(REMISSION, {f"in remission by day {day}, as uptake of a service": (left_, day)
                       for day, left_ in {6: ".857", 10: ".753", 16: ".627", 23: ".448"}.items()})
def test_kaplan_and_meiers_curve_of_uptake(by):
    """A service is launched; those who relapse take it up, the others leave when they were last watched."""
    launch, times = pd.Timestamp("2025-03-01"), people(FREIREICH, 1).query("group == 'drug'")
    days = launch + pd.to_timedelta(times["watched"] - 1, "D")
    used = times["days_to_return"].notna()
    roster = pd.DataFrame({"person_key": times["person_key"].astype(str), "eligible_from": pd.Timestamp("2020-01-01"),
                           "eligible_to": days.where(~used)})
    first = pd.DataFrame({"person_key": ["0"], "occurred_at": pd.Timestamp("2025-01-01"), "touchpoint": "loan"})
    events = pd.concat([first, roster[used][["person_key"]].assign(occurred_at=days[used], touchpoint="chat")])
    events = events.assign(event_id=[f"e{n}" for n in range(len(events))], initiated_by="person")
    forecast = pd.DataFrame({"service": ["chat"], "launched_on": launch, "expected_share": 0.3, "by_day": by,
                             "recorded_on": "2025-02-01"})
    return 1 - uptake(roster, events, forecast, as_of="2025-06-30", minimum_count=1).table["uptake"]


@published(GEHAN, {"median weeks in remission, drug": ("23", FREIREICH, "drug"),
                   "median weeks in remission, placebo": ("8", FREIREICH, "placebo")})
def test_the_median_time_in_remission(groups, group):
    return median(groups, group)


@published(SURVIVAL, {"median weeks, maintained": ("31", MILLER, "maintained"),
                      "median weeks, not maintained": ("23", MILLER, "not maintained")})
def test_the_median_survival(groups, group):
    return median(groups, group)


def median(groups, group):
    """The first week by the end of which it has happened to half."""
    curve = left(people(groups), group)
    return curve.index[curve <= 0.5][0] / 7


@published(GEHAN, {"log-rank chi-square, drug against placebo": "16.79"})
def test_the_log_rank_test():
    return chi_square(people(FREIREICH))


@published(SURVIVAL, {"log-rank chi-square, maintained against not": "3.4"})
def test_the_log_rank_test_of_few():
    return chi_square(people(MILLER))


@published(GEHAN, {"Cox regression, coefficient and ratio of placebo": ("1.572 4.82", FREIREICH, "placebo")})
def test_coxs_regression(groups, group):
    return cox(groups, group)


@published(SURVIVAL, {
    "Cox regression, coefficient and ratio of no maintenance": ("0.9155 2.4981", MILLER, "not maintained")})
def test_coxs_regression_of_few(groups, group):
    return cox(groups, group)


def cox(groups, group):
    """Logarithm of the ratio of hazards, and the ratio."""
    table = people(groups)
    ratio = return_model(table.assign(own=table["group"] == group), ["own"]).table.loc[0, "estimate"]
    return np.log(ratio), ratio


@published("SAS/STAT User's Guide, LIFETEST, bone marrow transplants, group ALL (in statsmodels' tests)", {
    "free of disease after 1, 55 and 74 days": ".97368 .94737 .92105"})
def test_the_curve_of_bone_marrow_transplants():
    return left(marrow(["ALL"]), "ALL")[[7, 56, 77]]  # the ends of the weeks in which these days lie


@published("R's package survival on bone marrow transplants (in statsmodels' tests)", {
    "log-rank chi-square, AML of low against high risk": ("13.44556", 1),
    "the same in 5 strata": ("11.97799", 5),
    "the same in 8 strata": ("12.12631", 8)})
def test_the_log_rank_test_within_strata(strata):
    table = marrow(["AML-Low Risk", "AML-High Risk"])
    return chi_square(table, stratum=np.arange(len(table)) % strata)
