"""Reads web pages: fetches under the guard's rules, within bounds, and has text made of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

import httpx

from agent.adapters.fetching.address_guard import (
    AddressGuard,
    GuardedTransport,
    Resolve,
    system_resolve,
)
from agent.adapters.fetching.unpacking import unpacked
from agent.adapters.own_thread import in_own_thread
from agent.errors import AddressRefused, PageUnreadable

if TYPE_CHECKING:
    from agent.domain.evidence import Page
    from agent.ports import PageReader

MOST_BYTES: Final = 10_000_000
"""Before and after decompression; a paper that is larger is full of pictures."""
MOST_REDIRECTS: Final = 5
CONNECT_SECONDS: Final = 5.0
"""For one address of several: a dead one must not use up the time of the next."""
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
ACCEPTED: Final = "text/html,application/xhtml+xml,application/pdf;q=0.9,text/plain;q=0.8,*/*;q=0.1"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer as it came over the wire, its body still encoded."""

    url: str
    content_type: str
    encoding: str
    body: bytes


class WebPages:
    """Reads http and https addresses that are public, or that ``allow_hosts`` names."""

    def __init__(
        self,
        *,
        allow_hosts: frozenset[str] = frozenset(),
        deadline_seconds: float = 20.0,
        resolve: Resolve = system_resolve,
    ) -> None:
        """Take ``host:port`` strings that may be private, and the deadline for one page."""
        self._guard = AddressGuard(frozenset(host.lower() for host in allow_hosts), resolve)
        self._transport = GuardedTransport(self._guard)
        self._seconds = deadline_seconds

    async def read(self, url: str) -> Page:
        """Return the page, under the address its last redirect led to."""
        try:
            async with asyncio.timeout(self._seconds):
                fetched = await self._fetch(url)
                return await in_own_thread(lambda: _page(fetched))
        except TimeoutError as error:
            raise PageUnreadable(f"{url} was not read in {self._seconds:g} s") from error
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise PageUnreadable(f"{url} gave no answer: {reason}") from error

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _fetch(self, url: str) -> Fetched:
        """Follow redirects, each of them checked as the first address is."""
        for _ in range(MOST_REDIRECTS + 1):
            address = self._guard.checked(url)
            response = await self._transport.handle_async_request(self._request(address))
            try:
                if response.status_code not in REDIRECTS or "location" not in response.headers:
                    return await _received(response, url)
            finally:
                await response.aclose()
            url = _target(url, response.headers["location"])
        raise PageUnreadable(f"{url} is the end of more than {MOST_REDIRECTS} redirects")

    def _request(self, address: httpx.URL) -> httpx.Request:
        """Return a request that tells who asks, and nothing else: no cookies, no referrer."""
        timeout = httpx.Timeout(self._seconds, connect=min(CONNECT_SECONDS, self._seconds))
        headers = {
            "User-Agent": user_agent(),
            "Accept": ACCEPTED,
            "Accept-Encoding": "gzip, deflate",
        }
        extensions = {"timeout": timeout.as_dict()}
        return httpx.Request("GET", address, headers=headers, extensions=extensions)


class Reader:
    """Reads ``file:`` addresses from the corpus, if there is one, and all others from the web."""

    def __init__(self, web: PageReader, corpus: PageReader | None = None) -> None:
        self._web = web
        self._corpus = corpus

    async def read(self, url: str) -> Page:
        """Return the page from where it is."""
        if not url.lower().startswith("file:"):
            return await self._web.read(url)
        if self._corpus is None:
            raise AddressRefused(f"{url} is a file, and no corpus was given")
        return await self._corpus.read(url)


@cache
def user_agent() -> str:
    """Return who we say we are: what we are."""
    return f"deep-research-agent/{version('deep-research-agent')}"


def _target(url: str, location: str) -> str:
    """Return where a redirect leads to, not yet checked."""
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise AddressRefused(f"{url} leads to {location!r}, which is no address") from error


async def _received(response: httpx.Response, url: str) -> Fetched:
    """Take in the body of a good answer, as it is and no more than the cap."""
    if response.status_code != HTTPStatus.OK:
        raise PageUnreadable(f"{url} answered {response.status_code}")
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MOST_BYTES:
        raise _too_large(url)
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MOST_BYTES:
            raise _too_large(url)
    header = response.headers.get
    return Fetched(url, header("content-type", ""), header("content-encoding", ""), bytes(body))


def _page(fetched: Fetched) -> Page:
    """Make a page of an answer, in whatever thread or process this is called."""
    from agent.adapters.parsing.extraction import extract  # noqa: PLC0415 - heavy, at the first page

    body = unpacked(fetched.body, fetched.encoding, fetched.url, most=MOST_BYTES)
    return extract(body, fetched.content_type, fetched.url)


def _too_large(url: str) -> PageUnreadable:
    return PageUnreadable(f"{url} has more than {MOST_BYTES // 1_000_000} MB")
