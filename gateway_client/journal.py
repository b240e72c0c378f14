"""Keeps every paid reply on the disk: work taken up again after a crash pays for nothing twice.

A reply is committed before whoever asked sees it. Work goes by steps, which are repeated whole
after a crash; within a step, the same request is answered as often as it was answered before, and
from then on it is a new one. One process at a time may have a journal.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import threading
from collections import Counter
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateway_client.errors import JournalDamaged, JournalUnwritable
from gateway_client.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

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


class Place(NamedTuple):
    """Where a reply belongs: the step that asked, and the digest of what it asked."""

    step: str
    request: str


class Kept(NamedTuple):
    """A reply, and what was written down as paid with it."""

    reply: bytes
    entries: tuple[Entry, ...]


class Journal:
    """One file of steps, replies, and what they cost."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._step = ""
        self._is_repeated = True
        self._answered: Counter[Place] = Counter()
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

    async def begin(self, step: str, note: str) -> str:
        """Begin a step, or repeat it; return the note it was begun with, which is this or older.

        The note is for whatever, besides the requests made so far, has a say in the next ones.
        """
        self._step = step
        self._answered.clear()
        before = await asyncio.to_thread(self._begun, step, note)
        self._is_repeated = before is not None
        return note if before is None else before

    def place(self, *request: bytes) -> Place:
        """Return the place of the reply to a request of the present step, given in parts."""
        digest = hashlib.sha256()
        for part in request:
            digest.update(b"%d:" % len(part) + part)
        return Place(self._step, digest.hexdigest())

    async def recall(self, place: Place) -> Kept | None:
        """Return what a request was answered with before the step was repeated, if it was."""
        if not self._is_repeated:
            return None
        number = self._answered[place]
        self._answered[place] += 1
        kept = await asyncio.to_thread(self._recalled, place, number)
        if kept is None:
            self._answered[place] -= 1
        return kept

    async def keep(self, place: Place, reply: bytes, entries: Sequence[Entry] = ()) -> None:
        """Commit a reply with what was paid since the last one; once this returns it is safe."""
        self._answered[place] += 1
        await asyncio.to_thread(self._kept, place, reply, entries)

    def charge(self, entries: Sequence[Entry]) -> None:
        """Commit what was paid without a reply."""
        with self._lock, self._told(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._write(self._step, None, entries)

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

    def _begun(self, step: str, note: str) -> str | None:
        with self._lock, self._told():
            row = self._database.execute("SELECT note FROM steps WHERE step = ?", (step,))
            before = row.fetchone()
            if before is None:
                self._database.execute("INSERT INTO steps (step, note) VALUES (?, ?)", (step, note))
        return None if before is None else str(before[0])

    def _recalled(self, place: Place, number: int) -> Kept | None:
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

    def _kept(self, place: Place, reply: bytes, entries: Sequence[Entry]) -> None:
        with self._lock, self._told(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            row = self._database.execute(
                "INSERT INTO replies (step, request, reply) VALUES (?, ?, ?)", (*place, reply)
            )
            self._write(place.step, row.lastrowid, entries)

    def _write(self, step: str, reply: int | None, entries: Sequence[Entry]) -> None:
        rows = [(step, reply, json.dumps(entry._asdict(), default=str)) for entry in entries]
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
    return tuple(_entry(json.loads(row[0])) for row in rows)


def _entry(told: dict[str, Any]) -> Entry:
    usd = told["usd"]
    return Entry(**{**told, "usd": None if usd is None else Decimal(usd)})
