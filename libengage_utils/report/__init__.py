"""A notebook to one self-contained page that may be handed over; an index over the pages."""

from . import quick_start  # isort: split  # noqa: F401
from .exporters import ReportExporter
from .printing import print_folder, print_pdf
from .release import build_index, export, particulars
from .running import ReportError, run_notebook
from .slides import NotesExporter, SlidesExporter

__all__ = ["NotesExporter", "ReportError", "ReportExporter", "SlidesExporter", "build_index", "export", "particulars",
           "print_folder", "print_pdf", "run_notebook"]
