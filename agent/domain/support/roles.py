"""Finds who-does-what-to-whom turned round: "A outperforms B" against "B outperforms A"."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Final

from agent.domain.support.alignment import align
from agent.domain.support.words import Words, is_plain, weight

if TYPE_CHECKING:
    from collections.abc import Sequence

REACH: Final = 7
"""Words from the verb within which its subject and object are looked for."""
MOST_NAMES: Final = 6
"""Names of a claim that are exchanged by way of trial; more make a list."""
GAIN: Final = 0.9
"""What an exchange must add to the weight in order: about one short word."""
_PASSIVE: Final = frozenset({"by", "被", "由"})
_TOGETHER: Final = frozenset({"and", "or", "with", "between", "和", "与", "及"})

_DATE: Final = re.compile(
    r"\b(?:january|february|march|april|june|july|august|september|october|november|december)\b"
    r"|\bMay \d|\d May\b|^(?:1\d|20|21)\d\d$",
    re.IGNORECASE,
)

Span = tuple[int, int]


def swapped(claim: Words, sentence: Words) -> tuple[str, ...]:
    """Return pairs of words of the claim that the sentence has in each other's places.

    Names are exchanged by way of trial: if the claim then follows the sentence better by the weight
    of a word, they were exchanged before. Other words count if they stand on the wrong sides of a
    word between. A passive on one side only is no exchange, nor is a list in another order.
    """
    if (_PASSIVE & set(claim.stems)) != (_PASSIVE & set(sentence.stems)):
        return ()
    return tuple(dict.fromkeys((*_names_exchanged(claim, sentence), *_turned(claim, sentence))))


def _names_exchanged(claim: Words, sentence: Words) -> list[str]:
    there = set(sentence.stems)
    spans = [
        span
        for span in _name_spans(claim)
        if all(s in there for s in claim.stems[slice(*span)])
    ][:MOST_NAMES]  # fmt: skip
    if len(spans) < 2 or not _out_of_order(claim, sentence):  # noqa: PLR2004 - a pair
        return []
    before, _ = align(claim, sentence)
    return [
        f"{' '.join(claim.written[slice(*left)])} / {' '.join(claim.written[slice(*right)])}"
        for left, right in combinations(spans, 2)
        if not _TOGETHER.issuperset(claim.stems[left[1] : right[0]])
        and _is_date(claim, left) == _is_date(claim, right)  # a date may stand anywhere
        and align(_exchanged(claim, left, right), sentence)[0] >= before + GAIN
    ]


def _is_date(claim: Words, span: Span) -> bool:
    """Whether a run of words is a date: it has a month, or is a year."""
    part = " ".join(claim.written[slice(*span)])
    return bool(_DATE.search(part))


def _name_spans(claim: Words) -> list[Span]:
    """Return the runs of words with capitals or digits; a reversed list is told by its commas."""
    spans: list[Span] = []
    for at, written in enumerate(claim.written):
        if not (written[0].isupper() or written[0].isdigit()) or is_plain(written):
            continue
        if spans and spans[-1][1] == at:
            spans[-1] = (spans[-1][0], at + 1)
        else:
            spans.append((at, at + 1))
    return spans


def _out_of_order(claim: Words, sentence: Words) -> bool:
    """Whether words stand in both that no common order holds."""
    there = set(sentence.stems)
    shared = sum(
        weight(written)
        for s, written in zip(claim.stems, claim.written, strict=True)
        if s in there and not is_plain(written)
    )
    return align(claim, sentence)[0] <= shared - GAIN


def _exchanged(claim: Words, left: Span, right: Span) -> Words:
    return Words(_put(claim.written, left, right), _put(claim.stems, left, right))


def _put(parts: tuple[str, ...], left: Span, right: Span) -> tuple[str, ...]:
    return (
        *parts[: left[0]],
        *parts[right[0] : right[1]],
        *parts[left[1] : right[0]],
        *parts[left[0] : left[1]],
        *parts[right[1] :],
    )


def _turned(claim: Words, sentence: Words) -> list[str]:
    """Return words on the wrong sides of a word they both stand near in claim and sentence."""
    shared = _shared_once(claim, sentence)
    found: list[str] = []
    for middle, (i, j) in enumerate(shared):
        if claim.written[i][0].isupper() or claim.written[i][0].isdigit():
            continue
        before = [a for a, b in shared[:middle] if i - a <= REACH and j < b <= j + REACH]
        after = [a for a, b in shared[middle + 1 :] if a - i <= REACH and j - REACH <= b < j]
        if before and after and not _listed(claim, sentence, i, j):
            found.append(f"{claim.written[before[-1]]} / {claim.written[after[0]]}")
    return found


def _shared_once(claim: Words, sentence: Words) -> list[Span]:
    """Return the places of words of content that stand once in each."""
    places: dict[str, int] = {}
    for at, stemmed in enumerate(sentence.stems):
        places[stemmed] = -1 if stemmed in places else at
    return [
        (at, places[stemmed])
        for at, stemmed in enumerate(claim.stems)
        if places.get(stemmed, -1) >= 0
        and claim.stems.count(stemmed) == 1
        and not is_plain(claim.written[at])
    ]


def _listed(claim: Words, sentence: Words, i: int, j: int) -> bool:
    """Whether the words about a place are merely put together."""
    near: Sequence[str] = (
        *claim.stems[max(0, i - 1) : i + REACH],
        *sentence.stems[max(0, j - 1) : j + REACH],
    )
    return not _TOGETHER.isdisjoint(near)
