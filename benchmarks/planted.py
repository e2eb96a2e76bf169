"""How often a verdict is right where the truth is known: the notebooks' cells on synthetic libraries of many seeds.

Of each seed several libraries are written: as `data/demo` plants its claims, and with some of them the other way round,
those together whose mechanisms do not meet. Cells run as in a page, but for other choices, kinds of users and the number of
themes, on which no verdict rests. SEEDS says how many; what is done is kept, so that a run that was stopped goes on. What
came out is written to the package, whose index page tells it.
"""

import contextlib
import json
import math
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import nbformat
import pandas as pd
import yaml
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import pyplot
from sklearn.metrics import adjusted_rand_score

from libengage_utils import __version__, charts, claims, clusters, specifications
from libengage_utils.claims.known import FILE
from libengage_utils.demo import write_demo
from libengage_utils.demo.planted import DEFAULTS
from libengage_utils.engagement import comparable, engagement_features
from libengage_utils.report.running import headings, tags
from libengage_utils.study import open_study
from libengage_utils.study.preparation import pseudonymiser
from libengage_utils.themes import stability

FORK = multiprocessing.get_context("fork")
HOME = Path(__file__).parents[1]
KEPT = HOME / ".bench" / "planted.jsonl"
SEEDS = int(os.environ.get("SEEDS", 50))
# Claims that are planted the other way in one library.
OTHER_WAYS = {"as in the demo": (), "lists, launches, letter, ways, groups": ("C01", "C12", "C14", "C16", "C17", "C18"),
              "use": ("C02",), "staff": ("C03",), "feelings and what is kept of them": ("C04", "C08", "C10"),
              "what follows feelings": ("C05", "C07", "C09"), "what is gathered": ("C19",), "kinds of users": ("segments",)}


