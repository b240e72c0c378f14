"""Opens the SQLite file of an index, and makes its tables."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from agent.adapters.code_version import code_version
from agent.errors import CorpusUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MADE_BY: Final = (
    ("agent.adapters.corpus", ("database.py", "index.py", "stored_pages.py")),
    ("agent.adapters.parsing", ()),
    ("agent.domain", ("evidence.py", "ranking.py", "text.py")),
)
"""The code an index depends on, packages and files in them: with other code, another index."""
BUSY_SECONDS: Final = 30.0
"""How long one run waits for another to write its batch, which takes well under a second."""
TABLES: Final = """
CREATE TABLE files (
    id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, published TEXT, failure TEXT, tried_at REAL NOT NULL
);
CREATE TABLE pages (id INTEGER PRIMARY KEY, page BLOB NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(terms, content='', tokenize='ascii');
"""
"""The words are those of ``ranking.terms``; the tokenizer cuts at their spaces, and nowhere else
where a character is not ASCII. They are not kept as text too, which saves nearly half of the file,
so to take a page out its words are told again. Pages lie apart to keep ``files`` small."""


def connected(path: Path | None) -> sqlite3.Connection:
    """Open a file, or a place in memory, with all tables; raise OSError or sqlite3.DatabaseError.

    Threads may share the connection, one at a time.
    """
    if path:
        _make_private(path)
    connection = sqlite3.connect(
        path or ":memory:", timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        _make_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def require_full_text_search() -> None:
    """Raise CorpusUnusable if this Python's SQLite was built without FTS5."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE probe USING fts5(words)")
        except sqlite3.OperationalError as error:
            raise CorpusUnusable(
                f"a corpus needs SQLite with FTS5: {error}",
                mend="use a Python whose sqlite3 has it, such as that of python.org",
            ) from error


def discard(path: Path) -> None:
    """Remove the files of an index."""
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing; another process that writes is waited for."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _make_private(path: Path) -> None:
    """Make the file before SQLite does, for its owner's eyes only: it holds their texts."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables, in place of those other code has made."""
    ours = code_version(MADE_BY)
    if _user_version(connection) == ours:
        return
    with transaction(connection):
        if _user_version(connection) == ours:  # another run was faster
            return
        for table in ("files", "pages", "words"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {ours}")


def _user_version(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found
