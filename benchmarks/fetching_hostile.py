"""Reads hostile addresses, names, redirects and bodies, and counts what got through.

Prints one JSON object. ``packets_to_private`` counts connections begun to an address that is not
public, other than to the loopback server the reader was allowed; it has to be 0, as have
``got_through``, ``other_errors`` and ``overdue``. ``refused_wrongly`` are honest addresses that
were refused. A redirect that is ``unreadable`` led back to the server it came from.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import httpcore

from agent.adapters.fetching.address_guard import AddressGuard, is_public
from agent.adapters.fetching.pages import WebPages
from agent.adapters.fetching.politeness import Manners
from agent.errors import AddressRefused, PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FLIPS, SECONDS, GRACE = 1_000, 1.0, 1.0
PUBLIC: Final = "93.184.215.14"
HOSTS: Final = """
    127.0.0.1 127.1 127.0.1 0 0.0.0.0 10.0.0.1 172.16.9.9 192.168.1.1 169.254.169.254 100.64.0.1
    192.0.0.8 192.0.2.7 198.18.3.3 203.0.113.1 224.0.0.1 255.255.255.255 168.63.129.16
    2130706433 017700000001 0x7f000001 0x7f.1 0177.0.0.1 0x7f.0x0.0x0.0x1 127.0.0.0x1 0300.0250.0.1
    00000000177.0.0.1 127.0.0.1. 2130706433. 0x7f000001. 4294967295 99999999999 256.256.256.256
    1.2.3 1.2.3.4.5 0x 1.0x [::] [::1] [0::1] [0000:0000:0000:0000:0000:0000:0000:0001]
    [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:a9fe:a9fe] [::127.0.0.1] [::7f00:1]
    [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::a00:1] [64:ff9b:1::a00:1]
    [2002:7f00:1::] [2002:a9fe:a9fe::1] [2001:0:7f00:1::] [2001::1] [2001:20::1] [2001:db8::1]
    [3fff::1] [5f00::1] [fe80::1] [fe80::1%25eth0] [fe80::1%eth0] [fec0::1] [fc00::1]
    [fd00:ec2::254] [ff02::1] [100::1] [::1 ::1] ::1 [::1]x [127.0.0.1] [v1.x] []
    localhost LOCALHOST localhost. a.localhost localhost.localdomain printer.local db.internal
    metadata.google.internal x.svc.cluster.local host.docker.internal x.lan x.home.arpa x.corp
    metadata intranet searxng redis x.consul x.svc x.onion
    \u2460\u2461\u2466.0.0.1 \uff11\uff12\uff17.\uff10.\uff10.\uff11 127\u30020\u30020\u30021
    127\uff0e0\uff0e0\uff0e1 127\uff610\uff610\uff611 \u0661\u0662\u0667.0.0.1 \u217ccalhost
    loc\u00adalhost \u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3 %31%32%37.0.0.1
    127.0.0.1%2eexample.org example.org%00.x.org example.org%2f@127.0.0.1 example.org%40127.0.0.1
    user@example.org user:word@example.org example.org@127.0.0.1 127.0.0.1;@example.org
    example.org:22 example.org:25 example.org:6379 example.org:0 example.org:65536 example.org:-80
    example.org:80:80 example.org:8o example.org:\uff18\uff10 -a.org a-.org a..org .org
