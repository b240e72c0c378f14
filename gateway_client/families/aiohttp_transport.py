"""Sends over aiohttp, whose connections take less time than httpx's, in httpx2's own terms."""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

import aiohttp
import httpx2
from yarl import URL

from gateway_client.families.last_word import LAST_WORD, have_it
from gateway_client.families.messages import endless
from gateway_client.families.patience import Patience
from gateway_client.families.whole import ReadsWhole
from gateway_client.faults import Arrived

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from gateway_client.exchange import Send
    from gateway_client.faults import Outcome

KEEP_SECONDS: Final = 15.0
"""How long an idle connection is kept: below what servers commonly do, so that few are found
closed."""

LARGE_BYTES: Final = 2**20

_NOT_ADDED: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp would add by itself; what is sent was decided before."""


class AiohttpTransport(ReadsWhole):
    """A transport for httpx2.AsyncClient; it belongs to the event loop of its first request."""

    def __init__(self, *, verify: bool = True, proxy: str | None = None) -> None:
        self._verify = verify
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None
        self._patience = Patience()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; errors are httpx2's."""
        self._session = self._session or self._opened()
        told = request.extensions.get("timeout", {})
        with _translated():
            response = await self._session.request(
                request.method,
                _url(str(request.url)),
                headers=request.headers.multi_items(),
                data=_payload(await request.aread()),
                timeout=_timeout(told.get("connect"), told.get("read")),
                allow_redirects=False,
                proxy=self._proxy,
            )
        return httpx2.Response(
            response.status, headers=list(response.raw_headers), stream=_Body(response)
        )

    async def whole(self, send: Send, patience: Mapping[str, float | None]) -> Outcome:
        """Ask as an attempt says, and read the answer to its end; errors are httpx2's.

        A request and a response of httpx2 in between would take a third of the gateway's own time.
        """
        self._session = self._session or self._opened()
        seconds = min(send.seconds, patience.get("read") or send.seconds)
        try:
            with self._patience.bound(seconds):
                response = await self._session.request(
                    send.method,
                    _url(send.url),
                    headers=send.headers,
                    data=_payload(send.body),
                    timeout=_timeout(patience.get("connect"), None),
                    allow_redirects=False,
                    proxy=self._proxy,
                )
                try:
                    body = await _read(response, send.most_bytes)
                finally:
                    response.close()  # a connection that was read to its end is kept nevertheless
        except (aiohttp.ClientError, OSError) as error:
            raise _translation(error) from error
        if body is None:
            return endless(send)
        headers = {
            name.decode("ascii").lower(): value.decode("latin-1")
            for name, value in response.raw_headers
        }
        if "content-encoding" in headers:
            body = _unpacked(response, body)
        return Arrived(response.status, headers, body)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        ssl = httpx2.create_ssl_context() if self._verify else True
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=ssl, keepalive_timeout=KEEP_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_NOT_ADDED,
            trace_configs=[_asking_last()] if LAST_WORD.get() else None,
        )


def _asking_last() -> aiohttp.TraceConfig:
    """Have the last word asked for when there is a connection, and before it is written to."""

    async def ask(*_: object) -> None:
        await have_it()

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(ask)
    return config


@lru_cache(maxsize=256)
def _url(text: str) -> URL:
    return URL(text, encoded=True)


@lru_cache(maxsize=64)
def _timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read)


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes | None:
    """Read the body; None if there is too much of it."""
    parts: list[bytes] = []
    async for data in response.content.iter_any():
        parts.append(data)
        most -= len(data)
        if most < 0:
            return None
    return b"".join(parts)


def _unpacked(response: aiohttp.ClientResponse, body: bytes) -> bytes:
    """Undo what the Content-Encoding says; raise httpx2.DecodingError if it is not that."""
    headers = list(response.raw_headers)
    return httpx2.Response(response.status, headers=headers, stream=httpx2.ByteStream(body)).read()


def _payload(body: bytes) -> bytes | BytesIO | None:
    """Return the body as aiohttp likes it: large ones in pieces."""
    return BytesIO(body) if len(body) >= LARGE_BYTES else body or None


class _Body(httpx2.AsyncByteStream):
    """The bytes of a response, as they came over the wire."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated():
            async for data in self._response.content.iter_any():
                yield data

    async def aclose(self) -> None:
        self._response.close()  # a connection that was read to its end is kept nevertheless


@contextmanager
def _translated() -> Iterator[None]:
    """Raise httpx2's errors in place of aiohttp's."""
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        raise _translation(error) from error


def _translation(error: aiohttp.ClientError | OSError) -> httpx2.TransportError:
    text = str(error)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return httpx2.ConnectTimeout(text)
    if isinstance(error, aiohttp.ClientConnectorError):
        return httpx2.ConnectError(text)
    if isinstance(error, TimeoutError):
        return httpx2.ReadTimeout(text)
    return httpx2.RemoteProtocolError(text or type(error).__name__)
