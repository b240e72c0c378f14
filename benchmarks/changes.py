"""What a report costs where nothing has changed: `python benchmarks/changes.py`.

The demo world is researched, and then again with the first run as predecessor. Prints one JSON
object: tokens, model calls and seconds of both, and the changes that were told, of which there are
none.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from agent import wiring
from agent.demo.world import DemoWorld
from agent.domain.question import Question
from agent.settings import Settings

if TYPE_CHECKING:
    from agent.domain.report import Report

TOPIC = "Do long context windows replace retrieval-augmented generation?"


def taken(report: Report) -> dict[str, object]:
    """Return what a run took."""
    usage, run = report.usage, report.run
    return {
        "claims": len(report.claims),
        "calls": usage.calls,
        "tokens": usage.input_tokens + usage.output_tokens,
        "seconds": round((run.finished - run.started).total_seconds(), 2),
        "changes": len(report.changes),
    }


async def main(folder: Path) -> None:
    """Run twice and print."""
    async with DemoWorld() as world:
        settings = Settings(
            out=folder / "runs",
            cache=folder / "cache",
            engines=("searxng", "arxiv"),
            searxng_url=world.searxng_url,
            arxiv_url=world.arxiv_url,
            allow_hosts=frozenset({world.host}),
        )
        question = Question(TOPIC, sources=("web", "arxiv"))
        first = await wiring.research(question, settings=settings, embedded=True)
        question = Question(TOPIC, sources=("web", "arxiv"), predecessor=first.run.id)
        again = await wiring.research(question, settings=settings, embedded=True)
    print(json.dumps({"first": taken(first), "again": taken(again)}))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(main(Path(scratch)))
