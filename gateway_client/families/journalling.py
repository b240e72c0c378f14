"""A transport above the gateway's that answers from the journal what was paid for before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import httpx2

from gateway_client import wire
from gateway_client.exchange import ROUTED, TASK_HEADER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway_client.abstract_journal import AbstractJournal
    from gateway_client.ledger import Entry, Ledger

_KEPT: Final = ("content-type", "x-gw-")


class Bookkeeper:
    """Takes to the journal what the ledger says was paid, and back what was paid before.

    When a step begins, the ledger has what was paid before it; what was paid in it comes back with
    the replies, so that a step that is repeated sees the same sums grow.
    """

    def __init__(self, journal: AbstractJournal, ledger: Ledger) -> None:
        self.journal = journal
        self._ledger = ledger
        self._pending: list[Entry] = []
        self._begin()

    async def begin(self, step: str, note: str) -> str:
        """Begin a step of the journal, as Journal.begin does."""
        await self.charge()
        note = await self.journal.begin(step, note)
        self._begin()
        return note

    def _begin(self) -> None:
        self._ledger.restart(self.journal.entries_before())
        self._seen = len(self._ledger.entries)

    async def charge(self) -> None:
        """Write down calls that were given up on their way: they may have to be paid."""
        entries = self.pending()
        if entries:
            await self.journal.charge(entries)

    def pending(self) -> list[Entry]:
        """Return what was paid and is not written down, once."""
        self._look()
        pending, self._pending = self._pending, []
        return pending

    def recall(self, entries: Sequence[Entry]) -> None:
        """Have the ledger count what the journal has."""
        self._look()
        for entry in entries:
            self._ledger.settle(entry)
        self._seen += len(entries)

    def _look(self) -> None:
        self._pending += self._ledger.entries[self._seen :]
        self._seen = len(self._ledger.entries)


class JournalTransport(httpx2.AsyncBaseTransport):
    """Keeps whole chat completions; streams, films and refusals pass.

    A refusal costs nothing, and asking again may go better.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, books: Bookkeeper) -> None:
        self._inner = inner
        self._books = books

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the reply of the journal, or else the gateway's once it is in the journal."""
        body = await request.aread()
        if not _is_whole_completion(request, body):
            return await self._inner.handle_async_request(request)
        journal = self._books.journal
        task = request.headers.get(TASK_HEADER, "")
        place = journal.place(request.url.raw_path, task.encode(), body)
        kept = await journal.recall(place)
        if kept is not None:
            self._books.recall(kept.entries)
            return _response(kept.reply)
        response = await self._inner.handle_async_request(request)
        if response.is_success:
            await journal.keep(place, _reply(response), self._books.pending())
        return response

    async def aclose(self) -> None:
        """Write down what is not, and close."""
        await self._books.charge()
        await self._inner.aclose()


def _is_whole_completion(request: httpx2.Request, body: bytes) -> bool:
    if request.method != "POST" or not request.url.path.endswith(ROUTED):
        return False
    payload = wire.payload_of(body)
    return payload is not None and payload.get("stream") is not True


def _reply(response: httpx2.Response) -> bytes:
    """Return what is kept of a response: a line of JSON, and the body."""
    headers = {name: value for name, value in response.headers.items() if name.startswith(_KEPT)}
    told = {"status": response.status_code, "headers": headers}
    return json.dumps(told).encode() + b"\n" + response.content


def _response(kept: bytes) -> httpx2.Response:
    head, _, body = kept.partition(b"\n")
    told = json.loads(head)
    return httpx2.Response(told["status"], headers=told["headers"], content=body)
