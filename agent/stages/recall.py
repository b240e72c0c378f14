"""First stage of a run with a predecessor: what that run knew, as far as it still holds.

No model is asked: what has to be written anew is left to others.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.domain.changes import Predecessor
from agent.domain.events import Event, Tell, tell_nobody
from agent.domain.evidence import Evidence
from agent.domain.fates import weighed
from agent.domain.news import Edited, News
from agent.domain.report import Verified
from agent.stages.rereading import reread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.domain.fates import Kept, Reread
    from agent.domain.passages import Span
    from agent.domain.question import Brief
    from agent.domain.report import Report, SummarySentence
    from agent.ports import SearchEngine
    from agent.stages.limits import Brake
    from agent.stages.reading import Desk
    from agent.stages.rereading import Past

GAINED: Final = 300
"""Characters of new sentences from which a page that still says all it was quoted for is written on
again: a paragraph. Dates, counters and menus that change daily are less."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a run begins with: its predecessor's brief, and what is left of its evidence."""

    brief: Brief
    evidence: Evidence
    verified: Verified
    summary: tuple[SummarySentence, ...]
    news: News


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
    read, silent = await reread(past, desk, brake, engines)
    kept = await asyncio.to_thread(weighed, before, read)
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
    verified = Verified(tuple(kept.sections))
    return Recalled(before.brief, evidence, verified, kept.summary(before), news)


def _news(before: Report, read: Sequence[Reread], kept: Kept) -> News:
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
