"""The queue: what waits, what is worked on, how it ended; one job for each time a run is tried."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status

from agent.doors.queue.connector import PatientConnector
from agent.errors import RunUnknown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
    from datetime import datetime

    from procrastinate.jobs import Job
    from psycopg import AsyncConnection

    from agent.adapters.postgres import Database
    from agent.domain.report import Report

QUEUE: Final = "deep-research"
TASK: Final = "research"
FAILED: Final = "failed"
MOST_RESCUES: Final = 10
"""A run that is found with nobody more often may be what ends its workers."""

_LISTED: Final = """
SELECT DISTINCT ON (job.args ->> 'run') job.id, job.args ->> 'run', job.status::text,
    job.attempts, run.begun, coalesce(outcome.status, ''), coalesce(outcome.reason, ''),
    coalesce(outcome.usd, 0), coalesce(outcome.seconds, 0)
FROM procrastinate_jobs AS job JOIN deep_research.runs AS run ON run.id = job.args ->> 'run'
LEFT JOIN deep_research.outcomes AS outcome ON outcome.run = run.id
WHERE job.queue_name = %s ORDER BY job.args ->> 'run', job.id DESC
"""
_ENDED: Final = """
INSERT INTO deep_research.outcomes (run, status, reason, usd, seconds) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (run) DO UPDATE SET status = EXCLUDED.status, reason = EXCLUDED.reason,
    usd = EXCLUDED.usd, seconds = EXCLUDED.seconds, at = now()
"""
_FINISHED: Final = """
INSERT INTO deep_research.outcomes (run, status, reason, usd, seconds)
SELECT run, told ->> 'status', told ->> 'reason',
    (told ->> 'usd')::float8, (told ->> 'seconds')::float8
FROM deep_research.files, LATERAL (SELECT convert_from(data, 'UTF8')::jsonb AS told) AS file
WHERE run = %s AND name = 'run.json'
ON CONFLICT (run) DO UPDATE SET status = EXCLUDED.status, reason = EXCLUDED.reason,
    usd = EXCLUDED.usd, seconds = EXCLUDED.seconds
