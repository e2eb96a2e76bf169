"""Page export: an executed notebook as HTML, as this package's page, and by nbconvert's own exporter.

Both answer with the number of figures, and of the notebook's headings, that the page shows.
"""

import re
from pathlib import Path

ONCE = True         # whatever the number of events
HOME = Path(__file__).parent.parent
TITLE = "01-who-engages"


def make(folder, events):
    """The notebook as it was run on the demo."""
    import nbformat

    from libengage_utils.report import run_notebook
    from libengage_utils.study import open_study

    study = open_study(HOME / "data" / "demo" / "study.yml")
    run = run_notebook(HOME / "notebooks" / f"{TITLE}.ipynb", has_tables=set(study.tables),
                       parameters={"STUDY": str(study.path), "FILES": None})
    nbformat.write(run, folder / "run.ipynb")


def read(folder):
    import nbformat

    return nbformat.read(f"{folder}/run.ipynb", as_version=4)


def contents(run, html):
    """How many pictures a page shows, and how many of the notebook's headings."""
    words = [found for cell in run.cells if cell.cell_type == "markdown"
             for found in re.findall(r"^#+ ([\w ,]+)", cell.source, re.M)]
    return [len(re.findall(r"<img[^>]*data:image/svg", html)), sum(found in html for found in words)]


def this_package(folder):
    from libengage_utils.report import ReportExporter

    run = read(folder)
    return contents(run, ReportExporter().from_notebook_node(run, {"name": TITLE})[0])


def nbconvert_alone(folder):
    from nbconvert import HTMLExporter

    run = read(folder)
    return contents(run, HTMLExporter().from_notebook_node(run)[0])


CONTENDERS = {"this package": this_package, "nbconvert": nbconvert_alone}
LIBRARIES = {"this package": ["libengage_utils.report"], "nbconvert": ["nbconvert", "nbformat"]}
