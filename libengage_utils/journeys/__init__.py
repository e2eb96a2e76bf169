"""What people do one step after another, how the steps felt, and whether they keep to a declared way."""

from .aftermath import what_follows
from .arcs import emotional_arc, journey_measures
from .conformance import KINDS, conformance, share_off
from .feelings import attach, rated, turned_scales
from .flows import flows
from .paths import paths
from .remembered import compare_memories
from .sessions import sessionise, step_matrix, transitions
from .steps import steps_with_feelings
from .variants import variants
from .workflows import Workflow, read_workflows

__all__ = ["KINDS", "Workflow", "attach", "compare_memories", "conformance", "emotional_arc", "flows", "journey_measures",
           "paths", "rated", "read_workflows", "sessionise", "share_off", "step_matrix", "steps_with_feelings",
           "transitions", "turned_scales", "variants", "what_follows"]
