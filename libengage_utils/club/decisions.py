"""What sessions decided and is not done yet."""

import pandas as pd


def open_decisions(log, on):
    """Decisions without an outcome, the longest over due first.

    Parameters
    ----------
    log : DataFrame
        As `study.decisions.read_decisions` gives it.
    on : date-like
        The day of asking.

    Returns
    -------
    DataFrame
        Rows of the log, with days_over_due (0 where it is not due yet).

    Examples
    --------
    >>> log = pd.DataFrame({"action": ["Ask twenty people never seen.", "Move the desk."], "owner": "head of services",
    ...                     "due": pd.to_datetime(["2026-03-01", "2026-02-01"]), "outcome": ["", "moved"]})
    >>> open_decisions(log, "2026-03-08")[["action", "days_over_due"]].values.tolist()
    [['Ask twenty people never seen.', 7]]
    """
    waiting = log[log["outcome"] == ""].sort_values(["due", "action"], kind="stable", ignore_index=True)
    return waiting.assign(days_over_due=(pd.Timestamp(on) - waiting["due"]).dt.days.clip(lower=0).astype(int))
