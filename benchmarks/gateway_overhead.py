"""What the gateway adds to a call: `python benchmarks/gateway_overhead.py --calls N`.

A server in a process of its own answers at once. The same small call is made through the gateway
and through the very transport that the gateway sends with, in alternating blocks, so that a busy
machine is unfair to both alike: p50 at 1 and at 50 at a time. Then the OpenAI SDK alone against
the SDK on the gateway, 50 at a time, as answers a second. At 50 at a time on one core a p50 is
mostly queueing, so there the ratio is the thing to read. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import time
from typing import TYPE_CHECKING

import httpx2
from openai import AsyncOpenAI

from gateway_client import Config, Endpoint, GatewayClient
from gateway_client.catalog import TIERS
from gateway_client.families import UNLIMITED
from gateway_client.testing import ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from multiprocessing.connection import Connection

    from openai.types.chat import ChatCompletionUserMessageParam

CALLS, BLOCKS = 1_000, 10
ASKED = "What is the time?"
PAYLOAD = {"model": "m", "messages": [{"role": "user", "content": ASKED}]}


def answer_forever(tell: Connection) -> None:
    """Be the server, until the process is ended."""

    async def run() -> None:
        async with ScriptedGateway(["It is late."]) as server:
            tell.send(server.base_url)
            await asyncio.Event().wait()

    asyncio.run(run())


def bare_transport() -> tuple[str, httpx2.AsyncBaseTransport]:
    """Return what the gateway itself sends with, and its name."""
    try:
        from gateway_client.aiohttp_transport import AiohttpTransport  # noqa: PLC0415 - optional
    except ImportError:
        return "httpx2", httpx2.AsyncHTTPTransport(limits=UNLIMITED)
    return "aiohttp", AiohttpTransport(verify=False)


async def timed(
    ask: Callable[[], Awaitable[object]], calls: int, concurrency: int
) -> tuple[list[float], float]:
    """Return the seconds of each call, and of all."""
    gate = asyncio.Semaphore(concurrency)
    seconds: list[float] = []

    async def one() -> None:
        async with gate:
            started = time.perf_counter()
            await ask()
            seconds.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(calls)))
    return seconds, time.perf_counter() - started


async def compared(
    bare: Callable[[], Awaitable[object]],
    ours: Callable[[], Awaitable[object]],
    calls: int,
    concurrency: int,
) -> dict[str, float]:
    """Time the two in turns, after one block each to warm up."""
    size = max(concurrency, calls // BLOCKS)
    for ask in (bare, ours):
        await timed(ask, size, concurrency)
    pairs = [
        (await timed(bare, size, concurrency), await timed(ours, size, concurrency))
        for _ in range(BLOCKS)
    ]
    bare_p50 = statistics.median(second for block, _ in pairs for second in block[0])
    ours_p50 = statistics.median(second for _, block in pairs for second in block[0])
    return {
        "bare_p50_ms": round(bare_p50 * 1000, 3),
        "gateway_p50_ms": round(ours_p50 * 1000, 3),
        "added_p50_ms": round((ours_p50 - bare_p50) * 1000, 3),
        "bare_per_second": round(statistics.median(size / block[1] for block, _ in pairs), 1),
        "gateway_per_second": round(statistics.median(size / block[1] for _, block in pairs), 1),
        "throughput_ratio": round(statistics.median(bare[1] / ours[1] for bare, ours in pairs), 3),
    }


async def measured(url: str, calls: int) -> dict[str, object]:
    """Run all comparisons against the server."""
    config = Config((Endpoint("e", url),), tiers=dict.fromkeys(TIERS, ("m",)))
    name, transport = bare_transport()
    address = f"{url}/chat/completions"
    async with (
        httpx2.AsyncClient(transport=transport) as inner,
        GatewayClient(config) as gateway,
        AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as sdk,
    ):
        through = gateway.openai()
        messages: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": ASKED}]

        async def bare() -> object:
            return await inner.post(address, json=PAYLOAD)

        async def ours() -> object:
            return await gateway.http_client.post(address, json=PAYLOAD)

        async def sdk_alone() -> object:
            return await sdk.chat.completions.create(model="m", messages=messages)

        async def sdk_through() -> object:
            return await through.chat.completions.create(model="m", messages=messages)

        return {
            "inner": name,
            "one_at_a_time": await compared(bare, ours, calls, 1),
            "fifty_at_a_time": await compared(bare, ours, calls, 50),
            "openai_sdk_fifty_at_a_time": await compared(sdk_alone, sdk_through, calls, 50),
        }


def main() -> None:
    """Start the server, measure, and end it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    calls: int = parser.parse_args().calls
    spawning = multiprocessing.get_context("spawn")
    heard, tell = spawning.Pipe(duplex=False)
    server = spawning.Process(target=answer_forever, args=(tell,), daemon=True)
    server.start()
    try:
        print(json.dumps(asyncio.run(measured(heard.recv(), calls)), indent=2))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
