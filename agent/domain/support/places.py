"""Finds names and numbers of a claim in whose place a sentence has others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.domain.numbers import facts, stated
from agent.domain.support.words import is_plain

if TYPE_CHECKING:
    from agent.domain.support.alignment import Pairs
    from agent.domain.support.words import Words

CLOSE: Final = 2
"""Words between a name and the word beside it that both sides share."""
SHARED_ENOUGH: Final = 0.5
"""Share of the claim's words of content that the sentence must follow; else it is about something
else, and what stands in whose place cannot be said."""


def replaced(claim: Words, sentence: Words, pairs: Pairs) -> tuple[str, ...]:
    """Return "this / that" for each name or number with another of its kind in its place.

    The place is beside a word that both sides share, on the same side of it. Words that the
    sentence has elsewhere, or that the claim has elsewhere, stand in nobody's place.
    """
    content = sum(1 for word in claim.written if not is_plain(word))
    if len(pairs) < SHARED_ENOUGH * content:
        return ()
    met = {i for i, _ in pairs}
    here, there = set(claim.stems), set(sentence.stems)
    found: list[str] = []
    for at, written in enumerate(claim.written):
        if at in met or not _marked(written) or claim.stems[at] in there:
            continue
        for i, j in pairs:
            if not 0 < abs(i - at) <= CLOSE:
                continue
            step = 1 if at > i else -1
            for k in range(j + step, j + step * (CLOSE + 1), step):
                if not 0 <= k < len(sentence.written):
                    break
                other = sentence.written[k]
                if (
                    _alike(written, other)
                    and sentence.stems[k] not in here
                    and not _same_number(claim, at, sentence, k)
                ):
                    found.append(f"{written} / {other}")
                    break
    return tuple(dict.fromkeys(found))


def _marked(written: str) -> bool:
    return (
        (written[0].isupper() or written[0].isdigit())
        and not is_plain(written)
        and not written.endswith("ly")  # an adverb that begins a sentence
    )


def _same_number(claim: Words, at: int, sentence: Words, k: int) -> bool:
    """Whether both are one number, written otherwise: 128K and 128,000, 110 million in digits."""
    here, there = (
        " ".join(words.written[place : place + 2]) for words, place in ((claim, at), (sentence, k))
    )
    return not facts(here).isdisjoint(stated(there))


def _alike(one: str, other: str) -> bool:
    """Whether both are names, or both numbers, and neither may be short for the other."""
    short = (one.isupper() or other.isupper()) and one[0] == other[0] and not one[0].isdigit()
    return _marked(other) and one[0].isdigit() == other[0].isdigit() and not short
