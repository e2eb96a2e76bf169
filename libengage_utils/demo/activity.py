"""Term by term: visits arrive, acts are made of them, experience becomes emotion, emotion moves later use."""

import numpy as np
import pandas as pd

from . import friction
from .journeys import start_journeys
from .seasons import day_number, opening_minutes, terms, timetable
from .services import choose

EMOTION_TO_USE = {True: 0.45, False: 0.0}  # on the logarithm of the next term's visits (C05)
EXPERIENCE_TO_EMOTION, WARMTH_TO_EMOTION, CHANCE_IN_EMOTION = 0.55, 0.2, 0.7
HARDSHIP = 0.8  # spread of how hard a term is, from person to person
HELP = {True: 0.0042, False: 0.007}  # rate of being helped by the staff, per ordinary teaching day (C03)
HELP_BY_DRIVE = {True: 1.0, False: -0.5}  # on its logarithm; if False, help also reaches those who lost touch
PART, PART_BY_VOICE, PART_BY_DRIVE = (
    0.004,
    1.3,
    -0.3,
)  # rate of taking part; much drive leaves less need of it
NEVER_RETURNED = 0.03


def simulate_use(roster, traits, shares, library, planted, rng, journey_rng):
    """Simulate every identified act of a person over nine terms.

    Parameters
    ----------
    roster, traits : pandas.DataFrame
        From `make_roster` and `make_traits`.
    shares : ndarray, shape (n_people, n_touchpoints)
        From `tastes`.
    library : dict
        From `read_library`.
    planted : dict of str to bool
    rng, journey_rng : numpy.random.Generator

    Returns
    -------
    acts : pandas.DataFrame
        One row an act: person (row of the roster), day, minute, touch (code), journey (-1: none), service,
        outcome, minutes_waited, recovered, held (days, for a loan).
    moods : pandas.DataFrame
        One row for each person and term with acts: person, term (0 to 8), acts, experience, emotion.
    """
    people, clock = len(roster), timetable()
    walker = _Walker(roster, traits, shares, library, planted, clock)
    emotion, quiet_until = np.zeros(people), np.full(people, -1)
    all_acts, moods, journeys = [], [], 0
    for number, (term, term_rng, way_rng) in enumerate(
        zip(terms().itertuples(), rng.spawn(9), journey_rng.spawn(9), strict=True)
    ):
        pull = np.exp(EMOTION_TO_USE[planted["C05"]] * emotion)
        acts = walker.acts_of(term, pull, quiet_until, journeys, term_rng, way_rng)
        acts = friction.end_acts(
            acts, library["touchpoints"], HARDSHIP * term_rng.standard_normal(people), term_rng
        )
        acts, until = friction.fall_quiet(acts, people, planted, term_rng)
        quiet_until = np.maximum(quiet_until, until)
        lived = friction.experience(acts, people)
        count = np.bincount(acts["person"], minlength=people)
        chance = term_rng.standard_normal(people)
        felt = (
            EXPERIENCE_TO_EMOTION * lived
            + WARMTH_TO_EMOTION * traits["warmth"].to_numpy()
            + CHANCE_IN_EMOTION * chance
        )
        emotion = np.where(count > 0, felt, 0)
        journeys = max(journeys, acts["journey"].max() + 1 if len(acts) else 0)
        all_acts.append(acts)
        moods.append(
            pd.DataFrame(
                {
                    "person": np.arange(people),
                    "term": number,
                    "acts": count,
                    "experience": lived,
                    "emotion": emotion,
                }
            )[count > 0]
        )
    acts = pd.concat(all_acts, ignore_index=True)
    more = [
        walker.ordinary_acts(visits, rng)
        for visits in (
            friction.thankful_visits(acts, traits, planted, rng),
            walker.visits_of_the_seen(acts, rng),
        )
    ]
    more = [friction.end_acts(each, library["touchpoints"], np.zeros(people), rng) for each in more]
    return pd.concat([acts, *more], ignore_index=True), pd.concat(moods, ignore_index=True)


