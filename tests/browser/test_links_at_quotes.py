"""The links of a report open a page at the quoted words."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from playwright.sync_api import Browser

from agent.domain.evidence import Source
from agent.domain.fragments import words_before
from agent.rendering.links import at_quote

READ_AT = datetime(2026, 11, 22, tzinfo=UTC)
LONG = (
    "The median seasonal performance factor of the heat pumps was 2.8, measured - with care - over"
    " the first full heating season, as the manufacturers' data sheets say."
)
CHINESE = (
    "实测表明，夏季晴天午后公园内气温平均比周围街区低 1.5 ℃，夜间温差缩小到 0.6 ℃，无风时仍然明显。"
)
QUOTES = {
    "long": LONG,
    "short": "50% of A & B, so-called",
    "chinese": CHINESE,
    "few": "降温效应显著",
}
TWICE = "It fell by 9 percent in all of the homes that had been measured before and after."
"""Stands in two paragraphs; the second is the one that is quoted."""
FILLER = "".join(f"<p>Paragraph {n} of something else.</p>" for n in range(200))
PAGE = (
    f"<!doctype html><meta charset=utf-8>{FILLER}"
    + FILLER.join(
        f"<p id={name}>So it is said. {quote.replace('&', '&amp;')}</p>"
        for name, quote in QUOTES.items()
    )
    + "".join(
        f"<p id={name}>In {where} homes, so it was. {TWICE}</p>{FILLER}"
        for name, where in (("first", "new"), ("second", "old"))
    )
)


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", QUOTES)
def test_a_link_opens_the_page_at_the_quote(browser: Browser, address: str, name: str) -> None:
    source = Source("S1", "web", address, "A page", "0" * 64, READ_AT, (), read_url=address)
    _opens(browser, at_quote(source, QUOTES[name]), name)


def test_of_two_places_with_the_same_words_the_quoted_one_is_opened(
    browser: Browser, address: str
) -> None:
    text = re.sub(r"<[^>]*>", "\n", PAGE)
    source = Source("S1", "web", address, "A page", "0" * 64, READ_AT, (), read_url=address)
    for name, start in (("first", text.index(TWICE)), ("second", text.rindex(TWICE))):
        before = words_before(text, start, start + len(TWICE))
        assert before == ("old homes, so it was." * (name == "second"))
        _opens(browser, at_quote(source, TWICE, start, before), name)


def _opens(browser: Browser, link: str | None, name: str) -> None:
    page = browser.new_page()
    page.goto(str(link))
    page.wait_for_function(
        f"() => {{ const at = document.getElementById('{name}').getBoundingClientRect();"
        " return at.top >= 0 && at.bottom <= innerHeight; }",
        timeout=5_000,
    )
    page.close()
