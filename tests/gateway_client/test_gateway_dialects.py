"""An endpoint of another dialect is asked in its own words, and answers in ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import openai
import pytest

from gateway_client import Endpoint, NoModel, RequestRefused, wire
from gateway_client.testing import Reply, ScriptedGateway
from gateway_client.translate import translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from openai.types.chat import ChatCompletionMessageParam

    from gateway_client import GatewayClient
    from gateway_client.testing import FakeTime

    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]


class Shouting:
    """Says everything in capitals; its errors have a ``PROBLEM``, its streams lines of words."""

    def outgoing(self, payload: wire.Payload, model: str) -> tuple[str, wire.Payload]:
        if "tools" in payload:
            raise RequestRefused("tools cannot be shouted")
        messages = payload["messages"]
        assert isinstance(messages, list)
        said = [str(message["content"]).upper() for message in messages]
        loud: wire.Payload = {"SAID": said, "LOUD": payload.get("stream") is True}
        return f"/shout/{model}", loud

    def headers(self, secret: str | None) -> dict[str, str]:
        return {"x-shout-key": secret or ""}

    def answer(self, body: bytes, model: str) -> bytes:
        heard = json.loads(body)
        if "HEARD" not in heard:
            raise ValueError("nothing heard")
        message = {"role": "assistant", "content": heard["HEARD"].lower()}
        usage = {"prompt_tokens": 5, "completion_tokens": 6}
        whole = {"model": model, "choices": [{"index": 0, "message": message}], "usage": usage}
        return json.dumps(whole).encode()

    def error(self, status: int, body: bytes) -> bytes:
        problem = json.loads(body).get("PROBLEM", "unknown")
        return json.dumps({"error": {"message": problem, "type": "loud", "code": None}}).encode()

    def stream(self, model: str, *, include_usage: bool) -> Lines:
        return Lines()


class Lines:
    """Turns each line into an event."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return b"".join(self._event(line.decode()) for line in lines if line)

    def end(self) -> bytes:
        return b"data: [DONE]\n\n"

    def _event(self, line: str) -> bytes:
        if line == "BROKEN":
            return b'data: {"error": {"message": "it broke"}}\n\n'
        ends = line == "END"
        choice = {
            "index": 0,
            "delta": {} if ends else {"content": line.lower()},
            "finish_reason": "stop" if ends else None,
        }
        return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def loud(endpoint: MakeEndpoint, gateway: ScriptedGateway, name: str = "loud") -> Endpoint:
    return endpoint(name, gateway, f"{name}-key-1", dialect=Shouting())


async def ask(gateway: GatewayClient, **more: object) -> str:
    answer = await gateway.openai().chat.completions.create(
        model="auto",
        messages=HELLO,
        **more,  # type: ignore[call-overload] # any field
    )
    return str(answer.choices[0].message.content)


async def read(gateway: GatewayClient) -> str:
    stream = await gateway.openai().chat.completions.create(
        model="auto", messages=HELLO, stream=True
    )
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


async def test_body_path_and_key_are_the_endpoints_and_the_answer_is_ours(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(body=b'{"HEARD": "FINE"}')]) as one,
        client(loud(endpoint, one)) as gateway,
    ):
        assert await ask(gateway, extra_headers={"openai-organization": "org"}) == "fine"
        (entry,) = gateway.ledger.entries
    (asked,) = one.asked
    assert asked.path == "/v1/shout/small"
    assert asked.payload == {"SAID": ["HELLO"], "LOUD": False}
    assert asked.headers["x-shout-key"] == "loud-key-1"
    assert not {"authorization", "openai-organization", "x-stainless-lang"} & set(asked.headers)
    assert (entry.input_tokens, entry.output_tokens, entry.estimated) == (5, 6, False)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
async def test_errors_are_read_in_our_words(
    status: int, kind: type[openai.APIStatusError], endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(status=status, body=b'{"PROBLEM": "TOO LOUD"}')]) as one,
        client(loud(endpoint, one), deadline_seconds=0.5) as gateway,
    ):
        with pytest.raises(kind, match="TOO LOUD"):
            await ask(gateway)


async def test_a_200_that_cannot_be_translated_is_a_fault_and_fails_over(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply(body=b'{"PROBLEM": "NO"}')]) as one,
        ScriptedGateway(["plain"]) as two,
        client(loud(endpoint, one), endpoint("two", two)) as gateway,
    ):
        assert await ask(gateway) == "plain"
    assert len(one.asked) == 1


async def test_streams_are_translated_before_anything_else_sees_them(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    script = [
        Reply(events=(b"BROKEN\n",)),
        Reply(events=(b"ON", b"E\nTWO\nEN", b"D\n")),
        Reply(events=(b"ONE\n",), pace=0.05),
    ]
    async with ScriptedGateway(script) as one, client(loud(endpoint, one)) as gateway:
        assert await read(gateway) == "onetwo"
        with pytest.raises(openai.APIError, match="broke off"):
            await read(gateway)
        assert len(gateway.ledger.entries) == 2
    assert [asked.payload["LOUD"] for asked in one.asked] == [True] * 3


async def test_what_one_dialect_cannot_say_another_endpoint_is_asked(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    async with (
        ScriptedGateway([Reply(body=b'{"HEARD": "FINE"}')]) as one,
        ScriptedGateway(["plain"]) as two,
    ):
        async with client(loud(endpoint, one), endpoint("two", two)) as gateway:
            assert [await ask(gateway, tools=[tool]) for _ in range(3)] == ["plain"] * 3
        async with client(loud(endpoint, one)) as gateway:
            with pytest.raises(openai.BadRequestError) as caught:
                await ask(gateway, tools=[tool])
            assert isinstance(translated(caught.value), RequestRefused)
    assert one.asked == []


async def test_calls_that_only_openai_has_go_to_endpoints_that_speak_it(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway() as one,
        ScriptedGateway([Reply(body=b'{"data": []}')]) as two,
    ):
        body = {"model": "e-1", "input": "x"}
        url = "http://x/v1/embeddings"
        async with client(loud(endpoint, one), endpoint("two", two)) as gateway:
            for _ in range(3):
                assert (await gateway.http_client.post(url, json=body)).status_code == 200
        async with client(loud(endpoint, one)) as gateway:
            refused = await gateway.http_client.post(url, json=body)
            assert refused.status_code == 400
            assert isinstance(refused.extensions["gateway_error"], NoModel)
    assert one.asked == []


async def test_the_delay_that_google_asks_for_in_the_body_of_a_429_is_kept(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow", "details": [info]}
    limited = Reply(status=429, body=json.dumps({"error": error}).encode())
    async with (
        ScriptedGateway([limited, Reply.failure(400, "enough")]) as vendor,
        client(endpoint("vendor", vendor, "k-1", dialect="google")) as gateway,
    ):
        with pytest.raises(openai.BadRequestError):
            await ask(gateway)
    assert fake_time.slept == [17]
