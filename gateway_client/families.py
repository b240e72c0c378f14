"""Drives the attempt loop with real requests, for httpx and for httpx2, awaiting or blocking.

Both families have the same names, so a family is a module that is handed in, and the transport
class that fits it is made on the spot.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from gateway_client.exchange import Call, Keep, Landed, Send, Slow, Wait
from gateway_client.faults import Arrived, Lost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
    from types import ModuleType

    from gateway_client.catalog import Endpoint
    from gateway_client.exchange import Answer
    from gateway_client.faults import Outcome
    from gateway_client.streaming import Relay, Settlement
    from gateway_client.transport import Step, Switchboard, Word

LINGER_SECONDS: Final = 0.5
"""How long the end of a connection is waited for after the end of a stream, to use it again."""

UNLIMITED: Final = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
"""How many calls there are at once, callers and rpm limits decide."""

_BODILESS: Final = {"GET", "HEAD", "DELETE", "OPTIONS"}

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


def _network(*, verify: bool, proxy: str | None) -> httpx2.AsyncBaseTransport:
    """Return the fastest way to the network that is installed, whatever family is served."""
    try:
        from gateway_client.aiohttp_transport import AiohttpTransport  # noqa: PLC0415 - optional
    except ImportError:
        return httpx2.AsyncHTTPTransport(verify=verify, proxy=proxy, limits=UNLIMITED)
    return AiohttpTransport(verify=verify, proxy=proxy)


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
        opened: _Opened | None = None
        with closing(flow):
            try:
                step = next(flow)
                while True:
                    if isinstance(step, Wait):
                        await self._sleep(step.seconds)
                        step = flow.send(None)
                    elif isinstance(step, Send) and step.hedge is not None:
                        race = _Race(flow, partial(self._ask, extensions=request.extensions))
                        step, opened = await race.run(step, step.hedge)
                    elif isinstance(step, Send):
                        outcome, opened = await self._ask(step, request.extensions)
                        step = flow.send(outcome)
                    else:
                        raise TypeError("only a race can keep waiting")
            except _Decided as decided:
                return self._response(decided.answer, decided.opened)
            except StopIteration as stop:
                return self._response(stop.value, opened)

    async def aclose(self) -> None:
        for transport in (*self._made.values(), *([self._inner] if self._inner else [])):
            await transport.aclose()

    async def _ask(
        self, step: Send, extensions: Mapping[str, object]
    ) -> tuple[Outcome, _Opened | None]:
        family, inner = self._way(step.lane.endpoint)
        request = _request(family, step, extensions)
        try:
            async with asyncio.timeout(step.seconds):
                response = await inner.handle_async_request(request)
                return await self._read(family, step, response)
        except (family.RequestError, OSError) as error:
            return _lost(family, error), None

    async def _read(
        self, family: ModuleType, step: Send, response: httpx2.Response
    ) -> tuple[Outcome, _Opened | None]:
        """Read a response to its end, or a stream to its first content."""
        streamed = step.relay is not None and _is_event_stream(response)
        try:
            if streamed:
                return await _opened(family, step, response)
            body = await _whole(response, step.most_bytes)
        except BaseException:
            await response.aclose()
            raise
        await response.aclose()
        if body is None:
            return _endless(step), None
        return Arrived(response.status_code, _plain(response), body), None

    def _way(self, endpoint: Endpoint) -> tuple[ModuleType, httpx2.AsyncBaseTransport]:
        if endpoint.transport is not None:
            return httpx2, endpoint.transport
        if self._inner is not None:
            return self._family, self._inner
        way = _way_to(endpoint)
        if way not in self._made:
            verify, proxy = way
            self._made[way] = _network(verify=verify, proxy=proxy)
        return httpx2, self._made[way]

    def _response(self, answer: Answer, opened: _Opened | None) -> httpx2.Response:
        if answer.body is None and opened is not None and answer.settlement is not None:
            stream = type("Stream", (_AsyncTapped, self._family.AsyncByteStream), {})
            tapped = stream(opened, answer.settlement)
            return _made_response(self._family, answer, stream=tapped)
        return _made_response(self._family, answer)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A stream that has brought its first content: what was held back, and where more is."""

    family: ModuleType
    send: Send
    response: httpx2.Response
    chunks: AsyncIterator[bytes]
    held: bytes


async def _opened(
    family: ModuleType, step: Send, response: httpx2.Response
) -> tuple[Outcome, _Opened | None]:
    relay = step.relay
    if relay is None:
        raise RuntimeError("nobody asked for a stream")
    chunks = response.aiter_bytes()
    held = b""
    async for data in chunks:
        held += relay.feed(data)
        if relay.begun or relay.over:
            break
    if not relay.begun:
        await response.aclose()
        return _soured(relay, response), None
    opened = _Opened(family, step, response, chunks, held)
    return Arrived(response.status_code, _plain(response), None), opened


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


