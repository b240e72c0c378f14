from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from agent.adapters.engines.searxng import SearXNG
from agent.domain.question import Scope
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.adapters.conftest import Site

JSON = "application/json"
GOOD = {
    "url": "https://example.org/a",
    "title": "A\n title",
    "content": "Some  words",
    "publishedDate": "2026-03-04T10:00:00+02:00",
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=0.3, trust_env=False) as made:
        yield made


def results(*found: object, **more: object) -> str:
    return json.dumps({"results": found, **more})


async def test_results_become_hits_in_their_order(site: Site, client: httpx.AsyncClient) -> None:
    site.serve("/base/search", results(GOOD, GOOD | {"url": "http://example.org/b"}), type=JSON)
    engine = SearXNG(site.url("/base/"), client)
    hits = await engine.search("long context", limit=5, scope=Scope("zh"))
    assert [hit.url for hit in hits] == ["https://example.org/a", "http://example.org/b"]
    assert (hits[0].title, hits[0].snippet) == ("A title", "Some words")
    assert hits[0].published == date(2026, 3, 4)
    assert hits[0].kind == engine.kind == "web"
    assert site.asked[0].query == {
        "q": "long context", "format": "json", "language": "zh", "pageno": "1"
    }  # fmt: skip


async def test_results_that_are_not_as_expected_are_taken_for_what_they_are_worth(
    site: Site, client: httpx.AsyncClient
) -> None:
    bare = {"url": "https://example.org/c", "title": None, "publishedDate": "yesterday"}
    odd = ["text", None, {}, {"url": 3}, {"url": "javascript:alert(1)"}, bare]
    site.serve("/search", results(*odd), type=JSON)
    hits = await SearXNG(site.url(), client).search("q", limit=5, scope=Scope())
    assert [(hit.url, hit.title, hit.published) for hit in hits] == [(bare["url"], "", None)]


async def test_no_more_hits_than_asked_for(site: Site, client: httpx.AsyncClient) -> None:
    many = [GOOD | {"url": f"https://example.org/{number}"} for number in range(9)]
    site.serve("/search", results(*many), type=JSON)
    hits = await SearXNG(site.url(), client).search("q", limit=2, scope=Scope())
    assert len(hits) == 2


@pytest.mark.parametrize(
    ("days", "span"), [(0, "day"), (5, "week"), (20, "month"), (200, "year"), (1000, None)]
)
async def test_since_asks_for_the_narrowest_range_that_reaches_back(
    site: Site, client: httpx.AsyncClient, days: int, span: str | None
) -> None:
    today = datetime.now(UTC).date()
    since = today - timedelta(days=days)
    old = GOOD | {"publishedDate": (since - timedelta(days=1)).isoformat()}
    new = GOOD | {"publishedDate": since.isoformat(), "url": "https://example.org/new"}
    undated = GOOD | {"publishedDate": None, "url": "https://example.org/undated"}
    site.serve("/search", results(old, new, undated), type=JSON)
    hits = await SearXNG(site.url(), client).search("q", limit=5, scope=Scope("en", since))
    assert [hit.published for hit in hits] == [since, None]
    assert site.asked[0].query.get("time_range") == span


async def test_nothing_found_is_an_empty_list(site: Site, client: httpx.AsyncClient) -> None:
    site.serve("/search", results(unresponsive_engines=[]), type=JSON)
    assert await SearXNG(site.url(), client).search("q", limit=5, scope=Scope()) == []


async def test_nothing_found_because_engines_were_silent_is_a_failure(
    site: Site, client: httpx.AsyncClient
) -> None:
    site.serve("/search", results(unresponsive_engines=[["big", "timeout"], "odd"]), type=JSON)
    with pytest.raises(SearchFailed, match="no answer from big: timeout"):
        await SearXNG(site.url(), client).search("q", limit=5, scope=Scope())


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, "", "enable the json format under search.formats in settings.yml"),
        (429, "", "answered 429 - wait"),
        (599, "", "answered 599"),
        (200, "<html>", "did not answer in JSON"),
        (200, "\x80", "did not answer in JSON"),
        (200, "[1]", "did not answer with a JSON object"),
        (200, '{"results": 3}', "without a list of results"),
    ],
)
async def test_a_broken_answer_says_what_was_wrong_with_it(
    site: Site, client: httpx.AsyncClient, status: int, body: str, said: str
) -> None:
    site.serve("/search", body, status)
    with pytest.raises(SearchFailed, match=said):
        await SearXNG(site.url(), client).search("q", limit=5, scope=Scope())


async def test_sites_are_asked_for_in_words(site: Site, client: httpx.AsyncClient) -> None:
    site.serve("/search", results(), type=JSON)
    scope = Scope(only_sites=("a.org", "b.org"), without_sites=("x.a.org",))
    await SearXNG(site.url(), client).search("q", limit=5, scope=scope)
    assert site.asked[0].query["q"] == "q (site:a.org OR site:b.org) -site:x.a.org"


async def test_an_instance_that_moved_is_followed(site: Site, client: httpx.AsyncClient) -> None:
    site.serve("/search", status=301, headers={"Location": "/new/search"})
    site.serve("/new/search", results(GOOD), type=JSON)
    assert await SearXNG(site.url(), client).search("q", limit=5, scope=Scope())


async def test_an_instance_that_is_not_there_is_named_without_its_password(
    client: httpx.AsyncClient,
) -> None:
    engine = SearXNG("http://me:secret@127.0.0.1:1", client)
    with pytest.raises(SearchFailed, match="cannot be reached") as caught:
        await engine.search("q", limit=5, scope=Scope())
    assert "secret" not in str(caught.value)


async def test_an_instance_that_is_silent_does_not_hold_the_run_up(
    site: Site, client: httpx.AsyncClient
) -> None:
    async def silent(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    site.serve("/search", reply=silent)
    with pytest.raises(SearchFailed, match="in time"):
        await SearXNG(site.url(), client).search("q", limit=5, scope=Scope())
