"""Packs whole sources into a window; what does not fit is left out by relevance, and said so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.domain.ranking import scores, terms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.domain.evidence import Source


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage with its text, as a model sees it."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class PackedSource:
    """A source and those of its passages that go into the window."""

    source: Source
    passages: tuple[Passage, ...]


def passages_of(source: Source, text: str) -> tuple[Passage, ...]:
    """Return the passages of a source, given its stored text."""
    return tuple(
        Passage(f"{source.id}.{number}", text[start:end])
        for number, (start, end) in enumerate(source.spans, start=1)
    )


def pack(
    sources: Sequence[Source],
    texts: Mapping[str, str],
    *,
    query: str,
    room: int,
    tokens: Callable[[str], int],
) -> tuple[PackedSource, ...]:
    """Return the sources with all their passages if ``room`` tokens hold them.

    ``texts`` maps SHA-256 to stored text. If they do not fit, the passages least relevant to
    ``query`` (by BM25) are left out, never part of one; reading order is kept.
    """
    whole = tuple(PackedSource(s, passages_of(s, texts[s.sha256])) for s in sources)
    every = [passage for packed in whole for passage in packed.passages]
    sizes = [tokens(f"{passage.id} {passage.text}") for passage in every]
    if sum(sizes) <= room:
        return whole
    relevance = scores(query, [terms(passage.text) for passage in every])
    kept: set[str] = set()
    for index in sorted(range(len(every)), key=lambda i: -relevance[i]):
        if sizes[index] <= room:
            room -= sizes[index]
            kept.add(every[index].id)
    fitting = (
        PackedSource(p.source, tuple(passage for passage in p.passages if passage.id in kept))
        for p in whole
    )
    return tuple(packed for packed in fitting if packed.passages)
