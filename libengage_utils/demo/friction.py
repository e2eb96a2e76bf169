"""How acts end, how a term was lived through, and what friction and its recovery do to later use."""

import numpy as np
import pandas as pd

RECOVERED = 0.35  # share of failures put right by the staff
QUIET_AFTER = 0.8  # chance that friction starts a quiet spell, for somebody of few acts (C09)
QUIET_DAYS = (95, 200)
EXTRA_VISITS = 1.5  # mean visits gained by a failure put right, within 90 days (C10)
OFF_PATH_FAILS = 1.6


def end_acts(acts, touchpoints, hardship, rng):
    """Add outcome, minutes waited and whether a failure was put right.

    Parameters
    ----------
    acts : pandas.DataFrame
        Columns person, touch, off_path.
    touchpoints : pandas.DataFrame
        With fails, waiting and wait by touchpoint code.
    hardship : ndarray, shape (n_people,)
        How hard this term is for each person, on the log scale of failing and waiting.
    rng : numpy.random.Generator
    """
    touch, hard = acts["touch"].to_numpy(), hardship[acts["person"]]
    draws = rng.random((3, len(acts)))
    fails = touchpoints["fails"].to_numpy()[touch] * np.exp(hard - 0.3)
    fails = np.minimum(fails * np.where(acts["off_path"], OFF_PATH_FAILS, 1), 0.6)
    failed = draws[0] < fails
    waits = ~failed & (draws[1] < touchpoints["waiting"].to_numpy()[touch])
    usual = touchpoints["wait"].to_numpy()[touch]
    minutes = np.round(usual * np.exp(0.5 * hard + 0.7 * rng.standard_normal(len(acts))))
    return acts.assign(
        outcome=np.select([failed, waits], ["failed", "waiting"], "ok"),
        minutes_waited=np.where(usual > 0, minutes, np.nan),
        long_wait=(usual > 0) & (minutes > 3 * usual),
        recovered=failed & (draws[2] < RECOVERED),
    )


def experience(acts, people):
    """Sum a term's acts up to each person's experience: few failures and waits are a good term.

    Returns
    -------
    ndarray, shape (people,)
        In standard deviations of the people who were active; 0 for the others.
    """
    unmended = (acts["outcome"] == "failed") & ~acts["recovered"]
    trouble = unmended + 0.4 * acts["long_wait"] + 0.3 * (acts["outcome"] == "waiting")
    count = np.bincount(acts["person"], minlength=people)
    burden = np.bincount(acts["person"], weights=trouble, minlength=people) / (count + 2)
    active = count > 0
    if not active.any():
        return np.zeros(people)
    return np.where(active, (burden[active].mean() - burden) / max(burden[active].std(), 1e-9), 0)


def fall_quiet(acts, people, planted, rng):
    """Let friction end some people's use for a while: give what remains, and until when they are quiet.

    Friction is a failure nobody put right, or a long wait. Somebody of many acts shrugs more of it off. The
    quiet begins once the act, or the journey it belongs to, is over. Planted segments keep to their habits.
    """
    until = np.full(people, -1)
    if not planted["C09"] or planted["segments"] or acts.empty:
        return acts, until
    friction = ((acts["outcome"] == "failed") & ~acts["recovered"]) | acts["long_wait"]
    count = np.bincount(acts["person"], minlength=people)[acts["person"]]
    hit = friction & (rng.random(len(acts)) < QUIET_AFTER * np.minimum(1, 6 / (count + 1)))
    over = acts["day"].where(acts["journey"] < 0, acts.groupby("journey")["day"].transform("max"))
    since = np.full(people, np.iinfo(int).max)
    np.minimum.at(since, acts["person"][hit], over[hit])
    quiet = since < np.iinfo(int).max
    until[quiet] = since[quiet] + rng.integers(*QUIET_DAYS, quiet.sum())
    return acts[acts["day"].to_numpy() <= since[acts["person"]]], until


def thankful_visits(acts, traits, planted, rng):
    """Give the visits that failures put right bring within 90 days (C10): columns person, day, minute."""
    mended = acts[acts["recovered"]]
    times = rng.poisson(EXTRA_VISITS if planted["C10"] else 0, len(mended))
    visits = pd.DataFrame(
        {
            "person": np.repeat(mended["person"].to_numpy(), times),
            "day": np.repeat(mended["day"].to_numpy(), times) + rng.integers(3, 88, times.sum()),
            "minute": rng.integers(540, 1200, times.sum()),
        }
    )
    return visits[visits["day"] <= traits["last"].to_numpy()[visits["person"]]]
