"""The command line: check a study, prepare it, report on it, plan a letter, write the demo."""

import argparse
import datetime as dt
import hashlib
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
        ("sheet", sheet, "draw comments for people to read and code"),
        ("plan", plan, "say who is quiet, draw lots, and write the protocol of a letter"),
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
        if name == "plan":
            _plan_options(command)
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
    from .letters.contact_list import contact_list, contacts_table
    from .letters.lots import draw_lots
    from .letters.silence import quiet_by_rule, silence

    study = open_study(options.study, files=options.files)
    folder = options.to or study.path.parent / f"plan-{options.campaign}"
    paths = [folder / name for name in ("contacts.csv", "letters.csv", "protocol.yml")]
    if there := [path.name for path in paths if path.exists()]:
        raise StudyError(f"The folder {folder} has {', '.join(there)} already, and a rule written down is not rewritten. "
                         "Another rule is another campaign: give it another name.")
    _check_day(study, options.on)
    people = study.people.df()
    try:
        quiet = quiet_by_rule(silence(people, study.events, on=options.on, **_calendar(study)), people, on=options.on,
                              lapse_days=options.lapse_days, outcome_days=options.outcome_days,
                              minimum_count=study.minimum_count)
        print(quiet.summary)
        print(quiet.table.to_string(index=False, na_rep="withheld", float_format="{:,.0f}".format))
        seed = options.seed
        if seed is None:
            seed = int(hashlib.sha256(f"{options.campaign} {options.on}".encode()).hexdigest()[:8], 16)
        among = quiet.people[["person_key", "seen_before"]].merge(people, on="person_key")
        lots = draw_lots(among, share=1 - options.holdout, strata=options.strata, seed=seed)
        protocol = _protocol(study, options, seed, lots)
        listed = contact_list(lots, people, minimum_count=study.minimum_count)
    except ValueError as problem:
        raise StudyError(str(problem)) from None
    contacts = contacts_table(lots, campaign_id=options.campaign, assigned_on=options.on)
    _write_privately(folder, paths, [contacts.to_csv(index=False), listed.letters.to_csv(index=False), protocol.to_yaml()])
    row = ["campaign_id", "purpose", "lapse_days", "outcome_days", "registered_on"]
    print(f"""Written to {folder}, and nothing was sent: {', '.join(path.name for path in paths)}.
{listed.summary} It holds pseudonyms: whoever holds the key finds the addresses as data/README.md says under
\u201cFrom pseudonyms to addresses\u201d. When the letters have gone, fill in sent_at, opted_out and bounced in contacts.csv.
Once the window is over, name that file in {study.path.name} under sources as contacts, and add to the campaigns:
{','.join(row)}
{','.join(str(getattr(protocol, name)) for name in row)}""")


def _write_privately(folder, paths, texts):
    """New files that only their owner may read."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for path, text in zip(paths, texts, strict=True):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="") as file:
                file.write(text)
    except OSError as error:
        raise StudyError(f"The folder {folder} cannot be written ({error.strerror}). Name another with --to.") from None


def _check_day(study, on):
    """Refuse a day before the data begin, or so long after they end that nobody can be said to be quiet."""
    first = study.events.aggregate("min(occurred_at)").fetchall()[0][0].date()
    if on <= first:
        raise StudyError(f"The data begin on {first}: on {on} nobody can be said to be quiet. Take a later day.")
    if (on - study.as_of).days > 31:
        raise StudyError(f"The data end on {study.as_of}, {(on - study.as_of).days} days before {on}: people may have been "
                         "seen since. Export newer data, or take a day at most 31 days after they end.")
    if on > study.as_of + dt.timedelta(days=1):
        _say(f"The data end on {study.as_of}: who was seen between then and {on} is taken to be as quiet as before.")
    if on < dt.date.today() and not study.synthetic:
        _say(f"{on} is past: the protocol will say that the rule was laid down after that day.")


def _calendar(study):
    absences = study.get("absences")
    return {"holidays": study.holidays, "absences": None if absences is None else absences.df(), "coverage": study.coverage}


def _protocol(study, options, seed, lots):
    """The protocol of a lot; says what share is expected to come back unasked, and whether the arms are large enough."""
    from .claims import CLAIMS
    from .effects.sizes import enough_words, smallest_difference
    from .letters.protocol import Protocol, list_digest

    arms = lots["arm"].value_counts().reindex(["letter", "holdout"], fill_value=0)
    if arms.min() < study.minimum_count:
        raise StudyError(f"An arm of the lot would hold fewer than {study.minimum_count} people, of whom nothing may be "
                         "shown. Take a shorter lapse, or more equal arms.")
    share, claim = _expected(study, options), CLAIMS["C14"]
    _say(enough_words(len(lots), share, share + claim.threshold / 100, holdout=options.holdout))
    window = options.outcome_days
    return Protocol(
        campaign_id=options.campaign, purpose="Learn by lot whether a letter changes how many quiet people are seen again.",
        who=f"Everybody eligible on {options.on} and for {window} days after it; silent until then for at least "
            f"{options.lapse_days} expected days (holidays and absences are not expected days; for people never seen they "
            "count from when they could first have been seen); not away on the day; covered by a source; with a working "
            "address; who has not asked not to be written to.",
        lapse_days=options.lapse_days, outcome=f"At least one act of the person's own on days 1 to {window} after the lot.",
        outcome_days=window, holdout_share=options.holdout, strata=tuple(options.strata), seed=seed,
        letter=int(arms["letter"]), holdout=int(arms["holdout"]), expected_share=round(share, 4),
        smallest_rise=round(smallest_difference(*arms.tolist(), share), 4), rule=claim.rule,
        registered_on=options.on if study.synthetic else dt.date.today(), assigned_on=options.on,
        data_fingerprint=study.fingerprint, list_digest=list_digest(lots))


def _expected(study, options):
    """Share of those the rule finds a year earlier who came back unasked, or 10% where that cannot be told."""
    from .effects.contacts import unasked_returns

    day, people, contacts = options.on - dt.timedelta(days=365), study.people.df(), study.get("contacts")
    if contacts is not None:
        written = contacts.filter("arm = 'letter'").df()["person_key"]
        people = people[~people["person_key"].isin(written)]
    try:
        back = unasked_returns(people, study.events, on=day, lapse_days=options.lapse_days, days=options.outcome_days,
                               **_calendar(study))["returned"]
        if min(back.sum(), (~back).sum()) >= study.minimum_count:
            _say(f"Of those the rule would have found a year earlier, {back.mean():.1%} came back unasked; as many are "
                 "expected to now.")
            return float(back.mean())
    except ValueError:
        pass
    _say("The data do not tell how many come back unasked, or of too few people; 10% is assumed.")
    return 0.1


def demo(options):
    """Write the synthetic library."""
    from .demo import write_demo

    begun = time.perf_counter()
    write_demo(options.folder)
    _say(f"a synthetic library in {options.folder}, {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
