"""Claude's protocol both ways, held against the types of Anthropic's own client."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter, ValidationError

from gateway_client import Config, Endpoint, GatewayClient, Key, RequestRefused
from gateway_client.catalog import TIERS
from gateway_client.dialects.anthropic import DIALECT, JSON_TOOL, MAX_TOKENS
from gateway_client.testing import Asked, Reply, ScriptedGateway

types = pytest.importorskip("anthropic.types")
params = pytest.importorskip("anthropic.types.message_create_params")

MODEL = "claude-sonnet-5-5"
OLDER = "claude-sonnet-4-5-20250929"
OLDEST = "claude-opus-4-1"
OTHER = "glm-5"

REQUEST: TypeAdapter[Any] = TypeAdapter(params.MessageCreateParamsNonStreaming)
KNOWN = {*params.MessageCreateParamsBase.__annotations__, "stream"}
SAMPLING = {"temperature", "top_p"}
"""Older models take these; the client's types no longer name them."""

EVENT: TypeAdapter[Any] = TypeAdapter(types.RawMessageStreamEvent)
USAGE = {
    "input_tokens": 4,
    "cache_read_input_tokens": 5,
    "cache_creation_input_tokens": 1,
    "output_tokens": 7,
    "output_tokens_details": {"thinking_tokens": 3},
}
HELLO = [{"role": "user", "content": "hello"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
PNG = "data:image/png;base64,iVBORw0KGgo="


def read_through(value: Any) -> None:
    """Look at everything in it: pydantic only checks what is in an Iterable when it is read."""
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            read_through(item)


def sent(model: str = MODEL, **payload: Any) -> dict[str, Any]:
    """What Anthropic gets, which its own client could have sent."""
    path, body = DIALECT.outgoing({"model": "auto", "messages": HELLO, **payload}, model)
    assert path == "/messages"
    said: dict[str, Any] = json.loads(json.dumps(body))
    read_through(REQUEST.validate_python({k: v for k, v in said.items() if k != "stream"}))
    assert set(said) <= KNOWN | SAMPLING
    roles = [message["role"] for message in said["messages"]]
    assert all(a != b for a, b in pairwise(roles))
    return said


def refused(model: str = MODEL, **payload: Any) -> str:
    with pytest.raises(RequestRefused) as caught:
        DIALECT.outgoing({"messages": HELLO, **payload}, model)
    return str(caught.value)


def form(schema: dict[str, Any] | None = None) -> dict[str, Any]:
    if schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}


def message(*content: dict[str, Any], reason: str | None = "end_turn", **more: Any) -> bytes:
    """A whole answer that Anthropic's own client can read."""
    said = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": list(content),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": USAGE,
        **more,
    }
    types.Message.model_validate(said)
    return json.dumps(said).encode()


def answered(body: bytes) -> ChatCompletion:
    return ChatCompletion.model_validate_json(DIALECT.answer(body, MODEL), strict=True)


def raw(*events: dict[str, Any], end: str = "\n\n") -> bytes:
    lines = (f"event: {e.get('type')}\ndata: {json.dumps(e)}{end}" for e in events)
    return "".join(lines).encode()


def events(*said: dict[str, Any]) -> bytes:
    """Events that Anthropic's own client can read."""
    for event in said:
        EVENT.validate_python(event)
    return raw(*said)


def begin() -> dict[str, Any]:
    return {"type": "message_start", "message": json.loads(message(reason=None))}


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    head = {"type": "content_block_start", "index": index, "content_block": content}
    body = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [head, *body, {"type": "content_block_stop", "index": index}]


def text_block(index: int, *texts: str) -> list[dict[str, Any]]:
    deltas = [{"type": "text_delta", "text": text} for text in texts]
    return block(index, {"type": "text", "text": ""}, *deltas)


def call_block(index: int, name: str, *inputs: str) -> list[dict[str, Any]]:
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in inputs]
    return block(index, tool_use(f"toolu_{index}", name), *deltas)


