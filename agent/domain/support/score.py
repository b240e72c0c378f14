"""Says whether evidence supports a claim, by weights over measures; no language model, no network.

The score is the mean of two: a logistic regression, in which every measure counts a little, so that
a claim broken anywhere ranks lower, and boosted trees (Friedman, 2001), which see that a measure
means less in long evidence. Both can only fall where the claim departs from the evidence.

The weights beside this module were fitted by ``benchmarks/support_train.py``, which tells how, and
are judged by ``benchmarks/support.py``.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from agent.domain.support.features import Measured, measure
from agent.domain.support.reasons import HARD, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.domain.support.reasons import Kind

Verdict: TypeAlias = Literal["supported", "unsupported", "unclear"]

SUPPORTED_FROM: Final = 0.6
UNSUPPORTED_BELOW: Final = 0.4
"""Between the two a claim is in the grey zone. The weights are moved so that one half is the
threshold of best mean balanced accuracy over the sets they were fitted to, found by folds; .1 to
either side leaves a seventh of those claims unclear, and four in five of the others are right."""

FEW_WORDS_LOST: Final = 0.25
"""Share of a claim's weight missing from the evidence from which the missing words are a reason."""

WORDS_TOLD: Final = 6
"""Missing words named in a reason."""

Evidence: TypeAlias = "Sequence[str] | str"

Tree: TypeAlias = "float | tuple[str, float, Tree, Tree]"
"""A leaf, or a measure, the most it may be for the first branch, and the two branches."""


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
    weights = _weights()
    z = weights.intercept + sum(slope * values[name] for name, slope in weights.slopes)
    return 1 / (1 + math.exp(-z - sum(_leaf(tree, values) for tree in weights.trees)))


def _leaf(tree: Tree, values: Mapping[str, float]) -> float:
    while not isinstance(tree, float):
        name, most, below, above = tree
        tree = below if values[name] <= most else above
    return tree


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


@dataclass(frozen=True, slots=True)
class _Weights:
    intercept: float
    slopes: tuple[tuple[str, float], ...]
    trees: tuple[Tree, ...]


@lru_cache(maxsize=1)
def _weights() -> _Weights:
    stored = json.loads(files(__package__).joinpath("weights.json").read_text("utf-8"))
    trees = tuple(map(_grown, stored["trees"]))
    return _Weights(float(stored["intercept"]), tuple(stored["slopes"].items()), trees)


def _grown(stored: Any) -> Tree:  # noqa: ANN401 - JSON
    if not isinstance(stored, list):
        return float(stored)
    name, most, below, above = stored
    return str(name), float(most), _grown(below), _grown(above)
