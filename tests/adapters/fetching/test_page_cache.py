from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from contextlib import asynccontextmanager, closing
from email.utils import formatdate
from typing import TYPE_CHECKING

import httpx
import pytest

from agent.adapters.fetching.address_guard import system_resolve
from agent.adapters.fetching.cache_file import Complaints
from agent.adapters.fetching.cached import RECEIVED, CachedTransport
from agent.adapters.fetching.pages import WebPages
from agent.adapters.fetching.politeness import Manners
from agent.errors import AddressRefused, PageUnreadable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from tests.adapters.conftest import Site

HTML = "<html><title>T</title><body><article><p>Words that are worth reading.</p></article></body>"


class Opened:
    """What opens pages that keep answers in one file, as runs one after the other do."""

    def __init__(self, site: Site, path: Path) -> None:
        self.site = site
        self.path = path

    @asynccontextmanager
    async def run(
        self, *, offline: bool = False, fresh: float = 3600, always_asks: bool = False
    ) -> AsyncIterator[WebPages]:
        async def unasked(host: str) -> Sequence[str]:
            assert not offline, "an offline run asks no resolver either"
            return await system_resolve(host)

        web = WebPages(
            allow_hosts=frozenset({self.site.host}),
            deadline_seconds=2,
            resolve=unasked,
            manners=Manners(fresh_seconds=fresh, always_asks=always_asks),
            cache=self.path,
            offline=offline,
        )
        yield web
        await web.aclose()

    async def read(self, url: str, *, offline: bool = False, fresh: float = 3600) -> str:
        async with self.run(offline=offline, fresh=fresh) as web:
            return (await web.read(url)).url

    def asked(self) -> list[str]:
        """Return the paths asked for since the last call."""
        paths = [each.path for each in self.site.asked]
        self.site.asked.clear()
        return paths


@pytest.fixture
def opened(site: Site, tmp_path: Path) -> Opened:
    return Opened(site, tmp_path / "cache" / "pages.sqlite")


async def test_the_next_run_of_the_day_asks_nobody_for_what_is_kept(
    site: Site, opened: Opened
) -> None:
    end = site.serve("/end", HTML)
    url = site.serve("/a", status=301, headers={"Location": "/end"})
    assert await opened.read(url) == end
    assert opened.asked() == ["/robots.txt", "/a", "/end"]
    assert await opened.read(url) == end
    assert opened.asked() == []


@pytest.mark.parametrize("validator", ["ETag", "Last-Modified"])
async def test_what_is_no_longer_fresh_is_asked_about_and_not_sent_again(
    site: Site, opened: Opened, validator: str
) -> None:
    value = '"one"' if validator == "ETag" else formatdate(time.time() - 5, usegmt=True)
    url = site.serve("/a", HTML, headers={validator: value})
    await opened.read(url)
    site.serve("/a", status=304, headers={validator: value})
    opened.asked()
    assert await opened.read(url, fresh=0) == url
    condition = "if-none-match" if validator == "ETag" else "if-modified-since"
    asked = [each for each in site.asked if each.path == "/a"]
    assert [each.headers[condition] for each in asked] == [value]
    opened.asked()
    assert await opened.read(url) == url  # it has been found good just now
    assert opened.asked() == []


async def test_what_has_changed_takes_the_place_of_what_was_kept(
    site: Site, opened: Opened
) -> None:
    url = site.serve("/a", HTML, headers={"ETag": '"one"'})
    await opened.read(url)
    site.serve("/a", HTML.replace("<title>T", "<title>New"), headers={"ETag": '"two"'})
    async with opened.run(fresh=0) as web:
        assert (await web.read(url)).title == "New"
    async with opened.run(offline=True) as web:
        assert (await web.read(url)).title == "New"


async def test_what_says_how_long_it_is_good_is_used_for_so_long(
    site: Site, opened: Opened
) -> None:
    url = site.serve("/a", HTML, headers={"Cache-Control": "private, max-age=60"})
    await opened.read(url, fresh=0)
    await opened.read(url, fresh=0)
    assert opened.asked().count("/a") == 1


async def test_a_run_on_what_has_changed_asks_whatever_was_promised_and_gets_no_page_twice(
    site: Site, opened: Opened
) -> None:
    promised = {"Cache-Control": "max-age=9999", "ETag": '"1"'}
    url = site.serve("/a", HTML, headers=promised)
    await opened.read(url)
    site.serve("/a", "", status=304, headers=promised)
    async with opened.run(always_asks=True) as web:
        assert (await web.read(url)).text == "Words that are worth reading."
    (asked,) = [each for each in site.asked if "if-none-match" in each.headers]
    assert asked.headers["if-none-match"] == '"1"'


@pytest.mark.parametrize("rule", ["no-cache", "max-age=0, must-revalidate", "no-store"])
async def test_what_must_be_asked_for_again_is(site: Site, opened: Opened, rule: str) -> None:
    url = site.serve("/a", HTML, headers={"Cache-Control": rule})
    await opened.read(url)
    await opened.read(url)
    assert opened.asked().count("/a") == 2


