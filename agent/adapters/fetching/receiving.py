"""Takes in what a server answers, no more of it than the cap and no longer than it may take."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx

from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MOST_BYTES: Final = 10_000_000
"""Before and after decompression; a paper that is larger is full of pictures."""
CONNECT_SECONDS: Final = 5.0
"""For one address of several: a dead one must not use up the time of the next."""
TAKEN_IN: Final = frozenset({HTTPStatus.OK, HTTPStatus.NOT_MODIFIED})
"""The answers of which the body matters, or is empty and leaves the connection as good as new."""
OF_THE_BODY: Final = ("content-length", "content-encoding", "transfer-encoding")


class Allowance:
    """The seconds a page may take of its servers, over all of its redirects.

    What is spent on our own manners, waiting for one's turn, is not the page's fault.
    """

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    @asynccontextmanager
    async def spending(self) -> AsyncIterator[None]:
        """Count the time within; raise TimeoutError when nothing is left."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(self.left):
                yield
        finally:
            self.left -= loop.time() - started


async def received(network: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    """Return an answer with its body as it came over the wire, still packed."""
    allowance: Allowance = request.extensions["allowance"]
    connect = min(CONNECT_SECONDS, max(0.0, allowance.left))
    request.extensions["timeout"] = httpx.Timeout(None, connect=connect).as_dict()
    async with allowance.spending():
        response = await network.handle_async_request(request)
        try:
            body = await _body(response, str(request.url))
        finally:
            await response.aclose()
    headers = response.headers.copy()
    if response.status_code not in TAKEN_IN:
        for name in OF_THE_BODY:
            headers.pop(name, None)
    return httpx.Response(response.status_code, headers=headers, stream=httpx.ByteStream(body))


async def _body(response: httpx.Response, url: str) -> bytes:
    if response.status_code not in TAKEN_IN:
        return b""
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and len(announced.lstrip("0")) > len(str(MOST_BYTES)):
        raise _too_large(url)  # also where the number itself is absurdly long
    if announced.isdecimal() and int(announced) > MOST_BYTES:
        raise _too_large(url)
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MOST_BYTES:
            raise _too_large(url)
    return bytes(body)


def _too_large(url: str) -> PageUnreadable:
    return PageUnreadable(f"{url} has more than {MOST_BYTES // 1_000_000} MB")
