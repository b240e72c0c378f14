"""Passes a stream of server-sent events on, event by event, and settles what it cost once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from gateway_client import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway_client.dialects import Translator
    from gateway_client.gathering import Gathering

_TOLD: Final = {"message", "type", "code", "param"}

DONE: Final = b"[DONE]"


class Relay:
    """One streamed reply on its way to the caller; does no input or output.

    Bytes go in however they are cut, and come out as whole events. ``begun`` says that there was
    real content: until then the caller has seen nothing, and another endpoint can still take
    over. ``problem`` is set once the stream has failed; nothing comes out from then on.
    ``gathering`` is set if the caller is to have it in one piece.
    """

    def __init__(
        self,
        prompt_tokens: int,
        *,
        translator: Translator | None = None,
        gathering: Gathering | None = None,
        hide_usage: bool = False,
        most_bytes: int = 2**30,
    ) -> None:
        self.begun = False
        self.events = 0
        self.done = False
        self.broke_off = False
        self.problem: wire.Payload | None = None
        self.gathering = gathering
        self._prompt_tokens = prompt_tokens
        self._translator = translator
        self._hide_usage = hide_usage
        self._bytes_left = most_bytes
        self._most_bytes = most_bytes
        self._finished = False
        self._reported: wire.Usage | None = None
        self._written: list[str] = []
        self._rest: list[bytes] = []
        self._event: list[bytes] = []

    @property
    def over(self) -> bool:
        """Whether nothing more can come."""
        return self.done or self.problem is not None

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the endpoint; return the whole events for the caller."""
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            self.fail(f"the stream had no end after {self._most_bytes:,} bytes")
        if self.over:
            return b""
        try:
            return self._take(self._translator.feed(data) if self._translator else data)
        except ValueError as error:
            self.fail(f"the stream made no sense ({error})")
            return b""

    def end(self) -> bytes:
        """Take the end of the bytes; a stream that nobody ended was cut off."""
        if self.over:
            return b""
        last = self._take((self._translator.end() if self._translator else b"") + b"\n\n")
        complete = self._finished or (self.done and self._translator is None)
        if not complete and self.problem is None:
            self.broke_off = True
            self.fail("the stream broke off before its end")
        return b"" if self.broke_off and self._translator else last  # it would say [DONE]

    def fail(self, message: str) -> None:
        """Say what is wrong with the stream, unless something was before."""
        self.problem = self.problem or {"message": message, "type": "UpstreamFailed"}

    def scrub(self, clean: Callable[[str], str]) -> None:
        """Let a function take what is secret out of the problem."""
        if self.problem:
            said = {key: value for key, value in self.problem.items() if key in _TOLD}
            self.problem = wire.payload_of(clean(json.dumps(said)).encode())

    def error_body(self) -> bytes:
        """Return the problem as the JSON of an error."""
        return json.dumps({"error": self.problem}).encode()

    def error_event(self) -> bytes:
        """Return the problem as an event, on which clients raise."""
        return b"data: " + self.error_body() + b"\n\n"

    def usage(self) -> wire.Usage:
        """Return what the stream so far has cost, as reported or else as counted."""
        if self._reported:
            return self._reported
        written = wire.tokens("".join(self._written))
        return wire.Usage(self._prompt_tokens, written, estimated=True)

    def _take(self, data: bytes) -> bytes:
        if b"\n" not in data:
            self._rest.append(data)
            return b""
        *lines, rest = b"".join((*self._rest, data)).split(b"\n")
        self._rest = [rest]
        passed: list[bytes] = []
        for line in lines:
            text = line.rstrip(b"\r")
            if text:
                self._event.append(text)
            elif self._event and not self.over:
                passed.append(self._close())
        return b"".join(passed)

    def _close(self) -> bytes:
        """Read the event that is complete now; return it if the caller is to have it."""
        lines, self._event = self._event, []
        data = b"\n".join(line[5:].strip() for line in lines if line.startswith(b"data:"))
        event = b"\n".join(lines) + b"\n\n"
        if not data:
            return event if self.begun else b""  # a comment, which keeps a connection awake
        self.events += 1
        if data == DONE:
            self.done = True
            return event
        payload = wire.payload_of(data)
        if payload is None:
            self.fail("the stream held an event that is not JSON")
            return b""
        return event if self._read(payload) else b""

    def _read(self, payload: wire.Payload) -> bool:
        """Watch one event; return whether it is for the caller."""
        self.problem = wire.error_in_event(payload)
        if self.problem:
            return False
        reported = wire.reported_usage(payload)
        self._reported = reported or self._reported
        text = wire.written_text(payload)
        if text:
            self._written.append(text)
        self._finished = self._finished or wire.finishes(payload)
        self.begun = self.begun or wire.has_content(payload)
        if self.gathering is not None:
            self.gathering.add(payload)
        return not (self._hide_usage and reported and not payload.get("choices"))


class Settlement:
    """Settles one streamed call, however it ends: read to the end, closed, cancelled, broken."""

    def __init__(self, relay: Relay, settle: Callable[[Relay], None]) -> None:
        self.relay = relay
        self._settle = settle
        self._settled = False

    def settle(self) -> None:
        """Write down the cost; every time but the first this does nothing."""
        if not self._settled:
            self._settled = True
            self._settle(self.relay)
