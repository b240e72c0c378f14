"""Carries requests and pages over the pipes between us and our workers.

A frame is two lengths, a JSON object and a body of bytes. It is no pickle: a hostile document
that has taken over a worker can send us wrong words, but no code.
"""

from __future__ import annotations

import json
import struct
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from agent.domain.evidence import Page, Publication
from agent.domain.text import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

LENGTHS: Final = struct.Struct("!II")
LONGEST: Final = 64_000_000
"""Bytes of one part of a frame: three times the largest file that is read."""


class FrameBroken(ValueError):
    """What came over the pipe is no frame of ours."""


def packed(head: Mapping[str, object], body: bytes = b"") -> bytes:
    """Return a frame."""
    text = json.dumps(head).encode()
    return LENGTHS.pack(len(text), len(body)) + text + body


def lengths(prefix: bytes) -> tuple[int, int]:
    """Return how long the two parts of a frame are; raise FrameBroken if one is too long."""
    head, body = LENGTHS.unpack(prefix)
    if max(head, body) > LONGEST:
        raise FrameBroken(f"a frame of {head + body:,} bytes")
    return head, body


def unpacked_head(text: bytes) -> dict[str, Any]:
    """Return a frame's JSON object."""
    try:
        head = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FrameBroken("a frame without JSON") from error
    if not isinstance(head, dict):
        raise FrameBroken("a frame without an object")
    return head


def packed_page(page: Page) -> bytes:
    """Return a page as a frame; its text is the body, which JSON would make twice as slow."""
    work = page.publication
    head = {
        "title": page.title,
        "authors": page.authors,
        "published": page.published.isoformat() if page.published else "",
        "site": page.site,
        "canonical_url": page.canonical_url,
        "doi": work.doi,
        "arxiv_id": work.arxiv_id,
        "pmid": work.pmid,
        "venue": work.venue,
        "licence": work.licence,
        "page_starts": page.page_starts,
        "injections": page.injections,
    }
    return packed(head, page.text.encode())


def unpacked_page(head: Mapping[str, Any], body: bytes, url: str) -> Page:
    """Return the page a frame holds, cleaned anew; raise FrameBroken if it holds none."""
    try:
        text = body.decode()
        if text != clean(text):
            raise FrameBroken("a text that was not cleaned")
        return Page(
            url=url,
            title=_words(head["title"]),
            text=text,
            authors=tuple(_words(name) for name in head["authors"]),
            published=date.fromisoformat(head["published"]) if head["published"] else None,
            site=_words(head["site"]),
            canonical_url=_words(head["canonical_url"]),
            publication=Publication(
                doi=_words(head["doi"]),
                arxiv_id=_words(head["arxiv_id"]),
                pmid=_words(head["pmid"]),
                venue=_words(head["venue"]),
                licence=_words(head["licence"]),
            ),
            page_starts=_offsets(head["page_starts"], len(text)),
            injections=_spans(head["injections"], len(text)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FrameBroken(f"a frame without a page: {error}") from error


def _words(value: object) -> str:
    if not isinstance(value, str):
        raise FrameBroken(f"{type(value).__name__} for a text")
    return one_line(value)


def _spans(values: object, length: int) -> tuple[tuple[int, int], ...] | None:
    """Return stretches of a text of that length, None if nobody has looked for any."""
    if values is None:
        return None
    if not isinstance(values, list) or not all(isinstance(value, list) for value in values):
        raise FrameBroken("no stretches")
    ends = _offsets([end for value in values for end in value], length)
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def _offsets(values: object, length: int) -> tuple[int, ...]:
    """Return offsets that do not fall and lie in a text of that length."""
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise FrameBroken("no offsets")
    if values != sorted(values) or (values and not 0 <= values[0] <= values[-1] <= length):
        raise FrameBroken("offsets that lie in no text")
    return tuple(values)
