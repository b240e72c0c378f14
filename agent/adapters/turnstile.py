"""Lets requests to one service through one at a time and spaced, over all processes of a person."""

from __future__ import annotations

import asyncio
import math
import os
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Protocol

from agent.adapters.user_cache import user_cache

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

GLANCE: Final = 0.02
"""Seconds between two looks at a turnstile that is taken: too short to notice, cheap enough."""
LOCKED_BYTE: Final = 1 << 20
"""Windows locks bytes, not files; this one is never written."""


class Turns(Protocol):
    """Lets whoever asks pass in turn."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait for the turn, and hold it."""
        ...


class Turnstile:
    """A file that tells when the last request was made, and whose lock says one is under way.

    A lock of the operating system ends with the process that holds it, however that ends.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        """Keep so many seconds between the end of one request and the beginning of the next.

        Measured so, they stay apart at the server too, however long the way there took.
        """
        self.path = path
        self._seconds = seconds

    @classmethod
    def shared(cls, service: str, seconds: float) -> Turnstile:
        """Return the turnstile of a service for everything this person runs on this machine."""
        return cls(user_cache("turnstiles") / service, seconds)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn and hold it; raises OSError if the file cannot be made or locked."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            await _lock(file)
            await self._wait(file)
            _write(file, time.time())  # in case this process dies before the end
            try:
                yield
            finally:
                _write(file, time.time())
        finally:
            os.close(file)  # which also unlocks it

    async def _wait(self, file: int) -> None:
        """Wait what is left; never longer than the spacing, even if the clock was set back."""
        left = min(_read(file) + self._seconds - time.time(), self._seconds)
        ready = time.monotonic() + left
        while True:
            left = ready - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(left)


async def _lock(file: int) -> None:
    while True:
        if _locked(file):
            return
        await asyncio.sleep(GLANCE)


def _read(file: int) -> float:
    """Return when the last request was made; 0, long ago, if nothing legible is written there."""
    os.lseek(file, 0, os.SEEK_SET)
    try:
        moment = float(os.read(file, 64))
    except ValueError:  # a new file, or one a dying process left half written
        return 0.0
    return moment if math.isfinite(moment) else 0.0


def _write(file: int, moment: float) -> None:
    os.lseek(file, 0, os.SEEK_SET)
    os.write(file, f"{moment:020.6f}\n".encode("ascii"))  # always as long, so nothing old is left


if sys.platform == "win32":
    import msvcrt

    def _locked(file: int) -> bool:
        os.lseek(file, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _locked(file: int) -> bool:
        """Take the lock if it is free; two openings of a file are strangers, even in a process."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
