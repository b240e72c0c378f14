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

    from tests.adapters.conftest import Site

HTML = "<html><title>T</title><body><article><p>Words that are worth reading.</p></article></body>"


@pytest.fixture
async def web(site: Site) -> AsyncIterator[WebPages]:
    made = WebPages(allow_hosts=frozenset({site.host}), deadline_seconds=2)
    yield made
    await made.aclose()


def asked(site: Site) -> list[str]:
    return [each.path for each in site.asked]


async def test_a_page_that_robots_txt_forbids_is_not_asked_for(site: Site, web: WebPages) -> None:
    site.serve("/robots.txt", "User-agent: *\nDisallow: /private\n", type="text/plain")
    with pytest.raises(PageUnreadable, match="does not allow it - set DEEP_RESEARCH_ROBOTS=false"):
        await web.read(site.serve("/private/a", HTML))
    assert (await web.read(site.serve("/b", HTML))).title == "T"
    assert asked(site) == ["/robots.txt", "/b"]


async def test_rules_for_us_by_name_come_before_rules_for_all(site: Site, web: WebPages) -> None:
    rules = "User-agent: *\nDisallow: /\n\nUser-agent: Deep-Research-Agent\nDisallow: /*?secret\n"
    site.serve("/robots.txt", rules)
    url = site.serve("/a", HTML)
    assert (await web.read(url)).title == "T"
    with pytest.raises(PageUnreadable, match="does not allow it"):
        await web.read(f"{url}?secret=1")


async def test_robots_txt_is_asked_for_once_however_many_pages_are_read(
    site: Site, web: WebPages
) -> None:
    urls = [site.serve(f"/{number}", HTML) for number in range(5)]
    await asyncio.gather(*(web.read(url) for url in urls))
    assert asked(site).count("/robots.txt") == 1


async def test_a_redirect_to_a_forbidden_page_is_not_followed(site: Site, web: WebPages) -> None:
    site.serve("/robots.txt", "User-agent: *\nDisallow: /b")
    url = site.serve("/a", status=302, headers={"Location": "/b"})
    with pytest.raises(PageUnreadable, match="/b was not asked for"):
        await web.read(url)
    assert "/b" not in asked(site)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_without_robots_txt_everything_is_allowed(
    site: Site, web: WebPages, status: int
) -> None:
    site.serve("/robots.txt", "User-agent: *\nDisallow: /", status)
    assert (await web.read(site.serve("/a", HTML))).title == "T"


@pytest.mark.parametrize("status", [500, 503])
async def test_a_site_whose_rules_are_unknown_is_left_alone(
    site: Site, web: WebPages, status: int
) -> None:
    site.serve("/robots.txt", status=status)
    url = site.serve("/a", HTML)
    for _ in range(2):
        with pytest.raises(PageUnreadable, match=f"robots.txt answered {status}"):
            await web.read(url)
    assert set(asked(site)) == {"/robots.txt"}
    assert len(site.asked) <= 2  # a server that is busy is given a second chance


async def test_a_robots_txt_that_never_ends_counts_as_unknown(site: Site) -> None:
    async def hang(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    site.serve("/robots.txt", reply=hang)
    web = WebPages(allow_hosts=frozenset({site.host}), deadline_seconds=0.3)
    started = time.monotonic()
    with pytest.raises(PageUnreadable, match=r"robots.txt is unknown: .* not read in 0\.3 s"):
        await web.read(site.serve("/a", HTML))
    assert time.monotonic() - started < 2
    await web.aclose()


async def test_a_robots_txt_that_moved_is_followed(site: Site, web: WebPages) -> None:
    site.serve("/robots.txt", status=301, headers={"Location": "/rules"})
    site.serve("/rules", "User-agent: *\nDisallow: /a")
    with pytest.raises(PageUnreadable, match="does not allow it"):
        await web.read(site.serve("/a", HTML))


async def test_a_robots_txt_that_leads_to_a_private_address_is_not_followed(
    site: Site, web: WebPages
) -> None:
    site.serve("/robots.txt", status=301, headers={"Location": "http://169.254.169.254/"})
    with pytest.raises(AddressRefused):
        await web.read(site.serve("/a", HTML))


async def test_rules_behind_the_first_500_kib_are_not_read(site: Site, web: WebPages) -> None:
    comments = "# " + "x" * 500 * 1024 + "\n"
    site.serve("/robots.txt", f"{comments}User-agent: *\nDisallow: /a")
    assert (await web.read(site.serve("/a", HTML))).title == "T"


async def test_a_delay_that_is_asked_for_is_kept(site: Site, web: WebPages) -> None:
    site.serve("/robots.txt", "User-agent: *\nCrawl-delay: 0.3")
    url = site.serve("/a", HTML)
    await web.read(url)
    started = time.monotonic()
    await web.read(url)
    assert time.monotonic() - started >= 0.2


async def test_whoever_may_can_do_without(site: Site) -> None:
    site.serve("/robots.txt", "User-agent: *\nDisallow: /")
    web = WebPages(allow_hosts=frozenset({site.host}), manners=Manners(robots=False))
    assert (await web.read(site.serve("/a", HTML))).title == "T"
    assert asked(site) == ["/a"]
    await web.aclose()
