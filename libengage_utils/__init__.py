"""Tested computations behind the notebooks: who engages with a library, and how sure one can be."""

__version__ = "0.1.0"
