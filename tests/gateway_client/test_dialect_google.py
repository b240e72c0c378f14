"""Gemini's protocol both ways, held against the types of Google's own client."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateway_client import Config, Endpoint, GatewayClient, Key, RequestRefused
from gateway_client.catalog import TIERS
from gateway_client.dialects.google import DIALECT, UNSIGNED
from gateway_client.testing import Asked, Reply, ScriptedGateway

MODEL = "gemini-2.5-flash"
NEWER = "gemini-3-flash-preview"
USAGE = {
    "promptTokenCount": 10,
    "candidatesTokenCount": 4,
    "thoughtsTokenCount": 3,
    "cachedContentTokenCount": 6,
    "totalTokenCount": 17,
}
HELLO = [{"role": "user", "content": "hello"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "tells it",
        "strict": True,
        "parameters": {**SCHEMA, "$schema": "https://json-schema.org/draft/2020-12/schema"},
    },
}


def sent(model: str = MODEL, **payload: Any) -> dict[str, Any]:
    """What Google gets; each part is one that its own client knows."""
    _, body = DIALECT.outgoing({"model": "auto", "messages": HELLO, **payload}, model)
    said = json.loads(json.dumps(body))
    for content in said["contents"]:
        types.Content.model_validate(content)
    for tool in said.get("tools", []):
        types.Tool.model_validate(tool)
    types.Content.model_validate(said.get("systemInstruction", {}))
    types.ToolConfig.model_validate(said.get("toolConfig", {}))
    types.GenerationConfig.model_validate(said.get("generationConfig", {}))
    known = {"contents", "tools", "systemInstruction", "toolConfig", "generationConfig"}
    assert set(said) <= known
    return dict(said)


def refused(model: str = MODEL, **payload: Any) -> str:
    with pytest.raises(RequestRefused) as caught:
        DIALECT.outgoing({"messages": HELLO, **payload}, model)
    return str(caught.value)


def said(*parts: dict[str, Any], reason: str | None = "STOP", **more: Any) -> dict[str, Any]:
    """An answer, or a piece of one, that Google's own client can read."""
    candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": list(parts)}}
    if reason:
        candidate["finishReason"] = reason
    whole = {"candidates": [candidate], "responseId": "r1", "modelVersion": MODEL, **more}
    types.GenerateContentResponse.model_validate(whole)
    return whole


def answered(answer: dict[str, Any]) -> ChatCompletion:
    return ChatCompletion.model_validate_json(DIALECT.answer(json.dumps(answer).encode(), MODEL))


def events(*answers: dict[str, Any], end: str = "\r\n\r\n") -> bytes:
    return "".join(f"data: {json.dumps(one)}{end}" for one in answers).encode()


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
    return [ChatCompletionChunk.model_validate(one) for one in told(out) if one != "[DONE]"]


def written(out: bytes) -> str:
    deltas = [choice.delta for chunk in chunks(out) for choice in chunk.choices]
    return "".join(delta.content or "" for delta in deltas)


def counted(usage: CompletionUsage | None) -> tuple[int | None, ...]:
    """Tokens given, written, in all, from a cache, of reasoning."""
    assert usage
    given, made = usage.prompt_tokens_details, usage.completion_tokens_details
    assert given
    assert made
    whole = (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
    return (*whole, given.cached_tokens, made.reasoning_tokens)


def finishes(out: bytes) -> list[str]:
    reasons = [choice.finish_reason for chunk in chunks(out) for choice in chunk.choices]
    return [reason for reason in reasons if reason]


WEATHER = {"functionCall": {"name": "weather", "args": {"city": "Köln"}}}


# -- What is asked


def test_the_path_names_the_model_and_whether_it_is_a_stream() -> None:
    paths = [
        DIALECT.outgoing({"messages": HELLO, "stream": stream}, model)[0]
        for stream, model in [(False, MODEL), (True, MODEL), (False, "tunedModels/my one?")]
    ]
    assert paths == [
        f"/models/{MODEL}:generateContent",
        f"/models/{MODEL}:streamGenerateContent?alt=sse",
        "/tunedModels/my%20one%3F:generateContent",
    ]


def test_the_key_is_in_googles_header() -> None:
    assert DIALECT.headers("k") == {"x-goog-api-key": "k"}
    assert DIALECT.headers(None) == {}


def test_instructions_are_one_and_turns_of_one_side_are_joined() -> None:
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "one"},
        {"role": "user", "content": [{"type": "text", "text": "two"}]},
        {"role": "developer", "content": "be kind"},
        {"role": "assistant", "content": "three"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "four"},
    ]
    body = sent(messages=messages)
    assert body["systemInstruction"] == {"parts": [{"text": "be brief\n\nbe kind"}]}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "one"}, {"text": "two"}]},
        {"role": "model", "parts": [{"text": "three"}]},
        {"role": "user", "parts": [{"text": "four"}]},
    ]


