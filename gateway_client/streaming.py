"""Watches a stream of server-sent events go by, and settles what it cost exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway_client import wire

if TYPE_CHECKING:
    from collections.abc import Callable


class UsageTap:
    """Reads the usage out of the events, or else counts the text they carry."""

    def __init__(self, prompt_tokens: int) -> None:
        self._prompt_tokens = prompt_tokens
        self._reported: wire.Usage | None = None
        self._written: list[str] = []
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; an event may be cut anywhere."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._read(line)

    def usage(self) -> wire.Usage:
        """Return what the stream so far has cost."""
        self._read(self._rest)
        self._rest = b""
        if self._reported:
            return self._reported
        written = wire.tokens("".join(self._written))
        return wire.Usage(self._prompt_tokens, written, estimated=True)

    def _read(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        payload = wire.payload_of(line.removeprefix(b"data:"))
        if payload is None:
            return
        self._reported = wire.reported_usage(payload) or self._reported
        self._written.append(wire.written_text(payload))


class Settlement:
    """Settles one streamed call, however it ends: read to the end, closed, cancelled, broken."""

    def __init__(self, tap: UsageTap, settle: Callable[[wire.Usage], None]) -> None:
        self._tap = tap
        self._settle = settle
        self._settled = False

    def feed(self, chunk: bytes) -> None:
        """Watch the next bytes."""
        self._tap.feed(chunk)

    def settle(self) -> None:
        """Write down the cost; every time but the first this does nothing."""
        if not self._settled:
            self._settled = True
            self._settle(self._tap.usage())
