"""What no vendor, or one vendor, can be asked is refused, and only known dialects are spoken."""

from __future__ import annotations

import pytest

from gateway_client.catalog import DIALECTS
from gateway_client.dialects import TRANSLATED, Dialect, dialect
from gateway_client.errors import ConfigInvalid, RequestRefused

Payload = dict[str, object]

HELLO: list[Payload] = [{"role": "user", "content": "hello"}]
NOW: Payload = {"type": "function", "function": {"name": "now"}}


def spoken(name: str) -> Dialect:
    found = dialect(name)
    assert found is not None
    return found


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
    with pytest.raises(RequestRefused):
        spoken(name).outgoing({"model": "auto", "messages": HELLO, **fields}, "a-model")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("responses", {"stop": "END"}),
        ("google", {"tools": [NOW], "response_format": {"type": "json_object"}}),
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
        spoken(name).outgoing({"model": "auto", "messages": HELLO, **fields}, "gemini-2.5-flash")


def test_a_schema_without_a_bottom_is_refused() -> None:
    schema: Payload = {"type": "string"}
    for _ in range(60):
        schema = {"type": "object", "properties": {"a": schema}, "additionalProperties": False}
    wanted = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema}}
    with pytest.raises(RequestRefused, match="levels deep"):
        spoken("anthropic").outgoing({"messages": HELLO, "response_format": wanted}, "claude-5")


def test_keys_travel_as_each_vendor_wants_them() -> None:
    headers = {name: spoken(name).headers("k-1") for name in TRANSLATED}
    assert headers == {
        "anthropic": {"anthropic-version": "2023-06-01", "x-api-key": "k-1"},
        "google": {"x-goog-api-key": "k-1"},
        "responses": {"authorization": "Bearer k-1"},
    }
    assert not any("k-1" in str(spoken(name).headers(None)) for name in TRANSLATED)


def test_every_dialect_of_the_configuration_is_spoken_and_no_other() -> None:
    assert {"openai", *TRANSLATED} == set(DIALECTS)
    assert dialect("openai") is None
    for name in ("chat", "bedrock", "", "..", "anthropic "):
        with pytest.raises(ConfigInvalid, match="not spoken"):
            dialect(name)
