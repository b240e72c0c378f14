"""Keeps to what sites ask of programs in their robots.txt (RFC 9309)."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx

from agent.adapters.fetching.identity import PRODUCT
from agent.adapters.own_thread import in_own_thread
from agent.errors import AddressRefused, PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from protego import Protego

    from agent.adapters.fetching.politeness import PoliteTransport

DAY: Final = 86_400.0
"""Seconds that rules may be used without asking again."""
FOR_NOW: Final = 300.0
"""Seconds after which a robots.txt that could not be had is asked for again."""
MOST_BYTES: Final = 500 * 1024
"""Of a robots.txt; what comes after is not read."""
LONGEST_DELAY: Final = 10.0
"""Seconds between two requests; more would be no honest wish of a site that wants readers."""
MEND: Final = "set DEEP_RESEARCH_ROBOTS=false if you may read it all the same"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a site asks of us; without ``parsed`` all is allowed, and nothing if ``unknown``."""

    until: float
    parsed: Protego | None = None
    unknown: str = ""

    def refusal(self, url: str, host: str) -> str:
        """Return why a page may not be read; empty if it may."""
        if self.unknown:
            return f"{url} was not asked for: {self.unknown}"
        if self.parsed is None or self.parsed.can_fetch(url, PRODUCT):
            return ""
        return f"{url} was not asked for: robots.txt of {host} does not allow it"

    @property
    def delay(self) -> float:
        """Return the seconds asked for between two requests, as far as we go along."""
        asked = self.parsed.crawl_delay(PRODUCT) if self.parsed else None
        return min(max(asked or 0.0, 0.0), LONGEST_DELAY)


class RobotsTransport(httpx.AsyncBaseTransport):
    """Lets requests through to the network that robots.txt of their site allows.

    What the cache answers does not come by here, since nobody is asked for anything then.
    """

    def __init__(
        self,
        network: PoliteTransport,
        fetch: Callable[[str], Awaitable[tuple[int, bytes]]],
    ) -> None:
        """``fetch`` returns status and body of a robots.txt, redirects followed, or raises."""
        self._network = network
        self._fetch = fetch
        self._rules: dict[str, Rules] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, or raise PageUnreadable if it must not be asked for."""
        if not request.extensions.get("is_robots"):
            await self._check(request.url)
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._network.aclose()

    async def _check(self, url: httpx.URL) -> None:
        host = url.netloc.decode("ascii")
        origin = f"{url.scheme}://{host}"
        async with self._asking[origin]:
            rules = self._rules.get(origin)
            if rules is None or rules.until < time.monotonic():
                rules = self._rules[origin] = await self._asked(origin)
        site = self._network.host(url)
        site.spacing = max(site.spacing, rules.delay)
        if why := rules.refusal(str(url), host):
            raise PageUnreadable(why, mend=MEND)

    async def _asked(self, origin: str) -> Rules:
        address = f"{origin}/robots.txt"
        try:
            status, body = await self._fetch(address)
        except AddressRefused:  # the site itself must not be opened, whatever it allows
            raise
        except PageUnreadable as error:
            return Rules(time.monotonic() + FOR_NOW, unknown=f"its robots.txt is unknown: {error}")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            why = f"its robots.txt is unknown: {address} answered {status}"
            return Rules(time.monotonic() + FOR_NOW, unknown=why)
        if status != HTTPStatus.OK:  # there are no rules, or none for us to see
            return Rules(time.monotonic() + DAY)
        return Rules(time.monotonic() + DAY, await in_own_thread(lambda: _parsed(body)))


def _parsed(body: bytes) -> Protego:
    from protego import Protego  # noqa: PLC0415 - at the first robots.txt

    return Protego.parse(body[:MOST_BYTES].decode("utf-8-sig", errors="replace"))
