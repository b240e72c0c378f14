"""What was found and read: hits, pages, sources, passages, and what failed."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date, datetime

    from agent.domain.coverage import Covered
    from agent.domain.question import SourceKind


ONLY_ABSTRACT: Final = "only the abstract could be read"
"""The note on a source of which the full text could not be had."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What is known of a work beyond the page it stands on.

    ``doi`` is in lower case without a resolver's address, ``arxiv_id`` without its version.
    ``citations`` is None if nobody counted them.
    """

    doi: str = ""
    arxiv_id: str = ""
    pmid: str = ""
    venue: str = ""
    citations: int | None = None
    retracted: bool = False
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result, not yet read.

    ``url`` is what a report links to; ``read_urls`` are the addresses of its full text, tried
    in order (for a web page the same address). ``abstract`` is a text good enough to cite if
    none of them can be read; empty when a snippet is all there is.
    """

    kind: SourceKind
    url: str
    title: str
    snippet: str = ""
    read_urls: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    published: date | None = None
    abstract: str = ""
    publication: Publication = Publication()


@dataclass(frozen=True, slots=True)
class Page:
    """The text of one page as read, cleaned, with what it says of itself.

    ``canonical_url`` is the address the page gives itself, empty if it gives none, and ``site``
    the site's name. ``page_starts`` are the offsets into the text at which the pages of a paged
    document begin; empty for others. ``injections`` are the stretches of the text that give
    orders to language models, None if nobody has looked for any.
    """

    url: str
    title: str
    text: str
    authors: tuple[str, ...] = ()
    published: date | None = None
    site: str = ""
    canonical_url: str = ""
    publication: Publication = Publication()
    page_starts: tuple[int, ...] = ()
    injections: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A document that was read; its text lies in the document store under ``sha256``.

    ``spans`` are its passages, as (start, end) character offsets into that text; passage
    ``S3.1`` is the first span of source ``S3``. ``note`` says what a reader should know of
    the reading, for example that only the abstract could be read. ``page_starts`` are as in Page.
    ``work`` is the id of the first source that is the same work: mirrors and copies share it.
    ``injections`` counts stretches of the text that give orders to language models. ``read_url``
    is where the text really stood, empty if that was nowhere but in a search's answer.
    """

    id: str
    kind: SourceKind
    url: str
    title: str
    sha256: str
    read_at: datetime
    spans: tuple[tuple[int, int], ...]
    authors: tuple[str, ...] = ()
    published: date | None = None
    note: str = ""
    site: str = ""
    publication: Publication = Publication()
    page_starts: tuple[int, ...] = ()
    work: str = ""
    injections: int = 0
    read_url: str = ""
    canonical_url: str = ""

    def page(self, offset: int) -> int | None:
        """Return the page, from 1, on which a character stands; None without pages."""
        return bisect_right(self.page_starts, offset) or None

    def span(self, passage: str) -> tuple[int, int] | None:
        """Return the offsets of a passage id, or None if this source has no such passage."""
        source, _, number = passage.partition(".")
        if source != self.id or not number.isascii() or not number.isdecimal():
            return None
        index = int(number) - 1
        return self.spans[index] if 0 <= index < len(self.spans) else None


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that was tried and did not work, said aloud in the report."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Search:
    """One query put to one engine; ``hits`` is None if it failed, which is not the same as 0."""

    engine: str
    kind: SourceKind
    query: str
    hits: int | None


@dataclass(frozen=True, slots=True)
class Considered:
    """A work that was found: whether it was chosen to be read, why, and by whom it was found.

    ``sub_question`` is the id of the one it was chosen for, empty if it was passed over.
    """

    url: str
    title: str
    chosen: bool
    why: str
    sub_question: str
    found_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was asked and read so far, and all that could not be.

    ``coverage`` says how well what was read covers each sub-question. ``passed_over`` are addresses
    that an earlier run found and did not read: to find them again is no news.
    """

    searches: tuple[Search, ...] = ()
    sources: tuple[Source, ...] = ()
    failures: tuple[Failure, ...] = ()
    considered: tuple[Considered, ...] = ()
    coverage: tuple[Covered, ...] = ()
    passed_over: tuple[str, ...] = ()

    @property
    def silent(self) -> tuple[SourceKind, ...]:
        """The kinds of which not one search came back: what they hold is unknown, not absent."""
        answered = {search.kind for search in self.searches if search.hits is not None}
        asked = dict.fromkeys(search.kind for search in self.searches)
        return tuple(kind for kind in asked if kind not in answered)

    @property
    def independent(self) -> int:
        """How many of the sources are different works."""
        return len({source.work or source.id for source in self.sources})

    def was_asked(self, engine: str, query: str) -> bool:
        """Whether an engine has had a query already, however it was spaced or capitalised."""
        return any(
            search.engine == engine and _folded(search.query) == _folded(query)
            for search in self.searches
        )

    def source_of(self, passage: str) -> Source | None:
        """Return the source a passage id belongs to, if both exist."""
        for source in self.sources:
            if source.span(passage) is not None:
                return source
        return None


def _folded(query: str) -> str:
    return " ".join(query.casefold().split())
