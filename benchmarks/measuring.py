"""Run each contender alone in a process of its own, and set times and peak memory side by side.

A script names its contenders in CONTENDERS, functions of a folder of data, and in LIBRARIES what is loaded for one before
the clocks start. Those in PEERS run in the peers' environment, and those in LESS compute less than the others.
"""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from math import inf, isclose
from pathlib import Path

ROUNDS = 3
_UNTRACKED = {**os.environ, "RETENTIONEERING_NO_TRACK": "1"}
PEERS = Path(__file__).parent.parent / ".bench" / "bin" / "python"
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


def attempt(script, contender, folder, python=sys.executable, *, offline=False, cpu=inf, memory=inf):
    """Seconds, CPU-seconds, peak GB and answer of one contender; or under "why" what kept it from one.

    It may take so many CPU-seconds, libraries and all, and so much memory in GB, and is stopped then.
    Offline, it has no network, where the system allows that; peers are asked not to report their use anyway.
    """
    import psutil

    command = [*(_without_network() if offline else ()), str(python), "-c", _CHILD, script, contender, folder]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=_UNTRACKED)
    watched, why = psutil.Process(child.pid), None
    while True:
        try:
            said, error = child.communicate(timeout=0.2)
            break
        except subprocess.TimeoutExpired:
            if sum(watched.cpu_times()[:2]) > cpu:
                why = f"stopped after {cpu:g} CPU s"
            elif watched.memory_info().rss > memory * 2**30:
                why = f"stopped at {memory:g} GB"
            if why:
                child.kill()
    line = next((line for line in said.splitlines() if line.startswith("RESULT ")), None)
    return json.loads(line.removeprefix("RESULT ")) if line else {
        "why": why or (error.strip().splitlines() or ["ended without a word, perhaps for want of memory"])[-1]}


@cache
def _without_network():
    """What to put before a command so that it has no network: nothing where the system has no `unshare`."""
    command = ["unshare", "--map-root-user", "--net"]
    try:
        return command * (subprocess.run([*command, "true"], capture_output=True).returncode == 0)
    except FileNotFoundError:
        return []


def run(script, contender, folder, python=sys.executable):
    """What `attempt` finds; None where the contender cannot be run, which is printed."""
    result = attempt(script, contender, folder, python)
    if "why" in result:
        print(f"  {contender} could not be run: {result['why']}")
        return None
    return result


def agrees(answer, reference, tolerance=0):
    """Whether an answer is the reference, or its beginning; fractions may differ by the tolerance."""
    return all(one == other or (isinstance(one, float) and isclose(one, other, rel_tol=tolerance))
               for one, other in zip(answer, reference, strict=False)) and len(answer) <= len(reference)


def answers(module, folder, peers=False):
    """Each contender's answer in this process, of those whose libraries are here."""
    found = {}
    for name, contender in module.CONTENDERS.items():
        if (name in getattr(module, "PEERS", ())) == peers:
            try:
                found[name] = contender(str(folder))
            except ImportError as error:
                print(f"  {name} is left out: {error}")
    return found


def answers_of_peers(names, folders):
    """The same of the peers of modules, by module, from one process of their environment; none where there is none."""
    if not PEERS.exists():
        print("  There is no environment of the peers (.bench), so they are left out.")
        return {}
    code = ("import importlib, json, sys, measuring\n"
            "names, folders = map(json.loads, sys.argv[1:])\n"
            "print('RESULT', json.dumps({name: measuring.answers(importlib.import_module(name), folder, peers=True) "
            "for name, folder in zip(names, folders)}))")
    command = [*_without_network(), str(PEERS), "-c", code, json.dumps(names), json.dumps(list(map(str, folders)))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent, env=_UNTRACKED)
    if done.returncode:
        raise ValueError(f"The peers could not be run: {done.stderr.strip()}")
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT ")).removeprefix("RESULT "))


def compare(script, contenders, reference, prepare, *, less=()):
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
                result = run(script, name, folder)
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