def test_instructions_alone_are_said_once_and_as_a_users_words() -> None:
    body = sent(messages=[{"role": "system", "content": "say hi"}])
    assert body == {"contents": [{"role": "user", "parts": [{"text": "say hi"}]}]}


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("data:image/jpg;base64,AAAA", {"inlineData": {"mimeType": "image/jpeg", "data": "AAAA"}}),
        (
            "https://x.org/a.PNG?b=c.d",
            {"fileData": {"fileUri": "https://x.org/a.PNG?b=c.d", "mimeType": "image/png"}},
        ),
        ("http://x.org/a", {"fileData": {"fileUri": "http://x.org/a"}}),
    ],
)
def test_images_go_in_as_data_or_address(url: str, part: dict[str, Any]) -> None:
    content = [{"type": "image_url", "image_url": {"url": url, "detail": "low"}}]
    body = sent(messages=[{"role": "user", "content": content}])
    assert body["contents"] == [{"role": "user", "parts": [part]}]


def test_tools_are_declared_without_keywords_that_google_refuses() -> None:
    (tool,) = sent(tools=[TOOL])["tools"]
    assert tool["functionDeclarations"] == [
        {"name": "weather", "description": "tells it", "parametersJsonSchema": SCHEMA}
    ]
    assert "toolConfig" not in sent(tools=[TOOL], tool_choice="auto", parallel_tool_calls=False)


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (
            {"type": "function", "function": {"name": "weather"}},
            {"mode": "ANY", "allowedFunctionNames": ["weather"]},
        ),
    ],
)
def test_the_choice_of_tools(choice: object, config: dict[str, Any]) -> None:
    body = sent(tools=[TOOL], tool_choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": config}
    assert "toolConfig" not in sent(tool_choice=choice)


def past_calls(**more: Any) -> list[dict[str, Any]]:
    """Two parallel calls, their results, and what the user says then."""
    function = {"name": "weather", "arguments": '{"city": "Rom"}'}
    first = {"id": "a", "type": "function", "function": function, **more}
    second = {"id": "b", "type": "function", "function": {"name": "clock", "arguments": ""}}
    return [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [first, second]},
        {"role": "tool", "tool_call_id": "a", "content": '{"sun": true}'},
        {"role": "tool", "tool_call_id": "b", "content": '{"noon": NaN}'},
        {"role": "user", "content": "thanks"},
    ]


def test_parallel_calls_and_their_results_stand_together_under_the_tools_names() -> None:
    assert sent(messages=past_calls())["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"functionCall": {"id": "a", "name": "weather", "args": {"city": "Rom"}}},
                {"functionCall": {"id": "b", "name": "clock", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "a", "name": "weather", "response": {"sun": True}}},
                {
                    "functionResponse": {
                        "id": "b",
                        "name": "clock",
                        "response": {"output": '{"noon": NaN}'},
                    }
                },
            ],
        },
        {"role": "user", "parts": [{"text": "thanks"}]},
    ]


def test_calls_keep_their_signature_and_later_models_get_one_in_any_case() -> None:
    def signatures(model: str, **more: Any) -> list[str | None]:
        parts = sent(model, messages=past_calls(**more))["contents"][1]["parts"]
        return [part.get("thoughtSignature") for part in parts]

    extra = {"google": {"thought_signature": "c2lnbg=="}}
    assert signatures(MODEL) == [None, None]
    assert signatures(NEWER) == [UNSIGNED, None]
    assert signatures("gemini-flash-latest") == [UNSIGNED, None]
    assert signatures("gemma-3-27b-it") == [None, None]
    assert signatures(NEWER, extra_content=extra) == ["c2lnbg==", None]
    assert signatures(MODEL, extra_content=extra) == ["c2lnbg==", None]


