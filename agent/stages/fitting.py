"""Fits what was read into a writer's window: all of it, its best part, or what is quoted of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent import templating
from agent.domain.evidence import Failure
from agent.domain.packing import PackedSource, only, pack, whole
from agent.domain.quotes import find_quote
from agent.errors import AnswerUnusable, ModelUnavailable, PromptTooLong
from agent.stages.replies import ExcerptReply

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from agent.domain.evidence import Evidence
    from agent.domain.packing import Packing, Passage
    from agent.domain.question import Brief, SubQuestion
    from agent.ports import ChatModel, DocumentStore

ROOM_FOR_SOURCES: Final = 0.8
"""The share of a window sources may fill: the rest is for the brief, the answer, and the error of
token estimates, which is below 10 % once a model has reported, and may reach 15 % before."""

ALL_ELSE: Final = 3_000
"""Tokens that instructions, brief, outline and answer take, however small the window is."""

QUOTED_FIRST_FROM: Final = 2.0
"""Sources of this many times the room are read in parts and quoted from first. Below it more than
half of the passages go in, and those left out are the ones the sub-questions share no rare word
with; reading everything once more to find the rest would cost more than all sections together."""

MOST_PARTS: Final = 48
"""Calls that reading in parts may take: 600,000 tokens for a window of 16,000. What is beyond is
left out by relevance before."""

PARTS_AT_ONCE: Final = 4
"""A model with a small window is mostly one machine."""


def room_for_sources(window: int) -> int:
    """Return how many tokens of a window may be sources."""
    return min(int(ROOM_FOR_SOURCES * window), max(window - ALL_ELSE, window // 3))


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the writer is given, and what has to be said of the rest."""

    sources: tuple[PackedSource, ...]
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Quoted:
    """The passages of one part that quotes stand in, and how many quotes stand nowhere."""

    passages: frozenset[str]
    invented: int = 0
    error: str = ""


async def fit(
    brief: Brief,
    evidence: Evidence,
    wanted: Sequence[SubQuestion],
    *,
    model: ChatModel,
    documents: DocumentStore,
    passages: Collection[str] | None = None,
) -> Fitted:
    """Return the sources with as much of their text as the writer's window has room for.

    Of the ``passages``, if any are named, no others are taken.
    """
    texts = {source.sha256: await documents.get(source.sha256) for source in evidence.sources}
    packing = Packer(brief, wanted, model)
    everything = whole(evidence.sources, texts)
    if passages is not None:
        everything = only(everything, passages)
    room = room_for_sources(model.window("write"))
    packed = packing.pack(everything, room)
    if packed.every_tokens <= QUOTED_FIRST_FROM * room:
        return Fitted(packed.sources, _said(packed.spill))
    return await _quoted_first(packing, everything, packed, room)


@dataclass(frozen=True, slots=True)
class Packer:
    """Packs for the sub-questions that are to be answered, by one model's count of tokens."""

    brief: Brief
    wanted: Sequence[SubQuestion]
    model: ChatModel

    def pack(self, sources: Sequence[PackedSource], room: int) -> Packing:
        """Return what fits; the search queries speak for sources in other languages."""
        brief = self.brief
        searched = " ".join((brief.restated, *brief.web_queries, *brief.arxiv_queries))
        queries = [*(part.text for part in self.wanted), searched]
        return pack(sources, queries=queries, room=room, tokens=self.model.tokens)


async def _quoted_first(
    packing: Packer, everything: Sequence[PackedSource], best: Packing, room: int
) -> Fitted:
    """Have every part read and quoted from, and give the writer the passages quoted, whole.

    A part that could not be read is stood in for by those of its passages that are most relevant.
    """
    part_room = room_for_sources(packing.model.window("excerpt"))
    readable = packing.pack(everything, part_room * MOST_PARTS)
    parts = tuple(_parts(readable.sources, part_room, packing.model))
    gate = asyncio.Semaphore(PARTS_AT_ONCE)
    quoted = await asyncio.gather(*(_quoted(packing, part, gate) for part in parts))
    ids = {id_ for one in quoted for id_ in one.passages}
    unread = {p.id for part, one in zip(parts, quoted, strict=True) if one.error for p in _of(part)}
    ids |= unread & {passage.id for passage in _of(best.sources)}
    if not ids:
        return Fitted(best.sources, _said(best.spill))
    packed = packing.pack(only(everything, ids), room)
    why = (
        f"about {best.every_tokens:,} tokens of sources are too many for a window with room for"
        f" {room:,}: they were read in {len(parts)} parts, and the {len(ids):,} passages quoted as"
        f" evidence were given to the writer; {sum(one.invented for one in quoted)} quotes did not"
        " stand where they were said to"
    )
    errors = dict.fromkeys(one.error for one in quoted if one.error)
    failed = tuple(Failure("a part of the sources could not be quoted from", e) for e in errors)
    return Fitted(
        packed.sources, (*_said(why), *_said(readable.spill), *_said(packed.spill), *failed)
    )


async def _quoted(packing: Packer, part: Sequence[PackedSource], gate: asyncio.Semaphore) -> Quoted:
    """Return which passages of a part are evidence, by quotes that do stand in its sources."""
    prompt = templating.prompt(
        "3-synthesize/excerpt", brief=packing.brief, wanted=packing.wanted, sources=part
    )
    try:
        async with gate:
            reply = await packing.model.ask(prompt, ExcerptReply, task="excerpt")
    except PromptTooLong:
        raise  # all parts are cut anew, as now more is known of the window
    except (AnswerUnusable, ModelUnavailable) as error:
        return Quoted(frozenset(), error=str(error))
    passages = {passage.id: passage for passage in _of(part)}
    found = [_standing(quote.passage.strip(), quote.quote, passages) for quote in reply.quotes]
    return Quoted(frozenset(id_ for id_ in found if id_), found.count(None))


def _standing(passage: str, quote: str, passages: Mapping[str, Passage]) -> str | None:
    """Return the passage a quote stands in: the one named, else another of the same source."""
    source = passage.partition(".")[0]
    near = [id_ for id_ in passages if id_.partition(".")[0] == source and id_ != passage]
    for id_ in (passage, *near):
        if id_ in passages and find_quote(quote, passages[id_].text):
            return id_
    return None


def _parts(
    sources: Sequence[PackedSource], room: int, model: ChatModel
) -> Iterator[tuple[PackedSource, ...]]:
    """Yield the sources in parts that fit, in reading order; a source may begin in one and go on.

    No passage is cut: one that is larger than the room is a part by itself.
    """
    part: set[str] = set()
    filled = 0
    for passage in _of(sources):
        size = model.tokens(f"{passage.id} {passage.text}")
        if part and filled + size > room:
            yield only(sources, part)
            part, filled = set(), 0
        part.add(passage.id)
        filled += size
    if part:
        yield only(sources, part)


def _of(sources: Sequence[PackedSource]) -> Iterator[Passage]:
    return (passage for packed in sources for passage in packed.passages)


def _said(why: str) -> tuple[Failure, ...]:
    return (Failure("some text was not given to the writer", why),) if why else ()
