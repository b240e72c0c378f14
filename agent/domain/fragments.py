"""Names a quote by how it begins and ends, and by what stands before it if that is not enough.

The terms are those of URL text fragments (https://wicg.github.io/scroll-to-text-fragment/).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_CJK: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_ENDS_IN_WORDS: Final = 6
_ENDS_IN_CJK_CHARACTERS: Final = 12
"""Enough to be found once in most pages, and short enough to stay inside one paragraph."""

_CLAUSE: Final = re.compile(r"[^，。；：、！？]+[，。；：、！？]*")
"""Browsers match whole words only, and where words end in Chinese is sure at punctuation alone."""

_WORDS_BEFORE: Final = 4
_MOST_WORDS_BEFORE: Final = 12
_REACH: Final = 200
"""Characters before a quote in which the words before it are looked for."""


class Ends(NamedTuple):
    """How a quote begins and, if it is long, how it ends."""

    begins: str
    ends: str = ""


def ends_of(quote: str) -> Ends:
    """Return a quote itself if it is short, else how it begins and ends."""
    words = " ".join(quote.split())
    return _ends_in_cjk(words) if _is_cjk(words) else _ends_in_words(words)


def words_before(text: str, start: int, end: int) -> str:
    """Return the words right before a quote, if what it begins with stands earlier in the text.

    Empty if it does not, or if nothing stands before it on its line: whoever looks from the top of
    the page then finds the quote, or the twin of its beginning, first.
    """
    begins = ends_of(text[start:end]).begins
    if _first(begins, text) >= start:
        return ""
    line = text[max(0, start - _REACH) : start].rpartition("\n")[2]
    if len(line) == _REACH:  # it may begin within a word
        line = line.partition(" ")[2]
    if _is_cjk(line.strip()):
        return "".join(_CLAUSE.findall(line)[-1:]).strip()
    words = line.split()[-_MOST_WORDS_BEFORE:]
    for count in range(min(_WORDS_BEFORE, len(words)), len(words)):
        before = " ".join(words[-count:])
        if _first(f"{before} {begins}", text) >= start - _REACH:
            return before
    return " ".join(words)


def _first(words: str, text: str) -> int:
    """Return where the words stand first, as a browser looks for them, or behind the text."""
    found = re.search(r"\s+".join(map(re.escape, words.split())), text, re.IGNORECASE)
    return found.start() if found else len(text)


def _is_cjk(words: str) -> bool:
    """Whether the text is written without spaces between its words."""
    return bool(_CJK.search(words)) and len(words.split()) <= len(words) // _ENDS_IN_CJK_CHARACTERS


def _ends_in_words(words: str) -> Ends:
    pieces = words.split(" ")
    if len(pieces) <= 2 * _ENDS_IN_WORDS:
        return Ends(words)
    return Ends(" ".join(pieces[:_ENDS_IN_WORDS]), " ".join(pieces[-_ENDS_IN_WORDS:]))


def _ends_in_cjk(words: str) -> Ends:
    """Take whole clauses from both ends, as many as are long enough to be found once."""
    clauses = _CLAUSE.findall(words)
    if len(words) <= 2 * _ENDS_IN_CJK_CHARACTERS or len(clauses) < 2:  # noqa: PLR2004  # two ends
        return Ends(words)
    begins, ends = clauses[0], clauses[-1]
    middle = clauses[1:-1]
    while middle and len(begins) < _ENDS_IN_CJK_CHARACTERS:
        begins += middle.pop(0)
    while middle and len(ends) < _ENDS_IN_CJK_CHARACTERS:
        ends = middle.pop() + ends
    return Ends(begins, ends)
