"""Servers that do whatever they like: a page is unreadable then, and nothing else happens."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from agent.adapters.fetching.pages import WebPages
from agent.adapters.fetching.politeness import Manners
from agent.errors import AddressRefused, PageUnreadable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.adapters.conftest import Site

OK = b"HTTP/1.1 200 OK\r\n"
HOSTILE = {
    "a header without end": OK + b"X: " + b"x" * 500_000,
    "a flood of headers": OK + b"X-Name: value\r\n" * 50_000 + b"\r\n",
    "no colon in a header": OK + b"no header at all\r\n\r\n",
    "a NUL in a header": OK + b"X: \x00\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a status below all": b"HTTP/1.1 099 OK\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.9\r\n",
    "HTTP/0.9": b"<html>as it was in the beginning</html>",
    "an unasked switch": b"HTTP/1.1 101 So\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "two lengths": OK + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    "a negative length": OK + b"Content-Length: -1\r\n\r\nabc",
    "a length of many digits": OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nabc",
    "a length that is too long": OK + b"Content-Length: 999\r\n\r\nabc",
    "chunks that break off": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
    "a chunk of no size": OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
    "a chunk of absurd size": OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\nabc",
    "a coding nobody asked for": OK + b"Content-Encoding: zstd\r\nContent-Length: 1\r\n\r\nx",
    "an unknown transfer coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a redirect to nowhere": b"HTTP/1.1 302 So\r\nLocation: \r\nContent-Length: 0\r\n\r\n",
    "a redirect as long as a book": b"HTTP/1.1 302 So\r\nLocation: /%s\r\n\r\n" % (b"a" * 90_000),
    "a redirect in no script": b"HTTP/1.1 302 So\r\nLocation: http://\xff\xfe\xfd/\r\n\r\n",
    "a redirect to itself": b"HTTP/1.1 302 So\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n",
}


@pytest.fixture(params=["uncached", "cached"])
async def web(
    site: Site, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[WebPages]:
    made = WebPages(
        allow_hosts=frozenset({site.host}),
        deadline_seconds=0.5,
        manners=Manners(robots=False),
        cache=tmp_path / "pages.sqlite" if request.param == "cached" else None,
    )
    yield made
    await made.aclose()


@pytest.mark.parametrize("name", HOSTILE)
async def test_whatever_a_server_answers_a_page_is_at_most_unreadable(
    site: Site, web: WebPages, name: str
) -> None:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(HOSTILE[name])
        await writer.drain()

    url = site.serve("/a", reply=reply)
    with pytest.raises(PageUnreadable) as raised:
        await web.read(url)
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (OK + b"X: ", b"x"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1;x=", b"x"),
    ],
)
async def test_an_answer_without_end_ends_at_the_deadline(
    site: Site, web: WebPages, first: bytes, again: bytes
) -> None:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(0.001)

    url = site.serve("/a", reply=reply)
    started = time.monotonic()
    with pytest.raises(PageUnreadable):
        await web.read(url)
    assert time.monotonic() - started < 3


async def test_an_address_without_end_is_refused_briefly(web: WebPages) -> None:
    with pytest.raises(AddressRefused, match="has 100,019 characters") as raised:
        await web.read("http://example.org/" + "a" * 100_000)
    assert len(str(raised.value)) < 300
