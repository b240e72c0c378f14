"""Searches the web through Brave's own index."""

from __future__ import annotations

from datetime import UTC, date, datetime
from html import unescape
from typing import TYPE_CHECKING, Any, Final

from agent.adapters.engines.json_api import JsonApi, mends_of_a_key
from agent.adapters.engines.narrowing import admitted, with_sites
from agent.adapters.engines.published import published
from agent.adapters.engines.scholarly import items, part, text
from agent.domain.evidence import Hit
from agent.domain.text import one_line
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from agent.domain.question import Scope, SourceKind

BRAVE: Final = "https://api.search.brave.com/res/v1/web/search"
KEY: Final = "BRAVE_API_KEY"
MOST: Final = 20
UNPROCESSABLE: Final = 422
BEGINNING: Final = date(1970, 1, 1)
"""Stands for no first day, which a range of days cannot do without."""
OWN_TAGS: Final = {"ja": "jp", "no": "nb", "pt": "pt-br", "zh": "zh-hans"}
"""Where Brave departs from BCP 47, or wants a region."""
LANGUAGES: Final = frozenset(
    "ar eu bn bg ca zh-hans hr cs da nl en et fi fr gl de el gu he hi hu is it jp kn ko lv lt ms ml"
    " mr nb pl pt-br pa ro ru sr sk sl es sv ta te th tr uk vi".split()
)
"""Brave refuses a query in any other language; without one it answers."""


class Brave:
    """Brave's web search."""

    name = "brave"
    kind: SourceKind = "web"

    def __init__(self, key: str, client: httpx.AsyncClient, address: str = BRAVE) -> None:
        where = "api-dashboard.search.brave.com"
        mends = {UNPROCESSABLE: f"check {KEY}, and name fewer sites", **mends_of_a_key(KEY, where)}
        self._api = JsonApi("Brave", client, mends, key)
        self._address = address

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` hits, best first."""
        language = OWN_TAGS.get(scope.language, scope.language)
        asked = {
            "q": with_sites(query, scope),
            "count": str(min(limit, MOST)),
            "search_lang": language if language in LANGUAGES else "",
            "freshness": _freshness(scope),
            "result_filter": "web",
            "text_decorations": "false",
        }
        answer = await self._api.get(
            self._address,
            {name: value for name, value in asked.items() if value},
            {"X-Subscription-Token": self._api.secret, "Accept": "application/json"},
        )
        return admitted(map(_hit, _results(answer)), scope, limit)


def _freshness(scope: Scope) -> str:
    if scope.since is None and scope.until is None:
        return ""
    until = scope.until or datetime.now(UTC).date()
    return f"{scope.since or BEGINNING}to{until}"


def _results(answer: Any) -> list[Any]:  # noqa: ANN401 - what JSON holds is any value
    """Return the results; an answer to a search that found nothing has no part for them."""
    if "web" not in answer and answer.get("type") == "search":
        return []
    results = part(answer, "web", "results")
    if not isinstance(results, list):
        raise SearchFailed("Brave answered without a list of results")
    return items(results)


def _hit(result: Any) -> Hit:  # noqa: ANN401 - likewise
    return Hit(
        kind="web",
        url=text(part(result, "url")),
        title=_plain(part(result, "title")),
        snippet=_plain(part(result, "description")),
        published=published(part(result, "page_age")) or published(part(result, "age")),
    )


def _plain(value: object) -> str:
    """Return a text that was written for a page."""
    return one_line(unescape(text(value)))
