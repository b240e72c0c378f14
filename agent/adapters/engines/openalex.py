"""Searches OpenAlex, an open index of works in all fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.adapters.engines.scholarly import (
    SECONDS,
    Service,
    at_home,
    batches,
    count,
    day,
    items,
    part,
    text,
    web_addresses,
    words,
)
from agent.domain.evidence import Hit, Publication
from agent.domain.identifiers import arxiv_id, doi, pmid
from agent.domain.text import one_line
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import httpx

    from agent.domain.question import Scope, SourceKind

OPENALEX: Final = "https://api.openalex.org/works"
FIELDS: Final = (
    "id,doi,ids,display_name,authorships,publication_date,abstract_inverted_index,cited_by_count,"
    "is_retracted,primary_location,best_oa_location,locations"
)
LONGEST_ABSTRACT: Final = 20_000
"""Words: what lies further on is no abstract, and a made-up position takes no memory."""
LONGEST_PAGE: Final = 100


class OpenAlex:
    """OpenAlex's works; without a key it answers about a hundred searches a day."""

    name = "openalex"
    kind: SourceKind = "scholar"

    def __init__(
        self,
        client: httpx.AsyncClient,
        address: str = OPENALEX,
        mailto: str = "",
        key: str = "",
        *,
        seconds: float = SECONDS,
    ) -> None:
        """``mailto`` is told to OpenAlex, so that it can write rather than shut us out."""
        self._asked_by = {"mailto": mailto, "api_key": key}
        more = "try again tomorrow" if key else "set a free key of openalex.org/settings/api"
        self._service = Service("OpenAlex", client, address, more=more, seconds=seconds)

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` works, most relevant first."""
        filters = {
            "from_publication_date": scope.since and scope.since.isoformat(),
            "to_publication_date": scope.until and scope.until.isoformat(),
            "language": scope.language,
        }
        answer = await self._service.ask(
            {
                "search": words(query),
                "filter": ",".join(f"{name}:{value}" for name, value in filters.items() if value),
                "per_page": str(min(limit, LONGEST_PAGE)),
                "select": FIELDS,
                **self._asked_by,
            }
        )
        works = answer.get("results")
        if not isinstance(works, list):
            raise SearchFailed("OpenAlex answered without a list of results")
        return [hit for hit in _hits(works) if scope.covers(hit.published)][:limit]

    async def retracted(self, dois: Sequence[str]) -> frozenset[str]:
        """Return those of some DOIs whose works are retracted."""
        found: set[str] = set()
        for batch in batches(dois):
            answer = await self._service.ask(
                {
                    "filter": f"doi:{'|'.join(batch)}",
                    "per_page": str(len(batch)),
                    "select": "doi,is_retracted",
                    **self._asked_by,
                }
            )
            found.update(
                doi(text(part(work, "doi")))
                for work in items(part(answer, "results"))
                if part(work, "is_retracted") is True
            )
        return frozenset(found)


def _hits(works: list[Any]) -> Iterator[Hit]:
    for work in works:
        best, primary = part(work, "best_oa_location"), part(work, "primary_location")
        addresses = [part(place, "landing_page_url") for place in items(part(work, "locations"))]
        hit = Hit(
            kind="scholar",
            publication=Publication(
                doi=doi(text(part(work, "doi")) or text(part(work, "ids", "doi"))),
                arxiv_id=_arxiv_id(work, addresses),
                pmid=pmid(text(part(work, "ids", "pmid"))),
                venue=text(part(primary, "source", "display_name")),
                citations=count(part(work, "cited_by_count")),
                retracted=part(work, "is_retracted") is True,
                licence=text(part(best, "license")),
            ),
            title=text(part(work, "display_name")),
            url=text(part(primary, "landing_page_url")) or text(part(work, "id")),
            read_urls=web_addresses(part(best, "pdf_url")),
            authors=tuple(
                text(part(authorship, "author", "display_name"))
                for authorship in items(part(work, "authorships"))
            ),
            published=day(part(work, "publication_date")),
            abstract=abstract(part(work, "abstract_inverted_index")),
        )
        if found := at_home(hit, web_addresses(part(best, "landing_page_url"))):
            yield found


def _arxiv_id(work: object, addresses: list[Any]) -> str:
    """Return the id of a work that is at arXiv, which OpenAlex lists only as a location."""
    known = (text(part(work, "doi")), *map(text, addresses))
    return next(filter(None, map(arxiv_id, known)), "")


def abstract(index: object) -> str:
    """Return the text of an inverted index: each word with the places it stands at."""
    placed: dict[int, str] = {}
    for word, places in index.items() if isinstance(index, dict) else ():
        for place in map(count, items(places)):
            if place is not None and place < LONGEST_ABSTRACT:
                placed[place] = text(word)
    return one_line(" ".join(placed[place] for place in sorted(placed)))
