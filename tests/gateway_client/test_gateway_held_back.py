"""A stream that fails before its first content fails unseen; one that fails later is heard."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_client import Endpoint, wire
from gateway_client.health import OPEN_AFTER
from gateway_client.streaming import Relay
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Callable

    from openai.types.chat import ChatCompletionMessageParam

    from gateway_client import GatewayClient

    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]


def event(payload: object) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def chunk(delta: dict[str, object], reason: str | None = None, **more: object) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more})


ROLE = chunk({"role": "assistant", "content": ""})
EMPTY = chunk({})
NONE = event({"choices": []})
COMMENT = b": still thinking\n\n"
WORD = chunk({"content": "bad "})
END = chunk({}, "stop")
DONE = b"data: [DONE]\n\n"
ERROR = event({"error": {"message": "overloaded", "code": 503}})
PREAMBLE = (COMMENT, ROLE, EMPTY, NONE)

UNSEEN = {
    "error": Reply(events=(*PREAMBLE, ERROR)),
    "error at once": Reply(events=(ERROR,)),
    "drop": Reply(events=PREAMBLE),
    "nothing": Reply(events=()),
    "only done": Reply(events=(*PREAMBLE, DONE)),
    "truncated": Reply(events=(*PREAMBLE, b'data: {"choices": [{"del')),
    "not json": Reply(events=(*PREAMBLE, b"data: <html>\n\n")),
    "stall": Reply(events=PREAMBLE, pace=30),
    "drip": Reply(events=(COMMENT,), endless=True, pace=0.01),
    "whole": Reply(body=b'{"choices": [{"message": {"content": "x"}}]}'),
}


async def read(gateway: GatewayClient) -> str:
    stream = await gateway.openai().chat.completions.create(
        model="auto", messages=HELLO, stream=True
    )
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


@pytest.mark.parametrize("bad", UNSEEN.values(), ids=UNSEEN)
async def test_whatever_goes_wrong_before_the_first_content_is_never_seen(
    bad: Reply, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([bad]) as one,
        ScriptedGateway([Reply("all is well")]) as two,
        client(endpoint("one", one), endpoint("two", two), first_content_seconds=0.3) as gateway,
    ):
        assert await read(gateway) == "all is well "
        (entry,) = gateway.ledger.entries
    assert entry.endpoint == "two"
    assert (len(one.asked), len(two.asked)) == (1, 1)


HEARD = {
    "error": (Reply(events=(ROLE, WORD, ERROR), pace=0.05), "overloaded"),
    "drop": (Reply(events=(ROLE, WORD), pace=0.05), "broke off before its end"),
    "truncated": (Reply(events=(WORD, b'data: {"choices": [{"del'), pace=0.05), "not JSON"),
    "stall": (Reply(events=(WORD, WORD), pace=0.6), "silent for 0.2 seconds"),
}


@pytest.mark.parametrize(("bad", "said"), HEARD.values(), ids=HEARD)
async def test_after_the_first_content_nothing_is_spliced_and_the_caller_hears_of_it(
    bad: Reply, said: str, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([bad]) as one,
        ScriptedGateway([Reply("never asked")]) as two,
        client(endpoint("one", one, weight=9), endpoint("two", two), idle_seconds=0.2) as gateway,
    ):
        with pytest.raises(openai.APIError, match=said):
            await read(gateway)
        assert len(gateway.ledger.entries) == 1
    assert len(two.asked) == 0


@pytest.mark.parametrize("bad", [Reply(events=(ROLE, WORD)), Reply(events=(WORD, ERROR))])
async def test_a_stream_that_breaks_off_right_behind_its_first_content_is_never_seen(
    bad: Reply, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([bad]) as one,
        ScriptedGateway([Reply("all is well")]) as two,
        client(endpoint("one", one, weight=9), endpoint("two", two)) as gateway,
    ):
        assert await read(gateway) == "all is well "
    assert (len(one.asked), len(two.asked)) == (1, 1)


async def test_a_stream_that_is_given_up_right_after_its_first_content_is_closed_and_settled(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply("one two three", pace=0.2)]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        stream = await gateway.openai().chat.completions.create(
            model="auto", messages=HELLO, stream=True
        )
        await anext(stream)
        await stream.close()
        (entry,) = gateway.ledger.entries
    assert entry.estimated


async def test_streams_that_break_count_against_the_health_of_their_endpoint(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(events=(WORD,))]) as one,
        client(endpoint("one", one), patience_seconds=0) as gateway,
    ):
        for _ in range(OPEN_AFTER + 2):
            with pytest.raises(openai.APIError):
                await read(gateway)
    assert len(one.asked) < OPEN_AFTER + 2


async def test_a_stream_without_an_end_is_ended(endpoint: MakeEndpoint, client: MakeClient) -> None:
    async with (
        ScriptedGateway([Reply(events=(WORD,), endless=True)]) as one,
        client(endpoint("one", one), answer_bytes=50_000) as gateway,
    ):
        with pytest.raises(openai.APIError, match="no end after 50,000 bytes"):
            await asyncio.wait_for(read(gateway), 5)


async def test_an_answer_without_an_end_is_ended(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(body=b"x" * 60_000)]) as one,
        client(endpoint("one", one), answer_bytes=50_000, attempts=1) as gateway,
    ):
        with pytest.raises(openai.APIConnectionError):
            await gateway.openai().chat.completions.create(model="auto", messages=HELLO)


async def test_a_key_quoted_in_a_broken_stream_is_not_passed_on(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    told = event({"error": {"message": "the key sk-canary is bad", "headers": "sk-canary"}})
    async with (
        ScriptedGateway([Reply(events=(WORD, told))]) as one,
        client(endpoint("one", one, "sk-canary")) as gateway,
    ):
        with pytest.raises(openai.APIError, match="the key one#1 is bad") as caught:
            await read(gateway)
    assert "sk-canary" not in repr(caught.value.body)


async def test_usage_is_asked_for_and_kept_from_callers_who_did_not_ask(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with ScriptedGateway([Reply("one two")]) as one, client(endpoint("one", one)) as gateway:
        body = {"model": "auto", "messages": HELLO, "stream": True}
        url = "http://x/v1/chat/completions"
        plain = await gateway.http_client.post(url, json=body)
        curious = await gateway.http_client.post(
            url, json={**body, "stream_options": {"include_usage": True}}
        )
        entries = gateway.ledger.entries
    assert one.asked[0].payload["stream_options"] == {"include_usage": True}
    assert '"usage"' not in plain.text
    assert plain.text.endswith("data: [DONE]\n\n")
    assert '"usage"' in curious.text
    assert [(entry.output_tokens, entry.estimated) for entry in entries] == [(2, False)] * 2


async def test_usage_may_come_with_any_chunk(endpoint: MakeEndpoint, client: MakeClient) -> None:
    usage = {"prompt_tokens": 11, "completion_tokens": 22}
    events = (chunk({"content": "x"}, usage=usage), END, DONE)
    async with (
        ScriptedGateway([Reply(events=events)]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        assert await read(gateway) == "x"
        (entry,) = gateway.ledger.entries
    assert (entry.input_tokens, entry.output_tokens) == (11, 22)


async def test_an_answer_that_ends_without_a_word_is_an_answer(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(events=(ROLE, END))]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        assert await read(gateway) == ""
    assert len(one.asked) == 1


async def test_streams_of_the_responses_api_are_held_back_and_settled_too(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    created = event({"type": "response.created", "response": {"id": "r"}})
    failed = event({"type": "response.failed", "response": {"error": {"message": "busy"}}})
    delta = event({"type": "response.output_text.delta", "delta": "hi"})
    usage = {"input_tokens": 3, "output_tokens": 4}
    completed = event({"type": "response.completed", "response": {"usage": usage}})
    script = [Reply(events=(created, failed)), Reply(events=(created, delta, completed))]
    async with (
        ScriptedGateway(script) as one,
        client(endpoint("one", one, "key-a", "key-b")) as gateway,
    ):
        body = {"model": "r-1", "input": "hello", "stream": True}
        answer = await gateway.http_client.post("http://x/v1/responses", json=body)
        (entry,) = gateway.ledger.entries
    assert answer.text.count("response.created") == 1
    assert "hi" in answer.text
    assert (entry.input_tokens, entry.output_tokens) == (3, 4)
    assert "stream_options" not in one.asked[0].payload


async def test_blocking_clients_see_and_hear_the_same(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    script = [UNSEEN["error"], Reply("all is well"), HEARD["error"][0]]

    def ask(gateway: GatewayClient) -> str:
        body = {"model": "auto", "messages": HELLO, "stream": True}
        return gateway.sync_http_client.post("http://x/v1/chat/completions", json=body).text

    async with (
        ScriptedGateway(script) as one,
        client(endpoint("one", one, "key-a", "key-b")) as gateway,
    ):
        good = await asyncio.to_thread(ask, gateway)
        bad = await asyncio.to_thread(ask, gateway)
        assert len(gateway.ledger.entries) == 2
    assert "overloaded" not in good
    assert "well" in good
    assert "overloaded" in bad


pieces = st.sampled_from([*PREAMBLE, WORD, END, DONE, ERROR, b"data: {\n\n", b"\n\n", b"data\n\n"])


@given(st.lists(pieces, max_size=12), st.integers(1, 40))
def test_a_relay_never_speaks_after_a_problem_and_always_knows_how_it_ended(
    events: list[bytes], size: int
) -> None:
    data = b"".join(events)
    relay = Relay(1)
    said = b""
    for start in range(0, len(data), size):
        before = relay.problem
        passed = relay.feed(data[start : start + size])
        assert not (before and passed)
        said += passed
    said += relay.end()
    assert b"overloaded" not in said
    assert relay.problem or relay.done or END.strip() in said
    assert wire.payload_of(relay.error_body()) is not None
