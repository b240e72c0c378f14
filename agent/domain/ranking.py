"""Ranks texts against a query by BM25, in any language, without an index."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

K1: Final = 1.2
B: Final = 0.75
"""The usual parameters of BM25 (Robertson and Zaragoza, 2009)."""

SHORTEST_WITH_E: Final = 5
"""Letters a word needs to lose its final e, so that measure, measures and measured are one."""

_TOKEN: Final = re.compile(r"[a-z0-9à-ÿ]+|[\u3400-\u4dbf\u4e00-\u9fff\u3040-\u30ff\uac00-\ud7af]+")
_CJK: Final = re.compile(r"[\u3040-\uffff]")
STOP_WORDS: Final = frozenset(
    "a about an and any are as at be been between but by can could did do does for from had has "
    "have how if in into is it its may more most much not of on or other our over should so some "
    "such than that the their them then there these they this those to under us use used was we "
    "were what when where which while who why will with would you your".split()
)
STOP_CHARACTERS: Final = frozenset("的了是在和与及或吗呢吧么之其这那有个也都就而被把对于以为会能可")


def terms(text: str) -> list[str]:
    """Return the words that carry meaning: lower case, roughly stemmed; Chinese as bigrams."""
    found: list[str] = []
    for token in _TOKEN.findall(text.lower()):
        if _CJK.match(token):
            pairs = [token[i : i + 2] for i in range(max(1, len(token) - 1))]
            found += [pair for pair in pairs if not STOP_CHARACTERS.intersection(pair)]
        elif token not in STOP_WORDS:
            found.append(_stem(token))
    return found


def scores(query: str, texts: Sequence[Sequence[str]]) -> list[float]:
    """Return the BM25 score of each text (given as its terms) for a query."""
    wanted = set(terms(query))
    counts = [Counter(text) for text in texts]
    mean = sum(len(text) for text in texts) / len(texts) if texts else 0.0
    found_in = {term: sum(1 for count in counts if term in count) for term in wanted}
    rarity = {
        term: math.log(1 + (len(texts) - found + 0.5) / (found + 0.5))
        for term, found in found_in.items()
    }
    return [
        sum(
            rarity[term] * count[term] * (K1 + 1)
            / (count[term] + K1 * (1 - B + B * len(text) / mean))
            for term in wanted
            if term in count
        )
        for text, count in zip(texts, counts, strict=True)
    ]  # fmt: skip


def _stem(word: str) -> str:
    """Take off the plural and the commonest endings: enough to match, not to print."""
    for ending, least in (("ies", 4), ("ing", 6), ("ed", 6), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            word = word[: -len(ending)] + ("y" if ending == "ies" else "")
            break
    return word.removesuffix("e") if len(word) >= SHORTEST_WITH_E else word
