"""Reads the article of a web page, and leaves out what stands around it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from lxml.etree import LxmlError  # type: ignore[import-untyped]
from trafilatura import bare_extraction
from trafilatura.utils import load_html

from agent.adapters.parsing.html_metadata import Statements, stated
from agent.domain.evidence import Page
from agent.domain.text import clean, one_line
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from trafilatura.settings import Document

LONGEST_TITLE: Final = 200
STATED_DATES: Final = {"original_date": True, "extensive_search": False}
"""Only dates a page states of itself: one guessed from its text could wrongly shut it out."""

_RAISED: Final = (
    LxmlError, AssertionError,  # seen on random markup; the others are to be feared of parsers
    ValueError, TypeError, LookupError, AttributeError, RecursionError,
)  # fmt: skip


def read_html(html: str, url: str) -> Page:
    """Return the article of a page; raise PageUnreadable if there is none."""
    try:
        tree = load_html(html)
        if tree is None:  # where memory runs out, lxml may say no more than this
            what = "is broken HTML: it makes no tree" if html.strip() else "has no text"
            raise PageUnreadable(f"{url} {what}")
        statements = stated(tree, url)
        document = bare_extraction(
            tree,
            url=url,
            include_comments=False,
            include_tables=True,
            with_metadata=True,
            date_extraction_params=STATED_DATES,
        )
    except _RAISED as error:
        raise PageUnreadable(f"{url} is broken HTML: {type(error).__name__}") from error
    if document is None or isinstance(document, dict):
        raise PageUnreadable(f"{url} has no text")
    return _page(document, statements, url)


def _page(document: Document, statements: Statements, url: str) -> Page:
    authors = (one_line(name) for name in (document.author or "").split(";"))
    return Page(
        url=url,
        title=one_line(document.title or "")[:LONGEST_TITLE],
        text=clean(document.text or ""),
        authors=statements.authors or tuple(name for name in authors if name),
        published=_date(document.date or ""),
        site=statements.site,
        canonical_url=statements.canonical_url,
        publication=statements.publication(licence=one_line(document.license or "")),
    )


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
