"""Drives the attempt loop with real requests, for httpx and for httpx2, awaiting or blocking.

Both families have the same names, so a family is a module that is handed in, and the transport
class that fits it is made on the spot.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from gateway_client.exchange import Call, Send, Wait
from gateway_client.faults import Arrived, Lost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
    from types import ModuleType

    from gateway_client.catalog import Endpoint
    from gateway_client.exchange import Answer
    from gateway_client.faults import Outcome
    from gateway_client.streaming import Settlement
    from gateway_client.transport import Switchboard

LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}


def async_transport(
    switchboard: Switchboard,
    family: ModuleType = httpx2,
    *,
    inner: httpx2.AsyncBaseTransport | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> httpx2.AsyncBaseTransport:
    """Return a transport for the family's AsyncClient; ``inner`` is what it sends through."""
    made = type("GatewayTransport", (_AsyncShell, family.AsyncBaseTransport), {})
    return cast("httpx2.AsyncBaseTransport", made(switchboard, family, inner, sleep))


def sync_transport(
    switchboard: Switchboard,
    family: ModuleType = httpx2,
    *,
    inner: httpx2.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> httpx2.BaseTransport:
    """Return a transport for the family's Client; endpoints in this process cannot answer it."""
    made = type("SyncGatewayTransport", (_SyncShell, family.BaseTransport), {})
    return cast("httpx2.BaseTransport", made(switchboard, family, inner, sleep))


class _AsyncShell:
    def __init__(
        self,
        switchboard: Switchboard,
        family: ModuleType,
        inner: httpx2.AsyncBaseTransport | None,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._switchboard = switchboard
        self._family = family
        self._inner = inner
        self._sleep = sleep
        self._made: dict[tuple[bool, str | None], httpx2.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        flow = self._switchboard.connect(_call(request, await request.aread()))
        response: httpx2.Response | None = None
        with closing(flow):
            try:
                step = next(flow)
                while True:
                    if isinstance(step, Wait):
                        await self._sleep(step.seconds)
                        step = flow.send(None)
                    else:
                        outcome, response = await self._ask(step, request.extensions)
                        step = flow.send(outcome)
            except StopIteration as stop:
                return self._response(stop.value, response)

    async def aclose(self) -> None:
        for transport in (*self._made.values(), *([self._inner] if self._inner else [])):
            await transport.aclose()

    async def _ask(
        self, step: Send, extensions: Mapping[str, object]
    ) -> tuple[Outcome, httpx2.Response | None]:
        family, inner = self._way(step.lane.endpoint)
        request = _request(family, step, extensions)
        try:
            response = await inner.handle_async_request(request)
            if step.stream and _is_event_stream(response):
                return Arrived(response.status_code, response.headers, None), response
            try:
                body = await response.aread()
            finally:
                await response.aclose()
        except (family.RequestError, OSError) as error:
            return _lost(family, error), None
        return Arrived(response.status_code, response.headers, body), None

    def _way(self, endpoint: Endpoint) -> tuple[ModuleType, httpx2.AsyncBaseTransport]:
        if endpoint.transport is not None:
            return httpx2, endpoint.transport
        if self._inner is not None:
            return self._family, self._inner
        way = _way_to(endpoint)
        if way not in self._made:
            verify, proxy = way
            self._made[way] = self._family.AsyncHTTPTransport(verify=verify, proxy=proxy)
        return self._family, self._made[way]

    def _response(self, answer: Answer, source: httpx2.Response | None) -> httpx2.Response:
        if answer.body is None and source is not None and answer.settlement is not None:
            stream = type("Stream", (_AsyncTapped, self._family.AsyncByteStream), {})
            tapped = stream(source, answer.settlement)
            return _made_response(self._family, answer, stream=tapped)
        return _made_response(self._family, answer)


class _AsyncTapped:
    """The bytes of a stream on their way to the caller."""

    def __init__(self, source: httpx2.Response, settlement: Settlement) -> None:
        self._source = source
        self._settlement = settlement

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._source.aiter_bytes():
                self._settlement.feed(chunk)
                yield chunk
        finally:
            self._settlement.settle()

    async def aclose(self) -> None:
        self._settlement.settle()
        await self._source.aclose()


class _SyncShell:
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
        self._made: dict[tuple[bool, str | None], httpx2.BaseTransport] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        flow = self._switchboard.connect(_call(request, request.read()))
        response: httpx2.Response | None = None
        outcome: Outcome | None = None
        with closing(flow):
            try:
                while True:
                    with self._lock:  # threads share the pool and its health
                        step = flow.send(outcome)
                    outcome = None
                    if isinstance(step, Wait):
                        self._sleep(step.seconds)
                    else:
                        outcome, response = self._ask(step, request.extensions)
            except StopIteration as stop:
                return self._response(stop.value, response)

    def close(self) -> None:
        for transport in (*self._made.values(), *([self._inner] if self._inner else [])):
            transport.close()

    def _ask(
        self, step: Send, extensions: Mapping[str, object]
    ) -> tuple[Outcome, httpx2.Response | None]:
        if step.lane.endpoint.transport is not None:
            raise self._family.UnsupportedProtocol(
                f"{step.lane.endpoint.name} answers in this process, and async clients only"
            )
        inner = self._way(step.lane.endpoint)
        request = _request(self._family, step, extensions)
        try:
            response = inner.handle_request(request)
            if step.stream and _is_event_stream(response):
                return Arrived(response.status_code, response.headers, None), response
            try:
                body = response.read()
            finally:
                response.close()
        except (self._family.RequestError, OSError) as error:
            return _lost(self._family, error), None
        return Arrived(response.status_code, response.headers, body), None

    def _way(self, endpoint: Endpoint) -> httpx2.BaseTransport:
        if self._inner is not None:
            return self._inner
        way = _way_to(endpoint)
        if way not in self._made:
            verify, proxy = way
            self._made[way] = self._family.HTTPTransport(verify=verify, proxy=proxy)
        return self._made[way]

    def _response(self, answer: Answer, source: httpx2.Response | None) -> httpx2.Response:
        if answer.body is None and source is not None and answer.settlement is not None:
            stream = type("Stream", (_SyncTapped, self._family.SyncByteStream), {})
            tapped = stream(source, answer.settlement)
            return _made_response(self._family, answer, stream=tapped)
        return _made_response(self._family, answer)


class _SyncTapped:
    """The bytes of a stream on their way to a caller that blocks."""

    def __init__(self, source: httpx2.Response, settlement: Settlement) -> None:
        self._source = source
        self._settlement = settlement

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._source.iter_bytes():
                self._settlement.feed(chunk)
                yield chunk
        finally:
            self._settlement.settle()

    def close(self) -> None:
        self._settlement.settle()
        self._source.close()


def _call(request: httpx2.Request, body: bytes) -> Call:
    path = request.url.raw_path.decode("ascii")
    return Call(request.method, path, dict(request.headers.items()), body)


def _request(family: ModuleType, step: Send, extensions: Mapping[str, object]) -> httpx2.Request:
    made = family.Request(
        step.method,
        step.url,
        headers=dict(step.headers),
        content=step.body,
        extensions=dict(extensions),
    )
    return cast("httpx2.Request", made)


def _is_event_stream(response: httpx2.Response) -> bool:
    kind = response.headers.get("content-type", "")
    return response.is_success and kind.startswith("text/event-stream")


def _lost(family: ModuleType, error: Exception) -> Lost:
    return Lost(str(error) or type(error).__name__, isinstance(error, family.TimeoutException))


def _made_response(family: ModuleType, answer: Answer, **stream: object) -> httpx2.Response:
    """Make the family's response, or raise its error; either way our own error travels along."""
    if not answer.status:
        kind = family.ReadTimeout if answer.timed_out else family.ConnectError
        raise kind(str(answer.error)) from answer.error
    content = stream or {"content": answer.body}
    carried = {"gateway_error": answer.error} if answer.error else {}
    made = family.Response(
        answer.status, headers=dict(answer.headers), extensions=carried, **content
    )
    return cast("httpx2.Response", made)


def _way_to(endpoint: Endpoint) -> tuple[bool, str | None]:
    """Return whether certificates are needed, which cost 40 ms to load, and the proxy, if any.

    Clients look for proxies only if they make their own transport, so we have to.
    """
    url = urlsplit(endpoint.base_url)
    host = url.hostname or ""
    bypassed = host in LOOPBACK or bool(proxy_bypass(host))
    proxy = None if bypassed else getproxies().get(url.scheme)
    return url.scheme == "https" or proxy is not None, proxy
