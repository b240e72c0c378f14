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
from pydantic import BaseModel, TypeAdapter, ValidationError

from gateway_client.dialects.anthropic import DIALECT, JSON_TOOL, MAX_TOKENS

types = pytest.importorskip("anthropic.types")
params = pytest.importorskip("anthropic.types.message_create_params")

MODEL = "claude-sonnet-5-5"
OLDER = "claude-sonnet-4-5-20250929"
OLDEST = "claude-opus-4-1"
OTHER = "glm-5"

WHOLE: TypeAdapter[Any] = TypeAdapter(params.MessageCreateParamsNonStreaming)
STREAMED: TypeAdapter[Any] = TypeAdapter(params.MessageCreateParamsStreaming)
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


def drained(value: Any) -> Any:
    """Read everything: the client's lists are checked only while they are read."""
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, dict):
        return {key: drained(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [drained(item) for item in value]
    return value


def hold_against_the_sdk(said: dict[str, Any]) -> None:
    """Refuse what Anthropic's client could not send: what it does not know, it leaves out."""
    adapter = STREAMED if said.get("stream") else WHOLE
    known = {key: value for key, value in said.items() if key not in SAMPLING}
    assert drained(adapter.validate_python(known)) == known


def sent(model: str = MODEL, **payload: Any) -> dict[str, Any]:
    """What Anthropic gets, which its own client could have sent."""
    asked = {"model": "auto", "messages": HELLO, **payload}
    before = json.dumps(asked)
    path, body = DIALECT.outgoing(asked, model)
    assert json.dumps(asked) == before
    assert path == "/messages"
    said: dict[str, Any] = json.loads(json.dumps(body))
    hold_against_the_sdk(said)
    roles = [message["role"] for message in said["messages"]]
    assert all(a != b for a, b in pairwise(roles))
    return said


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


def tool_use(id: str, name: str, **input: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": input}


def finish(reason: str = "end_turn", **more: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    told = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}}
    return [told, {"type": "message_stop"}]


def streamed(data: bytes) -> bytes:
    translator = DIALECT.stream(MODEL, include_usage=True)
    return translator.feed(data) + translator.end()


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


HELD: dict[str, Any] = {"model": MODEL, "max_tokens": 1, "messages": HELLO}


@pytest.mark.parametrize(
    "wrong",
    [
        {"surprise": 1},
        {"max_tokens": None},
        {"stream": "perhaps"},
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "odd": 1}]}]},
        {"tools": [{"name": "f", "input_schema": {"type": "object"}, "parameters": {}}]},
    ],
)
def test_the_check_itself_finds_what_is_wrong_deep_within(wrong: dict[str, Any]) -> None:
    hold_against_the_sdk(HELD)
    with pytest.raises((ValidationError, AssertionError)):
        hold_against_the_sdk({**HELD, **wrong})


def test_instructions_stand_apart_and_turns_of_one_side_are_joined() -> None:
    said = sent(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "a"},
            {"role": "user", "content": "b"},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "c"}]},
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


def test_a_result_may_hold_a_picture_or_nothing() -> None:
    picture = [{"type": "image_url", "image_url": {"url": PNG}}]
    for content, kinds in ((picture, ["image"]), ("", [])):
        (result,) = sent(messages=after_a_call(content))["messages"][-1]["content"]
        assert [block["type"] for block in result.get("content", [])] == kinds


def after_a_call(content: object) -> list[dict[str, Any]]:
    call = {"id": "c", "type": "function", "function": {"name": "now", "arguments": ""}}
    return [
        *HELLO,
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": content},
    ]


def test_a_strict_tool_has_a_closed_schema() -> None:
    function = {"name": "weather", "parameters": SCHEMA, "strict": True, "description": "tells"}
    (tool,) = sent(tools=[{"type": "function", "function": function}])["tools"]
    assert tool["strict"] is True
    assert tool["description"] == "tells"
    assert tool["input_schema"] == {**SCHEMA, "additionalProperties": False}
    open_ended = {"type": "object", "additionalProperties": True}
    function = {"name": "weather", "parameters": open_ended, "strict": True}
    (tool,) = sent(tools=[{"type": "function", "function": function}])["tools"]
    assert "strict" not in tool