def test_a_result_that_nobody_called_for_is_refused() -> None:
    result = {"role": "tool", "tool_call_id": "z", "content": "x"}
    assert "nobody has called" in refused(messages=[*HELLO, result])


def test_a_result_with_an_image_is_refused() -> None:
    messages = past_calls()
    image = {"type": "image_url", "image_url": {"url": "https://x.org/a.png"}}
    messages[2] = {"role": "tool", "tool_call_id": "a", "content": [image]}
    assert "image" in refused(messages=messages)


def test_arguments_that_are_no_object_are_refused() -> None:
    messages = past_calls(function={"name": "weather", "arguments": "[1"})
    assert "JSON object" in refused(messages=messages)


@pytest.mark.parametrize(
    "payload",
    [
        {"n": 2},
        {"logprobs": True},
        {"tools": [{"type": "web_search"}]},
        {"tool_choice": {"type": "custom"}, "tools": [TOOL]},
        {"response_format": {"type": "grammar"}},
        {"messages": [{"role": "narrator", "content": "x"}]},
        {"messages": [{"role": "user", "content": ""}]},
        {"messages": []},
        {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
        {"tools": [TOOL], "response_format": {"type": "json_object"}},
    ],
)
def test_what_cannot_be_said_is_refused(payload: dict[str, Any]) -> None:
    assert refused(**payload)


def test_json_is_asked_for_by_schema_or_as_any_object() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "f", "schema": SCHEMA, "strict": True}}
    assert sent(response_format=form)["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
    }
    any_object = sent(response_format={"type": "json_object"})
    assert any_object["generationConfig"] == {"responseMimeType": "application/json"}
    assert "generationConfig" not in sent(response_format={"type": "text"})


def test_json_goes_together_with_tools_only_where_gemini_can_do_both() -> None:
    form = {"type": "json_object"}
    assert sent(NEWER, tools=[TOOL], response_format=form)["tools"]
    assert "tools" not in sent(tools=[TOOL], tool_choice="none", response_format=form)


def test_a_schema_has_references_that_stand_alone() -> None:
    schema = {
        "type": "object",
        "definitions": {"Node": {"type": "object", "properties": {"n": {"const": 1}}}},
        "properties": {
            "one": {"$ref": "#/definitions/Node", "description": "first"},
            "all": {"type": "array", "items": {"$ref": "#/definitions/Node"}},
            "word": {"type": "string", "pattern": "^a"},
        },
    }
    form = {"type": "json_schema", "json_schema": {"name": "f", "schema": schema}}
    assert sent(response_format=form)["generationConfig"]["responseJsonSchema"] == {
        "type": "object",
        "$defs": {"Node": {"type": "object", "properties": {"n": {"enum": [1]}}}},
        "properties": {
            "one": {"anyOf": [{"$ref": "#/$defs/Node"}], "description": "first"},
            "all": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            "word": {"type": "string", "description": '(pattern: "^a")'},
        },
    }


def test_the_knobs_have_googles_names_and_what_nobody_set_is_not_sent() -> None:
    body = sent(
        max_tokens=9,
        temperature=0,
        top_p=0.5,
        seed=0,
        stop="END",
        presence_penalty=0.1,
        frequency_penalty=0.2,
        n=1,
        user="u",
        stream_options={"include_usage": True},
    )
    assert body["generationConfig"] == {
        "maxOutputTokens": 9,
        "temperature": 0,
        "topP": 0.5,
        "seed": 0,
        "stopSequences": ["END"],
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
    }
    assert sent(max_completion_tokens=8, stop=["a", "b"])["generationConfig"] == {
        "maxOutputTokens": 8,
        "stopSequences": ["a", "b"],
    }
    assert set(sent(temperature=None, seed=None, stop=None)) == {"contents"}


