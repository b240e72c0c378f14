"""A key at its limit is passed over, and the earliest is waited for; retries have a budget."""

from __future__ import annotations

from collections import Counter, deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_client import Endpoint, Key, Ledger, RateLimited
from gateway_client.exchange import Call, Wait
from gateway_client.faults import Lost
from gateway_client.limits import MINUTE, RETRY_RESERVE, Limits, Retries, seconds_until
from gateway_client.pool import Lane
from gateway_client.testing import FakeTime, Reply, ScriptedGateway
from gateway_client.translate import translated
from gateway_client.transport import Switchboard

if TYPE_CHECKING:
    from collections.abc import Callable

    from openai.types.chat import ChatCompletionMessageParam

    from gateway_client import GatewayClient

    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]


async def ask(gateway: GatewayClient) -> str:
    answer = await gateway.openai().chat.completions.create(model="auto", messages=HELLO)
    return answer.choices[0].message.content or ""


def lane(rpm: int | None = None, tpm: int | None = None) -> Lane:
    key = Key("e#1", "TEST", "secret")
    return Lane(Endpoint("e", "http://e.example/v1", (key,), rpm=rpm, tpm=tpm), key)


async def test_a_key_at_its_configured_limit_is_passed_over(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with (
        ScriptedGateway() as one,
        ScriptedGateway() as two,
        client(endpoint("one", one, "key-1", rpm=2), endpoint("two", two, "key-2")) as gateway,
    ):
        for _ in range(10):
            await ask(gateway)
    assert (len(one.asked), len(two.asked)) == (2, 8)
    assert fake_time.slept == []


async def test_when_all_are_at_their_limit_the_earliest_is_waited_for(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with (
        ScriptedGateway() as one,
        client(endpoint("one", one, "key-1", "key-2", rpm=1)) as gateway,
    ):
        await ask(gateway)
        fake_time.now += 10
        await ask(gateway)
        await ask(gateway)
    assert fake_time.slept == [MINUTE - 10]
    assert Counter(asked.key for asked in one.asked) == {"key-1": 2, "key-2": 1}


async def test_a_limit_that_outlasts_the_deadline_is_a_429_with_a_true_retry_after(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway() as one,
        client(endpoint("one", one, rpm=1), deadline_seconds=30) as gateway,
    ):
        await ask(gateway)
        with pytest.raises(openai.RateLimitError) as caught:
            await ask(gateway)
    assert caught.value.response.headers["retry-after"] == "60"
    assert isinstance(translated(caught.value), RateLimited)
    assert len(one.asked) == 1


async def test_what_an_endpoint_tells_of_its_limits_is_kept_to(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    spent = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}
    async with (
        ScriptedGateway([Reply(headers=spent, body=b'{"choices": []}')]) as one,
        ScriptedGateway() as two,
        client(endpoint("one", one, weight=9), endpoint("two", two)) as gateway,
    ):
        for _ in range(5):
            await ask(gateway) if one.asked else await gateway.http_client.post(
                "http://x/v1/chat/completions", json={"model": "auto", "messages": HELLO}
            )
        assert (len(one.asked), len(two.asked)) == (1, 4)
        fake_time.now += 361
        await gateway.http_client.post(
            "http://x/v1/chat/completions", json={"model": "auto", "messages": HELLO}
        )
    assert len(one.asked) == 2


@given(
    st.lists(st.tuples(st.floats(0, 30), st.integers(0, 400)), max_size=60),
    st.integers(1, 10),
    st.integers(100, 1000),
)
def test_in_no_sixty_seconds_is_a_key_asked_for_more_than_its_limits(
    calls: list[tuple[float, int]], rpm: int, tpm: int
) -> None:
    clock = FakeTime()
    limits = Limits(clock)
    one = lane(rpm, tpm)
    taken: deque[tuple[float, int]] = deque()
    for pause, wanted in calls:
        tokens = min(wanted, tpm)
        clock.now += pause
        clock.now += limits.wait(one, "m", tokens)
        assert limits.wait(one, "m", tokens) <= 0
        limits.take(one, "m", tokens)
        taken.append((clock.now, tokens))
        within = [size for at, size in taken if at + MINUTE > clock.now]
        assert len(within) <= rpm
        assert sum(within) <= tpm


def test_a_call_larger_than_the_limit_waits_for_an_empty_minute_and_is_let_through() -> None:
    clock = FakeTime()
    limits = Limits(clock)
    one = lane(tpm=100)
    limits.take(one, "m", 50)
    assert limits.wait(one, "m", 500) == MINUTE


def test_what_a_call_really_used_takes_the_place_of_what_was_expected() -> None:
    clock = FakeTime()
    limits = Limits(clock)
    one = lane(tpm=100)
    taking = limits.take(one, "m", 90)
    assert limits.wait(one, "m", 50) > 0
    limits.correct(one, taking, 10)
    assert limits.wait(one, "m", 50) == 0


def test_tokens_told_to_be_left_are_counted_down_until_the_next_word() -> None:
    clock = FakeTime()
    limits = Limits(clock)
    told = {"anthropic-ratelimit-tokens-remaining": "100"}
    limits.learn(lane(), "m", {**told, "anthropic-ratelimit-tokens-reset": "20s"})
    assert limits.wait(lane(), "m", 60) == 0
    limits.take(lane(), "m", 60)
    assert limits.wait(lane(), "m", 60) == 20
    assert limits.wait(lane(), "another", 60) == 0
    clock.now += 20
    assert limits.wait(lane(), "m", 60) == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1), ("6m0s", 360), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("17", 17),
        ("2026-11-22T12:00:30Z", 30), ("2026-11-22T11:00:00Z", 0), ("soon", None), ("", None),
        ("Tomorrow", None), ("5 s", None),
    ],
)  # fmt: skip
def test_reset_times_are_read_in_every_form_vendors_use(text: str, seconds: float | None) -> None:
    assert seconds_until(text, datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)) == seconds


