"""Decides which addresses may be opened, and sees to it that no other one is connected to."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import httpcore
import httpx

from agent.adapters.own_thread import in_own_thread
from agent.errors import AddressRefused, PageUnreadable

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""From a host name to all of its addresses; raises OSError if it has none."""

PORTS: Final = frozenset({80, 443, 8080, 8443})
LONGEST_URL: Final = 8000
"""As long as every server must take one (RFC 9110, 4.1)."""

PRIVATE_ZONES: Final = (
    "localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "private",
    "home.arpa", "svc", "consul", "onion", "invalid",
)  # fmt: skip
ODD_IPV4: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments; the global ones lead to the own router
        "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24",  # anycast relays
        "168.63.129.16/32",  # the host a virtual machine at Azure runs on
    )
)  # fmt: skip
GLOBAL_IPV6: Final = ipaddress.IPv6Network("2000::/3")
"""All that was ever given out; everything local lies outside."""
ODD_IPV6: Final = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32", "3fff::/20",  # documentation
        "2002::/16",  # 6to4, which leads to any IPv4 address
    )
)  # fmt: skip
NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")

_AUTHORITY: Final = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_ODD_IN_AUTHORITY: Final = re.compile(r"[\s%@]|(?![0-9])\d")
_NAME: Final = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}")
_ENDS_IN_NUMBER: Final = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)$")


async def system_resolve(host: str) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await in_own_thread(lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """The rules: what is public may be opened, and what ``allow`` names as ``host:port``."""

    allow: frozenset[str] = frozenset()
    resolve: Resolve = system_resolve

    def checked(self, url: str) -> httpx.URL:
        """Return the address parsed; raise AddressRefused if its form alone forbids it."""
        if len(url) > LONGEST_URL:
            raise AddressRefused(f"{url[:100]!r}… has {len(url):,} characters")
        authority = _AUTHORITY.match(url)
        if authority is None:
            raise AddressRefused(f"{url!r} is no http:// or https:// address")
        if _FORBIDDEN.search(url) or _ODD_IN_AUTHORITY.search(authority[1]):
            raise AddressRefused(f"{url!r} is not written as an honest address is")
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise AddressRefused(f"{url!r} is no valid address: {error}") from error
        host = parsed.raw_host.decode("ascii").rstrip(".")
        usual = 443 if parsed.scheme == "https" else 80
        self._check_host(host, usual if parsed.port is None else parsed.port)
        return parsed

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses a host may be connected at: all it has, if all are public."""
        if self._is_allowed(host, port):
            return (host,)
        self._check_host(host.rstrip("."), port)
        try:
            found = await self.resolve(host)
        except (OSError, UnicodeError) as error:
            raise PageUnreadable(f"{host} does not resolve") from error
        private = [address for address in found if not is_public(address)]
        if private or not found:
            raise AddressRefused(f"{host} is at {private[0] if private else 'no address'}")
        return tuple(dict.fromkeys(found))

    def _check_host(self, host: str, port: int) -> None:
        """Refuse what needs no resolver to be refused."""
        if self._is_allowed(host, port):
            return
        if port not in PORTS:
            raise AddressRefused(f"{host}:{port}: the port is none of the web's")
        if ":" in host or _ENDS_IN_NUMBER.search(host):  # an address, or one in disguise
            if not is_public(host):
                raise AddressRefused(f"{host} is not a public address")
        elif not _NAME.fullmatch(host) or host.endswith(tuple(f".{z}" for z in PRIVATE_ZONES)):
            raise AddressRefused(f"{host or 'an empty name'} is not the name of a public host")

    def _is_allowed(self, host: str, port: int) -> bool:
        named = f"[{host}]" if ":" in host else host
        return f"{named}:{port}" in self.allow


def is_public(address: str) -> bool:
    """Whether an address, as digits, is one of the public internet."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped or ip in NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        return ip in GLOBAL_IPV6 and not any(ip in network for network in ODD_IPV6)
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in ODD_IPV4)


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to the very address that was checked, so that a name cannot change in between.

    The host's name stays in the request and in the TLS handshake.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first checked address that answers."""
        failed: Exception | None = None
        for address in await self._guard.addresses(host, port):
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise httpcore.ConnectError(f"{host} does not answer: {failed}") from failed


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport on a guarded network; it knows no proxies, which would resolve names."""

    def __init__(self, guard: AddressGuard, *, connections: int = 20) -> None:
        context = httpx.create_ssl_context()  # the environment may name a company's certificates
        super().__init__(verify=context)
        # httpx has no setting for the network below it: its pool is made anew with ours.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            network_backend=GuardedNetwork(guard),
        )
