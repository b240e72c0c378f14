"""From settings to tools: the only file that names concrete adapters."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx
import openai

from agent import pipeline, rendering
from agent.adapters import extractive
from agent.adapters.clock import SystemClock
from agent.adapters.corpus import Corpus
from agent.adapters.document_store import FolderDocuments
from agent.adapters.engines.arxiv import LOOPBACK, ArxivSearch
from agent.adapters.engines.keyless import Keyless
from agent.adapters.engines.searxng import SearXNG
from agent.adapters.fetching.pages import Reader, WebPages
from agent.adapters.gateway_chat import GatewayChat
from agent.adapters.run_folder import new_run_folder
from agent.domain.events import Tell, tell_nobody
from agent.domain.question import Question
from agent.errors import InvalidSettings
from agent.settings import Settings, read_settings
from agent.stages.refine import refine
from agent.stages.retrieve import Library
from gateway_client.catalog import Endpoint, Model
from gateway_client.client import GatewayClient
from gateway_client.config import Config, Policy
from gateway_client.errors import ConfigInvalid
from gateway_client.translate import translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from agent.domain.question import Brief
    from agent.domain.report import Report
    from agent.ports import SearchEngine
    from gateway_client.catalog import Tier

TASKS: Final[Mapping[str, Tier]] = {
    "refine": "light",
    "outline": "long",
    "write": "long",
    "repair": "light",
}
"""Which tier does which work: whole sources go to a long window, everything else is short."""


async def research(
    question: str | Question,
    *,
    settings: Settings | None = None,
    on_event: Tell = tell_nobody,
    embedded: bool = False,
    formats: Sequence[str] = rendering.FORMATS,
) -> Report:
    """Research a question, write its run folder under ``settings.out``, and return the report.

    ``embedded`` uses the extractive model even where a gateway is set. Raises the errors of
    ``agent.errors``; a report that found nothing is no error, its status is ``empty``.
    """
    settings = settings or read_settings()
    if isinstance(question, str):
        question = Question(question, depth=settings.depth, breadth=settings.breadth)
    async with open_tools(question, settings, embedded=embedded, formats=formats) as tools:
        return await pipeline.run(question, tools, on_event)


async def brief(question: Question, *, embedded: bool = False) -> Brief:
    """Only refine: return the brief, searching nothing and writing nothing."""
    async with AsyncExitStack() as stack:
        model = await _model(stack, embedded=embedded)
        return await refine(question, model=model, today=SystemClock().now().date())


@asynccontextmanager
async def open_tools(
    question: Question,
    settings: Settings,
    *,
    embedded: bool = False,
    formats: Sequence[str] = rendering.FORMATS,
) -> AsyncIterator[pipeline.Tools]:
    """Open everything a run works with; publish its folder at the end, or leave no trace.

    The report as JSON is always among the ``formats``: other programs read it.
    """
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        model = await _model(stack, embedded=embedded)
        corpus = Corpus(settings.corpus) if settings.corpus else None
        engines = await stack.enter_async_context(open_engines(settings))
        every: list[SearchEngine] = [*engines, corpus] if corpus else engines
        folder = await stack.enter_async_context(
            new_run_folder(settings.out, question.text, clock.now().date())
        )
        pages = WebPages(allow_hosts=settings.allow_hosts, deadline_seconds=settings.page_seconds)
        stack.push_async_callback(pages.aclose)
        library = Library(
            engines=[engine for engine in every if engine.kind in question.sources],
            reader=Reader(pages, corpus),
            documents=FolderDocuments(folder.documents),
            clock=clock,
        )
        yield pipeline.Tools(model, library, folder, tuple(dict.fromkeys((*formats, "json"))))


@asynccontextmanager
async def open_engines(settings: Settings) -> AsyncIterator[list[SearchEngine]]:
    """Open the engines that search outside: one for the web, and arXiv."""
    seconds = settings.search_seconds
    url = settings.searxng_url
    is_local = url is not None and urlsplit(url).hostname in LOOPBACK
    # a proxy named by the environment is of no use on loopback
    async with httpx.AsyncClient(timeout=seconds, trust_env=not is_local) as client:
        web = SearXNG(url, client) if url else Keyless(seconds)
        yield [web, ArxivSearch(settings.arxiv_url, seconds)]


def gateway_config() -> Config | None:
    """Return what the environment says of a gateway; None if it names none."""
    try:
        return Config.from_environment(os.environ, tasks=TASKS)
    except ConfigInvalid as error:
        raise InvalidSettings(error.message, mend=error.mend) from error


def gateway_is_set() -> bool:
    """Whether the environment names a gateway."""
    return gateway_config() is not None


async def listed_models(config: Config) -> tuple[str, ...]:
    """Return the models a gateway says it has; empty if it keeps no list."""
    async with GatewayClient(config) as client:
        try:
            page = await client.openai().models.list()
        except openai.NotFoundError:
            return ()
        except openai.OpenAIError as error:
            raise translated(error) from error
        return tuple(model.id for model in page.data)


async def _model(stack: AsyncExitStack, *, embedded: bool) -> GatewayChat:
    """Return the gateway's models with the extractive model to stand in, or that one alone."""
    extractive_chat = GatewayChat(await _client(stack, _extractive_config()))
    config = None if embedded else gateway_config()
    if config is None:
        return extractive_chat
    return GatewayChat(await _client(stack, config), understudy=extractive_chat)


async def _client(stack: AsyncExitStack, config: Config) -> GatewayClient:
    return await stack.enter_async_context(GatewayClient(config))


def _extractive_config() -> Config:
    name = extractive.MODEL
    free = Decimal(0)
    model = Model(
        name,
        context=extractive.WINDOW,
        input_usd_per_million=free,
        output_usd_per_million=free,
    )
    return Config(
        endpoints=(
            Endpoint(name, extractive.BASE_URL, transport=extractive.ExtractiveTransport()),
        ),
        tiers={"light": (name,), "deep": (name,), "long": (name,)},
        models={name: model},
        policy=Policy(tasks=TASKS),
    )
