"""Gemini's protocol both ways, held against the types of Google's own client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateway_client import RequestRefused
from gateway_client.dialects.google import DIALECT, UNSIGNED

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


def streamed(data: bytes) -> bytes:
    translator = DIALECT.stream(MODEL, include_usage=True)
    return translator.feed(data) + translator.end()


def told(out: bytes) -> list[Any]:
    """The payloads of a stream, without the times, which are those of the clock."""
    blocks = [block.removeprefix("data: ") for block in out.decode().split("\n\n") if block]
    return [block if block == "[DONE]" else {**json.loads(block), "created": 0} for block in blocks]


def chunks(out: bytes) -> list[ChatCompletionChunk]:
    return [ChatCompletionChunk.model_validate(one) for one in told(out) if one != "[DONE]"]


def written(out: bytes) -> str:
    deltas = [choice.delta for chunk in chunks(out) for choice in chunk.choices]
    return "".join(delta.content or "" for delta in deltas)


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


MALFORMED = said(reason="MALFORMED_FUNCTION_CALL")
MALFORMED["candidates"][0]["finishMessage"] = "call:weather{"

NONSENSE = [
    b'{"candidates": "none"}',
    b'{"candidates": [{"finishReason": ["STOP"]}]}',
    json.dumps(said({"text": "x"}, reason="FINISH_REASON_UNSPECIFIED")).encode(),
    json.dumps(said({"text": "x"}, reason="OTHER")).encode(),
    json.dumps(said({"functionCall": {"args": {}}})).encode(),
    json.dumps(MALFORMED).encode(),
]


@pytest.mark.parametrize("body", NONSENSE)
def test_what_is_no_answer_is_an_error_with_a_message(body: bytes) -> None:
    with pytest.raises(ValueError, match="it "):
        DIALECT.answer(body, MODEL)
    assert json.loads(DIALECT.error(200, body))["error"]["message"]


# -- Streams

STREAM = events(
    said({"text": "hmm", "thought": True}, reason=None, usageMetadata={"promptTokenCount": 10}),
    said({"text": "Hé"}, reason=None),
    said({"text": "llo"}, {**WEATHER, "thoughtSignature": "c2ln"}, reason=None),
    said({"functionCall": {"name": "clock", "args": {}}}, reason=None),
    said({"text": "", "thoughtSignature": "c2ln"}, usageMetadata=USAGE),
)


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
