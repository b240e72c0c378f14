"""First stage of a run with a predecessor: its sources are read again, and its claims with them.

A claim of which every quote still stands, in the very sentence it stood in, is carried over, and so
is one that rules alone can hold to those of its quotes that do. What an edit touched is not: a
sentence that now says "it was once thought that" holds nothing, though the quote stands in it. No
model is asked: what has to be written anew is left to others.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from agent.domain.changes import Change, Predecessor
from agent.domain.edits import folded, gained, reworded
from agent.domain.events import Event, Tell, tell_nobody
from agent.domain.evidence import Evidence, Failure
from agent.domain.news import Edited, News, quoted
from agent.domain.passages import passages
from agent.domain.proof import Proof, prove, whole_sentences
from agent.domain.quotes import find_quote
from agent.domain.report import (
    Citation,
    Claim,
    DraftClaim,
    Quotation,
    Section,
    SummarySentence,
    Verified,
)
from agent.errors import PageGone, PageUnreadable, SearchFailed
from agent.ports import RetractionIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agent.domain.evidence import Source
    from agent.domain.passages import Span
    from agent.domain.question import Brief
    from agent.domain.report import Report
    from agent.ports import DocumentStore, SearchEngine
    from agent.stages.limits import Brake
    from agent.stages.reading import Desk

GAINED: Final = 300
"""Characters of new sentences from which a page that still says all it was quoted for is written on
again: a paragraph. Dates, counters and menus that change daily are less."""


@dataclass(frozen=True, slots=True)
class Past:
    """A finished run: its report, and the texts that rests on."""

    report: Report
    documents: DocumentStore


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a run begins with: its predecessor's brief, and what is left of its evidence."""

    brief: Brief
    evidence: Evidence
    verified: Verified
    summary: tuple[SummarySentence, ...]
    news: News


@dataclass(frozen=True, slots=True)
class Reread:
    """A source of the predecessor, and what it is by now; ``now`` is None if it is gone.

    ``old`` and ``new`` are its texts, ``fresh`` the sentences of the new one that are new in it.
    """

    before: Source
    now: Source | None
    old: str
    new: str = ""
    fresh: tuple[Span, ...] = ()
    failure: Failure | None = None


async def recall(
    past: Past,
    *,
    desk: Desk,
    brake: Brake,
    engines: Sequence[SearchEngine] = (),
    tell: Tell = tell_nobody,
) -> Recalled:
    """Read the predecessor's sources again, and return what of it still holds, and what changed.

    Engines that know of retractions are asked for them. A page that cannot be read for now is taken
    as it was; that, and an engine that did not answer, is told as a failure.
    """
    before = past.report
    retracted, silent = await _retracted(before.sources, engines)
    reread = await _all_reread(past, desk, brake)
    read = _numbered([_marked(one, retracted) for one in reread])
    kept = await asyncio.to_thread(_weighed, before, read)
    for digest in {one.sha256 for change in kept.changes for one in change.before}:
        await desk.documents.put(await past.documents.get(digest))  # to look the old quotes up in
    news = _news(before, read, kept)
    edits, claims = len(news.edited), len(before.claims)
    text = (
        f"{len(news.claims)} of {claims} claims of {before.run.id} still hold, {edits} pages edited"
    )
    tell(Event("retrieve", text))
    evidence = Evidence(
        sources=tuple(one.now for one in read if one.now),
        failures=(*silent, *(one.failure for one in read if one.failure)),
        passed_over=tuple(work.url for work in before.considered if not work.chosen),
    )
    summary = tuple(_summary(before, kept.ids))
    return Recalled(before.brief, evidence, Verified(tuple(kept.sections)), summary, news)


# --- the sources --------------------------------------------------------------------------------


async def _all_reread(past: Past, desk: Desk, brake: Brake) -> list[Reread]:
    """Read all sources again at once; what stops one stops all, and is told once."""
    try:
        async with asyncio.TaskGroup() as group:
            sources = past.report.sources
            reading = [group.create_task(_reread(one, past, desk, brake)) for one in sources]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [task.result() for task in reading]


