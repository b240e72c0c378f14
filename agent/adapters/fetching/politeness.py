"""Asks each host slowly, and not at all while it wants to be left alone."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx

from agent.adapters.fetching.receiving import Allowance, received
from agent.adapters.retry_after import LONGEST, retry_after
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
PASSING: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
BROKEN_OFF: Final = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
PAUSE: Final = 0.5
"""Seconds before a second try where the server names none."""
UNSAID: Final = 60.0
"""Seconds to stay away from a host that was asked too often and does not say how long."""
PATIENCE: Final = 60.0
"""Seconds to wait for one's turn at a host that is slow, or wants long pauses."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How we behave at other people's servers.

    ``per_host``: requests at a time at one host; with four, one slow page does not hold up the
    others, and it is still fewer than the six of a browser. ``spacing_seconds`` lie between the
    beginnings of two requests at one host, whatever their number; the user's own hosts have
    room for all.
    ``fresh_seconds``: how long a page in the cache is used again without asking, where its server
    does not forbid it. ``always_asks`` is for runs on what has changed: each page in the cache is
    asked after, however long its server promised that it would be good.
    """

    robots: bool = True
    per_host: int = 4
    per_own_host: int = 64
    spacing_seconds: float = 0.2
    fresh_seconds: float = 86_400.0
    always_asks: bool = False
    contact: str = ""


class Host:
    """One host: who may ask it now, and from when on the next."""

    def __init__(self, name: str, places: int, spacing: float) -> None:
        self.spacing = spacing
        self._name = name
        self._places = asyncio.Semaphore(places)
        self._next = 0.0
        self._closed_until = datetime.min.replace(tzinfo=UTC)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it; raises PageUnreadable if there is none to be had."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(PATIENCE):
                    await held.enter_async_context(self._places)
                    self._refuse_while_closed()
                    await self._wait()
            except TimeoutError as error:
                message = f"{self._name} could not be asked within {PATIENCE:g} s: too many wait"
                raise PageUnreadable(message) from error
            self._refuse_while_closed()
            yield

    def delay(self, seconds: float) -> None:
        """Let nobody begin for so long."""
        self._next = max(self._next, asyncio.get_running_loop().time() + seconds)

    def close(self, seconds: float) -> PageUnreadable:
        """Let nobody ask for so long, and return the error that says so."""
        until = datetime.now(UTC) + timedelta(seconds=min(seconds, LONGEST))
        self._closed_until = max(until, self._closed_until)
        return self._wish()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        while True:  # the time may move while we sleep
            left = self._next - loop.time()
            if left <= 0:
                break
            await asyncio.sleep(left)
        self._next = loop.time() + self.spacing

    def _refuse_while_closed(self) -> None:
        if datetime.now(UTC) < self._closed_until:
            raise self._wish()

    def _wish(self) -> PageUnreadable:
        until = self._closed_until.replace(microsecond=0)
        return PageUnreadable(
            f"{self._name} asked to be left alone until {until:%Y-%m-%d %H:%M:%S} UTC",
            mend="run again after that time",
        )


class PoliteTransport(httpx.AsyncBaseTransport):
    """Sends requests when their host's turn comes; at most twice, if the first try was bad luck."""

    def __init__(
        self,
        network: httpx.AsyncBaseTransport,
        manners: Manners,
        own_hosts: frozenset[str],
        *,
        connections: int,
    ) -> None:
        """``own_hosts`` as ``host:port``; ``connections`` are all there are at a time."""
        self._network = network
        self._manners = manners
        self._own_hosts = own_hosts
        self._places = asyncio.Semaphore(connections)
        self._hosts: dict[str, Host] = {}

    def host(self, url: httpx.URL) -> Host:
        """Return what is known of the host of an address."""
        name = url.netloc.decode("ascii")
        if name not in self._hosts:
            port = url.port or (443 if url.scheme == "https" else 80)
            is_own = f"{name.removesuffix(f':{port}')}:{port}" in self._own_hosts
            places = self._manners.per_own_host if is_own else self._manners.per_host
            spacing = 0.0 if is_own else self._manners.spacing_seconds
            self._hosts[name] = Host(name, places, spacing)
        return self._hosts[name]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer with its whole body; PageUnreadable if the host wants to be left."""
        host = self.host(request.url)
        try:
            response = await self._once(host, request)
        except BROKEN_OFF:
            return await self._once(host, request)
        if response.status_code in PASSING:
            host.delay(PAUSE)
        elif response.status_code in BUSY:
            allowance: Allowance = request.extensions["allowance"]
            seconds = retry_after(response.headers.get("retry-after"))
            wait = PAUSE if seconds is None else seconds
            if wait >= allowance.left:
                raise host.close(wait)
            allowance.left -= wait
            host.delay(wait)
        else:
            return response
        return _unless_busy(host, await self._once(host, request))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._network.aclose()

    async def _once(self, host: Host, request: httpx.Request) -> httpx.Response:
        async with host.turn(), self._places:
            return await received(self._network, request)


def _unless_busy(host: Host, response: httpx.Response) -> httpx.Response:
    """Return a second answer, or close a host that is busy still."""
    seconds = retry_after(response.headers.get("retry-after"))
    if response.status_code in BUSY and seconds is not None:
        raise host.close(seconds)
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        raise host.close(UNSAID)
    return response
