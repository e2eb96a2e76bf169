"""Run a notebook on a study in a fresh kernel, leaving out what the study has no data for."""

import ast
import os
import re
from itertools import groupby
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from traitlets.config import Config

from ..schema import TABLES

# What a study without a table lacks, in words that fit "needs ..., which this study does not have".
NEEDED = {
    "people": "a roster",
    "events": "an event log",
    "summaries": "a summary of each cardholder",
    "absences": "a record of absences",
    "feedback": "people's feedback",
    "codes": "comments read and coded by people",
    "quotations": "comments approved for quoting",
    "priorities": "declared priorities",
    "campaigns": "a campaign of letters",
    "contacts": "a record of whom a letter went to",
    "staff_time": "records of staff time",
    "reading_lists": "reading lists",
    "reading_list_items": "the items of reading lists",
    "reading_list_use": "the use of reading lists",
    "workflows": "declared workflows",
    "forecasts": "forecasts of uptake",
}
# Run in the kernel before any cell. Python's own sockets are watched; a compiled library that opens its own, and another
# program that a cell starts, are not seen.
_OFFLINE = """
def _stay_offline():
    import ipaddress
    import socket
    import sys

    own = (None, "", "localhost", socket.gethostname())

    def here(host):
        host = host.decode() if isinstance(host, bytes) else host
        try:
            return host in own or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def watch(event, values):
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            asked = values[1][0] if isinstance(values[1], tuple) else None    # else a socket of this machine
        elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            asked = values[0]
        else:
            return
        if not here(asked):
            raise RuntimeError("A cell asked for something on the network, and a page is made from the study's files alone.")

    sys.addaudithook(watch)

_stay_offline()
del _stay_offline
"""
_ENCRYPTED = Config({"KernelManager": {"transport_encryption": "auto"}})
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*$", re.M)
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class ReportError(ValueError):
    """A notebook could not become a page; the message is one sentence that says where and why."""


def tags(cell):
    """The tags of a cell, as a set."""
    return set(cell.metadata.get("tags", ()))


def headings(source):
    """Headings of a Markdown text, as (level, words) without emphasis, code marks or links.

    Examples
    --------
    >>> headings("# Who *engages*?\\n\\nText.\\n\\n## The data")
    [(1, 'Who engages?'), (2, 'The data')]
    """
    found = _HEADING.findall(_FENCE.sub("", source))
    return [(len(marks), re.sub(r"\[(.*?)\]\(.*?\)", r"\1", re.sub(r"[*`]|\\(?=\W)", "", words)))
            for marks, words in found]


def run_notebook(path, *, parameters=None, has_tables=frozenset(), progress=None):
    """Run a notebook in a fresh kernel, in its own folder, and return it with its outputs.

    Cells tagged ``lab``, which ask something of who sits before them, are left out. Cells tagged ``needs-<table>``
    are left out when the study lacks that table, and one sentence stands in the place of each run of them. A cell
    tagged ``optional`` that cannot be computed (too few people, say) gives its reason instead, and the other optional
    cells of its section are left out; so does a later one that needs what it would have made. A claim that a cell
    tagged ``claim-<id>`` would have judged is then not testable. A notebook whose metadata ask for a table
    (``libengage: {needs: [events]}``) that is lacking is not run: one sentence is all it holds.

    Parameters
    ----------
    path : str or Path
        The notebook.
    parameters : dict, optional
        Names and values set after the cell tagged ``parameters``, or first if there is none.
    has_tables : set of str
        Names of the tables the study has.
    progress : callable, optional
        Called as ``progress(done, total, heading)`` after each code cell.

    Returns
    -------
    nbformat.NotebookNode

    Raises
    ------
    ReportError
        If the notebook is missing or unreadable, asks for a table nobody knows, or a cell fails.
    """
    path = Path(path)
    try:
        notebook = nbformat.read(path, as_version=4)
    except FileNotFoundError:
        folder = path.resolve().parent.name
        raise ReportError(f"There is no notebook {path.name} in the folder {folder}.") from None
    except (OSError, ValueError, TypeError, AttributeError, nbformat.ValidationError):
        raise ReportError(f"{path.name} cannot be read as a notebook; save it again in JupyterLab.") from None
    lacking = _lacking(notebook.metadata.get("libengage", {}).get("needs", ()), has_tables, path)
    if lacking:
        return _skipped(notebook, path, lacking)
    notebook.cells = _inject(_leave_out(notebook.cells, has_tables, path), parameters or {})
    _execute(notebook, path, progress)
    return notebook


def _lacking(needs, has_tables, path):
    """Those of the needed tables a study lacks, in the schema's order."""
    needs = set(needs)
    if unknown := needs - set(TABLES):
        raise ReportError(f"{path.name} needs a table {sorted(unknown)[0]!r} that nobody knows; "
                          f"the tables are {', '.join(TABLES)}.")
    return tuple(table for table in TABLES if table in needs - set(has_tables))


def _needs(tables, several=False):
    return f"need{'' if several else 's'} {_listed([NEEDED[table] for table in tables])}, which this study does not have."


