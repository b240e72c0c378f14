"""Finds the one JSON object that is meant in a model's answer: fenced, thought about, explained."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

Answer = TypeVar("Answer", bound=BaseModel)

MOST_STARTS: Final = 64
"""Opening braces that are tried, so that a hostile answer costs no more than a long one."""

_DECODER: Final = json.JSONDecoder(strict=False)  # models put bare line breaks into strings


def validated(text: str, reply: type[Answer]) -> Answer:
    """Return the first object in the text that is a valid ``reply``.

    Raises ValueError if there is no object, and ValidationError, which is one, if none is valid.
    """
    problem: ValueError = ValueError("there is no JSON object in it")
    for thoughtless in dict.fromkeys((text.rpartition("</think>")[2], text)):
        for found in objects(thoughtless):
            try:
                return reply.model_validate(found)
            except ValidationError as error:
                problem = error
    raise problem


def objects(text: str) -> Iterator[dict[str, object]]:
    """Yield the JSON objects that stand in the text, not those inside other objects."""
    start = text.find("{")
    for _ in range(MOST_STARTS):
        if start < 0:
            return
        try:
            found, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield found
        start = text.find("{", end)
