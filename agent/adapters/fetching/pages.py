"""Reads web pages: fetches under the rules of safety and of manners, and has text made of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

import httpx

from agent.adapters.fetching.address_guard import (
    AddressGuard,
    GuardedTransport,
    Resolve,
    system_resolve,
)
from agent.adapters.fetching.cached import CachedTransport, OfflineTransport
from agent.adapters.fetching.identity import user_agent
from agent.adapters.fetching.politeness import Manners, PoliteTransport
from agent.adapters.fetching.receiving import MOST_BYTES, Allowance
from agent.adapters.fetching.robots import DAY, RobotsTransport
from agent.adapters.own_thread import in_own_thread
from agent.adapters.parsing.unpacking import unpacked
from agent.errors import AddressRefused, PageGone, PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agent.domain.evidence import Page
    from agent.ports import PageReader

MOST_REDIRECTS: Final = 5
CONNECTIONS: Final = 20
ROBOTS_SECONDS: Final = 5.0
"""For a robots.txt, if a page may take as long at all."""
PARSE_SECONDS: Final = 20.0
GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
ACCEPTED: Final = "text/html,application/xhtml+xml,application/pdf;q=0.9,text/plain;q=0.8,*/*;q=0.1"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer as it came over the wire, its body still encoded."""

    url: str
    content_type: str
    encoding: str
    body: bytes


async def parsed_in_thread(fetched: Fetched) -> Page:
    """Make a page of an answer, in a thread that is left behind if it takes too long."""
    try:
        async with asyncio.timeout(PARSE_SECONDS):
            return await in_own_thread(lambda: _page(fetched))
    except TimeoutError as error:
        message = f"{fetched.url} could not be parsed in {PARSE_SECONDS:g} s"
        raise PageUnreadable(message) from error


class WebPages:
    """Reads http and https addresses that are public, or that ``allow_hosts`` names."""

    def __init__(
        self,
        *,
        allow_hosts: frozenset[str] = frozenset(),
        deadline_seconds: float = 20.0,
        resolve: Resolve = system_resolve,
        manners: Manners = Manners(),  # noqa: B008 - a frozen value
        cache: Path | None = None,
        offline: bool = False,
        parse: Callable[[Fetched], Awaitable[Page]] = parsed_in_thread,
    ) -> None:
        """Take ``host:port`` strings that may be private, and how to ask, keep and parse.

        ``deadline_seconds`` are what the servers of one page may take, all redirects together;
        ``cache`` is the file of answers that runs share, None for none. ``offline`` answers from
        it alone.
        """
        own = frozenset(host.lower() for host in allow_hosts)
        self._guard = AddressGuard(own, resolve)
        self._manners = manners
        self._seconds = deadline_seconds
        self._parse = parse
        self._transport = self._stack(own, cache, offline=offline)

    async def read(self, url: str) -> Page:
        """Return the page, under the address its last redirect led to."""
        url, response = await self._followed(url, Allowance(self._seconds))
        if response.status_code in GONE:
            raise PageGone(f"{url} answered {response.status_code}")
        if response.status_code != HTTPStatus.OK:
            raise PageUnreadable(f"{url} answered {response.status_code}")
        header = response.headers.get
        body = b"".join([chunk async for chunk in response.aiter_raw()])
        return await self._parse(
            Fetched(url, header("content-type", ""), header("content-encoding", ""), body)
        )

    async def aclose(self) -> None:
        """Close all connections, and the cache."""
        await self._transport.aclose()

    def _stack(
        self, own: frozenset[str], cache: Path | None, *, offline: bool
    ) -> httpx.AsyncBaseTransport:
        """Return what answers requests: the cache, robots.txt, manners, and last the guard."""
        network: httpx.AsyncBaseTransport
        if offline:
            network = OfflineTransport()
        else:
            guarded = GuardedTransport(self._guard, connections=CONNECTIONS)
            polite = PoliteTransport(guarded, self._manners, own, connections=CONNECTIONS)
            network = RobotsTransport(polite, self._robots) if self._manners.robots else polite
        if cache is None:
            return network
        fresh = self._manners.fresh_seconds
        return CachedTransport(network, cache, fresh_seconds=fresh, offline=offline)

    async def _robots(self, url: str) -> tuple[int, bytes]:
        """Return the status and the plain body of a robots.txt, wherever it was moved to."""
        seconds = min(ROBOTS_SECONDS, self._seconds)
        url, response = await self._followed(url, Allowance(seconds), is_robots=True)
        body = b"".join([chunk async for chunk in response.aiter_raw()])
        encoding = response.headers.get("content-encoding", "")
        return response.status_code, unpacked(body, encoding, url, most=MOST_BYTES)

    async def _followed(
        self, url: str, allowance: Allowance, *, is_robots: bool = False
    ) -> tuple[str, httpx.Response]:
        """Follow redirects, each of them checked as the first address is."""
        seconds = allowance.left
        try:
            for _ in range(MOST_REDIRECTS + 1):
                request = self._request(url, allowance, is_robots=is_robots)
                response = await self._transport.handle_async_request(request)
                if response.status_code not in REDIRECTS or "location" not in response.headers:
                    return url, response
                url = _target(url, response.headers["location"])
        except TimeoutError as error:
            raise PageUnreadable(f"{url} was not read in {seconds:g} s") from error
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise PageUnreadable(f"{url} gave no answer: {reason}") from error
        raise PageUnreadable(f"{url} is the end of more than {MOST_REDIRECTS} redirects")

    def _request(self, url: str, allowance: Allowance, *, is_robots: bool) -> httpx.Request:
        """Return a request that tells who asks, and nothing else: no cookies, no referrer."""
        address = self._guard.checked(url).copy_with(fragment=None)
        headers = {
            "User-Agent": user_agent(self._manners.contact),
            "Accept": ACCEPTED,
            "Accept-Encoding": "gzip, deflate",
        }
        extensions: dict[str, object] = {"allowance": allowance, "is_robots": is_robots}
        if is_robots:
            extensions["oldest"] = DAY
        elif self._manners.always_asks:
            extensions["oldest"] = 0.0
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


def _target(url: str, location: str) -> str:
    """Return where a redirect leads to, not yet checked."""
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise AddressRefused(f"{url} leads to {location[:200]!r}, no address") from error


def _page(fetched: Fetched) -> Page:
    """Make a page of an answer, in whatever thread or process this is called."""
    from agent.adapters.parsing.extraction import extract  # noqa: PLC0415 - heavy, at the first page

    body = unpacked(fetched.body, fetched.encoding, fetched.url, most=MOST_BYTES)
    return extract(body, fetched.content_type, fetched.url)
