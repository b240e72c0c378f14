"""Streams on their way to a caller who awaits: held back, passed on, settled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway_client.families.messages import arrived, gathered, soured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import ModuleType

    import httpx2

    from gateway_client.exchange import Send
    from gateway_client.faults import Outcome
    from gateway_client.streaming import Relay, Settlement

GLANCE_SECONDS: Final = 0.002
"""How long a look is taken at what follows the first content. Of a server that breaks off at once
the caller has then had nothing yet, and another endpoint can take over; nobody notices 2 ms."""
GLANCE_BYTES: Final = 65_536

LINGER_SECONDS: Final = 0.5
"""How long the end of a connection is waited for after the end of a stream, to use it again."""


@dataclass(slots=True)
class Opened:
    """A stream that has brought its first content: what was held back, and where more is.

    ``ahead`` is the next reading if it has begun already.
    """

    family: ModuleType
    send: Send
    response: httpx2.Response
    chunks: AsyncIterator[bytes]
    held: bytes
    ahead: asyncio.Future[bytes | None] | None = None

    async def next(self, seconds: float) -> bytes | None:
        """Return the next bytes, None at their end; raise TimeoutError if they are late."""
        if self.ahead is None:
            async with asyncio.timeout(seconds):
                return await anext(self.chunks, None)
        done, _ = await asyncio.wait({self.ahead}, timeout=seconds)
        if not done:
            raise TimeoutError
        reading, self.ahead = self.ahead, None
        return reading.result()

    async def aclose(self) -> None:
        """Stop reading."""
        if self.ahead is not None:
            self.ahead.cancel()
            with suppress(asyncio.CancelledError, self.family.RequestError, OSError):
                await self.ahead  # whatever came of it, nobody wants it any more
        await self.response.aclose()


async def opened(
    family: ModuleType, step: Send, relay: Relay, response: httpx2.Response
) -> tuple[Outcome, Opened | None]:
    """Read a stream to its first content, and what comes right behind it."""
    stream = Opened(family, step, response, response.aiter_bytes(), b"")
    async for data in stream.chunks:
        stream.held += relay.feed(data)
        if relay.begun or relay.over:
            break
    if relay.begun and not relay.over:
        await _glance(stream, relay)
    if not relay.begun or relay.problem:
        await stream.aclose()
        return soured(relay, response), None
    return arrived(response, None), stream


async def _glance(stream: Opened, relay: Relay) -> None:
    """Take what comes within a moment; what comes later is left to be read ``ahead``."""
    loop = asyncio.get_running_loop()
    until = loop.time() + GLANCE_SECONDS
    while not relay.over and len(stream.held) < GLANCE_BYTES:
        stream.ahead = asyncio.ensure_future(anext(stream.chunks, None))
        done, _ = await asyncio.wait({stream.ahead}, timeout=max(0.0, until - loop.time()))
        if not done:
            return
        data, stream.ahead = stream.ahead.result(), None
        stream.held += relay.end() if data is None else relay.feed(data)
        if data is None:
            return


async def drained(
    step: Send, relay: Relay, response: httpx2.Response, patience: asyncio.Timeout, began: float
) -> Outcome:
    """Read a stream to its end, however long that takes, if it is never silent for too long.

    ``began`` is the loop's time when the request was sent.
    """
    loop = asyncio.get_running_loop()
    last = began + step.last_seconds
    chunks = response.aiter_bytes()
    seen = 0
    async for data in chunks:
        relay.feed(data)
        if relay.over:
            break
        if relay.begun and relay.events > seen:  # a comment is no sign of life
            seen = relay.events
            patience.reschedule(min(loop.time() + step.idle_seconds, last))
    if relay.done:  # a connection that is read to its end can be used again
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                await anext(chunks, None)
    return gathered(relay, response)


class Tapped:
    """The events of a stream on their way to the caller, who hears of it if they break off."""

    def __init__(self, stream: Opened, settlement: Settlement) -> None:
        self._opened = stream
        self._settlement = settlement

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield what was held back, and then whatever comes."""
        relay = self._settlement.relay
        try:
            yield self._opened.held
            while not relay.problem:
                data = await self._next()
                if data is None:
                    break
                passed = relay.feed(data)
                if passed:
                    yield passed
            yield relay.end()
        finally:
            self._settlement.settle()
        if relay.problem:
            yield relay.error_event()

    async def _next(self) -> bytes | None:
        """Return the next bytes; None at their end, or when they are late or lost."""
        stream, relay = self._opened, self._settlement.relay
        seconds = LINGER_SECONDS if relay.done else stream.send.idle_seconds
        try:
            return await stream.next(seconds)
        except TimeoutError:
            if not relay.done:
                relay.fail(f"the stream was silent for {seconds:g} seconds")
        except (stream.family.RequestError, OSError) as error:
            relay.fail(f"the stream broke off ({str(error) or type(error).__name__})")
        return None

    async def aclose(self) -> None:
        """Settle, and stop reading."""
        self._settlement.settle()
        await self._opened.aclose()
