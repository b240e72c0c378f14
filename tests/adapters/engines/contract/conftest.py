"""Every engine with a service on loopback that answers in its own form: the contract's list."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import ddgs
import httpx
import pytest
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from agent.adapters.engines.brave import Brave
from agent.adapters.engines.exa import Exa
from agent.adapters.engines.gateway_search import GatewaySearch
from agent.adapters.engines.keyless import Keyless
from agent.adapters.engines.retriever import RetrieverEngine
from agent.adapters.engines.searxng import SearXNG
from agent.adapters.engines.serper import Serper
from agent.adapters.engines.tavily import Tavily
from agent.domain.question import Scope
from agent.ports import SearchEngine
from gateway_client.catalog import Endpoint, Model
from gateway_client.client import GatewayClient
from gateway_client.config import Config, Policy

if TYPE_CHECKING:
    from tests.adapters.engines.conftest import Service

KEY = "sk-very-secret"
PATIENCE = 0.25
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""One for all: to load certificates for each client takes longer than the tests."""


@dataclass(frozen=True)
class Found:
    """One result, in no engine's form; a blank ``url`` is not sent at all."""

    url: str
    title: str = "A\n title"
    text: str = "Some  words"
    day: date | None = None


@dataclass(frozen=True)
class World:
    """What an engine is made in: where its service is, and what is to be found."""

    address: str
    client: httpx.AsyncClient
    stack: AsyncExitStack
    found: list[Found] = field(default_factory=list)


@dataclass
class Contract:
    """An engine, its service, and the form in which that sends results."""

    engine: SearchEngine
    service: Service
    found: list[Found]
    form: Callable[[Sequence[Found]], object]
    tells_days: bool

    def finds(self, *found: Mapping[str, Any]) -> None:
        """Let searches find this from now on, each the fields of a Found."""
        self.found[:] = [Found(**one) for one in found]
        self.answers({"body": json.dumps(self.form(self.found))})

    def answers(self, *answers: Mapping[str, Any]) -> None:
        """Let the service answer so, each the fields of an Answer."""
        self.service.will(*answers)

    async def urls(self, scope: Scope | None = None, limit: int = 9) -> list[str]:
        """Search, and return where the hits are."""
        hits = await self.engine.search("q", limit=limit, scope=scope or Scope())
        return [hit.url for hit in hits]


def nothing_sent(_: Sequence[Found]) -> object:
    """Stand for the form of what is found without any service."""
    return None


@dataclass(frozen=True)
class Case:
    """A line of the contract's list; engines with a ``variable`` are asked with KEY."""

    name: str
    make: Callable[[World], SearchEngine]
    form: Callable[[Sequence[Found]], object] = nothing_sent
    variable: str = ""
    tells_days: bool = True

    @property
    def speaks_json(self) -> bool:
        return self.form is not nothing_sent and self.name != "gateway"


def plain_list(**names: str) -> Callable[[Sequence[Found]], object]:
    """Return the form of a list of results, with its names for Found's fields."""
    return lambda found: {
        "results": [
            {
                theirs: value.isoformat() if isinstance(value, date) else value
                for ours, theirs in names.items()
                if (value := getattr(one, ours)) not in {"", None}
            }
            for one in found
        ]
    }


def brave_form(found: Sequence[Found]) -> object:
    """Return Brave's answer: without results it has no part for them, and text is HTML."""
    results = [
        {
            "url": one.url,
            "title": one.title.replace("'", "&#x27;"),
            "description": one.text,
            "age": "2 weeks ago",
            "page_age": f"{one.day}T00:00:00" if one.day else None,
        }
        for one in found
    ]
    web = {"web": {"type": "search", "results": results}} if results else {}
    return {"type": "search", "query": {"original": "q"}, **web}


def serper_form(found: Sequence[Found]) -> object:
    """Return Serper's answer, with days as Google prints them."""
    organic = [
        {
            "link": one.url,
            "title": one.title,
            "snippet": one.text,
            "date": f"{one.day:%b} {one.day.day}, {one.day.year}" if one.day else None,
        }
        for one in found
    ]
    return {"searchParameters": {"q": "q"}, "organic": organic, "credits": 1}


