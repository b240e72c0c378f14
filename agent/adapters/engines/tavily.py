"""Searches the web through Tavily."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.adapters.engines.json_api import JsonApi, mends_of_a_key
from agent.adapters.engines.narrowing import admitted
from agent.adapters.engines.published import published
from agent.adapters.engines.scholarly import part, text
from agent.domain.evidence import Hit
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from agent.domain.question import Scope, SourceKind

TAVILY: Final = "https://api.tavily.com/search"
KEY: Final = "TAVILY_API_KEY"
MOST: Final = 20


class Tavily:
    """Tavily's general search; it has no option for a language, the query's own decides."""

    name = "tavily"
    kind: SourceKind = "web"

    def __init__(self, key: str, client: httpx.AsyncClient, address: str = TAVILY) -> None:
        self._api = JsonApi("Tavily", client, mends_of_a_key(KEY, "app.tavily.com"), key)
        self._address = address

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` hits, most relevant first."""
        asked = {
            "query": query,
            "max_results": min(limit, MOST),
            "start_date": scope.since and scope.since.isoformat(),
            "end_date": scope.until and scope.until.isoformat(),
            "include_domains": scope.only_sites,
            "exclude_domains": scope.without_sites,
        }
        answer = await self._api.post(
            self._address,
            {name: value for name, value in asked.items() if value},
            {"Authorization": f"Bearer {self._api.secret}"},
        )
        results = answer.get("results")
        if not isinstance(results, list):
            raise SearchFailed("Tavily answered without a list of results")
        return admitted(map(_hit, results), scope, limit)


def _hit(result: Any) -> Hit:  # noqa: ANN401 - what JSON holds is any value
    return Hit(
        kind="web",
        url=text(part(result, "url")),
        title=text(part(result, "title")),
        snippet=text(part(result, "content")),
        published=published(part(result, "published_date")),
    )
