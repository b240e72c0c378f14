"""Ranks texts for a query by BM25, and leaves out those that only share a chance word with it."""

from __future__ import annotations

from collections import Counter
from math import log
from typing import TYPE_CHECKING, Final

from agent.domain.ranking import K1, B, terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.demo.texts import Text

TITLE_WEIGHT: Final = 3
"""A word of the title counts as three of the body: titles are short and chosen with care."""

LEAST_SHARE: Final = 0.3
LEAST_TERMS: Final = 3
"""A text answers a query if it holds this share of it, weighed by rarity, or this many of its
terms. One is for short queries, the other for whole sentences, most of whose words are in no text.
Tried on twenty queries: looser, and hotels in Rome are found; stricter, and sentences find nothing.
"""


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
    best = max(paragraphs, key=lambda block: len(asked.intersection(terms(block))))
    return best if len(best) <= characters else f"{best[: characters - 1]}…"
