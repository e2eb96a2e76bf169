"""Write a page and its manifest whole, or not at all, and the index over the pages."""

import hashlib
import json
import shutil
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from .. import __version__
from ..claims import known
from ..privacy import release_problems
from ..study.keeping import alone, flush, untouched
from .exporters import ReportExporter, render
from .gate import examine, rules, statements, told_together
from .pages import Page
from .running import ReportError, run_notebook
from .slides import NotesExporter, SlidesExporter

IDENTITY = {"person": "each person", "group": "groups of people", "none": "acts, but not whose they were"}
# What is written of a notebook: the ending of the file's stem -> its exporter.
EDITIONS = {"": ReportExporter(code=False), "-code": ReportExporter(), "-slides": SlidesExporter(),
            "-notes": NotesExporter()}
# What the index reads of a manifest.
LISTED = {"page", "title", "question", "in_short", "skipped", "study", "fingerprint", "claims", "counts", "editions"}
CALLED = {"": "The page", "-code": "The page with its code", "-slides": "Slides", "-notes": "What to say to the slides"}


def particulars(study):
    """What pages and manifests say of a study: its name, period, purpose and who its data can see.

    Parameters
    ----------
    study : Study
        Anything with `name`, `synthetic`, `purpose`, `as_of`, `minimum_count`, `coverage` (a frame
        of the columns of `schema.COVERAGE`) and `fingerprint`.

    Returns
    -------
    dict
        Plain values only, so that it can be written as JSON.
    """
    alike = {}
    for row in study.coverage.to_dict("records"):
        seen = (_day(row["from"]), _day(row["to"]), IDENTITY[row["identity"]], _misses(row["blind_spots"]))
        alike.setdefault(seen, []).append(str(row["source"]))
    coverage = [{"source": ", ".join(sources), "from": start, "to": end, "sees": sees, "misses": misses}
                for (start, end, sees, misses), sources in alike.items()]
    first, last = pd.to_datetime(study.coverage["from"]).min(), pd.to_datetime(study.coverage["to"]).max()
    statement = " ".join(f"{row['source']}, {row['from']} to {row['to']}: {row['sees']}"
                         + (f"; not {row['misses']}." if row["misses"] else ".") for row in coverage)
    return {"name": study.name, "synthetic": bool(study.synthetic), "purpose": study.purpose,
            "as_of": _day(study.as_of), "period": f"{_day(first)} to {_day(last)}",
            "minimum_count": int(study.minimum_count), "coverage": coverage, "statement": statement,
            "fingerprint": str(study.fingerprint), "version": __version__}


def _misses(blind_spots):
    """Blind spots in words: `column=value` of the roster is people of whom that holds."""
    parts = [] if pd.isna(blind_spots) else [part.strip() for part in str(blind_spots).split(";")]
    told = [part.partition("=") for part in parts if part]
    return "; ".join(f"people whose {column.replace('_', ' ')} is {value}" if value else column
                     for column, _, value in told)


def _day(value):
    moment = pd.Timestamp(value)
    return f"{moment.day} {moment:%B %Y}"


def export(notebook, out_html, *, study, parameters=None, progress=None, editions=EDITIONS):
    """Run a notebook on a study and write its page, its other editions and, beside them, its manifest.

    Parameters
    ----------
    notebook : str or Path
    out_html : str or Path
        The page; the other editions add their ending to its stem, and the manifest ends in ``.json``.
    study : Study
        See `particulars`; also its `tables`, the names of the tables it has, and `changed`, if it has that.
    parameters : dict, optional
        Handed to the notebook.
    progress : callable, optional
        See `run_notebook`.
    editions : dict, optional
        What to write, as in `EDITIONS`.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    ReportError
        If a cell fails, a figure is not described, the page breaks a rule of release, its folder cannot be written, or the
        study's files change meanwhile; no page is written then, and one from an earlier run stays as it was.
    """
    notebook, out_html = Path(notebook), Path(out_html)
    run = run_notebook(notebook, parameters=parameters, has_tables=set(study.tables), progress=progress)
    if getattr(study, "changed", bool)():       # the kernel has opened the study for itself
        raise ReportError(f"{notebook.name}: files of the study changed while it ran. Wait until they are written, and run "
                          "again.")
    about = particulars(study)
    page, skipped = Page(run, notebook.name), run.metadata.get("libengage", {}).get("skipped", "")
    names = {suffix: out_html.with_stem(out_html.stem + suffix).name for suffix in editions if not (skipped and suffix)}
    written = {name: editions[suffix].from_notebook_node(run, {"name": notebook.name, "study": about, "page": page,
                                                              "others": _called(names, but=suffix)})[0]
               for suffix, name in names.items()}
    found = examine(page, run, written, study, forbidden=(str(notebook.resolve().parent),))
    _refuse(notebook.name, found.problems)
    manifest = {
        "notebook": notebook.name, "page": out_html.name, "title": page.title, "question": page.question,
        "in_short": page.in_short, "skipped": skipped,
        "study": about["name"], "synthetic": about["synthetic"], "purpose": about["purpose"],
        "as_of": about["as_of"], "minimum_count": about["minimum_count"], "rules": rules(study),
        "withheld": page.withheld, "warnings": list(found.warnings), "coverage": about["statement"],
        "fingerprint": about["fingerprint"], "claims": page.claims, "counts": statements(page),
        "editions": {name: hashlib.sha256(html.encode()).hexdigest() for name, html in written.items()},
    }
    html, text = written.pop(out_html.name), json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    _write(out_html.parent, {**written, out_html.with_suffix(".json").name: text, out_html.name: html},
           outdated=[out_html.with_stem(out_html.stem + suffix).name for suffix in editions.keys() - names.keys()])
    return manifest


