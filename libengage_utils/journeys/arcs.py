"""How the steps of journeys felt: the emotional arc of a kind of journey, and the high, low, peak and end of each."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from ..privacy import about

AT_ONCE = 250_000  # steps worked out at a time
STRONG = 0.5  # valence from which a feeling counts as strong: 1 and 2, or 4 and 5, on a scale from 1 to 5
FALSE_DISCOVERIES = 0.05


@dataclass(frozen=True)
class EmotionalArc:
    """How a kind of journey feels, step by step; made by `emotional_arc`.

    Attributes
    ----------
    kind : str or None
        The service; None for all together.
    table : DataFrame
        One row a step, in the usual order: label, position (median number of the step in its journey), estimate
        (mean valence), low, high (95%), n (rated steps), people, difference (from the mean), p_adjusted, mark
        ("high", "low" or ""), share_low and share_high (share with a valence of at most -0.5, of at least 0.5).
        Figures that rest on too few people are missing.
    mean, low, high : float
        Mean valence of the rated steps in the rows that are shown, with its 95% interval.
    people : int
        Different people who rated these steps.
    """

    kind: str | None
    table: pd.DataFrame = field(repr=False)
    mean: float
    low: float
    high: float
    people: int

    @property
    def summary(self):
        """The highs and lows in a sentence or two."""
        journeys = f"{self.kind} journeys" if self.kind else "all journeys together"
        withheld = int(self.table["estimate"].isna().sum())
        note = f" {withheld} of {len(self.table)} steps are withheld, because too few people rated them." if withheld else ""
        if withheld == len(self.table):
            return f"Too few people rated any one step of {journeys} for its feeling to be shown."
        marked = [f"{row.label}, a {row.mark} ({row.estimate:+.2f}, 95% interval {row.low:+.2f} to {row.high:+.2f})"
                  for row in self.table.itertuples() if row.mark]
        found = ("steps that differ from that mean by more than chance are " + "; ".join(marked) if marked else
                 "no step differs from that mean by more than chance" if len(self.table) - withheld > 1 else
                 "there is a single step to be shown, so neither high nor low")
        return (f"The steps of {journeys} have a mean valence of {self.mean:+.2f} (95% interval {self.low:+.2f} to "
                f"{self.high:+.2f}; -1 is worst and 1 is best), from {about(self.people)} people; {found}.{note}")


def emotional_arc(steps, kind=None, by="touchpoint", minimum_count=10):
    """Mean valence of each step of a kind of journey, and which steps are its highs and lows.

    Intervals are cluster-robust by person, with the small-sample correction and the degrees of freedom of Bell &
    McCaffrey. A high or a low is a step whose mean differs from the mean of all steps shown, after the
    Benjamini-Hochberg rule over the steps at a false-discovery rate of 5%; the test allows for the same people
    being behind both means.

    Parameters
    ----------
    steps : DataFrame
        As made by `steps_with_feelings`.
    kind : str, optional
        A service; all journeys together by default.
    by : {"touchpoint", "step"}
        What makes a row: the touchpoint, or the number of the step.
    minimum_count : int
        Fewest people that a figure may rest on.

    Returns
    -------
    EmotionalArc

    Raises
    ------
    ValueError
        If `by` is something else, or there is no journey of this kind.

    References
    ----------
    Bell & McCaffrey (2002), Survey Methodology 28(2), 169-181. Imbens & Kolesar (2016), Rev. Econ. Stat. 98(4),
    701-712. Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57(1), 289-300.

    Examples
    --------
    >>> steps = pd.DataFrame({"journey_id": np.repeat(range(20), 2), "person_key": np.repeat(range(20), 2),
    ...                       "service": "loan", "step": [1, 2] * 20, "touchpoint": ["search", "desk"] * 20,
    ...                       "valence": [-0.6, 0.4, -0.2, 0.8] * 10})
    >>> emotional_arc(steps, "loan").table[["label", "estimate", "mark"]].round(2).values.tolist()
    [['search', -0.4, 'low'], ['desk', 0.6, 'high']]
    """
    if by not in ("touchpoint", "step"):
        raise ValueError(f'`by` is "touchpoint" or "step", not {by!r}.')
    if kind is not None:
        kinds = sorted(steps["service"].dropna().unique())
        steps = steps.loc[steps["service"] == kind, sorted({"person_key", by, "step", "valence"})]
        if steps.empty:
            raise ValueError(f"There is no {kind} journey; the kinds of journeys are {', '.join(kinds) or 'not recorded'}.")
    if steps.empty:
        raise ValueError("There are no steps of journeys, so there is no arc.")
    order = steps.groupby(by)["step"].agg(position="median", later="mean").sort_values(["position", "later"], kind="stable")
    rated = steps.dropna(subset="valence")
    people = rated.groupby(by)["person_key"].nunique().reindex(order.index, fill_value=0)
    shown = people.index[people >= minimum_count]
    rated = rated[rated[by].isin(shown)]

    person = pd.factorize(rated["person_key"])[0]
    value, overall = rated["valence"].to_numpy(), rated["valence"].mean()
    rows = [_step(value, person, (rated[by] == label).to_numpy(), overall, minimum_count) for label in shown]
    table = pd.DataFrame(rows, index=shown, columns=["estimate", "low", "high", "n", "people", "difference", "p",
                                                     "share_low", "share_high"]).reindex(order.index)
    tested = table["p"].notna()
    table.loc[tested, "p"] = stats.false_discovery_control(table.loc[tested, "p"]) if tested.any() else np.nan
    sure = table["p"] < FALSE_DISCOVERIES
    table["mark"] = np.select([sure & (table["difference"] > 0), sure & (table["difference"] < 0)], ["high", "low"], "")
    table.insert(0, "position", order["position"])
    table.insert(0, "label", [f"step {label}" if by == "step" else label for label in table.index])
    table = table.rename(columns={"p": "p_adjusted"}).reset_index(drop=True)
    low, high = _interval(overall, *_error(value - overall, person)) if len(value) else (np.nan, np.nan)
    return EmotionalArc(kind, table, float(overall), low, high, len(np.unique(person)))


def journey_measures(steps, points_for_inertia=30):
    """One row a journey: how long it took, and how it felt on the whole, at its peak, at its end, and in its changes.

    Parameters
    ----------
    steps : DataFrame
        As made by `steps_with_feelings`.
    points_for_inertia : int
        Fewest pairs of successive rated steps from which inertia is told. Five noisy steps cannot carry it.

    Returns
    -------
    DataFrame
        journey_id, person_key, service, steps, rated (steps with a valence), duration_days; of the valence: mean,
        high, low, start and end (of the first and the last step, missing where it was not rated), peak (the value
        farthest from 0; of several the last), peak_end (mean of the two), variability (standard deviation),
        instability (root mean square of successive differences), inertia (lag-1 autocorrelation). Missing where there
        is nothing to tell them from.

    References
    ----------
    Peak and end: Fredrickson & Kahneman (1993), J. Pers. Soc. Psychol. 65(1), 45-55. Successive differences: von Neumann,
    Kent, Bellinson & Hart (1941), Ann. Math. Stat. 12(2), 153-162; of affect: Jahng, Wood & Trull (2008), Psychol.
    Methods 13(4), 354-375. Inertia: Kuppens, Allen & Sheeber (2010), Psychol. Science 21(7), 984-991.

    Examples
    --------
    >>> steps = pd.DataFrame({"journey_id": "j", "person_key": "ann", "service": "loan", "step": [1, 2, 3],
    ...                       "occurred_at": pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-04"]),
    ...                       "valence": [0.5, -0.8, 0.6]})
    >>> journey_measures(steps).loc[0, ["duration_days", "mean", "peak", "end", "peak_end"]].astype(float).round(2).tolist()
    [3.0, 0.1, -0.8, 0.6, -0.1]
    """
    needed = ["journey_id", "person_key", "service", "step", "occurred_at", "valence"]
    kinds = {"service": steps["service"].astype("category").dtype, "steps": "int32", "rated": "int32"}
    return pd.concat([_measured(some, points_for_inertia).astype(kinds) for some in by_journey(steps, needed)],
                     ignore_index=True)


def by_journey(steps, columns):
    """These columns of steps as frames of about so many rows each, a journey's in one; categories as their text."""
    for rows in in_parts(steps["journey_id"].astype("category").cat.codes.to_numpy(), AT_ONCE):
        some = steps.iloc[rows][columns]
        yield some.astype({name: column.cat.categories.dtype for name, column in some.items() if column.dtype == "category"})


