"""Lists the engines by name, and makes those that were chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agent.adapters.engines import (
    arxiv,
    brave,
    crossref,
    exa,
    openalex,
    semantic_scholar,
    serper,
    tavily,
)
from agent.adapters.engines.gateway_search import GatewaySearch
from agent.adapters.engines.keyless import Keyless
from agent.adapters.engines.searxng import SearXNG
from agent.adapters.engines.skipped import Skipped
from agent.errors import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import httpx
    import httpx2

    from agent.adapters.engines.gateway_search import Tool
    from agent.adapters.turnstile import Turns
    from agent.domain.question import SourceKind
    from agent.ports import SearchEngine


@dataclass(frozen=True, slots=True)
class Means:
    """What engines are made with; ``seconds`` is the deadline of those that bring their own client.

    ``urls`` are addresses in place of the makers' own, by the engine's name. ``mailto`` is an
    address that the indexes of papers may write to. ``gateway`` is the HTTP client of a
    GatewayClient, and ``search_model`` a model of it that searches. ``arxiv_turns`` are taken with
    other machines.
    """

    client: httpx.AsyncClient
    seconds: float = 20.0
    searxng_url: str | None = None
    arxiv_url: str = arxiv.ARXIV
    mailto: str = ""
    urls: Mapping[str, str] = field(default_factory=dict)
    gateway: httpx2.AsyncClient | None = None
    search_model: str = ""
    search_tool: Tool = "openai"
    arxiv_turns: Turns | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """An engine: the kind of its hits, and how it is made of the means, a key and an address.

    ``address`` gives the one it has unless another is named; None if it has none to replace.
    ``variable`` is the environment variable of its key, if it takes one; ``free`` if it answers
    without, though less often.
    """

    kind: SourceKind
    make: Callable[[Means, str, str], SearchEngine]
    address: Callable[[Means], str | None] | None = None
    variable: str = ""
    free: bool = True

    def key(self, environ: Mapping[str, str]) -> str:
        """Return the key that is set, empty if there is none."""
        return environ.get(self.variable, "").strip() if self.variable else ""


def _searxng(means: Means, _: str, url: str) -> SearchEngine:
    if not url:
        raise InvalidSettings("it has no address", mend="set DEEP_RESEARCH_SEARXNG_URL")
    return SearXNG(url, means.client)


def _gateway(means: Means, _: str, __: str) -> SearchEngine:
    if means.gateway is None:
        raise InvalidSettings("there is no gateway", mend="set GATEWAY_BASE_URL, or leave it out")
    if not means.search_model:
        raise InvalidSettings(
            "no model is named that searches",
            mend="set DEEP_RESEARCH_SEARCH_MODEL to one with a web search tool",
        )
    return GatewaySearch(means.gateway, means.search_model, means.search_tool)


def _openalex(means: Means, key: str, url: str) -> SearchEngine:
    return openalex.OpenAlex(means.client, url, means.mailto, key, seconds=means.seconds)


def _semantic_scholar(means: Means, key: str, url: str) -> SearchEngine:
    return semantic_scholar.SemanticScholar(means.client, url, key, seconds=means.seconds)


def _crossref(means: Means, _: str, url: str) -> SearchEngine:
    return crossref.Crossref(means.client, url, means.mailto, seconds=means.seconds)


def _arxiv(means: Means, _: str, url: str) -> SearchEngine:
    """Make arXiv's engine, with other indexes to fall back on; none where arXiv is a stand-in."""
    if urlsplit(url).hostname in arxiv.LOOPBACK and not means.urls:
        return arxiv.ArxivSearch(url, means.seconds)
    fallbacks = (
        _semantic_scholar(means, "", _address("semantic-scholar", means)),
        _openalex(means, "", _address("openalex", means)),
    )
    return arxiv.ArxivSearch(url, means.seconds, turnstile=means.arxiv_turns, fallbacks=fallbacks)


def _keyed(
    make: Callable[[str, httpx.AsyncClient, str], SearchEngine], url: str, key: str
) -> Listed:
    """Return an engine for the web that is made by its maker and answers nobody without a key."""
    return Listed(
        "web", lambda means, own, at: make(own, means.client, at), lambda _: url, key, free=False
    )


ENGINES: Final[Mapping[str, Listed]] = {
    "searxng": Listed("web", _searxng, lambda means: means.searxng_url),
    "ddgs": Listed("web", lambda means, _, __: Keyless(means.seconds)),
    "tavily": _keyed(tavily.Tavily, tavily.TAVILY, tavily.KEY),
    "brave": _keyed(brave.Brave, brave.BRAVE, brave.KEY),
    "serper": _keyed(serper.Serper, serper.SERPER, serper.KEY),
    "exa": _keyed(exa.Exa, exa.EXA, exa.KEY),
    "gateway": Listed("web", _gateway),
    "arxiv": Listed("arxiv", _arxiv, lambda means: means.arxiv_url),
    "openalex": Listed("scholar", _openalex, lambda _: openalex.OPENALEX, "OPENALEX_API_KEY"),
    "semantic-scholar": Listed(
        "scholar",
        _semantic_scholar,
        lambda _: semantic_scholar.SEMANTIC_SCHOLAR,
        "SEMANTIC_SCHOLAR_API_KEY",
    ),
    "crossref": Listed("scholar", _crossref, lambda _: crossref.CROSSREF),
}
"""Engines of objects that only code can hand over, such as retrievers, have no name here."""

UNASKED: Final = ("ddgs", "gateway")
"""Engines that stand by: for want of others, and for who pays for a model's answers."""


def set_up(means: Means, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the engines to ask where none are named: all for the web that can be, and arXiv."""
    web = tuple(
        name
        for name, listed in ENGINES.items()
        if listed.kind == "web" and name not in UNASKED and _is_set_up(name, means, environ)
    )
    return (*(web or ("ddgs",)), "arxiv")


def chosen(names: Iterable[str], means: Means, environ: Mapping[str, str]) -> list[SearchEngine]:
    """Return the engines of these names, each once, in this order.

    One that lacks its key, or other means, is there too and says so at every search: a run goes
    on without it. Raises InvalidSettings for a name that is not listed, and for an address of an
    engine that has none to replace.
    """
    for name in means.urls:
        if _listed(name).address is None:
            raise InvalidSettings(
                f"the search engine {name} has no address to replace",
                mend=f"leave {name} out of DEEP_RESEARCH_ENGINE_URLS",
            )
    return [_made(name, means, environ) for name in dict.fromkeys(names)]


def _made(name: str, means: Means, environ: Mapping[str, str]) -> SearchEngine:
    listed = _listed(name)
    key = listed.key(environ)
    if not key and not listed.free:
        mend = f"set {listed.variable}, or leave {name} out"
        return Skipped(name, listed.kind, InvalidSettings("it needs a key", mend=mend))
    try:
        return listed.make(means, key, _address(name, means))
    except InvalidSettings as error:
        return Skipped(name, listed.kind, error)


def _listed(name: str) -> Listed:
    if name not in ENGINES:
        known = ", ".join(ENGINES)
        raise InvalidSettings(f"there is no search engine {name!r}", mend=f"choose of {known}")
    return ENGINES[name]


def _address(name: str, means: Means) -> str:
    """Return where an engine is asked; empty if it is not told, or is no place."""
    own = ENGINES[name].address
    return means.urls.get(name) or (own(means) if own else None) or ""


def _is_set_up(name: str, means: Means, environ: Mapping[str, str]) -> bool:
    listed = ENGINES[name]
    return bool(_address(name, means)) and (listed.free or bool(listed.key(environ)))
