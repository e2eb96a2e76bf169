"""Which claims hold in the synthetic library, and its independent streams of random numbers."""

import numpy as np

DEFAULTS = {
    "C01": True,  # launched services fall short of their forecast
    "C02": True,  # a few people make most of the use
    "C03": True,  # staff time goes to those already engaged
    "C04": True,  # behaviour, affect and participation are three things
    "C05": True,  # experience drives emotion, which drives later activity
    "C07": True,  # volunteered comments are very high or very low
    "C08": False,  # overall ratings follow peak and end rather than the mean
    "C09": True,  # friction keeps people away
    "C10": False,  # a well-recovered failure raises later use
    "C12": True,  # never being seen depends on circumstances
    "C14": True,  # the letter brings people back
    "C16": False,  # cocreating a list raises its use
    "C17": True,  # how a list is made goes with its use
    "C18": True,  # the declared way is often left
    "C19": True,  # what is gathered reaches nearly every service and most people
    "segments": False,  # three clearly separated kinds of users
}

TABLES = (
    "people",
    "traits",
    "activity",
    "journeys",
    "events",
    "launches",
    "letter",
    "survey",
    "forms",
    "box",
    "comments",
    "staff",
    "lists",
    "bad rows",
    "codes",
    "placements",
)


def planted_claims(overrides=None):
    """Say for every claim whether it is planted true.

    Parameters
    ----------
    overrides : dict of str to bool, optional
        Claims to plant otherwise than `DEFAULTS` does.

    Returns
    -------
    dict of str to bool

    Raises
    ------
    ValueError
        If a claim cannot be planted.

    Examples
    --------
    >>> planted_claims({"C02": False})["C02"]
    False
    """
    unknown = sorted(set(overrides or {}) - set(DEFAULTS))
    if unknown:
        raise ValueError(
            f"{', '.join(unknown)} cannot be planted in the demo; choose among {', '.join(DEFAULTS)}."
        )
    return DEFAULTS | {claim: bool(holds) for claim, holds in (overrides or {}).items()}


def random_streams(seed):
    """Give each part of the demo its own generator, so that changing one leaves the others as they were."""
    children = np.random.SeedSequence(seed).spawn(len(TABLES))
    return {name: np.random.default_rng(child) for name, child in zip(TABLES, children, strict=True)}
