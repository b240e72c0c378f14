"""Kills runs at chosen and at random points, resumes them, and lets two processes fight for one.

Prints one JSON object. Model, web and arXiv are real servers on loopback; the processes that die
are real ones, by SIGKILL. ``--every`` takes every n-th point only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from agent.adapters.extractive import completion
from agent.adapters.run_folder import unfinished
from agent.demo.world import DemoWorld
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from gateway_client.testing import Asked

QUESTION = "Do long context windows replace retrieval-augmented generation?"
THINKING_SECONDS = 0.03
"""So that there is a time in which a call is on its way."""
KILLED = -signal.SIGKILL
DONE, BUSY, FINISHED = 0, 3, 4
VICTIM = Path(__file__).with_name("durability_victim.py")
CLOCKS = {"started", "finished", "read_at", "timing"}


class Victim:
    """A process that carries out orders, one at a time, in forks of itself."""

    pid = 0
    """The process that carries out the order."""

    def __init__(self, environment: dict[str, str], errors: Path) -> None:
        self._environment = environment
        self._errors = errors

    async def __aenter__(self) -> Self:
        """Start it."""
        with self._errors.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(VICTIM),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **self._environment},
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let it end."""
        assert self._process.stdin  # noqa: S101 - asked for above
        self._process.stdin.close()
        await self._process.wait()

    async def order(self, out: Path, *, kill_after: float | None = None, **order: Any) -> int:  # noqa: ANN401
        """Have an order carried out, and killed after so many seconds; return its status."""
        assert self._process.stdin  # noqa: S101 - asked for above
        told = {"out": str(out), "question": QUESTION, **order}
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        self.pid = pid = (await self._line())["pid"]
        ended = asyncio.ensure_future(self._line())
        if kill_after is not None:
            await asyncio.wait({ended}, timeout=kill_after)
            if not ended.done():
                os.kill(pid, signal.SIGKILL)
        return int((await ended)["status"])

    async def _line(self) -> dict[str, Any]:
        assert self._process.stdout  # noqa: S101 - asked for above
        line: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return line


@dataclass
class Tally:
    """What came of all trials."""

    kills: int = 0
    resumed: int = 0
    finished_before: int = 0
    nothing_begun: int = 0
    different_reports: int = 0
    journalled_calls_repeated: int = 0
    most_in_flight: int = 0
    failed: list[str] = field(default_factory=list)
    duels: int = 0
    duels_with_calls_repeated: int = 0
    duels_without_one_report: int = 0


@dataclass(frozen=True)
class Expected:
    """What an undisturbed run does: its report, its paid calls, its points, its seconds."""

    report: object
    calls: Counter[str]
    points: dict[str, int]
    seconds: float


class Harness:
    """Servers that stay while runs die."""

    def __init__(self, victims: list[Victim], gateway: ScriptedGateway, base: Path) -> None:
        self.victims = victims
        self.gateway = gateway
        self.base = base
        self.tally = Tally()
        self._number = 0

    def place(self) -> Path:
        """Return a new folder for runs."""
        self._number += 1
        return self.base / f"runs-{self._number}"

    async def undisturbed(self) -> Expected:
        """Run once to the end, after a run that fills the cache of pages."""
        for _ in range(2):
            out, counted = self.place(), self.base / "points.json"
            self.gateway.asked.clear()
            began = time.perf_counter()
            status = await self.victims[0].order(out, count=str(counted))
            seconds = time.perf_counter() - began
            if status != DONE:
                raise SystemExit((self.base / "errors").read_text(encoding="utf-8"))
        points = json.loads(counted.read_text(encoding="utf-8"))
        return Expected(report_in(out), calls(self.gateway.asked), points, seconds)

    async def kill(self, expected: Expected, **how: Any) -> None:  # noqa: ANN401
        """Kill one run as told, resume it, and compare."""
        out = self.place()
        self.gateway.asked.clear()
        status = await self.victims[0].order(out, **how)
        self.tally.kills += 1
        self.tally.finished_before += status == DONE  # it was faster than the kill
        if status == DONE:
            return
        stopped = dict(unfinished(out))
        if status != KILLED or len(stopped) > 1:
            self.tally.failed.append(f"{how}: status {status}")
        elif not stopped:
            self.tally.nothing_begun += not any(out.glob("[!.]*"))
            self.tally.finished_before += any(out.glob("[!.]*"))
        else:
            await self._resume(out, *stopped.popitem(), expected, how)

    async def _resume(
        self, out: Path, run: str, folder: Path, expected: Expected, how: object
    ) -> None:
        before = calls(self.gateway.asked)
        kept = replies_in(folder / "journal.sqlite")
        self.gateway.asked.clear()
        status = await self.victims[0].order(out, resume=run)
        if status != DONE:
            self.tally.failed.append(f"{how}: resumed with status {status}")
            return
        again = calls(self.gateway.asked)
        self.tally.resumed += 1
        self.tally.most_in_flight = max(self.tally.most_in_flight, before.total() - kept)
        self.tally.journalled_calls_repeated += max(
            0, again.total() - (expected.calls.total() - kept)
        )
        if report_in(out) != expected.report or before + again < expected.calls:
            self.tally.different_reports += 1
            self.tally.failed.append(f"{how}: another report, {out}")

    async def duel(self, expected: Expected, how: dict[str, Any]) -> None:
        """Kill a run, and let two processes take it up at the same time."""
        out = self.place()
        await self.victims[0].order(out, **how)
        stopped = list(dict(unfinished(out)))
        if not stopped:
            return
        self.gateway.asked.clear()
        statuses = await asyncio.gather(
            *(victim.order(out, resume=stopped[0]) for victim in self.victims)
        )
        self.tally.duels += 1
        repeated = calls(self.gateway.asked) - expected.calls
        self.tally.duels_with_calls_repeated += bool(repeated)
        fair = DONE in statuses and set(statuses) <= {DONE, BUSY, FINISHED}
        one = len(list(out.glob("[!.]*"))) == 1 and report_in(out) == expected.report
        if not (fair and one):
            self.tally.duels_without_one_report += 1
            self.tally.failed.append(f"duel {how}: {statuses} {out}")


