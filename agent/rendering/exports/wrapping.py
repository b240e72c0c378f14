"""Wraps text into lines of so many columns; a Chinese character takes two of them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_OPENING: Final = "（《〈「『【“‘"
_CLOSING: Final = "），。、；：？！》〉」』】”’…"
_WIDE: Final = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
_PIECE: Final = re.compile(
    rf"\s+|[{_OPENING}]*(?:[{_WIDE}]|[^\s{_WIDE}{_OPENING}{_CLOSING}]+)[{_CLOSING}]*|\S"
)
"""What stays on one line: a word, or a wide character with the punctuation that belongs to it."""


def columns(text: str) -> int:
    """Return how many columns a text takes in a terminal or a mail."""
    return sum(_width(character) for character in text)


def wrapped(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """Return the lines of a text; ``first`` and ``rest`` stand before the first and the others.

    A word that is wider than a line, such as an address, gets a line of its own.
    """
    lines, line, gap = [], first, ""
    bare = True  # whether the line has no word yet
    for piece in _PIECE.findall(text):
        if piece.isspace():
            gap = "" if bare else " "
        elif bare or columns(line + gap + piece) <= width:
            line, gap, bare = line + gap + piece, "", False
        else:
            lines.append(line)
            line, gap = rest + piece, ""
    return [*lines, line]


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
