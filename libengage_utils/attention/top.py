"""The share of use that the most active people make, under the choices that can be made in counting it."""

from dataclasses import dataclass, replace

from .lorenz import concentration


@dataclass(frozen=True)
class TopShare:
    """The share of use that the most active make; made by `top_share`.

    Attributes
    ----------
    estimate, low, high : float
        The share, from 0 to 1, with its 95% interval; missing where it would rest on too few people.
    rests_on : int
        As of `Concentration`.
    summary : str
        The finding in sentences.
    """

    estimate: float
    low: float
    high: float
    rests_on: int
    summary: str


def top_share(features, *, period, counted="acts", among="seen", throughout=False, top=0.2, n_boot=2000,
              minimum_count=10, random_state=0):
    """The share of use made by the most active people of a period.

    Parameters
    ----------
    features : DataFrame
        As made by `engagement.engagement_features`: a row a person and period.
    period : str
    counted : str
        Column of what is counted, such as acts or active_days.
    among : {"seen", "everybody"}
        People seen in the period, or everybody eligible whom a source could see.
    throughout : bool
        Whether only people count who were eligible for the whole period, who had most time to act.
    top, n_boot, minimum_count, random_state
        As for `concentration`.

    Returns
    -------
    TopShare

    Raises
    ------
    ValueError
        If `among` is another word, or people are too few.

    Examples
    --------
    >>> import pandas as pd
    >>> features = pd.DataFrame({"period": "2025/26", "acts": [20] * 20 + [5] * 80 + [0] * 100, "covered": True,
    ...                          "eligible_days": 365})
    >>> shares = [top_share(features, period="2025/26", among=who, n_boot=200).estimate for who in ("seen", "everybody")]
    >>> [round(share, 2) for share in shares]
    [0.5, 0.62]
    """
    if among not in ("seen", "everybody"):
        raise ValueError(f"`among` is {among!r}; it is seen or everybody.")
    now = features[features["period"] == period]
    people = now[(now["acts"] > 0) | (now["covered"].astype(bool) & (among == "everybody"))]
    if throughout:
        people = people[people["eligible_days"] == now["eligible_days"].max()]
    found = concentration(people[counted], exposure=people["eligible_days"], top=top, n_boot=n_boot,
                          minimum_count=minimum_count, random_state=random_state)
    share = found.top_share
    told = found if counted == "acts" else replace(found, what=counted.replace("_", " "))
    return TopShare(share.estimate, share.low, share.high, found.rests_on, told.summary)
