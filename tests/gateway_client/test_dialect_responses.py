"""The Responses API both ways, held against the types of OpenAI's own SDK."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import BaseModel, TypeAdapter

from gateway_client.dialects.responses import DIALECT, LEAST_TOKENS

MODEL = "gpt-5.6"
SERVED = "gpt-5.6-2026-08-01"
PNG = "data:image/png;base64,iVBORw0KGgo="
HELLO = [{"role": "user", "content": "hello"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 2},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 17,
}
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
WHOLE: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsNonStreaming)
STREAMED: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsStreaming)


# -- What is asked


def sent(**payload: Any) -> dict[str, Any]:
    """What the API gets; the SDK's own request types know all of it."""
    path, body = DIALECT.outgoing({"model": "auto", "messages": HELLO, **payload}, MODEL)
    said = cast("dict[str, Any]", json.loads(json.dumps(body)))
    assert path == "/responses"
    assert (said["model"], said["store"]) == (MODEL, False)
    adapter = STREAMED if said.get("stream") else WHOLE
    assert drained(adapter.validate_python(said)) == said  # it leaves out what it does not know
    return said


def drained(value: Any) -> Any:
    """Read everything: the SDK's lists are checked only while they are read."""
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, dict):
        return {key: drained(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [drained(item) for item in value]
    return value


def items(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = sent(messages=list(messages))["input"]
    return said


def tool(name: str = "weather", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": SCHEMA, **more}}


def called(id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def input_text(text: str) -> dict[str, Any]:
    return {"type": "input_text", "text": text}


def test_a_plain_question_is_little_more_than_itself() -> None:
    message = {"type": "message", "role": "user", "content": [input_text("hello")]}
    assert sent() == {"model": MODEL, "input": [message], "store": False}


def test_messages_keep_their_order_and_the_system_its_place() -> None:
    said = items(
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One."},
        {"role": "assistant", "content": "1"},
        {"role": "developer", "content": [{"type": "text", "text": "In German."}]},
        {"role": "user", "content": "Two."},
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "user", "content": "Please."},
    )
    assert [(item["role"], item["content"]) for item in said] == [
        ("system", [input_text("Be brief.")]),
        ("user", [input_text("One.")]),
        ("assistant", "1"),
        ("system", [input_text("In German.")]),
        ("user", [input_text("Two.")]),
        ("assistant", "No."),
        ("user", [input_text("Please.")]),
    ]


def test_images_are_addresses_or_data() -> None:
    (message,) = items(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What?"},
                {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.jpg"}},
            ],
        }
    )
    assert message["content"] == [
        input_text("What?"),
        {"type": "input_image", "image_url": PNG, "detail": "low"},
        {"type": "input_image", "image_url": "https://example.org/a.jpg", "detail": "auto"},
    ]


def test_calls_and_what_tools_answered_are_items_of_their_own() -> None:
    calls = [called("call_1", "weather", '{"city": "東京"}'), called("call_2", "now", "")]
    image = {"type": "image_url", "image_url": {"url": PNG}}
    said = items(
        *HELLO,
        {"role": "assistant", "content": "I look.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_1", "content": "mild"},
        {"role": "tool", "tool_call_id": "call_2", "content": [image]},
        {"role": "assistant", "content": None, "tool_calls": calls[1:]},
        {"role": "tool", "tool_call_id": "call_2", "content": ""},
    )
    call = {"type": "function_call", "call_id": "call_2", "name": "now", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_2"}
    shown = {"type": "input_image", "image_url": PNG, "detail": "auto"}
    assert said[1:] == [
        {"type": "message", "role": "assistant", "content": "I look."},
        {**call, "call_id": "call_1", "name": "weather", "arguments": '{"city": "東京"}'},
        call,
        {"type": "function_call_output", "call_id": "call_1", "output": "mild"},
        {**output, "output": [shown]},
        call,
        {**output, "output": ""},
    ]


def test_tools_are_flat_and_strict_only_if_asked() -> None:
    bare = {"type": "function", "function": {"name": "now"}}
    said = sent(tools=[tool(description="tells it", strict=True), bare])
    assert said["tools"] == [
        {
            "type": "function",
            "name": "weather",
            "description": "tells it",
            "parameters": SCHEMA,
            "strict": True,
        },
        {
            "type": "function",
            "name": "now",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        },
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, "auto"),
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        (
            {"type": "function", "function": {"name": "weather"}},
            {"type": "function", "name": "weather"},
        ),
    ],
)
def test_a_tool_is_chosen_in_the_apis_words(choice: object, expected: object) -> None:
    assert sent(tools=[tool()], tool_choice=choice)["tool_choice"] == expected


def test_no_tools_leave_no_choice() -> None:
    assert "tool_choice" not in sent(tool_choice="auto")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            {"name": "place", "description": "Where.", "schema": SCHEMA, "strict": True},
            {
                "type": "json_schema",
                "name": "place",
                "description": "Where.",
                "schema": SCHEMA,
                "strict": True,
            },
        ),
        (
            {"schema": SCHEMA},
            {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": False},
        ),
    ],
)
def test_a_schema_is_flat_too(form: dict[str, Any], expected: dict[str, Any]) -> None:
    said = sent(response_format={"type": "json_schema", "json_schema": form}, verbosity="low")
    assert said["text"] == {"format": expected, "verbosity": "low"}


