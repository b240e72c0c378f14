"""The blocking shell: one request of a client that waits, driven through the attempt loop."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway_client.exchange import Send, Wait
from gateway_client.families.messages import (
    arrived,
    call_of,
    came,
    gathered,
    is_event_stream,
    lost,
    request_of,
    response_of,
    soured,
)
from gateway_client.families.ways import way_to

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from types import ModuleType

    import httpx2

    from gateway_client.catalog import Endpoint
    from gateway_client.exchange import Answer
    from gateway_client.families.ways import Way
    from gateway_client.faults import Outcome
    from gateway_client.streaming import Relay, Settlement
    from gateway_client.transport import Step, Switchboard, Word


class SyncShell:
    """What every blocking transport does, whatever its family."""

    def __init__(
        self,
        switchboard: Switchboard,
        family: ModuleType,
        inner: httpx2.BaseTransport | None,
        sleep: Callable[[float], None],
    ) -> None:
        self._switchboard = switchboard
        self._family = family
        self._inner = inner
        self._sleep = sleep
        self._made: dict[Way, httpx2.BaseTransport] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Do what the attempt loop says until it has an answer."""
        flow = self._switchboard.connect(call_of(request, request.read()))
        opened: _Opened | None = None
        outcome: Outcome | None = None
        with closing(flow):
            try:
                while True:
                    with self._lock:  # threads share the pool and its health
                        step = flow.send(outcome)
                    outcome = None
                    if isinstance(step, Wait):
                        self._sleep(step.seconds)
                    elif isinstance(step, Send):
                        self._check(flow, step)
                        outcome, opened = self._ask(step, request.extensions)
                    else:
                        raise TypeError("only a race can keep waiting")
            except StopIteration as stop:
                return self._response(stop.value, opened)

    def _check(self, flow: Generator[Step, Word, Answer], step: Send) -> None:
        """Raise, through the flow, if the endpoint can answer async clients only."""
        if step.lane.endpoint.transport is not None:
            name = step.lane.endpoint.name
            said = f"{name} answers in this process, and async clients only"
            flow.throw(self._family.UnsupportedProtocol(said))

    def close(self) -> None:
        """Close all ways to the network."""
        for transport in (*self._made.values(), *([self._inner] if self._inner else [])):
            transport.close()

    def _ask(self, step: Send, extensions: Mapping[str, object]) -> tuple[Outcome, _Opened | None]:
        inner = self._way(step.lane.endpoint)
        request = request_of(self._family, step, _hurried(step.seconds, extensions))
        began = time.monotonic()
        try:
            response = inner.handle_request(request)
            return self._read(step, response, began)
        except (self._family.RequestError, OSError) as error:
            return lost(self._family, error), None

    def _read(
        self, step: Send, response: httpx2.Response, began: float
    ) -> tuple[Outcome, _Opened | None]:
        """Read a response to its end, or a stream to its first content."""
        try:
            if step.relay is not None and is_event_stream(response):
                if step.relay.gathering is None:
                    return _opened(self._family, step, step.relay, response)
                outcome = _drained(step, step.relay, response, began)
            else:
                outcome = came(step, response, _whole(response, step.most_bytes))
        except BaseException:
            response.close()
            raise
        response.close()
        return outcome, None

    def _way(self, endpoint: Endpoint) -> httpx2.BaseTransport:
        if self._inner is not None:
            return self._inner
        way = way_to(endpoint)
        if way not in self._made:
            verify, proxy = way
            self._made[way] = self._family.HTTPTransport(verify=verify, proxy=proxy)
        return self._made[way]

    def _response(self, answer: Answer, opened: _Opened | None) -> httpx2.Response:
        if answer.body is None and opened is not None and answer.settlement is not None:
            kind = type("Stream", (_Tapped, self._family.SyncByteStream), {})
            return response_of(self._family, answer, kind(opened, answer.settlement))
        return response_of(self._family, answer)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A stream that has brought its first content: what was held back, and where more is."""

    family: ModuleType
    response: httpx2.Response
    chunks: Iterator[bytes]
    held: bytes


def _opened(
    family: ModuleType, step: Send, relay: Relay, response: httpx2.Response
) -> tuple[Outcome, _Opened | None]:
    chunks = response.iter_bytes()
    held = b""
    until = time.monotonic() + step.seconds
    for data in chunks:
        held += relay.feed(data)
        if relay.begun or relay.over:
            break
        if time.monotonic() > until:
            raise TimeoutError("no content in time")
    if not relay.begun:
        response.close()
        return soured(relay, response), None
    return arrived(response, None), _Opened(family, response, chunks, held)


def _drained(step: Send, relay: Relay, response: httpx2.Response, began: float) -> Outcome:
    """Read a stream to its end; what is too long between two readings, the transport says."""
    until, seen = began + step.seconds, 0
    for data in response.iter_bytes():
        relay.feed(data)
        if relay.over:
            break
        now = time.monotonic()
        if now > until:
            raise TimeoutError("the stream was silent, or had no end in time")
        if relay.begun and relay.events > seen:  # a comment is no sign of life
            seen = relay.events
            until = min(now + step.idle_seconds, began + step.last_seconds)
    return gathered(relay, response)


def _whole(response: httpx2.Response, most: int) -> bytes | None:
    """Read the body; None if there is too much of it."""
    parts: list[bytes] = []
    for data in response.iter_bytes():
        parts.append(data)
        most -= len(data)
        if most < 0:
            return None
    return b"".join(parts)


class _Tapped:
    """The events of a stream on their way to a caller that blocks."""

    def __init__(self, opened: _Opened, settlement: Settlement) -> None:
        self._opened = opened
        self._settlement = settlement

    def __iter__(self) -> Iterator[bytes]:
        """Yield what was held back, and then whatever comes."""
        relay, opened = self._settlement.relay, self._opened
        try:
            yield opened.held
            while not relay.over:
                data = self._next()
                if data is None:
                    break
                yield relay.feed(data)
            yield relay.end()
        finally:
            self._settlement.settle()
        if relay.problem:
            yield relay.error_event()

    def _next(self) -> bytes | None:
        """Return the next bytes; None at their end, or when they are lost."""
        try:
            return next(self._opened.chunks, None)
        except (self._opened.family.RequestError, OSError) as error:
            said = str(error) or type(error).__name__
            self._settlement.relay.fail(f"the stream broke off ({said})")
        return None

    def close(self) -> None:
        """Settle, and stop reading."""
        self._settlement.settle()
        self._opened.response.close()


def _hurried(seconds: float, extensions: Mapping[str, object]) -> Mapping[str, object]:
    """Let no read of a client that blocks last longer than is left for the whole."""
    timeout = extensions.get("timeout")
    told = dict(timeout) if isinstance(timeout, dict) else {}
    read = told.get("read")
    return {
        **extensions,
        "timeout": {**told, "read": seconds if read is None else min(read, seconds)},
    }
