"""Many runs side by side in one process: `python benchmarks/many_runs.py --runs 50`.

Model, web and arXiv are servers on loopback, in a process of their own. Every run has a topic of
its own, on which the web has 24 pages. Prints one JSON object: how the runs ended, the sources
they read, the memory of all processes at their largest, and how late the event loop was.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections import Counter
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import parse_qs, urlsplit

from agent.adapters.extractive import completion
from agent.cli.asking import asked
from agent.demo.sites import Answer, refused
from agent.demo.world import DemoWorld
from agent.doors.batch import DONE, Batch, Outcome, Record, Watch, read_rows
from agent.stages.limits import Brake
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from gateway_client.testing import Asked

RUNS: Final = 50
PAGES: Final = 24
THINKING_SECONDS: Final = 0.2
TICK_SECONDS: Final = 0.01

THINGS: Final = (
    "copper cork hemp wool straw felt slate zinc clay glass foam brick lime oak pine ash steel"
    " paper rubber chalk basalt quartz nylon linen silk amber ivory jute larch maple mica onyx"
    " peat plaster resin sand shale tin tufa walnut willow yew bamboo birch cedar cotton ebony"
    " flax gypsum granite"
).split()
ASPECTS: Final = ("cost", "lifetime", "weight", "strength", "humidity", "maintenance")
NO_PAPERS: Final = (
    b'<feed xmlns="http://www.w3.org/2005/Atom"'
    b' xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"><id>none</id><title>none</title>'
    b"<opensearch:totalResults>0</opensearch:totalResults></feed>"
)
FINDINGS: Final = (
    "{thing} insulation of type {n} lost {a} percent of its {aspect} in {b} winters.",
    "In test {n} the {aspect} of {thing} insulation was {a} points above that of bare walls.",
    "Owners of {b} houses with {thing} insulation paid {a} euros a year for its {aspect}.",
    "Measured over {b} months, {thing} insulation kept {a} percent of its {aspect}.",
    "The {aspect} of {thing} insulation depends on how well joints are closed, says study {n}.",
)


class Sites:
    """A web with pages on every thing, and a search that finds them."""

    def __init__(self, base: str) -> None:
        self._base = base

    def answer(self, target: str) -> Answer:
        """Answer one request."""
        url = urlsplit(target)
        if url.path == "/search":
            return self._search(parse_qs(url.query).get("q", [""])[0])
        if url.path.startswith("/lab-"):
            _, lab, thing = url.path.split("/")
            return _html(_page(thing, int(lab.removeprefix("lab-"))))
        if url.path == "/api/query":
            return Answer(HTTPStatus.OK, "application/atom+xml", NO_PAPERS)
        return refused(HTTPStatus.NOT_FOUND)

    def _search(self, query: str) -> Answer:
        words = set(query.lower().split())
        thing = next((one for one in THINGS if one in words), None)
        hits = [
            {
                "url": f"{self._base}/lab-{number}/{thing}",
                "title": f"{thing} insulation, study {number}",
                "content": f"What is known of {thing} insulation: {', '.join(ASPECTS)}.",
                "engine": "many",
            }
            for number in random.Random(query).sample(range(PAGES), 10)  # noqa: S311 - no secret
            if thing
        ]
        body = json.dumps({"query": query, "results": hits}).encode()
        return Answer(HTTPStatus.OK, "application/json", body)


def _page(thing: str, number: int) -> str:
    chance = random.Random(f"{thing} {number}")  # noqa: S311 - pages, not secrets
    paragraphs = []
    for aspect in ASPECTS * 2:
        said = [
            finding.format(
                thing=thing,
                n=number,
                aspect=aspect,
                a=chance.randint(2, 97),
                b=chance.randint(2, 60),
            )
            for finding in chance.sample(FINDINGS, 4)
        ]
        paragraphs.append(f"<p>{' '.join(said)}</p>")
    title = f"{thing.title()} insulation, study {number}"
    return (
        f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>"
        f"{''.join(paragraphs)}</article></body></html>"
    )


def _html(page: str) -> Answer:
    return Answer(HTTPStatus.OK, "text/html; charset=utf-8", page.encode())


class World(DemoWorld):
    """The demo's server with other sites."""

    async def __aenter__(self) -> Self:
        """Start to listen."""
        await super().__aenter__()
        self._sites = Sites(self.base)  # type: ignore[assignment]  # answers as those do
        return self


