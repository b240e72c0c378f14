"""Sees to it that one process at a time works on a run, wherever it is.

Each process has one connection for this, on which it is heard of every few seconds. PostgreSQL
gives the locks of a connection free when that ends, however the process ended. A process that was
stopped, or whose network is gone, keeps its connection: whoever wants one of its runs ends it,
after a silence. It may wake up, which is why writing needs more than a lock.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from psycopg import AsyncConnection

from agent.adapters.postgres.patience import BROKEN, patiently
from agent.errors import RunBusy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

HEARD_SECONDS: Final = 2.0
"""How often a process is heard of."""
SILENCE_SECONDS: Final = 10.0
"""A process that was silent for so long loses its runs to whoever wants them."""
GLANCE_SECONDS: Final = 0.05

_KEY: Final = "hashtextextended('deep-research/run/' || %(run)s, 0)"
_TRY: Final = f"SELECT pg_try_advisory_lock({_KEY})"
_UNLOCK: Final = f"SELECT pg_advisory_unlock({_KEY})"
_HOLDER: Final = f"""
SELECT pid, coalesce(application_name, 'another user of the database'),
    coalesce(extract(epoch FROM clock_timestamp() - state_change), 0)
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32) | objid::bigint = {_KEY}
"""  # noqa: S608 - our own words; the run is a parameter
# How silent other users of the database are is hidden from us, so they count as heard of.


class Locks:
    """The locks of this process, on a connection that is made anew if it breaks."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts = parts
        self._held: set[str] = set()
        self._turn = asyncio.Lock()
        self._connection: AsyncConnection | None = None

    async def __aenter__(self) -> Self:
        """Begin to be heard of."""
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give all locks free."""
        self._keeper.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeper
        if self._connection is not None:
            await self._connection.close()

    @asynccontextmanager
    async def held(self, run: str) -> AsyncIterator[None]:
        """Hold the lock of a run; raise RunBusy, naming the holder, if another has it."""
        while not await patiently(partial(self._taken, run)):  # noqa: ASYNC110 - it is elsewhere
            await asyncio.sleep(GLANCE_SECONDS)
        try:
            yield
        finally:
            await self._release(run)

    async def _taken(self, run: str) -> bool:
        """Take the lock if it is free; raise RunBusy if its holder was heard of lately."""
        async with self._turn:
            if run in self._held:
                raise RunBusy("this process is working on this run", mend="wait for it")
            connection = await self._connected()
            if await _is_locked(connection, run):
                self._held.add(run)
                return True
            await _end_silent(connection, run)
            return False

    async def _release(self, run: str) -> None:
        async with self._turn:
            self._held.discard(run)
            if self._connection is not None:
                with suppress(*BROKEN):  # then it is free
                    await self._connection.execute(_UNLOCK, {"run": run})

    async def _keep(self) -> None:
        """Be heard of; after the connection broke, take again what nobody took meanwhile."""
        while True:
            await asyncio.sleep(HEARD_SECONDS)
            if not self._held:
                continue
            async with self._turn:
                with suppress(*BROKEN):  # while the database is away, it is tried again and again
                    await (await self._connected()).execute("SELECT 1")

    async def _connected(self) -> AsyncConnection:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        connection = await AsyncConnection.connect(**self._parts, autocommit=True)
        for run in self._held:
            await _is_locked(connection, run)
        self._connection = connection
        return connection


async def _is_locked(connection: AsyncConnection, run: str) -> bool:
    """Take the lock if it is free."""
    found = await connection.execute(_TRY, {"run": run})
    return await found.fetchone() == (True,)


async def _end_silent(connection: AsyncConnection, run: str) -> None:
    """End the connection of a silent holder; raise RunBusy if it is none."""
    found = await connection.execute(_HOLDER, {"run": run})
    for pid, name, silence in await found.fetchall():
        if silence < SILENCE_SECONDS:
            raise RunBusy(f"{name} is working on this run", mend="wait for it, or stop it")
        await connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
