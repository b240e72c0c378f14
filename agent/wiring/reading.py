"""Opens what is read: the web, the processes that make text of it, and files of one's own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.adapters.fetching.pages import WebPages
from agent.adapters.fetching.politeness import Manners
from agent.adapters.parsing.kept import KeptPages
from agent.adapters.parsing.workers import Parser
from agent.domain.events import Event
from agent.wiring.caches import cache_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.adapters.corpus import Corpus
    from agent.adapters.fetching.pages import Fetched
    from agent.domain.events import Tell
    from agent.domain.evidence import Page
    from agent.settings import Settings


@dataclass(frozen=True, slots=True)
class Reading:
    """What pages are read with: the web, and the processes that make text of them."""

    web: WebPages
    parser: Parser


@asynccontextmanager
async def open_reading(settings: Settings, *, revalidating: bool = False) -> AsyncIterator[Reading]:
    """Open the web for reading; the first process is made ready while the first search runs.

    ``revalidating`` asks of every page that is kept whether it is still good.
    """
    parser = Parser(seconds=settings.parse_seconds)
    made = cache_folder(settings, "parsed")
    parsing = KeptPages(parser, made) if made else parser

    async def parse(fetched: Fetched) -> Page:
        return await parsing.parse(
            fetched.body, fetched.content_type, fetched.encoding, fetched.url
        )

    manners = Manners(robots=settings.robots, contact=settings.contact, always_asks=revalidating)
    folder = cache_folder(settings, "pages")
    web = WebPages(
        allow_hosts=settings.allow_hosts,
        deadline_seconds=settings.page_seconds,
        manners=manners,
        cache=folder / "pages.sqlite" if folder else None,
        offline=settings.offline,
        parse=parse,
    )
    warming = asyncio.create_task(parser.warm())
    try:
        yield Reading(web, parser)
    finally:
        warming.cancel()
        await asyncio.wait({warming})
        await web.aclose()
        await parser.aclose()


@asynccontextmanager
async def open_corpus(
    settings: Settings, parser: Parser, tell: Tell
) -> AsyncIterator[Corpus | None]:
    """Open the corpus, if there is one, and bring its index up to date."""
    if not settings.corpus:
        yield None
        return
    from agent.adapters.corpus import Corpus  # noqa: PLC0415 - few runs have one

    async def parse(body: bytes, content_type: str, url: str) -> Page:
        return await parser.parse(body, content_type, "", url)

    def told(done: int, total: int) -> None:
        tell(Event("retrieve", f"{done:,} of {total:,} new files of the corpus are indexed"))

    corpus = Corpus(
        settings.corpus, cache=cache_folder(settings, "corpus"), parse=parse, on_progress=told
    )
    try:
        await corpus.prepare()
        yield corpus
    finally:
        await corpus.aclose()
