"""Kills, stops and duels for runs kept in PostgreSQL, and restarts it under them.

Prints one JSON object. Database, model, web and arXiv are real servers; the processes that die, or
are stopped and wake up, are real ones. ``--every`` takes every n-th transaction only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from durability import BUSY, DONE, FINISHED, KILLED, Victim, answer, calls, without_clocks

from agent.adapters.postgres import open_database
from agent.demo.world import DemoWorld
from agent.testing.postgres_server import PostgresServer
from gateway_client.testing import ScriptedGateway

if TYPE_CHECKING:
    from collections import Counter

    from pydantic import SecretStr

LOST = 5
SILENCE_SECONDS = 1.0
"""Stands for the ten seconds after which a process that is not heard of loses its runs."""
ROWS = ("files", "run_documents", "steps", "replies", "entries", "calls", "events")


@dataclass
class Tally:
    """What came of all trials."""

    kills: int = 0
    gone_on: int = 0
    different_reports: int = 0
    journalled_calls_repeated: int = 0
    most_in_flight: int = 0
    duels: int = 0
    duels_with_calls_repeated: int = 0
    duels_without_one_report: int = 0
    paused: int = 0
    woken_that_wrote: int = 0
    woken_that_paid: int = 0
    restarts: int = 0
    runs_lost_by_restarts: int = 0
    calls_repeated_by_restarts: int = 0
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Expected:
    """What an undisturbed run does: its report, its paid calls, its transactions, its seconds."""

    report: object
    calls: Counter[str]
    transactions: int
    seconds: float


class Harness:
    """Servers that stay while runs die."""

    def __init__(
        self, server: PostgresServer, url: SecretStr, gateway: ScriptedGateway, base: Path
    ) -> None:
        self.server = server
        self.url = url.get_secret_value()
        self.gateway = gateway
        self.base = base
        self.tally = Tally()
        self.victims: list[Victim] = []
        self._number = 0

    def run(self) -> str:
        """Return the id of a new run, and forget what was asked before."""
        self._number += 1
        self.gateway.asked.clear()
        return f"run-{self._number}"

    async def order(self, victim: int, run: str, **how: Any) -> int:  # noqa: ANN401
        """Have a run begun or gone on with by a process; return its status."""
        return await self.victims[victim].order(self.base / "nowhere", stored=run, **how)

    async def undisturbed(self) -> Expected:
        """Run once to the end, after a run that fills the cache of pages."""
        counted = self.base / "points.json"
        for _ in range(2):
            run, began = self.run(), time.perf_counter()
            if await self.order(0, run, count=str(counted)) != DONE:
                raise SystemExit((self.base / "errors").read_text(encoding="utf-8"))
            seconds = time.perf_counter() - began
        points = json.loads(counted.read_text(encoding="utf-8"))
        asked = calls(self.gateway.asked)
        return Expected(self.report(run), asked, points["transaction"], seconds)

    async def kill(self, expected: Expected, **how: Any) -> None:  # noqa: ANN401
        """Kill one run as told, have another process go on with it, and compare."""
        run = self.run()
        if await self.order(0, run, **how) != KILLED:
            return  # it was faster than the kill
        self.tally.kills += 1
        before, kept = calls(self.gateway.asked), self.replies(run)
        self.gateway.asked.clear()
        status = await self.order(1, run)
        if status not in {DONE, FINISHED}:
            self.tally.failed.append(f"{how}: gone on with status {status}")
            return
        again = calls(self.gateway.asked)
        self.tally.gone_on += status == DONE
        self.tally.most_in_flight = max(self.tally.most_in_flight, before.total() - kept)
        self.tally.journalled_calls_repeated += max(
            0, again.total() - (expected.calls.total() - kept)
        )
        if self.report(run) != expected.report:
            self.tally.different_reports += 1
            self.tally.failed.append(f"{how}: another report")

    async def duel(self, expected: Expected, **how: Any) -> None:  # noqa: ANN401
        """Kill a run, and let two processes go on with it at the same time."""
        run = self.run()
        await self.order(0, run, **how)
        self.gateway.asked.clear()
        statuses = await asyncio.gather(*(self.order(victim, run) for victim in (0, 1)))
        self.tally.duels += 1
        repeated = calls(self.gateway.asked) - expected.calls
        self.tally.duels_with_calls_repeated += bool(repeated)
        fair = set(statuses) <= {DONE, BUSY, FINISHED}
        if not fair or self.report(run) != expected.report:
            self.tally.duels_without_one_report += 1
            self.tally.failed.append(f"duel {how}: {statuses}")

    async def pause(self, at: int) -> None:
        """Stop a process at its n-th call, let another finish the run, and wake it up."""
        run = self.run()
        sleeper = asyncio.create_task(self.order(0, run, silence=SILENCE_SECONDS))
        while len(self.gateway.asked) < at:  # noqa: ASYNC110 - a gateway tells nobody
            await asyncio.sleep(0)
        os.kill(self.victims[0].pid, signal.SIGSTOP)
        await asyncio.sleep(SILENCE_SECONDS * 1.2)
        status = await self.order(1, run, silence=SILENCE_SECONDS)
        rows, asked = self.rows(run), len(self.gateway.asked)
        os.kill(self.victims[0].pid, signal.SIGCONT)
        woken = await sleeper
        self.tally.paused += 1
        self.tally.woken_that_wrote += self.rows(run) != rows
        self.tally.woken_that_paid += len(self.gateway.asked) > asked
        if (status, woken) != (DONE, LOST):
            self.tally.failed.append(f"paused at {at}: {status}, woken {woken}")

    async def restart(self, expected: Expected, pauses: list[float]) -> None:
        """Restart the database under a run, as in a crash, after so many seconds each."""
        run = self.run()
        going_on = asyncio.create_task(self.order(0, run))
        taken = "SELECT 1 FROM deep_research.runs WHERE id = %s AND fence > 0"
        while not self.told(taken, run):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)
        for seconds in pauses:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.server.restart)
            self.tally.restarts += 1
        status = await going_on
        if status != DONE or self.report(run) != expected.report:
            self.tally.runs_lost_by_restarts += 1
            self.tally.failed.append(f"restarted after {pauses}: status {status}")
        repeated = calls(self.gateway.asked) - expected.calls
        self.tally.calls_repeated_by_restarts += repeated.total()

    def report(self, run: str) -> object:
        """Return the report of a run, without ids of runs and clocks; None if there is none."""
        found = self.told("SELECT data FROM deep_research.files WHERE run = %s AND name = %s", run,
                          "report.json")  # fmt: skip
        return without_clocks(json.loads(found[0][0])) if found else None

    def replies(self, run: str) -> int:
        """Return how many model calls are in the journal of a run."""
        rows = self.told("SELECT reply FROM deep_research.replies WHERE run = %s", run)
        return sum(reply.startswith(b'{"status"') for (reply,) in rows)  # others are searches

    def rows(self, run: str) -> list[Any]:
        """Return everything that is kept of a run."""
        queries = [f"SELECT * FROM deep_research.{table} WHERE run = %s" for table in ROWS]  # noqa: S608
        return [sorted(map(str, self.told(query, run))) for query in queries]

    def told(self, query: str, *given: object) -> list[Any]:
        """Ask the database."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query, given).fetchall()  # type: ignore[arg-type]


