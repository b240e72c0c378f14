"""The journal of a run in the database: every paid reply, committed before anybody sees it."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.errors import DatabaseUnavailable, RunLost
from gateway_client.abstract_journal import AbstractJournal, Kept
from gateway_client.errors import JournalLost, JournalUnwritable
from gateway_client.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import AsyncConnection

    from agent.adapters.postgres.stored_run import StoredRun
    from gateway_client.abstract_journal import Place

_STEPS: Final = "SELECT step FROM deep_research.steps WHERE run = %s ORDER BY id"
_PAID: Final = """
SELECT step, reply IS NOT NULL, entry FROM deep_research.entries WHERE run = %s ORDER BY id
"""
_BEGUN: Final = "SELECT note FROM deep_research.steps WHERE run = %s AND step = %s"
_BEGIN: Final = """
INSERT INTO deep_research.steps (run, step, note) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
_RECALL: Final = """
SELECT id, reply FROM deep_research.replies
WHERE run = %s AND step = %s AND request = %s AND number = %s
"""
_PAID_FOR: Final = "SELECT entry FROM deep_research.entries WHERE reply = %s ORDER BY id"
_ANNOUNCE: Final = "INSERT INTO deep_research.calls (run, fence) VALUES (%s, %s)"
_KEEP: Final = """
INSERT INTO deep_research.replies (run, step, request, number, reply) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING id
"""
_PAY: Final = """
INSERT INTO deep_research.entries (run, key, number, step, reply, entry)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


class Paid(NamedTuple):
    """An entry, the step it belongs to, and whether a reply came of it."""

    step: str
    has_reply: bool
    entry: Entry


class StoredJournal(AbstractJournal):
    """A journal whose every row is written while the run is ours.

    What was paid is also in memory: as the run is ours, nobody else adds to it.
    """

    def __init__(self, run: StoredRun, steps: Sequence[str], paid: Sequence[Paid]) -> None:
        super().__init__()
        self._run = run
        self._order = {step: number for number, step in enumerate(steps)}
        self._paid = list(paid)

    async def announce(self) -> None:
        """Write down that a call is about to be made; raise JournalLost if the run is lost."""

        async def put(connection: AsyncConnection) -> None:
            await connection.execute(_ANNOUNCE, (self._run.id, self._run.fence))

        with _told():
            await self._run.written(put)

    async def charge(self, entries: Sequence[Entry]) -> None:
        """Commit what was paid without a reply."""
        key = uuid.uuid4()

        async def put(connection: AsyncConnection) -> None:
            await self._pay(connection, key, self._step, None, entries)

        with _told():
            await self._run.written(put)
        self._paid += [Paid(self._step, False, entry) for entry in entries]

    def entries(self) -> tuple[Entry, ...]:
        """Return everything that was paid."""
        return tuple(paid.entry for paid in self._paid)

    def entries_before(self) -> tuple[Entry, ...]:
        """Return what was paid before the present step, or in it and without a reply."""
        return tuple(paid.entry for paid in self._paid if self._is_before(paid))

    def _is_before(self, paid: Paid) -> bool:
        if paid.step == self._step and not paid.has_reply:
            return True
        return self._order.get(paid.step, -1) < self._order.get(self._step, -1)

    async def _begun(self, step: str, note: str) -> str | None:
        async def begin(connection: AsyncConnection) -> tuple[str] | None:
            before = await (await connection.execute(_BEGUN, (self._run.id, step))).fetchone()
            if before is None:
                await connection.execute(_BEGIN, (self._run.id, step, note))
            return before

        with _told():
            before = await self._run.written(begin)
        is_new = step not in self._order
        self._order.setdefault(step, len(self._order))
        return None if before is None or is_new else before[0]

    async def _recalled(self, place: Place, number: int) -> Kept | None:
        async def get(connection: AsyncConnection) -> Kept | None:
            found = await connection.execute(_RECALL, (self._run.id, *place, number))
            row = await found.fetchone()
            if row is None:
                return None
            paid = await (await connection.execute(_PAID_FOR, row[:1])).fetchall()
            return Kept(row[1], tuple(Entry.from_json(text) for (text,) in paid))

        with _told():
            return await self._run.database.transaction(get)

    async def _kept(
        self, place: Place, number: int, reply: bytes, entries: Sequence[Entry]
    ) -> None:
        key = uuid.uuid4()

        async def put(connection: AsyncConnection) -> None:
            found = await connection.execute(_KEEP, (self._run.id, *place, number, reply))
            row = await found.fetchone()
            if row is not None:  # or else it was committed before the connection broke
                await self._pay(connection, key, place.step, row[0], entries)

        with _told():
            await self._run.written(put)
        self._paid += [Paid(place.step, True, entry) for entry in entries]

    async def _pay(
        self,
        connection: AsyncConnection,
        key: uuid.UUID,
        step: str,
        reply: int | None,
        entries: Sequence[Entry],
    ) -> None:
        rows = [
            (self._run.id, key, number, step, reply, entry.as_json())
            for number, entry in enumerate(entries)
        ]
        await connection.cursor().executemany(_PAY, rows)


async def opened(run: StoredRun) -> StoredJournal:
    """Open the journal of a run."""

    async def get(connection: AsyncConnection) -> StoredJournal:
        steps = await (await connection.execute(_STEPS, (run.id,))).fetchall()
        paid = await (await connection.execute(_PAID, (run.id,))).fetchall()
        return StoredJournal(
            run,
            [step for (step,) in steps],
            [Paid(step, has_reply, Entry.from_json(text)) for step, has_reply, text in paid],
        )

    return await run.database.transaction(get)


@contextmanager
def _told() -> Iterator[None]:
    """Say in the words of a journal what is wrong with it."""
    try:
        yield
    except RunLost as error:
        raise JournalLost(str(error.args[0]), mend=error.mend) from error
    except DatabaseUnavailable as error:
        raise JournalUnwritable(str(error.args[0]), mend=error.mend) from error
