"""Drives the graph: from its last checkpoint on, and through what a person is asked on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agent import pipeline
from agent.adapters.checkpoints import Serializer
from agent.domain.events import Tell, tell_nobody
from agent.domain.spans import Span, span

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from langchain_core.runnables import RunnableConfig

    from agent.domain.question import Question
    from agent.domain.report import Report
    from agent.pipeline import Graph, Input, Tools
    from agent.stages.limits import Brake

Answering = Callable[[Mapping[str, Any]], Awaitable[object]]
"""Puts to a person what the graph asks: ``{"kind": "clarity", "questions": [...]}``, answered by a
list of texts, or ``{"kind": "plan", ...}`` with the parts of a brief, answered by True or by a
mapping of the parts to be changed."""


@dataclass(frozen=True, slots=True)
class Host:
    """Whoever a run works for: who hears of it, who answers what it asks, and who may stop it.

    Without ``answering`` nobody is asked. Without a ``brake`` a run has one of its own, for its
    limits.
    """

    tell: Tell = tell_nobody
    answering: Answering | None = None
    brake: Brake | None = None


NOBODY: Final = Host()


async def run(
    question: Question, tools: Tools, host: Host = NOBODY, *, started: datetime | None = None
) -> Report:
    """Run the graph, from its last checkpoint if there is one, telling of each event.

    ``started`` is when the run was begun, if it was not now.
    """
    if host.answering is None:
        question = replace(question, ask=())
    passing = InMemorySaver(serde=Serializer()) if question.ask else None
    graph = pipeline.build_graph(tools.checkpoints or passing)
    config: RunnableConfig = {
        "recursion_limit": 10 + pipeline.STEPS_A_ROUND * question.depth,
        "configurable": {"thread_id": tools.folder.id},
    }
    given: Input | Command[object] | None = {
        "question": question,
        "started": started or tools.library.clock.now(),
    }
    if tools.checkpoints is not None:
        before = await graph.aget_state(config)
        if "report" in before.values:
            return before.values["report"]  # type: ignore[no-any-return]
        given = given if before.created_at is None else None
    with span("research", run=tools.folder.id) as told:
        while True:
            values = await _until_it_stops(graph, given, config, tools, host.tell)
            asked = values.get("__interrupt__", ())
            if not asked:
                return _told(values["report"], told)
            given = Command(resume=await (host.answering or _silence)(asked[0].value))


def _told(report: Report, told: Span) -> Report:
    """Add to a run's span how it ended."""
    told.note(
        status=report.run.status,
        claims=len(report.claims),
        dropped=len(report.dropped),
        sources=len(report.cited),
        tokens=report.usage.input_tokens + report.usage.output_tokens,
        usd=float(report.usage.usd),
    )
    return report


async def _silence(asked: Mapping[str, Any]) -> object:
    """Answer for nobody: a run that was stopped where a person was asked goes on without."""
    return [] if asked["kind"] == "clarity" else True


async def _until_it_stops(
    graph: Graph,
    given: Input | Command[object] | None,
    config: RunnableConfig,
    tools: Tools,
    tell: Tell,
) -> dict[str, Any]:
    """Return the values there are when the graph has ended, or asks something.

    Whatever ends it, its nodes have ended with it: they work with tools that are closed next.
    """
    values: dict[str, Any] = {}
    stream = graph.astream(
        given,
        config,
        context=tools,
        stream_mode=["custom", "values"],
        durability="sync" if tools.checkpoints else None,
    )
    async with aclosing(cast("AsyncGenerator[tuple[str, Any], None]", stream)) as told:
        async for mode, chunk in told:
            if mode == "custom":
                tell(chunk)
            elif isinstance(chunk, dict):
                values = chunk
    return values
