from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from agent.adapters.engines.gateway_search import GatewaySearch
from agent.domain.question import Scope
from agent.errors import SearchFailed
from gateway_client.catalog import Endpoint, Key, Model
from gateway_client.client import GatewayClient
from gateway_client.config import Config, Policy
from gateway_client.testing import FakeTime, Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.adapters.engines.gateway_search import Tool
    from agent.domain.evidence import Hit

PROSE = "According to https://made-up.example/a and [this](https://made-up.example/b) ..."


def answer(**message: object) -> Reply:
    return Reply(
        body=json.dumps({"choices": [{"message": {"content": PROSE, **message}}]}).encode()
    )


def cites(*urls: object) -> Reply:
    citations = [{"type": "url_citation", "url_citation": {"url": url}} for url in urls]
    return answer(annotations=citations)


async def search(
    gateway: ScriptedGateway,
    scope: Scope | None = None,
    *,
    tool: Tool = "openai",
    seconds: float = 5,
) -> Sequence[Hit]:
    config = Config(
        (Endpoint("e", gateway.base_url, (Key("e#1", "A_VARIABLE", "sk-very-secret"),)),),
        tiers={"light": ("m",), "deep": ("m",), "long": ("m",)},
        models={"m": Model("m", context=5_000)},
        policy=Policy(backoff_seconds=0.0),
    )
    time = FakeTime()
    async with GatewayClient(config, clock=time, sleep=time.sleep) as client:
        engine = GatewaySearch(client.http_client, "m", tool, seconds)
        hits = await engine.search("long context", limit=3, scope=scope or Scope())
        assert client.ledger.by_task()["search"].calls == 1
        return hits


@pytest.mark.parametrize(
    "reply",
    [
        answer(),
        answer(annotations=None),
        answer(annotations=[]),
        answer(annotations=["odd", None, {"type": "file", "file": {}}, {"url": "https://a.org"}]),
        cites(None, 3, "made-up.example"),
    ],
)
async def test_addresses_in_the_prose_are_never_taken(reply: Reply) -> None:
    async with ScriptedGateway([reply]) as gateway:
        assert await search(gateway) == []


async def test_what_is_cited_becomes_hits() -> None:
    async with ScriptedGateway(
        [cites("https://a.org/1", "https://a.org/1", "https://b.org/2")]
    ) as g:
        assert [hit.url for hit in await search(g)] == ["https://a.org/1", "https://b.org/2"]


@pytest.mark.parametrize(
    ("tool", "field", "value"),
    [
        ("openai", "web_search_options", {}),
        ("openrouter", "plugins", [{"id": "web", "max_results": 3}]),
    ],
)
async def test_the_search_is_asked_for_as_the_gateway_knows_it(
    tool: Tool, field: str, value: object
) -> None:
    async with ScriptedGateway([cites()]) as gateway:
        await search(gateway, tool=tool)
        (asked,) = gateway.asked
    assert asked.payload[field] == value
    assert asked.payload["model"] == "m"


async def test_the_scope_is_told_in_words() -> None:
    scope = Scope("de", date(2024, 3, 4), date(2024, 4, 5), ("a.org",), ("b.org",))
    async with ScriptedGateway([cites()]) as gateway:
        await search(gateway, scope)
        said = gateway.asked[0].prompt
    assert "long context site:a.org -site:b.org" in said
    assert "'de'" in said
    assert "on or after 2024-03-04" in said
    assert "on or before 2024-04-05" in said


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply.failure(401), "401"),
        (Reply.failure(400), "400"),
        (Reply(drop=True), "web search"),
        (Reply(body=b"[1]"), "did not answer|failed"),
        (Reply(body=b'{"choices": []}'), "without a message|failed"),
        (Reply(body=b'{"choices": [{}]}'), "without a message|failed"),
    ],
)
async def test_a_gateway_that_fails_is_a_failure_without_its_key(reply: Reply, said: str) -> None:
    async with ScriptedGateway([reply]) as gateway:
        with pytest.raises(SearchFailed, match=said) as caught:
            await search(gateway)
    assert "sk-very-secret" not in str(caught.value)


async def test_a_model_that_searches_for_ever_ends_at_the_deadline() -> None:
    async with ScriptedGateway([Reply(stall=5)]) as gateway:
        with pytest.raises(SearchFailed, match=r"no answer in 0\.1 s - name a model"):
            await search(gateway, seconds=0.1)
