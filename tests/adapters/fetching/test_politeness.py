from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from agent.adapters.fetching import politeness
from agent.adapters.fetching.identity import user_agent
from agent.adapters.fetching.pages import WebPages
from agent.adapters.fetching.politeness import Manners, PoliteTransport
from agent.adapters.fetching.receiving import Allowance
from agent.adapters.retry_after import retry_after
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from tests.adapters.conftest import Site

HTML = "<html><title>T</title><body><article><p>Words that are worth reading.</p></article></body>"


def pages(site: Site, *, seconds: float = 2, per_host: int = 4, contact: str = "") -> WebPages:
    manners = Manners(robots=False, per_host=per_host, per_own_host=per_host, contact=contact)
    hosts = frozenset({site.host})
    return WebPages(allow_hosts=hosts, deadline_seconds=seconds, manners=manners)


def serve_in_turn(site: Site, *answers: bytes) -> str:
    """Answer each request of /a with the next answer, the last for ever."""
    left = list(answers)

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    return site.serve("/a", reply=reply)


def answer(status: int, headers: str = "", body: str = "") -> bytes:
    size = len(body.encode())
    return f"HTTP/1.1 {status} So\r\nContent-Length: {size}\r\n{headers}\r\n{body}".encode()


GOOD = answer(200, "Content-Type: text/html\r\n", HTML)


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbroken",
        answer(502),
        answer(504),
        answer(503),
        answer(429, "Retry-After: 0\r\n"),
        answer(503, "Retry-After: 1\r\n"),
    ],
)
async def test_bad_luck_is_tried_again_once(site: Site, first: bytes) -> None:
    web = pages(site)
    assert (await web.read(serve_in_turn(site, first, GOOD))).title == "T"
    assert len(site.asked) == 2
    await web.aclose()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_that_stays_broken_is_not_asked_a_third_time(
    site: Site, status: int
) -> None:
    web = pages(site)
    with pytest.raises(PageUnreadable, match=f"answered {status}"):
        await web.read(serve_in_turn(site, answer(status)))
    assert len(site.asked) <= 2
    await web.aclose()


async def test_a_host_that_wants_a_long_rest_is_left_alone_by_all_its_pages(site: Site) -> None:
    web = pages(site)
    url = serve_in_turn(site, answer(429, "Retry-After: 3600\r\n"), GOOD)
    other = site.serve("/b", HTML)
    for address in (url, url, other):
        with pytest.raises(PageUnreadable, match=r"to be left alone until 20.* UTC - run again"):
            await web.read(address)
    assert len(site.asked) == 1
    await web.aclose()


async def test_a_host_asked_too_often_twice_is_left_alone(site: Site) -> None:
    web = pages(site)
    url = serve_in_turn(site, answer(429))
    for _ in range(2):
        with pytest.raises(PageUnreadable, match="to be left alone until"):
            await web.read(url)
    assert len(site.asked) == 2
    await web.aclose()


async def test_no_host_is_asked_for_more_at_a_time_than_is_polite(site: Site) -> None:
    now = most = 0

    async def slow(writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        writer.write(GOOD)
        await writer.drain()

    web = pages(site, per_host=3)
    url = site.serve("/a", reply=slow)
    await asyncio.gather(*(web.read(url) for _ in range(12)))
    assert most == 3
    await web.aclose()


async def test_waiting_for_ones_turn_is_not_the_pages_time(site: Site) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(GOOD)
        await writer.drain()

    web = pages(site, per_host=1, seconds=0.6)
    url = site.serve("/a", reply=slow)
    await asyncio.gather(*(web.read(url) for _ in range(4)))
    await web.aclose()


async def test_a_turn_that_does_not_come_is_not_waited_for_without_end(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)

    monkeypatch.setattr(politeness, "PATIENCE", 0.1)
    web = pages(site, per_host=1, seconds=0.5)
    url = site.serve("/a", reply=slow)
    answers = await asyncio.gather(web.read(url), web.read(url), return_exceptions=True)
    assert "not read in 0.5 s" in str(answers[0])
    assert "could not be asked within 0.1 s" in str(answers[1])
    await web.aclose()


async def test_requests_to_a_strange_host_are_spaced_and_to_ones_own_are_not() -> None:
    class Network(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=httpx.ByteStream(b""))

    own = frozenset({"own.example.org:80"})
    polite = PoliteTransport(Network(), Manners(spacing_seconds=0.1), own, connections=9)

    async def took(host: str) -> float:
        started = time.monotonic()
        requests = [
            httpx.Request("GET", f"http://{host}/", extensions={"allowance": Allowance(1)})
            for _ in range(4)
        ]
        await asyncio.gather(*map(polite.handle_async_request, requests))
        return time.monotonic() - started

    assert await took("strange.example.org") >= 0.29
    assert await took("own.example.org") < 0.2


async def test_a_server_is_told_whom_it_may_write_to(site: Site) -> None:
    web = pages(site, contact="me@example.org")
    await web.read(site.serve("/a", HTML))
    assert site.asked[0].headers["user-agent"] == user_agent("me@example.org")
    assert user_agent("me@example.org").endswith("(mailto:me@example.org)")
    await web.aclose()


def test_retry_after_is_read_in_both_of_its_forms() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=100)
    assert 90 < (retry_after(format_datetime(soon, usegmt=True)) or 0) <= 100
    assert retry_after(" 7 ") == 7
    assert retry_after("9" * 400) == 86_400
    assert retry_after("Thu, 01 Jan 1970 00:00:00 -0000") == 0
    assert retry_after("soon") is None
    assert retry_after(None) is None
