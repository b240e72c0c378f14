"""Procrastinate on our pool of connections, patient with a database that is restarted."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException

from agent.adapters.postgres.patience import BROKEN, PATIENCE_SECONDS, PAUSE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ACKNOWLEDGED: Final = 'not in "doing"'
"""What Procrastinate's function says of a job that ended before: as when the connection broke after
its end was committed, and it is told once more."""


class PatientConnector(PsycopgConnector):
    """Asks again what a broken connection left unanswered: twice, each of them is as once.

    But for fetching: a job that was handed over on a connection that broke is with nobody, and is
    found by ``Worker.rescue``.
    """

    async def execute_query_async(self, query: str, **arguments: Any) -> None:  # noqa: ANN401
        """Ask for nothing."""
        ask = super().execute_query_async
        await _patiently(lambda: ask(query, **arguments))

    async def execute_query_one_async(self, query: str, **arguments: Any) -> Any:  # noqa: ANN401
        """Ask for one row."""
        ask = super().execute_query_one_async
        return await _patiently(lambda: ask(query, **arguments))

    async def execute_query_all_async(self, query: str, **arguments: Any) -> Any:  # noqa: ANN401
        """Ask for all rows."""
        ask = super().execute_query_all_async
        return await _patiently(lambda: ask(query, **arguments))


async def _patiently(ask: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - whatever is asked
    until, again = time.monotonic() + PATIENCE_SECONDS, False
    while True:
        try:
            return await ask()
        except ConnectorException as error:
            if again and ACKNOWLEDGED in str(error.__cause__):
                return None
            if not isinstance(error.__cause__, BROKEN) or time.monotonic() > until:
                raise
        again = True
        await asyncio.sleep(PAUSE_SECONDS)
