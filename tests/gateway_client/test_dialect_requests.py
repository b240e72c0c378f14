"""What is asked in Chat Completions is asked of Anthropic and of the Responses API, or refused.

What goes out is held against the request types of the vendors' own SDKs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from gateway_client.catalog import DIALECTS
from gateway_client.dialects import TRANSLATED, dialect
from gateway_client.errors import ConfigInvalid, RequestRefused

Payload = dict[str, object]

CLAUDE = "claude-sonnet-5-5"
OLDER_CLAUDE = "claude-sonnet-4-5-20250929"
GPT = "gpt-5.6"
PNG = "data:image/png;base64,iVBORw0KGgo="
HELLO: list[Payload] = [{"role": "user", "content": "hello"}]
WEATHER: Payload = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Says how it is outside.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "minLength": 1}},
        },
    },
}
NOW: Payload = {"type": "function", "function": {"name": "now"}}
CITY = '{"city": "東京"}'
CALLS: list[Payload] = [
    {"id": "call:1", "type": "function", "function": {"name": "weather", "arguments": CITY}},
    {"id": "call:2", "type": "function", "function": {"name": "now", "arguments": ""}},
]
TALK: list[Payload] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Look."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "https://example.org/a.jpg"}},
        ],
    },
    {"role": "assistant", "content": "I ask.", "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "call:1", "content": "mild"},
    {"role": "tool", "tool_call_id": "call:2", "content": [{"type": "text", "text": "noon"}]},
    {"role": "developer", "content": [{"type": "text", "text": "In German."}]},
    {"role": "user", "content": "So?"},
    {"role": "assistant", "content": "", "refusal": "No."},
    {"role": "user", "content": "Please."},
]
SCHEMA: Payload = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2, "description": "A name", "format": "email"},
        "tags": {"type": "array", "items": {"type": "string", "format": "regex"}, "minItems": 3},
        "kind": {"oneOf": [{"const": "a"}, {"$ref": "#/$defs/Kind"}]},
    },
    "required": ["name"],
    "$defs": {"Kind": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}},
}


def form(schema: Payload, **more: object) -> Payload:
    return {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema, **more}}


def ask(name: str, model: str, **fields: object) -> dict[str, Any]:
    spoken = dialect(name)
    assert spoken is not None
    payload = {"model": "auto", "messages": HELLO, **fields}
    before = json.dumps(payload)
    path, said = spoken.outgoing(payload, model)
    assert json.dumps(payload) == before
    assert path == {"anthropic": "/messages", "responses": "/responses"}[name]
    assert json.loads(json.dumps(said)) == said
    hold_against_the_sdk(name, said)
    return said


def hold_against_the_sdk(name: str, said: Payload) -> None:
    fields, adapter = sdk(name)
    removed = {"temperature", "top_p"}  # from Anthropic's SDK: only older models know them
    assert set(said) <= fields | removed
    drained(adapter.validate_python({**said, "stream": False}))


@cache
def sdk(name: str) -> tuple[set[str], TypeAdapter[Any]]:
    """Return the fields of a request and what checks it; which has to outlive the reading."""
    params: Any = ResponseCreateParamsNonStreaming
    if name == "anthropic":
        module = pytest.importorskip("anthropic.types.message_create_params")
        params = module.MessageCreateParamsNonStreaming
    return set(params.__annotations__), TypeAdapter(params)


def drained(value: object) -> object:
    """Read everything: the SDKs' lists are checked only while they are read."""
    if isinstance(value, dict):
        return {key: drained(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [drained(item) for item in value]
    return value


def claude(model: str = CLAUDE, /, **fields: object) -> dict[str, Any]:
    return ask("anthropic", model, **fields)


def gpt(**fields: object) -> dict[str, Any]:
    return ask("responses", GPT, **fields)


def test_anthropic_gets_alternating_turns_and_one_system() -> None:
    said = claude(messages=TALK)
    assert said["system"] == "Be brief.\n\nIn German."
    first, second, third, fourth, last = said["messages"]
    assert [turn["role"] for turn in said["messages"]] == ["user", "assistant"] * 2 + ["user"]
    assert first["content"] == [
        {"type": "text", "text": "Look."},
        {"type": "text", "text": "What is it?"},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
        },
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.jpg"}},
    ]
    assert second["content"] == [
        {"type": "text", "text": "I ask."},
        {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "東京"}},
        {"type": "tool_use", "id": "call_2", "name": "now", "input": {}},
    ]
    results = [
        {
            "type": "tool_result",
            "tool_use_id": f"call_{number}",
            "content": [{"type": "text", "text": text}],
        }
        for number, text in ((1, "mild"), (2, "noon"))
    ]
    assert third["content"] == [*results, {"type": "text", "text": "So?"}]
    assert fourth["content"] == [{"type": "text", "text": "No."}]
    assert last["content"] == [{"type": "text", "text": "Please."}]