def test_json_without_a_schema_and_plain_text() -> None:
    assert sent(response_format={"type": "json_object"})["text"] == {
        "format": {"type": "json_object"}
    }
    assert "text" not in sent(response_format={"type": "text"})


def test_limits_and_effort_have_other_names() -> None:
    said = sent(max_tokens=500, reasoning_effort="high")
    assert (said["max_output_tokens"], said["reasoning"]) == (500, {"effort": "high"})
    assert sent(max_completion_tokens=300, max_tokens=500)["max_output_tokens"] == 300
    assert sent(max_tokens=1)["max_output_tokens"] == LEAST_TOKENS


def test_what_has_the_same_name_is_passed_even_if_it_is_zero() -> None:
    same = {
        "temperature": 0,
        "top_p": 0.5,
        "parallel_tool_calls": False,
        "metadata": {"a": "b"},
        "user": "u",
        "service_tier": "flex",
    }
    said = sent(**same)
    assert {name: said[name] for name in same} == same


def test_what_has_no_equivalent_is_dropped() -> None:
    dropped = {
        "seed": 1,
        "logit_bias": {"1": 1},
        "frequency_penalty": 0.5,
        "presence_penalty": 0.5,
        "stream_options": {"include_usage": True},
        "n": 1,
        "stop": [],
        "top_p": None,
    }
    assert sent(**dropped) == sent()
    assert sent(stream=True, **dropped) == {**sent(), "stream": True}


# -- What is answered


def response(*output: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    """An answer that OpenAI's own SDK can read."""
    whole = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_790_000_000,
        "model": SERVED,
        "status": status,
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": USAGE,
        **more,
    }
    Response.model_validate(whole)
    return whole


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": list(parts),
    }


def text(said: str) -> dict[str, Any]:
    return {"type": "output_text", "text": said, "annotations": []}


def call(id: str, name: str, arguments: str) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": f"fc_{id}",
        "call_id": id,
        "name": name,
        "arguments": arguments,
        "status": "completed",
    }


REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "thoughts"}],
}
WEATHER = call("call_1", "weather", '{"city": "Köln"}')
CLOCK = call("call_2", "clock", "{}")


def incomplete(reason: str | None) -> dict[str, Any]:
    return {"status": "incomplete", "incomplete_details": reason and {"reason": reason}}


def answered(answer: dict[str, Any]) -> ChatCompletion:
    said = DIALECT.answer(json.dumps(answer).encode(), MODEL)
    return ChatCompletion.model_validate_json(said, strict=True)


def test_texts_are_joined_and_thoughts_left_out() -> None:
    answer = answered(response(REASONING, message(text("Hé"), text("llo")), message(text("!"))))
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == ("Héllo!", "stop")
    assert (answer.id, answer.model) == ("resp_1", SERVED)
    assert answered(response(usage=None)).usage is None


@pytest.mark.parametrize(
    ("reason", "finish"), [("max_output_tokens", "length"), ("content_filter", "content_filter")]
)
def test_an_incomplete_answer_says_why(reason: str, finish: str) -> None:
    for output in ((), (message(text("It go")),), (WEATHER,)):
        assert answered(response(*output, **incomplete(reason))).choices[0].finish_reason == finish


