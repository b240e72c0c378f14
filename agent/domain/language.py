"""Tells languages apart by their script, and names them."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_LETTER: Final = re.compile(r"[^\W\d_]")
_SCRIPTS: Final = (
    ("ja", re.compile(r"[\u3040-\u30ff]"), 0.05),  # kana: Han characters alone are no Japanese
    ("ko", re.compile(r"[\uac00-\ud7af]"), 0.2),
    ("zh", re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]"), 0.2),
    ("ru", re.compile(r"[\u0400-\u04ff]"), 0.5),
    ("el", re.compile(r"[\u0370-\u03ff]"), 0.5),
    ("ar", re.compile(r"[\u0600-\u06ff]"), 0.5),
    ("he", re.compile(r"[\u0590-\u05ff]"), 0.5),
    ("hi", re.compile(r"[\u0900-\u097f]"), 0.5),
    ("th", re.compile(r"[\u0e00-\u0e7f]"), 0.5),
)
_OTHER_SCRIPTS: Final = frozenset(name for name, _, _ in _SCRIPTS)


def language_of_script(text: str) -> str | None:
    """Return the language a text's script gives away, or None for the Latin script.

    The share of letters a script needs is low where terms in Latin letters are usual within it:
    a Chinese sentence about GPT-4 is Chinese.
    """
    letters = len(_LETTER.findall(text))
    for language, script, share in _SCRIPTS:
        if letters and len(script.findall(text)) >= share * letters:
            return language
    return None


def same_script(text: str, language: str) -> bool:
    """Whether a text is written in the script its language is written in."""
    script = language_of_script(text)
    return script == language or (script is None and language not in _OTHER_SCRIPTS)


def same_language(one: str, other: str) -> bool:
    """Whether two texts may be in one language, as far as their scripts tell."""
    return same_script(other, language_of_script(one) or "en")


_FUNCTION_WORDS: Final = {
    "en": "the of and is are was were that with which from this have has not by for it as on",
    "de": "der die das und ist sind den dem ein eine einer nicht mit von für auf als auch werden",
    "fr": "le la les des et est sont une dans pour que qui avec sur par pas plus du au cette",
    "es": "el los las y es son una en para que con por más del como no se su al esta",
    "it": "il lo gli di e è sono una per che con non della dei nel più come alla questo",
    "pt": "o os as e é são uma em para que com por mais do da não ao como dos esta",
    "nl": "de het een en is zijn van met voor dat niet op aan ook worden als bij naar uit",
}
"""The commonest words of languages in the Latin script that are not names of anything."""

_SURELY: Final = 3
"""Function words of another language that a sentence with a title or a name in it hardly has."""

_LATIN_WORD: Final = re.compile(r"[a-zà-ÿ]+")


def written_in(sentence: str, language: str) -> bool:
    """Whether a sentence may be in a language; what tells nothing, such as names, may be.

    Scripts tell most languages, and function words those in the Latin script.
    """
    words = _LATIN_WORD.findall(sentence.lower())
    common = {
        name: sum(word in known for word in words) for name, known in _function_words().items()
    }
    known = language in common or language in _OTHER_SCRIPTS
    script = language_of_script(sentence)
    if script is not None:  # of a language we do not know, the script may be its own
        return not known or script == language or (script == "zh" and language == "ja")
    if known:
        return max(common.values()) < common.get(language, 0) + _SURELY
    return common["en"] < _SURELY


@cache
def _function_words() -> dict[str, frozenset[str]]:
    return {name: frozenset(words.split()) for name, words in _FUNCTION_WORDS.items()}


def language_of_query(query: str, language: str) -> str:
    """Return the language to search in: the report's, unless the query is in another script.

    A query in the Latin script for a report in another one is taken for English.
    """
    if same_script(query, language):
        return language
    return language_of_script(query) or "en"
