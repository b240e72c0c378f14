"""Keeps the texts that runs read in the database, each once, by what is in it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from agent.errors import DocumentLost

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from agent.adapters.postgres.stored_run import StoredRun

_PUT: Final = """
INSERT INTO deep_research.documents (sha256, data) VALUES (%s, %s)
ON CONFLICT (sha256) DO UPDATE SET stored = now()
"""
"""A text that is there is held until it belongs to the run, lest it be removed before."""
_BELONGS: Final = """
INSERT INTO deep_research.run_documents (run, sha256) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""
_GET: Final = "SELECT data FROM deep_research.documents WHERE sha256 = %s"


class StoredDocuments:
    """The document store of one run.

    Its texts also stay in memory: every one of them is asked for again, often.
    """

    def __init__(self, run: StoredRun) -> None:
        self._run = run
        self._texts: dict[str, str] = {}

    async def put(self, text: str) -> str:
        """Store a text and return its SHA-256."""
        data = text.encode()
        digest = hashlib.sha256(data).hexdigest()

        async def put(connection: AsyncConnection) -> None:
            await connection.execute(_PUT, (digest, data))
            await connection.execute(_BELONGS, (self._run.id, digest))

        if digest not in self._texts:
            await self._run.written(put)
            self._texts[digest] = text
        return digest

    async def get(self, sha256: str) -> str:
        """Return a stored text; raise DocumentLost if it is gone or no longer the same."""
        if sha256 not in self._texts:
            self._texts[sha256] = await self._read(sha256)
        return self._texts[sha256]

    async def _read(self, digest: str) -> str:
        async def get(connection: AsyncConnection) -> tuple[bytes] | None:
            return await (await connection.execute(_GET, (digest,))).fetchone()

        row = await self._run.database.transaction(get)
        if row is None:
            raise DocumentLost(f"the stored text {digest!r} is not in the database")
        if hashlib.sha256(row[0]).hexdigest() != digest:
            raise DocumentLost(f"the stored text {digest} was changed since it was read")
        return row[0].decode()
