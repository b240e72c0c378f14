"""Finds the one JSON object that is meant in a model's answer: fenced, thought about, explained."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

Answer = TypeVar("Answer", bound=BaseModel)

MOST_STARTS: Final = 64
"""Opening braces that are tried, so that a hostile answer costs no more than a long one."""

_DECODER: Final = json.JSONDecoder(strict=False)  # models put bare line breaks into strings

_THOUGHT: Final = r"(?:think|thinking|thought|reasoning)>"
_THOUGHT_BEGINS: Final = re.compile(rf"\s*<{_THOUGHT}", re.IGNORECASE)
_THOUGHT_ENDS: Final = re.compile(rf"</{_THOUGHT}", re.IGNORECASE)

_CALL_WORDS: Final = frozenset({"name", "arguments", "parameters", "type", "id", "function"})
_ARGUMENT_WORDS: Final = ("arguments", "parameters")


def validated(text: str, reply: type[Answer]) -> Answer:
    """Return the first object in the text that is a valid ``reply``; thoughts do not count.

    Raises ValueError if there is no object, and ValidationError, which is one, if none is valid.
    """
    problem: ValueError = ValueError("there is no JSON object in it")
    for answer in _without_thoughts(text):
        for found in objects(answer):
            try:
                return reply.model_validate(_arguments(found, reply))
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


def _without_thoughts(text: str) -> Iterator[str]:
    """Yield what may be the answer: what follows the last thought, or all if none was begun.

    Some servers cut off the opening tag, and a closing one may also stand within an answer.
    """
    ends = [match.end() for match in _THOUGHT_ENDS.finditer(text)]
    if ends:
        yield text[ends[-1] :]
    if text.lstrip().startswith(("{", "`")) or not (ends or _THOUGHT_BEGINS.match(text)):
        yield text


def _arguments(found: dict[str, object], reply: type[BaseModel]) -> dict[str, object]:
    """Return the arguments if the object is a function call written out as text."""
    inner = found.get("function") if "function" not in reply.model_fields else None
    call = inner if isinstance(inner, dict) else found
    if not set(call) <= _CALL_WORDS or set(_ARGUMENT_WORDS) & set(reply.model_fields):
        return found
    given = next((call[word] for word in _ARGUMENT_WORDS if word in call), None)
    if isinstance(given, str):
        given = next(objects(given), None)
    return given if isinstance(given, dict) else found
