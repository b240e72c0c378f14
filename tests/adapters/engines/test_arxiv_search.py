from __future__ import annotations

import asyncio
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.adapters.engines.arxiv import ArxivSearch
from agent.adapters.turnstile import Turnstile
from agent.domain.evidence import Publication
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
        ' xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"><opensearch:totalResults>'
        f"{len(entries) if total is None else total}</opensearch:totalResults>"
    )
    return head + "".join(entries) + "</feed>"


def paper(n: int, day: str = "2026-01-05", pdf: str = PDF, more: str = "") -> str:
    return ENTRY.format(n=n, day=day, pdf=pdf + more)


async def test_papers_become_hits_with_their_abstracts(site: Site) -> None:
    address = site.serve("/api/query", feed(paper(1), paper(2, pdf=""), total=50), type=ATOM)
    engine = ArxivSearch(address, 2)
    hits = await engine.search('ti:"long context"', limit=2, scope=Scope("zh"))
    assert hits[0].url == "https://arxiv.org/abs/2601.00001v1"
    assert hits[0].read_urls == (
        "https://arxiv.org/html/2601.00001v1",
        "https://arxiv.org/pdf/2601.00001v1",
    )
    assert hits[0].title == "Paper 1 in two lines"
    assert hits[0].abstract == "The abstract of 1."
    assert hits[0].authors == ("Ann Lee", "Bob Ray")
    assert hits[0].published == date(2026, 1, 5)
    assert hits[1].read_urls == ()
    assert hits[0].kind == engine.kind == "arxiv"
    assert len(site.asked) == 1
    asked = site.asked[0].query
    assert (asked["search_query"], asked["max_results"]) == ('ti:"long context"', "2")


async def test_what_is_known_of_the_work_comes_along(site: Site) -> None:
    more = (
        "<arxiv:comment>12 pages</arxiv:comment><arxiv:journal_ref>J. Tests\n 7</arxiv:journal_ref>"
        "<arxiv:doi>10.1000/ABC</arxiv:doi>"
    )
    old = paper(2).replace("2601.00002v1", "hep-th/9901001v3")
    address = site.serve("/api/query", feed(paper(1, more=more), old), type=ATOM)
    first, second = await ArxivSearch(address, 2).search("all:x", limit=2, scope=Scope())
    assert first.publication == Publication(
        doi="10.1000/abc", arxiv_id="2601.00001", venue="J. Tests 7"
    )
    assert second.url == "https://arxiv.org/abs/hep-th/9901001v3"
    assert second.publication.arxiv_id == "hep-th/9901001"


async def test_another_host_keeps_its_own_address_of_the_text(site: Site) -> None:
    pdf = f'<link title="pdf" href="{site.url("/pdf/2601.00001v1")}" rel="related"/>'
    entry = paper(1, pdf=pdf).replace("http://arxiv.org/abs", site.url("/abs"))
    address = site.serve("/api/query", feed(entry), type=ATOM)
    (hit,) = await ArxivSearch(address, 2).search("all:x", limit=1, scope=Scope())
    assert hit.url == site.url("/abs/2601.00001v1")
    assert hit.read_urls == (site.url("/pdf/2601.00001v1"),)
    assert hit.publication.arxiv_id == "2601.00001"


@pytest.mark.parametrize(
    ("comment", "summary", "withdrawn"),
    [
        ("This paper has been withdrawn by the authors", "An abstract.", True),
        ("Withdrawn due to an error in Lemma 2", "An abstract.", True),
        ("Withdrawn from arXiv", "An abstract.", True),
        ("Withdrawn from ICLR 2020 and extended", "An abstract.", False),
        ("", "This paper has been withdrawn by the author due to an error.", True),
        ("", "This submission has been temporarily withdrawn.", True),
        ("", "We study cash withdrawn from banks and withdrawn papers.", False),
        ("12 pages", "An abstract.", False),
    ],
)
async def test_a_withdrawn_paper_is_marked(
    site: Site, comment: str, summary: str, *, withdrawn: bool
) -> None:
    entry = paper(1, more=f"<arxiv:comment>{comment}</arxiv:comment>")
    entry = entry.replace("  The abstract\n  of 1. ", summary)
    address = site.serve("/api/query", feed(entry), type=ATOM)
    (hit,) = await ArxivSearch(address, 2).search("all:x", limit=1, scope=Scope())
    assert hit.publication.retracted is withdrawn


async def test_since_is_asked_for_in_arxivs_syntax_and_held_to(site: Site) -> None:
    address = site.serve("/api/query", feed(paper(1), paper(2, "2024-01-01")), type=ATOM)
    hits = await ArxivSearch(address, 2).search(
        "all:a OR all:b", limit=5, scope=Scope("en", date(2025, 6, 1))
    )
    assert [hit.title[:7] for hit in hits] == ["Paper 1"]
    clause = "(all:a OR all:b) AND submittedDate:[202506010000 TO 299912312359]"
    assert site.asked[0].query["search_query"] == clause


async def test_the_last_day_is_asked_for_and_held_to(site: Site) -> None:
    address = site.serve("/api/query", feed(paper(1), paper(2, "2024-01-01")), type=ATOM)
    scope = Scope(until=date(2025, 6, 1))
    hits = await ArxivSearch(address, 2).search("all:a", limit=5, scope=scope)
    assert [hit.title[:7] for hit in hits] == ["Paper 2"]
    clause = "(all:a) AND submittedDate:[199101010000 TO 202506012359]"
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


async def test_papers_that_were_found_and_not_sent_are_a_failure(site: Site) -> None:
    address = site.serve("/api/query", feed(total=7), type=ATOM)
    with pytest.raises(SearchFailed, match="found 7 papers and sent none"):
        await ArxivSearch(address, 2).search("all:x", limit=5, scope=Scope())
    assert len(site.asked) == 2


async def test_one_query_is_one_request_even_if_a_page_is_short(site: Site) -> None:
    address = site.serve("/api/query", feed(paper(1), total=50), type=ATOM)
    hits = await ArxivSearch(address, 2).search("all:x", limit=5, scope=Scope())
    assert len(hits) == len(site.asked) == 1


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
        (503, "busy", "answered 503: arXiv asked to be left alone until"),
        (500, "broken", "answered 500"),
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


async def test_calls_keep_their_distance_however_many_wait(site: Site, tmp_path: Path) -> None:
    address = site.serve("/api/query", feed(paper(1)), type=ATOM)
    engine = ArxivSearch(address, 2, turnstile=Turnstile(tmp_path / "arxiv", 0.15))
    started = time.monotonic()
    await asyncio.gather(*(engine.search("all:x", limit=1, scope=Scope()) for _ in range(3)))
    assert time.monotonic() - started >= 0.3


def test_only_loopback_is_asked_without_delay() -> None:
    assert ArxivSearch("http://127.0.0.1:80/api/query").delay == 0
    assert ArxivSearch().delay == 3
    assert ArxivSearch("https://mirror.example.org/api/query").delay == 3


async def test_a_turnstile_that_cannot_be_used_is_a_failure_with_its_mend(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    turnstile = Turnstile(tmp_path / "file" / "arxiv", 0.1)
    engine = ArxivSearch(site.serve("/api/query", feed(), type=ATOM), 2, turnstile=turnstile)
    with pytest.raises(SearchFailed, match="set XDG_CACHE_HOME"):
        await engine.search("all:x", limit=1, scope=Scope())
    assert site.asked == []
