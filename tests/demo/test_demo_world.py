import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import arxiv
import httpx
import pypdfium2
import pytest
import trafilatura
from hypothesis import given
from hypothesis import strategies as st
from trafilatura.settings import Document

from agent.demo import arxiv_query, texts
from agent.demo.ranking import Ranking
from agent.demo.texts import Text
from agent.demo.world import DemoWorld

PAGES = texts.read_texts("pages")
PAPERS = texts.read_texts("papers")
OFF_TOPIC = {"Crumb and Crust", "Spoke and Sprocket", "江南茶谱"}
BOILERPLATE = ("cookies", "Newsletter", "Related links", "All rights reserved", "Copy link")
SENTENCE_END = re.compile(r"[.!?](?=\s|$)|[。！？]")


@pytest.fixture
async def world() -> AsyncIterator[DemoWorld]:
    async with DemoWorld() as world:
        yield world


@pytest.fixture
async def client(world: DemoWorld) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=world.base, trust_env=False) as client:
        yield client


async def results(client: httpx.AsyncClient, query: str, **more: str) -> list[dict[str, Any]]:
    answer = await client.get("/search", params={"q": query, "format": "json", **more})
    found: list[dict[str, Any]] = answer.raise_for_status().json()["results"]
    return found


async def papers(world: DemoWorld, search: arxiv.Search) -> list[arxiv.Result]:
    client = arxiv.Client(page_size=3, delay_seconds=0, num_retries=0)
    client.query_url_format = f"{world.arxiv_url}?{{}}"
    with client._session as session:  # noqa: SLF001 - it has no other way to close its connections
        session.trust_env = False
        return await asyncio.to_thread(lambda: list(client.results(search)))


def squeezed(text: str) -> str:
    return "".join(text.split())


def pdf_text(content: bytes) -> str:
    with pypdfium2.PdfDocument(content) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


async def test_a_search_answers_in_the_form_of_searxng(client: httpx.AsyncClient) -> None:
    answer = await client.get("/search", params={"q": "KV cache memory", "format": "json"})
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert {"query", "number_of_results", "results", "answers", "suggestions"} <= found.keys()
    first = found["results"][0]
    assert first["url"].endswith("/kiln-engineering/handbook/kv-cache-planning")
    assert first["title"] == "KV cache planning for long-context serving"
    assert "KV cache" in first["content"]
    assert datetime.fromisoformat(first["publishedDate"]).date() == date(2025, 4, 14)
    assert first["engines"] == [first["engine"]]


async def test_only_json_is_served_by_search(client: httpx.AsyncClient) -> None:
    assert (await client.get("/search", params={"q": "cache"})).status_code == 403
    assert (await client.get("/search", params={"q": "x", "format": "csv"})).status_code == 403
    assert (await client.get("/search", params={"format": "json"})).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "best restaurants in Paris",
        "history of the Ottoman empire",
        "zxqv wobblefish",
        "如何投资股票市场",
        "红烧肉的做法",
        "what is it",
        "的",
        "?!",
    ],
)
async def test_a_query_about_nothing_here_finds_nothing(
    client: httpx.AsyncClient, query: str
) -> None:
    assert await results(client, query) == []


async def test_a_chinese_question_finds_the_chinese_pages_first(client: httpx.AsyncClient) -> None:
    found = await results(client, "长上下文窗口能否取代检索增强生成？", language="zh-CN")
    languages = {page.title: page.language for page in PAGES}
    assert [languages[hit["title"]] for hit in found[:4]] == ["zh"] * 4
    assert found[0]["title"].startswith("长上下文能否取代检索增强生成")


