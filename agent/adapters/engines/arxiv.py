"""Searches arXiv through the arxiv package, off the loop, under a deadline, with its manners."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from agent.adapters.own_thread import in_own_thread
from agent.domain.evidence import Hit
from agent.domain.text import one_line
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.domain.question import Scope, SourceKind

ARXIV: Final = "https://export.arxiv.org/api/query"
MANNERS: Final = 3.0
"""Seconds between requests, as arXiv's terms of use ask."""
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
TRIES: Final = 2
"""arXiv is brittle: an answer that failed is asked for once more."""

_CAUSE: Final = re.compile(r"Caused by (\w+)")
_SUMMARY: Final = re.compile(r"<summary[^>]*>(.*?)</summary>", re.DOTALL)


class ArxivSearch:
    """arXiv's query interface; one call at a time, however many wait."""

    name = "arxiv"
    kind: SourceKind = "arxiv"

    def __init__(
        self, address: str = ARXIV, seconds: float = 20.0, *, delay: float | None = None
    ) -> None:
        """Take the whole query endpoint; ``delay`` is by default arXiv's, on loopback none."""
        self._address = address
        self._seconds = seconds
        self._is_local = urlsplit(address).hostname in LOOPBACK
        self.delay = (0.0 if self._is_local else MANNERS) if delay is None else delay
        self._turn = asyncio.Lock()
        self._client: Any = None

    async def search(
        self,
        query: str,
        *,
        limit: int,
        scope: Scope,
    ) -> Sequence[Hit]:
        """Return up to ``limit`` papers, most relevant first; ``query`` is in arXiv's syntax."""
        if scope.since:
            query = f"({query}) AND submittedDate:[{scope.since:%Y%m%d}0000 TO 299912312359]"
        async with self._turn:
            try:
                async with asyncio.timeout(self._seconds + self.delay):
                    papers = await in_own_thread(partial(self._ask, query, limit))
            except TimeoutError as error:
                raise SearchFailed(f"arXiv gave no answer in {self._seconds:g} s") from error
        hits = [_hit(paper) for paper in papers]
        return [hit for hit in hits if scope.covers(hit.published)]

    def _ask(self, query: str, limit: int) -> list[Any]:
        import arxiv  # noqa: PLC0415 - loads requests and lxml, only where it is used

        if self._client is None:
            self._client = self._made_client(arxiv)
        self._client.page_size = limit
        try:
            return list(self._client.results(arxiv.Search(query, max_results=limit)))
        except arxiv.HTTPError as error:
            raise SearchFailed(f"arXiv answered {error.status}") from error
        except (arxiv.ArxivError, OSError, ValueError) as error:  # requests' errors are OSErrors
            raise SearchFailed(f"arXiv failed: {_reason(error)}") from error

    def _made_client(self, arxiv: Any) -> Any:  # noqa: ANN401 - the package ships no types
        """Return a client with what the package has no setting for.

        Its session gets a timeout on silence, and a look at each answer: the package takes a
        feed that tells of an error, or anything that is no feed, for one without results.
        """
        client = arxiv.Client(delay_seconds=self.delay, num_retries=TRIES - 1)
        client.query_url_format = f"{self._address.replace('{', '{{').replace('}', '}}')}?{{}}"
        session = client._session  # noqa: SLF001 - the only way to it
        session.request = partial(session.request, timeout=self._seconds)
        session.trust_env = not self._is_local  # a proxy is of no use on loopback
        session.hooks["response"].append(_refuse_what_is_no_answer)
        return client


def _refuse_what_is_no_answer(response: Any, **_: object) -> None:  # noqa: ANN401 - likewise
    if b"/api/errors" in response.content:
        summary = _SUMMARY.search(response.text)
        raise SearchFailed(f"arXiv refused the query: {one_line(summary[1] if summary else '')}")
    if response.status_code == HTTPStatus.OK and b"<feed" not in response.content:
        raise SearchFailed("arXiv did not answer with a feed")


def _hit(paper: Any) -> Hit:  # noqa: ANN401 - likewise
    return Hit(
        kind="arxiv",
        url=_secure(paper.entry_id),
        title=one_line(paper.title),
        read_urls=(_secure(paper.pdf_url),) if paper.pdf_url else (),
        authors=tuple(one_line(author.name) for author in paper.authors),
        published=paper.published.date(),
        abstract=one_line(paper.summary),
    )


def _secure(url: str) -> str:
    """Return arXiv's address with https, which its feed does not use though its site does."""
    return re.sub(r"^http://(?=([a-z]+\.)?arxiv\.org/)", "https://", url)


def _reason(error: Exception) -> str:
    """Return what happened, without the query's address, which would make each failure unlike."""
    text = one_line(str(error))
    cause = _CAUSE.search(text)
    return cause[1] if cause else text.partition(" (http")[0]
