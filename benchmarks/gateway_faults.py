"""What a caller notices of endpoints that fail: `python benchmarks/gateway_faults.py --calls N`.

Endpoint A spoils 20 % of its calls (429, 500, 502, reset, stall, cut body, cut stream, an error
behind a 200), endpoint B 1 %. Half of the calls are streams. Every prompt holds its own number
and every answer has to repeat it exactly once, so a wrong, mixed-up or doubled answer is seen.
A stream cut after its first content cannot be asked again, since the caller has read of it: such
calls fail aloud, and are counted as `streams_broken_aloud`. A second part asks 2,000 times with
endpoint A dead. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import socket
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx2

from gateway_client import Config, Endpoint, GatewayClient, Policy, wire
from gateway_client.catalog import TIERS
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway_client.testing import Asked

CALLS, DEAD_CALLS, CONCURRENCY = 10_000, 2_000, 50
STALL_SECONDS, PATIENCE_SECONDS = 5.0, 1.0
URL = "http://gateway.invalid/v1/chat/completions"
HIDDEN = b'{"error": {"message": "overloaded", "type": "server_error", "code": 503}}'
FAULTS = (
    Reply.failure(429, retry_after="0"),
    Reply(status=500, body=b"{}"),
    Reply(status=502, body=b"<html>bad gateway</html>"),
    Reply(drop=True),
    Reply(stall=STALL_SECONDS),
    Reply(cut=True),
    Reply(body=HIDDEN),
)


def expected(prompt: str) -> str:
    """Return the only right answer."""
    return f"answer to {prompt} ends"


def flaky(share: float, seed: int, spoiled: Counter[str]) -> Callable[[Asked], Reply]:
    """Return a behaviour that spoils this share of its calls."""
    chance = random.Random(seed)  # noqa: S311 - the same faults in every run

    def reply(asked: Asked) -> Reply:
        right = Reply(expected(asked.prompt))
        if chance.random() >= share:
            return right
        number = chance.randrange(len(FAULTS))
        spoiled[("429", "500", "502", "reset", "stall", "cut", "hidden error")[number]] += 1
        fault = FAULTS[number]
        return replace(fault, text=right.text)

    return reply


def client(*urls: str) -> GatewayClient:
    """Return a client of these endpoints; two keys each would say nothing more."""
    return GatewayClient(
        Config(
            tuple(Endpoint(f"e{number}", url) for number, url in enumerate(urls)),
            tiers=dict.fromkeys(TIERS, ("m",)),
            policy=Policy(
                read_seconds=PATIENCE_SECONDS,
                first_content_seconds=PATIENCE_SECONDS,
                backoff_seconds=0.05,
                deadline_seconds=30.0,
            ),
        )
    )


async def outcome(ours: GatewayClient, number: int) -> str:
    """Ask once and say what came of it."""
    prompt = f"call-{number:06}"
    streamed = number % 2 == 1
    payload = {"messages": [{"role": "user", "content": prompt}], "stream": streamed}
    try:
        answer = await ours.http_client.post(URL, json=payload)
    except httpx2.TransportError as error:
        return type(error).__name__
    if answer.is_error:
        return str(answer.status_code)
    if not streamed:
        text = wire.written_text(wire.payload_of(answer.content) or {})
        return "right" if text == expected(prompt) else "wrong"
    lines = answer.text.splitlines()
    events = [wire.payload_of(line.removeprefix("data:").encode()) or {} for line in lines]
    if any(wire.error_in_event(event) for event in events):
        return "stream broken aloud"
    text = "".join(map(wire.written_text, events))
    return "right" if text.split() == expected(prompt).split() else "wrong"


async def asked_all(ours: GatewayClient, calls: int) -> Counter[str]:
    """Ask so many times, some at a time."""
    gate = asyncio.Semaphore(CONCURRENCY)

    async def one(number: int) -> str:
        async with gate:
            return await outcome(ours, number)

    return Counter(await asyncio.gather(*map(one, range(calls))))


def summary(seen: Counter[str], calls: int, wire_calls: int, seconds: float) -> dict[str, object]:
    """Return the figures of one part."""
    others = {k: v for k, v in seen.items() if k not in {"right", "wrong", "stream broken aloud"}}
    return {
        "calls": calls,
        "success": round(seen["right"] / calls, 5),
        "wrong_or_doubled": seen["wrong"],
        "streams_broken_aloud": seen["stream broken aloud"],
        "other_failures": dict(sorted(others.items())),
        "wire_calls_per_call": round(wire_calls / calls, 4),
        "seconds": round(seconds, 1),
    }


async def mixed(calls: int) -> dict[str, object]:
    """Ask two endpoints that both fail at times."""
    spoiled: Counter[str] = Counter()
    first, second = flaky(0.20, 1, spoiled), flaky(0.01, 2, spoiled)
    async with ScriptedGateway(first) as a, ScriptedGateway(second) as b:
        async with client(a.base_url, b.base_url) as ours:
            started = time.perf_counter()
            seen = await asked_all(ours, calls)
            seconds = time.perf_counter() - started
        asked = (len(a.asked), len(b.asked))
    told = summary(seen, calls, sum(asked), seconds)
    return {**told, "asked_of_a_and_b": asked, "faults_met": dict(sorted(spoiled.items()))}


async def dead(calls: int) -> dict[str, object]:
    """Ask with an endpoint that refuses every connection, which no server counts."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and never listened at
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        async with ScriptedGateway(lambda asked: expected(asked.prompt)) as b:
            async with client(url, b.base_url) as ours:
                started = time.perf_counter()
                seen = await asked_all(ours, calls)
                seconds = time.perf_counter() - started
            return summary(seen, calls, len(b.asked), seconds)


async def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--dead-calls", type=int, default=DEAD_CALLS)
    options = parser.parse_args()
    result = {
        "a_20_percent_b_1_percent": await mixed(options.calls),
        "a_dead": await dead(options.dead_calls),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    asyncio.run(main())