class _AsyncTapped:
    """The events of a stream on their way to the caller, who hears of it if they break off."""

    def __init__(self, opened: _Opened, settlement: Settlement) -> None:
        self._opened = opened
        self._settlement = settlement

    async def __aiter__(self) -> AsyncIterator[bytes]:
        relay, opened = self._settlement.relay, self._opened
        try:
            yield opened.held
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
        opened, relay = self._opened, self._settlement.relay
        seconds = LINGER_SECONDS if relay.done else opened.send.idle_seconds
        try:
            async with asyncio.timeout(seconds):
                return await anext(opened.chunks, None)
        except TimeoutError:
            if not relay.done:
                relay.fail(f"the stream was silent for {seconds:g} seconds")
        except (opened.family.RequestError, OSError) as error:
            relay.fail(f"the stream broke off ({str(error) or type(error).__name__})")
        return None

    async def aclose(self) -> None:
        self._settlement.settle()
        await self._opened.response.aclose()


class _Decided(Exception):
    """A race was won: the flow has its answer."""

    def __init__(self, answer: Answer, opened: _Opened | None) -> None:
        super().__init__()
        self.answer = answer
        self.opened = opened


class _Race:
    """Asks a second endpoint when the first is silent, and drops whoever comes second."""

    def __init__(
        self,
        flow: Generator[Step, Word, Answer],
        ask: Callable[[Send], Awaitable[tuple[Outcome, _Opened | None]]],
    ) -> None:
        self._flow = flow
        self._ask = ask
        self._flying: dict[asyncio.Task[tuple[Outcome, _Opened | None]], Send] = {}

    async def run(self, first: Send, patience: float) -> tuple[Step, _Opened | None]:
        """Return what the flow wants next; raise _Decided once it has an answer."""
        self._start(first)
        try:
            done, _ = await asyncio.wait(self._flying, timeout=patience)
            if done:
                outcome, opened = self._landed(done.pop())[1]
                return self._tell(outcome, opened), opened
            step = self._tell(Slow(), None)
            while True:
                if isinstance(step, Send):
                    self._start(step)
                elif not isinstance(step, Keep):
                    return step, None
                done, _ = await asyncio.wait(self._flying, return_when=asyncio.FIRST_COMPLETED)
                send, (outcome, opened) = self._landed(done.pop())
                step = self._tell(Landed(send, outcome), opened)
                if not self._flying:
                    return step, None
        finally:
            await self._drop()

    def _start(self, send: Send) -> None:
        self._flying[asyncio.ensure_future(self._ask(send))] = send

    def _landed(
        self, task: asyncio.Task[tuple[Outcome, _Opened | None]]
    ) -> tuple[Send, tuple[Outcome, _Opened | None]]:
        return self._flying.pop(task), task.result()

    def _tell(self, word: Word, opened: _Opened | None) -> Step:
        try:
            return self._flow.send(word)
        except StopIteration as stop:
            raise _Decided(stop.value, opened) from None

    async def _drop(self) -> None:
        """Cancel those that are still on their way, and close what they may have opened."""
        for task in self._flying:
            task.cancel()
        for came in await asyncio.gather(*self._flying, return_exceptions=True):
            if isinstance(came, tuple) and came[1] is not None:
                await came[1].response.aclose()


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
        opened: _SyncOpened | None = None
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
        for transport in (*self._made.values(), *([self._inner] if self._inner else [])):
            transport.close()

    def _ask(
        self, step: Send, extensions: Mapping[str, object]
    ) -> tuple[Outcome, _SyncOpened | None]:
        inner = self._way(step.lane.endpoint)
        request = _request(self._family, step, _hurried(step, extensions))
        try:
            response = inner.handle_request(request)
            return self._read(step, response)
        except (self._family.RequestError, OSError) as error:
            return _lost(self._family, error), None

    def _read(self, step: Send, response: httpx2.Response) -> tuple[Outcome, _SyncOpened | None]:
        """Read a response to its end, or a stream to its first content."""
        streamed = step.relay is not None and _is_event_stream(response)
        try:
            if streamed:
                return _sync_opened(self._family, step, response)
            body = _sync_whole(response, step.most_bytes)
        except BaseException:
            response.close()
            raise
        response.close()
        if body is None:
            return _endless(step), None
        return Arrived(response.status_code, _plain(response), body), None

    def _way(self, endpoint: Endpoint) -> httpx2.BaseTransport:
        if self._inner is not None:
            return self._inner
        way = _way_to(endpoint)
        if way not in self._made:
            verify, proxy = way
            self._made[way] = self._family.HTTPTransport(verify=verify, proxy=proxy)
        return self._made[way]

    def _response(self, answer: Answer, opened: _SyncOpened | None) -> httpx2.Response:
        if answer.body is None and opened is not None and answer.settlement is not None:
            stream = type("Stream", (_SyncTapped, self._family.SyncByteStream), {})
            tapped = stream(opened, answer.settlement)
            return _made_response(self._family, answer, stream=tapped)
        return _made_response(self._family, answer)