def test_responses_gets_items_in_order_and_stores_nothing() -> None:
    said = gpt(messages=TALK)
    assert said["store"] is False
    system, look, what, asks, weather, now, mild, noon, developer, so, no, please = said["input"]
    assert (system["role"], developer["role"]) == ("system", "system")
    assert look["content"] == [{"type": "input_text", "text": "Look."}]
    assert what["content"][1:] == [
        {"type": "input_image", "image_url": PNG, "detail": "low"},
        {"type": "input_image", "image_url": "https://example.org/a.jpg", "detail": "auto"},
    ]
    assert (asks["role"], asks["content"]) == ("assistant", "I ask.")
    assert weather == {
        "type": "function_call",
        "call_id": "call:1",
        "name": "weather",
        "arguments": CITY,
    }
    assert now["arguments"] == "{}"
    assert mild == {"type": "function_call_output", "call_id": "call:1", "output": "mild"}
    assert noon["output"] == "noon"
    assert (so["role"], no["content"], please["role"]) == ("user", "No.", "user")


def test_a_system_that_speaks_alone_is_a_user() -> None:
    alone = [{"role": "system", "content": "Say hello."}]
    said = claude(messages=alone)
    assert "system" not in said
    assert said["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Say hello."}]}
    ]


def test_a_result_may_hold_a_picture_or_nothing() -> None:
    picture = [{"type": "image_url", "image_url": {"url": PNG}}]
    for content, blocks in ((picture, 1), ("", 0)):
        turns = [
            *HELLO,
            {"role": "assistant", "content": None, "tool_calls": CALLS[:1]},
            {"role": "tool", "tool_call_id": "call:1", "content": content},
        ]
        result = claude(messages=turns)["messages"][-1]["content"][0]
        assert len(result.get("content", [])) == blocks
        output = gpt(messages=turns)["input"][-1]["output"]
        assert output == (
            "" if not blocks else [{"type": "input_image", "image_url": PNG, "detail": "auto"}]
        )


@pytest.mark.parametrize(
    ("choice", "anthropic", "responses"),
    [
        (None, {"type": "auto"}, "auto"),
        ("auto", {"type": "auto"}, "auto"),
        ("none", {"type": "none"}, "none"),
        ("required", {"type": "any"}, "required"),
        (
            {"type": "function", "function": {"name": "now"}},
            {"type": "tool", "name": "now"},
            {"type": "function", "name": "now"},
        ),
    ],
)
def test_tools_and_the_choice_among_them(
    choice: object, anthropic: Payload, responses: object
) -> None:
    said = claude(tools=[WEATHER, NOW], tool_choice=choice)
    assert said["tool_choice"] == anthropic
    assert said["tools"] == [
        {
            "name": "weather",
            "description": "Says how it is outside.",
            "input_schema": {
                "type": "object",
                "properties": {"city": {"type": "string", "minLength": 1}},
            },
        },
        {"name": "now", "input_schema": {"type": "object", "properties": {}}},
    ]
    said = gpt(tools=[WEATHER, NOW], tool_choice=choice)
    assert said["tool_choice"] == responses
    assert [tool["strict"] for tool in said["tools"]] == [False, False]
    assert said["tools"][1]["parameters"] == {"type": "object", "properties": {}}


