"""Whether the ledger agrees with the server's own count: `python benchmarks/gateway_ledger.py`.

Asks 1,000 times (`--calls N`): whole answers, streams read to their end, and every tenth a stream
that is given up after its first words. The server counts the tokens of all answers it told the
usage of; the ledger has to hold the same sums, to the token and to the last millionth of a dollar,
exactly one entry for each call, and an estimate for each stream given up, whose server never got
to say what it took. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING

from gateway_client import Config, Endpoint, GatewayClient, Model
from gateway_client.catalog import TIERS
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from gateway_client.testing import Asked

IN_USD, OUT_USD = Decimal("1.75"), Decimal(14)
PRICED = Model("m", input_usd_per_million=IN_USD, output_usd_per_million=OUT_USD)
CALLS, CONCURRENCY, ABORT_EVERY = 1_000, 50, 10
URL = "http://gateway.invalid/v1/chat/completions"
LONG = Reply(" ".join(["word"] * 2_000), pace=0.01)


def reply(asked: Asked) -> Reply:
    """Answer at a length of its own; at great length to who is going to give up."""
    number = int(asked.prompt.rpartition(" ")[2])
    return LONG if number % ABORT_EVERY == 0 else Reply(" ".join(["word"] * (1 + number % 37)))


async def ask(client: GatewayClient, number: int) -> None:
    """Ask whole or streamed, and read to the end or not."""
    prompt = " ".join(["please"] * (1 + number % 11)) + f" {number}"
    gives_up = number % ABORT_EVERY == 0
    payload = {
        "messages": [{"role": "user", "content": prompt}],
        "stream": gives_up or number % 2 == 1,
    }
    async with client.http_client.stream("POST", URL, json=payload) as answer:
        answer.raise_for_status()
        async for _ in answer.aiter_bytes():
            if gives_up:
                return


async def main() -> None:
    """Ask, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    calls: int = parser.parse_args().calls
    gate = asyncio.Semaphore(CONCURRENCY)
    async with ScriptedGateway(reply) as server:
        config = Config(
            (Endpoint("e", server.base_url),),
            tiers=dict.fromkeys(TIERS, ("m",)),
            models={"m": PRICED},
        )
        async with GatewayClient(config) as client:

            async def one(number: int) -> None:
                async with gate:
                    await ask(client, number)

            await asyncio.gather(*map(one, range(calls)))
            entries = client.ledger.entries
        told = [entry for entry in entries if not entry.estimated]
        ours = (sum(e.input_tokens for e in told), sum(e.output_tokens for e in told))
        usd = sum(e.usd for e in told if e.usd is not None)
        owed = (server.counted[0] * IN_USD + server.counted[1] * OUT_USD) / 1_000_000
        same = ours == server.counted and usd == owed
        result = {
            "calls": calls,
            "requests_at_server": len(server.asked),
            "entries": len(entries),
            "given_up": len(range(0, calls, ABORT_EVERY)),
            "entries_estimated": len(entries) - len(told),
            "ledger_tokens": ours,
            "server_tokens": server.counted,
            "ledger_usd": str(usd),
            "server_usd": str(owed),
            "equal": same and len(entries) == len(server.asked) == calls,
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    asyncio.run(main())
