"""What happens when endpoints fail, driven by the two clients that people use."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import httpx
import httpx2
import openai
import pytest

from gateway_client import (
    Endpoint,
    GatewayClient,
    GatewayError,
    KeyRefused,
    Ledger,
    NoModel,
    QuotaSpent,
    RateLimited,
    TimedOut,
    UnknownModel,
    Unreachable,
    UpstreamFailed,
)
from gateway_client.families import sync_transport
from gateway_client.testing import Reply, ScriptedGateway
from gateway_client.translate import translated
from gateway_client.transport import Switchboard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway_client.testing import Asked, FakeTime

    Ask = Callable[[GatewayClient], Awaitable[str]]
    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]

HELLO: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]


async def by_openai(client: GatewayClient) -> str:
    answer = await client.openai().chat.completions.create(model="auto", messages=HELLO)
    return answer.choices[0].message.content or ""


async def by_langchain(client: GatewayClient) -> str:
    return str((await client.chat_model(task="write").ainvoke("hello")).text)


drivers = pytest.mark.parametrize("ask", [by_openai, by_langchain])


async def error_of(client: GatewayClient) -> GatewayError:
    with pytest.raises(openai.OpenAIError) as caught:
        await by_openai(client)
    return translated(caught.value)


def closed_port() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


FAULTS = [
    Reply.failure(500),
    Reply.failure(503, retry_after="7"),
    Reply.failure(408),
    Reply.failure(429, retry_after="30"),
    Reply.failure(429, "insufficient_quota"),
    Reply.failure(402),
    Reply.failure(401),
    Reply.failure(403),
    Reply(status=400, body=b'{"error": {"message": "bad key", "code": "invalid_api_key"}}'),
    Reply(status=400, body=b'{"error": {"message": "too low", "code": "insufficient_quota"}}'),
    Reply.failure(529, "overloaded"),
    Reply.failure(404, "The model `small` does not exist."),
    Reply.failure(400, "small is not a valid model ID"),
    Reply(status=301, headers={"location": "https://elsewhere.example/"}, body=b"{}"),
    Reply(body=b'{"error": {"message": "overloaded"}}'),
    Reply(body=b'{"error": {"message": "slow down", "code": 429}}'),
    Reply(body=b'{"error": {"message": "odd", "code": 418}}'),
    Reply(body=b'{"error": "plain words"}'),
    Reply(body=b"<html>busy</html>"),
    Reply(body=b"[]"),
    Reply(cut=True),
    Reply(drop=True),
]


@drivers
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.status}{fault.body!r:.30}")
async def test_any_fault_of_one_endpoint_is_made_good_by_another_at_once(
    ask: Ask,
    fault: Reply,
    endpoint: MakeEndpoint,
    client: MakeClient,
    fake_time: FakeTime,
) -> None:
    async with (
        ScriptedGateway([fault]) as bad,
        ScriptedGateway(["fine"]) as good,
        client(endpoint("bad", bad, "k1"), endpoint("good", good, "k2")) as gateway,
    ):
        assert await ask(gateway) == "fine"
    assert len(bad.asked) == len(good.asked) == 1
    assert good.asked[0].key == "k2"
    assert fake_time.slept == []


@drivers
async def test_a_lone_endpoint_is_asked_again_after_a_moment(
    ask: Ask,
    endpoint: MakeEndpoint,
    client: MakeClient,
) -> None:
    async with (
        ScriptedGateway([Reply.failure(502), Reply(drop=True), "third time lucky"]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        assert await ask(gateway) == "third time lucky"
    assert len(one.asked) == 3


async def test_another_endpoint_is_tried_before_another_key_of_the_same(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply.failure(500)]) as a,
        ScriptedGateway([Reply.failure(500)]) as b,
        client(endpoint("a", a, "a1", "a2", weight=9), endpoint("b", b, "b1")) as gateway,
    ):
        assert isinstance(await error_of(gateway), UpstreamFailed)
    assert len(a.asked) == 3
    assert {asked.key for asked in a.asked} == {"a1", "a2"}
    assert len(b.asked) == 1


async def test_four_attempts_are_the_most(endpoint: MakeEndpoint, client: MakeClient) -> None:
    async with (
        ScriptedGateway([Reply.failure(500, "boom")]) as one,
        client(endpoint("one", one, "k1", "k2", "k3", "k4", "k5")) as gateway,
    ):
        with pytest.raises(openai.InternalServerError, match="boom") as caught:
            await by_openai(gateway)
    assert len(one.asked) == 4
    assert caught.value.response.headers["x-gw-attempts"] == "4"
    assert caught.value.response.headers["x-gw-endpoint"] == "one"


async def test_a_request_that_is_wrong_is_handed_back_untouched_and_not_repeated(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply.failure(400, "temperature is too high")]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        with pytest.raises(openai.BadRequestError, match="temperature is too high"):
            await by_openai(gateway)
        assert str(await error_of(gateway)) == (
            "the gateway one refused the request (400, temperature is too high)"
        )
    assert len(one.asked) == 2


async def test_a_refused_key_is_named_by_where_it_was_read_and_set_aside(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with (
        ScriptedGateway([Reply.failure(401), "welcome back"]) as one,
        client(endpoint("one", one, "wrong")) as gateway,
    ):
        for _ in range(2):
            error = await error_of(gateway)
            assert isinstance(error, KeyRefused)
            expected = (
                f"the gateway at {one.base_url} refused the key one#1 (401): check A_VARIABLE"
            )
            assert str(error) == expected
        assert len(one.asked) == 1
        fake_time.now += 301
        assert await by_openai(gateway) == "welcome back"


async def test_an_endpoint_without_a_key_that_wants_one_says_so(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply.failure(401)]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        assert "wants a key (401): set GATEWAY_API_KEY" in str(await error_of(gateway))


async def test_spent_quota_is_said_in_words(endpoint: MakeEndpoint, client: MakeClient) -> None:
    async with (
        ScriptedGateway([Reply.failure(402)]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        assert isinstance(await error_of(gateway), QuotaSpent)


async def test_when_all_are_cooling_the_earliest_is_waited_for(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with (
        ScriptedGateway([Reply.failure(429, retry_after="50"), "late"]) as a,
        ScriptedGateway([Reply.failure(429, retry_after="20"), "early"]) as b,
        client(endpoint("a", a), endpoint("b", b)) as gateway,
    ):
        assert await by_openai(gateway) == "early"
    assert fake_time.slept == [20]


async def test_a_wait_beyond_the_deadline_is_a_true_429_with_retry_after(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply.failure(429, retry_after="50")]) as one,
        client(endpoint("one", one), deadline_seconds=30) as gateway,
    ):
        for _ in range(2):
            with pytest.raises(openai.RateLimitError) as caught:
                await by_openai(gateway)
            assert caught.value.response.headers["retry-after"] == "50"
            assert isinstance(translated(caught.value), RateLimited)
    assert len(one.asked) == 1


async def test_no_attempt_begins_after_the_deadline(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    def slow(_: Asked) -> Reply:
        fake_time.now += 100
        return Reply.failure(500)

    async with (
        ScriptedGateway(slow) as one,
        client(endpoint("one", one, "k1", "k2"), deadline_seconds=30) as gateway,
    ):
        assert isinstance(await error_of(gateway), UpstreamFailed)
    assert len(one.asked) == 1


async def test_a_dead_address_is_reported_with_the_address_and_the_mend(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    url = closed_port()
    async with client(endpoint("dead", url)) as gateway:
        with pytest.raises(openai.APIConnectionError) as caught:
            await by_openai(gateway)
    error = translated(caught.value)
    assert isinstance(error, Unreachable)
    assert url in str(error)
    assert str(error).endswith("check GATEWAY_BASE_URL and the network")
    assert sum(fake_time.slept) < 5


async def test_patience_with_what_is_broken_ends(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with client(endpoint("dead", closed_port()), patience_seconds=0) as gateway:
        assert isinstance(await error_of(gateway), Unreachable)
        assert isinstance(await error_of(gateway), Unreachable)


async def test_silence_is_a_timeout(endpoint: MakeEndpoint, client: MakeClient) -> None:
    async with (
        ScriptedGateway([Reply(stall=30)]) as one,
        client(endpoint("one", one), read_seconds=0.05, attempts=1) as gateway,
    ):
        with pytest.raises(openai.APITimeoutError) as caught:
            await by_openai(gateway)
        assert isinstance(translated(caught.value), TimedOut)


async def test_a_model_unknown_to_all_gives_way_to_the_next_of_its_tier(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    def knows_large(asked: Asked) -> Reply:
        known = asked.payload["model"] == "large"
        return Reply("large it is") if known else Reply.failure(404, "model not found")

    async with (
        ScriptedGateway(knows_large) as one,
        client(endpoint("one", one), models=("small", "large")) as gateway,
    ):
        assert await by_openai(gateway) == "large it is"
        assert await by_openai(gateway) == "large it is"
        with pytest.raises(openai.NotFoundError) as caught:
            await gateway.openai().chat.completions.create(model="small", messages=HELLO)
        assert isinstance(translated(caught.value), UnknownModel)
    assert len(one.asked) == 3


async def test_one_failure_is_no_reason_for_a_lesser_model(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply.failure(500), "fine"]) as one,
        client(endpoint("one", one), models=("large", "small")) as gateway,
    ):
        await by_openai(gateway)
    assert [asked.payload["model"] for asked in one.asked] == ["large", "large"]


async def test_a_prompt_that_fits_nowhere_is_refused_before_anyone_is_asked(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with ScriptedGateway() as one, client(endpoint("one", one)) as gateway:
        with pytest.raises(openai.BadRequestError) as caught:
            await gateway.openai().chat.completions.create(
                model="auto", messages=[{"role": "user", "content": "x" * 50_000}]
            )
    assert isinstance(translated(caught.value), NoModel)
    assert "the largest window is 10,000 (small)" in str(caught.value)
    assert one.asked == []


async def test_headers_of_ours_stay_here_and_answers_tell_what_was_decided(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with ScriptedGateway() as one, client(endpoint("one", one, "k")) as gateway:
        answer = await gateway.openai().chat.completions.with_raw_response.create(
            model="auto",
            messages=HELLO,
            extra_headers={"x-gw-task": "write", "cookie": "crumb"},
        )
    told = {
        name: answer.headers[f"x-gw-{name}"] for name in ("model", "endpoint", "attempts", "reason")
    }
    assert told == {"model": "small", "endpoint": "one", "attempts": "1", "reason": "task write"}
    sent = one.asked[0].headers
    assert not [name for name in sent if name.startswith("x-gw") or name == "cookie"]
    assert sent["authorization"] == "Bearer k"


async def test_other_calls_go_to_a_healthy_endpoint_with_its_key(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with ScriptedGateway(models=("m1",)) as one, client(endpoint("one", one, "k")) as gateway:
        listed = await gateway.openai().models.list()
        assert [model.id for model in listed.data] == ["m1"]
        assert gateway.ledger.entries == ()
    assert one.asked[0].key == "k"


async def test_embeddings_and_responses_keep_their_model(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    body = b'{"data": [], "model": "e", "usage": {"prompt_tokens": 5, "total_tokens": 5}}'
    async with ScriptedGateway([Reply(body=body)]) as one, client(endpoint("one", one)) as gateway:
        answer = await gateway.http_client.post(
            "http://gateway.invalid/v1/embeddings?a=1", json={"model": "e-1", "input": "text"}
        )
        entry = gateway.ledger.entries[0]
    assert answer.json()["model"] == "e"
    assert one.asked[0].path == "/v1/embeddings?a=1"
    assert one.asked[0].payload["model"] == entry.model == "e-1"
    assert (entry.input_tokens, entry.output_tokens) == (5, 0)


async def test_an_endpoint_in_this_process_needs_no_network_and_no_key(client: MakeClient) -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        choice = {"index": 0, "message": {"role": "assistant", "content": "inside"}}
        return httpx2.Response(200, json={"choices": [choice]})

    inside = Endpoint(
        "inside", "http://extractive.local/v1", transport=httpx2.MockTransport(answer)
    )
    async with client(inside) as gateway:
        assert await by_openai(gateway) == "inside"
        with pytest.raises(httpx2.UnsupportedProtocol, match="async clients only"):
            gateway.sync_http_client.post("http://gateway.invalid/v1/chat/completions", json={})
        assert gateway.ledger.totals().estimated_calls == 1
    assert str(seen[0].url) == "http://extractive.local/v1/chat/completions"
    assert "authorization" not in seen[0].headers


async def test_plain_httpx_clients_get_the_same(endpoint: MakeEndpoint, client: MakeClient) -> None:
    script = [Reply.failure(500), Reply("from httpx"), Reply.failure(401)]
    async with ScriptedGateway(script) as one, client(endpoint("one", one, "k")) as gateway:
        transport = gateway.transport(httpx)
        async with httpx.AsyncClient(transport=transport) as plain:  # type: ignore[arg-type] # made for it
            answer = await plain.post("http://x/v1/chat/completions", json={"model": "auto"})
            assert answer.json()["choices"][0]["message"]["content"] == "from httpx"
            refused = await plain.post("http://x/v1/chat/completions", json={"model": "auto"})
            assert refused.status_code == 401
            assert isinstance(refused.extensions["gateway_error"], KeyRefused)
    async with client(endpoint("dead", closed_port())) as gateway:
        transport = gateway.transport(httpx)
        async with httpx.AsyncClient(transport=transport) as plain:  # type: ignore[arg-type] # made for it
            with pytest.raises(httpx.ConnectError, match="cannot be reached"):
                await plain.post("http://x/v1/chat/completions", json={"model": "auto"})


async def test_blocking_clients_get_the_same(endpoint: MakeEndpoint, client: MakeClient) -> None:
    script = [Reply(body=b"[]"), Reply("from a thread"), Reply("one two", usage=False)]
    async with ScriptedGateway(script) as one, client(endpoint("one", one, "k", "k2")) as gateway:
        model = gateway.chat_model(task="write")
        assert (await asyncio.to_thread(model.invoke, "hello")).text == "from a thread"
        streamed = await asyncio.to_thread(lambda: list(model.stream("hello")))
        assert "".join(str(chunk.text) for chunk in streamed) == "one two "
        assert [entry.output_tokens for entry in gateway.ledger.entries] == [3, 2]


def test_blocking_clients_wait_and_fail_like_the_others(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    slept: list[float] = []
    config = client(endpoint("dead", closed_port())).config
    switchboard = Switchboard(config, Ledger(), fake_time)
    transport = sync_transport(switchboard, httpx, sleep=slept.append)
    with (
        httpx.Client(transport=transport) as plain,  # type: ignore[arg-type] # made for it
        pytest.raises(httpx.ConnectError, match="cannot be reached"),
    ):
        plain.post("http://x/v1/chat/completions", json={"model": "auto"})
    assert slept


CHOICE = {"index": 0, "message": {"role": "assistant", "content": "mocked"}}
MOCK = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"choices": [CHOICE]}))


async def test_the_network_can_be_replaced(endpoint: MakeEndpoint, client: MakeClient) -> None:
    config = client(endpoint("far", "https://far.example/v1")).config
    async with GatewayClient(config, inner=MOCK) as gateway:
        assert await by_openai(gateway) == "mocked"


def test_the_network_of_blocking_clients_can_be_replaced(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    config = client(endpoint("far", "https://far.example/v1")).config
    transport = sync_transport(Switchboard(config, Ledger(), fake_time), inner=MOCK)
    with httpx2.Client(transport=transport) as blocking:
        answer = blocking.post("http://x/v1/chat/completions", json={"model": "auto"})
    assert "mocked" in answer.text


async def test_a_proxy_of_the_environment_is_used_but_not_for_this_machine(
    endpoint: MakeEndpoint, client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedGateway(["by proxy"]) as proxy, ScriptedGateway(["direct"]) as near:
        monkeypatch.setenv("http_proxy", proxy.base_url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with client(endpoint("far", "http://far.example/v1")) as gateway:
            assert await by_openai(gateway) == "by proxy"
        async with client(endpoint("near", near)) as gateway:
            assert await by_openai(gateway) == "direct"
    assert proxy.asked[0].path == "http://far.example/v1/chat/completions"


async def test_a_cancelled_call_does_not_keep_others_out(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    script = [Reply.failure(500)] * 3 + [Reply(stall=30), Reply("back")]
    probed = asyncio.Event()

    def tell(_: Asked) -> Reply:
        reply = script.pop(0)
        if reply.stall:
            probed.set()
        return reply

    async with (
        ScriptedGateway(tell) as one,
        client(endpoint("one", one), attempts=3) as gateway,
    ):
        await error_of(gateway)
        fake_time.now += 60
        probe = asyncio.ensure_future(by_openai(gateway))
        await probed.wait()
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert await by_openai(gateway) == "back"


async def test_when_no_endpoint_may_be_asked_the_pause_counts_for_more_than_the_key(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply.failure(401)]) as a,
        ScriptedGateway([Reply.failure(429, retry_after="999")]) as b,
        client(endpoint("a", a), endpoint("b", b), deadline_seconds=30) as gateway,
    ):
        await error_of(gateway)
        assert isinstance(await error_of(gateway), RateLimited)
    assert len(a.asked) == len(b.asked) == 1
