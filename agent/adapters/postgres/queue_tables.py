"""Makes the tables of Procrastinate, or brings them to the version that is installed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from procrastinate.schema import SchemaManager

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_DONE: Final = "SELECT max(file) FROM deep_research.queue_tables"
_NOTE: Final = "INSERT INTO deep_research.queue_tables (file) VALUES (%s) ON CONFLICT DO NOTHING"


async def migrate(connection: AsyncConnection) -> None:
    """Apply the whole schema where there is none, else every change that is newer.

    The names of the changes are made to be sorted.
    """
    changes = await asyncio.to_thread(_changes)
    ((done,),) = await (await connection.execute(_DONE)).fetchall()
    if done is None:
        await connection.execute(SchemaManager.get_schema())
    else:
        for change in changes:
            if change.name > done:
                await connection.execute(change.read_text(encoding="utf-8"))
    await connection.execute(_NOTE, (changes[-1].name,))


def _changes() -> list[Path]:
    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
