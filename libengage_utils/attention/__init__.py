"""Where use and staff time go: how unequally they fall over people, whom they reach, and what moving hours would do."""

from .engaged import staff_concentration
from .lorenz import concentration
from .ranked import concentration_index
from .shares import minutes_by_group, minutes_by_segment
from .shift import acts_an_hour, shift_hour
from .staff import Allocation, allocate
from .top import top_share

__all__ = ["Allocation", "acts_an_hour", "allocate", "concentration", "concentration_index", "minutes_by_group",
           "minutes_by_segment", "shift_hour", "staff_concentration", "top_share"]