@pytest.mark.parametrize(
    ("model", "effort", "config"),
    [
        (MODEL, "none", {"thinkingBudget": 0}),
        (MODEL, "medium", {"thinkingBudget": 8192}),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128}),
        (NEWER, "none", {"thinkingLevel": "MINIMAL"}),
        (NEWER, "high", {"thinkingLevel": "HIGH"}),
        ("gemini-3.1-pro-preview", "minimal", {"thinkingLevel": "LOW"}),
        ("gemini-2.0-flash", "high", None),
        ("gemma-3-27b-it", "high", None),
        (MODEL, "unheard-of", None),
    ],
)
def test_effort_is_a_level_or_a_budget_by_model(
    model: str, effort: str, config: dict[str, Any] | None
) -> None:
    body = sent(model, reasoning_effort=effort)
    assert body.get("generationConfig", {}).get("thinkingConfig") == config


# -- Whole answers


def test_an_answer_is_its_parts_without_the_thoughts() -> None:
    thought = {"text": "hmm", "thought": True, "thoughtSignature": "c2ln"}
    answer = answered(said(thought, {"text": "Hel"}, {"text": "lo"}, usageMetadata=USAGE))
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == ("Hello", "stop")
    assert (answer.id, answer.model) == ("r1", MODEL)
    assert counted(answer.usage) == (10, 7, 17, 6, 3)


def test_what_googles_own_tools_have_read_counts_as_given() -> None:
    usage = {"promptTokenCount": 1, "toolUsePromptTokenCount": 5}
    answer = answered(said({"text": "x"}, usageMetadata=usage))
    assert answer.usage
    assert answer.usage.prompt_tokens == 6
    assert answered(said({"text": "x"})).usage is None


def test_calls_get_ids_of_their_own_that_are_always_the_same() -> None:
    signed = {**WEATHER, "thoughtSignature": "c2ln"}
    named = {"functionCall": {"name": "clock", "id": "own"}}
    once, again = (answered(said(signed, WEATHER, named)) for _ in range(2))
    (choice,) = once.choices
    calls = choice.message.tool_calls or []
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert len({call.id for call in calls}) == 3
    assert calls[2].id == "own"
    assert [call.model_dump().get("extra_content") for call in calls] == [
        {"google": {"thought_signature": "c2ln"}},
        None,
        None,
    ]
    functions = [call.function for call in calls if call.type == "function"]
    assert json.loads(functions[0].arguments) == {"city": "Köln"}
    assert functions[2].arguments == "{}"
    assert calls == again.choices[0].message.tool_calls


def test_a_call_comes_back_as_it_was_made() -> None:
    signed = {**WEATHER, "thoughtSignature": "c2ln"}
    message = answered(said(signed, WEATHER)).choices[0].message.model_dump(exclude_none=True)
    parts = sent(NEWER, messages=[*HELLO, message])["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == ["c2ln", None]
    assert [part["functionCall"]["args"] for part in parts] == [{"city": "Köln"}] * 2


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("MAX_TOKENS", "length"),
        *((reason, "content_filter") for reason in ("SAFETY", "RECITATION", "BLOCKLIST")),
        *((reason, "content_filter") for reason in ("PROHIBITED_CONTENT", "SPII")),
    ],
)
def test_how_an_answer_ended(reason: str, finish: str) -> None:
    part = {"text": "Hel"}
    assert answered(said(part, reason=reason)).choices[0].finish_reason == finish
    assert answered(said(WEATHER, reason=reason)).choices[0].finish_reason == finish
    out = streamed(events(said(part, reason=None), said(reason=reason)))
    assert (finishes(out), written(out)) == ([finish], "Hel")


def test_a_blocked_prompt_is_filtered_and_says_why() -> None:
    feedback = {"blockReason": "SAFETY", "blockReasonMessage": "not that"}
    blocked = {"promptFeedback": feedback, "usageMetadata": USAGE}
    types.GenerateContentResponse.model_validate(blocked)
    (choice,) = answered(blocked).choices
    assert choice.finish_reason == "content_filter"
    assert (choice.message.content, choice.message.refusal) == (None, "not that")
    out = streamed(events(blocked))
    assert finishes(out) == ["content_filter"]
    assert told(out)[-1] == "[DONE]"
    assert [c.delta.refusal for chunk in chunks(out) for c in chunk.choices][-1] == "not that"


