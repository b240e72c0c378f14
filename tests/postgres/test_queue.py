"""Runs in the queue, and workers that are real processes: killed, stopped, cut off, told to end."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from agent.adapters.extractive import completion
from agent.adapters.postgres import Database
from agent.adapters.postgres.turns import StoredTurns
from agent.demo.world import DemoWorld
from agent.domain.question import Question
from agent.doors.queue.jobs import Queue, open_queue
from agent.errors import RunUnknown
from agent.settings import Settings, read_settings
from agent.testing.postgres_server import PostgresServer
from agent.wiring.stored import export_run, submit_run
from gateway_client.testing import Asked, Reply, ScriptedGateway

QUESTION = Question("Do long context windows replace retrieval?", sources=("web", "arxiv"), depth=1)
BEAT = 1.0
PATIENCE = 40.0


@dataclass
class House:
    """A queue, a world, a model, and the workers that were started."""

    queue: Queue
    settings: Settings
    gateway: ScriptedGateway
    folder: Path
    workers: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def worker(self, *words: str) -> asyncio.subprocess.Process:
        """Start a worker, and return it when it is at work."""
        with (self.folder / f"{len(self.workers)}.jsonl").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", "from agent.cli import main; main()", "worker",
                "--heartbeat", str(BEAT), "--log-format", "json", *words,
                stdout=log, stderr=log,
            )  # fmt: skip
        self.workers.append(process)
        await until(self._all_begun)
        return process

    async def _all_begun(self) -> bool:
        return len(self.told("worker begun")) == len(self.workers)

    async def submit(self, **limits: object) -> str:
        run = await submit_run(self.queue.database, QUESTION, settings=self.settings)
        await self.queue.submit(run, limits)
        return run

    async def over(self, run: str, state: str = "complete") -> None:
        await until(lambda: self._is(run, state))

    async def _is(self, run: str, state: str) -> bool:
        return (await self.queue.find(run)).state == state

    def told(self, message: str) -> list[dict[str, Any]]:
        lines = [
            json.loads(line)
            for path in self.folder.glob("*.jsonl")
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith("{") and line.endswith("}")
        ]
        return [line for line in lines if line["message"] == message]

    async def paid(self) -> int:
        async def count(connection: Any) -> int:
            found = await connection.execute("SELECT count(*) FROM deep_research.entries")
            return int((await found.fetchone())[0])

        return await self.queue.database.transaction(count)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    began = time.monotonic()
    while not await true():
        assert time.monotonic() - began < PATIENCE
        await asyncio.sleep(0.05)


@asynccontextmanager
async def opened(
    database: Database, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, thinking: float
) -> AsyncIterator[House]:
    def answer(asked: Asked) -> Reply:
        return Reply(body=json.dumps(completion(asked.payload)).encode(), stall=thinking)

    async with DemoWorld() as world, ScriptedGateway(answer) as gateway:
        for name, value in {
            "DEEP_RESEARCH_DATABASE_URL": url,
            "DEEP_RESEARCH_SEARXNG_URL": world.searxng_url,
            "DEEP_RESEARCH_ARXIV_URL": world.arxiv_url,
            "DEEP_RESEARCH_ALLOW_HOSTS": world.host,
            "DEEP_RESEARCH_ENGINES": "searxng,arxiv",
            "DEEP_RESEARCH_CACHE": str(folder / "cache"),
            "DEEP_RESEARCH_OUT": str(folder / "runs"),
            "GATEWAY_BASE_URL": gateway.base_url,
            "GATEWAY_MODEL": "scripted",
        }.items():
            monkeypatch.setenv(name, value)
        async with open_queue(database) as queue:
            house = House(queue, read_settings(), gateway, folder)
            try:
                yield house
            finally:
                for process in house.workers:
                    if process.returncode is None:
                        process.kill()
                    await process.wait()


Opening = Callable[[float], Any]


@pytest.fixture
def house(
    server: PostgresServer, prepared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Opening:
    @asynccontextmanager
    async def make(thinking: float) -> AsyncIterator[House]:
        from agent.adapters.postgres import open_database

        url = server.database(prepared)
        async with (
            open_database(url) as database,
            opened(database, url.get_secret_value(), tmp_path, monkeypatch, thinking) as made,
        ):
            yield made

    return make


async def test_a_run_of_a_killed_worker_is_rescued_and_nothing_is_paid_twice(
    house: Opening, server: PostgresServer
) -> None:
    async with house(0.3) as here:
        first = await here.worker()
        run = await here.submit()
        await until(lambda: _asked(here, 2))
        first.kill()
        killed = time.monotonic()
        await here.worker()
        await until(lambda: _rescued(here))
        assert time.monotonic() - killed < 3 * BEAT + 4  # and a worker begins in a few seconds
        server.restart()
        await here.over(run)
        assert len(here.told("run ended")) == 1
        assert len(here.gateway.asked) - await here.paid() <= 2  # on its way at the kill, the cut
        folder = await export_run(here.queue.database, run, here.settings.out)
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        assert report["run"]["status"] == "complete"


async def _asked(here: House, calls: int) -> bool:
    return len(here.gateway.asked) >= calls


async def _rescued(here: House) -> bool:
    return bool(here.told("run rescued"))


async def test_a_worker_that_slept_neither_pays_nor_writes_when_it_wakes(house: Opening) -> None:
    async with house(0.3) as here:
        sleeper = await here.worker()
        run = await here.submit()
        await until(lambda: _asked(here, 2))
        os.kill(sleeper.pid, signal.SIGSTOP)
        await here.worker()
        await here.over(run)
        asked, paid = len(here.gateway.asked), await here.paid()
        os.kill(sleeper.pid, signal.SIGCONT)
        await until(lambda: _said(here, "run lost"))
        assert (len(here.gateway.asked), await here.paid()) == (asked, paid)
        assert len(here.told("run ended")) == 1
        assert (await here.queue.find(run)).state == "complete"


async def _said(here: House, message: str) -> bool:
    return bool(here.told(message))


async def test_a_worker_told_to_stop_ends_its_run_and_tells_how_it_is(house: Opening) -> None:
    async with house(0.1) as here:
        worker = await here.worker("--port", "18099")
        run = await here.submit()
        await until(lambda: _said(here, "run begun"))
        health = await asyncio.to_thread(lambda: urlopen("http://127.0.0.1:18099/health").read())
        assert json.loads(health) == {"ok": True, "runs": [run]}
        waiting = await here.submit()
        worker.terminate()
        assert await asyncio.wait_for(worker.wait(), PATIENCE) == 0
        states = {one.run: one.state for one in await here.queue.listed()}
        assert states[run] == "complete"
        assert states[waiting] in {"waiting", "complete"}


async def test_what_goes_on_is_cancelled_into_a_partial_report(house: Opening) -> None:
    async with house(0.4) as here:
        await here.worker()
        run = await here.submit()
        await until(lambda: _asked(here, 1))
        assert await here.queue.cancel(await here.queue.find(run))
        await until(lambda: _over(here, run))
        found = await here.queue.find(run)
        assert found.state in {"partial", "empty"}
        assert "it was cancelled in the queue" in found.reason


async def _over(here: House, run: str) -> bool:
    return (await here.queue.find(run)).is_over


async def test_runs_wait_are_cancelled_and_tried_again(database: Database, tmp_path: Path) -> None:
    settings = Settings(out=tmp_path)
    async with open_queue(database) as queue:
        run = await submit_run(database, QUESTION, settings=settings, embedded=True)
        for _ in range(2):
            await queue.submit(run, {"max_usd": "0.5"})
        (one,) = await queue.listed()
        assert (one.run, one.state) == (run, "waiting")
        assert await queue.depths() == {"waiting": 1}
        assert await queue.cancel(one)
        cancelled = await queue.find(run[:20])
        assert cancelled.state == "cancelled"
        assert not await queue.cancel(cancelled)
        await queue.retry(cancelled)
        assert (await queue.find(run)).state == "waiting"
        with pytest.raises(RunUnknown, match="no run 'other' in the queue"):
            await queue.find("other")
        await queue.forget(run)
        assert await queue.listed() == []


async def test_a_rescue_that_was_broken_off_is_done_again(
    database: Database, tmp_path: Path
) -> None:
    """The old job is still there, and its successor waits already: by the queueing lock, once."""
    async with open_queue(database) as queue:
        run = await submit_run(database, QUESTION, settings=Settings(out=tmp_path), embedded=True)
        await queue.submit(run, {})
        manager = queue.app.job_manager
        dead = await manager.register_worker()
        job = await manager.fetch_job(queues=None, worker_id=dead)
        assert job is not None
        await queue.submit(run, {})  # as far as a rescuer came
        await manager.unregister_worker(dead)
        assert await queue.rescue(2.0) == [run]
        assert await queue.rescue(2.0) == []
        assert await queue.depths() == {"waiting": 1}
        again = await manager.fetch_job(queues=None, worker_id=await manager.register_worker())
        assert again is not None
        assert again.task_kwargs["run"] == run


async def test_turns_are_apart_whoever_takes_them(database: Database) -> None:
    turns = [StoredTurns(database, "arxiv", 0.2) for _ in range(4)]
    passed: list[float] = []

    async def take(one: StoredTurns) -> None:
        async with one.turn():
            passed.append(time.monotonic())

    await asyncio.gather(*map(take, turns))
    passed.sort()
    assert all(later - earlier > 0.15 for earlier, later in pairwise(passed))
