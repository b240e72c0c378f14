"""Judges whether evidence supports a claim: a score, a verdict, and reasons with their words.

Pure functions of two texts, in plain Python: the same input gives the same judgement anywhere.
"""

from agent.domain.support.checks import (
    flipped,
    missing_dates,
    missing_entities,
    missing_numbers,
    missing_percentages,
    missing_units,
    replaced,
    swapped,
)
from agent.domain.support.reasons import HARD, Reason
from agent.domain.support.score import (
    SUPPORTED_FROM,
    UNSUPPORTED_BELOW,
    Judgement,
    Verdict,
    judge,
)

__all__ = [
    "HARD",
    "SUPPORTED_FROM",
    "UNSUPPORTED_BELOW",
    "Judgement",
    "Reason",
    "Verdict",
    "flipped",
    "judge",
    "missing_dates",
    "missing_entities",
    "missing_numbers",
    "missing_percentages",
    "missing_units",
    "replaced",
    "swapped",
]
