"""Streams pass through, and are paid for once however they end."""

from __future__ import annotations

import asyncio
import gzip
import json
from itertools import pairwise
from typing import TYPE_CHECKING

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_client import Endpoint, wire
from gateway_client.streaming import Relay, Settlement
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Callable

    from openai.types.chat import ChatCompletionMessageParam

    from gateway_client import GatewayClient

    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
WORDS = "one two three four five"


async def test_a_stream_is_failed_over_and_counted_as_the_server_counted(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply.failure(500), Reply(WORDS)]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        chunks = [chunk async for chunk in gateway.chat_model("write").astream("hello you")]
        entry = gateway.ledger.entries[0]
    assert "".join(str(chunk.text) for chunk in chunks).split() == WORDS.split()
    assert (entry.input_tokens, entry.output_tokens) == one.counted == (2, 5)
    assert not entry.estimated


async def test_a_stream_without_usage_is_estimated_and_marked(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(WORDS, usage=False)]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        stream = await gateway.openai().chat.completions.create(
            model="auto", messages=HELLO, stream=True
        )
        assert len([chunk async for chunk in stream]) == 5
        (entry,) = gateway.ledger.entries
    assert entry.estimated
    assert (entry.input_tokens, entry.output_tokens) == (2, 6)


async def test_a_stream_given_up_halfway_is_settled_once(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(WORDS, pace=0.02)]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        stream = await gateway.openai().chat.completions.create(
            model="auto", messages=HELLO, stream=True
        )
        await anext(aiter(stream))
        await stream.close()
        await stream.close()
        assert len(gateway.ledger.entries) == 1


async def test_a_cancelled_stream_is_settled_once(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(WORDS, pace=30)]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        begun = asyncio.Event()

        async def read() -> None:
            url = "http://x/v1/chat/completions"
            body = {"model": "auto", "stream": True, "messages": HELLO}
            async with gateway.http_client.stream("POST", url, json=body) as answer:
                async for _ in answer.aiter_lines():
                    begun.set()

        reading = asyncio.ensure_future(read())
        await begun.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        (entry,) = gateway.ledger.entries
    assert entry.estimated
    assert entry.output_tokens == 1


async def test_a_stream_that_breaks_is_settled_and_the_break_is_heard(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(WORDS, pace=0.05, cut=True)]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        stream = await gateway.openai().chat.completions.create(
            model="auto", messages=HELLO, stream=True
        )
        with pytest.raises(openai.APIError, match="broke off before its end"):
            _ = [chunk async for chunk in stream]
        assert len(gateway.ledger.entries) == 1


async def test_a_stream_that_is_refused_with_an_error_object_fails_over(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    script = [Reply(body=b'{"error": {"message": "busy"}}'), Reply(WORDS)]
    async with ScriptedGateway(script) as one, client(endpoint("one", one)) as gateway:
        stream = await gateway.openai().chat.completions.create(
            model="auto", messages=HELLO, stream=True
        )
        assert len([chunk async for chunk in stream]) == 5


async def test_packed_streams_and_answers_are_unpacked_before_they_are_read(
    client: MakeClient,
) -> None:
    choice = b'{"delta": {"content": "hi"}, "finish_reason": "stop"}'
    usage = b'{"prompt_tokens": 7, "completion_tokens": 9}'
    event = b'data: {"choices": [' + choice + b'], "usage": ' + usage + b"}\n\n"

    def answer(request: httpx2.Request) -> httpx2.Response:
        streamed = json.loads(request.content)["stream"]
        kind = "text/event-stream" if streamed else "application/json"
        body = event if streamed else event.removeprefix(b"data: ")
        headers = {"content-type": kind, "content-encoding": "gzip"}
        return httpx2.Response(200, headers=headers, content=gzip.compress(body))

    inside = Endpoint("inside", "http://x.local/v1", transport=httpx2.MockTransport(answer))
    async with client(inside) as gateway:
        for streamed in (True, False):
            got = await gateway.http_client.post(
                "http://x/v1/chat/completions", json={"model": "auto", "stream": streamed}
            )
            assert "prompt_tokens" in got.text
        assert [entry.output_tokens for entry in gateway.ledger.entries] == [9, 9]


@given(st.lists(st.integers(0, 200), max_size=20))
def test_a_stream_is_read_the_same_however_the_bytes_are_cut(cuts: list[int]) -> None:
    events = [{"choices": [{"delta": {"content": word}}]} for word in ("Grüße", "你好", "x")]
    stream = "".join(f"data: {json.dumps(event, ensure_ascii=False)}\r\n\r\n" for event in events)
    data = f": comment\n{stream}data: [DONE]\n\n".encode()
    relay = Relay(3)
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    passed = b"".join(relay.feed(data[start:end]) for start, end in pairwise(edges))
    assert passed + relay.end() == data.replace(b"\r", b"")
    assert relay.usage() == wire.Usage(3, wire.tokens("Grüße你好x"), estimated=True)
    assert relay.problem is None


def test_usage_in_a_last_line_without_its_line_break_still_counts() -> None:
    relay = Relay(1)
    assert relay.feed(b'data: {"usage": {"prompt_tokens": 4, "completion_tokens": 2}}') == b""
    assert relay.end()
    assert relay.usage() == wire.Usage(4, 2)


def test_settling_again_does_nothing() -> None:
    settled: list[Relay] = []
    settlement = Settlement(Relay(1), settled.append)
    settlement.settle()
    settlement.settle()
    assert len(settled) == 1