def test_what_a_schema_cannot_say_goes_into_words() -> None:
    wanted = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 2, "description": "A name", "format": "email"},
            "tags": {"type": "array", "items": {"type": "string", "format": "x"}, "minItems": 3},
            "kind": {"oneOf": [{"const": "a"}, {"$ref": "#/$defs/Kind"}]},
        },
        "$defs": {"Kind": {"type": "object", "properties": {"n": {"minimum": 1}}}},
    }
    assert sent(response_format=form(wanted))["output_config"]["format"]["schema"] == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "description": "A name (minLength: 2)", "format": "email"},
            "tags": {
                "type": "array",
                "items": {"type": "string", "description": '(format: "x")'},
                "description": "(minItems: 3)",
            },
            "kind": {"anyOf": [{"const": "a"}, {"$ref": "#/$defs/Kind"}]},
        },
        "$defs": {
            "Kind": {
                "type": "object",
                "properties": {"n": {"description": "(minimum: 1)"}},
                "additionalProperties": False,
            }
        },
    }


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
        (MODEL, {"type": "object", "properties": {"more": {"type": "object"}}}),
        (MODEL, {"type": "object", "anyOf": [{"type": "object"}, {"type": "null"}]}),
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
    none = sent(model, response_format=form(wanted), tools=[TOOL], tool_choice="none")
    assert none["tool_choice"] == {"type": "tool", "name": JSON_TOOL}
    own = sent(model, response_format=form(wanted), tools=[TOOL], tool_choice="required")
    assert [tool["name"] for tool in own["tools"]] == ["weather"]


def test_limits_stops_and_the_stream() -> None:
    assert sent()["max_tokens"] == MAX_TOKENS
    assert sent(max_tokens=5)["max_tokens"] == 5
    said = sent(max_tokens=5, max_completion_tokens=6, stop="END", seed=1, stream=True)
    assert (said["max_tokens"], said["stop_sequences"], said["stream"]) == (6, ["END"], True)
    assert "seed" not in said
    assert sent(stop=["A", "B", ""])["stop_sequences"] == ["A", "B"]
    filed: dict[str, Any] = {
        "user": "u",
        "metadata": {"a": "b"},
        "store": True,
        "n": 1,
        "frequency_penalty": 1,
    }
    assert sent(**filed, stream=False, tool_choice="none") == sent()


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        (MODEL, {}),
        ("claude-next", {}),
        ("claude-opus-4-8", {}),
        ("claude-mythos-preview", {}),
        ("claude-opus-4-6", {"temperature": 1}),
        ("claude-3-5-haiku-20241022", {"temperature": 1}),
        ("claude-sonnet-4-20250514", {"temperature": 1}),
        (OLDER, {"temperature": 1}),
        (OTHER, {"temperature": 1, "top_p": 0.5}),
    ],
)
def test_temperature_is_for_those_that_take_it(model: str, kept: dict[str, Any]) -> None:
    said = sent(model, temperature=1.5, top_p=0.5)
    assert {key: said[key] for key in SAMPLING & set(said)} == kept
    assert ("top_p" in sent(model, top_p=0.5)) is bool(kept)


@pytest.mark.parametrize(
    ("model", "effort", "config", "thinking"),
    [
        (MODEL, None, None, None),
        (MODEL, "none", {"effort": "low"}, None),
        (MODEL, "xhigh", {"effort": "xhigh"}, {"type": "adaptive"}),
        ("claude-opus-4-6", "xhigh", {"effort": "high"}, {"type": "adaptive"}),
        (MODEL, "medium", {"effort": "medium"}, {"type": "adaptive"}),
        (OLDER, "minimal", None, None),
        (OTHER, "medium", None, {"type": "enabled", "budget_tokens": 4_096}),
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
    said = sent(model, reasoning_effort=effort, temperature=0.2)
    assert (said.get("output_config"), said.get("thinking")) == (config, thinking)
    assert ("temperature" in said) == (model == OLDER and thinking is None)
    assert "thinking" not in sent(
        model, reasoning_effort=effort, tools=[TOOL], tool_choice="required"
    )


def test_nobody_thinks_between_a_call_and_its_result_where_that_would_be_refused() -> None:
    turns = after_a_call("noon")
    assert "thinking" not in sent(OLDER, reasoning_effort="high", messages=turns, tools=[TOOL])
    newer = sent(reasoning_effort="high", messages=turns, tools=[TOOL])
    assert newer["thinking"] == {"type": "adaptive"}


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


# -- What is streamed


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=6))
def test_the_pieces_of_a_stream_are_the_whole_text(texts: list[str]) -> None:
    whole = answered(message(*({"type": "text", "text": text} for text in texts)))
    pieces = (event for n, text in enumerate(texts) for event in text_block(n, *text))
    out = streamed(events(begin(), *pieces, *finish()))
    assert written(out) == whole.choices[0].message.content == "".join(texts)
    assert finishes(out) == ["stop"]


@pytest.mark.parametrize(
    "last",
    [
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


def test_what_belongs_to_no_block_is_passed_over() -> None:
    stray = {"type": "input_json_delta", "partial_json": "{}"}
    odd = {"type": "content_block_delta", "index": 7, "delta": stray}
    assert written(streamed(events(begin(), *text_block(0, "whole"), odd, *finish()))) == "whole"


def test_a_message_that_stops_without_a_reason_is_not_finished() -> None:
    idle = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 1}}
    out = streamed(events(begin(), *text_block(0, "a"), idle, {"type": "message_stop"}))
    assert "[DONE]" not in told(out)
    assert finishes(out) == []
    assert streamed(b"") == b""
