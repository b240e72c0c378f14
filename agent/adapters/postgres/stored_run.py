"""A run in the database: taken by one process at a time, which alone may write to it.

Who takes a run raises its fence. Every transaction that writes to it makes sure first, and keeps
sure until its end, that the fence is still the one it raised: a process that was stopped, lost the
run meanwhile and wakes up writes nothing.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

from agent.adapters.event_log import both
from agent.adapters.run_folder import REQUEST
from agent.domain.events import event_line
from agent.errors import DeepResearchError, RunFinished, RunLost, RunUnknown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from psycopg import AsyncConnection

    from agent.adapters.postgres.database import Database
    from agent.domain.events import Event, Tell

Result = TypeVar("Result")

_ASK: Final = "INSERT INTO deep_research.runs (id) VALUES (%s) ON CONFLICT DO NOTHING"
_ASKED: Final = "SELECT data FROM deep_research.files WHERE run = %s AND name = %s"
_TAKE: Final = """
UPDATE deep_research.runs SET fence = fence + 1 WHERE id = %s AND finished IS NULL RETURNING fence
"""
_OURS: Final = "SELECT 1 FROM deep_research.runs WHERE id = %s AND fence = %s FOR SHARE"
_WRITE: Final = """
INSERT INTO deep_research.files (run, name, data) VALUES (%s, %s, %s)
ON CONFLICT (run, name) DO UPDATE SET data = EXCLUDED.data
"""
_WRITE_FIRST: Final = """
INSERT INTO deep_research.files (run, name, data) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
_TELL: Final = """
INSERT INTO deep_research.events (run, fence, number, line) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
_FINISH: Final = """
UPDATE deep_research.runs SET finished = coalesce(finished, now()) WHERE id = %s AND fence = %s
"""
FORGET_STATE: Final = tuple(
    f"DELETE FROM {table} WHERE thread_id = %s"  # noqa: S608 - our own words
    for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
)
"""What removes the state of a run, which LangGraph keeps in tables of its own."""


class StoredRun:
    """A run that this process has taken: a RunFolder, and the gate that all its writing passes."""

    def __init__(self, database: Database, run_id: str, fence: int) -> None:
        self.id = run_id
        self.fence = fence
        self.database = database
        self._told = 0
        self._untold: list[tuple[int, str]] = []

    async def written(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Do work in a transaction in which the run is ours; twice has to be as once.

        What was told since the last time is written with it. Raises RunLost if the run is ours no
        more.
        """
        telling, self._untold = self._untold, []

        async def ours(connection: AsyncConnection) -> Result:
            found = await connection.execute(_OURS, (self.id, self.fence))
            if await found.fetchone() is None:
                raise lost(self.id)
            result = await work(connection)
            if telling:
                rows = [(self.id, self.fence, number, line) for number, line in telling]
                await connection.cursor().executemany(_TELL, rows)
            return result

        try:
            return await self.database.transaction(ours)
        except BaseException:
            self._untold = telling + self._untold
            raise

    async def write(self, name: str, content: str | bytes) -> None:
        """Write one file; whoever reads a finished run finds all of them, or the run unfinished."""
        data = content.encode() if isinstance(content, str) else content

        async def put(connection: AsyncConnection) -> None:
            await connection.execute(_WRITE, (self.id, name, data))

        await self.written(put)

    @contextmanager
    def log(self, tell: Tell) -> Iterator[Tell]:
        """Yield a teller that also keeps each event, to be written with whatever is written next.

        An event takes no round trip of its own, and one that nothing follows changed nothing.
        """

        def note(event: Event) -> None:
            self._told += 1
            self._untold.append((self._told, event_line(event, datetime.now(UTC))))

        yield both(tell, note)

    async def publish(self) -> None:
        """Say that the run is finished; its state is of no more use."""

        async def finish(connection: AsyncConnection) -> None:
            await connection.execute(_FINISH, (self.id, self.fence))
            for statement in FORGET_STATE:
                await connection.execute(statement, (self.id,))

        await self.written(finish)


async def begin(database: Database, run_id: str, request: str) -> None:
    """Put down a run and what it is asked, unless it was put down before."""

    async def put(connection: AsyncConnection) -> None:
        await connection.execute(_ASK, (run_id,))
        await connection.execute(_WRITE_FIRST, (run_id, REQUEST, request.encode()))

    await database.transaction(put)


async def asked(database: Database, run_id: str) -> str:
    """Return what a run is asked, as it was put down; raise RunUnknown if it never was."""

    async def get(connection: AsyncConnection) -> tuple[bytes] | None:
        return await (await connection.execute(_ASKED, (run_id, REQUEST))).fetchone()

    row = await database.transaction(get)
    if row is None:
        raise RunUnknown(f"no run {run_id!r} in the database", mend="submit it first")
    return row[0].decode()


@asynccontextmanager
async def taken(database: Database, run_id: str) -> AsyncIterator[StoredRun]:
    """Take a run, and publish it at the end.

    Raises RunBusy if another process works on it, RunFinished if nothing is left to do.
    """
    async with database.locks.held(run_id):
        run = StoredRun(database, run_id, await _raised_fence(database, run_id))
        try:
            yield run
            await run.publish()
        except DeepResearchError as error:
            error.stopped_run = run_id
            raise


async def _raised_fence(database: Database, run_id: str) -> int:
    async def take(connection: AsyncConnection) -> tuple[int] | None:
        return await (await connection.execute(_TAKE, (run_id,))).fetchone()

    row = await database.transaction(take)
    if row is None:
        await asked(database, run_id)  # or else there is none
        raise RunFinished(f"the run {run_id} is finished")
    return row[0]


def lost(run_id: str) -> RunLost:
    """Return the error that says so."""
    return RunLost(
        f"another process has taken over the run {run_id}",
        mend="leave it to that one: nothing of what is kept is lost",
    )