async def test_an_offline_run_reads_what_is_kept_however_stale_and_asks_nobody(
    site: Site, opened: Opened
) -> None:
    end = site.serve("/end", HTML, headers={"Cache-Control": "max-age=0, must-revalidate"})
    url = site.serve("/a", status=308, headers={"Location": "/end"})
    await opened.read(url)
    opened.asked()
    assert await opened.read(url, offline=True, fresh=0) == end
    with pytest.raises(PageUnreadable, match="not in the cache, and this run is offline"):
        await opened.read(site.serve("/new", HTML), offline=True)
    with pytest.raises(AddressRefused):
        await opened.read("http://10.0.0.1/", offline=True)
    assert opened.asked() == []


async def test_what_must_not_be_stored_is_not_there_offline(site: Site, opened: Opened) -> None:
    url = site.serve("/a", HTML, headers={"Cache-Control": "no-store"})
    await opened.read(url)
    with pytest.raises(PageUnreadable, match="not in the cache"):
        await opened.read(url, offline=True)


async def test_an_offline_run_without_a_cache_reads_nothing(site: Site) -> None:
    web = WebPages(allow_hosts=frozenset({site.host}), offline=True)
    with pytest.raises(PageUnreadable, match="this run is offline"):
        await web.read(site.serve("/a", HTML))
    await web.aclose()
    assert site.asked == []


async def test_what_breaks_a_cap_or_breaks_off_is_not_kept(site: Site, opened: Opened) -> None:
    async def breaks_off(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort")
        await writer.drain()

    url = site.serve("/a", reply=breaks_off)
    with pytest.raises(PageUnreadable, match="gave no answer"):
        await opened.read(url)
    with pytest.raises(PageUnreadable, match="not in the cache"):
        await opened.read(url, offline=True)


async def test_runs_at_the_same_time_share_a_file(site: Site, opened: Opened) -> None:
    urls = [site.serve(f"/{number}", HTML) for number in range(10)]

    async def read_all() -> None:
        async with opened.run() as web:
            await asyncio.gather(*map(web.read, urls))

    await asyncio.gather(*(read_all() for _ in range(3)))
    opened.asked()
    await read_all()
    assert opened.asked() == []


@pytest.mark.parametrize("damage", [b"no database at all", b"SQLite format 3\0" + b"\xff" * 9000])
async def test_a_damaged_file_is_made_anew_with_a_word(
    site: Site, opened: Opened, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    opened.path.parent.mkdir()
    opened.path.write_bytes(damage)
    url = site.serve("/a", HTML)
    assert await opened.read(url) == url
    assert opened.asked() == ["/robots.txt", "/a"]
    assert await opened.read(url) == url
    assert opened.asked() == []
    assert "is not used as it could be" in caplog.text


async def test_damage_under_way_costs_no_page(
    site: Site, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    urls = [site.serve(f"/{number}", HTML + "x" * 9000) for number in range(20)]
    async with opened.run() as web:
        await asyncio.gather(*map(web.read, urls))
    whole = bytearray(opened.path.read_bytes())
    whole[8192:] = b"\xee" * (len(whole) - 8192)
    opened.path.write_bytes(bytes(whole))
    async with opened.run() as web:
        assert [(await web.read(url)).url for url in urls] == urls
    opened.asked()
    async with opened.run() as web:
        assert [(await web.read(url)).url for url in urls] == urls
    assert len(opened.asked()) < 5
    assert "is not used as it could be" in caplog.text


async def test_a_file_that_cannot_be_used_costs_no_page(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("a file where a folder should be")
    url = site.serve("/a", HTML)
    assert await Opened(site, tmp_path / "file" / "pages.sqlite").read(url) == url
    with closing(sqlite3.connect(tmp_path / "foreign.sqlite")) as foreign:
        foreign.execute("create table entries (somebodys text)")
    assert await Opened(site, tmp_path / "foreign.sqlite").read(url) == url
    assert not (tmp_path / "foreign.sqlite.damaged").exists()
    assert caplog.text.count("is not used as it could be") == 2


async def test_an_answer_to_whoever_shows_a_key_is_not_kept(tmp_path: Path) -> None:
    asked = 0

    class Network(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal asked
            asked += 1
            return httpx.Response(200, stream=httpx.ByteStream(b"x"))

    cached = CachedTransport(Network(), tmp_path / "c.sqlite", fresh_seconds=9)
    for headers in ({"Authorization": "Bearer k"}, {"Authorization": "Bearer k"}, {}, {}):
        request = httpx.Request("GET", "http://example.org/", headers=headers)
        response = await cached.handle_async_request(request)
    assert asked == 3
    assert RECEIVED in response.headers
    await cached.aclose()


async def test_the_log_of_the_library_is_left_as_it_was(site: Site, opened: Opened) -> None:
    before = list(logging.getLogger("hishel").handlers)
    await opened.read(site.serve("/a", HTML))
    assert logging.getLogger("hishel").handlers == before


def test_another_run_that_holds_the_file_is_no_cause_for_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    complaints = Complaints(tmp_path / "pages.sqlite")
    complaints.hear(sqlite3.OperationalError("database is locked"))
    assert not caplog.records
    complaints.hear(sqlite3.OperationalError("disk I/O error"))
    complaints.hear(sqlite3.OperationalError("disk I/O error"))
    assert len(caplog.records) == 1
    assert not complaints.is_damaged
