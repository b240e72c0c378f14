"""A vendor's own SDK and our client read the same bytes from a loopback server, and agree."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway_client import Endpoint, GatewayClient
from gateway_client.dialects import TRANSLATED
from gateway_client.testing import Reply, ScriptedGateway

MakeClient = Callable[..., GatewayClient]
MakeEndpoint = Callable[..., Endpoint]

DATA = Path(__file__).parent / "data" / "dialects"
GREETING = "Grüße aus 東京 🗼\n\nzweite Zeile"
HELLO: list[Any] = [{"role": "user", "content": "hello"}]
PATHS = {
    "anthropic": ("/v1/messages",) * 2,
    "google": (
        "/v1/models/small:generateContent",
        "/v1/models/small:streamGenerateContent?alt=sse",
    ),
    "responses": ("/v1/responses",) * 2,
}


def whole(case: str) -> Reply:
    return Reply(body=(DATA / f"{case}.json").read_bytes())


def streamed(case: str) -> Reply:
    stream = (DATA / f"{case}.sse").read_bytes()
    return Reply(events=tuple(stream[n : n + 90] for n in range(0, len(stream), 90)))


async def by_anthropics_sdk(gateway: ScriptedGateway) -> AsyncIterator[str]:
    anthropic = pytest.importorskip("anthropic")
    url = gateway.base_url.removesuffix("/v1")
    asked = {"model": "claude-sonnet-5-5", "max_tokens": 99, "messages": HELLO}
    async with anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0) as client:
        message = await client.messages.create(**asked)
        yield "".join(block.text for block in message.content if block.type == "text")
        async with client.messages.stream(**asked) as stream:
            final = await stream.get_final_message()
        yield "".join(block.text for block in final.content if block.type == "text")
        assert final.usage.output_tokens == 40


async def by_googles_sdk(gateway: ScriptedGateway) -> AsyncIterator[str]:
    genai = pytest.importorskip("google.genai")
    url = gateway.base_url.removesuffix("/v1")
    options = genai.types.HttpOptions(base_url=url, api_version="v1")
    asked = {"model": "small", "contents": "hello"}
    async with genai.Client(api_key="k", http_options=options).aio as client:
        answer = await client.models.generate_content(**asked)
        yield answer.text
        stream = await client.models.generate_content_stream(**asked)
        yield "".join([chunk.text or "" async for chunk in stream])


async def by_openais_sdk(gateway: ScriptedGateway) -> AsyncIterator[str]:
    url = gateway.base_url
    async with openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client:
        answer = await client.responses.create(model="small", input="hello")
        yield answer.output_text
        async with client.responses.stream(model="small", input="hello") as stream:
            yield (await stream.get_final_response()).output_text


@pytest.mark.parametrize(
    ("name", "by_its_sdk"),
    [
        ("anthropic", by_anthropics_sdk),
        ("google", by_googles_sdk),
        ("responses", by_openais_sdk),
    ],
)
@pytest.mark.filterwarnings("ignore:Inheritance class Aiohttp:DeprecationWarning")  # Google's own
async def test_the_vendors_own_sdk_reads_what_our_loopback_vendor_says(
    name: str, by_its_sdk: Callable[[ScriptedGateway], AsyncIterator[str]]
) -> None:
    async with ScriptedGateway([whole(f"{name}-text"), streamed(f"{name}-text")]) as vendor:
        assert [text async for text in by_its_sdk(vendor)] == [GREETING, GREETING]
        paths = [asked.path.replace("claude-sonnet-5-5", "small") for asked in vendor.asked]
    assert tuple(paths) == PATHS[name]


@pytest.mark.parametrize("name", TRANSLATED)
async def test_our_client_reads_the_same_and_asks_as_the_sdk_does(
    name: str, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([whole(f"{name}-text"), streamed(f"{name}-text")]) as vendor,
        client(endpoint("vendor", vendor, "k-1", dialect=name)) as gateway,
    ):
        assert await gateway.complete("hello") == GREETING
        stream = await gateway.openai().chat.completions.create(
            model="auto", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert chunks.pop().usage is not None
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == GREETING
        entries = gateway.ledger.entries
    assert tuple(asked.path for asked in vendor.asked) == PATHS[name]
    for asked in vendor.asked:
        assert "k-1" in {value.removeprefix("Bearer ") for value in asked.headers.values()}
    found = {(entry.input_tokens, entry.output_tokens, entry.estimated) for entry in entries}
    assert found == {(20, 40, False)}


@pytest.mark.parametrize("name", TRANSLATED)
async def test_a_chat_model_calls_tools_and_sends_their_results_back(
    name: str, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    tools: list[Any] = [
        {"type": "function", "function": {"name": word, "parameters": {"type": "object"}}}
        for word in ("weather", "now")
    ]
    script = [whole(f"{name}-tools"), streamed(f"{name}-tools"), whole(f"{name}-text")]
    async with (
        ScriptedGateway(script) as vendor,
        client(endpoint("vendor", vendor, "k-1", dialect=name)) as gateway,
    ):
        model = gateway.chat_model().bind_tools(tools)
        first = await model.ainvoke("hello")
        parts = [chunk async for chunk in model.astream("hello")]
        second: Any = parts[0]
        for part in parts[1:]:
            second += part
        calls = [(call["name"], call["args"]) for call in first.tool_calls]
        assert calls == [("weather", {"city": "Zürich", "days": 2}), ("now", {})]
        assert [(call["name"], call["args"]) for call in second.tool_calls] == calls
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": "fine"}
            for call in first.tool_calls
        ]
        assert (await model.ainvoke(["hello", first, *results])).content == GREETING
    sent = json.dumps(vendor.asked[-1].payload)
    assert all(sent.count(str(call["id"])) == 2 for call in first.tool_calls)


@pytest.mark.parametrize("name", TRANSLATED)
async def test_a_vendor_that_fails_in_its_own_words_is_failed_over(
    name: str, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    overloaded = {
        "anthropic": {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}},
        "google": {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}},
        "responses": {"type": "error", "code": "server_error", "message": "busy"},
    }[name]
    event = b"data: " + json.dumps(overloaded).encode() + b"\n\n"
    failing = [Reply(status=503, body=json.dumps(overloaded).encode()), Reply(events=(event,))]
    async with (
        ScriptedGateway(failing) as vendor,
        ScriptedGateway(["plain", "plain"]) as other,
        client(
            endpoint("vendor", vendor, "k-1", dialect=name, weight=9), endpoint("other", other)
        ) as gateway,
    ):
        for _ in range(2):
            stream = await gateway.openai().chat.completions.create(
                model="auto", messages=HELLO, stream=True
            )
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
            assert text.strip() == "plain"
    assert vendor.asked


@pytest.mark.parametrize("name", TRANSLATED)
async def test_a_stream_that_breaks_off_is_an_error_for_the_caller(
    name: str, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    stream = (DATA / f"{name}-text.sse").read_bytes()
    cut = stream[: stream.index("東京".encode())]
    async with (
        ScriptedGateway([Reply(events=(cut,), pace=0.05)]) as vendor,
        client(endpoint("vendor", vendor, "k-1", dialect=name)) as gateway,
    ):
        answer = await gateway.openai().chat.completions.create(
            model="auto", messages=HELLO, stream=True
        )
        with pytest.raises(openai.APIError, match="broke off"):
            [chunk async for chunk in answer]


def test_a_dialect_loads_only_itself_and_the_package_none() -> None:
    import subprocess
    import sys

    for name in TRANSLATED:
        code = (
            "import sys, gateway_client; gateway_client.Config; gateway_client.GatewayClient\n"
            "assert not any(m.startswith('gateway_client.dialects') for m in sys.modules)\n"
            f"from gateway_client import dialects; dialects.dialect({name!r})\n"
            "print(*sorted(m.split('.')[2] for m in sys.modules if m.count('.') == 2"
            " and m.startswith('gateway_client.dialects.')))\n"
            "assert not {'anthropic', 'google.genai', 'pydantic', 'openai'} & set(sys.modules)"
        )
        done = subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert {*TRANSLATED} & set(done.stdout.split()) == {name}
