"""Puts our values into LangGraph checkpoints and gets them back as they were."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, Final

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from agent.domain import coverage, evidence, question, report

OURS: Final = tuple(
    value
    for module in (question, evidence, coverage, report)
    for value in vars(module).values()
    if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
)


class Serializer(JsonPlusSerializer):
    """LangGraph's serializer, strict: it makes no objects but our values and its own.

    MessagePack has no tuples, so what comes back as a list within one of our values is made a
    tuple again: our values hold no lists.
    """

    def __init__(self) -> None:
        super().__init__(
            allowed_msgpack_modules=[(ours.__module__, ours.__name__) for ours in OURS]
        )

    def loads_typed(self, data: tuple[str, bytes]) -> Any:  # noqa: ANN401 - LangGraph's signature
        """Return what was put in."""
        return _restored(super().loads_typed(data))


def _restored(value: Any) -> Any:  # noqa: ANN401 - any value a checkpoint may hold
    """Return the value with tuples where our values had them; leave LangGraph's own alone."""
    if isinstance(value, OURS):
        parts = {field.name: _tupled(getattr(value, field.name)) for field in fields(value)}
        return type(value)(**parts)
    if isinstance(value, dict):
        return {key: _restored(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_restored(item) for item in value)
    return value


def _tupled(value: Any) -> Any:  # noqa: ANN401 - any part of our values
    if isinstance(value, list | tuple):
        return tuple(_tupled(item) for item in value)
    return _restored(value)
