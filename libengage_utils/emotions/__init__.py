"""What a comment says its writer felt: read by a model, checked by people, and set right by what they say."""

from .alpha import krippendorff_alpha
from .coding import read_codes, sample_to_code
from .model import EmotionModel, mapping, score
from .pairing import GROUPS, in_tones, tone_of
from .prevalence import prevalence
from .recalibration import EmotionRecalibration, recalibrate
from .reliability import attenuation, score_reliability

__all__ = ["GROUPS", "EmotionModel", "EmotionRecalibration", "attenuation", "in_tones", "krippendorff_alpha", "mapping",
           "prevalence", "read_codes", "recalibrate", "sample_to_code", "score", "score_reliability", "tone_of"]
