"""Searches the web through a model of the gateway that has a search tool of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Literal

import httpx2

from agent.adapters.engines.narrowing import admitted, with_sites
from agent.adapters.engines.scholarly import items, part, text
from agent.domain.evidence import Hit
from agent.errors import SearchFailed
from gateway_client import wire
from gateway_client.client import NOWHERE
from gateway_client.exchange import ROUTED, TASK_HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.domain.question import Scope, SourceKind

Tool = Literal["openai", "openrouter"]
"""How a request asks for the search: OpenAI's ``web_search_options``, OpenRouter's plugin."""

SECONDS: Final = 60.0
"""A model that searches reads what it finds before it answers."""
TASK: Final = "search"
MOST: Final = 20
"""What all of OpenRouter's engines allow."""
ANOTHER: Final = "name a model with a web search tool, or another engine"


class GatewaySearch:
    """What a model cites, and nothing that it merely writes: prose may hold made-up addresses."""

    name = "gateway"
    kind: SourceKind = "web"

    def __init__(
        self,
        http_client: httpx2.AsyncClient,
        model: str,
        tool: Tool = "openai",
        seconds: float = SECONDS,
    ) -> None:
        """Take the HTTP client of a GatewayClient, and a model that it has."""
        self._client = http_client
        self._model = model
        self._tool = tool
        self._called = f"the gateway's web search ({model})"
        self._seconds = seconds

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` pages in the order in which the answer cites them."""
        asked = {
            "model": self._model,
            "messages": [{"role": "user", "content": _request(query, limit, scope)}],
            **_with_search(self._tool, limit),
        }
        answer = await self._answer(asked)
        choices = items(answer.get("choices"))
        message = part(choices[0], "message") if choices else None
        if not isinstance(message, dict):
            raise SearchFailed(f"{self._called} answered without a message", mend=ANOTHER)
        citations = (part(one, "url_citation") for one in items(message.get("annotations")))
        return admitted(map(_hit, citations), scope, limit)

    async def _answer(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._client.post(
                    NOWHERE + ROUTED, json=asked, headers={TASK_HEADER: TASK}
                )
        except TimeoutError as error:
            message = f"{self._called} gave no answer in {self._seconds:g} s"
            raise SearchFailed(message, mend=ANOTHER) from error
        except httpx2.TransportError as error:
            raise SearchFailed(f"{self._called} failed: {error.__cause__ or error}") from error
        if response.is_error:
            why = response.extensions.get("gateway_error") or response.status_code
            raise SearchFailed(f"{self._called} failed: {why}", mend=ANOTHER)
        answer = wire.payload_of(response.content)
        if answer is None:
            raise SearchFailed(f"{self._called} did not answer with a JSON object", mend=ANOTHER)
        return answer


def _request(query: str, limit: int, scope: Scope) -> str:
    """Return the search in words; days and language have no field in either tool."""
    most = f"Name up to {limit} pages that are most to the point and cite each of them."
    parts = [
        f"Search the web for: {with_sites(query, scope)}",
        f"{most} Prefer pages in the language {scope.language!r}.",
        f"Only pages published on or after {scope.since}." if scope.since else "",
        f"Only pages published on or before {scope.until}." if scope.until else "",
    ]
    return "\n".join(filter(None, parts))


def _with_search(tool: Tool, limit: int) -> Mapping[str, Any]:
    if tool == "openai":
        return {"web_search_options": {}}
    return {"plugins": [{"id": "web", "max_results": min(limit, MOST)}]}


def _hit(citation: object) -> Hit:
    return Hit(
        kind="web",
        url=text(part(citation, "url")),
        title=text(part(citation, "title")),
        snippet=text(part(citation, "content")),
    )
