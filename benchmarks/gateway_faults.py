"""What a caller notices of endpoints that fail: `python benchmarks/gateway_faults.py --calls N`.

Endpoint A spoils 20 % of its calls (429, 500, 502, reset, stall, cut body, streams cut before and
after their first content, an error behind a 200), endpoint B 1 %. Half of the calls are streams.
Every prompt holds its own number and every answer has to repeat it exactly once, so a wrong,
mixed-up or doubled answer is seen. A stream cut after its first content cannot be asked again,
since the caller has read of it: such calls fail aloud and are counted as `streams_broken_aloud`;
`success_of_others` leaves them out. The breaker soon leaves A alone, which is its work, so most
answers are B's: `asked_of_each` tells how many. The second part asks 2,000 times with A dead. In
the third A and B both spoil 20 %, so that there is nowhere to flee to. Prints one JSON object.
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
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx2

from gateway_client import Config, Endpoint, GatewayClient, Model, Policy, wire
from gateway_client.catalog import TIERS
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway_client.testing import Asked

CALLS, DEAD_CALLS, CONCURRENCY = 10_000, 2_000, 50
STALL_SECONDS, PATIENCE_SECONDS = 5.0, 1.0
FREE = Decimal(0)
URL = "http://gateway.invalid/v1/chat/completions"
HIDDEN = b'{"error": {"message": "overloaded", "type": "server_error", "code": 503}}'
ROLE = b'data: {"choices": [{"index": 0, "delta": {"role": "assistant"}}]}\n\n'
FAULTS = {
    "429": Reply.failure(429, retry_after="0"),
    "500": Reply(status=500, body=b"{}"),
    "502": Reply(status=502, body=b"<html>bad gateway</html>"),
    "reset": Reply(drop=True),
    "stall": Reply(stall=STALL_SECONDS),
    "cut": Reply(cut=True),
    "cut before content": Reply(events=(ROLE,)),
    "hidden error": Reply(body=HIDDEN),
}


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
        name = chance.choice(list(FAULTS))
        spoiled[name] += 1
        return replace(FAULTS[name], text=right.text)

    return reply


def client(*urls: str) -> GatewayClient:
    """Return a client of these endpoints; two keys each would say nothing more."""
    return GatewayClient(
        Config(
            tuple(Endpoint(f"e{number}", url) for number, url in enumerate(urls)),
            tiers=dict.fromkeys(TIERS, ("m",)),
            models={"m": Model("m", input_usd_per_million=FREE, output_usd_per_million=FREE)},
            policy=Policy(
                read_seconds=PATIENCE_SECONDS,
                first_content_seconds=PATIENCE_SECONDS,
                backoff_seconds=0.05,
                deadline_seconds=30.0,
            ),
        )
    )


async def outcome(ours: GatewayClient, number: int) -> tuple[str, int]:
    """Ask once and say what came of it, and after how many attempts (0 where nobody says)."""
    prompt = f"call-{number:06}"
    streamed = number % 2 == 1
    payload = {"messages": [{"role": "user", "content": prompt}], "stream": streamed}
    try:
        answer = await ours.http_client.post(URL, json=payload)
    except httpx2.TransportError as error:
        return type(error).__name__, 0
    attempts = int(answer.headers.get("x-gw-attempts", "0"))
    if answer.is_error:
        return str(answer.status_code), attempts
    return verdict(answer, expected(prompt), streamed=streamed), attempts


def verdict(answer: httpx2.Response, right: str, *, streamed: bool) -> str:
    """Say whether an answer is the right one, word for word."""
    if not streamed:
        text = wire.written_text(wire.payload_of(answer.content) or {})
        return "right" if text == right else "wrong"
    lines = answer.text.splitlines()
    events = [wire.payload_of(line.removeprefix("data:").encode()) or {} for line in lines]
    if any(wire.error_in_event(event) for event in events):
        return "stream broken aloud"
    text = "".join(map(wire.written_text, events))
    return "right" if text.split() == right.split() else "wrong"


async def asked_all(ours: GatewayClient, calls: int) -> tuple[Counter[str], int]:
    """Ask so many times, some at a time; return what came of it, and the sum of all attempts."""
    gate = asyncio.Semaphore(CONCURRENCY)

    async def one(number: int) -> tuple[str, int]:
        async with gate:
            return await outcome(ours, number)

    came = await asyncio.gather(*map(one, range(calls)))
    return Counter(what for what, _ in came), sum(attempts for _, attempts in came)


def summary(
    came: tuple[Counter[str], int], asked: tuple[int, int], spoiled: Counter[str], seconds: float
) -> dict[str, object]:
    """Return the figures of one part."""
    seen, attempts = came
    calls, cut = seen.total(), seen["stream broken aloud"]
    others = {k: v for k, v in seen.items() if k not in {"right", "wrong", "stream broken aloud"}}
    return {
        "calls": calls,
        "success": round(seen["right"] / calls, 5),
        "success_of_others": round(seen["right"] / max(calls - cut, 1), 5),
        "wrong_or_doubled": seen["wrong"],
        "streams_broken_aloud": cut,
        "other_failures": dict(sorted(others.items())),
        "wire_calls_per_call": round(sum(asked) / calls, 4),
        "attempts_per_call": round(attempts / calls, 4),
        "asked_of_each": asked,
        "faults_met": dict(sorted(spoiled.items())),
        "seconds": round(seconds, 1),
    }


async def mixed(calls: int, *shares: float) -> dict[str, object]:
    """Ask two endpoints that fail at times."""
    spoiled: Counter[str] = Counter()
    first, second = (flaky(share, seed, spoiled) for seed, share in enumerate(shares, 1))
    async with ScriptedGateway(first) as a, ScriptedGateway(second) as b:
        async with client(a.base_url, b.base_url) as ours:
            started = time.perf_counter()
            came = await asked_all(ours, calls)
            seconds = time.perf_counter() - started
        return summary(came, (len(a.asked), len(b.asked)), spoiled, seconds)


async def dead(calls: int) -> dict[str, object]:
    """Ask with an endpoint that refuses every connection: attempts, but no wire calls."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and never listened at
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        async with ScriptedGateway(lambda asked: expected(asked.prompt)) as b:
            async with client(url, b.base_url) as ours:
                started = time.perf_counter()
                came = await asked_all(ours, calls)
                seconds = time.perf_counter() - started
            return summary(came, (0, len(b.asked)), Counter(), seconds)


async def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--dead-calls", type=int, default=DEAD_CALLS)
    options = parser.parse_args()
    result = {
        "a_20_percent_b_1_percent": await mixed(options.calls, 0.20, 0.01),
        "a_dead": await dead(options.dead_calls),
        "both_20_percent": await mixed(options.dead_calls, 0.20, 0.20),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    asyncio.run(main())
