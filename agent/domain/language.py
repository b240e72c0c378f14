"""Tells languages apart by their script, and names them."""

from __future__ import annotations

import re
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
    return script == language or (
        script is None and language not in {name for name, _, _ in _SCRIPTS}
    )


def language_of_query(query: str, language: str) -> str:
    """Return the language to search in: the report's, unless the query is in another script.

    A query in the Latin script for a report in another one is taken for English.
    """
    if same_script(query, language):
        return language
    return language_of_script(query) or "en"
