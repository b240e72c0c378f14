from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from agent.adapters.engines.arxiv import ArxivSearch
from agent.adapters.retry_after import retry_after
from agent.domain.evidence import Hit
from agent.domain.question import Scope, SourceKind
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from tests.adapters.conftest import Site

EMPTY = (
    '<feed xmlns="http://www.w3.org/2005/Atom"'
    ' xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
    "<opensearch:totalResults>0</opensearch:totalResults></feed>"
)
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: %d\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
READY = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(EMPTY)


class Other:
    """Another index, which answers or fails."""

    kind: SourceKind = "scholar"

    def __init__(self, name: str, answer: Sequence[Hit] | SearchFailed) -> None:
        self.name = name
        self.answer = answer
        self.asked: list[str] = []

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        self.asked.append(query)
        if isinstance(self.answer, SearchFailed):
            raise self.answer
        return self.answer[:limit]


async def ask(engine: ArxivSearch, query: str = "all:x") -> Sequence[Hit]:
    return await engine.search(query, limit=5, scope=Scope())


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "31"}, {"Retry-After": "soon"}])
async def test_an_engine_that_asked_to_be_left_alone_is_left_alone(
    site: Site, status: int, headers: dict[str, str]
) -> None:
    engine = ArxivSearch(site.serve("/q", "busy", status, headers=headers), 2)
    began = time.monotonic()
    with pytest.raises(SearchFailed, match=f"answered {status}: arXiv asked to be left alone"):
        await ask(engine)
    with pytest.raises(SearchFailed, match=r"^arXiv asked to be left alone until \d{4}-.* UTC"):
        await ask(engine)
    assert len(site.asked) == 1
    assert time.monotonic() - began < 1


async def test_queries_that_waited_meanwhile_are_not_sent_either(site: Site) -> None:
    engine = ArxivSearch(site.serve("/q", "busy", 429), 2)
    results = await asyncio.gather(*(ask(engine) for _ in range(4)), return_exceptions=True)
    assert all(isinstance(result, SearchFailed) for result in results)
    assert len(site.asked) == 1


async def test_a_short_pause_is_waited_for_and_the_question_asked_again(site: Site) -> None:
    async def once_busy(writer: asyncio.StreamWriter) -> None:
        writer.write(BUSY % 1 if len(site.asked) == 1 else READY + EMPTY.encode())
        await writer.drain()

    engine = ArxivSearch(site.serve("/q", reply=once_busy), 2)
    began = time.monotonic()
    assert await ask(engine) == []
    assert len(site.asked) == 2
    assert time.monotonic() - began >= 1


async def test_it_is_asked_again_once_its_time_is_over(site: Site) -> None:
    async def twice_busy(writer: asyncio.StreamWriter) -> None:
        writer.write(BUSY % 0 if len(site.asked) < 3 else READY + EMPTY.encode())
        await writer.drain()

    engine = ArxivSearch(site.serve("/q", reply=twice_busy), 2)
    with pytest.raises(SearchFailed, match="answered 503"):
        await ask(engine)
    assert await ask(engine) == []


async def test_a_server_that_stumbles_is_asked_once_more(site: Site) -> None:
    async def once_broken(writer: asyncio.StreamWriter) -> None:
        broken = b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(broken if len(site.asked) == 1 else READY + EMPTY.encode())
        await writer.drain()

    assert await ask(ArxivSearch(site.serve("/q", reply=once_broken), 2)) == []
    assert len(site.asked) == 2


async def test_the_first_fallback_that_answers_stands_in_and_the_failure_is_told(
    site: Site,
) -> None:
    hit = Hit("scholar", "https://doi.org/10.1000/x", "X")
    busy, able, spare = (
        Other("busy", SearchFailed("busy is busy")),
        Other("able", [hit]),
        Other("spare", []),
    )
    engine = ArxivSearch(site.serve("/q", "", 429), 2, fallbacks=(busy, able, spare))
    query = '(ti:"long context" OR abs:rag) AND cat:cs.CL'
    assert await ask(engine, query) == [hit]
    assert busy.asked == able.asked == ["long context rag"]
    assert spare.asked == []
    (failure,) = engine.failures()
    assert failure.what == f"arxiv search for {query!r}"
    for said in ("arXiv answered 429", "busy is busy", "able was asked instead: long context rag"):
        assert said in failure.why


async def test_an_empty_answer_of_a_fallback_is_an_answer(site: Site) -> None:
    engine = ArxivSearch(site.serve("/q", "", 500), 2, fallbacks=(Other("other", []),))
    assert await ask(engine) == []
    assert len(engine.failures()) == 1


async def test_if_all_fail_all_reasons_are_told(site: Site) -> None:
    others = [Other(name, SearchFailed(f"{name} is down", mend="wait")) for name in ("one", "two")]
    engine = ArxivSearch(site.serve("/q", "", 500), 2, fallbacks=others)
    with pytest.raises(SearchFailed, match=r"arXiv answered 500; one is down - wait; two is down"):
        await ask(engine)
    assert engine.failures() == ()


async def test_a_query_without_words_is_no_query_for_another(site: Site) -> None:
    other = Other("other", [])
    engine = ArxivSearch(site.serve("/q", "", 500), 2, fallbacks=(other,))
    with pytest.raises(SearchFailed, match=r"^arXiv answered 500$"):
        await ask(engine, "cat:cs.CL")
    assert other.asked == []


async def test_while_arxiv_answers_nobody_else_is_asked(site: Site) -> None:
    other = Other("other", [])
    assert await ask(ArxivSearch(site.serve("/q", EMPTY), 2, fallbacks=(other,))) == []
    assert other.asked == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), (" 0 ", 0.0), (None, None), ("", None), ("-1", None), ("soon", None), ("²", None),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("9" * 400, 86_400.0)],
)  # fmt: skip
def test_retry_after_is_read_as_the_standard_says(value: str | None, seconds: float | None) -> None:
    assert retry_after(value) == seconds


def test_retry_after_may_be_a_moment() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=100)
    assert retry_after(format_datetime(moment, usegmt=True)) == pytest.approx(100, abs=2)