async def _reread(source: Source, past: Past, desk: Desk, brake: Brake) -> Reread:
    old = await past.documents.get(source.sha256)
    failure: Failure | None = None
    try:
        now = await _again(source, old, desk, brake)
    except PageGone as error:
        return Reread(source, None, old, failure=Failure(source.url, str(error)))
    except PageUnreadable as error:
        now = await _as_it_was(source, old, desk)
        why = f"taken as it was read on {source.read_at.date()}: {error}"
        failure = Failure(source.url, why)
    new = await desk.documents.get(now.sha256)
    fresh = () if new == old else await asyncio.to_thread(gained, old, new)
    return Reread(source, now, old, new, fresh, failure)


async def _again(source: Source, old: str, desk: Desk, brake: Brake) -> Source:
    if not source.read_url:  # it stood in a search's answer alone
        return await _as_it_was(source, old, desk)
    why = brake.reason("retrieve")
    if why:
        brake.cut[why] = None
        raise PageUnreadable(why)
    return await desk.again(source)


async def _as_it_was(source: Source, old: str, desk: Desk) -> Source:
    return replace(source, sha256=await desk.documents.put(old), spans=passages(old))


async def _retracted(
    sources: Sequence[Source], engines: Sequence[SearchEngine]
) -> tuple[frozenset[str], tuple[Failure, ...]]:
    """Return the DOIs of works that any index says are retracted, and which index said nothing."""
    dois = tuple(dict.fromkeys(s.publication.doi for s in sources if s.publication.doi))
    found: frozenset[str] = frozenset()
    failures: list[Failure] = []
    for engine in engines if dois else ():
        if isinstance(engine, RetractionIndex):
            try:
                found |= await engine.retracted(dois)
            except SearchFailed as error:
                failures.append(Failure(f"{engine.name} on retractions", str(error)))
    return found, tuple(failures)


def _marked(read: Reread, retracted: frozenset[str]) -> Reread:
    if read.now is None or read.now.publication.doi not in retracted:
        return read
    publication = replace(read.now.publication, retracted=True)
    return replace(read, now=replace(read.now, publication=publication))


def _numbered(read: Sequence[Reread]) -> tuple[Reread, ...]:
    """Return the sources with ids that leave no gap where one is gone."""
    there = [one for one in read if one.now]
    ids = {one.before.id: f"S{number}" for number, one in enumerate(there, start=1)}
    return tuple(
        replace(one, now=replace(one.now, id=ids[one.before.id])) if one.now else one
        for one in read
    )


# --- the claims ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Kept:
    """What is left of the claims; ``ids`` maps those of the predecessor to their new ones."""

    sections: list[Section] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    reopened: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By source that a claim was lost to an edit of: the sub-questions the claim was about."""


def _weighed(before: Report, read: Sequence[Reread]) -> _Kept:
    kept, by_id = _Kept(), {one.before.id: one for one in read}
    for section in before.sections:
        claims: list[Claim] = []
        for claim in section.claims:
            fate = _fate(claim, by_id)
            if fate.citations:
                kept.ids[claim.id] = f"c{len(kept.ids) + 1}"
                claims.append(replace(claim, id=kept.ids[claim.id], citations=fate.citations))
            else:
                for citation in fate.after:
                    earlier = kept.reopened.get(citation.source, ())
                    kept.reopened[citation.source] = (*earlier, *section.answers)
            kept.changes.extend(_change(claim, fate, by_id, kept.ids))
        if claims:
            kept.sections.append(replace(section, claims=tuple(claims)))
    return kept


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of a claim: the citations that hold it now, none if it fell.

    ``lost`` are those that stand no more, ``after`` what stands in their places where anything
    does.
    """

    citations: tuple[Citation, ...]
    lost: tuple[Citation, ...] = ()
    after: tuple[Citation, ...] = ()


def _fate(claim: Claim, by_id: Mapping[str, Reread]) -> _Fate:
    standing: list[Citation] = []
    lost: list[Citation] = []
    for citation in claim.citations:
        found = _found(citation, by_id[citation.source])
        lost.append(citation) if found is None else standing.append(found)
    if not lost:
        return _Fate(tuple(standing))
    after = tuple(filter(None, (_after(one, by_id[one.source]) for one in lost)))
    return _Fate(_held(claim, standing, by_id), tuple(lost), after)


def _found(citation: Citation, read: Reread) -> Citation | None:
    """Return where a quote stands now, in the sentence it stood in; None if it does not."""
    if read.now is None:
        return None
    if read.new == read.old:
        return _citation(read.now, read.new, (citation.start, citation.end))
    sentence = _sentence(read.old, (citation.start, citation.end))
    around = find_quote(sentence, read.new)
    place = find_quote(citation.quote, read.new, *around) if around else None
    if place is None or folded(_sentence(read.new, place)) != folded(sentence):
        return None
    return _citation(read.now, read.new, place)


