"""The gateway as a server: real clients, a real socket, and the same guarantees."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
import openai
import pytest
import uvicorn
from langchain_openai import ChatOpenAI

from gateway_client import Endpoint, GatewayClient
from gateway_client.errors import ConfigInvalid
from gateway_client.serve import application, key_from, opened, settings
from gateway_client.testing import Reply, ScriptedGateway

MakeClient = Callable[..., GatewayClient]
MakeEndpoint = Callable[..., Endpoint]

LONG = Reply(" ".join(["word"] * 500), pace=0.01)


@asynccontextmanager
async def served(client: GatewayClient, **options: object) -> AsyncIterator[str]:
    """Serve on a free port and give the address, without /v1."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        app = application(client, **options)  # type: ignore[arg-type] # any option of it
        server = uvicorn.Server(settings(app))
        running = asyncio.ensure_future(server.serve(sockets=[listening]))
        await until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await running


def sdk(url: str, key: str = "any") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


async def written(client: openai.AsyncOpenAI) -> str:
    stream = await client.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": "hello"}], stream=True
    )
    return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - what is waited for knows nothing of events
            await asyncio.sleep(0.01)


async def test_the_openai_client_is_answered_whole_and_streamed_and_failover_is_invisible(
    client: MakeClient, endpoint: MakeEndpoint
) -> None:
    behind: list[Reply | str] = [
        Reply(status=500, body=b"{}"),
        "first",
        Reply(drop=True),
        "second one",
    ]
    async with ScriptedGateway(behind) as gateway:
        ours = client(endpoint("e", gateway, "k-1", "k-2"))
        async with served(ours) as url, sdk(url) as asking:
            raw = await asking.chat.completions.with_raw_response.create(
                model="auto",
                messages=[{"role": "user", "content": "hello"}],
                extra_headers={"x-gw-task": "outline"},
            )
            assert raw.parse().choices[0].message.content == "first"
            assert raw.headers["x-gw-attempts"] == "2"
            assert raw.headers["x-gw-reason"].startswith("task outline")
            assert (await written(asking)).split() == ["second", "one"]
    assert [entry.task for entry in ours.ledger.entries] == ["outline", ""]
    assert {asked.key for asked in gateway.asked} <= {"k-1", "k-2"}


async def test_langchain_is_answered_whole_and_streamed(
    client: MakeClient, endpoint: MakeEndpoint
) -> None:
    async with (
        ScriptedGateway(["three plain words"]) as gateway,
        served(client(endpoint("e", gateway)), key="sk-ours") as url,
        httpx2.AsyncClient() as http,
    ):
        model = ChatOpenAI(
            model="auto", base_url=f"{url}/v1", api_key="sk-ours",
            http_async_client=http, max_retries=0, use_responses_api=False,
        )  # fmt: skip
        assert (await model.ainvoke("hello")).text == "three plain words"
        words = [part.text async for part in model.astream("hello")]
    assert "".join(words).split() == ["three", "plain", "words"]
    assert all(asked.key == "" for asked in gateway.asked)


@pytest.mark.parametrize("said", ["", "Bearer wrong", "Bearer sk-right-and-more", "sk-right"])
async def test_a_wrong_key_is_401_and_nothing_is_asked(
    client: MakeClient, endpoint: MakeEndpoint, said: str
) -> None:
    async with (
        ScriptedGateway() as gateway,
        served(client(endpoint("e", gateway)), key="sk-right") as url,
        httpx2.AsyncClient(headers={"authorization": said}) as http,
    ):
        for path in ("/chat/completions", "/embeddings", "/images/generations"):
            answer = await http.post(f"{url}/v1{path}", json={"messages": []})
            assert answer.status_code == 401
            assert "sk-right" not in answer.text
        assert (await http.get(f"{url}/v1/models")).status_code == 401
        assert (await http.get(f"{url}/health")).json() == {"status": "ok"}
    assert gateway.asked == []


async def test_without_a_key_web_pages_are_refused(
    client: MakeClient, endpoint: MakeEndpoint
) -> None:
    async with (
        ScriptedGateway() as gateway,
        served(client(endpoint("e", gateway))) as url,
        httpx2.AsyncClient(headers={"origin": "http://evil.example"}) as http,
    ):
        answer = await http.post(f"{url}/v1/chat/completions", json={"messages": []})
    assert answer.status_code == 403
    assert gateway.asked == []


async def test_who_hangs_up_in_the_middle_of_a_stream_is_settled_once(
    client: MakeClient, endpoint: MakeEndpoint
) -> None:
    async with ScriptedGateway([LONG]) as gateway:
        ours = client(endpoint("e", gateway))
        async with served(ours) as url, sdk(url) as asking:
            stream = await asking.chat.completions.create(
                model="auto", messages=[{"role": "user", "content": "hello"}], stream=True
            )
            await anext(aiter(stream))
            await stream.close()
            await until(lambda: len(ours.ledger.entries) == 1)
    (entry,) = ours.ledger.entries
    assert entry.estimated
    assert entry.output_tokens < 500


async def test_who_hangs_up_before_the_answer_is_settled_once(
    client: MakeClient, endpoint: MakeEndpoint
) -> None:
    async with ScriptedGateway([Reply(stall=30)]) as gateway:
        ours = client(endpoint("e", gateway))
        async with served(ours) as url, httpx2.AsyncClient(timeout=0.3) as http:
            with pytest.raises(httpx2.ReadTimeout):
                await http.post(f"{url}/v1/chat/completions", json={"messages": []})
            await until(lambda: len(ours.ledger.entries) == 1)
    assert len(gateway.asked) == 1


