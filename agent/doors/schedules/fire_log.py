"""Keeps what was seen to of each schedule and how its fires ended, beside the file people write."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from agent.adapters.run_lock import held, is_held
from agent.doors.schedules.fires import Seen
from agent.errors import RunUnwritable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.doors.schedules.fires import Fire

RUNNING: Final = "running"
FAILED: Final = "failed"
STOPPED: Final = "stopped"
TABLES: Final = """
    CREATE TABLE IF NOT EXISTS seen (schedule TEXT PRIMARY KEY, times TEXT, until TEXT);
    CREATE TABLE IF NOT EXISTS fires (
        number INTEGER PRIMARY KEY, schedule TEXT, due TEXT, began TEXT,
        status TEXT, run TEXT, reason TEXT
    );
"""


@dataclass(frozen=True, slots=True)
class Fired:
    """A fire that was made: ``running`` while it goes on, and if its process was killed.

    ``run`` is the run's id once it is known; ``reason`` says why it failed or is partial.
    """

    number: int
    due: datetime
    began: datetime
    status: str
    run: str
    reason: str


class FireLog:
    """What happened to the schedules of a file, in a folder of its name with a dot before it."""

    def __init__(self, book: Path) -> None:
        self.folder = book.with_name(f".{book.stem}")
        self._path = self.folder / "fires.sqlite"

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Be the only one to fire a schedule; raise RunBusy, naming who is, if another is at it."""
        self._make_folder()
        with ExitStack() as stack:
            try:
                stack.enter_context(held(self._lock(name), f"the schedule {name}"))
            except OSError as error:
                raise _unusable(self._lock(name), error) from error
            yield

    def is_going_on(self, name: str) -> bool:
        """Whether some process fires a schedule at this moment."""
        return is_held(self._lock(name))

    def seen(self, name: str) -> Seen | None:
        """Return what was seen to of a schedule; None if it is new."""
        for times, until in self._rows("SELECT times, until FROM seen WHERE schedule = ?", name):
            return Seen(times, datetime.fromisoformat(until))
        return None

    def see(self, name: str, before: Seen | None, seen: Seen) -> None:
        """Keep what was seen to of a schedule, unless another process kept more than ``before``."""
        with self._opened() as connection:
            if before is None:
                connection.execute(
                    "INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (name, *_told(seen))
                )
            else:
                connection.execute(
                    "UPDATE seen SET times = ?, until = ?"
                    " WHERE schedule = ? AND times = ? AND until = ?",
                    (*_told(seen), name, *_told(before)),
                )

    def begin(self, fire: Fire, seen: Seen | None = None) -> int:
        """Keep that a fire is begun and, with it, what is seen to by then; return its number."""
        name = fire.schedule.name
        with self._opened() as connection:
            if seen is not None:
                connection.execute("REPLACE INTO seen VALUES (?, ?, ?)", (name, *_told(seen)))
            told = (name, fire.due.isoformat(), fire.began.isoformat(), RUNNING)
            cursor = connection.execute(
                "INSERT INTO fires (schedule, due, began, status, run, reason)"
                " VALUES (?, ?, ?, ?, '', '')",
                told,
            )
            return cursor.lastrowid or 0

    def end(self, number: int, status: str, run: str, reason: str) -> None:
        """Keep how a fire ended."""
        with self._opened() as connection:
            connection.execute(
                "UPDATE fires SET status = ?, run = ?, reason = ? WHERE number = ?",
                (status, run, reason, number),
            )

    def fires(self, name: str, most: int) -> list[Fired]:
        """Return the last fires of a schedule, latest first."""
        rows = self._rows(
            "SELECT number, due, began, status, run, reason FROM fires WHERE schedule = ?"
            " ORDER BY number DESC LIMIT ?",
            name,
            most,
        )
        return [
            Fired(number, datetime.fromisoformat(due), datetime.fromisoformat(began), *how)
            for number, due, began, *how in rows
        ]

    def predecessor(self, name: str) -> str:
        """Return the id of the last run of a schedule that found anything; empty without one."""
        found = self._rows(
            "SELECT run FROM fires WHERE schedule = ? AND status IN ('complete', 'partial')"
            " ORDER BY number DESC LIMIT 1",
            name,
        )
        return found[0][0] if found else ""

    def forget(self, name: str) -> None:
        """Keep nothing of a schedule any more."""
        with self._opened() as connection:
            for table in ("seen", "fires"):
                connection.execute(f"DELETE FROM {table} WHERE schedule = ?", (name,))  # noqa: S608 - two words of ours

    def _lock(self, name: str) -> Path:
        return self.folder / f"{name}.lock"

    def _make_folder(self) -> None:
        """Make the folder, which version control is told to pass over."""
        if self.folder.is_dir():
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / ".gitignore").write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what is known; nothing, and nothing is made, before the first fire."""
        if not self._path.exists():
            return []
        with self._opened() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one change, which is made whole or not at all."""
        self._make_folder()
        try:
            with closing(sqlite3.connect(self._path, timeout=10)) as connection, connection:
                connection.executescript(TABLES)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise _unusable(self._path, error) from error


def _told(seen: Seen) -> tuple[str, str]:
    return seen.times, seen.until.isoformat()


def _unusable(path: Path, error: Exception) -> RunUnwritable:
    return RunUnwritable(
        f"{path} cannot be used: {error}",
        mend="make room or make it writable; without it, every schedule is due from now on",
    )
