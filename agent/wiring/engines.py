"""Opens the engines that search outside."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import httpx

from agent.adapters.engines import catalogue
from agent.adapters.engines.remembered import Remembered
from agent.adapters.fetching.identity import user_agent
from agent.wiring.caches import cache_folder
from agent.wiring.models import gateway_config
from gateway_client.client import GatewayClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.adapters.turnstile import Turns
    from agent.ports import SearchEngine
    from agent.settings import Settings

LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")


@asynccontextmanager
async def open_engines(
    settings: Settings, arxiv_turns: Turns | None = None
) -> AsyncIterator[list[SearchEngine]]:
    """Open the engines that search outside; what they answer is kept for offline runs.

    ``arxiv_turns`` are taken with other machines; by default this person's on this machine.
    """
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                timeout=settings.search_seconds,
                headers={"User-Agent": user_agent(settings.contact)},
                # a proxy named by the environment is of no use on loopback
                mounts={f"all://{host}": httpx.AsyncHTTPTransport() for host in LOOPBACK_HOSTS},
            )
        )
        means = catalogue.Means(
            client,
            seconds=settings.search_seconds,
            searxng_url=settings.searxng_url,
            arxiv_url=settings.arxiv_url,
            mailto=settings.contact,
            urls=settings.engine_urls,
            search_model=settings.search_model,
            arxiv_turns=arxiv_turns,
        )
        if "gateway" in settings.engines and (config := gateway_config()):
            gateway = await stack.enter_async_context(GatewayClient(config))
            means = replace(means, gateway=gateway.http_client)
        names = settings.engines or catalogue.set_up(means, os.environ)
        engines: list[SearchEngine] = catalogue.chosen(names, means, os.environ)
        folder = cache_folder(settings, "searches")
        if folder is not None:
            offline = settings.offline
            engines = [Remembered(engine, folder, offline=offline) for engine in engines]
        yield engines