@pytest.mark.parametrize(
    "query",
    [
        "does a long context window replace retrieval-augmented generation",
        "cost and latency of long prompts",
        "when to combine retrieval and long context",
        "limits and failures of long context, lost in the middle",
        "检索 长上下文 成本 延迟",
    ],
)
async def test_pages_off_the_topic_are_never_among_the_first(
    client: httpx.AsyncClient, query: str
) -> None:
    sites = {page.title: page.site for page in PAGES}
    found = await results(client, query)
    assert len(found) >= 4
    assert OFF_TOPIC.isdisjoint(sites[hit["title"]] for hit in found[:5])


async def test_further_results_stand_on_the_next_page(client: httpx.AsyncClient) -> None:
    first = await results(client, "long context retrieval RAG 长上下文 检索", pageno="1")
    second = await results(client, "long context retrieval RAG 长上下文 检索", pageno="2")
    assert len(first) == 10
    assert second
    assert {hit["url"] for hit in first}.isdisjoint(hit["url"] for hit in second)


@pytest.mark.parametrize("page", [p for p in PAGES if p.kind == "page"], ids=lambda p: p.path)
async def test_an_article_can_be_told_from_what_surrounds_it(
    client: httpx.AsyncClient, page: Text
) -> None:
    answer = await client.get(page.path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert all(words in answer.text for words in BOILERPLATE)
    document = trafilatura.bare_extraction(answer.text, url=str(answer.url), with_metadata=True)
    assert isinstance(document, Document)
    text = squeezed(document.text or "")
    assert [block for block in page.blocks if squeezed(block.removeprefix("## ")) not in text] == []
    assert [words for words in BOILERPLATE if squeezed(words) in text] == []
    assert (document.title, document.author) == (page.title, page.authors[0])
    assert document.date == page.published.isoformat()
    assert document.sitename == page.site


@pytest.mark.parametrize("text", [t for t in PAGES + PAPERS if t.pdf], ids=lambda t: t.pdf)
async def test_every_pdf_says_what_its_text_says(client: httpx.AsyncClient, text: Text) -> None:
    answer = await client.get(f"/pdf/{text.id}" if text.id else text.path)
    assert answer.headers["content-type"] == "application/pdf"
    assert len(answer.content) < 60_000
    read = squeezed(pdf_text(answer.content))
    blocks = [text.title, *text.authors, text.abstract, *text.blocks]
    assert [b for b in blocks if squeezed(b.removeprefix("## ")) not in read] == []


@pytest.mark.parametrize("text", PAGES + PAPERS, ids=lambda text: text.path)
def test_every_text_has_plenty_to_quote(text: Text) -> None:
    assert len(SENTENCE_END.findall(text.body)) >= 16
    assert max(len(block) for block in text.blocks) < 1_200


async def test_the_arxiv_package_reads_the_feed(world: DemoWorld) -> None:
    found = await papers(world, arxiv.Search('all:"long context" AND all:retrieval'))
    assert len(found) == len({paper.entry_id for paper in found}) >= 4  # over more than one page
    paper = next(paper for paper in found if "2411.99308" in paper.entry_id)
    assert paper.entry_id == f"{world.base}/abs/2411.99308v2"
    assert paper.pdf_url == f"{world.base}/pdf/2411.99308v2"
    assert (
        paper.title == "Let the Question Decide: Routing between Retrieval and Full-Context Reading"
    )
    assert paper.authors[0].name == "Oluwaseun Hartwell"
    assert paper.published == datetime(2024, 11, 12, 12, tzinfo=UTC)
    assert paper.updated == datetime(2025, 3, 2, 12, tzinfo=UTC)
    assert (paper.primary_category, paper.categories) == ("cs.CL", ["cs.CL", "cs.IR", "cs.LG"])
    assert paper.summary.startswith("Retrieval-augmented generation is cheap")


async def test_papers_are_found_by_id_and_sorted_by_date(world: DemoWorld) -> None:
    by_id = await papers(world, arxiv.Search(id_list=["2604.99163", "2402.99217v1", "2402.00001"]))
    assert [paper.entry_id[-12:] for paper in by_id] == ["2604.99163v2", "2402.99217v2"]
    newest = arxiv.Search("cat:cs.*", sort_by=arxiv.SortCriterion.SubmittedDate)
    dates = [paper.published for paper in await papers(world, newest)]
    assert len(dates) == len(PAPERS)
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize("query", ["", "(all:x", "all:x AND", "foo:bar", "id_list", '"x'])
async def test_a_malformed_query_gets_an_error_entry(client: httpx.AsyncClient, query: str) -> None:
    ids = "not-an-id" if query == "id_list" else ""
    answer = await client.get("/api/query", params={"search_query": query, "id_list": ids})
    assert answer.status_code == 400
    assert "<title>Error</title>" in answer.text


async def test_the_arxiv_package_reports_a_malformed_query(world: DemoWorld) -> None:
    with pytest.raises(arxiv.HTTPError):
        await papers(world, arxiv.Search("all:(cache"))


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("au:Varga", {"2507.99411"}),
        ("ti:(routing OR chunk)", {"2411.99308", "2507.99411"}),
        ("cat:cs.IR ANDNOT ti:chunk", {"2406.99031", "2411.99308", "2604.99163"}),
        ("cat:cs.AI AND submittedDate:[202501010000 TO 202612312359]", {"2601.99084"}),
        ("abs:multi-hop AND lastUpdatedDate:[2026 TO 2026]", {"2604.99163"}),
        ('ti:"cached prefix" OR au:nobody', {"2503.99270"}),
        ("all:quantum AND all:gravity", set()),
    ],
)
def test_arxiv_query_syntax_is_understood(query: str, ids: set[str]) -> None:
    assert {paper.id for paper in filter(arxiv_query.parse(query), PAPERS)} == ids


