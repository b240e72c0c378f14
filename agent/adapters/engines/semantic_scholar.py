"""Searches Semantic Scholar, an index of papers in all fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from agent.adapters.engines.arxiv import LOOPBACK
from agent.adapters.engines.scholarly import (
    SECONDS,
    Service,
    at_home,
    count,
    day,
    items,
    part,
    text,
    web_addresses,
    words,
)
from agent.adapters.turnstile import Turnstile
from agent.domain.evidence import Hit, Publication
from agent.domain.identifiers import arxiv_id, doi, pmid
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import httpx

    from agent.domain.question import Scope, SourceKind

SEMANTIC_SCHOLAR: Final = "https://api.semanticscholar.org/graph/v1/paper/search"
FIELDS: Final = (
    "title,abstract,authors,publicationDate,venue,citationCount,openAccessPdf,externalIds,url"
)
MANNERS: Final = 1.0
"""Seconds between requests: what a key allows; without one they are fewer, shared by all."""
LONGEST_PAGE: Final = 100


class SemanticScholar:
    """Semantic Scholar's relevance search; without a key it is often too busy to answer."""

    name = "semantic-scholar"
    kind: SourceKind = "scholar"

    def __init__(
        self,
        client: httpx.AsyncClient,
        address: str = SEMANTIC_SCHOLAR,
        key: str = "",
        *,
        seconds: float = SECONDS,
        turnstile: Turnstile | None = None,
    ) -> None:
        """Wait by default at the turnstile all runs of this person share, on loopback at none."""
        if turnstile is None and urlsplit(address).hostname not in LOOPBACK:
            turnstile = Turnstile.shared("semantic-scholar", MANNERS)
        self._headers = {"x-api-key": key} if key else {}
        more = "try again later" if key else "set a free key of semanticscholar.org/product/api"
        self._service = Service(
            "Semantic Scholar", client, address, more=more, seconds=seconds, turnstile=turnstile
        )

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` papers, most relevant first; it knows nothing of languages."""
        answer = await self._service.ask(
            {
                "query": words(
                    query.replace("-", " ")
                ),  # its manual: a hyphenated term matches nothing
                "limit": str(min(limit, LONGEST_PAGE)),
                "fields": FIELDS,
                "publicationDateOrYear": _range(scope.since, scope.until),
            },
            self._headers,
        )
        found = answer.get("data", [] if answer.get("total") == 0 else None)
        if not isinstance(found, list):
            raise SearchFailed("Semantic Scholar answered without a list of papers")
        return [hit for hit in _hits(found) if scope.covers(hit.published)][:limit]


def _range(since: date | None, until: date | None) -> str:
    """Return the days as it writes them, an end left out for none; empty for no range at all."""
    ends = [day.isoformat() if day else "" for day in (since, until)]
    return ":".join(ends) if any(ends) else ""


def _hits(papers: list[Any]) -> Iterator[Hit]:
    for one in papers:
        ids = part(one, "externalIds")
        hit = Hit(
            kind="scholar",
            publication=Publication(
                doi=doi(text(part(ids, "DOI"))),
                arxiv_id=arxiv_id(text(part(ids, "ArXiv"))),
                pmid=pmid(f"PMID:{text(part(ids, 'PubMed'))}"),
                venue=text(part(one, "venue")),
                citations=count(part(one, "citationCount")),
                licence=text(part(one, "openAccessPdf", "license")),
            ),
            title=text(part(one, "title")),
            url=text(part(one, "url")),
            read_urls=web_addresses(part(one, "openAccessPdf", "url")),
            authors=tuple(text(part(author, "name")) for author in items(part(one, "authors"))),
            published=day(part(one, "publicationDate")),
            abstract=text(part(one, "abstract")),
        )
        if found := at_home(hit):
            yield found
