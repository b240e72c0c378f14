"""Makes hits of papers as the arxiv package returns them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from agent.domain.evidence import Hit, Publication
from agent.domain.identifiers import arxiv_id, doi
from agent.domain.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_SITE: Final = re.compile(r"https?://(?:(?:www|export)\.)?arxiv\.org/", re.IGNORECASE)
_PDF: Final = re.compile(r"https://arxiv\.org/pdf/(?P<id>.+?)(?:\.pdf)?")
_WITHDRAWN_COMMENT: Final = re.compile(
    r"\bwithdrawn\b(?! from (?!arxiv\b))(?<!not withdrawn)", re.IGNORECASE
)
"""A paper withdrawn from a conference may stand as it is."""
_WITHDRAWN_SUMMARY: Final = re.compile(
    r"^\W*withdrawn\b|\b(?:th(?:is|e) (?:\w+ )?(?:paper|article|submission|manuscript|preprint|note"
    r"|work|letter|version|thesis|report)|it) (?:has been|have been|was|is)(?: \w+)? withdrawn\b"
    r"|\bwithdrawn by (?:the )?(?:authors?\b|arxiv\b|submitter\b)",
    re.IGNORECASE,
)


def hit(paper: Any) -> Hit:  # noqa: ANN401 - the package ships no types
    """Return the hit of a paper; its address names the version that was found."""
    address = _secure(paper.entry_id)
    summary, comment = one_line(paper.summary), one_line(paper.comment or "")
    withdrawn = _WITHDRAWN_COMMENT.search(comment) or _WITHDRAWN_SUMMARY.search(summary)
    return Hit(
        kind="arxiv",
        url=address,
        title=one_line(paper.title),
        read_urls=tuple(_full_text(_secure(paper.pdf_url or ""))),
        authors=tuple(filter(None, (one_line(author.name) for author in paper.authors))),
        published=paper.published.date(),
        abstract=summary,
        publication=Publication(
            doi=doi(paper.doi or ""),
            arxiv_id=arxiv_id(address.partition("/abs/")[2]),
            venue=one_line(paper.journal_ref or ""),
            retracted=withdrawn is not None,
        ),
    )


def editions(name: str) -> tuple[str, str]:
    """Return where a paper is read: as HTML, whose text keeps its order, and as PDF."""
    return f"https://arxiv.org/html/{name}", f"https://arxiv.org/pdf/{name}"


def _full_text(pdf: str) -> Iterator[str]:
    """Yield the addresses of the text; no feed tells of HTML, and other hosts may have none."""
    if own := _PDF.fullmatch(pdf):
        yield from editions(own["id"])
    elif pdf.startswith(("http://", "https://")):
        yield pdf


def _secure(url: str) -> str:
    """Return arXiv's address with https, which its feed does not use though its site does."""
    return _SITE.sub("https://arxiv.org/", one_line(url), count=1)
