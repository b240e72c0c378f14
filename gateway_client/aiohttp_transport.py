"""Sends over aiohttp, whose connections take less time than httpx's, in httpx2's own terms."""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Final

import aiohttp
import httpx2
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

KEEP_SECONDS: Final = 15.0
"""How long an idle connection is kept: below what servers commonly do, so that few are found
closed."""

LARGE_BYTES: Final = 2**20

_NOT_ADDED: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp would add by itself; what is sent was decided before."""


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """A transport for httpx2.AsyncClient; it belongs to the event loop of its first request."""

    def __init__(self, *, verify: bool = True, proxy: str | None = None) -> None:
        self._verify = verify
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; errors are httpx2's."""
        self._session = self._session or self._opened()
        told = request.extensions.get("timeout", {})
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=told.get("connect"), sock_read=told.get("read")
        )
        with _translated():
            response = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=_payload(await request.aread()),
                timeout=timeout,
                allow_redirects=False,
                proxy=self._proxy,
            )
        return httpx2.Response(
            response.status, headers=list(response.raw_headers), stream=_Body(response)
        )

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
        )


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
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError(str(error)) from error
    except TimeoutError as error:
        raise httpx2.ReadTimeout(str(error)) from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx2.RemoteProtocolError(str(error) or type(error).__name__) from error
