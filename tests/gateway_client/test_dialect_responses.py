"""The Responses API both ways, held against the types of OpenAI's own SDK."""

from __future__ import annotations

import json
from itertools import pairwise
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
from pydantic import TypeAdapter

from gateway_client import Config, Endpoint, GatewayClient, Key, RequestRefused
from gateway_client.catalog import TIERS
from gateway_client.dialects.responses import DIALECT, LEAST_TOKENS
from gateway_client.testing import Asked, Reply, ScriptedGateway

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
KNOWN = set(ResponseCreateParamsStreaming.__annotations__)


# -- What is asked


def sent(**payload: Any) -> dict[str, Any]:
    """What the API gets; the SDK's own request types know all of it."""
    path, body = DIALECT.outgoing({"model": "auto", "messages": HELLO, **payload}, MODEL)
    said = cast("dict[str, Any]", json.loads(json.dumps(body)))
    assert path == "/responses"
    assert (said["model"], said["store"]) == (MODEL, False)
    assert set(said) <= KNOWN
    known = (STREAMED if payload.get("stream") else WHOLE).validate_python(said)
    assert list(known.get("tools", [])) == said.get("tools", [])  # which are read only now
    return said


def items(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = sent(messages=list(messages))["input"]
    return said


def refused(**payload: Any) -> str:
    with pytest.raises(RequestRefused) as caught:
        DIALECT.outgoing({"messages": HELLO, **payload}, MODEL)
    return str(caught.value)


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


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"stop": ["x"]}, "stop"),
        ({"stop": "x"}, "stop"),
        ({"n": 2}, "n cannot"),
        ({"logprobs": True}, "logprobs"),
        ({"messages": []}, "empty"),
        ({"messages": [{"role": "user", "content": "  "}]}, "no content"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "not a function"),
    ],
)
def test_what_cannot_be_said_is_refused(payload: dict[str, Any], reason: str) -> None:
    assert reason in refused(**payload)


def test_the_key_is_a_bearers() -> None:
    assert DIALECT.headers("secret") == {"authorization": "Bearer secret"}
    assert DIALECT.headers(None) == {}


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
REFUSAL = {"type": "refusal", "refusal": "I must not."}
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


def test_all_tokens_are_told() -> None:
    usage = answered(response(message(text("a")))).usage
    assert usage
    assert usage.prompt_tokens_details
    assert usage.completion_tokens_details
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (10, 7, 17)
    assert usage.prompt_tokens_details.cached_tokens == 6
    assert usage.completion_tokens_details.reasoning_tokens == 3
    assert answered(response(message(text("a")), usage=None)).usage is None


def test_calls_have_the_ids_that_their_answers_need() -> None:
    (choice,) = answered(response(REASONING, message(text("I look.")), WEATHER, CLOCK)).choices
    calls = [found for found in choice.message.tool_calls or [] if found.type == "function"]
    assert [(found.id, found.function.name, found.function.arguments) for found in calls] == [
        ("call_1", "weather", '{"city": "Köln"}'),
        ("call_2", "clock", "{}"),
    ]
    assert (choice.message.content, choice.finish_reason) == ("I look.", "tool_calls")
    assert answered(response(CLOCK)).choices[0].message.content is None


def test_a_refusal_is_one() -> None:
    (choice,) = answered(response(message(REFUSAL))).choices
    assert (choice.message.refusal, choice.message.content) == ("I must not.", None)
    assert choice.finish_reason == "stop"


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
        json.dumps(failed()),
        json.dumps(response(status="in_progress")),
        json.dumps(response(status="cancelled")),
        json.dumps(response(**incomplete(None))),
        json.dumps({"id": "resp_1", "status": "completed"}),
        json.dumps({"id": "resp_1", "status": "completed", "output": None}),
        json.dumps({"id": "resp_1", "output": []}),
        json.dumps({"status": "completed", "output": [{"type": "function_call"}]}),
        json.dumps(response(message(text("a"))))[:-20],
        "",
        "[]",
        "null",
        "<html>",
    ],
)
def test_what_is_no_answer_is_none(body: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        DIALECT.answer(body.encode(), MODEL)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "content", "text", "refusal", "call_id", "name", "usage"]),
                inner | st.sampled_from(["message", "function_call", "output_text"]),
                max_size=4,
            )
        ),
    )
)
def test_odd_output_gives_an_answer_or_a_value_error(odd: object) -> None:
    body = {"status": "completed", "output": [odd, message(text("a"))], "usage": odd}
    try:
        said = DIALECT.answer(json.dumps(body).encode(), MODEL)
    except ValueError:
        return
    ChatCompletion.model_validate_json(said)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {
                "error": {
                    "message": "No key.",
                    "type": "invalid_request_error",
                    "param": None,
                    "code": "invalid_api_key",
                }
            },
            ("No key.", "invalid_request_error", "invalid_api_key"),
        ),
        (failed(), ("It broke.", "upstream_error", "server_error")),
        ({}, ("{}", "upstream_error", None)),
    ],
)
def test_errors_keep_their_message_type_and_code(
    body: dict[str, Any], expected: tuple[str, str, str | None]
) -> None:
    error = json.loads(DIALECT.error(400, json.dumps(body).encode()))["error"]
    assert (error["message"], error["type"], error["code"]) == expected


