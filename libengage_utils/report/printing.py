"""A page as a tagged PDF with an outline, printed by the Chromium, Chrome or Edge that the computer has."""

import os
import re
import shutil
import subprocess
import tempfile
from glob import escape
from pathlib import Path

from ..study.keeping import alone, flush, untouched
from .running import ReportError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge",
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
            "/Applications/Chromium.app/Contents/MacOS/Chromium",
            "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge")
SECONDS = 120   # that a page may take
# What a reader of paper cannot follow: a link to a file beside the page, which a PDF would keep as a path of this machine.
_BESIDE = re.compile(r'(<a\b[^>]*?)\shref="(?!#|https?:|mailto:)[^"]*"')


def find_browser():
    """The browser to print with: the one that CHROMIUM names in the environment, else the first of `BROWSERS` there is.

    Returns
    -------
    str

    Raises
    ------
    ReportError
        If there is none.
    """
    named = os.environ.get("CHROMIUM")
    if found := next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None):
        return found
    raise ReportError("A PDF needs Chromium, Chrome or Edge of version 122 or later, and "
                      + ("there is no such program as CHROMIUM names in the environment." if named else
                         "none was found: install one, or name it in the environment, CHROMIUM=/path/of/the/browser."))


def print_pdf(html_path, pdf_path):
    """Print a page as PDF, with tags for screen readers, an outline from its headings, and no request to anywhere.

    Size and margins of the paper are those of the page's own style sheet. Links within the page and to the web stay.

    Parameters
    ----------
    html_path : str or Path
        A page that holds all it needs.
    pdf_path : str or Path
        Written whole or not at all.

    Raises
    ------
    ReportError
        If there is no browser, no such page, the browser does not print it, or the PDF cannot be written.

    References
    ----------
    Kvitek. Chrome Headless command-line reference. https://developer.chrome.com/docs/automation-and-testing/headless-cli
    """
    browser, html_path, pdf_path = find_browser(), Path(html_path), Path(pdf_path)
    try:
        html = _BESIDE.sub(r"\1", html_path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ReportError(f"There is no page {html_path.name} to print; make it first.") from None
    try:
        _print(browser, html_path.name, html, pdf_path)
    except OSError as error:
        raise ReportError(f"{pdf_path.name} cannot be written to its folder ({error.strerror}); make room there, or "
                          "name another folder.") from None


def print_folder(folder, progress=None, *, notebook=""):
    """Print the pages, decks and notes of a folder, each as a PDF beside it.

    A page with its code is left out: folded code is not printed, so it would be the page without.

    Parameters
    ----------
    folder : str or Path
    progress : callable, optional
        Called as ``progress(done, total, name)`` after each.
    notebook : str, optional
        Print what was made of this notebook alone.

    Returns
    -------
    list of Path
        The PDFs.

    Raises
    ------
    ReportError
        If the folder holds no page, or one cannot be printed.
    """
    folder = Path(folder)
    pages = [path for path in sorted(folder.glob("*.html"))
             if path.stem.startswith(notebook) and not path.stem.endswith("-code")]
    if not pages:
        which = f"page of {notebook}" if notebook else "page"
        raise ReportError(f"There is no {which} in {folder.name or 'this folder'} to print; export a notebook first.")
    for done, path in enumerate(pages, 1):
        print_pdf(path, path.with_suffix(".pdf"))
        if progress:
            progress(done, len(pages), path.with_suffix(".pdf").name)
    return [path.with_suffix(".pdf") for path in pages]


def _print(browser, name, html, pdf_path):
    """Have a browser print the HTML of a page called so."""
    pdf_path.parent.mkdir(parents=True, exist_ok=True)
    # All that it needs lies beside the PDF, since a browser in a sandbox may not see the system's temporary folder.
    prefix = f"printing-{pdf_path.name}-"
    with alone(pdf_path.parent / f".{pdf_path.name}.lock", busy=lambda: None) as sure:
        for left in pdf_path.parent.glob(f"{escape(prefix)}*/"):    # by a run that was killed
            if sure or untouched(left):
                shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=pdf_path.parent, prefix=prefix, ignore_cleanup_errors=True) as desk:
            draft = _draft(browser, name, html, Path(desk).resolve())
            flush(draft)
            draft.replace(pdf_path)


def _draft(browser, name, html, desk):
    """The whole PDF of a page, in a folder of its own."""
    copy, draft = desk / "page.html", desk / "page.pdf"
    copy.write_text(html, encoding="utf-8")
    command = [browser, "--headless", "--no-pdf-header-footer", "--generate-pdf-document-outline", "--export-tagged-pdf",
               "--no-first-run", "--disable-extensions", "--disable-background-networking",
               "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={desk / 'profile'}", f"--print-to-pdf={draft}"]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        command.append("--no-sandbox")      # which Chromium asks for where root runs it, as in containers
    try:
        subprocess.run([*command, copy.as_uri()], timeout=SECONDS, check=False,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise ReportError(f"{name} was not printed within {SECONDS} seconds; open it in a browser and "
                          "print it from there.") from None
    if not draft.exists():                  # Chromium ends with status 0 even where it printed nothing
        raise ReportError(f"{Path(browser).name} did not print {name}; open it in a browser and print it from there, "
                          "or name another browser in the environment, CHROMIUM=/path/of/the/browser.")
    if b"%%EOF" not in draft.read_bytes()[-1024:]:
        raise ReportError(f"{Path(browser).name} printed {name} in part only; make room on the disk.")
    return draft
