"""What every journal does, wherever it keeps the replies: steps, and places within them.

A reply is committed before whoever asked sees it. Work goes by steps, which are repeated whole
after a crash; within a step, the same request is answered as often as it was answered before, and
from then on it is a new one. One process at a time may have a journal.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway_client.ledger import Entry


class Place(NamedTuple):
    """Where a reply belongs: the step that asked, and the digest of what it asked."""

    step: str
    request: str


class Kept(NamedTuple):
    """A reply, and what was written down as paid with it."""

    reply: bytes
    entries: tuple[Entry, ...]


class AbstractJournal(ABC):
    """Steps, replies, and what they cost; where they are kept is left to others."""

    def __init__(self) -> None:
        self._step = ""
        self._is_repeated = True
        self._answered: Counter[Place] = Counter()

    async def begin(self, step: str, note: str) -> str:
        """Begin a step, or repeat it; return the note it was begun with, which is this or older.

        The note is for whatever, besides the requests made so far, has a say in the next ones.
        """
        self._step = step
        self._answered.clear()
        before = await self._begun(step, note)
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
        kept = await self._recalled(place, number)
        if kept is None:
            self._answered[place] -= 1
        return kept

    async def announce(self) -> None:  # noqa: B027 - where nobody else may, nothing is to be said
        """Say that something is about to be sent that may have to be paid.

        Where others may have taken over the work, this raises JournalLost.
        """

    async def keep(self, place: Place, reply: bytes, entries: Sequence[Entry] = ()) -> None:
        """Commit a reply with what was paid since the last one; once this returns it is safe."""
        number = self._answered[place]
        self._answered[place] += 1
        await self._kept(place, number, reply, entries)

    @abstractmethod
    async def charge(self, entries: Sequence[Entry]) -> None:
        """Commit what was paid without a reply."""

    @abstractmethod
    def entries(self) -> tuple[Entry, ...]:
        """Return everything that was paid."""

    @abstractmethod
    def entries_before(self) -> tuple[Entry, ...]:
        """Return what was paid before the present step, or in it and without a reply."""

    @abstractmethod
    async def _begun(self, step: str, note: str) -> str | None:
        """Return the note a step was begun with; None, having noted it, if it begins now."""

    @abstractmethod
    async def _recalled(self, place: Place, number: int) -> Kept | None:
        """Return the reply of a place that so many came before."""

    @abstractmethod
    async def _kept(
        self, place: Place, number: int, reply: bytes, entries: Sequence[Entry]
    ) -> None:
        """Commit a reply that is the so-manieth of its place."""