def gateway_form(found: Sequence[Found]) -> object:
    """Return a model's answer, which also writes of pages it does not cite."""
    citations = [
        {"url": one.url, "title": one.title, "content": one.text, "start_index": 0, "end_index": 1}
        for one in found
    ]
    message = {
        "role": "assistant",
        "content": "See [this](https://made-up.example/page) and https://made-up.example/other.",
        "annotations": [{"type": "url_citation", "url_citation": one} for one in citations],
    }
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def gateway(world: World) -> SearchEngine:
    """Return the engine on top of a real gateway client."""
    config = Config(
        (Endpoint("e", world.address),),
        tiers={"light": ("m",), "deep": ("m",), "long": ("m",)},
        models={"m": Model("m", context=5_000)},
        policy=Policy(backoff_seconds=0.0),
    )
    client = GatewayClient(config)
    world.stack.push_async_callback(client.aclose)
    return GatewaySearch(client.http_client, "m", seconds=5)


class Shelf(BaseRetriever):
    """A retriever of whatever is to be found."""

    found: Any

    def _get_relevant_documents(self, query: str, *, run_manager: object) -> list[Document]:
        names = ("source", "url", "link")
        return [
            Document(
                one.text,
                metadata={names[n % 3]: one.url, "title": one.title, "date": str(one.day)},
            )
            for n, one in enumerate(self.found)
        ]


def keyless(world: World) -> SearchEngine:
    """Return the engine with a stand-in for the package's class, which asks the whole world."""

    class Scripted:
        def __init__(self, timeout: int) -> None:
            self.timeout = timeout

        def text(self, **_: object) -> list[dict[str, str]]:
            return [{"href": a.url, "title": a.title, "body": a.text} for a in world.found]

    patch = pytest.MonkeyPatch()
    patch.setattr(ddgs, "DDGS", Scripted)
    world.stack.callback(patch.undo)
    return Keyless(5)


CASES = (
    Case(
        "searxng",
        lambda world: SearXNG(world.address, world.client),
        plain_list(url="url", title="title", text="content", day="publishedDate"),
    ),
    Case(
        "tavily",
        lambda world: Tavily(KEY, world.client, world.address),
        plain_list(url="url", title="title", text="content", day="published_date"),
        "TAVILY_API_KEY",
    ),
    Case(
        "brave",
        lambda world: Brave(KEY, world.client, world.address),
        brave_form,
        "BRAVE_API_KEY",
    ),
    Case(
        "serper",
        lambda world: Serper(KEY, world.client, world.address),
        serper_form,
        "SERPER_API_KEY",
    ),
    Case(
        "exa",
        lambda world: Exa(KEY, world.client, world.address),
        plain_list(url="url", title="title", day="publishedDate"),
        "EXA_API_KEY",
    ),
    Case("gateway", gateway, gateway_form, tells_days=False),
    Case("ddgs", keyless, tells_days=False),
    Case(
        "shelf",
        lambda world: RetrieverEngine(Shelf(found=world.found), name="shelf"),
    ),
)


async def _opened(case: Case, service: Service) -> AsyncIterator[Contract]:
    async with AsyncExitStack() as stack:
        client = httpx.AsyncClient(timeout=PATIENCE, trust_env=False, verify=TLS)
        await stack.enter_async_context(client)
        world = World(service.address, client, stack)
        yield Contract(case.make(world), service, world.found, case.form, case.tells_days)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
async def contract(request: pytest.FixtureRequest, service: Service) -> AsyncIterator[Contract]:
    """Yield each engine in turn."""
    async for opened in _opened(request.param, service):
        yield opened


@pytest.fixture(params=[case for case in CASES if case.speaks_json], ids=lambda case: case.name)
async def over_http(request: pytest.FixtureRequest, service: Service) -> AsyncIterator[Contract]:
    """Yield each engine that asks a service of its own over HTTP."""
    async for opened in _opened(request.param, service):
        yield opened


@pytest.fixture(params=[case for case in CASES if case.variable], ids=lambda case: case.name)
async def keyed(
    request: pytest.FixtureRequest, service: Service
) -> AsyncIterator[tuple[Contract, str]]:
    """Yield each engine that needs a key, and the variable that holds it."""
    async for opened in _opened(request.param, service):
        yield opened, request.param.variable


@pytest.fixture
def named(service: Service) -> Callable[[str], AbstractAsyncContextManager[Contract]]:
    """Return what opens one engine by its name."""
    cases = {case.name: case for case in CASES}
    return lambda name: asynccontextmanager(_opened)(cases[name], service)
