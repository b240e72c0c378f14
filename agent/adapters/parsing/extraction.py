"""Makes a page of what was fetched, whatever format it is in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agent.adapters.parsing.charsets import decoded
from agent.adapters.parsing.formats import format_of
from agent.domain.evidence import Page
from agent.domain.text import clean, one_line
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_TITLE: Final = 200


def extract(body: bytes, content_type: str, url: str) -> Page:
    """Return the page that was fetched from ``url``; raise PageUnreadable if it has no text."""
    page = _reader(format_of(body, content_type, url))(body, content_type, url)
    if not page.text:
        raise PageUnreadable(f"{url} has no text")
    return replace(page, injections=_injections(page.text))


def _injections(text: str) -> tuple[tuple[int, int], ...]:
    """Look for orders to models here, where another process can: the rules take time to load."""
    from agent.domain.injection import injections  # noqa: PLC0415

    return injections(text)


def _reader(name: str) -> Callable[[bytes, str, str], Page]:
    """Return the reader of a format; each is loaded at its first document."""
    match name:
        case "html":
            from agent.adapters.parsing.html_text import read_html  # noqa: PLC0415

            return lambda body, content_type, url: read_html(decoded(body, content_type), url)
        case "pdf":
            from agent.adapters.parsing.pdf_text import read_pdf  # noqa: PLC0415

            return lambda body, _, url: read_pdf(body, url)
        case "docx":
            from agent.adapters.parsing.docx_text import read_docx  # noqa: PLC0415

            return lambda body, _, url: read_docx(body, url)
        case "csv":
            from agent.adapters.parsing.csv_text import read_csv  # noqa: PLC0415

            return lambda body, content_type, url: read_csv(decoded(body, content_type), url)
    return lambda body, content_type, url: _read_plain(decoded(body, content_type), url)


def _read_plain(text: str, url: str) -> Page:
    text = clean(text)
    return Page(url, one_line(text.partition("\n")[0].lstrip("# "))[:LONGEST_TITLE], text)
