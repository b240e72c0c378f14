"""Reads and writes event streams (server-sent events), cut anywhere."""

from __future__ import annotations

import json
from typing import Final

DONE: Final = b"data: [DONE]\n\n"


class Reader:
    """Takes bytes as they come and gives the data of the events that are whole.

    Names of events are not read: every vendor repeats them in the data.
    """

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """Return the data of the events that these bytes complete."""
        if b"\n" not in data:
            self._rest.append(data)  # joined once: a long event may come in many small pieces
            return []
        *lines, rest = b"".join((*self._rest, data)).split(b"\n")
        self._rest = [rest]
        return [event for line in lines if (event := self._take(line.rstrip(b"\r")))]

    def end(self) -> list[bytes]:
        """Return the last event, if the stream ended without the blank line after it."""
        return self.feed(b"\n\n")

    def _take(self, line: bytes) -> bytes:
        """Read one line; return the data of the event that it ends."""
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        if line:
            return b""
        event, self._data = b"\n".join(self._data), []
        return event


def written(payload: dict[str, object]) -> bytes:
    """Return a payload as one event."""
    return b"data: " + json.dumps(payload).encode() + b"\n\n"
