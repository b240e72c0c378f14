"""Every engine with a service on loopback that answers in its own form: the contract's list."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

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
class Answer:
    """What the service answers; with ``after`` seconds, or never (``drop``), or bit by bit."""

    body: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0
    drop: bool = False
    drip: bool = False


@dataclass(frozen=True)
class Request:
    """One request as the service got it; ``asked`` is the query or the JSON it came with."""

    method: str
    path: str
    headers: Mapping[str, str]
    asked: Mapping[str, Any]


class Service:
    """A server on loopback: each answer once, the last for ever."""

    def __init__(self) -> None:
        self.found: Sequence[Found] = ()
        self.answers: list[Answer] = []
        self.requests: list[Request] = []
        self.host = ""

    @property
    def address(self) -> str:
        return f"http://{self.host}/v1"

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append(await _read(reader))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            await asyncio.sleep(answer.after)
            if not answer.drop:
                await _write(writer, answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
    method, target, _ = lines[0].split()
    headers = {
        name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    split = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(split.query).items()}
    return Request(method, split.path, headers, json.loads(body) if body else query)


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    body = answer.body.encode()
    length = 10_000 if answer.drip else len(body)
    headers = {"Content-Length": str(length), "Connection": "close", **answer.headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {answer.status} So\r\n{head}\r\n".encode())
    while answer.drip:
        await asyncio.sleep(PATIENCE / 5)
        writer.write(b" ")
        await writer.drain()
    writer.write(body)
    await writer.drain()


@dataclass
class Contract:
    """An engine, its service, and the form in which that sends results."""

    engine: SearchEngine
    service: Service
    form: Callable[[Sequence[Found]], object]
    tells_days: bool

    def finds(self, *found: Mapping[str, Any]) -> None:
        """Let searches find this from now on, each the fields of a Found."""
        self.service.found = [Found(**one) for one in found]
        self.answers({"body": json.dumps(self.form(self.service.found))})

    def answers(self, *answers: Mapping[str, Any]) -> None:
        """Let the service answer so, each the fields of an Answer."""
        self.service.answers = [Answer(**one) for one in answers]

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
    make: Callable[[Service, httpx.AsyncClient, AsyncExitStack], SearchEngine]
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


def gateway(service: Service, _: httpx.AsyncClient, stack: AsyncExitStack) -> SearchEngine:
    """Return the engine on top of a real gateway client."""
    config = Config(
        (Endpoint("e", service.address),),
        tiers={"light": ("m",), "deep": ("m",), "long": ("m",)},
        models={"m": Model("m", context=5_000)},
        policy=Policy(backoff_seconds=0.0),
    )
    client = GatewayClient(config)
    stack.push_async_callback(client.aclose)
    return GatewaySearch(client.http_client, "m", seconds=5)


class Shelf(BaseRetriever):
    """A retriever of whatever the service finds."""

    service: Any

    def _get_relevant_documents(self, query: str, *, run_manager: object) -> list[Document]:
        names = ("source", "url", "link")
        return [
            Document(
                one.text,
                metadata={names[n % 3]: one.url, "title": one.title, "date": str(one.day)},
            )
            for n, one in enumerate(self.service.found)
        ]


def keyless(service: Service, _: httpx.AsyncClient, stack: AsyncExitStack) -> SearchEngine:
    """Return the engine with a stand-in for the package's class, which asks the whole world."""

    class Scripted:
        def __init__(self, timeout: int) -> None:
            self.timeout = timeout

        def text(self, **_: object) -> list[dict[str, str]]:
            return [{"href": a.url, "title": a.title, "body": a.text} for a in service.found]

    patch = pytest.MonkeyPatch()
    patch.setattr(ddgs, "DDGS", Scripted)
    stack.callback(patch.undo)
    return Keyless(5)


CASES = (
    Case(
        "searxng",
        lambda service, client, _: SearXNG(service.address, client),
        plain_list(url="url", title="title", text="content", day="publishedDate"),
    ),
    Case(
        "tavily",
        lambda service, client, _: Tavily(KEY, client, service.address),
        plain_list(url="url", title="title", text="content", day="published_date"),
        "TAVILY_API_KEY",
    ),
    Case(
        "brave",
        lambda service, client, _: Brave(KEY, client, service.address),
        brave_form,
        "BRAVE_API_KEY",
    ),
    Case(
        "serper",
        lambda service, client, _: Serper(KEY, client, service.address),
        serper_form,
        "SERPER_API_KEY",
    ),
    Case(
        "exa",
        lambda service, client, _: Exa(KEY, client, service.address),
        plain_list(url="url", title="title", day="publishedDate"),
        "EXA_API_KEY",
    ),
    Case("gateway", gateway, gateway_form, tells_days=False),
    Case("ddgs", keyless, tells_days=False),
    Case(
        "shelf",
        lambda service, _, __: RetrieverEngine(Shelf(service=service), name="shelf"),
    ),
)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """Yield a service that listens."""
    made = Service()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(made(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    made.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    for task in tuple(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await server.wait_closed()


async def _opened(case: Case, service: Service) -> AsyncIterator[Contract]:
    async with AsyncExitStack() as stack:
        client = httpx.AsyncClient(timeout=PATIENCE, trust_env=False, verify=TLS)
        await stack.enter_async_context(client)
        engine = case.make(service, client, stack)
        yield Contract(engine, service, case.form, case.tells_days)


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
