"""Whatever carries the bytes, calls go the same way."""

from __future__ import annotations

import asyncio
import gzip
import socket
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

from gateway_client import Endpoint, GatewayClient, TimedOut, Unreachable
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway_client.testing import FakeTime

    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]
    Network = Callable[[], httpx2.AsyncBaseTransport]


def by_aiohttp() -> httpx2.AsyncBaseTransport:
    pytest.importorskip("aiohttp")
    from gateway_client.families.aiohttp_transport import AiohttpTransport

    return AiohttpTransport()


networks = pytest.mark.parametrize("network", [httpx2.AsyncHTTPTransport, by_aiohttp])


@pytest.fixture
def over(fake_time: FakeTime, client: MakeClient) -> Any:
    def make(network: Network, *endpoints: Endpoint, **policy: object) -> GatewayClient:
        config = client(*endpoints, **policy).config
        return GatewayClient(config, clock=fake_time, sleep=fake_time.sleep, inner=network())

    return make


async def read(gateway: GatewayClient) -> str:
    stream = await gateway.openai().chat.completions.create(
        model="auto", messages=[{"role": "user", "content": "hello"}], stream=True
    )
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


@networks
async def test_answers_streams_and_faults_arrive(
    network: Network, endpoint: MakeEndpoint, over: Any
) -> None:
    packed = gzip.compress(b'{"choices": [{"message": {"content": "packed"}}]}')
    script = [
        Reply(drop=True),
        Reply(cut=True),
        Reply("fine"),
        Reply("one two"),
        Reply(body=packed, headers={"content-encoding": "gzip"}),
    ]
    async with (
        ScriptedGateway(script) as one,
        over(network, endpoint("one", one, "k-1")) as gateway,
    ):
        assert await gateway.complete("hello") == "fine"
        assert await read(gateway) == "one two "
        assert await gateway.complete("hello") == "packed"
    assert {asked.key for asked in one.asked} == {"k-1"}
    assert {asked.headers["host"] for asked in one.asked} == {
        one.base_url.removeprefix("http://").removesuffix("/v1")
    }


@networks
async def test_a_large_body_is_sent_whole(
    network: Network, endpoint: MakeEndpoint, over: Any
) -> None:
    text = "x" * 3_000_000
    async with ScriptedGateway() as one, over(network, endpoint("one", one)) as gateway:
        body = {"model": "small", "input": text}
        answer = await gateway.http_client.post("http://x/v1/responses", json=body)
        assert answer.status_code == 200
    assert one.asked[0].payload["input"] == text


@networks
async def test_silence_and_a_closed_door_are_told_apart(
    network: Network, endpoint: MakeEndpoint, over: Any
) -> None:
    async with (
        ScriptedGateway([Reply(stall=30)]) as one,
        over(network, endpoint("one", one), read_seconds=0.05, attempts=1) as gateway,
    ):
        with pytest.raises(TimedOut):
            await gateway.complete("hello")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    async with over(network, endpoint("dead", url), attempts=1) as gateway:
        with pytest.raises(Unreachable):
            await gateway.complete("hello")


async def test_plain_httpx_clients_are_served_by_the_same_network(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    script = [Reply(drop=True), Reply("one two")]
    async with ScriptedGateway(script) as one, client(endpoint("one", one)) as gateway:
        transport = gateway.transport(httpx)
        async with httpx.AsyncClient(transport=transport) as plain:  # type: ignore[arg-type] # made for it
            body = {"model": "auto", "messages": [], "stream": True}
            answer = await plain.post("http://x/v1/chat/completions", json=body)
    assert "two" in answer.text


async def test_the_blocking_openai_client_is_there_too(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway(models=("m-1",)) as one,
        client(endpoint("one", one, "k-1")) as gateway,
    ):
        listed = await asyncio.to_thread(gateway.sync_openai().models.list)
    assert [model.id for model in listed.data] == ["m-1"]
