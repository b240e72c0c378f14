"""Turns that all machines take together, where somebody is to be asked only so often."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from psycopg import AsyncConnection

    from agent.adapters.postgres.database import Database

_TAKE: Final = """
INSERT INTO deep_research.turns AS turn (name, next)
VALUES (%(name)s, clock_timestamp() + make_interval(secs => %(delay)s))
ON CONFLICT (name) DO UPDATE
SET next = greatest(turn.next, clock_timestamp()) + make_interval(secs => %(delay)s)
RETURNING extract(epoch FROM next - clock_timestamp())::float8 - %(delay)s
"""


class StoredTurns:
    """Lets whoever asks pass one after the other, ``delay`` seconds apart."""

    def __init__(self, database: Database, name: str, delay: float) -> None:
        self._database = database
        self._given = {"name": name, "delay": delay}

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn; one that is taken and not used is lost."""

        async def take(connection: AsyncConnection) -> float:
            ((seconds,),) = await (await connection.execute(_TAKE, self._given)).fetchall()
            return float(seconds)

        await asyncio.sleep(max(0.0, await self._database.transaction(take)))
        yield
