"""Drives the attempt loop with real requests, for httpx and for httpx2, awaiting or blocking.

Both families have the same names, so a family is a module that is handed in, and the transport
class that fits it is made on the spot.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, cast

import httpx2

from gateway_client.families.awaiting import AsyncShell
from gateway_client.families.blocking import SyncShell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

    from gateway_client.transport import Switchboard


def async_transport(
    switchboard: Switchboard,
    family: ModuleType = httpx2,
    *,
    inner: httpx2.AsyncBaseTransport | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    announce: Callable[[], Awaitable[None]] | None = None,
) -> httpx2.AsyncBaseTransport:
    """Return a transport for the family's AsyncClient; ``inner`` is what it sends through.

    ``announce`` is awaited right before anything is sent, and may raise so that nothing is.
    """
    made = type("GatewayTransport", (AsyncShell, family.AsyncBaseTransport), {})
    return cast("httpx2.AsyncBaseTransport", made(switchboard, family, inner, sleep, announce))


def sync_transport(
    switchboard: Switchboard,
    family: ModuleType = httpx2,
    *,
    inner: httpx2.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> httpx2.BaseTransport:
    """Return a transport for the family's Client; endpoints in this process cannot answer it."""
    made = type("SyncGatewayTransport", (SyncShell, family.BaseTransport), {})
    return cast("httpx2.BaseTransport", made(switchboard, family, inner, sleep))
