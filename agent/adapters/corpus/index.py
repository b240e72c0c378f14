"""Keeps pages and their words in one SQLite file, and ranks them by BM25."""

from __future__ import annotations

import sqlite3
import time
import weakref
from contextlib import closing, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from agent.adapters.corpus.database import connected, transaction
from agent.adapters.corpus.stored_pages import packed, unpacked
from agent.domain.evidence import Failure, Page
from agent.domain.ranking import terms
from agent.domain.text import one_line
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence
    from pathlib import Path

    from agent.adapters.corpus.files import Stamp

FAILURES_STAND: Final = 3_600.0
"""Seconds for which a file that could not be read is left alone. After that it is tried again: the
reason may have been the machine."""
MOST_TERMS: Final = 200
"""Of one query: half a page of text; more would find no other files, only take longer."""

STANDS: Final = "(failure IS NULL OR tried_at > ?)"


class IndexCorrupt(Exception):
    """The file is no index, or a damaged one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was made of one file, at which stamp."""

    url: str
    stamp: Stamp
    outcome: Page | Failure


class Index:
    """An index in a file, or in memory alone; for any thread, and beside other processes.

    Raises SearchFailed where SQLite cannot go on, and IndexCorrupt where it needs a new file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = Lock()
        self._where = one_line(str(path)) if path else "in memory"
        with self._told():
            self._connection = connected(path)
        self._close = weakref.finalize(self, self._connection.close)
        self._close.atexit = False  # a thread may still be at work, and SQLite would crash

    def close(self) -> None:
        """Close the file, once nobody is at work on it; without this it ends with the index."""
        with self._lock:
            self._close()

    def stamps(self) -> dict[str, Stamp]:
        """Return the stamps of all files that need not be read again as long as they have them."""
        with self._using() as connection:
            rows = connection.execute(
                f"SELECT url, size, mtime_ns FROM files WHERE {STANDS}",  # noqa: S608 - a constant
                (time.time() - FAILURES_STAND,),
            )
            return {url: (size, mtime_ns) for url, size, mtime_ns in rows}

    def knows(self, url: str, stamp: Stamp) -> bool:
        """Whether a file need not be read, because this or another run has read it."""
        with self._using() as connection:
            row = connection.execute(
                f"SELECT 1 FROM files WHERE {STANDS} AND url = ? AND size = ? AND mtime_ns = ?",  # noqa: S608 - likewise
                (time.time() - FAILURES_STAND, url, *stamp),
            ).fetchone()
        return row is not None

    def outcome(self, url: str, stamp: Stamp) -> Page | Failure | None:
        """Return what was made of a file; None if it is not known, or has changed since."""
        with self._using() as connection:
            row = connection.execute(
                "SELECT failure, page FROM files LEFT JOIN pages USING (id)"
                " WHERE url = ? AND size = ? AND mtime_ns = ?",
                (url, *stamp),
            ).fetchone()
        if row is None:
            return None
        failure, page = row
        return Failure(url, failure) if failure is not None else _unpacked(page)

    def failures(self) -> dict[str, str]:
        """Return why files could not be read, by their addresses."""
        with self._using() as connection:
            return dict(
                connection.execute("SELECT url, failure FROM files WHERE failure IS NOT NULL")
            )

    def put(self, entries: Sequence[Entry]) -> None:
        """Add entries, each in place of the one before."""
        rows = [_row(entry) for entry in entries]  # takes longest, so before anyone has to wait
        with self._writing() as connection:
            _drop(connection, [entry.url for entry in entries])
            for file, page, words in rows:
                added = connection.execute(
                    "INSERT INTO files (url, size, mtime_ns, published, failure, tried_at)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    file,
                ).lastrowid
                if page is not None:
                    connection.execute("INSERT INTO pages VALUES (?, ?)", (added, page))
                    connection.execute("INSERT INTO words (rowid, terms) VALUES (?, ?)",
                                       (added, words))  # fmt: skip

    def keep_only(self, urls: Container[str]) -> None:
        """Forget all files but these."""
        with self._using() as connection:
            rows = connection.execute("SELECT url FROM files").fetchall()
        gone = [url for (url,) in rows if url not in urls]
        if gone:
            with self._writing() as connection:
                _drop(connection, gone)

    def search(
        self, query: str, limit: int, admits: Callable[[str, str | None], bool]
    ) -> list[Page]:
        """Return the pages that share words with a query, best first.

        ``admits`` is told a page's address and its date of publication in ISO form, if it has one.
        """
        wanted = list(dict.fromkeys(terms(query)))[:MOST_TERMS]
        if not wanted:
            return []
        found: list[bytes] = []
        with self._using() as connection, closing(
            connection.execute(
                "SELECT id, url, published FROM words JOIN files ON id = words.rowid"
                " WHERE words MATCH ? ORDER BY bm25(words), url",
                (" OR ".join(f'"{term}"' for term in wanted),),
            )
        ) as rows:  # fmt: skip
            for number, url, published in rows:
                if len(found) == limit:
                    break
                if admits(url, published):
                    page = connection.execute("SELECT page FROM pages WHERE id = ?", (number,))
                    found += [data for (data,) in page]
        return [_unpacked(data) for data in found]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as connection, transaction(connection):
            yield connection

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._told():
            yield self._connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise SearchFailed(
                f"the index of the corpus ({self._where}) cannot be used: {error}",
                mend="see that its disk has room, or name another with XDG_CACHE_HOME",
            ) from error
        except sqlite3.DatabaseError as error:  # also if it was closed to be made anew
            raise IndexCorrupt(str(error)) from error


def _drop(connection: sqlite3.Connection, urls: Sequence[str]) -> None:
    for url in urls:
        row = connection.execute(
            "SELECT id, page FROM files LEFT JOIN pages USING (id) WHERE url = ?", (url,)
        ).fetchone()
        if row:
            number, page = row
            connection.execute("DELETE FROM files WHERE id = ?", (number,))
            connection.execute("DELETE FROM pages WHERE id = ?", (number,))
            if page is not None:
                connection.execute(
                    "INSERT INTO words (words, rowid, terms) VALUES ('delete', ?, ?)",
                    (number, _words(_unpacked(page))),
                )


def _row(entry: Entry) -> tuple[tuple[object, ...], bytes | None, str]:
    """Return what goes into each of the tables."""
    file = entry.url, *entry.stamp
    if isinstance(entry.outcome, Failure):
        return (*file, None, entry.outcome.why, time.time()), None, ""
    page = entry.outcome
    published = page.published.isoformat() if page.published else None
    return (*file, published, None, time.time()), packed(page), _words(page)


def _words(page: Page) -> str:
    return " ".join(terms(f"{page.title}\n{page.text}"))


def _unpacked(data: bytes) -> Page:
    try:
        return unpacked(data)
    except ValueError as error:
        raise IndexCorrupt(str(error)) from error
