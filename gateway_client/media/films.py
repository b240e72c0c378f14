"""Has films made: a job is created once, asked after where it was accepted, and then fetched.

videos = Videos(client)
job = await videos.create("a ship leaves the harbour")
await videos.download(await videos.wait(job), Path("ship.mp4"))
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx2

from gateway_client.client import NOWHERE
from gateway_client.errors import (
    AnswerUnusable,
    ConfigInvalid,
    GatewayError,
    JobFailed,
    MaybeAccepted,
    RateLimited,
    RequestRefused,
    TimedOut,
    Unreachable,
    UpstreamFailed,
)
from gateway_client.exchange import LANE_HEADER, ONCE_HEADER, TASK_HEADER
from gateway_client.media import files as media_files
from gateway_client.media.asking import Told, ask, ours, refuse
from gateway_client.media.job import Job, described

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from gateway_client.client import GatewayClient
    from gateway_client.wire import Payload

VIDEO_MODEL: Final = "sora-2"
POLL_SECONDS: Final = 5.0
"""A film takes minutes, and asking more often tells no more."""

WAIT_SECONDS: Final = 1800.0
OUTAGE_SECONDS: Final = 300.0
"""How long an endpoint may leave all questions unanswered: what was ordered is paid already."""

MOST_VIDEO_BYTES: Final = 2 * 1024**3
"""Far more than a minute of film has; it only keeps a hostile endpoint from filling the disk."""

_PASSING: Final = (AnswerUnusable, RateLimited, TimedOut, Unreachable, UpstreamFailed)
"""What may be over when the job is asked after the next time."""

_TASK: Final = {TASK_HEADER: "video"}


class Videos:
    """The film jobs of a client; ``clock`` and ``sleep`` replace time."""

    def __init__(
        self,
        client: GatewayClient,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._clock = clock
        self._sleep = sleep

    async def create(
        self, prompt: str, model: str = VIDEO_MODEL, *, seconds: int | None = None, size: str = ""
    ) -> Job:
        """Order a film, once.

        Other endpoints are asked only where one could not be reached or clearly refused. Raises
        MaybeAccepted if an answer was lost after the order was sent: it may have to be paid.
        """
        length = "" if seconds is None else str(seconds)
        order: Payload = {"model": model, "prompt": prompt, "seconds": length, "size": size}
        said = {name: value for name, value in order.items() if value}
        headers = {**_TASK, ONCE_HEADER: "1"}
        try:
            told = await ask(self._client, "POST", "/videos", headers=headers, payload=said)
            first = Job("", told.endpoint, told.lane, model, seconds=length, size=size)
            return described(told.payload, first)
        except AnswerUnusable as error:
            mend = "look among its recent jobs before ordering again"
            raise MaybeAccepted(error.message, mend=mend) from error

    async def poll(self, job: Job) -> Job:
        """Return how the job stands now."""
        return described((await self._ask(_path(job.id), job.lane)).payload, job)

    async def wait(
        self,
        job: Job,
        on_progress: Callable[[Job], object] = lambda _: None,
        deadline: float = WAIT_SECONDS,
    ) -> Job:
        """Return the job once it is done; ``on_progress`` is told each time something changed.

        Raises JobFailed, or TimedOut after ``deadline`` seconds; the job may then be waited for
        again.
        """
        heard = self._clock()
        until = heard + deadline
        while not job.is_done:
            latest, problem = await self._polled(job)
            now = self._clock()
            if problem and now - heard >= OUTAGE_SECONDS:
                raise problem
            heard = heard if problem else now
            if latest != job:
                on_progress(latest)
            job = latest
            if job.has_failed:
                said = job.error or job.status
                raise JobFailed(f"{job.endpoint} could not make the film {job.id}: {said}")
            if not job.is_done:
                await self._pause(job, until)
        return job

    async def download(self, job: Job, path: Path) -> Path:
        """Save the film and return its path; what is no film, or not all of it, is not kept."""
        url = f"{NOWHERE}{_path(job.id)}/content"
        headers = {**_TASK, LANE_HEADER: job.lane}
        try:
            async with self._client.http_client.stream("GET", url, headers=headers) as response:
                if not response.is_success:
                    await response.aread()
                    refuse(response)
                with media_files.aside(path) as file:
                    async for chunk in _film(response):
                        file.write(chunk)
        except httpx2.HTTPError as error:
            raise ours(error) from None
        return path

    async def find(self, job_id: str) -> Job:
        """Ask every key of every endpoint for a job of which only the id is known."""
        problems: list[GatewayError] = []
        for endpoint in self._client.config.endpoints:
            for lane in [key.label for key in endpoint.keys] or [endpoint.name]:
                try:
                    return await self.poll(Job(job_id, endpoint.name, lane))
                except GatewayError as error:
                    problems.append(error)
        raise RequestRefused(
            f"no endpoint knows the video job {job_id} (the last said: {problems[-1]})",
            mend="check the id, and that the key that ordered it is configured",
        )

    async def recent(self, lane: str) -> tuple[Job, ...]:
        """Return the latest jobs of one key, for example to find one whose answer was lost."""
        told = await self._ask("/videos?limit=20", lane)
        listed = told.payload.get("data")
        found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        return tuple(described(one, Job("", told.endpoint, lane)) for one in found)

    async def _ask(self, path: str, lane: str) -> Told:
        return await ask(self._client, "GET", path, headers={**_TASK, LANE_HEADER: lane})

    async def _polled(self, job: Job) -> tuple[Job, GatewayError | None]:
        try:
            return await self.poll(job), None
        except _PASSING as problem:
            return job, problem

    async def _pause(self, job: Job, until: float) -> None:
        if self._clock() + POLL_SECONDS > until:
            raise TimedOut(
                f"the film {job.id} at {job.lane} is {job.status} and not done in time",
                mend="wait for the same job again; a new one would be paid again",
            )
        await self._sleep(POLL_SECONDS)


def _path(job_id: str) -> str:
    if job_id.strip(".") == "":
        raise ConfigInvalid(f"{job_id!r} is no id of a video job", mend="check the id")
    return f"/videos/{quote(job_id, safe='')}"


async def _film(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Yield the bytes of the answer if its beginning is a film's and its end comes in time."""
    start, size = b"", 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MOST_VIDEO_BYTES:
            raise AnswerUnusable(f"the film has more than {MOST_VIDEO_BYTES:,} bytes")
        if len(start) < media_files.ENOUGH_TO_TELL:
            start += chunk
            if len(start) < media_files.ENOUGH_TO_TELL:
                continue
            _check_film(start)
            yield start
        else:
            yield chunk
    _check_film(start)


def _check_film(start: bytes) -> None:
    if media_files.kind_of(start) not in media_files.FILMS:
        raise AnswerUnusable("what came is no film", mend="ask whether the job is done")
