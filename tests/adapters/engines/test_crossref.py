from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.engines.crossref import Crossref, is_retracted, plain, published
from agent.domain.evidence import Publication
from agent.domain.question import Scope

if TYPE_CHECKING:
    from tests.adapters.conftest import Site

WORK: dict[str, Any] = {
    "DOI": "10.5555/ABC",
    "URL": "https://doi.org/10.5555/abc",
    "type": "journal-article",
    "title": ["Effects of <i>p</i> on CO<sub>2</sub>"],
    "author": [
        {"given": "Josiah", "family": "Carberry", "sequence": "first"},
        {"name": "The Group", "sequence": "additional"},
        {"sequence": "additional"},
    ],
    "issued": {"date-parts": [[2019, 5, 17]]},
    "container-title": ["Journal of Psychoceramics", "J. Psych."],
    "abstract": (
        "<jats:title>Abstract</jats:title><jats:p>It is &lt; 5.</jats:p><jats:p>Yes.</jats:p>"
    ),
    "is-referenced-by-count": 12,
    "license": [
        {"URL": "https://www.publisher.example/tdm", "content-version": "tdm"},
        {"URL": "https://creativecommons.org/licenses/by/4.0/", "content-version": "vor"},
    ],
    "link": [
        {
            "URL": "https://publisher.example/abc.xml",
            "content-type": "text/xml",
            "intended-application": "text-mining",
        },
        {
            "URL": "https://publisher.example/abc.pdf",
            "content-type": "application/pdf",
            "intended-application": "text-mining",
        },
        {
            "URL": "https://publisher.example/check.pdf",
            "content-type": "application/pdf",
            "intended-application": "similarity-checking",
        },
    ],
    "relation": {"has-preprint": [{"id-type": "doi", "id": "10.48550/arXiv.1901.12345"}]},
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        yield client


def serve(site: Site, *works: dict[str, Any]) -> str:
    message = {"total-results": len(works), "items": works}
    body = json.dumps({"status": "ok", "message-type": "work-list", "message": message})
    return site.serve("/works", body, type="application/json")


async def test_a_work_becomes_a_hit_with_all_that_is_known(
    site: Site, client: httpx.AsyncClient
) -> None:
    engine = Crossref(client, serve(site, WORK))
    (hit,) = await engine.search("psychoceramics", limit=5, scope=Scope())
    assert hit.kind == engine.kind == "scholar"
    assert hit.url == "https://doi.org/10.5555/abc"
    assert hit.title == "Effects of p on CO2"
    assert hit.authors == ("Josiah Carberry", "The Group")
    assert hit.published == date(2019, 5, 17)
    assert hit.abstract == "It is < 5. Yes."
    assert hit.read_urls == (
        "https://publisher.example/abc.pdf",
        "https://publisher.example/abc.xml",
        "https://arxiv.org/html/1901.12345",
        "https://arxiv.org/pdf/1901.12345",
    )
    assert hit.publication == Publication(
        doi="10.5555/abc",
        arxiv_id="1901.12345",
        venue="Journal of Psychoceramics",
        citations=12,
        licence="https://creativecommons.org/licenses/by/4.0/",
    )


async def test_without_an_open_licence_the_publishers_links_are_not_read(
    site: Site, client: httpx.AsyncClient
) -> None:
    closed = WORK | {"license": [], "relation": {}}
    (hit,) = await Crossref(client, serve(site, closed)).search("x", limit=5, scope=Scope())
    assert hit.read_urls == ()


async def test_a_journal_is_no_work_to_read(site: Site, client: httpx.AsyncClient) -> None:
    engine = Crossref(client, serve(site, WORK | {"type": "journal"}))
    assert await engine.search("x", limit=5, scope=Scope()) == []


async def test_the_scope_is_asked_for(site: Site, client: httpx.AsyncClient) -> None:
    engine = Crossref(client, serve(site), mailto="me@example.org")
    scope = Scope(since=date(2020, 1, 2), until=date(2021, 3, 4))
    assert await engine.search("x", limit=5, scope=scope) == []
    asked = site.asked[0].query
    assert asked["filter"] == "from-pub-date:2020-01-02,until-pub-date:2021-03-04"
    assert (asked["rows"], asked["mailto"]) == ("5", "me@example.org")


async def test_a_year_alone_shuts_nothing_out(site: Site, client: httpx.AsyncClient) -> None:
    year = WORK | {"issued": {"date-parts": [[2020]]}}
    hits = await Crossref(client, serve(site, year, WORK)).search(
        "x", limit=5, scope=Scope(since=date(2020, 6, 1))
    )
    assert [hit.published for hit in hits] == [None]


@pytest.mark.parametrize(
    ("issued", "day"),
    [
        ({"date-parts": [[2020, 2, 29]]}, date(2020, 2, 29)),
        ({"date-parts": [[2020, 2]]}, None),
        ({"date-parts": [[2020]]}, None),
        ({"date-parts": [[None]]}, None),
        ({"date-parts": [[2021, 2, 29]]}, None),
        ({"date-parts": [[10**30, 1, 1]]}, None),
        ({"date-parts": [["2020", "1", "1"]]}, None),
        ({"date-parts": []}, None),
        (None, None),
    ],
)
def test_only_a_whole_date_is_a_day(issued: object, day: date | None) -> None:
    assert published(issued) == day


@pytest.mark.parametrize(
    ("work", "retracted"),
    [
        ({"updated-by": [{"type": "correction"}, {"type": "retraction"}]}, True),
        ({"updated-by": [{"type": "Withdrawal"}]}, True),
        ({"updated-by": [{"type": "correction"}]}, False),
        ({"updated-by": [{"type": "expression_of_concern"}]}, False),
        ({"DOI": "10.5555/n", "update-to": [{"type": "retraction", "DOI": "10.5555/o"}]}, False),
        ({"DOI": "10.5555/N", "update-to": [{"type": "retraction", "DOI": "10.5555/n"}]}, True),
        ({"updated-by": [None, "x", {"type": 7}]}, False),
        ({}, False),
    ],
)
def test_a_work_is_retracted_by_a_notice_and_the_notice_is_not(
    work: dict[str, Any], *, retracted: bool
) -> None:
    assert is_retracted(work) is retracted


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<jats:p>where p < 0.05 and q > 1</jats:p>", "where p < 0.05 and q > 1"),
        ("H<jats:sub>2</jats:sub>O", "H2O"),
        ("<p>One.</p><p>Two.</p>", "One. Two."),
        ("a &amp;lt;script&amp;gt; b", "a &lt;script&gt; b"),
        ("<jats:title>Abstract</jats:title><jats:p>Abstract art.</jats:p>", "Abstract art."),
        ("<!-- no --><b>yes</b>", "yes"),
        (None, ""),
    ],
)
def test_markup_is_taken_off_and_what_only_looks_like_it_stays(markup: object, text: str) -> None:
    assert plain(markup) == text


@given(st.text(alphabet="<>/abp &;:=\"'", max_size=60))
def test_any_markup_becomes_one_line(markup: str) -> None:
    assert plain(markup) == " ".join(plain(markup).split())


async def test_it_says_which_of_some_works_a_notice_took_back(
    site: Site, client: httpx.AsyncClient
) -> None:
    taken_back = {"DOI": "10.5555/GONE", "updated-by": [{"type": "retraction", "DOI": "10.5555/n"}]}
    corrected = {"DOI": "10.5555/kept", "updated-by": [{"type": "correction", "DOI": "10.5555/m"}]}
    engine = Crossref(client, serve(site, taken_back, corrected))
    dois = ["10.5555/gone", "10.5555/kept", "10.5555/a,b", *(f"10.5555/{n}" for n in range(40))]
    assert await engine.retracted(dois) == {"10.5555/gone"}
    first, second = (asked.query["filter"].split(",") for asked in site.asked)
    assert first[:2] == ["doi:10.5555/gone", "doi:10.5555/kept"]
    assert (len(first), len(second)) == (40, 2)
