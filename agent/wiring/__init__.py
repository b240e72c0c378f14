"""From settings to tools: the only package that names concrete adapters."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agent import rendering, running
from agent.adapters import checkpoints, run_journal
from agent.adapters.clock import SystemClock
from agent.adapters.document_store import FolderDocuments
from agent.adapters.engines.journalled import Journalled
from agent.adapters.event_log import event_log
from agent.adapters.fetching.pages import Reader
from agent.adapters.run_folder import REQUEST, new_run_folder, unfinished_run_folder
from agent.adapters.run_request import Request, read_request
from agent.domain.events import Event
from agent.domain.question import Question
from agent.errors import RunDamaged
from agent.pipeline import Tools
from agent.running import NOBODY, Host
from agent.settings import Settings, read_settings
from agent.stages.limits import Brake, Limited
from agent.stages.refine import refine
from agent.stages.retrieve import Library
from agent.wiring.engines import open_engines
from agent.wiring.models import (
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

    from agent.adapters.run_folder import WorkingFolder
    from agent.domain.question import Brief
    from agent.domain.report import Report
    from agent.ports import SearchEngine

__all__ = [
    "Reading",
    "brief",
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
    "engines", "search_model", "only_sites", "without_sites", "corpus", "pages", "cached", "offline"
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
    if isinstance(question, str):
        question = Question(question, depth=settings.depth, breadth=settings.breadth)
    request = _request(question, settings, formats, embedded=embedded, demo=demo)
    async with _new_folder(request, settings) as folder:
        return await _report(folder, request, settings, host, engines)


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
    async with unfinished_run_folder(settings.out, run_id) as folder:
        request = read_request(folder.aside)
        if request.demo:
            message = "the miniature internet that this demo read is gone"
            raise RunDamaged(message, mend="run the demo again")
        own = read_settings(**{**settings.model_dump(), **request.settings})
        host.tell(Event("refine", f"{run_id} is taken up again"))
        return await _report(folder, request, own, host, engines)


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
    request = _request(question, settings, formats, embedded=embedded)
    async with (
        _new_folder(request, settings) as folder,
        _tools(folder, request, settings, NOBODY, engines) as tools,
    ):
        yield tools


async def brief(question: Question, *, embedded: bool = False) -> Brief:
    """Only refine: return the brief, searching nothing and writing nothing."""
    async with open_models(read_settings(), embedded=embedded) as model:
        return await refine(question, model=model, today=SystemClock().now().date())


def _request(
    question: Question,
    settings: Settings,
    formats: Sequence[str],
    *,
    embedded: bool,
    demo: bool = False,
) -> Request:
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
    corpus = tuple(path.absolute() for path in settings.corpus)
    return settings.model_copy(update={"corpus": corpus}).model_dump(
        mode="json", include=KEPT_SETTINGS
    )


@asynccontextmanager
async def _new_folder(request: Request, settings: Settings) -> AsyncIterator[WorkingFolder]:
    day, text = request.started.date(), request.question.text
    async with new_run_folder(settings.out, text, day) as folder:
        await folder.write(REQUEST, request.as_json())
        yield folder


async def _report(
    folder: WorkingFolder,
    request: Request,
    settings: Settings,
    host: Host,
    engines: Sequence[SearchEngine],
) -> Report:
    with event_log(folder.events, host.tell) as tell:
        told = replace(host, tell=tell)
        async with _tools(folder, request, settings, told, engines) as tools:
            return await running.run(request.question, tools, told, started=request.started)


@asynccontextmanager
async def _tools(
    folder: WorkingFolder,
    request: Request,
    settings: Settings,
    host: Host,
    engines: Sequence[SearchEngine],
) -> AsyncIterator[Tools]:
    """Open everything a run works with; what it leaves in its folder is closed before it ends."""
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(run_journal.opened(folder.journal))
        saver = await stack.enter_async_context(checkpoints.opened(folder.checkpoints))
        chat = await stack.enter_async_context(
            open_models(settings, embedded=request.embedded, journal=journal)
        )
        reading = await stack.enter_async_context(open_reading(settings))
        corpus = await stack.enter_async_context(open_corpus(settings, reading.parser, host.tell))
        named = await stack.enter_async_context(open_engines(settings))
        asked = [Journalled(engine, journal) for engine in (*named, *engines)]
        every: list[SearchEngine] = [*asked, *([corpus] if corpus else [])]
        brake = host.brake or Brake(limits(settings))
        library = Library(
            engines=[engine for engine in every if engine.kind in request.question.sources],
            reader=Reader(reading.web, corpus),
            documents=FolderDocuments(folder.documents),
            clock=SystemClock(),
            pages=settings.pages,
            reads_at_once=settings.reads_at_once,
            brake=brake,
        )
        model = Limited(chat, chat.understudy, brake) if chat.understudy else chat
        steps = run_journal.RunJournal(journal, chat)
        try:
            yield Tools(model, library, folder, request.formats, steps, saver)
        finally:
            usage = model.usage()
            folder.is_paid = bool(usage.usd or usage.unpriced)