""".split()  # fmt: skip
ADDRESSES: Final = (
    *(f"http://{host}/" for host in HOSTS),
    "file:///etc/hostname", "FILE:/etc/hostname", "ftp://example.org/", "gopher://127.0.0.1:6379/_x",
    "dict://127.0.0.1:11211/", "jar:http://127.0.0.1!/", "data:text/html,x", "javascript:alert(1)",
    "ldap://127.0.0.1/", "unix:///run/x.sock", "ws://127.0.0.1/", "blob:http://127.0.0.1/x",
    "http:/127.0.0.1/", "http:127.0.0.1", "http:///127.0.0.1/", "http:\\\\127.0.0.1\\", "",
    "http://", "http://:80/", "http://?x", "http://#@127.0.0.1/", " http://127.0.0.1/",
    "http://127.0.0.1\\@example.org/", "http://example.org\\@127.0.0.1/",
    "http://127.0.0.1#@example.org/", "http://127.0.0.1?@example.org/",
    "http://127.0.0.1 .example.org/", "http://127.0.0.1\t/", "ht\ntp://127.0.0.1/",
    "http://exa\nmple.org/", "http://example.org/\r\nHost: 127.0.0.1", "http://example.org/\x00",
    f"http://{'a' * 64}.org/", f"http://{'a.' * 130}org/", f"http://example.org/{'a' * 100_000}",
)  # fmt: skip
HONEST: Final = (
    "https://example.org/", "http://EXAMPLE.org./", "https://example.org:443/a@b", "http://8.8.8.8/",
    "https://example.org:8443/?q=%E2%9C%93#part", "https://b\u00fccher.example.org/",
    "https://\u4f8b\u5b50.example.org/", "https://xn--fsqu00a.example.org/", "https://0x7f.example.org/",
    "https://[2606:4700::1111]/", "https://127.0.0.1.example.org/", "https://a_b.example.org:8080/",
)  # fmt: skip

OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED: Final = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB: Final = gzip.compress(b"\0" * 1_000_000_000, compresslevel=9)
BODIES: Final[dict[str, tuple[bytes, bytes]]] = {
    "gzip bomb of 1 GB": (OK + b"Content-Encoding: gzip\r\n\r\n" + BOMB, b""),
    "gzip bomb in gzip": (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(BOMB), b""),
    "two codings": (OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(BOMB), b""),
    "br": (OK + b"Content-Encoding: br\r\n\r\nx", b""),
    "zstd": (OK + b"Content-Encoding: zstd\r\n\r\nx", b""),
    "slow drip": (OK + b"\r\n", b"x"),
    "slow header": (OK + b"X: ", b"x"),
    "body without end": (OK + b"\r\n", b"x" * 2**16),
    "chunks without end": (CHUNKED, b"10000\r\n" + b"x" * 2**16 + b"\r\n"),
    "chunk extension without end": (CHUNKED + b"1;x=", b"x" * 2**12),
    "length of a terabyte": (OK + b"Content-Length: 1000000000000\r\n\r\nx", b""),
    "length of 5,000 digits": (OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nx", b""),
    "length too long": (OK + b"Content-Length: 100\r\n\r\nx", b""),
    "headers without end": (OK, b"X-A: b\r\n" * 1000),
    "early hints without end": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100),
    "no status line": (b"hello\r\n\r\n", b""),
    "no number for a status": (b"HTTP/1.1 OK\r\n\r\n", b""),
    "a redirect of 90 kB": (b"HTTP/1.1 302 So\r\nLocation: /" + b"a" * 90_000 + b"\r\n\r\n", b""),
    "a redirect that goes round": (b"HTTP/1.1 302 So\r\nLocation: /\r\n\r\n", b""),
    "silence": (b"", b""),
}

connections: list[tuple[str, int]] = []


def record_connections(allowed: Callable[[int], bool]) -> None:
    """Note whom the network is told to connect to; let only loopback's allowed ports be reached."""
    connect = httpcore.AnyIOBackend.connect_tcp

    async def noting(
        self: httpcore.AnyIOBackend,
        host: str,
        port: int,
        *more: Any,  # noqa: ANN401 - handed on as it is
    ) -> httpcore.AsyncNetworkStream:
        if host == "127.0.0.1" and allowed(port):
            return await connect(self, host, port, *more)
        connections.append((host, port))
        raise httpcore.ConnectError("no further than this")

    httpcore.AnyIOBackend.connect_tcp = noting  # type: ignore[assignment, method-assign]


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Redirect to what the path of ``/to/`` says, or answer with the body it names."""
    try:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        if path.startswith("/to/"):
            target = ADDRESSES[int(path[4:])].encode()
            writer.write(b"HTTP/1.1 302 So\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % target)
            await writer.drain()
            return
        first, again = BODIES[unquote(path[1:]) or "a redirect that goes round"]
        writer.write(first)
        await writer.drain()
        if not first + again:
            await reader.read()  # until the other side gives up
        while again:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(0.01)
    except (ConnectionError, asyncio.IncompleteReadError, KeyError, ValueError):
        pass
    finally:
        writer.close()


async def outcome(web: WebPages, url: str) -> str:
    """Return how the reading of an address ended."""
    started = time.monotonic()
    try:
        await web.read(url)
        ended = "got_through"
    except AddressRefused:
        ended = "refused"
    except PageUnreadable:
        ended = "unreadable"
    except Exception as error:  # noqa: BLE001 - any other error is what is looked for
        ended = f"other_errors: {type(error).__name__}"
    return ended if time.monotonic() - started < SECONDS + GRACE else "overdue"


async def counted(web: WebPages, urls: Sequence[str]) -> dict[str, int]:
    """Return how often reading ended in which way."""
    endings = [await outcome(web, url) for url in urls]
    return {ending: endings.count(ending) for ending in sorted(set(endings))}


async def flips() -> dict[str, Any]:
    """Read pages of names that are public when first asked and private when asked again, or so."""
    chance = random.Random(7)  # noqa: S311 - the same names each time
    asked: dict[str, int] = {}

    async def flip(host: str) -> Sequence[str]:
        asked[host] = asked.get(host, 0) + 1
        private = chance.choice(["127.0.0.1", "10.0.0.1", "::1", "::ffff:169.254.169.254"])
        if asked[host] % 2 == int(host[1:].partition(".")[0]) % 2:
            return [PUBLIC]
        return chance.choice([[private], [PUBLIC, private], [private, PUBLIC]])

    web = WebPages(
        deadline_seconds=SECONDS, resolve=flip, manners=Manners(robots=False, spacing_seconds=0)
    )
    urls = [f"http://f{number}.example.org/" for number in range(FLIPS // 2) for _ in range(2)]
    ended = await counted(web, urls)
    await web.aclose()
    return {"reads": len(urls), "lookups": sum(asked.values()), **ended}


async def main() -> None:
    """Print what was counted, as JSON."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    host = f"127.0.0.1:{port}"
    record_connections(lambda asked: asked == port)

    async def elsewhere(_: str) -> Sequence[str]:
        return [PUBLIC]

    web = WebPages(
        allow_hosts=frozenset({host}),
        deadline_seconds=SECONDS,
        resolve=elsewhere,
        manners=Manners(robots=False, spacing_seconds=0),
    )
    guard = AddressGuard()
    figures = {
        "addresses": await counted(web, ADDRESSES),
        "redirects": await counted(
            web, [f"http://{host}/to/{number}" for number in range(len(ADDRESSES))]
        ),
        "refused_wrongly": [url for url in HONEST if not _passes(guard, url)],
        "flips": await flips(),
        "bodies": await counted(web, [f"http://{host}/{name}" for name in BODIES]),
        "packets_to_private": sum(not is_public(address) for address, _ in connections),
    }
    await web.aclose()
    await asyncio.sleep(0.1)  # for the server to notice
    server.close()
    print(json.dumps(figures, indent=2))


def _passes(guard: AddressGuard, url: str) -> bool:
    try:
        guard.checked(url)
    except AddressRefused:
        return False
    return True


if __name__ == "__main__":
    asyncio.run(main())
