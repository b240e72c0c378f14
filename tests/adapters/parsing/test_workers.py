from __future__ import annotations

import asyncio
import gzip
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.parsing.workers import Parser
from agent.errors import PageUnreadable

WORDS = "Long inputs cost more time and money than a search does, in every test that was made. "
GOOD = (
    f"<html><head><title>T</title></head><body><article><p>{WORDS * 5}</p></article></body></html>"
)
ATTRIBUTES = (
    b"<p " + b" ".join(b'a%d="x"' % number for number in range(200_000)) + b">" + b"x " * 99
)
LINKS = b"<html><body><article><p>" + b'<a href="/x">l</a> ' * 100_000 + b"</article>"
"""Two pages that keep lxml and trafilatura busy for more than 20 s."""
HTML = "text/html"
URL = "https://example.org/a"

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")

Open = Callable[..., Parser]


@pytest.fixture
async def parser() -> AsyncIterator[Open]:
    """Return what opens parsers that are closed in the end."""
    opened: list[Parser] = []

    def open_parser(**settings: Any) -> Parser:
        opened.append(Parser(**settings))
        return opened[-1]

    yield open_parser
    for one in opened:
        await one.aclose()


def processes() -> set[int]:
    """Return the ids of our living children, zombies among them."""
    found: set[int] = set()
    for thread in Path(f"/proc/{os.getpid()}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile
            found.update(map(int, (thread / "children").read_text().split()))
    return found


async def until(true: Callable[[], object]) -> None:
    """Wait until something is so."""
    for _ in range(2_000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


async def read_well(parser: Parser) -> None:
    page = await parser.parse(GOOD.encode(), HTML, "", URL)
    assert (page.url, page.title, page.text.count("Long inputs")) == (URL, "T", 5)


async def test_a_packed_page_is_unpacked_and_read_in_another_process(parser: Open) -> None:
    page = await parser().parse(gzip.compress(GOOD.encode()), HTML, "gzip", URL)
    assert page.text.startswith("Long inputs")


async def test_what_a_worker_cannot_read_it_says_as_we_would(parser: Open) -> None:
    one = parser(workers=1)
    with pytest.raises(PageUnreadable, match="is image/png, which is not read"):
        await one.parse(b"\x89PNG", "image/png", "", URL)
    with pytest.raises(PageUnreadable, match="badly packed"):
        await one.parse(b"not gzip", HTML, "gzip", URL)
    await read_well(one)


async def test_everything_a_page_states_comes_over_the_pipe(
    parser: Open, write_pdf: Callable[..., bytes]
) -> None:
    head = (
        '<meta name="citation_doi" content="10.1000/X"><meta name="author" content="Ann Lee">'
        '<meta property="og:site_name" content="A site"><link rel="canonical" href="/b">'
        '<meta property="article:published_time" content="2024-03-02">'
    )
    one = parser(workers=1)
    page = await one.parse(GOOD.replace("<head>", "<head>" + head).encode(), HTML, "", URL)
    assert page.published
    assert page.published.isoformat() == "2024-03-02"
    assert (page.authors, page.site) == (("Ann Lee",), "A site")
    assert page.canonical_url == "https://example.org/b"
    assert page.publication.doi == "10.1000/x"
    paged = await one.parse(write_pdf(["One."], ["Two."]), "application/pdf", "", URL)
    assert paged.page_starts == (0, 5)


@pytest.mark.parametrize("body", [ATTRIBUTES, LINKS], ids=["attributes", "links"])
async def test_a_document_without_end_is_killed_in_time(parser: Open, body: bytes) -> None:
    one = parser(workers=1, seconds=0.5)
    await one.warm()
    started, before = time.monotonic(), processes()
    with pytest.raises(PageUnreadable, match=r"could not be parsed in 0\.5 s"):
        await one.parse(body, HTML, "", URL)
    assert time.monotonic() - started < 2
    await until(lambda: not before & processes())
    await read_well(one)


async def test_a_worker_killed_from_outside_harms_only_its_document(parser: Open) -> None:
    one = parser(workers=1)
    await one.warm()
    (pid,) = processes()
    doomed = asyncio.create_task(one.parse(LINKS, HTML, "", URL))
    await asyncio.sleep(0.2)
    os.kill(pid, signal.SIGSEGV)
    with pytest.raises(PageUnreadable, match="it made the parser crash"):
        await doomed
    await read_well(one)


async def test_a_worker_that_died_while_idle_harms_no_document(parser: Open) -> None:
    one = parser(workers=1)
    await one.warm()
    (pid,) = processes()
    os.kill(pid, signal.SIGKILL)
    await until(lambda: pid not in processes())
    await asyncio.sleep(0.05)
    await read_well(one)


@pytest.mark.parametrize(
    "markup",
    [b"<p><b>x</b> words</p>" * 300_000, b"<p>" + b"a b " * 2_400_000],
    ids=["tags", "words"],
)
async def test_a_document_that_wants_all_memory_gets_no_more_than_its_share(
    parser: Open, markup: bytes
) -> None:
    one = parser(workers=1, memory_bytes=200_000_000)
    with pytest.raises(PageUnreadable, match=r"too much memory|crash|makes no tree"):
        await one.parse(b"<html><body>" + markup, HTML, "", URL)
    await read_well(one)


async def test_twenty_callers_share_two_workers(parser: Open) -> None:
    one = parser(workers=2)
    await asyncio.gather(*(read_well(one) for _ in range(20)))
    assert len(processes()) == 2


async def test_a_caller_that_gives_up_frees_its_place(parser: Open) -> None:
    one = parser(workers=1)
    await one.warm()
    before = processes()
    given_up = asyncio.create_task(one.parse(LINKS, HTML, "", URL))
    await asyncio.sleep(0.1)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    await read_well(one)
    await until(lambda: not before & processes())


async def test_a_worker_is_replaced_when_it_has_had_its_share(parser: Open) -> None:
    one = parser(workers=1, documents=2)
    await read_well(one)
    before = processes()
    await read_well(one)
    await read_well(one)
    await until(lambda: not before & processes())


async def test_no_process_starts_before_the_first_page(parser: Open) -> None:
    parser()
    assert not processes()


async def test_closing_ends_all_processes_even_those_at_work() -> None:
    one = Parser(workers=2)
    await one.warm(2)
    assert len(processes()) == 2
    at_work = asyncio.create_task(one.parse(LINKS, HTML, "", URL))
    await asyncio.sleep(0.1)
    await one.aclose()
    assert not processes()
    with pytest.raises(PageUnreadable):
        await at_work
    with pytest.raises(PageUnreadable, match="over"):
        await one.parse(GOOD.encode(), HTML, "", URL)
    await one.aclose()


async def test_closing_waits_for_a_worker_that_is_only_starting() -> None:
    one = Parser(workers=1)
    starting = asyncio.create_task(one.warm())
    await asyncio.sleep(0)
    await one.aclose()
    await starting
    assert not processes()


async def test_a_worker_sees_no_secret_of_ours(
    parser: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", "very-secret")
    await parser(workers=1).warm()
    (pid,) = processes()
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"PYTHONPATH=" in environment
    assert b"very-secret" not in environment


ORPHANED = """
import asyncio, contextlib, os, pathlib
from agent.adapters.parsing.workers import Parser

async def main():
    await Parser(workers=1).warm()
    for thread in pathlib.Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            print((thread / "children").read_text(), end="", flush=True)
    os._exit(1)

asyncio.run(main())
"""


async def test_a_worker_ends_with_the_process_it_works_for() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ORPHANED, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await parent.communicate()
    status = Path(f"/proc/{int(said)}/stat")
    await until(lambda: not status.exists() or ") Z" in status.read_text())


async def test_without_processes_left_a_page_says_what_to_mend(
    parser: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    one = parser(workers=1)
    await one.warm()
    with pytest.raises(PageUnreadable, match="no worker process could be started - see whether"):
        await read_well(one)
