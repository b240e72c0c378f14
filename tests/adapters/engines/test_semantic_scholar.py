from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agent.adapters.engines.semantic_scholar import SemanticScholar
from agent.domain.evidence import Publication
from agent.domain.question import Scope

if TYPE_CHECKING:
    from tests.adapters.conftest import Site

PAPER: dict[str, Any] = {
    "paperId": "649def34",
    "externalIds": {
        "DOI": "10.18653/V1/N18-3011",
        "ArXiv": "1805.02262",
        "PubMed": "19872477",
        "CorpusId": 19170988,
    },
    "url": "https://www.semanticscholar.org/paper/649def34",
    "title": "Construction of the Literature Graph in Semantic Scholar",
    "abstract": "We describe a deployed\nscalable system.",
    "venue": "North American Chapter of the ACL",
    "citationCount": 365,
    "openAccessPdf": {
        "url": "https://www.aclweb.example/N18-3011.pdf",
        "status": "HYBRID",
        "license": "CCBY",
    },
    "publicationDate": "2018-05-06",
    "authors": [{"authorId": "1", "name": "Waleed Ammar"}, {"authorId": "2", "name": "D. Groen"}],
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        yield client


def serve(site: Site, *papers: dict[str, Any]) -> str:
    body = json.dumps({"total": len(papers), "offset": 0, "data": papers})
    return site.serve("/graph/v1/paper/search", body, type="application/json")


async def test_a_paper_becomes_a_hit_with_all_that_is_known(
    site: Site, client: httpx.AsyncClient
) -> None:
    engine = SemanticScholar(client, serve(site, PAPER))
    (hit,) = await engine.search("literature graph", limit=5, scope=Scope())
    assert hit.kind == engine.kind == "scholar"
    assert hit.url == "https://doi.org/10.18653/v1/n18-3011"
    assert hit.title == "Construction of the Literature Graph in Semantic Scholar"
    assert hit.authors == ("Waleed Ammar", "D. Groen")
    assert hit.published == date(2018, 5, 6)
    assert hit.abstract == "We describe a deployed scalable system."
    assert hit.read_urls == (
        "https://www.aclweb.example/N18-3011.pdf",
        "https://arxiv.org/html/1805.02262",
        "https://arxiv.org/pdf/1805.02262",
    )
    assert hit.publication == Publication(
        doi="10.18653/v1/n18-3011",
        arxiv_id="1805.02262",
        pmid="19872477",
        venue="North American Chapter of the ACL",
        citations=365,
        licence="CCBY",
    )


async def test_what_is_null_is_unknown(site: Site, client: httpx.AsyncClient) -> None:
    bare = dict.fromkeys(PAPER) | {"title": "X", "url": "https://www.semanticscholar.org/paper/1"}
    (hit,) = await SemanticScholar(client, serve(site, bare)).search(
        "x", limit=5, scope=Scope(since=date(2020, 1, 1))
    )
    assert hit.url == "https://www.semanticscholar.org/paper/1"
    assert (hit.read_urls, hit.published, hit.publication) == ((), None, Publication())


@pytest.mark.parametrize(
    ("since", "until", "asked"),
    [
        (date(2020, 1, 2), date(2021, 3, 4), "2020-01-02:2021-03-04"),
        (date(2020, 1, 2), None, "2020-01-02:"),
        (None, date(2021, 3, 4), ":2021-03-04"),
        (None, None, None),
    ],
)
async def test_the_days_are_asked_for(
    site: Site, client: httpx.AsyncClient, since: date | None, until: date | None, asked: str | None
) -> None:
    engine = SemanticScholar(client, serve(site), key="s3cret")
    scope = Scope(since=since, until=until)
    assert await engine.search("long-context models", limit=500, scope=scope) == []
    assert site.asked[0].query.get("publicationDateOrYear") == asked
    assert site.asked[0].query["query"] == "long context models"
    assert site.asked[0].query["limit"] == "100"
    assert site.asked[0].headers["x-api-key"] == "s3cret"


async def test_nothing_found_is_an_empty_list(site: Site, client: httpx.AsyncClient) -> None:
    address = site.serve("/search", '{"total": 0, "offset": 0}')
    assert await SemanticScholar(client, address).search("x", limit=5, scope=Scope()) == []
    assert "x-api-key" not in site.asked[0].headers