def serve_forever(tell: Connection) -> None:
    """Be web and model, until the process is ended."""

    def answer(asked: Asked) -> Reply:
        made = json.dumps(completion(asked.payload)).encode()
        return Reply(body=made, stall=THINKING_SECONDS)

    async def run() -> None:
        async with World() as world, ScriptedGateway(answer) as gateway:
            tell.send((world.searxng_url, world.arxiv_url, world.host, gateway.base_url))
            await asyncio.Event().wait()

    asyncio.run(run())


async def lateness(late: list[float]) -> None:
    """Note how many seconds the loop was late, again and again."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(TICK_SECONDS)
        late.append(time.perf_counter() - began - TICK_SECONDS)


def memory(of: int) -> int:
    """Return the bytes of a process and all below it, each at its largest (Linux only)."""
    tree = [of, *(int(pid) for pid in _below(of))]
    return sum(_largest(pid) for pid in tree)


def _below(pid: int) -> list[str]:
    found: list[str] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += [child, *_below(int(child))]
    return found


def _largest(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


async def measured(runs: int, folder: Path, server: int) -> dict[str, object]:
    """Research a batch, all rows at once, and return what came of it."""
    topics = folder / "topics.txt"
    topics.write_text(
        "".join(f"Is {thing} insulation worth its cost?\n" for thing in THINGS[:runs])
    )
    rows = read_rows(topics, asked, {"out": str(folder / "runs"), "depth": 2})
    late: list[float] = []
    largest: list[int] = []
    watch = Watch(ended=lambda *_: largest.append(memory(os.getpid()) - memory(server)))
    watching = asyncio.create_task(lateness(late))
    began = time.perf_counter()
    outcomes = await Batch(rows, Record(folder / "record.jsonl"), runs, watch).run(Brake())
    seconds = time.perf_counter() - began
    watching.cancel()
    late.sort()
    return {
        "runs": runs,
        "failures": [outcome.reason for outcome in outcomes if outcome.status == "failed"],
        "ended": dict(Counter(outcome.status for outcome in outcomes)),
        "sources_read_a_run": statistics.median(_read(folder, outcome) for outcome in outcomes),
        "claims_a_run": statistics.median(outcome.claims for outcome in outcomes),
        "seconds": round(seconds, 1),
        "largest_mb": round(max(largest) / 1e6),
        "loop_late_ms": {
            name: round(late[min(len(late) - 1, int(share * len(late)))] * 1000, 1)
            for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
        },
    }


def _read(folder: Path, outcome: Outcome) -> int:
    """Return how many sources a run read, 0 if it has no report."""
    if outcome.status not in DONE:
        return 0
    report = json.loads((folder / "runs" / outcome.run / "report.json").read_text("utf-8"))
    return len(report["sources"])


def main() -> None:
    """Start the servers, measure, and end them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    spawning = multiprocessing.get_context("spawn")
    heard, tell = spawning.Pipe(duplex=False)
    server = spawning.Process(target=serve_forever, args=(tell,), daemon=True)
    server.start()
    try:
        searxng, arxiv, host, gateway = heard.recv()
        os.environ |= {
            "DEEP_RESEARCH_SEARXNG_URL": searxng,
            "DEEP_RESEARCH_ARXIV_URL": arxiv,
            "DEEP_RESEARCH_ALLOW_HOSTS": host,
            "DEEP_RESEARCH_ENGINES": "searxng,arxiv",
            "DEEP_RESEARCH_CACHED": "false",
            "DEEP_RESEARCH_PAGES": "6",
            "GATEWAY_BASE_URL": gateway,
        }
        with tempfile.TemporaryDirectory() as folder:
            told = asyncio.run(measured(options.runs, Path(folder), server.pid or 0))
        print(json.dumps(told, indent=2))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
