"""Searches the web through a SearXNG instance of one's own."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from agent.adapters.engines.json_api import JsonApi
from agent.adapters.engines.narrowing import admitted, narrowest, with_sites
from agent.adapters.engines.published import published
from agent.adapters.engines.scholarly import items, part, text
from agent.domain.evidence import Hit
from agent.domain.text import one_line
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from agent.domain.question import Scope, SourceKind

RANGES: Final = {1: "day", 7: "week", 30: "month", 365: "year"}
"""Days back, and what SearXNG calls them; further back it knows no range."""
ENABLE: Final = "enable the json format under search.formats in settings.yml"
MENDS: Final[Mapping[int, str]] = {
    HTTPStatus.OK: ENABLE,
    HTTPStatus.FORBIDDEN: ENABLE,
    HTTPStatus.TOO_MANY_REQUESTS: "wait, or switch off server.limiter in settings.yml",
}


class SearXNG:
    """A SearXNG instance; its address is the user's own and may be private."""

    name = "searxng"
    kind: SourceKind = "web"

    def __init__(self, base_url: str, client: httpx.AsyncClient) -> None:
        self._address = f"{base_url.rstrip('/')}/search"
        self._called = f"SearXNG at {urlsplit(base_url).hostname}"  # no credentials in messages
        self._api = JsonApi(self._called, client, MENDS, redirects=True)

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` hits; those outside the scope are left out."""
        asked = {
            "q": with_sites(query, scope),
            "format": "json",
            "language": scope.language,
            "pageno": "1",
        }
        if span := narrowest(RANGES, scope.since):
            asked["time_range"] = span
        answer = await self._api.get(self._address, asked)
        results = answer.get("results")
        if not isinstance(results, list):
            raise SearchFailed(f"{self._called} answered without a list of results")
        found = admitted(map(_hit, results), scope, limit)
        if not found and (silent := _unresponsive(answer)):
            raise SearchFailed(f"{self._called}: no results, and no answer from {silent}")
        return found


def _hit(result: Any) -> Hit:  # noqa: ANN401 - what JSON holds is any value
    return Hit(
        kind="web",
        url=text(part(result, "url")),
        title=text(part(result, "title")),
        snippet=text(part(result, "content")),
        published=published(part(result, "publishedDate")),
    )


def _unresponsive(answer: Mapping[str, Any]) -> str:
    """Name the engines behind SearXNG that failed, each a pair of name and reason."""
    pairs = filter(None, map(items, items(answer.get("unresponsive_engines"))))
    return ", ".join(one_line(": ".join(map(str, pair))) for pair in pairs)
