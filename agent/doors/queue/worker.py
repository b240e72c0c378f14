"""Takes runs out of the queue and carries them out, several at a time, until it is told to stop.

Each promise rests on one thing. A run is carried out once: the lock of the run in the database, and
its fence, which lets nobody write or pay who lost it. A run is not lost: the heartbeat of a worker
is looked at by all others. A worker outlives the database: what broke is asked for again.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from procrastinate import RetryStrategy
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker as Fetching

from agent import wiring
from agent.adapters.engines.arxiv import MANNERS
from agent.adapters.postgres import stored_run
from agent.adapters.postgres.turns import StoredTurns
from agent.adapters.run_request import request_of
from agent.doors.queue.jobs import QUEUE, TASK
from agent.errors import DatabaseUnavailable, DeepResearchError, RunBusy, RunFinished, RunLost
from agent.running import Host
from agent.settings import read_settings
from agent.stages.limits import Brake
from agent.wiring.stored import research_stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from procrastinate import JobContext

    from agent.domain.report import Report
    from agent.doors.queue.jobs import Queue
    from agent.settings import Settings
    from agent.wiring import Inputs

HEARTBEAT_SECONDS: Final = 10.0
SILENT_BEATS: Final = 2
"""Heartbeats a worker may miss; its runs are back in the queue half a beat later, at the latest."""
POLL_SECONDS: Final = 1.0
BUSY_SECONDS: Final = 3
"""After which a run is tried again that another process still holds, or the database refused."""

CANCELLED: Final = "it was cancelled in the queue"

_log = logging.getLogger("agent.worker")


@dataclass(frozen=True, slots=True)
class Heard:
    """Who hears how runs went here: a report, or the kind of error and its text."""

    ended: Callable[[str, Report], None] = lambda _run, _report: None
    failed: Callable[[str, str, str], None] = lambda _run, _kind, _why: None


@dataclass
class Worker:
    """One process's part in the work; ``at_once`` runs at a time, all from one set of inputs."""

    queue: Queue
    at_once: int
    heartbeat: float = HEARTBEAT_SECONDS
    heard: Heard = field(default_factory=Heard)
    runs: set[str] = field(default_factory=set, init=False)
    _fetching: Fetching | None = field(default=None, init=False)
    _missed: dict[str, int | None] = field(default_factory=dict, init=False)

    async def work(self, settings: Settings) -> None:
        """Work until ``stop`` is called; what goes on then is brought to its end."""
        turns = StoredTurns(self.queue.database, "arxiv", MANNERS)
        async with wiring.open_inputs(settings, arxiv_turns=turns) as inputs:
            self._register(settings, inputs)
            self._fetching = Fetching(
                self.queue.app,
                queues=[QUEUE],
                concurrency=self.at_once,
                fetch_job_polling_interval=POLL_SECONDS,
                abort_job_polling_interval=POLL_SECONDS,
                listen_notify=False,  # a listener ends with its connection, and the worker with it
                install_signal_handlers=False,
                update_heartbeat_interval=self.heartbeat,
                stalled_worker_timeout=self.heartbeat * SILENT_BEATS,
            )
            looking = asyncio.create_task(self._look_after(inputs))
            _log.info("worker begun", extra={"at_once": self.at_once})
            try:
                await self._fetching.run()  # type: ignore[no-untyped-call]
            finally:
                looking.cancel()
                with suppress(asyncio.CancelledError):
                    await looking

    def stop(self) -> None:
        """Fetch nothing more."""
        if self._fetching is not None:
            self._fetching.stop()  # type: ignore[no-untyped-call]

    def _register(self, settings: Settings, inputs: Inputs) -> None:
        @self.queue.app.task(
            name=TASK,
            pass_context=True,
            retry=RetryStrategy(wait=BUSY_SECONDS, retry_exceptions={RunBusy, DatabaseUnavailable}),
        )
        async def research(context: JobContext, run: str, limits: dict[str, Any]) -> None:
            self.runs.add(run)
            try:
                await self._carry_out(context, run, _limited(settings, limits), inputs)
            finally:
                self.runs.discard(run)

    async def _carry_out(
        self, context: JobContext, run: str, settings: Settings, inputs: Inputs
    ) -> None:
        """Carry a run out, or go on with it; a cancelled one ends in a partial report."""
        own = wiring.own_settings(request_of(await self._asked(run), "the database"), settings)
        shared = inputs if _read_alike(own, settings) else None
        brake = Brake(wiring.limits(settings))
        _log.info("run begun", extra={"run": run})
        try:
            report = await _uncancelled(
                research_stored(
                    self.queue.database,
                    None,
                    run,
                    settings=settings,
                    host=Host(brake=brake),
                    inputs=shared,
                ),
                brake,
            )
        except RunFinished:  # by somebody whose word of it was lost
            _log.info("run was over", extra={"run": run})
            return
        except (RunBusy, DatabaseUnavailable) as error:
            _log.warning("run put off", extra={"run": run, "why": str(error)})
            raise
        except RunLost as error:
            _log.warning("run lost", extra={"run": run, "why": str(error)})
            return
        except DeepResearchError as error:
            await self._failed(run, type(error).__name__, str(error))
            raise
        except Exception as error:
            await self._failed(run, type(error).__name__, f"{type(error).__name__}: {error}")
            raise
        await self.queue.note(run, report)
        self.heard.ended(run, report)
        _log.info("run ended", extra={"run": run, "status": report.run.status})
        del context

    async def _asked(self, run: str) -> str:
        return await stored_run.asked(self.queue.database, run)

    async def _failed(self, run: str, kind: str, why: str) -> None:
        await self.queue.note_failure(run, why)
        self.heard.failed(run, kind, why)
        _log.error("run failed", extra={"run": run, "kind": kind, "why": why})

    async def _look_after(self, inputs: Inputs) -> None:
        """Rescue what silent workers had, and keep to our share of what all may ask for.

        Be heard of as well: Procrastinate's own heart stops when a worker is told to stop, while
        its runs may still take minutes.
        """
        while True:
            await asyncio.sleep(self.heartbeat / 2)
            try:
                if self._fetching is not None and self._fetching.worker_id is not None:
                    await self.queue.app.job_manager.update_heartbeat(self._fetching.worker_id)
                await self.rescue()
                workers = await self.queue.workers(self.heartbeat * SILENT_BEATS)
                inputs.pool_state.limits.share = 1 / max(1, workers)
            except (DeepResearchError, ConnectorException):
                _log.exception("other workers could not be looked after")

    async def rescue(self) -> None:
        """Put back into the queue what nobody works on any more.

        That is what silent workers had, and what was handed to this one on a connection that broke:
        it is here at two looks, and at neither among the runs that go on.
        """
        rescued = [*await self.queue.rescue(self.heartbeat * SILENT_BEATS)]
        if self._fetching is not None and self._fetching.worker_id is not None:
            held = await self.queue.held_by(self._fetching.worker_id)
            missed = {run: job for run, job in held.items() if run not in self.runs}
            rescued += await self.queue.put_back(
                job for run, job in missed.items() if job.id == self._missed.get(run)
            )
            self._missed = {run: job.id for run, job in missed.items()}
        for run in rescued:
            _log.warning("run rescued", extra={"run": run})


async def _uncancelled(work: Any, brake: Brake) -> Report:  # noqa: ANN401 - a coroutine
    """Return what comes of work; being cancelled pulls its brake, and a second time ends it."""
    task = asyncio.ensure_future(work)
    while True:
        try:
            report: Report = await asyncio.shield(task)
        except asyncio.CancelledError:
            if brake.is_pulled or task.cancelled():
                task.cancel()
                await asyncio.wait({task})
                raise
            brake.pull(CANCELLED)
        else:
            return report


def _limited(settings: Settings, limits: Mapping[str, Any]) -> Settings:
    """Return the worker's settings with the limits that a run was submitted with."""
    return read_settings(**{**settings.model_dump(), **limits})


def _read_alike(own: Settings, settings: Settings) -> bool:
    """Whether a run is to be read from the same as all others."""
    return all(getattr(own, name) == getattr(settings, name) for name in wiring.OF_INPUTS)
