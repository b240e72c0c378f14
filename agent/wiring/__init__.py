"""From settings to tools: the only package that names concrete adapters."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from agent import rendering, running
from agent.adapters.clock import SystemClock
from agent.adapters.engines.journalled import Journalled
from agent.adapters.fetching.pages import Reader
from agent.adapters.run_folder import REQUEST, WorkingFolder, new_run_folder, taken_up
from agent.adapters.run_request import Request, read_request
from agent.domain.events import Event
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
    estimate,
    gateway_config,
    gateway_is_set,
    limits,
    listed_models,
    open_judge,
    open_models,
)
from agent.wiring.reading import Reading, open_corpus, open_reading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from agent.adapters.corpus import Corpus
    from agent.adapters.gateway_chat import GatewayChat
    from agent.adapters.gateway_pictures import GatewayPictures
    from agent.domain.question import Brief
    from agent.domain.report import Report
    from agent.ports import SearchEngine
    from agent.wiring.keeping import Keeping

__all__ = [
    "Reading",
    "brief",
    "estimate",
    "gateway_config",
    "gateway_is_set",
    "limits",
    "listed_models",
    "open_engines",
    "open_judge",
    "open_reading",
    "open_tools",
    "research",
    "resume",
]

KEPT_SETTINGS: Final = {
    "engines", "search_model", "only_sites", "without_sites", "corpus", "pages", "cached",
    "offline", "illustrate", "image_model", "citation_style", "templates",
}  # fmt: skip
"""What a run that is taken up again has of its own: all that bears on the result, except addresses,
which may hold secrets."""


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
    opening = in_folder(_new_folder(request, settings))
    return await carried_out(opening, request, settings, host, engines)


async def resume(
    run_id: str,
    *,
    settings: Settings | None = None,
    host: Host = NOBODY,
    engines: Sequence[SearchEngine] = (),
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
    host.tell(Event("refine", f"{run_id} is taken up again"))
    opening = in_folder(taken_up(stopped))
    return await carried_out(opening, request, own_settings(request, settings), host, engines)


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
        _inputs(request, settings, NOBODY, engines) as inputs,
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
    engines: Sequence[SearchEngine],
) -> Report:
    """Return the report of a run that is begun, or gone on with, wherever it is kept."""
    brake = host.brake or Brake(limits(settings))
    async with _inputs(request, settings, host, engines) as inputs, opening as keeping:
        with keeping.log(host.tell) as tell:
            async with _tools(keeping, request, settings, inputs, brake) as tools:
                told = replace(host, tell=tell)
                return await running.run(request.question, tools, told, started=request.started)


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What a run reads from; it is opened before the run's folder is made."""

    engines: Sequence[SearchEngine]
    corpus: Corpus | None
    reading: Reading


@asynccontextmanager
async def _inputs(
    request: Request, settings: Settings, host: Host, engines: Sequence[SearchEngine]
) -> AsyncIterator[_Inputs]:
    async with (
        open_reading(settings) as reading,
        open_corpus(settings, reading.parser, host.tell) as corpus,
        open_engines(settings) as named,
    ):
        every: list[SearchEngine] = [*named, *engines, *([corpus] if corpus else [])]
        wanted = request.question.sources
        yield _Inputs([engine for engine in every if engine.kind in wanted], corpus, reading)


@asynccontextmanager
async def _tools(
    keeping: Keeping, request: Request, settings: Settings, inputs: _Inputs, brake: Brake
) -> AsyncIterator[Tools]:
    """Open the models, which are closed before the run is published.

    What the corpus answers is not journalled: it costs nothing.
    """
    journal = keeping.journal
    await keeping.folder.write(REQUEST, request.as_json())
    async with open_models(settings, embedded=request.embedded, journal=journal) as chat:
        library = Library(
            engines=[
                engine if engine is inputs.corpus else Journalled(engine, journal)
                for engine in inputs.engines
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
        )


def _illustrator(chat: GatewayChat, settings: Settings) -> GatewayPictures:
    """Return the gateway's image model, whose pictures are paid for with the run's other calls."""
    from agent.adapters.gateway_pictures import GatewayPictures  # noqa: PLC0415 - few runs have one

    return GatewayPictures(chat.client, settings.image_model)
