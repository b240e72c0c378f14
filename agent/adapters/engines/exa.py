"""Searches the web through Exa, which finds by meaning."""

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

EXA: Final = "https://api.exa.ai/search"
KEY: Final = "EXA_API_KEY"
MOST: Final = 100


class Exa:
    """Exa's index; without contents, which cost more and are read by us anyway."""

    name = "exa"
    kind: SourceKind = "web"

    def __init__(self, key: str, client: httpx.AsyncClient, address: str = EXA) -> None:
        self._api = JsonApi("Exa", client, mends_of_a_key(KEY, "dashboard.exa.ai"), key)
        self._address = address

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` hits, nearest in meaning first."""
        asked = {
            "query": query,
            "type": "auto",
            "numResults": min(limit, MOST),
            "startPublishedDate": scope.since and f"{scope.since}T00:00:00.000Z",
            "endPublishedDate": scope.until and f"{scope.until}T23:59:59.999Z",
            "includeDomains": scope.only_sites,
            # Exa takes one list or the other; what is left of the other is checked afterwards
            "excludeDomains": () if scope.only_sites else scope.without_sites,
        }
        answer = await self._api.post(
            self._address,
            {name: value for name, value in asked.items() if value},
            {"x-api-key": self._api.secret},
        )
        results = answer.get("results")
        if not isinstance(results, list):
            raise SearchFailed("Exa answered without a list of results")
        return admitted(map(_hit, results), scope, limit)


def _hit(result: Any) -> Hit:  # noqa: ANN401 - what JSON holds is any value
    author = text(part(result, "author"))
    return Hit(
        kind="web",
        url=text(part(result, "url")),
        title=text(part(result, "title")),
        authors=(author,) if author else (),
        published=published(part(result, "publishedDate")),
    )
