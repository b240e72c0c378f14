"""Searches the web through a SearXNG instance of one's own."""

from __future__ import annotations

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

from agent.domain.evidence import Hit
from agent.domain.text import one_line
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.domain.question import Scope, SourceKind

RANGES: Final = ((1, "day"), (7, "week"), (30, "month"), (365, "year"))
"""Days back, and what SearXNG calls them; further back it knows no range."""
MENDS: Final[dict[int, str]] = {
    HTTPStatus.FORBIDDEN: "enable the json format under search.formats in settings.yml",
    HTTPStatus.TOO_MANY_REQUESTS: "wait, or switch off server.limiter in settings.yml",
}


class SearXNG:
    """A SearXNG instance; its address is the user's own and may be private."""

    name = "searxng"
    kind: SourceKind = "web"

    def __init__(self, base_url: str, client: httpx.AsyncClient) -> None:
        self._address = f"{base_url.rstrip('/')}/search"
        self._client = client
        self._called = f"SearXNG at {urlsplit(base_url).hostname}"  # no credentials in messages

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` hits; those outside the scope are left out."""
        asked = {"q": query, "format": "json", "language": scope.language, "pageno": "1"}
        if scope.since and (span := _range(scope.since)):
            asked["time_range"] = span
        answer = await self._answer(asked)
        found = [hit for hit in _hits(answer) if scope.covers(hit.published)]
        if not found and (silent := _unresponsive(answer)):
            raise SearchFailed(f"{self._called}: no results, and no answer from {silent}")
        return found[:limit]

    async def _answer(self, asked: Mapping[str, str]) -> Mapping[str, object]:
        """Return the JSON object of the answer."""
        try:
            response = await self._client.get(self._address, params=asked, follow_redirects=True)
        except httpx.TimeoutException as error:
            raise SearchFailed(f"{self._called} did not answer in time") from error
        except httpx.HTTPError as error:
            raise SearchFailed(
                f"{self._called} cannot be reached: {error}", mend="check the address"
            ) from error
        if response.status_code != HTTPStatus.OK:
            mend = MENDS.get(response.status_code, "")
            raise SearchFailed(f"{self._called} answered {response.status_code}", mend=mend)
        try:
            answer = response.json()
        except ValueError as error:
            raise SearchFailed(
                f"{self._called} did not answer in JSON", mend=MENDS[HTTPStatus.FORBIDDEN]
            ) from error
        if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
            raise SearchFailed(f"{self._called} answered without a list of results")
        return answer


def _range(since: date) -> str | None:
    """Return the narrowest range that reaches back far enough."""
    days = (datetime.now(UTC).date() - since).days
    return next((name for most, name in RANGES if days <= most), None)


def _hits(answer: Mapping[str, object]) -> Iterator[Hit]:
    results = answer["results"]
    for result in results if isinstance(results, list) else ():
        if isinstance(result, dict) and _text(result, "url").startswith(("http://", "https://")):
            yield Hit(
                kind="web",
                url=_text(result, "url"),
                title=_text(result, "title"),
                snippet=_text(result, "content"),
                published=_date(_text(result, "publishedDate")),
            )


def _text(result: Mapping[str, object], name: str) -> str:
    value = result.get(name)
    return one_line(value) if isinstance(value, str) else ""


def _date(text: str) -> date | None:
    """Read the day of an ISO date; engines also send prose, which says nothing exact."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _unresponsive(answer: Mapping[str, object]) -> str:
    """Name the engines behind SearXNG that failed, each a pair of name and reason."""
    pairs = answer.get("unresponsive_engines")
    named = [pair for pair in pairs if isinstance(pair, list)] if isinstance(pairs, list) else []
    return ", ".join(one_line(": ".join(str(part) for part in pair)) for pair in named)
