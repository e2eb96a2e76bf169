"""Shares, their differences, and how many people it takes."""

import numpy as np
import pandas as pd
from figures import published

from libengage_utils.effects.matching import e_value
from libengage_utils.effects.shares import difference, share_returned, standardised_shares
from libengage_utils.effects.sizes import people_needed, smallest_difference
from libengage_utils.effects.waves import stepped_waves
from libengage_utils.effects.worth import harm
from libengage_utils.nonusers import never_seen_rates, standardised_difference
from libengage_utils.themes.by_person import adjusted

ONE_SHARE = "Newcombe (1998), Stat. Medicine 17, 857-872, table I, {}"
TWO_SHARES = "Newcombe (1998), Stat. Medicine 17, 873-890, table II, method 10"


@published(ONE_SHARE.format("method 3"), {
    "Wilson's limits of 81 of 263": (".2553 .3662", 81, 263), "Wilson's limits of 15 of 148": (".0624 .1605", 15, 148),
    "Wilson's limits of 0 of 20": (".0000 .1611", 0, 20), "Wilson's limits of 1 of 29": (".0061 .1718", 1, 29)})
def test_wilsons_interval(some, n):
    return np.ravel(standardised_shares([[some]], [[n]]))[1:]


@published(ONE_SHARE.format("method 3"), {
    "Wilson's limits of 15 of 148 people never seen": (".0624 .1605", 15, 148),
    "Wilson's limits of 81 of 263 people never seen": (".2553 .3662", 81, 263)})
def test_wilsons_interval_of_people_never_seen(never, n):
    people = pd.DataFrame({"mode": "all", "seen": np.arange(n) >= never})
    return never_seen_rates(people, "mode").loc[0, ["low", "high"]]


@published(ONE_SHARE.format("method 3"), {"Wilson's limits of 81 of 263 who came back": ".2553 .3662"})
def test_wilsons_interval_of_people_who_came_back():
    return share_returned(pd.DataFrame({"returned": np.arange(263) < 81})).loc[0, ["low", "high"]]


@published(ONE_SHARE.format("method 5"), {
    "Clopper and Pearson's limits of 81 of 263": (".2527 .3676", 81, 263),
    "Clopper and Pearson's limits of 15 of 148": (".0578 .1617", 15, 148)})
def test_the_exact_interval(some, n):
    followed = pd.DataFrame({"sent": True, "opted_out": np.arange(n) < some, "bounced": False})
    return harm(followed).loc["opted_out", ["low", "high"]]


@published(TWO_SHARES, {
    "limits of 56 of 70 less 48 of 80": ("+.0524 +.3339", (56, 48), (70, 80)),
    "limits of 9 of 10 less 3 of 10": ("+.1705 +.8090", (9, 3), (10, 10)),
    "limits of 6 of 7 less 2 of 7": ("+.0582 +.8062", (6, 2), (7, 7)),
    "limits of 5 of 56 less 0 of 29": ("-.0381 +.1926", (5, 0), (56, 29)),
    "limits of 0 of 10 less 0 of 20": ("-.1611 +.2775", (0, 0), (10, 20)),
    "limits of 0 of 10 less 0 of 10": ("-.2775 +.2775", (0, 0), (10, 10)),
    "limits of 10 of 10 less 0 of 20": ("+.6791 1.0000", (10, 0), (10, 20)),
    "limits of 10 of 10 less 0 of 10": ("+.6075 1.0000", (10, 0), (10, 10))})
def test_newcombes_interval_of_a_difference(some, n):
    return difference(*standardised_shares([some], [n]))[1:]


@published(TWO_SHARES, {"limits of 56 of 70 less 48 of 80, as two waves of a letter": "+.0524 +.3339"})
def test_newcombes_interval_of_a_wave():
    """The first wave's window is over before the second wave, a hundred days later, is written to."""
    wave, back = np.repeat([0, 100], [70, 80]), np.r_[np.arange(70) < 56, np.arange(80) < 48]
    start = pd.Timestamp("2026-01-05")
    people = pd.DataFrame({"person_key": range(150), "wave_on": start + pd.to_timedelta(wave, "D"),
                           "returned_on": start + pd.to_timedelta(np.where(back, 3.0, np.nan), "D")})
    return stepped_waves(people, days=27).table.loc[0, ["low", "high"]].astype(float) / 100


# Graduate admissions to Berkeley's six largest departments, 1973: admitted and rejected. Bickel, Hammel and
# O'Connell (1975), Science 187, 398-404.
BERKELEY = {
    "men": [(512, 313), (353, 207), (120, 205), (138, 279), (53, 138), (22, 351)],
    "women": [(89, 19), (17, 8), (202, 391), (131, 244), (94, 299), (24, 317)]}


@published("Freedman, Pisani & Purves, Statistics, ch. 2, on admissions to Berkeley in 1973", {
    "shares of men and women admitted": ("0.45 0.30", ()),
    "shares of men and women admitted, departments being alike": ("0.39 0.43", ("department",))})
def test_shares_admitted_to_berkeley(alike):
    return 1 - berkeley(alike)[["reference_rate", "rate"]].astype(float)


def test_standardisation_turns_round_the_admissions_to_berkeley():
    row = berkeley(["department"])
    assert row.difference < 0 < row.crude and row.low < row.difference < row.high


def berkeley(alike):
    """Men and women compared, what is named being alike."""
    people = pd.concat(pd.DataFrame({"sex": sex, "department": place, "seen": np.arange(sum(counts)) < counts[0]})
                       for sex, departments in BERKELEY.items() for place, counts in enumerate(departments))
    return standardised_difference(people, "sex", list(alike)).loc[0]


@published("R, manual of stats::power.prop.test, examples", {"people in each arm to tell 50% from 75%, power 90%": "76.7"},
           within=0.5, because="whole people")
def test_the_number_of_people_needed():
    return people_needed(0.5, 0.75, power=0.9).letter


@published("R, manual of stats::power.prop.test, examples", {"share told from 50% by 50 people an arm, power 90%": "0.8026"})
def test_the_smallest_share_that_can_be_told():
    return 0.5 + smallest_difference(50, 50, 0.5, power=0.9)


@published("R's stats::power.prop.test in the handbook of the University of Virginia's StatLab", {
    "people in each arm to tell 30% from 25%, power 90%": ("1673.856", 0.30, 0.25),
    "people in each arm to tell 5% from 10%, power 90%": ("581.0821", 0.05, 0.10)}, within=0.5, because="whole people")
def test_the_number_of_people_needed_for_a_small_change(share, to):
    return people_needed(share, to, power=0.9).letter


@published("VanderWeele & Ding (2017), Ann. Intern. Med. 167, 268-274", {
    "E-values of a risk ratio of 3.9, and of its lower limit 1.8": "7.26 3.0"})
def test_the_e_value():
    return e_value(3.9, 1.8, 8.7)


@published("Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57(1), 289-300", {
    "hypotheses of 15 rejected at a false discovery rate of 5%": "4"})
def test_the_rule_of_benjamini_and_hochberg():
    p = [.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528, .7590, 1]
    return (adjusted(p) <= 0.05).sum()
