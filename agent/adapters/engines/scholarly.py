"""What the indexes of papers share: one JSON answer to one query, read with care."""

from __future__ import annotations

import asyncio
import re
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx

from agent.adapters.engines.arxiv_papers import editions
from agent.adapters.engines.backoff import BUSY, AskedToWait, Backoff
from agent.adapters.retry_after import retry_after
from agent.domain.identifiers import arxiv_id, doi_url
from agent.domain.text import one_line
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from agent.adapters.turnstile import Turnstile
    from agent.domain.evidence import Hit

ANOTHER: Final = "try again later; the other sources are asked all the same"
SECONDS: Final = 20.0
DOIS_A_REQUEST: Final = 40
"""Keeps an address below 4,000 characters; OpenAlex would take 100 values in one filter."""
REFUSED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

_SYNTAX: Final = re.compile(r"[?*~!|()\\]")
_TAKEN_BACK: Final = re.compile(
    r"\W*(?:retracted|withdrawn)(?: (?:article|paper|chapter|manuscript|preprint))?\s?[:\]]",
    re.IGNORECASE,
)
"""How publishers mark a title (Crossref's good practice for retractions)."""


@dataclass(slots=True)
class Service:
    """A service that answers in JSON; ``called`` is its name in messages.

    ``more`` says how to be allowed more requests; ``seconds`` is the deadline of each.
    """

    called: str
    client: httpx.AsyncClient
    address: str
    more: str = ANOTHER
    seconds: float = SECONDS
    turnstile: Turnstile | None = None
    backoff: Backoff = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the service open."""
        self.backoff = Backoff(self.called, mend=self.more)

    async def ask(
        self, parameters: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """Return the object a query is answered with; raise SearchFailed if there is none."""
        response = await self.backoff.call(partial(self._get, parameters, headers or {}))
        status = response.status_code
        if status != HTTPStatus.OK:
            mend = self.more if status in REFUSED else ANOTHER if _is_theirs(status) else ""
            raise SearchFailed(f"{self.called} answered {status}", mend=mend)
        try:
            answer = response.json()
        except (ValueError, RecursionError) as error:
            raise SearchFailed(f"{self.called} did not answer in JSON", mend=ANOTHER) from error
        if not isinstance(answer, dict):
            raise SearchFailed(f"{self.called} did not answer with a JSON object", mend=ANOTHER)
        return answer

    async def _get(
        self, parameters: Mapping[str, str], headers: Mapping[str, str]
    ) -> httpx.Response:
        asked = {name: value for name, value in parameters.items() if value}
        try:
            async with self._turn(), asyncio.timeout(self.seconds):
                response = await self.client.get(
                    self.address,
                    params=asked,
                    headers=headers,
                    follow_redirects=not headers,  # a key is not carried to another host
                )
        except (httpx.TimeoutException, TimeoutError) as error:
            raise SearchFailed(f"{self.called} did not answer in time", mend=ANOTHER) from error
        except httpx.HTTPError as error:
            host = urlsplit(self.address).hostname
            message = f"{self.called} cannot be reached: {_reason(error)}"
            raise SearchFailed(message, mend=f"check the way to {host}") from error
        except OSError as error:
            message = f"the turn for {self.called} cannot be waited for: {error}"
            mend = "set XDG_CACHE_HOME to a folder that can be written"
            raise SearchFailed(message, mend=mend) from error
        if response.status_code in BUSY:
            raise AskedToWait(
                response.status_code, retry_after(response.headers.get("Retry-After"))
            )
        return response

    def _turn(self) -> AbstractAsyncContextManager[None]:
        return self.turnstile.turn() if self.turnstile else nullcontext()


def at_home(hit: Hit, open_pages: Iterable[str] = ()) -> Hit | None:
    """Return a paper at its DOI's address if it has one; None if it has no address or no title.

    It is read where it is open: first where the hit says, then at arXiv if it is there, and last
    at an open page, which may hold no more than the abstract, as arXiv's own and PubMed's do.
    """
    known = hit.publication
    addresses = web_addresses(doi_url(known.doi) if known.doi else "", hit.url)
    if not addresses or not hit.title:
        return None
    at_arxiv = editions(known.arxiv_id) if known.arxiv_id else ()
    first, last = (
        [url for url in urls if not arxiv_id(url)] for urls in (hit.read_urls, open_pages)
    )
    marked = _TAKEN_BACK.match(hit.title) is not None
    return replace(
        hit,
        url=addresses[0],
        read_urls=web_addresses(*first, *at_arxiv, *last),
        authors=tuple(filter(None, hit.authors)),
        publication=replace(known, retracted=known.retracted or marked),
    )


def batches(dois: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield DOIs as many as fit one request; one that would end a filter is left out."""
    safe = [name for name in dois if "," not in name and "|" not in name]
    for start in range(0, len(safe), DOIS_A_REQUEST):
        yield safe[start : start + DOIS_A_REQUEST]


def words(query: str) -> str:
    """Return a query without what these services take for wildcards, or for an open quote."""
    left = one_line(_SYNTAX.sub(" ", query))
    if left.count('"') % 2:
        left = one_line(left.replace('"', " "))
    if not any(character.isalnum() for character in left):
        raise SearchFailed(f"there are no words to search for in {query!r}")
    return left


def text(value: object) -> str:
    """Return a string on one line; empty for anything else."""
    return one_line(value) if isinstance(value, str) else ""


def part(value: object, *names: str) -> Any:  # noqa: ANN401 - what JSON holds is any value
    """Return what lies in an object under these names, one within the other; None if nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def items(value: object) -> list[Any]:
    """Return the elements of a list; none for anything else."""
    return value if isinstance(value, list) else []


def count(value: object) -> int | None:
    """Return a whole number from 0 on; None for anything else."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and isinstance(value, int) and value >= 0 else None


def day(value: object) -> date | None:
    """Return an ISO day; None for anything else, such as a year or month alone.

    No day is made up for those: the first of January would shut a paper of December out.
    """
    try:
        return date.fromisoformat(text(value))
    except ValueError:
        return None


def web_addresses(*values: object) -> tuple[str, ...]:
    """Return those that are http or https addresses, each once."""
    return tuple(dict.fromkeys(url for value in values if _is_web(url := text(value))))


def _is_web(url: str) -> bool:
    if " " in url:
        return False
    try:
        split = urlsplit(url)
    except ValueError:  # brackets that are no IPv6 address
        return False
    return split.scheme in {"http", "https"} and bool(split.hostname)


def _is_theirs(status: int) -> bool:
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _reason(error: httpx.HTTPError) -> str:
    return one_line(str(error)) or type(error).__name__
