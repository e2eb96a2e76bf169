"""A notebook to one self-contained page that may be handed over; an index over the pages."""

from .exporters import ReportExporter
from .release import build_index, export, particulars
from .running import ReportError, run_notebook

__all__ = ["ReportError", "ReportExporter", "build_index", "export", "particulars", "run_notebook"]