def test_without_tools_there_is_no_choice() -> None:
    assert not {"tools", "tool_choice"} & set(claude(tool_choice="none"))
    assert not {"tools", "tool_choice"} & set(gpt(tool_choice="auto"))


def test_one_call_at_a_time_is_said() -> None:
    said = claude(tools=[NOW], parallel_tool_calls=False)
    assert said["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert claude(tools=[NOW], parallel_tool_calls=False, tool_choice="none")["tool_choice"] == {
        "type": "none"
    }
    assert gpt(tools=[NOW], parallel_tool_calls=False)["parallel_tool_calls"] is False


def test_a_strict_tool_is_strict_where_its_schema_can_be() -> None:
    def strict(parameters: Payload) -> Payload:
        function = {"name": "f", "parameters": parameters, "strict": True}
        return {"type": "function", "function": function}

    (tool,) = claude(tools=[strict(SCHEMA)])["tools"]
    assert tool["strict"] is True
    assert tool["input_schema"]["additionalProperties"] is False
    (tool,) = claude(tools=[strict({"type": "object", "additionalProperties": True})])["tools"]
    assert "strict" not in tool
    assert gpt(tools=[strict(SCHEMA)])["tools"][0]["strict"] is True


def test_a_schema_goes_into_the_native_format_and_what_it_cannot_say_into_words() -> None:
    said = claude(response_format=form(SCHEMA))
    assert "tools" not in said
    schema = said["output_config"]["format"]["schema"]
    assert "$schema" not in schema
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name"]
    assert schema["properties"] == {
        "name": {"type": "string", "description": "A name (minLength: 2)", "format": "email"},
        "tags": {
            "type": "array",
            "items": {"type": "string", "description": '(format: "regex")'},
            "description": "(minItems: 3)",
        },
        "kind": {"anyOf": [{"const": "a"}, {"$ref": "#/$defs/Kind"}]},
    }
    assert schema["$defs"]["Kind"] == {
        "type": "object",
        "properties": {"n": {"type": "integer", "description": "(minimum: 1)"}},
        "additionalProperties": False,
    }
    assert gpt(response_format=form(SCHEMA, strict=True))["text"]["format"] == {
        "type": "json_schema",
        "name": "thing",
        "schema": SCHEMA,
        "strict": True,
    }


@pytest.mark.parametrize(
    ("model", "response_format"),
    [
        (CLAUDE, {"type": "json_object"}),
        (CLAUDE, form({"type": "object", "additionalProperties": {"type": "string"}})),
        (CLAUDE, form({"type": "object", "properties": {"more": {"type": "object"}}})),
        (CLAUDE, form({"anyOf": [{"type": "object"}, {"type": "null"}]})),
        ("claude-opus-4-1-20250805", form(SCHEMA)),
        ("other-model", form(SCHEMA)),
    ],
)
def test_json_that_has_no_native_format_is_the_input_of_a_tool(
    model: str, response_format: Payload
) -> None:
    said = claude(model, response_format=response_format)
    assert "output_config" not in said
    assert [tool["name"] for tool in said["tools"]] == ["json_answer"]
    assert said["tool_choice"] == {"type": "tool", "name": "json_answer"}


@pytest.mark.parametrize(
    ("choice", "names", "chosen"),
    [
        ("auto", ["now", "json_answer"], {"type": "any"}),
        ("none", ["now", "json_answer"], {"type": "tool", "name": "json_answer"}),
        ("required", ["now"], {"type": "any"}),
    ],
)
def test_json_beside_tools_is_one_more_tool(choice: str, names: list[str], chosen: Payload) -> None:
    said = claude(response_format={"type": "json_object"}, tools=[NOW], tool_choice=choice)
    assert [tool["name"] for tool in said["tools"]] == names
    assert said["tool_choice"] == chosen


