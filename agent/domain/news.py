"""Tells what changed since an earlier report: from what its sources say by now, and what is new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.domain.changes import KINDS, Change, Quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agent.domain.changes import Predecessor
    from agent.domain.evidence import Evidence, Source
    from agent.domain.passages import Span
    from agent.domain.question import Brief, SubQuestion
    from agent.domain.report import Citation, Claim


@dataclass(frozen=True, slots=True)
class Edited:
    """A source whose text changed, and the sentences in it that did not stand there before."""

    source: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class News:
    """What reading the predecessor's sources again has shown, before anything else is searched.

    ``sources`` are the ids of those sources and ``sound`` of those not retracted then; ``claims``
    are the ids of the claims that still hold. ``to_write`` are the ids of the sub-questions that
    edited sources, ``to_read``, may now answer otherwise.
    """

    predecessor: Predecessor
    changes: tuple[Change, ...]
    sources: tuple[str, ...]
    sound: tuple[str, ...]
    claims: tuple[str, ...]
    edited: tuple[Edited, ...] = ()
    to_read: tuple[str, ...] = ()
    to_write: tuple[str, ...] = ()

    def is_news(self, citation: Citation) -> bool:
        """Whether a quote stands where it did not stand for the predecessor."""
        if citation.source not in self.sources:
            return True
        return self._is_fresh(citation.source, (citation.start, citation.end))

    def passages(self, evidence: Evidence) -> frozenset[str]:
        """Return the ids of the passages to write from: of new sources all, of edited ones a few.

        Those are the passages that hold a sentence which did not stand there before.
        """
        return frozenset(
            f"{source.id}.{number}"
            for source in evidence.sources
            if source.id not in self.sources or source.id in self.to_read
            for number, span in enumerate(source.spans, start=1)
            if source.id not in self.sources or self._is_fresh(source.id, span)
        )

    def wanted(self, brief: Brief, evidence: Evidence, open_: Sequence[str]) -> list[SubQuestion]:
        """Return the sub-questions to write on: those new or edited sources are for, and open ones.

        A new source is for the sub-question it was chosen for; if nobody can tell, for all.
        """
        urls = {source.url for source in evidence.sources if source.id not in self.sources}
        chosen = {work.sub_question for work in evidence.considered if work.url in urls}
        ids = chosen.union(self.to_write, open_ if urls else ())
        parts = brief.sub_questions
        return [part for part in parts if part.id in ids] or list(parts)

    def _is_fresh(self, source: str, place: Span) -> bool:
        spans = (span for one in self.edited if one.source == source for span in one.spans)
        return any(start < place[1] and place[0] < end for start, end in spans)


def quoted(citation: Citation, source: Source) -> Quoted:
    """Return a citation with all that is needed to look it up without its report."""
    return Quoted(
        citation.quote,
        source.title,
        source.url,
        source.read_at,
        source.sha256,
        citation.start,
        citation.end,
    )


def all_changes(
    news: News, claims: Sequence[Claim], sources: Sequence[Source]
) -> tuple[Change, ...]:
    """Return everything that changed, in the order of KINDS, given the finished report's claims.

    A claim is new only if a quote of it is: what a writer finds late in an old text is no news.
    """
    by_id = {source.id: source for source in sources}
    told = list(news.changes)
    fresh: list[Change] = []
    for claim in (claim for claim in claims if claim.id not in news.claims):
        after = tuple(quoted(c, by_id[c.source]) for c in claim.citations if news.is_news(c))
        at = next((n for n, change in enumerate(told) if _is_about(change, after)), None)
        if at is not None:
            told[at] = replace(
                told[at], sentence=claim.sentence, claims=(*told[at].claims, claim.id)
            )
        elif after:
            fresh.append(Change("new", claim.sentence, after=after, claims=(claim.id,)))
    every = (*fresh, *told, *_retracted(news, claims, by_id.values()))
    return tuple(sorted(every, key=lambda change: KINDS.index(change.kind)))


def _is_about(change: Change, after: Sequence[Quoted]) -> bool:
    """Whether all these quotes are of the words that a change already shows."""
    return bool(after) and all(
        any(
            shown.sha256 == one.sha256 and shown.start < one.end and one.start < shown.end
            for shown in change.after
        )
        for one in after
    )


def _retracted(news: News, claims: Sequence[Claim], sources: Iterable[Source]) -> Iterator[Change]:
    """Yield the works that were retracted since and that claims rest on."""
    for source in sources:
        if source.id not in news.sound or not source.publication.retracted:
            continue
        resting = [claim for claim in claims if any(c.source == source.id for c in claim.citations)]
        cited = dict.fromkeys(c for claim in resting for c in claim.citations)
        before = tuple(quoted(c, source) for c in cited if c.source == source.id)
        if before:
            ids = tuple(claim.id for claim in resting)
            yield Change("retracted", source.title, before=before, claims=ids)
