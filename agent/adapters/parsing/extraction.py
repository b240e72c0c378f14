"""Makes text of what was fetched: HTML by trafilatura, PDF by PDFium, plain text as it is."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Final

from agent.adapters.parsing.pdf_text import read_pdf
from agent.domain.evidence import Page
from agent.domain.text import clean, one_line
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from trafilatura.settings import Document

HTML: Final = ("text/html", "application/xhtml+xml")
PDF: Final = "application/pdf"
PLAIN: Final = ("text/plain", "text/markdown", "text/x-markdown")
LONGEST_TITLE: Final = 200

STATED_DATES: Final = {"original_date": True, "extensive_search": False}
"""Only dates a page states of itself: one guessed from its text could wrongly shut it out."""

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


def extract(body: bytes, content_type: str, url: str) -> Page:
    """Return the page that was fetched from ``url``; raise PageUnreadable if it has no text."""
    mime = content_type.partition(";")[0].strip().lower()
    if body[:1024].lstrip().startswith(b"%PDF-") or mime == PDF:
        page = read_pdf(body, url)
    elif mime in HTML or (not mime and body.lstrip().startswith(b"<")):
        page = _read_html(decoded(body, content_type), url)
    elif mime in PLAIN or not mime:
        page = _read_plain(decoded(body, content_type), url)
    else:
        raise PageUnreadable(f"{url} is {mime}, which is not read")
    if not page.text:
        raise PageUnreadable(f"{url} has no text")
    return page


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


def _read_html(html: str, url: str) -> Page:
    from lxml.etree import LxmlError  # type: ignore[import-untyped]  # noqa: PLC0415 - with
    from trafilatura import bare_extraction  # noqa: PLC0415 - this 0.1 s, at the first page

    seen = LxmlError, AssertionError  # on random markup; the others are to be feared of parsers
    feared = ValueError, TypeError, LookupError, AttributeError, RecursionError
    try:
        document = bare_extraction(
            html,
            url=url,
            include_comments=False,
            include_tables=True,
            with_metadata=True,
            date_extraction_params=STATED_DATES,
        )
    except (*seen, *feared) as error:
        raise PageUnreadable(f"{url} is broken HTML: {type(error).__name__}") from error
    if document is None or isinstance(document, dict):
        raise PageUnreadable(f"{url} has no text")
    return _page_of(document, url)


def _page_of(document: Document, url: str) -> Page:
    authors = (one_line(name) for name in (document.author or "").split(";"))
    return Page(
        url=url,
        title=one_line(document.title or "")[:LONGEST_TITLE],
        text=clean(document.text or ""),
        authors=tuple(name for name in authors if name),
        published=_date(document.date or ""),
    )


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _read_plain(text: str, url: str) -> Page:
    text = clean(text)
    return Page(url, one_line(text.partition("\n")[0].lstrip("# "))[:LONGEST_TITLE], text)
