"""Nonsense from a vendor is a ValueError or an error event: never a crash, never an answer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_client.dialects import TRANSLATED, Dialect, dialect, sse

DATA = Path(__file__).parent / "data" / "dialects"
CASES = sorted(path.stem for path in DATA.glob("*.json"))

EVENTS = {
    "anthropic": ["message_start", "content_block_start", "content_block_delta",
                  "content_block_stop", "message_delta", "message_stop", "error", "ping", "new"],
    "google": [""],
    "responses": ["response.created", "response.output_item.added", "response.output_text.delta",
                  "response.function_call_arguments.delta", "response.refusal.delta", "error",
                  "response.completed", "response.incomplete", "response.failed", "new"],
}  # fmt: skip

KEYS = (
    "type index message content content_block delta text partial_json stop_reason usage id name"
    " input input_tokens output_tokens output status model error response item output_index"
    " call_id arguments incomplete_details reason candidates parts functionCall args finishReason"
    " promptFeedback blockReason usageMetadata promptTokenCount responseId code details refusal"
).split()
WORDS = (
    "message text tool_use function_call completed incomplete end_turn STOP SAFETY refusal"
    " max_output_tokens json_answer \ud800"
).split(" ")

scalars = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(WORDS)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=12,
)
records = st.dictionaries(st.sampled_from(KEYS), values, max_size=6)


def spoken(name: str) -> Dialect:
    found = dialect(name.partition("-")[0])
    assert found is not None
    return found


def said(name: str, stream: bytes) -> list[Any]:
    translator = spoken(name).stream("m", include_usage=True)
    out = translator.feed(stream) + translator.end()
    assert translator.feed(stream) == b"" or b"[DONE]" not in out
    return [
        json.loads(block[6:]) if block != b"data: [DONE]" else "DONE"
        for block in out.split(b"\n\n")[:-1]
    ]


def event(payload: object) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


@pytest.mark.parametrize("name", TRANSLATED)
@given(payload=records)
def test_any_body_is_an_answer_or_a_value_error(name: str, payload: Any) -> None:
    body = json.dumps(payload).encode()
    try:
        answer = json.loads(spoken(name).answer(body, "m"))
    except ValueError:
        return
    assert answer["choices"][0]["finish_reason"] in {
        "stop",
        "length",
        "tool_calls",
        "content_filter",
    }


@pytest.mark.parametrize("name", TRANSLATED)
@given(data=st.data())
def test_any_events_are_chunks_or_an_error_after_which_nothing_comes(
    name: str, data: st.DataObject
) -> None:
    kinds = st.sampled_from(EVENTS[name])
    payloads = data.draw(st.lists(st.tuples(kinds, records), max_size=6))
    found = said(name, b"".join(event({**more, "type": kind}) for kind, more in payloads))
    errors = [place for place, chunk in enumerate(found) if "error" in chunk]
    assert errors in ([], [len(found) - 1])
    if "DONE" in found:
        assert found.index("DONE") == len(found) - 1
        assert any(chunk["choices"][0]["finish_reason"] for chunk in found[:-1] if chunk["choices"])


@pytest.mark.parametrize("name", TRANSLATED)
@given(
    status=st.integers(300, 599), body=st.binary() | records.map(lambda r: json.dumps(r).encode())
)
def test_any_error_has_a_message(name: str, status: int, body: bytes) -> None:
    error = json.loads(spoken(name).error(status, body))["error"]
    assert error["message"]
    assert error["type"]


@pytest.mark.parametrize("case", CASES)
def test_a_body_that_was_cut_off_is_no_answer(case: str) -> None:
    body = (DATA / f"{case}.json").read_bytes().rstrip()
    for end in range(0, len(body), 11):
        with pytest.raises(ValueError, match="not a JSON object"):
            spoken(case).answer(body[:end], "m")


@pytest.mark.parametrize("name", TRANSLATED)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"fine"',
        b"<html>busy</html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"error": {"message": "no"}}',
        b'{"choices": [{"message": {"content": "fine"}, "finish_reason": "stop"}]}',
        b'{"type": "message", "content": [], "stop_reason": null}',
        b'{"type": "message", "content": [], "stop_reason": "pause_turn"}',
        b'{"type": "message", "content": []}',
        b'{"type": "message", "content": [{"type": "tool_use"}], "stop_reason": "tool_use"}',
        b'{"candidates": []}',
        b'{"candidates": [{"content": {"parts": [{"text": "cut"}]}}]}',
        b'{"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}',
        b'{"output": [], "status": "failed", "error": {"message": "no"}}',
        b'{"output": [], "status": "in_progress"}',
        b'{"output": [], "status": "incomplete", "incomplete_details": {"reason": "new"}}',
    ],
)
def test_what_is_no_answer_is_not_made_one(name: str, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        spoken(name).answer(body, "m")
    assert json.loads(spoken(name).error(200, body))["error"]["message"]


@pytest.mark.parametrize("name", TRANSLATED)
@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: 7\n\n", b"data: [DONE]\n\n"])
def test_an_event_that_is_no_object_ends_the_stream_with_an_error(name: str, data: bytes) -> None:
    (error,) = said(name, data + event({"type": "message_stop"}))
    assert "made no sense" in error["error"]["message"]


@pytest.mark.parametrize("name", TRANSLATED)
@given(noise=st.binary(max_size=60), at=st.integers(0, 80))
def test_nonsense_means_the_same_wherever_it_is_cut(name: str, noise: bytes, at: int) -> None:
    data = b"data: " + noise + b"\n\n"
    whole, parts = (spoken(name).stream("m", include_usage=True) for _ in range(2))
    assert undated(whole.feed(data) + whole.end()) == undated(
        parts.feed(data[:at]) + parts.feed(data[at:]) + parts.end()
    )


def undated(out: bytes) -> bytes:
    return re.sub(rb'"created": \d+', b"", out)


@pytest.mark.parametrize("case", CASES)
def test_unknown_events_and_comments_change_nothing(case: str) -> None:
    stream = (DATA / f"{case}.sse").read_bytes()
    more = b": keep-alive\n\nevent: new\nid: 7\nretry: 3\n\n"
    if not case.startswith("google"):
        more += event({"type": "brand_new", "index": 9, "output_index": 9, "text": "no"})
    plain = [{**chunk, "created": 0} for chunk in said(case, stream)[:-1]]
    mixed = [
        {**chunk, "created": 0}
        for chunk in said(case, stream.replace(b"\n\n", b"\n\n" + more))[:-1]
    ]
    assert mixed == plain


@pytest.mark.parametrize(
    ("name", "payload", "kind", "code"),
    [
        (
            "anthropic",
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            "overloaded_error",
            None,
        ),
        (
            "google",
            {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}},
            "UNAVAILABLE",
            None,
        ),
        (
            "responses",
            {"type": "error", "code": "server_error", "message": "Overloaded"},
            "error",
            "server_error",
        ),
        (
            "responses",
            {"type": "error", "error": {"type": "server_error", "message": "Overloaded"}},
            "server_error",
            None,
        ),
        (
            "responses",
            {
                "type": "response.failed",
                "response": {"error": {"code": "server_error", "message": "Overloaded"}},
            },
            "upstream_error",
            "server_error",
        ),
    ],
)
def test_an_error_in_a_stream_is_an_error_event_and_the_last(
    name: str, payload: object, kind: str, code: str | None
) -> None:
    stream = (DATA / f"{name}-text.sse").read_bytes()
    half = b"\n\n".join(stream.split(b"\n\n")[: 6 if name == "responses" else 4]) + b"\n\n"
    *before, last = said(name, half + event(payload) + stream)
    assert last["error"]["message"] == "Overloaded"
    assert (last["error"]["type"], last["error"]["code"]) == (kind, code)
    assert before
    assert not any(choice["finish_reason"] for chunk in before for choice in chunk["choices"])


@pytest.mark.parametrize(
    ("name", "status", "error", "kind", "code"),
    [
        ("anthropic", 529, {"type": "overloaded_error", "message": "Overloaded"},
         "overloaded_error", None),
        ("anthropic", 401, {"type": "authentication_error", "message": "invalid x-api-key"},
         "authentication_error", "invalid_api_key"),
        ("anthropic", 429, {"type": "rate_limit_error", "message": "slow down"},
         "rate_limit_error", "rate_limit_exceeded"),
        ("anthropic", 404, {"type": "not_found_error", "message": "model: claude-9"},
         "not_found_error", "model_not_found"),
        ("anthropic", 404, {"type": "not_found_error", "message": "Not found"},
         "not_found_error", None),
        ("anthropic", 400, {"type": "invalid_request_error", "message":
         "Your credit balance is too low to access the API."},
         "invalid_request_error", "insufficient_quota"),
        ("google", 429, {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"},
         "RESOURCE_EXHAUSTED", "rate_limit_exceeded"),
        ("google", 404, {"code": 404, "message": "models/x is not found", "status": "NOT_FOUND"},
         "NOT_FOUND", "model_not_found"),
        ("google", 400, {"code": 400, "message": "API key not valid.",
         "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]},
         "INVALID_ARGUMENT", "invalid_api_key"),
        ("responses", 429, {"type": "tokens", "message": "slow", "code": "rate_limit_exceeded"},
         "tokens", "rate_limit_exceeded"),
    ],
)  # fmt: skip
def test_errors_keep_their_message_and_get_the_code_that_openai_would_give(
    name: str, status: int, error: dict[str, object], kind: str, code: str | None
) -> None:
    body = json.dumps({"type": "error", "error": error}).encode()
    told = json.loads(spoken(name).error(status, body))["error"]
    assert told == {"message": error["message"], "type": kind, "param": None, "code": code}


def test_an_error_may_come_in_a_list_or_as_plain_text() -> None:
    listed = json.dumps([{"error": {"message": "busy", "status": "UNAVAILABLE"}}]).encode()
    assert json.loads(spoken("google").error(503, listed))["error"]["message"] == "busy"
    for name in TRANSLATED:
        plain = json.loads(spoken(name).error(502, b"<h1>Bad\n gateway</h1>"))["error"]
        assert plain["message"] == "<h1>Bad gateway</h1>"
        assert json.loads(spoken(name).error(502, b""))["error"]["message"] == "status 502"


def test_a_long_event_in_many_small_pieces_is_read_in_no_time() -> None:
    reader = sse.Reader()
    for _ in range(200_000):
        assert reader.feed(b"data: " if _ == 0 else b"xxxxxxxxxx") == []
    (event,) = reader.feed(b"\n\n")
    assert len(event) == 1_999_990


def test_half_a_character_pair_passes() -> None:
    events = [
        {"type": "message_start", "message": {"id": "m"}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "\ud83d"},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "\ude00"},
        },
    ]
    found = said("anthropic", b"".join(event(payload) for payload in events))
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in found)
    assert text.encode("utf-16", "surrogatepass").decode("utf-16") == "😀"


def test_text_that_comes_with_the_beginning_of_a_block_is_not_lost() -> None:
    start = {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": "a"},
    }
    (chunk,) = said("anthropic", event(start))
    assert chunk["choices"][0]["delta"] == {"content": "a"}
