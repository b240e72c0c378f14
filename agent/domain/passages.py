"""Cuts a text into sentences and passages, as character offsets; nothing is lost or moved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Span = tuple[int, int]

PASSAGE_CHARACTERS: Final = 900
"""A passage ends at the first sentence end past this: about a paragraph, so that an id points at
something a reader can check at a glance and a 60-page paper has some 200 of them."""

LONGEST_SENTENCE: Final = 2_000
"""Text without sentence ends (tables, lists of names) is cut at white space here."""

_END: Final = re.compile(
    r"""[.!?]+["'”’)\]]*(?=\s+["'“‘(\[]?[A-Z0-9À-ÞΑ-Я\u4e00-\u9fff])"""  # Latin: then a capital
    r"""|[。！？]+[”’」』）》]*"""  # Chinese and Japanese: at once
    r"""|\n+"""
)
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(\[])(?:[A-Za-z]|al|approx|cf|ch|dr|e\.g|eds?|eqs?|etc|figs?|i\.e|mr|mrs|ms|no|nos|pp|"
    r"prof|refs?|resp|secs?|st|tabs?|u\.k|u\.s|viz|vol|vs)\.$",
    re.IGNORECASE,
)


def sentences(text: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
    """Yield the sentences between two offsets, without the white space around them."""
    stop = len(text) if end is None else end
    begin = start
    for match in _END.finditer(text, start, stop):
        if _ABBREVIATION.search(text[max(begin, match.end() - 12) : match.end()]):
            continue
        yield from _trimmed(text, _pieces(text, begin, match.end()))
        begin = match.end()
    yield from _trimmed(text, _pieces(text, begin, stop))


def passages(text: str) -> tuple[Span, ...]:
    """Return the passages of a text: whole sentences, in order, of a paragraph's size.

    Every character that is not white space lies in exactly one passage.
    """
    spans: list[Span] = []
    for start, end in sentences(text):
        if spans and end - spans[-1][0] <= PASSAGE_CHARACTERS:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple(spans)


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    """Cut a stretch that is too long for a sentence at white space, or hard if it has none."""
    while end - start > LONGEST_SENTENCE:
        cut = start + LONGEST_SENTENCE
        space = max(text.rfind(" ", start + 1, cut), text.rfind("\t", start + 1, cut))
        yield start, space if space > 0 else cut
        start = space if space > 0 else cut
    yield start, end


def _trimmed(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    for start, end in spans:
        piece = text[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = start + len(piece.rstrip())
        if left < right:
            yield left, right
