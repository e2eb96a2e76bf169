"""One table of this package beside its peers: the same data, the same answer, each alone, at one size after another.

BENCH_EVENTS holds the sizes, in events; BENCH_ONLY the computations, by the names of their modules, where not all are
wanted. Whoever takes more than BENCH_CPU seconds of the processors, or more than BENCH_GB, is stopped. Figures of other
sizes and computations stay as they were measured before.
"""

import importlib
import json
import os
import sys
import tempfile
from pathlib import Path

from measuring import PEERS, ROUNDS, agrees, answers, answers_of_peers, attempt

EVENTS = list(map(int, os.environ.get("BENCH_EVENTS", "1000000").split()))
CPU, MEMORY = (float(os.environ.get(name, most)) for name, most in (("BENCH_CPU", 300), ("BENCH_GB", 8)))
MODULES = ["features", "sessions", "journeys", "paths", "conformance", "comments", "mediation", "rhythm", "preparation",
           "reading", "pages"]
REPORT = "report"
OUT = Path(__file__).parent.parent / "reports"
KEPT = OUT / "benchmarks.json"
FEW = 20_000        # events on which all have to agree before anything is measured
OFTEN = 1_000_000   # up to so many events the median of several rounds is taken
ABOUT = """# What it takes, beside others

Measured at {sizes} events, one size after another, on the same data and with the same answers (asserted at {few:,} events
first, and at every size), each in a process of its own that has no network where the system allows that. Every engine of SQL
gets two threads and 1.5 GB. **s**: seconds as they passed; **CPU s**: of all threads; **GB**: the peak of memory, libraries
included; **ratios**: these three over this package's, so that above 1 the package takes less. *less*: computes less than the
others. Whoever took {cpu:g} CPU-seconds or {memory:g} GB was stopped. Cores may have been shared with other work: compare
within one size.

![Seconds and memory of each at each size](benchmarks.svg)
"""


def data(module, folder, events):
    """The folder of a module's data, made unless another module has made the same."""
    there = Path(folder) / module.make.__module__
    if not there.exists():
        there.mkdir()
        module.make(there, events)
    return there


def disagreements(modules, folder, events=FEW):
    """Sentences on contenders that answer otherwise than the first of their computation."""
    folders = {module.__name__: data(module, folder, events) for module in modules}
    theirs = answers_of_peers([module.__name__ for module in modules if hasattr(module, "PEERS")],
                              [folders[module.__name__] for module in modules if hasattr(module, "PEERS")])
    for module in modules:
        found = answers(module, folders[module.__name__]) | theirs.get(module.__name__, {})
        reference = next(iter(found.values()))
        for name, answer in found.items():
            if not right(module, name, answer, reference):
                yield f"{module.__name__}: {name} answers {answer}, not {reference}."


def right(module, name, answer, reference):
    """Whether a contender answers as it should: like the reference, or with its beginning if it computes less."""
    whole = len(answer) == len(reference) or name in getattr(module, "LESS", ())
    return whole and agrees(answer, reference, getattr(module, "TOLERANCE", 0))


def measured(module, folder, events):
    """Of each contender the median round by seconds, or why there is none."""
    pythons = {name: PEERS if name in getattr(module, "PEERS", ()) else Path(sys.executable) for name in module.CONTENDERS}
    rounds = {name: [] if python.exists() else [{"why": "not installed"}] for name, python in pythons.items()}
    for number in range(ROUNDS if events <= OFTEN else 1):
        for name, results in rounds.items():
            if not results or "why" not in results[-1]:
                print(f"  {events:,} events, round {number + 1}: {module.__name__}, {name}", flush=True)
                results.append(attempt(module.__file__, name, str(folder), pythons[name], offline=True, cpu=CPU,
                                       memory=MEMORY))
    found = {name: results[-1] if "why" in results[-1] else sorted(results, key=lambda result: result["seconds"])[
        len(results) // 2] for name, results in rounds.items()}
    reference = next((result["answer"] for result in found.values() if "answer" in result), None)
    for name, result in found.items():
        if "answer" in result and not right(module, name, result.pop("answer"), reference):
            result["why"] = "another answer"
    return found


def table(kept, sizes):
    """The results as a table in Markdown: a line a contender, four columns a size."""
    heads = ["", *(head for size in sizes for head in (f"{size / 1e6:g} million: s", "CPU s", "GB", "ratios"))]
    lines = [heads, [":--", *["--:"] * (len(heads) - 1)]]
    for name in MODULES:
        if found := kept.get(name):
            module = importlib.import_module(name)
            lines.append([f"**{module.__doc__.split(':')[0]}**", *[""] * (len(heads) - 1)])
            own = next(iter(found.values()))
            for contender, results in found.items():
                less = " *(less)*" if contender in getattr(module, "LESS", ()) else ""
                lines.append([contender + less, *(cell for size in sizes for cell in cells(results, own, str(size)))])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cells(results, own, size):
    """Seconds, CPU-seconds, GB and their ratios to the package's own."""
    result, own = results.get(size, {"why": ""}), own.get(size, {"why": ""})
    if "why" in result:
        return [result["why"], "", "", ""]
    clocks = ("seconds", "cpu", "memory")
    ratios = "" if "why" in own else " / ".join(f"{result[clock] / own[clock]:.1f}" for clock in clocks)
    return [*(f"{result[clock]:.2f}" for clock in clocks), ratios]


def write(kept):
    """The table and the picture of what was measured so far."""
    from picture import draw

    found = {importlib.import_module(name).__doc__.split(":")[0]: kept[name] for name in MODULES if name in kept}
    sizes = sorted({int(size) for contenders in found.values() for results in contenders.values() for size in results})
    about = ABOUT.format(sizes=", ".join(f"{size:,}" for size in sizes), few=FEW, cpu=CPU, memory=MEMORY)
    (OUT / "benchmarks.md").write_text("\n".join([about, table(kept, sizes), kept.get(REPORT, "")]), encoding="utf-8")
    KEPT.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    if found:
        draw(found, OUT / "benchmarks.svg")


def main():
    wanted = os.environ.get("BENCH_ONLY", " ".join([*MODULES, REPORT])).split()
    modules = [importlib.import_module(name) for name in wanted if name != REPORT]
    OUT.mkdir(exist_ok=True)
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    print(f"Do all give the same answers at {FEW:,} events?", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if differing := list(disagreements(modules, folder)):
            sys.exit("\n".join(differing))
    for events in EVENTS:
        with tempfile.TemporaryDirectory() as folder:
            for module in modules:
                if not getattr(module, "ONCE", False) or events == EVENTS[0]:
                    found = measured(module, data(module, folder, events), events)
                    for name, result in found.items():
                        kept.setdefault(module.__name__, {}).setdefault(name, {})[str(events)] = result
                    write(kept)
    if REPORT in wanted:
        from reporting import seconds_of_report

        kept[REPORT] = seconds_of_report()
    write(kept)
    print((OUT / "benchmarks.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