def failed(code: str = "server_error") -> dict[str, Any]:
    return response(status="failed", error={"code": code, "message": "It broke."}, usage=None)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(response(status="cancelled")),
        json.dumps(response(**incomplete(None))),
        json.dumps({"id": "resp_1", "status": "completed"}),
        json.dumps({"id": "resp_1", "status": "completed", "output": None}),
        json.dumps({"id": "resp_1", "output": []}),
        json.dumps({"status": "completed", "output": [{"type": "function_call"}]}),
    ],
)
def test_what_is_no_answer_is_none(body: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        DIALECT.answer(body.encode(), MODEL)


# -- What is streamed


def events(*said: dict[str, Any], end: str = "\n\n") -> bytes:
    """The bytes of a stream; OpenAI's own SDK knows every event that claims to be one."""
    numbered = [{"sequence_number": number, **event} for number, event in enumerate(said)]
    for event in numbered:
        if event["type"] != "response.surprise":
            EVENT.validate_python(event)
    line = end[: len(end) // 2]
    return "".join(
        f"event: {event['type']}{line}data: {json.dumps(event)}{end}" for event in numbered
    ).encode()


def created() -> dict[str, Any]:
    return {"type": "response.created", "response": response(status="in_progress", usage=None)}


def ended(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    whole = response(*output, **more)
    return {"type": f"response.{whole['status']}", "response": whole}


def delta(kind: str, said: str, index: int) -> dict[str, Any]:
    event = {"type": f"response.{kind}.delta", "item_id": "x", "output_index": index, "delta": said}
    if kind == "function_call_arguments":
        return event
    return {**event, "content_index": 0, **({"logprobs": []} if kind == "output_text" else {})}


def added(item: dict[str, Any], index: int, word: str = "added") -> dict[str, Any]:
    return {"type": f"response.output_item.{word}", "output_index": index, "item": item}


def item_events(item: dict[str, Any], index: int, size: int = 4) -> list[dict[str, Any]]:
    """What the API streams for one item of the output, in pieces."""
    if item["type"] == "function_call":
        start, kind, said = {**item, "arguments": ""}, "function_call_arguments", item["arguments"]
    else:
        start, kind, said = {**item, "content": []}, "output_text", item["content"][0]["text"]
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    deltas = [delta(kind, piece, index) for piece in pieces]
    return [added(start, index), *deltas, added(item, index, "done")]


def stream_of(*output: dict[str, Any], size: int = 4, end: str = "\n\n", **more: Any) -> bytes:
    inner = [event for at, item in enumerate(output) for event in item_events(item, at, size)]
    return events(created(), *inner, ended(*output, **more), end=end)


def streamed(data: bytes) -> bytes:
    translator = DIALECT.stream(MODEL, include_usage=True)
    return translator.feed(data) + translator.end()


def told(out: bytes) -> list[Any]:
    """The data of our events, with the time taken out."""
    lines = [line[6:] for line in out.decode().split("\n\n") if line]
    said = [line if line == "[DONE]" else json.loads(line) for line in lines]
    return [{**one, "created": 0} if isinstance(one, dict) else one for one in said]


def chunks(out: bytes) -> list[ChatCompletionChunk]:
    said = [one for one in told(out) if one != "[DONE]" and "error" not in one]
    return [ChatCompletionChunk.model_validate(one, strict=True) for one in said]


def gathered(out: bytes) -> dict[str, Any]:
    """What the pieces say together."""
    found: dict[str, Any] = {"text": "", "calls": {}, "ends": []}
    for choice in (choice for chunk in chunks(out) for choice in chunk.choices):
        found["text"] += choice.delta.content or ""
        found["ends"] += [choice.finish_reason] if choice.finish_reason else []
        for piece in choice.delta.tool_calls or []:
            known = found["calls"].setdefault(piece.index, [piece.id, "", ""])
            assert piece.function
            known[1] += piece.function.name or ""
            known[2] += piece.function.arguments or ""
    return found


def essence(answer: ChatCompletion) -> dict[str, Any]:
    (choice,) = answer.choices
    calls = [found for found in choice.message.tool_calls or [] if found.type == "function"]
    return {
        "text": choice.message.content or "",
        "calls": {
            at: [found.id, found.function.name, found.function.arguments]
            for at, found in enumerate(calls)
        },
        "ends": [choice.finish_reason],
    }


def test_a_call_is_whole_even_if_only_its_end_says_it() -> None:
    bare = {**WEATHER, "arguments": ""}
    for start in ([added(bare, 0)], [added(WEATHER, 0)], []):
        out = streamed(events(created(), *start, added(WEATHER, 0, "done"), ended(WEATHER)))
        assert gathered(out) == essence(answered(response(WEATHER)))


def test_calls_may_be_streamed_at_the_same_time() -> None:
    first, second = item_events(WEATHER, 0), item_events({**CLOCK, "arguments": '{"a": 12}'}, 1)
    mixed = [event for pair in zip(first, second, strict=False) for event in pair]
    out = streamed(events(created(), *mixed, *first[len(second) :], ended(WEATHER, CLOCK)))
    assert gathered(out)["calls"][0][2] == WEATHER["arguments"]
    assert gathered(out)["calls"][1] == ["call_2", "clock", '{"a": 12}']


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.integers(1, 9),
    st.sampled_from(["\n\n", "\r\n\r\n"]),
)
def test_the_pieces_of_any_text_are_the_text(said: str, size: int, end: str) -> None:
    out = streamed(stream_of(message(text(said)), size=size, end=end))
    assert (
        gathered(out)["text"] == answered(response(message(text(said)))).choices[0].message.content
    )
    assert gathered(out)["text"] == said


@pytest.mark.parametrize(
    "last",
    [
        {"type": "response.failed", "response": {}},
        {"type": "error"},
        {"type": "response.completed"},
        {"type": "response.completed", "response": failed()},
        {"type": "response.incomplete", "response": response(**incomplete(None))},
        added({"type": "function_call"}, 0),
        "{",
        "[]",
    ],
)
def test_after_an_error_nothing_is_made_up(last: object) -> None:
    start = events(created(), delta("output_text", "a", 0))
    after = events(delta("output_text", "b", 0), ended(message(text("ab"))))
    broken = last if isinstance(last, str) else json.dumps(last)
    out = streamed(start + f"data: {broken}\n\n".encode() + after)
    *before, error = told(out)
    assert error["error"]["message"]
    assert all(chunk != "[DONE]" and "error" not in chunk for chunk in before)
    assert (gathered(out)["text"], gathered(out)["ends"]) == ("a", [])
