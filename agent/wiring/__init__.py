"""From settings to tools: the only package that names concrete adapters."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from agent import rendering, running
from agent.adapters.clock import SystemClock
from agent.adapters.engines.journalled import Journalled
from agent.adapters.fetching.pages import Reader
from agent.adapters.past_run import predecessor
from agent.adapters.run_folder import REQUEST, WorkingFolder, new_run_folder, taken_up
from agent.adapters.run_request import Request, read_request
from agent.domain.events import Event, tell_nobody
from agent.domain.look import Look
from agent.domain.question import Question
from agent.errors import InvalidSettings, RunDamaged
from agent.pipeline import Tools
from agent.running import NOBODY, Host
from agent.settings import Settings, read_settings
from agent.stages.limits import Brake, Limited
from agent.stages.refine import refine
from agent.stages.retrieve import Library
from agent.wiring.engines import open_engines
from agent.wiring.keeping import in_folder
from agent.wiring.models import (
    day,
    estimate,
    gateway_config,
    gateway_is_set,
    limits,
    listed_models,
    load,
    open_judge,
    open_models,
)
from agent.wiring.reading import Reading, open_corpus, open_reading
from gateway_client.transport import PoolState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from agent.adapters.corpus import Corpus
    from agent.adapters.gateway_chat import GatewayChat
    from agent.adapters.gateway_pictures import GatewayPictures
    from agent.adapters.turnstile import Turns
    from agent.domain.events import Tell
    from agent.domain.question import Brief
    from agent.domain.report import Report
    from agent.ports import SearchEngine
    from agent.wiring.keeping import Keeping

__all__ = [
    "OF_INPUTS",
    "Inputs",
    "Reading",
    "brief",
    "day",
    "estimate",
    "gateway_config",
    "gateway_is_set",
    "limits",
    "listed_models",
    "load",
    "open_engines",
    "open_inputs",
    "open_judge",
    "open_reading",
    "open_tools",
    "research",
    "research_from",
    "resume",
]

KEPT_SETTINGS: Final = {
    "engines", "search_model", "only_sites", "without_sites", "corpus", "pages", "cached",
    "offline", "illustrate", "image_model", "citation_style", "templates",
}  # fmt: skip
"""What a run that is taken up again has of its own: all that bears on the result, except addresses,
which may hold secrets."""


OF_INPUTS: Final = (
    "engines", "engine_urls", "searxng_url", "arxiv_url", "search_model", "allow_hosts", "corpus",
    "page_seconds", "parse_seconds", "search_seconds", "robots", "contact", "cache", "cached",
    "offline",
)  # fmt: skip
"""The settings that inputs are opened with, so that they are the same for all runs that share."""


async def research(
    question: str | Question,
    *,
    settings: Settings | None = None,
    host: Host = NOBODY,
    embedded: bool = False,
    formats: Sequence[str] = rendering.FORMATS,
    engines: Sequence[SearchEngine] = (),
    demo: bool = False,
) -> Report:
    """Research a question, write its run folder under ``settings.out``, and return the report.

    ``host`` hears of it, and may be asked. ``embedded`` uses the extractive model even where a
    gateway is set; ``engines`` are asked beside those of the settings, such as a RetrieverEngine.
    The report as JSON is always among the ``formats``: other programs read it. Raises the errors of
    ``agent.errors``; a report that found nothing is no error, its status is ``empty``. A run that
    fails after something was paid for or read can be taken up again by ``resume``, except a
    ``demo``: its world is gone.
    """
    settings = settings or read_settings()
    request = requested(question, settings, formats, embedded=embedded, demo=demo)
    reading = inputs_for(request, settings, host.tell, engines)
    opening = in_folder(_new_folder(request, settings))
    return await carried_out(opening, request, settings, host, reading)


async def research_from(
    inputs: Inputs,
    question: Question,
    *,
    settings: Settings,
    host: Host = NOBODY,
    formats: Sequence[str] = rendering.FORMATS,
) -> Report:
    """Research a question as ``research`` does, from inputs that other runs share."""
    request = requested(question, settings, formats, embedded=False)
    opening = in_folder(_new_folder(request, settings))
    return await carried_out(opening, request, settings, host, nullcontext(inputs))


async def resume(
    run_id: str,
    *,
    settings: Settings | None = None,
    host: Host = NOBODY,
    engines: Sequence[SearchEngine] = (),
    inputs: Inputs | None = None,
) -> Report:
    """Go on with a run under ``settings.out`` that was stopped, and return its report.

    What was asked, and whatever bears on the result, is the run's own; keys, addresses, limits and
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
    own = own_settings(request, settings)
    host.tell(Event("refine", f"{run_id} is taken up again"))
    reading = nullcontext(inputs) if inputs else inputs_for(request, own, host.tell, engines)
    return await carried_out(in_folder(taken_up(stopped)), request, own, host, reading)


@asynccontextmanager
async def open_tools(
    question: Question,
    settings: Settings,
    *,
    embedded: bool = False,
    formats: Sequence[str] = rendering.FORMATS,
    engines: Sequence[SearchEngine] = (),
) -> AsyncIterator[Tools]:
    """Open what the graph works with, for whoever runs it as a part of another.

    The run's folder is published if the block ends well.
    """
    request = requested(question, settings, formats, embedded=embedded)
    async with (
        inputs_for(request, settings, engines=engines) as inputs,
        in_folder(_new_folder(request, settings)) as keeping,
        _tools(keeping, request, settings, inputs, Brake(limits(settings))) as tools,
    ):
        yield tools


async def brief(question: Question, *, embedded: bool = False) -> Brief:
    """Only refine: return the brief, searching nothing and writing nothing."""
    async with open_models(read_settings(), embedded=embedded) as model:
        return await refine(question, model=model, today=SystemClock().now().date())


