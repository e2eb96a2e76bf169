"""The command line: check a study, prepare it, report on it, plan a letter, write the demo."""

import argparse
import datetime as dt
import os
import re
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
        ("pdf", pdf, "print the pages and decks of a folder as PDF"),
        ("club", club, "run a notebook on a study and write the sheets of a session on it, to print"),
        ("sheet", sheet, "draw comments for people to read and code"),
        ("plan", plan, "say who is quiet, draw lots, and write the protocol of a letter"),
        ("demo", demo, "write the synthetic library"),
    ):
        command = commands.add_parser(name, help=words, description=words)
        command.set_defaults(run=run)
        if name in ("demo", "pdf"):
            command.add_argument("folder", type=Path)
            if name == "pdf":
                command.add_argument("--notebook", default="", help="print what was made of this notebook alone")
            continue
        if name in ("report", "club"):
            command.add_argument("notebook", type=Path)
        command.add_argument("study", type=Path, help="a study.yml")
        command.add_argument("--files", type=Path, help="folder of the sources, if not beside study.yml")
        if name == "prepare":
            command.add_argument("--inputs", type=Path, help="file to list the inputs in, for make")
            command.add_argument("--target", help="what depends on the inputs, for make")
        if name == "sheet":
            command.add_argument("--to", type=Path, required=True, help="the CSV file to fill in")
            command.add_argument("--number", type=int, default=100, help="comments to draw (100)")
        if name == "plan":
            _plan_options(command)
        if name in ("report", "index", "club"):
            command.add_argument("--to", type=Path, required=True, help="folder of the pages")
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (StudyError, PrivacyError) as problem:
        sys.exit(str(problem))
    except OSError as problem:
        what = problem.filename or "A file"
        sys.exit(f"{what} cannot be read or written ({problem.strerror or problem}). Check its place, and who may use it.")
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
    """Run one notebook and write its page."""
    from .report import export

    _run(options, export)


def club(options):
    """Run one notebook and write the sheets of a session on it, as a PDF too where there is a browser."""
    from .report import ReportError, print_pdf
    from .report.pack import write_pack
    from .study.decisions import COLUMNS, read_decisions

    def write(notebook, html, *, study, **keywords):
        log = study.path.parent / "decisions.csv"
        write_pack(notebook, html, study=study, log=read_decisions(log) if log.is_file() else None, **keywords)
        try:
            print_pdf(html, html.with_suffix(".pdf"))
        except ReportError as problem:
            print(problem)
        if not log.is_file():
            print(f"To keep what sessions decide, begin {log.name} beside {study.path.name} with this line: "
                  f"{','.join(COLUMNS)}")

    _run(options, write)


def _run(options, write):
    """Run one notebook and write what is made of it, showing how far it is."""
    from .report import ReportError

    begun, name = time.perf_counter(), options.notebook.stem
    print(f"Running {name}", flush=True)

    def progress(done, total, heading):
        if sys.stdout.isatty():
            print(f"\r\033[K  {name}: {done} of {total} cells, {heading}", end="", flush=True)

    study = open_study(options.study, files=options.files)
    parameters = {"STUDY": str(options.study.resolve()),
                  "FILES": str(options.files.resolve()) if options.files else None}
    try:
        write(options.notebook, options.to / f"{name}.html", study=study, parameters=parameters, progress=progress)
    except ReportError as problem:
        sys.exit(f"\n{problem}" if sys.stdout.isatty() else str(problem))
    print(f"{chr(13) if sys.stdout.isatty() else ''}  {name}.html, {time.perf_counter() - begun:.1f} s", flush=True)


def index(options):
    """Write the index over the pages there are."""
    from .report import ReportError, build_index

    try:
        build_index(options.to, open_study(options.study, files=options.files), progress=_say)
    except ReportError as problem:
        sys.exit(str(problem))


def pdf(options):
    """Print the pages of a folder, saying each."""
    from .report import ReportError, print_folder

    try:
        print_folder(options.folder, lambda done, total, name: _say(f"{name}, {done} of {total}"), notebook=options.notebook)
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


def _plan_options(command):
    def day(text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a day written YYYY-MM-DD") from None

    def word(text):
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", text, re.ASCII):
            raise argparse.ArgumentTypeError(f"{text!r} is no single word of letters, digits, '.', '-' and '_'")
        return text

    command.add_argument("--on", type=day, required=True, help="day of the lot, YYYY-MM-DD")
    command.add_argument("--campaign", type=word, required=True, help="what to call the campaign, in one word")
    command.add_argument("--to", type=Path, help="folder of the files (plan-CAMPAIGN beside the study)")
    command.add_argument("--lapse-days", type=int, default=365, help="silent for at least so many expected days (365)")
    command.add_argument("--outcome-days", type=int, default=90, help="window in which a return counts (90)")
    command.add_argument("--holdout", type=float, default=0.5, help="share that is by lot not written to (0.5)")
    command.add_argument("--strata", nargs="*", default=["seen_before"],
                         help="draw evenly among these: seen_before, or columns of the roster (seen_before)")
    command.add_argument("--seed", type=int, help="seed of the lot (made from campaign and day)")


def plan(options):
    """Say who is quiet and what a lot could show; draw it, and write the protocol, the contacts and the list."""
    from .planning import plan_letter

    study = open_study(options.study, files=options.files)
    folder = options.to or study.path.parent / f"plan-{options.campaign}"
    paths = [folder / name for name in ("contacts.csv", "letters.csv", "protocol.yml")]
    if there := [path.name for path in paths if path.exists()]:
        raise StudyError(f"The folder {folder} has {', '.join(there)} already, and a rule written down is not rewritten. "
                         "Another rule is another campaign: give it another name.")
    try:
        drawn = plan_letter(study, on=options.on, campaign=options.campaign, lapse_days=options.lapse_days,
                            outcome_days=options.outcome_days, holdout=options.holdout, strata=options.strata,
                            seed=options.seed)
    except ValueError as problem:
        raise StudyError(str(problem)) from None
    print(drawn.quiet.summary)
    print(drawn.quiet.table.to_string(index=False, na_rep="withheld", float_format="{:,.0f}".format))
    for note in drawn.notes:
        _say(note)
    _write_privately(folder, paths, [drawn.contacts.to_csv(index=False), drawn.letters.to_csv(index=False),
                                     drawn.protocol.to_yaml()])
    row = ["campaign_id", "purpose", "lapse_days", "outcome_days", "registered_on"]
    print(f"""Written to {folder}, and nothing was sent: {', '.join(path.name for path in paths)}.
The list holds pseudonyms: whoever holds the key finds the addresses as data/README.md says under
\u201cFrom pseudonyms to addresses\u201d. When the letters have gone, fill in sent_at, opted_out and bounced in contacts.csv.
Once the window is over, name that file in {study.path.name} under sources as contacts, and add to the campaigns:
{','.join(row)}
{','.join(str(getattr(drawn.protocol, name)) for name in row)}""")


def _write_privately(folder, paths, texts):
    """New files that only their owner may read."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for path, text in zip(paths, texts, strict=True):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="") as file:
                file.write(text)
    except OSError as error:
        raise StudyError(f"The folder {folder} cannot be written ({error.strerror}). Name another with --to.") from None


def demo(options):
    """Write the synthetic library."""
    from .demo import write_demo

    begun = time.perf_counter()
    write_demo(options.folder)
    _say(f"a synthetic library in {options.folder}, {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
