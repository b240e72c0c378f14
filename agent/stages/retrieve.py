"""Second stage: searches everywhere at once, chooses what is worth reading, and reads it whole."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from agent.domain.canonical import canonical
from agent.domain.coverage import Read, coverage
from agent.domain.duplicates import Described, independent_works, work_keys
from agent.domain.events import Event, Tell, tell_nobody
from agent.domain.evidence import Considered, Evidence, Failure, Search, Source
from agent.domain.fusion import Ranking, fuse
from agent.domain.language import language_of_query
from agent.domain.selection import Reason, choose
from agent.domain.spans import span
from agent.errors import SearchFailed, SearchUnavailable
from agent.ports import Mending
from agent.stages.limits import Brake
from agent.stages.off_loop import off_loop
from agent.stages.reading import Desk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from agent.domain.evidence import Hit
    from agent.domain.fusion import Candidate
    from agent.domain.question import Brief, Question, Scope
    from agent.domain.selection import Choice
    from agent.ports import Clock, DocumentStore, PageReader, SearchEngine

SEARCHES_AT_ONCE: Final = 8
HITS_PER_QUERY: Final = 10
SEARCH_SECONDS: Final = 180.0
"""A deadline of last resort: adapters have shorter ones of their own. A search may first wait its
turn, as arXiv wants three seconds between two."""

Place = tuple[int, int]
"""Which engine was asked which query: what is told is told in this order."""


@dataclass(frozen=True, slots=True)
class Library:
    """Everything retrieval reads from and keeps texts in, and how much of it.

    ``pages`` is how many are read for each sub-question in one round, ``reads_at_once`` how many
    at a time. All searches are waited for before choosing, but no longer than ``patience``
    seconds: then what has come gets its share of the pages. The ``brake`` ends a round early.
    """

    engines: Sequence[SearchEngine]
    reader: PageReader
    documents: DocumentStore
    clock: Clock
    pages: int = 8
    reads_at_once: int = 8
    patience: float = 2.0
    brake: Brake = field(default_factory=Brake)

    def desk(self, scope: Scope) -> Desk:
        """Return where works are read, if they are within a scope."""
        places = asyncio.Semaphore(self.reads_at_once)
        return Desk(self.reader, self.documents, self.clock, scope, places)


async def retrieve(
    question: Question,
    brief: Brief,
    before: Evidence,
    *,
    library: Library,
    tell: Tell = tell_nobody,
) -> Evidence:
    """Ask every engine every query that is new, read the best hits, and add them to the evidence.

    One failure never discards its siblings; each is recorded. Raises SearchUnavailable if not a
    single search of the whole run came back.
    """
    looking = _Round(question, brief, before, library, tell)
    await looking.run()
    after = await looking.added_to_before()
    if after.searches and all(search.hits is None for search in after.searches):
        reasons = "; ".join(dict.fromkeys(failure.why for failure in after.failures))
        raise SearchUnavailable(f"no search came back: {reasons}", mend="try deep-research doctor")
    read, failed = len(after.sources), len(after.failures)
    tell(
        Event(
            "retrieve",
            f"{read} sources, {after.independent} of them independent,"
            f" from {len(after.searches)} searches, {failed} failures",
        )
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
class _Round:
    """One round of searching and reading while it goes on.

    Works are known by their keys (duplicates.work_keys), since which of its addresses a work is
    shown at may change while more engines answer.
    """

    question: Question
    brief: Brief
    before: Evidence
    library: Library
    tell: Tell
    searches: dict[Place, Search] = field(default_factory=dict)
    rankings: dict[Place, Ranking] = field(default_factory=dict)
    started: dict[str, Choice] = field(default_factory=dict)
    sources: list[tuple[tuple[str, ...], Source]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    asked: int = 0
    reads: int = 0
    lost: int = 0
    nothing_left: bool = False
    known: set[str] = field(init=False)
    searching: asyncio.Semaphore = field(init=False)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        """Remember what earlier rounds read or failed to read."""
        self.known = {canonical(failure.what) for failure in self.before.failures}
        self.known.update(map(canonical, self.before.passed_over))
        for source in self.before.sources:
            self.known.update(work_keys((source.url,), source.publication))
        self.searching = asyncio.Semaphore(SEARCHES_AT_ONCE)
        self.desk = self.library.desk(self.question.scope(self.brief.language))

    async def run(self) -> None:
        """Search and read; what stops one task stops all, and is told once."""
        try:
            await self._run()
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    async def _run(self) -> None:
        """Search, and read from the first answers on, until all is read or the brake is pulled."""
        async with asyncio.TaskGroup() as group:
            brake = group.create_task(self.library.brake.pulled("retrieve"))
            running = {
                group.create_task(self._look_up(engine, query, place))
                for place, engine, query in self._new_searches()
            }
            self.asked = len(running)
            if running:
                await asyncio.wait(running, timeout=self.library.patience)
            while True:
                running |= {group.create_task(self._read(choice)) for choice in self._choices()}
                running = {task for task in running if not task.done()}
                if brake.done() and running:
                    self.library.brake.cut[brake.result()] = None
                    self._failed(Failure("searching and reading ended early", brake.result()))
                if brake.done() or not running:
                    break
                await asyncio.wait(running | {brake}, return_when=asyncio.FIRST_COMPLETED)
            for task in running | {brake}:
                task.cancel()

    def _new_searches(self) -> Iterator[tuple[Place, SearchEngine, str]]:
        for position, engine in enumerate(self.library.engines):
            for number, query in enumerate(_queries(self.brief, engine)):
                if not self.before.was_asked(engine.name, query):
                    yield (position, number), engine, query

    async def _look_up(self, engine: SearchEngine, query: str, place: Place) -> None:
        """Ask one engine one query."""
        hits: Sequence[Hit] | None = None
        scope = self.question.scope(language_of_query(query, self.brief.language))
        try:
            async with self.searching, asyncio.timeout(SEARCH_SECONDS):
                with span("search", engine=engine.name) as told:
                    hits = await engine.search(query, limit=HITS_PER_QUERY, scope=scope)
                    told.note(hits=len(hits))
        except (SearchFailed, TimeoutError) as error:
            why = str(error) or f"no answer in {SEARCH_SECONDS:g} s"
            self._failed(Failure(f"{engine.name} search for {query!r}", why))
        else:
            text = f"{engine.name}: {len(hits)} hits for {query}"
            self.tell(Event("retrieve", text, counts={"searches": 1}))
        found = None if hits is None else len(hits)
        self.searches[place] = Search(engine.name, engine.kind, query, found)
        self.rankings[place] = Ranking(engine.name, query, tuple(hits or ()))
        self.nothing_left = False

    def _choices(self) -> list[Choice]:
        """Choose what to begin to read now: searches that still run keep their share of pages."""
        pages = self.library.pages * max(1, len(self.brief.sub_questions))
        share = pages * len(self.searches) // self.asked if self.asked else 0
        room = share - self.reads + self.lost
        if room <= 0 or self.nothing_left:
            return []
        choices = self._considered(pages + self.lost)
        fresh = [
            choice
            for choice in choices
            if choice.chosen and self.started.keys().isdisjoint(_keys(choice.candidate))
        ]
        waiting = any(choice.reason is Reason.BUDGET for choice in choices)
        self.nothing_left = len(fresh) <= room and not waiting
        for choice in fresh[:room]:
            self.started.update(dict.fromkeys(_keys(choice.candidate), choice))
            self.reads += 1
        return fresh[:room]

    def _considered(self, pages: int) -> tuple[Choice, ...]:
        candidates = fuse(self.rankings[place] for place in sorted(self.rankings))
        today = self.library.clock.now().date()
        return choose(candidates, self.brief, pages=pages, today=today, read=self.known)

    async def _read(self, choice: Choice) -> None:
        """Read one work; one that cannot be read gives its place to the next."""
        source, failures = await self.desk.read(choice.candidate.hit)
        for failure in failures:
            self._failed(failure)
        if source is None:
            self.lost += 1
            self.known.update(_keys(choice.candidate))
            return
        self.sources.append((_keys(choice.candidate), source))
        self.tell(Event("retrieve", f"read {source.title}", counts={"pages": 1}))

    def _failed(self, failure: Failure) -> None:
        self.failures.append(failure)
        self.tell(Event("retrieve", f"failed: {failure.what}: {failure.why}", "failed"))

    async def added_to_before(self) -> Evidence:
        """Return the evidence of all rounds: sources numbered on, the same text only once."""
        choices = self._considered(self.library.pages * max(1, len(self.brief.sub_questions)))
        order = {key: at for at, one in enumerate(choices) for key in _keys(one.candidate)}
        retracted = {key for key, one in _by_key(choices) if one.hit.publication.retracted}
        sources = [_marked(source, retracted) for source in self.before.sources]
        texts = {source.sha256 for source in sources}
        for _, source in sorted(self.sources, key=lambda pair: min(order[key] for key in pair[0])):
            if source.sha256 not in texts:
                texts.add(source.sha256)
                sources.append(replace(source, id=f"S{len(sources) + 1}"))
        sources, passages = await self._with_works(sources)
        works = {source.id: at for at, source in enumerate(sources)}
        read = [
            Read(works[source.work], its) for source, its in zip(sources, passages, strict=True)
        ]
        return Evidence(
            searches=self.before.searches
            + tuple(self.searches[at] for at in sorted(self.searches)),
            sources=tuple(sources),
            failures=self.before.failures
            + tuple(sorted(self.failures, key=lambda failure: failure.what))
            + self._mended(),
            considered=self.before.considered + tuple(map(self._told, choices)),
            coverage=await off_loop(coverage, self.brief, read),
            passed_over=self.before.passed_over,
        )

    def _mended(self) -> tuple[Failure, ...]:
        """Return what engines made good by other means, as far as it was not told before."""
        mending = (engine for engine in self.library.engines if isinstance(engine, Mending))
        told = [failure for engine in mending for failure in engine.failures()]
        return tuple(failure for failure in told if failure not in self.before.failures)

    async def _with_works(
        self, sources: Sequence[Source]
    ) -> tuple[list[Source], list[tuple[str, ...]]]:
        """Return the sources with the works they are, and the passages of each."""
        texts = [await self.library.documents.get(source.sha256) for source in sources]
        described = [
            Described(
                source.read_url or source.url,
                text,
                source.publication,
                source.title,
                source.authors,
                source.canonical_url or source.url,
            )
            for source, text in zip(sources, texts, strict=True)
        ]
        first = await off_loop(independent_works, described)
        passages = [
            tuple(text[start:end] for start, end in source.spans)
            for source, text in zip(sources, texts, strict=True)
        ]
        named = [
            replace(source, work=sources[at].id) for source, at in zip(sources, first, strict=True)
        ]
        return named, passages

    def _told(self, choice: Choice) -> Considered:
        """Say of a candidate what was decided when it was read, or at last."""
        candidate = choice.candidate
        begun = next((self.started[key] for key in _keys(candidate) if key in self.started), None)
        decided = begun or choice
        return Considered(
            url=candidate.hit.url,
            title=candidate.hit.title,
            chosen=begun is not None,
            why=decided.why,
            sub_question=decided.sub_question if begun else "",
            found_by=tuple(dict.fromkeys(found.engine for found in candidate.found_by)),
        )


def _by_key(choices: Sequence[Choice]) -> Iterator[tuple[str, Candidate]]:
    return ((key, one.candidate) for one in choices for key in _keys(one.candidate))


def _marked(source: Source, retracted: Collection[str]) -> Source:
    """Return a source read earlier, marked if an engine says by now that it is retracted."""
    known = source.publication
    if known.retracted or not any(key in retracted for key in work_keys((source.url,), known)):
        return source
    return replace(source, publication=replace(known, retracted=True))


def _keys(candidate: Candidate) -> tuple[str, ...]:
    return work_keys((candidate.hit.url, *candidate.hit.read_urls), candidate.hit.publication)
