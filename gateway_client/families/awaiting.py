"""The awaiting shell: one request of an async client, driven through the attempt loop."""

from __future__ import annotations

import asyncio
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import httpx2

from gateway_client.exchange import Send, Wait
from gateway_client.families.last_word import LAST_WORD, LastWord
from gateway_client.families.messages import (
    call_of,
    came,
    is_event_stream,
    lost,
    request_of,
    response_of,
)
from gateway_client.families.racing import Decided, Race
from gateway_client.families.streams import Tapped, drained, opened
from gateway_client.families.ways import network, way_to
from gateway_client.families.whole import ReadsWhole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import ModuleType

    from gateway_client.catalog import Endpoint
    from gateway_client.exchange import Answer
    from gateway_client.families.streams import Opened
    from gateway_client.families.ways import Way
    from gateway_client.faults import Outcome
    from gateway_client.transport import Switchboard


class AsyncShell:
    """What every async transport does, whatever its family."""

    def __init__(
        self,
        switchboard: Switchboard,
        family: ModuleType,
        inner: httpx2.AsyncBaseTransport | None,
        sleep: Callable[[float], Awaitable[None]],
        announce: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self._switchboard = switchboard
        self._family = family
        self._inner = inner
        self._sleep = sleep
        self._announce = announce
        self._made: dict[Way, httpx2.AsyncBaseTransport] = {}
        self._ways: dict[str, httpx2.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Do what the attempt loop says until it has an answer."""
        flow = self._switchboard.connect(call_of(request, await request.aread()))
        stream: Opened | None = None
        with closing(flow):
            try:
                step = next(flow)
                while True:
                    if isinstance(step, Wait):
                        await self._sleep(step.seconds)
                        step = flow.send(None)
                    elif isinstance(step, Send) and step.hedge is not None:
                        race = Race(flow, partial(self._ask, extensions=request.extensions))
                        step, stream = await race.run(step, step.hedge)
                    elif isinstance(step, Send):
                        ask = self._ask if self._announce else self._sent  # the shorter way
                        outcome, stream = await ask(step, request.extensions)
                        step = flow.send(outcome)
                    else:
                        raise TypeError("only a race can keep waiting")
            except Decided as decided:
                return self._response(decided.answer, decided.opened)
            except StopIteration as stop:
                return self._response(stop.value, stream)

    async def aclose(self) -> None:
        """Close all ways to the network."""
        for transport in (*self._made.values(), *([self._inner] if self._inner else [])):
            await transport.aclose()

    async def _ask(
        self, step: Send, extensions: Mapping[str, object]
    ) -> tuple[Outcome, Opened | None]:
        if self._announce is None:
            return await self._sent(step, extensions)
        word = LastWord(self._announce)
        await word.ask()
        token = LAST_WORD.set(word)
        try:
            return await self._sent(step, extensions)
        finally:
            LAST_WORD.reset(token)

    async def _sent(
        self, step: Send, extensions: Mapping[str, object]
    ) -> tuple[Outcome, Opened | None]:
        family, inner = self._way(step.lane.endpoint)
        try:
            if step.relay is None and isinstance(inner, ReadsWhole):
                return await inner.whole(step, extensions.get("timeout", {})), None  # type: ignore[arg-type]  # as httpx2 has it
            began = asyncio.get_running_loop().time()
            async with asyncio.timeout(step.seconds) as patience:
                request = request_of(family, step, extensions)
                response = await inner.handle_async_request(request)
                return await _read(family, step, response, patience, began)
        except (family.RequestError, OSError) as error:
            return lost(family, error), None

    def _way(self, endpoint: Endpoint) -> tuple[ModuleType, httpx2.AsyncBaseTransport]:
        if endpoint.transport is not None:
            return httpx2, endpoint.transport
        if self._inner is not None:
            return self._family, self._inner
        if endpoint.base_url not in self._ways:
            way = way_to(endpoint)
            if way not in self._made:
                self._made[way] = network(way)
            self._ways[endpoint.base_url] = self._made[way]
        return httpx2, self._ways[endpoint.base_url]

    def _response(self, answer: Answer, stream: Opened | None) -> httpx2.Response:
        if answer.body is None and stream is not None and answer.settlement is not None:
            kind = type("Stream", (Tapped, self._family.AsyncByteStream), {})
            return response_of(self._family, answer, kind(stream, answer.settlement))
        return response_of(self._family, answer)


async def _read(
    family: ModuleType,
    step: Send,
    response: httpx2.Response,
    patience: asyncio.Timeout,
    began: float,
) -> tuple[Outcome, Opened | None]:
    """Read a response to its end, or a stream to its first content."""
    try:
        if step.relay is not None and is_event_stream(response):
            if step.relay.gathering is None:
                return await opened(family, step, step.relay, response)
            outcome = await drained(step, step.relay, response, patience, began)
        else:
            outcome = came(step, response, await _whole(response, step.most_bytes))
    except BaseException:
        await response.aclose()
        raise
    await response.aclose()
    return outcome, None


async def _whole(response: httpx2.Response, most: int) -> bytes | None:
    """Read the body; None if there is too much of it."""
    parts: list[bytes] = []
    packed = "content-encoding" in response.headers
    source = response.stream  # read directly it takes half the time
    direct = source if isinstance(source, httpx2.AsyncByteStream) and not packed else None
    async for data in direct or response.aiter_bytes():
        parts.append(data)
        most -= len(data)
        if most < 0:
            return None
    return b"".join(parts)
