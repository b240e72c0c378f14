"""How long retrieval takes against what it must: `python benchmarks/retrieval.py`.

A search engine on loopback answers at once, and 200 pages (`--pages N`) take 50 to 400 ms each; a
page is some 20 kB of HTML. The whole stage runs as in a run: search, choose, fetch politely, keep
in the cache, make text in processes, find copies, judge coverage. The ideal is the time the
servers take if so many pages are read at once as are configured and nothing else takes any time.
The same again with the cache that the first run filled. The loop's lag is how late a task wakes
that sleeps 5 ms. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import json
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from agent import wiring
from agent.adapters.clock import SystemClock
from agent.adapters.document_store import FolderDocuments
from agent.domain.evidence import Evidence, Hit
from agent.domain.question import Brief, Question, SubQuestion
from agent.settings import Settings
from agent.stages.retrieve import Library, retrieve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.domain.question import Scope, SourceKind

AT_ONCE, QUERIES, LEAST, MOST = 8, 20, 0.05, 0.4
WORDS = "heat pump house winter cost flow radiator grid study sample measure night price".split()


class Pages:
    """A server whose pages each take their own time; knows how often it was asked."""

    def __init__(self, count: int) -> None:
        chance = random.Random(7)  # noqa: S311 - the same pages in every run
        self.seconds = [chance.uniform(LEAST, MOST) for _ in range(count)]
        self.bodies = [_page(chance, number) for number in range(count)]
        self.asked = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        self._server.close()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split(" ")[1]
                status, body = "404 Not Found", b""
                if path.startswith("/page/"):
                    self.asked += 1
                    number = int(path.rsplit("/", 1)[1])
                    await asyncio.sleep(self.seconds[number])
                    status, body = "200 OK", self.bodies[number]
                kind = "content-type: text/html; charset=utf-8\r\n"
                size = f"content-length: {len(body)}\r\n\r\n"
                writer.write(f"HTTP/1.1 {status}\r\n{kind}{size}".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


class Listing:
    """A search engine that knows all pages, ten for each query."""

    name = "listing"
    kind: SourceKind = "web"

    def __init__(self, port: int, count: int) -> None:
        self._port, self._count = port, count

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:  # noqa: ARG002 - the port's
        """Return the pages of a query."""
        first = int(query.rsplit(maxsplit=1)[-1]) * limit
        numbers = range(first, min(first + limit, self._count))
        return [
            Hit("web", f"http://127.0.0.1:{self._port}/page/{n}", f"Page {n} on heat pumps {n}",
                read_urls=(f"http://127.0.0.1:{self._port}/page/{n}",))
            for n in numbers
        ]  # fmt: skip


def _page(chance: random.Random, number: int) -> bytes:
    paragraphs = (
        " ".join(chance.choice(WORDS) + chance.choice(("", "s", "ing")) for _ in range(90))
        for _ in range(30)
    )
    text = "".join(f"<p>Report {number} says: {words}.</p>" for words in paragraphs)
    head = f"<head><title>Page {number}</title></head>"
    return f"<html>{head}<body><article>{text}</article></body></html>".encode()


def ideal(seconds: Sequence[float], at_once: int) -> float:
    """Return how long so many readers take that do nothing but wait for servers."""
    free = [0.0] * at_once
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)


async def lag(late: list[float]) -> None:
    """Note how late a short sleep ends."""
    while True:
        started = time.perf_counter()
        await asyncio.sleep(0.005)
        late.append(time.perf_counter() - started - 0.005)


async def one_run(pages: Pages, folder: Path, count: int) -> dict[str, float]:
    """Run the stage once, with the cache in the folder."""
    settings = Settings(
        cache=folder / "cache", allow_hosts=frozenset({f"127.0.0.1:{pages.port}"}), robots=False
    )
    queries = tuple(f"query {number}" for number in range(-(-count // 10)))
    parts = (SubQuestion("q1", "What does a heat pump cost in winter?"),)
    brief = Brief("Heat pumps", "en", parts, queries, ())
    late: list[float] = []
    asked = pages.asked
    async with wiring.open_reading(settings) as reading:
        library = Library(
            [Listing(pages.port, count)], reading.web, FolderDocuments(folder / "documents"),
            SystemClock(), pages=count, reads_at_once=AT_ONCE,
        )  # fmt: skip
        watching = asyncio.create_task(lag(late))
        started = time.perf_counter()
        evidence = await retrieve(Question("heat"), brief, Evidence(), library=library)
        seconds = time.perf_counter() - started
        watching.cancel()
    return {
        "seconds": round(seconds, 2),
        "sources": len(evidence.sources),
        "page_requests": pages.asked - asked,
        "loop_lag_p99_ms": round(sorted(late)[int(len(late) * 0.99)] * 1000, 1),
    }


async def measured(count: int) -> dict[str, object]:
    """Run twice with one cache."""
    with tempfile.TemporaryDirectory() as name:
        async with Pages(count) as pages:
            first = await one_run(pages, Path(name), count)
            second = await one_run(pages, Path(name), count)
            least = ideal(pages.seconds, AT_ONCE)
    return {
        "pages": count,
        "at_once": AT_ONCE,
        "ideal_seconds": round(least, 2),
        "first": first,
        "over_ideal": round(first["seconds"] / least, 3),
        "second": second,
        "second_over_first": round(second["seconds"] / first["seconds"], 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=200)
    print(json.dumps(asyncio.run(measured(parser.parse_args().pages)), indent=2))


if __name__ == "__main__":
    main()