def notebooks_of(wanted):
    """Notebooks that judge any of the claims."""
    for path in sorted((HOME / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if any(f"claim-{claim}" in tags(cell) for claim in wanted for cell in notebook.cells):
            yield notebook


def cards(notebook, path):
    """What a notebook judges on a study, by claim; to be called in a process of its own."""
    found, names, missing = {}, {"__name__": "__main__"}, ""
    judge = claims.judge

    def noted(claim, estimate=None, interval=None, **more):
        card = judge(claim, estimate, interval, **more | {"specifications": None})
        found[claim] = {"verdict": card.verdict, "estimate": estimate, "interval": interval}

    claims.judge, specifications.specifications = noted, lambda *given, **more: None
    charts.specification_curve = lambda *given, **more: None
    clusters.EngagementClusters.__init__.__kwdefaults__.update(n_init=2, n_boot=2, n_null=2)
    stability.stability.__kwdefaults__.update(splits=2)
    InteractiveShell.instance()  # for what displays can be updated
    os.chdir(HOME / "notebooks")
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and headings(cell.source):
            missing = ""
        if cell.cell_type != "code" or "lab" in tags(cell):
            continue
        if not missing or not any(tag == "optional" or tag.startswith("claim-") for tag in tags(cell)):
            try:
                with contextlib.redirect_stdout(None):
                    exec(compile(cell.source, "cell", "exec"), names)
            except (ValueError, NameError) as problem:
                if "optional" not in tags(cell):
                    raise
                missing = str(problem)
            pyplot.close("all")
        if "parameters" in tags(cell):
            names |= {"STUDY": path, "FILES": None}
    return found


def kinds(path):
    """What is found of kinds of users, and how far it agrees with the kinds planted; in a process of its own."""
    study = open_study(path)
    features = engagement_features(study.people, study.events, periods=study.periods, loan_days=study.loan_days).df()
    active = features[(features["period"] == study.periods["period"].iloc[-1]) & (features["acts"] > 0)]
    found = clusters.EngagementClusters().fit(comparable(active))
    truth = pd.read_csv(Path(path).with_name("truth_people.csv.gz"), dtype={"segment": "str"}).fillna({"segment": "none"})
    planted = dict(zip(map(pseudonymiser(study.settings), truth["person_id"]), truth["segment"], strict=True))
    planted = active["person_key"].map(planted)
    return {"segments": {"verdict": found.label_, "estimate": adjusted_rand_score(planted, found.labels_),
                         "interval": [found.n_clusters_, planted.nunique()]}}


def judged(seed, other_way):
    """A line for each claim of one library: how it was planted, what is true, and how it was judged."""
    wanted = OTHER_WAYS[other_way] or DEFAULTS
    planted = {claim: holds != (claim in OTHER_WAYS[other_way]) for claim, holds in DEFAULTS.items()}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        write_demo(folder, seed=seed, planted=planted)
        truth = yaml.safe_load((Path(folder) / "truth.yml").read_text())["claims"]
        for notebook in notebooks_of(wanted):
            with FORK.Pool(1) as pool:
                found |= pool.apply(cards, (notebook, f"{folder}/study.yml"))
        if "segments" in wanted:
            with FORK.Pool(1) as pool:
                found |= pool.apply(kinds, (f"{folder}/study.yml",))
    nothing = {"verdict": "not testable with this data", "estimate": None, "interval": None}
    return [{"seed": seed, "planted": other_way, "claim": claim, "holds": planted[claim], "value": truth[claim]["value"],
             "realised": truth[claim]["realised"], **found.get(claim, nothing)} for claim in wanted]


# The number of those claims whose very number is planted. Others are planted through what makes them: errands that are
# broken off leave the way as well as those planted to leave it, and uptake is planted for people whom no source sees, too.
IN_ITS_UNIT = {"C14": lambda line: 100 * (line["realised"]["letter"] - line["realised"]["holdout"]),
               "C16": lambda line: 100 * math.expm1(line["value"])}


def summary(lines):
    """What `claims.known` says, from lines as `judged` gives them."""
    lines = pd.DataFrame(lines)
    judged = lines["verdict"].map({"supported here": True, "not supported here": False})
    lines["outcome"] = (judged == lines["holds"]).map({True: "right", False: "wrong"}).where(judged.notna(), "open")
    words, of_claims = ["right", "open", "wrong"], lines["claim"] != "segments"
    counts = lines[of_claims].groupby(["claim", "holds"])["outcome"].value_counts().unstack(fill_value=0)
    counts, ways = counts.reindex(columns=words, fill_value=0), {"holds": True, "fails": False}
    intervals = {}
    for claim, number in IN_ITS_UNIT.items():
        those = lines[(lines["claim"] == claim) & lines["interval"].notna()].to_dict("records")
        held = sum(line["interval"][0] <= number(line) <= line["interval"][1] for line in those)
        intervals[claim] = {"held": held, "of": len(those)}
    kinds = {name: {"natural": int((some["verdict"] == "natural").sum()), "of": len(some),
                    "agreement": round(float(some["estimate"].median()), 2)}
             for name, some in ((name, lines[~of_claims & (lines["holds"] == holds)])
                                for name, holds in (("planted", True), ("none", False)))}
    return {"seeds": int(lines["seed"].nunique()), "libraries": len(lines[["seed", "planted"]].drop_duplicates()),
            "version": __version__,
            "verdicts": {word: int(counts[word].sum()) for word in words},
            "claims": {claim: {way: counts.loc[(claim, holds)].to_dict() for way, holds in ways.items()}
                       for claim in counts.index.unique("claim")},
            "intervals": intervals, "kinds": kinds}


if __name__ == "__main__":
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.touch()
    done = {(line["seed"], line["planted"]) for line in map(json.loads, KEPT.read_text().splitlines())}
    todo = [(seed, other_way) for seed in range(1, SEEDS + 1) for other_way in OTHER_WAYS if (seed, other_way) not in done]
    with ProcessPoolExecutor(mp_context=FORK) as pool:
        for number, future in enumerate(as_completed(pool.submit(judged, *one) for one in todo), 1):
            with open(KEPT, "a") as file:
                file.writelines(json.dumps(line, default=float) + "\n" for line in future.result())
            print(f"{number} of {len(todo)} libraries", flush=True)
    found = summary(map(json.loads, KEPT.read_text().splitlines()))
    FILE.write_text(f"# Written by benchmarks/planted.py, never by hand.\n{yaml.safe_dump(found, sort_keys=False)}",
                    encoding="utf-8")
    print(FILE.read_text())
