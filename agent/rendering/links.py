"""Decides which addresses may become links, and points links at a quote inside a page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from agent.domain.evidence import ONLY_ABSTRACT
from agent.domain.fragments import ends_of

if TYPE_CHECKING:
    from agent.domain.evidence import Source

_LINKABLE: Final = re.compile(r"https?://(?!%5B)[^/?#]+|file:///", re.IGNORECASE)
"""No bare IPv6 address: its brackets would not be safe in Markdown. And a file link without the
third slash would make some systems log in to a stranger's server."""

_KEPT: Final = "%/:?#@!$&*+,;=~"
"""Reserved characters that keep their meaning; quotes, brackets and white space are encoded."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def linkable(url: str) -> str | None:
    """Return the address in ASCII, safe inside any markup, or None if it may not be a link."""
    encoded = quote(url.strip(), safe=_KEPT, errors="replace")
    return encoded if _LINKABLE.match(encoded) else None


def at_quote(source: Source, words: str, offset: int = 0, before: str = "") -> str | None:
    """Return a link that opens a source at the quote, None where that cannot be.

    A web page opens at the words (a text fragment), told apart from others by those ``before``; a
    document with pages at the page.
    """
    stands = source.kind == "web" or source.note == ONLY_ABSTRACT  # on the page that is linked to
    url = linkable(source.read_url or (source.url if stands else ""))
    if url is None or not url.lower().startswith("http"):
        return None
    page = source.page(offset)
    if page is not None:
        return f"{url.partition('#')[0]}#page={page}"
    separator = ":~:" if "#" in url else "#:~:"
    return f"{url}{separator}text={_fragment(words, before)}"


def own_address(reference: str, source: Source) -> tuple[str, str, str]:
    """Part a written reference at the address of its own source; without one all of it is before.

    Nothing else in it may become a link: titles and names come from outside.
    """
    doi = source.publication.doi
    for address in (linkable(f"https://doi.org/{doi}") if doi else None, linkable(source.url)):
        before, found, after = reference.partition(address or "\n")
        if found:
            return before, found, after
    return reference, "", ""


def stored_text(sha256: str) -> str | None:
    """Return the address of the stored text, from the report's own folder."""
    return f"documents/{sha256}.txt" if _SHA256.fullmatch(sha256) else None


def _fragment(words: str, before: str) -> str:
    begins, ends = ends_of(words)
    named = f"{_encoded(begins)},{_encoded(ends)}" if ends else _encoded(begins)
    return f"{_encoded(before)}-,{named}" if before else named


def _encoded(words: str) -> str:
    """Percent-encode; a hyphen too, as it marks context in a text fragment."""
    return quote(words, safe="", errors="replace").replace("-", "%2D")
