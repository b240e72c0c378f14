from __future__ import annotations

import asyncio
import time
from datetime import date
from typing import TYPE_CHECKING

import pytest

from agent.adapters.engines.arxiv import ArxivSearch
from agent.domain.question import Scope
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from tests.adapters.conftest import Site

ATOM = "application/atom+xml; charset=utf-8"
ENTRY = """<entry><id>http://arxiv.org/abs/2601.0000{n}v1</id>
<title>Paper {n}\n  in two lines</title>
<updated>2026-02-01T00:00:00Z</updated><published>{day}T23:00:00Z</published>
<summary>  The abstract\n  of {n}. </summary>
<author><name>Ann Lee</name></author><author><name>Bob Ray</name></author>
{pdf}<link href="http://arxiv.org/abs/2601.0000{n}v1" rel="alternate" type="text/html"/></entry>"""
PDF = '<link title="pdf" href="http://arxiv.org/pdf/2601.00001v1" rel="related"/>'


def feed(*entries: str, total: int | None = None) -> str:
    head = (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom"'
        ' xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"><opensearch:totalResults>'
        f"{len(entries) if total is None else total}</opensearch:totalResults>"
    )
    return head + "".join(entries) + "</feed>"


def paper(n: int, day: str = "2026-01-05", pdf: str = PDF) -> str:
    return ENTRY.format(n=n, day=day, pdf=pdf)


async def test_papers_become_hits_with_their_abstracts(site: Site) -> None:
    address = site.serve("/api/query", feed(paper(1), paper(2, pdf=""), total=50), type=ATOM)
    engine = ArxivSearch(address, 2)
    hits = await engine.search('ti:"long context"', limit=2, scope=Scope("zh"))
    assert hits[0].url == "https://arxiv.org/abs/2601.00001v1"
    assert hits[0].read_urls == ("https://arxiv.org/pdf/2601.00001v1",)
    assert hits[0].title == "Paper 1 in two lines"
    assert hits[0].abstract == "The abstract of 1."
    assert hits[0].authors == ("Ann Lee", "Bob Ray")
    assert hits[0].published == date(2026, 1, 5)
    assert hits[1].read_urls == ()
    assert hits[0].kind == engine.kind == "arxiv"
    assert len(site.asked) == 1
    asked = site.asked[0].query
    assert (asked["search_query"], asked["max_results"]) == ('ti:"long context"', "2")


async def test_since_is_asked_for_in_arxivs_syntax_and_held_to(site: Site) -> None:
    address = site.serve("/api/query", feed(paper(1), paper(2, "2024-01-01")), type=ATOM)
    hits = await ArxivSearch(address, 2).search(
        "all:a OR all:b", limit=5, scope=Scope("en", date(2025, 6, 1))
    )
    assert [hit.title[:7] for hit in hits] == ["Paper 1"]
    clause = "(all:a OR all:b) AND submittedDate:[202506010000 TO 299912312359]"
    assert site.asked[0].query["search_query"] == clause


async def test_a_stand_in_on_loopback_is_asked_without_a_proxy(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    address = site.serve("/api/query", feed(paper(1)), type=ATOM)
    assert await ArxivSearch(address, 2).search("all:x", limit=5, scope=Scope())


async def test_a_feed_without_entries_is_an_empty_list(site: Site) -> None:
    address = site.serve("/api/query", feed(), type=ATOM)
    assert await ArxivSearch(address, 2).search("all:x", limit=5, scope=Scope()) == []


@pytest.mark.parametrize("status", [200, 400])
async def test_a_feed_that_tells_of_an_error_is_a_failure_with_its_words(
    site: Site, status: int
) -> None:
    error = (
        "<entry><id>http://arxiv.org/api/errors#1</id><title>Error</title>"
        "<summary>incorrect id format</summary></entry>"
    )
    address = site.serve("/api/query", feed(error), status, type=ATOM)
    with pytest.raises(SearchFailed, match="refused the query: incorrect id format"):
        await ArxivSearch(address, 2).search("id:x", limit=5, scope=Scope())


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "<html>maintenance</html>", "did not answer with a feed"),
        (200, "", "did not answer with a feed"),
        (503, "busy", "answered 503"),
        (200, feed(paper(1, "someday")), "arXiv failed: Invalid isoformat"),
    ],
)
async def test_a_broken_answer_is_never_an_empty_list(
    site: Site, status: int, body: str, said: str
) -> None:
    address = site.serve("/api/query", body, status, type=ATOM)
    with pytest.raises(SearchFailed, match=said):
        await ArxivSearch(address, 2).search("all:x", limit=5, scope=Scope())


async def test_a_server_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(SearchFailed, match="arXiv failed"):
        await ArxivSearch("http://127.0.0.1:1/q", 2).search("all:x", limit=5, scope=Scope())


async def silence(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/atom+xml\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("reply", [silence, drip])
async def test_a_server_that_hangs_or_drips_ends_at_the_deadline(site: Site, reply: object) -> None:
    address = site.serve("/api/query", reply=reply)  # type: ignore[arg-type]
    started = time.monotonic()
    with pytest.raises(SearchFailed, match="no answer"):
        await ArxivSearch(address, 0.2).search("all:x", limit=5, scope=Scope())
    assert time.monotonic() - started < 2


async def test_calls_keep_their_distance_however_many_wait(site: Site) -> None:
    address = site.serve("/api/query", feed(paper(1)), type=ATOM)
    engine = ArxivSearch(address, 2, delay=0.15)
    started = time.monotonic()
    await asyncio.gather(*(engine.search("all:x", limit=1, scope=Scope()) for _ in range(3)))
    assert time.monotonic() - started >= 0.3


def test_only_loopback_is_asked_without_delay() -> None:
    assert ArxivSearch("http://127.0.0.1:80/api/query").delay == 0
    assert ArxivSearch().delay == 3
    assert ArxivSearch("https://mirror.example.org/api/query").delay == 3
