"""Undoes the packing of a body, never past a cap however well it was packed."""

from __future__ import annotations

import zlib
from typing import Final

from agent.errors import PageUnreadable

MOST_BYTES: Final = 10_000_000
GZIP: Final = b"\x1f\x8b"
GZIP_OR_ZLIB: Final = 47
RAW: Final = -15
"""Window sizes by which zlib knows what it is given."""


def unpacked(body: bytes, encoding: str, url: str, *, most: int = MOST_BYTES) -> bytes:
    """Return a body as it was before gzip or deflate; raise PageUnreadable past ``most`` bytes."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip" | "deflate":
            inflater = zlib.decompressobj(GZIP_OR_ZLIB if _has_header(body) else RAW)
        case other:
            raise PageUnreadable(f"{url} is packed as {other}, which was not asked for")
    try:
        plain = inflater.decompress(body, most + 1)
    except zlib.error as error:
        raise PageUnreadable(f"{url} is badly packed: {error}") from error
    if len(plain) > most:
        raise PageUnreadable(f"{url} has more than {most:,} bytes unpacked")
    if not inflater.eof or inflater.unused_data.startswith(GZIP):
        raise PageUnreadable(f"{url} is badly packed: in parts, or its end is missing")
    return plain


def _has_header(body: bytes) -> bool:
    """Whether a packed body begins as gzip or zlib; some servers send deflate without."""
    return body.startswith(GZIP) or (
        body[:1] == b"\x78" and int.from_bytes(body[:2], "big") % 31 == 0
    )