MALFORMED = said(reason="MALFORMED_FUNCTION_CALL")
MALFORMED["candidates"][0]["finishMessage"] = "call:weather{"

NONSENSE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"{}",
    b'{"candidates": []}',
    b'{"candidates": "none"}',
    b'{"candidates": [{"finishReason": ["STOP"]}]}',
    b'{"error": {"code": 500, "message": "oh", "status": "INTERNAL"}}',
    json.dumps(said({"text": "x"}, reason=None)).encode(),
    json.dumps(said({"text": "x"}, reason="FINISH_REASON_UNSPECIFIED")).encode(),
    json.dumps(said({"text": "x"}, reason="OTHER")).encode(),
    json.dumps(said({"functionCall": {"args": {}}})).encode(),
    json.dumps(MALFORMED).encode(),
    json.dumps(said({"text": "x"})).encode()[:-5],
]


@pytest.mark.parametrize("body", NONSENSE)
def test_what_is_no_answer_is_an_error_with_a_message(body: bytes) -> None:
    with pytest.raises(ValueError, match="it "):
        DIALECT.answer(body, MODEL)
    assert json.loads(DIALECT.error(200, body))["error"]["message"]


# -- Errors


def failure(code: int, status: str, message: str = "oh", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, **more}}


KEY = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (failure(429, "RESOURCE_EXHAUSTED"), "rate_limit_exceeded"),
        (failure(401, "UNAUTHENTICATED"), "invalid_api_key"),
        (failure(400, "INVALID_ARGUMENT", details=KEY), "invalid_api_key"),
        (failure(404, "NOT_FOUND", "models/x is not found for v1beta"), "model_not_found"),
        (failure(404, "NOT_FOUND", "no such file"), None),
        (failure(503, "UNAVAILABLE"), None),
    ],
)
def test_errors_are_in_openais_words_also_from_within_a_list(
    error: dict[str, Any], code: str | None
) -> None:
    plain, listed = (
        json.loads(DIALECT.error(500, json.dumps(body).encode()))["error"]
        for body in (error, [error])
    )
    message, kind = error["error"]["message"], error["error"]["status"]
    assert plain == {"message": message, "type": kind, "param": None, "code": code}
    assert plain == listed


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[[]]", b'{"error": "oh"}', b"\xff"])
def test_an_error_without_a_form_still_says_something(body: bytes) -> None:
    assert json.loads(DIALECT.error(502, body))["error"]["message"]


# -- Streams

THOUGHT = {"text": "hmm", "thought": True}
STREAM = events(
    said(THOUGHT, reason=None, usageMetadata={"promptTokenCount": 10}),
    said({"text": "Hé"}, reason=None),
    said({"text": "llo"}, {**WEATHER, "thoughtSignature": "c2ln"}, reason=None),
    said({"functionCall": {"name": "clock", "args": {}}}, reason=None),
    said({"text": "", "thoughtSignature": "c2ln"}, usageMetadata=USAGE),
)


def test_a_stream_is_text_calls_reason_usage_and_end() -> None:
    out = streamed(STREAM)
    read = chunks(out)
    assert written(out) == "Héllo"
    assert read[0].choices[0].delta.role == "assistant"
    calls = [call for c in read for o in c.choices for call in o.delta.tool_calls or []]
    assert [(c.index, c.function and c.function.name) for c in calls] == [
        (0, "weather"),
        (1, "clock"),
    ]
    assert [c.function and json.loads(c.function.arguments or "") for c in calls] == [
        {"city": "Köln"},
        {},
    ]
    assert len({call.id for call in calls}) == 2
    assert calls[0].model_dump()["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert finishes(out) == ["tool_calls"]
    assert counted(read[-1].usage) == (10, 7, 17, 6, 3)
    assert told(out)[-1] == "[DONE]"
    assert {chunk.id for chunk in read} == {"r1"}


def test_usage_is_told_only_if_wanted() -> None:
    assert not any(chunk.usage for chunk in chunks(streamed(STREAM, include_usage=False)))


@given(st.lists(st.integers(1, len(STREAM)), max_size=12))
def test_a_stream_means_the_same_however_it_is_cut(cuts: list[int]) -> None:
    assert told(streamed(STREAM, *cuts)) == told(streamed(STREAM))


@given(st.binary(max_size=60), st.lists(st.integers(0, 200), max_size=5))
def test_nonsense_means_the_same_however_it_is_cut(noise: bytes, cuts: list[int]) -> None:
    data = events(said({"text": "a"}, reason=None)) + b"data: " + noise + b"\n\n"
    assert told(streamed(data, *cuts)) == told(streamed(data))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=6))