@given(st.text(st.sampled_from('al:ti" ()[]ANDORT2024x'), max_size=40))
def test_any_query_is_either_understood_or_malformed(query: str) -> None:
    try:
        test = arxiv_query.parse(query)
    except arxiv_query.MalformedQuery:
        return
    assert all(test(paper) in {True, False} for paper in PAPERS)


@pytest.mark.parametrize("text", PAGES, ids=lambda text: text.path)
def test_every_page_is_found_first_by_its_title(text: Text) -> None:
    assert Ranking(PAGES).best(text.title)[0][1] == text


async def test_an_abstract_has_a_page_of_its_own(client: httpx.AsyncClient) -> None:
    for address in ("/abs/2601.99084", "/abs/2601.99084v1"):
        answer = await client.get(address)
        assert "Citation support falls from 91.8%" in answer.text


async def test_what_does_not_exist_is_not_found(client: httpx.AsyncClient) -> None:
    for address in ("/", "/abs/2601.00000", "/pdf/9999", "/lantern-notes", "/../etc/passwd"):
        assert (await client.get(address)).status_code == 404
    assert "Allow: /" in (await client.get("/robots.txt")).text


async def test_one_connection_carries_many_requests_until_a_body_comes(world: DemoWorld) -> None:
    reader, writer = await asyncio.open_connection(*world.host.split(":"))
    for request in (b"GET /robots.txt HTTP/1.1\r\n\r\n", b"POST /search HTTP/1.1\r\n\r\nx=1"):
        writer.write(request)
    answers = await reader.read()
    writer.close()
    assert answers.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"HTTP/1.1 405 Method Not Allowed\r\n" in answers
    assert world.requests == ["/robots.txt"]


async def test_leaving_the_world_hangs_up_on_everyone() -> None:
    async with DemoWorld() as world:
        reader, writer = await asyncio.open_connection(*world.host.split(":"))
        writer.write(b"GET /robots.txt HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"Allow: /\n")
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection(*world.host.split(":"))


def test_an_unknown_kind_of_text_is_refused() -> None:
    with pytest.raises(ValueError, match="no such kind"):
        texts.parsed('+++\nkind = "poem"\n+++\n\nwords')