def test_an_error_may_be_anything() -> None:
    for body in (b"", b"<html>bad gateway</html>", b"\xff\xfe"):
        assert json.loads(DIALECT.error(502, body))["error"]["message"]


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
    elif item["type"] == "message" and "refusal" in item["content"][0]:
        start, kind, said = {**item, "content": []}, "refusal", item["content"][0]["refusal"]
    elif item["type"] == "message":
        start, kind, said = {**item, "content": []}, "output_text", item["content"][0]["text"]
    else:
        start, kind, said = {**item, "summary": []}, "", ""
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    deltas = [delta(kind, piece, index) for piece in pieces]
    return [added(start, index), *deltas, added(item, index, "done")]


def stream_of(*output: dict[str, Any], size: int = 4, end: str = "\n\n", **more: Any) -> bytes:
    inner = [event for at, item in enumerate(output) for event in item_events(item, at, size)]
    return events(created(), *inner, ended(*output, **more), end=end)


STREAM = stream_of(REASONING, message(text("Héllo, wörld")), WEATHER, CLOCK)


def streamed(data: bytes, *cuts: int, include_usage: bool = True) -> bytes:
    translator = DIALECT.stream(MODEL, include_usage=include_usage)
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    out = b"".join(translator.feed(data[a:b]) for a, b in pairwise(edges))
    return out + translator.end()


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
    found: dict[str, Any] = {"text": "", "refusal": "", "calls": {}, "ends": []}
    for choice in (choice for chunk in chunks(out) for choice in chunk.choices):
        found["text"] += choice.delta.content or ""
        found["refusal"] += choice.delta.refusal or ""
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
        "refusal": choice.message.refusal or "",
        "calls": {
            at: [found.id, found.function.name, found.function.arguments]
            for at, found in enumerate(calls)
        },
        "ends": [choice.finish_reason],
    }


@pytest.mark.parametrize(
    ("output", "more"),
    [
        ((REASONING, message(text("Héllo, wörld")), WEATHER, CLOCK), {}),
        ((message(text("plain")),), {}),
        ((message(REFUSAL),), {}),
        ((message(text("It go")),), incomplete("max_output_tokens")),
        ((message(text("It go")),), incomplete("content_filter")),
        ((), {}),
    ],
)
def test_the_pieces_are_the_whole_answer(
    output: tuple[dict[str, Any], ...], more: dict[str, Any]
) -> None:
    out = streamed(stream_of(*output, **more))
    whole = answered(response(*output, **more))
    assert gathered(out) == essence(whole)
    assert told(out)[-1] == "[DONE]"
    assert chunks(out)[0].choices[0].delta.role == "assistant"
    assert chunks(out)[-1].usage == whole.usage
    assert {(chunk.id, chunk.model) for chunk in chunks(out)} == {("resp_1", SERVED)}


def test_usage_is_told_only_if_wanted_and_known() -> None:
    assert not any(chunk.usage for chunk in chunks(streamed(STREAM, include_usage=False)))
    unknown = streamed(stream_of(message(text("a")), usage=None))
    assert not any(chunk.usage for chunk in chunks(unknown))
    assert told(unknown)[-1] == "[DONE]"


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


@given(st.lists(st.integers(1, len(STREAM)), max_size=12))
def test_a_stream_means_the_same_however_it_is_cut(cuts: list[int]) -> None:
    assert told(streamed(STREAM, *cuts)) == told(streamed(STREAM))


