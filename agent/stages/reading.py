"""Reads one work in full, at the first of its addresses that can be read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agent.domain.evidence import ONLY_ABSTRACT, Failure, Page, Publication, Source
from agent.domain.passages import Span, passages
from agent.domain.spans import span
from agent.errors import PageUnreadable
from agent.stages.off_loop import off_loop

if TYPE_CHECKING:
    from agent.domain.evidence import Hit
    from agent.domain.question import Scope
    from agent.ports import Clock, DocumentStore, PageReader

READ_SECONDS: Final = 60.0
"""A deadline of last resort: readers have shorter ones of their own."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where works are read: so many at a time, and only what is within the scope."""

    reader: PageReader
    documents: DocumentStore
    clock: Clock
    scope: Scope
    places: asyncio.Semaphore

    async def read(self, hit: Hit) -> tuple[Source | None, list[Failure]]:
        """Return the source without its id, None if there is none, and what failed on the way."""
        page, note, failures = await self._page(hit)
        if page is None:
            return None, failures
        published = hit.published or page.published
        if not self.scope.covers(published):
            return None, [*failures, Failure(hit.url, f"passed over: published {published}")]
        spans, orders = await off_loop(_studied, page)
        return Source(
            id="",
            kind=hit.kind,
            url=hit.url,
            title=hit.title or page.title or hit.url,
            sha256=await self.documents.put(page.text),
            read_at=self.clock.now(),
            spans=spans,
            authors=hit.authors or page.authors,
            published=published,
            note=note,
            site=page.site,
            publication=_joined(hit.publication, page.publication),
            page_starts=page.page_starts,
            injections=orders,
            read_url="" if note else page.url,
            canonical_url=page.canonical_url,
        ), failures

    async def again(self, source: Source) -> Source:
        """Return a source as it reads now, where it was read; raise PageUnreadable."""
        url = source.url if source.kind == "web" else source.read_url
        try:
            page = await self._read(url)
        except TimeoutError as error:
            raise PageUnreadable(f"{url} gave no answer in {READ_SECONDS:g} s") from error
        if not page.text.strip():
            raise PageUnreadable(f"{url} has no text")
        spans, orders = await asyncio.to_thread(_studied, page)
        return replace(
            source,
            sha256=await self.documents.put(page.text),
            read_at=self.clock.now(),
            spans=spans,
            page_starts=page.page_starts,
            injections=orders,
            read_url=page.url,
        )

    async def _read(self, url: str) -> Page:
        async with self.places, asyncio.timeout(READ_SECONDS):
            with span("read page", host=urlsplit(url).hostname or "") as told:
                page = await self.reader.read(url)
                told.note(characters=len(page.text))
                return page

    async def _page(self, hit: Hit) -> tuple[Page | None, str, list[Failure]]:
        """Return the first address of a hit that can be read, else its abstract, else nothing.

        What failed before an address that could be read is no loss, and not told.
        """
        failures: list[Failure] = []
        for url in _addresses(hit):
            try:
                page = await self._read(url)
            except PageUnreadable as error:
                failures.append(Failure(url, str(error)))
            except TimeoutError:
                failures.append(Failure(url, f"no answer in {READ_SECONDS:g} s"))
            else:
                if page.text.strip():
                    return page, "", []
                failures.append(Failure(url, "the page has no text"))
        if hit.abstract.strip():
            return Page(hit.url, hit.title, hit.abstract), ONLY_ABSTRACT, failures
        return None, "", failures


def _studied(page: Page) -> tuple[tuple[Span, ...], int]:
    """Return the passages of a page, and how many orders to models there are in it."""
    found = page.injections
    if found is None:
        from agent.domain.injection import injections  # noqa: PLC0415 - most readers have looked

        found = injections(page.text)
    return passages(page.text), len(found)


def _addresses(hit: Hit) -> tuple[str, ...]:
    """Return where the full text may stand; the page of a paper's abstract is no full text."""
    if hit.read_urls:
        return hit.read_urls
    landing = hit.kind in {"arxiv", "scholar"} and hit.abstract.strip()
    return () if landing else (hit.url,)


def _joined(found: Publication, read: Publication) -> Publication:
    """Return what an engine knows of a work, completed by what its page says."""
    empty = {part.name for part in fields(found) if getattr(found, part.name) in {"", None}}
    return replace(found, **{name: getattr(read, name) for name in empty})