@given(st.integers(1, 500))
def test_an_outage_costs_no_more_than_its_ratio_of_retries(calls: int) -> None:
    retries = Retries(0.25, FakeTime())
    used = 0
    for _ in range(calls):
        retries.earn()
        while retries.take():
            used += 1
    assert used <= RETRY_RESERVE + calls * 0.25


def test_time_alone_earns_retries_again() -> None:
    clock = FakeTime()
    retries = Retries(0.0, clock)
    while retries.take():
        pass
    clock.now += 10
    retries.earn()
    assert retries.take()


async def test_the_callers_own_deadline_counts(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with (
        ScriptedGateway([Reply.failure(429, retry_after="20")]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        model = gateway.openai()
        for asked in (
            model.with_options(default_headers={"x-gw-deadline": "5"}),
            model.with_options(timeout=5),
        ):
            with pytest.raises(openai.RateLimitError) as caught:
                await asked.chat.completions.create(model="auto", messages=HELLO)
            assert caught.value.response.headers["retry-after"] == "20"
    assert fake_time.slept == []


async def test_a_deadline_cuts_short_an_answer_that_is_late(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(stall=30)]) as one,
        client(endpoint("one", one), attempts=1) as gateway,
    ):
        asked = gateway.openai().with_options(default_headers={"x-gw-deadline": "0.1"})
        with pytest.raises(openai.APITimeoutError):
            await asked.chat.completions.create(model="auto", messages=HELLO)


def test_backoff_is_spread_by_chance(endpoint: MakeEndpoint, client: MakeClient) -> None:
    config = client(endpoint("one", "http://127.0.0.1:9/v1")).config
    slept: set[float] = set()
    for chance in (0.0, 0.5, 1.0):
        switchboard = Switchboard(config, Ledger(), FakeTime(), iter([chance]).__next__)
        flow = switchboard.connect(Call("POST", "/v1/chat/completions", {}, b'{"messages": []}'))
        next(flow)
        step = flow.send(Lost("gone"))
        assert isinstance(step, Wait)
        slept.add(step.seconds)
        flow.close()
    assert slept == {0.125, 0.1875, 0.25}
