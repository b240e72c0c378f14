"""The tables of the store: their versions, and the way from each to the next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

from agent.adapters.postgres import queue_tables
from agent.errors import DatabaseOutdated

if TYPE_CHECKING:
    from typing import LiteralString

    from psycopg import AsyncConnection

VERSIONS: Final = (
    """
    CREATE TABLE deep_research.runs (
        id text PRIMARY KEY,
        fence bigint NOT NULL DEFAULT 0,
        begun timestamptz NOT NULL DEFAULT now(),
        finished timestamptz
    );
    COMMENT ON COLUMN deep_research.runs.fence IS
        'how often the run was taken; who took it last may write';
    CREATE TABLE deep_research.files (
        run text NOT NULL REFERENCES deep_research.runs ON DELETE CASCADE,
        name text NOT NULL,
        data bytea NOT NULL,
        PRIMARY KEY (run, name)
    );
    CREATE TABLE deep_research.documents (
        sha256 text PRIMARY KEY,
        data bytea NOT NULL,
        stored timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE deep_research.run_documents (
        run text NOT NULL REFERENCES deep_research.runs ON DELETE CASCADE,
        sha256 text NOT NULL REFERENCES deep_research.documents,
        PRIMARY KEY (run, sha256)
    );
    CREATE INDEX run_documents_sha256 ON deep_research.run_documents (sha256);
    CREATE TABLE deep_research.steps (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        run text NOT NULL REFERENCES deep_research.runs ON DELETE CASCADE,
        step text NOT NULL,
        note text NOT NULL,
        UNIQUE (run, step)
    );
    CREATE TABLE deep_research.replies (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        run text NOT NULL REFERENCES deep_research.runs ON DELETE CASCADE,
        step text NOT NULL,
        request text NOT NULL,
        number integer NOT NULL,
        reply bytea NOT NULL,
        UNIQUE (run, step, request, number)
    );
    CREATE TABLE deep_research.entries (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        run text NOT NULL REFERENCES deep_research.runs ON DELETE CASCADE,
        key uuid NOT NULL,
        number integer NOT NULL,
        step text NOT NULL,
        reply bigint REFERENCES deep_research.replies ON DELETE CASCADE,
        entry text NOT NULL,
        UNIQUE (run, key, number)
    );
    CREATE INDEX entries_reply ON deep_research.entries (reply);
    CREATE TABLE deep_research.calls (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        run text NOT NULL REFERENCES deep_research.runs ON DELETE CASCADE,
        fence bigint NOT NULL,
        announced timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON TABLE deep_research.calls IS
        'every request that may have to be paid, before it was sent';
    CREATE INDEX calls_run ON deep_research.calls (run);
    CREATE TABLE deep_research.events (
        run text NOT NULL REFERENCES deep_research.runs ON DELETE CASCADE,
        fence bigint NOT NULL,
        number integer NOT NULL,
        line text NOT NULL,
        PRIMARY KEY (run, fence, number)
    );
    """,
    """
    CREATE TABLE deep_research.outcomes (
        run text PRIMARY KEY REFERENCES deep_research.runs ON DELETE CASCADE,
        status text NOT NULL,
        reason text NOT NULL,
        usd double precision NOT NULL DEFAULT 0,
        seconds double precision NOT NULL DEFAULT 0,
        at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON COLUMN deep_research.outcomes.status IS
        'that of the report, or failed; of the last time it was tried';
    CREATE TABLE deep_research.turns (
        name text PRIMARY KEY,
        next timestamptz NOT NULL DEFAULT '-infinity'
    );
    CREATE TABLE deep_research.queue_tables (
        file text PRIMARY KEY
    );
    COMMENT ON TABLE deep_research.queue_tables IS
        'the last change that was made to the tables of Procrastinate';
    """,
)
"""What leads from each version to the next; what was released is never changed."""

_LOCK: Final = "hashtextextended('deep-research/tables', 0)"
GLANCE_SECONDS: Final = 0.1
MIGRATE: Final = "run `deep-research database migrate`"


async def migrate(connection: AsyncConnection) -> tuple[int, int]:
    """Bring all tables to this version, also those of LangGraph and of Procrastinate.

    Returns the versions before and after.

    The lock is of the session, and is asked for again and again rather than waited for: LangGraph
    builds indexes concurrently, which waits for every statement of others to end.
    """
    while not await _answer(connection, f"SELECT pg_try_advisory_lock({_LOCK})"):  # noqa: ASYNC110
        await asyncio.sleep(GLANCE_SECONDS)
    try:
        before = await version(connection)
        _refuse_newer(before)
        async with connection.transaction():
            await connection.execute("CREATE SCHEMA IF NOT EXISTS deep_research")
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS deep_research.versions"
                " (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())"
            )
            for number, change in enumerate(VERSIONS[before:], start=before + 1):
                await connection.execute(change)
                await connection.execute(
                    "INSERT INTO deep_research.versions (version) VALUES (%s)", (number,)
                )
        await AsyncPostgresSaver(connection).setup()  # type: ignore[arg-type]  # brings its own rows
        async with connection.transaction():
            await queue_tables.migrate(connection)
    finally:
        await connection.execute(f"SELECT pg_advisory_unlock({_LOCK})")
    return before, len(VERSIONS)


async def version(connection: AsyncConnection) -> int:
    """Return the version of the tables; 0 if there are none."""
    if await _answer(connection, "SELECT to_regclass('deep_research.versions')") is None:
        return 0
    return int(
        await _answer(connection, "SELECT coalesce(max(version), 0) FROM deep_research.versions")
    )


async def require_current(connection: AsyncConnection) -> None:
    """Raise DatabaseOutdated unless the tables are those of this version."""
    found = await version(connection)
    _refuse_newer(found)
    if found < len(VERSIONS):
        state = f"has tables of version {found}, not {len(VERSIONS)}" if found else "has no tables"
        raise DatabaseOutdated(f"the database {state}", mend=MIGRATE)


async def _answer(connection: AsyncConnection, query: LiteralString) -> Any:  # noqa: ANN401 - a cell
    ((cell,),) = await (await connection.execute(query)).fetchall()
    return cell


def _refuse_newer(found: int) -> None:
    if found > len(VERSIONS):
        raise DatabaseOutdated(
            f"the database has tables of version {found}, this program knows {len(VERSIONS)}",
            mend="update deep-research-agent here",
        )
