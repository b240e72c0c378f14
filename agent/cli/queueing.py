"""The commands for a queue of runs that many machines share."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.database import opened
from agent.cli.options import question_from, run_options, settings_from

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.doors.queue.jobs import Queue, Queued

LIMITS: Final = ("max_usd", "max_tokens", "max_minutes")
GLANCE_SECONDS: Final = 1.0
POOL_FOR_A_RUN: Final = 2
EXIT_STATUS: Final = {"complete": 0, "partial": 3, "empty": 4}

_debug = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."
)
_run = click.argument("name", metavar="RUN")
_out = click.option("--out", type=click.Path(path_type=Path), help="Folder for runs.  [runs]")


@click.command()
@click.argument("topic")
@run_options
@click.option("--wait", is_flag=True, help="Wait for the report, and fetch it.")
@_debug
def submit(topic: str, formats: tuple[str, ...], *, wait: bool, **options: Any) -> None:  # noqa: ANN401
    """Put a run into the queue for any worker, and print its id."""
    import asyncio

    from agent.wiring.stored import submit_run

    settings = settings_from(**options)
    question = question_from(topic, settings, **options)
    limits = {name: str(options[name]) for name in LIMITS if options[name] is not None}

    async def work() -> str:
        async with _queue() as queue:
            run = await submit_run(queue.database, question, settings=settings, formats=formats)
            await queue.submit(run, limits)
            click.echo(run)
            return await _waited(queue, run, settings.out) if wait else ""

    state = asyncio.run(work())
    sys.exit(EXIT_STATUS.get(state, 1) if wait else 0)


async def _waited(queue: Queue, run: str, out: Path) -> str:
    """Wait until a run is over, fetch it, and return how it ended."""
    import asyncio

    from agent.wiring.stored import export_run

    while not (found := await queue.find(run)).is_over:  # noqa: ASYNC110 - it is elsewhere
        await asyncio.sleep(GLANCE_SECONDS)
    if found.state in EXIT_STATUS:
        click.echo(await export_run(queue.database, run, out))
    else:
        click.echo(f"{found.state}: {found.reason}", err=True)
    return found.state


@click.command()
@click.option("--concurrency", "at_once", type=click.IntRange(1, 100), default=2,
              show_default=True, metavar="N", help="How many runs at a time.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65_535), metavar="N",
              help="Answer /health and /metrics on this port.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="The address of that port.")
@click.option("--heartbeat", type=click.FloatRange(0.2, 300), default=10.0, show_default=True,
              metavar="SECONDS", help="The same for all workers: two missed, and its runs go to"
              " others.")  # fmt: skip
@click.option("--log-format", type=click.Choice(["plain", "json"]), default="plain",
              show_default=True, help="How it logs to standard error.")  # fmt: skip
@_debug
def worker(at_once: int, port: int | None, host: str, heartbeat: float, log_format: str) -> None:
    """Carry out the runs of the queue, until it is told to stop.

    The first SIGTERM or Ctrl-C lets runs that go on come to their end; the second leaves them to
    another worker, which goes on from where they were.
    """
    import asyncio

    from agent.cli.tracing import traced
    from agent.doors.logs import log_to_stderr

    log_to_stderr(as_json=log_format == "json")
    with traced():
        asyncio.run(be_worker(at_once, port, host, heartbeat))


async def be_worker(at_once: int, port: int | None, host: str, heartbeat: float) -> None:
    """Be a worker on the database of the settings, until a signal."""
    import asyncio

    from agent.doors.queue.watching import Numbers, application, server
    from agent.doors.queue.worker import Heard, Worker

    settings = settings_from()
    async with _queue(8 + POOL_FOR_A_RUN * at_once) as queue:
        numbers = Numbers()
        made = Worker(queue, at_once, heartbeat, Heard(numbers.ended, numbers.failed))
        _heed_signals(made.stop)
        if port is None:
            await made.work(settings)
            return
        watched = server(application(queue, made, numbers), host, port)
        serving = asyncio.create_task(watched.serve())
        try:
            await made.work(settings)
        finally:
            watched.should_exit = True
            await serving


def _heed_signals(stop: Any) -> None:  # noqa: ANN401 - what takes nothing
    """Stop in good order at the first signal, and at once at the second."""
    import asyncio
    import logging

    log = logging.getLogger("agent.worker")
    told: list[int] = []

    def heed() -> None:
        told.append(1)
        if len(told) > 1:
            log.warning("stopped at once: another worker goes on with what was begun")
            os._exit(1)
        log.info("stopping: what goes on is brought to its end; again to stop at once")
        stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, heed)


@click.group(invoke_without_command=True)
@click.option("--state", help="Only those that are waiting, running, failed, complete, and so on.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line for each.")
@_debug
@click.pass_context
def queue(context: click.Context, /, state: str | None, *, as_json: bool) -> None:
    """List the runs of the queue: what waits, what goes on, how the others ended."""
    import asyncio

    if context.invoked_subcommand is not None:
        return

    async def work() -> list[Queued]:
        async with _queue() as queue:
            return await queue.listed()

    for one in asyncio.run(work()):
        if state in {None, one.state}:
            click.echo(_as_json(one) if as_json else _line(one))


@queue.command()
@_run
@_debug
def retry(name: str) -> None:
    """Have a run that failed or was cancelled carried out again, from where it was."""
    import asyncio

    async def work() -> str:
        async with _queue() as queue:
            found = await queue.find(name)
            if not found.is_over or found.state in EXIT_STATUS:
                raise click.ClickException(f"{found.run} is {found.state}")
            await queue.retry(found)
            return found.run

    click.echo(asyncio.run(work()))


@queue.command()
@_run
@_debug
def cancel(name: str) -> None:
    """Take a run out of the queue; one that goes on ends in a partial report."""
    import asyncio

    async def work() -> str:
        async with _queue() as queue:
            found = await queue.find(name)
            if not await queue.cancel(found):
                raise click.ClickException(f"{found.run} is {found.state}")
            return found.run

    click.echo(asyncio.run(work()))


@queue.command()
@_run
@_out
@_debug
def fetch(name: str, out: Path | None) -> None:
    """Write a run to its folder, where show, open, export and verify find it."""
    import asyncio

    from agent.wiring.stored import export_run

    async def work() -> Path:
        async with _queue() as queue:
            found = await queue.find(name)
            return await export_run(queue.database, found.run, settings_from(out=out).out)

    click.echo(asyncio.run(work()))


@queue.command()
@click.option("--days", type=click.FloatRange(0), required=True, metavar="N",
              help="Remove runs that ended more than so many days ago.")  # fmt: skip
@_debug
def prune(days: float) -> None:
    """Remove what ended long ago from the database; what was fetched stays."""
    import asyncio
    from datetime import UTC, datetime, timedelta

    from agent.wiring.stored import finished_before, remove_run, remove_unread

    async def work() -> int:
        async with _queue() as queue:
            old = await finished_before(queue.database, datetime.now(UTC) - timedelta(days=days))
            for run in old:
                await queue.forget(run)
                await remove_run(queue.database, run)
            await remove_unread(queue.database)
            return len(old)

    click.echo(f"{asyncio.run(work())} runs removed")


@asynccontextmanager
async def _queue(connections: int = 4) -> AsyncIterator[Queue]:
    """Open the queue; raise ExtraMissing without what it needs."""
    from agent.rendering.extras import extra

    async with opened(connections) as database:
        with extra("postgres"):
            from agent.doors.queue.jobs import open_queue
        async with open_queue(database) as queue:
            yield queue


def _as_json(one: Queued) -> str:
    return json.dumps(asdict(one), ensure_ascii=False, default=str)


def _line(one: Queued) -> str:
    cost = f"${one.usd:.4f}" if one.is_over else ""
    line = f"{one.state:<9}  {one.submitted:%Y-%m-%d %H:%M}  {cost:>9}  {one.run}  {one.reason}"
    return line.rstrip()