def tool_use(id: str, name: str, **input: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": input}


def finish(reason: str = "end_turn", **more: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    told = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}}
    return [told, {"type": "message_stop"}]


def streamed(data: bytes, *cuts: int, include_usage: bool = True) -> bytes:
    translator = DIALECT.stream(MODEL, include_usage=include_usage)
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    out = [translator.feed(data[a:b]) for a, b in pairwise(edges)]
    return b"".join([*out, translator.end()])


def told(out: bytes) -> list[Any]:
    """The payloads of a stream, without the times, which are those of the clock."""
    blocks = [block.removeprefix("data: ") for block in out.decode().split("\n\n") if block]
    return [block if block == "[DONE]" else {**json.loads(block), "created": 0} for block in blocks]


def chunks(out: bytes) -> list[ChatCompletionChunk]:
    return [
        ChatCompletionChunk.model_validate(one, strict=True) for one in told(out) if one != "[DONE]"
    ]


def written(out: bytes) -> str:
    deltas = [choice.delta for chunk in chunks(out) for choice in chunk.choices]
    return "".join(delta.content or "" for delta in deltas)


def finishes(out: bytes) -> list[str]:
    reasons = [choice.finish_reason for chunk in chunks(out) for choice in chunk.choices]
    return [reason for reason in reasons if reason]


# -- What is asked


def test_the_check_itself_finds_what_is_wrong_deep_within() -> None:
    bad = {"role": "user", "content": [{"type": "text"}]}
    with pytest.raises(ValidationError):
        read_through(REQUEST.validate_python({"model": MODEL, "max_tokens": 1, "messages": [bad]}))


def test_the_key_and_the_version_are_in_anthropics_headers() -> None:
    version = {"anthropic-version": "2023-06-01"}
    assert DIALECT.headers("s") == {**version, "x-api-key": "s"}
    assert DIALECT.headers(None) == version


def test_instructions_stand_apart_and_turns_of_one_side_are_joined() -> None:
    said = sent(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "a"},
            {"role": "user", "content": "b"},
            {"role": "assistant", "content": "c"},
            {"role": "developer", "content": [{"type": "text", "text": "In German."}]},
            {"role": "user", "content": "d"},
        ]
    )
    assert said["system"] == "Be brief.\n\nIn German."
    assert [(m["role"], [b["text"] for b in m["content"]]) for m in said["messages"]] == [
        ("user", ["a", "b"]),
        ("assistant", ["c"]),
        ("user", ["d"]),
    ]


def test_instructions_alone_are_a_users_words() -> None:
    said = sent(messages=[{"role": "system", "content": "Say something."}])
    assert "system" not in said
    assert said["messages"][0]["content"] == [{"type": "text", "text": "Say something."}]


@pytest.mark.parametrize(
    ("url", "source"),
    [
        (PNG, {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}),
        (
            "data:image/jpg;base64,/9j/",
            {"type": "base64", "media_type": "image/jpeg", "data": "/9j/"},
        ),
        ("https://example.org/a.gif", {"type": "url", "url": "https://example.org/a.gif"}),
    ],
)
def test_images_go_in_as_data_or_address(url: str, source: dict[str, str]) -> None:
    look = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    said = sent(messages=[{"role": "user", "content": look}])
    assert said["messages"][0]["content"][1] == {"type": "image", "source": source}


@pytest.mark.parametrize(
    "payload",
    [
        {"n": 2},
        {"stop": [" \n"]},
        {"messages": []},
        {"messages": [{"role": "user", "content": ""}]},
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "data:image/bmp;base64,Qk0="}}
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": "c",
                            "type": "function",
                            "function": {"name": "f", "arguments": "[1]"},
                        }
                    ],
                }
            ]
        },
    ],
)
def test_what_cannot_be_said_is_refused(payload: dict[str, Any]) -> None:
    assert refused(**payload)


