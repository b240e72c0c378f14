"""Second stage: searches everywhere at once and reads what is found, from the first answer on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urldefrag

from agent.domain.events import Event, Tell, tell_nobody
from agent.domain.evidence import Evidence, Failure, Page, Search, Source
from agent.domain.language import language_of_query
from agent.domain.passages import passages
from agent.errors import PageUnreadable, SearchFailed, SearchUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.domain.evidence import Hit
    from agent.domain.question import Brief, Question
    from agent.ports import Clock, DocumentStore, PageReader, SearchEngine

SEARCHES_AT_ONCE: Final = 4
READS_AT_ONCE: Final = 8
"""Bounds that keep a run polite; a later search never waits for an earlier read."""
HITS_PER_QUERY: Final = 6
SEARCH_SECONDS: Final = 180.0
READ_SECONDS: Final = 60.0
"""Deadlines of last resort: adapters have shorter ones of their own. A search may first wait its
turn, as arXiv wants three seconds between two."""

Place = tuple[int, int, int]
"""Where a hit stood: engine, query, rank. Sources are numbered in this order."""


@dataclass(frozen=True, slots=True)
class Library:
    """Everything retrieval reads from and keeps texts in."""

    engines: Sequence[SearchEngine]
    reader: PageReader
    documents: DocumentStore
    clock: Clock


async def retrieve(
    question: Question,
    brief: Brief,
    before: Evidence,
    *,
    library: Library,
    tell: Tell = tell_nobody,
) -> Evidence:
    """Ask every engine every query that is new, read every hit, and add it to the evidence.

    One failure never discards its siblings; each is recorded. Raises SearchUnavailable if not a
    single search of the whole run came back.
    """
    reading = Reading(question, brief, before, library, tell)
    async with asyncio.TaskGroup() as group:
        for position, engine in enumerate(library.engines):
            for number, query in enumerate(_queries(brief, engine)):
                if not before.was_asked(engine.name, query):
                    group.create_task(reading.look_up(group, engine, query, (position, number)))
    after = reading.added_to_before()
    if after.searches and all(search.hits is None for search in after.searches):
        reasons = "; ".join(dict.fromkeys(failure.why for failure in after.failures))
        raise SearchUnavailable(f"no search came back: {reasons}", mend="try deep-research doctor")
    read, failed = len(after.sources), len(after.failures)
    tell(
        Event("retrieve", f"{read} sources from {len(after.searches)} searches, {failed} failures")
    )
    return after


def _queries(brief: Brief, engine: SearchEngine) -> tuple[str, ...]:
    """Return the queries of a brief that are meant for an engine of this kind."""
    match engine.kind:
        case "arxiv":
            return brief.arxiv_queries
        case "corpus":  # a small library answers whole questions best
            return (brief.restated, *(part.text for part in brief.sub_questions))
        case "web" | "scholar":
            return brief.web_queries


@dataclass(slots=True)
class Reading:
    """One round of searching and reading while it goes on."""

    question: Question
    brief: Brief
    before: Evidence
    library: Library
    tell: Tell
    searches: dict[Place, Search] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    searching: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(SEARCHES_AT_ONCE)
    )
    fetching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READS_AT_ONCE))
    tried: set[str] = field(init=False)

    def __post_init__(self) -> None:
        """Remember what earlier rounds read or failed to read."""
        self.tried = {urldefrag(source.url).url for source in self.before.sources}
        self.tried |= {failure.what for failure in self.before.failures}

    async def look_up(
        self, group: asyncio.TaskGroup, engine: SearchEngine, query: str, place: tuple[int, int]
    ) -> None:
        """Ask one engine one query, and start reading what is new among the hits."""
        hits: Sequence[Hit] | None = None
        try:
            async with self.searching, asyncio.timeout(SEARCH_SECONDS):
                hits = await engine.search(
                    query,
                    limit=HITS_PER_QUERY,
                    scope=self.question.scope(language_of_query(query, self.brief.language)),
                )
        except (SearchFailed, TimeoutError) as error:
            self._failed(f"{engine.name} search for {query!r}", error, SEARCH_SECONDS)
        else:
            self.tell(Event("retrieve", f"{engine.name}: {len(hits)} hits for {query}"))
        found = None if hits is None else len(hits)
        self.searches[*place, 0] = Search(engine.name, engine.kind, query, found)
        for rank, hit in enumerate(hits or ()):
            url = urldefrag(hit.url).url
            if url not in self.tried:
                self.tried.add(url)
                group.create_task(self.read(url, hit))
            self.places[url] = min((*place, rank), self.places.get(url, (*place, rank)))

    async def read(self, url: str, hit: Hit) -> None:
        """Read one hit in full, or keep its abstract and say so."""
        page, note = await self._page(hit)
        if page is None:
            return
        published = hit.published or page.published
        if self.question.since and published and published < self.question.since:
            self.failures.append(Failure(url, f"passed over: published {published}"))
            return
        self.sources[url] = Source(
            id="",
            kind=hit.kind,
            url=hit.url,
            title=hit.title or page.title or hit.url,
            sha256=await self.library.documents.put(page.text),
            read_at=self.library.clock.now(),
            spans=passages(page.text),
            authors=hit.authors or page.authors,
            published=published,
            note=note,
        )
        self.tell(Event("retrieve", f"read {hit.title or url}"))

    async def _page(self, hit: Hit) -> tuple[Page | None, str]:
        """Return the first address of a hit that can be read, else its abstract, else nothing."""
        for url in hit.read_urls or (hit.url,):
            try:
                async with self.fetching, asyncio.timeout(READ_SECONDS):
                    page = await self.library.reader.read(url)
            except (PageUnreadable, TimeoutError) as error:
                self._failed(url, error, READ_SECONDS)
            else:
                if page.text.strip():
                    return page, ""
                self.failures.append(Failure(url, "the page has no text"))
        if hit.abstract.strip():
            return Page(hit.url, hit.title, hit.abstract), "only the abstract could be read"
        return None, ""

    def _failed(self, what: str, error: Exception, seconds: float) -> None:
        why = f"no answer in {seconds:g} s" if isinstance(error, TimeoutError) else str(error)
        self.failures.append(Failure(what, why))
        self.tell(Event("retrieve", f"failed: {what}: {why}"))

    def added_to_before(self) -> Evidence:
        """Return the evidence of all rounds: sources numbered on, the same text only once."""
        sources = list(self.before.sources)
        texts = {source.sha256 for source in sources}
        for url in sorted(self.sources, key=self.places.__getitem__):
            source = self.sources[url]
            if source.sha256 not in texts:
                texts.add(source.sha256)
                sources.append(replace(source, id=f"S{len(sources) + 1}"))
        searches = tuple(self.searches[place] for place in sorted(self.searches))
        failures = tuple(sorted(self.failures, key=lambda failure: failure.what))
        return Evidence(
            searches=self.before.searches + searches,
            sources=tuple(sources),
            failures=self.before.failures + failures,
        )
