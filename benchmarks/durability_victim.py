"""Runs research in processes that die at a given point; a part of the durability benchmarks.

Everything is imported once; each order on standard input, one JSON line, is carried out in a fork
of that process, which says its pid first and how it ended last.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import wiring
from agent.adapters.checkpoints import Checkpoints
from agent.adapters.postgres import locks, open_database
from agent.adapters.postgres.stored_run import StoredRun
from agent.errors import RunBusy, RunFinished, RunLost
from agent.settings import read_settings
from agent.wiring.stored import research_stored
from gateway_client.families import last_word
from gateway_client.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS = {
    "checkpoint": ((Checkpoints, "aput"),),
    "writes": ((Checkpoints, "aput_writes"),),
    "journal": ((Journal, "_kept"),),
    "rename": ((Path, "replace"), (Path, "rename")),
    "transaction": ((StoredRun, "written"),),
}
"""Where a process can be told to die: the methods after which something is on the disk."""
STATUSES = {RunBusy: 3, RunFinished: 4, RunLost: 5}


IMPORTED_LATE = ("arxiv", "genai_prices", "hishel", "langchain_openai", "protego", "rapidfuzz.fuzz")
"""What a run imports on its way, here once for all."""


def main() -> None:
    """Carry out orders until there are no more."""
    for name in IMPORTED_LATE:
        import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            carry_out(order)
        tell({"pid": pid})
        _, status = os.waitpid(pid, 0)
        tell({"status": os.waitstatus_to_exitcode(status)})


def tell(what: dict[str, Any]) -> None:
    """Write one line of JSON."""
    print(json.dumps(what), flush=True)


def carry_out(order: dict[str, Any]) -> None:
    """Run or resume in this process, which ends with it."""
    status = 1
    try:
        if order.get("point"):
            die_at(order["point"], order["at"], order["when"])
        counted = count() if order.get("count") else None
        asyncio.run(work(order))
        if counted is not None:
            Path(order["count"]).write_text(json.dumps(counted), encoding="utf-8")
        status = 0
    except tuple(STATUSES) as error:
        status = STATUSES[type(error)]
    except Exception:  # noqa: BLE001 - whatever it is, the harness is to see it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


async def work(order: dict[str, Any]) -> None:
    """Run or resume, in a folder or in the database."""
    settings = read_settings(out=Path(order["out"]))
    if order.get("stored"):
        if silence := order.get("silence"):
            locks.HEARD_SECONDS, locks.SILENCE_SECONDS = silence / 4, silence  # type: ignore[misc]
            last_word.FRESH_SECONDS = silence / 4  # type: ignore[misc]
        assert settings.database_url  # noqa: S101 - the harness sets it
        async with open_database(settings.database_url) as database:
            await research_stored(database, order["question"], order["stored"], settings=settings)
    elif order.get("resume"):
        await wiring.resume(order["resume"], settings=settings)
    else:
        await wiring.research(order["question"], settings=settings)


def count() -> dict[str, int]:
    """Count how often each point is passed."""
    passed = dict.fromkeys(POINTS, 0)

    def pass_by(point: str) -> Callable[[], None]:
        def passing() -> None:
            passed[point] += 1

        return passing

    for point in POINTS:
        hook(point, pass_by(point), lambda: None)
    return passed


def die_at(point: str, at: int, when: str) -> None:
    """Die when the point is passed for the n-th time, before or after it does its work."""
    left = [at]

    def before() -> None:
        left[0] -= 1
        if left[0] == 0 and when == "before":
            die()

    def after() -> None:
        if left[0] <= 0 and when == "after":
            die()

    hook(point, before, after)


def die() -> None:
    """Die as by kill -9."""
    os.kill(os.getpid(), signal.SIGKILL)


def hook(point: str, before: Callable[[], None], after: Callable[[], None]) -> None:
    """Have something done before and after the methods of a point."""
    for owner, name in POINTS[point]:
        setattr(owner, name, hooked(getattr(owner, name), before, after))


def hooked(
    method: Callable[..., Any], before: Callable[[], None], after: Callable[[], None]
) -> Callable[..., Any]:
    """Return the method with something done before and after it."""

    def plain(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - any method's
        before()
        result = method(*given, **named)
        after()
        return result

    async def awaited(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - any method's
        before()
        result = await method(*given, **named)
        after()
        return result

    return awaited if asyncio.iscoroutinefunction(method) else plain


if __name__ == "__main__":
    main()