def answer(asked: Asked) -> Reply:
    """Answer by extraction, but leave work: an open sub-question, and a quote to be repaired."""
    body = completion(asked.payload) or {}
    message = body["choices"][0]["message"]  # type: ignore[index]
    written = json.loads(message["content"])
    if len(written.get("sections", ())) > 1:
        written["sections"].pop()
    if written.get("claims"):
        written["claims"][0]["citations"][0]["quote"] += ", or so it seems"
    message["content"] = json.dumps(written)
    return Reply(body=json.dumps(body).encode(), stall=THINKING_SECONDS)


def chosen_points(expected: Expected) -> list[dict[str, Any]]:
    """Return every point of an undisturbed run, before and after it."""
    return [
        {"point": point, "at": at, "when": when}
        for point, passed in expected.points.items()
        for at in range(1, passed + 1)
        for when in ("before", "after")
    ]


def calls(asked: list[Asked]) -> Counter[str]:
    """Return how often each request was made."""
    return Counter(json.dumps(one.payload, sort_keys=True) for one in asked)


def replies_in(journal: Path) -> int:
    """Return how many model calls are in a journal, having looked at it as a resumed run will."""
    if not journal.is_file():
        return 0
    database = sqlite3.connect(journal)
    try:
        rows = database.execute("SELECT reply FROM replies").fetchall()
        return sum(reply.startswith(b'{"status"') for (reply,) in rows)  # others are searches
    except sqlite3.OperationalError:  # killed before there were tables
        return 0
    finally:
        database.close()


def report_in(out: Path) -> object:
    """Return the one report in a folder of runs, without ids of runs and clocks."""
    (path,) = out.glob("[!.]*/report.json")
    return without_clocks(json.loads(path.read_text(encoding="utf-8")))


def without_clocks(value: object) -> object:
    """Return JSON without what differs between two runs that do the same."""
    if isinstance(value, dict):
        gone = {*CLOCKS, "id"} if "started" in value else CLOCKS  # the id of the run alone
        return {name: without_clocks(part) for name, part in value.items() if name not in gone}
    if isinstance(value, list):
        return [without_clocks(part) for part in value]
    return value


async def main() -> None:
    """Do as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="kill at every n-th point")
    parser.add_argument("--random", type=int, default=80, help="kills at random times")
    parser.add_argument("--duels", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)  # noqa: S311 - where to kill is no secret

    async with AsyncExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        gateway = await stack.enter_async_context(ScriptedGateway(answer))
        world = await stack.enter_async_context(DemoWorld())
        environment = {
            "GATEWAY_BASE_URL": gateway.base_url,
            "GATEWAY_MODEL": "scripted",
            "DEEP_RESEARCH_SEARXNG_URL": world.searxng_url,
            "DEEP_RESEARCH_ARXIV_URL": world.arxiv_url,
            "DEEP_RESEARCH_ALLOW_HOSTS": world.host,
            "DEEP_RESEARCH_CACHE": str(base / "cache"),
        }
        victims = [
            await stack.enter_async_context(Victim(environment, base / "errors")) for _ in range(2)
        ]
        harness = Harness(victims, gateway, base)
        expected = await harness.undisturbed()
        points = chosen_points(expected)
        for how in points[:: chosen.every]:
            await harness.kill(expected, **how)
        for _ in range(chosen.random):
            await harness.kill(expected, kill_after=chance.uniform(0, expected.seconds))
        while harness.tally.duels < chosen.duels:
            await harness.duel(expected, chance.choice(points))
        result = {
            "points": expected.points,
            "calls_a_run": expected.calls.total(),
            "seconds_a_run": round(expected.seconds, 2),
            **vars(harness.tally),
        }
        print(json.dumps(result))
        if harness.tally.failed:
            print((base / "errors").read_text(encoding="utf-8")[-3000:], file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main())
