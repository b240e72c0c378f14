"""What vendors answer, whole or streamed, is one and the same answer in Chat Completions.

The data are answers in the form the vendors' own SDKs read, which is checked here as well.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gateway_client.dialects import Dialect, dialect

DATA = Path(__file__).parent / "data" / "dialects"
CASES = sorted(path.stem for path in DATA.glob("*.json"))

GREETING = "Grüße aus 東京 🗼\n\nzweite Zeile"
WEATHER = ("weather", {"city": "Zürich", "days": 2})


def spoken(case: str) -> Dialect:
    found = dialect(case.partition("-")[0])
    assert found is not None
    return found


def whole(case: str) -> ChatCompletion:
    body = (DATA / f"{case}.json").read_bytes()
    return ChatCompletion.model_validate_json(spoken(case).answer(body, "asked-for"), strict=True)


def pieces(case: str) -> bytes:
    return (DATA / f"{case}.sse").read_bytes()


def translated(case: str, parts: list[bytes], *, include_usage: bool = True) -> bytes:
    translator = spoken(case).stream("asked-for", include_usage=include_usage)
    return b"".join(translator.feed(part) for part in parts) + translator.end()


def events(stream: bytes) -> list[dict[str, Any]]:
    *blocks, rest = stream.split(b"\n\n")
    assert rest == b""
    assert blocks.pop() == b"data: [DONE]"
    return [json.loads(block.removeprefix(b"data: ")) for block in blocks]


def undated(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**event, "created": 0} for event in said]


def gathered(case: str) -> ChatCompletion:
    """Let the openai SDK put the chunks together again."""
    state = ChatCompletionStreamState()
    for event in events(translated(case, [pieces(case)])):
        chunk = ChatCompletionChunk.model_validate(event, strict=True)
        state.handle_chunk(chunk)
    return state.current_completion_snapshot


def essence(answer: ChatCompletion) -> dict[str, Any]:
    (choice,) = answer.choices
    message = choice.message
    usage = answer.usage.model_dump(exclude_none=True) if answer.usage else None
    calls = [
        (call.id, call.function.name, json.loads(call.function.arguments))
        for call in message.tool_calls or []
        if call.type == "function"
    ]
    ids = (answer.id, answer.model)
    said = (message.content or None, message.refusal)
    return {"ids": ids, "said": said, "calls": calls, "end": choice.finish_reason, "usage": usage}


@pytest.mark.parametrize("case", CASES)
def test_a_streamed_answer_is_the_whole_answer(case: str) -> None:
    assert essence(gathered(case)) == essence(whole(case))


@pytest.mark.parametrize("case", CASES)
@given(data=st.data())
def test_a_stream_says_the_same_however_it_is_cut(case: str, data: st.DataObject) -> None:
    stream = pieces(case)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=30).map(sorted))
    parts = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert undated(events(translated(case, parts))) == undated(events(translated(case, [stream])))


@pytest.mark.parametrize("case", CASES)
def test_it_may_come_byte_by_byte_with_any_line_ends_and_without_the_last_of_them(
    case: str,
) -> None:
    stream = pieces(case)
    expected = undated(events(translated(case, [stream])))
    for same in (stream, stream.replace(b"\n", b"\r\n"), stream.rstrip(b"\n")):
        parts = [same[n : n + 1] for n in range(len(same))]
        assert undated(events(translated(case, parts))) == expected


@pytest.mark.parametrize("case", CASES)
def test_a_stream_that_breaks_off_never_looks_finished(case: str) -> None:
    stream = pieces(case)
    last = stream.rstrip().rfind(b"\n\n")
    before_the_end = stream[: stream.rfind(b"\n\n", 0, last)] if "google" not in case else b""
    for end in range(0, len(before_the_end), 7):
        assert b"[DONE]" not in translated(case, [stream[:end]])
        assert b'"finish_reason": "' not in translated(case, [stream[:end]])


@pytest.mark.parametrize("case", CASES)
def test_usage_is_a_chunk_of_its_own_and_only_if_wanted(case: str) -> None:
    told = events(translated(case, [pieces(case)]))
    untold = events(translated(case, [pieces(case)], include_usage=False))
    assert undated(told[:-1]) == undated(untold)
    assert told[-1]["choices"] == []
    assert told[-1]["usage"]["prompt_tokens"] == 20


@pytest.mark.parametrize("vendor", ["anthropic", "google", "responses"])
def test_text_ids_and_all_tokens_are_kept(vendor: str) -> None:
    answer = whole(f"{vendor}-text")
    (choice,) = answer.choices
    assert choice.message.content == GREETING
    assert choice.finish_reason == "stop"
    assert answer.id in {"msg_01Xy", "aBcD", "resp_0a1"}
    assert answer.model in {"claude-sonnet-5-5", "gemini-3-flash", "gpt-5.6-2026-08-01"}
    usage = answer.usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (20, 40, 60)
    assert usage.prompt_tokens_details.cached_tokens == 5
    assert usage.completion_tokens_details.reasoning_tokens == 9


@pytest.mark.parametrize(
    ("vendor", "ids"),
    [
        ("anthropic", ("toolu_01A", "toolu_01B")),
        ("google", (None, "fc-2")),  # the first call came without an id, so one was made
        ("responses", ("call_A", "call_B")),
    ],
)
def test_parallel_calls_have_ids_and_objects_as_arguments(
    vendor: str, ids: tuple[str | None, str]
) -> None:
    found = essence(whole(f"{vendor}-tools"))
    assert found["said"] == ("Let me look.", None)
    assert [call[1:] for call in found["calls"]] == [WEATHER, ("now", {})]
    first, second = (call[0] for call in found["calls"])
    assert (first, second) == (ids[0] or first, ids[1])
    assert first
    assert found["end"] == "tool_calls"


@pytest.mark.parametrize(
    ("case", "end", "said"),
    [
        ("anthropic-length", "length", ("It goes on and", None)),
        ("google-length", "length", ("It goes on and", None)),
        ("responses-length", "length", ("It goes on and", None)),
        ("anthropic-blocked", "content_filter", (None, "This could do harm.")),
        ("google-blocked", "content_filter", (None, "This could do harm.")),
        ("responses-blocked", "content_filter", (None, None)),
        ("responses-refused", "stop", (None, "This could do harm.")),
        ("anthropic-json", "stop", ('{"answer": [1, {"x": "ü"}]}', None)),
    ],
)
def test_an_end_has_the_reason_that_openai_would_give(
    case: str, end: str, said: tuple[str | None, str | None]
) -> None:
    found = essence(whole(case))
    assert (found["end"], found["said"]) == (end, said)


def test_a_signature_comes_with_its_call_whole_and_streamed() -> None:
    signed = {"google": {"thought_signature": "c2lnbmVk"}}
    body = (DATA / "google-tools.json").read_bytes()
    message = json.loads(spoken("google-tools").answer(body, "m"))["choices"][0]["message"]
    assert message["tool_calls"][0]["extra_content"] == signed
    assert "extra_content" not in message["tool_calls"][1]
    stream = events(translated("google-tools", [pieces("google-tools")]))
    deltas = [choice["delta"] for event in stream for choice in event["choices"]]
    first, _ = [call for delta in deltas for call in delta.get("tool_calls", [])]
    assert first["extra_content"] == signed


def sent(case: str) -> list[Any]:
    lines = pieces(case).decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


@pytest.mark.parametrize("case", [case for case in CASES if "anthropic" in case])
def test_anthropics_sdk_reads_the_data(case: str) -> None:
    types = pytest.importorskip("anthropic.types")
    types.Message.model_validate_json((DATA / f"{case}.json").read_bytes(), strict=True)
    event = TypeAdapter(types.RawMessageStreamEvent)
    for said in sent(case):
        if said["type"] != "ping":
            event.validate_python(said, strict=True)


@pytest.mark.parametrize("case", [case for case in CASES if "google" in case])
def test_googles_sdk_reads_the_data(case: str) -> None:
    types = pytest.importorskip("google.genai.types")
    for said in [json.loads((DATA / f"{case}.json").read_bytes()), *sent(case)]:
        types.GenerateContentResponse.model_validate(said)  # which forbids what it does not know


@pytest.mark.parametrize("case", [case for case in CASES if "responses" in case])
def test_openais_sdk_reads_the_data(case: str) -> None:
    Response.model_validate_json((DATA / f"{case}.json").read_bytes(), strict=True)
    event: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    for said in sent(case):
        event.validate_python(said, strict=True)
