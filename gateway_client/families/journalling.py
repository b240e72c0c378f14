"""A transport above the gateway's that answers from the journal what was paid for before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import httpx2

from gateway_client import wire
from gateway_client.exchange import ROUTED, TASK_HEADER

if TYPE_CHECKING:
    from gateway_client.journal import Journal
    from gateway_client.ledger import Entry, Ledger

_KEPT: Final = ("content-type", "x-gw-")


class JournalTransport(httpx2.AsyncBaseTransport):
    """Keeps whole chat completions; streams, films and refusals pass.

    A refusal costs nothing, and asking again may go better.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, journal: Journal, ledger: Ledger) -> None:
        self._inner = inner
        self._journal = journal
        self._ledger = ledger
        self._charged = len(ledger.entries)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the reply of the journal, or else the gateway's once it is in the journal."""
        body = await request.aread()
        if not _is_whole_completion(request, body):
            return await self._inner.handle_async_request(request)
        task = request.headers.get(TASK_HEADER, "")
        place = self._journal.place(request.url.raw_path, task.encode(), body)
        kept = await self._journal.recall(place)
        if kept is not None:
            return _response(kept)
        response = await self._inner.handle_async_request(request)
        if response.is_success:
            await self._journal.keep(place, _reply(response), self._charges())
        return response

    async def aclose(self) -> None:
        """Write down calls that were given up on their way: they may have to be paid."""
        charges = self._charges()
        if charges:
            self._journal.charge(charges)
        await self._inner.aclose()

    def _charges(self) -> tuple[Entry, ...]:
        entries = self._ledger.entries[self._charged :]
        self._charged += len(entries)
        return entries


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
