"""Puts a stream of chunks together to the answer that it would have been in one piece."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gateway_client.wire import Payload

_SAID_WHOLE: Final = {"id", "type", "role", "format"}
"""Texts that come in one piece, and may come again; all others go on where they stopped."""


class Gathering:
    """One answer while its chunks come in, in Chat Completions' words.

    Pieces of text are joined whatever their field is called, so that what vendors add to the
    protocol (the thinking of a model, say) is kept as well.
    """

    def __init__(self) -> None:
        self._told: Payload = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Payload) -> None:
        """Take the next chunk."""
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._add(choice)
        self._told |= {key: value for key, value in chunk.items() if value is not None}

    def body(self) -> bytes:
        """Return the answer as JSON."""
        choices = [_whole(index, choice) for index, choice in sorted(self._choices.items())]
        told = {**self._told, "object": "chat.completion", "choices": choices}
        return json.dumps(told).encode()

    def _add(self, choice: dict[str, Any]) -> None:
        index = choice.get("index")
        known = self._choices.setdefault(index if isinstance(index, int) else 0, {})
        for key, value in choice.items():
            joined = key in {"delta", "logprobs"}
            known[key] = _joined(key, known.get(key), value) if joined else value or known.get(key)


def _whole(index: int, choice: dict[str, Any]) -> dict[str, Any]:
    said = choice.pop("delta", None) or {}
    calls = said.get("tool_calls") or ()
    if calls:
        said["tool_calls"] = [_without_index(call) for call in calls]
    return {
        **choice,
        "index": index,
        "message": {"role": "assistant", "content": None, **said},
        "logprobs": choice.get("logprobs"),
        "finish_reason": choice.get("finish_reason") or ("tool_calls" if calls else "stop"),
    }


def _without_index(call: object) -> object:
    if not isinstance(call, dict):
        return call
    return {key: value for key, value in call.items() if key != "index"}


def _joined(key: str, before: object, piece: object) -> object:
    """Return what there is of a value once a chunk's piece of it is added."""
    if piece is None:
        return before
    if isinstance(piece, dict):
        known = before if isinstance(before, dict) else {}
        return {**known, **{name: _joined(name, known.get(name), piece[name]) for name in piece}}
    if isinstance(piece, list):
        return _extended(before if isinstance(before, list) else [], piece)
    if isinstance(before, str) and isinstance(piece, str):
        return (piece or before) if key in _SAID_WHOLE else before + piece
    return piece


def _extended(known: list[object], pieces: list[object]) -> list[object]:
    """Return a list with what a chunk brings: an item with an index goes on where that one is."""
    extended = list(known)
    for piece in pieces:
        place = _place(extended, piece) if isinstance(piece, dict) else None
        if place is None:
            extended.append(piece)
        else:
            extended[place] = _joined("", extended[place], piece)
    return extended


def _place(known: list[object], piece: dict[str, Any]) -> int | None:
    """Return where the item is that a piece goes on with, if it is no new one.

    Some vendors give all calls of a turn the same index; then the id tells them apart.
    """
    for place in range(len(known) - 1, -1, -1):
        item = known[place]
        if "index" in piece and isinstance(item, dict) and item.get("index") == piece["index"]:
            other = piece.get("id") and item.get("id") not in {None, "", piece["id"]}
            return None if other else place
    return None
