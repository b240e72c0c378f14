"""What the gateway adds to the wait for the first word: `python benchmarks/gateway_ttft.py`.

A server in a process of its own brings the first word of a stream after 200, and then after 800
ms. 50 at a time, the same call is streamed through the gateway and through the very transport
that the gateway sends with, in alternating blocks. A second part has a server that lets each key
have half of that load only and answers 429 to the rest: with four keys the pool has room, so no
429 may reach the caller. `--calls N` for each of these. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import time
from collections import Counter, defaultdict, deque
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx2

from gateway_client import Config, Endpoint, GatewayClient, Key, Model, wire
from gateway_client.catalog import TIERS
from gateway_client.families.ways import UNLIMITED
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from gateway_client.testing import Asked

CALLS, CONCURRENCY, BLOCKS, KEYS = 500, 50, 5, 4
WORDS, PACE_SECONDS, WINDOW_SECONDS = 10, 0.005, 1.0
FREE = Model("m", input_usd_per_million=Decimal(0), output_usd_per_million=Decimal(0))
PAYLOAD = {
    "model": "m",
    "messages": [{"role": "user", "content": "What is the time?"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}


def behaviour(first_word_seconds: float, per_key: int) -> Callable[[Asked], Reply]:
    """Return a server's: slow at first, and no more than ``per_key`` calls a second for each."""
    answer = Reply(" ".join(["word"] * WORDS), stall=first_word_seconds, pace=PACE_SECONDS)
    lately: defaultdict[str, deque[float]] = defaultdict(deque)

    def reply(asked: Asked) -> Reply:
        now, taken = time.monotonic(), lately[asked.key]
        while taken and taken[0] + WINDOW_SECONDS <= now:
            taken.popleft()
        if per_key and len(taken) >= per_key:
            return Reply.failure(429, retry_after=str(taken[0] + WINDOW_SECONDS - now))
        taken.append(now)
        return answer

    return reply


def answer_forever(tell: Connection, first_word_seconds: float, per_key: int) -> None:
    """Be the server, until the process is ended."""

    async def run() -> None:
        async with ScriptedGateway(behaviour(first_word_seconds, per_key)) as server:
            tell.send(server.base_url)
            await asyncio.Event().wait()

    asyncio.run(run())


@contextmanager
def elsewhere(first_word_seconds: float, per_key: int = 0) -> Iterator[str]:
    """Run the server in a process of its own and give its address."""
    spawning = multiprocessing.get_context("spawn")
    heard, tell = spawning.Pipe(duplex=False)
    told = (tell, first_word_seconds, per_key)
    server = spawning.Process(target=answer_forever, args=told, daemon=True)
    server.start()
    try:
        yield heard.recv()
    finally:
        server.terminate()
        server.join()


def bare_transport() -> httpx2.AsyncBaseTransport:
    """Return what the gateway itself sends with."""
    try:
        from gateway_client.families.aiohttp_transport import AiohttpTransport  # noqa: PLC0415 - optional
    except ImportError:
        return httpx2.AsyncHTTPTransport(limits=UNLIMITED)
    return AiohttpTransport(verify=False)


def client(url: str, keys: int = 1) -> GatewayClient:
    """Return a gateway with so many keys."""
    pool = tuple(Key(f"e#{number}", "here", f"k-{number}") for number in range(keys))
    tiers = dict.fromkeys(TIERS, ("m",))
    return GatewayClient(Config((Endpoint("e", url, pool),), tiers=tiers, models={"m": FREE}))


async def first_word(asking: httpx2.AsyncClient, url: str) -> tuple[float, str]:
    """Stream one answer; return the seconds to its first word, and what went wrong, if anything."""
    started, first = time.perf_counter(), 0.0
    async with asking.stream("POST", f"{url}/chat/completions", json=PAYLOAD) as answer:
        if answer.is_error:
            return 0.0, str(answer.status_code)
        words = 0
        async for line in answer.aiter_lines():
            if wire.written_text(wire.payload_of(line.removeprefix("data:").encode()) or {}):
                words += 1
                first = first or time.perf_counter() - started
    return first, "" if words == WORDS else "incomplete"


async def streamed(
    asking: httpx2.AsyncClient, url: str, calls: int
) -> tuple[list[float], Counter[str]]:
    """Stream so many; return the seconds to the first words, and what went wrong how often."""
    gate = asyncio.Semaphore(CONCURRENCY)

    async def one() -> tuple[float, str]:
        async with gate:
            return await first_word(asking, url)

    came = await asyncio.gather(*(one() for _ in range(calls)))
    return [first for first, bad in came if not bad], Counter(bad for _, bad in came if bad)


async def compared(url: str, calls: int) -> dict[str, object]:
    """Time both ways in turns, after one block each to warm up."""
    size = max(CONCURRENCY, calls // BLOCKS)
    seconds: dict[str, list[float]] = {"bare": [], "gateway": []}
    failures: Counter[str] = Counter()
    async with httpx2.AsyncClient(transport=bare_transport()) as bare, client(url) as ours:
        ways = {"bare": bare, "gateway": ours.http_client}
        for asking in ways.values():
            await streamed(asking, url, CONCURRENCY)
        for _ in range(BLOCKS):
            for name, asking in ways.items():
                firsts, bad = await streamed(asking, url, size)
                seconds[name] += firsts
                failures += bad
    told = {name: percentiles(firsts) for name, firsts in seconds.items()}
    added = {f"added_{p}_ms": round(told["gateway"][p] - told["bare"][p], 1) for p in told["bare"]}
    return {"calls": size * BLOCKS, "ms": told, **added, "failures": dict(failures)}


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Return the usual three, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {f"p{n}": round(cuts[n - 1] * 1000, 1) for n in (50, 95, 99)}


async def load(url: str, calls: int) -> float:
    """Return how many calls a second the gateway makes if nobody limits it."""
    async with client(url) as ours:
        started = time.perf_counter()
        await streamed(ours.http_client, url, calls)
        return calls / (time.perf_counter() - started)


async def limited(url: str, calls: int) -> dict[str, object]:
    """Stream with several keys, each of which may have a part of the load only."""
    async with client(url, KEYS) as ours:
        started = time.perf_counter()
        firsts, bad = await streamed(ours.http_client, url, calls)
        seconds = time.perf_counter() - started
    return {
        "calls": calls,
        "keys": KEYS,
        "answered": len(firsts),
        "rate_limits_surfaced": bad["429"],
        "failures": dict(bad),
        "calls_per_second": round(calls / seconds, 1),
        "first_word_ms": percentiles(firsts),
    }


def main() -> None:
    """Run both parts, for a quick and for a slow model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    calls: int = parser.parse_args().calls
    result: dict[str, object] = {"concurrency": CONCURRENCY}
    for wait in (0.2, 0.8):
        with elsewhere(wait) as url:
            result[f"first_word_after_{wait * 1000:.0f}_ms"] = asyncio.run(compared(url, calls))
            rate = asyncio.run(load(url, calls))
        per_key = max(1, round(rate / 2))
        with elsewhere(wait, per_key) as url:
            told = asyncio.run(limited(url, calls))
        said = {"load_per_second": round(rate, 1), "limit_per_key": per_key, **told}
        result[f"limited_{wait * 1000:.0f}_ms"] = said
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
