"""Searches Google through Serper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.adapters.engines.json_api import JsonApi, mends_of_a_key
from agent.adapters.engines.keyless import REGIONS
from agent.adapters.engines.narrowing import admitted, with_sites
from agent.adapters.engines.published import published
from agent.adapters.engines.scholarly import part, text
from agent.domain.evidence import Hit
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import httpx

    from agent.domain.question import Scope, SourceKind

SERPER: Final = "https://google.serper.dev/search"
KEY: Final = "SERPER_API_KEY"
MOST: Final = 100
OWN_TAGS: Final = {"zh": "zh-cn"}


class Serper:
    """Google's web results as Serper reads them off; nothing else of the page is taken."""

    name = "serper"
    kind: SourceKind = "web"

    def __init__(self, key: str, client: httpx.AsyncClient, address: str = SERPER) -> None:
        mends = {
            400: "see whether credits are left at serper.dev",
            **mends_of_a_key(KEY, "serper.dev"),
        }
        self._api = JsonApi("Serper", client, mends, key)
        self._address = address

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` hits, best first."""
        asked = {
            "q": with_sites(query, scope),
            "num": min(limit, MOST),
            "hl": OWN_TAGS.get(scope.language, scope.language),
            "gl": REGIONS.get(scope.language, "").partition("-")[0],
            "tbs": _dates(scope),
        }
        answer = await self._api.post(
            self._address,
            {name: value for name, value in asked.items() if value},
            {"X-API-KEY": self._api.secret},
        )
        results = answer.get("organic")
        if not isinstance(results, list):
            raise SearchFailed("Serper answered without a list of results")
        return admitted(map(_hit, results), scope, limit)


def _dates(scope: Scope) -> str:
    """Return Google's own way of saying a custom range of days."""
    if scope.since is None and scope.until is None:
        return ""
    first = f",cd_min:{_american(scope.since)}" if scope.since else ""
    last = f",cd_max:{_american(scope.until)}" if scope.until else ""
    return f"cdr:1{first}{last}"


def _american(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _hit(result: Any) -> Hit:  # noqa: ANN401 - what JSON holds is any value
    return Hit(
        kind="web",
        url=text(part(result, "link")),
        title=text(part(result, "title")),
        snippet=text(part(result, "snippet")),
        published=published(part(result, "date")),
    )
