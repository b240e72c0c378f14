"""Parses documents in processes of their own, which can be killed: documents come from strangers.

A document may loop without end, want all memory, or crash the parser. Whatever it does, it does
to one worker, and its reader gets PageUnreadable.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

from agent.adapters.parsing import frames
from agent.domain.text import one_line
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from agent.domain.evidence import Page

SECONDS: Final = 10.0
"""For one document; a usual page takes 0.03 s, a paper of 60 pages 0.2 s."""
MEMORY_BYTES: Final = 1_500_000_000
"""Of address space; a worker that has loaded everything takes 0.1 GB."""
DOCUMENTS: Final = 200
"""After so many a worker is replaced, and with it whatever it has leaked."""
START_SECONDS: Final = 60.0
"""A start takes 0.3 s; this is for a machine that has not a moment."""
INHERITED: Final = ("SYSTEMROOT", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH")
"""All of our environment a worker may see: none of our secrets."""

_NOT_STARTED: Final = (OSError, EOFError, frames.FrameBroken)
_RUN: Final = "from agent.adapters.parsing.worker import main; main()"


class Parser:
    """Makes pages of documents, in at most ``workers`` processes at a time."""

    def __init__(
        self,
        *,
        workers: int | None = None,
        seconds: float = SECONDS,
        memory_bytes: int = MEMORY_BYTES,
        documents: int = DOCUMENTS,
    ) -> None:
        """Take how many processes (by default one a core), and what each of them may use up."""
        self.workers = max(1, workers or _cores())
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._documents = documents
        self._slots = asyncio.Semaphore(self.workers)
        self._living: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def warm(self, workers: int = 1) -> None:
        """Start workers already, so that the first pages do not have to wait for them.

        If one does not start, the page that needs it will say so.
        """
        await asyncio.gather(*(self._warm_one() for _ in range(min(workers, self.workers))))

    async def parse(self, body: bytes, content_type: str, encoding: str, url: str) -> Page:
        """Return the page a body holds; raise PageUnreadable if it has no text or does harm."""
        async with self._slots:
            worker = await self._fit_worker(url)
            try:
                async with asyncio.timeout(self._seconds):
                    return await worker.parse(body, content_type, encoding, url)
            except TimeoutError as error:
                message = f"{url} could not be parsed in {self._seconds:g} s"
                raise PageUnreadable(message) from error
            finally:
                self._put_back(worker)

    async def aclose(self) -> None:
        """End all processes; pages that are being parsed are given up."""
        self._closed = True
        self._idle.clear()
        for worker in tuple(self._living):
            self._end(worker)
        for _ in range(self.workers):  # whoever was parsing or starting a worker has noticed then
            await self._slots.acquire()
        while self._ending:
            await asyncio.gather(*self._ending)
        for _ in range(self.workers):
            self._slots.release()

    async def _warm_one(self) -> None:
        async with self._slots:
            if len(self._idle) < self.workers and not self._closed:
                with suppress(*_NOT_STARTED):
                    self._put_back(await self._started())

    async def _fit_worker(self, url: str) -> _Worker:
        """Return an idle worker that still lives, or a new one."""
        if self._closed:
            raise PageUnreadable(f"{url} was not parsed: the run was over")
        while self._idle:
            worker = self._idle.pop()
            if worker.is_fit:
                return worker
            self._end(worker)
        try:
            return await self._started()
        except _NOT_STARTED as error:
            raise PageUnreadable(
                f"{url} could not be parsed: no worker process could be started",
                mend="see whether the machine has memory and processes left",
            ) from error

    async def _started(self) -> _Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-c",
            _RUN,
            str(self._memory_bytes),
            str(int(self._seconds) + 1),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(),
            limit=2**20,
        )
        worker = _Worker(process, self._documents)
        self._living.add(worker)
        try:
            async with asyncio.timeout(START_SECONDS):
                await worker.ready()
        except BaseException:
            self._end(worker)
            raise
        return worker

    def _put_back(self, worker: _Worker) -> None:
        if worker.is_fit and not self._closed:
            self._idle.append(worker)
        else:
            self._end(worker)

    def _end(self, worker: _Worker) -> None:
        """Kill a worker; a task of ours waits for its end, so that no caller has to."""
        self._living.discard(worker)
        task = asyncio.create_task(worker.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


class _Worker:
    """One process and the two pipes to it."""

    def __init__(self, process: asyncio.subprocess.Process, documents: int) -> None:
        self._process = process
        self._requests = cast("asyncio.StreamWriter", process.stdin)  # pipes were asked for
        self._pages = cast("asyncio.StreamReader", process.stdout)
        self._left = documents
        self._is_busy = False

    @property
    def is_fit(self) -> bool:
        """Whether it lives, is not in the midst of a document, and has not had its share."""
        return self._process.returncode is None and not self._is_busy and self._left > 0

    async def ready(self) -> None:
        """Wait until it has loaded what it needs."""
        await self._reply()

    async def parse(self, body: bytes, content_type: str, encoding: str, url: str) -> Page:
        head = {"content_type": content_type, "encoding": encoding, "url": url}
        self._is_busy = True
        self._left -= 1
        try:
            answer, text = await self._asked(frames.packed(head, body))
            page = None if "unreadable" in answer else frames.unpacked_page(answer, text, url)
        except (OSError, EOFError) as error:
            raise PageUnreadable(f"{url} could not be parsed: it made the parser crash") from error
        except frames.FrameBroken as error:
            raise PageUnreadable(f"{url} could not be parsed: it broke the parser") from error
        self._is_busy = bool(answer.get("worn"))
        if page is None:
            raise PageUnreadable(one_line(str(answer["unreadable"])))
        return page

    async def end(self) -> None:
        """Kill the process, and wait until it and its pipes are gone."""
        if self._process.returncode is None:
            self._process.kill()
        self._requests.close()
        while await self._pages.read(2**20):
            pass
        await self._process.wait()

    async def _asked(self, frame: bytes) -> tuple[dict[str, Any], bytes]:
        self._requests.write(frame)
        await self._requests.drain()
        return await self._reply()

    async def _reply(self) -> tuple[dict[str, Any], bytes]:
        read = self._pages.readexactly
        head, body = frames.lengths(await read(frames.LENGTHS.size))
        return frames.unpacked_head(await read(head)), await read(body)


def _cores() -> int:
    """Return how many cores we may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _environment() -> dict[str, str]:
    """Return a worker's environment: where our modules are, and next to nothing else."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