def _listed(words):
    """Words with commas, and "and" before the last."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _skipped(notebook, path, lacking):
    title = next((words for cell in notebook.cells if cell.cell_type == "markdown"
                  for _, words in headings(cell.source)), path.stem)
    sentence = f"This notebook {_needs(lacking)}"
    notebook.cells = [new_markdown_cell(f"# {title}\n\n{sentence}", id="skipped")]
    notebook.metadata["libengage"] = {**notebook.metadata["libengage"], "skipped": sentence}
    return notebook


def _leave_out(cells, has_tables, path):
    """Replace each run of cells whose table is lacking by one sentence."""
    def lacking(cell):
        return _lacking({tag.removeprefix("needs-") for tag in tags(cell) if tag.startswith("needs-")},
                        has_tables, path)

    kept, cells = [], [cell for cell in cells if "lab" not in tags(cell)]
    for dropped, run in groupby(cells, key=lambda cell: bool(lacking(cell))):
        run = list(run)
        if not dropped:
            kept += run
            continue
        tables = [table for table in TABLES if any(table in lacking(cell) for cell in run)]
        titles = [title for cell in run if cell.cell_type == "markdown" for title in headings(cell.source)]
        top = min((level for level, _ in titles), default=0)
        names = [f"“{words}”" for level, words in titles if level == top] or ["this step"]
        words = f"*Left out: {_listed(names)} {_needs(tables, len(names) > 1)}*"
        kept.append(new_markdown_cell(words, id=f"left-out-{len(kept)}"))
        kept += [new_code_cell(_not_testable(claim, f"It {_needs(tables)}"), id=f"untested-{claim}",
                               metadata={"tags": ["remove-input"]}) for cell in run for claim in _claims(cell)]
    return kept


def _claims(cell):
    return sorted(tag.removeprefix("claim-") for tag in tags(cell) if tag.startswith("claim-"))


def _not_testable(claim, why):
    return f"from libengage_utils.claims import judge\n\njudge({claim!r}, missing={why!r})"


def _inject(cells, parameters):
    if not parameters:
        return cells
    values = {name: str(value) if isinstance(value, Path) else value for name, value in parameters.items()}
    cell = new_code_cell("\n".join(f"{name} = {value!r}" for name, value in values.items()),
                         id="injected-parameters", metadata={"tags": ["injected-parameters"]})
    at = next((i + 1 for i, old in enumerate(cells) if "parameters" in tags(old)), 0)
    return [*cells[:at], cell, *cells[at:]]


def _execute(notebook, path, progress):
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    done, heading = 0, "its beginning"
    # Sets of words come out in the same order in every run, so that unchanged pages stay identical.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    client = NotebookClient(notebook, kernel_name="python3", timeout=None, config=_ENCRYPTED,
                            resources={"metadata": {"path": str(path.resolve().parent)}})
    client.reset_execution_trackers()
    missing, reasons = "", {}          # why the section at hand cannot go on; why a name has no value
    try:
        with client.setup_kernel(env=environment):
            notebook.cells.insert(0, new_code_cell(_OFFLINE, id="offline"))
            client.execute_cell(notebook.cells[0], 0)
            del notebook.cells[0]
            for at, cell in enumerate(notebook.cells):
                if cell.cell_type == "markdown" and (found := headings(cell.source)):
                    heading, missing = found[-1][1], ""
                if cell.cell_type == "code":
                    if not missing or not ("optional" in tags(cell) or _claims(cell)):
                        missing = _run_cell(client, cell, at, reasons) or missing
                    else:
                        reasons |= dict.fromkeys(_named(cell.source), missing)
                        if claims := _claims(cell):
                            cell.source = _not_testable(claims[0], missing)
                            client.execute_cell(cell, at)
                    done += 1
                    if progress:
                        progress(done, total, heading)
    except CellExecutionError as error:
        raise ReportError(f"{path.name} stopped under “{heading}”: {_why(error)}") from None
    except RuntimeError:                # DeadKernelError among them
        raise ReportError(f"{path.name} stopped under “{heading}”: its Python process ended, perhaps "
                          "for want of memory.") from None


def _why(error):
    """What stopped a cell, in one line; what libraries say of a want of room names paths, and goes on."""
    if error.ename in ("OutOfMemoryException", "MemoryError") or "No space left" in error.evalue:
        return "there is no room, in memory or on the disk beside study.yml. Make room, or give it a larger machine."
    return ": ".join(filter(None, (error.ename, _last_line(error.evalue))))


def _run_cell(client, cell, at, reasons):
    """Run a cell; where an optional one cannot be computed, put the reason in its place and return it.

    A name that is missing since an earlier cell could not be computed has the reason of that cell.
    """
    try:
        client.execute_cell(cell, at)
        return ""
    except CellExecutionError as error:
        if "optional" not in tags(cell) or error.ename not in ("ValueError", "NameError"):
            raise
        why = _last_line(error.evalue) or "It could not be computed."
        if error.ename == "NameError":
            known = (reasons[name] for name in re.findall(r"'(\w+)'", why) if name in reasons)
            why = next(known, "A step it builds on could not be computed.")
    lost = _named(cell.source)
    if claims := _claims(cell):
        cell.source = _not_testable(claims[0], why)
        client.execute_cell(cell, at)
    else:
        said = "for the reason given above." if why in reasons.values() else why
        cell.outputs = [new_output("display_data", {"text/markdown": f"*Left out: {said}*"})]
    reasons |= dict.fromkeys(lost, why)
    return why


def _named(source):
    """Names that a code cell would give a value, but for those within a magic of IPython."""
    try:
        parts = ast.walk(ast.parse(TransformerManager().transform_cell(source)))
    except SyntaxError:
        return set()
    return {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _last_line(words):
    return _ANSI.sub("", words).strip().rpartition("\n")[2]


def only_imports(source):
    """Whether a code cell does nothing but import."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    return bool(body) and all(isinstance(line, ast.Import | ast.ImportFrom) for line in body)
