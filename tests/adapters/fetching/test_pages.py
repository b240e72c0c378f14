from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from typing import TYPE_CHECKING

import httpx
import pytest

from agent.adapters.fetching import receiving
from agent.adapters.fetching.address_guard import AddressGuard, GuardedTransport
from agent.adapters.fetching.pages import Reader, WebPages
from agent.errors import AddressRefused, PageUnreadable
from agent.testing import ShelfReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.adapters.conftest import Site

PARAGRAPH = "<p>Long inputs cost more time and money than a search does, in every test made.</p>"
HTML = f"<html><head><title>A title</title></head><body><article>{PARAGRAPH * 3}</article></body>"


@pytest.fixture
async def web(site: Site) -> AsyncIterator[WebPages]:
    made = WebPages(allow_hosts=frozenset({site.host.upper()}), deadline_seconds=2)
    yield made
    await made.aclose()


async def refuse(web: WebPages, url: str, said: str) -> None:
    with pytest.raises(PageUnreadable, match=said):
        await web.read(url)


async def test_a_page_is_read_and_told_who_asks(site: Site, web: WebPages) -> None:
    url = site.serve("/a", HTML)
    page = await web.read(url)
    assert (page.url, page.title) == (url, "A title")
    assert page.text.startswith("Long inputs cost more")
    assert site.asked[0].headers["user-agent"].startswith("deep-research-agent/")
    assert "cookie" not in site.asked[0].headers


async def test_redirects_are_followed_and_the_last_address_is_the_pages(
    site: Site, web: WebPages
) -> None:
    end = site.serve("/end", HTML)
    start = site.serve("/a", status=301, headers={"Location": "/b", "Set-Cookie": "a=b"})
    site.serve("/b", status=307, headers={"Location": end})
    assert (await web.read(start)).url == end
    assert all("cookie" not in asked.headers for asked in site.asked)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:8080/",
        "http://169.254.169.254/latest/",
        "//10.0.0.1/",
        "file:///etc/hostname",
        "data:text/html,x",
        "http://2130706433/",
        "\\\\10.0.0.1\\share",
        "http://[::1",
    ],
)
async def test_a_redirect_to_a_private_address_is_refused(
    site: Site, web: WebPages, location: str
) -> None:
    url = site.serve("/a", status=302, headers={"Location": location})
    with pytest.raises(AddressRefused):
        await web.read(url)


async def test_redirects_that_go_round_end(site: Site, web: WebPages) -> None:
    url = site.serve("/a", status=302, headers={"Location": "/a"})
    await refuse(web, url, "more than 5 redirects")
    assert [asked.path for asked in site.asked].count("/a") == 6


@pytest.mark.parametrize("status", [204, 302, 401, 404, 500])
async def test_an_answer_that_is_not_200_is_named(site: Site, web: WebPages, status: int) -> None:
    await refuse(web, site.serve("/a", HTML if status != 204 else "", status), f"answered {status}")


async def test_a_private_server_is_never_asked_unless_it_is_allowed(site: Site) -> None:
    url = site.serve("/a", HTML)
    web = WebPages()
    with pytest.raises(AddressRefused):
        await web.read(url)
    await web.aclose()
    assert site.asked == []


async def test_a_name_that_turns_private_between_check_and_connection_is_refused(
    site: Site,
) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])

    async def flips(host: str) -> Sequence[str]:
        return next(answers)

    guard = AddressGuard(resolve=flips)
    assert await guard.addresses("flip.example.org", 8080) == ("93.184.216.34",)
    transport = GuardedTransport(guard)
    with pytest.raises(AddressRefused, match=r"is at 127\.0\.0\.1"):
        await transport.handle_async_request(httpx.Request("GET", "http://flip.example.org:8080"))
    await transport.aclose()


