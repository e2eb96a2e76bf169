"""Models fitted to people."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels
from figures import published

from libengage_utils.effects.list_rates import rate_model
from libengage_utils.effects.mediation import mediation
from libengage_utils.letters.rhythm import RhythmModel

CDNOW = "cdnow_customers_summary.csv"
FRAMING = Path(statsmodels.__file__).parent / "stats" / "tests" / "results" / "framing.csv"


def cdnow():
    """The customers of CDNOW: where LIBENGAGE_CDNOW says, where data/cdnow/fetch.py puts them, or in lifetimes."""
    peer = find_spec("lifetimes")
    places = [os.environ.get("LIBENGAGE_CDNOW"), Path(__file__).parents[2] / "data" / "cdnow" / CDNOW,
              peer and Path(peer.origin).parent / "datasets" / CDNOW]
    for place in places:
        if place and Path(place).exists():
            return pd.read_csv(place)
    pytest.skip("The customers of CDNOW are not here: data/cdnow/fetch.py fetches them, or LIBENGAGE_CDNOW names the file.")


@published("Fader, Hardie & Lee (2005), Marketing Science 24(2), 275-284, table 2", {
    "BG/NBD model of 2,357 customers of CDNOW: r, alpha, a, b": ("0.243 4.414 0.793 2.426", "r_", "alpha_", "a_", "b_"),
    "BG/NBD model of CDNOW: log-likelihood, customers": ("-9582.4 2357", "loglik_", "n_")})
def test_the_model_of_rhythms(*names):
    model = RhythmModel().fit(cdnow())
    return [getattr(model, name) for name in names]


@published("Doll & Hill (1966), Natl Cancer Inst. Monogr. 19, 205-268, as in Stata's manual, [R] poisson", {
    "coronary deaths of smokers against others, ages alike": "1.425519"})
def test_the_ratio_of_rates():
    """Each cell is dealt out among 20, which changes no sum."""
    deaths = [32, 104, 206, 186, 102, 2, 12, 28, 28, 31]
    years = [52407, 43248, 28612, 12663, 5317, 18790, 10673, 5710, 2585, 1462]
    cells = pd.DataFrame({"term": [*range(5)] * 2, "noted": [1.0] * 5 + [0.0] * 5, "all": deaths, "years": years})
    panel = cells.merge(pd.DataFrame({"module": range(20)}), how="cross").assign(cocreated=np.nan)
    panel["opens"] = panel["all"] // 20 + (panel["module"] < panel["all"] % 20)
    panel["student_weeks"] = panel["years"] / 20
    return rate_model(panel, ["noted"], family="poisson").table.loc[0, "estimate"]


TINGLEY = "Tingley et al. (2014), J. Stat. Software 59(5), on the framing of immigration"
DRAWN = {"within": 0.01, "because": "theirs are means of 100 random draws, themselves out by 0.003 to 0.007"}


@published(f"{TINGLEY}: R's package mediation", {
    "what passes through emotion, those framed and those not, here their mean": "0.0791 0.0804"}, **DRAWN)
def test_what_passes_through_an_emotion():
    return [framing()["indirect"]] * 2


@published(f"statsmodels' tests, with the data of {TINGLEY}", {
    "mean ACME, mean ADE and total effect, by the bootstrap": "0.085390 0.017222 0.102612",
    "mean ACME, mean ADE and total effect, by simulated parameters": "0.075938 0.021798 0.097736"}, **DRAWN)
def test_what_passes_and_what_does_not():
    return framing()[["indirect", "direct", "total"]]


def framing():
    """What of the framing's association with a message to Congress passes through emotion (indirect), and what does not."""
    return mediation(pd.read_csv(FRAMING), "treat", "emo", "cong_mesg", covariates=["age", "educ", "gender", "income"],
                     kind="probit", draws=2).table["estimate"]
