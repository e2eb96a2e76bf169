"""What people do one step after another, and how the steps felt."""

from .aftermath import what_follows
from .arcs import emotional_arc, journey_measures, steps_with_feelings
from .feelings import attach, rated, turned_scales
from .paths import paths
from .remembered import compare_memories
from .sessions import sessionise, step_matrix, transitions

__all__ = ["attach", "compare_memories", "emotional_arc", "journey_measures", "paths", "rated", "sessionise", "step_matrix",
           "steps_with_feelings", "transitions", "turned_scales", "what_follows"]