def test_the_pieces_of_a_stream_are_the_whole_text(texts: list[str]) -> None:
    pieces = [said({"text": text}, reason=None) for text in texts]
    whole = answered(said(*({"text": text} for text in texts)))
    out = streamed(events(*pieces, said(), end="\n\n"))
    assert written(out) == whole.choices[0].message.content == "".join(texts)
    assert finishes(out) == ["stop"]


@given(st.integers(0, len(STREAM) - len(events(said({"text": ""}, usageMetadata=USAGE))) - 40))
def test_a_stream_that_was_cut_off_has_no_end(size: int) -> None:
    out = streamed(STREAM[:size])
    assert "[DONE]" not in told(out)
    assert finishes(out) == []


def test_counts_and_unknown_events_may_follow_the_reason_but_content_takes_it_back() -> None:
    start, usage = said({"text": "a"}), {"usageMetadata": USAGE}
    out = streamed(events(start, usage, {"surprise": 1}))
    assert finishes(out) == ["stop"]
    assert chunks(out)[-1].usage
    assert finishes(streamed(events(start, said({"text": "b"}, reason=None)))) == []


@pytest.mark.parametrize(
    "last",
    [
        json.dumps(failure(503, "UNAVAILABLE")),
        json.dumps(MALFORMED),
        json.dumps(said(reason="OTHER")),
        json.dumps(said({"functionCall": {}})),
        '{"candidates": [',
        "[]",
    ],
)
def test_after_an_error_nothing_is_made_up(last: str) -> None:
    start = events(said({"text": "a"}, reason=None))
    after = events(said({"text": "b"}))
    *before, error = told(streamed(start + f"data: {last}\n\n".encode() + after))
    assert error["error"]["message"]
    assert all("error" not in chunk and chunk != "[DONE]" for chunk in before)
    assert "b" not in [chunk["choices"][0]["delta"].get("content") for chunk in before]


def test_a_stream_may_end_without_a_blank_line_or_be_empty() -> None:
    assert finishes(streamed(events(said({"text": "a"})).rstrip())) == ["stop"]
    assert streamed(b"") == b""


# -- From end to end


def gemini(asked: Asked) -> Reply:
    """Answer as Gemini does, and only what Gemini understands."""
    types.Content.model_validate(asked.payload["contents"][0])  # type: ignore[index] # JSON
    if asked.headers.get("x-goog-api-key") != "secret":
        return Reply(status=400, body=json.dumps(failure(400, "INVALID_ARGUMENT")).encode())
    if ":streamGenerateContent?alt=sse" in asked.path:
        return Reply(events=(STREAM[:100], STREAM[100:]))
    return Reply(body=json.dumps(said({"text": "hi back"}, usageMetadata=USAGE)).encode())


async def test_a_client_gets_whole_and_streamed_answers_of_gemini() -> None:
    async with ScriptedGateway(gemini) as google:
        key = Key("google#1", "A_VARIABLE", "secret")
        endpoint = Endpoint("google", google.base_url, (key,), dialect="google")
        config = Config((endpoint,), tiers=dict.fromkeys(TIERS, (MODEL,)))
        async with GatewayClient(config) as client:
            assert str(await client.complete("hi")) == "hi back"
            pieces = [piece async for piece in client.chat_model(stream_usage=True).astream("hi")]
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    assert whole.text == "Héllo"
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [
        ("weather", {"city": "Köln"}),
        ("clock", {}),
    ]
    assert whole.usage_metadata
    assert whole.usage_metadata["output_tokens"] == 7
    assert [asked.path.rpartition("/")[2] for asked in google.asked] == [
        f"{MODEL}:generateContent",
        f"{MODEL}:streamGenerateContent?alt=sse",
    ]
