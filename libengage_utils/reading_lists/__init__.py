"""Reading lists of modules: how they are made, what stands on them, and how often they are opened."""

from .panel import RUNGS, ListPanel, list_panel
from .rungs import RungUse, use_by_rung

__all__ = ["RUNGS", "ListPanel", "RungUse", "list_panel", "use_by_rung"]
