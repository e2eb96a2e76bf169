"""A session of people before a notebook: guesses before figures, assumptions to turn, decisions to keep."""

from .ballot import hold
from .decisions import open_decisions
from .dials import dials
from .predictions import predict
from .wall import compare_guesses, wall

__all__ = ["compare_guesses", "dials", "hold", "open_decisions", "predict", "wall"]
