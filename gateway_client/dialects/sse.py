"""Reads and writes event streams (server-sent events), cut anywhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

DONE: Final = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name, empty if it has none, and its data."""

    name: str
    data: str


class Reader:
    """Takes bytes as they come and gives the events that are whole."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete."""
        *blocks, self._rest = (self._rest + data).replace(b"\r\n", b"\n").split(b"\n\n")
        return [event for block in blocks if (event := _event(block)) is not None]

    def end(self) -> list[Event]:
        """Return the last event, if the stream ended without the blank line after it."""
        return self.feed(b"\n\n")


def written(payload: dict[str, object]) -> bytes:
    """Return a payload as one event."""
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def _event(block: bytes) -> Event | None:
    name, data = "", list[str]()
    for line in block.decode("utf-8", "replace").split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    return Event(name, "\n".join(data)) if data else None
