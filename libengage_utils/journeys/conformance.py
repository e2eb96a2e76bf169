"""How far people's errands follow the way declared for them, and where they leave it."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import stats

from ..privacy import about, suppress
from .variants import clear_of_edges, errands
from .workflows import align, nodes_walked

KINDS = ("skipped", "repeated", "out of order", "added")
IN_WORDS = {"skipped": "{} left out", "repeated": "{} once more", "out of order": "{} out of its order",
            "added": "{} in between"}
MOST_TOLD = 3


@dataclass(frozen=True)
class ShareOff:
    """Share of errands that leave the way, with its 95% interval; made by `share_off`. Missing where withheld.

    It `rests_on` the people who leave the way or on those who keep to it, whichever are fewer.
    """

    estimate: float
    low: float
    high: float
    rests_on: float
    journeys: int
    people: int

    @property
    def headline(self):
        """The share, in a sentence."""
        share = ("a share that is withheld, too few people being behind it, leave" if np.isnan(self.estimate) else
                 f"{self.estimate:.0%} (95% interval {self.low:.0%} to {self.high:.0%}) leave")
        return f"Of {self.journeys:,} errands of {about(self.people)} people, {share} the way declared for them."


@dataclass(frozen=True)
class Conformance:
    """How far errands follow the ways declared; made by `conformance`.

    Attributes
    ----------
    journeys : DataFrame
        One row an errand counted, by person and journey: person_key, journey_id, service, began (time of its first step),
        clear_days (days from there to the nearer end of the log), steps, path (number of its distinct path), cost,
        fitness, the number of steps "skipped", "repeated", "out of order" and "added", finished (bool: the last required
        step was walked), off (bool: left the way).
    services : DataFrame
        One row a service, most errands first: label, journeys, people, estimate (share off), low, high (95%), rests_on (the
        fewer of the people who leave the way and who keep to it), fitness (mean), fitness_low, fitness_high; missing where
        withheld.
    deviations : DataFrame
        One row a service, step and kind, most frequent first: service, step, kind, journeys, people, estimate (share of
        the service's errands), low, high, rests_on; missing where withheld.
    estimate, low, high : float
        Share of all errands counted that left the way, with its 95% interval.
    people : int
        People behind it.
    left_out : Series of int
        Errands left out, by reason.
    """

    journeys: pd.DataFrame = field(repr=False)
    services: pd.DataFrame = field(repr=False)
    deviations: pd.DataFrame = field(repr=False)
    estimate: float
    low: float
    high: float
    people: int
    left_out: pd.Series = field(repr=False)

    @property
    def headline(self):
        """Whether most errands leave the way, in a sentence."""
        if np.isnan(self.estimate):
            return "Too few people leave the way declared for their errands, or keep to it, for their share to be shown."
        if self.low >= 0.5:
            return f"Most errands leave the way declared for them: {self.estimate:.0%}."
        if self.high < 0.5:
            return f"Most errands keep to the way declared for them; {self.estimate:.0%} leave it."
        return f"It cannot be told whether most errands leave the way declared for them; {self.estimate:.0%} here do."

    @property
    def departures(self):
        """The most frequent departure from a way, in a sentence."""
        if (shown := self.deviations.dropna()).empty:
            return "Too few people depart from a way in any one manner for it to be shown."
        row = shown.loc[shown["estimate"].idxmax()]
        return (f"The commonest departure: {IN_WORDS[row['kind']].format(row['step'])}, on {row['estimate']:.0%} of "
                f"{row['service']} errands.")

    def headline_of(self, service):
        """How many errands of a service leave its way, in a sentence."""
        row = self.services.set_index("label").loc[service]
        if np.isnan(row["estimate"]):
            return f"How many {service} errands leave the declared way is withheld: too few people do, or do not."
        return (f"Of 100 {service} errands, {100 * row['estimate']:.0f} (95% interval {100 * row['low']:.0f} to "
                f"{100 * row['high']:.0f}) leave the declared way.")

    @property
    def summary(self):
        """The findings in sentences."""
        left = [f"{about(number)} {reason}" for reason, number in self.left_out.items() if number]
        note = f" Not counted: {'; '.join(left)}." if left else ""
        if np.isnan(self.estimate):
            return self.headline + note
        words = (f"Of {len(self.journeys):,} errands of {about(self.people)} people, {self.estimate:.0%} (95% interval "
                 f"{self.low:.0%} to {self.high:.0%}) leave the way declared for them. ")
        most = self.deviations.dropna().head(MOST_TOLD)
        told = [f"{IN_WORDS[row.kind].format(row.step)} on {row.estimate:.0%} of {row.service} errands "
                f"({row.low:.0%} to {row.high:.0%})" for row in most.itertuples()]
        words += f"The most frequent departures are: {'; '.join(told)}. " if told else ""
        withheld = int(self.services["estimate"].isna().sum())
        words += f"{withheld} {'service is' if withheld == 1 else 'services are'} withheld. " if withheld else ""
        return words + "A step that no system records counts as left out." + note


def conformance(steps, workflows, *, as_of=None, edge_days=60, minimum_count=10):
    """How far errands follow the way declared for their service, by alignments of least cost.

    The cost of an errand is the least number of steps to be struck out or put in for it to follow the way (`align`, which
    says how ties are broken); it is off the way if that is not 0. Fitness is 1 - cost / (steps walked + fewest steps that
    the way allows). What deviates is

    skipped
        a required step that was not walked;
    repeated
        a step walked again, where the way has it but not again;
    out of order
        a step walked at another place than declared, its own being left empty;
    added
        a touchpoint that is no step of the way.

    Intervals of shares are Wilson's for the number of independent errands that the variance between people is worth; those
    of mean fitness are cluster-robust by person.

    Parameters
    ----------
    steps : frame
        The schema's events, in any order and of any kind Narwhals supports; what staff or systems do is no step.
    workflows : dict of str to Workflow
        As made by `read_workflows`.
    as_of : date, optional
        Last day that the events reach; by default that of the last act.
    edge_days : int
        Errands begun within so many days of the log's end may not be over, and those whose first act lies so near its
        beginning may have begun before it: both are left out and counted.
    minimum_count : int
        Fewest people who leave the way, and who keep to it, behind a figure; at least 5.

    Returns
    -------
    Conformance

    Raises
    ------
    ValueError
        As for `errands`; and if no errand is for a service with a declared way, or all began too near an end of the log.

    References
    ----------
    Fitness: Adriansyah, van Dongen & van der Aalst (2011), EDOC 2011, 55-64; van der Aalst, Adriansyah & van Dongen (2012),
    WIREs Data Mining and Knowledge Discovery 2(2), 182-192. Shares of clustered errands: Dean & Pagano (2015), J. Survey
    Statistics and Methodology 3(4), 484-503.

    Examples
    --------
    >>> from libengage_utils.journeys.workflows import Workflow
    >>> acts = pd.DataFrame({"event_id": range(80), "person_key": np.repeat(range(40), 2), "journey_id": "j",
    ...     "service": "loan", "touchpoint": ["search", "loan", "desk", "loan"] * 20, "initiated_by": "person",
    ...     "occurred_at": pd.Timestamp("2025-01-01")})
    >>> way = Workflow("loan", ("search", "loan"), (True, True), (False, False))
    >>> found = conformance(acts, {"loan": way}, edge_days=0)
    >>> found.estimate, found.deviations[["step", "kind", "estimate"]].values.tolist()
    (0.5, [['desk', 'added', 0.5], ['search', 'skipped', 0.5]])
    """
    walked = errands(steps, as_of)
    table, declared = walked.table, walked.table["service"].isin(list(workflows))
    if not declared.any():
        raise ValueError(f"No errand is for a service with a declared way ({', '.join(sorted(workflows))}): name the "
                         "service of errands in the events (service) as the workflows do.")
    journeys = clear_of_edges(table, edge_days, declared)
    left_out = pd.Series({"of no service": table["service"].isna().sum(),
                          "of a service without a declared way": (table["service"].notna() & ~declared).sum(),
                          f"begun within {edge_days} days of an end of the log": declared.sum() - len(journeys)})
    del table, declared
    walked = replace(walked, table=None)
    person, walks, parts, deviations = pd.factorize(journeys["person_key"])[0], journeys[["steps", "start", "path"]], [], []
    for service, some in journeys.groupby("service").indices.items():
        aligned, found, names = _aligned(walks.iloc[some], walked, workflows[service])
        parts.append(aligned)
        deviations.append(_by_step(service, person[some], found, names, minimum_count))
    journeys = journeys.drop(columns="start").join(pd.concat(parts))
    del walks, walked, parts
    deviations = pd.concat(deviations).sort_values(["journeys", "service", "step", "kind"], ignore_index=True,
                                                   ascending=[False, True, True, True])
    whole = share_off(journeys, minimum_count=minimum_count)
    return Conformance(journeys, _by_service(journeys, minimum_count), deviations, whole.estimate, whole.low, whole.high,
                       whole.people, left_out)


def share_off(journeys, *, kinds=KINDS, clear_days=0, finished=False, first=False, minimum_count=10):
    """Share of errands that leave the way, with each choice that could reasonably be made otherwise a parameter.

    Parameters
    ----------
    journeys : DataFrame
        Those of `conformance`; made with `edge_days=0` where `clear_days` is to decide.
    kinds : sequence of {"skipped", "repeated", "out of order", "added"}
        What counts as leaving the way.
    clear_days : int
        Only errands begun so many days or more from either end of the log count.
    finished : bool
        Whether only errands on which the last required step was walked count.
    first : bool
        Whether only the first of each person's errands that are left counts.
    minimum_count : int
        Fewest people who leave the way, and who keep to it.

    Returns
    -------
    ShareOff

    Raises
    ------
    ValueError
        If a kind is none, or no errand is left.

    Examples
    --------
    >>> journeys = pd.DataFrame({"person_key": range(40), "journey_id": "j", "began": pd.Timestamp("2025-01-01"),
    ...     "clear_days": 90, "finished": True, "skipped": [0, 1] * 20, "repeated": 0, "out of order": 0, "added": 1})
    >>> share_off(journeys, kinds=["skipped"]).estimate
    0.5
    """
    if strange := sorted(set(kinds) - set(KINDS)):
        raise ValueError(f"{', '.join(strange)}: no kind of deviation. The kinds are {', '.join(KINDS)}.")
    there = (journeys["clear_days"] >= clear_days) & (journeys["finished"] | (not finished))
    rows = journeys.loc[there, ["person_key", *(["began", "journey_id"] if first else []), *kinds]]
    if first:
        rows = rows.sort_values(["began", "journey_id"], kind="stable").drop_duplicates("person_key")
    if rows.empty:
        raise ValueError("No errand is left by these choices: take fewer of them at once.")
    person = pd.factorize(rows["person_key"])[0]
    off = (rows[list(kinds)] > 0).any(axis=1)
    hits, size = np.bincount(person, off)[:, np.newaxis], np.bincount(person)[:, np.newaxis]
    share = shares(size, hits, minimum_count).loc[0, ["estimate", "low", "high", "rests_on"]]
    return ShareOff(*map(float, share), len(rows), len(size))


def _aligned(errands, walked, workflow):
    """Cost, fitness and deviations of errands; rows of errand and cell (4 times the node, plus the kind) that deviate;
    and the names of nodes. Each distinct path is aligned once.
    """
    _, examples, path = np.unique(errands["path"], return_index=True, return_inverse=True)
    walk, node, names = nodes_walked(errands.iloc[examples], walked, workflow)
    lengths, size, required = np.bincount(walk), len(workflow.steps), np.array(workflow.required)
    place = np.where(node <= size, node - 1, -1)
    cost, own = align(workflow, place, lengths)
    filled, seen = (np.zeros((len(lengths), size + 1), dtype=bool) for _ in range(2))        # the last column is no step
    filled[walk[own], place[own]] = seen[walk, place] = True
    left_out = np.nonzero(required & ~seen[:, :-1])
    kind = np.select([place < 0, filled[walk, place]], [3, 1], 2)[~own]
    found = pd.DataFrame({"path": np.r_[left_out[0], walk[~own]],
                          "cell": np.r_[4 * left_out[1] + 4, 4 * node[~own] + kind]})
    numbers = np.bincount(4 * found["path"] + found["cell"] % 4, minlength=4 * len(lengths)).reshape(-1, 4)
    table = pd.DataFrame({"cost": cost, "fitness": 1 - cost / (lengths + required.sum()),
                          **dict(zip(KINDS, numbers.T, strict=True)), "finished": seen[:, np.flatnonzero(required)[-1]],
                          "off": cost > 0}).astype(dict.fromkeys(["cost", *KINDS], "int32"))
    table = table.iloc[path].set_axis(errands.index)
    return table, found.drop_duplicates().merge(pd.DataFrame({"path": path, "errand": np.arange(len(path))})), names


def _by_step(service, person, found, names, minimum_count):
    """Share of a service's errands on which each step deviates in each way."""
    cells = found.groupby("cell")["errand"]
    cell, figures = np.array([*cells.groups], dtype=int), shares_of_cells(person, cells, minimum_count)
    return pd.DataFrame({"service": service, "step": names[cell // 4],
                         "kind": np.array(KINDS, dtype=object)[cell % 4]}).join(figures)


def _by_service(journeys, minimum_count):
    """Share of errands off the way, and mean fitness, of each service."""
    person, (service, names) = pd.factorize(journeys["person_key"])[0], pd.factorize(journeys["service"], sort=True)
    k = len(names)
    size, off, fitness = (np.bincount(k * person + service, part, k * (person.max() + 1)).reshape(-1, k)
                          for part in (np.ones(len(journeys)), journeys["off"], journeys["fitness"]))
    mean, variance, freedom = _clustered(size, fitness)
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    table = shares(size, off, minimum_count).assign(
        fitness=mean, fitness_low=np.maximum(mean - reach, 0), fitness_high=np.minimum(mean + reach, 1))
    people = suppress(pd.Series((size > 0).sum(axis=0)), minimum_count)
    row = people.index.to_series().where(people.notna(), -1)                  # services withheld are one row together
    sides = pd.DataFrame({"off": (off > 0).sum(axis=0), "on": (off < size).sum(axis=0)}).groupby(row).sum()
    sides = suppress(sides, minimum_count).notna().all(axis=1)
    table = table.where((row >= 0) & row.map(sides), axis=0)
    table["people"], table["journeys"] = people, np.where(people.notna(), size.sum(axis=0), np.nan)
    table.insert(0, "label", names)
    return table.sort_values(["journeys", "label"], ascending=[False, True], ignore_index=True)


def shares_of_cells(person, cells, minimum_count):
    """Shares of errands by these people that are in each cell (errands grouped by it), one cell after another."""
    size = np.bincount(person)
    parts = [shares(size[:, np.newaxis], np.bincount(person[some], minlength=len(size))[:, np.newaxis], minimum_count)
             for _, some in cells]
    return pd.concat([shares(size[:, np.newaxis], np.zeros((len(size), 0)), minimum_count), *parts], ignore_index=True)


def shares(size, hits, minimum_count):
    """Shares of errands (people, k) that are hits: a row a cell, with who is behind it; some withheld."""
    share, variance, freedom = _clustered(size, hits)
    people, n = (size > 0).sum(axis=0), size.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.minimum(np.where(variance > 0, share * (1 - share) / variance, people), n)
        square = stats.t.ppf(0.975, freedom) ** 2 / worth
    middle = (share + square / 2) / (1 + square)
    reach = np.sqrt(square * share * (1 - share) + square**2 / 4) / (1 + square)
    table = pd.DataFrame({"journeys": hits.sum(axis=0), "people": (hits > 0).sum(axis=0), "estimate": share,
                          "low": middle - reach, "high": middle + reach}, dtype=float)
    table["rests_on"] = np.minimum(table["people"], (hits < size).sum(axis=0))
    table[table["rests_on"] < minimum_count] = np.nan
    return table


def _clustered(size, total):
    """Means of errands from their number and sum by person (people, k), with the variance and the degrees of freedom."""
    n = size.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, kept = total.sum(axis=0) / n, 1 - size / n
        variance = ((total - mean * size) ** 2 / kept).sum(axis=0) / n**2
        across = size**2 / (n * kept)
        freedom = n**2 / ((size**2).sum(axis=0) + across.sum(axis=0) ** 2 - (across**2).sum(axis=0))
    return mean, variance, freedom
