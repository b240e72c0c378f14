"""From settings to tools: the only file that names concrete adapters."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import httpx
import openai

from agent import pipeline, rendering
from agent.adapters import checkpoints, extractive, run_journal
from agent.adapters.clock import SystemClock
from agent.adapters.document_store import FolderDocuments
from agent.adapters.engines import catalogue
from agent.adapters.engines.journalled import Journalled
from agent.adapters.engines.remembered import Remembered
from agent.adapters.fetching.identity import user_agent
from agent.adapters.fetching.pages import Reader, WebPages
from agent.adapters.fetching.politeness import Manners
from agent.adapters.gateway_chat import GatewayChat
from agent.adapters.parsing.kept import KeptPages
from agent.adapters.parsing.workers import Parser
from agent.adapters.run_folder import REQUEST, WorkingFolder, new_run_folder, taken_up
from agent.adapters.run_request import Request, read_request
from agent.adapters.user_cache import user_cache
from agent.domain.events import Event, Tell, tell_nobody
from agent.domain.question import Question
from agent.errors import InvalidSettings, RunDamaged
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
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from agent.adapters.corpus import Corpus
    from agent.adapters.fetching.pages import Fetched
    from agent.domain.evidence import Page
    from agent.domain.question import Brief
    from agent.domain.report import Report
    from agent.ports import SearchEngine
    from gateway_client.catalog import Tier
    from gateway_client.journal import Journal

    Opening = AbstractAsyncContextManager[WorkingFolder]

LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")

TASKS: Final[Mapping[str, Tier]] = {
    "refine": "light",
    "outline": "long",
    "excerpt": "long",
    "write": "long",
    "summarize": "light",
    "judge": "light",
    "repair": "light",
}
"""Which tier does which work: whole sources go to a long window, everything else is short."""

KEPT_SETTINGS: Final = {
    "engines", "search_model", "only_sites", "without_sites", "corpus", "pages", "cached", "offline"
}  # fmt: skip
"""What a run that is taken up again has of its own: all that bears on the result, except addresses,
which may hold secrets."""


async def research(
    question: str | Question,
    *,
    settings: Settings | None = None,
    on_event: Tell = tell_nobody,
    embedded: bool = False,
    formats: Sequence[str] = rendering.FORMATS,
    engines: Sequence[SearchEngine] = (),
    demo: bool = False,
) -> Report:
    """Research a question, write its run folder under ``settings.out``, and return the report.

    ``embedded`` uses the extractive model even where a gateway is set; ``engines`` are asked
    beside those of the settings, such as a RetrieverEngine. The report as JSON is always among
    the ``formats``: other programs read it. Raises the errors of ``agent.errors``; a report that
    found nothing is no error, its status is ``empty``. A run that fails after something was paid
    for or read can be taken up again by ``resume``, except a ``demo``: its world is gone.
    """
    settings = settings or read_settings()
    if isinstance(question, str):
        question = Question(question, depth=settings.depth, breadth=settings.breadth)
    request = _request(question, settings, formats, embedded=embedded, demo=demo)
    return await _report(_new_folder(request, settings), request, settings, on_event, engines)


async def resume(
    run_id: str,
    *,
    settings: Settings | None = None,
    on_event: Tell = tell_nobody,
    engines: Sequence[SearchEngine] = (),
) -> Report:
    """Go on with a run under ``settings.out`` that was stopped, and return its report.

    What was asked, and whatever bears on the result, is the run's own; keys, addresses and
    deadlines are of ``settings``. Raises RunBusy if another process works on it, RunFinished if
    nothing is left to do, RunDamaged if what was kept of it cannot be read.
    """
    settings = settings or read_settings()
    stopped = WorkingFolder(settings.out, run_id)
    stopped.refuse_finished()
    request = read_request(stopped.aside)
    if request.demo:
        message = "the miniature internet that this demo read is gone"
        raise RunDamaged(message, mend="run the demo again")
    own = read_settings(**{**settings.model_dump(), **request.settings})
    on_event(Event("refine", f"{run_id} is taken up again"))
    return await _report(taken_up(stopped), request, own, on_event, engines)


def _request(
    question: Question,
    settings: Settings,
    formats: Sequence[str],
    *,
    embedded: bool,
    demo: bool = False,
) -> Request:
    corpus = tuple(path.absolute() for path in settings.corpus)
    kept = settings.model_copy(update={"corpus": corpus})
    return Request(
        question=question,
        started=SystemClock().now(),
        formats=tuple(dict.fromkeys((*formats, "json"))),
        embedded=embedded,
        demo=demo,
        settings=kept.model_dump(mode="json", include=KEPT_SETTINGS),
    )


def _new_folder(request: Request, settings: Settings) -> Opening:
    return new_run_folder(settings.out, request.question.text, request.started.date())


async def _report(
    opening: Opening,
    request: Request,
    settings: Settings,
    tell: Tell,
    engines: Sequence[SearchEngine],
) -> Report:
    async with _tools(opening, request, settings, tell, engines) as tools:
        return await pipeline.run(request.question, tools, tell, started=request.started)


async def brief(question: Question, *, embedded: bool = False) -> Brief:
    """Only refine: return the brief, searching nothing and writing nothing."""
    async with AsyncExitStack() as stack:
        model = await _model(stack, embedded=embedded)
        return await refine(question, model=model, today=SystemClock().now().date())


@asynccontextmanager
async def open_judge() -> AsyncIterator[GatewayChat]:
    """Open the gateway's models to judge claims; raise InvalidSettings if none is set.

    The extractive model judges nothing, so it is no substitute here.
    """
    config = gateway_config()
    if config is None:
        raise InvalidSettings("no gateway is set", mend="set GATEWAY_BASE_URL to judge by a model")
    async with AsyncExitStack() as stack:
        yield GatewayChat(await _client(stack, config))


@asynccontextmanager
async def open_tools(
    question: Question,
    settings: Settings,
    *,
    embedded: bool = False,
    formats: Sequence[str] = rendering.FORMATS,
    tell: Tell = tell_nobody,
    engines: Sequence[SearchEngine] = (),
) -> AsyncIterator[pipeline.Tools]:
    """Open everything a run works with; publish its folder at the end.

    For graphs of the caller's own; the rest is as for ``research``.
    """
    request = _request(question, settings, formats, embedded=embedded)
    opening = _new_folder(request, settings)
    async with _tools(opening, request, settings, tell, engines) as tools:
        yield tools


@asynccontextmanager
async def _tools(
    opening: Opening,
    request: Request,
    settings: Settings,
    tell: Tell,
    engines: Sequence[SearchEngine],
) -> AsyncIterator[pipeline.Tools]:
    """Open everything a run works with, its folder when all that it reads from is there.

    What the run keeps in its folder is closed before the folder is published.
    """
    async with AsyncExitStack() as stack:
        reading = await stack.enter_async_context(open_reading(settings))
        corpus = await _corpus(stack, settings, reading.parser, tell) if settings.corpus else None
        named = await stack.enter_async_context(open_engines(settings))
        folder = await stack.enter_async_context(opening)
        await folder.write(REQUEST, request.as_json())
        journal = stack.enter_context(run_journal.opened(folder.journal))
        saver = await stack.enter_async_context(checkpoints.opened(folder.checkpoints))
        model = await _model(stack, embedded=request.embedded, journal=journal)
        asked = [Journalled(engine, journal) for engine in (*named, *engines)]
        every: list[SearchEngine] = [*asked, *([corpus] if corpus else [])]
        library = Library(
            engines=[engine for engine in every if engine.kind in request.question.sources],
            reader=Reader(reading.web, corpus),
            documents=FolderDocuments(folder.documents),
            clock=SystemClock(),
            pages=settings.pages,
            reads_at_once=settings.reads_at_once,
        )
        try:
            yield pipeline.Tools(model, library, folder, request.formats, model, saver)
        finally:
            usage = model.usage()
            folder.is_paid = bool(usage.usd or usage.unpriced)


@dataclass(frozen=True, slots=True)
class Reading:
    """What pages are read with: the web, and the processes that make text of them."""

    web: WebPages
    parser: Parser


@asynccontextmanager
async def open_reading(settings: Settings) -> AsyncIterator[Reading]:
    """Open the web for reading; the first process is made ready while the first search runs."""
    parser = Parser(seconds=settings.parse_seconds)
    made = _cache(settings, "parsed")
    parsing = KeptPages(parser, made) if made else parser

    async def parse(fetched: Fetched) -> Page:
        return await parsing.parse(
            fetched.body, fetched.content_type, fetched.encoding, fetched.url
        )

    folder = _cache(settings, "pages")
    web = WebPages(
        allow_hosts=settings.allow_hosts,
        deadline_seconds=settings.page_seconds,
        manners=Manners(robots=settings.robots, contact=settings.contact),
        cache=folder / "pages.sqlite" if folder else None,
        offline=settings.offline,
        parse=parse,
    )
    warming = asyncio.create_task(parser.warm())
    try:
        yield Reading(web, parser)
    finally:
        warming.cancel()
        await asyncio.wait({warming})
        await web.aclose()
        await parser.aclose()


@asynccontextmanager
async def open_engines(settings: Settings) -> AsyncIterator[list[SearchEngine]]:
    """Open the engines that search outside; what they answer is kept for offline runs."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                timeout=settings.search_seconds,
                headers={"User-Agent": user_agent(settings.contact)},
                # a proxy named by the environment is of no use on loopback
                mounts={f"all://{host}": httpx.AsyncHTTPTransport() for host in LOOPBACK_HOSTS},
            )
        )
        means = catalogue.Means(
            client,
            seconds=settings.search_seconds,
            searxng_url=settings.searxng_url,
            arxiv_url=settings.arxiv_url,
            mailto=settings.contact,
            urls=settings.engine_urls,
            search_model=settings.search_model,
        )
        if "gateway" in settings.engines and (config := gateway_config()):
            gateway = await _client(stack, config)
            means = replace(means, gateway=gateway.http_client)
        names = settings.engines or catalogue.set_up(means, os.environ)
        engines: list[SearchEngine] = catalogue.chosen(names, means, os.environ)
        folder = _cache(settings, "searches")
        if folder is not None:
            offline = settings.offline
            engines = [Remembered(engine, folder, offline=offline) for engine in engines]
        yield engines