class _Walker:
    """What stays the same from term to term: who comes when, and what they do."""

    def __init__(self, roster, traits, shares, library, planted, clock):
        self.traits, self.shares, self.library, self.planted = traits, shares, library, planted
        self.clock = clock
        self.research = roster["group"].isin(["research student", "staff"]).to_numpy().astype(int)
        self.distance = (roster["mode"] == "distance").to_numpy()
        self.seen = (traits["kind"] == "seen").to_numpy()
        self.depth = _depth(traits, planted)
        residents = (traits["segment"] == "residents").to_numpy()
        self.versatile = residents if planted["segments"] else np.ones(len(roster), dtype=bool)
        self.first, self.last = traits["first"].to_numpy(), traits["last"].to_numpy()
        self.leaves = day_number(roster["eligible_to"])

    def acts_of(self, term, pull, quiet_until, first_journey, rng, way_rng):
        """Give a term's acts: ordinary visits and their journeys, asking the staff, taking part, returns."""
        drive, voice = self.traits["drive"].to_numpy(), self.traits["voice"].to_numpy()
        visits = self._arrivals(self.traits["rate"].to_numpy() * pull, term, quiet_until, rng)
        engaged = self.planted["C03"]
        help_rate = HELP[engaged] * np.exp(HELP_BY_DRIVE[engaged] * drive - HELP_BY_DRIVE[engaged] ** 2 / 2)
        asking = self._arrivals(help_rate, term, quiet_until, rng, None if engaged else self.leaves)
        part_rate = PART * np.exp(PART_BY_VOICE * voice + PART_BY_DRIVE * drive - PART_BY_VOICE**2 / 2)
        part = self._arrivals(part_rate, term, quiet_until, rng)
        asking, part, walking = (come[self.versatile[come["person"]]] for come in (asking, part, visits))
        acts = [
            self.ordinary_acts(visits, rng),
            self._single(asking, ("enquiry desk", "librarian appointment"), (0.7, 0.3), rng),
            self._single(part, ("workshop", "purchase suggestion"), (0.65, 0.35), rng),
        ]
        ways = start_journeys(walking, self.distance, self.library, self.planted, first_journey, way_rng)
        acts.append(ways[ways["day"] <= self.last[ways["person"]]])
        acts = pd.concat([part for part in acts if len(part)], ignore_index=True)
        return acts.fillna({"journey": -1, "service": "", "off_path": False}).astype(
            {"journey": int, "off_path": bool}
        )

    def ordinary_acts(self, visits, rng):
        """Make acts of visits, by each person's depth and taste, and bring borrowed things back."""
        times = 1 + rng.poisson(self.depth[visits["person"]])
        acts = visits.loc[visits.index.repeat(times)].reset_index(drop=True)
        acts["touch"] = choose(self.shares, acts["person"].to_numpy(), rng)
        acts["visit"] = np.repeat(np.arange(len(visits)), times)
        acts["inside"] = acts["touch"] != self.library["code"]["gate"]  # the gate comes first
        acts = acts.sort_values(["visit", "inside"], kind="stable", ignore_index=True)
        within = acts.groupby("visit").cumcount()
        acts["minute"] = np.minimum(acts["minute"] + within * rng.integers(3, 9, len(acts)), 1439)
        acts = acts.drop(columns=["visit", "inside"])
        loan = acts["touch"] == self.library["code"]["loan"]
        acts["held"] = np.where(loan, 2 + rng.gamma(2.0, 13.0, len(acts)), np.nan).round()
        returns = acts[loan & (rng.random(len(acts)) > NEVER_RETURNED)].copy()
        returns["day"] = np.minimum(returns["day"] + returns["held"], self.last[returns["person"]]).astype(
            int
        )
        returns = returns.assign(
            touch=self.library["code"]["return"], held=np.nan, minute=rng.integers(540, 1260, len(returns))
        )
        acts = pd.concat([acts, returns], ignore_index=True)
        return acts.assign(journey=-1, service="", off_path=False)

    def visits_of_the_seen(self, acts, rng):
        """Give one visit to everybody who was to be seen and by chance was not."""
        missed = np.setdiff1d(np.flatnonzero(self.seen), acts["person"])
        early = np.minimum(self.last[missed], self.first[missed] + 240)
        return pd.DataFrame(
            {
                "person": missed,
                "day": rng.integers(self.first[missed], early + 1),
                "minute": rng.integers(540, 1200, len(missed)),
            }
        )

    def _arrivals(self, rate, term, quiet_until, rng, last=None):
        """Draw visits as a Poisson process whose clock runs with the library's busyness."""
        rows = []
        starts = np.maximum(np.maximum(self.first, term.first), quiet_until + 1)
        ends = np.minimum(self.last if last is None else last, term.last) + 1
        for rhythm, clock in enumerate(self.clock):
            who = np.flatnonzero(self.seen & (self.research == rhythm) & (starts < ends))
            begin, end = clock[starts[who]], clock[ends[who]]
            times = rng.poisson(rate[who] * (end - begin))
            at = np.repeat(begin, times) + rng.random(times.sum()) * np.repeat(end - begin, times)
            rows.append(
                pd.DataFrame(
                    {"person": np.repeat(who, times), "day": np.searchsorted(clock, at, side="right") - 1}
                )
            )
        visits = pd.concat(rows, ignore_index=True)
        visits["minute"] = opening_minutes(self.distance[visits["person"]], rng)
        return visits

    def _single(self, visits, touchpoints, shares, rng):
        codes = np.array([self.library["code"][name] for name in touchpoints])
        return visits.assign(touch=rng.choice(codes, len(visits), p=shares))


def _depth(traits, planted):
    """Further acts at a visit, on average: a person's habit."""
    if planted["segments"]:
        return traits["segment"].map({"deep readers": 5.0, "drop-ins": 0.1, "residents": 1.2}).to_numpy()
    if not planted["C02"]:
        return np.full(len(traits), 0.8)
    return 0.85 * np.exp(0.45 * traits["habit"].to_numpy() - 0.1)