def test_parallel_calls_and_their_results_stand_together() -> None:
    calls = [
        {"id": f"call.{n}", "type": "function", "function": {"name": "weather", "arguments": given}}
        for n, given in enumerate(['{"city": "Köln"}', ""])
    ]
    said = sent(
        messages=[
            *HELLO,
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call.0", "content": "mild"},
            {"role": "tool", "tool_call_id": "call.1", "content": ""},
            {"role": "user", "content": "so?"},
        ],
        tools=[TOOL],
    )
    _, asked, results = said["messages"]
    assert asked["content"] == [
        tool_use("call_0", "weather", city="Köln"),
        tool_use("call_1", "weather"),
    ]
    assert [piece.get("tool_use_id") for piece in results["content"]] == ["call_0", "call_1", None]
    assert results["content"][0]["content"] == [{"type": "text", "text": "mild"}]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (None, {"type": "auto"}),
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        (
            {"type": "function", "function": {"name": "weather"}},
            {"type": "tool", "name": "weather"},
        ),
    ],
)
def test_the_choice_of_tools(choice: object, said: dict[str, Any]) -> None:
    assert sent(tools=[TOOL], tool_choice=choice)["tool_choice"] == said
    alone = sent(tools=[TOOL], tool_choice=choice, parallel_tool_calls=False)["tool_choice"]
    kept = {} if choice == "none" else {"disable_parallel_tool_use": True}
    assert alone == {**said, **kept}


def test_a_strict_tool_has_a_closed_schema() -> None:
    function = {"name": "weather", "parameters": SCHEMA, "strict": True, "description": "tells"}
    (tool,) = sent(tools=[{"type": "function", "function": function}])["tools"]
    assert tool["strict"] is True
    assert tool["description"] == "tells"
    assert tool["input_schema"] == {**SCHEMA, "additionalProperties": False}


def test_json_is_asked_for_natively_where_the_schema_can_be_said() -> None:
    said = sent(response_format=form(SCHEMA), reasoning_effort="low", tools=[TOOL])
    closed = {**SCHEMA, "additionalProperties": False}
    assert said["output_config"]["format"] == {"type": "json_schema", "schema": closed}
    assert said["output_config"]["effort"] == "low"
    assert [tool["name"] for tool in said["tools"]] == ["weather"]


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        (MODEL, None),
        (MODEL, {"type": "object", "additionalProperties": {"type": "integer"}}),
        (OLDEST, SCHEMA),
        (OTHER, SCHEMA),
    ],
)
def test_other_json_is_the_input_of_a_tool(model: str, wanted: dict[str, Any] | None) -> None:
    said = sent(model, response_format=form(wanted))
    assert said["tool_choice"] == {"type": "tool", "name": JSON_TOOL}
    assert said["tools"][0]["input_schema"] == (wanted or {"type": "object"})
    assert "output_config" not in said
    both = sent(model, response_format=form(wanted), tools=[TOOL])
    assert both["tool_choice"] == {"type": "any"}
    assert [tool["name"] for tool in both["tools"]] == ["weather", JSON_TOOL]
    own = sent(model, response_format=form(wanted), tools=[TOOL], tool_choice="required")
    assert [tool["name"] for tool in own["tools"]] == ["weather"]


def test_limits_stops_and_the_stream() -> None:
    assert sent()["max_tokens"] == MAX_TOKENS
    assert sent(max_tokens=5)["max_tokens"] == 5
    said = sent(max_tokens=5, max_completion_tokens=6, stop="END", seed=1, stream=True)
    assert (said["max_tokens"], said["stop_sequences"], said["stream"]) == (6, ["END"], True)
    assert "seed" not in said


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        (MODEL, {}),
        ("claude-next", {}),
        (OLDER, {"temperature": 1}),
        (OTHER, {"temperature": 1, "top_p": 0.5}),
    ],
)
def test_temperature_is_for_those_that_take_it(model: str, kept: dict[str, Any]) -> None:
    said = sent(model, temperature=1.5, top_p=0.5)
    assert {key: said[key] for key in SAMPLING & set(said)} == kept


