"""A small web that changes between two runs: pages with entity tags, a SearXNG and an OpenAlex."""

import asyncio
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
        "Sodium-ion batteries in grid storage keep 80 percent of capacity after 4,000 cycles.",
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
    """What stands on the web by now, which the tests change; PAGES is what stood there at first."""

    PAGES = PAGES
    PAPER = PAPER
    host: str = ""
    pages: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(PAGES))
    paper: tuple[str, ...] = PAPER
    is_retracted: bool = False
    is_hidden: bool = False
    broken: frozenset[str] = frozenset()
    asked: list[tuple[str, int]] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://{self.host}"

    def answer(self, path: str, query: str, tag: str) -> tuple[int, str, bytes]:
        name = path.removeprefix("/")
        if path == "/search":
            return 200, "application/json", self._searched()
        if path == "/works":
            hidden = self.is_hidden and "search=" in query
            return 200, "application/json", b'{"results": []}' if hidden else self._works()
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


def _html(words: tuple[str, ...]) -> bytes:
    title, *said = words
    paragraphs = "".join(f"<p>{one}</p>" for one in said)
    page = f"<html><head><title>{title}</title></head><body><main><h1>{title}</h1>{paragraphs}"
    return f"{page}</main></body></html>".encode()


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def _handler(planted: Planted) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, _, path, query, _ = urlsplit(self.path)
            status, kind, body = planted.answer(path, query, self.headers.get("If-None-Match", ""))
            planted.asked.append((path, status))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if kind:
                self.send_header("Content-Type", kind)
            if b"<p>" in body:
                self.send_header("ETag", _tag(body))
                self.send_header("Cache-Control", "max-age=600")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # a connection that finds no room waits a second


@dataclass(frozen=True)
class Begun:
    """A folder in which the topic was researched once, before anything changed."""

    web: Planted
    settings: Settings
    first: Report

    async def again(self, predecessor: str = "") -> Report:
        question = Question(
            TOPIC, sources=("web", "scholar"), predecessor=predecessor or self.first.run.id
        )
        return await wiring.research(question, settings=self.settings, embedded=True)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begun]:
    """Yield the first run, which all tests of a module begin with."""
    planted = Planted()
    server = _Server(("127.0.0.1", 0), _handler(planted))
    planted.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    place = tmp_path_factory.mktemp("first")
    settings = Settings(
        out=place / "runs",
        cache=place / "cache",
        engines=("searxng", "openalex"),
        searxng_url=planted.base,
        engine_urls={"openalex": f"{planted.base}/works"},
        allow_hosts=frozenset({planted.host}),
    )
    question = Question(TOPIC, sources=("web", "scholar"))
    first = asyncio.run(wiring.research(question, settings=settings, embedded=True))
    yield Begun(planted, settings, first)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def begun(once: Begun, tmp_path: Path) -> Begun:
    """Yield that first run in a folder of the test's own, with the web as it was."""
    shutil.copytree(once.settings.out, tmp_path / "runs")
    shutil.copytree(once.settings.cache or tmp_path, tmp_path / "cache")
    web = once.web
    web.pages, web.broken = dict(PAGES), frozenset()
    web.is_retracted = web.is_hidden = False
    web.asked.clear()
    here = {"out": tmp_path / "runs", "cache": tmp_path / "cache"}
    return Begun(web, once.settings.model_copy(update=here), once.first)
