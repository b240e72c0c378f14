"""What leaves the machine where somebody traces runs: spans and numbers, nothing that was read."""

import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Run = Callable[..., Awaitable[Any]]

QUESTION = "Do long context windows replace retrieval?"
FROM_OUTSIDE = ("long context", "retrieval-augmented", "Harbour Bench")


class _Collector(BaseHTTPRequestHandler):
    bodies: list[bytes]

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length")
        self.bodies.append(self.rfile.read(int(length)) if length else self._chunks())
        self._answer(202)

    def do_GET(self) -> None:
        self._answer(200)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    bodies: list[bytes] = []
    handler = type("Handler", (_Collector,), {"bodies": bodies})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_run_is_one_trace_of_stages_searches_pages_and_model_calls(
    deep_research: Run,
) -> None:
    done = await deep_research("demo", QUESTION, "--quiet", OTEL_TRACES_EXPORTER="console")
    assert done.status == 0, done.err
    spans = _objects(done.err)
    by_id = {span["context"]["span_id"]: span for span in spans}
    (root,) = (span for span in spans if span["parent_id"] is None)
    assert root["name"] == "research"
    assert root["attributes"]["deep_research.status"] == "complete"
    assert root["attributes"]["deep_research.tokens"] > 1000
    assert {span["context"]["trace_id"] for span in spans} == {root["context"]["trace_id"]}
    above = {span["name"]: by_id[span["parent_id"]]["name"] for span in spans if span is not root}
    assert above["stage retrieve"] == above["stage render"] == "research"
    assert above["search"] == above["read page"] == "stage retrieve"
    assert above["chat auto"].startswith("stage ")
    assert not [words for words in FROM_OUTSIDE if words in done.err]


async def test_spans_go_where_the_usual_variables_say(
    deep_research: Run, collector: tuple[str, list[bytes]]
) -> None:
    address, bodies = collector
    done = await deep_research("demo", QUESTION, "--quiet", OTEL_EXPORTER_OTLP_ENDPOINT=address)
    assert done.status == 0, done.err
    sent = b"".join(bodies)
    assert b"stage synthesize" in sent
    assert not [words for words in FROM_OUTSIDE if words.encode() in sent]


async def test_langsmith_gets_no_texts_unless_that_is_chosen(
    deep_research: Run, collector: tuple[str, list[bytes]]
) -> None:
    address, bodies = collector
    tracing = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": address,
        "LANGSMITH_API_KEY": "none",
        "LANGSMITH_DISABLE_RUN_COMPRESSION": "true",
    }
    done = await deep_research("demo", QUESTION, "--quiet", **tracing)
    assert done.status == 0, done.err
    sent = b"".join(bodies)
    assert b"synthesize" in sent
    assert not [words for words in FROM_OUTSIDE if words.encode() in sent]


async def test_an_exporter_nobody_knows_is_refused_by_name(deep_research: Run) -> None:
    done = await deep_research("demo", "--quiet", OTEL_TRACES_EXPORTER="zipkin")
    assert done.status == 2
    assert "'zipkin' is not known - choose otlp, console or none" in done.err


def _objects(text: str) -> list[dict[str, Any]]:
    return [
        json.loads(found) for found in re.findall(r"^\{\n.*?^\}", text, re.DOTALL | re.MULTILINE)
    ]