@pytest.mark.parametrize(
    ("model", "effort", "config", "thinking"),
    [
        (MODEL, None, None, None),
        (MODEL, "none", {"effort": "low"}, None),
        (MODEL, "xhigh", {"effort": "xhigh"}, {"type": "adaptive"}),
        ("claude-opus-4-6", "xhigh", {"effort": "high"}, {"type": "adaptive"}),
        (OLDER, "minimal", None, None),
        (OLDER, "low", None, {"type": "enabled", "budget_tokens": 2_048}),
        (OLDER, "high", None, {"type": "enabled", "budget_tokens": 8_192}),
    ],
)
def test_effort_is_a_level_or_a_budget_by_model(
    model: str,
    effort: str | None,
    config: dict[str, Any] | None,
    thinking: dict[str, Any] | None,
) -> None:
    said = sent(model, reasoning_effort=effort)
    assert (said.get("output_config"), said.get("thinking")) == (config, thinking)
    assert "thinking" not in sent(
        model, reasoning_effort=effort, tools=[TOOL], tool_choice="required"
    )


@given(st.integers(1, 40_000), st.sampled_from(["low", "medium", "high"]))
def test_a_budget_leaves_room_for_the_answer(limit: int, effort: str) -> None:
    said = sent(OLDER, max_tokens=limit, reasoning_effort=effort)
    if "thinking" in said:
        assert 1_024 <= said["thinking"]["budget_tokens"] < said["max_tokens"]


# -- What is answered


def test_an_answer_is_its_texts_and_calls_without_the_thoughts() -> None:
    thought = {"type": "thinking", "thinking": "hmm", "signature": "c2ln"}
    hidden = {"type": "redacted_thinking", "data": "xx"}
    said = {"type": "text", "text": "Let me look.", "citations": None}
    body = message(thought, hidden, said, tool_use("toolu_1", "weather", city="Köln"))
    answer = answered(body.replace(b'"end_turn"', b'"tool_use"'))
    (choice,) = answer.choices
    assert choice.message.content == "Let me look."
    (call,) = choice.message.tool_calls or []
    assert call.type == "function"
    assert (call.id, call.function.name) == ("toolu_1", "weather")
    assert json.loads(call.function.arguments) == {"city": "Köln"}
    assert (choice.finish_reason, answer.id, answer.model) == ("tool_calls", "msg_1", MODEL)


def test_what_was_read_from_the_cache_counts_as_given() -> None:
    usage = answered(message({"type": "text", "text": "a"})).usage
    assert usage
    assert usage.prompt_tokens_details
    assert usage.completion_tokens_details
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (10, 7, 17)
    assert usage.prompt_tokens_details.cached_tokens == 5
    assert usage.completion_tokens_details.reasoning_tokens == 3


def test_the_input_of_the_json_tool_is_the_content() -> None:
    answer = answered(message(tool_use("toolu_1", JSON_TOOL, city="Köln"), reason="tool_use"))
    (choice,) = answer.choices
    assert json.loads(choice.message.content or "") == {"city": "Köln"}
    assert (choice.message.tool_calls, choice.finish_reason) == (None, "stop")


REASONS = [
    ("end_turn", "stop"),
    ("stop_sequence", "stop"),
    ("max_tokens", "length"),
    ("model_context_window_exceeded", "length"),
    ("refusal", "content_filter"),
]


@pytest.mark.parametrize(("reason", "end"), REASONS)
def test_how_an_answer_ended(reason: str, end: str) -> None:
    whole = answered(message({"type": "text", "text": "a"}, reason=reason))
    assert whole.choices[0].finish_reason == end
    assert finishes(streamed(events(begin(), *text_block(0, "a"), *finish(reason)))) == [end]


