"""Opens the file that answers are kept in, and makes it anew if it is damaged."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from agent.adapters.own_thread import in_own_thread

if TYPE_CHECKING:
    from pathlib import Path

    from hishel import AsyncSqliteStorage

DAYS: Final = 30
"""After so many an answer is dropped, however often it was used."""
MOST_BYTES: Final = 500_000_000
"""Of all answers; beyond it those go that were not used for longest."""

_log = logging.getLogger(__name__)


class CacheFile:
    """An SQLite file that many runs may use at a time; a cache must never make a run fail."""

    def __init__(self, path: Path) -> None:
        self.complaints = Complaints(path)
        self._path = path
        self._opening = asyncio.Lock()
        self._storage: AsyncSqliteStorage | None = None
        self._is_off = False

    async def storage(self) -> AsyncSqliteStorage | None:
        """Return the storage, opened when it is first wanted; None if there can be none."""
        async with self._opening:
            if self._storage is None and not self._is_off:
                await self._open()
            if self.complaints.is_damaged:
                await self._rebuild()
            return self._storage

    async def aclose(self) -> None:
        """Close the file."""
        logging.getLogger("hishel").removeHandler(self.complaints)
        if self._storage is not None:
            await self._storage.close()

    async def _open(self) -> None:
        from hishel import AsyncSqliteStorage  # noqa: PLC0415 - only where there is a cache

        logging.getLogger("hishel").addHandler(self.complaints)
        storage = AsyncSqliteStorage(
            database_path=self._path, default_ttl=DAYS * 86_400.0, max_size=MOST_BYTES
        )
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            await storage.get_entries("")
        except (OSError, RuntimeError) as error:  # RuntimeError: somebody else's tables
            self.complaints.hear(error)
            await storage.close()
            self._is_off = True
        else:
            self._storage = storage

    async def _rebuild(self) -> None:
        """Put a damaged file aside and begin another; give up if that does not help."""
        self.complaints.is_damaged = False
        if not await in_own_thread(lambda: _is_damaged(self._path)):
            return
        if self._storage is not None:
            await self._storage.close()
            self._storage = None
        try:
            self._put_aside()
        except OSError as error:
            self.complaints.hear(error)
            self._is_off = True
            return
        await self._open()

    def _put_aside(self) -> None:
        """Keep the file under another name: it may be somebody's, and no cache at all."""
        self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))
        for ending in ("-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)


class Complaints(logging.Handler):
    """Hears what hishel's storage says only to its log, and tells the first of it in one line."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.WARNING)
        self.is_damaged = False
        self._path = path
        self._was_told = False

    def emit(self, record: logging.LogRecord) -> None:
        """Take a complaint from the log."""
        if record.exc_info and isinstance(error := record.exc_info[1], Exception):
            self.hear(error)

    def hear(self, error: Exception) -> None:
        """Take a complaint."""
        self.is_damaged |= type(error) is sqlite3.DatabaseError  # others pass, or are our place's
        is_passing = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
        if not self._was_told and not is_passing:  # other runs are at it: one answer is not kept
            self._was_told = True
            _log.warning("the page cache %s is not used as it could be: %s", self._path, error)


def _is_damaged(path: Path) -> bool:
    """Whether a file is really damaged; the complaint may be about another one."""
    try:
        with closing(sqlite3.connect(path)) as file:
            return bool(file.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
    except sqlite3.OperationalError:  # locked, or not to be opened: that is another matter
        return False
    except sqlite3.DatabaseError:
        return True
