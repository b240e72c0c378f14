"""What the gateway adds to a call: `python benchmarks/gateway_overhead.py --calls N`.

A server in a process of its own answers at once. The same small call is made through the gateway
and through the very transport that the gateway sends with, in alternating blocks, so that a busy
machine is unfair to both alike: p50 at 1 and at 50 at a time. Then the OpenAI SDK alone against
the SDK on the gateway, 50 at a time, as answers a second. At 50 at a time on one core a p50 is
mostly queueing, so there the ratio is the thing to read. With `--litellm-python PATH`, the Python
of an environment that has litellm, its Router makes the same calls of the same server in between
two runs of ours, `ours_before` and `ours_after`. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import time
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx2
from openai import AsyncOpenAI

from gateway_client import Config, Endpoint, GatewayClient, Model
from gateway_client.catalog import TIERS
from gateway_client.families.ways import UNLIMITED
from gateway_client.testing import ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from multiprocessing.connection import Connection

    from openai.types.chat import ChatCompletionUserMessageParam

CALLS, BLOCKS = 1_000, 10
ASKED = "What is the time?"
PAYLOAD = {"model": "m", "messages": [{"role": "user", "content": ASKED}]}


ROUTER = """
import asyncio, json, statistics, sys, time
from litellm import Router

url, calls = sys.argv[1], int(sys.argv[2])
served = {"model": "openai/m", "api_base": url, "api_key": "none"}
router = Router(model_list=[{"model_name": "m", "litellm_params": served}], num_retries=0)
messages = [{"role": "user", "content": "What is the time?"}]


async def timed(size, concurrency):
    gate, seconds = asyncio.Semaphore(concurrency), []

    async def one():
        async with gate:
            started = time.perf_counter()
            await router.acompletion(model="m", messages=messages)
            seconds.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(size)))
    return {
        "p50_ms": round(statistics.median(seconds) * 1000, 3),
        "per_second": round(size / (time.perf_counter() - started), 1),
    }


async def main():
    await timed(50, 50)
    told = {"one_at_a_time": await timed(calls, 1), "fifty_at_a_time": await timed(calls, 50)}
    print(json.dumps(told))


asyncio.run(main())
"""


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
        from gateway_client.families.aiohttp_transport import AiohttpTransport  # noqa: PLC0415 - optional
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


async def beside_litellm(url: str, calls: int, python: str) -> dict[str, object]:
    """Make the calls with litellm's Router, and with ours before and after."""
    before = await ours_alone(url, calls)
    process = await asyncio.create_subprocess_exec(
        python, "-c", ROUTER, url, str(calls),
        env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{python} could not run litellm, see above")
    after = await ours_alone(url, calls)
    return {
        "ours_before": before,
        "litellm_router": json.loads(out.splitlines()[-1]),
        "ours_after": after,
    }


async def ours_alone(url: str, calls: int) -> dict[str, object]:
    """Time the gateway as litellm is timed."""
    async with gateway_at(url) as gateway:

        async def ask() -> object:
            return await gateway.http_client.post(f"{url}/chat/completions", json=PAYLOAD)

        await timed(ask, 50, 50)
        return {
            name: {
                "p50_ms": round(statistics.median(seconds) * 1000, 3),
                "per_second": round(calls / whole, 1),
            }
            for name, concurrency in (("one_at_a_time", 1), ("fifty_at_a_time", 50))
            for seconds, whole in (await timed(ask, calls, concurrency),)
        }


def gateway_at(url: str) -> GatewayClient:
    """Return a gateway of one endpoint."""
    free = Model("m", input_usd_per_million=Decimal(0), output_usd_per_million=Decimal(0))
    tiers = dict.fromkeys(TIERS, ("m",))
    return GatewayClient(Config((Endpoint("e", url),), tiers=tiers, models={"m": free}))


async def measured(url: str, calls: int) -> dict[str, object]:
    """Run all comparisons against the server."""
    name, transport = bare_transport()
    address = f"{url}/chat/completions"
    async with (
        httpx2.AsyncClient(transport=transport) as inner,
        gateway_at(url) as gateway,
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


async def everything(url: str, calls: int, litellm: str) -> dict[str, object]:
    """Run all that was asked for."""
    beside = {"beside_litellm": await beside_litellm(url, calls, litellm)} if litellm else {}
    return {**await measured(url, calls), **beside}


def main() -> None:
    """Start the server, measure, and end it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--litellm-python", default="", metavar="PATH")
    options = parser.parse_args()
    spawning = multiprocessing.get_context("spawn")
    heard, tell = spawning.Pipe(duplex=False)
    server = spawning.Process(target=answer_forever, args=(tell,), daemon=True)
    server.start()
    try:
        told = asyncio.run(everything(heard.recv(), options.calls, options.litellm_python))
        print(json.dumps(told, indent=2))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
