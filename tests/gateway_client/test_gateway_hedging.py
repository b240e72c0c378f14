"""A silent endpoint is not waited for alone, if hedging is on; whoever loses is accounted for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import openai
import pytest

from gateway_client import Endpoint
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Callable

    from openai.types.chat import ChatCompletionMessageParam

    from gateway_client import GatewayClient
    from gateway_client.testing import Asked

    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
FAST = "fast answer"


async def ask(gateway: GatewayClient) -> str:
    answer = await gateway.openai().chat.completions.create(model="auto", messages=HELLO)
    return answer.choices[0].message.content or ""


async def read(gateway: GatewayClient) -> str:
    stream = await gateway.openai().chat.completions.create(
        model="auto", messages=HELLO, stream=True
    )
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream]).strip()


@pytest.mark.parametrize("way", [ask, read])
async def test_the_first_good_answer_wins_and_the_other_is_accounted_for(
    way: Callable[[GatewayClient], object], endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(stall=30)]) as slow,
        ScriptedGateway([FAST]) as fast,
        client(endpoint("slow", slow, weight=9), endpoint("fast", fast), hedge_seconds=0.05) as g,
    ):
        assert await way(g) == FAST  # type: ignore[misc] # both are awaited
        told = {
            entry.endpoint: (entry.output_tokens, entry.estimated) for entry in g.ledger.entries
        }
    assert told == {"slow": (0, True), "fast": (2, False)}


async def test_without_hedging_nobody_else_is_asked(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(FAST, stall=0.1)]) as slow,
        ScriptedGateway() as other,
        client(endpoint("slow", slow, weight=9), endpoint("other", other)) as gateway,
    ):
        assert await ask(gateway) == FAST
    assert other.asked == []


async def test_a_fast_answer_or_fault_needs_no_hedge(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply.failure(500), FAST]) as one,
        client(endpoint("one", one, "key-1"), hedge_seconds=5) as gateway,
    ):
        assert await ask(gateway) == FAST
        assert len(gateway.ledger.entries) == 1
    assert len(one.asked) == 2


async def test_a_lone_endpoint_is_waited_for(endpoint: MakeEndpoint, client: MakeClient) -> None:
    async with (
        ScriptedGateway([Reply(FAST, stall=0.1)]) as one,
        client(endpoint("one", one), hedge_seconds=0.01) as gateway,
    ):
        assert await ask(gateway) == FAST
    assert len(one.asked) == 1


async def test_when_both_fail_the_call_goes_on(endpoint: MakeEndpoint, client: MakeClient) -> None:
    def failing(stall: float) -> list[Reply | str]:
        return [Reply(status=500, body=b"{}", stall=stall), FAST]

    async with (
        ScriptedGateway(failing(0.1)) as one,
        ScriptedGateway(failing(0.05)) as two,
        client(endpoint("one", one, weight=9), endpoint("two", two), hedge_seconds=0.02) as gateway,
    ):
        assert await ask(gateway) == FAST
        assert len(gateway.ledger.entries) == 1
    assert len(one.asked) + len(two.asked) == 3


async def test_a_cancelled_race_is_accounted_for_on_both_sides(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    both = asyncio.Event()
    asked: list[Asked] = []

    def stalling(one: Asked) -> Reply:
        asked.append(one)
        if len(asked) > 1:
            both.set()
        return Reply(stall=30)

    async with (
        ScriptedGateway(stalling) as one,
        ScriptedGateway(stalling) as two,
        client(endpoint("one", one), endpoint("two", two), hedge_seconds=0.01) as gateway,
    ):
        asking = asyncio.ensure_future(ask(gateway))
        await both.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert {entry.endpoint for entry in gateway.ledger.entries} == {"one", "two"}
        assert gateway.ledger.totals().estimated_calls == 2


async def test_the_retry_budget_bounds_hedges_too(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(stall=0.05)]) as one,
        ScriptedGateway([Reply(stall=0.05)]) as two,
        client(
            endpoint("one", one), endpoint("two", two), hedge_seconds=0.001, retry_ratio=0.0
        ) as gateway,
    ):
        await asyncio.gather(*(ask(gateway) for _ in range(60)))
    assert len(one.asked) + len(two.asked) <= 60 + 20


async def test_an_error_of_both_is_the_callers(endpoint: MakeEndpoint, client: MakeClient) -> None:
    bad = [Reply(status=400, body=b'{"error": {"message": "bad"}}', stall=0.1)]
    async with (
        ScriptedGateway(bad) as one,
        client(endpoint("one", one), hedge_seconds=0.01) as gateway,
    ):
        with pytest.raises(openai.BadRequestError):
            await ask(gateway)
        assert gateway.ledger.entries == ()
