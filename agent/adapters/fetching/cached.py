"""Keeps answers on disk as RFC 9111 has it, for all runs of a person together.

hishel knows the rules and the storage. A private cache may keep what is marked so; what forbids
to be stored is not. Two decisions are ours:

- For ``fresh_seconds`` (a day) after it came, an answer is used again without asking, although by
  its own measure it may be stale, unless it says ``no-cache`` or ``must-revalidate``. The RFC
  (4.2.4) leaves that to the client's word, and the work of one day on one question should rest on
  one state of its pages. Later it is asked for under the usual rules, by ETag or Last-Modified.
- Offline, whatever is kept is used: a run that asks nobody reads a history, not a copy (section 6).
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import httpx

from agent.adapters.fetching.cache_file import CacheFile
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from pathlib import Path

    from hishel import AsyncSqliteStorage, Entry

RECEIVED: Final = "deep-research-received"
"""The header under which we note when an answer came, or was last found to be still good."""


class OfflineTransport(httpx.AsyncBaseTransport):
    """Asks nobody."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raise PageUnreadable."""
        raise PageUnreadable(
            f"{request.url} is not in the cache, and this run is offline",
            mend="run once without --offline",
        )


class CachedTransport(httpx.AsyncBaseTransport):
    """Answers from a file what it may, and has the network answer the rest.

    A file that is damaged is made anew; one that cannot be used at all costs only its use.
    """

    def __init__(
        self,
        network: httpx.AsyncBaseTransport,
        path: Path,
        *,
        fresh_seconds: float,
        offline: bool = False,
    ) -> None:
        """Take the network that is asked for what is not kept, and the file that keeps the rest."""
        self._network = _Noted(network)
        self._file = CacheFile(path)
        self._fresh_seconds = fresh_seconds
        self._offline = offline

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return an answer, its whole body with it."""
        storage = None if "authorization" in request.headers else await self._file.storage()
        if storage is not None:
            try:
                return await self._answer(storage, request)
            except (sqlite3.Error, RuntimeError) as error:  # hishel's words for a file that is bad
                self._file.complaints.hear(error)
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the file and the network."""
        await self._file.aclose()
        await self._network.aclose()

    async def _answer(self, storage: AsyncSqliteStorage, request: httpx.Request) -> httpx.Response:
        from hishel import CacheOptions  # noqa: PLC0415 - the file is open, so it is loaded
        from hishel.httpx import AsyncCacheTransport  # noqa: PLC0415 - likewise

        key = hashlib.sha256(str(request.url).encode()).hexdigest()
        kept = await storage.get_entries(key)
        age = min(map(_age, kept), default=0.0)
        if age > request.extensions.get("oldest", age):
            request.headers["cache-control"] = "no-cache"
        by_the_rules = CacheOptions(shared=False, allow_stale=age < self._fresh_seconds)
        rules = False if self._offline else by_the_rules
        request.extensions["caching"] = {"key": key, "rfc": rules}
        cache = AsyncCacheTransport(self._network, storage)
        response = await cache.handle_async_request(request)
        try:
            body = b"".join([chunk async for chunk in response.aiter_raw()])
        finally:
            await response.aclose()
        if response.extensions["caching"]["stored"]:
            for entry in kept:  # our requests are all alike, so what is new takes its place
                await storage.remove_entry(entry.id)
        stream = httpx.ByteStream(body)
        return httpx.Response(response.status_code, headers=response.headers, stream=stream)


class _Noted(httpx.AsyncBaseTransport):
    """Notes when an answer came; a cache must know, and servers may not say (RFC 9110, 6.6.1)."""

    def __init__(self, network: httpx.AsyncBaseTransport) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._network.handle_async_request(request)
        now = time.time()
        response.headers[RECEIVED] = f"{now:.3f}"
        if not _is_date(response.headers.get("date", "")):
            response.headers["date"] = formatdate(now, usegmt=True)
        response.headers.pop("set-cookie", None)  # it is never sent back, so it is not kept either
        return response

    async def aclose(self) -> None:
        await self._network.aclose()


def _age(entry: Entry) -> float:
    """Return the seconds since an answer came or was found to be still good."""
    return time.time() - float(entry.response.headers.get(RECEIVED, "0"))


def _is_date(value: str) -> bool:
    try:
        parsedate_to_datetime(value)
    except ValueError:
        return False
    return True
