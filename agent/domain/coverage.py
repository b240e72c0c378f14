"""Judges how well what was read covers each sub-question, and owns up where it cannot tell.

A passage covers a sub-question if it has most of its words, rare ones counting for more (the
weights of BM25). Words say nothing across languages: an English paper may well answer a Chinese
sub-question with which it shares no term, so there the answer is unknown.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from agent.domain.language import language_of_script
from agent.domain.ranking import STOP_WORDS, terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.domain.question import Brief, SubQuestion

ENOUGH: Final = 0.6
"""Weight of a sub-question's terms that one passage has to hold. A question of five terms is
rarely repeated whole; with half of them a passage is often about its neighbour."""

WITNESSES: Final = 2
"""Independent sources that cover a sub-question: one may be wrong."""

ENGLISH: Final = 0.15
"""Share of words that are English function words; prose has about 0.4, other languages 0.05."""

BEGINNING: Final = 1_500
"""Characters that tell a source's language."""

_OTHER_LATIN: Final = "latin"
_EAST_ASIAN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")


@dataclass(frozen=True, slots=True)
class Read:
    """The passages of one source; ``work`` is alike for copies (duplicates.independent_works)."""

    work: int
    passages: Sequence[str]


@dataclass(frozen=True, slots=True)
class Covered:
    """How well one sub-question is covered.

    ``sources`` counts independent ones, ``share`` is what the best passage holds of its terms'
    weight, ``unjudged`` counts independent sources in languages its words cannot be looked for in.
    ``covered`` is None, for unknown, if it depends on those.
    """

    sub_question: str
    sources: int
    share: float
    unjudged: int
    covered: bool | None


def coverage(brief: Brief, read: Sequence[Read]) -> tuple[Covered, ...]:
    """Return for each sub-question how well the sources cover it."""
    asked = [frozenset(terms(one.text)) for one in brief.sub_questions]
    wanted = frozenset().union(*asked)
    languages = [_language(one.passages) for one in read]
    forms = _Forms(wanted)
    held = [_held(forms, one.passages) for one in read]
    weights = _weights(wanted, held, sum(len(one.passages) for one in read))
    return tuple(
        _covered(one, own, brief.language, read, languages, _shares(own, held, weights))
        for one, own in zip(brief.sub_questions, asked, strict=True)
    )


def _covered(
    asked: SubQuestion,
    wanted: frozenset[str],
    language: str,
    read: Sequence[Read],
    languages: Sequence[str],
    shares: Sequence[float],
) -> Covered:
    """Take shared words as evidence in any language, and their absence only in the same one."""
    works = {one.work for one, share in zip(read, shares, strict=True) if share >= ENOUGH}
    own = language_of_script(asked.text) or _latin(language)
    foreign = {
        one.work for one, its in zip(read, languages, strict=True) if not wanted or own != its
    } - works
    covered: bool | None = len(works) >= WITNESSES
    if not covered and len(works) + len(foreign) >= WITNESSES:
        covered = None
    return Covered(asked.id, len(works), max(shares, default=0.0), len(foreign), covered)


def _shares(
    wanted: frozenset[str],
    held: Sequence[Sequence[frozenset[str]]],
    weights: dict[str, float],
) -> list[float]:
    """Return for each source the weight of the terms its best passage holds, from 0 to 1."""
    whole = sum(sorted(weights[term] for term in wanted)) or 1.0

    def weight(terms_held: frozenset[str]) -> float:
        return sum(sorted(weights[term] for term in terms_held & wanted)) / whole

    seen: dict[frozenset[str], float] = {}
    shares: list[float] = []
    for source in held:
        best = 0.0
        for passage in source:
            if passage not in seen:
                seen[passage] = weight(passage)
            best = max(best, seen[passage])
        shares.append(best)
    return shares


class _Forms(dict[str, tuple[str, ...]]):
    """The wanted terms in each word as it stands in a text, worked out once for all texts.

    Long texts have few different words. Chinese pairs are looked for in place: cutting every
    sentence into pairs takes longer than all the rest.
    """

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._pairs = tuple(sorted(term for term in wanted if _EAST_ASIAN.match(term)))

    def __missing__(self, word: str) -> tuple[str, ...]:
        pairs = () if word.isascii() else tuple(pair for pair in self._pairs if pair in word)
        found = self._wanted.intersection(terms(_EAST_ASIAN.sub(" ", word)))
        self[word] = forms = (*found, *pairs)
        return forms


def _held(forms: _Forms, passages: Sequence[str]) -> list[frozenset[str]]:
    """Return which of the wanted terms each passage holds."""
    return [
        frozenset(
            chain.from_iterable(filter(None, map(forms.__getitem__, passage.lower().split())))
        )
        for passage in passages
    ]


def _weights(
    wanted: Iterable[str], held: Sequence[Sequence[frozenset[str]]], passages: int
) -> dict[str, float]:
    """Return the BM25 weight of each term: the rarer among the passages, the more.

    A term that nobody uses weighs as the others do on average: it is as often a turn of phrase
    as the heart of the matter.
    """
    counts = Counter(chain.from_iterable(chain.from_iterable(held)))
    weights = {
        term: math.log(1 + (passages - counts[term] + 0.5) / (counts[term] + 0.5))
        for term in sorted(counts)
    }
    mean = sum(weights.values()) / len(weights) if weights else 1.0
    return {term: weights.get(term, mean) for term in wanted}


def _language(passages: Sequence[str]) -> str:
    beginning = ""
    for passage in passages:
        beginning += f"{passage} "
        if len(beginning) >= BEGINNING:
            break
    if script := language_of_script(beginning):
        return script
    words = beginning.lower().split()
    known = sum(word in STOP_WORDS for word in words)
    return "en" if known >= ENGLISH * len(words) else _OTHER_LATIN


def _latin(language: str) -> str:
    return "en" if language == "en" else _OTHER_LATIN