def build_index(folder, study, *, progress=None):
    """Write ``index.html`` over the pages of a folder, from their manifests.

    A page is left out unless its manifest is of this study and vouches for every edition as it lies there.

    Parameters
    ----------
    folder : str or Path
        Where `export` wrote pages of this study.
    study : Study
        See `particulars`.
    progress : callable, optional
        Called with a sentence for each page left out.

    Returns
    -------
    Path
        The index.

    Raises
    ------
    ReportError
        If the folder holds no page of this study, the index breaks a rule of release or cannot be written, or the counts of
        its pages, which their manifests hold, give a group away together.
    """
    folder = Path(folder)
    pages = []
    for path in sorted(folder.glob("*.json")):
        if path.with_suffix(".html").exists():
            manifest = _manifest(path)
            if why := _unlisted(manifest, folder, study):
                if progress:
                    progress(f"{path.stem}.html is not in the index: {why}. Remove it, or make it anew.")
            else:
                pages.append(manifest)
    if not pages:
        raise ReportError(f"There is no page of this study in {folder.name} to make an index of; export a notebook first.")
    for page in pages:
        names = {name.removeprefix(Path(page["page"]).stem).removesuffix(".html"): name for name in page["editions"]}
        page["others"] = _called(names, but="")
    html = render("index.html.j2", study=particulars(study), pages=pages, known=known(),
                  claims=[(page, claim) for page in pages for claim in page["claims"]])
    _refuse("The index", [*release_problems(html), *told_together(
        {page["page"]: page["counts"] for page in pages}, study.minimum_count)])
    _write(folder, {"index.html": html})
    return folder / "index.html"


def _manifest(path):
    """What a file holds if it is a manifest of `export`, else nothing."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    whole = isinstance(manifest, dict) and manifest.keys() >= LISTED and manifest["page"] == path.with_suffix(".html").name
    return manifest if whole else {}


def _unlisted(manifest, folder, study):
    """Why the page of a manifest is not listed; nothing if it is."""
    if not manifest:
        return "what lies beside it is no manifest of this version, or was cut off"
    if (manifest["study"], manifest["fingerprint"]) != (study.name, str(study.fingerprint)):
        return "it was made from another study, or from other files of this one"
    there = {name: (folder / name).read_bytes() if (folder / name).is_file() else b"" for name in manifest["editions"]}
    changed = [name for name, text in there.items() if hashlib.sha256(text).hexdigest() != manifest["editions"][name]]
    return f"its manifest was not written for {' and '.join(changed)} as it is" if changed else ""


def _called(names, but):
    """Words for the other editions and where they are."""
    return {CALLED[suffix]: name for suffix, name in names.items() if suffix != but and suffix in CALLED}


def _refuse(name, problems):
    if problems:
        raise ReportError(f"{name} may not be handed over: {' '.join(problems)}")


def _write(folder, texts, outdated=()):
    """Write files whole: as drafts first, which then take their names in order, so that the last vouches for the rest.

    What is outdated goes before that, and with all of them what was printed of them. One process writes them at a time.
    """
    last, names = list(texts)[-1], (*texts, *outdated)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder / f".{last}.lock", busy=lambda: None) as sure:
            for left in folder.glob(f".{escape(last)}.*/"):         # by a run that was killed
                if sure or untouched(left):
                    shutil.rmtree(left)
            if taken := [name for name in texts if (folder / name).is_dir()]:
                raise ReportError(f"{taken[0]} cannot be written, since a folder has that name; rename the folder.")
            with TemporaryDirectory(dir=folder, prefix=f".{last}.") as drafts:
                for name, text in texts.items():
                    Path(drafts, name).write_bytes(text.encode())     # the bytes whose digest the manifest has
                    flush(Path(drafts, name))
                for path in [*map(folder.joinpath, outdated), *((folder / name).with_suffix(".pdf") for name in names)]:
                    path.unlink(missing_ok=True)
                for name in texts:
                    Path(drafts, name).replace(folder / name)
            flush(folder)
    except OSError as error:
        raise ReportError(f"{last} cannot be written to its folder ({error.strerror}); make room there, or name another "
                          "folder.") from None
