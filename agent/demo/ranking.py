"""Ranks texts for a query by BM25, over words and, for Chinese, pairs of characters."""

from __future__ import annotations

import re
from collections import Counter
from math import log
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.demo.texts import Text

WORD = re.compile(r"[a-z0-9]+|[一-鿿]+")
FUNCTION_CHARACTERS = re.compile("[的了是和与在吗呢么]")
FUNCTION_WORDS: Final = (
    "a about all an and are as at be best better between but by can could do does for from had"
    " has have how i if in into is it its me more most my no not of on one or our own should"
    " so some than that the their them then there these they this to use used using was we"
    " were what when where which while who why will with would you your"
)
STOP_WORDS: Final = frozenset(FUNCTION_WORDS.split())

SHORTEST_PLURAL: Final = 4
"""In letters: "gas" and "its" are none."""

K1: Final = 1.2
B: Final = 0.75
"""The customary values of BM25."""

TITLE_WEIGHT: Final = 3
"""A word of the title counts as three of the body: titles are short and chosen with care."""

LEAST_SHARE: Final = 0.3
LEAST_TERMS: Final = 3
"""A text answers a query if it holds this share of it, weighed by rarity, or this many of its
terms. One is for short queries, the other for whole sentences, most of whose words are in no text.
Tried on twenty queries: looser, and hotels in Rome are found; stricter, and sentences find nothing.
"""


def words(text: str) -> list[str]:
    """Split into lower-case words without plural s, and pairs of Chinese characters."""
    return [part for run in WORD.findall(text.lower()) for part in parts(run)]


def parts(run: str) -> list[str]:
    """Split one run of letters or of Chinese characters."""
    if run.isascii():
        plural = len(run) >= SHORTEST_PLURAL and run.endswith("s") and not run.endswith("ss")
        return [run[:-1] if plural else run]
    pieces = FUNCTION_CHARACTERS.split(run)
    return [piece[i : i + 2] for piece in pieces for i in range(len(piece) - 1)]


def terms(text: str) -> list[str]:
    """Return the words of a text that say what it is about."""
    return [word for word in words(text) if word not in STOP_WORDS]


class Ranking:
    """An index over texts, made once and asked often."""

    def __init__(self, texts: Sequence[Text]) -> None:
        """Count the terms of every text."""
        self.texts = texts
        self._counts = [Counter(terms(searchable(text))) for text in texts]
        self._lengths = [count.total() for count in self._counts]
        self._mean = sum(self._lengths) / max(len(texts), 1)
        self._holders = Counter(term for count in self._counts for term in count)

    def best(self, query: str) -> list[tuple[float, Text]]:
        """Return the texts that answer a query with their scores, best first."""
        asked = set(terms(query))
        scored = [(self._score(asked, at), text) for at, text in enumerate(self.texts)]
        return sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: -pair[0])

    def _score(self, asked: Iterable[str], at: int) -> float:
        count = self._counts[at]
        rarity = {term: self._rarity(term) for term in asked}
        held = [weight for term, weight in rarity.items() if term in count]
        if len(held) < LEAST_TERMS and sum(held) < LEAST_SHARE * sum(rarity.values()):
            return 0.0
        fade = K1 * (1 - B + B * self._lengths[at] / self._mean)
        return sum(w * count[t] * (K1 + 1) / (count[t] + fade) for t, w in rarity.items())

    def _rarity(self, term: str) -> float:
        holders = self._holders[term]
        return log(1 + (len(self.texts) - holders + 0.5) / (holders + 0.5))


def searchable(text: Text) -> str:
    """Return all words a text can be found by."""
    return " ".join([*[text.title] * TITLE_WEIGHT, text.site, text.abstract, text.body])


def excerpt(text: Text, query: str, *, characters: int = 300) -> str:
    """Return the paragraph that shares most with a query, cut to fit a list of results."""
    asked = set(terms(query))
    paragraphs = [block for block in text.blocks if not block.startswith("#")]
    best = max(paragraphs, key=lambda block: len(asked.intersection(words(block))))
    return best if len(best) <= characters else f"{best[: characters - 1]}…"