def _cache(settings: Settings, name: str) -> Path | None:
    """Return the folder of a cache, None if nothing is to be kept."""
    if not settings.cached and not settings.offline:
        return None
    return settings.cache / name if settings.cache else user_cache(name)


async def _corpus(stack: AsyncExitStack, settings: Settings, parser: Parser, tell: Tell) -> Corpus:
    """Open the corpus and bring its index up to date."""
    from agent.adapters.corpus import Corpus  # noqa: PLC0415 - few runs have one

    async def parse(body: bytes, content_type: str, url: str) -> Page:
        return await parser.parse(body, content_type, "", url)

    def told(done: int, total: int) -> None:
        tell(Event("retrieve", f"{done:,} of {total:,} new files of the corpus are indexed"))

    corpus = Corpus(
        settings.corpus, cache=_cache(settings, "corpus"), parse=parse, on_progress=told
    )
    stack.push_async_callback(corpus.aclose)
    await corpus.prepare()
    return corpus


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


async def _model(
    stack: AsyncExitStack, *, embedded: bool, journal: Journal | None = None
) -> GatewayChat:
    """Return the gateway's models with the extractive model to stand in, or that one alone."""
    config = None if embedded else gateway_config()
    if config is None:
        return GatewayChat(await _client(stack, extractive_config(), journal))
    understudy = GatewayChat(await _client(stack, extractive_config()))
    return GatewayChat(await _client(stack, config, journal), understudy=understudy)


async def _client(
    stack: AsyncExitStack, config: Config, journal: Journal | None = None
) -> GatewayClient:
    return await stack.enter_async_context(GatewayClient(config, journal=journal))


def extractive_config() -> Config:
    """Return a gateway of one endpoint, the extractive model in this process."""
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
