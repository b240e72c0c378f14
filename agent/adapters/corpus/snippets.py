"""Finds the stretch of a text that says most about a query."""

from __future__ import annotations

import re
from collections import Counter, deque
from itertools import islice
from typing import TYPE_CHECKING, Final

from agent.domain.ranking import terms
from agent.domain.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SNIPPET: Final = 300
"""Characters: two or three sentences."""
LEAD: Final = 40
"""Of these, at most so many before the first word that was found."""
MOST_PLACES: Final = 5_000
"""Places looked at in one text; a long text is judged by its beginning."""

NOTHING: Final = r"(?!)"
"""Matches nowhere."""

Place = tuple[int, int, str]
"""Where a term of the query stands in a text: start, end, term."""


def snippet(text: str, query: str) -> str:
    """Return the first stretch with the most different terms of a query, as one line."""
    if len(text) <= SNIPPET:
        return one_line(text)
    start = _best_start(list(islice(_places(text, set(terms(query))), MOST_PLACES)))
    begin = _beginning(text, start)
    cut = text[begin : begin + SNIPPET]
    if begin + SNIPPET < len(text) and (space := cut.rfind(" ", SNIPPET - LEAD)) > 0:
        cut = cut[:space]
    return one_line(cut)


def _places(text: str, wanted: set[str]) -> Iterator[Place]:
    """Yield where terms stand, in the order of the text."""
    if not wanted:
        return
    known: dict[str, Sequence[str]] = {}
    for match in _pattern(wanted).finditer(text):
        word = match[0] or match[1]
        if word not in known:
            known[word] = [term for term in terms(word) if term in wanted]
        for term in known[word]:
            yield match.start(), match.start() + len(word), term


def _pattern(wanted: set[str]) -> re.Pattern[str]:
    """Return what matches every word that may have one of these stems, and every pair.

    Chinese pairs overlap, so they are only looked at, as group 1, and not consumed.
    """
    pairs = sorted(re.escape(term) for term in wanted if term[0] >= "\u3040")
    stems = sorted(re.escape(_prefix(term)) for term in wanted if term[0] < "\u3040")
    words = rf"(?<![a-z0-9à-ÿ])(?:{'|'.join(stems)})[a-z0-9à-ÿ]*" if stems else NOTHING
    return re.compile(rf"{words}|(?=({'|'.join(pairs) or NOTHING}))", re.IGNORECASE)


def _prefix(term: str) -> str:
    """Return how all words of a stem begin: ``battery`` is also the stem of ``batteries``."""
    return term[:-1] if term.endswith("y") and len(term) > 1 else term


def _best_start(places: Sequence[Place]) -> int:
    """Return where the stretch begins that holds the most different terms; 0 if there are none."""
    best, most = 0, 0
    window: deque[Place] = deque()
    held: Counter[str] = Counter()
    for place in places:
        window.append(place)
        held[place[2]] += 1
        while place[1] - window[0][0] > SNIPPET - LEAD:
            _, _, gone = window.popleft()
            held[gone] -= 1
            if not held[gone]:
                del held[gone]
        if len(held) > most:
            best, most = window[0][0], len(held)
    return best


def _beginning(text: str, start: int) -> int:
    """Return the beginning of the sentence or line at a place, or of a word not far before it."""
    earliest = max(0, min(start - LEAD, len(text) - SNIPPET))
    if earliest == 0:
        return 0
    before = text[earliest:start]
    for ending in ("\n", "。", ". ", "，", " "):
        if (found := before.rfind(ending) if ending != " " else before.find(ending)) >= 0:
            return earliest + found + len(ending)
    return earliest
