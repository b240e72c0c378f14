"""Answers in one piece that are asked for as streams: silence is bounded, and not the whole."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateway_client import Endpoint, GatewayClient, wire
from gateway_client.gathering import Gathering
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Callable

    from openai.types.chat import ChatCompletionMessageParam

    from gateway_client.testing import Asked

    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
WORDS = "one two three four five"


def chunk(*choices: dict[str, Any], **more: object) -> dict[str, Any]:
    told = {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    return {**told, "choices": list(choices), **more}


def delta(index: int = 0, ends: str | None = None, **said: object) -> dict[str, Any]:
    return {"index": index, "delta": said, "finish_reason": ends}


def call(index: int, arguments: str, **more: object) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": arguments}, **more}


def begun(index: int, name: str, number: str) -> dict[str, Any]:
    function = {"name": name, "arguments": ""}
    return {"index": index, "id": number, "type": "function", "function": function}


def gathered(*chunks: dict[str, Any]) -> dict[str, Any]:
    gathering = Gathering()
    for one in chunks:
        gathering.add(one)
    whole: dict[str, Any] = json.loads(gathering.body())
    return whole


TOKEN = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
STREAMS = {
    "text": [
        chunk(delta(role="assistant", content=""), service_tier="default"),
        chunk(delta(content="Gu")),
        chunk(delta(content="ten Tag")),
        chunk(delta(ends="stop")),
        chunk(usage=USAGE, system_fingerprint="fp"),
    ],
    "calls": [
        chunk(delta(role="assistant", content=None, tool_calls=[begun(0, "look", "call_1")])),
        chunk(delta(tool_calls=[call(0, '{"at"')])),
        chunk(delta(tool_calls=[call(0, ": 1}"), begun(1, "hear", "call_2")])),
        chunk(delta(tool_calls=[call(1, "{}")])),
        chunk(delta(ends="tool_calls")),
    ],
    "two choices": [
        chunk(delta(0, role="assistant", content="a"), delta(1, role="assistant", content="x")),
        chunk(delta(1, content="y")),
        chunk(delta(0, content="b"), delta(1, ends="stop")),
        chunk(delta(0, ends="stop")),
    ],
    "a refusal": [
        chunk(delta(role="assistant", refusal="I can")),
        chunk(delta(refusal="not")),
        chunk(delta(ends="stop")),
    ],
    "probabilities": [
        chunk({**delta(role="assistant", content="a"), "logprobs": {"content": [TOKEN]}}),
        chunk({**delta(content="a"), "logprobs": {"content": [TOKEN]}}),
        chunk(delta(ends="stop")),
    ],
}


@pytest.mark.parametrize("chunks", STREAMS.values(), ids=STREAMS)
def test_chunks_become_what_the_official_client_makes_of_them(chunks: list[dict[str, Any]]) -> None:
    official: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for one in chunks:
        official.handle_chunk(ChatCompletionChunk.model_validate(one))
    expected = official.get_final_completion().model_dump(exclude_none=True, warnings=False)
    for choice in expected["choices"]:
        for made in choice["message"].get("tool_calls", ()):
            made.pop("index", None)
            made["function"].pop("parsed_arguments", None)
        if not choice.get("logprobs"):
            choice.pop("logprobs", None)
        choice["message"].setdefault("content", None)
    ours = ChatCompletion.model_validate(gathered(*chunks)).model_dump(exclude_none=True)
    for choice in ours["choices"]:
        choice["message"].setdefault("content", None)
    assert ours == expected


def test_what_vendors_add_is_joined_as_well() -> None:
    whole = gathered(
        chunk(delta(role="assistant", reasoning_content="Let "), provider="here"),
        chunk(delta(role="assistant", reasoning_content="me see", reasoning_details=[{"n": 1}])),
        chunk(delta(content="42", reasoning_details=[{"n": 2}]), citations=["https://a.example"]),
    )
    (choice,) = whole["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "42",
        "reasoning_content": "Let me see",
        "reasoning_details": [{"n": 1}, {"n": 2}],
    }
    assert choice["finish_reason"] == "stop"
    assert (whole["provider"], whole["citations"]) == ("here", ["https://a.example"])


def test_calls_of_one_index_are_told_apart_by_their_ids() -> None:
    whole = gathered(
        chunk(delta(tool_calls=[begun(0, "look", "call_1")])),
        chunk(delta(tool_calls=[call(0, "{}", id="call_1", type="function")])),
        chunk(delta(tool_calls=[begun(0, "hear", "call_2")])),
        chunk(delta(tool_calls=[call(0, "[]", id="")])),
    )
    (choice,) = whole["choices"]
    assert [(c["id"], c["type"], c["function"]) for c in choice["message"]["tool_calls"]] == [
        ("call_1", "function", {"name": "look", "arguments": "{}"}),
        ("call_2", "function", {"name": "hear", "arguments": "[]"}),
    ]
    assert choice["finish_reason"] == "tool_calls"


def patient(endpoint: Endpoint, *others: Endpoint, client: MakeClient, **more: object) -> Any:
    """Return a client for which no answer may take more than half a second, unless it goes on."""
    limits = {"read_seconds": 0.5, "deadline_seconds": 0.5, "idle_seconds": 0.5}
    return client(endpoint, *others, **{"gather": True, **limits, **more})


SLOW = Reply("word " * 8, pace=0.15)


async def test_a_slow_model_may_take_its_time(endpoint: MakeEndpoint, client: MakeClient) -> None:
    async with (
        ScriptedGateway([SLOW]) as one,
        patient(endpoint("one", one), client=client) as gateway,
    ):
        answer = await gateway.openai().chat.completions.create(model="auto", messages=HELLO)
        (entry,) = gateway.ledger.entries
    assert answer.choices[0].message.content == "word " * 8
    assert answer.usage is not None
    assert one.asked[0].payload["stream"] is True
    assert (entry.input_tokens, entry.output_tokens) == one.counted == (1, 8)
    assert not entry.estimated


async def test_a_slow_model_may_take_its_time_with_a_client_that_blocks(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([SLOW]) as one,
        patient(endpoint("one", one), client=client) as gateway,
    ):
        ask = gateway.sync_openai().chat.completions.create
        answer = await asyncio.to_thread(ask, model="auto", messages=HELLO)
    assert answer.choices[0].message.content == "word " * 8


async def test_in_one_piece_the_same_model_is_too_slow(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(stall=1.2)]) as one,
        patient(endpoint("one", one), client=client, gather=False, attempts=1) as gateway,
    ):
        with pytest.raises(openai.APITimeoutError):
            await gateway.openai().chat.completions.create(model="auto", messages=HELLO)


async def test_a_callers_own_deadline_bounds_the_whole(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([SLOW]) as one,
        patient(endpoint("one", one), client=client, attempts=1) as gateway,
    ):
        with pytest.raises(openai.APITimeoutError):
            await gateway.openai().chat.completions.create(
                model="auto", messages=HELLO, extra_headers={"x-gw-deadline": "0.4"}
            )
        (entry,) = gateway.ledger.entries
    assert entry.estimated
    assert entry.output_tokens > 0


async def test_no_answer_takes_for_ever(endpoint: MakeEndpoint, client: MakeClient) -> None:
    async with (
        ScriptedGateway([SLOW]) as one,
        patient(endpoint("one", one), client=client, attempts=1, whole_seconds=0.6) as gateway,
    ):
        with pytest.raises(openai.APITimeoutError):
            await gateway.openai().chat.completions.create(model="auto", messages=HELLO)
        ask = gateway.sync_openai().chat.completions.create
        with pytest.raises(openai.APITimeoutError):
            await asyncio.to_thread(ask, model="auto", messages=HELLO)


def event(*choices: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk(*choices)).encode() + b"\n\n"


SILENT = Reply(events=(event(delta(content="half an answer ")), b""), pace=0.8)
CUT = Reply(WORDS, cut=True)
POISONED = Reply(events=(event(delta(content="half ")), b'data: {"error": {"message": "no"}}\n\n'))


PINGED = Reply(events=(event(delta(content="half ")), b": ping\n\n"), endless=True, pace=0.1)
BROKEN = {"silent": SILENT, "cut": CUT, "poisoned": POISONED, "only kept awake": PINGED}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_another_takes_over_at_any_point_and_what_was_written_is_counted(
    broken: Reply, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([broken, Reply(WORDS)]) as one,
        patient(endpoint("one", one, "a-key-1", "a-key-2"), client=client) as gateway,
    ):
        answer = await gateway.openai().chat.completions.create(
            model="auto", messages=HELLO, extra_headers={"x-gw-deadline": "9"}
        )
        first, second = gateway.ledger.entries
    assert (answer.choices[0].message.content or "").split() == WORDS.split()
    assert len(one.asked) == 2
    assert first.estimated
    assert first.output_tokens > 0
    assert (second.output_tokens, second.estimated) == (5, False)


async def test_who_does_not_stream_is_taken_at_his_word(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    body = json.dumps({"choices": [{"message": {"role": "assistant", "content": "whole"}}]})
    called_json = b"".join((event(delta(content="a")), event(delta(content="b", ends="stop"))))
    async with (
        ScriptedGateway([Reply(body=body.encode()), Reply(body=called_json)]) as one,
        patient(endpoint("one", one), client=client) as gateway,
    ):
        assert await gateway.complete("hello") == "whole"
        assert await gateway.complete("hello") == "ab"
    assert len(one.asked) == 2


async def test_who_refuses_to_stream_is_asked_in_one_piece_from_then_on(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    def strict(asked: Asked) -> Reply | str:
        if asked.payload.get("stream"):
            return Reply.failure(400, "Your organization must be verified to stream this model.")
        return WORDS

    async with (
        ScriptedGateway(strict) as one,
        patient(endpoint("one", one), client=client) as gateway,
    ):
        for _ in range(2):
            raw = gateway.openai().chat.completions.with_raw_response
            answer = await raw.create(model="auto", messages=HELLO)
            assert answer.headers["x-gw-attempts"] == "1"
            assert answer.parse().choices[0].message.content == WORDS
        assert [entry.output_tokens for entry in gateway.ledger.entries] == [5, 5]
    assert [asked.payload.get("stream", False) for asked in one.asked] == [True, False, False]


async def test_streams_and_what_is_no_chat_stay_as_they_are(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    vector = json.dumps({"data": [{"index": 0, "embedding": [0.5]}], "model": "small"}).encode()
    async with (
        ScriptedGateway([Reply(WORDS), Reply(body=vector)]) as one,
        patient(endpoint("one", one), client=client) as gateway,
    ):
        stream = await gateway.openai().chat.completions.create(
            model="auto", messages=HELLO, stream=True
        )
        assert len([piece async for piece in stream]) == 5
        await gateway.openai().embeddings.create(model="small", input="a")
    assert "stream" not in one.asked[1].payload


async def test_a_call_that_is_given_up_counts_what_was_written(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply("word " * 40, pace=0.05)]) as one,
        patient(endpoint("one", one), client=client) as gateway,
    ):
        ask = gateway.openai().chat.completions.create(model="auto", messages=HELLO)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask, 0.5)
        (entry,) = gateway.ledger.entries
    assert entry.estimated
    assert 0 < entry.output_tokens < wire.tokens("word " * 40)
