"""Where the seconds of `make report` go on the demo: opening the study, kernels, cells and pages, by notebook."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

HOME = Path(__file__).parent.parent
HEADS = ["start, imports", "study", "kernel", "cells", "pages, gate", "all"]


def seconds_of_report():
    """A table in Markdown: a line a notebook, each run in a process of its own as make does it."""
    from libengage_utils.study import open_study

    with tempfile.TemporaryDirectory() as folder:
        study = Path(shutil.copytree(HOME / "data" / "demo", f"{folder}/demo", ignore=shutil.ignore_patterns(".prepared")),
                     "study.yml")
        begun = time.perf_counter()
        open_study(study)
        lines = [["preparing the study, once", *[""] * 5, time.perf_counter() - begun]]
        for notebook in sorted((HOME / "notebooks").glob("*.ipynb")):
            print(f"  make report: {notebook.stem}", flush=True)
            begun = time.perf_counter()
            done = subprocess.run([sys.executable, __file__, notebook, study], stdout=subprocess.PIPE, text=True,
                                  check=True)
            parts = json.loads(done.stdout.splitlines()[-1])
            whole = time.perf_counter() - begun
            lines.append([notebook.stem, whole - sum(parts), *parts, whole])
    lines.append(["all", *(sum(line[at] or 0 for line in lines) for at in range(1, 7))])
    rows = [["Seconds of `make report`", *HEADS], [":--", *["--:"] * 6],
            *([name, *(figure and f"{figure:.1f}" for figure in figures)] for name, *figures in lines)]
    return "\n".join(["", *(f"| {' | '.join(row)} |" for row in rows)])


def parts_of(notebook, path):
    """Seconds for opening the study, the kernel's start and end, the cells, and page, other editions, gate and files."""
    from libengage_utils.report import export, release, run_notebook
    from libengage_utils.study import open_study

    clock = [time.perf_counter()]
    study = open_study(path)
    clock.append(time.perf_counter())
    run = run_notebook(notebook, has_tables=set(study.tables), parameters={"STUDY": str(study.path), "FILES": None})
    clock.append(time.perf_counter())
    release.run_notebook = lambda *arguments, **keywords: run
    with tempfile.TemporaryDirectory() as folder:
        export(notebook, Path(folder) / f"{notebook.stem}.html", study=study)
        clock.append(time.perf_counter())
    opening, running, writing = (after - before for before, after in pairwise(clock))
    cells = sum(_passed(cell.metadata["execution"]) for cell in run.cells if "execution" in cell.metadata)
    return [opening, running - cells, cells, writing]


def _passed(moments):
    """Seconds from when the kernel began a cell to when it was done with it."""
    begun, done = (datetime.fromisoformat(moments[name]) for name in ("iopub.execute_input", "shell.execute_reply"))
    return (done - begun).total_seconds()


if __name__ == "__main__":
    print(json.dumps(parts_of(*map(Path, sys.argv[1:]))))
