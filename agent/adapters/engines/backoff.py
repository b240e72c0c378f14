"""Leaves a service alone for as long as it asks to be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from agent.adapters.retry_after import LONGEST
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BUSY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
SHORT: Final = 30.0
"""Seconds worth waiting for within one search."""
UNSAID: Final = 60.0
"""Seconds to stay away if the service does not say how long."""

Answer = TypeVar("Answer")


class AskedToWait(Exception):
    """The service is busy, or asked too often; ``seconds`` is None if it does not say how long."""

    def __init__(self, status: int, seconds: float | None) -> None:
        super().__init__(status)
        self.status = status
        self.seconds = seconds


class Backoff:
    """Asks a service again after a short pause, and after a long one not before it is over."""

    def __init__(self, service: str, *, mend: str = "") -> None:
        """``service`` is its name in messages, ``mend`` what makes it less busy."""
        self._service = service
        self._mend = mend
        self._closed_until = datetime.min.replace(tzinfo=UTC)

    async def call(self, request: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return what a request returns, made at most twice; raises SearchFailed while closed."""
        self._refuse_while_closed()
        try:
            return await request()
        except AskedToWait as first:
            if first.seconds is None or first.seconds > SHORT:
                raise self._closed(first) from first
            await asyncio.sleep(first.seconds)
        self._refuse_while_closed()
        try:
            return await request()
        except AskedToWait as second:
            raise self._closed(second) from second

    def _refuse_while_closed(self) -> None:
        if datetime.now(UTC) < self._closed_until:
            raise SearchFailed(self._wish(), mend=self._mend)

    def _closed(self, asked: AskedToWait) -> SearchFailed:
        """Close, and return the failure that says so."""
        seconds = UNSAID if asked.seconds is None else min(asked.seconds, LONGEST)
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        self._closed_until = max(until, self._closed_until)
        message = f"{self._service} answered {asked.status}: {self._wish()}"
        return SearchFailed(message, mend=self._mend)

    def _wish(self) -> str:
        until = self._closed_until.replace(microsecond=0)
        return f"{self._service} asked to be left alone until {until:%Y-%m-%d %H:%M:%S} UTC"
