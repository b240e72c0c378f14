"""Tries again what a restart of the database broke off, and says what is wrong if it stays away."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, TypeVar

from psycopg import Error, InterfaceError, OperationalError
from psycopg.errors import IdleInTransactionSessionTimeout

from agent.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Result = TypeVar("Result")

PATIENCE_SECONDS: Final = 60.0
"""Restarts take less."""
PAUSE_SECONDS: Final = 0.25

BROKEN: Final = (OperationalError, InterfaceError, IdleInTransactionSessionTimeout)
"""What is raised when a connection breaks, the server is not up, or it has to be asked again; the
last if we were stopped in the middle of a transaction."""


async def patiently(work: Callable[[], Awaitable[Result]]) -> Result:
    """Do work, and again if the connection breaks: done twice, it has to be as if done once.

    Raises DatabaseUnavailable if the database stays away, or refuses the work.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await work()
        except BROKEN as error:
            if time.monotonic() > until:
                raise unavailable(error) from error
        except Error as error:
            raise unavailable(error) from error
        await asyncio.sleep(PAUSE_SECONDS)


def unavailable(error: Error) -> DatabaseUnavailable:
    """Return our error for one of the database; what that says holds no password."""
    said = error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__
    return DatabaseUnavailable(
        f"the database cannot be used: {said}",
        mend="see that it runs, and DEEP_RESEARCH_DATABASE_URL",
    )
