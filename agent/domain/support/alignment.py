"""Lays the words of a claim beside those of a sentence, in order: the heaviest common subsequence.

The plain method is Hunt and Szymanski's (1977), which looks only at places where words agree;
here with weights, so that a name counts for more than an article.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from agent.domain.support.words import is_plain, kin, weight

if TYPE_CHECKING:
    from agent.domain.support.words import Words

KIN_SHARE: Final = 0.6
"""What a word that is only akin counts, of its own weight."""

Pairs = tuple[tuple[int, int], ...]
"""Places in the claim and in the sentence, both rising."""


def align(claim: Words, sentence: Words) -> tuple[float, Pairs]:
    """Return the weight of the heaviest common subsequence of content words, and its pairs."""
    places: dict[str, list[int]] = {}
    for at, stemmed in enumerate(sentence.stems):
        places.setdefault(stemmed, []).append(at)
        near = kin(stemmed)
        if near:
            places.setdefault("~" + near, []).append(at)
    # The frontier: places in the sentence, and the best chain that ends there; both rise.
    ends: list[int] = []
    best: list[float] = []
    chains: list[_Chain] = []
    for i, written in enumerate(claim.written):
        if is_plain(written):
            continue
        gain = weight(written)
        where = places.get(claim.stems[i])
        if where is None:
            where = places.get("~" + kin(claim.stems[i]), [])
            gain *= KIN_SHARE
        for j in reversed(where):
            at = bisect_left(ends, j)
            value = gain + (best[at - 1] if at else 0.0)
            chain = (i, j, chains[at - 1] if at else None)
            stop = at
            while stop < len(ends) and best[stop] <= value:
                stop += 1
            if at < len(ends) and ends[at] == j and stop == at:
                continue  # a heavier chain ends here already
            ends[at:stop] = [j]
            best[at:stop] = [value]
            chains[at:stop] = [chain]
    return (best[-1], _unwound(chains[-1])) if best else (0.0, ())


_Chain = tuple[int, int, "_Chain | None"]


def _unwound(chain: _Chain | None) -> Pairs:
    pairs: list[tuple[int, int]] = []
    while chain is not None:
        i, j, chain = chain
        pairs.append((i, j))
    return tuple(reversed(pairs))
