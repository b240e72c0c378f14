"""Reads from an endpoint's refusal that a prompt was too long, and by how much."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_SAID: Final = re.compile(
    r"context[_ ](length|size|window)|maximum context|prompt is too long|input is too long"
    r"|input token count|too many (input |prompt )?tokens|max_model_len"
    r"|tokens?\b.{0,40}\bexceeds?\b|exceeds?\b.{0,60}\btokens?\b",
    re.IGNORECASE,
)
_PROMPT: Final = re.compile(r"(\d+) (?:tokens? )?in the (?:messages|prompt|input)", re.IGNORECASE)
_NUMBER: Final = re.compile(r"(?<![\w.-])(?:\d{1,3}(?:,\d{3})+|\d+)(?![\w-])")
FEWEST: Final = 512
"""No window is smaller than that; a smaller number is a status or a version."""
LONGEST: Final = 4_000
"""Characters of a refusal that are read."""


class Overflow(NamedTuple):
    """The tokens of a prompt, and the most there may be, as far as they were said."""

    tokens: int | None
    limit: int | None


def told(refusal: str) -> Overflow | None:
    """Return what a refusal says of a prompt that is too long; None if it is about other things.

    Of the numbers in it the largest is what was asked for, and the next the limit, in the words of
    OpenAI, Anthropic, Google, vLLM and llama.cpp alike; vLLM stops counting at the limit, and says
    "at least".
    """
    refusal = refusal[:LONGEST]
    if not _SAID.search(refusal):
        return None
    said = {int(number.replace(",", "")) for number in _NUMBER.findall(refusal)}
    numbers = sorted((n for n in said if n >= FEWEST), reverse=True)
    if not numbers:
        return Overflow(None, None)
    largest, *others = numbers
    if not others:
        return Overflow(None, largest)
    prompt = _PROMPT.search(refusal)
    counted = int(prompt[1]) if prompt else largest
    return Overflow(None if "at least" in refusal else counted, others[0])
