"""A small web that changes between two runs: pages with entity tags, a SearXNG and an OpenAlex."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from agent import wiring
from agent.domain.question import Question
from agent.domain.report import Report
from agent.settings import Settings

TOPIC = "How much do sodium-ion batteries cost for grid storage?"

PAGES = {
    "cost": (
        "What sodium-ion batteries cost",
        "Sodium-ion batteries for grid storage cost 87 dollars per kilowatt-hour in large orders.",
        "Freight adds little to the price, because the plants stand close to the ports.",
    ),
    "lifetime": (
        "How long they last",
        "Sodium-ion batteries in grid storage keep 80 percent of their capacity after 4,000 cycles.",
        "The test ran for two years at a substation in the north of the country.",
    ),
    "fire": (
        "Fires at storage sites",
        "No sodium-ion battery for grid storage caught fire in the 41 sites that were inspected.",
        "The inspectors came from three insurers and wrote one report together.",
    ),
    "share": (
        "Market shares",
        "Sodium-ion batteries held 6 percent of the grid storage market at the end of the year.",
        "Analysts counted only sites that feed into the public network of the region.",
    ),
    "jobs": (
        "Work in the plants",
        "The largest maker of sodium-ion batteries for grid storage employs 2,300 people.",
        "Most of them assemble packs; a few hundred work on the chemistry of the electrodes.",
    ),
}
PAPER = (
    "Sodium-ion batteries at low temperature",
    "Sodium-ion batteries for grid storage lose 11 percent of their capacity at minus 20 degrees.",
    "The cells were cooled in a chamber for six weeks before they were measured.",
)


@dataclass
class Planted:
    """What stands on the web by now; the tests change it."""

    host: str = ""
    pages: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(PAGES))
    paper: tuple[str, ...] = PAPER
    is_retracted: bool = False
    broken: frozenset[str] = frozenset()
    asked: list[tuple[str, int]] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://{self.host}"

    def answer(self, path: str, tag: str) -> tuple[int, str, bytes]:
        name = path.removeprefix("/")
        if path == "/search":
            return 200, "application/json", self._searched()
        if path == "/works":
            return 200, "application/json", self._works()
        if name in self.broken:
            return 503, "text/plain", b"come back later"
        words = self.paper if name == "paper" else self.pages.get(name)
        if words is None:
            return 404, "text/plain", b"no such page"
        body = _html(words)
        return (304, "", b"") if tag == _tag(body) else (200, "text/html; charset=utf-8", body)

    def _searched(self) -> bytes:
        found = [
            {"url": f"{self.base}/{name}", "title": title, "content": said}
            for name, (title, said, *_) in self.pages.items()
        ]
        return json.dumps({"results": found}).encode()

    def _works(self) -> bytes:
        work: dict[str, Any] = {
            "id": "https://openalex.org/W1",
            "doi": "https://doi.org/10.1234/cold",
            "display_name": self.paper[0],
            "publication_date": "2024-02-13",
            "authorships": [{"author": {"display_name": "Ada Frost"}}],
            "primary_location": {"landing_page_url": "https://doi.org/10.1234/cold"},
            "best_oa_location": {"pdf_url": f"{self.base}/paper"},
            "is_retracted": self.is_retracted,
            "abstract_inverted_index": {},
        }
        return json.dumps({"results": [work]}).encode()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = urlsplit(head.split()[1]).path
            tag = next(
                (line[15:] for line in head.split("\r\n") if line.lower()[:14] == "if-none-match:"),
                "",
            )
            status, kind, body = self.answer(path, tag)
            self.asked.append((path, status))
            lines = [f"HTTP/1.1 {status} So", f"Content-Length: {len(body)}", "Connection: close"]
            lines += [f"Content-Type: {kind}"] if kind else []
            lines += [f"ETag: {_tag(body)}", "Cache-Control: max-age=600"] if b"<p>" in body else []
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()
        finally:
            writer.close()


def _html(words: tuple[str, ...]) -> bytes:
    title, *said = words
    paragraphs = "".join(f"<p>{one}</p>" for one in said)
    page = f"<html><head><title>{title}</title></head><body><main><h1>{title}</h1>{paragraphs}"
    return f"{page}</main></body></html>".encode()


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


@pytest.fixture
async def web() -> AsyncIterator[Planted]:
    planted = Planted()
    server = await asyncio.start_server(planted.talk, "127.0.0.1", 0)
    planted.host = "{}:{}".format(*server.sockets[0].getsockname())
    yield planted
    server.close()
    await server.wait_closed()


@pytest.fixture
def settings(web: Planted, tmp_path: Path) -> Settings:
    return Settings(
        out=tmp_path / "runs",
        cache=tmp_path / "cache",
        engines=("searxng", "openalex"),
        searxng_url=web.base,
        engine_urls={"openalex": f"{web.base}/works"},
        allow_hosts=frozenset({web.host}),
    )


Researching = Callable[..., Any]


@pytest.fixture
def research(settings: Settings) -> Researching:
    async def _research(predecessor: str = "") -> Report:
        question = Question(TOPIC, sources=("web", "scholar"), predecessor=predecessor)
        return await wiring.research(question, settings=settings, embedded=True)

    return _research
