"""The command line: check a study, prepare it, report on it, write the demo."""

import argparse
import sys
import time
from pathlib import Path

from .privacy import PrivacyError
from .study import StudyError, open_study


def main(arguments=None):
    """Run a command; a problem is one sentence on standard error and status 1."""
    parser = argparse.ArgumentParser(prog="python -m libengage_utils", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run, words in (
        ("check", check, "say what is in a study and what was rejected"),
        ("prepare", prepare, "read a study and keep a prepared copy"),
        ("report", report, "run a notebook on a study and write its page"),
        ("index", index, "write the index over the pages of a folder"),
        ("sheet", sheet, "draw comments for people to read and code"),
        ("demo", demo, "write the synthetic library"),
    ):
        command = commands.add_parser(name, help=words, description=words)
        command.set_defaults(run=run)
        if name == "demo":
            command.add_argument("folder", type=Path)
            continue
        if name == "report":
            command.add_argument("notebook", type=Path)
        command.add_argument("study", type=Path, help="a study.yml")
        command.add_argument("--files", type=Path, help="folder of the sources, if not beside study.yml")
        if name == "prepare":
            command.add_argument("--inputs", type=Path, help="file to list the inputs in, for make")
            command.add_argument("--target", help="what depends on the inputs, for make")
        if name == "sheet":
            command.add_argument("--to", type=Path, required=True, help="the CSV file to fill in")
            command.add_argument("--number", type=int, default=100, help="comments to draw (100)")
        if name in ("report", "index"):
            command.add_argument("--to", type=Path, required=True, help="folder of the pages")
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (StudyError, PrivacyError) as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit("Stopped.")


def _say(sentence):
    print(f"  {sentence}", flush=True)


def check(options):
    """Print the counts, the reasons of rejections and the notices of a study."""
    study = open_study(options.study, files=options.files, progress=_say)
    print(study.counts.to_string(index=False))
    reasons = study.rejected.groupby(["table", "column", "reason"], dropna=False)["line"].agg(["size", "min"])
    for (table, column, reason), (rows, line) in reasons.iterrows():
        where = f", column {column}" if isinstance(column, str) else ""
        print(f"{table}{where}: {rows:,} rows rejected ({reason}), first in line {line}.")
    for notice in study.notices:
        print(notice)


def prepare(options):
    """Keep a prepared copy, and list what it was made from for make."""
    begun = time.perf_counter()
    print(f"Preparing {options.study}", flush=True)
    study = open_study(options.study, files=options.files, progress=_say)
    kept, rejected = study.counts["kept"].sum(), study.counts["rejected"].sum()
    _say(f"{kept:,} rows kept, {rejected:,} rejected; {time.perf_counter() - begun:.1f} s")
    if options.inputs:
        inputs = sorted({str(source.path).replace(" ", "\\ ") for source in study.sources})
        lines = [f"{options.target}: {' '.join(inputs)}", *(f"{path}:" for path in inputs)]
        options.inputs.write_text("\n".join(lines) + "\n", encoding="utf-8")


def report(options):
    """Run one notebook and write its page, showing how far it is."""
    from .report import ReportError, export

    begun, name = time.perf_counter(), options.notebook.stem
    print(f"Running {name}", flush=True)

    def progress(done, total, heading):
        if sys.stdout.isatty():
            print(f"\r\033[K  {name}: {done} of {total} cells, {heading}", end="", flush=True)

    study = open_study(options.study, files=options.files)
    parameters = {"STUDY": str(options.study.resolve()),
                  "FILES": str(options.files.resolve()) if options.files else None}
    try:
        export(options.notebook, options.to / f"{name}.html", study=study, parameters=parameters, progress=progress)
    except ReportError as problem:
        sys.exit(f"\n{problem}" if sys.stdout.isatty() else str(problem))
    print(f"{chr(13) if sys.stdout.isatty() else ''}  {name}.html, {time.perf_counter() - begun:.1f} s", flush=True)


def index(options):
    """Write the index over the pages there are."""
    from .report import ReportError, build_index

    try:
        build_index(options.to, open_study(options.study, files=options.files))
    except ReportError as problem:
        sys.exit(str(problem))


def sheet(options):
    """Draw a sample of comments and write it as a sheet to fill in."""
    from .emotions import GROUPS, sample_to_code, score

    study = open_study(options.study, files=options.files)
    if options.to.exists():
        sys.exit(f"{options.to} exists already, perhaps with codes in it; name another file.")
    if not options.to.parent.is_dir():
        sys.exit(f"There is no folder {options.to.parent} to write the sheet in; make it, or name another file.")
    try:
        drawn = sample_to_code(score(study.feedback.df()), options.number)
    except ValueError as problem:
        sys.exit(str(problem))
    drawn.sheet.assign(coder="").to_csv(options.to, index=False)
    print(f"{drawn.summary} They are in {options.to}: comments of people, so keep it where the study's files are kept.\n"
          f"Fill in coder (a letter, never a name) and code, one of: {', '.join(GROUPS)}. A second reader codes rows added "
          f"below. Then name it in {options.study.name} under sources, as `codes: {options.to.name}`.")


def demo(options):
    """Write the synthetic library."""
    from .demo import write_demo

    begun = time.perf_counter()
    write_demo(options.folder)
    _say(f"a synthetic library in {options.folder}, {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