async def test_too_large_a_body_is_413(client: MakeClient, endpoint: MakeEndpoint) -> None:
    async with ScriptedGateway() as gateway:
        ours = client(endpoint("e", gateway))
        async with served(ours, most_body_bytes=100) as url, httpx2.AsyncClient() as http:
            answer = await http.post(f"{url}/v1/chat/completions", content=b"x" * 101)
    assert answer.status_code == 413
    assert gateway.asked == []


async def test_errors_come_in_openai_form_whether_said_or_met(
    client: MakeClient, endpoint: MakeEndpoint
) -> None:
    nowhere = endpoint("e", "http://127.0.0.1:9/v1")
    async with served(client(nowhere)) as url, sdk(url) as asking:
        with pytest.raises(openai.InternalServerError, match="cannot be reached"):
            await asking.chat.completions.create(
                model="auto", messages=[{"role": "user", "content": "hello"}]
            )
        with pytest.raises(openai.BadRequestError, match="not a JSON object"):
            await asking.post("/chat/completions", cast_to=object, body=[1])


async def test_models_are_those_of_all_endpoints_after_the_routed_names(
    client: MakeClient, endpoint: MakeEndpoint
) -> None:
    async with ScriptedGateway(models=["a"]) as one, ScriptedGateway(models=["b"]) as two:
        ours = client(endpoint("one", one), endpoint("two", two))
        async with served(ours) as url, sdk(url) as asking:
            listed = [model.id async for model in asking.models.list()]
    assert listed == ["auto", "light", "deep", "long", "a", "b"]


async def test_embeddings_and_pictures_go_through(
    client: MakeClient, endpoint: MakeEndpoint
) -> None:
    def answer(asked: object) -> Reply:
        data = [{"object": "embedding", "index": 0, "embedding": [0.5]}]
        return Reply(body=json.dumps({"object": "list", "data": data, "model": "m"}).encode())

    async with (
        ScriptedGateway(answer) as gateway,
        served(client(endpoint("e", gateway))) as url,
        sdk(url) as asking,
    ):
        made = await asking.embeddings.create(model="m", input="x", encoding_format="float")
        await asking.images.generate(model="mine", prompt="a hill")
    assert made.data[0].embedding == [0.5]
    paths = [asked.path for asked in gateway.asked]
    assert paths == ["/v1/embeddings", "/v1/images/generations"]


def test_other_hosts_need_a_key_and_keys_are_never_on_the_command_line() -> None:
    with pytest.raises(ConfigInvalid, match="GATEWAY_SERVE_KEY"):
        opened("0.0.0.0", 0, "")
    opened("0.0.0.0", 0, "sk-ours").close()
    with pytest.raises(ConfigInvalid, match="env:NAME") as refused:
        key_from("sk-plain", {})
    assert "sk-plain" not in str(refused.value)
    with pytest.raises(ConfigInvalid, match="which is not set"):
        key_from("env:MISSING", {})
    assert key_from("env:MINE", {"MINE": "a"}) == key_from(None, {"GATEWAY_SERVE_KEY": "a"}) == "a"


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with opened("127.0.0.1", 0, "") as first:
        port = first.getsockname()[1]
        with pytest.raises(ConfigInvalid, match=f"127.0.0.1:{port} .*in use"):
            opened("127.0.0.1", port, "")


async def test_bytes_written_by_hand_are_answered_as_they_come(
    client: MakeClient, endpoint: MakeEndpoint
) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "hello"}], "stream": True}).encode()
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    async with (
        ScriptedGateway(["two words"]) as gateway,
        served(client(endpoint("e", gateway))) as url,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        pieces = [body[:10], body[10:]]
        sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        writer.write(head + sent + b"0\r\n\r\n")
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"x-gw-model: small" in answer
    assert b"data: [DONE]" in answer


async def test_the_command_serves_and_stops_gracefully_on_sigterm() -> None:
    async with ScriptedGateway([Reply("one two three four", pace=0.2)]) as gateway:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway_client", "serve", "--port", "0",
            env={"PATH": os.environ["PATH"], "GATEWAY_BASE_URL": gateway.base_url,
                 "GATEWAY_API_KEY": "sk-canary", "GATEWAY_SERVE_KEY": "sk-ours"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        url = (await asyncio.wait_for(process.stderr.readline(), 10)).decode().strip()
        async with sdk(url.removesuffix("/v1"), "sk-ours") as asking:
            reading = asyncio.ensure_future(written(asking))
            await until(lambda: bool(gateway.asked))
            process.send_signal(signal.SIGTERM)
            assert (await reading).split() == ["one", "two", "three", "four"]
        out, err = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0, err
    assert b"sk-" not in out + err
    assert b"hello" not in out + err


async def test_a_reader_who_does_not_read_holds_the_endpoint_back(
    client: MakeClient, endpoint: MakeEndpoint
) -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "x" * 65_536}}]}
    flood = Reply(events=(f"data: {json.dumps(chunk)}\n\n".encode(),), endless=True)
    async with ScriptedGateway([flood]) as gateway:
        ours = client(endpoint("e", gateway))
        async with served(ours) as url, httpx2.AsyncClient() as http:
            body = {"messages": [{"role": "user", "content": "hello"}], "stream": True}
            async with http.stream("POST", f"{url}/v1/chat/completions", json=body):
                await asyncio.sleep(1)
            await until(lambda: len(ours.ledger.entries) == 1)
    assert ours.ledger.entries[0].output_tokens < 8_000_000


def test_without_the_extra_one_line_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from gateway_client.commands import gateway; gateway(['serve'])"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "GATEWAY_BASE_URL": "http://127.0.0.1:9/v1"},
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert 'pip install "deep-research-agent[serve]"' in line