async def main() -> None:
    """Do as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="kill at every n-th transaction")
    parser.add_argument("--random", type=int, default=80, help="kills at random times")
    parser.add_argument("--duels", type=int, default=50)
    parser.add_argument("--pauses", type=int, default=20)
    parser.add_argument("--restarts", type=int, default=20, help="runs restarted under twice")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)  # noqa: S311 - where to kill is no secret

    async with AsyncExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(PostgresServer())
        url = server.database()
        async with open_database(url) as database:
            await database.migrate()
        gateway = await stack.enter_async_context(ScriptedGateway(answer))
        world = await stack.enter_async_context(DemoWorld())
        environment = {
            "GATEWAY_BASE_URL": gateway.base_url,
            "GATEWAY_MODEL": "scripted",
            "DEEP_RESEARCH_DATABASE_URL": url.get_secret_value(),
            "DEEP_RESEARCH_SEARXNG_URL": world.searxng_url,
            "DEEP_RESEARCH_ARXIV_URL": world.arxiv_url,
            "DEEP_RESEARCH_ALLOW_HOSTS": world.host,
            "DEEP_RESEARCH_CACHE": str(base / "cache"),
        }
        harness = Harness(server, url, gateway, base)
        for _ in range(2):
            victim = await stack.enter_async_context(Victim(environment, base / "errors"))
            harness.victims.append(victim)
        expected = await harness.undisturbed()
        points: list[dict[str, Any]] = [
            {"point": "transaction", "at": at, "when": when}
            for at in range(1, expected.transactions + 1)
            for when in ("before", "after")
        ]
        for how in points[:: chosen.every]:
            await harness.kill(expected, **how)
        for _ in range(chosen.random):
            await harness.kill(expected, kill_after=chance.uniform(0, expected.seconds))
        for _ in range(chosen.duels):
            await harness.duel(expected, **chance.choice(points[:-2]))
        for _ in range(chosen.pauses):
            await harness.pause(chance.randint(1, expected.calls.total()))
        for _ in range(chosen.restarts):
            await harness.restart(
                expected, [chance.uniform(0, expected.seconds / 2) for _ in range(2)]
            )
        result = {
            "transactions_a_run": expected.transactions,
            "calls_a_run": expected.calls.total(),
            "seconds_a_run": round(expected.seconds, 2),
            **vars(harness.tally),
        }
        print(json.dumps(result))
        if harness.tally.failed:
            print((base / "errors").read_text(encoding="utf-8")[-3000:], file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main())