async def test_the_connection_is_made_to_the_checked_address_under_the_hosts_name(
    site: Site,
) -> None:
    class Pinned(AddressGuard):
        async def addresses(self, host: str, port: int) -> Sequence[str]:
            return ("127.0.0.2" if port == 1 else "127.0.0.1",)

    site.serve("/a", HTML)
    port = site.host.partition(":")[2]
    async with GuardedTransport(Pinned()) as transport:
        url = f"http://no-such-name.example.org:{port}/a"
        response = await transport.handle_async_request(httpx.Request("GET", url))
        assert response.status_code == 200
        await response.aclose()
        assert site.asked[0].headers["host"] == f"no-such-name.example.org:{port}"
        with pytest.raises(httpx.ConnectError, match=r"example\.org does not answer"):
            await transport.handle_async_request(httpx.Request("GET", "http://example.org:1/"))


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("X-Gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
    ],
)
async def test_a_packed_page_is_unpacked(
    site: Site, web: WebPages, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    url = site.serve("/a", pack(HTML.encode()), headers={"Content-Encoding": encoding})
    assert (await web.read(url)).title == "A title"


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        ("br", b"x", "packed as br"),
        (
            "gzip, gzip",
            gzip.compress(gzip.compress(b"x", mtime=0), mtime=0),
            "packed as gzip, gzip",
        ),
        ("gzip", b"no gzip", "badly packed"),
        ("gzip", gzip.compress(HTML.encode(), mtime=0)[:-9], "its end is missing"),
        ("gzip", gzip.compress(b"a", mtime=0) * 2, "in parts"),
    ],
)
async def test_a_page_that_is_badly_packed_is_unreadable(
    site: Site, web: WebPages, encoding: str, body: bytes, said: str
) -> None:
    await refuse(web, site.serve("/a", body, headers={"Content-Encoding": encoding}), said)


async def test_a_gzip_bomb_goes_off_within_the_cap(site: Site, web: WebPages) -> None:
    bomb = gzip.compress(b"\0" * 100_000_000, compresslevel=1)
    url = site.serve("/a", bomb, headers={"Content-Encoding": "gzip"})
    await refuse(web, url, "more than 10,000,000 bytes unpacked")


async def test_a_body_that_is_announced_too_large_is_not_read(site: Site, web: WebPages) -> None:
    async def announce(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(30)

    await refuse(web, site.serve("/a", reply=announce), "more than 10 MB")


async def test_a_body_without_end_is_cut_at_the_cap(
    site: Site, web: WebPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    monkeypatch.setattr(receiving, "MOST_BYTES", 1_000_000)
    await refuse(web, site.serve("/a", reply=endless), "more than 1 MB")


async def test_a_page_that_drips_ends_at_the_deadline(site: Site) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    web = WebPages(allow_hosts=frozenset({site.host}), deadline_seconds=0.3)
    started = time.monotonic()
    await refuse(web, site.serve("/a", reply=drip), r"not read in 0\.3 s")
    assert time.monotonic() - started < 2
    await web.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"no HTTP at all\r\n\r\n",
        b"",
    ],
)
async def test_an_answer_that_breaks_off_is_unreadable(
    site: Site, web: WebPages, answer: bytes
) -> None:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    await refuse(web, site.serve("/a", reply=reply), "gave no answer")


async def test_pages_are_never_fetched_by_way_of_a_proxy(
    site: Site, web: WebPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert (await web.read(site.serve("/a", HTML))).title == "A title"


async def test_a_server_that_is_not_there_is_unreadable() -> None:
    web = WebPages(allow_hosts=frozenset({"127.0.0.1:1"}))
    await refuse(web, "http://127.0.0.1:1/", "gave no answer")
    await web.aclose()


async def test_a_pdf_is_told_by_its_content(
    site: Site, web: WebPages, write_pdf: Callable[..., bytes]
) -> None:
    url = site.serve("/paper", write_pdf(["The whole paper."]), type="application/octet-stream")
    assert (await web.read(url)).text == "The whole paper."


async def test_a_reader_knows_files_from_pages() -> None:
    web, corpus = ShelfReader({"https://a.org": "web"}), ShelfReader({"FILE:///a": "file"})
    assert (await Reader(web, corpus).read("https://a.org")).text == "web"
    assert (await Reader(web, corpus).read("FILE:///a")).text == "file"
    with pytest.raises(AddressRefused, match="no corpus was given"):
        await Reader(web).read("file:///a")
