"""Contenders of the benchmarks answer alike, each is stopped at its budget, and none has a network."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
# `mediation` and `pages` take minutes; `make bench` itself asks all of them first.
QUICK = ["features", "sessions", "journeys", "paths", "conformance", "comments", "rhythm", "preparation", "reading"]
SCRIPT = """
import socket, time

def asks(folder):
    try:
        return [socket.create_connection(("192.0.2.1", 9), timeout=1) and "answered"]
    except TimeoutError:
        return ["no answer"]
    except OSError:
        return ["no network"]

def toils(folder):
    while True:
        pass

CONTENDERS = {"toils": toils, "hoards": lambda folder: [bytearray(2**29), time.sleep(60)],
              "fails": lambda folder: 1 / 0, "asks": asks}
"""


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture
def attempt(load, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    return lambda name, **budget: load("measuring").attempt(str(script), name, str(tmp_path), **budget)


def test_contenders_answer_alike(load, tmp_path):
    assert not list(load("bench").disagreements(list(map(load, QUICK)), tmp_path))
    if not load("measuring").PEERS.exists():
        pytest.skip("Peers were left out, as there is no environment of theirs: `make bench` makes it.")


def test_another_answer_is_told_and_a_shorter_one_only_of_who_computes_less(load, tmp_path):
    module = SimpleNamespace(__name__="sums", make=lambda folder, events: None, LESS={"less"}, CONTENDERS={
        "this package": lambda folder: [2, 3.0], "less": lambda folder: [2], "lazy": lambda folder: [2],
        "wrong": lambda folder: [2, 3.1]})
    told = list(load("bench").disagreements([module], tmp_path))
    assert [sentence.split(" answers")[0] for sentence in told] == ["sums: lazy", "sums: wrong"]


def test_who_takes_too_long_or_too_much_is_stopped_and_said_so(attempt):
    assert attempt("toils", cpu=0.5) == {"why": "stopped after 0.5 CPU s"}
    assert attempt("hoards", memory=0.2) == {"why": "stopped at 0.2 GB"}
    assert attempt("fails") == {"why": "ZeroDivisionError: division by zero"}


def test_a_contender_has_no_network(attempt, load):
    if not load("measuring")._without_network():
        pytest.skip("This system cannot close the network to a process.")
    assert attempt("asks", offline=True)["answer"] == ["no network"]


def test_every_claim_is_planted_both_ways_and_judged_right_wrong_or_left_open(load):
    planted = load("planted")
    turned = [claim for claims in planted.OTHER_WAYS.values() for claim in claims]
    assert sorted(turned) == sorted(planted.DEFAULTS)
    lines = [("C01", True, "supported here", 1.0, None, 0.5), ("C01", False, "supported here", 1.0, None, 0.5),
             ("C01", False, "cannot tell", 1.0, None, 0.5), ("C14", True, "supported here", 7.0, [3, 11], 0.4),
             ("C14", False, "not supported here", -2.0, [-3, -1], 0.5), ("segments", True, "constructed", 0.4, [2, 3], 0),
             ("segments", True, "natural", 0.8, [3, 3], 0), ("segments", False, "reproducible", 0.0, [2, 1], 0)]
    found = planted.summary({"seed": 1, "planted": "as in the demo", "claim": claim, "holds": holds, "verdict": verdict,
                             "estimate": estimate, "interval": interval, "value": 0,
                             "realised": {"letter": 0.5, "holdout": holdout}}
                            for claim, holds, verdict, estimate, interval, holdout in lines)
    assert found["seeds"] == found["libraries"] == 1
    one, other = ({word: int(word == its) for word in ("right", "open", "wrong")} for its in ("right", "open"))
    assert found["claims"] == {"C01": {"holds": one, "fails": other | {"wrong": 1}}, "C14": {"holds": one, "fails": one}}
    assert found["verdicts"] == {"right": 3, "open": 1, "wrong": 1}
    assert found["intervals"]["C14"] == {"held": 1, "of": 2}        # 10 in 100 within 3 to 11; 0 not within -3 to -1
    assert found["kinds"] == {"planted": {"natural": 1, "of": 2, "agreement": 0.6},
                              "none": {"natural": 0, "of": 1, "agreement": 0.0}}
