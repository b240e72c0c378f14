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
    pieces, glue, longest = _pieces(words)
    if len(pieces) <= 2 * longest:
        return _encoded(glue.join(pieces))
    return ",".join(_encoded(glue.join(end)) for end in (pieces[:longest], pieces[-longest:]))


def _pieces(words: str) -> tuple[list[str], str, int]:
    if _CJK.search(words) and len(words.split()) <= len(words) // _ENDS_IN_CJK_CHARACTERS:
        return list(" ".join(words.split())), "", _ENDS_IN_CJK_CHARACTERS
    return words.split(), " ", _ENDS_IN_WORDS


def _encoded(words: str) -> str:
    """Percent-encode; a hyphen too, as it marks context in a text fragment."""
    return quote(words, safe="", errors="replace").replace("-", "%2D")
