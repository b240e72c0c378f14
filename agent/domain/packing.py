"""Packs whole sources into a window; what does not fit is left out by relevance, and said so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.domain.ranking import scores, terms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from agent.domain.evidence import Source

HEADING: Final = 20
"""Tokens of the line that opens a source, beside its title: its id, kind and date."""


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


@dataclass(frozen=True, slots=True)
class Packing:
    """What goes into a window, and how much of what there is that was; counts are of passages."""

    sources: tuple[PackedSource, ...]
    kept: int
    every: int
    kept_tokens: int
    every_tokens: int
    room: int

    @property
    def spill(self) -> str:
        """What was left out, in words for the report; empty if nothing was."""
        if self.kept == self.every:
            return ""
        return (
            f"{self.every - self.kept:,} of {self.every:,} passages"
            f" (about {self.every_tokens - self.kept_tokens:,} of {self.every_tokens:,} tokens),"
            " those least relevant to every sub-question,"
            f" did not fit the model's window, which has room for {self.room:,} tokens of sources"
        )


def passages_of(source: Source, text: str) -> tuple[Passage, ...]:
    """Return the passages of a source, given its stored text."""
    return tuple(
        Passage(f"{source.id}.{number}", text[start:end])
        for number, (start, end) in enumerate(source.spans, start=1)
    )


def whole(sources: Sequence[Source], texts: Mapping[str, str]) -> tuple[PackedSource, ...]:
    """Return sources with all their passages; ``texts`` maps SHA-256 to stored text."""
    return tuple(PackedSource(s, passages_of(s, texts[s.sha256])) for s in sources)


def pack(
    sources: Sequence[PackedSource],
    *,
    queries: Sequence[str],
    room: int,
    tokens: Callable[[str], int],
) -> Packing:
    """Return the sources as they are if ``room`` tokens hold them, else what fits of them.

    Each query is entitled to the same share of the room, and takes whole passages, the most
    relevant to it (by BM25) first; what it does not need goes to the others, and at last to
    passages no query asks for. Reading order is kept.
    """
    every = [passage for packed in sources for passage in packed.passages]
    sizes = [tokens(f"{passage.id} {passage.text}") for passage in every]
    heads = {p.source.id: tokens(p.source.title) + HEADING for p in sources if p.passages}
    needed = sum(sizes) + sum(heads.values())
    if needed <= room:
        return Packing(tuple(sources), len(every), len(every), needed, needed, room)
    kept: set[str] = set()
    left = room
    for index in _in_turn(every, sizes, queries):
        source = every[index].id.partition(".")[0]
        size = sizes[index] + heads.get(source, 0)
        if size <= left:
            left -= size
            heads.pop(source, None)
            kept.add(every[index].id)
    return Packing(only(sources, kept), len(kept), len(every), room - left, needed, room)


def only(sources: Sequence[PackedSource], ids: Collection[str]) -> tuple[PackedSource, ...]:
    """Return the sources with none but these passages, and without those left empty."""
    fitting = (
        PackedSource(p.source, tuple(passage for passage in p.passages if passage.id in ids))
        for p in sources
    )
    return tuple(packed for packed in fitting if packed.passages)


def _in_turn(
    every: Sequence[Passage], sizes: Sequence[int], queries: Sequence[str]
) -> Iterator[int]:
    """Yield passages, those wanted most first; it is the turn of the query that has least."""
    words = [terms(passage.text) for passage in every]
    wishes = [_wishes(scores(query, words)) for query in queries]
    taken = [0] * len(wishes)
    seen: set[int] = set()
    while any(wishes):
        turn = min((n for n, wish in enumerate(wishes) if wish), key=lambda n: taken[n])
        index = wishes[turn].pop()
        if index not in seen:
            seen.add(index)
            taken[turn] += sizes[index]
            yield index
    yield from (index for index in range(len(every)) if index not in seen)


def _wishes(relevance: Sequence[float]) -> list[int]:
    """Return the passages that are relevant at all, the most relevant last, early before late."""
    relevant = (index for index, score in enumerate(relevance) if score > 0)
    return sorted(relevant, key=lambda index: (relevance[index], -index))