@dataclass(frozen=True, slots=True)
class _SyncOpened:
    family: ModuleType
    response: httpx2.Response
    chunks: Iterator[bytes]
    held: bytes


def _sync_opened(
    family: ModuleType, step: Send, response: httpx2.Response
) -> tuple[Outcome, _SyncOpened | None]:
    relay = step.relay
    if relay is None:
        raise RuntimeError("nobody asked for a stream")
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
        return _soured(relay, response), None
    opened = _SyncOpened(family, response, chunks, held)
    return Arrived(response.status_code, _plain(response), None), opened


def _sync_whole(response: httpx2.Response, most: int) -> bytes | None:
    parts: list[bytes] = []
    for data in response.iter_bytes():
        parts.append(data)
        most -= len(data)
        if most < 0:
            return None
    return b"".join(parts)


class _SyncTapped:
    """The events of a stream on their way to a caller that blocks."""

    def __init__(self, opened: _SyncOpened, settlement: Settlement) -> None:
        self._opened = opened
        self._settlement = settlement

    def __iter__(self) -> Iterator[bytes]:
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
        try:
            return next(self._opened.chunks, None)
        except (self._opened.family.RequestError, OSError) as error:
            said = str(error) or type(error).__name__
            self._settlement.relay.fail(f"the stream broke off ({said})")
        return None

    def close(self) -> None:
        self._settlement.settle()
        self._opened.response.close()


def _soured(relay: Relay, response: httpx2.Response) -> Outcome:
    """Say what became of a stream that ended, or failed, before its first content."""
    relay.end()
    if relay.problem is None or relay.broke_off:
        return Lost("the stream ended before its first content")
    return Arrived(response.status_code, _plain(response), relay.error_body(), understood=True)


def _endless(step: Send) -> Lost:
    return Lost(f"the answer had no end after {step.most_bytes:,} bytes")


def _call(request: httpx2.Request, body: bytes) -> Call:
    path = request.url.raw_path.decode("ascii")
    timeout = request.extensions.get("timeout", {}).get("read")
    return Call(request.method, path, dict(request.headers.items()), body, timeout)


def _hurried(step: Send, extensions: Mapping[str, object]) -> Mapping[str, object]:
    """Let no read of a client that blocks last longer than is left for the whole."""
    timeout = extensions.get("timeout")
    told = dict(timeout) if isinstance(timeout, dict) else {}
    read = told.get("read")
    return {
        **extensions,
        "timeout": {**told, "read": step.seconds if read is None else min(read, step.seconds)},
    }


def _request(family: ModuleType, step: Send, extensions: Mapping[str, object]) -> httpx2.Request:
    """Make the family's request, the short way: given a stream, it has nothing to work out."""
    url = _url(family, step.url)
    headers = {"host": url.netloc.decode("ascii"), **step.headers}
    if step.body or step.method not in _BODILESS:
        headers["content-length"] = str(len(step.body))
    made = family.Request(
        step.method,
        url,
        headers=headers,
        stream=family.ByteStream(step.body),
        extensions=dict(extensions),
    )
    return cast("httpx2.Request", made)


@lru_cache(maxsize=256)
def _url(family: ModuleType, text: str) -> httpx2.URL:
    """Read an address, which takes longer than anything else about a request."""
    return cast("httpx2.URL", family.URL(text))


def _plain(response: httpx2.Response) -> dict[str, str]:
    """Return the headers as a plain dict in lower case, which takes less time to read."""
    raw = response.headers.raw
    return {name.decode("ascii").lower(): value.decode("latin-1") for name, value in raw}


def _is_event_stream(response: httpx2.Response) -> bool:
    kind = response.headers.get("content-type", "")
    return response.is_success and kind.startswith("text/event-stream")


def _lost(family: ModuleType, error: Exception) -> Lost:
    slow = isinstance(error, family.TimeoutException | TimeoutError)
    unsent = isinstance(error, family.ConnectError | family.ConnectTimeout | family.PoolTimeout)
    return Lost(str(error) or type(error).__name__, slow, unsent)


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
