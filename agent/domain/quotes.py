"""Finds a quote in a text, verbatim after folding white space and Unicode forms."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

Span = tuple[int, int]

SHORTEST_QUOTE: Final = 3
"""Words (a Chinese character counts as half a word): fewer occur almost anywhere, so finding
them proves nothing."""

NEAR: Final = 97.0
"""How alike a quote and the text must be: one slip in some thirty characters."""
SOMEWHERE: Final = 85.0
"""How alike a window as long as the quote must be for the quote to be looked for around it: a word
more or less shifts half of the window."""
SHORTEST_NEAR: Final = 6
"""Words of a quote below which nearly is not enough: too many sentences share so few."""
REACH: Final = 16
"""Characters around the best window in which the ends of the quote are looked for."""

_SAME: Final = str.maketrans(
    dict.fromkeys("‘’‚‛′´`", "'")
    | dict.fromkeys("“”„‟″«»", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff¶", "")
)
_CJK: Final = re.compile(r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")
_WORD: Final = re.compile(r"[^\W_]+")
_WRAPPING: Final = " \t\n\"'“”‘’«»「」『』.…"


def find_quote(quote: str, text: str, start: int = 0, end: int | None = None) -> Span | None:
    """Return the offsets in ``text`` of the words of ``quote``, or None if they do not stand there.

    Folded away on both sides: runs of white space, typographic quotes and dashes, ligatures,
    full-width forms, invisible characters and pilcrows (NFKD). Letter case and word order must
    agree, and a quote begins and ends at word boundaries. Quotation marks and dots around a quote
    are forgiven. A quote below SHORTEST_QUOTE words is not found.
    """
    for candidate in dict.fromkeys((quote, quote.strip(_WRAPPING))):
        found = _find(candidate, text[start:end])
        if found is not None:
            return found[0] + start, found[1] + start
    return None


def find_near(quote: str, text: str, start: int = 0, end: int | None = None) -> Span | None:
    """Return the offsets of whole words in ``text`` that are nearly a quote, or None.

    Models drop a comma or mend a slip of the pen. What is shown and checked is the text itself,
    never the quote as the model wrote it, so a word or a number that it changed proves nothing.
    The measure is rapidfuzz's: 100 times the share of characters that no edit touches.
    """
    if word_count(quote) < SHORTEST_NEAR:
        return None
    from rapidfuzz import fuzz  # noqa: PLC0415 - 10 ms, where a quote does not stand as it is

    wanted, _ = _folded(quote.strip(_WRAPPING))
    folded, origin = _folded(text[start:end])
    if not wanted or len(wanted) > len(folded):
        return None
    place = fuzz.partial_ratio_alignment(wanted, folded, score_cutoff=SOMEWHERE)
    if place is None:
        return None
    firsts = [at for at in _around(place.dest_start, folded) if _may_cut(folded, at)]
    lasts = [at for at in _around(place.dest_end, folded) if _may_cut(folded, at)]
    nearest = max(
        ((fuzz.ratio(wanted, folded[a:b]), -a, b) for a in firsts for b in lasts if a < b),
        default=(0.0, 0, 0),
    )
    if nearest[0] < NEAR:
        return None
    first, last = -nearest[1], nearest[2]
    return origin[first] + start, origin[last - 1] + 1 + start


def _around(at: int, text: str) -> range:
    return range(max(0, at - REACH), min(len(text), at + REACH) + 1)


def _may_cut(text: str, at: int) -> bool:
    """Whether a quote may begin or end here: not within a word, not beside a space."""
    return not (text[at - 1 : at].isspace() and text[at : at + 1].isspace()) and not (
        0 < at < len(text) and _joined(text[at - 1], text[at])
    )


def word_count(text: str) -> float:
    """Count words; a Chinese or Japanese character counts as half a word."""
    characters = len(_CJK.findall(text))
    return len(_WORD.findall(_CJK.sub(" ", text))) + characters / 2


def _find(quote: str, text: str) -> Span | None:
    wanted, _ = _folded(quote)
    if min(word_count(quote), word_count(wanted)) < SHORTEST_QUOTE:
        return None
    folded, origin = _folded(text)
    at = folded.find(wanted)
    while at >= 0:
        last = at + len(wanted)
        if _stands_free(folded, at, last):
            return origin[at], origin[last - 1] + 1
        at = folded.find(wanted, at + 1)
    return None


def _stands_free(text: str, start: int, end: int) -> bool:
    """Whether neither end cuts through a word."""
    return not (_joined(text[start - 1 : start], text[start]) if start else False) and not (
        _joined(text[end - 1], text[end : end + 1])
    )


def _joined(left: str, right: str) -> bool:
    both = left + right
    return len(both) > 1 and both.isalnum() and not _CJK.search(both)


@lru_cache(maxsize=256)
def _folded(text: str) -> tuple[str, tuple[int, ...]]:
    """Return the folded text and, for each of its characters, the offset it came from."""
    folded: list[str] = []
    origin: list[int] = []
    pending_space = -1
    for offset, character in enumerate(text):
        if character.isspace():
            pending_space = offset
            continue
        for part in _form(character):
            if (
                pending_space >= 0
                and folded
                and not _CJK.match(folded[-1])
                and not _CJK.match(part)
            ):
                folded.append(" ")
                origin.append(pending_space)
            pending_space = -1
            folded.append(part)
            origin.append(offset)
    return "".join(folded), tuple(origin)


@lru_cache(maxsize=8192)
def _form(character: str) -> str:
    """Return the one form all look-alikes of a character share; white space within it goes."""
    same = character.translate(_SAME)
    return "".join(unicodedata.normalize("NFKD", same).translate(_SAME).split())
