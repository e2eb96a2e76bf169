"""A synthetic university library whose truth is known, to learn on and to test against."""

from .write import write_demo

__all__ = ["write_demo"]
