"""The command line: start a study, check it, prepare it, report on it, plan a letter, write the demo."""

import argparse
import datetime as dt
import os
import re
import shlex
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from textwrap import fill

from .privacy import PrivacyError
from .study import StudyError, open_study


def main(arguments=None):
    """Run a command; a problem is one sentence on standard error and status 1."""
    parser = argparse.ArgumentParser(prog="python -m libengage_utils", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run, words in (
        ("start", start, "look at a library's files and propose a study.yml for them"),
        ("check", check, "say what was read of a study, what was rejected, and what each notebook can do with it"),
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
        if name in ("demo", "pdf", "start"):
            command.add_argument("folder", type=Path)
            if name == "start":
                command.add_argument("--from", dest="exports", type=Path, nargs="+", required=True, metavar="FILE",
                                     help="files of the library's systems; they stay where they are")
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


def _width():
    return min(max(shutil.get_terminal_size().columns, 80), 120)


def _wrapped(line, hang=2):
    """A line for the screen, in as many as it takes, those after the first indented further."""
    indent = " " * (len(line) - len(line.lstrip()))
    return fill(line.strip(), _width(), initial_indent=indent, subsequent_indent=indent + " " * hang,
                break_long_words=False, break_on_hyphens=False)


def start(options):
    """Look at files, say what each seems to be, and write a study.yml to complete."""
    from .study.start.looking import look
    from .study.start.proposal import about, numbered, propose

    path = options.folder / "study.yml"
    if path.exists():
        sys.exit(f"{path} exists already and is not overwritten. Name another folder, or change it by hand.")
    made = not options.folder.exists()
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    looks = []
    try:
        for export in dict.fromkeys(options.exports):
            long = export.is_file() and export.stat().st_size > 20_000_000
            looks.append(look(export, options.folder, _say if long else lambda sentence: None))
            print("\n".join(map(_wrapped, about(looks[-1]))) + "\n", flush=True)
        if not any(found.fits for found in looks):
            sys.exit("None of these files can feed a study, so no study.yml is written. data/README.md says what is needed.")
        proposal = propose(looks, options.folder)
        with open(path, "x", encoding="utf-8") as file:
            file.write(proposal.text)
    finally:
        if made and not path.exists():
            with suppress(OSError):
                options.folder.rmdir()
    print(f"Written: {path}. What it is unsure of:")
    print("\n".join(_wrapped(line, 4) for line in numbered(proposal.doubts)))
    print(f"\nAnswer in {path.name} what says ANSWER, see to the rest, set the key (LIBENGAGE_KEY), and then run:\n"
          f"  python -m libengage_utils check {shlex.quote(str(path))}")


def check(options):
    """Say what was read of a study and what was not, and what each notebook can do with it."""
    from .claims import CLAIMS
    from .report.running import NEEDED, headings
    from .study.account import account
    from .study.possible import possible

    study = open_study(options.study, files=options.files, progress=_say, anew=True)
    print(account(study, _width()))
    notebooks = Path(__file__).parent.parent / "notebooks"
    found = possible(notebooks, study.tables, headings)
    if not found:
        print("\nThe notebooks are not beside the package, so what they can do with this study is not said.")
        return
    print("\nWhat the notebooks can do, as far as it depends on tables; what rests on too few people they leave out:")
    for one in found:
        print("\n".join(["", *map(_wrapped, one.sentences(NEEDED, CLAIMS))]))
    if not any(one.something for one in found):
        sys.exit("No notebook can do anything with this study.")


def prepare(options):
    """Keep a prepared copy, and list what it was made from for make."""
    begun = time.perf_counter()
    print(f"Preparing {options.study}", flush=True)
    study = open_study(options.study, files=options.files, progress=_say)
    kept, rejected = study.counts["kept"].sum(), study.counts["rejected"].sum()
    _say(f"{kept:,} rows kept, {rejected:,} rejected; {time.perf_counter() - begun:.1f} s")
    if options.inputs:
        inputs = sorted({str(source.path or study.folder / "prepared.json").replace(" ", "\\ ") for source in study.sources})
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
