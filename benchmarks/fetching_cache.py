"""Times the reading of 200 pages against what no manners and no cache could beat.

A server on loopback takes 50 to 400 ms for each page. Printed are the time of reading all of them
at the usual number at a time for one host against the ideal time for that number, and requests
and time of a second and of an offline pass over the same pages.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import random
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agent.adapters.fetching.pages import Fetched, WebPages
from agent.adapters.fetching.politeness import Manners
from agent.domain.evidence import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGES = 200
SHORTEST, LONGEST = 0.05, 0.4
BODY = (
    b"<html><title>A page</title><body>" + b"<p>Some words to read.</p>" * 400 + b"</body></html>"
)


class Server:
    """Answers each page after a delay of its own; counts what it is asked for."""

    def __init__(self) -> None:
        chance = random.Random(1)  # noqa: S311 - the same delays each time
        self.delays = {f"/{n}": chance.uniform(SHORTEST, LONGEST) for n in range(PAGES)}
        self.pages = 0
        self.robots = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until it is closed."""
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                await self._answer_one(request.split()[1].decode(), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer_one(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path not in self.delays:
            self.robots += 1
            writer.write(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
            return
        self.pages += 1
        await asyncio.sleep(self.delays[path])
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(BODY)}\r\n\r\n"
        writer.write(head.encode() + BODY)
        await writer.drain()


async def as_is(fetched: Fetched) -> Page:
    """Make a page without parsing, which is timed elsewhere."""
    return Page(fetched.url, "A page", fetched.body.decode())


async def timed_pass(
    server: Server, host: str, cache: Path | None, *, offline: bool = False
) -> dict[str, float]:
    """Read all pages; return the seconds, and the requests it took."""
    server.pages = server.robots = 0
    web = WebPages(
        allow_hosts=frozenset({host}), cache=cache, offline=offline, parse=as_is, manners=Manners()
    )
    started = time.perf_counter()
    await asyncio.gather(*(web.read(f"http://{host}{path}") for path in server.delays))
    seconds = time.perf_counter() - started
    await web.aclose()
    return {
        "seconds": round(seconds, 3),
        "page_requests": server.pages,
        "robots_requests": server.robots,
    }


def ideal(delays: list[float], places: int) -> float:
    """Return the time of the same pages in the same order if nothing but their delays counted."""
    free = [0.0] * places
    for delay in delays:
        heapq.heapreplace(free, free[0] + delay)
    return max(free)


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[str]:
    """Open the server; yield its host and port."""
    opened = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    yield f"127.0.0.1:{opened.sockets[0].getsockname()[1]}"
    opened.close()


async def main() -> None:
    """Print what was measured, as JSON."""
    server, places = Server(), Manners().per_host
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "pages.sqlite"
        async with serving(server) as host:
            uncached = await timed_pass(server, host, None)
            first = await timed_pass(server, host, cache)
            second = await timed_pass(server, host, cache)
            offline = await timed_pass(server, host, cache, offline=True)
    best = ideal(list(server.delays.values()), places)
    figures = {
        "pages": PAGES,
        "at_a_time": places,
        "ideal_seconds": round(best, 3),
        "uncached": uncached,
        "first": first,
        "second": second,
        "offline": offline,
        "first_over_ideal": round(first["seconds"] / best, 3),
        "second_over_first": round(second["seconds"] / first["seconds"], 3),
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    asyncio.run(main())