"""
_DEPTHS: Final = """
SELECT status::text, count(*) FROM procrastinate_jobs WHERE queue_name = %s GROUP BY status
"""
_JUST_BACK: Final = (
    "SELECT clock_timestamp() - pg_postmaster_start_time() < make_interval(secs => %s)"
)
_WORKERS: Final = """
SELECT count(*) FROM procrastinate_workers
WHERE last_heartbeat > now() - make_interval(secs => %s)
"""
_FORGET: Final = "DELETE FROM procrastinate_jobs WHERE queue_name = %s AND args ->> 'run' = %s"

STATES: Final[Mapping[str, str]] = {
    "todo": "waiting",
    "doing": "running",
    "cancelled": "cancelled",
    "aborting": "running",
    "aborted": "cancelled",
    "failed": FAILED,
    "succeeded": "done",
}
"""What Procrastinate's states are to a person."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A run in the queue: ``state`` is waiting, running, cancelled, failed, or how it ended."""

    run: str
    state: str
    job: int
    submitted: datetime
    reason: str = ""
    usd: float = 0.0
    seconds: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether nobody will work on it any more, unless it is tried again."""
        return self.state not in {"waiting", "running"}


class Queue:
    """The jobs in a database; made by ``open_queue``."""

    def __init__(self, app: App, database: Database) -> None:
        self.app = app
        self.database = database

    async def submit(self, run_id: str, limits: Mapping[str, Any], rescues: int = 0) -> None:
        """Have a run that was put down in the database carried out, within these limits.

        A run waits in the queue once at most, and no two workers are handed it at a time.
        ``rescues`` is how often it was found with nobody.
        """
        with suppress(AlreadyEnqueued):
            await self.app.configure_task(
                TASK, queue=QUEUE, lock=run_id, queueing_lock=run_id
            ).defer_async(run=run_id, limits=dict(limits), rescues=rescues)

    async def listed(self) -> list[Queued]:
        """Return all runs of the queue, the last submitted first."""

        async def get(connection: AsyncConnection) -> list[tuple[Any, ...]]:
            return await (await connection.execute(_LISTED, (QUEUE,))).fetchall()

        found = [_queued(row) for row in await self.database.transaction(get)]
        return sorted(found, key=lambda one: one.submitted, reverse=True)

    async def find(self, name: str) -> Queued:
        """Return the one run whose id begins with this; raise RunUnknown if it is not one."""
        runs = await self.listed()
        found = [one for one in runs if one.run == name] or [
            one for one in runs if one.run.startswith(name) or one.run.endswith(f"-{name}")
        ]
        if len(found) == 1:
            return found[0]
        if found:
            told = ", ".join(one.run for one in found)
            raise RunUnknown(f"{name!r} could be {told}", mend="type more of it")
        raise RunUnknown(f"no run {name!r} in the queue", mend="see deep-research queue")

    async def retry(self, queued: Queued) -> None:
        """Have a run that failed or was cancelled carried out again, from where it was."""
        (job,) = await self.app.job_manager.list_jobs_async(id=queued.job)
        await self.submit(*_given(job)[:2])

    async def cancel(self, queued: Queued) -> bool:
        """Take a run that waits out of the queue; let one that goes on end in a partial report.

        Returns whether there was anything to cancel.
        """
        return await self.app.job_manager.cancel_job_by_id_async(queued.job, abort=True)

    async def forget(self, run_id: str) -> None:
        """Remove the jobs of a run."""

        async def remove(connection: AsyncConnection) -> None:
            await connection.execute(_FORGET, (QUEUE, run_id))

        await self.database.transaction(remove)

    async def note(self, run_id: str, report: Report) -> None:
        """Keep how a run ended."""
        run = report.run
        seconds = (run.finished - run.started).total_seconds()
        await self._note(run_id, run.status, run.reason, float(report.usage.usd), seconds)

    async def note_finished(self, run_id: str) -> None:
        """Keep how a finished run ended, by its own files, unless that is known."""

        async def put(connection: AsyncConnection) -> None:
            await connection.execute(_FINISHED, (run_id,))

        await self.database.transaction(put)

    async def note_failure(self, run_id: str, reason: str) -> None:
        """Keep why a run could not be carried out this time."""
        await self._note(run_id, FAILED, reason, 0.0, 0.0)

    async def rescue(self, silence: float) -> Sequence[str]:
        """Put back what workers had that were silent for so many seconds, and return its runs.

        A database that is just back heard of nobody while it was away, and is given that long.
        """
        if await self._is_just_back(silence):
            return ()
        stalled = await self.app.job_manager.get_stalled_jobs(
            queue=QUEUE, seconds_since_heartbeat=silence
        )
        return await self.put_back(stalled)

    async def held_by(self, worker: int) -> dict[str, Job]:
        """Return the jobs that were handed to a worker, by their runs."""
        jobs = await self.app.job_manager.list_jobs_async(
            queue=QUEUE, status="doing", worker_id=worker
        )
        return {_given(job)[0]: job for job in jobs}

    async def put_back(self, jobs: Iterable[Job]) -> Sequence[str]:
        """Put jobs back into the queue that nobody works on any more, and return their runs.

        The new job comes first: should this process end in between, the old one is found again. It
        waits for the old one, by the lock, and is there once, by the queueing lock, which is why
        the old one cannot simply be put back: another might wait already.
        """
        rescued = []
        for job in jobs:
            run, limits, rescues = _given(job)
            if rescues < MOST_RESCUES:
                await self.submit(run, limits, rescues + 1)
            else:
                await self.note_failure(run, f"it was with nobody {rescues + 1} times: left alone")
            if await self._ended(job, keep=rescues >= MOST_RESCUES):
                rescued.append(run)
        return rescued

    async def _is_just_back(self, seconds: float) -> bool:
        async def ask(connection: AsyncConnection) -> bool:
            ((is_back,),) = await (await connection.execute(_JUST_BACK, (seconds,))).fetchall()
            return bool(is_back)

        return await self.database.transaction(ask)

    async def depths(self) -> dict[str, int]:
        """Return how many runs there are in each state that is no end."""

        async def count(connection: AsyncConnection) -> list[tuple[str, int]]:
            return await (await connection.execute(_DEPTHS, (QUEUE,))).fetchall()

        counted: dict[str, int] = {}
        for status, number in await self.database.transaction(count):
            counted[STATES[status]] = counted.get(STATES[status], 0) + number
        return counted

    async def workers(self, silence: float) -> int:
        """Return how many workers were heard of within so many seconds."""

        async def count(connection: AsyncConnection) -> int:
            ((number,),) = await (await connection.execute(_WORKERS, (silence,))).fetchall()
            return int(number)

        return await self.database.transaction(count)

    async def _ended(self, job: Job, *, keep: bool) -> bool:
        """End a job that nobody works on; whether it was us, and not another rescuer."""
        try:
            await self.app.job_manager.finish_job(job, Status.FAILED, delete_job=not keep)
        except ConnectorException:
            return False
        return True

    async def _note(
        self, run_id: str, status: str, reason: str, usd: float, seconds: float
    ) -> None:
        async def put(connection: AsyncConnection) -> None:
            await connection.execute(_ENDED, (run_id, status, reason, usd, seconds))

        await self.database.transaction(put)


@asynccontextmanager
async def open_queue(database: Database) -> AsyncIterator[Queue]:
    """Open the queue of a database; raise DatabaseOutdated if its tables are of another version."""
    await database.require_current()
    app = App(connector=PatientConnector())
    await app.connector.open_async(database.pool)  # which stays ours
    yield Queue(app, database)


def _given(job: Job) -> tuple[str, dict[str, Any], int]:
    """Return the run of a job, the limits it was submitted with, and how often it was rescued."""
    given: dict[str, Any] = dict(job.task_kwargs)
    return str(given["run"]), dict(given["limits"]), int(given["rescues"])


def _queued(row: tuple[Any, ...]) -> Queued:
    job, run, status, _attempts, submitted, outcome, reason, usd, seconds = row
    state = STATES[status]
    if state == "done":
        state = outcome or state
    return Queued(
        run=run,
        state=state,
        job=job,
        submitted=submitted,
        reason=reason if state not in {"waiting", "running"} else "",
        usd=usd,
        seconds=seconds,
    )
