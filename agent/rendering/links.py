"""Decides which addresses may become links, and points links at a quote inside a page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from agent.domain.evidence import ONLY_ABSTRACT

if TYPE_CHECKING:
    from agent.domain.evidence import Source

_LINKABLE: Final = re.compile(r"https?://(?!%5B)[^/?#]+|file:///", re.IGNORECASE)
"""No bare IPv6 address: its brackets would not be safe in Markdown. And a file link without the
third slash would make some systems log in to a stranger's server."""

_KEPT: Final = "%/:?#@!$&*+,;=~"
"""Reserved characters that keep their meaning; quotes, brackets and white space are encoded."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")

_CJK: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_ENDS_IN_WORDS: Final = 6
_ENDS_IN_CJK_CHARACTERS: Final = 12
"""Enough to be found once in a page, and short enough to stay inside one of its paragraphs."""

_CLAUSE: Final = re.compile(r"[^，。；：、！？]+[，。；：、！？]*")
"""Browsers match whole words only, and where words end in Chinese is sure at punctuation alone."""


def linkable(url: str) -> str | None:
    """Return the address in ASCII, safe inside any markup, or None if it may not be a link."""
    encoded = quote(url.strip(), safe=_KEPT, errors="replace")
    return encoded if _LINKABLE.match(encoded) else None


def at_quote(source: Source, words: str, offset: int = 0) -> str | None:
    """Return a link that opens a source at the quote, None where that cannot be.

    A web page opens at the words (a text fragment), a document with pages at the page.
    """
    stands = source.kind == "web" or source.note == ONLY_ABSTRACT  # on the page that is linked to
    url = linkable(source.read_url or (source.url if stands else ""))
    if url is None or not url.lower().startswith("http"):
        return None
    page = source.page(offset)
    if page is not None:
        return f"{url.partition('#')[0]}#page={page}"
    separator = ":~:" if "#" in url else "#:~:"
    return f"{url}{separator}text={_fragment(words)}"


def stored_text(sha256: str) -> str | None:
    """Return the address of the stored text, from the report's own folder."""
    return f"documents/{sha256}.txt" if _SHA256.fullmatch(sha256) else None


def _fragment(words: str) -> str:
    """Name a quote by itself if short, else by how it begins and ends."""
    words = " ".join(words.split())
    begins, ends = _ends_in_cjk(words) if _is_cjk(words) else _ends_in_words(words)
    return f"{_encoded(begins)},{_encoded(ends)}" if ends else _encoded(begins)


def _is_cjk(words: str) -> bool:
    """Whether the text is written without spaces between its words."""
    return bool(_CJK.search(words)) and len(words.split()) <= len(words) // _ENDS_IN_CJK_CHARACTERS


def _ends_in_words(words: str) -> tuple[str, str]:
    pieces = words.split(" ")
    if len(pieces) <= 2 * _ENDS_IN_WORDS:
        return words, ""
    return " ".join(pieces[:_ENDS_IN_WORDS]), " ".join(pieces[-_ENDS_IN_WORDS:])


def _ends_in_cjk(words: str) -> tuple[str, str]:
    """Take whole clauses from both ends, as many as are long enough to be found once."""
    clauses = _CLAUSE.findall(words)
    if len(words) <= 2 * _ENDS_IN_CJK_CHARACTERS or len(clauses) < 2:  # noqa: PLR2004  # two ends
        return words, ""
    begins, ends = clauses[0], clauses[-1]
    middle = clauses[1:-1]
    while middle and len(begins) < _ENDS_IN_CJK_CHARACTERS:
        begins += middle.pop(0)
    while middle and len(ends) < _ENDS_IN_CJK_CHARACTERS:
        ends = middle.pop() + ends
    return begins, ends


def _encoded(words: str) -> str:
    """Percent-encode; a hyphen too, as it marks context in a text fragment."""
    return quote(words, safe="", errors="replace").replace("-", "%2D")
