"""Removes runs from the database, and the texts that only they had read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from agent.adapters.postgres.stored_run import FORGET_STATE

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import AsyncConnection

    from agent.adapters.postgres.database import Database

_FINISHED: Final = "SELECT id FROM deep_research.runs WHERE finished < %s ORDER BY finished"
_REMOVE: Final = "DELETE FROM deep_research.runs WHERE id = %s"
_REMOVE_UNREAD: Final = """
DELETE FROM deep_research.documents AS text
WHERE NOT EXISTS (SELECT FROM deep_research.run_documents WHERE sha256 = text.sha256)
"""


async def finished_before(database: Database, moment: datetime) -> list[str]:
    """Return the ids of the runs that were finished before a moment, oldest first."""

    async def get(connection: AsyncConnection) -> list[tuple[str]]:
        return await (await connection.execute(_FINISHED, (moment,))).fetchall()

    return [run_id for (run_id,) in await database.transaction(get)]


async def remove(database: Database, run_id: str) -> None:
    """Remove a run, whatever its state; raise RunBusy if a process works on it."""
    async with database.locks.held(run_id):
        await database.transaction(partial(_removed, run_id))


async def remove_unread(database: Database) -> int:
    """Remove the texts of removed runs, and return how many they were."""

    async def sweep(connection: AsyncConnection) -> int:
        return (await connection.execute(_REMOVE_UNREAD)).rowcount

    return await database.transaction(sweep)


async def _removed(run_id: str, connection: AsyncConnection) -> None:
    await connection.execute(_REMOVE, (run_id,))
    for statement in FORGET_STATE:
        await connection.execute(statement, (run_id,))
