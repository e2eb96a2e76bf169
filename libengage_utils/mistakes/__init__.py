"""Analyses as they are often made, computed from the study, each with what is wrong in it and its repair."""

from .mistake import Mistake
from .people import average_reader, best_group, people_helped, who_spoke
from .services import leaving_the_way, lists_begun, most_spoken_of

__all__ = ["Mistake", "average_reader", "best_group", "leaving_the_way", "lists_begun", "most_spoken_of", "people_helped",
           "who_spoke"]
