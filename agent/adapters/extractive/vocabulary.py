"""What the extractive model knows of language, read from words.toml."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

_HAN_RUN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_WORD: Final = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Facet:
    """One side of any question: how it is asked, headed, searched, and recognised."""

    title: str
    question: str
    query: str
    cues: frozenset[str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of one language."""

    facets: tuple[Facet, ...]
    no_terms: frozenset[str]
    joiner: str

    def facet_of(self, question: str) -> Facet | None:
        """Return the facet a sub-question was made from, if it is one of ours."""
        for facet in self.facets:
            if question.endswith(facet.question.removeprefix("{topic}")):
                return facet
        return None


def vocabulary(language: str) -> Vocabulary:
    """Return the words of a language, or English where we have none."""
    words = _words()
    chosen = words[language if language in words and language != "glossary" else "en"]
    facets = tuple(
        Facet(f["title"], f["question"], f["query"], frozenset(f["cues"].split()))
        for f in chosen["facet"]
    )
    return Vocabulary(facets, frozenset(chosen["no_terms"].split()), chosen["joiner"])


def key_phrases(topic: str, language: str) -> tuple[str, ...]:
    """Return the runs of words of a topic that name things, in order."""
    if language == "zh":
        return _han_phrases(topic)
    no_terms = vocabulary(language).no_terms
    phrases: list[list[str]] = [[]]
    at = 0
    for match in _WORD.finditer(topic):
        if re.search(r"[^\s-]", topic[at : match.start()]):  # punctuation ends a phrase
            phrases.append([])
        at = match.end()
        if match[0].lower() in no_terms:
            phrases.append([])
        else:
            phrases[-1].append(match[0])
    return tuple(dict.fromkeys(" ".join(phrase) for phrase in phrases if phrase))


def in_english(topic: str) -> tuple[str, ...]:
    """Return a topic's Latin words and the English of its Chinese terms, longest first."""
    found: list[str] = []
    rest = topic
    for term, english in sorted(_words()["glossary"].items(), key=lambda item: -len(item[0])):
        if term in rest:
            found.append(english)
            rest = rest.replace(term, " ")
    latin = [word for word in _WORD.findall(_HAN_RUN.sub(" ", topic)) if word.isascii()]
    return tuple(dict.fromkeys(latin + found))


def _han_phrases(topic: str) -> tuple[str, ...]:
    no_terms = sorted(vocabulary("zh").no_terms, key=len, reverse=True)
    parts = re.split(
        "|".join(map(re.escape, no_terms)) + r"|[\s，。？！、；：,.?!;:（）()]+", topic
    )
    return tuple(dict.fromkeys(part for part in parts if len(part) > 1))


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))
