from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import httpx2
import pytest

from agent.adapters.engines.catalogue import ENGINES, Means, chosen
from agent.errors import InvalidSettings

KEYS = {listed.variable: "a-key" for listed in ENGINES.values() if listed.variable}


@pytest.fixture
async def means() -> AsyncIterator[Means]:
    async with httpx.AsyncClient() as client, httpx2.AsyncClient() as gateway:
        yield Means(
            client,
            searxng_url="http://127.0.0.1:1",
            gateway=gateway,
            gateway_model="m",
        )


@pytest.mark.parametrize("name", ENGINES)
async def test_each_name_makes_the_engine_that_is_called_so(name: str, means: Means) -> None:
    (engine,) = chosen([name], means, KEYS)
    assert (engine.name, engine.kind) == (name, ENGINES[name].kind)


async def test_engines_come_in_the_order_of_their_names_each_once(means: Means) -> None:
    engines = chosen(["exa", "ddgs", "exa"], means, KEYS)
    assert [engine.name for engine in engines] == ["exa", "ddgs"]


@pytest.mark.parametrize("name", [n for n, listed in ENGINES.items() if not listed.free])
@pytest.mark.parametrize("blank", [{}, {variable: " " for variable in KEYS}])
async def test_an_engine_without_its_key_names_the_variable(
    name: str, blank: dict[str, str], means: Means
) -> None:
    with pytest.raises(InvalidSettings, match=f"{name} needs a key - set {ENGINES[name].variable}"):
        chosen([name], means, blank)


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
        with pytest.raises(InvalidSettings, match=mend):
            chosen([name], Means(client), KEYS)


async def test_a_gateway_without_a_model_that_searches_says_so(means: Means) -> None:
    with pytest.raises(InvalidSettings, match="set DEEP_RESEARCH_SEARCH_MODEL"):
        chosen(["gateway"], Means(means.client, gateway=means.gateway), KEYS)
