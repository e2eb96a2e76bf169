"""Build the synthetic library table by table and write it, with what is true of it, to a folder."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from . import events, friction
from .activity import simulate_use
from .coding import code_comments
from .coming_back import let_come_back
from .feedback import collect
from .files import in_words, write_table, write_yaml
from .launches import launch
from .letter import send_letter
from .listening import priorities, quotations
from .lists import make_lists
from .people import make_roster, make_traits
from .placements import leave_out_the_absent, make_placements
from .planted import planted_claims, random_streams
from .services import read_library, tastes
from .staff import staff_time
from .study_file import study_file
from .truth import truth_file, truth_people

FILES = {
    "people": "people.csv",
    "events": "events.csv.gz",
    "absences": "absences.csv",
    "feedback": "feedback.csv.gz",
    "codes": "codes.csv",
    "quotations": "quotations.csv",
    "priorities": "priorities.csv",
    "campaigns": "campaigns.csv",
    "contacts": "contacts.csv",
    "staff_time": "staff_time.csv.gz",
    "reading_lists": "reading_lists.csv",
    "reading_list_items": "reading_list_items.csv.gz",
    "reading_list_use": "reading_list_use.csv.gz",
    "workflows": "workflows.csv",
    "forecasts": "forecasts.csv",
}
TRUTHS = {"truth_people": "truth_people.csv.gz", "truth_comments": "truth_comments.csv.gz"}
PREFACE = "# Synthetic: made by `python -m libengage_utils demo`. No real library or person is in it.\n"


def write_demo(folder, *, seed=20260831, planted=None, people=6000):
    """Write a synthetic university library whose truth is known.

    The tables carry the schema's headings, with ``person_id`` for the key. ``study.yml`` opens them as a
    study; ``truth.yml``, ``truth_people.csv.gz`` and ``truth_comments.csv.gz`` say what was planted. The same
    arguments give the same bytes.

    Parameters
    ----------
    folder : path
        Made if it does not exist; files of the same names are replaced, once all are written.
    seed : int
        Start of the random numbers.
    planted : dict of str to bool, optional
        Claims to plant otherwise than by default, as ``{"C02": False}``; also ``{"segments": True}``.
    people : int
        Size of the roster, at least 200.

    Raises
    ------
    ValueError
        If a claim cannot be planted, or the roster is too small.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_demo(folder, people=300)
    ...     len(pd.read_csv(Path(folder) / "people.csv"))
    300
    """
    if people < 200:
        raise ValueError(f"A demo of {people} people is too small to hold its parts; ask for at least 200.")
    claims = planted_claims(planted)
    tables, made = _build(seed, claims, people)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".unfinished-*/"):          # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(dir=folder, prefix=".unfinished-") as drafts:
        for name, file in (FILES | TRUTHS).items():
            write_table(_booleans_in_words(tables[name]), drafts, file)
        write_yaml(truth_file(seed, claims, made), drafts, "truth.yml", PREFACE)
        write_yaml(study_file(FILES, made["library"]), drafts, "study.yml", PREFACE)
        (folder / "study.yml").unlink(missing_ok=True)       # no study while its files are of two
        for name in (*FILES.values(), *TRUTHS.values(), "truth.yml", "study.yml"):
            Path(drafts, name).replace(folder / name)


def _build(seed, planted, people):
    """Build every table, and keep what the truth is told from."""
    rng, library = random_streams(seed), read_library()
    roster = make_roster(people, rng["people"])
    traits = make_traits(roster, planted, rng["traits"])
    shares = tastes(roster, traits, library, planted, rng["traits"])
    acts, moods = simulate_use(roster, traits, shares, library, planted, rng["activity"], rng["journeys"])
    absences = make_placements(roster, rng["placements"])
    acts, moods = leave_out_the_absent(roster, absences, acts, moods)
    acts = let_come_back(roster, absences, acts, shares, rng["letter"])
    campaigns, contacts, acts = send_letter(roster, absences, acts, shares, planted, rng["letter"])
    forecasts, uptake = launch(roster, acts, library, planted, rng["launches"])
    uptake = friction.end_acts(uptake, library["touchpoints"], np.zeros(people), rng["launches"])
    acts = pd.concat([acts, uptake], ignore_index=True)
    log = events.make_log(roster, acts, library, rng["events"])
    spoilt, flaws = events.spoil(log, rng["bad rows"])
    feedback, comments, ratings = collect(roster, traits, acts, moods, library, planted, rng)
    lists, items, use = make_lists(planted, rng["lists"])
    tables = {
        "people": roster,
        "events": spoilt,
        "absences": absences,
        "feedback": feedback,
        "codes": code_comments(comments, rng["codes"]),
        "quotations": quotations(feedback, comments),
        "priorities": priorities(library),
        "campaigns": campaigns,
        "contacts": contacts,
        "staff_time": staff_time(log, roster, rng["staff"]),
        "reading_lists": lists,
        "reading_list_items": items,
        "reading_list_use": use,
        "workflows": _workflows(library),
        "forecasts": forecasts,
        "truth_people": truth_people(roster, traits, acts, planted),
        "truth_comments": comments,
    }
    made = {
        "roster": roster,
        "traits": traits,
        "acts": acts,
        "moods": moods,
        "log": log,
        "flaws": flaws,
        "library": library,
        "ratings": ratings,
        "steps": acts[acts["journey"] >= 0],
        "comments": comments,
    }
    return tables, tables | made


def _workflows(library):
    return pd.DataFrame(
        [
            (service, step, order, required, step in flow.get("repeatable", ()))
            for service, flow in library["workflows"].items()
            for order, (step, _, required) in enumerate(flow["steps"], start=1)
        ],
        columns=["service", "step", "order", "required", "repeatable"],
    )


def _booleans_in_words(table):
    flags = table.select_dtypes("bool").columns
    return table.assign(**{flag: in_words(table[flag]) for flag in flags})