def test_a_refusal_says_why() -> None:
    why = {"type": "refusal", "category": None, "explanation": "Harm."}
    (choice,) = answered(message(reason="refusal", stop_details=why)).choices
    assert choice.message.refusal == "Harm."
    out = streamed(events(begin(), *finish("refusal", stop_details=why)))
    assert [c.choices[0].delta.refusal for c in chunks(out) if c.choices][-1] == "Harm."


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        b'{"type": "message"',
        b'{"type": "message", "content": []}',
        b'{"type": "message", "content": [], "stop_reason": "bored"}',
        b'{"type": "message", "content": [{"type": "tool_use"}], "stop_reason": "tool_use"}',
        b'{"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}',
    ],
)
def test_what_is_no_answer_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        DIALECT.answer(body, MODEL)


def failure(kind: str, text: str) -> dict[str, Any]:
    said = {"type": "error", "error": {"type": kind, "message": text}, "request_id": None}
    types.ErrorResponse.model_validate(said)
    return said


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("authentication_error", "invalid x-api-key", "invalid_api_key"),
        ("rate_limit_error", "slow down", "rate_limit_exceeded"),
        ("not_found_error", "model: claude-9", "model_not_found"),
        ("not_found_error", "Not found", None),
        ("invalid_request_error", "Your credit balance is too low", "insufficient_quota"),
        ("overloaded_error", "Overloaded", None),
    ],
)
def test_errors_are_in_openais_words(kind: str, text: str, code: str | None) -> None:
    body = json.dumps(failure(kind, text)).encode()
    error = json.loads(DIALECT.error(400, body))["error"]
    assert (error["message"], error["type"], error["code"]) == (text, kind, code)


@pytest.mark.parametrize("body", [b"", b"<html>bad gateway", b"[]", b'{"error": "x"}', b"\xff"])
def test_an_error_without_a_form_still_says_something(body: bytes) -> None:
    assert json.loads(DIALECT.error(502, body))["error"]["message"]


# -- What is streamed

THINKING = block(
    0,
    {"type": "thinking", "thinking": "", "signature": ""},
    {"type": "thinking_delta", "thinking": "hmm"},
    {"type": "signature_delta", "signature": "c2ln"},
)
CONTENT = [
    *THINKING,
    *text_block(1, "Hé", "llo 🗼"),
    *call_block(2, "weather", "", '{"city": "K', 'öln"}'),
    *call_block(3, "clock", ""),
]
PING = raw({"type": "ping"}, {"type": "surprise", "delta": 1})
STREAM = events(begin()) + PING + events(*CONTENT, *finish("tool_use"))


def test_a_stream_is_text_calls_reason_usage_and_end() -> None:
    out = streamed(STREAM)
    read = chunks(out)
    assert read[0].choices[0].delta.role == "assistant"
    assert written(out) == "Héllo 🗼"
    calls = [call for c in read for o in c.choices for call in o.delta.tool_calls or []]
    heads = [(c.index, c.id, c.function.name) for c in calls if c.id and c.function]
    assert heads == [(0, "toolu_2", "weather"), (1, "toolu_3", "clock")]
    inputs = [
        "".join(c.function.arguments or "" for c in calls if c.index == n and c.function)
        for n in range(2)
    ]
    assert [json.loads(text) for text in inputs] == [{"city": "Köln"}, {}]
    assert finishes(out) == ["tool_calls"]
    assert {chunk.id for chunk in read} == {"msg_1"}
    usage = read[-1].usage
    assert usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (10, 9)
    assert told(out)[-1] == "[DONE]"


def test_usage_is_told_only_if_wanted() -> None:
    assert not any(chunk.usage for chunk in chunks(streamed(STREAM, include_usage=False)))


def test_the_input_of_the_json_tool_is_streamed_as_content() -> None:
    parts = call_block(0, JSON_TOOL, '{"city"', ': "Köln"}')
    out = streamed(events(begin(), *parts, *finish("tool_use")))
    assert json.loads(written(out)) == {"city": "Köln"}
    assert finishes(out) == ["stop"]


@given(st.lists(st.integers(1, len(STREAM)), max_size=12))
def test_a_stream_means_the_same_however_it_is_cut(cuts: list[int]) -> None:
    assert told(streamed(STREAM, *cuts)) == told(streamed(STREAM))


