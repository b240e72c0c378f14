from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.engines.openalex import OpenAlex, abstract
from agent.domain.evidence import Publication
from agent.domain.question import Scope

if TYPE_CHECKING:
    from tests.adapters.conftest import Site

WORK: dict[str, Any] = {
    "id": "https://openalex.org/W2741809807",
    "doi": "https://doi.org/10.7717/PeerJ.4375",
    "display_name": "The state of OA:\n a large-scale analysis",
    "publication_date": "2018-02-13",
    "ids": {
        "openalex": "https://openalex.org/W2741809807",
        "doi": "https://doi.org/10.7717/peerj.4375",
        "pmid": "https://pubmed.ncbi.nlm.nih.gov/29456894",
    },
    "authorships": [
        {"author_position": "first", "author": {"display_name": "Heather Piwowar"}},
        {"author_position": "last", "author": {"display_name": None}},
        {"author_position": "last", "author": {"display_name": "Stefanie  Haustein"}},
    ],
    "primary_location": {
        "is_oa": True,
        "landing_page_url": "https://doi.org/10.7717/peerj.4375",
        "source": {"display_name": "PeerJ", "type": "journal"},
    },
    "best_oa_location": {
        "landing_page_url": "https://peerj.example/articles/4375",
        "pdf_url": "https://peerj.example/articles/4375.pdf",
        "license": "cc-by",
    },
    "locations": [{"landing_page_url": "http://arxiv.org/abs/1801.12345v2"}],
    "cited_by_count": 1234,
    "is_retracted": False,
    "abstract_inverted_index": {"Despite": [0], "growing": [1, 4], "interest": [2], "is": [3]},
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        yield client


def serve(site: Site, *works: dict[str, Any]) -> str:
    body = json.dumps({"meta": {"count": len(works)}, "results": works})
    return site.serve("/works", body, type="application/json")


async def test_a_work_becomes_a_hit_with_all_that_is_known(
    site: Site, client: httpx.AsyncClient
) -> None:
    engine = OpenAlex(client, serve(site, WORK))
    (hit,) = await engine.search("open access", limit=5, scope=Scope())
    assert hit.kind == engine.kind == "scholar"
    assert hit.url == "https://doi.org/10.7717/peerj.4375"
    assert hit.title == "The state of OA: a large-scale analysis"
    assert hit.authors == ("Heather Piwowar", "Stefanie Haustein")
    assert hit.published == date(2018, 2, 13)
    assert hit.abstract == "Despite growing interest is growing"
    assert hit.read_urls == (
        "https://peerj.example/articles/4375.pdf",
        "https://arxiv.org/html/1801.12345",
        "https://arxiv.org/pdf/1801.12345",
        "https://peerj.example/articles/4375",
    )
    assert hit.publication == Publication(
        doi="10.7717/peerj.4375",
        arxiv_id="1801.12345",
        pmid="29456894",
        venue="PeerJ",
        citations=1234,
        licence="cc-by",
    )


async def test_the_scope_is_asked_for(site: Site, client: httpx.AsyncClient) -> None:
    engine = OpenAlex(client, serve(site), mailto="me@example.org", key="k")
    scope = Scope("zh", date(2020, 1, 1), date(2021, 2, 3))
    assert await engine.search("rag?", limit=500, scope=scope) == []
    asked = site.asked[0].query
    assert asked["search"] == "rag"
    assert asked["filter"] == (
        "from_publication_date:2020-01-01,to_publication_date:2021-02-03,language:zh"
    )
    assert (asked["per_page"], asked["mailto"], asked["api_key"]) == ("100", "me@example.org", "k")


async def test_no_key_and_no_address_for_mail_are_not_sent(
    site: Site, client: httpx.AsyncClient
) -> None:
    await OpenAlex(client, serve(site)).search("rag", limit=5, scope=Scope())
    assert not {"mailto", "api_key"} & site.asked[0].query.keys()


async def test_works_outside_the_scope_and_beyond_the_limit_are_left_out(
    site: Site, client: httpx.AsyncClient
) -> None:
    later = WORK | {"publication_date": "2024-01-01"}
    undated = WORK | {"publication_date": None}
    engine = OpenAlex(client, serve(site, WORK, later, undated, later))
    hits = await engine.search("rag", limit=2, scope=Scope(since=date(2023, 1, 1)))
    assert [hit.published for hit in hits] == [date(2024, 1, 1), None]


async def test_a_bare_work_is_found_at_its_own_page(site: Site, client: httpx.AsyncClient) -> None:
    bare = {"id": "https://openalex.org/W1", "display_name": "X", "is_retracted": True}
    (hit,) = await OpenAlex(client, serve(site, bare)).search("rag", limit=5, scope=Scope())
    assert (hit.url, hit.read_urls, hit.abstract) == ("https://openalex.org/W1", (), "")
    assert hit.publication == Publication(retracted=True)


@given(st.lists(st.from_regex(r"[a-z]{1,5}", fullmatch=True), max_size=40))
def test_an_inverted_index_comes_back_as_its_text(text: list[str]) -> None:
    index: dict[str, list[int]] = {}
    for place, word in enumerate(text):
        index.setdefault(word, []).append(place)
    assert abstract(index) == " ".join(text)


@pytest.mark.parametrize(
    "index", [None, [], "x", {"a": None}, {"a": ["x", -1, 1.5, True, 10**12]}, {"a": {"b": 1}}]
)
def test_an_index_of_nonsense_is_no_abstract(index: object) -> None:
    assert abstract(index) == ""


async def test_it_says_which_of_some_works_are_retracted(
    site: Site, client: httpx.AsyncClient
) -> None:
    taken_back = {"doi": "https://doi.org/10.7717/GONE", "is_retracted": True}
    engine = OpenAlex(client, serve(site, taken_back, WORK))
    assert await engine.retracted(["10.7717/gone", "10.7717/peerj.4375"]) == {"10.7717/gone"}
    assert site.asked[0].query["filter"] == "doi:10.7717/gone|10.7717/peerj.4375"
    assert await engine.retracted([]) == frozenset()
    assert len(site.asked) == 1
