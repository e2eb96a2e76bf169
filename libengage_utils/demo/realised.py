"""What came out of what was planted: one plain figure for each claim, measured on what nobody else sees."""

import numpy as np
import pandas as pd

from .forms import term_of
from .seasons import day_number
from .staff import MINUTES


def concentration(acts):
    """Share of all acts made by the most active fifth of the people seen."""
    counts = np.sort(acts.groupby("person").size())[::-1]
    return counts[: len(counts) // 5].sum() / counts.sum()


def uptake(roster, acts, library, forecasts):
    """Share of those eligible at each launch who used the service within the forecast's days."""
    joins, leaves = day_number(roster["eligible_from"]), day_number(roster["eligible_to"])
    shares = {}
    for row in forecasts.itertuples():
        start = int(day_number([row.launched_on])[0])
        there = np.flatnonzero((joins <= start) & (leaves >= start))
        days = 180 if pd.isna(row.by_day) else row.by_day
        users = acts.loc[
            (acts["touch"] == library["code"][row.service]) & (acts["day"] < start + days), "person"
        ]
        shares[row.service] = np.isin(there, users).mean()
    return shares


def attention(roster, acts, library):
    """Concentration index of staff minutes in 2025/26 over people ranked by their acts in 2024/25."""
    minutes = acts["touch"].map({library["code"][name]: value for name, value in MINUTES.items()}).fillna(0)
    term = term_of(acts["day"])
    earlier = acts[(term >= 3) & (term < 6)].groupby("person").size()
    later = minutes[term >= 6].groupby(acts["person"][term >= 6]).sum()
    people = np.flatnonzero(
        (day_number(roster["eligible_from"]) <= day_number(["2024-09-01"])[0])
        & (day_number(roster["eligible_to"]) >= day_number(["2026-08-31"])[0])
    )
    seen = people[np.isin(people, earlier.index)]
    return {
        "concentration_index": _concentration_index(later, earlier, people),
        "concentration_index_of_those_seen_earlier": _concentration_index(later, earlier, seen),
    }


def _concentration_index(time, earlier, people):
    rank = earlier.reindex(people, fill_value=0).rank(pct=True)
    time = time.reindex(people, fill_value=0)
    return 2 * np.cov(time, rank)[0, 1] / time.mean()


def mediation(moods):
    """Least-squares paths experience -> emotion -> log acts of the next term, this term's acts held fixed."""
    later = moods.assign(term=moods["term"] - 1)[["person", "term", "acts"]]
    pairs = moods[moods["term"] < 8].merge(later, on=["person", "term"], how="left", suffixes=("", "_next"))
    lived, felt = pairs["experience"], pairs["emotion"]
    now, then = np.log1p(pairs["acts"]), np.log1p(pairs["acts_next"].fillna(0))
    to_emotion = _slopes(felt, lived, now)[0]
    to_use = _slopes(then, felt, lived, now)[0]
    return {"experience_to_emotion": to_emotion, "emotion_to_use": to_use, "indirect": to_emotion * to_use}


def _slopes(outcome, *causes):
    design = np.column_stack([*causes, np.ones(len(outcome))])
    return np.linalg.lstsq(design, outcome, rcond=None)[0][:-1]


def tails(feedback):
    """Share of 1 and 5 among ratings of the comment box, and of the survey."""
    extreme = feedback["rating"].isin([1, 5])
    box = feedback["instrument"] == "comment box"
    survey = (feedback["instrument"] == "annual survey") & feedback["rating"].notna()
    return {"comment_box": extreme[box].mean(), "annual_survey": extreme[survey].mean()}


def peak_and_end(ratings):
    """Correlation of the overall rating with the mean of the steps, and with that of peak and end."""
    steps = ratings[ratings["question"] == "step"]
    steps = steps.assign(intensity=(steps["rating"] - 5).abs())
    journeys = steps.groupby("journey")
    peak = steps.loc[journeys["intensity"].idxmax()].set_index("journey")["rating"]
    whole = ratings[ratings["question"] == "overall"].set_index("journey")["rating"]
    return {
        "with_mean": whole.corr(journeys["rating"].mean()),
        "with_peak_and_end": whole.corr((peak + journeys["rating"].last()) / 2),
    }


def after_journeys(acts, ratings):
    """What follows journeys without failure, with one, and with one put right.

    Returns
    -------
    dict of dict
        For each kind: journeys, share back within 90 days, mean acts in them, mean overall rating.
    """
    steps = acts[acts["journey"] >= 0]
    journeys = (
        steps.assign(failed=steps["outcome"] == "failed")
        .groupby("journey")
        .agg(
            person=("person", "first"),
            end=("day", "max"),
            failed=("failed", "any"),
            mended=("recovered", "any"),
        )
    )
    journeys["acts"] = _acts_after(journeys, acts)
    journeys["rating"] = ratings[ratings["question"] == "overall"].set_index("journey")["rating"]
    journeys = journeys[journeys["end"] <= 1005]
    kind = np.select(
        [journeys["mended"].astype(bool), journeys["failed"]], ["put_right", "failed"], "no_failure"
    )
    return {
        str(name): {
            "journeys": len(group),
            "back_within_90_days": (group["acts"] > 0).mean(),
            "acts_within_90_days": group["acts"].mean(),
            "rating": group["rating"].mean(),
        }
        for name, group in journeys.groupby(kind)
    }


def _acts_after(journeys, acts):
    """Count each person's acts in the 90 days after the end of a journey."""
    key = np.sort(acts["person"].to_numpy().astype(np.int64) * 10_000 + acts["day"].to_numpy())
    start = journeys["person"].to_numpy().astype(np.int64) * 10_000 + journeys["end"].to_numpy()
    return np.searchsorted(key, start + 90, "right") - np.searchsorted(key, start, "right")


def never_seen(roster, acts):
    """Share without an identified act, among those some source can see, by mode."""
    covered = roster[roster["home_site"] != "Partner college"]
    unseen = ~covered.index.isin(acts["person"])
    return {
        str(mode): share
        for mode, share in pd.Series(unseen).groupby(covered["mode"].to_numpy()).mean().items()
    }


def returns(roster, acts, contacts, campaign):
    """Share of each arm with an act within the outcome window after the lot."""
    lot = int(day_number([contacts["assigned_at"].iloc[0]])[0]) if len(contacts) else 0
    window = acts["day"].between(lot, lot + int(campaign["outcome_days"].iloc[0]))
    back = contacts["person_id"].isin(roster["person_id"].iloc[acts.loc[window, "person"].unique()])
    return {str(arm): share for arm, share in back.groupby(contacts["arm"]).mean().items()}


def signals(roster, acts, feedback, library):
    """Share of people with an act or an answer, and of touchpoints with acts and ten feedback rows."""
    people = set(roster["person_id"].iloc[acts["person"].unique()]) | set(feedback["person_id"].dropna())
    used = acts["touch"].unique()
    heard = feedback["touchpoint"].value_counts()
    names = library["touchpoints"].index[used]
    return {"people": len(people) / len(roster), "touchpoints": (heard.reindex(names).fillna(0) >= 10).mean()}