@given(st.binary(max_size=60), st.lists(st.integers(0, 800), max_size=5))
def test_nonsense_means_the_same_however_it_is_cut(noise: bytes, cuts: list[int]) -> None:
    data = events(begin(), *text_block(0, "a")) + b"data: " + noise + b"\n\n"
    assert told(streamed(data, *cuts)) == told(streamed(data))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=6))
def test_the_pieces_of_a_stream_are_the_whole_text(texts: list[str]) -> None:
    whole = answered(message(*({"type": "text", "text": text} for text in texts)))
    pieces = (event for n, text in enumerate(texts) for event in text_block(n, *text))
    out = streamed(events(begin(), *pieces, *finish()))
    assert written(out) == whole.choices[0].message.content == "".join(texts)
    assert finishes(out) == ["stop"]


@given(st.integers(0, len(STREAM) - len(events(*finish("tool_use")))))
def test_a_stream_that_was_cut_off_has_no_end(size: int) -> None:
    out = streamed(STREAM[:size])
    assert "[DONE]" not in told(out)
    assert finishes(out) == []


@pytest.mark.parametrize(
    "last",
    [
        json.dumps(failure("overloaded_error", "Overloaded")),
        '{"type": "error"}',
        '{"type": "content_block_del',
        "[]",
        '{"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use"}}',
        '{"type": "message_delta", "delta": {"stop_reason": "bored"}}',
    ],
)
def test_after_an_error_nothing_is_made_up(last: str) -> None:
    start = events(begin(), *text_block(0, "a"))
    after = events(*text_block(1, "b"), *finish())
    *before, error = told(streamed(start + f"data: {last}\n\n".encode() + after))
    assert error["error"]["message"]
    assert all("error" not in chunk and chunk != "[DONE]" for chunk in before)
    assert [chunk["choices"][0]["delta"].get("content") for chunk in before] == ["", "a"]


def test_a_message_that_stops_without_a_reason_is_not_finished() -> None:
    idle = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 1}}
    out = streamed(events(begin(), *text_block(0, "a"), idle, {"type": "message_stop"}))
    assert "[DONE]" not in told(out)
    assert finishes(out) == []
    assert streamed(b"") == b""


def test_text_may_come_with_its_block_and_nothing_belongs_to_unknown_blocks() -> None:
    stray = {"type": "input_json_delta", "partial_json": "{}"}
    odd = {"type": "content_block_delta", "index": 7, "delta": stray}
    start = block(0, {"type": "text", "text": "whole"})
    assert written(streamed(events(begin(), *start, odd, *finish()))) == "whole"


# -- From end to end


def claude(asked: Asked) -> Reply:
    """Answer as Claude does, and only what Claude understands."""
    read_through(REQUEST.validate_python({k: v for k, v in asked.payload.items() if k != "stream"}))
    if asked.headers.get("x-api-key") != "secret" or not asked.path.endswith("/v1/messages"):
        body = json.dumps(failure("authentication_error", "invalid x-api-key")).encode()
        return Reply(status=401, body=body)
    if asked.payload.get("stream"):
        return Reply(events=(STREAM[:100], STREAM[100:]))
    return Reply(body=message({"type": "text", "text": "hi back"}))


async def test_a_client_gets_whole_and_streamed_answers_of_claude() -> None:
    async with ScriptedGateway(claude) as gateway:
        key = Key("anthropic#1", "A_VARIABLE", "secret")
        endpoint = Endpoint("anthropic", gateway.base_url, (key,), dialect="anthropic")
        config = Config((endpoint,), tiers=dict.fromkeys(TIERS, (MODEL,)))
        async with GatewayClient(config) as client:
            assert str(await client.complete("hi")) == "hi back"
            pieces = [piece async for piece in client.chat_model(stream_usage=True).astream("hi")]
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    assert whole.text == "Héllo 🗼"
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [
        ("weather", {"city": "Köln"}),
        ("clock", {}),
    ]
    assert whole.usage_metadata
    assert (whole.usage_metadata["input_tokens"], whole.usage_metadata["output_tokens"]) == (10, 9)
