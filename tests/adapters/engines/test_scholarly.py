"""What holds for every index of papers alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.engines.crossref import Crossref
from agent.adapters.engines.openalex import OpenAlex
from agent.adapters.engines.scholarly import at_home, web_addresses, words
from agent.adapters.engines.semantic_scholar import SemanticScholar
from agent.adapters.turnstile import Turnstile
from agent.domain.evidence import Hit, Publication
from agent.domain.question import Scope
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.conftest import Site

Engine = OpenAlex | SemanticScholar | Crossref
ENGINES = (OpenAlex, SemanticScholar, Crossref)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        yield client


async def ask(engine: Engine, query: str = "long context") -> list[Hit]:
    return list(await engine.search(query, limit=5, scope=Scope()))


@pytest.mark.parametrize("made", ENGINES)
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "<html>", "did not answer in JSON - try again later"),
        (200, "", "did not answer in JSON"),
        (200, "[" * 100_000, "did not answer in JSON"),
        (200, b"\xff\xfe", "did not answer in JSON"),
        (200, "[]", "did not answer with a JSON object"),
        (200, "{}", "answered without a list"),
        (200, '{"results": 1, "data": 1, "message": {"items": {}}}', "answered without a list"),
        (200, '{"results": null, "data": null, "message": null}', "answered without a list"),
        (400, "{}", "answered 400"),
        (403, "{}", "answered 403 - "),
        (500, "{}", "answered 500 - try again later"),
        (429, "{}", "answered 429: .* asked to be left alone until .* - "),
        (503, "{}", "answered 503: .* asked to be left alone until"),
    ],
)
async def test_a_broken_answer_is_never_an_empty_list(
    site: Site,
    client: httpx.AsyncClient,
    made: Callable[[httpx.AsyncClient, str], Engine],
    status: int,
    body: str | bytes,
    said: str,
) -> None:
    engine = made(client, site.serve("/works", body, status))
    with pytest.raises(SearchFailed, match=said):
        await ask(engine)


@pytest.mark.parametrize("made", ENGINES)
async def test_what_is_not_a_paper_is_passed_over(
    site: Site, client: httpx.AsyncClient, made: Callable[[httpx.AsyncClient, str], Engine]
) -> None:
    found = '[null, 1, "x", [], {}, {"title": "No address"}, {"url": "javascript:1", "DOI": 7}]'
    body = f'{{"results": {found}, "data": {found}, "message": {{"items": {found}}}}}'
    assert await ask(made(client, site.serve("/works", body))) == []


@pytest.mark.parametrize("made", ENGINES)
async def test_a_closed_service_is_not_asked_again(
    site: Site, client: httpx.AsyncClient, made: Callable[[httpx.AsyncClient, str], Engine]
) -> None:
    engine = made(client, site.serve("/works", "", 429))
    for _ in range(3):
        with pytest.raises(SearchFailed, match="asked to be left alone"):
            await ask(engine)
    assert len(site.asked) == 1


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("made", ENGINES)
async def test_a_service_that_drips_ends_at_the_deadline(
    site: Site, client: httpx.AsyncClient, made: Callable[..., Engine]
) -> None:
    began = time.monotonic()
    with pytest.raises(SearchFailed, match="did not answer in time"):
        await ask(made(client, site.serve("/works", reply=drip), seconds=0.2))
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("made", ENGINES)
async def test_a_service_that_is_not_there_is_a_failure(
    client: httpx.AsyncClient, made: Callable[[httpx.AsyncClient, str], Engine]
) -> None:
    with pytest.raises(SearchFailed, match="cannot be reached"):
        await ask(made(client, "http://127.0.0.1:1/works"))


@pytest.mark.parametrize("made", ENGINES)
async def test_a_query_without_words_would_find_anything_and_is_refused(
    site: Site, client: httpx.AsyncClient, made: Callable[[httpx.AsyncClient, str], Engine]
) -> None:
    with pytest.raises(SearchFailed, match="no words"):
        await ask(made(client, site.serve("/works")), " ?*(-) ")
    assert site.asked == []


@pytest.mark.parametrize("made", ENGINES)
async def test_no_key_and_no_address_for_mail_stand_in_a_message(
    client: httpx.AsyncClient, made: Callable[..., Engine]
) -> None:
    with pytest.raises(SearchFailed) as caught:
        await ask(made(client, "http://127.0.0.1:1/works", "s3cret"))
    assert "s3cret" not in str(caught.value)


async def test_a_turnstile_spaces_a_service(
    site: Site, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    address = site.serve("/works", '{"total": 0}')
    engine = SemanticScholar(client, address, turnstile=Turnstile(tmp_path / "s2", 0.1))
    began = time.monotonic()
    await asyncio.gather(*(ask(engine) for _ in range(3)))
    assert time.monotonic() - began >= 0.2


def test_a_paper_is_read_where_it_is_open_and_the_abstracts_page_comes_last() -> None:
    hit = Hit(
        "scholar",
        "https://publisher.example/1",
        "X",
        read_urls=("https://repository.example/1.pdf", "https://arxiv.org/pdf/2401.12345v1"),
        publication=Publication(doi="10.1000/a<b", arxiv_id="2401.12345"),
    )
    found = at_home(hit, ["https://arxiv.org/abs/2401.12345", "https://pmc.example/1"])
    assert found is not None
    assert found.url == "https://doi.org/10.1000/a%3Cb"
    assert found.read_urls == (
        "https://repository.example/1.pdf",
        "https://arxiv.org/html/2401.12345",
        "https://arxiv.org/pdf/2401.12345",
        "https://pmc.example/1",
    )


@pytest.mark.parametrize(
    ("title", "retracted"),
    [
        ("RETRACTED ARTICLE: A finding", True),
        ("RETRACTED: A finding", True),
        ("[Retracted] A finding", True),
        ("Retracted: A finding", True),
        ("WITHDRAWN: A finding", True),
        ("Retraction: A finding", False),
        ("Retracted papers in oncology", False),
        ("RETRACTED SCIENCE AND ITS READERS", False),
        ("Retracted science: a study", False),
    ],
)
def test_a_title_marked_by_its_publisher_is_retracted(title: str, *, retracted: bool) -> None:
    found = at_home(Hit("scholar", "https://x.example", title))
    assert found is not None
    assert found.publication.retracted is retracted


@given(st.lists(st.text() | st.none() | st.just("https://[") | st.just("https://a b"), max_size=5))
def test_only_web_addresses_are_let_in(values: list[str | None]) -> None:
    assert all(url.startswith(("http://", "https://")) for url in web_addresses(*values))


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ('"long context" rag?', '"long context" rag'),
        ('half a "quote', "half a quote"),
        ("(a OR b) ~c*", "a OR b c"),
    ],
)
def test_wildcards_and_open_quotes_are_not_sent(query: str, sent: str) -> None:
    assert words(query) == sent