def test_responses_has_any_json_and_plain_text() -> None:
    assert gpt(response_format={"type": "json_object"})["text"] == {
        "format": {"type": "json_object"}
    }
    assert "text" not in gpt(response_format={"type": "text"})
    assert gpt(verbosity="low")["text"] == {"verbosity": "low"}


def test_the_limit_goes_by_either_name_and_is_never_missing_or_too_low() -> None:
    assert claude()["max_tokens"] == 16_384
    assert claude(max_tokens=7)["max_tokens"] == 7
    assert claude(max_completion_tokens=8, max_tokens=7)["max_tokens"] == 8
    assert "max_output_tokens" not in gpt()
    assert gpt(max_completion_tokens=100)["max_output_tokens"] == 100
    assert gpt(max_tokens=5)["max_output_tokens"] == 16


@pytest.mark.parametrize(
    ("model", "sampling"),
    [
        ("claude-fable-5-1", {}),
        ("claude-opus-4-8", {}),
        ("claude-mythos-preview", {}),
        ("claude-opus-4-6", {"temperature": 1}),
        (OLDER_CLAUDE, {"temperature": 1}),
        ("claude-3-5-haiku-20241022", {"temperature": 1}),
        ("claude-sonnet-4-20250514", {"temperature": 1}),
        ("other-model", {"temperature": 1, "top_p": 0.5}),
    ],
)
def test_only_models_that_know_sampling_are_told(model: str, sampling: Payload) -> None:
    said = claude(model, temperature=1.5, top_p=0.5)
    assert {key: said[key] for key in ("temperature", "top_p") if key in said} == sampling


def test_top_p_alone_and_sampling_elsewhere() -> None:
    assert claude(OLDER_CLAUDE, top_p=0.5)["top_p"] == 0.5
    said = gpt(temperature=0, top_p=0.5)
    assert (said["temperature"], said["top_p"]) == (0, 0.5)


@pytest.mark.parametrize(
    ("model", "effort", "level", "thinking"),
    [
        (CLAUDE, "none", "low", None),
        (CLAUDE, "minimal", "low", None),
        (CLAUDE, "medium", "medium", {"type": "adaptive"}),
        (CLAUDE, "xhigh", "xhigh", {"type": "adaptive"}),
        ("claude-opus-4-6", "xhigh", "high", {"type": "adaptive"}),
        (OLDER_CLAUDE, "none", None, None),
        (OLDER_CLAUDE, "low", None, {"type": "enabled", "budget_tokens": 2_048}),
        (OLDER_CLAUDE, "high", None, {"type": "enabled", "budget_tokens": 8_192}),
        ("other-model", "medium", None, {"type": "enabled", "budget_tokens": 4_096}),
    ],
)
def test_effort_is_a_level_or_tokens_to_think_with(
    model: str, effort: str, level: str | None, thinking: Payload | None
) -> None:
    said = claude(model, reasoning_effort=effort, temperature=0.2)
    assert said.get("output_config", {}).get("effort") == level
    assert said.get("thinking") == thinking
    assert ("temperature" in said) == (thinking is None and model == OLDER_CLAUDE)
    assert gpt(reasoning_effort=effort)["reasoning"] == {"effort": effort}


def test_nobody_thinks_where_that_would_be_refused() -> None:
    assert "thinking" not in claude(reasoning_effort="high", tools=[NOW], tool_choice="required")
    assert "thinking" not in claude(OLDER_CLAUDE, reasoning_effort="high", max_tokens=2_000)
    turns = [
        *HELLO,
        {"role": "assistant", "tool_calls": CALLS[1:]},
        {"role": "tool", "tool_call_id": "call:2", "content": "noon"},
    ]
    older = claude(OLDER_CLAUDE, reasoning_effort="high", messages=turns, tools=[NOW])
    assert "thinking" not in older
    newer = claude(reasoning_effort="high", messages=turns, tools=[NOW])
    assert newer["thinking"] == {"type": "adaptive"}


