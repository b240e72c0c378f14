"""Searches arXiv through the arxiv package, off the loop, under a deadline, with its manners."""

from __future__ import annotations

import asyncio
import re
from contextlib import nullcontext
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from agent.adapters.engines.arxiv_papers import hit
from agent.adapters.engines.backoff import BUSY, AskedToWait, Backoff
from agent.adapters.own_thread import in_own_thread
from agent.adapters.retry_after import retry_after
from agent.adapters.turnstile import Turnstile
from agent.domain.arxiv_query import plain_words, submitted
from agent.domain.evidence import Failure
from agent.domain.text import one_line
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.adapters.turnstile import Turns
    from agent.domain.evidence import Hit
    from agent.domain.question import Scope, SourceKind
    from agent.ports import SearchEngine

ARXIV: Final = "https://export.arxiv.org/api/query"
MANNERS: Final = 3.0
"""Seconds between requests, as arXiv's terms of use ask; they also ask for one at a time."""
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
TRIES: Final = 2
"""arXiv is brittle: an answer that failed is asked for once more."""

_CAUSE: Final = re.compile(r"Caused by (\w+)")
_SUMMARY: Final = re.compile(r"<summary[^>]*>(.*?)</summary>", re.DOTALL)


class ArxivSearch:
    """arXiv's query interface; one request at a time, however many wait.

    While it is closed or fails, its ``fallbacks`` are asked in turn for the same words; what
    arXiv failed at is told by ``failures``.
    """

    name = "arxiv"
    kind: SourceKind = "arxiv"

    def __init__(
        self,
        address: str = ARXIV,
        seconds: float = 20.0,
        *,
        delay: float | None = None,
        turnstile: Turns | None = None,
        fallbacks: Sequence[SearchEngine] = (),
    ) -> None:
        """Take the whole query endpoint; ``delay`` is by default arXiv's, on loopback none.

        The turnstile is by default the one that all runs of this person share.
        """
        self._address = address
        self._seconds = seconds
        self._is_local = urlsplit(address).hostname in LOOPBACK
        self.delay = (0.0 if self._is_local else MANNERS) if delay is None else delay
        if turnstile is None and self.delay:
            turnstile = Turnstile.shared("arxiv", self.delay)
        self._turnstile: Turns | None = turnstile
        self._fallbacks = fallbacks
        self._turn = asyncio.Lock()
        self._backoff = Backoff("arXiv")
        self._failures: list[Failure] = []

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` papers, most relevant first; ``query`` is in arXiv's syntax."""
        try:
            async with self._turn:
                papers = await self._backoff.call(
                    partial(self._tried, submitted(query, scope.since, scope.until), limit)
                )
        except SearchFailed as error:
            return await self._from_fallbacks(query, limit, scope, error)
        found = [hit(paper) for paper in papers]
        return [paper for paper in found if scope.covers(paper.published)][:limit]

    def failures(self) -> Sequence[Failure]:
        """Return the searches that arXiv failed at and another engine stood in for."""
        return tuple(self._failures)

    async def _from_fallbacks(
        self, query: str, limit: int, scope: Scope, error: SearchFailed
    ) -> Sequence[Hit]:
        """Return the hits of the first fallback that answers; else raise all reasons as one."""
        words = plain_words(query)
        reasons = [str(error)]
        for engine in self._fallbacks if words else ():
            try:
                hits = await engine.search(words, limit=limit, scope=scope)
            except SearchFailed as another:
                reasons.append(str(another))
            else:
                why = f"{'; '.join(reasons)}; {engine.name} was asked instead: {words}"
                self._failures.append(Failure(f"arxiv search for {query!r}", why))
                return hits
        if len(reasons) == 1:
            raise error
        raise SearchFailed("; ".join(reasons)) from error

    async def _tried(self, query: str, limit: int) -> list[Any]:
        """Return the papers; a server that stumbles is asked once more."""
        for _ in range(TRIES - 1):
            try:
                return await self._asked_in_turn(query, limit)
            except Stumbled:
                continue
        return await self._asked_in_turn(query, limit)

    async def _asked_in_turn(self, query: str, limit: int) -> list[Any]:
        try:
            async with self._turnstile.turn() if self._turnstile else nullcontext():
                async with asyncio.timeout(self._seconds):
                    return await in_own_thread(partial(self._ask, query, limit))
        except TimeoutError as error:
            raise SearchFailed(f"arXiv gave no answer in {self._seconds:g} s") from error
        except OSError as error:
            raise SearchFailed(
                f"arXiv's turn cannot be waited for: {error}",
                mend="set XDG_CACHE_HOME to a folder that can be written",
            ) from error

    def _ask(self, query: str, limit: int) -> list[Any]:
        """Make one request; the package would go on to further pages without a turn for each."""
        import arxiv  # noqa: PLC0415 - loads requests and lxml, only where it is used
        from requests import ConnectionError as Disconnected  # noqa: PLC0415 - likewise

        client = self._client(arxiv)
        search = arxiv.Search(query, max_results=limit)
        try:
            feed = client._parse_feed(client._format_url(search, 0, limit))  # noqa: SLF001 - a page
        except arxiv.HTTPError as error:
            failed = Stumbled if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else SearchFailed
            raise failed(f"arXiv answered {error.status}") from error
        except Disconnected as error:
            raise Stumbled(f"arXiv failed: {_reason(error)}") from error
        except (arxiv.ArxivError, OSError, ValueError) as error:  # requests' errors are OSErrors
            raise SearchFailed(f"arXiv failed: {_reason(error)}") from error
        finally:
            client._session.close()  # noqa: SLF001 - the only way to it
        if feed.header.total_results and not feed.results and limit:
            raise Stumbled(f"arXiv found {feed.header.total_results} papers and sent none of them")
        return list(feed.results)

    def _client(self, arxiv: Any) -> Any:  # noqa: ANN401 - the package ships no types
        """Return a client with what the package has no setting for.

        Its session gets a timeout on silence, and a look at each answer: the package takes a
        feed that tells of an error, or anything that is no feed, for one without results.
        """
        client = arxiv.Client(delay_seconds=0, num_retries=0)
        client.query_url_format = f"{self._address.replace('{', '{{').replace('}', '}}')}?{{}}"
        session = client._session  # noqa: SLF001 - likewise
        session.request = partial(session.request, timeout=self._seconds)
        session.trust_env = not self._is_local  # a proxy is of no use on loopback
        session.hooks["response"].append(_refuse_what_is_no_answer)
        return client


class Stumbled(SearchFailed):
    """arXiv failed in a way that often passes."""


def _refuse_what_is_no_answer(response: Any, **_: object) -> None:  # noqa: ANN401 - likewise
    if response.status_code in BUSY:
        response.close()
        raise AskedToWait(response.status_code, retry_after(response.headers.get("Retry-After")))
    if b"/api/errors" in response.content:
        summary = _SUMMARY.search(response.text)
        raise SearchFailed(f"arXiv refused the query: {one_line(summary[1] if summary else '')}")
    if response.status_code == HTTPStatus.OK and b"<feed" not in response.content:
        raise SearchFailed("arXiv did not answer with a feed")


def _reason(error: Exception) -> str:
    """Return what happened, without the query's address, which would make each failure unlike."""
    text = one_line(str(error))
    cause = _CAUSE.search(text)
    return cause[1] if cause else text.partition(" (http")[0]