def requested(
    question: str | Question,
    settings: Settings,
    formats: Sequence[str],
    *,
    embedded: bool,
    demo: bool = False,
) -> Request:
    """Return what is asked; refuse, before anything is spent, what could not be delivered."""
    if isinstance(question, str):
        question = Question(question, depth=settings.depth, breadth=settings.breadth)
    rendering.require(formats, _look(settings))
    if settings.illustrate and (embedded or not gateway_is_set()):
        raise InvalidSettings("only a gateway can draw a cover", mend="set GATEWAY_BASE_URL")
    predecessor(question, settings.out)
    return Request(
        question=question,
        started=SystemClock().now(),
        formats=tuple(dict.fromkeys((*formats, "json"))),
        embedded=embedded,
        demo=demo,
        settings=_kept(settings),
    )


def _kept(settings: Settings) -> Mapping[str, object]:
    """Return the settings that a run has of its own, wherever it is taken up again."""
    paths = {
        "corpus": tuple(path.absolute() for path in settings.corpus),
        "templates": settings.templates.absolute() if settings.templates else None,
    }
    return settings.model_copy(update=paths).model_dump(mode="json", include=KEPT_SETTINGS)


def own_settings(request: Request, settings: Settings) -> Settings:
    """Return the settings with those that the run has of its own."""
    return read_settings(**{**settings.model_dump(), **request.settings})


def _look(settings: Settings) -> Look:
    return Look(settings.citation_style, settings.templates)


def _new_folder(request: Request, settings: Settings) -> AbstractAsyncContextManager[WorkingFolder]:
    return new_run_folder(settings.out, request.question.text, request.started.date())


async def carried_out(
    opening: AbstractAsyncContextManager[Keeping],
    request: Request,
    settings: Settings,
    host: Host,
    reading: AbstractAsyncContextManager[Inputs],
) -> Report:
    """Return the report of a run that is begun, or gone on with, wherever it is kept."""
    brake = host.brake or Brake(limits(settings))
    async with reading as inputs, AsyncExitStack() as stack:
        async with inputs.door:
            keeping = await stack.enter_async_context(opening)
            tell = stack.enter_context(keeping.log(host.tell))
            tools = await stack.enter_async_context(
                _tools(keeping, request, settings, inputs, brake)
            )
        told = replace(host, tell=tell)
        return await running.run(request.question, tools, told, started=request.started)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What runs read from, one alone or many side by side, and how the gateway's keys stand.

    They come in by the ``door``, one after the other: what a start takes of the event loop, and the
    searches that follow it, would otherwise fall on one moment.
    """

    engines: Sequence[SearchEngine]
    corpus: Corpus | None
    reading: Reading
    pool_state: PoolState = field(default_factory=PoolState)
    door: asyncio.Lock = field(default_factory=asyncio.Lock)


@asynccontextmanager
async def open_inputs(
    settings: Settings,
    tell: Tell = tell_nobody,
    engines: Sequence[SearchEngine] = (),
    *,
    revalidating: bool = False,
    arxiv_turns: Turns | None = None,
) -> AsyncIterator[Inputs]:
    """Open what the settings name to be asked and read, before any run's folder is made.

    ``revalidating`` has pages asked for that would else be taken as they were read before;
    ``arxiv_turns`` are taken with other machines.
    """
    async with (
        open_reading(settings, revalidating=revalidating) as reading,
        open_corpus(settings, reading.parser, tell) as corpus,
        open_engines(settings, arxiv_turns) as named,
    ):
        every = [*named, *engines, *([corpus] if corpus else [])]
        yield Inputs(every, corpus, reading)


def inputs_for(
    request: Request,
    settings: Settings,
    tell: Tell = tell_nobody,
    engines: Sequence[SearchEngine] = (),
) -> AbstractAsyncContextManager[Inputs]:
    """Open the inputs of one run alone."""
    return open_inputs(settings, tell, engines, revalidating=bool(request.question.predecessor))


@asynccontextmanager
async def _tools(
    keeping: Keeping, request: Request, settings: Settings, inputs: Inputs, brake: Brake
) -> AsyncIterator[Tools]:
    """Open the models, which are closed before the run is published.

    What the corpus answers is not journalled: it costs nothing.
    """
    journal = keeping.journal
    await keeping.folder.write(REQUEST, request.as_json())
    async with open_models(
        settings, embedded=request.embedded, journal=journal, pool_state=inputs.pool_state
    ) as chat:
        library = Library(
            engines=[
                engine if engine is inputs.corpus else Journalled(engine, journal)
                for engine in inputs.engines
                if engine.kind in request.question.sources
            ],
            reader=Reader(inputs.reading.web, inputs.corpus),
            documents=keeping.documents,
            clock=SystemClock(),
            pages=settings.pages,
            reads_at_once=settings.reads_at_once,
            brake=brake,
        )
        model = Limited(chat, chat.understudy, brake) if chat.understudy else chat
        illustrator = _illustrator(chat, settings) if settings.illustrate else None
        yield Tools(
            model=model,
            library=library,
            folder=keeping.folder,
            formats=request.formats,
            look=_look(settings),
            journal=chat,
            checkpoints=keeping.checkpoints,
            illustrator=illustrator,
            past=predecessor(request.question, settings.out),
        )


def _illustrator(chat: GatewayChat, settings: Settings) -> GatewayPictures:
    """Return the gateway's image model, whose pictures are paid for with the run's other calls."""
    from agent.adapters.gateway_pictures import GatewayPictures  # noqa: PLC0415 - few runs have one

    return GatewayPictures(chat.client, settings.image_model)