def test_stops_seed_and_what_only_files_a_call() -> None:
    filed: Payload = {"user": "u", "metadata": {"a": "b"}, "store": True, "seed": 3, "n": 1}
    said = claude(stop="END", frequency_penalty=1, stream_options={"include_usage": True}, **filed)
    assert set(said) == {"model", "max_tokens", "messages", "stop_sequences"}
    assert said["stop_sequences"] == ["END"]
    assert claude(stop=["A", "B", ""])["stop_sequences"] == ["A", "B"]
    said = gpt(**filed, prompt_cache_key="k", presence_penalty=1)
    assert (said["user"], said["metadata"], said["store"]) == ("u", {"a": "b"}, False)
    assert said["prompt_cache_key"] == "k"
    assert not {"seed", "n", "presence_penalty"} & set(said)


def test_a_stream_is_asked_for() -> None:
    assert claude(stream=True)["stream"] is True
    assert gpt(stream=True)["stream"] is True
    assert "stream" not in claude(stream=False)


@pytest.mark.parametrize("name", TRANSLATED)
@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"n": []},
        {"logprobs": True},
        {"functions": [{"name": "f"}]},
        {"modalities": ["text", "audio"]},
        {"web_search_options": {"search_context_size": "low"}},
        {"messages": None},
        {"messages": "hello"},
        {"messages": []},
        {"messages": [7]},
        {"messages": [{"role": "user", "content": "  "}]},
        {"messages": [{"role": "user", "content": 7}]},
        {"messages": [{"role": "critic", "content": "no"}]},
        {"messages": [{"role": "tool", "content": "no"}]},
        {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "a.png"}]}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]},
        {"tools": {}},
        {"tools": [{"type": "custom", "custom": {"name": "f"}}]},
        {"tools": [NOW], "tool_choice": "perhaps"},
        {"tools": [NOW], "tool_choice": {"type": "allowed_tools"}},
        {"response_format": {"type": "grammar"}},
    ],
)
def test_what_cannot_be_said_is_refused(name: str, fields: Payload) -> None:
    spoken = dialect(name)
    assert spoken is not None
    with pytest.raises(RequestRefused):
        spoken.outgoing({"model": "auto", "messages": HELLO, **fields}, "a-model")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("responses", {"stop": "END"}),
        ("anthropic", {"stop": "\n"}),
        (
            "anthropic",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "image_url",
                                "image_url": "data:image/svg+xml;base64,PHN2Zz4=",
                            }
                        ],
                    }
                ]
            },
        ),
        (
            "anthropic",
            {
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{"}}],
                    }
                ]
            },
        ),
    ],
)
def test_what_one_vendor_cannot_be_told_is_refused(name: str, fields: Payload) -> None:
    with pytest.raises(RequestRefused):
        ask(name, CLAUDE, **fields)


def test_a_schema_without_a_bottom_is_refused() -> None:
    schema: Payload = {"type": "string"}
    for _ in range(60):
        schema = {"type": "object", "properties": {"a": schema}, "additionalProperties": False}
    with pytest.raises(RequestRefused, match="levels deep"):
        claude(response_format=form(schema))


def test_keys_travel_as_each_vendor_wants_them() -> None:
    found = {name: dialect(name) for name in TRANSLATED}
    headers = {name: spoken.headers("k-1") for name, spoken in found.items() if spoken}
    assert headers == {
        "anthropic": {"anthropic-version": "2023-06-01", "x-api-key": "k-1"},
        "google": {"x-goog-api-key": "k-1"},
        "responses": {"authorization": "Bearer k-1"},
    }
    for spoken in found.values():
        assert spoken is not None
        assert "k-1" not in str(spoken.headers(None))


def test_every_dialect_of_the_configuration_is_spoken_and_no_other() -> None:
    assert {"openai", *TRANSLATED} == set(DIALECTS)
    assert dialect("openai") is None
    for name in ("chat", "bedrock", "", "..", "anthropic "):
        with pytest.raises(ConfigInvalid, match="not spoken"):
            dialect(name)
