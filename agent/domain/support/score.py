"""Says whether evidence supports a claim, by a logistic regression over measures; no model, no net.

The weights beside this module were fitted by ``benchmarks/support_train.py``, which tells how, and
are judged by ``benchmarks/support.py``.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from agent.domain.support.features import Measured, measure
from agent.domain.support.reasons import HARD, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.domain.support.reasons import Kind

Verdict: TypeAlias = Literal["supported", "unsupported", "unclear"]

SUPPORTED_FROM: Final = 0.6
UNSUPPORTED_BELOW: Final = 0.4
"""Between the two a claim is in the grey zone. The weights are moved so that one half is the
threshold of best mean balanced accuracy over the sets they were fitted to; .1 to either side leaves
a fifth of all claims to a judge, with those a rule objects to a quarter."""

FEW_WORDS_LOST: Final = 0.25
"""Share of a claim's weight missing from the evidence from which the missing words are a reason."""

WORDS_TOLD: Final = 6
"""Missing words named in a reason."""

Evidence: TypeAlias = "Sequence[str] | str"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How well a claim is supported (0..1), what that amounts to, and what speaks against it."""

    score: float
    verdict: Verdict
    reasons: tuple[Reason, ...]


def judge(claim: str, evidence: Evidence) -> Judgement:
    """Judge one claim against its evidence, one text or several.

    A claim with a reason found by rule (``reasons.HARD``) is at best unclear, however high its
    score; with no words on either side, the score is 0 and the claim unsupported.
    """
    found = measure(claim, evidence if isinstance(evidence, str) else "\n".join(evidence))
    if found is None:
        return Judgement(0.0, "unsupported", (Reason("nothing_to_compare"),))
    score = _score(found.values)
    reasons = _reasons(found)
    return Judgement(round(score, 4), _verdict(score, reasons), reasons)


def _score(values: Mapping[str, float]) -> float:
    intercept, slopes = _weights()
    return 1 / (1 + math.exp(-intercept - sum(s * values[name] for name, s in slopes)))


def _verdict(score: float, reasons: Sequence[Reason]) -> Verdict:
    if score < UNSUPPORTED_BELOW:
        return "unsupported"
    doubted = any(reason.kind in HARD for reason in reasons)
    return "supported" if score >= SUPPORTED_FROM and not doubted else "unclear"


def _reasons(found: Measured) -> tuple[Reason, ...]:
    told: tuple[tuple[Kind, Sequence[str]], ...] = (
        ("missing_number", found.numbers),
        ("missing_percentage", found.percentages),
        ("missing_date", found.dates),
        ("missing_unit", found.units),
        ("missing_entity", found.names),
        ("negation_differs", found.negations),
        ("direction_differs", found.directions),
        ("roles_swapped", found.exchanged),
        ("another_in_its_place", found.others),
        ("strength_differs", found.strength),
    )
    reasons = [Reason(kind, detail) for kind, details in told for detail in details]
    if 1 - found.values["words"] > FEW_WORDS_LOST and found.lost:
        reasons.append(Reason("little_in_common", ", ".join(found.lost[:WORDS_TOLD])))
    return tuple(dict.fromkeys(reasons))


@lru_cache(maxsize=1)
def _weights() -> tuple[float, tuple[tuple[str, float], ...]]:
    stored = json.loads(files(__package__).joinpath("weights.json").read_text("utf-8"))
    return float(stored["intercept"]), tuple(stored["slopes"].items())
