"""A claim's rule, estimate and verdict."""

from .judging import CAUSAL, MIME, ClaimCard, how_many_agree, judge, more_or_fewer, without_cause
from .known import known
from .rules import CLAIMS, SIGNS, VERDICTS, Claim

__all__ = ["CAUSAL", "CLAIMS", "MIME", "SIGNS", "VERDICTS", "Claim", "ClaimCard", "how_many_agree", "judge", "known",
           "more_or_fewer", "without_cause"]
