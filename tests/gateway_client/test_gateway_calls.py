"""What callers may send: completions in one line, tags, lanes, and nonsense that is refused."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from gateway_client import (
    AnswerUnusable,
    Endpoint,
    KeyRefused,
    NoModel,
    RequestRefused,
    WrongModality,
    telemetry,
)
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway_client import GatewayClient

    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]

URL = "http://gateway.invalid/v1"
CHAT = f"{URL}/chat/completions"
SAID = "a very private prompt"


async def test_complete_is_a_prompt_in_and_a_text_out(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with ScriptedGateway(["fine"]) as one, client(endpoint("one", one)) as gateway:
        assert await gateway.complete("hello", task="write", temperature=0) == "fine"
        told = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]
        assert await gateway.complete(told, model="small") == "fine"
        assert list(gateway.ledger.by_task()) == ["write", ""]
    assert one.asked[0].payload["temperature"] == 0
    assert one.asked[1].payload["messages"] == told


async def test_complete_raises_our_own_errors(endpoint: MakeEndpoint, client: MakeClient) -> None:
    script = [Reply(body=b'{"choices": [{"message": {"content": null}}]}'), Reply.failure(401)]
    async with ScriptedGateway(script) as one, client(endpoint("one", one, "k-1")) as gateway:
        with pytest.raises(AnswerUnusable):
            await gateway.complete("hello")
        with pytest.raises(KeyRefused):
            await gateway.complete("hello")


async def test_a_task_may_be_tagged_in_the_body_and_is_not_sent_on(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with ScriptedGateway() as one, client(endpoint("one", one)) as gateway:
        answer = await gateway.openai().chat.completions.with_raw_response.create(
            model="small",
            messages=[{"role": "user", "content": "hello"}],
            extra_body={"x_gw_task": "write"},
        )
        (entry,) = gateway.ledger.entries
    assert entry.task == "write"
    assert answer.headers["x-gw-endpoint"] == "one"
    assert "x_gw_task" not in one.asked[0].payload


@pytest.mark.parametrize("body", [b"", b"hello", b"[1]", b'{"a": ', b"\xff\xfe"])
async def test_a_body_that_is_no_json_object_is_refused_before_anyone_is_asked(
    body: bytes, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with ScriptedGateway() as one, client(endpoint("one", one)) as gateway:
        answer = await gateway.http_client.post(CHAT, content=body)
    assert answer.status_code == 400
    assert isinstance(answer.extensions["gateway_error"], RequestRefused)
    assert "not a JSON object" in answer.text
    assert one.asked == []


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/chat/completions", "gpt-image-1.5"),
        ("/chat/completions", "sora-2"),
        ("/images/generations", "gpt-5.2"),
        ("/images/generations", "veo-3"),
        ("/videos", "gemini-3-pro"),
    ],
)
async def test_a_model_is_not_asked_for_what_it_does_not_make(
    path: str, model: str, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with ScriptedGateway() as one, client(endpoint("one", one)) as gateway:
        answer = await gateway.http_client.post(URL + path, json={"model": model, "prompt": "x"})
    assert answer.status_code == 400
    assert isinstance(answer.extensions["gateway_error"], WrongModality)
    assert one.asked == []


async def test_a_caller_may_say_who_has_to_answer(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway() as one,
        ScriptedGateway() as two,
        client(endpoint("one", one, "key-1", "key-2"), endpoint("two", two)) as gateway,
    ):
        for _ in range(4):
            answer = await gateway.http_client.get(f"{URL}/models", headers={"x-gw-lane": "one#2"})
            assert answer.headers["x-gw-lane"] == "one#2"
        answer = await gateway.http_client.get(f"{URL}/models", headers={"x-gw-lane": "three"})
        assert isinstance(answer.extensions["gateway_error"], NoModel)
    assert [asked.key for asked in one.asked] == ["key-2"] * 4


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Any:
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("gateway_client")
    monkeypatch.setattr(telemetry, "_tracer", lambda: tracer)
    return exporter


async def test_every_call_is_one_span_and_one_record_without_texts_and_keys(
    endpoint: MakeEndpoint,
    client: MakeClient,
    spans: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="gateway_client.calls")
    script = [Reply("fine"), Reply("one two"), Reply.failure(401, "sk-canary")]
    body = {"model": "auto", "messages": [{"role": "user", "content": SAID}]}
    async with ScriptedGateway(script) as one, client(endpoint("one", one, "sk-canary")) as gateway:
        await gateway.http_client.post(CHAT, json=body)
        await gateway.http_client.post(CHAT, json={**body, "stream": True})
        await gateway.http_client.post(CHAT, json=body)
    good, streamed, bad = spans.get_finished_spans()
    assert good.name == "chat auto"
    assert dict(good.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "auto",
        "gen_ai.response.model": "small",
        "gen_ai.usage.input_tokens": 4,
        "gen_ai.usage.output_tokens": 1,
        "server.address": "127.0.0.1",
        "server.port": int(one.base_url.rpartition(":")[2].removesuffix("/v1")),
    }
    assert (streamed.attributes or {})["gen_ai.usage.output_tokens"] == 2
    assert (bad.attributes or {})["error.type"] == "KeyRefused"
    assert not bad.status.is_ok
    records = [record for record in caplog.records if record.name == "gateway_client.calls"]
    assert [vars(record)["gw_error"] for record in records] == ["", "", "KeyRefused"]
    assert vars(records[0])["gw_usd"] == "0.000016"
    told = repr([vars(record) for record in records])
    told += repr([span.to_json() for span in spans.get_finished_spans()])
    assert SAID not in told
    assert "sk-canary" not in told
