"""Searches the web without a key or an instance of one's own, through ddgs."""

from __future__ import annotations

import asyncio
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from agent.adapters.engines.narrowing import admitted, narrowest, with_sites
from agent.adapters.engines.scholarly import part, text
from agent.adapters.own_thread import in_own_thread
from agent.domain.evidence import Hit
from agent.domain.text import one_line
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.domain.question import Scope, SourceKind

REGIONS: Final = {
    "de": "de-de", "en": "us-en", "es": "es-es", "fr": "fr-fr", "it": "it-it", "ja": "jp-jp",
    "ko": "kr-kr", "pt": "br-pt", "ru": "ru-ru", "zh": "cn-zh",
}  # fmt: skip
RANGES: Final = {1: "d", 7: "w", 30: "m", 365: "y"}
"""Days back, and what ddgs calls them."""
INSTEAD: Final = "set DEEP_RESEARCH_SEARXNG_URL to a SearXNG instance"


class Keyless:
    """Whatever search engines ddgs can ask without a key."""

    name = "ddgs"
    kind: SourceKind = "web"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` hits; none of them says when it was published."""
        asked = {
            "query": with_sites(query, scope),
            "region": REGIONS.get(scope.language, f"us-{scope.language}"),
            "max_results": limit,
            "timelimit": narrowest(RANGES, scope.since),
        }
        try:
            async with asyncio.timeout(self._seconds):
                found = await in_own_thread(partial(_ask, asked, ceil(self._seconds / 2)))
        except TimeoutError as error:
            message = f"ddgs gave no answer in {self._seconds:g} s"
            raise SearchFailed(message, mend=INSTEAD) from error
        return admitted(map(_hit, found), scope, limit)


def _ask(asked: Mapping[str, Any], seconds: int) -> list[dict[str, Any]]:
    """Ask ddgs, each engine behind it for so many seconds; no results are an empty list."""
    from ddgs import DDGS  # noqa: PLC0415 - loads lxml and a TLS stack, only where it is used
    from ddgs.exceptions import DDGSException, RatelimitException  # noqa: PLC0415

    try:
        return DDGS(timeout=seconds).text(**asked)
    except RatelimitException as error:
        raise SearchFailed("ddgs is asked too often", mend=f"wait, or {INSTEAD}") from error
    except DDGSException as error:
        if "No results found" in str(error):  # it has no exception of its own for this
            return []
        reason = one_line(str(error)).partition(": ")[0]  # what follows repeats it, at length
        raise SearchFailed(f"ddgs failed: {reason}", mend=INSTEAD) from error


def _hit(result: Any) -> Hit:  # noqa: ANN401 - the package promises no more than a dictionary
    return Hit(
        kind="web",
        url=text(part(result, "href")),
        title=text(part(result, "title")),
        snippet=text(part(result, "body")),
    )
