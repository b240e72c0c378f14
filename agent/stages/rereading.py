"""Reads the sources of an earlier run again, and asks what was retracted since."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.domain.edits import gained
from agent.domain.evidence import Failure
from agent.domain.fates import Reread
from agent.domain.passages import passages
from agent.errors import PageGone, PageUnreadable, SearchFailed
from agent.ports import RetractionIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.domain.evidence import Source
    from agent.domain.report import Report
    from agent.ports import DocumentStore, SearchEngine
    from agent.stages.limits import Brake
    from agent.stages.reading import Desk


@dataclass(frozen=True, slots=True)
class Past:
    """A finished run: its report, and the texts that rests on."""

    report: Report
    documents: DocumentStore


async def reread(
    past: Past, desk: Desk, brake: Brake, engines: Sequence[SearchEngine]
) -> tuple[tuple[Reread, ...], tuple[Failure, ...]]:
    """Return all sources as they are now, numbered anew, and which index said nothing."""
    retracted, silent = await _retracted(past.report.sources, engines)
    read = await _all_reread(past, desk, brake)
    return _numbered([_marked(one, retracted) for one in read]), silent


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
