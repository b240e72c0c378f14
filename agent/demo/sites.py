"""Says what stands at each address of the demo world; leaves the talking to the server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote, urlsplit

from agent.demo import arxiv_query, formats, texts
from agent.demo.ranking import Ranking

if TYPE_CHECKING:
    from agent.demo.texts import Text

HTML: Final = "text/html; charset=utf-8"
JSON: Final = "application/json"
ATOM: Final = "application/atom+xml; charset=utf-8"
PDF: Final = "application/pdf"
PLAIN: Final = "text/plain; charset=utf-8"
RESULTS_PER_PAGE: Final = 10
ARXIV_ID = re.compile(r"(\d{4}\.\d{4,5})(v\d+)?")
PAPER_PATH = re.compile(r"/(abs|pdf)/(\d{4}\.\d{5})(?:v\d+)?(?:\.pdf)?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: HTTPStatus
    media_type: str
    body: bytes


def ok(media_type: str, text: str) -> Answer:
    """Answer with a text."""
    return Answer(HTTPStatus.OK, media_type, text.encode())


def refused(status: HTTPStatus, media_type: str = PLAIN, text: str = "") -> Answer:
    """Answer that it cannot be done."""
    return Answer(status, media_type, (text or status.phrase).encode())


class Sites:
    """All sites of the demo world under one address, ``base``; read when first asked for."""

    def __init__(self, base: str) -> None:
        """Remember the address that links begin with."""
        self.base = base

    def answer(self, target: str) -> Answer:
        """Return what stands at a path, with or without a query."""
        parts = urlsplit(target)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        match unquote(parts.path):
            case "/search":
                return self._search(asked)
            case "/api/query":
                return self._papers_feed(asked)
            case "/robots.txt":
                return ok(PLAIN, "User-agent: *\nAllow: /\n")
            case path:
                return self._document(path)

    @cached_property
    def _pages(self) -> Ranking:
        return Ranking(texts.read_texts("pages"))

    @cached_property
    def _papers(self) -> Ranking:
        return Ranking(texts.read_texts("papers"))

    @cached_property
    def _page_at(self) -> dict[str, Text]:
        return {page.path: page for page in self._pages.texts}

    @cached_property
    def _paper_by_id(self) -> dict[str, Text]:
        return {paper.id: paper for paper in self._papers.texts}

    def _search(self, asked: dict[str, str]) -> Answer:
        """Answer as SearXNG: only JSON is served here, as only HTML is by default there."""
        if asked.get("format") != "json":
            return refused(HTTPStatus.FORBIDDEN)
        query, number = asked.get("q", ""), asked.get("pageno", "1")
        if not query or not number.isdecimal() or int(number) < 1:
            return refused(HTTPStatus.BAD_REQUEST, JSON, '{"error": "No query"}')
        found = preferring(asked.get("language", "all"), self._pages.best(query))
        start = RESULTS_PER_PAGE * (int(number) - 1)
        window = slice(start, start + RESULTS_PER_PAGE)
        return ok(JSON, formats.search_json(query, found, self.base, window))

    def _papers_feed(self, asked: dict[str, str]) -> Answer:
        """Answer as arXiv's API."""
        query = asked.get("search_query", "")
        try:
            window = window_of(asked)
            found = in_order(asked, self._matching(query, asked.get("id_list", "")))
        except arxiv_query.MalformedQuery as error:
            text = formats.error_feed(str(error), query, self.base)
            return refused(HTTPStatus.BAD_REQUEST, ATOM, text)
        return ok(ATOM, formats.feed(query, found, self.base, window))

    def _matching(self, query: str, id_list: str) -> list[Text]:
        """Return the papers of a query, of a list of ids, or of both; most relevant first."""
        if not query and not id_list:
            raise arxiv_query.MalformedQuery("neither search_query nor id_list was given")
        named = self._named(id_list) if id_list else list(self._papers.texts)
        if not query:
            return named
        test = arxiv_query.parse(query)
        rank = [text.id for _, text in self._papers.best(arxiv_query.plain(query))]
        place = {id_: at for at, id_ in enumerate(rank)}
        return sorted(filter(test, named), key=lambda paper: place.get(paper.id, len(rank)))

    def _named(self, id_list: str) -> list[Text]:
        ids = [ARXIV_ID.fullmatch(part.strip()) for part in id_list.split(",")]
        if not all(ids):
            raise arxiv_query.MalformedQuery(f"incorrect id format for {id_list}")
        return [self._paper_by_id[id_[1]] for id_ in ids if id_ and id_[1] in self._paper_by_id]

    def _document(self, path: str) -> Answer:
        """Return a page, an abstract or a PDF."""
        if page := self._page_at.get(path):
            return self._pdf(page) if page.pdf else ok(HTML, formats.html_page(page, self.base))
        address = PAPER_PATH.fullmatch(path)
        paper = self._paper_by_id.get(address[2]) if address else None
        if address is None or paper is None:
            return refused(HTTPStatus.NOT_FOUND)
        if address[1] == "pdf":
            return self._pdf(paper)
        return ok(HTML, formats.html_page(paper, self.base))

    def _pdf(self, text: Text) -> Answer:
        return Answer(HTTPStatus.OK, PDF, (texts.folder() / "pdf" / text.pdf).read_bytes())


def preferring(language: str, found: list[tuple[float, Text]]) -> list[tuple[float, Text]]:
    """Raise the pages of the language asked for by half, as engines favour one's own language."""
    primary = language.partition("-")[0].lower()
    raised = [(score * (1.5 if t.language == primary else 1.0), t) for score, t in found]
    return sorted(raised, key=lambda pair: -pair[0])


def window_of(asked: dict[str, str]) -> range:
    """Return which results of arXiv's API are asked for."""
    start, size = asked.get("start", "0"), asked.get("max_results", "10")
    if not (start.isdecimal() and size.isdecimal()):
        raise arxiv_query.MalformedQuery("start and max_results must be integers")
    return range(int(start), int(start) + int(size))


def in_order(asked: dict[str, str], papers: list[Text]) -> list[Text]:
    """Sort papers as ``sortBy`` and ``sortOrder`` say; they come sorted by relevance."""
    newest_first = asked.get("sortOrder", "descending") == "descending"
    match asked.get("sortBy", "relevance"):
        case "submittedDate":
            return sorted(papers, key=lambda paper: paper.published, reverse=newest_first)
        case "lastUpdatedDate":
            return sorted(papers, key=lambda paper: paper.updated, reverse=newest_first)
        case "relevance":
            return papers if newest_first else papers[::-1]
        case other:
            raise arxiv_query.MalformedQuery(f"sortBy must not be {other}")
