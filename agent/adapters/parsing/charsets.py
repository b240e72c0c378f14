"""Decodes bytes as browsers do: by what they say of themselves, and by what they can be."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from typing import Final

_IN_HEADER: Final = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_IN_PAGE: Final = re.compile(
    rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MEANT: Final = {
    "iso8859-1": "cp1252", "ascii": "cp1252",
    "gb2312": "gb18030", "gbk": "gb18030",
    "utf-16": "utf-8", "utf-16-le": "utf-8", "utf-16-be": "utf-8", "utf-7": "utf-8",
}  # fmt: skip
"""What browsers read these charsets as: supersets; UTF-16 without its mark is a slip."""


def decoded(body: bytes, content_type: str) -> str:
    """Decode by byte order mark, header, the page's own word, UTF-8, and what else it can be."""
    for mark, marked in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body.decode(marked, "replace")
    stated = _stated_charset(body, content_type)
    for charset in (stated, "utf-8", "gb2312"):  # western text is next to never valid GB 2312
        if charset:
            with suppress(UnicodeDecodeError, LookupError):  # not of that charset, or no charset
                return body.decode(charset)
    return body.decode("utf-8" if stated == "utf-8" else "cp1252", "replace")


def _stated_charset(body: bytes, content_type: str) -> str | None:
    header, page = _IN_HEADER.search(content_type), _IN_PAGE.search(body[:4096])
    name = header[1] if header else page[1].decode("ascii") if page else ""
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    return _MEANT.get(found, found)
