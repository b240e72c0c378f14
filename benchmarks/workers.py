"""Workers that are killed, paused and cut off from their database: `python benchmarks/workers.py`.

PostgreSQL, the web and the model are real servers on loopback, the workers real processes (forked
from one that has everything imported, so that a new one is there in a moment). Parts: `killed`, one
worker every second; `restarts`, of the database, at once; `paused`, past all heartbeats, and woken;
`throughput`, of one worker and of four. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.adapters.extractive import completion
from agent.adapters.postgres import open_database
from agent.cli.queueing import be_worker
from agent.demo.world import DemoWorld
from agent.domain.question import Question
from agent.doors.logs import log_to_stderr
from agent.doors.queue.jobs import Queue, open_queue
from agent.settings import read_settings
from agent.testing.postgres_server import PostgresServer
from agent.wiring.stored import submit_run
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from multiprocessing.process import BaseProcess

    from agent.settings import Settings
    from gateway_client.testing import Asked

HEARTBEAT: Final = 2.0
PATIENCE: Final = 400.0
TOPICS: Final = (
    "Do long context windows replace retrieval?",
    "What does retrieval augmented generation cost?",
    "How does lost in the middle affect long prompts?",
)

_FENCES: Final = "SELECT id, fence FROM deep_research.runs"
_LATE: Final = """
SELECT count(*) FROM deep_research.calls JOIN deep_research.runs ON runs.id = calls.run
WHERE calls.fence < runs.fence AND announced > to_timestamp(%s)
"""
_PAID: Final = "SELECT count(*) FROM deep_research.entries"


def worker_process(at_once: int, heartbeat: float, log: str, environment: dict[str, str]) -> None:
    """Be one worker, until it is ended."""
    os.environ |= environment
    sys.stderr = Path(log).open("a", encoding="utf-8")  # noqa: SIM115 - until the process ends
    log_to_stderr(as_json=True)
    asyncio.run(be_worker(at_once, None, "", heartbeat))


@dataclass
class House:
    """Everything that stays while workers come and go."""

    server: PostgresServer
    queue: Queue
    gateway: ScriptedGateway
    settings: Settings
    environment: dict[str, str]
    logs: Path
    workers: list[BaseProcess] = field(default_factory=list)
    kills: list[tuple[float, Path]] = field(default_factory=list)
    _made: int = 0

    def start(self, at_once: int = 1) -> BaseProcess:
        """Start a worker."""
        self._made += 1
        log = self.logs / f"{self._made}.jsonl"
        log.touch()
        forks = multiprocessing.get_context("forkserver")
        process = forks.Process(
            target=worker_process,
            args=(at_once, HEARTBEAT, str(log), self.environment),
            name=str(log),
            daemon=False,
        )
        process.start()
        self.workers.append(process)
        return process

    def kill(self, process: BaseProcess) -> None:
        """Kill a worker, and its parsers."""
        process.kill()
        self.kills.append((time.time(), Path(process.name)))
        process.join()
        self.workers.remove(process)

    async def submit(self, jobs: int) -> list[str]:
        """Put runs into the queue."""
        runs = []
        for number in range(jobs):
            question = Question(TOPICS[number % len(TOPICS)], sources=("web", "arxiv"), depth=1)
            run = await submit_run(self.queue.database, question, settings=self.settings)
            await self.queue.submit(run, {})
            runs.append(run)
        return runs

    async def states(self) -> Counter[str]:
        """Return how many runs are in which state."""
        return Counter(one.state for one in await self.queue.listed())

    async def settled(self) -> float:
        """Wait until nothing waits or runs, and return the seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            states = await self.states()
            if not states["waiting"] + states["running"]:
                break
            await asyncio.sleep(0.1)
        return time.monotonic() - began

    async def one(self, query: str, *given: object) -> Any:  # noqa: ANN401 - whatever is asked
        """Return the one value of a query."""

        async def get(connection: Any) -> Any:  # noqa: ANN401 - likewise
            ((value,),) = await (await connection.execute(query, given)).fetchall()
            return value

        return await self.queue.database.transaction(get)

    def told(self) -> list[dict[str, Any]]:
        """Return what all workers logged, in the order of time."""
        lines = [line for path in self.logs.glob("*.jsonl") for line in _lines(path)]
        return sorted(lines, key=lambda line: float(line["at"]))

    def rescues(self) -> dict[str, float]:
        """Return how long after its worker was killed a run was back in the queue."""
        rescued = [line for line in self.told() if line["message"] == "run rescued"]
        waits = []
        early = 0
        for at, log in self.kills:
            for run, begun in _going_on(_lines(log)).items():
                after = [line["at"] for line in rescued if line["run"] == run]
                after = [moment for moment in after if moment > begun][:1]
                waits += [moment - at for moment in after if moment > at]
                early += sum(moment <= at for moment in after)
        return {
            "rescues": len(waits),
            "taken_from_who_was_only_slow": early,
            "heartbeat": HEARTBEAT,
            "median": round(statistics.median(waits or [0.0]), 2),
            "longest": round(max(waits, default=0.0), 2),
        }


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return what a worker logged; its last line may be cut short."""
    told = path.read_text(encoding="utf-8").splitlines()
    lines = [json.loads(line) for line in told if line.startswith("{") and line.endswith("}")]
    return [line | {"at": datetime.fromisoformat(line["at"]).timestamp()} for line in lines]


def _going_on(lines: list[dict[str, Any]]) -> dict[str, float]:
    """Return the runs that were begun and did not end, and when they were begun."""
    going: dict[str, float] = {}
    for line in lines:
        if line["message"] == "run begun":
            going[line["run"]] = line["at"]
        elif line["message"] in {
            "run ended",
            "run was over",
            "run put off",
            "run lost",
            "run failed",
        }:
            going.pop(line["run"], None)
    return going


@asynccontextmanager
async def house(thinking: float) -> AsyncIterator[House]:
    """Open everything; the model thinks so many seconds about each answer."""

    def answer(asked: Asked) -> Reply:
        return Reply(body=json.dumps(completion(asked.payload)).encode(), stall=thinking)

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(PostgresServer())
        world = await stack.enter_async_context(DemoWorld())
        gateway = await stack.enter_async_context(ScriptedGateway(answer))
        url = server.database()
        environment = {
            "DEEP_RESEARCH_DATABASE_URL": url.get_secret_value(),
            "DEEP_RESEARCH_SEARXNG_URL": world.searxng_url,
            "DEEP_RESEARCH_ARXIV_URL": world.arxiv_url,
            "DEEP_RESEARCH_ALLOW_HOSTS": world.host,
            "DEEP_RESEARCH_ENGINES": "searxng,arxiv",
            "DEEP_RESEARCH_CACHE": str(folder / "cache"),
            "GATEWAY_BASE_URL": gateway.base_url,
            "GATEWAY_MODEL": "scripted",
        }
        os.environ |= environment
        database = await stack.enter_async_context(open_database(url))
        await database.migrate()
        queue = await stack.enter_async_context(open_queue(database))
        logs = folder / "logs"
        logs.mkdir()
        made = House(server, queue, gateway, read_settings(), environment, logs)
        try:
            yield made
        finally:
            for worker in made.workers:
                worker.kill()
                worker.join()


async def killed(jobs: int, workers: int, every: float) -> dict[str, object]:
    """Kill a worker every second, and put another in its place."""
    async with house(0.05) as here:
        await here.submit(jobs)
        for _ in range(workers):
            here.start()
        settling = asyncio.create_task(here.settled())
        while not settling.done():
            await asyncio.wait({settling}, timeout=every)
            if not settling.done():
                here.kill(random.choice(here.workers))  # noqa: S311 - no secret
                here.start()
        told = here.told()
        begun = Counter(line["run"] for line in told if line["message"] == "run begun")
        ended = Counter(line["run"] for line in told if line["message"] == "run ended")
        return {
            "jobs": jobs,
            "kills": len(here.kills),
            "states": dict(await here.states()),
            "ended_more_than_once": sum(number > 1 for number in ended.values()),
            "begun_again": sum(number - 1 for number in begun.values()),
            "rescues": here.rescues(),
            "calls_lost_on_their_way": len(here.gateway.asked) - await here.one(_PAID),
            "seconds": round(await settling, 1),
        }


async def restarts(jobs: int, workers: int, times: int, every: float) -> dict[str, object]:
    """Restart the database at once, again and again, under runs."""
    async with house(0.3) as here:
        await here.submit(jobs)
        for _ in range(workers):
            here.start(2)
        backs = []
        for _ in range(times):
            await asyncio.sleep(every)
            before = len(here.gateway.asked)
            await asyncio.to_thread(here.server.restart)
            began = time.monotonic()
            while (  # noqa: ASYNC110 - other processes ask
                len(here.gateway.asked) == before
                and (states := await here.states())["waiting"] + states["running"]
            ):
                await asyncio.sleep(0.05)
            backs.append(time.monotonic() - began)
        await here.settled()
        alive = sum(worker.is_alive() for worker in here.workers)
        return {
            "jobs": jobs,
            "restarts": times,
            "states": dict(await here.states()),
            "workers_alive": f"{alive} of {workers}",
            "longest_until_work_went_on_seconds": round(max(backs), 2),
            "calls_lost_on_their_way": len(here.gateway.asked) - await here.one(_PAID),
        }


async def paused(silence: float) -> dict[str, object]:
    """Stop a worker in the middle of a run, let another take over, and wake it."""
    async with house(0.5) as here:
        (run,) = await here.submit(1)
        sleeper = here.start()
        while not here.gateway.asked:  # noqa: ASYNC110 - another process asks
            await asyncio.sleep(0.05)
        os.kill(sleeper.pid or 0, signal.SIGSTOP)
        here.start()
        stopped = time.monotonic()
        await here.settled()
        taken = time.monotonic() - stopped
        await asyncio.sleep(max(0.0, silence - taken))
        asked, woken = len(here.gateway.asked), time.time()
        os.kill(sleeper.pid or 0, signal.SIGCONT)
        await asyncio.sleep(4)
        fences = dict(await _rows(here, _FENCES))
        told = [line["message"] for line in here.told()]
        return {
            "taken_over_and_ended_after_seconds": round(taken, 1),
            "fence": fences[run],
            "calls_of_the_waker": len(here.gateway.asked) - asked,
            "announced_by_the_waker": await here.one(_LATE, woken),
            "states": dict(await here.states()),
            "reports": told.count("run ended"),
            "waker_alive": sleeper.is_alive(),
        }


async def _rows(here: House, query: str) -> list[Any]:
    async def get(connection: Any) -> list[Any]:  # noqa: ANN401 - psycopg's
        found: list[Any] = await (await connection.execute(query)).fetchall()
        return found

    return await here.queue.database.transaction(get)


async def throughput(jobs: int, thinking: float) -> dict[str, object]:
    """Time the same jobs with one worker and with four."""
    seconds = {}
    for workers in (1, 4):
        async with house(thinking) as here:
            for _ in range(workers):
                here.start()
            await here.submit(1)
            await here.settled()  # everything is there, and the pages are kept
            await here.submit(jobs)
            seconds[workers] = await here.settled()
    return {
        "jobs": jobs,
        "thinking_seconds": thinking,
        "seconds_by_workers": {name: round(value, 1) for name, value in seconds.items()},
        "ratio": round(seconds[1] / seconds[4], 2),
    }


async def everything(options: argparse.Namespace) -> dict[str, object]:
    """Do the parts that are wanted."""
    parts = {
        "killed": lambda: killed(options.jobs, 4, 1.0),
        "restarts": lambda: restarts(20, 4, options.restarts, 1.5),
        "paused": lambda: paused(12.0),
        "throughput": lambda: throughput(16, 2.0),
    }
    wanted = options.parts or list(parts)
    return {name: await parts[name]() for name in wanted}


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=20)
    options = parser.parse_args()
    multiprocessing.set_forkserver_preload(
        ["agent.cli.queueing", "agent.wiring.stored", "agent.doors.queue.worker"]
    )
    print(json.dumps(asyncio.run(everything(options)), indent=2))


if __name__ == "__main__":
    main()
