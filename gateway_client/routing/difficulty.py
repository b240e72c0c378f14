"""Guesses from a prompt how likely it is that a cheap model's answer would be clearly worse.

What kind of task it is says most; how long and entangled it is says the rest. The weights beside
this module were fitted by ``benchmarks/routing_train.py``, which tells how, and are judged by
``benchmarks/routing.py``: on kinds of task it never saw, APGR is .61-.72, where length has .54-.63.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway_client import wire
from gateway_client.routing import kinds
from gateway_client.routing.kinds import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

WEIGHTS_FILE: Final = Path(__file__).with_name("difficulty.json")
WEIGHTS_SHA256: Final = "060ff1faed8a262c044836047d831cd8fc55de5c8f165357e80c0715a2eca265"
"""Digest of the weights this code was measured with; a test compares."""

HEAD: Final = 2_000
TAIL: Final = 1_000
"""Characters looked at: orders stand at either end, and the work must not grow with the length."""

TINY_TOKENS: Final = 15
LONG_WORD: Final = 8

MOST: Final = 3.9
"""The most, as a logit, that a text may shift what the caller's own table says."""

FAMILIAR: Final = 0.5
"""How much of a kind's weight counts where the caller's own table speaks: of 0, 0.5 and 1,
0.5 was as good as 1 where the table knows two tiers, and better where it knows tasks' means."""

WITHIN: Final[Mapping[str, tuple[str, ...]]] = {
    "arithmetic": ("size", "sentences", "steps", "number_share"),
    "competition": ("size", "numbers"),
    "code": ("size", "steps", "conditions"),
}
"""Features that may count for more, or less, within one kind than elsewhere."""

Features = dict[str, float]


@dataclass(frozen=True, slots=True)
class Weights:
    """What each kind of task and each feature adds to the score's logit.

    ``centre`` is what the features add to the average prompt.
    """

    bias: float
    centre: float
    kinds: Mapping[str, float]
    features: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Difficulty:
    """How much a prompt needs the strong model, 0 to 1, and the kind of task it looks like."""

    score: float
    kind: str


def assess(text: str, tag: str = "", prior: float | None = None) -> Difficulty:
    """Judge a prompt, knowing what kind of task it is if the tag says so.

    ``prior`` is the logit of what the caller's own table thinks of such calls; it takes the
    place of what is known of the kind, and the text only shifts it.
    """
    reading = read(text)
    kind = kinds.tagged(tag) or kinds.told(reading)
    weights = load()
    own = weights.kinds.get(kind, 0.0)
    parts = features(reading, kind, len(text)).items()
    shift = sum(weights.features.get(name, 0.0) * value for name, value in parts) - weights.centre
    if prior is None:
        return Difficulty(_chance(weights.bias + own + shift), kind)
    shift += FAMILIAR * own
    return Difficulty(_chance(prior + max(-MOST, min(MOST, shift))), kind)


def logit(chance: float) -> float:
    """Return the logit of a probability, which weights are added to."""
    chance = min(max(chance, 1e-6), 1 - 1e-6)
    return math.log(chance / (1 - chance))


def _chance(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))


def read(text: str) -> Reading:
    """Read all of a text, or else its head and its tail."""
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    return Reading.of(text)


def features(reading: Reading, kind: str, length: int) -> Features:
    """Return what the weights are multiplied with; ``length`` is that of the whole text."""
    low, words = reading.low, reading.words
    tokens = wire.tokens(low) * max(1.0, length / max(len(low), 1))
    size = math.log1p(tokens) - 4
    steps = reading.count(kinds.STEP_WORDS)
    conditions = reading.count(kinds.CONDITION_WORDS)
    if not low.isascii():
        steps += len(kinds.CHINESE_STEPS.findall(low))
        conditions += len(kinds.CHINESE_CONDITIONS.findall(low))
    numbers = reading.numbers + reading.count(kinds.NUMBER_WORDS)
    found = {
        "size": size,
        "tiny": float(tokens < TINY_TOKENS),
        "numbers": math.log1p(numbers),
        "number_share": min(numbers / (len(words) + 1), 1.0),
        "latex": math.log1p(reading.latex),
        "code": math.log1p(reading.code),
        "sentences": math.log1p(reading.sentences),
        "options": float(reading.options >= kinds.SOME_OPTIONS),
        "conditions": math.log1p(conditions),
        "steps": math.log1p(steps),
        "long_words": sum(len(word) > LONG_WORD for word in words) / (len(words) + 1),
        "analyse": float(reading.count(kinds.ANALYSE_WORDS) > 0),
        "reason": float(reading.count(kinds.REASON_WORDS) > 0),
        "science": math.log1p(reading.count(kinds.SCIENCE_WORDS)),
        "profession": math.log1p(reading.count(kinds.PROFESSION_WORDS)),
        "asks": float(low.endswith(("?", "？"))),
    }
    for name in WITHIN.get(kind, ()):
        found[f"{kind}:{name}"] = found[name]
    return found


@cache
def load() -> Weights:
    """Return the weights, read once."""
    return Weights(**json.loads(WEIGHTS_FILE.read_text(encoding="utf-8")))
