"""The frozen documents on loopback, with a search engine, and what runs make of them."""

import asyncio
import html
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from agent import wiring
from agent.demo.sites import Answer
from agent.demo.world import DemoWorld
from agent.domain.question import Question
from agent.domain.ranking import scores, terms
from agent.domain.report import Claim, Report
from agent.settings import Settings

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
MOST_HITS = 8


@dataclass(frozen=True)
class Document:
    """One frozen document."""

    name: str
    title: str
    date: str
    author: str
    text: str

    @property
    def page(self) -> str:
        """The document as a web page."""
        parts = "".join(f"<p>{html.escape(part)}</p>" for part in self.text.split("\n\n"))
        return (
            f"<html><head><title>{html.escape(self.title)}</title>"
            f'<meta name="author" content="{html.escape(self.author)}">'
            f'<meta property="article:published_time" content="{self.date}"></head>'
            f"<body><article><h1>{html.escape(self.title)}</h1>{parts}</article></body></html>"
        )


@cache
def documents() -> Mapping[str, Document]:
    found = {}
    for path in sorted(CORPUS.glob("*.md")):
        head, _, text = path.read_text("utf-8").partition("\n\n")
        about = dict(line.split(": ", 1) for line in head.splitlines())
        found[path.stem] = Document(path.stem, text=text.strip(), **about)
    return found


class FrozenWorld(DemoWorld):
    """Serves each document at its own site, and answers searches by BM25 over all of them."""

    def _answer(self, head: str) -> Answer:
        target = urlsplit(head.split(" ")[1])
        if target.path == "/search":
            (query,) = parse_qs(target.query)["q"]
            body = json.dumps({"results": self._results(query)}).encode()
            return Answer(HTTPStatus.OK, "application/json", body)
        document = documents().get(unquote(target.path).strip("/"))
        if document is None:
            return Answer(HTTPStatus.NOT_FOUND, "text/plain", b"no")
        return Answer(HTTPStatus.OK, "text/html; charset=utf-8", document.page.encode())

    def _results(self, query: str) -> list[dict[str, object]]:
        every = list(documents().values())
        near = scores(query, [terms(f"{one.title} {one.text}") for one in every])
        best = sorted(range(len(every)), key=lambda at: -near[at])[:MOST_HITS]
        return [
            {
                "url": f"{self.base}/{every[at].name}",
                "title": every[at].title,
                "content": every[at].text[:120],
                "publishedDate": every[at].date,
                "engine": "frozen",
            }
            for at in best
            if near[at] > 0
        ]


@dataclass(frozen=True)
class Asked:
    """One pinned question, and the report on it."""

    pinned: Mapping[str, Any]
    report: Report

    @property
    def claims(self) -> Sequence[Claim]:
        return self.report.claims

    def read_from(self, claim: Claim) -> set[str]:
        """Return the documents a claim is quoted from."""
        urls = {source.id: source.url for source in self.report.sources}
        return {urls[citation.source].rpartition("/")[2] for citation in claim.citations}

    def states(self, claim: Claim, words: Sequence[str]) -> bool:
        """Whether a claim and one of its quotes both have all the words."""
        texts = [claim.sentence, "\n".join(citation.quote for citation in claim.citations)]
        return all(plain(word) in plain(text) for word in words for text in texts)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).lower()


async def _asked(folder: Path) -> tuple[Asked, ...]:
    pinned = tomllib.loads((HERE / "questions.toml").read_text("utf-8"))["question"]
    asked = []
    async with FrozenWorld() as world:
        settings = Settings(
            out=folder,
            cached=False,
            engines=("searxng",),
            searxng_url=world.searxng_url,
            allow_hosts=frozenset({world.host}),
        )
        for one in pinned:
            question = Question(one["text"], sources=("web",))
            report = await wiring.research(question, settings=settings, embedded=True)
            asked.append(Asked(one, report))
    return tuple(asked)


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Asked, ...]:
    """All pinned questions, each researched once."""
    return asyncio.run(_asked(tmp_path_factory.mktemp("quality")))
