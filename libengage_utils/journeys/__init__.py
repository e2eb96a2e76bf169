"""What people do one step after another: sessions, transitions, paths."""

from .paths import paths
from .sessions import sessionise, step_matrix, transitions

__all__ = ["paths", "sessionise", "step_matrix", "transitions"]