def _sentence(text: str, place: Span) -> str:
    start, end = whole_sentences(text, *place)
    return text[start:end]


def _after(citation: Citation, read: Reread) -> Citation | None:
    """Return the sentence that the one a quote stood in has become, None if it became none.

    It is the one the quote stands in by now, in other words than before, or else the likest.
    """
    if read.now is None:
        return None
    place = find_quote(citation.quote, read.new)
    if place:
        place = whole_sentences(read.new, *place)
    else:
        sentence = _sentence(read.old, (citation.start, citation.end))
        place = reworded(sentence, read.new, read.fresh)
    return _citation(read.now, read.new, place) if place else None


def _citation(source: Source, text: str, place: Span) -> Citation:
    number = next(n for n, (_, end) in enumerate(source.spans, start=1) if place[0] < end)
    return Citation(source.id, f"{source.id}.{number}", text[slice(*place)], *place)


def _held(
    claim: Claim, citations: Sequence[Citation], by_id: Mapping[str, Reread]
) -> tuple[Citation, ...]:
    """Return what of these citations holds a claim by rules alone; nothing if they do not.

    Where rules leave a doubt, as they do between languages, a claim that a model settled stays
    settled: its sentence is the same, and so are these quotes.
    """
    sources = tuple(one.now for one in by_id.values() if one.now)
    texts = {one.now.sha256: one.new for one in by_id.values() if one.now}
    quotations = tuple(Quotation(one.passage, one.quote) for one in citations)
    proof = prove(DraftClaim(claim.sentence, quotations), Evidence(sources=sources), texts)
    if not isinstance(proof, Proof) or (proof.doubt and claim.judge != "model"):
        return ()
    return proof.citations


def _change(
    claim: Claim, fate: _Fate, by_id: Mapping[str, Reread], ids: Mapping[str, str]
) -> Iterator[Change]:
    """Yield what is to be told: nothing of a claim that others hold though one source is gone."""
    before = tuple(quoted(one, by_id[one.source].before) for one in fate.lost)
    now = {one.now.id: one.now for one in by_id.values() if one.now}
    after = tuple(quoted(one, now[one.source]) for one in fate.after)
    if after:
        claims = (ids[claim.id],) if fate.citations else ()
        yield Change("changed", claim.sentence, before, after, claims)
    elif not fate.citations:
        gone = all(by_id[one.source].now is None for one in fate.lost)
        yield Change("withdrawn", claim.sentence, before, gone=gone)


def _summary(before: Report, ids: Mapping[str, str]) -> Iterator[SummarySentence]:
    """Yield the sentences of the summary of which every claim still holds."""
    for sentence in before.summary:
        if all(id_ in ids for id_ in sentence.claims):
            yield SummarySentence(sentence.sentence, tuple(ids[id_] for id_ in sentence.claims))


# --- what is to be done -------------------------------------------------------------------------


def _news(before: Report, read: Sequence[Reread], kept: _Kept) -> News:
    there = {one.now.id: one for one in read if one.now}
    grown = [id_ for id_, one in there.items() if _length(one.fresh) >= GAINED]
    reopened = dict.fromkeys((*kept.reopened, *grown))
    concerned = [
        kept.reopened.get(id_) or _concerned(before, there[id_].before.id) for id_ in reopened
    ]
    return News(
        predecessor=Predecessor(before.run.id, before.run.finished),
        changes=tuple(kept.changes),
        sources=tuple(there),
        sound=tuple(id_ for id_, one in there.items() if not one.before.publication.retracted),
        claims=tuple(kept.ids.values()),
        edited=tuple(Edited(id_, one.fresh) for id_, one in there.items() if one.fresh),
        to_read=tuple(reopened),
        to_write=tuple(dict.fromkeys(id_ for ids in concerned for id_ in ids)),
    )


def _length(spans: Iterable[Span]) -> int:
    return sum(end - start for start, end in spans)


def _concerned(before: Report, source: str) -> tuple[str, ...]:
    """Return the sub-questions a source was cited on, all of them if it was not."""
    on = [
        id_
        for section in before.sections
        if any(c.source == source for claim in section.claims for c in claim.citations)
        for id_ in section.answers
    ]
    return tuple(on) or tuple(part.id for part in before.brief.sub_questions)
