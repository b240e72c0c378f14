"""Bounds many long waits by one timer: to set one for each takes longer than all else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

COARSE_FROM: Final = 5.0
"""Seconds from which a bound may be late by a tick."""
TICK_SECONDS: Final = 0.5


class Patience:
    """All waits of one event loop."""

    def __init__(self) -> None:
        self._waits: set[Bound] = set()
        self._ticking = False

    def bound(self, seconds: float) -> Bound:
        """Return what raises TimeoutError within ``with``, as `asyncio.timeout` does."""
        return Bound(self, seconds)

    def begin(self, wait: Bound, loop: asyncio.AbstractEventLoop) -> None:
        """Look at a wait every tick."""
        self._waits.add(wait)
        if not self._ticking:
            self._ticking = True
            loop.call_later(TICK_SECONDS, self._tick, loop)

    def end(self, wait: Bound) -> None:
        """Look at it no more."""
        self._waits.discard(wait)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for wait in self._waits:
            if wait.until <= now:
                wait.give_up()
        self._ticking = bool(self._waits)
        if self._ticking:
            loop.call_later(TICK_SECONDS, self._tick, loop)


class Bound:
    """One wait; ``until`` is the loop's time."""

    __slots__ = ("_cancelling", "_late", "_of", "_seconds", "_task", "_timer", "until")

    def __init__(self, of: Patience, seconds: float) -> None:
        self._of = of
        self._seconds = seconds
        self._late = False
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        """Begin to wait."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be bounded")
        loop = task.get_loop()
        self._task = task
        self._cancelling = task.cancelling()
        self.until = loop.time() + self._seconds
        if self._seconds < COARSE_FROM:
            self._timer = loop.call_at(self.until, self.give_up)
        else:
            self._of.begin(self, loop)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        """Wait no more; say so if it was too long, unless others have cancelled the task too."""
        if self._timer is None:
            self._of.end(self)
        else:
            self._timer.cancel()
        if not self._late:
            return
        ours_alone = self._task.uncancel() <= self._cancelling
        if ours_alone and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def give_up(self) -> None:
        """Cancel the task, once."""
        if not self._late:
            self._late = True
            self._task.cancel()
