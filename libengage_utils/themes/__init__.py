"""What people struggle with, in their own comments: themes, who voices them, and whether our agenda speaks of them."""

from .agenda import Agenda, agenda
from .examples import Examples, examples
from .finding import Themes, find_themes
from .languages import Readable, readable
from .voiced import Voiced, voiced

__all__ = ["Agenda", "Examples", "Readable", "Themes", "Voiced", "agenda", "examples", "find_themes", "readable", "voiced"]
