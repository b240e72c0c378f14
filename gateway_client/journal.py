"""Keeps every paid reply on the disk: work taken up again after a crash pays for nothing twice."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from gateway_client.abstract_journal import AbstractJournal, Kept
from gateway_client.errors import JournalDamaged, JournalUnwritable
from gateway_client.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gateway_client.abstract_journal import Place

_BEFORE: Final = """
SELECT entry FROM entries LEFT JOIN steps USING (step)
WHERE coalesce(steps.id, 0) < coalesce((SELECT id FROM steps WHERE step = :step), 0)
    OR (step = :step AND reply IS NULL)
ORDER BY entries.id
"""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS steps (
    id INTEGER PRIMARY KEY, step TEXT NOT NULL UNIQUE, note TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS replies (
    id INTEGER PRIMARY KEY, step TEXT NOT NULL, request TEXT NOT NULL, reply BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, step TEXT NOT NULL, reply INTEGER, entry TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS asked ON replies (step, request);
"""


class Journal(AbstractJournal):
    """One file of steps, replies, and what they cost."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._lock = threading.Lock()
        with self._told():
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            with self._told():
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.execute("PRAGMA synchronous = FULL")
                self._database.executescript(_TABLES)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    async def charge(self, entries: Sequence[Entry]) -> None:
        """Commit what was paid without a reply."""
        await asyncio.to_thread(self._charge, self._step, entries)

    def entries(self) -> tuple[Entry, ...]:
        """Return everything that was paid."""
        with self._lock, self._told():
            rows = self._database.execute("SELECT entry FROM entries ORDER BY id").fetchall()
            return _entries(rows)

    def entries_before(self) -> tuple[Entry, ...]:
        """Return what was paid before the present step, or in it and without a reply."""
        with self._lock, self._told():
            rows = self._database.execute(_BEFORE, {"step": self._step}).fetchall()
            return _entries(rows)

    async def _begun(self, step: str, note: str) -> str | None:
        return await asyncio.to_thread(self._begin, step, note)

    async def _recalled(self, place: Place, number: int) -> Kept | None:
        return await asyncio.to_thread(self._recall, place, number)

    async def _kept(
        self,
        place: Place,
        number: int,  # noqa: ARG002 - rows of a file have an order of their own
        reply: bytes,
        entries: Sequence[Entry],
    ) -> None:
        await asyncio.to_thread(self._keep, place, reply, entries)

    def _charge(self, step: str, entries: Sequence[Entry]) -> None:
        with self._lock, self._told(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._write(step, None, entries)

    def _begin(self, step: str, note: str) -> str | None:
        with self._lock, self._told():
            row = self._database.execute("SELECT note FROM steps WHERE step = ?", (step,))
            before = row.fetchone()
            if before is None:
                self._database.execute("INSERT INTO steps (step, note) VALUES (?, ?)", (step, note))
        return None if before is None else str(before[0])

    def _recall(self, place: Place, number: int) -> Kept | None:
        with self._lock, self._told():
            row = self._database.execute(
                "SELECT id, reply FROM replies WHERE step = ? AND request = ?"
                " ORDER BY id LIMIT 1 OFFSET ?",
                (*place, number),
            ).fetchone()
            if row is None:
                return None
            rows = self._database.execute("SELECT entry FROM entries WHERE reply = ?", row[:1])
            return Kept(bytes(row[1]), _entries(rows.fetchall()))

    def _keep(self, place: Place, reply: bytes, entries: Sequence[Entry]) -> None:
        with self._lock, self._told(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            row = self._database.execute(
                "INSERT INTO replies (step, request, reply) VALUES (?, ?, ?)", (*place, reply)
            )
            self._write(place.step, row.lastrowid, entries)

    def _write(self, step: str, reply: int | None, entries: Sequence[Entry]) -> None:
        rows = [(step, reply, entry.as_json()) for entry in entries]
        self._database.executemany(
            "INSERT INTO entries (step, reply, entry) VALUES (?, ?, ?)", rows
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in our own words what is wrong with the file."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise JournalUnwritable(
                f"cannot write {self._path}: {error}", mend="make room, or make it writable"
            ) from error
        except (sqlite3.DatabaseError, ValueError, TypeError, ArithmeticError) as error:
            raise JournalDamaged(
                f"{self._path} cannot be read: {error}",
                mend="delete it: what was done after the last checkpoint is paid once more",
            ) from error


def _entries(rows: Iterable[tuple[str]]) -> tuple[Entry, ...]:
    return tuple(Entry.from_json(text) for (text,) in rows)
