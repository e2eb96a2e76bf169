"""What goes with what, over time: mediation, return after friction, and ratings at the extremes."""

from .extremes import extremes
from .friction import return_model, standardised_return
from .mediation import mediation
from .person_terms import person_terms, terms_between
from .recovery import recovery
from .returns import return_curves, returns_after

__all__ = ["extremes", "mediation", "person_terms", "recovery", "return_curves", "return_model", "returns_after",
           "standardised_return", "terms_between"]