def in_parts(codes, at_once):
    """Positions in order of their codes, in parts of about so many, those of one code in one part."""
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    return np.split(order, np.setdiff1d(np.searchsorted(codes, codes[at_once::at_once]), 0))


def _measured(steps, points_for_inertia):
    """Measures of some journeys."""
    keys = ["journey_id", "person_key"]
    steps = steps.sort_values([*keys, "step"], ignore_index=True)
    steps["far"] = steps["valence"].abs().round(9)
    steps["before"] = steps.groupby(keys)["valence"].shift()
    steps["change"] = (steps["valence"] - steps["before"]) ** 2
    journeys = steps.groupby(keys)
    rest = steps["valence"] - journeys["valence"].transform("mean")
    steps["spread"], steps["echo"] = rest**2, rest * rest.groupby([steps[key] for key in keys]).shift()

    table = journeys.agg(service=("service", "first"), steps=("step", "size"), rated=("valence", "count"),
                         first=("occurred_at", "min"), last=("occurred_at", "max"), mean=("valence", "mean"),
                         high=("valence", "max"), low=("valence", "min"), variability=("valence", "std"))
    table.insert(3, "duration_days", (table.pop("last") - table.pop("first")) / pd.Timedelta(days=1))
    table["start"], table["end"] = (steps.drop_duplicates(keys, keep=which).set_index(keys)["valence"]
                                    for which in ("first", "last"))
    far = steps.dropna(subset="far").sort_values([*keys, "far", "step"])
    table["peak"] = far.drop_duplicates(keys, keep="last").set_index(keys)["valence"]
    table["peak_end"] = (table["peak"] + table["end"]) / 2
    table["instability"] = np.sqrt(journeys["change"].mean())
    sums = steps.groupby(keys)[["echo", "spread"]].sum()
    enough = (steps.groupby(keys)["echo"].count() >= points_for_inertia - 1) & (sums["spread"] > 1e-12)
    table["inertia"] = (sums["echo"] / sums["spread"]).where(enough)
    return table.reset_index()


