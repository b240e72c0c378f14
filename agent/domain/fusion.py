"""Makes one ranking of many: what several engines found for several queries, each work once.

Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): engines' scores cannot be compared,
their ranks can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.domain.duplicates import joined, work_keys
from agent.domain.evidence import Hit, Publication

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agent.domain.question import SourceKind

K: Final = 60
"""The constant of the paper, which it found to matter little."""

PRECEDENCE: Final[tuple[SourceKind, ...]] = ("corpus", "arxiv", "scholar", "web")
"""Whose address and kind a work found by several engines keeps: the caller's own file first, then
where the full text is free and its metadata are the author's."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one engine found for one query, best first."""

    engine: str
    query: str
    hits: tuple[Hit, ...]


class Found(NamedTuple):
    """Where a work was found; the best rank is 1."""

    engine: str
    query: str
    rank: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A work that may be worth reading, with all that its hits say of it together."""

    hit: Hit
    score: float
    found_by: tuple[Found, ...]


def fuse(rankings: Iterable[Ranking]) -> tuple[Candidate, ...]:
    """Return each work that was found once, best first, whatever order the rankings came in."""
    found = sorted(_each(rankings), key=_order)
    groups: dict[int, list[tuple[Found, Hit]]] = {}
    keys = [work_keys((hit.url, *hit.read_urls), hit.publication) for _, hit in found]
    for first, one in zip(joined(keys), found, strict=True):
        groups.setdefault(first, []).append(one)
    candidates = [_candidate(group) for group in groups.values()]
    return tuple(sorted(candidates, key=lambda one: (-one.score, one.found_by, one.hit.url)))


def merged(hits: Sequence[Hit]) -> Hit:
    """Return one hit of several of one work: the first, filled up from the others.

    The longest abstract is kept, and every address of a full text.
    """
    return Hit(
        kind=hits[0].kind,
        url=hits[0].url,
        title=_first(hit.title for hit in hits),
        snippet=_first(hit.snippet for hit in hits),
        read_urls=tuple(dict.fromkeys(url for hit in hits for url in hit.read_urls)),
        authors=next((hit.authors for hit in hits if hit.authors), ()),
        published=next((hit.published for hit in hits if hit.published), None),
        abstract=max((hit.abstract for hit in hits), key=len),
        publication=_publication([hit.publication for hit in hits]),
    )


def _publication(known: Sequence[Publication]) -> Publication:
    counts = [one.citations for one in known if one.citations is not None]
    return Publication(
        doi=_first(one.doi for one in known),
        arxiv_id=_first(one.arxiv_id for one in known),
        pmid=_first(one.pmid for one in known),
        venue=_first(one.venue for one in known),
        citations=max(counts, default=None),
        retracted=any(one.retracted for one in known),
        licence=_first(one.licence for one in known),
    )


def _each(rankings: Iterable[Ranking]) -> Iterator[tuple[Found, Hit]]:
    for ranking in rankings:
        for rank, hit in enumerate(ranking.hits, 1):
            yield Found(ranking.engine, ranking.query, rank), hit


def _order(one: tuple[Found, Hit]) -> tuple[int, int, Found, str, str]:
    found, hit = one
    return PRECEDENCE.index(hit.kind), found.rank, found, hit.url, repr(hit)


def _candidate(group: Sequence[tuple[Found, Hit]]) -> Candidate:
    """Count each query of an engine once, with the work's best rank there."""
    best: dict[tuple[str, str], Found] = {}
    for found, _ in sorted(group, key=lambda one: one[0].rank):
        best.setdefault((found.engine, found.query), found)
    found_by = tuple(sorted(best.values()))
    score = sum(1 / (K + found.rank) for found in found_by)
    return Candidate(merged([hit for _, hit in group]), score, found_by)


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")
