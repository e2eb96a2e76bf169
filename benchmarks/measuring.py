"""Run each contender alone in a process of its own, and set times and peak memory side by side."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 3
_CHILD = """
import importlib, json, os, resource, runpy, sys, time
sys.path.insert(0, os.path.dirname(sys.argv[1]))
module = runpy.run_path(sys.argv[1])
for library in module.get("LIBRARIES", {}).get(sys.argv[2], ()):
    importlib.import_module(library)
begun, worked = time.perf_counter(), time.process_time()
answer = module["CONTENDERS"][sys.argv[2]](sys.argv[3])
seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
if os.path.exists("/proc/self/status"):          # where ru_maxrss begins at what the parent reached
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 2**20
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform != "darwin" else 2**30)
print("RESULT", json.dumps({"seconds": seconds, "cpu": cpu, "memory": peak, "answer": answer}))
"""


def engine():
    """The embedded engine with the memory and the cores that every contender gets."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET memory_limit = '1500MB'; SET enable_progress_bar = false; SET threads = 2")
    return connection


def run(script, contender, folder, python=sys.executable):
    """Seconds, CPU-seconds, peak GB and answer of one contender; None where it cannot be run.

    What a script names in LIBRARIES for a contender is loaded before the clocks start.
    """
    done = subprocess.run([python, "-c", _CHILD, script, contender, folder], capture_output=True, text=True)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        print(f"  {contender} could not be run: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
        return None
    return json.loads(line.removeprefix("RESULT "))


def compare(script, contenders, reference, prepare, *, pythons=None, less=()):
    """Print a table of contenders: median seconds of rounds taken in turn, CPU-seconds, ratio to the reference, peak memory.

    Every contender must give the reference's answer, or its line says that it does not; those in `less`
    compute something smaller, which their line says.
    """
    with tempfile.TemporaryDirectory() as folder:
        print("  making the data", flush=True)
        prepare(Path(folder))
        rounds = {name: [] for name in contenders}
        for at in range(ROUNDS):
            for name in list(rounds):
                print(f"  round {at + 1} of {ROUNDS}: {name}", flush=True)
                result = run(script, name, folder, (pythons or {}).get(name, sys.executable))
                if result is None:
                    del rounds[name]
                else:
                    rounds[name].append(result)
    median, cpu = ({name: sorted(r[clock] for r in results)[len(results) // 2] for name, results in rounds.items()}
                   for clock in ("seconds", "cpu"))
    print(f"\n{'':40}{'seconds':>9}{'CPU s':>8}{'ratio':>8}{'peak GB':>9}  same answer")
    for name, results in rounds.items():
        same = all(r["answer"] == rounds[reference][0]["answer"] for r in results)
        print(f"{name:40}{median[name]:9.1f}{cpu[name]:8.2f}{median[name] / median[reference]:8.2f}"
              f"{max(r['memory'] for r in results):9.2f}  {'computes less' if name in less else 'yes' if same else 'no'}")
    return median
