"""Caps hold: money is set aside before a call, and every reservation ends exactly once."""

from __future__ import annotations

import asyncio
import json
import logging
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_client import (
    Budget,
    BudgetSpent,
    Config,
    ConfigInvalid,
    Endpoint,
    GatewayClient,
    Model,
    PriceUnknown,
)
from gateway_client.budgets import Purse
from gateway_client.catalog import TIERS
from gateway_client.testing import Reply, ScriptedGateway
from gateway_client.translate import translated

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
PRICED = Model("small", input_usd_per_million=Decimal(1000), output_usd_per_million=Decimal(1000))


def with_budget(
    gateway: ScriptedGateway, budget: Budget, *models: Model, keys: int = 1
) -> GatewayClient:
    endpoints = tuple(Endpoint(f"e{n}", gateway.base_url) for n in range(keys))
    named = {model.name: model for model in models}
    config = Config(endpoints, tiers=dict.fromkeys(TIERS, ("small",)), models=named, budget=budget)
    return GatewayClient(config)


async def ask(gateway: GatewayClient, tokens: int = 1) -> str:
    answer = await gateway.openai().chat.completions.create(
        model="small", messages=HELLO, max_tokens=tokens
    )
    return answer.choices[0].message.content or ""


async def test_nothing_is_sent_that_might_pass_a_cap() -> None:
    async with (
        ScriptedGateway() as one,
        with_budget(one, Budget(usd=Decimal("0.006")), PRICED) as gateway,
    ):
        await ask(gateway)
        with pytest.raises(openai.APIStatusError) as caught:
            await ask(gateway, tokens=4)
        assert caught.value.status_code == 402
        error = translated(caught.value)
        assert isinstance(error, BudgetSpent)
        assert "raise usd in [budget]" in str(error)
        await ask(gateway)
        assert gateway.ledger.totals().usd == Decimal("0.004")
    assert len(one.asked) == 2


async def test_a_hundred_calls_at_once_never_pass_a_cap() -> None:
    async with (
        ScriptedGateway([Reply(stall=0.01)]) as one,
        with_budget(one, Budget(tokens=50), PRICED) as gateway,
    ):
        came = await asyncio.gather(*(ask(gateway) for _ in range(100)), return_exceptions=True)
        totals = gateway.ledger.totals()
    assert totals.input_tokens + totals.output_tokens <= 50
    assert len(one.asked) == came.count("OK") > 0


async def test_a_cap_in_dollars_refuses_models_without_a_price_aloud() -> None:
    async with (
        ScriptedGateway() as one,
        with_budget(one, Budget(usd_per_day=Decimal(5))) as gateway,
    ):
        with pytest.raises(openai.APIStatusError) as caught:
            await ask(gateway)
        assert isinstance(translated(caught.value), PriceUnknown)
        assert one.asked == []
    async with (
        ScriptedGateway() as one,
        with_budget(one, Budget(usd_per_day=Decimal(5), allow_unpriced=True)) as gateway,
    ):
        assert await ask(gateway) == "OK"


async def test_failures_give_back_what_was_set_aside() -> None:
    script = [Reply.failure(500), Reply.failure(400), Reply("OK")]
    async with (
        ScriptedGateway(script) as one,
        with_budget(one, Budget(tokens=4), PRICED) as gateway,
    ):
        with pytest.raises(openai.BadRequestError):
            await ask(gateway)
        assert await ask(gateway) == "OK"


async def test_the_price_is_told_with_the_answer_and_an_unknown_one_is_shouted_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    body = {"model": "small", "messages": HELLO}
    async with ScriptedGateway() as one, with_budget(one, Budget(), PRICED) as gateway:
        answer = await gateway.http_client.post("http://x/v1/chat/completions", json=body)
        assert answer.headers["x-gw-cost-usd"] == "0.002"
    assert caplog.messages == []
    async with ScriptedGateway() as one, with_budget(one, Budget()) as gateway:
        for _ in range(3):
            answer = await gateway.http_client.post("http://x/v1/chat/completions", json=body)
            assert "x-gw-cost-usd" not in answer.headers
        assert gateway.ledger.totals().unpriced == ("small",)
    assert len(caplog.messages) == 1
    assert "the price of small is not known" in caplog.text


async def test_a_day_is_shared_through_its_file(tmp_path: Path) -> None:
    budget = Budget(usd_per_day=Decimal("0.005"), file=str(tmp_path / "new" / "days.jsonl"))
    async with (
        ScriptedGateway() as one,
        with_budget(one, budget, PRICED) as first,
        with_budget(one, budget, PRICED) as second,
    ):
        await ask(first)
        await ask(second)
        for gateway in (first, second):
            with pytest.raises(openai.APIStatusError, match="usd_per_day"):
                await ask(gateway)


def test_a_new_day_begins_with_nothing_spent(tmp_path: Path) -> None:
    for file in ("", str(tmp_path / "days.jsonl")):
        days = ["2026-11-22"]
        purse = Purse(Budget(tokens_per_day=10, file=file), today=partial(days.__getitem__, -1))
        purse.settle(purse.reserve("m", None, 10), None, 10)
        assert purse.pressure() == 1
        with pytest.raises(BudgetSpent):
            purse.reserve("m", None, 1)
        days.append("2026-11-23")
        assert purse.pressure() == 0
        purse.reserve("m", None, 10)


@pytest.mark.parametrize("line", ["x", "[]", '{"day": 1}', '{"day": "d", "usd": "x", "tokens": 1}'])
def test_a_budget_file_that_is_none_is_refused_and_not_counted_as_nothing(
    line: str, tmp_path: Path
) -> None:
    path = tmp_path / "days.jsonl"
    path.write_text(line + "\n")
    purse = Purse(Budget(usd_per_day=Decimal(1), file=str(path)))
    with pytest.raises(ConfigInvalid, match="none of ours"):
        purse.reserve("m", Decimal(0), 1)


def test_a_line_that_another_process_has_not_finished_is_read_later(tmp_path: Path) -> None:
    path = tmp_path / "days.jsonl"
    line = json.dumps({"day": "d", "usd": "0.5", "tokens": 3})
    path.write_text(line)
    purse = Purse(Budget(usd=Decimal(9), usd_per_day=Decimal(1), file=str(path)), lambda: "d")
    assert purse.pressure() == 0
    path.write_text(line + "\n")
    assert purse.pressure() == 0.5


calls = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.booleans()), max_size=40)


@given(calls, st.integers(0, 200), st.integers(0, 200))
def test_what_is_spent_and_set_aside_never_passes_a_cap(
    wanted: list[tuple[int, int, bool]], tokens: int, usd: int
) -> None:
    purse = Purse(Budget(tokens=tokens, usd=Decimal(usd)))
    spent = held = 0
    flying = []
    for size, used, waits in wanted:
        try:
            reservation = purse.reserve("m", Decimal(size), size)
        except BudgetSpent:
            assert spent + held + size > min(tokens, usd)
            continue
        held += size
        flying.append((reservation, size, min(used, size)))
        assert spent + held <= min(tokens, usd)
        if not waits:
            reservation, size_, used_ = flying.pop(0)
            for _ in range(2):  # settling again does nothing
                purse.settle(reservation, Decimal(used_), used_)
            held, spent = held - size_, spent + used_
