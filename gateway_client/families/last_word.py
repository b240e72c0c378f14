"""Asks, at the last moment before a request leaves, whether it still may.

A process may be stopped at any moment, for any time: also after a request was announced, while it
waits for a connection. What was announced too long ago is announced again, with nothing between
that and the sending that takes time.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FRESH_SECONDS: Final = 3.0
"""How long an announcement is good for: longer than it takes, and far less than the silence after
which others take over the work."""


class LastWord:
    """One request's leave to go out."""

    def __init__(self, announce: Callable[[], Awaitable[None]]) -> None:
        self._announce = announce
        self._given = float("-inf")

    async def ask(self) -> None:
        """Announce the request, unless that was done just now; what it raises keeps it here."""
        while time.monotonic() - self._given > FRESH_SECONDS:
            began = time.monotonic()
            await self._announce()
            self._given = began


LAST_WORD: ContextVar[LastWord | None] = ContextVar("LAST_WORD", default=None)
"""That of the request which the present task sends."""


async def have_it() -> None:
    """Ask for the present request, if anybody wants to be asked."""
    word = LAST_WORD.get()
    if word is not None:
        await word.ask()
