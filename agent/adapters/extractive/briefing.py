"""How the extractive model refines: the topic's own words, arranged as precise queries."""

from __future__ import annotations

import re
from typing import Final

from agent.adapters.extractive.vocabulary import in_english, key_phrases, vocabulary
from agent.domain.language import language_of_script

LONGEST_PHRASE: Final = 2
MOST_PHRASES: Final = 3
"""arXiv finds nothing for a long phrase, nor for too many joined by AND."""


MOST_NAMED: Final = 2
"""A heading that names more of the topic's phrases is no heading."""


def brief(prompt: str) -> dict[str, object]:
    """Fill BriefReply for the refine prompt."""
    topic = _line(prompt, "topic")
    asked = _line(prompt, "language")
    language = asked if re.fullmatch(r"[a-z]{2,3}", asked) else language_of_script(topic) or "en"
    words = vocabulary(language)
    phrases = key_phrases(topic, language) or (topic,)
    named = words.joiner.join(phrases[:MOST_NAMED])
    named = named[:1].upper() + named[1:]
    return {
        "restated": topic,
        "language": language,
        "sub_questions": [facet.question.format(topic=named) for facet in words.facets],
        "web_queries": _web_queries(topic, phrases, language),
        "arxiv_queries": _arxiv_queries(_english_phrases(topic, phrases, language)),
    }


def more_queries(prompt: str) -> dict[str, object]:
    """Fill QueriesReply: the open sub-questions in fewer and in other words."""
    question, language = _line(prompt, "question"), _line(prompt, "language")
    phrases = key_phrases(question, language) or (question,)
    gaps = re.findall(r"^without evidence: (.+)$", prompt, re.MULTILINE)
    facets = [facet for gap in gaps if (facet := vocabulary(language).facet_of(gap))]
    web = [f"{phrase} {facet.query}" for phrase in phrases for facet in facets] or list(phrases)
    english = _english_phrases(question, phrases, language)
    return {"web_queries": web, "arxiv_queries": [f'abs:"{phrase}"' for phrase in english]}


def _web_queries(topic: str, phrases: tuple[str, ...], language: str) -> list[str]:
    joined = " ".join(phrases)
    facets = [f"{joined} {facet.query}" for facet in vocabulary(language).facets]
    english = " ".join(in_english(topic)) if language == "zh" else ""
    return [joined, *([english] if english else []), *facets]


def _english_phrases(topic: str, phrases: tuple[str, ...], language: str) -> tuple[str, ...]:
    return in_english(topic) if language == "zh" else phrases


def _arxiv_queries(phrases: tuple[str, ...]) -> list[str]:
    """Write the phrases in arXiv's syntax: all of them, any in a title, any in an abstract."""
    short = list(dict.fromkeys(" ".join(phrase.split()[:LONGEST_PHRASE]) for phrase in phrases))
    if not short:
        return []
    return [
        " AND ".join(f'all:"{phrase}"' for phrase in short[:MOST_PHRASES]),
        " OR ".join(f'ti:"{phrase}"' for phrase in short),
        " OR ".join(f'abs:"{phrase}"' for phrase in short),
    ]


def _line(prompt: str, name: str) -> str:
    """Return what stands behind ``name:`` in the prompt; fetched text never begins a line."""
    found = re.search(rf"^{name}: (.*)$", prompt, re.MULTILINE)
    return found[1].strip() if found else ""
