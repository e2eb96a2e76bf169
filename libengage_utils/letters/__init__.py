"""Whom to write to: who is quiet, by rule and against their own rhythm, the lot, the protocol and the list."""

from .campaign import chosen_campaign
from .contact_list import contact_list, contacts_table
from .expected import expected_days
from .forecasts import brier_skill, calibration
from .lots import draw_lots
from .protocol import Protocol
from .rhythm import RhythmModel
from .silence import active_days, quiet_by_rule, silence

__all__ = ["Protocol", "RhythmModel", "active_days", "brier_skill", "calibration", "chosen_campaign", "contact_list",
           "contacts_table", "draw_lots", "expected_days", "quiet_by_rule", "silence"]