@given(st.binary(max_size=60), st.lists(st.integers(0, 3_000), max_size=5))
def test_nonsense_means_the_same_however_it_is_cut(noise: bytes, cuts: list[int]) -> None:
    data = events(created(), delta("output_text", "a", 0)) + b"data: " + noise + b"\n\n"
    assert told(streamed(data, *cuts)) == told(streamed(data))
    assert "[DONE]" not in told(streamed(data))


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


@given(st.integers(0, STREAM.rindex(b"event: ") + 40))
def test_a_stream_that_was_cut_off_has_no_end(size: int) -> None:
    out = streamed(STREAM[:size])
    assert "[DONE]" not in told(out)
    assert gathered(out)["ends"] == []


@pytest.mark.parametrize(
    ("last", "code"),
    [
        ({"type": "error", "code": "server_error", "message": "It broke."}, "server_error"),
        (
            {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "It broke."}},
            "rate_limit_exceeded",
        ),
        ({"type": "response.failed", "response": failed()}, "server_error"),
        ({"type": "response.failed", "response": {}}, None),
        ({"type": "error"}, None),
        ({"type": "response.completed"}, None),
        ({"type": "response.completed", "response": failed()}, None),
        ({"type": "response.incomplete", "response": response(**incomplete(None))}, None),
        (added({"type": "function_call"}, 0), None),
        ("{", None),
        ("[]", None),
    ],
)
def test_after_an_error_nothing_is_made_up(last: object, code: str | None) -> None:
    start = events(created(), delta("output_text", "a", 0))
    after = events(delta("output_text", "b", 0), ended(message(text("ab"))))
    broken = last if isinstance(last, str) else json.dumps(last)
    out = streamed(start + f"data: {broken}\n\n".encode() + after)
    *before, error = told(out)
    assert error["error"]["message"]
    assert error["error"]["code"] == code
    assert all(chunk != "[DONE]" and "error" not in chunk for chunk in before)
    assert (gathered(out)["text"], gathered(out)["ends"]) == ("a", [])


def test_what_is_unknown_or_out_of_place_is_passed_over() -> None:
    out = streamed(
        b": a comment\n\n"
        + events(
            created(),
            {"type": "response.surprise", "delta": "?"},
            delta("function_call_arguments", "?", 7),
            delta("output_text", "a", 0),
            ended(message(text("a"))),
            delta("output_text", "?", 0),
        )
        + b"data: [DONE]\n\n"
    )
    assert gathered(out) == {"text": "a", "refusal": "", "calls": {}, "ends": ["stop"]}
    assert told(out).count("[DONE]") == 1


def test_a_stream_may_end_without_a_blank_line_or_be_empty() -> None:
    assert told(streamed(STREAM.rstrip())) == told(streamed(STREAM))
    assert streamed(b"") == b""


# -- From end to end


def served(asked: Asked) -> Reply:
    """Answer as the API does, and only what it understands."""
    if asked.key != "secret" or asked.path != "/v1/responses":
        return Reply.failure(401)
    if asked.payload.get("stream"):
        STREAMED.validate_python(asked.payload)
        return Reply(events=(STREAM[:100], STREAM[100:]))
    WHOLE.validate_python(asked.payload)
    return Reply(body=json.dumps(response(REASONING, message(text("hi back")))).encode())


async def test_a_client_gets_whole_and_streamed_answers_of_the_api() -> None:
    async with ScriptedGateway(served) as openai:
        key = Key("openai#1", "A_VARIABLE", "secret")
        endpoint = Endpoint("openai", openai.base_url, (key,), dialect="responses")
        config = Config((endpoint,), tiers=dict.fromkeys(TIERS, (MODEL,)))
        async with GatewayClient(config) as client:
            assert str(await client.complete("hi")) == "hi back"
            pieces = [piece async for piece in client.chat_model(stream_usage=True).astream("hi")]
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    assert whole.text == "Héllo, wörld"
    assert [(one["name"], one["args"]) for one in whole.tool_calls] == [
        ("weather", {"city": "Köln"}),
        ("clock", {}),
    ]
    assert whole.usage_metadata
    assert whole.usage_metadata["output_tokens"] == 7
    assert [asked.payload["model"] for asked in openai.asked] == [MODEL, MODEL]
