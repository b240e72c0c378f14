"""Finds the way to an endpoint: with or without certificates, by a proxy or straight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

if TYPE_CHECKING:
    from gateway_client.catalog import Endpoint


UNLIMITED: Final = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
"""How many calls there are at once, callers and rpm limits decide."""

LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}

Way = tuple[bool, str | None]
"""Whether certificates are needed, which cost 40 ms to load, and the proxy, if there is one."""


def way_to(endpoint: Endpoint) -> Way:
    """Return the way; clients look for proxies only if they make their own transport."""
    url = urlsplit(endpoint.base_url)
    host = url.hostname or ""
    bypassed = host in LOOPBACK or bool(proxy_bypass(host))
    proxy = None if bypassed else getproxies().get(url.scheme)
    return url.scheme == "https" or proxy is not None, proxy


def network(way: Way) -> httpx2.AsyncBaseTransport:
    """Return the fastest transport that is installed, whatever family is served."""
    verify, proxy = way
    try:
        from gateway_client.families.aiohttp_transport import AiohttpTransport  # noqa: PLC0415 - optional
    except ImportError:
        return httpx2.AsyncHTTPTransport(verify=verify, proxy=proxy, limits=UNLIMITED)
    return AiohttpTransport(verify=verify, proxy=proxy)