def _step(value, person, here, overall, minimum_count):
    """Figures of one step: those of its mean, its difference from the overall mean, and its strong feelings."""
    own = value[here]
    estimate, n = own.mean(), len(own)
    own_error, freedom = _error(own - estimate, person[here])
    low, high = _interval(estimate, own_error, freedom)
    gap = here * (value - estimate) * len(value) / n - (value - overall)  # influence on the difference of the two means
    error, _ = _error(gap, person)
    difference = 0.0 if abs(estimate - overall) < 1e-12 else estimate - overall
    p = 2 * stats.t.sf(abs(difference) / max(error, 1e-12), freedom) if n < len(value) else np.nan
    shares = [_share(strong, person[here], minimum_count) for strong in (own <= -STRONG + 1e-9, own >= STRONG - 1e-9)]
    return estimate, low, high, n, len(np.unique(person[here])), difference, p, *shares


def _error(rest, person):
    """Cluster-robust standard error of a mean whose residuals these are, and its degrees of freedom."""
    clusters = np.unique(person, return_inverse=True)[1]
    size, total, n = np.bincount(clusters), np.bincount(clusters, rest), len(rest)
    if len(size) < 2:
        return np.nan, np.nan
    kept = 1 - size / n
    across = size**2 / (n * kept)
    freedom = n**2 / ((size**2).sum() + across.sum() ** 2 - (across**2).sum())
    return np.sqrt((total**2 / kept).sum()) / n, freedom


def _interval(estimate, error, freedom):
    reach = stats.t.ppf(0.975, freedom) * error
    return max(estimate - reach, -1.0), min(estimate + reach, 1.0)


def _share(strong, person, minimum_count):
    """Share of the strong among rated steps; missing where too few people are behind it, or behind the others."""
    fewest = min(len(np.unique(person[strong])), len(np.unique(person[~strong])))
    return strong.mean() if fewest >= minimum_count else np.nan
