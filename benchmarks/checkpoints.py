"""What it costs to be able to take up a run: milliseconds of a run, and bytes of its checkpoints.

Twenty sources of 100,000 characters, read and written about by stand-ins. What passes outside the
stages is LangGraph and its saver; what passes within them in the journal is told beside it, and is
mostly waiting: the stand-in for a model computes in this process, and who comes back from writing
to the disk has to wait for the interpreter. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import tempfile
import time
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import pipeline, running
from agent.adapters import checkpoints, run_journal
from agent.adapters.clock import SystemClock
from agent.adapters.document_store import FolderDocuments
from agent.adapters.engines.journalled import Journalled
from agent.adapters.gateway_chat import GatewayChat
from agent.adapters.run_folder import WorkingFolder
from agent.domain.evidence import Hit
from agent.domain.question import Question
from agent.stages.retrieve import Library
from agent.testing import ListedEngine, ShelfReader
from agent.wiring.models import extractive_config
from gateway_client.client import GatewayClient
from gateway_client.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.domain.report import Report

RUNS = 9
SOURCES = 20
CHARACTERS = 100_000
QUESTION = Question("How do long context windows and retrieval compare?", sources=("web",))


def shelf() -> dict[str, str]:
    """Return the texts of the sources, by address: sentences on the question, all different."""
    chance = random.Random(1)  # noqa: S311 - not a secret
    words = "long context windows retrieval compare cost latency recall tokens models".split()
    texts = {}
    for number in range(SOURCES):
        lines: list[str] = []
        while sum(map(len, lines)) < CHARACTERS:
            said = " ".join(chance.choices(words, k=14))
            lines.append(f"In study {number}-{len(lines)} {said} by {chance.randint(2, 99)} %.\n")
        texts[f"https://example.org/{number}"] = "".join(lines)
    return texts


@dataclass(frozen=True)
class Timed:
    """One run: the seconds of LangGraph and its saver, those of the journal, what came of it."""

    graph: float
    journal: float
    report: Report
    folder: Path


async def run(out: Path, texts: dict[str, str]) -> Timed:
    """Run once."""
    folder = WorkingFolder(out, "run")
    folder.documents.mkdir(parents=True)
    hits = [Hit("web", url, f"long context {url}", "retrieval") for url in texts]
    half = len(hits) // 2
    engines = [ListedEngine(hits[:half], name="one"), ListedEngine(hits[half:], name="two")]
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(run_journal.opened(folder.journal))
        started = time.perf_counter()
        saver = await stack.enter_async_context(checkpoints.opened(folder.checkpoints))
        opening = time.perf_counter() - started
        client = GatewayClient(extractive_config(), journal=journal)
        model = GatewayChat(await stack.enter_async_context(client))
        library = Library(
            engines=[Journalled(engine, journal) for engine in engines],
            reader=ShelfReader(texts),
            documents=FolderDocuments(folder.documents),
            clock=SystemClock(),
            pages=SOURCES,
        )
        tools = pipeline.Tools(
            model, library, folder, ("md", "json"), journal=model, checkpoints=saver
        )
        started = time.perf_counter()
        with timed(Journal, "_begin", "_recall", "_keep") as journalling:
            report = await running.run(QUESTION, tools)
        ran = time.perf_counter() - started
    stages = sum(report.seconds_by_stage.values())
    return Timed(opening + ran - stages, sum(journalling), report, folder.aside)


@contextmanager
def timed(owner: type, *names: str) -> Iterator[list[float]]:
    """Yield a list of how long each call of some methods takes."""
    seconds: list[float] = []
    methods = {name: getattr(owner, name) for name in names}
    for name, method in methods.items():
        setattr(owner, name, _timed(method, seconds))
    try:
        yield seconds
    finally:
        for name, method in methods.items():
            setattr(owner, name, method)


def _timed(method: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    def timing(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - any method's
        started = time.perf_counter()
        try:
            return method(*given, **named)
        finally:
            seconds.append(time.perf_counter() - started)

    return timing


def sizes(folder: Path) -> dict[str, int]:
    """Return how large the largest checkpoint is, and both files."""
    database = sqlite3.connect(folder / "state.sqlite")
    (largest,) = database.execute("SELECT max(length(checkpoint)) FROM checkpoints").fetchone()
    database.close()
    return {
        "largest_checkpoint_bytes": largest,
        "state_file_bytes": (folder / "state.sqlite").stat().st_size,
        "journal_file_bytes": (folder / "journal.sqlite").stat().st_size,
    }


async def main() -> None:
    """Time some runs."""
    texts = shelf()
    with tempfile.TemporaryDirectory() as base:
        runs = [await run(Path(base) / str(number), texts) for number in range(RUNS)]
        graph, journal = sorted(one.graph for one in runs), sorted(one.journal for one in runs)
        report, folder = runs[-1].report, runs[-1].folder
        result = {
            "source_bytes": sum(len(text.encode()) for text in texts.values()),
            "sources_read": len(report.sources),
            "model_calls": report.usage.calls,
            "graph_and_saver_least_ms": round(1000 * graph[0], 1),
            "graph_and_saver_median_ms": round(1000 * graph[RUNS // 2], 1),
            "graph_and_saver_most_ms": round(1000 * graph[-1], 1),
            "journal_median_ms": round(1000 * journal[RUNS // 2], 1),
            **sizes(folder),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main())
