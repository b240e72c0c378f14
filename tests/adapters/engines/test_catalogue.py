from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import httpx2
import pytest

from agent.adapters.engines.catalogue import ENGINES, Means, chosen, set_up
from agent.domain.question import Scope
from agent.errors import InvalidSettings, SearchFailed

if TYPE_CHECKING:
    from tests.adapters.engines.conftest import Service

KEYS = {listed.variable: "a-key" for listed in ENGINES.values() if listed.variable}


@pytest.fixture
async def means() -> AsyncIterator[Means]:
    async with httpx.AsyncClient() as client, httpx2.AsyncClient() as gateway:
        yield Means(
            client,
            searxng_url="http://127.0.0.1:1",
            gateway=gateway,
            search_model="m",
        )


@pytest.mark.parametrize("name", ENGINES)
async def test_each_name_makes_the_engine_that_is_called_so(name: str, means: Means) -> None:
    (engine,) = chosen([name], means, KEYS)
    assert (engine.name, engine.kind) == (name, ENGINES[name].kind)


async def test_engines_come_in_the_order_of_their_names_each_once(means: Means) -> None:
    engines = chosen(["exa", "ddgs", "exa"], means, KEYS)
    assert [engine.name for engine in engines] == ["exa", "ddgs"]


@pytest.mark.parametrize("name", [n for n, listed in ENGINES.items() if not listed.free])
@pytest.mark.parametrize("blank", [{}, dict.fromkeys(KEYS, " ")])
async def test_an_engine_without_its_key_names_the_variable(
    name: str, blank: dict[str, str], means: Means
) -> None:
    (engine,) = chosen([name], means, blank)
    assert (engine.name, engine.kind) == (name, "web")
    says = f"{name} is skipped: it needs a key - set {ENGINES[name].variable}"
    with pytest.raises(SearchFailed, match=says):
        await engine.search("q", limit=1, scope=Scope())


@pytest.mark.parametrize("name", [n for n, listed in ENGINES.items() if listed.free])
async def test_an_engine_that_is_free_needs_no_key(name: str, means: Means) -> None:
    assert chosen([name], means, {})


async def test_an_unknown_name_is_answered_with_the_known_ones(means: Means) -> None:
    with pytest.raises(InvalidSettings, match=r"no search engine 'googel' - choose of searxng, "):
        chosen(["googel"], means, KEYS)


@pytest.mark.parametrize(
    ("name", "mend"),
    [("searxng", "set DEEP_RESEARCH_SEARXNG_URL"), ("gateway", "set GATEWAY_BASE_URL")],
)
async def test_an_engine_without_its_means_says_what_to_set(name: str, mend: str) -> None:
    async with httpx.AsyncClient() as client:
        (engine,) = chosen([name], Means(client), KEYS)
        with pytest.raises(SearchFailed, match=mend):
            await engine.search("q", limit=1, scope=Scope())


async def test_a_gateway_without_a_model_that_searches_says_so(means: Means) -> None:
    (engine,) = chosen(["gateway"], Means(means.client, gateway=means.gateway), KEYS)
    with pytest.raises(SearchFailed, match="set DEEP_RESEARCH_SEARCH_MODEL"):
        await engine.search("q", limit=1, scope=Scope())


@pytest.mark.parametrize("key", ["one\ntwo", "schl\xfcssel", "one\x00"])
@pytest.mark.parametrize("name", [n for n, listed in ENGINES.items() if not listed.free])
async def test_a_key_that_no_header_can_carry_is_refused_unprinted(
    name: str, key: str, means: Means
) -> None:
    (engine,) = chosen([name], means, {ENGINES[name].variable: key})
    with pytest.raises(SearchFailed, match="characters that no key has - copy") as caught:
        await engine.search("q", limit=1, scope=Scope())
    assert key not in str(caught.value)


async def test_where_none_are_named_all_for_the_web_that_are_set_up_are_asked_and_arxiv(
    means: Means,
) -> None:
    assert set_up(means, {}) == ("searxng", "arxiv")
    assert set_up(means, {"EXA_API_KEY": "k", "BRAVE_API_KEY": " "}) == ("searxng", "exa", "arxiv")
    assert set_up(means, KEYS) == ("searxng", "tavily", "brave", "serper", "exa", "arxiv")


async def test_where_nothing_is_set_up_the_keyless_engine_is_asked(means: Means) -> None:
    bare = replace(means, searxng_url=None)
    assert set_up(bare, {}) == ("ddgs", "arxiv")
    assert set_up(replace(bare, urls={"searxng": "http://127.0.0.1:1"}), {})[0] == "searxng"


async def test_an_engine_at_another_address_is_asked_there(means: Means, service: Service) -> None:
    service.will({"body": json.dumps({"results": [{"url": "https://a.org"}]})})
    for name in ("tavily", "exa", "searxng"):
        (engine,) = chosen([name], replace(means, urls={name: service.address}), KEYS)
        assert await engine.search("q", limit=1, scope=Scope())
    assert len(service.requests) == 3


async def test_an_address_for_what_has_none_to_replace_is_refused(means: Means) -> None:
    with pytest.raises(InvalidSettings, match="ddgs has no address to replace - leave ddgs out"):
        chosen(["arxiv"], replace(means, urls={"ddgs": "http://127.0.0.1:1"}), KEYS)
    with pytest.raises(InvalidSettings, match="no search engine 'googel'"):
        chosen(["arxiv"], replace(means, urls={"googel": "http://127.0.0.1:1"}), KEYS)
